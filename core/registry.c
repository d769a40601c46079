// SPDX-License-Identifier: LGPL-2.1-or-later
/* registry: who offers what, which of several providers is chosen, and who holds a reference.
 *
 * Services are talloc children of their owners; their destructor withdraws them. A slot gathers the services of one
 * (kind, name) and knows the chosen one, so that a look-up is one hash and one pointer. Callbacks may add and drop
 * anything: every walk over a list is registered, and what is taken out of a list is stepped over.
 */
#include "registry-parts.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

enum { FIRST_BUCKETS = 64 };

struct kind {
	struct rv_list entry;
	const char *name;
	unsigned version;	/* of the services that are there */
	char **order;		/* the configuration's, NULL-terminated; or NULL */
	struct rv_list slots;	/* by name */
	struct rv_list watches; /* in the order of their making */
};

struct rv_slot {
	struct rv_list entry;
	struct rv_slot *next; /* in the bucket */
	struct kind *kind;
	const char *name;
	uint32_t hash;
	struct rv_list services;
	struct rv_service *chosen;
};

/* A walk under way. next is moved on when it is taken out of the list. */
struct walk {
	struct walk *outer;
	struct rv_list *head, *next;
};

struct rv_registry {
	struct rv_measure *measure; /* NULL: nothing is measured */
	struct rv_list kinds;
	struct rv_list services;
	struct rv_slot **buckets;
	uint32_t n_buckets, n_slots;
	struct walk *walks;
	uint64_t n_offers; /* ever */
};

/* since: services with a later number were told of when they came; up to told of the earlier ones it has been told. */
struct rv_watch {
	struct rv_registry *registry;
	struct rv_list entry;
	rv_watch_fn *fn;
	void *arg;
	uint64_t since, told;
};

static void walk_begin(struct rv_registry *registry, struct walk *walk, struct rv_list *head)
{
	*walk = (struct walk){ .outer = registry->walks, .head = head, .next = head->next };
	registry->walks = walk;
}

static struct rv_list *walk_next(struct walk *walk)
{
	struct rv_list *entry = walk->next;

	if (entry == walk->head)
		return NULL;
	walk->next = entry->next;
	return entry;
}

static void walk_end(struct rv_registry *registry, struct walk *walk)
{
	registry->walks = walk->outer;
}

/* Takes an entry out of a list that may be walked. */
static void take_out(struct rv_registry *registry, struct rv_list *entry)
{
	for (struct walk *walk = registry->walks; walk; walk = walk->outer)
		if (walk->next == entry)
			walk->next = entry->next;
	rv_list_del(entry);
}

/* FNV-1a over kind, NUL and name. The strings are those of plugins, so no keyed hash is needed. */
static uint32_t hash_of(const char *kind, const char *name)
{
	uint32_t hash = 2166136261u;

	for (const char *p = kind; *p; p++)
		hash = (hash ^ (uint8_t)*p) * 16777619u;
	hash *= 16777619u;
	for (const char *p = name; *p; p++)
		hash = (hash ^ (uint8_t)*p) * 16777619u;
	return hash;
}

static struct kind *kind_find(struct rv_registry *registry, const char *name)
{
	rv_list_each (&registry->kinds, kind, struct kind, entry)
		if (!strcmp(kind->name, name))
			return kind;
	return NULL;
}

/* The kind of this name, made when it is new: kinds stay for the registry's life, for orders and watches precede
 * services. */
static struct kind *kind_get(struct rv_registry *registry, const char *name)
{
	struct kind *kind = kind_find(registry, name);

	if (kind)
		return kind;
	kind = talloc_zero(registry, struct kind);
	if (!kind)
		return NULL;
	kind->name = talloc_strdup(kind, name);
	if (!kind->name) {
		talloc_free(kind);
		return NULL;
	}
	rv_list_init(&kind->slots);
	rv_list_init(&kind->watches);
	rv_list_add(&registry->kinds, &kind->entry);
	return kind;
}

static struct rv_slot *slot_find(struct rv_registry *registry, const char *kind, const char *name)
{
	uint32_t hash = hash_of(kind, name);

	for (struct rv_slot *slot = registry->buckets[hash & (registry->n_buckets - 1)]; slot; slot = slot->next)
		if (slot->hash == hash && !strcmp(slot->name, name) && !strcmp(slot->kind->name, kind))
			return slot;
	return NULL;
}

/* Doubles the buckets when slots outnumber them. Without memory the chains only grow longer. */
static void grow(struct rv_registry *registry)
{
	uint32_t n = registry->n_buckets * 2;
	struct rv_slot **buckets;

	if (registry->n_slots < registry->n_buckets)
		return;
	buckets = talloc_zero_array(registry, struct rv_slot *, n);
	if (!buckets)
		return;
	for (uint32_t i = 0; i < registry->n_buckets; i++) {
		for (struct rv_slot *slot = registry->buckets[i], *next; slot; slot = next) {
			next = slot->next;
			slot->next = buckets[slot->hash & (n - 1)];
			buckets[slot->hash & (n - 1)] = slot;
		}
	}
	talloc_free(registry->buckets);
	registry->buckets = buckets;
	registry->n_buckets = n;
}

static struct rv_slot *slot_get(struct rv_registry *registry, struct kind *kind, const char *name)
{
	struct rv_slot *slot = slot_find(registry, kind->name, name);
	struct rv_list *before = kind->slots.next;

	if (slot)
		return slot;
	slot = talloc_zero(kind, struct rv_slot);
	if (!slot)
		return NULL;
	slot->name = talloc_strdup(slot, name);
	if (!slot->name) {
		talloc_free(slot);
		return NULL;
	}
	slot->kind = kind;
	slot->hash = hash_of(kind->name, name);
	rv_list_init(&slot->services);
	while (before != &kind->slots && strcmp(rv_container_of(before, struct rv_slot, entry)->name, name) < 0)
		before = before->next;
	rv_list_add(before, &slot->entry);
	grow(registry);
	slot->next = registry->buckets[slot->hash & (registry->n_buckets - 1)];
	registry->buckets[slot->hash & (registry->n_buckets - 1)] = slot;
	registry->n_slots++;
	return slot;
}

static void slot_drop_if_empty(struct rv_registry *registry, struct rv_slot *slot)
{
	struct rv_slot **at = &registry->buckets[slot->hash & (registry->n_buckets - 1)];

	if (!rv_list_empty(&slot->services))
		return;
	while (*at != slot)
		at = &(*at)->next;
	*at = slot->next;
	registry->n_slots--;
	take_out(registry, &slot->entry);
	talloc_free(slot);
}

/* The owner's place in the configuration's order; those that it does not name come behind. */
static unsigned place_of(const struct kind *kind, const struct rv_service *service)
{
	unsigned i = 0;

	for (; kind->order && kind->order[i]; i++)
		if (!strcmp(kind->order[i], service->owner->name))
			return i;
	return UINT_MAX;
}

/* Not slower than the fastest by more than a tenth. */
static bool as_fast(uint64_t ns, uint64_t fastest)
{
	return ns <= fastest || ns - fastest <= fastest / 10;
}

/* Among providers of the same place. fastest: 0 when one of them has not been measured. */
static bool better(const struct rv_service *a, const struct rv_service *b, uint64_t fastest)
{
	if (fastest && as_fast(a->ns, fastest) != as_fast(b->ns, fastest))
		return as_fast(a->ns, fastest);
	if (!fastest && a->offer.priority != b->offer.priority)
		return a->offer.priority > b->offer.priority;
	return strcmp(a->owner->name, b->owner->name) < 0;
}

/* Of those that share the best place in the configured order: the fastest (the plugin's name decides among those within
 * a tenth of the fastest), or, until all of them have been measured, the highest priority. */
static struct rv_service *choice(const struct rv_slot *slot)
{
	unsigned best_place = UINT_MAX;
	uint64_t fastest = UINT64_MAX;
	struct rv_service *best = NULL;

	rv_list_each (&slot->services, service, struct rv_service, in_slot) {
		unsigned place = place_of(slot->kind, service);
		if (!service->draining && place < best_place)
			best_place = place;
	}
	rv_list_each (&slot->services, service, struct rv_service, in_slot) {
		if (service->draining || place_of(slot->kind, service) != best_place)
			continue;
		if (!service->measured)
			fastest = 0;
		else if (service->ns < fastest)
			fastest = service->ns;
	}
	rv_list_each (&slot->services, service, struct rv_service, in_slot) {
		if (service->draining || place_of(slot->kind, service) != best_place)
			continue;
		if (!best || better(service, best, fastest))
			best = service;
	}
	return best;
}

static void choose(struct rv_slot *slot)
{
	slot->chosen = choice(slot);
}

static void tell(struct rv_registry *registry, struct kind *kind, struct rv_service *service, bool added)
{
	struct walk walk;

	walk_begin(registry, &walk, &kind->watches);
	for (struct rv_list *entry; (entry = walk_next(&walk));) {
		struct rv_watch *watch = rv_container_of(entry, struct rv_watch, entry);
		if (service->serial <= watch->told || service->serial > watch->since)
			watch->fn(watch->arg, service, added);
	}
	walk_end(registry, &walk);
}

/* Users that still hold a reference now hold none: the code behind it goes away. */
static void cut_references(struct rv_service *service)
{
	rv_list_each (&service->refs, ref, struct rv_ref, entry) {
		rv_list_del(&ref->entry);
		ref->service = NULL;
	}
	service->n_users = 0;
}

/* The slot is kept until the watchers have been told: they may withdraw its other services meanwhile. */
static int service_gone(struct rv_service *service)
{
	struct rv_registry *registry = service->registry;
	struct rv_slot *slot = service->slot;
	bool told = service->draining;

	if (!registry)
		return 0;
	if (registry->measure)
		rv_measure_forget(registry->measure, service);
	service->draining = true;
	choose(slot);
	if (!told)
		tell(registry, slot->kind, service, false);
	cut_references(service);
	take_out(registry, &service->entry);
	rv_list_del(&service->in_slot);
	slot_drop_if_empty(registry, slot);
	return 0;
}

static int registry_gone(struct rv_registry *registry)
{
	rv_list_each (&registry->services, service, struct rv_service, entry) {
		cut_references(service);
		service->registry = NULL;
		service->slot = NULL;
	}
	rv_list_each (&registry->kinds, kind, struct kind, entry) {
		rv_list_each (&kind->watches, watch, struct rv_watch, entry) {
			rv_list_del(&watch->entry);
			watch->registry = NULL;
		}
	}
	return 0;
}

struct rv_registry *rv_registry_new(const void *parent, struct rv_core *core)
{
	struct rv_registry *registry = talloc_zero(parent, struct rv_registry);

	if (!registry)
		return NULL;
	registry->n_buckets = FIRST_BUCKETS;
	registry->buckets = talloc_zero_array(registry, struct rv_slot *, FIRST_BUCKETS);
	if (!registry->buckets) {
		talloc_free(registry);
		return NULL;
	}
	rv_list_init(&registry->kinds);
	rv_list_init(&registry->services);
	talloc_set_destructor(registry, registry_gone);
	/* A run that shall replay must not depend on how fast this machine is. */
	if (core->jobs && !core->params.no_measure && !(core->params.clock && core->params.clock->injected))
		registry->measure = rv_measure_new(registry, core);
	return registry;
}

static int refused(const struct rv_host *owner, const struct rv_offer *offer, int code, const char *reason)
{
	rv_log(&owner->subject, RV_ERROR, "offer-refused", KV_STR("kind", offer->kind), KV_STR("name", offer->name),
	       KV_STR("reason", reason));
	return code;
}

/* What can be said against an offer before its code runs. */
static int check_offer(struct rv_host *owner, const struct rv_offer *offer, size_t least)
{
	struct kind *kind;
	struct rv_slot *slot;
	struct rv_why why = { 0 };

	if (!offer->kind || !offer->name || !offer->ops || (offer->n_attrs && !offer->attrs))
		return refused(owner, offer, -EINVAL, "an offer needs kind, name and ops");
	if (*(const size_t *)offer->ops < least) {
		rv_why_set(&why, -RV_EVERSION, "its ops have %zu octets, at least %zu are needed",
			   *(const size_t *)offer->ops, least);
		return refused(owner, offer, -RV_EVERSION, why.text);
	}
	kind = kind_find(owner->registry, offer->kind);
	if (kind && !rv_list_empty(&kind->slots) && kind->version != offer->kind_version) {
		rv_why_set(&why, -RV_EVERSION, "its version of the kind is %u, in use is %u", offer->kind_version,
			   kind->version);
		return refused(owner, offer, -RV_EVERSION, why.text);
	}
	slot = slot_find(owner->registry, offer->kind, offer->name);
	if (!slot)
		return 0;
	rv_list_each (&slot->services, service, struct rv_service, in_slot)
		if (service->owner == owner)
			return refused(owner, offer, -RV_EEXISTS, "the plugin offers this name already");
	return 0;
}

static int put(struct rv_service *service, const struct rv_offer *offer)
{
	struct rv_registry *registry = service->owner->registry;
	struct kind *kind = kind_get(registry, offer->kind);
	struct rv_slot *slot = kind ? slot_get(registry, kind, offer->name) : NULL;

	if (!slot)
		return -ENOMEM;
	kind->version = offer->kind_version;
	service->registry = registry;
	service->slot = slot;
	service->serial = ++registry->n_offers;
	rv_list_add(&registry->services, &service->entry);
	rv_list_add(&slot->services, &service->in_slot);
	talloc_set_destructor(service, service_gone);
	choose(slot);
	return 0;
}

int rv_registry_add(struct rv_host *owner, const struct rv_offer *offer, size_t least)
{
	struct rv_why why = { 0 };
	struct rv_service *service;
	int r = check_offer(owner, offer, least);

	if (r)
		return r;
	service = talloc_zero(owner, struct rv_service);
	if (!service)
		return -ENOMEM;
	service->owner = owner;
	service->offer = *offer;
	rv_list_init(&service->refs);
	rv_list_init(&service->to_measure);
	if (!owner->core->params.no_self_test)
		r = rv_crypto_test(offer, service->self_test, sizeof(service->self_test), &why);
	if (r)
		refused(owner, offer, r, why.text);
	else
		r = put(service, offer);
	if (r) {
		talloc_free(service);
		return r;
	}
	if (owner->registry->measure)
		rv_measure_want(owner->registry->measure, service);
	tell(owner->registry, service->slot->kind, service, true);
	return 0;
}

struct rv_service *rv_registry_find(struct rv_registry *registry, const char *kind_name, const char *name)
{
	struct rv_service *best = NULL;
	struct rv_slot *slot;
	struct kind *kind;

	if (name) {
		slot = slot_find(registry, kind_name, name);
		return slot ? slot->chosen : NULL;
	}
	kind = kind_find(registry, kind_name);
	if (!kind)
		return NULL;
	rv_list_each (&kind->slots, it, struct rv_slot, entry) {
		struct rv_service *service = it->chosen;
		if (!service)
			continue;
		if (!best || place_of(kind, service) < place_of(kind, best) ||
		    (place_of(kind, service) == place_of(kind, best) && service->offer.priority > best->offer.priority))
			best = service;
	}
	return best;
}

struct rv_service *rv_registry_find_attr(struct rv_registry *registry, const char *kind_name, const char *attr,
					 int64_t value)
{
	struct kind *kind = kind_find(registry, kind_name);

	if (!kind)
		return NULL;
	rv_list_each (&kind->slots, slot, struct rv_slot, entry) {
		const struct rv_service *service = slot->chosen;
		for (size_t i = 0; service && i < service->offer.n_attrs; i++)
			if (service->offer.attrs[i].value == value && !strcmp(service->offer.attrs[i].name, attr))
				return slot->chosen;
	}
	return NULL;
}

int rv_registry_each(struct rv_registry *registry, const char *kind_name, rv_service_fn *fn, void *arg)
{
	struct kind *kind = kind_find(registry, kind_name);
	struct walk walk;
	int r = 0;

	if (!kind)
		return 0;
	walk_begin(registry, &walk, &kind->slots);
	for (struct rv_list *entry; !r && (entry = walk_next(&walk));) {
		struct rv_slot *slot = rv_container_of(entry, struct rv_slot, entry);
		if (slot->chosen)
			r = fn(slot->chosen, arg);
	}
	walk_end(registry, &walk);
	return r;
}

int rv_registry_all(struct rv_registry *registry, rv_service_fn *fn, void *arg)
{
	struct walk walk;
	int r = 0;

	walk_begin(registry, &walk, &registry->services);
	for (struct rv_list *entry; !r && (entry = walk_next(&walk));)
		r = fn(rv_container_of(entry, struct rv_service, entry), arg);
	walk_end(registry, &walk);
	return r;
}

bool rv_registry_offered(struct rv_registry *registry, const char *kind, const char *name, const struct rv_host *except)
{
	rv_list_each (&registry->services, service, struct rv_service, entry) {
		if (service->draining || service->owner == except || strcmp(service->offer.kind, kind))
			continue;
		if (!name || !strcmp(service->offer.name, name))
			return true;
	}
	return false;
}

void rv_registry_order(struct rv_registry *registry, const char *kind_name, const char *const *plugins)
{
	struct kind *kind = kind_get(registry, kind_name);
	char **order;
	size_t n = 0;

	if (!kind)
		return;
	while (plugins && plugins[n])
		n++;
	order = talloc_zero_array(kind, char *, n + 1);
	if (!order)
		return;
	for (size_t i = 0; i < n; i++) {
		order[i] = talloc_strdup(order, plugins[i]);
		if (!order[i]) {
			talloc_free(order);
			return;
		}
	}
	talloc_free(kind->order);
	kind->order = order;
	rv_list_each (&kind->slots, slot, struct rv_slot, entry)
		choose(slot);
}

const void *rv_service_ops(const struct rv_service *service)
{
	return service->offer.ops;
}

void *rv_service_self(const struct rv_service *service)
{
	return service->offer.self;
}

const char *rv_service_name(const struct rv_service *service)
{
	return service->offer.name;
}

const char *rv_service_kind(const struct rv_service *service)
{
	return service->offer.kind;
}

const char *rv_service_owner(const struct rv_service *service)
{
	return service->owner->name;
}

int64_t rv_service_attr(const struct rv_service *service, const char *attr, int64_t fallback)
{
	for (size_t i = 0; i < service->offer.n_attrs; i++)
		if (!strcmp(service->offer.attrs[i].name, attr))
			return service->offer.attrs[i].value;
	return fallback;
}

const struct rv_attr *rv_service_attrs(const struct rv_service *service, size_t *n)
{
	*n = service->offer.n_attrs;
	return service->offer.attrs;
}

bool rv_service_chosen(const struct rv_service *service)
{
	return service->slot && service->slot->chosen == service;
}

unsigned rv_service_users(const struct rv_service *service)
{
	return service->n_users;
}

const char *rv_service_self_test(const struct rv_service *service)
{
	return service->self_test;
}

uint64_t rv_service_speed_ns(const struct rv_service *service)
{
	return service->measured && service->ns != UINT64_MAX ? service->ns : 0;
}

void rv_service_measured(struct rv_service *service, uint64_t ns)
{
	service->measured = true;
	service->ns = ns ? ns : 1;
	if (service->slot)
		choose(service->slot);
}

int rv_ref_take(struct rv_ref *ref, struct rv_service *service, const struct rv_user *user)
{
	if (service->draining || !service->registry)
		return -RV_EIN_USE;
	*ref = (struct rv_ref){ .service = service, .user = user };
	rv_list_add(&service->refs, &ref->entry);
	service->n_users++;
	return 0;
}

void rv_ref_drop(struct rv_ref *ref)
{
	if (!ref->service)
		return;
	rv_list_del(&ref->entry);
	ref->service->n_users--;
	ref->service = NULL;
}

/* Appends ", name" while it fits; false when it does not. */
static bool add_user(char *out, size_t size, size_t *at, const struct rv_user *user)
{
	char name[128] = "somebody without a name";
	int n;

	if (user && user->text)
		user->text(user, name, sizeof(name));
	n = snprintf(out + *at, size - *at, "%s%s", *at ? ", " : "", name);
	if (n < 0 || (size_t)n >= size - *at) {
		out[*at] = 0;
		return false;
	}
	*at += (size_t)n;
	return true;
}

unsigned rv_registry_users(struct rv_registry *registry, const struct rv_host *owner, char *out, size_t size)
{
	unsigned n_users = 0, n_named = 0;
	size_t room = size > 24 ? size - 24 : 0; /* kept for ", and N more" */
	size_t at = 0;
	bool fits = room > 0;

	if (size)
		out[0] = 0;
	rv_list_each (&registry->services, service, struct rv_service, entry) {
		if (service->owner != owner)
			continue;
		n_users += service->n_users;
		if (!fits)
			continue;
		rv_list_each (&service->refs, ref, struct rv_ref, entry) {
			fits = add_user(out, room, &at, ref->user);
			if (!fits)
				break;
			n_named++;
		}
	}
	if (size && n_named < n_users)
		snprintf(out + at, size - at, "%s%u%s", at ? ", and " : "", n_users - n_named, at ? " more" : " users");
	return n_users;
}

void rv_registry_drain(struct rv_registry *registry, const struct rv_host *owner)
{
	struct walk walk;

	walk_begin(registry, &walk, &registry->services);
	for (struct rv_list *entry; (entry = walk_next(&walk));) {
		struct rv_service *service = rv_container_of(entry, struct rv_service, entry);
		if (service->owner != owner || service->draining)
			continue;
		service->draining = true;
		choose(service->slot);
		tell(registry, service->slot->kind, service, false);
	}
	walk_end(registry, &walk);
}

void rv_registry_withdraw(struct rv_registry *registry, const struct rv_host *owner)
{
	struct walk walk;

	walk_begin(registry, &walk, &registry->services);
	for (struct rv_list *entry; (entry = walk_next(&walk));) {
		struct rv_service *service = rv_container_of(entry, struct rv_service, entry);
		if (service->owner == owner)
			talloc_free(service);
	}
	walk_end(registry, &walk);
}

static int watch_gone(struct rv_watch *watch)
{
	if (watch->registry)
		take_out(watch->registry, &watch->entry);
	return 0;
}

struct rv_watch *rv_registry_watch(struct rv_registry *registry, const void *owner, const char *kind_name,
				   rv_watch_fn *fn, void *arg)
{
	struct kind *kind = kind_get(registry, kind_name);
	struct rv_watch *watch = kind ? talloc_zero(owner, struct rv_watch) : NULL;
	struct walk walk;

	if (!watch)
		return NULL;
	watch->registry = registry;
	watch->fn = fn;
	watch->arg = arg;
	watch->since = registry->n_offers;
	rv_list_add(&kind->watches, &watch->entry);
	talloc_set_destructor(watch, watch_gone);

	walk_begin(registry, &walk, &registry->services);
	for (struct rv_list *entry; (entry = walk_next(&walk));) {
		struct rv_service *service = rv_container_of(entry, struct rv_service, entry);
		if (service->slot->kind != kind || service->draining || service->serial > watch->since)
			continue;
		watch->told = service->serial;
		fn(arg, service, true);
	}
	watch->told = watch->since;
	walk_end(registry, &walk);
	return watch;
}
