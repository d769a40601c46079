// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-ikev2-qcd: one of two daemons forgets everything, and the other hears of it in one round trip (RFC 6290).
 */
#include "pair.h"

#include <ravelin/ikev2-wire.h>
#include <ravelin/pack.h>
#include <ravelin/wire.h>

extern const struct rv_plugin rv_plugin_ikev2_qcd;

enum { TOKEN_LEN = 32, ANSWER_LEN = 28 + 8 + 8 + TOKEN_LEN };

#define SECRET "secret = 0x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

/* A side with the plugin and these settings (NULL: without the plugin). */
static struct side side(const char *settings)
{
	struct side s = { .connection = "dpd_delay = 30s", .child = "dpd_action = restart" };

	if (!settings)
		return s;
	s.sections = talloc_asprintf(NULL, "ikev2-qcd { %s }", settings);
	s.more[0] = (struct sim_plugin){ "ikev2-qcd", &rv_plugin_ikev2_qcd };
	return s;
}

static struct pair *pair_of(const char *west, const char *east)
{
	struct side w = side(west), e = side(east);
	struct pair *p = pair_new(&w, &e);

	talloc_free((void *)(uintptr_t)w.sections);
	talloc_free((void *)(uintptr_t)e.sections);
	return p;
}

static uint64_t spi_of(struct sim_host *host)
{
	uint64_t spi_i = 0, spi_r;

	if (n_peers(host) == 1)
		(void)rv_ike_spis(peer_of(host)->sa, &spi_i, &spi_r);
	return spi_i;
}

/* Forgets everything without a word, as when it is killed. */
static void crash(struct sim_host *host)
{
	rv_peer_down(peer_of(host), 0, NULL);
	assert_int_equal(n_peers(host), 0);
	assert_int_equal(sim_n_sas(host), 0);
}

static void who_holds_a_token_hears_of_a_crash_at_once(void **state)
{
	static const struct {
		const char *what, *west, *east;
		bool east_crashes, noticed;
	} rows[] = {
		{ "the responder", SECRET, SECRET, true, true },
		{ "the initiator", SECRET, SECRET, false, true },
		{ "one maker, one taker", SECRET "\n maker = no", SECRET "\n taker = no", true, true },
		{ "no maker", SECRET, SECRET "\n maker = no", true, false },
		{ "no taker", SECRET "\n taker = no", SECRET, true, false },
		{ "no secret", SECRET, "", true, false },
		{ "a secret of 15 octets", SECRET, "secret = 0x000102030405060708090a0b0c0d0e", true, false },
		{ "a secret of 16 octets", SECRET, "secret = 0x000102030405060708090a0b0c0d0e0f", true, true },
		{ "no extension here", NULL, SECRET, true, false },
		{ "no extension there", SECRET, NULL, true, false },
	};

	for (unsigned i = 0; i < RV_COUNT(rows); i++) {
		struct pair *p = pair_of(rows[i].west, rows[i].east);
		struct sim_host *left = rows[i].east_crashes ? p->west : p->east;
		uint64_t spi;

		bring_up(p);
		spi = spi_of(left);
		crash(rows[i].east_crashes ? p->east : p->west);
		sim_run(p->sim, RV_S(29));
		assert_int_equal(spi_of(left), spi);
		/* the liveness check goes out; giving up on it would take minutes */
		sim_run(p->sim, RV_S(4));
		if ((spi_of(left) != spi) != rows[i].noticed)
			fail_msg("%s", rows[i].what);
		if (rows[i].noticed)
			assert_true(sim_until(p->sim, pair_up, p, RV_S(30))); /* dpd_action = restart */
		pair_free(p);
	}
}

/* RFC 6290, 4.3: the IKE SA that replaces one has another token */
static void a_new_ike_sa_has_a_new_token(void **state)
{
	for (unsigned i = 0; i < 4; i++) {
		struct pair *p = pair_of(SECRET, SECRET);
		struct sim_host *rekeys = i & 1 ? p->west : p->east, *crashes = i & 2 ? p->west : p->east;
		struct sim_host *left = crashes == p->west ? p->east : p->west;
		uint64_t first, spi;

		bring_up(p);
		first = spi_of(left);
		assert_int_equal(pair_rekey(rekeys), 0);
		sim_run(p->sim, RV_S(1));
		spi = spi_of(left);
		assert_int_not_equal(first, spi);
		crash(crashes);
		sim_run(p->sim, RV_S(33));
		if (spi_of(left) == spi)
			fail_msg("row %u: nothing was noticed", i);
		assert_true(sim_until(p->sim, pair_up, p, RV_S(30)));
		pair_free(p);
	}
}

/* What a stranger says and hears. */

struct ear {
	unsigned tokens, plain; /* answers with a token, and without */
	uint8_t last[ANSWER_LEN];
};

static bool listen(void *arg, struct sim_host *from, struct sim_host *to, uint8_t *message, size_t *len)
{
	struct ear *ear = arg;

	ear->tokens += *len == ANSWER_LEN;
	ear->plain += *len == 28 + 8;
	if (*len == ANSWER_LEN)
		memcpy(ear->last, message, ANSWER_LEN);
	return false;
}

/* An INFORMATIONAL request from west with these SPIs and something sealed in it; nothing of it is authentic. */
static void ask(struct pair *p, uint64_t spi_i, uint64_t spi_r, uint8_t flags, uint8_t next)
{
	struct rv_path path = { .local = p->west->addr, .remote = p->east->addr };
	uint8_t message[28 + 60];
	struct rv_wr w = rv_wr(message, sizeof(message));

	path.local.port = path.remote.port = 500;
	rv_wr_u64(&w, spi_i);
	rv_wr_u64(&w, spi_r);
	rv_wr_u8(&w, next);
	rv_wr_u8(&w, 0x20);
	rv_wr_u8(&w, 37);
	rv_wr_u8(&w, flags);
	rv_wr_u32(&w, 7);
	rv_wr_u32(&w, sizeof(message));
	rv_wr_u16(&w, 0);
	rv_wr_u16(&w, 60);
	rv_wr_zero(&w, 56);
	sim_send(p->west, &path, rv_wr_bytes(&w));
	sim_run(p->sim, RV_MS(50));
}

/* RFC 6290, 9.2; the same SPIs with the Initiator flag turned over, in turn and swapped, are no other IKE SA */
static void no_token_of_a_live_ike_sa_is_told(void **state)
{
	struct pair *p = pair_of(SECRET, SECRET);
	struct ear ear = { 0 };
	uint64_t spi_i, spi_r;

	bring_up(p);
	(void)rv_ike_spis(peer_of(p->east)->sa, &spi_i, &spi_r);
	sim_tap(p->sim, listen, &ear);
	for (uint8_t flags = 0; flags <= 8; flags += 8) {
		ask(p, spi_i, spi_r, flags, 46);
		ask(p, spi_r, spi_i, flags, 46);
		ask(p, 0, spi_r, flags, 46);
		ask(p, spi_i, 0, flags, 46);
	}
	assert_int_equal(ear.tokens, 0);

	crash(p->east);
	ask(p, spi_i, spi_r, 8, 41);	/* not protected */
	ask(p, spi_i, spi_r, 0x28, 46); /* a response */
	ask(p, spi_i, 0, 8, 46);
	assert_int_equal(ear.tokens, 0);
	ask(p, spi_i, spi_r, 8, 46);
	assert_int_equal(ear.tokens, 1);
	pair_free(p);
}

static void tokens_are_sent_at_a_limited_rate(void **state)
{
	struct pair *p = pair_of(SECRET, SECRET "\n tokens_per_second = 3");
	struct ear ear = { 0 };

	sim_tap(p->sim, listen, &ear);
	for (unsigned i = 0; i < 10; i++)
		ask(p, 1000 + i, 2000 + i, 8, 46);
	assert_int_equal(ear.tokens, 3);
	assert_int_equal(ear.plain, 7); /* RFC 6290, 8.1: "revert to the behavior described in Section 2.21" */
	sim_run(p->sim, RV_S(1));
	ask(p, 3000, 4000, 8, 46);
	assert_int_equal(ear.tokens, 4);
	pair_free(p);
}

/* East's answers to rekeys get lost; what east asks for itself is counted. */
struct held {
	struct ear ear;
	struct pair *p;
	bool on;
	unsigned lost, overtook;
};

static bool hold(void *arg, struct sim_host *from, struct sim_host *to, uint8_t *message, size_t *len)
{
	struct held *held = arg;

	(void)listen(&held->ear, from, to, message, len);
	if (from != held->p->east || message[18] != 36)
		return false;
	if (!(message[19] & 0x20)) {
		held->overtook++;
		return false;
	}
	held->lost += held->on;
	return held->on;
}

/* RFC 6290, 9.2: west has asked for a new IKE SA; east has made it and uses it before its answer is at west. A token
 * for these SPIs would end the IKE SA as soon as somebody sends it again. */
static void no_token_is_told_of_an_ike_sa_that_is_under_way(void **state)
{
	struct pair *p = pair_of(SECRET, SECRET);
	struct held held = { .p = p, .on = true };
	uint64_t spi;

	bring_up(p);
	spi = spi_of(p->west);
	sim_tap(p->sim, hold, &held);
	assert_int_equal(pair_rekey(p->west), 0);
	sim_run(p->sim, RV_MS(50));
	assert_int_not_equal(spi_of(p->east), spi);
	assert_int_equal(pair_child_rekey(p->east), 0);
	sim_run(p->sim, RV_S(20));
	assert_int_equal(spi_of(p->west), spi);
	assert_true(held.lost >= 2 && held.overtook >= 2);
	assert_int_equal(held.ear.tokens + held.ear.plain, 0);
	held.on = false;
	sim_run(p->sim, RV_S(60));
	assert_int_equal(spi_of(p->west), spi_of(p->east));
	assert_int_not_equal(spi_of(p->west), spi);
	assert_true(pair_up(p));
	assert_int_equal(held.ear.tokens, 0);
	pair_free(p);
}

/* Sends west the answer that east would, with the last octet of the token changed. */
static void say(struct pair *p, const uint8_t *answer, uint8_t change)
{
	struct rv_path path = { .local = p->east->addr, .remote = p->west->addr };
	uint8_t message[ANSWER_LEN];

	path.local.port = path.remote.port = 500;
	memcpy(message, answer, sizeof(message));
	message[ANSWER_LEN - 1] ^= change;
	sim_send(p->east, &path, rv_bytes(message, sizeof(message)));
	sim_run(p->sim, RV_MS(20));
}

/* The token of the live IKE SA, as east would tell it after a crash. */
static void steal_token(struct pair *p, struct ear *ear)
{
	struct pair *other = pair_of(SECRET, SECRET);
	uint64_t spi_i, spi_r;

	(void)rv_ike_spis(peer_of(p->east)->sa, &spi_i, &spi_r);
	sim_tap(other->sim, listen, ear);
	ask(other, spi_i, spi_r, 8, 46);
	assert_int_equal(ear->tokens, 1);
	pair_free(other);
}

static void only_the_right_token_ends_a_session(void **state)
{
	struct pair *p = pair_of(SECRET, SECRET);
	struct ear ear = { 0 };
	uint64_t spi;

	bring_up(p);
	spi = spi_of(p->west);
	steal_token(p, &ear);
	for (unsigned i = 1; i < 256; i++)
		say(p, ear.last, (uint8_t)i);
	assert_int_equal(spi_of(p->west), spi);
	sim_run(p->sim, RV_S(2));
	for (unsigned i = 0; i < 40; i++)
		say(p, ear.last, 1); /* RFC 6290, 8.1: more than are looked at in a second */
	say(p, ear.last, 0);
	assert_int_equal(spi_of(p->west), spi);
	sim_run(p->sim, RV_S(2));
	say(p, ear.last, 0);
	assert_int_not_equal(spi_of(p->west), spi);
	pair_free(p);
}

static void a_token_outlives_a_pack(void **state)
{
	static const uint8_t octets[32] = { 7 };
	const struct rv_bytes key = rv_bytes(octets, sizeof(octets));
	struct pair *p = pair_of(SECRET, SECRET);
	struct rv_why why = { 0 };
	struct ear ear = { 0 };
	uint8_t *sealed;
	unsigned n = 0;
	uint64_t spi;
	size_t len;

	bring_up(p);
	spi = spi_of(p->west);
	sealed = rv_core_pack(p->west->core, p, key, &len, &n);
	assert_non_null(sealed);
	crash(p->west);
	if (rv_core_unpack(p->west->core, key, rv_bytes(sealed, len), &n, &why))
		fail_msg("%s", why.text);
	assert_int_equal(spi_of(p->west), spi);
	steal_token(p, &ear);
	say(p, ear.last, 0);
	assert_int_not_equal(spi_of(p->west), spi);
	pair_free(p);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_holds_a_token_hears_of_a_crash_at_once),
		cmocka_unit_test(a_new_ike_sa_has_a_new_token),
		cmocka_unit_test(no_token_of_a_live_ike_sa_is_told),
		cmocka_unit_test(no_token_is_told_of_an_ike_sa_that_is_under_way),
		cmocka_unit_test(tokens_are_sent_at_a_limited_rate),
		cmocka_unit_test(only_the_right_token_ends_a_session),
		cmocka_unit_test(a_token_outlives_a_pack),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
