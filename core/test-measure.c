// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-measure: slow and fast providers are told apart, what was found is kept, and a provider may go at any moment. */
#include "test.h"

#include "parts.h"
#include "plugin-parts.h"
#include "registry-parts.h"

#include <errno.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static struct rv_core *core_new(const char *run_dir, unsigned n_threads)
{
	struct rv_core *core = talloc_zero(NULL, struct rv_core);

	core->params.run_dir = run_dir;
	core->log = rv_log_new(core, RV_ERROR, NULL, NULL);
	core->subject.log = core->log;
	core->loop = rv_loop_new(core, NULL);
	core->jobs = rv_jobs_new(core, core->loop, n_threads);
	core->registry = rv_registry_new(core, core);
	assert_non_null(core->registry);
	return core;
}

/* How often the ops ran, and how many rounds of nothing each takes. */
struct toy {
	unsigned n_calls;
	unsigned n_rounds;
	bool fails;
};

static int digest(void *self, const struct rv_bytes *parts, size_t n_parts, uint8_t *out)
{
	struct toy *toy = self;

	toy->n_calls++;
	for (volatile unsigned i = 0; i < toy->n_rounds; i++)
		;
	memset(out, 0, 4);
	return toy->fails && toy->n_calls > 6 ? -EIO : 0; /* after the self-test */
}

static const struct rv_hash_ops ops = { sizeof(ops), 4, 64, digest };
static const struct rv_vector vector = { .source = "toy", .in = "61", .out = "00000000" };

/* A host as if it were that of a plugin from a file. */
static struct rv_host *host_new(struct rv_core *core, const char *name, const char *version)
{
	struct rv_host *host = rv_host_new(core, name);

	rv_host_whole(host)->version = version;
	rv_host_whole(host)->libraries = 0x1234;
	return host;
}

static void offer(struct rv_host *host, struct toy *toy)
{
	struct rv_offer offer = { .name = "toy", .vectors = &vector, .n_vectors = 1 };

	assert_int_equal(rv_hash_offer(host, offer, &ops, toy), 0);
}

static int find_owner(struct rv_service *service, void *arg)
{
	struct rv_service **found = arg;

	if (!strcmp(rv_service_owner(service), (const char *)found[1]))
		found[0] = service;
	return 0;
}

static uint64_t speed_of(struct rv_core *core, const char *owner)
{
	struct rv_service *found[2] = { NULL, (struct rv_service *)(uintptr_t)owner };

	rv_registry_all(core->registry, find_owner, found);
	return rv_service_speed_ns(found[0]);
}

/* Turns until the service of owner has been measured; a second is plenty. */
static uint64_t measure(struct rv_core *core, const char *owner)
{
	for (int i = 0; i < 1000 && !speed_of(core, owner); i++)
		rv_loop_turn(core->loop, RV_MS(1));
	return speed_of(core, owner);
}

static void the_faster_one_is_chosen(void **state)
{
	for (unsigned n_threads = 0; n_threads < 2; n_threads++) {
		struct rv_core *core = core_new(NULL, n_threads);
		struct toy slow = { .n_rounds = 2000 }, fast = { .n_rounds = 10 };
		struct rv_service *chosen;

		offer(host_new(core, "a-slow", "1"), &slow);
		offer(host_new(core, "z-fast", "1"), &fast);
		chosen = rv_registry_find(core->registry, "hash", "toy");
		assert_string_equal(rv_service_owner(chosen), "a-slow");
		assert_int_equal(rv_service_speed_ns(chosen), 0);
		assert_true(measure(core, "a-slow") > measure(core, "z-fast"));
		assert_true(speed_of(core, "z-fast") > 0);
		chosen = rv_registry_find(core->registry, "hash", "toy");
		assert_string_equal(rv_service_owner(chosen), "z-fast");
		talloc_free(core);
	}
}

/* A signature that anybody can make: the sum of all octets. Only making it takes rounds. */
static uint8_t sum(const struct rv_bytes *parts, size_t n_parts)
{
	uint8_t all = 0;

	for (size_t i = 0; i < n_parts; i++)
		for (size_t k = 0; k < parts[i].len; k++)
			all = (uint8_t)(all + parts[i].p[k]);
	return all;
}

static int sign(void *self, struct rv_bytes private_key, const struct rv_bytes *parts, size_t n_parts, uint8_t *out,
		size_t *len)
{
	struct toy *toy = self;

	for (volatile unsigned i = 0; i < toy->n_rounds; i++)
		;
	*out = sum(parts, n_parts);
	*len = 1;
	return private_key.len == 1 ? 0 : -RV_EKEY_VALUE;
}

static int verify(void *self, struct rv_bytes public_key, const struct rv_bytes *parts, size_t n_parts,
		  struct rv_bytes signature)
{
	if (public_key.len != 2)
		return -RV_EKEY_VALUE;
	return signature.len == 1 && signature.p[0] == sum(parts, n_parts) ? 0 : -RV_EAUTH_FAILED;
}

static void the_one_that_signs_faster_is_chosen(void **state)
{
	static const struct rv_sign_ops sign_ops = { sizeof(sign_ops), 1, sign, verify };
	static const struct rv_vector answer = {
		.source = "toy", .key = "01", .aad = "0203", .in = "6162", .out = "c3"
	};
	struct rv_offer toy_offer = { .name = "toy", .vectors = &answer, .n_vectors = 1 };
	struct toy slow = { .n_rounds = 20000 }, fast = { .n_rounds = 10 };
	struct rv_core *core = core_new(NULL, 1);

	assert_int_equal(rv_sign_offer(host_new(core, "a-slow", "1"), toy_offer, &sign_ops, &slow), 0);
	assert_int_equal(rv_sign_offer(host_new(core, "z-fast", "1"), toy_offer, &sign_ops, &fast), 0);
	assert_true(measure(core, "a-slow") > measure(core, "z-fast"));
	assert_true(speed_of(core, "z-fast") > 0);
	assert_string_equal(rv_service_owner(rv_registry_find(core->registry, "sign", "toy")), "z-fast");
	talloc_free(core);
}

static void one_that_fails_is_never_preferred(void **state)
{
	struct rv_core *core = core_new(NULL, 1);
	struct toy broken = { .fails = true }, slow = { .n_rounds = 1000 };

	offer(host_new(core, "a-broken", "1"), &broken);
	offer(host_new(core, "b-slow", "1"), &slow);
	assert_true(measure(core, "b-slow") > 0);
	assert_int_equal(speed_of(core, "a-broken"), 0);
	assert_string_equal(rv_service_owner(rv_registry_find(core->registry, "hash", "toy")), "b-slow");
	talloc_free(core);
}

static void a_measured_speed_is_kept_until_something_changes(void **state)
{
	char dir[] = "/tmp/rv-measure-XXXXXX", path[64];
	struct toy toy = { .n_rounds = 100 };
	struct rv_core *core;
	unsigned n_calls;
	struct stat st;

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/speeds", dir);
	core = core_new(dir, 1);
	offer(host_new(core, "a", "1"), &toy);
	measure(core, "a");
	for (int i = 0; i < 100 && stat(path, &st); i++)
		rv_loop_turn(core->loop, RV_MS(1));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	talloc_free(core);

	/* the same plugin: known at once, nothing but the self-test runs */
	core = core_new(dir, 1);
	n_calls = toy.n_calls;
	offer(host_new(core, "a", "1"), &toy);
	assert_true(speed_of(core, "a") > 0);
	rv_loop_turn(core->loop, RV_MS(5));
	assert_int_equal(toy.n_calls, n_calls + 6);
	talloc_free(core);

	/* another version: measured anew */
	core = core_new(dir, 1);
	offer(host_new(core, "a", "2"), &toy);
	assert_int_equal(speed_of(core, "a"), 0);
	assert_true(measure(core, "a") > 0);
	talloc_free(core);
	unlink(path);
	assert_int_equal(rmdir(dir), 0);
}

static void a_spoilt_file_of_speeds_is_passed_over(void **state)
{
	static const char spoilt[] = "\0\0\0\n12\n0\tx\n99999999999999999999999\ty\n-5\tz\n7\tno end of line";
	char dir[] = "/tmp/rv-measure-XXXXXX", path[64];
	struct toy toy = { .n_rounds = 10 };
	struct rv_core *core;
	FILE *file;

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/speeds", dir);
	file = fopen(path, "w");
	fwrite(spoilt, 1, sizeof(spoilt), file);
	for (int i = 0; i < 5000; i++)
		fputc('x', file);
	fclose(file);
	core = core_new(dir, 1);
	offer(host_new(core, "a", "1"), &toy);
	assert_true(measure(core, "a") > 0);
	talloc_free(core);
	unlink(path);
	assert_int_equal(rmdir(dir), 0);
}

static void a_provider_may_go_while_it_is_measured(void **state)
{
	for (int pause_us = 0; pause_us < 3000; pause_us += 500) {
		struct rv_core *core = core_new(NULL, 1);
		struct toy toys[3] = { { .n_rounds = 20000 }, { .n_rounds = 20000 }, { .n_rounds = 10 } };
		struct rv_host *hosts[3];
		unsigned n_calls;

		for (int i = 0; i < 3; i++) {
			static const char *const names[] = { "a", "b", "c" };
			hosts[i] = host_new(core, names[i], "1");
			offer(hosts[i], &toys[i]);
		}
		rv_loop_turn(core->loop, 0);
		usleep(pause_us);
		talloc_free(hosts[0]); /* under way */
		talloc_free(hosts[1]); /* waits */
		n_calls = toys[0].n_calls;
		assert_true(measure(core, "c") > 0);
		assert_int_equal(toys[0].n_calls, n_calls);
		assert_int_equal(toys[1].n_calls, 6);
		talloc_free(core);
	}
}

static void a_replay_is_not_measured(void **state)
{
	struct rv_clock clock = { .injected = true };
	struct toy toy = { .n_rounds = 10 };
	struct rv_core *core = core_new(NULL, 0);

	talloc_free(core->registry);
	core->params.clock = &clock;
	core->registry = rv_registry_new(core, core);
	offer(host_new(core, "a", "1"), &toy);
	for (int i = 0; i < 20; i++)
		rv_loop_turn(core->loop, RV_MS(1));
	assert_int_equal(speed_of(core, "a"), 0);
	assert_int_equal(toy.n_calls, 6);
	talloc_free(core);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_faster_one_is_chosen),
		cmocka_unit_test(the_one_that_signs_faster_is_chosen),
		cmocka_unit_test(one_that_fails_is_never_preferred),
		cmocka_unit_test(a_measured_speed_is_kept_until_something_changes),
		cmocka_unit_test(a_spoilt_file_of_speeds_is_passed_over),
		cmocka_unit_test(a_provider_may_go_while_it_is_measured),
		cmocka_unit_test(a_replay_is_not_measured),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
