// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-cookie: a cookie fits its request and two secrets, and nothing else. */
#include "test.h"

#include "octets/cookie.h"
#include "test-services.h"

static const uint8_t fresh[3][IKE_COOKIE_SECRET_LEN] = { "first secret", "second secret", "third secret" };
static const struct rv_addr from = { .family = RV_IPV4, .port = 500, .ip = { 192, 0, 2, 1 } };

static void without_a_secret_there_is_no_cookie(void **state)
{
	struct rv_core *core = test_core();
	struct ike_cookies *cookies = ike_cookies_new(core, core->vault);
	struct rv_service *prf = test_service(core, "prf", "hmac-sha256");
	uint8_t cookie[IKE_COOKIE_LEN] = { 0 };

	assert_non_null(cookies);
	assert_int_equal(ike_cookie_make(cookies, prf, RV_STR("nonce"), &from, 1, cookie), -RV_ESTATE);
	assert_false(ike_cookie_check(cookies, prf, rv_bytes(cookie, sizeof(cookie)), RV_STR("nonce"), &from, 1));
	test_core_end(core);
}

static void a_cookie_is_version_and_keyed_hash(void **state)
{
	struct rv_core *core = test_core();
	struct ike_cookies *cookies = ike_cookies_new(core, core->vault);
	struct rv_service *prf = test_service(core, "prf", "hmac-sha256");
	const struct rv_bytes part = RV_STR("nonce"
					    "\xc0\x00\x02\x01"
					    "\0\0\0\0\0\0\0\1");
	const struct rv_prf_ops *ops = rv_service_ops(prf);
	uint8_t cookie[IKE_COOKIE_LEN], want[32];

	ike_cookies_rotate(cookies, fresh[0]);
	assert_int_equal(ike_cookie_make(cookies, prf, RV_STR("nonce"), &from, 1, cookie), 0);
	assert_int_equal(ops->prf(rv_service_self(prf), rv_bytes(fresh[0], 32), &part, 1, want), 0);
	assert_int_equal(cookie[0], 1);
	assert_memory_equal(cookie + 1, want, sizeof(want));
	test_core_end(core);
}

static const struct {
	const char *what, *nonce;
	struct rv_addr addr;
	uint64_t spi_i;
	bool ok;
} requests[] = {
	{ "the same", "nonce", { RV_IPV4, 500, 0, { 192, 0, 2, 1 } }, 1, true },
	{ "another port", "nonce", { RV_IPV4, 4500, 0, { 192, 0, 2, 1 } }, 1, true },
	{ "another address", "nonce", { RV_IPV4, 500, 0, { 192, 0, 2, 2 } }, 1, false },
	{ "another family", "nonce", { RV_IPV6, 500, 0, { 192, 0, 2, 1 } }, 1, false },
	{ "another SPI", "nonce", { RV_IPV4, 500, 0, { 192, 0, 2, 1 } }, 2, false },
	{ "another nonce", "nonces", { RV_IPV4, 500, 0, { 192, 0, 2, 1 } }, 1, false },
};

static void a_cookie_fits_its_request_only(void **state)
{
	struct rv_core *core = test_core();
	struct ike_cookies *cookies = ike_cookies_new(core, core->vault);
	struct rv_service *prf = test_service(core, "prf", "hmac-sha256");
	uint8_t cookie[IKE_COOKIE_LEN];

	ike_cookies_rotate(cookies, fresh[0]);
	assert_int_equal(ike_cookie_make(cookies, prf, RV_STR("nonce"), &from, 1, cookie), 0);
	for (size_t i = 0; i < RV_COUNT(requests); i++) {
		struct rv_bytes nonce = rv_bytes(requests[i].nonce, strlen(requests[i].nonce));

		if (ike_cookie_check(cookies, prf, rv_bytes(cookie, sizeof(cookie)), nonce, &requests[i].addr,
				     requests[i].spi_i) != requests[i].ok)
			fail_msg("%s", requests[i].what);
	}
	test_core_end(core);
}

static void a_changed_cookie_is_refused(void **state)
{
	struct rv_core *core = test_core();
	struct ike_cookies *cookies = ike_cookies_new(core, core->vault);
	struct rv_service *prf = test_service(core, "prf", "hmac-sha512");
	uint8_t cookie[IKE_COOKIE_LEN + 1] = { 0 };

	ike_cookies_rotate(cookies, fresh[0]);
	assert_int_equal(ike_cookie_make(cookies, prf, RV_STR("nonce"), &from, 1, cookie), 0);
	for (size_t len = 0; len <= IKE_COOKIE_LEN + 1; len++)
		assert_int_equal(ike_cookie_check(cookies, prf, rv_bytes(cookie, len), RV_STR("nonce"), &from, 1),
				 len == IKE_COOKIE_LEN);
	for (size_t i = 0; i < IKE_COOKIE_LEN; i++) {
		cookie[i] ^= 0x40;
		assert_false(
			ike_cookie_check(cookies, prf, rv_bytes(cookie, IKE_COOKIE_LEN), RV_STR("nonce"), &from, 1));
		cookie[i] ^= 0x40;
	}
	test_core_end(core);
}

static void the_secret_before_the_first_is_none(void **state)
{
	struct rv_core *core = test_core();
	struct ike_cookies *zero = ike_cookies_new(core, core->vault), *cookies = ike_cookies_new(core, core->vault);
	struct rv_service *prf = test_service(core, "prf", "hmac-sha256");
	const uint8_t zeros[IKE_COOKIE_SECRET_LEN] = { 0 };
	uint8_t cookie[IKE_COOKIE_LEN];
	struct rv_bytes c = rv_bytes(cookie, sizeof(cookie));

	/* 256 rotations later the version is 0 again, as it is before the first */
	for (unsigned i = 0; i < 256; i++)
		ike_cookies_rotate(zero, zeros);
	assert_int_equal(ike_cookie_make(zero, prf, RV_STR("nonce"), &from, 1, cookie), 0);
	assert_int_equal(cookie[0], 0);
	assert_false(ike_cookie_check(cookies, prf, c, RV_STR("nonce"), &from, 1));
	ike_cookies_rotate(cookies, fresh[0]);
	assert_false(ike_cookie_check(cookies, prf, c, RV_STR("nonce"), &from, 1));
	test_core_end(core);
}

static void a_cookie_lives_through_one_rotation_and_not_two(void **state)
{
	struct rv_core *core = test_core();
	struct ike_cookies *cookies = ike_cookies_new(core, core->vault);
	struct rv_service *prf = test_service(core, "prf", "hmac-sha1");
	uint8_t cookie[IKE_COOKIE_LEN];
	struct rv_bytes c = rv_bytes(cookie, sizeof(cookie));

	/* the version wraps after 255 */
	for (unsigned i = 0; i < 300; i++) {
		ike_cookies_rotate(cookies, fresh[i % 3]);
		assert_int_equal(ike_cookie_make(cookies, prf, RV_STR("nonce"), &from, 1, cookie), 0);
		assert_true(ike_cookie_check(cookies, prf, c, RV_STR("nonce"), &from, 1));
		ike_cookies_rotate(cookies, fresh[(i + 1) % 3]);
		assert_true(ike_cookie_check(cookies, prf, c, RV_STR("nonce"), &from, 1));
		ike_cookies_rotate(cookies, fresh[(i + 2) % 3]);
		assert_false(ike_cookie_check(cookies, prf, c, RV_STR("nonce"), &from, 1));
	}
	test_core_end(core);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_secret_there_is_no_cookie),
		cmocka_unit_test(a_cookie_is_version_and_keyed_hash),
		cmocka_unit_test(a_cookie_fits_its_request_only),
		cmocka_unit_test(a_changed_cookie_is_refused),
		cmocka_unit_test(the_secret_before_the_first_is_none),
		cmocka_unit_test(a_cookie_lives_through_one_rotation_and_not_two),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
