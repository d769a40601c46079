# SPDX-License-Identifier: LGPL-2.1-or-later
"""Authentication by signatures with raw public keys: against strongSwan 5.9.8 in both roles and for every kind of key,
between two ravelinds for what strongSwan lacks (raw keys in CERT payloads), and what is said when it fails."""

import os
import re

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa

from lab import Lab, check, main, wait

PROPOSALS = 'aes128gcm16-prfsha256-x25519', 'aes128gcm16-x25519'

MAKE = {
    'rsa1024': lambda: rsa.generate_private_key(65537, 1024),
    'rsa2048': lambda: rsa.generate_private_key(65537, 2048),
    'rsa3072': lambda: rsa.generate_private_key(65537, 3072),
    'ecdsa256': lambda: ec.generate_private_key(ec.SECP256R1()),
    'ecdsa384': lambda: ec.generate_private_key(ec.SECP384R1()),
    'ecdsa521': lambda: ec.generate_private_key(ec.SECP521R1()),
    'ed25519': ed25519.Ed25519PrivateKey.generate,
    'ed448': ed448.Ed448PrivateKey.generate,
}


class Key:
    def __init__(self, kind):
        self.key = MAKE[kind]()

    def public(self, encoding=serialization.Encoding.PEM):
        return self.key.public_key().public_bytes(encoding, serialization.PublicFormat.SubjectPublicKeyInfo)

    def private(self, passphrase=None, form=serialization.PrivateFormat.PKCS8):
        hidden = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
        return self.key.private_bytes(serialization.Encoding.PEM, form, hidden)


def put(host, folder, name, octets, mode=0o600):
    os.makedirs(os.path.join(host.dir, folder), exist_ok=True)
    host.write(os.path.join(folder, name), octets.decode(), mode)


def config(host, other, me, peer, local='auth = pubkey\n pubkeys = own.pem', remote='auth = pubkey\n pubkeys = peer.pem',
           extra='', secrets='', plugins='', remote_ts=None, local_ts=None):
    """A configuration that both Ravelin and strongSwan read."""
    return f'''
connections {{
    swan {{
        version = 2
        local_addrs = {host.wire4}
        remote_addrs = {other.wire4}
        proposals = {PROPOSALS[0]}
        {extra}
        local {{
            {local}
            {'id = ' + me if me else ''}
        }}
        remote {{
            {remote}
            {'id = ' + peer if peer else ''}
        }}
        children {{
            net {{
                local_ts = {local_ts or host.net4}
                remote_ts = {remote_ts or other.net4}
                esp_proposals = {PROPOSALS[1]}
            }}
        }}
    }}
}}
secrets {{
    {secrets}
}}
{plugins}
'''


def keys(a, b, kind, other=None):
    """A key for each host, and the other's public one; (a's, b's)."""
    ours, theirs = Key(kind), Key(other or kind)
    for host, own, peer in ((a, ours, theirs), (b, theirs, ours)):
        put(host, 'private', 'own.pem', own.private())
        put(host, 'pubkey', 'own.pem', own.public())
        put(host, 'pubkey', 'peer.pem', peer.public())
    return ours, theirs


SECRET = 'private-own {\n file = own.pem\n }'


def swan(a, b, auth='pubkey', ours='', theirs='', plugins='', strongswan=''):
    """Ravelin on a and strongSwan on b, both with `auth`."""
    local, remote = f'auth = {auth}\n pubkeys = own.pem', f'auth = {auth}\n pubkeys = peer.pem'
    a.ravelind(config(a, b, 'west.example', 'east.example', local, remote, extra=ours, secrets=SECRET, plugins=plugins))
    b.strongswan(config(b, a, 'east.example', 'west.example', local, remote, extra=theirs), level=2, settings=strongswan)


def up(a, b, initiator):
    if initiator == 'ravelin':
        r = a.ravelin('up', 'swan', ok=False)
        check(r.returncode == 0, f'up failed:\n{r.stdout}{r.stderr}')
    else:
        r = b.swanctl('--initiate', '--child', 'net', ok=False)
        check(r.returncode == 0, f'strongSwan could not bring it up:\n{r.stdout}{r.stderr}')
        wait('the child SA is known', lambda: a.json('list', 'child'))
    a.ping(b.in4, count=3, source=a.in4)
    check(a.json('list', 'child')[0]['PacketsIn'] >= 3, 'the pings did not go through the SA')


# kind of key, `auth` on both sides, what strongSwan's log says of each signature
KINDS = [
    ('rsa2048', 'pubkey', 'RSA_EMSA_PKCS1_SHA2_256'),
    ('rsa3072', 'rsa-sha384', 'RSA_EMSA_PKCS1_SHA2_384'),
    ('rsa2048', 'rsa/pss-sha256', 'RSA_EMSA_PSS_SHA2_256_SALT_32'),
    ('rsa2048', 'ike:rsa/pss-sha512', 'RSA_EMSA_PSS_SHA2_512_SALT_64'),
    ('ecdsa256', 'pubkey', 'ECDSA_WITH_SHA256_DER'),
    ('ecdsa384', 'ecdsa-384-sha384', 'ECDSA_WITH_SHA384_DER'),
    ('ecdsa521', 'pubkey', 'ECDSA_WITH_SHA512_DER'),
    ('ecdsa256', 'ecdsa-sha512', 'ECDSA_WITH_SHA512_DER'),
    ('ed25519', 'pubkey', 'ED25519'),
    ('ed448', 'pubkey', 'ED448'),
]


def swan_rows():
    for kind, auth, said in KINDS:
        for initiator in ('ravelin', 'strongswan'):
            def test(kind=kind, auth=auth, said=said, initiator=initiator):
                with Lab() as lab:
                    a, b = lab.hosts
                    keys(a, b, kind)
                    swan(a, b, auth)
                    up(a, b, initiator)
                    log = open(b.log).read()
                    for line in (f"authentication of 'west.example' with {said} successful",
                                 f"authentication of 'east.example' (myself) with {said} successful"):
                        check(line in log, f'strongSwan does not say: {line}\n'
                              + '\n'.join(l for l in log.split('\n') if 'authentication' in l))
            name = auth.replace(':', '_').replace('/', '_').replace('-', '_')
            test.__name__ = f'{initiator}_initiates_{kind}_{name}'
            yield test


def older_methods(kind, said):
    """strongSwan without RFC 7427 signs and checks with the methods of RFC 4754."""
    for initiator in ('ravelin', 'strongswan'):
        with Lab() as lab:
            a, b = lab.hosts
            keys(a, b, kind)
            swan(a, b, strongswan='signature_authentication = no')
            up(a, b, initiator)
            log = open(b.log).read()
            check(f"authentication of 'west.example' with {said} successful" in log,
                  '\n'.join(l for l in log.split('\n') if 'authentication' in l))


def older_methods_ecdsa256():
    older_methods('ecdsa256', 'ECDSA-256 signature')


def older_methods_ecdsa384():
    older_methods('ecdsa384', 'ECDSA-384 signature')


def older_methods_ecdsa521():
    older_methods('ecdsa521', 'ECDSA-521 signature')


SHA1 = 'ravelin { plugins { auth-pubkey { sha1 = yes } } }'


def rsa_method_1_is_sha1_and_has_to_be_allowed():
    for initiator in ('ravelin', 'strongswan'):
        with Lab() as lab:
            a, b = lab.hosts
            keys(a, b, 'rsa2048')
            swan(a, b, plugins=SHA1, strongswan='signature_authentication = no')
            up(a, b, initiator)
    with Lab() as lab:
        a, b = lab.hosts
        keys(a, b, 'rsa2048')
        swan(a, b, strongswan='signature_authentication = no')
        check(b.swanctl('--initiate', '--child', 'net', ok=False).returncode, 'it came up with SHA-1')
        story = wait('the attempt is told', lambda: a.ravelin('diagnose', 'swan', ok=False).stdout)
        check('sha1 = yes' in story, story)


# Two ravelinds

def pair(a, b, auth='pubkey', ours='', theirs='', plugins=('', ''), secrets=(SECRET, SECRET), pubkeys=('peer.pem', 'peer.pem')):
    for host, other, me, peer, extra, plugin, secret, trusted in (
            (a, b, 'west.example', 'east.example', ours, plugins[0], secrets[0], pubkeys[0]),
            (b, a, 'east.example', 'west.example', theirs, plugins[1], secrets[1], pubkeys[1])):
        host.ravelind(config(host, other, me, peer, f'auth = {auth}\n pubkeys = own.pem',
                             f'auth = {auth}\n' + (f' pubkeys = {trusted}' if trusted else ''), extra=extra,
                             secrets=secret, plugins=plugin))


def comes_up(a, b):
    story = a.ravelin('up', 'swan', ok=False)
    check(story.returncode == 0, f'up failed:\n{story.stdout}{story.stderr}')
    a.ping(b.in4, count=2, source=a.in4)
    return story.stdout


def ours_with_each_kind_of_key():
    for kind in ('rsa2048', 'ecdsa256', 'ecdsa384', 'ecdsa521', 'ed25519', 'ed448'):
        with Lab() as lab:
            a, b = lab.hosts
            keys(a, b, kind)
            pair(a, b)
            comes_up(a, b)


def different_kinds_on_the_two_sides():
    with Lab() as lab:
        a, b = lab.hosts
        keys(a, b, 'rsa2048', 'ed25519')
        pair(a, b)
        comes_up(a, b)


def raw_keys_are_asked_for_and_shown():
    """RFC 7670, 3: encoding 15 in CERTREQ and CERT."""
    with Lab() as lab:
        a, b = lab.hosts
        keys(a, b, 'ecdsa256')
        pair(a, b)
        story = comes_up(a, b)
        sent = [l for l in story.split('\n') if 'IKE_' in l]
        check('CERTREQ' in sent[1], 'the responder did not ask in IKE_SA_INIT:\n' + story)
        check(re.search(' CERT[ ;]', sent[2]) and 'CERTREQ' in sent[2], 'the initiator did not show its key or ask:\n' + story)
        check(re.search(' CERT[ ;]', sent[3]), 'the responder did not show its key:\n' + story)
        check('SIGNATURE_HASH_ALGORITHMS' in sent[0] or 'N(16431)' in sent[0], story)
    with Lab() as lab:
        a, b = lab.hosts
        keys(a, b, 'ecdsa256')
        pair(a, b, ours='send_certreq = no\n send_cert = never', theirs='send_certreq = no\n send_cert = never')
        story = comes_up(a, b)
        check('CERT' not in story, story)


def without_digital_signatures_the_older_methods_do():
    off = 'ravelin { plugins { auth-pubkey { signature_authentication = no } } }'
    for kind in ('rsa2048', 'ecdsa256', 'ecdsa384', 'ecdsa521'):
        with Lab() as lab:
            a, b = lab.hosts
            keys(a, b, kind)
            pair(a, b, plugins=(off, ''))
            story = comes_up(a, b)
            check('16431' not in story, story)


def keys_inline_encrypted_and_unnamed():
    with Lab() as lab:
        a, b = lab.hosts
        ours, theirs = keys(a, b, 'rsa2048', 'ecdsa256')
        put(a, 'rsa', 'locked.pem', ours.private(b'open sesame'))
        os.unlink(a.dir + '/private/own.pem')
        inline = '0x' + theirs.public(serialization.Encoding.DER).hex()
        pair(a, b, secrets=('rsa-1 {\n file = locked.pem\n secret = open sesame\n }', ''), pubkeys=(inline, 'peer.pem'))
        comes_up(a, b)


# Failures

def fails(a, b, *words, where=None):
    r = a.ravelin('up', 'swan', ok=False)
    check(r.returncode != 0, 'it came up')
    said = r.stdout + r.stderr if where is None else where.ravelin('diagnose', 'swan', ok=False).stdout
    for word in words:
        check(word in said, f'it does not say "{word}":\n{said}')


def failure(kinds, *words, who='responder', prepare=None, **kw):
    with Lab() as lab:
        a, b = lab.hosts
        keys(a, b, *kinds)
        if prepare:
            prepare(a, b)
        pair(a, b, **kw)
        fails(a, b, *words, where=b if who == 'responder' else None)
        check(not b.json('list', 'child') and not a.json('list', 'child'), 'a child SA is there')


def no_key_is_configured_for_the_peer():
    failure(('ecdsa256',), 'no public key is configured for the peer west.example', 'pubkeys', pubkeys=('peer.pem', ''))


def another_key_than_configured():
    def swap(a, b):
        put(b, 'pubkey', 'peer.pem', Key('ecdsa256').public())
    failure(('ecdsa256',), 'west.example', 'does not hold with peer.pem (ECDSA-256)', 'the key that it shows is another one',
            prepare=swap)


def another_key_at_the_responder():
    def swap(a, b):
        put(a, 'pubkey', 'peer.pem', Key('rsa2048').public())
    failure(('rsa2048',), 'east.example', 'does not hold with peer.pem (RSA-2048)', prepare=swap, who='initiator')


def a_key_of_another_kind():
    def swap(a, b):
        put(b, 'pubkey', 'peer.pem', Key('ed25519').public())
    failure(('ecdsa256',), 'signs with ecdsa-sha256', 'of another kind: peer.pem (Ed25519)', prepare=swap)


def a_weak_key_is_refused():
    failure(('rsa1024', 'rsa2048'), 'RSA-1024', 'at least 2048', who='initiator')


def a_hash_that_is_not_allowed():
    with Lab() as lab:
        a, b = lab.hosts
        keys(a, b, 'rsa2048')
        a.ravelind(config(a, b, 'west.example', 'east.example', 'auth = rsa-sha256\n pubkeys = own.pem', secrets=SECRET))
        b.ravelind(config(b, a, 'east.example', 'west.example', remote='auth = rsa/pss-sha512\n pubkeys = peer.pem',
                          secrets=SECRET))
        fails(a, b, 'rsa-sha256', 'RSASSA-PSS', where=b)


def an_old_peer_cannot_have_ed25519():
    failure(('ed25519',), 'SIGNATURE_HASH_ALGORITHMS', 'Ed25519', who='initiator',
            plugins=('', 'ravelin { plugins { auth-pubkey { signature_authentication = no } } }'))


def no_private_half():
    def lose(a, b):
        os.unlink(a.dir + '/private/own.pem')
    failure(('ecdsa256',), 'no private key is loaded for our public key own.pem', who='initiator', prepare=lose,
            secrets=('', SECRET))


def a_word_that_is_none():
    with Lab() as lab:
        a, b = lab.hosts
        a.ravelind(config(a, b, 'west.example', 'east.example', 'auth = rsa-sha255\n pubkeys = own.pem'), expect=False)
        wait('the configuration is refused', lambda: a.daemon.poll() is not None)
        a.daemon = None
        check("ravelin.conf:10: auth = rsa-sha255: 'sha255' is not understood" in a.log_text(), a.log_text())


if __name__ == '__main__':
    main([*swan_rows(), older_methods_ecdsa256, older_methods_ecdsa384, older_methods_ecdsa521,
          rsa_method_1_is_sha1_and_has_to_be_allowed, ours_with_each_kind_of_key, different_kinds_on_the_two_sides,
          raw_keys_are_asked_for_and_shown, without_digital_signatures_the_older_methods_do,
          keys_inline_encrypted_and_unnamed, no_key_is_configured_for_the_peer, another_key_than_configured,
          another_key_at_the_responder, a_key_of_another_kind, a_weak_key_is_refused, a_hash_that_is_not_allowed,
          an_old_peer_cannot_have_ed25519, no_private_half, a_word_that_is_none])
