# SPDX-License-Identifier: LGPL-2.1-or-later
"""IPComp with DEFLATE inside ESP (RFC 3173, RFC 2394): between two daemons of ours; with a second implementation, whose
negotiation is ikepy's, whose packets are Scapy's and whose DEFLATE is Python's zlib; and left out with strongSwan, whose
ESP in userspace has none."""

import json
import os
import re
import struct
import zlib

import esppy
import ikepy
from lab import Capture, Lab, check, connection, main, wait

os.environ['SCAPY_USE_LIBPCAP'] = 'no'
from scapy.all import ICMP, IP, Raw  # noqa: E402

IPCOMP_SUPPORTED, DEFLATE, IPCOMP = 16387, 2, 108
PROPOSALS = dict(proposals='aes128gcm16-prfsha256-x25519', esp='aes128gcm16-x25519')


TWO_KE = dict(proposals='aes128gcm16-prfsha256-x25519-ke1_ecp256', esp='aes128gcm16-x25519-ke1_ecp256')


def config(host, other, name, ids, ipcomp='yes', extra='', child='', words=None):
    return connection(name, host.wire4, other.wire4, *ids, local_ts=host.net4, remote_ts=other.net4,
                      child_extra=f'ipcomp = {ipcomp}\n{child}', extra=extra, **(words or PROPOSALS))


def counted(host, direction):
    """What the SAs that ended in this direction counted, by word."""
    lines = [l for l in host.log_text().splitlines() if 'ipcomp-ended' in l and f'direction={direction}' in l]
    return {w: sum(int(m.group(1)) for l in lines for m in re.finditer(r'\b' + w + r'=(\d+)', l))
            for w in ('compressed', 'as-it-is', 'header', 'cpi', 'data', 'too-large')}


def octets_on_the_wire(capture, host):
    return [int(m.group(1)) for m in re.finditer(r'length (\d+)', '\n'.join(capture.lines('udp port 4500 or esp')))]


def both_directions():
    with Lab() as lab:
        a, b = lab.hosts
        b.ravelind(config(b, a, 'west', ('east.example', 'west.example')))
        a.ravelind(config(a, b, 'east', ('west.example', 'east.example')))
        a.ravelin('up', 'east')
        capture = Capture(a)
        a.ping(b.in4, source=a.in4, size=1200, count=5)
        b.ping(a.in4, source=b.in4, size=1200, count=5)
        a.ping(b.in4, source=a.in4, size=8, count=3)
        capture.stop()
        large = [n for n in octets_on_the_wire(capture, a) if n > 600]
        check(not large, f'packets of {large} octets on the wire')
        a.transfer(b, a.in4, b.in4, octets=3_000_000)
        a.ravelin('rekey', 'east', 'net')
        wait('the new SA carries', lambda: a.ping(b.in4, source=a.in4, size=1200, ok=False) == 3)
        a.ravelin('down', 'east')
        for host in (a, b):
            for direction in ('in', 'out'):
                wait('the SAs have ended', lambda: counted(host, direction)['compressed'] >= 13)
                got = counted(host, direction)
                check(got['as-it-is'] >= 3 and not got['data'] + got['cpi'] + got['header'], f'{direction}: {got}')


def with_further_key_exchanges():
    """RFC 9370: a rekey's answer goes out before there are keys; what was agreed on in it counts when IKE_FOLLOWUP_KE is over."""
    with Lab() as lab:
        a, b = lab.hosts
        b.ravelind(config(b, a, 'west', ('east.example', 'west.example'), words=TWO_KE))
        a.ravelind(config(a, b, 'east', ('west.example', 'east.example'), words=TWO_KE))
        a.ravelin('up', 'east')
        for i, (host, name) in enumerate(((a, 'east'), (b, 'west'))):
            before = a.json('list', 'child')[0]['SpiIn']
            host.ravelin('rekey', name, 'net')
            wait('it is replaced', lambda: [c['SpiIn'] for c in a.json('list', 'child')][-1:] != [before])
            wait('the old one is gone', lambda: len(a.json('list', 'child')) == 1 and len(b.json('list', 'child')) == 1)
            capture = Capture(a)
            a.ping(b.in4, source=a.in4, size=1200, count=5)
            b.ping(a.in4, source=b.in4, size=1200, count=5)
            capture.stop()
            large = [n for n in octets_on_the_wire(capture, a) if n > 600]
            check(not large, f'after rekey {i} packets of {large} octets on the wire')
        a.ravelin('down', 'east')
        for host in (a, b):
            check('additional key exchange' in host.log_text(), 'there was one key exchange only')
            for direction in ('in', 'out'):
                wait('the SAs have ended', lambda: counted(host, direction)['compressed'] >= 20)


def one_side_does_not_want_it():
    with Lab() as lab:
        a, b = lab.hosts
        b.ravelind(config(b, a, 'west', ('east.example', 'west.example'), ipcomp='no'))
        a.ravelind(config(a, b, 'east', ('west.example', 'east.example')))
        a.ravelin('up', 'east')
        capture = Capture(a)
        a.ping(b.in4, source=a.in4, size=1200)
        capture.stop()
        check(len([n for n in octets_on_the_wire(capture, a) if n > 1200]) >= 6, 'who compressed?')
        a.ravelin('down', 'east')
        check('ipcomp-ended' not in a.log_text() + b.log_text(), 'an SA had it')


class Second(ikepy.Peer):
    """Initiates with IPCOMP_SUPPORTED."""

    cpi = 0x1234

    def auth_extra(self):
        return [ikepy.notify(IPCOMP_SUPPORTED, struct.pack('>HB', self.cpi, DEFLATE))]


class Esp(esppy.Esp):
    """With an IPComp layer by hand."""

    def __init__(self, host, peer, ours, theirs):
        super().__init__(host, peer)
        self.ours, self.theirs = ours, theirs

    def ping(self, n, size, cpi, squeeze):
        packet = bytes(IP(src=self.ours, dst=self.theirs) / ICMP(id=7, seq=n) / Raw(b'abc ' * (size // 4)))
        if squeeze is None:
            self.send(packet, 4)
        else:
            self.send(struct.pack('>BBH', 4, 0, cpi) + squeeze(packet), IPCOMP)
        return packet


def deflate(octets):
    c = zlib.compressobj(9, zlib.DEFLATED, -15)
    return c.compress(octets) + c.flush()


def inflate(octets):
    d = zlib.decompressobj(-15)
    out = d.decompress(octets) + d.flush()
    check(d.eof and not d.unused_data, 'DEFLATE does not end where the packet ends')
    return out


def a_second_implementation():
    with Lab() as lab:
        a, b = lab.hosts
        a.ravelind(config(a, b, 'py', ('west.example', 'east.example'), extra='encap = never\n'))
        p = Second(b, a.wire4, 'east.example', 'west.example', ts=(b.net4, a.net4))
        p.init()
        answer = p.auth()
        said = answer.notified(IPCOMP_SUPPORTED)
        check(said is not None and len(said) == 3 and said[2] == DEFLATE, f'the daemon said {said}')
        cpi = struct.unpack('>H', said[:2])[0]
        check(256 <= cpi <= 61439, f'the CPI is {cpi}')
        esp = Esp(b, p, b.in4, a.in4)
        for n, (size, squeeze) in enumerate([(1200, deflate), (1200, None), (60, deflate), (8, None), (1300, deflate)]):
            sent = IP(esp.ping(n, size, cpi, squeeze))
            got = esp.receive()
            check(got, f'ping {n} was not answered')
            payload, following = got
            if following == IPCOMP:
                inner, flags, theirs = struct.unpack('>BBH', payload[:4])
                check((inner, flags, theirs) == (4, 0, Second.cpi), f'the header of IPComp is {payload[:4].hex()}')
                packet = inflate(payload[4:])
                check(len(payload) < len(packet), 'it was sent larger than it was')
            else:
                packet = payload
            check((following == IPCOMP) == (len(packet) >= 90), f'{len(packet)} octets came as {following}')
            reply = IP(packet)
            check(reply[ICMP].type == 0 and bytes(reply[Raw]) == bytes(sent[Raw]), f'the answer is {reply!r}')
        bad = [(cpi ^ 1, deflate), (cpi, lambda o: deflate(o)[:-3]), (cpi, lambda o: deflate(o) + b'x'),
               (cpi, lambda o: deflate(bytes(70000))), (cpi, lambda o: b'')]
        for n, (index, squeeze) in enumerate(bad):
            esp.ping(100 + n, 200, index, squeeze)
        esp.send(b'\4', IPCOMP)
        check(esp.receive(1) is None, 'something bad was answered')
        esp.ping(200, 400, cpi, deflate)
        check(esp.receive(), 'after all that a good one is not answered')
        p.delete()
        wait('the SA has ended', lambda: counted(a, 'in')['compressed'])
        got = counted(a, 'in')
        check((got['header'], got['cpi'], got['data'], got['too-large']) == (1, 1, 3, 1), f'counted: {got}')
        p.close()


def strongswan_leaves_it_out():
    for we_begin in (True, False):
        with Lab() as lab:
            a, b = lab.hosts
            a.ravelind(config(a, b, 'east', ('west.example', 'east.example')))
            b.strongswan(config(b, a, 'west', ('east.example', 'west.example')))
            if we_begin:
                a.ravelin('up', 'east')
            else:
                b.swanctl('--initiate', '--child', 'net')
            a.ping(b.in4, source=a.in4, size=1200)
            b.ping(a.in4, source=b.in4, size=1200)
            child = a.json('list', 'child')
            check(len(child) == 1, f'child SAs: {json.dumps(child)}')
            parsed = [l for l in open(b.log).read().splitlines() if 'IPCOMP_SUP' in l]
            check(len(parsed) == we_begin and all('parsed' in l for l in parsed), f'strongSwan offered or answered: {parsed}')
            a.ravelin('down', 'east')
            check('ipcomp-ended' not in a.log_text(), 'an SA had IPComp')


if __name__ == '__main__':
    main([both_directions, with_further_key_exchanges, one_side_does_not_want_it, a_second_implementation, strongswan_leaves_it_out])
