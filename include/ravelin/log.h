// SPDX-License-Identifier: LGPL-2.1-or-later
/* log.h: structured log.
 *
 * An entry is a subject (who: a connection, an SA, a plugin), a level, a stable event name and key-value pairs. Strings
 * that a peer controls are escaped here. No conversion exists for a secret. Levels: error = this exchange or plugin
 * failed, warn = an oddity was survived, notice = state the operator asked about, info = once an SA, debug = the rest.
 */
#pragma once

#include <ravelin/base.h>

struct rv_log;
struct rv_addr;
struct rv_id;

enum rv_level { RV_ERROR, RV_WARN, RV_NOTICE, RV_INFO, RV_DEBUG };

/* Who speaks: kind and name give the prefix ("connection west"), id (0: none) is the number that D-Bus shows. */
struct rv_subject {
	struct rv_log *log;
	const char *kind;
	const char *name;
	uint64_t id;
};

enum rv_kv_type { RV_KV_STR, RV_KV_UINT, RV_KV_INT, RV_KV_HEX, RV_KV_ADDR, RV_KV_ID };

struct rv_kv {
	const char *key;
	enum rv_kv_type type;
	union {
		const char *str;
		uint64_t u;
		int64_t i;
		const struct rv_bytes *hex;
		const struct rv_addr *addr;
		const struct rv_id *id;
	};
};

/* A pair for rv_log(). KV_STR may take NULL ("-"). KV_HEX is for public octets (SPIs, hashes), 64 at most are shown. */
#define KV_STR(k, v) ((struct rv_kv){ .key = (k), .type = RV_KV_STR, .str = (v) })
#define KV_UINT(k, v) ((struct rv_kv){ .key = (k), .type = RV_KV_UINT, .u = (v) })
#define KV_INT(k, v) ((struct rv_kv){ .key = (k), .type = RV_KV_INT, .i = (v) })
#define KV_HEX(k, v) ((struct rv_kv){ .key = (k), .type = RV_KV_HEX, .hex = (v) })
#define KV_ADDR(k, v) ((struct rv_kv){ .key = (k), .type = RV_KV_ADDR, .addr = (v) })
#define KV_ID(k, v) ((struct rv_kv){ .key = (k), .type = RV_KV_ID, .id = (v) })

/* Writes one entry when level is shown. event: a stable, lower-case, hyphened name. Nothing is kept. Any thread. */
void rv_log_write(const struct rv_subject *subject, enum rv_level level, const char *event, const struct rv_kv *pairs,
		  size_t n_pairs);

/* rv_log(subject, RV_INFO, "child-up", KV_STR("name", name), ...) */
#define rv_log(subject, level, event, ...)                                                                             \
	rv_log_write((subject), (level), (event), (const struct rv_kv[]){ { .key = NULL }, ##__VA_ARGS__ } + 1,        \
		     sizeof((const struct rv_kv[]){ { .key = NULL }, ##__VA_ARGS__ }) / sizeof(struct rv_kv) - 1)

/* Writes text into out (size octets, always NUL-terminated) with everything that is not printable ASCII as \xNN. */
void rv_escape(char *out, size_t size, struct rv_bytes text);
