// SPDX-License-Identifier: LGPL-2.1-or-later
/* impair.h: what the files of debug-impair share: a rule that applies now, and the faults of messages and datagrams. */
#pragma once

#include <ravelin/config.h>
#include <ravelin/ikev2.h>
#include <ravelin/plugin.h>
#include <ravelin/wire.h>

enum { IMPAIR_HEADER = 28, IMPAIR_AT_VERSION = 17, IMPAIR_AT_EXCHANGE = 18, IMPAIR_AT_FLAGS = 19, IMPAIR_AT_ID = 20 };
enum { IMPAIR_RESPONSE = 0x20 };

/* The plugin. rules: what each has counted; held: datagrams that are sent later. */
struct impair {
	struct rv_host *host;
	struct rv_list rules, held;
	uint64_t dice;
	bool seeded;
};

/* What a rule does when its turn has come. value: 0 when none is given. */
struct impair_fault {
	uint8_t payload;
	uint16_t notify;
	int64_t value;
	uint64_t delay_us;
};

/* A fault of a message before it is protected. 0, -ENOSPC or -ENOMEM; IMPAIR_NOTHING: it has nothing that this fits,
 * and stays as it is. */
enum { IMPAIR_NOTHING = 1 };
typedef int impair_shape_fn(const struct impair_fault *fault, struct rv_ike_shape *message);

/* A fault of a datagram: sends what is to be sent instead. */
typedef void impair_leave_fn(struct impair *impair, const struct impair_fault *fault,
			     const struct rv_ike_leaving *leaving);

struct impair_shape {
	const char *name;
	impair_shape_fn *run;
};

struct impair_leave {
	const char *name;
	impair_leave_fn *run;
};

/* The faults, by the word of `do`. NULL: no such. */
const struct impair_shape *impair_shape_named(const char *name);
const struct impair_leave *impair_leave_named(const char *name);
