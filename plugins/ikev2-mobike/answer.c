// SPDX-License-Identifier: LGPL-2.1-or-later
/* answer: what the peer asks in INFORMATIONAL requests (RFC 4555, 3.5 to 3.9).
 *
 * A responder that is told of new addresses answers at once; the SAs go there when the peer has shown that it can be
 * reached there (3.7).
 */
#include "mobike.h"

#include <ravelin/sa.h>
#include <string.h>

enum { CHECKS_MAX = 5 };

static bool acceptable(const struct rv_connection *c, const struct rv_addr *addr)
{
	for (const char *const *p = rv_conf_list(c->conf, "mobike_addrs"); *p; p++) {
		struct rv_ts ts;
		if (!strcmp(*p, "%any"))
			return true;
		if (!rv_ts_parse(&ts, *p, NULL) && ts.family && rv_ts_match(&ts, addr->family, addr->ip, 0, 0, true))
			return true;
	}
	return false;
}

static void check(struct mobike *mobike, struct mobility *m);

static int build_check(struct rv_ike_exchange *x, void *self)
{
	struct mobike *mobike = self;
	struct mobility *m = mobility_of(mobike, rv_ike_sa(x));

	if (!m)
		return -RV_ECANCELLED;
	rv_host_random(mobike->host, m->cookie, sizeof(m->cookie));
	m->again = false;
	rv_ike_via(x, &m->to);
	return rv_ike_add_notify(x, N_COOKIE2, rv_bytes(m->cookie, sizeof(m->cookie)));
}

/* RFC 4555, 3.7: "If the same INFORMATIONAL request has been sent to several different addresses ..., a new
 * INFORMATIONAL request needs to be sent" */
static void end_check(struct rv_ike_exchange *x, int result, void *self)
{
	struct mobike *mobike = self;
	struct mobility *m = mobility_asked(mobike, x, result);

	if (!m)
		return;
	if (m->again && ++m->tried < CHECKS_MAX) {
		check(mobike, m);
		return;
	}
	m->tried = 0;
	rv_ike_move(rv_ike_sa(x), &m->to);
}

static rv_ike_step_fn *const check_steps[] = { build_check, NULL };
static const struct rv_ike_plan check_plan = {
	.story = "ask whether the peer is where it says it is",
	.exchange = INFORMATIONAL,
	.build = check_steps,
	.end = end_check,
};

static void check(struct mobike *mobike, struct mobility *m)
{
	m->again = m->asking;
	if (m->asking)
		return;
	m->asking = !rv_ike_start(m->peer->sa, &check_plan, mobike);
	if (!m->asking)
		rv_log(&mobike->host->subject, RV_ERROR, "check-failed", KV_UINT("session", m->peer->id));
}

/* RFC 4555, 3.5: "Updates the IP addresses in the IKE_SA with the values from the IP header." */
static int obey(struct mobike *mobike, struct rv_ike_exchange *x, struct mobility *m)
{
	const struct rv_path *came = rv_ike_came_by(x);
	struct rv_path path = m->peer->path;

	if (!acceptable(m->peer->connection, &came->remote)) {
		rv_log(&mobike->host->subject, RV_NOTICE, "addresses-refused", KV_UINT("session", m->peer->id),
		       KV_ADDR("remote", &came->remote), KV_STR("advice", "add it to mobike_addrs of the connection"));
		return rv_ike_add_notify(x, N_UNACCEPTABLE_ADDRESSES, rv_bytes(NULL, 0));
	}
	path.local = came->local;
	path.remote = came->remote;
	path.encap = came->encap;
	(void)rv_ike_nat_read(x, &path);
	rv_log(&mobike->host->subject, RV_INFO, "update-received", KV_UINT("session", m->peer->id),
	       KV_ADDR("local", &path.local), KV_ADDR("remote", &path.remote));
	bool known = rv_addr_same(&path.remote, &m->peer->path.remote);

	m->to = path;
	rv_ike_resend(m->peer->sa, &path);
	if (known || !rv_conf_bool(rv_host_conf(mobike->host), "return_routability"))
		rv_ike_move(rv_ike_sa(x), &path);
	else
		check(mobike, m);
	return 0;
}

static bool tells_addresses(const struct rv_ike_exchange *x)
{
	return has_notify(x, N_ADDITIONAL_IP4_ADDRESS) || has_notify(x, N_ADDITIONAL_IP6_ADDRESS) ||
	       has_notify(x, N_NO_ADDITIONAL_ADDRESSES);
}

int answer_request(struct mobike *mobike, struct rv_ike_exchange *x, struct mobility *m)
{
	bool update = !m->peer->initiator && has_notify(x, N_UPDATE_SA_ADDRESSES);
	struct rv_bytes data;
	int r = 0;

	/* RFC 4555, 3.7: "the recipient of an INFORMATIONAL request MUST copy the notification as-is to the response"
	 */
	if (rv_ike_notify(x, N_COOKIE2, 0, &data) && cookie_fits(data))
		r = rv_ike_add_notify(x, N_COOKIE2, data);
	/* 3.8: "if the request includes them, the responder MUST also include them in the response" */
	if (!r && has_notify(x, N_NAT_DETECTION_SOURCE_IP))
		r = rv_ike_nat_add(x, rv_ike_came_by(x));
	if (r || (!update && !tells_addresses(x)))
		return r;
	if (rv_ike_notify(x, N_NO_NATS_ALLOWED, 0, &data) && !no_nats_fits(data, rv_ike_came_by(x)))
		return rv_ike_add_notify(x, N_UNEXPECTED_NAT_DETECTED, rv_bytes(NULL, 0));
	r = addresses_read(x, m);
	if (!r && m->peer->initiator)
		path_peer_told(mobike, x, m);
	return r || !update ? r : obey(mobike, x, m);
}
