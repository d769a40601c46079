// SPDX-License-Identifier: LGPL-2.1-or-later
/* exchange.h: one request and its response, ours or the peer's (RFC 7296, 2.1), and the scratch context of all that it
 * makes: what is not committed dies with it.
 */
#pragma once

#include "ike-sa.h"
#include "octets/payload.h"

struct ike_child;
struct ike_kex;
struct ike_proof;
struct ike_ts_pair;
struct rv_attributes;

enum {
	IKE_BUILD_MAX = 16 * 1024, /* octets of payloads in one of our messages */
	IKE_NONCE_LEN = 32,
	IKE_QUEUE_MAX = 64,  /* requests that wait for the window */
	IKE_WINDOW_MAX = 16, /* requests at once, whatever the peer says */
};

enum ike_phase { IKE_QUEUED, IKE_BUILDING, IKE_WAITING, IKE_READING, IKE_ANSWERING };
enum ike_fate { IKE_FATE_NONE, IKE_FATE_END }; /* what becomes of the IKE SA when the exchange is over */

/* A talloc child of its IKE SA. */
struct rv_ike_exchange {
	const struct rv_ike_verbs *verbs;
	struct rv_list entry;
	struct rv_ike_exchange *behind; /* in sa->ahead */
	struct rv_ike_sa *sa;
	const struct rv_ike_plan *plan;		/* ours; NULL when we answer */
	const struct rv_ike_row *row;		/* what the message that came starts */
	void *self, *plan_self;			/* of the extension that owns the row (or builds), and the plan */
	struct rv_ref row_of, plan_of, task_of; /* to that extension, and one that suspended it: they stay as long */
	rv_ike_step_fn *const *steps;
	uint8_t phase, section, fate, type;
	uint32_t id;
	unsigned task;	/* how many of a point's tasks ran */
	bool suspended; /* until ike_exchange_resume() */
	bool again;	/* the same step goes on after that */
	bool restart;	/* IKE_SA_INIT: build and send another request */
	bool silent;	/* no answer; or: go on waiting for a better one */
	bool believe;	/* IKE_SA_INIT: a failure is final although nothing is protected */
	bool soft;	/* from here on a failure is one of the child SA only */
	bool childless; /* that has happened, or none is wanted */
	bool lost;	/* ours is the redundant one of a collision */
	bool transport; /* mode of the child SA */
	bool pair;	/* only the packet's own selectors are asked for (RFC 7296, 2.9) */
	bool more_ts;	/* other selectors would have been acceptable in another child SA */
	bool narrower;	/* the answer has fewer selectors than what it replaces */
	bool no_tfc;	/* the peer takes no packets with traffic flow confidentiality padding */
	bool fragments; /* both sides take fragments without ports in the child SA */

	/* what came in: the datagram (IKE_SA_INIT) or what was inside SK; message borrows body; head: of ours */
	struct ike_header header, head;
	struct ike_chain chain;
	struct rv_bytes message;
	uint8_t *body;
	struct rv_path path;
	uint64_t digest;

	/* what goes out */
	struct ike_builder out;
	struct ike_outside outside;
	uint8_t *room, kept_first;
	struct ike_list sent; /* our message as datagrams */
	struct rv_bytes kept; /* and its payloads, for other datagrams */
	struct rv_path via;   /* has_via: another path than the session's */
	bool has_via;
	struct rv_timer timer;
	unsigned tries, anew, refusals; /* anew: tries when waiting began anew; refusals: TEMPORARY_FAILUREs so far */
	uint64_t due_us, sent_us;	/* when it is sent again */

	/* how it failed, in more words, reason: of the fate; veto: what the peer is told (0: what fits the error) */
	struct rv_why why;
	const char *advice;
	char words[512];
	int reason;
	uint16_t veto;
	uint8_t veto_data[4], veto_len, veto_protocol;
	uint32_t veto_spi;
	struct rv_attempt *attempt; /* held */

	struct rv_call call; /* of a service that takes its time */
	struct rv_job *job;

	/* keys that are being made */
	struct ike_kex *kex;
	struct rv_bytes ni, nr;
	uint8_t nonce[IKE_NONCE_LEN]; /* ours */
	struct rv_proposal chosen;
	uint16_t group; /* that the responder asked for */
	struct ike_proof *proof;
	struct rv_bytes signed_also;
	struct rv_secret prove_also;		   /* the key of a second proof of ours, and that proof */
	struct rv_bytes proof_also, proof_instead; /* instead: what counts of the peer's AUTH payload */
	bool another;				   /* the peer's message says that another proof of it follows */
	struct ike_keys mixed;			   /* the IKE SA's from the next exchange on */

	/* configuration: what was asked for, by whoever made the request; the list that is being made or was read */
	struct rv_attributes *asked, *attributes;

	/* keying goes on in others (ikev2-kex.h): remaining steps, secrets, who waits for the end, and what it was */
	bool parted;
	rv_ike_step_fn *const *rest;
	unsigned rest_task;
	struct rv_secret *secrets;
	struct rv_ike_exchange *waiter;
	int outcome;

	/* a successor of the IKE SA; rival: our SPI of the one that the peer made at the same time */
	struct rv_ike_sa *fresh;
	struct rv_list pending; /* among the engine's, with spi */
	uint64_t spi, spi_theirs, rival;
	uint8_t rival_nonce[IKE_NONCE_MAX]; /* the lower one of the peer's exchange, also of a child SA */
	uint16_t rival_nonce_len;	    /* 0: the peer does not replace the same */

	/* a child SA; ids: old: to be replaced or deleted; supersedes: a new child SA, no rekey, takes its place */
	struct ike_child *child;
	const struct rv_child_conf *conf;
	struct ike_ts_pair *ts;
	uint32_t old, supersedes, spi_out;
	uint8_t moves; /* the IKE SA's when the child SA was offered */
};

/* The exchange is the first one of its IKE SA: IKE_SA_INIT, or (opens) an extension's. */
bool ike_is_first(const struct rv_ike_exchange *x);
bool ike_opens(const struct rv_ike_exchange *x);

/* ask: queues a request of ours (NULL: out of memory or the queue is full); kick: starts what the window allows. */
struct rv_ike_exchange *ike_exchange_new(struct rv_ike_sa *sa, uint8_t phase);
struct rv_ike_exchange *ike_exchange_ask(struct rv_ike_sa *sa, const struct rv_ike_plan *plan);
void ike_exchange_kick(struct rv_ike_sa *sa);
bool ike_exchange_busy(const struct rv_ike_sa *sa, const struct rv_ike_plan *plan);

/* skip: in a step, leaves out the rest of its list. put_off: a queued request starts after us at the earliest. */
void ike_exchange_skip(struct rv_ike_exchange *x);
void ike_exchange_put_off(struct rv_ike_exchange *x, uint64_t us);

/* A message with x->header, chain and message: a request to be answered; the response to ours. x may be gone after. */
void ike_exchange_answer(struct rv_ike_exchange *x);
void ike_exchange_read(struct rv_ike_exchange *x);

/* A suspended exchange goes on, or fails. call: done of x->call. close: the end of ours. */
void ike_exchange_resume(struct rv_ike_exchange *x, int result);
void ike_exchange_call(struct rv_call *call, int result);
void ike_exchange_close(struct rv_ike_exchange *x, int result);

#include "contents.h"
