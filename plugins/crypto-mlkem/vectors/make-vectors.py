#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Computes the known answers of crypto-mlkem with another implementation, OpenSSL 3.5 or newer.

Usage: make-vectors.py [--check] OPENSSL...
OPENSSL is the program, or a command that runs it elsewhere, such as `tests/system/sid run openssl`, since Debian 12's is
older. Writes openssl.inc (for the unit test) and answers.inc (for the self-test of the services) into the folder of
this script and seeds for fuzz-mlkem into ../corpus; with --check it compares them with what is there. The first row of
each parameter set is a published one, whose digests stand here; the inputs of the others come from SHA-256 of a label,
so that every run writes the same octets.
"""
import hashlib
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import openssl  # noqa: E402  pylint: disable=wrong-import-position

HERE = os.path.dirname(os.path.abspath(__file__))
NOTE = "/* Made by make-vectors.py (OpenSSL); not to be edited. */\n"
N = 4

# What wolfSSL's known-answer tests start from, and the SHA-256 of ek, dk and c, and the shared secret, that they expect
SEED = bytes.fromhex("7c9935a0b07694aa0c6d10e4db6b1add2fd81a25ccb148032dcd739936737f2d"
                     "8626ed79d451140800e03b59b956f8210e556067407d13dc90fa9e8b872bfb8f")
M = bytes.fromhex("147c03f7a5bebba406c8fae1874d7f13c80efe79a3a9a874cc09fe76f6997615")
PUBLISHED = {
    "mlkem512": ("852523749efd2b78d1074e5de629060312cd9397933a19ddb7482cfda5e92614",
                 "937a781daf1928b86a64f69dada5feff8b8ade060f298d187090a46c0d205cb7",
                 "bc29d7df8bc5465d980601d800259793e2603825a572da6cd198a512cc6d1a34",
                 "319839e82ab6b222de7b619e80da8391522bbb37677018494a4742c53f9abfdf"),
    "mlkem768": ("86adbca81f4fee893e2fb58fb98aa2fe188f501fed268d7f4056f8c05c4e53c4",
                 "8757e8aee5e441aee07a43af40467d32f80aee5c51aae4ebd2bdb844c038aac7",
                 "36829a2f35cbf4deb62c0a12a15c22dae9f8d2c252566fc24f88abe805cb575e",
                 "e7184a0975ee3470878d2d159ec83129c8aec253d4ee17b4810311d198cd0368"),
    "mlkem1024": ("61b95ec8c32ae85ad7a17ae5b9c2dfb083e05f767da3ba9a0a8092ea6b4cbf7a",
                  "926ce3868d8fd192e03410d405e61fb32697a532d7ca7d9ba9b296111df3af74",
                  "508136a13f8a7920e3434498c6975cbbab457d809309eb2f92453e7409738210",
                  "489dd1e9c2be4af3482bdb35bb26ce760e6e414da6ecbe489985748a825f1cd6"),
}


def octets(label, n):
    """n octets that depend on label only."""
    out, i = b"", 0
    while len(out) < n:
        out += hashlib.sha256(f"ravelin mlkem {label} {i}".encode()).digest()
        i += 1
    return out[:n]


def string(b, indent):
    pieces = [b[i:i + 48].hex() for i in range(0, len(b), 48)] or [""]
    return f"\n{indent}".join(f'"{p}"' for p in pieces)


def damaged(c, i):
    """A ciphertext with one bit of its first part, its last part, or both changed."""
    c = bytearray(c)
    if i != 1:
        c[7 * i] ^= 1 << i
    if i:
        c[-1 - i] ^= 0x80 >> i
    return bytes(c)


def row(run, name, i):
    """d | z, ek, dk, m, c, shared, the damaged c, and what that gives"""
    seed, m = (octets(f"{name} seed {i}", 64), octets(f"{name} m {i}", 32)) if i else (SEED, M)
    ek, dk = run.keygen(name, seed)
    c, shared = run.encaps(name, ek, m)
    if not i:
        assert (*(hashlib.sha256(v).hexdigest() for v in (ek, dk, c)), shared.hex()) == PUBLISHED[name]
    bad = damaged(c, i)
    assert run.decaps(name, seed, c) == shared
    rejected = run.decaps(name, seed, bad)
    # FIPS 203, Algorithm 18: J(z | c)
    assert rejected == hashlib.shake_256(seed[32:] + bad).digest(32) != shared
    return seed, ek, dk, m, c, shared, bad, rejected


def vectors(rows):
    out = ""
    for name in openssl.SIZES:
        for values in rows[name]:
            out += f'\t{{ "{name}",\n' + "".join(f"\t  {string(v, chr(9) + '  ')},\n" for v in values) + "\t},\n"
    return out


def answers(rows):
    out = ""
    for name in openssl.SIZES:
        seed, _, _, _, c, shared, bad, rejected = rows[name][0]
        out += "\t{\n"
        for what, public, secret in (("accepted", c, shared), ("implicit rejection", bad, rejected)):
            out += (f'\t\t{{ .source = "OpenSSL, {what}",\n'
                    f'\t\t  .key =\n\t\t  {string(seed, chr(9) * 2 + "  ")},\n'
                    f'\t\t  .in =\n\t\t  {string(public, chr(9) * 2 + "  ")},\n'
                    f'\t\t  .out = "{secret.hex()}" }},\n')
        out += '\t\t{ .source = "both sides" },\n\t},\n'
    return out


def seeds(rows):
    """(name, octets) of each seed of fuzz-mlkem: an octet that says what it is, and a key or a ciphertext."""
    for i, name in enumerate(openssl.SIZES):
        _, ek, _, _, c, _, bad, _ = rows[name][0]
        large = bytes([0x01, ek[1] & 0xf0 | 0x0d])  # the first number is q
        for what, kind, octets_ in (("key", 0, ek), ("key-q", 0, large + ek[2:]), ("key-short", 0, ek[:-1]),
                                    ("key-4095", 0, b"\xff" * len(ek)), ("key-empty", 0, b""),
                                    ("c", 0x80, c), ("c-bad", 0x80, bad), ("c-long", 0x80, c + b"\0"),
                                    ("c-0", 0x80, bytes(len(c)))):
            yield f"{name}-{what}", bytes([kind | i]) + octets_


def main(args):
    check = args[:1] == ["--check"]
    run = openssl.OpenSSL(args[check:] or ["openssl"])
    rows = {name: [row(run, name, i) for i in range(N)] for name in openssl.SIZES}
    head = "// SPDX-License-Identifier: LGPL-2.1-or-later\n" + NOTE
    files = [("openssl.inc", (head + vectors(rows)).encode()), ("answers.inc", (head + answers(rows)).encode())]
    files += [(os.path.join("..", "corpus", "mlkem", name), octets_) for name, octets_ in seeds(rows)]
    for name, octets_ in files:
        path = os.path.join(HERE, name)
        if check:
            with open(path, "rb") as f:
                if f.read() != octets_:
                    sys.exit(f"{name} differs from what {run.version()} computes")
            continue
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(octets_)


if __name__ == "__main__":
    main(sys.argv[1:])
