// SPDX-License-Identifier: LGPL-2.1-or-later
/* ikev2-stray.h: datagrams of strangers, for which nothing is kept (RFC 7296, 2.6, 2.21.4).
 */
#pragma once

#include <ravelin/algorithm.h>
#include <ravelin/transport.h>

struct rv_ike_opening; /* ikev2-known.h */

/* A request that belongs to no IKE SA: its responder SPI is zero, or neither of its SPIs is one of ours (whatever its
 * Initiator flag says). */
struct rv_ike_datagram {
	const struct rv_path *path;
	struct rv_bytes message;
	uint8_t exchange, flags;
	void (*reply)(const struct rv_ike_datagram *datagram, struct rv_bytes message);
	void *reply_arg;
};

/* A first message, of IKE_SA_INIT or of another first exchange (which offers nothing), before anything is kept for it.
 * half_open, of_peer: IKE SAs that wait for IKE_AUTH, in all and from this address. returned: it brought a cookie of
 * ours, with info in it. An extension that asks for more fills ask_info (which then is in the next cookie) and
 * ask_type, a notification that goes behind the cookie; all is borrowed until the call returns. */
struct rv_ike_stranger {
	const struct rv_path *path;
	uint32_t half_open, of_peer;
	const struct rv_proposal *offered;
	size_t n_offered;
	bool returned;
	struct rv_bytes cookie, info;
	bool (*payload)(const struct rv_ike_stranger *stranger, uint8_t type, struct rv_bytes *body);
	const void *payload_arg;
	uint16_t ask_type;
	uint8_t n_ask_info, n_ask_data, ask_info[16], ask_data[16];
	bool (*notify)(const struct rv_ike_stranger *stranger, uint16_t type, struct rv_bytes *data);
};
