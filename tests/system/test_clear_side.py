# SPDX-License-Identifier: LGPL-2.1-or-later
"""The clear side (RFC 4301, 5.2): a tunnel for everything, transport mode between the gateways, strict reverse-path
checks, forged clear text, and no leak while a trap waits."""


import time

from lab import Capture, Lab, check, connection, main, wait

RECEIVE = '''
import socket, sys
s = socket.socket(socket.AF_INET6 if ':' in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)
s.bind((sys.argv[1], 9999)); s.settimeout(float(sys.argv[2])); print('ready', flush=True)
try: print('got', s.recvfrom(100)[0].decode(), flush=True)
except TimeoutError: print('nothing', flush=True)
'''
SEND = '''
import socket, sys
s = socket.socket(socket.AF_INET6 if ':' in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)
s.bind((sys.argv[1], 0))
for _ in range(5): s.sendto(b'forged', (sys.argv[2], 9999))
'''


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


def receives(host, address, sender, source, seconds=2):
    """Whether a datagram that `sender` sends in clear as `source` reaches a socket of host at address."""
    import subprocess
    p = host.start('python3', '-c', RECEIVE, address, seconds, stdout=subprocess.PIPE, text=True)
    check(p.stdout.readline() == 'ready\n', 'the receiver does not start')
    sender.run('python3', '-c', SEND, source, address)
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
        fast = 'ravelin { plugins { keying-ikev2 { retransmit_timeout = 0.3s\n retransmit_tries = 2 } } }'
        a.ravelind(connection('east', a.wire4, b.wire4, 'west.example', 'east.example', local_ts=a.net4,
                              remote_ts=b.net4, child_extra='start_action = trap', plugins=fast))
        capture = Capture(a)
        check(a.ping(b.in4, count=5, source=a.in4, ok=False) == 0, 'pings were answered without a tunnel')
        check(a.run('ping', '-c', '2', '-W', '1', '-I', 'eth0', b.in4, ok=False).returncode != 0, 'a way around')
        time.sleep(1.5)
        a.ravelin('down', 'east', ok=False)
        a.ping(b.in4, count=3, source=a.in4, ok=False)
        capture.stop()
        check(not capture.lines('icmp'), 'clear text leaked:\n' + '\n'.join(capture.lines('icmp')))
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


if __name__ == '__main__':
    main([everything, transport_between_the_gateways, transport_between_the_gateways_ipv6, forged_clear_text_is_dropped,
          nothing_leaks_while_down, a_connection_with_an_interface_of_its_own])
