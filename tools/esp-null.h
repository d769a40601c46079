// SPDX-License-Identifier: LGPL-2.1-or-later
/* esp-null: whether the packets of an ESP SA are encrypted or only protected, told from outside (RFC 5879). Pure,
 * without keys: state in, octets in, state out.
 */
#pragma once

#include <ravelin/wire.h>

enum esp_verdict { ESP_NEW, ESP_UNSURE, ESP_ENCRYPTED, ESP_NULL };

enum { IV_UNKNOWN = 255, BITS_ENOUGH = 64 };

/* Selected pieces of the last packet (RFC 5879, A.2: Last_Packet_Data). */
struct esp_pieces {
	uint8_t protocol;
	uint32_t ports, sequence, acknowledgment;
};

/* What is known of one SA. */
struct esp_guess {
	enum esp_verdict verdict;
	uint8_t icv_len, iv_len; /* octets; of UNSURE and NULL */
	uint32_t bits;		 /* that were looked at and fit */
	struct esp_pieces last;
	uint8_t strange;    /* a next header that is not known here ... */
	uint32_t n_strange; /* ... and how often in a row it was where the ICV length says */
	uint32_t garbage;   /* which of the last 32 packets did not fit, newest lowest */
	uint32_t n_garbage, n_anew;
};

/* Where the packets come from and go to, for checksums (transport mode); 4 or 16 octets each. */
struct esp_between {
	struct rv_bytes src, dst;
};

/* Looks at a packet (from its SPI on) and changes the guess (RFC 5879, A.2). */
void esp_guess(struct esp_guess *guess, const struct esp_between *between, struct rv_bytes esp);
