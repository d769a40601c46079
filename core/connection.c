// SPDX-License-Identifier: LGPL-2.1-or-later
/* connection: from a section of the configuration to a struct rv_connection, with what its keys together must obey.
 *
 * Single values were checked by their types; here are the defaults that follow from other values, the order of
 * authentication rounds, proposals and selectors, and every error is noted with its file and line.
 */
#include "pad.h"

#include <errno.h>
#include <net/if.h>
#include <ravelin/auth.h>
#include <stdlib.h>
#include <string.h>

struct maker {
	struct rv_pad *pad;
	struct pad_entry *entry;
	struct conf_errors *errors;
	bool failed, no_memory;
};

/* Notes what is wrong with a key (or with the section, for NULL) of conf. */
static void wrong(struct maker *m, const struct rv_conf *conf, const char *key, const char *text)
{
	static const struct conf_place nowhere = { 0 };

	conf_error(m->errors, &nowhere, "%s: %s%s%s", rv_conf_where(conf, key), key ? key : "", key ? ": " : "", text);
	m->failed = true;
}

static void *make(struct maker *m, size_t n, size_t size)
{
	void *p = talloc_zero_size(m->entry, n * size + 1);

	m->no_memory |= !p;
	return p;
}

static struct rv_proposal *proposals(struct maker *m, const struct rv_conf *conf, const char *key, uint8_t protocol,
				     size_t *n)
{
	struct rv_why why = { 0 };
	struct rv_proposal *out = NULL;
	int code =
		rv_proposals_parse(m->entry, m->pad->core->registry, protocol, rv_conf_list(conf, key), &out, n, &why);

	if (code == -ENOMEM)
		m->no_memory = true;
	else if (code)
		wrong(m, conf, key, why.text);
	else if (!*n)
		wrong(m, conf, key, "at least one proposal is needed");
	return out;
}

static struct rv_ts *selectors(struct maker *m, const struct rv_conf *conf, const char *key, size_t *n)
{
	const char *const *list = rv_conf_list(conf, key);
	struct rv_ts *out;

	for (*n = 0; list[*n];)
		++*n;
	out = make(m, *n, sizeof(*out));
	if (!*n)
		wrong(m, conf, key, "at least one traffic selector is needed");
	for (size_t i = 0; out && i < *n; i++)
		if (rv_ts_parse(&out[i], list[i], NULL))
			wrong(m, conf, key, "the traffic selector is not valid");
	return out;
}

struct rounds {
	struct maker *m;
	const char *prefix;
	struct rv_round *out;
	size_t n, cap;
};

static int add_round(const char *name, const struct rv_conf *section, void *arg)
{
	struct rounds *r = arg;
	struct rv_round round = { .conf = section, .auth = rv_conf_str(section, "auth") };
	const char *id = rv_conf_str(section, "id");
	size_t at = r->n;

	if (strncmp(name, r->prefix, strlen(r->prefix)) != 0)
		return 0;
	if (id) {
		round.id = rv_id_parse(r->m->entry, id, NULL);
		r->m->no_memory |= !round.id;
	}
	r->out = talloc_realloc(r->m->entry, r->out, struct rv_round, r->n + 1);
	if (!r->out) {
		r->m->no_memory = true;
		return -ENOMEM;
	}
	for (; at && rv_conf_int(r->out[at - 1].conf, "round") > rv_conf_int(section, "round"); at--)
		r->out[at] = r->out[at - 1];
	r->out[at] = round;
	r->n++;
	return 0;
}

static struct rv_round *rounds(struct maker *m, const struct rv_conf *conf, const char *prefix, size_t *n)
{
	struct rounds r = { .m = m, .prefix = prefix };

	rv_conf_each(conf, add_round, &r);
	*n = r.n;
	return r.out;
}

/* A duration that stands in the file, or else the given one. */
static uint64_t us_or(const struct rv_conf *conf, const char *key, uint64_t otherwise)
{
	return rv_conf_has(conf, key) ? rv_conf_us(conf, key) : otherwise;
}

static uint64_t amount_or(const struct rv_conf *conf, const char *key, uint64_t otherwise)
{
	return rv_conf_has(conf, key) ? (uint64_t)rv_conf_int(conf, key) : otherwise;
}

/* What may be taken from the limit at which keys are replaced unless the file says otherwise. */
static uint64_t margin(uint64_t rekey, uint64_t life)
{
	return rekey && life > rekey ? life - rekey : 0;
}

/* A random part that would leave nothing. */
static bool too_much(const struct rv_conf *conf, const char *key, uint64_t rand, uint64_t rekey)
{
	return rv_conf_has(conf, key) && rekey && rand >= rekey;
}

static void read_child_lifetimes(struct maker *m, const struct rv_conf *conf, struct rv_child_conf *child)
{
	child->rekey_us = rv_conf_us(conf, "rekey_time");
	child->life_us = us_or(conf, "life_time", child->rekey_us + child->rekey_us / 10);
	child->rand_us = us_or(conf, "rand_time", margin(child->rekey_us, child->life_us));
	child->inactivity_us = rv_conf_us(conf, "inactivity");
	child->rekey_bytes = (uint64_t)rv_conf_int(conf, "rekey_bytes");
	child->life_bytes = amount_or(conf, "life_bytes", child->rekey_bytes + child->rekey_bytes / 10);
	child->rekey_packets = (uint64_t)rv_conf_int(conf, "rekey_packets");
	child->life_packets = amount_or(conf, "life_packets", child->rekey_packets + child->rekey_packets / 10);
	child->rand_bytes = amount_or(conf, "rand_bytes", margin(child->rekey_bytes, child->life_bytes));
	child->rand_packets = amount_or(conf, "rand_packets", margin(child->rekey_packets, child->life_packets));

	if (child->life_us && child->rekey_us >= child->life_us)
		wrong(m, conf, "life_time", "it must be longer than rekey_time");
	if (child->life_bytes && child->rekey_bytes >= child->life_bytes)
		wrong(m, conf, "life_bytes", "it must be more than rekey_bytes");
	if (child->life_packets && child->rekey_packets >= child->life_packets)
		wrong(m, conf, "life_packets", "it must be more than rekey_packets");
	if (too_much(conf, "rand_time", child->rand_us, child->rekey_us))
		wrong(m, conf, "rand_time", "it must be shorter than rekey_time");
	if (too_much(conf, "rand_bytes", child->rand_bytes, child->rekey_bytes))
		wrong(m, conf, "rand_bytes", "it must be less than rekey_bytes");
	if (too_much(conf, "rand_packets", child->rand_packets, child->rekey_packets))
		wrong(m, conf, "rand_packets", "it must be less than rekey_packets");
}

static bool is_shunt(uint8_t mode)
{
	return mode == RV_PASS || mode == RV_DROP;
}

static bool has_family(const struct rv_ts *ts, size_t n, uint8_t family)
{
	for (size_t i = 0; i < n; i++)
		if (!ts[i].family || ts[i].family == family)
			return true;
	return false;
}

static void read_child_selectors(struct maker *m, const struct rv_conf *conf, struct rv_child_conf *child)
{
	child->local_ts = selectors(m, conf, "local_ts", &child->n_local_ts);
	child->remote_ts = selectors(m, conf, "remote_ts", &child->n_remote_ts);
	if (!child->local_ts || !child->remote_ts)
		return;
	if (!(has_family(child->local_ts, child->n_local_ts, RV_IPV4) &&
	      has_family(child->remote_ts, child->n_remote_ts, RV_IPV4)) &&
	    !(has_family(child->local_ts, child->n_local_ts, RV_IPV6) &&
	      has_family(child->remote_ts, child->n_remote_ts, RV_IPV6)))
		wrong(m, conf, "remote_ts", "local_ts and remote_ts have no address family in common");
	if (!is_shunt(child->mode))
		return;
	for (size_t i = 0; i < child->n_local_ts; i++)
		if (!child->local_ts[i].family)
			wrong(m, conf, "local_ts", "mode pass or drop needs selectors that are not dynamic");
	for (size_t i = 0; i < child->n_remote_ts; i++)
		if (!child->remote_ts[i].family)
			wrong(m, conf, "remote_ts", "mode pass or drop needs selectors that are not dynamic");
}

static void read_child_proposals(struct maker *m, const struct rv_conf *conf, struct rv_child_conf *child)
{
	bool ah = rv_conf_has(conf, "ah_proposals");

	child->protocol = ah ? RV_PROTO_AH : RV_PROTO_ESP;
	if (is_shunt(child->mode))
		return;
	if (ah && rv_conf_has(conf, "esp_proposals"))
		wrong(m, conf, "ah_proposals", "a child has proposals for ESP or for AH, not for both");
	child->proposals =
		proposals(m, conf, ah ? "ah_proposals" : "esp_proposals", child->protocol, &child->n_proposals);
}

static bool is_interface(const char *name)
{
	size_t len = strlen(name);

	if (!len || len >= IF_NAMESIZE || !strcmp(name, ".") || !strcmp(name, ".."))
		return false;
	for (size_t i = 0; i < len; i++)
		if (name[i] <= ' ' || name[i] > '~' || strchr("/:%", name[i]))
			return false;
	return true;
}

static void read_child_padding(struct maker *m, const struct rv_conf *conf, struct rv_child_conf *child)
{
	const char *text = rv_conf_str(conf, "tfc_padding");
	char *end;
	unsigned long octets;

	if (!strcmp(text, "mtu")) {
		child->tfc = RV_TFC_MTU;
		return;
	}
	octets = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || octets >= RV_TFC_MTU) {
		wrong(m, conf, "tfc_padding", "it must be mtu or a number of octets below 65535");
		return;
	}
	child->tfc = (uint16_t)octets;
}

static void read_child(struct maker *m, const char *name, const struct rv_conf *conf, struct rv_child_conf *child)
{
	/* in the order of the schema's choices */
	static const struct {
		uint8_t mode;
		const char *ext;
	} modes[] = { { RV_TUNNEL }, { RV_TRANSPORT }, { RV_PASS }, { RV_DROP }, { RV_TUNNEL, "iptfs" } };
	static const uint8_t actions[] = { RV_ACTION_NONE, RV_ACTION_START, RV_ACTION_TRAP };
	static const uint8_t dpd_actions[] = { RV_ACTION_NONE, RV_ACTION_NONE, RV_ACTION_TRAP, RV_ACTION_START,
					       RV_ACTION_START };

	*child = (struct rv_child_conf){ .name = name, .conf = conf, .connection = &m->entry->connection };
	child->mode = modes[rv_conf_int(conf, "mode")].mode;
	child->ext = modes[rv_conf_int(conf, "mode")].ext;
	child->start_action = actions[rv_conf_int(conf, "start_action")];
	child->close_action = actions[rv_conf_int(conf, "close_action")];
	child->dpd_action = dpd_actions[rv_conf_int(conf, "dpd_action")];
	child->replay_window = (uint32_t)rv_conf_int(conf, "replay_window");
	child->priority = (uint32_t)rv_conf_int(conf, "priority");
	child->interface = rv_conf_str(conf, "interface");
	if (child->interface && !is_interface(child->interface))
		wrong(m, conf, "interface", "the name of an interface has 1 to 15 printable characters without / : %");
	child->fragments_also = rv_conf_bool(conf, "fragments_also");
	child->copy_dscp = (uint8_t)rv_conf_int(conf, "copy_dscp"); /* the choices stand in the order of the enum */
	child->plain_ecn = !rv_conf_bool(conf, "copy_ecn");
	child->keep_mss = !rv_conf_bool(conf, "mss_clamp");
	child->fragment_first = rv_conf_int(conf, "fragment") != 0;
	child->copy_df = (uint8_t)rv_conf_int(conf, "copy_df");
	child->dummy_us = (uint64_t)rv_conf_int(conf, "tfc_dummy");
	read_child_padding(m, conf, child);
	read_child_selectors(m, conf, child);
	read_child_proposals(m, conf, child);
	read_child_lifetimes(m, conf, child);
}

struct children {
	struct maker *m;
	size_t n;
};

static int count(const char *name, const struct rv_conf *section, void *arg)
{
	++*(size_t *)arg;
	return 0;
}

static int add_child(const char *name, const struct rv_conf *section, void *arg)
{
	struct children *c = arg;

	read_child(c->m, name, section, &c->m->entry->connection.children[c->n++]);
	return 0;
}

static struct pad_addr *addresses(struct maker *m, const char *const *list, size_t *n)
{
	struct pad_addr *out;

	for (*n = 0; list[*n];)
		++*n;
	out = conf_alloc(m->pad->arena, *n * sizeof(*out) + 1);
	m->no_memory |= !out;
	for (size_t i = 0; out && i < *n; i++) {
		struct rv_addr addr;
		if (!strncmp(list[i], "%any", 4)) {
			out[i].kind = PAD_ADDR_ANY;
			out[i].range.family = list[i][4] == '4' ? RV_IPV4 : list[i][4] == '6' ? RV_IPV6 : 0;
		} else if (!rv_addr_parse(&addr, list[i])) {
			out[i].kind = rv_addr_is_any(&addr) ? PAD_ADDR_ANY : PAD_ADDR_ONE;
			out[i].range = rv_ts_prefix(&addr, 8 * (unsigned)rv_family_len(addr.family));
		} else {
			out[i].kind = rv_ts_parse(&out[i].range, list[i], NULL) ? PAD_ADDR_NAME : PAD_ADDR_RANGE;
		}
	}
	return out;
}

/* Whether an address or a name is configured that can be called. */
static bool can_call(const struct pad_entry *entry)
{
	for (size_t i = 0; i < entry->n_remote; i++)
		if (entry->remote[i].kind == PAD_ADDR_ONE || entry->remote[i].kind == PAD_ADDR_NAME)
			return true;
	return false;
}

static bool only_shunts(const struct rv_connection *connection)
{
	for (size_t i = 0; i < connection->n_children; i++)
		if (!is_shunt(connection->children[i].mode))
			return false;
	return connection->n_children;
}

static void read_times(struct maker *m, const struct rv_conf *conf, struct rv_connection *c)
{
	uint64_t longer;

	c->dpd_delay_us = rv_conf_us(conf, "dpd_delay");
	c->dpd_timeout_us = rv_conf_us(conf, "dpd_timeout");
	c->reauth_us = rv_conf_us(conf, "reauth_time");
	/* a reauthentication makes new keys too, so it stands in for rekeying where only it is asked for */
	c->rekey_us = us_or(conf, "rekey_time", c->reauth_us ? 0 : rv_conf_us(conf, "rekey_time"));
	longer = c->rekey_us > c->reauth_us ? c->rekey_us : c->reauth_us;
	c->over_us = us_or(conf, "over_time", longer / 10);
	c->rand_us = us_or(conf, "rand_time", c->over_us);
	if (rv_conf_has(conf, "rand_time") &&
	    ((c->rekey_us && c->rand_us >= c->rekey_us) || (c->reauth_us && c->rand_us >= c->reauth_us)))
		wrong(m, conf, "rand_time", "it must be shorter than rekey_time and reauth_time");
}

static void read_children(struct maker *m, const struct rv_conf *conf, struct rv_connection *c)
{
	const struct rv_conf *section = rv_conf_section(conf, "children");
	struct children children = { .m = m };

	rv_conf_each(section, count, &c->n_children);
	c->children = make(m, c->n_children, sizeof(*c->children));
	if (c->children)
		rv_conf_each(section, add_child, &children);
	for (size_t i = 0; c->children && i < c->n_children; i++) {
		const struct rv_child_conf *child = &c->children[i];
		if (child->start_action != RV_ACTION_NONE && !is_shunt(child->mode) && !can_call(m->entry))
			wrong(m, child->conf, "start_action",
			      "the connection's remote_addrs has no address or name that could be called");
	}
}

static void read_connection(struct maker *m, const char *name, const struct rv_conf *conf)
{
	struct rv_connection *c = &m->entry->connection;

	c->name = name;
	c->conf = conf;
	c->version = (unsigned)rv_conf_int(conf, "version");
	c->keying = rv_conf_str(conf, "keying");
	c->local_addrs = rv_conf_list(conf, "local_addrs");
	c->remote_addrs = rv_conf_list(conf, "remote_addrs");
	c->local_port = (uint16_t)rv_conf_int(conf, "local_port");
	c->remote_port = (uint16_t)rv_conf_int(conf, "remote_port");
	c->encap = (uint8_t)rv_conf_int(conf, "encap"); /* the choices stand in the order of enum rv_encap */
	m->entry->local = addresses(m, c->local_addrs, &m->entry->n_local);
	m->entry->remote = addresses(m, c->remote_addrs, &m->entry->n_remote);
	if (m->no_memory)
		return;
	read_times(m, conf, c);
	read_children(m, conf, c);
	c->local = rounds(m, conf, "local", &c->n_local);
	c->remote = rounds(m, conf, "remote", &c->n_remote);
	if (c->keying || only_shunts(c)) {
		/* nothing is negotiated, unless the file says what */
		if (rv_conf_has(conf, "proposals"))
			c->proposals = proposals(m, conf, "proposals", RV_PROTO_KEYING, &c->n_proposals);
		return;
	}
	c->proposals = proposals(m, conf, "proposals", RV_PROTO_KEYING, &c->n_proposals);
	if (!c->n_local)
		wrong(m, conf, NULL, "the connection needs a section local { auth = ... }");
	if (!c->n_remote)
		wrong(m, conf, NULL, "the connection needs a section remote { auth = ... }");
}

struct pad_entry *pad_entry_new(struct rv_pad *pad, const char *name, const struct rv_conf *conf,
				struct conf_errors *errors)
{
	struct maker m = { .pad = pad, .errors = errors, .entry = talloc_zero(pad, struct pad_entry) };

	if (!m.entry || rv_conf_hold(conf, m.entry)) {
		talloc_free(m.entry);
		return NULL;
	}
	read_connection(&m, name, conf);
	if (m.failed || m.no_memory)
		TALLOC_FREE(m.entry);
	return m.entry;
}

const struct rv_child_conf *rv_connection_child(const struct rv_connection *connection, const char *name)
{
	for (size_t i = 0; i < connection->n_children; i++)
		if (!name || !strcmp(connection->children[i].name, name))
			return &connection->children[i];
	return NULL;
}

struct rv_service *rv_auth_find(struct rv_core *core, const struct rv_round *round)
{
	struct rv_service *service = rv_registry_find(core->registry, "auth", round->auth);
	size_t len = strcspn(round->auth, "-:/");
	char name[64];

	if (service || len >= sizeof(name) || !round->auth[len])
		return service;
	memcpy(name, round->auth, len);
	name[len] = 0;
	return rv_registry_find(core->registry, "auth", name);
}

const struct rv_conf *rv_core_conf(struct rv_core *core)
{
	static const struct rv_conf none = { .name = "" };

	return core->conf ? core->conf : &none;
}
