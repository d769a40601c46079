// SPDX-License-Identifier: LGPL-2.1-or-later
/* ikev2-mobike: a session goes on when the addresses of its ends change (RFC 4555).
 *
 * Both sides say in IKE_AUTH that they support it. From then on the initiator decides on the path (path.c), and the
 * responder obeys after a look whether the initiator is where it says it is (answer.c).
 */
#include "mobike.h"

#include <errno.h>
#include <ravelin/event.h>
#include <ravelin/pack.h>
#include <string.h>

enum { SETTLE_US = 200 * 1000 }; /* addresses change in groups, and routes a little later */

enum tag { TAG_OTHER = 1, TAG_ON };

struct mobility *mobility_of(struct mobike *mobike, struct rv_ike_sa *sa)
{
	return rv_attached(mobike->host, rv_ike_peer(sa), struct mobility);
}

bool has_notify(const struct rv_ike_exchange *x, uint16_t type)
{
	struct rv_bytes data;

	return rv_ike_notify(x, type, 0, &data);
}

static bool wanted(const struct rv_peer *peer)
{
	return peer->connection && rv_conf_bool(peer->connection->conf, "mobike");
}

static struct mobility *mobility_new(struct mobike *mobike, struct rv_peer *peer)
{
	struct mobility *m = rv_attach(mobike->host, peer, struct mobility);

	if (m)
		m->peer = peer;
	return m;
}

/* RFC 4555, 3.7: "If the values do not match, the IKE_SA MUST be closed." */
struct mobility *mobility_asked(struct mobike *mobike, struct rv_ike_exchange *x, int result)
{
	struct mobility *m = mobility_of(mobike, rv_ike_sa(x));
	struct rv_bytes cookie;

	if (!m)
		return NULL;
	m->asking = false;
	if (result < 0)
		return NULL;
	if (rv_ike_notify(x, N_COOKIE2, 0, &cookie) && rv_bytes_equal(cookie, rv_bytes(m->cookie, sizeof(m->cookie))))
		return m;
	rv_ike_doom(x, -RV_EREFUSED, "the peer answered with another COOKIE2 than ours");
	return NULL;
}

/* RFC 4555, 3.9: "when NAT Traversal is not enabled" */
bool nats_forbidden(const struct rv_peer *peer)
{
	return peer->connection && peer->connection->encap == RV_ENCAP_NEVER;
}

int add_no_nats(struct rv_ike_exchange *x, const struct rv_path *path)
{
	uint8_t room[36];

	if (!nats_forbidden(rv_ike_peer(rv_ike_sa(x))))
		return 0;
	return rv_ike_add_notify(x, N_NO_NATS_ALLOWED, no_nats_write(path, room));
}

/* Addresses */

struct listing {
	struct addresses list;
	const struct rv_peer *peer;
};

/* What the connection calls ours; %any and names allow all. */
bool address_allowed(const struct rv_connection *c, const struct rv_addr *addr)
{
	for (const char *const *p = c->local_addrs; p && *p; p++) {
		struct rv_addr one;
		if (rv_addr_parse(&one, *p) || rv_addr_is_any(&one) || rv_addr_same_ip(&one, addr))
			return true;
	}
	return !c->local_addrs || !*c->local_addrs;
}

static int list_one(void *arg, const struct rv_addr *addr)
{
	struct listing *listing = arg;

	if (!rv_addr_same_ip(addr, &listing->peer->path.local) && address_allowed(listing->peer->connection, addr))
		listing->list.addr[listing->list.n++] = *addr;
	return listing->list.n == OTHERS_MAX;
}

static void list_ours(struct mobike *mobike, const struct rv_peer *peer, struct listing *out)
{
	struct rv_service *service = rv_registry_find(mobike->host->registry, "net", NULL);
	const struct rv_net_ops *ops = service ? rv_service_ops(service) : NULL;

	*out = (struct listing){ .peer = peer };
	if (ops && RV_HAS(ops, each) && peer->connection)
		(void)ops->each(rv_service_self(service), list_one, out);
}

static uint32_t digest(const struct addresses *list)
{
	uint32_t all = 1;

	for (unsigned i = 0; i < list->n; i++) {
		uint32_t h = 2166136261u; /* FNV-1a; added up, so that the order is of no matter */
		for (size_t k = 0; k < sizeof(list->addr[i].ip); k++)
			h = (h ^ list->addr[i].ip[k]) * 16777619u;
		all += h;
	}
	return all;
}

uint32_t addresses_digest(struct mobike *mobike, const struct rv_peer *peer)
{
	struct listing ours;

	list_ours(mobike, peer, &ours);
	return digest(&ours.list);
}

int addresses_add(struct mobike *mobike, struct rv_ike_exchange *x, struct mobility *m, bool none_too)
{
	struct listing ours;
	int r = 0;

	list_ours(mobike, m->peer, &ours);
	m->told = digest(&ours.list);
	for (unsigned i = 0; i < ours.list.n && !r; i++)
		r = address_add(x, &ours.list.addr[i]);
	if (!ours.list.n && none_too)
		r = rv_ike_add_notify(x, N_NO_ADDITIONAL_ADDRESSES, rv_bytes(NULL, 0));
	return r;
}

/* RFC 4555, 3.6: "the complete list is sent every time these notifications are used" */
int addresses_read(struct rv_ike_exchange *x, struct mobility *m)
{
	static const uint16_t types[] = { N_ADDITIONAL_IP4_ADDRESS, N_ADDITIONAL_IP6_ADDRESS };
	bool told = has_notify(x, N_NO_ADDITIONAL_ADDRESSES);
	struct addresses list = { 0 };
	struct rv_bytes data;

	for (size_t i = 0; i < RV_COUNT(types); i++)
		for (unsigned n = 0; rv_ike_notify(x, types[i], n, &data) && list.n < OTHERS_MAX; n++) {
			told = true;
			if (address_read(types[i], data, &list.addr[list.n]))
				list.n++;
		}
	if (!told)
		return 0;
	TALLOC_FREE(m->others);
	if (list.n)
		m->others = talloc_memdup(m, &list, sizeof(list));
	return list.n && !m->others ? -ENOMEM : 0;
}

/* Tasks */

static bool began(const struct rv_ike_exchange *x)
{
	return rv_ike_role(x) == RV_IKE_INITIATOR;
}

/* RFC 4555, 3.3: "MUST change to port 4500 if the correspondent also supports both, even if no NAT was detected" */
static int path_chosen(struct rv_ike_exchange *x, void *self)
{
	struct mobike *mobike = self;
	struct rv_ike_sa *sa = rv_ike_sa(x);
	struct rv_peer *peer = rv_ike_peer(sa);
	struct rv_path path = peer->path;
	struct rv_bytes hash;

	if (!began(x) || !wanted(peer))
		return 0;
	struct mobility *m = mobility_new(mobike, peer);

	if (!m)
		return -ENOMEM;
	if (!rv_ike_notify(x, N_NAT_DETECTION_DESTINATION_IP, 0, &hash) || hash.len != SEEN_LEN || path.encap)
		return 0;
	rv_ike_encapsulate(sa, &path);
	rv_ike_move(sa, &path);
	return 0;
}

static int build_auth(struct rv_ike_exchange *x, void *self)
{
	struct mobike *mobike = self;
	struct rv_ike_sa *sa = rv_ike_sa(x);
	struct mobility *m = mobility_of(mobike, sa);
	int r;

	if (!m || m->on || m->told || !wanted(m->peer))
		return 0;
	/* with several rounds: in the request and in the response that have SA payloads */
	if (!began(x) && rv_ike_state(sa) < RV_IKE_ESTABLISHED)
		return 0;
	r = rv_ike_add_notify(x, N_MOBIKE_SUPPORTED, rv_bytes(NULL, 0));
	if (!r)
		r = addresses_add(mobike, x, m, false);
	if (!r && began(x))
		r = add_no_nats(x, &m->peer->path);
	if (r || began(x))
		return r;
	m->on = true;
	rv_ike_pin(sa, true);
	return 0;
}

static int read_auth_answer(struct mobike *mobike, struct rv_ike_exchange *x)
{
	struct rv_ike_sa *sa = rv_ike_sa(x);
	struct mobility *m = mobility_of(mobike, sa);
	struct rv_bytes body;

	if (!m)
		return 0;
	if (has_notify(x, N_UNEXPECTED_NAT_DETECTED))
		return rv_ike_veto(
			x, N_UNEXPECTED_NAT_DETECTED, rv_bytes(NULL, 0),
			"the peer sees other addresses than ours (UNEXPECTED_NAT_DETECTED): a NAT is on the way, "
			"which encap = never forbids");
	if (has_notify(x, N_MOBIKE_SUPPORTED)) {
		m->on = true;
		rv_ike_pin(sa, true);
		return addresses_read(x, m);
	}
	if (rv_ike_payload(x, P_SA, 0, &body))
		talloc_free(m);
	return 0;
}

static int read_auth(struct rv_ike_exchange *x, void *self)
{
	struct mobike *mobike = self;
	struct rv_bytes data;

	if (began(x))
		return read_auth_answer(mobike, x);
	if (!has_notify(x, N_MOBIKE_SUPPORTED))
		return 0;
	if (rv_ike_notify(x, N_NO_NATS_ALLOWED, 0, &data) && !no_nats_fits(data, rv_ike_came_by(x)))
		return rv_ike_veto(x, N_UNEXPECTED_NAT_DETECTED, rv_bytes(NULL, 0),
				   "the peer allows no NAT, and its addresses were changed on the way");
	struct mobility *m = mobility_new(mobike, rv_ike_peer(rv_ike_sa(x)));

	return m ? addresses_read(x, m) : -ENOMEM;
}

static int build_info(struct rv_ike_exchange *x, void *self)
{
	struct mobility *m = mobility_of(self, rv_ike_sa(x));

	if (!m || !m->on || !began(x))
		return 0;
	bool nat = m->with_nat || (m->peer->initiator && m->peer->path.behind_nat);

	m->with_nat = false;
	return nat ? rv_ike_nat_add(x, m->staged ? &m->to : &m->peer->path) : 0;
}

static int read_any(struct rv_ike_exchange *x, void *self)
{
	struct mobike *mobike = self;
	struct mobility *m = mobility_of(mobike, rv_ike_sa(x));

	if (!m)
		return 0;
	if (!m->on && rv_ike_state(rv_ike_sa(x)) >= RV_IKE_ESTABLISHED) {
		talloc_free(m);
		return 0;
	}
	if (began(x) && m->on)
		path_answered(mobike, x, m);
	if (!began(x) && m->on && rv_ike_type(x) == INFORMATIONAL)
		return answer_request(mobike, x, m);
	return 0;
}

static const struct rv_ike_task tasks[] = {
	{ RV_IKE_AT_PATH, IKE_SA_INIT, path_chosen },
	{ RV_IKE_AT_BUILD, IKE_AUTH, build_auth },
	{ RV_IKE_AT_READ, IKE_AUTH, read_auth },
	{ RV_IKE_AT_BUILD, INFORMATIONAL, build_info },
	{ RV_IKE_AT_READ, 0, read_any },
	{ RV_IKE_AT_RETRANSMIT, 0, path_retransmit },
};

/* State */

static int inherit(void *self, struct rv_ike_sa *from, struct rv_ike_sa *to)
{
	const struct mobility *m = mobility_of(self, from);

	rv_ike_pin(to, m && m->on);
	return 0;
}

static int pack(void *self, struct rv_ike_sa *sa, struct rv_pack *out)
{
	const struct mobility *m = mobility_of(self, sa);

	if (!m || !m->on)
		return 0;
	rv_pack_u64(out, TAG_ON, 1);
	for (unsigned i = 0; m->others && i < m->others->n; i++) {
		const struct rv_addr *addr = &m->others->addr[i];
		rv_pack_put(out, TAG_OTHER, rv_bytes(addr->ip, rv_family_len(addr->family)));
	}
	return 0;
}

static int unpack(void *self, struct rv_ike_sa *sa, struct rv_unpack *in)
{
	struct mobility *m = mobility_new(self, rv_ike_peer(sa));
	struct addresses list = { 0 };
	struct rv_bytes field;
	uint16_t tag;

	if (!m)
		return -ENOMEM;
	while (rv_unpack_next(in, &tag, &field)) {
		uint16_t type = field.len == 4 ? N_ADDITIONAL_IP4_ADDRESS : N_ADDITIONAL_IP6_ADDRESS;
		if (tag == TAG_ON)
			m->on = rv_unpack_u64(in, field) != 0;
		if (tag == TAG_OTHER && list.n < OTHERS_MAX && address_read(type, field, &list.addr[list.n]))
			list.n++;
	}
	if (list.n)
		m->others = talloc_memdup(m, &list, sizeof(list));
	rv_ike_pin(sa, m->on);
	return rv_unpack_done(in) && (!list.n || m->others) ? 0 : -RV_ESYNTAX;
}

static const struct rv_ikev2_ext_ops ops = {
	.size = sizeof(ops),
	.tasks = tasks,
	.n_tasks = RV_COUNT(tasks),
	.inherit = inherit,
	.pack = pack,
	.unpack = unpack,
};

/* Addresses of this host */

static void settled(struct rv_timer *timer)
{
	path_addresses_changed(rv_container_of(timer, struct mobike, timer));
}

static void on_event(void *self, const struct rv_event *event)
{
	struct mobike *mobike = self;

	if (!event->address || rv_timer_armed(&mobike->timer))
		return;
	if (rv_timer_arm(&mobike->timer, SETTLE_US))
		rv_log(&mobike->host->subject, RV_ERROR, "no-timer", KV_STR("for", "addresses that changed"));
}

static const struct rv_watch_ops watch = { .size = sizeof(watch), .event = on_event };

static int mobike_gone(struct mobike *mobike)
{
	rv_timer_cancel(&mobike->timer);
	return 0;
}

static int init(struct rv_host *host)
{
	struct mobike *mobike = talloc_zero(host, struct mobike);
	int r;

	if (!mobike)
		return -ENOMEM;
	mobike->host = host;
	host->self = mobike;
	rv_timer_init(&mobike->timer, host->loop, settled);
	talloc_set_destructor(mobike, mobike_gone);
	r = rv_watch_offer(host, (struct rv_offer){ .name = "mobike" }, &watch, mobike);
	return r ? r : rv_ikev2_ext_offer(host, (struct rv_offer){ .name = "mobike" }, &ops, mobike);
}

RV_PLUGIN(ikev2_mobike, "ikev2-mobike",
	  "version=1\0"
	  "summary=IKEv2 sessions that move to other addresses\0"
	  "licence=LGPL-2.1-or-later\0"
	  "vendor=Ravelin\0"
	  "default=on\0"
	  "provides=ikev2-ext:mobike watch:mobike\0"
	  "rfc=4555\0"
	  "schema="
	  "return_routability|bool|yes||Whether a peer must answer at a new address before its traffic goes there (RFC "
	  "4555, 3.7).\n"
	  "connections.*.mobike|bool|yes||Whether the session goes on when addresses change (RFC 4555).\n"
	  "connections.*.mobike_addrs|list|%any||Addresses, prefixes and ranges that the peer may move to.\n\0",
	  .init = init);
