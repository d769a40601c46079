// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-esp-wesp: the header (RFC 5840, 2), the checks of a receiver, and USE_WESP_MODE between two daemons. */
#include "esp-wesp.h"
#include "pair.h"

#include <ravelin/esp-ext.h>
#include <ravelin/ikev2-child.h>

extern const struct rv_plugin rv_plugin_esp_wesp;

enum { USE_WESP_MODE = 16415 };

static struct {
	unsigned offered, answered;
} seen;

static int listen_to(struct rv_ike_exchange *x, void *self)
{
	struct rv_bytes data;

	if (!rv_ike_notify(x, USE_WESP_MODE, 0, &data))
		return 0;
	assert_int_equal(data.len, 0);
	*(rv_ike_role(x) == RV_IKE_RESPONDER ? &seen.offered : &seen.answered) += 1;
	return 0;
}

static const struct rv_ike_task tasks[] = { { RV_IKE_AT_READ, 0, listen_to } };
static const struct rv_ikev2_ext_ops ext = { .size = sizeof(ext), .tasks = tasks, .n_tasks = RV_COUNT(tasks) };

static int note_init(struct rv_host *host)
{
	return rv_ikev2_ext_offer(host, (struct rv_offer){ .name = "a-note" }, &ext, NULL);
}

RV_PLUGIN(note, "ikev2-a-note", "version=1\0summary=Notes\0provides=ikev2-ext:a-note\0", .init = note_init);

static struct pair *pair_of(const char *west_child, const char *east_child)
{
	struct side west = { .child = west_child,
			     .more = { { "ikev2-a-note", &rv_plugin_note }, { "esp-wesp", &rv_plugin_esp_wesp } } };
	struct side east = west;

	memset(&seen, 0, sizeof(seen));
	east.child = east_child;
	return pair_new(&west, &east);
}

static unsigned n_wrapped(struct sim_host *host)
{
	unsigned n = 0;

	rv_list_each (&host->sas, sa, struct sim_sa, entry)
		n += sa->spec.ext && !strcmp(sa->spec.ext, "wesp");
	return n;
}

static void both_sides_must_want_it(void **state)
{
	static const struct {
		bool west, east;
	} rows[] = { { true, true }, { true, false }, { false, true }, { false, false } };

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		struct pair *p = pair_of(rows[i].west ? "wesp = yes" : "", rows[i].east ? "wesp = yes" : "");
		unsigned both = rows[i].west && rows[i].east;

		bring_up(p);
		assert_int_equal(seen.offered, rows[i].west);
		assert_int_equal(seen.answered, both);
		assert_int_equal(n_wrapped(p->west), 2 * both);
		assert_int_equal(n_wrapped(p->east), 2 * both);
		if (both) {
			assert_int_equal(pair_child_rekey(p->east), 0);
			sim_run(p->sim, RV_S(30));
			assert_int_equal(seen.answered, 2);
			assert_int_equal(n_wrapped(p->west), 2);
		}
		pair_free(p);
	}
}

static void headers_are_as_drawn(void **state)
{
	static const struct {
		struct wesp wesp;
		const char *octets;
		uint32_t len;
	} rows[] = {
		{ { .next = 6, .header_len = 12, .trailer_len = 16 }, "\6\x0c\x10\0", 4 },
		{ { .next = 41, .header_len = 24, .trailer_len = 12, .padded = true }, "\x29\x18\x0c\x10\0\0\0\0", 8 },
		{ { .encrypted = true }, "\0\0\0\x20", 4 },
		{ { .encrypted = true, .padded = true }, "\0\0\0\x30\0\0\0\0", 8 },
	};
	uint8_t p[WESP_PADDED];
	struct wesp back;

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		assert_int_equal(wesp_write(&rows[i].wesp, p), rows[i].len);
		assert_memory_equal(p, rows[i].octets, rows[i].len);
		assert_int_equal(wesp_read(&back, rv_bytes(p, rows[i].len)), rows[i].len);
		assert_int_equal(back.header_len, rows[i].wesp.header_len);
		for (uint32_t len = 0; len < rows[i].len; len++)
			assert_int_equal(wesp_read(&back, rv_bytes(p, len)), 0);
		p[3] |= 0x0f; /* "ignored by the receiver" */
		assert_int_equal(wesp_read(&back, rv_bytes(p, rows[i].len)), rows[i].len);
		p[3] |= 0x40; /* "the packet MUST be dropped" */
		assert_int_equal(wesp_read(&back, rv_bytes(p, rows[i].len)), 0);
	}
}

struct pass {
	struct rv_esp_turn turn;
	unsigned emitted, dropped;
};

static bool pass_emit(struct rv_esp_turn *turn, const struct rv_esp_text *text)
{
	rv_container_of(turn, struct pass, turn)->emitted++;
	return true;
}

static void pass_drop(struct rv_esp_turn *turn, enum rv_drop cause)
{
	assert_int_equal(cause, RV_DROP_MALFORMED);
	rv_container_of(turn, struct pass, turn)->dropped++;
}

/* RFC 5840, 2 and 3: everything that the header says is compared. */
static void headers_that_lie_are_refused(void **state)
{
	static const struct {
		const char *what, *proposal;
		uint8_t family;
		bool encap, good;
		const char *front;
		size_t len;
	} rows[] = {
		{ "protected only", "null-sha256", RV_IPV4, false, true, "\4\x0c\x10\0", 4 },
		{ "in UDP", "null-sha256", RV_IPV4, true, true, "\4\x0c\x10\0", 4 },
		{ "in UDP over IPv6", "null-sha256", RV_IPV6, true, true, "\4\x0c\x10\0", 4 },
		{ "over IPv6", "null-sha256", RV_IPV6, false, true, "\4\x10\x10\x10\0\0\0\0", 8 },
		{ "over IPv6 without padding", "null-sha256", RV_IPV6, false, false, "\4\x0c\x10\0", 4 },
		{ "over IPv4 with padding", "null-sha256", RV_IPV4, false, false, "\4\x10\x10\x10\0\0\0\0", 8 },
		{ "reserved flags", "null-sha256", RV_IPV4, false, true, "\4\x0c\x10\x0f", 4 },
		{ "no header", "null-sha256", RV_IPV4, false, false, "", 0 },
		{ "another next header", "null-sha256", RV_IPV4, false, false, "\6\x0c\x10\0", 4 },
		{ "another length of the header", "null-sha256", RV_IPV4, false, false, "\4\x14\x10\0", 4 },
		{ "another length of the ICV", "null-sha256", RV_IPV4, false, false, "\4\x0c\x0c\0", 4 },
		{ "said to be encrypted", "null-sha256", RV_IPV4, false, false, "\0\0\0\x20", 4 },
		{ "encrypted", "aes128gcm16", RV_IPV4, false, true, "\0\0\0\x20", 4 },
		{ "encrypted, over IPv6", "aes128gcm16", RV_IPV6, false, true, "\0\0\0\x30\0\0\0\0", 8 },
		{ "said to be protected only", "aes128gcm16", RV_IPV4, false, false, "\4\x14\x10\0", 4 },
		{ "encrypted, with a next header", "aes128gcm16", RV_IPV4, false, false, "\4\0\0\x20", 4 },
		{ "encrypted, with a length", "aes128gcm16", RV_IPV4, false, false, "\0\x14\0\x20", 4 },
		{ "encrypted, with an ICV", "aes128gcm16", RV_IPV4, false, false, "\0\0\x10\x20", 4 },
	};
	struct pair *p = pair_of("", "");
	struct rv_service *service = rv_registry_find(p->west->core->registry, "esp-ext", "wesp");
	const struct rv_esp_ext_ops *ops = rv_service_ops(service);

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		struct pass pass = { .turn = { .emit = pass_emit, .drop = pass_drop } };
		struct rv_sa_spec spec = { .dir = RV_IN, .mode = RV_TUNNEL };
		struct rv_esp_text text = { .next = 4,
					    .family = rows[i].family,
					    .encap = rows[i].encap,
					    .front = rv_bytes(rows[i].front, rows[i].len) };
		struct rv_why why = { 0 };
		uint8_t again[RV_ESP_FRONT_MAX];
		void *sa;
		if (rv_proposal_parse(p->west->core->registry, RV_PROTO_ESP, rows[i].proposal, &spec.chosen, &why))
			fail_msg("%s", why.text);
		assert_int_equal(ops->open(rv_service_self(service), &spec, 1, &sa), 0);
		ops->in(sa, &pass.turn, &text, 1);
		if (pass.emitted != rows[i].good || pass.dropped == rows[i].good)
			fail_msg("%s: %u emitted, %u dropped", rows[i].what, pass.emitted, pass.dropped);
		/* what we send is what we would take */
		text.front = rv_bytes(again, ops->wrapper->put(sa, again, &text, rows[i].family, rows[i].encap));
		assert_int_equal((ops->wrapper->skip)(text.front), text.front.len);
		ops->in(sa, &pass.turn, &text, 1);
		assert_int_equal(pass.emitted, rows[i].good + 1);
		ops->close(rv_service_self(service), sa);
	}
	pair_free(p);
}

int main(void)
{
	const struct CMUnitTest all[] = {
		cmocka_unit_test(both_sides_must_want_it),
		cmocka_unit_test(headers_are_as_drawn),
		cmocka_unit_test(headers_that_lie_are_refused),
	};
	return cmocka_run_group_tests(all, NULL, NULL);
}
