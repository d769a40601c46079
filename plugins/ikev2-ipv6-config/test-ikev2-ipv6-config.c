// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-ikev2-ipv6-config: prefixes from one daemon to another (RFC 5739), and the octets of its attributes. */
#include "pair.h"

#include "link.h"

#include <ravelin/attr.h>
#include <ravelin/ikev2-config.h>

extern const struct rv_plugin rv_plugin_attr_pool, rv_plugin_ikev2_ipv6_config;

enum { LINK_ID = 16414, CREATE_CHILD_SA = 36 };

/* What east hears, and what it does instead of that. */
static struct {
	unsigned asked, ids, prefixes;
	size_t asked_len, link_len;
	uint8_t link[64], iid[2][8];
	uint16_t spoil; /* west says this LINK_ID besides */
} seen;

static int listen_to(struct rv_ike_exchange *x, void *self)
{
	struct rv_bytes value;
	bool west = rv_ike_role(x) == RV_IKE_INITIATOR;

	if (!rv_ike_attribute(x, IP6_LINK, 0, &value))
		return 0;
	seen.asked += !west;
	if (!west)
		seen.asked_len = value.len;
	memcpy(seen.iid[west], value.p, 8);
	for (seen.prefixes = west ? 0 : seen.prefixes; rv_ike_attribute(x, IP6_PREFIX, seen.prefixes, &value);)
		seen.prefixes++;
	return 0;
}

static int hear_id(struct rv_ike_exchange *x, void *self)
{
	struct rv_bytes data;

	if (rv_ike_role(x) != RV_IKE_RESPONDER || !rv_ike_notify(x, LINK_ID, 0, &data))
		return 0;
	seen.ids++;
	seen.link_len = data.len;
	memcpy(seen.link, data.p, data.len < sizeof(seen.link) ? data.len : sizeof(seen.link));
	return 0;
}

/* Runs before the real one: its own LINK_ID is the first that the peer reads. */
static int spoil(struct rv_ike_exchange *x, void *self)
{
	return seen.spoil && rv_ike_role(x) == RV_IKE_INITIATOR ? rv_ike_add_notify(x, LINK_ID, RV_STR("another")) : 0;
}

static const struct rv_ike_task tasks[] = {
	{ RV_IKE_AT_CONFIG_READ, 0, listen_to },
	{ RV_IKE_AT_READ, CREATE_CHILD_SA, hear_id },
	{ RV_IKE_AT_CHILD_OFFER, CREATE_CHILD_SA, spoil },
};
static const struct rv_ikev2_ext_ops ext = { .size = sizeof(ext), .tasks = tasks, .n_tasks = RV_COUNT(tasks) };

static int note_init(struct rv_host *host)
{
	return rv_ikev2_ext_offer(host, (struct rv_offer){ .name = "a-note" }, &ext, NULL);
}

RV_PLUGIN(note, "ikev2-a-note", "version=1\0summary=Notes\0provides=ikev2-ext:a-note\0", .init = note_init);

#define POOL "pools { net6 { prefixes = fd00:4::/56\n prefix_len = 64 }\n six { addrs = fd00:3::/112 } }"

static struct side client(void)
{
	return (struct side){ .connection = "vips = ::\n ipv6_link = yes",
			      .local_ts = "dynamic",
			      .remote_ts = "fd00:2::/64",
			      .more = { { "ikev2-a-note", &rv_plugin_note },
					{ "attr-pool", &rv_plugin_attr_pool },
					{ "ikev2-ipv6-config", &rv_plugin_ikev2_ipv6_config } } };
}

static struct side gateway(void)
{
	return (struct side){ .connection = "pools = six\n prefix_pool = net6",
			      .local_ts = "fd00:2::/64",
			      .remote_ts = "dynamic",
			      .root = POOL,
			      .more = { { "ikev2-a-note", &rv_plugin_note },
					{ "attr-pool", &rv_plugin_attr_pool },
					{ "ikev2-ipv6-config", &rv_plugin_ikev2_ipv6_config } } };
}

static struct pair *pair_of(const struct side *west, const struct side *east)
{
	memset(&seen, 0, sizeof(seen));
	return pair_new(west, east);
}

static void come_up(struct pair *p)
{
	struct rv_attempt *attempt = try_up(p, "net", RV_S(20));

	if (!attempt->ended || attempt->code)
		tell(attempt);
	assert_int_equal(attempt->code, 0);
	rv_attempt_drop(attempt);
	sim_run(p->sim, RV_S(1));
}

static void go_down(struct pair *p)
{
	struct rv_why why = { 0 };

	assert_int_equal(rv_core_down(p->west->core, "east", &why), 0);
	assert_true(sim_until(p->sim, pair_down, p, RV_S(5)));
}

/* The n-th address of west's session, as text. */
static const char *address(struct pair *p, size_t n, char text[static RV_ADDR_TEXT])
{
	struct rv_addr addr;

	return rv_peer_virtual(peer_of(p->west), true, n, &addr, NULL) ? rv_addr_text(&addr, text) : NULL;
}

static void has(struct pair *p, const char *prefix)
{
	char text[RV_ADDR_TEXT];

	assert_non_null(address(p, 1, text));
	if (strncmp(text, prefix, strlen(prefix)) != 0)
		fail_msg("%s is not in %s", text, prefix);
	assert_true(sim_is_placed(p->west, text));
	assert_true(sim_packet(p->west, p->east, text, "fd00:2::5") && sim_packet(p->east, p->west, "fd00:2::5", text));
}

/* RFC 5739, 4.1: the whole prefix and the client's link-local address, and nothing else, is in the child SA. */
static void a_client_has_a_prefix(void **state)
{
	struct side west = client(), east = gateway();
	struct pair *p = pair_of(&west, &east);
	char local[RV_ADDR_TEXT], text[RV_ADDR_TEXT];

	come_up(p);
	assert_int_equal(seen.asked, 1);
	assert_int_equal(seen.asked_len, 8);
	assert_int_equal(seen.prefixes, 1);
	assert_memory_not_equal(seen.iid[0], seen.iid[1], 8);
	has(p, "fd00:4:");
	assert_true(sim_packet(p->west, p->east, "fd00:4::1", "fd00:2::5"));
	assert_true(sim_packet(p->west, p->east, "fd00:4::ffff:ffff:ffff:ffff", "fd00:2::5"));
	assert_false(sim_packet(p->west, p->east, "fd00:4:0:1::1", "fd00:2::5"));
	assert_non_null(address(p, 0, local));
	assert_memory_equal(local, "fe80::", 6);
	assert_true(sim_is_placed(p->west, local));
	assert_true(sim_packet(p->west, p->east, local, "fd00:2::5"));
	assert_false(sim_packet(p->west, p->east, "fe80::1", "fd00:2::5"));
	assert_null(address(p, 2, text)); /* RFC 5739, 4.1: "SHOULD ignore any INTERNAL_IP6_ADDRESS" */
	assert_int_equal(rv_attributes_count(rv_peer_lent(peer_of(p->east)), RV_ATTRIBUTE_IP6_ADDRESS), 0);
	go_down(p);
	assert_false(sim_is_placed(p->west, local));
	pair_free(p);
}

/* RFC 5739, 4.3, and what a session has of the link through rekeys of both. */
static void child_sas_name_the_link(void **state)
{
	struct side west = client(), east = gateway();
	struct pair *p = pair_of(&west, &east);
	struct link link;

	come_up(p);
	assert_int_equal(seen.ids, 0);
	assert_int_equal(pair_child_rekey(p->west), 0);
	sim_run(p->sim, RV_S(10));
	assert_int_equal(seen.ids, 1);
	assert_int_equal(seen.link_len, LINK_LEN);
	for (size_t i = 0; i < rv_peer_taken(peer_of(p->west))->n; i++)
		if (rv_peer_taken(peer_of(p->west))->list[i].type == IP6_LINK)
			assert_true(link_read(&link, rv_peer_taken(peer_of(p->west))->list[i].value));
	assert_memory_equal(link.id.p, seen.link, LINK_LEN);
	assert_int_equal(pair_rekey(p->west), 0);
	sim_run(p->sim, RV_S(10));
	assert_int_equal(seen.ids, 1); /* not with the IKE SA's rekey */
	assert_int_equal(pair_child_rekey(p->east), 0);
	sim_run(p->sim, RV_S(10));
	assert_int_equal(seen.ids, 2);
	has(p, "fd00:4:");
	pair_free(p);
}

static void another_link_is_refused(void **state)
{
	struct side west = client(), east = gateway();
	struct pair *p;

	west.children = "more { local_ts = dynamic\n remote_ts = fd00:5::/64 }";
	east.children = "more { local_ts = fd00:5::/64\n remote_ts = dynamic }";
	p = pair_of(&west, &east);
	come_up(p);
	seen.spoil = 1;
	struct rv_attempt *attempt = try_up(p, "more", RV_S(20));

	assert_true(attempt->ended && attempt->code);
	assert_says(attempt, "TS_UNACCEPTABLE");
	rv_attempt_drop(attempt);
	seen.spoil = 0;
	attempt = try_up(p, "more", RV_S(20));
	assert_int_equal(attempt->code, 0);
	rv_attempt_drop(attempt);
	pair_free(p);
}

static struct rv_attributes *lends(struct pair *p, const char *who, struct rv_bytes link, int code)
{
	struct rv_service *service = rv_registry_find(p->east->core->registry, "attr", "ipv6-link");
	struct rv_attributes *asked = talloc_zero(p, struct rv_attributes),
			     *lent = talloc_zero(p, struct rv_attributes);
	const struct rv_attr_ops *ops = rv_service_ops(service);
	struct rv_why why = { 0 };
	struct rv_call call;

	rv_call_init(&call, NULL);
	assert_int_equal(rv_attributes_add(asked, IP6_LINK, link), 0);
	const struct rv_attr_request r = { .connection = rv_connection_find(p->east->core, "west"),
					   .remote_id = rv_id_parse(p, who, NULL),
					   .session = 999,
					   .asked = asked };
	assert_int_equal(ops->lend(rv_service_self(service), &r, lent, &why, &call), code);
	assert_int_equal(rv_attributes_count(lent, IP6_LINK), code ? 0 : 1);
	return lent;
}

static struct rv_bytes value_of(const struct rv_attributes *list, uint16_t type)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->list[i].type == type)
			return list->list[i].value;
	return rv_bytes(NULL, 0);
}

/* RFC 5739, 4.2: the link is the client's again, by its Link ID, and nobody else's. */
static void a_link_is_used_again(void **state)
{
	struct side west = client(), east = gateway();
	struct pair *p = pair_of(&west, &east);
	char first[RV_ADDR_TEXT], again[RV_ADDR_TEXT];
	uint8_t shown[IID_LEN + LINK_LEN] = { 2 };
	struct link link = { rv_bytes(shown, IID_LEN), rv_bytes(seen.link, LINK_LEN) };

	come_up(p);
	assert_int_equal(pair_child_rekey(p->west), 0); /* so that the Link ID is seen */
	sim_run(p->sim, RV_S(10));
	assert_non_null(address(p, 1, first));
	go_down(p);
	/* somebody who shows it, but is not whom it was given to, gets another link */
	uint8_t octets[IID_LEN + LINK_LEN];
	struct rv_attributes *other = lends(p, "other.example", link_write(&link, octets, sizeof(octets)), 0);
	struct rv_addr prefix;
	unsigned len;
	char text[RV_ADDR_TEXT];

	assert_true(prefix_read(&prefix, &len, value_of(other, IP6_PREFIX)));
	assert_string_equal(rv_addr_text(&prefix, text), "fd00:4:0:1::");
	assert_memory_not_equal(value_of(other, IP6_LINK).p + IID_LEN, seen.link, LINK_LEN);
	come_up(p);
	assert_int_equal(seen.asked_len, IID_LEN + LINK_LEN);
	assert_string_equal(address(p, 1, again), first);
	pair_free(p);
}

static void prefixes_are_lent_once_until_they_run_out(void **state)
{
	struct side west = client(), east = gateway();
	uint8_t zero[IID_LEN] = { 0 }, iid[IID_LEN] = { 2 };
	struct pair *p;

	east.root = "pools { net6 { prefixes = fd00:4::/63\n prefix_len = 64 }\n six { addrs = fd00:3::/112 } }";
	p = pair_of(&west, &east);
	lends(p, "a.example", rv_bytes(zero, IID_LEN), -RV_EREFUSED);
	struct rv_attributes *a = lends(p, "a.example", rv_bytes(iid, IID_LEN), 0),
			     *b = lends(p, "b.example", rv_bytes(iid, IID_LEN), 0);

	assert_false(rv_bytes_equal(value_of(a, IP6_PREFIX), value_of(b, IP6_PREFIX)));
	lends(p, "c.example", rv_bytes(iid, IID_LEN), -RV_ELIMIT);
	struct rv_attempt *attempt = try_up(p, "net", RV_S(20));

	assert_int_equal(attempt->code, 0); /* attr-pool has an address for it */
	rv_attempt_drop(attempt);
	char text[RV_ADDR_TEXT];

	assert_string_equal(address(p, 0, text), "fd00:3::1");
	pair_free(p);
}

static void without_a_pool_it_is_said(void **state)
{
	struct side west = client(), east = gateway();
	uint8_t iid[IID_LEN] = { 2 };

	east.connection = "prefix_pool = net6";
	east.root = "pools { net6 { prefixes = fd00:4::/64\n prefix_len = 64 } }";
	struct pair *p = pair_of(&west, &east);

	lends(p, "a.example", rv_bytes(iid, IID_LEN), 0);
	struct rv_attempt *attempt = try_up(p, "net", RV_S(20));

	assert_true(attempt->ended && attempt->code);
	assert_says(attempt, "INTERNAL_ADDRESS_FAILURE");
	assert_says(last_attempt(p->east), "all 1 prefixes of pool net6 are lent");
	rv_attempt_drop(attempt);
	pair_free(p);
}

/* A gateway that lends addresses only lends one of them (RFC 5739, 4.5). */
static void an_address_comes_where_there_are_no_prefixes(void **state)
{
	struct side west = client(), east = gateway();
	char text[RV_ADDR_TEXT];

	east.connection = "pools = six";
	struct pair *p = pair_of(&west, &east);

	come_up(p);
	assert_string_equal(address(p, 0, text), "fd00:3::1");
	assert_null(address(p, 1, text));
	assert_int_equal(pair_child_rekey(p->west), 0);
	sim_run(p->sim, RV_S(10));
	assert_int_equal(seen.ids, 0);
	pair_free(p);
}

/* Packed and unpacked on both sides, the link is there, and is shown when the session begins anew. */
static void links_are_packed(void **state)
{
	static const uint8_t key[32] = { 7 };
	struct side west = client(), east = gateway();
	struct pair *p = pair_of(&west, &east);
	char first[RV_ADDR_TEXT], again[RV_ADDR_TEXT];

	come_up(p);
	assert_non_null(address(p, 1, first));
	for (int i = 0; i < 2; i++) {
		struct sim_host *host = i ? p->east : p->west;
		struct rv_why why = { 0 };
		unsigned n;
		size_t len;
		uint8_t *sealed = rv_core_pack(host->core, p, rv_bytes(key, sizeof(key)), &len, &n);

		assert_int_equal(n, 1);
		rv_peer_down(peer_of(host), 0, NULL);
		assert_int_equal(
			rv_core_unpack(host->core, rv_bytes(key, sizeof(key)), rv_bytes(sealed, len), &n, &why), 0);
		assert_int_equal(n, 1);
	}
	has(p, "fd00:4:");
	assert_int_equal(pair_child_rekey(p->west), 0);
	sim_run(p->sim, RV_S(10));
	assert_int_equal(seen.ids, 1);
	go_down(p);
	come_up(p);
	assert_string_equal(address(p, 1, again), first);
	pair_free(p);
}

/* The octets of RFC 5739, 5.1 and 5.2. */
static void octets_are_the_rfcs(void **state)
{
	static const uint8_t value[] = { 0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0,  1,	 2,  3,
					 4,    5,    6,	   7,	 8,    9,    10,   11,	 12, 13, 14, 15 };
	static const uint8_t prefix[PREFIX_LEN] = { 0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0x40 };
	uint8_t out[sizeof(value)];
	struct rv_addr addr;
	char text[RV_ADDR_TEXT];
	struct link link;
	unsigned len;

	assert_true(link_read(&link, rv_bytes(value, sizeof(value))));
	assert_int_equal(link.id.len, 16);
	assert_true(rv_bytes_equal(link_write(&link, out, sizeof(out)), rv_bytes(value, sizeof(value))));
	assert_true(link_read(&link, rv_bytes(value, 8)) && !link.id.len);
	assert_false(link_read(&link, rv_bytes(value, 7)));
	assert_true(prefix_read(&addr, &len, rv_bytes(prefix, sizeof(prefix))));
	assert_string_equal(rv_addr_text(&addr, text), "2001:db8:0:1::");
	assert_int_equal(len, 64);
	assert_true(rv_bytes_equal(prefix_write(&addr, len, out), rv_bytes(prefix, sizeof(prefix))));
	assert_false(prefix_read(&addr, &len, rv_bytes(prefix, 16)));
}

static void only_what_a_host_can_have_is_a_prefix(void **state)
{
	static const struct {
		const char *addr;
		uint8_t len;
		bool ok;
	} rows[] = {
		{ "2001:db8::1", 64, true },   { "fd00::", 8, true },	     { "2001:db8::9", 128, true },
		{ "2001:db8::", 129, false },  { "2001:db8::", 0, false },   { "::1", 128, false },
		{ "::192.0.2.1", 128, false }, { "fe80::", 64, false },	     { "ff02::", 64, false },
		{ "::", 64, false },	       { "2001:db8::", 255, false }, { "::ffff:192.0.2.0", 120, false },
	};

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		uint8_t octets[PREFIX_LEN];
		struct rv_addr addr;
		unsigned len;

		assert_int_equal(rv_addr_parse(&addr, rows[i].addr), 0);
		assert_int_equal(prefix_read(&addr, &len, prefix_write(&addr, rows[i].len, octets)), rows[i].ok);
	}
}

static void addresses_follow_from_prefixes(void **state)
{
	static const uint8_t iid[IID_LEN] = { 0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77 }, zero[IID_LEN];
	static const struct {
		const char *prefix;
		unsigned len;
		bool zero;
		const char *addr;
	} rows[] = {
		{ "2001:db8:0:1::", 64, false, "2001:db8:0:1:11:2233:4455:6677" },
		{ "2001:db8::", 48, false, "2001:db8::11:2233:4455:6677" },
		{ "2001:db8:0:1:8000::", 68, false, "2001:db8:0:1:8011:2233:4455:6677" },
		{ "2001:db8::8", 125, false, "2001:db8::f" },
		{ "2001:db8::10", 124, true, "2001:db8::11" },
		{ "2001:db8::9", 128, false, "2001:db8::9" },
	};
	static const struct {
		unsigned len, n;
		const char *prefix;
	} nth[] = {
		{ 64, 0, "fd00:4::" },
		{ 64, 5, "fd00:4:0:5::" },
		{ 60, 0x123, "fd00:4:0:1230::" },
		{ 128, 0xfffff, "fd00:4::f:ffff" },
	};
	struct rv_addr base, addr;
	char text[RV_ADDR_TEXT];

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		assert_int_equal(rv_addr_parse(&base, rows[i].prefix), 0);
		addr = address_in(&base, rows[i].len, rv_bytes(rows[i].zero ? zero : iid, IID_LEN));
		assert_string_equal(rv_addr_text(&addr, text), rows[i].addr);
	}
	assert_int_equal(rv_addr_parse(&base, "fd00:4::"), 0);
	for (size_t i = 0; i < RV_COUNT(nth); i++) {
		addr = nth_prefix(&base, nth[i].len, nth[i].n);
		assert_string_equal(rv_addr_text(&addr, text), nth[i].prefix);
	}
}

int main(void)
{
	const struct CMUnitTest all[] = {
		cmocka_unit_test(a_client_has_a_prefix),
		cmocka_unit_test(child_sas_name_the_link),
		cmocka_unit_test(another_link_is_refused),
		cmocka_unit_test(a_link_is_used_again),
		cmocka_unit_test(prefixes_are_lent_once_until_they_run_out),
		cmocka_unit_test(without_a_pool_it_is_said),
		cmocka_unit_test(an_address_comes_where_there_are_no_prefixes),
		cmocka_unit_test(links_are_packed),
		cmocka_unit_test(octets_are_the_rfcs),
		cmocka_unit_test(only_what_a_host_can_have_is_a_prefix),
		cmocka_unit_test(addresses_follow_from_prefixes),
	};
	return cmocka_run_group_tests(all, NULL, NULL);
}
