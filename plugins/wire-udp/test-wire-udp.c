// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-wire-udp: keying messages, keepalives and ESP over real sockets on the loopback device. */
#include "test.h"

#include "mini.h"
#include "port.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

extern const struct rv_plugin rv_plugin_wire_udp;

#define FREE_PORTS "ravelin { plugins { wire-udp { port = 0 \n port_nat_t = 0 \n fwmark = 0 } } }"

static const struct mini_plugin plugins[] = { { "wire-udp", &rv_plugin_wire_udp, WIRE_UDP_SCHEMA }, { NULL } };

struct world {
	struct rv_core *core;
	const struct rv_wire_ops *ops;
	void *self;
	unsigned n;
	struct rv_addr local, remote;
	bool encap;
	uint8_t message[2048];
	size_t len;
};

static void got(void *arg, const struct rv_addr *local, const struct rv_addr *remote, bool encap,
		struct rv_bytes message)
{
	struct world *w = arg;

	w->n++;
	w->local = *local;
	w->remote = *remote;
	w->encap = encap;
	w->len = message.len;
	assert_true(message.len <= sizeof(w->message));
	memcpy(w->message, message.p, message.len);
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	w->core = mini_new(plugins, FREE_PORTS, NULL);
	w->ops = mini_ops(w->core, "wire", "udp", &w->self);
	assert_int_equal(w->ops->listen(w->self, got, w), 0);
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

static bool something(void *arg)
{
	return ((const struct world *)arg)->n > 0;
}

static struct rv_addr loopback(bool v6, uint16_t port)
{
	struct rv_addr addr;

	assert_int_equal(rv_addr_parse(&addr, v6 ? "::1" : "127.0.0.1"), 0);
	addr.port = port;
	return addr;
}

static void a_message_comes_with_its_addresses(void **state)
{
	struct world *w = *state;

	for (int i = 0; i < 4; i++) {
		bool v6 = i & 1, encap = i & 2;
		struct rv_addr to = loopback(v6, w->ops->port(w->self, encap)), from = loopback(v6, 0);
		w->n = 0;
		int r = w->ops->send(w->self, &from, &to, encap, RV_STR("hello"));
		if (r == -EAFNOSUPPORT && v6)
			continue;
		assert_int_equal(r, 0);
		assert_true(mini_until(w->core, something, w));
		assert_int_equal(w->n, 1);
		assert_int_equal(w->encap, encap);
		assert_int_equal(w->len, 5);
		assert_memory_equal(w->message, "hello", 5);
		assert_true(rv_addr_same(&w->local, &to));
		assert_true(rv_addr_same(&w->remote, &to));
	}
}

static void an_answer_leaves_from_the_address_that_was_asked(void **state)
{
	struct world *w = *state;
	struct rv_addr to = loopback(false, w->ops->port(w->self, false)), from = loopback(false, 0);

	from.ip[3] = 7; /* 127.0.0.7 is local, too */
	assert_int_equal(w->ops->send(w->self, &from, &to, false, RV_STR("x")), 0);
	assert_true(mini_until(w->core, something, w));
	assert_true(rv_addr_same_ip(&w->remote, &from));
}

static void a_large_message_arrives_whole(void **state)
{
	struct world *w = *state;
	struct rv_addr to = loopback(false, w->ops->port(w->self, true)), from = { .family = RV_IPV4 };
	uint8_t big[2048];

	memset(big, 0x5a, sizeof(big));
	assert_int_equal(w->ops->send(w->self, &from, &to, true, rv_bytes(big, sizeof(big))), 0);
	assert_true(mini_until(w->core, something, w));
	assert_int_equal(w->len, sizeof(big));
	assert_memory_equal(w->message, big, sizeof(big));
}

static void what_cannot_be_sent_is_refused(void **state)
{
	struct world *w = *state;
	struct rv_addr v4 = loopback(false, 500), v6 = loopback(true, 500), none = { 0 };

	assert_int_equal(w->ops->send(w->self, &v6, &v4, false, RV_STR("x")), -EINVAL);
	assert_int_equal(w->ops->send(w->self, &v4, &none, false, RV_STR("x")), -EINVAL);
	v4.port = 0;
	assert_int_equal(w->ops->send(w->self, &v4, &v4, false, RV_STR("x")), -EINVAL);
}

/* RFC 3948, 2: ESP, a keying message behind four zeros, a keepalive */
static void octets_are_classified(void **state)
{
	static const struct {
		const char *what, *octets;
		size_t len;
		enum udp_class class;
	} rows[] = {
		{ "nothing", "", 0, UDP_IS_NOTHING },
		{ "a keepalive", "\xff", 1, UDP_IS_KEEPALIVE },
		{ "one octet that is none", "\xfe", 1, UDP_IS_NOTHING },
		{ "two octets of 0xff", "\xff\xff", 2, UDP_IS_NOTHING },
		{ "a marker alone", "\0\0\0\0", 4, UDP_IS_NOTHING },
		{ "the shortest message", "\0\0\0\0A", 5, UDP_IS_KEYING },
		{ "the lowest SPI", "\0\0\0\1A", 5, UDP_IS_ESP },
		{ "the highest SPI", "\xff\xff\xff\xff\xff", 5, UDP_IS_ESP },
	};

	for (size_t i = 0; i < RV_COUNT(rows); i++)
		if (udp_classify((const uint8_t *)rows[i].octets, rows[i].len) != rows[i].class)
			fail_msg("%s", rows[i].what);
}

struct rx {
	struct rv_packet packet;
	uint8_t buf[70000];
};

static struct rx *rx_new(void)
{
	struct rx *rx = calloc(1, sizeof(*rx));

	assert_non_null(rx);
	rx->packet = (struct rv_packet){ .buf = rx->buf, .cap = sizeof(rx->buf) };
	return rx;
}

static int wait_recv(struct rv_port *port, struct rv_packet *packet)
{
	struct pollfd p = { .fd = port->fd, .events = POLLIN };
	int n = 0;

	for (int i = 0; !n && i < 20; i++) {
		poll(&p, 1, 50);
		n = port->ops->recv(port, &packet, 1);
	}
	return n;
}

/* A sealed train of three as the kernel would send it, to ourselves. */
static void send_train(struct world *w, struct rv_port *port, struct rv_addr to, uint8_t tos)
{
	uint8_t octets[250];
	struct rv_packet packet = { .data = octets, .len = sizeof(octets), .seg_len = 100, .remote = to, .tos = tos };
	struct rv_packet *list[] = { &packet };

	for (size_t i = 0; i < sizeof(octets); i++)
		octets[i] = (uint8_t)(1 + i % 100);
	packet.local = to;
	packet.local.port = 0;
	assert_int_equal(port->ops->send(port, list, 1), 1);
}

static void trains_of_esp_go_to_the_worker(void **state)
{
	struct world *w = *state;
	struct rv_port *port;
	struct rx *rx = rx_new();

	assert_int_equal(w->ops->ports(w->self, 1, &port, NULL), 0);
	assert_true(port->takes_trains);
	for (int v6 = 0; v6 < 2; v6++) {
		struct rv_addr to = loopback(v6, w->ops->port(w->self, true));
		size_t len = 0;
		send_train(w, port, to, 0xb9);
		while (len < 250) {
			assert_int_equal(wait_recv(port, &rx->packet), 1);
			assert_int_equal(rx->packet.data[0], 1);
			assert_true(rx->packet.seg_len == 100 || rx->packet.len <= 100);
			assert_int_equal(rx->packet.tos, 0xb9);
			assert_true(rx->packet.encap);
			assert_true(rv_addr_same(&rx->packet.remote, &to));
			assert_true(rv_addr_same(&rx->packet.local, &to));
			len += rx->packet.len;
		}
		assert_int_equal(len, 250);
	}
	mini_settle(w->core);
	assert_int_equal(w->n, 0);
	port->ops->close(port);
	free(rx);
}

static void keying_messages_among_esp_reach_the_loop(void **state)
{
	struct world *w = *state;
	struct rv_addr to = loopback(false, w->ops->port(w->self, true)), from = { .family = RV_IPV4 };
	struct rv_port *port;
	struct rx *rx = rx_new();

	assert_int_equal(w->ops->ports(w->self, 1, &port, NULL), 0);
	assert_int_equal(w->ops->send(w->self, &from, &to, true, RV_STR("keying")), 0);
	assert_int_equal(w->ops->keepalive(w->self, &from, &to), 0);
	send_train(w, port, to, 0);
	for (size_t len = 0; len < 250; len += rx->packet.len)
		assert_int_equal(wait_recv(port, &rx->packet), 1);
	assert_true(mini_until(w->core, something, w));
	assert_int_equal(w->n, 1);
	assert_true(w->encap);
	assert_int_equal(w->len, 6);
	assert_true(rv_addr_same(&w->local, &to));
	port->ops->close(port);

	/* the loop reads the port again */
	w->n = 0;
	assert_int_equal(w->ops->send(w->self, &from, &to, true, RV_STR("keying")), 0);
	assert_true(mini_until(w->core, something, w));
	free(rx);
}

/* The kernel carries a train of one size but for its last segment as one piece, whatever is in it. */
static void a_keying_message_at_the_end_of_a_train_reaches_the_loop(void **state)
{
	struct world *w = *state;
	struct rv_addr to = loopback(false, w->ops->port(w->self, true));
	struct rv_port *port;
	struct rx *rx = rx_new();
	uint8_t octets[226];
	struct rv_packet packet = { .data = octets, .len = sizeof(octets), .seg_len = 100, .remote = to, .local = to };
	struct rv_packet *list[] = { &packet };

	assert_int_equal(w->ops->ports(w->self, 1, &port, NULL), 0);
	memset(octets, 7, sizeof(octets));
	memcpy(octets + 200, "\0\0\0\0a message of keying..", 26);
	packet.local.port = 0;
	assert_int_equal(port->ops->send(port, list, 1), 1);
	assert_int_equal(wait_recv(port, &rx->packet), 1);
	assert_int_equal(rx->packet.len, 200);
	assert_int_equal(rx->packet.seg_len, 100); /* it did come in one piece */
	assert_true(mini_until(w->core, something, w));
	assert_int_equal(w->n, 1);
	assert_int_equal(w->len, 22);
	assert_memory_equal(w->message, "a message of keying..", 21);
	port->ops->close(port);
	free(rx);
}

/* One call sends all: of both families, a train, and one that no datagram holds and that keeps back no other. */
static void a_burst_goes_out_but_for_what_cannot(void **state)
{
	enum { N = 5, LARGE = 65530 };
	static const uint32_t lens[N] = { 150, 300, LARGE, 170, 400 }, segments[N] = { 0, 100, 0, 0, 100 };
	struct world *w = *state;
	uint8_t *octets = calloc(N, LARGE);
	struct rv_packet packets[N], *list[N];
	struct rv_port *port;
	struct rx *rx = rx_new();
	uint32_t seen[N] = { 0 };

	assert_non_null(octets);
	assert_int_equal(w->ops->ports(w->self, 1, &port, NULL), 0);
	for (unsigned i = 0; i < N; i++) {
		struct rv_addr to = loopback(i > 2, w->ops->port(w->self, true)), from = { .family = to.family };
		memset(octets + i * LARGE, (int)i + 1, LARGE);
		packets[i] = (struct rv_packet){
			.data = octets + i * LARGE, .len = lens[i], .seg_len = segments[i], .remote = to, .local = from
		};
		list[i] = &packets[i];
	}
	assert_int_equal(port->ops->send(port, list, N), N - 1);
	for (uint32_t left = 150 + 300 + 170 + 400; left;) {
		assert_int_equal(wait_recv(port, &rx->packet), 1);
		assert_in_range(rx->packet.data[0], 1, N);
		seen[rx->packet.data[0] - 1] += rx->packet.len;
		assert_true(rx->packet.len <= left);
		left -= rx->packet.len;
	}
	for (unsigned i = 0; i < N; i++)
		assert_int_equal(seen[i], i == 2 ? 0 : lens[i]);
	port->ops->close(port);
	free(octets);
	free(rx);
}

/* Several come at once: what is no ESP in front, long ones that stay where they came, a short one that moves up. */
static void a_burst_comes_in_one_behind_the_other(void **state)
{
	enum { N = 3, ROOMS = 5, SIZE = ROOMS * RV_PACKET_ROOM };
	static const uint32_t lens[N] = { 60000, 100, 50000 };
	struct world *w = *state;
	struct rv_addr to = loopback(false, w->ops->port(w->self, true)), from = { .family = RV_IPV4 };
	uint8_t *buffer = malloc(SIZE), *octets = malloc(lens[0]);
	struct rv_packet packets[8] = { { .buf = buffer, .cap = SIZE } }, *list[8];
	struct rv_port *port;
	int n = 0;

	assert_true(buffer && octets);
	assert_int_equal(w->ops->ports(w->self, 1, &port, NULL), 0);
	for (size_t i = 0; i < 8; i++)
		list[i] = &packets[i];
	assert_int_equal(w->ops->send(w->self, &from, &to, true, RV_STR("keying")), 0);
	for (unsigned i = 0; i < N; i++) {
		struct rv_packet packet = { .data = octets, .len = lens[i], .remote = to, .local = from },
				 *one = &packet;
		memset(octets, (int)i + 1, lens[i]);
		assert_int_equal(port->ops->send(port, &one, 1), 1);
	}
	for (int i = 0; n < N && i < 20; i++) { /* the loopback device has given all by now, but need not */
		poll(&(struct pollfd){ .fd = port->fd, .events = POLLIN }, 1, 50);
		n = port->ops->recv(port, list, 8);
	}
	assert_int_equal(n, N);
	for (int i = 0; i < N; i++) {
		assert_int_equal(packets[i].len, lens[i]);
		for (uint32_t k = 0; k < lens[i]; k++)
			assert_int_equal(packets[i].data[k], i + 1);
		assert_ptr_equal(packets[i].data, packets[i].buf + RV_HEADROOM);
		assert_ptr_equal(packets[i].buf + packets[i].cap, buffer + SIZE);
		assert_true(!i || packets[i].buf >= packets[i - 1].data + packets[i - 1].len + RV_TAILROOM);
	}
	assert_true(packets[1].buf < packets[0].data + lens[0] + RV_TAILROOM + 64);
	assert_true(mini_until(w->core, something, w));
	port->ops->close(port);
	free(octets);
	free(buffer);
}

/* A peer: a socket of the loopback device. */
static int peer_open(bool v6, struct rv_addr *addr)
{
	struct sockaddr_storage ss;
	struct rv_addr any = loopback(v6, 0);
	socklen_t len = (socklen_t)rv_addr_to_sockaddr(&any, &ss);
	int fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&ss, len), 0);
	len = sizeof(ss);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&ss, &len), 0);
	assert_true(rv_addr_from_sockaddr(addr, &ss, len) >= 0);
	return fd;
}

/* How many sockets of this process are connected to addr. */
static unsigned connected_to(const struct rv_addr *addr)
{
	unsigned n = 0;

	for (int fd = 0; fd < 256; fd++) {
		struct sockaddr_storage ss;
		struct rv_addr there;
		socklen_t len = sizeof(ss);
		n += !getpeername(fd, (struct sockaddr *)&ss, &len) && rv_addr_from_sockaddr(&there, &ss, len) >= 0 &&
		     rv_addr_same(&there, addr);
	}
	return n;
}

enum { ESP_LEN = 40 };

/* Sends n packets from an address to a peer that has a socket, and shows that each arrives, from there. */
static void send_from(struct world *w, struct rv_port *port, const struct rv_addr *local, int fd,
		      const struct rv_addr *to, unsigned n)
{
	uint8_t octets[ESP_LEN] = { 1 };
	struct rv_packet packet = { .data = octets, .len = ESP_LEN, .remote = *to, .local = *local };
	struct rv_packet *list[] = { &packet };

	for (unsigned i = 0; i < n; i++) {
		struct sockaddr_storage ss;
		struct rv_addr from;
		socklen_t len = sizeof(ss);
		packet.tos = i & 1 ? 0xb8 : 0;
		assert_int_equal(port->ops->send(port, list, 1), 1);
		poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, 1000);
		assert_int_equal(recvfrom(fd, octets, ESP_LEN, 0, (struct sockaddr *)&ss, &len), ESP_LEN);
		assert_true(rv_addr_from_sockaddr(&from, &ss, len) >= 0);
		assert_true(rv_addr_same_ip(&from, local));
		assert_int_equal(from.port, w->ops->port(w->self, true));
	}
}

static void send_all(struct world *w, struct rv_port *port, int fd, const struct rv_addr *to, unsigned n)
{
	struct rv_addr local = loopback(to->family == RV_IPV6, 0);

	send_from(w, port, &local, fd, to, n);
}

/* And back, to the worker. */
static void answer(struct world *w, struct rv_port *port, int fd, const struct rv_addr *from, struct rx *rx)
{
	struct rv_addr to = loopback(from->family == RV_IPV6, w->ops->port(w->self, true));
	struct sockaddr_storage ss;
	socklen_t len = (socklen_t)rv_addr_to_sockaddr(&to, &ss);
	uint8_t octets[ESP_LEN] = { 2 };

	assert_int_equal(sendto(fd, octets, ESP_LEN, 0, (struct sockaddr *)&ss, len), ESP_LEN);
	assert_int_equal(wait_recv(port, &rx->packet), 1);
	assert_int_equal(rx->packet.len, ESP_LEN);
	assert_true(rv_addr_same(&rx->packet.remote, from));
	assert_true(rv_addr_same(&rx->packet.local, &to));
}

/* The one peer that a worker has most to do with gets a connected socket, which follows when it is another one. Nobody
 * notices. */
static void the_busy_peer_has_a_socket_of_its_own(void **state)
{
	struct world *w = *state;
	struct rv_port *port;
	struct rx *rx = rx_new();

	assert_int_equal(w->ops->ports(w->self, 1, &port, NULL), 0);
	for (int v6 = 0; v6 < 2; v6++) {
		struct rv_addr a, b;
		int fd_a = peer_open(v6, &a), fd_b = peer_open(v6, &b);
		send_all(w, port, fd_a, &a, PATIENCE - 1);
		mini_settle(w->core);
		assert_int_equal(connected_to(&a), 0);
		send_all(w, port, fd_a, &a, 1);
		mini_settle(w->core);
		assert_int_equal(connected_to(&a), 1);
		for (int i = 0; i < 5; i++) {
			send_all(w, port, fd_b, &b, PATIENCE);
			send_all(w, port, fd_a, &a, PATIENCE);
			answer(w, port, fd_a, &a, rx);
			answer(w, port, fd_b, &b, rx);
		}
		assert_int_equal(connected_to(&a), 1);
		for (int i = 0; i < PATIENCE; i++) {
			send_all(w, port, fd_b, &b, 3);
			send_all(w, port, fd_a, &a, 1);
		}
		mini_settle(w->core);
		assert_int_equal(connected_to(&a), 0);
		assert_int_equal(connected_to(&b), 1);
		send_all(w, port, fd_b, &b, 3);
		send_all(w, port, fd_a, &a, 3);
		answer(w, port, fd_a, &a, rx);
		answer(w, port, fd_b, &b, rx);
		close(fd_a);
		close(fd_b);
	}
	port->ops->close(port);
	free(rx);
}

static void what_leaves_from_another_address_is_not_of_the_connected_socket(void **state)
{
	struct world *w = *state;
	struct rv_addr a, other = loopback(false, 0);
	struct rv_port *port;
	int fd = peer_open(false, &a);

	other.ip[3] = 7;
	assert_int_equal(w->ops->ports(w->self, 1, &port, NULL), 0);
	send_all(w, port, fd, &a, PATIENCE);
	mini_settle(w->core);
	assert_int_equal(connected_to(&a), 1);
	send_from(w, port, &other, fd, &a, 2);
	port->ops->close(port);
	close(fd);
}

/* Sends n packets to where there is no way. */
static void send_in_vain(struct rv_port *port, const struct rv_addr *to, unsigned n)
{
	uint8_t octets[ESP_LEN] = { 1 };
	struct rv_packet packet = { .data = octets, .len = ESP_LEN, .remote = *to, .local = { .family = to->family } };
	struct rv_packet *list[] = { &packet };

	for (unsigned i = 0; i < n; i++)
		assert_int_equal(port->ops->send(port, list, 1), 0);
}

/* A broadcast address: connect() fails. The socket is nobody's then; it must not take what is for the others. */
static void a_peer_that_cannot_be_connected_to_harms_no_other(void **state)
{
	struct world *w = *state;
	struct rv_addr a, b, c, broadcast = { .family = RV_IPV4, .port = 4500, .ip = { 255, 255, 255, 255 } };
	struct rv_port *port;
	struct rx *rx = rx_new();
	int fd_a = peer_open(false, &a), fd_b = peer_open(false, &b), fd_c = peer_open(false, &c);

	assert_int_equal(w->ops->ports(w->self, 1, &port, NULL), 0);
	send_all(w, port, fd_a, &a, PATIENCE);
	mini_settle(w->core);
	assert_int_equal(connected_to(&a), 1);
	send_in_vain(port, &broadcast, 2 * PATIENCE);
	mini_settle(w->core);
	assert_int_equal(connected_to(&a), 0);
	answer(w, port, fd_c, &c, rx);
	assert_int_equal(w->ops->dont_fragment(w->self, NULL), 0);
	answer(w, port, fd_c, &c, rx);
	send_all(w, port, fd_b, &b, 4 * PATIENCE);
	mini_settle(w->core);
	assert_int_equal(connected_to(&b), 1);
	answer(w, port, fd_c, &c, rx);
	answer(w, port, fd_b, &b, rx);
	port->ops->close(port);
	close(fd_a);
	close(fd_b);
	close(fd_c);
	free(rx);
}

struct traffic {
	struct world *w;
	struct rv_port *port;
	struct rv_addr peers[2];
	int fds[2];
	atomic_bool done;
};

/* What a worker does, with peers that take turns. */
static void *traffic(void *arg)
{
	struct traffic *t = arg;

	for (unsigned turn = 0; turn < 8; turn++)
		send_all(t->w, t->port, t->fds[turn % 2], &t->peers[turn % 2], PATIENCE << turn);
	atomic_store(&t->done, true);
	return NULL;
}

static void the_loop_connects_beside_traffic(void **state)
{
	struct world *w = *state;
	struct traffic t = { .w = w };
	pthread_t thread;

	for (int i = 0; i < 2; i++)
		t.fds[i] = peer_open(false, &t.peers[i]);
	assert_int_equal(w->ops->ports(w->self, 1, &t.port, NULL), 0);
	assert_int_equal(pthread_create(&thread, NULL, traffic, &t), 0);
	while (!atomic_load(&t.done))
		mini_settle(w->core);
	assert_int_equal(pthread_join(thread, NULL), 0);
	mini_settle(w->core);
	assert_int_equal(connected_to(&t.peers[0]) + connected_to(&t.peers[1]), 1);
	t.port->ops->close(t.port);
	close(t.fds[0]);
	close(t.fds[1]);
}

/* Its host says that nobody listens: that costs no packet to it when somebody does again, nor one to others. */
static void a_peer_that_was_away_is_served_again(void **state)
{
	struct world *w = *state;
	struct rv_addr a;
	struct rv_port *port;
	struct rx *rx = rx_new();
	int fd = peer_open(false, &a);
	struct sockaddr_storage ss;
	socklen_t len = (socklen_t)rv_addr_to_sockaddr(&a, &ss);
	uint8_t octets[ESP_LEN] = { 1 };
	struct rv_packet packet = { .data = octets, .len = ESP_LEN, .remote = a, .local = a }, *list[] = { &packet };

	assert_int_equal(w->ops->ports(w->self, 1, &port, NULL), 0);
	send_all(w, port, fd, &a, PATIENCE);
	mini_settle(w->core);
	assert_int_equal(connected_to(&a), 1);
	close(fd);
	packet.local.port = 0;
	assert_int_equal(port->ops->send(port, list, 1), 1); /* ECONNREFUSED waits now */
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&ss, len), 0);
	send_all(w, port, fd, &a, 3);
	answer(w, port, fd, &a, rx);
	close(fd);
	port->ops->close(port);
	free(rx);
}

/* The peers of several workers go by SPI. */
static void workers_that_share_the_port_connect_to_nobody(void **state)
{
	struct world *w = *state;
	struct rv_addr a;
	struct rv_port *ports[2];
	int fd = peer_open(false, &a);

	assert_int_equal(w->ops->ports(w->self, 2, ports, NULL), 0);
	send_all(w, ports[1], fd, &a, 2 * PATIENCE);
	mini_settle(w->core);
	assert_int_equal(connected_to(&a), 0);
	ports[0]->ops->close(ports[0]);
	ports[1]->ops->close(ports[1]);
	close(fd);
}

/* Each SA has its worker, whatever the port it comes from; keying messages reach the loop by the first. */
static void workers_part_what_arrives_by_spi(void **state)
{
	enum { N = 3 };
	struct world *w = *state;
	struct rv_port *ports[N];
	struct rx *rx = rx_new();

	assert_int_equal(w->ops->ports(w->self, N, ports, NULL), 0);
	for (unsigned i = 0; i < 24; i++) {
		struct rv_addr to = loopback(i & 1, w->ops->port(w->self, true)), from = { .family = to.family };
		uint8_t octets[40] = { 0, 0, 1, (uint8_t)i };
		struct rv_packet packet = { .data = octets, .len = sizeof(octets), .remote = to, .local = from };
		struct rv_packet *list[] = { &packet };
		unsigned spi = 256 + i;
		assert_int_equal(ports[i % N]->ops->send(ports[i % N], list, 1), 1);
		assert_int_equal(wait_recv(ports[spi % N], &rx->packet), 1);
		assert_int_equal(rx->packet.data[3], i);
		w->n = 0;
		assert_int_equal(w->ops->send(w->self, &from, &to, true, RV_STR("keying")), 0);
		assert_int_equal(wait_recv(ports[0], &rx->packet), 0);
		assert_true(mini_until(w->core, something, w));
	}
	for (int i = 0; i < N; i++)
		ports[i]->ops->close(ports[i]);
	free(rx);
}

static void several_workers_share_the_port(void **state)
{
	struct world *w = *state;
	struct rv_addr to = loopback(false, w->ops->port(w->self, true));
	struct rv_port *ports[3], *more[1];
	struct rx *rx = rx_new();
	size_t len = 0;

	assert_int_equal(w->ops->ports(w->self, 0, ports, NULL), -EINVAL);
	assert_int_equal(w->ops->ports(w->self, 3, ports, NULL), 0);
	assert_int_equal(w->ops->ports(w->self, 1, more, NULL), -RV_EIN_USE);
	send_train(w, ports[2], to, 0);
	for (int i = 0; i < 100 && len < 250; i++) {
		struct rv_packet *list[] = { &rx->packet };
		struct pollfd p = { .fd = ports[i % 3]->fd, .events = POLLIN };
		if (poll(&p, 1, 5) == 1 && ports[i % 3]->ops->recv(ports[i % 3], list, 1) == 1)
			len += rx->packet.len;
	}
	assert_int_equal(len, 250);
	for (int i = 0; i < 3; i++)
		ports[i]->ops->close(ports[i]);
	free(rx);
}

static void a_port_in_use_is_refused(void **state)
{
	struct world *w = *state;
	struct rv_core *other;
	char conf[200];

	snprintf(conf, sizeof(conf), "ravelin { plugins { wire-udp { port = %u \n port_nat_t = 0 } } }",
		 w->ops->port(w->self, false));
	assert_int_equal(mini_try(plugins, conf, NULL, &other), -EADDRINUSE);
	talloc_free(other);
}

static void count(void *arg, const struct letter *letter)
{
	++*(unsigned *)arg;
}

static void the_inbox_is_bounded(void **state)
{
	struct world *w = *state;
	struct inbox inbox;
	unsigned n = 0;
	struct rv_addr addr = { 0 };
	static const uint8_t half[INBOX_OCTETS / 2];

	assert_int_equal(inbox_init(&inbox, w->core->loop, count, &n), 0);
	for (int i = 0; i < INBOX_MESSAGES + 1; i++)
		inbox_put(&inbox, &addr, &addr, RV_STR("x"));
	assert_int_equal(inbox.dropped, 1);
	mini_settle(w->core);
	assert_int_equal(n, INBOX_MESSAGES);

	inbox_put(&inbox, &addr, &addr, rv_bytes(half, sizeof(half)));
	inbox_put(&inbox, &addr, &addr, rv_bytes(half, sizeof(half)));
	inbox_put(&inbox, &addr, &addr, RV_STR("x"));
	assert_int_equal(inbox.dropped, 2);
	mini_settle(w->core);
	assert_int_equal(n, INBOX_MESSAGES + 2);
	inbox_put(&inbox, &addr, &addr, RV_STR("x")); /* freed with the inbox */
	inbox_fini(&inbox);
	inbox_fini(&inbox);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_message_comes_with_its_addresses),
		TEST(an_answer_leaves_from_the_address_that_was_asked),
		TEST(a_large_message_arrives_whole),
		TEST(what_cannot_be_sent_is_refused),
		TEST(octets_are_classified),
		TEST(trains_of_esp_go_to_the_worker),
		TEST(keying_messages_among_esp_reach_the_loop),
		TEST(a_keying_message_at_the_end_of_a_train_reaches_the_loop),
		TEST(a_burst_goes_out_but_for_what_cannot),
		TEST(a_burst_comes_in_one_behind_the_other),
		TEST(several_workers_share_the_port),
		TEST(workers_part_what_arrives_by_spi),
		TEST(the_busy_peer_has_a_socket_of_its_own),
		TEST(what_leaves_from_another_address_is_not_of_the_connected_socket),
		TEST(a_peer_that_cannot_be_connected_to_harms_no_other),
		TEST(the_loop_connects_beside_traffic),
		TEST(a_peer_that_was_away_is_served_again),
		TEST(workers_that_share_the_port_connect_to_nobody),
		TEST(a_port_in_use_is_refused),
		TEST(the_inbox_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
