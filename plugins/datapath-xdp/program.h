// SPDX-License-Identifier: LGPL-2.1-or-later
/* program: the XDP program of one interface, which parts ESP to us from everything else.
 *
 * It is assembled here, so that neither building nor running needs a compiler for BPF. What it compares packets with
 * lies in a page that it shares with us: nothing that changes later needs a system call, or a right.
 */
#pragma once

#include <ravelin/error.h>

enum { PROGRAM_ADDRS = 16 };

/* Zeroes match nothing. Octets as they stand in a packet. */
struct program_terms {
	uint8_t v6[PROGRAM_ADDRS][16];
	uint8_t v4[PROGRAM_ADDRS][4];
	uint8_t mac[6];
	uint8_t port[2]; /* of UDP with ESP in it */
	uint8_t raw;	 /* not 0: ESP as a protocol of IP, too */
	uint8_t unused[7];
};

struct program {
	struct program_terms *terms; /* shared with the kernel; NULL: none */
	size_t mapped;
	int fd, sockets, values, link; /* program, its maps, its place at the interface; -1: none */
	bool native;
};

/* Loads the program. frame_max: longer frames go to the system's stack. 0 or negative with why. */
int program_load(struct program *program, uint32_t n_queues, uint32_t frame_max, struct rv_why *why);

/* Puts it at the interface, in the driver or (unless must_be_native) in front of the stack; it goes when the process
 * does, however it ends. 0 or negative with why. */
int program_attach(struct program *program, unsigned ifindex, bool must_be_native, struct rv_why *why);

/* Gives what comes by a queue to the AF_XDP socket fd. 0 or -errno. */
int program_serve(const struct program *program, uint32_t queue, int fd);

/* Takes it away again; harmless on one that was not loaded. */
void program_unload(struct program *program);
