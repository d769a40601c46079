// SPDX-License-Identifier: LGPL-2.1-or-later
/* ikev2-auth.h: verbs for an extension that has a part in IKE_AUTH: what is signed, with which keys, and whether a
 * child SA rides on it. Loop thread.
 */
#pragma once

#include <ravelin/ikev2-verbs.h>

/* At OCTETS: these octets (copied) are signed behind RFC 7296's. 0 or -ENOMEM. */
static inline int rv_ike_sign_also(struct rv_ike_exchange *x, struct rv_bytes octets)
{
	return rv_ike_verbs(x)->sign_also(x, octets);
}

/* At KEYED, and at PROVE of IKE_AUTH: SK_d ('d'), SK_pi ('i') or SK_pr ('r') of the IKE SA that the exchange makes (or
 * that is being authenticated), to be replaced in place; NULL when it has none (a successor has no SK_pi and SK_pr). */
static inline uint8_t *rv_ike_key(struct rv_ike_exchange *x, char which, size_t *len)
{
	return rv_ike_verbs(x)->key(x, which, len);
}

/* At PROVE of our IKE_AUTH request: a second proof of us, with key instead of SK_pi, is made as well. 0 or -ENOMEM.
 * proof_also: at ROUND and BUILD, what the AUTH payload would have with that one; else empty. */
static inline int rv_ike_prove_also(struct rv_ike_exchange *x, struct rv_bytes key)
{
	return rv_ike_verbs(x)->prove_also(x, key);
}
static inline struct rv_bytes rv_ike_proof_also(const struct rv_ike_exchange *x)
{
	return rv_ike_verbs(x)->proof_also(x);
}

/* At PROVE, of the peer's message: these octets (of that message) are its proof, instead of its AUTH payload's, whose
 * method stays. */
static inline void rv_ike_proof_instead(struct rv_ike_exchange *x, struct rv_bytes octets)
{
	rv_ike_verbs(x)->proof_instead(x, octets);
}

/* In IKE_AUTH, at BUILD: how many proofs of ours are to follow in later messages. */
static inline unsigned rv_ike_rounds(const struct rv_ike_exchange *x)
{
	return rv_ike_verbs(x)->rounds(x);
}

/* Before IKE_AUTH is answered: both sides can do several rounds of authentication. Without it each side has one. */
static inline void rv_ike_several_rounds(struct rv_ike_sa *sa)
{
	rv_ike_verbs(sa)->several_rounds(sa);
}

/* At READ of IKE_AUTH: the peer says that another proof of it follows in its next message. */
static inline void rv_ike_another_round(struct rv_ike_exchange *x)
{
	rv_ike_verbs(x)->another_round(x);
}

/* Whether the IKE SA that is being made, of which we are the initiator, is wanted for a child SA. */
static inline bool rv_ike_wants_child(const struct rv_ike_sa *sa)
{
	return rv_ike_verbs(sa)->wants_child(sa);
}

/* The session is authenticated anew, by us who set it up, within us (0: now), or sooner where its connection says so.
 * It replaces what was said before. */
static inline void rv_ike_reauth_within(struct rv_ike_sa *sa, uint64_t us)
{
	rv_ike_verbs(sa)->reauth_within(sa, us);
}

/* In IKE_SA_INIT: both sides can do IKE_AUTH without a child SA. As initiator none is offered there: the one that is
 * wanted follows in an exchange of its own. As responder a request without one is accepted. */
static inline void rv_ike_childless(struct rv_ike_sa *sa)
{
	rv_ike_verbs(sa)->childless(sa);
}

/* The negotiated prf. */
static inline struct rv_service *rv_ike_prf(struct rv_ike_sa *sa)
{
	return rv_ike_verbs(sa)->prf(sa);
}
