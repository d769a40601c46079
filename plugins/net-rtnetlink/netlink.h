// SPDX-License-Identifier: LGPL-2.1-or-later
/* netlink.h: requests to the kernel, one after the other, each with all of its answers (rtnetlink(7)); netlink.c.
 */
#pragma once

#include "net.h"

/* request: sends one and takes its answers: fn (or NULL) for each message. 0 or -errno of the kernel. once:
 * by a socket of its own, of another bus. attr: the first one of a type behind a head of that size, or NULL. */
int nl_open(struct net *net);
void nl_close(struct net *net);
int nl_request(struct net *net, struct nlmsghdr *request, mnl_cb_t fn, void *arg);
int nl_once(struct net *net, int bus, struct nlmsghdr *request, mnl_cb_t fn, void *arg);
struct nlmsghdr *nl_begin(void *buf, uint16_t type, uint16_t flags);
const struct nlattr *nl_attr(const struct nlmsghdr *message, unsigned head, uint16_t type);

/* Takes out all that a dump of this kind and family gives for which ours() holds. */
void nl_flush(struct net *net, uint16_t get, uint16_t del, uint8_t family,
	      bool (*ours)(const struct nlmsghdr *message));
