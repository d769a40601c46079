// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-cookie: a cookie fits its request and two secrets, and nothing else. */
#include "test.h"

#include "octets/cookie.h"
#include "test-services.h"

static const struct rv_bytes none;
static const uint8_t fresh[3][IKE_COOKIE_SECRET_LEN] = { "first secret", "second secret", "third secret" };
static const struct rv_addr from = { .family = RV_IPV4, .port = 500, .ip = { 192, 0, 2, 1 } };

static void without_a_secret_there_is_no_cookie(void **state)
{
	struct rv_core *core = test_core();
	struct ike_cookies *cookies = ike_cookies_new(core, core->vault);
	struct rv_service *prf = test_service(core, "prf", "hmac-sha256");
	struct rv_bytes info;
	uint8_t cookie[IKE_COOKIE_MAX] = { 0 };

	assert_non_null(cookies);
	assert_int_equal(ike_cookie_make(cookies, prf, RV_STR("nonce"), &from, 1, none, cookie), -RV_ESTATE);
	assert_false(
		ike_cookie_check(cookies, prf, rv_bytes(cookie, IKE_COOKIE_LEN), RV_STR("nonce"), &from, 1, &info));
	test_core_end(core);
}

static void a_cookie_is_version_and_keyed_hash(void **state)
{
	struct rv_core *core = test_core();
	struct ike_cookies *cookies = ike_cookies_new(core, core->vault);
	struct rv_service *prf = test_service(core, "prf", "hmac-sha256");
	const struct rv_bytes part = RV_STR("\0nonce"
					    "\xc0\x00\x02\x01"
					    "\0\0\0\0\0\0\0\1");
	const struct rv_prf_ops *ops = rv_service_ops(prf);
	uint8_t cookie[IKE_COOKIE_MAX], want[32];

	ike_cookies_rotate(cookies, fresh[0]);
	assert_int_equal(ike_cookie_make(cookies, prf, RV_STR("nonce"), &from, 1, none, cookie), IKE_COOKIE_LEN);
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
	struct rv_bytes info;
	uint8_t cookie[IKE_COOKIE_MAX];

	ike_cookies_rotate(cookies, fresh[0]);
	assert_int_equal(ike_cookie_make(cookies, prf, RV_STR("nonce"), &from, 1, none, cookie), IKE_COOKIE_LEN);
	for (size_t i = 0; i < RV_COUNT(requests); i++) {
		struct rv_bytes nonce = rv_bytes(requests[i].nonce, strlen(requests[i].nonce));

		if (ike_cookie_check(cookies, prf, rv_bytes(cookie, IKE_COOKIE_LEN), nonce, &requests[i].addr,
				     requests[i].spi_i, &info) != requests[i].ok)
			fail_msg("%s", requests[i].what);
	}
	test_core_end(core);
}

static void a_changed_cookie_is_refused(void **state)
{
	struct rv_core *core = test_core();
	struct ike_cookies *cookies = ike_cookies_new(core, core->vault);
	struct rv_service *prf = test_service(core, "prf", "hmac-sha512");
	struct rv_bytes info;
	uint8_t cookie[IKE_COOKIE_MAX] = { 0 };

	ike_cookies_rotate(cookies, fresh[0]);
	assert_int_equal(ike_cookie_make(cookies, prf, RV_STR("nonce"), &from, 1, none, cookie), IKE_COOKIE_LEN);
	for (size_t len = 0; len <= IKE_COOKIE_LEN + 1; len++)
		assert_int_equal(
			ike_cookie_check(cookies, prf, rv_bytes(cookie, len), RV_STR("nonce"), &from, 1, &info),
			len == IKE_COOKIE_LEN);
	for (size_t i = 0; i < IKE_COOKIE_LEN; i++) {
		cookie[i] ^= 0x40;
		assert_false(ike_cookie_check(cookies, prf, rv_bytes(cookie, IKE_COOKIE_LEN), RV_STR("nonce"), &from, 1,
					      &info));
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
	struct rv_bytes info;
	uint8_t cookie[IKE_COOKIE_MAX];
	struct rv_bytes c = rv_bytes(cookie, IKE_COOKIE_LEN);

	/* 256 rotations later the version is 0 again, as it is before the first */
	for (unsigned i = 0; i < 256; i++)
		ike_cookies_rotate(zero, zeros);
	assert_int_equal(ike_cookie_make(zero, prf, RV_STR("nonce"), &from, 1, none, cookie), IKE_COOKIE_LEN);
	assert_int_equal(cookie[0], 0);
	assert_false(ike_cookie_check(cookies, prf, c, RV_STR("nonce"), &from, 1, &info));
	ike_cookies_rotate(cookies, fresh[0]);
	assert_false(ike_cookie_check(cookies, prf, c, RV_STR("nonce"), &from, 1, &info));
	test_core_end(core);
}

static void a_cookie_lives_through_one_rotation_and_not_two(void **state)
{
	struct rv_core *core = test_core();
	struct ike_cookies *cookies = ike_cookies_new(core, core->vault);
	struct rv_service *prf = test_service(core, "prf", "hmac-sha1");
	struct rv_bytes info;
	uint8_t cookie[IKE_COOKIE_MAX];
	struct rv_bytes c = rv_bytes(cookie, IKE_COOKIE_LEN);

	/* the version wraps after 255 */
	for (unsigned i = 0; i < 300; i++) {
		ike_cookies_rotate(cookies, fresh[i % 3]);
		assert_int_equal(ike_cookie_make(cookies, prf, RV_STR("nonce"), &from, 1, none, cookie),
				 IKE_COOKIE_LEN);
		assert_true(ike_cookie_check(cookies, prf, c, RV_STR("nonce"), &from, 1, &info));
		ike_cookies_rotate(cookies, fresh[(i + 1) % 3]);
		assert_true(ike_cookie_check(cookies, prf, c, RV_STR("nonce"), &from, 1, &info));
		ike_cookies_rotate(cookies, fresh[(i + 2) % 3]);
		assert_false(ike_cookie_check(cookies, prf, c, RV_STR("nonce"), &from, 1, &info));
	}
	test_core_end(core);
}

/* what the asker put into a cookie comes back, and nobody can put something else there */
static void info_comes_back(void **state)
{
	struct rv_core *core = test_core();
	struct ike_cookies *cookies = ike_cookies_new(core, core->vault);
	struct rv_service *prf = test_service(core, "prf", "hmac-sha256");
	uint8_t all[IKE_COOKIE_INFO_MAX + 1] = { 1, 2, 3 }, cookie[IKE_COOKIE_MAX], plain[IKE_COOKIE_MAX];
	struct rv_bytes info;

	ike_cookies_rotate(cookies, fresh[0]);
	for (size_t n = 0; n <= IKE_COOKIE_INFO_MAX; n++) {
		int len = ike_cookie_make(cookies, prf, RV_STR("nonce"), &from, 1, rv_bytes(all, n), cookie);

		assert_int_equal(len, IKE_COOKIE_LEN + n);
		assert_true(ike_cookie_check(cookies, prf, rv_bytes(cookie, (size_t)len), RV_STR("nonce"), &from, 1,
					     &info));
		assert_true(rv_bytes_equal(info, rv_bytes(all, n)));
		for (size_t i = 0; i < (size_t)len; i++) {
			cookie[i] ^= 1;
			assert_false(ike_cookie_check(cookies, prf, rv_bytes(cookie, (size_t)len), RV_STR("nonce"),
						      &from, 1, &info));
			cookie[i] ^= 1;
		}
	}
	assert_int_equal(ike_cookie_make(cookies, prf, RV_STR("nonce"), &from, 1, rv_bytes(all, sizeof(all)), cookie),
			 -RV_ELIMIT);
	/* the nonce is a stranger's choice: its first octets do not become info */
	assert_int_equal(ike_cookie_make(cookies, prf, RV_STR("Anonce"), &from, 1, none, plain), IKE_COOKIE_LEN);
	cookie[0] = plain[0];
	cookie[1] = 'A';
	memcpy(cookie + 2, plain + 1, IKE_COOKIE_LEN - 1);
	assert_false(
		ike_cookie_check(cookies, prf, rv_bytes(cookie, IKE_COOKIE_LEN + 1), RV_STR("nonce"), &from, 1, &info));
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
		cmocka_unit_test(info_comes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
