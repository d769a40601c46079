#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""capture.py INTERFACE FILE: writes what passes on an interface to a pcap file until SIGINT or SIGTERM.

tcpdump gives up being root, which it cannot in the namespaces of a user, where groups may not be set."""

import signal
import socket
import struct
import sys
import time

ALL = 3  # ETH_P_ALL
OCTETS = 262144


def stop(_signal, _frame):
    sys.exit(0)


signal.signal(signal.SIGINT, stop)
signal.signal(signal.SIGTERM, stop)
with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ALL)) as packets, open(sys.argv[2], 'wb', 0) as out:
    packets.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    packets.bind((sys.argv[1], ALL))
    out.write(struct.pack('=IHHiIII', 0xa1b2c3d4, 2, 4, 0, 0, OCTETS, 1))
    print('listening', flush=True)
    while True:
        packet = packets.recv(OCTETS)
        now = time.time_ns()
        out.write(struct.pack('=IIII', now // 10**9, now // 1000 % 10**6, len(packet), len(packet)) + packet)
