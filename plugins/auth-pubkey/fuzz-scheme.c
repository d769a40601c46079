// SPDX-License-Identifier: LGPL-2.1-or-later
/* fuzz-scheme: what a peer can put into an AUTH or a CERT payload for a signature, in every reader. What can be read
 * can be written again, and is the same then.
 */
#include "scheme.h"

#include <stdlib.h>

#define HOLDS(what)                                                                                                    \
	do {                                                                                                           \
		if (!(what))                                                                                           \
			abort();                                                                                       \
	} while (0)

enum { ROOM = 512 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void algorithm(struct rv_bytes octets)
{
	const struct scheme *scheme = scheme_read(octets);
	uint8_t out[SCHEME_ID_MAX];

	if (!scheme)
		return;
	size_t n = scheme_write(scheme, out, sizeof(out));

	HOLDS(n && n <= sizeof(out));
	HOLDS(scheme_read(rv_bytes(out, n)) == scheme);
}

static void ecdsa(struct rv_bytes octets)
{
	static const size_t lens[] = { 32, 48, 66 };
	uint8_t plain[ROOM], der[ROOM], again[ROOM];

	for (size_t i = 0; i < RV_COUNT(lens); i++) {
		size_t n = ecdsa_to_plain(octets, lens[i], plain, sizeof(plain));

		if (!n)
			continue;
		HOLDS(n == 2 * lens[i]);
		size_t n_der = ecdsa_to_der(rv_bytes(plain, n), der, sizeof(der));

		HOLDS(n_der == octets.len && rv_bytes_equal(rv_bytes(der, n_der), octets));
	}
	size_t n_der = ecdsa_to_der(octets, der, sizeof(der));

	if (n_der && octets.len / 2 <= 66) {
		size_t n = ecdsa_to_plain(rv_bytes(der, n_der), octets.len / 2, again, sizeof(again));

		HOLDS(n == octets.len && rv_bytes_equal(rv_bytes(again, n), octets));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rv_bytes octets = rv_bytes(data, size);
	struct signature signature;
	struct key_info key;
	char text[KEY_TEXT];

	algorithm(octets);
	if (signature_read(&signature, octets)) {
		HOLDS(1 + signature.algorithm.len + signature.value.len == size);
		algorithm(signature.algorithm);
	}
	if (key_read(&key, octets)) {
		HOLDS(key.type < N_KEYS && key.bits > 0);
		(void)key_text(&key, text);
	}
	ecdsa(octets);
	return 0;
}
