// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-proposal-wire: the SA payload, from hand-made octets and from the writer; and what counts as an answer. */
#include "test.h"

#include "octets/payload.h"

#include <talloc.h>

/* transforms: 12 octets with a key length, 8 without */
#define GCM128 "0300000c 01000014 800e0080"
#define PRF256 "03000008 02000005"
#define X25519_LAST "00000008 0400001f"
#define LAST_GCM128 "0000000c 01000014 800e0080"

static struct rv_bytes hex(const char *text, uint8_t *buf, size_t cap)
{
	return rv_bytes(buf, test_hex(text, buf, cap));
}

static const struct {
	const char *what, *body;
	bool offer, choice;
} rows[] = {
	{ "one proposal", "00000024 01010003" GCM128 PRF256 X25519_LAST, true, true },
	{ "numbered 2", "00000024 02010003" GCM128 PRF256 X25519_LAST, false, true },
	{ "numbered 0", "00000024 00010003" GCM128 PRF256 X25519_LAST, false, false },
	{ "two", "02000014 01010001" LAST_GCM128 "00000014 02010001" LAST_GCM128, true, false },
	{ "two numbered 1 and 1", "02000014 01010001" LAST_GCM128 "00000014 01010001" LAST_GCM128, false, false },
	{ "two numbered 1 and 3", "02000014 01010001" LAST_GCM128 "00000014 03010001" LAST_GCM128, false, false },
	{ "two of one class", "00000020 01010002" GCM128 LAST_GCM128, true, false },
	{ "more is said, none comes", "02000014 01010001" LAST_GCM128, false, false },
	{ "last is said, more comes", "00000014 01010001" LAST_GCM128 "00000014 02010001" LAST_GCM128, false, false },
	{ "more transforms are said", "00000014 01010001" GCM128, false, false },
	{ "a number of transforms one too many", "00000014 01010002" LAST_GCM128, false, false },
	{ "a number of transforms one too few", "00000020 01010001" GCM128 LAST_GCM128, false, false },
	{ "no transform", "00000008 01010000", false, false },
	{ "IKE with a SPI of 8", "0000001c 01010801 0102030405060708" LAST_GCM128, true, true },
	{ "IKE with a SPI of 4", "00000018 01010401 01020304" LAST_GCM128, false, false },
	{ "ESP with a SPI of 4", "00000018 01030401 01020304" LAST_GCM128, true, true },
	{ "ESP without a SPI", "00000014 01030001" LAST_GCM128, false, false },
	{ "ESP with a SPI of 8", "0000001c 01030801 0102030405060708" LAST_GCM128, false, false },
	{ "an unknown protocol with a SPI of 2", "00000016 01090201 0102" LAST_GCM128, true, true },
	{ "proposal length 7", "00000007 010100", false, false },
	{ "proposal one octet too long", "00000015 01010001" LAST_GCM128 "00", false, false },
	{ "transform length 7", "0000000f 01010001 00000007 010000", false, false },
	{ "transform cut", "0000000f 01010001 00000008 010000", false, false },
	{ "attribute cut", "00000013 01010001 0000000b 01000014 800e00", false, false },
	{ "nothing", "", false, false },
	{ "reserved octets are ignored", "00ff0014 01010001 00ff000c 01ff0014 800e0080", true, true },
	{ "octets behind the last", "00000014 01010001" LAST_GCM128 "00", false, false },
};

static void sa_payloads_are_offers_and_choices_or_not(void **state)
{
	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		uint8_t buf[256];
		struct ike_proposals p;
		struct rv_bytes body = hex(rows[i].body, buf, sizeof(buf));

		if (ike_offer_read(&p, body) != rows[i].offer || ike_choice_read(&p, body) != rows[i].choice)
			fail_msg("%s", rows[i].what);
		if (ike_payload_valid(IKE_PAYLOAD_SA, body) != (rows[i].offer || rows[i].choice))
			fail_msg("%s: valid", rows[i].what);
	}
}

static const struct {
	const char *what, *transform;
	uint16_t key_bits;
} attributes[] = {
	{ "none", "00000008 01000014", 0 },
	{ "a key length", "0000000c 01000014 800e0100", 256 },
	{ "a key length of 0", "0000000c 01000014 800e0000", IKE_TRANSFORM_UNKNOWN },
	{ "another", "0000000c 01000014 800f0100", IKE_TRANSFORM_UNKNOWN },
	{ "a long one", "0000000e 01000014 00630002 abcd", IKE_TRANSFORM_UNKNOWN },
	{ "a key length in the long form", "0000000e 01000014 000e0002 0100", IKE_TRANSFORM_UNKNOWN },
	{ "a key length and another", "00000010 01000014 800e0100 800f0001", IKE_TRANSFORM_UNKNOWN },
	{ "another and a key length", "00000010 01000014 800f0001 800e0100", IKE_TRANSFORM_UNKNOWN },
	{ "two key lengths", "00000010 01000014 800e0100 800e0080", IKE_TRANSFORM_UNKNOWN },
};

static void an_attribute_that_is_not_understood_spoils_its_transform_only(void **state)
{
	for (size_t i = 0; i < RV_COUNT(attributes); i++) {
		uint8_t buf[64], body[80];
		struct rv_bytes t = hex(attributes[i].transform, buf, sizeof(buf));
		struct rv_wr w = rv_wr(body, sizeof(body));
		struct ike_proposals p;

		rv_wr_u16(&w, 0);
		rv_wr_u16(&w, (uint16_t)(8 + t.len));
		rv_wr_u32(&w, 0x01010001);
		rv_wr_put(&w, t);
		if (!ike_offer_read(&p, rv_wr_bytes(&w)) || p.proposal[0].t[0].key_bits != attributes[i].key_bits)
			fail_msg("%s", attributes[i].what);
		assert_int_equal(p.proposal[0].t[0].id, 20);
	}
}

static const struct rv_proposal ike = { RV_PROTO_KEYING, 0, 3, { { 1, 20, 128 }, { 2, 5, 0 }, { 4, 31, 0 } } };
static const struct rv_proposal ike_cbc = {
	RV_PROTO_KEYING, 7, 5, { { 1, 12, 256 }, { 1, 12, 128 }, { 2, 5, 0 }, { 3, 12, 0 }, { 4, 14, 0 } }
};
static const struct rv_proposal esp = {
	RV_PROTO_ESP, 0, 5, { { 1, 20, 128 }, { 4, 31, 0 }, { 4, 0, 0 }, { 5, 0, 0 }, { 5, 1, 0 } }
};

struct round {
	uint8_t buf[32768];
	struct ike_builder b;
	struct ike_chain chain;
	struct ike_proposals p;
};

static struct round *begin(void)
{
	struct round *r = talloc_zero(NULL, struct round);

	assert_non_null(r);
	ike_builder_init(&r->b, r->buf, sizeof(r->buf));
	return r;
}

static struct rv_bytes body(struct round *r)
{
	struct ike_types types = ike_types_own();
	struct rv_bytes octets;

	assert_true(ike_builder_done(&r->b, &octets));
	assert_int_equal(ike_chain_read(&r->chain, r->b.first, octets, &types), 0);
	assert_int_equal(r->chain.p[0].type, IKE_PAYLOAD_SA);
	return r->chain.p[0].body;
}

static bool same(const struct rv_proposal *a, const struct rv_proposal *b)
{
	if (a->protocol != b->protocol || a->n != b->n)
		return false;
	for (unsigned i = 0; i < a->n; i++)
		if (a->t[i].class != b->t[i].class || a->t[i].id != b->t[i].id || a->t[i].key_bits != b->t[i].key_bits)
			return false;
	return true;
}

static void offers_go_there_and_back_numbered_from_1(void **state)
{
	const struct rv_proposal both[] = { ike, ike_cbc };
	struct round *r = begin();

	ike_offer_put(&r->b, both, 2, RV_STR("spi-of-8"));
	assert_true(ike_offer_read(&r->p, body(r)));
	assert_int_equal(r->p.n, 2);
	assert_true(same(&r->p.proposal[0], &ike) && same(&r->p.proposal[1], &ike_cbc));
	assert_int_equal(r->p.proposal[1].number, 2);
	assert_true(rv_bytes_equal(r->p.spi[1], RV_STR("spi-of-8")));
	talloc_free(r);
}

static void a_choice_keeps_its_number(void **state)
{
	struct rv_proposal chosen = ike;
	struct round *r = begin();
	uint8_t want[64];

	chosen.number = 3;
	ike_choice_put(&r->b, &chosen, rv_bytes(NULL, 0));
	assert_memory_equal(body(r).p, want,
			    test_hex("00000024 03010003" GCM128 PRF256 X25519_LAST, want, sizeof(want)));
	assert_true(ike_choice_read(&r->p, r->chain.p[0].body));
	assert_int_equal(r->p.proposal[0].number, 3);
	talloc_free(r);
}

static void proposals_past_the_16th_are_checked_and_left_out(void **state)
{
	struct rv_proposal many[18];
	struct round *r = begin();

	for (size_t i = 0; i < RV_COUNT(many); i++)
		many[i] = ike;
	for (size_t n = 15; n <= 18; n++) {
		ike_builder_init(&r->b, r->buf, sizeof(r->buf));
		ike_offer_put(&r->b, many, n, rv_bytes(NULL, 0));
		assert_true(ike_offer_read(&r->p, body(r)));
		assert_int_equal(r->p.n, n < 16 ? n : 16);
	}
	talloc_free(r);
}

static void too_many_transforms_make_a_proposal_unacceptable(void **state)
{
	uint8_t buf[1024];

	for (uint8_t n = RV_PROPOSAL_TRANSFORMS; n <= RV_PROPOSAL_TRANSFORMS + 1; n++) {
		struct rv_wr w = rv_wr(buf, sizeof(buf));
		struct ike_proposals p;

		rv_wr_u32(&w, 8u + 8u * n);
		rv_wr_u24(&w, 0x010100);
		rv_wr_u8(&w, n);
		for (unsigned i = 1; i <= n; i++) {
			rv_wr_u32(&w, i == n ? 8 : 0x03000008);
			rv_wr_u32(&w, 0x04000000 + i);
		}
		assert_true(ike_offer_read(&p, rv_wr_bytes(&w)));
		assert_int_equal(p.proposal[0].n, RV_PROPOSAL_TRANSFORMS);
		assert_int_equal(p.proposal[0].t[RV_PROPOSAL_TRANSFORMS - 1].class,
				 n > RV_PROPOSAL_TRANSFORMS ? 255 : RV_CLASS_KE);
	}
}

static const struct {
	const char *what;
	bool ok, strip_ke;
	struct rv_proposal chosen;
} answers[] = {
	{ "the first", true, false, { 1, 1, 3, { { 1, 20, 128 }, { 2, 5, 0 }, { 4, 31, 0 } } } },
	{ "in another order", true, false, { 1, 1, 3, { { 4, 31, 0 }, { 2, 5, 0 }, { 1, 20, 128 } } } },
	{ "the second's second key length",
	  true,
	  false,
	  { 1, 2, 4, { { 1, 12, 128 }, { 2, 5, 0 }, { 3, 12, 0 }, { 4, 14, 0 } } } },
	{ "a key length that was not offered",
	  false,
	  false,
	  { 1, 2, 4, { { 1, 12, 192 }, { 2, 5, 0 }, { 3, 12, 0 }, { 4, 14, 0 } } } },
	{ "number 0", false, false, { 1, 0, 3, { { 1, 20, 128 }, { 2, 5, 0 }, { 4, 31, 0 } } } },
	{ "number 4", false, false, { 1, 4, 3, { { 1, 20, 128 }, { 2, 5, 0 }, { 4, 31, 0 } } } },
	{ "the number of another", false, false, { 1, 2, 3, { { 1, 20, 128 }, { 2, 5, 0 }, { 4, 31, 0 } } } },
	{ "another protocol", false, false, { 2, 1, 3, { { 1, 20, 128 }, { 2, 5, 0 }, { 4, 31, 0 } } } },
	{ "a class is missing", false, false, { 1, 1, 2, { { 1, 20, 128 }, { 4, 31, 0 } } } },
	{ "a class twice", false, false, { 1, 1, 4, { { 1, 20, 128 }, { 2, 5, 0 }, { 2, 5, 0 }, { 4, 31, 0 } } } },
	{ "a class that was not offered",
	  false,
	  false,
	  { 1, 1, 4, { { 1, 20, 128 }, { 2, 5, 0 }, { 3, 12, 0 }, { 4, 31, 0 } } } },
	{ "ESP with a key exchange", true, false, { 3, 3, 3, { { 1, 20, 128 }, { 4, 31, 0 }, { 5, 0, 0 } } } },
	{ "ESP with NONE", true, false, { 3, 3, 3, { { 1, 20, 128 }, { 4, 0, 0 }, { 5, 1, 0 } } } },
	{ "ESP without the optional class", true, false, { 3, 3, 2, { { 1, 20, 128 }, { 5, 0, 0 } } } },
	{ "ESP without sequence numbers", false, false, { 3, 3, 2, { { 1, 20, 128 }, { 4, 31, 0 } } } },
	{ "a key exchange is missing", false, false, { 1, 1, 2, { { 1, 20, 128 }, { 2, 5, 0 } } } },
	{ "a key exchange was left out", true, true, { 1, 1, 2, { { 1, 20, 128 }, { 2, 5, 0 } } } },
	{ "a key exchange that was left out", false, true, { 1, 1, 3, { { 1, 20, 128 }, { 2, 5, 0 }, { 4, 31, 0 } } } },
};

static void an_answer_must_be_one_of_our_offers(void **state)
{
	const struct rv_proposal offers[] = { ike, ike_cbc, esp };

	for (size_t i = 0; i < RV_COUNT(answers); i++)
		if (ike_choice_fits(offers, RV_COUNT(offers), &answers[i].chosen, answers[i].strip_ke) != answers[i].ok)
			fail_msg("%s", answers[i].what);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sa_payloads_are_offers_and_choices_or_not),
		cmocka_unit_test(an_attribute_that_is_not_understood_spoils_its_transform_only),
		cmocka_unit_test(offers_go_there_and_back_numbered_from_1),
		cmocka_unit_test(a_choice_keeps_its_number),
		cmocka_unit_test(proposals_past_the_16th_are_checked_and_left_out),
		cmocka_unit_test(too_many_transforms_make_a_proposal_unacceptable),
		cmocka_unit_test(an_answer_must_be_one_of_our_offers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
