// SPDX-License-Identifier: LGPL-2.1-or-later
/* count: how many packets the guard dropped, as its nftables counters say.
 *
 * One counter is asked for at a time: libnftables would read the whole table, with every element of its sets.
 */
#include "guard.h"
#include "netlink.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

static int take_attr(const struct nlattr *attr, void *arg)
{
	if (mnl_attr_get_type(attr) == NFTA_COUNTER_PACKETS &&
	    !mnl_attr_validate2(attr, MNL_TYPE_UNSPEC, sizeof(uint64_t)))
		*(uint64_t *)arg = be64toh(mnl_attr_get_u64(attr));
	return MNL_CB_OK;
}

static int take(const struct nlmsghdr *message, void *arg)
{
	const struct nlattr *data = nl_attr(message, sizeof(struct nfgenmsg), NFTA_OBJ_DATA);

	return data ? mnl_attr_parse_nested(data, take_attr, arg) : MNL_CB_OK;
}

static int ask(struct net *net, const char *counter, uint64_t *packets)
{
	uint8_t buf[512] __attribute__((aligned(8)));
	struct nlmsghdr *request = nl_begin(buf, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETOBJ, 0);
	struct nfgenmsg *head = mnl_nlmsg_put_extra_header(request, sizeof(*head));

	*head = (struct nfgenmsg){ .nfgen_family = NFPROTO_INET, .version = NFNETLINK_V0 };
	*packets = 0;
	if (!mnl_attr_put_strz_check(request, sizeof(buf) - 64, NFTA_OBJ_TABLE, net->nft_table))
		return -ENAMETOOLONG;
	mnl_attr_put_strz(request, NFTA_OBJ_NAME, counter);
	mnl_attr_put_u32(request, NFTA_OBJ_TYPE, htonl(NFT_OBJECT_COUNTER));
	return nl_once(net, NETLINK_NETFILTER, request, take, packets);
}

int guard_dropped(struct net *net, uint64_t *in, uint64_t *out)
{
	*in = *out = 0;
	if (!net->nft_there)
		return 0;
	int r = ask(net, "clear_in", in);
	return r ? r : ask(net, "clear_out", out);
}
