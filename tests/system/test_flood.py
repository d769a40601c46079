# SPDX-License-Identifier: LGPL-2.1-or-later
"""10,000 half-open attempts a second from all addresses of a test namespace for 10 s: memory stays bounded, and a
legitimate peer still connects."""

import os
import re
import time

from lab import Lab, check, connection, main

# Valid IKE_SA_INIT requests (RFC 7296, 1.2) with fresh SPIs from 65,000 addresses; paced, bounded in count and time.
FLOOD = r'''
import os, random, socket, struct, sys, time
def payload(following, body):
    return struct.pack('>BBH', following, 0, 4 + len(body)) + body
def transform(last, kind, number, attributes=b''):
    return struct.pack('>BBHBBH', 0 if last else 3, 0, 8 + len(attributes), kind, 0, number) + attributes
transforms = (transform(0, 1, 20, struct.pack('>HH', 0x800e, 128)) + transform(0, 2, 5) + transform(1, 4, 31))
proposal = struct.pack('>BBHBBBB', 0, 0, 8 + len(transforms), 1, 1, 0, 3) + transforms
tail = payload(34, proposal) + payload(40, struct.pack('>HH', 31, 0) + os.urandom(32)) + payload(0, os.urandom(32))
s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 22)
target, seconds, rate = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
start, sent = time.monotonic(), 0
while (now := time.monotonic() - start) < seconds:
    while sent < now * rate:
        message = os.urandom(8) + bytes(8) + struct.pack('>BBBBII', 33, 0x20, 34, 8, 0, 28 + len(tail)) + tail
        udp = struct.pack('>HHHH', 500, 500, 8 + len(message), 0) + message
        source = '10.9.%d.%d' % (random.randrange(256), random.randrange(1, 255))
        ip = struct.pack('>BBHHHBBH4s4s', 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, socket.inet_aton(source),
                         socket.inet_aton(target))
        try: s.sendto(ip + udp, (target, 0))
        except OSError: pass
        sent += 1
    time.sleep(0.001)
print(sent)
'''


def rss(pid):
    return int(re.search(r'VmRSS:\s+(\d+)', open(f'/proc/{pid}/status').read()).group(1)) * 1024


def a_flood_of_half_open_attempts():
    seconds, rate = 10, int(os.environ.get('RAVELIN_FLOOD', 10000))
    with Lab(3) as lab:
        a, b, c = lab.hosts
        for h in (a, b):
            h.ip('route', 'add', '10.9.0.0/16', 'via', c.wire4)
        c.ip('addr', 'add', '10.9.0.1/16', 'dev', 'lo')
        a.ravelind(connection('any', a.wire4, '%any', 'west.example', '%any', local_ts=a.net4, remote_ts='10.2.0.0/16'))
        b.ravelind(connection('west', b.wire4, a.wire4, 'east.example', 'west.example', local_ts=b.net4,
                              remote_ts=a.net4))
        b.ravelin('up', 'west')
        b.ravelin('down', 'west')
        before = rss(a.pid())
        import subprocess
        flood = c.start('python3', '-c', FLOOD, a.wire4, seconds, rate, stdout=subprocess.PIPE, text=True)
        most, ups = before, 0
        end = time.monotonic() + seconds - 1
        time.sleep(2)
        while time.monotonic() < end:
            b.ravelin('up', 'west', '--timeout', '15')
            b.ping(a.in4, count=1, source=b.in4)
            b.ravelin('down', 'west')
            ups += 1
            most = max(most, rss(a.pid()))
            time.sleep(0.5)
        sent = int(flood.communicate()[0])
        check(sent >= seconds * rate * 0.9, f'the flood was only {sent} attempts')
        check(ups >= 2, f'the legitimate peer came up only {ups} times')
        check(most - before < 32 << 20, f'memory grew by {(most - before) >> 20} MiB under the flood')
        print(f'     {sent} attempts, {ups} legitimate tunnels meanwhile, memory {before >> 10} -> {most >> 10} KiB')


if __name__ == '__main__':
    main([a_flood_of_half_open_attempts])
