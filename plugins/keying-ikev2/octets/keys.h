// SPDX-License-Identifier: LGPL-2.1-or-later
/* keys.h: how key material is made (RFC 7296, 2.13, 2.14, 2.17 and 2.18).
 *
 * prf is always a service of kind "prf" to which the caller holds a reference. All keys of one SA lie in one secret;
 * the slices borrow it. Loop thread (registry); the computation itself takes no lock.
 */
#pragma once

#include <ravelin/crypto.h>
#include <ravelin/cryptor.h>
#include <ravelin/sa.h>
#include <ravelin/secret.h>

enum { IKE_PRF_MAX = 64 }; /* octets of the longest PRF output */

/* prf+ (2.13) of key over seed (n_seed parts, at most 6) into len octets at out. 0; -RV_ELIMIT when len is over 255
 * outputs of the PRF or there are too many parts; or what the provider says. out is wiped on failure. */
RV_MUST_USE int ike_prf_plus(struct rv_service *prf, struct rv_bytes key, const struct rv_bytes *seed, size_t n_seed,
			     uint8_t *out, size_t len);

/* prf of key over parts into out (IKE_PRF_MAX octets of room); *len set. */
RV_MUST_USE int ike_prf(struct rv_service *prf, struct rv_bytes key, const struct rv_bytes *parts, size_t n_parts,
			uint8_t out[static IKE_PRF_MAX], size_t *len);

/* What the keys of an IKE SA are made from. shared: g^ir. For a successor (2.18) old_d is SK_d of the SA that is
 * replaced and old_prf that SA's PRF; for a first SA both are empty. */
struct ike_key_input {
	struct rv_bytes ni, nr, shared, more; /* more: further shared secrets, for a successor */
	uint64_t spi_i, spi_r;
	struct rv_service *old_prf;
	struct rv_bytes old_d;
};

struct ike_keys {
	struct rv_secret *block;
	struct rv_bytes d, ai, ar, ei, er, pi, pr;
};

/* SK_d to SK_pr of an IKE SA with this prf and suite: 2.14, or 2.18 when in->old_prf is set. The block is a child of
 * parent. A PRF service with the attribute "ikev2-nonce-octets" gets only that many octets of each nonce as the key of
 * SKEYSEED (2.14: AES-XCBC and AES-CMAC, 8). 0, -ENOMEM, -RV_ELIMIT or the provider's; keys untouched then. */
RV_MUST_USE int ike_keys_make(struct ike_keys *keys, const void *parent, struct rv_vault *vault, struct rv_service *prf,
			      const struct rv_suite *suite, const struct ike_key_input *in);

/* MACedID (2.15): prf(SK_pi or SK_pr, body of the ID payload) into out. */
RV_MUST_USE int ike_maced_id(struct rv_service *prf, struct rv_bytes sk_p, struct rv_bytes id_body,
			     uint8_t out[static IKE_PRF_MAX], size_t *len);

/* Keys of a child SA. i: of the SA from the exchange's initiator to its responder; r: of the other one (2.17). */
struct ike_child_keys {
	struct rv_secret *block;
	struct rv_bytes encr_i, integ_i, encr_r, integ_r;
};

/* KEYMAT (2.17): prf+(SK_d, [g^ir |] Ni | Nr), encr_len (key with salt) and integ_len octets a direction. shared empty:
 * no key exchange of its own. 0, -ENOMEM, -RV_ELIMIT or the provider's; keys untouched then. */
RV_MUST_USE int ike_child_keys_make(struct ike_child_keys *keys, const void *parent, struct rv_vault *vault,
				    struct rv_service *prf, struct rv_bytes sk_d, struct rv_bytes shared,
				    struct rv_bytes ni, struct rv_bytes nr, size_t encr_len, size_t integ_len);

/* The same as the core wants them. initiator: we sent the request of the exchange that made them. */
struct rv_child_keys ike_child_keys_view(const struct ike_child_keys *keys, bool initiator);
