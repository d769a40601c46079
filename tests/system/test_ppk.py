# SPDX-License-Identifier: LGPL-2.1-or-later
"""Post-quantum preshared keys (RFC 8784) with strongSwan in both roles: mandatory, optional, unknown to the responder, of
other octets; pings and rekeys show that the keys that come of it are the same."""

from lab import Lab, check, connection, main

ID, OCTETS = 'quantum', '0x00112233445566778899aabbccddeeff'


def ppk(id=ID, octets=OCTETS):
    return 'secrets { ppk-one { id = %s\n secret = %s } }\n' % (id, octets)


def config(a, b, extra, secrets):
    text = connection('net', a.wire4, b.wire4, a.name + '.example', b.name + '.example', local_ts=a.net4,
                      remote_ts=b.net4, extra=extra)
    return merged(text + secrets) if secrets else text


def merged(text):
    """The two sections secrets as one."""
    head, tail = text.rsplit('secrets {', 1)
    return head.replace('secrets {', 'secrets {' + tail.rsplit('}', 1)[0], 1)


ROWS = [  # name, initiator, its PPK, responder, its PPK; used: True, False, or None where nothing comes up
    ('both_have_it', 'ppk_id = quantum', ppk(), 'ppk_id = quantum', ppk(), True),
    ('both_insist', 'ppk_id = quantum\n ppk_required = yes', ppk(), 'ppk_id = quantum\n ppk_required = yes', ppk(), True),
    ('the_responder_has_another', 'ppk_id = quantum', ppk(), 'ppk_id = quantum', ppk('other'), False),
    ('the_responder_has_another_and_the_initiator_insists', 'ppk_id = quantum\n ppk_required = yes', ppk(),
     'ppk_id = quantum', ppk('other'), None),
    ('the_responder_has_another_and_insists', 'ppk_id = quantum', ppk(), 'ppk_id = quantum\n ppk_required = yes',
     ppk('other'), None),
    ('other_octets', 'ppk_id = quantum', ppk(), 'ppk_id = quantum', ppk(octets='0x00'), None),
    ('the_responder_uses_none', 'ppk_id = quantum', ppk(), '', '', False),
    ('the_initiator_uses_none_and_the_responder_insists', '', '', 'ppk_id = quantum\n ppk_required = yes', ppk(), None),
]


def try_it(we_ask, initiator, its, responder, others, used):
    with Lab() as lab:
        a, b = lab.hosts
        first, second = config(a, b, initiator, its), config(b, a, responder, others)
        if we_ask:
            b.strongswan(second, level=2)
            a.ravelind(first)
            r = a.ravelin('up', 'net', 'net', ok=False)
        else:
            b.ravelind(second)
            a.strongswan(first, level=2)
            r = a.swanctl('--initiate', '--child', 'net', ok=False)
        ours = a if we_ask else b
        check((r.returncode == 0) == (used is not None), f'{r}')
        check(('ppk-used' in ours.log_text()) == (used is True or (not we_ask and others == ppk(octets='0x00'))), ours.log_tail())
        if used is None:
            check(not ours.json('list', 'ike'), 'a session is there')
            return
        a.ping(b.in4, source=a.in4)
        ours.ravelin('rekey', 'net')
        ours.ravelin('rekey', 'net', 'net')
        a.ping(b.in4, source=a.in4, count=20)
        check(len(ours.json('list', 'child')) == 1, 'the child SA is not one')


def rows():
    for name, *row in ROWS:
        for we_ask in (True, False):
            def test(args=(we_ask, *row)):
                try_it(*args)
            test.__name__ = ('we_ask_' if we_ask else 'strongswan_asks_') + name
            yield test


if __name__ == '__main__':
    main(list(rows()))
