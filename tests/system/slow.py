# SPDX-License-Identifier: LGPL-2.1-or-later
"""slow.py PORT PORT MILLISECONDS: a wire between two interfaces on which every frame takes so long, for kernels without
netem. Runs until it is killed; says "ready" when it carries."""

import collections
import select
import socket
import sys
import time

ALL_FRAMES = 3


def main(one, other, delay):
    sockets = {}
    for name, out in ((one, other), (other, one)):
        s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ALL_FRAMES))
        s.bind((name, ALL_FRAMES))
        s.setblocking(False)
        sockets[s] = out
    by_name = {s.getsockname()[0]: s for s in sockets}
    flying = collections.deque()
    print('ready', flush=True)
    while True:
        now = time.monotonic()
        while flying and flying[0][0] <= now:
            _, out, frame = flying.popleft()
            try:
                by_name[out].send(frame)
            except OSError:
                pass  # an interface that is down loses it, as a wire does
        wait = max(0, flying[0][0] - now) if flying else None
        for s in select.select(list(sockets), [], [], wait)[0]:
            frame, address = s.recvfrom(65536)
            if address[2] != socket.PACKET_OUTGOING:
                flying.append((time.monotonic() + delay, sockets[s], frame))


if __name__ == '__main__':
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]) / 1000)
