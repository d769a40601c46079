// SPDX-License-Identifier: LGPL-2.1-or-later
/* anchor.h: DNSSEC trust anchors as INTERNAL_DNSSEC_TA carries them (RFC 8598, 4.2), each behind its domain. Pure.
 */
#pragma once

#include "domain.h"

enum { DNS_DOMAIN = 25, DNSSEC_TA = 26, ANCHOR_MAX = 4 + 64, ANCHOR_TEXT = 16 + 2 * 64 };

/* What a DS record says (RFC 4034, 5.1); digest is borrowed. */
struct anchor {
	uint16_t key_tag;
	uint8_t algorithm, digest_type;
	struct rv_bytes digest;
};

/* The value of an attribute. False: the digest does not have the length of its type (SHA-1, SHA-256, SHA-384), or its
 * type is another one. */
bool anchor_read(struct rv_bytes value, struct anchor *out);

/* "example.com 43547 8 2 f78c..." of the configuration: the domain, and the value of the attribute into octets, *len
 * set. False: it is none. */
bool anchor_parse(const char *text, char domain[static DOMAIN_TEXT], uint8_t octets[static ANCHOR_MAX], size_t *len);

/* "43547 8 2 f78c...", as a DS record has it, into out. Returns out. */
const char *anchor_text(const struct anchor *anchor, char out[static ANCHOR_TEXT]);

/* Walks the anchors in the body of a configuration payload (RFC 7296, 3.15) that follow their domain at once. RFC 8598,
 * 4.2: one "that is not immediately preceded by an INTERNAL_DNS_DOMAIN or another INTERNAL_DNSSEC_TA attribute applying
 * to the same domain name MUST be ignored". False: the body is malformed. */
typedef void anchor_fn(void *arg, const char *domain, const struct anchor *anchor);
bool anchor_each(struct rv_bytes body, anchor_fn *fn, void *arg);
