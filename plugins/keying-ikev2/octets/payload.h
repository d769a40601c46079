// SPDX-License-Identifier: LGPL-2.1-or-later
/* payload.h: the body of each payload of RFC 7296, 3.3 to 3.16: a reader and a writer each.
 *
 * Readers take the body behind the generic header and answer whether it is well formed; what they fill borrows those
 * octets. Writers append a whole payload to a builder; a body that does not fit shows at ike_builder_done(). Any
 * thread.
 */
#pragma once

#include "message.h"

#include <ravelin/addr.h>
#include <ravelin/algorithm.h>
#include <ravelin/identity.h>

/* True when body is a well-formed payload of this type; true for a type that RFC 7296 does not assign and for SK. */
bool ike_payload_valid(uint8_t type, struct rv_bytes body);

/* SA (3.3). Proposals past IKE_PROPOSALS_MAX are checked for form and left out: the responder need not choose them.
 * proposal[i].number is i + 1 in an offer. A transform with an attribute that is not understood keeps its place with
 * key_bits IKE_TRANSFORM_UNKNOWN, which matches nothing (3.3.6); a proposal with more transforms than fit gets one of
 * class 255, so that it cannot be chosen. */
enum { IKE_PROPOSALS_MAX = 16, IKE_TRANSFORM_UNKNOWN = 0xffff, IKE_SPI_LEN = 8, IKE_CHILD_SPI_LEN = 4 };
struct ike_proposals {
	size_t n;
	struct rv_proposal proposal[IKE_PROPOSALS_MAX];
	struct rv_bytes spi[IKE_PROPOSALS_MAX]; /* 0 or 8 octets (IKE), 4 octets (ESP, AH) */
};

/* An offer: numbers count from 1. A choice: one proposal of any number with at most one transform of a type. */
RV_MUST_USE bool ike_offer_read(struct ike_proposals *out, struct rv_bytes body);
RV_MUST_USE bool ike_choice_read(struct ike_proposals *out, struct rv_bytes body);

/* An offer of n proposals, numbered from 1 whatever they say; all with the same SPI. Or one chosen proposal with its
 * number. */
void ike_offer_put(struct ike_builder *b, const struct rv_proposal *proposals, size_t n, struct rv_bytes spi);
void ike_choice_put(struct ike_builder *b, const struct rv_proposal *chosen, struct rv_bytes spi);

/* True when chosen is one of our n offers (numbered from 1): same protocol, each class that the offer names except
 * "none" ones exactly once with a transform of it, and nothing else (RFC 7296, 3.3, 2.7). strip_ke: the offer's key
 * exchanges were left out. */
bool ike_choice_fits(const struct rv_proposal *offers, size_t n, const struct rv_proposal *chosen, bool strip_ke);

/* KE (3.4) */
struct ike_ke {
	uint16_t group;
	struct rv_bytes value;
};
RV_MUST_USE bool ike_ke_read(struct ike_ke *out, struct rv_bytes body);
void ike_ke_put(struct ike_builder *b, uint16_t group, struct rv_bytes value);

/* IDi, IDr (3.5). The whole body is what RFC 7296, 2.15 calls RestOf...IDPayload. make: NULL when it is no identity or
 * memory is out. */
struct ike_id {
	uint8_t type;
	struct rv_bytes octets;
};
RV_MUST_USE bool ike_id_read(struct ike_id *out, struct rv_bytes body);
struct rv_id *ike_id_make(const void *parent, struct rv_bytes body);
void ike_id_put(struct ike_builder *b, uint8_t payload, const struct rv_id *id);

/* CERT (3.6), CERTREQ (3.7): hashes is a list of 20-octet hashes for encoding 4, else what the encoding says. */
struct ike_cert {
	uint8_t encoding;
	struct rv_bytes octets;
};
RV_MUST_USE bool ike_cert_read(struct ike_cert *out, struct rv_bytes body);
RV_MUST_USE bool ike_certreq_read(struct ike_cert *out, struct rv_bytes body);
void ike_cert_put(struct ike_builder *b, uint8_t payload, uint8_t encoding, struct rv_bytes octets);

/* AUTH (3.8) */
struct ike_auth {
	uint8_t method;
	struct rv_bytes octets;
};
RV_MUST_USE bool ike_auth_read(struct ike_auth *out, struct rv_bytes body);
void ike_auth_put(struct ike_builder *b, uint8_t method, struct rv_bytes octets);

/* Nonce (3.9): 16 to 256 octets. */
enum { IKE_NONCE_MIN = 16, IKE_NONCE_MAX = 256 };
RV_MUST_USE bool ike_nonce_read(struct rv_bytes *out, struct rv_bytes body);
void ike_nonce_put(struct ike_builder *b, struct rv_bytes nonce);

/* Notify (3.10). find: the first well-formed one of this type in chain. */
struct ike_notify {
	uint8_t protocol; /* 0: none */
	uint16_t type;
	struct rv_bytes spi, data;
};
RV_MUST_USE bool ike_notify_read(struct ike_notify *out, struct rv_bytes body);
bool ike_notify_find(const struct ike_chain *chain, uint16_t type, struct ike_notify *out);
void ike_notify_put(struct ike_builder *b, uint16_t type, struct rv_bytes data);
void ike_notify_put_spi(struct ike_builder *b, uint16_t type, uint8_t protocol, uint32_t spi, struct rv_bytes data);

/* Delete (3.11): n SPIs of 4 octets for AH and ESP, none for IKE. spi: the i-th (from 0), 0 past the end. */
struct ike_delete {
	uint8_t protocol;
	uint16_t n;
	struct rv_bytes spis;
};
RV_MUST_USE bool ike_delete_read(struct ike_delete *out, struct rv_bytes body);
uint32_t ike_delete_spi(const struct ike_delete *d, uint16_t i);
void ike_delete_put(struct ike_builder *b, uint8_t protocol, const uint32_t *spis, size_t n);

/* TSi, TSr (3.13). Types that are not known are left out; so are selectors past IKE_TS_MAX (narrowing allows it). An
 * empty list after that is well formed and unacceptable. */
enum { IKE_TS_MAX = 64 };
struct ike_ts_list {
	size_t n;
	struct rv_ts ts[IKE_TS_MAX];
};
RV_MUST_USE bool ike_ts_read(struct ike_ts_list *out, struct rv_bytes body);
void ike_ts_put(struct ike_builder *b, uint8_t payload, const struct rv_ts *ts, size_t n);

/* CP (3.15). Attributes past IKE_CP_MAX are checked for form and left out. */
enum { IKE_CP_MAX = 32 };
enum ike_cp_type { IKE_CP_REQUEST = 1, IKE_CP_REPLY = 2, IKE_CP_SET = 3, IKE_CP_ACK = 4 };
struct ike_cp_attr {
	uint16_t type;
	struct rv_bytes value;
};
struct ike_cp {
	uint8_t type;
	size_t n;
	struct ike_cp_attr attr[IKE_CP_MAX];
};
RV_MUST_USE bool ike_cp_read(struct ike_cp *out, struct rv_bytes body);
void ike_cp_put(struct ike_builder *b, const struct ike_cp *cp);

/* EAP (3.16): opaque but for its own length. Vendor ID (3.12) and EAP are written with ike_builder_put(). */
RV_MUST_USE bool ike_eap_read(struct rv_bytes *out, struct rv_bytes body);
RV_MUST_USE bool ike_vendor_read(struct rv_bytes *out, struct rv_bytes body);
