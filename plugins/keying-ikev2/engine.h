// SPDX-License-Identifier: LGPL-2.1-or-later
/* engine.h: the plugin itself: its transports, its IKE SAs by SPI, its limits; and what it does with a datagram.
 *
 * Everything in the living half of keying-ikev2 runs on the loop's thread.
 */
#pragma once

#include "octets/message.h"

#include <ravelin/error.h>
#include <ravelin/event.h>
#include <ravelin/ikev2-known.h>
#include <ravelin/job.h>
#include <ravelin/keying.h>
#include <ravelin/loop.h>
#include <ravelin/plugin.h>
#include <ravelin/secret.h>
#include <talloc.h>

struct ike_halfopen;
struct ike_unknown;

enum { IKE_GHOSTS_MAX = 1024 }; /* answers kept for IKE SAs that are gone */

/* At most so many a second, counted from the first of them. */
struct ike_rate {
	uint64_t at_us;
	uint32_t tokens;
};

/* IKE SAs by our SPI. Grows with their number. */
struct ike_sas {
	struct rv_ike_sa **bucket;
	uint32_t n, size; /* size: a power of two */
	uint64_t seed;
};

/* The plugin. ports: struct ike_port; exts: ext.c's own; ghosts: the oldest first. */
struct ike_engine {
	struct rv_host *host;
	struct ike_sas sas;
	struct ike_halfopen *halfopen;
	struct ike_unknown *unknown;		     /* NULL: nothing came yet */
	struct rv_list ports, exts, ghosts, pending; /* pending: rekeys of ours whose answer may be overtaken */
	unsigned n_ghosts;
	struct ike_types types;
	struct ike_rate errors, attempts, logs;
	uint64_t cached_octets; /* of responses that are kept */
	struct rv_call *stopping;
	struct rv_timer stop_timer;
};

/* A transport that we listen on. */
struct ike_port {
	struct rv_list entry;
	struct ike_engine *engine;
	struct rv_service *service;
	const struct rv_transport_ops *ops;
	void *self;
};

/* sas.c: the table. add: -RV_EEXISTS when our SPI is taken. each: sa may be freed. spi_new: a random one that is free.
 */
int ike_sas_init(struct ike_engine *engine);
int ike_sas_add(struct rv_ike_sa *sa);
void ike_sas_remove(struct rv_ike_sa *sa);
struct rv_ike_sa *ike_sas_find(const struct ike_engine *engine, uint64_t ours);
typedef void ike_sas_fn(struct rv_ike_sa *sa, void *arg);
void ike_sas_each(struct ike_engine *engine, ike_sas_fn *fn, void *arg);
uint64_t ike_spi_new(struct ike_engine *engine);

/* engine.c: a datagram that came by arg, a struct ike_port. */
void ike_receive(void *arg, const struct rv_path *path, struct rv_bytes message);

/* True when one more is allowed in this second. */
bool ike_rate_ok(struct ike_engine *engine, struct ike_rate *rate, uint32_t per_second);

/* Random, below limit (0 when that is 0): for jitter. */
uint64_t ike_random_below(struct rv_host *host, uint64_t limit);

/* Answers a request with one notification, without an IKE SA and without protection (RFC 7296, 1.5). */
void ike_reply_notify(struct ike_port *port, const struct rv_path *path, const struct ike_header *request,
		      uint16_t type, struct rv_bytes data);

/* The same with any payloads. */
void ike_reply(struct ike_port *port, const struct rv_path *path, const struct ike_header *request,
	       const struct ike_builder *payloads);

/* A liveness check may be worth while: nothing is under way, and nothing came for some seconds. */
bool ike_may_hint(const struct rv_ike_sa *sa);

/* unknown.c: packets come by path for a child SA that nobody has here: 0 when it is dealt with. heard: a message that
 * is no request, although it looks like one: unprotected, it says that somebody has not got a child SA of ours. */
int ike_unknown_spi(struct ike_engine *engine, uint32_t spi, const struct rv_path *path);
bool ike_unknown_heard(struct ike_engine *engine, const struct rv_path *path, const struct ike_header *header,
		       struct rv_bytes octets);

/* ghost.c: the last answer of an IKE SA that goes is kept for a repeated request; answer: true when it was one. */
void ike_ghost_keep(struct rv_ike_sa *sa);
bool ike_ghost_answer(struct ike_port *port, const struct ike_header *header, const struct rv_path *path,
		      struct rv_bytes message);
void ike_ghost_expire(struct ike_engine *engine);

/* path.c: an authentic message came by path; authentic ESP came from remote (0, or -RV_EREFUSED: not followed). */
void ike_path_follow(struct rv_ike_sa *sa, const struct rv_path *path);
int ike_path_mapping(struct rv_ike_sa *sa, const struct rv_addr *remote);

/* A child SA that x asked for is there; where the session has moved meanwhile it is made anew in transport mode. */
void ike_path_catch_up(const struct rv_ike_exchange *x, struct rv_child *child);

/* The path that a request of ours takes. */
const struct rv_path *ike_path_of(const struct rv_ike_exchange *x);

/* The verbs of ikev2-path.h. */
const struct rv_path *ike_verb_came_by(const struct rv_ike_exchange *x);
unsigned ike_verb_tries(const struct rv_ike_exchange *x);
void ike_verb_via(struct rv_ike_exchange *x, const struct rv_path *path);
void ike_verb_resend(struct rv_ike_sa *sa, const struct rv_path *path);
void ike_verb_move(struct rv_ike_sa *sa, const struct rv_path *path);
void ike_verb_pin(struct rv_ike_sa *sa, bool on);
void ike_verb_encapsulate(struct rv_ike_sa *sa, struct rv_path *path);
int ike_verb_route(struct rv_ike_sa *sa, const struct rv_addr *local, const struct rv_addr *remote,
		   struct rv_path *path);
int ike_verb_nat_add(struct rv_ike_exchange *x, const struct rv_path *path);
int ike_verb_nat_read(struct rv_ike_exchange *x, struct rv_path *path);

/* dial.c: more of them. */
int ike_verb_redial(struct rv_ike_exchange *x, const char *gateway);
void ike_verb_no_child(struct rv_ike_exchange *x);
const struct rv_addr *ike_verb_origin(const struct rv_ike_sa *sa);

/* known.c */
bool ike_verb_remember(const struct rv_ike_sa *sa, struct rv_ike_known *known);
bool ike_verb_is_known(const struct rv_ike_sa *sa);

/* reauth.c */
void ike_verb_reauth_within(struct rv_ike_sa *sa, uint64_t us);

/* verbs.c: the keying ops; stop_check: the orderly end may be over. state.c: pack and unpack. bus.c: D-Bus. */
extern const struct rv_keying_ops ike_keying_ops;
void ike_stop_check(struct ike_engine *engine);
int ike_pack(void *self, struct rv_peer *peer, struct rv_pack *out);
int ike_unpack(void *self, struct rv_peer *peer, struct rv_unpack *in);
void ike_bus_publish(struct ike_engine *engine);

#include "ext.h"
