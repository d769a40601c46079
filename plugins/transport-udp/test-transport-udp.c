// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-transport-udp: sorting by version, paths and keepalives, over a wire of memory and an injected clock. */
#include "test.h"

#include "mini.h"
#include "transport-udp.h"

#include <errno.h>
#include <ravelin/net.h>

extern const struct rv_plugin rv_plugin_transport_udp;

struct world {
	struct rv_core *core;
	struct rv_host *fakes;
	const struct rv_transport_ops *ops;
	void *self;
	uint64_t now_us;
	rv_wire_recv_fn *recv; /* the wire's listener */
	void *recv_arg;
	unsigned n_sent, n_keepalives, n_got;
	struct rv_addr sent_to, sent_from;
	bool sent_encap;
	unsigned got_by;
	struct rv_path got_path;
};

static int w_listen(void *self, rv_wire_recv_fn *fn, void *arg)
{
	struct world *w = self;

	w->recv = fn;
	w->recv_arg = arg;
	return 0;
}

static int w_send(void *self, const struct rv_addr *local, const struct rv_addr *remote, bool encap,
		  struct rv_bytes message)
{
	struct world *w = self;

	w->n_sent++;
	w->sent_from = *local;
	w->sent_to = *remote;
	w->sent_encap = encap;
	return 0;
}

static int w_keepalive(void *self, const struct rv_addr *local, const struct rv_addr *remote)
{
	struct world *w = self;

	w->n_keepalives++;
	w->sent_to = *remote;
	return 0;
}

static int w_ports(void *self, unsigned n, struct rv_port **ports, struct rv_why *why)
{
	return -EOPNOTSUPP;
}

static uint32_t w_mark(void *self)
{
	return 0;
}

static uint16_t w_port(void *self, bool encap)
{
	return encap ? 4501 : 501;
}

static const struct rv_wire_ops wire = {
	.size = sizeof(wire),
	.listen = w_listen,
	.send = w_send,
	.keepalive = w_keepalive,
	.ports = w_ports,
	.mark = w_mark,
	.port = w_port,
};

static int n_source(void *self, const struct rv_addr *remote, struct rv_addr *local)
{
	return remote->family == RV_IPV4 ? rv_addr_parse(local, "10.0.0.1") : -ENETUNREACH;
}

static int n_flush(void *self)
{
	return 0;
}

static const struct rv_net_ops net = { .size = sizeof(net), .source = n_source, .flush = n_flush };

static uint64_t now_us(void *self)
{
	return ((const struct world *)self)->now_us;
}

static uint64_t wall_s(void *self)
{
	return 1000000;
}

static void load(struct world *w, const char *conf)
{
	static const struct mini_plugin none[] = { { "transport-udp", NULL, TRANSPORT_UDP_SCHEMA }, { NULL } };
	struct rv_clock clock = { .now_us = now_us, .wall_s = wall_s, .self = w, .injected = true };
	struct rv_why why = { 0 };

	assert_int_not_equal(mini_try(none, conf, &clock, &w->core), 0); /* refused: it has no body */
	w->fakes = rv_host_new(w->core, "fakes");
	assert_int_equal(rv_wire_offer(w->fakes, (struct rv_offer){ .name = "udp" }, &wire, w), 0);
	if (rv_plugins_load_static(w->core->plugins, "transport-udp", &rv_plugin_transport_udp, &why))
		fail_msg("%s", why.text);
	w->ops = mini_ops(w->core, "transport", "udp", &w->self);
	mini_settle(w->core);
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	w->now_us = RV_S(1000);
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

static void pass(struct world *w, uint64_t seconds)
{
	for (uint64_t i = 0; i < seconds; i++) {
		w->now_us += RV_S(1);
		mini_settle(w->core);
	}
}

struct listener_of {
	struct world *w;
	unsigned version;
};

static void got(void *arg, const struct rv_path *path, struct rv_bytes message)
{
	struct listener_of *l = arg;

	l->w->n_got++;
	l->w->got_by = l->version;
	l->w->got_path = *path;
}

static struct rv_addr addr(const char *text)
{
	struct rv_addr a;

	assert_int_equal(rv_addr_parse(&a, text), 0);
	return a;
}

static void messages_are_sorted_by_major_version(void **state)
{
	static const struct {
		const char *what;
		uint8_t version, len;
		unsigned by; /* 0: nobody */
	} rows[] = {
		{ "version 1", 0x10, 28, 1 },
		{ "version 2", 0x20, 28, 2 },
		{ "a minor version does not count", 0x2f, 28, 2 },
		{ "a later version goes to the newest", 0x30, 28, 2 },
		{ "the last version goes to the newest", 0xf0, 28, 2 },
		{ "an older one that nobody speaks", 0x00, 28, 0 },
		{ "a header cut short", 0x20, 27, 0 },
		{ "nothing", 0x20, 0, 0 },
	};
	struct world *w = *state;
	struct listener_of one = { w, 1 }, two = { w, 2 };
	struct rv_addr local = addr("10.0.0.1:501"), remote = addr("10.0.0.2:500");

	load(w, "");
	assert_non_null(w->recv);
	assert_int_equal(w->ops->listen(w->self, 16, got, &one), -EINVAL);
	assert_int_equal(w->ops->listen(w->self, 1, got, &one), 0);
	assert_int_equal(w->ops->listen(w->self, 2, got, &two), 0);
	assert_int_equal(w->ops->listen(w->self, 2, got, &one), -RV_EIN_USE);
	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		uint8_t message[28] = { [17] = rows[i].version };
		w->got_by = 0;
		w->recv(w->recv_arg, &local, &remote, true, rv_bytes(message, rows[i].len));
		if (w->got_by != rows[i].by)
			fail_msg("%s: %u", rows[i].what, w->got_by);
	}
	assert_true(rv_addr_same(&w->got_path.local, &local));
	assert_true(rv_addr_same(&w->got_path.remote, &remote));
	assert_true(w->got_path.encap);
	assert_int_equal(w->ops->listen(w->self, 2, NULL, NULL), 0);
}

static void a_path_is_completed(void **state)
{
	struct world *w = *state;
	struct rv_addr any = addr("0.0.0.0"), remote = addr("10.0.0.2"), six = addr("2001:db8::2"), none = { 0 };
	struct rv_path path;
	char text[RV_ADDR_TEXT];

	load(w, "");
	assert_int_equal(w->ops->path(w->self, &any, &remote, &path), 0);
	assert_string_equal(rv_addr_text(&path.local, text), "0.0.0.0:501");
	assert_string_equal(rv_addr_text(&path.remote, text), "10.0.0.2:500");
	assert_false(path.encap);

	assert_int_equal(rv_net_offer(w->fakes, (struct rv_offer){ .name = "fake" }, &net, w), 0);
	assert_int_equal(w->ops->path(w->self, NULL, &remote, &path), 0);
	assert_string_equal(rv_addr_text(&path.local, text), "10.0.0.1:501");
	assert_int_equal(w->ops->path(w->self, &none, &six, &path), 0);
	assert_true(rv_addr_is_any(&path.local));
	assert_int_equal(path.local.family, RV_IPV6);

	struct rv_addr given = addr("10.0.0.9");
	assert_int_equal(w->ops->path(w->self, &given, &remote, &path), 0);
	assert_string_equal(rv_addr_text(&path.local, text), "10.0.0.9:501");
	assert_int_equal(w->ops->path(w->self, &given, &six, &path), -EINVAL);
	assert_int_equal(w->ops->path(w->self, &given, &none, &path), -EINVAL);
}

static void encapsulation_moves_to_the_other_ports(void **state)
{
	struct world *w = *state;
	struct rv_path path = { .local = addr("10.0.0.1:501"), .remote = addr("10.0.0.2:500") };
	struct rv_path again;

	load(w, "");
	w->ops->encapsulate(w->self, &path);
	assert_true(path.encap);
	assert_int_equal(path.local.port, 4501);
	assert_int_equal(path.remote.port, 4500);
	path.remote.port = 33333; /* a NAT changed it */
	again = path;
	w->ops->encapsulate(w->self, &again);
	assert_int_equal(again.remote.port, 33333);
	assert_int_equal(w->ops->send(w->self, &path, RV_STR("x")), 0);
	assert_int_equal(w->n_sent, 1);
	assert_true(w->sent_encap);
	assert_int_equal(w->sent_to.port, 33333);
}

/* RFC 3948, 4 */
static void keepalives_go_out_every_period_while_asked_for(void **state)
{
	struct world *w = *state;
	struct rv_path path = { .local = addr("10.0.0.1:4500"), .remote = addr("10.0.0.2:4500"), .encap = true };
	struct rv_path plain = path;

	load(w, "ravelin { plugins { transport-udp { keep_alive = 10s } } }");
	assert_int_equal(w->ops->keepalive(w->self, &path, 7, true), 0);
	pass(w, 9);
	assert_int_equal(w->n_keepalives, 0);
	pass(w, 1);
	assert_int_equal(w->n_keepalives, 1);
	path.remote = addr("10.0.0.3:4500");
	assert_int_equal(w->ops->keepalive(w->self, &path, 7, true), 0);
	pass(w, 10);
	assert_int_equal(w->n_keepalives, 2);
	assert_true(rv_addr_same(&w->sent_to, &path.remote));
	assert_int_equal(w->ops->keepalive(w->self, &path, 8, false), 0);
	plain.encap = false;
	assert_int_equal(w->ops->keepalive(w->self, &plain, 7, true), 0); /* needs none */
	pass(w, 30);
	assert_int_equal(w->n_keepalives, 2);
}

static void many_paths_are_kept_apart(void **state)
{
	struct world *w = *state;
	struct rv_path path = { .local = addr("10.0.0.1:4500"), .remote = addr("10.0.0.2:4500"), .encap = true };

	load(w, "");
	for (uint64_t key = 0; key < 1000; key++)
		assert_int_equal(w->ops->keepalive(w->self, &path, key << 32, true), 0);
	for (uint64_t key = 0; key < 1000; key += 2)
		assert_int_equal(w->ops->keepalive(w->self, &path, key << 32, false), 0);
	pass(w, 20);
	assert_int_equal(w->n_keepalives, 500);
}

static void no_period_means_no_keepalives(void **state)
{
	struct world *w = *state;
	struct rv_path path = { .local = addr("10.0.0.1:4500"), .remote = addr("10.0.0.2:4500"), .encap = true };

	load(w, "ravelin { plugins { transport-udp { keep_alive = 0s } } }");
	assert_int_equal(w->ops->keepalive(w->self, &path, 7, true), 0);
	pass(w, 100);
	assert_int_equal(w->n_keepalives, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(messages_are_sorted_by_major_version),
		TEST(a_path_is_completed),
		TEST(encapsulation_moves_to_the_other_ports),
		TEST(keepalives_go_out_every_period_while_asked_for),
		TEST(many_paths_are_kept_apart),
		TEST(no_period_means_no_keepalives),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
