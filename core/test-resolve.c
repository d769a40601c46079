// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-resolve: addresses at once, names in a job, and a caller that loses interest.
 */
#include "test.h"

#include "parts.h"

#include <errno.h>

struct asker {
	struct rv_call call;
	struct rv_addr addr;
	int result, n;
};

static void answered(struct rv_call *call, int result)
{
	struct asker *asker = rv_container_of(call, struct asker, call);

	asker->result = result;
	asker->n++;
}

static struct rv_core *core_new(unsigned n_threads)
{
	struct rv_core *core = talloc_zero(NULL, struct rv_core);

	core->params.no_measure = true;
	core->log = rv_log_new(core, RV_ERROR, NULL, NULL);
	core->loop = rv_loop_new(core, NULL);
	core->jobs = rv_jobs_new(core, core->loop, n_threads);
	core->registry = rv_registry_new(core, core);
	core->host = rv_host_new(core, "core");
	assert_true(core->loop && core->jobs && core->host);
	return core;
}

static void an_address_is_answered_at_once(void **state)
{
	static const struct {
		const char *name;
		int result;
	} rows[] = {
		{ "10.0.0.1", 0 },
		{ "2001:db8::1", 0 },
		{ "0.0.0.0", -RV_ENO_ADDRESS },
		{ "%any", -RV_ENO_ADDRESS },
		{ "10.0.0.0/8", -RV_ENO_ADDRESS },
	};
	struct rv_core *core = core_new(0);
	char text[RV_ADDR_TEXT];

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		struct asker asker = { 0 };
		rv_call_init(&asker.call, answered);
		assert_int_equal(rv_resolve(core, rows[i].name, &asker.addr, &asker.call), rows[i].result);
		if (!rows[i].result)
			assert_string_equal(rv_addr_text(&asker.addr, text), rows[i].name);
		assert_int_equal(asker.n, 0);
	}
	talloc_free(core);
}

static void a_name_is_looked_up_in_a_job(void **state)
{
	for (unsigned n_threads = 0; n_threads < 2; n_threads++) {
		struct rv_core *core = core_new(n_threads);
		struct asker asker = { 0 };
		rv_call_init(&asker.call, answered);
		assert_int_equal(rv_resolve(core, "localhost", &asker.addr, &asker.call), RV_PENDING);
		assert_int_equal(asker.n, 0);
		for (int i = 0; i < 1000 && !asker.n; i++)
			rv_loop_turn(core->loop, 10000);
		assert_int_equal(asker.n, 1);
		assert_int_equal(asker.result, 0);
		assert_true(asker.addr.family == RV_IPV4 ? asker.addr.ip[0] == 127 : asker.addr.ip[15] == 1);
		talloc_free(core);
	}
}

static void all_addresses_of_a_name_are_given(void **state)
{
	struct rv_core *core = core_new(0);
	struct asker asker = { 0 };
	struct rv_addrs found;

	rv_call_init(&asker.call, answered);
	assert_int_equal(rv_resolve_all(core, "192.0.2.7", &found, &asker.call), 0);
	assert_int_equal(found.n, 1);
	assert_int_equal(rv_resolve_all(core, "%any", &found, &asker.call), -RV_ENO_ADDRESS);
	assert_int_equal(rv_resolve_all(core, "localhost", &found, &asker.call), RV_PENDING);
	for (int i = 0; i < 1000 && !asker.n; i++)
		rv_loop_turn(core->loop, 10000);
	assert_int_equal(asker.result, 0);
	assert_in_range(found.n, 1, RV_ADDRS_MAX);
	for (unsigned i = 0; i < found.n; i++)
		assert_true(found.addr[i].family == RV_IPV4 ? found.addr[i].ip[0] == 127 : found.addr[i].ip[15] == 1);
	talloc_free(core);
}

static void a_name_that_does_not_exist_fails(void **state)
{
	struct rv_core *core = core_new(0);
	struct asker asker = { 0 };
	char name[300];

	/* a label over 63 octets is refused before any server is asked */
	memset(name, 'a', 100);
	strcpy(name + 100, ".invalid");
	rv_call_init(&asker.call, answered);
	assert_int_equal(rv_resolve(core, name, &asker.addr, &asker.call), RV_PENDING);
	for (int i = 0; i < 100 && !asker.n; i++)
		rv_loop_turn(core->loop, 10000);
	assert_int_equal(asker.n, 1);
	assert_int_equal(asker.result, -RV_ENO_ADDRESS);
	memset(name, 'a', sizeof(name) - 1);
	name[sizeof(name) - 1] = 0;
	assert_int_equal(rv_resolve(core, name, &asker.addr, &asker.call), -RV_ENO_ADDRESS);
	talloc_free(core);
}

static void a_cancelled_look_up_is_not_answered(void **state)
{
	struct rv_core *core = core_new(0);
	struct asker asker = { 0 };

	rv_call_init(&asker.call, answered);
	assert_int_equal(rv_resolve(core, "localhost", &asker.addr, &asker.call), RV_PENDING);
	rv_call_cancel(&asker.call);
	for (int i = 0; i < 10; i++)
		rv_loop_turn(core->loop, 1000);
	assert_int_equal(asker.n, 0);
	assert_int_equal(asker.addr.family, 0);
	talloc_free(core);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_is_answered_at_once),
		cmocka_unit_test(a_name_is_looked_up_in_a_job),
		cmocka_unit_test(all_addresses_of_a_name_are_given),
		cmocka_unit_test(a_name_that_does_not_exist_fails),
		cmocka_unit_test(a_cancelled_look_up_is_not_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
