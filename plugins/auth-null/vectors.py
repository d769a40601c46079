#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""vectors.py: prints the proofs that test-auth-null.c expects, computed from RFC 7619, 2.1 with Python's own HMAC."""

import hmac

KEY = bytes(range(1, 33))  # stands for SK_pi
OCTETS = b'first part, second part, third part'

for name in ('sha1', 'sha256', 'sha384', 'sha512'):
    pad = hmac.new(KEY, b'Key Pad for IKEv2', name).digest()
    print(name, hmac.new(pad, OCTETS, name).hexdigest())
