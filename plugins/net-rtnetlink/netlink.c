// SPDX-License-Identifier: LGPL-2.1-or-later
/* netlink: one request, its answers, and the sockets. */
#include "netlink.h"

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

/* What is to be taken out: whole messages, one behind the other. */
struct stale {
	bool (*ours)(const struct nlmsghdr *message);
	uint8_t *messages; /* talloc array */
	size_t len;
};

static int take_stale(const struct nlmsghdr *message, void *arg)
{
	struct stale *stale = arg;
	size_t len = MNL_ALIGN(message->nlmsg_len);

	if (!stale->ours(message))
		return MNL_CB_OK;
	uint8_t *more = talloc_realloc(NULL, stale->messages, uint8_t, stale->len + len);

	if (!more)
		return MNL_CB_ERROR;
	stale->messages = more;
	memcpy(more + stale->len, message, message->nlmsg_len);
	stale->len += len;
	return MNL_CB_OK;
}

void nl_flush(struct net *net, uint16_t get, uint16_t del, uint8_t family, bool (*ours)(const struct nlmsghdr *message))
{
	uint8_t buf[256] __attribute__((aligned(8)));
	struct stale stale = { .ours = ours };
	struct nlmsghdr *request = nl_begin(buf, get, NLM_F_DUMP);
	struct rtgenmsg *general = mnl_nlmsg_put_extra_header(request, sizeof(*general));

	general->rtgen_family = family;
	(void)nl_request(net, request, take_stale, &stale);
	for (size_t at = 0; at < stale.len;) {
		struct nlmsghdr *message = (struct nlmsghdr *)(void *)(stale.messages + at);

		at += MNL_ALIGN(message->nlmsg_len);
		message->nlmsg_type = del;
		message->nlmsg_flags = NLM_F_REQUEST;
		(void)nl_request(net, message, NULL, NULL);
	}
	talloc_free(stale.messages);
}
