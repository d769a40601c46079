# SPDX-License-Identifier: LGPL-2.1-or-later
"""Several rounds of authentication (RFC 4739) with strongSwan in both roles: a pre-shared key, then a signature.

strongSwan 5.9.8 as initiator gives up after the first round of a responder that has two, also of its own kind; there two
of ours are tested."""

import os
import re

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from lab import Lab, check, main


def key():
    return ec.generate_private_key(ec.SECP256R1())


def put(host, folder, name, octets):
    os.makedirs(os.path.join(host.dir, folder), exist_ok=True)
    host.write(os.path.join(folder, name), octets.decode())


def put_keys(host, own, peer):
    if own:
        put(host, 'private', 'own.pem', own.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                                          serialization.NoEncryption()))
    for name, one in (('own.pem', own), ('peer.pem', peer)):
        if one:
            put(host, 'pubkey', name, one.public_key().public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo))


def config(a, b, ours, theirs):
    """ours, theirs: whether that side proves itself by a key in a second round."""
    local = 'local-2 { auth = pubkey\n id = %s-key.example\n pubkeys = own.pem }' % a.name if ours else ''
    remote = 'remote-2 { auth = pubkey\n id = %s-key.example\n pubkeys = peer.pem }' % b.name if theirs else ''
    return f'''
connections {{
    net {{
        version = 2
        local_addrs = {a.wire4}
        remote_addrs = {b.wire4}
        local-1 {{
            auth = psk
            id = {a.name}.example
        }}
        {local}
        remote-1 {{
            auth = psk
            id = {b.name}.example
        }}
        {remote}
        children {{
            net {{
                local_ts = {a.net4}
                remote_ts = {b.net4}
            }}
        }}
    }}
}}
secrets {{
    ike-pair {{
        id-1 = {a.name}.example
        id-2 = {b.name}.example
        secret = 0sMDEyMzQ1Njc4OWFiY2RlZg==
    }}
    {'private-own { file = own.pem }' if ours else ''}
}}
'''


def try_it(we_ask, initiator_has_two, responder_has_two, wrong=False, ours_only=False):
    with Lab() as lab:
        a, b = lab.hosts
        one, two = key() if initiator_has_two else None, key() if responder_has_two else None
        put_keys(a, one, two)
        put_keys(b, two, key() if wrong else one)
        first = config(a, b, initiator_has_two, responder_has_two)
        second = config(b, a, responder_has_two, initiator_has_two)
        if we_ask:
            if ours_only:
                b.ravelind(second)
            else:
                b.strongswan(second)
            a.ravelind(first)
            r = a.ravelin('up', 'net', 'net', ok=False)
        else:
            b.ravelind(second)
            a.strongswan(first)
            r = a.swanctl('--initiate', '--child', 'net', ok=False)
        ours, swan = (a, b) if we_ask else (b, a)
        check((r.returncode == 0) != wrong, f'{r}')
        if wrong:
            check(not ours.json('list', 'ike'), 'a session is there')
            return
        log = open(swan.log).read()
        check(ours_only or 'N(MULT_AUTH)' in log and 'N(AUTH_FOLLOWS)' in log, 'no second round was made')
        a.ping(b.in4, source=a.in4)
        ours.ravelin('rekey', 'net')
        ours.ravelin('rekey', 'net', 'net')
        b.ping(a.in4, source=b.in4, count=10)


def configuration_goes_with_the_sa_payload():
    """RFC 7296, 2.19: CP is in front of SA, and where there are several IKE_AUTH exchanges in the messages that have SA: here
    the first request and the last response."""
    with Lab() as lab:
        a, b = lab.hosts
        one, two = key(), key()
        put_keys(a, one, two)
        put_keys(b, two, one)
        b.ravelind(config(b, a, True, True).replace('local_addrs', 'pools = road\nlocal_addrs')
                   .replace(f'remote_ts = {a.net4}', 'remote_ts = dynamic') + 'pools { road { addrs = 10.3.0.0/24 } }\n')
        a.ravelind(config(a, b, True, True).replace('local_addrs', 'vips = 0.0.0.0\nlocal_addrs')
                   .replace(f'local_ts = {a.net4}', 'local_ts = dynamic'))
        said = a.ravelin('up', 'net', 'net').stdout
        messages = re.findall(r'IKE_AUTH (request|response) (?:to|from) \S+: ([^;]*);', said)
        check([kind for kind, _ in messages].count('request') == 2, f'not two exchanges: {said}')
        for i, (kind, payloads) in enumerate(messages):
            names = payloads.split()
            check(('SA' in names) == ('CP' in names) == (i in (0, len(messages) - 1)), f'{kind} {i}: {payloads}')
            check('SA' not in names or names.index('CP') < names.index('SA'), f'{kind} {i}: {payloads}')
        check(messages[0][0] == 'request' and messages[-1][0] == 'response', said)


def rows():
    for name, row in (('we_ask_the_initiator_has_two', (True, True, False)),
                      ('we_ask_the_responder_has_two', (True, False, True)),
                      ('we_ask_both_have_two', (True, True, True)),
                      ('we_ask_the_second_does_not_hold', (True, True, False, True)),
                      ('strongswan_asks_the_initiator_has_two', (False, True, False)),
                      ('strongswan_asks_the_second_does_not_hold', (False, True, False, True)),
                      ('ours_the_responder_has_two', (True, False, True, False, True)),
                      ('ours_both_have_two', (True, True, True, False, True))):
        def test(args=row):
            try_it(*args)
        test.__name__ = name
        yield test


if __name__ == '__main__':
    main([configuration_goes_with_the_sa_payload, *rows()])
