// SPDX-License-Identifier: LGPL-2.1-or-later
/* socket.h: sockets of the wire side, and what the system tells and takes beside a packet's octets.
 *
 * Whoever owns a wire opens its sockets here. Control messages (cmsg(3), RFC 3542) carry the address of this host that
 * a packet came to or is to leave from, and its traffic class; how packets are received and sent is the plugin's own.
 */
#pragma once

#include <ravelin/addr.h>

struct cmsghdr;
struct msghdr;

/* One call of setsockopt() with an int; a list ends with name 0. must: nothing works without it. */
struct rv_socket_option {
	int level, name, value;
	bool must;
};

/* Sets the options in their order; those that are no must may fail. 0 or -errno. Any thread. */
int rv_socket_set(int fd, const struct rv_socket_option *options);

/* A socket that never blocks and that no other program inherits, not yet bound. type and protocol as in socket(2). The
 * descriptor or -errno. Any thread. */
int rv_socket_open(uint8_t family, int type, int protocol, const struct rv_socket_option *options);

/* Raw sockets of a protocol of IP, one a family (0: IPv4, 1: IPv6), with the mark of the wire. -1 stands in fds for a
 * family that this host lacks; to lack both is -EAFNOSUPPORT. poll: the epoll descriptor that waits for what they
 * receive; -1: they are there to send, and keep next to nothing of what they receive. 0 or -errno, both -1 then. */
int rv_socket_raw(int fds[2], uint8_t protocol, const struct rv_socket_option *const options[2], uint32_t mark,
		  int poll);

/* The value of a control message that is an int, or an octet as some kernels give IP_TOS. Any thread. */
int rv_cmsg_int(const struct cmsghdr *c);

/* What a control message says of the address that a packet came to (its port stays) or of its traffic class; others
 * change nothing. Any thread. */
void rv_cmsg_read(const struct cmsghdr *c, struct rv_addr *local, uint8_t *tos);

/* A control message behind those that msg has; msg_control has room for it, and is zeroed. Any thread. */
void rv_cmsg_put(struct msghdr *msg, int level, int type, const void *data, size_t len);

/* The address to leave from (any: the system's choice) and the traffic class (0: none) of a packet of this family.
 * Any thread. */
void rv_cmsg_put_origin(struct msghdr *msg, uint8_t family, const struct rv_addr *local, uint8_t tos);
