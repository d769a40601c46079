// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-identity: names of peers, read, written, and matched against patterns.
 */
#include "test.h"

#include <ravelin/error.h>
#include <ravelin/identity.h>

#include <talloc.h>

static struct rv_id *id_of(const void *parent, const char *text)
{
	struct rv_why why = { 0 };
	struct rv_id *id = rv_id_parse(parent, text, &why);

	if (!id)
		fail_msg("%s", why.text);
	return id;
}

static int set_up(void **state)
{
	*state = talloc_new(NULL);
	return *state ? 0 : -1;
}

static int tear_down(void **state)
{
	return talloc_free(*state);
}

static void identities_are_read_and_written(void **state)
{
	static const struct {
		const char *text, *written; /* written NULL: as text */
		uint8_t type;
		size_t len;
	} rows[] = {
		{ "%any", NULL, RV_ID_ANY, 0 },
		{ "*", "%any", RV_ID_ANY, 0 },
		{ "0.0.0.0", "%any", RV_ID_ANY, 0 },
		{ "::", "%any", RV_ID_ANY, 0 },
		{ "%null", NULL, RV_ID_NULL, 0 },
		{ "10.0.0.1", NULL, RV_ID_IPV4, 4 },
		{ "ipv4:10.0.0.1", "10.0.0.1", RV_ID_IPV4, 4 },
		{ "ipv4:0.0.0.0", NULL, RV_ID_IPV4, 4 },
		{ "ipv4:#0a000001", "10.0.0.1", RV_ID_IPV4, 4 },
		{ "2001:db8::1", NULL, RV_ID_IPV6, 16 },
		{ "ipv6:2001:db8::1", "2001:db8::1", RV_ID_IPV6, 16 },
		{ "10.0.0.0/8", NULL, RV_ID_IPV4, 8 },
		{ "10.0.0.1/32", "10.0.0.1", RV_ID_IPV4, 4 },
		{ "10.0.0.1-10.0.0.9", NULL, RV_ID_IPV4, 8 },
		{ "2001:db8::/32", NULL, RV_ID_IPV6, 32 },
		{ "ipv4net:10.0.0.0/8", "10.0.0.0/8", RV_ID_IPV4, 8 },
		{ "gw.example.com", NULL, RV_ID_FQDN, 14 },
		{ "@gw.example.com", "gw.example.com", RV_ID_FQDN, 14 },
		{ "fqdn:gw.example.com", "gw.example.com", RV_ID_FQDN, 14 },
		{ "DNS:gw.example.com", "gw.example.com", RV_ID_FQDN, 14 },
		{ "*.example.com", NULL, RV_ID_FQDN, 13 },
		{ "fqdn:10.0.0.1", NULL, RV_ID_FQDN, 8 },
		{ "@10.0.0.1", "fqdn:10.0.0.1", RV_ID_FQDN, 8 },
		{ "fqdn:a@b", NULL, RV_ID_FQDN, 3 },
		{ "fqdn:a=b", NULL, RV_ID_FQDN, 3 },
		{ "fqdn:*", NULL, RV_ID_FQDN, 1 },
		{ "fqdn:dynamic", NULL, RV_ID_FQDN, 7 },
		{ "fqdn:email:x", NULL, RV_ID_FQDN, 7 },
		{ "fqdn:%any", NULL, RV_ID_FQDN, 4 },
		{ "fqdn:#6101", NULL, RV_ID_FQDN, 2 },
		{ "dynamic", "fqdn:dynamic", RV_ID_FQDN, 7 },
		{ "carol@example.com", NULL, RV_ID_EMAIL, 17 },
		{ "@@carol@example.com", "carol@example.com", RV_ID_EMAIL, 17 },
		{ "email:carol", NULL, RV_ID_EMAIL, 5 },
		{ "rfc822:carol@example.com", "carol@example.com", RV_ID_EMAIL, 17 },
		{ "*@example.com", NULL, RV_ID_EMAIL, 13 },
		{ "keyid:branch 7", NULL, RV_ID_KEYID, 8 },
		{ "@#0102ff", "keyid:#0102ff", RV_ID_KEYID, 3 },
		{ "@#01:02:FF", "keyid:#0102ff", RV_ID_KEYID, 3 },
		{ "keyid:#2341", NULL, RV_ID_KEYID, 2 }, /* "#A": as text it would be hexadecimal */
		{ "keyid:#6162", "keyid:ab", RV_ID_KEYID, 2 },
		{ "branch:7", "keyid:branch:7", RV_ID_KEYID, 8 },
		{ "asn1dn:#3000", NULL, RV_ID_DN, 2 },
		{ "asn1dn:#300d310b3009060355040613024445", NULL, RV_ID_DN, 15 },
		{ "asn1gn:#8203616263", NULL, RV_ID_GN, 5 },
	};

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		char out[RV_ID_TEXT];
		struct rv_id *id = id_of(*state, rows[i].text);
		assert_string_equal(rv_id_text(id, out), rows[i].written ? rows[i].written : rows[i].text);
		assert_int_equal(id->type, rows[i].type);
		assert_int_equal(id->len, rows[i].len);
		assert_true(rv_id_same(id, id_of(*state, out)));
	}
}

static void what_is_no_identity_is_refused_in_words(void **state)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
		{ "", "%any" },
		{ "CN=gw, O=Example", "asn1dn:#" },
		{ "asn1dn:CN=gw", "asn1dn:#" },
		{ "asn1dn:#", "hexadecimal" },
		{ "asn1dn:#30", "DER" },
		{ "asn1dn:#3001", "DER" },
		{ "asn1dn:#300000", "DER" },
		{ "asn1dn:#3100", "DER" },
		{ "asn1dn:#308100", "DER" },
		{ "asn1dn:#30820003", "DER" },
		{ "asn1dn:#3080", "DER" },
		{ "asn1dn:#30830000", "DER" },
		{ "@#", "hexadecimal" },
		{ "@#0", "hexadecimal" },
		{ "@#0g", "hexadecimal" },
		{ "@#01:", "hexadecimal" },
		{ "@#:01", "hexadecimal" },
		{ "@", "1 to 2048" },
		{ "@@", "1 to 2048" },
		{ "fqdn:", "1 to 2048" },
		{ "keyid:", "1 to 2048" },
		{ "fqdn:#610061", "cannot be" },
		{ "ipv4:#0a0000", "cannot be" },
		{ "ipv4:#0a0000010a000002", "cannot be" },
		{ "ipv4:2001:db8::1", "address of this family" },
		{ "ipv6:10.0.0.1", "address of this family" },
		{ "ipv4:10.0.0.0/8[tcp]", "address of this family" },
		{ "ipv4:", "address of this family" },
	};

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		struct rv_why why = { 0 };
		if (rv_id_parse(*state, rows[i].text, &why) || why.code != -RV_ECONFIG ||
		    !strstr(why.text, rows[i].says))
			fail_msg("%s: %s", rows[i].text, why.text);
	}
}

static void lengths_are_bounded(void **state)
{
	char text[2 * RV_ID_MAX + 16] = "@";
	struct rv_why why = { 0 };

	memset(text + 1, 'a', RV_ID_MAX);
	text[1 + RV_ID_MAX] = '\0';
	assert_int_equal(id_of(*state, text)->len, RV_ID_MAX);
	strncat(text, "a", 2);
	assert_null(rv_id_parse(*state, text, &why));
	memset(text, 'a', sizeof(text));
	memcpy(text, "@#", 2);
	text[2 + 2 * RV_ID_MAX] = '\0';
	assert_int_equal(id_of(*state, text)->len, RV_ID_MAX);
	text[2 + 2 * RV_ID_MAX] = 'a';
	text[4 + 2 * RV_ID_MAX] = '\0';
	assert_null(rv_id_parse(*state, text, &why));
}

static void the_wire_gives_only_what_can_be(void **state)
{
	static const struct {
		const char *what;
		uint8_t type;
		const char *octets;
		size_t len;
		bool good;
	} rows[] = {
		{ "3 octets", RV_ID_IPV4, "abc", 3, false },
		{ "an IPv4 address", RV_ID_IPV4, "abcd", 4, true },
		{ "5 octets", RV_ID_IPV4, "abcde", 5, false },
		{ "a range of addresses, which only a configuration may name", RV_ID_IPV4, "abcdefgh", 8, false },
		{ "15 octets", RV_ID_IPV6, "0123456789abcde", 15, false },
		{ "an IPv6 address", RV_ID_IPV6, "0123456789abcdef", 16, true },
		{ "17 octets", RV_ID_IPV6, "0123456789abcdefg", 17, false },
		{ "a name", RV_ID_FQDN, "a", 1, true },
		{ "an empty name", RV_ID_FQDN, "", 0, false },
		{ "a name with a NUL", RV_ID_FQDN, "a\0b", 3, false },
		{ "a name with a NUL behind", RV_ID_EMAIL, "a@b\0", 4, false },
		{ "an empty key ID", RV_ID_KEYID, "", 0, false },
		{ "a key ID of anything", RV_ID_KEYID, "\0", 1, true },
		{ "NULL", RV_ID_NULL, "", 0, true },
		{ "NULL with something", RV_ID_NULL, "a", 1, false },
		{ "any, which no peer may be", RV_ID_ANY, "", 0, false },
		{ "a type not assigned", 4, "abcd", 4, false },
		{ "a private type", 201, "abcd", 4, false },
	};

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		struct rv_bytes octets = rv_bytes(rows[i].octets, rows[i].len);
		struct rv_id *id = rv_id_from_wire(*state, rows[i].type, octets);
		if ((id != NULL) != rows[i].good)
			fail_msg("%s", rows[i].what);
		if (id)
			assert_true(rv_bytes_equal(rv_bytes(id->b, id->len), octets));
	}
}

static void the_wire_is_bounded(void **state)
{
	uint8_t octets[RV_ID_MAX + 1];

	memset(octets, 'a', sizeof(octets));
	assert_non_null(rv_id_from_wire(*state, RV_ID_KEYID, rv_bytes(octets, RV_ID_MAX)));
	assert_null(rv_id_from_wire(*state, RV_ID_KEYID, rv_bytes(octets, RV_ID_MAX + 1)));
	assert_null(rv_id_from_wire(*state, RV_ID_FQDN, rv_bytes(octets, 65536 + 4)));
}

static void long_texts_are_cut_and_say_so(void **state)
{
	static const struct {
		uint8_t type;
		size_t len;
		char octet;
		bool cut;
	} rows[] = {
		{ RV_ID_FQDN, 511, 'a', false },  { RV_ID_FQDN, 512, 'a', true },
		{ RV_ID_FQDN, 2048, 'a', true },  { RV_ID_KEYID, 252, '\1', false }, /* "keyid:#" and 504 digits: 511 */
		{ RV_ID_KEYID, 253, '\1', true }, { RV_ID_KEYID, 2048, '\1', true },
	};
	uint8_t octets[RV_ID_MAX];

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		char *out = malloc(RV_ID_TEXT);
		assert_non_null(out);
		memset(octets, rows[i].octet, sizeof(octets));
		rv_id_text(rv_id_from_wire(*state, rows[i].type, rv_bytes(octets, rows[i].len)), out);
		size_t len = strlen(out);
		assert_true(len < RV_ID_TEXT);
		assert_true(len > RV_ID_TEXT - 8);
		assert_int_equal(strcmp(out + len - 3, "...") == 0, rows[i].cut);
		free(out);
	}
}

static void hostile_octets_never_reach_the_text(void **state)
{
	static const uint8_t types[] = { RV_ID_FQDN, RV_ID_EMAIL, RV_ID_KEYID, RV_ID_DN, RV_ID_GN };
	char out[RV_ID_TEXT];

	for (size_t i = 0; i < RV_COUNT(types); i++) {
		struct rv_id *id = rv_id_from_wire(*state, types[i], RV_STR("\x1b[2J\r\n\xff"));
		rv_id_text(id, out);
		for (const char *p = out; *p; p++)
			assert_in_range(*p, 0x21, 0x7e);
	}
}

static void names_compare_without_case_and_keys_with_it(void **state)
{
	static const struct {
		const char *a, *b;
		bool same;
	} rows[] = {
		{ "GW.Example.COM", "gw.example.com", true },
		{ "Carol@Example.com", "carol@example.com", true },
		{ "keyid:A", "keyid:a", false },
		{ "gw.example.com", "gw.example.co", false },
		{ "fqdn:10.0.0.1", "10.0.0.1", false },
		{ "fqdn:[", "fqdn:{", false }, /* 0x20 apart, and no letters */
		{ "%any", "0.0.0.0", true },
		{ "10.0.0.1", "10.0.0.2", false },
	};

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		struct rv_id *a = id_of(*state, rows[i].a), *b = id_of(*state, rows[i].b);
		if (rv_id_same(a, b) != rows[i].same)
			fail_msg("%s and %s", rows[i].a, rows[i].b);
	}
	assert_true(rv_id_same(NULL, NULL));
	assert_true(rv_id_same(NULL, id_of(*state, "%any")));
	assert_false(rv_id_same(NULL, id_of(*state, "a")));
}

static void patterns_match_as_well_as_they_say(void **state)
{
	static const struct {
		const char *pattern, *id;
		int match;
	} rows[] = {
		{ NULL, "a", 1 },
		{ NULL, NULL, 1 },
		{ "%any", "a", 1 },
		{ "a", NULL, 0 },
		{ "a", "%any", 0 },
		{ "a", "a", 3 },
		{ "a", "A", 3 },
		{ "a", "b", 0 },
		{ "*.example.com", "gw.example.com", 2 },
		{ "*.example.com", "a.b.EXAMPLE.com", 2 },
		{ "*.example.com", "example.com", 0 },
		{ "*.example.com", ".example.com", 0 },
		{ "*.example.com", "x.example.com", 2 },
		{ "*.example.com", "gw.example.org", 0 },
		{ "*.example.com", "evilexample.com", 0 },
		{ "*.example.com", "com", 0 },
		{ "*.example.com", "fqdn:*.example.com", 2 }, /* a peer that names the pattern is no better */
		{ "*.example.com", "carol@gw.example.com", 0 },
		{ "*@example.com", "carol@example.com", 2 },
		{ "*@example.com", "fqdn:carol@example.com", 0 },
		{ "fqdn:*", "a", 2 },
		{ "keyid:*", "keyid:ab", 0 },
		{ "10.0.0.0/24", "10.0.0.0", 2 },
		{ "10.0.0.0/24", "10.0.0.255", 2 },
		{ "10.0.0.0/24", "10.0.1.0", 0 },
		{ "10.0.0.0/24", "9.255.255.255", 0 },
		{ "10.0.0.1-10.0.0.2", "10.0.0.2", 2 },
		{ "10.0.0.1-10.0.0.2", "10.0.0.3", 0 },
		{ "2001:db8::/32", "2001:db8::1", 2 },
		{ "2001:db8::/32", "10.0.0.1", 0 },
		{ "10.0.0.1", "10.0.0.1", 3 },
		{ "%null", "%null", 3 },
		{ "%null", "a", 0 },
		{ "asn1dn:#3000", "asn1dn:#3000", 3 },
	};

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		struct rv_id *pattern = rows[i].pattern ? id_of(*state, rows[i].pattern) : NULL;
		struct rv_id *id = rows[i].id ? id_of(*state, rows[i].id) : NULL;
		if (rv_id_match(pattern, id) != rows[i].match)
			fail_msg("%s and %s", rows[i].pattern ? rows[i].pattern : "NULL", rows[i].id);
	}
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(identities_are_read_and_written),
		TEST(what_is_no_identity_is_refused_in_words),
		TEST(lengths_are_bounded),
		TEST(the_wire_gives_only_what_can_be),
		TEST(the_wire_is_bounded),
		TEST(long_texts_are_cut_and_say_so),
		TEST(hostile_octets_never_reach_the_text),
		TEST(names_compare_without_case_and_keys_with_it),
		TEST(patterns_match_as_well_as_they_say),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
