// SPDX-License-Identifier: LGPL-2.1-or-later
/* extend: SAs whose texts pass an extension (esp-ext.h): bursts, turns at the extension's own time, wrappers.
 *
 * SAs whose extension keeps a time are in one list, which each worker walks when the earliest time of its own has come.
 */
#include "extend.h"

#include "out.h"

#include <errno.h>
#include <ravelin/error.h>
#include <stdlib.h>

int sa_extend(struct sa *sa, struct rv_registry *registry, unsigned n_workers, const struct rv_sa_spec *spec,
	      struct rv_why *why)
{
	struct rv_service *service = rv_registry_find(registry, "esp-ext", spec->ext);
	struct sa_ext *ext = service ? calloc(1, sizeof(*ext)) : NULL;
	int r;

	if (!service)
		return rv_why_set(why, -RV_ENO_PROVIDER, "no loaded plugin extends ESP by %s", spec->ext);
	if (!ext)
		return -ENOMEM;
	ext->ops = rv_service_ops(service);
	ext->self = rv_service_self(service);
	ext->sa = sa;
	atomic_init(&ext->due_us, ext->ops->tick ? 0 : UINT64_MAX);
	atomic_init(&ext->ticker, spec->spi % n_workers);
	r = rv_ref_take(&ext->ref, service, &sa->user);
	if (!r)
		r = ext->ops->open(ext->self, spec, n_workers, &ext->state);
	if (r) {
		rv_ref_drop(&ext->ref);
		free(ext);
		return r;
	}
	sa->ext = ext;
	return 0;
}

void sa_unextend(struct sa *sa)
{
	if (!sa->ext)
		return;
	sa->ext->ops->close(sa->ext->self, sa->ext->state);
	rv_ref_drop(&sa->ext->ref);
	free(sa->ext);
	sa->ext = NULL;
}

/* The place of a wrapper, or a free one for it. */
static struct wrapping *wrapping_of(struct extended *all, const struct rv_esp_wrapper *wrapper)
{
	struct wrapping *none = NULL;

	for (size_t i = 0; i < RV_COUNT(all->wrappers); i++) {
		if (atomic_load(&all->wrappers[i].wrapper) == wrapper)
			return &all->wrappers[i];
		if (!all->wrappers[i].users)
			none = &all->wrappers[i];
	}
	return none;
}

int extend_link(struct extended *all, struct sa *sa)
{
	struct sa_ext *ext = sa->ext;
	struct wrapping *wrapping = ext->ops->wrapper ? wrapping_of(all, ext->ops->wrapper) : NULL;

	if (ext->ops->wrapper && !wrapping)
		return -RV_ELIMIT;
	if (wrapping && !wrapping->users++)
		atomic_store_explicit(&wrapping->wrapper, ext->ops->wrapper, memory_order_release);
	return 0;
}

void extend_time(struct extended *all, struct sa *sa)
{
	struct sa_ext *ext = sa->ext;

	if (!ext->ops->tick)
		return;
	atomic_store(&ext->next, atomic_load(&all->timed));
	atomic_store_explicit(&all->timed, ext, memory_order_release);
}

void extend_unlink(struct extended *all, struct sa *sa)
{
	struct sa_ext *ext = sa->ext;
	struct wrapping *wrapping = ext->ops->wrapper ? wrapping_of(all, ext->ops->wrapper) : NULL;
	_Atomic(struct sa_ext *) *at = &all->timed;

	if (wrapping && !--wrapping->users)
		atomic_store(&wrapping->wrapper, NULL);
	for (struct sa_ext *e; (e = atomic_load(at)); at = &e->next)
		if (e == ext) {
			atomic_store(at, atomic_load(&ext->next));
			return;
		}
}

/* Workers */

struct turn {
	struct rv_esp_turn turn;
	struct lane *lane;
	struct sa *sa;
	const struct sa_path *path;
};

static bool emit(struct rv_esp_turn *base, const struct rv_esp_text *text)
{
	const struct turn *turn = rv_container_of(base, struct turn, turn);

	return turn->sa->dir == RV_OUT ? out_emit(turn->lane, turn->sa, turn->path, text)
				       : in_emit_text(turn->lane, turn->sa, text);
}

static uint32_t fits(const struct rv_esp_turn *base, uint32_t outer)
{
	const struct turn *turn = rv_container_of(base, struct turn, turn);

	return esp_room(turn->sa, turn->path, outer);
}

static void drop(struct rv_esp_turn *base, enum rv_drop cause)
{
	sa_drop(rv_container_of(base, struct turn, turn)->sa, cause);
}

/* What comes out of the texts should not have to be sent while an extension keeps other workers waiting. */
static void make_room(struct lane *lane, const struct rv_esp_text *texts, size_t n)
{
	size_t len = 0;

	for (size_t i = 0; i < n; i++)
		len += texts[i].len;
	if (lane->in.n_clear + n > RV_BURST || lane->in.at + len > SCRATCH)
		in_flush(lane);
}

/* n 0: its time has come. */
static void give_turn(struct lane *lane, struct sa *sa, const struct rv_esp_text *texts, size_t n)
{
	struct sa_ext *ext = sa->ext;
	const struct sa_path *path = atomic_load_explicit(&sa->path, memory_order_acquire);
	uint64_t due_us = n ? atomic_load_explicit(&ext->due_us, memory_order_relaxed) : UINT64_MAX;
	struct turn turn = { .turn = { .worker = lane->index,
				       .now_us = lane->now_us,
				       .due_us = due_us,
				       .mtu = lane_path_mtu(lane, path),
				       .emit = emit,
				       .fits = fits,
				       .drop = drop },
			     .lane = lane,
			     .sa = sa,
			     .path = path };

	if (!n)
		ext->ops->tick(ext->state, &turn.turn);
	else if (sa->dir == RV_OUT)
		ext->ops->out(ext->state, &turn.turn, texts, n);
	else {
		make_room(lane, texts, n);
		ext->ops->in(ext->state, &turn.turn, texts, n);
	}
	if (n && turn.turn.due_us == due_us)
		return;
	atomic_store_explicit(&ext->due_us, turn.turn.due_us, memory_order_relaxed);
	atomic_store_explicit(&ext->ticker, lane->index, memory_order_relaxed);
	if (turn.turn.due_us < lane->due_us)
		lane->due_us = turn.turn.due_us;
}

void extend_add(struct lane *lane, struct sa *sa, const struct rv_esp_text *text)
{
	struct burst *burst = &lane->burst;

	if (burst->sa != sa || burst->n == RV_BURST)
		extend_run(lane);
	burst->sa = sa;
	burst->texts[burst->n++] = *text;
}

void extend_run(struct lane *lane)
{
	struct burst *burst = &lane->burst;
	size_t n = burst->n;

	burst->n = 0;
	if (n)
		give_turn(lane, burst->sa, burst->texts, n);
	burst->sa = NULL;
}

void extend_tick(struct lane *lane)
{
	struct sa_ext *ext = atomic_load_explicit(&lane->db->extended.timed, memory_order_acquire);
	bool any = false;

	lane->due_us = UINT64_MAX;
	for (; ext; ext = atomic_load_explicit(&ext->next, memory_order_acquire)) {
		if (atomic_load_explicit(&ext->ticker, memory_order_relaxed) != lane->index)
			continue;
		if (atomic_load_explicit(&ext->due_us, memory_order_relaxed) <= lane->now_us) {
			give_turn(lane, ext->sa, NULL, 0);
			any = true;
		}
		uint64_t due_us = atomic_load_explicit(&ext->due_us, memory_order_relaxed);
		if (due_us < lane->due_us)
			lane->due_us = due_us;
	}
	if (any) {
		out_flush(lane);
		in_flush(lane);
	}
	dummy_tick(lane);
}

/* Wrappers */

enum { MARKER = 4 };

uint32_t extend_front(const struct sa *sa, const struct sa_path *path, uint8_t *p, const struct rv_esp_text *text)
{
	const struct rv_esp_wrapper *wrapper = sa->ext->ops->wrapper;

	if (!wrapper)
		return 0;
	if (!path->encap)
		return wrapper->put(sa->ext->state, p, text, path->dst.family, false);
	ip_put32(p, wrapper->marker);
	return MARKER + wrapper->put(sa->ext->state, p + MARKER, text, path->dst.family, true);
}

uint32_t extend_front_len(const struct sa *sa, const struct sa_path *path)
{
	static const struct rv_esp_text nothing;
	uint8_t front[MARKER + RV_ESP_FRONT_MAX];

	return sa->ext ? extend_front(sa, path, front, &nothing) : 0;
}

/* The wrapper that a packet says it has. */
static const struct rv_esp_wrapper *wrapper_of(const struct extended *all, const struct rv_packet *packet,
					       uint32_t first_word)
{
	for (size_t i = 0; i < RV_COUNT(all->wrappers); i++) {
		const struct rv_esp_wrapper *w = atomic_load_explicit(&all->wrappers[i].wrapper, memory_order_acquire);
		if (w && (packet->encap ? w->marker == first_word : w->protocol == packet->protocol))
			return w;
	}
	return NULL;
}

struct sa *extend_unwrap(struct lane *lane, const struct rv_packet *packet, uint8_t **esp, uint32_t *len,
			 struct rv_bytes *front)
{
	const struct rv_esp_wrapper *wrapper =
		*len >= MARKER ? wrapper_of(&lane->db->extended, packet, ip_u32(*esp)) : NULL;
	uint32_t at = packet->encap ? MARKER : 0;
	uint32_t skip = wrapper ? wrapper->skip(rv_bytes(*esp + at, *len - at)) : 0;

	if (!skip || *len < at + skip + ESP_HEADER)
		return NULL;
	*front = rv_bytes(*esp + at, skip);
	*esp += at + skip;
	*len -= at + skip;
	struct sa *sa = table_get(&lane->db->in, ip_u32(*esp));
	return sa && sa->ext && sa->ext->ops->wrapper == wrapper ? sa : NULL;
}
