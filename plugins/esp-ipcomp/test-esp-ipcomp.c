// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-esp-ipcomp: IPCOMP_SUPPORTED between two daemons (RFC 7296, 2.22), and what the kernel is told. */
#include "pair.h"

#include <errno.h>
#include <ravelin/esp-ext.h>
#include <ravelin/ikev2-child.h>

extern const struct rv_plugin rv_plugin_esp_ipcomp;

enum { IPCOMP_SUPPORTED = 16387, SA = 33 };

static struct {
	unsigned offered, answered, bare, twice; /* in a message without an SA payload; a second one in an answer */
	size_t len;
	uint8_t octets[8];
	bool spoil;
} seen;

static int listen_to(struct rv_ike_exchange *x, void *self)
{
	struct rv_bytes data, other;

	if (!rv_ike_notify(x, IPCOMP_SUPPORTED, 0, &data))
		return 0;
	seen.bare += !rv_ike_payload(x, SA, 0, &other);
	seen.twice += rv_ike_role(x) == RV_IKE_INITIATOR && rv_ike_notify(x, IPCOMP_SUPPORTED, 1, &other);
	*(rv_ike_role(x) == RV_IKE_RESPONDER ? &seen.offered : &seen.answered) += 1;
	seen.len = data.len;
	memcpy(seen.octets, data.p, data.len < sizeof(seen.octets) ? data.len : sizeof(seen.octets));
	return 0;
}

/* Transforms that nobody here has: LZS, and DEFLATE with an attribute behind it. */
static int spoil(struct rv_ike_exchange *x, void *self)
{
	int r = seen.spoil ? rv_ike_add_notify(x, IPCOMP_SUPPORTED, RV_STR("\x12\x34\3")) : 0;

	return r || !seen.spoil ? r : rv_ike_add_notify(x, IPCOMP_SUPPORTED, RV_STR("\x12\x35\2\1"));
}

static const struct rv_ike_task tasks[] = {
	{ RV_IKE_AT_READ, 0, listen_to },
	{ RV_IKE_AT_CHILD_OFFER, 0, spoil },
};
static const struct rv_ikev2_ext_ops ext = { .size = sizeof(ext), .tasks = tasks, .n_tasks = RV_COUNT(tasks) };

static int note_init(struct rv_host *host)
{
	return rv_ikev2_ext_offer(host, (struct rv_offer){ .name = "a-note" }, &ext, NULL);
}

RV_PLUGIN(note, "ikev2-a-note", "version=1\0summary=Notes\0provides=ikev2-ext:a-note\0", .init = note_init);

static struct pair *pair_of(const char *west_child, const char *east_child)
{
	struct side west = { .child = west_child,
			     .more = { { "ikev2-a-note", &rv_plugin_note }, { "esp-ipcomp", &rv_plugin_esp_ipcomp } } };
	struct side east = west;

	memset(&seen, 0, sizeof(seen));
	east.child = east_child;
	return pair_new(&west, &east);
}

/* The CPI of an SA of the only child SA; 0: it has no compression. */
static unsigned cpi_of(struct sim_host *host, uint8_t dir)
{
	unsigned cpi = 0;

	rv_list_each (&host->sas, sa, struct sim_sa, entry) {
		if (sa->spec.dir != dir || !sa->spec.ext)
			continue;
		assert_string_equal(sa->spec.ext, "ipcomp");
		assert_int_equal(sa->spec.ext_octets.len, 2);
		cpi = (unsigned)sa->spec.ext_octets.p[0] << 8 | sa->spec.ext_octets.p[1];
	}
	return cpi;
}

static void agree(struct pair *p)
{
	unsigned west = cpi_of(p->west, RV_IN), east = cpi_of(p->east, RV_IN);

	assert_true(west >= 256 && west <= 61439 && east >= 256 && east <= 61439);
	assert_int_equal(cpi_of(p->east, RV_OUT), west);
	assert_int_equal(cpi_of(p->west, RV_OUT), east);
}

static void both_sides_must_want_it(void **state)
{
	static const struct {
		bool west, east;
	} rows[] = { { true, true }, { true, false }, { false, true }, { false, false } };

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		struct pair *p = pair_of(rows[i].west ? "ipcomp = yes" : "", rows[i].east ? "ipcomp = yes" : "");

		bring_up(p);
		assert_int_equal(seen.offered, rows[i].west);
		assert_int_equal(seen.answered, rows[i].west && rows[i].east);
		if (seen.answered) {
			agree(p);
			assert_int_equal(seen.len, 3);
			assert_int_equal(seen.octets[2], 2);
			/* in no message without an SA payload, nor where that is of an IKE SA */
			assert_int_equal(pair_rekey(p->west), 0);
			sim_run(p->sim, RV_S(10));
			assert_int_equal(seen.bare, 0);
			assert_int_equal(seen.answered, 1);
		} else {
			assert_int_equal(cpi_of(p->west, RV_IN) + cpi_of(p->west, RV_OUT), 0);
			assert_int_equal(cpi_of(p->east, RV_IN) + cpi_of(p->east, RV_OUT), 0);
		}
		pair_free(p);
	}
}

static void rekeys_agree_anew(void **state)
{
	struct pair *p = pair_of("ipcomp = yes", "ipcomp = yes");

	bring_up(p);
	unsigned before = cpi_of(p->west, RV_IN);

	for (int i = 0; i < 2; i++) {
		assert_int_equal(pair_child_rekey(i ? p->east : p->west), 0);
		sim_run(p->sim, RV_S(30));
		assert_int_equal(seen.answered, 2 + i);
		assert_true(pair_up(p));
		agree(p);
	}
	assert_int_not_equal(cpi_of(p->west, RV_IN), before);
	pair_free(p);
}

/* RFC 7296, 2.22: "implementations of this specification MUST NOT accept an IPComp algorithm" with attributes. */
static void other_transforms_are_not_taken(void **state)
{
	struct pair *p = pair_of("", "ipcomp = yes");

	seen.spoil = true;
	bring_up(p);
	assert_true(seen.offered && !seen.answered);
	assert_int_equal(cpi_of(p->east, RV_IN), 0);
	pair_free(p);
	p = pair_of("ipcomp = yes", "ipcomp = yes");
	seen.spoil = true;
	bring_up(p);
	agree(p);
	assert_true(seen.answered && !seen.twice);
	pair_free(p);
}

static void it_is_packed(void **state)
{
	static const uint8_t key[32] = { 7 };
	struct pair *p = pair_of("ipcomp = yes", "ipcomp = yes");
	struct rv_why why = { 0 };
	unsigned n;
	size_t len;

	bring_up(p);
	unsigned in = cpi_of(p->west, RV_IN), out = cpi_of(p->west, RV_OUT);
	uint8_t *sealed = rv_core_pack(p->west->core, p, rv_bytes(key, sizeof(key)), &len, &n);

	rv_peer_down(peer_of(p->west), 0, NULL);
	assert_int_equal(rv_core_unpack(p->west->core, rv_bytes(key, sizeof(key)), rv_bytes(sealed, len), &n, &why), 0);
	assert_int_equal(n, 1);
	assert_int_equal(cpi_of(p->west, RV_IN), in);
	assert_int_equal(cpi_of(p->west, RV_OUT), out);
	pair_free(p);
}

/* A turn of the stage by itself. */
struct pass {
	struct rv_esp_turn turn;
	struct rv_esp_text made;
	unsigned emitted, dropped;
};

static bool pass_emit(struct rv_esp_turn *turn, const struct rv_esp_text *text)
{
	struct pass *pass = rv_container_of(turn, struct pass, turn);

	pass->made = *text;
	pass->emitted++;
	return true;
}

static void pass_drop(struct rv_esp_turn *turn, enum rv_drop cause)
{
	assert_int_equal(cause, RV_DROP_MALFORMED);
	rv_container_of(turn, struct pass, turn)->dropped++;
}

/* What became of one text: nothing (it was dropped), or one text, which is another one when its memory is. */
static bool changed(void (*fn)(void *, struct rv_esp_turn *, const struct rv_esp_text *, size_t), void *state,
		    unsigned worker, struct rv_esp_text *text)
{
	struct pass pass = { .turn = { .worker = worker, .emit = pass_emit, .drop = pass_drop } };
	const uint8_t *was = text->p;

	text->stays = true;
	fn(state, &pass.turn, text, 1);
	assert_int_equal(pass.emitted + pass.dropped, 1);
	text->p = NULL;
	if (pass.emitted)
		*text = pass.made;
	assert_true(!pass.emitted || text->stays == (text->p == was));
	return text->p != was;
}

/* What is sent as it is when texts do not get smaller (RFC 3173, 2.2). */
static void texts_that_do_not_shrink_are_left_alone_for_a_while(void **state)
{
	struct pair *p = pair_of("", "");
	struct rv_service *service = rv_registry_find(p->west->core->registry, "esp-ext", "ipcomp");
	const struct rv_esp_ext_ops *ops = rv_service_ops(service);
	struct rv_sa_spec spec = { .dir = RV_OUT, .ext = "ipcomp", .ext_octets = RV_STR("\x12\x34") };
	uint8_t noise[1000], zeros[1000] = { 0 };
	void *out = NULL, *in = NULL;
	uint32_t x = 1, n = 0;

	for (size_t i = 0; i < sizeof(noise); i++) {
		x = x * 1664525 + 1013904223;
		noise[i] = (uint8_t)(x >> 24);
	}
	assert_int_equal(ops->open(rv_service_self(service), &spec, 2, &out), 0);
	spec.dir = RV_IN;
	assert_int_equal(ops->open(rv_service_self(service), &spec, 2, &in), 0);
	for (int i = 0; i < 4; i++) {
		struct rv_esp_text text = { .p = noise, .len = sizeof(noise), .next = 4 };
		assert_false(changed(ops->out, out, 0, &text));
	}
	for (;; n++) { /* now it is not even tried */
		struct rv_esp_text text = { .p = zeros, .len = sizeof(zeros), .next = 4 };
		if (changed(ops->out, out, 1, &text))
			break;
		assert_true(n < 100);
	}
	assert_int_equal(n, 16);
	struct rv_esp_text text = { .p = zeros, .len = sizeof(zeros), .next = 4 };

	assert_true(changed(ops->out, out, 0, &text)); /* and again at once */
	assert_int_equal(text.next, 108);
	assert_true(changed(ops->in, in, 1, &text));
	assert_int_equal(text.next, 4);
	assert_true(rv_bytes_equal(rv_bytes(text.p, text.len), rv_bytes(zeros, sizeof(zeros))));
	text = (struct rv_esp_text){ .p = zeros, .len = 20, .next = 108 };
	assert_true(changed(ops->in, in, 0, &text) && !text.p);
	text = (struct rv_esp_text){ .p = zeros, .len = 20, .next = 6 };
	assert_false(changed(ops->in, in, 0, &text));
	ops->close(rv_service_self(service), out);
	ops->close(rv_service_self(service), in);
	spec.ext_octets = RV_STR("\x12");
	assert_int_equal(ops->open(rv_service_self(service), &spec, 2, &in), -EINVAL);
	pair_free(p);
}

int main(void)
{
	const struct CMUnitTest all[] = {
		cmocka_unit_test(both_sides_must_want_it),
		cmocka_unit_test(rekeys_agree_anew),
		cmocka_unit_test(other_transforms_are_not_taken),
		cmocka_unit_test(it_is_packed),
		cmocka_unit_test(texts_that_do_not_shrink_are_left_alone_for_a_while),
	};
	return cmocka_run_group_tests(all, NULL, NULL);
}
