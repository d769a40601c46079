# SPDX-License-Identifier: LGPL-2.1-or-later
"""hostile: ESP in UDP that means harm, as IPv4 packets: replays, forgeries, what is too short or too long, authentic packets
with bad contents, fragments. For test_hostile.py and tools/bench/hostile.

The SAs have keys set by hand, so that authentic packets can be made here: "good" between hosts 1 and 2 carries the traffic
that is to go on; "victim" leads from host 3 to host 1, and nobody but the attacker (on host 3) sends on it.
"""

import os
import random
import struct

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from lab import BUILD, wait

SENDER = os.path.join(BUILD, 'tools', 'bench', 'hostile-send')
PORT, CLOSED = 4500, 4999
KEY = bytes(range(20))
GOOD, VICTIM = (0x1001, 0x1002), (0x2001, 0x2002)
WINDOW = 64
FIRST = 1000  # numbers of authentic packets start here, so that there is something behind the window


def child(name, here, there, spis, local_ts, remote_ts):
    return f'''
    {name} {{
        keying = manual
        local_addrs = {here}
        remote_addrs = {there}
        encap = yes
        children {{
            net {{
                local_ts = {local_ts}
                remote_ts = {remote_ts}
                esp_proposals = aes128gcm16
                replay_window = {WINDOW}
                spi_in = {spis[0]}
                spi_out = {spis[1]}
                encr_key_in = 0x{KEY.hex()}
                encr_key_out = 0x{KEY.hex()}
                start_action = start
            }}
        }}
    }}'''


def start(a, b, c):
    """Ravelin on hosts 1 and 2; host 1 has the victim's SAs, too."""
    a.ravelind('connections {' + child('good', a.wire4, b.wire4, GOOD, a.net4, b.net4)
               + child('victim', a.wire4, c.wire4, VICTIM, a.net4 + '[udp/1000-2000]', c.net4) + '\n}\n')
    b.ravelind('connections {' + child('good', b.wire4, a.wire4, GOOD[::-1], b.net4, a.net4) + '\n}\n')
    for host, n in ((a, 2), (b, 1)):
        wait('the SAs are installed', lambda h=host, m=n: len(h.json('list', 'child')) == m)


def checksum(octets):
    total = sum(struct.unpack('!%dH' % (len(octets) // 2), octets))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def address(text):
    return bytes(int(n) for n in text.split('.'))


def ip(src, dst, protocol, payload, offset=0, more=False, ident=1):
    head = struct.pack('!BBHHHBBH4s4s', 0x45, 0, 20 + len(payload), ident, offset // 8 | (0x2000 if more else 0), 64, protocol,
                       0, address(src), address(dst))
    return head[:10] + struct.pack('!H', checksum(head)) + head[12:] + payload


def udp(src, dst, port, payload):
    """A UDP datagram without a checksum, so that the port may be another one."""
    return ip(src, dst, 17, struct.pack('!HHHH', 4500, port, 8 + len(payload), 0) + payload)


def seal(spi, number, text, spoil=False):
    head, iv = struct.pack('!II', spi, number), struct.pack('!Q', number)
    sealed = AESGCM(KEY[:16]).encrypt(KEY[16:] + iv, text, head)
    return head + iv + (bytes(sealed[:-1]) + bytes([sealed[-1] ^ 1]) if spoil else sealed)


def trailer(payload, next_header=4):
    pad = -(len(payload) + 2) % 4
    return payload + bytes(range(1, pad + 1)) + bytes([pad, next_header])


class Attack:
    """Packets of every kind from c to a. kinds: name to (packets, cause that Ravelin counts them under; for causes of SAs:
    of the victim's SA; None: by the kernel's own reassembly or nowhere)."""

    def __init__(self, a, c, port=PORT, each=100):
        self.a, self.c, self.port, self.each = a, c, port, each
        self.number = FIRST
        self.random = random.Random(1)
        self.kinds = {
            'bogus SPIs': ([self.esp(struct.pack('!II', self.random.randrange(0x10000, 1 << 32), 1) + bytes(60))
                            for _ in range(each)], 'no-sa'),
            'forged': ([self.esp(seal(VICTIM[0], FIRST + 5000 + i, trailer(bytes(64)), spoil=True))
                        for i in range(each)], 'integrity'),
            'truncated': ([self.esp(seal(VICTIM[0], FIRST + 5000 + i, trailer(bytes(64)))[:9 + i % 24])
                           for i in range(each)], 'malformed'),
            'bad padding': (self.authentic(lambda i: self.inner(1500) + bytes([9, 9, 2 + i % 200, 4])), 'malformed'),
            'padding longer than the packet': (self.authentic(lambda i: bytes(26) + bytes([255, 4])), 'malformed'),
            'wrong next header': (self.authentic(lambda i: trailer(self.inner(1500), (6, 41, 50, 255)[i % 4])), 'malformed'),
            'no IP inside': (self.authentic(lambda i: trailer(bytes([i]) * 40)), 'malformed'),
            'cut short inside': (self.authentic(lambda i: trailer(self.inner(1500)[:20 + i % 8])), 'malformed'),
            'other selectors': (self.authentic(lambda i: trailer(self.inner(3000 + i))), 'selector'),
            'later fragments inside': (self.authentic(lambda i: trailer(ip(c.in4, a.in4, 17, bytes(64), 8 * (1 + i)))),
                                       'fragment'),
            'tiny': ([self.datagram(bytes([1] * (1 + i % 7))) for i in range(each)], None),
            'dummies': (self.authentic(lambda i: trailer(bytes(30), 59)), None),
            'oversize': (self.fragments(60000, 1480), 'no-sa'),
            'fragments that overlap': (self.overlapping(), None),
        }
        newest = [self.esp(seal(VICTIM[0], self.number + 1, trailer(self.inner(1500))))]
        old = range(1, each + 1)
        self.kinds['replays'] = (newest * (each + 1), 'replay')
        self.kinds['behind the window'] = ([self.esp(seal(VICTIM[0], n, trailer(self.inner(1500)))) for n in old], 'replay')

    def inner(self, port, size=36):
        return ip(self.c.in4, self.a.in4, 17, struct.pack('!HHHH', port, port, 8 + size, 0) + bytes(size))

    def datagram(self, payload):
        return udp(self.c.wire4, self.a.wire4, self.port, payload)

    esp = datagram

    def authentic(self, text):
        packets = []
        for i in range(self.each):
            self.number += 1
            packets.append(self.esp(seal(VICTIM[0], self.number, text(i))))
        return packets

    def fragments(self, size, mtu):
        """One datagram as large as they come, of no SA."""
        whole = struct.pack('!HHHH', 4500, self.port, 8 + size, 0) + struct.pack('!II', 0x777777, 1) + bytes(size - 8)
        return [ip(self.c.wire4, self.a.wire4, 17, whole[at:at + mtu], at, at + mtu < len(whole), 7)
                for at in range(0, len(whole), mtu)]

    def overlapping(self):
        """Fragments that cover each other, and some whose rest never comes."""
        packets = []
        for i in range(self.each // 4):
            part = bytes([i]) * 64
            packets += [ip(self.c.wire4, self.a.wire4, 17, part, 0, True, 100 + i),
                        ip(self.c.wire4, self.a.wire4, 17, part, 32, True, 100 + i),
                        ip(self.c.wire4, self.a.wire4, 17, part, 16, False, 100 + i),
                        ip(self.c.wire4, self.a.wire4, 17, part, 65000 + 8 * i, False, 1000 + i)]
        return packets

    def write(self, kinds=None):
        """A file for hostile-send; its path."""
        path = os.path.join(self.c.dir, 'packets-%d' % self.port)
        packets = [p for name in kinds or self.kinds for p in self.kinds[name][0]]
        if not kinds:
            self.random.shuffle(packets)
        with open(path, 'wb') as f:
            for p in packets:
                f.write(struct.pack('!H', len(p)) + p)
        return path
