// SPDX-License-Identifier: LGPL-2.1-or-later
/* config.h: the configuration as plugins see it.
 *
 * The syntax and the words are swanctl.conf's. A configuration is an immutable snapshot that is swapped whole; every
 * key has a type, default and range in one schema, the union of the core's and the loaded plugins'. What a getter
 * returns has been checked against the schema, so getters cannot fail. Loop thread only.
 *
 * Schema text, one key a line, fields parted by '|':
 *
 *	path|type|default|range|help
 *
 * path: dots part sections, * is any section name, "local*" any that starts so; a key alone stands in the plugin's own
 * section, ravelin.plugins.NAME. default "-": none. range: "lo..hi" or empty. The help says what, unit and standard in
 * one sentence. type: string, bool, int, size, duration (s m h d), percent, list, choice (range: a,b,c), addr, addrs,
 * identity, ts (list), proposals, secret, elsewhere (a key of other programs that is not supported here; range: values
 * that are accepted, since they ask for what happens anyway).
 */
#pragma once

#include <ravelin/base.h>

struct rv_conf;
struct rv_secret;
struct rv_why;

/* The subsection of this name, or the shared empty section. Never NULL. */
const struct rv_conf *rv_conf_section(const struct rv_conf *conf, const char *name);

/* The root section of the snapshot that conf belongs to; conf itself when no file has it. */
const struct rv_conf *rv_conf_root(const struct rv_conf *conf);

/* Calls fn for each direct subsection in file order; a non-zero return ends the walk and is returned. */
typedef int rv_conf_fn(const char *name, const struct rv_conf *section, void *arg);
int rv_conf_each(const struct rv_conf *conf, rv_conf_fn *fn, void *arg);

/* True when the key stands in the file (also when it repeats the default). */
bool rv_conf_has(const struct rv_conf *conf, const char *key);

/* Typed values; the schema's default where the key is absent (NULL or 0 where that is "-"). Strings are borrowed from
 * the snapshot. duration in microseconds. */
const char *rv_conf_str(const struct rv_conf *conf, const char *key);
bool rv_conf_bool(const struct rv_conf *conf, const char *key);
int64_t rv_conf_int(const struct rv_conf *conf, const char *key);
uint64_t rv_conf_us(const struct rv_conf *conf, const char *key);

/* The items of a list value, NULL-terminated, borrowed; never NULL. */
const char *const *rv_conf_list(const struct rv_conf *conf, const char *key);

/* The value of a secret key (0x hex, 0s base64, or text), borrowed; NULL when absent. */
const struct rv_secret *rv_conf_secret(const struct rv_conf *conf, const char *key);

/* "FILE:LINE" of a key or (key NULL) of the section, for messages. Borrowed. */
const char *rv_conf_where(const struct rv_conf *conf, const char *key);

/* Keeps the snapshot that conf belongs to alive as a talloc reference of owner. 0 or -ENOMEM. */
int rv_conf_hold(const struct rv_conf *conf, const void *owner);
