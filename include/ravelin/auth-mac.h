// SPDX-License-Identifier: LGPL-2.1-or-later
/* auth-mac.h: proofs by a shared key (RFC 7296, 2.15), for services of kind "auth" that make and check such.
 */
#pragma once

#include <errno.h>
#include <ravelin/auth.h>
#include <ravelin/crypto.h>
#include <ravelin/error.h>
#include <ravelin/secret.h>
#include <string.h>

enum { RV_AUTH_MAC_MAX = 64 };

/* What sign() of struct rv_auth_ops does with a proof that is made. 0, or -ENOSPC with request->why. */
static inline int rv_auth_give(const struct rv_auth_request *request, struct rv_bytes proof, uint8_t *out, size_t cap,
			       size_t *len)
{
	if (proof.len > cap)
		return rv_why_set(request->why, -ENOSPC, "a proof of %zu octets does not fit into %zu", proof.len, cap);
	memcpy(out, proof.p, proof.len);
	*len = proof.len;
	return 0;
}

/* prf(prf(key, "Key Pad for IKEv2"), <octets to be signed>) into out; *len set. 0, or negative with request->why. */
static inline int rv_auth_mac(const struct rv_auth_request *request, struct rv_bytes key,
			      uint8_t out[static RV_AUTH_MAC_MAX], size_t *len)
{
	const struct rv_bytes pad = rv_bytes("Key Pad for IKEv2", 17);
	const struct rv_prf_ops *prf = (const struct rv_prf_ops *)rv_service_ops(request->prf);
	void *self = rv_service_self(request->prf);
	RV_WIPED(uint8_t, inner, [RV_AUTH_MAC_MAX]);
	int r;

	if (prf->out_len > RV_AUTH_MAC_MAX)
		return rv_why_set(request->why, -RV_EFAILED, "the PRF %s gives %u octets, at most %d are expected",
				  rv_service_name(request->prf), prf->out_len, RV_AUTH_MAC_MAX);
	r = prf->prf(self, key, &pad, 1, inner);
	if (!r)
		r = prf->prf(self, rv_bytes(inner, prf->out_len), request->octets, RV_COUNT(request->octets), out);
	if (r)
		return rv_why_set(request->why, r, "the PRF %s failed", rv_service_name(request->prf));
	*len = prf->out_len;
	return 0;
}
