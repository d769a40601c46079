// SPDX-License-Identifier: LGPL-2.1-or-later
/* conf-lex: the tokens of swanctl.conf's syntax.
 *
 * Names may hold any printable octet except . , : { } = " #. A value is the rest of its line, up to a comment or a
 * closing brace, or one string in quotes, which may go over several lines. Nothing is copied here.
 */
#include "conf-lex.h"

#include <string.h>

void conf_lex_init(struct conf_lex *lex, struct rv_bytes text)
{
	*lex = (struct conf_lex){ .p = text.p, .end = text.p + text.len, .line = 1 };
	if (text.len >= 3 && !memcmp(text.p, "\xef\xbb\xbf", 3))
		lex->p += 3;
}

void conf_lex_skip_line(struct conf_lex *lex)
{
	while (lex->p < lex->end && *lex->p != '\n')
		lex->p++;
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static bool is_name(uint8_t c)
{
	return c > ' ' && c != 0x7f && !strchr(".,:{}=\"#", c);
}

static void skip_space(struct conf_lex *lex)
{
	while (lex->p < lex->end) {
		if (*lex->p == '#') {
			conf_lex_skip_line(lex);
			continue;
		}
		if (*lex->p == '\n')
			lex->line++;
		else if (!is_blank(*lex->p))
			return;
		lex->p++;
	}
}

static enum conf_token_kind mark(uint8_t c)
{
	switch (c) {
	case '{':
		return CONF_OPEN;
	case '}':
		return CONF_CLOSE;
	case '=':
		return CONF_EQUALS;
	case ':':
		return CONF_COLON;
	case ',':
		return CONF_COMMA;
	case '.':
		return CONF_DOT;
	default:
		return CONF_BAD;
	}
}

struct conf_token conf_lex_next(struct conf_lex *lex)
{
	skip_space(lex);

	struct conf_token token = { .kind = CONF_END, .line = lex->line };
	const uint8_t *start = lex->p;

	if (lex->p == lex->end)
		return token;
	while (lex->p < lex->end && is_name(*lex->p))
		lex->p++;
	token.kind = CONF_NAME;
	if (lex->p == start)
		token.kind = mark(*lex->p++);
	token.text = rv_bytes(start, (size_t)(lex->p - start));
	return token;
}

static const char *quoted(struct conf_lex *lex, struct conf_raw *raw)
{
	const uint8_t *start = ++lex->p;

	while (lex->p < lex->end && *lex->p != '"') {
		if (*lex->p == '\\' && lex->p + 1 < lex->end)
			lex->p++;
		if (*lex->p == '\n')
			lex->line++;
		if (!*lex->p)
			return "a value may not hold a NUL";
		lex->p++;
	}
	if (lex->p == lex->end)
		return "the quotes that begin here have no end";
	raw->quoted = true;
	raw->text = rv_bytes(start, (size_t)(lex->p - start));
	lex->p++;
	while (lex->p < lex->end && is_blank(*lex->p))
		lex->p++;
	if (lex->p < lex->end && *lex->p != '\n' && *lex->p != '#' && *lex->p != '}')
		return "nothing may follow the closing quotes of a value";
	return NULL;
}

static const char *plain(struct conf_lex *lex, struct conf_raw *raw)
{
	const uint8_t *start = lex->p, *last = lex->p;

	for (; lex->p < lex->end && *lex->p != '\n' && *lex->p != '#' && *lex->p != '}'; lex->p++) {
		if (*lex->p == '"')
			return "quotes must go around the whole value";
		if (is_blank(*lex->p))
			continue;
		if (*lex->p < ' ' || *lex->p == 0x7f)
			return "a value without quotes may not hold control characters";
		last = lex->p + 1;
	}
	raw->text = rv_bytes(start, (size_t)(last - start));
	return NULL;
}

const char *conf_lex_value(struct conf_lex *lex, struct conf_raw *raw)
{
	while (lex->p < lex->end && is_blank(*lex->p))
		lex->p++;
	*raw = (struct conf_raw){ .line = lex->line, .text = rv_bytes(lex->p, 0) };

	const char *wrong = lex->p < lex->end && *lex->p == '"' ? quoted(lex, raw) : plain(lex, raw);

	if (wrong)
		conf_lex_skip_line(lex);
	return wrong;
}

size_t conf_unescape(const struct conf_raw *raw, uint8_t *out)
{
	const uint8_t *p = raw->text.p, *end = p + raw->text.len;
	size_t n = 0;

	while (p < end) {
		if (!raw->quoted || *p != '\\' || p + 1 == end) {
			out[n++] = *p++;
			continue;
		}
		p++;
		if (*p == 'n')
			out[n++] = '\n';
		else if (*p == 't')
			out[n++] = '\t';
		else if (*p == 'r')
			out[n++] = '\r';
		else if (*p != '\n') /* a line may be broken inside quotes */
			out[n++] = *p;
		p++;
	}
	return n;
}
