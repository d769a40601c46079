# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the daemon may do after start, read from /proc (doc/architecture.md)."""

import glob
import os
import re


from lab import SANITIZED, Lab, check, connection, main, need_root

ALLOWED = {10: 'CAP_NET_BIND_SERVICE', 12: 'CAP_NET_ADMIN', 13: 'CAP_NET_RAW'}


def status(path):
    return dict(re.findall(r'^(\w+):\s+(.*)$', open(path).read(), re.M))


def config(a, b, name, me, them, extra=''):
    return connection(name, a.wire4, b.wire4, me + '.example', them + '.example', local_ts=a.net4, remote_ts=b.net4,
                      plugins=extra)


def every_thread_has_only_what_it_needs():
    need_root('the daemon becomes nobody')
    with Lab() as lab:
        a, b = lab.hosts
        os.chmod(a.dir, 0o755)
        keys = a.write('keys', '')
        os.chown(keys, 65534, 65534)
        own = 'ravelin { user = nobody\n plugins { keylog { path = %s } } }' % keys
        a.ravelind(config(a, b, 'east', 'west', 'east', own))
        b.ravelind(config(b, a, 'west', 'east', 'west'))
        a.ravelin('up', 'east')
        a.ping(b.in4, source=a.in4)
        tasks = glob.glob(f'/proc/{a.pid()}/task/*/status')
        check(len(tasks) >= 2, f'{len(tasks)} threads: the workers are missing')
        for task in tasks:
            s = status(task)
            for caps in ('CapInh', 'CapAmb', 'CapBnd'):
                check(int(s[caps], 16) == 0, f'{s["Name"]} {caps} is {s[caps]}')
            for caps in ('CapEff', 'CapPrm'):
                have = {i for i in range(64) if int(s[caps], 16) >> i & 1}
                check(have <= set(ALLOWED), f'{s["Name"]} {caps} has capabilities {sorted(have - set(ALLOWED))}')
            check(s['NoNewPrivs'] == '1', f'{s["Name"]} may gain privileges')
            check(SANITIZED or s['Seccomp'] == '2', f'{s["Name"]} has no system-call filter')
            check(set(s['Uid'].split()) == {'65534'}, f'{s["Name"]} runs as {s["Uid"]}')
        dumpable = os.stat(f'/proc/{a.pid()}/status')
        check(dumpable.st_uid == 0, 'the process is dumpable')
        # it still works, and plugins can still be loaded and unloaded
        a.ravelin('rekey', 'east')
        a.ravelin('load', 'keylog')
        a.ravelin('unload', 'keylog')
        a.ping(b.in4, source=a.in4)
        check(a.stop() == 0, 'it does not end well')
        check('ravelin' not in a.ip('-o', 'link').stdout + a.run('nft', 'list', 'ruleset').stdout, 'it left traces')
        left = [f for f in os.listdir(a.run_dir) if f != 'speeds']  # measurements, for the next start
        check(not left, f'left in the run folder: {left}')


def workers_cannot_open_files():
    with Lab() as lab:
        a, b = lab.hosts
        a.ravelind(config(a, b, 'east', 'west', 'east'))
        b.ravelind(config(b, a, 'west', 'east', 'west'))
        a.ravelin('up', 'east')
        workers = [t for t in glob.glob(f'/proc/{a.pid()}/task/*') if open(t + '/comm').read().startswith('rv-esp/')]
        check(workers, 'no thread is named a packet worker')
        main_filters = status(f'/proc/{a.pid()}/task/{a.pid()}/status')['Seccomp_filters']
        for w in workers:
            check(int(status(w + '/status')['Seccomp_filters']) > int(main_filters),
                  'a worker has no filter besides the daemon\'s')
        a.ping(b.in4, source=a.in4)


def a_second_daemon_in_the_same_run_folder_is_refused():
    with Lab() as lab:
        a, b = lab.hosts
        a.ravelind(config(a, b, 'east', 'west', 'east'))
        from lab import BUILD, PLUGINS
        r = a.run(BUILD + '/core/ravelind', '--config', a.config, '--run-dir', a.run_dir, '--plugin-dir', PLUGINS,
                  '--bus', 'none', '--foreground', ok=False)
        check(r.returncode == 1 and a.run_dir in r.stderr, f'a second daemon: {r.returncode} {r.stderr}')
        check(a.ravelin('status').returncode == 0, 'the first daemon no longer answers')


if __name__ == '__main__':
    main([every_thread_has_only_what_it_needs, workers_cannot_open_files,
          a_second_daemon_in_the_same_run_folder_is_refused])
