// SPDX-License-Identifier: LGPL-2.1-or-later
/* sample.h: polynomials from seeds (FIPS 203, 4.2.2).
 */
#pragma once

#include "poly.h"

/* FIPS 203, Algorithm 7: uniform, in the transform's domain, from a public seed of 32 octets and two indices. Time
 * depends on the seed. Out: 0 .. q - 1. */
void sample_uniform(struct poly *p, const uint8_t *seed, uint8_t j, uint8_t i);

/* FIPS 203, Algorithm 8, of PRF(seed, index): small coefficients, |c| <= eta, where eta is 2 or 3. seed has 32 octets;
 * time does not depend on it. */
void sample_noise(struct poly *p, const uint8_t *seed, uint8_t index, unsigned eta);
