// SPDX-License-Identifier: LGPL-2.1-or-later
/* log: one line an entry: "LEVEL kind name #id event key=value ...", with the time of day (UTC) before it on standard
 * error. A receiver of its own (a journal, a test) gets the line without the time, which it knows better.
 *
 * A line is made on the caller's stack and handed over whole under one lock, so lines of threads do not mix.
 */
#include "parts.h"

#include <ravelin/addr.h>
#include <ravelin/identity.h>

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LINE_MAX_LEN = 2048, HEX_MAX = 64 };

struct rv_log {
	atomic_int level;
	pthread_mutex_t lock; /* one line at a time */
	void (*write)(void *self, enum rv_level level, const char *line);
	void *self;
};

/* Text that grows up to its end and then stays as it is. */
struct line {
	char *p, *end; /* end: the last octet, kept for the NUL */
};

static const char *const level_names[] = { "error", "warn", "notice", "info", "debug" };

static void put_char(struct line *line, char c)
{
	if (line->p < line->end)
		*line->p++ = c;
}

static void put_text(struct line *line, const char *text)
{
	while (*text && line->p < line->end)
		*line->p++ = *text++;
}

static void put_hex(struct line *line, uint8_t octet)
{
	put_char(line, "0123456789abcdef"[octet >> 4]);
	put_char(line, "0123456789abcdef"[octet & 15]);
}

static bool printable(uint8_t c)
{
	return c >= 0x20 && c < 0x7f;
}

static void put_escaped(struct line *line, uint8_t c)
{
	if (printable(c)) {
		put_char(line, (char)c);
		return;
	}
	if (line->end - line->p < 4) {
		line->end = line->p;
		return;
	}
	put_text(line, "\\x");
	put_hex(line, c);
}

void rv_escape(char *out, size_t size, struct rv_bytes text)
{
	if (size == 0)
		return;

	struct line line = { .p = out, .end = out + size - 1 };
	for (size_t i = 0; i < text.len; i++)
		put_escaped(&line, text.p[i]);
	*line.p = '\0';
}

/* A value that a program reading the log can take without quotes. */
static bool is_bare(const char *text)
{
	if (!*text || (text[0] == '-' && !text[1]))
		return false;
	for (; *text; text++) {
		if (!printable((uint8_t)*text) || strchr(" \"\\=", *text))
			return false;
	}
	return true;
}

static void put_value(struct line *line, const char *text)
{
	if (is_bare(text)) {
		put_text(line, text);
		return;
	}
	put_char(line, '"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			put_char(line, '\\');
		put_escaped(line, (uint8_t)*text);
	}
	put_char(line, '"');
}

static void put_octets(struct line *line, const struct rv_bytes *hex)
{
	size_t shown = hex->len < HEX_MAX ? hex->len : HEX_MAX;

	for (size_t i = 0; i < shown; i++)
		put_hex(line, hex->p[i]);
	if (shown < hex->len)
		put_text(line, "...");
	if (hex->len == 0)
		put_text(line, "\"\"");
}

static void put_number(struct line *line, const char *sign, uint64_t number)
{
	char text[24];

	snprintf(text, sizeof(text), "%s%" PRIu64, sign, number);
	put_text(line, text);
}

/* The members of the union are looked at only where the type says so; a NULL pointer is shown as "-". */
static void put_pair(struct line *line, const struct rv_kv *kv)
{
	char text[RV_ID_TEXT];

	put_char(line, ' ');
	put_text(line, kv->key);
	put_char(line, '=');
	if (kv->type != RV_KV_UINT && kv->type != RV_KV_INT && !kv->str) {
		put_char(line, '-');
		return;
	}
	switch (kv->type) {
	case RV_KV_STR:
		put_value(line, kv->str);
		return;
	case RV_KV_UINT:
		put_number(line, "", kv->u);
		return;
	case RV_KV_INT:
		put_number(line, kv->i < 0 ? "-" : "", kv->i < 0 ? -(uint64_t)kv->i : (uint64_t)kv->i);
		return;
	case RV_KV_HEX:
		put_octets(line, kv->hex);
		return;
	case RV_KV_ADDR:
		put_value(line, rv_addr_text(kv->addr, text));
		return;
	case RV_KV_ID:
		put_value(line, rv_id_text(kv->id, text));
		return;
	}
}

static void to_stderr(const char *line)
{
	char full[LINE_MAX_LEN + 32];
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	unsigned s = (unsigned)(now.tv_sec % 86400);
	int len = snprintf(full, sizeof(full), "%02u:%02u:%02u.%03u %s\n", s / 3600, s / 60 % 60, s % 60,
			   (unsigned)(now.tv_nsec / 1000000), line);
	/* There is nobody left to tell when this fails. */
	ssize_t written = write(STDERR_FILENO, full, (size_t)len);
	(void)written;
}

void rv_log_write(const struct rv_subject *subject, enum rv_level level, const char *event, const struct rv_kv *pairs,
		  size_t n_pairs)
{
	struct rv_log *log = subject ? subject->log : NULL;

	if (!log || (int)level > atomic_load_explicit(&log->level, memory_order_relaxed) ||
	    (size_t)level >= RV_COUNT(level_names))
		return;

	char text[LINE_MAX_LEN];
	struct line line = { .p = text, .end = text + sizeof(text) - sizeof("...") };
	put_text(&line, level_names[level]);
	put_char(&line, ' ');
	put_text(&line, subject->kind ? subject->kind : "-");
	put_char(&line, ' ');
	put_value(&line, subject->name ? subject->name : "");
	if (subject->id)
		put_number(&line, " #", subject->id);
	put_char(&line, ' ');
	put_text(&line, event);
	for (size_t i = 0; i < n_pairs; i++)
		put_pair(&line, &pairs[i]);
	bool cut = line.p >= line.end;
	line.end = text + sizeof(text) - 1;
	if (cut)
		put_text(&line, "...");
	*line.p = '\0';

	pthread_mutex_lock(&log->lock);
	if (log->write)
		log->write(log->self, level, text);
	else
		to_stderr(text);
	pthread_mutex_unlock(&log->lock);
}

void rv_log_level(struct rv_log *log, enum rv_level level)
{
	atomic_store_explicit(&log->level, (int)level, memory_order_relaxed);
}

static int log_end(struct rv_log *log)
{
	pthread_mutex_destroy(&log->lock);
	return 0;
}

struct rv_log *rv_log_new(const void *parent, enum rv_level level,
			  void (*write)(void *self, enum rv_level level, const char *line), void *self)
{
	struct rv_log *log = talloc_zero(parent, struct rv_log);

	if (!log)
		return NULL;
	atomic_init(&log->level, (int)level);
	pthread_mutex_init(&log->lock, NULL);
	log->write = write;
	log->self = self;
	talloc_set_destructor(log, log_end);
	return log;
}
