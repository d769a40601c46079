// SPDX-License-Identifier: LGPL-2.1-or-later
/* extend: SAs whose texts pass an extension (esp-ext.h): bursts, turns at the extension's own time, wrappers.
 *
 * What a group says of a worker is never later than what is due in it; it may be sooner, when a time was put off or
 * another worker keeps it now, and is put right by the look that it leads to.
 */
#include "extend.h"

#include "out.h"

#include <errno.h>
#include <ravelin/error.h>
#include <stdlib.h>

enum { TIMED_GROUP = 64 };

struct timed_group {
	_Atomic(struct timed_group *) next;
	unsigned n; /* loop */
	_Atomic(struct timed *) members[TIMED_GROUP];
	bool taken[TIMED_GROUP];   /* loop */
	_Atomic uint64_t due_us[]; /* by worker */
};

static struct timed_group *group_new(struct timed_groups *groups, unsigned n_workers)
{
	struct timed_group *group = calloc(1, sizeof(*group) + n_workers * sizeof(group->due_us[0]));

	if (!group)
		return NULL;
	for (unsigned i = 0; i < n_workers; i++)
		atomic_init(&group->due_us[i], UINT64_MAX);
	atomic_init(&group->next, atomic_load(&groups->first));
	atomic_store_explicit(&groups->first, group, memory_order_release);
	return group;
}

int timed_add(struct timed_groups *groups, struct timed *timed, unsigned n_workers)
{
	struct timed_group *group = atomic_load(&groups->first);

	while (group && group->n == TIMED_GROUP)
		group = atomic_load(&group->next);
	if (!group)
		group = group_new(groups, n_workers);
	if (!group)
		return -ENOMEM;
	timed->place = 0;
	while (group->taken[timed->place])
		timed->place++;
	group->taken[timed->place] = true;
	group->n++;
	timed->group = group;
	return 0;
}

/* What is due is stored before this, and read after what this changes was taken away. */
static void lower(struct timed_group *group, unsigned worker, uint64_t due_us)
{
	uint64_t was = atomic_load(&group->due_us[worker]);

	while (due_us < was && !atomic_compare_exchange_weak(&group->due_us[worker], &was, due_us))
		;
}

void timed_begin(struct timed *timed, unsigned worker)
{
	atomic_store(&timed->worker, worker);
	atomic_store(&timed->due_us, 0);
	atomic_store(&timed->group->members[timed->place], timed);
	lower(timed->group, worker, 0);
}

void timed_end(struct timed *timed)
{
	struct timed_group *group = timed->group;

	if (!group)
		return;
	atomic_store(&group->members[timed->place], NULL);
	group->taken[timed->place] = false;
	group->n--;
}

void timed_fini(struct timed_groups *groups)
{
	struct timed_group *next;

	for (struct timed_group *group = atomic_load(&groups->first); group; group = next) {
		next = atomic_load(&group->next);
		free(group);
	}
	atomic_store(&groups->first, NULL);
}

/* Two workers may say different times at once: whoever is last to keep it knows the one that counts. */
void timed_set(struct lane *lane, struct timed *timed, uint64_t due_us)
{
	atomic_store(&timed->due_us, due_us);
	atomic_store(&timed->worker, lane->index);
	due_us = atomic_load(&timed->due_us);
	lower(timed->group, lane->index, due_us);
	if (due_us < lane->due_us)
		lane->due_us = due_us;
}

static bool look_at(struct lane *lane, struct timed_group *group)
{
	uint64_t first = UINT64_MAX;
	bool any = false;

	atomic_store(&group->due_us[lane->index], UINT64_MAX);
	for (unsigned i = 0; i < TIMED_GROUP; i++) {
		struct timed *timed = atomic_load(&group->members[i]);
		if (!timed || atomic_load(&timed->worker) != lane->index)
			continue;
		if (atomic_load(&timed->due_us) <= lane->now_us) {
			atomic_store(&timed->due_us, UINT64_MAX);
			timed->fn(lane, timed);
			any = true;
		}
		uint64_t due_us = atomic_load(&timed->due_us);
		first = due_us < first ? due_us : first;
	}
	lower(group, lane->index, first);
	return any;
}

bool timed_tick(struct lane *lane)
{
	struct timed_group *group = atomic_load_explicit(&lane->db->extended.timed.first, memory_order_acquire);
	bool any = false;

	lane->due_us = UINT64_MAX;
	for (; group; group = atomic_load_explicit(&group->next, memory_order_acquire)) {
		if (atomic_load(&group->due_us[lane->index]) <= lane->now_us)
			any = look_at(lane, group) || any;
		uint64_t due_us = atomic_load(&group->due_us[lane->index]);
		if (due_us < lane->due_us)
			lane->due_us = due_us;
	}
	return any;
}

/* Extensions */

static timed_fn tick;

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
	ext->timed.fn = tick;
	atomic_init(&ext->timed.due_us, UINT64_MAX);
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

int extend_link(struct extended *all, struct sa *sa, unsigned n_workers)
{
	struct sa_ext *ext = sa->ext;
	struct wrapping *wrapping = ext->ops->wrapper ? wrapping_of(all, ext->ops->wrapper) : NULL;

	if (ext->ops->wrapper && !wrapping)
		return -RV_ELIMIT;
	if (ext->ops->tick && timed_add(&all->timed, &ext->timed, n_workers))
		return -ENOMEM;
	if (wrapping && !wrapping->users++)
		atomic_store_explicit(&wrapping->wrapper, ext->ops->wrapper, memory_order_release);
	return 0;
}

void extend_time(struct sa *sa, unsigned worker)
{
	if (sa->ext->ops->tick)
		timed_begin(&sa->ext->timed, worker);
}

void extend_unlink(struct extended *all, struct sa *sa)
{
	struct sa_ext *ext = sa->ext;
	struct wrapping *wrapping = ext->ops->wrapper ? wrapping_of(all, ext->ops->wrapper) : NULL;

	if (wrapping && !--wrapping->users)
		atomic_store(&wrapping->wrapper, NULL);
	timed_end(&ext->timed);
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
	uint64_t due_us = n ? atomic_load_explicit(&ext->timed.due_us, memory_order_relaxed) : UINT64_MAX;
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
	if (turn.turn.due_us != due_us && ext->timed.group)
		timed_set(lane, &ext->timed, turn.turn.due_us);
}

static void tick(struct lane *lane, struct timed *timed)
{
	give_turn(lane, rv_container_of(timed, struct sa_ext, timed)->sa, NULL, 0);
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
	if (!timed_tick(lane))
		return;
	out_flush(lane);
	in_flush(lane);
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
