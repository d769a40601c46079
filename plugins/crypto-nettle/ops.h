// SPDX-License-Identifier: LGPL-2.1-or-later
/* ops.h: what the files of crypto-nettle share.
 *
 * The self of a service is the index of its row put into a pointer: there is nothing to own.
 */
#pragma once

#include <gmp.h>
#include <known-answers.h>
#include <ravelin/crypto.h>

struct rv_host;

/* Offers every service of a kind, or of a family of key exchanges. 0, or what the registry said. */
int nettle_offer_aeads(struct rv_host *host);
int nettle_offer_ccms(struct rv_host *host);
int nettle_offer_ciphers(struct rv_host *host);
int nettle_offer_macs(struct rv_host *host);
int nettle_offer_montgomery(struct rv_host *host);
int nettle_offer_ecp(struct rv_host *host);
int nettle_offer_modp(struct rv_host *host);

/* Numbers of GMP's low level: limbs, least significant first, a fixed count of them whatever their value, so that
 * neither time nor memory tells how many leading zeros a secret has. Octets are big endian. */
enum { LIMB = sizeof(mp_limb_t) };

/* How many limbs hold len octets. */
static inline size_t limbs_of(size_t len)
{
	return (len + LIMB - 1) / LIMB;
}

/* in (len octets) into out (n limbs, at least limbs_of(len)), zero-extended. */
void limbs_from_octets(mp_limb_t *out, size_t n, const uint8_t *in, size_t len);

/* The low len octets of in (n limbs) into out. */
void limbs_to_octets(uint8_t *out, size_t len, const mp_limb_t *in, size_t n);

/* A number written in hexadecimal (an even count of digits) into out (n limbs). Not for secrets. */
void limbs_from_hex(mp_limb_t *out, size_t n, const char *hex);

/* n zeroed limbs on the heap, or NULL; and their end, which wipes them. */
mp_limb_t *limbs_new(size_t n);
void limbs_free(mp_limb_t *limbs, size_t n);
