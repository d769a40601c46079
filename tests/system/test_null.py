# SPDX-License-Identifier: LGPL-2.1-or-later
"""Peers that do not say who they are (RFC 7619), between ravelinds: no other implementation at hand has it."""

from lab import PSK, Lab, check, main, wait

TEXT = '''
connections {
    %(name)s {
        version = 2
        local_addrs = %(here)s
        remote_addrs = %(there)s
        proposals = aes128gcm16-prfsha256-x25519
        local {
            auth = %(local)s
        }
        remote {
            auth = %(remote)s
        }
        children {
            net {
                local_ts = %(local_ts)s
                remote_ts = %(remote_ts)s
                esp_proposals = aes128gcm16-x25519
            }
        }
    }
}
secrets {
    ike-any {
        secret = %(secret)s
    }
}
'''


def text(**kw):
    return TEXT % {'name': 'open', 'secret': PSK, 'local_ts': 'dynamic', 'remote_ts': 'dynamic', **kw}


def server(host, local='null', remote='null', **kw):
    host.ravelind(text(here=host.wire4, there='%any', local=local, remote=remote, local_ts=host.net4, **kw))


def client(host, of, local='null', remote='null', **kw):
    """It wants the whole net behind a server, so it has to say that it trusts whoever that is with it."""
    remote += '\n            wide_ts = yes' if remote == 'null' else ''
    host.ravelind(text(here=host.wire4, there=of.wire4, local=local, remote=remote, remote_ts=of.net4, **kw))


def comes_up(a, b):
    r = a.ravelin('up', 'open', ok=False)
    check(r.returncode == 0, r.stdout + r.stderr)
    a.ping(b.in4, count=3, source=a.wire4)
    check(a.json('list', 'child')[0]['PacketsIn'] >= 3, 'the pings did not go through the SA')


def both_sides_are_nobody():
    with Lab() as lab:
        a, b = lab.hosts
        server(b)
        client(a, b)
        comes_up(a, b)
        check('unauthenticated-peer' in b.log_text() and 'says-it-is=%null' in b.log_text(), b.log_tail())
        check('remote-id=%null' in b.log_text() and 'local-id=%null' in b.log_text(), b.log_tail())


def the_client_alone_is_nobody():
    with Lab() as lab:
        a, b = lab.hosts
        server(b, local='psk')
        client(a, b, remote='psk')
        comes_up(a, b)


def the_server_alone_is_nobody():
    with Lab() as lab:
        a, b = lab.hosts
        server(b, remote='psk')
        client(a, b, local='psk')
        comes_up(a, b)


def initial_contact_of_nobody_ends_no_session():
    """Both clients are %null to the server, and both say INITIAL_CONTACT (RFC 7619, 2.3)."""
    with Lab(3) as lab:
        a, b, c = lab.hosts
        server(b, local='psk')
        for host in (a, c):
            client(host, b, remote='psk')
            story = host.ravelin('up', 'open').stdout
            check('INITIAL_CONTACT' in story, story)
        check(len(b.json('list', 'ike')) == 2, b.log_tail())
        for host in (a, c):
            host.ping(b.in4, count=3, source=host.wire4)


def who_must_prove_itself_cannot_be_nobody():
    with Lab() as lab:
        a, b = lab.hosts
        server(b, remote='psk')
        client(a, b)
        check(a.ravelin('up', 'open', ok=False).returncode != 0, 'it came up')
        story = wait('the attempt is told', lambda: b.ravelin('diagnose', 'open', ok=False).stdout)
        check('method 13' in story, story)
        check(not b.json('list', 'ike') and not a.json('list', 'child'), 'something is up')


def nobody_must_not_prove_itself():
    with Lab() as lab:
        a, b = lab.hosts
        server(b)
        client(a, b, local='psk')
        check(a.ravelin('up', 'open', ok=False).returncode != 0, 'it came up')
        story = wait('the attempt is told', lambda: b.ravelin('diagnose', 'open', ok=False).stdout)
        check('method 2, we ask for none' in story, story)


def refused(what, words):
    with Lab() as lab:
        b = lab.hosts[1]
        b.ravelind(what(b), expect=False)
        wait('the configuration is refused', lambda: b.daemon.poll() is not None)
        b.daemon = None
        check(words in b.log_text(), b.log_text())


def a_stranger_gets_no_traffic_of_others():
    refused(lambda b: text(here=b.wire4, there='%any', local='null', remote='null', remote_ts='10.0.0.0/8'),
            'would let a peer that does not authenticate itself have the traffic of others')


def nobody_has_no_name():
    refused(lambda b: text(here=b.wire4, there='%any', local='null', remote='null\n            id = west.example'),
            'auth = null proves no identity')


if __name__ == '__main__':
    main([both_sides_are_nobody, the_client_alone_is_nobody, the_server_alone_is_nobody,
          initial_contact_of_nobody_ends_no_session, who_must_prove_itself_cannot_be_nobody, nobody_must_not_prove_itself,
          a_stranger_gets_no_traffic_of_others, nobody_has_no_name])
