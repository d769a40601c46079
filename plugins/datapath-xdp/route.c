// SPDX-License-Identifier: LGPL-2.1-or-later
/* route: asks the system by rtnetlink, on the loop: the way to a peer and its neighbour's address, what an interface is
 * now, and whether any of that changed.
 */
#include "xdp.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { REQUEST = 512, ANSWER = 32768 };

static const unsigned groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE |
			       RTMGRP_IPV6_ROUTE | RTMGRP_IPV4_RULE;

static struct nlmsghdr *begin(void *buf, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *request = mnl_nlmsg_put_header(buf);

	request->nlmsg_type = type;
	request->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	return request;
}

static int ask(struct xdp *xdp, struct nlmsghdr *request, mnl_cb_t fn, void *arg)
{
	uint8_t answer[ANSWER] __attribute__((aligned(8)));
	unsigned port = mnl_socket_get_portid(xdp->requests);
	int r = MNL_CB_OK;

	request->nlmsg_seq = ++xdp->seq;
	if (!(request->nlmsg_flags & NLM_F_DUMP))
		request->nlmsg_flags |= NLM_F_ACK;
	if (mnl_socket_sendto(xdp->requests, request, request->nlmsg_len) < 0)
		return -errno;
	while (r > MNL_CB_STOP) {
		ssize_t n = mnl_socket_recvfrom(xdp->requests, answer, sizeof(answer));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		r = mnl_cb_run(answer, (size_t)n, request->nlmsg_seq, port, fn, arg);
	}
	return r < 0 ? -errno : 0;
}

struct search {
	uint16_t type;
	const struct nlattr *found;
};

static int look(const struct nlattr *attr, void *arg)
{
	struct search *search = arg;

	if (mnl_attr_get_type(attr) == search->type)
		search->found = attr;
	return MNL_CB_OK;
}

/* An attribute of exactly len octets (0: of any length), or NULL. */
static const void *attr_of(const struct nlmsghdr *message, unsigned head, uint16_t type, size_t len)
{
	struct search search = { .type = type };

	(void)mnl_attr_parse(message, head, look, &search);
	if (!search.found || (len && mnl_attr_get_payload_len(search.found) != len))
		return NULL;
	return mnl_attr_get_payload(search.found);
}

static uint32_t u32_of(const struct nlmsghdr *message, unsigned head, uint16_t type)
{
	const void *octets = attr_of(message, head, type, 4);
	uint32_t value = 0;

	if (octets)
		memcpy(&value, octets, sizeof(value));
	return value;
}

/* Interfaces */

static int take_link(const struct nlmsghdr *message, void *arg)
{
	struct device *device = arg;
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(message);
	const void *mac = attr_of(message, sizeof(*info), IFLA_ADDRESS, FRAME_MAC);

	if (message->nlmsg_type != RTM_NEWLINK || info->ifi_type != ARPHRD_ETHER || !mac)
		return MNL_CB_OK;
	memcpy(device->mac, mac, FRAME_MAC);
	device->mtu = u32_of(message, sizeof(*info), IFLA_MTU);
	device->up = (info->ifi_flags & (IFF_UP | IFF_RUNNING)) == (IFF_UP | IFF_RUNNING);
	return MNL_CB_OK;
}

int route_look(struct xdp *xdp, struct device *device)
{
	uint8_t buf[REQUEST] __attribute__((aligned(8)));
	struct nlmsghdr *request = begin(buf, RTM_GETLINK, 0);
	struct ifinfomsg *info = mnl_nlmsg_put_extra_header(request, sizeof(*info));

	info->ifi_index = (int)device->index;
	device->mtu = 0;
	device->up = false;
	int r = ask(xdp, request, take_link, device);
	return r ? r : device->mtu ? 0 : -EOPNOTSUPP;
}

struct terms_of {
	const struct device *device;
	struct program_terms terms;
	unsigned n4, n6, left_out;
};

static int take_address(const struct nlmsghdr *message, void *arg)
{
	struct terms_of *t = arg;
	const struct ifaddrmsg *info = mnl_nlmsg_get_payload(message);
	bool v4 = info->ifa_family == AF_INET;
	const void *ip = attr_of(message, sizeof(*info), IFA_LOCAL, v4 ? 4 : 16);

	if (!ip)
		ip = attr_of(message, sizeof(*info), IFA_ADDRESS, v4 ? 4 : 16);
	if (!ip || info->ifa_index != t->device->index || (!v4 && info->ifa_family != AF_INET6) ||
	    (!v4 && info->ifa_scope == RT_SCOPE_LINK) || info->ifa_flags & IFA_F_TENTATIVE)
		return MNL_CB_OK;
	if ((v4 ? t->n4 : t->n6) == PROGRAM_ADDRS)
		t->left_out++;
	else if (v4)
		memcpy(t->terms.v4[t->n4++], ip, 4);
	else
		memcpy(t->terms.v6[t->n6++], ip, 16);
	return MNL_CB_OK;
}

static void set_terms(struct xdp *xdp, struct device *device)
{
	struct terms_of t = { .device = device };
	uint8_t buf[REQUEST] __attribute__((aligned(8)));
	struct nlmsghdr *request = begin(buf, RTM_GETADDR, NLM_F_DUMP);
	uint16_t port = xdp->wires[1].n_ports ? xdp->port : 0;

	mnl_nlmsg_put_extra_header(request, sizeof(struct ifaddrmsg));
	memcpy(t.terms.mac, device->mac, FRAME_MAC);
	t.terms.port[0] = (uint8_t)(port >> 8);
	t.terms.port[1] = (uint8_t)port;
	t.terms.raw = xdp->wires[0].n_ports > 0;
	if (device->up && (port || t.terms.raw) && ask(xdp, request, take_address, &t))
		t.terms = (struct program_terms){ .raw = 0 };
	if (t.left_out)
		rv_log(&xdp->host->subject, RV_WARN, "addresses-left-out", KV_STR("interface", device->name),
		       KV_UINT("n", t.left_out), KV_STR("note", "their ESP goes the ordinary way"));
	*device->program.terms = t.terms;
}

void route_terms(struct xdp *xdp)
{
	for (unsigned i = 0; i < xdp->n_devices; i++)
		set_terms(xdp, &xdp->devices[i]);
}

/* Ways */

struct hop {
	struct rv_addr to; /* the next hop */
	uint32_t ifindex, mtu;
	const uint8_t *mac;
	uint8_t octets[FRAME_MAC];
};

static int take_metric(const struct nlattr *attr, void *arg)
{
	if (mnl_attr_get_type(attr) == RTAX_MTU && mnl_attr_get_payload_len(attr) == 4)
		*(uint32_t *)arg = mnl_attr_get_u32(attr);
	return MNL_CB_OK;
}

static int take_route(const struct nlmsghdr *message, void *arg)
{
	struct hop *hop = arg;
	const struct rtmsg *route = mnl_nlmsg_get_payload(message);
	struct search metrics = { .type = RTA_METRICS };
	size_t len = rv_family_len(hop->to.family);
	const void *gateway = attr_of(message, sizeof(*route), RTA_GATEWAY, len);

	if (message->nlmsg_type != RTM_NEWROUTE || route->rtm_type != RTN_UNICAST ||
	    attr_of(message, sizeof(*route), RTA_VIA, 0) || attr_of(message, sizeof(*route), RTA_ENCAP_TYPE, 0))
		return MNL_CB_OK;
	hop->ifindex = u32_of(message, sizeof(*route), RTA_OIF);
	if (gateway)
		memcpy(hop->to.ip, gateway, len);
	(void)mnl_attr_parse(message, sizeof(*route), look, &metrics);
	if (metrics.found)
		(void)mnl_attr_parse_nested(metrics.found, take_metric, &hop->mtu);
	return MNL_CB_OK;
}

static int find_route(struct xdp *xdp, const struct path *path, struct hop *hop)
{
	uint8_t buf[REQUEST] __attribute__((aligned(8)));
	struct nlmsghdr *request = begin(buf, RTM_GETROUTE, 0);
	struct rtmsg *route = mnl_nlmsg_put_extra_header(request, sizeof(*route));
	size_t len = rv_family_len(path->remote.family);

	*route = (struct rtmsg){ .rtm_family = len == 4 ? AF_INET : AF_INET6,
				 .rtm_dst_len = (uint8_t)(8 * len),
				 .rtm_src_len = (uint8_t)(8 * len) };
	mnl_attr_put(request, RTA_DST, len, path->remote.ip);
	mnl_attr_put(request, RTA_SRC, len, path->local.ip);
	mnl_attr_put_u32(request, RTA_MARK, xdp->mark);
	return ask(xdp, request, take_route, hop);
}

static int take_neighbour(const struct nlmsghdr *message, void *arg)
{
	static const unsigned usable = NUD_PERMANENT | NUD_NOARP | NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE;
	struct hop *hop = arg;
	const struct ndmsg *neighbour = mnl_nlmsg_get_payload(message);
	const void *mac = attr_of(message, sizeof(*neighbour), NDA_LLADDR, FRAME_MAC);

	if (message->nlmsg_type != RTM_NEWNEIGH || !(neighbour->ndm_state & usable) || !mac)
		return MNL_CB_OK;
	memcpy(hop->octets, mac, FRAME_MAC);
	hop->mac = hop->octets;
	return MNL_CB_OK;
}

static int find_neighbour(struct xdp *xdp, struct hop *hop)
{
	uint8_t buf[REQUEST] __attribute__((aligned(8)));
	struct nlmsghdr *request = begin(buf, RTM_GETNEIGH, 0);
	struct ndmsg *neighbour = mnl_nlmsg_put_extra_header(request, sizeof(*neighbour));
	size_t len = rv_family_len(hop->to.family);

	*neighbour = (struct ndmsg){ .ndm_family = len == 4 ? AF_INET : AF_INET6, .ndm_ifindex = (int)hop->ifindex };
	mnl_attr_put(request, NDA_DST, len, hop->to.ip);
	return ask(xdp, request, take_neighbour, hop);
}

static const struct device *device_of(const struct xdp *xdp, uint32_t ifindex)
{
	for (unsigned i = 0; i < xdp->n_devices; i++)
		if (xdp->devices[i].index == ifindex && xdp->devices[i].up)
			return &xdp->devices[i];
	return NULL;
}

void route_resolve(struct xdp *xdp, struct path *path)
{
	struct hop hop = { .to = path->remote };

	path->generation = atomic_load_explicit(&xdp->generation, memory_order_relaxed);
	path->known = true;
	path->device = NULL;
	if (find_route(xdp, path, &hop))
		return;
	const struct device *device = device_of(xdp, hop.ifindex);
	if (!device)
		return;
	/* the system has just begun to ask for a neighbour that it does not know: soon again */
	path->known = !find_neighbour(xdp, &hop) && hop.mac;
	if (!path->known)
		return;
	path->device = device;
	path->mtu = hop.mtu && hop.mtu < device->mtu ? hop.mtu : device->mtu;
	memcpy(path->to, hop.mac, FRAME_MAC);
	memcpy(path->from, device->mac, FRAME_MAC);
}

/* News: all ways are asked for anew. */
static void changed(struct rv_io *io, uint32_t events)
{
	struct xdp *xdp = rv_container_of(io, struct xdp, news_io);
	uint8_t octets[ANSWER];
	bool any = false;

	for (int i = 0; i < 64; i++) {
		ssize_t n = recv(io->fd, octets, sizeof(octets), MSG_DONTWAIT);
		if (n < 0 && errno != ENOBUFS && errno != EINTR)
			break;
		any = true;
	}
	if (!any)
		return;
	for (unsigned i = 0; i < xdp->n_devices; i++)
		(void)route_look(xdp, &xdp->devices[i]);
	route_terms(xdp);
	atomic_fetch_add_explicit(&xdp->generation, 1, memory_order_relaxed);
}

int route_open(struct xdp *xdp)
{
	struct timeval limit = { .tv_usec = 500000 }; /* a lost answer must not hang the loop */

	xdp->requests = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	xdp->news = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!xdp->requests || !xdp->news || mnl_socket_bind(xdp->requests, 0, MNL_SOCKET_AUTOPID) ||
	    mnl_socket_bind(xdp->news, groups, MNL_SOCKET_AUTOPID) ||
	    setsockopt(mnl_socket_get_fd(xdp->requests), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)))
		return -errno;
	return rv_io_add(&xdp->news_io, xdp->host->loop, mnl_socket_get_fd(xdp->news), EPOLLIN, changed);
}

void route_close(struct xdp *xdp)
{
	rv_io_del(&xdp->news_io);
	if (xdp->requests)
		mnl_socket_close(xdp->requests);
	if (xdp->news)
		mnl_socket_close(xdp->news);
	xdp->requests = xdp->news = NULL;
}
