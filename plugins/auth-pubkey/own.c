// SPDX-License-Identifier: LGPL-2.1-or-later
/* own: our side's proof: a key of the configuration, a scheme that the peer understands, a signature by whoever holds
 * the private half (RFC 7296, 2.15; RFC 7427, 3 and 4).
 */
#include "auth-pubkey.h"

#include <errno.h>
#include <ravelin/wire.h>
#include <string.h>

enum { SIGNATURE_MAX = 1024 };

struct key *pubkey_copy(const void *parent, const struct rv_pki_key *from)
{
	struct key *key = talloc_zero(parent, struct key);
	uint8_t *octets = key ? talloc_memdup(key, from->spki.p, from->spki.len) : NULL;

	if (!octets) {
		talloc_free(key);
		return NULL;
	}
	key->spki = rv_bytes(octets, from->spki.len);
	key->origin = talloc_strdup(key, from->origin ? from->origin : "a key");
	key->known = key_read(&key->info, key->spki);
	return key;
}

/* Asks one source after the other. */
struct search {
	const void *parent;
	struct rv_pki_request request;
	struct rv_service *source;
	struct key *found;
};

static void take(void *arg, const struct rv_pki_key *key)
{
	struct search *s = arg;

	if (s->found)
		return;
	s->found = pubkey_copy(s->parent, key);
	if (s->found)
		s->found->source = s->source;
}

static int ask(struct rv_service *source, void *arg)
{
	const struct rv_pki_ops *ops = rv_service_ops(source);
	struct search *s = arg;

	s->source = source;
	(void)ops->own(rv_service_self(source), &s->request, take, s);
	return s->found != NULL;
}

struct key *pubkey_own(struct rv_host *host, const void *parent, const struct rv_connection *connection,
		       const struct rv_round *round, const struct rv_id *id, struct rv_why *why)
{
	struct search s = { .parent = parent, .request = { connection, round, id, NULL, 0, why } };

	rv_registry_each(host->registry, "pki", ask, &s);
	if (s.found && why)
		*why = (struct rv_why){ 0 }; /* of sources that had none */
	else if (!s.found && why && !why->code)
		rv_why_set(why, -RV_ENO_PROVIDER, "no loaded plugin has keys (kind pki)");
	return s.found;
}

/* The peer's hashes in words, for people. */
static const char *words(uint32_t hashes, char *out, size_t size)
{
	size_t at = 0;

	out[0] = 0;
	for (unsigned i = 1; i < N_HASHES; i++) {
		if (hashes & 1u << i && at < size)
			at += (size_t)snprintf(out + at, size - at, "%s%s", at ? ", " : "", hash_name(i));
	}
	return at ? out : "none that is known";
}

/* The first scheme that we want, somebody computes and the peer understands. */
static const struct scheme *choose(struct rv_host *host, const struct policy *policy, const struct key *key,
				   uint32_t hashes, struct rv_why *why)
{
	bool pss = key->info.pss || policy->pss;
	uint8_t wanted[N_HASHES];
	char ours[KEY_TEXT], theirs[64];
	size_t n = policy_hashes(policy, &key->info, wanted);

	for (size_t i = 0; i < n; i++) {
		const struct scheme *scheme = scheme_find(key->info.type, wanted[i], pss && key->info.type == KEY_RSA);

		if (scheme && scheme->service && hashes & 1u << scheme->hash &&
		    (scheme->hash != HASH_SHA1 || policy->sha1) &&
		    rv_registry_find(host->registry, "sign", scheme->service))
			return scheme;
	}
	rv_why_set(why, -RV_EAUTH_FAILED,
		   "our %s key (%.60s) cannot sign for this peer: it understands the hashes %s, and none of those is "
		   "usable here with this key and `auth`",
		   key_text(&key->info, ours), key->origin, words(hashes, theirs, sizeof(theirs)));
	return NULL;
}

/* The methods of older peers, each with one hash (RFC 4754, 4); RSA's is free there (RFC 7296, 3.8). */
static const struct scheme *choose_old(const struct policy *policy, const struct key *key, uint8_t *method,
				       struct rv_why *why)
{
	bool rsa = key->info.type == KEY_RSA && !key->info.pss && !policy->pss;
	char text[KEY_TEXT];

	if (rsa || key->info.type == KEY_ECDSA) {
		unsigned hash = rsa			? policy->sha1 ? HASH_SHA1 : HASH_SHA256
				: key->info.bits == 256 ? HASH_SHA256
				: key->info.bits == 384 ? HASH_SHA384
							: HASH_SHA512;
		*method = rsa ? METHOD_RSA : (uint8_t)(METHOD_ECDSA_256 + hash - HASH_SHA256);
		return scheme_find(key->info.type, hash, false);
	}
	rv_why_set(why, -RV_EAUTH_FAILED,
		   "the peer does not say that it knows digital signatures (SIGNATURE_HASH_ALGORITHMS, RFC 7427), and "
		   "without them our %s key (%.60s)%s cannot be used: use an RSA or ECDSA key, or let the peer turn "
		   "them on",
		   key_text(&key->info, text), key->origin, key->info.type == KEY_RSA ? " with RSASSA-PSS" : "");
	return NULL;
}

/* A signature that is being made. */
struct making {
	struct rv_call inner, *call;
	const struct rv_auth_request *request;
	const struct scheme *scheme;
	struct key *key;
	uint8_t method, signature[SIGNATURE_MAX], *out;
	size_t signature_len, cap, *len;
};

/* The signature as the method wants it. */
static int write(struct making *m)
{
	struct rv_bytes signature = rv_bytes(m->signature, m->signature_len);
	struct rv_wr w = rv_wr(m->out, m->cap);
	uint8_t id[SCHEME_ID_MAX];
	size_t n;

	switch (m->method) {
	case METHOD_SIGNATURE:
		n = scheme_write(m->scheme, id, sizeof(id));
		rv_wr_u8(&w, (uint8_t)n);
		rv_wr_put(&w, rv_bytes(id, n));
		rv_wr_put(&w, signature);
		break;
	case METHOD_RSA:
		rv_wr_put(&w, signature);
		break;
	default:
		n = ecdsa_to_plain(signature, (m->key->info.bits + 7) / 8, m->out, m->cap);
		(void)rv_wr_room(&w, n);
		if (!n)
			return -RV_EFAILED;
	}
	if (!rv_wr_done(&w))
		return -ENOSPC;
	*m->len = rv_wr_len(&w);
	*m->request->method = m->method;
	return 0;
}

static int finish(struct making *m, int result)
{
	result = result ? result : write(m);
	if (result)
		rv_why_set(m->request->why, result, "signing with %s (%.60s) failed: %s", m->scheme->name,
			   m->key->origin, rv_error_text(result));
	return result;
}

static void signed_(struct rv_call *inner, int result)
{
	struct making *m = rv_container_of(inner, struct making, inner);
	struct rv_call *call = m->call;

	result = finish(m, result);
	talloc_free(m);
	rv_call_finish(call, result);
}

static void cancel(struct rv_call *call)
{
	struct making *m = call->provider;

	rv_call_cancel(&m->inner);
	talloc_free(m);
}

/* Key, scheme and method into m. 0 or negative with why. */
static int prepare(struct rv_host *host, struct making *m)
{
	const struct rv_auth_request *request = m->request;
	const struct heard *heard = pubkey_heard(host, request);
	struct rv_why refusal = { 0 };
	struct policy policy;
	int r = policy_read(&policy, request->round->auth, pubkey_sha1(host), request->why);

	if (r)
		return r;
	m->key = pubkey_own(host, m, request->connection, request->round, request->local_id, request->why);
	if (!m->key)
		return request->why->code ? request->why->code : -RV_ENO_SECRET;
	if (!m->key->known)
		return rv_why_set(request->why, -RV_EKEY_VALUE,
				  "our public key %.60s is of a kind that is not known here", m->key->origin);
	if (!policy_allows_key(&policy, &m->key->info, &refusal))
		return rv_why_set(request->why, refusal.code, "our key %.60s: %s", m->key->origin, refusal.text);
	m->method = METHOD_SIGNATURE;
	m->scheme = heard && heard->hashes ? choose(host, &policy, m->key, heard->hashes, request->why)
					   : choose_old(&policy, m->key, &m->method, request->why);
	if (m->scheme)
		return 0;
	return request->why->code ? request->why->code : -RV_EFAILED;
}

int pubkey_sign(void *self, const struct rv_auth_request *request, uint8_t *out, size_t cap, size_t *len,
		struct rv_call *call)
{
	struct making *m = talloc_zero(NULL, struct making);
	int r;

	if (!m)
		return -ENOMEM;
	m->call = call;
	m->request = request;
	m->out = out;
	m->cap = cap;
	m->len = len;
	r = prepare(self, m);
	if (r) {
		talloc_free(m);
		return r;
	}
	const struct rv_pki_ops *ops = rv_service_ops(m->key->source);

	rv_call_init(&m->inner, signed_);
	r = ops->sign(rv_service_self(m->key->source), m->key->spki, m->scheme->service, request->octets,
		      RV_COUNT(request->octets), m->signature, sizeof(m->signature), &m->signature_len, &m->inner);
	if (r == RV_PENDING)
		return rv_call_pend(call, cancel, m);
	r = finish(m, r);
	talloc_free(m);
	return r;
}
