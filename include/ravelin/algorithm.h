// SPDX-License-Identifier: LGPL-2.1-or-later
/* algorithm.h: the words of proposals, as data, and proposals made of them.
 *
 * A plugin of kind "algorithm" offers words ("aes128gcm16"); each names its class, its numbers in the protocols and the
 * service that computes it. Classes and their numbers are the transform types of RFC 7296, 3.3.2. A word that a
 * standard forbids is offered with the reason, so that the refusal can say why.
 */
#pragma once

#include <ravelin/registry.h>

struct rv_why;

enum rv_class {
	RV_CLASS_ENCR = 1,
	RV_CLASS_PRF = 2,
	RV_CLASS_INTEG = 3,
	RV_CLASS_KE = 4,
	RV_CLASS_SN = 5,
	RV_CLASS_KE_FURTHER = 6, /* the first of further key exchanges, each with the transform IDs of RV_CLASS_KE */
	RV_CLASS_KE_LAST = 12,
};

/* Whether a class is a further key exchange, which a proposal may name but need not. */
static inline bool rv_class_is_further_ke(uint8_t class)
{
	return class >= RV_CLASS_KE_FURTHER && class <= RV_CLASS_KE_LAST;
}

/* What a proposal protects: the keying protocol's own messages, or a child SA. The numbers are RFC 7296, 3.3.1's. */
enum rv_protocol { RV_PROTO_KEYING = 1, RV_PROTO_AH = 2, RV_PROTO_ESP = 3 };

enum { RV_NO_ESN = 0, RV_ESN = 1 };

struct rv_algorithm {
	const char *word;
	uint8_t class;
	uint16_t id;	   /* transform ID of RFC 7296, 3.3.2 */
	uint16_t key_bits; /* Key Length attribute; 0: none */
	bool fixed_key;	   /* the key length is implied: no attribute on the wire */
	bool combined;	   /* encryption with integrity of its own */
	const char *kind;  /* service that computes it; NULL for "null" and sequence numbers */
	const char *name;
	const char *kernel;	       /* the operating system's name for it, or NULL */
	uint16_t v1_phase1, v1_phase2; /* numbers in the older protocol; 0: none */
	int rank;		       /* place in the default proposals, 1 best; 0: never in a default */
	const char *forbid_keying;     /* "RFC 8247, 2.1: MUST NOT" or NULL */
	const char *forbid_child;
};

struct rv_algorithm_ops {
	size_t size;
	const struct rv_algorithm *algorithms;
	size_t n_algorithms;
	const uint16_t *implicit_iv; /* IDs of encryption transforms whose IV is not in the packet (RFC 8750) */
	size_t n_implicit_iv;
};
RV_KIND(algorithm, "algorithm", 1, struct rv_algorithm_ops, n_algorithms)

/* One transform of a proposal. */
struct rv_transform {
	uint8_t class;
	uint16_t id;
	uint16_t key_bits; /* as on the wire; 0: no attribute */
};

enum { RV_PROPOSAL_TRANSFORMS = 48 };

/* One proposal: transforms in order of preference within each class. A value. */
struct rv_proposal {
	uint8_t protocol;
	uint8_t number; /* as on the wire; 0 in configurations */
	uint8_t n;
	struct rv_transform t[RV_PROPOSAL_TRANSFORMS];
};

/* Reads one proposal such as "aes128gcm16-prfsha256-x25519" or "default". Adds what a proposal needs and does not name
 * (a PRF that goes with the integrity, no ESN for a child). Refuses unknown words (with the nearest one), forbidden
 * ones (with the reason), and combinations that RFC 7296, 3.3 rules out. 0 or -RV_ECONFIG, -RV_EFORBIDDEN,
 * -RV_ENO_PROVIDER with why. */
int rv_proposal_parse(struct rv_registry *registry, uint8_t protocol, const char *text, struct rv_proposal *out,
		      struct rv_why *why);

/* Text of a proposal into out, in the words of the registry ("ENCR-99" for what it has no word for). Returns out. */
const char *rv_proposal_text(struct rv_registry *registry, const struct rv_proposal *proposal, char *out, size_t size);

/* Chooses as RFC 7296, 2.7 says: the first of ours that has a transform in common with theirs in every class that
 * either names (KE, further KE and SN count as "none" where absent), by our preference; no two further key exchanges
 * are the same. strip_ke leaves key exchanges out (a child SA made in IKE_AUTH). chosen has one transform a class and
 * theirs' number. True when there is one. */
bool rv_proposal_choose(const struct rv_proposal *ours, size_t n_ours, const struct rv_proposal *theirs,
			size_t n_theirs, bool strip_ke, struct rv_proposal *chosen);

/* The first transform of class in proposal, or NULL. */
const struct rv_transform *rv_proposal_get(const struct rv_proposal *proposal, uint8_t class);

/* The data of a transform, or NULL when no loaded plugin knows it. */
const struct rv_algorithm *rv_algorithm_find(struct rv_registry *registry, const struct rv_transform *transform);

/* Whether the IV of an encryption transform is the sequence number and not sent (RFC 8750, 4). */
bool rv_algorithm_implicit_iv(struct rv_registry *registry, const struct rv_transform *transform);

/* The service that computes a transform, or NULL. */
struct rv_service *rv_algorithm_service(struct rv_registry *registry, const struct rv_transform *transform);
