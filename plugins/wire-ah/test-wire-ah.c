// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-wire-ah: whole packets with AH over the loopback device of a namespace of the test's own, and their fragments.
 */
#include "test.h"

#include "mini.h"
#include "wire-ah.h"

#include <errno.h>
#include <poll.h>

extern const struct rv_plugin rv_plugin_wire_ah;

static const struct mini_plugin plugins[] = { { "wire-ah", &rv_plugin_wire_ah, WIRE_AH_SCHEMA }, { NULL } };

struct world {
	struct rv_core *core;
	const struct rv_wire_ops *ops;
	void *self;
};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	w->core = mini_new(plugins, "", NULL);
	w->ops = mini_ops(w->core, "wire", "ah", &w->self);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	talloc_free(w->core);
	free(w);
	return 0;
}

enum { ROOM = RV_PACKET_ROOM, AH = 24, V4 = IP4_HEADER, V6 = IP6_HEADER, HOP = 8, ROUTE = 24, LARGE = 5000 };

struct rx {
	struct rv_packet packet;
	uint8_t buf[ROOM];
};

static int receive(struct rv_port *port, struct rx *rx)
{
	struct pollfd p = { .fd = port->fd, .events = POLLIN };
	struct rv_packet *list[] = { &rx->packet };

	*rx = (struct rx){ .packet = { .buf = rx->buf, .cap = sizeof(rx->buf) } };
	return poll(&p, 1, 2000) == 1 ? port->ops->recv(port, list, 1) : 0;
}

static void put_ah(uint8_t *p, uint32_t len)
{
	memset(p, 0x33, len);
	p[0] = 17;
	p[1] = AH / 4 - 2;
}

static uint32_t make4(uint8_t *p, uint32_t len)
{
	static const uint8_t header[V4] = { 0x45, 0xb8, 0, 0, 7, 7, 0, 0, 9, 51, 0, 0, 127, 0, 0, 1, 127, 0, 0, 1 };

	memcpy(p, header, V4);
	p[2] = (uint8_t)(len >> 8);
	p[3] = (uint8_t)len;
	put_ah(p + V4, len - V4);
	return len;
}

/* With a hop-by-hop option, and with destination options in front of a route that was walked, as the packet arrives. */
static uint32_t make6(uint8_t *p, uint32_t len)
{
	static const uint8_t more[] = { 60, 0, 5, 2, 0,	   0, 0,   0,	 43, 0, 0x3e, 3, 1, 2, 3, 0, 51, 2, 2, 0,
					0,  0, 0, 0, 0x20, 1, 0xd, 0xb8, 0,  0, 0,    0, 0, 0, 0, 0, 0,	 0, 0, 9 };

	memset(p, 0, V6);
	p[0] = 0x6b;
	p[1] = 0x80;
	p[4] = (uint8_t)((len - V6) >> 8);
	p[5] = (uint8_t)(len - V6);
	p[7] = 9;
	p[23] = p[39] = 1;
	memcpy(p + V6, more, sizeof(more));
	put_ah(p + V6 + sizeof(more), len - V6 - sizeof(more));
	return len;
}

static void whole_packets_pass_in_both_families(void **state)
{
	static const char *const addresses[] = { "127.0.0.1", "::1" };
	static const uint32_t lens[] = { 200, LARGE };
	struct world *w = *state;
	struct rv_port *ports[2];
	struct rx *rx = calloc(1, sizeof(*rx));
	uint8_t p[LARGE];

	assert_int_equal(w->ops->ports(w->self, 2, ports, NULL), 0);
	for (size_t i = 0; i < 4; i++) {
		struct rv_addr addr;
		bool v6 = i & 1;
		uint32_t len = v6 ? make6(p, lens[i / 2]) : make4(p, lens[i / 2]);
		assert_int_equal(rv_addr_parse(&addr, addresses[v6]), 0);
		struct rv_packet packet = { .data = p, .len = len, .local = addr, .remote = addr };
		struct rv_packet *list[] = { &packet };
		assert_int_equal(ports[1]->ops->send(ports[1], list, 1), 1);
		assert_int_equal(receive(ports[0], rx), 1);
		assert_int_equal(rx->packet.len, len);
		assert_int_equal(rx->packet.tos, 0xb8);
		assert_true(rv_addr_same(&rx->packet.remote, &addr));
		assert_true(rv_addr_same(&rx->packet.local, &addr));
		if (!v6)
			memset(rx->packet.data + 10, 0, 2); /* the system's checksum */
		assert_memory_equal(rx->packet.data, p, len);
	}
	assert_int_equal(receive(ports[1], rx), 0); /* one copy only */
	for (int i = 0; i < 2; i++)
		ports[i]->ops->close(ports[i]);
	free(rx);
}

/* RFC 791, 3.2 and RFC 8200, 4.5: what the fragments carry is the packet, in pieces of 8 octets. */
static void fragments_are_as_the_rfcs_say(void **state)
{
	uint8_t p[LARGE], got[LARGE];
	struct fragment f;

	for (int v6 = 0; v6 < 2; v6++) {
		uint32_t len = v6 ? make6(p, LARGE) : make4(p, LARGE), at = 0, n, k = 0;
		uint32_t head = v6 ? V6 + HOP + HOP + ROUTE : V4;
		for (; (n = fragment_make(&f, p, len, at, 1280, 0x01020304)); at += n, k++) {
			uint32_t total = f.header_len + n;
			assert_true(total <= 1280);
			assert_int_equal(f.header_len, head + (v6 ? 8 : 0));
			uint32_t says = (uint32_t)f.header[v6 ? 4 : 2] << 8 | f.header[v6 ? 5 : 3];
			assert_int_equal(says, total - (v6 ? V6 : 0));
			const uint8_t *flags = f.header + (v6 ? head + 2 : 6);
			uint32_t bits = (uint32_t)flags[0] << 8 | flags[1];
			bool more = at + n < len - head;
			assert_int_equal(bits, v6 ? at | more : at / 8 | (more ? 0x2000u : 0));
			if (v6) {
				assert_int_equal(f.header[V6 + HOP + HOP], 44);
				assert_int_equal(f.header[head], 51);
				assert_int_equal(f.header[head + 7], 4);
			}
			assert_true(!more || n % 8 == 0);
			memcpy(got + at, f.piece, n);
		}
		assert_int_equal(at, len - head);
		assert_int_equal(k, v6 ? 5 : 4);
		assert_memory_equal(got, p + head, at);
	}
	/* options that are not copied stand in the first one only */
	make4(p, LARGE);
	p[0] = 0x47;
	memcpy(p + V4, (uint8_t[]){ 7, 3, 4, 130, 4, 1, 2, 0 }, 8);
	assert_true(fragment_make(&f, p, LARGE, 0, 1280, 0));
	assert_memory_equal(f.header + V4, p + V4, 8);
	assert_true(fragment_make(&f, p, LARGE, 8, 1280, 0));
	assert_memory_equal(f.header + V4, ((uint8_t[]){ 1, 1, 1, 130, 4, 1, 2, 0 }), 8);
	/* no room, and no packet */
	assert_int_equal(fragment_make(&f, p, LARGE, 0, 30, 0), 0);
	assert_int_equal(fragment_make(&f, p, 10, 0, 1280, 0), 0);
	p[0] = 0x41;
	assert_int_equal(fragment_make(&f, p, LARGE, 0, 1280, 0), 0);
}

static void it_carries_ah_only(void **state)
{
	struct world *w = *state;
	struct rv_addr addr = { .family = RV_IPV4 };
	struct rv_port *port, *more;

	assert_int_equal(w->ops->listen(w->self, NULL, NULL), -EOPNOTSUPP);
	assert_int_equal(w->ops->send(w->self, &addr, &addr, false, RV_STR("x")), -EOPNOTSUPP);
	assert_int_equal(w->ops->keepalive(w->self, &addr, &addr), -EOPNOTSUPP);
	assert_int_equal(w->ops->mark(w->self), 21334);
	assert_int_equal(w->ops->port(w->self, false), 0);
	assert_int_equal(w->ops->ports(w->self, 0, &port, NULL), -EINVAL);
	assert_int_equal(w->ops->ports(w->self, 1, &port, NULL), 0);
	assert_int_equal(w->ops->ports(w->self, 1, &more, NULL), -RV_EIN_USE);
	port->ops->close(port);
	assert_int_equal(w->ops->ports(w->self, 1, &port, NULL), 0);
	port->ops->close(port);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = { TEST(whole_packets_pass_in_both_families),
					    cmocka_unit_test(fragments_are_as_the_rfcs_say), TEST(it_carries_ah_only) };

	if (!mini_own_net())
		return MINI_SKIPPED;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
