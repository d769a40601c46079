# SPDX-License-Identifier: LGPL-2.1-or-later
"""ikepy: a second IKEv2 (RFC 7296), for tests that play the peer. It shares no code with the daemon and does what a test
tells it, right or wrong.

    class Mine(ikepy.Peer):                       # everything is a method that a test may replace
        def outgoing(self, message): ...          # our message, before it is protected
        def incoming(self, message): ...          # the peer's, in plain
        def on_informational(self, message): ...  # answers a request with a list of payloads

    peer = Mine(host, remote, 'east.example', 'west.example', psk=...)
    peer.connect()                                # as initiator: IKE_SA_INIT, IKE_AUTH
    peer.ask(INFORMATIONAL, [])                   # a request; the answer as a Message
    with peer.serving(): ...                      # as responder: a thread answers meanwhile

The socket lives in the namespace of the lab's host, the rest in the test's own process. ESP is negotiated, not spoken.
"""

import contextlib
import ctypes
import hashlib
import hmac
import ipaddress
import os
import select
import socket
import struct
import threading
import time

from cryptography.hazmat.primitives.asymmetric import ec, x25519
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from lab import Failure, check

# exchanges (3.1), payloads (3.2), notifications (3.10.1), transform types (3.3.2)
IKE_SA_INIT, IKE_AUTH, CREATE_CHILD_SA, INFORMATIONAL = 34, 35, 36, 37
IKE_SESSION_RESUME = 38  # RFC 5723
FIRST = (IKE_SA_INIT, IKE_SESSION_RESUME)  # not protected
SA, KE, IDI, IDR, CERT, CERTREQ, AUTH, NONCE, N, D, V, TSI, TSR, SK, CP, EAP = range(33, 49)
INVALID_SYNTAX, NO_PROPOSAL_CHOSEN, INVALID_KE_PAYLOAD, AUTHENTICATION_FAILED = 7, 14, 17, 24
TEMPORARY_FAILURE, CHILD_SA_NOT_FOUND = 43, 44
TICKET_LT_OPAQUE, TICKET_REQUEST, TICKET_ACK, TICKET_NACK, TICKET_OPAQUE = 16409, 16410, 16411, 16412, 16413
INITIAL_CONTACT, COOKIE, USE_TRANSPORT_MODE, REKEY_SA = 16384, 16390, 16391, 16393
ENCR, PRF, INTEG, KE_METHOD, ESN = 1, 2, 3, 4, 5
PROTO_IKE, PROTO_ESP = 1, 3
RESPONSE, INITIATOR = 0x20, 0x08

PRF_HMAC_SHA2_256, AUTH_HMAC_SHA2_256_128, ENCR_AES_CBC, ENCR_AES_GCM_16 = 5, 12, 12, 20
MODP_2048, ECP_256, X25519 = 14, 19, 31

MODP_2048_PRIME = int(
    'FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B'
    '302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7EDEE386BFB5A899FA5AE9F24117C4B1FE6'
    '49286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F83655D23DCA3AD961C62F356208552BB9ED529077096966D'
    '670C354E4ABC9804F1746C08CA18217C32905E462E36CE3BE39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF695581718'
    '3995497CEA956AE515D2261898FA051015728E5A8AACAA68FFFFFFFFFFFFFFFF', 16)


# Suites: the transforms of an IKE SA with one choice each.

GCM = [(ENCR, ENCR_AES_GCM_16, 128), (PRF, PRF_HMAC_SHA2_256, 0), (KE_METHOD, X25519, 0)]
CBC = [(ENCR, ENCR_AES_CBC, 256), (PRF, PRF_HMAC_SHA2_256, 0), (INTEG, AUTH_HMAC_SHA2_256_128, 0),
       (KE_METHOD, MODP_2048, 0)]
ESP_GCM = [(ENCR, ENCR_AES_GCM_16, 128), (KE_METHOD, X25519, 0), (ESN, 0, 0)]
ESP_CBC = [(ENCR, ENCR_AES_CBC, 256), (INTEG, AUTH_HMAC_SHA2_256_128, 0), (ESN, 0, 0)]


def transform(suite, kind):
    """The transform ID of a type in a suite, or None."""
    return next((ident for t, ident, _ in suite if t == kind), None)


def prf(key, data):
    return hmac.new(key, data, hashlib.sha256).digest()


def prf_plus(key, seed, length):
    """RFC 7296, 2.13."""
    out, block, n = b'', b'', 1
    while len(out) < length:
        block = prf(key, block + seed + bytes([n]))
        out, n = out + block, n + 1
    return out[:length]


class Method:
    """One key exchange (RFC 7296, 3.4): .public is sent, .shared() makes the secret of the other's."""

    def __init__(self, group):
        self.group = group
        if group == X25519:
            self.private = x25519.X25519PrivateKey.generate()
            self.public = self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        elif group == ECP_256:
            self.private = ec.generate_private_key(ec.SECP256R1())
            self.public = self.private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)[1:]
        elif group == MODP_2048:
            self.private = int.from_bytes(os.urandom(32), 'big')
            self.public = pow(2, self.private, MODP_2048_PRIME).to_bytes(256, 'big')
        else:
            raise Failure(f'ikepy knows no key exchange {group}')

    def shared(self, theirs):
        if self.group == X25519:
            return self.private.exchange(x25519.X25519PublicKey.from_public_bytes(theirs))
        if self.group == ECP_256:
            point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), b'\4' + theirs)
            return self.private.exchange(ec.ECDH(), point)
        return pow(int.from_bytes(theirs, 'big'), self.private, MODP_2048_PRIME).to_bytes(256, 'big')


# Payloads' bodies

def proposal(transforms, protocol=PROTO_IKE, spi=b'', number=1, last=True):
    """One proposal (RFC 7296, 3.3.1) of (type, ID, key length)."""
    body = b''
    for i, (kind, ident, bits) in enumerate(transforms):
        attribute = struct.pack('>HH', 0x8000 | 14, bits) if bits else b''
        body += struct.pack('>BBHBBH', 0 if i + 1 == len(transforms) else 3, 0, 8 + len(attribute), kind, 0, ident)
        body += attribute
    return struct.pack('>BBHBBBB', 0 if last else 2, 0, 8 + len(spi) + len(body), number, protocol, len(spi),
                       len(transforms)) + spi + body


def read_proposals(body):
    """(number, protocol, SPI, transforms) of each proposal of an SA payload."""
    out = []
    while body:
        _, _, length, number, protocol, spi_len, n = struct.unpack('>BBHBBBB', body[:8])
        spi, rest, transforms = body[8:8 + spi_len], body[8 + spi_len:length], []
        for _ in range(n):
            size, kind, ident = struct.unpack('>xxHBxH', rest[:8])
            bits = struct.unpack('>xxH', rest[8:12])[0] if size > 8 else 0
            transforms.append((kind, ident, bits))
            rest = rest[size:]
        out.append((number, protocol, spi, transforms))
        body = body[length:]
    return out


def notify(kind, data=b'', protocol=0, spi=b''):
    return (N, struct.pack('>BBH', protocol, len(spi), kind) + spi + data)


def read_notify(body):
    """(type, data, SPI)."""
    return struct.unpack('>H', body[2:4])[0], body[4 + body[1]:], body[4:4 + body[1]]


def identity(name):
    """A body of IDi or IDr: a name, or an address in text."""
    try:
        return b'\1\0\0\0' + socket.inet_aton(name)
    except OSError:
        return b'\2\0\0\0' + name.encode()


def selectors(nets):
    """A body of TSi or TSr of networks such as 10.1.0.0/16 and fd00::/64."""
    body = struct.pack('>BBH', len(nets), 0, 0)
    for net in map(ipaddress.ip_network, nets):
        first, last = net[0].packed, net[-1].packed
        body += struct.pack('>BBHHH', 7 if net.version == 4 else 8, 0, 8 + 2 * len(first), 0, 65535) + first + last
    return body


def config(kind, attributes):
    """A configuration payload (RFC 7296, 3.15) of (type, value): CFG_REQUEST is 1, CFG_REPLY 2."""
    return (CP, struct.pack('>Bxxx', kind) + b''.join(struct.pack('>HH', t, len(v)) + v for t, v in attributes))


def read_config(body):
    """The values of each type in a configuration payload."""
    out, rest = {}, body[4:]
    while rest:
        kind, length = struct.unpack('>HH', rest[:4])
        out.setdefault(kind & 0x7fff, []).append(rest[4:4 + length])
        rest = rest[4 + length:]
    return out


class Message:
    """payloads: (type, body) or (type, body, critical); outside: those in front of the encrypted one."""
    outside = ()

    def __init__(self, exchange, ident, payloads, response=False, spi_i=b'', spi_r=bytes(8), initiator=True):
        self.exchange, self.id, self.payloads, self.response = exchange, ident, payloads, response
        self.spi_i, self.spi_r, self.initiator = spi_i, spi_r, initiator

    def get(self, kind, nth=0):
        """The body of the nth payload of a type, or None."""
        found = [p[1] for p in self.payloads if p[0] == kind]
        return found[nth] if nth < len(found) else None

    def notified(self, kind):
        """The data of a notification, or None."""
        return next((data for t, data, _ in map(read_notify, self.bodies(N)) if t == kind), None)

    def bodies(self, kind):
        return [p[1] for p in self.payloads if p[0] == kind]

    def error(self):
        """The first error notification (below 16384), or None."""
        return next((t for t, _, _ in map(read_notify, self.bodies(N)) if t < 16384), None)

    def header(self, first, length):
        flags = (RESPONSE if self.response else 0) | (INITIATOR if self.initiator else 0)
        return self.spi_i + self.spi_r + struct.pack('>BBBBII', first, 0x20, self.exchange, flags, self.id, length)

    def first(self):
        return self.payloads[0][0] if self.payloads else 0

    def chain(self):
        out = b''
        for i, payload in enumerate(self.payloads):
            after = self.payloads[i + 1][0] if i + 1 < len(self.payloads) else 0
            critical = 0x80 if len(payload) > 2 and payload[2] else 0
            out += struct.pack('>BBH', after, critical, 4 + len(payload[1])) + payload[1]
        return out


def read_chain(first, octets):
    payloads = []
    while first:
        after, flags, length = struct.unpack('>BBH', octets[:4])
        payloads.append((first, octets[4:length], bool(flags & 0x80)))
        first, octets = after, octets[length:]
    return payloads


class Keys:
    """The keys of an IKE SA (RFC 7296, 2.14, 2.18)."""

    def __init__(self, suite, skeyseed, ni, nr, spi_i, spi_r):
        self.gcm = transform(suite, ENCR) == ENCR_AES_GCM_16
        bits = next(b for t, _, b in suite if t == ENCR)
        e, a = bits // 8 + (4 if self.gcm else 0), 0 if self.gcm else 32
        stream = prf_plus(skeyseed, ni + nr + spi_i + spi_r, 3 * 32 + 2 * a + 2 * e)
        self.d, self.ai, self.ar, self.ei, self.er, self.pi, self.pr = (
            stream[sum(sizes):sum(sizes) + size] for sizes, size in
            (((32, a, a, e, e, 32, 32)[:i], (32, a, a, e, e, 32, 32)[i]) for i in range(7)))

    def overhead(self):
        """What goes around the inner octets: IV, at least one octet of padding, ICV."""
        return (8 if self.gcm else 16), (16 if self.gcm else 16)

    def seal(self, from_initiator, aad, text, counter):
        """IV | ciphertext | ICV; aad has the lengths already."""
        encr = self.ei if from_initiator else self.er
        if self.gcm:
            iv = struct.pack('>Q', counter)
            return iv + AESGCM(encr[:-4]).encrypt(encr[-4:] + iv, text, aad)
        iv = os.urandom(16)
        cipher = Cipher(algorithms.AES(encr), modes.CBC(iv)).encryptor()
        sealed = iv + cipher.update(text) + cipher.finalize()
        return sealed + self.mac(from_initiator, aad + sealed)

    def mac(self, from_initiator, octets):
        return prf(self.ai if from_initiator else self.ar, octets)[:16]

    def pad(self, text):
        n = 0 if self.gcm else -(len(text) + 1) % 16
        return text + bytes(n) + bytes([n])

    def sealed_len(self, text):
        return sum(self.overhead()) + len(self.pad(text))

    def open(self, from_initiator, aad, sealed):
        """The text without its padding; None when it is not authentic."""
        encr = self.ei if from_initiator else self.er
        if self.gcm:
            try:
                text = AESGCM(encr[:-4]).decrypt(encr[-4:] + sealed[:8], sealed[8:], aad)
            except Exception:  # pylint: disable=broad-except
                return None
        else:
            if not hmac.compare_digest(self.mac(from_initiator, aad + sealed[:-16]), sealed[-16:]):
                return None
            cipher = Cipher(algorithms.AES(encr), modes.CBC(sealed[:16])).decryptor()
            text = cipher.update(sealed[16:-16]) + cipher.finalize()
        return text[:len(text) - text[-1] - 1]


def namespace_socket(host, port):
    """A UDP socket inside the namespace of a lab's host."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open('/proc/thread-self/ns/net', 'rb') as mine, open('/run/netns/' + host.name, 'rb') as theirs:
        check(libc.setns(theirs.fileno(), 0x40000000) == 0, 'no way into the namespace of ' + host.name)
        try:
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            s.bind((host.wire4, port))
        finally:
            libc.setns(mine.fileno(), 0x40000000)
    return s


class Ticket:
    """What is known of an IKE SA for RFC 5723: the ticket's octets, seconds until it expires, SK_d, both identities (of the
    initiator and of the responder)."""

    def __init__(self, octets, lifetime, d, ids):
        self.octets, self.lifetime, self.d, self.ids = octets, lifetime, d, ids


class Child:
    """A child SA as negotiated: SPIs, and KEYMAT as initiator's and responder's half."""

    def __init__(self, ours, theirs, keymat, old=None):
        self.ours, self.theirs, self.keymat, self.old = ours, theirs, keymat, old


class Peer:
    """One IKE SA of ours with the daemon at remote, on UDP 500 (no NAT detection: no move to 4500)."""

    def __init__(self, host, remote, local_id, remote_id, psk=b'0123456789abcdef', suite=None, esp=None, ts=None,
                 port=500):
        self.remote, self.local_id, self.remote_id, self.psk = (remote, port), local_id, remote_id, psk
        self.suite, self.esp = suite or GCM, esp or ESP_GCM
        self.ts = ts or (host.net4, '10.1.0.0/16')  # ours, theirs
        self.socket = namespace_socket(host, port)
        self.keys = self.initiator = None
        self.next_out = self.next_in = self.counter = 0
        self.children, self.answers, self.alive, self.fresh = [], {}, True, None
        self.n_replaced = 0  # IKE SAs that gave way to their successors
        self.resumed = None  # the Ticket that this IKE SA was made with
        self.timeout, self.tries = 2.0, 5

    # The way of a message: Message -> outgoing -> protect -> datagrams, and back

    def outgoing(self, message):
        """Our message before it is protected: may be changed."""

    def incoming(self, message):
        """The peer's message in plain."""

    def protect(self, message):
        """The datagrams of a message."""
        chain = message.chain()
        if message.exchange in FIRST:
            return [message.header(message.first(), 28 + len(chain)) + chain]
        return [self.seal(message, SK, b'', message.first(), chain)]

    def seal(self, message, kind, prefix, first, text):
        """One datagram with a sealed payload of a kind; prefix is only authenticated."""
        length, front, after = 4 + len(prefix) + self.keys.sealed_len(text), b'', kind
        for payload, body in reversed(message.outside):
            front = struct.pack('>BBH', after, 0, 4 + len(body)) + body + front
            after = payload
        aad = message.header(after, 28 + len(front) + length) + front + struct.pack('>BBH', first, 0, length) + prefix
        self.counter += 1
        return aad + self.keys.seal(message.initiator, aad, self.keys.pad(text), self.counter)

    def unprotect(self, datagram):
        """A Message, or None when it is not complete or not authentic."""
        message, first = self.read_header(datagram)
        if message.exchange in FIRST:
            message.payloads = read_chain(first, datagram[28:])
        else:
            at, message.outside = 28, []
            while first not in (0, SK, 53):
                after, _, length = struct.unpack('>BBH', datagram[at:at + 4])
                message.outside.append((first, datagram[at + 4:at + length]))
                first, at = after, at + length
            if first != SK or not self.keys:
                return None
            inner, _, _ = struct.unpack('>BBH', datagram[at:at + 4])
            text = self.keys.open(message.initiator, datagram[:at + 4], datagram[at + 4:])
            if text is None:
                return None
            message.payloads = read_chain(inner, text)
        return message

    def read_header(self, datagram):
        first, _, exchange, flags, ident, length = struct.unpack('>BBBBII', datagram[16:28])
        check(length == len(datagram), f'a datagram of {len(datagram)} octets says that it has {length}')
        return Message(exchange, ident, [], bool(flags & RESPONSE), datagram[:8], datagram[8:16],
                       bool(flags & INITIATOR)), first

    def send(self, datagrams):
        for datagram in datagrams:
            self.socket.sendto(datagram, self.remote)

    def receive(self, seconds):
        """The next datagram, or None."""
        if not select.select([self.socket], [], [], max(seconds, 0))[0]:
            return None
        return self.socket.recvfrom(65535)[0]

    def message(self, exchange, ident, payloads, response=False):
        return Message(exchange, ident, list(payloads), response, self.spi_i, self.spi_r, self.initiator)

    # Requests of ours

    def ask(self, exchange, payloads):
        """Sends a request and waits for its answer; answers requests of the peer meanwhile."""
        request = self.message(exchange, self.next_out, payloads)
        self.outgoing(request)
        datagrams = self.protect(request)
        self.sent = datagrams
        self.next_out += 1
        for attempt in range(self.tries):
            self.send(datagrams if not attempt else self.again(request, datagrams, attempt))
            end = time.monotonic() + self.timeout
            while time.monotonic() < end:
                got = self.take(self.receive(end - time.monotonic()))
                if got and got.response and got.id == request.id and got.exchange == exchange:
                    self.incoming(got)
                    return got
        raise Failure(f'no answer to our request {request.id} of exchange {exchange}')

    def again(self, _request, datagrams, _attempt):
        """What a retransmission sends."""
        return datagrams

    def take(self, datagram):
        """A response, or None; requests are answered here."""
        if not datagram:
            return None
        message = self.unprotect(datagram)
        if message and message.exchange in FIRST:
            message.octets = datagram
        if message and not message.response:
            self.answer(message)
            return None
        return message

    # Requests of the peer

    def answer(self, request):
        if request.id in self.answers and request.id < self.next_in:
            self.send(self.answers[request.id])
            return
        if request.id != self.next_in:
            return
        self.incoming(request)
        handler = getattr(self, 'on_' + {IKE_SA_INIT: 'init', IKE_AUTH: 'auth', CREATE_CHILD_SA: 'create_child',
                                         INFORMATIONAL: 'informational', IKE_SESSION_RESUME: 'resume'}.get(request.exchange, 'other'))
        payloads = handler(request)
        if payloads is None:
            return
        response = self.message(request.exchange, request.id, payloads, True)
        self.outgoing(response)
        datagrams = self.protect(response)
        if request.exchange in FIRST:
            self.real2 = datagrams[0]
        if request.exchange in FIRST and not self.keys:
            self.send(datagrams)  # refused: the next first message begins anew
            return
        self.next_in += 1
        self.answers[request.id] = datagrams
        self.send(datagrams)
        self.answered(request)

    def answered(self, request):
        """The answer to a request has gone out: a deleted IKE SA gives way to its successor."""
        if request.exchange == INFORMATIONAL and any(body[0] == PROTO_IKE for body in request.bodies(D)):
            self.alive = self.fresh is not None
            if self.fresh:
                self.take_over(*self.fresh)
                self.n_replaced += 1
                self.fresh = None

    def serve(self, seconds):
        """Answers for some time, or until the IKE SA ends."""
        end = time.monotonic() + seconds
        while self.alive and time.monotonic() < end:
            self.take(self.receive(min(0.2, end - time.monotonic())))

    @contextlib.contextmanager
    def serving(self, seconds=60):
        """A thread that answers; what went wrong in it is raised at the end."""
        wrong, done = [], threading.Event()

        def work():
            try:
                end = time.monotonic() + seconds
                while not done.is_set() and time.monotonic() < end:
                    self.take(self.receive(0.1))
            except Exception as e:  # pylint: disable=broad-except
                wrong.append(e)
        thread = threading.Thread(target=work)
        thread.start()
        try:
            yield self
        finally:
            done.set()
            thread.join()
        if wrong:
            raise wrong[0]

    # IKE_SA_INIT (RFC 7296, 1.2)

    def init_extra(self):
        """Further payloads of IKE_SA_INIT."""
        return []

    def begin(self, initiator, spi_i=None):
        self.initiator, self.nonce = initiator, os.urandom(32)
        self.spi_i, self.spi_r = spi_i or os.urandom(8), bytes(8) if initiator else os.urandom(8)
        self.method = Method(transform(self.suite, KE_METHOD))

    def init_payloads(self, chosen=None, number=1):
        return [(SA, proposal(chosen or self.suite, number=number)),
                (KE, struct.pack('>HH', self.method.group, 0) + self.method.public), (NONCE, self.nonce)] \
            + self.init_extra()

    def init(self):
        self.begin(True)
        answer, cookie = None, []
        while not answer or answer.notified(COOKIE):
            self.next_out = 0
            answer = self.ask(IKE_SA_INIT, cookie + self.init_payloads())
            cookie = [notify(COOKIE, answer.notified(COOKIE))] if answer.notified(COOKIE) else []
        check(not answer.error(), f'IKE_SA_INIT was refused with {answer.error()}')
        self.spi_r, self.real1, self.real2 = answer.spi_r, self.sent[0], answer.octets
        self.ni, self.nr = self.nonce, answer.get(NONCE)
        self.make_keys(self.method.shared(answer.get(KE)[4:]))
        return answer

    def make_keys(self, shared):
        self.keys = Keys(self.suite, prf(self.ni + self.nr, shared), self.ni, self.nr, self.spi_i, self.spi_r)

    def choose(self, body, suite):
        """The number, SPI and transforms of the first proposal that has all of suite."""
        for number, _, spi, transforms in read_proposals(body):
            if all(t in transforms for t in suite):
                return number, spi
        raise Failure(f'the peer offered {read_proposals(body)}, not {suite}')

    def on_init(self, request):
        self.begin(False, request.spi_i)
        number, _ = self.choose(request.get(SA), self.suite)
        self.real1, self.ni, self.nr = request.octets, request.get(NONCE), self.nonce
        self.make_keys(self.method.shared(request.get(KE)[4:]))
        return self.init_payloads(number=number)

    # IKE_SESSION_RESUME (RFC 5723, 4.3.2, 5.1)

    def take_ticket(self, message, keys=None):
        """The Ticket of TICKET_LT_OPAQUE in a message, or None."""
        data = message.notified(TICKET_LT_OPAQUE)
        ids = (self.local_id, self.remote_id) if self.initiator else (self.remote_id, self.local_id)
        return data and Ticket(data[4:], struct.unpack('>I', data[:4])[0], (keys or self.keys).d, ids)

    def known_keys(self, ticket):
        self.keys = Keys(self.suite, prf(ticket.d, b'Resumption' + self.ni + self.nr), self.ni, self.nr, self.spi_i,
                         self.spi_r)
        self.resumed = ticket

    def resume(self, ticket):
        """As initiator; the answer, after which there are keys unless the ticket was refused."""
        self.begin(True)
        answer, cookie = None, []
        while not answer or answer.notified(COOKIE):
            self.next_out = 0
            answer = self.ask(IKE_SESSION_RESUME, cookie + [(NONCE, self.nonce), notify(TICKET_OPAQUE, ticket.octets)]
                              + self.init_extra())
            cookie = [notify(COOKIE, answer.notified(COOKIE))] if answer.notified(COOKIE) else []
        if not answer.get(NONCE):
            return answer
        self.spi_r, self.real1, self.real2 = answer.spi_r, self.sent[0], answer.octets
        self.ni, self.nr = self.nonce, answer.get(NONCE)
        self.known_keys(ticket)
        return answer

    def find_ticket(self, _octets):
        """As responder: the Ticket with these octets, or None."""
        return None

    def on_resume(self, request):
        self.begin(False, request.spi_i)
        ticket = self.find_ticket(request.notified(TICKET_OPAQUE))
        if not ticket:
            self.spi_r = bytes(8)
            return [notify(TICKET_NACK)]
        self.real1, self.ni, self.nr = request.octets, request.get(NONCE), self.nonce
        self.known_keys(ticket)
        return [(NONCE, self.nonce)] + self.init_extra()

    # IKE_AUTH (RFC 7296, 1.2, 2.15)

    def signed_also(self):
        """Octets that are signed behind RFC 7296's."""
        return b''

    def proof(self, of_initiator, id_body):
        key = self.keys.pi if of_initiator else self.keys.pr
        octets = (self.real1 + self.nr if of_initiator else self.real2 + self.ni) + \
            prf(key, id_body) + self.signed_also()
        if self.resumed:  # RFC 5723, 4.3.3
            return prf(key, octets)
        return prf(prf(self.psk, b'Key Pad for IKEv2'), octets)

    def auth_payload(self):
        return (AUTH, b'\2\0\0\0' + self.proof(self.initiator, identity(self.local_id)))

    def verify(self, message):
        body = message.get(IDR if self.initiator else IDI)
        check(body == identity(self.remote_id), f'the peer says that it is {body}')
        check(message.get(AUTH)[4:] == self.proof(not self.initiator, body), "the peer's proof does not hold")

    def auth_extra(self):
        """Further payloads of IKE_AUTH."""
        return []

    def auth(self):
        spi = os.urandom(4)
        esp = [t for t in self.esp if t[0] != KE_METHOD]
        answer = self.ask(IKE_AUTH, [(IDI, identity(self.local_id)), self.auth_payload(),
                                     (SA, proposal(esp, PROTO_ESP, spi)), (TSI, selectors([self.ts[0]])),
                                     (TSR, selectors([self.ts[1]]))] + self.auth_extra())
        check(not answer.error(), f'IKE_AUTH was refused with {answer.error()}')
        self.verify(answer)
        self.add_child(spi, answer, self.ni + self.nr)
        return answer

    def add_child(self, spi, message, seed, shared=b'', old=None):
        theirs = read_proposals(message.get(SA))[0][2]
        self.children.append(Child(spi, theirs, prf_plus(self.keys.d, shared + seed, 2 * 100), old))

    def connect(self):
        self.init()
        self.auth()
        return self

    def on_auth(self, request):
        self.verify(request)
        spi = os.urandom(4)
        esp = [t for t in self.esp if t[0] != KE_METHOD]
        number, _ = self.choose(request.get(SA), esp)
        self.add_child(spi, request, self.ni + self.nr)
        return [(IDR, identity(self.local_id)), self.auth_payload(), (SA, proposal(esp, PROTO_ESP, spi, number)),
                (TSI, request.get(TSI)), (TSR, request.get(TSR))] + self.auth_extra()

    # CREATE_CHILD_SA (RFC 7296, 1.3)

    def create_child(self, rekey=None, extra=()):
        """One more child SA, or one in place of another."""
        spi, nonce = os.urandom(4), os.urandom(32)
        method = Method(transform(self.esp, KE_METHOD)) if transform(self.esp, KE_METHOD) else None
        payloads = [notify(REKEY_SA, b'', PROTO_ESP, rekey.ours)] if rekey else []
        payloads += [(SA, proposal(self.esp, PROTO_ESP, spi)), (NONCE, nonce)]
        if method:
            payloads.append((KE, struct.pack('>HH', method.group, 0) + method.public))
        answer = self.ask(CREATE_CHILD_SA, payloads + [(TSI, selectors([self.ts[0]])), (TSR, selectors([self.ts[1]]))]
                          + list(extra))
        if not answer.error():
            shared = method.shared(answer.get(KE)[4:]) if method else b''
            self.add_child(spi, answer, nonce + answer.get(NONCE), shared, rekey)
        return answer

    def rekey(self, extra=()):
        """Replaces the IKE SA and deletes the old one."""
        spi, nonce, method = os.urandom(8), os.urandom(32), Method(transform(self.suite, KE_METHOD))
        answer = self.ask(CREATE_CHILD_SA, [(SA, proposal(self.suite, PROTO_IKE, spi)), (NONCE, nonce),
                                            (KE, struct.pack('>HH', method.group, 0) + method.public)] + list(extra))
        check(not answer.error(), f'the rekey was refused with {answer.error()}')
        theirs = read_proposals(answer.get(SA))[0][2]
        fresh = (True, spi, theirs, self.successor(method.shared(answer.get(KE)[4:]), nonce, answer.get(NONCE), spi,
                                                   theirs))
        self.ask(INFORMATIONAL, [(D, b'\1\0\0\0')])
        self.take_over(*fresh)
        return answer

    def successor(self, shared, ni, nr, spi_i, spi_r):
        """RFC 7296, 2.18."""
        return Keys(self.suite, prf(self.keys.d, shared + ni + nr), ni, nr, spi_i, spi_r)

    def take_over(self, initiator, spi_i, spi_r, keys):
        self.initiator, self.spi_i, self.spi_r, self.keys = initiator, spi_i, spi_r, keys
        self.next_out = self.next_in = self.counter = 0
        self.answers = {}

    def on_create_child(self, request):
        number, protocol, theirs, _ = read_proposals(request.get(SA))[0]
        suite = self.suite if protocol == PROTO_IKE else self.esp
        nonce, group = os.urandom(32), transform(suite, KE_METHOD)
        number, theirs = self.choose(request.get(SA), suite)
        method = Method(group) if group else None
        shared = method.shared(request.get(KE)[4:]) if method else b''
        spi = os.urandom(8 if protocol == PROTO_IKE else 4)
        payloads = [(SA, proposal(suite, protocol, spi, number)), (NONCE, nonce)]
        if method:
            payloads.append((KE, struct.pack('>HH', method.group, 0) + method.public))
        seed = request.get(NONCE) + nonce
        if protocol == PROTO_IKE:
            self.fresh = (False, theirs, spi, self.successor(shared, request.get(NONCE), nonce, theirs, spi))
            return payloads
        self.add_child(spi, request, seed, shared, request.notified(REKEY_SA))
        return payloads + [(TSI, request.get(TSI)), (TSR, request.get(TSR))]

    # INFORMATIONAL (RFC 7296, 1.4)

    def on_informational(self, request):
        for body in request.bodies(D):
            if body[0] == PROTO_IKE:
                return []
            gone = [body[4 + i:8 + i] for i in range(0, len(body) - 4, 4)]
            ours = [c.ours for c in self.children if c.theirs in gone]
            self.children = [c for c in self.children if c.theirs not in gone]
            return [(D, struct.pack('>BBH', PROTO_ESP, 4, len(ours)) + b''.join(ours))]
        return []

    def delete(self):
        return self.ask(INFORMATIONAL, [(D, b'\1\0\0\0')])

    def on_other(self, request):
        raise Failure(f'the peer began exchange {request.exchange}, which ikepy does not have')

    def close(self):
        self.socket.close()
