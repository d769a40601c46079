// SPDX-License-Identifier: LGPL-2.1-or-later
/* domain.h: names of domains as INTERNAL_DNS_DOMAIN carries them (RFC 8598, 4.1). Pure.
 */
#pragma once

#include <ravelin/base.h>

enum { DOMAIN_TEXT = 254 };

/* A name in presentation format without NUL, into out in lower case and without a dot at its end. False for what is no
 * name of labels of letters, digits, hyphens and underscores (RFC 1035, 2.3.1; A-labels), and for the root. */
bool domain_read(struct rv_bytes octets, char out[static DOMAIN_TEXT]);

/* True when name is domain or below it. Both as domain_read() writes them. */
bool domain_within(const char *name, const char *domain);
