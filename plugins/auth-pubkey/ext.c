// SPDX-License-Identifier: LGPL-2.1-or-later
/* ext: what IKEv2 is extended by: SIGNATURE_HASH_ALGORITHMS in IKE_SA_INIT (RFC 7427, 4; RFC 8420, 2), and raw public
 * keys in CERT and CERTREQ payloads (RFC 7670, 3; RFC 7296, 3.6 and 3.7).
 *
 * What the peer said is attached to the IKE SA and let go when that is established.
 */
#include "auth-pubkey.h"

#include <errno.h>
#include <ravelin/wire.h>

enum { EXCHANGE_INIT = 34, EXCHANGE_AUTH = 35, N_SIGNATURE_HASH_ALGORITHMS = 16431, CONNECTIONS_MAX = 16 };

/* Choices of send_cert, in the order of the schema. */
enum { SEND_ALWAYS, SEND_NEVER, SEND_IF_ASKED };

static struct heard *heard_of(struct rv_host *host, struct rv_ike_exchange *x)
{
	return rv_attached(host, rv_ike_sa(x), struct heard);
}

const struct heard *pubkey_heard(struct rv_host *host, const struct rv_auth_request *request)
{
	return request->exchange ? heard_of(host, request->exchange) : NULL;
}

size_t pubkey_certs(const struct rv_auth_request *request, struct rv_bytes out[static CERTS_MAX])
{
	size_t n = 0;

	while (request->exchange && n < CERTS_MAX &&
	       rv_ike_payload(request->exchange, PAYLOAD_CERT, (unsigned)n, &out[n]))
		n++;
	return n;
}

bool pubkey_is_ours(struct rv_host *host, const struct rv_round *round)
{
	struct rv_service *service = rv_auth_find(host->core, round);

	return service && rv_service_self(service) == host;
}

/* Which round of a list is ours first, or NULL. */
static const struct rv_round *our_round(struct rv_host *host, const struct rv_round *rounds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (pubkey_is_ours(host, &rounds[i]))
			return &rounds[i];
	return NULL;
}

/* Reading */

/* Whether a CERTREQ payload of the message asks for raw public keys: encoding 15 with nothing behind it. */
static bool asks_raw(const struct rv_ike_exchange *x)
{
	struct rv_bytes body;

	for (unsigned i = 0; rv_ike_payload(x, PAYLOAD_CERTREQ, i, &body); i++) {
		struct rv_rd r = rv_rd(body);
		if (rv_rd_u8(&r) == ENCODING_RAW_KEY && rv_rd_done(&r))
			return true;
	}
	return false;
}

/* Numbers that are not known are passed over; a list of an odd number of octets says nothing. */
static uint32_t read_hashes(struct rv_bytes data)
{
	struct rv_rd r = rv_rd(data);
	uint32_t hashes = 0;

	while (rv_rd_more(&r)) {
		uint16_t hash = rv_rd_u16(&r);
		if (hash && hash < N_HASHES)
			hashes |= 1u << hash;
	}
	return rv_rd_done(&r) ? hashes : 0;
}

static int read_init(struct rv_ike_exchange *x, void *self)
{
	struct rv_host *host = self;
	struct rv_bytes data;
	uint32_t hashes = rv_ike_notify(x, N_SIGNATURE_HASH_ALGORITHMS, 0, &data) && pubkey_signatures(host)
				  ? read_hashes(data)
				  : 0;
	struct heard *heard = heard_of(host, x);
	bool raw = asks_raw(x);

	if (!heard && (hashes || raw)) {
		heard = rv_attach(host, rv_ike_sa(x), struct heard);
		if (!heard)
			return -ENOMEM;
	}
	if (heard)
		*heard = (struct heard){ .hashes = hashes, .raw = raw };
	return 0;
}

/* Nothing more will be proved: what the peer said is let go. */
static int let_go(struct rv_ike_exchange *x, void *self)
{
	if (rv_ike_state(rv_ike_sa(x)) >= RV_IKE_ESTABLISHED)
		talloc_free(heard_of(self, x));
	return 0;
}

/* Writing */

/* The hashes of the schemes that somebody computes (RFC 8420, 3: Identity only where EdDSA is). */
static int say_hashes(struct rv_ike_exchange *x, struct rv_host *host)
{
	uint8_t room[2 * N_HASHES];
	struct rv_wr w = rv_wr(room, sizeof(room));

	for (unsigned hash = pubkey_sha1(host) ? HASH_SHA1 : HASH_SHA256; hash < N_HASHES; hash++) {
		for (size_t i = 0; i < N_SCHEMES; i++) {
			if (schemes[i].hash != hash || !schemes[i].service ||
			    !rv_registry_find(host->registry, "sign", schemes[i].service))
				continue;
			rv_wr_u16(&w, (uint16_t)hash);
			break;
		}
	}
	return rv_wr_len(&w) ? rv_ike_add_notify(x, N_SIGNATURE_HASH_ALGORITHMS, rv_wr_bytes(&w)) : 0;
}

static bool wants_raw(struct rv_host *host, const struct rv_connection *c)
{
	const struct rv_round *round = our_round(host, c->remote, c->n_remote);

	return round && rv_conf_bool(c->conf, "send_certreq") && rv_conf_list(round->conf, "pubkeys")[0];
}

static int ask_raw(struct rv_ike_exchange *x)
{
	static const uint8_t body[] = { ENCODING_RAW_KEY }; /* RFC 7670, 3: "MUST be empty" */

	return rv_ike_add(x, PAYLOAD_CERTREQ, false, rv_bytes(body, sizeof(body)));
}

/* Whether a connection that the initiator may turn out to have wants raw public keys. */
static bool may_want_raw(struct rv_host *host, const struct rv_peer *peer)
{
	const struct rv_connection *c;

	for (size_t n = 0; n < CONNECTIONS_MAX; n++) {
		c = rv_connection_match(host->core, 2, &peer->path.local, &peer->path.remote, n);
		if (!c || wants_raw(host, c))
			return c != NULL;
	}
	return false;
}

static int build_init(struct rv_ike_exchange *x, void *self)
{
	struct rv_host *host = self;
	const struct rv_peer *peer = rv_ike_peer(rv_ike_sa(x));
	const struct rv_connection *c = peer->connection;
	struct heard *heard = heard_of(host, x);

	if (!pubkey_signatures(host))
		return 0;
	if (rv_ike_role(x) == RV_IKE_INITIATOR)
		return c && (our_round(host, c->local, c->n_local) || our_round(host, c->remote, c->n_remote))
			       ? say_hashes(x, host)
			       : 0;
	if (!heard)
		return 0;
	int r = say_hashes(x, host);

	return !r && may_want_raw(host, peer) ? ask_raw(x) : r;
}

/* Our raw public key, when the peer asked for it. */
static int show_key(struct rv_ike_exchange *x, struct rv_host *host, const struct rv_connection *c, bool asked)
{
	const struct rv_round *round = our_round(host, c->local, c->n_local);
	int64_t send = rv_conf_int(c->conf, "send_cert");
	uint8_t *body;
	int r = 0;

	if (!round || send == SEND_NEVER || (send == SEND_IF_ASKED && !asked))
		return 0;
	struct key *key = pubkey_own(host, NULL, c, round, rv_ike_peer(rv_ike_sa(x))->local_id, NULL);

	if (!key)
		return 0;
	body = talloc_size(key, key->spki.len + 1);
	if (body) {
		struct rv_wr w = rv_wr(body, key->spki.len + 1);
		rv_wr_u8(&w, ENCODING_RAW_KEY);
		rv_wr_put(&w, key->spki);
		r = rv_ike_add(x, PAYLOAD_CERT, false, rv_wr_bytes(&w));
	}
	talloc_free(key);
	return body ? r : -ENOMEM;
}

static int build_auth(struct rv_ike_exchange *x, void *self)
{
	const struct rv_connection *c = rv_ike_peer(rv_ike_sa(x))->connection;
	struct heard *heard = heard_of(self, x);
	int r;

	if (!c)
		return 0;
	if (rv_ike_role(x) == RV_IKE_RESPONDER) {
		r = show_key(x, self, c, asks_raw(x));
		return r ? r : let_go(x, self);
	}
	r = show_key(x, self, c, heard && heard->raw);
	return !r && wants_raw(self, c) ? ask_raw(x) : r;
}

static const struct rv_ike_task tasks[] = {
	{ RV_IKE_AT_READ, EXCHANGE_INIT, read_init },
	{ RV_IKE_AT_BUILD, EXCHANGE_INIT, build_init },
	{ RV_IKE_AT_BUILD, EXCHANGE_AUTH, build_auth },
	{ RV_IKE_AT_CHILD_CHOSEN, EXCHANGE_AUTH, let_go },
	{ RV_IKE_AT_READ, 0, let_go },
};

static const struct rv_ikev2_ext_ops ops = { .size = sizeof(ops), .tasks = tasks, .n_tasks = RV_COUNT(tasks) };

int pubkey_offer_ext(struct rv_host *host)
{
	return rv_ikev2_ext_offer(host, (struct rv_offer){ .name = "auth-pubkey" }, &ops, host);
}
