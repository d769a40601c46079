// SPDX-License-Identifier: LGPL-2.1-or-later
/* ikev2-childless: IKE SAs that begin without a child SA (RFC 6023).
 *
 * The responder says in IKE_SA_INIT that it can do IKE_AUTH without a child SA; the initiator then may. What a
 * connection wants is its key `childless`. Nothing hangs on an established IKE SA.
 */
#include <errno.h>
#include <ravelin/ikev2-auth.h>
#include <ravelin/plugin.h>
#include <ravelin/wire.h>
#include <string.h>

enum {
	IKE_SA_INIT = 34,
	IKE_AUTH = 35,
	NOTIFY = 41,
	PROTOCOL_IKE = 1,
	CHILDLESS_IKEV2_SUPPORTED = 16418, /* RFC 6023, 4 */
	NO_ADDITIONAL_SAS = 35,
};

enum mode { ALLOW, PREFER, FORCE, NEVER };
static const char *const modes[] = { [ALLOW] = "allow", [PREFER] = "prefer", [FORCE] = "force", [NEVER] = "never" };

/* Hangs on an IKE SA that is about to fail: the responder did not say that it can. */
struct unsupported {
	bool yes;
};

/* The connection; as responder of IKE_SA_INIT the first that fits the addresses. NULL: none. */
static const struct rv_connection *connection_of(const struct rv_host *host, struct rv_ike_exchange *x)
{
	const struct rv_peer *peer = rv_ike_peer(rv_ike_sa(x));

	if (peer->connection)
		return peer->connection;
	return rv_connection_match(host->core, 2, &peer->path.local, &peer->path.remote, 0);
}

static enum mode mode_of(const struct rv_host *host, struct rv_ike_exchange *x)
{
	const struct rv_connection *c = connection_of(host, x);
	const char *text = c ? rv_conf_str(c->conf, "childless") : NULL;

	for (unsigned i = 0; text && i < RV_COUNT(modes); i++)
		if (strcmp(text, modes[i]) == 0)
			return i;
	return ALLOW;
}

/* RFC 6023, 3: "A supporting responder MUST include the Notify payload ... within the IKE_SA_INIT response" */
static int announce(struct rv_ike_exchange *x, void *self)
{
	uint8_t body[4];
	struct rv_wr w = rv_wr(body, sizeof(body));

	if (rv_ike_role(x) != RV_IKE_RESPONDER || mode_of(self, x) == NEVER)
		return 0;
	rv_wr_u8(&w, PROTOCOL_IKE); /* 4: "Protocol ID MUST be 1", "SPI Size MUST be zero" */
	rv_wr_u8(&w, 0);
	rv_wr_u16(&w, CHILDLESS_IKEV2_SUPPORTED);
	rv_ike_childless(rv_ike_sa(x));
	return rv_ike_add(x, NOTIFY, false, rv_wr_bytes(&w));
}

/* RFC 6023, 3: "The initiator MUST NOT send the modified IKE_AUTH request if the notification was not present." */
static int learn(struct rv_ike_exchange *x, void *self)
{
	enum mode mode = mode_of(self, x);
	struct unsupported *mark;
	struct rv_bytes none;

	if (rv_ike_role(x) != RV_IKE_INITIATOR || mode == NEVER)
		return 0;
	if (rv_ike_notify(x, CHILDLESS_IKEV2_SUPPORTED, 0, &none)) {
		if (mode != ALLOW || !rv_ike_wants_child(rv_ike_sa(x)))
			rv_ike_childless(rv_ike_sa(x));
		return 0;
	}
	if (mode != FORCE)
		return 0;
	mark = rv_attach(self, rv_ike_sa(x), struct unsupported);
	if (!mark)
		return -ENOMEM;
	mark->yes = true;
	return 0;
}

/* Our IKE_AUTH request does not go out when it may not have a child SA and has to have one. */
static int check(struct rv_ike_exchange *x, void *self)
{
	if (rv_ike_role(x) != RV_IKE_INITIATOR || !rv_attached(self, rv_ike_sa(x), struct unsupported))
		return 0;
	return rv_ike_veto(x, 0, rv_bytes(NULL, 0),
			   "childless = force, and the peer does not support IKE SAs without a child SA (RFC 6023): "
			   "set childless = prefer, or let the peer allow it");
}

/* The IKE SA stays, its first child SA has to come by itself. */
static int refuse_child(struct rv_ike_exchange *x, void *self)
{
	if (rv_ike_role(x) != RV_IKE_RESPONDER || mode_of(self, x) != FORCE)
		return 0;
	return rv_ike_veto(x, NO_ADDITIONAL_SAS, rv_bytes(NULL, 0),
			   "childless = force: a child SA is accepted after IKE_AUTH only");
}

static const struct rv_ike_task tasks[] = {
	{ RV_IKE_AT_BUILD, IKE_SA_INIT, announce },
	{ RV_IKE_AT_READ, IKE_SA_INIT, learn },
	{ RV_IKE_AT_ROUND, IKE_AUTH, check },
	{ RV_IKE_AT_CHILD_CHOSEN, IKE_AUTH, refuse_child },
};

static const struct rv_ikev2_ext_ops ops = { .size = sizeof(ops), .tasks = tasks, .n_tasks = RV_COUNT(tasks) };

static int init(struct rv_host *host)
{
	return rv_ikev2_ext_offer(host, (struct rv_offer){ .name = "childless" }, &ops, host);
}

RV_PLUGIN(ikev2_childless, "ikev2-childless",
	  "version=1\0"
	  "summary=IKE SAs that begin without a child SA\0"
	  "licence=LGPL-2.1-or-later\0"
	  "vendor=Ravelin\0"
	  "default=on\0"
	  "provides=ikev2-ext:childless\0"
	  "rfc=6023\0"
	  "schema=connections.*.childless|choice|allow|allow,prefer,force,never|Whether IKE_AUTH may do without a "
	  "child SA (RFC 6023): allow the peer to, prefer it where the peer can, force it, or never.\n\0",
	  .init = init);
