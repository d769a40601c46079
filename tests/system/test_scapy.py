# SPDX-License-Identifier: LGPL-2.1-or-later
"""ESP against Scapy as second implementation, with SAs set by hand: tunnel and transport mode, raw and in UDP, with and
without extended sequence numbers, every kind of algorithm, IPv4 and IPv6; windows, numbers at their ends, selectors."""

import hashlib
import itertools
import json
import os
import subprocess
import sys

from lab import Capture, Lab, check, main, wait

# our words, Scapy's words, octets of the keys
ALGORITHMS = {
    'gcm': ('aes128gcm16', 'AES-GCM', None, 20, 0),
    'cbc': ('aes256-sha256', 'AES-CBC', 'SHA2-256-128', 32, 32),
    'chacha': ('chacha20poly1305', 'CHACHA20-POLY1305', None, 36, 0),
    'null': ('null-sha256', 'NULL', 'SHA2-256-128', 0, 32),
    # of AH
    'sha1': ('sha1', None, 'HMAC-SHA1-96', 0, 20),
    'sha256': ('sha256', None, 'SHA2-256-128', 0, 32),
    'sha384': ('sha384', None, 'SHA2-384-192', 0, 48),
    'sha512': ('sha512', None, 'SHA2-512-256', 0, 64),
    'ah-gmac': ('aes128gmac', None, 'AES-GMAC', 0, 20),
    'ah-gmac192': ('aes192gmac', None, 'AES-GMAC', 0, 28),
    'ah-gmac256': ('aes256gmac', None, 'AES-GMAC', 0, 36),
}
ESP_ALGORITHMS = ('gcm', 'cbc', 'chacha', 'null')


# The same for each transform, and the ICV's octets where Scapy must be told. RFC 4106, RFC 4309, RFC 4543, RFC 3686, RFC 8750.
TRANSFORMS = {
    'gcm192': ('aes192gcm16', 'AES-GCM', None, 28, 0),
    'gcm256': ('aes256gcm16', 'AES-GCM', None, 36, 0),
    'gcm12': ('aes128gcm12', 'GCM-12', None, 20, 0),
    'gcm8': ('aes256gcm8', 'GCM-8', None, 36, 0),
    'ccm16': ('aes128ccm16', 'AES-CCM', None, 19, 0),
    'ccm16-192': ('aes192ccm16', 'AES-CCM', None, 27, 0),
    'ccm12': ('aes256ccm12', 'AES-CCM', None, 35, 0, 12),
    'ccm8': ('aes128ccm8', 'AES-CCM', None, 19, 0, 8),
    'gmac': ('aes128gmac', 'GMAC', None, 20, 0),
    'gmac192': ('aes192gmac', 'GMAC', None, 28, 0),
    'gmac256': ('aes256gmac', 'GMAC', None, 36, 0),
    'ctr': ('aes128ctr-sha256', 'AES-CTR', 'SHA2-256-128', 20, 32),
    'ctr192': ('aes192ctr-sha512', 'AES-CTR', 'SHA2-512-256', 28, 64),
    'ctr256': ('aes256ctr-aescmac', 'AES-CTR', 'AES-CMAC-96', 36, 16),
    'cbc-sha1': ('aes128-sha1', 'AES-CBC', 'HMAC-SHA1-96', 16, 20),
    'cbc-sha384': ('aes192-sha384', 'AES-CBC', 'SHA2-384-192', 24, 48),
    'cbc-sha512': ('aes256-sha512', 'AES-CBC', 'SHA2-512-256', 32, 64),
    'cbc-cmac': ('aes128-aescmac', 'AES-CBC', 'AES-CMAC-96', 16, 16),
    'null-sha1': ('null-sha1', 'NULL', 'HMAC-SHA1-96', 0, 20),
    'null-sha384': ('null-sha384', 'NULL', 'SHA2-384-192', 0, 48),
    'null-sha512': ('null-sha512', 'NULL', 'SHA2-512-256', 0, 64),
    'null-cmac': ('null-aescmac', 'NULL', 'AES-CMAC-96', 0, 16),
    'gcm-iiv': ('aes128gcm16iiv', 'GCM-IIV', None, 20, 0),
    'gcm256-iiv': ('aes256gcm16iiv', 'GCM-IIV', None, 36, 0),
    'ccm8-iiv': ('aes128ccm8iiv', 'CCM-8-IIV', None, 19, 0),
    'chacha-iiv': ('chacha20poly1305iiv', 'CHACHA-IIV', None, 36, 0),
}


class Row:
    """One pair of SAs. Scapy's side has an address of its own, so that every row can be in transport mode."""

    def __init__(self, i, mode, encap, algorithm, esn, outer=4, inner=4, more='', sequence_in=0, sequence_out=0, ah=False):
        self.ah = ah
        self.i, self.mode, self.encap, self.esn, self.more = i, mode, encap, esn, more
        self.sequence_in, self.sequence_out = sequence_in, sequence_out
        self.words, self.encr, self.integ, self.n_encr, self.n_integ, *icv = {**ALGORITHMS, **TRANSFORMS}[algorithm]
        self.icv = icv[0] if icv else None
        self.name = f'{i}-{mode}-{"udp" if encap else "raw"}-{algorithm}{"-esn" if esn else ""}-{outer}-{inner}'
        self.outer, self.inner = outer, inner
        self.them, self.me = ('10.0.0.1', f'10.0.0.{100 + i}') if outer == 4 else ('fd00::1', f'fd00::{100 + i}')
        if mode == 'transport':
            self.ours, self.theirs = self.them, self.me
        else:
            self.ours, self.theirs = ('10.1.0.1', f'10.2.{i}.1') if inner == 4 else ('fd00:1::1', f'fd00:2::{i}:1')

    def key(self, what, n):
        """Octets that differ for every row, direction and use."""
        return (hashlib.sha512(f"{self.name} {what}".encode()).digest())[:n].hex()

    def config(self):
        keys = [(f'{kind}_key_{d}', self.key(kind + d, n)) for d in ('in', 'out')
                for kind, n in (('encr', self.n_encr), ('integ', self.n_integ)) if n]
        ts = '' if self.mode == 'transport' else f'local_ts = {self.ours}\n remote_ts = {self.theirs}'
        return f'''
    {self.name} {{
        keying = manual
        local_addrs = {self.them}
        remote_addrs = {self.me}
        encap = {'yes' if self.encap else 'no'}
        children {{
            net {{
                mode = {self.mode}
                {ts}
                {'ah' if self.ah else 'esp'}_proposals = {self.words}{'-esn' if self.esn else ''}
                spi_in = {4096 + 2 * self.i}
                spi_out = {4097 + 2 * self.i}
                start_action = start
                sequence_in = {self.sequence_in}
                sequence_out = {self.sequence_out}
                {self.more}
                {chr(10).join(f'{k} = 0x{v}' for k, v in keys)}
            }}
        }}
    }}'''

    def scapy(self):
        return {'name': self.name, 'me': self.me, 'them': self.them, 'mode': self.mode, 'encap': self.encap,
                'esn': self.esn, 'encr': self.encr, 'integ': self.integ, 'icv': self.icv, 'ah': self.ah,
                'in': {'spi': 4097 + 2 * self.i, 'key': self.key('encrout', self.n_encr),
                       'integ_key': self.key('integout', self.n_integ), 'sequence': self.sequence_out},
                'out': {'spi': 4096 + 2 * self.i, 'key': self.key('encrin', self.n_encr),
                        'integ_key': self.key('integin', self.n_integ), 'sequence': self.sequence_in}}


class Peers:
    """Ravelin on host 1 and Scapy on host 2, with the SAs of some rows."""

    def __init__(self, lab, rows):
        self.a, b = lab.hosts
        self.rows = rows
        for row in rows:
            b.ip('addr', 'add', row.me + ('/64' if row.outer == 6 else '/24'), 'dev', 'eth0',
                 *(['nodad'] if row.outer == 6 else []))
        # Scapy reads what comes before this; the kernel would say that nobody is there
        b.run('nft', 'add table inet quiet; add chain inet quiet in { type filter hook input priority 0; }; '
                     'add rule inet quiet in meta l4proto { esp, ah, udp } drop')
        # and it reads packets, not trains of them
        self.a.run('ethtool', '-K', 'eth0', 'tx-udp-segmentation', 'off', 'gso', 'off', 'tso', 'off')
        self.p = b.start(sys.executable, os.path.join(os.path.dirname(__file__), 'scapy_peer.py'),
                         json.dumps([row.scapy() for row in rows]), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                         text=True)
        self.a.ravelind('connections {' + ''.join(row.config() for row in rows) + '\n}\n')
        wait('all SAs are installed', lambda: len(self.a.json('list', 'child')) == len(rows))
        check(self.p.stdout.readline() == 'ready\n', 'Scapy does not start')

    def ask(self, row, **command):
        self.p.stdin.write(json.dumps(dict(command, name=row.name)) + '\n')
        self.p.stdin.flush()
        return json.loads(self.p.stdout.readline())

    def child(self, row):
        return next(c for c in self.a.json('list', 'child') if c['Connection'] == row.name)

    def dropped(self, row, cause):
        return self.child(row)['Dropped'].get(cause, 0)

    def both_ways(self, row, size=56):
        # one by one: ping waits for a second reply only as long as the first one took
        got = sum(self.a.ping(row.theirs, count=1, size=size, source=row.ours, ok=False) for _ in range(2))
        check(got == 2, f'{row.name}: Scapy answered {got} of 2: {self.ask(row)} {self.child(row)}')
        r = self.ask(row, inner=[row.theirs, row.ours], n=2, size=size)
        check(r['replies'] == 2 and not r['bad'], f'{row.name}: Ravelin answered {r}, {self.child(row)}')


def matrix(rows):
    with Lab() as lab:
        peers = Peers(lab, rows)
        capture = Capture(peers.a)
        for row in rows:
            peers.both_ways(row)
        for row in rows[::5]:
            peers.both_ways(row, size=1201)
        capture.stop()
        check(not capture.lines('icmp[0] = 8 or icmp[0] = 0 or icmp6[0] = 128 or icmp6[0] = 129'), 'clear text')
        for row in rows:
            child = peers.child(row)
            check(child['Mode'] == row.mode and child['Encapsulated'] == row.encap and
                  child['ExtendedSequenceNumbers'] == row.esn and not child['Dropped'], f'{row.name}: {child}')
        n_raw = len(capture.lines('esp' if rows[0].outer == 4 else 'ip6[6] = 50'))
        check(n_raw >= 8 * sum(not row.encap for row in rows), f'only {n_raw} packets of raw ESP')


def ipv4():
    kinds = itertools.product(('tunnel', 'transport'), (False, True), ESP_ALGORITHMS, (False, True))
    matrix([Row(i, *kind) for i, kind in enumerate(kinds)])


def ipv6():
    kinds = itertools.product(('tunnel', 'transport'), (False, True), ('gcm', 'cbc'), (False, True))
    rows = [Row(i, *kind, outer=6, inner=6) for i, kind in enumerate(kinds)]
    rows += [Row(50, 'tunnel', True, 'gcm', True, outer=6, inner=4), Row(51, 'tunnel', False, 'cbc', True, 6, 4)]
    matrix(rows)


def ipv6_in_ipv4():
    matrix([Row(0, 'tunnel', False, 'gcm', False, 4, 6), Row(1, 'tunnel', True, 'chacha', True, 4, 6)])


def transforms():
    """Each transform in one of the two modes, raw or in UDP, with and without ESN (which Scapy's other MACs lack)."""
    matrix([Row(i, 'transport' if i & 1 else 'tunnel', bool(i & 2), name, esn)
            for i, (name, esn) in enumerate((name, esn) for name, t in TRANSFORMS.items() for esn in (False, True)
                                            if not esn or t[2] in (None, 'SHA2-256-128'))])


def windows():
    """The replay window: its far end, what is older, what came before; 4096 wide and 32 wide, with and without ESN."""
    rows = [Row(i, 'tunnel', i % 2 == 0, 'gcm', i < 2, more=f'replay_window = {w}')
            for i, w in enumerate((4096, 32, 4096, 32))]
    with Lab() as lab:
        peers = Peers(lab, rows)
        for row, window in zip(rows, (4096, 32, 4096, 32)):
            inner = [row.theirs, row.ours]
            top = 10000
            for numbers, replies, what in (([top], 1, 'a leap forward'),
                                           ([top - window + 1], 1, 'the last number inside the window'),
                                           ([top - window], 0, 'the first one outside'), ([1], 0, 'an old one'),
                                           ([top], 0, 'the same again'), ([top - window + 1], 0, 'the last one again'),
                                           ([top - 1, top - 2, top - 1], 2, 'late ones, one of them twice'),
                                           ([top + 1], 1, 'the next')):
                r = peers.ask(row, inner=inner, sequences=numbers, wait=2 if replies == len(numbers) else 0.3)
                check(r['replies'] == replies, f'{row.name}: {what}: {r}')
            # what is behind the window is taken for a number of the next 2^32 (RFC 4303, A2.2) and fails its ICV
            behind = 2 if row.esn else 0
            check(peers.child(row)['Dropped'] == ({'replay': 3, 'integrity': 2} if row.esn else {'replay': 5}),
                  f'{row.name}: {peers.child(row)}')
            r = peers.ask(row, inner=inner, sequences=[top + 50000], wait=0.3, **{'break': True})
            check(r['replies'] == 0 and peers.dropped(row, 'integrity') == behind + 1, f'{row.name}: a broken ICV: {r}')
            r = peers.ask(row, inner=inner, sequences=[top + 2])
            check(r['replies'] == 1, f'{row.name}: a broken packet moved the window: {r}')


def selectors_inside():
    """RFC 4301, 5.2: what comes out of an SA must be of its selectors."""
    rows = [Row(0, 'tunnel', False, 'gcm', False), Row(1, 'tunnel', True, 'cbc', True),
            Row(2, 'tunnel', True, 'gcm', False, 4, 6)]
    with Lab() as lab:
        peers = Peers(lab, rows)
        for row in rows:
            other, elsewhere = ('10.2.99.1', '10.1.0.2') if row.inner == 4 else ('fd00:2::99:1', 'fd00:1::2')
            peers.a.ip('addr', 'add', elsewhere + ('/16' if row.inner == 4 else '/64'), 'dev', 'lo', ok=False)
            for inner in ([other, row.ours], [row.theirs, elsewhere], [row.ours, row.theirs],
                          [row.me, row.ours] if row.inner == 4 else [other, elsewhere]):
                r = peers.ask(row, inner=inner, n=2, wait=0.3)
                check(r['replies'] == 0, f'{row.name}: {inner} was answered')
            check(peers.dropped(row, 'selector') == 8, f'{row.name}: {peers.child(row)}')
            peers.both_ways(row)


def numbers_cross_32_bits():
    """With ESN the numbers go on beyond 2^32 in both directions, on either side of an unlucky packet."""
    start = (1 << 32) - 6
    rows = [Row(i, mode, encap, algorithm, True, sequence_in=start, sequence_out=start, more='replay_window = 128')
            for i, (mode, encap, algorithm) in enumerate((('tunnel', False, 'gcm'), ('tunnel', True, 'cbc'),
                                                          ('transport', True, 'chacha'), ('transport', False, 'null')))]
    with Lab() as lab:
        peers = Peers(lab, rows)
        for row in rows:
            for _ in range(6):
                peers.both_ways(row)
            r = peers.ask(row)
            check(r['first'] == start + 1 and r['last'] == start + 24 > 1 << 32, f'{row.name}: {r}')
            r = peers.ask(row, inner=[row.theirs, row.ours], sequences=[start + 2, start + 24, start - 1, 7], wait=0.5)
            check(r['replies'] == 0, f'{row.name}: numbers from before were taken again: {r}')
            late = (1 << 32) - 1 - 64
            r = peers.ask(row, inner=[row.theirs, row.ours], sequences=[(1 << 32) + 63, late], wait=0.5)
            check(r['replies'] == 1, f'{row.name}: sequence_in counts as received, so {late} is old: {r}')
            peers.both_ways(row)


def numbers_end_without_esn():
    """RFC 4303, 3.3.3: the number may not cycle; nothing leaves after 2^32 - 1."""
    row = Row(0, 'tunnel', False, 'gcm', False, sequence_out=(1 << 32) - 4)
    with Lab() as lab:
        peers = Peers(lab, [row])
        peers.a.ping(row.theirs, count=8, interval=0.02, source=row.ours, ok=False)
        r = peers.ask(row)
        check(r['last'] == (1 << 32) - 1 and r['seen'] == 3, f'{r}')
        wait('the SA ends', lambda: not peers.a.json('list', 'child'))
        # the same key with numbers that were used would be the end of GCM
        r = peers.a.ravelin('up', row.name, ok=False)
        check(r.returncode == 1 and 'sequence' in r.stderr, f'up again: {r.returncode} {r.stderr}')


def dummies():
    """RFC 4303, 2.6: an SA that hides silence sends dummy packets, and those that come are dropped without an error."""
    rows = [Row(i, mode, encap, algorithm, esn, more='tfc_dummy = 0.2s')
            for i, (mode, encap, algorithm, esn) in enumerate((('tunnel', False, 'gcm', False), ('tunnel', True, 'cbc', False),
                                                               ('transport', True, 'gcm', True),
                                                               ('transport', False, 'null', False)))]
    rows.append(Row(9, 'tunnel', False, 'gcm', False))
    with Lab() as lab:
        peers = Peers(lab, rows)
        for row in rows[:-1]:
            wait('dummy packets come', lambda row=row: peers.ask(row)['dummies'] >= 5, seconds=30)
        check(not peers.ask(rows[-1])['seen'], 'dummy packets that nobody asked for')
        for row in rows:
            before = peers.child(row)['PacketsIn']
            peers.ask(row, dummies=4, size=300)
            wait('they are counted', lambda row=row, before=before: peers.child(row)['PacketsIn'] == before + 4)
            peers.both_ways(row)
            r = peers.ask(row)
            check(not r['bad'] and not peers.child(row)['Dropped'], f'{row.name}: {r} {peers.child(row)}')


if __name__ == '__main__':
    main([ipv4, ipv6, ipv6_in_ipv4, transforms, windows, selectors_inside, numbers_cross_32_bits, numbers_end_without_esn,
          dummies])
