// SPDX-License-Identifier: LGPL-2.1-or-later
/* identity: the names of peers (RFC 4301, 4.4.3.1; RFC 7296, 3.5), as a configuration writes them and as they travel.
 *
 * An address pattern is an identity of an address type with two addresses (first, last) behind each other; such a
 * length cannot come from the wire, so a peer can never name a range.
 */
#include <ravelin/addr.h>
#include <ravelin/error.h>
#include <ravelin/identity.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <talloc.h>

/* Words that force a type; "#" after one begins hexadecimal octets. The first row of a type is the one written. */
static const struct {
	const char *word;
	enum rv_id_type type;
} prefixes[] = {
	{ "ipv4:", RV_ID_IPV4 },    { "ipv6:", RV_ID_IPV6 },	  { "ipv4net:", RV_ID_IPV4 },
	{ "ipv6net:", RV_ID_IPV6 }, { "ipv4range:", RV_ID_IPV4 }, { "ipv6range:", RV_ID_IPV6 },
	{ "fqdn:", RV_ID_FQDN },    { "dns:", RV_ID_FQDN },	  { "email:", RV_ID_EMAIL },
	{ "rfc822:", RV_ID_EMAIL }, { "userfqdn:", RV_ID_EMAIL }, { "asn1dn:", RV_ID_DN },
	{ "asn1gn:", RV_ID_GN },    { "keyid:", RV_ID_KEYID },
};

static const char *const any_words[] = { "%any", "%any4", "%any6", "0.0.0.0", "*", "::", "0::0" };

static const char *prefix_of(uint8_t type)
{
	for (size_t i = 0; i < RV_COUNT(prefixes); i++) {
		if (prefixes[i].type == type)
			return prefixes[i].word;
	}
	return "";
}

static struct rv_id *make(const void *parent, uint8_t type, struct rv_bytes octets)
{
	struct rv_id *id = talloc_size(parent, sizeof(*id) + octets.len);

	if (!id)
		return NULL;
	talloc_set_name_const(id, "struct rv_id");
	id->type = type;
	id->len = (uint16_t)octets.len;
	if (octets.len > 0)
		memcpy(id->b, octets.p, octets.len);
	return id;
}

/* A whole SEQUENCE in DER and nothing behind it: as much of a Name as can be seen without knowing attributes. */
static bool is_sequence(struct rv_bytes der)
{
	size_t head = 2, len = der.len > 1 ? der.p[1] : 0;

	if (der.len < 2 || der.p[0] != 0x30)
		return false;
	if (len >= 0x80) {
		size_t n = len & 0x7f;
		if (n < 1 || n > 2 || der.len < 2 + n)
			return false;
		len = n == 1 ? der.p[2] : (size_t)der.p[2] << 8 | der.p[3];
		head += n;
		if (len < (n == 1 ? 0x80 : 0x100))
			return false;
	}
	return der.len - head == len;
}

static bool is_name(struct rv_bytes octets)
{
	return octets.len > 0 && !memchr(octets.p, 0, octets.len);
}

static bool can_be(uint8_t type, struct rv_bytes octets)
{
	if (octets.len > RV_ID_MAX)
		return false;
	switch (type) {
	case RV_ID_IPV4:
		return octets.len == 4;
	case RV_ID_IPV6:
		return octets.len == 16;
	case RV_ID_FQDN:
	case RV_ID_EMAIL:
		return is_name(octets);
	case RV_ID_DN:
	case RV_ID_GN:
	case RV_ID_KEYID:
		return octets.len > 0;
	case RV_ID_NULL:
		return octets.len == 0; /* RFC 7619, 2.1 */
	default:
		return false;
	}
}

struct rv_id *rv_id_from_wire(const void *parent, uint8_t type, struct rv_bytes octets)
{
	return can_be(type, octets) ? make(parent, type, octets) : NULL;
}

static struct rv_id *refuse(struct rv_why *why, const char *text, const char *wanted)
{
	rv_why_set(why, -RV_ECONFIG, "\"%.100s\" is no identity: %s", text, wanted);
	return NULL;
}

static struct rv_id *make_read(const void *parent, uint8_t type, struct rv_bytes octets, struct rv_why *why)
{
	struct rv_id *id = make(parent, type, octets);

	if (!id)
		rv_why_set(why, -ENOMEM, "no memory for an identity");
	return id;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Reads digits in pairs, which colons may part; the number of octets, or 0. */
static size_t read_hex(const char *text, uint8_t out[static RV_ID_MAX])
{
	size_t n = 0;

	while (*text) {
		int high = hex_digit(text[0]);
		int low = high < 0 ? -1 : hex_digit(text[1]);
		if (low < 0 || n == RV_ID_MAX)
			return 0;
		out[n++] = (uint8_t)(high << 4 | low);
		text += 2;
		if (*text == ':' && text[1])
			text++;
	}
	return n;
}

static struct rv_id *read_octets(const void *parent, uint8_t type, const char *hex, const char *text,
				 struct rv_why *why)
{
	uint8_t octets[RV_ID_MAX];
	size_t len = read_hex(hex, octets);

	if (len == 0)
		return refuse(why, text, "after \"#\" come 1 to 2048 octets in hexadecimal");
	if (!can_be(type, rv_bytes(octets, len)))
		return refuse(why, text, "the octets cannot be of this type");
	if (type == RV_ID_DN && !is_sequence(rv_bytes(octets, len)))
		return refuse(why, text, "the octets are not the DER encoding of a distinguished name");
	return make_read(parent, type, rv_bytes(octets, len), why);
}

/* An address, address/prefix or address-address of this family (0: either). NULL without why when it is none. */
static struct rv_id *read_address(const void *parent, uint8_t family, const char *text, struct rv_why *why)
{
	uint8_t octets[32];
	struct rv_ts ts;

	/* A selector's text says more than addresses; what it has beyond them is no part of an identity. */
	if (strpbrk(text, "[%") || rv_ts_parse(&ts, text, NULL) < 0 || ts.family == 0 ||
	    (family && family != ts.family))
		return NULL;
	size_t len = rv_family_len(ts.family);
	memcpy(octets, ts.lo, len);
	memcpy(octets + len, ts.hi, len);
	bool single = memcmp(ts.lo, ts.hi, len) == 0;
	return make_read(parent, ts.family == RV_IPV4 ? RV_ID_IPV4 : RV_ID_IPV6,
			 rv_bytes(octets, single ? len : 2 * len), why);
}

static struct rv_id *read_as(const void *parent, uint8_t type, const char *value, const char *text, struct rv_why *why)
{
	struct rv_bytes octets = rv_bytes(value, strlen(value));

	if (value[0] == '#')
		return read_octets(parent, type, value + 1, text, why);
	if (type == RV_ID_IPV4 || type == RV_ID_IPV6) {
		struct rv_why found = { 0 };
		struct rv_id *id = read_address(parent, type == RV_ID_IPV4 ? RV_IPV4 : RV_IPV6, value, &found);
		return id || found.code ? id : refuse(why, text, "an address of this family is wanted");
	}
	if (type == RV_ID_DN || type == RV_ID_GN)
		return refuse(why, text, "give a distinguished name as asn1dn:#hex, its DER encoding in hexadecimal");
	if (!can_be(type, octets))
		return refuse(why, text, "1 to 2048 octets are wanted");
	return make_read(parent, type, octets, why);
}

/* What strongSwan's rules make of text without a prefix: "=" a DN, "@" in front FQDN, inside e-mail, ":" a key ID. */
static struct rv_id *read_plain(const void *parent, const char *text, struct rv_why *why)
{
	if (strchr(text, '='))
		return refuse(why, text, "give a distinguished name as asn1dn:#hex, its DER encoding in hexadecimal");
	if (strncmp(text, "@#", 2) == 0)
		return read_octets(parent, RV_ID_KEYID, text + 2, text, why);
	if (strncmp(text, "@@", 2) == 0)
		return read_as(parent, RV_ID_EMAIL, text + 2, text, why);
	if (text[0] == '@')
		return read_as(parent, RV_ID_FQDN, text + 1, text, why);
	if (strchr(text, '@'))
		return read_as(parent, RV_ID_EMAIL, text, text, why);
	return read_as(parent, strchr(text, ':') ? RV_ID_KEYID : RV_ID_FQDN, text, text, why);
}

static bool is_any(const char *text)
{
	for (size_t i = 0; i < RV_COUNT(any_words); i++) {
		if (strcmp(text, any_words[i]) == 0)
			return true;
	}
	return false;
}

struct rv_id *rv_id_parse(const void *parent, const char *text, struct rv_why *why)
{
	struct rv_why found = { 0 };

	if (!*text)
		return refuse(why, text, "it is empty; %any stands for every identity");
	if (is_any(text))
		return make_read(parent, RV_ID_ANY, rv_bytes(NULL, 0), why);
	if (strcmp(text, "%null") == 0)
		return make_read(parent, RV_ID_NULL, rv_bytes(NULL, 0), why);
	for (size_t i = 0; i < RV_COUNT(prefixes); i++) {
		size_t len = strlen(prefixes[i].word);
		if (strncasecmp(text, prefixes[i].word, len) == 0)
			return read_as(parent, (uint8_t)prefixes[i].type, text + len, text, why);
	}
	struct rv_id *id = read_address(parent, 0, text, &found);
	if (found.code)
		rv_why_set(why, found.code, "%s", found.text);
	return id || found.code ? id : read_plain(parent, text, why);
}

/* What rv_id_parse() takes the bare text of a name for. */
static uint8_t plain_type(const char *text)
{
	struct rv_ts ts;

	if (is_any(text) || strchr("@%", text[0]) || strchr(text, '=') || rv_ts_parse(&ts, text, NULL) == 0)
		return RV_ID_ANY;
	if (strchr(text, '@'))
		return RV_ID_EMAIL;
	return strchr(text, ':') ? RV_ID_KEYID : RV_ID_FQDN;
}

static bool is_printable(const struct rv_id *id)
{
	for (size_t i = 0; i < id->len; i++) {
		if (id->b[i] < 0x20 || id->b[i] > 0x7e)
			return false;
	}
	return id->len > 0;
}

static void write_octets(const struct rv_id *id, char *out)
{
	int n = snprintf(out, RV_ID_TEXT, "%s#", prefix_of(id->type));
	size_t at = (size_t)n;

	for (size_t i = 0; i < id->len; i++) {
		if (at + 2 * (id->len - i) > RV_ID_TEXT - 1 && at + sizeof("xx...") > RV_ID_TEXT) {
			snprintf(out + at, RV_ID_TEXT - at, "...");
			return;
		}
		at += (size_t)snprintf(out + at, RV_ID_TEXT - at, "%02x", id->b[i]);
	}
}

static void write_name(const struct rv_id *id, char *out)
{
	char text[RV_ID_MAX + 1];

	memcpy(text, id->b, id->len);
	text[id->len] = '\0';
	bool plain = plain_type(text) == id->type && id->type != RV_ID_KEYID;
	/* A name that begins with another type's prefix would be read as that. */
	for (size_t i = 0; i < RV_COUNT(prefixes); i++)
		plain = plain && strncasecmp(text, prefixes[i].word, strlen(prefixes[i].word)) != 0;
	int n = snprintf(out, RV_ID_TEXT, "%s%s", plain ? "" : prefix_of(id->type), text);
	if (n >= RV_ID_TEXT)
		memcpy(out + RV_ID_TEXT - sizeof("..."), "...", sizeof("..."));
}

static void write_addresses(const struct rv_id *id, char *out)
{
	struct rv_ts ts = { .family = id->type == RV_ID_IPV4 ? RV_IPV4 : RV_IPV6, .port_hi = UINT16_MAX };
	size_t len = rv_family_len(ts.family);
	struct rv_addr addr = { .family = ts.family };
	char text[RV_TS_TEXT];

	memcpy(addr.ip, id->b, len);
	if (id->len == len) {
		/* 0.0.0.0 and :: alone would be read as %any. */
		snprintf(out, RV_ID_TEXT, "%s%s", rv_addr_is_any(&addr) ? prefix_of(id->type) : "",
			 rv_addr_text(&addr, text));
		return;
	}
	memcpy(ts.lo, id->b, len);
	memcpy(ts.hi, id->b + len, len);
	snprintf(out, RV_ID_TEXT, "%s", rv_ts_text(&ts, text));
}

const char *rv_id_text(const struct rv_id *id, char out[static RV_ID_TEXT])
{
	uint8_t type = id ? id->type : (uint8_t)RV_ID_ANY;

	switch (type) {
	case RV_ID_ANY:
		snprintf(out, RV_ID_TEXT, "%%any");
		return out;
	case RV_ID_NULL:
		snprintf(out, RV_ID_TEXT, "%%null");
		return out;
	case RV_ID_IPV4:
	case RV_ID_IPV6:
		write_addresses(id, out);
		return out;
	case RV_ID_DN:
	case RV_ID_GN:
		write_octets(id, out);
		return out;
	default:
		if (is_printable(id) && id->b[0] != '#')
			write_name(id, out);
		else
			write_octets(id, out);
		return out;
	}
}

static uint8_t type_of(const struct rv_id *id)
{
	return id ? id->type : (uint8_t)RV_ID_ANY;
}

/* Names of hosts and mail boxes compare without case; ASCII only, whatever the locale. */
static bool same_octets(const uint8_t *a, const uint8_t *b, size_t len, bool fold)
{
	for (size_t i = 0; i < len; i++) {
		uint8_t x = a[i], y = b[i];
		if (fold && x >= 'A' && x <= 'Z')
			x = (uint8_t)(x + 32);
		if (fold && y >= 'A' && y <= 'Z')
			y = (uint8_t)(y + 32);
		if (x != y)
			return false;
	}
	return true;
}

static bool has_case(uint8_t type)
{
	return type == RV_ID_FQDN || type == RV_ID_EMAIL;
}

bool rv_id_same(const struct rv_id *a, const struct rv_id *b)
{
	if (type_of(a) != type_of(b))
		return false;
	if (!a || !b)
		return true;
	return a->len == b->len && same_octets(a->b, b->b, a->len, has_case(a->type));
}

/* A pattern's "*" stands for one octet or more at the front. */
static bool match_wildcard(const struct rv_id *pattern, const struct rv_id *id)
{
	size_t tail = pattern->len - 1u;

	return id->len > tail && same_octets(pattern->b + 1, id->b + id->len - tail, tail, true);
}

static bool match_range(const struct rv_id *pattern, const struct rv_id *id)
{
	size_t len = pattern->len / 2;

	return id->len == len && memcmp(pattern->b, id->b, len) <= 0 && memcmp(id->b, pattern->b + len, len) <= 0;
}

int rv_id_match(const struct rv_id *pattern, const struct rv_id *id)
{
	if (type_of(pattern) == RV_ID_ANY)
		return 1;
	if (type_of(pattern) != type_of(id))
		return 0;
	if (has_case(pattern->type) && pattern->b[0] == '*')
		return match_wildcard(pattern, id) ? 2 : 0;
	if ((pattern->type == RV_ID_IPV4 && pattern->len == 8) || (pattern->type == RV_ID_IPV6 && pattern->len == 32))
		return match_range(pattern, id) ? 2 : 0;
	return rv_id_same(pattern, id) ? 3 : 0;
}
