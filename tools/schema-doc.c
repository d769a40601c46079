// SPDX-License-Identifier: LGPL-2.1-or-later
/* schema-doc: writes doc/config.md from the core's schema and those in the notes of the plugins it is given.
 *
 * It runs at build time, so that the handbook's list of keys is the one that the reader checks against.
 */
#include "parts.h"
#include "plugin-parts.h"

#include <stdio.h>

enum { HEAD_MAX = 256 * 1024 };

/* Adds the schema of the plugin at path. 0 or negative with why. */
static int add_plugin(struct rv_schema *schema, const char *path, struct rv_why *why)
{
	uint8_t *head = talloc_array(schema, uint8_t, HEAD_MAX);
	FILE *file = fopen(path, "rb");
	struct rv_bytes text;
	struct rv_note note;
	int code;

	if (!head || !file) {
		if (file)
			fclose(file);
		return rv_why_set(why, -RV_EPLUGIN, "%s cannot be read", path);
	}
	size_t n = fread(head, 1, HEAD_MAX, file);
	fclose(file);
	code = rv_note_find(rv_bytes(head, n), &text, why);
	if (!code)
		code = rv_note_read(text, &note, why);
	if (!code && note.schema)
		code = rv_schema_add(schema, note.name, note.schema, why);
	return code ? rv_why_set(why, code, "%s", path) : 0;
}

int main(int argc, char **argv)
{
	struct rv_schema *schema = rv_schema_new(NULL);
	struct rv_why why = { 0 };
	int code = schema ? rv_schema_add(schema, "core", rv_schema_core, &why) : -1;

	for (int i = 1; !code && i < argc; i++)
		code = add_plugin(schema, argv[i], &why);

	char *text = code ? NULL : rv_schema_document(schema, schema);

	if (text && fputs(text, stdout) >= 0 && !fflush(stdout)) {
		talloc_free(schema);
		return 0;
	}
	fprintf(stderr, "schema-doc: %s\n", why.text[0] ? why.text : "failed");
	return 1;
}
