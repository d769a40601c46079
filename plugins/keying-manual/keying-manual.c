// SPDX-License-Identifier: LGPL-2.1-or-later
/* keying-manual: SAs set by hand (RFC 4301, 4.5).
 *
 * A connection with `keying = manual` says everything that a protocol would negotiate: SPIs, algorithms and keys.
 * Nothing is sent; `up` installs both SAs and `down` removes them. Sequence numbers begin anew at each `up`, or where
 * the file says (RFC 4303, 3.3.3); a counter-mode cipher with a key and numbers that were used before is broken, and
 * the log says so. As long as the daemon runs, an SA that comes up again goes on behind the numbers that it has used.
 */
#include <errno.h>
#include <inttypes.h>
#include <ravelin/cryptor.h>
#include <ravelin/error.h>
#include <ravelin/event.h>
#include <ravelin/keying.h>
#include <ravelin/pack.h>
#include <ravelin/plugin.h>
#include <ravelin/secret.h>
#include <string.h>
#include <talloc.h>

/* Where the numbers of an SA ended that went down; the outbound one's SPI and its peer name it. */
struct ended {
	struct rv_list entry;
	struct rv_addr remote;
	uint32_t spi_out;
	uint64_t sequence[2]; /* by enum rv_dir */
};

struct manual {
	struct rv_host *host;
	struct rv_list ended;
};

/* A child SA that is being installed. */
struct setting {
	struct rv_call call;
	struct rv_peer *peer;
	struct rv_child *child;
	struct rv_attempt *attempt;
};

static int setting_end(struct setting *setting)
{
	rv_call_cancel(&setting->call);
	rv_attempt_drop(setting->attempt);
	return 0;
}

static uint32_t spi_of(const struct rv_child_conf *conf, const char *key)
{
	return (uint32_t)rv_conf_int(conf->conf, key);
}

/* The key of one direction must have the length that the suite says. */
static int check_key(const struct rv_child_conf *conf, const char *name, size_t want, struct rv_why *why)
{
	const struct rv_secret *key = rv_conf_secret(conf->conf, name);
	size_t len = key ? key->len : 0;

	if (len == want)
		return 0;
	return rv_why_set(why, -RV_ECONFIG, "%s: %s has %zu octets, and the algorithm takes %zu%s",
			  rv_conf_where(conf->conf, key ? name : NULL), name, len, want,
			  want ? " (key and salt together)" : ": leave it out");
}

static void user_text(const struct rv_user *user, char *out, size_t size)
{
	if (size)
		*out = 0;
}

static int check_child(struct rv_registry *registry, const struct rv_child_conf *conf, struct rv_why *why)
{
	static const char *const spis[] = { "spi_in", "spi_out" };
	static const struct rv_user nobody = { user_text };
	struct rv_suite suite = { 0 };

	for (size_t i = 0; i < RV_COUNT(spis); i++)
		if (spi_of(conf, spis[i]) < 256)
			return rv_why_set(why, -RV_ECONFIG, "%s: a manual child needs %s, 256 or more (RFC 4303, 2.1)",
					  rv_conf_where(conf->conf, NULL), spis[i]);
	if (!conf->n_proposals)
		return rv_why_set(why, -RV_ECONFIG, "%s: a manual child needs esp_proposals with one proposal",
				  rv_conf_where(conf->conf, NULL));
	int r = rv_suite_init(&suite, registry, &conf->proposals[0], &nobody, why);

	if (r)
		return r;
	size_t encr = suite.key_len, integ = suite.integ_len;

	rv_suite_fini(&suite);
	r = check_key(conf, "encr_key_in", encr, why);
	r = r ? r : check_key(conf, "encr_key_out", encr, why);
	r = r ? r : check_key(conf, "integ_key_in", integ, why);
	return r ? r : check_key(conf, "integ_key_out", integ, why);
}

static int check(void *self, const struct rv_connection *connection, struct rv_why *why)
{
	const struct manual *manual = self;
	struct rv_addr addr;

	for (size_t i = 0; i < 2; i++) {
		const char *const *addrs = i ? connection->remote_addrs : connection->local_addrs;
		if (!addrs[0] || addrs[1] || rv_addr_parse(&addr, addrs[0]) || rv_addr_is_any(&addr))
			return rv_why_set(why, -RV_ECONFIG, "%s: a manual connection needs one address in %s",
					  rv_conf_where(connection->conf, NULL), i ? "remote_addrs" : "local_addrs");
	}
	for (size_t i = 0; i < connection->n_children; i++) {
		int r = check_child(manual->host->registry, &connection->children[i], why);
		if (r)
			return r;
	}
	return 0;
}

/* A session is there for its child SAs only. */
static void drop(struct rv_child *child, int reason)
{
	struct rv_peer *peer = child->peer;

	rv_child_down(child, reason);
	if (rv_list_empty(&peer->children))
		rv_peer_down(peer, 0, "its last child SA went");
}

static void installed(struct rv_call *call, int result)
{
	struct setting *setting = rv_container_of(call, struct setting, call);
	struct rv_child *child = setting->child;
	struct rv_attempt *attempt = setting->attempt;

	if (result) {
		rv_attempt_fail(attempt, result, NULL, "the kernel did not take the SAs of %s: %s", child->conf->name,
				rv_error_text(result));
		talloc_free(setting);
		drop(child, result);
		return;
	}
	rv_attempt_step(attempt, "installed %s by hand: in 0x%08" PRIx32 ", out 0x%08" PRIx32, child->conf->name,
			child->spi_in, child->spi_out);
	rv_attempt_ok(attempt);
	talloc_free(setting);
}

/* A dynamic selector is the address of its side. */
static struct rv_ts real(const struct rv_ts *ts, const struct rv_addr *addr)
{
	struct rv_ts whole = *ts;

	if (ts->family)
		return whole;
	whole = rv_ts_prefix(addr, (unsigned)rv_family_len(addr->family) * 8);
	whole.proto = ts->proto;
	whole.port_lo = ts->proto ? ts->port_lo : 0;
	whole.port_hi = ts->proto ? ts->port_hi : 65535;
	return whole;
}

static int set_up(struct rv_child *child)
{
	const struct rv_child_conf *conf = child->conf;
	const struct rv_path *path = &child->peer->path;
	struct rv_ts *ts = talloc_array(child, struct rv_ts, (unsigned)(conf->n_local_ts + conf->n_remote_ts));

	if (!ts)
		return -ENOMEM;
	for (size_t i = 0; i < conf->n_local_ts; i++)
		ts[i] = real(&conf->local_ts[i], &path->local);
	for (size_t i = 0; i < conf->n_remote_ts; i++)
		ts[conf->n_local_ts + i] = real(&conf->remote_ts[i], &path->remote);
	int r = rv_child_set(child, &conf->proposals[0], spi_of(conf, "spi_out"), conf->mode, ts, conf->n_local_ts,
			     ts + conf->n_local_ts, conf->n_remote_ts);

	talloc_free(ts);
	child->tfc = conf->protocol == RV_PROTO_ESP ? conf->tfc : 0;
	child->fragments_also = conf->fragments_also;
	return r;
}

static struct ended *find_ended(const struct manual *manual, const struct rv_addr *remote, uint32_t spi_out)
{
	rv_list_each (&manual->ended, e, struct ended, entry)
		if (e->spi_out == spi_out && rv_addr_same_ip(&e->remote, remote))
			return e;
	return NULL;
}

/* What the kernel says that an SA has used; 0 when it does not. */
static uint64_t used(const struct manual *manual, const struct rv_child *child, uint8_t dir)
{
	const struct rv_kernel_ops *ops = rv_service_ops(child->kernel.service);
	struct rv_pack *pack = RV_HAS(ops, pack) ? rv_pack_new(manual) : NULL;
	uint64_t sequence = 0;
	struct rv_bytes octets;
	uint16_t tag;

	if (pack &&
	    !ops->pack(rv_service_self(child->kernel.service), dir == RV_IN ? child->spi_in : child->spi_out, dir,
		       &child->peer->path.remote, pack) &&
	    rv_pack_done(pack, &octets)) {
		struct rv_unpack in = rv_unpack(octets);
		while (rv_unpack_next(&in, &tag, &octets))
			if (tag == RV_SA_SEQUENCE)
				sequence = rv_unpack_u64(&in, octets);
	}
	talloc_free(pack);
	return sequence;
}

static void remember(struct manual *manual, const struct rv_child *child)
{
	const struct rv_addr *remote = &child->peer->path.remote;
	struct ended *ended = find_ended(manual, remote, child->spi_out);

	if (!ended) {
		ended = talloc_zero(manual, struct ended);
		if (!ended)
			return;
		ended->remote = *remote;
		ended->spi_out = child->spi_out;
		rv_list_add(&manual->ended, &ended->entry);
	}
	for (uint8_t dir = 0; dir < 2; dir++) {
		uint64_t sequence = used(manual, child, dir);
		if (sequence > ended->sequence[dir])
			ended->sequence[dir] = sequence;
	}
}

/* Before a child SA goes, however it goes. */
static void event(void *self, const struct rv_event *event)
{
	const struct rv_child *child = event->child;
	struct manual *manual = self;

	if (!child || rv_service_self(child->peer->keying.service) != manual)
		return;
	if (strcmp(event->name, "expire") == 0 || strcmp(event->name, "child-down") == 0)
		remember(manual, child);
}

/* Where the numbers go on: where the file says, or behind what was used before. False: none is left. */
static bool set_sequence(const struct manual *manual, struct rv_child *child)
{
	const struct rv_child_conf *conf = child->conf;
	const struct ended *ended = find_ended(manual, &child->peer->path.remote, child->spi_out);
	uint64_t sequence[2] = { [RV_IN] = (uint64_t)rv_conf_int(conf->conf, "sequence_in"),
				 [RV_OUT] = (uint64_t)rv_conf_int(conf->conf, "sequence_out") };

	for (int dir = 0; dir < 2 && ended; dir++)
		if (ended->sequence[dir] > sequence[dir])
			sequence[dir] = ended->sequence[dir];
	rv_child_sequence(child, sequence[RV_IN], sequence[RV_OUT]);
	return sequence[RV_OUT] < (child->esn ? UINT64_MAX : UINT32_MAX);
}

static int child_up(void *self, struct rv_peer *peer, const struct rv_child_conf *conf, struct rv_attempt *attempt)
{
	struct manual *manual = self;
	struct rv_why why = { 0 };
	struct rv_child *child = rv_child_new_spi(peer, conf, 0, spi_of(conf, "spi_in"), &why);
	struct setting *setting = child ? talloc_zero(child, struct setting) : NULL;
	int r = setting ? set_up(child) : -ENOMEM;

	if (!r && !set_sequence(manual, child))
		r = rv_why_set(
			&why, -RV_ELIMIT,
			"%s: the sequence numbers of this key are used up (RFC 4303, 3.3.3): give new keys and SPIs",
			rv_conf_where(conf->conf, NULL));
	if (r) {
		rv_attempt_fail(attempt, r, NULL, "%s", *why.text ? why.text : rv_error_text(r));
		if (child)
			drop(child, r);
		return 0;
	}
	*setting = (struct setting){ .peer = peer, .child = child, .attempt = rv_attempt_hold(attempt) };
	rv_call_init(&setting->call, installed);
	talloc_set_destructor(setting, setting_end);
	struct rv_child_keys keys = { .encr_in = rv_secret_bytes(rv_conf_secret(conf->conf, "encr_key_in")),
				      .encr_out = rv_secret_bytes(rv_conf_secret(conf->conf, "encr_key_out")),
				      .integ_in = rv_secret_bytes(rv_conf_secret(conf->conf, "integ_key_in")),
				      .integ_out = rv_secret_bytes(rv_conf_secret(conf->conf, "integ_key_out")) };

	r = rv_child_install(child, &keys, NULL, false, &setting->call);
	if (r != RV_PENDING)
		installed(&setting->call, r);
	return 0;
}

static int up(void *self, const struct rv_connection *connection, const struct rv_child_conf *child,
	      struct rv_attempt *attempt)
{
	const struct manual *manual = self;
	struct rv_host *host = manual->host;
	struct rv_why why = { 0 };
	struct rv_path path = { 0 };
	struct rv_peer *peer;
	int r = check(self, connection, &why);

	if (r) {
		rv_attempt_fail(attempt, r, NULL, "%s", why.text);
		return 0;
	}
	(void)rv_addr_parse(&path.local, connection->local_addrs[0]);
	(void)rv_addr_parse(&path.remote, connection->remote_addrs[0]);
	path.encap = connection->encap == RV_ENCAP_YES;
	if (path.encap)
		path.local.port = path.remote.port = 4500; /* RFC 3948, 2.1 */
	peer = rv_peer_new(host, connection, &path, true);
	if (!peer)
		return -ENOMEM;
	rv_peer_up(peer);
	rv_log(&host->subject, RV_WARN, "manual-keys", KV_STR("connection", connection->name),
	       KV_STR("advice",
		      "sequence numbers begin at each start where the file says: use fresh keys each time, or numbers "
		      "that were not used (RFC 4303, 3.3.3)"));
	if (!child) {
		rv_attempt_ok(attempt);
		return 0;
	}
	return child_up(self, peer, child, attempt);
}

static int down(void *self, struct rv_peer *peer)
{
	rv_peer_down(peer, 0, "taken down by hand");
	return 0;
}

static int child_down(void *self, struct rv_child *child)
{
	drop(child, 0);
	return 0;
}

static int moved(void *self, struct rv_peer *peer, const struct rv_addr *remote)
{
	return 0; /* where the peer is was said by hand */
}

static int pack(void *self, struct rv_peer *peer, struct rv_pack *out)
{
	return 0; /* the session has no state beyond the core's */
}

static int unpack(void *self, struct rv_peer *peer, struct rv_unpack *in)
{
	return 0;
}

static int end_one(struct rv_peer *peer, void *arg)
{
	if (rv_service_self(peer->keying.service) == arg)
		rv_peer_down(peer, 0, "the daemon ends");
	return 0;
}

static int stop(void *self, struct rv_call *call)
{
	const struct manual *manual = self;

	return rv_peer_each(manual->host->core, NULL, end_one, self);
}

static const struct rv_watch_ops watch = { .size = sizeof(watch), .event = event };

static const struct rv_keying_ops ops = {
	.size = sizeof(ops),
	.check = check,
	.up = up,
	.child_up = child_up,
	.down = down,
	.child_down = child_down,
	/* RFC 4301, 4.5: nobody is there to agree on new keys, so there is neither rekey nor child_rekey */
	.moved = moved,
	.pack = pack,
	.unpack = unpack,
	.stop = stop,
};

static int init(struct rv_host *host)
{
	struct manual *manual = talloc_zero(host, struct manual);

	if (!manual)
		return -ENOMEM;
	manual->host = host;
	rv_list_init(&manual->ended);
	int r = rv_watch_offer(host, (struct rv_offer){ .name = "manual" }, &watch, manual);

	return r ? r : rv_keying_offer(host, (struct rv_offer){ .name = "manual", .priority = -10 }, &ops, manual);
}

#define CHILD "connections.*.children.*."

RV_PLUGIN(keying_manual, "keying-manual",
	  "version=1\0summary=SAs set by hand (RFC 4301, 4.5)\0licence=LGPL-2.1-or-later\0default=on\0"
	  "provides=keying:manual watch:manual\0rfc=4301\0"
	  "schema=" CHILD
	  "spi_in|int|0|0..4294967295|SPI of the inbound SA of a manual child; 0x for hexadecimal.\n" CHILD
	  "spi_out|int|0|0..4294967295|SPI of the outbound SA of a manual child.\n" CHILD
	  "encr_key_in|secret|-||Inbound encryption key of a manual child, with the salt of a combined mode behind "
	  "it.\n" CHILD
	  "encr_key_out|secret|-||Outbound encryption key of a manual child, with its salt behind it.\n" CHILD
	  "integ_key_in|secret|-||Inbound integrity key of a manual child; none for a combined mode.\n" CHILD
	  "integ_key_out|secret|-||Outbound integrity key of a manual child; none for a combined mode.\n" CHILD
	  "sequence_in|int|0|0..9223372036854775807|Highest sequence number that a manual child has received.\n" CHILD
	  "sequence_out|int|0|0..9223372036854775807|Last sequence number that a manual child has sent.\n\0",
	  .init = init);
