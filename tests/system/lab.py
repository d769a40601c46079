# SPDX-License-Identifier: LGPL-2.1-or-later
"""lab: hosts in network namespaces, each with a ravelind or a strongSwan, and what tests ask of them.

A test file is run by tests/system/run inside network, mount and process namespaces of its own with an empty /run, so
that nothing outside is touched and everything is gone afterwards, however it ends. Addresses: the wire is 10.0.0.0/24
and fd00::/64, host N is 10.0.0.N and fd00::N; behind it are 10.N.0.1/16 and fd00:N::1/64.
"""

import json
import math
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
import traceback

SOURCE = os.path.realpath(os.path.join(os.path.dirname(__file__), '..', '..'))
BUILD = os.environ.get('RAVELIN_BUILD', os.path.join(SOURCE, 'build'))
PLUGINS = os.path.join(BUILD, 'plugins')
SPEEDS = os.path.join(BUILD, 'speeds')  # what a daemon of this build measured, for all that follow

PSK = '0sMDEyMzQ1Njc4OWFiY2RlZg=='

SANITIZER = re.compile(r'(ERROR|SUMMARY): \w+Sanitizer|: runtime error: ')


def sanitized():
    """Whether the build has a sanitizer in it. A filter of system calls and a process that cannot be traced keep the
    search for leaks from working, so daemons of such a build run with --no-filter."""
    path = os.path.join(BUILD, 'meson-info', 'intro-buildoptions.json')
    options = json.load(open(path)) if os.path.exists(path) else []
    if not any(o['name'] == 'b_sanitize' and o['value'] not in ('none', []) for o in options):
        return False
    leaks = os.path.join(SOURCE, 'tests', 'lsan.txt')
    for name, value in (('ASAN', 'detect_leaks=1:exitcode=99'), ('UBSAN', 'print_stacktrace=1'),
                        ('LSAN', 'exitcode=99:print_suppressions=0:suppressions=' + leaks)):
        os.environ[name + '_OPTIONS'] = value + ':' + os.environ.get(name + '_OPTIONS', '')
    return True


SANITIZED = sanitized()


class Failure(Exception):
    pass


class Skip(Exception):
    pass


def need_root(why):
    """Leaves the test out, aloud, where root is a user's own: in the namespaces of an ordinary user."""
    with open('/proc/self/uid_map') as f:
        if f.read().split() != ['0', '0', '4294967295']:
            raise Skip('only root can do this: ' + why)


def check(condition, what):
    if not condition:
        raise Failure(what)


def wait(what, fn, seconds=10):
    """Polls fn until it is true; its value. Fails with `what` after `seconds`."""
    end = time.monotonic() + seconds
    while True:
        value = fn()
        if value:
            return value
        if time.monotonic() > end:
            raise Failure(f'{what}: not within {seconds} s')
        time.sleep(0.05)


def run(*args, seconds=60, ok=True, **kw):
    """Runs a command; its result. Fails when ok and the status is not 0."""
    r = subprocess.run([str(a) for a in args], capture_output=True, text=True, timeout=seconds, **kw)
    if ok and r.returncode:
        raise Failure(f'{" ".join(map(str, args))}: status {r.returncode}\n{r.stdout}{r.stderr}')
    return r


class Host:
    """A namespace with a wire interface eth0 and a protected network on lo."""

    def __init__(self, lab, n):
        self.lab, self.n, self.name = lab, n, 'host%d' % n
        self.wire4, self.wire6 = '10.0.0.%d' % n, 'fd00::%d' % n
        self.in4, self.in6 = '10.%d.0.1' % n, 'fd00:%d::1' % n
        self.net4, self.net6 = '10.%d.0.0/16' % n, 'fd00:%d::/64' % n
        self.dir = os.path.join(lab.dir, self.name)
        os.makedirs(self.dir)
        self.daemon, self.is_ravelind = None, False
        run('ip', 'netns', 'add', self.name)
        # a link-local address must be there at once, or the first packets to a neighbour are lost
        self.run('sysctl', '-qw', 'net.ipv6.conf.all.accept_dad=0', 'net.ipv6.conf.default.accept_dad=0',
                 'net.ipv6.conf.default.dad_transmits=0')
        self.ip('link', 'set', 'lo', 'up')
        self.ip('addr', 'add', self.in4 + '/16', 'dev', 'lo')
        self.ip('addr', 'add', self.in6 + '/64', 'dev', 'lo', 'nodad')

    def ip(self, *args, ok=True):
        return run('ip', '-n', self.name, *args, ok=ok)

    def run(self, *args, **kw):
        return run('ip', 'netns', 'exec', self.name, *args, **kw)

    def start(self, *args, **kw):
        p = subprocess.Popen(['ip', 'netns', 'exec', self.name, *[str(a) for a in args]], **kw)
        self.lab.processes.append(p)
        return p

    def write(self, name, text, mode=0o600):
        path = os.path.join(self.dir, name)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), 'w') as f:
            f.write(text)
        return path

    def ping(self, dst, count=3, interval=0.1, size=56, source=None, ok=True):
        """How many of the first count pings were answered. Since ping stops two round trips after its last request, which
        is too soon on a busy machine, it is given time (-w) and goes on until as many answers came."""
        args = ['ping', '-n', '-c', count, '-i', interval, '-w', math.ceil(count * interval + 2), '-s', size]
        if source:
            args += ['-I', source]
        r = self.run(*args, dst, ok=False, seconds=count * max(interval, 0.2) + 30)
        got = sum(1 for n in answered(r.stdout) if n <= count)
        if ok:
            check(got == count, f'{self.name} ping {dst}: {got} of {count}\n{r.stdout}{r.stderr}')
        return got

    def pinging(self, dst, source=None, interval=0.05):
        """Pings on until .stop(); then how many were lost."""
        return Pinging(self, dst, source, interval)

    def transfer(self, other, source, dst, octets=None, port=5001, listen=None):
        """Sends octets over TCP to dst on other (which may know it as listen); fails unless both see the same SHA-256.
        Seconds it took."""
        octets = octets or int(os.environ.get('RAVELIN_TRANSFER', 10_000_000 if SANITIZED else 100_000_000))
        tcp = os.path.join(SOURCE, 'tests', 'system', 'tcp.py')
        server = other.start(sys.executable, tcp, 'recv', listen or dst, port, stdout=subprocess.PIPE, text=True)
        check(server.stdout.readline() == 'listening\n', 'the TCP receiver does not listen')
        began = time.monotonic()
        sent = self.run(sys.executable, tcp, 'send', source, dst, port, octets, seconds=150).stdout.strip()
        got = server.communicate(timeout=120)[0].strip()
        check(sent and sent == got, f'{octets} octets over TCP: sent {sent}, got {got}')
        return time.monotonic() - began

    # Ravelin

    def ravelind(self, config, *args, plugin_dir=PLUGINS, expect=True, root=None, measured=True):
        """Starts ravelind (of the build, or installed below root) on config text and waits until it answers. measured:
        it need not find out what daemons before it have found out of the same algorithms."""
        self.config = self.write('ravelin.conf', config)
        self.run_dir = os.path.join(self.dir, 'run')
        os.makedirs(self.run_dir, exist_ok=True)
        if measured and os.path.exists(SPEEDS) and not os.path.exists(self.speeds()):
            shutil.copy(SPEEDS, self.speeds())
        self.state_dir = os.path.join(self.dir, 'state')  # there after a restart
        self.log = os.path.join(self.dir, 'log')
        out = open(self.log, 'ab')
        program, env = os.path.join(BUILD, 'core', 'ravelind'), None
        if root:
            program, library = (run('find', root, '-name', name).stdout.strip() for name in ('ravelind', 'libravelin.so'))
            env = dict(os.environ, LD_LIBRARY_PATH=os.path.dirname(library))
        self.daemon = self.start(program, '--config', self.config, '--run-dir', self.run_dir, '--state-dir', self.state_dir,
                                 '--plugin-dir', plugin_dir,
                                 '--log-level', 'debug', '--bus', 'none', '--foreground',
                                 *(['--no-filter'] if SANITIZED else []), *args, stdout=out, stderr=out, env=env)
        self.is_ravelind = True
        if expect:
            self.ready()
        return self

    def speeds(self):
        return os.path.join(self.run_dir, 'speeds')

    def keep_speeds(self):
        """Those of other builds fall out when there are more than a daemon would read."""
        if not os.path.exists(self.speeds()):
            return
        ours = set(open(self.speeds()))
        known = set(open(SPEEDS)) if os.path.exists(SPEEDS) else set()
        if ours <= known:
            return
        fresh = '%s-%d-%d' % (SPEEDS, os.getpid(), time.monotonic_ns())
        with open(fresh, 'w') as file:
            file.writelines(sorted(ours | known if len(ours | known) < 2000 else ours))
        os.replace(fresh, SPEEDS)

    def ready(self):
        def answers():
            check(self.daemon.poll() is None, f'{self.name}: ravelind ended\n' + self.log_tail())
            return self.ravelin('status', ok=False).returncode == 0
        wait(f'{self.name}: ravelind answers', answers, 15)

    def pid(self):
        """The daemon's own process (ip netns exec becomes it)."""
        return self.daemon.pid

    def ravelin(self, *args, ok=True, seconds=60):
        r = self.run(os.path.join(BUILD, 'tools', 'ravelin'), '--socket', os.path.join(self.run_dir, 'bus'), *args,
                     ok=ok, seconds=seconds)
        check(not SANITIZER.search(r.stderr), f'ravelin {" ".join(map(str, args))}:\n{r.stderr}')
        return r

    def json(self, *args):
        return json.loads(self.ravelin(*args, '--json').stdout)

    def log_text(self):
        return open(self.log, errors='replace').read()

    def log_tail(self, n=40):
        return '\n'.join(self.log_text().split('\n')[-n:])

    def stop(self, how=signal.SIGTERM, seconds=10):
        self.daemon.send_signal(how)
        return self.stopped(seconds)

    def stopped(self, seconds=60):
        """Waits for the daemon's end; its status. Fails when a sanitizer has found something."""
        status = self.daemon.wait(seconds)
        self.daemon = None
        if self.is_ravelind:
            self.keep_speeds()
        found = SANITIZER.search(self.log_text())
        check(not found, f'{self.name}: a sanitizer has found something:\n'
              + self.log_text()[found.start() if found else 0:][:6000])
        return status

    # strongSwan

    def strongswan(self, config, level=1, retries=3, settings='', inside=()):
        """Starts strongSwan on config text and settings. inside: the command that runs programs in another root
        (sid.py)."""
        d = self.dir
        for sub in ('x509', 'x509ca', 'private', 'conf.d'):
            os.makedirs(os.path.join(d, sub), exist_ok=True)
        self.write('swanctl.conf', config)
        conf = self.write('strongswan.conf', STRONGSWAN % {'dir': d, 'level': level, 'tries': retries,
                                                         'settings': settings})
        self.swan_env = dict(os.environ, STRONGSWAN_CONF=conf, SWANCTL_DIR=d)
        self.log = os.path.join(d, 'charon.log')
        self.is_ravelind = False
        self.swan_inside = inside
        self.daemon = self.start(*inside, 'charon-systemd', env=self.swan_env, stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL)
        wait('strongSwan answers', lambda: os.path.exists(d + '/vici'))
        self.swanctl('--load-all')
        return self

    def swanctl(self, *args, ok=True, seconds=60):
        return self.run(*self.swan_inside, 'swanctl', *args, '--uri', 'unix://%s/vici' % self.dir, env=self.swan_env,
                        ok=ok, seconds=seconds)


def answered(out):
    """The numbers of the pings that were answered, from ping's output."""
    return {int(n) for n in re.findall(r'bytes from .* icmp_seq=(\d+) ', out)}


class Pinging:
    def __init__(self, host, dst, source, interval):
        self.interval = interval
        args = ['ping', '-n', '-i', interval, '-W', 2] + (['-I', source] if source else []) + [dst]
        self.p = host.start(*args, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def stop(self):
        """(sent, lost). Those of the last second do not count, since answers may be under way."""
        time.sleep(1)
        self.p.send_signal(signal.SIGINT)
        out = self.p.communicate(timeout=10)[0]
        m = re.search(r'(\d+) packets transmitted', out)
        check(m, 'ping printed no summary:\n' + out)
        sent = int(m.group(1)) - math.ceil(1 / self.interval)
        return sent, sent - sum(1 for n in answered(out) if n <= sent)


class Capture:
    """A packet capture on a host's interface."""

    def __init__(self, host, interface='eth0'):
        self.path = os.path.join(host.dir, 'capture-%d.pcap' % len(host.lab.processes))
        self.p = host.start(os.path.join(SOURCE, 'tools', 'capture'), interface, self.path, stderr=subprocess.PIPE,
                            text=True)
        check('listening' in self.p.stderr.readline(), 'nothing is captured')

    def stop(self):
        time.sleep(0.2)
        self.p.send_signal(signal.SIGINT)
        check(self.p.wait(5) == 0, 'the capture ended before its time')
        return self.path

    def lines(self, *args):
        """The packets by tcpdump, as nobody: it would give up being root, which cannot be done in a user's namespaces."""
        return run('unshare', '-U', 'tcpdump', '-n', '-r', self.path, *args).stdout.split('\n')[:-1]


class Lab:
    """Hosts 1..n on one switch (a bridge in a namespace of its own); direct: two hosts at the two ends of a wire."""

    def __init__(self, n=2, direct=False):
        self.dir = os.path.join('/run/lab', str(time.monotonic_ns()))
        os.makedirs(self.dir)
        self.processes, self.namespaces = [], []
        self.hosts = [Host(self, i + 1) for i in range(n)]
        if direct:
            run('ip', 'link', 'add', 'eth0', 'netns', 'host1', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', 'host2')
        else:
            self.switch()
        for h in self.hosts:
            h.ip('addr', 'add', h.wire4 + '/24', 'dev', 'eth0')
            h.ip('addr', 'add', h.wire6 + '/64', 'dev', 'eth0', 'nodad')
            h.ip('link', 'set', 'eth0', 'up')
        for h in self.hosts:
            for other in self.hosts:
                if other is not h:  # without a tunnel, protected networks are reachable in clear: leaks show
                    h.ip('route', 'add', other.net4, 'via', other.wire4, 'src', h.in4)
                    h.ip('-6', 'route', 'add', other.net6, 'via', other.wire6, 'src', h.in6)

    def switch(self):
        self.namespaces.append('switch')
        run('ip', 'netns', 'add', 'switch')
        run('ip', '-n', 'switch', 'link', 'add', 'br0', 'type', 'bridge')
        run('ip', '-n', 'switch', 'link', 'set', 'br0', 'up')
        for h in self.hosts:
            port = 'p%d' % h.n
            run('ip', 'link', 'add', port, 'netns', 'switch', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', h.name)
            run('ip', '-n', 'switch', 'link', 'set', port, 'master', 'br0', 'up')

    def unpaced(self):
        """TCP of the hosts sends as fast as it may (Reno, RFC 5681, which every kernel has), not by a clock as BBR does."""
        for h in self.hosts:
            h.run('sysctl', '-qw', 'net.ipv4.tcp_congestion_control=reno')

    def __enter__(self):
        return self

    def end(self):
        """Every ravelind that still should run does, and ends in good order; none of its parts leaks."""
        running = [h for h in self.hosts if h.daemon and h.is_ravelind]
        for h in running:
            check(h.daemon.poll() is None, f'{h.name}: ravelind died with status {h.daemon.poll()}')
            h.daemon.send_signal(signal.SIGTERM)
        for h in running:
            status = h.stopped()
            check(status == 0, f'{h.name}: ravelind ended with status {status}')

    def __exit__(self, kind, value, tb):
        try:
            if not kind:
                self.end()
        except BaseException:
            kind = True
            raise
        finally:
            self.clear(kind)

    def clear(self, failed):
        for h in self.hosts:
            if failed and getattr(h, 'log', None) and os.path.exists(h.log):
                print(f'--- log of {h.name}:\n' + h.log_tail(60), file=sys.stderr)
        for p in self.processes:
            if p.poll() is None:
                p.kill()
        for p in self.processes:
            p.wait()
        for h in self.hosts:
            run('ip', 'netns', 'del', h.name)
        for name in self.namespaces:
            run('ip', 'netns', 'del', name)


class Nat:
    """A box between a host and the switch: inside is 192.168.N.0/24 (the host has .2), outside is 10.0.0.(100+N). What
    comes from inside is masqueraded; inward: what comes to the outside goes to the host."""

    def __init__(self, lab, host, inward=False):
        self.host, self.name, self.n = host, 'nat%d' % host.n, host.n
        self.outside, self.inside = '10.0.0.%d' % (100 + host.n), '192.168.%d.2' % host.n
        run('ip', 'netns', 'add', self.name)
        lab.namespaces.append(self.name)
        port, gateway = 'p%d' % host.n, '192.168.%d.1' % host.n
        run('ip', '-n', 'switch', 'link', 'set', port, 'netns', self.name)
        run('ip', 'link', 'add', 'n%d' % host.n, 'netns', 'switch', 'type', 'veth', 'peer', 'name', 'out', 'netns',
            self.name)
        run('ip', '-n', 'switch', 'link', 'set', 'n%d' % host.n, 'master', 'br0', 'up')
        self.ip('link', 'set', port, 'up')
        self.ip('link', 'set', 'out', 'up')
        self.ip('addr', 'add', gateway + '/24', 'dev', port)
        self.ip('addr', 'add', self.outside + '/24', 'dev', 'out')
        self.run('sysctl', '-qw', 'net.ipv4.ip_forward=1')
        self.rules(inward)
        host.ip('addr', 'del', host.wire4 + '/24', 'dev', 'eth0')
        host.ip('addr', 'add', self.inside + '/24', 'dev', 'eth0')
        host.ip('route', 'add', 'default', 'via', gateway)
        host.inside4 = self.inside

    def rules(self, inward):
        ports = '' if inward else ' to :20000-29999 random'
        self.run('nft', f'''table ip nat {{
            counter passed {{ }}
            chain forward {{
                type filter hook forward priority 0
                counter name passed
            }}
            chain out {{
                type nat hook postrouting priority 100
                oifname out meta l4proto {{ tcp, udp }} masquerade{ports}
                oifname out masquerade
            }}
            chain in {{
                type nat hook prerouting priority -100
                {'iifname out dnat to ' + self.inside if inward else ''}
            }}
        }}''')

    def ip(self, *args):
        return run('ip', '-n', self.name, *args)

    def run(self, *args):
        return run('ip', 'netns', 'exec', self.name, *args)

    def count(self):
        return int(re.search(r'packets (\d+)', self.run('nft', 'list', 'counter', 'ip', 'nat', 'passed').stdout).group(1))

    def new_ports(self):
        """Every mapping is forgotten, as when the box starts anew; the next ones get other ports."""
        self.ip('link', 'set', 'out', 'down')
        self.ip('link', 'set', 'out', 'up')

    def new_address(self):
        self.ip('addr', 'add', '10.0.0.%d/24' % (150 + self.n), 'dev', 'out')
        self.ip('addr', 'del', self.outside + '/24', 'dev', 'out')
        self.ip('addr', 'replace', '10.0.0.%d/24' % (150 + self.n), 'dev', 'out')
        self.outside = '10.0.0.%d' % (150 + self.n)


def connection(name, local, remote, lid, rid, child='net', local_ts=None, remote_ts=None, proposals=None, esp=None,
               extra='', child_extra='', secret=PSK, plugins=''):
    """A configuration that both Ravelin and strongSwan read (plugins: Ravelin's own section)."""
    return f'''
connections {{
    {name} {{
        version = 2
        local_addrs = {local}
        remote_addrs = {remote}
        {'proposals = ' + proposals if proposals else ''}
        {extra}
        local {{
            auth = psk
            id = {lid}
        }}
        remote {{
            auth = psk
            id = {rid}
        }}
        children {{
            {child} {{
                {'local_ts = ' + local_ts if local_ts else ''}
                {'remote_ts = ' + remote_ts if remote_ts else ''}
                {'esp_proposals = ' + esp if esp else ''}
                {child_extra}
            }}
        }}
    }}
}}
secrets {{
    ike-pair {{
        id-1 = {lid}
        id-2 = {rid}
        secret = {secret}
    }}
}}
{plugins}
'''


STRONGSWAN = '''
charon-systemd {
    load_modular = no
    load = random nonce aes sha1 sha2 md5 mgf1 hmac kdf pem pkcs1 pkcs8 x509 pubkey constraints revocation gmp curve25519 openssl gcm chapoly ccm ctr xcbc cmac drbg kernel-libipsec kernel-netlink socket-default updown vici
    plugins {
        vici { socket = unix://%(dir)s/vici }
        kernel-libipsec { allow_peer_ts = yes }
    }
    retransmit_timeout = 1.0
    retransmit_tries = %(tries)s
    delete_rekeyed_delay = 1
    %(settings)s
    filelog {
        log {
            path = %(dir)s/charon.log
            default = %(level)s
            flush_line = yes
            ike_name = yes
        }
    }
    syslog {
        daemon { default = -1 }
        auth { default = -1 }
    }
    journal { default = -1 }
}
'''


def processor_seconds():
    """Those of this process and of the children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


def main(tests):
    """Runs the test functions of a file (or those named on the command line); prints a line each with the seconds of the
    clock and, in brackets, of the processors; exits 1 on failure."""
    names = sys.argv[1:]
    failed = passed = skipped = 0
    for test in tests:
        if names and test.__name__ not in names:
            continue
        began, used = time.monotonic(), processor_seconds()
        try:
            test()
            passed += 1
            print('ok   %-60s %5.1f s (%.1f)' % (test.__name__, time.monotonic() - began, processor_seconds() - used), flush=True)
        except Skip as e:
            print('skip %s: %s' % (test.__name__, e), flush=True)
            skipped += 1
        except Exception as e:  # pylint: disable=broad-except
            failed += 1
            print('FAIL %-60s %5.1f s\n     %s' % (test.__name__, time.monotonic() - began, e), flush=True)
            if not isinstance(e, Failure):
                traceback.print_exc()
    print('%d passed, %d failed' % (passed, failed))
    sys.exit(1 if failed or not passed + skipped else 0)
