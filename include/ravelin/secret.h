// SPDX-License-Identifier: LGPL-2.1-or-later
/* secret.h: the one type that holds key material.
 *
 * Secrets live in a vault: memory of its own that is kept out of core dumps and locked as far as the limit allows.
 * They have a fixed size, are never reallocated, are wiped when freed, cannot be formatted by the log, and are compared
 * in constant time only.
 */
#pragma once

#include <ravelin/base.h>

struct rv_vault;

/* A secret of len octets at b. A talloc object: freeing it (or its parent) wipes and returns the octets. */
struct rv_secret {
	size_t len;
	uint8_t *b;
	struct rv_vault *vault;
};

/* A new secret of len octets (1 to 65536), zeroed, child of parent. NULL when memory is out. Loop thread or the one
 * thread that owns parent; the vault itself is safe from any thread. */
struct rv_secret *rv_secret_new(struct rv_vault *vault, const void *parent, size_t len);

/* A new secret that copies octets. NULL when memory is out. */
struct rv_secret *rv_secret_dup(struct rv_vault *vault, const void *parent, struct rv_bytes octets);

/* The same inside another object, which says when it ends: for an owner that there are many of and that is no talloc
 * object. False: memory is out, *secret is zeroed. fini is harmless on a zeroed one. Any thread. */
RV_MUST_USE bool rv_secret_init(struct rv_secret *secret, struct rv_vault *vault, size_t len);
void rv_secret_fini(struct rv_secret *secret);

/* Moves the octets of `from`, a talloc object, into *secret, which was empty or not used yet; from is gone. */
void rv_secret_take(struct rv_secret *secret, struct rv_secret *from);

/* The octets of secret as a slice, borrowed; the empty slice for NULL. */
static inline struct rv_bytes rv_secret_bytes(const struct rv_secret *secret)
{
	return secret ? rv_bytes(secret->b, secret->len) : rv_bytes(NULL, 0);
}

/* Whole pages of the vault for what is no secret of its own but not for a core dump either, such as packets in clear:
 * len octets, zeroed, not locked, counted with the daemon's memory. NULL: out of memory. free is harmless on NULL. Any
 * thread. */
uint8_t *rv_pages_new(struct rv_vault *vault, size_t len);
void rv_pages_free(struct rv_vault *vault, uint8_t *pages, size_t len);

/* Overwrites len octets at p in a way that the compiler keeps. Any thread. */
void rv_wipe(void *p, size_t len);

/* True when the slices are equal; time depends on the lengths only. Any thread. */
bool rv_equal_secret(struct rv_bytes a, struct rv_bytes b);

struct rv_wiped {
	void *p;
	size_t len;
};

/* The clean-up of RV_WIPED(). */
void rv_wiped_end(struct rv_wiped *wiped);

/* Declares `type name` (an array or struct without pointers to secrets) that is zero at first and wiped when it goes
 * out of scope. */
#define RV_WIPED(type, name, ...)                                                                                      \
	type name __VA_ARGS__ = { 0 };                                                                                 \
	__attribute__((cleanup(rv_wiped_end), unused)) struct rv_wiped name##_wiped = { &name, sizeof(name) }
