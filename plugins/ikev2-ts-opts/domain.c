// SPDX-License-Identifier: LGPL-2.1-or-later
/* domain: names of domains from the wire (RFC 8598, 4.1; RFC 1035, 2.3.1 and 2.3.4). */
#include "domain.h"

#include <ravelin/wire.h>
#include <string.h>

enum { LABEL_MAX = 63 };

static bool in_label(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

bool domain_read(struct rv_bytes octets, char out[static DOMAIN_TEXT])
{
	struct rv_rd r = rv_rd(octets);
	size_t n = 0, label = 0;

	if (!octets.len || octets.len > DOMAIN_TEXT - 1)
		return false;
	while (rv_rd_more(&r)) {
		char c = (char)rv_rd_u8(&r);

		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		if (c == '.' ? !label : !in_label(c))
			return false;
		label = c == '.' ? 0 : label + 1;
		if (label > LABEL_MAX)
			return false;
		out[n++] = c;
	}
	if (n && out[n - 1] == '.')
		n--;
	out[n] = '\0';
	return rv_rd_done(&r) && n > 0;
}

bool domain_within(const char *name, const char *domain)
{
	size_t n = strlen(name), d = strlen(domain);

	if (n < d || strcmp(name + n - d, domain) != 0)
		return false;
	return n == d || name[n - d - 1] == '.';
}
