// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-datapath-tun: devices in a namespace of the test's own; packets of the host's stack in and out. */
#include "test.h"

#include "datapath-tun.h"
#include "mini.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

extern const struct rv_plugin rv_plugin_datapath_tun;

static const struct mini_plugin plugins[] = { { "datapath-tun", &rv_plugin_datapath_tun, DATAPATH_TUN_SCHEMA },
					      { NULL } };

struct world {
	struct rv_core *core;
	const struct rv_datapath_ops *ops;
	void *self;
	struct rv_why why;
};

static void load(struct world *w, const char *conf)
{
	*w = (struct world){ .core = mini_new(plugins, conf, NULL) };
	w->ops = mini_ops(w->core, "datapath", "tun", &w->self);
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	load(w, "");
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

/* An address on a device, so that the stack sends and takes packets there. */
static void address(const char *ifname, const char *ip)
{
	struct ifreq ifr = { 0 };
	struct sockaddr_in in = { .sin_family = AF_INET };
	int s = socket(AF_INET, SOCK_DGRAM, 0);

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", ifname);
	inet_pton(AF_INET, ip, &in.sin_addr);
	memcpy(&ifr.ifr_addr, &in, sizeof(in));
	assert_int_equal(ioctl(s, SIOCSIFADDR, &ifr), 0);
	inet_pton(AF_INET, "255.255.255.0", &in.sin_addr);
	memcpy(&ifr.ifr_netmask, &in, sizeof(in));
	assert_int_equal(ioctl(s, SIOCSIFNETMASK, &ifr), 0);
	close(s);
}

static int get(const char *ifname, unsigned long what)
{
	struct ifreq ifr = { 0 };
	int s = socket(AF_INET, SOCK_DGRAM, 0);

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", ifname);
	int r = ioctl(s, what, &ifr) ? -errno : what == SIOCGIFMTU ? ifr.ifr_mtu : ifr.ifr_flags;
	close(s);
	return r;
}

struct rx {
	struct rv_packet packet;
	uint8_t buf[66000];
};

/* The next IPv4 packet that is UDP; others (IPv6's own) are passed over. */
static bool next_udp(struct rv_port *port, struct rx *rx)
{
	struct pollfd p = { .fd = port->fd, .events = POLLIN };
	struct rv_packet *list[] = { &rx->packet };

	rx->packet = (struct rv_packet){ .buf = rx->buf, .cap = sizeof(rx->buf) };
	for (int i = 0; i < 50; i++) {
		if (poll(&p, 1, 100) == 1 && port->ops->recv(port, list, 1) == 1 && rx->packet.data[0] >> 4 == 4 &&
		    rx->packet.data[9] == 17)
			return true;
	}
	return false;
}

static int udp_to(const char *ip, uint16_t port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	inet_pton(AF_INET, ip, &to.sin_addr);
	assert_int_equal(connect(s, (struct sockaddr *)&to, sizeof(to)), 0);
	return s;
}

static void a_device_comes_up_and_goes(void **state)
{
	struct world *w = *state;
	struct rv_port *port;
	char ifname[16];
	unsigned ifindex = 0;

	assert_int_equal(w->ops->open(w->self, NULL, 1, &port, ifname, &ifindex, &w->why), 0);
	assert_string_equal(ifname, "ravelin0");
	assert_int_equal(if_nametoindex("ravelin0"), ifindex);
	assert_int_equal(get(ifname, SIOCGIFMTU), 1400);
	assert_true(get(ifname, SIOCGIFFLAGS) & IFF_UP);
	assert_int_equal(port->mtu, 1400);
	port->ops->close(port);
	assert_int_equal(if_nametoindex("ravelin0"), 0);
}

static void settings_are_followed(void **state)
{
	struct world w;
	struct rv_port *port;
	char ifname[16];
	unsigned ifindex;

	load(&w, "ravelin { plugins { datapath-tun { interface = rv-test \n mtu = 1300 \n offload = no } } }");
	assert_int_equal(w.ops->open(w.self, NULL, 1, &port, ifname, &ifindex, &w.why), 0);
	assert_string_equal(ifname, "rv-test");
	assert_int_equal(get(ifname, SIOCGIFMTU), 1300);
	assert_false(port->takes_trains);
	port->ops->close(port);
	talloc_free(w.core);
}

static void names_are_checked(void **state)
{
	static const char *const bad[] = { "", ".", "..", "a/b", "tun%d", "a:b", "a b", "sixteen-letters-" };
	struct world *w = *state;
	struct rv_port *port;
	char ifname[16];
	unsigned ifindex;

	for (size_t i = 0; i < RV_COUNT(bad); i++)
		assert_int_equal(w->ops->open(w->self, bad[i], 1, &port, ifname, &ifindex, &w->why), -EINVAL);
	assert_int_equal(w->ops->open(w->self, "fifteen-letters", 1, &port, ifname, &ifindex, &w->why), 0);
	port->ops->close(port);
	assert_int_equal(w->ops->open(w->self, "x", 0, &port, ifname, &ifindex, &w->why), -EINVAL);
	assert_true(w->ops->open(w->self, "lo", 1, &port, ifname, &ifindex, &w->why) < 0);
	assert_non_null(strstr(w->why.text, "lo"));
}

static void packets_pass_both_ways(void **state)
{
	struct world *w = *state;
	struct rv_port *port;
	struct rx *rx = calloc(1, sizeof(*rx));
	char ifname[16], text[16] = { 0 };
	unsigned ifindex;

	assert_int_equal(w->ops->open(w->self, "own0", 1, &port, ifname, &ifindex, &w->why), 0);
	address(ifname, "10.77.0.1");
	int s = udp_to("10.77.0.2", 9);
	assert_int_equal(send(s, "question", 8, 0), 8);
	assert_true(next_udp(port, rx));
	assert_int_equal(rx->packet.len, 36);
	assert_ptr_equal(rx->packet.data, rx->buf + RV_HEADROOM);
	assert_memory_equal(rx->packet.data + 28, "question", 8);

	/* the same packet back, addresses and ports changed over; the checksums stay right */
	uint8_t *p = rx->packet.data, swap[4];
	struct rv_packet *list[] = { &rx->packet };
	memcpy(swap, p + 12, 4);
	memcpy(p + 12, p + 16, 4);
	memcpy(p + 16, swap, 4);
	memcpy(swap, p + 20, 2);
	memcpy(p + 20, p + 22, 2);
	memcpy(p + 22, swap, 2);
	p[26] = p[27] = 0; /* no UDP checksum */
	memset(rx->packet.vnet, 0, sizeof(rx->packet.vnet));
	assert_int_equal(port->ops->send(port, list, 1), 1);
	struct pollfd poll_s = { .fd = s, .events = POLLIN };
	assert_int_equal(poll(&poll_s, 1, 1000), 1);
	assert_int_equal(recv(s, text, sizeof(text), 0), 8);
	assert_string_equal(text, "question");

	list[0]->data[0] = 0; /* no IP: the device refuses it */
	assert_int_equal(port->ops->send(port, list, 1), 0);
	close(s);
	port->ops->close(port);
	free(rx);
}

static void put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static uint16_t folded(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)(sum + (sum >> 16));
}

/* Three datagrams in one piece are three for the host's own sockets. */
static void a_train_of_datagrams_is_cut_by_the_host(void **state)
{
	enum { PART = 80, LAST = 30, LEN = 28 + 2 * PART + LAST };
	struct world *w = *state;
	struct rv_port *port;
	struct sockaddr_in own = { .sin_family = AF_INET };
	uint8_t p[LEN] = { 0x45, 0, 0, LEN, 0, 0, 0x40, 0, 64, 17, 0, 0, 10, 79, 0, 2, 10, 79, 0, 1 }, got[PART];
	struct virtio_net_hdr vnet = { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
				       .gso_type = 5,
				       .hdr_len = 28,
				       .gso_size = PART,
				       .csum_start = 20,
				       .csum_offset = 6 };
	struct rv_packet packet = { .buf = p, .data = p, .cap = LEN, .len = LEN }, *list[] = { &packet };
	socklen_t len = sizeof(own);
	uint32_t header = 0;
	char ifname[16];
	unsigned ifindex;

	assert_int_equal(w->ops->open(w->self, "uso0", 1, &port, ifname, &ifindex, &w->why), 0);
	if (!port->takes_udp_trains) {
		port->ops->close(port);
		skip(); /* before Linux 6.2 */
	}
	address(ifname, "10.79.0.1");
	int s = socket(AF_INET, SOCK_DGRAM, 0);
	inet_pton(AF_INET, "10.79.0.1", &own.sin_addr);
	assert_int_equal(bind(s, (struct sockaddr *)&own, len), 0);
	assert_int_equal(getsockname(s, (struct sockaddr *)&own, &len), 0);
	memset(p + 28, 'x', LEN - 28);
	put16(p + 20, 1234);
	put16(p + 22, ntohs(own.sin_port));
	put16(p + 24, LEN - 20);
	put16(p + 26, folded(17 + LEN - 20 + 0x0a4f + 2 + 0x0a4f + 1)); /* of the pseudo header */
	for (int i = 0; i < 20; i += 2)
		header += (uint32_t)(p[i] << 8 | p[i + 1]);
	put16(p + 10, (uint16_t)~folded(header));
	memcpy(packet.vnet, &vnet, sizeof(vnet));
	assert_int_equal(port->ops->send(port, list, 1), 1);
	for (int i = 0; i < 3; i++) {
		struct pollfd readable = { .fd = s, .events = POLLIN };
		assert_int_equal(poll(&readable, 1, 5000), 1);
		assert_int_equal(recv(s, got, sizeof(got), 0), i < 2 ? PART : LAST);
	}
	close(s);
	port->ops->close(port);
}

static void several_queues_are_one_device(void **state)
{
	struct world *w = *state;
	struct rv_port *ports[3];
	struct rx *rx = calloc(1, sizeof(*rx));
	char ifname[16];
	unsigned ifindex;
	int got = 0;

	assert_int_equal(w->ops->open(w->self, "many0", 3, ports, ifname, &ifindex, &w->why), 0);
	address(ifname, "10.78.0.1");
	for (uint16_t i = 0; i < 20; i++) {
		int s = udp_to("10.78.0.2", (uint16_t)(1000 + i));
		assert_int_equal(send(s, "x", 1, 0), 1);
		close(s);
	}
	for (int i = 0; i < 300 && got < 20; i++) {
		struct rv_packet *list[] = { &rx->packet };
		rx->packet = (struct rv_packet){ .buf = rx->buf, .cap = sizeof(rx->buf) };
		struct pollfd p = { .fd = ports[i % 3]->fd, .events = POLLIN };
		if (poll(&p, 1, 5) == 1 && ports[i % 3]->ops->recv(ports[i % 3], list, 1) == 1)
			got += rx->packet.data[0] >> 4 == 4 && rx->packet.data[9] == 17;
	}
	assert_int_equal(got, 20);
	for (int i = 0; i < 3; i++)
		ports[i]->ops->close(ports[i]);
	assert_int_equal(if_nametoindex("many0"), 0);
	free(rx);
}

static void nothing_waiting_is_no_packet(void **state)
{
	struct world *w = *state;
	struct rv_port *port;
	struct rx *rx = calloc(1, sizeof(*rx));
	struct rv_packet *list[] = { &rx->packet };
	char ifname[16];
	unsigned ifindex;
	int n = 1;

	rx->packet = (struct rv_packet){ .buf = rx->buf, .cap = sizeof(rx->buf) };
	assert_int_equal(w->ops->open(w->self, "idle0", 1, &port, ifname, &ifindex, &w->why), 0);
	for (int i = 0; i < 100 && n; i++)
		n = port->ops->recv(port, list, 1);
	assert_int_equal(n, 0);
	port->ops->close(port);
	free(rx);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_device_comes_up_and_goes),
		TEST(settings_are_followed),
		TEST(names_are_checked),
		TEST(packets_pass_both_ways),
		TEST(a_train_of_datagrams_is_cut_by_the_host),
		TEST(several_queues_are_one_device),
		TEST(nothing_waiting_is_no_packet),
	};

	if (access("/dev/net/tun", R_OK | W_OK)) {
		puts("1..0 # SKIP no /dev/net/tun here");
		return MINI_SKIPPED;
	}
	if (!mini_own_net())
		return MINI_SKIPPED;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
