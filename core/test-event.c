// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-event: every listener hears every event, and keys only who asked for keys. */
#include "test.h"

#include "parts.h"
#include "world.h"

struct ear {
	unsigned n, n_keys;
	char last[32];
};

static void hear(void *self, const struct rv_event *event)
{
	struct ear *ear = self;

	ear->n++;
	ear->n_keys += event->n_keys != 0;
	snprintf(ear->last, sizeof(ear->last), "%s", event->name);
}

static const struct rv_watch_ops plain = { .size = sizeof(plain), .event = hear };
static const struct rv_watch_ops curious = { .size = sizeof(curious), .wants_keys = true, .event = hear };

static int begin(void **state)
{
	*state = world_new(NULL);
	return 0;
}

static int end(void **state)
{
	world_end(*state);
	return 0;
}

static const struct rv_key_line line = { .label = "encr-in", .octets = { .p = (const uint8_t *)"k", .len = 1 } };

static void every_listener_hears(void **state)
{
	struct world *w = *state;
	struct ear one = { 0 }, two = { 0 };

	assert_int_equal(rv_watch_offer(w->core->host, (struct rv_offer){ .name = "one" }, &plain, &one), 0);
	assert_int_equal(rv_watch_offer(w->core->host, (struct rv_offer){ .name = "two" }, &plain, &two), 0);
	rv_event_emit(w->core, &(struct rv_event){ .name = "expire" });
	assert_int_equal(one.n, 1);
	assert_int_equal(two.n, 1);
	assert_string_equal(one.last, "expire");
	assert_string_equal(world_notes(w), "[expire]");
}

static void keys_go_to_those_who_want_keys(void **state)
{
	struct world *w = *state;
	struct ear deaf = { 0 }, ear = { 0 };
	const struct rv_event keys = { .name = "keys", .keys = &line, .n_keys = 1 };

	assert_int_equal(rv_watch_offer(w->core->host, (struct rv_offer){ .name = "deaf" }, &plain, &deaf), 0);
	assert_false(rv_event_wants_keys(w->core));
	rv_event_emit(w->core, &keys);
	assert_int_equal(rv_watch_offer(w->core->host, (struct rv_offer){ .name = "ear" }, &curious, &ear), 0);
	assert_true(rv_event_wants_keys(w->core));
	rv_event_emit(w->core, &keys);
	assert_int_equal(deaf.n, 0);
	assert_int_equal(ear.n_keys, 1);
}

struct lines {
	char last[4096];
};

static void write_line(void *self, enum rv_level level, const char *text)
{
	struct lines *lines = self;

	snprintf(lines->last, sizeof(lines->last), "%s", text);
}

static void the_log_hears_too_but_no_keys(void **state)
{
	struct lines lines = { "" };
	struct rv_core *core;

	core = rv_core_new(NULL,
			   &(struct rv_core_params){
				   .log = write_line, .log_self = &lines, .log_level = RV_INFO, .no_measure = true },
			   NULL);
	assert_non_null(core);
	rv_event_emit(core, &(struct rv_event){ .name = "auth-failed", .code = -RV_EAUTH_FAILED, .text = "no \n way" });
	assert_non_null(strstr(lines.last, "auth-failed"));
	assert_non_null(strstr(lines.last, "authentication failed"));
	assert_null(strchr(lines.last, '\n'));
	lines.last[0] = 0;
	rv_event_emit(core, &(struct rv_event){ .name = "keys", .keys = &line, .n_keys = 1 });
	assert_string_equal(lines.last, "");
	talloc_free(core);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_listener_hears, begin, end),
		cmocka_unit_test_setup_teardown(keys_go_to_those_who_want_keys, begin, end),
		cmocka_unit_test(the_log_hears_too_but_no_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
