// SPDX-License-Identifier: LGPL-2.1-or-later
/* fragment: a set-associative table; fragments are the same packet's as RFC 791, 3.2 and RFC 8200, 4.5 say. */
#include "fragment.h"

#include "boundary.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static const uint64_t keep_us = 60000000;

void fragments_init(struct fragments *fragments)
{
	*fragments = (struct fragments){ 0 };
	/* Without it strangers can foresee which places are whose, nothing more. */
	if (getrandom(&fragments->seed, sizeof(fragments->seed), GRND_NONBLOCK) < 0)
		fragments->seed = 0;
}

void fragments_fini(struct fragments *fragments)
{
	free(fragments->slots);
	fragments->slots = NULL;
}

/* What tells packets apart, in a slot. */
static struct fragment key_of(const struct ip_info *info, const uint8_t *p, uint32_t owner)
{
	struct fragment key = { .id = ip_piece(info, p).id, .owner = owner, .family = info->family };
	size_t len = rv_family_len(info->family);

	memcpy(key.src, info->src, len);
	memcpy(key.dst, info->dst, len);
	if (info->family == RV_IPV4) /* RFC 8200, 4.5: not in IPv6 */
		key.named = info->proto;
	return key;
}

static bool same(const struct fragment *a, const struct fragment *b)
{
	return a->id == b->id && a->owner == b->owner && a->family == b->family && a->named == b->named &&
	       rv_bytes_equal(rv_bytes(a->src, 16), rv_bytes(b->src, 16)) &&
	       rv_bytes_equal(rv_bytes(a->dst, 16), rv_bytes(b->dst, 16));
}

static uint32_t mix(uint32_t hash, uint32_t value)
{
	hash = (hash ^ value) * 0x9e3779b1u;
	return hash ^ hash >> 15;
}

/* The first of the places where key can be. */
static struct fragment *set_of(const struct fragments *fragments, const struct fragment *key)
{
	uint32_t hash = mix(mix(fragments->seed, key->id), key->owner);

	for (uint32_t i = 0; i < 16; i += 4)
		hash = mix(mix(hash, ip_u32(key->src + i)), ip_u32(key->dst + i));
	return &fragments->slots[hash % (FRAGMENTS / FRAGMENT_WAYS) * FRAGMENT_WAYS];
}

void fragments_first(struct fragments *fragments, const struct ip_info *info, const uint8_t *p, uint32_t owner,
		     uint64_t now_us)
{
	struct fragment key = key_of(info, p, owner), *set, *place;

	if (!fragments->slots && info->ports_known)
		fragments->slots = calloc(FRAGMENTS, sizeof(*fragments->slots));
	if (!fragments->slots || !info->ports_known)
		return;
	set = place = set_of(fragments, &key);
	for (struct fragment *f = set; f < set + FRAGMENT_WAYS; f++) {
		if (same(f, &key)) {
			place = f;
			break;
		}
		if (f->at_us < place->at_us)
			place = f;
	}
	key.at_us = now_us ? now_us : 1;
	key.end = info->len - ip_piece(info, p).at;
	key.proto = info->proto;
	key.src_port = info->src_port;
	key.dst_port = info->dst_port;
	*place = key;
}

bool fragments_later(const struct fragments *fragments, struct ip_info *info, const uint8_t *p, uint32_t owner,
		     uint64_t now_us)
{
	const struct fragment key = key_of(info, p, owner), *set, *f;

	if (!fragments->slots)
		return true;
	set = f = set_of(fragments, &key);
	while (f < set + FRAGMENT_WAYS && !same(f, &key))
		f++;
	if (f == set + FRAGMENT_WAYS || !f->at_us || now_us - f->at_us > keep_us)
		return true;
	if (ip_piece(info, p).offset < f->end)
		return false;
	info->proto = f->proto;
	info->src_port = f->src_port;
	info->dst_port = f->dst_port;
	info->ports_known = true;
	return true;
}

bool fragment_allowed(const struct sa *sa, const struct ip_info *info)
{
	struct ip_info bare = *info;

	bare.ports_known = false;
	return sa->terms.fragments_also || sa_match(sa, &bare);
}

bool fragment_match_in(struct fragments *fragments, const struct sa *sa, struct ip_info *info, const uint8_t *p,
		       uint64_t now_us)
{
	if (info->fragment == IP_FIRST) {
		bool match = boundary_match(sa, info, p);
		if (match && sa->terms.fragments_also)
			fragments_first(fragments, info, p, sa->reqid, now_us);
		return match;
	}
	if (sa_match(sa, info)) /* RFC 4301, 7.1: of any port */
		return true;
	return sa->terms.fragments_also && fragments_later(fragments, info, p, sa->reqid, now_us) && sa_match(sa, info);
}
