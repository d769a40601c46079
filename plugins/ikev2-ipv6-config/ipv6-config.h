// SPDX-License-Identifier: LGPL-2.1-or-later
/* ipv6-config.h: virtual links of both sides: the ones that a gateway lends, the ones that a client had.
 */
#pragma once

#include "link.h"

#include <ravelin/attr.h>
#include <ravelin/plugin.h>

/* Everything of this plugin's; links and pools are its children. */
struct ipv6_config {
	struct rv_host *host;
	struct rv_list pools; /* struct prefixes */
	struct rv_list known; /* struct known */
};

/* Client: what a connection had last. link: the Link ID, or empty; a child of this. */
struct known {
	struct rv_list entry;
	char *name;
	uint8_t iid[IID_LEN];
	uint8_t *link;
	size_t link_len;
};

/* Of a connection's name, with a new interface identifier when there was none. NULL: out of memory. */
struct known *known_get(struct ipv6_config *c, const char *name);

/* Keeps a copy of the Link ID. 0 or -ENOMEM. */
int known_link(struct known *known, struct rv_bytes id);

/* Gateway, as struct rv_attr_ops (attr.h) says. */
int prefixes_lend(struct ipv6_config *c, const struct rv_attr_request *request, struct rv_attributes *lent,
		  struct rv_why *why);
void prefixes_keep(struct ipv6_config *c, const struct rv_attr_request *request, const struct rv_attributes *lent);
void prefixes_give_back(struct ipv6_config *c, const struct rv_attr_request *request, const struct rv_attributes *lent);

/* The first INTERNAL_IP6_LINK of a list (NULL: none). */
bool link_of(const struct rv_attributes *list, struct link *out);
