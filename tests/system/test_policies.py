# SPDX-License-Identifier: LGPL-2.1-or-later
"""Policies that meet on the clear side: bypass and discard, selectors with ports, fragments, several local networks and
interfaces with one remote side."""

import json
import sys
import time

from lab import Capture, Lab, check, connection, main, wait
from test_clear_side import pair, receives, strict

FRAGMENTS = '''
import socket, sys
from scapy.all import *
v6 = ':' in sys.argv[1]
packet = UDP(sport=9, dport=7) / Raw(2500 * b'x')
if v6:
    parts = fragment6(IPv6(src=sys.argv[1], dst=sys.argv[2]) / IPv6ExtHdrFragment(id=7) / packet, 1000)
    s = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW)
else:
    parts = fragment(IP(src=sys.argv[1], dst=sys.argv[2]) / packet, 1000)
    s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
for p in parts:
    try: s.sendto(bytes(p), (sys.argv[2], 0))
    except PermissionError: pass
print(len(parts))
'''


def both(one, two):
    """One configuration with the connections and the secrets of two."""
    connections, secrets = two.strip().split('\nsecrets {')
    return one.replace('connections {', connections.rstrip()[:-1]).replace('secrets {', 'secrets {' +
                                                                            secrets.rstrip()[:-1])


def policy(name, local, remote, mode):
    return '''
            %s {
                local_ts = %s
                remote_ts = %s
                mode = %s
                start_action = trap
            }''' % (name, local, remote, mode)


def pass_inside_a_tunnel_for_everything():
    """mode = pass inside 0.0.0.0/0, and a protected child inside the pass: the narrower one decides each time."""
    with Lab(3) as lab:
        a, b, c = lab.hosts
        strict(a, b)
        a.ravelind(connection('hub', a.wire4, b.wire4, 'west.example', 'east.example', local_ts=a.net4,
                              remote_ts='0.0.0.0/0').replace('children {', 'children {' +
                   policy('lan', a.net4, '10.3.0.0/16', 'pass') +
                   'deep { local_ts = 10.1.0.1\n remote_ts = 10.3.0.1\n start_action = trap }'))
        b.ravelind(connection('spoke', b.wire4, a.wire4, 'east.example', 'west.example', local_ts='0.0.0.0/0',
                              remote_ts=a.net4))
        a.ip('addr', 'add', '10.1.0.2/16', 'dev', 'lo')
        c.ip('addr', 'add', '10.3.0.2/16', 'dev', 'lo')
        a.ravelin('up', 'hub', 'net')
        capture = Capture(a)
        a.ping(b.in4, source=a.in4)
        a.ping('10.3.0.2', source=a.in4)
        a.ping('10.3.0.2', source='10.1.0.2')
        c.ping(a.in4, source='10.3.0.2')
        check(a.ping('10.3.0.1', count=2, source='10.1.0.1', ok=False) == 0,
              'the child inside the pass is not protected')
        capture.stop()
        check(len(capture.lines('icmp and host 10.3.0.2')) == 18, 'what is to pass does not pass in clear')
        check(not capture.lines('icmp and not host 10.3.0.2'), 'protected traffic in clear on the wire')
        check(receives(a, a.in4, c, '10.3.0.2'), 'what is to pass is kept out')
        check(not receives(a, a.in4, c, '10.3.0.1'), 'forged clear text for the child inside the pass was accepted')


def drop_is_dropped():
    with Lab() as lab:
        a, b = lab.hosts
        pair(a, b, more_a=policy('no', '10.1.0.1', '10.2.0.9', 'drop') + policy('not6', a.net6, b.net6, 'drop'))
        b.ip('addr', 'add', '10.2.0.9/16', 'dev', 'lo')
        a.ravelin('up', 'east', 'net')
        capture = Capture(a)
        a.ping(b.in4, source=a.in4)
        check(a.ping('10.2.0.9', count=2, source=a.in4, ok=False) == 0, 'traffic to be dropped passed')
        check(a.ping(b.in6, count=2, source=a.in6, ok=False) == 0, 'IPv6 traffic to be dropped passed')
        check(not receives(a, a.in6, b, b.in6), 'IPv6 traffic to be dropped came in')
        capture.stop()
        check(not capture.lines('icmp or host 10.2.0.9 or src host ' + a.in6), 'traffic to be dropped is on the wire')
        a.stop()
        a.ping(b.in6, source=a.in6)


STRAYS = '''
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for octets in 3 * [bytes.fromhex('aabbccdd') + bytes(40)] + 2 * [b'short']:
    s.sendto(octets, (sys.argv[1], 4500))
'''


def drops_outside_of_sas_are_counted():
    """Each cause by itself, over D-Bus and in `ravelin status`."""
    with Lab() as lab:
        a, b = lab.hosts
        pair(a, b, more_a=policy('no', '10.1.0.1', '10.2.0.9', 'drop') + policy('not6', a.net6, b.net6, 'drop'))
        b.ip('addr', 'add', '10.2.0.9/16', 'dev', 'lo')
        a.ravelin('up', 'east', 'net')
        a.ping(b.in4, source=a.in4)

        def drops():
            return a.json('status')['Dropped']

        # what comes at the start, such as a router solicitation on the tunnel's device
        before = drops()
        check(not {'no-sa', 'malformed', 'policy', 'clear-in', 'clear-out'} & before.keys(), f'at the start: {before}')
        check('clear' not in a.ravelin('status').stdout, 'drops that were none')
        b.run(sys.executable, '-c', STRAYS, a.wire4)
        wait('strays are counted', lambda: drops().get('no-sa') == 3 and drops().get('malformed') == 2)
        check(a.ping('10.2.0.9', count=3, source=a.in4, ok=False) == 0, 'traffic to be dropped passed')
        wait('what is to be dropped is counted', lambda: drops().get('policy', 0) >= 3)
        check(not {'clear-in', 'clear-out'} & drops().keys(), f'{drops()}')
        check(a.ping(b.in6, count=3, source=a.in6, ok=False) == 0, 'IPv6 traffic to be dropped passed')
        check(drops()['clear-out'] >= 3 and 'clear-in' not in drops(), f'{drops()}')
        check(not receives(a, a.in6, b, b.in6), 'IPv6 traffic to be dropped came in')
        check(drops()['clear-in'] > 0, f'{drops()}')
        tun = next(link['ifname'] for link in json.loads(a.ip('-j', '-d', 'link').stdout)
                   if link.get('linkinfo', {}).get('info_kind') == 'tun')
        a.ip('route', 'add', '10.99.0.0/16', 'dev', tun)
        a.ping('10.99.0.1', count=4, source=a.in4, ok=False)
        wait('what has no policy is counted', lambda: drops().get('no-policy', 0) >= before.get('no-policy', 0) + 4)
        wait('status says the same', lambda: 'dropped outside of SAs: ' + ','.join(f'{k}={v}' for k, v in drops().items()) +
             '\n' in a.ravelin('status').stdout)
        now = drops()
        a.ping(b.in4, source=a.in4)
        check(all(drops()[k] == now[k] for k in now if k != 'no-policy'), f'good packets were counted: {now} {drops()}')


def selectors_with_ports():
    """[udp/7]: that port is protected and nothing else is touched; own traffic without a source is led in too."""
    with Lab() as lab:
        a, b = lab.hosts
        for me, other, name, lid, rid, ours, theirs in (
                (a, b, 'east', 'west.example', 'east.example', '[udp]', '[udp/7]'),
                (b, a, 'west', 'east.example', 'west.example', '[udp/7]', '[udp]')):
            me.ravelind(connection(name, me.wire4, other.wire4, lid, rid,
                                   local_ts=me.net4 + ours + ',' + me.net6 + ours,
                                   remote_ts=other.net4 + theirs + ',' + other.net6 + theirs))
        a.ravelin('up', 'east')
        capture = Capture(b)
        for mine, theirs in ((a.in4, b.in4), (a.in6, b.in6)):
            check(receives(b, theirs, a, mine, port=7), 'the protected port is not reached')
            check(receives(b, theirs, a, mine, port=8), 'another port is not reached')
            check(receives(a, mine, b, theirs), 'another port is not reached the other way')
            a.ping(theirs, source=mine)
        check(receives(b, b.in4, a, 'any', port=7), 'own traffic without a source does not reach the protected port')
        capture.stop()
        check(not capture.lines('udp port 7'), 'the protected port is in clear on the wire')
        check(len(capture.lines('udp port 8')) == 10, 'the other port is not in clear on the wire')
        check(len(capture.lines('icmp or icmp6[0] = 128 or icmp6[0] = 129')) >= 6, 'pings are not in clear')
        # fragments: the later ones have no port and may not slip past (RFC 4301, 7)
        capture = Capture(b)
        sent = [int(a.run(sys.executable, '-c', FRAGMENTS, *pair).stdout) for pair in ((a.in4, b.in4), (a.in6, b.in6))]
        capture.stop()
        check(not capture.lines('(ip[6:2] & 0x1fff != 0 and host %s) or (ip6[6] = 44 and host %s)' % (a.in4, a.in6)),
              'a fragment left in clear')
        check(sent == [3, 3], f'{sent} fragments: the test proves nothing')


def two_local_networks():
    """Two children with one remote side: each has the routes and the source address of its own."""
    with Lab() as lab:
        a, b = lab.hosts
        a.ip('addr', 'add', '10.11.0.1/16', 'dev', 'lo')
        b.ip('route', 'add', '10.11.0.0/16', 'via', a.wire4)
        pair(a, b, more_a='two { local_ts = 10.11.0.0/16\n remote_ts = 10.2.0.0/16 }',
             more_b='two { local_ts = 10.2.0.0/16\n remote_ts = 10.11.0.0/16 }')
        a.ravelin('up', 'east', 'two')
        a.ping(b.in4, source='10.11.0.1')
        a.ping(b.in4)
        a.ravelin('up', 'east', 'net')
        capture = Capture(a)
        a.ping(b.in4, source='10.11.0.1')
        a.ping(b.in4, source=a.in4)
        a.ping(b.in4)
        two = next(c['Id'] for c in a.json('list', 'child') if c['Name'] == 'two')
        net = next(c['Id'] for c in a.json('list', 'child') if c['Name'] == 'net')
        check(two != net, 'the children are one')
        a.ip('addr', 'del', '10.1.0.1/16', 'dev', 'lo')
        a.ping(b.in4, source='10.11.0.1')
        time.sleep(0.2)
        a.ping(b.in4)
        capture.stop()
        check(not capture.lines('icmp'), 'clear text on the wire')


def two_interfaces():
    """Two connections for everything, from two local networks, each with an interface of its own."""
    with Lab(3) as lab:
        a, b, c = lab.hosts
        a.ip('addr', 'add', '10.11.0.1/16', 'dev', 'lo')
        configs = []
        for name, peer, local, me in (('one', b, a.net4, 'west.example'), ('two', c, '10.11.0.0/16', 'north.example')):
            configs.append(connection(name, a.wire4, peer.wire4, me, name + '.example', local_ts=local,
                                      remote_ts='0.0.0.0/0', child_extra='interface = vpn-' + name).replace(
                                          'ike-pair', 'ike-' + name))
            peer.ravelind(connection('hub', peer.wire4, a.wire4, name + '.example', me, local_ts='0.0.0.0/0',
                                     remote_ts=local))
        a.ravelind(both(*configs))
        a.ravelin('up', 'one')
        a.ravelin('up', 'two')
        capture = Capture(a)
        a.ping(b.in4, source=a.in4)
        a.ping(c.in4, source='10.11.0.1')
        a.ravelin('down', 'two')
        wait('the interface goes', lambda: 'vpn-two' not in a.ip('-o', 'link').stdout, 5)
        a.ping(b.in4, source=a.in4)
        capture.stop()
        check(not capture.lines('icmp'), 'clear text on the wire')


if __name__ == '__main__':
    main([drops_outside_of_sas_are_counted, pass_inside_a_tunnel_for_everything, drop_is_dropped, selectors_with_ports, two_local_networks,
          two_interfaces])
