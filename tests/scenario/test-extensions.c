// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-extensions: what each extension of IKEv2 agreed on or found out is still in force when the IKE SA was replaced,
 * both sides authenticated anew, and in another daemon that took the session over.
 *
 * All extensions are loaded on both sides. A row shows by what it does that its extension is at work; a new extension
 * needs a row, or the test fails. EXTENSION=NAME runs one row alone (with SIM_VERBOSE for the logs).
 */
#include "pair.h"

#include "dbus/objects.h"

#include <ravelin/attr.h>
#include <ravelin/dns.h>
#include <unistd.h>

/* X(variable, name): the plugins that are built, from meson.build. */
#define X(variable, name) extern const struct rv_plugin rv_plugin_##variable;
EXTENSIONS
#undef X

static const struct sim_plugin extensions[] = {
#define X(variable, name) { name, &rv_plugin_##variable },
	EXTENSIONS
#undef X
};

enum {
	IKE_SA_INIT = 34,
	IKE_AUTH = 35,
	CREATE_CHILD_SA = 36,
	IKE_INTERMEDIATE = 43,
	NEXT_PAYLOAD = 16,
	EXCHANGE = 18,
	FLAGS = 19,
	FRAGMENT = 33, /* its number, of less than 256 */
	RESPONSE = 0x20,
	SKF = 53,
	IKE_FOLLOWUP_KE = 44,
	IKE_SESSION_RESUME = 38,
	NOTES = 8
};

struct world;

/* prove: shows that the extension is at work, time and again. last: the same where that ends the session. why_not:
 * nothing of it can be shown here. with: others that must be there. */
struct row {
	const char *plugin, *why_not, *with[2];
	struct side west, east;
	void (*prove)(struct world *w);
	void (*last)(struct world *w);
};

struct world {
	const struct row *row;
	struct pair *p;
	struct sim_host *other;			     /* another gateway */
	unsigned moves, fragments[2], requests[256]; /* requests: since the last step began */
	bool anew;				     /* which was an authentication */
	uint32_t before;			     /* id of the session of west's */
};

/* What a host's resolver was told. */
static struct note {
	struct sim_host *host;
	unsigned sets, clears;
	size_t n_domains;
} notes[NOTES];

static struct note *note_of(struct sim_host *host)
{
	for (unsigned i = 0; i < NOTES; i++)
		if (!notes[i].host || notes[i].host == host) {
			notes[i].host = host;
			return &notes[i];
		}
	fail_msg("too many hosts");
	return NULL;
}

static int dns_set(void *self, const struct rv_dns *dns, struct rv_call *call)
{
	struct note *note = self;

	note->sets++;
	note->n_domains = dns->n_domains;
	return 0;
}

static void dns_clear(void *self, uint64_t key)
{
	((struct note *)self)->clears++;
}

static void dns_flush(void *self)
{
}

static const struct rv_dns_ops dns = { sizeof(dns), dns_set, dns_clear, dns_flush };

static int note_init(struct rv_host *host)
{
	return rv_dns_offer(host, (struct rv_offer){ .name = "note" }, &dns, note_of(sim_of(host)));
}

RV_PLUGIN(note, "dns-note", "version=1\0summary=Notes\0provides=dns:note\0", .init = note_init);

static bool watch(void *arg, struct sim_host *from, struct sim_host *to, uint8_t *message, size_t *len)
{
	struct world *w = arg;
	unsigned response = message[FLAGS] & RESPONSE ? 1 : 0;

	w->fragments[response] += message[NEXT_PAYLOAD] == SKF;
	if (message[NEXT_PAYLOAD] != SKF || message[FRAGMENT] == 1)
		w->requests[message[EXCHANGE]] += !response;
	return false;
}

/* Hosts */

static struct sim_host *host_new(struct world *w, const char *name, const char *addr, const struct side *side)
{
	struct sim_plugin with[RV_COUNT(pair_plugins) + RV_COUNT(extensions) + 1] = { { NULL, NULL } };
	unsigned n = 0;

	for (const struct sim_plugin *plugin = pair_plugins; plugin->name; plugin++)
		with[n++] = *plugin;
	with[n++] = (struct sim_plugin){ "dns-note", &rv_plugin_note };
	for (unsigned i = 0; i < RV_COUNT(extensions); i++)
		with[n++] = extensions[i];
	return sim_host(w->p->sim, name, addr, with, side_config(w->p, strcmp(name, "west") == 0, side));
}

/* Any address on this side, as mobile peers have it, unless the row says something else. */
static struct side anywhere(const struct side *of, bool west)
{
	struct side side = *of;

	side.local_addr = or (side.local_addr, "%any");
	side.remote_addr = or (side.remote_addr, west ? "10.0.0.2" : "%any");
	return side;
}

static void world_new(struct world *w, const struct row *row)
{
	const struct side west = anywhere(&row->west, true), east = anywhere(&row->east, false);

	*w = (struct world){ .row = row };
	memset(notes, 0, sizeof(notes));
	w->p = talloc_zero(NULL, struct pair);
	assert_non_null(w->p);
	w->p->sim = sim_new(23);
	w->p->west = host_new(w, "west", "10.0.0.1", &west);
	w->p->east = host_new(w, "east", "10.0.0.2", &east);
	w->other = host_new(w, "other", "10.0.0.3", &east);
	sim_tap(w->p->sim, watch, w);
}

/* A host that has the address and the configuration of one takes its session over; nobody tells the peer. */
static void hand_over(struct world *w, bool of_west)
{
	static const uint8_t octets[32] = { 7 };
	const struct rv_bytes key = rv_bytes(octets, sizeof(octets));
	const struct side side = anywhere(of_west ? &w->row->west : &w->row->east, of_west);
	struct sim_host **host = of_west ? &w->p->west : &w->p->east, *old = *host;
	struct rv_why why = { 0 };
	char addr[RV_ADDR_TEXT];
	unsigned n = 0;
	size_t len;
	uint8_t *sealed = rv_core_pack(old->core, w->p, key, &len, &n);

	assert_non_null(sealed);
	assert_int_equal(n, 1);
	rv_addr_text(&old->addr, addr);
	old->down = true;
	rv_peer_down(peer_of(old), 0, NULL);
	sim_run(w->p->sim, 1);
	old->addr = (struct rv_addr){ 0 };
	memset(old->more, 0, sizeof(old->more));
	*host = host_new(w, of_west ? "west" : "east", addr, &side);
	n = 0;
	if (rv_core_unpack((*host)->core, key, rv_bytes(sealed, len), &n, &why))
		fail_msg("%s", why.text);
	assert_int_equal(n, 1);
	talloc_free(sealed);
}

static void is_up(struct world *w, const char *when)
{
	if (n_peers(w->p->west) != 1 || n_peers(w->p->east) != 1 || !child_of(w->p->west) || !child_of(w->p->east))
		fail_msg("%s: %s: %u and %u sessions", w->row->plugin, when, n_peers(w->p->west), n_peers(w->p->east));
}

/* Rows */

#define NETS                                                                                                           \
	"10.1.0.0/24,10.1.2.0/24,10.1.4.0/24,10.1.6.0/24,10.1.8.0/24,10.1.10.0/24,10.1.12.0/24,10.1.14.0/24,"          \
	"10.1.16.0/24,10.1.18.0/24,10.1.20.0/24,10.1.22.0/24,10.1.24.0/24,10.1.26.0/24,10.1.28.0/24"
#define SMALL "ikev2-fragmentation { fragment_size = 400 }"
#define TWO_KE "aes128gcm16-prfsha256-x25519-ke1_ecp256"
#define ROAD "pools { road { addrs = 10.3.0.0/24\n dns = 10.2.0.53\n split_domains = example.com, other.test } }"

#define PREFIXES "pools { net6 { prefixes = fd00:4::/56\n prefix_len = 64 }\n six { addrs = fd00:3::/112 } }"
#define SECOND(me, other)                                                                                              \
	"local-2 { auth = psk\n id = " me ".example }\n remote-2 { auth = psk\n id = " other ".example }"
#define KEY "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=" /* RFC 8410, 10.1 */
#define SIGNED(me, other)                                                                                              \
	"local-2 { auth = pubkey\n id = " me ".example\n pubkeys = 0s" KEY " }\n"                                      \
	"remote-2 { auth = pubkey\n id = " other ".example\n pubkeys = 0s" KEY " }"
/* The shared secret of the first round is for whoever comes. */
#define OWN "private-own { file = own.pem }"
#define NOBODY "local-2 { auth = null }\n remote-2 { auth = null\n wide_ts = yes }"
#define KEM "aes128gcm16-prfsha256-x25519-ke1_mlkem768"
#define ALL "id-1 = west.example\n id-2 = east.example\n id-3 = west2.example\n id-4 = east2.example"
#define INSIST "ppk_id = quantum\n ppk_required = yes"
#define PPK "ppk-1 { id = quantum\n secret = 0x0102030405060708 }"
#define TICKETS "ikev2-resumption { key = 0x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f }"
#define TOKENS "ikev2-qcd { secret = 0x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f }"

/* Large messages of each side go in fragments. */
static void fragments(struct world *w)
{
	for (unsigned side = 0; side < 2; side++) {
		memset(w->fragments, 0, sizeof(w->fragments));
		assert_int_equal(pair_child_rekey(side ? w->p->east : w->p->west), 0);
		sim_run(w->p->sim, RV_S(2));
		if (w->fragments[0] < 2 || w->fragments[1] < 2)
			fail_msg("%u and %u fragments", w->fragments[0], w->fragments[1]);
	}
}

/* The session follows west to another address. */
static void moves(struct world *w)
{
	struct sim_host *west = w->p->west;
	struct rv_addr before = west->addr;
	char from[RV_ADDR_TEXT], to[RV_ADDR_TEXT];

	rv_addr_text(&before, from);
	snprintf(to, sizeof(to), "10.0.0.%u", 20 + w->moves++);
	sim_address(west, to, true);
	sim_address(west, from, false);
	sim_run(w->p->sim, RV_S(5));
	assert_int_equal(peer_of(w->p->east)->path.remote.ip[3], west->addr.ip[3]);
	assert_int_equal(peer_of(west)->path.local.ip[3], west->addr.ip[3]);
	assert_true(carries(w->p));
}

/* Each rekey of the IKE SA has a second key exchange. */
static void follows_up(struct world *w)
{
	for (unsigned side = 0; side < 2; side++) {
		w->requests[IKE_FOLLOWUP_KE] = 0;
		assert_int_equal(pair_rekey(side ? w->p->east : w->p->west), 0);
		sim_run(w->p->sim, RV_S(2));
		assert_int_equal(w->requests[IKE_FOLLOWUP_KE], 1);
	}
}

/* The lent address is west's, and its resolver knows the domains, from this daemon. */
static void domains_stay(struct world *w)
{
	const struct note *note = note_of(w->p->west);
	char text[RV_ADDR_TEXT];
	struct rv_addr addr;

	assert_true(rv_peer_virtual(peer_of(w->p->west), true, 0, &addr, NULL));
	assert_true(sim_is_placed(w->p->west, rv_addr_text(&addr, text)));
	assert_int_equal(note->sets, note->clears + 1);
	assert_int_equal(note->n_domains, 2);
}

/* What shapes the first exchanges does so in each authentication, and leaves later ones alone. */
static void made(struct world *w, uint8_t exchange, unsigned n)
{
	if (w->requests[exchange] != (w->anew ? n : 0))
		fail_msg("%s: %u exchanges of type %u", w->row->plugin, w->requests[exchange], exchange);
	assert_true(carries(w->p));
}

static void authenticates_twice(struct world *w)
{
	made(w, IKE_AUTH, 2);
}

static void makes_the_child_sa_later(struct world *w)
{
	if (w->anew)
		made(w, CREATE_CHILD_SA, 1);
	assert_true(carries(w->p));
}

static void goes_between(struct world *w)
{
	made(w, IKE_INTERMEDIATE, 1);
}

/* Both sides insist on it, so it is in SK_d from each authentication on; all later keys come from that. */
static void insists(struct world *w)
{
	for (unsigned side = 0; side < 2; side++) {
		assert_int_equal(pair_child_rekey(side ? w->p->east : w->p->west), 0);
		sim_run(w->p->sim, RV_S(2));
		assert_true(carries(w->p));
	}
}

static bool at_other(void *arg)
{
	struct world *w = arg;

	return n_peers(w->other) == 1 && !n_peers(w->p->east) && child_of(w->other) &&
	       sim_packet(w->p->west, w->other, "10.1.0.5", "10.2.0.5");
}

/* An operator of the gateway sends the client on, which goes. */
static void is_sent_on(struct world *w)
{
	struct rv_bus_folder *folder = folder_find(w->p->east->core, "redirect");
	const char *connection = "west", *gateway = "10.0.0.3";
	DBusMessage *call = dbus_message_new_method_call("a.b", "/", "a.b", "Redirect");
	struct rv_bus_in in = { .message = call };
	struct rv_bus_out out = { .message = dbus_message_new(DBUS_MESSAGE_TYPE_METHOD_RETURN) };
	struct rv_why why = { 0 };

	assert_non_null(folder);
	assert_true(dbus_message_append_args(call, DBUS_TYPE_STRING, &connection, DBUS_TYPE_STRING, &gateway,
					     DBUS_TYPE_INVALID));
	assert_true(dbus_message_iter_init(call, &in.iter));
	dbus_message_iter_init_append(out.message, &out.iter[0]);
	if (folder->interface->methods[0].call(folder->self, &in, &out, &why))
		fail_msg("%s", why.text);
	dbus_message_unref(call);
	dbus_message_unref(out.message);
	assert_true(sim_until(w->p->sim, at_other, w, RV_S(10)));
}

/* The gateway asks the client to authenticate anew: another session takes the place of this one. */
static bool is_another(void *arg)
{
	struct world *w = arg;

	return n_peers(w->p->west) == 1 && n_peers(w->p->east) == 1 && peer_of(w->p->west)->id != w->before &&
	       child_of(w->p->west) && (w->row->prove || carries(w->p));
}

static void reauthenticate(struct world *w, struct sim_host *host)
{
	struct rv_peer *peer = peer_of(host);
	const struct rv_keying_ops *ops = rv_service_ops(peer->keying.service);

	w->before = peer_of(w->p->west)->id;
	assert_true(ops->reauth(rv_service_self(peer->keying.service), peer) >= 0);
	assert_true(sim_until(w->p->sim, is_another, w, RV_S(60)));
}

static void authenticates_anew(struct world *w)
{
	reauthenticate(w, w->p->east);
}

/* The gateway loses all that it knows; the client hears of it at its next question, and begins anew. */
static void hears_of_a_crash(struct world *w)
{
	w->before = peer_of(w->p->west)->id;
	rv_peer_down(peer_of(w->p->east), 0, NULL);
	assert_true(sim_until(w->p->sim, is_another, w, RV_S(40)));
}

/* The gateway loses the client, which finds out after some minutes, and goes on by its ticket. */
static void resumes(struct world *w)
{
	unsigned inits = w->requests[IKE_SA_INIT];

	w->before = peer_of(w->p->west)->id;
	rv_peer_down(peer_of(w->p->east), -RV_ETIMEOUT, NULL);
	assert_true(sim_until(w->p->sim, is_another, w, RV_S(400)));
	assert_int_equal(w->requests[IKE_SESSION_RESUME], 1);
	assert_int_equal(w->requests[IKE_SA_INIT], inits);
}

/* The second address that the client was lent is of its prefix, and leads through the tunnel. */
static void prefix_stays(struct world *w)
{
	char text[RV_ADDR_TEXT];
	struct rv_addr addr;

	assert_true(rv_peer_virtual(peer_of(w->p->west), true, 1, &addr, NULL));
	rv_addr_text(&addr, text);
	assert_int_equal(strncmp(text, "fd00:4:", 7), 0);
	assert_true(sim_is_placed(w->p->west, text));
	assert_true(sim_packet(w->p->west, w->p->east, text, "fd00:2::5") &&
		    sim_packet(w->p->east, w->p->west, "fd00:2::5", text));
}

static const struct row rows[] = {
	{ "auth-null", .with = { "ikev2-multi-auth" }, .west = { .connection = NOBODY, .secret_ids = "" },
	  .east = { .connection = NOBODY, .secret_ids = "" }, .prove = authenticates_twice },
	{ "auth-pubkey", .with = { "ikev2-multi-auth", "pki-raw" },
	  .west = { .connection = SIGNED("west2", "east2"), .secret_ids = "", .secrets = OWN },
	  .east = { .connection = SIGNED("east2", "west2"), .secret_ids = "", .secrets = OWN },
	  .prove = authenticates_twice },
	{ "crypto-mlkem", .with = { "ikev2-multi-ke" }, .west = { .proposals = KEM }, .east = { .proposals = KEM },
	  .prove = follows_up },
	{ "ikev2-auth-lifetime", .last = authenticates_anew },
	{ "ikev2-childless", .west = { .connection = "childless = force" },
	  .east = { .connection = "childless = force" }, .prove = makes_the_child_sa_later },
	{ "ikev2-fragmentation", .west = { .local_ts = NETS, .sections = SMALL },
	  .east = { .remote_ts = NETS, .sections = SMALL }, .prove = fragments },
	{ "ikev2-intermediate", .with = { "ikev2-multi-ke" }, .west = { .proposals = TWO_KE },
	  .east = { .proposals = TWO_KE }, .prove = goes_between },
	{ "ikev2-ipv6-config",
	  .west = { .connection = "vips = ::\n ipv6_link = yes", .local_ts = "dynamic", .remote_ts = "fd00:2::/64" },
	  .east = { .connection = "pools = six\n prefix_pool = net6",
		    .local_ts = "fd00:2::/64",
		    .remote_ts = "dynamic",
		    .root = PREFIXES },
	  .prove = prefix_stays },
	{ "ikev2-mobike", .prove = moves },
	{ "ikev2-multi-auth", .west = { .connection = SECOND("west2", "east2"), .secret_ids = ALL },
	  .east = { .connection = SECOND("east2", "west2"), .secret_ids = ALL }, .prove = authenticates_twice },
	{ "ikev2-multi-ke", .west = { .proposals = TWO_KE }, .east = { .proposals = TWO_KE }, .prove = follows_up },
	{ "ikev2-ppk", .west = { .connection = INSIST, .secrets = PPK },
	  .east = { .connection = INSIST, .secrets = PPK }, .prove = insists },
	{ "ikev2-puzzle", .why_not = "it asks strangers, under load, and keeps nothing on an IKE SA" },
	{ "ikev2-qcd", .west = { .connection = "dpd_delay = 30s", .child = "dpd_action = restart", .sections = TOKENS },
	  .east = { .connection = "dpd_delay = 30s", .sections = TOKENS }, .last = hears_of_a_crash },
	{ "ikev2-redirect", .last = is_sent_on },
	{ "ikev2-resumption",
	  .west = { .connection = "dpd_delay = 30s", .child = "dpd_action = restart", .sections = TICKETS },
	  .east = { .sections = TICKETS }, .last = resumes },
	{ "ikev2-ts-opts", .west = { .connection = "vips = 0.0.0.0", .local_ts = "dynamic" },
	  .east = { .connection = "pools = road", .remote_ts = "dynamic", .root = ROAD }, .prove = domains_stay },
};

static const struct row *row_named(const char *plugin)
{
	for (size_t i = 0; i < RV_COUNT(rows); i++)
		if (strcmp(rows[i].plugin, plugin) == 0)
			return &rows[i];
	return NULL;
}

static void show(struct world *w, const char *when)
{
	if (getenv("SIM_VERBOSE"))
		print_message("%s: %s\n", w->row->plugin, when);
	sim_run(w->p->sim, RV_S(2));
	is_up(w, when);
	if (w->row->prove)
		w->row->prove(w);
	is_up(w, when);
}

/* What a session may go through, one step after the other. */
enum step {
	UP,
	WEST_REKEYS,
	EAST_REKEYS,
	WEST_REAUTHS,
	WEST_MOVES,
	EAST_MOVES,
	WEST_REKEYS_AGAIN,
	WEST_REAUTHS_AGAIN,
	EAST_MOVES_AGAIN,
	N_STEPS
};

static const char *const step_text[N_STEPS] = { "it is up",
						"the initiator replaced the IKE SA",
						"the responder replaced the IKE SA",
						"both sides authenticated anew",
						"another daemon has the initiator's session",
						"another daemon has the responder's session",
						"the initiator's second daemon replaced the IKE SA",
						"both second daemons authenticated anew",
						"a third daemon has the responder's session" };

static void take_step(struct world *w, enum step step)
{
	switch (step) {
	case UP: {
		struct rv_attempt *attempt = try_up(w->p, "net", RV_S(60));

		if (!attempt->ended || attempt->code)
			tell(attempt);
		assert_int_equal(attempt->code, 0);
		rv_attempt_drop(attempt);
		break;
	}
	case WEST_REKEYS:
	case WEST_REKEYS_AGAIN:
		assert_int_equal(pair_rekey(w->p->west), 0);
		break;
	case EAST_REKEYS:
		assert_int_equal(pair_rekey(w->p->east), 0);
		break;
	case WEST_REAUTHS:
	case WEST_REAUTHS_AGAIN:
		reauthenticate(w, w->p->west);
		break;
	case WEST_MOVES:
		hand_over(w, true);
		break;
	case EAST_MOVES:
	case EAST_MOVES_AGAIN:
		hand_over(w, false);
		break;
	case N_STEPS:
		break;
	}
}

static void go_through(const struct row *row, enum step until)
{
	struct world w;

	world_new(&w, row);
	for (unsigned step = UP; step <= until; step++) {
		memset(w.requests, 0, sizeof(w.requests));
		w.anew = step == UP || step == WEST_REAUTHS || step == WEST_REAUTHS_AGAIN;
		take_step(&w, step);
		show(&w, step_text[step]);
	}
	if (row->last)
		row->last(&w);
	pair_free(w.p);
}

static bool is_built(const char *plugin)
{
	if (!plugin)
		return true;
	for (size_t i = 0; i < RV_COUNT(extensions); i++)
		if (strcmp(extensions[i].name, plugin) == 0)
			return true;
	return false;
}

static void every_extension_stays_at_work(void **state)
{
	const char *one = getenv("EXTENSION");

	for (size_t i = 0; i < RV_COUNT(extensions); i++) {
		const struct row *row = row_named(extensions[i].name);

		if (!row || row->why_not || (one && strcmp(one, row->plugin)) || !is_built(row->with[0]) ||
		    !is_built(row->with[1]))
			continue;
		/* where the proof ends the session each step has a world of its own */
		for (unsigned step = row->last ? UP : N_STEPS - 1; step < N_STEPS; step++)
			go_through(row, step);
	}
}

/* Whoever offers an extension has a row. */
static int is_listed(struct rv_service *service, void *arg)
{
	const char *owner = rv_service_owner(service);
	const struct row *row = row_named(owner);

	if (!row)
		fail_msg("%s has no row here: how does one see that it is still at work?", owner);
	assert_true(row->why_not || row->prove || row->last);
	++*(unsigned *)arg;
	return 0;
}

static void every_extension_has_a_row(void **state)
{
	static const struct row plain = { .plugin = "none" };
	struct world w;
	unsigned n = 0;

	world_new(&w, &plain);
	rv_registry_each(w.p->west->core->registry, "ikev2-ext", is_listed, &n);
	assert_true(n > 0);
	pair_free(w.p);
}

/* A folder with the private key that auth-pubkey's row names; the configuration is in none. */
static int enter_folder(void **state)
{
	static char dir[] = "/tmp/test-extensions-XXXXXX";
	FILE *file;

	assert_non_null(mkdtemp(dir));
	assert_int_equal(chdir(dir), 0);
	file = fopen("own.pem", "we");
	assert_non_null(file);
	/* RFC 8410, 10.3 */
	assert_true(fputs("-----BEGIN PRIVATE KEY-----\n"
			  "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n"
			  "-----END PRIVATE KEY-----\n",
			  file) > 0);
	*state = dir;
	return fclose(file);
}

static int leave_folder(void **state)
{
	return unlink("own.pem") || rmdir(*state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_extension_has_a_row),
		cmocka_unit_test(every_extension_stays_at_work),
	};

	return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
