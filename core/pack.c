// SPDX-License-Identifier: LGPL-2.1-or-later
/* pack: fields of (tag: 2 octets, length: 4, octets), one after the other, in memory that is wiped.
 *
 * Sealed, they are parts of 1 MiB, each under a nonce of its own: magic | name of the algorithm | nonce | parts. What
 * all of it is for, a part's place and whether it is the last are authenticated with each part.
 */
#include <ravelin/pack.h>

#include "parts.h"

#include <errno.h>
#include <ravelin/wire.h>
#include <string.h>
#include <talloc.h>

enum { HEAD = 6, DEPTH = 8, FIRST = 256 };

struct rv_pack {
	uint8_t *buf;
	size_t len, cap;
	size_t open[DEPTH];
	unsigned depth;
	bool bad;
};

static int pack_gone(struct rv_pack *pack)
{
	rv_wipe(pack->buf, pack->cap);
	return 0;
}

struct rv_pack *rv_pack_new(const void *parent)
{
	struct rv_pack *pack = talloc_zero(parent, struct rv_pack);

	if (!pack)
		return NULL;
	pack->buf = talloc_size(pack, FIRST);
	if (!pack->buf) {
		talloc_free(pack);
		return NULL;
	}
	pack->cap = FIRST;
	talloc_set_destructor(pack, pack_gone);
	return pack;
}

/* Room for len octets more; NULL and a bad pack when there is none. */
static uint8_t *room(struct rv_pack *pack, size_t len)
{
	size_t cap = pack->cap;
	uint8_t *at;

	if (pack->bad || len > SIZE_MAX / 4 - pack->len) {
		pack->bad = true;
		return NULL;
	}
	while (cap < pack->len + len)
		cap *= 2;
	if (cap > pack->cap) {
		uint8_t *grown = talloc_size(pack, cap);
		if (!grown) {
			pack->bad = true;
			return NULL;
		}
		memcpy(grown, pack->buf, pack->len);
		rv_wipe(pack->buf, pack->cap);
		talloc_free(pack->buf);
		pack->buf = grown;
		pack->cap = cap;
	}
	at = pack->buf + pack->len;
	pack->len += len;
	return at;
}

static void head(struct rv_pack *pack, uint16_t tag, uint32_t len)
{
	uint8_t *at = room(pack, HEAD);

	if (!at)
		return;
	struct rv_wr w = rv_wr(at, HEAD);
	rv_wr_u16(&w, tag);
	rv_wr_u32(&w, len);
}

void rv_pack_put(struct rv_pack *pack, uint16_t tag, struct rv_bytes octets)
{
	if (octets.len > UINT32_MAX)
		pack->bad = true;
	head(pack, tag, (uint32_t)octets.len);
	uint8_t *at = room(pack, octets.len);
	if (at && octets.len)
		memcpy(at, octets.p, octets.len);
}

void rv_pack_u64(struct rv_pack *pack, uint16_t tag, uint64_t value)
{
	uint8_t octets[8];
	struct rv_wr w = rv_wr(octets, sizeof(octets));

	rv_wr_u64(&w, value);
	rv_pack_put(pack, tag, rv_bytes(octets, sizeof(octets)));
}

void rv_pack_open(struct rv_pack *pack, uint16_t tag)
{
	if (pack->depth == DEPTH) {
		pack->bad = true;
		return;
	}
	pack->open[pack->depth++] = pack->len;
	head(pack, tag, 0);
}

void rv_pack_close(struct rv_pack *pack)
{
	size_t at, len;

	if (!pack->depth)
		pack->bad = true;
	if (pack->bad)
		return;
	at = pack->open[--pack->depth];
	len = pack->len - at - HEAD;
	if (len > UINT32_MAX) {
		pack->bad = true;
		return;
	}
	struct rv_wr w = rv_wr(pack->buf + at + 2, 4);
	rv_wr_u32(&w, (uint32_t)len);
}

bool rv_pack_done(struct rv_pack *pack, struct rv_bytes *out)
{
	if (pack->bad || pack->depth)
		return false;
	*out = rv_bytes(pack->buf, pack->len);
	return true;
}

struct rv_unpack rv_unpack(struct rv_bytes octets)
{
	return (struct rv_unpack){ .rest = octets };
}

bool rv_unpack_next(struct rv_unpack *in, uint16_t *tag, struct rv_bytes *value)
{
	struct rv_rd r = rv_rd(in->rest);

	if (in->bad || !rv_rd_more(&r))
		return false;
	uint16_t number = rv_rd_u16(&r);
	struct rv_bytes octets = rv_rd_take(&r, rv_rd_u32(&r));
	struct rv_bytes rest = rv_rd_rest(&r);
	if (!rv_rd_done(&r)) {
		in->bad = true;
		return false;
	}
	in->rest = rest;
	*tag = number;
	*value = octets;
	return true;
}

uint64_t rv_unpack_u64(struct rv_unpack *in, struct rv_bytes value)
{
	struct rv_rd r = rv_rd(value);
	uint64_t number = rv_rd_u64(&r);

	if (rv_rd_done(&r))
		return number;
	in->bad = true;
	return 0;
}

bool rv_unpack_done(const struct rv_unpack *in)
{
	return !in->bad && !in->rest.len;
}

/* Sealing */

enum { KEY = 32, NONCE = 12, ICV = 16, PART = 1 << 20, NAME_MAX_LEN = 64, INFO_MAX = 256, AAD_MAX = 4 + INFO_MAX + 5 };
static const uint8_t magic[4] = { 'R', 'V', 'P', '1' };

struct box {
	const struct rv_aead_ops *ops;
	void *self;
	void *memory; /* of ctx */
	void *ctx;
	uint8_t nonce[NONCE];
	uint8_t aad[AAD_MAX];
	struct rv_bytes info;
};

static bool fits(struct rv_service *service)
{
	const struct rv_aead_ops *ops = rv_service_ops(service);

	return ops->key_len == KEY && ops->salt_len + ops->iv_len == NONCE && ops->icv_len >= ICV &&
	       !rv_service_attr(service, "clear", 0);
}

static int first_fit(struct rv_service *service, void *arg)
{
	struct rv_service **found = arg;

	if (!fits(service))
		return 0;
	*found = service;
	return 1;
}

/* False when the key or the service is not what is needed. box_end() in any case. */
static bool box_begin(struct box *box, const void *parent, struct rv_service *service, struct rv_bytes key)
{
	size_t size;

	if (!service || !fits(service) || key.len != KEY || box->info.len > INFO_MAX)
		return false;
	box->ops = rv_service_ops(service);
	box->self = rv_service_self(service);
	size = box->ops->ctx_size + 63;
	box->memory = talloc_zero_size(parent, size);
	if (!box->memory)
		return false;
	box->ctx = (void *)(((uintptr_t)box->memory + 63) & ~(uintptr_t)63);
	if (!box->ops->init(box->self, box->ctx, key))
		return true;
	box->ctx = NULL;
	return false;
}

static void box_end(struct box *box)
{
	if (box->ctx)
		box->ops->fini(box->self, box->ctx);
	talloc_free(box->memory);
}

/* The nonce and the authenticated octets of part i. */
static void part_op(struct box *box, struct rv_aead_op *op, uint32_t i, bool last)
{
	struct rv_wr w = rv_wr(box->aad, sizeof(box->aad));

	rv_wr_put(&w, rv_bytes(magic, sizeof(magic)));
	rv_wr_put(&w, box->info);
	rv_wr_u32(&w, i);
	rv_wr_u8(&w, last);
	op->aad = box->aad;
	op->aad_len = (uint16_t)rv_wr_len(&w);
	memcpy(op->nonce, box->nonce, NONCE);
	for (unsigned k = 0; k < 4; k++)
		op->nonce[NONCE - 1 - k] ^= (uint8_t)(i >> (8 * k));
}

static bool seal_parts(struct box *box, struct rv_bytes plain, uint8_t *out)
{
	size_t at = 0;
	uint32_t i = 0;

	do {
		size_t n = plain.len - at < PART ? plain.len - at : PART;
		struct rv_aead_op op = { .src = plain.p ? plain.p + at : out, .dst = out, .len = (uint32_t)n };

		part_op(box, &op, i++, at + n == plain.len);
		if (box->ops->seal(box->self, box->ctx, &op, 1))
			return false;
		out += n + box->ops->icv_len;
		at += n;
	} while (at < plain.len);
	return true;
}

uint8_t *rv_pack_seal(struct rv_core *core, const void *parent, struct rv_bytes key, struct rv_bytes info,
		      struct rv_bytes plain, size_t *len)
{
	struct rv_service *service = NULL;
	struct box box = { .info = info };
	uint8_t *sealed = NULL;
	bool ok = false;

	rv_registry_each(core->registry, "aead", first_fit, &service);
	if (box_begin(&box, parent, service, key) && strlen(rv_service_name(service)) <= NAME_MAX_LEN) {
		const char *name = rv_service_name(service);
		size_t n_parts = plain.len ? (plain.len + PART - 1) / PART : 1;
		size_t front = sizeof(magic) + 1 + strlen(name) + NONCE;

		*len = front + plain.len + n_parts * box.ops->icv_len;
		sealed = talloc_size(parent, *len);
		rv_host_random(core->host, box.nonce, NONCE);
		if (sealed) {
			struct rv_wr w = rv_wr(sealed, front);
			rv_wr_put(&w, rv_bytes(magic, sizeof(magic)));
			rv_wr_u8(&w, (uint8_t)strlen(name));
			rv_wr_put(&w, rv_bytes(name, strlen(name)));
			rv_wr_put(&w, rv_bytes(box.nonce, NONCE));
			ok = rv_wr_done(&w) && seal_parts(&box, plain, sealed + front);
		}
	}
	box_end(&box);
	if (ok)
		return sealed;
	talloc_free(sealed);
	return NULL;
}

/* The front of sealed octets; rest: the parts. */
static bool read_front(struct rv_bytes sealed, char name[static NAME_MAX_LEN + 1], uint8_t nonce[static NONCE],
		       struct rv_bytes *rest)
{
	struct rv_rd r = rv_rd(sealed);
	struct rv_bytes word = rv_rd_take(&r, sizeof(magic));

	if (!rv_bytes_equal(word, rv_bytes(magic, sizeof(magic))))
		return false;
	word = rv_rd_take(&r, rv_rd_u8(&r));
	if (word.len > NAME_MAX_LEN)
		return false;
	if (word.len)
		memcpy(name, word.p, word.len);
	name[word.len] = 0;
	word = rv_rd_take(&r, NONCE);
	*rest = rv_rd_rest(&r);
	if (!rv_rd_done(&r))
		return false;
	memcpy(nonce, word.p, NONCE);
	return true;
}

/* False when a part is not authentic; n: what came out. */
static bool open_parts(struct box *box, struct rv_bytes sealed, uint8_t *out, size_t *n)
{
	size_t icv = box->ops->icv_len, at = 0;
	uint32_t i = 0;

	*n = 0;
	do {
		size_t left = sealed.len - at, here = left < PART + icv ? left : PART + icv;
		struct rv_aead_op op = { .src = sealed.p + at, .dst = out + *n };

		if (here < icv)
			return false;
		op.len = (uint32_t)(here - icv);
		part_op(box, &op, i++, here == left);
		if (box->ops->open(box->self, box->ctx, &op, 1) || !op.ok)
			return false;
		*n += op.len;
		at += here;
	} while (at < sealed.len);
	return true;
}

static int plain_gone(uint8_t *b)
{
	rv_wipe(b, talloc_get_size(b));
	return 0;
}

uint8_t *rv_pack_unseal(struct rv_core *core, const void *parent, struct rv_bytes key, struct rv_bytes info,
			struct rv_bytes sealed, size_t *len)
{
	char name[NAME_MAX_LEN + 1];
	struct box box = { .info = info };
	struct rv_bytes parts;
	uint8_t *plain = NULL;
	bool ok = false;

	if (!read_front(sealed, name, box.nonce, &parts))
		return NULL;
	if (box_begin(&box, parent, rv_registry_find(core->registry, "aead", name), key)) {
		plain = talloc_zero_size(parent, parts.len + 1);
		if (plain) {
			talloc_set_destructor(plain, plain_gone);
			ok = open_parts(&box, parts, plain, len);
		}
	}
	box_end(&box);
	if (ok)
		return plain;
	talloc_free(plain);
	return NULL;
}
