# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the daemon may do after start, read from /proc (doc/architecture.md)."""

import base64
import glob
import os
import re
import shutil
import signal
import tempfile

from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from lab import SANITIZED, Lab, check, connection, main, need_root, wait

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


def reader_of(a):
    tasks = open(f'/proc/{a.pid()}/task/{a.pid()}/children').read().split()
    found = [p for p in tasks if open(f'/proc/{p}/comm').read().strip() == 'rv-reader']
    check(len(found) == 1, f'the readers are {found} of {tasks}')
    return found[0]


def roots_files_are_read_after_root_is_given_up():
    """The configuration, private keys and their folder are root's alone; what lies elsewhere is not read, nor by a link."""
    need_root('the daemon becomes nobody')
    with Lab() as lab:
        a, b = lab.hosts
        elsewhere = tempfile.mkdtemp()

        def put_key(folder, name):
            key = ed25519.Ed25519PrivateKey.generate()
            with open(os.open(os.path.join(folder, name), os.O_WRONLY | os.O_CREAT, 0o600), 'wb') as f:
                f.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
            return base64.b64encode(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()

        def with_keys(host, other, name, me, them, own, peers, secrets):
            text = config(host, other, name, me, them, 'ravelin { user = nobody }')
            text = re.sub(r'(local \{\s*auth = )psk', r'\1pubkey\npubkeys = 0s' + own, text)
            text = re.sub(r'(remote \{\s*auth = )psk', r'\1pubkey\npubkeys = ' + ', '.join('0s' + p for p in peers), text)
            return text.replace('secrets {', 'secrets {\n' + ''.join('private-%d { file = %s }\n' % x for x in enumerate(secrets)))

        for host in (a, b):
            os.chmod(host.dir, 0o755)
            os.mkdir(host.dir + '/private', 0o700)
        first, second, third = (put_key(a.dir + '/private', n) for n in ('first.pem', 'second.pem', 'third.pem'))
        far, other = put_key(elsewhere, 'far.pem'), put_key(b.dir + '/private', 'own.pem')
        os.symlink(elsewhere + '/far.pem', a.dir + '/private/link.pem')
        os.unlink(a.dir + '/private/third.pem')
        b.ravelind(with_keys(b, a, 'west', 'east', 'west', other, [first, second, far], []))  # found in its folder
        a.ravelind(with_keys(a, b, 'east', 'west', 'east', first, [other], ['first.pem', elsewhere + '/far.pem']))
        check('reload-will-fail' not in a.log_text(), 'it thinks that it cannot read its configuration')
        refused = [l for l in a.log_text().splitlines() if 'private-key-unusable' in l]
        check(len(refused) == 1 and elsewhere in refused[0] and 'chgrp' in refused[0], f'{refused}')
        a.ravelin('up', 'east')

        # what the reader is
        reader = reader_of(a)
        s = status(f'/proc/{reader}/status')
        check(int(s['CapEff'], 16) == int(s['CapPrm'], 16) == 1 << 2, f'its capabilities are {s["CapEff"]}')
        check(int(s['CapInh'], 16) == int(s['CapAmb'], 16) == int(s['CapBnd'], 16) == 0, f'capabilities: {s}')
        check(s['NoNewPrivs'] == '1' and set(s['Uid'].split()) == {'65534'}, f'{s["Uid"]}, {s["NoNewPrivs"]}')
        check(SANITIZED or s['Seccomp'] == '2', 'it has no system-call filter')
        check(len(os.listdir(f'/proc/{reader}/fd')) == 2, 'it has more files open than two')

        # another key after a reload
        a.write('ravelin.conf', with_keys(a, b, 'east', 'west', 'east', second, [other], ['second.pem']))
        os.kill(a.pid(), signal.SIGHUP)
        wait('it is reloaded', lambda: a.log_text().count('reloaded') >= 2)
        a.ravelin('down', 'east')
        a.ravelin('up', 'east')
        # and not one that a link leads to
        a.write('ravelin.conf', with_keys(a, b, 'east', 'west', 'east', far, [other], ['link.pem']))
        os.kill(a.pid(), signal.SIGHUP)
        wait('it is reloaded', lambda: a.log_text().count('reloaded') >= 3)
        a.ravelin('down', 'east')
        check(a.ravelin('up', 'east', ok=False).returncode, 'it has read what lies elsewhere')
        check(a.stop() == 0, 'it does not end well')
        wait('the reader ends too', lambda: not os.path.exists(f'/proc/{reader}/cmdline') or
             open(f'/proc/{reader}/stat').read().split()[2] == 'Z')
        shutil.rmtree(elsewhere)


def roots_ticket_key_is_read_at_a_reload_too():
    need_root('the daemon becomes nobody')
    with Lab() as lab:
        a, b = lab.hosts
        os.chmod(a.dir, 0o755)
        os.mkdir(a.dir + '/private', 0o700)
        elsewhere = tempfile.mkdtemp()

        def with_key(folder, name):
            with open(os.open(os.path.join(folder, name), os.O_WRONLY | os.O_CREAT, 0o600), 'wb') as f:
                f.write(os.urandom(32))
            return config(a, b, 'east', 'west', 'east', 'ravelin { user = nobody\n plugins { ikev2-resumption {'
                          ' load = yes\n key_file = %s/%s } } }' % (folder, name))

        def given():
            return a.log_text().count('ticket-given')

        def reloaded_with(text, times):
            a.write('ravelin.conf', text)
            os.kill(a.pid(), signal.SIGHUP)
            wait('it is reloaded', lambda: a.log_text().count('reloaded') >= times)
            b.ravelin('down', 'west')
            b.ravelin('up', 'west')

        a.ravelind(with_key(a.dir + '/private', 'first'))
        b.ravelind(config(b, a, 'west', 'east', 'west', 'ravelin { plugins { ikev2-resumption { load = yes } } }'))
        b.ravelin('up', 'west')
        check(given() == 1 and 'no-ticket-key' not in a.log_text(), 'no ticket is given')
        reloaded_with(with_key(a.dir + '/private', 'second'), 2)
        check(given() == 2 and 'no-ticket-key' not in a.log_text(), 'no ticket is given after a reload')
        reloaded_with(with_key(elsewhere, 'far'), 3)
        refused = [l for l in a.log_text().splitlines() if 'no-ticket-key' in l]
        check(given() == 2 and len(refused) == 1 and elsewhere in refused[0] and 'chgrp' in refused[0], f'{refused}')
        shutil.rmtree(elsewhere)


def patterns_look_in_roots_folders_at_a_reload_too():
    need_root('the daemon becomes nobody')
    with Lab() as lab:
        a, b = lab.hosts
        os.chmod(a.dir, 0o711)  # nobody else may list it
        os.mkdir(a.dir + '/conf.d', 0o700)
        text = config(a, b, 'east', 'west', 'east', 'ravelin { user = nobody }')
        at = text.index('secrets {')

        def put(name, text):
            with open(os.open(os.path.join(a.dir, name), os.O_WRONLY | os.O_CREAT, 0o600), 'w') as f:
                f.write(text)

        put('conf.d/secret.conf', text[at:])
        a.ravelind('include conf.d/*.conf\ninclude *.part\n' + text[:at])
        b.ravelind(config(b, a, 'west', 'east', 'west'))
        a.ravelin('up', 'east')
        for n, name in enumerate(('conf.d/more.conf', 'more.part')):
            put(name, 'connections { new%d { remote_addrs = 192.0.2.1\n local { auth = psk\n }\n remote { auth = psk\n } } }' % n)
        os.kill(a.pid(), signal.SIGHUP)
        wait('it is reloaded', lambda: a.log_text().count('reloaded') >= 2)
        names = {c['Name'] for c in a.json('list', 'connections')}
        check({'east', 'new0', 'new1'} <= names, f'after the reload there are {names}')
        a.ravelin('down', 'east')
        a.ravelin('up', 'east')


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
    main([every_thread_has_only_what_it_needs, roots_files_are_read_after_root_is_given_up,
          roots_ticket_key_is_read_at_a_reload_too,
          patterns_look_in_roots_folders_at_a_reload_too, workers_cannot_open_files,
          a_second_daemon_in_the_same_run_folder_is_refused])
