// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-payload: every payload's reader at its boundaries, and every writer against its reader. */
#include "test.h"

#include "octets/payload.h"

#include <talloc.h>

#define NONCE16 "000102030405060708090a0b0c0d0e0f"
#define HASH20 NONCE16 "10111213"
#define IP6 "20010db8000000000000000000000001"

static struct rv_bytes hex(const char *text, uint8_t *buf, size_t cap)
{
	return rv_bytes(buf, test_hex(text, buf, cap));
}

static const struct {
	const char *what;
	uint8_t type;
	const char *body;
	bool ok;
} bodies[] = {
	{ "KE smallest", IKE_PAYLOAD_KE, "001f0000 aa", true },
	{ "KE reserved is ignored", IKE_PAYLOAD_KE, "001fffff aa", true },
	{ "KE without a value", IKE_PAYLOAD_KE, "001f0000", false },
	{ "KE cut", IKE_PAYLOAD_KE, "001f00", false },
	{ "Nonce of 15", IKE_PAYLOAD_NONCE, "000102030405060708090a0b0c0d0e", false },
	{ "Nonce of 16", IKE_PAYLOAD_NONCE, NONCE16, true },
	{ "ID FQDN", IKE_PAYLOAD_IDI, "02000000 61", true },
	{ "ID reserved is ignored", IKE_PAYLOAD_IDI, "02ffffff 61", true },
	{ "ID cut", IKE_PAYLOAD_IDR, "020000", false },
	{ "CERT", IKE_PAYLOAD_CERT, "04 30", true },
	{ "CERT empty", IKE_PAYLOAD_CERT, "04", false },
	{ "CERTREQ for any", IKE_PAYLOAD_CERTREQ, "04", true },
	{ "CERTREQ of one hash", IKE_PAYLOAD_CERTREQ, "04" HASH20, true },
	{ "CERTREQ of 19 octets", IKE_PAYLOAD_CERTREQ, "04" NONCE16 "101112", false },
	{ "CERTREQ of 21 octets", IKE_PAYLOAD_CERTREQ, "04" HASH20 "14", false },
	{ "CERTREQ of another encoding", IKE_PAYLOAD_CERTREQ, "07 1011", true },
	{ "CERTREQ without its encoding", IKE_PAYLOAD_CERTREQ, "", false },
	{ "AUTH", IKE_PAYLOAD_AUTH, "02000000 aa", true },
	{ "AUTH reserved is ignored", IKE_PAYLOAD_AUTH, "02ffffff aa", true },
	{ "AUTH empty", IKE_PAYLOAD_AUTH, "02000000", false },
	{ "Notify", IKE_PAYLOAD_NOTIFY, "00004004", true },
	{ "Notify with SPI", IKE_PAYLOAD_NOTIFY, "03044009 11223344", true },
	{ "Notify with SPI cut", IKE_PAYLOAD_NOTIFY, "03044009 112233", false },
	{ "Notify cut", IKE_PAYLOAD_NOTIFY, "000040", false },
	{ "Delete IKE", IKE_PAYLOAD_DELETE, "01000000", true },
	{ "Delete IKE with a SPI", IKE_PAYLOAD_DELETE, "01080001 0102030405060708", false },
	{ "Delete IKE with a number", IKE_PAYLOAD_DELETE, "01000001", false },
	{ "Delete ESP", IKE_PAYLOAD_DELETE, "03040002 1122334455667788", true },
	{ "Delete ESP of none", IKE_PAYLOAD_DELETE, "03040000", true },
	{ "Delete ESP one short", IKE_PAYLOAD_DELETE, "03040002 11223344556677", false },
	{ "Delete ESP one too many", IKE_PAYLOAD_DELETE, "03040002 112233445566778899", false },
	{ "Delete ESP with SPIs of 8", IKE_PAYLOAD_DELETE, "03080001 1122334455667788", false },
	{ "Vendor", IKE_PAYLOAD_VENDOR, "00", true },
	{ "TS IPv4", IKE_PAYLOAD_TSI, "01000000 07000010 0000ffff 0a010000 0a01ffff", true },
	{ "TS reserved is ignored", IKE_PAYLOAD_TSI, "01ffffff 07000010 0000ffff 0a010000 0a01ffff", true },
	{ "TS one address", IKE_PAYLOAD_TSI, "01000000 07000010 0000ffff 0a010000 0a010000", true },
	{ "TS IPv6", IKE_PAYLOAD_TSR, "01000000 083a0028 80008000" IP6 IP6, true },
	{ "TS IPv6 cut", IKE_PAYLOAD_TSR, "01000000 083a0027 80008000" IP6 "20010db80000000000000000000000", false },
	{ "TS OPAQUE ports", IKE_PAYLOAD_TSI, "01000000 07110010 ffff0000 0a010000 0a01ffff", true },
	{ "TS ports backwards", IKE_PAYLOAD_TSI, "01000000 07110010 fffe0000 0a010000 0a01ffff", false },
	{ "TS ports from 65535 to 1", IKE_PAYLOAD_TSI, "01000000 07110010 ffff0001 0a010000 0a01ffff", false },
	{ "TS ports backwards by one", IKE_PAYLOAD_TSI, "01000000 07110010 00510050 0a010000 0a01ffff", false },
	{ "TS addresses backwards", IKE_PAYLOAD_TSI, "01000000 07000010 0000ffff 0a010001 0a010000", false },
	{ "TS none", IKE_PAYLOAD_TSI, "00000000", false },
	{ "TS fewer than said", IKE_PAYLOAD_TSI, "02000000 07000010 0000ffff 0a010000 0a01ffff", false },
	{ "TS more than said", IKE_PAYLOAD_TSI, "01000000 07000010 0000ffff 0a010000 0a01ffff 00", false },
	{ "TS of an IPv4 length for IPv6", IKE_PAYLOAD_TSI, "01000000 08000010 0000ffff 0a010000 0a01ffff", false },
	{ "TS of an unknown type", IKE_PAYLOAD_TSI, "01000000 09000006 abcd", true },
	{ "TS of length 3", IKE_PAYLOAD_TSI, "01000000 09000003", false },
	{ "CP", IKE_PAYLOAD_CP, "01000000 00010000 80030004 01020304", true },
	{ "CP reserved is ignored", IKE_PAYLOAD_CP, "01ffffff 00010000", true },
	{ "CP empty", IKE_PAYLOAD_CP, "01000000", true },
	{ "CP cut", IKE_PAYLOAD_CP, "01000000 00030004 010203", false },
	{ "EAP success", IKE_PAYLOAD_EAP, "03010004", true },
	{ "EAP of a length one too many", IKE_PAYLOAD_EAP, "03010005", false },
	{ "EAP of a length one too few", IKE_PAYLOAD_EAP, "01010005 0101", false },
	{ "EAP cut", IKE_PAYLOAD_EAP, "030100", false },
	{ "an unknown payload", 200, "", true },
};

static void bodies_are_well_formed_or_not(void **state)
{
	for (size_t i = 0; i < RV_COUNT(bodies); i++) {
		uint8_t buf[128];

		if (ike_payload_valid(bodies[i].type, hex(bodies[i].body, buf, sizeof(buf))) != bodies[i].ok)
			fail_msg("%s", bodies[i].what);
	}
}

static void a_nonce_has_at_most_256_octets(void **state)
{
	uint8_t buf[257] = { 0 };
	struct rv_bytes nonce;

	assert_true(ike_nonce_read(&nonce, rv_bytes(buf, 256)));
	assert_false(ike_nonce_read(&nonce, rv_bytes(buf, 257)));
}

/* A builder with its buffer, and what is read back from it. */
struct round {
	uint8_t buf[8192];
	struct ike_builder b;
	struct ike_chain chain;
};

static struct round *begin(void)
{
	struct round *r = talloc_zero(NULL, struct round);

	assert_non_null(r);
	ike_builder_init(&r->b, r->buf, sizeof(r->buf));
	return r;
}

/* The body of the only payload, which must be of this type. */
static struct rv_bytes body(struct round *r, uint8_t type)
{
	struct ike_types types = ike_types_own();
	struct rv_bytes octets;

	assert_true(ike_builder_done(&r->b, &octets));
	assert_int_equal(ike_chain_read(&r->chain, r->b.first, octets, &types), 0);
	assert_int_equal(r->chain.n, 1);
	assert_int_equal(r->chain.p[0].type, type);
	assert_true(ike_payload_valid(type, r->chain.p[0].body));
	return r->chain.p[0].body;
}

static void assert_octets(struct rv_bytes got, const char *want)
{
	uint8_t buf[256];
	size_t len = test_hex(want, buf, sizeof(buf));

	assert_int_equal(got.len, len);
	if (len)
		assert_memory_equal(got.p, buf, len);
}

static void ke_and_nonce_are_written_as_drawn(void **state)
{
	struct round *r = begin();
	struct ike_ke ke;

	ike_ke_put(&r->b, 31, RV_STR("abc"));
	assert_octets(body(r, IKE_PAYLOAD_KE), "001f0000 616263");
	assert_true(ike_ke_read(&ke, r->chain.p[0].body));
	assert_int_equal(ke.group, 31);
	assert_octets(ke.value, "616263");
	ike_builder_init(&r->b, r->buf, sizeof(r->buf));
	ike_nonce_put(&r->b, RV_STR("0123456789abcdef"));
	assert_octets(body(r, IKE_PAYLOAD_NONCE), "30313233343536373839616263646566");
	talloc_free(r);
}

static void an_identity_goes_there_and_back(void **state)
{
	struct round *r = begin();
	struct rv_id *id = rv_id_from_wire(r, RV_ID_FQDN, RV_STR("west.example")), *back;

	assert_non_null(id);
	ike_id_put(&r->b, IKE_PAYLOAD_IDR, id);
	assert_octets(body(r, IKE_PAYLOAD_IDR), "02000000 776573742e6578616d706c65");
	back = ike_id_make(r, r->chain.p[0].body);
	assert_non_null(back);
	assert_true(rv_id_same(id, back));
	assert_null(ike_id_make(r, rv_bytes("\0\0\0\0", 4)));
	assert_null(ike_id_make(r, rv_bytes("\0\0\0\0x", 5)));
	assert_null(ike_id_make(r, rv_bytes("\1\0\0\0\1\2\3", 7)));
	talloc_free(r);
}

static void cert_certreq_and_auth_are_written_as_drawn(void **state)
{
	struct round *r = begin();
	struct ike_cert cert;
	struct ike_auth auth;

	ike_cert_put(&r->b, IKE_PAYLOAD_CERT, 4, RV_STR("der"));
	assert_octets(body(r, IKE_PAYLOAD_CERT), "04 646572");
	assert_true(ike_cert_read(&cert, r->chain.p[0].body));
	assert_int_equal(cert.encoding, 4);
	ike_builder_init(&r->b, r->buf, sizeof(r->buf));
	ike_cert_put(&r->b, IKE_PAYLOAD_CERTREQ, 4, rv_bytes(NULL, 0));
	assert_octets(body(r, IKE_PAYLOAD_CERTREQ), "04");
	ike_builder_init(&r->b, r->buf, sizeof(r->buf));
	ike_auth_put(&r->b, 2, RV_STR("mac"));
	assert_octets(body(r, IKE_PAYLOAD_AUTH), "02000000 6d6163");
	assert_true(ike_auth_read(&auth, r->chain.p[0].body));
	assert_int_equal(auth.method, 2);
	assert_octets(auth.octets, "6d6163");
	talloc_free(r);
}

static void a_notify_is_written_and_found(void **state)
{
	struct round *r = begin();
	struct ike_types types = ike_types_own();
	struct ike_notify n;
	struct rv_bytes octets;

	ike_notify_put(&r->b, IKE_N_COOKIE, RV_STR("c"));
	ike_notify_put_spi(&r->b, IKE_N_REKEY_SA, RV_PROTO_ESP, 0x11223344, rv_bytes(NULL, 0));
	ike_notify_put(&r->b, IKE_N_COOKIE, RV_STR("d"));
	assert_true(ike_builder_done(&r->b, &octets));
	assert_octets(octets, "29000009 00004006 63 2900000c 03044009 11223344 00000009 00004006 64");
	assert_int_equal(ike_chain_read(&r->chain, r->b.first, octets, &types), 0);
	assert_true(ike_notify_find(&r->chain, IKE_N_COOKIE, &n));
	assert_octets(n.data, "63");
	assert_true(ike_notify_find(&r->chain, IKE_N_REKEY_SA, &n));
	assert_int_equal(n.protocol, RV_PROTO_ESP);
	assert_octets(n.spi, "11223344");
	assert_false(ike_notify_find(&r->chain, IKE_N_INITIAL_CONTACT, &n));
	talloc_free(r);
}

static void a_notify_without_spi_has_no_protocol(void **state)
{
	struct ike_notify n;

	assert_true(ike_notify_read(&n, rv_bytes("\3\0\x40\4", 4)));
	assert_int_equal(n.protocol, 0);
}

static void a_delete_lists_its_spis(void **state)
{
	const uint32_t spis[] = { 0x11223344, 0x55667788 };
	struct round *r = begin();
	struct ike_delete d;

	ike_delete_put(&r->b, RV_PROTO_ESP, spis, 2);
	assert_octets(body(r, IKE_PAYLOAD_DELETE), "03040002 11223344 55667788");
	assert_true(ike_delete_read(&d, r->chain.p[0].body));
	assert_int_equal(d.n, 2);
	assert_int_equal(ike_delete_spi(&d, 0), 0x11223344);
	assert_int_equal(ike_delete_spi(&d, 1), 0x55667788);
	assert_int_equal(ike_delete_spi(&d, 2), 0);
	ike_builder_init(&r->b, r->buf, sizeof(r->buf));
	ike_delete_put(&r->b, RV_PROTO_KEYING, NULL, 0);
	assert_octets(body(r, IKE_PAYLOAD_DELETE), "01000000");
	talloc_free(r);
}

static void selectors_go_there_and_back(void **state)
{
	const struct rv_ts ts[] = {
		{ RV_IPV4, 6, 80, 90, { 10, 1, 0, 0 }, { 10, 1, 255, 255 } },
		{ RV_IPV6, 0, 0, 65535, { 0x20, 1 }, { 0x20, 1, [15] = 9 } },
		{ RV_IPV4, 17, 65535, 0, { 0 }, { 255, 255, 255, 255 } },
	};
	struct round *r = begin();
	struct ike_ts_list list;

	ike_ts_put(&r->b, IKE_PAYLOAD_TSI, ts, RV_COUNT(ts));
	assert_true(ike_ts_read(&list, body(r, IKE_PAYLOAD_TSI)));
	assert_int_equal(list.n, RV_COUNT(ts));
	for (size_t i = 0; i < list.n; i++)
		assert_true(rv_ts_same(&list.ts[i], &ts[i]));
	talloc_free(r);
}

static void unknown_selectors_are_left_out(void **state)
{
	uint8_t buf[64];
	struct ike_ts_list list;

	assert_true(ike_ts_read(&list, hex("02000000 09000006 abcd 07060010 00500050 0a010000 0a010000", buf, 64)));
	assert_int_equal(list.n, 1);
	assert_int_equal(list.ts[0].proto, 6);
	assert_int_equal(list.ts[0].port_lo, 80);
	assert_true(ike_ts_read(&list, hex("01000000 09000004", buf, 64)));
	assert_int_equal(list.n, 0);
}

static void selectors_past_the_64th_are_checked_and_left_out(void **state)
{
	struct rv_ts ts[66];
	struct round *r = begin();
	struct ike_ts_list list;

	for (size_t i = 0; i < RV_COUNT(ts); i++)
		ts[i] = (struct rv_ts){ RV_IPV4, 0, 0, 65535, { 10, (uint8_t)i }, { 10, (uint8_t)i } };
	for (size_t n = 63; n <= 66; n++) {
		ike_builder_init(&r->b, r->buf, sizeof(r->buf));
		ike_ts_put(&r->b, IKE_PAYLOAD_TSR, ts, n);
		assert_true(ike_ts_read(&list, body(r, IKE_PAYLOAD_TSR)));
		assert_int_equal(list.n, n < 64 ? n : 64);
	}
	talloc_free(r);
}

static void what_cannot_be_written_makes_the_builder_bad(void **state)
{
	const struct rv_ts dynamic = { .family = 0 };
	const uint32_t spi = 1;
	struct round *r = begin();
	struct rv_bytes octets;

	ike_ts_put(&r->b, IKE_PAYLOAD_TSI, &dynamic, 1);
	assert_false(ike_builder_done(&r->b, &octets));
	ike_builder_init(&r->b, r->buf, sizeof(r->buf));
	ike_ts_put(&r->b, IKE_PAYLOAD_TSI, NULL, 0);
	assert_false(ike_builder_done(&r->b, &octets));
	ike_builder_init(&r->b, r->buf, sizeof(r->buf));
	ike_delete_put(&r->b, RV_PROTO_KEYING, &spi, 1);
	assert_false(ike_builder_done(&r->b, &octets));
	talloc_free(r);
}

static void a_configuration_goes_there_and_back(void **state)
{
	const struct ike_cp cp = { IKE_CP_REQUEST, 2, { { 1, { NULL, 0 } }, { 3, RV_STR("\1\2\3\4") } } };
	struct round *r = begin();
	struct ike_cp back;

	ike_cp_put(&r->b, &cp);
	assert_octets(body(r, IKE_PAYLOAD_CP), "01000000 00010000 00030004 01020304");
	assert_true(ike_cp_read(&back, r->chain.p[0].body));
	assert_int_equal(back.type, IKE_CP_REQUEST);
	assert_int_equal(back.n, 2);
	assert_int_equal(back.attr[1].type, 3);
	assert_octets(back.attr[1].value, "01020304");
	talloc_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bodies_are_well_formed_or_not),
		cmocka_unit_test(a_nonce_has_at_most_256_octets),
		cmocka_unit_test(ke_and_nonce_are_written_as_drawn),
		cmocka_unit_test(an_identity_goes_there_and_back),
		cmocka_unit_test(cert_certreq_and_auth_are_written_as_drawn),
		cmocka_unit_test(a_notify_is_written_and_found),
		cmocka_unit_test(a_notify_without_spi_has_no_protocol),
		cmocka_unit_test(a_delete_lists_its_spis),
		cmocka_unit_test(selectors_go_there_and_back),
		cmocka_unit_test(unknown_selectors_are_left_out),
		cmocka_unit_test(selectors_past_the_64th_are_checked_and_left_out),
		cmocka_unit_test(what_cannot_be_written_makes_the_builder_bad),
		cmocka_unit_test(a_configuration_goes_there_and_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
