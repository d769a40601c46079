# SPDX-License-Identifier: LGPL-2.1-or-later
"""The clear side (RFC 4301, 5.2): a tunnel for everything, transport mode between the gateways, strict reverse-path
checks, forged clear text, and no leak while a trap waits."""


import signal
import subprocess
import sys
import time

from lab import Capture, Lab, check, connection, main, wait

RECEIVE = '''
import socket, sys
s = socket.socket(socket.AF_INET6 if ':' in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)
s.bind((sys.argv[1], int(sys.argv[2]))); s.settimeout(float(sys.argv[3])); print('ready', flush=True)
try: print('got', s.recvfrom(2000)[0].decode()[:6], flush=True)
except TimeoutError: print('nothing', flush=True)
'''
SEND = '''
import socket, sys
s = socket.socket(socket.AF_INET6 if ':' in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)
if sys.argv[1] != 'any': s.bind((sys.argv[1], 0))
for _ in range(5):
    try: s.sendto(b'forged', (sys.argv[2], int(sys.argv[3])))
    except PermissionError: pass
'''

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
ECHO = 'icmp[0] = 8 or icmp[0] = 0'


def strict(*hosts):
    for h in hosts:
        for where in ('all', 'default', 'eth0'):
            h.run('sysctl', '-qw', f'net.ipv4.conf.{where}.rp_filter=1')


def everything():
    """remote_ts = 0.0.0.0/0: the protected network's traffic goes in, the host's own does not, nothing loops."""
    with Lab(3) as lab:
        a, b, c = lab.hosts
        strict(a, b)
        a.ravelind(connection('hub', a.wire4, b.wire4, 'west.example', 'east.example', local_ts=a.net4,
                              remote_ts='0.0.0.0/0'))
        b.ravelind(connection('spoke', b.wire4, a.wire4, 'east.example', 'west.example', local_ts='0.0.0.0/0',
                              remote_ts=a.net4))
        a.ravelin('up', 'hub')
        capture = Capture(a)
        a.ping(b.in4, count=5, source=a.in4)
        b.ping(a.in4, count=5, source=b.in4)
        a.transfer(b, a.in4, b.in4, octets=5_000_000)
        a.ping('10.1.0.1', source=a.in4)
        capture.stop()
        check(not capture.lines('icmp'), 'protected traffic in clear on the wire')
        a.ping(c.wire4, source=a.wire4)


def transport(family):
    with Lab() as lab:
        a, b = lab.hosts
        strict(a, b)
        me, other = (a.wire4, b.wire4) if family == 4 else (a.wire6, b.wire6)
        mode = 'mode = transport'
        a.ravelind(connection('east', me, other, 'west.example', 'east.example', child_extra=mode))
        b.ravelind(connection('west', other, me, 'east.example', 'west.example', child_extra=mode))
        a.ravelin('up', 'east')
        check(a.json('list', 'child')[0]['Mode'] == 'transport', 'not in transport mode')
        capture = Capture(a)
        a.ping(other, count=5)
        b.ping(me, count=5)
        a.transfer(b, me, other, octets=5_000_000)
        capture.stop()
        check(not capture.lines('icmp or (icmp6 and (ip6[40] = 128 or ip6[40] = 129))'), 'clear text on the wire')
        a.ravelin('down', 'east')
        a.ping(other)


def transport_between_the_gateways():
    transport(4)


def transport_between_the_gateways_ipv6():
    transport(6)


def receives(host, address, sender, source, seconds=1, port=9999):
    """Whether a datagram that `sender` sends from `source` reaches a socket of host at address."""
    p = host.start(sys.executable, '-c', RECEIVE, address, port, seconds, stdout=subprocess.PIPE, text=True)
    check(p.stdout.readline() == 'ready\n', 'the receiver does not start')
    sender.run(sys.executable, '-c', SEND, source, address, port)
    return p.communicate()[0].strip() == 'got forged'


def forged_clear_text_is_dropped():
    with Lab(3) as lab:
        a, b, c = lab.hosts
        a.ravelind(connection('east', a.wire4, b.wire4, 'west.example', 'east.example', local_ts=a.net4,
                              remote_ts=b.net4))
        b.ravelind(connection('west', b.wire4, a.wire4, 'east.example', 'west.example', local_ts=b.net4,
                              remote_ts=a.net4))
        c.ip('addr', 'add', b.in4 + '/32', 'dev', 'lo')
        c.ip('addr', 'add', '10.2.0.77/32', 'dev', 'lo')
        check(receives(a, a.in4, c, '10.2.0.77'), 'the forger cannot forge: the test proves nothing')
        a.ravelin('up', 'east')
        check(not receives(a, a.in4, c, '10.2.0.77'), 'forged clear text was accepted')
        check(receives(a, a.in4, b, b.in4), 'the tunnel itself does not deliver')
        a.ravelin('down', 'east')
        check(receives(a, a.in4, c, '10.2.0.77'), 'the guard stays when the tunnel is down without a trap')


def nothing_leaks_while_down():
    with Lab() as lab:
        a, b = lab.hosts
        fast = 'ravelin { plugins { keying-ikev2 { retransmit_timeout = 1s\n retransmit_tries = 2 } } }'
        a.ravelind(connection('east', a.wire4, b.wire4, 'west.example', 'east.example', local_ts=a.net4,
                              remote_ts=b.net4, child_extra='start_action = trap', plugins=fast))
        capture = Capture(a)
        check(a.ping(b.in4, count=5, source=a.in4, ok=False) == 0, 'pings were answered without a tunnel')
        check(a.run('ping', '-c', '2', '-W', '1', '-I', 'eth0', b.in4, ok=False).returncode != 0, 'a way around')
        time.sleep(1.5)
        a.ravelin('down', 'east', ok=False)
        a.ping(b.in4, count=3, source=a.in4, ok=False)
        capture.stop()
        check(not capture.lines(ECHO), 'clear text leaked:\n' + '\n'.join(capture.lines(ECHO)))
        check(capture.lines('udp port 500'), 'the trap did not even try')


def a_connection_with_an_interface_of_its_own():
    with Lab() as lab:
        a, b = lab.hosts
        a.ravelind(connection('east', a.wire4, b.wire4, 'west.example', 'east.example', local_ts=a.net4,
                              remote_ts=b.net4, child_extra='interface = vpn7'))
        b.ravelind(connection('west', b.wire4, a.wire4, 'east.example', 'west.example', local_ts=b.net4,
                              remote_ts=a.net4))
        a.ravelin('up', 'east')
        a.ping(b.in4, source=a.in4)
        check('vpn7' in a.ip('-o', 'link').stdout, 'there is no interface vpn7')
        check('vpn7' in a.ip('route', 'get', b.in4, 'from', a.in4).stdout, 'the route is not by vpn7')
        a.ravelin('down', 'east')
        wait('the interface goes', lambda: 'vpn7' not in a.ip('-o', 'link').stdout, 5)


def pair(a, b, child='net', more_a='', more_b='', **kw):
    """Both daemons with one connection; more_a and more_b: further children."""
    config = connection('east', a.wire4, b.wire4, 'west.example', 'east.example', child, local_ts=a.net4,
                        remote_ts=b.net4, **kw)
    a.ravelind(config.replace('children {', 'children {' + more_a))
    config = connection('west', b.wire4, a.wire4, 'east.example', 'west.example', child, local_ts=b.net4,
                        remote_ts=a.net4)
    b.ravelind(config.replace('children {', 'children {' + more_b))


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


def a_killed_daemon_fails_closed():
    """kill -9: what a trap or a tunnel protected stays protected; the next start has no gap and cleans up."""
    with Lab() as lab:
        a, b = lab.hosts
        pair(a, b, child_extra='start_action = trap')
        a.ping(b.in4, count=3, interval=0.3, source=a.in4, ok=False)
        a.ping(b.in4, source=a.in4)
        config = open(a.config).read()
        capture = Capture(a)
        pinging = a.pinging(b.in4, a.in4, interval=0.02)
        a.stop(signal.SIGKILL)
        time.sleep(0.5)
        check('ravelin' in a.run('nft', 'list', 'tables').stdout, 'the guard went with the daemon')
        a.ravelind(config)
        wait('the restarted daemon brings it up', lambda: a.json('list', 'child'))
        a.ping(b.in4, source=a.in4)
        pinging.stop()
        capture.stop()
        check(not capture.lines('icmp'), 'clear text while the daemon was dead or started')
        a.stop(signal.SIGKILL)
        a.ravelind('connections { }')
        check('ravelin' not in a.run('nft', 'list', 'tables').stdout, 'the restart left the guard')
        check('lookup 22' not in a.ip('rule').stdout, 'the restart left rules')
        check(a.stop() == 0, 'it does not stop')
        check(a.ping(b.in4, count=1, source=a.in4, ok=False) == 0, 'b does not guard its side')


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
        check(a.ping('10.3.0.1', count=2, source='10.1.0.1', ok=False) == 0, 'the child inside the pass is not protected')
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


def selectors_with_ports():
    """[udp/7]: that port is protected and nothing else is touched; own traffic without a source is led in too."""
    with Lab() as lab:
        a, b = lab.hosts
        for me, other, name, lid, rid, ours, theirs in (
                (a, b, 'east', 'west.example', 'east.example', '[udp]', '[udp/7]'),
                (b, a, 'west', 'east.example', 'west.example', '[udp/7]', '[udp]')):
            me.ravelind(connection(name, me.wire4, other.wire4, lid, rid, local_ts=me.net4 + ours + ',' + me.net6 + ours,
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
    main([everything, transport_between_the_gateways, transport_between_the_gateways_ipv6, forged_clear_text_is_dropped,
          nothing_leaks_while_down, a_connection_with_an_interface_of_its_own, a_killed_daemon_fails_closed,
          pass_inside_a_tunnel_for_everything, drop_is_dropped, selectors_with_ports, two_local_networks,
          two_interfaces])
