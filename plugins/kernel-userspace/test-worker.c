// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-worker: two kernels with threads, joined by socket pairs; packets flow while SAs and policies come and go. Made
 * to be run under a race detector, too.
 */
#include "test.h"

#include "mini.h"
#include "userspace.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { QUEUES = 2, OCTETS = 2048 };

extern const struct rv_plugin rv_plugin_kernel_userspace, rv_plugin_crypto_gnutls, rv_plugin_proposal_words;

/* A port that is one end of a pair of datagram sockets. */
struct fd_port {
	struct rv_port port;
	struct side *side;
	bool wire;
	uint8_t echo[OCTETS]; /* an answer that nothing but recv() tells of */
	size_t echo_len;
};

struct side {
	struct rv_core *core;
	struct rv_host *fakes;
	const struct rv_kernel_ops *ops;
	void *self;
	struct rv_addr own, peer;
	int wire[QUEUES];      /* our ends; given to the ports */
	int clear_in[QUEUES];  /* the kernel's ends */
	int clear_out[QUEUES]; /* the test's ends */
	unsigned n_closed, n_opened;
	struct rv_kernel_events events;
	unsigned n_acquire;
	atomic_bool echoes; /* its clear side answers at once */
	atomic_uint looks;  /* for an answer, in vain */
};

static int p_recv(struct rv_port *base, struct rv_packet *const *packets, size_t n)
{
	struct fd_port *port = rv_container_of(base, struct fd_port, port);
	int count = 0;

	for (size_t i = 0; i < n && rv_packet_lay(packets, i); i++) {
		struct rv_packet *p = packets[i];
		p->data = p->buf + RV_HEADROOM;
		ssize_t r = recv(base->fd, p->data, p->cap - RV_HEADROOM - RV_TAILROOM, MSG_DONTWAIT);
		if (r <= 0) {
			r = (ssize_t)port->echo_len;
			memcpy(p->data, port->echo, port->echo_len);
			port->echo_len = 0;
		}
		if (!r) {
			port->side->looks += !port->wire;
			break;
		}
		p->len = (uint32_t)r;
		p->seg_len = 0;
		p->encap = port->wire;
		p->local = port->side->own;
		p->remote = port->side->peer;
		memset(p->vnet, 0, sizeof(p->vnet));
		count++;
	}
	return count;
}

/* The packet with its addresses changed over. */
static void echo(struct fd_port *port, const struct rv_packet *packet)
{
	assert_true(packet->len <= OCTETS);
	memcpy(port->echo, packet->data, packet->len);
	memcpy(port->echo + 12, packet->data + 16, 4);
	memcpy(port->echo + 16, packet->data + 12, 4);
	port->echo_len = packet->len;
}

static int p_send(struct rv_port *base, struct rv_packet *const *packets, size_t n)
{
	struct fd_port *port = rv_container_of(base, struct fd_port, port);
	int sent = 0;

	if (!port->wire && n == 1 && atomic_load(&port->side->echoes)) {
		echo(port, packets[0]);
		return 1;
	}
	for (size_t i = 0; i < n; i++) {
		uint32_t seg = packets[i]->seg_len ? packets[i]->seg_len : packets[i]->len;
		bool ok = true;
		for (uint32_t at = 0; at < packets[i]->len; at += seg) {
			uint32_t left = packets[i]->len - at;
			ok = send(base->fd, packets[i]->data + at, left < seg ? left : seg, MSG_DONTWAIT) > 0 && ok;
		}
		sent += ok;
	}
	return sent;
}

static void p_close(struct rv_port *base)
{
	struct fd_port *port = rv_container_of(base, struct fd_port, port);

	port->side->n_closed++;
	free(port);
}

static const struct rv_port_ops port_ops = {
	.size = sizeof(port_ops), .recv = p_recv, .send = p_send, .close = p_close
};

static struct rv_port *port_new(struct side *side, int fd, bool wire)
{
	struct fd_port *port = calloc(1, sizeof(*port));

	assert_non_null(port);
	port->port = (struct rv_port){ .ops = &port_ops, .fd = fd, .takes_trains = true, .mtu = 1500 };
	port->side = side;
	port->wire = wire;
	side->n_opened++;
	return &port->port;
}

static int d_open(void *self, const char *name, unsigned n, struct rv_port **ports, char ifname[static 16],
		  unsigned *ifindex, struct rv_why *why)
{
	struct side *side = self;

	assert_int_equal(n, QUEUES);
	for (unsigned i = 0; i < n; i++)
		ports[i] = port_new(side, side->clear_in[i], false);
	snprintf(ifname, 16, "fake0");
	*ifindex = 1;
	return 0;
}

static const struct rv_datapath_ops datapath = { .size = sizeof(datapath), .open = d_open };

static int w_ports(void *self, unsigned n, struct rv_port **ports, struct rv_why *why)
{
	struct side *side = self;

	assert_int_equal(n, QUEUES);
	for (unsigned i = 0; i < n; i++)
		ports[i] = port_new(side, side->wire[i], true);
	return 0;
}

static uint32_t w_mark(void *self)
{
	return 77;
}

static uint16_t w_port(void *self, bool encap)
{
	return 4500;
}

static const struct rv_wire_ops wire = { .size = sizeof(wire), .ports = w_ports, .mark = w_mark, .port = w_port };

static void acquire(void *arg, uint32_t reqid, const struct rv_ts *local, const struct rv_ts *remote)
{
	struct side *side = arg;

	side->n_acquire++;
}

static void expire(void *arg, uint32_t child_id, bool hard)
{
}

static void mapping(void *arg, uint32_t spi, const struct rv_addr *remote)
{
}

static void side_init(struct side *side, const char *own, const char *peer)
{
	static const struct mini_plugin plugins[] = {
		{ "proposal-words", &rv_plugin_proposal_words, NULL },
		{ "crypto-gnutls", &rv_plugin_crypto_gnutls, NULL },
		{ "kernel-userspace", NULL, KERNEL_USERSPACE_SCHEMA },
		{ NULL },
	};
	struct rv_why why = { 0 };

	assert_int_equal(rv_addr_parse(&side->own, own), 0);
	assert_int_equal(rv_addr_parse(&side->peer, peer), 0);
	assert_int_not_equal(
		mini_try(plugins, "ravelin { plugins { kernel-userspace { workers = 2 } } }", NULL, &side->core), 0);
	side->fakes = rv_host_new(side->core, "fakes");
	assert_int_equal(rv_datapath_offer(side->fakes, (struct rv_offer){ .name = "fake" }, &datapath, side), 0);
	assert_int_equal(rv_wire_offer(side->fakes, (struct rv_offer){ .name = "udp" }, &wire, side), 0);
	if (rv_plugins_load_static(side->core->plugins, "kernel-userspace", &rv_plugin_kernel_userspace, &why))
		fail_msg("%s", why.text);
	side->ops = mini_ops(side->core, "kernel", "userspace", &side->self);
	side->events = (struct rv_kernel_events){ acquire, expire, mapping, side, NULL };
	assert_int_equal(side->ops->events(side->self, &side->events), 0);
}

struct pair {
	struct side west, east;
};

static int setup(void **state)
{
	struct pair *pair = calloc(1, sizeof(*pair));

	assert_non_null(pair);
	for (int i = 0; i < QUEUES; i++) {
		int ends[2];
		assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends), 0);
		pair->west.wire[i] = ends[0];
		pair->east.wire[i] = ends[1];
		assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends), 0);
		pair->west.clear_in[i] = ends[0];
		pair->west.clear_out[i] = ends[1];
		assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends), 0);
		pair->east.clear_in[i] = ends[0];
		pair->east.clear_out[i] = ends[1];
	}
	side_init(&pair->west, "192.0.2.1:4500", "192.0.2.2:4500");
	side_init(&pair->east, "192.0.2.2:4500", "192.0.2.1:4500");
	*state = pair;
	return 0;
}

static void side_fini(struct side *side)
{
	talloc_free(side->core);
	assert_int_equal(side->n_opened, side->n_closed);
	for (int i = 0; i < QUEUES; i++) {
		close(side->wire[i]);
		close(side->clear_in[i]);
		close(side->clear_out[i]);
	}
}

static int teardown(void **state)
{
	struct pair *pair = *state;

	side_fini(&pair->west);
	side_fini(&pair->east);
	free(pair);
	return 0;
}

static int add_sa(struct side *side, uint8_t dir, uint32_t spi)
{
	static const uint8_t key[20] = { 1, 2, 3 };
	struct rv_ts any = { .family = RV_IPV4, .port_hi = 0xffff, .hi = { 255, 255, 255, 255 } };
	struct rv_sa_spec spec = { .dir = dir,
				   .mode = RV_TUNNEL,
				   .protocol = RV_PROTO_ESP,
				   .encap = true,
				   .spi = spi,
				   .reqid = 5,
				   .child_id = spi,
				   .src = dir == RV_OUT ? side->own : side->peer,
				   .dst = dir == RV_OUT ? side->peer : side->own,
				   .encr_key = rv_bytes(key, 20),
				   .replay_window = 1024,
				   .local_ts = &any,
				   .remote_ts = &any,
				   .n_local_ts = 1,
				   .n_remote_ts = 1 };
	struct rv_why why = { 0 };
	struct rv_call call;

	assert_int_equal(rv_proposal_parse(side->core->registry, RV_PROTO_ESP, "aes128gcm16", &spec.chosen, &why), 0);
	return side->ops->sa_add(side->self, &spec, &call);
}

static struct rv_policy_spec policy(uint8_t net, bool trap)
{
	struct rv_policy_spec spec = { .action = RV_TUNNEL, .trap = trap, .reqid = 5, .priority = 10 };

	spec.local_ts =
		(struct rv_ts){ .family = RV_IPV4, .port_hi = 0xffff, .lo = { 10, net }, .hi = { 10, net, 255, 255 } };
	spec.remote_ts = (struct rv_ts){ .family = RV_IPV4, .port_hi = 0xffff, .hi = { 255, 255, 255, 255 } };
	return spec;
}

static void add_policy(struct side *side, uint8_t net, bool trap)
{
	struct rv_policy_spec spec = policy(net, trap);
	struct rv_call call;

	assert_int_equal(side->ops->policy_add(side->self, &spec, &call), 0);
}

static void send_packet(struct side *side, unsigned queue, uint32_t number, uint32_t len)
{
	uint8_t p[OCTETS] = { 0 };
	struct rv_addr src = { .family = RV_IPV4, .ip = { 10, 1, 0, 1 } },
		       dst = { .family = RV_IPV4, .ip = { 10, 2, 0, 1 } };

	ip_put_header(p, &src, &dst, IP_UDP, 0, 64, len - 20);
	ip_put32(p + 28, number);
	assert_int_equal(send(side->clear_out[queue], p, len, 0), len);
}

/* The number of a packet that came out; negative when none does in time. */
static int64_t receive(struct side *side, int wait_ms)
{
	struct pollfd p[QUEUES];
	uint8_t octets[OCTETS];

	for (int i = 0; i < QUEUES; i++)
		p[i] = (struct pollfd){ .fd = side->clear_out[i], .events = POLLIN };
	if (poll(p, QUEUES, wait_ms) < 1)
		return -1;
	ssize_t n = recv(p[p[0].revents ? 0 : 1].fd, octets, sizeof(octets), MSG_DONTWAIT);
	return n >= 32 ? (int64_t)ip_u32(octets + 28) : -1;
}

static void settle(struct pair *pair)
{
	mini_settle(pair->west.core);
	mini_settle(pair->east.core);
}

static void packets_cross_two_workers(void **state)
{
	struct pair *pair = *state;
	bool seen[200] = { false };

	add_policy(&pair->west, 1, false);
	assert_int_equal(add_sa(&pair->west, RV_OUT, 0x1000), 0);
	assert_int_equal(add_sa(&pair->east, RV_IN, 0x1000), 0);
	for (uint32_t i = 0; i < RV_COUNT(seen); i++) {
		send_packet(&pair->west, i % QUEUES, i, 100 + i);
		int64_t got = receive(&pair->east, 2000);
		assert_true(got >= 0 && got < (int64_t)RV_COUNT(seen) && !seen[got]);
		seen[got] = true;
	}
	struct rv_sa_stats stats;
	assert_int_equal(pair->east.ops->stats(pair->east.self, 0x1000, RV_IN, NULL, &stats), 0);
	assert_int_equal(stats.packets, RV_COUNT(seen));
	assert_true(stats.last_used_us > 0);
}

/* The clear side's descriptor does not tell of it, and need not. */
static void the_answer_to_a_single_packet_is_taken_at_once(void **state)
{
	enum { WAITS = 64 }; /* at most so many turns until the next look */
	struct pair *pair = *state;
	int64_t got = -1;

	add_policy(&pair->west, 1, false);
	add_policy(&pair->east, 2, false);
	assert_int_equal(add_sa(&pair->west, RV_OUT, 0x1000), 0);
	assert_int_equal(add_sa(&pair->east, RV_IN, 0x1000), 0);
	assert_int_equal(add_sa(&pair->east, RV_OUT, 0x2000), 0);
	assert_int_equal(add_sa(&pair->west, RV_IN, 0x2000), 0);
	atomic_store(&pair->east.echoes, true);
	for (uint32_t i = 0; i < 8; i++) {
		send_packet(&pair->west, 0, i, 100);
		assert_int_equal(receive(&pair->west, 2000), i);
	}
	atomic_store(&pair->east.echoes, false);
	atomic_store(&pair->east.looks, 0);
	for (uint32_t i = 0; i < 40; i++) {
		send_packet(&pair->west, 0, i, 100);
		assert_int_equal(receive(&pair->east, 2000), i);
	}
	assert_int_equal(atomic_load(&pair->east.looks), 5); /* behind packet 1, 3, 7, 15 and 31 */
	atomic_store(&pair->east.echoes, true);
	for (uint32_t i = 0; got < 0 && i <= WAITS; i++) {
		send_packet(&pair->west, 0, i, 100);
		got = receive(&pair->west, 50);
	}
	assert_true(got >= 0);
}

static void sas_are_replaced_under_traffic_without_loss(void **state)
{
	struct pair *pair = *state;
	uint32_t spi = 0x1000, sent = 0, got = 0;

	add_policy(&pair->west, 1, false);
	assert_int_equal(add_sa(&pair->east, RV_IN, spi), 0);
	assert_int_equal(add_sa(&pair->west, RV_OUT, spi), 0);
	for (int round = 0; round < 100; round++) {
		for (int i = 0; i < 8; i++)
			send_packet(&pair->west, (unsigned)i % QUEUES, sent++, 200);
		/* make before break, as RFC 7296, 2.8 */
		assert_int_equal(add_sa(&pair->east, RV_IN, spi + 1), 0);
		assert_int_equal(add_sa(&pair->west, RV_OUT, spi + 1), 0);
		while (got < sent && receive(&pair->east, 2000) >= 0)
			got++;
		assert_int_equal(got, sent);
		assert_int_equal(pair->west.ops->sa_del(pair->west.self, spi, RV_OUT, &pair->west.peer), 0);
		assert_int_equal(pair->east.ops->sa_del(pair->east.self, spi, RV_IN, NULL), 0);
		spi++;
		settle(pair);
	}
}

static void policies_and_paths_change_under_traffic(void **state)
{
	struct pair *pair = *state;
	struct side *west = &pair->west;
	struct rv_call call;

	add_policy(west, 1, false);
	assert_int_equal(add_sa(&pair->east, RV_IN, 0x1000), 0);
	assert_int_equal(add_sa(west, RV_OUT, 0x1000), 0);
	for (int round = 0; round < 200; round++) {
		for (uint32_t i = 0; i < 4; i++)
			send_packet(west, i % QUEUES, i, 150);
		add_policy(west, (uint8_t)(2 + round), round & 1);
		assert_int_equal(west->ops->sa_update(west->self, 0x1000, RV_OUT, &west->peer, &west->own, &west->peer,
						      true, &call),
				 0);
		if (round % 50 == 49)
			for (int net = round - 40; net < round; net++) {
				struct rv_policy_spec old = policy((uint8_t)(2 + net), false);
				assert_int_equal(west->ops->policy_del(west->self, &old), 0);
			}
		for (int i = 0; i < 4; i++)
			assert_true(receive(&pair->east, 2000) >= 0);
		settle(pair);
	}
}

static bool asked(void *arg)
{
	return ((const struct side *)arg)->n_acquire > 0;
}

static void a_trapped_packet_goes_when_the_sa_is_there(void **state)
{
	struct pair *pair = *state;

	add_policy(&pair->west, 1, true);
	send_packet(&pair->west, 1, 42, 100);
	assert_true(mini_until(pair->west.core, asked, &pair->west));
	assert_int_equal(add_sa(&pair->east, RV_IN, 0x1000), 0);
	assert_int_equal(add_sa(&pair->west, RV_OUT, 0x1000), 0);
	assert_int_equal(receive(&pair->east, 2000), 42);
}

static void a_flush_ends_all_and_work_can_begin_again(void **state)
{
	struct pair *pair = *state;
	char ifname[16];
	uint32_t mark = 0;

	for (int i = 0; i < 3; i++) {
		add_policy(&pair->west, 1, false);
		assert_int_equal(add_sa(&pair->east, RV_IN, 0x1000), 0);
		assert_int_equal(add_sa(&pair->west, RV_OUT, 0x1000), 0);
		assert_int_equal(pair->west.ops->clear_side(pair->west.self, NULL, ifname, &mark), 0);
		assert_string_equal(ifname, "fake0");
		assert_int_equal(mark, 77);
		send_packet(&pair->west, 0, 7, 100);
		assert_int_equal(receive(&pair->east, 2000), 7);
		assert_int_equal(pair->west.ops->flush(pair->west.self), 0);
		assert_int_equal(pair->east.ops->flush(pair->east.self), 0);
		assert_int_equal(pair->west.n_opened, pair->west.n_closed);
		assert_int_equal(pair->west.ops->clear_side(pair->west.self, NULL, ifname, &mark), -ENODEV);
	}
}

/* The names of this process's threads, and whether each has a filter of system calls. */
static unsigned count_threads(const char *prefix, bool filtered)
{
	DIR *dir = opendir("/proc/self/task");
	unsigned n = 0;

	assert_non_null(dir);
	for (const struct dirent *entry; (entry = readdir(dir));) {
		char path[300], text[4096] = { 0 };
		snprintf(path, sizeof(path), "/proc/self/task/%s/status", entry->d_name);
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			continue;
		if (read(fd, text, sizeof(text) - 1) > 0 && !strncmp(text + 6, prefix, strlen(prefix)))
			n += !filtered || strstr(text, "Seccomp:\t2");
		close(fd);
	}
	closedir(dir);
	return n;
}

static void workers_have_names_and_few_rights(void **state)
{
	struct pair *pair = *state;

	add_policy(&pair->west, 1, false);
	assert_int_equal(add_sa(&pair->west, RV_OUT, 0x1000), 0);
	assert_int_equal(add_sa(&pair->east, RV_IN, 0x1000), 0);
	send_packet(&pair->west, 0, 7, 100);
	send_packet(&pair->west, 1, 7, 100);
	assert_int_equal(receive(&pair->east, 2000), 7);
	assert_int_equal(receive(&pair->east, 2000), 7);
	assert_int_equal(count_threads("rv-esp/", false), 4);
	assert_int_equal(count_threads("rv-retire", false), 2);
	assert_int_equal(count_threads("rv-esp/", true), 4);
	assert_int_equal(pair->west.ops->flush(pair->west.self), 0);
	assert_int_equal(count_threads("rv-esp/", false), 2);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

/* packet.h: the next packet begins behind the tail room of the one before, and the last has room for any size. */
static void packets_of_a_burst_lie_close_together(void **state)
{
	enum { LEN = RV_PACKET_ROOM + 2 * 1024 };
	struct rv_packet packets[4] = { 0 }, *list[] = { &packets[0], &packets[1], &packets[2], &packets[3] };
	static const uint32_t lens[] = { 1, 700, 900 };
	uint8_t *buf = malloc(LEN);

	assert_non_null(buf);
	packets[0].buf = buf;
	packets[0].cap = LEN;
	for (size_t i = 0; i < RV_COUNT(lens); i++) {
		struct rv_packet *p = &packets[i];
		assert_true(rv_packet_lay(list, i));
		assert_true(p->cap >= RV_PACKET_ROOM);
		assert_ptr_equal(p->buf + p->cap, buf + LEN);
		p->data = p->buf + RV_HEADROOM;
		p->len = lens[i];
		if (!i)
			continue;
		size_t gap = (size_t)(p->buf - (packets[i - 1].data + packets[i - 1].len));
		assert_in_range(gap, RV_TAILROOM, RV_TAILROOM + 63);
	}
	assert_false(rv_packet_lay(list, RV_COUNT(lens)));
	free(buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(packets_cross_two_workers),
		TEST(the_answer_to_a_single_packet_is_taken_at_once),
		TEST(sas_are_replaced_under_traffic_without_loss),
		TEST(policies_and_paths_change_under_traffic),
		TEST(a_trapped_packet_goes_when_the_sa_is_there),
		TEST(a_flush_ends_all_and_work_can_begin_again),
		TEST(workers_have_names_and_few_rights),
		cmocka_unit_test(packets_of_a_burst_lie_close_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
