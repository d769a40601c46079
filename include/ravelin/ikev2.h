// SPDX-License-Identifier: LGPL-2.1-or-later
/* ikev2.h: kind "ikev2-ext": one extension of IKEv2 (RFC 7296) each.
 *
 * An extension offers tasks at named points of an exchange and rows of the transition table. A task adds payloads,
 * reads the peer's, vetoes with an error or suspends the exchange. State that outlives a rekey of the IKE SA is
 * attached (rv_attach) to the session, other state to the IKE SA or child SA; inherit() carries it to a successor. An
 * IKE SA and an exchange start with a pointer to their verbs, so that no plugin links another. Loop thread.
 */
#pragma once

#include <ravelin/ikev2-plain.h>
#include <ravelin/ikev2-stray.h>
#include <ravelin/pack.h>
#include <ravelin/sa.h>

/* X(name, text): what an IKE SA is in. HALF_OPEN: IKE_SA_INIT is done; REPLACED: a successor has its session. */
#define RV_IKE_STATES(X)                                                                                               \
	X(NEW, "new")                                                                                                  \
	X(INIT, "init")                                                                                                \
	X(HALF_OPEN, "half-open")                                                                                      \
	X(ESTABLISHED, "established")                                                                                  \
	X(REKEYING, "rekeying")                                                                                        \
	X(REPLACED, "replaced")                                                                                        \
	X(DELETING, "deleting")

enum rv_ike_state {
#define X(name, text) RV_IKE_##name,
	RV_IKE_STATES(X)
#undef X
		RV_IKE_N_STATES
};

/* Who we are in an exchange (not in the IKE SA). */
enum rv_ike_role { RV_IKE_INITIATOR, RV_IKE_RESPONDER, RV_IKE_N_ROLES };

/* Where tasks run, in the order of RFC 7296. BUILD: every message that we send, before its last payload. READ: every
 * message that was accepted, before its row's steps. PROPOSE, CHOSEN: proposals of the IKE SA. REQUIRED: the payload
 * sets of a row were checked. KEYED: new keys of an IKE SA are there and may be replaced. OCTETS: what is to be signed
 * may be added to. ROUND: a proof was made or accepted. CHILD_OFFER, CHILD_CHOSEN, CHILD_KEYED: a child SA. PATH: the
 * path was chosen or changed. RETRANSMIT: a request is about to be sent again. CONFIG_BUILD: the attributes of a
 * configuration payload of ours are gathered and may be added to. CONFIG_READ: those of the peer's are there (of a
 * request before it is answered, of a response when what it lends has been taken). KEYING: the key exchange of
 * CREATE_CHILD_SA is done, its keys are about to be made (ikev2-kex.h). PROVE: in IKE_AUTH, who the peer says it is (of
 * a request of ours: is to be) is known and nothing is proved or checked yet. */
enum rv_ike_point {
	RV_IKE_AT_BUILD,
	RV_IKE_AT_READ,
	RV_IKE_AT_PROPOSE,
	RV_IKE_AT_CHOSEN,
	RV_IKE_AT_REQUIRED,
	RV_IKE_AT_KEYED,
	RV_IKE_AT_OCTETS,
	RV_IKE_AT_ROUND,
	RV_IKE_AT_CHILD_OFFER,
	RV_IKE_AT_CHILD_CHOSEN,
	RV_IKE_AT_CHILD_KEYED,
	RV_IKE_AT_PATH,
	RV_IKE_AT_RETRANSMIT,
	RV_IKE_AT_CONFIG_BUILD,
	RV_IKE_AT_CONFIG_READ,
	RV_IKE_AT_KEYING,
	RV_IKE_AT_PROVE,
	RV_IKE_N_POINTS
};

/* One step of an exchange. 0: go on; RV_PENDING: suspended until resume(); negative: the exchange fails. self: the
 * extension's (the engine's own steps get NULL). */
typedef int rv_ike_step_fn(struct rv_ike_exchange *x, void *self);

struct rv_ike_task {
	enum rv_ike_point point;
	uint8_t exchange; /* exchange type; 0: any; IKE_SA_INIT: other first exchanges as well */
	rv_ike_step_fn *run;
};

/* Payload types 0 to 255 as a set. */
struct rv_ike_set {
	uint64_t w[4];
};
#define RV_IKE_P(type) (1ull << ((type)&63))

/* A request that the extension makes of its own: build's steps add the payloads; a row with this plan reads the
 * response; end is called once, with 0 or what went wrong. early: it may go before IKE_AUTH, and goes before all that
 * waits and is not early. */
struct rv_ike_plan {
	const char *story;
	uint8_t exchange;
	bool alone; /* no other request may be outstanding beside it */
	bool early;
	rv_ike_step_fn *const *build;
	void (*end)(struct rv_ike_exchange *x, int result, void *self);
};

/* A row of the transition table: in state from, as role, a message of this exchange with all of needs (and of one more
 * kind than may: ignored) for which when says true. steps end with NULL. to: RV_IKE_N_STATES keeps the state. plan: for
 * a response, the request that it answers (NULL: any). refuse: the notification that answers instead of steps, or -1:
 * silence. */
struct rv_ike_row {
	uint8_t from, exchange, role, to;
	const struct rv_ike_plan *plan;
	struct rv_ike_set needs, may;
	bool (*when)(const struct rv_ike_exchange *x);
	rv_ike_step_fn *const *steps;
	int refuse;
	const char *story;
};

/* knows: payload types beyond RFC 7296's that the extension understands (their critical bit is then no error).
 * datagram: > 0 when it dealt with it. inherit: carries state from an IKE SA to its successor. pack: what sa and its
 * session have of this extension and another daemon must know, as fields (none: nothing is kept); unpack: the same
 * there, when the session is complete but for what other extensions have. Both: 0, or negative, which is logged. seals:
 * payload types of the extension's that hold what is sealed and end a message, as SK does. seen: every protected
 * message once, ours before it is protected, the peer's when it is opened (its exchange has not begun yet). split: a
 * message of ours is about to be sent (attempt 0), or a request for the attempt-th time again: 0: as it is (whole, or
 * as the last time); positive: rv_ike_seal() made all its datagrams, and waiting begins anew; negative: it fails. join:
 * a datagram with one of seals: 0: not mine; RV_PENDING: it is dealt with, the message is not complete; RV_IKE_WHOLE:
 * out has it in full (first, reserved, payloads, digest, owner; of an answered request nothing, it is answered again);
 * negative: not authentic. unprotected: a notification in a message that is not protected, for an established IKE SA,
 * from anybody: 0: not mine; positive: dealt with; negative: it proves that the peer has lost this IKE SA, which ends
 * for that reason at once, without a word to the peer. stranger: 0: no objection; RV_PENDING: it is answered with a
 * cookie and what was asked for, and forgotten; negative: it is dropped. reauth: the peer set sa up, who alone can
 * authenticate it anew: positive when it was asked to. shape: may change a message of ours, also IKE_SA_INIT; 0, or
 * negative: it fails. leave: positive: it took a datagram over, which is not sent then. opening: ikev2-known.h. admit:
 * a request of an IKE SA whose peer is not authenticated yet, before it is opened; negative: it is dropped. */
struct rv_ikev2_ext_ops {
	size_t size;
	const struct rv_ike_task *tasks;
	size_t n_tasks;
	const struct rv_ike_row *rows;
	size_t n_rows;
	struct rv_ike_set knows;
	int (*datagram)(void *self, const struct rv_ike_datagram *datagram);
	int (*inherit)(void *self, struct rv_ike_sa *from, struct rv_ike_sa *to);
	int (*pack)(void *self, struct rv_ike_sa *sa, struct rv_pack *out);
	int (*unpack)(void *self, struct rv_ike_sa *sa, struct rv_unpack *in);
	struct rv_ike_set seals;
	void (*seen)(void *self, struct rv_ike_exchange *x, const struct rv_ike_plain *plain);
	int (*split)(void *self, struct rv_ike_exchange *x, const struct rv_ike_plain *plain, unsigned attempt);
	int (*join)(void *self, struct rv_ike_sa *sa, const struct rv_ike_sealed *datagram, struct rv_ike_plain *out);
	int (*unprotected)(void *self, struct rv_ike_sa *sa, const struct rv_path *path, uint16_t type,
			   struct rv_bytes data);
	int (*stranger)(void *self, struct rv_ike_stranger *stranger);
	int (*reauth)(void *self, struct rv_ike_sa *sa);
	int (*shape)(void *self, struct rv_ike_exchange *x, struct rv_ike_shape *message);
	int (*leave)(void *self, struct rv_ike_sa *sa, const struct rv_ike_leaving *datagram);
	const struct rv_ike_opening *opening;
	int (*admit)(void *self, struct rv_ike_sa *sa, const struct rv_ike_outer *request);
};
RV_KIND(ikev2_ext, "ikev2-ext", 1, struct rv_ikev2_ext_ops, n_tasks)
