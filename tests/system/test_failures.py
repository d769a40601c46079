# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a person sees when a tunnel does not come up: each cause by its name, what the peer offered, what we would accept,
what to change; and nothing of a secret."""

import base64
import time

from lab import PSK, Lab, check, connection, main

FAST = 'ravelin { plugins { keying-ikev2 { retransmit_timeout = 0.5s\n retransmit_tries = 2 } } }'


WRONG = 'not-what-the-other-one-has'


def fails(change, wants, there=(), seconds=10, swan=False):
    """Both sides agree but for `change`; `ravelin up` must fail and it and `diagnose` must say each of `wants`; the log
    and `diagnose` of a Ravelin that was asked must say each of `there`."""
    with Lab() as lab:
        a, b = lab.hosts
        west = dict(local=a.wire4, remote=b.wire4, lid='west.example', rid='east.example', local_ts=a.net4,
                    remote_ts=b.net4, proposals='aes128gcm16-prfsha256-x25519', esp='aes128gcm16', plugins=FAST)
        east = dict(local=b.wire4, remote=a.wire4, lid='east.example', rid='west.example', local_ts=b.net4,
                    remote_ts=a.net4, proposals='aes128gcm16-prfsha256-x25519', esp='aes128gcm16')
        change(west, east)
        a.ravelind(connection('peer', **west))
        if east.pop('silent', False):
            pass
        elif swan:
            b.strongswan(connection('peer', **east))
        else:
            b.ravelind(connection('peer', **east))
        began = time.monotonic()
        up = a.ravelin('up', 'peer', '--timeout', seconds, ok=False)
        took = time.monotonic() - began
        check(up.returncode == 1, f'ravelin up: status {up.returncode}, not 1\n{up.stdout}{up.stderr}')
        check(took < seconds + 2, f'ravelin up took {took:.1f} s')
        diagnosis = a.ravelin('diagnose', 'peer').stdout
        for word in wants:
            check(word in up.stdout + up.stderr, f'up does not say «{word}»:\n{up.stdout}{up.stderr}')
            check(word in diagnosis, f'diagnose does not say «{word}»:\n{diagnosis}')
        asked = b.ravelin('diagnose', 'peer').stdout if hasattr(b, 'run_dir') else ''
        for word in there if asked else ():
            check(word in asked, f'diagnose on the other side does not say «{word}»:\n{asked}')
            check(word in b.log_text(), f'the log of the other side does not say «{word}»')
        for h in (a, b):
            if hasattr(h, 'run_dir'):
                for secret in (PSK, PSK[2:], base64.b64decode(PSK[2:]).decode(), WRONG):
                    check(secret not in h.log_text() + diagnosis + asked + up.stdout + up.stderr, 'a secret is shown')


def both(name, change, wants, there):
    def ours():
        fails(change, wants, there)
    def theirs():
        fails(change, wants, swan=True)
    ours.__name__, theirs.__name__ = name, name + '_against_strongswan'
    return [ours, theirs]


def psk(west, east):
    east['secret'] = f'"{WRONG}"'


def proposal(west, east):
    east['proposals'] = 'aes256-sha512-modp4096'


def child_proposal(west, east):
    east['esp'] = 'aes256-sha512'


def selectors(west, east):
    east['local_ts'] = '10.77.0.0/16'


def unknown(west, east):
    east['rid'] = 'someone.else'


def silent(west, east):
    east['silent'] = True


def silent_peer():
    fails(silent, ['Timeout', '10.0.0.2', 'UDP 500 and 4500 may pass'], seconds=6)


def silent_peer_that_is_still_waited_for():
    """With retransmissions as they are set by default the time-out of `up` comes first."""
    def patient(west, east):
        silent(west, east)
        west['plugins'] = ''
    fails(patient, ['no answer from 10.0.0.2', 'UDP 500 and 4500 may pass'], seconds=5)


def unknown_connection():
    with Lab() as lab:
        a = lab.hosts[0]
        a.ravelind(connection('peer', a.wire4, '10.0.0.2', 'west.example', 'east.example', local_ts=a.net4))
        for verb in ('up', 'down', 'diagnose'):
            r = a.ravelin(verb, 'nobody', ok=False)
            check(r.returncode == 1 and 'nobody' in r.stderr and 'peer' in r.stderr,
                  f'{verb} of an unknown connection: {r.returncode} {r.stderr}')
        r = a.ravelin('up', 'peer', 'nothing', ok=False)
        check(r.returncode == 1 and 'nothing' in r.stderr and 'net' in r.stderr,
              f'up of an unknown child: {r.returncode} {r.stderr}')
        check(a.ravelin('up', ok=False).returncode == 2, 'up without a name is not a usage error')


if __name__ == '__main__':
    main([*both('wrong_psk', psk, ['AuthenticationFailed', 'west.example', 'east.example', 'compare the secret'],
                ['west.example', 'another secret', 'make the secrets']),
          *both('no_common_proposal', proposal, ['NoProposalChosen', 'aes128gcm16-prfsha256-x25519', 'set proposals'],
                ['offers aes128gcm16-prfsha256-x25519', 'we accept aes256-sha512-modp4096', 'give proposals']),
          *both('no_common_child_proposal', child_proposal, ['NoProposalChosen', 'aes128gcm16', 'esp_proposals'],
                ['offers aes128gcm16', 'we accept aes256-sha512', 'give esp_proposals']),
          *both('unacceptable_selectors', selectors,
                ['TrafficSelectorsUnacceptable', '10.1.0.0/16', '10.2.0.0/16', 'make local_ts'],
                ['10.1.0.0/16', '10.2.0.0/16', '10.77.0.0/16', 'make remote_ts']),
          *both('unknown_peer', unknown, ['AuthenticationFailed', 'west.example', 'compare'],
                ['west.example', 'someone.else', 'add a connection']),
          silent_peer, silent_peer_that_is_still_waited_for, unknown_connection])
