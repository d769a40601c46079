// SPDX-License-Identifier: LGPL-2.1-or-later
/* extend.h: the extension of an SA (esp-ext.h), and the turns that workers give it.
 */
#pragma once

#include "lane.h"

struct sa_ext {
	const struct rv_esp_ext_ops *ops;
	void *self, *state;
	struct rv_ref ref;
	struct sa *sa;
	struct timed timed;
};

/* Opens what spec->ext names. 0, or negative with why. Loop thread. */
int sa_extend(struct sa *sa, struct rv_registry *registry, unsigned n_workers, const struct rv_sa_spec *spec,
	      struct rv_why *why);

/* Closes it where there is one; no worker can see the SA. Loop thread. */
void sa_unextend(struct sa *sa);

/* Of an SA with an extension. link: it comes into the databases: 0, -ENOMEM, or -RV_ELIMIT when there are too many
 * wrappers. time: it is there, and worker keeps its time. unlink: it leaves them. Loop thread. */
int extend_link(struct extended *all, struct sa *sa, unsigned n_workers);
void extend_time(struct sa *sa, unsigned worker);
void extend_unlink(struct extended *all, struct sa *sa);

/* The worker thread, inside a read-copy-update section: */

/* One more text of the burst. */
void extend_add(struct lane *lane, struct sa *sa, const struct rv_esp_text *text);

/* Gives the burst to its extension. */
void extend_run(struct lane *lane);

/* in.c: gives a text of an inbound SA to the clear side. False: it was dropped and counted. */
bool in_emit_text(struct lane *lane, struct sa *sa, const struct rv_esp_text *text);

/* Gives those their turn whose time has come, dummy packets included. */
void extend_tick(struct lane *lane);

/* Header of the SA's wrapper for a text, at p; its length, 0: it has none. */
uint32_t extend_front(const struct sa *sa, const struct sa_path *path, uint8_t *p, const struct rv_esp_text *text);

/* How long that is on a path. */
uint32_t extend_front_len(const struct sa *sa, const struct sa_path *path);

/* The SA of a packet that has a wrapper; *esp and *len then are ESP, front what is in front of it. NULL: none. */
struct sa *extend_unwrap(struct lane *lane, const struct rv_packet *packet, uint8_t **esp, uint32_t *len,
			 struct rv_bytes *front);

/* dummy.c: dummy packets (RFC 4303, 2.6) of SAs that were asked for them. new: 0 or -ENOMEM. free: no worker can see
 * the SA. link, unlink: of an SA that has them, as above: it comes into the databases, its time begins, it leaves. Loop
 * thread. */
int dummy_new(struct sa *sa, const struct rv_sa_spec *spec);
void dummy_free(struct sa *sa);
int dummy_link(struct extended *all, struct sa *sa, unsigned n_workers);
void dummy_time(struct sa *sa, unsigned worker);
void dummy_unlink(struct sa *sa);
