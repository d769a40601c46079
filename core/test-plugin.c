// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-plugin: order of needs, birth and death of plugins, here as static twins; tests/abi does it with real files. */
#define RV_STATIC
#include "test.h"

#include "parts.h"
#include "plugin-parts.h"

#include <errno.h>

/* A core with an injected clock that each turn moves on by a millisecond. */
struct world {
	struct rv_core core;
	struct rv_clock clock;
	uint64_t now_us;
	char log[4096];
};

static uint64_t now(void *self)
{
	return ((struct world *)self)->now_us;
}

static uint64_t wall(void *self)
{
	return ((struct world *)self)->now_us / 1000000;
}

static void write_log(void *self, enum rv_level level, const char *line)
{
	struct world *world = self;
	size_t len = strlen(world->log);

	snprintf(world->log + len, sizeof(world->log) - len, "%s\n", line);
}

static struct world *world_new(void)
{
	struct world *world = talloc_zero(NULL, struct world);
	struct rv_core *core = &world->core;

	world->clock = (struct rv_clock){ .now_us = now, .wall_s = wall, .self = world, .injected = true };
	core->params.clock = &world->clock;
	core->log = rv_log_new(world, RV_DEBUG, write_log, world);
	core->subject = (struct rv_subject){ .log = core->log, .kind = "core" };
	core->loop = rv_loop_new(world, &world->clock);
	core->jobs = rv_jobs_new(world, core->loop, 0);
	core->registry = rv_registry_new(world, core);
	core->plugins = rv_plugins_new(world, core);
	assert_non_null(core->plugins);
	return world;
}

static void turn(struct world *world, int n)
{
	for (; n > 0; n--) {
		world->now_us += 1000;
		rv_loop_turn(world->core.loop, 0);
	}
}

struct thing_ops {
	size_t size;
	int (*verb)(void *self);
};

static int verb(void *self)
{
	return 0;
}

static const struct thing_ops thing_ops = { .size = sizeof(thing_ops), .verb = verb };

RV_KIND(thing, "thing", 1, struct thing_ops, verb)

static int init_wall(struct rv_host *host)
{
	static const char *const calls[] = { "socket", "bind", NULL };

	rv_host_needs_syscalls(host, calls);
	return rv_thing_offer(host, (struct rv_offer){ .name = "stone" }, &thing_ops, host);
}

RV_PLUGIN(wall, "wall",
	  "version=1.5\0summary=offers stone\0provides=thing:stone\0default=on\0schema=a|int|1|0..2|help\n",
	  .init = init_wall);

static int init_roof(struct rv_host *host)
{
	return rv_thing_offer(host, (struct rv_offer){ .name = "tile" }, &thing_ops, host);
}

RV_PLUGIN(roof, "roof", "version=2\0needs=thing:stone\0provides=thing:tile\0", .init = init_roof);

/* Fails after it has made and offered something. */
static int init_ruin(struct rv_host *host)
{
	int r = rv_thing_offer(host, (struct rv_offer){ .name = "dust" }, &thing_ops, host);

	assert_non_null(rv_attach(host, host->core->registry, struct thing_ops));
	return r ? r : -RV_ECONFIG;
}

RV_PLUGIN(ruin, "ruin", "version=1\0", .init = init_ruin);

static int init_thumbs_up(struct rv_host *host)
{
	return 7;
}

static const struct rv_plugin odd_plugin = { .magic = RV_PLUGIN_MAGIC,
					     .size = sizeof(odd_plugin),
					     .init = init_thumbs_up };

/* Finds the one info of this name. */
struct wanted {
	const char *name;
	struct rv_plugin_info info;
	int n;
};

static int pick(const struct rv_plugin_info *info, void *arg)
{
	struct wanted *wanted = arg;

	wanted->n++;
	if (!strcmp(info->name, wanted->name))
		wanted->info = *info;
	return 0;
}

static int join(const char *name, void *arg)
{
	strcat(arg, name);
	return 0;
}

static void a_static_twin_brings_its_note(void **state)
{
	struct world *world = world_new();
	struct wanted wanted = { .name = "wall" };
	struct rv_why why = { 0 };
	char calls[32] = "";

	assert_int_equal(rv_plugins_load_static(world->core.plugins, "wall", &rv_plugin_wall, &why), 0);
	assert_int_equal(rv_plugins_each(world->core.plugins, pick, &wanted), 0);
	assert_int_equal(wanted.n, 1);
	assert_string_equal(wanted.info.version, "1.5");
	assert_string_equal(wanted.info.schema, "a|int|1|0..2|help\n");
	assert_true(wanted.info.loaded);
	assert_true(wanted.info.by_default);
	assert_non_null(strstr(world->log, "plugin-loaded"));
	assert_int_equal(rv_plugins_each_syscall(world->core.plugins, join, calls), 0);
	assert_string_equal(calls, "socketbind");
	assert_int_equal(rv_plugins_load_static(world->core.plugins, "wall", &rv_plugin_wall, &why), -RV_EEXISTS);
	talloc_free(world);
}

static void a_missing_need_is_named(void **state)
{
	struct world *world = world_new();
	struct rv_why why = { 0 };

	assert_int_equal(rv_plugins_load_static(world->core.plugins, "roof", &rv_plugin_roof, &why), -RV_ENO_PROVIDER);
	assert_string_equal(why.text, "plugin roof: needs: thing:stone, which no loaded plugin provides");
	assert_int_equal(rv_plugins_load_static(world->core.plugins, "wall", &rv_plugin_wall, NULL), 0);
	assert_int_equal(rv_plugins_load_static(world->core.plugins, "roof", &rv_plugin_roof, NULL), 0);
	talloc_free(world);
}

static void a_failed_init_leaves_nothing(void **state)
{
	struct world *world = world_new();
	size_t blocks = talloc_total_blocks(world->core.registry);
	struct wanted wanted = { .name = "ruin" };
	struct rv_why why = { 0 };

	assert_int_equal(rv_plugins_load_static(world->core.plugins, "ruin", &rv_plugin_ruin, &why), -RV_ECONFIG);
	assert_string_equal(why.text, "plugin ruin: init: the configuration is not valid");
	assert_null(rv_registry_find(world->core.registry, "thing", NULL));
	/* a kind that was once seen stays known: two blocks */
	assert_int_equal(talloc_total_blocks(world->core.registry), blocks + 2);
	assert_int_equal(rv_plugins_each(world->core.plugins, pick, &wanted), 0);
	assert_int_equal(wanted.n, 0);
	assert_int_equal(rv_plugins_load_static(world->core.plugins, "odd", &odd_plugin, &why), -RV_EFAILED);
	talloc_free(world);
}

static void a_wrong_body_is_refused_with_both_values(void **state)
{
	struct rv_plugin magic = odd_plugin, size = odd_plugin, empty = odd_plugin;
	struct world *world = world_new();
	struct rv_why why = { 0 };

	magic.magic++;
	size.size = offsetof(struct rv_plugin, init) + sizeof(size.init) - 1;
	empty.init = NULL;
	assert_int_equal(rv_plugins_load_static(world->core.plugins, "m", &magic, &why), -RV_EPLUGIN);
	assert_string_equal(why.text, "plugin m: magic: rv_plugin has 52564c32, expected 52564c31");
	why = (struct rv_why){ 0 };
	assert_int_equal(rv_plugins_load_static(world->core.plugins, "s", &size, &why), -RV_EVERSION);
	assert_string_equal(why.text, "plugin s: size: rv_plugin has 15 octets, at least 16 are needed");
	why = (struct rv_why){ 0 };
	assert_int_equal(rv_plugins_load_static(world->core.plugins, "e", &empty, &why), -RV_EPLUGIN);
	assert_string_equal(why.text, "plugin e: init: missing");
	talloc_free(world);
}

/* Somebody waits for the end of an unloading. */
struct waiter {
	struct rv_call call;
	int result;
	bool done;
};

static void unloaded(struct rv_call *call, int result)
{
	struct waiter *waiter = rv_container_of(call, struct waiter, call);

	waiter->done = true;
	waiter->result = result;
}

static void user_text(const struct rv_user *user, char *out, size_t size)
{
	snprintf(out, size, "child SA net #3 of west");
}

static void unloading_what_is_in_use_is_refused_by_name(void **state)
{
	static const struct rv_user user = { .text = user_text };
	struct world *world = world_new();
	struct rv_plugins *plugins = world->core.plugins;
	struct rv_why why = { 0 };
	struct rv_ref ref = { 0 };
	struct waiter waiter = { .result = 1 };

	assert_int_equal(rv_plugins_unload(plugins, "wall", false, NULL, &why), -RV_ENOT_LOADED);
	assert_int_equal(rv_plugins_load_static(plugins, "wall", &rv_plugin_wall, NULL), 0);
	assert_int_equal(rv_ref_take(&ref, rv_registry_find(world->core.registry, "thing", "stone"), &user), 0);
	why = (struct rv_why){ 0 };
	assert_int_equal(rv_plugins_unload(plugins, "wall", false, NULL, &why), -RV_EIN_USE);
	assert_string_equal(why.text, "plugin wall is in use by child SA net #3 of west (1 in all)");
	assert_non_null(rv_registry_find(world->core.registry, "thing", "stone"));

	rv_ref_drop(&ref);
	rv_call_init(&waiter.call, unloaded);
	assert_int_equal(rv_plugins_unload(plugins, "wall", false, &waiter.call, &why), RV_PENDING);
	assert_null(rv_registry_find(world->core.registry, "thing", "stone"));
	assert_false(waiter.done);
	turn(world, 5);
	assert_true(waiter.done);
	assert_int_equal(waiter.result, 0);
	assert_non_null(strstr(world->log, "plugin-unloaded"));
	assert_int_equal(rv_plugins_load_static(plugins, "wall", &rv_plugin_wall, NULL), 0);
	talloc_free(world);
}

static void what_another_plugin_needs_is_not_unloaded(void **state)
{
	struct world *world = world_new();
	struct rv_plugins *plugins = world->core.plugins;
	struct rv_why why = { 0 };

	assert_int_equal(rv_plugins_load_static(plugins, "wall", &rv_plugin_wall, NULL), 0);
	assert_int_equal(rv_plugins_load_static(plugins, "roof", &rv_plugin_roof, NULL), 0);
	assert_int_equal(rv_plugins_unload(plugins, "wall", true, NULL, &why), -RV_EIN_USE);
	assert_string_equal(why.text, "plugin wall is in use: roof needs thing:stone of it");
	assert_int_equal(rv_plugins_unload(plugins, "roof", false, NULL, NULL), RV_PENDING);
	assert_int_equal(rv_plugins_unload(plugins, "wall", false, NULL, NULL), RV_PENDING);
	turn(world, 5);
	assert_int_equal(rv_plugins_unload(plugins, "wall", false, NULL, NULL), -RV_ENOT_LOADED);
	talloc_free(world);
}

static void draining_waits_for_users_and_takes_no_new_ones(void **state)
{
	struct world *world = world_new();
	struct rv_plugins *plugins = world->core.plugins;
	struct rv_service *service;
	struct rv_ref ref = { 0 }, late = { 0 };
	struct waiter waiter = { .result = 1 };
	struct wanted wanted = { .name = "wall" };
	struct rv_why why = { 0 };

	assert_int_equal(rv_plugins_load_static(plugins, "wall", &rv_plugin_wall, NULL), 0);
	service = rv_registry_find(world->core.registry, "thing", "stone");
	assert_int_equal(rv_ref_take(&ref, service, NULL), 0);
	rv_call_init(&waiter.call, unloaded);
	assert_int_equal(rv_plugins_unload(plugins, "wall", true, &waiter.call, NULL), RV_PENDING);
	turn(world, 100);
	assert_false(waiter.done);
	assert_ptr_equal(rv_service_ops(ref.service), &thing_ops);
	assert_int_equal(rv_ref_take(&late, service, NULL), -RV_EIN_USE);
	assert_int_equal(rv_plugins_each(plugins, pick, &wanted), 0);
	assert_true(wanted.info.draining);
	assert_int_equal(rv_plugins_unload(plugins, "wall", true, NULL, &why), -RV_ESTATE);
	rv_ref_drop(&ref);
	turn(world, 50);
	assert_true(waiter.done);
	assert_int_equal(waiter.result, 0);
	talloc_free(world);
}

static void who_waits_may_lose_interest(void **state)
{
	struct world *world = world_new();
	struct rv_plugins *plugins = world->core.plugins;
	struct waiter waiter = { .result = 1 };

	assert_int_equal(rv_plugins_load_static(plugins, "wall", &rv_plugin_wall, NULL), 0);
	rv_call_init(&waiter.call, unloaded);
	assert_int_equal(rv_plugins_unload(plugins, "wall", true, &waiter.call, NULL), RV_PENDING);
	rv_call_cancel(&waiter.call);
	turn(world, 5);
	assert_false(waiter.done);
	assert_int_equal(rv_plugins_unload(plugins, "wall", false, NULL, NULL), -RV_ENOT_LOADED);
	talloc_free(world);
}

static int run_job(void *data)
{
	return 0;
}

static void job_done(void *owner, int result, void *data)
{
	*(bool *)owner = true;
}

static int init_smith(struct rv_host *host)
{
	host->self = host;
	return rv_thing_offer(host, (struct rv_offer){ .name = "iron" }, &thing_ops, host);
}

RV_PLUGIN(smith, "smith", "version=1\0", .init = init_smith);

static void unloading_waits_for_jobs(void **state)
{
	struct world *world = world_new();
	struct rv_plugins *plugins = world->core.plugins;
	struct waiter waiter = { .result = 1 };
	bool done = false;
	struct rv_host *host;

	assert_int_equal(rv_plugins_load_static(plugins, "smith", &rv_plugin_smith, NULL), 0);
	host = rv_service_self(rv_registry_find(world->core.registry, "thing", "iron"));
	assert_non_null(rv_job_start(host, talloc_new(NULL), run_job, &done, job_done, NULL));
	rv_call_init(&waiter.call, unloaded);
	assert_int_equal(rv_plugins_unload(plugins, "smith", false, &waiter.call, NULL), RV_PENDING);
	while (!waiter.done) {
		bool was_done = done;
		turn(world, 1);
		assert_true(!waiter.done || was_done);
	}
	talloc_free(world);
}

static void the_end_of_all_ends_what_is_being_unloaded(void **state)
{
	struct world *world = world_new();
	struct waiter waiter = { .result = 1 };

	assert_int_equal(rv_plugins_load_static(world->core.plugins, "wall", &rv_plugin_wall, NULL), 0);
	rv_call_init(&waiter.call, unloaded);
	assert_int_equal(rv_plugins_unload(world->core.plugins, "wall", true, &waiter.call, NULL), RV_PENDING);
	talloc_free(world->core.plugins);
	assert_true(waiter.done);
	assert_int_equal(waiter.result, -RV_ECANCELLED);
	talloc_free(world);
}

static void an_absent_plugin_is_named(void **state)
{
	static const char *const names[] = { "ghost", "wraith", NULL };
	struct world *world = world_new();
	struct rv_why why = { 0 };

	assert_int_equal(rv_plugins_load(world->core.plugins, names, &why), -RV_EPLUGIN);
	assert_string_equal(why.text, "plugin ghost: no ghost.so in the plugin folders; "
				      "plugin wraith: no wraith.so in the plugin folders");
	talloc_free(world);
}

/* Candidates as notes, for the order alone. Loading one offers what it provides. */
struct order_row {
	const char *what;
	struct {
		const char *name, *provides, *needs;
		bool wanted, by_default, excluded, fails;
	} plugins[4];
	const char *loaded;
	const char *refused; /* "NAME: reason" of the first refused; or NULL */
};

static const struct order_row order_rows[] = {
	{ "alone", { { "a", .wanted = true } }, "a ", NULL },
	{ "by name", { { "a", .wanted = true }, { "b", .wanted = true } }, "a b ", NULL },
	{ "a need turns the order", { { "a", NULL, "k:x", true }, { "b", "k:x", NULL, true } }, "b a ", NULL },
	{ "a chain",
	  { { "a", "k:1", "k:2", true }, { "b", "k:2", "k:3", true }, { "c", "k:3", NULL, true } },
	  "c b a ",
	  NULL },
	{ "all providers of a kind come first",
	  { { "a", NULL, "k", true }, { "b", "k:1", NULL, true }, { "c", "k:2", NULL, true } },
	  "b c a ",
	  NULL },
	{ "a provider comes along", { { "a", NULL, "k:x", true }, { "b", "k:x" } }, "b a ", NULL },
	{ "so does what the provider needs",
	  { { "a", NULL, "k:x", true }, { "b", "k:x", "k:y" }, { "c", "k:y" } },
	  "c b a ",
	  NULL },
	{ "one that is on by default is preferred",
	  { { "a", NULL, "k:x", true }, { "b", "k:x" }, { "c", "k:x", .by_default = true } },
	  "c a ",
	  NULL },
	{ "one that is forbidden does not come along",
	  { { "a", NULL, "k:x", true }, { "b", "k:x", .by_default = true, .excluded = true }, { "c", "k:x" } },
	  "c a ",
	  NULL },
	{ "nobody provides it", { { "a", NULL, "k:x", true } }, "", "a: needs: k:x, which no plugin provides" },
	{ "another name of the kind is not enough",
	  { { "a", NULL, "k:x", true }, { "b", "k:y", NULL, true } },
	  "b ",
	  "a: needs: k:x, which no plugin provides" },
	{ "a cycle of two",
	  { { "a", "k:x", "k:y", true }, { "b", "k:y", "k:x", true } },
	  "",
	  "a: needs: a cycle: a needs k:y of b, b needs k:x of a" },
	{ "a plugin that needs itself", { { "a", "k:x", "k:x", true } }, "", "a: needs: a cycle: a needs k:x of a" },
	{ "a cycle does not stop the others",
	  { { "a", "k:x", "k:y", true }, { "b", "k:y", "k:x", true }, { "c", .wanted = true } },
	  "c ",
	  "a: needs: a cycle: a needs k:y of b, b needs k:x of a" },
	{ "a cycle behind a need",
	  { { "a", NULL, "k:x", true }, { "b", "k:x", "k:y", true }, { "c", "k:y", "k:x", true } },
	  "",
	  "a: needs: k:x, of b, which cannot be loaded either" },
	{ "what only seems a cycle: one provider is enough",
	  { { "a", "k:1 m", "n", true }, { "b", "n", "k", true }, { "c", "k:2", NULL, true } },
	  "c b a ",
	  NULL },
	{ "who needs a refused plugin",
	  { { "a", "k:x", NULL, true, .fails = true }, { "b", NULL, "k:x", true } },
	  "",
	  "b: needs: k:x, of a, which was refused" },
};

static int offer_list(struct rv_host *host, const char *provides)
{
	char word[128];
	int r = 0;

	while (!r && provides && (provides = rv_note_word(provides, word, sizeof(word)))) {
		char *kind = talloc_strdup(host, word), *colon = strchr(kind, ':');
		struct rv_offer offer = { .kind = kind, .kind_version = 1, .name = "", .ops = &thing_ops };
		if (colon) {
			*colon = 0;
			offer.name = colon + 1;
		}
		r = rv_registry_add(host, &offer, sizeof(thing_ops));
	}
	return r;
}

static void plugins_are_ordered_by_their_needs(void **state)
{
	for (size_t i = 0; i < RV_COUNT(order_rows); i++) {
		const struct order_row *row = &order_rows[i];
		struct world *world = world_new();
		struct rv_registry *registry = world->core.registry;
		struct rv_candidate set[4] = { 0 }, *next;
		struct rv_note notes[4] = { 0 };
		char loaded[64] = "", refused[512] = "";
		size_t n = 0;

		for (; n < 4 && row->plugins[n].name; n++) {
			notes[n] = (struct rv_note){ .provides = row->plugins[n].provides,
						     .needs = row->plugins[n].needs,
						     .by_default = row->plugins[n].by_default };
			set[n] = (struct rv_candidate){
				.name = row->plugins[n].name,
				.note = &notes[n],
				.excluded = row->plugins[n].excluded,
				.state = row->plugins[n].wanted ? RV_CANDIDATE_WANTED : RV_CANDIDATE_IDLE,
			};
		}
		rv_order_want_needs(registry, set, n);
		while ((next = rv_order_next(registry, set, n))) {
			next->state = row->plugins[next - set].fails ? RV_CANDIDATE_REFUSED : RV_CANDIDATE_LOADED;
			if (next->state == RV_CANDIDATE_REFUSED)
				continue;
			assert_int_equal(offer_list(rv_host_new(&world->core, next->name), next->note->provides), 0);
			strcat(strcat(loaded, next->name), " ");
		}
		for (size_t j = 0; j < n; j++) {
			if (set[j].state != RV_CANDIDATE_WANTED)
				continue;
			rv_order_blame(registry, set, n, &set[j]);
			if (!*refused)
				snprintf(refused, sizeof(refused), "%s: %s", set[j].name, set[j].why.text);
		}
		if (strcmp(loaded, row->loaded) || strcmp(refused, row->refused ? row->refused : ""))
			fail_msg("%s: loaded \"%s\", refused \"%s\"", row->what, loaded, refused);
		talloc_free(world);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_static_twin_brings_its_note),
		cmocka_unit_test(a_missing_need_is_named),
		cmocka_unit_test(a_failed_init_leaves_nothing),
		cmocka_unit_test(a_wrong_body_is_refused_with_both_values),
		cmocka_unit_test(unloading_what_is_in_use_is_refused_by_name),
		cmocka_unit_test(what_another_plugin_needs_is_not_unloaded),
		cmocka_unit_test(draining_waits_for_users_and_takes_no_new_ones),
		cmocka_unit_test(who_waits_may_lose_interest),
		cmocka_unit_test(unloading_waits_for_jobs),
		cmocka_unit_test(the_end_of_all_ends_what_is_being_unloaded),
		cmocka_unit_test(an_absent_plugin_is_named),
		cmocka_unit_test(plugins_are_ordered_by_their_needs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
