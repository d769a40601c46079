# SPDX-License-Identifier: LGPL-2.1-or-later
"""ML-KEM: against OpenSSL of Debian sid, live and in both directions; as the only key exchange of a tunnel, between two
of ours and with strongSwan 6 of Debian sid; and no division in its code, whose time could tell a secret."""

import os
import re
import secrets
import sys
import time

from lab import BUILD, PLUGINS, SANITIZED, SOURCE, Lab, Skip, check, connection, main, run, wait
from sid import sid

FOLDER = os.path.join(SOURCE, 'plugins', 'crypto-mlkem')
WORDS = ('mlkem512', 'mlkem768', 'mlkem1024')


def need_plugin():
    if not os.path.exists(os.path.join(PLUGINS, 'crypto-mlkem.so')):
        raise Skip('this build has no crypto-mlkem')


def the_other_implementation():
    need_plugin()
    command = sid('openssl')
    sys.path.insert(0, os.path.join(FOLDER, 'vectors'))
    import openssl  # pylint: disable=import-outside-toplevel,import-error
    return openssl.OpenSSL(list(command))


def ours(word, what, *octets):
    out = run(os.path.join(BUILD, 'tests', 'test-crypto-mlkem'), word, what, *(o.hex() for o in octets)).stdout
    return [bytes.fromhex(line) for line in out.split()]


def damaged(c):
    at = secrets.randbelow(8 * len(c))
    c = bytearray(c)
    c[at // 8] ^= 1 << at % 8
    return bytes(c)


def openssl_and_we_agree_both_ways():
    """Fresh keys each time: they encapsulate to us, we to them, and both reject the same ciphertexts alike."""
    theirs = the_other_implementation()
    for word in WORDS:
        for _ in range(3):
            seed = secrets.token_bytes(64)
            ek, dk = ours(word, 'keygen', seed)
            check((ek, dk) == theirs.keygen(word, seed), f'{word}: another pair of keys from {seed.hex()}')

            c, shared = theirs.encaps(word, ek)
            check(ours(word, 'decaps', dk, c) == [shared], f'{word}: we do not get the secret of their ciphertext')
            bad = damaged(c)
            rejected = theirs.decaps(word, seed, bad)
            check(rejected != shared and ours(word, 'decaps', dk, bad) == [rejected],
                  f'{word}: a rejected ciphertext gives another secret here')

            c, shared = ours(word, 'encaps', ek, secrets.token_bytes(32))
            check(theirs.decaps(word, seed, c) == shared, f'{word}: they do not get the secret of our ciphertext')


def the_stored_answers_are_openssl_s():
    the_other_implementation()
    run(sys.executable, os.path.join(FOLDER, 'vectors', 'make-vectors.py'), '--check', *sid('openssl'), seconds=300)


def no_division_in_the_code():
    """A division may take longer for some numbers than for others. gcc makes none of this source; what a compiler
    divides to count the rounds of a loop would need a closer look."""
    need_plugin()
    if SANITIZED:
        raise Skip('sanitizers change the code')
    code = run('objdump', '-d', '--no-show-raw-insn', os.path.join(PLUGINS, 'crypto-mlkem.so')).stdout
    check(code.count('poly_ntt') > 0, 'this is not the code that was meant')
    found = re.findall(r'^.*\t(?:i?div[bwlq]?|v?div[ps][sd]|[su]div) .*$', code, re.M)
    check(not found, 'it divides:\n' + '\n'.join(found))


def tunnel(lab, word, other=None):
    """Host 1 is ours; the other one as well, or strongSwan, where other is the command that starts it."""
    a, b = lab.hosts
    ike, esp = f'aes128gcm16-prfsha256-{word}', f'aes128gcm16-{word}'
    a.ravelind(connection('peer', a.wire4, b.wire4, 'west.example', 'east.example', local_ts=a.net4, remote_ts=b.net4,
                          proposals=ike, esp=esp))
    config = connection('peer', b.wire4, a.wire4, 'east.example', 'west.example', local_ts=b.net4, remote_ts=a.net4,
                        proposals=ike, esp=esp)
    if other is None:
        b.ravelind(config)
    else:
        b.strongswan(config, inside=other)
    return a, b


def both_ping(a, b):
    a.ping(b.in4, count=3, source=a.in4)
    b.ping(a.in4, count=3, source=b.in4)


def two_of_ours_need_nothing_else():
    need_plugin()
    for word in WORDS:
        with Lab() as lab:
            a, b = tunnel(lab, word)
            a.ravelin('up', 'peer')
            both_ping(a, b)
            a.ravelin('rekey', 'peer', 'net')
            b.ravelin('rekey', 'peer')
            time.sleep(0.5)
            both_ping(a, b)
            for what in ('ike', 'child'):
                proposals = [sa['Proposal'] for sa in a.json('list', what)]
                check(len(proposals) == 1 and word in proposals[0], f'{what}: {proposals}')


def strongswan_6(initiator):
    need_plugin()
    other = sid('')
    for word in WORDS:
        with Lab() as lab:
            a, b = tunnel(lab, word, other)
            if initiator == 'ravelin':
                a.ravelin('up', 'peer')
            else:
                b.swanctl('--initiate', '--child', 'net')
                wait('the child SA is known', lambda: a.json('list', 'child'))
            both_ping(a, b)
            if initiator == 'ravelin':
                a.ravelin('rekey', 'peer', 'net')
                a.ravelin('rekey', 'peer')
            else:
                b.swanctl('--rekey', '--child', 'net')
                b.swanctl('--rekey', '--ike', 'peer')
            time.sleep(2)
            both_ping(a, b)
            sas = b.swanctl('--list-sas').stdout
            name = 'ML_KEM_' + word[5:]
            check(sas.count(name) >= 2, f'{name} is not in both SAs:\n{sas}')


def strongswan_6_answers():
    strongswan_6('ravelin')


def strongswan_6_initiates():
    strongswan_6('strongswan')


if __name__ == '__main__':
    main([openssl_and_we_agree_both_ways, the_stored_answers_are_openssl_s, no_division_in_the_code,
          two_of_ours_need_nothing_else, strongswan_6_answers, strongswan_6_initiates])
