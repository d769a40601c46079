# SPDX-License-Identifier: LGPL-2.1-or-later
"""Against strongSwan 5.9.8 with its userspace ESP: both roles, every suite, IPv4 and IPv6 outside and inside; rekeys from
either side without a lost ping; liveness; deletes; what tshark makes of our messages when given the keys."""

import re
import time

from lab import SANITIZED, Capture, Lab, check, connection, main, run, wait

SUITES = {
    'gcm': ('aes128gcm16-prfsha256-x25519', 'aes128gcm16-x25519'),
    'cbc': ('aes256-sha256-modp2048', 'aes256-sha256-modp2048'),
    'chacha': ('chacha20poly1305-prfsha256-ecp256', 'chacha20poly1305-ecp256'),
}


def pair(lab, suite='gcm', outer=4, inner=4, extra='', child_extra='', ours='', level=1):
    """Ravelin on host 1 and strongSwan on host 2; (ours, theirs, our inner address, their inner address)."""
    a, b = lab.hosts
    wire = lambda h: h.wire4 if outer == 4 else h.wire6
    net = lambda h: h.net4 if inner == 4 else h.net6
    proposals, esp = SUITES[suite]
    a.ravelind(connection('swan', wire(a), wire(b), 'west.example', 'east.example', local_ts=net(a), remote_ts=net(b),
                          proposals=proposals, esp=esp, extra=extra, child_extra=child_extra, plugins=ours))
    b.strongswan(connection('swan', wire(b), wire(a), 'east.example', 'west.example', local_ts=net(b),
                            remote_ts=net(a), proposals=proposals, esp=esp, extra=extra, child_extra=child_extra),
                 level=level)
    return a, b, a.in4 if inner == 4 else a.in6, b.in4 if inner == 4 else b.in6


def counters(host):
    child = host.json('list', 'child')[0]
    return child['PacketsIn'], child['PacketsOut']


def carries(a, b, src, dst):
    """Pings and a bulk transfer each way, all of it inside the SA."""
    before = counters(a)
    a.ping(dst, count=5, source=src)
    b.ping(src, count=5, source=dst)
    after = counters(a)
    check(after[0] - before[0] >= 10 and after[1] - before[1] >= 10,
          f'the pings did not go through the SA: {before} {after}')
    a.transfer(b, src, dst)
    b.transfer(a, dst, src, octets=10_000_000)


def matrix(suite, outer, inner, initiator):
    with Lab() as lab:
        a, b, src, dst = pair(lab, suite, outer, inner)
        if initiator == 'ravelin':
            a.ravelin('up', 'swan')
        else:
            b.swanctl('--initiate', '--child', 'net')
            wait('the child SA is known', lambda: a.json('list', 'child'))
        carries(a, b, src, dst)


# A sanitizer looks at the code, not at what two programs agree on: each suite and each family once is enough for it.
FAMILIES = {'gcm': [(4, 4)], 'cbc': [(6, 4)], 'chacha': [(4, 6), (6, 6)]} if SANITIZED else {}


def rows():
    for suite in SUITES:
        for outer, inner in FAMILIES.get(suite, [(4, 4), (4, 6), (6, 4), (6, 6)]):
            for initiator in ('ravelin', 'strongswan'):
                def test(args=(suite, outer, inner, initiator)):
                    matrix(*args)
                test.__name__ = f'{initiator}_initiates_{suite}_ipv{outer}_outside_ipv{inner}_inside'
                yield test


def rekeys_lose_no_ping():
    with Lab() as lab:
        a, b, src, dst = pair(lab)
        a.ravelin('up', 'swan')
        child = lambda: a.json('list', 'child')
        ike = lambda: a.json('list', 'ike')[0]
        there, back = a.pinging(dst, src), b.pinging(src, dst)
        for what, do, seen in (
                ('our child rekey', lambda: a.ravelin('rekey', 'swan', 'net'), lambda: child()[-1]['SpiIn']),
                ('their child rekey', lambda: b.swanctl('--rekey', '--child', 'net'), lambda: child()[-1]['SpiIn']),
                ('our IKE rekey', lambda: a.ravelin('rekey', 'swan'), lambda: ike()['SpiInitiator']),
                ('their IKE rekey', lambda: b.swanctl('--rekey', '--ike', 'swan'), lambda: ike()['SpiInitiator']),
                ('our child rekey after it', lambda: a.ravelin('rekey', 'swan', 'net'),
                 lambda: child()[-1]['SpiIn'])):
            before = seen()
            do()
            wait(what, lambda: seen() != before)
            wait(what + ': the old one is gone', lambda: len(child()) == 1 and len(a.json('list', 'ike')) == 1, 15)
            time.sleep(1.5)
        for p in (there, back):
            sent, lost = p.stop()
            check(sent > 50 and lost == 0, f'{lost} of {sent} pings lost')


def amounts_rekey(limits):
    """Keys are replaced by the amount alone, again and again, and no ping is lost."""
    with Lab() as lab:
        a, b, src, dst = pair(lab)
        text = open(a.config).read()
        a.stop()
        a.ravelind(text.replace('local_ts', limits + '\nlocal_ts', 1))
        a.ravelin('up', 'swan')
        seen = set()
        ping = a.pinging(dst, src)

        def twice():
            seen.update(c['SpiIn'] for c in a.json('list', 'child'))
            return len(seen) > 2
        wait('the child SA is replaced twice', twice, 60)
        sent, lost = ping.stop()
        check(lost == 0, f'{lost} of {sent} pings lost')


def packets_rekey():
    amounts_rekey('rekey_time = 0\nrekey_packets = 60\nrand_packets = 20\nlife_packets = 2000')


def octets_rekey():
    amounts_rekey('rekey_time = 0\nrekey_bytes = 5000\nrand_bytes = 1000\nlife_bytes = 200000')


def liveness_is_answered_and_asked():
    with Lab() as lab:
        a, b, _, _ = pair(lab, extra='dpd_delay = 2s', ours='ravelin { plugins { keying-ikev2 { retransmit_timeout = 0.5s\n retransmit_tries = 3 } } }')
        a.ravelin('up', 'swan')
        time.sleep(5)
        check(len(a.json('list', 'ike')) == 1, 'the SA did not survive idle liveness checks')
        check('INFORMATIONAL' in open(b.log).read(), 'strongSwan saw no liveness check')
        b.daemon.kill()
        b.daemon.wait()
        wait('our side notices that the peer is gone', lambda: not a.json('list', 'ike'), 30)


def deletes_from_each_side():
    with Lab() as lab:
        a, b, src, dst = pair(lab)
        a.ravelin('up', 'swan')
        b.swanctl('--terminate', '--child', 'net')
        wait('the child SA is gone here', lambda: not a.json('list', 'child'))
        check(len(a.json('list', 'ike')) == 1, 'the IKE SA went with the child SA')
        a.ravelin('up', 'swan', 'net')
        a.ping(dst, source=src)
        b.swanctl('--terminate', '--ike', 'swan')
        wait('the IKE SA is gone here', lambda: not a.json('list', 'ike'))
        a.ravelin('up', 'swan')
        a.ping(dst, source=src)
        a.ravelin('down', 'swan')
        wait('the SAs are gone there', lambda: 'swan' not in b.swanctl('--list-sas').stdout)


def tshark_decrypts(suite):
    with Lab() as lab:
        a, b = lab.hosts
        keys = a.dir + '/keys'
        a, b, src, dst = pair(lab, suite, ours='ravelin { plugins { keylog { load = yes\n path = %s } } }' % keys)
        capture = Capture(a)
        a.ravelin('up', 'swan')
        a.ping(dst, count=5, source=src)
        capture.stop()
        options = ['-o', 'esp.enable_encryption_decode:TRUE', '-o', 'esp.enable_authentication_check:TRUE']
        for line in open(keys):
            if line.startswith('uat:'):
                options += ['-o', line.strip()]
        shark = lambda *args: run('tshark', '-r', capture.path, *options, *args).stdout
        esp = [line.split('\t') for line in
               shark('-Y', 'esp', '-T', 'fields', '-e', 'esp.icv_good', '-e', 'icmp.type').strip().split('\n')]
        good = [row for row in esp if row[0] in ('1', 'True')]
        check(len(good) >= 10 and len(good) == len(esp), f'ESP packets with a good ICV by tshark: {len(good)} of {esp}')
        check(sum(1 for row in good if row[1] in ('8', '0')) >= 10, 'tshark sees no ICMP inside our ESP')
        auth = shark('-Y', 'isakmp.exchangetype == 35', '-V')
        check('west.example' in auth and 'east.example' in auth, 'tshark does not see the identities in IKE_AUTH')
        check(not re.search('Malformed|incorrect', auth), 'tshark finds IKE_AUTH malformed:\n' + auth)


def tshark_decrypts_gcm():
    tshark_decrypts('gcm')


def tshark_decrypts_cbc():
    tshark_decrypts('cbc')


def the_same_file_with_addresses_swapped():
    """The issue's example, word for word, in both."""
    example = '''
connections {
    west {
        version = 2
        local_addrs  = 10.0.0.1
        remote_addrs = 10.0.0.2
        proposals    = aes128gcm16-prfsha256-x25519, aes256-sha256-modp2048
        encap        = yes
        dpd_delay    = 30s
        rekey_time   = 4h
        local {
            auth = psk
            id = west.example
        }
        remote {
            auth = psk
            id = east.example
        }
        children {
            net {
                local_ts      = 10.1.0.0/16
                remote_ts     = 10.2.0.0/16
                esp_proposals = aes128gcm16-x25519, aes128-sha256
                mode          = tunnel
                replay_window = 64
                rekey_time    = 1h
                start_action  = none
            }
        }
    }
}
secrets {
    ike-pair {
        id-1 = west.example
        id-2 = east.example
        secret = 0sMDEyMzQ1Njc4OWFiY2RlZg==
    }
}
'''
    swap = {'10.0.0.1': '10.0.0.2', '10.0.0.2': '10.0.0.1', '10.1.0.0': '10.2.0.0', '10.2.0.0': '10.1.0.0',
            'id = west': 'id = east', 'id = east': 'id = west'}
    swapped = re.sub('|'.join(map(re.escape, swap)), lambda m: swap[m.group(0)], example)
    with Lab() as lab:
        a, b = lab.hosts
        a.ravelind(example)
        b.strongswan(swapped)
        a.ravelin('up', 'west')
        a.ping(b.in4, source=a.in4)


if __name__ == '__main__':
    main([*rows(), rekeys_lose_no_ping, packets_rekey, octets_rekey, liveness_is_answered_and_asked, deletes_from_each_side, tshark_decrypts_gcm,
          tshark_decrypts_cbc, the_same_file_with_addresses_swapped])
