# SPDX-License-Identifier: LGPL-2.1-or-later
"""Puzzles in IKE_SA_INIT and in IKE_AUTH (RFC 8019) with a second implementation on either side."""

import hmac
import os
import struct

import ikepy
from lab import Lab, check, connection, main, wait

PUZZLE, PS = 16434, 54
PROPOSALS, ESP = 'aes128gcm16-prfsha256-x25519', 'aes128gcm16-x25519'


def config(host, other, ids, settings):
    plugins = 'ravelin { plugins { keying-ikev2 { half_open_timeout = 60s }\nikev2-puzzle { %s } } }' % settings
    return connection('c', host.wire4, other, *ids, local_ts=host.net4, remote_ts='10.0.0.0/8', proposals=PROPOSALS, esp=ESP,
                      extra='encap = never', plugins=plugins)


def zero_bits(octets):
    n = int.from_bytes(octets, 'big')
    return (n & -n).bit_length() - 1 if n else 8 * len(octets)


def solve(cookie, bits, size):
    """Four keys, the highest ones first: others than our daemon would find."""
    keys, n = [], 1 << 8 * size
    while len(keys) < 4:
        n -= 1
        key = n.to_bytes(size, 'big')
        if zero_bits(hmac.digest(key, cookie, 'sha256')) >= bits:
            keys.append(key)
    return b''.join(keys)


class Client(ikepy.Peer):
    """An initiator that meets puzzles; solution(): what it says to one, or nothing."""
    met = ()

    def solution(self, cookie, bits):
        return [(PS, solve(cookie, bits, 3))]

    def init(self):
        self.begin(True)
        extra = []
        while True:
            self.next_out = 0
            answer = self.ask(ikepy.IKE_SA_INIT, extra + self.init_payloads())
            cookie, puzzle = answer.notified(ikepy.COOKIE), answer.notified(PUZZLE)
            if cookie is None:
                break
            extra = [ikepy.notify(ikepy.COOKIE, cookie)]
            if puzzle is not None:
                number, bits = struct.unpack('>HB', puzzle)
                check(number == ikepy.PRF_HMAC_SHA2_256, f'a puzzle with PRF {number}')
                self.met += (bits,)
                check(len(self.met) < 4, f'puzzles {self.met}')
                extra += self.solution(cookie, bits)
        check(not answer.error(), f'IKE_SA_INIT was refused with {answer.error()}')
        self.spi_r, self.real1, self.real2 = answer.spi_r, self.sent[0], answer.octets
        self.ni, self.nr = self.nonce, answer.get(ikepy.NONCE)
        self.make_keys(self.method.shared(answer.get(ikepy.KE)[4:]))
        return answer


def half_open(a, b, n):
    """n half-open IKE SAs at a: first messages of b that are not followed up."""
    for _ in range(n):
        p = ikepy.Peer(b, a.wire4, 'x.example', 'y.example', port=700)
        p.remote = (a.wire4, 500)
        p.init()
        p.close()


def another_implementation_solves_our_puzzle():
    with Lab() as lab:
        a, b = lab.hosts
        a.ravelind(config(a, b.wire4, ('west.example', 'east.example'), 'threshold = 3\n difficulty = 12\n legacy_share = 0'))
        half_open(a, b, 3)
        p = Client(b, a.wire4, 'east.example', 'west.example', ts=(b.net4, '10.1.0.0/16')).connect()
        check(p.met == (12,), f'puzzles {p.met}')
        check(len([s for s in a.json('list', 'ike') if s['State'] == 'established']) == 1, 'nothing is up')
        p.close()


AUTH_SETTINGS = 'threshold = 1\n difficulty = 8\n legacy_share = 0\n auth_difficulty = 10'


class AuthClient(Client):
    """Meets a puzzle for IKE_AUTH as well; proofs: what goes in front of each request in turn (RFC 8019, 7.2)."""
    auth_bits, proofs = None, ()

    def init(self):
        answer = super().init()
        puzzle = answer.notified(PUZZLE)
        self.auth_bits = puzzle and struct.unpack('>HB', puzzle)[1]
        return answer

    def solution_for_auth(self, easier=0):
        return [(PS, solve(self.nr + self.spi_r, self.auth_bits - easier, 3))]

    def protect(self, message):
        if message.exchange == ikepy.IKE_AUTH and self.proofs:
            self.again_with = message
            message.outside = self.proofs[0]
        return super().protect(message)

    def again(self, request, datagrams, attempt):
        if request.exchange != ikepy.IKE_AUTH or attempt >= len(self.proofs):
            return datagrams
        request.outside = self.proofs[attempt]
        return super().protect(request)


def another_implementation_solves_our_puzzle_for_ike_auth():
    """Without a solution, or with a wrong one, IKE_AUTH is not answered, and nothing is spoiled."""
    with Lab() as lab:
        a, b = lab.hosts
        a.ravelind(config(a, b.wire4, ('west.example', 'east.example'), AUTH_SETTINGS))
        half_open(a, b, 1)
        p = AuthClient(b, a.wire4, 'east.example', 'west.example', ts=(b.net4, '10.1.0.0/16'))
        p.init()
        check(p.auth_bits == 10, f'the puzzle for IKE_AUTH has {p.auth_bits} bits')
        right = p.solution_for_auth()
        keys = right[0][1]
        p.proofs = ([], [(PS, keys[:-1] + bytes([keys[-1] ^ 1]))], [(PS, keys[:3] * 4)], right)
        p.timeout = 1.0
        tries = []
        send = p.send
        p.send = lambda datagrams: (tries.append(datagrams), send(datagrams))
        answer = p.auth()
        check(not answer.error() and len(tries) == 4, f'it was let in after {len(tries)} requests')
        check(len([s for s in a.json('list', 'ike') if s['State'] == 'established']) == 1, 'nothing is up')
        p.close()


def who_had_nothing_to_solve_has_nothing_in_ike_auth():
    """RFC 8019, 7.2.1: only "if a puzzle has been previously presented and solved"."""
    with Lab() as lab:
        a, b = lab.hosts
        a.ravelind(config(a, b.wire4, ('west.example', 'east.example'), AUTH_SETTINGS))
        p = AuthClient(b, a.wire4, 'east.example', 'west.example', ts=(b.net4, '10.1.0.0/16'))
        p.init()
        check(p.met == () and p.auth_bits is None, f'there was a puzzle of {p.auth_bits} bits')
        check(not p.auth().error(), 'it was not let in')
        p.close()


def a_solution_that_is_too_easy_is_none():
    class Lazy(Client):
        def solution(self, cookie, bits):
            return [(PS, solve(cookie, bits - 4, 3))]
    with Lab() as lab:
        a, b = lab.hosts
        a.ravelind(config(a, b.wire4, ('west.example', 'east.example'), 'threshold = 1\n difficulty = 16\n legacy_share = 0'))
        half_open(a, b, 1)
        p = Lazy(b, a.wire4, 'east.example', 'west.example')
        try:
            p.init()
        except Exception as e:  # pylint: disable=broad-except
            check('puzzles' in str(e), str(e))
        check(len(p.met) == 4 and p.spi_r == bytes(8), f'it got in after {p.met}')
        p.close()


class Gateway(ikepy.Peer):
    """A responder that gives a puzzle to each first message without a solution of it."""
    bits, prf, solutions, given = 14, ikepy.PRF_HMAC_SHA2_256, (), ()

    def answer(self, request):
        if request.exchange != ikepy.IKE_SA_INIT:
            super().answer(request)
            return
        cookie, solution = request.notified(ikepy.COOKIE), request.get(PS)
        if cookie is None:
            cookie = os.urandom(40)
            self.given += (cookie,)
            reply = ikepy.Message(ikepy.IKE_SA_INIT, 0, [ikepy.notify(ikepy.COOKIE, cookie),
                                                         ikepy.notify(PUZZLE, struct.pack('>HB', self.prf, self.bits))],
                                  True, request.spi_i, bytes(8), False)
            self.send([reply.header(reply.first(), 28 + len(reply.chain())) + reply.chain()])
            return
        check(cookie in self.given and request.payloads[0][0] == ikepy.N, 'the cookie is not the first payload')
        self.solutions += ((cookie, solution, [p[0] for p in request.payloads[:3]]),)
        super().answer(request)


def gateway(settings, says, **kw):
    with Lab() as lab:
        a, b = lab.hosts
        a.ravelind(config(a, b.wire4, ('west.example', 'east.example'), settings))
        p = Gateway(b, a.wire4, 'east.example', 'west.example', ts=(b.net4, '10.1.0.0/16'))
        for key, value in kw.items():
            setattr(p, key, value)
        with p.serving():
            a.ravelin('up', 'c')
            told = a.ravelin('diagnose', 'c').stdout
            check(says in told, f'the attempt does not say {says!r}:\n{told}')
            a.ravelin('down', 'c')
            wait('the daemon has deleted it', lambda: not p.alive)
        check(p.solutions, 'no cookie came back')
        p.close()
        return p.solutions[-1]


def our_solution_convinces_another_implementation():
    for bits in (14, 0):
        cookie, solution, kinds = gateway('', 'is solved', bits=bits)
        check(kinds == [ikepy.N, PS, ikepy.SA], f'the order of the payloads is {kinds}')
        check(solution and len(solution) % 4 == 0, f'the solution is {solution}')
        size = len(solution) // 4
        keys = {solution[i:i + size] for i in range(0, len(solution), size)}
        check(len(keys) == 4, 'two keys are the same')
        check(min(zero_bits(hmac.digest(key, cookie, 'sha256')) for key in keys) >= (bits or 8), 'it is no solution')


def we_solve_a_puzzle_for_ike_auth():
    class Twice(Gateway):
        outside = None

        def init_extra(self):
            return [ikepy.notify(PUZZLE, struct.pack('>HB', self.prf, 11))]

        def on_auth(self, request):
            self.outside = request.outside
            return super().on_auth(request)

    with Lab() as lab:
        a, b = lab.hosts
        a.ravelind(config(a, b.wire4, ('west.example', 'east.example'), ''))
        p = Twice(b, a.wire4, 'east.example', 'west.example', ts=(b.net4, '10.1.0.0/16'))
        with p.serving():
            a.ravelin('up', 'c')
            text, spi_r = p.nr + p.spi_r, p.spi_r
            a.ravelin('down', 'c')
            wait('the daemon has deleted it', lambda: not p.alive)
        check(len(p.outside) == 1 and p.outside[0][0] == PS and spi_r != bytes(8), f'in front there is {p.outside}')
        solution = p.outside[0][1]
        size = len(solution) // 4
        keys = {solution[i:i + size] for i in range(0, len(solution), size)}
        check(len(keys) == 4, 'two keys are the same')
        check(min(zero_bits(hmac.digest(key, text, 'sha256')) for key in keys) >= 11, 'it is no solution')
        p.close()


def what_is_too_hard_is_left():
    for settings, says, kw in (('solve_difficulty = 13', 'solve_difficulty is 13', {}),
                               ('solve_difficulty = 0', 'solve_difficulty is 0', {'bits': 8}),
                               ('solve_difficulty = 40\n solve_time = 1s', 'solve_time is over', {'bits': 40}),
                               ('', 'not there', {'prf': 999})):
        _, solution, kinds = gateway(settings, says, **kw)
        check(solution is None and kinds[:2] == [ikepy.N, ikepy.SA], f'{settings}: {kinds}')


if __name__ == '__main__':
    main([another_implementation_solves_our_puzzle, a_solution_that_is_too_easy_is_none,
          another_implementation_solves_our_puzzle_for_ike_auth, who_had_nothing_to_solve_has_nothing_in_ike_auth,
          our_solution_convinces_another_implementation, we_solve_a_puzzle_for_ike_auth, what_is_too_hard_is_left])
