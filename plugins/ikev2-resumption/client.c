// SPDX-License-Identifier: LGPL-2.1-or-later
/* client: tickets are asked for (RFC 5723, 4.1), kept when the peer is lost, and presented when its connection comes up
 * again (4.3).
 *
 * A ticket hangs on its IKE SA, and goes with it: when it is deleted, by whomever, or replaced. Only when the peer does
 * not answer any more the ticket stays, with what else has to be known of that IKE SA (5).
 */
#include "resumption.h"

#include <errno.h>
#include <ravelin/config.h>
#include <ravelin/ikev2-wire.h>
#include <ravelin/loop.h>
#include <ravelin/pack.h>
#include <ravelin/secret.h>
#include <string.h>

enum { RETRY_S = 60, SOONEST_S = 1 };

/* Hangs on an IKE SA of ours whose peer was asked for a ticket. ticket: NULL as long as there is none. */
struct holder {
	struct resumption *r;
	struct rv_ike_sa *sa;
	struct rv_timer timer; /* to ask for another one */
	uint8_t *ticket;
	size_t len;
	uint64_t until_s;
	bool answers; /* the peer knows what a ticket is */
};

/* Of a session whose peer was lost, by its connection. */
struct kept {
	struct rv_list entry;
	const char *connection, *how;
	uint8_t *ticket;
	size_t len;
	uint64_t until_s;
	struct rv_proposal proposal;
	struct rv_secret *key;
	struct rv_id *initiator, *responder;
};

/* Hangs on an IKE SA that is being set up with a ticket. */
struct presented {
	uint8_t *ticket;
	size_t len;
};

static uint64_t now_s(const struct resumption *r)
{
	return rv_loop_wall_s(r->host->loop);
}

/* Asking */

static int ask(struct rv_ike_exchange *x, void *self)
{
	return rv_ike_add_notify(x, TICKET_REQUEST, rv_bytes(NULL, 0));
}

static rv_ike_step_fn *const asks[] = { ask, NULL };
static const struct rv_ike_plan plan = { .story = "ask for a ticket", .exchange = INFORMATIONAL, .build = asks };

static void due(struct rv_timer *timer)
{
	struct holder *holder = rv_container_of(timer, struct holder, timer);

	(void)rv_ike_start(holder->sa, &plan, holder->r);
}

static int holder_gone(struct holder *holder)
{
	rv_timer_cancel(&holder->timer);
	return 0;
}

static struct holder *holder_new(struct resumption *r, struct rv_ike_sa *sa)
{
	struct holder *holder = rv_attach(r->host, sa, struct holder);

	if (!holder)
		return NULL;
	holder->r = r;
	holder->sa = sa;
	rv_timer_init(&holder->timer, r->host->loop, due);
	talloc_set_destructor(holder, holder_gone);
	return holder;
}

static void ask_after(struct holder *holder, uint64_t s)
{
	if (rv_timer_arm(&holder->timer, RV_S(s > SOONEST_S ? s : SOONEST_S)))
		rv_log(&holder->r->host->subject, RV_ERROR, "no-timer", KV_STR("for", "a ticket"));
}

/* RFC 5723, 4.1: "the N(TICKET_REQUEST) payload MUST be included in the first IKE_AUTH request" */
int resume_client_ask(struct rv_ike_exchange *x, void *self)
{
	struct rv_ike_sa *sa = rv_ike_sa(x);
	struct resumption *r = self;

	if (rv_ike_role(x) != RV_IKE_INITIATOR || !resumption_is_on(r, "request") ||
	    rv_attached(r->host, sa, struct holder))
		return 0;
	return holder_new(r, sa) ? ask(x, self) : -ENOMEM;
}

/* RFC 5723, 6.2: "When the IKE SA is rekeyed, the ticket is invalidated, and the client SHOULD request a new ticket."
 * Not at once: who answers a rekey would overtake its own answer. */
int resume_client_inherit(struct resumption *r, struct rv_ike_sa *from, struct rv_ike_sa *to)
{
	struct holder *holder = rv_attached(r->host, from, struct holder);

	bool again = holder && holder->answers && resumption_is_on(r, "request");

	talloc_free(holder);
	holder = again ? holder_new(r, to) : NULL;
	if (holder)
		ask_after(holder, SOONEST_S);
	return again && !holder ? -ENOMEM : 0;
}

/* Taking what comes */

static int hold(struct holder *holder, struct rv_bytes ticket, uint64_t until_s)
{
	uint64_t left = until_s > now_s(holder->r) ? until_s - now_s(holder->r) : 0;

	talloc_free(holder->ticket);
	holder->ticket = talloc_memdup(holder, ticket.p, ticket.len);
	holder->len = holder->ticket ? ticket.len : 0;
	holder->until_s = until_s;
	ask_after(holder, left - left / 10); /* 4.1: "when the ticket lifetime is about to expire" */
	return holder->ticket ? 0 : -ENOMEM;
}

static int take(struct holder *holder, struct rv_bytes data)
{
	const struct rv_peer *peer = rv_ike_peer(holder->sa);
	struct rv_subject *subject = &holder->r->host->subject;
	struct rv_bytes ticket;
	uint32_t lifetime;

	if (!ticket_grant_read(data, &lifetime, &ticket)) {
		rv_log(subject, RV_NOTICE, "ticket-ignored", KV_UINT("session", peer->id), KV_UINT("octets", data.len));
		return 0;
	}
	rv_log(subject, RV_INFO, "ticket-taken", KV_STR("connection", peer->connection->name),
	       KV_UINT("session", peer->id), KV_UINT("seconds", lifetime));
	return hold(holder, ticket, now_s(holder->r) + lifetime);
}

/* An answer to IKE_SESSION_RESUME: all but a nonce and a cookie is a refusal. */
static int read_resume(struct resumption *r, struct rv_ike_exchange *x)
{
	struct rv_ike_sa *sa = rv_ike_sa(x);
	struct rv_bytes none;

	if (rv_ike_payload(x, P_NONCE, 0, &none) || rv_ike_notify(x, COOKIE, 0, &none))
		return 0;
	resume_client_forget(r, rv_ike_peer(sa)->connection->name, "the peer refused it");
	talloc_free(rv_attached(r->host, sa, struct presented));
	return 0;
}

int resume_client_read(struct rv_ike_exchange *x, void *self)
{
	struct rv_ike_sa *sa = rv_ike_sa(x);
	struct resumption *r = self;
	struct holder *holder = rv_attached(r->host, sa, struct holder);
	struct rv_bytes data;

	if (rv_ike_role(x) != RV_IKE_INITIATOR)
		return 0;
	if (rv_ike_type(x) == IKE_SESSION_RESUME)
		return read_resume(r, x);
	if (!holder)
		return 0;
	holder->answers |= rv_ike_notify(x, TICKET_LT_OPAQUE, 0, &data) || rv_ike_notify(x, TICKET_ACK, 0, &data) ||
			   rv_ike_notify(x, TICKET_NACK, 0, &data);
	if (rv_ike_notify(x, TICKET_LT_OPAQUE, 0, &data))
		return take(holder, data);
	if (!rv_ike_notify(x, TICKET_ACK, 0, &data))
		return 0;
	/* RFC 5723, 4.1: "the client MAY request a ticket later using an Informational exchange" */
	if (rv_ike_type(x) != INFORMATIONAL)
		return rv_ike_start(sa, &plan, r);
	ask_after(holder, RETRY_S);
	return 0;
}

/* Keeping */

static int kept_gone(struct kept *kept)
{
	rv_list_del(&kept->entry);
	return 0;
}

void resume_client_forget(struct resumption *r, const char *connection, const char *why)
{
	rv_list_each (&r->kept, kept, struct kept, entry) {
		if (connection && strcmp(kept->connection, connection) != 0)
			continue;
		rv_log(&r->host->subject, RV_INFO, "ticket-dropped", KV_STR("connection", kept->connection),
		       KV_STR("why", why));
		talloc_free(kept);
	}
}

static void forget_expired(struct resumption *r)
{
	rv_list_each (&r->kept, kept, struct kept, entry)
		if (kept->until_s <= now_s(r))
			talloc_free(kept);
}

static struct rv_id *id_of(const void *parent, const struct rv_id *id)
{
	return rv_id_from_wire(parent, id->type, rv_bytes(id->b, id->len));
}

/* RFC 5723, 4.2: "the local storage MUST also include all items marked as from the ticket" */
static bool fill(struct resumption *r, struct kept *kept, struct holder *holder, const struct rv_ike_known *known)
{
	char how[TICKET_HOW_MAX];

	kept->connection = talloc_strdup(kept, known->connection->name);
	kept->how = talloc_strdup(kept, resumption_how(known->connection, how));
	kept->ticket = talloc_steal(kept, holder->ticket);
	kept->len = holder->len;
	kept->until_s = holder->until_s;
	kept->proposal = known->proposal;
	kept->key = rv_secret_dup(r->host->vault, kept, known->key);
	kept->initiator = id_of(kept, known->initiator);
	kept->responder = id_of(kept, known->responder);
	holder->ticket = NULL;
	return kept->connection && kept->how && kept->key && kept->initiator && kept->responder;
}

void resume_client_keep(struct resumption *r, struct rv_ike_sa *sa)
{
	struct holder *holder = sa ? rv_attached(r->host, sa, struct holder) : NULL;
	struct rv_ike_known known;
	struct kept *kept;

	forget_expired(r);
	if (!holder || !holder->ticket || holder->until_s <= now_s(r) || !rv_ike_remember(sa, &known))
		return;
	kept = talloc_zero(r, struct kept);
	if (!kept)
		return;
	rv_list_init(&kept->entry);
	talloc_set_destructor(kept, kept_gone);
	if (!fill(r, kept, holder, &known)) {
		talloc_free(kept);
		return;
	}
	resume_client_forget(r, kept->connection, "there is a newer one");
	rv_list_add(&r->kept, &kept->entry);
	rv_log(&r->host->subject, RV_INFO, "ticket-kept", KV_STR("connection", kept->connection),
	       KV_UINT("seconds", kept->until_s - now_s(r)));
}

/* Presenting */

/* Why a kept ticket does not fit its connection any more, or NULL. */
static const char *misfit(const struct kept *kept, const struct rv_connection *c)
{
	char how[TICKET_HOW_MAX];
	const struct rv_id *own = c->n_local ? c->local[0].id : NULL;

	if (!c->n_local || !c->n_remote || strcmp(resumption_how(c, how), kept->how) != 0)
		return "the connection asks for another authentication";
	if ((own && own->type != RV_ID_ANY && !rv_id_same(own, kept->initiator)) ||
	    !rv_id_match(c->remote[0].id, kept->responder))
		return "the connection is for other identities";
	return resumption_allows(c, &kept->proposal) ? NULL : "the connection does not allow its algorithms";
}

static struct kept *find(struct resumption *r, const struct rv_connection *c)
{
	const char *why;

	forget_expired(r); /* RFC 5723, 4.3.1: "MUST NOT present a ticket when it knows that the ticket's lifetime has
			      expired" */
	rv_list_each (&r->kept, kept, struct kept, entry) {
		if (strcmp(kept->connection, c->name) != 0)
			continue;
		why = misfit(kept, c);
		if (!why)
			return kept;
		resume_client_forget(r, c->name, why);
		return NULL;
	}
	return NULL;
}

int resume_client_open(void *self, struct rv_ike_sa *sa, struct rv_ike_known *known)
{
	struct resumption *r = self;
	struct kept *kept = find(r, rv_ike_peer(sa)->connection);
	struct presented *presented = kept ? rv_attach(r->host, sa, struct presented) : NULL;

	if (!presented)
		return 0;
	presented->ticket = talloc_memdup(presented, kept->ticket, kept->len);
	presented->len = kept->len;
	if (!presented->ticket) {
		talloc_free(presented);
		return 0;
	}
	*known = (struct rv_ike_known){ .proposal = kept->proposal,
					.key = rv_secret_bytes(kept->key),
					.label = RV_STR(RESUMPTION_LABEL),
					.auth = RESUMPTION_AUTH,
					.initiator = kept->initiator,
					.responder = kept->responder };
	return 1;
}

int resume_client_present(struct rv_ike_exchange *x, void *self)
{
	struct resumption *r = self;
	const struct presented *presented = rv_attached(r->host, rv_ike_sa(x), struct presented);

	if (rv_ike_role(x) != RV_IKE_INITIATOR || !presented)
		return 0;
	rv_ike_tell(x, "the ticket of an earlier session is presented");
	return rv_ike_add_notify(x, TICKET_OPAQUE, rv_bytes(presented->ticket, presented->len));
}

bool resume_client_was_used(struct resumption *r, struct rv_ike_sa *sa)
{
	return sa && rv_attached(r->host, sa, struct presented);
}

/* Packs */

int resume_client_pack(struct resumption *r, struct rv_ike_sa *sa, struct rv_pack *out)
{
	const struct holder *holder = rv_attached(r->host, sa, struct holder);

	if (!holder || !holder->answers)
		return 0;
	rv_pack_u64(out, PACK_UNTIL, holder->until_s);
	rv_pack_put(out, PACK_TICKET, rv_bytes(holder->ticket, holder->len));
	return 0;
}

int resume_client_unpack(struct resumption *r, struct rv_ike_sa *sa, uint16_t tag, struct rv_bytes value,
			 struct rv_unpack *in)
{
	struct holder *holder = rv_attached(r->host, sa, struct holder);

	if (tag != PACK_UNTIL && tag != PACK_TICKET)
		return 0;
	if (!holder)
		holder = holder_new(r, sa);
	if (!holder)
		return -ENOMEM;
	holder->answers = true;
	if (tag == PACK_UNTIL)
		holder->until_s = rv_unpack_u64(in, value);
	return tag == PACK_TICKET && value.len ? hold(holder, value, holder->until_s) : 0;
}
