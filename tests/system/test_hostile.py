# SPDX-License-Identifier: LGPL-2.1-or-later
"""ESP that means harm: each kind is dropped and counted under its cause, memory stays where it is, and the tunnel beside it
goes on."""

import re
import time

import hostile
from lab import SANITIZED, Lab, check, main, wait

EACH = 100
FLOOD_SECONDS = 4


def rss(pid):
    return int(re.search(r'VmRSS:\s+(\d+)', open(f'/proc/{pid}/status').read()).group(1))


def dropped(a, spis):
    return next(c for c in a.json('list', 'child') if int(c['SpiIn'], 16) == spis[0])['Dropped']


def each_kind_is_counted_under_its_cause():
    with Lab(3) as lab:
        a, b, c = lab.hosts
        hostile.start(a, b, c)
        attack = hostile.Attack(a, c, each=EACH)
        no_sa = 0
        for name, (packets, cause) in attack.kinds.items():
            before, got = dropped(a, hostile.VICTIM), {}
            if cause == 'no-sa':
                no_sa += 1 if name == 'oversize' else len(packets)
            c.run(hostile.SENDER, attack.write([name]), 20000, 0)
            expected = {} if cause in (None, 'no-sa') else {cause: EACH}
            def seen():
                got.update({k: n - before.get(k, 0) for k, n in dropped(a, hostile.VICTIM).items() if n - before.get(k, 0)})
                return got == expected
            wait(f'{name}: {expected} are counted', seen) if expected else time.sleep(0.2)
            check(seen(), f'{name}: counted {got}, expected {expected}')
        b.ping(a.in4, source=b.in4)
        check(not dropped(a, hostile.GOOD), 'the good SA dropped something')
        a.stop()
        counted = re.search(r'dropped-outside-of-sas cause=no-sa packets=(\d+)', a.log_text())
        check(counted and int(counted.group(1)) == no_sa, f'of {no_sa} packets of no SA were counted: {counted}')


def a_flood_takes_no_memory():
    with Lab(3) as lab:
        a, b, c = lab.hosts
        hostile.start(a, b, c)
        path = hostile.Attack(a, c, each=EACH).write()
        c.run(hostile.SENDER, path, 20000, 1)  # what is made at the first packet
        before = rss(a.pid())
        pings = b.pinging(a.in4, b.in4)
        sent = int(c.run(hostile.SENDER, path, 50000, FLOOD_SECONDS).stdout.split()[-1])
        after = rss(a.pid())
        n, lost = pings.stop()
        check(SANITIZED or after <= before + 512, f'memory grew from {before} to {after} KiB')
        check(sum(dropped(a, hostile.VICTIM).values()) > EACH, 'nothing of the flood was seen')
        b.ping(a.in4, source=b.in4)
        print(f'     {sent} packets, memory {before} -> {after} KiB, {lost} of {n} pings lost meanwhile')


if __name__ == '__main__':
    main([each_kind_is_counted_under_its_cause, a_flood_takes_no_memory])
