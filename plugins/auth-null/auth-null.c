// SPDX-License-Identifier: LGPL-2.1-or-later
/* auth-null: peers that do not say who they are (RFC 7619).
 *
 * AUTH = prf(prf(SK_pi or SK_pr, "Key Pad for IKEv2"), signed octets): it ties IKE_AUTH to IKE_SA_INIT and proves
 * nothing else. A connection accepts such a peer only when its remote section says auth = null.
 */
#include <errno.h>
#include <ravelin/auth-mac.h>
#include <ravelin/plugin.h>
#include <string.h>

enum { METHOD = 13 /* RFC 7619, 2.1 */ };

/* The proof of whom the request is about, into out (RV_AUTH_MAC_MAX octets); *len set. */
static int compute(const struct rv_auth_request *request, uint8_t out[static RV_AUTH_MAC_MAX], size_t *len)
{
	if (!request->key.len)
		return rv_why_set(request->why, -RV_EFAILED, "there is no SK_pi or SK_pr");
	return rv_auth_mac(request, request->key, out, len);
}

static int sign(void *self, const struct rv_auth_request *request, uint8_t *out, size_t cap, size_t *len,
		struct rv_call *call)
{
	RV_WIPED(uint8_t, proof, [RV_AUTH_MAC_MAX]);
	size_t n = 0;
	int r = compute(request, proof, &n);

	return r ? r : rv_auth_give(request, rv_bytes(proof, n), out, cap, len);
}

/* RFC 7619, 2.5: "An unauthenticated peer must not be allowed to use this mechanism to steal traffic that an IKE peer
 * intended to be for another host." The selectors of its side are its own address. */
static const struct rv_child_conf *too_wide(const struct rv_connection *connection)
{
	for (size_t i = 0; i < connection->n_children; i++) {
		const struct rv_child_conf *child = &connection->children[i];

		for (size_t j = 0; j < child->n_remote_ts; j++)
			if (child->remote_ts[j].family)
				return child;
	}
	return NULL;
}

static int check(void *self, const struct rv_connection *connection, const struct rv_round *round, bool local,
		 struct rv_why *why)
{
	const struct rv_child_conf *wide = local || rv_conf_bool(round->conf, "wide_ts") ? NULL : too_wide(connection);

	/* RFC 7619, 2.2: the identity "MUST NOT be used for any trust and policy checking" */
	if (!local && round->id && round->id->type != RV_ID_ANY && round->id->type != RV_ID_NULL)
		return rv_why_set(why, -RV_ECONFIG,
				  "%s: auth = null proves no identity, so id cannot ask for one: remove it",
				  rv_conf_where(round->conf, "id"));
	if (!wide)
		return 0;
	return rv_why_set(
		why, -RV_ECONFIG,
		"%s: remote_ts of child %s would let a peer that does not authenticate itself have the traffic of "
		"others (RFC 7619, 2.5): make it dynamic, or set wide_ts = yes in the remote section",
		rv_conf_where(wide->conf, "remote_ts"), wide->name);
}

static int verify(void *self, const struct rv_auth_request *request, uint8_t method, struct rv_bytes proof,
		  struct rv_call *call)
{
	RV_WIPED(uint8_t, expected, [RV_AUTH_MAC_MAX]);
	struct rv_host *host = self;
	char id[RV_ID_TEXT];
	size_t n = 0;
	int r = 0;

	rv_id_text(request->remote_id, id);
	if (method != METHOD)
		r = rv_why_set(
			request->why, -RV_EAUTH_FAILED,
			"the peer (it says that it is %s) proves itself by method %u, we ask for none (auth = null, "
			"method %d)",
			id, method, METHOD);
	if (!r)
		r = compute(request, expected, &n);
	if (r)
		return r;
	if (!rv_equal_secret(rv_bytes(expected, n), proof))
		return rv_why_set(
			request->why, -RV_EAUTH_FAILED,
			"the AUTH payload of the unauthenticated peer does not fit its IKE_SA_INIT messages: somebody "
			"on the way changed them");
	/* RFC 7619, 3.1: what was not proved is marked as such */
	rv_log(&host->subject, RV_INFO, "unauthenticated-peer", KV_STR("connection", request->connection->name),
	       KV_STR("says-it-is", id));
	return 0;
}

static const struct rv_auth_ops ops = { .size = sizeof(ops), .sign = sign, .verify = verify, .check = check };

static int init(struct rv_host *host)
{
	static const struct rv_attr attrs[] = { { "auth-method", METHOD },
						{ "anonymous", 1 },
						{ "id-type", RV_ID_NULL } };

	return rv_auth_offer(host, (struct rv_offer){ .name = "null", .attrs = attrs, .n_attrs = RV_COUNT(attrs) },
			     &ops, host);
}

RV_PLUGIN(auth_null, "auth-null",
	  "version=1\0"
	  "summary=Peers that do not authenticate themselves\0"
	  "licence=LGPL-2.1-or-later\0"
	  "vendor=Ravelin\0"
	  "default=on\0"
	  "provides=auth:null\0"
	  "needs=prf\0"
	  "rfc=7619\0"
	  "schema=connections.*.remote*.wide_ts|bool|no||Whether a peer that does not authenticate itself (auth = "
	  "null) may "
	  "have remote_ts other than its own address (RFC 7619, 2.5).\n\0",
	  .init = init);
