// SPDX-License-Identifier: LGPL-2.1-or-later
/* conf-type: the types of keys: how a value's text becomes a number, a list or a secret.
 *
 * One row a type. What is read here is what the getters give out, so that no later code has to check a value's form.
 */
#include "conf-type.h"

#include <ravelin/addr.h>
#include <ravelin/identity.h>

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char *const conf_type_names[CONF_TYPES] = { "string",   "bool", "int",	   "size",   "duration",
						  "percent",  "list", "choice",	   "addr",   "addrs",
						  "identity", "ts",   "proposals", "secret", "elsewhere" };

enum { ARENA_CHUNK = 16384 };

void *conf_alloc(struct conf_arena *arena, size_t size)
{
	void *p;

	size = (size + 7) & ~(size_t)7;
	if (size > ARENA_CHUNK / 4)
		return talloc_zero_size(arena, size);
	if (size > arena->left) {
		arena->chunk = talloc_zero_size(arena, ARENA_CHUNK);
		arena->left = arena->chunk ? ARENA_CHUNK : 0;
		if (!arena->chunk)
			return NULL;
	}
	p = arena->chunk + (ARENA_CHUNK - arena->left);
	arena->left -= size;
	return p;
}

/* Splits text at commas, blanks around the items dropped. NULL when memory is out or there are too many. */
static const char *const *split(struct conf_arena *arena, const char *text)
{
	size_t n = 1, len = strlen(text);
	char *copy = conf_alloc(arena, len + 1);

	for (const char *p = text; *p; p++)
		n += *p == ',';

	const char **items = n <= CONF_LIST_MAX ? conf_alloc(arena, (n + 1) * sizeof(*items)) : NULL;

	if (!copy || !items)
		return NULL;
	memcpy(copy, text, len + 1);
	n = 0;
	for (char *next, *p = copy; p; p = next) {
		next = strchr(p, ',');
		char *end = next ? next : p + strlen(p);
		if (next)
			next++;
		while (isspace((unsigned char)*p))
			p++;
		while (end > p && isspace((unsigned char)end[-1]))
			end--;
		*end = 0;
		if (*p)
			items[n++] = p;
	}
	return items;
}

/* Digits to *n; *p goes behind them. */
static bool read_digits(const char **p, int64_t *n)
{
	*n = 0;
	if (!isdigit((unsigned char)**p))
		return false;
	for (; isdigit((unsigned char)**p); ++*p)
		if (__builtin_mul_overflow(*n, 10, n) || __builtin_add_overflow(*n, **p - '0', n))
			return false;
	return true;
}

/* What the one letter at p is worth, or 1 at the end of the text; 0 for anything else. */
static int64_t read_unit(const char *p, const char *units, const int64_t *scale)
{
	const char *unit;

	while (*p == ' ')
		p++;
	if (!*p)
		return 1;
	unit = strchr(units, *p);
	return unit && !p[1] ? scale[unit - units] : 0;
}

/* A decimal number with one letter of units behind it (scale holds what each is worth). */
static int read_number(const char *text, const char *units, const int64_t *scale, int64_t *out)
{
	const char *p = text + (*text == '-');
	int64_t n, unit;

	if (!read_digits(&p, &n))
		return -RV_ECONFIG;
	unit = read_unit(p, units, scale);
	if (!unit || __builtin_mul_overflow(n, unit, &n))
		return -RV_ECONFIG;
	*out = *text == '-' ? -n : n;
	return 0;
}

static const int64_t size_scale[] = { 1 << 10, 1 << 10, 1 << 20, 1 << 20, 1 << 30, 1 << 30 };
static const int64_t time_scale[] = { 1, 60, 3600, 86400 };
static const int64_t one[] = { 1 };

/* 0x and up to 15 hexadecimal digits. */
static bool read_hex(const char *text, int64_t *out)
{
	size_t n;

	if (text[0] != '0' || text[1] != 'x')
		return false;
	n = strspn(text + 2, "0123456789abcdefABCDEF");
	if (!n || n > 15 || text[2 + n])
		return false;
	*out = strtoll(text + 2, NULL, 16);
	return true;
}

static int read_int(const struct conf_key *key, struct conf_arena *arena, struct conf_value *value, struct rv_why *why)
{
	if (read_hex(value->text, &value->number))
		return 0;
	if (read_number(value->text, "", one, &value->number))
		return rv_why_set(why, -RV_ECONFIG, "a whole number is expected, such as 64 or 0x40");
	return 0;
}

static int read_percent(const struct conf_key *key, struct conf_arena *arena, struct conf_value *value,
			struct rv_why *why)
{
	if (read_number(value->text, "%", one, &value->number))
		return rv_why_set(why, -RV_ECONFIG, "a percentage such as 10%% is expected");
	return 0;
}

static int read_size(const struct conf_key *key, struct conf_arena *arena, struct conf_value *value, struct rv_why *why)
{
	if (read_number(value->text, "kKmMgG", size_scale, &value->number))
		return rv_why_set(why, -RV_ECONFIG, "a size such as 4096, 64k, 10m or 1g is expected");
	return 0;
}

/* The digits behind a decimal point as millionths; *p goes behind them. False for none, and for more than six. */
static bool read_fraction(const char **p, int64_t *millionths)
{
	const char *first = *p;

	if (!read_digits(p, millionths) || *p - first > 6)
		return false;
	for (ptrdiff_t n = *p - first; n < 6; n++)
		*millionths *= 10;
	return true;
}

/* "90" or "1.5h" in microseconds. */
static bool read_time(const char *p, int64_t *us)
{
	int64_t whole, part = 0, unit;

	if (!read_digits(&p, &whole) || (*p == '.' && (p++, !read_fraction(&p, &part))))
		return false;
	unit = read_unit(p, "smhd", time_scale);
	return unit && !__builtin_mul_overflow(whole, unit * (int64_t)RV_S(1), &whole) &&
	       !__builtin_add_overflow(whole, part * unit, us);
}

static int read_duration(const struct conf_key *key, struct conf_arena *arena, struct conf_value *value,
			 struct rv_why *why)
{
	if (!read_time(value->text, &value->number))
		return rv_why_set(why, -RV_ECONFIG, "a time such as 30s, 0.5s, 5m, 4h or 1d is expected");
	return 0;
}

static int read_bool(const struct conf_key *key, struct conf_arena *arena, struct conf_value *value, struct rv_why *why)
{
	static const char *const words[] = {
		"no", "yes", "false", "true", "0", "1", "disabled", "enabled", "off", "on"
	};

	for (size_t i = 0; i < RV_COUNT(words); i++)
		if (!strcasecmp(value->text, words[i])) {
			value->number = i & 1;
			return 0;
		}
	return rv_why_set(why, -RV_ECONFIG, "yes or no is expected");
}

static int read_choice(const struct conf_key *key, struct conf_arena *arena, struct conf_value *value,
		       struct rv_why *why)
{
	for (int i = 0; key->choices && key->choices[i]; i++)
		if (!strcmp(value->text, key->choices[i])) {
			value->number = i;
			return 0;
		}
	return rv_why_set(why, -RV_ECONFIG, "one of %s is expected", key->range);
}

static int read_string(const struct conf_key *key, struct conf_arena *arena, struct conf_value *value,
		       struct rv_why *why)
{
	return 0;
}

static int read_list(const struct conf_key *key, struct conf_arena *arena, struct conf_value *value, struct rv_why *why)
{
	value->list = split(arena, value->text);
	if (!value->list)
		return rv_why_set(why, -RV_ECONFIG, "the list has more than %d items", CONF_LIST_MAX);
	return 0;
}

static int read_addr(const struct conf_key *key, struct conf_arena *arena, struct conf_value *value, struct rv_why *why)
{
	struct rv_addr addr;

	if (rv_addr_parse(&addr, value->text))
		return rv_why_set(why, -RV_ECONFIG, "an IPv4 or IPv6 address is expected");
	return 0;
}

/* Whether text can be the name of a host. */
static bool is_host(const char *text)
{
	size_t len = strlen(text);

	if (len > 253 || !isalnum((unsigned char)*text))
		return false;
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)text[i]) && !strchr(".-_", text[i]))
			return false;
	return len == strspn(text, "0123456789.") ? false : true;
}

/* An address, prefix, range, %any (%any4, %any6) or name. */
static int read_addrs(const struct conf_key *key, struct conf_arena *arena, struct conf_value *value,
		      struct rv_why *why)
{
	int code = read_list(key, arena, value, why);

	for (size_t i = 0; !code && value->list[i]; i++) {
		const char *item = value->list[i];
		struct rv_addr addr;
		struct rv_ts ts;
		if (!strcmp(item, "%any") || !strcmp(item, "%any4") || !strcmp(item, "%any6") || is_host(item) ||
		    !rv_addr_parse(&addr, item))
			continue;
		if (strchr(item, '[') || rv_ts_parse(&ts, item, NULL))
			code = rv_why_set(why, -RV_ECONFIG, "item %zu is no address, prefix, range, name or %%any",
					  i + 1);
	}
	return code;
}

static int read_identity(const struct conf_key *key, struct conf_arena *arena, struct conf_value *value,
			 struct rv_why *why)
{
	struct rv_id *id = rv_id_parse(arena, value->text, why);

	if (!id)
		return -RV_ECONFIG;
	talloc_free(id);
	return 0;
}

static int read_ts(const struct conf_key *key, struct conf_arena *arena, struct conf_value *value, struct rv_why *why)
{
	int code = read_list(key, arena, value, why);

	for (size_t i = 0; !code && value->list[i]; i++) {
		struct rv_ts ts;
		code = rv_ts_parse(&ts, value->list[i], why);
	}
	return code;
}

static int read_proposals(const struct conf_key *key, struct conf_arena *arena, struct conf_value *value,
			  struct rv_why *why)
{
	int code = read_list(key, arena, value, why);

	for (size_t i = 0; !code && value->list[i]; i++)
		for (const char *p = value->list[i]; *p && !code; p++)
			if (!isalnum((unsigned char)*p) && !strchr("-_", *p))
				code = rv_why_set(why, -RV_ECONFIG, "a proposal is words with '-' between them");
	return code;
}

typedef int read_fn(const struct conf_key *key, struct conf_arena *arena, struct conf_value *value, struct rv_why *why);

static read_fn *const readers[CONF_TYPES] = {
	[CONF_STRING] = read_string,	   [CONF_BOOL] = read_bool,	    [CONF_INT] = read_int,
	[CONF_SIZE] = read_size,	   [CONF_DURATION] = read_duration, [CONF_PERCENT] = read_percent,
	[CONF_LIST] = read_list,	   [CONF_CHOICE] = read_choice,	    [CONF_ADDR] = read_addr,
	[CONF_ADDRS] = read_addrs,	   [CONF_IDENTITY] = read_identity, [CONF_TS] = read_ts,
	[CONF_PROPOSALS] = read_proposals, [CONF_SECRET] = read_string,	    [CONF_ELSEWHERE] = read_choice,
};

int conf_type_read(const struct conf_key *key, struct conf_arena *arena, const char *text, struct conf_value *value,
		   struct rv_why *why)
{
	size_t len = strlen(text);
	char *copy = conf_alloc(arena, len + 1);

	if (!copy)
		return -ENOMEM;
	memcpy(copy, text, len + 1);
	value->text = copy;

	int code = readers[key->type](key, arena, value, why);

	if (!code && key->ranged && (value->number < key->lo || value->number > key->hi))
		return rv_why_set(why, -RV_ECONFIG, "the value must be in %s", key->range);
	return code;
}

int conf_range_read(struct conf_key *key, struct conf_arena *arena)
{
	struct conf_value lo = { 0 }, hi = { 0 };
	const char *dots = strstr(key->range, "..");
	char text[64];

	if (key->type == CONF_CHOICE || key->type == CONF_ELSEWHERE) {
		key->choices = split(arena, key->range);
		return !key->choices ? -ENOMEM : key->type == CONF_CHOICE && !key->choices[0] ? -RV_ECONFIG : 0;
	}
	if (!*key->range)
		return 0;
	if (!dots || (size_t)(dots - key->range) >= sizeof(text))
		return -RV_ECONFIG;
	if (key->type != CONF_INT && key->type != CONF_SIZE && key->type != CONF_DURATION && key->type != CONF_PERCENT)
		return -RV_ECONFIG;
	memcpy(text, key->range, (size_t)(dots - key->range));
	text[dots - key->range] = 0;
	if (conf_type_read(key, arena, text, &lo, NULL) || conf_type_read(key, arena, dots + 2, &hi, NULL))
		return -RV_ECONFIG;
	key->lo = lo.number;
	key->hi = hi.number;
	key->ranged = true;
	return key->lo <= key->hi ? 0 : -RV_ECONFIG;
}
