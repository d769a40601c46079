# SPDX-License-Identifier: LGPL-2.1-or-later
"""IPv6 prefixes for clients (RFC 5739): two daemons of ours, a gateway that has never heard of it, and a second
implementation as client and as gateway."""

import ipaddress
import os

import ikepy
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


# A second implementation

INTERNAL_IP6_ADDRESS, INTERNAL_IP6_LINK, INTERNAL_IP6_PREFIX, LINK_ID, TS_UNACCEPTABLE = 8, 17, 18, 16414, 38
IID = bytes.fromhex('0200000000000007')


class LinkPeer(ikepy.Peer):
    """requests: the data of LINK_ID (None: without) in the daemon's CREATE_CHILD_SA requests, by whether they are for the
    IKE SA."""

    def __init__(self, *args, **kw):
        super().__init__(*args, **kw)
        self.requests = {True: [], False: []}

    def on_create_child(self, request):
        self.requests[request.get(ikepy.TSI) is None].append(request.notified(LINK_ID))
        return super().on_create_child(request)


class LinkClient(LinkPeer):
    """link: the Link ID that it shows; the address is asked for besides, as 4.5 allows."""
    link = b''

    def auth_extra(self):
        if not self.initiator:
            return []
        return [ikepy.config(1, [(INTERNAL_IP6_LINK, IID + self.link), (INTERNAL_IP6_ADDRESS, b'')])]

    def lent(self, answer):
        """The gateway's interface identifier, the Link ID and the prefixes of an answer, which has the right selectors."""
        given = ikepy.read_config(answer.get(ikepy.CP))
        check(answer.get(ikepy.CP)[0] == 2 and len(given[INTERNAL_IP6_LINK]) == 1, f'the reply has {given}')
        check(INTERNAL_IP6_ADDRESS not in given, 'an address was lent as well')
        prefixes = [ipaddress.ip_network((value[:16], value[16])) for value in given[INTERNAL_IP6_PREFIX]]
        own = ipaddress.IPv6Address(bytes.fromhex('fe80000000000000') + IID)
        check(answer.get(ikepy.TSI) in [ikepy.selectors(order) for order in (
            [f'{own}/128', *map(str, prefixes)], [*map(str, prefixes), f'{own}/128'])],
              f'TSi is {answer.get(ikepy.TSI).hex()}')
        value = given[INTERNAL_IP6_LINK][0]
        return value[:8], value[8:], prefixes


def link_client(a, b, lid='west.example', link=b''):
    p = LinkClient(b, a.wire4, lid, 'east.example', ts=('::/0', 'fd00:2::/64'))
    p.link = link
    p.init()
    return p, p.lent(p.auth())


def another_implementation_is_our_client():
    with Lab() as lab:
        a, b = lab.hosts
        a.ravelind(gateway(a, 'encap = never\nprefix_pool = net6\npools = six\n', rid='*.example').replace(
            'id-1 = east.example\n        id-2 = *.example', ''))
        p, (iid, link, prefixes) = link_client(a, b)
        check(iid != IID and len(link) >= 8 and prefixes == [ipaddress.ip_network('fd00:4::/64')],
              f'lent: {iid.hex()} {link.hex()} {prefixes}')
        p.ts = (str(prefixes[0]), 'fd00:2::/64')
        answer = p.create_child(extra=[ikepy.notify(LINK_ID, link)])
        check(not answer.error() and answer.notified(LINK_ID) is None, f'the answer has {answer.payloads}')
        wrong = p.create_child(extra=[ikepy.notify(LINK_ID, os.urandom(len(link)))])
        check(wrong.error() == TS_UNACCEPTABLE, f'another link: {wrong.payloads}')
        with p.serving():
            a.ravelin('rekey', 'gateway', 'net')
            wait('the child SA is replaced', lambda: p.requests[False])
            a.ravelin('rekey', 'gateway')
            wait('the IKE SA is replaced', lambda: p.n_replaced)
        check(set(p.requests[False]) == {link} and p.requests[True] == [None], f'LINK_ID was in {p.requests}')
        p.delete()
        p.close()
        # 4.2: the same link for who had it, another one for somebody else who names it
        p, again = link_client(a, b, link=link)
        check(again == (iid, link, prefixes), f'it is another link: {again}')
        p.close()
        p, other = link_client(a, b, 'south.example', link)
        check(other[1] != link and other[2] != prefixes, f'somebody else has the link: {other}')
        p.close()


class LinkGateway(LinkPeer):
    """Lends two prefixes, whose octets behind the prefix are not zero, as they should be. iid: None: the client's own."""
    iid, link = bytes.fromhex('02000000000000fe'), b'a link of its own'

    def __init__(self, *args, **kw):
        super().__init__(*args, **kw)
        self.shown, self.asked = [], []

    def on_auth(self, request):
        asked = ikepy.read_config(request.get(ikepy.CP))
        value = asked[INTERNAL_IP6_LINK][0]
        self.asked.append(sorted(asked))
        self.shown.append((value[:8], value[8:]))
        nets = ['fd00:5::/64', 'fd00:6:0:7::/64']
        own = ipaddress.IPv6Address(bytes.fromhex('fe80000000000000') + value[:8])
        prefixes = [ipaddress.ip_network(n)[99].packed + bytes([64]) for n in nets]
        reply = ikepy.config(2, [(INTERNAL_IP6_LINK, (self.iid or value[:8]) + self.link)] +
                             [(INTERNAL_IP6_PREFIX, prefix) for prefix in prefixes])
        payloads = super().on_auth(request)
        tsi = ikepy.selectors([f'{own}/128'] + nets)
        return [reply] + [(ikepy.TSI, tsi) if x[0] == ikepy.TSI else x for x in payloads]


def link_gateway(a, b, kind=LinkGateway):
    a.ravelind(client(a, b).replace('ipv6_link = yes', 'ipv6_link = yes\nencap = never'))
    return kind(b, a.wire4, 'east.example', 'west.example')


def another_implementation_is_our_gateway():
    with Lab() as lab:
        a, b = lab.hosts
        g = link_gateway(a, b)
        with g.serving():
            a.ravelin('up', 'road')
            iid, shown = g.shown[0]
            check(iid != bytes(8) and shown == b'', f'the first request has {iid.hex()} {shown.hex()}')
            check(INTERNAL_IP6_LINK in g.asked[0] and INTERNAL_IP6_ADDRESS in g.asked[0], f'it asked for {g.asked[0]}')
            own = {str(x) for x in addresses(a)}
            wanted = {str(ipaddress.IPv6Address(bytes.fromhex(net) + iid)) for net in (
                'fe80000000000000', 'fd00000500000000', 'fd00000600000007')}
            check(own == wanted, f'the addresses are {own}, not {wanted}')
            a.ravelin('rekey', 'road', 'net')
            wait('the child SA is replaced', lambda: g.requests[False])
            a.ravelin('rekey', 'road')
            wait('the IKE SA is replaced', lambda: g.n_replaced)
            check(set(g.requests[False]) == {g.link} and g.requests[True] == [None], f'LINK_ID was in {g.requests}')
            a.ravelin('down', 'road')
            wait('what was lent is gone', lambda: not addresses(a))
        g.close()
        g = LinkGateway(b, a.wire4, 'east.example', 'west.example')
        with g.serving():
            a.ravelin('up', 'road')
            check(g.shown == [(iid, g.link)], f'the next session shows {g.shown}')
            a.ravelin('down', 'road')
        g.close()


def a_gateway_with_our_own_identifier_is_not_believed():
    class Same(LinkGateway):
        iid = None

    with Lab() as lab:
        a, b = lab.hosts
        g = link_gateway(a, b, Same)
        with g.serving():
            a.ravelin('up', 'road', ok=False)
            check('link-ignored' in a.log_text(), 'the log does not say so')
            check(not addresses(a), f'the addresses are {addresses(a)}')
            a.ravelin('down', 'road', ok=False)
        g.close()


if __name__ == '__main__':
    main([a_whole_prefix_is_the_clients, the_link_is_used_again, strongswan_lends_an_address,
          another_implementation_is_our_client, another_implementation_is_our_gateway,
          a_gateway_with_our_own_identifier_is_not_believed])
