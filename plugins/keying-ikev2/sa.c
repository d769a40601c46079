// SPDX-License-Identifier: LGPL-2.1-or-later
/* sa: an IKE SA from its first SPI to its end: keys, lifetimes, liveness (RFC 7296, 2.4, 2.6, 2.8, 2.14).
 *
 * Once established it keeps keys and counters only; one timer serves rekeying, expiry, liveness and what is kept for a
 * while.
 */
#include "ike-sa.h"

#include "halfopen.h"
#include "init.h"
#include "reauth.h"
#include "requests.h"
#include "transitions.h"
#include "window.h"

#include <errno.h>
#include <string.h>

enum {
	LINGER_US = 60 * 1000000, /* an IKE SA that another one replaced and that nobody deletes */
	IDS_RETRY_US = 1000000,	  /* between rekeys of one whose message IDs end */
};

static const char *const state_text[] = {
#define X(name, text) [RV_IKE_##name] = text,
	RV_IKE_STATES(X)
#undef X
};

const char *ike_state_text(enum rv_ike_state state)
{
	return state < RV_IKE_N_STATES ? state_text[state] : "?";
}

struct rv_subject ike_subject(const struct rv_ike_sa *sa)
{
	const struct rv_connection *connection = sa->peer ? sa->peer->connection : NULL;

	return (struct rv_subject){ .log = sa->engine->host->subject.log,
				    .kind = "ike-sa",
				    .name = connection ? connection->name : NULL,
				    .id = sa->peer ? sa->peer->id : 0 };
}

static void user_text(const struct rv_user *user, char *out, size_t size)
{
	const struct rv_ike_sa *sa = rv_container_of(user, struct rv_ike_sa, user);
	const struct rv_connection *connection = sa->peer ? sa->peer->connection : NULL;

	snprintf(out, size, "IKE SA #%u of %s", sa->peer ? sa->peer->id : 0, connection ? connection->name : "a peer");
}

/* RFC 7296, 2.23: who is behind a NAT holds its mapping open. */
void ike_sa_keep_alive(struct rv_ike_sa *sa, bool on)
{
	if (sa->peer->path.behind_nat && sa->port && (on || sa->peer->established))
		(void)sa->port->ops->keepalive(sa->port->self, &sa->peer->path, sa->peer->id, on);
}

static int sa_free(struct rv_ike_sa *sa)
{
	rv_timer_cancel(&sa->timer);
	TALLOC_FREE(sa->hs);
	ike_dial_drop(sa->next);
	while (!rv_list_empty(&sa->requests))
		talloc_free(rv_container_of(sa->requests.next, struct rv_ike_exchange, entry));
	TALLOC_FREE(sa->serving);
	while (sa->ahead)
		talloc_free(sa->ahead);
	ike_window_forget(sa);
	ike_sas_remove(sa);
	rv_secret_fini(&sa->keys);
	rv_ref_drop(&sa->prf);
	rv_suite_fini(&sa->suite);
	if (sa->peer && sa->peer->sa == sa) {
		ike_sa_keep_alive(sa, false);
		sa->peer->sa = NULL;
	}
	return 0;
}

static void tick(struct rv_timer *timer);

struct rv_ike_sa *ike_sa_new(struct ike_engine *engine, const void *parent, struct rv_peer *peer, struct ike_port *port,
			     bool initiator)
{
	struct rv_ike_sa *sa = talloc_zero(parent, struct rv_ike_sa);

	if (!sa)
		return NULL;
	sa->verbs = &ike_verbs;
	sa->engine = engine;
	sa->peer = peer;
	sa->port = port;
	sa->initiator = initiator;
	sa->window_in = sa->window_out = 1;
	sa->user.text = user_text;
	rv_list_init(&sa->requests);
	rv_timer_init(&sa->timer, engine->host->loop, tick);
	talloc_set_destructor(sa, sa_free);
	return sa;
}

static int handshake_free(struct ike_handshake *hs)
{
	ike_halfopen_remove(hs);
	ike_dial_gone(hs);
	rv_attempt_drop(hs->attempt);
	rv_secret_fini(&hs->before);
	hs->sa->hs = NULL;
	return 0;
}

struct ike_handshake *ike_handshake_new(struct rv_ike_sa *sa)
{
	struct ike_handshake *hs = talloc_zero(sa, struct ike_handshake);

	if (!hs)
		return NULL;
	hs->sa = sa;
	rv_list_init(&hs->race);
	hs->began_us = rv_loop_now_us(sa->engine->host->loop);
	sa->hs = hs;
	talloc_set_destructor(hs, handshake_free);
	return hs;
}

int ike_sa_suite(struct rv_ike_sa *sa, const struct rv_proposal *chosen, struct rv_why *why)
{
	struct rv_registry *registry = sa->engine->host->registry;
	const struct rv_transform *prf = rv_proposal_get(chosen, RV_CLASS_PRF);
	struct rv_service *service = prf ? rv_algorithm_service(registry, prf) : NULL;
	int r;

	rv_ref_drop(&sa->prf);
	rv_suite_fini(&sa->suite);
	memset(&sa->suite, 0, sizeof(sa->suite));
	sa->n_chosen = 0;
	TALLOC_FREE(sa->more);
	if (!service)
		return rv_why_set(why, -RV_ENO_PROVIDER, "no loaded plugin computes the chosen PRF");
	r = rv_ref_take(&sa->prf, service, &sa->user);
	if (r)
		return r;
	r = rv_suite_init(&sa->suite, registry, chosen, &sa->user, why);
	if (r)
		return r;
	for (unsigned i = 0; i < chosen->n && i < RV_COUNT(sa->chosen); i++)
		sa->chosen[i] = chosen->t[i];
	sa->n_chosen = chosen->n;
	if (chosen->n <= RV_COUNT(sa->chosen))
		return 0;
	sa->more = talloc_memdup(sa, chosen->t + RV_COUNT(sa->chosen),
				 (chosen->n - RV_COUNT(sa->chosen)) * sizeof(sa->more[0]));
	return sa->more ? 0 : -ENOMEM;
}

void ike_sa_proposal(const struct rv_ike_sa *sa, struct rv_proposal *out)
{
	*out = (struct rv_proposal){ .protocol = RV_PROTO_KEYING, .n = sa->n_chosen };
	for (unsigned i = 0; i < sa->n_chosen; i++)
		out->t[i] = i < RV_COUNT(sa->chosen) ? sa->chosen[i] : sa->more[i - RV_COUNT(sa->chosen)];
}

/* SK_d | SK_ai | SK_ar | SK_ei | SK_er (RFC 7296, 2.14), by the lengths of the algorithms */
void ike_keys_in(const struct rv_ike_sa *sa, struct rv_bytes block, struct ike_keys *out)
{
	const struct rv_prf_ops *prf = sa->prf.service ? rv_service_ops(sa->prf.service) : NULL;
	struct rv_rd r = rv_rd(block);

	*out = (struct ike_keys){ 0 };
	if (!prf)
		return;
	out->d = rv_rd_take(&r, prf->key_len);
	out->ai = rv_rd_take(&r, sa->suite.integ_len);
	out->ar = rv_rd_take(&r, sa->suite.integ_len);
	out->ei = rv_rd_take(&r, sa->suite.key_len);
	out->er = rv_rd_take(&r, sa->suite.key_len);
	out->pi = rv_rd_take(&r, prf->key_len);
	out->pr = rv_rd_take(&r, prf->key_len);
}

void ike_sa_keys(const struct rv_ike_sa *sa, struct ike_keys *out)
{
	ike_keys_in(sa, rv_secret_bytes(&sa->keys), out);
}

void ike_sa_adopt_keys(struct rv_ike_sa *sa, struct ike_keys *keys)
{
	rv_secret_fini(&sa->keys);
	rv_secret_take(&sa->keys, keys->block);
	keys->block = NULL;
}

int ike_sa_make_keys(struct rv_ike_sa *sa, const void *room, const struct ike_key_input *in, struct rv_why *why)
{
	struct ike_keys keys;
	int r = ike_keys_make(&keys, room, sa->engine->host->vault, sa->prf.service, &sa->suite, in);

	if (r)
		return rv_why_set(why, r, "the keys could not be made: %s", rv_error_text(r));
	ike_sa_adopt_keys(sa, &keys);
	return 0;
}

/* SK_pi and SK_pr have done their work when the peers are authenticated. */
int ike_sa_trim_keys(struct rv_ike_sa *sa)
{
	struct rv_secret fresh;
	struct ike_keys keys;

	ike_sa_keys(sa, &keys);
	if (!keys.pi.len)
		return 0;
	if (!rv_secret_init(&fresh, sa->engine->host->vault, sa->keys.len - keys.pi.len - keys.pr.len))
		return -ENOMEM;
	memcpy(fresh.b, sa->keys.b, fresh.len);
	rv_secret_fini(&sa->keys);
	sa->keys = fresh;
	return 0;
}

static struct rv_bytes spi_octets(uint64_t spi, uint8_t room[static 8])
{
	struct rv_wr w = rv_wr(room, 8);

	rv_wr_u64(&w, spi);
	return rv_wr_bytes(&w);
}

void ike_sa_tell_keys(const struct rv_ike_sa *sa)
{
	struct rv_host *host = sa->engine->host;
	struct rv_proposal chosen;
	struct ike_keys keys;
	uint8_t spi[2][8];
	char text[256];

	if (!rv_event_wants_keys(host->core))
		return;
	ike_sa_keys(sa, &keys);
	ike_sa_proposal(sa, &chosen);
	const struct rv_key_line lines[] = {
		{ "ike-spi-i", spi_octets(sa->spi_i, spi[0]) },
		{ "ike-spi-r", spi_octets(sa->spi_r, spi[1]) },
		{ "encr-i", keys.ei },
		{ "encr-r", keys.er },
		{ "integ-i", keys.ai },
		{ "integ-r", keys.ar },
	};
	rv_event_emit(host->core,
		      &(struct rv_event){ .name = "keys",
					  .peer = sa->peer,
					  .connection = sa->peer->connection,
					  .text = rv_proposal_text(host->registry, &chosen, text, sizeof(text)),
					  .keys = lines,
					  .n_keys = RV_COUNT(lines) });
}

uint64_t ike_random_below(struct rv_host *host, uint64_t limit)
{
	uint64_t n;

	rv_host_random(host, &n, sizeof(n));
	return limit ? n % limit : 0;
}

/* RFC 7296, 2.8.1: "the timing of rekeying requests SHOULD be jittered" */
void ike_sa_lifetimes(struct rv_ike_sa *sa)
{
	const struct rv_connection *c = sa->peer->connection;
	uint64_t now = rv_loop_now_us(sa->engine->host->loop);

	if (c && c->rekey_us) {
		uint64_t jitter =
			ike_random_below(sa->engine->host, c->rand_us < c->rekey_us ? c->rand_us : c->rekey_us);
		sa->rekey_us = now + c->rekey_us - jitter;
		sa->over_us = now + c->rekey_us + c->over_us;
	}
	sa->last_in_us = now;
	sa->dpd_us = c && c->dpd_delay_us ? now + c->dpd_delay_us : 0;
	ike_sa_schedule(sa);
}

/* The peers are authenticated; the handshake's own is let go. */
void ike_sa_established(struct rv_ike_sa *sa)
{
	struct rv_subject subject = ike_subject(sa);

	sa->state = RV_IKE_ESTABLISHED;
	if (sa->hs)
		ike_halfopen_remove(sa->hs);
	ike_reauth_time(sa);
	ike_sa_lifetimes(sa);
	ike_sa_keep_alive(sa, true);
	rv_log(&subject, RV_INFO, "ike-sa-up", KV_ADDR("peer", &sa->peer->path.remote),
	       KV_ID("local-id", sa->peer->local_id), KV_ID("remote-id", sa->peer->remote_id));
	rv_peer_up(sa->peer);
}

static void earliest(uint64_t *due, uint64_t at)
{
	if (at && at < *due)
		*due = at;
}

/* An IKE SA whose message IDs come to their end is replaced soon, whatever its lifetime is. */
static void mind_message_ids(struct rv_ike_sa *sa, uint64_t now)
{
	if (!ike_window_ends(sa) || sa->state != RV_IKE_ESTABLISHED || ike_exchange_busy(sa, &ike_plan_rekey))
		return;
	if (!sa->rekey_us || sa->rekey_us > now + IDS_RETRY_US)
		sa->rekey_us = now + IDS_RETRY_US;
}

void ike_sa_schedule(struct rv_ike_sa *sa)
{
	uint64_t due = UINT64_MAX, now = rv_loop_now_us(sa->engine->host->loop);

	mind_message_ids(sa, now);
	earliest(&due, sa->hs ? sa->hs->expire_us : 0);
	earliest(&due, sa->rekey_us);
	earliest(&due, sa->over_us);
	earliest(&due, sa->dpd_us);
	earliest(&due, sa->reauth_us);
	earliest(&due, ike_window_forget_us(sa));
	if (due == UINT64_MAX)
		rv_timer_cancel(&sa->timer);
	else if (rv_timer_arm(&sa->timer, due > now ? due - now : 0))
		rv_log(&sa->engine->host->subject, RV_ERROR, "no-timer", KV_STR("for", "an IKE SA"));
}

/* RFC 7296, 2.4: a fresh protected message on the IKE SA or any of its child SAs shows that the peer lives */
static void look_for_life(struct rv_ike_sa *sa, uint64_t now)
{
	uint64_t delay = sa->peer->connection ? sa->peer->connection->dpd_delay_us : 0;
	uint64_t seen = rv_peer_last_in_us(sa->peer);

	if (sa->last_in_us > seen)
		seen = sa->last_in_us;
	if (!delay || sa->peer->sa != sa) {
		sa->dpd_us = 0;
		return;
	}
	if (now - seen < delay) {
		sa->dpd_us = seen + delay;
		return;
	}
	sa->dpd_us = now + delay;
	if (rv_list_empty(&sa->requests))
		(void)ike_liveness(sa);
}

static void tick(struct rv_timer *timer)
{
	struct rv_ike_sa *sa = rv_container_of(timer, struct rv_ike_sa, timer);
	uint64_t now = rv_loop_now_us(sa->engine->host->loop);

	if (sa->hs && sa->hs->expire_us && now >= sa->hs->expire_us) {
		ike_sa_end(sa, -RV_ETIMEOUT, "the peer did not finish the handshake in time");
		return;
	}
	if (sa->over_us && now >= sa->over_us) {
		ike_sa_end(sa, -RV_ETIMEOUT, "the IKE SA reached the end of its life and was not rekeyed");
		return;
	}
	if (ike_window_forget_us(sa) && now >= ike_window_forget_us(sa))
		ike_window_forget(sa);
	if (sa->dpd_us && now >= sa->dpd_us)
		look_for_life(sa, now);
	if (sa->rekey_us && now >= sa->rekey_us) {
		sa->rekey_us = 0;
		/* the last message ID is for this when it was not replaced in time */
		(void)(sa->next_out == UINT32_MAX ? ike_delete(sa) : ike_rekey(sa));
	}
	if (sa->reauth_us && now >= sa->reauth_us)
		ike_reauth_due(sa, now);
	else
		ike_sa_schedule(sa);
}

void ike_sa_end(struct rv_ike_sa *sa, int reason, const char *text)
{
	struct rv_peer *peer = sa->peer;
	struct ike_engine *engine = sa->engine;
	struct ike_dial *next = sa->next;
	char words[256];

	if (sa->doomed)
		return;
	sa->doomed = true;
	sa->next = NULL;
	snprintf(words, sizeof(words), "%s", text ? text : "");
	ike_ghost_keep(sa);
	if (peer->sa && peer->sa != sa) {
		talloc_free(sa);
		ike_exchange_kick(peer->sa);
	} else {
		ike_sas_remove(sa);
		rv_peer_down(peer, reason, text ? words : NULL);
	}
	ike_dial_go(next);
	ike_stop_check(engine);
}

/* What waits in an IKE SA that the session has left goes on in the one that it has. */
static void hand_on(struct rv_ike_sa *from, struct rv_ike_sa *to)
{
	rv_list_each (&from->requests, x, struct rv_ike_exchange, entry) {
		if (x->phase != IKE_QUEUED)
			continue;
		rv_list_del(&x->entry);
		x->sa = to;
		talloc_steal(to, x);
		rv_list_add(&to->requests, &x->entry);
	}
}

void ike_sa_retire(struct rv_ike_sa *sa)
{
	sa->state = RV_IKE_REPLACED;
	sa->rekey_us = sa->dpd_us = sa->reauth_us = 0;
	sa->over_us = rv_loop_now_us(sa->engine->host->loop) + LINGER_US;
	if (sa->peer->sa && sa->peer->sa != sa)
		hand_on(sa, sa->peer->sa);
	ike_sa_schedule(sa);
}

/* RFC 7296, 2.8: "An IKE SA so created inherits all of the original IKE SA's Child SAs": they hang on the session.
 * Where both rekeyed, the peer may have replaced its successor in turn before old is done with: then that one has it.
 */
void ike_sa_replace(struct rv_ike_sa *old, struct rv_ike_sa *fresh)
{
	struct rv_peer *peer = old->peer;

	if (peer->sa != old && fresh->state == RV_IKE_REPLACED) {
		ike_sa_retire(old);
		return;
	}
	peer->sa = fresh;
	fresh->next = old->next;
	fresh->reauth_us = old->reauth_us; /* RFC 7296, 2.8.3: a rekey authenticates nobody */
	fresh->superseded = old->superseded;
	fresh->moves = old->moves;
	fresh->reauths = old->reauths;
	old->reauths = 0;
	old->next = NULL;
	fresh->predecessor = ike_sa_ours(old);
	ike_sa_retire(old);
	fresh->n_agreed = old->n_agreed;
	memcpy(fresh->agreed, old->agreed, sizeof(fresh->agreed));
	ike_ext_inherit(old, fresh);
	ike_sa_lifetimes(fresh);
	ike_sa_tell_keys(fresh);
	rv_peer_rekeyed(peer);
}
