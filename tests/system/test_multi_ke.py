# SPDX-License-Identifier: LGPL-2.1-or-later
"""ikev2-multi-ke (RFC 9370) over ikev2-intermediate (RFC 9242): with a second implementation from the RFC's text, and with
strongSwan 6 of Debian sid, which tests/system/sid installs, in both roles."""

import os
import struct

import ikepy
from lab import Capture, Lab, check, connection, main, wait
from sid import sid
from test_intermediate import IKE_INTERMEDIATE, with_intermediate

IKE_FOLLOWUP_KE, ADDITIONAL_KEY_EXCHANGE, STATE_NOT_FOUND = 44, 16441, 47
KE1, KE2 = 6, 7
SUITE = ikepy.GCM + [(KE1, ikepy.ECP_256, 0), (KE2, ikepy.MODP_2048, 0)]
ESP = ikepy.ESP_GCM[:2] + [(KE1, ikepy.ECP_256, 0), (ikepy.ESN, 0, 0)]
MLKEM = dict(proposals='aes256gcm16-prfsha384-x25519-ke1_mlkem768', esp='aes256gcm16-x25519-ke1_mlkem768')
WORDS = dict(proposals='aes128gcm16-prfsha256-x25519-ke1_ecp256-ke2_modp2048', esp='aes128gcm16-x25519-ke1_ecp256')


def ke(method):
    return (ikepy.KE, struct.pack('>HH', method.group, 0) + method.public)


class Several(with_intermediate(ikepy.Peer)):
    """Additional key exchanges of both kinds, as initiator and as responder."""

    def further(self, suite):
        return [ident for kind, ident, _ in sorted(suite) if 6 <= kind <= 12 and ident]

    def mix(self, shared):
        skeyseed = ikepy.prf(self.keys.d, shared + self.ni + self.nr)
        self.keys = ikepy.Keys(self.suite, skeyseed, self.ni, self.nr, self.spi_i, self.spi_r)

    def init(self):
        answer = super().init()
        for group in self.further(self.suite):
            method = ikepy.Method(group)
            answer = self.ask(IKE_INTERMEDIATE, [ke(method)])
            check(not answer.error(), f'an additional key exchange was refused with {answer.error()}')
            self.mix(method.shared(answer.get(ikepy.KE)[4:]))
        return answer

    def on_init(self, request):
        self.due = self.further(self.suite)
        return super().on_init(request)

    def follow(self, answer, suite):
        """The shared secrets of the follow-ups of an answer to CREATE_CHILD_SA."""
        shared, link = b'', answer.notified(ADDITIONAL_KEY_EXCHANGE)
        for group in self.further(suite):
            method = ikepy.Method(group)
            check(link, 'there is no link to follow')
            answer = self.ask(IKE_FOLLOWUP_KE, [ke(method), ikepy.notify(ADDITIONAL_KEY_EXCHANGE, link)])
            check(not answer.error(), f'a follow-up was refused with {answer.error()}')
            shared += method.shared(answer.get(ikepy.KE)[4:])
            link = answer.notified(ADDITIONAL_KEY_EXCHANGE)
        check(not link, 'there is a link behind the last follow-up')
        return shared

    def successor(self, shared, ni, nr, spi_i, spi_r):
        more = self.follow(self.last, self.suite)
        skeyseed = ikepy.prf(self.keys.d, shared + ni + nr + more)
        return ikepy.Keys(self.suite, skeyseed, ni, nr, spi_i, spi_r)

    def add_child(self, spi, message, seed, shared=b'', old=None):
        if message.exchange == ikepy.CREATE_CHILD_SA and message.response:
            seed += self.follow(message, self.esp)
        super().add_child(spi, message, seed, shared, old)

    def ask(self, exchange, payloads):
        answer = super().ask(exchange, payloads)
        if exchange == ikepy.CREATE_CHILD_SA:
            self.last = answer
        return answer

    # as responder of IKE_SA_INIT

    def on_other(self, request):
        check(request.exchange == IKE_INTERMEDIATE and self.due, f'exchange {request.exchange} is not due')
        method = ikepy.Method(self.due.pop(0))
        check(request.get(ikepy.KE)[:2] == struct.pack('>H', method.group), 'it is another method')
        self.pending = method.shared(request.get(ikepy.KE)[4:])
        return [ke(method)]

    def answered(self, request):
        super().answered(request)
        if request.exchange == IKE_INTERMEDIATE:
            self.mix(self.pending)


def daemon(a, b, **more):
    a.ravelind(connection('py', a.wire4, b.wire4, 'west.example', 'east.example', local_ts=a.net4, remote_ts=b.net4,
                          extra='encap = never', **WORDS, **more))


def keymat(child):
    """The first direction's key with its salt, from KEYMAT (RFC 7296, 2.17)."""
    return child.keymat[:20], child.keymat[20:40]


def a_second_implementation_initiates():
    with Lab() as lab:
        a, b = lab.hosts
        keys = os.path.join(a.dir, 'keys')
        daemon(a, b, plugins='ravelin { plugins { keylog { load = yes\n path = %s } } }' % keys)
        p = Several(b, a.wire4, 'east.example', 'west.example', suite=SUITE, esp=ESP, ts=(b.net4, a.net4))
        p.esp = ESP
        p.auth_esp = [t for t in ESP if t[0] not in (ikepy.KE_METHOD, KE1)]
        p.init()
        p.esp = p.auth_esp
        p.auth()
        p.esp = ESP
        p.rekey()
        check(not p.ask(ikepy.INFORMATIONAL, []).error(), 'the successor does not answer')
        check(not p.create_child().error(), 'no second child SA')
        wait('two child SAs', lambda: len(a.json('list', 'child')) == 2)
        text = open(keys).read()
        for part in keymat(p.children[-1]):
            check(part.hex() in text.lower(), 'the daemon has other keys for the child SA')
        answer = p.ask(IKE_FOLLOWUP_KE, [ke(ikepy.Method(ikepy.ECP_256)),
                                         ikepy.notify(ADDITIONAL_KEY_EXCHANGE, b'none')])
        check(answer.error() == STATE_NOT_FOUND, f'the answer to a follow-up of nothing is {answer.payloads}')
        p.close()


def a_second_implementation_responds():
    with Lab() as lab:
        a, b = lab.hosts
        daemon(a, b)
        p = Several(b, a.wire4, 'east.example', 'west.example', suite=SUITE,
                    esp=[t for t in ESP if t[0] not in (ikepy.KE_METHOD, KE1)], ts=(b.net4, a.net4))
        with p.serving():
            a.ravelin('up', 'py')
        check(len(a.json('list', 'child')) == 1 and not p.due, 'not all key exchanges were done')
        p.close()


# strongSwan 6


def with_strongswan(initiator, words):
    with Lab() as lab:
        other = sid('')
        a, b = lab.hosts
        ids = dict(local_ts=a.net4, remote_ts=b.net4)
        a.ravelind(connection('swan', a.wire4, b.wire4, 'west.example', 'east.example', **ids, **words))
        ids = dict(local_ts=b.net4, remote_ts=a.net4)
        b.strongswan(connection('swan', b.wire4, a.wire4, 'east.example', 'west.example', **ids, **words), inside=other)
        capture = Capture(a)
        if initiator == 'ravelin':
            a.ravelin('up', 'swan')
        else:
            b.swanctl('--initiate', '--child', 'net')
            wait('the child SA is known', lambda: a.json('list', 'child'))
        a.ping(b.in4, source=a.in4)
        child = lambda: a.json('list', 'child')[-1]['SpiIn']
        ike = lambda: a.json('list', 'ike')[0]['SpiInitiator']
        for what, do, seen in (
                ('our child rekey', lambda: a.ravelin('rekey', 'swan', 'net'), child),
                ('their child rekey', lambda: b.swanctl('--rekey', '--child', 'net'), child),
                ('our IKE rekey', lambda: a.ravelin('rekey', 'swan'), ike),
                ('their IKE rekey', lambda: b.swanctl('--rekey', '--ike', 'swan'), ike)):
            before = seen()
            do()
            wait(what, lambda: seen() != before, 20)
            wait(what + ': one of each', lambda: len(a.json('list', 'child')) == 1 and len(a.json('list', 'ike')) == 1,
                 20)
            a.ping(b.in4, source=a.in4)
        capture.stop()
        of = lambda exchange: len(capture.lines(f'(udp port 500 and udp[26] = {exchange}) or (udp port 4500 and '
                                                f'udp[8:4] = 0 and udp[30] = {exchange})'))
        n = words['proposals'].count('ke1_') + words['proposals'].count('ke2_')
        check(of(IKE_INTERMEDIATE) >= 2 * n, 'there was no IKE_INTERMEDIATE')
        check(of(IKE_FOLLOWUP_KE) >= 2 * (2 * n + 2), 'there were too few follow-ups: %d' % of(IKE_FOLLOWUP_KE))


def ravelin_initiates_with_strongswan_6():
    with_strongswan('ravelin', WORDS)


def ravelin_initiates_with_strongswan_6_mlkem():
    with_strongswan('ravelin', MLKEM)


def strongswan_6_initiates_mlkem():
    with_strongswan('strongswan', MLKEM)


def strongswan_6_initiates():
    with_strongswan('strongswan', WORDS)


if __name__ == '__main__':
    main([a_second_implementation_initiates, a_second_implementation_responds, ravelin_initiates_with_strongswan_6,
          strongswan_6_initiates, ravelin_initiates_with_strongswan_6_mlkem, strongswan_6_initiates_mlkem])
