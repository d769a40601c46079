# SPDX-License-Identifier: LGPL-2.1-or-later
"""ikev2-fragmentation (RFC 7383): with strongSwan in both roles, seen on the wire; over paths that lose large packets,
where smaller fragments are tried (2.5.2); with a peer that sends fragments as it must not."""

import struct

import ikepy
from lab import Capture, Lab, check, connection, main, wait

NAME = '.'.join(['a-name-that-makes-the-message-large'] * 6)
SKF, IKEV2_FRAGMENTATION_SUPPORTED = 53, 16430
FRAGMENTS = '(udp port 500 and udp[24] = 53) or (udp port 4500 and udp[8:4] = 0 and udp[28] = 53)'


def plugin(size=1280, extra='keying-ikev2 { retransmit_timeout = 1s }'):
    return 'ravelin { plugins { ikev2-fragmentation { fragment_size = %d }\n %s } }' % (size, extra)


def pair(lab, size, ours='', other='strongswan', version=4):
    a, b = lab.hosts
    wire = lambda h: h.wire4 if version == 4 else h.wire6
    nets = ','.join('10.1.%d.0/24' % n for n in range(0, 24, 2))
    words = dict(proposals='aes128gcm16-prfsha256-x25519', esp='aes128gcm16-x25519')
    a.ravelind(connection('frag', wire(a), wire(b), NAME + '.west', NAME + '.east', local_ts=nets, remote_ts=b.net4,
                          extra=ours, plugins=plugin(size), **words))
    config = lambda **kw: connection('frag', wire(b), wire(a), NAME + '.east', NAME + '.west', local_ts=b.net4,
                                     remote_ts=nets, **words, **kw)
    if other == 'strongswan':
        b.strongswan(config(), settings='fragment_size = %d' % size)
    else:
        b.ravelind(config(plugins=plugin(size)))
    return a, b


def fragments(capture, source=None):
    """How many there are in the capture, and the largest IP packet that carries one."""
    words = '(%s)' % FRAGMENTS + (' and src host ' + source if source else '')
    lengths = [int(line.rsplit('length ', 1)[1].rstrip(')').split()[0]) for line in capture.lines('-v', '-t', words)
               if ' > ' not in line and 'length ' in line]
    return len(lengths), max(lengths, default=0)


def with_strongswan(initiator):
    with Lab() as lab:
        a, b = pair(lab, 400)
        capture = Capture(a)
        if initiator == 'ravelin':
            a.ravelin('up', 'frag')
        else:
            b.swanctl('--initiate', '--child', 'net')
            wait('the child SA is known', lambda: a.json('list', 'child'))
        a.ping(b.in4, source=a.in4)
        before = a.json('list', 'child')[0]['SpiIn']
        a.ravelin('rekey', 'frag')  # what was agreed on holds for the successor
        wait('the IKE SA is replaced', lambda: len(a.json('list', 'ike')) == 1)
        b.swanctl('--rekey', '--child', 'net')
        wait('the child SA is replaced', lambda: a.json('list', 'child')[-1]['SpiIn'] != before)
        capture.stop()
        for source in (a.wire4, b.wire4):
            n, largest = fragments(capture, source)
            check(n >= 3, f'{n} fragments from {source}')
            check(largest <= 400, f'a fragment of {largest} octets from {source}')
        check('reassembled' in a.log_text() and 'fragmented' in a.log_text(), 'the log says nothing of fragments')


def ravelin_initiates_with_strongswan():
    with_strongswan('ravelin')


def strongswan_initiates():
    with_strongswan('strongswan')


def no_means_none():
    with Lab() as lab:
        a, b = pair(lab, 400, ours='fragmentation = no')
        capture = Capture(a)
        a.ravelin('up', 'frag')
        capture.stop()
        check(fragments(capture) == (0, 0), 'there are fragments')
        check(b.daemon.poll() is None, 'strongSwan ended')


def smaller_fragments_are_tried(version):
    """Packets over 600 octets vanish on the way in of both sides: the first size does not get through."""
    with Lab() as lab:
        a, b = pair(lab, 1280, other='ravelin', version=version)
        field = 'ip length' if version == 4 else 'ip6 length'
        for h in (a, b):
            h.run('nft', 'add table inet path; add chain inet path in { type filter hook prerouting priority -300; }; '
                  f'add rule inet path in {field} > 600 counter drop')
        r = a.ravelin('up', 'frag', '--timeout', '60', seconds=90)
        check('in fragments of at most 576' in r.stdout, 'the story does not say it:\n' + r.stdout)
        check('packets 0 ' not in b.run('nft', 'list', 'table', 'inet', 'path').stdout, 'nothing was dropped')
        a.ping(b.in4, source=a.in4)
        a.ravelin('rekey', 'frag', 'net')
        wait('the child SA is replaced', lambda: len(a.json('list', 'child')) == 1)


def smaller_fragments_are_tried_ipv4():
    smaller_fragments_are_tried(4)


def smaller_fragments_are_tried_ipv6():
    smaller_fragments_are_tried(6)


class Splitter(ikepy.Peer):
    """RFC 7383 from its text: every protected message goes in fragments of `size` inner octets."""

    size, wrong, twice = 60, False, False

    def init_extra(self):
        return [ikepy.notify(IKEV2_FRAGMENTATION_SUPPORTED)]

    def protect(self, message):
        if message.exchange == ikepy.IKE_SA_INIT:
            return super().protect(message)
        chain = message.chain()
        parts = [chain[i:i + self.size] for i in range(0, len(chain), self.size)] or [b'']
        out = [self.seal(message, SKF, struct.pack('>HH', i + 1, len(parts)), 0 if i else message.first(), part)
               for i, part in enumerate(parts)]
        return out[::-1] + (out if self.twice else [])

    def unprotect(self, datagram):
        message, first = self.read_header(datagram)
        if first != SKF:
            return super().unprotect(datagram)
        inner, _, _, number, total = struct.unpack('>BBHHH', datagram[28:36])
        text = self.keys.open(message.initiator, datagram[:36], datagram[36:])
        check(text is not None and 0 < number <= total, 'a fragment of the daemon is not right')
        check((inner == 0) == (number > 1), 'Next Payload of a fragment: %d in number %d' % (inner, number))
        parts = self.__dict__.setdefault('parts', {}).setdefault((message.id, message.response, total), {})
        parts[number] = (inner, text)
        self.seen = max(getattr(self, 'seen', 0), total)
        if len(parts) < total:
            return None
        message.payloads = ikepy.read_chain(parts[1][0], b''.join(parts[i + 1][1] for i in range(total)))
        parts.clear()
        return message


def a_second_implementation_agrees():
    with Lab() as lab:
        a, b = lab.hosts
        a.ravelind(connection('py', a.wire4, b.wire4, NAME + '.west', 'east.example', local_ts=a.net4,
                              remote_ts=b.net4, proposals='aes256-sha256-modp2048', esp='aes256-sha256',
                              extra='encap = never', plugins=plugin(300)))
        p = Splitter(b, a.wire4, 'east.example', NAME + '.west', suite=ikepy.CBC, esp=ikepy.ESP_CBC,
                     ts=(b.net4, a.net4))
        p.connect()
        check(p.seen >= 2, 'the daemon sent no fragments')
        p.twice = True
        p.size = 33
        check(not p.create_child().error(), 'no second child SA')
        p.rekey()
        # an answered request is answered again for its first fragment alone, and once (RFC 7383, 2.6.1)
        sent = p.protect(p.message(ikepy.INFORMATIONAL, p.next_out, [ikepy.notify(40960, bytes(100))]))
        p.send(sent[:4])
        check(p.receive(5) is not None, 'it was not answered')
        while p.receive(1):
            pass
        first = [d for d in sent if struct.unpack('>H', d[32:34])[0] == 1][0]
        for datagrams, answers in (([d for d in sent[:4] if d is not first], 0), ([first], 1)):
            p.send(datagrams)
            n = 0
            while p.receive(1):
                n += 1
            check(n == answers, f'{n} answers, not {answers}')
        p.close()


if __name__ == '__main__':
    main([ravelin_initiates_with_strongswan, strongswan_initiates, no_means_none, smaller_fragments_are_tried_ipv4,
          smaller_fragments_are_tried_ipv6, a_second_implementation_agrees])
