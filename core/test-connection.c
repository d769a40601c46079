// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-connection: what a connection becomes, the defaults that follow from other keys, and what is refused.
 */
#include "test.h"

#include "parts.h"

#include <ravelin/algorithm.h>

static const struct rv_algorithm words[] = {
	{ "fox", 1, 10, 128, .combined = true, .rank = 1 },
	{ "hare", 1, 12, 0, .rank = 2 },
	{ "prfowl", 2, 20, .rank = 1 },
	{ "owl", 3, 30, .rank = 1 },
	{ "east", 4, 40, .rank = 1 },
	{ "short", 5, 0, .rank = 1 },
	{ "weak", 1, 14, .forbid_child = "RFC 1, 4: MUST NOT" },
};
static const struct rv_algorithm_ops ops = { sizeof(ops), words, RV_COUNT(words) };

static int setup(void **state)
{
	struct rv_core *core = talloc_zero(NULL, struct rv_core);

	core->params.no_measure = true;
	core->log = rv_log_new(core, RV_ERROR, NULL, NULL);
	core->vault = rv_vault_new(core);
	core->registry = rv_registry_new(core, core);
	struct rv_host *host = rv_host_new(core, "words");
	assert_int_equal(rv_algorithm_offer(host, (struct rv_offer){ .name = "words" }, &ops, NULL), 0);
	*state = core;
	return 0;
}

static int teardown(void **state)
{
	talloc_free(*state);
	return 0;
}

/* A PAD from the text of a configuration; NULL with why. */
static struct rv_pad *pad_of(struct rv_core *core, const char *text, struct rv_why *why)
{
	struct rv_schema *schema = rv_schema_new(core);

	assert_int_equal(rv_schema_add(schema, "core", rv_schema_core, why), 0);
	core->conf = rv_conf_read_text(core, core->vault, schema, "t", text, why);
	if (!core->conf)
		fail_msg("%s", why->text);
	talloc_free(schema);
	return rv_pad_new(core, core, core->conf, why);
}

static const struct rv_connection *west_of(struct rv_core *core, const char *text)
{
	struct rv_why why = { 0 };
	char whole[2048];

	snprintf(whole, sizeof(whole), "connections { west { local { }\n remote { }\n%s\n} }", text);
	core->pad = pad_of(core, whole, &why);
	if (!core->pad)
		fail_msg("%s", why.text);
	return rv_connection_find(core, "west");
}

static const char *refused(struct rv_core *core, const char *text)
{
	static struct rv_why why;

	memset(&why, 0, sizeof(why));
	if (pad_of(core, text, &why))
		fail_msg("accepted: %s", text);
	assert_int_equal(why.code, -RV_ECONFIG);
	return why.text;
}

static void a_connection_has_what_its_section_says(void **state)
{
	const struct rv_connection *c =
		west_of(*state, "version = 2\nlocal_addrs = 10.0.0.1, gw.example\n"
				"remote_addrs = 10.0.0.0/24\nlocal_port = 1500\n"
				"proposals = fox-prfowl-east, hare-owl-prfowl-east\nencap = never\n"
				"dpd_delay = 30s\ndpd_timeout = 2m\nrekey_time = 2h\n"
				"reauth_time = 3h\n");

	assert_string_equal(c->name, "west");
	assert_int_equal(c->version, 2);
	assert_null(c->keying);
	assert_string_equal(c->local_addrs[1], "gw.example");
	assert_null(c->local_addrs[2]);
	assert_int_equal(c->local_port, 1500);
	assert_int_equal(c->remote_port, 500);
	assert_int_equal(c->n_proposals, 2);
	assert_int_equal(c->encap, RV_ENCAP_NEVER);
	assert_true(c->dpd_delay_us == RV_S(30) && c->dpd_timeout_us == RV_S(120));
	assert_true(c->rekey_us == RV_S(7200) && c->reauth_us == RV_S(10800));
	assert_true(c->over_us == RV_S(1080));
	assert_true(c->rand_us == RV_S(1080));
	assert_int_equal(c->n_local, 1);
	assert_string_equal(c->local[0].auth, "pubkey");
	assert_null(c->local[0].id);
	assert_int_equal(c->remote[0].id->type, RV_ID_ANY);
	assert_int_equal(c->n_children, 0);
	assert_null(rv_connection_child(c, NULL));
}

static void encap_words_have_their_meaning(void **state)
{
	static const char *const words_of[] = { "default", "yes", "no", "never" };
	static const enum rv_encap encaps[] = { RV_ENCAP_DEFAULT, RV_ENCAP_YES, RV_ENCAP_NO, RV_ENCAP_NEVER };

	for (size_t i = 0; i < RV_COUNT(words_of); i++) {
		char text[32];
		snprintf(text, sizeof(text), "encap = %s", words_of[i]);
		assert_int_equal(west_of(*state, text)->encap, encaps[i]);
	}
	assert_int_equal(west_of(*state, "")->encap, RV_ENCAP_DEFAULT);
}

static void times_follow_from_each_other(void **state)
{
	static const struct {
		const char *text;
		unsigned rekey, reauth, over, rand;
	} rows[] = {
		{ "", 14400, 0, 1440, 1440 },
		{ "rekey_time = 0", 0, 0, 0, 0 },
		{ "reauth_time = 1h", 0, 3600, 360, 360 },
		{ "reauth_time = 1h\nrekey_time = 100", 100, 3600, 360, 360 },
		{ "rekey_time = 100\nover_time = 7", 100, 0, 7, 7 },
		{ "rekey_time = 100\nrand_time = 99", 100, 0, 10, 99 },
		{ "rekey_time = 100\nrand_time = 0", 100, 0, 10, 0 },
	};

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		const struct rv_connection *c = west_of(*state, rows[i].text);
		if (c->rekey_us != RV_S(rows[i].rekey) || c->reauth_us != RV_S(rows[i].reauth) ||
		    c->over_us != RV_S(rows[i].over) || c->rand_us != RV_S(rows[i].rand))
			fail_msg("%s", rows[i].text);
	}
}

static const struct rv_child_conf *child_of(void *core, const char *text)
{
	char whole[1024];

	snprintf(whole, sizeof(whole), "remote_addrs = 10.0.0.2\nchildren { a { }\n net {\n%s\n} }", text);
	return rv_connection_child(west_of(core, whole), "net");
}

static void lifetimes_of_children_follow_from_each_other(void **state)
{
	static const struct {
		const char *text;
		unsigned rekey, life, rand;
	} rows[] = {
		{ "", 3600, 3960, 360 },
		{ "rekey_time = 0", 0, 0, 0 },
		{ "rekey_time = 0\nlife_time = 10", 0, 10, 0 },
		{ "life_time = 2h", 3600, 7200, 3600 },
		{ "life_time = 0", 3600, 0, 0 },
		{ "rekey_time = 100\nlife_time = 101\nrand_time = 99", 100, 101, 99 },
	};

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		const struct rv_child_conf *c = child_of(*state, rows[i].text);
		if (c->rekey_us != RV_S(rows[i].rekey) || c->life_us != RV_S(rows[i].life) ||
		    c->rand_us != RV_S(rows[i].rand))
			fail_msg("%s", rows[i].text);
	}

	const struct rv_child_conf *c = child_of(*state, "rekey_bytes = 10m\nrekey_packets = 100\nlife_packets = 500\n"
							 "inactivity = 5m");

	assert_true(c->rekey_bytes == 10 << 20 && c->life_bytes == (10 << 20) + (1 << 20));
	assert_true(c->rekey_packets == 100 && c->life_packets == 500);
	assert_true(c->rand_bytes == 1 << 20 && c->rand_packets == 400);
	assert_true(c->inactivity_us == RV_S(300));
	c = child_of(*state, "rekey_bytes = 10m\nrekey_packets = 100\nrand_bytes = 5k\nrand_packets = 0");
	assert_true(c->rand_bytes == 5 << 10 && c->rand_packets == 0);
	c = child_of(*state, "life_bytes = 10m");
	assert_true(!c->rekey_bytes && !c->rand_bytes);
}

static void a_child_has_what_its_section_says(void **state)
{
	const struct rv_child_conf *c =
		child_of(*state, "local_ts = 10.1.0.0/16, dynamic\nremote_ts = 10.2.0.0/16[tcp/80]\n"
				 "esp_proposals = fox-east\nmode = transport\nreplay_window = 4096\npriority = 7\n"
				 "start_action = trap\nclose_action = start\ndpd_action = restart\ninterface = tun7\n");

	assert_string_equal(c->name, "net");
	assert_string_equal(c->connection->name, "west");
	assert_int_equal(c->n_local_ts, 2);
	assert_int_equal(c->local_ts[0].family, RV_IPV4);
	assert_int_equal(c->local_ts[1].family, 0);
	assert_int_equal(c->remote_ts[0].proto, 6);
	assert_int_equal(c->remote_ts[0].port_lo, 80);
	assert_int_equal(c->protocol, RV_PROTO_ESP);
	assert_int_equal(c->n_proposals, 1);
	assert_int_equal(c->mode, RV_TRANSPORT);
	assert_int_equal(c->replay_window, 4096);
	assert_int_equal(c->priority, 7);
	assert_int_equal(c->start_action, RV_ACTION_TRAP);
	assert_int_equal(c->close_action, RV_ACTION_START);
	assert_int_equal(c->dpd_action, RV_ACTION_START);
	assert_string_equal(c->interface, "tun7");
	assert_true(!c->tfc && !c->fragments_also);
	assert_string_equal(rv_connection_child(c->connection, NULL)->name, "a");
	assert_null(rv_connection_child(c->connection, "b"));

	c = child_of(*state, "tfc_padding = 1200\nfragments_also = yes\n");
	assert_int_equal(c->tfc, 1200);
	assert_true(c->fragments_also);
	c = child_of(*state, "tfc_padding = mtu\n");
	assert_int_equal(c->tfc, RV_TFC_MTU);

	c = child_of(*state, "");
	assert_int_equal(c->mode, RV_TUNNEL);
	assert_int_equal(c->replay_window, 32);
	assert_int_equal(c->n_proposals, 2);
	assert_int_equal(c->remote_ts[0].family, 0);
	assert_null(c->interface);
	assert_int_equal(child_of(*state, "ah_proposals = owl")->protocol, RV_PROTO_AH);
	assert_int_equal(child_of(*state, "dpd_action = clear")->dpd_action, RV_ACTION_NONE);
	assert_int_equal(child_of(*state, "dpd_action = trap")->dpd_action, RV_ACTION_TRAP);
}

static void policies_without_keys_need_no_proposals(void **state)
{
	struct rv_core *core = *state;
	struct rv_why why = { 0 };

	core->pad = pad_of(core,
			   "connections { lan { children { pass { mode = pass\nlocal_ts = 10.0.0.0/8\n"
			   "remote_ts = 10.0.0.0/8[tcp]\n } } } }",
			   &why);
	assert_string_equal(why.text, "");
	assert_int_equal(rv_connection_find(core, "lan")->n_proposals, 0);
	assert_int_equal(rv_connection_find(core, "lan")->children[0].mode, RV_PASS);
	assert_int_equal(rv_connection_find(core, "lan")->children[0].n_proposals, 0);
}

static void a_named_keying_service_needs_no_rounds(void **state)
{
	struct rv_core *core = *state;
	struct rv_why why = { 0 };

	core->pad = pad_of(core, "connections { hand { keying = manual\nchildren { net { esp_proposals = fox\n } } } }",
			   &why);
	assert_string_equal(why.text, "");
	assert_string_equal(rv_connection_find(core, "hand")->keying, "manual");
	assert_int_equal(rv_connection_find(core, "hand")->n_proposals, 0);
	assert_int_equal(rv_connection_find(core, "hand")->children[0].n_proposals, 1);
}

static void rounds_follow_their_number_then_the_file(void **state)
{
	struct rv_core *core = *state;
	struct rv_why why = { 0 };

	core->pad = pad_of(core,
			   "connections { w { local-b { auth = b\nround = 2\n }\n remote { auth = r\n }\n"
			   " local-a { auth = a\nround = 1\n }\n local-c { auth = c\nround = 2\n }\n"
			   " local { auth = z\nid = west\n } } }",
			   &why);
	assert_string_equal(why.text, "");

	const struct rv_connection *c = rv_connection_find(core, "w");

	assert_int_equal(c->n_local, 4);
	assert_string_equal(c->local[0].auth, "z");
	assert_int_equal(c->local[0].id->type, RV_ID_FQDN);
	assert_string_equal(c->local[1].auth, "a");
	assert_string_equal(c->local[2].auth, "b");
	assert_string_equal(c->local[3].auth, "c");
	assert_int_equal(c->n_remote, 1);
}

static void what_cannot_work_is_refused_with_its_place(void **state)
{
#define CHILD(text) "connections { w { local { }\n remote { }\n children { c {\n" text "\n } } } }"
	static const struct {
		const char *text, *found;
	} rows[] = {
		{ "connections { w { remote { } } }", "t:1: the connection needs a section local" },
		{ "connections { w { local { } } }", "needs a section remote" },
		{ "connections { w { local { }\n remote { }\nproposals = fox-east\n} }",
		  "t:3: proposals: proposal 'fox-east': a pseudo-random function must be added" },
		{ "connections { w { local { }\n remote { }\nproposals = fix-prfowl-east\n} }", "did you mean 'fox'?" },
		{ "connections { w { local { }\n remote { }\nrekey_time = 1h\nrand_time = 1h\n} }",
		  "t:4: rand_time: it must be shorter" },
		{ CHILD("life_time = 1h"), "t:4: life_time: it must be longer than rekey_time" },
		{ CHILD("rekey_bytes = 10\nlife_bytes = 10"), "t:5: life_bytes: it must be more" },
		{ CHILD("rekey_packets = 10\nlife_packets = 9"), "life_packets: it must be more" },
		{ CHILD("rekey_bytes = 10\nrand_bytes = 10"), "rand_bytes: it must be less than rekey_bytes" },
		{ CHILD("rekey_packets = 10\nrand_packets = 11"), "rand_packets: it must be less" },
		{ CHILD("rand_time = 1h"), "rand_time: it must be shorter" },
		{ CHILD("esp_proposals = weak-owl"), "'weak' is refused: RFC 1, 4" },
		{ CHILD("esp_proposals = ,"), "esp_proposals: at least one proposal" },
		{ CHILD("local_ts = ,"), "local_ts: at least one traffic selector" },
		{ CHILD("esp_proposals = fox\nah_proposals = owl"), "for ESP or for AH" },
		{ CHILD("local_ts = 10.0.0.0/8\nremote_ts = ::/0"), "no address family in common" },
		{ CHILD("mode = drop\nlocal_ts = 10.0.0.0/8"), "remote_ts: mode pass or drop needs selectors" },
		{ CHILD("interface = much-too-long-na"), "interface: the name of an interface" },
		{ CHILD("interface = a/b"), "interface: the name of an interface" },
		{ CHILD("start_action = start"), "t:4: start_action: the connection's remote_addrs has no address" },
		{ "connections { a { }\n b { } }", "t:2: the connection needs a section remote" },
		{ "secrets { x { id = a\n } }", "t:1: the section has no secret" },
	};

	for (size_t i = 0; i < RV_COUNT(rows); i++)
		if (!strstr(refused(*state, rows[i].text), rows[i].found))
			fail_msg("%s: %s", rows[i].text, refused(*state, rows[i].text));
}

static void without_a_plugin_for_words_that_is_said(void **state)
{
	struct rv_core *core = *state;

	core->registry = rv_registry_new(core, core);
	assert_non_null(strstr(refused(core, "connections { w { local { }\n remote { } } }"),
			       "no default proposal can be made of what the loaded plugins offer"));
}

static void a_held_connection_outlives_its_configuration(void **state)
{
	struct rv_core *core = *state;
	const struct rv_connection *c = west_of(core, "version = 2\nchildren { net { rekey_time = 7\n } }");
	char *holder = talloc_strdup(core, "holder");

	assert_non_null(talloc_reference(holder, c));
	assert_int_equal(talloc_free(core->pad), 0);
	assert_int_equal(talloc_free(core->conf), 0);
	core->pad = NULL;
	assert_string_equal(c->name, "west");
	assert_true(rv_conf_us(c->children[0].conf, "rekey_time") == RV_S(7));
	assert_true(rv_conf_us(c->conf, "rekey_time") == RV_S(14400));
	assert_string_equal(c->local_addrs[0], "%any");
	assert_int_equal(talloc_free(holder), 0);
}

static int collect(const struct rv_connection *connection, void *arg)
{
	strcat(arg, connection->name);
	return 0;
}

static void connections_are_walked_in_file_order_and_found_by_name(void **state)
{
	struct rv_core *core = *state;
	struct rv_why why = { 0 };
	char names[64] = "";

	core->pad = pad_of(core,
			   "base { local { }\n remote { } }\n"
			   "connections { d : base { }\n a : base { }\n c : base { }\n b : base { } }",
			   &why);
	assert_string_equal(why.text, "");
	rv_pad_each(core->pad, collect, names);
	assert_string_equal(names, "dacb");
	for (const char *p = "abcd"; *p; p++) {
		char name[2] = { *p, 0 };
		assert_string_equal(rv_connection_find(core, name)->name, name);
	}
	assert_null(rv_connection_find(core, "e"));
	assert_null(rv_connection_find(core, ""));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_connection_has_what_its_section_says),
		T(encap_words_have_their_meaning),
		T(times_follow_from_each_other),
		T(lifetimes_of_children_follow_from_each_other),
		T(a_child_has_what_its_section_says),
		T(policies_without_keys_need_no_proposals),
		T(a_named_keying_service_needs_no_rounds),
		T(rounds_follow_their_number_then_the_file),
		T(what_cannot_work_is_refused_with_its_place),
		T(without_a_plugin_for_words_that_is_said),
		T(a_held_connection_outlives_its_configuration),
		T(connections_are_walked_in_file_order_and_found_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
