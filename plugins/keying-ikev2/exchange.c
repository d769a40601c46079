// SPDX-License-Identifier: LGPL-2.1-or-later
/* exchange: one request and its response, from its first step to its commit (RFC 7296, 2.1).
 *
 * An exchange is a list of steps that may suspend. What it makes hangs on it until the last step is done; state changes
 * in one place, commit(). The order for a message that came is fixed: READ and REQUIRED tasks, the row's steps, BUILD
 * tasks, sealing, commit, sending.
 */
#include "exchange.h"

#include "child.h"
#include "explain.h"
#include "kex.h"
#include "octets/notify.h"
#include "protect.h"
#include "reauth.h"
#include "transitions.h"
#include "window.h"

#include <errno.h>
#include <string.h>

enum { PARTED_US = 30 * 1000000 }; /* how long an answered exchange waits for its continuation */

static int at_read(struct rv_ike_exchange *x, void *self)
{
	return ike_point(x, RV_IKE_AT_READ);
}

static int at_required(struct rv_ike_exchange *x, void *self)
{
	return ike_point(x, RV_IKE_AT_REQUIRED);
}

static int at_build(struct rv_ike_exchange *x, void *self)
{
	return ike_point(x, RV_IKE_AT_BUILD);
}

static rv_ike_step_fn *const reading[] = { ike_window_hear, at_read, at_required, NULL };
static rv_ike_step_fn *const building[] = { at_build, ike_window_say, NULL };

static int exchange_free(struct rv_ike_exchange *x)
{
	rv_list_del(&x->entry);
	rv_list_del(&x->pending);
	rv_ref_drop(&x->plan_of);
	rv_ref_drop(&x->row_of);
	rv_ref_drop(&x->task_of);
	rv_timer_cancel(&x->timer);
	rv_call_cancel(&x->call);
	rv_job_cancel(x->job);
	if (x->sa->serving == x)
		x->sa->serving = NULL;
	ike_ahead_out(x);
	if (x->attempt)
		rv_attempt_fail(x->attempt, -RV_ECANCELLED, NULL, "the IKE SA ended before this was done");
	rv_attempt_drop(x->attempt);
	rv_secret_fini(&x->prove_also);
	if (x->child) {
		x->child->x = NULL;
		rv_child_down(x->child->child, -RV_ECANCELLED);
	}
	return 0;
}

struct rv_ike_exchange *ike_exchange_new(struct rv_ike_sa *sa, uint8_t phase)
{
	struct rv_ike_exchange *x = talloc_zero(sa, struct rv_ike_exchange);

	if (!x)
		return NULL;
	x->verbs = &ike_verbs;
	x->sa = sa;
	x->phase = phase;
	rv_list_init(&x->entry);
	rv_list_init(&x->pending);
	rv_call_init(&x->call, ike_exchange_call);
	talloc_set_destructor(x, exchange_free);
	return x;
}

/* In order of asking, but early ones before the others. */
static void queue(struct rv_ike_sa *sa, struct rv_ike_exchange *x)
{
	rv_list_each (&sa->requests, other, struct rv_ike_exchange, entry) {
		if (!x->plan->early || other->phase != IKE_QUEUED || other->plan->early)
			continue;
		rv_list_add(&other->entry, &x->entry); /* in front of it */
		return;
	}
	rv_list_add(&sa->requests, &x->entry);
}

struct rv_ike_exchange *ike_exchange_ask(struct rv_ike_sa *sa, const struct rv_ike_plan *plan)
{
	struct rv_ike_exchange *x;
	unsigned n = 0;

	rv_list_each (&sa->requests, other, struct rv_ike_exchange, entry)
		n++;
	if (n >= IKE_QUEUE_MAX)
		return NULL;
	x = ike_exchange_new(sa, IKE_QUEUED);
	if (!x)
		return NULL;
	x->plan = plan;
	x->type = plan->exchange;
	queue(sa, x);
	return x;
}

bool ike_exchange_busy(const struct rv_ike_sa *sa, const struct rv_ike_plan *plan)
{
	for (const struct rv_list *e = sa->requests.next; e != &sa->requests; e = e->next)
		if (rv_container_of(e, struct rv_ike_exchange, entry)->plan == plan)
			return true;
	return false;
}

struct rv_bytes ike_keep(const void *parent, struct rv_bytes octets)
{
	void *p = octets.len ? talloc_memdup(parent, octets.p, octets.len) : NULL;

	return rv_bytes(p, p ? octets.len : 0);
}

struct rv_bytes ike_body(const struct rv_ike_exchange *x, uint8_t type)
{
	const struct ike_payload *p = ike_chain_first(&x->chain, type);

	return p ? p->body : rv_bytes(NULL, 0);
}

bool ike_has_payload(const struct rv_ike_exchange *x, uint8_t type)
{
	return ike_chain_first(&x->chain, type) != NULL;
}

bool ike_has_notify(const struct rv_ike_exchange *x, uint16_t type)
{
	struct ike_notify notify;

	return ike_notify_find(&x->chain, type, &notify);
}

uint16_t ike_error_in(const struct rv_ike_exchange *x)
{
	ike_chain_each(&x->chain, p, IKE_PAYLOAD_NOTIFY)
	{
		struct ike_notify notify;

		if (ike_notify_read(&notify, p->body) && ike_notify_is_error(notify.type))
			return notify.type;
	}
	return 0;
}

int ike_refuse(struct rv_ike_exchange *x, uint16_t notify, struct rv_bytes data, int error, const char *fmt, ...)
{
	char text[sizeof(x->why.text)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	x->veto = notify;
	x->veto_len = (uint8_t)(data.len <= sizeof(x->veto_data) ? data.len : 0);
	if (x->veto_len)
		memcpy(x->veto_data, data.p, x->veto_len);
	return rv_why_set(&x->why, error, "%s", text);
}

/* Where a section's steps are: what comes before the row's or the plan's own, these, and what comes behind them. */
static rv_ike_step_fn *const *section(const struct rv_ike_exchange *x)
{
	rv_ike_step_fn *const *const plan[] = { x->plan ? x->plan->build : NULL, building, NULL, NULL };
	rv_ike_step_fn *const *const answer[] = { reading, x->row ? x->row->steps : NULL, building, NULL };
	rv_ike_step_fn *const *const read[] = { reading, x->row ? x->row->steps : NULL, NULL, NULL };

	if (x->section >= RV_COUNT(plan))
		return NULL;
	return x->phase == IKE_BUILDING	   ? plan[x->section]
	       : x->phase == IKE_ANSWERING ? answer[x->section]
					   : read[x->section];
}

static rv_ike_step_fn *next_step(struct rv_ike_exchange *x)
{
	while (x->steps && !*x->steps) {
		x->section++;
		x->steps = section(x);
	}
	return x->steps ? *x->steps : NULL;
}

static void finish(struct rv_ike_exchange *x);
static void failed(struct rv_ike_exchange *x, int error);

/* A failed child SA does not fail the IKE_AUTH exchange that it rides on (RFC 7296, 1.2 and 2.21.2). */
static bool soften(struct rv_ike_exchange *x, int error)
{
	if (!x->soft || x->childless || error == -ENOMEM)
		return false;
	ike_child_failed(x, error);
	x->childless = true;
	return true;
}

/* The peer's request that parted is answered now; the steps that are left are for later. False: it did not. */
static bool leave(struct rv_ike_exchange *x)
{
	if (!x->parted || x->phase != IKE_ANSWERING || x->rest)
		return false;
	x->rest = x->steps;
	x->rest_task = x->task;
	x->task = 0;
	x->section = 2;
	x->steps = building;
	x->again = true;
	return true;
}

static void advance(struct rv_ike_exchange *x, int result)
{
	for (;;) {
		rv_ike_step_fn *step;

		if (result < 0 && !soften(x, result))
			break;
		if (!x->again)
			x->steps++;
		x->again = false;
		step = next_step(x);
		if (!step)
			break;
		result = step(x, x->self);
		if (result == RV_PENDING && !leave(x)) {
			x->suspended = true;
			return;
		}
	}
	if (result < 0)
		failed(x, result);
	else
		finish(x);
}

void ike_exchange_skip(struct rv_ike_exchange *x)
{
	while (x->steps[1])
		x->steps++;
}

static void begin(struct rv_ike_exchange *x)
{
	x->section = 0;
	x->task = 0;
	x->suspended = false;
	x->again = true; /* the first step is the next one */
	x->steps = section(x);
	advance(x, 0);
}

void ike_exchange_resume(struct rv_ike_exchange *x, int result)
{
	if (!x->suspended)
		return;
	x->suspended = false;
	if (result < 0)
		x->again = false;
	advance(x, result);
}

void ike_exchange_call(struct rv_call *call, int result)
{
	ike_exchange_resume(rv_container_of(call, struct rv_ike_exchange, call), result);
}

static bool open_room(struct rv_ike_exchange *x)
{
	talloc_free(x->room);
	x->room = talloc_size(x, IKE_BUILD_MAX);
	if (x->room)
		ike_builder_init(&x->out, x->room, IKE_BUILD_MAX);
	return x->room != NULL;
}

/* A peer whose own rekey of the old IKE SA met ours forgets it when we delete the old one. Were the successor deleted
 * first, the session would be gone here, and the peer would go on asking in the old one. */
static bool after_old(const struct rv_ike_exchange *x)
{
	const struct rv_ike_sa *sa = x->sa, *old = sa->predecessor ? ike_sas_find(sa->engine, sa->predecessor) : NULL;

	return x->plan == &ike_plan_delete && old && ike_exchange_busy(old, &ike_plan_delete);
}

static bool has_parted(const struct rv_ike_sa *sa)
{
	for (const struct rv_list *e = sa->requests.next; e != &sa->requests; e = e->next)
		if (rv_container_of(e, struct rv_ike_exchange, entry)->parted)
			return true;
	return false;
}

/* Before the IKE SA is established only its own exchanges may start. */
static bool may_start(const struct rv_ike_exchange *x)
{
	if (ike_is_first(x) || x->type == IKE_EXCHANGE_IKE_AUTH)
		return true;
	if (rv_timer_armed(&x->timer) || after_old(x))
		return false; /* put off */
	if (x->plan == &ike_plan_rekey && has_parted(x->sa))
		return false; /* what parted goes on in this IKE SA */
	if (x->plan->early && x->sa->state == RV_IKE_HALF_OPEN)
		return true;
	return x->sa->state >= RV_IKE_ESTABLISHED || x->plan == &ike_plan_auth_failed;
}

/* The first that waits for nothing but the window; nothing passes one that has to be alone. */
static struct rv_ike_exchange *next_request(const struct rv_ike_sa *sa)
{
	rv_list_each (&sa->requests, x, struct rv_ike_exchange, entry) {
		if (x->phase != IKE_QUEUED || !may_start(x))
			continue;
		if (ike_window_open(x))
			return x;
		if (x->plan->alone)
			return NULL;
	}
	return NULL;
}

/* RFC 7296, 2.3: "An IKE endpoint MUST NOT exceed the peer's stated window size". What went out kicks again. */
void ike_exchange_kick(struct rv_ike_sa *sa)
{
	struct rv_ike_exchange *ready = next_request(sa);

	if (!ready)
		return;
	ready->phase = IKE_BUILDING;
	if (open_room(ready))
		begin(ready);
	else
		ike_exchange_close(ready, -ENOMEM);
}

static void put_off_is_over(struct rv_timer *timer)
{
	ike_exchange_kick(rv_container_of(timer, struct rv_ike_exchange, timer)->sa);
}

void ike_exchange_put_off(struct rv_ike_exchange *x, uint64_t us)
{
	rv_timer_init(&x->timer, x->sa->engine->host->loop, put_off_is_over);
	if (rv_timer_arm(&x->timer, us))
		rv_log(&x->sa->engine->host->subject, RV_ERROR, "no-timer", KV_STR("for", "a request"));
}

/* Requests that came before their turn: one of them may end the IKE SA. */
static void serve_ahead(struct ike_engine *engine, uint64_t ours)
{
	struct rv_ike_sa *sa = ike_sas_find(engine, ours);
	struct rv_ike_exchange *next = sa ? ike_ahead_next(sa) : NULL;

	if (next)
		ike_exchange_answer(next);
}

/* What the end of x does to its SA. x is gone afterwards. */
static void settle(struct rv_ike_exchange *x)
{
	struct rv_ike_sa *sa = x->sa, *current = sa->peer->sa;
	struct rv_ike_exchange *waiter = x->waiter;
	struct ike_engine *engine = sa->engine;
	uint64_t ours = ike_sa_ours(sa);
	bool more = sa->ahead != NULL;
	uint8_t fate = x->fate;
	int reason = x->reason, outcome = x->outcome;
	char text[sizeof(x->why.text)];

	snprintf(text, sizeof(text), "%s", x->why.text);
	talloc_free(x);
	if (waiter && fate == IKE_FATE_NONE) {
		waiter->outcome = outcome;
		ike_exchange_resume(waiter, outcome);
		return;
	}
	if (fate != IKE_FATE_NONE) {
		ike_sa_end(sa, reason, reason ? text : NULL);
		return;
	}
	ike_reauth_done(sa);
	ike_sa_schedule(sa);
	ike_exchange_kick(sa);
	/* what waited for a rekey goes on in the successor */
	if (current && current != sa)
		ike_exchange_kick(current);
	if (more)
		serve_ahead(engine, ours);
}

void ike_exchange_close(struct rv_ike_exchange *x, int result)
{
	rv_timer_cancel(&x->timer);
	x->outcome = result;
	/* what may come before IKE_AUTH must have gone well before it */
	if (result < 0 && x->plan && x->plan->early && x->sa->state == RV_IKE_HALF_OPEN) {
		x->fate = IKE_FATE_END;
		x->reason = result;
		ike_attempt_fail(x, result);
	}
	if (x->plan && x->type == IKE_EXCHANGE_CREATE_CHILD_SA && result != -RV_ETIMEOUT && result != -RV_ECANCELLED)
		ike_reauth_refused(x, result);
	if (x->plan && x->plan->end)
		x->plan->end(x, result, x->plan_self);
	if (result == -RV_ETIMEOUT && x->fate == IKE_FATE_NONE) {
		x->fate = IKE_FATE_END;
		x->reason = result;
	}
	settle(x);
}

static void commit(struct rv_ike_exchange *x)
{
	struct rv_subject subject = ike_subject(x->sa);

	ike_mix_commit(x);
	if (!x->row)
		return;
	rv_log(&subject, RV_DEBUG, "step", KV_STR("did", x->row->story), KV_STR("from", ike_state_text(x->sa->state)));
	if (x->row->to < RV_IKE_N_STATES)
		x->sa->state = x->row->to;
}

static void send_request(struct rv_ike_exchange *x)
{
	struct rv_ike_sa *sa = x->sa;
	bool init = ike_is_first(x);
	int r;

	x->id = init ? 0 : sa->next_out;
	r = ike_protect(x);
	if (r) {
		rv_why_set(&x->why, r, "%s could not be built: %s", ike_exchange_name(x->type), rv_error_text(r));
		ike_exchange_close(x, r);
		return;
	}
	ike_protect_keep(x);
	sa->next_out = x->id + 1;
	if (init)
		sa->hs->init_request = ike_list_first(ike_sent(x));
	ike_explain_message(x, true, &x->out, ike_path_of(x), x->sent.len);
	TALLOC_FREE(x->room);
	ike_send_list(sa, ike_path_of(x), ike_sent(x));
	ike_window_sent(x);
	if (ike_window_out(sa) > 1)
		ike_exchange_kick(sa);
}

/* RFC 7296, 2.2: an IKE SA whose message IDs are used up is closed. */
static void last_answered(struct rv_ike_exchange *x)
{
	if (x->id != UINT32_MAX || x->fate != IKE_FATE_NONE)
		return;
	x->fate = IKE_FATE_END;
	x->reason = rv_why_set(&x->why, -RV_ELIMIT, "the message IDs of the peer's requests are used up");
}

static void forgotten(struct rv_timer *timer)
{
	struct rv_ike_exchange *x = rv_container_of(timer, struct rv_ike_exchange, timer);
	struct rv_ike_sa *sa = x->sa;
	struct rv_subject subject = ike_subject(sa);

	rv_log(&subject, RV_NOTICE, "exchange-forgotten", KV_STR("exchange", ike_exchange_name(x->type)),
	       KV_UINT("message-id", x->id));
	talloc_free(x);
	ike_exchange_kick(sa);
}

/* Answered, and to be gone on with in a later exchange, or forgotten. */
static void park(struct rv_ike_exchange *x)
{
	struct rv_ike_sa *sa = x->sa;
	struct ike_engine *engine = sa->engine;
	uint64_t ours = ike_sa_ours(sa);

	TALLOC_FREE(x->room);
	TALLOC_FREE(x->sent.b);
	x->sent.len = 0;
	sa->serving = NULL;
	rv_list_add(&sa->requests, &x->entry);
	rv_timer_init(&x->timer, sa->engine->host->loop, forgotten);
	if (rv_timer_arm(&x->timer, PARTED_US)) {
		talloc_free(x);
		return;
	}
	ike_sa_schedule(sa);
	ike_exchange_kick(sa);
	serve_ahead(engine, ours);
}

static void send_answer(struct rv_ike_exchange *x)
{
	struct rv_ike_sa *sa = x->sa;
	int r = ike_protect(x);

	if (!r)
		r = ike_window_keep(sa, x->id, x->digest, ike_sent(x));
	if (r) {
		/* nothing was answered: the retransmission is a new request */
		rv_why_set(&x->why, r, "a response could not be built: %s", rv_error_text(r));
		settle(x);
		return;
	}
	if (ike_is_first(x) && sa->hs)
		sa->hs->init_response = ike_keep(sa->hs, ike_list_first(ike_sent(x)));
	sa->next_in = x->id + 1;
	ike_explain_message(x, true, &x->out, &x->path, x->sent.len);
	commit(x);
	last_answered(x);
	ike_send_list(sa, &x->path, ike_sent(x));
	if (x->rest)
		park(x);
	else
		settle(x);
}

static void finish(struct rv_ike_exchange *x)
{
	if (x->phase == IKE_BUILDING) {
		send_request(x);
		return;
	}
	if (x->phase == IKE_ANSWERING) {
		if (x->silent || x->waiter)
			settle(x);
		else
			send_answer(x);
		return;
	}
	if (x->restart) {
		x->restart = false;
		x->phase = IKE_BUILDING;
		x->row = NULL;
		if (open_room(x))
			begin(x);
		else
			ike_exchange_close(x, -ENOMEM);
		return;
	}
	if (x->silent) {
		x->silent = false;
		ike_window_wait(x);
		return;
	}
	commit(x);
	ike_exchange_close(x, 0);
}

/* RFC 7296, 2.21: what a failed request is answered with, and which failures end the IKE SA */
static void failed_answer(struct rv_ike_exchange *x, int error)
{
	struct rv_ike_sa *sa = x->sa;
	struct rv_subject subject = ike_subject(sa);
	uint16_t notify = x->veto ? x->veto : ike_notify_of(error);

	if (!x->why.text[0])
		rv_why_set(&x->why, error, "%s", rv_error_text(error));
	if (!ike_tell_failure(x, error))
		rv_log(&subject, RV_NOTICE, "request-refused", KV_STR("exchange", ike_exchange_name(x->type)),
		       KV_STR("with", notify ? ike_notify_name(notify) : NULL), KV_STR("why", x->why.text));
	x->row = NULL;
	if (sa->state <= RV_IKE_HALF_OPEN || ike_notify_is_fatal(notify, x->type == IKE_EXCHANGE_IKE_AUTH)) {
		x->fate = IKE_FATE_END;
		x->reason = error;
	}
	if (!notify || !open_room(x)) {
		settle(x);
		return;
	}
	if (x->veto_spi)
		ike_notify_put_spi(&x->out, notify, x->veto_protocol, x->veto_spi, rv_bytes(NULL, 0));
	else
		ike_notify_put(&x->out, notify, rv_bytes(x->veto_data, x->veto_len));
	send_answer(x);
}

/* What x is refused with is said by who waits for it. */
static void hand_on(struct rv_ike_exchange *x)
{
	struct rv_ike_exchange *y = x->waiter;

	y->veto = x->veto;
	y->veto_len = x->veto_len;
	memcpy(y->veto_data, x->veto_data, sizeof(y->veto_data));
	y->why = x->why;
}

static void failed(struct rv_ike_exchange *x, int error)
{
	struct rv_subject subject = ike_subject(x->sa);

	x->outcome = error;
	if (x->waiter)
		hand_on(x);
	if (x->phase == IKE_ANSWERING && x->waiter) {
		settle(x);
		return;
	}
	if (x->phase == IKE_ANSWERING) {
		failed_answer(x, error);
		return;
	}
	if (!x->why.text[0])
		rv_why_set(&x->why, error, "%s", rv_error_text(error));
	if (x->phase == IKE_READING && ike_is_first(x) && error != -ENOMEM && !x->believe) {
		/* RFC 7296, 2.4: a response without protection may be forged; a better one may follow */
		rv_log(&subject, RV_NOTICE, "response-ignored", KV_STR("why", x->why.text));
		rv_attempt_step(ike_attempt(x), "this answer cannot be used: %s", x->why.text);
		ike_window_wait(x);
		return;
	}
	ike_exchange_close(x, error);
}

/* The table's word on a message: its row, or a refusal. */
static bool find_row(struct rv_ike_exchange *x)
{
	struct rv_subject subject = ike_subject(x->sa);
	int refuse = -1;

	x->row = ike_table_find(x, &x->self, &refuse);
	if (x->row)
		return true;
	rv_log(&subject, RV_NOTICE, "not-expected", KV_STR("exchange", ike_exchange_name(x->type)),
	       KV_STR("state", ike_state_text(x->sa->state)),
	       KV_STR("answer", refuse > 0 ? ike_notify_name((uint16_t)refuse) : NULL));
	if (refuse > 0)
		(void)ike_refuse(x, (uint16_t)refuse, rv_bytes(NULL, 0), -RV_ESTATE, "%s is not expected in state %s",
				 ike_exchange_name(x->type), ike_state_text(x->sa->state));
	return false;
}

void ike_exchange_answer(struct rv_ike_exchange *x)
{
	x->sa->serving = x;
	if (x->veto) {
		failed_answer(x, -RV_ESYNTAX);
		return;
	}
	if (!find_row(x)) {
		if (x->veto)
			failed_answer(x, -RV_ESTATE);
		else
			talloc_free(x);
		return;
	}
	if (open_room(x))
		begin(x);
	else
		talloc_free(x);
}

void ike_exchange_read(struct rv_ike_exchange *x)
{
	struct rv_subject subject = ike_subject(x->sa);

	rv_timer_cancel(&x->timer);
	x->phase = IKE_READING;
	x->soft = false;
	x->why = (struct rv_why){ 0 };
	if (x->veto) {
		failed(x, -RV_ESYNTAX);
		return;
	}
	if (find_row(x)) {
		begin(x);
		return;
	}
	rv_log(&subject, RV_NOTICE, "response-without-row", KV_STR("exchange", ike_exchange_name(x->type)));
	rv_why_set(&x->why, -RV_ESYNTAX, "the answer to %s lacks payloads that it must have",
		   ike_exchange_name(x->type));
	failed(x, -RV_ESYNTAX);
}

/* Keying that goes on in further exchanges */

int ike_at_keying(struct rv_ike_exchange *x, void *self)
{
	return ike_point(x, RV_IKE_AT_KEYING);
}

/* RFC 7296, 2.8.1: what is made with the lowest nonce would be deleted by who asked for it; there is nothing yet. */
static bool lost(const struct rv_ike_exchange *x)
{
	struct rv_bytes ours = ike_nonce_lower(rv_bytes(x->nonce, sizeof(x->nonce)), x->nr);

	return x->plan && x->rival_nonce_len &&
	       ike_nonce_compare(ours, rv_bytes(x->rival_nonce, x->rival_nonce_len)) < 0;
}

int ike_part(struct rv_ike_exchange *x)
{
	struct rv_subject subject = ike_subject(x->sa);

	if (lost(x)) {
		rv_log(&subject, RV_INFO, "rekey-collision", KV_STR("kept", "the peer's"));
		return -RV_ECANCELLED;
	}
	x->parted = true;
	return RV_PENDING;
}

int ike_go_on(struct rv_ike_exchange *y, struct rv_ike_exchange *x)
{
	if (!x->parted || x->waiter)
		return -RV_ESTATE;
	rv_timer_cancel(&x->timer);
	x->parted = false;
	x->waiter = y;
	y->outcome = RV_PENDING;
	if (x->rest) {
		x->steps = x->rest;
		x->task = x->rest_task;
		x->section = 2; /* its answer was built */
		x->rest = NULL;
		x->again = true;
		rv_list_del(&x->entry);
		advance(x, 0);
	} else {
		ike_exchange_resume(x, 0);
	}
	return y->outcome;
}
