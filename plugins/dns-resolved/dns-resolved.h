// SPDX-License-Identifier: LGPL-2.1-or-later
/* dns-resolved.h: what is to be told to systemd-resolved of one interface, as a value that a job takes along.
 */
#pragma once

#include <ravelin/addr.h>

enum { SERVERS = 16, DOMAINS = 64, DOMAIN_LEN = 254 };

/* n_servers 0: everything is taken back. n_domains 0: all names are asked there. address: of the bus; "": the system's.
 */
struct order {
	char address[256];
	char ifname[16];
	int ifindex;
	struct rv_addr servers[SERVERS];
	size_t n_servers;
	char domains[DOMAINS][DOMAIN_LEN];
	size_t n_domains;
	char error[256];
};

/* Carries an order out and waits for the answers: for a job. 0; -ENOTSUP: there is no bus or no resolved on it; -EIO
 * with error. */
int bus_tell(struct order *order);
