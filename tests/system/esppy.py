# SPDX-License-Identifier: LGPL-2.1-or-later
"""esppy: ESP in Python for child SAs that ikepy negotiated, a second implementation under tests of what is inside and
around it."""

import ctypes
import socket
import struct

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from lab import check


class Esp:
    """ESP with AES-GCM (RFC 4106) over IP from one side of an ikepy child SA."""

    protocol = 50

    def __init__(self, host, peer):
        child = peer.children[-1]
        self.remote = peer.remote[0]
        self.spi_in, self.spi_out = child.ours, child.theirs  # the initiator's keys come first (RFC 7296, 2.17)
        self.out, self.into = child.keymat[:20], child.keymat[20:40]
        self.sequence = 0
        libc = ctypes.CDLL(None, use_errno=True)
        with open('/proc/thread-self/ns/net', 'rb') as mine, open('/run/netns/' + host.name, 'rb') as there:
            check(libc.setns(there.fileno(), 0x40000000) == 0, 'no way into the namespace')
            try:
                self.socket = socket.socket(socket.AF_INET, socket.SOCK_RAW, self.protocol)
                self.socket.bind((host.wire4, 0))
            finally:
                libc.setns(mine.fileno(), 0x40000000)

    def sealed(self, payload, following):
        """An ESP packet with the next sequence number."""
        self.sequence += 1
        pad = -(len(payload) + 2) % 4
        text = payload + bytes(range(1, pad + 1)) + bytes([pad, following])
        aad, iv = self.spi_out + struct.pack('>I', self.sequence), struct.pack('>Q', self.sequence)
        return aad + iv + AESGCM(self.out[:16]).encrypt(self.out[16:] + iv, text, aad)

    def put(self, packet):
        self.socket.sendto(packet, (self.remote, 0))

    def send(self, payload, following):
        self.put(self.sealed(payload, following))

    def unwrapped(self, packet):
        """ESP of what came behind the IP header."""
        return packet

    def receive(self, seconds=3):
        """Payload and next header of the next packet of the SA; None: none came."""
        self.socket.settimeout(seconds)
        try:
            while True:
                esp = self.unwrapped(self.socket.recv(65535)[20:])
                if esp[:4] != self.spi_in:
                    continue
                self.seen = struct.unpack('>I', esp[4:8])[0]
                text = AESGCM(self.into[:16]).decrypt(self.into[16:] + esp[8:16], esp[16:], esp[:8])
                return text[:len(text) - 2 - text[-2]], text[-1]
        except socket.timeout:
            return None
