// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-narrow: the responder's choice by the rules and examples of RFC 7296, 2.9, and the initiator's check. */
#include "test.h"

#include "octets/narrow.h"

static void list_parse(struct ike_ts_list *list, const char *const *text)
{
	list->n = 0;
	for (; *text; text++)
		assert_int_equal(rv_ts_parse(&list->ts[list->n++], *text, NULL), 0);
}

/* The selectors of list as one line. */
static const char *list_text(const struct ike_ts_list *list, char *out, size_t size)
{
	size_t len = 0;

	out[0] = 0;
	for (size_t i = 0; i < list->n; i++) {
		char text[RV_TS_TEXT];

		len += (size_t)snprintf(out + len, size - len, "%s%s", i ? " " : "", rv_ts_text(&list->ts[i], text));
	}
	return out;
}

enum { MAX = 5 };

static const struct {
	const char *what;
	const char *local[MAX], *remote[MAX], *tsr[MAX], *tsi[MAX];
	enum ike_narrow verdict;
	const char *out_local, *out_remote;
} rows[] = {
	{ "the same on both sides",
	  { "10.2.0.0/16" },
	  { "10.1.0.0/16" },
	  { "10.2.0.0/16" },
	  { "10.1.0.0/16" },
	  IKE_NARROW_ALL,
	  "10.2.0.0/16",
	  "10.1.0.0/16" },
	{ "the example of the RFC: a packet, then the whole",
	  { "192.0.2.0/24" },
	  { "198.51.100.0/24" },
	  { "192.0.2.7[tcp/80]", "192.0.2.0/24" },
	  { "198.51.100.43[tcp/1025]", "198.51.100.0/24" },
	  IKE_NARROW_ALL,
	  "192.0.2.0/24",
	  "198.51.100.0/24" },
	{ "narrowed to the first choices",
	  { "192.0.2.0/24" },
	  { "198.51.100.43" },
	  { "192.0.2.7[tcp/80]", "192.0.2.0/24" },
	  { "198.51.100.43[tcp/1025]", "198.51.100.0/24" },
	  IKE_NARROW_FIRST,
	  "192.0.2.0/24",
	  "198.51.100.43/32" },
	{ "the first choice is not ours",
	  { "192.0.2.0/24" },
	  { "198.51.100.44" },
	  { "192.0.2.7[tcp/80]", "192.0.2.0/24" },
	  { "198.51.100.43[tcp/1025]", "198.51.100.0/24" },
	  IKE_NARROW_SOME,
	  "192.0.2.0/24",
	  "198.51.100.44/32" },
	{ "nothing in common on one side",
	  { "10.2.0.0/16" },
	  { "10.1.0.0/16" },
	  { "10.2.0.0/16" },
	  { "10.3.0.0/16" },
	  IKE_NARROW_NONE,
	  NULL,
	  NULL },
	{ "nothing in common on the other side",
	  { "10.2.0.0/16" },
	  { "10.1.0.0/16" },
	  { "10.3.0.0/16" },
	  { "10.1.0.0/16" },
	  IKE_NARROW_NONE,
	  NULL,
	  NULL },
	{ "everything is asked for",
	  { "10.2.0.0/16" },
	  { "10.1.0.0/16" },
	  { "0.0.0.0/0" },
	  { "0.0.0.0/0" },
	  IKE_NARROW_SOME,
	  "10.2.0.0/16",
	  "10.1.0.0/16" },
	{ "two of ours in one of theirs",
	  { "10.2.0.0/24", "10.2.5.0/24" },
	  { "10.1.0.0/16" },
	  { "10.2.0.0/16" },
	  { "10.1.0.0/16" },
	  IKE_NARROW_SOME,
	  "10.2.0.0/24 10.2.5.0/24",
	  "10.1.0.0/16" },
	{ "a protocol and a port",
	  { "10.2.0.0/16[tcp/443]" },
	  { "10.1.0.0/16" },
	  { "10.2.0.0/16[tcp]" },
	  { "10.1.0.0/16[tcp]" },
	  IKE_NARROW_SOME,
	  "10.2.0.0/16[tcp/443]",
	  "10.1.0.0/16[tcp]" },
	{ "protocols that do not meet",
	  { "10.2.0.0/16[udp]" },
	  { "10.1.0.0/16" },
	  { "10.2.0.0/16[tcp]" },
	  { "10.1.0.0/16" },
	  IKE_NARROW_NONE,
	  NULL,
	  NULL },
	{ "sides without a common protocol",
	  { "10.2.0.0/16[udp]" },
	  { "10.1.0.0/16[tcp]" },
	  { "10.2.0.0/16" },
	  { "10.1.0.0/16" },
	  IKE_NARROW_NONE,
	  NULL,
	  NULL },
	{ "both families",
	  { "10.2.0.0/16", "2001:db8:2::/48" },
	  { "10.1.0.0/16", "2001:db8:1::/48" },
	  { "2001:db8:2::/48", "10.2.0.0/16" },
	  { "2001:db8:1::/48", "10.1.0.0/16" },
	  IKE_NARROW_ALL,
	  "2001:db8:2::/48 10.2.0.0/16",
	  "2001:db8:1::/48 10.1.0.0/16" },
	{ "a family without a partner is left out",
	  { "10.2.0.0/16", "2001:db8:2::/48" },
	  { "10.1.0.0/16" },
	  { "2001:db8:2::/48", "10.2.0.0/16" },
	  { "10.1.0.0/16" },
	  IKE_NARROW_SOME,
	  "10.2.0.0/16",
	  "10.1.0.0/16" },
	{ "only families that do not meet",
	  { "10.2.0.0/16" },
	  { "2001:db8:1::/48" },
	  { "10.2.0.0/16" },
	  { "2001:db8:1::/48" },
	  IKE_NARROW_NONE,
	  NULL,
	  NULL },
	{ "what another covers is left out, in its place",
	  { "10.2.0.0/16" },
	  { "10.1.0.0/16" },
	  { "10.2.1.0/24", "10.2.2.0/24", "10.2.0.0/16" },
	  { "10.1.0.0/16", "10.1.7.0/24" },
	  IKE_NARROW_ALL,
	  "10.2.0.0/16",
	  "10.1.0.0/16" },
	{ "an order of theirs is kept",
	  { "10.2.0.0/16", "10.3.0.0/16", "10.4.0.0/16" },
	  { "10.1.0.0/16" },
	  { "10.4.0.0/16", "10.2.1.0/24", "10.3.0.0/16", "10.2.0.0/16" },
	  { "10.1.0.0/16" },
	  IKE_NARROW_ALL,
	  "10.4.0.0/16 10.2.0.0/16 10.3.0.0/16",
	  "10.1.0.0/16" },
};

static void selectors_are_narrowed_as_the_rfc_says(void **state)
{
	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		struct ike_ts_list local, remote, tsr, tsi;
		struct ike_ts_pair chosen;
		char text[1024];
		enum ike_narrow verdict;

		list_parse(&local, rows[i].local);
		list_parse(&remote, rows[i].remote);
		list_parse(&tsr, rows[i].tsr);
		list_parse(&tsi, rows[i].tsi);
		verdict = ike_narrow(local.ts, local.n, remote.ts, remote.n, &tsr, &tsi, &chosen);
		if (verdict != rows[i].verdict)
			fail_msg("%s: verdict %d", rows[i].what, verdict);
		if (verdict == IKE_NARROW_NONE)
			continue;
		if (strcmp(list_text(&chosen.local, text, sizeof(text)), rows[i].out_local))
			fail_msg("%s: local %s", rows[i].what, text);
		if (strcmp(list_text(&chosen.remote, text, sizeof(text)), rows[i].out_remote))
			fail_msg("%s: remote %s", rows[i].what, text);
		assert_true(ike_ts_within(&chosen.local, tsr.ts, tsr.n));
		assert_true(ike_ts_within(&chosen.remote, tsi.ts, tsi.n));
	}
}

static void an_empty_list_is_unacceptable(void **state)
{
	const char *const text[] = { "10.2.0.0/16", NULL };
	struct ike_ts_list some, none = { 0 };
	struct ike_ts_pair chosen;

	list_parse(&some, text);
	assert_int_equal(ike_narrow(some.ts, 1, some.ts, 1, &none, &some, &chosen), IKE_NARROW_NONE);
	assert_int_equal(ike_narrow(some.ts, 1, some.ts, 1, &some, &none, &chosen), IKE_NARROW_NONE);
	assert_int_equal(ike_narrow(NULL, 0, some.ts, 1, &some, &some, &chosen), IKE_NARROW_NONE);
	assert_false(ike_ts_within(&none, some.ts, 1));
}

static void a_choice_never_has_more_than_64_selectors(void **state)
{
	struct ike_ts_list theirs = { .n = IKE_TS_MAX };
	struct rv_ts ours[2];
	struct ike_ts_pair chosen;

	for (size_t i = 0; i < IKE_TS_MAX; i++)
		theirs.ts[i] = (struct rv_ts){ RV_IPV4, 0, 0, 65535, { 10, (uint8_t)i, 0 }, { 10, (uint8_t)i, 255 } };
	ours[0] = (struct rv_ts){ RV_IPV4, 6, 0, 65535, { 10 }, { 10, 255, 255, 255 } };
	ours[1] = (struct rv_ts){ RV_IPV4, 17, 0, 65535, { 10 }, { 10, 255, 255, 255 } };
	assert_int_equal(ike_narrow(ours, 2, ours, 2, &theirs, &theirs, &chosen), IKE_NARROW_SOME);
	assert_int_equal(chosen.local.n, IKE_TS_MAX);
	assert_true(ike_ts_within(&chosen.local, theirs.ts, theirs.n));
}

static void an_answer_wider_than_the_offer_is_seen(void **state)
{
	const char *const offer[] = { "10.1.0.0/16", "10.9.0.1[udp/53]", NULL };
	const struct {
		const char *text[3];
		bool ok;
	} answers[] = {
		{ { "10.1.0.0/16" }, true },	   { { "10.1.4.0/24", "10.9.0.1[udp/53]" }, true },
		{ { "10.0.0.0/15" }, false },	   { { "10.1.0.0/16", "10.9.0.1[udp]" }, false },
		{ { "10.9.0.1[tcp/53]" }, false },
	};
	struct ike_ts_list offered, answer;

	list_parse(&offered, offer);
	for (size_t i = 0; i < RV_COUNT(answers); i++) {
		list_parse(&answer, answers[i].text);
		if (ike_ts_within(&answer, offered.ts, offered.n) != answers[i].ok)
			fail_msg("%s", answers[i].text[0]);
	}
}

/* The same addresses cut elsewhere are no others; ports are not put together. */
static void selectors_are_compared_by_what_they_hold(void **state)
{
	static const struct {
		const char *what, *inner[MAX], *outer[MAX];
		bool within;
	} cuts[] = {
		{ "halves of one", { "10.1.0.0/16" }, { "10.1.0.0/17", "10.1.128.0/17" }, true },
		{ "in any order", { "10.1.0.0/16" }, { "10.1.128.0/17", "10.1.0.0/17" }, true },
		{ "overlapping", { "10.1.0.9-10.1.3.7" }, { "10.1.0.0-10.1.2.0", "10.1.1.0-10.1.3.7" }, true },
		{ "a gap of one address",
		  { "10.1.0.0/24" },
		  { "10.1.0.0-10.1.0.127", "10.1.0.129-10.1.0.255" },
		  false },
		{ "one is missing at the end",
		  { "10.1.0.0/24" },
		  { "10.1.0.0-10.1.0.127", "10.1.0.128-10.1.0.254" },
		  false },
		{ "one is missing at the start", { "10.1.0.0/24" }, { "10.1.0.1-10.1.0.255" }, false },
		{ "all addresses", { "0.0.0.0/0" }, { "0.0.0.0/1", "128.0.0.0/1" }, true },
		{ "all of IPv6", { "::/0" }, { "::/1", "8000::/1" }, true },
		{ "all but one of IPv6",
		  { "::/0" },
		  { "::/1", "8000::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe" },
		  false },
		{ "a carry", { "10.0.255.0-10.1.0.9" }, { "10.0.255.0/24", "10.1.0.0/24" }, true },
		{ "a half for one protocol", { "10.1.0.0/24" }, { "10.1.0.0/25", "10.1.0.128/25[tcp]" }, false },
		{ "the same protocol", { "10.1.0.0/24[tcp/80]" }, { "10.1.0.0/25[tcp]", "10.1.0.128/25" }, true },
		{ "ports", { "10.1.0.0/24[tcp/1-9]" }, { "10.1.0.0/24[tcp/1-5]", "10.1.0.0/24[tcp/6-9]" }, false },
	};

	for (size_t i = 0; i < RV_COUNT(cuts); i++) {
		struct ike_ts_list inner, outer;

		list_parse(&inner, cuts[i].inner);
		list_parse(&outer, cuts[i].outer);
		if (ike_ts_within(&inner, outer.ts, outer.n) != cuts[i].within)
			fail_msg("%s", cuts[i].what);
	}
}

static void a_nat_is_seen_through_where_there_is_one_address(void **state)
{
	static const struct {
		const char *what, *list[MAX], *addr, *out;
	} nat[] = {
		{ "one address", { "192.168.1.2" }, "192.0.2.9", "192.0.2.9/32" },
		{ "ports stay",
		  { "10.0.0.1[tcp/80]", "10.0.0.1[udp]" },
		  "192.0.2.9",
		  "192.0.2.9/32[tcp/80] 192.0.2.9/32[udp]" },
		{ "IPv6", { "fd00::2" }, "2001:db8::1", "2001:db8::1/128" },
		{ "two addresses", { "10.0.0.1", "10.0.0.2" }, "192.0.2.9", NULL },
		{ "a range", { "10.0.0.1-10.0.0.2" }, "192.0.2.9", NULL },
		{ "another family", { "fd00::2" }, "192.0.2.9", NULL },
		{ "none", { NULL }, "192.0.2.9", NULL },
	};
	struct ike_ts_list list, before;
	struct rv_addr addr;
	char text[512], same[512];

	for (size_t i = 0; i < RV_COUNT(nat); i++) {
		list_parse(&list, nat[i].list);
		before = list;
		assert_int_equal(rv_addr_parse(&addr, nat[i].addr), 0);
		if (ike_ts_substitute(&list, &addr) != (nat[i].out != NULL))
			fail_msg("%s", nat[i].what);
		list_text(&list, text, sizeof(text));
		assert_string_equal(text, nat[i].out ? nat[i].out : list_text(&before, same, sizeof(same)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(selectors_are_narrowed_as_the_rfc_says),
		cmocka_unit_test(an_empty_list_is_unacceptable),
		cmocka_unit_test(a_choice_never_has_more_than_64_selectors),
		cmocka_unit_test(an_answer_wider_than_the_offer_is_seen),
		cmocka_unit_test(selectors_are_compared_by_what_they_hold),
		cmocka_unit_test(a_nat_is_seen_through_where_there_is_one_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
