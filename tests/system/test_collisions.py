# SPDX-License-Identifier: LGPL-2.1-or-later
"""Three child SAs with strongSwan 5.9.8, and rekeys that both sides begin at once (RFC 7296, 2.8.1, 2.8.2, 2.25): over a slow
wire the two requests pass each other. No ping is lost, and each side ends with as many SAs as it had."""

import os
import re
import subprocess
import sys
import time

from lab import BUILD, Lab, check, connection, main, run, wait

PROPOSALS, ESP = 'aes128gcm16-prfsha256-x25519', 'aes128gcm16-x25519'
NETS = (1, 2, 3)
WAY = 150  # milliseconds that a datagram takes


# Seconds by which the second command follows (below 0: precedes) the first. RAVELIN_COLLISIONS: how many of them are
# tried at least; the others only until the two have met, since a busy machine starts a command when it likes.
DELAYS = (0, 0.1, -0.1, 0.05, -0.05, 0.2, -0.2)
AT_LEAST = int(os.environ.get('RAVELIN_COLLISIONS', 3))


def children(own, other):
    """The text of three children, one a network: net1, net2, net3."""
    return '}\n'.join(f'net{i} {{\nlocal_ts = 10.{own.n}.{i}.0/24\nremote_ts = 10.{other.n}.{i}.0/24\n'
                      f'esp_proposals = {ESP}\n' for i in NETS)


def config(own, other, ids):
    one = connection('swan', own.wire4, other.wire4, *ids, child='CHILD', proposals=PROPOSALS)
    return re.sub(r'CHILD \{[^}]*(?=\})', lambda m: children(own, other), one)


def pair(lab, slow=False):
    a, b = lab.hosts
    for host in (a, b):
        for i in NETS:  # strongSwan's routes want an address of its own inside
            host.ip('addr', 'add', inner(host, i) + '/24', 'dev', 'lo')
    a.ravelind(config(a, b, ('west.example', 'east.example')))
    b.strongswan(config(b, a, ('east.example', 'west.example')), level=1)
    if slow:
        slow_down(lab)
    return a, b


def slow_down(lab):
    """Between the two hosts there is a slow wire instead of the switch."""
    for host in lab.hosts:
        host.run('ethtool', '-K', 'eth0', 'tx', 'off', 'gso', 'off', 'tso', 'off')
        run('ip', '-n', 'switch', 'link', 'set', f'p{host.n}', 'nomaster', 'promisc', 'on')
    p = subprocess.Popen(['ip', 'netns', 'exec', 'switch', sys.executable, os.path.join(os.path.dirname(__file__), 'slow.py'),
                          'p1', 'p2', str(WAY)], stdout=subprocess.PIPE, text=True)
    lab.processes.append(p)
    check(p.stdout.readline() == 'ready\n', 'the slow wire does not begin')


def inner(host, i):
    return f'10.{host.n}.{i}.1'


def theirs(b, what):
    """How many SAs strongSwan lists as installed or established."""
    return len(re.findall(r'INSTALLED, TUNNEL' if what == 'child' else r'ESTABLISHED, IKEv2',
                          b.swanctl('--list-sas').stdout))


def as_many(a, b, n_children, seconds=40):
    """Both sides come to one IKE SA and so many child SAs, the same ones, and stay there."""
    def same():
        ours = a.json('list', 'child')
        text = b.swanctl('--list-sas').stdout
        return (len(a.json('list', 'ike')) == 1 and theirs(b, 'ike') == 1 and len(ours) == n_children and
                theirs(b, 'child') == n_children and
                len(re.findall(r'^\s+in\s', text, re.M)) == n_children)
    def settled():  # who was refused tries again some seconds later, which may just begin
        if not same():
            return False
        time.sleep(2)
        return same()
    wait(f'one IKE SA and {n_children} child SAs on both sides:\n', settled, seconds)


def three_children(initiator):
    with Lab() as lab:
        a, b = pair(lab)
        for i in NETS:
            if initiator == 'ravelin':
                a.ravelin('up', 'swan', f'net{i}')
            else:
                b.swanctl('--initiate', '--child', f'net{i}')
        wait('three child SAs', lambda: len(a.json('list', 'child')) == 3)
        check(len(a.json('list', 'ike')) == 1 and theirs(b, 'ike') == 1, 'there is not one IKE SA')
        for i in NETS:
            before = {c['Id']: c['PacketsOut'] for c in a.json('list', 'child')}
            a.ping(inner(b, i), count=5, source=inner(a, i))
            b.ping(inner(a, i), count=5, source=inner(b, i))
            used = [c for c in a.json('list', 'child') if c['PacketsOut'] > before[c['Id']]]
            check(len(used) == 1, f'network {i} used {len(used)} child SAs')
        a.ravelin('rekey', 'swan')
        time.sleep(1)
        as_many(a, b, 3)
        b.swanctl('--terminate', '--child', 'net2')
        as_many(a, b, 2)
        for i in (1, 3):
            a.ping(inner(b, i), source=inner(a, i))


def ravelin_sets_up_three_child_sas():
    three_children('ravelin')


def strongswan_sets_up_three_child_sas():
    three_children('strongswan')


def both(a, b, ours, their, delay):
    """Starts a command on each side, theirs so many seconds later (negative: earlier)."""
    socket = ['--uri', f'unix://{b.dir}/vici']
    begin = [lambda: a.start(os.path.join(BUILD, 'tools', 'ravelin'), '--socket', os.path.join(a.run_dir, 'bus'), *ours),
             lambda: b.start('swanctl', *their, *socket, env=b.swan_env, stdout=subprocess.DEVNULL)]
    first, second = begin if delay >= 0 else begin[::-1]
    p = [first()]
    time.sleep(abs(delay))
    p.append(second())
    for q in p:
        q.wait(20)


def collide(ours, their, sign):
    """The two commands at once, with different delays. sign: what strongSwan's log says of a collision."""
    with Lab() as lab:
        a, b = pair(lab, slow=True)
        for i in NETS:
            a.ravelin('up', 'swan', f'net{i}')
        as_many(a, b, 3)
        met = lambda: sign in open(b.log, errors='replace').read()
        pings = [a.pinging(inner(b, 1), inner(a, 1)), b.pinging(inner(a, 1), inner(b, 1))]
        for tried, delay in enumerate(DELAYS):
            if tried >= AT_LEAST and met():
                break
            both(a, b, ours, their, delay)
            time.sleep(2)
            as_many(a, b, 3)
        lost = [p.stop() for p in pings]
        check(met(), 'the two never met: ' + sign)
        for sent, missing in lost:
            check(sent > 100 and missing == 0, f'{missing} of {sent} pings lost')
        for i in NETS:
            a.ping(inner(b, i), source=inner(a, i))


def child_rekeys_collide():
    collide(['rekey', 'swan', 'net1'], ['--rekey', '--child', 'net1'], 'rekey collision')


def ike_rekeys_collide():
    collide(['rekey', 'swan'], ['--rekey', '--ike', 'swan'], 'rekey collision')


def a_child_rekey_meets_an_ike_rekey():
    collide(['rekey', 'swan', 'net1'], ['--rekey', '--ike', 'swan'], 'TEMP_FAIL')


def an_ike_rekey_meets_a_child_rekey():
    collide(['rekey', 'swan'], ['--rekey', '--child', 'net1'], 'TEMP_FAIL')


if __name__ == '__main__':
    main([ravelin_sets_up_three_child_sas, strongswan_sets_up_three_child_sas, child_rekeys_collide, ike_rekeys_collide,
          a_child_rekey_meets_an_ike_rekey, an_ike_rekey_meets_a_child_rekey])
