// SPDX-License-Identifier: LGPL-2.1-or-later
/* ikev2-plain.h: a protected message of IKEv2 between its payloads and its datagrams (RFC 7296, 3.14).
 */
#pragma once

#include <ravelin/base.h>

struct rv_path;
struct rv_service;

struct rv_ike_sa;	/* one IKE SA: a talloc object */
struct rv_ike_exchange; /* one request and its response: a talloc object, gone when it ends */

/* join() answers that the message is complete. */
enum { RV_IKE_WHOLE = 2 };

/* A message in plain. header: 28 octets as the wire has them; Next Payload and Length are those of a datagram that
 * carries it (of a whole one when it is ours). outside: payloads between the header and the sealed payload. reserved:
 * second octet of the sealed payload's generic header. first: type of the first payload inside. digest: of the datagram
 * whose repetition asks for the answer again, or 0. owner: a talloc object that payloads lie in; NULL for ours. */
struct rv_ike_plain {
	struct rv_bytes header, outside, payloads;
	uint8_t first, reserved;
	bool ours;
	uint64_t digest;
	void *owner;
};

/* A datagram of an IKE SA whose sealed payload is of an extension's type; nothing of it is verified. body: behind the
 * payload's generic header, whose Next Payload field is first. answered: the answer to this request was sent. */
struct rv_ike_sealed {
	struct rv_bytes datagram, body;
	uint8_t type, first, reserved, exchange;
	uint32_t id;
	bool response, answered;
	uint64_t digest; /* of the datagram */
};

/* A message of ours when all its payloads are there, before it is protected; what is changed is sent and signed.
 * header: 28 octets as the wire has them, but for Next Payload and Length, which follow from the payloads. payloads:
 * len octets with room for cap; first: the type of the first one. */
struct rv_ike_shape {
	uint8_t *header, *payloads;
	size_t len, cap;
	uint8_t first;
};

/* A datagram of an IKE SA that is about to be sent. transport: the service that carries it. */
struct rv_ike_leaving {
	const struct rv_path *path;
	struct rv_bytes datagram;
	struct rv_service *transport;
};

/* A request as anybody can see it. payload: the first one of a type that stands in front of the sealed payload. */
struct rv_ike_outer {
	uint8_t exchange;
	const void *arg;
	bool (*payload)(const struct rv_ike_outer *request, uint8_t type, struct rv_bytes *body);
};
