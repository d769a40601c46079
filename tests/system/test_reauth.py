# SPDX-License-Identifier: LGPL-2.1-or-later
"""Reauthentication, make before break (RFC 7296, 2.8.3): with strongSwan in both roles and between two of ours, while
pings run in both directions."""

from lab import Lab, check, connection, main, wait

MAKE_BEFORE_BREAK = 'make_before_break = yes'


def config(a, b, extra=''):
    return connection('net', a.wire4, b.wire4, a.name + '.example', b.name + '.example', local_ts=a.net4,
                      remote_ts=b.net4, extra=extra)


def pinged(a, b, act, may_lose=0):
    """act() while pings run both ways; the test fails when one is lost. strongSwan as responder sends on the new SA before
    its answer has reached us: what it sends in that moment nobody could read (may_lose)."""
    there, back = a.pinging(b.in4, source=a.in4), b.pinging(a.in4, source=b.in4)
    act()
    for pinging in (there, back):
        sent, lost = pinging.stop()
        check(sent > 20 and lost <= may_lose, f'{lost} of {sent} pings were lost')


def sessions(host):
    return {sa['Id'] for sa in host.json('list', 'ike')}


def taken_over(host, old):
    """One session, another one than before, with one child SA."""
    return wait('a new session has taken over', lambda: len(sessions(host)) == 1 and sessions(host) != old
                and len(host.json('list', 'child')) == 1, 30)


def reauthenticated(host, n):
    check(host.log_text().count('reauthenticated ') == n, f'{host.log_text().count("reauthenticated ")} not {n}')


def we_ask_strongswan():
    with Lab() as lab:
        a, b = lab.hosts
        b.strongswan(config(b, a))
        a.ravelind(config(a, b))
        a.ravelin('up', 'net', 'net')
        for n in (1, 2, 3):
            old = sessions(a)

            def act():
                a.ravelin('reauth', 'net')
                taken_over(a, old)
                a.ping(b.in4, source=a.in4, count=20)
            pinged(a, b, act, may_lose=1)
            reauthenticated(a, n)
        swan = b.swanctl('--list-sas').stdout
        check(swan.count('ESTABLISHED') == 1 and swan.count('INSTALLED') == 1, swan)


def strongswan_asks_us():
    """By its own reauth_time, again and again; we are the responder, whose answers must not come too early."""
    with Lab() as lab:
        a, b = lab.hosts
        b.ravelind(config(b, a))
        a.strongswan(config(a, b, 'reauth_time = 4s\n rekey_time = 0\n rand_time = 0\n over_time = 10s\n'),
                     settings=MAKE_BEFORE_BREAK)
        a.swanctl('--initiate', '--child', 'net')

        def act():
            for _ in range(3):
                old = sessions(b)
                wait('strongSwan authenticates anew', lambda: sessions(b) - old, 15)
                taken_over(b, old)
        pinged(a, b, act)


def by_time_between_two_of_ours():
    with Lab() as lab:
        a, b = lab.hosts
        b.ravelind(config(b, a))
        a.ravelind(config(a, b, 'reauth_time = 4s\n rand_time = 2s\n over_time = 10s\n'))
        a.ravelin('up', 'net', 'net')

        def act():
            for _ in range(3):
                taken_over(a, sessions(a))
        pinged(a, b, act)
        check(len(sessions(b)) == 1 and len(b.json('list', 'child')) == 1, 'sessions are left over')


def a_responder_says_who_can():
    with Lab() as lab:
        a, b = lab.hosts
        b.ravelind(config(b, a) + 'ravelin { plugins { ikev2-auth-lifetime { load = no } } }')
        a.ravelind(config(a, b))
        r = a.ravelin('reauth', 'net', ok=False)
        check(r.returncode == 1 and 'has no session' in r.stderr, f'{r}')
        a.ravelin('up', 'net', 'net')
        r = b.ravelin('reauth', 'net', ok=False)
        check(r.returncode == 1 and "reauthenticate on the peer's side" in r.stderr, f'{r}')
        r = b.ravelin('reauth', 'nobody', ok=False)
        check(r.returncode == 1 and 'no connection is called nobody' in r.stderr, f'{r}')


if __name__ == '__main__':
    main([we_ask_strongswan, strongswan_asks_us, by_time_between_two_of_ours, a_responder_says_who_can])
