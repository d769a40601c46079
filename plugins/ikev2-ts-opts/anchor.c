// SPDX-License-Identifier: LGPL-2.1-or-later
/* anchor: DNSSEC trust anchors between the wire, the configuration and words (RFC 8598, 4.2; RFC 4034, 5.1). */
#include "anchor.h"

#include <ravelin/wire.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t digest_len(uint8_t type)
{
	switch (type) { /* RFC 4034, 5.1.3; RFC 4509; RFC 6605 */
	case 1:
		return 20;
	case 2:
		return 32;
	case 4:
		return 48;
	default:
		return 0;
	}
}

bool anchor_read(struct rv_bytes value, struct anchor *out)
{
	struct rv_rd r = rv_rd(value);

	out->key_tag = rv_rd_u16(&r);
	out->algorithm = rv_rd_u8(&r);
	out->digest_type = rv_rd_u8(&r);
	out->digest = rv_rd_rest(&r);
	return rv_rd_done(&r) && out->digest.len && out->digest.len == digest_len(out->digest_type);
}

/* The next word of text as a number below limit; text goes behind it. */
static bool number(const char **text, unsigned limit, unsigned *out)
{
	char *end;
	unsigned long n = strtoul(*text, &end, 10);

	if (end == *text || n >= limit || *end != ' ')
		return false;
	*text = end + strspn(end, " ");
	*out = (unsigned)n;
	return true;
}

static int nibble(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

static bool put_hex(struct rv_wr *w, const char *text)
{
	for (; text[0] && text[1]; text += 2) {
		int high = nibble(text[0]), low = nibble(text[1]);

		if (high < 0 || low < 0)
			return false;
		rv_wr_u8(w, (uint8_t)(high << 4 | low));
	}
	return !*text;
}

bool anchor_parse(const char *text, char domain[static DOMAIN_TEXT], uint8_t octets[static ANCHOR_MAX], size_t *len)
{
	struct rv_wr w = rv_wr(octets, ANCHOR_MAX);
	unsigned tag, algorithm, type;
	struct anchor anchor;
	size_t name = strcspn(text, " ");

	if (!domain_read(rv_bytes(text, name), domain))
		return false;
	text += name;
	text += strspn(text, " ");
	if (!number(&text, 65536, &tag) || !number(&text, 256, &algorithm) || !number(&text, 256, &type))
		return false;
	rv_wr_u16(&w, (uint16_t)tag);
	rv_wr_u8(&w, (uint8_t)algorithm);
	rv_wr_u8(&w, (uint8_t)type);
	if (!put_hex(&w, text) || !rv_wr_done(&w))
		return false;
	*len = rv_wr_len(&w);
	return anchor_read(rv_wr_bytes(&w), &anchor);
}

const char *anchor_text(const struct anchor *anchor, char out[static ANCHOR_TEXT])
{
	int n = snprintf(out, ANCHOR_TEXT, "%u %u %u ", anchor->key_tag, anchor->algorithm, anchor->digest_type);

	for (size_t i = 0; i < anchor->digest.len; i++)
		n += snprintf(out + n, (size_t)(ANCHOR_TEXT - n), "%02x", anchor->digest.p[i]);
	return out;
}

bool anchor_each(struct rv_bytes body, anchor_fn *fn, void *arg)
{
	struct rv_rd r = rv_rd(body);
	char domain[DOMAIN_TEXT];
	struct anchor anchor;
	bool known = false;

	(void)rv_rd_take(&r, 4);
	while (rv_rd_more(&r)) {
		uint16_t type = rv_rd_u16(&r) & 0x7fff;
		struct rv_bytes value = rv_rd_take(&r, rv_rd_u16(&r));

		if (type == DNS_DOMAIN)
			known = domain_read(value, domain);
		else if (type != DNSSEC_TA)
			known = false;
		else if (known && anchor_read(value, &anchor))
			fn(arg, domain, &anchor);
	}
	return rv_rd_done(&r);
}
