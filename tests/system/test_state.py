# SPDX-License-Identifier: LGPL-2.1-or-later
"""1,000 live SAs packed in one daemon and unpacked in another: traffic goes on, numbers jump forward, rekeys work."""

import os
import re
import signal
import time

from lab import PSK, Capture, Lab, check, main, wait

N = int(os.environ.get('RAVELIN_SESSIONS', 1000))
LIMITS = 'ravelin { plugins { keying-ikev2 { block_threshold = 0\n cookie_threshold = 1000000 } } }'


def inner(host, i):
    return '10.%d.%d.%d' % (host, i // 250, i % 250 + 2)


def children(me, other, first, n, child, more=''):
    return ''.join(f'''
            {child(i)} {{
                local_ts = {inner(me, i)}/32
                remote_ts = {inner(other, i)}/32
                esp_proposals = aes128gcm16{'-esn' if i % 2 else ''}
                {more}
            }}''' for i in range(first, first + n))


def connections(me, other, sessions, each, more='', child_more=''):
    """So many sessions with so many child SAs each, between hosts me and other."""
    def one(k):
        ids = ['%s%d.example' % (who, k) for who in ('west', 'east')][::1 if me == 1 else -1]
        return f'''
    c{k} {{
        version = 2
        local_addrs = 10.0.0.{me}
        remote_addrs = 10.0.0.{other}
        proposals = aes128gcm16-prfsha256-x25519
        {more}
        local {{
            auth = psk
            id = {ids[0]}
        }}
        remote {{
            auth = psk
            id = {ids[1]}
        }}
        children {{{children(me, other, k * each, each, lambda i: f'n{i}', child_more)}
        }}
    }}'''
    return ('connections {' + ''.join(one(k) for k in range(sessions)) + '\n}\nsecrets {\n    ike {\n        secret = ' +
            PSK + '\n    }\n}\n' + LIMITS)


def pings(a, b, sample, what):
    for i in sample:
        for here, there in ((a, b), (b, a)):
            got = here.ping(inner(there.n, i), count=1, source=inner(here.n, i), ok=False)
            check(got == 1, f'{what}: no answer between selectors {i} from {here.name}')


def highest(capture):
    """The highest sequence number of every SPI that left host 1."""
    most = {}
    for line in capture.lines('src host 10.0.0.1 and udp port 4500'):
        m = re.search(r'ESP\(spi=(0x[0-9a-f]+),seq=(0x[0-9a-f]+)\)', line)
        if m:
            most[m.group(1)] = max(most.get(m.group(1), 0), int(m.group(2), 16))
    return most


def key_file(host, name):
    path = host.write(name, '')
    with open(path, 'wb') as f:
        f.write(os.urandom(32))
    return path


def addresses(a, b):
    for h in (a, b):
        batch = h.write('addresses', ''.join(f'addr add {inner(h.n, i)}/16 dev lo\n' for i in range(N)))
        h.ip('-batch', batch)


def moved(sessions, each):
    with Lab() as lab:
        a, b = lab.hosts
        addresses(a, b)
        config = connections(1, 2, sessions, each, 'dpd_delay = 0s')
        a.ravelind(config)
        began = time.monotonic()
        b.ravelind(connections(2, 1, sessions, each, 'dpd_delay = 0s', 'start_action = start'))
        wait('all child SAs are up', lambda: len(b.json('list', 'child')) == sessions * each, 60)
        up = time.monotonic() - began
        sample = range(0, sessions * each, sessions * each // 20)
        before_packing = Capture(a)
        pings(a, b, sample, 'before')
        before_packing.stop()

        key = key_file(a, 'key')
        state = os.path.join(a.dir, 'sessions')
        began = time.monotonic()
        a.ravelin('export', state, '--key-file', key)
        exported = time.monotonic() - began
        size = os.path.getsize(state)
        check(os.stat(state).st_mode & 0o777 == 0o600, 'others may read the state')
        pings(a, b, sample[:5], 'after the export')
        a.stop(signal.SIGKILL)

        a.ravelind(config)
        r = a.ravelin('import', state, '--key-file', key_file(a, 'other'), ok=False)
        check(r.returncode == 1 and 'key' in r.stderr, f'another key: {r.returncode} {r.stderr}')
        check(not a.json('list', 'ike'), 'sessions came out of a state with another key')
        began = time.monotonic()
        r = a.ravelin('import', state, '--key-file', key)
        imported = time.monotonic() - began
        check(str(sessions) in r.stdout, f'import says: {r.stdout}')
        check(len(a.json('list', 'ike')) == sessions and len(a.json('list', 'child')) == sessions * each,
              'not everything was unpacked')
        capture = Capture(a)
        pings(a, b, sample, 'after the import')
        capture.stop()
        check(not capture.lines('icmp'), 'clear text on the wire')
        check(len(b.json('list', 'ike')) == sessions and len(b.json('list', 'child')) == sessions * each,
              'the peer has other SAs than before')
        old, new = highest(before_packing), highest(capture)
        check(len(old) == 20 and set(old) == set(new), f'{len(old)} and {len(new)} SPIs')
        check(all(new[spi] >= old[spi] + 65536 for spi in old), 'the sequence numbers did not jump forward')

        r = a.ravelin('import', state, '--key-file', key, ok=False)
        check('0 sessions' in r.stdout or r.returncode, f'a second import: {r.returncode} {r.stdout}')
        check(len(a.json('list', 'ike')) == sessions, 'a second import changed the sessions')
        rekeys(a, b, sample, each)
        a.ravelin('down', 'c0')
        wait('the peer took the deletion', lambda: len(b.json('list', 'ike')) == sessions - 1)
        print(f'     {sessions} x {each}: up in {up:.1f} s, exported in {exported:.2f} s ({size >> 10} KiB), imported in '
              f'{imported:.2f} s')


def rekeys(a, b, sample, each):
    """What was unpacked can be rekeyed by either side, child SA and key SA."""
    for i, host in ((sample[3], a), (sample[4], b)):
        name = f'c{i // each}'
        for what in ((name, f'n{i}'), (name,)):
            def spis():
                return ([(c['SpiIn'], c['SpiOut']) for c in host.json('list', 'child') if c['Name'] == f'n{i}'],
                        [(s['SpiInitiator'], s['SpiResponder']) for s in host.json('list', 'ike')
                         if s['Connection'] == name])
            at = len(what) == 1
            before = spis()[at]
            host.ravelin('rekey', *what)
            wait(f'{host.name} rekeys {what}', lambda: spis()[at] and not set(spis()[at]) & set(before))
            pings(a, b, [i], f'after a rekey of {what}')


def a_thousand_sessions():
    moved(N, 1)


def sessions_with_many_child_sas():
    moved(5, N // 10)


if __name__ == '__main__':
    main([a_thousand_sessions, sessions_with_many_child_sas])
