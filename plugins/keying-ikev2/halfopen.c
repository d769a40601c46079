// SPDX-License-Identifier: LGPL-2.1-or-later
/* halfopen: what strangers may cost us (RFC 7296, 2.6): half-open IKE SAs, counted in all and per address, and cookies.
 *
 * A retransmitted IKE_SA_INIT request is told from a new one by the digest of the whole datagram (RFC 7296, 2.1).
 */
#include "halfopen.h"

#include "octets/payload.h"

#include <errno.h>
#include <string.h>

enum { BUCKETS = 1024, RECENT = 1024, ROTATE_US = 60 * 1000000 };

/* How many half-open IKE SAs an address has. */
struct guest {
	struct guest *chain;
	struct rv_addr addr;
	uint32_t n;
};

struct ike_halfopen {
	struct ike_engine *engine;
	struct ike_handshake *sa[BUCKETS];
	struct guest *guest[BUCKETS];
	uint64_t seed, rotated_us;
	uint64_t recent[RECENT]; /* digests of first messages that led to an IKE SA, the newest in each place */
	uint32_t n;
	bool loud; /* cookies are asked for: said once */
	struct ike_cookies *cookies;
};

int ike_halfopen_init(struct ike_engine *engine)
{
	struct ike_halfopen *half = talloc_zero(engine, struct ike_halfopen);

	if (!half)
		return -ENOMEM;
	half->engine = engine;
	rv_host_random(engine->host, &half->seed, sizeof(half->seed));
	half->cookies = ike_cookies_new(half, engine->host->vault);
	engine->halfopen = half;
	return half->cookies ? 0 : -ENOMEM;
}

static unsigned slot(const struct ike_halfopen *half, uint64_t spi, const struct rv_addr *addr)
{
	uint64_t h = half->seed ^ spi;

	for (size_t i = 0; i < sizeof(addr->ip); i++)
		h = (h ^ addr->ip[i]) * 0x9e3779b97f4a7c15u;
	return (unsigned)(h >> 40) % BUCKETS;
}

static struct guest **guest_at(struct ike_halfopen *half, const struct rv_addr *addr)
{
	struct guest **at = &half->guest[slot(half, 0, addr)];

	while (*at && !rv_addr_same_ip(&(*at)->addr, addr))
		at = &(*at)->chain;
	return at;
}

static void leave(struct ike_handshake *hs, struct ike_halfopen *half)
{
	struct guest **at = guest_at(half, &hs->from), *guest = *at;

	if (!hs->counted)
		return;
	hs->counted = false;
	half->n--;
	if (!guest || --guest->n)
		return;
	*at = guest->chain;
	talloc_free(guest);
}

void ike_halfopen_add(struct ike_handshake *hs)
{
	struct ike_halfopen *half = hs->sa->engine->halfopen;
	const struct rv_addr *addr = &hs->from;
	struct ike_handshake **head = &half->sa[slot(half, ike_sa_theirs(hs->sa), addr)];
	struct guest **at = guest_at(half, addr);

	hs->chain = *head;
	*head = hs;
	if (!*at) {
		*at = talloc_zero(half, struct guest);
		if (!*at)
			return;
		(*at)->addr = *addr;
	}
	(*at)->n++;
	half->n++;
	hs->counted = true;
}

void ike_halfopen_remove(struct ike_handshake *hs)
{
	struct ike_halfopen *half = hs->sa->engine->halfopen;
	struct ike_handshake **at = &half->sa[slot(half, ike_sa_theirs(hs->sa), &hs->from)];

	while (*at && *at != hs)
		at = &(*at)->chain;
	if (!*at)
		return;
	*at = hs->chain;
	hs->chain = NULL;
	if (hs->sa->state >= RV_IKE_ESTABLISHED)
		half->recent[hs->digest % RECENT] = hs->digest;
	leave(hs, half);
}

bool ike_halfopen_stale(const struct ike_engine *engine, uint64_t digest)
{
	return engine->halfopen->recent[digest % RECENT] == digest;
}

struct rv_ike_sa *ike_halfopen_find(struct ike_engine *engine, uint64_t spi_i, const struct rv_addr *remote,
				    uint64_t digest)
{
	struct ike_halfopen *half = engine->halfopen;

	for (struct ike_handshake *hs = half->sa[slot(half, spi_i, remote)]; hs; hs = hs->chain)
		if (hs->digest == digest && hs->sa->spi_i == spi_i && rv_addr_same(&hs->from, remote))
			return hs->sa;
	return NULL;
}

static bool wants_cookie(struct ike_halfopen *half, const struct rv_conf *conf)
{
	bool wants = half->n >= (uint64_t)rv_conf_int(conf, "cookie_threshold");

	if (wants && !half->loud)
		rv_log(&half->engine->host->subject, RV_WARN, "cookies-on", KV_UINT("half-open", half->n));
	if (!wants && half->loud)
		rv_log(&half->engine->host->subject, RV_NOTICE, "cookies-off", KV_UINT("half-open", half->n));
	half->loud = wants;
	return wants;
}

static void rotate(struct ike_halfopen *half)
{
	uint64_t now = rv_loop_now_us(half->engine->host->loop);
	RV_WIPED(uint8_t, fresh, [IKE_COOKIE_SECRET_LEN]);

	if (half->rotated_us && now - half->rotated_us < ROTATE_US)
		return;
	rv_host_random(half->engine->host, fresh, sizeof(fresh));
	ike_cookies_rotate(half->cookies, fresh);
	half->rotated_us = now;
}

/* What the request brings, as extensions see it. */

static bool payload_of(const struct rv_ike_stranger *stranger, uint8_t type, struct rv_bytes *body)
{
	const struct ike_message *message = stranger->payload_arg;
	const struct ike_payload *p = ike_chain_first(&message->chain, type);

	if (p)
		*body = p->body;
	return p != NULL;
}

static bool notify_of(const struct rv_ike_stranger *stranger, uint16_t type, struct rv_bytes *data)
{
	const struct ike_message *message = stranger->payload_arg;
	struct ike_notify notify;

	if (!ike_notify_find(&message->chain, type, &notify))
		return false;
	*data = notify.data;
	return true;
}

/* RFC 7296, 2.6: a request whose cookie does not match is treated as if it had none */
static void look_at_cookie(struct ike_halfopen *half, struct rv_service *prf, const struct ike_message *message,
			   struct rv_bytes ni, struct rv_ike_stranger *s)
{
	struct ike_notify notify;

	if (!ike_notify_find(&message->chain, IKE_N_COOKIE, &notify) ||
	    !ike_cookie_check(half->cookies, prf, notify.data, ni, &s->path->remote, message->header.spi_i, &s->info))
		return;
	s->returned = true;
	s->cookie = notify.data;
}

/* Answers with a cookie, and with what an extension asks for besides. */
static int ask(struct ike_port *port, struct rv_service *prf, const struct ike_message *message, struct rv_bytes ni,
	       const struct rv_ike_stranger *s)
{
	struct ike_halfopen *half = port->engine->halfopen;
	uint8_t cookie[IKE_COOKIE_MAX], room[128];
	struct ike_builder b;
	int len;

	rotate(half);
	len = ike_cookie_make(half->cookies, prf, ni, &s->path->remote, message->header.spi_i,
			      rv_bytes(s->ask_info, s->n_ask_info), cookie);
	if (len < 0)
		return len;
	ike_builder_init(&b, room, sizeof(room));
	ike_notify_put(&b, IKE_N_COOKIE, rv_bytes(cookie, (size_t)len));
	if (s->ask_type)
		ike_notify_put(&b, s->ask_type, rv_bytes(s->ask_data, s->n_ask_data));
	ike_reply(port, s->path, &message->header, &b);
	return RV_PENDING;
}

static int limit(struct ike_halfopen *half, const struct rv_conf *conf, const struct rv_ike_stranger *s)
{
	uint64_t all = (uint64_t)rv_conf_int(conf, "init_limit_half_open");
	uint64_t each = (uint64_t)rv_conf_int(conf, "block_threshold");

	if (!(all && half->n >= all) && !(each && s->of_peer >= each))
		return 0;
	if (ike_rate_ok(half->engine, &half->engine->logs, 5))
		rv_log(&half->engine->host->subject, RV_WARN, "half-open-limit", KV_ADDR("peer", &s->path->remote),
		       KV_UINT("of-peer", s->of_peer), KV_UINT("in-all", half->n));
	return -RV_ELIMIT;
}

int ike_halfopen_admit(struct ike_port *port, const struct rv_path *path, const struct ike_message *message,
		       struct rv_bytes ni, const struct ike_proposals *offer, struct rv_ike_stranger *s)
{
	struct ike_halfopen *half = port->engine->halfopen;
	const struct rv_conf *conf = rv_host_conf(port->engine->host);
	struct rv_service *prf = rv_registry_find(port->engine->host->registry, "prf", "hmac-sha256");
	const struct guest *guest = *guest_at(half, &path->remote);
	bool wants = wants_cookie(half, conf);
	int r;

	*s = (struct rv_ike_stranger){ .path = path,
				       .half_open = half->n,
				       .of_peer = guest ? guest->n : 0,
				       .offered = offer->proposal,
				       .n_offered = offer->n,
				       .payload = payload_of,
				       .payload_arg = message,
				       .notify = notify_of };

	if (prf)
		look_at_cookie(half, prf, message, ni, s);
	r = ike_ext_stranger(port->engine, s);
	if (!r && wants && !s->returned)
		r = RV_PENDING;
	if (r == RV_PENDING)
		return prf ? ask(port, prf, message, ni, s) : -RV_ENO_PROVIDER;
	return r ? r : limit(half, conf, s);
}
