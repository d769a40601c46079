// SPDX-License-Identifier: LGPL-2.1-or-later
/* ike-sa.h: the living half of keying-ikev2: its engine, an IKE SA, an exchange (RFC 7296).
 *
 * The engine is the plugin; a session (struct rv_peer) has a current IKE SA and, around a rekey, others; an exchange is
 * one request and its response, ours or the peer's, and the scratch context of all that it makes: what is not committed
 * dies with it. Everything is loop thread only.
 */
#pragma once

#include "cookie.h"
#include "keys.h"
#include "message.h"
#include "payload.h"

#include <ravelin/error.h>
#include <ravelin/event.h>
#include <ravelin/ikev2.h>
#include <ravelin/job.h>
#include <ravelin/keying.h>
#include <ravelin/loop.h>
#include <ravelin/plugin.h>
#include <talloc.h>

enum {
	IKE_BUILD_MAX = 32 * 1024, /* octets of payloads in one of our messages */
	IKE_NONCE_LEN = 32,
	IKE_RESTARTS_MAX = 8,  /* of IKE_SA_INIT for cookies and other groups */
	IKE_GHOSTS_MAX = 1024, /* answers kept for IKE SAs that are gone */
	IKE_QUEUE_MAX = 64,    /* requests that wait for the window */
};

struct ike_engine;
struct ike_port;
struct ike_halfopen;
struct ike_handshake;
struct ike_response;
struct ike_kex;

/* At most n a second, with bursts of n. */
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

/* The plugin. exts: struct ike_ext; ports: struct ike_port; ghosts: the oldest first. */
struct ike_engine {
	struct rv_host *host;
	struct ike_sas sas;
	struct ike_halfopen *halfopen;
	struct rv_list ports, exts, ghosts;
	unsigned n_ghosts;
	struct ike_types types;
	struct ike_rate errors, attempts, logs;
	uint64_t cached_octets; /* of responses kept */
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

/* An IKE SA. A talloc child of its session (or of the exchange that is making it). keys: SK_d, SK_ai, SK_ar, SK_ei,
 * SK_er as keys.h lays them out (and SK_pi, SK_pr while hs lives). Times are of the loop's clock, 0: never. */
struct rv_ike_sa {
	const struct rv_ike_verbs *verbs;
	struct rv_ike_sa *chain; /* sas.c */
	struct ike_engine *engine;
	struct rv_peer *peer;
	struct ike_port *port; /* NULL when its transport is gone */
	uint64_t spi_i, spi_r, iv;
	uint32_t next_out, next_in; /* message IDs */
	uint8_t state;		    /* enum rv_ike_state */
	bool initiator;		    /* the original initiator */
	bool in_table, encap, doomed;
	uint8_t n_chosen, window_out;
	struct rv_transform chosen[4];
	struct rv_suite suite;
	struct rv_ref prf;
	struct rv_user user;
	struct rv_secret *keys;
	struct rv_list requests; /* ours: struct rv_ike_exchange, in order of asking */
	struct rv_ike_exchange *serving;
	struct ike_response *response; /* the last one */
	struct ike_handshake *hs;
	struct rv_timer timer;
	uint64_t last_in_us, rekey_us, over_us, dpd_us;
};

/* What only the way to an established IKE SA needs. */
struct ike_handshake {
	struct ike_handshake *chain; /* halfopen.c */
	struct rv_ike_sa *sa;
	struct rv_addr from; /* of the first message */
	bool counted;
	uint64_t digest, expire_us;
	struct rv_bytes init_request, init_response; /* RealMessage1, RealMessage2 (RFC 7296, 2.15) */
	struct rv_bytes ni, nr;
	struct rv_bytes sk_pi, sk_pr;
	struct rv_bytes cookie;
	const struct rv_child_conf *child;
	struct rv_attempt *attempt;
	uint16_t group, noted; /* noted: an error that came without protection */
	uint8_t restarts, encap;
	bool nat_local, nat_remote, faked;
	uint64_t began_us;
};

/* The last response, for a retransmitted request (RFC 7296, 2.1). digest: of that request. */
struct ike_response {
	uint32_t id, len;
	uint64_t digest, at_us;
	uint8_t octets[];
};

enum ike_phase { IKE_QUEUED, IKE_BUILDING, IKE_WAITING, IKE_READING, IKE_ANSWERING };
enum ike_fate { IKE_FATE_NONE, IKE_FATE_SA, IKE_FATE_SESSION };

/* What a child SA needs while it is made or replaced; child->keying, a talloc child of the child SA. */
struct ike_child {
	struct rv_child *child;
	struct rv_ike_exchange *x;  /* that makes it */
	struct ike_child_keys keys; /* kept while only the inbound SA is in */
	struct rv_timer timer;	    /* when the outbound SA follows by itself */
	struct rv_call call;
	uint32_t successor, replaces; /* ids of child SAs, 0: none */
	bool initiator;
	uint8_t rival_nonce[IKE_NONCE_MAX]; /* the lower one of the peer's exchange (RFC 7296, 2.8.1) */
	uint16_t rival_nonce_len;
};

struct rv_ike_exchange {
	const struct rv_ike_verbs *verbs;
	struct rv_list entry;
	struct rv_ike_sa *sa;
	const struct rv_ike_plan *plan; /* ours; NULL when we answer */
	const struct rv_ike_row *row;
	void *self; /* of the extension that owns plan or row */
	rv_ike_step_fn *const *steps;
	uint8_t phase, section, fate;
	bool suspended, running, again, restart, soft, childless, silent, stop;
	uint8_t type;
	uint32_t id;
	unsigned task;

	struct ike_header header; /* of what came in */
	struct ike_chain chain;
	struct rv_bytes message; /* a copy: of the datagram (IKE_SA_INIT) or of what was inside SK */
	uint8_t *body;
	struct rv_path path;
	uint64_t digest;

	struct ike_builder out;
	uint8_t *room;
	uint16_t veto;
	uint8_t veto_data[4];
	uint8_t veto_len;

	struct rv_bytes request; /* what we sent, for retransmission */
	struct rv_timer timer;
	unsigned tries;
	uint64_t wait_us, sent_us;

	struct rv_call call;
	struct rv_job *job;
	struct rv_why why;
	const char *advice;
	char words[512]; /* of a longer explanation */
	int reason;	 /* of the fate */
	struct rv_attempt *attempt;

	struct ike_kex *kex;
	struct rv_bytes ni, nr;
	uint8_t nonce[IKE_NONCE_LEN];
	struct rv_proposal chosen;
	uint64_t spi; /* of a new IKE SA */
	struct rv_ike_sa *fresh;
	uint64_t spi_theirs, rival; /* rival: our SPI of the IKE SA that the peer made at the same time */
	uint8_t rival_nonce[IKE_NONCE_MAX];
	uint16_t rival_nonce_len;
	struct rv_bytes signed_also;
	struct ike_proof *proof;
	uint16_t group; /* that the responder asked for */

	struct ike_child *child;
	const struct rv_child_conf *conf;
	uint32_t old; /* id of the child SA to be replaced or deleted */
	uint32_t spi_out, veto_spi;
	uint8_t veto_protocol;
	bool transport, lost;
	struct ike_ts_pair *ts;
};

extern const struct rv_ike_verbs ike_verbs; /* ext.c */

/* sas.c */
int ike_sas_init(struct ike_engine *engine);
int ike_sas_add(struct rv_ike_sa *sa);
void ike_sas_remove(struct rv_ike_sa *sa);
struct rv_ike_sa *ike_sas_find(const struct ike_engine *engine, uint64_t ours);
typedef void ike_sas_fn(struct rv_ike_sa *sa, void *arg);
void ike_sas_each(struct ike_engine *engine, ike_sas_fn *fn, void *arg);
uint64_t ike_spi_new(struct ike_engine *engine);

/* sa.c: our SPI and the peer's; a new SA in state NEW, child of parent, not in the table. ike_sa_keys(): slices of an
 * SA's keys. ike_sa_end(): ends the session when sa is its current one, else sa alone; sa is gone afterwards. */
static inline uint64_t ike_sa_ours(const struct rv_ike_sa *sa)
{
	return sa->initiator ? sa->spi_i : sa->spi_r;
}
static inline uint64_t ike_sa_theirs(const struct rv_ike_sa *sa)
{
	return sa->initiator ? sa->spi_r : sa->spi_i;
}
struct rv_ike_sa *ike_sa_new(struct ike_engine *engine, const void *parent, struct rv_peer *peer, struct ike_port *port,
			     bool initiator);
int ike_sa_suite(struct rv_ike_sa *sa, const struct rv_proposal *chosen, struct rv_why *why);
void ike_sa_adopt_keys(struct rv_ike_sa *sa, struct ike_keys *keys);
int ike_sa_trim_keys(struct rv_ike_sa *sa);
void ike_sa_keys(const struct rv_ike_sa *sa, struct ike_keys *out);
void ike_sa_tell_keys(const struct rv_ike_sa *sa);
void ike_sa_proposal(const struct rv_ike_sa *sa, struct rv_proposal *out);
void ike_sa_established(struct rv_ike_sa *sa);
void ike_sa_schedule(struct rv_ike_sa *sa);
void ike_sa_end(struct rv_ike_sa *sa, int reason, const char *text);
void ike_sa_replace(struct rv_ike_sa *old, struct rv_ike_sa *fresh);
void ike_sa_lifetimes(struct rv_ike_sa *sa);
struct rv_subject ike_subject(const struct rv_ike_sa *sa);
const char *ike_state_text(enum rv_ike_state state);
struct ike_handshake *ike_handshake_new(struct rv_ike_sa *sa);

/* exchange.c. ike_exchange_ask(): queues a request of ours (NULL: out of memory or the queue is full). */
struct rv_ike_exchange *ike_exchange_new(struct rv_ike_sa *sa, uint8_t phase);
struct rv_ike_exchange *ike_exchange_ask(struct rv_ike_sa *sa, const struct rv_ike_plan *plan);
void ike_exchange_kick(struct rv_ike_sa *sa);
void ike_exchange_answer(struct rv_ike_exchange *x);
void ike_exchange_read(struct rv_ike_exchange *x);
void ike_exchange_resume(struct rv_ike_exchange *x, int result);
int ike_exchange_pend(struct rv_ike_exchange *x, int result);
void ike_exchange_call(struct rv_call *call, int result); /* done of x->call */
void ike_exchange_close(struct rv_ike_exchange *x, int result);
bool ike_exchange_busy(const struct rv_ike_sa *sa, const struct rv_ike_plan *plan);
int ike_refuse(struct rv_ike_exchange *x, uint16_t notify, struct rv_bytes data, int error, const char *fmt, ...)
	RV_PRINTF(5, 6);
struct rv_bytes ike_body(const struct rv_ike_exchange *x, uint8_t type);
bool ike_has_payload(const struct rv_ike_exchange *x, uint8_t type);
bool ike_has_notify(const struct rv_ike_exchange *x, uint16_t type);
uint16_t ike_error_in(const struct rv_ike_exchange *x);
struct rv_bytes ike_keep(const void *parent, struct rv_bytes octets);

/* window.c */
enum ike_arrival { IKE_ARRIVAL_NEW, IKE_ARRIVAL_AGAIN, IKE_ARRIVAL_OLD, IKE_ARRIVAL_AHEAD };
enum ike_arrival ike_window_judge(uint32_t next_in, uint32_t id);
uint64_t ike_window_wait_us(uint64_t first_us, unsigned base_1000, unsigned tries);
void ike_window_sent(struct rv_ike_exchange *x);
int ike_window_keep(struct rv_ike_sa *sa, uint32_t id, uint64_t digest, struct rv_bytes response);
void ike_window_forget(struct rv_ike_sa *sa);
uint64_t ike_window_forget_us(const struct rv_ike_sa *sa);
int ike_send(struct rv_ike_sa *sa, const struct rv_path *path, struct rv_bytes message);
uint64_t ike_digest(struct rv_bytes octets);

/* engine.c */
void ike_receive(void *arg, const struct rv_path *path, struct rv_bytes message);
int ike_seal(struct rv_ike_sa *sa, const struct ike_header *header, const struct ike_builder *chain, uint8_t **out,
	     size_t *len);
bool ike_rate_ok(struct ike_engine *engine, struct ike_rate *rate, uint32_t per_second);
void ike_reply_notify(struct ike_port *port, const struct rv_path *path, const struct ike_header *request,
		      uint16_t type, struct rv_bytes data);

/* ghost.c: the last answer of an IKE SA that is gone, for a retransmitted request. */
void ike_ghost_keep(struct rv_ike_sa *sa);
bool ike_ghost_answer(struct ike_port *port, const struct ike_header *header, const struct rv_path *path,
		      struct rv_bytes message);
void ike_ghost_expire(struct ike_engine *engine);

/* table.c */
const struct rv_ike_row *ike_table(size_t *n);
const struct rv_ike_row *ike_table_find(const struct rv_ike_exchange *x, void **self, int *refuse);
bool ike_row_fits(const struct rv_ike_row *row, const struct rv_ike_exchange *x, bool complete);
extern const struct rv_ike_plan ike_plan_init, ike_plan_auth, ike_plan_auth_failed, ike_plan_child,
	ike_plan_child_rekey, ike_plan_rekey, ike_plan_liveness, ike_plan_delete, ike_plan_child_delete;

/* The steps of the table's rows, ended by NULL. */
extern rv_ike_step_fn *const ike_init_answer[],
	*const ike_init_chosen[],
		*const ike_init_cookie[],
			*const ike_init_group[],
				*const ike_init_error[],
					*const ike_auth_answer[],
						*const ike_auth_no_proof[],
							*const ike_auth_accepted[],
								*const ike_refused[],
									*const ike_child_create_answer[],
										*const ike_child_created[],
											*const ike_child_rekey_answer[],
												*const ike_child_rekeyed[],
													*const ike_rekey_answer[],
														*const ike_rekeyed[],
															*const ike_info_answer[],
																*const ike_info_read
																	[];
bool ike_is_rekey(const struct rv_ike_exchange *x);
bool ike_is_child_rekey(const struct rv_ike_exchange *x);

/* halfopen.c. admit: 0, RV_PENDING when a cookie is wanted first, negative when the request is dropped. */
int ike_halfopen_init(struct ike_engine *engine);
struct rv_ike_sa *ike_halfopen_find(struct ike_engine *engine, uint64_t spi_i, const struct rv_addr *remote,
				    uint64_t digest);
void ike_halfopen_add(struct ike_handshake *hs);
void ike_halfopen_remove(struct ike_handshake *hs);
int ike_halfopen_admit(struct ike_engine *engine, const struct rv_path *path, const struct ike_header *header,
		       struct rv_bytes ni, const struct ike_chain *chain, uint8_t cookie[static IKE_COOKIE_LEN]);

/* kex.c: key exchanges in jobs. generate, respond and complete return RV_PENDING or negative and resume x. */
struct ike_kex {
	uint16_t group;
	struct rv_secret *secret, *shared;
	struct rv_bytes ours; /* our public value */
};
struct ike_kex *ike_kex_new(struct rv_ike_exchange *x, uint16_t group);
int ike_kex_generate(struct rv_ike_exchange *x);
int ike_kex_respond(struct rv_ike_exchange *x, struct rv_bytes theirs);
int ike_kex_complete(struct rv_ike_exchange *x, struct rv_bytes theirs);
void ike_nonce(struct rv_ike_exchange *x);
bool ike_offers_group(const struct rv_proposal *proposals, size_t n, uint16_t group);

/* init.c, init-answer.c */
int ike_init_start(struct ike_engine *engine, struct rv_peer *peer, struct ike_port *port,
		   const struct rv_child_conf *child, struct rv_attempt *attempt);
void ike_init_request(struct ike_port *port, const struct rv_path *path, const struct ike_message *message);
int ike_handshake_keys(struct rv_ike_exchange *x, struct rv_bytes ni, struct rv_bytes nr);
int ike_nat_write(struct rv_ike_exchange *x, uint8_t encap, uint64_t spi_i, uint64_t spi_r);
int ike_nat_read(struct rv_ike_exchange *x, uint8_t encap);

/* create-child.c, rekey.c, info.c: what we ask for. 0 when it is queued (or is already), or negative. */
int ike_nonce_compare(struct rv_bytes a, struct rv_bytes b);
struct rv_bytes ike_nonce_lower(struct rv_bytes a, struct rv_bytes b);
int ike_child_create(struct rv_ike_sa *sa, const struct rv_child_conf *conf, struct rv_attempt *attempt);
int ike_child_rekey(struct rv_child *child);
int ike_child_delete(struct rv_child *child);
void ike_child_failed(struct rv_ike_exchange *x, int error);
int ike_rekey(struct rv_ike_sa *sa);
void ike_rekey_forget(struct rv_ike_sa *sa);
int ike_delete(struct rv_ike_sa *sa);
int ike_liveness(struct rv_ike_sa *sa);

/* ext.c: extensions. point: runs the tasks there. */
int ike_ext_init(struct ike_engine *engine);
int ike_point(struct rv_ike_exchange *x, enum rv_ike_point point);
bool ike_ext_datagram(struct ike_port *port, const struct rv_path *path, const struct ike_header *header,
		      struct rv_bytes message);
const struct rv_ike_row *ike_ext_row(const struct rv_ike_exchange *x, void **self);
void ike_ext_inherit(struct rv_ike_sa *from, struct rv_ike_sa *to);

/* verbs.c: the keying ops; state.c; bus.c */
extern const struct rv_keying_ops ike_keying_ops;
void ike_stop_check(struct ike_engine *engine);
int ike_pack(void *self, struct rv_peer *peer, struct rv_pack *out);
int ike_unpack(void *self, struct rv_peer *peer, struct rv_unpack *in);
int ike_bus_publish(struct ike_engine *engine);
