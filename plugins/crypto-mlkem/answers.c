// SPDX-License-Identifier: LGPL-2.1-or-later
/* answers.c: known answers, computed with OpenSSL.
 *
 * An accepted ciphertext needs a right key generation, decryption and encryption: a wrong one is rejected, and the
 * secret is then another one. The rows are in vectors/answers.inc, which vectors/make-vectors.py writes.
 */
#include "answers.h"

/* clang-format off */
const struct rv_vector mlkem_answers[N_SETS][N_ANSWERS] = {
#include "vectors/answers.inc"
};
/* clang-format on */
