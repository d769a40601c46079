// SPDX-License-Identifier: LGPL-2.1-or-later
/* fuzz-sealed: what comes from a peer that has the keys. The input is sealed with fixed keys (by an aead of its own
 * that leaves the text readable, so that a fuzzer sees what it changes) and goes through the parser inside SK.
 *
 * The first octet is the type of the first payload; the rest is the chain. It is also sealed as the text itself, with
 * whatever padding its last octets say.
 */
#include "fuzz-rebuild.h"
#include "octets/sealed.h"
#include "parts.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ICV = 16, PLAIN_ENCR = 20, INPUT_MAX = 8192, MESSAGE_MAX = INPUT_MAX + 256 };

static int plain_init(void *self, void *ctx, struct rv_bytes key)
{
	uint8_t *sum = ctx;

	*sum = 0;
	for (size_t i = 0; i < key.len; i++)
		*sum ^= key.p[i];
	return 0;
}

/* All octets of the ICV are the sum (exclusive or) of everything. */
static uint8_t sum_up(const struct rv_aead_op *op, const uint8_t *text, uint8_t sum)
{
	for (size_t i = 0; i < sizeof(op->nonce); i++)
		sum ^= op->nonce[i];
	for (size_t i = 0; i < op->aad_len; i++)
		sum ^= op->aad[i];
	for (size_t i = 0; i < op->len; i++)
		sum ^= text[i];
	return sum;
}

static int plain_seal(void *self, void *ctx, struct rv_aead_op *ops, size_t n_ops)
{
	for (size_t i = 0; i < n_ops; i++) {
		struct rv_aead_op *op = &ops[i];

		memmove(op->dst, op->src, op->len);
		memset(op->dst + op->len, sum_up(op, op->dst, *(uint8_t *)ctx), ICV);
	}
	return 0;
}

static int plain_open(void *self, void *ctx, struct rv_aead_op *ops, size_t n_ops)
{
	for (size_t i = 0; i < n_ops; i++) {
		struct rv_aead_op *op = &ops[i];
		uint8_t sum = sum_up(op, op->src, *(uint8_t *)ctx);

		op->ok = true;
		for (size_t j = 0; j < ICV; j++)
			op->ok = op->ok && op->src[op->len + j] == sum;
		if (op->ok)
			memmove(op->dst, op->src, op->len);
	}
	return 0;
}

static void plain_fini(void *self, void *ctx)
{
}

static const struct rv_aead_ops plain_ops = {
	.size = sizeof(plain_ops),
	.key_len = 16,
	.salt_len = 4,
	.iv_len = 8,
	.icv_len = ICV,
	.ctx_size = 64,
	.init = plain_init,
	.seal = plain_seal,
	.open = plain_open,
	.fini = plain_fini,
};

static const struct rv_vector plain_vectors[] = {
	{ "by definition", "01000000000000000000000000000000", "020000000000000000000000", "04", "10",
	  "10 17171717171717171717171717171717" },
};

static const struct rv_algorithm plain_word = {
	.word = "plain", .class = RV_CLASS_ENCR, .id = PLAIN_ENCR, .combined = true, .kind = "aead", .name = "plain"
};
static const struct rv_algorithm_ops words = { .size = sizeof(words), .algorithms = &plain_word, .n_algorithms = 1 };

struct world {
	struct rv_core core;
	struct rv_user user;
	struct rv_suite suite;
	struct ike_sealing how;
	struct ike_header header;
	uint8_t key[20], iv[16], message[MESSAGE_MAX], plain[MESSAGE_MAX];
};

static struct world *world_new(void)
{
	const struct rv_offer aead = { .name = "plain",
				       .vectors = plain_vectors,
				       .n_vectors = RV_COUNT(plain_vectors) };
	const struct rv_proposal chosen = { RV_PROTO_KEYING, 1, 1, { { RV_CLASS_ENCR, PLAIN_ENCR, 0 } } };
	struct world *w = talloc_zero(NULL, struct world);
	struct rv_host *host;
	struct rv_why why;

	HOLDS(w);
	w->core.params.no_measure = true;
	w->core.params.no_self_test = true;
	w->core.log = rv_log_new(w, RV_ERROR, NULL, NULL);
	w->core.vault = rv_vault_new(w);
	w->core.registry = rv_registry_new(w, &w->core);
	HOLDS(w->core.log && w->core.vault && w->core.registry);
	host = rv_host_new(&w->core, "fuzz");
	HOLDS(host && !rv_aead_offer(host, aead, &plain_ops, NULL));
	HOLDS(!rv_algorithm_offer(host, (struct rv_offer){ .name = "fuzz" }, &words, NULL));
	HOLDS(!rv_suite_init(&w->suite, w->core.registry, &chosen, &w->user, &why));
	memcpy(w->key, "fixed key and salt..", sizeof(w->key));
	w->how = (struct ike_sealing){ .suite = &w->suite,
				       .vault = w->core.vault,
				       .encr = rv_bytes(w->key, sizeof(w->key)) };
	w->header = (struct ike_header){ .spi_i = 1, .spi_r = 2, .major = 2, .exchange = 35, .flags = 8, .id = 1 };
	return w;
}

static void world_end(struct world *w)
{
	rv_suite_fini(&w->suite);
	talloc_free(w);
}

/* Our own writer, our own reader: the chain comes out as it went in. */
static void there_and_back(struct world *w, uint8_t first, struct rv_bytes input)
{
	const struct ike_types types = ike_types_own();
	struct ike_message message;
	struct ike_chain chain;
	struct rv_bytes inner;
	size_t len = 0;
	uint8_t *buf;
	int r;

	HOLDS(!ike_sealed_write(&w->how, &w->header, first, input, w->iv, w->message, sizeof(w->message), &len));
	HOLDS(len == ike_sealed_len(&w->suite, input.len));
	HOLDS(!ike_message_read(&message, rv_bytes(w->message, len), &types));
	HOLDS(message.sealed == IKE_PAYLOAD_SK && message.sealed_next == first);
	HOLDS(!ike_sealed_open(&w->how, &message, 0, w->plain, sizeof(w->plain), &inner));
	HOLDS(rv_bytes_equal(inner, input));
	r = ike_chain_read(&chain, message.sealed_next, inner, &types);
	if (r == -RV_ESYNTAX)
		return;
	buf = malloc(REBUILD_CAP);
	HOLDS(buf);
	rebuild_chain(&chain, &types, buf);
	free(buf);
}

/* The input as the sealed text: its last octet is the Pad Length. */
static void any_padding(struct world *w, uint8_t first, struct rv_bytes text)
{
	const struct ike_types types = ike_types_own();
	size_t length = IKE_PAYLOAD_HEADER_LEN + w->suite.iv_len + text.len + w->suite.icv_len;
	struct rv_cryptor_op op = { .aad = w->message, .src = text.p, .len = (uint32_t)text.len };
	struct ike_header header = w->header;
	struct rv_wr wr = rv_wr(w->message, sizeof(w->message));
	_Alignas(64) uint8_t ctx[256];
	struct ike_message message;
	struct rv_bytes inner;
	int r;

	header.next = IKE_PAYLOAD_SK;
	header.length = (uint32_t)(IKE_HEADER_LEN + length);
	ike_header_write(&wr, &header);
	rv_wr_u16(&wr, (uint16_t)(first << 8));
	rv_wr_u16(&wr, (uint16_t)length);
	op.aad_len = (uint16_t)rv_wr_len(&wr);
	op.dst = rv_wr_room(&wr, length - IKE_PAYLOAD_HEADER_LEN);
	HOLDS(w->suite.ctx_size <= sizeof(ctx) && rv_wr_done(&wr));
	HOLDS(!rv_cryptor_init(&w->suite, ctx, w->how.encr, w->how.integ, true));
	HOLDS(!rv_cryptor_seal(&w->suite, ctx, &op, 1));
	rv_cryptor_fini(&w->suite, ctx);
	HOLDS(!ike_message_read(&message, rv_wr_bytes(&wr), &types));
	r = ike_sealed_open(&w->how, &message, 0, w->plain, sizeof(w->plain), &inner);
	HOLDS(r == 0 || r == -RV_ESYNTAX);
	if (!r)
		HOLDS(rv_bytes_equal(inner, rv_bytes(text.p, text.len - 1 - text.p[text.len - 1])));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rv_rd r = rv_rd(rv_bytes(data, size));
	uint8_t first = rv_rd_u8(&r);
	struct rv_bytes rest = rv_rd_rest(&r);
	struct world *w;

	if (!rv_rd_done(&r) || rest.len > INPUT_MAX)
		return 0;
	w = world_new();
	there_and_back(w, first, rest);
	if (rest.len)
		any_padding(w, first, rest);
	world_end(w);
	return 0;
}
