# SPDX-License-Identifier: LGPL-2.1-or-later
"""A vendor's plugin, built out of tree with the installed files alone, in running daemons: a tunnel that needs it, the
refusal to unload it meanwhile; and plugin files that are refused while the daemon goes on."""

import os
import shutil
import subprocess
import time

from lab import BUILD, PLUGINS, SANITIZED, SOURCE, Capture, Lab, check, connection, main, run, wait

NAME = 'crypto-camellia'
WORD = 'camellia128gcm16'
PARTS = os.path.join(BUILD, 'tests', 'abi')


def install(lab):
    """Ravelin in a scratch root with the example plugin: the root and its plugin folder."""
    root = os.path.join(lab.dir, 'root')
    out = run(os.path.join(SOURCE, 'tests', 'abi', 'vendor-build'), BUILD, SOURCE, os.environ.get('CC', 'cc'),
              seconds=120, env=dict(os.environ, ROOT=root)).stdout
    return root, out.strip().split('\n')[-1]


def config(a, b, name, me, them, words, more=''):
    return connection(name, a.wire4, b.wire4, me + '.example', them + '.example', local_ts=a.net4, remote_ts=b.net4,
                      proposals=(words + '-prfsha256-x25519') if words else None, esp=words, plugins=more)


def services(host):
    return {s['Name']: s for s in host.json('list', 'services') if s['Provider'] == NAME}


def a_tunnel_that_needs_it():
    with Lab() as lab:
        a, b = lab.hosts
        root, folder = install(lab)
        check(folder.startswith(root), f'the plugin folder is {folder}')
        # west loads it at run time, east by its configuration
        a.ravelind(config(a, b, 'east', 'west', 'east', ''), plugin_dir=folder, root=root)
        check('/root/' in os.readlink(f'/proc/{a.pid()}/exe'), 'this is not the installed daemon')
        b.ravelind(config(b, a, 'west', 'east', 'west', WORD, 'ravelin { plugins { %s { load = yes } } }' % NAME),
                   plugin_dir=folder, root=root)
        with_word = config(a, b, 'east', 'west', 'east', WORD)
        a.write('ravelin.conf', with_word)
        r = a.ravelin('reload', ok=False)
        check(r.returncode == 1 and WORD in r.stderr, f'a word that nobody offers: {r.returncode} {r.stderr}')
        check(not services(a), 'it is there before it was loaded')
        a.ravelin('load', NAME)
        a.ravelin('reload')
        plugin = next(p for p in a.json('list', 'plugins') if p['Name'] == NAME)
        check(plugin['State'] == 'loaded' and plugin['Vendor'] == 'Example Corp.', f'{plugin}')
        check(services(a)['camellia-gcm-16-128']['SelfTest'].startswith('passed'), f'{services(a)}')
        check(services(a)['camellia-gcm-16-128']['Users'] == 0, f'{services(a)}')

        a.ravelin('up', 'east')
        capture = Capture(a)
        a.ping(b.in4, count=5, source=a.in4)
        b.ping(a.in4, count=5, source=b.in4)
        a.transfer(b, a.in4, b.in4, octets=2_000_000)
        a.ravelin('rekey', 'east', 'net')
        a.ravelin('rekey', 'east')
        time.sleep(0.5)
        a.ping(b.in4, source=a.in4)
        capture.stop()
        check(not capture.lines('icmp'), 'clear text on the wire')
        check(WORD in a.json('list', 'child')[0]['Proposal'], f'{a.json("list", "child")}')
        check(WORD in a.json('list', 'ike')[0]['Proposal'], f'{a.json("list", "ike")}')
        check(services(a)['camellia-gcm-16-128']['Users'] >= 2, f'{services(a)}')

        for host, name in ((a, 'east'), (b, 'west')):
            r = host.ravelin('unload', NAME, ok=False)
            child = host.json('list', 'child')[0]['Id']
            check(r.returncode == 1 and name in r.stderr and f'#{child}' in r.stderr,
                  f'the unloading while an SA uses it: {r.returncode} {r.stderr}')
            check(next(p for p in host.json('list', 'plugins') if p['Name'] == NAME)['State'] == 'loaded', 'it is gone')
        a.ping(b.in4, source=a.in4)

        a.ravelin('down', 'east')
        wait('no SA is left', lambda: not a.json('list', 'ike') and not b.json('list', 'ike'))
        a.ravelin('unload', NAME)
        check(not services(a), 'its services are still offered')
        # sanitizers want code mapped for their reports
        check(SANITIZED or NAME not in open(f'/proc/{a.pid()}/maps').read(), 'its code is still mapped')
        r = a.ravelin('up', 'east', ok=False)
        check(r.returncode == 1 and 'no loaded plugin' in r.stderr, f'up without its cipher: {r.returncode} {r.stderr}')
        drain(a, b)


def drain(a, b):
    """Loaded again; the drain refuses what is new, waits for the SA, and ends with it."""
    a.ravelin('load', NAME)
    a.ravelin('reload')
    a.ravelin('up', 'east')
    draining = a.start(os.path.join(BUILD, 'tools', 'ravelin'), '--socket', os.path.join(a.run_dir, 'bus'), 'unload',
                       NAME, '--drain', stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    wait('it drains', lambda: 'draining' in [p['State'] for p in a.json('list', 'plugins') if p['Name'] == NAME])
    time.sleep(0.3)
    check(draining.poll() is None, 'the drain ended with the SA up')
    a.ping(b.in4, count=5, source=a.in4)
    a.ravelin('rekey', 'east', 'net', ok=False)  # it cannot be: the SA stays as it is
    time.sleep(0.3)
    a.ping(b.in4, source=a.in4)
    check(draining.poll() is None, 'the drain ended with the SA up')
    a.ravelin('down', 'east')
    out = draining.communicate(timeout=10)[0]
    check(draining.returncode == 0, f'the drain failed: {out}')
    plugin = next(p for p in a.json('list', 'plugins') if p['Name'] == NAME)
    check(plugin['State'] != 'loaded', f'{plugin}')


def bad_files_are_refused():
    """Each with its cause, and the daemon goes on as before."""
    with Lab() as lab:
        a, b = lab.hosts
        folder = os.path.join(lab.dir, 'parts')
        os.mkdir(folder, 0o755)
        for part in ('good', 'old-major', 'no-note', 'needy', 'cycle-a', 'cycle-b', 'unknown-key', 'failing'):
            shutil.copy(os.path.join(PARTS, part + '.so'), folder)
        octets = open(os.path.join(PARTS, 'good.so'), 'rb').read()
        for name, old, new in (('long-note', b'Ravelin\0abi=', b'Ravelin\0abi\0'), ('other-name', b'', b'')):
            check(octets.count(old) >= 1, 'good.so has another note')
            with open(os.path.join(folder, name + '.so'), 'wb') as f:
                f.write(octets.replace(old, new, 1))
        with open(os.path.join(folder, 'cut.so'), 'wb') as f:
            f.write(octets[:len(octets) // 2])
        for name in os.listdir(folder):
            os.chmod(os.path.join(folder, name), 0o755)
        shutil.copy(os.path.join(folder, 'good.so'), os.path.join(folder, 'writable.so'))
        os.chmod(os.path.join(folder, 'writable.so'), 0o757)

        a.ravelind(config(a, b, 'east', 'west', 'east', ''), plugin_dir=PLUGINS + ':' + folder)
        b.ravelind(config(b, a, 'west', 'east', 'west', ''))
        a.ravelin('up', 'east')
        pinging = a.pinging(b.in4, a.in4)
        before = a.json('list', 'plugins')
        for name, words in (('old-major', ('abi', '2', '1')), ('long-note', ('note',)), ('no-note', ('note',)),
                            ('cut', ('cut',)), ('other-name', ('good',)),
                            ('needy', ('part:nowhere', 'no plugin provides')),
                            ('cycle-a', ('cycle', 'cycle-a needs', 'cycle-b needs')), ('unknown-key', ('lisence',)),
                            ('failing', ('init', 'Permission denied')), ('writable', ('write', '0757')),
                            ('not-there', ('not-there.so',))):
            r = a.ravelin('load', name, ok=False)
            check(r.returncode == 1 and all(w in r.stderr for w in words + (name,)),
                  f'{name}: {r.returncode} {r.stderr}')
            check(a.ravelin('status').returncode == 0, f'{name}: the daemon does not answer')
        check(a.json('list', 'plugins') == before, 'a refused plugin left traces')
        a.ravelin('load', 'good')
        a.ravelin('unload', 'good')
        time.sleep(2)  # stop() leaves the last second out
        sent, lost = pinging.stop()
        check(lost == 0 and sent > 1, f'{lost} of {sent} pings were lost')


if __name__ == '__main__':
    main([a_tunnel_that_needs_it, bad_files_are_refused])
