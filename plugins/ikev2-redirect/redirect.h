// SPDX-License-Identifier: LGPL-2.1-or-later
/* redirect.h: what the parts of ikev2-redirect share (RFC 5685).
 */
#pragma once

#include <ravelin/config.h>
#include <ravelin/error.h>
#include <ravelin/ikev2-path.h>
#include <ravelin/loop.h>
#include <ravelin/plugin.h>
#include <ravelin/wire.h>

enum {
	IKE_SA_INIT = 34,
	IKE_AUTH = 35,
	INFORMATIONAL = 37,
	P_AUTH = 39,
	P_NONCE = 40,
	P_NOTIFY = 41,
	N_REDIRECT_SUPPORTED = 16406,
	N_REDIRECT = 16407,
	N_REDIRECTED_FROM = 16408,
	GATEWAY_TEXT = 256, /* an address or a name */
	REDIRECT_MAX = 2 + GATEWAY_TEXT + 256,
};

/* How often a connection was sent on, and since when. */
struct hops {
	struct rv_list entry;
	char *connection;
	unsigned n;
	uint64_t since_us;
};

struct redirect {
	struct rv_host *host;
	struct rv_list hops;
	unsigned n_sessions; /* that are up */
	unsigned turn;	     /* of gateways */
	uint64_t log_at_us;  /* the second in which logs lines told of strangers that were sent on */
	unsigned logs;
	struct rv_bus_folder *folder;
};

/* Attached to the session of a client that can be sent elsewhere. */
struct client {
	struct redirect *redirect;
	struct rv_peer *peer;
	char *to; /* NULL: stays */
	struct rv_timer timer;
};

/* gateway.c: contents of notifications, and IKE_SA_INIT requests as they come. Pure. */

/* gateway: an address or a name; nonce may be empty. Empty: gateway is neither. */
struct rv_bytes gateway_write(const char *gateway, struct rv_bytes nonce, uint8_t room[static REDIRECT_MAX]);
bool gateway_read(struct rv_bytes data, char gateway[static GATEWAY_TEXT], struct rv_bytes *nonce);

struct init_request {
	size_t len; /* of the message */
	uint64_t spi_i;
	struct rv_bytes nonce;
	bool supported;
};
bool init_request_read(struct rv_bytes message, struct init_request *out);

/* Empty where the answer would have more octets than the request: whoever sends that may have forged its source. */
struct rv_bytes init_answer_write(const struct init_request *request, const char *gateway, uint8_t *room, size_t cap);

/* server.c */
int server_datagram(void *self, const struct rv_ike_datagram *datagram);
int server_init(struct rv_ike_exchange *x, void *self);
int server_pack(void *self, struct rv_ike_sa *sa, struct rv_pack *out);
int server_unpack(void *self, struct rv_ike_sa *sa, struct rv_unpack *in);
int server_round(struct redirect *redirect, struct rv_ike_exchange *x);
int server_build(struct rv_ike_exchange *x, void *self);
void server_publish(struct redirect *redirect);
