// SPDX-License-Identifier: LGPL-2.1-or-later
/* ikev2-ppk: post-quantum preshared keys (RFC 8784).
 *
 * A secret that both sides have beside their means of authentication is stirred into SK_d, SK_pi and SK_pr when an IKE
 * SA is set up, at the last moment before something is proved: after all key exchanges. Only then: a rekey goes on from
 * the SK_d that it is in. Nothing hangs on an established IKE SA.
 */
#include "mix.h"

#include <errno.h>
#include <ravelin/ikev2-auth.h>
#include <ravelin/ikev2-known.h>
#include <ravelin/plugin.h>
#include <ravelin/secret.h>
#include <ravelin/wire.h>
#include <string.h>
#include <talloc.h>

enum {
	IKE_SA_INIT = 34,
	IKE_AUTH = 35,
	P_AUTH = 39,
	AUTHENTICATION_FAILED = 24,
	USE_PPK = 16435, /* RFC 8784, 5.1 */
	PPK_IDENTITY = 16436,
	NO_PPK_AUTH = 16437,
	ID_FIXED = 2, /* PPK_ID types of 5.1: PPK_ID_FIXED */
	ID_MAX = 256,
};

static const char keys[] = { 'd', 'i', 'r' };
enum { N_KEYS = RV_COUNT(keys) };

/* Hangs on an IKE SA while it is set up: both sides (or, without `both`, only the initiator, which must have it) said
 * USE_PPK. before: the keys without the PPK, of an initiator to which it is optional. */
struct ppk {
	bool both, used;
	struct rv_secret before[N_KEYS];
};

static int ppk_gone(struct ppk *ppk)
{
	for (unsigned i = 0; i < N_KEYS; i++)
		rv_secret_fini(&ppk->before[i]);
	return 0;
}

static struct ppk *ppk_new(struct rv_host *host, struct rv_ike_sa *sa)
{
	struct ppk *ppk = rv_attached(host, sa, struct ppk);

	if (ppk)
		return ppk;
	ppk = rv_attach(host, sa, struct ppk);
	if (ppk)
		talloc_set_destructor(ppk, ppk_gone);
	return ppk;
}

static const char *id_of(const struct rv_connection *c)
{
	return rv_conf_str(c->conf, "ppk_id");
}

static bool required(const struct rv_connection *c)
{
	return rv_conf_bool(c->conf, "ppk_required");
}

/* The PPK with this identifier, or NULL. */
static const struct rv_secret *secret_of(struct rv_host *host, const char *name)
{
	struct rv_id *id = rv_id_parse(NULL, name, NULL);
	const struct rv_secret *secret = id ? rv_secret_find(host->core, "ppk", id, NULL) : NULL;

	talloc_free(id);
	return secret;
}

static int refuse(struct rv_ike_exchange *x, const char *text)
{
	return rv_ike_veto(x, AUTHENTICATION_FAILED, rv_bytes(NULL, 0), text);
}

/* IKE_SA_INIT */

/* As responder: whether a connection for these addresses knows of PPKs; who the peer is nobody knows yet. */
static bool some_connection(struct rv_host *host, const struct rv_peer *peer)
{
	const struct rv_connection *c;

	for (size_t n = 0; (c = rv_connection_match(host->core, 2, &peer->path.local, &peer->path.remote, n)); n++)
		if (id_of(c) || required(c))
			return true;
	return false;
}

/* RFC 8784, 3: a PPK "MUST NOT be used when these subkeys are calculated as result of IKE SA rekey, resumption": they
 * come from a SK_d that has it already. */
static int build_init(struct rv_ike_exchange *x, void *self)
{
	struct rv_ike_sa *sa = rv_ike_sa(x);
	const struct rv_peer *peer = rv_ike_peer(sa);
	bool says = rv_ike_role(x) == RV_IKE_INITIATOR ? id_of(peer->connection) != NULL
						       : rv_attached(self, sa, struct ppk) != NULL;

	return says && !rv_ike_is_known(sa) ? rv_ike_add_notify(x, USE_PPK, rv_bytes(NULL, 0)) : 0;
}

static int read_init(struct rv_ike_exchange *x, void *self)
{
	struct rv_ike_sa *sa = rv_ike_sa(x);
	const struct rv_peer *peer = rv_ike_peer(sa);
	bool initiator = rv_ike_role(x) == RV_IKE_INITIATOR, both;
	struct rv_bytes none;
	struct ppk *ppk;

	both = !rv_ike_is_known(sa) && rv_ike_notify(x, USE_PPK, 0, &none) &&
	       (initiator ? id_of(peer->connection) != NULL : some_connection(self, peer));
	if (!both)
		return 0;
	ppk = ppk_new(self, sa);
	if (ppk)
		ppk->both = true;
	return ppk ? 0 : -ENOMEM;
}

/* IKE_AUTH */

static int mix_all(struct rv_ike_exchange *x, const struct rv_secret *secret)
{
	int r = 0;

	for (unsigned i = 0; i < N_KEYS && !r; i++) {
		size_t len;
		uint8_t *key = rv_ike_key(x, keys[i], &len);
		r = key ? ppk_mix(rv_ike_prf(rv_ike_sa(x)), rv_secret_bytes(secret), key, len) : -EINVAL;
	}
	return r;
}

static int keep_all(struct rv_host *host, struct rv_ike_exchange *x, struct ppk *ppk)
{
	for (unsigned i = 0; i < N_KEYS; i++) {
		size_t len;
		const uint8_t *key = rv_ike_key(x, keys[i], &len);
		if (!key || !rv_secret_init(&ppk->before[i], host->vault, len))
			return -ENOMEM;
		memcpy(ppk->before[i].b, key, len);
	}
	return 0;
}

static int put_back(struct rv_ike_exchange *x, const struct ppk *ppk)
{
	for (unsigned i = 0; i < N_KEYS; i++) {
		size_t len;
		uint8_t *key = rv_ike_key(x, keys[i], &len);
		if (!key || len != ppk->before[i].len)
			return -EINVAL;
		memcpy(key, ppk->before[i].b, len);
	}
	return 0;
}

/* Our request. "if using PPKs ... is optional for the initiator ..., then the initiator MUST include a NO_PPK_AUTH" */
static int prove_request(struct rv_host *host, struct rv_ike_exchange *x)
{
	struct rv_ike_sa *sa = rv_ike_sa(x);
	const struct rv_connection *c = rv_ike_peer(sa)->connection;
	struct ppk *ppk = rv_attached(host, sa, struct ppk);
	const struct rv_secret *secret = ppk ? secret_of(host, id_of(c)) : NULL;
	int r;

	if (secret) {
		r = keep_all(host, x, ppk);
		if (!r && !required(c))
			r = rv_ike_prove_also(x, rv_secret_bytes(&ppk->before[1]));
		ppk->used = true;
		return r ? r : mix_all(x, secret);
	}
	if (required(c))
		return rv_ike_veto(
			x, 0, rv_bytes(NULL, 0),
			ppk ? "ppk_required = yes, and no section ppk-NAME of secrets has ppk_id as its id"
			    : "ppk_required = yes, and the peer does not use PPKs with us (RFC 8784), or ppk_id "
			      "is not set");
	if (ppk) /* we cannot say which one: the responder would refuse us without PPK_IDENTITY */
		return rv_ike_veto(x, 0, rv_bytes(NULL, 0),
				   "no section ppk-NAME of secrets has ppk_id as its id: add it, or remove ppk_id");
	return 0;
}

/* The answer to it: "If the initiator does not receive the PPK_IDENTITY, it MUST either fail ... or continue" */
static int prove_answer(struct rv_host *host, struct rv_ike_exchange *x)
{
	struct rv_ike_sa *sa = rv_ike_sa(x);
	struct ppk *ppk = rv_attached(host, sa, struct ppk);
	const struct rv_peer *peer = rv_ike_peer(sa);
	struct rv_bytes none;
	bool theirs;
	int r = 0;

	if (!ppk)
		return 0;
	theirs = rv_ike_notify(x, PPK_IDENTITY, 0, &none);
	if (!theirs && required(peer->connection))
		return rv_ike_veto(x, 0, rv_bytes(NULL, 0),
				   "the peer does not have the PPK of ppk_id, and ppk_required = yes");
	if (!theirs)
		r = put_back(x, ppk);
	rv_log(&host->subject, theirs ? RV_INFO : RV_NOTICE, theirs ? "ppk-used" : "ppk-not-used",
	       KV_STR("connection", peer->connection->name), KV_UINT("session", peer->id),
	       KV_STR("id", id_of(peer->connection)));
	talloc_free(ppk);
	return r;
}

/* PPK_ID of the peer's as text (RFC 8784, 5.1: a type octet in front). False: it cannot be one of ours. */
static bool read_id(struct rv_bytes data, char text[static ID_MAX])
{
	struct rv_rd r = rv_rd(data);
	uint8_t type = rv_rd_u8(&r);
	struct rv_bytes id = rv_rd_rest(&r);

	if (!rv_rd_done(&r) || type != ID_FIXED || !id.len || id.len >= ID_MAX || memchr(id.p, 0, id.len))
		return false;
	memcpy(text, id.p, id.len);
	text[id.len] = 0;
	return true;
}

/* The PPK that the peer names: it must be known, and allowed for this connection. */
static const struct rv_secret *named(struct rv_host *host, const struct rv_connection *c, struct rv_bytes data,
				     char text[static ID_MAX])
{
	const char *ours = id_of(c);
	struct rv_id *pattern, *id;
	bool fits;

	if (!read_id(data, text))
		return NULL;
	pattern = ours ? rv_id_parse(NULL, ours, NULL) : NULL;
	id = rv_id_parse(NULL, text, NULL);
	fits = id && (!ours || (pattern && rv_id_match(pattern, id)));
	talloc_free(pattern);
	talloc_free(id);
	return fits ? secret_of(host, text) : NULL;
}

/* As responder: table 1 of RFC 8784 */
static int prove_peer(struct rv_host *host, struct rv_ike_exchange *x)
{
	struct rv_ike_sa *sa = rv_ike_sa(x);
	const struct rv_peer *peer = rv_ike_peer(sa);
	struct ppk *ppk = rv_attached(host, sa, struct ppk);
	bool must = required(peer->connection);
	char text[ID_MAX] = "";
	const struct rv_secret *secret;
	struct rv_bytes data;

	if (!ppk)
		return must ? refuse(x, "the peer uses no PPK (RFC 8784), and ppk_required = yes") : 0;
	if (!rv_ike_notify(x, PPK_IDENTITY, 0, &data))
		return refuse(x, "the peer names no PPK, although it said that it uses one");
	secret = named(host, peer->connection, data, text);
	rv_log(&host->subject, secret ? RV_INFO : RV_NOTICE, secret ? "ppk-used" : "ppk-not-used",
	       KV_STR("connection", peer->connection->name), KV_UINT("session", peer->id), KV_STR("id", text));
	if (secret) {
		ppk->used = true;
		return mix_all(x, secret);
	}
	talloc_free(ppk);
	if (must || !rv_ike_notify(x, NO_PPK_AUTH, 0, &data) || !data.len)
		return refuse(x, must ? "the peer's PPK is not one of this connection, and ppk_required = yes"
				      : "the peer's PPK is not one of this connection, and the peer insists on it");
	rv_ike_proof_instead(x, data);
	return 0;
}

static int prove(struct rv_ike_exchange *x, void *self)
{
	struct rv_bytes body;

	if (rv_ike_is_known(rv_ike_sa(x)))
		return 0;
	if (rv_ike_role(x) == RV_IKE_RESPONDER)
		return prove_peer(self, x);
	return rv_ike_payload(x, P_AUTH, 0, &body) ? prove_answer(self, x) : prove_request(self, x);
}

/* PPK_IDENTITY, PPK_ID -> ; <- PPK_IDENTITY without data */
static int build_auth(struct rv_ike_exchange *x, void *self)
{
	struct rv_ike_sa *sa = rv_ike_sa(x);
	struct ppk *ppk = rv_attached(self, sa, struct ppk);
	struct rv_bytes also = rv_ike_proof_also(x);
	uint8_t data[1 + ID_MAX];
	struct rv_wr w = rv_wr(data, sizeof(data));
	int r;

	if (!ppk || !ppk->used)
		return 0;
	ppk->used = false; /* once */
	if (rv_ike_role(x) == RV_IKE_RESPONDER) {
		talloc_free(ppk);
		return rv_ike_add_notify(x, PPK_IDENTITY, rv_bytes(NULL, 0));
	}
	const char *id = id_of(rv_ike_peer(sa)->connection);

	rv_wr_u8(&w, ID_FIXED);
	rv_wr_put(&w, rv_bytes(id, strlen(id)));
	r = rv_wr_done(&w) ? rv_ike_add_notify(x, PPK_IDENTITY, rv_wr_bytes(&w)) : -ENOSPC;
	return !r && also.len ? rv_ike_add_notify(x, NO_PPK_AUTH, also) : r;
}

static const struct rv_ike_task tasks[] = {
	{ RV_IKE_AT_BUILD, IKE_SA_INIT, build_init },
	{ RV_IKE_AT_READ, IKE_SA_INIT, read_init },
	{ RV_IKE_AT_PROVE, IKE_AUTH, prove },
	{ RV_IKE_AT_BUILD, IKE_AUTH, build_auth },
};

static const struct rv_ikev2_ext_ops ops = { .size = sizeof(ops), .tasks = tasks, .n_tasks = RV_COUNT(tasks) };

static int init(struct rv_host *host)
{
	return rv_ikev2_ext_offer(host, (struct rv_offer){ .name = "ppk" }, &ops, host);
}

RV_PLUGIN(
	ikev2_ppk, "ikev2-ppk",
	"version=1\0"
	"summary=Post-quantum preshared keys\0"
	"licence=LGPL-2.1-or-later\0"
	"vendor=Ravelin\0"
	"default=on\0"
	"provides=ikev2-ext:ppk\0"
	"needs=prf\0"
	"rfc=8784\0"
	"schema=connections.*.ppk_id|string|-||Identifier of the post-quantum preshared key (RFC 8784) that we use; as "
	"responder a pattern for those that are accepted. Its octets are in a section secrets.ppk* with this id.\n"
	"connections.*.ppk_required|bool|no||Whether an IKE SA without a PPK is refused.\n\0",
	.init = init);
