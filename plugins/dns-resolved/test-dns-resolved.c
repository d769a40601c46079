// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-dns-resolved: what is answered where there is no bus. With a resolved on it: tests/system/test_attr.py. */
#include "test.h"

#include "core.h"
#include "parts.h"

#include <errno.h>
#include <ravelin/dns.h>
#include <talloc.h>

extern const struct rv_plugin rv_plugin_dns_resolved;

struct fixture {
	struct rv_core *core;
	const struct rv_dns_ops *ops;
	void *self;
	struct rv_call call;
	int result;
	bool answered;
};

static int setup(void **state)
{
	static const char schema_text[] = "ravelin.plugins.dns-resolved.bus|string|-||x\n";
	const struct rv_core_params params = { .no_measure = true, .log_level = RV_ERROR };
	struct fixture *f = calloc(1, sizeof(*f));
	struct rv_why why = { 0 };

	assert_non_null(f);
	f->core = rv_core_new(NULL, &params, &why);
	assert_non_null(f->core);
	struct rv_schema *schema = rv_schema_new(f->core);

	assert_int_equal(rv_schema_add(schema, "core", rv_schema_core, &why), 0);
	assert_int_equal(rv_schema_add(schema, "dns-resolved", schema_text, &why), 0);
	f->core->conf =
		rv_conf_read_text(f->core, f->core->vault, schema, "test",
				  "ravelin { plugins { dns-resolved { bus = unix:path=/nowhere/bus } } }", &why);
	assert_non_null(f->core->conf);
	assert_int_equal(rv_plugins_load_static(f->core->plugins, "dns-resolved", &rv_plugin_dns_resolved, &why), 0);
	struct rv_service *service = rv_registry_find(f->core->registry, "dns", "resolved");

	assert_non_null(service);
	f->ops = rv_service_ops(service);
	f->self = rv_service_self(service);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	talloc_free(f->core);
	free(f);
	return 0;
}

static void answered(struct rv_call *call, int result)
{
	struct fixture *f = rv_container_of(call, struct fixture, call);

	f->answered = true;
	f->result = result;
}

static int set(struct fixture *f, const char *ifname)
{
	struct rv_addr server;
	struct rv_dns dns = { .key = 1, .servers = &server, .n_servers = 1 };

	assert_int_equal(rv_addr_parse(&server, "10.2.0.53"), 0);
	snprintf(dns.ifname, sizeof(dns.ifname), "%s", ifname);
	rv_call_init(&f->call, answered);
	return f->ops->set(f->self, &dns, &f->call);
}

static void settle(struct fixture *f)
{
	for (int i = 0; i < 10; i++)
		(void)rv_loop_turn(f->core->loop, 0);
}

static void without_a_bus_another_provider_is_asked(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(set(f, "lo"), RV_PENDING);
	settle(f);
	assert_true(f->answered);
	assert_int_equal(f->result, -ENOTSUP);
	f->ops->clear(f->self, 1);
	settle(f);
	f->ops->flush(f->self);
}

static void an_interface_that_is_not_there_is_an_error(void **state)
{
	assert_int_equal(set(*state, "nowhere0"), -ENODEV);
}

static void who_lost_interest_is_not_answered(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(set(f, "lo"), RV_PENDING);
	rv_call_cancel(&f->call);
	settle(f);
	assert_false(f->answered);
	/* one session's second order takes the place of its first */
	assert_int_equal(set(f, "lo"), RV_PENDING);
	f->ops->clear(f->self, 1);
	settle(f);
	assert_false(f->answered);
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(without_a_bus_another_provider_is_asked),
		T(an_interface_that_is_not_there_is_an_error),
		T(who_lost_interest_is_not_answered),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
