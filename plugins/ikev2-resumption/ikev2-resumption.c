// SPDX-License-Identifier: LGPL-2.1-or-later
/* ikev2-resumption: sessions that were interrupted are gone on with by a ticket, without public-key arithmetic (RFC
 * 5723).
 *
 * The tickets are by value: the gateway that gave one keeps no more of it than its number. Either side is in its own
 * file; here they meet the protocol, and prove themselves: AUTH = prf(SK_px, <message octets>) (4.3.3).
 */
#include "resumption.h"

#include <errno.h>
#include <ravelin/auth-mac.h>
#include <ravelin/config.h>
#include <ravelin/crypto.h>
#include <ravelin/error.h>
#include <ravelin/event.h>
#include <ravelin/pack.h>
#include <ravelin/secret.h>
#include <stdio.h>
#include <string.h>

enum { METHOD = 2 /* RFC 7296, 3.8: shared key message integrity code */ };

bool resumption_is_on(const struct resumption *r, const char *key)
{
	return rv_conf_bool(rv_host_conf(r->host), key);
}

const char *resumption_how(const struct rv_connection *c, char out[static TICKET_HOW_MAX])
{
	size_t len = 0;

	out[0] = 0;
	for (size_t i = 0; i < c->n_local + c->n_remote && len < TICKET_HOW_MAX; i++) {
		const struct rv_round *round = i < c->n_local ? &c->local[i] : &c->remote[i - c->n_local];

		len += (size_t)snprintf(out + len, TICKET_HOW_MAX - len, "%s%s", i == c->n_local ? "/" : " ",
					round->auth);
	}
	return out;
}

bool resumption_allows(const struct rv_connection *c, const struct rv_proposal *proposal)
{
	struct rv_proposal chosen;

	return rv_proposal_choose(c->proposals, c->n_proposals, proposal, 1, false, &chosen);
}

/* Proofs */

static int compute(const struct rv_auth_request *request, uint8_t *out, size_t *len)
{
	const struct rv_prf_ops *prf = rv_service_ops(request->prf);
	int r;

	if (prf->out_len > RV_AUTH_MAC_MAX || !request->key.len)
		return rv_why_set(request->why, -RV_EFAILED, "there is no SK_pi or SK_pr for the PRF %s",
				  rv_service_name(request->prf));
	r = prf->prf(rv_service_self(request->prf), request->key, request->octets, RV_COUNT(request->octets), out);
	*len = prf->out_len;
	return r ? rv_why_set(request->why, r, "the PRF %s failed", rv_service_name(request->prf)) : 0;
}

static int sign(void *self, const struct rv_auth_request *request, uint8_t *out, size_t cap, size_t *len,
		struct rv_call *call)
{
	RV_WIPED(uint8_t, proof, [RV_AUTH_MAC_MAX]);
	size_t n = 0;
	int r = compute(request, proof, &n);

	return r ? r : rv_auth_give(request, rv_bytes(proof, n), out, cap, len);
}

static int verify(void *self, const struct rv_auth_request *request, uint8_t method, struct rv_bytes proof,
		  struct rv_call *call)
{
	RV_WIPED(uint8_t, expected, [RV_AUTH_MAC_MAX]);
	size_t n = 0;
	int r = 0;

	if (method != METHOD)
		r = rv_why_set(request->why, -RV_EAUTH_FAILED,
			       "the peer resumes a session, and its AUTH payload is of method %u, not %d", method,
			       METHOD);
	if (!r)
		r = compute(request, expected, &n);
	if (r)
		return r;
	if (rv_equal_secret(rv_bytes(expected, n), proof))
		return 0;
	return rv_why_set(request->why, -RV_EAUTH_FAILED,
			  "the peer does not know the keys of the session that it resumes");
}

static int check(void *self, const struct rv_connection *connection, const struct rv_round *round, bool local,
		 struct rv_why *why)
{
	return rv_why_set(why, -RV_ECONFIG,
			  "%s: auth = " RESUMPTION_AUTH
			  " proves nothing in a first session: name what the peer proves itself by",
			  rv_conf_where(round->conf, "auth"));
}

static const struct rv_auth_ops auth_ops = { .size = sizeof(auth_ops), .sign = sign, .verify = verify, .check = check };

/* Events */

static void event(void *self, const struct rv_event *event)
{
	struct resumption *r = self;
	struct rv_ike_sa *sa = event->peer ? event->peer->sa : NULL;
	const char *connection = event->connection ? event->connection->name : NULL;

	if (strcmp(event->name, "reloaded") == 0) {
		/* RFC 5723, 6.2: "when credentials associated with the IKE SA are invalidated ..., the ticket MUST be
		 * deleted" */
		resume_client_forget(r, NULL, "the configuration was read anew");
		ticket_keys_reload(r->keys);
	} else if (strcmp(event->name, "peer-up") == 0 && resume_client_was_used(r, sa)) {
		resume_client_forget(r, connection, "it was used");
	} else if (strcmp(event->name, "auth-failed") == 0 && resume_client_was_used(r, sa)) {
		resume_client_forget(r, connection, "the peers did not authenticate each other with it");
	} else if (strcmp(event->name, "peer-down") == 0 && event->code == -RV_ETIMEOUT) {
		resume_client_keep(r, sa);
	} else if (strcmp(event->name, "peer-down") == 0) {
		resume_gateway_revoke(r, sa);
	}
}

static const struct rv_watch_ops watch_ops = { .size = sizeof(watch_ops), .event = event };

/* The extension */

static int inherit(void *self, struct rv_ike_sa *from, struct rv_ike_sa *to)
{
	resume_gateway_revoke(self, from);
	return resume_client_inherit(self, from, to);
}

static int pack(void *self, struct rv_ike_sa *sa, struct rv_pack *out)
{
	int r = resume_gateway_pack(self, sa, out);

	return r ? r : resume_client_pack(self, sa, out);
}

static int unpack(void *self, struct rv_ike_sa *sa, struct rv_unpack *in)
{
	struct rv_bytes value;
	uint16_t tag;
	int r = 0;

	while (!r && rv_unpack_next(in, &tag, &value)) {
		r = resume_gateway_unpack(self, sa, tag, value, in);
		if (!r)
			r = resume_client_unpack(self, sa, tag, value, in);
	}
	return r ? r : rv_unpack_done(in) ? 0 : -RV_ESYNTAX;
}

static const struct rv_ike_task tasks[] = {
	{ RV_IKE_AT_BUILD, IKE_SESSION_RESUME, resume_client_present },
	{ RV_IKE_AT_READ, IKE_SESSION_RESUME, resume_gateway_read },
	{ RV_IKE_AT_READ, IKE_SESSION_RESUME, resume_client_read },
	{ RV_IKE_AT_BUILD, IKE_AUTH, resume_client_ask },
	{ RV_IKE_AT_READ, IKE_AUTH, resume_client_read },
	{ RV_IKE_AT_READ, INFORMATIONAL, resume_client_read },
	{ RV_IKE_AT_ROUND, IKE_AUTH, resume_gateway_round },
	{ RV_IKE_AT_BUILD, IKE_AUTH, resume_gateway_build },
	{ RV_IKE_AT_KEYED, CREATE_CHILD_SA, resume_gateway_keyed },
	{ RV_IKE_AT_BUILD, CREATE_CHILD_SA, resume_gateway_build },
	{ RV_IKE_AT_BUILD, INFORMATIONAL, resume_gateway_build },
};

static const struct rv_ike_opening opening = { .size = sizeof(opening),
					       .exchange = IKE_SESSION_RESUME,
					       .open = resume_client_open,
					       .opened = resume_gateway_opened };

static const struct rv_ikev2_ext_ops ops = { .size = sizeof(ops),
					     .tasks = tasks,
					     .n_tasks = RV_COUNT(tasks),
					     .inherit = inherit,
					     .pack = pack,
					     .unpack = unpack,
					     .opening = &opening };

static int init(struct rv_host *host)
{
	static const struct rv_attr attrs[] = { { "auth-method", METHOD } };
	struct resumption *r = talloc_zero(host, struct resumption);
	int e;

	if (!r)
		return -ENOMEM;
	r->host = host;
	rv_list_init(&r->kept);
	r->spent = ticket_spent_new(r);
	r->keys = talloc_zero(r, struct ticket_keys);
	if (!r->spent || !r->keys)
		return -ENOMEM;
	r->keys->host = host;
	e = rv_auth_offer(host,
			  (struct rv_offer){ .name = RESUMPTION_AUTH, .attrs = attrs, .n_attrs = RV_COUNT(attrs) },
			  &auth_ops, r);
	if (!e)
		e = rv_watch_offer(host, (struct rv_offer){ .name = "resumption" }, &watch_ops, r);
	return e ? e : rv_ikev2_ext_offer(host, (struct rv_offer){ .name = "resumption" }, &ops, r);
}

RV_PLUGIN(
	ikev2_resumption, "ikev2-resumption",
	"version=1\0"
	"summary=Interrupted sessions are gone on with by a ticket\0"
	"licence=LGPL-2.1-or-later\0"
	"vendor=Ravelin\0"
	"provides=ikev2-ext:resumption auth:resumption watch:resumption\0"
	"needs=prf:hmac-sha256\0"
	"rfc=5723\0"
	"schema="
	"request|bool|yes||Whether gateways are asked for tickets, which are presented when a session was lost (RFC "
	"5723).\n"
	"grant|bool|yes||Whether clients that ask get tickets, and may resume sessions with them.\n"
	"lifetime|duration|1h|1m..30d|How long a ticket is good, at most; the lifetime of the IKE SA and reauth_time "
	"may make it less (RFC 5723, 6.2).\n"
	"rotate|duration|1d|1h..30d|How long a key makes tickets; it opens them until the last one has expired.\n"
	"key|secret|-||What the keys of tickets are made from, 32 octets at least; the same on all gateways at which a "
	"session may be resumed. Without it: key_file, or else a key that ends with the daemon.\n"
	"key_before|secret|-||The `key` before this one: tickets that were made with it are still accepted.\n"
	"key_file|string|-||A file with the octets of `key`, mode 0600.\n\0",
	.init = init);
