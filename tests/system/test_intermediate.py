# SPDX-License-Identifier: LGPL-2.1-or-later
"""ikev2-intermediate (RFC 9242) with a second implementation: IntAuth as 3.3.2 has it, over whole messages and over
fragments; a wrong one is refused."""

import struct

import ikepy
from lab import Lab, check, connection, main
from test_fragmentation import Splitter

IKE_INTERMEDIATE, INTERMEDIATE_EXCHANGE_SUPPORTED = 43, 16438


def with_intermediate(kind):
    class Intermediate(kind):
        """IntAuth of the messages as `protect` and `unprotect` have them in plain."""

        intauth = {False: b'', True: b''}
        mid = None

        def init_extra(self):
            return super().init_extra() + [ikepy.notify(INTERMEDIATE_EXCHANGE_SUPPORTED)]

        def chunk(self, message):
            if message.exchange != IKE_INTERMEDIATE:
                return
            plain = message.chain()
            a = message.header(ikepy.SK, 32 + len(plain)) + struct.pack('>BBH', message.first(), 0, 4 + len(plain))
            key = self.keys.pr if message.response else self.keys.pi
            self.intauth = dict(self.intauth)
            self.intauth[message.response] = ikepy.prf(key, self.intauth[message.response] + a + plain)

        def outgoing(self, message):
            self.chunk(message)

        def incoming(self, message):
            self.chunk(message)

        def signed_also(self):
            if not self.intauth[True]:
                return b''
            if self.mid is None:
                self.mid = self.next_out if self.initiator else self.next_in
            return self.intauth[False] + self.intauth[True] + struct.pack('>I', self.mid)

    return Intermediate


def daemon(a, b, size=1280):
    a.ravelind(connection('py', a.wire4, b.wire4, 'west.example', 'east.example', local_ts=a.net4, remote_ts=b.net4,
                          proposals='aes128gcm16-prfsha256-x25519', esp='aes128gcm16', extra='encap = never',
                          plugins='ravelin { plugins { ikev2-fragmentation { fragment_size = %d } } }' % size))


def exchanges(kind, n, spoil=None):
    """n exchanges before IKE_AUTH; the peer, the answer of IKE_AUTH's refusal or None."""
    with Lab() as lab:
        a, b = lab.hosts
        daemon(a, b)
        p = with_intermediate(kind)(b, a.wire4, 'east.example', 'west.example', ts=(b.net4, a.net4),
                                    esp=[t for t in ikepy.ESP_GCM if t[0] != ikepy.KE_METHOD])
        answer = p.init()
        check(answer.notified(INTERMEDIATE_EXCHANGE_SUPPORTED) is not None, 'it was not negotiated')
        for i in range(n):
            answer = p.ask(IKE_INTERMEDIATE, [ikepy.notify(40960 + i, bytes(200))] * i)
            check(not answer.error(), f'the answer is {answer.payloads}')
        if spoil:
            spoil(p)
            try:
                p.auth()
            except Exception as e:  # pylint: disable=broad-except
                check('refused with 24' in str(e), str(e))
                return
            raise AssertionError('a wrong IntAuth was accepted')
        p.auth()
        check(len(a.json('list', 'child')) == 1, 'no child SA')
        check(not p.ask(ikepy.INFORMATIONAL, []).error(), 'it does not answer')
        p.close()


def one_exchange():
    exchanges(ikepy.Peer, 1)


def three_exchanges():
    exchanges(ikepy.Peer, 3)


def three_exchanges_in_fragments():
    exchanges(Splitter, 3)


def a_wrong_intauth_is_refused():
    def spoil(p):
        p.intauth[False] = p.intauth[False][:-1] + bytes([p.intauth[False][-1] ^ 1])
    exchanges(ikepy.Peer, 2, spoil)


def a_wrong_message_id_in_it_is_refused():
    def spoil(p):
        p.mid = 1
    exchanges(ikepy.Peer, 2, spoil)


if __name__ == '__main__':
    main([one_exchange, three_exchanges, three_exchanges_in_fragments, a_wrong_intauth_is_refused,
          a_wrong_message_id_in_it_is_refused])
