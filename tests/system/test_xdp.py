# SPDX-License-Identifier: LGPL-2.1-or-later
"""datapath-xdp: ESP past the system's stack, through AF_XDP sockets on veth, against ordinary wires and strongSwan."""

import glob
import json
import os
import re
import signal
import xml.etree.ElementTree as ElementTree

from lab import SANITIZED, SOURCE, Lab, Skip, check, connection, main, need_root, run, wait

WHY = 'XDP programs are loaded by root of the machine only'
XDP = 'ravelin { plugins { datapath-xdp { load = yes\n interfaces = eth0\n %s } kernel-userspace { workers = %d } } }'


def config(a, b, xdp=True, workers=1, more='', extra='', v6=False, mine='east', theirs='west'):
    return connection('net', a.wire6 if v6 else a.wire4, b.wire6 if v6 else b.wire4, mine, theirs,
                      local_ts=f'{a.net4},{a.net6}', remote_ts=f'{b.net4},{b.net6}', esp='aes128gcm16', extra=extra,
                      plugins=XDP % (more, workers) if xdp else '')


def queues(host):
    return host.json('list', 'xdp')


def counted(host, name):
    return sum(int(q[name]) for q in queues(host))


def child(host):
    rows = host.json('list', 'child')
    check(len(rows) == 1, f'{host.name}: {rows}')
    return rows[0]


def attached(host, interface='eth0'):
    return 'xdp' in host.ip('-d', 'link', 'show', interface).stdout


def pair(lab, **kw):
    a, b = lab.hosts
    a.ravelind(config(a, b, **kw))
    b.ravelind(config(b, a, xdp=False, extra=kw.get('extra', ''), v6=kw.get('v6', False), mine='west', theirs='east'))
    return a, b


def carries(a, b, v6=False):
    """Traffic both ways, and that it went through the queues: nearly all of it, since a few packets go to the stack."""
    a.ping(b.in4, source=a.in4)
    b.ping(a.in6, source=b.in6)
    before = counted(a, 'FramesIn'), counted(a, 'FramesOut'), child(a)
    b.transfer(a, b.in4, a.in4, octets=4_000_000)
    a.transfer(b, a.in4, b.in4, octets=4_000_000, port=5002)
    after = child(a)
    came = after['PacketsIn'] - before[2]['PacketsIn']
    went = after['PacketsOut'] - before[2]['PacketsOut']
    through = counted(a, 'FramesIn') - before[0], counted(a, 'FramesOut') - before[1]
    check(through[0] >= came * 0.9 and came > 2000, f'{came} packets came, {through[0]} of them by the queues')
    check(through[1] >= went * 0.8 and went > 2000, f'{went} packets went, {through[1]} of them by the queues')
    check(not after['Dropped'], f'{after}')
    check(counted(a, 'Damaged') == 0, f'{queues(a)}')


def in_udp():
    need_root(WHY)
    with Lab() as lab:
        a, b = pair(lab)
        check(attached(a), 'nothing is attached')
        a.ravelin('up', 'net')
        carries(a, b)
        a.ravelin('rekey', 'net')  # keying messages go to the stack still
        b.ravelin('rekey', 'net')
        wait('one IKE SA', lambda: len(a.json('list', 'ike')) == 1, 15)
        carries(a, b)
        q = queues(a)[0]
        check(q['Interface'] == 'eth0' and 'copy' in q['Mode'], f'{q}')
        print('     mode:', q['Mode'])
        services = [s for s in a.json('list', 'services') if s['Kind'] == 'wire' and s['Chosen']]
        check({(s['Name'], s['Provider']) for s in services} >= {('udp', 'datapath-xdp'), ('esp', 'datapath-xdp')},
              f'{services}')
        check(a.stop() == 0 and not attached(a), 'something stays attached')


def in_ip_protocol_50():
    need_root(WHY)
    with Lab() as lab:
        a, b = pair(lab, extra='encap = no')
        a.ravelin('up', 'net')
        carries(a, b)


def over_ipv6():
    need_root(WHY)
    with Lab() as lab:
        a, b = pair(lab, v6=True)
        b.ravelin('up', 'net')
        carries(a, b)


def several_queues_and_workers():
    need_root(WHY)
    with Lab(3) as lab:
        a, b, c = lab.hosts
        a.run('ethtool', '-L', 'eth0', 'rx', '2', 'tx', '2')
        run('ip', 'netns', 'exec', 'switch', 'ethtool', '-L', 'p1', 'rx', '2', 'tx', '2')
        for workers in (2, 3):  # the third has no queue of its own
            more = config(a, c, xdp=False, theirs='south').replace('net {', 'net3 {', 1).replace('ike-pair', 'ike-pair-3')
            text = config(a, b, workers=workers)
            for section in ('connections', 'secrets'):
                body = re.search(rf'^{section} {{\n(.*?)^}}\n', more, re.S | re.M).group(1)
                text = text.replace(f'{section} {{\n', f'{section} {{\n' + body, 1)
            a.ravelind(text)
            for host, name in ((b, 'west'), (c, 'south')):
                host.ravelind(config(host, a, xdp=False, mine=name, theirs='east'))
            a.ravelin('up', 'net')
            a.ravelin('up', 'net3')
            before = counted(a, 'FramesIn')
            for host in (b, c):
                host.transfer(a, host.in4, a.in4, octets=2_000_000)
                a.transfer(host, a.in4, host.in4, octets=2_000_000, port=5002)
            came = sum(row['PacketsIn'] for row in a.json('list', 'child'))
            through = counted(a, 'FramesIn') - before
            check(len(queues(a)) == 2 and through > came * 0.9, f'{came} packets came: {queues(a)}')
            for host in lab.hosts:
                check(host.stop() == 0, f'{host.name} does not end well')


def with_strongswan():
    need_root(WHY)
    with Lab() as lab:
        a, b = lab.hosts
        a.ravelind(config(a, b).replace(f',{a.net6}', '').replace(f',{b.net6}', ''))
        b.strongswan(config(b, a, xdp=False, mine='west', theirs='east').replace(f',{a.net6}', '')
                     .replace(f',{b.net6}', ''))
        b.swanctl('--initiate', '--child', 'net')
        wait('a child SA', lambda: a.json('list', 'child'))
        a.transfer(b, a.in4, b.in4, octets=2_000_000)
        b.transfer(a, b.in4, a.in4, octets=2_000_000, port=5002)
        c = child(a)
        check(counted(a, 'FramesIn') > c['PacketsIn'] * 0.9 and counted(a, 'FramesOut') > c['PacketsOut'] * 0.8 and
              c['PacketsIn'] > 500, f'{c}\n{queues(a)}')


SCAPY = '''
import json, sys
from scapy.all import Ether, Dot1Q, IP, IPv6, IPv6ExtHdrHopByHop, Raw, UDP, Padding, fragment, IPOption_NOP
names = dict(globals(), esp=bytes.fromhex("00012345000000010102030405060708") * 4, eth=Ether(src=sys.argv[1], dst=sys.argv[2]),
             ip4=IP(src="10.0.0.2", dst="10.0.0.1"), ip6=IPv6(src="fd00::2", dst="fd00::1"), udp=UDP(sport=4500, dport=4500))
made = [eval(text, names) for text in json.loads(sys.argv[3])]
print(json.dumps([[bytes(f).hex() for f in (one if isinstance(one, list) else [one])] for one in made]))
'''

THROW = '''
import json, socket, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(("eth0", 0))
for frame in json.loads(sys.argv[1]):
    s.send(bytes.fromhex(frame))
'''

# what, the frames, how many of them come by the queue and are damaged, how many come by the queue and are good
FRAMES = (
    ('good ones', '[eth/ip4/udp/Raw(esp), eth/ip6/udp/Raw(esp), eth/IP(src="10.0.0.2",dst="10.0.0.1",proto=50)/Raw(esp),'
     'eth/IPv6(src="fd00::2",dst="fd00::1",nh=50)/Raw(esp)]', 0, 4),
    ('no UDP checksum', 'eth/ip4/UDP(sport=4500,dport=4500,chksum=0)/Raw(esp)', 0, 1),
    ('bad UDP checksums', '[eth/ip4/UDP(sport=4500,dport=4500,chksum=0x1234)/Raw(esp),'
     'eth/ip6/UDP(sport=4500,dport=4500,chksum=0x1234)/Raw(esp)]', 2, 0),
    ('a bad header checksum', 'eth/IP(src="10.0.0.2",dst="10.0.0.1",chksum=0x1234)/udp/Raw(esp)', 1, 0),
    ('a length beyond the frame', 'eth/IP(src="10.0.0.2",dst="10.0.0.1",len=999)/udp/Raw(esp)', 1, 0),
    ('a UDP length beyond the packet', 'eth/ip4/UDP(sport=4500,dport=4500,len=999)/Raw(esp)', 1, 0),
    ('a sender that is none', 'eth/IP(src="127.0.0.1",dst="10.0.0.1")/udp/Raw(esp)', 1, 0),
    ('fragments', '[eth/f for f in fragment(ip4/udp/Raw(esp*9), 400)]', 0, 0),
    ('options', 'eth/IP(src="10.0.0.2",dst="10.0.0.1",options=[IPOption_NOP()])/udp/Raw(esp)', 0, 0),
    ('an extension header', 'eth/ip6/IPv6ExtHdrHopByHop()/udp/Raw(esp)', 0, 0),
    ('a tag', 'eth/Dot1Q(vlan=5)/ip4/udp/Raw(esp)', 0, 0),
    ('a keying message', 'eth/ip4/udp/Raw(bytes(4)+esp)', 0, 0),
    ('a keepalive, padded', 'eth/ip4/udp/Raw(b"\\xff")/Padding(bytes(17))', 0, 0),
    ('another port', 'eth/ip4/UDP(sport=4500,dport=4501)/Raw(esp)', 0, 0),
    ('another address', 'eth/IP(src="10.0.0.2",dst="10.0.0.77")/udp/Raw(esp)', 0, 0),
    ('another card', 'Ether(src=eth.src,dst="02:00:00:00:00:77")/ip4/udp/Raw(esp)', 0, 0),
    ('all cards', 'Ether(src=eth.src,dst="ff:ff:ff:ff:ff:ff")/ip4/udp/Raw(esp)', 0, 0),
    ('a runt', 'eth/Raw(bytes(3))', 0, 0),
)


def mac_of(host):
    return re.search(r'link/ether (\S+)', host.ip('link', 'show', 'eth0').stdout).group(1)


def frames_that_are_not_for_the_queues():
    need_root(WHY)
    with Lab(direct=True) as lab:
        a, b = pair(lab)
        a.ravelin('up', 'net')
        a.ping(b.in4, source=a.in4)
        texts = [f[1] for f in FRAMES] + ['eth/IP(src="10.0.0.2",dst="10.0.0.99")/udp/Raw(esp)']
        made = json.loads(run('/usr/bin/python3', '-c', SCAPY, mac_of(b), mac_of(a), json.dumps(texts)).stdout)

        def throw(frames):
            b.run('/usr/bin/python3', '-c', THROW, json.dumps(frames))

        def seen():
            return counted(a, 'Damaged'), counted(a, 'FramesIn')
        for (what, _, damaged, good), frames in zip(FRAMES, made):
            before = seen()
            throw(frames)
            wait(what, lambda: seen() == (before[0] + damaged, before[1] + good), 5)
        a.ping(b.in4, source=a.in4)
        # addresses come and go with the interface's
        before = seen()
        throw(made[-1])
        a.ip('addr', 'add', '10.0.0.99/24', 'dev', 'eth0')
        wait('ESP to a new address comes by the queue', lambda: throw(made[-1]) or seen()[1] > before[1])
        # what was good was seen by the kernel's workers, through the queue or (fragments, options) by the stack
        a.stop()
        lost = re.search(r'dropped-outside-of-sas.*packets=(\d+)', a.log_text())
        check(lost and int(lost.group(1)) >= 8, f'{lost and lost.group(0)}')


def what_does_not_fit_goes_the_ordinary_way():
    """Fragments of the peer come by the stack, which joins them; what is too large for our link leaves by it."""
    need_root(WHY)
    with Lab(direct=True) as lab:
        a, b = pair(lab)
        a.ravelin('up', 'net')
        a.ping(b.in4, source=a.in4)
        def narrow(host, mtu):
            host.ip('route', 'change', '10.0.0.0/24', 'dev', 'eth0', 'proto', 'kernel', 'scope', 'link', 'src', host.wire4,
                    *(['mtu', mtu] if mtu else []))
        narrow(b, 1000)
        before = counted(a, 'FramesIn')
        b.ping(a.in4, count=10, size=1200, source=b.in4)
        check(counted(a, 'FramesIn') == before, f'{queues(a)}')
        narrow(b, None)
        narrow(a, 1000)
        before = counted(a, 'FramesOut')
        a.ping(b.in4, count=10, size=1200, source=a.in4)
        check(counted(a, 'FramesOut') == before, f'{queues(a)}')
        narrow(a, None)
        wait('large packets leave by the queue again',
             lambda: a.ping(b.in4, count=3, size=1200, source=a.in4, ok=False) == 3 and
             counted(a, 'FramesOut') > before)


def on_a_vlan():
    """ESP to an address of a VLAN's interface is no business of the card's queues."""
    need_root(WHY)
    with Lab(direct=True) as lab:
        a, b = lab.hosts
        for h in (a, b):
            if h.ip('link', 'add', 'link', 'eth0', 'name', 'eth0.5', 'type', 'vlan', 'id', '5', ok=False).returncode:
                raise Skip('this system has no VLANs')
            h.ip('addr', 'add', f'10.5.0.{h.n}/24', 'dev', 'eth0.5')
            h.ip('link', 'set', 'eth0.5', 'up')
        a.ravelind(config(a, b).replace('10.0.0.', '10.5.0.'))
        b.ravelind(config(b, a, xdp=False, mine='west', theirs='east').replace('10.0.0.', '10.5.0.'))
        a.ravelin('up', 'net')
        b.transfer(a, b.in4, a.in4, octets=1_000_000)
        a.ping(b.in4, source=a.in4)
        check(counted(a, 'FramesIn') == counted(a, 'FramesOut') == 0, f'{queues(a)}')


def in_front_of_the_stack():
    """Where the driver will not have the program (veth with a large MTU), it runs in generic mode."""
    need_root(WHY)
    with Lab(direct=True) as lab:
        for h in lab.hosts:
            h.ip('link', 'set', 'eth0', 'mtu', '9000')
        a, b = pair(lab)
        a.ravelin('up', 'net')
        a.ping(b.in4, count=20, source=a.in4)
        b.ping(a.in4, count=20, source=b.in4)
        q = queues(a)[0]
        check('generic' in q['Mode'], f'{q}')
        check(q['FramesIn'] >= 36 and q['FramesOut'] >= 32, f'{q}')
        b.transfer(a, b.in4, a.in4, octets=1_000_000)


def a_link_that_goes_and_comes():
    need_root(WHY)
    with Lab() as lab:
        a, b = pair(lab)
        a.ravelin('up', 'net')
        a.ping(b.in4, source=a.in4)
        for h in (a, b):
            h.ip('link', 'set', 'eth0', 'down')
            h.ip('link', 'set', 'eth0', 'up')
            wait('the tunnel carries again', lambda: a.ping(b.in4, count=3, source=a.in4, ok=False) == 3, 20)
        carries(a, b)
        # the card of the neighbour is another one
        b.ip('link', 'set', 'eth0', 'address', '02:00:00:00:00:99')
        a.ip('neigh', 'replace', b.wire4, 'lladdr', '02:00:00:00:00:99', 'dev', 'eth0')
        wait('the tunnel carries again', lambda: a.ping(b.in4, count=3, source=a.in4, ok=False) == 3, 20)
        a.ip('neigh', 'flush', 'dev', 'eth0')
        carries(a, b)


def killed_it_leaves_nothing():
    need_root(WHY)
    with Lab() as lab:
        a, b = pair(lab)
        a.ravelin('up', 'net')
        check(attached(a), 'nothing is attached')
        pid = a.daemon.pid
        a.daemon.send_signal(signal.SIGKILL)
        a.daemon.wait(10)
        wait(f'process {pid} left nothing', lambda: not attached(a))
        a.ravelind(config(a, b))
        a.ravelin('up', 'net')
        carries(a, b)


def rights_are_given_up():
    """All of them, in all threads, once the program is there; bpf(2) is not let through either."""
    need_root(WHY)
    with Lab() as lab:
        a, b = lab.hosts
        os.chmod(a.dir, 0o755)
        a.ravelind(config(a, b).replace('ravelin {', 'ravelin { user = nobody\n', 1))
        b.ravelind(config(b, a, xdp=False, mine='west', theirs='east'))
        a.ravelin('up', 'net')
        carries(a, b)
        for task in glob.glob(f'/proc/{a.pid()}/task/*/status'):
            s = dict(re.findall(r'^(\w+):\s+(.*)$', open(task).read(), re.M))
            allowed = 1 << 10 | 1 << 12 | 1 << 13  # BIND_SERVICE, NET_ADMIN, NET_RAW
            check(not (int(s['CapEff'], 16) | int(s['CapPrm'], 16)) & ~allowed, f'{s["Name"]} has {s["CapPrm"]}')
            check(set(s['Uid'].split()) == {'65534'}, f'{s["Name"]} runs as {s["Uid"]}')
            check(SANITIZED or s['Seccomp'] == '2', f'{s["Name"]} has no system-call filter')


def what_cannot_be_is_said():
    need_root(WHY)
    rows = (('mode = zerocopy', 'eth0', 'cannot write into our memory: set mode = copy'),
            ('', 'ghost0', 'there is no such interface'), ('', 'lo', 'it is no Ethernet'),
            ('', '', 'no interface is given over'))
    for more, interface, said in rows:
        with Lab() as lab:
            a, b = lab.hosts
            text = config(a, b, more=more).replace('interfaces = eth0', f'interfaces = {interface}' if interface else '')
            a.ravelind(text)
            b.ravelind(config(b, a, xdp=False, mine='west', theirs='east'))
            check(re.search('xdp-unavailable.*' + said, a.log_text()), f'{interface}: {said}\n{a.log_tail()}')
            check(not attached(a), 'something is attached')
            a.ravelin('up', 'net')  # by the ordinary wires
            a.ping(b.in4, source=a.in4)
    with Lab() as lab:
        a, b = lab.hosts
        text = config(a, b).replace('load = yes', 'load = no')
        a.ravelind(text)
        r = a.ravelin('load', 'datapath-xdp', ok=False)
        check(r.returncode and 'CAP_BPF' in a.log_text(), f'{r}\n{a.log_tail()}')


def the_object_is_as_documented():
    from test_dbus import members
    need_root(WHY)
    name = 'org.ravelin.IPsec1.XdpQueue'
    documented = ElementTree.parse(os.path.join(SOURCE, 'dbus', name + '.xml')).getroot().find('interface')
    with Lab() as lab:
        a, b = pair(lab)
        text = a.run('busctl', '--address', 'unix:path=' + os.path.join(a.run_dir, 'bus'), '--xml-interface', 'introspect',
                     'org.ravelin.IPsec1', '/org/ravelin/IPsec1/xdp/eth0_2d0').stdout
        told = [e for e in ElementTree.fromstring(text).findall('interface') if e.get('name') == name]
        check(len(told) == 1 and members(told[0]) == members(documented), text)
        out = a.ravelin('list', 'xdp').stdout
        check('FramesIn' in out and 'eth0' in out, out)


if __name__ == '__main__':
    main([in_udp, in_ip_protocol_50, over_ipv6, several_queues_and_workers, with_strongswan,
          frames_that_are_not_for_the_queues, what_does_not_fit_goes_the_ordinary_way, on_a_vlan,
          in_front_of_the_stack, a_link_that_goes_and_comes, killed_it_leaves_nothing, rights_are_given_up, what_cannot_be_is_said,
          the_object_is_as_documented])
