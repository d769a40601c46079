# SPDX-License-Identifier: LGPL-2.1-or-later
"""IPv6 prefixes for clients (RFC 5739): two daemons of ours, and a gateway that has never heard of it."""

import ipaddress

from lab import Capture, Lab, check, connection, main, wait

PROPOSALS = dict(proposals='aes128gcm16-prfsha256-x25519', esp='aes128gcm16-x25519')
POOL = '''
pools {
    net6 {
        prefixes = fd00:4::/48
        prefix_len = 64
    }
    six {
        addrs = fd00:3::/112
    }
}
'''


def client(host, other, lid='west.example'):
    return connection('road', host.wire4, other.wire4, lid, 'east.example', remote_ts='fd00:2::/64',
                      extra='vips = ::\nipv6_link = yes\n', **PROPOSALS)


def gateway(host, extra, pools=POOL, rid='west.example'):
    return connection('gateway', host.wire4, '%any', 'east.example', rid, local_ts='fd00:2::/64',
                      extra=extra, plugins=pools, **PROPOSALS)


def addresses(host):
    """Every IPv6 address of the tunnel's device, without what the kernel gave it."""
    out = host.ip('-6', '-o', 'addr', 'show', 'dev', 'ravelin0', ok=False).stdout
    found = [word.split()[3] for word in out.splitlines()]
    return {ipaddress.ip_interface(a).ip for a in found if a.endswith('/128')}


def packets(host):
    return sum(child['PacketsIn'] for child in host.json('list', 'child'))


def pings(a, dst, source):
    before = packets(a)
    a.ping(dst, count=4, source=str(source))
    check(packets(a) - before >= 4, f'the pings from {source} to {dst} did not come back through the SA')


def prefix_of(host):
    return [ipaddress.ip_network((str(a), 64), strict=False) for a in addresses(host) if not a.is_link_local]


def a_whole_prefix_is_the_clients():
    with Lab() as lab:
        a, b = lab.hosts
        b.ravelind(gateway(b, 'prefix_pool = net6\npools = six\n'))
        a.ravelind(client(a, b))
        a.ravelin('up', 'road')
        prefix = ipaddress.ip_network('fd00:4::/64')
        check(prefix_of(a) == [prefix], f'addresses: {addresses(a)}')
        check(len(addresses(a)) == 2 and any(x.is_link_local for x in addresses(a)), f'addresses: {addresses(a)}')
        own = next(x for x in addresses(a) if not x.is_link_local)
        a.ip('addr', 'add', 'fd00:4::2/128', 'dev', 'ravelin0')
        capture = Capture(a)
        pings(a, b.in6, own)
        pings(a, b.in6, 'fd00:4::2')
        pings(b, str(own), b.in6)
        pings(b, 'fd00:4::2', b.in6)
        capture.stop()
        check(not capture.lines('icmp6 and ip6[40] >= 128 and ip6[40] <= 129'), 'a ping went in the clear')
        child = b.json('list', 'child')[0]
        check(len(child['RemoteTs']) == 2 and 'fd00:4::/64' in child['RemoteTs'], f'selectors: {child["RemoteTs"]}')
        for what in (('rekey', 'road'), ('rekey', 'road', 'net')):
            a.ravelin(*what)
            wait('the SAs are new and carry', lambda: a.ping(b.in6, source='fd00:4::2', ok=False) == 3)
        a.ravelin('down', 'road')
        wait('what was lent is gone', lambda: own not in addresses(a))


def the_link_is_used_again():
    with Lab(3) as lab:
        a, b, c = lab.hosts
        config = gateway(b, 'prefix_pool = net6\n', rid='*.example')
        b.ravelind(config.replace('id-1 = east.example\n        id-2 = *.example', ''))
        a.ravelind(client(a, b))
        c.ravelind(client(c, b, 'south.example'))
        a.ravelin('up', 'road')
        before = addresses(a)
        a.ravelin('down', 'road')
        wait('the session is gone', lambda: not b.json('list', 'ike'))
        c.ravelin('up', 'road')
        check(prefix_of(c) == [ipaddress.ip_network('fd00:4:0:1::/64')], f'the other client: {addresses(c)}')
        a.ravelin('up', 'road')
        check(addresses(a) == before, f'{before} became {addresses(a)}')
        # a gateway that has forgotten the link lends another one (RFC 5739, 4.2)
        b.stop()
        wait('the client has seen the end', lambda: not a.json('list', 'ike'))
        c.stop()
        b.ravelind(config.replace('id-1 = east.example\n        id-2 = *.example', ''))
        a.ravelin('up', 'road')
        check(prefix_of(a) == [ipaddress.ip_network('fd00:4::/64')], f'after a restart: {addresses(a)}')
        a.ping(b.in6, source=str(next(x for x in addresses(a) if not x.is_link_local)))


def strongswan_lends_an_address():
    with Lab() as lab:
        a, b = lab.hosts
        b.strongswan(gateway(b, 'pools = six\n', 'pools {\n    six {\n        addrs = fd00:3::/112\n    }\n}\n'))
        a.ravelind(client(a, b))
        a.ravelin('up', 'road')
        check({str(x) for x in addresses(a)} == {'fd00:3::1'}, f'addresses: {addresses(a)}')
        pings(a, b.in6, 'fd00:3::1')


if __name__ == '__main__':
    main([a_whole_prefix_is_the_clients, the_link_is_used_again, strongswan_lends_an_address])
