# SPDX-License-Identifier: LGPL-2.1-or-later
"""The clear side (RFC 4301, 5.2): a tunnel for everything, transport mode between the gateways, strict reverse-path
checks, forged clear text, and no leak while a trap waits."""


import select
import signal
import subprocess
import sys
import time

from lab import Capture, Lab, check, connection, main, wait

RECEIVE = '''
import socket, sys
s = socket.socket(socket.AF_INET6 if ':' in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)
s.bind((sys.argv[1], int(sys.argv[2]))); print('ready', flush=True)
print('got', s.recvfrom(2000)[0].decode()[:6], flush=True)
'''
SEND = '''
import socket, sys, time
s = socket.socket(socket.AF_INET6 if ':' in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)
if sys.argv[1] != 'any': s.bind((sys.argv[1], 0))
for _ in range(5):
    try: s.sendto(b'forged', (sys.argv[2], int(sys.argv[3])))
    except PermissionError: pass
    time.sleep(0.05)
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


def everything_ipv6():
    with Lab(3) as lab:
        a, b, c = lab.hosts
        a.ravelind(connection('hub', a.wire6, b.wire6, 'west.example', 'east.example', local_ts=a.net6,
                              remote_ts='::/0'))
        b.ravelind(connection('spoke', b.wire6, a.wire6, 'east.example', 'west.example', local_ts='::/0',
                              remote_ts=a.net6))
        a.ravelin('up', 'hub')
        capture = Capture(a)
        a.ping(b.in6, count=5, source=a.in6)
        b.ping(a.in6, count=5, source=b.in6)
        a.transfer(b, a.in6, b.in6, octets=2_000_000)
        capture.stop()
        check(not capture.lines('icmp6[0] = 128 or icmp6[0] = 129'), 'protected traffic in clear on the wire')
        a.ping(c.wire6, source=a.wire6)
        # neighbours are still found when their entries are gone
        for h in (a, b):
            h.ip('-6', 'neigh', 'flush', 'all')
        a.ping(b.in6, source=a.in6)


def hosts_behind_the_gateways():
    """What is forwarded: strict reverse-path checks, large packets, and no leak before the tunnel is there."""
    C, D, net_c, net_d = '10.5.77.1', '10.6.77.1', '10.5.0.0/16', '10.6.0.0/16'
    with Lab(4) as lab:
        a, b, c, d = lab.hosts
        strict(a, b)
        # c is behind a, and d behind b, though all are on one switch
        for inside, gateway, address, other in ((c, a, C, net_d), (d, b, D, net_c)):
            inside.ip('addr', 'add', address + '/32', 'dev', 'lo')
            inside.ip('route', 'add', other, 'via', gateway.wire4, 'src', address)
            gateway.ip('route', 'add', address + '/32', 'via', inside.wire4)
            gateway.run('sysctl', '-qw', 'net.ipv4.ip_forward=1', 'net.ipv4.conf.all.send_redirects=0',
                        'net.ipv4.conf.eth0.send_redirects=0')
        a.ip('route', 'add', net_d, 'via', b.wire4)
        b.ip('route', 'add', net_c, 'via', a.wire4)
        c.ping(D, source=C)
        a.ravelind(connection('east', a.wire4, b.wire4, 'west.example', 'east.example', local_ts=net_c,
                              remote_ts=net_d, child_extra='start_action = trap'))
        capture = Capture(b)
        check(c.ping(D, count=3, source=C, ok=False) == 0, 'forwarded without the tunnel')
        b.ravelind(connection('west', b.wire4, a.wire4, 'east.example', 'west.example', local_ts=net_d,
                              remote_ts=net_c))
        wait('traffic brings the tunnel up', lambda: c.ping(D, count=1, source=C, ok=False), 30)
        c.ping(D, count=5, source=C)
        c.ping(D, count=3, source=C, size=3000)
        d.ping(C, count=5, source=D)
        c.transfer(d, C, D, octets=5_000_000)
        d.transfer(c, D, C, octets=5_000_000)
        capture.stop()
        check(not capture.lines(f'({ECHO}) and ether src ' + mac(a)), 'a forwarded clear text over the wire')


def mac(host):
    return host.run('cat', '/sys/class/net/eth0/address').stdout.strip()


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
        for h in (a, b):  # neighbours find each other again
            h.ip('neigh', 'flush', 'all')
        b.ping(me)
        capture.stop()
        check(not capture.lines('icmp or (icmp6 and (ip6[40] = 128 or ip6[40] = 129))'), 'clear text on the wire')
        a.ravelin('down', 'east')
        a.ping(other)


def transport_between_the_gateways():
    transport(4)


def transport_between_the_gateways_ipv6():
    transport(6)


def transport_by_a_trap():
    """The policy of a trap covers the very addresses that keying messages travel between."""
    with Lab() as lab:
        a, b = lab.hosts
        strict(a, b)
        mode = 'mode = transport\n start_action = trap'
        a.ravelind(connection('east', a.wire4, b.wire4, 'west.example', 'east.example', child_extra=mode))
        b.ravelind(connection('west', b.wire4, a.wire4, 'east.example', 'west.example', child_extra=mode))
        capture = Capture(a)
        wait('traffic brings it up', lambda: a.ping(b.wire4, count=1, ok=False))
        a.ping(b.wire4, count=5)
        a.ravelin('rekey', 'east', 'net')
        a.ravelin('rekey', 'east')
        b.ping(a.wire4, count=5)
        capture.stop()
        check(not capture.lines(ECHO), 'clear text on the wire')


def receives(host, address, sender, source, port=9999):
    """Whether a datagram that `sender` sends from `source` reaches a socket of host at address."""
    p = host.start(sys.executable, '-c', RECEIVE, address, port, stdout=subprocess.PIPE, text=True)
    check(p.stdout.readline() == 'ready\n', 'the receiver does not start')
    sender.run(sys.executable, '-c', SEND, source, address, port)
    got = select.select([p.stdout], [], [], 1.5)[0]
    p.kill()
    return bool(got) and p.stdout.readline().strip() == 'got forged'


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


def a_daemon_without_descriptors_lives_on():
    """Where libnftables gets no socket it would end the program; what could not be said then is said later."""
    with Lab() as lab:
        a, b = lab.hosts
        pair(a, b)
        b.ravelin('up', 'west', 'net')
        a.ping(b.in4, source=a.in4)
        pid = str(a.pid())
        limit = a.run('prlimit', '--pid', pid, '--nofile', '--output', 'SOFT', '--noheadings').stdout.strip()
        a.run('prlimit', '--pid', pid, '--nofile=3:')
        b.ravelin('down', 'west')
        wait('the guard says that it failed', lambda: 'guard-failed' in a.log_tail(), 10)
        a.run('prlimit', '--pid', pid, f'--nofile={limit}:')
        b.ravelin('up', 'west', 'net')
        check('ravelin' in a.run('nft', 'list', 'tables').stdout, 'the guard is not there again')
        a.ping(b.in4, source=a.in4)


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


if __name__ == '__main__':
    main([everything, everything_ipv6, hosts_behind_the_gateways, transport_between_the_gateways,
          transport_between_the_gateways_ipv6, transport_by_a_trap, forged_clear_text_is_dropped,
          nothing_leaks_while_down, a_connection_with_an_interface_of_its_own, a_killed_daemon_fails_closed,
          a_daemon_without_descriptors_lives_on])
