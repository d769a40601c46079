// SPDX-License-Identifier: LGPL-2.1-or-later
/* addr: addresses and traffic selectors as values (RFC 4301, 4.4.1.1; RFC 7296, 3.13.1).
 *
 * Nothing is looked up: no names of hosts, and the few protocols that have names here stand in a table.
 */
#include <ravelin/addr.h>
#include <ravelin/error.h>

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PORT_MAX = 65535, IP_TEXT = INET6_ADDRSTRLEN + 1 + IF_NAMESIZE };

static const struct {
	const char *name;
	uint8_t number;
} protocols[] = {
	{ "icmp", IPPROTO_ICMP },	 { "tcp", IPPROTO_TCP },       { "udp", IPPROTO_UDP },
	{ "gre", IPPROTO_GRE },		 { "esp", IPPROTO_ESP },       { "ah", IPPROTO_AH },
	{ "ipv6-icmp", IPPROTO_ICMPV6 }, { "icmpv6", IPPROTO_ICMPV6 }, { "ospf", 89 },
	{ "sctp", IPPROTO_SCTP },	 { "mh", IPPROTO_MH },
};

/* Reads a decimal number of digits only, with the end of text or `stop` behind it. False when it is over max. */
static bool read_number(const char **text, unsigned max, unsigned *number)
{
	const char *p = *text;
	unsigned v = 0;

	if (*p < '0' || *p > '9')
		return false;
	for (; *p >= '0' && *p <= '9'; p++) {
		v = v * 10 + (unsigned)(*p - '0');
		if (v > max)
			return false;
	}
	*text = p;
	*number = v;
	return true;
}

static bool whole_number(const char *text, unsigned max, unsigned *number)
{
	return read_number(&text, max, number) && !*text;
}

/* Copies len characters into out as a string; false when they do not fit. */
static bool copy_part(char *out, size_t size, const char *text, size_t len)
{
	if (len >= size)
		return false;
	memcpy(out, text, len);
	out[len] = '\0';
	return true;
}

static bool is_link_local(const struct rv_addr *addr)
{
	return addr->family == RV_IPV6 && addr->ip[0] == 0xfe && (addr->ip[1] & 0xc0) == 0x80;
}

static bool read_scope(struct rv_addr *addr, const char *name)
{
	unsigned index;

	if (!is_link_local(addr))
		return false;
	if (!whole_number(name, INT32_MAX, &index))
		index = if_nametoindex(name);
	addr->scope = index;
	return index > 0;
}

/* An address without a port: "10.0.0.1", "2001:db8::1", "fe80::1%eth0". */
static bool read_ip(struct rv_addr *addr, const char *text, size_t len)
{
	char ip[IP_TEXT];

	*addr = (struct rv_addr){ 0 };
	if (!copy_part(ip, sizeof(ip), text, len))
		return false;
	char *scope = strchr(ip, '%');
	if (scope)
		*scope++ = '\0';
	if (inet_pton(AF_INET, ip, addr->ip) == 1) {
		addr->family = RV_IPV4;
		return !scope;
	}
	if (inet_pton(AF_INET6, ip, addr->ip) != 1)
		return false;
	addr->family = RV_IPV6;
	return !scope || read_scope(addr, scope);
}

int rv_addr_parse(struct rv_addr *addr, const char *text)
{
	const char *port = NULL, *colon = strchr(text, ':');
	size_t len = strlen(text);
	struct rv_addr read;
	unsigned number = 0;

	if (text[0] == '[') {
		const char *end = strchr(++text, ']');
		if (!end || (end[1] && end[1] != ':'))
			return -EINVAL;
		len = (size_t)(end - text);
		port = end[1] ? end + 2 : NULL;
		if (!memchr(text, ':', len))
			return -EINVAL;
	} else if (colon && !strchr(colon + 1, ':')) {
		len = (size_t)(colon - text);
		port = colon + 1;
	}
	if (!read_ip(&read, text, len) || (port && !whole_number(port, PORT_MAX, &number)))
		return -EINVAL;
	read.port = (uint16_t)number;
	*addr = read;
	return 0;
}

static void write_ip(char *out, size_t size, uint8_t family, const uint8_t *ip)
{
	inet_ntop(family == RV_IPV4 ? AF_INET : AF_INET6, ip, out, (socklen_t)size);
}

const char *rv_addr_text(const struct rv_addr *addr, char out[static RV_ADDR_TEXT])
{
	char ip[INET6_ADDRSTRLEN] = "%any", scope[IF_NAMESIZE + 1] = "";
	bool boxed = addr->family == RV_IPV6 && addr->port;

	if (rv_family_len(addr->family) > 0)
		write_ip(ip, sizeof(ip), addr->family, addr->ip);
	if (addr->scope) {
		scope[0] = '%';
		if (!if_indextoname(addr->scope, scope + 1))
			snprintf(scope + 1, IF_NAMESIZE, "%u", (unsigned)addr->scope);
	}
	int n = snprintf(out, RV_ADDR_TEXT, "%s%s%s%s", boxed ? "[" : "", ip, scope, boxed ? "]" : "");
	if (addr->port && n > 0 && n < RV_ADDR_TEXT)
		snprintf(out + n, RV_ADDR_TEXT - (size_t)n, ":%u", addr->port);
	return out;
}

bool rv_addr_same_ip(const struct rv_addr *a, const struct rv_addr *b)
{
	return a->family == b->family && a->scope == b->scope && memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}

bool rv_addr_same(const struct rv_addr *a, const struct rv_addr *b)
{
	return rv_addr_same_ip(a, b) && a->port == b->port;
}

bool rv_addr_is_any(const struct rv_addr *addr)
{
	static const uint8_t zero[16];

	return memcmp(addr->ip, zero, rv_family_len(addr->family)) == 0;
}

size_t rv_addr_to_sockaddr(const struct rv_addr *addr, void *ss)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(addr->port) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6,
				    .sin6_port = htons(addr->port),
				    .sin6_scope_id = addr->scope };

	switch (addr->family) {
	case RV_IPV4:
		memcpy(&in.sin_addr, addr->ip, 4);
		memcpy(ss, &in, sizeof(in));
		return sizeof(in);
	case RV_IPV6:
		memcpy(&in6.sin6_addr, addr->ip, 16);
		memcpy(ss, &in6, sizeof(in6));
		return sizeof(in6);
	default:
		return 0;
	}
}

int rv_addr_from_sockaddr(struct rv_addr *addr, const void *ss, size_t len)
{
	struct rv_addr read = { 0 };
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	sa_family_t family = AF_UNSPEC;

	if (len >= sizeof(family))
		memcpy(&family, ss, sizeof(family));
	if (family == AF_INET && len >= sizeof(in)) {
		memcpy(&in, ss, sizeof(in));
		read.family = RV_IPV4;
		read.port = ntohs(in.sin_port);
		memcpy(read.ip, &in.sin_addr, 4);
	} else if (family == AF_INET6 && len >= sizeof(in6)) {
		memcpy(&in6, ss, sizeof(in6));
		read.family = RV_IPV6;
		read.port = ntohs(in6.sin6_port);
		memcpy(read.ip, &in6.sin6_addr, 16);
		/* Some systems fill the scope of global addresses too; it would make equal addresses differ. */
		read.scope = is_link_local(&read) ? in6.sin6_scope_id : 0;
	} else {
		return -EINVAL;
	}
	*addr = read;
	return 0;
}

/* Traffic selectors. */

static bool any_port(const struct rv_ts *ts)
{
	return ts->port_lo == 0 && ts->port_hi == PORT_MAX;
}

static bool opaque_port(const struct rv_ts *ts)
{
	return ts->port_lo == PORT_MAX && ts->port_hi == 0;
}

static bool is_icmp(uint8_t proto)
{
	return proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6;
}

/* Mobility headers have a type without a code (RFC 4301, 4.4.1.1). */
static bool has_type(uint8_t proto)
{
	return is_icmp(proto) || proto == IPPROTO_MH;
}

struct rv_ts rv_ts_prefix(const struct rv_addr *addr, unsigned prefix)
{
	struct rv_ts ts = { .family = addr->family, .port_hi = PORT_MAX };

	for (unsigned i = 0; i < rv_family_len(addr->family); i++) {
		unsigned fixed = prefix <= i * 8 ? 0 : prefix - i * 8;
		uint8_t host = fixed >= 8 ? 0 : (uint8_t)(0xff >> fixed);
		ts.lo[i] = (uint8_t)(addr->ip[i] & ~host);
		ts.hi[i] = (uint8_t)(addr->ip[i] | host);
	}
	return ts;
}

static bool read_prefix(struct rv_ts *ts, const char *text, const char *slash)
{
	struct rv_addr addr;
	unsigned max, prefix;

	if (!read_ip(&addr, text, (size_t)(slash - text)) || addr.scope)
		return false;
	max = (unsigned)rv_family_len(addr.family) * 8;
	if (!whole_number(slash + 1, max, &prefix))
		return false;
	*ts = rv_ts_prefix(&addr, prefix);
	return true;
}

static bool read_range(struct rv_ts *ts, const char *text, const char *dash)
{
	struct rv_addr lo, hi;

	if (!read_ip(&lo, text, (size_t)(dash - text)) || !read_ip(&hi, dash + 1, strlen(dash + 1)) || lo.scope ||
	    hi.scope || lo.family != hi.family || memcmp(lo.ip, hi.ip, sizeof(lo.ip)) > 0)
		return false;
	*ts = (struct rv_ts){ .family = lo.family, .port_hi = PORT_MAX };
	memcpy(ts->lo, lo.ip, sizeof(ts->lo));
	memcpy(ts->hi, hi.ip, sizeof(ts->hi));
	return true;
}

static bool read_addresses(struct rv_ts *ts, const char *text)
{
	const char *slash = strchr(text, '/'), *dash = strchr(text, '-');
	struct rv_addr addr;

	if (strcmp(text, "dynamic") == 0) {
		*ts = (struct rv_ts){ .port_hi = PORT_MAX };
		return true;
	}
	if (slash)
		return read_prefix(ts, text, slash);
	if (dash)
		return read_range(ts, text, dash);
	if (!read_ip(&addr, text, strlen(text)) || addr.scope)
		return false;
	*ts = rv_ts_prefix(&addr, (unsigned)rv_family_len(addr.family) * 8);
	return true;
}

static bool read_proto(uint8_t *proto, const char *text)
{
	unsigned number;

	if (!*text || strcmp(text, "any") == 0) {
		*proto = 0;
		return true;
	}
	for (size_t i = 0; i < RV_COUNT(protocols); i++) {
		if (strcasecmp(text, protocols[i].name) == 0) {
			*proto = protocols[i].number;
			return true;
		}
	}
	if (!whole_number(text, UINT8_MAX, &number))
		return false;
	*proto = (uint8_t)number;
	return true;
}

/* One end of a range of ports; for ICMP a type (with every code), "type(code)", or both in one number over 255; for
 * mobility headers a type. */
static bool read_port(const char **text, uint8_t proto, uint16_t *lo, uint16_t *hi)
{
	unsigned number, code;

	if (!read_number(text, PORT_MAX, &number))
		return false;
	*lo = *hi = (uint16_t)number;
	if (!has_type(proto) || number > UINT8_MAX)
		return has_type(proto) <= is_icmp(proto);
	*lo = (uint16_t)(number << 8);
	*hi = (uint16_t)(is_icmp(proto) ? *lo | 0xff : *lo);
	if (!is_icmp(proto))
		return true;
	if (**text != '(')
		return true;
	++*text;
	if (!read_number(text, UINT8_MAX, &code) || **text != ')')
		return false;
	++*text;
	*lo = *hi = (uint16_t)(number << 8 | code);
	return true;
}

static bool read_ports(struct rv_ts *ts, const char *text)
{
	uint16_t first;

	if (!*text || strcmp(text, "any") == 0)
		return true;
	if (strcmp(text, "opaque") == 0) {
		ts->port_lo = PORT_MAX;
		ts->port_hi = 0;
		return true;
	}
	if (!read_port(&text, ts->proto, &ts->port_lo, &ts->port_hi))
		return false;
	if (*text == '-') {
		text++;
		if (!read_port(&text, ts->proto, &first, &ts->port_hi))
			return false;
	}
	return !*text && ts->port_lo <= ts->port_hi;
}

/* "[proto/port]" without its brackets. */
static bool read_upper(struct rv_ts *ts, char *text)
{
	char *slash = strchr(text, '/');

	if (slash)
		*slash++ = '\0';
	return read_proto(&ts->proto, text) && (!slash || read_ports(ts, slash));
}

int rv_ts_parse(struct rv_ts *ts, const char *text, struct rv_why *why)
{
	char addresses[2 * INET6_ADDRSTRLEN], upper[64] = "";
	const char *open = strchr(text, '[');
	size_t len = open ? (size_t)(open - text) : strlen(text);
	struct rv_ts read;

	if (!copy_part(addresses, sizeof(addresses), text, len) || !read_addresses(&read, addresses))
		return rv_why_set(why, -RV_ECONFIG,
				  "\"%.100s\" is no traffic selector: an address, address/prefix, a range "
				  "address-address or \"dynamic\" is wanted",
				  text);
	if (open) {
		const char *close = strchr(open, ']');
		if (!close || close[1] || !copy_part(upper, sizeof(upper), open + 1, (size_t)(close - open - 1)) ||
		    !read_upper(&read, upper))
			return rv_why_set(why, -RV_ECONFIG,
					  "\"%.100s\" is no traffic selector: after the address \"[protocol/port]\" is "
					  "wanted, such as [tcp/80-90], [icmp/8] or [udp/opaque]",
					  text);
	}
	*ts = read;
	return 0;
}

/* How many leading bits lo and hi share. */
static unsigned shared_bits(const struct rv_ts *ts)
{
	unsigned bits = (unsigned)rv_family_len(ts->family) * 8, n = 0;

	while (n < bits && !((ts->lo[n / 8] ^ ts->hi[n / 8]) & (0x80 >> n % 8)))
		n++;
	return n;
}

static bool is_prefix(const struct rv_ts *ts, unsigned prefix)
{
	struct rv_addr addr = { .family = ts->family };

	memcpy(addr.ip, ts->lo, sizeof(addr.ip));
	struct rv_ts whole = rv_ts_prefix(&addr, prefix);
	return memcmp(whole.lo, ts->lo, sizeof(ts->lo)) == 0 && memcmp(whole.hi, ts->hi, sizeof(ts->hi)) == 0;
}

static void write_addresses(const struct rv_ts *ts, char *out, size_t size)
{
	char lo[INET6_ADDRSTRLEN], hi[INET6_ADDRSTRLEN];
	unsigned prefix = shared_bits(ts);

	if (rv_family_len(ts->family) == 0) {
		snprintf(out, size, "dynamic");
		return;
	}
	write_ip(lo, sizeof(lo), ts->family, ts->lo);
	write_ip(hi, sizeof(hi), ts->family, ts->hi);
	if (is_prefix(ts, prefix))
		snprintf(out, size, "%s/%u", lo, prefix);
	else
		snprintf(out, size, "%s-%s", lo, hi);
}

static void write_icmp(const struct rv_ts *ts, char *out, size_t size)
{
	unsigned lo = ts->port_lo, hi = ts->port_hi;

	if ((lo & 0xff) == 0 && (hi & 0xff) == 0xff && lo >> 8 == hi >> 8)
		snprintf(out, size, "%u", lo >> 8);
	else if ((lo & 0xff) == 0 && (hi & 0xff) == 0xff)
		snprintf(out, size, "%u-%u", lo >> 8, hi >> 8);
	else if (lo == hi)
		snprintf(out, size, "%u(%u)", lo >> 8, lo & 0xff);
	else
		snprintf(out, size, "%u(%u)-%u(%u)", lo >> 8, lo & 0xff, hi >> 8, hi & 0xff);
}

static void write_ports(const struct rv_ts *ts, char *out, size_t size)
{
	if (any_port(ts))
		out[0] = '\0';
	else if (opaque_port(ts))
		snprintf(out, size, "opaque");
	else if (is_icmp(ts->proto))
		write_icmp(ts, out, size);
	else if (has_type(ts->proto) && ts->port_lo != ts->port_hi)
		snprintf(out, size, "%u-%u", ts->port_lo >> 8, ts->port_hi >> 8);
	else if (has_type(ts->proto))
		snprintf(out, size, "%u", ts->port_lo >> 8);
	else if (ts->port_lo == ts->port_hi)
		snprintf(out, size, "%u", ts->port_lo);
	else
		snprintf(out, size, "%u-%u", ts->port_lo, ts->port_hi);
}

static void write_proto(uint8_t proto, char *out, size_t size)
{
	snprintf(out, size, "%u", proto);
	if (proto == 0)
		out[0] = '\0';
	for (size_t i = 0; i < RV_COUNT(protocols); i++) {
		if (protocols[i].number == proto) {
			snprintf(out, size, "%s", protocols[i].name);
			return;
		}
	}
}

const char *rv_ts_text(const struct rv_ts *ts, char out[static RV_TS_TEXT])
{
	char addresses[2 * INET6_ADDRSTRLEN], proto[16], ports[24];

	write_addresses(ts, addresses, sizeof(addresses));
	write_proto(ts->proto, proto, sizeof(proto));
	write_ports(ts, ports, sizeof(ports));
	if (!proto[0] && !ports[0])
		snprintf(out, RV_TS_TEXT, "%s", addresses);
	else
		snprintf(out, RV_TS_TEXT, "%s[%s%s%s]", addresses, proto, ports[0] ? "/" : "", ports);
	return out;
}

static bool has_family(const struct rv_ts *a, const struct rv_ts *b)
{
	return a->family == b->family && rv_family_len(a->family) > 0;
}

/* RFC 4301, 4.4.1.1: "the ANY value encompasses the OPAQUE value", and no other range of ports does. */
static bool ports_contain(const struct rv_ts *outer, const struct rv_ts *inner)
{
	if (any_port(outer))
		return any_port(inner) || opaque_port(inner) || inner->port_lo <= inner->port_hi;
	if (opaque_port(outer) || opaque_port(inner))
		return opaque_port(outer) && opaque_port(inner);
	return inner->port_lo <= inner->port_hi && outer->port_lo <= inner->port_lo && inner->port_hi <= outer->port_hi;
}

bool rv_ts_contains(const struct rv_ts *outer, const struct rv_ts *inner)
{
	return has_family(outer, inner) && (outer->proto == 0 || outer->proto == inner->proto) &&
	       memcmp(outer->lo, inner->lo, sizeof(outer->lo)) <= 0 &&
	       memcmp(inner->hi, outer->hi, sizeof(outer->hi)) <= 0 && ports_contain(outer, inner);
}

/* The ports that both have, into out. */
static bool ports_meet(const struct rv_ts *a, const struct rv_ts *b, struct rv_ts *out)
{
	const struct rv_ts *narrow = any_port(a) ? b : a;

	out->port_lo = narrow->port_lo;
	out->port_hi = narrow->port_hi;
	if (any_port(a) || any_port(b))
		return opaque_port(narrow) || narrow->port_lo <= narrow->port_hi;
	if (opaque_port(a) || opaque_port(b))
		return opaque_port(a) && opaque_port(b);
	out->port_lo = a->port_lo > b->port_lo ? a->port_lo : b->port_lo;
	out->port_hi = a->port_hi < b->port_hi ? a->port_hi : b->port_hi;
	return out->port_lo <= out->port_hi;
}

bool rv_ts_intersect(const struct rv_ts *a, const struct rv_ts *b, struct rv_ts *out)
{
	struct rv_ts both = { .family = a->family, .proto = a->proto ? a->proto : b->proto };
	size_t len = sizeof(both.lo);

	if (!has_family(a, b) || (a->proto && b->proto && a->proto != b->proto) || !ports_meet(a, b, &both))
		return false;
	memcpy(both.lo, memcmp(a->lo, b->lo, len) > 0 ? a->lo : b->lo, len);
	memcpy(both.hi, memcmp(a->hi, b->hi, len) < 0 ? a->hi : b->hi, len);
	if (memcmp(both.lo, both.hi, len) > 0)
		return false;
	*out = both;
	return true;
}

bool rv_ts_same(const struct rv_ts *a, const struct rv_ts *b)
{
	return a->family == b->family && a->proto == b->proto && a->port_lo == b->port_lo && a->port_hi == b->port_hi &&
	       memcmp(a->lo, b->lo, sizeof(a->lo)) == 0 && memcmp(a->hi, b->hi, sizeof(a->hi)) == 0;
}

/* One of the two or four words that an address is compared by; every packet comes here. */
static uint64_t word(const uint8_t *ip, size_t len)
{
	uint64_t v = 0;

	if (len == 4) {
		uint32_t half;
		memcpy(&half, ip, 4);
		return be32toh(half);
	}
	memcpy(&v, ip, 8);
	return be64toh(v);
}

static bool in_range(const struct rv_ts *ts, const uint8_t *ip, size_t len)
{
	uint64_t lo = word(ts->lo, len), hi = word(ts->hi, len), v = word(ip, len);

	if (len == 4)
		return lo <= v && v <= hi;
	uint64_t more = word(ip + 8, len);
	return (lo < v || (lo == v && word(ts->lo + 8, len) <= more)) &&
	       (v < hi || (v == hi && more <= word(ts->hi + 8, len)));
}

bool rv_ts_match(const struct rv_ts *ts, uint8_t family, const uint8_t *ip, uint8_t proto, uint16_t port,
		 bool port_known)
{
	size_t len = rv_family_len(family);

	if (family != ts->family || len == 0 || (ts->proto && ts->proto != proto) || !in_range(ts, ip, len))
		return false;
	if (any_port(ts))
		return true;
	if (!port_known)
		return opaque_port(ts);
	return ts->port_lo <= port && port <= ts->port_hi;
}

unsigned rv_ts_cover(const struct rv_ts *ts)
{
	return shared_bits(ts);
}
