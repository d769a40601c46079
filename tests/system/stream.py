# SPDX-License-Identifier: LGPL-2.1-or-later
"""stream: numbered datagrams, so that each that is lost, late or doubled is known.

`recv ADDRESS PORT FILE` counts what comes and acknowledges it until `end` comes; the numbers go to FILE (8 octets each, in
order of arrival). `send SOURCE ADDRESS PORT SIZE SECONDS RATE FILE` sends at RATE datagrams a second, or (0) as many as get
through: up to WINDOW are under way. When each was sent (a double, CLOCK_MONOTONIC) goes to FILE.

Stream starts both; its losses() are what a test asks for.
"""

import array
import os
import select
import socket
import struct
import subprocess
import sys
import time

WINDOW, ACK_EVERY = 128, 16
SO_RCVBUFFORCE = 33  # <asm-generic/socket.h>
NUMBER = struct.Struct('!Q')


def bound(address, port):
    s = socket.socket(socket.AF_INET6 if ':' in address else socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 4 << 20)
    s.bind((address, port))
    return s


def recv(address, port, path):
    s, numbers = bound(address, int(port)), array.array('Q')
    print('listening', flush=True)
    while True:
        data, peer = s.recvfrom(65536)
        if data == b'end':
            break
        numbers.append(NUMBER.unpack_from(data)[0])
        if len(numbers) % ACK_EVERY == 0:
            s.sendto(NUMBER.pack(len(numbers)), peer)
    with open(path, 'wb') as f:
        numbers.tofile(f)


def acknowledged(s, wait):
    """The highest count that came, or None."""
    best = None
    while select.select([s], [], [], 0 if best is not None else wait)[0]:
        best = NUMBER.unpack(s.recv(16))[0]
    return best


def send(source, address, port, size, seconds, rate, path):
    s, times, pad = bound(source, 0), array.array('d'), bytes(int(size) - NUMBER.size)
    s.connect((address, int(port)))
    rate, began, lost = float(rate), time.monotonic(), 0
    end, acked = began + float(seconds), 0
    while (now := time.monotonic()) < end:
        if rate and now < began + len(times) / rate:
            time.sleep(min(0.001, began + len(times) / rate - now))
            continue
        if not rate and len(times) - acked - lost >= WINDOW:
            got = acknowledged(s, 0.5)
            # nothing comes any more: what is under way is taken for lost, so that the stream goes on
            acked, lost = (got, lost) if got is not None else (acked, len(times) - acked)
            continue
        times.append(now)
        try:
            s.send(NUMBER.pack(len(times) - 1) + pad)
        except OSError:  # no route, while a link is down: this one is lost
            pass
    with open(path, 'wb') as f:
        times.tofile(f)
    time.sleep(1)
    try:
        for _ in range(3):
            s.send(b'end')
            time.sleep(0.2)
    except ConnectionRefusedError:  # it has ended
        pass


class Stream:
    """From address src on host a to address dst on host b."""

    def __init__(self, a, b, src, dst, seconds, rate=0, size=1000, port=6000):
        self.sent, self.got = os.path.join(a.dir, 'sent-%d' % port), os.path.join(b.dir, 'got-%d' % port)
        self.receiver = b.start(sys.executable, __file__, 'recv', dst, port, self.got, stdout=subprocess.PIPE, text=True)
        assert self.receiver.stdout.readline() == 'listening\n'
        self.sender = a.start(sys.executable, __file__, 'send', src, dst, port, size, seconds, rate, self.sent)
        self.seconds = seconds

    def losses(self):
        """(how many were sent, when those were sent that are lost, how many came twice)."""
        self.sender.wait(self.seconds + 60)
        self.receiver.wait(60)
        times, numbers = array.array('d'), array.array('Q')
        for values, path in ((times, self.sent), (numbers, self.got)):
            with open(path, 'rb') as f:
                values.frombytes(f.read())
        there = set(numbers)
        return len(times), [t for n, t in enumerate(times) if n not in there], len(numbers) - len(there)


if __name__ == '__main__':
    {'recv': recv, 'send': send}[sys.argv[1]](*sys.argv[2:])
