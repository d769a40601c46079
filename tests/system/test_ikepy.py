# SPDX-License-Identifier: LGPL-2.1-or-later
"""The second IKEv2 of these tests (ikepy) with our daemon: both roles, both suites; child SAs and IKE SAs are replaced,
liveness, deletes; a damaged message is not answered; three requests at once in windows of three (RFC 7296, 2.3)."""

import socket
import struct
import threading
import time

import ikepy
from lab import Capture, Lab, check, connection, main, wait

UDP_SEGMENT = 103  # <linux/udp.h>

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


class Reserved(ikepy.Peer):
    """What its identity payload has reserved is not zero, and its proof covers that (RFC 7296, 2.15 and 3.5)."""

    def identity(self):
        body = ikepy.identity(self.local_id)
        return body[:1] + b'\xa5\x5a\xff' + body[4:]

    def auth_payload(self):
        return (ikepy.AUTH, b'\2\0\0\0' + self.proof(self.initiator, self.identity()))

    def outgoing(self, message):
        message.payloads = [(p[0], self.identity()) if p[0] in (ikepy.IDI, ikepy.IDR) else p for p in message.payloads]


def reserved_octets_of_an_identity_count_in_its_proof():
    for initiator in (True, False):
        with Lab() as lab:
            a, b = lab.hosts
            daemon(a, b, 'gcm')
            p = peer(b, a, 'gcm', Reserved)
            if initiator:
                p.connect()
            else:
                with p.serving():
                    a.ravelin('up', 'py')
            lives(a, p)
            p.close()


class Hearer(ikepy.Peer):
    """Notes the SPIs of which it hears that nobody has them."""
    def __init__(self, *args, **more):
        super().__init__(*args, **more)
        self.heard = []

    def on_informational(self, request):
        self.heard += [body[4:] for body in request.bodies(ikepy.N) if body[2:4] == b'\0\x0b']
        return super().on_informational(request)


def esp_with_an_spi_of_nobodys_is_told():
    lost = b'\x0b\xad\xca\xfe'
    with Lab() as lab:
        a, b = lab.hosts
        daemon(a, b, 'gcm')
        p = peer(b, a, 'gcm', Hearer).connect()
        esp = ikepy.namespace_socket(b, 4500)

        def goes_on():
            esp.sendto(lost + bytes(36), (a.wire4, 4500))
            time.sleep(0.1)
            return p.heard
        with p.serving():
            esp.sendto(lost + bytes(36), (a.wire4, 4500))
            time.sleep(3)
            check(not p.heard, 'one packet of a lost SA is no news')
            wait('the daemon complains', goes_on, 30)
            lives(a, p)
        check(p.heard == [lost], f'heard of {p.heard}')
        esp.close()
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


SET_WINDOW_SIZE, THREE = 16385, struct.pack('>I', 3)


class Windowed(ikepy.Peer):
    """Takes three requests at once. held: datagrams of answers that wait while it is a list."""
    said, held = None, None

    def auth_extra(self):
        return [ikepy.notify(SET_WINDOW_SIZE, THREE)]

    def incoming(self, message):
        if message.exchange == ikepy.IKE_AUTH:
            self.said = message.notified(SET_WINDOW_SIZE)

    def send(self, datagrams):
        if self.held is None:
            super().send(datagrams)
        else:
            self.held.append(datagrams)


def windowed(a, b, more=()):
    """Our daemon with a window of three and further child SAs; and such a peer, connected."""
    config = connection('py', a.wire4, b.wire4, 'west.example', 'east.example', local_ts=a.net4, remote_ts=b.net4,
                        proposals=WORDS['gcm'][0], esp='aes128gcm16', extra='encap = never',
                        plugins='ravelin {\n plugins {\n keying-ikev2 {\n window = 3\n }\n }\n }')
    children = ''.join(f'{name} {{\n local_ts = {a.net4}\n remote_ts = {b.net4}\n esp_proposals = aes128gcm16\n }}\n'
                       for name in more)
    a.ravelind(config.replace('children {', 'children {\n' + children))
    p = Windowed(b, a.wire4, 'east.example', 'west.example', suite=ikepy.GCM,
                 esp=[t for t in ikepy.ESP_GCM if t[0] != ikepy.KE_METHOD], ts=(b.net4, a.net4)).connect()
    check(p.said == THREE, f'the daemon said {p.said} as its window')
    return p


def answers(p, seconds):
    """The datagrams that come within some seconds."""
    got, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        datagram = p.receive(end - time.monotonic())
        if datagram:
            got.append(datagram)
    return got


def three_requests_out_of_order_are_answered():
    with Lab() as lab:
        a, b = lab.hosts
        p = windowed(a, b)
        first = p.next_out
        out = [p.protect(p.message(ikepy.INFORMATIONAL, first + i, []))[0] for i in range(4)]
        p.send([out[3], out[2], out[1]])
        check(not answers(p, 0.5), 'what is before its turn, or beyond the window, was answered')
        p.send([out[0]])
        got = answers(p, 3)
        ids = [p.unprotect(d).id for d in got]
        check(ids == [first, first + 1, first + 2], f'three answers in order were expected: {ids}')
        for i in (2, 0, 1):
            p.send([out[i]])
            again = answers(p, 0.5)
            check(again == [got[i]], f'request {i} was answered anew otherwise')
        p.send([out[3]])
        check([p.unprotect(d).id for d in answers(p, 1)] == [first + 3], 'the fourth was not answered in its turn')
        p.close()


def three_requests_of_ours_go_at_once():
    with Lab() as lab:
        a, b = lab.hosts
        p = windowed(a, b, ('x', 'y', 'z'))
        names = {'net', 'x', 'y', 'z'} - {c['Name'] for c in a.json('list', 'child')}
        check(len(names) == 3, f'one child SA was expected, and three more to ask for: {names}')
        p.held, before = [], len(p.answers)
        ups = [threading.Thread(target=a.ravelin, args=('up', 'py', name)) for name in names]
        for up in ups:
            up.start()
        end = time.monotonic() + 20
        while len(p.answers) < 3 + before and time.monotonic() < end:
            p.take(p.receive(0.5))
        check(len(p.answers) == 3 + before, f'requests without an answer between them: {len(p.answers) - before}')
        answered, p.held = list(p.answers.values())[before:], None
        for datagrams in reversed(answered):
            p.send(datagrams)
        with p.serving():
            for up in ups:
                up.join()
        check(sorted(c['Name'] for c in a.json('list', 'child')) == ['net', 'x', 'y', 'z'], f'{a.json("list", "child")}')
        p.close()


class AtTheEnd(ikepy.Peer):
    """Each message is the last datagram of a train of what could be ESP, which the kernel carries in one piece."""

    def send(self, datagrams):
        for datagram in datagrams:
            message = bytes(4) + datagram
            size = len(message) + 8
            esp = struct.pack('>II', 0x7fffffff, 1) + bytes(size - 8)
            self.socket.sendmsg([esp * 5 + message], [(socket.IPPROTO_UDP, UDP_SEGMENT, struct.pack('=H', size))], 0,
                                self.remote)

    def receive(self, seconds):
        got = super().receive(seconds)
        return got[4:] if got and got[:4] == bytes(4) else None


def messages_at_the_end_of_a_train_are_answered():
    with Lab() as lab:
        a, b = lab.hosts
        daemon(a, b, 'gcm')
        ike, esp = SUITES['gcm']
        p = AtTheEnd(b, a.wire4, 'east.example', 'west.example', suite=ike, esp=esp, ts=(b.net4, a.net4), port=4500)
        p.connect()  # from now on workers read the port
        capture = Capture(a)
        for _ in range(3):
            check(p.ask(ikepy.INFORMATIONAL, []).payloads == [], 'an answer to a liveness check is empty')
        capture.stop()
        whole = [line for line in capture.lines('src', b.wire4, 'and', 'udp', 'port', '4500') if 'length' in line]
        check(len(whole) == 3, 'the trains did not come in one piece:\n' + '\n'.join(whole))
        p.close()


if __name__ == '__main__':
    main([*rows(), a_wrong_proof_is_refused, reserved_octets_of_an_identity_count_in_its_proof,
          esp_with_an_spi_of_nobodys_is_told, a_damaged_message_is_not_answered,
          three_requests_out_of_order_are_answered, three_requests_of_ours_go_at_once,
          messages_at_the_end_of_a_train_are_answered])
