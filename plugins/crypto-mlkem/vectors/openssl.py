# SPDX-License-Identifier: LGPL-2.1-or-later
"""openssl: ML-KEM by the command line of OpenSSL 3.5 or newer, for make-vectors.py and tests/system/test_mlkem.py.

Keys and messages go through files without a name that the program inherits, so that it may live in another root.
"""
import contextlib
import subprocess
import tempfile

# FIPS 203, Table 3: octets of the encapsulation key, the decapsulation key and a ciphertext; and the last number of the
# object identifier
SIZES = {"mlkem512": (800, 1632, 768, 1), "mlkem768": (1184, 2400, 1088, 2), "mlkem1024": (1568, 3168, 1568, 3)}


def header(name):
    """What stands before an encapsulation key in a SubjectPublicKeyInfo (RFC 5280, 4.1)."""
    ek_len, _, _, number = SIZES[name]
    algorithm = bytes.fromhex("300b06096086480165030404") + bytes([number])
    bits = b"\x03\x82" + (ek_len + 1).to_bytes(2, "big") + b"\0"
    return b"\x30\x82" + (len(algorithm) + len(bits) + ek_len).to_bytes(2, "big") + algorithm + bits


class OpenSSL:
    def __init__(self, command):
        self.command = command

    def run(self, *args, reads=(), writes=0):
        """Standard output and what was written to the `writes` files. In args {0}, {1}, ... are the files with the
        octets of reads, and behind them those that are written."""
        with contextlib.ExitStack() as stack:
            files = [stack.enter_context(tempfile.TemporaryFile()) for _ in range(len(reads) + writes)]
            for file, octets in zip(files, reads):
                file.write(octets)
                file.seek(0)
            args = [a.format(*(f"/dev/fd/{f.fileno()}" for f in files)) for a in args]
            r = subprocess.run([*self.command, *args], stdin=subprocess.DEVNULL, capture_output=True, timeout=60,
                               pass_fds=[f.fileno() for f in files], check=False)
            if r.returncode:
                raise RuntimeError(f"openssl {' '.join(args)}: {r.stderr.decode()}")
            return r.stdout, *(f.seek(0) or f.read() for f in files[len(reads):])

    def version(self):
        return self.run("version")[0].decode().strip()

    def private(self, name, seed):
        """The private key of a seed d | z, in DER."""
        return self.run("genpkey", "-algorithm", "ML-KEM-" + name[5:], "-pkeyopt", "hexseed:" + seed.hex(), "-outform",
                        "DER")[0]

    def keygen(self, name, seed):
        """The encapsulation and the decapsulation key of a seed."""
        ek_len, dk_len, _, _ = SIZES[name]
        private = self.private(name, seed)
        public = self.run("pkey", "-inform", "DER", "-in", "{0}", "-pubout", "-outform", "DER", reads=[private])[0]
        # both structures end in the octets of the key
        assert public[:-ek_len] == header(name) and len(private) > dk_len
        return public[-ek_len:], private[-dk_len:]

    def encaps(self, name, ek, m=None):
        """A ciphertext and its shared secret; from m, or from random octets of its own."""
        fixed = ["-pkeyopt", "hexikme:" + m.hex()] if m else []
        return self.run("pkeyutl", "-encap", "-pubin", "-keyform", "DER", "-inkey", "{0}", *fixed, "-out", "{1}",
                        "-secret", "{2}", reads=[header(name) + ek], writes=2)[1:]

    def decaps(self, name, seed, c):
        """The shared secret of c for the key of a seed."""
        return self.run("pkeyutl", "-decap", "-keyform", "DER", "-inkey", "{0}", "-in", "{1}", "-secret", "{2}",
                        reads=[self.private(name, seed), c], writes=1)[1]
