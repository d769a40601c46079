# SPDX-License-Identifier: LGPL-2.1-or-later
"""Two Ravelins: the tunnel's life, restarts, kills, clean ends, start actions, reloads."""

import os
import re
import signal
import time

from lab import Capture, Lab, check, connection, main, wait
from stream import Stream

FAST = 'ravelin { plugins { keying-ikev2 { retransmit_timeout = 0.5s\n retransmit_tries = 3 } } }'


def pair(lab, extra='', child_extra='', east_child='', plugins='', measured=True, **kw):
    a, b = lab.hosts[:2]
    a.ravelind(connection('east', a.wire4, b.wire4, 'west.example', 'east.example', local_ts=a.net4, remote_ts=b.net4,
                          extra=extra, child_extra=child_extra, plugins=plugins, **kw), measured=measured)
    b.ravelind(connection('west', b.wire4, a.wire4, 'east.example', 'west.example', local_ts=b.net4, remote_ts=a.net4,
                          extra=extra, child_extra=east_child, plugins=plugins, **kw))
    return a, b


def only_esp_passes():
    with Lab() as lab:
        a, b = pair(lab)
        capture = Capture(a)
        a.ravelin('up', 'east')
        a.ping(b.in4, count=10, source=a.in4)
        b.ping(a.in4, count=10, source=b.in4)
        capture.stop()
        check(not capture.lines('icmp'), 'clear text on the wire')
        check(len(capture.lines('udp port 4500')) >= 40, 'too few ESP packets on the wire')
        a.transfer(b, a.in4, b.in4)
        a.ravelin('down', 'east')
        wait('east has no SA', lambda: not b.json('list', 'ike'))


def kill_is_noticed_and_restart_comes_back():
    with Lab() as lab:
        a, b = pair(lab, extra='dpd_delay = 1s', child_extra='start_action = start', plugins=FAST)
        wait('start_action brings it up', lambda: a.json('list', 'child'))
        a.ping(b.in4, source=a.in4)
        a.stop(signal.SIGKILL)
        wait('east notices by liveness', lambda: not b.json('list', 'ike'), 30)
        a.ravelind(open(a.config).read())
        wait('the restarted daemon brings it up', lambda: a.json('list', 'child'))
        a.ping(b.in4, source=a.in4)
        check(len(b.json('list', 'child')) == 1, 'east kept a stale child SA')


def a_restart_replaces_the_stale_sa():
    """INITIAL_CONTACT: without waiting for liveness."""
    with Lab() as lab:
        a, b = pair(lab, child_extra='start_action = start')
        wait('it is up', lambda: a.json('list', 'child'))
        a.stop(signal.SIGKILL)
        a.ravelind(open(a.config).read())
        wait('it is up again', lambda: a.json('list', 'child'))
        wait('the stale SA is gone', lambda: len(b.json('list', 'ike')) == 1, 5)
        a.ping(b.in4, source=a.in4)


def sigterm_leaves_nothing():
    with Lab() as lab:
        def state(h):
            # link-local addresses come when the kernel has made sure of them, which has nothing to do with us
            own = lambda text: re.sub(r'.*(fe80::|ff00::).* dev (eth0|lo) .*\n', '', text)
            return [own(h.ip(*what).stdout) for what in (
                ('-o', 'link'), ('route', 'show', 'table', 'all'), ('-6', 'route', 'show', 'table', 'all'), ('rule',),
                ('-6', 'rule'), ('xfrm', 'policy'))] + [h.run('nft', 'list', 'ruleset').stdout,
                                                        h.run('ss', '-Hnlua').stdout]
        a, b = lab.hosts
        before = state(a)
        pair(lab)
        a.ravelin('up', 'east')
        a.ping(b.in4, source=a.in4)
        during = state(a)
        check(before != during, 'the test sees no trace of a tunnel that is up')
        check(a.stop() == 0, 'ravelind did not end with status 0')
        wait('SIGTERM deletes the SAs at the peer', lambda: not b.json('list', 'ike'), 5)
        after = state(a)
        for x, y in zip(before, after):
            check(x == y, f'left behind:\n{y}\nbefore:\n{x}')
        left = [f for f in os.listdir(a.run_dir) if f not in ('speeds',)]
        check(not left, f'left in the run folder: {left}')


def trap_brings_it_up_on_traffic():
    with Lab() as lab:
        a, b = pair(lab, child_extra='start_action = trap')
        capture = Capture(a)
        check(a.ping(b.in4, count=5, interval=0.3, source=a.in4, ok=False) == 5, 'traffic did not bring the tunnel up')
        wait('the child SA is there', lambda: a.json('list', 'child'))
        capture.stop()
        check(not capture.lines('icmp'), 'the trap leaked clear text')


def reload_keeps_tunnels():
    with Lab() as lab:
        a, b = pair(lab)
        a.ravelin('up', 'east')
        config = open(a.config).read()
        pinging = a.pinging(b.in4, a.in4)
        a.write('ravelin.conf', config.replace('east {', 'east2 {'))
        a.ravelin('reload')
        check([c['Name'] for c in a.json('list', 'connections')] == ['east2'], 'the reload did not take')
        a.write('ravelin.conf', config.replace('remote_addrs', 'remote_adrs'))
        r = a.ravelin('reload', ok=False)
        check(r.returncode == 1 and 'remote_addrs' in r.stderr, f'a bad file: {r.returncode} {r.stderr}')
        a.write('ravelin.conf', config)
        a.ravelin('reload')
        time.sleep(0.5)
        sent, lost = pinging.stop()
        check(lost == 0, f'{lost} of {sent} pings lost over reloads')
        check(len(a.json('list', 'child')) == 1, 'the child SA is gone')


def further_children():
    with Lab() as lab:
        a, b = lab.hosts
        def config(me, other, name, lid, rid):
            text = connection(name, me.wire4, other.wire4, lid, rid, child='one', local_ts=me.in4, remote_ts=other.in4)
            more = ''.join('''
                %s {
                    local_ts = %s[udp]
                    remote_ts = %s[udp/%d]
                }''' % (n, me.net6, other.net6, p) for n, p in (('two', 7), ('three', 9)))
            return text.replace('children {', 'children {' + more)
        a.ravelind(config(a, b, 'east', 'west.example', 'east.example'))
        # the responder's selectors mirror: ports are on the other side
        b.ravelind(config(b, a, 'west', 'east.example', 'west.example').replace('[udp/7]', '[udp/x]')
                   .replace('[udp]', '[udp/7-9]').replace('[udp/x]', '[udp]').replace('[udp/9]', '[udp]'))
        a.ravelin('up', 'east', 'one')
        a.ravelin('up', 'east', 'two')
        a.ravelin('up', 'east', 'three')
        check(len(a.json('list', 'ike')) == 1, 'a further child made another IKE SA')
        check(sorted(c['Name'] for c in a.json('list', 'child')) == ['one', 'three', 'two'], 'three child SAs')
        a.ping(b.in4, source=a.in4)


def services_show_everything():
    """Each algorithm with its provider, numbers, self-test, measured speed and number of users."""
    with Lab() as lab:
        a, _ = pair(lab, measured=False)
        a.ravelin('up', 'east')
        kinds = ('hash', 'prf', 'mac', 'cipher', 'aead', 'ke')
        measured = lambda: [s for s in a.json('list', 'services') if s['Kind'] in kinds and s['SpeedNs'] == 0] == []
        wait('every algorithm is measured', measured, 30)
        services = {(s['Kind'], s['Name'], s['Provider']): s for s in a.json('list', 'services')}
        for s in services.values():
            if s['Kind'] in kinds:
                check(s['SelfTest'].startswith('passed'), f'not tested: {s}')
                check(s['Kind'] == 'hash' or 'ikev2' in s['Attributes'], f'no numbers: {s}')
        gcm = [s for (kind, name, _), s in services.items() if (kind, name) == ('aead', 'aes-gcm-16-128')]
        check({'crypto-gnutls', 'crypto-nettle'} <= {s['Provider'] for s in gcm}, f'the providers of every machine: {gcm}')
        check([s['Chosen'] for s in gcm].count(True) == 1, f'one is chosen: {gcm}')
        check(min(gcm, key=lambda s: s['SpeedNs'])['Chosen'], f'the faster one is chosen: {gcm}')
        gcm = [s for s in gcm if s['Chosen']][0]
        check(gcm['Attributes'] == {'ikev2': 20, 'key-bits': 128}, f'numbers: {gcm}')
        check(gcm['Users'] >= 1, f'the live SAs use it: {gcm}')
        a.ravelin('down', 'east')
        users = lambda: [s for s in a.json('list', 'services') if s['Name'] == 'aes-gcm-16-128' and s['Users']]
        wait('nobody uses it when the tunnel is down', lambda: not users(), 10)


def loss_in_real_time(seed=0):
    """20 % of the datagrams each way are dropped by nftables: it comes up, rekeys and goes down all the same."""
    with Lab() as lab:
        a, b = pair(lab, plugins='ravelin { plugins { keying-ikev2 { retransmit_timeout = 0.4s\n retransmit_tries = 8 } } }')
        for h in (a, b):
            h.run('nft', 'add table inet loss; add chain inet loss in { type filter hook input priority -300; }; '
                         'add rule inet loss in iifname eth0 meta l4proto udp numgen random mod 100 < 20 drop')
        a.ravelin('up', 'east')
        for what, seen in ((('rekey', 'east', 'net'), lambda: a.json('list', 'child')[-1]['SpiIn']),
                           (('rekey', 'east'), lambda: a.json('list', 'ike')[-1]['SpiInitiator'])):
            before = seen()
            a.ravelin(*what)
            wait(' '.join(what), lambda: seen() != before, 30)
        check(a.ping(b.in4, count=40, interval=0.05, source=a.in4, ok=False) >= 15, 'too few pings came through')
        a.ravelin('down', 'east')
        wait('both have no SA', lambda: not a.json('list', 'ike') and not b.json('list', 'ike'), 40)


def loss_in_real_time_2():
    loss_in_real_time()


def loss_in_real_time_3():
    loss_in_real_time()


def rekeys_under_full_load_lose_nothing():
    """As many numbered datagrams each way as get through, while one side after the other replaces the child SA."""
    with Lab() as lab:
        a, b = pair(lab)
        a.ravelin('up', 'east')
        streams = [Stream(a, b, a.in4, b.in4, 12, port=6000), Stream(b, a, b.in4, a.in4, 12, port=6001)]
        end, rekeys = time.monotonic() + 10, 0
        while time.monotonic() < end:
            host, name = ((a, 'east'), (b, 'west'))[rekeys % 2]
            host.ravelin('rekey', name, 'net')
            rekeys += 1
            time.sleep(0.2)
        for s in streams:
            sent, lost, twice = s.losses()
            check(not lost and not twice, f'of {sent} packets {len(lost)} were lost and {twice} came twice')
            check(sent > 1000 and rekeys > 4, f'{sent} packets and {rekeys} rekeys prove nothing')
            print(f'     {sent} packets, {rekeys} rekeys, none lost')


if __name__ == '__main__':
    main([only_esp_passes, kill_is_noticed_and_restart_comes_back, a_restart_replaces_the_stale_sa,
          sigterm_leaves_nothing, trap_brings_it_up_on_traffic, reload_keeps_tunnels, further_children,
          services_show_everything, rekeys_under_full_load_lose_nothing, loss_in_real_time, loss_in_real_time_2,
          loss_in_real_time_3])
