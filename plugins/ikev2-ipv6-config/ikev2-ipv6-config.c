// SPDX-License-Identifier: LGPL-2.1-or-later
/* ikev2-ipv6-config: whole IPv6 prefixes instead of single addresses (RFC 5739).
 *
 * A client asks for a virtual link; the gateway gives it a prefix of its own, of which the client may use any address,
 * and link-local addresses for both ends. Links are lent by a provider of kind "attr"; what a session has of them are
 * attributes of that session. The extension takes what came and names the link when child SAs are made.
 */
#include "ipv6-config.h"

#include <errno.h>
#include <ravelin/connection.h>
#include <ravelin/ikev2-config.h>
#include <string.h>
#include <talloc.h>

enum { LINK_ID = 16414 /* RFC 5739, 5.3 */, CREATE_CHILD_SA = 36, TS_UNACCEPTABLE = 38, PREFIXES = 16, TAG_LINK = 1 };

/* What a client had */

static struct known *known_find(struct ipv6_config *c, const char *name)
{
	rv_list_each (&c->known, known, struct known, entry)
		if (!strcmp(known->name, name))
			return known;
	return NULL;
}

struct known *known_get(struct ipv6_config *c, const char *name)
{
	struct known *known = known_find(c, name);

	if (known)
		return known;
	known = talloc_zero(c, struct known);
	if (known)
		known->name = talloc_strdup(known, name);
	if (!known || !known->name) {
		talloc_free(known);
		return NULL;
	}
	rv_host_random(c->host, known->iid, IID_LEN);
	known->iid[0] = (uint8_t)((known->iid[0] & ~2) | 4); /* of local scope (RFC 4291, 2.5.1), and not zero */
	rv_list_add(&c->known, &known->entry);
	return known;
}

int known_link(struct known *known, struct rv_bytes id)
{
	uint8_t *copy = id.len ? talloc_memdup(known, id.p, id.len) : NULL;

	if (id.len && !copy)
		return -ENOMEM;
	talloc_free(known->link);
	known->link = copy;
	known->link_len = id.len;
	return 0;
}

/* Kind "attr" */

static int ask(void *self, const struct rv_connection *connection, struct rv_attributes *asked)
{
	struct known *known;

	if (!rv_conf_bool(connection->conf, "ipv6_link"))
		return 0;
	known = known_get(self, connection->name);
	if (!known)
		return -ENOMEM;
	const struct link link = { rv_bytes(known->iid, IID_LEN), rv_bytes(known->link, known->link_len) };
	size_t len = IID_LEN + known->link_len;
	uint8_t *octets = talloc_size(known, len);
	int r = octets ? rv_attributes_add(asked, IP6_LINK, link_write(&link, octets, len)) : -ENOMEM;

	talloc_free(octets);
	return r;
}

static bool expects(void *self, const struct rv_connection *connection)
{
	return rv_conf_str(connection->conf, "prefix_pool") != NULL;
}

static int lend(void *self, const struct rv_attr_request *request, struct rv_attributes *lent, struct rv_why *why,
		struct rv_call *call)
{
	return prefixes_lend(self, request, lent, why);
}

static int keep(void *self, const struct rv_attr_request *request, const struct rv_attributes *lent)
{
	prefixes_keep(self, request, lent);
	return 0;
}

static void give_back(void *self, const struct rv_attr_request *request, const struct rv_attributes *lent)
{
	prefixes_give_back(self, request, lent);
}

static const struct rv_attr_ops attr = {
	.size = sizeof(attr),
	.ask = ask,
	.expects = expects,
	.lend = lend,
	.keep = keep,
	.give_back = give_back,
};

/* What a gateway lent us */

static int add_range(struct rv_attributes *out, const struct rv_addr *addr, unsigned len)
{
	return rv_attributes_add_addr(out, 0, RV_ATTRIBUTE_IP6_RANGE, addr, (int)len);
}

/* RFC 5739, 4.1: "At this point, the client can configure its link-local address ... and other non-link-local unicast
 * addresses from the assigned prefixes" */
static int add_prefixes(struct rv_ike_exchange *x, struct ipv6_config *c, const struct known *known,
			struct rv_attributes *out)
{
	struct rv_bytes value, iid = rv_bytes(known->iid, IID_LEN);
	int r = 0;

	for (unsigned i = 0; i < PREFIXES && !r && rv_ike_attribute(x, IP6_PREFIX, i, &value); i++) {
		struct rv_addr prefix, addr;
		unsigned len;

		if (!prefix_read(&prefix, &len, value)) {
			rv_log(&c->host->subject, RV_NOTICE, "prefix-ignored", KV_STR("connection", known->name),
			       KV_UINT("octets", value.len));
			continue;
		}
		addr = address_in(&prefix, len, iid);
		rv_log(&c->host->subject, RV_INFO, "prefix-lent", KV_STR("connection", known->name),
		       KV_ADDR("prefix", &prefix), KV_UINT("bits", len), KV_ADDR("address", &addr));
		r = add_range(out, &addr, len);
	}
	return r;
}

/* What came, without an INTERNAL_IP6_ADDRESS: "not intended to be used at the same time" (RFC 5739, 4.5). */
static int copy(const struct rv_attributes *from, struct rv_attributes *to)
{
	int r = 0;

	for (size_t i = 0; from && i < from->n && !r; i++)
		if (from->list[i].type != RV_ATTRIBUTE_IP6_ADDRESS)
			r = rv_attributes_add(to, from->list[i].type, from->list[i].value);
	return r;
}

static int take(struct rv_ike_exchange *x, struct ipv6_config *c, struct known *known, const struct link *link)
{
	struct rv_peer *peer = rv_ike_peer(rv_ike_sa(x));
	struct rv_attributes *list = talloc_zero(known, struct rv_attributes);
	struct rv_addr local = link_local(rv_bytes(known->iid, IID_LEN));
	int r = list ? copy(rv_peer_taken(peer), list) : -ENOMEM;

	if (!r)
		r = add_range(list, &local, 128);
	if (!r)
		r = add_prefixes(x, c, known, list);
	if (!r)
		r = known_link(known, link->id);
	if (!r)
		r = rv_peer_take(peer, list);
	talloc_free(list);
	return r;
}

static int read_reply(struct rv_ike_exchange *x, void *self)
{
	const struct rv_connection *connection = rv_ike_peer(rv_ike_sa(x))->connection;
	struct ipv6_config *c = self;
	struct rv_bytes value;
	struct known *known;
	struct link link;

	if (rv_ike_role(x) != RV_IKE_INITIATOR || !connection || !rv_conf_bool(connection->conf, "ipv6_link") ||
	    !rv_ike_attribute(x, IP6_LINK, 0, &value))
		return 0;
	known = known_find(c, connection->name);
	if (known && link_read(&link, value) && !rv_bytes_equal(link.iid, rv_bytes(known->iid, IID_LEN)))
		return take(x, c, known, &link);
	rv_log(&c->host->subject, RV_WARN, "link-ignored", KV_STR("connection", connection->name),
	       KV_STR("found", "an interface identifier that is too short, or the same as ours"));
	return 0;
}

/* Child SAs */

static bool link_of_session(struct rv_ike_exchange *x, struct link *link)
{
	const struct rv_peer *peer = rv_ike_peer(rv_ike_sa(x));

	return link_of(rv_peer_taken(peer), link) || link_of(rv_peer_lent(peer), link);
}

/* RFC 5739, 4.3: "The peers MUST include a LINK_ID notification, containing the IKEv2 Link ID, in all CREATE_CHILD_SA
 * requests (including rekeys) that are related to the virtual link. The LINK_ID notification is not included in the
 * CREATE_CHILD_SA response or when doing IKE_SA rekeying." */
static int say_link(struct rv_ike_exchange *x, void *self)
{
	struct link link;

	if (rv_ike_role(x) != RV_IKE_INITIATOR || !link_of_session(x, &link))
		return 0;
	return rv_ike_add_notify(x, LINK_ID, link.id);
}

/* Another link than the session's has no policies here that could fit. */
static int check_link(struct rv_ike_exchange *x, void *self)
{
	struct rv_bytes data;
	struct link link;

	if (rv_ike_role(x) != RV_IKE_RESPONDER || !rv_ike_notify(x, LINK_ID, 0, &data))
		return 0;
	if (link_of_session(x, &link) && rv_bytes_equal(link.id, data))
		return 0;
	return rv_ike_veto(x, TS_UNACCEPTABLE, rv_bytes(NULL, 0),
			   "the peer named a virtual link that it does not have");
}

static const struct rv_ike_task tasks[] = {
	{ RV_IKE_AT_CONFIG_READ, 0, read_reply },
	{ RV_IKE_AT_CHILD_OFFER, CREATE_CHILD_SA, say_link },
	{ RV_IKE_AT_READ, CREATE_CHILD_SA, check_link },
};

/* A client's link is known again where its session goes on. */

static int pack(void *self, struct rv_ike_sa *sa, struct rv_pack *out)
{
	struct link link;

	if (link_of(rv_peer_taken(rv_ike_peer(sa)), &link))
		rv_pack_u64(out, TAG_LINK, 1);
	return 0;
}

static int unpack(void *self, struct rv_ike_sa *sa, struct rv_unpack *in)
{
	const struct rv_peer *peer = rv_ike_peer(sa);
	struct known *known = peer->connection ? known_get(self, peer->connection->name) : NULL;
	struct rv_addr addr;
	struct link link;

	if (!known)
		return -ENOMEM;
	if (!link_of(rv_peer_taken(peer), &link))
		return 0;
	for (size_t i = 0; rv_peer_virtual(peer, true, i, &addr, NULL); i++)
		if (addr.ip[0] == 0xfe && addr.ip[1] == 0x80)
			memcpy(known->iid, addr.ip + 8, IID_LEN);
	return known_link(known, link.id);
}

static const struct rv_ikev2_ext_ops ops = {
	.size = sizeof(ops), .tasks = tasks, .n_tasks = RV_COUNT(tasks), .pack = pack, .unpack = unpack
};

static int init(struct rv_host *host)
{
	struct ipv6_config *c = talloc_zero(host, struct ipv6_config);
	int r;

	if (!c)
		return -ENOMEM;
	c->host = host;
	rv_list_init(&c->pools);
	rv_list_init(&c->known);
	/* before addresses of pools, which are not lent along with a prefix (RFC 5739, 4.1) */
	r = rv_attr_offer(host, (struct rv_offer){ .name = "ipv6-link" }, &attr, c);
	return r ? r : rv_ikev2_ext_offer(host, (struct rv_offer){ .name = "ipv6-config" }, &ops, c);
}

RV_PLUGIN(
	ikev2_ipv6_config, "ikev2-ipv6-config",
	"version=1\0"
	"summary=Whole IPv6 prefixes for clients (RFC 5739)\0"
	"licence=LGPL-2.1-or-later\0"
	"default=on\0"
	"provides=attr:ipv6-link ikev2-ext:ipv6-config\0"
	"rfc=5739\0"
	"schema="
	"connections.*.ipv6_link|bool|no||Ask for an IPv6 prefix where vips has ::, and take an address where the peer "
	"lends no prefixes (RFC 5739).\n"
	"connections.*.prefix_pool|string|-||Name of the pool that has prefixes for peers that ask for one (RFC "
	"5739).\n"
	"pools.*.prefixes|ts|-||The IPv6 prefix that the pool's prefixes lie in; at most 1048576 of them are lent.\n"
	"pools.*.prefix_len|int|64|8..128|Bits of each prefix.\n\0",
	.init = init);
