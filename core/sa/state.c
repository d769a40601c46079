// SPDX-License-Identifier: LGPL-2.1-or-later
/* state: all established sessions as octets, and back: what a restart, a standby and a cluster stand on.
 *
 * The core packs what it knows; the keying protocol adds its own state and the kernel keys and sequence numbers. A
 * field that is not known is skipped. What a later daemon must not misread gets another VERSION.
 */
#include "inner.h"

#include <errno.h>
#include <ravelin/attr.h>
#include <ravelin/pack.h>
#include <ravelin/wire.h>
#include <string.h>
#include <talloc.h>

/* Numbers that the old daemon may have used since it packed are jumped over (RFC 4303, 3.3.3: none is used twice). */
enum { VERSION = 1, SEQUENCE_JUMP = 1 << 16, ADDR_LEN = 23, TS_LEN = 38, TRANSFORM_LEN = 5, DOMAINS = 64 };

enum top { T_VERSION = 1, T_SESSION };
enum session {
	S_CONNECTION = 1,
	S_KEYING,
	S_LOCAL_ID,
	S_REMOTE_ID,
	S_LOCAL,
	S_REMOTE,
	S_FLAGS,
	S_AGE,
	S_OWN,
	S_CHILD,
	S_LENT,
	S_TAKEN,
	S_DOMAIN
};
enum child {
	C_NAME = 1,
	C_SPI_IN,
	C_SPI_OUT,
	C_FLAGS,
	C_LOCAL_TS,
	C_REMOTE_TS,
	C_CHOSEN,
	C_AGE,
	C_SA_IN,
	C_SA_OUT,
	C_EXT,
	C_EXT_IN,
	C_EXT_OUT
};

/* S_FLAGS: bits. C_FLAGS: mode and protocol in the low octets, then this bit. */
enum { F_INITIATOR = 1, F_ENCAP = 2, F_BEHIND_NAT = 4, F_REMOTE_NAT = 8, F_PLAIN_ESP = 16 };

/* Values, each with its reader behind its writer. */

static void put_str(struct rv_pack *out, uint16_t tag, const char *text)
{
	rv_pack_put(out, tag, rv_bytes(text, strlen(text)));
}

static char *get_str(const void *parent, struct rv_bytes value)
{
	if (!value.len || memchr(value.p, 0, value.len))
		return NULL;
	return talloc_strndup(parent, (const char *)value.p, value.len);
}

static void put_addr(struct rv_pack *out, uint16_t tag, const struct rv_addr *addr)
{
	uint8_t octets[ADDR_LEN];
	struct rv_wr w = rv_wr(octets, sizeof(octets));

	rv_wr_u8(&w, addr->family);
	rv_wr_u16(&w, addr->port);
	rv_wr_u32(&w, addr->scope);
	rv_wr_put(&w, rv_bytes(addr->ip, sizeof(addr->ip)));
	rv_pack_put(out, tag, rv_wr_bytes(&w));
}

static bool get_addr(struct rv_bytes value, struct rv_addr *addr)
{
	struct rv_rd r = rv_rd(value);

	*addr = (struct rv_addr){ .family = rv_rd_u8(&r) };
	addr->port = rv_rd_u16(&r);
	addr->scope = rv_rd_u32(&r);
	struct rv_bytes ip = rv_rd_take(&r, sizeof(addr->ip));
	if (!rv_rd_done(&r) || !rv_family_len(addr->family))
		return false;
	memcpy(addr->ip, ip.p, rv_family_len(addr->family));
	return true;
}

static void put_id(struct rv_pack *out, uint16_t tag, const struct rv_id *id)
{
	uint8_t octets[1 + RV_ID_MAX];
	struct rv_wr w = rv_wr(octets, sizeof(octets));

	if (!id)
		return;
	rv_wr_u8(&w, id->type);
	rv_wr_put(&w, rv_bytes(id->b, id->len));
	rv_pack_put(out, tag, rv_wr_bytes(&w));
}

static struct rv_id *get_id(const void *parent, struct rv_bytes value)
{
	struct rv_rd r = rv_rd(value);
	uint8_t type = rv_rd_u8(&r);
	struct rv_bytes octets = rv_rd_rest(&r);

	return rv_rd_done(&r) ? rv_id_from_wire(parent, type, octets) : NULL;
}

static void put_ts(struct rv_pack *out, uint16_t tag, const struct rv_ts *ts, size_t n)
{
	uint8_t octets[UINT8_MAX * TS_LEN];
	struct rv_wr w = rv_wr(octets, sizeof(octets));

	for (size_t i = 0; i < n; i++) {
		rv_wr_u8(&w, ts[i].family);
		rv_wr_u8(&w, ts[i].proto);
		rv_wr_u16(&w, ts[i].port_lo);
		rv_wr_u16(&w, ts[i].port_hi);
		rv_wr_put(&w, rv_bytes(ts[i].lo, sizeof(ts[i].lo)));
		rv_wr_put(&w, rv_bytes(ts[i].hi, sizeof(ts[i].hi)));
	}
	rv_pack_put(out, tag, rv_wr_bytes(&w));
}

/* How many; 0 when they are none or not valid. ts: UINT8_MAX of them. */
static size_t get_ts(struct rv_bytes value, struct rv_ts *ts)
{
	struct rv_rd r = rv_rd(value);
	size_t n = 0;

	for (; rv_rd_more(&r) && n < UINT8_MAX; n++) {
		ts[n] = (struct rv_ts){ .family = rv_rd_u8(&r), .proto = 0 };
		ts[n].proto = rv_rd_u8(&r);
		ts[n].port_lo = rv_rd_u16(&r);
		ts[n].port_hi = rv_rd_u16(&r);
		struct rv_bytes lo = rv_rd_take(&r, sizeof(ts[n].lo)), hi = rv_rd_take(&r, sizeof(ts[n].hi));
		size_t len = rv_family_len(ts[n].family);
		if (hi.len != sizeof(ts[n].hi) || !len || memcmp(lo.p, hi.p, len) > 0)
			return 0;
		memcpy(ts[n].lo, lo.p, len);
		memcpy(ts[n].hi, hi.p, len);
	}
	return rv_rd_done(&r) ? n : 0;
}

static void put_chosen(struct rv_pack *out, uint16_t tag, const struct rv_child *child)
{
	uint8_t octets[RV_COUNT(child->chosen) * TRANSFORM_LEN];
	struct rv_wr w = rv_wr(octets, sizeof(octets));

	for (uint8_t i = 0; i < child->n_chosen; i++) {
		rv_wr_u8(&w, child->chosen[i].class);
		rv_wr_u16(&w, child->chosen[i].id);
		rv_wr_u16(&w, child->chosen[i].key_bits);
	}
	rv_pack_put(out, tag, rv_wr_bytes(&w));
}

static bool get_chosen(struct rv_bytes value, struct rv_proposal *chosen)
{
	struct rv_rd r = rv_rd(value);

	for (chosen->n = 0; rv_rd_more(&r) && chosen->n < RV_COUNT(((struct rv_child *)0)->chosen); chosen->n++) {
		struct rv_transform *t = &chosen->t[chosen->n];
		t->class = rv_rd_u8(&r);
		t->id = rv_rd_u16(&r);
		t->key_bits = rv_rd_u16(&r);
	}
	return rv_rd_done(&r);
}

/* An attribute's type is its tag. */
static void put_attributes(struct rv_pack *out, uint16_t tag, const struct rv_attributes *list)
{
	if (!list || !list->n)
		return;
	rv_pack_open(out, tag);
	for (size_t i = 0; i < list->n; i++)
		rv_pack_put(out, list->list[i].type, list->list[i].value);
	rv_pack_close(out);
}

static struct rv_attributes *get_attributes(const void *parent, struct rv_bytes value)
{
	struct rv_attributes *list = talloc_zero(parent, struct rv_attributes);
	struct rv_unpack in = rv_unpack(value);
	struct rv_bytes field;
	uint16_t tag;

	while (list && rv_unpack_next(&in, &tag, &field))
		if (rv_attributes_add(list, tag, field))
			return NULL;
	return list && rv_unpack_done(&in) ? list : NULL;
}

/* Packing */

static void pack_sa(struct rv_child *child, uint8_t dir, uint16_t tag, struct rv_pack *out)
{
	const struct rv_kernel_ops *ops = rv_service_ops(child->kernel.service);

	rv_pack_open(out, tag);
	ops->pack(rv_service_self(child->kernel.service), dir == RV_IN ? child->spi_in : child->spi_out, dir,
		  &child->peer->path.remote, out);
	rv_pack_close(out);
}

static void pack_child(struct rv_child *child, uint64_t now, struct rv_pack *out)
{
	rv_pack_open(out, S_CHILD);
	put_str(out, C_NAME, child->conf->name);
	rv_pack_u64(out, C_SPI_IN, child->spi_in);
	rv_pack_u64(out, C_SPI_OUT, child->spi_out);
	rv_pack_u64(out, C_FLAGS,
		    child->mode | (uint64_t)child->protocol << 8 | (uint64_t)child->fragments_also << 16 |
			    (uint64_t)child->tfc << 32);
	put_ts(out, C_LOCAL_TS, child->ts, child->n_local_ts);
	put_ts(out, C_REMOTE_TS, child->ts + child->n_local_ts, child->n_remote_ts);
	put_chosen(out, C_CHOSEN, child);
	rv_pack_u64(out, C_AGE, now - child->since_us);
	pack_sa(child, RV_IN, C_SA_IN, out);
	pack_sa(child, RV_OUT, C_SA_OUT, out);
	if (child->ext) {
		put_str(out, C_EXT, child->ext->name);
		rv_pack_put(out, C_EXT_IN, child->ext->in);
		rv_pack_put(out, C_EXT_OUT, child->ext->out);
	}
	rv_pack_close(out);
}

static bool can_pack(const struct rv_peer *peer)
{
	const struct rv_keying_ops *ops = rv_service_ops(peer->keying.service);

	return peer->established && peer->connection && RV_HAS(ops, pack) && RV_HAS(ops, unpack);
}

/* True when the session is in out. */
static bool pack_session(struct rv_peer *peer, struct rv_pack *out)
{
	const struct rv_keying_ops *ops = rv_service_ops(peer->keying.service);
	const struct rv_path *path = &peer->path;
	uint64_t now = rv_loop_now_us(peer->core->loop);
	int r;

	if (!can_pack(peer))
		return false;
	rv_pack_open(out, T_SESSION);
	put_str(out, S_CONNECTION, peer->connection->name);
	put_str(out, S_KEYING, rv_service_name(peer->keying.service));
	put_id(out, S_LOCAL_ID, peer->local_id);
	put_id(out, S_REMOTE_ID, peer->remote_id);
	put_addr(out, S_LOCAL, &path->local);
	put_addr(out, S_REMOTE, &path->remote);
	rv_pack_u64(out, S_FLAGS,
		    (peer->initiator ? F_INITIATOR : 0) | (path->encap ? F_ENCAP : 0) |
			    (path->behind_nat ? F_BEHIND_NAT : 0) | (path->remote_nat ? F_REMOTE_NAT : 0) |
			    (path->plain_esp ? F_PLAIN_ESP : 0));
	rv_pack_u64(out, S_AGE, now - peer->since_us);
	rv_list_each (&peer->children, child, struct rv_child, entry) {
		struct rv_child_whole *c = rv_child_whole(child);
		if (c->in_kernel[RV_IN] && c->in_kernel[RV_OUT] && !c->replaced)
			pack_child(child, now, out);
	}
	put_attributes(out, S_LENT, rv_peer_lent(peer));
	put_attributes(out, S_TAKEN, rv_peer_taken(peer));
	for (size_t i = 0; rv_lent_domain(peer, i); i++)
		put_str(out, S_DOMAIN, rv_lent_domain(peer, i));
	rv_pack_open(out, S_OWN);
	r = ops->pack(rv_service_self(peer->keying.service), peer, out);
	rv_pack_close(out);
	rv_pack_close(out);
	if (r)
		rv_log(&peer->core->subject, RV_ERROR, "pack-failed", KV_STR("connection", peer->connection->name),
		       KV_UINT("session", peer->id), KV_STR("error", rv_error_text(r)));
	return !r;
}

uint8_t *rv_core_pack(struct rv_core *core, const void *parent, struct rv_bytes key, size_t *len, unsigned *n)
{
	struct rv_pack *pack = rv_pack_new(core);
	struct rv_bytes octets;
	uint8_t *sealed = NULL;

	if (!pack)
		return NULL;
	*n = 0;
	rv_pack_u64(pack, T_VERSION, VERSION);
	rv_list_each (rv_sad_peers(core), peer, struct rv_peer, entry)
		*n += pack_session(peer, pack);
	if (rv_pack_done(pack, &octets))
		sealed = rv_pack_seal(core, parent, key, RV_STR("sessions"), octets, len);
	talloc_free(pack);
	return sealed;
}

/* Unpacking */

struct read_sa {
	struct rv_bytes encr, integ;
	uint64_t sequence;
};

struct read_child {
	struct rv_list entry;
	const char *name, *ext;
	struct rv_bytes ext_in, ext_out;
	uint64_t spi_in, spi_out, flags, age_us;
	struct rv_ts local[UINT8_MAX], remote[UINT8_MAX];
	size_t n_local, n_remote;
	struct rv_proposal chosen;
	struct read_sa in, out;
	struct rv_child *child;
};

/* One session as read; a talloc object with all that belongs to it. */
struct read_session {
	struct rv_core *core;
	const char *connection, *keying;
	struct rv_bytes local_id, remote_id;
	struct rv_path path;
	uint64_t flags, age_us;
	struct rv_bytes own;
	struct rv_list children;
	struct rv_attributes *lent, *taken;
	const char *domains[DOMAINS];
	size_t n_domains;
	char trouble[256];
};

static bool read_sa(struct rv_bytes value, struct read_sa *sa)
{
	struct rv_unpack in = rv_unpack(value);
	struct rv_bytes field;
	uint16_t tag;

	while (rv_unpack_next(&in, &tag, &field)) {
		if (tag == RV_SA_ENCR_KEY)
			sa->encr = field;
		else if (tag == RV_SA_INTEG_KEY)
			sa->integ = field;
		else if (tag == RV_SA_SEQUENCE)
			sa->sequence = rv_unpack_u64(&in, field);
	}
	return rv_unpack_done(&in) && (sa->encr.len || sa->integ.len);
}

static bool read_child_field(struct read_child *c, uint16_t tag, struct rv_bytes value, struct rv_unpack *in)
{
	switch (tag) {
	case C_NAME:
		return (c->name = get_str(c, value));
	case C_SPI_IN:
		c->spi_in = rv_unpack_u64(in, value);
		return c->spi_in && c->spi_in <= UINT32_MAX;
	case C_SPI_OUT:
		c->spi_out = rv_unpack_u64(in, value);
		return c->spi_out && c->spi_out <= UINT32_MAX;
	case C_FLAGS:
		c->flags = rv_unpack_u64(in, value);
		return true;
	case C_LOCAL_TS:
		return (c->n_local = get_ts(value, c->local));
	case C_REMOTE_TS:
		return (c->n_remote = get_ts(value, c->remote));
	case C_CHOSEN:
		return get_chosen(value, &c->chosen);
	case C_AGE:
		c->age_us = rv_unpack_u64(in, value);
		return true;
	case C_SA_IN:
		return read_sa(value, &c->in);
	case C_SA_OUT:
		return read_sa(value, &c->out);
	case C_EXT:
		return (c->ext = get_str(c, value));
	case C_EXT_IN:
		c->ext_in = value;
		return true;
	case C_EXT_OUT:
		c->ext_out = value;
		return true;
	default:
		return true;
	}
}

static bool read_child(struct read_session *s, struct rv_bytes value)
{
	struct read_child *c = talloc_zero(s, struct read_child);
	struct rv_unpack in = rv_unpack(value);
	struct rv_bytes field;
	uint16_t tag;

	if (!c)
		return false;
	while (rv_unpack_next(&in, &tag, &field))
		if (!read_child_field(c, tag, field, &in))
			return false;
	c->chosen.protocol = (uint8_t)(c->flags >> 8);
	rv_list_add(&s->children, &c->entry);
	return rv_unpack_done(&in) && c->name && c->spi_in && c->spi_out && c->n_local && c->n_remote &&
	       (c->flags & 0xff) <= RV_TRANSPORT;
}

static bool read_session_field(struct read_session *s, uint16_t tag, struct rv_bytes value, struct rv_unpack *in)
{
	switch (tag) {
	case S_CONNECTION:
		return (s->connection = get_str(s, value));
	case S_KEYING:
		return (s->keying = get_str(s, value));
	case S_LOCAL_ID:
		s->local_id = value;
		return true;
	case S_REMOTE_ID:
		s->remote_id = value;
		return true;
	case S_LOCAL:
		return get_addr(value, &s->path.local);
	case S_REMOTE:
		return get_addr(value, &s->path.remote);
	case S_FLAGS:
		s->flags = rv_unpack_u64(in, value);
		return true;
	case S_AGE:
		s->age_us = rv_unpack_u64(in, value);
		return true;
	case S_OWN:
		s->own = value;
		return true;
	case S_CHILD:
		return read_child(s, value);
	case S_LENT:
		return (s->lent = get_attributes(s, value));
	case S_TAKEN:
		return (s->taken = get_attributes(s, value));
	case S_DOMAIN:
		return s->n_domains < DOMAINS && (s->domains[s->n_domains++] = get_str(s, value));
	default:
		return true;
	}
}

static bool read_session(struct read_session *s, struct rv_bytes value)
{
	struct rv_unpack in = rv_unpack(value);
	struct rv_bytes field;
	uint16_t tag;

	while (rv_unpack_next(&in, &tag, &field))
		if (!read_session_field(s, tag, field, &in))
			return false;
	s->path.encap = s->flags & F_ENCAP;
	s->path.behind_nat = s->flags & F_BEHIND_NAT;
	s->path.remote_nat = s->flags & F_REMOTE_NAT;
	s->path.plain_esp = s->flags & F_PLAIN_ESP;
	return rv_unpack_done(&in) && s->connection && s->keying && s->path.remote.family;
}

static bool trouble(struct read_session *s, const char *fmt, ...) RV_PRINTF(2, 3);

static bool trouble(struct read_session *s, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(s->trouble, sizeof(s->trouble), fmt, args);
	va_end(args);
	return false;
}

/* An install that the kernel answers later. */
struct resuming {
	struct rv_call call;
	struct rv_child *child;
};

static void resumed(struct rv_call *call, int result)
{
	struct resuming *resuming = rv_container_of(call, struct resuming, call);
	struct rv_child *child = resuming->child;

	if (!result) {
		talloc_free(resuming);
		return;
	}
	rv_log(&child->peer->core->subject, RV_ERROR, "unpack-failed", KV_STR("child", child->conf->name),
	       KV_UINT("child-id", child->id), KV_STR("error", rv_error_text(result)));
	rv_child_down(child, result);
}

static int resuming_gone(struct resuming *resuming)
{
	rv_call_cancel(&resuming->call);
	return 0;
}

/* Puts the SAs into the kernel. Without sequence numbers to go on with, only the inbound one lives until a rekey. */
static int install_child(struct read_child *c)
{
	struct rv_child_whole *whole = rv_child_whole(c->child);
	const struct rv_child_keys keys = {
		.encr_in = c->in.encr, .integ_in = c->in.integ, .encr_out = c->out.encr, .integ_out = c->out.integ
	};
	uint64_t end = c->child->esn ? UINT64_MAX : UINT32_MAX;
	bool used_up = c->out.sequence > end - SEQUENCE_JUMP;
	struct resuming *resuming = talloc_zero(c->child, struct resuming);
	int r;

	if (!resuming)
		return -ENOMEM;
	resuming->child = c->child;
	rv_call_init(&resuming->call, resumed);
	talloc_set_destructor(resuming, resuming_gone);
	whole->sequence[RV_IN] = c->in.sequence;
	whole->sequence[RV_OUT] = c->out.sequence + SEQUENCE_JUMP;
	whole->age_us = c->age_us;
	r = rv_child_install(c->child, &keys, NULL, used_up, &resuming->call);
	if (r == RV_PENDING)
		return 0;
	talloc_free(resuming);
	if (r || !used_up)
		return r;
	c->child->state = RV_CHILD_INSTALLED;
	whole->soft_us = rv_loop_now_us(c->child->peer->core->loop);
	return rv_timer_arm(&c->child->timer, 0);
}

static bool make_child(struct read_session *s, struct rv_peer *peer, struct read_child *c)
{
	const struct rv_child_conf *conf = rv_connection_child(peer->connection, c->name);
	struct rv_why why = { 0 };

	if (!conf)
		return trouble(s, "%s has no child %s any more", s->connection, c->name);
	if (rv_child_by_spi(s->core, (uint32_t)c->spi_in))
		return trouble(s, "a child SA of %s is here already", s->connection);
	c->child = rv_child_new_spi(peer, conf, 0, (uint32_t)c->spi_in, &why);
	if (!c->child)
		return trouble(s, "%s", why.text);
	c->child->protocol = c->chosen.protocol;
	c->child->fragments_also = c->flags >> 16 & 1;
	c->child->tfc = (uint16_t)(c->flags >> 32);
	if (rv_child_set(c->child, &c->chosen, (uint32_t)c->spi_out, (uint8_t)c->flags, c->local, c->n_local, c->remote,
			 c->n_remote) ||
	    (c->ext && rv_child_extend(c->child, c->ext, c->ext_in, c->ext_out)))
		return trouble(s, "memory is out");
	return true;
}

/* What it was lent is used again, and what it lent is kept for it. */
static bool fill_lent(struct read_session *s, struct rv_peer *peer)
{
	int r = s->lent ? rv_lent_keep(peer, s->lent) : 0;

	if (!r && s->taken)
		r = rv_peer_take(peer, s->taken);
	for (size_t i = 0; !r && i < s->n_domains; i++)
		r = rv_peer_domain(peer, s->domains[i]);
	return !r || trouble(s, "memory is out");
}

static bool fill_identities(struct read_session *s, struct rv_peer *peer)
{
	struct rv_id *theirs = s->remote_id.len ? get_id(NULL, s->remote_id) : NULL;
	int r = 0;

	peer->local_id = s->local_id.len ? get_id(peer, s->local_id) : NULL;
	if ((s->local_id.len && !peer->local_id) || (s->remote_id.len && !theirs))
		trouble(s, "an identity of %s is not valid", s->connection);
	else if (theirs)
		r = rv_peer_identify(peer, theirs);
	talloc_free(theirs);
	return !*s->trouble && (!r || trouble(s, "memory is out"));
}

/* The session's own part; then its children, which the protocol finds by their SPIs. */
static bool fill_session(struct read_session *s, struct rv_peer *peer)
{
	const struct rv_keying_ops *ops = rv_service_ops(peer->keying.service);
	struct rv_unpack own = rv_unpack(s->own);
	int r;

	if (!fill_identities(s, peer) || !fill_lent(s, peer))
		return false;
	rv_list_each (&s->children, c, struct read_child, entry)
		if (!make_child(s, peer, c))
			return false;
	r = ops->unpack(rv_service_self(peer->keying.service), peer, &own);
	if (r)
		return trouble(s, "%s does not take the session of %s on: %s", s->keying, s->connection,
			       rv_error_text(r));
	rv_peer_up(peer);
	uint64_t now = rv_loop_now_us(s->core->loop);
	peer->since_us = now > s->age_us ? now - s->age_us : 0;
	rv_list_each (&s->children, c, struct read_child, entry) {
		r = install_child(c);
		if (r)
			return trouble(s, "a child SA of %s cannot be installed: %s", s->connection, rv_error_text(r));
	}
	return true;
}

static bool make_session(struct read_session *s)
{
	const struct rv_connection *connection = rv_connection_find(s->core, s->connection);
	struct rv_service *keying = rv_registry_find(s->core->registry, "keying", s->keying);
	const struct rv_keying_ops *ops = keying ? rv_service_ops(keying) : NULL;
	struct rv_peer *peer;

	if (!connection)
		return trouble(s, "connection %s is not configured", s->connection);
	if (!ops || !RV_HAS(ops, unpack))
		return trouble(s, "connection %s: no loaded plugin provides keying:%s", s->connection, s->keying);
	peer = rv_peer_make(s->core, keying, connection, &s->path, s->flags & F_INITIATOR);
	if (!peer)
		return trouble(s, "memory is out");
	if (fill_session(s, peer))
		return true;
	rv_peer_down(peer, 0, s->trouble);
	return false;
}

static bool unpack_session(struct rv_core *core, struct rv_bytes value, char *trouble_text, size_t size)
{
	struct read_session *s = talloc_zero(core, struct read_session);
	bool ok;

	if (!s) {
		snprintf(trouble_text, size, "memory is out");
		return false;
	}
	s->core = core;
	rv_list_init(&s->children);
	ok = read_session(s, value) ? make_session(s) : trouble(s, "a session cannot be read");
	if (!ok) {
		rv_log(&core->subject, RV_WARN, "session-skipped", KV_STR("why", s->trouble));
		snprintf(trouble_text, size, "%s", s->trouble);
	}
	talloc_free(s);
	return ok;
}

int rv_core_unpack(struct rv_core *core, struct rv_bytes key, struct rv_bytes sealed, unsigned *n, struct rv_why *why)
{
	char first[256] = "", text[256];
	struct rv_bytes value;
	unsigned skipped = 0;
	uint16_t tag;
	size_t len;
	uint8_t *plain = rv_pack_unseal(core, core, key, RV_STR("sessions"), sealed, &len);

	*n = 0;
	if (!plain)
		return rv_why_set(why, -RV_EINTEGRITY, "the sessions cannot be opened with this key");
	struct rv_unpack in = rv_unpack(rv_bytes(plain, len));
	while (rv_unpack_next(&in, &tag, &value)) {
		if (tag == T_VERSION && rv_unpack_u64(&in, value) != VERSION)
			break;
		if (tag != T_SESSION)
			continue;
		if (unpack_session(core, value, text, sizeof(text)))
			++*n;
		else if (!skipped++)
			memcpy(first, text, sizeof(first));
	}
	bool done = rv_unpack_done(&in);
	talloc_free(plain);
	if (!done)
		return rv_why_set(why, -RV_EVERSION, "the sessions are not of a version that this daemon reads");
	if (skipped > 1)
		rv_why_set(why, 0, "%u sessions were skipped; the first: %s", skipped, first);
	else if (skipped)
		rv_why_set(why, 0, "a session was skipped: %s", first);
	return 0;
}
