#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Turns a packet capture and the log (level 4) of one strongSwan host into rows for test-strongswan.c.

Usage: from-strongswan.py WHAT CAPTURE LOG > vectors/NAME.inc
The conversation is between 10.0.0.1 and 10.0.0.2, with encap = yes: the first host initiates, rekeys the child SA; the
second one rekeys the IKE SA; the first one deletes it. The log is the first host's. Captured for this tree with
strongSwan 5.9.8 of Debian 12 in namespaces of tests/system/lab.py; PSK "0123456789abcdef".
"""
import re
import struct
import sys


def datagrams(path):
    """(last octet of the source address, IKE message) of each UDP datagram to or from port 500 or 4500."""
    data = open(path, "rb").read()
    at = 24
    while at < len(data):
        size = struct.unpack("<I", data[at + 8:at + 12])[0]
        frame, at = data[at + 16:at + 16 + size], at + 16 + size
        if frame[12:14] != b"\x08\x00" or frame[23] != 17:
            continue
        ip = frame[14:]
        udp = ip[(ip[0] & 15) * 4:]
        sport, dport, length = struct.unpack(">HHH", udp[:6])
        body = udp[8:length]
        if 4500 in (sport, dport):
            if body[:4] != bytes(4):
                continue
            body = body[4:]
        elif 500 not in (sport, dport):
            continue
        yield ip[15], body


def secrets(path):
    """(name, octets) of each secret of the log, in order."""
    name, octets = None, b""
    for line in open(path, errors="replace"):
        text = re.sub(r"^\S+\s+<[^>]*> ", "", line.rstrip("\n"))
        start = re.match(r"(.*) => (\d+) bytes", text)
        row = re.match(r"\s*\d+: ((?:[0-9A-F]{2} )+)", text)
        if row and name:
            octets += bytes.fromhex(row.group(1))
            continue
        if name:
            yield name, octets
        name, octets = (start.group(1), b"") if start else (None, b"")


def string(b):
    pieces = [b[i:i + 48].hex() for i in range(0, len(b), 48)] or [""]
    return "\n\t    ".join(f'"{p}"' for p in pieces)


what, capture, log = sys.argv[1:]
found = list(secrets(log))
shared, sas, children = [], [], []
for k, v in found:
    if k in ("shared Diffie Hellman secret", "DH secret") and v not in shared:
        shared.append(v)
    if k == "Sk_d secret":
        sas.append(b"")
    if k.startswith("Sk_"):
        sas[-1] += v
    if k == "encryption initiator key":
        children.append({})
    part = re.match(r"(encryption|integrity) (initiator|responder) key$", k)
    if part:
        children[-1][part.groups()] = v
# in the order in which they are taken from KEYMAT (RFC 7296, 2.17)
children = [b"".join(c.get((what_for, side), b"") for side in ("initiator", "responder")
                     for what_for in ("encryption", "integrity")) for c in children]
print("// SPDX-License-Identifier: LGPL-2.1-or-later")
print("/* Made by from-strongswan.py; not to be edited. */")
print(f'\t{{ "{what}",')
for group in (shared, sas, children):
    print("\t  { " + ",\n\t    ".join(string(v) for v in group) + " },")
print("\t  {")
for source, message in datagrams(capture):
    print(f"\t    {{ {source}, {string(message)} }},")
print("\t  } },")
