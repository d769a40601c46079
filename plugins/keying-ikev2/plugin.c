// SPDX-License-Identifier: LGPL-2.1-or-later
/* keying-ikev2: the Internet Key Exchange, version 2 (RFC 7296), and nothing else: later RFCs are plugins of kind
 * ikev2-ext.
 */
#include "halfopen.h"

#include <errno.h>

static void forget_port(struct rv_ike_sa *sa, void *arg)
{
	if (sa->port == arg)
		sa->port = NULL;
}

static void give_port(struct rv_ike_sa *sa, void *arg)
{
	if (!sa->port)
		sa->port = arg;
}

static void transport(void *arg, struct rv_service *service, bool added)
{
	struct ike_engine *engine = arg;
	struct ike_port *port;
	int r;

	rv_list_each (&engine->ports, old, struct ike_port, entry) {
		if (old->service != service)
			continue;
		ike_sas_each(engine, forget_port, old);
		rv_list_del(&old->entry);
		talloc_free(old);
	}
	if (!added)
		return;
	port = talloc_zero(engine, struct ike_port);
	if (!port)
		return;
	port->engine = engine;
	port->service = service;
	port->ops = rv_service_ops(service);
	port->self = rv_service_self(service);
	rv_list_add(&engine->ports, &port->entry);
	r = port->ops->listen(port->self, IKE_MAJOR, ike_receive, port);
	if (r)
		rv_log(&engine->host->subject, RV_ERROR, "cannot-listen", KV_STR("transport", rv_service_name(service)),
		       KV_STR("why", rv_error_text(r)));
	/* a transport that was loaded anew carries what the old one did */
	ike_sas_each(engine, give_port, port);
}

static void orphan(struct rv_ike_sa *sa, void *arg)
{
	talloc_free(sa);
}

static int engine_free(struct ike_engine *engine)
{
	rv_timer_cancel(&engine->stop_timer);
	rv_list_each (&engine->ports, port, struct ike_port, entry)
		(void)port->ops->listen(port->self, IKE_MAJOR, NULL, NULL);
	ike_sas_each(engine, orphan, NULL);
	return 0;
}

static int init(struct rv_host *host)
{
	static const struct rv_attr attrs[] = { { "version", 2 } };
	struct ike_engine *engine = talloc_zero(host, struct ike_engine);
	int r;

	if (!engine)
		return -ENOMEM;
	engine->host = host;
	host->self = engine;
	rv_list_init(&engine->ports);
	rv_list_init(&engine->ghosts);
	rv_list_init(&engine->pending);
	r = ike_sas_init(engine);
	if (!r)
		r = ike_halfopen_init(engine);
	if (!r)
		r = ike_ext_init(engine);
	if (r)
		return r;
	talloc_set_destructor(engine, engine_free);
	if (!rv_registry_watch(host->registry, engine, "transport", transport, engine))
		return -ENOMEM;
	ike_bus_publish(engine);
	return rv_keying_offer(host, (struct rv_offer){ .name = "ikev2", .attrs = attrs, .n_attrs = RV_COUNT(attrs) },
			       &ike_keying_ops, engine);
}

RV_PLUGIN(
	keying_ikev2, "keying-ikev2",
	"version=1\0"
	"summary=Internet Key Exchange version 2\0"
	"licence=LGPL-2.1-or-later\0"
	"vendor=Ravelin\0"
	"default=on\0"
	"provides=keying:ikev2\0"
	"needs=algorithm prf ke hash:sha1\0"
	"rfc=7296 5282\0"
	"schema="
	"retransmit_tries|int|5|0..100|How often a request is sent again before the peer counts as gone (RFC 7296, "
	"2.1).\n"
	"retransmit_timeout|duration|4s|0.1s..1h|How long the first answer is waited for.\n"
	"retransmit_base|string|1.8||What each further wait is multiplied by.\n"
	"keep_responses|duration|3m|1s..1h|How long the last answer is kept for a repeated request (RFC 7296, 2.1); 30 "
	"s at "
	"most while all of them take over 16 MiB.\n"
	"window|int|1|1..16|How many requests at once a peer may send us (RFC 7296, 2.3); the answers to as many are "
	"kept. 1: nothing is said, and the peer sends one after the other.\n"
	"half_open_timeout|duration|30s|1s..1h|How long a peer may take from IKE_SA_INIT to IKE_AUTH.\n"
	"cookie_threshold|int|30|0..1000000|From how many half-open IKE SAs on cookies are asked for (RFC 7296, 2.6).\n"
	"block_threshold|int|64|0..1000000|How many half-open IKE SAs one address may have; 0: no limit.\n"
	"init_limit_half_open|int|10000|0..10000000|How many half-open IKE SAs there may be in all; 0: no limit.\n"
	"failover_timeout|duration|10s|0.1s..1h|How long IKE_SA_INIT may stay unanswered before the next gateway of "
	"remote_addrs is called.\n"
	"child_limit|int|256|0..1000000|How many child SAs a session may have by the peer's asking; 0: no limit.\n"
	"connections.*.children.*.single_pair|bool|no||Whether each child SA has one pair of addresses only: that of "
	"the "
	"packet that asks for it. A peer that asks for more is told so (RFC 7296, 2.9).\n"
	"connections.*.unique|choice|no|no,never,replace|What happens to an older session of the same peer: it stays "
	"unless "
	"the peer says INITIAL_CONTACT, it always stays, or it always goes (RFC 7296, 2.4).\n\0",
	.init = init);
