// SPDX-License-Identifier: LGPL-2.1-or-later
/* auth-psk: proof by a shared secret (RFC 7296, 2.15).
 *
 * AUTH = prf(prf(shared secret, "Key Pad for IKEv2"), signed octets). The secret is that of the configuration for both
 * identities, of kind "ike". It never leaves wiped memory, and proofs are compared in constant time.
 */
#include <errno.h>
#include <ravelin/auth-mac.h>
#include <ravelin/plugin.h>
#include <string.h>

enum { METHOD = 2 /* RFC 7296, 3.8: Shared Key Message Integrity Code */ };

static int no_secret(const struct rv_auth_request *request)
{
	char ours[RV_ID_TEXT], theirs[RV_ID_TEXT];

	rv_id_text(request->local_id, ours);
	rv_id_text(request->remote_id, theirs);
	return rv_why_set(request->why, -RV_ENO_SECRET,
			  "no secret is configured for us as %s and the peer as %s: add a section ike-NAME to secrets "
			  "with both names as id-1 and id-2, and the secret",
			  ours, theirs);
}

/* The proof of whom the request is about, into out (RV_AUTH_MAC_MAX octets); *len set. */
static int compute(struct rv_host *host, const struct rv_auth_request *request, uint8_t out[static RV_AUTH_MAC_MAX],
		   size_t *len)
{
	const struct rv_secret *secret = rv_secret_find(host->core, "ike", request->local_id, request->remote_id);

	return secret ? rv_auth_mac(request, rv_secret_bytes(secret), out, len) : no_secret(request);
}

static int sign(void *self, const struct rv_auth_request *request, uint8_t *out, size_t cap, size_t *len,
		struct rv_call *call)
{
	RV_WIPED(uint8_t, proof, [RV_AUTH_MAC_MAX]);
	size_t n = 0;
	int r = compute(self, request, proof, &n);

	return r ? r : rv_auth_give(request, rv_bytes(proof, n), out, cap, len);
}

static int verify(void *self, const struct rv_auth_request *request, uint8_t method, struct rv_bytes proof,
		  struct rv_call *call)
{
	char ours[RV_ID_TEXT], theirs[RV_ID_TEXT];
	RV_WIPED(uint8_t, expected, [RV_AUTH_MAC_MAX]);
	size_t n = 0;

	rv_id_text(request->remote_id, theirs);
	if (method != METHOD)
		return rv_why_set(request->why, -RV_EAUTH_FAILED,
				  "the peer %s proves itself by method %u, we ask for a pre-shared key (method %d)",
				  theirs, method, METHOD);
	int r = compute(self, request, expected, &n);
	if (r)
		return r;
	*request->advice = "make the secrets of these two identities the same on both sides";
	if (rv_equal_secret(rv_bytes(expected, n), proof))
		return 0;
	return rv_why_set(
		request->why, -RV_EAUTH_FAILED,
		"the peer %s has another secret than we have for us as %s and it as %s: compare the secrets of "
		"both sides, and how they are written (0x: hexadecimal, 0s: base64, else text)",
		theirs, rv_id_text(request->local_id, ours), theirs);
}

static const struct rv_auth_ops ops = { .size = sizeof(ops), .sign = sign, .verify = verify };

static int init(struct rv_host *host)
{
	static const struct rv_attr attrs[] = { { "auth-method", METHOD } };

	return rv_auth_offer(host, (struct rv_offer){ .name = "psk", .attrs = attrs, .n_attrs = RV_COUNT(attrs) }, &ops,
			     host);
}

RV_PLUGIN(auth_psk, "auth-psk",
	  "version=1\0"
	  "summary=Authentication by a pre-shared key\0"
	  "licence=LGPL-2.1-or-later\0"
	  "vendor=Ravelin\0"
	  "default=on\0"
	  "provides=auth:psk\0"
	  "needs=prf\0"
	  "rfc=7296\0",
	  .init = init);
