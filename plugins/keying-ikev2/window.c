// SPDX-License-Identifier: LGPL-2.1-or-later
/* window: message IDs, retransmission and kept responses (RFC 7296, 2.1 to 2.3).
 *
 * As many requests of a side are outstanding as the other one promised to take; one, where it said nothing. Ours is
 * sent again, bit for bit unless an extension makes other datagrams of it, until it is answered or given up. The peer's
 * are answered in the order of their message IDs; the answers to as many as we promised are kept for a retransmission,
 * and let go after minutes.
 */
#include "window.h"

#include "explain.h"
#include "protect.h"
#include "transitions.h"

#include <errno.h>
#include <string.h>

enum {
	KEEP_PRESSED_US = 30 * 1000000, /* when responses take much memory */
	PRESSED_OCTETS = 16 * 1024 * 1024,
	WAIT_MAX_S = 3600,
	OPENING_TRIES = 1, /* of a first exchange that the peer may not have */
	IDS_LEFT = 1024,   /* message IDs that are kept for the end of an IKE SA */
};

#define IDS_END (UINT32_MAX - IDS_LEFT)

enum ike_arrival ike_window_judge(uint32_t next_in, uint32_t id, unsigned window)
{
	if (id == next_in)
		return IKE_ARRIVAL_NEW;
	if (id < next_in)
		return next_in - id <= window ? IKE_ARRIVAL_AGAIN : IKE_ARRIVAL_OLD;
	return id - next_in < window ? IKE_ARRIVAL_EARLY : IKE_ARRIVAL_AHEAD;
}

unsigned ike_window_in(const struct rv_ike_sa *sa)
{
	return sa->state >= RV_IKE_ESTABLISHED ? sa->window_in : 1;
}

unsigned ike_window_out(const struct rv_ike_sa *sa)
{
	return sa->state >= RV_IKE_ESTABLISHED ? sa->window_out : 1;
}

/* RFC 7296, 2.2: "In the unlikely event that Message IDs grow too large to fit in 32 bits, the IKE SA MUST be closed or
 * rekeyed." */
bool ike_window_ends(const struct rv_ike_sa *sa)
{
	return sa->next_out > IDS_END || sa->next_in > IDS_END;
}

/* Exclusive: its plan says so, or the session asks for addresses with it, which it does once (2.19). */
static bool exclusive(const struct rv_ike_exchange *x)
{
	return x->plan->alone || x->asked;
}

/* RFC 7296, 2.3: "when the initiator needs to make a request X, it MUST wait until it has received responses to all
 * requests up through request X-N". What is done to one child SA is done one after the other. */
bool ike_window_open(const struct rv_ike_exchange *x)
{
	const struct rv_ike_sa *sa = x->sa;

	if (sa->next_out == UINT32_MAX && x->plan != &ike_plan_delete)
		return false;
	for (const struct rv_list *e = sa->requests.next; e != &sa->requests; e = e->next) {
		const struct rv_ike_exchange *other = rv_container_of(e, struct rv_ike_exchange, entry);

		/* the peer's that parted is here too, and not outstanding */
		if (other->phase == IKE_QUEUED || other->parted)
			continue;
		if (!other->plan || other->phase == IKE_BUILDING || exclusive(x) || exclusive(other) ||
		    (x->old && x->old == other->old))
			return false;
		if (sa->next_out - other->id >= ike_window_out(sa))
			return false;
	}
	return true;
}

int ike_window_say(struct rv_ike_exchange *x, void *self)
{
	struct rv_ike_sa *sa = x->sa;
	unsigned n = (unsigned)rv_conf_int(rv_host_conf(sa->engine->host), "window");
	uint8_t data[4];
	struct rv_wr w = rv_wr(data, sizeof(data));

	if (n <= 1 || sa->window_in > 1 || sa->state > RV_IKE_REKEYING ||
	    (x->type != IKE_EXCHANGE_IKE_AUTH && sa->state < RV_IKE_ESTABLISHED))
		return 0;
	rv_wr_u32(&w, n);
	ike_notify_put(&x->out, IKE_N_SET_WINDOW_SIZE, rv_wr_bytes(&w));
	sa->window_in = (uint8_t)n;
	return 0;
}

/* RFC 7296, 2.3: "there is currently no way to reduce the window size of an existing IKE SA; you can only increase it"
 */
int ike_window_hear(struct rv_ike_exchange *x, void *self)
{
	struct rv_ike_sa *sa = x->sa;
	struct ike_notify notify;
	uint32_t n;

	if (ike_is_first(x) || !ike_notify_find(&x->chain, IKE_N_SET_WINDOW_SIZE, &notify))
		return 0;
	struct rv_rd r = rv_rd(notify.data);

	n = rv_rd_u32(&r);
	if (!rv_rd_done(&r))
		return -RV_ESYNTAX;
	if (n > IKE_WINDOW_MAX)
		n = IKE_WINDOW_MAX;
	if (n > sa->window_out)
		sa->window_out = (uint8_t)n;
	return 0;
}

/* Requests before their turn */

bool ike_ahead_has(const struct rv_ike_sa *sa, uint32_t id)
{
	for (const struct rv_ike_exchange *x = sa->ahead; x; x = x->behind)
		if (x->id == id)
			return true;
	return false;
}

void ike_ahead_put(struct rv_ike_exchange *x)
{
	struct rv_ike_exchange **at = &x->sa->ahead;

	while (*at && (*at)->id < x->id)
		at = &(*at)->behind;
	x->behind = *at;
	*at = x;
}

void ike_ahead_out(struct rv_ike_exchange *x)
{
	for (struct rv_ike_exchange **at = &x->sa->ahead; *at; at = &(*at)->behind) {
		if (*at != x)
			continue;
		*at = x->behind;
		x->behind = NULL;
		return;
	}
}

struct rv_ike_exchange *ike_ahead_next(struct rv_ike_sa *sa)
{
	struct rv_ike_exchange *x = sa->ahead;

	if (!x || sa->serving || x->id != sa->next_in)
		return NULL;
	ike_ahead_out(x);
	return x;
}

uint64_t ike_window_wait_us(uint64_t first_us, unsigned base_1000, unsigned tries)
{
	uint64_t wait = first_us;

	for (unsigned i = 0; i < tries && wait < RV_S(WAIT_MAX_S); i++)
		wait = wait / 1000 * base_1000;
	return wait < RV_S(WAIT_MAX_S) ? wait : RV_S(WAIT_MAX_S);
}

/* FNV-1a: tells a repeated datagram from another one; not a defence, the message's ICV is that. */
uint64_t ike_digest(struct rv_bytes octets)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (size_t i = 0; i < octets.len; i++)
		h = (h ^ octets.p[i]) * 0x100000001b3u;
	return h ? h : 1;
}

int ike_send(struct rv_ike_sa *sa, const struct rv_path *path, struct rv_bytes message)
{
	if (!sa->port)
		return -RV_ENO_PROVIDER;
	if (!path)
		path = &sa->peer->path;
	return ike_ext_leave(sa, path, message) ? 0 : sa->port->ops->send(sa->port->self, path, message);
}

/* "1.8" as 1800: the schema has no fractions. False: it is no such number. */
bool ike_thousandths(const char *text, unsigned *out)
{
	unsigned whole = 0, part = 0, scale = 1000, n = 0;

	for (; text && *text >= '0' && *text <= '9' && whole < 100000; text++, n++)
		whole = whole * 10 + (unsigned)(*text - '0');
	if (text && *text == '.')
		for (text++; *text >= '0' && *text <= '9'; text++, n++) {
			scale /= 10;
			part += (unsigned)(*text - '0') * scale;
		}
	*out = whole * 1000 + part;
	return n && text && !*text;
}

/* A first exchange that the peer may not have is given up early, so that IKE_SA_INIT comes before the next gateway. */
static uint64_t wait_us(const struct rv_ike_exchange *x)
{
	const struct rv_conf *conf = rv_host_conf(x->sa->engine->host);
	uint64_t first = rv_conf_us(conf, "retransmit_timeout");
	unsigned base;

	if (!ike_thousandths(rv_conf_str(conf, "retransmit_base"), &base) || base < 1000)
		base = 1800;
	return ike_window_wait_us(ike_opens(x) ? first / 2 : first, base, x->tries - x->anew);
}

static const char *what_to_check(const struct rv_ike_sa *sa)
{
	return sa->state == RV_IKE_INIT
		       ? "check the address, that the peer's daemon runs, and that UDP 500 and 4500 may pass"
		       : "check that the peer still runs, that UDP 4500 may pass, and the path to the peer";
}

/* An unprotected error counts for IKE_SA_INIT, which has nothing better; a half-open IKE SA's MAC has (RFC 7296, 2.4).
 */
static bool noted(const struct rv_ike_exchange *x)
{
	return ike_is_first(x) && x->sa->hs && x->sa->hs->noted;
}

static void give_up(struct rv_ike_exchange *x)
{
	struct rv_ike_sa *sa = x->sa;
	unsigned s = (unsigned)((rv_loop_now_us(sa->engine->host->loop) - x->sent_us) / 1000000);
	char to[RV_ADDR_TEXT];

	rv_addr_text(&sa->peer->path.remote, to);
	if (noted(x)) {
		ike_exchange_close(x, -RV_EREFUSED);
		return;
	}
	x->advice = what_to_check(sa);
	rv_why_set(&x->why, -RV_ETIMEOUT, "no answer from %s to %s: %u retransmissions in %u s", to,
		   ike_exchange_name(x->type), x->tries, s);
	ike_exchange_close(x, ike_opens(x) ? -RV_EREFUSED : -RV_ETIMEOUT);
}

/* RFC 7296, 2.1: "the initiator MUST retransmit a request until it either receives a corresponding response or deems
 * the IKE SA to have failed" */
static void again(struct rv_timer *timer)
{
	struct rv_ike_exchange *x = rv_container_of(timer, struct rv_ike_exchange, timer);
	const struct rv_conf *conf = rv_host_conf(x->sa->engine->host);
	unsigned limit = (unsigned)rv_conf_int(conf, "retransmit_tries");
	unsigned tenths = (unsigned)((rv_loop_now_us(x->sa->engine->host->loop) - x->sent_us) / 100000);
	char to[RV_ADDR_TEXT];

	if (ike_opens(x) && limit > OPENING_TRIES)
		limit = OPENING_TRIES;
	/* an error without protection is believed when a retransmission brings nothing better (RFC 7296, 2.21.1) */
	if (x->tries - x->anew >= limit || (noted(x) && x->tries >= 1)) {
		give_up(x);
		return;
	}
	x->tries++;
	if (noted(x))
		rv_attempt_step(ike_attempt(x), "no better answer came; %s sent again", ike_exchange_name(x->type));
	else
		rv_attempt_step(ike_attempt(x), "no answer from %s for %u.%u s; %s sent again (%u of %u)%s%s",
				rv_addr_text(&x->sa->peer->path.remote, to), tenths / 10, tenths % 10,
				ike_exchange_name(x->type), x->tries, limit, x->tries == 1 ? "; " : "",
				x->tries == 1 ? what_to_check(x->sa) : "");
	(void)ike_point(x, RV_IKE_AT_RETRANSMIT); /* who waits for nothing cannot hold it up */
	x->task = 0;
	x->again = false;
	/* in another form the waiting begins anew */
	if (ike_protect_again(x, x->tries))
		x->anew = x->tries;
	ike_send_list(x->sa, ike_path_of(x), ike_sent(x));
	x->due_us = rv_loop_now_us(x->sa->engine->host->loop) + wait_us(x);
	ike_window_wait(x);
}

void ike_window_wait(struct rv_ike_exchange *x)
{
	uint64_t now = rv_loop_now_us(x->sa->engine->host->loop);

	x->phase = IKE_WAITING;
	if (rv_timer_arm(&x->timer, x->due_us > now ? x->due_us - now : 0)) {
		rv_why_set(&x->why, -ENOMEM, "no timer for the retransmission");
		ike_exchange_close(x, -ENOMEM);
	}
}

void ike_window_sent(struct rv_ike_exchange *x)
{
	struct rv_host *host = x->sa->engine->host;

	x->tries = x->anew = 0;
	x->sent_us = rv_loop_now_us(host->loop);
	x->due_us = x->sent_us + wait_us(x);
	rv_timer_init(&x->timer, host->loop, again);
	ike_window_wait(x);
}

static int response_gone(struct ike_response *response)
{
	struct rv_ike_sa *sa = talloc_get_type_abort(talloc_parent(response), struct rv_ike_sa);
	struct ike_response **at = &sa->response;

	sa->engine->cached_octets -= response->len;
	while (*at && *at != response)
		at = &(*at)->older;
	if (*at)
		*at = response->older;
	return 0;
}

/* RFC 7296, 2.3: "An IKE endpoint MUST keep a copy of (or be able to regenerate exactly) the number of previous
 * responses equal to its declared window size" */
static void let_go(struct rv_ike_sa *sa, uint32_t id)
{
	struct ike_response **at = &sa->response;

	while (*at)
		if (id - (*at)->id >= ike_window_in(sa))
			talloc_free(*at);
		else
			at = &(*at)->older;
}

int ike_window_keep(struct rv_ike_sa *sa, uint32_t id, uint64_t digest, struct rv_bytes octets)
{
	struct ike_response *r = talloc_size(sa, sizeof(*r) + octets.len);

	if (!r)
		return -ENOMEM;
	let_go(sa, id);
	talloc_set_name_const(r, "struct ike_response");
	*r = (struct ike_response){ .older = sa->response, .id = id, .len = (uint32_t)octets.len, .digest = digest };
	r->at_us = rv_loop_now_us(sa->engine->host->loop);
	memcpy(r->octets, octets.p, octets.len);
	sa->engine->cached_octets += r->len;
	sa->response = r;
	talloc_set_destructor(r, response_gone);
	return 0;
}

const struct ike_response *ike_window_find(const struct rv_ike_sa *sa, uint32_t id)
{
	for (const struct ike_response *r = sa->response; r; r = r->older)
		if (r->id == id)
			return r;
	return NULL;
}

void ike_window_forget(struct rv_ike_sa *sa)
{
	while (sa->response)
		talloc_free(sa->response);
}

uint64_t ike_window_forget_us(const struct rv_ike_sa *sa)
{
	if (!sa->response)
		return 0;
	uint64_t keep = rv_conf_us(rv_host_conf(sa->engine->host), "keep_responses");

	if (sa->engine->cached_octets > PRESSED_OCTETS && keep > KEEP_PRESSED_US)
		keep = KEEP_PRESSED_US;
	return sa->response->at_us + keep;
}
