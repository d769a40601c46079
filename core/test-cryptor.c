// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-cryptor: what a cryptor hands to its services and makes of their answers.
 *
 * The services are toys that write down what they were given; real ones are tested with their plugins.
 */
#include "test-toys.h"

static void a_suite_has_the_sizes_of_its_services(void **state)
{
	static const struct {
		uint16_t encr, integ;
		bool aead;
		uint16_t key_len, integ_len, salt_len, iv_len, icv_len, block_len, users;
	} rows[] = {
		{ ID_COMBINED, 0, true, KEY + 4, 0, 4, 8, COMBINED_ICV, 1, 1 },
		{ ID_CIPHER, ID_MAC, false, KEY, KEY, 0, 4, ICV, BLOCK, 2 },
		{ ID_NULL, ID_MAC, false, 0, KEY, 0, 0, ICV, 1, 1 },
		{ 0, ID_MAC, false, 0, KEY, 0, 0, ICV, 1, 1 },
		{ ID_COMBINED, ID_NONE, true, KEY + 4, 0, 4, 8, COMBINED_ICV, 1, 1 },
		{ 0, ID_CLEAR, true, 0, KEY + 4, 4, 8, COMBINED_ICV, 1, 1 },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		struct rv_proposal p = proposal(rows[i].encr, rows[i].integ);
		struct rv_suite suite;
		assert_int_equal(rv_suite_init(&suite, f->core->registry, &p, &f->user, NULL), 0);
		assert_int_equal(suite.aead, rows[i].aead);
		assert_int_equal(suite.key_len, rows[i].key_len);
		assert_int_equal(suite.integ_len, rows[i].integ_len);
		assert_int_equal(suite.salt_len, rows[i].salt_len);
		assert_int_equal(suite.iv_len, rows[i].iv_len);
		assert_int_equal(suite.icv_len, rows[i].icv_len);
		assert_int_equal(suite.block_len, rows[i].block_len);
		assert_true(suite.ctx_size > 0 && suite.ctx_size <= CTX);
		assert_int_equal(users(f), rows[i].users);
		rv_suite_fini(&suite);
		assert_int_equal(users(f), 0);
		rv_suite_fini(&suite);
	}
}

static void what_makes_no_suite_is_refused_and_holds_nothing(void **state)
{
	static const struct {
		uint16_t encr, integ;
		const char *why;
	} rows[] = {
		{ ID_CIPHER, 0, "no encryption with integrity" },
		{ ID_NULL, 0, "no encryption with integrity" },
		{ 0, 0, "no encryption with integrity" },
		{ ID_CIPHER, ID_NONE, "no encryption with integrity" },
		{ ID_COMBINED, ID_MAC, "no encryption with integrity" },
		{ ID_CIPHER, ID_CLEAR, "no encryption with integrity" },
		{ ID_NULL, ID_CLEAR, "no encryption with integrity" },
		{ ID_COMBINED, ID_CLEAR, "no encryption with integrity" },
		{ 0, ID_SECRET, "no encryption with integrity" },
		{ ID_LOST, ID_MAC, "no loaded plugin computes lost" },
		{ ID_UNKNOWN, ID_MAC, "no loaded plugin computes ENCR-1006" },
		{ ID_CIPHER, ID_UNKNOWN, "no loaded plugin computes INTEG-1006" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		struct rv_proposal p = proposal(rows[i].encr, rows[i].integ);
		struct rv_suite suite;
		struct rv_why why = { 0 };
		assert_int_equal(rv_suite_init(&suite, f->core->registry, &p, &f->user, &why), -RV_ENO_PROVIDER);
		assert_int_equal(why.code, -RV_ENO_PROVIDER);
		if (!strstr(why.text, rows[i].why))
			fail_msg("\"%s\" does not say \"%s\"", why.text, rows[i].why);
		assert_int_equal(users(f), 0);
	}
}

/* A suite with contexts of both directions. */
struct pair {
	struct rv_suite suite;
	_Alignas(64) uint8_t seal[CTX];
	_Alignas(64) uint8_t open[CTX];
};

static const uint8_t key[8] = { 11, 12, 13, 14, 's', 'a', 'l', 't' };
static const uint8_t integ_key[8] = { 5, 6, 7, 8, 'p', 'e', 'p', 'p' };

static void pair_init(struct fixture *f, struct pair *pair, uint16_t encr, uint16_t integ)
{
	struct rv_proposal p = proposal(encr, integ);

	assert_int_equal(rv_suite_init(&pair->suite, f->core->registry, &p, &f->user, NULL), 0);
	struct rv_bytes k = rv_bytes(key, pair->suite.key_len), a = rv_bytes(integ_key, pair->suite.integ_len);
	memset(pair->seal, 0xcc, CTX);
	memset(pair->open, 0xcc, CTX);
	assert_int_equal(rv_cryptor_init(&pair->suite, pair->seal, k, a, true), 0);
	assert_int_equal(rv_cryptor_init(&pair->suite, pair->open, k, a, false), 0);
	for (size_t i = pair->suite.ctx_size; i < CTX; i++)
		assert_int_equal(pair->seal[i], 0xcc);
}

static void pair_fini(struct fixture *f, struct pair *pair)
{
	rv_cryptor_fini(&pair->suite, pair->seal);
	rv_cryptor_fini(&pair->suite, pair->open);
	for (size_t i = 0; i < pair->suite.ctx_size; i++)
		assert_int_equal(pair->seal[i] | pair->open[i], 0);
	rv_suite_fini(&pair->suite);
	assert_int_equal(f->toy.n_init, f->toy.n_fini);
}

static const struct {
	uint16_t encr, integ;
} suites[] = { { ID_COMBINED, 0 },	{ ID_CIPHER, ID_MAC }, { ID_NULL, ID_MAC },
	       { ID_CIPHERS, ID_MACS }, { ID_NULL, ID_MACS },  { ID_IMPLICIT, 0 } };

static const uint8_t spi_seq[8] = { 0xa, 0xb, 0xc, 0xd, 1, 2, 3, 4 };

static struct rv_cryptor_op op_of(const uint8_t *src, uint8_t *dst, uint32_t len, bool use_esn)
{
	struct rv_cryptor_op op = {
		.aad = spi_seq, .aad_len = 8, .use_esn = use_esn, .esn = 0x51525354, .src = src, .dst = dst, .len = len
	};

	memcpy(op.iv, "IVIVivivIVIViviv", 16);
	return op;
}

static void a_packet_is_iv_text_icv_and_opens_again(void **state)
{
	struct fixture *f = *state;
	struct pair pair;
	uint8_t text[64], sealed[128], opened[64];

	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (uint8_t)(i * 7);
	for (size_t s = 0; s < RV_COUNT(suites); s++) {
		pair_init(f, &pair, suites[s].encr, suites[s].integ);
		for (uint32_t len = 0; len <= sizeof(text); len += pair.suite.block_len) {
			size_t whole = pair.suite.iv_len + len + pair.suite.icv_len;
			struct rv_cryptor_op op = op_of(text, sealed, len, len & 1);
			memset(sealed, 0xee, sizeof(sealed));
			assert_int_equal(rv_cryptor_seal(&pair.suite, pair.seal, &op, 1), 0);
			assert_true(op.ok);
			assert_memory_equal(sealed, op.iv, pair.suite.iv_len);
			assert_int_equal(sealed[whole], 0xee);
			op = op_of(sealed, opened, len, len & 1);
			assert_int_equal(rv_cryptor_open(&pair.suite, pair.open, &op, 1), 0);
			assert_true(op.ok);
			assert_memory_equal(opened, text, len);
		}
		pair_fini(f, &pair);
	}
}

static void sealing_and_opening_in_place_gives_the_same(void **state)
{
	struct fixture *f = *state;
	struct pair pair;
	uint8_t text[48], apart[128], buf[128];

	memset(text, 'x', sizeof(text));
	for (size_t s = 0; s < RV_COUNT(suites); s++) {
		pair_init(f, &pair, suites[s].encr, suites[s].integ);
		size_t iv_len = pair.suite.iv_len, whole = iv_len + sizeof(text) + pair.suite.icv_len;
		struct rv_cryptor_op op = op_of(text, apart, sizeof(text), true);
		assert_int_equal(rv_cryptor_seal(&pair.suite, pair.seal, &op, 1), 0);
		memcpy(buf + iv_len, text, sizeof(text));
		op = op_of(buf + iv_len, buf, sizeof(text), true);
		assert_int_equal(rv_cryptor_seal(&pair.suite, pair.seal, &op, 1), 0);
		assert_memory_equal(buf, apart, whole);
		op = op_of(buf, buf + iv_len, sizeof(text), true);
		assert_int_equal(rv_cryptor_open(&pair.suite, pair.open, &op, 1), 0);
		assert_true(op.ok);
		assert_memory_equal(buf + iv_len, text, sizeof(text));
		pair_fini(f, &pair);
	}
}

/* RFC 4106, 5: SPI | high | low for a combined algorithm. RFC 4303, 2.2.1: the high half behind the packet for a MAC.
 */
static void the_high_half_of_a_sequence_number_is_authenticated_in_its_place(void **state)
{
	static const uint8_t with_esn[12] = { 0xa, 0xb, 0xc, 0xd, 0x51, 0x52, 0x53, 0x54, 1, 2, 3, 4 };
	static const uint8_t high[4] = { 0x51, 0x52, 0x53, 0x54 };
	struct fixture *f = *state;
	struct pair pair;
	uint8_t text[8] = "text", sealed[64];
	struct rv_cryptor_op op;

	pair_init(f, &pair, ID_COMBINED, 0);
	op = op_of(text, sealed, 8, true);
	assert_int_equal(rv_cryptor_seal(&pair.suite, pair.seal, &op, 1), 0);
	assert_int_equal(f->toy.aad_len, 12);
	assert_memory_equal(f->toy.aad, with_esn, 12);
	assert_memory_equal(f->toy.nonce, "saltIVIViviv", 12);
	op = op_of(text, sealed, 8, false);
	assert_int_equal(rv_cryptor_seal(&pair.suite, pair.seal, &op, 1), 0);
	assert_int_equal(f->toy.aad_len, 8);
	assert_memory_equal(f->toy.aad, spi_seq, 8);
	for (uint16_t len = 7; len <= 9; len++) {
		op = op_of(text, sealed, 8, true);
		op.aad_len = len;
		assert_int_equal(rv_cryptor_seal(&pair.suite, pair.seal, &op, 1), len == 8 ? 0 : -EINVAL);
	}
	pair_fini(f, &pair);

	pair_init(f, &pair, ID_CIPHER, ID_MAC);
	for (int esn = 0; esn < 2; esn++) {
		op = op_of(text, sealed, 8, esn);
		assert_int_equal(rv_cryptor_seal(&pair.suite, pair.seal, &op, 1), 0);
		assert_int_equal(f->toy.covered_len, 8 + 4 + 8 + 4 * esn);
		assert_memory_equal(f->toy.covered, spi_seq, 8);
		assert_memory_equal(f->toy.covered + 8, sealed, 12);
		assert_memory_equal(f->toy.covered + 20, high, 4u * (unsigned)esn);
	}
	pair_fini(f, &pair);
}

/* What stands in one piece goes to the provider as one message, with the high half where the ICV will be or was. */
static void a_packet_in_one_piece_is_one_message_of_a_burst(void **state)
{
	enum { N = 5, LEN = 16, WHOLE = 8 + 4 + LEN + ICV };
	struct fixture *f = *state;
	struct pair pair, plain;
	uint8_t packets[N][WHOLE + 1], text[LEN] = "sixteen octets.", apart[WHOLE];
	struct rv_cryptor_op ops[N], one;

	pair_init(f, &pair, ID_CIPHERS, ID_MACS);
	pair_init(f, &plain, ID_CIPHER, ID_MAC);
	assert_int_equal(pair.suite.iv, RV_IV_UNIQUE);
	assert_int_equal(plain.suite.iv, RV_IV_RANDOM);
	for (int esn = 0; esn < 2; esn++) {
		for (size_t i = 0; i < N; i++) {
			memcpy(packets[i], spi_seq, 8);
			memcpy(packets[i] + 12, text, LEN);
			packets[i][WHOLE] = 0xee;
			ops[i] = op_of(packets[i] + 12, packets[i] + 8, LEN, esn);
			ops[i].aad = packets[i];
		}
		f->toy.n_bursts = 0;
		assert_int_equal(rv_cryptor_seal(&pair.suite, pair.seal, ops, N), 0);
		assert_int_equal(f->toy.n_bursts, 2);
		one = op_of(text, apart, LEN, esn);
		assert_int_equal(rv_cryptor_seal(&plain.suite, plain.seal, &one, 1), 0);
		for (size_t i = 0; i < N; i++) {
			assert_memory_equal(packets[i] + 8, apart, WHOLE - 8);
			assert_int_equal(packets[i][WHOLE], 0xee);
			ops[i] = op_of(packets[i] + 8, packets[i] + 12, LEN, esn);
			ops[i].aad = packets[i];
		}
		packets[3][13] ^= 1;
		f->toy.n_bursts = 0;
		assert_int_equal(rv_cryptor_open(&pair.suite, pair.open, ops, N), 0);
		assert_int_equal(f->toy.n_bursts, 2);
		for (size_t i = 0; i < N; i++) {
			assert_int_equal(ops[i].ok, i != 3);
			if (i != 3)
				assert_memory_equal(packets[i] + 12, text, LEN);
		}
		/* what was not authentic is as it was: the next high half can be tried */
		packets[3][13] ^= 1;
		ops[3] = op_of(packets[3] + 8, packets[3] + 12, LEN, esn);
		ops[3].aad = packets[3];
		ops[3].esn--;
		assert_int_equal(rv_cryptor_open(&pair.suite, pair.open, &ops[3], 1), 0);
		assert_int_equal(ops[3].ok, !esn);
		if (esn) {
			ops[3].esn++;
			assert_int_equal(rv_cryptor_open(&pair.suite, pair.open, &ops[3], 1), 0);
			assert_true(ops[3].ok);
		}
	}
	rv_cryptor_fini(&plain.suite, plain.seal);
	rv_cryptor_fini(&plain.suite, plain.open);
	rv_suite_fini(&plain.suite);
	pair_fini(f, &pair);
}

/* RFC 4543, 4: what only authenticates as the integrity of AH. The ICV covers what stands in front, the IV and the
 * text, and the high half behind them; nothing is decrypted, and what is not authentic stays as it was. */
static void integrity_of_a_combined_service_leaves_the_text_where_it_is(void **state)
{
	enum { N = 3, LEN = 12, WHOLE = 8 + LEN + COMBINED_ICV };
	static const uint8_t high[4] = { 0x51, 0x52, 0x53, 0x54 };
	struct fixture *f = *state;
	struct pair pair;
	uint8_t packets[N][WHOLE + 5], was[WHOLE];
	struct rv_cryptor_op ops[N];

	pair_init(f, &pair, 0, ID_CLEAR);
	for (int esn = 0; esn < 2; esn++) {
		for (size_t i = 0; i < N; i++) {
			memset(packets[i], 0xee, sizeof(packets[i]));
			memcpy(packets[i] + 8, "a clear text", LEN);
			ops[i] = op_of(packets[i] + 8, packets[i], LEN, esn);
		}
		assert_int_equal(rv_cryptor_seal(&pair.suite, pair.seal, ops, N), 0);
		assert_memory_equal(f->toy.nonce, "peppIVIViviv", 12);
		assert_int_equal(f->toy.aad_len, 8);
		assert_memory_equal(f->toy.aad, spi_seq, 8);
		assert_int_equal(f->toy.covered_len, LEN + 4 * esn);
		assert_memory_equal(f->toy.covered, "a clear text", LEN);
		assert_memory_equal(f->toy.covered + LEN, high, 4u * (unsigned)esn);
		for (size_t i = 0; i < N; i++) {
			assert_memory_equal(packets[i], "IVIVivivIVIViviv", 8);
			assert_int_equal(packets[i][WHOLE + 4 * esn], 0xee);
			assert_true(ops[i].ok);
			ops[i] = op_of(packets[i], packets[i] + 8, LEN, esn);
		}
		packets[1][9] ^= 1;
		memcpy(was, packets[1], WHOLE);
		assert_int_equal(rv_cryptor_open(&pair.suite, pair.open, ops, N), 0);
		for (size_t i = 0; i < N; i++)
			assert_int_equal(ops[i].ok, i != 1);
		assert_memory_equal(packets[1], was, WHOLE);
		packets[1][9] ^= 1;
		ops[1].esn += 1;
		assert_int_equal(rv_cryptor_open(&pair.suite, pair.open, &ops[1], 1), 0);
		assert_int_equal(ops[1].ok, !esn);
		ops[1].esn -= 1;
		assert_int_equal(rv_cryptor_open(&pair.suite, pair.open, &ops[1], 1), 0);
		assert_true(ops[1].ok);
	}
	ops[0] = op_of(packets[0], was, LEN, false);
	assert_int_equal(rv_cryptor_open(&pair.suite, pair.open, ops, 1), -EINVAL);
	assert_int_equal(rv_cryptor_seal(&pair.suite, pair.seal, ops, 1), -EINVAL);
	f->toy.fail = -EIO;
	ops[1].ok = true;
	assert_int_equal(rv_cryptor_open(&pair.suite, pair.open, &ops[1], 1), -EIO);
	assert_false(ops[1].ok);
	f->toy.fail = 0;
	rv_ref_drop(pair.suite.integ);
	assert_int_equal(rv_cryptor_open(&pair.suite, pair.open, &ops[1], 1), -RV_ENO_PROVIDER);
	rv_cryptor_fini(&pair.suite, pair.seal);
	rv_cryptor_fini(&pair.suite, pair.open);
	rv_suite_fini(&pair.suite);
}

/* RFC 8750, 4: nothing is sent; the number, which the ICV covers too, is the IV. */
static void an_implicit_iv_is_the_sequence_number(void **state)
{
	static const uint8_t short_nonce[12] = { 's', 'a', 'l', 't', 0, 0, 0, 0, 1, 2, 3, 4 };
	struct fixture *f = *state;
	struct pair pair;
	uint8_t text[8] = "text", sealed[8 + COMBINED_ICV + 1], opened[8];
	struct rv_cryptor_op op;

	pair_init(f, &pair, ID_IMPLICIT, 0);
	assert_int_equal(pair.suite.iv, RV_IV_IMPLICIT);
	assert_int_equal(pair.suite.iv_len, 0);
	for (int esn = 0; esn < 2; esn++) {
		memset(sealed, 0xee, sizeof(sealed));
		op = op_of(text, sealed, 8, esn);
		assert_int_equal(rv_cryptor_seal(&pair.suite, pair.seal, &op, 1), 0);
		assert_memory_equal(f->toy.nonce, esn ? "saltQRST\1\2\3\4" : (const char *)short_nonce, 12);
		assert_int_equal(f->toy.aad_len, esn ? 12 : 8);
		assert_int_equal(sealed[8 + COMBINED_ICV], 0xee);
		op = op_of(sealed, opened, 8, esn);
		assert_int_equal(rv_cryptor_open(&pair.suite, pair.open, &op, 1), 0);
		assert_true(op.ok);
		assert_memory_equal(opened, text, 8);
	}
	for (uint16_t len = 7; len <= 9; len++) {
		op = op_of(text, sealed, 8, false);
		op.aad_len = len;
		assert_int_equal(rv_cryptor_seal(&pair.suite, pair.seal, &op, 1), len == 8 ? 0 : -EINVAL);
	}
	pair_fini(f, &pair);
}

static void a_changed_octet_is_seen_and_nothing_is_decrypted(void **state)
{
	struct fixture *f = *state;
	struct pair pair;
	uint8_t text[16] = "sixteen octets.", sealed[64], opened[64], aad[8];

	for (size_t s = 0; s < RV_COUNT(suites); s++) {
		pair_init(f, &pair, suites[s].encr, suites[s].integ);
		size_t whole = pair.suite.iv_len + sizeof(text) + pair.suite.icv_len;
		struct rv_cryptor_op op = op_of(text, sealed, sizeof(text), true);
		assert_int_equal(rv_cryptor_seal(&pair.suite, pair.seal, &op, 1), 0);
		for (size_t at = 0; at < whole + 8 + 2; at++) {
			memcpy(aad, spi_seq, 8);
			op = op_of(sealed, opened, sizeof(text), true);
			op.aad = aad;
			op.ok = true;
			if (at < whole)
				sealed[at] ^= 0x40;
			else if (at < whole + 8)
				aad[at - whole] ^= 0x40;
			else if (at == whole + 8)
				op.esn ^= 0x40;
			else
				op.use_esn = false;
			unsigned n_crypt = f->toy.n_crypt;
			assert_int_equal(rv_cryptor_open(&pair.suite, pair.open, &op, 1), 0);
			assert_false(op.ok);
			assert_int_equal(f->toy.n_crypt, n_crypt);
			if (at < whole)
				sealed[at] ^= 0x40;
		}
		op = op_of(sealed, opened, sizeof(text), true);
		assert_int_equal(rv_cryptor_open(&pair.suite, pair.open, &op, 1), 0);
		assert_true(op.ok);
		pair_fini(f, &pair);
	}
}

/* Seals n packets, forges the sixth and opens all. */
static void burst_of(struct pair *pair, size_t n)
{
	enum { N = 65, LEN = 8, FORGED = 5 };
	uint8_t text[N][LEN], sealed[N][64] = { { 0 } }, opened[N][LEN];
	struct rv_cryptor_op ops[N];
	int wanted = n <= 64 ? 0 : -EINVAL;

	for (size_t i = 0; i < n; i++) {
		memset(text[i], (int)i, LEN);
		ops[i] = op_of(text[i], sealed[i], LEN, true);
		ops[i].iv[0] = (uint8_t)i;
		ops[i].esn = (uint32_t)i;
	}
	assert_int_equal(rv_cryptor_seal(&pair->suite, pair->seal, ops, n), wanted);
	for (size_t i = 0; i < n; i++) {
		ops[i].src = sealed[i];
		ops[i].dst = opened[i];
	}
	sealed[FORGED][3] ^= 1;
	assert_int_equal(rv_cryptor_open(&pair->suite, pair->open, ops, n), wanted);
	for (size_t i = 0; i < n && !wanted; i++) {
		assert_int_equal(ops[i].ok, i != FORGED);
		if (ops[i].ok)
			assert_memory_equal(opened[i], text[i], LEN);
	}
}

static void a_burst_has_at_most_64_packets_each_with_its_own_verdict(void **state)
{
	struct fixture *f = *state;
	struct pair pair;
	struct rv_cryptor_op ops[1];

	for (size_t s = 0; s < RV_COUNT(suites); s++) {
		pair_init(f, &pair, suites[s].encr, suites[s].integ);
		for (size_t n = 63; n <= 65; n++)
			burst_of(&pair, n);
		assert_int_equal(rv_cryptor_seal(&pair.suite, pair.seal, ops, 0), 0);
		assert_int_equal(rv_cryptor_open(&pair.suite, pair.open, ops, 0), 0);
		pair_fini(f, &pair);
	}
}

static void part_of_a_block_is_not_sealed_and_does_not_open(void **state)
{
	struct fixture *f = *state;
	struct pair pair;
	uint8_t text[16] = { 0 }, sealed[64] = { 0 };

	pair_init(f, &pair, ID_CIPHER, ID_MAC);
	for (uint32_t len = 7; len <= 9; len++) {
		struct rv_cryptor_op op = op_of(text, sealed, len, false);
		assert_int_equal(rv_cryptor_seal(&pair.suite, pair.seal, &op, 1), len == 8 ? 0 : -EINVAL);
		assert_int_equal(op.ok, len == 8);
		op = op_of(sealed, text, len, false);
		assert_int_equal(rv_cryptor_open(&pair.suite, pair.open, &op, 1), 0);
		assert_int_equal(op.ok, len == 8);
	}
	pair_fini(f, &pair);
}

static void a_failing_provider_is_reported_and_nothing_is_ok(void **state)
{
	struct fixture *f = *state;
	struct pair pair;
	uint8_t text[8] = { 0 }, sealed[64];

	for (size_t s = 0; s < RV_COUNT(suites); s++) {
		pair_init(f, &pair, suites[s].encr, suites[s].integ);
		struct rv_cryptor_op op = op_of(text, sealed, 8, false);
		assert_int_equal(rv_cryptor_seal(&pair.suite, pair.seal, &op, 1), 0);
		f->toy.fail = -EIO;
		op = op_of(text, sealed, 8, false);
		op.ok = true;
		assert_int_equal(rv_cryptor_seal(&pair.suite, pair.seal, &op, 1), -EIO);
		assert_false(op.ok);
		op = op_of(sealed, text, 8, false);
		op.ok = true;
		assert_int_equal(rv_cryptor_open(&pair.suite, pair.open, &op, 1), -EIO);
		assert_false(op.ok);
		f->toy.fail = 0;
		pair_fini(f, &pair);
	}
}

static void keys_fit_only_when_exact(const struct rv_suite *suite, size_t key_len, size_t integ_len)
{
	static const uint8_t zeros[32];
	_Alignas(64) uint8_t ctx[CTX];
	bool fits = key_len == suite->key_len && integ_len == suite->integ_len;

	assert_int_equal(rv_cryptor_init(suite, ctx, rv_bytes(zeros, key_len), rv_bytes(zeros, integ_len), true),
			 fits ? 0 : -EINVAL);
	if (fits)
		rv_cryptor_fini(suite, ctx);
}

static void keys_have_their_exact_lengths(void **state)
{
	struct fixture *f = *state;
	struct rv_suite suite;

	for (size_t s = 0; s < RV_COUNT(suites); s++) {
		struct rv_proposal p = proposal(suites[s].encr, suites[s].integ);
		assert_int_equal(rv_suite_init(&suite, f->core->registry, &p, &f->user, NULL), 0);
		for (size_t k = 0; k <= 9; k++)
			for (size_t a = 0; a <= 5; a++)
				keys_fit_only_when_exact(&suite, k, a);
		rv_suite_fini(&suite);
	}
	assert_int_equal(f->toy.n_init, f->toy.n_fini);
}

static void half_a_context_is_taken_back(void **state)
{
	struct fixture *f = *state;
	struct rv_proposal p = proposal(ID_CIPHER, ID_MAC);
	struct rv_suite suite;
	_Alignas(64) uint8_t ctx[CTX];

	assert_int_equal(rv_suite_init(&suite, f->core->registry, &p, &f->user, NULL), 0);
	f->toy.fail_init = -ENOMEM;
	assert_int_equal(rv_cryptor_init(&suite, ctx, rv_bytes(key, KEY), rv_bytes(integ_key, KEY), true), -ENOMEM);
	assert_int_equal(f->toy.n_init, 1);
	assert_int_equal(f->toy.n_fini, 1);
	rv_suite_fini(&suite);
}

/* A plugin that is torn out leaves empty references behind: nothing is then sent in clear text. */
static void a_suite_whose_services_are_gone_does_nothing(void **state)
{
	struct fixture *f = *state;
	struct pair pair;
	uint8_t text[8] = "secret!", sealed[64];

	for (size_t s = 0; s < RV_COUNT(suites); s++) {
		pair_init(f, &pair, suites[s].encr, suites[s].integ);
		rv_ref_drop(suites[s].encr == ID_NULL ? pair.suite.integ : &pair.suite.encr);
		memset(sealed, 0, sizeof(sealed));
		struct rv_cryptor_op op = op_of(text, sealed, 8, false);
		assert_int_equal(rv_cryptor_seal(&pair.suite, pair.seal, &op, 1), -RV_ENO_PROVIDER);
		assert_false(op.ok);
		for (size_t i = 0; i < sizeof(sealed); i++)
			assert_int_equal(sealed[i], 0);
		assert_int_equal(rv_cryptor_open(&pair.suite, pair.open, &op, 1), -RV_ENO_PROVIDER);
		assert_false(op.ok);
		struct rv_bytes k = rv_bytes(key, pair.suite.key_len), a = rv_bytes(integ_key, pair.suite.integ_len);
		assert_int_equal(rv_cryptor_init(&pair.suite, pair.seal, k, a, true), -RV_ENO_PROVIDER);
		rv_cryptor_fini(&pair.suite, pair.seal);
		rv_cryptor_fini(&pair.suite, pair.open);
		rv_suite_fini(&pair.suite);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(a_suite_has_the_sizes_of_its_services),
		TEST(what_makes_no_suite_is_refused_and_holds_nothing),
		TEST(a_packet_is_iv_text_icv_and_opens_again),
		TEST(sealing_and_opening_in_place_gives_the_same),
		TEST(the_high_half_of_a_sequence_number_is_authenticated_in_its_place),
		TEST(a_packet_in_one_piece_is_one_message_of_a_burst),
		TEST(integrity_of_a_combined_service_leaves_the_text_where_it_is),
		TEST(an_implicit_iv_is_the_sequence_number),
		TEST(a_changed_octet_is_seen_and_nothing_is_decrypted),
		TEST(a_burst_has_at_most_64_packets_each_with_its_own_verdict),
		TEST(part_of_a_block_is_not_sealed_and_does_not_open),
		TEST(a_failing_provider_is_reported_and_nothing_is_ok),
		TEST(keys_have_their_exact_lengths),
		TEST(half_a_context_is_taken_back),
		TEST(a_suite_whose_services_are_gone_does_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
