// SPDX-License-Identifier: LGPL-2.1-or-later
/* netlink: one request, its answers, and the sockets. */
#include "net.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

void nl_close(struct net *net)
{
	rv_io_del(&net->news_io);
	if (net->requests)
		mnl_socket_close(net->requests);
	if (net->news)
		mnl_socket_close(net->news);
}

static int prepare(struct mnl_socket *requests)
{
	/* a lost answer must not hang the loop: the kernel has answered long before this ends */
	struct timeval limit = { .tv_usec = 500000 };

	if (mnl_socket_bind(requests, 0, MNL_SOCKET_AUTOPID) ||
	    setsockopt(mnl_socket_get_fd(requests), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)))
		return -errno;
	return 0;
}

int nl_open(struct net *net)
{
	net->requests = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	net->news = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!net->requests || !net->news ||
	    mnl_socket_bind(net->news, RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_LINK, MNL_SOCKET_AUTOPID))
		return -errno;
	return prepare(net->requests);
}

struct nlmsghdr *nl_begin(void *buf, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *request = mnl_nlmsg_put_header(buf);

	request->nlmsg_type = type;
	request->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	return request;
}

struct search {
	uint16_t type;
	const struct nlattr *found;
};

static int look(const struct nlattr *attr, void *arg)
{
	struct search *search = arg;

	if (mnl_attr_get_type(attr) != search->type)
		return MNL_CB_OK;
	search->found = attr;
	return MNL_CB_STOP;
}

const struct nlattr *nl_attr(const struct nlmsghdr *message, unsigned head, uint16_t type)
{
	struct search search = { .type = type };

	(void)mnl_attr_parse(message, head, look, &search);
	return search.found;
}

static int ask(struct net *net, struct mnl_socket *socket, struct nlmsghdr *request, mnl_cb_t fn, void *arg)
{
	uint8_t answer[32768] __attribute__((aligned(8)));
	unsigned port = mnl_socket_get_portid(socket);
	int r = MNL_CB_OK;

	request->nlmsg_seq = ++net->seq;
	if ((request->nlmsg_flags & NLM_F_DUMP) != NLM_F_DUMP) /* NLM_F_REPLACE is one of its two bits */
		request->nlmsg_flags |= NLM_F_ACK;
	if (mnl_socket_sendto(socket, request, request->nlmsg_len) < 0)
		return -errno;
	while (r > MNL_CB_STOP) {
		ssize_t n = mnl_socket_recvfrom(socket, answer, sizeof(answer));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		r = mnl_cb_run(answer, (size_t)n, request->nlmsg_seq, port, fn, arg);
	}
	return r < 0 ? -errno : 0;
}

int nl_request(struct net *net, struct nlmsghdr *request, mnl_cb_t fn, void *arg)
{
	return ask(net, net->requests, request, fn, arg);
}

int nl_once(struct net *net, int bus, struct nlmsghdr *request, mnl_cb_t fn, void *arg)
{
	struct mnl_socket *socket = mnl_socket_open2(bus, SOCK_CLOEXEC);

	if (!socket)
		return -errno;
	int r = prepare(socket);
	r = r ? r : ask(net, socket, request, fn, arg);
	mnl_socket_close(socket);
	return r;
}
