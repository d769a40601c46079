# SPDX-License-Identifier: LGPL-2.1-or-later
"""The daemon on D-Bus: busctl, gdbus and python3-dbus on its own socket, the contract of dbus/*.xml, and the message bus:
its name, who may do what, a bus that is started anew, polkit."""

import glob
import os
import re
import signal
import subprocess
import xml.etree.ElementTree as ElementTree

import dbus
import dbus.bus

from lab import BUILD, SOURCE, Failure, Lab, check, connection, main, run, wait

NAME, ROOT = 'org.ravelin.IPsec1', '/org/ravelin/IPsec1'
MANAGER, PROPERTIES = NAME + '.Manager', 'org.freedesktop.DBus.Properties'
BUS_CONFIG = '''<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>test</type>
  <listen>unix:path=%(socket)s</listen>
  <policy context="default">
    <allow user="*"/>
    <deny own="*"/>
    <deny send_type="method_call"/>
    <allow send_type="signal"/>
    <allow send_requested_reply="true" send_type="method_return"/>
    <allow send_requested_reply="true" send_type="error"/>
    <allow receive_type="method_call"/>
    <allow receive_type="method_return"/>
    <allow receive_type="error"/>
    <allow receive_type="signal"/>
    <allow send_destination="org.freedesktop.DBus"/>
  </policy>
  <include>%(policy)s</include>
  <include ignore_missing="yes">/usr/share/dbus-1/system.d/org.freedesktop.PolicyKit1.conf</include>
</busconfig>
'''


def pair(lab, lend=False):
    """lend: the first host has a pool of addresses, and the second one asks for one."""
    a, b = lab.hosts[:2]
    for h, o in ((a, b), (b, a)):
        h.ravelind(connection(o.name, h.wire4, o.wire4, h.name + '.example', o.name + '.example', local_ts=h.net4,
                              remote_ts=o.net4,
                              extra=('pools = road' if h is a else 'vips = 0.0.0.0') if lend else '',
                              plugins='pools { road { addrs = 10.9.0.0/24 } }' if lend else ''))
        h.address = 'unix:path=%s/bus' % h.run_dir
    return a, b


# The daemon's own socket


def busctl_works_on_the_own_socket():
    with Lab() as lab:
        a, b = pair(lab)

        def busctl(*args, ok=True):
            return a.run('busctl', '--address=' + a.address, *args, ok=ok)
        names = busctl('list').stdout
        check(re.search(r'^org\.ravelin\.IPsec1 ', names, re.M), 'busctl list:\n' + names)
        tree = busctl('tree', NAME).stdout
        for path in ('/connection/host2', '/plugin/keying_2dikev2', '/service/aead/', '/child_sa', '/ike_sa'):
            check(ROOT + path in tree, f'busctl tree has no {path}:\n{tree}')
        shown = busctl('introspect', NAME, ROOT).stdout
        for word in ('.Up', '.Reload', '.Version', '.Event', 'GetManagedObjects'):
            check(word in shown, f'busctl introspect has no {word}:\n{shown}')
        got = busctl('get-property', NAME, ROOT + '/connection/host2', NAME + '.Connection', 'State').stdout
        check(got == 's "down"\n', 'get-property: ' + got)
        path = busctl('call', NAME, ROOT, MANAGER, 'Up', 'ss', 'host2', 'net').stdout
        check(path == f'o "{ROOT}/attempt/1"\n', 'Up: ' + path)
        wait('the tunnel is up', lambda: 'up' in busctl('get-property', NAME, ROOT + '/connection/host2',
                                                        NAME + '.Connection', 'State').stdout)
        a.ping(b.in4, source=a.in4)
        tree = busctl('tree', NAME).stdout
        for path in ('/child_sa/1', '/ike_sa/1', '/policy/1', '/attempt/1'):
            check(ROOT + path in tree, f'busctl tree has no {path}:\n{tree}')
        check(busctl('call', NAME, ROOT, MANAGER, 'List', 'suu', 'child_sa', '0', '10').stdout.startswith('aa{sv}u 1 '),
              'List')
        bad = busctl('set-property', NAME, ROOT, MANAGER, 'Version', 's', 'x', ok=False)
        check(bad.returncode and 'read-only' in bad.stderr, 'set-property: ' + bad.stderr)
        bad = busctl('call', NAME, ROOT, MANAGER, 'Up', 'ss', 'nobody', '', ok=False)
        check(bad.returncode and 'nobody' in bad.stderr, 'Up of an unknown connection: ' + bad.stderr)


def gdbus_works_on_the_own_socket():
    with Lab() as lab:
        a, _ = pair(lab)

        def gdbus(what, *args, ok=True):
            return a.run('gdbus', what, '--address', a.address, '--dest', NAME, *args, ok=ok)
        shown = gdbus('introspect', '--object-path', ROOT, '--recurse').stdout
        for word in ('interface org.ravelin.IPsec1.Service', 'interface org.ravelin.IPsec1.Plugin', 'Up(in  s connection'):
            check(word in shown, f'gdbus introspect has no {word}')
        out = open(os.path.join(a.dir, 'monitor'), 'w+')
        monitor = a.start('gdbus', 'monitor', '--address', a.address, '--dest', NAME, stdout=out, stderr=out)
        wait('gdbus monitor runs', lambda: 'owned by' in open(out.name).read())
        got = gdbus('call', '--object-path', ROOT, '--method', MANAGER + '.Up', 'host2', 'net').stdout
        check(got == f"(objectpath '{ROOT}/attempt/1',)\n", 'Up: ' + got)
        wanted = ("ObjectManager.InterfacesAdded (objectpath '/org/ravelin/IPsec1/attempt/1'", 'Attempt.Step (uint64 ',
                  "Attempt.Finished ('', '', '')", "Manager.Event ('peer-up'", "Manager.Event ('child-up'",
                  "Properties.PropertiesChanged ('org.ravelin.IPsec1.Connection', {'State': <'up'>}")
        wait('gdbus monitor shows all signals', lambda: all(w in open(out.name).read() for w in wanted), 15)
        monitor.send_signal(signal.SIGINT)
        all_ = gdbus('call', '--object-path', ROOT, '--method',
                     'org.freedesktop.DBus.ObjectManager.GetManagedObjects').stdout
        check("objectpath '/org/ravelin/IPsec1/connection/host2'" in all_, 'GetManagedObjects')
        bad = gdbus('call', '--object-path', ROOT, '--method', MANAGER + '.LoadPlugin', 'ghost', ok=False)
        check(bad.returncode and NAME + '.Error.PluginRefused' in bad.stderr, 'LoadPlugin: ' + bad.stderr)


def python_works_on_the_own_socket():
    with Lab() as lab:
        a, _ = pair(lab)
        bus = dbus.bus.BusConnection(a.address)
        root = bus.get_object(NAME, ROOT)
        objects = root.GetManagedObjects(dbus_interface='org.freedesktop.DBus.ObjectManager')
        check(objects[ROOT + '/connection/host2'][NAME + '.Connection']['State'] == 'down', 'the connection is not down')
        manager = dbus.Interface(root, MANAGER)
        attempt = bus.get_object(NAME, manager.Up('host2', ''))

        def state():
            return attempt.Get(NAME + '.Attempt', 'State', dbus_interface=PROPERTIES)
        wait('the attempt has ended', lambda: state() != 'running')
        check(state() == 'ok', 'the attempt failed')
        rows, more = manager.List('child_sa', dbus.UInt32(0), dbus.UInt32(0))
        check(len(rows) == 1 and not more and rows[0]['Connection'] == 'host2', f'child SAs: {rows}')
        sa = bus.get_object(NAME, ROOT + '/ike_sa/%d' % rows[0]['Peer'])
        sa.Delete(dbus_interface=NAME + '.IkeSa')
        wait('the IKE SA is gone', lambda: not manager.List('ike_sa', dbus.UInt32(0), dbus.UInt32(0))[0])
        try:
            manager.Up('nobody', '')
            raise Failure('an unknown connection came up')
        except dbus.DBusException as e:
            check(e.get_dbus_name() == NAME + '.Error.UnknownConnection', str(e))
        bus.close()


# The contract


def members(interface):
    """An interface of introspection data in a form that can be compared: the order does not count."""
    found = {}
    for e in interface:
        key = (e.tag, e.get('name'))
        found[key] = (e.get('type'), e.get('access'),
                      [(x.get('name'), x.get('type'), x.get('direction')) for x in e.findall('arg')],
                      sorted((x.get('name'), x.get('value')) for x in e.findall('annotation')))
    return found


def interfaces_are_as_documented():
    documented = {}
    for path in glob.glob(os.path.join(SOURCE, 'dbus', NAME + '.*.xml')):
        for e in ElementTree.parse(path).getroot().findall('interface'):
            documented[e.get('name')] = members(e)
            check(os.path.basename(path) == e.get('name') + '.xml', f'{path} is about {e.get("name")}')
    del documented[NAME + '.XdpQueue']  # needs a card: test_xdp.py
    with Lab() as lab:
        a, b = pair(lab, lend=True)
        b.ravelin('up', a.name)
        a.ravelin('up', b.name, ok=False)  # for an attempt to look at
        bus = dbus.bus.BusConnection(a.address)
        told, todo = {}, [ROOT]
        while todo:
            path = todo.pop()
            text = bus.get_object(NAME, path, introspect=False).Introspect(
                dbus_interface='org.freedesktop.DBus.Introspectable')
            node = ElementTree.fromstring(text)
            todo += [path + '/' + e.get('name') for e in node.findall('node')]
            for e in node.findall('interface'):
                if e.get('name').startswith(NAME):
                    one = members(e)
                    check(told.setdefault(e.get('name'), one) == one, f'{path} has another {e.get("name")}')
        bus.close()
    check(set(told) == set(documented), f'told: {sorted(told)}\ndocumented: {sorted(documented)}')
    for name in sorted(told):
        for key in sorted(set(told[name]) | set(documented[name])):
            check(told[name].get(key) == documented[name].get(key),
                  f'{name} {key}:\n told:       {told[name].get(key)}\n documented: {documented[name].get(key)}')


# A message bus


class Bus:
    """A dbus-daemon with our policy file, as the system bus of what is started with .env."""

    def __init__(self, host, policy=os.path.join(SOURCE, 'dbus', NAME + '.conf')):
        self.host, self.socket = host, os.path.join(host.dir, 'system-bus')
        self.config = host.write('bus.conf', BUS_CONFIG % {'socket': self.socket, 'policy': policy}, 0o644)
        self.env = dict(os.environ, DBUS_SYSTEM_BUS_ADDRESS='unix:path=' + self.socket)
        self.start()

    def start(self):
        if os.path.exists(self.socket):
            os.unlink(self.socket)
        log = open(os.path.join(self.host.dir, 'bus.log'), 'ab')
        self.p = self.host.start('dbus-daemon', '--config-file=' + self.config, '--nofork', '--print-address=1',
                                 stdout=subprocess.PIPE, stderr=log)
        check(self.p.stdout.readline(), 'the bus did not start')

    def stop(self):
        self.p.kill()
        self.p.wait()

    def busctl(self, *args, user=None, ok=True):
        become = ['setpriv', '--reuid=' + user, '--regid=nogroup', '--clear-groups'] if user else []
        return self.host.run(*become, 'busctl', '--system', *args, env=self.env, ok=ok)

    def ravelin(self, *args, user=None, ok=True):
        become = ['setpriv', '--reuid=' + user, '--regid=nogroup', '--clear-groups'] if user else []
        return self.host.run(*become, os.path.join(BUILD, 'tools', 'ravelin'), *args, env=self.env, ok=ok)

    def owned(self, name=NAME):
        return self.busctl('call', 'org.freedesktop.DBus', '/', 'org.freedesktop.DBus', 'NameHasOwner', 's', name,
                           ok=False).stdout == 'b true\n'


def has_nobody():
    """Whether there is another user to become (in a user namespace of one user there is not)."""
    return run('setpriv', '--reuid=nobody', '--regid=nogroup', '--clear-groups', 'true', ok=False).returncode == 0


def on_bus(lab, bus):
    a, b = lab.hosts[:2]
    os.environ['DBUS_SYSTEM_BUS_ADDRESS'] = bus.env['DBUS_SYSTEM_BUS_ADDRESS']
    a.ravelind(connection(b.name, a.wire4, b.wire4, 'a.example', 'b.example', local_ts=a.net4, remote_ts=b.net4),
               '--bus', 'system')
    wait('the name is owned', bus.owned)
    return a


def on_the_system_bus():
    with Lab() as lab:
        bus = Bus(lab.hosts[0])
        on_bus(lab, bus)
        check(bus.ravelin('list', 'connections').stdout.count('host2') == 1, 'the tool does not ask the system bus')
        for verb in (('reload',), ('log-level', 'debug'), ('down', 'host2')):
            bus.ravelin(*verb)
        if has_nobody():
            listed = bus.busctl('call', NAME, ROOT, MANAGER, 'List', 'suu', 'connection', '0', '0', user='nobody').stdout
            check('"host2"' in listed, 'nobody may not look: ' + listed)
            check('host2' in bus.ravelin('list', 'connections', user='nobody').stdout, 'nobody may not look')
            for verb in ('up', 'down', 'rekey'):
                bad = bus.ravelin(verb, 'host2', user='nobody', ok=False)
                check(bad.returncode == 1 and 'AccessDenied' in bad.stderr, f'nobody may {verb}: {bad.stderr}')
            for args in (('Reload',), ('Stop',), ('SetLogLevel', 's', 'debug'), ('LoadPlugin', 's', 'keylog')):
                bad = bus.busctl('call', NAME, ROOT, MANAGER, *args, user='nobody', ok=False)
                check(bad.returncode and 'for the administrator' in bad.stderr, f'nobody may {args}: {bad.stderr}')
        check(lab.hosts[0].stop() == 0, 'the daemon did not end well')
        wait('the name is given back', lambda: not bus.owned())
        bus.stop()


def a_bus_that_is_started_anew_is_joined_again():
    with Lab() as lab:
        bus = Bus(lab.hosts[0])
        a = on_bus(lab, bus)
        bus.stop()
        a.ravelin('status')
        wait('the daemon goes on', lambda: a.ravelin('status', ok=False).returncode == 0)
        bus.start()
        wait('the name is owned again', bus.owned, 20)
        check('host2' in bus.ravelin('list', 'connections').stdout, 'the daemon does not answer on the new bus')
        bus.stop()


def without_a_bus_the_daemon_says_so():
    with Lab() as lab:
        a = lab.hosts[0]
        os.environ['DBUS_SYSTEM_BUS_ADDRESS'] = 'unix:path=/run/nowhere'
        a.ravelind('', '--bus', 'system', expect=False)
        check(a.stopped(20) == 1, 'the daemon started without its bus')
        check('cannot reach the system bus' in a.log_text() and '--bus none' in a.log_text(), a.log_text())


POLKITD = '/usr/lib/polkit-1/polkitd'
POLKIT_RULES = '''polkit.addRule(function(action, subject) {
    if (action.id == "org.ravelin.ipsec1.control" && subject.user == "nobody")
        return polkit.Result.YES;
    if (action.id == "org.ravelin.ipsec1.admin" && subject.user == "nobody")
        return polkit.Result.NO;
});
'''


def polkit_decides():
    """With the machine's own polkitd, where there is one, on our bus and with our actions and a rule of ours."""
    with Lab() as lab:
        a = lab.hosts[0]
        for sub, name, text in (('actions', 'org.ravelin.ipsec1.policy', open(os.path.join(
                SOURCE, 'dbus', 'org.ravelin.ipsec1.policy')).read()), ('rules.d', '50-test.rules', POLKIT_RULES)):
            folder = os.path.join(a.dir, sub)
            os.makedirs(folder)
            with open(os.path.join(folder, name), 'w') as f:
                f.write(text)
            run('mount', '--bind', folder, '/usr/share/polkit-1/' + sub)
        try:
            bus = Bus(a)
            log = open(os.path.join(a.dir, 'polkit.log'), 'ab')
            a.start(POLKITD, env=bus.env, stdout=log, stderr=log)
            wait('polkit is on the bus', lambda: bus.owned('org.freedesktop.PolicyKit1'))
            on_bus(lab, bus)
            bus.ravelin('down', 'host2', user='nobody')
            bad = bus.ravelin('reload', user='nobody', ok=False)
            check(bad.returncode == 1 and 'AccessDenied' in bad.stderr, 'nobody may reload: ' + bad.stderr)
            check('have polkit allow it' in bad.stderr, 'the refusal does not name polkit: ' + bad.stderr)
            bus.stop()
        finally:
            for sub in ('actions', 'rules.d'):
                run('umount', '/usr/share/polkit-1/' + sub)


if __name__ == '__main__':
    TESTS = [busctl_works_on_the_own_socket, gdbus_works_on_the_own_socket, python_works_on_the_own_socket,
             interfaces_are_as_documented, on_the_system_bus, a_bus_that_is_started_anew_is_joined_again,
             without_a_bus_the_daemon_says_so]
    if not has_nobody():
        print('skip other users on the system bus: there is no other user to become')
    elif not os.path.exists(POLKITD):
        print('skip polkit_decides: polkitd is not installed')
    else:
        TESTS.append(polkit_decides)
    main(TESTS)
