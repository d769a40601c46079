// SPDX-License-Identifier: LGPL-2.1-or-later
/* address: which addresses are ours, as the kernel tells it, and which one a packet leaves from. */
#include "netlink.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <net/if.h>
#include <string.h>

enum { LOOPBACK_IFINDEX = 1 }; /* in every network namespace of Linux */

static struct local *find(const struct net *net, const struct rv_addr *addr, unsigned ifindex)
{
	rv_list_each (&net->locals, l, struct local, entry)
		if (rv_addr_same_ip(&l->addr, addr) && (!ifindex || l->ifindex == ifindex))
			return l;
	return NULL;
}

static bool read_address(const struct nlmsghdr *message, struct rv_addr *addr)
{
	const struct ifaddrmsg *head = mnl_nlmsg_get_payload(message);
	uint8_t family = head->ifa_family == AF_INET ? RV_IPV4 : head->ifa_family == AF_INET6 ? RV_IPV6 : 0;
	const struct nlattr *attr = nl_attr(message, sizeof(*head), IFA_LOCAL);

	if (!attr) /* where there are both, IFA_ADDRESS is the other end of a point-to-point link */
		attr = nl_attr(message, sizeof(*head), IFA_ADDRESS);
	*addr = (struct rv_addr){ .family = family };
	if (!attr || !family || mnl_attr_get_payload_len(attr) != rv_family_len(family))
		return false;
	memcpy(addr->ip, mnl_attr_get_payload(attr), rv_family_len(family));
	if (family == RV_IPV6 && addr->ip[0] == 0xfe && (addr->ip[1] & 0xc0) == 0x80)
		addr->scope = head->ifa_index;
	return true;
}

/* An address whose interface lost its link is still ours, but of no use. */
static void take_link(struct net *net, const struct nlmsghdr *message)
{
	const struct ifinfomsg *head = mnl_nlmsg_get_payload(message);
	bool up = (head->ifi_flags & IFF_UP) && (head->ifi_flags & IFF_RUNNING);

	rv_list_each (&net->locals, l, struct local, entry) {
		if ((int)l->ifindex != head->ifi_index || l->down == !up)
			continue;
		l->down = !up;
		if (net->events.address)
			net->events.address(net->events.arg, &l->addr, l->ifindex, up);
	}
}

/* What a session was lent is told to nobody: no path may lead from an address that needs the tunnel. */
static void note(struct net *net, const struct rv_addr *addr, unsigned ifindex, bool up, bool lent)
{
	struct local *l = find(net, addr, ifindex);

	if (up == (l != NULL))
		return;
	if (!up) {
		lent = l->lent;
		rv_list_del(&l->entry);
		talloc_free(l);
	} else {
		l = talloc_zero(net, struct local);
		if (!l)
			return;
		l->addr = *addr;
		l->ifindex = ifindex;
		l->lent = lent;
		rv_list_add(&net->locals, &l->entry);
	}
	if (net->events.address && !lent)
		net->events.address(net->events.arg, addr, ifindex, up);
}

static int take(const struct nlmsghdr *message, void *arg)
{
	const struct ifaddrmsg *head = mnl_nlmsg_get_payload(message);
	bool up = message->nlmsg_type == RTM_NEWADDR;
	struct rv_addr addr;

	if (message->nlmsg_type == RTM_NEWLINK)
		take_link(arg, message);
	if ((up || message->nlmsg_type == RTM_DELADDR) && read_address(message, &addr))
		note(arg, &addr, head->ifa_index, up, false);
	return MNL_CB_OK;
}

static int dump_of(struct net *net, uint16_t what)
{
	uint8_t buf[256] __attribute__((aligned(8)));
	struct nlmsghdr *request = nl_begin(buf, what, NLM_F_DUMP);
	struct rtgenmsg *general = mnl_nlmsg_put_extra_header(request, sizeof(*general));

	general->rtgen_family = AF_UNSPEC;
	return nl_request(net, request, take, net);
}

static int dump(struct net *net)
{
	int r = dump_of(net, RTM_GETADDR);

	return r ? r : dump_of(net, RTM_GETLINK);
}

static void news(struct rv_io *io, uint32_t events)
{
	struct net *net = rv_container_of(io, struct net, news_io);
	uint8_t buf[32768] __attribute__((aligned(8)));

	for (int i = 0; i < 16; i++) {
		ssize_t n = mnl_socket_recvfrom(net->news, buf, sizeof(buf));

		if (n < 0 && errno == ENOBUFS) /* some were lost: ask for all */
			(void)dump(net);
		if (n < 0)
			break;
		(void)mnl_cb_run(buf, (size_t)n, 0, 0, take, net);
	}
	path_sources(net);
}

int address_init(struct net *net)
{
	int r = dump(net);

	return r ? r : rv_io_add(&net->news_io, net->host->loop, mnl_socket_get_fd(net->news), 1 /* EPOLLIN */, news);
}

bool address_local(const struct net *net, const struct rv_addr *addr)
{
	const struct local *l = find(net, addr, 0);

	return l && !l->down;
}

static bool loopback(const struct rv_addr *addr)
{
	static const uint8_t one[16] = { [15] = 1 };

	return addr->family == RV_IPV4 ? addr->ip[0] == 127 : !memcmp(addr->ip, one, 16);
}

const struct rv_addr *address_inside(const struct net *net, const struct rv_ts *ts)
{
	rv_list_each (&net->locals, l, struct local, entry)
		if (l->addr.family == ts->family && !l->addr.scope &&
		    memcmp(l->addr.ip, ts->lo, rv_family_len(ts->family)) >= 0 &&
		    memcmp(l->addr.ip, ts->hi, rv_family_len(ts->family)) <= 0 && !loopback(&l->addr))
			return &l->addr;
	return NULL;
}

static bool clear_side(const struct net *net, unsigned ifindex)
{
	rv_list_each (&net->devices, d, struct device, entry)
		if (if_nametoindex(d->ifname) == ifindex)
			return true;
	return false;
}

int address_each(const struct net *net, rv_net_each_fn *fn, void *fn_arg)
{
	rv_list_each (&net->locals, l, struct local, entry) {
		if (l->addr.scope || l->lent || l->down || l->ifindex == LOOPBACK_IFINDEX ||
		    clear_side(net, l->ifindex))
			continue;
		int r = fn(fn_arg, &l->addr);
		if (r)
			return r;
	}
	return 0;
}

static int mark_of(struct rv_service *service, void *arg)
{
	const struct rv_wire_ops *ops = rv_service_ops(service);

	*(uint32_t *)arg = ops->mark(rv_service_self(service));
	return *(uint32_t *)arg != 0;
}

uint32_t wire_mark(struct net *net)
{
	uint32_t mark = 0;

	(void)rv_registry_each(net->host->registry, "wire", mark_of, &mark);
	return mark;
}

static int take_source(const struct nlmsghdr *message, void *arg)
{
	struct rv_addr *local = arg;
	const struct nlattr *attr = nl_attr(message, sizeof(struct rtmsg), RTA_PREFSRC);

	if (message->nlmsg_type == RTM_NEWROUTE && attr &&
	    mnl_attr_get_payload_len(attr) == rv_family_len(local->family))
		memcpy(local->ip, mnl_attr_get_payload(attr), rv_family_len(local->family));
	return MNL_CB_OK;
}

int address_source(struct net *net, const struct rv_addr *remote, struct rv_addr *local)
{
	uint8_t buf[256] __attribute__((aligned(8)));
	struct nlmsghdr *request = nl_begin(buf, RTM_GETROUTE, 0);
	struct rtmsg *route = mnl_nlmsg_put_extra_header(request, sizeof(*route));
	struct rv_addr found = { .family = remote->family };
	uint32_t mark = wire_mark(net);

	*route = (struct rtmsg){ .rtm_family = remote->family == RV_IPV6 ? AF_INET6 : AF_INET,
				 .rtm_dst_len = (uint8_t)(8 * rv_family_len(remote->family)) };
	mnl_attr_put(request, RTA_DST, rv_family_len(remote->family), remote->ip);
	if (mark)
		mnl_attr_put_u32(request, RTA_MARK, mark);
	if (remote->scope)
		mnl_attr_put_u32(request, RTA_OIF, remote->scope);
	int r = nl_request(net, request, take_source, &found);

	if (r)
		return r;
	if (rv_addr_is_any(&found))
		return -EADDRNOTAVAIL;
	*local = found;
	return 0;
}

int address_change(struct net *net, bool add, const struct rv_addr *addr, unsigned prefix, const char *ifname)
{
	uint8_t buf[256] __attribute__((aligned(8)));
	struct nlmsghdr *request =
		nl_begin(buf, add ? RTM_NEWADDR : RTM_DELADDR, add ? NLM_F_CREATE | NLM_F_REPLACE : 0);
	struct ifaddrmsg *head = mnl_nlmsg_put_extra_header(request, sizeof(*head));

	*head = (struct ifaddrmsg){ .ifa_family = addr->family == RV_IPV6 ? AF_INET6 : AF_INET,
				    .ifa_prefixlen = (uint8_t)prefix,
				    .ifa_flags = addr->family == RV_IPV6 ? IFA_F_NODAD : 0,
				    .ifa_index = if_nametoindex(ifname) };
	if (!head->ifa_index)
		return add ? -ENODEV : 0;
	mnl_attr_put(request, IFA_LOCAL, rv_family_len(addr->family), addr->ip);
	mnl_attr_put(request, IFA_ADDRESS, rv_family_len(addr->family), addr->ip);
	mnl_attr_put_u8(request, IFA_PROTO, PROTO);
	int r = nl_request(net, request, NULL, NULL);

	if (!r) { /* at once: the routes that are laid next name it as their source */
		note(net, addr, head->ifa_index, add, true);
		path_sources(net);
	}
	return !add && r == -EADDRNOTAVAIL ? 0 : r;
}

static bool is_ours(const struct nlmsghdr *message)
{
	const struct nlattr *proto = nl_attr(message, sizeof(struct ifaddrmsg), IFA_PROTO);

	return proto && mnl_attr_get_u8(proto) == PROTO;
}

void address_flush(struct net *net)
{
	nl_flush(net, RTM_GETADDR, RTM_DELADDR, AF_UNSPEC, is_ours);
}
