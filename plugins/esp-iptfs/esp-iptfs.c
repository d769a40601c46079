// SPDX-License-Identifier: LGPL-2.1-or-later
/* esp-iptfs: aggregation and fragmentation in ESP, and traffic flow confidentiality by it: IP-TFS (RFC 9347). */
#include "esp-iptfs.h"

#define CHILD "connections.*.children.*."

static int init(struct rv_host *host)
{
	int r = stage_offer(host);

	return r ? r : negotiate_offer(host);
}

RV_PLUGIN(esp_iptfs, "esp-iptfs",
	  "version=1\0"
	  "summary=Aggregation, fragmentation and traffic flow confidentiality: IP-TFS (RFC 9347)\0"
	  "licence=LGPL-2.1-or-later\0"
	  "default=on\0"
	  "provides=esp-ext:iptfs ikev2-ext:iptfs\0"
	  "rfc=9347\0"
	  "schema=" CHILD
	  "iptfs_bandwidth|int|0|0..1000000000|Bandwidth of what is sent, in kbit/s with IP headers: packets of one "
	  "size at a constant rate, whether there is traffic or not; 0 sends when there is traffic.\n" CHILD
	  "iptfs_packet_size|int|0|0..65535|Size of the packets that are sent, IP header included; 0: the path's "
	  "MTU.\n" CHILD
	  "iptfs_congestion_control|bool|no||Adapt the rate to the path, up to iptfs_bandwidth (RFC 9347, 2.4.2); else "
	  "it is constant, which is for paths that are your own.\n" CHILD
	  "iptfs_accept_fragments|bool|yes||Let the peer send a packet in pieces.\n" CHILD
	  "iptfs_reorder_window|int|3|0..255|Packets that are waited with until one that is missing comes.\n" CHILD
	  "iptfs_drop_time|int|100000|0..10000000|How long it is waited for, in microseconds.\n" CHILD
	  "iptfs_init_delay|int|0|0..1000000|How long a first packet waits for others, in microseconds, where "
	  "iptfs_bandwidth is 0.\n" CHILD
	  "iptfs_max_queue_size|int|1048576|65600..268435456|Octets of packets that wait to be sent.\n" CHILD
	  "iptfs_dscp|int|0|0..63|DSCP of the packets that are sent.\n" CHILD
	  "iptfs_ecn|bool|no||Count packets that come marked (ECN) as lost (RFC 9347, 3.1).\n" CHILD
	  "iptfs_breaker_loss|int|0|0..1000|Stop sending when this many of 1,000 packets are lost ... (RFC 9347, "
	  "2.4.2.1); "
	  "0: never.\n" CHILD "iptfs_breaker_time|int|10|1..3600|... for so many seconds.\n\0",
	  .init = init);
