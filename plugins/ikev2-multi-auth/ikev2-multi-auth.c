// SPDX-License-Identifier: LGPL-2.1-or-later
/* ikev2-multi-auth: several rounds of authentication (RFC 4739).
 *
 * keying-ikev2 makes as many rounds as a connection has local and remote sections; what is said of it to the peer is
 * here. The responder says that it can in IKE_SA_INIT, the initiator in its first IKE_AUTH request.
 */
#include <errno.h>
#include <ravelin/ikev2-auth.h>
#include <ravelin/plugin.h>
#include <talloc.h>

enum {
	IKE_SA_INIT = 34,
	IKE_AUTH = 35,
	P_AUTH = 39,
	MULTIPLE_AUTH_SUPPORTED = 16404, /* RFC 4739, 3.1 */
	ANOTHER_AUTH_FOLLOWS = 16405,	 /* 3.2 */
};

/* Hangs on an IKE SA of ours whose responder can, until the first request has said that we can too. */
struct can {
	bool yes;
};

static int announce(struct rv_ike_exchange *x, void *self)
{
	return rv_ike_role(x) == RV_IKE_RESPONDER ? rv_ike_add_notify(x, MULTIPLE_AUTH_SUPPORTED, rv_bytes(NULL, 0))
						  : 0;
}

static int learn(struct rv_ike_exchange *x, void *self)
{
	struct rv_bytes none;

	if (rv_ike_role(x) != RV_IKE_INITIATOR || !rv_ike_notify(x, MULTIPLE_AUTH_SUPPORTED, 0, &none))
		return 0;
	rv_ike_several_rounds(rv_ike_sa(x));
	return rv_attach(self, rv_ike_sa(x), struct can) ? 0 : -ENOMEM;
}

/* "in any IKE_AUTH message that contains an AUTH payload" */
static int build(struct rv_ike_exchange *x, void *self)
{
	struct can *can = rv_attached(self, rv_ike_sa(x), struct can);
	int r = 0;

	if (can) {
		talloc_free(can);
		r = rv_ike_add_notify(x, MULTIPLE_AUTH_SUPPORTED, rv_bytes(NULL, 0));
	}
	if (!r && rv_ike_rounds(x))
		r = rv_ike_add_notify(x, ANOTHER_AUTH_FOLLOWS, rv_bytes(NULL, 0));
	return r;
}

static int read_it(struct rv_ike_exchange *x, void *self)
{
	struct rv_bytes none;

	if (rv_ike_role(x) == RV_IKE_RESPONDER && rv_ike_notify(x, MULTIPLE_AUTH_SUPPORTED, 0, &none))
		rv_ike_several_rounds(rv_ike_sa(x));
	if (rv_ike_payload(x, P_AUTH, 0, &none) && rv_ike_notify(x, ANOTHER_AUTH_FOLLOWS, 0, &none))
		rv_ike_another_round(x);
	return 0;
}

static const struct rv_ike_task tasks[] = {
	{ RV_IKE_AT_BUILD, IKE_SA_INIT, announce },
	{ RV_IKE_AT_READ, IKE_SA_INIT, learn },
	{ RV_IKE_AT_BUILD, IKE_AUTH, build },
	{ RV_IKE_AT_READ, IKE_AUTH, read_it },
};

static const struct rv_ikev2_ext_ops ops = { .size = sizeof(ops), .tasks = tasks, .n_tasks = RV_COUNT(tasks) };

static int init(struct rv_host *host)
{
	static const struct rv_attr attrs[] = { { "rounds", 1 } };

	return rv_ikev2_ext_offer(host,
				  (struct rv_offer){ .name = "multi-auth", .attrs = attrs, .n_attrs = RV_COUNT(attrs) },
				  &ops, host);
}

RV_PLUGIN(ikev2_multi_auth, "ikev2-multi-auth",
	  "version=1\0"
	  "summary=Several rounds of authentication\0"
	  "licence=LGPL-2.1-or-later\0"
	  "vendor=Ravelin\0"
	  "default=on\0"
	  "provides=ikev2-ext:multi-auth\0"
	  "rfc=4739\0",
	  .init = init);
