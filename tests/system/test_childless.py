# SPDX-License-Identifier: LGPL-2.1-or-later
"""IKE SAs without a first child SA (RFC 6023) with strongSwan, in both roles: what each value of `childless` comes to on
the wire, which strongSwan's log shows."""

import re

from lab import Lab, check, connection, main, wait

PROPOSALS, ESP = 'aes128gcm16-prfsha256-x25519', 'aes128gcm16-x25519'


def pair(lab, ours, theirs):
    a, b = lab.hosts
    text = lambda h, o, ids, mode: connection(
        'swan', h.wire4, o.wire4, *ids, local_ts=h.net4, remote_ts=o.net4, proposals=PROPOSALS, esp=ESP,
        extra='childless = ' + mode)
    a.ravelind(text(a, b, ('west.example', 'east.example'), ours))
    b.strongswan(text(b, a, ('east.example', 'west.example'), theirs))
    return a, b


def messages(b, exchange):
    """The payloads of the messages of an exchange, as strongSwan saw them: (request or response, names)."""
    found = re.findall(r'(?:parsed|generating) %s (request|response) \d+ \[ ([^\]]*)\]' % exchange, b.log_text())
    return [(kind, names.split()) for kind, names in found]


def with_child(b):
    """Whether the IKE_AUTH request had the proposals of a child SA."""
    return 'SA' in next(names for kind, names in messages(b, 'IKE_AUTH') if kind == 'request')


def carries(a, b):
    wait('the child SA is there', lambda: a.json('list', 'child'))
    wait('traffic passes', lambda: a.ping(b.in4, count=1, source=a.in4, ok=False) == 1)
    a.ping(b.in4, count=3, source=a.in4)
    b.ping(a.in4, count=3, source=b.in4)


def comes_up(ours, theirs, we, childless):
    with Lab() as lab:
        a, b = pair(lab, ours, theirs)
        if we:
            a.ravelin('up', 'swan')
        else:
            b.swanctl('--initiate', '--child', 'net')
        carries(a, b)
        check(with_child(b) != childless, f'IKE_AUTH was {messages(b, "IKE_AUTH")}')
        created = [names for kind, names in messages(b, 'CREATE_CHILD_SA') if kind == 'request']
        check(bool(created) == childless, f'CREATE_CHILD_SA was {created}')
        check(all('KE' in names for names in created), 'a later child SA has a key exchange of its own')
        announced = [names for kind, names in messages(b, 'IKE_SA_INIT') if kind == 'response'][-1]
        check(any('CHDLESS' in name for name in announced) == ('never' not in (theirs if we else ours)),
              f'IKE_SA_INIT was answered with {announced}')


def rows():
    for ours, theirs, we, childless in (('allow', 'allow', True, False), ('prefer', 'allow', True, True),
                                        ('force', 'allow', True, True), ('force', 'force', True, True),
                                        ('prefer', 'never', True, False), ('never', 'allow', True, False),
                                        ('allow', 'allow', False, False), ('allow', 'force', False, True),
                                        ('force', 'force', False, True), ('never', 'allow', False, False)):
        def test(args=(ours, theirs, we, childless)):
            comes_up(*args)
        test.__name__ = f"{'we' if we else 'strongswan'}_initiate_ours_{ours}_theirs_{theirs}"
        yield test


def we_force_what_it_never_does():
    with Lab() as lab:
        a, _ = pair(lab, 'force', 'never')
        said = a.ravelin('up', 'swan', ok=False)
        check(said.returncode and 'childless = force' in said.stdout + said.stderr, said.stdout + said.stderr)
        check(not a.json('list', 'child'), 'a child SA is there')


def it_forces_what_we_never_do():
    with Lab() as lab:
        a, b = pair(lab, 'never', 'force')
        check(b.swanctl('--initiate', '--child', 'net', ok=False).returncode, 'strongSwan is content')
        check(not a.json('list', 'child') and not messages(b, 'CREATE_CHILD_SA'), 'a child SA is there')


def we_refuse_a_first_child_sa():
    """The IKE SA stays, and the child SA may come by itself."""
    with Lab() as lab:
        a, b = pair(lab, 'force', 'allow')
        b.swanctl('--initiate', '--child', 'net', ok=False)
        check('NO_ADD_SAS' in str(messages(b, 'IKE_AUTH')) or 'NO_ADDITIONAL_SAS' in b.log_text(),
              f'IKE_AUTH was {messages(b, "IKE_AUTH")}')
        check(not a.json('list', 'child'), 'the child SA was accepted')


def it_wants_no_child_sa():
    with Lab() as lab:
        a, b = pair(lab, 'allow', 'allow')
        b.swanctl('--initiate', '--ike', 'swan')
        check(len(a.json('list', 'ike')) == 1 and not a.json('list', 'child'), 'an IKE SA alone was expected')
        check(not with_child(b), 'IKE_AUTH had a child SA')
        a.ravelin('up', 'swan')  # the IKE SA that there is serves
        carries(a, b)
        check(len(a.json('list', 'ike')) == 1, 'there is another IKE SA')


if __name__ == '__main__':
    main([*rows(), we_force_what_it_never_does, it_forces_what_we_never_do, we_refuse_a_first_child_sa,
          it_wants_no_child_sa])
