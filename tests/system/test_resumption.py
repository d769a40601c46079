# SPDX-License-Identifier: LGPL-2.1-or-later
"""Session resumption (RFC 5723): with a second implementation as client and as gateway (whose tickets are references, where
ours are values), between two of our daemons when one is killed, and at a second gateway that shares the key."""

import os
import signal
import struct
import time

import ikepy
from lab import Lab, check, connection, main, wait

PROPOSALS, ESP = 'aes128gcm16-prfsha256-x25519', 'aes128gcm16-x25519'
IDS = ('west.example', 'east.example')
KEY = '0x' + bytes(range(32)).hex()
LOST = 'keying-ikev2 { retransmit_timeout = 0.5s\n retransmit_tries = 2 }'


def config(host, other, ids, extra='', settings='', child='', more=''):
    plugins = 'ravelin { plugins { ikev2-resumption { load = yes\n%s }\n%s } }' % (settings, more)
    return connection('c', host.wire4, other, *ids, local_ts=host.net4, remote_ts='10.0.0.0/8', proposals=PROPOSALS,
                      esp=ESP, extra='encap = never\n' + extra, child_extra=child, plugins=plugins)


def ike(host):
    return host.json('list', 'ike')


def spi(host):
    sas = ike(host)
    return sas[0]['SpiInitiator'] if len(sas) == 1 else None


class Client(ikepy.Peer):
    """Asks for a ticket, as the RFC's client does."""

    def auth_extra(self):
        return [ikepy.notify(ikepy.TICKET_REQUEST)]


def client(a, b, kind=Client):
    return kind(b, a.wire4, 'east.example', 'west.example', ts=(b.net4, a.net4))


def first_session(a, b):
    """A session of the second implementation's at a, and its ticket."""
    p = client(a, b)
    p.init()
    ticket = p.take_ticket(p.auth())
    check(ticket, 'no ticket came')
    return p, ticket


def again(a, b, ticket, kind=Client):
    """Another one with a ticket: the peer, the answer to IKE_SESSION_RESUME."""
    p = client(a, b, kind)
    return p, p.resume(ticket)


def our_ticket_is_good_for_another_implementation():
    with Lab() as lab:
        a, b = lab.hosts
        a.ravelind(config(a, b.wire4, IDS))
        p, ticket = first_session(a, b)
        check(0 < ticket.lifetime <= 3600, f'the ticket is good for {ticket.lifetime} s')
        names = (b'west.example', b'east.example', ticket.d)
        check(not any(name in ticket.octets for name in names), 'the ticket shows what it holds')
        before = ike(a)
        p.close()
        for _ in range(3):  # without a word: each time with the ticket of the session before
            p, answer = again(a, b, ticket)
            check(answer.get(ikepy.NONCE) and not answer.get(ikepy.SA) and not answer.get(ikepy.KE),
                  f'the answer has {answer.payloads}')
            used, ticket = ticket, p.take_ticket(p.auth())
            check(ticket and ticket.octets != used.octets, 'no new ticket came')
            now = ike(a)
            check(len(now) == 1 and now != before, f'the old IKE SA is not gone: {now}')
            check(p.ask(ikepy.INFORMATIONAL, []).payloads == [], 'the session does not answer')
            before = now
            p.close()
        check(a.log_text().count('session-resumed') == 3, 'the log does not say so')
        p, answer = again(a, b, used)
        check(answer.notified(ikepy.TICKET_NACK) is not None and not answer.get(ikepy.NONCE), 'a ticket was used twice')
        p.close()


def tickets_are_asked_for_in_every_exchange():
    with Lab() as lab:
        a, b = lab.hosts
        a.ravelind(config(a, b.wire4, IDS))
        p, first = first_session(a, b)
        answer = p.rekey([ikepy.notify(ikepy.TICKET_REQUEST)])
        rekeyed = p.take_ticket(answer)
        check(rekeyed, 'none came with the rekey')
        p.close()
        q, answer = again(a, b, first)
        check(answer.notified(ikepy.TICKET_NACK) is not None, 'the ticket of an IKE SA that was replaced is accepted')
        q.close()
        q, answer = again(a, b, rekeyed)
        check(answer.get(ikepy.NONCE), 'the ticket of the successor is refused')
        check(not q.auth().error(), 'IKE_AUTH failed')
        informed = q.take_ticket(q.ask(ikepy.INFORMATIONAL, [ikepy.notify(ikepy.TICKET_REQUEST)]))
        check(informed, 'none came in INFORMATIONAL')
        check(q.create_child(extra=[ikepy.notify(ikepy.TICKET_REQUEST)]).notified(ikepy.TICKET_ACK) is not None,
              'with a child SA the answer is to ask again')
        q.close()
        p, answer = again(a, b, informed)
        check(answer.get(ikepy.NONCE), 'the ticket of INFORMATIONAL is refused')
        p.close()


def what_is_not_right_is_refused():
    class Other(Client):
        """Somebody else with the same ticket."""

        def auth_payload(self):
            return (ikepy.AUTH, b'\2\0\0\0' + ikepy.prf(ikepy.prf(self.psk, b'Key Pad for IKEv2'), b'?'))

    with Lab() as lab:
        a, b = lab.hosts
        a.ravelind(config(a, b.wire4, IDS))
        p, ticket = first_session(a, b)
        p.close()
        changed = ikepy.Ticket(ticket.octets[:-1] + bytes([ticket.octets[-1] ^ 1]), 1, ticket.d, ticket.ids)
        for wrong in (changed, ikepy.Ticket(b'?', 1, ticket.d, ()), ikepy.Ticket(os.urandom(300), 1, ticket.d, ())):
            q, answer = again(a, b, wrong)
            check([ikepy.read_notify(x)[0] for x in answer.bodies(ikepy.N)] == [ikepy.TICKET_NACK] and
                  answer.spi_r == bytes(8), f'{wrong.octets[:4]}: {answer.payloads}')
            q.close()
        # a proof by the pre-shared key, and another identity: "MUST be identical to the value included in the ticket"
        for kind, name in ((Other, 'east.example'), (Client, 'other.example')):
            q, answer = again(a, b, ticket, kind)
            check(answer.get(ikepy.NONCE), 'a ticket that was not used is refused')
            q.local_id = name
            try:
                q.auth()
                check(False, f'{kind} as {name} was let in')
            except Exception as e:  # pylint: disable=broad-except
                check(f'refused with {ikepy.AUTHENTICATION_FAILED}' in str(e), str(e))
            q.close()
        # two at once: the ticket is used when the first of them is there
        q, _ = again(a, b, ticket)
        r = Client(b, a.wire4, 'east.example', 'west.example', ts=(b.net4, a.net4), port=600)
        r.remote = (a.wire4, 500)
        check(r.resume(ticket).get(ikepy.NONCE), 'a ticket that was not used is refused')
        check(not q.auth().error(), 'the first one failed')
        try:
            r.auth()
            check(False, 'the ticket was used twice')
        except Exception as e:  # pylint: disable=broad-except
            check('refused' in str(e), str(e))
        q.close()
        r.close()


def a_deleted_session_has_no_ticket():
    with Lab() as lab:
        a, b = lab.hosts
        a.ravelind(config(a, b.wire4, IDS))
        p, ticket = first_session(a, b)
        p.delete()
        wait('the session is gone', lambda: not ike(a))
        p.close()
        p, answer = again(a, b, ticket)
        check(answer.notified(ikepy.TICKET_NACK) is not None, 'the ticket of a deleted session is accepted')
        p.close()


def under_load_a_cookie_comes_first():
    with Lab() as lab:
        a, b = lab.hosts
        a.ravelind(config(a, b.wire4, IDS, more='keying-ikev2 { cookie_threshold = 0 }'))
        p, ticket = first_session(a, b)
        p.close()
        asked = []

        class Counts(Client):
            def outgoing(self, message):
                asked.append(message.exchange)

        p, answer = again(a, b, ticket, Counts)
        check(answer.get(ikepy.NONCE) and asked == [ikepy.IKE_SESSION_RESUME] * 2, f'the exchanges were {asked}')
        check(not p.auth().error(), 'IKE_AUTH failed')
        p.close()


class Gateway(ikepy.Peer):
    """Gives tickets that are references, and takes them: state that is not in the ticket (RFC 5723, 1). first: what it
    answers the first request for one with; deaf: exchange 38 is unknown to it."""
    first, deaf = ikepy.TICKET_LT_OPAQUE, False

    def __init__(self, *args, **kw):
        super().__init__(*args, **kw)
        self.tickets, self.exchanges, self.idi, self.asked = {}, [], [], 0

    def grant(self, keys, ids):
        octets = os.urandom(20)
        self.tickets[octets] = ikepy.Ticket(octets, 3600, keys.d, ids)
        return [ikepy.notify(ikepy.TICKET_LT_OPAQUE, struct.pack('>I', 3600) + octets)]

    def tickets_for(self, request):
        if request.notified(ikepy.TICKET_REQUEST) is None:
            return []
        self.asked += 1
        if self.asked == 1 and self.first != ikepy.TICKET_LT_OPAQUE:
            return [ikepy.notify(self.first)]
        return self.grant(self.keys, (self.remote_id, self.local_id))

    def on_auth(self, request):
        self.idi.append(request.get(ikepy.IDI))
        return super().on_auth(request) + self.tickets_for(request)

    def on_informational(self, request):
        return super().on_informational(request) + self.tickets_for(request)

    def find_ticket(self, octets):
        return self.tickets.pop(octets, None)  # once

    def answer(self, request):
        if request.exchange in ikepy.FIRST:
            self.exchanges.append(request.exchange)
            if self.deaf and request.exchange == ikepy.IKE_SESSION_RESUME:
                return
        super().answer(request)

    def crash(self):
        """Forgets the session, and not what the tickets refer to."""
        self.keys = self.resumed = None
        self.next_out = self.next_in = self.counter = 0
        self.children, self.answers = [], {}

    def take(self, datagram):
        """What is of a session that was forgotten is not heard."""
        if datagram and not self.keys and datagram[18] not in ikepy.FIRST:
            return None
        return super().take(datagram)


def gateway_of(a, b, kind=Gateway):
    return kind(b, a.wire4, 'east.example', 'west.example', ts=(b.net4, a.net4))


def our_client(a, b):
    a.ravelind(config(a, b.wire4, IDS, 'dpd_delay = 1s', child='dpd_action = restart', more=LOST))


def we_resume_at_another_implementation():
    with Lab() as lab:
        a, b = lab.hosts
        our_client(a, b)
        g = gateway_of(a, b)
        with g.serving(120):
            a.ravelin('up', 'c')
            for n in range(2):
                wait('a ticket was given', lambda: g.tickets)
                old = spi(a)
                g.crash()
                wait('a resumes', lambda: g.resumed and spi(a) not in (None, old), 30)
            child = wait('the child SA is there', lambda: a.json('list', 'child'))
            check(int(child[0]['SpiIn'], 16) == int.from_bytes(g.children[-1].theirs, 'big'), 'another child SA')
            a.ravelin('rekey', 'c')
            wait('the IKE SA is replaced', lambda: g.asked >= 4)
            a.ravelin('down', 'c')
        check(g.exchanges.count(ikepy.IKE_SA_INIT) == 1, f'the exchanges were {g.exchanges}')
        check(len(g.idi) == 3 and set(g.idi) == {ikepy.identity('west.example')}, f'it was {g.idi}')
        check('ticket-kept' in a.log_text(), 'nothing in the log')
        g.close()


def a_ticket_that_comes_later():
    """TICKET_ACK in IKE_AUTH: it is asked for in INFORMATIONAL."""
    class Later(Gateway):
        first = ikepy.TICKET_ACK

    with Lab() as lab:
        a, b = lab.hosts
        our_client(a, b)
        g = gateway_of(a, b, Later)
        with g.serving(60):
            a.ravelin('up', 'c')
            wait('it is asked for again', lambda: g.asked == 2)
            wait('it comes', lambda: 'ticket-taken' in a.log_text())
            a.ravelin('down', 'c')
        g.close()


def no_ticket_is_no_harm():
    class Never(Gateway):
        first = ikepy.TICKET_NACK

    with Lab() as lab:
        a, b = lab.hosts
        our_client(a, b)
        g = gateway_of(a, b, Never)
        with g.serving(60):
            a.ravelin('up', 'c')
            g.crash()
            wait('a begins anew', lambda: g.exchanges.count(ikepy.IKE_SA_INIT) == 2 and g.children, 30)
            a.ravelin('down', 'c')
        check(g.exchanges.count(ikepy.IKE_SESSION_RESUME) == 0, f'the exchanges were {g.exchanges}')
        g.close()


def refused(deaf):
    class Forgetful(Gateway):
        def find_ticket(self, octets):
            return None

    with Lab() as lab:
        a, b = lab.hosts
        our_client(a, b)
        g = gateway_of(a, b, Forgetful)
        g.deaf = deaf
        with g.serving(60):
            a.ravelin('up', 'c')
            g.crash()
            wait('a full handshake follows', lambda: g.exchanges.count(ikepy.IKE_SA_INIT) >= 2 and g.children, 30)
            a.ravelin('down', 'c')
        resumes = g.exchanges.count(ikepy.IKE_SESSION_RESUME)
        check(resumes >= 1 and g.exchanges.count(ikepy.IKE_SA_INIT) >= 2, f'the exchanges were {g.exchanges}')
        check(('the peer refused it' in a.log_text()) == (not deaf), 'the log says something else')
        g.close()


def a_refused_ticket_is_followed_by_a_full_handshake():
    refused(False)


def a_gateway_that_does_not_know_the_exchange_gets_one_too():
    refused(True)


def a_wrong_gateway_is_not_believed():
    """It accepts the ticket, and does not know the keys."""
    class Wrong(Gateway):
        def find_ticket(self, octets):
            ticket = super().find_ticket(octets)
            return ticket and ikepy.Ticket(octets, 1, os.urandom(32), ticket.ids)

    with Lab() as lab:
        a, b = lab.hosts
        our_client(a, b)
        g = gateway_of(a, b, Wrong)
        with g.serving(60):
            a.ravelin('up', 'c')
            g.crash()
            wait('the ticket is presented', lambda: ikepy.IKE_SESSION_RESUME in g.exchanges, 30)
            time.sleep(3)
            check(a.log_text().count('ike-sa-up') == 1, 'a is content')
        g.close()


def a_killed_gateway_is_resumed_with():
    """The key is in a file; ikev2-qcd tells the client at once."""
    with Lab() as lab:
        a, b = lab.hosts
        path = b.write('ticket-key', '0123456789abcdef0123456789abcdef')
        a.ravelind(config(a, b.wire4, IDS, 'dpd_delay = 2s', child='dpd_action = restart'))
        there = config(b, a.wire4, IDS[::-1], 'dpd_delay = 0s', 'key_file = ' + path)
        b.ravelind(there)
        a.ravelin('up', 'c')
        old = spi(a)
        b.stop(signal.SIGKILL)
        b.ravelind(there)
        wait('a sets a new session up', lambda: spi(a) not in (None, old), 60)
        wait('it is resumed', lambda: 'session-resumed' in b.log_text())
        wait('traffic goes on', lambda: a.ping(b.in4, count=1, source=a.in4, ok=False) == 1, 20)


def a_key_file_that_others_may_read_is_not_used():
    with Lab() as lab:
        a, b = lab.hosts
        path = a.write('ticket-key', '0123456789abcdef0123456789abcdef', mode=0o644)
        a.ravelind(config(a, b.wire4, IDS, settings='key_file = ' + path))
        p = client(a, b)
        p.init()
        answer = p.auth()
        check(answer.notified(ikepy.TICKET_NACK) is not None and not p.take_ticket(answer), 'a ticket was given')
        check('no-ticket-key' in a.log_text(), 'the log does not say why')
        p.close()


def a_second_gateway_takes_the_session():
    with Lab(3) as lab:
        a, b, c = lab.hosts
        a.ravelind(config(a, b.wire4 + ', ' + c.wire4, IDS, 'dpd_delay = 1s', child='dpd_action = restart',
                          more='keying-ikev2 { retransmit_timeout = 0.5s\n retransmit_tries = 2\n failover_timeout = 3s }'))
        for gateway in (b, c):
            gateway.ravelind(config(gateway, '%any', IDS[::-1], 'dpd_delay = 0s', 'key = ' + KEY))
        a.ravelin('up', 'c')
        check(spi(b) and not ike(c), 'it is not at the first one')
        b.stop(signal.SIGKILL)
        wait('a is at the second gateway', lambda: ike(c), 60)
        wait('the session is there', lambda: 'session-resumed' in c.log_text())
        wait('traffic goes there', lambda: a.ping(c.in4, count=1, source=a.in4, ok=False) == 1, 20)


if __name__ == '__main__':
    main([our_ticket_is_good_for_another_implementation, tickets_are_asked_for_in_every_exchange,
          what_is_not_right_is_refused, a_deleted_session_has_no_ticket, under_load_a_cookie_comes_first,
          we_resume_at_another_implementation, a_ticket_that_comes_later, no_ticket_is_no_harm,
          a_refused_ticket_is_followed_by_a_full_handshake, a_gateway_that_does_not_know_the_exchange_gets_one_too,
          a_wrong_gateway_is_not_believed, a_killed_gateway_is_resumed_with,
          a_key_file_that_others_may_read_is_not_used, a_second_gateway_takes_the_session])
