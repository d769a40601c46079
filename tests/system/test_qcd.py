# SPDX-License-Identifier: LGPL-2.1-or-later
"""Quick crash detection (RFC 6290): a daemon is killed and started again, and its peer hears of it in one round trip; with
two of our daemons, and with a second implementation as maker and as taker of tokens."""

import os
import signal
import struct
import time

import ikepy
from lab import PLUGINS, Lab, Skip, check, connection, main, wait

QCD_TOKEN, INVALID_IKE_SPI = 16419, 4
PROPOSALS, ESP = 'aes128gcm16-prfsha256-x25519', 'aes128gcm16-x25519'


def config(host, other, ids, extra='', plugins=''):
    return connection('c', host.wire4, other.wire4, *ids, local_ts=host.net4, remote_ts=other.net4, proposals=PROPOSALS,
                      esp=ESP, extra='encap = never\n' + extra, child_extra='dpd_action = restart', plugins=plugins)


def spi(host):
    ike = host.json('list', 'ike')
    return ike[0]['SpiInitiator'] if len(ike) == 1 else None


def killed(taker):
    """b is killed and comes back; a asks whether it lives, 2 s after the last word. How long a holds on to the old SA."""
    ids = ('west.example', 'east.example')
    with Lab() as lab:
        a, b = lab.hosts
        settings = '' if taker else 'ravelin { plugins { ikev2-qcd { taker = no } } }'
        a.ravelind(config(a, b, ids, 'dpd_delay = 2s', settings))
        there = config(b, a, ids[::-1], 'dpd_delay = 0s')
        b.ravelind(there)
        a.ravelin('up', 'c')
        old = spi(a)
        check(old, 'nothing is up')
        path = os.path.join(b.state_dir, 'qcd-secret')
        check(os.stat(path).st_mode & 0o777 == 0o600 and os.path.getsize(path) == 32, 'the secret is not kept as it should')
        secret = open(path, 'rb').read()
        b.stop(signal.SIGKILL)
        b.ravelind(there)
        check(not b.json('list', 'ike'), 'b remembers')
        if taker:
            wait('a hears of it and sets a new session up', lambda: spi(a) not in (None, old), 60)
            check('qcd-peer-crashed' in a.log_text(), 'nothing in the log')
            wait('traffic goes on', lambda: a.ping(b.in4, count=1, source=a.in4, ok=False) == 1, 20)
        else:
            wait('b was asked', lambda: 'qcd-token-sent' in b.log_text(), 20)
            time.sleep(3)
            check(spi(a) == old, 'a has ended the session without a token')
        check(open(path, 'rb').read() == secret, 'the secret changed')


def a_killed_daemon_is_noticed_in_a_round_trip():
    killed(True)


def without_taking_tokens_it_is_not():
    killed(False)


class Maker(ikepy.Peer):
    """Gives a token of its own in every exchange that the RFC names."""
    given = b'a token of 24 octets....'

    def auth_extra(self):
        return [ikepy.notify(QCD_TOKEN, self.given, ikepy.PROTO_IKE)]

    def answer_in_clear(self, request, *tokens):
        """What a maker without state says to this datagram (RFC 6290, 4.5)."""
        message, _ = self.read_header(request)
        message.response, message.initiator = True, not message.initiator
        message.payloads = [ikepy.notify(INVALID_IKE_SPI, b'', ikepy.PROTO_IKE)] + [
            ikepy.notify(QCD_TOKEN, token, ikepy.PROTO_IKE) for token in tokens]
        chain = message.chain()
        self.send([message.header(message.first(), 28 + len(chain)) + chain])


def peer(a, b, kind):
    return kind(b, a.wire4, 'east.example', 'west.example', ts=(b.net4, a.net4))


def a_token_of_another_implementation_is_taken():
    with Lab() as lab:
        a, b = lab.hosts
        a.ravelind(config(a, b, ('west.example', 'east.example'), 'dpd_delay = 1s').replace('restart', 'clear'))
        p = peer(a, b, Maker).connect()
        check(spi(a), 'nothing is up')
        wrong = [p.given[:-1] + bytes([i]) for i in range(4)]
        request = wait('a liveness check', lambda: p.receive(2), 20)
        p.answer_in_clear(request, *wrong[:1])
        wait('a wrong token is logged', lambda: 'qcd-token-wrong' in a.log_text())
        check(spi(a), 'a wrong token ended the session')
        # "the token taker MUST support at least four QCD_TOKEN notifications in a single packet"
        p.answer_in_clear(request, *wrong[:3], p.given)
        wait('the session is ended', lambda: not a.json('list', 'ike'))
        check(not a.json('list', 'child'), 'a child SA is left')
        rest = [d for d in iter(lambda: p.receive(1), None) if d[:16] == request[:16] and d != request]
        check(not rest, 'the IKE SA was not ended silently')
        p.close()


def our_token_convinces_another_implementation():
    with Lab() as lab:
        a, b = lab.hosts
        text = config(a, b, ('west.example', 'east.example'), 'dpd_delay = 0s')
        a.ravelind(text)
        p = peer(a, b, ikepy.Peer)
        p.init()
        token = p.auth().notified(QCD_TOKEN)
        check(token and 16 <= len(token) <= 128, f'the token is {token}')
        fresh = p.rekey().notified(QCD_TOKEN)
        check(fresh and fresh != token, f'the token of the new IKE SA is {fresh}')
        a.stop(signal.SIGKILL)
        a.ravelind(text)
        request = p.protect(p.message(ikepy.INFORMATIONAL, p.next_out, []))[0]
        p.send([request])
        got = p.receive(5)
        check(got, 'no answer')
        message, first = p.read_header(got)
        message.payloads = ikepy.read_chain(first, got[28:])
        check(message.response and not message.initiator and got[:16] == request[:16] and message.id == p.next_out,
              'the header is not that of an answer')
        check(message.error() == INVALID_IKE_SPI and message.notified(QCD_TOKEN) == fresh, f'the answer {message.payloads}')
        check([struct.unpack('>BB', body[:2]) for body in message.bodies(ikepy.N)] == [(1, 0)] * 2,
              'Protocol ID must be 1 and SPI Size 0')
        p.close()


def our_token_comes_after_our_rekey():
    class Listener(ikepy.Peer):
        tokens = []

        def incoming(self, message):
            if message.notified(QCD_TOKEN) is not None:
                self.tokens.append((message.exchange, message.response, message.notified(QCD_TOKEN)))
    with Lab() as lab:
        a, b = lab.hosts
        a.ravelind(config(a, b, ('west.example', 'east.example'), 'dpd_delay = 0s'))
        p = peer(a, b, Listener)
        with p.serving():
            a.ravelin('up', 'c')
            old = p.spi_i
            a.ravelin('rekey', 'c')
            wait('the IKE SA is replaced', lambda: p.spi_i != old)
            wait('its token comes', lambda: len(p.tokens) == 2)
            a.ravelin('down', 'c')
            wait('the daemon has deleted it', lambda: not p.alive)
        kinds = [(exchange, response) for exchange, response, _ in p.tokens]
        check(kinds == [(ikepy.IKE_AUTH, False), (ikepy.INFORMATIONAL, False)], f'tokens came in {kinds}')
        check(p.tokens[0][2] != p.tokens[1][2], 'both tokens are the same')
        p.close()


def a_rekey_in_several_exchanges_gives_a_token_too():
    """The responder's answer to the rekey has gone out before the keys are there: its token follows."""
    if not os.path.exists(os.path.join(PLUGINS, 'ikev2-multi-ke.so')):
        raise Skip('ikev2-multi-ke is not built')
    ids, words = ('west.example', 'east.example'), PROPOSALS + '-ke1_ecp256'
    with Lab() as lab:
        a, b = lab.hosts
        a.ravelind(config(a, b, ids, 'dpd_delay = 2s').replace(PROPOSALS, words))
        there = config(b, a, ids[::-1], 'dpd_delay = 0s').replace(PROPOSALS, words)
        b.ravelind(there)
        a.ravelin('up', 'c')
        first = spi(a)
        a.ravelin('rekey', 'c')
        old = wait('the IKE SA is replaced', lambda: spi(a) not in (None, first) and spi(a))
        wait('b has it', lambda: spi(b) == old)
        time.sleep(0.5)
        b.stop(signal.SIGKILL)
        b.ravelind(there)
        wait('a hears of it and sets a new session up', lambda: spi(a) not in (None, old), 60)
        check('qcd-peer-crashed' in a.log_text(), 'nothing in the log')


if __name__ == '__main__':
    main([a_killed_daemon_is_noticed_in_a_round_trip, without_taking_tokens_it_is_not,
          a_token_of_another_implementation_is_taken, our_token_convinces_another_implementation,
          our_token_comes_after_our_rekey, a_rekey_in_several_exchanges_gives_a_token_too])
