# SPDX-License-Identifier: LGPL-2.1-or-later
"""A connection with two gateways (`remote_addrs = a, b`): the first one is dead from the beginning, refuses, or dies while
its session is up; the second one is ours or strongSwan. Sessions come back to the first one when the second one dies."""

import signal

from lab import Lab, check, connection, main, wait

PROPOSALS, ESP = 'aes128gcm16-prfsha256-x25519', 'aes128gcm16-x25519'
IDS = ('west.example', 'east.example')
QUICK = 'ravelin { plugins { keying-ikev2 { retransmit_timeout = 0.5s\n retransmit_tries = 2\n failover_timeout = 2s } } }'
INNER = '10.8.0.1'


def client(a, gateways, remote_ts=INNER + '/32'):
    return connection('c', a.wire4, ', '.join(g.wire4 for g in gateways), *IDS, local_ts=a.net4, remote_ts=remote_ts,
                      proposals=PROPOSALS, esp=ESP, extra='encap = yes\ndpd_delay = 1s',
                      child_extra='dpd_action = restart', plugins=QUICK)


def gateway(g, a, proposals=PROPOSALS):
    """Both have the same inner address, as gateways to one network do."""
    g.ip('addr', 'replace', INNER + '/32', 'dev', 'lo')
    return connection('gateway', g.wire4, a.wire4, *IDS[::-1], local_ts=INNER + '/32', remote_ts=a.net4,
                      proposals=proposals, esp=ESP, extra='encap = yes')


def at(a, g):
    """The only session of a is with gateway g, and carries."""
    ike = a.json('list', 'ike')
    return len(ike) == 1 and g.wire4 in str(ike) and a.json('list', 'child') and \
        a.ping(INNER, count=1, source=a.in4, ok=False) == 1


def start(g, a, swan, **kw):
    return (g.strongswan if swan else g.ravelind)(gateway(g, a, **kw))


def the_first_one_is_dead(swan):
    with Lab(3) as lab:
        a, b, c = lab.hosts
        start(c, a, swan)
        a.ravelind(client(a, [b, c]))
        said = a.ravelin('up', 'c').stdout
        check(f'{b.wire4} does not answer' in said and f'the next gateway is {c.wire4}' in said, said)
        wait('traffic goes through the second one', lambda: at(a, c))


def ours_is_second():
    the_first_one_is_dead(False)


def strongswan_is_second():
    the_first_one_is_dead(True)


def the_first_one_refuses():
    with Lab(3) as lab:
        a, b, c = lab.hosts
        start(b, a, False, proposals='aes256-sha512-modp2048')
        start(c, a, False)
        a.ravelind(client(a, [b, c]))
        said = a.ravelin('up', 'c').stdout
        check('NO_PROPOSAL_CHOSEN' in said and f'the next gateway is {c.wire4}' in said, said)
        wait('traffic goes through the second one', lambda: at(a, c))


def all_are_dead():
    with Lab(3) as lab:
        a, b, c = lab.hosts
        a.ravelind(client(a, [b, c]))
        said = a.ravelin('up', 'c', ok=False)
        check(said.returncode and 'none of 2 addresses will do' in said.stdout + said.stderr, said.stdout + said.stderr)


def sessions_go_where_a_gateway_lives():
    with Lab(3) as lab:
        a, b, c = lab.hosts
        start(b, a, False)
        start(c, a, True)
        a.ravelind(client(a, [b, c]))
        a.ravelin('up', 'c')
        wait('the session is at the first one', lambda: at(a, b))
        b.stop(signal.SIGKILL)
        wait('it goes to the second one', lambda: at(a, c), 60)
        start(b, a, False)
        c.stop(signal.SIGKILL)
        wait('it comes back to the first one', lambda: at(a, b), 60)
        check(len(b.json('list', 'ike')) == 1, 'the first one has another session')


if __name__ == '__main__':
    main([ours_is_second, strongswan_is_second, the_first_one_refuses, all_are_dead, sessions_go_where_a_gateway_lives])
