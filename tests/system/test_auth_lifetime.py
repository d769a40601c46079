# SPDX-License-Identifier: LGPL-2.1-or-later
"""AUTH_LIFETIME (RFC 4478): strongSwan obeys ours, in IKE_AUTH and in INFORMATIONAL, and we obey strongSwan's, while pings
run. The initiators have no reauth_time of their own."""

import time

from lab import Lab, check, connection, main, wait

PLUGIN = 'ravelin { plugins { ikev2-auth-lifetime { least = 1s } } }'


def config(a, b, extra='', plugins=''):
    return connection('net', a.wire4, b.wire4, a.name + '.example', b.name + '.example', local_ts=a.net4,
                      remote_ts=b.net4, extra=extra, plugins=plugins)


def sessions(host):
    return {sa['Id'] for sa in host.json('list', 'ike')}


def another(host, old, seconds=30):
    wait('another session has taken over', lambda: len(sessions(host)) == 1 and sessions(host) != old
         and len(host.json('list', 'child')) == 1, seconds)


def pinged(a, b, act):
    pinging = a.pinging(b.in4, source=a.in4)
    act()
    sent, lost = pinging.stop()
    check(sent > 3 and lost == 0, f'{lost} of {sent} pings were lost')


def strongswan_obeys_us():
    with Lab() as lab:
        a, b = lab.hosts
        b.ravelind(config(b, a, 'reauth_time = 8s\n rand_time = 0\n over_time = 60s\n'))
        a.strongswan(config(a, b, 'over_time = 3s\n rand_time = 0\n rekey_time = 0\n'), settings='make_before_break = yes')
        a.swanctl('--initiate', '--child', 'net')
        for _ in range(2):
            old = sessions(b)
            pinged(a, b, lambda: another(b, old))
        check('received AUTH_LIFETIME of 8s' in open(a.log).read(), 'strongSwan heard of no lifetime')


def strongswan_comes_when_we_ask():
    with Lab() as lab:
        a, b = lab.hosts
        b.ravelind(config(b, a))
        a.strongswan(config(a, b), settings='make_before_break = yes')
        a.swanctl('--initiate', '--child', 'net')
        old = wait('the session is up', lambda: sessions(b))

        def act():
            time.sleep(1)
            b.ravelin('reauth', 'net')
            another(b, old)
            time.sleep(1)
        pinged(a, b, act)
        check('received AUTH_LIFETIME of 0s' in open(a.log).read(), 'strongSwan heard of no lifetime')


def we_obey_strongswan():
    """strongSwan says a lifetime where only the initiator can come again, as one that was lent an address."""
    with Lab() as lab:
        a, b = lab.hosts
        b.strongswan(connection('net', b.wire4, a.wire4, 'host2.example', 'host1.example', local_ts=b.net4,
                                remote_ts='dynamic', extra='pools = lent\n reauth_time = 8s\n over_time = 60s\n'
                                ' rand_time = 0\n rekey_time = 0\n') + 'pools { lent { addrs = 10.7.0.0/24 } }\n')
        a.ravelind(connection('net', a.wire4, b.wire4, 'host1.example', 'host2.example', local_ts='dynamic',
                              remote_ts=b.net4, extra='vips = 0.0.0.0', plugins=PLUGIN))
        a.ravelin('up', 'net', 'net')
        for n in (1, 2):
            old = sessions(a)
            another(a, old)
            wait('the lent address works', lambda: a.ping(b.in4, count=1, ok=False), 10)
            check(a.log_text().count('instead-of') == n, 'the session was not made before the old one was deleted')
        check('auth-lifetime connection=net' in a.log_text(), 'no lifetime came')


if __name__ == '__main__':
    main([strongswan_obeys_us, strongswan_comes_when_we_ask, we_obey_strongswan])
