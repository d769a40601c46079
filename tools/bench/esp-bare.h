// SPDX-License-Identifier: LGPL-2.1-or-later
/* esp-bare: what libipsec-mb needs for the same cryptography and nothing else, by its burst interface. For
 * tools/bench/esp. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NO_COMPAT_IMB_API_053
#include <intel-ipsec-mb.h>

/* A transform as the library counts it. */
struct bare_kind {
	IMB_CIPHER_MODE cipher;
	IMB_HASH_ALG hash;
	uint8_t key_len, icv_len, iv_len, block_len;
};

struct bare;

/* Memory of its own and expanded keys. NULL: none, or the processor is not fit for the library. */
struct bare *bare_new(void);
void bare_free(struct bare *bare);

/* Writes what is to be opened anew, as it is when packets have just arrived. */
void bare_arrive(struct bare *bare, uint32_t len, size_t n);

/* One burst of n (at most 64) texts of len octets, from one buffer to another (seal) or in place (open), each with 8
 * octets of associated data, an IV and an ICV. False when the library failed. */
bool bare_burst(struct bare *bare, const struct bare_kind *kind, bool seal, uint32_t len, size_t n);
