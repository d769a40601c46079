# SPDX-License-Identifier: LGPL-2.1-or-later
"""Routes, rules and guards in numbers, through net-rtnetlink: added and removed in batches, and one at a time."""

import re
import time

from lab import Lab, check, connection, main, need_root, wait

N = 2000
LONG_MESSAGES = 'a message of 2000 policies is too long for the socket buffers of a user'


def children(local, first, n):
    """n children with a policy each: their own remote network and, of every tenth, a local network of its own."""
    return ''.join(f'''
            c{i} {{
                local_ts = {f'10.1.{i // 10 % 256}.0/24' if i % 10 == 0 else local}
                remote_ts = 10.{64 + i // 256}.{i % 256}.0/24
                start_action = trap
            }}''' for i in range(first, first + n))


def traces(host):
    """What the kernel has of us: rules, routes, the guard's elements."""
    routes = host.ip('route', 'show', 'table', 'all').stdout.split('\n')
    return (host.ip('rule').stdout + host.run('nft', 'list', 'ruleset').stdout +
            '\n'.join(r for r in routes if 'fe80' not in r))  # eth0 gets its own meanwhile


def a_batch_of_policies():
    with Lab() as lab:
        a, b = lab.hosts
        empty = connection('east', a.wire4, b.wire4, 'west.example', 'east.example', local_ts=a.net4, remote_ts=b.net4)
        a.ravelind(empty)
        before = traces(a)
        full = empty.replace('children {', 'children {' + children(a.net4, 0, N))
        began = time.monotonic()
        a.write('ravelin.conf', full)
        a.ravelin('reload')
        added = time.monotonic() - began
        text = wait('the guard stands', lambda: (t := traces(a)).count('10.64.255.0') == 3 and t)
        guarded = time.monotonic() - began
        check(text.count('dev ravelin0 ') >= N, f'{text.count("dev ravelin0 ")} routes')
        check(len(a.json('list', 'policies')) == N, 'not all policies stand')
        check(a.ping('10.66.1.1', count=1, source=a.in4, ok=False) == 0, 'clear text passed')
        began = time.monotonic()
        a.write('ravelin.conf', empty)
        a.ravelin('reload')
        removed = time.monotonic() - began
        wait('the guard is empty', lambda: '10.64.' not in a.run('nft', 'list', 'ruleset').stdout)
        left = [line for line in traces(a).split('\n') if line not in before and re.search(r'10\.|lookup', line)]
        check(not left, f'left behind: {left[:20]}')
        print(f'     {N} policies added in {added:.1f} s, guarded after {guarded:.1f} s, and removed in {removed:.1f} s')
        check(added + removed < 10, f'{added:.1f} s and {removed:.1f} s')
        check(a.stop() == 0, 'it does not stop')
        check(traces(a) == before, 'left behind:\n' + traces(a))


def cost_behind(host, config):
    """Milliseconds of the processor that the loop needs behind a change of the configuration, until it answers again."""
    used = lambda: int(open(f'/proc/{host.pid()}/schedstat').read().split()[0]) / 1e6
    host.write('ravelin.conf', config)
    host.ravelin('reload')
    before = used()
    time.sleep(0.1)
    host.ravelin('status')
    return used() - before


def one_at_a_time():
    need_root(LONG_MESSAGES)
    """A single policy besides thousands costs the loop less than a quarter of what the removal of all of them does."""
    with Lab() as lab:
        a, b = lab.hosts
        empty = connection('east', a.wire4, b.wire4, 'west.example', 'east.example', local_ts=a.net4, remote_ts=b.net4)
        text = empty.replace('children {', 'children {' + children(a.net4, 0, N))
        a.ravelind(text)
        wait('the guard stands', lambda: a.run('nft', 'list', 'ruleset').stdout.count('10.64.255.0') == 2)
        costs = []
        for i in range(9):
            text = text.replace('children {', 'children {' + children(a.net4, N + i, 1), 1)
            costs.append(cost_behind(a, text))
        all_of_them = cost_behind(a, empty)
        check(sorted(costs)[4] < all_of_them / 4, f'one policy more costs {sorted(costs)[4]:.1f} ms, all {all_of_them:.1f}')


if __name__ == '__main__':
    main([a_batch_of_policies, one_at_a_time])
