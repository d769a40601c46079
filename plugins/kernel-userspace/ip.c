// SPDX-License-Identifier: LGPL-2.1-or-later
/* ip: reads and changes IPv4 (RFC 791) and IPv6 (RFC 8200) headers. Every read is behind a check of the length. */
#include "ip.h"

#include <arpa/inet.h>
#include <string.h>
#ifdef __x86_64__
#include <sys/platform/x86.h>
#endif

enum { FEW = 64, EXTENSIONS_MAX = 8, V6_NEXT = 6, V6_OFFSET = 0xfff8, V6_MF = 1 };

static bool has_ports(uint8_t proto)
{
	switch (proto) {
	case IP_TCP:
	case IP_UDP:
	case IP_DCCP:
	case IP_SCTP:
	case IP_UDPLITE:
		return true;
	default:
		return false;
	}
}

static bool has_type(uint8_t proto)
{
	return proto == IP_ICMP || proto == IP_ICMPV6;
}

/* The selector fields of the upper layer. A packet too short for its ports is kept, with ports unknown. */
static void read_ports(struct ip_info *info, const uint8_t *p)
{
	const uint8_t *upper = p + info->upper;
	uint32_t left = info->len - info->upper;

	if (info->fragment == IP_LATER)
		return;
	if (has_ports(info->proto) && left >= 4) {
		info->src_port = ip_u16(upper);
		info->dst_port = ip_u16(upper + 2);
		info->ports_known = true;
	} else if (has_type(info->proto) && left >= 2) {
		info->src_port = info->dst_port = ip_u16(upper);
		info->ports_known = true;
	} else if (info->proto == IP_MOBILITY && left >= 3) {
		info->src_port = info->dst_port = (uint16_t)(upper[2] << 8);
		info->ports_known = true;
	}
}

static bool parse4(struct ip_info *info, const uint8_t *p, size_t len, bool cut)
{
	if (len < IP4_HEADER)
		return false;
	uint16_t flags = ip_u16(p + 6);
	*info = (struct ip_info){ .family = RV_IPV4,
				  .proto = p[9],
				  .base_next = p[9],
				  .tos = p[1],
				  .df = flags & IP4_DF,
				  .base_len = (uint16_t)((p[0] & 15) * 4),
				  .len = ip_u16(p + 2),
				  .src = p + 12,
				  .dst = p + 16 };
	info->upper = info->base_len;
	if (cut && info->len > len)
		info->len = (uint32_t)len;
	if (info->base_len < IP4_HEADER || info->len < info->base_len || info->len > len)
		return false;
	if (flags & IP4_OFFSET)
		info->fragment = IP_LATER;
	else if (flags & IP4_MF)
		info->fragment = IP_FIRST;
	read_ports(info, p);
	return true;
}

/* One extension header at info->upper, which is named at that place; its length, or 0 when it is malformed. */
static uint32_t extension(struct ip_info *info, const uint8_t *p, uint16_t named)
{
	const uint8_t *h = p + info->upper;
	uint32_t left = info->len - info->upper;

	if (left < 8)
		return 0;
	if (info->proto == IP_FRAGMENT) {
		uint16_t at = ip_u16(h + 2);
		if (info->fragment_at) /* RFC 8200, 4.1: once at most */
			return 0;
		info->fragment_at = info->upper;
		info->fragment_named = named;
		if (at & V6_OFFSET)
			info->fragment = IP_LATER;
		else if (at & V6_MF)
			info->fragment = IP_FIRST;
		return 8;
	}
	uint32_t size = info->proto == IP_AH ? (h[1] + 2u) * 4 : (h[1] + 1u) * 8;
	return size <= left ? size : 0;
}

static bool is_extension(uint8_t proto)
{
	return proto == IP_HOPOPTS || proto == IP_ROUTING || proto == IP_FRAGMENT || proto == IP_DSTOPTS ||
	       proto == IP_AH;
}

static bool parse6(struct ip_info *info, const uint8_t *p, size_t len, bool cut)
{
	if (len < IP6_HEADER)
		return false;
	*info = (struct ip_info){ .family = RV_IPV6,
				  .proto = p[6],
				  .base_next = p[6],
				  .tos = (uint8_t)(p[0] << 4 | p[1] >> 4),
				  .df = true,
				  .base_len = IP6_HEADER,
				  .upper = IP6_HEADER,
				  .len = ip_u16(p + 4) + (uint32_t)IP6_HEADER,
				  .src = p + 8,
				  .dst = p + 24 };
	if (cut && info->len > len)
		info->len = (uint32_t)len;
	if (info->len > len)
		return false;
	uint16_t named = V6_NEXT;
	for (int i = 0; is_extension(info->proto) && info->fragment != IP_LATER; i++) {
		uint32_t size = i < EXTENSIONS_MAX ? extension(info, p, named) : 0;
		if (!size)
			return false;
		named = info->upper;
		info->proto = p[info->upper];
		info->upper = (uint16_t)(info->upper + size);
	}
	read_ports(info, p);
	return true;
}

static bool parse(struct ip_info *info, const uint8_t *p, size_t len, bool cut)
{
	if (!len)
		return false;
	switch (p[0] >> 4) {
	case RV_IPV4:
		return parse4(info, p, len, cut);
	case RV_IPV6:
		return parse6(info, p, len, cut);
	default:
		return false;
	}
}

bool ip_parse(struct ip_info *info, const uint8_t *p, size_t len)
{
	return parse(info, p, len, false);
}

bool ip_parse_quote(struct ip_info *info, const uint8_t *p, size_t len)
{
	return parse(info, p, len, true);
}

struct ip_piece ip_piece(const struct ip_info *info, const uint8_t *p)
{
	const uint8_t *h = p + info->fragment_at;

	if (info->family == RV_IPV4)
		return (struct ip_piece){ .id = ip_u16(p + 4),
					  .offset = (ip_u16(p + 6) & IP4_OFFSET) * 8u,
					  .at = info->base_len,
					  .more = ip_u16(p + 6) & IP4_MF };
	return (struct ip_piece){ .id = ip_u32(h + 4),
				  .offset = ip_u16(h + 2) & V6_OFFSET,
				  .at = info->fragment_at + 8u,
				  .more = ip_u16(h + 2) & V6_MF };
}

/* Sums n vectors of so many octets, and copies them where to says so. Halves of 32 bits are added, so that nothing is
 * carried. */
#define SUM_VECTORS(name, octets, target)                                                                              \
	target static uint64_t name(uint8_t *to, const uint8_t *p, size_t n)                                           \
	{                                                                                                              \
		typedef uint64_t lanes __attribute__((vector_size(octets)));                                           \
		lanes low = { 0 }, high = { 0 }, words;                                                                \
		uint64_t sum = 0;                                                                                      \
                                                                                                                       \
		for (size_t i = 0; i < n; i++) {                                                                       \
			memcpy(&words, p + i * (octets), octets);                                                      \
			if (to)                                                                                        \
				memcpy(to + i * (octets), &words, octets);                                             \
			low += words & UINT32_MAX;                                                                     \
			high += words >> 32;                                                                           \
		}                                                                                                      \
		low += high;                                                                                           \
		for (size_t i = 0; i < (octets) / sizeof(uint64_t); i++)                                               \
			sum += low[i];                                                                                 \
		return sum;                                                                                            \
	}

SUM_VECTORS(sum_16, 16, )
#ifdef __x86_64__
SUM_VECTORS(sum_32, 32, __attribute__((target("avx2"))))
SUM_VECTORS(sum_64, 64, __attribute__((target("avx512f"))))

unsigned ip_vector(void)
{
	return CPU_FEATURE_ACTIVE(AVX512F) ? 64 : CPU_FEATURE_ACTIVE(AVX2) ? 32 : 16;
}
#else
unsigned ip_vector(void)
{
	return 16;
}
#endif

/* The first is for every processor. */
static const struct {
	unsigned octets;
	uint64_t (*sum)(uint8_t *to, const uint8_t *p, size_t n);
} vectors[] = {
	{ 16, sum_16 },
#ifdef __x86_64__
	{ 32, sum_32 },
	{ 64, sum_64 },
#endif
};

uint64_t ip_sum_vectors(unsigned octets, uint8_t *to, const uint8_t *p, size_t n)
{
	size_t i = RV_COUNT(vectors) - 1;

	while (i && vectors[i].octets != octets)
		i--;
	return vectors[i].sum(to, p, n);
}

/* Sums as much of len octets as whole vectors have; *done: how much that is. */
static uint64_t sum_most(uint8_t *to, const uint8_t *p, size_t len, size_t *done)
{
	unsigned octets = ip_vector();

	*done = len & ~((size_t)octets - 1);
	return ip_sum_vectors(octets, to, p, len / octets);
}

/* Less than eight octets. Copied to one word they would be read before they are written. */
static uint64_t sum_rest(const uint8_t *p, size_t len)
{
	uint32_t word = 0;
	uint16_t half = 0, last = 0;

	if (len & 4)
		memcpy(&word, p, 4);
	if (len & 2)
		memcpy(&half, p + (len & 4), 2);
	if (len & 1)
		memcpy(&last, p + len - 1, 1);
	return (uint64_t)word + half + last;
}

static uint64_t sum_few(const uint8_t *p, size_t len)
{
	uint64_t sum = 0, word;

	for (; len >= sizeof(word); len -= sizeof(word), p += sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		sum += (word & UINT32_MAX) + (word >> 32);
	}
	return sum + sum_rest(p, len);
}

uint64_t ip_sum(uint64_t sum, const uint8_t *p, size_t len)
{
	size_t done = 0;

	if (len >= FEW)
		sum += sum_most(NULL, p, len, &done);
	return sum + sum_few(p + done, len - done);
}

uint64_t ip_copy_sum(uint64_t sum, uint8_t *to, const uint8_t *p, size_t len)
{
	size_t done = 0;

	if (len >= FEW)
		sum += sum_most(to, p, len, &done);
	memcpy(to + done, p + done, len - done);
	return sum + sum_few(p + done, len - done);
}

/* The sum was made of words in host order, which RFC 1071, 2(B) allows when the result is swapped back. */
uint16_t ip_fold(uint64_t sum)
{
	uint16_t folded;
	uint8_t octets[2];

	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	folded = (uint16_t)~sum;
	memcpy(octets, &folded, sizeof(octets));
	return ip_u16(octets);
}

uint64_t ip_pseudo(const struct ip_info *info, uint8_t proto, uint32_t len)
{
	size_t size = rv_family_len(info->family);

	return sum_few(info->src, size) + sum_few(info->dst, size) + htonl(len) + htonl(proto);
}

/* Where the checksum stands in the upper layer's header; 0: nowhere. */
static uint32_t checksum_at(uint8_t proto)
{
	switch (proto) {
	case IP_TCP:
		return 16;
	case IP_UDP:
		return 6;
	case IP_ICMPV6:
		return 2;
	default:
		return 0;
	}
}

void ip_fix_upper_by(const struct ip_info *info, uint8_t *p, uint32_t len, uint32_t head, uint64_t rest)
{
	uint32_t at = checksum_at(info->proto);

	if (!at || head < at + 2 || info->fragment != IP_WHOLE)
		return;
	ip_put16(p + at, 0);
	uint16_t sum = ip_fold(ip_sum(ip_pseudo(info, info->proto, len) + rest, p, head));
	/* RFC 768: zero is sent as all ones */
	ip_put16(p + at, !sum && info->proto == IP_UDP ? 0xffff : sum);
}

void ip_fix_upper(const struct ip_info *info, uint8_t *p, uint32_t len)
{
	ip_fix_upper_by(info, p, len, len, 0);
}

/* RFC 1624, 3: HC' = ~(~HC + ~m + m') */
void ip_change16(uint8_t *p, uint8_t *sum, uint16_t value)
{
	uint32_t now = (uint16_t)~ip_u16(sum) + (uint32_t)(uint16_t)~ip_u16(p) + value;

	now = (now & 0xffff) + (now >> 16);
	now = (now & 0xffff) + (now >> 16);
	ip_put16(p, value);
	ip_put16(sum, (uint16_t)~now);
}

void ip_set_tos(uint8_t *p, uint8_t family, uint8_t tos)
{
	if (family == RV_IPV6) {
		p[0] = (uint8_t)(0x60 | tos >> 4);
		p[1] = (uint8_t)((p[1] & 0x0f) | tos << 4);
		return;
	}
	ip_change16(p, p + 10, (uint16_t)(p[0] << 8 | tos));
}

size_t ip_put_header(uint8_t *p, const struct rv_addr *src, const struct rv_addr *dst, uint8_t proto, uint8_t tos,
		     uint8_t ttl, uint32_t len)
{
	size_t size = src->family == RV_IPV6 ? IP6_HEADER : IP4_HEADER;

	memset(p, 0, size);
	if (src->family == RV_IPV6) {
		p[0] = 0x60;
		ip_set_tos(p, RV_IPV6, tos);
		ip_put16(p + 4, len);
		p[6] = proto;
		p[7] = ttl;
		memcpy(p + 8, src->ip, 16);
		memcpy(p + 24, dst->ip, 16);
		return size;
	}
	p[0] = 0x45;
	p[1] = tos;
	ip_put16(p + 2, len + IP4_HEADER);
	p[8] = ttl;
	p[9] = proto;
	memcpy(p + 12, src->ip, 4);
	memcpy(p + 16, dst->ip, 4);
	ip_put16(p + 10, ip_fold(ip_sum(0, p, IP4_HEADER)));
	return size;
}

int ip_ecn_out_of_tunnel(uint8_t inner, uint8_t outer)
{
	enum { NOT_ECT, ECT1, ECT0, CE, DROP = -1 };
	static const int8_t table[4][4] = {
		/* outer: Not-ECT, ECT(1), ECT(0), CE */
		[NOT_ECT] = { NOT_ECT, NOT_ECT, NOT_ECT, DROP },
		[ECT1] = { ECT1, ECT1, ECT1, CE },
		[ECT0] = { ECT0, ECT1, ECT0, CE },
		[CE] = { CE, CE, CE, CE },
	};

	return table[inner & 3][outer & 3];
}
