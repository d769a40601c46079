// SPDX-License-Identifier: LGPL-2.1-or-later
/* answers.h: the known answers that each parameter set must give before it is offered.
 */
#pragma once

#include <ravelin/crypto.h>

/* ML-KEM-512, 768 and 1024. */
enum { N_SETS = 3 };

/* A ciphertext that is accepted, one that is rejected, and an exchange of both sides. */
enum { N_ANSWERS = 3 };

extern const struct rv_vector mlkem_answers[N_SETS][N_ANSWERS];
