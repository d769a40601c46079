# SPDX-License-Identifier: LGPL-2.1-or-later
"""soak: a tunnel that rekeys every few seconds under traffic for RAVELIN_SOAK seconds (600): no ping is lost and memory
stays where it is. A part of `tests/run --long`."""

import os
import re
import time

from lab import Lab, check, connection, main


def rss(pid):
    return int(re.search(r'VmRSS:\s+(\d+)', open(f'/proc/{pid}/status').read()).group(1))


def rekeys_under_traffic():
    seconds = int(os.environ.get('RAVELIN_SOAK', 600))
    often = dict(extra='rekey_time = 11s\n rand_time = 3s\n over_time = 60s\n dpd_delay = 2s',
                 child_extra='rekey_time = 5s\n life_time = 60s\n rand_time = 2s')
    with Lab() as lab:
        a, b = lab.hosts
        a.ravelind(connection('east', a.wire4, b.wire4, 'west.example', 'east.example', local_ts=a.net4,
                              remote_ts=b.net4, **often))
        b.ravelind(connection('west', b.wire4, a.wire4, 'east.example', 'west.example', local_ts=b.net4,
                              remote_ts=a.net4, **often))
        a.ravelin('up', 'east')
        there, back = a.pinging(b.in4, a.in4), b.pinging(a.in4, b.in4)
        time.sleep(min(60, seconds / 3))
        before = [rss(h.pid()) for h in (a, b)]
        end = time.monotonic() + seconds * 2 / 3
        while time.monotonic() < end:
            a.transfer(b, a.in4, b.in4, octets=20_000_000)
            time.sleep(2)
        after = [rss(h.pid()) for h in (a, b)]
        for p in (there, back):
            sent, lost = p.stop()
            check(lost == 0, f'{lost} of {sent} pings lost')
            print(f'     {sent} pings, none lost')
        for x, y in zip(before, after):
            check(y < x + 2048, f'memory grew from {x} to {y} KiB')
        print(f'     memory {before} -> {after} KiB')
        for h in (a, b):
            check(len(h.json('list', 'ike')) <= 2 and len(h.json('list', 'child')) <= 2, 'SAs pile up')


if __name__ == '__main__':
    main([rekeys_under_traffic])
