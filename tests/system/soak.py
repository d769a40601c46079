# SPDX-License-Identifier: LGPL-2.1-or-later
"""soak: a tunnel under traffic for RAVELIN_SOAK seconds (1800): child SAs are replaced every ten seconds, the IKE SA every
minute, links flap, their MTU changes. Nothing is lost but while a link is down and a moment after, and memory stays where
it is. A part of `tests/run --long`; RAVELIN_SOAK=60 is a short form."""

import os
import re
import threading
import time

from lab import Lab, check, connection, main, wait
from stream import Stream

DOWN = 1  # seconds that a link is down
AFTER = 5  # seconds in which all must be well again
LITTLE = 1280  # octets of MTU
GROWTH = 2048  # KiB
OFTEN = {'extra': 'rekey_time = 60s\n rand_time = 10s\n over_time = 60s\n dpd_delay = 5s',
         'child_extra': 'rekey_time = 10s\n life_time = 60s\n rand_time = 2s'}


def rss(pid):
    return int(re.search(r'VmRSS:\s+(\d+)', open(f'/proc/{pid}/status').read()).group(1))


class Trouble:
    """Flaps a link and changes its MTU in turns, from one host to the other, until a time; when links were down."""

    def __init__(self, hosts, end, period):
        self.hosts, self.end, self.period, self.down, self.mtus = hosts, end, period, [], 0
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        turn = 0
        while time.monotonic() + self.period + AFTER < self.end:
            time.sleep(self.period / 2)
            host = self.hosts[turn % 2]
            began = time.monotonic()
            host.ip('link', 'set', 'eth0', 'down')
            time.sleep(DOWN)
            host.ip('link', 'set', 'eth0', 'up')
            self.down.append((began - 0.5, time.monotonic() + AFTER))
            time.sleep(self.period / 2)
            for h in self.hosts:
                h.ip('link', 'set', 'eth0', 'mtu', 1500 if turn % 2 else LITTLE)
            self.mtus += 1
            turn += 1

    def outside(self, times):
        """Those of times at which no link was down."""
        return [t for t in times if not any(a <= t <= b for a, b in self.down)]


def links_flap_and_keys_change_under_traffic():
    seconds = int(os.environ.get('RAVELIN_SOAK', 1800))
    with Lab() as lab:
        a, b = lab.hosts
        for here, there, names in ((a, b, ('west', 'east')), (b, a, ('east', 'west'))):
            here.ravelind(connection('net', here.wire4, there.wire4, names[0] + '.example', names[1] + '.example',
                                     local_ts=here.net4, remote_ts=there.net4, **OFTEN))
        a.ravelin('up', 'net')
        end = time.monotonic() + seconds
        streams = [Stream(a, b, a.in4, b.in4, seconds, rate=200, size=1000),
                   Stream(b, a, b.in4, a.in4, seconds, rate=200, size=200, port=6001)]
        trouble = Trouble(lab.hosts, end, min(30, seconds / 4))
        time.sleep(seconds / 3)
        before = [rss(h.pid()) for h in (a, b)]
        while time.monotonic() < end - 15:
            a.transfer(b, a.in4, b.in4, octets=20_000_000)
            time.sleep(2)
        trouble.thread.join()
        after = [rss(h.pid()) for h in (a, b)]
        for s in streams:
            sent, lost, twice = s.losses()
            outside = trouble.outside(lost)
            check(sent > seconds * 100 and not twice, f'{sent} were sent, {twice} came twice')
            check(not outside, f'{len(outside)} of {sent} packets were lost while no link was down: '
                  f'{[round(t - end + seconds, 2) for t in outside[:20]]}, links were down '
                  f'{[(round(x - end + seconds, 1), round(y - end + seconds, 1)) for x, y in trouble.down]}')
            print(f'     {sent} packets, {len(lost)} lost, all of them while a link was down')
        rekeys = [len(re.findall(r' child-rekeyed', h.log_text())) for h in (a, b)]
        print(f'     {len(trouble.down)} flaps, {trouble.mtus} changes of the MTU, {rekeys} rekeys, memory {before} -> '
              f'{after} KiB')
        check(trouble.down and trouble.mtus, 'no link was ever down')
        for x, y in zip(before, after):
            check(y < x + GROWTH, f'memory grew from {x} to {y} KiB')
        for h in (a, b):
            wait('no SAs pile up', lambda h=h: len(h.json('list', 'ike')) == 1 and len(h.json('list', 'child')) <= 2, 20)


if __name__ == '__main__':
    main([links_flap_and_keys_change_under_traffic])
