# SPDX-License-Identifier: LGPL-2.1-or-later
"""The second IKEv2 of these tests (ikepy) with our daemon: both roles, both suites; child SAs and IKE SAs are replaced,
liveness, deletes; a damaged message is not answered."""

import ikepy
from lab import Lab, check, connection, main, wait

WORDS = {'gcm': ('aes128gcm16-prfsha256-x25519', 'aes128gcm16-x25519'),
         'cbc': ('aes256-sha256-modp2048', 'aes256-sha256')}
SUITES = {'gcm': (ikepy.GCM, ikepy.ESP_GCM), 'cbc': (ikepy.CBC, ikepy.ESP_CBC)}


def daemon(host, other, suite, extra=''):
    proposals, esp = WORDS[suite]
    return host.ravelind(connection('py', host.wire4, other.wire4, 'west.example', 'east.example', local_ts=host.net4,
                                    remote_ts=other.net4, proposals=proposals, esp=esp,
                                    extra='encap = never\n' + extra))


def peer(host, other, suite, kind=ikepy.Peer):
    ike, esp = SUITES[suite]
    return kind(host, other.wire4, 'east.example', 'west.example', suite=ike, esp=esp, ts=(host.net4, other.net4))


def ours(a):
    return a.json('list', 'ike'), a.json('list', 'child')


def lives(a, p):
    """Both sides agree on the SPIs of the IKE SA and of the only child SA."""
    ike, child = ours(a)
    check(len(ike) == 1 and len(child) == 1, f'one of each was expected: {ike} {child}')
    check(int(ike[0]['SpiInitiator'], 16) == int.from_bytes(p.spi_i, 'big'), f'{ike} is not {p.spi_i.hex()}')
    check(int(child[0]['SpiIn'], 16) == int.from_bytes(p.children[-1].theirs, 'big'),
          f'{child} is not {p.children[-1].theirs.hex()}')


def initiates(suite):
    with Lab() as lab:
        a, b = lab.hosts
        daemon(a, b, suite)
        p = peer(b, a, suite).connect()
        lives(a, p)
        check(p.ask(ikepy.INFORMATIONAL, []).payloads == [], 'an answer to a liveness check is empty')
        old = p.children[0]
        check(not p.create_child(rekey=old).error(), 'the child SA was not replaced')
        p.ask(ikepy.INFORMATIONAL, [(ikepy.D, b'\3\4\0\1' + old.ours)])
        p.children.remove(old)
        lives(a, p)
        p.rekey()
        lives(a, p)
        check(not p.ask(ikepy.INFORMATIONAL, []).error(), 'the new IKE SA does not answer')
        p.delete()
        wait('the daemon forgets the session', lambda: ours(a) == ([], []))
        p.close()


def responds(suite):
    with Lab() as lab:
        a, b = lab.hosts
        daemon(a, b, suite, 'dpd_delay = 1s')
        p = peer(b, a, suite)
        with p.serving():
            a.ravelin('up', 'py')
            lives(a, p)
            before = p.next_in
            wait('a liveness check is answered', lambda: p.next_in > before)
            old = p.children[0].ours
            a.ravelin('rekey', 'py', 'net')
            wait('the child SA is replaced', lambda: len(p.children) == 1 and p.children[0].ours != old)
            lives(a, p)
            spi = p.spi_i
            a.ravelin('rekey', 'py')
            wait('the IKE SA is replaced', lambda: p.spi_i != spi)
            lives(a, p)
            a.ravelin('down', 'py')
            wait('the daemon has deleted it', lambda: not p.alive)
        check(ours(a) == ([], []), f'something is left: {ours(a)}')
        p.close()


def rows():
    for suite in SUITES:
        for what in (initiates, responds):
            def test(what=what, suite=suite):
                what(suite)
            test.__name__ = f'{what.__name__}_{suite}'
            yield test


def a_wrong_proof_is_refused():
    class Liar(ikepy.Peer):
        def outgoing(self, message):
            if message.exchange == ikepy.IKE_AUTH:
                message.payloads = [(p[0], p[1][:-1] + bytes([p[1][-1] ^ 1])) if p[0] == ikepy.AUTH else p
                                    for p in message.payloads]
    with Lab() as lab:
        a, b = lab.hosts
        daemon(a, b, 'gcm')
        p = peer(b, a, 'gcm', Liar)
        p.init()
        answer = p.ask(ikepy.IKE_AUTH, [(ikepy.IDI, ikepy.identity('east.example')), p.auth_payload()])
        check(answer.error() == ikepy.AUTHENTICATION_FAILED, f'the answer was {answer.payloads}')
        p.close()


def a_damaged_message_is_not_answered():
    with Lab() as lab:
        a, b = lab.hosts
        daemon(a, b, 'cbc')
        p = peer(b, a, 'cbc').connect()
        good = p.protect(p.message(ikepy.INFORMATIONAL, p.next_out, []))[0]
        for at in (30, 40, len(good) - 1):
            p.send([good[:at] + bytes([good[at] ^ 1]) + good[at + 1:]])
        check(p.receive(1) is None, 'it was answered')
        p.send([good])
        answer = p.unprotect(p.receive(5))
        check(answer and answer.response and answer.id == p.next_out, 'the good one was not answered')
        p.close()


if __name__ == '__main__':
    main([*rows(), a_wrong_proof_is_refused, a_damaged_message_is_not_answered])
