# SPDX-License-Identifier: LGPL-2.1-or-later
"""The path MTU of SAs (RFC 4301, 8): a router between two gateways whose link takes less than both of them think. Its
ICMP errors reach the gateway, which tells the hosts behind it."""

import re
import sys

from lab import Capture, Lab, check, connection, main, run, wait
from test_iptfs import config, on_the_wire, segmented

SMALL = 1320


class Middle:
    """A router in front of host 2, with a small link to it."""

    def __init__(self, lab):
        a, b = lab.hosts
        self.a, self.b = a, b
        lab.namespaces.append('router')
        run('ip', 'netns', 'add', 'router')
        run('ip', '-n', 'switch', 'link', 'set', 'p2', 'netns', 'router')
        run('ip', 'link', 'add', 'r', 'netns', 'switch', 'type', 'veth', 'peer', 'name', 'north', 'netns', 'router')
        run('ip', '-n', 'switch', 'link', 'set', 'r', 'master', 'br0', 'up')
        self.ip('link', 'set', 'p2', 'up', 'mtu', SMALL)
        self.ip('link', 'set', 'north', 'up')
        b.ip('link', 'set', 'eth0', 'mtu', SMALL)
        b.ip('addr', 'flush', 'dev', 'eth0')
        b.wire4, b.wire6 = '10.9.0.2', 'fd09::2'
        for address, device in (('10.0.0.9/24', 'north'), ('fd00::9/64', 'north'), ('10.9.0.1/24', 'p2'), ('fd09::1/64', 'p2')):
            self.ip('addr', 'add', address, 'dev', device, *(['nodad'] if ':' in address else []))
        b.ip('addr', 'add', '10.9.0.2/24', 'dev', 'eth0')
        b.ip('addr', 'add', 'fd09::2/64', 'dev', 'eth0', 'nodad')
        b.ip('route', 'add', '10.0.0.0/24', 'via', '10.9.0.1')
        b.ip('-6', 'route', 'add', 'fd00::/64', 'via', 'fd09::1')
        a.ip('route', 'add', '10.9.0.0/24', 'via', '10.0.0.9')
        a.ip('-6', 'route', 'add', 'fd09::/64', 'via', 'fd00::9')
        self.run('sysctl', '-qw', 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1')

    def ip(self, *args):
        return run('ip', '-n', 'router', *args)

    def run(self, *args):
        return run('ip', 'netns', 'exec', 'router', *args)


def tunnel(lab, family, child='', plugin=''):
    middle = Middle(lab)
    a, b = lab.hosts
    for me, other, name, lid, rid in ((a, b, 'east', 'west.example', 'east.example'),
                                      (b, a, 'west', 'east.example', 'west.example')):
        me.ravelind(connection(name, getattr(me, f'wire{family}'), getattr(other, f'wire{family}'), lid, rid,
                               local_ts=me.net4, remote_ts=other.net4, child_extra=child) + plugin)
    a.ravelin('up', 'east', 'net')
    return middle, a, b


def ping_df(host, dst, source, size):
    """Whether a ping with DF of so many octets of IP is answered, and which MTU its sender was told."""
    r = host.run('ping', '-n', '-M', 'do', '-c', 1, '-W', 1, '-s', size - 28, '-I', source, dst, ok=False)
    told = re.search(r'mtu[ =]+(\d+)', r.stdout + r.stderr)
    return r.returncode == 0, int(told.group(1)) if told else 0


def says(host, what):
    return [line for line in host.log_text().splitlines() if what in line]


def outer_ipv4():
    """With copy_df = yes the first packet is lost, the router says why, and the next sender is told what fits."""
    with Lab() as lab:
        _, a, b = tunnel(lab, 4, 'copy_df = yes')
        capture = Capture(a)
        check(ping_df(a, b.in4, a.in4, 1390) == (False, 0), 'the first one passed a link that is too small')
        wait('the router is heard', lambda: says(a, 'path-mtu'))
        check(f'mtu={SMALL}' in says(a, 'path-mtu')[0] and 'router=10.0.0.9' in says(a, 'path-mtu')[0],
              says(a, 'path-mtu'))
        ok, told = ping_df(a, b.in4, a.in4, 1390)
        check(not ok and SMALL - 80 < told < SMALL - 50, f'the sender was told {told}')
        check(a.json('list', 'child')[0]['Dropped'].get('too-big') == 1, a.json('list', 'child'))
        check(ping_df(a, b.in4, a.in4, told)[0], f'{told} octets do not pass')
        capture.stop()
        check(capture.lines('udp port 4500 and ip[6] & 0x40 != 0'), 'no ESP with DF')
        # what has no DF inside goes in fragments
        a.run('ping', '-n', '-M', 'dont', '-c', 1, '-W', 2, '-s', 1362, '-I', a.in4, b.in4)
        # and TCP asks for no more: nothing of it is lost
        before = a.json('list', 'child')[0]['Dropped'].get('too-big')
        a.transfer(b, a.in4, b.in4, octets=3_000_000)
        b.transfer(a, b.in4, a.in4, octets=3_000_000)
        check(a.json('list', 'child')[0]['Dropped'].get('too-big') == before, a.json('list', 'child'))


def outer_ipv6():
    """Over IPv6 routers never cut, so their word counts without any setting."""
    with Lab() as lab:
        _, a, b = tunnel(lab, 6)
        ping_df(a, b.in4, a.in4, 1390)
        wait('the router is heard', lambda: says(a, 'path-mtu'))
        check(f'mtu={SMALL}' in says(a, 'path-mtu')[0] and 'router=fd00::9' in says(a, 'path-mtu')[0], says(a, 'path-mtu'))
        ok, told = ping_df(a, b.in4, a.in4, 1390)
        check(not ok and SMALL - 110 < told < SMALL - 70, f'the sender was told {told}')
        check(ping_df(a, b.in4, a.in4, told)[0], f'{told} octets do not pass')


def without():
    """By default routers may cut, nobody complains, and everything passes."""
    with Lab() as lab:
        _, a, b = tunnel(lab, 4)
        check(ping_df(a, b.in4, a.in4, 1390)[0], 'a packet that a router had to cut was lost')
        check(not says(a, 'path-mtu'), says(a, 'path-mtu'))


def ages():
    """What was said is forgotten, and found out anew."""
    with Lab() as lab:
        middle, a, b = tunnel(lab, 4, 'copy_df = yes',
                              'ravelin { plugins { kernel-userspace { path_mtu_age = 2s } } }')
        ping_df(a, b.in4, a.in4, 1390)
        wait('the router is heard', lambda: says(a, 'path-mtu'))
        check(ping_df(a, b.in4, a.in4, 1390)[1], 'the sender was not told')
        middle.ip('link', 'set', 'p2', 'mtu', 1500)
        b.ip('link', 'set', 'eth0', 'mtu', 1500)
        wait('it is forgotten', lambda: a.run('ip', 'route', 'flush', 'cache') and ping_df(a, b.in4, a.in4, 1390)[0],
             seconds=20)


def packets_of_one_size():
    """IP-TFS (RFC 9347, 4.2): packets at a constant rate are as large as the path takes, once a router has said it."""
    with Lab() as lab:
        Middle(lab)
        a, b = lab.hosts
        segmented(a)
        for me, other, name, ids, child in ((a, b, 'east', ('west.example', 'east.example'), 'copy_df = set'),
                                            (b, a, 'west', ('east.example', 'west.example'), '')):
            me.ravelind(config(me, other, name, ids, child + '\niptfs_bandwidth = 2000'))
        capture = Capture(a)
        a.ravelin('up', 'east')
        wait('the router is heard', lambda: says(a, 'path-mtu'))
        a.ping(b.in4, source=a.in4, size=1000)
        a.transfer(b, a.in4, b.in4, octets=200_000)
        capture.stop()
        sizes = [size for _, size in on_the_wire(capture, a.wire4) if size > 1000]
        check(sizes[0] > SMALL and SMALL - 16 < sizes[-1] <= SMALL, f'{sizes[0]} octets at first, then {sizes[-1]}')
        check(len(set(sizes)) == 2, f'sizes {set(sizes)}')


FORGED = '''
import socket, struct, sys
me, gateway, peer, spi, mtu = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4], 16), int(sys.argv[5])
s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
def checksum(b):
    n = sum(struct.unpack('!%dH' % (len(b) // 2), b))
    n = (n & 0xffff) + (n >> 16)
    return ~(n + (n >> 16)) & 0xffff
for low in range(1, 2000):
    esp = struct.pack('!II', (spi + low) & 0xffffffff if mtu == 600 else spi, 1 << 20 | low)
    quote = struct.pack('!BBHHHBBH4s4s', 0x45, 0, 1400, 1, 0x4000, 60, 17, 0, socket.inet_aton(gateway),
                        socket.inet_aton(peer)) + struct.pack('!HHHH', 4500, 4500, 1380, 0) + esp
    head = struct.pack('!BBHHH', 3, 4, 0, 0, mtu)
    s.sendto(head[:2] + struct.pack('!H', checksum(head + quote)) + head[4:] + quote, (gateway, 0))
'''


def forged():
    """Somebody who sees no packets guesses: SPIs, and numbers of the right SPI."""
    with Lab(3) as lab:
        a, b, evil = lab.hosts
        for me, other, name, lid, rid in ((a, b, 'east', 'west.example', 'east.example'),
                                          (b, a, 'west', 'east.example', 'west.example')):
            me.ravelind(connection(name, me.wire4, other.wire4, lid, rid, local_ts=me.net4, remote_ts=other.net4,
                                   child_extra='copy_df = yes'))
        a.ravelin('up', 'east', 'net')
        a.ping(b.in4, source=a.in4)
        spi = a.json('list', 'child')[0]['SpiOut']
        for mtu in (600, 700):
            evil.run(sys.executable, '-c', FORGED, evil.wire4, a.wire4, b.wire4, spi, mtu)
        check(ping_df(a, b.in4, a.in4, 1390)[0], 'a stranger lowered the path MTU')
        check(not says(a, 'path-mtu'), says(a, 'path-mtu'))


if __name__ == '__main__':
    main([outer_ipv4, outer_ipv6, without, ages, packets_of_one_size, forged])
