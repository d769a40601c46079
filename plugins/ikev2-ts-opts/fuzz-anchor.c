// SPDX-License-Identifier: LGPL-2.1-or-later
/* fuzz-anchor: a configuration payload with trust anchors (RFC 8598, 4.2): what is read has words, and they are read
 * the same again.
 */
#include "anchor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void again(void *arg, const char *domain, const struct anchor *anchor)
{
	char words[ANCHOR_TEXT], text[DOMAIN_TEXT + 1 + ANCHOR_TEXT], name[DOMAIN_TEXT];
	uint8_t octets[ANCHOR_MAX];
	struct anchor same;
	size_t len;

	snprintf(text, sizeof(text), "%s %s", domain, anchor_text(anchor, words));
	if (!anchor_parse(text, name, octets, &len) || strcmp(name, domain) != 0 ||
	    !anchor_read(rv_bytes(octets, len), &same) || same.key_tag != anchor->key_tag ||
	    same.algorithm != anchor->algorithm || same.digest_type != anchor->digest_type ||
	    !rv_bytes_equal(same.digest, anchor->digest))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	(void)anchor_each(rv_bytes(data, size), again, NULL);
	return 0;
}
