# SPDX-License-Identifier: LGPL-2.1-or-later
"""Virtual addresses and name servers (RFC 7296, 2.19 and 3.15), with strongSwan 5.9.8 in both roles and with two daemons
of ours: lent, used, kept through rekeys and restarts, refused when there are none, and taken back however it ends."""

import json
import os
import pwd
import re
import signal
import subprocess
import sys
import time

from lab import SOURCE, Capture, Lab, check, connection, main, need_root, wait

POOLS = '''
pools {
    road {
        addrs = %s
        dns = 10.2.0.53, 10.2.0.54
    }
    road6 {
        addrs = fd00:3::/112
        dns = fd00:2::53
    }
}
'''
INNER = '10.2.0.0/16, fd00:2::/64'
PROPOSALS = dict(proposals='aes128gcm16-prfsha256-x25519', esp='aes128gcm16-x25519')
RESOLV = '# written by hand\nnameserver 192.0.2.1\n'


def client(host, other, plugins='', vips='0.0.0.0, ::', remote_ts=INNER, name='road', lid='west.example', extra='', child_extra=''):
    return connection(name, host.wire4, other.wire4, lid, 'east.example', remote_ts=remote_ts,
                      extra=(f'vips = {vips}\n' if vips else '') + extra, plugins=plugins, child_extra=child_extra, **PROPOSALS)


def gateway(host, remote='%any', pools='road, road6', addrs='10.3.0.0/24', rid='west.example', plugins=''):
    return connection('gateway', host.wire4, remote, 'east.example', rid, local_ts=INNER,
                      extra=f'pools = {pools}' if pools else '', plugins=POOLS % addrs + plugins, **PROPOSALS)


def addresses(host):
    """Every address of a host's that the lab did not give it."""
    out = host.ip('-o', 'addr', 'show').stdout
    found = {m.group(1) for m in re.finditer(r'inet6? (\S+)/', out)}
    return {a for a in found if not a.startswith(('127.', 'fe80:')) and a not in
            ('::1', host.wire4, host.wire6, host.in4, host.in6)}


def packets(host):
    return sum(child['PacketsIn'] for child in host.json('list', 'child'))


def pings_inside(a, b, dst, source=None):
    """Without a source of its own the ping leaves from the virtual address, inside the SA."""
    before = packets(a)
    a.ping(dst, count=5, source=source)
    check(packets(a) - before >= 5, f'the pings to {dst} did not come back through the SA')


def resolvconf(host):
    path = host.write('resolv.conf', RESOLV, 0o644)
    return path, 'ravelin { plugins { dns-resolvconf { load = yes\n path = %s } } }' % path


def strongswan_lends_to_us():
    with Lab() as lab:
        a, b = lab.hosts
        path, plugins = resolvconf(a)
        b.strongswan(gateway(b))
        a.ravelind(client(a, b, plugins))
        a.ravelin('up', 'road')
        check(addresses(a) == {'10.3.0.1', 'fd00:3::1'}, f'addresses: {addresses(a)}')
        lines = open(path).read().split('\n')
        check([l for l in lines if l.startswith('nameserver')] ==
              ['nameserver 10.2.0.53', 'nameserver 10.2.0.54', 'nameserver fd00:2::53'], f'resolv.conf: {lines}')
        child = a.json('list', 'child')[0]
        check(child['LocalTs'] == ['10.3.0.1', 'fd00:3::1'] or child['LocalTs'] == ['10.3.0.1/32', 'fd00:3::1/128'],
              f'our selectors: {child["LocalTs"]}')
        capture = Capture(a)
        pings_inside(a, b, b.in4)
        pings_inside(a, b, b.in6)
        capture.stop()
        check(not capture.lines('icmp or icmp6 and ip6[40] >= 128 and ip6[40] <= 129'), 'a ping went in the clear')
        b.ping('10.3.0.1', source=b.in4)
        b.ping('fd00:3::1', source=b.in6)
        for what in (('rekey', 'road'), ('rekey', 'road', 'net')):
            a.ravelin(*what)
            time.sleep(3)
            check(addresses(a) == {'10.3.0.1', 'fd00:3::1'}, f'addresses after {what}: {addresses(a)}')
            pings_inside(a, b, b.in4)
        a.ravelin('down', 'road')
        wait('the addresses are gone', lambda: not addresses(a))
        check(open(path).read() == RESOLV, 'resolv.conf is not what it was')
        a.ravelin('up', 'road')
        check(addresses(a) == {'10.3.0.1', 'fd00:3::1'}, 'another address after down and up')
        a.stop()
        check(not addresses(a) and open(path).read() == RESOLV, 'SIGTERM left something')


def we_lend_to_strongswan():
    with Lab() as lab:
        a, b = lab.hosts  # a: strongSwan, the client; b: ours
        b.ravelind(gateway(b))
        a.strongswan(client(a, b))
        for round_ in range(2):
            a.swanctl('--initiate', '--child', 'net')
            wait('strongSwan has its addresses', lambda: addresses(a) >= {'10.3.0.1', 'fd00:3::1'})
            log = open(a.log).read()
            check(re.search(r'CPRP\([^)]*ADDR [^)]*ADDR6[^)]*DNS', log), 'strongSwan read no CFG_REPLY with addresses and DNS')
            a.ping(b.in4, source='10.3.0.1')
            a.ping(b.in6, source='fd00:3::1')
            check(packets(b) >= 6, 'the pings did not come through the SA')
            b.ping('10.3.0.1', source=b.in4)
            pools = {p['Name']: p for p in b.json('list', 'pools')}
            check(pools['road']['Online'] == 1 and pools['road']['Leases'] == ['10.3.0.1 west.example online'],
                  f'pools: {pools}')
            check(pools['road6']['Online'] == 1, f'pools: {pools}')
            a.swanctl('--rekey', '--ike', 'road')
            time.sleep(2)
            a.ping(b.in4, source='10.3.0.1')
            a.swanctl('--terminate', '--ike', 'road')
            wait('the session is gone', lambda: not b.json('list', 'ike'))
            pools = {p['Name']: p for p in b.json('list', 'pools')}
            check(pools['road']['Online'] == 0 and pools['road']['Offline'] == 1, f'pools: {pools}')
            if not round_:  # what was lent is known after a restart
                b.stop()
                b.ravelind(gateway(b))
                wait('the lease is remembered',
                     lambda: any('10.3.0.1 west.example offline' in p['Leases'] for p in b.json('list', 'pools')))


def a_lease_survives_a_kill():
    with Lab(3) as lab:
        a, b, c = lab.hosts
        for host, lid in ((a, 'a.example'), (c, 'c.example')):
            host.ravelind(client(host, b, lid=lid, vips='0.0.0.0', remote_ts='10.2.0.0/16'))
        config = gateway(b, rid='*.example').replace('id-1 = east.example\n        id-2 = *.example', '')
        b.ravelind(config)
        a.ravelin('up', 'road')
        c.ravelin('up', 'road')
        check(addresses(a) == {'10.3.0.1'} and addresses(c) == {'10.3.0.2'}, f'{addresses(a)} {addresses(c)}')
        time.sleep(0.5)
        b.stop(signal.SIGKILL)
        for host in (a, c):
            host.stop(signal.SIGKILL)
            wait('a killed daemon leaves no address', lambda h=host: not addresses(h))
        b.ravelind(config)
        for host, lid in ((c, 'c.example'), (a, 'a.example')):
            host.ravelind(client(host, b, lid=lid, vips='0.0.0.0', remote_ts='10.2.0.0/16'))
            host.ravelin('up', 'road')
        check(addresses(a) == {'10.3.0.1'} and addresses(c) == {'10.3.0.2'}, f'{addresses(a)} {addresses(c)}')


def a_daemon_without_root_keeps_leases():
    need_root('the daemon becomes another user')
    with Lab() as lab:
        a, b = lab.hosts
        config = gateway(b, plugins='ravelin { user = nobody }')
        b.ravelind(config)
        a.ravelind(client(a, b))
        a.ravelin('up', 'road')
        store = os.path.join(b.state_dir, 'leases.sqlite')
        wait('the store is written', lambda: os.path.exists(store))
        check(pwd.getpwuid(os.stat(store).st_uid).pw_name == 'nobody', 'the store is not the daemon user\'s')
        a.ravelin('down', 'road')
        b.stop()
        check('leases-not-kept' not in b.log_text(), 'the leases could not be written')
        b.ravelind(config)
        wait('the lease is remembered',
             lambda: any('10.3.0.1 west.example offline' in p['Leases'] for p in b.json('list', 'pools')))


def exhausted_pools_are_said():
    with Lab(3) as lab:
        a, b, c = lab.hosts
        config = gateway(b, rid='*.example', pools='road', addrs='10.3.0.7-10.3.0.7')
        b.ravelind(config.replace('id-1 = east.example\n        id-2 = *.example', ''))
        a.ravelind(client(a, b, lid='a.example', vips='0.0.0.0', remote_ts='10.2.0.0/16'))
        a.ravelin('up', 'road')
        check(addresses(a) == {'10.3.0.7'}, f'{addresses(a)}')
        c.strongswan(client(c, b, lid='c.example', vips='0.0.0.0', remote_ts='10.2.0.0/16'))
        r = c.swanctl('--initiate', '--child', 'net', ok=False)
        check(r.returncode and 'INT_ADDR_FAIL' in open(c.log).read(), f'strongSwan heard no INTERNAL_ADDRESS_FAILURE: {r.stdout}')
        told = b.ravelin('diagnose', 'gateway').stdout
        check('all 1 IPv4 addresses of the pools of connection gateway are lent' in told, told)
        a.ravelin('down', 'road')
        c.swanctl('--terminate', '--ike', 'road', ok=False)
        c.swanctl('--initiate', '--child', 'net')
        wait('the address is lent on', lambda: addresses(c) >= {'10.3.0.7'})


def strongswan_has_none_for_us():
    with Lab() as lab:
        a, b = lab.hosts
        b.strongswan(gateway(b, pools='road', addrs='10.3.0.7-10.3.0.7').replace('10.3.0.7-10.3.0.7', '10.3.0.7/32'))
        a.ravelind(client(a, b, vips='::', remote_ts='fd00:2::/64'))
        r = a.ravelin('up', 'road', ok=False)
        check(r.returncode == 1 and 'INTERNAL_ADDRESS_FAILURE' in r.stderr and 'pool' in r.stderr, r.stdout + r.stderr)
        check(not addresses(a), f'{addresses(a)}')


def two_connections_have_two_addresses():
    with Lab(3) as lab:
        a, b, c = lab.hosts
        b.ravelind(gateway(b, pools='road', addrs='10.6.0.0/24'))
        c.ravelind(gateway(c, pools='road', addrs='10.5.0.0/24').replace(INNER, '10.3.0.0/16').replace('east.ex', 'south.ex'))
        one = client(a, b, vips='0.0.0.0', remote_ts='10.2.0.0/16', name='one')
        two = client(a, c, vips='0.0.0.0', remote_ts='10.3.0.0/16', name='two').replace('east.ex', 'south.ex')
        one = one.replace('id-2 = east.example', 'id-2 = east.example\n        id-3 = south.example')
        a.ravelind(one.replace('connections {', two[:two.index('secrets {')].rstrip()[:-1], 1))
        a.ravelin('up', 'one')
        a.ravelin('up', 'two')
        check(addresses(a) == {'10.6.0.1', '10.5.0.1'}, f'{addresses(a)}')
        for source, dst in (('10.6.0.1', b.in4), ('10.5.0.1', c.in4)):
            way = a.ip('route', 'get', dst).stdout
            check('dev ravelin0' in way and f'src {source}' in way, f'the way to {dst}: {way}')
            pings_inside(a, b, dst)
        a.ravelin('down', 'one')
        wait('one address is gone', lambda: addresses(a) == {'10.5.0.1'})
        a.ping(c.in4)


def all_traffic_from_the_virtual_address():
    with Lab() as lab:
        a, b = lab.hosts
        b.ravelind(gateway(b).replace(INNER, '0.0.0.0/0, ::/0'))
        a.ravelind(client(a, b, remote_ts='0.0.0.0/0, ::/0'))
        a.ravelin('up', 'road')
        pings_inside(a, b, b.in4)
        pings_inside(a, b, b.in6)
        a.ravelin('down', 'road')
        wait('the addresses are gone', lambda: not addresses(a))


BUS = '''<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path=%s</listen>
  <policy context="default">
    <allow user="*"/>
    <allow own="*"/>
    <allow send_destination="*"/>
    <allow receive_sender="*"/>
    <allow send_requested_reply="true"/>
    <allow receive_requested_reply="true"/>
  </policy>
</busconfig>
'''


def message_bus(host):
    """A bus where the system's would be: in this test's own /run."""
    os.makedirs('/run/dbus', exist_ok=True)
    path = '/run/dbus/system_bus_socket'
    if os.path.exists(path):
        os.unlink(path)
    p = host.start('dbus-daemon', '--nofork', '--config-file', host.write('bus.conf', BUS % path, 0o644))
    wait('the bus listens', lambda: os.path.exists(path))
    return p, 'unix:path=' + path


def systemd_resolved_is_told():
    with Lab() as lab:
        a, b = lab.hosts
        address = message_bus(a)[1]
        told = os.path.join(a.dir, 'told')
        fake = a.start(sys.executable, os.path.join(SOURCE, 'tests', 'system', 'resolved.py'), address, told,
                       stdout=subprocess.PIPE, text=True)
        check(fake.stdout.readline() == 'ready\n', 'the resolver does not start')
        calls = lambda: [json.loads(line) for line in open(told)] if os.path.exists(told) else []
        b.ravelind(gateway(b))
        a.ravelind(client(a, b))
        a.ravelin('up', 'road')
        wait('resolved is told', lambda: len(calls()) == 3)
        links = {line.split(':')[1].strip(): int(line.split(':')[0]) for line in a.ip('-o', 'link').stdout.split('\n') if line}
        index = [i for name, i in links.items() if name.startswith('ravelin')]
        check(len(index) == 1, f'interfaces: {links}')
        servers = [[2, [10, 2, 0, 53]], [2, [10, 2, 0, 54]], [10, [0xfd, 0, 0, 2] + [0] * 11 + [0x53]]]
        check(calls() == [['SetLinkDNS', index[0], servers], ['SetLinkDomains', index[0], [['.', True]]],
                          ['SetLinkDefaultRoute', index[0], True]], f'told: {calls()}')
        a.ravelin('down', 'road')
        wait('it is taken back', lambda: calls()[3:] == [['RevertLink', index[0]]])
        b.stop()
        b.ravelind(gateway(b).replace('dns = fd00', 'split_domains = example.com\n        dns = fd00'))
        os.unlink(told)
        a.ravelin('up', 'road')
        wait('resolved is told again', lambda: len(calls()) == 3)
        check(calls()[1:] == [['SetLinkDomains', index[0], [['example.com', True]]],
                              ['SetLinkDefaultRoute', index[0], False]], f'told with domains: {calls()}')
        a.ravelin('down', 'road')
        open(told + '.refuse', 'w').close()
        a.ravelin('up', 'road')  # without name servers, and that is said
        wait('the refusal is logged', lambda: 'resolved-refused' in a.log_text() and 'Interactive' in a.log_text())
        pings_inside(a, b, b.in4)


def name_servers_are_put_back_after_a_kill():
    with Lab() as lab:
        a, b = lab.hosts
        path, plugins = resolvconf(a)
        b.ravelind(gateway(b))
        a.ravelind(client(a, b, plugins))
        a.ravelin('up', 'road')
        check('10.2.0.53' in open(path).read(), 'no name server was set')
        a.stop(signal.SIGKILL)
        check('10.2.0.53' in open(path).read(), 'who put it back?')
        a.ravelind(client(a, b, plugins))
        wait('resolv.conf is what it was', lambda: open(path).read() == RESOLV)


if __name__ == '__main__':
    main([strongswan_lends_to_us, we_lend_to_strongswan, a_lease_survives_a_kill, a_daemon_without_root_keeps_leases, exhausted_pools_are_said,
          strongswan_has_none_for_us, two_connections_have_two_addresses, all_traffic_from_the_virtual_address,
          systemd_resolved_is_told, name_servers_are_put_back_after_a_kill])
