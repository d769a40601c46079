// SPDX-License-Identifier: LGPL-2.1-or-later
/* registry.h: the only wire between plugins.
 *
 * A service is (kind, version of the kind, canonical name, attributes, priority, ops, self, owner). Kinds are strings,
 * so a vendor adds one without touching the core. Several plugins may offer one service; the choice is: order in the
 * configuration, then measured speed (within 10 % the name of the plugin decides), then priority. A reference is taken
 * per SA or per call and names its user, so that a refused unload can say who holds it. Loop thread only.
 */
#pragma once

#include <ravelin/base.h>

struct rv_host;
struct rv_registry;
struct rv_service;
struct rv_why;

/* A number that belongs to a service, such as { "key-bits", 128 } or an IANA number under the protocol's name. */
struct rv_attr {
	const char *name;
	int64_t value;
};

/* What a plugin offers. All pointers live as long as the plugin. vectors: known answers (crypto.h); a service of a
 * crypto kind is offered only when its ops compute them. */
struct rv_offer {
	const char *kind;
	unsigned kind_version;
	const char *name;
	const struct rv_attr *attrs;
	size_t n_attrs;
	int priority;	 /* higher first; 0 usual */
	const void *ops; /* first member: size_t size */
	void *self;
	const struct rv_vector *vectors;
	size_t n_vectors;
};

/* Offers a service in the name of owner; withdrawn when the owner goes. least: the size of ops up to its last mandatory
 * member. 0; -RV_EVERSION when ops is smaller; -RV_ESELF_TEST; -RV_EEXISTS when owner offers this name already;
 * -ENOMEM. */
RV_MUST_USE int rv_registry_add(struct rv_host *owner, const struct rv_offer *offer, size_t least);

/* Makes rv_NAME_offer(host, offer): a wrong ops type does not compile. last: the last mandatory member. */
#define RV_KIND(NAME, KIND, VERSION, OPS, last)                                                                        \
	static inline int rv_##NAME##_offer(struct rv_host *host, struct rv_offer offer, const OPS *ops, void *self)   \
	{                                                                                                              \
		offer.kind = KIND;                                                                                     \
		offer.kind_version = VERSION;                                                                          \
		offer.ops = ops;                                                                                       \
		offer.self = self;                                                                                     \
		return rv_registry_add(host, &offer, offsetof(OPS, last) + sizeof(ops->last));                         \
	}

/* The chosen provider of (kind, name); name NULL: the first of the kind. NULL when there is none or it drains. */
struct rv_service *rv_registry_find(struct rv_registry *registry, const char *kind, const char *name);

/* As rv_registry_find(), by an attribute's value. */
struct rv_service *rv_registry_find_attr(struct rv_registry *registry, const char *kind, const char *attr,
					 int64_t value);

/* Calls fn for each chosen service of kind, by name; stops when fn returns non-zero and returns that. Services may come
 * and go inside fn. */
typedef int rv_service_fn(struct rv_service *service, void *arg);
int rv_registry_each(struct rv_registry *registry, const char *kind, rv_service_fn *fn, void *arg);

/* What a service says of itself. ops and self are valid while a reference is held or until control returns to the
 * loop. attr: fallback when it has no such attribute. */
const void *rv_service_ops(const struct rv_service *service);
void *rv_service_self(const struct rv_service *service);
const char *rv_service_name(const struct rv_service *service);
const char *rv_service_kind(const struct rv_service *service);
const char *rv_service_owner(const struct rv_service *service);
int64_t rv_service_attr(const struct rv_service *service, const char *attr, int64_t fallback);

/* Who holds a reference; embedded in an SA. text: writes a name for people, such as "child SA net #3 of west". */
struct rv_user {
	void (*text)(const struct rv_user *user, char *out, size_t size);
};

/* A held reference; embedded in its holder. */
struct rv_ref {
	struct rv_service *service;
	const struct rv_user *user;
	struct rv_list entry;
};

/* Takes a reference. 0, or -RV_EIN_USE when the owner drains. user must outlive the reference. */
RV_MUST_USE int rv_ref_take(struct rv_ref *ref, struct rv_service *service, const struct rv_user *user);

/* Gives the reference back; harmless on a zeroed or dropped one. */
void rv_ref_drop(struct rv_ref *ref);

/* Tells of services that come (added true) and go, from now on and for those that are there already. Freed with owner
 * (a talloc object) or by talloc_free() of what is returned. NULL: out of memory. */
typedef void rv_watch_fn(void *arg, struct rv_service *service, bool added);
struct rv_watch *rv_registry_watch(struct rv_registry *registry, const void *owner, const char *kind, rv_watch_fn *fn,
				   void *arg);
