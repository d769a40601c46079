// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-ear.h: what east says is heard, and datagrams come to it that west did not send.
 */
#pragma once

#include "pair.h"

#include "exchange.h"
#include "requests.h"

/* The last datagrams that east sent, and what west's first message was. */
struct ear {
	uint8_t first[2048], last[2048];
	size_t first_len, last_len;
	unsigned n;
	bool deaf; /* nothing of east's arrives */
};

static inline bool listen(void *arg, struct sim_host *from, struct sim_host *to, uint8_t *message, size_t *len)
{
	struct ear *ear = arg;

	if (strcmp(from->name, "east") != 0) {
		if (!ear->first_len) {
			memcpy(ear->first, message, *len);
			ear->first_len = *len;
		}
		return false;
	}
	memcpy(ear->last, message, *len);
	ear->last_len = *len;
	ear->n++;
	return ear->deaf;
}

static inline struct rv_path path_from(const char *text)
{
	struct rv_path path = { 0 };

	assert_int_equal(rv_addr_parse(&path.local, "10.0.0.2:500"), 0);
	assert_int_equal(rv_addr_parse(&path.remote, text), 0);
	return path;
}

/* A datagram at host as if it came from an address. */
static inline void inject(struct sim_host *host, const char *from, const uint8_t *octets, size_t len)
{
	struct rv_path path = path_from(from);
	uint8_t *copy = malloc(len ? len : 1);

	assert_non_null(copy);
	memcpy(copy, octets, len);
	host->recv(host->recv_arg, &path, rv_bytes(copy, len));
	free(copy);
}
