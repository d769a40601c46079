// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-gateway: REDIRECT payloads as RFC 5685, 9.2 draws them, and first messages read without state. */
#include "test.h"

#include "redirect.h"

static const struct {
	const char *gateway, *nonce, *hex;
} rows[] = {
	{ "192.0.2.1", "", "0104c0000201" },
	{ "192.0.2.1", "00112233445566778899aabbccddeeff", "0104c000020100112233445566778899aabbccddeeff" },
	{ "2001:db8::1", "", "021020010db8000000000000000000000001" },
	{ "gw.example", "", "030a67772e6578616d706c65" },
};

static void gateways_are_written_and_read_as_drawn(void **state)
{
	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		uint8_t room[REDIRECT_MAX], hex[64], octets[64];
		struct rv_bytes nonce = rv_bytes(octets, test_hex(rows[i].nonce, octets, sizeof(octets))), got;
		struct rv_bytes data = gateway_write(rows[i].gateway, nonce, room);
		char text[GATEWAY_TEXT];

		assert_true(rv_bytes_equal(data, rv_bytes(hex, test_hex(rows[i].hex, hex, sizeof(hex)))));
		assert_true(gateway_read(data, text, &got));
		assert_string_equal(text, rows[i].gateway);
		assert_true(rv_bytes_equal(got, nonce));
	}
}

static void what_is_no_gateway_is_refused(void **state)
{
	static const struct {
		const char *what, *hex;
	} bad[] = {
		{ "nothing", "" },
		{ "no length", "01" },
		{ "IPv4, too short", "0103c00002" },
		{ "IPv4, too long", "0105c000020100" },
		{ "IPv4, cut", "0104c00002" },
		{ "no address", "010400000000" },
		{ "IPv6, too short", "020f20010db80000000000000000000000" },
		{ "an empty name", "0300" },
		{ "a name with a NUL", "0303670077" },
		{ "a name with a blank", "0303672077" },
		{ "a name that is an option", "03022d67" },
		{ "an unknown type", "0404c0000201" },
	};
	char text[GATEWAY_TEXT];
	uint8_t octets[64], room[REDIRECT_MAX];
	struct rv_bytes nonce;

	for (size_t i = 0; i < RV_COUNT(bad); i++)
		if (gateway_read(rv_bytes(octets, test_hex(bad[i].hex, octets, sizeof(octets))), text, &nonce))
			fail_msg("%s", bad[i].what);
	assert_int_equal(gateway_write("not a name", rv_bytes(NULL, 0), room).len, 0);
	assert_int_equal(gateway_write("", rv_bytes(NULL, 0), room).len, 0);
}

/* HDR(A,0), Nonce, N(REDIRECT_SUPPORTED) */
#define HEADER                                                                                                         \
	"0102030405060708"                                                                                             \
	"0000000000000000"                                                                                             \
	"28"                                                                                                           \
	"20"                                                                                                           \
	"22"                                                                                                           \
	"08"                                                                                                           \
	"00000000"
#define NONCE                                                                                                          \
	"29000014"                                                                                                     \
	"00112233445566778899aabbccddeeff"
#define SUPPORTED                                                                                                      \
	"00000008"                                                                                                     \
	"00004016"

#define VENDOR                                                                                                         \
	"0000000c"                                                                                                     \
	"0102030405060708"
#define LONGER                                                                                                         \
	HEADER "00000044" NONCE "2b000008"                                                                             \
	       "00004016" VENDOR

static void first_messages_are_read_without_state(void **state)
{
	static const struct {
		const char *what, *hex;
		bool ok, supported;
	} messages[] = {
		{ "supported", HEADER "00000038" NONCE SUPPORTED, true, true },
		{ "redirected",
		  HEADER "00000038" NONCE "00000008"
			 "00004018",
		  true, true },
		{ "another notification",
		  HEADER "00000038" NONCE "00000008"
			 "00004004",
		  true, false },
		{ "the length of the header", HEADER "00000039" NONCE SUPPORTED, false, false },
		{ "a payload too long",
		  HEADER "00000038" NONCE "00000009"
			 "00004016",
		  false, false },
		{ "a payload too short",
		  HEADER "00000038" NONCE "00000003"
			 "00004016",
		  false, false },
		{ "a payload that is missing", HEADER "00000030" NONCE, false, false },
		{ "no nonce", "01020304050607080000000000000000292022080000000000000024" SUPPORTED, false, false },
		{ "a response", "01020304050607080000000000000000282022200000000000000038" NONCE SUPPORTED, false,
		  false },
		{ "a responder SPI", "01020304050607080000000000000001282022080000000000000038" NONCE SUPPORTED, false,
		  false },
		{ "another exchange", "01020304050607080000000000000000282023080000000000000038" NONCE SUPPORTED, false,
		  false },
		{ "only a header",
		  "01020304050607080000000000000000002022080000000000000"
		  "01c",
		  false, false },
	};
	uint8_t octets[128];
	struct init_request request;

	for (size_t i = 0; i < RV_COUNT(messages); i++) {
		struct rv_bytes message = rv_bytes(octets, test_hex(messages[i].hex, octets, sizeof(octets)));

		if (init_request_read(message, &request) != messages[i].ok)
			fail_msg("%s", messages[i].what);
		if (messages[i].ok && request.supported != messages[i].supported)
			fail_msg("%s", messages[i].what);
	}
}

static void first_messages_are_answered_as_drawn(void **state)
{
	uint8_t octets[128], room[28 + 8 + REDIRECT_MAX], want[128];
	struct rv_bytes message = rv_bytes(octets, test_hex(LONGER, octets, sizeof(octets))), answer;
	struct init_request request;

	/* HDR(A,0), N(REDIRECT, New_GW_ID, Ni_data) */
	assert_true(init_request_read(message, &request));
	answer = init_answer_write(&request, "192.0.2.1", room, sizeof(room));
	assert_true(rv_bytes_equal(answer, rv_bytes(want, test_hex("0102030405060708"
								   "0000000000000000"
								   "29"
								   "20"
								   "22"
								   "20"
								   "00000000"
								   "0000003a"
								   "0000001e"
								   "00004017"
								   "0104c0000201"
								   "00112233445566778899aabbccddeeff",
								   want, sizeof(want)))));
}

/* Whoever sends an IKE_SA_INIT request may have forged its source: no answer has more octets than what was sent. The
 * smallest request has 56, the answer with the longest name would have 5.5 times as many. */
static void an_answer_is_no_larger_than_its_request(void **state)
{
	enum { NONCE_MIN = 16, NONCE_MAX = 256, NAME_MAX_LEN = 253, SMALLEST = 56, STEP = 15 };
	uint8_t nonce[NONCE_MAX] = { 0 }, room[28 + 8 + REDIRECT_MAX];
	char name[NAME_MAX_LEN + 1];

	for (size_t n = NONCE_MIN; n <= NONCE_MAX; n += STEP)
		for (size_t len = 1; len <= NAME_MAX_LEN; len++) {
			const size_t whole = 28 + 8 + 2 + len + n;
			struct init_request request = { .len = whole, .spi_i = 1, .nonce = rv_bytes(nonce, n) };
			memset(name, 'a', len);
			name[len] = 0;
			assert_int_equal(init_answer_write(&request, name, room, sizeof(room)).len, whole);
			request.len = whole - 1;
			assert_int_equal(init_answer_write(&request, name, room, sizeof(room)).len, 0);
			request.len = SMALLEST - NONCE_MIN + n;
			assert_true(init_answer_write(&request, name, room, sizeof(room)).len <= request.len);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gateways_are_written_and_read_as_drawn),
		cmocka_unit_test(what_is_no_gateway_is_refused),
		cmocka_unit_test(first_messages_are_read_without_state),
		cmocka_unit_test(first_messages_are_answered_as_drawn),
		cmocka_unit_test(an_answer_is_no_larger_than_its_request),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
