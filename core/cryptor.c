// SPDX-License-Identifier: LGPL-2.1-or-later
/* cryptor.c: encryption with integrity, from one combined service or from two (RFC 4303, 2 and 3.3.2; RFC 5282).
 *
 * The context of a direction holds the provider's context and the salt, or the contexts of cipher and MAC on lines of
 * their own. Nothing is allocated per packet; a MAC is verified before anything is decrypted.
 */
#include <errno.h>
#include <ravelin/crypto.h>
#include <ravelin/cryptor.h>
#include <ravelin/error.h>
#include <ravelin/secret.h>
#include <stdlib.h>
#include <string.h>

enum { BURST = 64, LINE = 64, NONCE = 12, IMPLICIT_IV = 8, ESN_AAD = 12, HIGH = 4, MAX_ICV = 64 };

/* The next multiple of line. */
static uint32_t aligned(uint32_t n, uint32_t line)
{
	return (n + line - 1) / line * line;
}

/* NULL: none, or no more. */
static struct rv_service *integ_of(const struct rv_suite *suite)
{
	return suite->integ ? suite->integ->service : NULL;
}

/* Whether the services that the suite was made of are still there. When a plugin is torn out, the references to it are
 * emptied: encryption must then fail, not become none. */
static bool is_whole(const struct rv_suite *suite)
{
	return (!suite->key_len || suite->encr.service) && (!suite->integ_len || integ_of(suite));
}

/* The combined service of a suite: its encryption, or its integrity where that is one. */
static struct rv_service *combined_of(const struct rv_suite *suite)
{
	return suite->integ_len ? integ_of(suite) : suite->encr.service;
}

/* The salt of a combined algorithm, or the context of the MAC: at the end of the context. */
static uint8_t *salt_of(const struct rv_suite *suite, void *ctx)
{
	return (uint8_t *)ctx + suite->ctx_size - NONCE;
}

static uint8_t *mac_of(const struct rv_suite *suite, void *ctx)
{
	const struct rv_mac_ops *mac = rv_service_ops(integ_of(suite));

	return (uint8_t *)ctx + suite->ctx_size - mac->ctx_size;
}

static int no_provider(struct rv_registry *registry, const struct rv_transform *transform, struct rv_why *why)
{
	struct rv_proposal one = { .n = 1, .t = { *transform } };
	char text[64];

	rv_proposal_text(registry, &one, text, sizeof(text));
	return rv_why_set(why, -RV_ENO_PROVIDER, "no loaded plugin computes %s", text);
}

/* Takes a reference to what computes transform. It stays empty, with 0, for a transform that nothing computes ("null"),
 * and for no transform. */
static int take(struct rv_registry *registry, const struct rv_transform *transform, const struct rv_user *user,
		struct rv_ref *ref, struct rv_why *why)
{
	if (!transform)
		return 0;

	const struct rv_algorithm *algorithm = rv_algorithm_find(registry, transform);
	if (algorithm && !algorithm->kind)
		return 0;
	struct rv_service *service = algorithm ? rv_algorithm_service(registry, transform) : NULL;
	if (!service || rv_ref_take(ref, service, user))
		return no_provider(registry, transform, why);
	return 0;
}

static bool is_kind(struct rv_service *service, const char *kind)
{
	return service && !strcmp(rv_service_kind(service), kind);
}

/* The salt has a place of NONCE octets behind the provider's context. */
static bool measure_aead(struct rv_suite *suite, const struct rv_aead_ops *aead, bool implicit)
{
	suite->aead = true;
	suite->iv = implicit ? RV_IV_IMPLICIT : RV_IV_UNIQUE;
	suite->salt_len = aead->salt_len;
	suite->iv_len = implicit ? 0 : aead->iv_len;
	suite->icv_len = aead->icv_len;
	suite->ctx_size = aligned(aead->ctx_size, sizeof(uint64_t)) + NONCE;
	return aead->salt_len + aead->iv_len <= NONCE && (!implicit || aead->iv_len == IMPLICIT_IV);
}

static bool measure_encr_aead(struct rv_suite *suite, bool implicit)
{
	const struct rv_aead_ops *aead = rv_service_ops(suite->encr.service);

	suite->key_len = aead->key_len + aead->salt_len;
	return !integ_of(suite) && measure_aead(suite, aead, implicit);
}

/* RFC 4543, 4: what only authenticates serves as integrity, without any encryption beside it. */
static bool measure_integ_aead(struct rv_suite *suite)
{
	const struct rv_aead_ops *aead = rv_service_ops(integ_of(suite));

	suite->integ_len = aead->key_len + aead->salt_len;
	return rv_service_attr(integ_of(suite), "clear", 0) && measure_aead(suite, aead, false) && suite->iv_len &&
	       suite->icv_len >= HIGH && suite->icv_len <= MAX_ICV;
}

static bool is_power_of_two(uint16_t n)
{
	return n && !(n & (n - 1));
}

static bool measure_cipher(struct rv_suite *suite)
{
	const struct rv_cipher_ops *cipher = rv_service_ops(suite->encr.service);

	if (!is_kind(suite->encr.service, "cipher") || !is_power_of_two(cipher->block_len) || !cipher->key_len)
		return false;
	suite->iv = RV_HAS(cipher, unique_iv) ? RV_IV_UNIQUE : RV_IV_RANDOM;
	suite->key_len = cipher->key_len;
	suite->iv_len = cipher->iv_len;
	suite->block_len = cipher->block_len;
	suite->ctx_size += aligned(cipher->ctx_size, LINE);
	return suite->iv_len <= sizeof(((struct rv_cryptor_op *)NULL)->iv);
}

/* The sizes that follow from the services; false when they make no suite: encryption without integrity (RFC 8221, 4),
 * integrity beside a combined algorithm (RFC 7296, 3.3), or sizes that no packet here has room for. */
static bool measure(struct rv_suite *suite, bool encrypts, bool implicit)
{
	suite->block_len = 1;
	if (is_kind(suite->encr.service, "aead"))
		return measure_encr_aead(suite, implicit);
	if (is_kind(integ_of(suite), "aead"))
		return !encrypts && measure_integ_aead(suite);
	if (!is_kind(integ_of(suite), "mac") || implicit)
		return false;
	const struct rv_mac_ops *mac = rv_service_ops(integ_of(suite));
	suite->integ_len = mac->key_len;
	suite->icv_len = mac->icv_len;
	suite->ctx_size = mac->ctx_size;
	return (!suite->encr.service || measure_cipher(suite)) && suite->integ_len && suite->icv_len <= MAX_ICV;
}

/* Most SAs have a combined algorithm and no room for this. No integrity can also be said as transform 0 (RFC 7296,
 * 3.3.2). */
static int take_integ(struct rv_suite *suite, struct rv_registry *registry, const struct rv_transform *transform,
		      const struct rv_user *user, struct rv_why *why)
{
	if (!transform || !transform->id)
		return 0;
	suite->integ = calloc(1, sizeof(*suite->integ));
	return suite->integ ? take(registry, transform, user, suite->integ, why) : -ENOMEM;
}

int rv_suite_init(struct rv_suite *suite, struct rv_registry *registry, const struct rv_proposal *chosen,
		  const struct rv_user *user, struct rv_why *why)
{
	const struct rv_transform *encr = rv_proposal_get(chosen, RV_CLASS_ENCR);

	*suite = (struct rv_suite){ 0 };
	int r = take(registry, encr, user, &suite->encr, why);
	if (!r)
		r = take_integ(suite, registry, rv_proposal_get(chosen, RV_CLASS_INTEG), user, why);
	if (!r && !measure(suite, encr, encr && rv_algorithm_implicit_iv(registry, encr)))
		r = rv_why_set(why, -RV_ENO_PROVIDER, "the chosen transforms make no encryption with integrity");
	if (r)
		rv_suite_fini(suite);
	return r;
}

void rv_suite_fini(struct rv_suite *suite)
{
	rv_ref_drop(&suite->encr);
	if (suite->integ)
		rv_ref_drop(suite->integ);
	free(suite->integ);
	*suite = (struct rv_suite){ 0 };
}

static int init_aead(const struct rv_suite *suite, uint8_t *ctx, struct rv_bytes key)
{
	struct rv_service *service = combined_of(suite);
	const struct rv_aead_ops *aead = rv_service_ops(service);

	memset(salt_of(suite, ctx), 0, NONCE);
	memcpy(salt_of(suite, ctx), key.p + aead->key_len, suite->salt_len);
	return aead->init(rv_service_self(service), ctx, rv_bytes(key.p, aead->key_len));
}

int rv_cryptor_init(const struct rv_suite *suite, void *ctx, struct rv_bytes encr, struct rv_bytes integ, bool seal)
{
	if (!is_whole(suite))
		return -RV_ENO_PROVIDER;
	if (encr.len != suite->key_len || integ.len != suite->integ_len)
		return -EINVAL;
	if (suite->aead)
		return init_aead(suite, ctx, suite->integ_len ? integ : encr);

	const struct rv_mac_ops *mac = rv_service_ops(integ_of(suite));
	int r = mac->init(rv_service_self(integ_of(suite)), mac_of(suite, ctx), integ);
	if (r || !suite->key_len)
		return r;
	const struct rv_cipher_ops *cipher = rv_service_ops(suite->encr.service);
	r = cipher->init(rv_service_self(suite->encr.service), ctx, encr, seal);
	if (r)
		mac->fini(rv_service_self(integ_of(suite)), mac_of(suite, ctx));
	return r;
}

static void fini_pair(const struct rv_suite *suite, void *ctx)
{
	struct rv_service *encr = suite->encr.service, *integ = integ_of(suite);

	if (encr)
		((const struct rv_cipher_ops *)rv_service_ops(encr))->fini(rv_service_self(encr), ctx);
	if (integ)
		((const struct rv_mac_ops *)rv_service_ops(integ))->fini(rv_service_self(integ), mac_of(suite, ctx));
}

void rv_cryptor_fini(const struct rv_suite *suite, void *ctx)
{
	struct rv_service *combined = suite->aead ? combined_of(suite) : NULL;

	if (combined)
		((const struct rv_aead_ops *)rv_service_ops(combined))->fini(rv_service_self(combined), ctx);
	else if (!suite->aead)
		fini_pair(suite, ctx);
	rv_wipe(ctx, suite->ctx_size);
}

static void put32(uint8_t *out, uint32_t v)
{
	out[0] = (uint8_t)(v >> 24);
	out[1] = (uint8_t)(v >> 16);
	out[2] = (uint8_t)(v >> 8);
	out[3] = (uint8_t)v;
}

/* Copies n octets, nearly always 8 or 16 of them. */
static inline void copy_iv(uint8_t *to, const uint8_t *from, size_t n)
{
	if (n == 8)
		memcpy(to, from, 8);
	else if (n == 16)
		memcpy(to, from, 16);
	else
		memcpy(to, from, n);
}

/* A whole burst for a combined service. Its authenticated octets with a 64-bit sequence number are SPI | high | low
 * (RFC 4106, 5; RFC 7634, 2.1). */
struct burst {
	struct rv_aead_op ops[BURST];
	uint8_t aad[BURST][ESN_AAD];
};

/* RFC 8750, 4: the extended sequence number, or 0 | the sequence number. */
static void implicit_iv(const struct rv_cryptor_op *op, uint8_t *iv)
{
	put32(iv, op->use_esn ? op->esn : 0);
	memcpy(iv + 4, op->aad + 4, 4);
}

/* Lays ops out for the service. */
static int lay_out(const struct rv_suite *suite, const uint8_t *salt, struct rv_cryptor_op *ops, size_t n_ops,
		   bool seal, struct burst *burst)
{
	size_t salt_len = suite->salt_len, iv_len = suite->iv_len;
	bool implicit = suite->iv == RV_IV_IMPLICIT;

	for (size_t i = 0; i < n_ops; i++) {
		struct rv_cryptor_op *op = &ops[i];
		struct rv_aead_op *to = &burst->ops[i];
		if ((op->use_esn || implicit) && op->aad_len != 8)
			return -EINVAL;
		to->src = seal ? op->src : op->src + iv_len;
		to->dst = seal ? op->dst + iv_len : op->dst;
		to->len = op->len;
		to->ok = false;
		to->aad = op->aad;
		to->aad_len = op->aad_len;
		memcpy(to->nonce, salt, sizeof(to->nonce));
		if (implicit)
			implicit_iv(op, to->nonce + salt_len);
		else
			copy_iv(to->nonce + salt_len, seal ? op->iv : op->src, iv_len);
		if (!op->use_esn)
			continue;
		memcpy(burst->aad[i], op->aad, 4);
		put32(burst->aad[i] + 4, op->esn);
		memcpy(burst->aad[i] + 8, op->aad + 4, 4);
		to->aad = burst->aad[i];
		to->aad_len = ESN_AAD;
	}
	return 0;
}

static int aead_burst(const struct rv_suite *suite, uint8_t *ctx, struct rv_cryptor_op *ops, size_t n_ops, bool seal)
{
	const struct rv_aead_ops *aead = rv_service_ops(suite->encr.service);
	void *self = rv_service_self(suite->encr.service);
	struct burst burst;
	int r = lay_out(suite, salt_of(suite, ctx), ops, n_ops, seal, &burst);

	if (r)
		return r;
	for (size_t i = 0; seal && i < n_ops; i++)
		copy_iv(ops[i].dst, ops[i].iv, suite->iv_len);
	r = seal ? aead->seal(self, ctx, burst.ops, n_ops) : aead->open(self, ctx, burst.ops, n_ops);
	for (size_t i = 0; !r && i < n_ops; i++)
		ops[i].ok = seal || burst.ops[i].ok;
	return r;
}

/* The text of a packet that is sealed or opened in place; NULL: it is not. */
static uint8_t *text_in_place(const struct rv_suite *suite, const struct rv_cryptor_op *op, bool seal)
{
	uint8_t *text = seal ? op->dst + suite->iv_len : op->dst;

	return (seal ? op->src : op->src + suite->iv_len) == text ? text : NULL;
}

/* Makes the ICVs of texts, whose IVs stand in front, by a combined service as integrity; each behind its text, where
 * the high half of a 64-bit number counts as text (RFC 4302, 3.3.3.2.2). */
static int make_icvs(const struct rv_suite *suite, uint8_t *ctx, const struct rv_cryptor_op *ops, size_t n_ops,
		     bool seal)
{
	const struct rv_aead_ops *aead = rv_service_ops(integ_of(suite));
	struct rv_aead_op to[BURST];

	for (size_t i = 0; i < n_ops; i++) {
		const struct rv_cryptor_op *op = &ops[i];
		uint8_t *text = text_in_place(suite, op, seal);
		if (!text)
			return -EINVAL;
		to[i] = (struct rv_aead_op){ .src = text,
					     .dst = text,
					     .len = op->len + (op->use_esn ? HIGH : 0),
					     .aad = op->aad,
					     .aad_len = op->aad_len };
		if (op->use_esn)
			put32(text + op->len, op->esn);
		if (seal)
			copy_iv(op->dst, op->iv, suite->iv_len);
		memcpy(to[i].nonce, salt_of(suite, ctx), sizeof(to[i].nonce));
		copy_iv(to[i].nonce + suite->salt_len, text - suite->iv_len, suite->iv_len);
	}
	return aead->seal(rv_service_self(integ_of(suite)), ctx, to, n_ops);
}

static int seal_integ(const struct rv_suite *suite, uint8_t *ctx, struct rv_cryptor_op *ops, size_t n_ops)
{
	int r = make_icvs(suite, ctx, ops, n_ops, true);

	for (size_t i = 0; !r && i < n_ops; i++) {
		uint8_t *icv = ops[i].dst + suite->iv_len + ops[i].len;
		if (ops[i].use_esn)
			memmove(icv, icv + HIGH, suite->icv_len);
		ops[i].ok = true;
	}
	return r;
}

/* The ICV is put back: what was not authentic is as it was. */
static int open_integ(const struct rv_suite *suite, uint8_t *ctx, struct rv_cryptor_op *ops, size_t n_ops)
{
	uint8_t got[BURST][MAX_ICV];
	size_t icv_len = suite->icv_len;

	for (size_t i = 0; i < n_ops; i++)
		memcpy(got[i], ops[i].src + suite->iv_len + ops[i].len, icv_len);
	int r = make_icvs(suite, ctx, ops, n_ops, false);
	for (size_t i = 0; r != -EINVAL && i < n_ops; i++) {
		uint8_t *icv = ops[i].dst + ops[i].len;
		const uint8_t *computed = icv + (ops[i].use_esn ? HIGH : 0);
		ops[i].ok = !r && rv_equal_secret(rv_bytes(computed, icv_len), rv_bytes(got[i], icv_len));
		memcpy(icv, got[i], icv_len);
	}
	return r;
}

/* A burst for a cipher and a MAC. */
struct pair {
	struct rv_cipher_op crypt[BURST];
	struct rv_mac_op mac[BURST];
	size_t n_crypt, n_mac;
	uint8_t icv[BURST][MAX_ICV]; /* open: computed */
	uint8_t got[BURST][MAX_ICV]; /* open: of the packets */
};

/* The ICV of a packet whose IV and ciphertext stand at sealed. The high half of a 64-bit sequence number counts as if
 * it stood behind them (RFC 4303, 2.2.1). */
static int mac_parts(const struct rv_suite *suite, uint8_t *ctx, const struct rv_cryptor_op *op, const uint8_t *sealed,
		     uint8_t *icv)
{
	const struct rv_mac_ops *mac = rv_service_ops(integ_of(suite));
	uint8_t high[HIGH];
	const struct rv_bytes parts[] = {
		rv_bytes(op->aad, op->aad_len),
		rv_bytes(sealed, (size_t)suite->iv_len + op->len),
		rv_bytes(high, sizeof(high)),
	};

	put32(high, op->esn);
	return mac->mac(rv_service_self(integ_of(suite)), mac_of(suite, ctx), parts, op->use_esn ? 3 : 2, icv);
}

/* Where a packet's ICV stands and may be written, which is also room for the high half of its number; NULL: nowhere. */
static uint8_t *tail_of(const struct rv_suite *suite, const struct rv_cryptor_op *op, bool seal)
{
	if (seal)
		return op->dst + suite->iv_len + op->len;
	return op->dst == op->src + suite->iv_len ? op->dst + op->len : NULL;
}

/* The ICV of a packet: now, or, when its octets lie one behind the other and the provider takes bursts, with others. */
static int mac_one(const struct rv_suite *suite, uint8_t *ctx, const struct rv_cryptor_op *op, bool seal, uint8_t *icv,
		   struct pair *pair)
{
	const struct rv_mac_ops *mac = rv_service_ops(integ_of(suite));
	const uint8_t *sealed = seal ? op->dst : op->src;
	uint8_t *tail = op->use_esn ? tail_of(suite, op, seal) : NULL;

	if (!RV_HAS(mac, mac_burst) || op->aad + op->aad_len != sealed ||
	    (op->use_esn && (!tail || suite->icv_len < HIGH)))
		return mac_parts(suite, ctx, op, sealed, icv);
	if (tail)
		put32(tail, op->esn);
	pair->mac[pair->n_mac++] = (struct rv_mac_op){
		.src = op->aad,
		.len = (size_t)op->aad_len + suite->iv_len + op->len + (tail ? HIGH : 0),
		.icv = icv,
	};
	return 0;
}

static int mac_rest(const struct rv_suite *suite, uint8_t *ctx, const struct pair *pair)
{
	const struct rv_mac_ops *mac = rv_service_ops(integ_of(suite));

	return pair->n_mac
		       ? mac->mac_burst(rv_service_self(integ_of(suite)), mac_of(suite, ctx), pair->mac, pair->n_mac)
		       : 0;
}

static int crypt(const struct rv_suite *suite, void *ctx, const struct pair *pair)
{
	const struct rv_cipher_op *ops = pair->crypt;

	if (!suite->key_len) {
		for (size_t i = 0; i < pair->n_crypt; i++)
			if (ops[i].src != ops[i].dst)
				memcpy(ops[i].dst, ops[i].src, ops[i].len);
		return 0;
	}
	const struct rv_cipher_ops *cipher = rv_service_ops(suite->encr.service);
	void *self = rv_service_self(suite->encr.service);
	int r = 0;

	if (RV_HAS(cipher, crypt_burst))
		return pair->n_crypt ? cipher->crypt_burst(self, ctx, ops, pair->n_crypt) : 0;
	for (size_t i = 0; !r && i < pair->n_crypt; i++)
		r = cipher->crypt(self, ctx, ops[i].iv, ops[i].src, ops[i].dst, ops[i].len);
	return r;
}

static int seal_pair(const struct rv_suite *suite, uint8_t *ctx, struct rv_cryptor_op *ops, size_t n_ops)
{
	struct pair pair;
	size_t iv_len = suite->iv_len;
	int r = 0;

	pair.n_crypt = pair.n_mac = 0;
	for (size_t i = 0; i < n_ops; i++) {
		struct rv_cryptor_op *op = &ops[i];
		if (op->len % suite->block_len)
			return -EINVAL;
		copy_iv(op->dst, op->iv, iv_len);
		pair.crypt[pair.n_crypt++] = (struct rv_cipher_op){ op->iv, op->src, op->dst + iv_len, op->len };
	}
	r = crypt(suite, ctx, &pair);
	for (size_t i = 0; !r && i < n_ops; i++)
		r = mac_one(suite, ctx, &ops[i], true, ops[i].dst + iv_len + ops[i].len, &pair);
	r = r ? r : mac_rest(suite, ctx, &pair);
	for (size_t i = 0; !r && i < n_ops; i++)
		ops[i].ok = true;
	return r;
}

/* The ICVs of all packets, as they are and as they should be; those that are right become ok. */
static int verify(const struct rv_suite *suite, uint8_t *ctx, struct rv_cryptor_op *ops, size_t n_ops,
		  struct pair *pair)
{
	size_t icv_len = suite->icv_len;
	int r = 0;

	for (size_t i = 0; !r && i < n_ops; i++) {
		const struct rv_cryptor_op *op = &ops[i];
		if (op->len % suite->block_len)
			continue;
		memcpy(pair->got[i], op->src + suite->iv_len + op->len, icv_len);
		r = mac_one(suite, ctx, op, false, pair->icv[i], pair);
	}
	r = r ? r : mac_rest(suite, ctx, pair);
	for (size_t i = 0; !r && i < n_ops; i++) {
		uint8_t *tail = ops[i].use_esn ? tail_of(suite, &ops[i], false) : NULL;
		ops[i].ok = !(ops[i].len % suite->block_len) &&
			    rv_equal_secret(rv_bytes(pair->icv[i], icv_len), rv_bytes(pair->got[i], icv_len));
		if (tail && !ops[i].ok && !(ops[i].len % suite->block_len))
			memcpy(tail, pair->got[i], icv_len);
	}
	return r;
}

static int open_pair(const struct rv_suite *suite, uint8_t *ctx, struct rv_cryptor_op *ops, size_t n_ops)
{
	struct pair pair;

	pair.n_crypt = pair.n_mac = 0;
	int r = verify(suite, ctx, ops, n_ops, &pair);
	for (size_t i = 0; !r && i < n_ops; i++) {
		const struct rv_cryptor_op *op = &ops[i];
		if (op->ok)
			pair.crypt[pair.n_crypt++] =
				(struct rv_cipher_op){ op->src, op->src + suite->iv_len, op->dst, op->len };
	}
	r = r ? r : crypt(suite, ctx, &pair);
	for (size_t i = 0; r && i < n_ops; i++)
		ops[i].ok = false;
	return r;
}

static int run(const struct rv_suite *suite, void *ctx, struct rv_cryptor_op *ops, size_t n_ops, bool seal)
{
	if (n_ops > BURST)
		return -EINVAL;
	for (size_t i = 0; i < n_ops; i++)
		ops[i].ok = false;
	if (!is_whole(suite))
		return -RV_ENO_PROVIDER;
	if (suite->aead && suite->integ_len)
		return seal ? seal_integ(suite, ctx, ops, n_ops) : open_integ(suite, ctx, ops, n_ops);
	if (suite->aead)
		return aead_burst(suite, ctx, ops, n_ops, seal);
	return seal ? seal_pair(suite, ctx, ops, n_ops) : open_pair(suite, ctx, ops, n_ops);
}

int rv_cryptor_seal(const struct rv_suite *suite, void *ctx, struct rv_cryptor_op *ops, size_t n_ops)
{
	return run(suite, ctx, ops, n_ops, true);
}

int rv_cryptor_open(const struct rv_suite *suite, void *ctx, struct rv_cryptor_op *ops, size_t n_ops)
{
	return run(suite, ctx, ops, n_ops, false);
}
