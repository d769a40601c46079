# SPDX-License-Identifier: LGPL-2.1-or-later
"""What can be seen of a tunnel: tcpdump on the TUN shows clear traffic; `ravelin capture` writes both sides of one child
SA as pcapng, which tcpdump and tshark read."""

import os
import signal
import subprocess

from lab import BUILD, Capture, Lab, check, connection, main, run, wait
from test_clear_side import pair


def tun(host):
    """The name of the host's TUN device."""
    lines = host.ip('-o', '-d', 'link', 'show', 'type', 'tun').stdout.split('\n')
    return lines[0].split(': ')[1]


class Ravelin:
    """`ravelin capture` on a host, into a file or (None) standard output."""

    def __init__(self, host, child, file=True):
        self.path = os.path.join(host.dir, 'both.pcapng')
        args = [os.path.join(BUILD, 'tools', 'ravelin'), '--socket', os.path.join(host.run_dir, 'bus'), 'capture', child]
        self.p = host.start(*args, *([self.path] if file else []), stderr=subprocess.PIPE, text=True,
                            stdout=None if file else open(self.path, 'wb'))
        line = self.p.stderr.readline()
        check('capturing child SA' in line, f'nothing is captured: {line}')

    def stop(self):
        self.p.send_signal(signal.SIGINT)
        check(self.p.wait(10) == 0, f'ravelin capture: {self.p.returncode} {self.p.stderr.read()}')

    def rows(self, *fields):
        """The packets by tshark; fails when it finds the file damaged."""
        args = [f'-e{f}' for f in fields]
        r = run('tshark', '-n', '-r', self.path, '-T', 'fields', '-E', 'separator=|', *args)
        return [line.split('|') for line in r.stdout.split('\n')[:-1]]


def tcpdump_on_the_tun():
    with Lab() as lab:
        a, b = lab.hosts
        pair(a, b)
        a.ravelin('up', 'east', 'net')
        clear, wire = Capture(a, tun(a)), Capture(a)
        a.ping(b.in4, source=a.in4)
        clear.stop()
        wire.stop()
        check(len(clear.lines('icmp and host %s' % b.in4)) == 6, 'clear traffic does not show on the TUN')
        check(not wire.lines('icmp'), 'clear traffic on the wire')


def both_sides(mode, protocol, family, file):
    with Lab() as lab:
        a, b = lab.hosts
        extra = f'mode = {mode}\n' + ('ah_proposals = sha256' if protocol == 'ah' else '')
        for me, other, name, lid, rid in ((a, b, 'east', 'west.example', 'east.example'),
                                          (b, a, 'west', 'east.example', 'west.example')):
            ts = {} if mode == 'transport' else {'local_ts': getattr(me, f'net{family}'),
                                                 'remote_ts': getattr(other, f'net{family}')}
            me.ravelind(connection(name, getattr(me, f'wire{family}'), getattr(other, f'wire{family}'), lid, rid,
                                   child_extra=extra, **ts))
        a.ravelin('up', 'east', 'net')
        mine, theirs = (getattr(h, f'{"wire" if mode == "transport" else "in"}{family}') for h in (a, b))
        capture = Ravelin(a, 'net', file)
        busy = a.run(os.path.join(BUILD, 'tools', 'ravelin'), '--socket', os.path.join(a.run_dir, 'bus'), 'capture', 'net',
                     '/dev/null', ok=False)
        check(busy.returncode == 1 and 'another capture' in busy.stderr, f'two captures at once: {busy.stderr}')
        a.ping(theirs, source=mine)
        first = a.json('list', 'child')[0]['Id']
        a.ravelin('rekey', 'east', 'net')
        wait('the keys are new', lambda: any(c['Id'] != first and c['State'] == 'installed' for c in a.json('list', 'child')))
        a.ping(theirs, source=mine)
        wait('it was written', lambda: len(capture.rows('frame.number')) >= 24)
        capture.stop()
        check(a.ping(theirs, source=mine) == 3, 'the tunnel ended with the capture')
        wait('the daemon ends the capture', lambda: 'capture-ended' in a.log_text())

        rows = capture.rows('frame.interface_name', 'frame.protocols', 'frame.packet_flags_direction', 'frame.comment')
        clear = [r for r in rows if r[0] == 'clear']
        wire = [r for r in rows if r[0] == 'wire']
        check(len(clear) == len(wire) == 12, f'{len(clear)} clear and {len(wire)} on the wire: {rows}')
        check(all('icmp' in r[1] and 'esp' not in r[1] for r in clear), f'{clear}')
        check(all(f':{protocol}' in r[1] for r in wire), f'{wire}')
        for some in (clear, wire):
            check(sum('1' in r[2] for r in some) == sum('2' in r[2] for r in some) == 6, f'directions: {some}')
        check(all(f'{protocol.upper()} SA 0x' in r[3] and 'of child SA #' in r[3] for r in rows), f'comments: {rows}')
        check(len({r[3] for r in rows}) == 4, f'two SAs of each direction: {rows}')
        out = run('unshare', '-U', 'tcpdump', '-n', '-r', capture.path).stdout.split('\n')[:-1]
        check(len(out) == 24, f'tcpdump reads {len(out)} packets')


def tunnel():
    both_sides('tunnel', 'esp', 4, True)


def transport_to_a_pipe():
    both_sides('transport', 'esp', 6, False)


def with_ah():
    both_sides('tunnel', 'ah', 4, True)
    both_sides('transport', 'ah', 6, True)


def what_cannot_be_captured():
    with Lab() as lab:
        a, b = lab.hosts
        pair(a, b)
        r = a.ravelin('capture', 'net', '/dev/null', ok=False)
        check(r.returncode == 1 and 'list child' in r.stderr, f'no such child: {r.returncode} {r.stderr}')


if __name__ == '__main__':
    main([tcpdump_on_the_tun, tunnel, transport_to_a_pipe, with_ah, what_cannot_be_captured])
