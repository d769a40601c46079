// SPDX-License-Identifier: LGPL-2.1-or-later
/* conf-secret: secrets in a configuration: 0x and hexadecimal digits, 0s and base64 (RFC 4648, 4), or the octets.
 *
 * Octets go from the file's buffer, which is wiped, into a struct rv_secret; what is wrong is said without them.
 */
#include "conf-type.h"

#include <string.h>

enum { SECRET_MAX = 65536 };

static int hex_digit(uint8_t c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c ? strchr(digits, c >= 'A' && c <= 'F' ? c + 32 : c) : NULL;

	return at ? (int)(at - digits) : -1;
}

static int base64_digit(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Octets of n digits with `bits` bits each into out, in place if they are the same. False for what is no digit or for
 * bits left over that are not zero. */
static bool decode(uint8_t *b, size_t n, unsigned bits, int (*digit)(uint8_t), size_t *len)
{
	uint32_t hold = 0;
	unsigned held = 0;

	*len = 0;
	for (size_t i = 0; i < n; i++) {
		int v = digit(b[i]);
		if (v < 0)
			return false;
		hold = hold << bits | (uint32_t)v;
		held += bits;
		if (held < 8)
			continue;
		held -= 8;
		b[(*len)++] = (uint8_t)(hold >> held);
		hold &= (1u << held) - 1;
	}
	return held < bits && !hold;
}

static bool decode_hex(uint8_t *b, size_t n, size_t *len)
{
	return n % 2 == 0 && decode(b, n, 4, hex_digit, len);
}

static bool decode_base64(uint8_t *b, size_t n, size_t *len)
{
	size_t pad = 0;

	while (pad < 2 && pad < n && b[n - 1 - pad] == '=')
		pad++;
	if (pad && n % 4)
		return false;
	return decode(b, n - pad, 6, base64_digit, len);
}

struct rv_secret *conf_secret_read(struct rv_vault *vault, const void *parent, const struct conf_raw *raw,
				   struct rv_why *why)
{
	struct rv_secret *whole = NULL, *secret = NULL;
	size_t n, len;
	uint8_t *b;

	if (!raw->text.len || raw->text.len > SECRET_MAX) {
		rv_why_set(why, -RV_ECONFIG, raw->text.len ? "the secret is too long" : "the secret is empty");
		return NULL;
	}
	whole = rv_secret_new(vault, parent, raw->text.len);
	if (!whole)
		return NULL;
	b = whole->b;
	n = len = conf_unescape(raw, b);
	if (!n)
		rv_why_set(why, -RV_ECONFIG, "the secret is empty");
	if (n >= 2 && b[0] == '0' && (b[1] == 'x' || b[1] == 's')) {
		bool hex = b[1] == 'x';
		memmove(b, b + 2, n - 2);
		if (!(hex ? decode_hex : decode_base64)(b, n - 2, &len))
			len = 0;
		if (!len)
			rv_why_set(why, -RV_ECONFIG,
				   hex ? "after 0x an even number of hexadecimal digits must follow"
				       : "after 0s base64 must follow");
	}
	if (len)
		secret = rv_secret_dup(vault, parent, rv_bytes(b, len));
	talloc_free(whole);
	return secret;
}
