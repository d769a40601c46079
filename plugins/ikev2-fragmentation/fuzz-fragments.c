// SPDX-License-Identifier: LGPL-2.1-or-later
/* fuzz-fragments: what a peer that has the keys may send as fragments, in any order (RFC 7383, 2.6).
 *
 * The input is a list of fragments: a flags octet (1: a response, 2: of an answered request, 4: not authentic, 8: the
 * next message ID, 16: much later, 32: the peer is authenticated), Fragment Number and Total Fragments in an octet each
 * (64 and more: times 64), a length octet, and the chunk. A model says what a message must be when it is complete.
 */
#include "test-fake.h"

#include <talloc.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HOLDS(what)                                                                                                    \
	do {                                                                                                           \
		if (!(what))                                                                                           \
			abort();                                                                                       \
	} while (0)

enum { HELD_MAX = 2 * (64 * 1024 + 512 * 136) + 4096 };

static uint16_t wide(uint8_t v)
{
	return v < 64 ? v : (uint16_t)((v - 63) * 64);
}

static void one(struct fake *w, uint8_t flags, struct rv_rd *r, uint32_t id[static 2])
{
	uint16_t number = wide(rv_rd_u8(r)), total = wide(rv_rd_u8(r));
	size_t want = rv_rd_u8(r), left = rv_rd_left(r);
	struct rv_bytes chunk = rv_rd_take(r, want < left ? want : left);
	bool response = flags & 1, answered = flags & 2 && !response;
	struct rv_ike_plain out;

	id[response] += flags & 8 ? 1 : 0;
	const struct rv_ike_sealed like = { .type = SKF,
					    .first = 33,
					    .exchange = 35,
					    .id = id[response] - (answered ? 1 : 0),
					    .response = response,
					    .answered = answered };
	int result = fake_arrive(w, &like, number, total, chunk, !(flags & 4), &out);

	HOLDS(w->f.held <= HELD_MAX);
	if (result != RV_IKE_WHOLE) {
		HOLDS(!out.owner && (result == RV_PENDING || result == -RV_EINTEGRITY));
		return;
	}
	HOLDS(number && number <= total && !(flags & 4));
	HOLDS(answered ? !out.owner && number == 1 : out.owner && out.first == 33 && out.digest == 1);
	/* the fragment that came last is in the message, and nothing is left of it */
	HOLDS(answered || (out.payloads.len >= chunk.len && (total > 1 || rv_bytes_equal(out.payloads, chunk))));
	talloc_free(out.owner);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rv_rd r = rv_rd(rv_bytes(data, size));
	struct fake *w = fake_new();
	uint32_t id[2] = { 1, 1 };

	while (rv_rd_left(&r) >= 4) {
		uint8_t flags = rv_rd_u8(&r);

		w->sa->state = flags & 32 ? RV_IKE_ESTABLISHED : RV_IKE_HALF_OPEN;
		if (flags & 16) {
			w->now += RV_S(31);
			(void)rv_loop_turn(w->core.loop, 0);
			HOLDS(!w->f.held);
		}
		one(w, flags, &r, id);
	}
	fake_end(w);
	return 0;
}
