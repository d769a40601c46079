// SPDX-License-Identifier: LGPL-2.1-or-later
/* ikev2-auth-lifetime: how long a responder lets an authentication count (RFC 4478).
 *
 * As responder we say so at the end of IKE_AUTH where the connection has reauth_time, and in an INFORMATIONAL request
 * when an operator wants the peer to come again now. As initiator we do what we are told: keying-ikev2 authenticates
 * the session anew in time. Nothing hangs on an SA.
 */
#include <ravelin/ikev2-auth.h>
#include <ravelin/plugin.h>
#include <ravelin/wire.h>

enum { IKE_AUTH = 35, INFORMATIONAL = 37, AUTH_LIFETIME = 16403 /* RFC 4478, 3 */ };

static int say(struct rv_ike_exchange *x, uint64_t seconds)
{
	uint8_t data[4];
	struct rv_wr w = rv_wr(data, sizeof(data));

	rv_wr_u32(&w, seconds < UINT32_MAX ? (uint32_t)seconds : UINT32_MAX);
	return rv_ike_add_notify(x, AUTH_LIFETIME, rv_wr_bytes(&w));
}

/* RFC 4478, 2: "either in the last message of an IKE_AUTH exchange", which is the one that sets the session up */
static int build_auth(struct rv_ike_exchange *x, void *self)
{
	const struct rv_peer *peer = rv_ike_peer(rv_ike_sa(x));

	if (rv_ike_role(x) != RV_IKE_RESPONDER || !peer->established || !peer->connection->reauth_us)
		return 0;
	return say(x, peer->connection->reauth_us / 1000000);
}

/* "or in an INFORMATIONAL request, which may be sent at any time" */
static int build_now(struct rv_ike_exchange *x, void *self)
{
	return say(x, 0);
}

static rv_ike_step_fn *const now_steps[] = { build_now, NULL };
static const struct rv_ike_plan now_plan = { .story = "ask the peer to authenticate anew",
					     .exchange = INFORMATIONAL,
					     .build = now_steps };

static int ask(void *self, struct rv_ike_sa *sa)
{
	return rv_ike_start(sa, &now_plan, self) ? 0 : 1;
}

/* RFC 4478, 5: "An Initiator MAY set reasonable limits on the amount of time", for what comes with the session. What is
 * said later is the wish of somebody who let the session live until then. */
static int read_it(struct rv_ike_exchange *x, void *self)
{
	struct rv_host *host = self;
	const struct rv_peer *peer = rv_ike_peer(rv_ike_sa(x));
	bool first = rv_ike_type(x) == IKE_AUTH;
	uint64_t us, least = first ? rv_conf_us(rv_host_conf(host), "least") : 0;
	struct rv_bytes data;

	if (!peer->initiator || first != (rv_ike_role(x) == RV_IKE_INITIATOR) ||
	    !rv_ike_notify(x, AUTH_LIFETIME, 0, &data))
		return 0;
	struct rv_rd r = rv_rd(data);

	us = rv_rd_u32(&r) * 1000000ull;
	if (!rv_rd_done(&r))
		return 0;
	rv_log(&host->subject, RV_INFO, "auth-lifetime", KV_STR("connection", peer->connection->name),
	       KV_UINT("session", peer->id), KV_UINT("seconds", us / 1000000));
	rv_ike_reauth_within(rv_ike_sa(x), us < least ? least : us);
	return 0;
}

static const struct rv_ike_task tasks[] = {
	{ RV_IKE_AT_BUILD, IKE_AUTH, build_auth },
	{ RV_IKE_AT_READ, IKE_AUTH, read_it },
	{ RV_IKE_AT_READ, INFORMATIONAL, read_it },
};

static const struct rv_ikev2_ext_ops ops = {
	.size = sizeof(ops), .tasks = tasks, .n_tasks = RV_COUNT(tasks), .reauth = ask
};

static int init(struct rv_host *host)
{
	return rv_ikev2_ext_offer(host, (struct rv_offer){ .name = "auth-lifetime" }, &ops, host);
}

RV_PLUGIN(ikev2_auth_lifetime, "ikev2-auth-lifetime",
	  "version=1\0"
	  "summary=How long a responder lets an authentication count\0"
	  "licence=LGPL-2.1-or-later\0"
	  "vendor=Ravelin\0"
	  "default=on\0"
	  "provides=ikev2-ext:auth-lifetime\0"
	  "rfc=4478\0"
	  "schema=least|duration|1m|1s..1d|A shorter lifetime that comes with a new session is taken for this one (RFC "
	  "4478, 5).\n\0",
	  .init = init);
