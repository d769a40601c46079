# SPDX-License-Identifier: LGPL-2.1-or-later
"""MOBIKE (RFC 4555): addresses change while a TCP transfer runs, against strongSwan in both roles and between two of ours;
a NAT that appears after a move, a path that dies without a word, a responder that moves."""

import re
import threading
import time

from lab import Lab, Nat, check, connection, main, run, wait

QUICK = 'ravelin { plugins { keying-ikev2 { retransmit_timeout = 0.5s } } }'
NEW4, NEW6 = '10.0.0.50', 'fd00::50'


class Transfer:
    """A TCP transfer in the background."""

    def __init__(self, *args, **kw):
        self.error = None
        self.thread = threading.Thread(target=self.run, args=args, kwargs=kw)
        self.thread.start()

    def run(self, a, *args, **kw):
        try:
            a.transfer(*args, **kw)
        except Exception as e:  # pylint: disable=broad-except
            self.error = e

    def end(self):
        self.thread.join()
        if self.error:
            raise self.error


TWO = '''}
            second {
                local_ts = %s
                remote_ts = %s
'''


def start(host, kind, mine, other, remote, ids, extra='', second=False):
    """Tunnels between the IPv4 networks of both; second: and between the IPv6 ones, as a child SA of its own."""
    child_extra = TWO % (mine.net6, other.net6) if second else ''
    text = connection('swan', '%any', remote, *ids, local_ts=mine.net4, remote_ts=other.net4, extra=extra,
                      child_extra=child_extra, plugins=QUICK if kind == 'ravelin' else '')
    if kind == 'ravelin':
        host.ravelind(text)
    else:
        host.strongswan(text, retries=5)


def pair(lab, west, east, remote=None, extra=''):
    a, b = lab.hosts
    start(b, east, b, a, '%any', ('east.example', 'west.example'), second=True)
    start(a, west, a, b, remote or b.wire4, ('west.example', 'east.example'), extra=extra, second=True)
    up(a, west)
    return a, b


def up(host, kind):
    for child in ('net', 'second'):
        if kind == 'ravelin':
            host.ravelin('up', 'swan', child)
        else:
            host.swanctl('--initiate', '--child', child)


def spis(host, kind):
    if kind == 'ravelin':
        sas = host.json('list', 'ike')
        return [(sa['SpiInitiator'], sa['SpiResponder']) for sa in sas]
    return re.findall(r'([0-9a-f]{16})_i\*? ([0-9a-f]{16})_r', host.swanctl('--list-sas').stdout)


def ends(host, kind):
    """(local, remote) addresses of the session, without ports."""
    bare = lambda text: re.sub(r':\d+$', '', text).strip('[]')
    if kind == 'ravelin':
        sas = host.json('list', 'ike')
        return (bare(sas[0]['LocalAddress']), bare(sas[0]['RemoteAddress'])) if sas else None
    out = host.swanctl('--list-sas').stdout
    found = [re.search(side + r"\s+'.*' @ (\S+)\[\d+\]", out) for side in ('local', 'remote')]
    return tuple(f.group(1) for f in found) if all(found) else None


def move(host, old, new, prefix):
    """The new address is there before the old one goes, and stays then."""
    host.run('sysctl', '-qw', 'net.ipv4.conf.eth0.promote_secondaries=1')
    host.ip('addr', 'add', f'{new}/{prefix}', 'dev', 'eth0', *(['nodad'] if ':' in new else []))
    host.ip('addr', 'del', f'{old}/{prefix}', 'dev', 'eth0')


def carries(a, b):
    a.ping(b.in4, count=3, source=a.in4)
    b.ping(a.in4, count=3, source=b.in4)
    a.ping(b.in6, count=3, source=a.in6)


def moves(west, east):
    """West gets another address while it sends: the transfer goes on in the same IKE SA, over both child SAs."""
    with Lab() as lab:
        a, b = pair(lab, west, east)
        carries(a, b)
        before = spis(a, west)
        transfer = Transfer(a, b, a.in4, b.in4, octets=30_000_000)
        time.sleep(0.3)
        move(a, a.wire4, NEW4, 24)
        # for a moment there may be no route over IPv4: strongSwan may prefer IPv6 then
        pairs = [(NEW4, b.wire4)] + ([(a.wire6, b.wire6)] if west == 'strongswan' else [])
        wait('west has moved', lambda: ends(a, west) in pairs, 30)
        wait('east has moved', lambda: ends(b, east) == ends(a, west)[::-1], 30)
        transfer.end()
        carries(a, b)
        check(spis(a, west) == before and len(before) == 1, f'another IKE SA: {before}, {spis(a, west)}')
        ours, log = (a, 'update-sent') if west == 'ravelin' else (b, 'update-received')
        check(log in ours.log_text(), f'no {log} in our log')
        for host, kind in ((a, west), (b, east)):
            if kind == 'strongswan':
                text = open(host.log).read()
                check('N(MOBIKE_SUP)' in text and re.search(r'INFORMATIONAL request.*N\(UPD_SA_ADDR\)', text),
                      'strongSwan saw no update')
        return a, b


def we_move_and_strongswan_obeys():
    moves('ravelin', 'strongswan')


def strongswan_moves_and_we_obey():
    moves('strongswan', 'ravelin')


def two_of_ours():
    moves('ravelin', 'ravelin')


def between_families(west, east):
    """West loses IPv4 on the wire: the session goes on over IPv6."""
    with Lab() as lab:
        a, b = pair(lab, west, east)
        carries(a, b)
        before = spis(a, west)
        a.ip('addr', 'del', a.wire4 + '/24', 'dev', 'eth0')
        wait('west is on IPv6', lambda: ends(a, west) == (a.wire6, b.wire6), 40)
        wait('east is on IPv6', lambda: ends(b, east) == (b.wire6, a.wire6), 40)
        carries(a, b)
        a.transfer(b, a.in4, b.in4, octets=2_000_000)
        check(spis(a, west) == before, 'another IKE SA')


def from_ipv4_to_ipv6_with_strongswan():
    between_families('ravelin', 'strongswan')


def strongswan_goes_from_ipv4_to_ipv6():
    between_families('strongswan', 'ravelin')


def from_ipv4_to_ipv6_between_two_of_ours():
    between_families('ravelin', 'ravelin')


def a_nat_appears_after_a_move(east):
    with Lab() as lab:
        a, b = pair(lab, 'ravelin', east)
        carries(a, b)
        before = spis(a, 'ravelin')
        nat = Nat(lab, a)
        wait('we have moved', lambda: ends(a, 'ravelin') == (nat.inside, b.wire4), 30)
        wait('the peer sees us at the NAT', lambda: ends(b, east) == (b.wire4, nat.outside), 30)
        carries(a, b)
        a.transfer(b, a.in4, b.in4, octets=2_000_000)
        check(spis(a, 'ravelin') == before, 'another IKE SA')
        check(a.json('list', 'ike')[0]['Nat'] in ('local', 'both'), 'we do not know that we are behind a NAT')
        check(nat.count() > 10, 'nothing passed the NAT')


def behind_a_nat_after_a_move():
    a_nat_appears_after_a_move('ravelin')


def behind_a_nat_after_a_move_with_strongswan():
    a_nat_appears_after_a_move('strongswan')


def a_path_dies_without_a_word(east):
    """Nothing passes between the two addresses in use any more; nobody is told. Liveness checks find another pair."""
    with Lab() as lab:
        a, b = lab.hosts
        b.ip('addr', 'add', '10.0.0.60/24', 'dev', 'eth0')
        pair(lab, 'ravelin', east, extra='dpd_delay = 2s')
        carries(a, b)
        before = spis(a, 'ravelin')
        for host in (a, b):
            host.run('nft', f'''table ip dead {{
                chain in {{
                    type filter hook input priority 0
                    ip saddr {{ {b.wire4}, {a.wire4} }} ip daddr {{ {b.wire4}, {a.wire4} }} drop
                }}
            }}''')
        wait('we are at another address of the peer', lambda: ends(a, 'ravelin') == (a.wire4, '10.0.0.60'), 60)
        carries(a, b)
        check(spis(a, 'ravelin') == before, 'another IKE SA')


def a_path_dies_between_two_of_ours():
    a_path_dies_without_a_word('ravelin')


def a_path_to_strongswan_dies():
    a_path_dies_without_a_word('strongswan')


def a_link_that_goes_down_is_left():
    with Lab() as lab:
        a, b = lab.hosts
        lab_link(a, 'eth1', '10.0.0.51')
        pair(lab, 'ravelin', 'ravelin')
        carries(a, b)
        before = spis(a, 'ravelin')
        used, other = (('eth0', '10.0.0.51') if ends(a, 'ravelin')[0] == a.wire4 else ('eth1', a.wire4))
        a.ip('link', 'set', used, 'down')
        wait('the other interface is used', lambda: ends(b, 'ravelin') == (b.wire4, other), 30)
        carries(a, b)
        check(spis(a, 'ravelin') == before, 'another IKE SA')


def lab_link(host, name, address):
    run('ip', 'link', 'add', 'q%d' % host.n, 'netns', 'switch', 'type', 'veth', 'peer', 'name', name, 'netns', host.name)
    run('ip', '-n', 'switch', 'link', 'set', 'q%d' % host.n, 'master', 'br0', 'up')
    host.ip('addr', 'add', address + '/24', 'dev', name)
    host.ip('link', 'set', name, 'up')


def the_responder_gets_another_address():
    with Lab() as lab:
        a, b = pair(lab, 'ravelin', 'ravelin')
        before = spis(a, 'ravelin')
        move(b, b.wire4, '10.0.0.60', 24)
        wait('the initiator follows', lambda: ends(a, 'ravelin') == (a.wire4, '10.0.0.60'), 30)
        carries(a, b)
        check(spis(a, 'ravelin') == before, 'another IKE SA')


def without_mobike_nothing_moves():
    with Lab() as lab:
        a, b = pair(lab, 'ravelin', 'ravelin', extra='mobike = no')
        check(a.json('list', 'ike')[0]['RemoteAddress'], 'no session')
        move(a, a.wire4, NEW4, 24)
        time.sleep(2)
        check(ends(b, 'ravelin') == (b.wire4, a.wire4), 'the responder moved')
        check('update-sent' not in a.log_text(), 'an update was sent')


if __name__ == '__main__':
    main([we_move_and_strongswan_obeys, strongswan_moves_and_we_obey, two_of_ours, from_ipv4_to_ipv6_with_strongswan,
          strongswan_goes_from_ipv4_to_ipv6, from_ipv4_to_ipv6_between_two_of_ours, behind_a_nat_after_a_move,
          behind_a_nat_after_a_move_with_strongswan, a_path_dies_between_two_of_ours, a_path_to_strongswan_dies,
          a_link_that_goes_down_is_left,
          the_responder_gets_another_address, without_mobike_nothing_moves])
