#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes seeds for fuzz-message and fuzz-sealed: one of each exchange as peers send them, edges of each payload, and
strongSwan's own messages (strongswan-gcm.inc), those in SK decrypted with the keys that stand there."""
import ipaddress
import os
import re
import struct

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "corpus")
SA, KE, IDI, IDR, CERT, CERTREQ, AUTH, NONCE, NOTIFY, DELETE, VENDOR, TSI, TSR, SK, CP, EAP = range(33, 49)


def chain(*payloads):
    """Payloads (type, body[, critical]) to (first type, octets)."""
    out = b""
    for i, p in enumerate(payloads):
        nxt = payloads[i + 1][0] if i + 1 < len(payloads) else 0
        out += struct.pack(">BBH", nxt, 0x80 if len(p) > 2 and p[2] else 0, 4 + len(p[1])) + p[1]
    return (payloads[0][0] if payloads else 0), out


def message(exchange, flags, mid, *payloads, spi_r=bytes(8)):
    first, octets = chain(*payloads)
    return struct.pack(">8s8sBBBBII", b"initiato", spi_r, first, 0x20, exchange, flags, mid, 28 + len(octets)) + octets


def transform(last, kind, number, bits=None, extra=b""):
    attr = (struct.pack(">HH", 0x800e, bits) if bits else b"") + extra
    return struct.pack(">BBHBBH", 0 if last else 3, 0, 8 + len(attr), kind, 0, number) + attr


def proposal(last, number, protocol, spi, *transforms):
    body = b"".join(transform(i + 1 == len(transforms), *t) for i, t in enumerate(transforms))
    return struct.pack(">BBHBBBB", 0 if last else 2, 0, 8 + len(spi) + len(body), number, protocol, len(spi),
                       len(transforms)) + spi + body


def notify(kind, data=b"", protocol=0, spi=b""):
    return NOTIFY, struct.pack(">BBH", protocol, len(spi), kind) + spi + data


def ts(*selectors):
    out = struct.pack(">BBH", len(selectors), 0, 0)
    for proto, lo_port, hi_port, lo, hi in selectors:
        lo, hi = ipaddress.ip_address(lo), ipaddress.ip_address(hi)
        size = len(lo.packed)
        out += struct.pack(">BBHHH", 7 if size == 4 else 8, proto, 8 + 2 * size, lo_port, hi_port) + lo.packed + hi.packed
    return out


def write(folder, name, octets):
    path = os.path.join(HERE, folder)
    os.makedirs(path, exist_ok=True)
    with open(os.path.join(path, name), "wb") as f:
        f.write(octets)


IKE_SA = (SA, proposal(False, 1, 1, b"", (1, 20, 128), (1, 20, 256), (2, 5), (2, 6), (4, 31), (4, 19))
          + proposal(True, 2, 1, b"", (1, 12, 256), (3, 12), (2, 5), (4, 14)))
ESP_SA = (SA, proposal(False, 1, 3, b"spi4", (1, 20, 128), (5, 0), (5, 1))
          + proposal(True, 2, 3, b"spi4", (1, 12, 128), (3, 12), (5, 0)))
NATD = (notify(16388, bytes(range(20))), notify(16389, bytes(range(20, 40))))
KE31 = (KE, struct.pack(">HH", 31, 0) + bytes(range(32)))
NI = (NONCE, bytes(range(32)))
ANY4 = (0, 0, 65535, "10.1.0.0", "10.1.255.255")
ANY6 = (0, 0, 65535, "2001:db8:1::", "2001:db8:1:ffff:ffff:ffff:ffff:ffff")
PACKET = (6, 1025, 1025, "10.1.0.43", "10.1.0.43")
OPAQUE = (17, 65535, 0, "0.0.0.0", "255.255.255.255")
PSK = (AUTH, struct.pack(">BBH", 2, 0, 0) + bytes(32))
IDW = struct.pack(">BBH", 2, 0, 0) + b"west.example"

MESSAGES = {
    "init-request": (34, 8, 0, IKE_SA, KE31, NI, *NATD, notify(16430), notify(16431, b"\0\2\0\3\0\4")),
    "init-cookie": (34, 8, 0, notify(16390, bytes(33)), IKE_SA, KE31, NI, *NATD),
    "init-response": (34, 0x20, 0, (SA, proposal(True, 1, 1, b"", (1, 20, 128), (2, 5), (4, 31))), KE31, NI, *NATD,
                      (CERTREQ, b"\4" + bytes(20)), (VENDOR, bytes(16))),
    "init-invalid-ke": (34, 0x20, 0, notify(17, b"\0\x13")),
    "init-no-proposal": (34, 0x20, 0, notify(14)),
    "init-critical": (34, 8, 0, IKE_SA, (200, b"what is this", True), KE31, NI),
    "sealed": (35, 8, 1, (SK, bytes(57))),
    "informational-in-clear": (37, 0x20, 5, notify(4)),
    "empty": (37, 8, 2),
    "many": (34, 8, 0, *[(VENDOR, bytes([i])) for i in range(64)]),
}
CHAINS = {
    "auth-request": ((IDI, IDW), notify(16384), (IDR, struct.pack(">BBH", 1, 0, 0) + bytes([192, 0, 2, 1])), PSK, ESP_SA,
                     (TSI, ts(PACKET, ANY4, ANY6)), (TSR, ts(ANY4, OPAQUE)), notify(16396), notify(16404)),
    "auth-response": ((IDR, IDW), PSK, (SA, proposal(True, 1, 3, b"spi4", (1, 20, 128), (5, 0))), (TSI, ts(ANY4)),
                      (TSR, ts(ANY4)), notify(16391)),
    "auth-cert": ((IDI, struct.pack(">BBH", 9, 0, 0) + b"0\0"), (CERT, b"\x04" + b"0\x82" + bytes(30)),
                  (CERTREQ, b"\x04" + bytes(40)), (AUTH, struct.pack(">BBH", 14, 0, 0) + bytes(64))),
    "auth-failed": (notify(24),),
    "ts-unacceptable": ((IDR, IDW), PSK, notify(38)),
    "child-create": (ESP_SA, NI, KE31, (TSI, ts(ANY4)), (TSR, ts(ANY4))),
    "child-rekey": (notify(16393, b"", 3, b"old4"), ESP_SA, NI, (TSI, ts(ANY4)), (TSR, ts(ANY4))),
    "ike-rekey": ((SA, proposal(True, 1, 1, b"spi-of-8", (1, 20, 128), (2, 5), (4, 31))), NI, KE31),
    "ike-rekey-choice": ((SA, proposal(True, 2, 1, b"spi-of-8", (1, 12, 256), (3, 12), (2, 5), (4, 14))), NI, KE31),
    "delete-child": ((DELETE, b"\3\4\0\2" + b"spi1spi2"),),
    "delete-ike": ((DELETE, b"\1\0\0\0"),),
    "liveness": (),
    "child-not-found": (notify(44, b"", 3, b"spi4"),),
    "config": ((CP, b"\1\0\0\0" + b"\0\1\0\0" + b"\0\3\0\4" + bytes(4)), (EAP, b"\1\7\0\5\1")),
    "odd-transforms": ((SA, proposal(True, 1, 1, b"", (1, 65000, 128, b"\0\x63\0\2ab"), (6, 0), (9, 1), (4, 0))),),
    "odd-selectors": ((TSI, b"\2\0\0\0" + b"\x09\0\0\6ab" + ts(PACKET)[4:]),),
    "critical": ((200, b"", True), (DELETE, b"\1\0\0\0")),
    "padded": ((VENDOR, b"v"),),
}

for name, args in MESSAGES.items():
    write("message", name, message(*args))
for name, payloads in CHAINS.items():
    first, octets = chain(*payloads)
    write("sealed", name, bytes([first]) + octets)
    write("sealed", name + "-pad", bytes([first]) + octets + bytes(7) + b"\x07")
    write("message", name + "-in-clear", message(36, 8, 3, *payloads))


def swan():
    """(header and all, first type and chain of the inside or None) of each message of strongSwan."""
    text = open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "strongswan-gcm.inc"), encoding="ascii").read()
    strings = [bytes.fromhex(re.sub('[" \n\t]', "", m)) for m in re.findall(r'"[0-9a-f]+"(?:\s+"[0-9a-f]+")*', text)]
    blocks = [s for s in strings if len(s) == 3 * 32 + 2 * 20]
    # what is left behind secrets and keys are messages, the longest things but for these
    for msg in [s for s in strings if len(s) > 56 and struct.unpack(">I", s[24:28])[0] == len(s)]:
        inside = None
        for block in blocks:
            key = block[32:52] if msg[19] & 8 else block[52:72]
            try:
                plain = AESGCM(key[:16]).decrypt(key[16:] + msg[32:40], msg[40:], msg[:32])
                inside = msg[28:29] + plain[:-1 - plain[-1]]
            except Exception:  # not this SA's
                pass
        yield msg, inside


for i, (octets, inside) in enumerate(swan()):
    if octets[16] != SK or i == 2:
        write("message", f"strongswan-{i}", octets)
    if inside is not None:
        write("sealed", f"strongswan-{i}", inside)
