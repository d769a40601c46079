// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-pad: the choice of a connection for a peer and of a secret for a pair of identities.
 */
#include "test.h"

#include "parts.h"

static const struct rv_algorithm words[] = {
	{ "fox", 1, 10, 128, .combined = true, .rank = 1 },
	{ "prfowl", 2, 20, .rank = 1 },
	{ "east", 4, 40, .rank = 1 },
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

static void load(struct rv_core *core, const char *text)
{
	struct rv_schema *schema = rv_schema_new(core);
	struct rv_why why = { 0 };

	TALLOC_FREE(core->pad);
	TALLOC_FREE(core->conf);
	assert_int_equal(rv_schema_add(schema, "core", rv_schema_core, &why), 0);
	core->conf = rv_conf_read_text(core, core->vault, schema, "t", text, &why);
	core->pad = core->conf ? rv_pad_new(core, core, core->conf, &why) : NULL;
	talloc_free(schema);
	if (!core->pad)
		fail_msg("%s", why.text);
}

static const struct rv_addr *addr(struct rv_addr *out, const char *text)
{
	if (!text)
		return NULL;
	assert_int_equal(rv_addr_parse(out, text), 0);
	return out;
}

/* The names of all connections that match, in order. */
static const char *matches(struct rv_core *core, unsigned version, const char *local, const char *remote)
{
	static char names[64];
	const struct rv_connection *c;
	struct rv_addr l, r;
	size_t n = 0;

	names[0] = 0;
	for (; (c = rv_connection_match(core, version, addr(&l, local), addr(&r, remote), n)); n++) {
		assert_true(n < 10);
		strcat(names, c->name);
	}
	return names;
}

static void addresses_choose_best_match_first(void **state)
{
	static const struct {
		unsigned version;
		const char *local, *remote, *names;
	} rows[] = {
		{ 2, "10.0.0.1:500", "10.0.0.2:500", "abcf" },
		{ 2, "10.0.0.1", "10.0.0.3:4500", "bcf" },
		{ 2, "10.0.0.1", "10.9.0.3", "cf" },
		{ 2, "10.0.0.9", "10.0.0.2", "acf" },
		{ 1, "10.0.0.1", "10.0.0.2", "dabc" },
		{ 0, "10.0.0.1", "10.0.0.2", "dabcf" },
		{ 2, "2001:db8::1", "2001:db8::2", "ecf" },
		{ 2, "2001:db8::1", "2001:db9::2", "cf" },
		{ 2, NULL, "10.0.0.2", "abcf" },
		{ 2, "10.0.0.1", NULL, "bcfa" },
		{ 3, "10.0.0.1", "10.0.0.2", "abc" },
	};
	struct rv_core *core = *state;

	load(core, "base { local { }\n remote { } }\nconnections {\n"
		   " c : base { }\n"
		   " f : base { version = 2\nlocal_addrs = %any\nremote_addrs = gw.example\n }\n"
		   " b : base { local_addrs = 10.0.0.1\nremote_addrs = 10.0.0.0/28\n }\n"
		   " a : base { remote_addrs = 10.0.0.2\n }\n"
		   " d : base { version = 1\nlocal_addrs = 10.0.0.1\nremote_addrs = 10.0.0.2\n }\n"
		   " e : base { local_addrs = %any6\nremote_addrs = 2001:db8::/32\n }\n"
		   " m { keying = manual\n }\n"
		   " s { children { p { mode = pass\nlocal_ts = ::/0\nremote_ts = ::/0\n } } }\n}");
	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		const char *names = matches(core, rows[i].version, rows[i].local, rows[i].remote);
		if (strcmp(names, rows[i].names) != 0)
			fail_msg("row %zu: %s", i, names);
	}
}

static const char *pad(struct rv_core *core, const char *remote, const char *ours, const char *their,
		       struct rv_why *why)
{
	struct rv_addr l, r;
	struct rv_id *o = ours ? rv_id_parse(core, ours, NULL) : NULL, *t = rv_id_parse(core, their, NULL);
	const struct rv_connection *c = rv_pad_find(core, 2, addr(&l, "10.0.0.1:500"), addr(&r, remote), o, t, why);

	talloc_free(o);
	talloc_free(t);
	return c ? c->name : "-";
}

static const char people[] =
	"connections {\n"
	" any { local { id = gw.example\n }\n remote { id = %any\n } }\n"
	" wild { local { id = gw.example\n }\n remote { id = *.example\n } }\n"
	" east { local { id = gw.example\n }\n remote { id = east.example\n } }\n"
	" near { remote_addrs = 10.0.0.2\n local { id = gw.example\n }\n remote { id = near.example\n } }\n"
	" addr { remote_addrs = 10.0.0.0/8\n local { }\n remote { id = addr.example\n } }\n}";

static void identities_choose_among_what_addresses_allow(void **state)
{
	static const struct {
		const char *remote, *ours, *their, *name;
	} rows[] = {
		{ "192.0.2.7", NULL, "east.example", "east" },
		{ "192.0.2.7", NULL, "EAST.example", "east" },
		{ "192.0.2.7", NULL, "north.example", "wild" },
		{ "192.0.2.7", NULL, "joe@elsewhere.test", "any" },
		{ "192.0.2.7", "gw.example", "east.example", "east" },
		{ "192.0.2.7", "%any", "east.example", "east" },
		{ "192.0.2.7", "other.example", "east.example", "-" },
		{ "10.0.0.2", NULL, "near.example", "near" },
		{ "192.0.2.7", NULL, "near.example", "wild" },
		{ "10.0.0.2", NULL, "east.example", "east" },
		{ "10.0.0.7", NULL, "addr.example", "addr" },
		{ "10.0.0.7", "10.0.0.1", "addr.example", "addr" },
		{ "10.0.0.7", "10.0.0.9", "addr.example", "-" },
		{ "10.0.0.7", "gw.example", "addr.example", "wild" },
	};
	struct rv_core *core = *state;

	load(core, people);
	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		struct rv_why why = { 0 };
		const char *name = pad(core, rows[i].remote, rows[i].ours, rows[i].their, &why);
		if (strcmp(name, rows[i].name) != 0)
			fail_msg("row %zu: %s %s", i, name, why.text);
	}
}

static void our_identity_counts_before_the_peers(void **state)
{
	struct rv_core *core = *state;
	struct rv_why why = { 0 };

	load(core, "connections { a { local { id = %any\n }\n remote { id = east.example\n } }\n"
		   " b { local { id = gw.example\n }\n remote { id = %any\n } } }");
	assert_string_equal(pad(core, "192.0.2.7", "gw.example", "east.example", &why), "b");
	assert_string_equal(pad(core, "192.0.2.7", NULL, "east.example", &why), "a");
}

static void what_came_closest_is_told(void **state)
{
	struct rv_core *core = *state;
	struct rv_why why = { 0 };

	load(core,
	     "connections { near { version = 2\nremote_addrs = 10.0.0.2\n local { id = gw.example\n }\n"
	     " remote { id = near.example\n } }\n"
	     " far { remote_addrs = 10.0.0.0/8\n local { id = gw.example\n }\n remote { id = far.example\n } } }");
	assert_string_equal(pad(core, "10.0.0.2", "gw.example", "north.example", &why), "-");
	assert_int_equal(why.code, -RV_EUNKNOWN_PEER);
	assert_string_equal(why.text,
			    "the peer at 10.0.0.2 says it is 'north.example'; the connection that comes closest, "
			    "'near' (t:1), expects 'near.example'");
	why = (struct rv_why){ 0 };
	assert_string_equal(pad(core, "10.0.0.2", "other.example", "near.example", &why), "-");
	assert_string_equal(why.text,
			    "the peer at 10.0.0.2 asks for 'other.example'; in the connection that comes closest, "
			    "'near' (t:1), we are 'gw.example'");
	why = (struct rv_why){ 0 };
	assert_string_equal(pad(core, "192.0.2.1", NULL, "near.example", &why), "-");
	assert_non_null(strstr(why.text, "no connection has addresses and a version that fit a peer at 192.0.2.1"));
	assert_string_equal(pad(core, "192.0.2.1", NULL, "near.example", NULL), "-");
}

static const char *secret(struct rv_core *core, const char *kind, const char *ours, const char *their)
{
	static char text[32];
	struct rv_id *o = ours ? rv_id_parse(core, ours, NULL) : NULL,
		     *t = their ? rv_id_parse(core, their, NULL) : NULL;
	struct rv_bytes found = rv_secret_bytes(rv_secret_find(core, kind, o, t));

	snprintf(text, sizeof(text), "%.*s", (int)found.len, found.len ? (const char *)found.p : "");
	talloc_free(o);
	talloc_free(t);
	return text;
}

static void a_secret_goes_to_both_then_either_then_anybody(void **state)
{
	static const struct {
		const char *what, *kind, *ours, *their, *secret;
	} rows[] = {
		{ "both", "psk", "gw", "alice", "both-alice" },
		{ "both, other way round", "psk", "alice", "gw", "both-alice" },
		{ "the peer only", "psk", "gw", "carol", "for-carol" },
		{ "a group", "psk", "gw", "erin", "group" },
		{ "us only", "psk", "home", "zoe", "for-home" },
		{ "us only before a wide pattern", "psk", "home", "joe@x.test", "for-home" },
		{ "nobody named", "psk", "gw", "zoe", "anybody" },
		{ "no identity", "psk", NULL, NULL, "anybody" },
		{ "not for a peer that it does not name", "psk", "gw", "mallory", "anybody" },
		{ "exact before wildcard", "psk", "x", "a.example", "exact" },
		{ "wildcard", "psk", "x", "b.example", "wild" },
		{ "another kind", "pin", "gw", "alice", "other-kind" },
		{ "no such kind", "ppk", "gw", "alice", "" },
		{ "a kind of which only the beginning fits", "pska", "gw", "alice", "" },
	};
	struct rv_core *core = *state;

	load(core, "secrets {\n"
		   " psk { secret = anybody\n }\n"
		   " psk-1 { id-1 = gw\n id-2 = alice\n secret = both-alice\n }\n"
		   " psk-2 { id = carol\n secret = for-carol\n }\n"
		   " psk-3 { id-1 = dave\n id-2 = erin\n secret = group\n }\n"
		   " psk-4 { id = home\n secret = for-home\n }\n"
		   " psk-5 { id = *.example\n secret = wild\n }\n"
		   " psk-6 { id = a.example\n secret = exact\n }\n"
		   " pin-1 { id = alice\n secret = other-kind\n }\n}");
	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		const char *found = secret(core, rows[i].kind, rows[i].ours, rows[i].their);
		if (strcmp(found, rows[i].secret) != 0)
			fail_msg("%s: %s", rows[i].what, found);
	}
}

static void two_named_by_wildcard_come_before_one_named_exactly(void **state)
{
	struct rv_core *core = *state;

	load(core, "secrets { psk-1 { id-1 = a.example\n id-2 = %any\n secret = either\n }\n"
		   " psk-2 { id-1 = *.example\n secret = both\n } }");
	assert_string_equal(secret(core, "psk", "gw.example", "a.example"), "both");
	assert_string_equal(secret(core, "psk", "gw.test", "a.example"), "either");
}

static void a_pair_that_names_another_peer_is_not_taken(void **state)
{
	struct rv_core *core = *state;

	load(core, "secrets { psk-1 { id-1 = gw\n id-2 = alice\n secret = s\n } }");
	assert_string_equal(secret(core, "psk", "gw", "alice"), "s");
	assert_string_equal(secret(core, "psk", "gw", "mallory"), "");
	assert_string_equal(secret(core, "psk", "other", "alice"), "s");
	assert_string_equal(secret(core, "psk", "gw", NULL), "");
	assert_string_equal(secret(core, "psk", NULL, NULL), "");
	load(core, "secrets { psk-1 { id-1 = gw\n id-2 = %any\n secret = s\n } }");
	assert_string_equal(secret(core, "psk", "gw", "mallory"), "s");
}

static void nothing_is_found_where_nothing_is(void **state)
{
	struct rv_core *core = *state;
	struct rv_why why = { 0 };

	assert_null(rv_connection_find(core, "x"));
	assert_null(rv_connection_match(core, 2, NULL, NULL, 0));
	assert_null(rv_pad_find(core, 2, NULL, NULL, NULL, NULL, &why));
	assert_null(rv_secret_find(core, "psk", NULL, NULL));
	load(core, "");
	assert_null(rv_connection_find(core, ""));
	assert_null(rv_connection_match(core, 2, NULL, NULL, 0));
}

enum { SITES = 300, PEOPLE = 300 };

/* Sites with an address each, people with an identity each, and a few for several: each finds its own. */
static char *many_connections(struct rv_core *core)
{
	char *text = talloc_strdup(core, "connections {\n");

	for (int i = 0; i < SITES || i < PEOPLE; i++)
		text = talloc_asprintf_append(
			text,
			" s%d { local_addrs = 10.0.0.1\n remote_addrs = 10.1.%d.%d\n local { id = gw\n }\n"
			" remote { id = s%d.example\n } }\n"
			" p%d { local_addrs = 10.0.0.1\n local { id = gw\n }\n remote { id = p%d.example\n } }\n",
			i, i / 256, i % 256, i, i, i);
	return talloc_strdup_append(
		text, " r { remote_addrs = 10.1.0.0/16\n local { id = gw\n }\n remote { id = *.r.example\n } }\n"
		      " w { local_addrs = 10.0.0.1\n local { id = gw\n }\n remote { id = *.w.example\n } }\n"
		      " two { local_addrs = 10.0.0.1\n remote_addrs = 10.1.0.7,10.2.0.7\n local { id = gw\n }\n"
		      " remote { id = two.example\n } }\n}");
}

static void each_of_many_is_found(void **state)
{
	static const struct {
		const char *remote, *their, *name;
	} rows[] = {
		{ "10.1.0.0", "s0.example", "s0" },	 { "10.1.1.43", "s299.example", "s299" },
		{ "10.1.0.0", "s1.example", "-" },	 { "192.0.2.1", "p0.example", "p0" },
		{ "192.0.2.1", "P299.EXAMPLE", "p299" }, { "10.1.0.9", "p7.example", "p7" },
		{ "10.1.0.9", "p300.example", "-" },	 { "10.1.0.9", "x.r.example", "r" },
		{ "192.0.2.1", "x.r.example", "-" },	 { "192.0.2.1", "x.w.example", "w" },
		{ "10.1.0.7", "two.example", "two" },	 { "10.2.0.7", "two.example", "two" },
		{ "10.1.0.7", "s7.example", "s7" },	 { NULL, "s7.example", "s7" },
	};
	struct rv_core *core = *state;
	struct rv_why why = { 0 };
	char *text = many_connections(core);

	load(core, text);
	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		const char *name = pad(core, rows[i].remote, "gw", rows[i].their, &why);
		if (strcmp(name, rows[i].name) != 0)
			fail_msg("row %zu: %s", i, name);
	}
	talloc_free(text);
}

/* The connections of several groups that fit as well come in the order of the file, each of them once. */
static void all_of_many_that_match_come_in_order(void **state)
{
	struct rv_core *core = *state;
	char *text = many_connections(core), name[16];
	struct rv_addr l, r;
	const struct rv_addr *local = addr(&l, "10.0.0.1"), *remote = addr(&r, "10.1.0.7");

	load(core, text);
	assert_string_equal(rv_connection_match(core, 2, local, remote, 0)->name, "s7");
	assert_string_equal(rv_connection_match(core, 2, local, remote, 1)->name, "two");
	assert_string_equal(rv_connection_match(core, 2, local, remote, 2)->name, "r");
	for (size_t i = 0; i < PEOPLE; i++) {
		snprintf(name, sizeof(name), "p%zu", i);
		assert_string_equal(rv_connection_match(core, 2, local, remote, 3 + i)->name, name);
	}
	assert_string_equal(rv_connection_match(core, 2, local, remote, 3 + PEOPLE)->name, "w");
	assert_null(rv_connection_match(core, 2, local, remote, 4 + PEOPLE));
	/* a peer whose address is not known: every site's fits it as well as any */
	for (size_t i = 0; i < 2 * SITES; i++) {
		snprintf(name, sizeof(name), "%c%zu", i % 2 ? 'p' : 's', i / 2);
		assert_string_equal(rv_connection_match(core, 2, local, NULL, i)->name, name);
	}
	talloc_free(text);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(addresses_choose_best_match_first),
		T(identities_choose_among_what_addresses_allow),
		T(our_identity_counts_before_the_peers),
		T(what_came_closest_is_told),
		T(a_secret_goes_to_both_then_either_then_anybody),
		T(two_named_by_wildcard_come_before_one_named_exactly),
		T(a_pair_that_names_another_peer_is_not_taken),
		T(nothing_is_found_where_nothing_is),
		T(each_of_many_is_found),
		T(all_of_many_that_match_come_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
