// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-nat: NAT detection hashes against another implementation, and what is concluded from them. */
#include "test.h"

#include "octets/nat.h"
#include "test-services.h"

#include <errno.h>

static const struct {
	const char *spi_i, *spi_r, *addr;
	uint16_t port;
	const char *hash;
} rows[] = {
#include "vectors/nat.inc"
};

static uint64_t number(const char *text)
{
	uint8_t buf[8];
	struct rv_rd r = rv_rd(rv_bytes(buf, test_hex(text, buf, sizeof(buf))));

	return rv_rd_u64(&r);
}

static void hashes_are_those_of_another_implementation(void **state)
{
	struct rv_core *core = test_core();
	struct rv_service *sha1 = test_service(core, "hash", "sha1");

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		uint8_t hash[IKE_NAT_HASH_LEN];
		struct rv_addr addr;

		assert_int_equal(rv_addr_parse(&addr, rows[i].addr), 0);
		addr.port = rows[i].port;
		assert_int_equal(ike_nat_hash(sha1, number(rows[i].spi_i), number(rows[i].spi_r), &addr, hash), 0);
		test_assert_hex(rows[i].addr, rv_bytes(hash, sizeof(hash)), rows[i].hash);
	}
	test_core_end(core);
}

static void an_address_needs_a_family_and_the_hash_20_octets(void **state)
{
	struct rv_core *core = test_core();
	const struct rv_addr none = { 0 }, some = { .family = RV_IPV4 };
	uint8_t hash[IKE_NAT_HASH_LEN];

	assert_int_equal(ike_nat_hash(test_service(core, "hash", "sha1"), 1, 2, &none, hash), -EINVAL);
	assert_int_equal(ike_nat_hash(test_service(core, "hash", "sha256"), 1, 2, &some, hash), -EINVAL);
	test_core_end(core);
}

/* Which addresses a message claims with NAT_DETECTION_SOURCE_IP (NULL-terminated; "" for a hash that is too short), and
 * what is seen from 192.0.2.1:500. */
static const struct {
	const char *what, *claims[4];
	enum ike_nat seen;
} looks[] = {
	{ "no claim", { NULL }, IKE_NAT_UNKNOWN },
	{ "the address", { "192.0.2.1:500" }, IKE_NAT_NONE },
	{ "another address", { "192.0.2.2:500" }, IKE_NAT_FOUND },
	{ "another port", { "192.0.2.1:501" }, IKE_NAT_FOUND },
	{ "one of several", { "10.0.0.1:500", "192.0.2.1:500", "10.0.0.2:500" }, IKE_NAT_NONE },
	{ "none of several", { "10.0.0.1:500", "10.0.0.2:500" }, IKE_NAT_FOUND },
	{ "a hash that is too short", { "" }, IKE_NAT_FOUND },
};

static void a_nat_is_seen_when_no_hash_is_that_of_the_address(void **state)
{
	struct rv_core *core = test_core();
	struct rv_service *sha1 = test_service(core, "hash", "sha1");
	const struct ike_types types = ike_types_own();
	const struct ike_header header = { .spi_i = 0x0102030405060708, .spi_r = 9 };
	struct rv_addr here;

	assert_int_equal(rv_addr_parse(&here, "192.0.2.1:500"), 0);
	for (size_t i = 0; i < RV_COUNT(looks); i++) {
		uint8_t buf[256], hash[IKE_NAT_HASH_LEN];
		struct ike_builder b;
		struct ike_chain chain;
		struct rv_bytes octets;

		ike_builder_init(&b, buf, sizeof(buf));
		for (const char *const *claim = looks[i].claims; *claim; claim++) {
			struct rv_addr addr = here;

			if (**claim)
				assert_int_equal(rv_addr_parse(&addr, *claim), 0);
			assert_int_equal(ike_nat_hash(sha1, header.spi_i, header.spi_r, &addr, hash), 0);
			ike_notify_put(&b, IKE_N_NAT_DETECTION_SOURCE_IP, rv_bytes(hash, **claim ? 20 : 19));
		}
		assert_true(ike_builder_done(&b, &octets));
		assert_int_equal(ike_chain_read(&chain, b.first, octets, &types), 0);
		if (ike_nat_look(sha1, &header, &chain, IKE_N_NAT_DETECTION_SOURCE_IP, &here) != (int)looks[i].seen)
			fail_msg("%s", looks[i].what);
		assert_int_equal(ike_nat_look(sha1, &header, &chain, IKE_N_NAT_DETECTION_DESTINATION_IP, &here),
				 IKE_NAT_UNKNOWN);
	}
	test_core_end(core);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hashes_are_those_of_another_implementation),
		cmocka_unit_test(an_address_needs_a_family_and_the_hash_20_octets),
		cmocka_unit_test(a_nat_is_seen_when_no_hash_is_that_of_the_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
