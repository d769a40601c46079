# SPDX-License-Identifier: LGPL-2.1-or-later
"""The command line: usage errors, JSON of every command, tables, monitor, exported state, and a daemon that is not there."""

import json
import os
import signal
import subprocess

from lab import BUILD, Lab, check, connection, main, wait

TOOL = os.path.join(BUILD, 'tools', 'ravelin')
LISTS = ('connections', 'ike', 'child', 'plugins', 'services', 'policies', 'attempts')


def tool(*args, **env):
    return subprocess.run([TOOL, *args], capture_output=True, text=True, timeout=60, env=dict(os.environ, **env))


def pair(lab):
    a, b = lab.hosts[:2]
    for h, o in ((a, b), (b, a)):
        h.ravelind(connection(o.name, h.wire4, o.wire4, h.name + '.example', o.name + '.example', local_ts=h.net4,
                              remote_ts=o.net4))
    return a, b


def usage_errors_have_status_2():
    """Whether or not there is a daemon."""
    for args in ((), ('x',), ('--nothing', 'status'), ('status', '--nothing'), ('up',), ('up', 'a', 'b', 'c'), ('down',),
                 ('down', 'a', 'b'), ('status', 'x'), ('list',), ('list', 'x'), ('list', 'ike', 'x'), ('load',),
                 ('unload',), ('up', 'a', '--timeout'), ('up', 'a', '--timeout', '0'), ('up', 'a', '--timeout', '-1'),
                 ('up', 'a', '--timeout', '1x'), ('up', 'a', '--timeout', '86401'), ('up', 'a', '--timeout='),
                 ('down', 'a', '--timeout', '5'), ('up', 'a', '--drain'), ('status', '--drain'), ('--socket',),
                 ('diagnose',), ('log-level',), ('export', 'f'), ('import', 'f'), ('export', '--key-file', 'k'),
                 ('status', '--key-file', 'k'), ('reload', 'x'), ('stop', 'x'), ('monitor', 'x'), ('--jso', 'status'),
                 ('--socketx', 'y', 'status')):
        r = tool('--socket', '/run/nowhere', *args) if args != ('--socket',) else tool(*args)
        check(r.returncode == 2, f'{args}: status {r.returncode}\n{r.stderr}')
        check(r.stderr and not r.stdout, f'{args}: {r.stdout}{r.stderr}')
    r = tool('--socket', '/run/nowhere', 'list', 'x')
    check(all(word in r.stderr for word in LISTS), 'what can be listed is not said: ' + r.stderr)


def help_and_version_are_no_errors():
    for args in (('--help',), ('help',)):
        r = tool(*args)
        check(r.returncode == 0 and 'usage: ravelin' in r.stdout and not r.stderr, f'{args}: {r}')
        for word in ('up NAME', 'unload PLUGIN [--drain]', 'export FILE --key-file KEY', 'RAVELIN_SOCKET'):
            check(word in r.stdout, f'the help does not say {word}')
    r = tool('--version')
    check(r.returncode == 0 and r.stdout.startswith('ravelin '), f'{r}')


def without_a_daemon_the_tool_says_so():
    for args, env in ((('--socket', '/run/nowhere'), {}), (('--socket=/run/nowhere',), {}),
                      ((), {'RAVELIN_SOCKET': '/run/nowhere'}),
                      ((), {'DBUS_SYSTEM_BUS_ADDRESS': 'unix:path=/run/nowhere'})):
        for command in (('status',), ('up', 'x'), ('list', 'ike'), ('monitor',)):
            r = tool(*args, *command, **env)
            check(r.returncode == 1 and 'no daemon answers at' in r.stderr and 'is ravelind running' in r.stderr,
                  f'{args} {env} {command}: {r}')
    r = tool('--socket', '/run/nowhere', '--json', 'status')
    check(r.returncode == 1 and 'no daemon' in json.loads(r.stdout)['text'], f'{r}')


def every_command_has_json():
    with Lab() as lab:
        a, b = pair(lab)
        check(a.json('list', 'connections')[0]['State'] == 'down', 'the connection is not down')
        got = a.json('up', b.name, 'net', '--timeout', '10')
        check(got['State'] == 'ok' and got['Connection'] == b.name and len(got['Steps']) > 3, f'up: {got}')
        for word in LISTS:
            rows = a.json('list', word)
            check(isinstance(rows, list) and rows and all(isinstance(r, dict) for r in rows), f'list {word}: {rows}')
        services = a.json('list', 'services')
        check(all(set(s) == {'Kind', 'Name', 'Provider', 'Chosen', 'Attributes', 'SelfTest', 'SpeedNs', 'Users'}
                  for s in services), f'services: {services}')
        aead = [s for s in services if s['Kind'] == 'aead' and s['SelfTest'].startswith('passed')]
        check(aead and all(isinstance(s['Chosen'], bool) and isinstance(s['Users'], int) for s in aead), f'{services}')
        got = a.json('status')
        check(got['Sessions'] == 1 and got['ChildSas'] == 1, f'status: {got}')
        check(got['Connections'][0]['State'] == 'up' and len(got['IkeSas']) == 1 and len(got['Children']) == 1,
              f'status: {got}')
        check(a.json('diagnose', b.name)[0]['State'] == 'ok', 'diagnose')
        for args in (('rekey', b.name), ('rekey', b.name, 'net'), ('log-level', 'debug'), ('reload',),
                     ('unload', 'conf-swanctl'), ('load', 'conf-swanctl'), ('down', b.name)):
            check(a.json(*args) == {'result': 'ok'}, f'{args}')
        for args, error in ((('up', 'x'), 'UnknownConnection'), (('up', b.name, 'x'), 'UnknownChild'),
                            (('down', 'x'), 'UnknownConnection'), (('rekey', 'x'), 'UnknownConnection'),
                            (('load', 'x'), 'PluginRefused'), (('unload', 'x'), 'NotLoaded'),
                            (('unload', 'crypto-gnutls'), 'InUse'), (('log-level', 'x'), 'InvalidConfiguration'),
                            (('diagnose', 'x'), 'UnknownConnection')):
            r = a.ravelin(*args, '--json', ok=False)
            check(r.returncode == 1 and json.loads(r.stdout)['error'] == error, f'{args}: {r}')
            check(r.stderr.startswith('ravelin: ') and error in r.stderr, f'{args}: {r.stderr}')
        check(a.json('stop') == {'result': 'ok'}, 'stop')
        check(a.stopped() == 0, 'the daemon did not end well')


def people_can_read_it():
    with Lab() as lab:
        a, b = pair(lab)
        r = a.ravelin('diagnose', b.name)
        check('no attempt yet' in r.stdout, r.stdout)
        r = a.ravelin('up', b.name)
        check(r.stdout.rstrip().endswith('done') and r.stdout.count('\n') > 3, r.stdout)
        r = a.ravelin('status')
        for word in ('1 sessions, 1 child SAs', b.name + ': up', '[host1.example]', '[host2.example]', 'net #1 installed',
                     '10.1.0.0/16 === 10.2.0.0/16'):
            check(word in r.stdout, f'status has no {word}:\n{r.stdout}')
        for word in LISTS:
            lines = a.ravelin('list', word).stdout.splitlines()
            check(len(lines) > 1 and lines[0].split()[0] in ('Name', 'Id', 'Kind', 'LocalTs'), f'list {word}: {lines}')
        r = a.ravelin('diagnose', b.name)
        check(b.name in r.stdout and 'asked for by user' in r.stdout and 'done' in r.stdout, r.stdout)


def up_says_when_time_is_up():
    with Lab() as lab:
        a, b = lab.hosts
        a.ravelind(connection(b.name, a.wire4, '10.0.0.77', 'a.example', 'b.example', local_ts=a.net4, remote_ts=b.net4))
        r = a.ravelin('up', b.name, '--timeout', '1', ok=False)
        check(r.returncode == 1 and 'Timeout: no verdict within 1 s' in r.stderr, f'{r}')
        check('ravelin diagnose ' + b.name in r.stderr and 'still under way' in r.stderr, r.stderr)
        r = a.ravelin('up', b.name, '--timeout=1', '--json', ok=False)
        check(r.returncode == 1 and json.loads(r.stdout)['State'] == 'running', f'{r}')
        a.ravelin('down', b.name)


def monitor_prints_what_happens():
    with Lab() as lab:
        a, b = pair(lab)
        socket = os.path.join(a.run_dir, 'bus')
        plain = a.start(TOOL, '--socket', socket, 'monitor', stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        check('from now on' in plain.stderr.readline(), 'monitor does not say that it is ready')
        lines = open(os.path.join(a.dir, 'lines'), 'w+')
        machine = a.start(TOOL, '--socket', socket, 'monitor', '--json', stdout=lines, stderr=subprocess.DEVNULL)

        def signals():
            return [json.loads(line) for line in open(lines.name) if line.endswith('\n')]

        def someone_listens():
            a.ravelin('unload', 'conf-swanctl')
            a.ravelin('load', 'conf-swanctl')
            return signals()
        wait('monitor --json prints', someone_listens)
        a.ravelin('up', b.name)
        a.ravelin('down', b.name)
        for name in ('peer-up', 'child-up', 'child-down', 'peer-down'):
            wait('monitor prints ' + name, lambda: any(s['signal'] == 'Event' and s['arguments'][0] == name
                                                       for s in signals()))
        check(any(s['signal'] == 'Step' and s['path'].endswith('/attempt/1') for s in signals()), 'no step was printed')
        check(a.stop() == 0, 'the daemon did not end well')
        text = plain.communicate(timeout=10)
        check(plain.returncode == 1 and 'the daemon closed the connection' in text[1], f'{plain.returncode} {text[1]}')
        for word in ('Event peer-up,', 'attempt/1 Finished', 'connection/host2 PropertiesChanged'):
            check(word in text[0], f'monitor printed no {word}:\n{text[0]}')
        check(machine.wait(10) == 1, 'monitor --json did not end')


def state_goes_to_a_file_and_back():
    with Lab() as lab:
        a, b = pair(lab)
        a.ravelin('up', b.name)
        key, other, state = (os.path.join(a.dir, name) for name in ('key', 'other', 'sessions'))
        for path, octets in ((key, 32), (other, 31)):
            with open(path, 'wb') as f:
                f.write(os.urandom(octets))
        r = a.ravelin('export', state, '--key-file', key)
        check(r.stdout == '1 sessions\n' and os.stat(state).st_size > 100, f'{r}')
        check(os.stat(state).st_mode & 0o777 == 0o600, 'the state can be read by others')
        r = a.ravelin('export', state + '2', '--key-file', other, ok=False)
        check(r.returncode == 1 and '32 octets' in r.stderr, f'{r}')
        r = a.ravelin('export', state, '--key-file', '/nowhere', ok=False)
        check(r.returncode == 1 and 'No such file' in r.stderr, f'{r}')
        a.stop(signal.SIGKILL)
        a.ravelind(open(a.config).read())
        check(not a.json('list', 'ike'), 'the new daemon has SAs')
        check(a.json('import', state, '--key-file', key) == {'sessions': 1}, 'import')
        a.ping(b.in4, source=a.in4)
        with open(key, 'wb') as f:
            f.write(os.urandom(32))
        r = a.ravelin('import', state, '--key-file', key, ok=False)
        check(r.returncode == 1 and 'IntegrityCheckFailed' in r.stderr, f'{r}')


if __name__ == '__main__':
    main([usage_errors_have_status_2, help_and_version_are_no_errors, without_a_daemon_the_tool_says_so,
          every_command_has_json, people_can_read_it, up_says_when_time_is_up, monitor_prints_what_happens,
          state_goes_to_a_file_and_back])
