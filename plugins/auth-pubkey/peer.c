// SPDX-License-Identifier: LGPL-2.1-or-later
/* peer: the peer's proof: which scheme it used, which keys it may have, whether the signature holds for one of them
 * (RFC 7296, 2.15; RFC 7427, 3; RFC 7670).
 *
 * A key in a CERT payload proves nothing by itself: only keys that a source trusts are tried. Whatever is wrong, the
 * peer hears AUTHENTICATION_FAILED; the words are for our side.
 */
#include "auth-pubkey.h"

#include <errno.h>
#include <ravelin/crypto.h>
#include <ravelin/job.h>
#include <ravelin/wire.h>
#include <string.h>

enum { SCHEMES_MAX = 4, KEYS_MAX = 64, DER_MAX = 160 };

/* A proof that is being checked. */
struct checking {
	struct rv_host *host;
	struct rv_call inner, *call;
	const struct rv_auth_request *request;
	struct policy policy;
	uint8_t method;
	struct signature signature;
	const struct scheme *schemes[SCHEMES_MAX]; /* the one of the payload, or all that it may be */
	size_t n_schemes;
	struct rv_bytes certs[CERTS_MAX];
	struct rv_pki_request wanted;
	struct key *keys, **last;
	unsigned n_keys, n_sources;
	struct rv_job *job;
};

/* What a job works with: copies. */
struct pair {
	struct rv_ref ref;
	const struct rv_sign_ops *ops;
	void *self;
	struct rv_bytes spki;
};

struct work {
	struct rv_user user;
	struct pair pairs[KEYS_MAX];
	size_t n_pairs;
	struct rv_bytes message, signature;
};

/* Words */

static const char *peer_text(const struct rv_auth_request *request, char out[static RV_ID_TEXT])
{
	return rv_id_text(request->remote_id, out);
}

static int fail(struct checking *c, const char *advice, const char *fmt, ...) RV_PRINTF(3, 4);

static int fail(struct checking *c, const char *advice, const char *fmt, ...)
{
	char id[RV_ID_TEXT], text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	*c->request->advice = advice;
	return rv_why_set(c->request->why, -RV_EAUTH_FAILED, "the peer %s %s", peer_text(c->request, id), text);
}

static void hex(struct rv_bytes b, char *out, size_t size)
{
	out[0] = 0;
	for (size_t i = 0; i < b.len && 2 * i + 3 <= size; i++)
		snprintf(out + 2 * i, 3, "%02x", b.p[i]);
}

/* The names of the keys that were tried. */
static void names(const struct checking *c, char *out, size_t size)
{
	size_t at = 0;

	out[0] = 0;
	for (const struct key *key = c->keys; key && at < size; key = key->next) {
		char text[KEY_TEXT] = "unknown kind";
		if (key->known)
			key_text(&key->info, text);
		at += (size_t)snprintf(out + at, size - at, "%s%.60s (%s)", at ? ", " : "", key->origin, text);
	}
}

/* The raw public key that the peer showed, when it is none of those that it may have: a common mistake. */
static void shown(const struct checking *c, char *out, size_t size)
{
	struct rv_service *sha256 = rv_registry_find(c->host->registry, "hash", "sha256");
	const struct rv_hash_ops *ops = sha256 ? rv_service_ops(sha256) : NULL;
	uint8_t digest[64];
	char text[65];

	out[0] = 0;
	for (size_t i = 0; ops && i < c->wanted.n_certs; i++) {
		struct rv_rd r = rv_rd(c->certs[i]);
		uint8_t encoding = rv_rd_u8(&r);
		struct rv_bytes spki = rv_rd_rest(&r);
		bool same = false;

		for (const struct key *key = c->keys; key; key = key->next)
			same |= rv_bytes_equal(key->spki, spki);
		if (encoding != ENCODING_RAW_KEY || same || ops->digest(rv_service_self(sha256), &spki, 1, digest))
			continue;
		hex(rv_bytes(digest, ops->out_len), text, sizeof(text));
		snprintf(out, size, "; the key that it shows is another one (SHA-256 %s)", text);
		return;
	}
}

/* Which scheme */

static int read_new(struct checking *c, struct rv_bytes proof)
{
	const struct heard *heard = pubkey_heard(c->host, c->request);
	char text[129];

	if (!heard || !heard->hashes)
		return fail(c, "let both sides use digital signatures (RFC 7427), or neither",
			    "uses a digital signature (method 14), which was not agreed on in IKE_SA_INIT");
	if (!signature_read(&c->signature, proof))
		return fail(c, NULL, "sent a malformed AUTH payload: no AlgorithmIdentifier and signature in it");
	c->schemes[0] = scheme_read(c->signature.algorithm);
	c->n_schemes = 1;
	if (c->schemes[0])
		return 0;
	hex(c->signature.algorithm, text, sizeof(text));
	return fail(c, "let the peer sign with RSA, ECDSA or EdDSA and SHA-2",
		    "signs with an algorithm that is not known here (AlgorithmIdentifier %s)", text);
}

/* RFC 4754, 7: r and s; the services want DER. */
static int read_ecdsa(struct checking *c, struct rv_bytes proof)
{
	static const size_t lens[] = { 64, 96, 132 };
	unsigned i = c->method - METHOD_ECDSA_256;
	uint8_t *der = talloc_size(c, DER_MAX);
	size_t n = der && proof.len == lens[i] ? ecdsa_to_der(proof, der, DER_MAX) : 0;

	if (!der)
		return -ENOMEM;
	c->schemes[0] = scheme_find(KEY_ECDSA, HASH_SHA256 + i, false);
	c->n_schemes = 1;
	c->signature.value = rv_bytes(der, n);
	if (!n)
		return fail(
			c, NULL,
			"sent an ECDSA signature (method %u) of %zu octets where there are %zu, or with a zero in it",
			c->method, proof.len, lens[i]);
	return 0;
}

/* The hash of method 1 is inside the signature: each that may be is tried. */
static void read_rsa(struct checking *c, struct rv_bytes proof)
{
	for (unsigned hash = HASH_SHA1; hash <= HASH_SHA512; hash++)
		if (hash != HASH_SHA1 || c->policy.sha1)
			c->schemes[c->n_schemes++] = scheme_find(KEY_RSA, hash, false);
	c->signature.value = proof;
}

static int read_proof(struct checking *c, struct rv_bytes proof)
{
	switch (c->method) {
	case METHOD_SIGNATURE:
		return read_new(c, proof);
	case METHOD_ECDSA_256:
	case METHOD_ECDSA_384:
	case METHOD_ECDSA_521:
		return read_ecdsa(c, proof);
	case METHOD_RSA:
		read_rsa(c, proof);
		return 0;
	default:
		return fail(c, "let remote { auth } here and local { auth } there name the same method",
			    "proves itself by method %u, we ask for a signature (methods 1, 9, 10, 11, 14)", c->method);
	}
}

/* Which keys */

static void found(void *arg, const struct rv_pki_key *from)
{
	struct checking *c = arg;
	struct key *key = c->n_keys < KEYS_MAX / SCHEMES_MAX ? pubkey_copy(c, from) : NULL;

	if (!key)
		return;
	*c->last = key;
	c->last = &key->next;
	c->n_keys++;
}

static int no_key(struct checking *c)
{
	char id[RV_ID_TEXT];

	*c->request->advice = "put the peer's public key into a file and name it in remote { pubkeys = FILE }";
	return rv_why_set(c->request->why, -RV_ENO_SECRET,
			  "no public key is configured for the peer %s: the remote section of connection %s has no "
			  "pubkeys",
			  peer_text(c->request, id), c->request->connection->name);
}

/* Whether a key and a scheme go together at all. */
static bool pairs_with(const struct key *key, const struct scheme *scheme)
{
	return key->known && key->info.type == scheme->key;
}

/* No key could be tried: says why, for the nearest one. */
static int no_pair(struct checking *c)
{
	struct rv_why refusal = { 0 };
	char list[512];

	names(c, list, sizeof(list));
	for (const struct key *key = c->keys; key; key = key->next) {
		if (!pairs_with(key, c->schemes[0]))
			continue;
		if (!policy_allows(&c->policy, &key->info, c->schemes[0], &refusal))
			return fail(c, "let the peer sign as `auth` of the remote section wants, or change that",
				    "cannot be authenticated with key %.60s: %s", key->origin, refusal.text);
		return fail(c, "load a plugin that computes it", "signs with %s, which no loaded plugin computes",
			    c->schemes[0]->name);
	}
	return fail(c, "name the peer's present public key in remote { pubkeys }",
		    "signs with %s, but its configured key is of another kind: %s", c->schemes[0]->name, list);
}

/* The job */

static void user_text(const struct rv_user *user, char *out, size_t size)
{
	snprintf(out, size, "a signature that is being checked");
}

static int work_free(struct work *w)
{
	for (size_t i = 0; i < w->n_pairs; i++)
		rv_ref_drop(&w->pairs[i].ref);
	return 0;
}

static int run(void *data)
{
	struct work *w = data;
	int r = -RV_EAUTH_FAILED;

	for (size_t i = 0; r && i < w->n_pairs; i++) {
		const struct pair *pair = &w->pairs[i];
		r = pair->ops->verify(pair->self, pair->spki, &w->message, 1, w->signature);
	}
	return r;
}

static void add_pair(struct work *w, struct rv_host *host, const struct key *key, const struct scheme *scheme)
{
	struct rv_service *service = scheme->service ? rv_registry_find(host->registry, "sign", scheme->service) : NULL;
	struct pair *pair = &w->pairs[w->n_pairs];
	uint8_t *spki = service && w->n_pairs < KEYS_MAX ? talloc_memdup(w, key->spki.p, key->spki.len) : NULL;

	if (!spki || rv_ref_take(&pair->ref, service, &w->user))
		return;
	pair->ops = rv_service_ops(service);
	pair->self = rv_service_self(service);
	pair->spki = rv_bytes(spki, key->spki.len);
	w->n_pairs++;
}

static bool copy(struct work *w, const struct checking *c)
{
	const struct rv_bytes *octets = c->request->octets;
	size_t len = octets[0].len + octets[1].len + octets[2].len;
	uint8_t *message = talloc_size(w, len + 1);
	uint8_t *signature = talloc_memdup(w, c->signature.value.p, c->signature.value.len);
	struct rv_wr wr = rv_wr(message, len);

	if (!message || !signature)
		return false;
	for (size_t i = 0; i < 3; i++)
		rv_wr_put(&wr, octets[i]);
	w->message = rv_wr_bytes(&wr);
	w->signature = rv_bytes(signature, c->signature.value.len);
	return true;
}

static struct work *work_new(struct checking *c)
{
	struct work *w = talloc_zero(NULL, struct work);

	if (!w || !copy(w, c)) {
		talloc_free(w);
		return NULL;
	}
	w->user.text = user_text;
	talloc_set_destructor(w, work_free);
	for (const struct key *key = c->keys; key; key = key->next)
		for (size_t i = 0; i < c->n_schemes; i++)
			if (pairs_with(key, c->schemes[i]) &&
			    policy_allows(&c->policy, &key->info, c->schemes[i], NULL))
				add_pair(w, c->host, key, c->schemes[i]);
	return w;
}

static int judge(struct checking *c, int result)
{
	char list[512], other[160];

	if (!result)
		return 0;
	names(c, list, sizeof(list));
	shown(c, other, sizeof(other));
	if (c->method == METHOD_RSA && !c->policy.sha1)
		return fail(
			c, "name the peer's present public key in remote { pubkeys }, or let it use digital signatures",
			"sent a signature that does not hold with %s%s (an old RSA signature may be one with SHA-1, "
			"which "
			"ravelin.plugins.auth-pubkey.sha1 = yes would allow)",
			list, other);
	return fail(c, "name the peer's present public key in remote { pubkeys }",
		    "sent a signature (%s) that does not hold with %s%s", c->schemes[0]->name, list, other);
}

static void done(void *owner, int result, void *data)
{
	struct checking *c = owner;
	struct rv_call *call = c->call;

	result = judge(c, result);
	talloc_free(c);
	rv_call_finish(call, result);
}

/* The keys are there. RV_PENDING: the job has c; else it is the caller's. */
static int check(struct checking *c)
{
	struct work *w;

	if (!c->keys)
		return c->request->why->code ? c->request->why->code : no_key(c);
	w = work_new(c);
	if (!w)
		return -ENOMEM;
	if (!w->n_pairs) {
		talloc_free(w);
		return no_pair(c);
	}
	c->job = rv_job_start(c->host, w, run, c, done, NULL);
	if (c->job)
		return RV_PENDING;
	talloc_free(w);
	return rv_why_set(c->request->why, -RV_ELIMIT, "too many signatures are being checked");
}

/* The source with this number. */
struct nth {
	unsigned wanted, at;
	struct rv_service *source;
};

static int is_nth(struct rv_service *source, void *arg)
{
	struct nth *n = arg;

	n->source = source;
	return n->at++ == n->wanted;
}

static int ask(struct checking *c);

static void answered(struct rv_call *inner, int result)
{
	struct checking *c = rv_container_of(inner, struct checking, inner);
	struct rv_call *call = c->call;
	int r = ask(c);

	if (r == RV_PENDING)
		return;
	talloc_free(c);
	rv_call_finish(call, r);
}

/* Asks the sources that were not asked yet, then checks. */
static int ask(struct checking *c)
{
	for (;;) {
		struct nth n = { .wanted = c->n_sources++ };

		if (!rv_registry_each(c->host->registry, "pki", is_nth, &n))
			return check(c);
		const struct rv_pki_ops *ops = rv_service_ops(n.source);

		rv_call_init(&c->inner, answered);
		if (ops->trusted(rv_service_self(n.source), &c->wanted, found, c, &c->inner) == RV_PENDING)
			return RV_PENDING;
	}
}

static void cancel(struct rv_call *call)
{
	struct checking *c = call->provider;

	rv_call_cancel(&c->inner);
	rv_job_cancel(c->job);
	talloc_free(c);
}

int pubkey_verify(void *self, const struct rv_auth_request *request, uint8_t method, struct rv_bytes proof,
		  struct rv_call *call)
{
	struct checking *c = talloc_zero(NULL, struct checking);
	int r;

	if (!c)
		return -ENOMEM;
	c->host = self;
	c->call = call;
	c->request = request;
	c->method = method;
	c->last = &c->keys;
	r = policy_read(&c->policy, request->round->auth, pubkey_sha1(self), request->why);
	r = r ? r : read_proof(c, proof);
	if (!r) {
		c->wanted = (struct rv_pki_request){ request->connection,
						     request->round,
						     request->remote_id,
						     c->certs,
						     pubkey_certs(request, c->certs),
						     request->why };
		r = ask(c);
	}
	if (r == RV_PENDING)
		return rv_call_pend(call, cancel, c);
	talloc_free(c);
	return r;
}
