// SPDX-License-Identifier: LGPL-2.1-or-later
/* capture: both sides of the SAs of one reqid, written to a descriptor as a pcapng file.
 *
 * Workers put packets into a buffer of a megabyte under a lock, and count what does not fit; the loop writes it out. So
 * a reader that is slow loses packets and holds nobody up. Without a capture a run costs one test of a pointer.
 */
#pragma once

#include "sa.h"

struct capture;
struct rv_loop;
struct userspace;

/* Starts one of the SAs of reqid, at most one at a time, and takes fd over, which is closed when the capture ends: when
 * nobody reads it any more, or the workers stop. 0 or negative with why; fd is closed then too. Loop thread. */
int capture_start(struct userspace *u, uint32_t reqid, int fd, struct rv_why *why);
void capture_stop(struct userspace *u);

/* The capture that wants the packets of sa, or NULL. Inside a read-copy-update section. */
struct capture *capture_of(_Atomic(struct capture *) *at, const struct sa *sa);

/* The clear texts of a run: before it is sealed, or (only what is authentic) after it was opened. */
void capture_texts(struct capture *capture, const struct sa *sa, const struct rv_cryptor_op *ops, uint32_t n);

/* The packets of the wire: after a run was sealed, or before it is opened. */
void capture_wire(struct capture *capture, const struct sa *sa, const struct rv_cryptor_op *ops, uint32_t n);
