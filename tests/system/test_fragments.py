# SPDX-License-Identifier: LGPL-2.1-or-later
"""Fragments (RFC 4301, 7; RFC 4303, 3.3.4) between Ravelin and Scapy, with SAs for one port: in tunnel mode they travel
one by one, and later ones only behind their first; in transport mode only whole datagrams are sealed."""

import itertools
import sys

from lab import check, main, wait, Lab
from test_scapy import Peers, Row

ECHO = '''
import socket, sys
s = socket.socket(socket.AF_INET6 if ':' in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)
s.bind((sys.argv[1], 7))
while True:
    octets, peer = s.recvfrom(65535)
    s.sendto(octets, peer)
'''


NUMBERS = itertools.count(100)


class PortRow(Row):
    """For UDP port 7 of ours and 9999 of theirs only."""

    def config(self):
        ts = f'local_ts = {self.ours}[udp/7]\n remote_ts = {self.theirs}[udp/9999]\n'
        was = f'local_ts = {self.ours}\n remote_ts = {self.theirs}'
        text = super().config()
        return text.replace(was, ts) if was in text else text.replace('children {\n            net {',
                                                                    f'children {{\n            net {{ {ts}')


def echo(peers, rows):
    for address in sorted({row.ours for row in rows}):
        peers.a.start(sys.executable, '-c', ECHO, address)
    wait('the echo servers listen',
         lambda: len(peers.a.run('ss', '-lnu', 'sport', '=', ':7').stdout.splitlines()) > len({r.ours for r in rows}))


def ask(peers, row, replies=1, size=3000, cut=800, ports=(9999, 7), **more):
    more.setdefault('id', next(NUMBERS))
    r = peers.ask(row, inner=[row.theirs, row.ours], datagram=size, ports=ports, cut=cut,
                  wait=3 if replies else 0.5, **more)
    check(r['replies'] == replies and not r['bad'], f'{row.name}: {replies} wanted, {r}, {peers.child(row)}')
    return r


def tunnel():
    """Datagrams of 3000 octets in four pieces to us, in what our device takes from us."""
    more = 'fragments_also = yes'
    rows = [PortRow(0, 'tunnel', False, 'gcm', False, more=more), PortRow(1, 'tunnel', True, 'cbc', True, more=more),
            PortRow(2, 'tunnel', True, 'gcm', False, 4, 6, more=more),
            PortRow(3, 'tunnel', False, 'sha256', False, ah=True, more=more)]
    with Lab() as lab:
        peers = Peers(lab, rows)
        echo(peers, rows)
        for row in rows:
            r = ask(peers, row)
            check(r['pieces'] >= 2, f'{row.name}: the answer was not cut: {r}')
            ask(peers, row, order=[0, 2, 1, 3])
            check(not peers.child(row)['Dropped'], f'{row.name}: {peers.child(row)}')
            # one before its first; all of a port that was not agreed on
            ask(peers, row, replies=0, order=[1, 0, 2, 3])
            check(peers.dropped(row, 'fragment') == 1, f'{row.name}: {peers.child(row)}')
            ask(peers, row, replies=0, ports=(9999, 8))
            check(peers.child(row)['Dropped'] == {'fragment': 4, 'selector': 1}, f'{row.name}: {peers.child(row)}')


def strict():
    """Without the agreement only first fragments pass."""
    rows = [PortRow(0, 'tunnel', False, 'gcm', False), PortRow(1, 'tunnel', True, 'gcm', False, 4, 6)]
    with Lab() as lab:
        peers = Peers(lab, rows)
        echo(peers, rows)
        for row in rows:
            ask(peers, row, replies=0)
            check(peers.dropped(row, 'fragment') == 3, f'{row.name}: {peers.child(row)}')
            ask(peers, row, size=500, cut=800)


def overlaps():
    """Pieces that lie over the ports of the first one do not get in, however small."""
    row = PortRow(0, 'tunnel', False, 'gcm', False, more='fragments_also = yes')
    with Lab() as lab:
        peers = Peers(lab, [row])
        echo(peers, [row])
        ask(peers, row, replies=0, cut=800, order=[0], id=7)
        ask(peers, row, replies=0, cut=8, order=[1, 2, 3], size=100, id=7)
        check(peers.dropped(row, 'fragment') == 3, f'{peers.child(row)}')


def transport():
    """The datagram is sealed whole, and what carries it is cut: by Scapy, and by the system that we run on."""
    rows = [Row(0, 'transport', False, 'gcm', False), Row(1, 'transport', True, 'cbc', True),
            Row(2, 'transport', False, 'sha256', False, ah=True), PortRow(3, 'transport', False, 'gcm', True),
            Row(4, 'transport', False, 'gcm', False, 6, 6)]
    with Lab() as lab:
        peers = Peers(lab, rows)
        echo(peers, rows)
        for row in rows:
            before = peers.ask(row)['outer_pieces']
            for size in (2000, 3000, 20000):
                r = ask(peers, row, size=size, cut=1000)
            check(r['outer_pieces'] - before >= 18, f'{row.name}: the answers were not cut: {r}')
            check(not r['pieces'], f'{row.name}: fragments were sealed: {r}')
            check(not peers.child(row)['Dropped'], f'{row.name}: {peers.child(row)}')


if __name__ == '__main__':
    main([tunnel, strict, overlaps, transport])
