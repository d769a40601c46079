// SPDX-License-Identifier: LGPL-2.1-or-later
/* resumption.h: what the two sides of session resumption (RFC 5723) share: the gateway gives tickets, the client keeps
 * and presents them. A daemon is each of both, for different sessions.
 */
#pragma once

#include "spent.h"
#include "ticket.h"

enum {
	IKE_AUTH = 35,
	CREATE_CHILD_SA = 36,
	INFORMATIONAL = 37,
	IKE_SESSION_RESUME = 38, /* RFC 5723, 4.3.2 */
	P_NONCE = 40,
	INVALID_SYNTAX = 7,
	AUTHENTICATION_FAILED = 24,
	COOKIE = 16390,
	TICKET_LT_OPAQUE = 16409, /* RFC 5723, 7 */
	TICKET_REQUEST = 16410,
	TICKET_ACK = 16411,
	TICKET_NACK = 16412,
	TICKET_OPAQUE = 16413,
};

#define RESUMPTION_LABEL "Resumption" /* RFC 5723, 5.1 */
#define RESUMPTION_AUTH "resumption"  /* the auth service of this plugin */

/* The plugin. kept: struct kept of client.c; room: what the ticket of the last stranger held. */
struct resumption {
	struct rv_host *host;
	struct ticket_keys *keys;
	struct spent *spent;
	struct rv_list kept;
	void *room;
	uint64_t log_at_us;
	unsigned logs;
};

/* How both sides of a connection prove themselves, in words, into out. */
const char *resumption_how(const struct rv_connection *connection, char out[static TICKET_HOW_MAX]);

/* Whether the connection allows the algorithms of an earlier IKE SA. */
bool resumption_allows(const struct rv_connection *connection, const struct rv_proposal *proposal);

/* Whether the plugin's key says yes. */
bool resumption_is_on(const struct resumption *r, const char *key);

/* gateway.c. opened: the op. read, round, build, keyed: tasks. revoke: the ticket of sa is not accepted any more. */
int resume_gateway_opened(void *self, const struct rv_ike_stranger *stranger, struct rv_ike_known *known);
rv_ike_step_fn resume_gateway_read, resume_gateway_round, resume_gateway_build, resume_gateway_keyed;
void resume_gateway_revoke(struct resumption *r, struct rv_ike_sa *sa);
int resume_gateway_pack(struct resumption *r, struct rv_ike_sa *sa, struct rv_pack *out);
int resume_gateway_unpack(struct resumption *r, struct rv_ike_sa *sa, uint16_t tag, struct rv_bytes value,
			  struct rv_unpack *in);

/* client.c. open: the op. present, ask, read: tasks. inherit: to takes the place of from. keep: the peer of sa was
 * lost. forget: the ticket of a connection, NULL: of all. was_used: sa was set up with its connection's ticket. */
int resume_client_open(void *self, struct rv_ike_sa *sa, struct rv_ike_known *known);
rv_ike_step_fn resume_client_present, resume_client_ask, resume_client_read;
int resume_client_inherit(struct resumption *r, struct rv_ike_sa *from, struct rv_ike_sa *to);
void resume_client_keep(struct resumption *r, struct rv_ike_sa *sa);
void resume_client_forget(struct resumption *r, const char *connection, const char *why);
bool resume_client_was_used(struct resumption *r, struct rv_ike_sa *sa);
int resume_client_pack(struct resumption *r, struct rv_ike_sa *sa, struct rv_pack *out);
int resume_client_unpack(struct resumption *r, struct rv_ike_sa *sa, uint16_t tag, struct rv_bytes value,
			 struct rv_unpack *in);

/* Fields of a session's pack. */
enum { PACK_TICKET = 1, PACK_UNTIL, PACK_SERIAL, PACK_EXPIRES, PACK_SINCE };
