// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-unknown: ESP that comes for a child SA that nobody has, and what is said of it (RFC 7296, 1.5 and 2.21.4). */
#include "test-ear.h"

#include "octets/sealed.h"

#define LOST 0x0badcafe

static struct rv_addr at(const char *text)
{
	struct rv_addr addr;

	assert_int_equal(rv_addr_parse(&addr, text), 0);
	return addr;
}

/* The SPI of an INVALID_SPI outside of any IKE SA; 0: it is something else. */
static uint32_t spi_outside(const uint8_t *octets, size_t len)
{
	struct ike_types types = ike_types_own();
	struct ike_message m;
	struct ike_notify n;

	if (ike_message_read(&m, rv_bytes(octets, len), &types) || m.sealed ||
	    !ike_notify_find(&m.chain, IKE_N_INVALID_SPI, &n))
		return 0;
	struct rv_rd r = rv_rd(n.data);
	uint32_t spi = rv_rd_u32(&r);

	assert_true(rv_rd_done(&r));
	assert_true(!m.header.spi_i && !m.header.spi_r && !m.header.id);
	assert_int_equal(m.header.exchange, IKE_EXCHANGE_INFORMATIONAL);
	assert_int_equal(m.header.flags, IKE_FLAG_INITIATOR);
	return spi;
}

/* East's kernel reports the SPI every 100 ms for so long. */
static void report(struct pair *p, const char *from, uint64_t us)
{
	struct rv_addr remote = at(from);

	for (uint64_t t = 0; t < us; t += RV_MS(100)) {
		sim_unknown(p->east, LOST, &remote);
		sim_run(p->sim, RV_MS(100));
	}
}

struct lines {
	unsigned complaints, told;
};

static void count_line(void *arg, const char *line)
{
	struct lines *lines = arg;

	lines->complaints += strstr(line, "peer-complains") && strstr(line, "INVALID_SPI");
	lines->told += strstr(line, "unknown-spi") != NULL;
}

static void a_peer_is_told_inside_its_ike_sa(void **state)
{
	struct pair *p = pair_new(NULL, NULL);
	struct lines west = { 0 }, east = { 0 };
	struct ear ear = { 0 };

	bring_up(p);
	p->west->line = count_line;
	p->west->line_arg = &west;
	p->east->line = count_line;
	p->east->line_arg = &east;
	sim_tap(p->sim, listen, &ear);
	report(p, "10.0.0.1", RV_MS(1900)); /* what is on its way when an SA goes is no news */
	assert_int_equal(ear.n, 0);
	report(p, "10.0.0.1", RV_S(5));
	assert_int_equal(west.complaints, 1);
	assert_int_equal(east.told, 1);
	assert_int_equal(ear.n, 1);
	assert_int_equal(spi_outside(ear.last, ear.last_len), 0); /* it is protected */
	report(p, "10.0.0.1", RV_S(10));
	assert_int_equal(west.complaints, 2); /* and not too often */
	assert_true(pair_up(p));	      /* RFC 7296, 2.21.4: no SA changes */
	pair_free(p);
}

static void a_stranger_is_told_outside_of_any_ike_sa(void **state)
{
	static const struct {
		const char *what, *remote, *from;
		bool told;
	} rows[] = {
		{ "no connection fits", "10.0.0.1", "10.0.0.9", false },
		{ "one fits", "10.0.0.1", "10.0.0.1", true },
		{ "anybody may call", "%any", "10.0.0.1:4711", true },
	};

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		const struct side side = { .remote_addr = rows[i].remote };
		struct pair *p = pair_new(NULL, &side);
		struct ear ear = { 0 };

		sim_tap(p->sim, listen, &ear);
		report(p, rows[i].from, RV_S(9));
		if (ear.n != rows[i].told || (ear.n && spi_outside(ear.last, ear.last_len) != LOST))
			fail_msg("%s: %u messages", rows[i].what, ear.n);
		pair_free(p);
	}
}

/* East is told outside of any IKE SA that somebody has no SA for an SPI. */
static void hear(struct pair *p, const char *from, uint32_t spi)
{
	uint8_t octets[40] = { [16] = IKE_PAYLOAD_NOTIFY,
			       [17] = 0x20,
			       [18] = 37,
			       [19] = IKE_FLAG_INITIATOR,
			       [27] = 40,
			       [31] = 12,
			       [35] = 11 };

	for (int i = 0; i < 4; i++)
		octets[36 + i] = (uint8_t)(spi >> (24 - 8 * i));
	octets[33] = 0;
	inject(p->east, from, octets, sizeof(octets));
	sim_run(p->sim, RV_MS(50));
}

static void it_is_a_hint_and_is_never_answered(void **state)
{
	struct pair *p = pair_new(NULL, NULL);
	struct ear ear = { 0 };

	bring_up(p);
	sim_tap(p->sim, listen, &ear);
	const uint32_t ours = child_of(p->east)->spi_out;

	hear(p, "10.0.0.1:500", ours);
	assert_int_equal(ear.n, 0); /* the peer has just been heard */
	sim_run(p->sim, RV_S(20));
	hear(p, "10.0.0.1:500", ours + 1);
	hear(p, "10.0.0.7:500", ours);
	assert_int_equal(ear.n, 0);
	hear(p, "10.0.0.1:500", ours);
	assert_int_equal(ear.n, 1); /* is it alive? It is */
	hear(p, "10.0.0.1:500", ours);
	assert_int_equal(ear.n, 1);
	assert_true(pair_up(p));

	/* of somebody who has lost his state that is the end */
	p->west->down = true;
	sim_run(p->sim, RV_S(20));
	hear(p, "10.0.0.1:500", ours);
	assert_int_equal(ear.n, 2);
	assert_int_equal(spi_outside(ear.last, ear.last_len), 0);
	pair_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_peer_is_told_inside_its_ike_sa),
		cmocka_unit_test(a_stranger_is_told_outside_of_any_ike_sa),
		cmocka_unit_test(it_is_a_hint_and_is_never_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
