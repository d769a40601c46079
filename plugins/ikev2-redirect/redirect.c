// SPDX-License-Identifier: LGPL-2.1-or-later
/* ikev2-redirect: a gateway sends its clients to another one, and we follow as client (RFC 5685).
 *
 * Three forms: in answer to IKE_SA_INIT, before there is any state; in IKE_AUTH, when both are authenticated; in an
 * active session. The client goes on with the same connection, so the new gateway must prove the same identity.
 */
#include "redirect.h"

#include <errno.h>
#include <ravelin/event.h>
#include <string.h>

static struct redirect *redirect_of(void *self)
{
	return self;
}

static bool follows(const struct redirect *redirect, const struct rv_peer *peer)
{
	return peer->connection && rv_conf_bool(rv_host_conf(redirect->host), "follow_redirects");
}

/* "provided this is allowed by its Peer Authorization Database (PAD) entries" */
static bool allowed(const struct rv_connection *c, const char *gateway)
{
	struct rv_addr addr;
	bool is_addr = !rv_addr_parse(&addr, gateway);

	for (const char *const *p = rv_conf_list(c->conf, "redirect_gateways"); *p; p++) {
		struct rv_ts ts;
		if (!strcmp(*p, "%any") || !strcmp(*p, gateway))
			return true;
		if (is_addr && !rv_ts_parse(&ts, *p, NULL) && ts.family &&
		    rv_ts_match(&ts, addr.family, addr.ip, 0, 0, true))
			return true;
	}
	return false;
}

/* RFC 5685, 7: "not accept more than a certain number of redirects (MAX_REDIRECTS) within a short time period" */
static bool too_often(struct redirect *redirect, const char *connection)
{
	const struct rv_conf *conf = rv_host_conf(redirect->host);
	uint64_t now = rv_loop_now_us(redirect->host->loop), period = rv_conf_us(conf, "loop_detect_period");
	struct hops *mine = NULL;

	rv_list_each (&redirect->hops, h, struct hops, entry) {
		if (now - h->since_us > period) {
			rv_list_del(&h->entry);
			talloc_free(h);
		} else if (!strcmp(h->connection, connection)) {
			mine = h;
		}
	}
	if (!mine) {
		mine = talloc_zero(redirect, struct hops);
		if (!mine || !(mine->connection = talloc_strdup(mine, connection))) {
			talloc_free(mine);
			return true;
		}
		mine->since_us = now;
		rv_list_add(&redirect->hops, &mine->entry);
	}
	return ++mine->n > (uint64_t)rv_conf_int(conf, "max_redirects");
}

static const char *why_not(struct redirect *redirect, const struct rv_peer *peer, const char *gateway)
{
	if (!follows(redirect, peer))
		return "follow_redirects is no";
	if (!allowed(peer->connection, gateway))
		return "redirect_gateways does not name this gateway";
	return too_often(redirect, peer->connection->name) ? "there were max_redirects of them in a short time" : NULL;
}

/* 0: we go there. Positive: we do not. */
static int follow(struct redirect *redirect, struct rv_ike_exchange *x, const char *gateway)
{
	const struct rv_peer *peer = rv_ike_peer(rv_ike_sa(x));
	const char *why = why_not(redirect, peer, gateway);

	rv_log(&redirect->host->subject, why ? RV_WARN : RV_NOTICE, why ? "redirect-ignored" : "redirected",
	       KV_STR("connection", peer->connection ? peer->connection->name : NULL),
	       KV_ADDR("by", &peer->path.remote), KV_STR("to", gateway), KV_STR("why", why));
	return why ? 1 : rv_ike_redial(x, gateway);
}

static bool gateway_in(const struct rv_ike_exchange *x, char gateway[static GATEWAY_TEXT], struct rv_bytes *nonce)
{
	struct rv_bytes data;

	return rv_ike_notify(x, N_REDIRECT, 0, &data) && gateway_read(data, gateway, nonce);
}

/* As client, in IKE_SA_INIT. "If the values do not match, the client MUST silently discard the response" */
static bool names_our_nonce(const struct rv_ike_exchange *x)
{
	char gateway[GATEWAY_TEXT];
	struct rv_bytes nonce;

	return gateway_in(x, gateway, &nonce) && rv_bytes_equal(nonce, rv_ike_nonce(x));
}

static int follow_init(struct rv_ike_exchange *x, void *self)
{
	char gateway[GATEWAY_TEXT];
	struct rv_bytes nonce;

	if (!gateway_in(x, gateway, &nonce))
		return -RV_ESYNTAX;
	if (follow(self, x, gateway) <= 0)
		return 0;
	return rv_ike_veto(x, 0, rv_bytes(NULL, 0), "the gateway sends us to another one, where we do not go");
}

static int build_init(struct rv_ike_exchange *x, void *self)
{
	const struct rv_addr *origin = rv_ike_origin(rv_ike_sa(x));
	char text[RV_ADDR_TEXT];
	uint8_t room[REDIRECT_MAX];
	struct rv_addr bare;

	if (rv_ike_role(x) != RV_IKE_INITIATOR || !follows(self, rv_ike_peer(rv_ike_sa(x))))
		return 0;
	if (!origin)
		return rv_ike_add_notify(x, N_REDIRECT_SUPPORTED, rv_bytes(NULL, 0));
	bare = *origin;
	bare.port = 0;
	return rv_ike_add_notify(x, N_REDIRECTED_FROM,
				 gateway_write(rv_addr_text(&bare, text), rv_bytes(NULL, 0), room));
}

/* When an AUTH payload of the peer holds: a client may be sent on, or we are. */
static int round_done(struct rv_ike_exchange *x, void *self)
{
	char gateway[GATEWAY_TEXT];
	struct rv_bytes nonce, body;

	if (rv_ike_role(x) == RV_IKE_RESPONDER)
		return server_round(self, x);
	if (!rv_ike_payload(x, P_AUTH, 0, &body) || !gateway_in(x, gateway, &nonce) || nonce.len)
		return 0;
	return follow(self, x, gateway) < 0 ? -ENOMEM : 0;
}

/* RFC 5685, 10: "only the original responder can redirect the original initiator" */
static int read_info(struct rv_ike_exchange *x, void *self)
{
	char gateway[GATEWAY_TEXT];
	struct rv_bytes nonce;

	if (rv_ike_role(x) == RV_IKE_RESPONDER && rv_ike_peer(rv_ike_sa(x))->initiator &&
	    gateway_in(x, gateway, &nonce) && !nonce.len)
		(void)follow(self, x, gateway);
	return 0;
}

static rv_ike_step_fn *const follow_steps[] = { follow_init, NULL };
static const struct rv_ike_row rows[] = {
	{ .from = RV_IKE_INIT,
	  .exchange = IKE_SA_INIT,
	  .role = RV_IKE_INITIATOR,
	  .to = RV_IKE_N_STATES,
	  .needs = { { RV_IKE_P(P_NOTIFY) } },
	  .when = names_our_nonce,
	  .steps = follow_steps,
	  .story = "go to another gateway" },
};

static const struct rv_ike_task tasks[] = {
	{ RV_IKE_AT_BUILD, IKE_SA_INIT, build_init }, { RV_IKE_AT_READ, IKE_SA_INIT, server_init },
	{ RV_IKE_AT_ROUND, IKE_AUTH, round_done },    { RV_IKE_AT_BUILD, IKE_AUTH, server_build },
	{ RV_IKE_AT_READ, INFORMATIONAL, read_info },
};

static const struct rv_ikev2_ext_ops ops = {
	.size = sizeof(ops),
	.tasks = tasks,
	.n_tasks = RV_COUNT(tasks),
	.rows = rows,
	.n_rows = RV_COUNT(rows),
	.datagram = server_datagram,
	.pack = server_pack,
	.unpack = server_unpack,
};

static void on_event(void *self, const struct rv_event *event)
{
	struct redirect *redirect = redirect_of(self);

	if (!strcmp(event->name, "peer-up"))
		redirect->n_sessions++;
	if (!strcmp(event->name, "peer-down") && redirect->n_sessions)
		redirect->n_sessions--;
}

static const struct rv_watch_ops watch = { .size = sizeof(watch), .event = on_event };

static int count(struct rv_peer *peer, void *arg)
{
	*(unsigned *)arg += peer->established;
	return 0;
}

static int init(struct rv_host *host)
{
	struct redirect *redirect = talloc_zero(host, struct redirect);
	int r;

	if (!redirect)
		return -ENOMEM;
	redirect->host = host;
	host->self = redirect;
	rv_list_init(&redirect->hops);
	rv_peer_each(host->core, NULL, count, &redirect->n_sessions);
	server_publish(redirect);
	r = rv_watch_offer(host, (struct rv_offer){ .name = "redirect" }, &watch, redirect);
	return r ? r : rv_ikev2_ext_offer(host, (struct rv_offer){ .name = "redirect" }, &ops, redirect);
}

#define RULES "ravelin.plugins.ikev2-redirect.rules.*."

RV_PLUGIN(ikev2_redirect, "ikev2-redirect",
	  "version=1\0"
	  "summary=Gateways that send IKEv2 clients to other gateways\0"
	  "licence=LGPL-2.1-or-later\0"
	  "vendor=Ravelin\0"
	  "default=on\0"
	  "provides=ikev2-ext:redirect watch:redirect\0"
	  "rfc=5685\0"
	  "schema="
	  "follow_redirects|bool|yes||Whether we go, as client, where a gateway sends us.\n"
	  "max_redirects|int|5|0..1000|How often a connection may be sent on within loop_detect_period (RFC 5685, 7).\n"
	  "loop_detect_period|duration|300s|1s..1d|See max_redirects.\n"
	  "max_sessions|int|0|0..10000000|From how many sessions on new clients are sent to gateways, in turn; 0: "
	  "never.\n"
	  "gateways|list|-||Addresses or names of the gateways that take over from max_sessions on.\n"
	  "linger|duration|30s|1s..1h|How long a client that was sent on may take before we delete its session.\n" RULES
	  "addresses|list|-||Clients at these addresses, prefixes or ranges are sent on in IKE_SA_INIT.\n" RULES
	  "id|identity|-||Clients with this identity (or pattern) are sent on in IKE_AUTH.\n" RULES
	  "gateway|string|-||Where to: an address or a name.\n"
	  "connections.*.redirect_gateways|list|%any||Gateways (names, addresses, prefixes, ranges) that we may be "
	  "sent to.\n\0",
	  .init = init);
