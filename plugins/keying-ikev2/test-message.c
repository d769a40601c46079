// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-message: headers, chains of payloads and the builder, with hand-made octets. */
#include "test.h"

#include "octets/message.h"

#include <errno.h>
#include <ravelin/error.h>

#define HEADER(next, length) "0102030405060708 1112131415161718" next "20 22 08 00000009" length

static struct rv_bytes hex(const char *text, uint8_t *buf, size_t cap)
{
	return rv_bytes(buf, test_hex(text, buf, cap));
}

static void a_header_is_read_and_written_as_drawn(void **state)
{
	uint8_t buf[64], out[28];
	struct rv_bytes in = hex(HEADER("29", "0000001c"), buf, sizeof(buf));
	struct rv_wr w = rv_wr(out, sizeof(out));
	struct ike_header h;

	assert_true(ike_header_read(&h, in));
	assert_int_equal(h.spi_i, 0x0102030405060708);
	assert_int_equal(h.spi_r, 0x1112131415161718);
	assert_int_equal(h.next, IKE_PAYLOAD_NOTIFY);
	assert_int_equal(h.major, 2);
	assert_int_equal(h.minor, 0);
	assert_int_equal(h.exchange, IKE_EXCHANGE_IKE_SA_INIT);
	assert_int_equal(h.flags, IKE_FLAG_INITIATOR);
	assert_int_equal(h.id, 9);
	assert_int_equal(h.length, 28);
	ike_header_write(&w, &h);
	assert_true(rv_wr_done(&w));
	assert_memory_equal(out, buf, sizeof(out));
}

static const struct {
	const char *what, *in;
	bool ok;
} headers[] = {
	{ "exact", HEADER("00", "0000001c"), true },
	{ "one octet short", "0102030405060708 1112131415161718 00 20 22 08 00000009 000000", false },
	{ "length one too many", HEADER("00", "0000001d"), false },
	{ "length one too few", HEADER("00", "0000001b"), false },
	{ "one octet behind the length", HEADER("00", "0000001c") "00", false },
	{ "one octet more and counted", HEADER("00", "0000001d") "00", true },
	{ "another major version", "0102030405060708 1112131415161718 00 31 22 08 00000009 0000001c", true },
	{ "nothing", "", false },
};

static void a_header_must_tell_the_length_of_its_message(void **state)
{
	for (size_t i = 0; i < RV_COUNT(headers); i++) {
		uint8_t buf[64];
		struct ike_header h;

		if (ike_header_read(&h, hex(headers[i].in, buf, sizeof(buf))) != headers[i].ok)
			fail_msg("%s", headers[i].what);
	}
}

/* Types of RFC 7296 and one of an extension, 54. */
static struct ike_types types(void)
{
	struct ike_types t = ike_types_own();

	ike_types_add(&t, 54, false);
	return t;
}

static const struct {
	const char *what;
	uint8_t first;
	const char *in;
	int result;
	unsigned n, refused;
} chains[] = {
	{ "no payload", 0, "", 0, 0, 0 },
	{ "one empty payload", 43, "00000004", 0, 1, 0 },
	{ "a body", 43, "00000006 abcd", 0, 1, 0 },
	{ "two", 43, "29000005 aa 0000000c 0000400400000000", 0, 2, 0 },
	{ "reserved bits are ignored", 43, "007f0005 aa", 0, 1, 0 },
	{ "length 3", 43, "00000003", -RV_ESYNTAX, 0, 0 },
	{ "length 0", 43, "00000000", -RV_ESYNTAX, 0, 0 },
	{ "a header that is cut", 43, "000000", -RV_ESYNTAX, 0, 0 },
	{ "a body that is cut by one", 43, "00000006 ab", -RV_ESYNTAX, 0, 0 },
	{ "one octet behind the end", 43, "00000005 aa 00", -RV_ESYNTAX, 1, 0 },
	{ "a next payload that is not there", 43, "29000005 aa", -RV_ESYNTAX, 1, 0 },
	{ "octets, but no first payload", 0, "00", -RV_ESYNTAX, 0, 0 },
	{ "an unknown payload", 200, "00000004", 0, 1, 0 },
	{ "an unknown critical payload", 200, "00800004", -RV_ECRITICAL, 1, 200 },
	{ "two of them: the first is named", 201, "c8800004 00800004", -RV_ECRITICAL, 2, 201 },
	{ "a known critical payload", 43, "00800004", 0, 1, 0 },
	{ "a critical payload of an extension", 54, "00800004", 0, 1, 0 },
	{ "a broken chain is broken first", 200, "c8800004 00800003", -RV_ESYNTAX, 1, 200 },
	{ "SK in SK", 46, "00000008 00000000", -RV_ESYNTAX, 0, 0 },
	{ "SK behind others in SK", 43, "2e000004 00000004", -RV_ESYNTAX, 1, 0 },
};

static void a_chain_is_read_or_refused(void **state)
{
	struct ike_types t = types();

	for (size_t i = 0; i < RV_COUNT(chains); i++) {
		uint8_t buf[64];
		struct ike_chain chain;
		int r = ike_chain_read(&chain, chains[i].first, hex(chains[i].in, buf, sizeof(buf)), &t);

		if (r != chains[i].result || chain.n != chains[i].n || chain.refused != chains[i].refused)
			fail_msg("%s: %d, %u payloads, refused %u", chains[i].what, r, chain.n, chain.refused);
	}
}

static void a_chain_holds_64_payloads_and_not_65(void **state)
{
	struct ike_types t = types();
	struct ike_chain chain;
	uint8_t buf[65 * 4];

	for (size_t n = 63; n <= 65; n++) {
		struct rv_wr w = rv_wr(buf, sizeof(buf));

		for (size_t i = 1; i <= n; i++) {
			rv_wr_u8(&w, i == n ? 0 : 43);
			rv_wr_u24(&w, 4);
		}
		assert_int_equal(ike_chain_read(&chain, 43, rv_wr_bytes(&w), &t), n <= 64 ? 0 : -RV_ESYNTAX);
	}
}

static void payloads_of_one_type_are_found_in_order(void **state)
{
	uint8_t buf[64];
	struct ike_types t = types();
	struct ike_chain chain;
	uint16_t seen = 0;
	struct rv_bytes in = hex("2b000005 01 29000005 02 29000005 03 2b000005 04 00000005 05", buf, sizeof(buf));

	assert_int_equal(ike_chain_read(&chain, 41, in, &t), 0);
	assert_int_equal(ike_chain_count(&chain, 41), 3);
	assert_int_equal(ike_chain_count(&chain, 43), 2);
	assert_int_equal(ike_chain_count(&chain, 40), 0);
	assert_null(ike_chain_first(&chain, 40));
	ike_chain_each(&chain, p, 41) seen = (uint16_t)(seen << 4 | p->body.p[0]);
	assert_int_equal(seen, 0x134);
}

static const struct {
	const char *what, *in;
	int result;
	unsigned n, sealed, sealed_next;
	size_t body, aad;
} messages[] = {
	{ "empty", HEADER("00", "0000001c"), 0, 0, 0, 0, 0, 0 },
	{ "plain", HEADER("2b", "00000021") "00000005 aa", 0, 1, 0, 0, 0, 0 },
	{ "SK", HEADER("2e", "00000022") "29000006 abcd", 0, 0, 46, 41, 2, 32 },
	{ "SK with nothing inside", HEADER("2e", "00000021") "00000005 ab", 0, 0, 46, 0, 1, 32 },
	{ "SK whose body is empty", HEADER("2e", "00000020") "29000004", 0, 0, 46, 41, 0, 32 },
	{ "a payload in front of SK", HEADER("2b", "00000027") "2e000005 aa 29000006 abcd", 0, 1, 46, 41, 2, 37 },
	{ "SK is not last", HEADER("2e", "00000026") "29000005 ab 00000005 cd", -RV_ESYNTAX, 0, 0, 0, 0, 0 },
	{ "critical in front of SK", HEADER("c8", "00000026") "2e800004 29000006 abcd", -RV_ECRITICAL, 1, 46, 41, 2,
	  36 },
	{ "a wrong length", HEADER("2b", "00000022") "00000005 aa", -RV_ESYNTAX, 0, 0, 0, 0, 0 },
};

static void a_message_is_a_chain_and_perhaps_a_sealed_payload(void **state)
{
	struct ike_types t = types();

	for (size_t i = 0; i < RV_COUNT(messages); i++) {
		uint8_t buf[64];
		struct ike_message m;
		struct rv_bytes in = hex(messages[i].in, buf, sizeof(buf));
		int r = ike_message_read(&m, in, &t);

		if (r != messages[i].result)
			fail_msg("%s: %d", messages[i].what, r);
		if (r == -RV_ESYNTAX)
			continue;
		if (m.chain.n != messages[i].n || m.sealed != messages[i].sealed ||
		    m.sealed_next != messages[i].sealed_next || m.sealed_body.len != messages[i].body ||
		    m.sealed_aad.len != messages[i].aad || (m.sealed && m.sealed_aad.p != in.p))
			fail_msg("%s: %u payloads, sealed %u", messages[i].what, m.chain.n, m.sealed);
	}
}

static void an_extension_can_add_a_last_payload(void **state)
{
	uint8_t buf[64];
	struct ike_types t = ike_types_own();
	struct ike_message m;
	struct rv_bytes in = hex(HEADER("35", "00000026") "29000006 abcd 00000000", buf, sizeof(buf));

	assert_false(ike_types_known(&t, 53));
	ike_types_add(&t, 53, true);
	assert_true(ike_types_known(&t, 53) && ike_types_last(&t, 53) && !ike_types_last(&t, 52));
	assert_int_equal(ike_message_read(&m, in, &t), -RV_ESYNTAX);
	in = hex(HEADER("35", "00000022") "29000006 abcd", buf, sizeof(buf));
	assert_int_equal(ike_message_read(&m, in, &t), 0);
	assert_int_equal(m.sealed, 53);
}

static void what_the_builder_builds_is_what_is_drawn(void **state)
{
	uint8_t chain_buf[64], out[64], want[64];
	const struct ike_header h = { 0x0102030405060708, 0x1112131415161718, 0, 2, 0, 34, 8, 9, 0 };
	size_t len = 0, n = test_hex(HEADER("2b", "00000029") "29000005 aa 00800008 12345678", want, sizeof(want));
	struct ike_builder b;
	struct rv_bytes chain;

	ike_builder_init(&b, chain_buf, sizeof(chain_buf));
	ike_builder_put(&b, IKE_PAYLOAD_VENDOR, rv_bytes("\xaa", 1));
	rv_wr_u32(ike_builder_open(&b, IKE_PAYLOAD_NOTIFY, true), 0x12345678);
	assert_false(ike_builder_done(&b, &chain));
	ike_builder_close(&b);
	assert_true(ike_builder_done(&b, &chain));
	assert_int_equal(ike_message_write(&h, &b, out, n - 1, &len), -ENOSPC);
	assert_int_equal(ike_message_write(&h, &b, out, n, &len), 0);
	assert_int_equal(len, n);
	assert_memory_equal(out, want, n);
}

static void the_builder_fails_once_and_for_good(void **state)
{
	uint8_t buf[8];
	struct ike_builder b;
	struct rv_bytes chain;

	ike_builder_init(&b, buf, sizeof(buf));
	assert_true(ike_builder_done(&b, &chain));
	assert_int_equal(chain.len, 0);
	assert_int_equal(b.first, 0);
	ike_builder_put(&b, IKE_PAYLOAD_VENDOR, rv_bytes("abcd", 4));
	assert_true(ike_builder_done(&b, &chain));
	ike_builder_put(&b, IKE_PAYLOAD_VENDOR, rv_bytes("abcd", 4));
	assert_false(ike_builder_done(&b, &chain));
	ike_builder_init(&b, buf, sizeof(buf));
	ike_builder_open(&b, IKE_PAYLOAD_VENDOR, false);
	ike_builder_open(&b, IKE_PAYLOAD_VENDOR, false);
	ike_builder_close(&b);
	assert_false(ike_builder_done(&b, &chain));
	ike_builder_init(&b, buf, sizeof(buf));
	ike_builder_close(&b);
	assert_false(ike_builder_done(&b, &chain));
}

static void the_builder_builds_no_more_than_the_reader_reads(void **state)
{
	uint8_t buf[65 * 4];
	struct ike_builder b;
	struct rv_bytes chain;

	ike_builder_init(&b, buf, sizeof(buf));
	for (unsigned i = 0; i < 64; i++)
		ike_builder_put(&b, IKE_PAYLOAD_VENDOR, rv_bytes(NULL, 0));
	assert_true(ike_builder_done(&b, &chain));
	ike_builder_put(&b, IKE_PAYLOAD_VENDOR, rv_bytes(NULL, 0));
	assert_false(ike_builder_done(&b, &chain));
}

static void numbers_have_the_names_of_the_rfc(void **state)
{
	assert_string_equal(ike_exchange_name(36), "CREATE_CHILD_SA");
	assert_string_equal(ike_exchange_name(38), "an exchange of an extension");
	assert_string_equal(ike_payload_name(44), "TSi");
	assert_null(ike_payload_name(32));
	assert_null(ike_payload_name(49));
	assert_string_equal(ike_notify_name(16389), "NAT_DETECTION_DESTINATION_IP");
	assert_null(ike_notify_name(16396));
	assert_true(ike_notify_is_error(16383));
	assert_false(ike_notify_is_error(16384));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_header_is_read_and_written_as_drawn),
		cmocka_unit_test(a_header_must_tell_the_length_of_its_message),
		cmocka_unit_test(a_chain_is_read_or_refused),
		cmocka_unit_test(a_chain_holds_64_payloads_and_not_65),
		cmocka_unit_test(payloads_of_one_type_are_found_in_order),
		cmocka_unit_test(a_message_is_a_chain_and_perhaps_a_sealed_payload),
		cmocka_unit_test(an_extension_can_add_a_last_payload),
		cmocka_unit_test(what_the_builder_builds_is_what_is_drawn),
		cmocka_unit_test(the_builder_fails_once_and_for_good),
		cmocka_unit_test(the_builder_builds_no_more_than_the_reader_reads),
		cmocka_unit_test(numbers_have_the_names_of_the_rfc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
