# SPDX-License-Identifier: LGPL-2.1-or-later
"""10,000 half-open attempts a second from all addresses of a test namespace for 10 s: memory stays bounded, and a
legitimate peer still connects."""

import os
import re
import subprocess
import sys
import time

from lab import SANITIZED, Lab, check, connection, main, wait

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

# The same from fewer addresses, by somebody who returns the cookies that are asked for.
PERSISTENT = FLOOD[:FLOOD.index('s = socket')] + r'''
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.IPPROTO_IP, 8, 1)  # IP_PKTINFO
s.bind(('0.0.0.0', 500))
s.setblocking(False)
target, seconds, rate = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
def info(address): return [(socket.IPPROTO_IP, 8, struct.pack('@I4s4s', 0, socket.inet_aton(address), bytes(4)))]
def request(spi, kind, body):
    return spi + bytes(8) + struct.pack('>BBBBII', kind, 0x20, 34, 8, 0, 28 + len(body)) + body
start, sent, returned = time.monotonic(), 0, 0
while (now := time.monotonic() - start) < seconds:
    while sent < now * rate:
        source = '10.9.0.%d' % random.randrange(1, 255)
        s.sendmsg([request(os.urandom(8), 33, tail)], info(source), 0, (target, 500))
        sent += 1
    try:
        while True:
            answer, control, flags, peer = s.recvmsg(2000, 200)
            if len(answer) > 36 and answer[16] == 41 and answer[34:36] == b'\x40\x06':  # N(COOKIE), RFC 7296, 3.10.1
                notify = answer[28:28 + struct.unpack('>H', answer[30:32])[0]]
                s.sendmsg([request(answer[:8], 41, bytes([33]) + notify[1:] + tail)],
                          info(socket.inet_ntoa(control[0][2][4:8])), 0, (target, 500))
                returned += 1
    except BlockingIOError:
        time.sleep(0.001)
print(sent, returned)
'''


def rss(pid):
    return int(re.search(r'VmRSS:\s+(\d+)', open(f'/proc/{pid}/status').read()).group(1)) * 1024


def datagrams(host):
    """How many the daemon has taken from its sockets."""
    rows = [line.split() for line in host.run('cat', '/proc/net/snmp').stdout.split('\n') if line.startswith('Udp:')]
    return int(rows[1][rows[0].index('InDatagrams')])


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
        before, seen = rss(a.pid()), datagrams(a)
        flood = c.start(sys.executable, '-c', FLOOD, a.wire4, seconds, rate, stdout=subprocess.PIPE, text=True)
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
        seen = datagrams(a) - seen
        check(sent >= seconds * rate * 0.9, f'the flood was only {sent} attempts')
        check(seen >= sent * 0.5, f'the daemon took only {seen} of {sent} attempts')
        check(ups >= 2, f'the legitimate peer came up only {ups} times')
        check(SANITIZED or most - before < 32 << 20, f'memory grew by {(most - before) >> 20} MiB under the flood')
        print(f'     {sent} attempts, {seen} taken, {ups} legitimate tunnels meanwhile, memory {before >> 10} -> '
              f'{most >> 10} KiB')


def attempts_that_return_cookies():
    """From 254 addresses: no address and not all together may hold more than the limits; afterwards all is well."""
    with Lab(3) as lab:
        a, b, c = lab.hosts
        for h in (a, b):
            h.ip('route', 'add', '10.9.0.0/16', 'via', c.wire4)
        c.ip('addr', 'add', '10.9.0.1/16', 'dev', 'lo')
        limits = '''ravelin { plugins { keying-ikev2 {
            half_open_timeout = 3s\n block_threshold = 2\n init_limit_half_open = 400 } } }'''
        a.ravelind(connection('any', a.wire4, '%any', 'west.example', '%any', local_ts=a.net4, remote_ts='10.2.0.0/16',
                              plugins=limits))
        b.ravelind(connection('west', b.wire4, a.wire4, 'east.example', 'west.example', local_ts=b.net4,
                              remote_ts=a.net4))
        before = rss(a.pid())
        flood = c.start(sys.executable, '-c', PERSISTENT, a.wire4, 6, 1000, stdout=subprocess.PIPE, text=True)
        most, half_open = before, 0
        while flood.poll() is None:
            most = max(most, rss(a.pid()))
            half_open = max(half_open, len(a.json('list', 'ike')))
            time.sleep(0.2)
        sent, returned = map(int, flood.communicate()[0].split())
        check(returned > 1000, f'of {sent} attempts only {returned} were asked for a cookie: the test proves nothing')
        check(half_open <= 400, f'{half_open} half-open IKE SAs')
        check(SANITIZED or most - before < 16 << 20, f'memory grew by {(most - before) >> 20} MiB')
        wait('the half-open IKE SAs expire', lambda: not a.json('list', 'ike'), 10)
        b.ravelin('up', 'west')
        b.ping(a.in4, source=b.in4)
        print(f'     {sent} attempts, {returned} cookies returned, up to {half_open} half-open, memory {before >> 10} -> '
              f'{most >> 10} KiB')


if __name__ == '__main__':
    main([a_flood_of_half_open_attempts, attempts_that_return_cookies])
