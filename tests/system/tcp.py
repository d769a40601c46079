# SPDX-License-Identifier: LGPL-2.1-or-later
"""tcp: `recv ADDRESS PORT` takes one connection and prints the SHA-256 of what came; `send SOURCE ADDRESS PORT OCTETS`
sends pseudo-random octets and prints theirs."""
import hashlib
import socket
import sys


def main():
    family = socket.AF_INET6 if ':' in sys.argv[2] else socket.AF_INET
    digest = hashlib.sha256()
    s = socket.socket(family)
    s.settimeout(120)
    if sys.argv[1] == 'recv':
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind((sys.argv[2], int(sys.argv[3])))
        s.listen(1)
        print('listening', flush=True)
        c, _ = s.accept()
        c.settimeout(120)
        while data := c.recv(1 << 18):
            digest.update(data)
    else:
        s.bind((sys.argv[2], 0))
        s.connect((sys.argv[3], int(sys.argv[4])))
        left, block = int(sys.argv[5]), hashlib.sha256(b'ravelin').digest()
        while left > 0:
            block = hashlib.sha256(block).digest()
            data = (block * 8192)[:left]
            digest.update(data)
            s.sendall(data)
            left -= len(data)
        s.close()
    print(digest.hexdigest(), flush=True)


main()
