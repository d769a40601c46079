# SPDX-License-Identifier: LGPL-2.1-or-later
"""NATs on the way (RFC 7296, 2.23): on either side and on both, against strongSwan in both roles; mappings that change
under a running tunnel, with a peer that has no MOBIKE; transport mode through a NAT (2.23.1)."""

import re
import sys
import time

from lab import Lab, Nat, check, connection, main, wait


def swan_extra(extra=''):
    return 'mobike = no\n' + extra


def dial_in(host, remote, lid, rid, net, other, extra='', plugins='', **kw):
    return connection('swan', '%any', remote, lid, rid, local_ts=net, remote_ts=other, extra=extra, plugins=plugins, **kw)


QUICK = 'ravelin { plugins { keying-ikev2 { retransmit_timeout = 0.5s } } }'


class Ends:
    """West on host 1, behind a NAT of its own, and east on host 2, which may be behind one that leads to it."""

    def __init__(self, lab, west_nat=True, east_nat=False):
        self.a, self.b = lab.hosts
        self.west_nat = Nat(lab, self.a) if west_nat else None
        self.east_nat = Nat(lab, self.b, inward=True) if east_nat else None
        self.to_east = self.east_nat.outside if east_nat else self.b.wire4

    def start(self, host, kind, extra='', swan=''):
        mine, other = (self.a, self.b) if host is self.a else (self.b, self.a)
        ids = ('west.example', 'east.example') if host is self.a else ('east.example', 'west.example')
        remote = self.to_east if host is self.a else '%any'
        if kind == 'ravelin':
            host.ravelind(dial_in(host, remote, *ids, mine.net4, other.net4, extra=extra, plugins=QUICK))
        else:
            host.strongswan(dial_in(host, remote, *ids, mine.net4, other.net4, extra=swan_extra(extra + swan)))

    def up(self, west):
        if west == 'ravelin':
            self.a.ravelin('up', 'swan')
        else:
            self.a.swanctl('--initiate', '--child', 'net')

    def carries(self):
        self.a.ping(self.b.in4, count=5, source=self.a.in4)
        self.b.ping(self.a.in4, count=5, source=self.b.in4)
        self.a.transfer(self.b, self.a.in4, self.b.in4, octets=2_000_000)


def ours(ends, kind):
    return ends.a if kind == 'ravelin' else ends.b


def nat(west, where):
    """West initiates; the NATs are where `where` says; what our side saw of them is checked."""
    east = 'strongswan' if west == 'ravelin' else 'ravelin'
    with Lab() as lab:
        ends = Ends(lab, west_nat='west' in where, east_nat='east' in where)
        ends.start(ends.b, east)
        ends.start(ends.a, west)
        ends.up(west)
        ends.carries()
        sa = ours(ends, west).json('list', 'ike')[0]
        behind = ('west' if west == 'ravelin' else 'east') in where
        # without a NAT in front of it strongSwan's userspace ESP claims one, to have UDP encapsulation
        check(sa['Nat'] == ('both' if behind else 'remote') and sa['Encapsulated'], f'NAT seen: {sa["Nat"]}')
        for box in (ends.west_nat, ends.east_nat):
            check(not box or box.count() > 10, 'nothing passed the NAT')


def rows():
    for west in ('ravelin', 'strongswan'):
        for where in (('west',), ('east',), ('west', 'east')):
            def test(args=(west, where)):
                nat(*args)
            test.__name__ = f'{west}_initiates_with_a_nat_{"_and_".join(where)}'
            yield test


def mapping(west, east, change):
    """The NAT's mapping changes while pings run from west: they go on, and east's daemon has moved."""
    with Lab() as lab:
        ends = Ends(lab)
        ends.start(ends.b, east)
        ends.start(ends.a, west, extra='dpd_delay = 2s\n')
        ends.up(west)
        ends.carries()
        where = lambda: remote_of(ends.b, east)
        before = where()
        pings = ends.a.pinging(ends.b.in4, ends.a.in4, interval=0.2)
        time.sleep(1)
        change(ends.west_nat)
        wait('east follows the mapping', lambda: where() != before, 20)
        time.sleep(2)
        sent, lost = pings.stop()
        ends.carries()
        check(sent > 10 and lost <= max(20, sent // 2), f'{lost} of {sent} pings lost')
        for host, kind in ((ends.a, west), (ends.b, east)):
            if kind == 'ravelin':
                check(len(host.json('list', 'ike')) == 1, 'the session was made anew')
        if east == 'ravelin':
            check('peer-moved' in ends.b.log_text(), 'no event peer-moved')


def remote_of(host, kind):
    if kind == 'ravelin':
        sas = host.json('list', 'ike')
        return sas[0]['RemoteAddress'] if sas else None
    found = re.search(r"remote '.*' @ (\S+)", host.swanctl('--list-sas').stdout)
    return found and found.group(1)


def a_new_port_of_strongswan_is_followed():
    mapping('strongswan', 'ravelin', Nat.new_ports)


def a_new_address_of_strongswan_is_followed():
    mapping('strongswan', 'ravelin', Nat.new_address)


def strongswan_follows_a_new_port_of_ours():
    mapping('ravelin', 'strongswan', Nat.new_ports)


def a_new_port_between_two_of_ours():
    mapping('ravelin', 'ravelin', Nat.new_ports)


def transport(both):
    """Two of ours in transport mode through a NAT in front of west, or one on each side: TCP and UDP checksums hold."""
    with Lab() as lab:
        ends = Ends(lab, east_nat=both)
        a, b = lab.hosts
        mode = 'mode = transport'
        b.ravelind(connection('swan', '%any', '%any', 'east.example', 'west.example', child_extra=mode))
        a.ravelind(connection('swan', '%any', ends.to_east, 'west.example', 'east.example', child_extra=mode))
        a.ravelin('up', 'swan')
        child = b.json('list', 'child')[0]
        check(child['Mode'] == 'transport', 'not in transport mode')
        check(child['RemoteTs'] == [ends.west_nat.outside + '/32'],
              f'east has the selectors {child["RemoteTs"]}')
        before = child['PacketsIn']
        a.ping(ends.to_east, count=5)
        a.transfer(b, ends.a.inside4, ends.to_east, octets=2_000_000, listen=getattr(b, 'inside4', b.wire4))
        udp(a, b, ends.to_east)
        after = b.json('list', 'child')[0]
        check(after['PacketsIn'] - before > 100, 'the traffic did not go through the SA')
        a.ravelin('rekey', 'swan', 'net')
        time.sleep(2)
        a.ping(ends.to_east, count=5)


def udp(a, b, to):
    import subprocess
    server = b.start(sys.executable, '-c', '''
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(('', 7000)); print('ready', flush=True)
data, peer = s.recvfrom(2000)
s.sendto(data.upper(), peer)
''', stdout=subprocess.PIPE, text=True)
    check(server.stdout.readline() == 'ready\n', 'the UDP receiver does not listen')
    got = a.run(sys.executable, '-c', f'''
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(1)
for _ in range(10):
    s.sendto(b'question', ('{to}', 7000))
    try: print(s.recv(100).decode()); break
    except TimeoutError: pass
''').stdout
    check(got == 'QUESTION\n', 'no answer over UDP')


def transport_mode_through_a_nat():
    transport(False)


def transport_mode_through_two_nats():
    transport(True)


def strongswan_agrees_to_transport_mode_behind_a_nat():
    """Its userspace ESP has no transport mode; what it makes of the selectors is seen before it finds that out."""
    with Lab() as lab:
        ends = Ends(lab)
        a, b = lab.hosts
        mode = 'mode = transport'
        b.ravelind(connection('swan', '%any', '%any', 'east.example', 'west.example', child_extra=mode))
        a.strongswan(connection('swan', '%any', ends.to_east, 'west.example', 'east.example', child_extra=mode,
                                extra=swan_extra()), level=2)
        a.swanctl('--initiate', '--child', 'net', ok=False)
        log = open(a.log).read()
        answer = re.search(r'parsed IKE_AUTH response 1 \[.*N\(USE_TRANSP\).*\]', log)
        check(answer and 'child-up' in b.log_text(), 'transport mode was not agreed on')
        check(f'{b.wire4}/32 === {a.inside4}/32' in log, 'strongSwan installed other selectors')


if __name__ == '__main__':
    main([*rows(), a_new_port_of_strongswan_is_followed, a_new_address_of_strongswan_is_followed,
          strongswan_follows_a_new_port_of_ours, a_new_port_between_two_of_ours, transport_mode_through_a_nat,
          transport_mode_through_two_nats, strongswan_agrees_to_transport_mode_behind_a_nat])
