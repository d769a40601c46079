// SPDX-License-Identifier: LGPL-2.1-or-later
/* conf-lex.h: the tokens and raw values of the configuration's syntax.
 */
#pragma once

#include <ravelin/base.h>

enum { CONF_NAME_MAX = 128 /* octets of a section's name or a key */ };

enum conf_token_kind {
	CONF_END,
	CONF_NAME,
	CONF_OPEN,
	CONF_CLOSE,
	CONF_EQUALS,
	CONF_COLON,
	CONF_COMMA,
	CONF_DOT,
	CONF_BAD, /* an octet that can begin nothing */
};

struct conf_token {
	enum conf_token_kind kind;
	struct rv_bytes text;
	unsigned line;
};

struct conf_lex {
	const uint8_t *p, *end;
	unsigned line;
};

/* The raw value: without the quotes, escapes still in it. */
struct conf_raw {
	struct rv_bytes text;
	bool quoted;
	unsigned line;
};

void conf_lex_init(struct conf_lex *lex, struct rv_bytes text);

/* The next token; blanks, line ends and comments are skipped. At the end CONF_END for ever. */
struct conf_token conf_lex_next(struct conf_lex *lex);

/* The rest of the line as a value. NULL, or what is wrong with it; the reader then stands behind the line. */
const char *conf_lex_value(struct conf_lex *lex, struct conf_raw *raw);

/* Goes to the end of the present line. */
void conf_lex_skip_line(struct conf_lex *lex);

/* Octets of raw without escapes, into out (raw.text.len octets are always enough). */
size_t conf_unescape(const struct conf_raw *raw, uint8_t *out);
