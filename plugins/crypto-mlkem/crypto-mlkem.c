// SPDX-License-Identifier: LGPL-2.1-or-later
/* crypto-mlkem: ML-KEM of FIPS 203 as key exchanges of IKEv2 (draft-ietf-ipsecme-ikev2-mlkem).
 *
 * The initiator's public value is an encapsulation key, the responder's a ciphertext; each exchange has keys of its
 * own. The secret between them is the decapsulation key. The words of proposals come with the services.
 */
#include "answers.h"
#include "mlkem.h"

#include <ravelin/algorithm.h>
#include <ravelin/crypto.h>
#include <ravelin/plugin.h>

/* The random octets of a generation are d | z; an encapsulation takes its m from the first of as many. */
enum { RANDOM = 2 * MLKEM_SEED };

static int generate(void *self, const uint8_t *random, uint8_t *secret, uint8_t *public_i);
static int respond(void *self, const uint8_t *random, struct rv_bytes public_i, uint8_t *public_r, uint8_t *shared);
static int complete(void *self, const uint8_t *secret, struct rv_bytes public_r, uint8_t *shared);

#define OPS(ek, dk, c)                                                                                                 \
	{                                                                                                              \
		.size = sizeof(struct rv_ke_ops), .n_random = RANDOM, .secret_len = dk, .public_i_len = ek,            \
		.public_r_len = c, .shared_len = MLKEM_SHARED, .generate = generate, .respond = respond,               \
		.complete = complete                                                                                   \
	}

/* FIPS 203, Table 3; numbers of IANA's key exchange methods. self is the index of a row put into a pointer. */
static const struct {
	const char *name;
	const struct mlkem_set *set;
	struct rv_ke_ops ops;
	struct rv_attr attr;
} rows[N_SETS] = {
	{ "mlkem512", &mlkem_512, OPS(800, 1632, 768), { "ikev2", 35 } },
	{ "mlkem768", &mlkem_768, OPS(1184, 2400, 1088), { "ikev2", 36 } },
	{ "mlkem1024", &mlkem_1024, OPS(1568, 3168, 1568), { "ikev2", 37 } },
};

/* strongSwan's words. None is proposed by default: SAs that use ML-KEM alone are for the operator to ask for. */
#define WORD(w, i)                                                                                                     \
	{                                                                                                              \
		.word = w, .class = RV_CLASS_KE, .id = i, .kind = "ke", .name = w                                      \
	}

static const struct rv_algorithm words[] = { WORD("mlkem768", 36), WORD("mlkem1024", 37), WORD("mlkem512", 35) };

static const struct rv_algorithm_ops algorithms = {
	.size = sizeof(algorithms),
	.algorithms = words,
	.n_algorithms = RV_COUNT(words),
};

static int generate(void *self, const uint8_t *random, uint8_t *secret, uint8_t *public_i)
{
	mlkem_keygen(rows[(uintptr_t)self].set, random, random + MLKEM_SEED, public_i, secret);
	return 0;
}

static int respond(void *self, const uint8_t *random, struct rv_bytes public_i, uint8_t *public_r, uint8_t *shared)
{
	return mlkem_encaps(rows[(uintptr_t)self].set, public_i, random, public_r, shared);
}

static int complete(void *self, const uint8_t *secret, struct rv_bytes public_r, uint8_t *shared)
{
	size_t i = (uintptr_t)self;

	return mlkem_decaps(rows[i].set, rv_bytes(secret, rows[i].ops.secret_len), public_r, shared);
}

static int init(struct rv_host *host)
{
	for (size_t i = 0; i < N_SETS; i++) {
		struct rv_offer offer = { .name = rows[i].name,
					  .attrs = &rows[i].attr,
					  .n_attrs = 1,
					  .vectors = mlkem_answers[i],
					  .n_vectors = N_ANSWERS };
		int r = rv_ke_offer(host, offer, &rows[i].ops, (void *)(uintptr_t)i);
		if (r)
			return r;
	}
	return rv_algorithm_offer(host, (struct rv_offer){ .name = "mlkem" }, &algorithms, NULL);
}

RV_PLUGIN(crypto_mlkem, "crypto-mlkem",
	  "version=1\0"
	  "summary=ML-KEM key exchanges (FIPS 203)\0"
	  "licence=LGPL-2.1-or-later\0"
	  "vendor=Ravelin\0"
	  "default=on\0"
	  "provides=ke:mlkem512 ke:mlkem768 ke:mlkem1024 algorithm:mlkem\0",
	  .init = init);
