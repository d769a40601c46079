# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every transform of ESP that strongSwan 5.9.8's libipsec has, negotiated by IKE, in tunnel mode, packets both ways; and
what IKE itself may be protected with. The others are shown against Scapy (test_scapy.py)."""

import re

from lab import Lab, check, connection, main, wait

# RFC 4106, RFC 4309, RFC 7634, RFC 3602, RFC 3686 and RFC 2410 with the MACs of RFC 2404, 4868, 3566 and 4494
ESP = ['aes128gcm16', 'aes192gcm16', 'aes256gcm16', 'aes128gcm12', 'aes256gcm12', 'aes128gcm8', 'aes256gcm8',
       'aes128ccm16', 'aes192ccm16', 'aes256ccm16', 'aes128ccm12', 'aes256ccm12', 'aes128ccm8', 'aes256ccm8',
       'chacha20poly1305', 'aes128-sha1', 'aes128-sha256', 'aes192-sha384', 'aes256-sha512', 'aes128-aesxcbc',
       'aes256-aescmac', 'aes128ctr-sha256', 'aes192ctr-sha512', 'aes256ctr-aesxcbc', 'null-sha1', 'null-sha256',
       'null-sha512', 'null-aesxcbc', 'null-aescmac']
# RFC 5282, RFC 5930
IKE = ['aes128ccm16-prfsha256-x25519', 'aes256ccm8-prfsha384-x25519', 'aes192gcm12-prfsha256-x25519',
       'aes128ctr-sha256-x25519', 'aes256ctr-aesxcbc-prfsha256-x25519', 'aes128-aescmac-prfsha256-x25519']


def config(me, peer, lid, rid, mine, theirs, proposals=None, esp=()):
    """A connection with a child for each word of esp; mine and theirs give the selectors of the i-th."""
    text = connection('swan', me.wire4, peer.wire4, lid, rid, child='CHILD', local_ts='0.0.0.0/0', proposals=proposals)
    children = '\n'.join(f't{i} {{\n local_ts = {mine(i)}\n remote_ts = {theirs(i)}\n esp_proposals = {words}\n }}'
                         for i, words in enumerate(esp))
    return re.sub(r'CHILD \{.*?\}', lambda _: children, text, flags=re.S)


def pair(lab, esp, proposals=None):
    a, b = lab.hosts
    here, there = (lambda i: a.net4), (lambda i: f'10.2.{i + 10}.0/24')
    for i, _ in enumerate(esp):
        b.ip('addr', 'add', f'10.2.{i + 10}.1/32', 'dev', 'lo')
    a.ravelind(config(a, b, 'west.example', 'east.example', here, there, proposals, esp))
    b.strongswan(config(b, a, 'east.example', 'west.example', there, here, proposals, esp))
    return a, b


def child(a, name):
    return next((c for c in a.json('list', 'child') if c['Name'] == name), None)


def carries(a, b, i, words):
    src, dst = a.in4, f'10.2.{i + 10}.1'
    for size in (56, 57, 1301):  # paddings of more than one length
        a.ping(dst, count=2, size=size, source=src)
        b.ping(src, count=2, size=size, source=dst)
    c = child(a, f't{i}')
    check(c and c['PacketsIn'] >= 12 and c['PacketsOut'] >= 12 and not c['Dropped'], f'{words}: {c}')


def esp():
    with Lab() as lab:
        a, b = pair(lab, ESP)
        a.ravelin('up', 'swan', 't0')
        for i, words in enumerate(ESP):
            if i % 2:
                b.swanctl('--initiate', '--child', f't{i}')
            elif i:
                a.ravelin('up', 'swan', f't{i}')
            wait(f'{words} is up', lambda: child(a, f't{i}'))
            carries(a, b, i, words)


def ike():
    for n, words in enumerate(IKE):
        with Lab() as lab:
            a, b = pair(lab, ['aes128gcm16'], words)
            if n % 2:
                b.swanctl('--initiate', '--child', 't0')
            else:
                a.ravelin('up', 'swan', 't0')
            wait(f'{words} is up', lambda: child(a, 't0'))
            carries(a, b, 0, words)
            a.ravelin('rekey', 'swan')
            wait('the IKE SA is replaced', lambda: len(a.json('list', 'ike')) == 1, 15)
            a.ping('10.2.10.1', source=a.in4)


def an_implicit_iv_is_proposed_and_its_explicit_twin_chosen():
    """RFC 8750, 5: a peer without it takes the same algorithm with its IV in the packet."""
    with Lab() as lab:
        a, b = lab.hosts
        words = 'aes128gcm16iiv-aes128gcm16'
        here, there = (lambda i: a.net4), (lambda i: '10.2.10.0/24')
        b.ip('addr', 'add', '10.2.10.1/32', 'dev', 'lo')
        a.ravelind(config(a, b, 'west.example', 'east.example', here, there, None, [words]))
        b.strongswan(config(b, a, 'east.example', 'west.example', there, here, None, ['aes128gcm16']))
        a.ravelin('up', 'swan', 't0')
        carries(a, b, 0, words)
        check('iiv' not in str(child(a, 't0')), f'{child(a, "t0")}')


def implicit_ivs_between_two_of_us():
    """RFC 8750, 4 and 5: negotiated by IKE, packets both ways, after a rekey too."""
    words = ['aes128gcm16iiv-aes128gcm16', 'chacha20poly1305iiv', 'aes128ccm8iiv', 'aes256gcm16iiv-esn', 'aes128gmac']
    with Lab() as lab:
        a, b = lab.hosts
        here, there = (lambda i: a.net4), (lambda i: f'10.2.{i + 10}.0/24')
        for i, _ in enumerate(words):
            b.ip('addr', 'add', f'10.2.{i + 10}.1/32', 'dev', 'lo')
        a.ravelind(config(a, b, 'west.example', 'east.example', here, there, None, words))
        b.ravelind(config(b, a, 'east.example', 'west.example', there, here, None, words))
        for i, what in enumerate(words):
            a.ravelin('up', 'swan', f't{i}')
            wait(f'{what} is up', lambda: child(a, f't{i}'))
            carries(a, b, i, what)
            chosen = str(child(a, f't{i}'))
            check(what.split('-')[0] in chosen, f'{what}: {chosen}')
            before = child(a, f't{i}')['SpiIn']
            a.ravelin('rekey', 'swan', f't{i}')
            wait('it is replaced', lambda: child(a, f't{i}') and child(a, f't{i}')['SpiIn'] != before, 15)
            a.ping(f'10.2.{i + 10}.1', source=a.in4)


if __name__ == '__main__':
    main([esp, ike, an_implicit_iv_is_proposed_and_its_explicit_twin_chosen, implicit_ivs_between_two_of_us])
