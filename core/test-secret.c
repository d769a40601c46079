// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-secret: the vault gives zeroed memory, wipes it, and gives it back.
 */
#include "test.h"

#include "parts.h"

#include <pthread.h>
#include <sys/resource.h>

enum { SLAB = 64 * 1024 };

static void secrets_of_every_size_are_zeroed_and_do_not_overlap(void **state)
{
	static const size_t sizes[] = { 1,    15,   16,	  17,	31,   32,    33,    100,   128,	  129,	200,
					255,  256,  257,  511,	512,  513,   1023,  1024,  1025,  4095, 4096,
					4097, 8191, 8192, 8193, 9000, 16384, 65519, 65520, 65535, 65536 };
	struct rv_vault *vault = rv_vault_new(NULL);
	struct rv_secret *secrets[RV_COUNT(sizes)][3];

	for (size_t i = 0; i < RV_COUNT(sizes); i++) {
		for (size_t j = 0; j < 3; j++) {
			struct rv_secret *s = rv_secret_new(vault, NULL, sizes[i]);
			assert_non_null(s);
			assert_int_equal(s->len, sizes[i]);
			for (size_t k = 0; k < s->len; k++)
				assert_int_equal(s->b[k], 0);
			memset(s->b, (int)(i * 3 + j + 1), s->len);
			secrets[i][j] = s;
		}
	}
	for (size_t i = 0; i < RV_COUNT(sizes); i++) {
		for (size_t j = 0; j < 3; j++) {
			for (size_t k = 0; k < sizes[i]; k++)
				assert_int_equal(secrets[i][j]->b[k], i * 3 + j + 1);
			talloc_free(secrets[i][j]);
		}
	}
	talloc_free(vault);
}

static void sizes_out_of_range_are_refused(void **state)
{
	struct rv_vault *vault = rv_vault_new(NULL);

	assert_null(rv_secret_new(vault, NULL, 0));
	assert_null(rv_secret_new(vault, NULL, 65537));
	assert_null(rv_secret_new(vault, NULL, SIZE_MAX));
	assert_null(rv_secret_dup(vault, NULL, rv_bytes(NULL, 0)));
	talloc_free(vault);
}

static void a_copy_holds_the_octets(void **state)
{
	struct rv_vault *vault = rv_vault_new(NULL);
	struct rv_secret *secret = rv_secret_dup(vault, vault, RV_STR("swordfish"));

	assert_non_null(secret);
	assert_true(rv_equal_secret(rv_secret_bytes(secret), RV_STR("swordfish")));
	assert_int_equal(rv_secret_bytes(NULL).len, 0);
	talloc_free(secret);
	talloc_free(vault);
}

/* The neighbour keeps the slab mapped, so that the place of the freed secret can be looked at. */
static void a_freed_secret_is_wiped(void **state)
{
	struct rv_vault *vault = rv_vault_new(NULL);
	struct rv_secret *stays = rv_secret_new(vault, NULL, 100);
	struct rv_secret *goes = rv_secret_new(vault, NULL, 100);
	const uint8_t *was = goes->b;

	assert_non_null(stays);
	memset(goes->b, 0xee, goes->len);
	talloc_free(goes);
	/* The first octets hold the vault's link. */
	for (size_t i = 2; i < 100; i++)
		assert_int_equal(was[i], 0);
	goes = rv_secret_new(vault, NULL, 100);
	assert_ptr_equal(goes->b, was);
	for (size_t i = 0; i < 100; i++)
		assert_int_equal(goes->b[i], 0);
	talloc_free(goes);
	talloc_free(stays);
	talloc_free(vault);
}

static void a_secret_dies_with_its_parent(void **state)
{
	struct rv_vault *vault = rv_vault_new(NULL);
	void *parent = talloc_new(NULL);
	struct rv_secret *stays = rv_secret_new(vault, NULL, 64);
	const uint8_t *was = NULL;

	struct rv_secret *goes =
		rv_secret_dup(vault, parent, RV_STR("0123456789012345678901234567890123456789012345678"));
	was = goes->b;
	talloc_free(parent);
	assert_int_equal(was[10], 0);
	talloc_free(stays);
	talloc_free(vault);
}

/* What 100,000 SAs need: one block of keys each. The vault may not cost much more than the keys. */
static void many_secrets_cost_little_more_than_their_octets(void **state)
{
	enum { N = 20000, LEN = 160 };
	struct rv_vault *vault = rv_vault_new(NULL);
	struct rv_secret **secrets = talloc_array(NULL, struct rv_secret *, N);
	size_t locked, total;

	for (size_t i = 0; i < N; i++) {
		secrets[i] = rv_secret_new(vault, secrets, LEN);
		assert_non_null(secrets[i]);
	}
	rv_vault_locked(vault, &locked, &total);
	assert_in_range(total, N * LEN, N * LEN * 102 / 100 + SLAB);
	assert_true(locked <= total);
	talloc_free(secrets);
	rv_vault_locked(vault, &locked, &total);
	assert_in_range(total, 0, SLAB);
	talloc_free(vault);
}

static void chunks_are_reused_in_any_order(void **state)
{
	enum { N = 3000, ROUNDS = 20000 };
	struct rv_vault *vault = rv_vault_new(NULL);
	struct rv_secret *secrets[N] = { 0 };
	uint32_t seed = 1;
	size_t locked, total;

	for (size_t i = 0; i < ROUNDS; i++) {
		seed = seed * 1664525 + 1013904223;
		size_t at = (seed >> 8) % N, len = 1 + (seed >> 20) % 300;
		if (secrets[at]) {
			assert_int_equal(secrets[at]->b[secrets[at]->len - 1], (uint8_t)at | 1);
			talloc_free(secrets[at]);
			secrets[at] = NULL;
			continue;
		}
		secrets[at] = rv_secret_new(vault, NULL, len);
		assert_non_null(secrets[at]);
		for (size_t k = 0; k < len; k++)
			assert_int_equal(secrets[at]->b[k], 0);
		memset(secrets[at]->b, (uint8_t)at | 1, len);
	}
	for (size_t i = 0; i < N; i++)
		talloc_free(secrets[i]);
	rv_vault_locked(vault, &locked, &total);
	assert_in_range(total, 0, 18 * SLAB);
	talloc_free(vault);
}

static void a_limit_on_locked_memory_is_survived_and_counted(void **state)
{
	struct rlimit before, none = { 0 };
	struct rv_vault *vault = rv_vault_new(NULL);
	size_t locked, total;

	assert_int_equal(getrlimit(RLIMIT_MEMLOCK, &before), 0);
	none.rlim_max = before.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &none), 0);
	struct rv_secret *small = rv_secret_new(vault, NULL, 32);
	struct rv_secret *large = rv_secret_new(vault, NULL, 65536);
	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &before), 0);
	assert_non_null(small);
	assert_non_null(large);
	rv_vault_locked(vault, &locked, &total);
	assert_true(total >= SLAB + 65536);
	assert_true(locked == 0 || locked == total); /* all: who may lock in spite of the limit */
	talloc_free(large);
	talloc_free(small);
	rv_vault_locked(vault, &locked, &total);
	assert_int_equal(total, SLAB);
	talloc_free(vault);
}

/* "VmFlags: ... dd ..." of the mapping that holds p. */
static bool is_kept_out_of_dumps(const void *p)
{
	FILE *maps = fopen("/proc/self/smaps", "r");
	char line[512];
	bool inside = false, found = false;

	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps)) {
		uintptr_t from, to;
		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			inside = from <= (uintptr_t)p && (uintptr_t)p < to;
		if (inside && strncmp(line, "VmFlags:", 8) == 0)
			found = strstr(line, " dd") != NULL;
	}
	fclose(maps);
	return found;
}

static void secrets_are_kept_out_of_core_dumps(void **state)
{
	struct rv_vault *vault = rv_vault_new(NULL);
	struct rv_secret *small = rv_secret_new(vault, vault, 32);
	struct rv_secret *large = rv_secret_new(vault, vault, 65536);
	int outside;

	assert_true(is_kept_out_of_dumps(small->b));
	assert_true(is_kept_out_of_dumps(large->b + 65535));
	assert_false(is_kept_out_of_dumps(&outside));
	talloc_free(small);
	talloc_free(large);
	talloc_free(vault);
}

static void pages_are_zeroed_and_counted(void **state)
{
	struct rv_vault *vault = rv_vault_new(NULL);
	uint8_t *p = rv_pages_new(vault, 5000), *q = rv_pages_new(vault, 4096);

	assert_non_null(p);
	assert_non_null(q);
	assert_int_equal((uintptr_t)p % 4096, 0);
	assert_int_equal(rv_vault_mapped(vault), 3 * 4096);
	for (size_t i = 0; i < 5000; i++)
		assert_int_equal(p[i], 0);
	memset(p, 1, 8192);
	rv_pages_free(vault, p, 5000);
	rv_pages_free(vault, NULL, 4096);
	assert_int_equal(rv_vault_mapped(vault), 4096);
	rv_pages_free(vault, q, 4096);
	assert_int_equal(rv_vault_mapped(vault), 0);
	talloc_free(vault);
}

static void a_vault_outlives_its_parent_while_it_holds_secrets(void **state)
{
	void *owner = talloc_new(NULL);
	struct rv_vault *vault = rv_vault_new(owner);
	struct rv_secret *secret = rv_secret_dup(vault, NULL, RV_STR("late"));

	talloc_free(owner);
	assert_true(rv_equal_secret(rv_secret_bytes(secret), RV_STR("late")));
	talloc_free(secret); /* the leak checker sees whether the vault went with it */
}

static void a_vault_and_its_secrets_may_hang_on_one_parent(void **state)
{
	void *owner = talloc_new(NULL);
	struct rv_vault *vault = rv_vault_new(owner);

	assert_non_null(rv_secret_new(vault, owner, 10));
	assert_non_null(rv_secret_new(vault, vault, 10));
	talloc_free(owner);
}

static void a_secret_may_lie_inside_its_owner(void **state)
{
	static const size_t wrong[] = { 0, 65537 };
	struct rv_vault *vault = rv_vault_new(NULL);
	struct rv_secret secret, other;
	size_t locked, before, after;

	rv_vault_locked(vault, &locked, &before);
	for (size_t i = 0; i < RV_COUNT(wrong); i++) {
		memset(&secret, 0xff, sizeof(secret));
		assert_false(rv_secret_init(&secret, vault, wrong[i]));
		rv_secret_fini(&secret);
	}
	assert_true(rv_secret_init(&secret, vault, 65536));
	memset(secret.b, 1, secret.len);
	rv_secret_fini(&secret);
	rv_vault_locked(vault, &locked, &after);
	assert_int_equal(before, after);
	assert_true(rv_secret_init(&secret, vault, 20));
	uint8_t *was = secret.b;
	memset(was, 1, secret.len);
	rv_secret_fini(&secret);
	rv_secret_fini(&secret);
	assert_null(secret.b);
	assert_true(rv_secret_init(&other, vault, 17));
	assert_ptr_equal(other.b, was);
	for (size_t i = 0; i < other.len; i++)
		assert_int_equal(other.b[i], 0);
	rv_secret_fini(&other);
	talloc_free(vault);
}

static void secrets_are_compared_whole(void **state)
{
	static const struct {
		const char *what, *a, *b;
		bool equal;
	} rows[] = {
		{ "equal", "abcd", "abcd", true },
		{ "first differs", "xbcd", "abcd", false },
		{ "last differs", "abcd", "abcx", false },
		{ "shorter", "abc", "abcd", false },
		{ "both empty", "", "", true },
		{ "only the high bit differs", "a\xe1", "aa", false },
	};

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		struct rv_bytes a = rv_bytes(rows[i].a, strlen(rows[i].a)), b = rv_bytes(rows[i].b, strlen(rows[i].b));
		if (rv_equal_secret(a, b) != rows[i].equal)
			fail_msg("%s", rows[i].what);
	}
	uint8_t one[40] = { 0 }, two[40] = { 0 };
	for (size_t len = 0; len <= sizeof(one); len++)
		for (size_t at = 0; at < sizeof(one); at++) {
			two[at] = 0x80;
			assert_int_equal(rv_equal_secret(rv_bytes(one, len), rv_bytes(two, len)), at >= len);
			two[at] = 0;
		}
	assert_true(rv_equal_secret(rv_bytes(NULL, 0), rv_bytes(NULL, 0)));
}

/* The address outlives the scope on purpose: the octets must be gone from the stack. */
static void __attribute__((noinline)) use_wiped(struct rv_wiped *seen)
{
	RV_WIPED(uint8_t, key, [32]);

	memset(key, 0xcc, sizeof(key));
	*seen = key_wiped;
	assert_int_equal(seen->len, 32);
}

static void a_wiped_local_knows_all_of_itself(void **state)
{
	struct rv_wiped seen;
	uint8_t octets[] = { 1, 2, 3 };

	use_wiped(&seen);
	assert_int_equal(seen.len, 32);
	struct rv_wiped wiped = { octets, 2 };
	rv_wiped_end(&wiped);
	assert_memory_equal(octets, "\0\0\3", 3);
	rv_wipe(NULL, 0);
}

static void *churn(void *arg)
{
	for (int i = 0; i < 2000; i++) {
		struct rv_secret *secret = rv_secret_new(arg, NULL, 1 + (size_t)i % 300);
		if (!secret)
			return arg;
		memset(secret->b, 1, secret->len);
		talloc_free(secret);
	}
	return NULL;
}

static void threads_share_a_vault(void **state)
{
	struct rv_vault *vault = rv_vault_new(NULL);
	pthread_t threads[4];
	size_t locked, total;

	for (size_t i = 0; i < RV_COUNT(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, churn, vault), 0);
	rv_vault_locked(vault, &locked, &total);
	for (size_t i = 0; i < RV_COUNT(threads); i++) {
		void *failed;
		pthread_join(threads[i], &failed);
		assert_null(failed);
	}
	assert_int_equal(talloc_free(vault), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(secrets_of_every_size_are_zeroed_and_do_not_overlap),
		cmocka_unit_test(sizes_out_of_range_are_refused),
		cmocka_unit_test(a_copy_holds_the_octets),
		cmocka_unit_test(a_freed_secret_is_wiped),
		cmocka_unit_test(a_secret_dies_with_its_parent),
		cmocka_unit_test(many_secrets_cost_little_more_than_their_octets),
		cmocka_unit_test(chunks_are_reused_in_any_order),
		cmocka_unit_test(a_limit_on_locked_memory_is_survived_and_counted),
		cmocka_unit_test(secrets_are_kept_out_of_core_dumps),
		cmocka_unit_test(pages_are_zeroed_and_counted),
		cmocka_unit_test(a_vault_outlives_its_parent_while_it_holds_secrets),
		cmocka_unit_test(a_vault_and_its_secrets_may_hang_on_one_parent),
		cmocka_unit_test(a_secret_may_lie_inside_its_owner),
		cmocka_unit_test(secrets_are_compared_whole),
		cmocka_unit_test(a_wiped_local_knows_all_of_itself),
		cmocka_unit_test(threads_share_a_vault),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
