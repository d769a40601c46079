// SPDX-License-Identifier: LGPL-2.1-or-later
/* sealed: the Encrypted payload, made and opened (RFC 7296, 3.14; RFC 5282, 3 and 5).
 *
 * Nothing of a message is looked at before its ICV holds, but the lengths.
 */
#include "sealed.h"

#include <errno.h>
#include <ravelin/error.h>
#include <string.h>
#include <talloc.h>

enum { CTX_ALIGN = 64, PAYLOAD_LEN_MAX = 65535 };

/* A cipher context for one message, in a secret's memory. */
struct context {
	struct rv_secret *memory;
	void *ctx;
};

static int context_init(struct context *c, const struct ike_sealing *how, bool seal)
{
	int r;

	c->memory = rv_secret_new(how->vault, NULL, how->suite->ctx_size + (size_t)CTX_ALIGN);
	if (!c->memory)
		return -ENOMEM;
	c->ctx = (void *)(((uintptr_t)c->memory->b + CTX_ALIGN - 1) / CTX_ALIGN * CTX_ALIGN);
	r = rv_cryptor_init(how->suite, c->ctx, how->encr, how->integ, seal);
	if (r)
		talloc_free(c->memory);
	return r;
}

static void context_fini(struct context *c, const struct ike_sealing *how)
{
	rv_cryptor_fini(how->suite, c->ctx);
	talloc_free(c->memory);
}

void ike_sealed_iv(const struct rv_suite *suite, uint64_t counter, const uint8_t random[static 16],
		   uint8_t out[static 16])
{
	struct rv_wr w = rv_wr(out, 16);

	if (suite->iv == RV_IV_RANDOM) {
		rv_wr_put(&w, rv_bytes(random, 16));
		return;
	}
	/* the counter stands in the last octets of the IV, so that an IV longer than it still counts */
	rv_wr_zero(&w, suite->iv_len > 8 ? suite->iv_len - 8u : 0);
	rv_wr_u64(&w, counter);
	rv_wr_zero(&w, 16 - rv_wr_len(&w));
}

/* The sender's padding: none for an aead (RFC 7634, 3), else "the minimum value that makes the combination of the
 * payloads, the Padding, and the Pad Length a multiple of the block size" (RFC 7296, 3.14). */
static size_t padding(const struct rv_suite *suite, size_t len)
{
	size_t block = suite->block_len;

	return suite->aead || block < 2 ? 0 : (block - (len + 1) % block) % block;
}

/* Octets behind the generic header. */
static size_t body_len(const struct rv_suite *suite, size_t len)
{
	return suite->iv_len + len + padding(suite, len) + 1 + suite->icv_len;
}

size_t ike_sealed_len(const struct rv_suite *suite, size_t len)
{
	return IKE_HEADER_LEN + IKE_PAYLOAD_HEADER_LEN + body_len(suite, len);
}

/* Writes all that is not the cipher's: header, generic header, prefix, room for the IV, text with its padding, room for
 * the ICV. */
/* The header, and what stands in front of the sealed payload, of this length. */
static void lay_out_front(struct rv_wr *w, const struct ike_sealing *how, const struct ike_header *header,
			  size_t length)
{
	size_t outside = how->outside.len ? IKE_PAYLOAD_HEADER_LEN + how->outside.len : 0;
	struct ike_header h = *header;

	h.length = (uint32_t)(IKE_HEADER_LEN + outside + length);
	if (outside)
		h.next = how->outside_type;
	ike_header_write(w, &h);
	if (!outside)
		return;
	rv_wr_u8(w, header->next);
	rv_wr_u8(w, 0);
	rv_wr_u16(w, (uint16_t)outside);
	rv_wr_put(w, how->outside);
}

static bool lay_out(struct rv_wr *w, const struct ike_header *header, uint8_t first, struct rv_bytes prefix,
		    struct rv_bytes chain, const struct ike_sealing *how, struct rv_cryptor_op *op)
{
	const struct rv_suite *suite = how->suite;
	size_t length = IKE_PAYLOAD_HEADER_LEN + prefix.len + body_len(suite, chain.len);
	size_t pad = padding(suite, chain.len);
	struct rv_wr text;
	uint8_t *room;

	if (length > PAYLOAD_LEN_MAX || how->outside.len > PAYLOAD_LEN_MAX - IKE_PAYLOAD_HEADER_LEN)
		return false;
	lay_out_front(w, how, header, length);
	rv_wr_u8(w, first);
	rv_wr_u8(w, 0);
	rv_wr_u16(w, (uint16_t)length);
	rv_wr_put(w, prefix);
	op->aad = rv_wr_bytes(w).p;
	op->aad_len = (uint16_t)rv_wr_len(w);
	op->len = (uint32_t)(chain.len + pad + 1);
	op->dst = rv_wr_room(w, suite->iv_len);
	room = rv_wr_room(w, op->len);
	op->src = room;
	(void)rv_wr_room(w, suite->icv_len);
	if (!rv_wr_done(w))
		return false;
	text = rv_wr(room, op->len);
	rv_wr_put(&text, chain);
	rv_wr_zero(&text, pad);
	rv_wr_u8(&text, (uint8_t)pad);
	return rv_wr_done(&text);
}

int ike_sealed_write_as(const struct ike_sealing *how, const struct ike_header *header, uint8_t type,
			struct rv_bytes prefix, uint8_t first, struct rv_bytes chain, const uint8_t iv[static 16],
			uint8_t *out, size_t cap, size_t *len)
{
	struct rv_wr w = rv_wr(out, cap);
	struct rv_cryptor_op op = { 0 };
	struct ike_header h = *header;
	struct context c;
	int r;

	h.next = type;
	if (!lay_out(&w, &h, first, prefix, chain, how, &op))
		return -ENOSPC;
	memcpy(op.iv, iv, sizeof(op.iv));
	r = context_init(&c, how, true);
	if (r)
		return r;
	r = rv_cryptor_seal(how->suite, c.ctx, &op, 1);
	context_fini(&c, how);
	if (r)
		return r;
	*len = rv_wr_len(&w);
	return 0;
}

int ike_sealed_write(const struct ike_sealing *how, const struct ike_header *header, uint8_t first,
		     struct rv_bytes chain, const uint8_t iv[static 16], uint8_t *out, size_t cap, size_t *len)
{
	return ike_sealed_write_as(how, header, IKE_PAYLOAD_SK, rv_bytes(NULL, 0), first, chain, iv, out, cap, len);
}

/* Prepares op for the sealed octets behind skip. False when they cannot have been sealed with this suite. */
static bool find_text(const struct ike_sealing *how, const struct ike_message *message, size_t skip,
		      struct rv_cryptor_op *op)
{
	const struct rv_suite *suite = how->suite;
	size_t around = (size_t)suite->iv_len + suite->icv_len;
	struct rv_rd r = rv_rd(message->sealed_body);
	size_t aad_len = message->sealed_aad.len + skip, len;
	struct rv_bytes sealed;

	(void)rv_rd_take(&r, skip);
	sealed = rv_rd_rest(&r);
	if (!rv_rd_done(&r) || sealed.len <= around || aad_len > UINT16_MAX)
		return false;
	len = sealed.len - around;
	if (!suite->aead && suite->block_len > 1 && len % suite->block_len)
		return false;
	op->aad = message->octets.p;
	op->aad_len = (uint16_t)aad_len;
	op->src = sealed.p;
	op->len = (uint32_t)len;
	return true;
}

int ike_sealed_open(const struct ike_sealing *how, const struct ike_message *message, size_t skip, uint8_t *out,
		    size_t cap, struct rv_bytes *chain)
{
	struct rv_cryptor_op op = { .dst = out };
	struct context c;
	size_t tail;
	int r;

	if (!message->sealed || !find_text(how, message, skip, &op))
		return -RV_ESYNTAX;
	if (op.len > cap)
		return -ENOSPC;
	r = context_init(&c, how, false);
	if (r)
		return r;
	r = rv_cryptor_open(how->suite, c.ctx, &op, 1);
	context_fini(&c, how);
	if (r)
		return r;
	if (!op.ok)
		return -RV_EINTEGRITY;
	tail = (size_t)out[op.len - 1] + 1; /* padding and Pad Length */
	if (tail > op.len)
		return -RV_ESYNTAX;
	*chain = rv_bytes(out, op.len - tail);
	return 0;
}
