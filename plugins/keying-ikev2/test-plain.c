// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-plain: an extension between messages and datagrams: it sees each message in plain, sends it in pieces and puts
 * the peer's together, has an exchange before IKE_AUTH, and adds a shared secret to the keys.
 */
#include "pair.h"

#include "protect.h"

enum { EARLY_EXCHANGE = 241, PIECE = 201, PIECE_LEN = 100, UNKNOWN = 199, AGREED = 40961 };

/* What the extension of one host saw and is told to do. */
struct seen {
	struct rv_host *host;
	unsigned n_ours, n_theirs, pieces, joined, again, early, ended, resplit;
	uint64_t ours, theirs; /* digests over what was seen, in order */
	bool split, mix, only_mine, shape;
	unsigned shaped, left, took;
	size_t piece; /* how large ours are */
	/* the peer's; total: of how many */
	struct {
		uint8_t octets[PIECE_LEN];
		size_t len;
	} got[16];
	unsigned n_got, total;
	uint8_t first;
	uint64_t digest;
};

static struct seen west_seen, east_seen;

/* What both sides must see alike: SPIs, exchange, flags, ID, and the payloads. */
static uint64_t digest_of(uint64_t before, const struct rv_ike_plain *plain)
{
	uint8_t octets[8192];
	struct rv_wr w = rv_wr(octets, sizeof(octets));

	assert_int_equal(plain->header.len, IKE_HEADER_LEN);
	rv_wr_u64(&w, before);
	rv_wr_put(&w, rv_bytes(plain->header.p, 16));
	rv_wr_put(&w, rv_bytes(plain->header.p + 17, 7));
	rv_wr_u8(&w, plain->first);
	rv_wr_put(&w, plain->payloads);
	assert_true(rv_wr_done(&w));
	return ike_digest(rv_wr_bytes(&w));
}

static void see(void *self, struct rv_ike_exchange *x, const struct rv_ike_plain *plain)
{
	struct seen *seen = self;
	uint64_t *digest = plain->ours ? &seen->ours : &seen->theirs;

	assert_int_equal(plain->outside.len, 0);
	*digest = digest_of(*digest, plain);
	seen->n_ours += plain->ours;
	seen->n_theirs += !plain->ours;
}

static int split(void *self, struct rv_ike_exchange *x, const struct rv_ike_plain *plain, unsigned attempt)
{
	struct seen *seen = self;
	struct rv_rd r = rv_rd(plain->payloads);
	size_t size = attempt ? seen->piece / 2 : seen->piece;

	if (!seen->split || !size || (attempt && attempt != 1))
		return 0;
	seen->resplit += attempt != 0;
	size_t n = (plain->payloads.len + size - 1) / size;

	for (size_t i = 0; i < n; i++) {
		size_t len = rv_rd_left(&r) < size ? rv_rd_left(&r) : size;
		uint8_t prefix[2] = { (uint8_t)i, (uint8_t)n };
		int e = rv_ike_seal(x, PIECE, rv_bytes(prefix, 2), plain->first, rv_rd_take(&r, len));

		assert_int_equal(e, 0);
		seen->pieces++;
	}
	return n ? 1 : 0;
}

static int join(void *self, struct rv_ike_sa *sa, const struct rv_ike_sealed *d, struct rv_ike_plain *out)
{
	struct seen *seen = self;
	struct rv_bytes chunk;
	uint8_t room[2048];
	int r;

	if (d->type != PIECE)
		return 0;
	assert_true(d->body.len > 2);
	r = rv_ike_open(sa, d, 2, room, sizeof(room), &chunk);
	if (r)
		return r;
	if (d->answered) {
		seen->again += d->body.p[0] == 0;
		return d->body.p[0] == 0 ? RV_IKE_WHOLE : RV_PENDING;
	}
	unsigned i = d->body.p[0], total = d->body.p[1];

	assert_true(i < RV_COUNT(seen->got) && total <= RV_COUNT(seen->got) && chunk.len <= PIECE_LEN);
	if (seen->total != total)
		seen->n_got = 0;
	seen->total = total;
	if (!i) {
		seen->digest = d->digest;
		seen->first = d->first;
	}
	seen->got[i].len = chunk.len;
	memcpy(seen->got[i].octets, chunk.p, chunk.len);
	if (++seen->n_got < total)
		return RV_PENDING;
	seen->joined++;
	seen->total = 0;
	uint8_t *all = talloc_size(sa, sizeof(seen->got));
	struct rv_wr w = rv_wr(all, sizeof(seen->got));

	assert_non_null(all);
	for (i = 0; i < total; i++)
		rv_wr_put(&w, rv_bytes(seen->got[i].octets, seen->got[i].len));
	out->owner = all;
	out->payloads = rv_wr_bytes(&w);
	out->first = seen->first;
	out->digest = seen->digest;
	return RV_IKE_WHOLE;
}

/* The exchange before IKE_AUTH */

static int mix(struct rv_ike_exchange *x, void *self)
{
	struct seen *seen = self;

	seen->early++;
	assert_int_equal(rv_ike_id(x), 1);
	if (seen->mix)
		assert_int_equal(rv_ike_mix(x, RV_STR("a shared secret")), 0);
	return 0;
}

static int ask(struct rv_ike_exchange *x, void *self)
{
	static const uint8_t data[150];

	assert_int_equal(rv_ike_id(x), 1);
	return rv_ike_add_notify(x, AGREED, rv_bytes(data, sizeof(data)));
}

static void ended(struct rv_ike_exchange *x, int result, void *self)
{
	struct seen *seen = self;

	assert_int_equal(result, 0);
	seen->ended++;
}

static rv_ike_step_fn *const asks[] = { ask, NULL }, *const mixes[] = { mix, NULL };
static const struct rv_ike_plan plan = {
	.story = "ask early", .exchange = EARLY_EXCHANGE, .early = true, .build = asks, .end = ended
};
static const struct rv_ike_row rows[] = {
	{ RV_IKE_HALF_OPEN, EARLY_EXCHANGE, RV_IKE_RESPONDER, RV_IKE_N_STATES, .steps = mixes, .story = "answer" },
	{ RV_IKE_HALF_OPEN, EARLY_EXCHANGE, RV_IKE_INITIATOR, RV_IKE_N_STATES, .plan = &plan, .steps = mixes,
	  .story = "take" },
};

static int begin(struct rv_ike_exchange *x, void *self)
{
	if (rv_ike_type(x) != IKE_EXCHANGE_IKE_SA_INIT)
		return 0;
	assert_int_equal(rv_ike_agree(rv_ike_sa(x), AGREED), 0);
	assert_int_equal(rv_ike_agree(rv_ike_sa(x), AGREED), 0);
	assert_non_null(rv_proposal_get(rv_ike_chosen(x), RV_CLASS_KE));
	return rv_ike_role(x) == RV_IKE_INITIATOR ? rv_ike_start(rv_ike_sa(x), &plan, self) : 0;
}

/* The last word: a payload in front that the peer ignores, and every other datagram is taken over. */
static int shape(void *self, struct rv_ike_exchange *x, struct rv_ike_shape *message)
{
	static const uint8_t flags = 0x07;
	struct seen *seen = self;

	if (!seen->shape)
		return 0;
	assert_true(message->len + 4 <= message->cap);
	memmove(message->payloads + 4, message->payloads, message->len);
	memcpy(message->payloads, "\0\0\0\4", 4);
	message->payloads[0] = message->first;
	message->first = UNKNOWN;
	message->len += 4;
	message->header[19] |= flags;
	seen->shaped++;
	return 0;
}

static int leave(void *self, struct rv_ike_sa *sa, const struct rv_ike_leaving *leaving)
{
	struct seen *seen = self;
	const struct rv_transport_ops *transport = rv_service_ops(leaving->transport);

	if (!seen->shape)
		return 0;
	assert_int_equal(leaving->datagram.p[19] & 0x07, 0x07);
	if (seen->left++ & 1)
		return 0;
	seen->took++;
	assert_int_equal(transport->send(rv_service_self(leaving->transport), leaving->path, leaving->datagram), 0);
	return 1;
}

static const struct rv_ike_task tasks[] = { { RV_IKE_AT_PATH, 0, begin } };
static const struct rv_ikev2_ext_ops ops = { .size = sizeof(ops),
					     .tasks = tasks,
					     .n_tasks = RV_COUNT(tasks),
					     .rows = rows,
					     .n_rows = RV_COUNT(rows),
					     .seals = { { 0, 0, 0, RV_IKE_P(PIECE) } },
					     .seen = see,
					     .split = split,
					     .join = join,
					     .shape = shape,
					     .leave = leave };

static int init(struct rv_host *host)
{
	struct seen *seen = strcmp(sim_of(host)->name, "west") == 0 ? &west_seen : &east_seen;

	seen->host = host;
	return rv_ikev2_ext_offer(host, (struct rv_offer){ .name = "plain-test" }, &ops, seen);
}

RV_PLUGIN(plain_test, "plain-test", "version=1\0summary=An extension for the test\0provides=ikev2-ext:plain-test\0",
	  .init = init);

static struct pair *plain_pair(bool split_messages, bool mix_secret)
{
	static const struct side with = { .more = { { "plain-test", &rv_plugin_plain_test } } };

	west_seen = east_seen = (struct seen){ .split = split_messages, .mix = mix_secret, .piece = PIECE_LEN };
	return pair_new(&with, &with);
}

static void both_sides_see_the_same_once(struct pair *p)
{
	assert_true(west_seen.n_ours >= 2 && west_seen.n_theirs >= 2);
	assert_int_equal(west_seen.n_ours, east_seen.n_theirs);
	assert_int_equal(east_seen.n_ours, west_seen.n_theirs);
	assert_true(west_seen.ours == east_seen.theirs && east_seen.ours == west_seen.theirs);
}

static void messages_are_seen_in_plain(void **state)
{
	for (int pieces = 0; pieces < 2; pieces++) {
		struct pair *p = plain_pair(pieces, false);

		bring_up(p);
		assert_int_equal(pair_child_rekey(p->east), 0);
		sim_run(p->sim, RV_S(1));
		assert_int_equal(pair_rekey(p->west), 0);
		sim_run(p->sim, RV_S(1));
		assert_true(pair_up(p));
		both_sides_see_the_same_once(p);
		assert_int_equal(west_seen.pieces > 4, pieces);
		assert_int_equal(west_seen.joined > 2, pieces);
		assert_true(rv_ike_agreed(peer_of(p->west)->sa, AGREED)); /* also in a successor */
		assert_false(rv_ike_agreed(peer_of(p->west)->sa, AGREED + 1));
		pair_free(p);
	}
}

/* An exchange before IKE_AUTH, whose keys hold from the next one on; when the sides differ in them, they part. */
static void a_shared_secret_is_mixed_in_before_authentication(void **state)
{
	for (int pieces = 0; pieces < 2; pieces++) {
		struct pair *p = plain_pair(pieces, true);

		bring_up(p);
		assert_int_equal(west_seen.early, 1);
		assert_int_equal(east_seen.early, 1);
		assert_int_equal(west_seen.ended, 1);
		both_sides_see_the_same_once(p);
		pair_free(p);
	}
	struct pair *p = plain_pair(false, true);

	east_seen.mix = false;
	struct rv_attempt *attempt = try_up(p, "net", RV_S(400));

	assert_true(attempt->ended && attempt->code);
	rv_attempt_drop(attempt);
	pair_free(p);
}

struct drops {
	unsigned skip, n;
	bool responses;
};

static bool drop(void *arg, struct sim_host *from, struct sim_host *to, uint8_t *message, size_t *len)
{
	struct drops *drops = arg;

	if (message[18] == IKE_EXCHANGE_IKE_SA_INIT || !(message[19] & IKE_FLAG_RESPONSE) == drops->responses)
		return false;
	if (drops->skip) {
		drops->skip--;
		return false;
	}
	if (!drops->n)
		return false;
	drops->n--;
	return true;
}

/* A piece of the answer is lost: the request comes again in other pieces, under keys that are replaced already. */
static void a_request_in_other_pieces_is_known_again(void **state)
{
	struct drops drops = { .n = 1, .responses = true };
	struct pair *p = plain_pair(true, true);

	sim_tap(p->sim, drop, &drops);
	bring_up(p);
	assert_int_equal(drops.n, 0);
	assert_true(west_seen.resplit >= 1);
	assert_int_equal(east_seen.again, 1);
	both_sides_see_the_same_once(p);
	pair_free(p);
}

static void all_pieces_are_sent_again(void **state)
{
	struct drops drops = { .skip = 1, .n = 2 };
	struct pair *p = plain_pair(true, false);

	sim_tap(p->sim, drop, &drops);
	bring_up(p);
	assert_int_equal(drops.n, 0);
	assert_true(west_seen.resplit >= 1);
	both_sides_see_the_same_once(p);
	pair_free(p);
}

static void what_was_agreed_is_packed(void **state)
{
	static const uint8_t octets[32] = { 9 };
	struct pair *p = plain_pair(true, true);
	struct rv_why why = { 0 };
	unsigned n = 0;
	size_t len;

	bring_up(p);
	uint8_t *sealed = rv_core_pack(p->west->core, p, rv_bytes(octets, sizeof(octets)), &len, &n);

	assert_non_null(sealed);
	rv_peer_down(peer_of(p->west), 0, NULL);
	assert_int_equal(
		rv_core_unpack(p->west->core, rv_bytes(octets, sizeof(octets)), rv_bytes(sealed, len), &n, &why), 0);
	assert_true(rv_ike_agreed(peer_of(p->west)->sa, AGREED));
	assert_int_equal(pair_rekey(p->west), 0);
	sim_run(p->sim, RV_S(1));
	assert_true(pair_up(p));
	pair_free(p);
}

/* what is shaped is signed, split, sealed and sent again as it is; each datagram leaves once */
static void an_extension_has_the_last_word(void **state)
{
	for (int pieces = 0; pieces < 2; pieces++) {
		struct pair *p = plain_pair(pieces, true);
		uint64_t before = p->west->sent;

		west_seen.shape = east_seen.shape = true;
		bring_up(p);
		assert_int_equal(pair_child_rekey(p->east), 0);
		sim_run(p->sim, RV_S(1));
		assert_true(pair_up(p));
		assert_true(west_seen.shaped >= 4 && east_seen.shaped >= 4);
		assert_int_equal(west_seen.left, p->west->sent - before);
		assert_int_equal(west_seen.took, (west_seen.left + 1) / 2);
		pair_free(p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_are_seen_in_plain),
		cmocka_unit_test(a_shared_secret_is_mixed_in_before_authentication),
		cmocka_unit_test(a_request_in_other_pieces_is_known_again),
		cmocka_unit_test(all_pieces_are_sent_again),
		cmocka_unit_test(what_was_agreed_is_packed),
		cmocka_unit_test(an_extension_has_the_last_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
