// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-attr-pool: addresses lent from one daemon to another (RFC 7296, 2.19 and 3.15): by IKE_AUTH, through rekeys,
 * packs and restarts, and back at the end.
 */
#include "pair.h"

#include <errno.h>
#include <ravelin/attr.h>
#include <ravelin/dns.h>
#include <ravelin/ikev2-config.h>
#include <unistd.h>

extern const struct rv_plugin rv_plugin_attr_pool;

/* A resolver that only notes what it is given. */
static struct noted {
	unsigned sets, clears, servers, domains;
	uint64_t key;
	char ifname[16];
	struct rv_addr first;
} noted;

static int dns_set(void *self, const struct rv_dns *dns, struct rv_call *call)
{
	noted.sets++;
	noted.key = dns->key;
	noted.servers = (unsigned)dns->n_servers;
	noted.domains = (unsigned)dns->n_domains;
	noted.first = dns->servers[0];
	memcpy(noted.ifname, dns->ifname, sizeof(noted.ifname));
	return 0;
}

static void dns_clear(void *self, uint64_t key)
{
	noted.clears += key == noted.key;
}

static void dns_flush(void *self)
{
}

static const struct rv_dns_ops dns = { sizeof(dns), dns_set, dns_clear, dns_flush };

static int dns_init(struct rv_host *host)
{
	return rv_dns_offer(host, (struct rv_offer){ .name = "note" }, &dns, NULL);
}

RV_PLUGIN(dns_note, "dns-note", "version=1\0summary=Notes name servers\0provides=dns:note\0", .init = dns_init);

/* An extension that puts an attribute of its own on payloads and reads the peer's; and asks out of the blue. */
enum { OWN = 0x4001, INFORMATIONAL = 37, CP = 47 };

static struct {
	unsigned seen, version, supported, replies, acks;
} ext;

static int add_own(struct rv_ike_exchange *x, void *self)
{
	return rv_ike_add_attribute(x, OWN, RV_STR("own"));
}

static int read_own(struct rv_ike_exchange *x, void *self)
{
	struct rv_bytes value;

	ext.seen += rv_ike_attribute(x, OWN, 0, &value) && rv_bytes_equal(value, RV_STR("own"));
	assert_false(rv_ike_attribute(x, OWN, 1, &value));
	/* RFC 7296, 3.15.1: a netmask is asked for without a value, or not at all */
	assert_true(rv_ike_role(x) != RV_IKE_RESPONDER || !rv_ike_attribute(x, RV_ATTRIBUTE_IP4_NETMASK, 0, &value) ||
		    !value.len);
	return 0;
}

static const struct rv_ike_task tasks[] = {
	{ RV_IKE_AT_CONFIG_BUILD, 0, add_own },
	{ RV_IKE_AT_CONFIG_READ, 0, read_own },
};

static int put_request(struct rv_ike_exchange *x, void *self)
{
	/* CFG_REQUEST: APPLICATION_VERSION, SUPPORTED_ATTRIBUTES */
	return rv_ike_add(x, CP, false, RV_STR("\1\0\0\0\0\7\0\0\0\16\0\0"));
}

static int put_set(struct rv_ike_exchange *x, void *self)
{
	/* CFG_SET: INTERNAL_IP4_DNS 10.0.0.9 */
	return rv_ike_add(x, CP, false, RV_STR("\3\0\0\0\0\3\0\4\12\0\0\11"));
}

static rv_ike_step_fn *const request_steps[] = { put_request, NULL }, *const set_steps[] = { put_set, NULL };
static const struct rv_ike_plan request = { .story = "ask", .exchange = INFORMATIONAL, .build = request_steps },
				set = { .story = "set", .exchange = INFORMATIONAL, .build = set_steps };

static int read_answer(struct rv_ike_exchange *x, void *self)
{
	struct rv_bytes body, value;

	if (!rv_ike_payload(x, CP, 0, &body))
		return 0;
	ext.replies += body.p[0] == 2;
	ext.acks += body.p[0] == 4 && body.len == 4;
	ext.version += rv_ike_attribute(x, RV_ATTRIBUTE_VERSION, 0, &value) && value.len > 6;
	ext.supported += rv_ike_attribute(x, RV_ATTRIBUTE_SUPPORTED, 0, &value) && value.len == 24;
	return 0;
}

static rv_ike_step_fn *const answer_steps[] = { read_answer, NULL };

static bool is_ours(const struct rv_ike_exchange *x)
{
	return true;
}

static const struct rv_ike_row rows[] = {
	{ .from = RV_IKE_ESTABLISHED,
	  .exchange = INFORMATIONAL,
	  .role = RV_IKE_INITIATOR,
	  .to = RV_IKE_N_STATES,
	  .plan = &request,
	  .when = is_ours,
	  .steps = answer_steps,
	  .story = "read" },
	{ .from = RV_IKE_ESTABLISHED,
	  .exchange = INFORMATIONAL,
	  .role = RV_IKE_INITIATOR,
	  .to = RV_IKE_N_STATES,
	  .plan = &set,
	  .when = is_ours,
	  .steps = answer_steps,
	  .story = "read" },
};

static const struct rv_ikev2_ext_ops ext_ops = {
	.size = sizeof(ext_ops), .tasks = tasks, .n_tasks = 2, .rows = rows, .n_rows = 2
};

static int ext_init(struct rv_host *host)
{
	return rv_ikev2_ext_offer(host, (struct rv_offer){ .name = "own" }, &ext_ops, NULL);
}

RV_PLUGIN(ext_own, "ikev2-own", "version=1\0summary=Attributes of its own\0provides=ikev2-ext:own\0", .init = ext_init);

#define POOLS(road)                                                                                                    \
	"pools { road { addrs = " road "\n dns = 10.2.0.53\n subnet = 10.2.0.0/16 }\n"                                 \
	"road6 { addrs = fd00:3::/112\n dns = fd00:2::53 } }\n"

static const struct side client = {
	.connection = "vips = 0.0.0.0, ::",
	.local_ts = "dynamic",
	.remote_ts = "10.2.0.0/16, fd00:2::/64",
	.more = { { "attr-pool", &rv_plugin_attr_pool }, { "dns-note", &rv_plugin_dns_note } },
};
static const struct side gateway = {
	.connection = "pools = road, road6",
	.local_ts = "10.2.0.0/16, fd00:2::/64",
	.remote_ts = "dynamic",
	.root = POOLS("10.3.0.0/24"),
	.more = { { "attr-pool", &rv_plugin_attr_pool } },
};

static struct pair *pair_of(const struct side *west, const struct side *east)
{
	memset(&noted, 0, sizeof(noted));
	memset(&ext, 0, sizeof(ext));
	return pair_new(west, east);
}

/* The child SA carries what comes from the lent addresses, and nothing of the address outside. */
static bool works(void *arg)
{
	struct pair *p = arg;

	return sim_packet(p->west, p->east, "10.3.0.1", "10.2.0.5") &&
	       sim_packet(p->east, p->west, "10.2.0.5", "10.3.0.1") &&
	       sim_packet(p->west, p->east, "fd00:3::1", "fd00:2::5") &&
	       !sim_packet(p->west, p->east, "10.0.0.1", "10.2.0.5") &&
	       !sim_packet(p->west, p->east, "10.3.0.2", "10.2.0.5");
}

static void come_up(struct pair *p)
{
	struct rv_attempt *attempt = try_up(p, "net", RV_S(20));

	if (!attempt->ended || attempt->code)
		tell(attempt);
	assert_int_equal(attempt->code, 0);
	assert_says(attempt, "the peer lends us the address 10.3.0.1");
	rv_attempt_drop(attempt);
	assert_true(sim_until(p->sim, works, p, RV_S(5)));
}

static const struct rv_keying_ops *keying(struct sim_host *host, void **self)
{
	struct rv_service *service = rv_registry_find(host->core->registry, "keying", NULL);

	assert_non_null(service);
	*self = rv_service_self(service);
	return rv_service_ops(service);
}

static void go_down(struct pair *p)
{
	struct rv_why why = { 0 };

	assert_int_equal(rv_core_down(p->west->core, "east", &why), 0);
	assert_true(sim_until(p->sim, pair_down, p, RV_S(5)));
}

static void addresses_are_lent_and_go_back(void **state)
{
	struct pair *p = pair_of(&client, &gateway);
	void *self;

	come_up(p);
	assert_true(sim_is_placed(p->west, "10.3.0.1") && sim_is_placed(p->west, "fd00:3::1"));
	assert_false(sim_is_placed(p->east, "10.3.0.1"));
	assert_int_equal(noted.sets, 1);
	assert_int_equal(noted.servers, 2);
	assert_int_equal(noted.domains, 0);
	assert_int_equal(noted.first.ip[3], 53);
	assert_int_equal(rv_attributes_count(rv_peer_taken(peer_of(p->west)), RV_ATTRIBUTE_IP4_SUBNET), 1);
	for (int i = 0; i < 2; i++) {
		struct sim_host *host = i ? p->east : p->west;

		assert_int_equal(keying(host, &self)->rekey(self, peer_of(host)), 0);
		sim_run(p->sim, RV_S(2));
		assert_int_equal(keying(host, &self)->child_rekey(self, child_of(host)), 0);
		sim_run(p->sim, RV_S(10));
		assert_true(works(p));
	}
	assert_int_equal(noted.sets, 1);
	go_down(p);
	assert_false(sim_is_placed(p->west, "10.3.0.1") || sim_is_placed(p->west, "fd00:3::1"));
	assert_int_equal(noted.clears, 1);
	come_up(p);
	pair_free(p);
}

static void a_second_child_sa_needs_no_second_address(void **state)
{
	struct side west = client, east = gateway;

	west.children = "more { local_ts = dynamic\n remote_ts = 10.4.0.0/16 }";
	east.children = "more { local_ts = 10.4.0.0/16 }";
	struct pair *p = pair_of(&west, &east);

	come_up(p);
	struct rv_attempt *attempt = try_up(p, "more", RV_S(20));

	assert_int_equal(attempt->code, 0);
	rv_attempt_drop(attempt);
	sim_run(p->sim, RV_S(1));
	assert_true(sim_packet(p->west, p->east, "10.3.0.1", "10.4.0.5"));
	pair_free(p);
}

static const struct rv_attr_ops *lender(struct sim_host *host, void **self)
{
	struct rv_service *service = rv_registry_find(host->core->registry, "attr", "pool");

	assert_non_null(service);
	*self = rv_service_self(service);
	return rv_service_ops(service);
}

/* Somebody else takes an address of east's pool for good. */
static void other_takes(struct pair *p, const char *who, const char *addr)
{
	struct rv_attributes *asked = talloc_zero(p, struct rv_attributes),
			     *lent = talloc_zero(p, struct rv_attributes);
	struct rv_id *id = rv_id_parse(p, who, NULL);
	struct rv_call call;
	struct rv_why why = { 0 };
	struct rv_addr got;
	char text[RV_ADDR_TEXT];
	void *self;

	rv_call_init(&call, NULL);
	assert_int_equal(rv_attributes_add(asked, RV_ATTRIBUTE_IP4_ADDRESS, rv_bytes(NULL, 0)), 0);
	const struct rv_attr_request r = {
		.connection = rv_connection_find(p->east->core, "west"), .remote_id = id, .session = 999, .asked = asked
	};

	assert_int_equal(lender(p->east, &self)->lend(self, &r, lent, &why, &call), 0);
	assert_true(rv_attribute_addr(&lent->list[0], &got, NULL));
	assert_string_equal(rv_addr_text(&got, text), addr);
}

/* The try fails with text, the IKE SA stays, and nothing of a child SA or an address is left. */
static void fails(struct pair *p, const char *text)
{
	struct rv_attempt *attempt = try_up(p, "net", RV_S(20));

	assert_true(attempt->ended && attempt->code);
	assert_says(attempt, text);
	rv_attempt_drop(attempt);
	sim_run(p->sim, RV_S(5));
	assert_int_equal(n_peers(p->west), 1);
	assert_int_equal(n_peers(p->east), 1);
	assert_int_equal(sim_n_sas(p->west), 0);
	assert_int_equal(sim_n_sas(p->east), 0);
	assert_int_equal(sim_n_policies(p->west), 0);
	assert_null(rv_peer_lent(peer_of(p->east)));
}

static void an_exhausted_pool_is_said_on_both_sides(void **state)
{
	struct side west = client, east = gateway;

	west.connection = "vips = 0.0.0.0";
	east.root = POOLS("10.3.0.5-10.3.0.5");
	struct pair *p = pair_of(&west, &east);

	other_takes(p, "other.example", "10.3.0.5");
	fails(p, "INTERNAL_ADDRESS_FAILURE");
	assert_says(last_attempt(p->east), "all 1 IPv4 addresses of the pools of connection west are lent");
	pair_free(p);
}

/* RFC 7296, 3.15.4: "the responder replies with the successful addresses only" */
static void one_family_is_enough(void **state)
{
	struct side east = gateway;

	east.root = POOLS("10.3.0.5-10.3.0.5");
	struct pair *p = pair_of(&client, &east);

	other_takes(p, "other.example", "10.3.0.5");
	struct rv_attempt *attempt = try_up(p, "net", RV_S(20));

	assert_int_equal(attempt->code, 0);
	rv_attempt_drop(attempt);
	sim_run(p->sim, RV_S(1));
	assert_true(sim_packet(p->west, p->east, "fd00:3::1", "fd00:2::5"));
	assert_false(sim_is_placed(p->west, "10.3.0.5"));
	pair_free(p);
}

static void who_must_ask_and_does_not_is_refused(void **state)
{
	struct side west = client;

	west.connection = "";
	struct pair *p = pair_of(&west, &gateway);

	fails(p, "FAILED_CP_REQUIRED");
	assert_says(last_attempt(p->east), "the peer asked for none");
	pair_free(p);
}

static void who_gets_no_address_gives_the_child_sa_up(void **state)
{
	struct side east = gateway;

	east.connection = "";
	struct pair *p = pair_of(&client, &east);

	fails(p, "the peer lends us no address");
	pair_free(p);
}

static void leases_survive_a_restart(void **state)
{
	char dir[] = "/tmp/attr-pool-XXXXXX", file[64];
	struct side east = gateway;

	assert_non_null(mkdtemp(dir));
	for (int round = 0; round < 2; round++) {
		struct pair *p = talloc_zero(NULL, struct pair);

		memset(&noted, 0, sizeof(noted));
		p->sim = sim_new(11);
		sim_state_dir(p->sim, dir);
		p->west = side_new(p, true, &client);
		p->east = side_new(p, false, &east);
		sim_run(p->sim, RV_S(1));
		if (round) /* the address of west.example is passed over although it is not in use */
			other_takes(p, "other.example", "10.3.0.2");
		come_up(p);
		pair_free(p);
	}
	snprintf(file, sizeof(file), "%s/leases.sqlite", dir);
	assert_int_equal(unlink(file), 0);
	assert_int_equal(rmdir(dir), 0);
}

static void learn_again(struct pair *p, struct sim_host *host)
{
	static const uint8_t key[32] = { 7 };
	struct rv_why why = { 0 };
	unsigned n = 0;
	size_t len;
	uint8_t *sealed = rv_core_pack(host->core, p, rv_bytes(key, sizeof(key)), &len, &n);

	assert_int_equal(n, 1);
	rv_peer_down(peer_of(host), 0, NULL);
	if (rv_core_unpack(host->core, rv_bytes(key, sizeof(key)), rv_bytes(sealed, len), &n, &why))
		fail_msg("%s", why.text);
	assert_int_equal(n, 1);
}

static void what_is_lent_is_packed_with_the_session(void **state)
{
	struct pair *p = pair_of(&client, &gateway);
	struct rv_addr addr;

	come_up(p);
	learn_again(p, p->west);
	assert_true(sim_is_placed(p->west, "10.3.0.1") && sim_is_placed(p->west, "fd00:3::1"));
	assert_int_equal(noted.sets, 2);
	learn_again(p, p->east);
	assert_true(rv_peer_virtual(peer_of(p->east), false, 1, &addr, NULL));
	assert_true(works(p));
	other_takes(p, "other.example", "10.3.0.2");
	go_down(p);
	assert_false(sim_is_placed(p->west, "10.3.0.1"));
	pair_free(p);
}

static void extensions_add_and_read_attributes(void **state)
{
	struct side west = client, east = gateway;

	west.more[2] = east.more[1] = (struct sim_plugin){ "ikev2-own", &rv_plugin_ext_own };
	struct pair *p = pair_of(&west, &east);

	come_up(p);
	assert_int_equal(ext.seen, 2);
	struct rv_ike_sa *sa = peer_of(p->west)->sa;

	assert_int_equal(rv_ike_start(sa, &request, NULL), 0);
	sim_run(p->sim, RV_S(1));
	assert_int_equal(ext.replies, 1);
	assert_int_equal(ext.version, 1);
	assert_int_equal(ext.supported, 1);
	assert_int_equal(rv_ike_start(sa, &set, NULL), 0);
	sim_run(p->sim, RV_S(1));
	assert_int_equal(ext.acks, 1);
	pair_free(p);
}

int main(void)
{
	const struct CMUnitTest all[] = {
		cmocka_unit_test(addresses_are_lent_and_go_back),
		cmocka_unit_test(a_second_child_sa_needs_no_second_address),
		cmocka_unit_test(an_exhausted_pool_is_said_on_both_sides),
		cmocka_unit_test(one_family_is_enough),
		cmocka_unit_test(who_must_ask_and_does_not_is_refused),
		cmocka_unit_test(who_gets_no_address_gives_the_child_sa_up),
		cmocka_unit_test(leases_survive_a_restart),
		cmocka_unit_test(what_is_lent_is_packed_with_the_session),
		cmocka_unit_test(extensions_add_and_read_attributes),
	};
	return cmocka_run_group_tests(all, NULL, NULL);
}
