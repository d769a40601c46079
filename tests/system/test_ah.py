# SPDX-License-Identifier: LGPL-2.1-or-later
"""AH (RFC 4302): against Scapy as second implementation, with options and extension headers that may change on the way;
and negotiated between two of ours. strongSwan's userspace kernel has no AH, so there is none against it."""

import itertools
import sys

from lab import Capture, Lab, check, connection, main, wait
from test_scapy import Peers, Row

ALGORITHMS = ('sha1', 'sha256', 'sha384', 'sha512', 'ah-gmac', 'ah-gmac192', 'ah-gmac256')

# UDP with options that stay and options that may change, and destination options (RFC 3542)
WITH_HEADERS = '''
import socket, sys
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
s.setsockopt(socket.IPPROTO_IPV6, 54, bytes([0, 1, 5, 2, 0, 0, 0x3e, 6]) + b'abcdef' + bytes([1, 0]))
s.setsockopt(socket.IPPROTO_IPV6, 59, bytes([0, 0, 0x1e, 4]) + b'efgh')
s.bind((sys.argv[1], 0))
for _ in range(3):
    s.sendto(b'x' * 100, (sys.argv[2], 7))
'''


def rows_of(outer, inner, **more):
    kinds = itertools.product(('tunnel', 'transport'), ALGORITHMS, (False, True))
    return [Row(i, mode, False, algorithm, esn, outer, inner, ah=True, **more)
            for i, (mode, algorithm, esn) in enumerate(kinds) if mode == 'tunnel' or outer == inner]


def matrix(rows):
    with Lab() as lab:
        peers = Peers(lab, rows)
        capture = Capture(peers.a)
        for row in rows:
            peers.both_ways(row)
        for row in rows[::5]:
            peers.both_ways(row, size=1201)
        capture.stop()
        for row in rows:
            child = peers.child(row)
            check(child['Protocol'] == 'ah' and child['Mode'] == row.mode and not child['Encapsulated'] and
                  child['ExtendedSequenceNumbers'] == row.esn and not child['Dropped'], f'{row.name}: {child}')
        n = len(capture.lines('proto 51' if rows[0].outer == 4 else 'ip6[6] = 51'))
        check(n >= 8 * len(rows), f'only {n} packets with AH')
        return peers


def ipv4():
    matrix(rows_of(4, 4))


def ipv6():
    matrix(rows_of(6, 6))


def mixed():
    matrix(rows_of(4, 6)[::3])
    matrix(rows_of(6, 4)[1::3])


def options():
    """IPv4 options in transport mode: one that the ICV covers, one that routers write to; Linux answers with the same."""
    rows = [Row(i, 'transport', False, algorithm, esn, 4, 4, ah=True)
            for i, (algorithm, esn) in enumerate(itertools.product(('sha1', 'sha256', 'ah-gmac'), (False, True)))]
    with Lab() as lab:
        peers = Peers(lab, rows)
        for row in rows:
            r = peers.ask(row, inner=[row.theirs, row.ours], n=2, headers=True)
            check(r['replies'] == 2 and not r['bad'], f'{row.name}: {r} {peers.child(row)}')
            check(not peers.child(row)['Dropped'], f'{row.name}: {peers.child(row)}')


def extension_headers():
    """IPv6 in transport mode: options that may change and options that may not, on either side of AH; source routes as
    they arrive, which the sender had to foresee."""
    rows = [Row(i, 'transport', False, algorithm, esn, 6, 6, ah=True)
            for i, (algorithm, esn) in enumerate(itertools.product(('sha1', 'sha512', 'ah-gmac256'), (False, True)))]
    with Lab() as lab:
        peers = Peers(lab, rows)
        for row in rows:
            r = peers.ask(row, inner=[row.theirs, row.ours], n=2, headers=True)
            check(r['replies'] == 2 and not r['bad'], f'{row.name}: options: {r} {peers.child(row)}')
            before = peers.child(row)['PacketsIn']
            r = peers.ask(row, inner=[row.theirs, row.ours], n=2, route='fd00::77')
            check(peers.child(row)['PacketsIn'] == before + 2, f'{row.name}: a route: {r} {peers.child(row)}')
            seen = peers.ask(row)['seen']
            peers.a.run(sys.executable, '-c', WITH_HEADERS, row.ours, row.theirs)
            wait('Scapy opens packets with options', lambda row=row, seen=seen: peers.ask(row)['seen'] >= seen + 3)
            bad = peers.ask(row)['bad']
            check(all('HopByHop' in text and 'UDP' in text for text in bad), f'{row.name}: {bad}')
            check(not peers.child(row)['Dropped'], f'{row.name}: {peers.child(row)}')


def windows_and_forgeries():
    kinds = itertools.product(('tunnel', 'transport'), (False, True), ('sha256', 'ah-gmac'))
    rows = [Row(i, mode, False, algorithm, esn, ah=True, more='replay_window = 64')
            for i, (mode, esn, algorithm) in enumerate(kinds)]
    with Lab() as lab:
        peers = Peers(lab, rows)
        for row in rows:
            inner = [row.theirs, row.ours]
            for numbers, replies in (([1000], 1), ([937], 1), ([1000], 0), ([937], 0), ([999, 998, 999], 2)):
                r = peers.ask(row, inner=inner, sequences=numbers, wait=2 if replies == len(numbers) else 0.3)
                check(r['replies'] == replies, f'{row.name}: {numbers}: {r}')
            r = peers.ask(row, inner=inner, sequences=[5000], wait=0.3, **{'break': True})
            check(r['replies'] == 0, f'{row.name}: a broken ICV: {r}')
            check(peers.child(row)['Dropped'] == {'replay': 3, 'integrity': 1}, f'{row.name}: {peers.child(row)}')
            r = peers.ask(row, inner=inner, sequences=[1001])
            check(r['replies'] == 1, f'{row.name}: a broken packet moved the window: {r}')


def numbers_cross_32_bits():
    start = (1 << 32) - 4
    kinds = itertools.product(('tunnel', 'transport'), ('sha256', 'ah-gmac192'))
    rows = [Row(i, mode, False, algorithm, True, sequence_in=start, sequence_out=start, ah=True)
            for i, (mode, algorithm) in enumerate(kinds)]
    with Lab() as lab:
        peers = Peers(lab, rows)
        for row in rows:
            for _ in range(4):
                peers.both_ways(row)
            check(peers.ask(row)['last'] > 1 << 32, f'{row.name}: {peers.ask(row)}')


def between(family, mode, proposals='sha384-esn,sha256'):
    """Two daemons agree on AH (RFC 7296, 3.3.1: protocol 2), carry traffic and change keys."""
    with Lab() as lab:
        a, b = lab.hosts
        wire, inside = ('wire4', 'in4') if family == 4 else ('wire6', 'in6')
        for me, other, name, lid, rid in ((a, b, 'east', 'west.example', 'east.example'),
                                          (b, a, 'west', 'east.example', 'west.example')):
            ts = {} if mode == 'transport' else {'local_ts': getattr(me, 'net%d' % family),
                                                 'remote_ts': getattr(other, 'net%d' % family)}
            me.ravelind(connection(name, getattr(me, wire), getattr(other, wire), lid, rid,
                                   child_extra=f'ah_proposals = {proposals}\n mode = {mode}', **ts))
        a.ravelin('up', 'east', 'net')
        mine, theirs = (getattr(h, wire if mode == 'transport' else inside) for h in (a, b))
        child = a.json('list', 'child')[0]
        check(child['Protocol'] == 'ah' and child['Mode'] == mode and not child['Encapsulated'] and
              proposals.split('-')[0] in child['Proposal'] and child['ExtendedSequenceNumbers'], f'{child}')
        capture = Capture(a)
        a.ping(theirs, source=mine)
        b.ping(mine, source=theirs)
        a.transfer(b, mine, theirs, octets=3_000_000)
        a.ravelin('rekey', 'east', 'net')
        wait('the keys are new', lambda: any(c['Id'] != child['Id'] and c['State'] == 'installed'
                                             for c in a.json('list', 'child')))
        a.ping(theirs, source=mine)
        # larger than the path takes: cut behind AH and put together in front of it
        if mode == 'tunnel':
            a.ping(theirs, source=mine, size=1380)
        capture.stop()
        protocol = 'proto 51' if family == 4 else 'ip6[6] = 51'
        check(len(capture.lines(protocol)) > 1000, 'hardly any AH on the wire')
        check(not capture.lines('icmp or tcp or (icmp6 and icmp6[0] >= 128 and icmp6[0] <= 129)'), 'no AH on the wire')
        for host in (a, b):
            check(not any(c['Dropped'] for c in host.json('list', 'child')), f'{host.json("list", "child")}')


def negotiated_tunnel():
    between(4, 'tunnel')
    between(6, 'tunnel')


def negotiated_transport():
    between(4, 'transport')
    between(6, 'transport')


def negotiated_gmac():
    """RFC 4543, 9: integrity transforms 9 and 11, whose keys have a salt behind them (5.4)."""
    between(4, 'tunnel', 'aes128gmac-esn,sha256')
    between(6, 'transport', 'aes256gmac-esn')


if __name__ == '__main__':
    main([ipv4, ipv6, mixed, options, extension_headers, windows_and_forgeries, numbers_cross_32_bits, negotiated_tunnel,
          negotiated_transport, negotiated_gmac])
