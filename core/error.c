// SPDX-License-Identifier: LGPL-2.1-or-later
/* error: the table of errors, and the sentence that is passed up with one.
 */
#include <ravelin/error.h>
#include <ravelin/log.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	const char *text;
} errors[] = {
#define X(code, name, text) { name, text },
	RV_ERRORS(X)
#undef X
};

/* The row of the table for code, or a number behind it. */
static size_t row_of(int code)
{
	if (code >= -RV_ERROR_BASE || code <= -RV_ERROR_END)
		return RV_COUNT(errors);
	return (size_t)(-code - RV_ERROR_BASE - 1);
}

/* Adds as much of more as there is room for. */
static void append(char *text, size_t size, const char *more)
{
	size_t len = strlen(text), n = strlen(more);

	if (n > size - 1 - len)
		n = size - 1 - len;
	memcpy(text + len, more, n);
	text[len + n] = '\0';
}

int rv_why_set(struct rv_why *why, int code, const char *fmt, ...)
{
	if (!why)
		return code;

	/* The arguments may point into why itself, so the sentence is made aside. */
	char plain[sizeof(why->text)], text[sizeof(why->text)];
	va_list args;
	va_start(args, fmt);
	vsnprintf(plain, sizeof(plain), fmt, args);
	va_end(args);
	rv_escape(text, sizeof(text), rv_bytes(plain, strlen(plain)));

	if (why->text[0]) {
		append(text, sizeof(text), ": ");
		append(text, sizeof(text), why->text);
	}
	memcpy(why->text, text, sizeof(text));
	why->code = code;
	return code;
}

const char *rv_error_text(int code)
{
	size_t row = row_of(code);

	if (code >= 0)
		return code == 0 ? "no error" : "an answer, not an error";
	if (row < RV_COUNT(errors))
		return errors[row].text;
	const char *text = code > -RV_ERROR_BASE ? strerrordesc_np(-code) : NULL;
	return text ? text : "an unknown error";
}

const char *rv_error_name(int code)
{
	size_t row = row_of(code);

	return row < RV_COUNT(errors) ? errors[row].name : errors[0].name;
}
