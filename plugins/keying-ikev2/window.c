// SPDX-License-Identifier: LGPL-2.1-or-later
/* window: message IDs, retransmission and kept responses (RFC 7296, 2.1 to 2.3).
 *
 * One request of each side is outstanding at a time. Ours is sent again, bit for bit unless an extension makes
 * other datagrams of it, until it is answered or given up.
 * The answer to the peer's last one is kept for a retransmission, and let go after minutes.
 */
#include "exchange.h"

#include "explain.h"
#include "protect.h"

#include <errno.h>
#include <string.h>

enum {
	KEEP_PRESSED_US = 30 * 1000000, /* when responses take much memory */
	PRESSED_OCTETS = 16 * 1024 * 1024,
	WAIT_MAX_S = 3600,
};

enum ike_arrival ike_window_judge(uint32_t next_in, uint32_t id)
{
	if (id == next_in)
		return IKE_ARRIVAL_NEW;
	if (id + 1 == next_in && next_in)
		return IKE_ARRIVAL_AGAIN;
	return id < next_in ? IKE_ARRIVAL_OLD : IKE_ARRIVAL_AHEAD;
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
	return sa->port->ops->send(sa->port->self, path ? path : &sa->peer->path, message);
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

static uint64_t wait_us(const struct rv_conf *conf, unsigned tries)
{
	unsigned base;

	if (!ike_thousandths(rv_conf_str(conf, "retransmit_base"), &base) || base < 1000)
		base = 1800;
	return ike_window_wait_us(rv_conf_us(conf, "retransmit_timeout"), base, tries);
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
	return x->type == IKE_EXCHANGE_IKE_SA_INIT && x->sa->hs && x->sa->hs->noted;
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
	ike_exchange_close(x, -RV_ETIMEOUT);
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
	x->due_us = rv_loop_now_us(x->sa->engine->host->loop) + wait_us(conf, x->tries - x->anew);
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
	x->due_us = x->sent_us + wait_us(rv_host_conf(host), 0);
	rv_timer_init(&x->timer, host->loop, again);
	ike_window_wait(x);
}

static int response_gone(struct ike_response *response)
{
	struct rv_ike_sa *sa = talloc_get_type_abort(talloc_parent(response), struct rv_ike_sa);

	sa->engine->cached_octets -= response->len;
	sa->response = NULL;
	return 0;
}

int ike_window_keep(struct rv_ike_sa *sa, uint32_t id, uint64_t digest, struct rv_bytes octets)
{
	struct ike_response *r = talloc_size(sa, sizeof(*r) + octets.len);

	if (!r)
		return -ENOMEM;
	ike_window_forget(sa);
	talloc_set_name_const(r, "struct ike_response");
	*r = (struct ike_response){ .id = id, .len = (uint32_t)octets.len, .digest = digest };
	r->at_us = rv_loop_now_us(sa->engine->host->loop);
	memcpy(r->octets, octets.p, octets.len);
	sa->engine->cached_octets += r->len;
	sa->response = r;
	talloc_set_destructor(r, response_gone);
	return 0;
}

void ike_window_forget(struct rv_ike_sa *sa)
{
	TALLOC_FREE(sa->response);
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
