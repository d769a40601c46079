// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-ticket: octets of tickets and of the notifications around them (RFC 5723, 7 and A.1), and which are spent.
 */
#include "test.h"

#include "spent.h"
#include "ticket.h"

#include <ravelin/pack.h>
#include <ravelin/wire.h>

static const struct rv_transform suite[] = {
	{ .class = RV_CLASS_ENCR, .id = 20, .key_bits = 128 },
	{ .class = RV_CLASS_PRF, .id = 5 },
	{ .class = RV_CLASS_KE, .id = 31 },
};

static struct ticket_content content_of(const void *parent)
{
	struct ticket_content content = { .how = RV_STR(" psk/psk"),
					  .serial = UINT64_MAX,
					  .expires_s = 2000000000,
					  .since_s = 1900000000,
					  .session = UINT32_MAX };

	content.known.initiator = rv_id_parse(parent, "west.example", NULL);
	content.known.responder = rv_id_parse(parent, "10.0.0.2", NULL);
	content.known.key = RV_STR("0123456789abcdef0123456789abcdef");
	content.known.proposal = (struct rv_proposal){ .protocol = RV_PROTO_KEYING };
	for (unsigned i = 0; i < RV_COUNT(suite); i++)
		content.known.proposal.t[content.known.proposal.n++] = suite[i];
	return content;
}

static void what_a_ticket_holds_is_read_as_it_was_written(void **state)
{
	void *parent = talloc_new(NULL);
	const struct ticket_content content = content_of(parent);
	struct rv_pack *pack = rv_pack_new(parent);
	struct ticket_content again;
	struct rv_bytes octets;

	ticket_content_write(pack, &content);
	rv_pack_put(pack, 99, RV_STR("of a later version"));
	assert_true(rv_pack_done(pack, &octets));
	assert_true(ticket_content_read(parent, octets, &again));
	assert_true(rv_id_same(again.known.initiator, content.known.initiator));
	assert_true(rv_id_same(again.known.responder, content.known.responder));
	assert_int_equal(again.known.proposal.n, 3);
	assert_int_equal(again.known.proposal.protocol, RV_PROTO_KEYING);
	assert_memory_equal(again.known.proposal.t, suite, sizeof(suite));
	assert_true(rv_bytes_equal(again.known.key, content.known.key) && rv_bytes_equal(again.how, content.how));
	assert_true(again.serial == UINT64_MAX && again.session == UINT32_MAX);
	assert_true(again.expires_s == 2000000000 && again.since_s == 1900000000);
	/* cut within a field it is none: the last one is 18 octets and its head */
	for (size_t n = octets.len - 6 - 18 + 1; n < octets.len; n++)
		assert_false(ticket_content_read(parent, rv_bytes(octets.p, n), &again));
	talloc_free(parent);
}

static void a_ticket_without_its_parts_is_none(void **state)
{
	void *parent = talloc_new(NULL);
	struct ticket_content content = content_of(parent), again;
	struct rv_pack *pack = rv_pack_new(parent);
	struct rv_bytes octets;

	content.known.key = rv_bytes(NULL, 0);
	ticket_content_write(pack, &content);
	assert_true(rv_pack_done(pack, &octets));
	assert_false(ticket_content_read(parent, octets, &again));
	assert_false(ticket_content_read(parent, rv_bytes(NULL, 0), &again));
	talloc_free(parent);
}

static void the_front_says_which_key(void **state)
{
	static const struct {
		const char *what, *in;
		size_t len;
		bool ok;
	} rows[] = {
		{ "smallest", "\1\0\0\0idididid.", 13, true },
		{ "nothing is sealed", "\1\0\0\0idididid", 12, false },
		{ "no whole identity", "\1\0\0\0ididid", 10, false },
		{ "reserved is ignored", "\1\xff\xff\xffidididid.", 13, true },
		{ "another version", "\2\0\0\0idididid.", 13, false },
		{ "empty", "", 0, false },
	};
	struct rv_bytes id, sealed;

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		if (ticket_front_read(rv_bytes(rows[i].in, rows[i].len), &id, &sealed) != rows[i].ok)
			fail_msg("%s", rows[i].what);
		if (rows[i].ok)
			assert_memory_equal(id.p, "idididid", 8);
	}
}

/* RFC 5723, 7.1: "The four octet Lifetime field contains a relative time value" */
static void a_grant_is_lifetime_and_ticket(void **state)
{
	uint8_t large[4 + TICKET_MAX + 1] = { 0, 0, 0, 1 };
	struct rv_bytes ticket;
	uint32_t lifetime;

	assert_true(ticket_grant_read(rv_bytes("\0\0\x0e\x10t", 5), &lifetime, &ticket));
	assert_int_equal(lifetime, 3600);
	assert_int_equal(ticket.len, 1);
	assert_false(ticket_grant_read(rv_bytes("\0\0\x0e\x10", 4), &lifetime, &ticket));
	assert_false(ticket_grant_read(rv_bytes("\0\0\x0e", 3), &lifetime, &ticket));
	assert_false(ticket_grant_read(rv_bytes("\0\0\0\0t", 5), &lifetime, &ticket));
	assert_true(ticket_grant_read(rv_bytes(large, sizeof(large) - 1), &lifetime, &ticket));
	assert_false(ticket_grant_read(rv_bytes(large, sizeof(large)), &lifetime, &ticket));
}

static void a_spent_ticket_is_known_until_it_expires(void **state)
{
	struct spent *spent = ticket_spent_new(NULL);

	assert_false(ticket_spent_has(spent, 7, 100));
	ticket_spent_add(spent, 7, 200, 100);
	assert_true(ticket_spent_has(spent, 7, 199));
	assert_false(ticket_spent_has(spent, 7, 200));
	assert_false(ticket_spent_has(spent, 8, 100));
	ticket_spent_add(spent, 9, 100, 100); /* it has expired already */
	assert_false(ticket_spent_has(spent, 9, 99));
	talloc_free(spent);
}

/* Serial numbers with the same place: the one that expires first gives way. */
static void a_full_place_forgets_what_expires_first(void **state)
{
	enum { PLACES = 1 << 14 };
	struct spent *spent = ticket_spent_new(NULL);

	for (unsigned i = 0; i < 5; i++)
		ticket_spent_add(spent, 1 + (uint64_t)i * PLACES, i == 2 ? 110 : 200 + i, 100);
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(ticket_spent_has(spent, 1 + (uint64_t)i * PLACES, 101), i != 2);
	talloc_free(spent);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_ticket_holds_is_read_as_it_was_written),
		cmocka_unit_test(a_ticket_without_its_parts_is_none),
		cmocka_unit_test(the_front_says_which_key),
		cmocka_unit_test(a_grant_is_lifetime_and_ticket),
		cmocka_unit_test(a_spent_ticket_is_known_until_it_expires),
		cmocka_unit_test(a_full_place_forgets_what_expires_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
