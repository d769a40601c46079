# SPDX-License-Identifier: LGPL-2.1-or-later
"""Selectors of child SAs (RFC 7296, 2.9) with strongSwan in both roles: the responder narrows, what is left is carried and
nothing else. With a second implementation where strongSwan does not go: ADDITIONAL_TS_POSSIBLE both ways, and
SINGLE_PAIR_REQUIRED, and a peer that narrows at a rekey (2.9.2). Three child SAs beside each other on one IKE SA."""

import struct

import ikepy
from lab import Lab, check, connection, main, wait

PROPOSALS, ESP = 'aes128gcm16-prfsha256-x25519', 'aes128gcm16-x25519'
ADDITIONAL_TS_POSSIBLE, SINGLE_PAIR_REQUIRED, TS_UNACCEPTABLE = 16386, 34, 38
IDS = ('west.example', 'east.example')


def config(h, o, ids, local_ts, remote_ts, children='', child=''):
    text = connection('c', h.wire4, o.wire4, *ids, local_ts=local_ts, remote_ts=remote_ts, proposals=PROPOSALS, esp=ESP,
                      extra='encap = yes', child_extra=child)
    return text.replace('children {', 'children {' + children)


def selectors(host):
    child = wait('the child SA is there', lambda: host.json('list', 'child'))[0]
    return sorted(child['LocalTs']), sorted(child['RemoteTs'])


# what we have, what strongSwan has (each: local, remote), and what we have in the end
NARROWED = {
    'to_their_part': (('10.1.0.0/16', '10.2.0.0/16'), ('10.2.0.0/24', '10.1.0.0/16'), (['10.1.0.0/16'], ['10.2.0.0/24'])),
    'to_our_part': (('10.1.0.0/24', '10.2.0.0/24'), ('10.2.0.0/16', '10.1.0.0/16'), (['10.1.0.0/24'], ['10.2.0.0/24'])),
    'to_a_part_of_each': (('10.1.0.0/24', '10.2.0.0/16'), ('10.2.0.0/24', '10.1.0.0/16'),
                          (['10.1.0.0/24'], ['10.2.0.0/24'])),
    'to_some_of_several': (('10.1.0.0/24,10.1.4.0/24', '10.2.0.0/16'), ('10.2.0.0/24,10.2.8.0/24', '10.1.0.0/24'),
                           (['10.1.0.0/24'], ['10.2.0.0/24', '10.2.8.0/24'])),
    'to_a_protocol': (('10.1.0.0/16', '10.2.0.0/16'), ('10.2.0.0/16[icmp]', '10.1.0.0/16[icmp]'),
                      (['10.1.0.0/16[icmp]'], ['10.2.0.0/16[icmp]'])),
}


def narrowed(case, we):
    ours, theirs, wanted = NARROWED[case]
    with Lab() as lab:
        a, b = lab.hosts
        outside = '10.2.77.1'
        for address in (outside, '10.2.8.1'):  # strongSwan installs a selector when it has an address in it
            b.ip('addr', 'add', address + '/32', 'dev', 'lo')
        a.ravelind(config(a, b, IDS, *ours))
        b.strongswan(config(b, a, IDS[::-1], *theirs))
        if we:
            a.ravelin('up', 'c')
        else:
            b.swanctl('--initiate', '--child', 'net')
        check(selectors(a) == wanted, f'the selectors are {selectors(a)}')
        check(a.ping(b.in4, count=3, source=a.in4) == 3, 'what is inside is not carried')
        before = a.json('list', 'child')[0]['PacketsOut']
        if case != 'to_a_protocol':
            a.ping(outside, count=2, source=a.in4, ok=False)
        check(a.json('list', 'child')[0]['PacketsOut'] == before, 'what is outside is carried')


def narrow_rows():
    for case in NARROWED:
        for we in (True, False):
            def test(args=(case, we)):
                narrowed(*args)
            test.__name__ = f"{'strongswan' if we else 'we'}_narrow_{case}"
            yield test


def nothing_in_common_is_refused():
    with Lab() as lab:
        a, b = lab.hosts
        a.ravelind(config(a, b, IDS, '10.1.0.0/16', '10.2.0.0/16'))
        b.strongswan(config(b, a, IDS[::-1], '10.77.0.0/16', '10.1.0.0/16'))
        said = a.ravelin('up', 'c', ok=False)
        check(said.returncode and 'TS_UNACCEPTABLE' in said.stdout + said.stderr, said.stdout + said.stderr)
        check(len(a.json('list', 'ike')) == 1 and not a.json('list', 'child'), 'the IKE SA stays, without a child SA')
        b.swanctl('--initiate', '--child', 'net', ok=False)
        check('TS_UNACCEPTABLE' in b.log_text(), "strongSwan's log does not show it")
        check(not a.json('list', 'child'), 'a child SA is there')


def three_children(h, extra=''):
    mine, other = h.n, 3 - h.n
    return ''.join('''
        %s {
            local_ts = %s
            remote_ts = %s
            esp_proposals = %s
            %s
        }''' % (name, local, remote, ESP, extra) for name, local, remote in (
            ('six', h.net6, h.net6.replace('fd00:%d' % mine, 'fd00:%d' % other)),
            ('third', '10.9.%d.0/24' % mine, '10.9.%d.0/24' % other)))


def three(we):
    with Lab() as lab:
        a, b = lab.hosts
        for h in (a, b):
            h.ip('addr', 'add', '10.9.%d.1/32' % h.n, 'dev', 'lo')
        a.ravelind(config(a, b, IDS, a.net4, b.net4, three_children(a)))
        b.strongswan(config(b, a, IDS[::-1], b.net4, a.net4, three_children(b)))
        ways = {'net': (a.in4, b.in4), 'six': (a.in6, b.in6), 'third': ('10.9.1.1', '10.9.2.1')}
        children = lambda: {c['Name']: c for c in a.json('list', 'child')}
        for name in ways:
            if we:
                a.ravelin('up', 'c', name)
            else:
                b.swanctl('--initiate', '--child', name)
        wait('three child SAs', lambda: len(a.json('list', 'child')) == 3)
        check(set(children()) == set(ways) and len(a.json('list', 'ike')) == 1, 'not three on one IKE SA')
        check(len({c['SpiIn'] for c in children().values()}) == 3, 'SPIs are shared')

        def each_carries_its_own(names):
            for name in names:
                before = {n: c['PacketsIn'] for n, c in children().items()}
                check(a.ping(ways[name][1], count=3, source=ways[name][0]) == 3, name + ' carries nothing')
                more = {n for n, c in children().items() if c['PacketsIn'] > before[n]}
                check(more == {name}, f'the packets of {name} came on {more}')

        each_carries_its_own(ways)
        old = children()
        a.ravelin('rekey', 'c', 'six')
        b.swanctl('--rekey', '--child', 'third')
        wait('two of them are replaced', lambda: len(a.json('list', 'child')) == 3 and
             children()['six']['SpiIn'] != old['six']['SpiIn'] and
             children()['third']['SpiIn'] != old['third']['SpiIn'], 20)
        check(children()['net']['SpiIn'] == old['net']['SpiIn'], 'another one was replaced too')
        each_carries_its_own(ways)
        a.ravelin('rekey', 'c')
        each_carries_its_own(ways)
        b.swanctl('--terminate', '--child', 'net')
        wait('one is gone', lambda: set(children()) == {'six', 'third'})
        each_carries_its_own(['six', 'third'])
        b.swanctl('--terminate', '--child', 'third')
        wait('two are gone', lambda: set(children()) == {'six'})
        each_carries_its_own(['six'])


def we_make_three_child_sas():
    three(True)


def strongswan_makes_three_child_sas():
    three(False)


# With a second implementation

def peer(a, b, kind=ikepy.Peer, ts=None):
    return kind(b, a.wire4, 'east.example', 'west.example', ts=ts or (b.net4, a.net4))


def we_say_that_more_would_do():
    """Both child sections fit what is offered: one is taken, and the other one is said to be possible."""
    with Lab() as lab:
        a, b = lab.hosts
        more = '\nother {\nlocal_ts = 10.1.8.0/24\nremote_ts = 10.2.0.0/16\nesp_proposals = %s\n}' % ESP
        a.ravelind(config(a, b, IDS, '10.1.0.0/24', '10.2.0.0/16', more).replace('encap = yes', 'encap = never'))
        p = peer(a, b, ts=('10.2.0.0/16', '10.1.0.0/16'))
        p.init()
        answer = p.auth()
        check(answer.notified(ADDITIONAL_TS_POSSIBLE) is not None, f'the answer has {answer.payloads}')
        taken = answer.get(ikepy.TSR)
        check(taken != ikepy.selectors(['10.1.0.0/16']) and struct.unpack('>B', taken[:1])[0] == 1, 'it was not narrowed')
        p.ts = ('10.2.0.0/16', '10.1.0.0/24' if taken == ikepy.selectors(['10.1.8.0/24']) else '10.1.8.0/24')
        answer = p.create_child()
        check(not answer.error() and answer.notified(ADDITIONAL_TS_POSSIBLE) is None, f'the answer has {answer.payloads}')
        check(len(a.json('list', 'child')) == 2, 'two child SAs were expected')
        p.close()


def we_hear_that_more_would_do():
    class Narrows(ikepy.Peer):
        def outgoing(self, message):
            if message.response and message.get(ikepy.TSR):
                message.payloads = [(ikepy.TSR, ikepy.selectors(['10.2.4.0/24'])) if x[0] == ikepy.TSR else x
                                    for x in message.payloads] + [ikepy.notify(ADDITIONAL_TS_POSSIBLE)]

    with Lab() as lab:
        a, b = lab.hosts
        a.ravelind(config(a, b, IDS, a.net4, '10.2.0.0/16').replace('encap = yes', 'encap = never'))
        p = peer(a, b, Narrows)
        with p.serving():
            said = a.ravelin('up', 'c').stdout
            check('in further child SAs' in said, said)
            check(selectors(a)[1] == ['10.2.4.0/24'], f'the selectors are {selectors(a)}')
            a.ravelin('down', 'c')
        p.close()


def what_was_not_offered_is_not_taken():
    class Widens(ikepy.Peer):
        def outgoing(self, message):
            if message.response and message.get(ikepy.TSR):
                message.payloads = [(ikepy.TSR, ikepy.selectors(['10.0.0.0/8'])) if x[0] == ikepy.TSR else x
                                    for x in message.payloads]

    with Lab() as lab:
        a, b = lab.hosts
        a.ravelind(config(a, b, IDS, a.net4, '10.2.0.0/16').replace('encap = yes', 'encap = never'))
        p = peer(a, b, Widens)
        with p.serving():
            said = a.ravelin('up', 'c', ok=False)
            check(said.returncode and 'not offered' in said.stdout + said.stderr, said.stdout + said.stderr)
            check(not a.json('list', 'child'), 'a child SA is there')
            a.ravelin('down', 'c', ok=False)
        p.close()


def read_selectors(body):
    """(protocol, first port, last port, first address, last address) of each IPv4 selector."""
    return [struct.unpack('>xBxxHH4s4s', body[4 + 16 * i:20 + 16 * i]) for i in range(body[0])]


def single_pairs_are_asked_for():
    """A trap's packet asks; the peer wants one pair of addresses a child SA, and then gets the packet's own."""
    class Pairs(ikepy.Peer):
        offered = []

        def on_create_child(self, request):
            if request.get(ikepy.TSI) is None:
                return super().on_create_child(request)
            pairs = read_selectors(request.get(ikepy.TSI)), read_selectors(request.get(ikepy.TSR))
            self.offered.append(pairs)
            if any(ts[3] != ts[4] for side in pairs for ts in side):
                return [ikepy.notify(SINGLE_PAIR_REQUIRED)]
            return super().on_create_child(request)

    with Lab() as lab:
        a, b = lab.hosts
        text = config(a, b, IDS, a.net4, b.net4, child='start_action = trap', children='''
            first {
                local_ts = 10.77.1.0/24
                remote_ts = 10.77.2.0/24
                esp_proposals = %s
            }''' % ESP)
        a.ravelind(text.replace('encap = yes', 'encap = never'))
        p = peer(a, b, Pairs)
        with p.serving(60):
            a.ravelin('up', 'c', 'first')
            a.ping(b.in4, count=1, source=a.in4, ok=False)
            wait('the pair is asked for', lambda: len(p.offered) >= 2 and len(a.json('list', 'child')) == 2, 20)
            one = lambda addr: bytes(int(x) for x in addr.split('.'))
            tsi, tsr = p.offered[1]
            check([t[3:] for t in tsi] == [(one(a.in4),) * 2] and [t[3:] for t in tsr] == [(one(b.in4),) * 2],
                  f'it was {p.offered[1]}')
            pair = next(c for c in a.json('list', 'child') if c['Name'] == 'net')
            check(a.in4 in pair['LocalTs'][0] and b.in4 in pair['RemoteTs'][0], f'the child SA is {pair}')
            a.ravelin('down', 'c')
        p.close()


def a_peer_that_narrows_at_a_rekey_gets_a_new_child_sa():
    """RFC 7296, 2.9.2, as initiator: the narrower successor is given back, the old child SA stays until a new one is there.
    One that is only cut elsewhere is taken."""
    class Narrows(ikepy.Peer):
        less, story = None, []

        def incoming(self, message):
            if not message.response and message.exchange in (ikepy.CREATE_CHILD_SA, ikepy.INFORMATIONAL):
                self.story.append('rekey' if message.notified(ikepy.REKEY_SA) is not None else
                                  'create' if message.get(ikepy.TSR) else
                                  message.get(ikepy.D)[4:] if message.get(ikepy.D) else 'other')

        def outgoing(self, message):
            if message.response and message.get(ikepy.TSR) and self.less:
                message.payloads = [(ikepy.TSR, ikepy.selectors(self.less)) if x[0] == ikepy.TSR else x
                                    for x in message.payloads]

    with Lab() as lab:
        a, b = lab.hosts
        a.ravelind(config(a, b, IDS, a.net4, '10.2.0.0/16').replace('encap = yes', 'encap = never'))
        p = peer(a, b, Narrows)
        with p.serving(60):
            a.ravelin('up', 'c')
            for answer, wanted, story in ((['10.2.0.0/17', '10.2.128.0/17'], 2, 2), (['10.2.4.0/24'], 1, 4)):
                p.less, p.story[:] = answer, []
                before = a.json('list', 'child')[0]
                a.ravelin('rekey', 'c', 'net')
                wait('the old one is deleted', lambda n=story: len(p.story) >= n, 20)
                wait('another child SA', lambda old=before: [c['SpiIn'] for c in a.json('list', 'child')] not in
                     ([], [old['SpiIn']]) and len(a.json('list', 'child')) == 1, 20)
                check(len(selectors(a)[1]) == wanted, f'the selectors are {selectors(a)}')
                kinds = [s if isinstance(s, str) else 'delete' for s in p.story]
                check(kinds == (['rekey', 'delete'] if wanted == 2 else ['rekey', 'delete', 'create', 'delete']),
                      f'the story is {p.story}')
                check('0x' + p.story[-1].hex() == before['SpiIn'], f'{p.story} ends not with {before["SpiIn"]}')
            check(selectors(a)[1] == ['10.2.4.0/24'], f'the selectors are {selectors(a)}')
            a.ravelin('down', 'c')
        p.close()


def a_rekey_that_offers_less_is_refused():
    """RFC 7296, 2.9.2, as responder: TS_UNACCEPTABLE, and the old child SA stays. A superset is narrowed to what it had."""
    with Lab() as lab:
        a, b = lab.hosts
        a.ravelind(config(a, b, IDS, a.net4, '10.2.0.0/16').replace('encap = yes', 'encap = never'))
        p = peer(a, b, ts=('10.2.0.0/16', a.net4))
        p.connect()
        before = a.json('list', 'child')
        p.ts = ('10.2.4.0/24', a.net4)
        answer = p.create_child(rekey=p.children[0])
        check(answer.error() == TS_UNACCEPTABLE, f'the answer has {answer.payloads}')
        check([c['SpiIn'] for c in a.json('list', 'child')] == [c['SpiIn'] for c in before], 'the old one is gone')
        p.ts = ('10.0.0.0/8', '10.0.0.0/8')
        answer = p.create_child(rekey=p.children[0])
        check(not answer.error() and answer.get(ikepy.TSI) == ikepy.selectors(['10.2.0.0/16']),
              f'the answer has {answer.payloads}')
        p.close()


if __name__ == '__main__':
    main([*narrow_rows(), nothing_in_common_is_refused, we_make_three_child_sas, strongswan_makes_three_child_sas,
          we_say_that_more_would_do, we_hear_that_more_would_do, what_was_not_offered_is_not_taken,
          single_pairs_are_asked_for, a_peer_that_narrows_at_a_rekey_gets_a_new_child_sa,
          a_rekey_that_offers_less_is_refused])
