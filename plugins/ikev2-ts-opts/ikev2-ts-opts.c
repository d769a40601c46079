// SPDX-License-Identifier: LGPL-2.1-or-later
/* ikev2-ts-opts: what goes along with a lent address: split DNS (RFC 8598) and which address families there are (RFC
 * 8983).
 *
 * A client that asks for name servers also says that it takes domains; those that come are handed on with the servers,
 * so that only their names are asked there. A gateway says which families of addresses it lends at all.
 */
#include "anchor.h"

#include <errno.h>
#include <ravelin/attr.h>
#include <ravelin/connection.h>
#include <ravelin/error.h>
#include <ravelin/ikev2-config.h>
#include <ravelin/plugin.h>
#include <string.h>

enum {
	CP = 47,
	IP4_ALLOWED = 16439, /* RFC 8983, 7 */
	IP6_ALLOWED = 16440,
	N_ATTRIBUTES = 64
};

static const struct rv_connection *connection_of(struct rv_ike_exchange *x)
{
	return rv_ike_peer(rv_ike_sa(x))->connection;
}

/* RFC 8598, 4.2: each "MUST immediately follow a corresponding INTERNAL_DNS_DOMAIN attribute" */
static int put_anchors(struct rv_ike_exchange *x, const char *name, const char *const *anchors)
{
	uint8_t octets[ANCHOR_MAX];
	char domain[DOMAIN_TEXT];
	size_t len;
	int r = 0;

	for (; anchors && *anchors && !r; anchors++)
		if (anchor_parse(*anchors, domain, octets, &len) && strcmp(domain, name) == 0)
			r = rv_ike_add_attribute(x, DNSSEC_TA, rv_bytes(octets, len));
	return r;
}

/* A list of domains of the configuration as attributes, or one empty one; anchors: of these domains, or NULL. */
static int put_domains(struct rv_ike_exchange *x, const char *const *list, bool or_empty, const char *const *anchors)
{
	char name[DOMAIN_TEXT];
	int r = 0;

	if (!*list && or_empty)
		return rv_ike_add_attribute(x, DNS_DOMAIN, rv_bytes(NULL, 0));
	for (; *list && !r; list++) {
		if (!domain_read(rv_bytes(*list, strlen(*list)), name))
			continue;
		r = rv_ike_add_attribute(x, DNS_DOMAIN, rv_bytes(name, strlen(name)));
		if (!r)
			r = put_anchors(x, name, anchors);
	}
	return r;
}

/* Client */

/* RFC 8598, 3.1: the request has name servers too, since the provider of addresses asks for them. */
static int ask(struct rv_ike_exchange *x, const struct rv_connection *c)
{
	if (!rv_conf_bool(c->conf, "split_dns") || !rv_conf_list(c->conf, "vips")[0])
		return 0;
	int r = put_domains(x, rv_conf_list(c->conf, "split_domains"), true, NULL);

	/* 3.1: "If the initiator does not wish to convey this information, it MUST use a length of 0" */
	return r || !rv_conf_list(c->conf, "anchor_domains")[0] ? r
								: rv_ike_add_attribute(x, DNSSEC_TA, rv_bytes(NULL, 0));
}

/* RFC 8598, 5: "If a client is configured by local policy to only accept a limited set of INTERNAL_DNS_DOMAIN values,
 * the client MUST ignore any other INTERNAL_DNS_DOMAIN values." */
static bool accepted(const struct rv_connection *c, const char *name)
{
	const char *const *list = rv_conf_list(c->conf, "split_domains");
	char domain[DOMAIN_TEXT];
	bool any = !*list;

	for (; *list && !any; list++)
		any = domain_read(rv_bytes(*list, strlen(*list)), domain) && domain_within(name, domain);
	return any;
}

/* RFC 8598, 6: "MUST use a whitelist of one or more domains", "The DNS root zone (".") MUST be ignored if it appears in
 * a whitelist", and top-level domains too */
static bool anchored(const struct rv_connection *c, const char *name)
{
	char domain[DOMAIN_TEXT];

	for (const char *const *list = rv_conf_list(c->conf, "anchor_domains"); *list; list++)
		if (domain_read(rv_bytes(*list, strlen(*list)), domain) && strchr(domain, '.') &&
		    domain_within(name, domain))
			return true;
	return false;
}

struct taking {
	struct rv_host *host;
	const struct rv_connection *connection;
};

/* No resolver that a plugin knows takes trust anchors of a link: systemd-resolved has them in files only. */
static void tell_anchor(void *arg, const char *domain, const struct anchor *anchor)
{
	const struct taking *taking = arg;
	bool wanted = accepted(taking->connection, domain) && anchored(taking->connection, domain);
	char text[ANCHOR_TEXT];

	rv_log(&taking->host->subject, wanted ? RV_WARN : RV_NOTICE, wanted ? "anchor-not-installed" : "anchor-ignored",
	       KV_STR("connection", taking->connection->name), KV_STR("domain", domain),
	       KV_STR("ds", anchor_text(anchor, text)),
	       KV_STR("note",
		      wanted ? "no resolver takes trust anchors from here: where systemd-resolved validates, put "
			       "\"DOMAIN IN DS ...\" with these into /run/dnssec-trust-anchors.d/NAME.positive and "
			       "restart it"
			     : "anchor_domains and split_domains do not have this domain"));
}

static void take_anchors(struct rv_ike_exchange *x, struct rv_host *host, const struct rv_connection *c)
{
	struct taking taking = { host, c };
	struct rv_bytes body;

	if (rv_conf_list(c->conf, "anchor_domains")[0] && rv_ike_payload(x, CP, 0, &body))
		(void)anchor_each(body, tell_anchor, &taking);
}

static int take(struct rv_ike_exchange *x, struct rv_host *host, const struct rv_connection *c)
{
	struct rv_peer *peer = rv_ike_peer(rv_ike_sa(x));
	struct rv_bytes value;
	char name[DOMAIN_TEXT];
	int r = 0;

	if (!rv_conf_bool(c->conf, "split_dns"))
		return 0;
	for (unsigned i = 0; i < N_ATTRIBUTES && !r && rv_ike_attribute(x, DNS_DOMAIN, i, &value); i++) {
		bool valid = domain_read(value, name);

		if (valid && accepted(c, name))
			r = rv_peer_domain(peer, name);
		else
			rv_log(&host->subject, RV_NOTICE, "domain-ignored", KV_STR("connection", c->name),
			       KV_STR("domain", valid ? name : "(not a name)"));
	}
	take_anchors(x, host, c);
	return r == -RV_ELIMIT ? 0 : r;
}

/* Gateway */

struct families {
	bool four, six;
};

/* The families that a connection's pools have (the words of swanctl.conf). */
static struct families families_of(const struct rv_connection *c)
{
	const struct rv_conf *pools = rv_conf_section(rv_conf_root(c->conf), "pools");
	struct families families = { false, false };
	struct rv_ts ts;

	for (const char *const *name = rv_conf_list(c->conf, "pools"); *name; name++) {
		const char *addrs = rv_conf_list(rv_conf_section(pools, *name), "addrs")[0];

		if (!addrs || rv_ts_parse(&ts, addrs, NULL))
			continue;
		families.four |= ts.family == RV_IPV4;
		families.six |= ts.family == RV_IPV6;
	}
	return families;
}

/* RFC 8983, 5: "The responder MUST include the IP6_ALLOWED and/or IP4_ALLOWED notification status type in a response to
 * an address assignment request as indicated in Table 1." */
static int say_families(struct rv_ike_exchange *x, const struct rv_connection *c)
{
	struct families families = families_of(c);
	struct rv_bytes value, none = rv_bytes(NULL, 0);
	int r = 0;

	if (!rv_ike_attribute(x, RV_ATTRIBUTE_IP4_ADDRESS, 0, &value) &&
	    !rv_ike_attribute(x, RV_ATTRIBUTE_IP6_ADDRESS, 0, &value))
		return 0;
	if (families.four)
		r = rv_ike_add_notify(x, IP4_ALLOWED, none);
	return !r && families.six ? rv_ike_add_notify(x, IP6_ALLOWED, none) : r;
}

/* RFC 8598, 3.2: "If an INTERNAL_DNS_DOMAIN attribute is included in the CFG_REPLY, the responder MUST also include one
 * or both of the INTERNAL_IP4_DNS and INTERNAL_IP6_DNS attributes" */
static int lend_domains(struct rv_ike_exchange *x, const struct rv_connection *c)
{
	const struct rv_attributes *lent = rv_peer_lent(rv_ike_peer(rv_ike_sa(x)));
	const struct rv_conf *pools = rv_conf_section(rv_conf_root(c->conf), "pools");
	struct rv_bytes value;
	bool anchors;
	int r = 0;

	if (!rv_ike_attribute(x, DNS_DOMAIN, 0, &value) ||
	    !(rv_attributes_count(lent, RV_ATTRIBUTE_IP4_DNS) + rv_attributes_count(lent, RV_ATTRIBUTE_IP6_DNS)))
		return 0;
	/* 3.1: "The absence of INTERNAL_DNSSEC_TA attributes in the CFG_REQUEST payload indicates that the initiator
	 * does not support" them */
	anchors = rv_ike_attribute(x, DNSSEC_TA, 0, &value);
	for (const char *const *name = rv_conf_list(c->conf, "pools"); *name && !r; name++) {
		const struct rv_conf *pool = rv_conf_section(pools, *name);

		r = put_domains(x, rv_conf_list(pool, "split_domains"), false,
				anchors ? rv_conf_list(pool, "trust_anchors") : NULL);
	}
	return r;
}

/* Tasks */

static int build(struct rv_ike_exchange *x, void *self)
{
	const struct rv_connection *c = connection_of(x);
	int r;

	if (!c)
		return 0;
	if (rv_ike_role(x) == RV_IKE_INITIATOR)
		return ask(x, c);
	r = lend_domains(x, c);
	return r ? r : say_families(x, c);
}

static int read_reply(struct rv_ike_exchange *x, void *self)
{
	const struct rv_connection *c = connection_of(x);

	return c && rv_ike_role(x) == RV_IKE_INITIATOR ? take(x, self, c) : 0;
}

static bool wants(const struct rv_connection *c, uint8_t family)
{
	struct rv_addr addr;

	for (const char *const *vip = rv_conf_list(c->conf, "vips"); *vip; vip++)
		if (!rv_addr_parse(&addr, *vip) && addr.family == family)
			return true;
	return false;
}

/* RFC 8983, 5: with one of the two notifications only, the other family is not to be asked for again: its address in
 * vips asks for nothing, which the operator should know. */
static int read_families(struct rv_ike_exchange *x, void *self)
{
	const struct rv_connection *c = connection_of(x);
	const struct rv_host *host = self;
	struct rv_bytes data;
	bool four = rv_ike_notify(x, IP4_ALLOWED, 0, &data), six = rv_ike_notify(x, IP6_ALLOWED, 0, &data);

	if (!c || rv_ike_role(x) != RV_IKE_INITIATOR || four == six || !wants(c, four ? RV_IPV6 : RV_IPV4))
		return 0;
	rv_log(&host->subject, RV_NOTICE, "family-not-lent", KV_STR("connection", c->name),
	       KV_STR("found", four ? "the peer lends IPv4 addresses only" : "the peer lends IPv6 addresses only"),
	       KV_STR("advice", four ? "set vips = 0.0.0.0" : "set vips = ::"));
	return 0;
}

static const struct rv_ike_task tasks[] = {
	{ RV_IKE_AT_CONFIG_BUILD, 0, build },
	{ RV_IKE_AT_CONFIG_READ, 0, read_reply },
	{ RV_IKE_AT_READ, 0, read_families },
};

static const struct rv_ikev2_ext_ops ops = { .size = sizeof(ops), .tasks = tasks, .n_tasks = RV_COUNT(tasks) };

static int init(struct rv_host *host)
{
	return rv_ikev2_ext_offer(host, (struct rv_offer){ .name = "ts-opts" }, &ops, host);
}

RV_PLUGIN(
	ikev2_ts_opts, "ikev2-ts-opts",
	"version=1\0"
	"summary=Split DNS (RFC 8598) and the families of addresses that are lent (RFC 8983)\0"
	"licence=LGPL-2.1-or-later\0"
	"default=on\0"
	"provides=ikev2-ext:ts-opts\0"
	"rfc=8598 8983\0"
	"schema="
	"connections.*.split_dns|bool|yes||Take domains from the peer, and ask its name servers for these only (RFC "
	"8598).\n"
	"connections.*.split_domains|list|-||Of these domains and below only (RFC 8598, 5); by default any.\n"
	"connections.*.anchor_domains|list|-||Domains, two labels at least, of which and below which DNSSEC trust "
	"anchors "
	"are asked for (RFC 8598, 6). No resolver takes them from here: they are logged.\n"
	"pools.*.trust_anchors|list|-||Trust anchors of split_domains, each as a domain and what its DS record has: "
	"\"example.com 43547 8 2 f78c...\" (RFC 8598, 4.2).\n"
	"pools.*.split_domains|list|-||Domains whose names the pool's name servers are to be asked for (RFC 8598).\n\0",
	.init = init);
