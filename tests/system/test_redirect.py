# SPDX-License-Identifier: LGPL-2.1-or-later
"""Redirect (RFC 5685): strongSwan and we as clients of two of our gateways, sent from one to the other in answer to
IKE_SA_INIT, in IKE_AUTH and in an active session."""

from lab import Lab, check, connection, main, wait

NET, INSIDE = '10.9.0.0/16', '10.9.0.1'


def gateway(host, client, redirect=''):
    host.ip('addr', 'add', INSIDE + '/16', 'dev', 'lo')
    host.ravelind(connection('swan', '%any', '%any', 'east.example', 'west.example', local_ts=NET, remote_ts=client.net4,
                             plugins='ravelin { plugins { ikev2-redirect { %s } } }' % redirect))


def start(host, kind, first):
    text = connection('swan', '%any', first.wire4, 'west.example', 'east.example', local_ts=host.net4, remote_ts=NET)
    if kind == 'ravelin':
        host.ravelind(text)
    else:
        host.strongswan(text)


def up(host, kind):
    if kind == 'ravelin':
        host.ravelin('up', 'swan', 'net')
    else:
        host.swanctl('--initiate', '--child', 'net', ok=False)


def is_at(client, there, not_there):
    wait('the client is at the second gateway', lambda: there.json('list', 'child'), 20)
    wait('it is no longer at the first one', lambda: not not_there.json('list', 'ike'), 20)
    client.ping(INSIDE, count=3, source=client.in4)
    check(there.json('list', 'child')[0]['PacketsIn'] >= 3, 'the pings took another way')


def in_ike_sa_init(kind):
    with Lab(3) as lab:
        a, b, c = lab.hosts
        gateway(b, a, 'rules { one { addresses = %s/32\n gateway = %s } }' % (a.wire4, c.wire4))
        gateway(c, a)
        start(a, kind, b)
        up(a, kind)
        is_at(a, c, b)
        check('client-sent-on' in b.log_text() and 'agree on keys' not in b.log_text(), 'the first gateway made state')


def in_ike_auth(kind):
    with Lab(3) as lab:
        a, b, c = lab.hosts
        gateway(b, a, 'rules { one { id = west.example\n gateway = %s } }' % c.wire4)
        gateway(c, a)
        start(a, kind, b)
        up(a, kind)
        if kind == 'ravelin':
            is_at(a, c, b)
        else:  # strongSwan 5.9.8 verifies, follows, and aborts while it writes its next IKE_SA_INIT request
            wait('strongSwan follows', lambda: 'redirected to ' + c.wire4 in open(a.log).read())
        check('ike-sa-up' in b.log_text() and 'child-up' not in b.log_text(), 'the first gateway made a child SA')


def in_a_session(kind):
    with Lab(3) as lab:
        a, b, c = lab.hosts
        gateway(b, a)
        gateway(c, a)
        start(a, kind, b)
        up(a, kind)
        wait('the client is at the first gateway', lambda: b.json('list', 'child'))
        a.ping(INSIDE, count=3, source=a.in4)
        r = b.ravelin('redirect', 'swan', 'not a gateway', ok=False)
        check(r.returncode == 1 and 'no address and no name' in r.stderr, f'{r}')
        r = c.ravelin('redirect', 'swan', b.wire4, ok=False)
        check(r.returncode == 1 and 'no session of swan' in r.stderr, f'{r}')
        b.ravelin('redirect', 'swan', c.wire4)
        is_at(a, c, b)


def rows():
    for kind in ('ravelin', 'strongswan'):
        for form in (in_ike_sa_init, in_ike_auth, in_a_session):
            def test(args=(form, kind)):
                args[0](args[1])
            test.__name__ = f'{kind}_is_sent_on_{form.__name__}'
            yield test


def by_load():
    """The second client of a gateway that may have one session goes to the other gateway."""
    with Lab(4) as lab:
        a, b, c, d = lab.hosts
        gateway(b, a, 'max_sessions = 1\n gateways = %s' % c.wire4)
        gateway(c, d)
        start(a, 'ravelin', b)
        up(a, 'ravelin')
        start(d, 'ravelin', b)
        up(d, 'ravelin')
        check(len(b.json('list', 'ike')) == 1 and len(c.json('list', 'ike')) == 1, 'the clients are not shared out')
        a.ping(INSIDE, count=3, source=a.in4)
        d.ping(INSIDE, count=3, source=d.in4)


if __name__ == '__main__':
    main([*rows(), by_load])
