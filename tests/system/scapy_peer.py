# SPDX-License-Identifier: LGPL-2.1-or-later
"""scapy_peer: a second implementation of ESP and AH, for test_scapy.py and test_ah.py.

The argument is a JSON list of SA pairs: name, me, them (outer addresses), mode, encap, esn, algorithm words of Scapy, and
for each direction spi, key, integ_key, sequence (the last one that was used). Echo requests that come inside ESP are
answered inside ESP. Commands come as JSON objects on stdin, a line each, and are answered with one on stdout:

    name, inner [src, dst], n, size             sends n echo requests
    name, inner, sequences, break               sends echo requests with these sequence numbers (break: the ICV)
    name, inner, n, headers                     sends them with options and extension headers, some of which may change
    name, inner, n, route                       sends them by a source route of IPv6 through that address, as they arrive
    name, inner, datagram, ports, cut, order, id  sends a UDP datagram of so many octets between these ports: cut into pieces
                                                of so many, in this order of their numbers; in tunnel mode what is inside
                                                is cut, in transport mode the sealed packet. What comes back with the
                                                same octets is a reply
    name, dummies, size                         sends so many dummy packets (RFC 4303, 2.6)
    name                                        nothing

The answer says how many replies came within `wait` seconds, how many packets came in all, their lowest and highest
number, and what was bad.
"""
import hashlib
import hmac
import json
import logging
import os
import socket
import struct
import sys
import threading
import time

os.environ['SCAPY_USE_LIBPCAP'] = 'no'
logging.getLogger('scapy').setLevel(logging.ERROR)

from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: E402
from scapy.all import (ESP, ICMP, IP, UDP, AsyncSniffer, HBHOptUnknown, ICMPv6EchoReply, ICMPv6EchoRequest,  # noqa: E402
                       IPOption_NOP, IPOption_RR, IPOption_Router_Alert, IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrHopByHop,
                       IPv6ExtHdrFragment, IPv6ExtHdrRouting, Raw, RouterAlert, SecurityAssociation)
from scapy.layers.ipsec import (AH, AUTH_ALGOS, CRYPT_ALGOS, AuthAlgo, CryptAlgo, IPSecIntegrityError,  # noqa: E402
                                _ESPPlain, zero_mutable_fields)


class EsnIntegrity(AuthAlgo):
    """Scapy leaves the high half of the number out of ESP's ICV (RFC 4303, 2.2.1 puts it behind the packet)."""

    def __init__(self, like):
        super().__init__(like.name, like.mac, like.digestmod, like.icv_size)
        self.high = 0

    def icv(self, octets, key):
        return hmac.new(key, octets + struct.pack('!L', self.high), hashlib.sha256).digest()[:self.icv_size]

    def sign(self, pkt, key, esn_en=False, esn=0):
        pkt[ESP].data += self.icv(bytes(pkt[ESP]), key)
        return pkt

    def verify(self, pkt, key, esn_en=False, esn=0):
        octets = bytes(pkt)
        if octets[-self.icv_size:] != self.icv(octets[:-self.icv_size], key):
            raise IPSecIntegrityError('ICV')


class Gmac(AuthAlgo):
    """What Scapy's AH lacks: AES-GMAC (RFC 4543, 4), whose IV opens the field of the ICV and is covered, unlike the ICV."""

    def __init__(self):
        super().__init__('AES-GMAC', None, None, 24, key_size=(20, 28, 36))
        self.n = 0

    def icv(self, clone, iv, key, esn_en, esn):
        clone[AH].icv = iv + bytes(16)
        covered = bytes(clone) + (struct.pack('!L', esn) if esn_en else b'')
        return iv + AESGCM(key[:-4]).encrypt(key[-4:] + iv, b'', covered)

    def sign(self, pkt, key, esn_en=False, esn=0):
        self.n += 1  # any IV that does not come twice will do; ours are other ones than Ravelin's
        iv = struct.pack('!Q', self.n << 32)
        pkt[AH].icv = self.icv(zero_mutable_fields(pkt.copy(), sending=True), iv, key, esn_en, esn)
        return pkt

    def verify(self, pkt, key, esn_en=False, esn=0):
        pkt[AH].padding, pkt[AH].icv = pkt[AH].icv[24:], pkt[AH].icv[:24]
        icv = pkt[AH].icv
        if self.icv(zero_mutable_fields(pkt.copy()), icv[:8], key, esn_en, esn) != icv:
            raise IPSecIntegrityError('ICV')


AUTH_ALGOS['AES-GMAC'] = Gmac()


class Aead(CryptAlgo):
    """What Scapy's layer lacks: AES-GMAC (RFC 4543), short ICVs of AES-GCM (RFC 4106) and implicit IVs (RFC 8750). All of
    them are stream ciphers, so encrypting twice gives the text back."""

    def __init__(self, like, icv_size=16, clear=False, implicit=False):
        super().__init__(like.name, cipher=like.cipher, mode=None, key_size=like.key_size, block_size=1,
                         iv_size=0 if implicit else 8, icv_size=icv_size, salt_size=like.salt_size)
        self.clear, self.implicit = clear, implicit

    def seal(self, key, nonce, text, aad):
        if self.clear:
            return text + self.cipher(key).encrypt(nonce, b'', aad + nonce[-8:] + text)
        cipher = self.cipher(key, tag_length=self.icv_size) if self.salt_size == 3 else self.cipher(key)
        return cipher.encrypt(nonce, text, aad)[:len(text) + self.icv_size]

    def around(self, sa, esp, iv, esn_en, esn):
        high = esn if esn_en else 0
        aad = struct.pack('!LLL', esp.spi, esn, esp.seq) if esn_en else struct.pack('!LL', esp.spi, esp.seq)
        return sa.crypt_salt + (struct.pack('!LL', high, esp.seq) if self.implicit else iv), aad

    def encrypt(self, sa, esp, key, icv_size=None, esn_en=False, esn=0):
        nonce, aad = self.around(sa, esp, esp.iv, esn_en, esn)
        return ESP(spi=esp.spi, seq=esp.seq, data=esp.iv + self.seal(key, nonce, esp.data_for_encryption(), aad))

    def decrypt(self, sa, esp, key, icv_size=None, esn_en=False, esn=0):
        iv, body, icv = (esp.data[:self.iv_size], esp.data[self.iv_size:-self.icv_size], esp.data[-self.icv_size:])
        nonce, aad = self.around(sa, esp, iv, esn_en, esn)
        text = body if self.clear else self.seal(key, nonce, body, aad)[:len(body)]
        if self.seal(key, nonce, text, aad) != body + icv:
            raise IPSecIntegrityError('ICV')
        end = len(text) - 2 - text[-2]
        return _ESPPlain(spi=esp.spi, seq=esp.seq, iv=iv, data=text[:end], padding=text[end:-2], padlen=text[-2],
                         nh=text[-1], icv=icv)


for word, algo in (('GMAC', Aead(CRYPT_ALGOS['AES-GCM'], clear=True)), ('GCM-8', Aead(CRYPT_ALGOS['AES-GCM'], 8)),
                   ('GCM-12', Aead(CRYPT_ALGOS['AES-GCM'], 12)),
                   ('GCM-IIV', Aead(CRYPT_ALGOS['AES-GCM'], implicit=True)),
                   ('CCM-8-IIV', Aead(CRYPT_ALGOS['AES-CCM'], 8, implicit=True)),
                   ('CHACHA-IIV', Aead(CRYPT_ALGOS['CHACHA20-POLY1305'], implicit=True))):
    CRYPT_ALGOS[word] = algo


class Pieces:
    """Fragments that come, until they are whole."""

    def __init__(self):
        self.parts, self.n = {}, 0

    def add(self, packet):
        """The whole packet, or None as long as it is not there."""
        if packet.version == 4:
            if not packet.frag and not packet.flags.MF:
                return packet
            key, at, more, octets = packet.id, 8 * packet.frag, bool(packet.flags.MF), bytes(packet.payload)
        else:
            if IPv6ExtHdrFragment not in packet:
                return packet
            f = packet[IPv6ExtHdrFragment]
            key, at, more, octets = f.id, 8 * f.offset, bool(f.m), bytes(f.payload)
        self.n += 1
        got = self.parts.setdefault((packet.src, packet.dst, key), {})
        got[at] = (octets, more)
        end = 0
        while end in got:
            octets, more = got[end]
            if not more:
                break
            end += len(octets)
        else:
            return None
        whole = b''.join(got[at][0] for at in sorted(got))
        if packet.version == 4:
            return IP(bytes(IP(src=packet.src, dst=packet.dst, proto=packet.proto, id=key) / Raw(whole)))
        return IPv6(bytes(IPv6(src=packet.src, dst=packet.dst, nh=packet[IPv6ExtHdrFragment].nh) / Raw(whole)))


def pieces_of(packet, cut, number=4711):
    """The packet in fragments of so many octets behind the header."""
    octets = bytes(packet.payload)
    for at in range(0, len(octets), cut):
        part, more = octets[at:at + cut], at + cut < len(octets)
        if packet.version == 4:
            yield IP(src=packet.src, dst=packet.dst, proto=packet.proto, id=number, frag=at // 8,
                     flags='MF' if more else 0) / Raw(part)
        else:
            yield (IPv6(src=packet.src, dst=packet.dst) /
                   IPv6ExtHdrFragment(nh=packet.nh, id=number, offset=at // 8, m=int(more)) / Raw(part))


class Pair:
    """The SAs of both directions between two addresses."""

    def __init__(self, want):
        self.name, self.me, self.them, self.encap, self.esn = (want[k] for k in ('name', 'me', 'them', 'encap', 'esn'))
        self.outer = IPv6 if ':' in self.me else IP
        self.mode = want['mode']
        self.kind = AH if want.get('ah') else ESP
        self.inbound = self.association(want, want['in'], self.them, self.me)
        self.outbound = self.association(want, want['out'], self.me, self.them)
        self.sequence, self.highest = want['out'].get('sequence', 0), want['in'].get('sequence', 0)
        self.seen, self.replies, self.bad = [], 0, []
        self.pieces, self.sent, self.dummies = Pieces(), None, 0

    def association(self, want, sa, src, dst):
        a = SecurityAssociation(self.kind, spi=sa['spi'], seq_num=0, crypt_algo=want['encr'],
                                crypt_key=bytes.fromhex(sa['key']) or None, crypt_icv_size=want.get('icv'), auth_algo=want.get('integ'),
                                auth_key=bytes.fromhex(sa.get('integ_key', '')) or None,
                                tunnel_header=self.outer(src=src, dst=dst) if self.mode == 'tunnel' else None,
                                nat_t_header=UDP(sport=4500, dport=4500) if self.encap else None, esn_en=self.esn)
        if self.esn and want.get('integ') and self.kind is ESP:
            a.auth_algo = EsnIntegrity(AUTH_ALGOS[want['integ']])
        return a

    def seal(self, packet, sequence=None, spoil=False, arrive=lambda packet: packet, cut=0, order=None):
        if sequence is None:
            self.sequence += 1
            sequence = self.sequence
        if isinstance(self.outbound.auth_algo, EsnIntegrity):
            self.outbound.auth_algo.high = sequence >> 32
        sealed = self.outbound.encrypt(packet, seq_num=sequence & 0xffffffff, esn_en=self.esn, esn=sequence >> 32)
        if spoil and self.kind is AH:
            sealed[AH].icv = sealed[AH].icv[:-1] + bytes([sealed[AH].icv[-1] ^ 1])
        elif spoil:
            sealed[ESP].data = sealed[ESP].data[:-1] + bytes([sealed[ESP].data[-1] ^ 1])
        if self.encap:  # Scapy 2.5 writes a length of 8 and no checksum, which IPv6 needs (RFC 8200, 8.1)
            sealed = self.outer(src=self.me, dst=self.them) / UDP(sport=4500, dport=4500) / Raw(bytes(sealed[ESP]))
        family = socket.AF_INET6 if self.outer is IPv6 else socket.AF_INET
        with socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_RAW) as s:
            sealed = arrive(sealed)
            parts = list(pieces_of(self.outer(bytes(sealed)), cut, getattr(sealed, 'id', 4711))) if cut else [sealed]
            for i in order or range(len(parts)):
                s.sendto(bytes(parts[i]), (self.them, 0))

    def icv_size(self, sa):
        return sa.crypt_icv_size or sa.crypt_algo.icv_size or sa.auth_algo.icv_size

    def next_header(self, packet, high):
        sa = self.inbound
        return sa.crypt_algo.decrypt(sa, ESP(bytes(packet[ESP])), sa.crypt_key, self.icv_size(sa), esn_en=self.esn,
                                     esn=high).nh

    def dummy(self, size):
        self.sequence += 1
        sa, low, high = self.outbound, self.sequence & 0xffffffff, self.sequence >> 32
        esp = _ESPPlain(spi=sa.spi, seq=low, iv=sa.crypt_algo.generate_iv(), data=os.urandom(size), nh=59)
        esp = sa.crypt_algo.encrypt(sa, sa.crypt_algo.pad(esp), sa.crypt_key, self.icv_size(sa), esn_en=self.esn, esn=high)
        if isinstance(sa.auth_algo, EsnIntegrity):
            sa.auth_algo.high = high
        sa.auth_algo.sign(esp, sa.auth_key)
        sealed = self.outer(src=self.me, dst=self.them) / (UDP(sport=4500, dport=4500) / Raw(bytes(esp)) if self.encap else esp)
        with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as s:
            s.sendto(bytes(sealed), (self.them, 0))

    def datagram(self, inner, size, ports, cut, order, number):
        src, dst = inner
        self.sent = bytes(i % 251 for i in range(size))
        packet = (IPv6 if ':' in src else IP)(src=src, dst=dst) / UDP(sport=ports[0], dport=ports[1]) / Raw(self.sent)
        packet = packet.__class__(bytes(packet))
        if self.mode == 'transport':
            self.seal(packet, cut=cut, order=order)
            return
        parts = list(pieces_of(packet, cut, number))
        for i in order or range(len(parts)):
            self.seal(packet.__class__(bytes(parts[i])))

    def open(self, packet):
        """The packet inside, or None. Guesses the high half as RFC 4303, A2.2 does, with half the numbers as window."""
        low, high = packet[self.kind].seq, self.highest >> 32
        if self.esn and low < (self.highest & 0xffffffff) - (1 << 31):
            high += 1
        if isinstance(self.inbound.auth_algo, EsnIntegrity):
            self.inbound.auth_algo.high = high
        # without the UDP header, which Scapy cannot take off an IPv6 packet
        bare = packet if self.kind is AH else self.outer(src=packet.src, dst=packet.dst) / ESP(bytes(packet[ESP]))
        try:
            if self.kind is ESP and self.next_header(bare, high) == 59:
                self.dummies += 1
                self.seen.append(high << 32 | low)
                return None
            opened = self.inbound.decrypt(self.outer(bytes(bare)), esn_en=self.esn, esn=high)
        except Exception as e:  # pylint: disable=broad-except
            self.bad.append(repr(e))
            return None
        if self.kind is AH:  # Scapy 2.5 does not know what is behind AH
            opened = (IP if bytes(opened)[0] >> 4 == 4 else IPv6)(bytes(opened))
        self.highest = max(self.highest, high << 32 | low)
        self.seen.append(high << 32 | low)
        return opened

    def arrived(self, packet):
        opened = self.open(packet)
        opened = opened if opened is None else self.pieces.add(opened)
        if opened is None:
            return
        if ICMP in opened and opened[ICMP].type == 8:
            ask = opened[ICMP]
            self.seal(IP(src=opened.dst, dst=opened.src) / ICMP(type=0, id=ask.id, seq=ask.seq) / ask.payload)
        elif ICMPv6EchoRequest in opened:
            ask = opened[ICMPv6EchoRequest]
            self.seal(IPv6(src=opened.dst, dst=opened.src) /
                      ICMPv6EchoReply(id=ask.id, seq=ask.seq, data=ask.data))
        elif (ICMP in opened and opened[ICMP].type == 0) or ICMPv6EchoReply in opened:
            self.replies += 1
        elif UDP in opened and self.sent and bytes(opened[UDP].payload) == self.sent:
            self.replies += 1
        else:
            self.bad.append(opened.summary())


def request(inner, i, size, headers=False, route=None):
    src, dst = inner
    if ':' not in src:
        options = [IPOption_NOP(), IPOption_Router_Alert(), IPOption_RR(length=7, routers=['0.0.0.0'])] if headers else []
        return IP(src=src, dst=dst, options=options) / ICMP(id=7, seq=i) / Raw(b'x' * size)
    packet = IPv6(src=src, dst=route or dst)
    if headers:
        # one option that must stay, one that may change (to be passed over: the two highest bits are zero)
        packet /= IPv6ExtHdrHopByHop(options=[RouterAlert(), HBHOptUnknown(otype=0x3e, optlen=4, optdata=b'abcd')])
        packet /= IPv6ExtHdrDestOpt(options=[HBHOptUnknown(otype=0x1e, optlen=4, optdata=b'efgh')])
    if route:
        packet /= IPv6ExtHdrRouting(addresses=[dst], segleft=1)
    return packet / ICMPv6EchoRequest(id=7, seq=i, data=b'x' * size)


def routed(packet):
    """The packet as it comes from the last hop of its route (RFC 8200, 4.4)."""
    route = packet[IPv6ExtHdrRouting]
    packet.dst, route.addresses, route.segleft = route.addresses[0], [packet.dst], 0
    return packet


def changed(packet):
    """What routers may do to a packet."""
    if packet.version == 4:
        packet.tos, packet.ttl = 0x88, 9
        if len(packet.options) > 2:
            packet.options[2].routers, packet.options[2].pointer = ['10.9.9.9'], 8
        del packet.chksum
    else:
        packet.tc, packet.fl, packet.hlim = 0x88, 0x12345, 9
        if HBHOptUnknown in packet:
            packet[HBHOptUnknown].optdata = b'ABCD'
    return packet


pairs = {want['name']: Pair(want) for want in json.loads(sys.argv[1])}
by_spi = {(p.kind, p.inbound.spi): p for p in pairs.values()}
lock = threading.Lock()
outer_pieces = Pieces()


def take(frame):
    packet = frame.payload  # the outer one: what is behind AH Scapy takes apart, too
    packet = outer_pieces.add(packet) if isinstance(packet, (IP, IPv6)) else None
    kind = packet and next((k for k in (AH, ESP) if k in packet), None)
    pair = by_spi.get((kind, packet[kind].spi)) if kind else None
    if pair and packet.src == pair.them and packet.dst == pair.me and (UDP in packet) == pair.encap:
        with lock:
            pair.arrived(packet)


def run(command):
    pair = pairs[command['name']]
    with lock:
        before = pair.replies
        numbers = command.get('sequences') or [None] * command.get('n', 0)
        for _ in range(command.get('dummies', 0)):
            pair.dummy(command['size'])
        if 'datagram' in command:
            pair.datagram(command['inner'], command['datagram'], command['ports'], command['cut'], command.get('order'),
                          command['id'])
            numbers = [None]
        for i, number in enumerate([] if 'datagram' in command else numbers):
            headers, route = command.get('headers', False), command.get('route')
            pair.seal(request(command['inner'], i, command.get('size', 56), headers, route), number,
                      command.get('break', False),
                      routed if route else changed if headers or pair.kind is AH else lambda packet: packet)
    end = time.monotonic() + command.get('wait', 2)
    while pair.replies - before < len(numbers) and time.monotonic() < end:
        time.sleep(0.01)
    return {'replies': pair.replies - before, 'seen': len(pair.seen), 'first': min(pair.seen or [0]),
            'last': max(pair.seen or [0]), 'bad': pair.bad[:3],
            'dummies': pair.dummies, 'pieces': pair.pieces.n, 'outer_pieces': outer_pieces.n}


sniffer = AsyncSniffer(iface='eth0', prn=take, store=False, started_callback=lambda: print('ready', flush=True))
sniffer.start()
for line in sys.stdin:
    print(json.dumps(run(json.loads(line))), flush=True)
