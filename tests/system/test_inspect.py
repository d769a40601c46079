# SPDX-License-Identifier: LGPL-2.1-or-later
"""`ravelin inspect` (RFC 5879) on captures that Scapy makes: ESP-NULL with each ICV, encrypted ESP, extended numbers, IPv4
and IPv6, tunnel and transport mode, UDP encapsulation, WESP, fragments, both formats of files and both byte orders."""

import hashlib
import hmac
import json
import os
import random
import struct
import subprocess
import tempfile

from lab import BUILD, check, main

os.environ['SCAPY_USE_LIBPCAP'] = 'no'
from scapy.all import (DNS, DNSQR, ESP, GRE, ICMP, IP, SCTP, TCP, UDP, Ether, ICMPv6EchoRequest, IPv6, Raw,  # noqa: E402
                       SCTPChunkData, SecurityAssociation, fragment, wrpcap, wrpcapng)

TOOL = os.path.join(BUILD, 'tools', 'ravelin')
MACS = {'HMAC-MD5-96': (12, hashlib.md5, 16), 'HMAC-SHA1-96': (12, hashlib.sha1, 20),
        'SHA2-256-128': (16, hashlib.sha256, 32), 'SHA2-384-192': (24, hashlib.sha384, 48),
        'SHA2-512-256': (32, hashlib.sha512, 64)}
ETHER = Ether(src='02:00:00:00:00:01', dst='02:00:00:00:00:02')
rng = random.Random(5879)


def inspect(packets, write=wrpcap, ok=True, **kw):
    with tempfile.TemporaryDirectory() as d:
        path = os.path.join(d, 'capture')
        if isinstance(packets, bytes):
            open(path, 'wb').write(packets)
        else:
            write(path, packets, **kw)
        r = subprocess.run([TOOL, 'inspect', path, '--json'], capture_output=True, text=True, timeout=120)
        check((r.returncode == 0) == ok, f'status {r.returncode}: {r.stderr}')
        return (json.loads(r.stdout) if ok else []), r.stderr


def one(packets, **kw):
    flows, _ = inspect([ETHER / p for p in packets], **kw)
    check(len(flows) == 1, f'{len(flows)} flows')
    return flows[0]


def tcp_talk(v6=False):
    """A few segments both as whole packets of one direction."""
    base = IPv6(src='fd00:1::1', dst='fd00:2::1') if v6 else IP(src='10.1.0.1', dst='10.2.0.1')
    seq, out = rng.getrandbits(32), []
    out.append(base / TCP(sport=40000, dport=443, flags='S', seq=seq, options=[('MSS', 1460), ('WScale', 7)]))
    for i in range(8):
        out.append(base / TCP(sport=40000, dport=443, flags='PA', seq=(seq + 1 + 100 * i) % 2**32, ack=77) /
                   Raw(rng.randbytes(100)))
    return out


def dns_talk(v6=False):
    base = IPv6(src='fd00:1::1', dst='fd00:2::53') if v6 else IP(src='10.1.0.1', dst='10.2.0.53')
    return [base / UDP(sport=5353, dport=53) / DNS(id=i, qd=DNSQR(qname='host%d.example' % i)) for i in range(8)]


def pings(v6=False):
    if v6:
        return [IPv6(src='fd00:1::1', dst='fd00:2::1') / ICMPv6EchoRequest(id=9, seq=i, data=b'x' * 56) for i in range(8)]
    return [IP(src='10.1.0.1', dst='10.2.0.1') / ICMP(id=9, seq=i) / Raw(b'x' * 56) for i in range(8)]


def sctp_talk(v6=False):
    base = IPv6(src='fd00:1::1', dst='fd00:2::1') if v6 else IP(src='10.1.0.1', dst='10.2.0.1')
    return [base / SCTP(sport=5000, dport=5001, tag=0x12345678) / SCTPChunkData(tsn=i, data=b'data%d' % i)
            for i in range(8)]


def esp(packet, icv, spi=0x1000, number=1, iv=b'', high=None, mode='tunnel', family=4, mac=None, key=b'k'):
    """ESP-NULL of a packet, by hand (RFC 4303, 2)."""
    if mode == 'tunnel':
        payload, following = bytes(packet), 41 if IPv6 in packet else 4
    else:
        payload, following = bytes(packet.payload), packet.nh if IPv6 in packet else packet.proto
    pad = -(len(payload) + 2) % 4
    text = struct.pack('>II', spi, number) + iv + payload + bytes(range(1, pad + 1)) + bytes([pad, following])
    tail = struct.pack('>I', high) if high is not None else b''
    sealed = text + hmac.new(key, text + tail, mac or hashlib.sha512).digest()[:icv]
    if mode != 'tunnel' and IPv6 in packet:
        return IPv6(src=packet.src, dst=packet.dst, nh=50) / Raw(sealed)
    if mode != 'tunnel':
        return IP(src=packet.src, dst=packet.dst, proto=50) / Raw(sealed)
    return (IPv6(src='fd00::1', dst='fd00::2', nh=50) if family == 6 else IP(src='192.0.2.1', dst='192.0.2.2', proto=50)) / Raw(sealed)


def null_with_each_icv():
    for v6 in (False, True):
        for talk in (tcp_talk, dns_talk, pings, sctp_talk):
            for mode in ('tunnel', 'transport'):
                for what, (icv, mac, size) in MACS.items():
                    # by Scapy's own ESP where it can
                    if not v6 and mode == 'tunnel':
                        sa = SecurityAssociation(ESP, spi=0x1000, crypt_algo='NULL', auth_algo=what,
                                                 auth_key=rng.randbytes(size), tunnel_header=IP(src='192.0.2.1', dst='192.0.2.2'))
                        sealed = [IP(bytes(sa.encrypt(IP(bytes(p))))) for p in talk()]
                    else:
                        sealed = [esp(p if not v6 else IPv6(bytes(p)), icv, number=i + 1, mode=mode, mac=mac, family=6 if v6 else 4)
                                  for i, p in enumerate(type(x)(bytes(x)) for x in talk(v6))]
                    flow = one(sealed)
                    where = f'{what}, {talk.__name__}, {mode}, v6 {v6}: {flow}'
                    check(flow['verdict'] == 'null' and flow['icv'] == icv and flow['iv'] == 0, where)
                    check(flow['spi'] == 0x1000 and flow['packets'] == len(sealed) and not flow['garbage'], where)


def gmac_has_an_iv():
    for talk in (tcp_talk, dns_talk, pings):
        for counter in (True, False):
            flow = one([esp(p, 16, number=i + 1, iv=struct.pack('>Q', i + 1) if counter else rng.randbytes(8))
                        for i, p in enumerate(talk())])
            check((flow['verdict'], flow['icv'], flow['iv']) == ('null', 16, 8), f'{talk.__name__}: {flow}')
            check('GMAC' in flow['algorithm'], str(flow))


def extended_numbers_change_nothing():
    flow = one([esp(p, 16, number=i, high=1) for i, p in enumerate(tcp_talk())])
    check((flow['verdict'], flow['icv']) == ('null', 16), str(flow))


def encrypted():
    """Hundreds of SAs with each cipher: none is taken for what it is not."""
    packets = []
    for n in range(100):
        sa = SecurityAssociation(ESP, spi=0x2000 + n, crypt_algo='AES-GCM', crypt_key=rng.randbytes(20),
                                 tunnel_header=IP(src='192.0.2.1', dst='192.0.2.2'))
        packets += [ETHER / sa.encrypt(IP(bytes(p))) for p in tcp_talk() + pings()]
        sa = SecurityAssociation(ESP, spi=0x3000 + n, crypt_algo='AES-CBC', crypt_key=rng.randbytes(16),
                                 auth_algo='HMAC-SHA1-96', auth_key=rng.randbytes(20),
                                 tunnel_header=IP(src='192.0.2.1', dst='192.0.2.2'))
        packets += [ETHER / sa.encrypt(IP(bytes(p))) for p in dns_talk()]
    flows, _ = inspect(packets)
    check(len(flows) == 200, f'{len(flows)} flows')
    wrong = [f for f in flows if f['verdict'] != 'encrypted']
    check(not wrong, f'taken for something else: {wrong}')


def one_packet_may_not_be_enough():
    flow = one([esp(dns_talk()[0], 12, mode='transport')])
    check(flow['verdict'] == 'unsure', str(flow))
    # a protocol that is not known: the next header stays where it is, the IV is not known (RFC 5879, 8.2)
    strange = [IP(src='10.1.0.1', dst='10.2.0.1') / GRE(proto=0x0800) / Raw(rng.randbytes(60 + i)) for i in range(12)]
    flow = one([esp(IP(bytes(p)), 24, number=i, mode='transport') for i, p in enumerate(strange)])
    check(flow['verdict'] == 'null' and flow['icv'] == 24 and 'iv' not in flow, str(flow))


def an_sa_may_change_its_mind():
    """RFC 5879, 6: an encrypted SA with the SPI of one that was ESP-NULL."""
    sa = SecurityAssociation(ESP, spi=0x1000, crypt_algo='AES-GCM', crypt_key=rng.randbytes(20),
                             tunnel_header=IP(src='192.0.2.1', dst='192.0.2.2'))
    packets = [esp(p, 12) for p in tcp_talk()]
    flow = one(packets)
    check(flow['verdict'] == 'null', str(flow))
    packets += [IP(bytes(sa.encrypt(IP(bytes(p))))) for p in tcp_talk() * 4]
    flow = one(packets)
    check(flow['verdict'] == 'encrypted' and flow['garbage'] > 16, str(flow))


def in_udp_and_what_is_not_esp_there():
    packets = [IP(src='192.0.2.1', dst='192.0.2.2') / UDP(sport=4500, dport=61000) / Raw(bytes(esp(p, 12)[Raw])) for p in tcp_talk()]
    packets.append(IP(src='192.0.2.1', dst='192.0.2.2') / UDP(sport=4500, dport=61000) / Raw(bytes(4) + b'keying'))
    packets.append(IP(src='192.0.2.1', dst='192.0.2.2') / UDP(sport=4500, dport=61000) / Raw(b'\xff'))
    packets.append(IP(src='192.0.2.1', dst='192.0.2.2') / UDP(sport=53, dport=61000) / Raw(bytes(esp(pings()[0], 12)[Raw])))
    packets.append(IP(src='192.0.2.1', dst='192.0.2.2') / TCP(sport=53, dport=61000))
    flow = one(packets)
    check(flow['verdict'] == 'null' and flow['packets'] == 9, str(flow))
    check((flow['source'], flow['destination']) == ('192.0.2.1:4500', '192.0.2.2:61000'), str(flow))


def wesp_says_it_itself():
    plain = [bytes(esp(p, 16)[Raw]) for p in tcp_talk()]
    null, hidden = bytes([4, 12, 16, 0]), bytes([0, 0, 0, 0x20])
    padded = bytes([4, 24, 16, 0x10, 0, 0, 0, 0])
    flow = one([IP(src='192.0.2.1', dst='192.0.2.2', proto=141) / Raw(null + x) for x in plain])
    check(flow['wesp'] and (flow['verdict'], flow['icv'], flow['iv']) == ('null', 16, 0), str(flow))
    flow = one([IPv6(src='fd00::1', dst='fd00::2', nh=141) / Raw(padded + x) for x in plain])
    check(flow['wesp'] and (flow['verdict'], flow['icv'], flow['iv']) == ('null', 16, 8), str(flow))
    flow = one([IP(src='192.0.2.1', dst='192.0.2.2') / UDP(sport=4500, dport=4500) / Raw(struct.pack('>I', 2) + hidden + x) for x in plain])
    check(flow['wesp'] and flow['verdict'] == 'encrypted', str(flow))
    flows, _ = inspect([ETHER / IP(src='192.0.2.1', dst='192.0.2.2', proto=141) / Raw(bytes([4, 12, 16, 0x40]) + plain[0])])
    check(not flows, 'another version was read')


def fragments_are_put_together():
    large = IP(src='10.1.0.1', dst='10.2.0.1') / UDP(sport=5000, dport=5000) / Raw(rng.randbytes(4000))
    packets = []
    for i in range(4):
        parts = fragment(esp(large, 16, number=i) / b'', fragsize=1000)
        for p in parts:
            p.id = 100 + i
        packets += [IP(bytes(p)) for p in (reversed(parts) if i % 2 else parts)]
    flow = one(packets)
    check((flow['verdict'], flow['icv'], flow['packets']) == ('null', 16, 4), str(flow))


def files_of_each_kind():
    packets = [ETHER / esp(p, 12) for p in tcp_talk()]
    for write, kw in ((wrpcap, {}), (wrpcap, {'endianness': '>'}), (wrpcap, {'nano': True}), (wrpcapng, {})):
        flows, _ = inspect(packets, write, **kw)
        check(len(flows) == 1 and flows[0]['verdict'] == 'null', f'{write.__name__} {kw}: {flows}')
    flows, _ = inspect([p[IP] for p in packets], wrpcap, linktype=101)
    check(len(flows) == 1 and flows[0]['verdict'] == 'null', f'raw: {flows}')
    with tempfile.TemporaryDirectory() as d:
        path = os.path.join(d, 'x')
        wrpcap(path, packets)
        whole = open(path, 'rb').read()
    flows, said = inspect(whole[:-10])
    check(flows[0]['packets'] == len(packets) - 1 and 'middle of a packet' in said, said)
    short = bytearray(whole[:24])
    at = 24
    while at < len(whole):  # as if 60 octets of each were captured
        n = struct.unpack('<I', whole[at + 8:at + 12])[0]
        short += whole[at:at + 8] + struct.pack('<II', 60, n) + whole[at + 16:at + 76]
        at += 16 + n
    flows, said = inspect(bytes(short))
    check(not flows and 'cut off' in said, said)
    for bad in (b'', b'no capture', bytes(100)):
        _, said = inspect(bad, ok=False)
        check(said, 'nothing is said of a file that is no capture')
    r = subprocess.run([TOOL, 'inspect', '/nowhere'], capture_output=True, text=True, timeout=60)
    check(r.returncode == 1 and '/nowhere' in r.stderr and 'No such file' in r.stderr, r.stderr)


def the_table_says_which_algorithm():
    with tempfile.TemporaryDirectory() as d:
        path = os.path.join(d, 'x')
        wrpcap(path, [ETHER / esp(p, 16) for p in tcp_talk()])
        r = subprocess.run([TOOL, 'inspect', path], capture_output=True, text=True, timeout=60)
        check(r.returncode == 0 and '00001000' in r.stdout and 'ICV of 16 octets: HMAC-SHA2-256-128' in r.stdout, r.stdout)


if __name__ == '__main__':
    main([null_with_each_icv, gmac_has_an_iv, extended_numbers_change_nothing, encrypted, one_packet_may_not_be_enough,
          an_sa_may_change_its_mind, in_udp_and_what_is_not_esp_there, wesp_says_it_itself, fragments_are_put_together,
          files_of_each_kind, the_table_says_which_algorithm])
