#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Computes the known answers of keying-ikev2 a second time, with hashlib, hmac and python3-cryptography.

Writes keys.inc, keymat.inc, sealed.inc and nat.inc into the folder of this script, from RFC 7296 (2.13, 2.14, 2.17,
2.18, 2.23, 3.14) and RFC 5282 alone. All inputs come from SHA-256 of a label, so that every run writes the same octets.
"""
import hashlib
import hmac
import ipaddress
import os
import struct

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

HERE = os.path.dirname(os.path.abspath(__file__))
NOTE = "/* Made by make-vectors.py (hashlib, hmac, python3-cryptography); not to be edited. */\n"
PRFS = {"hmac-sha1": "sha1", "hmac-sha256": "sha256", "hmac-sha384": "sha384", "hmac-sha512": "sha512"}


def octets(label, n):
    """n octets that depend on label only."""
    out, i = b"", 0
    while len(out) < n:
        out += hashlib.sha256(f"ravelin {label} {i}".encode()).digest()
        i += 1
    return out[:n]


def prf(name, key, data):
    return hmac.new(key, data, PRFS[name]).digest()


def prf_plus(name, key, seed, n):
    """RFC 7296, 2.13"""
    t, out, i = b"", b"", 1
    while len(out) < n:
        t = prf(name, key, t + seed + bytes([i]))
        out += t
        i += 1
    return out[:n]


def string(b):
    """A C string of hex digits, broken into pieces of 48 octets."""
    pieces = [b[i:i + 48].hex() for i in range(0, len(b), 48)] or [""]
    return "\n\t  ".join(f'"{p}"' for p in pieces)


def write(name, rows):
    with open(os.path.join(HERE, name), "w", encoding="ascii") as f:
        f.write("// SPDX-License-Identifier: LGPL-2.1-or-later\n" + NOTE)
        for row in rows:
            cells = [string(c) if isinstance(c, bytes) else f'"{c}"' if isinstance(c, str) else "NULL" if c is None
                     else hex(c) for c in row]
            f.write("\t{ " + ",\n\t  ".join(cells) + " },\n")


def keys():
    """what, prf, ni, nr, shared, spi_i, spi_r, old prf, old SK_d, integrity octets, encryption octets, all keys"""
    cases = [
        ("AES-GCM-128 with SHA-256", "hmac-sha256", 32, 32, 32, None, 0, 20),
        ("AES-CBC-256 with SHA-256", "hmac-sha256", 16, 256, 256, None, 32, 32),
        ("AES-CBC-128 with SHA-1", "hmac-sha1", 20, 17, 1024, None, 20, 16),
        ("ChaCha20-Poly1305 with SHA-384", "hmac-sha384", 48, 64, 48, None, 0, 36),
        ("AES-CBC-256 with SHA-512", "hmac-sha512", 256, 256, 66, None, 64, 32),
        ("a successor with the same PRF", "hmac-sha256", 32, 32, 32, "hmac-sha256", 0, 20),
        ("a successor with another PRF", "hmac-sha512", 32, 40, 56, "hmac-sha256", 64, 32),
    ]
    for what, name, n_ni, n_nr, n_shared, old, integ, encr in cases:
        ni, nr, shared = (octets(f"{what} {x}", n) for x, n in (("ni", n_ni), ("nr", n_nr), ("shared", n_shared)))
        spis = octets(f"{what} spis", 16)
        size = hashlib.new(PRFS[name]).digest_size
        old_d = octets(f"{what} old", hashlib.new(PRFS[old]).digest_size) if old else b""
        seed = prf(old, old_d, shared + ni + nr) if old else prf(name, ni + nr, shared)
        block = prf_plus(name, seed, ni + nr + spis, 3 * size + 2 * integ + 2 * encr)
        yield (what, name, ni, nr, shared, spis[:8], spis[8:], old, old_d, integ, encr, block)


def keymat():
    """what, prf, SK_d, shared, ni, nr, encryption octets, integrity octets, all keys"""
    cases = [
        ("AES-GCM-128 of IKE_AUTH", "hmac-sha256", 0, 20, 0),
        ("AES-CBC-128 and SHA-256 with a key exchange", "hmac-sha256", 256, 16, 32),
        ("AES-CBC-256 and SHA-512, SHA-384 as PRF", "hmac-sha384", 32, 32, 64),
        ("NULL and SHA-1", "hmac-sha1", 0, 0, 20),
    ]
    for what, name, n_shared, encr, integ in cases:
        d = octets(f"{what} d", hashlib.new(PRFS[name]).digest_size)
        shared, ni, nr = octets(f"{what} shared", n_shared), octets(f"{what} ni", 32), octets(f"{what} nr", 24)
        yield (what, name, d, shared, ni, nr, encr, integ,
               prf_plus(name, d, shared + ni + nr, 2 * (encr + integ)))


def header(spis, nxt, exchange, flags, mid, length):
    return spis + struct.pack(">BBBBII", nxt, 0x20, exchange, flags, mid, length)


def seal_aead(aead, key, spis, exchange, flags, mid, first, chain, iv):
    text = chain + b"\0"
    length = 4 + len(iv) + len(text) + 16
    aad = header(spis, 46, exchange, flags, mid, 28 + length) + struct.pack(">BBH", first, 0, length)
    return aad + iv + aead(key[:-4]).encrypt(key[-4:] + iv, text, aad)


def seal_cbc(mac, n_icv, key, integ, spis, exchange, flags, mid, first, chain, iv):
    pad = -(len(chain) + 1) % 16
    text = chain + bytes(pad) + bytes([pad])
    length = 4 + len(iv) + len(text) + n_icv
    message = header(spis, 46, exchange, flags, mid, 28 + length) + struct.pack(">BBH", first, 0, length) + iv
    enc = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
    message += enc.update(text) + enc.finalize()
    return message + hmac.new(integ, message, mac).digest()[:n_icv]


def sealed():
    """what, ENCR id, key bits, INTEG id, encryption key, integrity key, spi_i, spi_r, exchange, flags, message ID, first
    payload, chain, IV, message"""
    vendor = struct.pack(">BBH", 0, 0, 4 + 21) + octets("vendor", 21)
    for bits in (128, 192, 256):
        what = f"AES-GCM-16 of {bits} bits"
        key, spis, iv = octets(what, bits // 8 + 4), octets(what + " spis", 16), octets(what + " iv", 8)
        yield (what, 20, bits, 0, key, b"", spis[:8], spis[8:], 35, 8, 1, 43, vendor, iv,
               seal_aead(AESGCM, key, spis, 35, 8, 1, 43, vendor, iv))
    what = "ChaCha20-Poly1305, nothing inside"
    key, spis, iv = octets(what, 36), octets(what + " spis", 16), octets(what + " iv", 8)
    yield (what, 28, 0, 0, key, b"", spis[:8], spis[8:], 37, 0x20, 0xfffffffe, 0, b"", iv,
           seal_aead(ChaCha20Poly1305, key, spis, 37, 0x20, 0xfffffffe, 0, b"", iv))
    macs = ((2, "sha1", 20, 12), (12, "sha256", 32, 16), (13, "sha384", 48, 24), (14, "sha512", 64, 32))
    for bits, (number, mac, n_key, n_icv) in zip((128, 128, 192, 256), macs):
        # padding of 10, 0, 15 and 14 octets
        n = {2: 5, 12: 15, 13: 16, 14: 17}[number]
        what = f"AES-CBC of {bits} bits with {mac}, {n} octets"
        chain = struct.pack(">BBH", 0, 0, n) + octets(what + " body", n - 4)
        key, integ = octets(what, bits // 8), octets(what + " integ", n_key)
        spis, iv = octets(what + " spis", 16), octets(what + " iv", 16)
        yield (what, 12, bits, number, key, integ, spis[:8], spis[8:], 36, 0x28, 7, 43, chain, iv,
               seal_cbc(mac, n_icv, key, integ, spis, 36, 0x28, 7, 43, chain, iv))


def nat():
    """spi_i, spi_r, address, port, hash"""
    for text, port in (("192.0.2.1", 500), ("192.0.2.1", 4500), ("2001:db8::1", 500), ("0.0.0.0", 65535)):
        spis = octets(f"nat {text} {port}", 16)
        if port == 500:
            spis = spis[:8] + bytes(8)
        packed = ipaddress.ip_address(text).packed
        yield (spis[:8], spis[8:], text, port, hashlib.sha1(spis + packed + struct.pack(">H", port)).digest())


write("keys.inc", keys())
write("keymat.inc", keymat())
write("sealed.inc", sealed())
write("nat.inc", nat())
