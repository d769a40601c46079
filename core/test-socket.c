// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-socket: what sockets are opened with, and what control messages carry over the loopback device. */
#include "test.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <ravelin/socket.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

static const struct rv_socket_option nothing[] = { { 0 } };

static const struct {
	const char *what, *ip;
	struct rv_socket_option options[3];
} families[] = {
	{ "IPv4", "127.0.0.1", { { IPPROTO_IP, IP_PKTINFO, 1, true }, { IPPROTO_IP, IP_RECVTOS, 1, true } } },
	{ "IPv6", "::1", { { IPPROTO_IPV6, IPV6_RECVPKTINFO, 1, true }, { IPPROTO_IPV6, IPV6_RECVTCLASS, 1, true } } },
};

static void an_option_that_is_no_must_may_fail(void **state)
{
	enum { UNKNOWN = 9999 };
	static const struct rv_socket_option may[] = { { SOL_SOCKET, UNKNOWN, 1 },
						       { SOL_SOCKET, SO_BROADCAST, 1, true },
						       { 0 } };
	static const struct rv_socket_option must[] = { { SOL_SOCKET, UNKNOWN, 1, true }, { 0 } };
	int fd = rv_socket_open(RV_IPV4, SOCK_DGRAM, 0, may), value = 0;
	socklen_t len = sizeof(value);

	assert_true(fd >= 0);
	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_BROADCAST, &value, &len), 0);
	assert_int_equal(value, 1);
	assert_int_equal(rv_socket_set(fd, must), -ENOPROTOOPT);
	close(fd);
	/* nothing is left open: the next one gets the same number */
	assert_int_equal(rv_socket_open(RV_IPV4, SOCK_DGRAM, 0, must), -ENOPROTOOPT);
	assert_int_equal(rv_socket_open(RV_IPV4, SOCK_DGRAM, 0, nothing), fd);
	char octet;
	assert_int_equal(recv(fd, &octet, 1, 0), -1);
	assert_int_equal(errno, EAGAIN);
	close(fd);
}

static void what_cannot_be_opened_leaves_nothing(void **state)
{
	static const struct rv_socket_option fails[] = { { SOL_SOCKET, 9999, 1, true }, { 0 } };
	static const struct rv_socket_option *const options[] = { nothing, fails };
	int fds[2] = { 7, 7 }, before = dup(0);

	close(before);
	/* -EPERM without CAP_NET_RAW, else the family that comes second fails */
	assert_true(rv_socket_raw(fds, IPPROTO_ESP, options, 0, -1) < 0);
	assert_int_equal(fds[0], -1);
	assert_int_equal(fds[1], -1);
	int after = dup(0);
	assert_int_equal(after, before);
	close(after);
}

struct told {
	struct rv_addr local;
	uint8_t tos;
};

/* One octet from fd to to, with these control messages; and what is told of it where it arrives, which is fd, too. */
static struct told pass(int fd, const struct rv_addr *to, const struct rv_addr *local, uint8_t tos)
{
	_Alignas(struct cmsghdr) uint8_t control[256] = { 0 };
	struct sockaddr_storage ss;
	char octet = 'x';
	struct iovec iov = { &octet, 1 };
	struct msghdr msg = { .msg_name = &ss, .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control };
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct told told = { .local = { .family = to->family, .port = 9 } };

	msg.msg_namelen = (socklen_t)rv_addr_to_sockaddr(to, &ss);
	rv_cmsg_put_origin(&msg, to->family, local, tos);
	assert_int_equal(sendmsg(fd, &msg, 0), 1);
	assert_int_equal(poll(&p, 1, 5000), 1);
	msg.msg_controllen = sizeof(control);
	assert_int_equal(recvmsg(fd, &msg, 0), 1);
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c))
		rv_cmsg_read(c, &told.local, &told.tos);
	return told;
}

static void origins_and_classes_travel_in_both_families(void **state)
{
	for (size_t i = 0; i < RV_COUNT(families); i++) {
		struct rv_addr to, any = { 0 };
		struct sockaddr_storage ss;
		assert_int_equal(rv_addr_parse(&to, families[i].ip), 0);
		int fd = rv_socket_open(to.family, SOCK_DGRAM, 0, families[i].options);
		socklen_t len = (socklen_t)rv_addr_to_sockaddr(&to, &ss);
		if (fd == -EAFNOSUPPORT || bind(fd, (struct sockaddr *)&ss, len))
			continue; /* a host without IPv6 */
		assert_int_equal(getsockname(fd, (struct sockaddr *)&ss, &len), 0);
		assert_int_equal(rv_addr_from_sockaddr(&to, &ss, len), 0);
		struct told told = pass(fd, &to, &to, 0xb8);
		assert_true(rv_addr_same_ip(&told.local, &to));
		assert_int_equal(told.local.port, 9);
		assert_int_equal(told.tos, 0xb8);
		told = pass(fd, &to, &any, 0);
		assert_true(rv_addr_same_ip(&told.local, &to));
		assert_int_equal(told.tos, 0);
		close(fd);
	}
}

/* 127.0.0.2 is this host's, too: a packet leaves from where it is told to. */
static void a_packet_leaves_from_the_address_that_is_named(void **state)
{
	struct rv_addr to, from, seen;
	struct sockaddr_storage ss;
	_Alignas(struct cmsghdr) uint8_t control[64] = { 0 };
	char octet = 'x';
	struct iovec iov = { &octet, 1 };
	struct msghdr msg = { .msg_name = &ss, .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control };
	int fd = rv_socket_open(RV_IPV4, SOCK_DGRAM, 0, families[0].options);

	assert_int_equal(rv_addr_parse(&to, "127.0.0.1"), 0);
	assert_int_equal(rv_addr_parse(&from, "127.0.0.2"), 0);
	socklen_t len = (socklen_t)rv_addr_to_sockaddr(&(struct rv_addr){ .family = RV_IPV4 }, &ss);
	assert_int_equal(bind(fd, (struct sockaddr *)&ss, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&ss, &len), 0);
	assert_int_equal(rv_addr_from_sockaddr(&seen, &ss, len), 0);
	to.port = seen.port;
	msg.msg_namelen = (socklen_t)rv_addr_to_sockaddr(&to, &ss);
	rv_cmsg_put_origin(&msg, RV_IPV4, &from, 0);
	assert_int_equal(sendmsg(fd, &msg, 0), 1);
	len = sizeof(ss);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	assert_int_equal(poll(&p, 1, 5000), 1);
	assert_int_equal(recvfrom(fd, &octet, 1, 0, (struct sockaddr *)&ss, &len), 1);
	assert_int_equal(rv_addr_from_sockaddr(&seen, &ss, len), 0);
	assert_true(rv_addr_same_ip(&seen, &from));
	close(fd);
}

static void values_of_one_octet_and_of_four_are_read(void **state)
{
	_Alignas(struct cmsghdr) uint8_t control[128] = { 0 };
	struct msghdr msg = { .msg_control = control };
	const uint8_t octet = 0xb8;
	const int value = 1400;

	rv_cmsg_put(&msg, IPPROTO_IP, IP_TOS, &octet, sizeof(octet));
	rv_cmsg_put(&msg, IPPROTO_IP, IP_TTL, &value, sizeof(value));
	rv_cmsg_put(&msg, IPPROTO_IP, IP_TTL, &value, 2);
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	assert_int_equal(rv_cmsg_int(c), 0xb8);
	c = CMSG_NXTHDR(&msg, c);
	assert_int_equal(rv_cmsg_int(c), 1400);
	c = CMSG_NXTHDR(&msg, c);
	assert_int_equal(rv_cmsg_int(c), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_option_that_is_no_must_may_fail),
		cmocka_unit_test(what_cannot_be_opened_leaves_nothing),
		cmocka_unit_test(origins_and_classes_travel_in_both_families),
		cmocka_unit_test(a_packet_leaves_from_the_address_that_is_named),
		cmocka_unit_test(values_of_one_octet_and_of_four_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
