// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-ikev2-ts-opts: domains from one daemon to the resolver of another (RFC 8598), and families (RFC 8983). */
#include "pair.h"

#include "anchor.h"

#include <ravelin/attr.h>
#include <ravelin/dns.h>

extern const struct rv_plugin rv_plugin_attr_pool, rv_plugin_ikev2_ts_opts;

static struct {
	unsigned sets;
	size_t n;
	char domains[4][DOMAIN_TEXT];
	bool four, six;
	unsigned anchors, ignored;
} seen;

static void note_line(void *arg, const char *line)
{
	seen.anchors += strstr(line, "anchor-not-installed") != NULL;
	seen.ignored += strstr(line, "anchor-ignored") != NULL;
}

static int dns_set(void *self, const struct rv_dns *dns, struct rv_call *call)
{
	seen.sets++;
	seen.n = dns->n_domains;
	for (size_t i = 0; i < dns->n_domains && i < 4; i++)
		snprintf(seen.domains[i], DOMAIN_TEXT, "%s", dns->domains[i]);
	return 0;
}

static void dns_clear(void *self, uint64_t key)
{
}

static void dns_flush(void *self)
{
}

static const struct rv_dns_ops dns = { sizeof(dns), dns_set, dns_clear, dns_flush };

/* Notes what west is told of families, too. */
static int listen_to(struct rv_ike_exchange *x, void *self)
{
	struct rv_bytes data;

	seen.four |= rv_ike_notify(x, 16439, 0, &data);
	seen.six |= rv_ike_notify(x, 16440, 0, &data);
	return 0;
}

static const struct rv_ike_task tasks[] = { { RV_IKE_AT_READ, 0, listen_to } };
static const struct rv_ikev2_ext_ops ext = { .size = sizeof(ext), .tasks = tasks, .n_tasks = 1 };

static int note_init(struct rv_host *host)
{
	int r = rv_dns_offer(host, (struct rv_offer){ .name = "note" }, &dns, NULL);

	return r ? r : rv_ikev2_ext_offer(host, (struct rv_offer){ .name = "note" }, &ext, NULL);
}

RV_PLUGIN(note, "dns-note", "version=1\0summary=Notes\0provides=dns:note ikev2-ext:note\0", .init = note_init);

static struct pair *up(const char *vips, const char *pools, const char *road)
{
	struct side west = { .connection = vips,
			     .local_ts = "dynamic",
			     .remote_ts = "10.2.0.0/16, fd00:2::/64",
			     .more = { { "attr-pool", &rv_plugin_attr_pool },
				       { "ikev2-ts-opts", &rv_plugin_ikev2_ts_opts },
				       { "dns-note", &rv_plugin_note } } };
	struct side east = { .connection = pools,
			     .local_ts = "10.2.0.0/16, fd00:2::/64",
			     .remote_ts = "dynamic",
			     .root = road,
			     .more = { { "attr-pool", &rv_plugin_attr_pool },
				       { "ikev2-ts-opts", &rv_plugin_ikev2_ts_opts } } };

	memset(&seen, 0, sizeof(seen));
	struct pair *p = pair_new(&west, &east);

	p->west->line = note_line;
	struct rv_attempt *attempt = try_up(p, "net", RV_S(20));

	if (attempt->code)
		tell(attempt);
	rv_attempt_drop(attempt);
	sim_run(p->sim, RV_S(1));
	return p;
}

#define ROAD                                                                                                           \
	"pools { road { addrs = 10.3.0.0/24\n dns = 10.2.0.53\n split_domains = Example.com, city.other.test } "       \
	"six { addrs = fd00:3::/112 } }"

static void domains_reach_the_resolver(void **state)
{
	struct pair *p = up("vips = 0.0.0.0", "pools = road", ROAD);

	assert_int_equal(seen.sets, 1);
	assert_int_equal(seen.n, 2);
	assert_string_equal(seen.domains[0], "example.com");
	assert_string_equal(seen.domains[1], "city.other.test");
	assert_true(seen.four && !seen.six);
	pair_free(p);
}

static void a_client_limits_them_or_takes_none(void **state)
{
	struct pair *p = up("vips = 0.0.0.0\n split_domains = other.test", "pools = road", ROAD);

	assert_int_equal(seen.n, 1);
	assert_string_equal(seen.domains[0], "city.other.test");
	pair_free(p);
	p = up("vips = 0.0.0.0\n split_dns = no", "pools = road", ROAD);
	assert_int_equal(seen.sets, 1);
	assert_int_equal(seen.n, 0);
	pair_free(p);
}

static void families_are_said(void **state)
{
	struct pair *p = up("vips = 0.0.0.0", "pools = road, six", ROAD);

	assert_true(seen.four && seen.six);
	pair_free(p);
	p = up("vips = 0.0.0.0", "pools = six", ROAD); /* none of what is asked for: no child SA */
	assert_true(!seen.four && seen.six);
	assert_int_equal(sim_n_sas(p->west), 0);
	pair_free(p);
}

#define SHA256 "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define SHA1 "000102030405060708090a0b0c0d0e0f10111213"
#define SIGNED                                                                                                         \
	"pools { road { addrs = 10.3.0.0/24\n dns = 10.2.0.53\n split_domains = example.com, city.other.test\n"        \
	"trust_anchors = example.com 43547 8 1 " SHA1 ", Example.com 31406 8 2 " SHA256 ", city.other.test 1 13 2 "    \
	"" SHA256 ", elsewhere.test 2 13 2 " SHA256 " } }"

/* RFC 8598, 6: trust anchors are for whitelisted domains, and never for the root or a top-level domain. */
static void trust_anchors_are_taken_of_named_domains(void **state)
{
	static const struct {
		const char *vips;
		unsigned anchors, ignored;
	} rows[] = {
		{ "vips = 0.0.0.0", 0, 0 }, /* not asked for: none come */
		{ "vips = 0.0.0.0\n anchor_domains = example.com", 2, 1 },
		{ "vips = 0.0.0.0\n anchor_domains = example.com, other.test", 3, 0 },
		{ "vips = 0.0.0.0\n anchor_domains = com, test", 0, 3 },
		{ "vips = 0.0.0.0\n anchor_domains = example.com\n split_domains = other.test", 0, 3 },
		{ "vips = 0.0.0.0\n anchor_domains = example.com\n split_dns = no", 0, 0 },
	};

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		struct pair *p = up(rows[i].vips, "pools = road", SIGNED);

		if (seen.anchors != rows[i].anchors || seen.ignored != rows[i].ignored)
			fail_msg("%s: %u and %u", rows[i].vips, seen.anchors, seen.ignored);
		pair_free(p);
	}
}

static void anchors_are_read_as_ds_records(void **state)
{
	static const struct {
		const char *text, *words; /* words NULL: refused */
	} rows[] = {
		{ "example.com 43547 8 2 " SHA256, "43547 8 2 " SHA256 },
		{ "Example.com.  0  0 1 " SHA1, "0 0 1 " SHA1 },
		{ "example.com 65536 8 2 " SHA256, NULL },
		{ "example.com 1 256 2 " SHA256, NULL },
		{ "example.com 1 8 3 " SHA256, NULL },
		{ "example.com 1 8 1 " SHA256, NULL },
		{ "example.com 1 8 2 " SHA256 "0", NULL },
		{ "example.com 1 8 2 " SHA256 "00", NULL },
		{ "example.com 1 8 2 x", NULL },
		{ "example.com 1 8 2", NULL },
		{ ". 1 8 2 " SHA256, NULL },
		{ "", NULL },
	};
	char domain[DOMAIN_TEXT], words[ANCHOR_TEXT];
	uint8_t octets[ANCHOR_MAX];
	struct anchor anchor;
	size_t len;

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		bool ok = anchor_parse(rows[i].text, domain, octets, &len);

		if (ok != (rows[i].words != NULL))
			fail_msg("%s", rows[i].text);
		if (!ok)
			continue;
		assert_string_equal(domain, "example.com");
		assert_true(anchor_read(rv_bytes(octets, len), &anchor));
		assert_string_equal(anchor_text(&anchor, words), rows[i].words);
		assert_false(anchor_read(rv_bytes(octets, len - 1), &anchor));
	}
}

/* packed and unpacked, the domains are there again */
static void domains_are_packed_with_the_session(void **state)
{
	static const uint8_t key[32] = { 7 };
	struct pair *p = up("vips = 0.0.0.0", "pools = road", ROAD);
	struct rv_why why = { 0 };
	unsigned n;
	size_t len;
	uint8_t *sealed = rv_core_pack(p->west->core, p, rv_bytes(key, sizeof(key)), &len, &n);

	assert_int_equal(n, 1);
	rv_peer_down(peer_of(p->west), 0, NULL);
	memset(&seen, 0, sizeof(seen));
	assert_int_equal(rv_core_unpack(p->west->core, rv_bytes(key, sizeof(key)), rv_bytes(sealed, len), &n, &why), 0);
	assert_int_equal(seen.n, 2);
	pair_free(p);
}

static void names_are_read_as_names(void **state)
{
	static const struct {
		const char *in, *out; /* out NULL: refused */
	} rows[] = {
		{ "example.com", "example.com" },
		{ "Example.COM.", "example.com" },
		{ "_tcp.a-b.test", "_tcp.a-b.test" },
		{ "test", "test" },
		{ "", NULL },
		{ ".", NULL },
		{ ".test", NULL },
		{ "a..b", NULL },
		{ "a b", NULL },
		{ "a\nb", NULL },
		{ "b\xc3\xbc.test", NULL },
		{ "*.test", NULL },
	};
	char out[DOMAIN_TEXT];

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		bool ok = domain_read(rv_bytes(rows[i].in, strlen(rows[i].in)), out);

		assert_int_equal(ok, rows[i].out != NULL);
		if (ok)
			assert_string_equal(out, rows[i].out);
	}
	assert_true(domain_within("www.example.test", "example.test") && domain_within("example.test", "example.test"));
	assert_false(domain_within("otherexample.test", "example.test") || domain_within("test", "example.test"));
}

int main(void)
{
	const struct CMUnitTest all[] = {
		cmocka_unit_test(domains_reach_the_resolver),
		cmocka_unit_test(a_client_limits_them_or_takes_none),
		cmocka_unit_test(families_are_said),
		cmocka_unit_test(domains_are_packed_with_the_session),
		cmocka_unit_test(names_are_read_as_names),
		cmocka_unit_test(trust_anchors_are_taken_of_named_domains),
		cmocka_unit_test(anchors_are_read_as_ds_records),
	};
	return cmocka_run_group_tests(all, NULL, NULL);
}
