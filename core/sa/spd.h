// SPDX-License-Identifier: LGPL-2.1-or-later
/* spd.h: the policies that are installed, as sets.
 *
 * A set is the cross product of local and remote selectors of one child SA or of one trap. Identical policies of
 * several sets are one policy, counted.
 */
#pragma once

#include "../parts.h"

enum { RV_SPD_PAIRS = 256 }; /* policies of one set at most */
enum rv_spd_stage { RV_SPD_ABSENT, RV_SPD_KERNEL, RV_SPD_NET };

struct rv_policy;

/* Embedded in its owner, zeroed or ended before it is set. Its fields are spd.c's. */
struct rv_spd_set {
	struct rv_spd *spd; /* NULL: there is nothing in it */
	const struct rv_user *user;
	struct rv_list wait;
	struct rv_call *answer;
	struct rv_policy *one, **many; /* many: when there are several */
	uint16_t n, at;
	uint8_t goal;
};

/* What a set is made from; borrowed for the call. user names it and must outlive it. */
struct rv_spd_want {
	struct rv_service *kernel;
	const struct rv_user *user;
	const struct rv_ts *local, *remote;
	size_t n_local, n_remote;
	uint8_t action;
	bool trap;
	uint32_t reqid, priority; /* priority 0: from the selectors */
	const char *interface;
};

/* Fills set; nothing is installed yet. 0 or negative with why. */
int rv_spd_set_init(struct rv_spd_set *set, struct rv_spd *spd, const struct rv_spd_want *want, struct rv_why *why);

/* Takes out of the kernel and the net service what no other set needs; harmless on a zeroed or ended one. */
void rv_spd_set_fini(struct rv_spd_set *set);

/* Installs up to stage: the kernel's policies, then routes and guards. 0, RV_PENDING or negative; one at a time. */
int rv_spd_set_install(struct rv_spd_set *set, enum rv_spd_stage stage, struct rv_call *call);

/* The reqid that already serves the first pair of these selectors, or 0. */
uint32_t rv_spd_reqid_of(const struct rv_spd *spd, const struct rv_ts *local, size_t n_local,
			 const struct rv_ts *remote, size_t n_remote, const char *interface);

/* Reqids are counted. new: a free one; hold: one more user of it. 0 or negative; 0 is never a reqid. */
int rv_reqid_new(struct rv_spd *spd, uint32_t *reqid);
int rv_reqid_hold(struct rv_spd *spd, uint32_t reqid);
void rv_reqid_drop(struct rv_spd *spd, uint32_t reqid);
