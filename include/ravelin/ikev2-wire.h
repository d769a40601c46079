// SPDX-License-Identifier: LGPL-2.1-or-later
/* ikev2-wire.h: verbs for an extension between messages and datagrams, and for one that negotiates or adds keys.
 *
 * No key leaves keying-ikev2: datagrams are sealed and opened there, shared secrets go in. Loop thread.
 */
#pragma once

#include <ravelin/ikev2-verbs.h>

/* The message ID of an exchange; of a request that is being built, the one that it will get. */
static inline uint32_t rv_ike_id(const struct rv_ike_exchange *x)
{
	return rv_ike_verbs(x)->id(x);
}

/* Octets of a datagram (without UDP and IP) with a sealed payload of len octets inside; what stands in front of the
 * initialization vector comes on top. */
static inline size_t rv_ike_sealed_len(const struct rv_ike_sa *sa, size_t len)
{
	return rv_ike_verbs(sa)->sealed_len(sa, len);
}

/* In split(): one datagram more for this message: its header, and a payload of type with chunk sealed inside, whose
 * Next Payload field is first; prefix is authenticated only. 0, -ENOSPC, -ENOMEM or a provider's error. */
RV_MUST_USE static inline int rv_ike_seal(struct rv_ike_exchange *x, uint8_t type, struct rv_bytes prefix,
					  uint8_t first, struct rv_bytes chunk)
{
	return rv_ike_verbs(x)->seal(x, type, prefix, first, chunk);
}

/* In join(): verifies a datagram and opens what is sealed behind skip octets of its body into room, cap octets that are
 * at least the body's; *chunk borrows them. 0; -RV_EINTEGRITY; -RV_ESYNTAX, -ENOSPC, -ENOMEM or a provider's error. */
RV_MUST_USE static inline int rv_ike_open(struct rv_ike_sa *sa, const struct rv_ike_sealed *datagram, size_t skip,
					  uint8_t *room, size_t cap, struct rv_bytes *chunk)
{
	return rv_ike_verbs(sa)->open(sa, datagram, skip, room, cap, chunk);
}

/* Both sides said this (the number of a notification): remembered for the IKE SA and its successors, also in a pack,
 * in two octets. 0, or -RV_ELIMIT when too many numbers are. */
RV_MUST_USE static inline int rv_ike_agree(struct rv_ike_sa *sa, uint16_t number)
{
	return rv_ike_verbs(sa)->agree(sa, number);
}

/* Whether rv_ike_agree() was called with it. */
static inline bool rv_ike_agreed(const struct rv_ike_sa *sa, uint16_t number)
{
	return rv_ike_verbs(sa)->agreed(sa, number);
}

/* In an exchange before IKE_AUTH: new keys for the IKE SA from prf(SK_d, shared | Ni | Nr) as SKEYSEED, expanded as in
 * RFC 7296, 2.14. This exchange ends with the old keys, the next one has the new ones. Once an exchange. 0, -RV_ESTATE,
 * -ENOMEM or a provider's error. */
RV_MUST_USE static inline int rv_ike_mix(struct rv_ike_exchange *x, struct rv_bytes shared)
{
	return rv_ike_verbs(x)->mix(x, shared);
}

/* The proposal that was chosen in this exchange, for the IKE SA or a child SA; it has no transforms before that. */
static inline const struct rv_proposal *rv_ike_chosen(const struct rv_ike_exchange *x)
{
	return rv_ike_verbs(x)->chosen(x);
}

/* At KEYED of a rekey: the IKE SA that the exchange makes. NULL: it makes none, or has handed it over. */
static inline struct rv_ike_sa *rv_ike_fresh(struct rv_ike_exchange *x)
{
	return rv_ike_verbs(x)->fresh(x);
}

/* The SPIs of an IKE SA, in host order; the responder's is 0 before IKE_SA_INIT was answered. True when we are its
 * original initiator. */
static inline bool rv_ike_spis(const struct rv_ike_sa *sa, uint64_t *spi_i, uint64_t *spi_r)
{
	return rv_ike_verbs(sa)->spis(sa, spi_i, spi_r);
}

/* A line of the story that `ravelin diagnose` tells of the attempt that this exchange is for, if it is for one. */
static inline void rv_ike_tell(struct rv_ike_exchange *x, const char *text)
{
	rv_ike_verbs(x)->tell(x, text);
}

/* At BUILD: a payload (copied) of our message stands in front of the sealed one: authenticated, and not encrypted.
 * There is one; where the message goes as several datagrams it is in the first. 0 or -ENOMEM. */
static inline int rv_ike_add_outside(struct rv_ike_exchange *x, uint8_t type, struct rv_bytes body)
{
	return rv_ike_verbs(x)->add_outside(x, type, body);
}
