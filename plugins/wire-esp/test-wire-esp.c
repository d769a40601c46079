// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-wire-esp: raw ESP over the loopback device of a namespace of the test's own. */
#include "test.h"

#include "mini.h"
#include "wire-esp.h"

#include <errno.h>
#include <poll.h>

extern const struct rv_plugin rv_plugin_wire_esp;

static const struct mini_plugin plugins[] = { { "wire-esp", &rv_plugin_wire_esp, WIRE_ESP_SCHEMA }, { NULL } };

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
	w->ops = mini_ops(w->core, "wire", "esp", &w->self);
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

struct rx {
	struct rv_packet packet;
	uint8_t buf[4096];
};

static int receive(struct rv_port *port, struct rx *rx)
{
	struct pollfd p = { .fd = port->fd, .events = POLLIN };
	struct rv_packet *list[] = { &rx->packet };

	*rx = (struct rx){ .packet = { .buf = rx->buf, .cap = sizeof(rx->buf) } };
	return poll(&p, 1, 500) == 1 ? port->ops->recv(port, list, 1) : 0;
}

static void packets_pass_in_both_families(void **state)
{
	static const char *const addresses[] = { "127.0.0.1", "::1" };
	struct world *w = *state;
	struct rv_port *ports[2];
	struct rx *rx = calloc(1, sizeof(*rx));
	uint8_t octets[] = "\0\0\2\1\0\0\0\5 sealed octets";

	assert_int_equal(w->ops->ports(w->self, 2, ports, NULL), 0);
	for (size_t i = 0; i < 2; i++) {
		struct rv_addr addr;
		assert_int_equal(rv_addr_parse(&addr, addresses[i]), 0);
		struct rv_packet packet = {
			.data = octets, .len = 30, .seg_len = 15, .local = addr, .remote = addr, .tos = 0xb8
		};
		struct rv_packet *list[] = { &packet };
		packet.remote.port = 4500; /* means nothing here */
		packet.len = sizeof(octets) - 1;
		assert_int_equal(ports[1]->ops->send(ports[1], list, 1), 1);
		for (int part = 0; part < 2; part++) {
			assert_int_equal(receive(ports[0], rx), 1);
			assert_int_equal(rx->packet.len, part ? sizeof(octets) - 1 - 15 : 15);
			assert_memory_equal(rx->packet.data, octets + 15 * part, rx->packet.len);
			assert_true(rv_addr_same(&rx->packet.remote, &addr));
			assert_true(rv_addr_same(&rx->packet.local, &addr));
			assert_false(rx->packet.encap);
			assert_int_equal(rx->packet.tos, 0xb8);
		}
	}
	assert_int_equal(receive(ports[0], rx), 0);
	assert_int_equal(receive(ports[1], rx), 0); /* one copy only */
	for (int i = 0; i < 2; i++)
		ports[i]->ops->close(ports[i]);
	free(rx);
}

enum { PARTS = 150, ROOMS = 4 };

/* More packets than one system call takes, of sizes that differ: all arrive, in order, each where rv_packet_lay() puts
 * it. */
static void bursts_come_whole_and_lie_together(void **state)
{
	struct world *w = *state;
	struct rv_port *port;
	uint8_t *buf = calloc(ROOMS, RV_PACKET_ROOM), octets[200];
	struct rv_packet packets[RV_BURST] = { { .buf = buf, .cap = ROOMS * RV_PACKET_ROOM } }, *list[RV_BURST];
	struct rv_addr addr;
	unsigned got = 0;

	assert_int_equal(w->ops->ports(w->self, 1, &port, NULL), 0);
	assert_int_equal(rv_addr_parse(&addr, "127.0.0.1"), 0);
	for (size_t i = 0; i < RV_BURST; i++)
		list[i] = &packets[i];
	for (unsigned i = 0; i < PARTS; i++) {
		struct rv_packet one = { .data = octets, .len = 20 + i, .local = addr, .remote = addr };
		struct rv_packet *out[] = { &one };
		memset(octets, (int)i, sizeof(octets));
		assert_int_equal(port->ops->send(port, out, 1), 1);
	}
	while (got < PARTS) {
		struct pollfd p = { .fd = port->fd, .events = POLLIN };
		assert_int_equal(poll(&p, 1, 5000), 1);
		int n = port->ops->recv(port, list, RV_BURST);
		assert_true(n > 0 && n <= RV_BURST);
		for (int i = 0; i < n; i++, got++) {
			assert_int_equal(list[i]->len, 20 + got);
			assert_int_equal(list[i]->data[0], got);
			assert_int_equal(list[i]->data[list[i]->len - 1], got);
			assert_true(!i || list[i]->buf < list[i - 1]->buf + 1024);
		}
	}
	port->ops->close(port);
	free(buf);
}

static void it_carries_esp_only(void **state)
{
	struct world *w = *state;
	struct rv_addr addr = { .family = RV_IPV4 };
	struct rv_port *port, *more;

	assert_int_equal(w->ops->listen(w->self, NULL, NULL), -EOPNOTSUPP);
	assert_int_equal(w->ops->send(w->self, &addr, &addr, false, RV_STR("x")), -EOPNOTSUPP);
	assert_int_equal(w->ops->keepalive(w->self, &addr, &addr), -EOPNOTSUPP);
	assert_int_equal(w->ops->mark(w->self), 21334);
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
	const struct CMUnitTest tests[] = { TEST(packets_pass_in_both_families),
					    TEST(bursts_come_whole_and_lie_together), TEST(it_carries_esp_only) };

	if (!mini_own_net())
		return MINI_SKIPPED;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
