// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-registry: the choice among providers, references, watches, and changes in the middle of a walk. */
#include "test.h"

#include "parts.h"
#include "registry-parts.h"

#include <errno.h>

/* A core with only what the registry needs. */
static struct rv_core *core_new(void)
{
	struct rv_core *core = talloc_zero(NULL, struct rv_core);

	assert_non_null(core);
	core->params.no_measure = true;
	core->log = rv_log_new(core, RV_ERROR, NULL, NULL);
	core->registry = rv_registry_new(core, core);
	assert_non_null(core->registry);
	return core;
}

static struct rv_host *host_new(struct rv_core *core, const char *name)
{
	struct rv_host *host = rv_host_new(core, name);

	assert_non_null(host);
	return host;
}

struct thing_ops {
	size_t size;
	int (*verb)(void *self);
	int (*newer)(void *self);
};

static int verb(void *self)
{
	return 0;
}

static const struct thing_ops thing_ops = { .size = sizeof(thing_ops), .verb = verb };

RV_KIND(thing, "thing", 1, struct thing_ops, verb)

static int offer(struct rv_host *host, const char *name, int priority)
{
	return rv_thing_offer(host, (struct rv_offer){ .name = name, .priority = priority }, &thing_ops, host);
}

static const char *chosen(struct rv_core *core, const char *name)
{
	struct rv_service *service = rv_registry_find(core->registry, "thing", name);

	return service ? rv_service_owner(service) : "nobody";
}

static void a_service_is_found_by_kind_and_name(void **state)
{
	static const struct rv_attr attrs[] = { { "key-bits", 128 }, { "number", 20 } };
	struct rv_core *core = core_new();
	struct rv_host *host = host_new(core, "a");
	struct rv_service *service;
	size_t n;

	assert_int_equal(
		rv_thing_offer(host, (struct rv_offer){ .name = "x", .attrs = attrs, .n_attrs = 2 }, &thing_ops, host),
		0);
	service = rv_registry_find(core->registry, "thing", "x");
	assert_non_null(service);
	assert_ptr_equal(rv_service_ops(service), &thing_ops);
	assert_ptr_equal(rv_service_self(service), host);
	assert_string_equal(rv_service_name(service), "x");
	assert_string_equal(rv_service_kind(service), "thing");
	assert_string_equal(rv_service_owner(service), "a");
	assert_string_equal(rv_service_self_test(service), "none");
	assert_int_equal(rv_service_attr(service, "number", -1), 20);
	assert_int_equal(rv_service_attr(service, "other", -1), -1);
	assert_ptr_equal(rv_service_attrs(service, &n), attrs);
	assert_int_equal(n, 2);
	assert_ptr_equal(rv_registry_find_attr(core->registry, "thing", "number", 20), service);
	assert_null(rv_registry_find_attr(core->registry, "thing", "number", 21));
	assert_null(rv_registry_find_attr(core->registry, "other", "number", 20));
	assert_null(rv_registry_find(core->registry, "thing", "y"));
	assert_null(rv_registry_find(core->registry, "thin", "gx"));
	assert_null(rv_registry_find(core->registry, "thingx", ""));
	talloc_free(core);
}

static void many_names_are_all_found(void **state)
{
	struct rv_core *core = core_new();
	struct rv_host *host = host_new(core, "a");
	enum { MANY = 1000 };

	for (int i = 0; i < MANY; i++)
		assert_int_equal(offer(host, talloc_asprintf(core, "name-%d", i), 0), 0);
	for (int i = 0; i < MANY; i++) {
		char name[16];
		snprintf(name, sizeof(name), "name-%d", i);
		struct rv_service *service = rv_registry_find(core->registry, "thing", name);
		assert_non_null(service);
		assert_string_equal(rv_service_name(service), name);
	}
	talloc_free(host);
	assert_null(rv_registry_find(core->registry, "thing", "name-7"));
	assert_null(rv_registry_find(core->registry, "thing", NULL));
	talloc_free(core);
}

/* Two or three providers of one name; 0 ns: not measured. */
struct choice_row {
	const char *what;
	const char *order[3];
	struct {
		const char *plugin;
		int priority;
		uint64_t ns;
	} offers[3];
	const char *wanted;
};

static const struct choice_row choice_rows[] = {
	{ "alone", { NULL }, { { "a", -5, 0 } }, "a" },
	{ "the higher priority while nothing is measured", { NULL }, { { "a", 0, 0 }, { "b", 1, 0 } }, "b" },
	{ "the name between equal priorities", { NULL }, { { "b", 1, 0 }, { "a", 1, 0 } }, "a" },
	{ "the order before priority", { "a", "b" }, { { "a", 0, 0 }, { "b", 9, 0 } }, "a" },
	{ "the order before speed", { "b", "a" }, { { "a", 0, 100 }, { "b", 0, 900 } }, "b" },
	{ "named in the order before not named", { "c" }, { { "a", 0, 100 }, { "c", 0, 900 } }, "c" },
	{ "an order without any of them", { "z" }, { { "a", 0, 0 }, { "b", 1, 0 } }, "b" },
	{ "speed before priority", { NULL }, { { "a", 9, 200 }, { "b", 0, 100 } }, "b" },
	{ "within a tenth the name", { NULL }, { { "b", 0, 1000 }, { "a", 0, 1100 } }, "a" },
	{ "just beyond a tenth the speed", { NULL }, { { "b", 0, 1000 }, { "a", 0, 1101 } }, "b" },
	{ "within a tenth of the fastest, not of each other",
	  { NULL },
	  { { "c", 0, 1000 }, { "b", 0, 1090 }, { "a", 0, 1180 } },
	  "b" },
	{ "one of them not measured yet: priority", { NULL }, { { "a", 0, 100 }, { "b", 1, 0 } }, "b" },
	{ "one that failed while it was measured is the slowest",
	  { NULL },
	  { { "a", 0, UINT64_MAX }, { "b", 0, UINT64_MAX / 2 } },
	  "b" },
};

static int measure_as(struct rv_service *service, void *arg)
{
	const struct choice_row *row = arg;

	for (size_t i = 0; i < 3 && row->offers[i].plugin; i++)
		if (row->offers[i].ns && !strcmp(rv_service_owner(service), row->offers[i].plugin))
			rv_service_measured(service, row->offers[i].ns);
	return 0;
}

static void the_choice_follows_order_speed_priority(void **state)
{
	for (size_t i = 0; i < RV_COUNT(choice_rows); i++) {
		const struct choice_row *row = &choice_rows[i];
		for (int late = 0; late < 2; late++) {
			struct rv_core *core = core_new();
			if (!late)
				rv_registry_order(core->registry, "thing", row->order);
			for (size_t j = 0; j < 3 && row->offers[j].plugin; j++) {
				struct rv_host *host = host_new(core, row->offers[j].plugin);
				assert_int_equal(offer(host, "x", row->offers[j].priority), 0);
			}
			rv_registry_all(core->registry, measure_as, (void *)(uintptr_t)row);
			if (late)
				rv_registry_order(core->registry, "thing", row->order);
			if (strcmp(chosen(core, "x"), row->wanted))
				fail_msg("%s: %s was chosen, not %s", row->what, chosen(core, "x"), row->wanted);
			talloc_free(core);
		}
	}
}

static void the_first_of_a_kind_follows_order_then_priority_then_name(void **state)
{
	struct rv_core *core = core_new();
	struct rv_host *a = host_new(core, "a"), *b = host_new(core, "b");

	assert_int_equal(offer(a, "y", 0), 0);
	assert_int_equal(offer(b, "x", 0), 0);
	assert_string_equal(chosen(core, NULL), "b");
	rv_registry_order(core->registry, "thing", (const char *const[]){ "a", NULL });
	assert_string_equal(chosen(core, NULL), "a");
	rv_registry_order(core->registry, "thing", NULL);
	assert_string_equal(chosen(core, NULL), "b");
	assert_int_equal(offer(a, "z", 1), 0);
	assert_string_equal(rv_service_name(rv_registry_find(core->registry, "thing", NULL)), "z");
	talloc_free(core);
}

static void a_wrong_offer_is_refused(void **state)
{
	static const struct thing_ops small = { .size = sizeof(size_t), .verb = verb };
	static const struct thing_ops old = { .size = offsetof(struct thing_ops, newer), .verb = verb };
	struct rv_core *core = core_new();
	struct rv_host *a = host_new(core, "a"), *b = host_new(core, "b");
	struct rv_offer wrong = { .kind = "thing", .kind_version = 2, .name = "z", .ops = &thing_ops };

	rv_log_level(core->log, -1);
	assert_int_equal(rv_thing_offer(a, (struct rv_offer){ .name = "x" }, &small, NULL), -RV_EVERSION);
	assert_int_equal(rv_thing_offer(a, (struct rv_offer){ .name = "x" }, &old, NULL), 0);
	assert_false(RV_HAS(&old, newer));
	assert_int_equal(offer(a, "x", 0), -RV_EEXISTS);
	assert_int_equal(offer(b, "x", 0), 0);
	assert_int_equal(rv_registry_add(b, &wrong, sizeof(size_t)), -RV_EVERSION);
	wrong.kind_version = 1;
	assert_int_equal(rv_registry_add(b, &wrong, sizeof(size_t)), 0);
	wrong.name = NULL;
	assert_int_equal(rv_registry_add(b, &wrong, sizeof(size_t)), -EINVAL);
	talloc_free(core);
}

/* A user with a name of its own. */
struct holder {
	struct rv_user user;
	struct rv_ref ref;
	int number;
};

static void holder_text(const struct rv_user *user, char *out, size_t size)
{
	snprintf(out, size, "child SA net #%d of west", rv_container_of(user, struct holder, user)->number);
}

static void references_are_counted_and_named(void **state)
{
	struct rv_core *core = core_new();
	struct rv_host *host = host_new(core, "a");
	struct holder holders[5] = { 0 };
	struct rv_service *service;
	char text[256];

	assert_int_equal(offer(host, "x", 0), 0);
	service = rv_registry_find(core->registry, "thing", "x");
	assert_int_equal(rv_registry_users(core->registry, host, text, sizeof(text)), 0);
	assert_string_equal(text, "");
	for (int i = 0; i < 5; i++) {
		holders[i].user.text = holder_text;
		holders[i].number = i;
		assert_int_equal(rv_ref_take(&holders[i].ref, service, &holders[i].user), 0);
	}
	assert_int_equal(rv_service_users(service), 5);
	rv_ref_drop(&holders[1].ref);
	rv_ref_drop(&holders[1].ref);
	rv_ref_drop(&(struct rv_ref){ 0 });
	assert_int_equal(rv_registry_users(core->registry, host, text, 64), 4);
	assert_string_equal(text, "child SA net #0 of west, and 3 more");
	assert_int_equal(rv_registry_users(core->registry, host, text, 90), 4);
	assert_string_equal(text, "child SA net #0 of west, child SA net #2 of west, and 2 more");
	assert_int_equal(rv_registry_users(core->registry, host, text, 16), 4);
	assert_string_equal(text, "4 users");
	assert_int_equal(rv_registry_users(core->registry, host, NULL, 0), 4);
	assert_int_equal(rv_registry_users(core->registry, host, text, sizeof(text)), 4);
	assert_string_equal(text, "child SA net #0 of west, child SA net #2 of west, child SA net #3 of west, "
				  "child SA net #4 of west");

	/* the provider dies first: whoever holds a reference holds none, and may still drop it */
	talloc_free(host);
	assert_null(holders[0].ref.service);
	rv_ref_drop(&holders[0].ref);
	talloc_free(core);
}

static void a_draining_owner_gets_no_new_users(void **state)
{
	struct rv_core *core = core_new();
	struct rv_host *a = host_new(core, "a"), *b = host_new(core, "b");
	struct rv_service *service;
	struct rv_ref held = { 0 }, late = { 0 };

	assert_int_equal(offer(a, "x", 0), 0);
	assert_int_equal(offer(b, "x", 0), 0);
	service = rv_registry_find(core->registry, "thing", "x");
	assert_int_equal(rv_ref_take(&held, service, NULL), 0);
	rv_registry_drain(core->registry, a);
	assert_string_equal(chosen(core, "x"), "b");
	assert_string_equal(chosen(core, NULL), "b");
	assert_int_equal(rv_ref_take(&late, service, NULL), -RV_EIN_USE);
	assert_int_equal(rv_registry_users(core->registry, a, NULL, 0), 1);
	assert_true(rv_registry_offered(core->registry, "thing", "x", NULL));
	assert_false(rv_registry_offered(core->registry, "thing", "x", b));
	rv_ref_drop(&held);
	assert_int_equal(rv_registry_users(core->registry, a, NULL, 0), 0);
	talloc_free(core);
}

/* What a watch has seen, and what it does on the way. */
struct seen {
	struct rv_core *core;
	struct rv_watch *watch;
	struct rv_host *kill, *bear;
	char text[256];
};

static void see(void *arg, struct rv_service *service, bool added)
{
	struct seen *seen = arg;
	size_t len = strlen(seen->text);
	struct rv_host *kill = seen->kill, *bear = seen->bear;

	snprintf(seen->text + len, sizeof(seen->text) - len, "%c%s.%s ", added ? '+' : '-', rv_service_owner(service),
		 rv_service_name(service));
	seen->kill = seen->bear = NULL;
	if (bear)
		assert_int_equal(offer(bear, "born", 0), 0);
	talloc_free(kill);
}

static void watches_see_what_comes_and_goes(void **state)
{
	struct rv_core *core = core_new();
	struct rv_host *a = host_new(core, "a"), *b = host_new(core, "b");
	struct seen seen = { 0 };

	assert_int_equal(offer(a, "x", 0), 0);
	seen.watch = rv_registry_watch(core->registry, core, "thing", see, &seen);
	assert_non_null(seen.watch);
	assert_non_null(rv_registry_watch(core->registry, core, "other", see, &seen));
	assert_int_equal(offer(b, "x", 0), 0);
	rv_registry_drain(core->registry, a);
	talloc_free(a);
	talloc_free(seen.watch);
	talloc_free(b);
	assert_string_equal(seen.text, "+a.x +b.x -a.x ");
	talloc_free(core);
}

static void callbacks_may_add_and_drop(void **state)
{
	struct rv_core *core = core_new();
	struct rv_host *a = host_new(core, "a"), *b = host_new(core, "b");
	struct seen first = { 0 }, second = { 0 };

	/* in the middle of being told of a's services: b comes with one more, a (whose turn it is) goes */
	assert_int_equal(offer(a, "x", 0), 0);
	assert_int_equal(offer(a, "y", 0), 0);
	first.kill = a;
	first.bear = b;
	rv_registry_watch(core->registry, core, "thing", see, &first);
	assert_string_equal(first.text, "+a.x +b.born -a.x ");
	rv_registry_watch(core->registry, core, "thing", see, &second);
	assert_string_equal(second.text, "+b.born ");
	talloc_free(core);
}

static int drop_all(struct rv_service *service, void *arg)
{
	struct rv_host **hosts = arg;

	for (int i = 0; i < 3; i++)
		TALLOC_FREE(hosts[i]);
	return 0;
}

static int count(struct rv_service *service, void *arg)
{
	return ++*(int *)arg == 2 ? 42 : 0;
}

static void a_walk_survives_that_everything_goes(void **state)
{
	struct rv_core *core = core_new();
	struct rv_host *hosts[3] = { host_new(core, "a"), host_new(core, "b"), host_new(core, "c") };
	int n = 0;

	for (int i = 0; i < 3; i++) {
		assert_int_equal(offer(hosts[i], "shared", 0), 0);
		assert_int_equal(offer(hosts[i], hosts[i]->name, 0), 0);
	}
	assert_int_equal(rv_registry_each(core->registry, "thing", count, &n), 42);
	assert_int_equal(n, 2);
	assert_int_equal(rv_registry_each(core->registry, "thing", drop_all, hosts), 0);
	assert_null(rv_registry_find(core->registry, "thing", NULL));
	n = 10;
	assert_int_equal(rv_registry_all(core->registry, count, &n), 0);
	assert_int_equal(n, 10);
	talloc_free(core);
}

static void the_registry_may_die_before_its_services(void **state)
{
	struct rv_core *core = core_new();
	struct rv_host *host = host_new(core, "a");
	struct seen seen = { 0 };
	struct rv_ref ref = { 0 };

	assert_int_equal(offer(host, "x", 0), 0);
	rv_registry_watch(core->registry, host, "thing", see, &seen);
	assert_int_equal(rv_ref_take(&ref, rv_registry_find(core->registry, "thing", "x"), NULL), 0);
	talloc_free(core->registry);
	host->registry = NULL;
	rv_ref_drop(&ref);
	talloc_free(core);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_service_is_found_by_kind_and_name),
		cmocka_unit_test(many_names_are_all_found),
		cmocka_unit_test(the_choice_follows_order_speed_priority),
		cmocka_unit_test(the_first_of_a_kind_follows_order_then_priority_then_name),
		cmocka_unit_test(a_wrong_offer_is_refused),
		cmocka_unit_test(references_are_counted_and_named),
		cmocka_unit_test(a_draining_owner_gets_no_new_users),
		cmocka_unit_test(watches_see_what_comes_and_goes),
		cmocka_unit_test(callbacks_may_add_and_drop),
		cmocka_unit_test(a_walk_survives_that_everything_goes),
		cmocka_unit_test(the_registry_may_die_before_its_services),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
