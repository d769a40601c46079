# SPDX-License-Identifier: LGPL-2.1-or-later
"""resolved ADDRESS FILE: plays org.freedesktop.resolve1 on a bus and writes every call that it gets to FILE, one a line
as JSON: [method, interface index, ...]. An index that FILE.refuse names is answered with an error."""

import json
import os
import sys

import dbus
import dbus.bus
import dbus.mainloop.glib
import dbus.service
from gi.repository import GLib

MANAGER = 'org.freedesktop.resolve1.Manager'


class Resolved(dbus.service.Object):
    def note(self, *call):
        if os.path.exists(sys.argv[2] + '.refuse'):
            raise dbus.DBusException('Interactive authentication required.',
                                     name='org.freedesktop.DBus.Error.InteractiveAuthorizationRequired')
        with open(sys.argv[2], 'a') as f:
            print(json.dumps(call), file=f)

    @dbus.service.method(MANAGER, in_signature='ia(iay)')
    def SetLinkDNS(self, index, servers):
        self.note('SetLinkDNS', int(index), [[int(family), [int(o) for o in octets]] for family, octets in servers])

    @dbus.service.method(MANAGER, in_signature='ia(sb)')
    def SetLinkDomains(self, index, domains):
        self.note('SetLinkDomains', int(index), [[str(name), bool(only)] for name, only in domains])

    @dbus.service.method(MANAGER, in_signature='ib')
    def SetLinkDefaultRoute(self, index, on):
        self.note('SetLinkDefaultRoute', int(index), bool(on))

    @dbus.service.method(MANAGER, in_signature='i')
    def RevertLink(self, index):
        self.note('RevertLink', int(index))


dbus.mainloop.glib.DBusGMainLoop(set_as_default=True)
bus = dbus.bus.BusConnection(sys.argv[1])
name = dbus.service.BusName('org.freedesktop.resolve1', bus)
resolved = Resolved(bus, '/org/freedesktop/resolve1')
print('ready', flush=True)
GLib.MainLoop().run()
