# SPDX-License-Identifier: LGPL-2.1-or-later
"""Domains and DNSSEC trust anchors in configuration payloads (RFC 8598) with a second implementation on either side."""

import struct

import ikepy
from lab import Lab, check, connection, main, wait

IP4_ADDRESS, IP4_DNS, DNS_DOMAIN, DNSSEC_TA = 1, 3, 25, 26
PROPOSALS = dict(proposals='aes128gcm16-prfsha256-x25519', esp='aes128gcm16-x25519')
DIGEST = bytes(range(32))
DS = struct.pack('>HBB', 31406, 8, 2) + DIGEST
POOL = '''
pools {
    road {
        addrs = 10.3.0.0/24
        dns = 10.1.0.53
        split_domains = example.com, city.other.test
        trust_anchors = example.com 31406 8 2 %s, example.com 43547 8 1 %s
    }
}
''' % (DIGEST.hex(), bytes(range(20)).hex())


def in_order(body):
    """(type, value) of every attribute."""
    out, rest = [], body[4:]
    while rest:
        kind, length = struct.unpack('>HH', rest[:4])
        out.append((kind & 0x7fff, rest[4:4 + length]))
        rest = rest[4 + length:]
    return out


class Client(ikepy.Peer):
    wanted = (IP4_ADDRESS, IP4_DNS, DNS_DOMAIN, DNSSEC_TA)

    def auth_extra(self):
        return [ikepy.config(1, [(kind, b'') for kind in self.wanted])] if self.initiator else []


def we_send_anchors_behind_their_domains():
    class Unwilling(Client):
        wanted = (IP4_ADDRESS, IP4_DNS, DNS_DOMAIN)

    with Lab() as lab:
        a, b = lab.hosts
        a.ravelind(connection('gateway', a.wire4, '%any', 'east.example', 'west.example', local_ts=a.net4,
                              extra='encap = never\npools = road', plugins=POOL, **PROPOSALS))
        for kind in (Client, Unwilling):
            p = kind(b, a.wire4, 'west.example', 'east.example', ts=('0.0.0.0/0', a.net4))
            p.init()
            got = [x for x in in_order(p.auth().get(ikepy.CP)) if x[0] in (DNS_DOMAIN, DNSSEC_TA)]
            anchors = [(DNSSEC_TA, DS), (DNSSEC_TA, struct.pack('>HBB', 43547, 8, 1) + bytes(range(20)))]
            check(got == [(DNS_DOMAIN, b'example.com')] + (anchors if kind is Client else []) +
                  [(DNS_DOMAIN, b'city.other.test')], f'{kind}: {got}')
            p.delete()
            p.close()


class Gateway(ikepy.Peer):
    """One anchor in its place, one that is behind nothing, one of a domain that is not wanted."""

    def on_auth(self, request):
        self.asked = in_order(request.get(ikepy.CP))
        address = bytes([10, 3, 0, 9])
        reply = ikepy.config(2, [(IP4_ADDRESS, address), (DNSSEC_TA, b'\0\1' + DS[2:]), (IP4_DNS, bytes([10, 1, 0, 53])),
                                 (DNS_DOMAIN, b'example.com'), (DNSSEC_TA, DS), (DNS_DOMAIN, b'other.test'),
                                 (DNSSEC_TA, b'\0\2' + DS[2:])])
        return [reply] + [(ikepy.TSI, ikepy.selectors(['10.3.0.9/32'])) if x[0] == ikepy.TSI else x
                          for x in super().on_auth(request)]


def we_take_anchors_of_domains_that_we_name(extra):
    with Lab() as lab:
        a, b = lab.hosts
        a.ravelind(connection('road', a.wire4, b.wire4, 'west.example', 'east.example', remote_ts=b.net4,
                              extra='encap = never\nvips = 0.0.0.0\n' + extra, **PROPOSALS))
        g = Gateway(b, a.wire4, 'east.example', 'west.example')
        with g.serving():
            a.ravelin('up', 'road')
            check(((DNSSEC_TA, b'') in g.asked) == bool(extra), f'it asked for {g.asked}')
            check(not extra or g.asked.index((DNSSEC_TA, b'')) == g.asked.index((DNS_DOMAIN, b'')) + 1,
                  f'it asked for {g.asked}')
            lines = [line for line in a.log_text().splitlines() if 'anchor-' in line]
            a.ravelin('down', 'road')
            wait('the session is gone', lambda: not a.json('list', 'ike'))
        g.close()
        if not extra:
            check(not lines, f'the log says {lines}')
            return
        taken = [line for line in lines if 'anchor-not-installed' in line]
        check(len(taken) == 1 and 'domain=example.com' in taken[0] and '31406 8 2 ' + DIGEST.hex() in taken[0], f'{lines}')
        ignored = [line for line in lines if 'anchor-ignored' in line]
        check(len(ignored) == 1 and 'domain=other.test' in ignored[0], f'{lines}')


def with_a_whitelist_they_are_told():
    we_take_anchors_of_domains_that_we_name('anchor_domains = example.com\n')


def without_one_they_are_not_asked_for():
    we_take_anchors_of_domains_that_we_name('')


if __name__ == '__main__':
    main([we_send_anchors_behind_their_domains, with_a_whitelist_they_are_told, without_one_they_are_not_asked_for])
