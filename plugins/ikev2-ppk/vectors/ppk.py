#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""ppk.py: SK = prf+ (PPK, SK') of RFC 8784, 3, with prf+ as RFC 7296, 2.13 writes it, for the rows of test-mix.c."""

import hashlib
import hmac


def prf_plus(name, key, seed, size):
    out = t = b''
    n = 1
    while len(out) < size:
        t = hmac.new(key, t + seed + bytes([n]), getattr(hashlib, name)).digest()
        out += t
        n += 1
    return out[:size]


for name, ppk, size in (('sha256', b'ppk', 32), ('sha512', b'a longer one, of 40 octets: 0123456789abcd', 64),
                        ('sha1', b'ppk', 20), ('sha256', b'ppk', 48)):
    key = bytes(range(size))
    print(name, ppk.decode(), size, prf_plus(name, ppk, key, size).hex())
