# SPDX-License-Identifier: LGPL-2.1-or-later
"""IP-TFS (RFC 9347): at a constant rate between two daemons, what the wire shows; with congestion control; with a second
implementation of the payload format and of USE_AGGFRAG, written from the RFC; and with a peer that has none of it."""

import os
import re
import struct
import time

import esppy
import ikepy
from lab import SANITIZED, Capture, Lab, check, connection, main, wait

os.environ['SCAPY_USE_LIBPCAP'] = 'no'
from scapy.all import ICMP, IP, Raw  # noqa: E402

USE_AGGFRAG, AGGFRAG, C, D = 16442, 144, 2, 1
PROPOSALS = dict(proposals='aes128gcm16-prfsha256-x25519', esp='aes128gcm16-x25519')


def config(host, other, name, ids, child='', extra='', **more):
    return connection(name, host.wire4, other.wire4, *ids, local_ts=host.net4, remote_ts=other.net4,
                      child_extra='mode = iptfs\n' + child, extra=extra, **PROPOSALS, **more)


def two(lab, child, plugins='', extra=''):
    a, b = lab.hosts
    b.ravelind(config(b, a, 'west', ('east.example', 'west.example'), child, extra, plugins=plugins))
    a.ravelind(config(a, b, 'east', ('west.example', 'east.example'), child, extra, plugins=plugins))
    a.ravelin('up', 'east')
    return a, b


def ended(host):
    """What the tunnels of a host counted that have ended, by word."""
    lines = [l for l in host.log_text().splitlines() if 'iptfs-ended' in l]
    words = ('sent', 'padded', 'in-pieces', 'not-queued', 'too-large', 'received', 'lost', 'late', 'broken', 'bad')
    return {w: sum(int(m.group(1)) for l in lines for m in re.finditer(r'\b' + w + r'=(\d+)', l)) for w in words}


def on_the_wire(capture, source):
    """(time, length) of every packet of ESP in UDP from source."""
    out = []
    for line in capture.lines('-tt', '-v', 'src host %s and udp port 4500' % source):
        m = re.match(r'(\d+\.\d+) IP .*length (\d+)\)', line)
        if m:
            out.append((float(m.group(1)), int(m.group(2))))
    return out


def segmented(host):
    """Packets that leave together are cut before they are captured."""
    host.run('ethtool', '-K', 'eth0', 'tx-udp-segmentation', 'off')


def even(packets, rate, what):
    """One size; as many in the middle of the time as the rate says; spread over it. On a machine that has no time for
    sanitized workers some places in the grid stay empty."""
    slack, share = (0.5, 0.5) if SANITIZED else (0.1, 0.8)
    sizes = {n for _, n in packets}
    begin, end = packets[0][0] + 0.3, packets[-1][0] - 0.3
    inside = [t for t, _ in packets if begin <= t < end]
    check(len(sizes) == 1, f'{what}: sizes {sorted(sizes)}')
    check(abs(len(inside) / (end - begin) / rate - 1) < slack, f'{what}: {len(inside)} packets in {end - begin:.1f} s')
    bins = {}
    for t in inside:
        bins[int((t - begin) * 5)] = bins.get(int((t - begin) * 5), 0) + 1
    good = sum(1 for i in range(int((end - begin) * 5)) if 0.5 < bins.get(i, 0) / (rate / 5) < 1.5)
    check(good > share * int((end - begin) * 5), f'{what}: packets in fifths of a second: {bins}')
    return sizes.pop()


def nobody_sees_whether_there_is_traffic():
    rate, size = 500, 1000
    with Lab() as lab:
        a, b = two(lab, f'iptfs_bandwidth = {rate * size * 8 // 1000}\niptfs_packet_size = {size}')
        for host in (a, b):
            segmented(host)
        sizes = []
        for busy in (False, True):
            time.sleep(1)
            capture = Capture(a)
            if busy:  # both ways, more than fits at times
                a.transfer(b, a.in4, b.in4, octets=1_200_000)
                b.transfer(a, b.in4, a.in4, octets=600_000)
            else:
                time.sleep(4)
            capture.stop()
            for host in (a, b):
                sizes.append(even(on_the_wire(capture, host.wire4), rate, f'{host.name}, busy: {busy}'))
        check(len(set(sizes)) == 1 and size - 16 < sizes[0] <= size, f'sizes {sizes}')
        a.ping(b.in4, source=a.in4, size=4000)
        a.ravelin('rekey', 'east', 'net')
        wait('the new SA carries', lambda: a.ping(b.in4, source=a.in4, size=1200, ok=False) == 3)
        time.sleep(1.5)
        capture = Capture(a)
        time.sleep(2)
        capture.stop()
        even(on_the_wire(capture, a.wire4), rate, 'after a rekey')
        a.ravelin('down', 'east')
        for host in (a, b):
            wait('the tunnel has ended', lambda: ended(host)['sent'])
            got = ended(host)
            check(got['padded'] > 500 and got['in-pieces'] > 200 and not got['bad'], f'{host.name}: {got}')


def small_packets_share_and_large_ones_are_cut():
    with Lab() as lab:
        a, b = two(lab, 'iptfs_init_delay = 20000', plugins='ravelin { plugins { kernel-userspace { workers = 2 } } }')
        capture = Capture(a)
        a.ping(b.in4, source=a.in4, size=40, count=40, interval=0.002)
        capture.stop()
        n = len(on_the_wire(capture, a.wire4))
        check(0 < n < 30, f'40 small packets in {n}')
        a.ping(b.in4, source=a.in4, size=9000)  # no ICMP says that it is too big
        b.ping(a.in4, source=b.in4, size=1472)
        a.transfer(b, a.in4, b.in4, octets=20_000_000)
        a.ravelin('down', 'east')
        wait('the tunnel has ended', lambda: ended(b)['received'])
        got = ended(b)
        check(not got['bad'] and ended(a)['in-pieces'] > 100, f'{got}, {ended(a)}')


def the_rate_follows_the_reports():
    with Lab() as lab:
        a, b = two(lab, 'iptfs_congestion_control = yes\niptfs_bandwidth = 20000\niptfs_packet_size = 1000')
        segmented(a)
        wait('it starts slowly', lambda: a.ping(b.in4, source=a.in4, size=3000, ok=False) == 3, 30)
        capture = Capture(a)
        a.transfer(b, a.in4, b.in4, octets=2_000_000)
        capture.stop()
        check(len({n for _, n in on_the_wire(capture, a.wire4)}) == 1, 'they are not of one size')
        a.ravelin('down', 'east')
        wait('the tunnel has ended', lambda: ended(a)['sent'])
        check(ended(a)['sent'] > 2000, f'slow start has not begun: {ended(a)}')


class Second(ikepy.Peer):
    flags = 0

    def auth_extra(self):
        return [ikepy.notify(USE_AGGFRAG, bytes([self.flags]))]


class Report:
    """RFC 9347, 6.1.2."""

    def __init__(self, loss=0, rtt=0, echo=0, transmit=0, tval=0, techo=0, flags=0):
        self.loss, self.rtt, self.echo, self.transmit = loss, rtt, echo, transmit
        self.tval, self.techo, self.flags = tval, techo, flags

    def octets(self):
        return struct.pack('>IQII', self.loss, self.rtt << 42 | self.echo << 21 | self.transmit, self.tval, self.techo)

    @classmethod
    def read(cls, octets, flags):
        loss, times, tval, techo = struct.unpack('>IQII', octets)
        return cls(loss, times >> 42, times >> 21 & 0x1fffff, times & 0x1fffff, tval, techo, flags)


def payloads(packets, size, report=None, pad=False):
    """The payloads of AGGFRAG, of `size` octets at most, that carry the packets (RFC 9347, 2.2)."""
    stream, starts = b''.join(packets), []
    for p in packets:
        starts.append((starts[-1][1] if starts else 0, (starts[-1][1] if starts else 0) + len(p)))
    head = 24 if report else 4
    room, out = size - head, []
    for at in range(0, len(stream), room):
        data = stream[at:at + room]
        inside = [e for s, e in starts if s < at < e]
        offset = inside[0] - at if inside else 0
        if pad:
            data += bytes(room - len(data))
        if report:
            out.append(struct.pack('>BBH', 1, 0, offset) + report.octets() + data)
        else:
            out.append(struct.pack('>BBH', 0, 0, offset) + data)
    return out


class Reader:
    """Payloads in order to packets."""

    def __init__(self):
        self.part, self.packets, self.reports, self.offsets = b'', [], [], []

    @staticmethod
    def length(octets):
        if octets[0] >> 4 == 4:
            return struct.unpack('>H', octets[2:4])[0] if len(octets) >= 4 else None
        check(octets[0] >> 4 == 6, f'a block of type {octets[0] >> 4}')
        return struct.unpack('>H', octets[4:6])[0] + 40 if len(octets) >= 6 else None

    def take(self, payload):
        kind, flags, offset = struct.unpack('>BBH', payload[:4])
        check(kind in (0, 1), f'sub-type {kind}')
        data = payload[4:]
        if kind == 1:
            self.reports.append(Report.read(payload[4:24], flags))
            data = payload[24:]
        if offset == 0 and (not data or data[0] >> 4 == 0):
            return
        self.offsets.append(offset)
        left = (self.length(self.part) or 0) - len(self.part) if self.part else 0
        check(left == offset, f'the offset is {offset}, {left} were left')
        self.part += data[:offset]
        data = data[offset:]
        if self.part and len(self.part) == self.length(self.part):
            self.packets.append(self.part)
            self.part = b''
        while data and data[0] >> 4:
            n = self.length(data)
            if n is None or n > len(data):
                self.part = data
                return
            self.packets.append(data[:n])
            data = data[n:]


def request(n, size, src, dst):
    return bytes(IP(src=src, dst=dst, id=n) / ICMP(id=7, seq=n) / Raw(bytes((n + i) % 251 for i in range(size))))


def second(lab, flags=0, child=''):
    a, b = lab.hosts
    a.ravelind(config(a, b, 'py', ('west.example', 'east.example'), child, extra='encap = never\n'))
    p = Second(b, a.wire4, 'east.example', 'west.example', ts=(b.net4, a.net4))
    p.flags = flags
    p.init()
    answer = p.auth()
    return a, b, p, answer


def answers(esp, reader, n, seconds=10):
    """Reads until n packets came; their ICMP sequence numbers, after their contents were looked at."""
    end = time.monotonic() + seconds
    while len(reader.packets) < n and time.monotonic() < end:
        got = esp.receive(0.5)
        if got:
            check(got[1] == AGGFRAG, f'next header {got[1]}')
            reader.take(got[0])
    for octets in reader.packets:
        reply = IP(octets)
        check(ICMP in reply and reply[ICMP].type == 0, repr(reply))
        data = bytes(reply[Raw])
        check(data == bytes((reply[ICMP].seq + i) % 251 for i in range(len(data))), 'the contents changed')
    return [IP(o)[ICMP].seq for o in reader.packets]


def a_second_implementation():
    sizes = [56, 1200, 20, 8, 1100, 700, 700, 1, 900]
    for packet_size in (1500, 400):
        with Lab() as lab:
            a, b, p, answer = second(lab, child=f'iptfs_packet_size = {packet_size}\niptfs_drop_time = 2000000')
            check(answer.notified(USE_AGGFRAG) == b'\0', f'the daemon said {answer.notified(USE_AGGFRAG)}')
            esp, reader = esppy.Esp(b, p), Reader()
            pings = [request(n, size, b.in4, a.in4) for n, size in enumerate(sizes)]
            for payload in payloads(pings, 500):
                esp.send(payload, AGGFRAG)
                esp.send(bytes(4) + bytes(100), AGGFRAG)  # all-pad between pieces
            got = answers(esp, reader, len(pings))
            check(got == list(range(len(sizes))), f'answered: {got}')
            check(packet_size == 1500 or max(reader.offsets) > 500, f'{reader.offsets}')
            # out of order within the window, every payload its own packet number
            sealed = [esp.sealed(x, AGGFRAG) for x in payloads(pings, 300, pad=True)]
            for i in range(0, len(sealed) - 2, 3):
                sealed[i:i + 3] = reversed(sealed[i:i + 3])
            reader.packets.clear()
            for x in sealed:
                esp.put(x)
            got = answers(esp, reader, len(pings))
            check(got == list(range(len(sizes))), f'reordered: {got}')
            # one is lost: what was in it is, and nothing else
            sealed = [esp.sealed(x, AGGFRAG) for x in payloads([request(n, 300, b.in4, a.in4) for n in range(10)], 504)]
            reader.packets.clear()
            for i, x in enumerate(sealed):
                if i != 2:
                    esp.put(x)
            esp.send(bytes(5), AGGFRAG)
            got = answers(esp, reader, 8)
            check(got == [0, 1, 2, 5, 6, 7, 8, 9], f'with one payload lost: {got}')
            for bad in (b'', b'\0', b'\2\0\0\0', b'\0\0\0\0\x50abc', b'\0\0\0\0\x45\0\0\1', b'\1\0\0\0abc'):
                esp.send(bad, AGGFRAG)
            esp.send(pings[0], 4)  # RFC 9347, 2.3: nothing else on this SA
            check(esp.receive(1) is None, 'something bad was answered')
            reader.packets.clear()
            for payload in payloads(pings[:2], 1000):
                esp.send(payload, AGGFRAG)
            check(answers(esp, reader, 2) == [0, 1], 'after all that a good one is not answered')
            p.delete()
            wait('the tunnel has ended', lambda: ended(a)['received'])
            counted = ended(a)
            # five of the bad ones are no payloads at all: their numbers are missing, too
            check((counted['lost'], counted['bad']) == (1 + 5, 7), f'counted: {counted}')
            p.close()


def fragments_and_reports_as_asked_for():
    with Lab() as lab:
        a, b, p, answer = second(lab, C | D, 'iptfs_accept_fragments = no\niptfs_packet_size = 600')
        check(answer.notified(USE_AGGFRAG) == bytes([D]), f'the daemon said {answer.notified(USE_AGGFRAG)}')
        esp, reader = esppy.Esp(b, p), Reader()
        pings = [request(n, 150, b.in4, a.in4) for n in range(12)]
        for n in range(0, 12, 3):
            esp.send(payloads(pings[n:n + 3], 1400, Report(tval=1000 + n))[0], AGGFRAG)
        check(answers(esp, reader, 12) == list(range(12)), 'not all were answered')
        check(set(reader.offsets) == {0}, f'fragments were sent: {reader.offsets}')
        check(all(r.techo in (0, 1000, 1003, 1006, 1009) for r in reader.reports) and reader.reports[-1].techo == 1009,
              'TVal did not come back')
        check(all(r.loss == 0 for r in reader.reports) and reader.reports[-1].tval, 'loss where there was none')
        # reports come without traffic, and say what is lost; an echo of theirs gives them a round-trip time
        for n in range(60):
            if n % 20 == 19:
                esp.sequence += 1
            esp.send(payloads([request(n, 10, b.in4, a.in4)], 1400, Report(tval=2000 + n, rtt=10000))[0], AGGFRAG)
            time.sleep(0.01)
        before = len(reader.reports)
        end = time.monotonic() + 3
        while time.monotonic() < end and (len(reader.reports) < before + 70 or not reader.reports[-1].rtt):
            got = esp.receive(0.5)
            if got:
                reader.take(got[0])
                r = reader.reports[-1]
                esp.send(struct.pack('>BBH', 1, 0, 0) + Report(tval=3000, techo=r.tval, echo=5).octets(), AGGFRAG)
        last = reader.reports[-1]
        check(last.loss, 'three losses were not reported')
        check(0 < last.rtt < 2_000_000, f'the round-trip time is {last.rtt} us')
        # a fragment that was not agreed on
        for x in payloads([request(1, 500, b.in4, a.in4)], 400):
            esp.send(x, AGGFRAG)
        time.sleep(0.5)
        p.delete()
        wait('the tunnel has ended', lambda: ended(a)['received'])
        check(ended(a)['bad'] >= 1 and ended(a)['lost'] == 3, f'counted: {ended(a)}')
        p.close()


def a_peer_without_it():
    with Lab() as lab:
        a, b = lab.hosts
        a.ravelind(config(a, b, 'east', ('west.example', 'east.example')))
        b.strongswan(config(b, a, 'west', ('east.example', 'west.example')).replace('mode = iptfs', ''))
        r = a.ravelin('up', 'east', ok=False)
        check(r.returncode and 'iptfs' in r.stdout + r.stderr, f'it is not said why: {r.stdout}{r.stderr}')
        check(not a.json('list', 'child'), 'a child SA is there all the same')


if __name__ == '__main__':
    main([nobody_sees_whether_there_is_traffic, small_packets_share_and_large_ones_are_cut, the_rate_follows_the_reports,
          a_second_implementation, fragments_and_reports_as_asked_for, a_peer_without_it])
