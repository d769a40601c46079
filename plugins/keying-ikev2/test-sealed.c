// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-sealed: the Encrypted payload against RFC 7634, Appendix B and another implementation, and against forgers. */
#include "test.h"

#include "octets/payload.h"
#include "octets/sealed.h"
#include "test-services.h"

#include <errno.h>

struct row {
	const char *what;
	uint16_t encr, bits, integ;
	const char *key, *integ_key, *spi_i, *spi_r;
	uint8_t exchange, flags;
	uint32_t id;
	uint8_t first;
	const char *chain, *iv, *message;
};

static const struct row rows[] = {
#include "vectors/sealed.inc"
	{ "RFC 7634, Appendix B", 28, 0, 0, "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f a0a1a2a3",
	  "", "c0c1c2c3c4c5c6c7", "d0d1d2d3d4d5d6d7", 37, 0, 9, 41, "0000000c 00004001 0000000a", "1011121314151617",
	  "c0c1c2c3c4c5c6c7d0d1d2d3d4d5d6d7 2e202500000000090000004529000029"
	  "1011121314151617 610394701f8d017f7c12924889 6b71bfe25236efd7cdc67066906315b2" },
};

/* One row made ready. */
struct bench {
	struct rv_core *core;
	struct rv_user user;
	struct rv_suite suite;
	struct ike_sealing how;
	struct ike_header header;
	struct ike_types types;
	uint8_t key[64], integ[64], chain[64], iv[16], want[256], out[65536 + 64];
	size_t chain_len, want_len;
};

static uint64_t number(const char *text)
{
	uint8_t buf[8];
	struct rv_rd r = rv_rd(rv_bytes(buf, test_hex(text, buf, sizeof(buf))));

	return rv_rd_u64(&r);
}

static struct bench *bench(const struct row *row)
{
	struct rv_core *core = test_core();
	struct bench *b = talloc_zero(core, struct bench);
	struct rv_why why = { 0 };
	struct rv_proposal chosen = {
		RV_PROTO_KEYING, 1, row->integ ? 2 : 1, { { 1, row->encr, row->bits }, { 3, row->integ, 0 } }
	};

	assert_non_null(b);
	b->core = core;
	if (rv_suite_init(&b->suite, core->registry, &chosen, &b->user, &why))
		fail_msg("%s: %s", row->what, why.text);
	b->how = (struct ike_sealing){
		.suite = &b->suite,
		.vault = core->vault,
		.encr = rv_bytes(b->key, test_hex(row->key, b->key, sizeof(b->key))),
		.integ = rv_bytes(b->integ, test_hex(row->integ_key, b->integ, sizeof(b->integ))),
	};
	b->header = (struct ike_header){
		.spi_i = number(row->spi_i),
		.spi_r = number(row->spi_r),
		.major = 2,
		.exchange = row->exchange,
		.flags = row->flags,
		.id = row->id,
	};
	b->types = ike_types_own();
	b->chain_len = test_hex(row->chain, b->chain, sizeof(b->chain));
	b->want_len = test_hex(row->message, b->want, sizeof(b->want));
	assert_int_equal(test_hex(row->iv, b->iv, sizeof(b->iv)), b->suite.iv_len);
	return b;
}

static void end(struct bench *b)
{
	rv_suite_fini(&b->suite);
	test_core_end(b->core);
}

static void messages_are_those_of_another_implementation(void **state)
{
	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		struct bench *b = bench(&rows[i]);
		struct rv_bytes chain = rv_bytes(b->chain, b->chain_len);
		size_t len = 0;

		assert_int_equal(ike_sealed_len(&b->suite, chain.len), b->want_len);
		assert_int_equal(ike_sealed_write(&b->how, &b->header, rows[i].first, chain, b->iv, b->out,
						  b->want_len - 1, &len),
				 -ENOSPC);
		assert_int_equal(
			ike_sealed_write(&b->how, &b->header, rows[i].first, chain, b->iv, b->out, b->want_len, &len),
			0);
		test_assert_hex(rows[i].what, rv_bytes(b->out, len), rows[i].message);
		end(b);
	}
}

static void messages_of_another_implementation_are_opened(void **state)
{
	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		struct bench *b = bench(&rows[i]);
		struct ike_message m;
		struct rv_bytes chain = { 0 };
		size_t text;

		assert_int_equal(ike_message_read(&m, rv_bytes(b->want, b->want_len), &b->types), 0);
		assert_int_equal(m.sealed, IKE_PAYLOAD_SK);
		assert_int_equal(m.sealed_next, rows[i].first);
		text = m.sealed_body.len - b->suite.iv_len - b->suite.icv_len;
		assert_int_equal(ike_sealed_open(&b->how, &m, 0, b->out, text - 1, &chain), -ENOSPC);
		assert_int_equal(ike_sealed_open(&b->how, &m, 0, b->out, text, &chain), 0);
		test_assert_hex(rows[i].what, chain, rows[i].chain);
		end(b);
	}
}

static void no_octet_of_a_message_can_be_changed(void **state)
{
	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		struct bench *b = bench(&rows[i]);

		for (size_t at = 0; at < b->want_len; at++) {
			struct ike_message m;
			struct rv_bytes chain;

			b->want[at] ^= 0x01;
			if (!ike_message_read(&m, rv_bytes(b->want, b->want_len), &b->types) && m.sealed &&
			    ike_sealed_open(&b->how, &m, 0, b->out, sizeof(b->out), &chain) != -RV_EINTEGRITY)
				fail_msg("%s: octet %zu", rows[i].what, at);
			b->want[at] ^= 0x01;
		}
		end(b);
	}
}

static void another_key_does_not_open(void **state)
{
	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		struct bench *b = bench(&rows[i]);
		struct ike_message m;
		struct rv_bytes chain;
		uint8_t *key = b->suite.aead ? b->key : b->integ;

		key[0] ^= 0x80;
		assert_int_equal(ike_message_read(&m, rv_bytes(b->want, b->want_len), &b->types), 0);
		assert_int_equal(ike_sealed_open(&b->how, &m, 0, b->out, sizeof(b->out), &chain), -RV_EINTEGRITY);
		end(b);
	}
}

/* A message whose sealed text is given with its padding, as a peer might send it. Length of it in b->out. */
static size_t seal_text(struct bench *b, uint8_t first, struct rv_bytes text)
{
	size_t length = IKE_PAYLOAD_HEADER_LEN + b->suite.iv_len + text.len + b->suite.icv_len;
	struct ike_header h = b->header;
	struct rv_wr w = rv_wr(b->out, sizeof(b->out));
	struct rv_cryptor_op op = { .src = text.p, .len = (uint32_t)text.len, .aad = b->out };
	void *ctx = aligned_alloc(64, (b->suite.ctx_size + 127u) / 64 * 64);

	assert_non_null(ctx);
	h.next = IKE_PAYLOAD_SK;
	h.length = (uint32_t)(IKE_HEADER_LEN + length);
	ike_header_write(&w, &h);
	rv_wr_u8(&w, first);
	rv_wr_u8(&w, 0);
	rv_wr_u16(&w, (uint16_t)length);
	op.aad_len = (uint16_t)rv_wr_len(&w);
	op.dst = rv_wr_room(&w, length - IKE_PAYLOAD_HEADER_LEN);
	assert_true(rv_wr_done(&w));
	assert_int_equal(rv_cryptor_init(&b->suite, ctx, b->how.encr, b->how.integ, true), 0);
	assert_int_equal(rv_cryptor_seal(&b->suite, ctx, &op, 1), 0);
	rv_cryptor_fini(&b->suite, ctx);
	free(ctx);
	return rv_wr_len(&w);
}

static const struct {
	const char *what;
	size_t row, text_len;
	uint8_t pad;
	int result;
	size_t chain_len;
} paddings[] = {
	{ "none", 0, 5, 0, 0, 4 },
	{ "some", 0, 16, 7, 0, 8 },
	{ "all", 0, 16, 15, 0, 0 },
	{ "one more than there is", 0, 16, 16, -RV_ESYNTAX, 0 },
	{ "255", 0, 300, 255, 0, 44 },
	{ "255 that are not there", 0, 255, 255, -RV_ESYNTAX, 0 },
	{ "255 and no more", 0, 256, 255, 0, 0 },
	{ "the length only", 0, 1, 0, 0, 0 },
	{ "the length only, and it lies", 0, 1, 1, -RV_ESYNTAX, 0 },
	{ "CBC: none", 5, 16, 0, 0, 15 },
	{ "CBC: more than needed", 5, 32, 31, 0, 0 },
	{ "CBC: too much", 5, 32, 32, -RV_ESYNTAX, 0 },
	{ "CBC: 255", 5, 272, 255, 0, 16 },
};

static void any_padding_is_accepted_that_was_sealed(void **state)
{
	for (size_t i = 0; i < RV_COUNT(paddings); i++) {
		struct bench *b = bench(&rows[paddings[i].row]);
		uint8_t text[512], plain[512];
		struct ike_message m;
		struct rv_bytes chain = { 0 };
		size_t len;
		int r;

		memset(text, 0xee, sizeof(text));
		text[paddings[i].text_len - 1] = paddings[i].pad;
		len = seal_text(b, 41, rv_bytes(text, paddings[i].text_len));
		assert_int_equal(ike_message_read(&m, rv_bytes(b->out, len), &b->types), 0);
		r = ike_sealed_open(&b->how, &m, 0, plain, sizeof(plain), &chain);
		if (r != paddings[i].result || chain.len != paddings[i].chain_len)
			fail_msg("%s: %d, %zu octets", paddings[i].what, r, chain.len);
		end(b);
	}
}

/* A message with an SK payload of this many octets behind its generic header, all zero. */
static struct rv_bytes blank(struct bench *b, size_t body)
{
	struct ike_header h = b->header;
	struct rv_wr w = rv_wr(b->out, sizeof(b->out));

	h.next = IKE_PAYLOAD_SK;
	h.length = (uint32_t)(IKE_HEADER_LEN + IKE_PAYLOAD_HEADER_LEN + body);
	ike_header_write(&w, &h);
	rv_wr_u16(&w, 41 << 8);
	rv_wr_u16(&w, (uint16_t)(IKE_PAYLOAD_HEADER_LEN + body));
	rv_wr_zero(&w, body);
	assert_true(rv_wr_done(&w));
	return rv_wr_bytes(&w);
}

static void a_body_that_cannot_have_been_sealed_is_refused(void **state)
{
	for (size_t row = 0; row < 6; row += 5) {
		struct bench *b = bench(&rows[row]);
		size_t around = (size_t)b->suite.iv_len + b->suite.icv_len;
		uint8_t plain[512];

		for (size_t body = 0; body < around + 40; body++) {
			bool whole = body > around && (body - around) % b->suite.block_len == 0;
			struct ike_message m;
			struct rv_bytes chain;

			assert_int_equal(ike_message_read(&m, blank(b, body), &b->types), 0);
			assert_int_equal(ike_sealed_open(&b->how, &m, 0, plain, sizeof(plain), &chain),
					 whole ? -RV_EINTEGRITY : -RV_ESYNTAX);
		}
		end(b);
	}
}

static void a_message_that_is_not_sealed_is_not_opened(void **state)
{
	struct bench *b = bench(&rows[0]);
	struct ike_message m = { 0 };
	struct rv_bytes chain;

	assert_int_equal(ike_sealed_open(&b->how, &m, 0, b->out, sizeof(b->out), &chain), -RV_ESYNTAX);
	end(b);
}

static void payloads_in_front_of_sk_are_authenticated(void **state)
{
	for (size_t row = 0; row < 6; row += 5) {
		struct bench *b = bench(&rows[row]);
		uint8_t buf[256];
		struct rv_wr w = rv_wr(buf, sizeof(buf));
		struct ike_header h = b->header;
		size_t iv = b->suite.iv_len, icv = b->suite.icv_len, length = 4 + iv + 16 + icv;
		struct rv_cryptor_op op = { .aad = buf, .len = 16 };
		void *ctx = aligned_alloc(64, (b->suite.ctx_size + 127u) / 64 * 64);
		struct ike_message m;
		struct rv_bytes chain;

		h.next = IKE_PAYLOAD_VENDOR;
		h.length = (uint32_t)(IKE_HEADER_LEN + 5 + length);
		ike_header_write(&w, &h);
		rv_wr_put(&w, rv_bytes("\x2e\0\0\5v", 5));
		rv_wr_u16(&w, 0);
		rv_wr_u16(&w, (uint16_t)length);
		op.aad_len = (uint16_t)rv_wr_len(&w);
		op.dst = rv_wr_room(&w, length - 4);
		op.src = (const uint8_t *)"fifteen octets!\x0f";
		assert_int_equal(rv_cryptor_init(&b->suite, ctx, b->how.encr, b->how.integ, true), 0);
		assert_int_equal(rv_cryptor_seal(&b->suite, ctx, &op, 1), 0);
		rv_cryptor_fini(&b->suite, ctx);
		free(ctx);
		assert_int_equal(ike_message_read(&m, rv_wr_bytes(&w), &b->types), 0);
		assert_int_equal(m.chain.n, 1);
		assert_int_equal(ike_sealed_open(&b->how, &m, 0, b->out, 16, &chain), 0);
		assert_int_equal(chain.len, 0);
		buf[IKE_HEADER_LEN + 4] = 'w';
		assert_int_equal(ike_sealed_open(&b->how, &m, 0, b->out, 16, &chain), -RV_EINTEGRITY);
		end(b);
	}
}

static void an_extension_seals_a_payload_with_octets_in_front(void **state)
{
	for (size_t row = 0; row < 6; row += 5) {
		struct bench *b = bench(&rows[row]);
		uint8_t message[256];
		struct rv_bytes inner = RV_STR("inner"), chain;
		struct ike_message m;
		size_t len = 0;

		ike_types_add(&b->types, 53, true);
		assert_int_equal(ike_sealed_write_as(&b->how, &b->header, 53, RV_STR("\0\1\0\2"), 33, inner, b->iv,
						     message, sizeof(message), &len),
				 0);
		assert_int_equal(len, ike_sealed_len(&b->suite, inner.len) + 4);
		assert_int_equal(ike_message_read(&m, rv_bytes(message, len), &b->types), 0);
		assert_int_equal(m.sealed, 53);
		assert_int_equal(m.sealed_next, 33);
		assert_int_equal(ike_sealed_open(&b->how, &m, 4, b->out, sizeof(b->out), &chain), 0);
		assert_true(rv_bytes_equal(chain, inner));
		message[IKE_HEADER_LEN + 4 + 3] = 3;
		assert_int_equal(ike_sealed_open(&b->how, &m, 4, b->out, sizeof(b->out), &chain), -RV_EINTEGRITY);
		end(b);
	}
}

static void a_payload_has_at_most_65535_octets(void **state)
{
	struct bench *b = bench(&rows[0]);
	size_t most = 65535 - 4 - 8 - 1 - 16, len = 0;
	uint8_t *chain = talloc_zero_size(b, most + 1);

	assert_non_null(chain);
	assert_int_equal(
		ike_sealed_write(&b->how, &b->header, 43, rv_bytes(chain, most), b->iv, b->out, sizeof(b->out), &len),
		0);
	assert_int_equal(len, 65535 + 28);
	assert_int_equal(ike_sealed_write(&b->how, &b->header, 43, rv_bytes(chain, most + 1), b->iv, b->out,
					  sizeof(b->out), &len),
			 -ENOSPC);
	end(b);
}

static void an_iv_counts_where_it_may_and_is_random_elsewhere(void **state)
{
	const struct rv_suite aead = { .aead = true, .iv = RV_IV_UNIQUE, .iv_len = 8 }, cbc = { .iv_len = 16 };
	const uint8_t random[16] = "0123456789abcdef";
	uint8_t iv[16];

	ike_sealed_iv(&aead, 0x0102030405060708, random, iv);
	assert_memory_equal(iv, "\1\2\3\4\5\6\7\10\0\0\0\0\0\0\0\0", 16);
	ike_sealed_iv(&(const struct rv_suite){ .iv = RV_IV_UNIQUE, .iv_len = 8 }, 7, random, iv); /* RFC 5930, 2.1 */
	assert_memory_equal(iv, "\0\0\0\0\0\0\0\7\0\0\0\0\0\0\0\0", 16);
	ike_sealed_iv(&cbc, 1, random, iv);
	assert_memory_equal(iv, random, 16);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_are_those_of_another_implementation),
		cmocka_unit_test(messages_of_another_implementation_are_opened),
		cmocka_unit_test(no_octet_of_a_message_can_be_changed),
		cmocka_unit_test(another_key_does_not_open),
		cmocka_unit_test(any_padding_is_accepted_that_was_sealed),
		cmocka_unit_test(a_body_that_cannot_have_been_sealed_is_refused),
		cmocka_unit_test(a_message_that_is_not_sealed_is_not_opened),
		cmocka_unit_test(payloads_in_front_of_sk_are_authenticated),
		cmocka_unit_test(an_extension_seals_a_payload_with_octets_in_front),
		cmocka_unit_test(a_payload_has_at_most_65535_octets),
		cmocka_unit_test(an_iv_counts_where_it_may_and_is_random_elsewhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
