// SPDX-License-Identifier: LGPL-2.1-or-later
/* sa: makes, counts and frees security associations. */
#include "sa.h"

#include "extend.h"

#include <errno.h>
#include <ravelin/error.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TS_MAX = 255 };

/* Without an own limit an SA without extended numbers asks for new keys when 15/16 of them are used. */
static const uint64_t last_short = UINT32_MAX, soft_short = UINT64_C(0xf0000000);

static const char *fault(const struct rv_sa_spec *s)
{
	const struct rv_addr *peer = s->dir == RV_OUT ? &s->dst : &s->src;

	if (s->protocol != RV_PROTO_ESP && s->protocol != RV_PROTO_AH)
		return "an SA is of ESP or AH";
	if (s->protocol == RV_PROTO_AH && (s->encap || s->ext || s->encr_key.len))
		return "AH has no encryption, no UDP encapsulation and no extensions";
	if (s->protocol == RV_PROTO_AH && s->dir == RV_OUT && rv_addr_is_any(&s->src))
		return "AH covers the outer addresses, and our own is missing";
	if (s->mode != RV_TUNNEL && s->mode != RV_TRANSPORT)
		return "an SA is of tunnel or transport mode";
	if (s->dir != RV_IN && s->dir != RV_OUT)
		return "an SA goes in or out";
	if (s->spi < SPI_FIRST)
		return "SPIs up to 255 are reserved (RFC 4303, 2.1)";
	if (!rv_family_len(peer->family) || s->src.family != s->dst.family || rv_addr_is_any(peer))
		return "the outer addresses are not of one family, or the peer's is missing";
	if (s->encap && !peer->port)
		return "the peer's port is missing";
	if (!s->n_local_ts || !s->n_remote_ts || s->n_local_ts > TS_MAX || s->n_remote_ts > TS_MAX)
		return "1 to 255 traffic selectors a side are possible";
	if (s->replay_window > REPLAY_MAX)
		return "the replay window is larger than 4096";
	if (!s->esn && s->sequence > last_short)
		return "the sequence number needs ESN";
	return NULL;
}

static void user_text(const struct rv_user *user, char *out, size_t size)
{
	const struct sa *sa = rv_container_of(user, struct sa, user);

	snprintf(out, size, "%s SA %08x (%s) of child SA #%u", sa->protocol == RV_PROTO_AH ? "AH" : "ESP", sa->key,
		 sa->dir == RV_IN ? "in" : "out", sa->child_id);
}

static const struct sa_limits no_limits;

/* One block: the struct, a context pointer a worker, the window's ring, limits where there are any, the selectors. It
 * begins a line of the cache; what is written by workers is in front. */
static struct sa *block_new(const struct rv_sa_spec *spec, unsigned n_workers)
{
	const struct sa_limits limits = { spec->bytes_soft, spec->bytes_hard, spec->packets_soft, spec->packets_hard };
	bool limited = limits.bytes_soft || limits.bytes_hard || limits.packets_soft || limits.packets_hard;
	size_t n_ts = spec->n_local_ts + spec->n_remote_ts;
	size_t words = spec->dir == RV_IN ? replay_words(spec->replay_window) : 0;
	size_t ring_at = sizeof(struct sa) + n_workers * sizeof(struct context *);
	size_t limits_at = ring_at + words * sizeof(uint64_t);
	size_t ts_at = limits_at + (limited ? sizeof(limits) : 0);
	size_t size = ts_at + n_ts * sizeof(struct rv_ts);
	void *block = NULL;

	if (posix_memalign(&block, ALIGN, size))
		return NULL;
	memset(block, 0, size);
	struct sa *sa = block;
	struct rv_ts *ts = (void *)((uint8_t *)block + ts_at);
	_Atomic uint64_t *ring = (void *)((uint8_t *)block + ring_at);
	struct sa_limits *own = (void *)((uint8_t *)block + limits_at);
	if (limited)
		*own = limits;
	sa->limits = limited ? own : &no_limits;
	memcpy(ts, spec->local_ts, spec->n_local_ts * sizeof(*ts));
	memcpy(ts + spec->n_local_ts, spec->remote_ts, spec->n_remote_ts * sizeof(*ts));
	sa->ts = ts;
	if (spec->dir == RV_IN)
		replay_init(&sa->in.replay, spec->replay_window, spec->sequence, ring);
	else
		atomic_init(&sa->out.sequence, spec->sequence);
	sa->alone = n_workers == 1;
	if (spec->dir == RV_IN)
		sa->in.replay.alone = sa->alone;
	return sa;
}

static void copy_spec(struct sa *sa, const struct rv_sa_spec *spec)
{
	sa->key = spec->spi;
	sa->reqid = spec->reqid;
	sa->child_id = spec->child_id;
	sa->dir = spec->dir;
	sa->mode = spec->mode;
	sa->protocol = spec->protocol;
	sa->esn = spec->esn;
	sa->n_local = (uint8_t)spec->n_local_ts;
	sa->n_remote = (uint8_t)spec->n_remote_ts;
	sa->user.text = user_text;
	sa->terms = (struct sa_terms){ .tfc = spec->tfc,
				       .copy_dscp = spec->copy_dscp,
				       .plain_ecn = spec->plain_ecn,
				       .keep_mss = spec->keep_mss,
				       .fragment_first = spec->fragment_first,
				       .fragments_also = spec->fragments_also,
				       .copy_df = spec->copy_df };
	sa->first = (struct sa_path){
		.src = spec->src, .dst = spec->dst, .encap = spec->encap, .wire = sa_wire(spec->protocol, spec->encap)
	};
	atomic_init(&sa->path, &sa->first);
}

static int take_keys(struct sa *sa, const struct sa_params *params, const struct rv_sa_spec *spec, struct rv_why *why)
{
	size_t len = spec->encr_key.len + spec->integ_key.len;

	if (spec->encr_key.len != sa->suite.key_len || spec->integ_key.len != sa->suite.integ_len)
		return rv_why_set(why, -EINVAL, "the keys have %zu and %zu octets, the algorithms need %u and %u",
				  spec->encr_key.len, spec->integ_key.len, sa->suite.key_len, sa->suite.integ_len);
	if (!rv_secret_init(&sa->keys, params->vault, len ? len : 1))
		return -ENOMEM;
	if (spec->encr_key.len)
		memcpy(sa->keys.b, spec->encr_key.p, spec->encr_key.len);
	if (spec->integ_key.len)
		memcpy(sa->keys.b + spec->encr_key.len, spec->integ_key.p, spec->integ_key.len);
	return 0;
}

struct sa *sa_new(const struct sa_params *params, const struct rv_sa_spec *spec, struct rv_why *why, int *error)
{
	const char *wrong = fault(spec);
	struct sa *sa = wrong ? NULL : block_new(spec, params->n_workers);

	*error = wrong ? rv_why_set(why, -EINVAL, "%s", wrong) : -ENOMEM;
	if (!sa)
		return NULL;
	copy_spec(sa, spec);
	*error = rv_suite_init(&sa->suite, params->registry, &spec->chosen, &sa->user, why);
	if (!*error)
		*error = take_keys(sa, params, spec, why);
	if (!*error && spec->ext)
		*error = sa_extend(sa, params->registry, params->n_workers, spec, why);
	if (!*error)
		*error = dummy_new(sa, spec);
	if (!*error)
		return sa;
	sa_free(sa);
	return NULL;
}

static struct sa_moved *moved_of(const struct sa_path *path)
{
	return rv_container_of(path, struct sa_moved, path);
}

void sa_free(struct sa *sa)
{
	const struct sa_path *path = atomic_load(&sa->path);

	dummy_free(sa);
	sa_unextend(sa);
	rv_secret_fini(&sa->keys);
	rv_suite_fini(&sa->suite);
	if (path != &sa->first)
		free(moved_of(path));
	free(sa);
}

static void moved_free(struct retired *retired)
{
	free(rv_container_of(retired, struct sa_moved, retired));
}

int sa_move(struct sa *sa, struct retirer *retirer, const struct sa_path *to)
{
	const struct sa_path *old = atomic_load(&sa->path);
	struct sa_moved *moved = malloc(sizeof(*moved));

	if (!moved)
		return -ENOMEM;
	*moved = (struct sa_moved){ .path = *to };
	atomic_store_explicit(&sa->path, &moved->path, memory_order_release);
	if (old != &sa->first)
		retire(retirer, &moved_of(old)->retired, moved_free);
	return 0;
}

int sa_set_mtu(struct sa *sa, struct retirer *retirer, uint16_t mtu, uint64_t until_us)
{
	struct sa_path to = *atomic_load(&sa->path);

	to.mtu = mtu;
	int r = sa_move(sa, retirer, &to);
	if (!r)
		moved_of(atomic_load(&sa->path))->until_us = until_us;
	return r;
}

uint64_t sa_mtu_until(const struct sa *sa)
{
	const struct sa_path *path = atomic_load(&sa->path);

	return path->mtu ? moved_of(path)->until_us : 0;
}

struct rv_bytes sa_encr_key(const struct sa *sa)
{
	return rv_bytes(sa->keys.b, sa->suite.key_len);
}

struct rv_bytes sa_integ_key(const struct sa *sa)
{
	return rv_bytes(sa->keys.b + sa->suite.key_len, sa->suite.integ_len);
}

static bool any_match(const struct rv_ts *ts, size_t n, const struct ip_info *info, const uint8_t *ip, uint16_t port)
{
	for (size_t i = 0; i < n; i++)
		if (rv_ts_match(&ts[i], info->family, ip, info->proto, port, info->ports_known))
			return true;
	return false;
}

bool sa_match(const struct sa *sa, const struct ip_info *info)
{
	bool out = sa->dir == RV_OUT;
	const uint8_t *local = out ? info->src : info->dst, *remote = out ? info->dst : info->src;
	uint16_t local_port = out ? info->src_port : info->dst_port;
	uint16_t remote_port = out ? info->dst_port : info->src_port;

	return any_match(sa->ts, sa->n_local, info, local, local_port) &&
	       any_match(sa->ts + sa->n_local, sa->n_remote, info, remote, remote_port);
}

uint64_t sa_next_sequence(struct sa *sa)
{
	uint64_t last = sa->esn ? UINT64_MAX : last_short;
	uint64_t now = atomic_load_explicit(&sa->out.sequence, memory_order_relaxed);

	if (sa->alone && now < last) {
		atomic_store_explicit(&sa->out.sequence, now + 1, memory_order_relaxed);
		return now + 1;
	}
	do {
		if (now >= last)
			return 0;
	} while (!atomic_compare_exchange_weak_explicit(&sa->out.sequence, &now, now + 1, memory_order_relaxed,
							memory_order_relaxed));
	return now + 1;
}

uint64_t sa_sequence(const struct sa *sa)
{
	if (sa->dir == RV_OUT)
		return atomic_load_explicit(&sa->out.sequence, memory_order_relaxed);
	return replay_top(&sa->in.replay);
}

static bool over(uint64_t value, uint64_t limit)
{
	return limit && value >= limit;
}

bool sa_may(const struct sa *sa, uint64_t pending_packets, uint64_t pending_bytes, uint32_t len)
{
	uint64_t packets = atomic_load_explicit(&sa->packets, memory_order_relaxed) + pending_packets;
	uint64_t bytes = atomic_load_explicit(&sa->bytes, memory_order_relaxed) + pending_bytes;

	if (atomic_load_explicit(&sa->ended, memory_order_relaxed))
		return false;
	if (sa->limits->packets_hard && packets + 1 > sa->limits->packets_hard)
		return false;
	return !sa->limits->bytes_hard || bytes + len <= sa->limits->bytes_hard;
}

enum sa_limit sa_count(struct sa *sa, uint64_t packets, uint64_t bytes, uint64_t now_us)
{
	uint64_t n = atomic_fetch_add_explicit(&sa->packets, packets, memory_order_relaxed) + packets;
	uint64_t octets = atomic_fetch_add_explicit(&sa->bytes, bytes, memory_order_relaxed) + bytes;
	bool counts = sa->dir == RV_OUT && !sa->esn; /* towards the last sequence number */
	uint64_t sequence = counts ? atomic_load_explicit(&sa->out.sequence, memory_order_relaxed) : 0;

	atomic_store_explicit(&sa->used_us, now_us, memory_order_relaxed);
	if (over(n, sa->limits->packets_hard) || over(octets, sa->limits->bytes_hard) || sequence >= last_short)
		return atomic_exchange(&sa->ended, true) ? SA_FINE : SA_HARD;
	if (over(n, sa->limits->packets_soft) || over(octets, sa->limits->bytes_soft) || sequence >= soft_short)
		return atomic_exchange(&sa->soft_told, true) ? SA_FINE : SA_SOFT;
	return SA_FINE;
}

void sa_stats(const struct sa *sa, struct rv_sa_stats *out)
{
	*out = (struct rv_sa_stats){ .packets = atomic_load_explicit(&sa->packets, memory_order_relaxed),
				     .bytes = atomic_load_explicit(&sa->bytes, memory_order_relaxed),
				     .last_used_us = atomic_load_explicit(&sa->used_us, memory_order_relaxed) };
	for (int i = 0; i < RV_N_DROPS; i++)
		out->dropped[i] = atomic_load_explicit(&sa->dropped[i], memory_order_relaxed);
}
