// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-icmp-raw: errors over the loopback device of a namespace of the test's own. */
#include "test.h"

#include "mini.h"

#include <errno.h>
#include <netinet/in.h>
#include <ravelin/datapath.h>
#include <sys/socket.h>
#include <unistd.h>

extern const struct rv_plugin rv_plugin_icmp_raw;

static const struct mini_plugin plugins[] = { { "icmp-raw", &rv_plugin_icmp_raw, NULL }, { NULL } };

struct heard {
	unsigned n;
	struct rv_addr router;
	uint8_t octets[64];
	size_t len;
};

static void hear(void *arg, const struct rv_addr *router, struct rv_bytes message)
{
	struct heard *heard = arg;

	heard->n++;
	heard->router = *router;
	heard->len = message.len < sizeof(heard->octets) ? message.len : sizeof(heard->octets);
	memcpy(heard->octets, message.p, heard->len);
}

/* The system computes the checksum of ICMPv6; that of IPv4 nobody looks at on a raw socket. */
static void send_to_self(int family, uint8_t type, uint8_t code)
{
	uint8_t p[40] = { type, code, [7] = 99, [8] = 0x45 };
	struct sockaddr_storage ss;
	struct rv_addr addr;
	int fd = socket(family, SOCK_RAW | SOCK_CLOEXEC, family == AF_INET6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP);

	assert_true(fd >= 0);
	assert_int_equal(rv_addr_parse(&addr, family == AF_INET6 ? "::1" : "127.0.0.1"), 0);
	socklen_t len = (socklen_t)rv_addr_to_sockaddr(&addr, &ss);
	assert_int_equal(sendto(fd, p, sizeof(p), 0, (struct sockaddr *)&ss, len), sizeof(p));
	close(fd);
}

static void turns(struct rv_core *core, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		(void)rv_loop_turn(core->loop, 10000);
}

/* RFC 4301, 8.2: "destination unreachable" and "packet too big", and nothing else. */
static void two_kinds_of_errors_are_heard(void **state)
{
	struct rv_core *core = mini_new(plugins, "", NULL);
	struct heard heard = { 0 };
	struct rv_why why = { 0 };
	void *self;
	const struct rv_icmp_ops *ops = mini_ops(core, "icmp", "raw", &self);

	assert_int_equal(ops->listen(self, hear, &heard, &why), 0);
	assert_int_equal(ops->listen(self, hear, &heard, &why), -RV_EIN_USE);
	send_to_self(AF_INET, 3, 4);
	turns(core, 5);
	assert_int_equal(heard.n, 1);
	assert_int_equal(heard.router.family, RV_IPV4);
	assert_int_equal(heard.len, 40);
	assert_int_equal(heard.octets[0], 3);
	assert_int_equal(heard.octets[7], 99);
	send_to_self(AF_INET6, 2, 0);
	turns(core, 5);
	assert_int_equal(heard.n, 2);
	assert_int_equal(heard.router.family, RV_IPV6);
	assert_int_equal(heard.octets[0], 2);
	/* echo requests and replies, times exceeded, router advertisements */
	send_to_self(AF_INET, 8, 0);
	send_to_self(AF_INET, 11, 0);
	send_to_self(AF_INET6, 128, 0);
	send_to_self(AF_INET6, 134, 0);
	turns(core, 5);
	assert_int_equal(heard.n, 2);
	assert_int_equal(ops->listen(self, NULL, NULL, NULL), 0);
	send_to_self(AF_INET, 3, 4);
	turns(core, 5);
	assert_int_equal(heard.n, 2);
	talloc_free(core);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(two_kinds_of_errors_are_heard) };

	if (!mini_own_net())
		return MINI_SKIPPED;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
