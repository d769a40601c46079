// SPDX-License-Identifier: LGPL-2.1-or-later
/* explain: the diagnosis of keying: what was sent, what came, what was wrong and what would fix it, in words.
 *
 * Peers' octets reach a text only as numbers or through functions that escape them; no secret is ever near.
 */
#include "explain.h"

#include "auth.h"
#include "child.h"
#include "octets/narrow.h"

#include <string.h>

enum { ATTEMPTS_PER_S = 5 };

struct rv_attempt *ike_attempt(const struct rv_ike_exchange *x)
{
	if (x->attempt)
		return x->attempt;
	return x->sa->hs ? x->sa->hs->attempt : NULL;
}

static struct rv_attempt *let_go(struct rv_ike_exchange *x)
{
	struct rv_attempt *attempt = x->attempt;

	if (attempt) {
		x->attempt = NULL;
		return attempt;
	}
	if (!x->sa->hs)
		return NULL;
	attempt = x->sa->hs->attempt;
	x->sa->hs->attempt = NULL;
	x->sa->peer->attempt = NULL;
	return attempt;
}

void ike_attempt_ok(struct rv_ike_exchange *x)
{
	struct rv_attempt *attempt = let_go(x);

	rv_attempt_ok(attempt);
	rv_attempt_drop(attempt);
}

void ike_attempt_fail(struct rv_ike_exchange *x, int error)
{
	struct rv_attempt *attempt = let_go(x);

	rv_attempt_fail(attempt, error, x->advice, "%s", x->why.text[0] ? x->why.text : rv_error_text(error));
	rv_attempt_drop(attempt);
}

/* Appends to a text that is cut, never overrun. */
static void append(char *out, size_t size, const char *text)
{
	size_t len = strlen(out), n = strlen(text);

	if (len + 1 >= size)
		return;
	if (n <= size - len - 1) {
		memcpy(out + len, text, n + 1);
		return;
	}
	n = size - len - 1;
	memcpy(out + len, text, n);
	memset(out + size - 4, '.', 3);
	out[size - 1] = '\0';
}

static void append_payload(char *out, size_t size, const struct ike_payload *p)
{
	const char *name = ike_payload_name(p->type);
	struct ike_notify notify;
	char text[64];

	if (p->type == IKE_PAYLOAD_NOTIFY && ike_notify_read(&notify, p->body)) {
		name = ike_notify_name(notify.type);
		if (name)
			snprintf(text, sizeof(text), " N(%s)", name);
		else
			snprintf(text, sizeof(text), " N(%u)", notify.type);
	} else if (name) {
		snprintf(text, sizeof(text), " %s", name);
	} else {
		snprintf(text, sizeof(text), " payload-%u", p->type);
	}
	append(out, size, text);
}

void ike_explain_message(const struct rv_ike_exchange *x, bool sent, const struct ike_builder *out,
			 const struct rv_path *path, size_t len)
{
	struct rv_attempt *attempt = ike_attempt(x);
	const struct ike_chain *chain = &x->chain;
	bool response = sent == (x->plan == NULL);
	char payloads[512] = "", addr[RV_ADDR_TEXT];
	struct ike_chain own;
	struct rv_bytes octets;

	if (!attempt)
		return;
	if (sent) {
		if (!ike_builder_done(out, &octets) || ike_chain_read(&own, out->first, octets, &x->sa->engine->types))
			return;
		chain = &own;
	}
	for (unsigned i = 0; i < chain->n; i++)
		append_payload(payloads, sizeof(payloads), &chain->p[i]);
	rv_attempt_step(attempt, "%s %s %s %s %s:%s; %zu octets", sent ? "sent" : "got", ike_exchange_name(x->type),
			response ? "response" : "request", sent ? "to" : "from", rv_addr_text(&path->remote, addr),
			payloads[0] ? payloads : " nothing inside", len);
}

void ike_explain_proposals(struct ike_engine *engine, const struct rv_proposal *list, size_t n, char *out, size_t size)
{
	char text[512];

	out[0] = '\0';
	for (size_t i = 0; i < n; i++) {
		append(out, size, i ? ", " : "");
		append(out, size, rv_proposal_text(engine->host->registry, &list[i], text, sizeof(text)));
	}
	if (!n)
		append(out, size, "nothing");
}

void ike_explain_ts(const struct rv_ts *ts, size_t n, char *out, size_t size)
{
	char text[RV_TS_TEXT];

	out[0] = '\0';
	for (size_t i = 0; i < n; i++) {
		append(out, size, i ? ", " : "");
		append(out, size, rv_ts_text(&ts[i], text));
	}
	if (!n)
		append(out, size, "nothing");
}

void ike_explain_no_ts(struct rv_ike_exchange *x, const struct ike_ts_list *tsi, const struct ike_ts_list *tsr)
{
	const struct rv_connection *c = x->sa->peer->connection;
	char local[160], remote[160], line[400];
	struct ike_ts_pair own;

	ike_explain_ts(tsi->ts, tsi->n, remote, sizeof(remote));
	ike_explain_ts(tsr->ts, tsr->n, local, sizeof(local));
	snprintf(x->words, sizeof(x->words), "the peer wants %s (its side) === %s (ours); we would accept", remote,
		 local);
	for (size_t i = 0; i < c->n_children; i++) {
		if (x->conf && x->conf != &c->children[i])
			continue;
		ike_child_policy(x->sa->peer, &c->children[i], NULL, &own);
		ike_explain_ts(own.remote.ts, own.remote.n, remote, sizeof(remote));
		ike_explain_ts(own.local.ts, own.local.n, local, sizeof(local));
		snprintf(line, sizeof(line), "%s %s === %s (child %s)", i ? "," : "", remote, local,
			 c->children[i].name);
		append(x->words, sizeof(x->words), line);
	}
	x->advice = "make remote_ts here what local_ts is there, and the other way round";
}

void ike_explain_no_child_proposal(struct rv_ike_exchange *x, const struct ike_proposals *offer)
{
	const struct rv_connection *c = x->sa->peer->connection;
	char text[200];

	ike_explain_proposals(x->sa->engine, offer->proposal, offer->n, text, sizeof(text));
	snprintf(x->words, sizeof(x->words), "no child proposal in common: the peer offers %s; we accept", text);
	for (size_t i = 0; i < c->n_children; i++) {
		ike_explain_proposals(x->sa->engine, c->children[i].proposals, c->children[i].n_proposals, text,
				      sizeof(text));
		append(x->words, sizeof(x->words), i ? "; " : " ");
		append(x->words, sizeof(x->words), text);
		append(x->words, sizeof(x->words), " (child ");
		append(x->words, sizeof(x->words), c->children[i].name);
		append(x->words, sizeof(x->words), ")");
	}
	x->advice = "give esp_proposals of both sides one proposal in common";
}

void ike_explain_ts_pair(struct rv_ike_exchange *x, const char *what, const struct ike_ts_pair *ts)
{
	char local[200], remote[200];

	ike_explain_ts(ts->local.ts, ts->local.n, local, sizeof(local));
	ike_explain_ts(ts->remote.ts, ts->remote.n, remote, sizeof(remote));
	snprintf(x->words, sizeof(x->words), "%s: %s (ours) === %s (theirs)", what, local, remote);
}

void ike_explain_refusal(struct rv_ike_exchange *x)
{
	uint16_t type = ike_error_in(x);
	const char *name = ike_notify_name(type);
	char text[400];

	if (x->why.text[0] && x->why.code != -RV_EREFUSED && !type)
		return;
	x->why = (struct rv_why){ 0 };
	if (type == IKE_N_TS_UNACCEPTABLE && x->ts) {
		ike_explain_ts_pair(x, "the peer accepts none of our traffic selectors (TS_UNACCEPTABLE); we asked for",
				    x->ts);
		x->advice = "make local_ts here what remote_ts is there, and the other way round";
		rv_why_set(&x->why, -RV_ETS_UNACCEPTABLE, "%s", x->words);
		return;
	}
	if (type == IKE_N_NO_PROPOSAL_CHOSEN && x->conf) {
		ike_explain_proposals(x->sa->engine, x->conf->proposals, x->conf->n_proposals, text, sizeof(text));
		x->advice = "give esp_proposals (and mode) of both sides something in common";
		rv_why_set(&x->why, -RV_ENO_PROPOSAL,
			   "the peer accepts none of our child proposals (NO_PROPOSAL_CHOSEN); we offered: %s", text);
		return;
	}
	x->advice = type == IKE_N_INTERNAL_ADDRESS_FAILURE
			    ? "the peer's pool of addresses is used up: make it larger there"
		    : type == IKE_N_FAILED_CP_REQUIRED
			    ? "the peer wants to lend us an address: set vips = 0.0.0.0 (or ::) in the connection here"
			    : "look at the log of the peer";
	rv_why_set(&x->why, type ? -RV_EREFUSED : -RV_ESYNTAX, "the peer made no child SA: %s",
		   name	  ? name
		   : type ? "an unknown error"
			  : "its answer lacks what a child SA needs");
}

/* What failed for a peer is worth an attempt of its own, so that `ravelin diagnose` knows of it. */
static struct rv_attempt *strangers(struct ike_engine *engine, const struct rv_connection *connection)
{
	if (!connection || !ike_rate_ok(engine, &engine->attempts, ATTEMPTS_PER_S))
		return NULL;
	return rv_attempt_hold(rv_attempt_new(engine->host->core, connection->name, NULL, "peer"));
}

/* What of a child SA that could not be made the configuration of one side can mend. */
static bool is_mendable(const struct rv_ike_exchange *x, int error)
{
	return error == -RV_ENO_PROPOSAL || error == -RV_ETS_UNACCEPTABLE ||
	       x->veto == IKE_N_INTERNAL_ADDRESS_FAILURE || x->veto == IKE_N_FAILED_CP_REQUIRED;
}

bool ike_tell_failure(struct rv_ike_exchange *x, int error)
{
	struct rv_ike_sa *sa = x->sa;
	struct rv_peer *peer = sa->peer;
	bool child = x->soft || sa->state > RV_IKE_HALF_OPEN;
	char addr[RV_ADDR_TEXT], ours[RV_ID_TEXT], theirs[RV_ID_TEXT], agreed[256];
	struct rv_attempt *attempt;
	struct rv_proposal chosen;

	if (child && !is_mendable(x, error))
		return false;
	if (!child)
		ike_tell_auth_failed(x, error);
	attempt =
		strangers(sa->engine, peer->connection ? peer->connection
						       : rv_connection_match(sa->engine->host->core, 2,
									     &peer->path.local, &peer->path.remote, 0));
	if (!attempt)
		return false;
	ike_sa_proposal(sa, &chosen);
	rv_attempt_step(attempt, "%s asked; agreed on %s", rv_addr_text(&peer->path.remote, addr),
			rv_proposal_text(sa->engine->host->registry, &chosen, agreed, sizeof(agreed)));
	if (peer->remote_id)
		rv_attempt_step(attempt, "it %s %s; we are %s to it", child ? "is" : "says that it is",
				rv_id_text(peer->remote_id, theirs),
				peer->local_id ? rv_id_text(peer->local_id, ours) : "nobody");
	if (child)
		rv_attempt_step(attempt, "it asked for a child SA (%s)", ike_exchange_name(x->type));
	rv_attempt_fail(attempt, error, x->advice, "%s", x->why.text);
	rv_attempt_drop(attempt);
	return true;
}

/* What each connection for these addresses accepts. */
static void accepted(struct ike_engine *engine, const struct rv_path *path, char *out, size_t size)
{
	const struct rv_connection *c;
	char text[400];

	out[0] = '\0';
	for (size_t n = 0; (c = rv_connection_match(engine->host->core, 2, &path->local, &path->remote, n)); n++) {
		ike_explain_proposals(engine, c->proposals, c->n_proposals, text, sizeof(text));
		append(out, size, n ? "; " : "");
		append(out, size, text);
		append(out, size, " (");
		append(out, size, c->name);
		append(out, size, ")");
	}
}

void ike_explain_stranger(struct ike_engine *engine, const struct rv_path *path, const struct rv_connection *nearest,
			  const struct ike_proposals *offer)
{
	char theirs[400], ours[800], addr[RV_ADDR_TEXT];
	struct rv_attempt *attempt = strangers(engine, nearest);

	rv_addr_text(&path->remote, addr);
	ike_explain_proposals(engine, offer->proposal, offer->n, theirs, sizeof(theirs));
	accepted(engine, path, ours, sizeof(ours));
	if (!attempt) {
		rv_log(&engine->host->subject, RV_WARN, nearest ? "no-proposal" : "no-connection",
		       KV_ADDR("peer", &path->remote), KV_ADDR("here", &path->local), KV_STR("offers", theirs),
		       KV_STR("accepted", nearest ? ours : NULL),
		       KV_STR("advice", nearest ? NULL : "add a connection whose local_addrs and remote_addrs fit"));
		return;
	}
	rv_attempt_step(attempt, "%s asked with IKE_SA_INIT; it offers %s", addr, theirs);
	rv_attempt_fail(attempt, -RV_ENO_PROPOSAL, "give proposals of both sides one in common",
			"no IKE proposal in common: the peer at %s offers %s; we accept %s", addr, theirs, ours);
	rv_attempt_drop(attempt);
}
