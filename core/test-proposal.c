// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-proposal: proposals from words, their text, the default ones, and the choice between two sides.
 *
 * The words are made up; only how they hang together matters here.
 */
#include "test.h"

#include "parts.h"

#include <ravelin/algorithm.h>

struct thing_ops {
	size_t size;
};

RV_KIND(thing, "thing", 1, struct thing_ops, size)

static const struct thing_ops thing_ops = { .size = sizeof(thing_ops) };

static const struct rv_algorithm words[] = {
	{ "fox128", 1, 10, 128, .combined = true, .kind = "thing", .name = "fox", .rank = 2 },
	{ "fox256", 1, 10, 256, .combined = true, .kind = "thing", .name = "fox", .rank = 1 },
	{ "gone128", 1, 11, 128, .combined = true, .kind = "thing", .name = "gone", .rank = 3 },
	{ "hare", 1, 12, 64, .fixed_key = true, .kind = "thing", .name = "hare", .rank = 1 },
	{ "hase", 1, 12, 64, .fixed_key = true, .kind = "thing", .name = "hare" },
	{ "void", 1, 13, .forbid_keying = "RFC 1, 2: MUST NOT" },
	{ "worst", 1, 14, .forbid_keying = "RFC 1, 3: MUST NOT", .forbid_child = "RFC 1, 4: MUST NOT" },
	{ "prfowl", 2, 20, .kind = "thing", .name = "owl", .rank = 1 },
	{ "prfcat", 2, 21, .kind = "thing", .name = "cat", .rank = 2 },
	{ "owl", 3, 30, .kind = "thing", .name = "owl-128", .rank = 1 },
	{ "owlet", 3, 31, .kind = "thing", .name = "owlet-128", .rank = 0 },
	{ "cat", 3, 32, .kind = "thing", .name = "cat-96", .rank = 2 },
	{ "east", 4, 40, .kind = "thing", .name = "east", .rank = 1 },
	{ "west", 4, 41, .kind = "thing", .name = "west", .rank = 0 },
	{ "nothing", 4, 0, .forbid_keying = "RFC 1, 5: MUST NOT" },
	{ "short", 5, 0, .rank = 1 },
	{ "long", 5, 1, .rank = 2 },
};

static const struct rv_algorithm more_words[] = {
	{ "elk", 1, 15, .combined = true, .kind = "thing", .name = "elk" },
};

static const struct rv_algorithm_ops ops = { sizeof(ops), words, RV_COUNT(words) };
static const struct rv_algorithm_ops more_ops = { sizeof(more_ops), more_words, RV_COUNT(more_words) };

static int setup(void **state)
{
	static const char *const services[] = { "fox",	     "hare",   "owl",  "cat",  "owl-128",
						"owlet-128", "cat-96", "east", "west", "elk" };
	struct rv_core *core = talloc_zero(NULL, struct rv_core);
	struct rv_host *host;

	core->params.no_measure = true;
	core->log = rv_log_new(core, RV_ERROR, NULL, NULL);
	core->registry = rv_registry_new(core, core);
	host = rv_host_new(core, "words");
	assert_int_equal(rv_algorithm_offer(host, (struct rv_offer){ .name = "words" }, &ops, NULL), 0);
	assert_int_equal(rv_algorithm_offer(host, (struct rv_offer){ .name = "more" }, &more_ops, NULL), 0);
	for (size_t i = 0; i < RV_COUNT(services); i++)
		assert_int_equal(rv_thing_offer(host, (struct rv_offer){ .name = services[i] }, &thing_ops, NULL), 0);
	*state = core;
	return 0;
}

static int teardown(void **state)
{
	talloc_free(*state);
	return 0;
}

struct parse_row {
	const char *what;
	uint8_t protocol;
	const char *text, *result; /* the whole text, or a part of why when code is set */
	int code;
};

static const struct parse_row parse_rows[] = {
	{ "combined", RV_PROTO_KEYING, "fox128-prfowl-east", "fox128-prfowl-east" },
	{ "implied prf", RV_PROTO_KEYING, "hare-owl-east", "hare-owl-east-prfowl" },
	{ "implied prfs of each integrity", RV_PROTO_KEYING, "hare-cat-owl-east", "hare-cat-owl-east-prfcat-prfowl" },
	{ "written prf stays alone", RV_PROTO_KEYING, "hare-owl-prfcat-east", "hare-owl-prfcat-east" },
	{ "a name that begins alike is no prf for it", RV_PROTO_KEYING, "hare-owlet-east", "word that begins with prf",
	  -RV_ECONFIG },
	{ "combined without prf", RV_PROTO_KEYING, "fox128-east", "word that begins with prf", -RV_ECONFIG },
	{ "no key exchange", RV_PROTO_KEYING, "fox128-prfowl", "key exchange must be added", -RV_ECONFIG },
	{ "several of a class", RV_PROTO_KEYING, "fox256-fox128-prfowl-prfcat-west-east",
	  "fox256-fox128-prfowl-prfcat-west-east" },
	{ "twice the same", RV_PROTO_KEYING, "fox128-fox128-prfowl-east", "fox128-prfowl-east" },
	{ "synonym", RV_PROTO_ESP, "hase-owl", "hare-owl-short" },
	{ "sequence numbers of the keying protocol", RV_PROTO_KEYING, "fox128-prfowl-east-long",
	  "'long' has no place in a proposal for the keying protocol", -RV_ECONFIG },
	{ "mixed", RV_PROTO_KEYING, "fox128-hare-owl-east", "make two of it", -RV_ECONFIG },
	{ "integrity twice", RV_PROTO_ESP, "fox128-owl", "must go", -RV_ECONFIG },
	{ "integrity missing", RV_PROTO_ESP, "hare-east", "integrity algorithm must be added", -RV_ECONFIG },
	{ "encryption missing", RV_PROTO_ESP, "owl-east", "needs an encryption algorithm", -RV_ECONFIG },
	{ "only integrity", RV_PROTO_ESP, "void-owl", "void-owl-short" },
	{ "forbidden here only", RV_PROTO_KEYING, "void-owl-east", "'void' is refused: RFC 1, 2: MUST NOT",
	  -RV_EFORBIDDEN },
	{ "forbidden", RV_PROTO_ESP, "worst-owl", "'worst' is refused: RFC 1, 4", -RV_EFORBIDDEN },
	{ "child", RV_PROTO_ESP, "fox128-east", "fox128-east-short" },
	{ "child with numbers", RV_PROTO_ESP, "fox128-long", "fox128-long" },
	{ "child with both", RV_PROTO_ESP, "fox128-long-short", "fox128-long-short" },
	{ "no exchange alone", RV_PROTO_ESP, "fox128-nothing", "fox128-short" },
	{ "no exchange or one", RV_PROTO_ESP, "fox128-nothing-east", "fox128-nothing-east-short" },
	{ "no exchange for keys", RV_PROTO_KEYING, "fox128-prfowl-nothing", "RFC 1, 5", -RV_EFORBIDDEN },
	{ "prf in a child", RV_PROTO_ESP, "fox128-prfowl", "'prfowl' has no place in a proposal for ESP", -RV_ECONFIG },
	{ "authentication only", RV_PROTO_AH, "owl-east", "owl-east-short" },
	{ "encryption in it", RV_PROTO_AH, "fox128-owl", "no place in a proposal for AH", -RV_ECONFIG },
	{ "nothing in it", RV_PROTO_AH, "east", "needs an integrity algorithm", -RV_ECONFIG },
	{ "no provider", RV_PROTO_ESP, "gone128", "needs the service thing:gone", -RV_ENO_PROVIDER },
	{ "other plugin's word", RV_PROTO_ESP, "elk", "elk-short" },
	{ "unknown, near", RV_PROTO_ESP, "fox182", "did you mean 'fox128'?", -RV_ECONFIG },
	{ "unknown, far", RV_PROTO_ESP, "rhinoceros", "no word of a proposal that a loaded plugin", -RV_ECONFIG },
	{ "case counts", RV_PROTO_ESP, "FOX128", "no word", -RV_ECONFIG },
	{ "empty", RV_PROTO_ESP, "", "words with one '-'", -RV_ECONFIG },
	{ "empty word", RV_PROTO_ESP, "fox128--east", "words with one '-'", -RV_ECONFIG },
	{ "empty end", RV_PROTO_ESP, "fox128-", "words with one '-'", -RV_ECONFIG },
	{ "default keys", RV_PROTO_KEYING, "default", "fox256-fox128-prfowl-prfcat-east" },
	{ "default child", RV_PROTO_ESP, "default", "fox256-fox128-short-long" },
	{ "default authentication", RV_PROTO_AH, "default", "owl-cat-short-long" },
};

static void proposals_are_read_completed_and_checked(void **state)
{
	struct rv_core *core = *state;

	for (size_t i = 0; i < RV_COUNT(parse_rows); i++) {
		const struct parse_row *row = &parse_rows[i];
		struct rv_proposal proposal, again;
		struct rv_why why = { 0 };
		char text[256] = "";
		int code = rv_proposal_parse(core->registry, row->protocol, row->text, &proposal, &why);
		if (code != row->code)
			fail_msg("%s: %d %s", row->what, code, why.text);
		if (code) {
			if (!strstr(why.text, row->result))
				fail_msg("%s: %s", row->what, why.text);
			continue;
		}
		rv_proposal_text(core->registry, &proposal, text, sizeof(text));
		if (strcmp(text, row->result) != 0)
			fail_msg("%s: %s", row->what, text);
		assert_int_equal(proposal.protocol, row->protocol);
		assert_int_equal(rv_proposal_parse(core->registry, row->protocol, text, &again, &why), 0);
		assert_int_equal(again.n, proposal.n);
	}
}

static void a_fixed_key_has_no_length_on_the_wire(void **state)
{
	struct rv_core *core = *state;
	struct rv_proposal proposal;

	assert_int_equal(rv_proposal_parse(core->registry, RV_PROTO_ESP, "hare-owl", &proposal, NULL), 0);
	assert_int_equal(rv_proposal_get(&proposal, RV_CLASS_ENCR)->key_bits, 0);
	assert_int_equal(rv_proposal_parse(core->registry, RV_PROTO_ESP, "fox256", &proposal, NULL), 0);
	assert_int_equal(rv_proposal_get(&proposal, RV_CLASS_ENCR)->key_bits, 256);
	assert_null(rv_proposal_get(&proposal, RV_CLASS_INTEG));
}

static void default_stands_for_one_proposal_of_each_sort(void **state)
{
	static const char *const list[] = { "west-prfowl-fox128", "default", NULL };
	static const char *const bad[] = { "fox128-prfowl-east", "fox128-bear", NULL };
	struct rv_core *core = *state;
	struct rv_proposal *proposals;
	struct rv_why why = { 0 };
	char text[256];
	size_t n;

	assert_int_equal(rv_proposals_parse(core, core->registry, RV_PROTO_KEYING, list, &proposals, &n, &why), 0);
	assert_int_equal(n, 3);
	assert_string_equal(rv_proposal_text(core->registry, &proposals[1], text, sizeof(text)),
			    "fox256-fox128-prfowl-prfcat-east");
	assert_string_equal(rv_proposal_text(core->registry, &proposals[2], text, sizeof(text)),
			    "hare-prfowl-prfcat-owl-cat-east");
	assert_int_equal(rv_proposals_parse(core, core->registry, RV_PROTO_KEYING, bad, &proposals, &n, &why),
			 -RV_ECONFIG);
	assert_non_null(strstr(why.text, "proposal 'fox128-bear'"));
}

static void without_words_no_default_can_be_made(void **state)
{
	struct rv_core *core = talloc_zero(*state, struct rv_core);
	struct rv_proposal proposal;
	struct rv_why why = { 0 };

	core->params.no_measure = true;
	core->log = rv_log_new(core, RV_ERROR, NULL, NULL);
	core->registry = rv_registry_new(core, core);
	assert_int_equal(rv_proposal_parse(core->registry, RV_PROTO_ESP, "default", &proposal, &why), -RV_ENO_PROVIDER);
	why.text[0] = 0;
	assert_int_equal(rv_proposal_parse(core->registry, RV_PROTO_ESP, "fox128", &proposal, &why), -RV_ENO_PROVIDER);
	assert_non_null(strstr(why.text, "no loaded plugin offers words of proposals"));
}

static void a_proposal_holds_no_more_than_its_array(void **state)
{
	struct rv_algorithm many[RV_PROPOSAL_TRANSFORMS + 1];
	char names[RV_PROPOSAL_TRANSFORMS + 1][8], text[600] = "";
	const struct rv_algorithm_ops many_ops = { sizeof(many_ops), many, RV_COUNT(many) };
	struct rv_core *core = *state;
	struct rv_host *host = rv_host_new(core, "many");
	struct rv_proposal proposal;
	struct rv_why why = { 0 };

	for (unsigned i = 0; i < RV_COUNT(many); i++) {
		snprintf(names[i], sizeof(names[i]), "w%u", i);
		many[i] = (struct rv_algorithm){ .word = names[i], .class = RV_CLASS_KE, .id = (uint16_t)(100 + i) };
	}
	assert_int_equal(rv_algorithm_offer(host, (struct rv_offer){ .name = "many" }, &many_ops, NULL), 0);
	strcpy(text, "fox128");
	for (unsigned i = 0; i < RV_PROPOSAL_TRANSFORMS - 2; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "-w%u", i);
	assert_int_equal(rv_proposal_parse(core->registry, RV_PROTO_ESP, text, &proposal, &why), 0);
	assert_int_equal(proposal.n, RV_PROPOSAL_TRANSFORMS);
	strcat(text, "-w46");
	assert_int_equal(rv_proposal_parse(core->registry, RV_PROTO_ESP, text, &proposal, &why), -RV_ECONFIG);
	assert_non_null(strstr(why.text, "more than 48"));
	strcat(text, "-w47");
	assert_int_equal(rv_proposal_parse(core->registry, RV_PROTO_ESP, text, &proposal, &why), -RV_ECONFIG);
	talloc_free(host);
}

static void what_has_no_word_is_shown_by_number(void **state)
{
	static const struct rv_proposal proposal = { .n = 4,
						     .t = { { 1, 99, 0 }, { 1, 98, 192 }, { 7, 5, 0 }, { 4, 40, 0 } } };
	struct rv_core *core = *state;
	char text[64], small[8];

	assert_string_equal(rv_proposal_text(core->registry, &proposal, text, sizeof(text)),
			    "ENCR-99-ENCR-98/192-TYPE7-5-east");
	assert_string_equal(rv_proposal_text(core->registry, &proposal, small, sizeof(small)), "ENCR-99");
	assert_string_equal(rv_proposal_text(core->registry, &proposal, small, 1), "");
}

static void a_transform_leads_to_its_data_and_service(void **state)
{
	static const struct rv_transform fox = { 1, 10, 256 }, gone = { 1, 11, 128 }, none = { 1, 10, 0 },
					 number = { 5, 0, 0 };
	struct rv_core *core = *state;

	assert_string_equal(rv_algorithm_find(core->registry, &fox)->word, "fox256");
	assert_string_equal(rv_service_name(rv_algorithm_service(core->registry, &fox)), "fox");
	assert_string_equal(rv_algorithm_find(core->registry, &gone)->word, "gone128");
	assert_null(rv_algorithm_service(core->registry, &gone));
	assert_null(rv_algorithm_find(core->registry, &none));
	assert_null(rv_algorithm_service(core->registry, &none));
	assert_null(rv_algorithm_service(core->registry, &number));
}

/* Proposals are written as "NUMBER:class.id[/bits] class.id ...", several with | between them. */
static size_t proposals_of(const char *text, struct rv_proposal *out)
{
	size_t n = 0;

	while (*text) {
		unsigned number, class, id, bits;
		int used;
		struct rv_proposal *p = &out[n++];
		assert_int_equal(sscanf(text, "%u:%n", &number, &used), 1);
		text += used;
		*p = (struct rv_proposal){ .protocol = RV_PROTO_ESP, .number = (uint8_t)number };
		for (; *text && *text != '|'; text += strspn(text, " ")) {
			assert_int_equal(sscanf(text, "%u.%u%n", &class, &id, &used), 2);
			text += used;
			bits = 0;
			if (*text == '/') {
				assert_int_equal(sscanf(text, "/%u%n", &bits, &used), 1);
				text += used;
			}
			p->t[p->n++] = (struct rv_transform){ (uint8_t) class, (uint16_t)id, (uint16_t)bits };
		}
		text += *text == '|';
	}
	return n;
}

static const struct {
	const char *what, *ours, *theirs;
	bool strip;
	const char *chosen; /* NULL: none */
} choices[] = {
	{ "the same", "0:1.20/128 4.31 5.0", "1:1.20/128 4.31 5.0", false, "1:1.20/128 4.31 5.0" },
	{ "our order in a class", "0:1.20/256 1.20/128 5.0", "1:1.20/128 1.20/256 5.0", false, "1:1.20/256 5.0" },
	{ "our order of proposals", "0:1.28 5.0|0:1.20/128 5.0", "1:1.20/128 5.0|2:1.28 5.0", false, "2:1.28 5.0" },
	{ "their order among fitting ones", "0:1.28 5.0 5.1", "1:1.28 5.1|2:1.28 5.0", false, "1:1.28 5.1" },
	{ "another key length", "0:1.12/128 3.12 5.0", "1:1.12/256 3.12 5.0", false, NULL },
	{ "no key length", "0:1.12/128 3.12 5.0", "1:1.12 3.12 5.0", false, NULL },
	{ "one of many", "0:1.12/128 3.12 5.0", "1:1.3 1.12/256 1.12/128 3.2 3.12 5.1 5.0", false,
	  "1:1.12/128 3.12 5.0" },
	{ "integrity that they lack", "0:1.12/128 3.12 5.0", "1:1.12/128 5.0", false, NULL },
	{ "integrity that we lack", "0:1.20/128 5.0", "1:1.20/128 3.12 5.0", false, NULL },
	{ "integrity none, written", "0:1.20/128 5.0", "1:1.20/128 3.0 5.0", false, "1:1.20/128 3.0 5.0" },
	{ "integrity none among others", "0:1.20/128 5.0", "1:1.20/128 3.12 3.0 5.0", false, "1:1.20/128 3.0 5.0" },
	{ "encryption that they lack", "0:1.20/128 5.0", "1:5.0", false, NULL },
	{ "a prf that they lack", "0:1.20/128 2.5 4.31", "1:1.20/128 4.31", false, NULL },
	{ "exchange that they lack", "0:1.20/128 4.31 5.0", "1:1.20/128 5.0", false, NULL },
	{ "exchange that we lack", "0:1.20/128 5.0", "1:1.20/128 4.31 5.0", false, NULL },
	{ "exchange that may be none for us", "0:1.20/128 4.31 4.0 5.0", "1:1.20/128 5.0", false, "1:1.20/128 5.0" },
	{ "exchange that may be none for them", "0:1.20/128 5.0", "1:1.20/128 4.31 4.0 5.0", false,
	  "1:1.20/128 4.0 5.0" },
	{ "exchanges left out", "0:1.20/128 4.31 5.0", "1:1.20/128 5.0", true, "1:1.20/128 5.0" },
	{ "exchanges left out on both sides", "0:1.20/128 4.31 5.0", "1:1.20/128 4.14 5.0", true, "1:1.20/128 5.0" },
	{ "numbers that they lack", "0:1.20/128 5.0", "1:1.20/128", false, "1:1.20/128" },
	{ "long numbers that they lack", "0:1.20/128 5.1", "1:1.20/128", false, NULL },
	{ "long numbers that only they want", "0:1.20/128 5.0", "1:1.20/128 5.1", false, NULL },
	{ "a class that nobody knows", "0:1.20/128 5.0", "1:1.20/128 5.0 13.1", false, NULL },
	{ "a class that nobody knows, with none", "0:1.20/128 5.0", "1:1.20/128 5.0 13.0|2:1.20/128 5.0", false,
	  "2:1.20/128 5.0" },
	{ "a class that an extension added", "0:1.20/128 5.0 6.7", "1:1.20/128 5.0 6.7", false, "1:1.20/128 5.0 6.7" },
	{ "a further key exchange that only they want", "0:1.20/128 5.0", "1:1.20/128 5.0 6.7", false, NULL },
	{ "a further one that they can do without", "0:1.20/128 5.0", "1:1.20/128 5.0 6.7 6.0", false,
	  "1:1.20/128 5.0 6.0" },
	{ "a further one that only we want", "0:1.20/128 5.0 6.7", "1:1.20/128 5.0", false, NULL },
	{ "a further one that we can do without", "0:1.20/128 5.0 6.7 6.0", "1:1.20/128 5.0", false, "1:1.20/128 5.0" },
	{ "no further one twice", "0:1.20/128 5.0 6.7 6.8 12.7 12.8", "1:1.20/128 5.0 6.7 6.8 12.7 12.8", false,
	  "1:1.20/128 5.0 6.7 12.8" },
	{ "no further one twice though it is the only one", "0:1.20/128 5.0 6.7 7.7", "1:1.20/128 5.0 6.7 7.7", false,
	  NULL },
	{ "none as often as it likes", "0:1.20/128 5.0 6.0 7.0", "1:1.20/128 5.0 6.0 7.0", false,
	  "1:1.20/128 5.0 6.0 7.0" },
	{ "further ones are stripped too", "0:1.20/128 5.0 4.31 6.7", "1:1.20/128 5.0", true, "1:1.20/128 5.0" },
	{ "nothing offered", "0:1.20/128 5.0", "", false, NULL },
	{ "an empty proposal", "0:1.20/128 5.0", "1:", false, NULL },
};

static void the_choice_follows_the_table(void **state)
{
	for (size_t i = 0; i < RV_COUNT(choices); i++) {
		struct rv_proposal ours[4], theirs[4], wanted[1] = { 0 }, chosen;
		size_t n_ours = proposals_of(choices[i].ours, ours), n_theirs = proposals_of(choices[i].theirs, theirs);
		bool found = rv_proposal_choose(ours, n_ours, theirs, n_theirs, choices[i].strip, &chosen);
		if (found != !!choices[i].chosen)
			fail_msg("%s: %d", choices[i].what, found);
		if (!found)
			continue;
		proposals_of(choices[i].chosen, wanted);
		if (chosen.n != wanted->n || chosen.number != wanted->number || chosen.protocol != RV_PROTO_ESP)
			fail_msg("%s: %u transforms, number %u", choices[i].what, chosen.n, chosen.number);
		for (unsigned j = 0; j < chosen.n; j++) {
			const struct rv_transform *t = rv_proposal_get(&chosen, wanted->t[j].class);
			if (!t || t->id != wanted->t[j].id || t->key_bits != wanted->t[j].key_bits)
				fail_msg("%s: class %u", choices[i].what, wanted->t[j].class);
		}
	}
}

static void protocols_do_not_mix(void **state)
{
	struct rv_proposal ours[1], theirs[1], chosen;

	proposals_of("0:1.20/128 5.0", ours);
	proposals_of("1:1.20/128 5.0", theirs);
	theirs[0].protocol = RV_PROTO_KEYING;
	assert_false(rv_proposal_choose(ours, 1, theirs, 1, false, &chosen));
	assert_int_equal(chosen.n, 0);
}

static void a_choice_is_a_part_of_both_sides(void **state)
{
	uint32_t seed = 12345;

	for (int round = 0; round < 20000; round++) {
		struct rv_proposal p[2] = { { .protocol = 3, .number = 1 }, { .protocol = 3, .number = 2 } }, chosen;
		for (int side = 0; side < 2; side++)
			for (int i = 0; i < 8; i++) {
				seed = seed * 1103515245u + 12345u;
				p[side].t[p[side].n++] = (struct rv_transform){ (uint8_t)(1 + (seed >> 16) % 5),
										(uint16_t)((seed >> 20) % 4), 0 };
			}
		if (!rv_proposal_choose(&p[0], 1, &p[1], 1, round & 1, &chosen))
			continue;
		assert_int_equal(chosen.number, 2);
		for (unsigned i = 0; i < chosen.n; i++) {
			const struct rv_transform *t = &chosen.t[i];
			bool in[2] = { false, false };
			for (unsigned j = 0; j < 16; j++) {
				const struct rv_transform *other = &p[j / 8].t[j % 8];
				in[j / 8] |= other->class == t->class && other->id == t->id;
			}
			assert_true(in[1]);
			assert_true(in[0] || (!t->id && t->class >= RV_CLASS_INTEG));
			for (unsigned j = 0; j < i; j++)
				assert_int_not_equal(chosen.t[j].class, t->class);
		}
	}
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(proposals_are_read_completed_and_checked),
		T(a_fixed_key_has_no_length_on_the_wire),
		T(default_stands_for_one_proposal_of_each_sort),
		T(without_words_no_default_can_be_made),
		T(a_proposal_holds_no_more_than_its_array),
		T(what_has_no_word_is_shown_by_number),
		T(a_transform_leads_to_its_data_and_service),
		T(the_choice_follows_the_table),
		T(protocols_do_not_mix),
		T(a_choice_is_a_part_of_both_sides),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
