// SPDX-License-Identifier: LGPL-2.1-or-later
/* words.h: the table that proposal-words offers. */
#pragma once

#include <ravelin/algorithm.h>

enum { N_PROPOSAL_WORDS = 144, N_IMPLICIT_IV = 3 };

/* Every word; the canonical word of a transform stands before its synonyms. */
extern const struct rv_algorithm proposal_words[N_PROPOSAL_WORDS];

/* Transform IDs of RFC 8750, 8. */
extern const uint16_t proposal_implicit_iv[N_IMPLICIT_IV];
