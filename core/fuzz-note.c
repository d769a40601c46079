// SPDX-License-Identifier: LGPL-2.1-or-later
/* fuzz-note: a plugin's file from anybody: the first octet says whether the rest is an object or a note's text. */
#include "plugin-parts.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_text(struct rv_bytes text)
{
	struct rv_why why = { 0 };
	struct rv_note note;

	if (rv_note_read(text, &note, &why))
		return;
	if (!note.name || strlen(note.name) > 63 || note.abi_major != RV_ABI_MAJOR)
		__builtin_trap();
	(void)rv_note_satisfies(note.provides, note.needs ? note.needs : "a:b");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rv_why why = { 0 };
	struct rv_bytes text;

	if (!size)
		return 0;
	if (data[0] == 't')
		read_text(rv_bytes(data + 1, size - 1));
	else if (!rv_note_find(rv_bytes(data + 1, size - 1), &text, &why))
		read_text(text);
	return 0;
}
