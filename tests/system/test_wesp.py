# SPDX-License-Identifier: LGPL-2.1-or-later
"""Wrapped ESP (RFC 5840): between two daemons, with and without encryption, in UDP and as IP protocol 141, IPv4 and IPv6, as
`ravelin inspect` and Scapy see it on the wire; and with a second implementation of the header and of USE_WESP_MODE."""

import os
import struct

import esppy
import ikepy
from lab import Capture, Lab, check, connection, main, wait

os.environ['SCAPY_USE_LIBPCAP'] = 'no'
from scapy.all import ICMP, IP, UDP, IPv6, Raw, rdpcap  # noqa: E402

USE_WESP_MODE, WESP = 16415, 141


def config(host, other, name, ids, esp, v6=False, encap='yes', wesp='yes', mode='tunnel', **more):
    me, them = (host.wire6, other.wire6) if v6 else (host.wire4, other.wire4)
    return connection(name, me, them, *ids, proposals='aes128gcm16-prfsha256-x25519', esp=esp,
                      child_extra=f'wesp = {wesp}\nmode = {mode}', extra=f'encap = {encap}', **more)


def headers(path, v6, encap):
    """The wrapper and what is behind it, of each packet in a capture."""
    out = []
    for frame in rdpcap(path):
        packet = frame.getlayer(IPv6 if v6 else IP)
        if packet is None:
            continue
        if encap and UDP in packet and 4500 in (packet[UDP].sport, packet[UDP].dport):
            octets = bytes(packet[UDP].payload)
            if octets[:4] == struct.pack('>I', 2):
                out.append(octets[4:])
        elif not encap and (packet.nh if v6 else packet.proto) == WESP:
            out.append(bytes(packet.payload))
    return out


def what_the_wire_shows():
    for esp, null, iv, icv in (('null-sha256-x25519', True, 0, 16), ('aes128gcm16-x25519', False, 8, 16)):
        for v6, encap in ((False, 'yes'), (False, 'never'), (True, 'yes'), (True, 'never')):
            with Lab() as lab:
                a, b = lab.hosts
                nets = [dict(local_ts=x.net4, remote_ts=y.net4) for x, y in ((a, b), (b, a))]
                b.ravelind(config(b, a, 'west', ('east.example', 'west.example'), esp, v6, encap, **nets[1]))
                a.ravelind(config(a, b, 'east', ('west.example', 'east.example'), esp, v6, encap, **nets[0]))
                a.ravelin('up', 'east')
                capture = Capture(a)
                a.ping(b.in4, source=a.in4, size=1000)
                b.ping(a.in4, source=b.in4, size=8)
                capture.stop()
                where = f'{esp}, v6 {v6}, encap {encap}'
                found = headers(capture.path, v6, encap == 'yes')
                check(len(found) >= 12, f'{where}: {len(found)} packets')
                padding = 4 if v6 and encap == 'never' else 0
                for octets in found:
                    check(octets[3] == (0 if null else 0x20) | (0x10 if padding else 0), f'{where}: {octets[:8].hex()}')
                    want = bytes([4, 4 + padding + 8 + iv, icv]) if null else bytes(3)
                    check(octets[:3] == want, f'{where}: {octets[:8].hex()}')
                    inner = octets[octets[1]:] if null else b''
                    check(not null or IP(inner)[ICMP].type in (0, 8), f'{where}: the payload is not where HdrLen says')
                flows = a.json('inspect', capture.path)
                check(len(flows) == 2 and all(f['wesp'] for f in flows), f'{where}: {flows}')
                check(all(f['verdict'] == ('null' if null else 'encrypted') for f in flows), f'{where}: {flows}')
                check(not null or all((f['icv'], f['iv']) == (icv, iv) for f in flows), f'{where}: {flows}')
                a.ravelin('rekey', 'east', 'net')
                wait('the new SA carries', lambda: a.ping(b.in4, source=a.in4, ok=False) == 3)


def transport_mode():
    with Lab() as lab:
        a, b = lab.hosts
        for x, y, name, ids in ((b, a, 'west', ('east.example', 'west.example')), (a, b, 'east', ('west.example', 'east.example'))):
            x.ravelind(config(x, y, name, ids, 'null-sha256-x25519', encap='never', mode='transport'))
        a.ravelin('up', 'east')
        capture = Capture(a)
        a.ping(b.wire4, source=a.wire4)
        capture.stop()
        found = headers(capture.path, False, False)
        check(found and all(o[0] == 1 for o in found), 'the next header is not that of ICMP')


class Second(ikepy.Peer):
    def auth_extra(self):
        return [ikepy.notify(USE_WESP_MODE)]


class Wesp(esppy.Esp):
    protocol = WESP
    header = bytes([0, 0, 0, 0x20])  # encrypted (RFC 5840, 2)

    def put(self, packet):
        super().put(self.header + packet)

    def unwrapped(self, packet):
        check(packet[:4] == bytes([0, 0, 0, 0x20]), f'the header is {packet[:8].hex()}')
        return packet[4:]


def a_second_implementation():
    with Lab() as lab:
        a, b = lab.hosts
        a.ravelind(config(a, b, 'py', ('west.example', 'east.example'), 'aes128gcm16-x25519', encap='never',
                          local_ts=a.net4, remote_ts=b.net4))
        p = Second(b, a.wire4, 'east.example', 'west.example', ts=(b.net4, a.net4))
        p.init()
        check(p.auth().notified(USE_WESP_MODE) == b'', 'the daemon did not agree')
        esp = Wesp(b, p)

        def ping(n, header=None):
            esp.header = header or Wesp.header
            esp.send(bytes(IP(src=b.in4, dst=a.in4) / ICMP(id=7, seq=n) / Raw(b'x' * 100)), 4)

        for n in range(3):
            ping(n)
            got = esp.receive()
            check(got and IP(got[0])[ICMP].seq == n, f'ping {n} was not answered')
        for bad in (bytes([4, 0, 0, 0x20]), bytes([0, 20, 0, 0x20]), bytes([0, 0, 16, 0x20]), bytes([4, 20, 16, 0]),
                    bytes([0, 0, 0, 0x60]), bytes([0, 0, 0, 0x30, 0, 0, 0, 0])):
            ping(50, bad)
        plain = esppy.Esp(b, p)
        plain.sequence = esp.sequence
        plain.send(bytes(IP(src=b.in4, dst=a.in4) / ICMP(id=7, seq=51)), 4)
        esp.sequence = plain.sequence
        check(esp.receive(1) is None, 'a header that lies was taken')
        ping(4, bytes([0, 0, 0, 0x2f]))  # reserved flags are ignored
        got = esp.receive()
        check(got and IP(got[0])[ICMP].seq == 4, 'after all that a good one is not answered')
        p.delete()
        wait('the SA has ended', lambda: 'wesp-ended' in a.log_text())
        said = [l for l in a.log_text().splitlines() if 'wesp-ended' in l and 'direction=in' in l]
        check(said and 'refused=6' in said[0], f'counted: {said}')
        p.close()


def one_side_does_not_want_it():
    with Lab() as lab:
        a, b = lab.hosts
        nets = [dict(local_ts=x.net4, remote_ts=y.net4) for x, y in ((a, b), (b, a))]
        b.ravelind(config(b, a, 'west', ('east.example', 'west.example'), 'aes128gcm16-x25519', wesp='no', **nets[1]))
        a.ravelind(config(a, b, 'east', ('west.example', 'east.example'), 'aes128gcm16-x25519', **nets[0]))
        a.ravelin('up', 'east')
        capture = Capture(a)
        a.ping(b.in4, source=a.in4)
        capture.stop()
        check(not headers(capture.path, False, True), 'who wrapped?')


if __name__ == '__main__':
    main([what_the_wire_shows, transport_mode, a_second_implementation, one_side_does_not_want_it])
