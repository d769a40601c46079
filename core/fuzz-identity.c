// SPDX-License-Identifier: LGPL-2.1-or-later
/* fuzz-identity: an identity of a configuration, and one of the wire (its type first), keep their names.
 */
#include <ravelin/identity.h>

#include <stdlib.h>
#include <string.h>
#include <talloc.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

/* Text that was not cut reads as the same identity again, and is fit for a terminal. */
static void check(const void *parent, const struct rv_id *id)
{
	char out[RV_ID_TEXT];

	rv_id_text(id, out);
	size_t len = strlen(out);
	must(len < sizeof(out));
	for (size_t i = 0; i < len; i++)
		must(out[i] >= 0x20 && out[i] < 0x7f);
	must(rv_id_same(id, id));
	must(rv_id_match(NULL, id) == 1);
	must(rv_id_match(id, id) >= 1 || id->len > 4);
	if (len > sizeof(out) - 8)
		return;
	struct rv_id *again = rv_id_parse(parent, out, NULL);
	/* A peer's DN need not be one; a configuration's must. */
	must(again ? rv_id_same(id, again) : id->type == RV_ID_DN);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	void *parent = talloc_new(NULL);
	char *text = talloc_size(parent, size + 1);

	if (!text || size == 0)
		goto out;
	memcpy(text, data, size);
	text[size] = '\0';
	struct rv_id *read = rv_id_parse(parent, text, NULL);
	if (read)
		check(parent, read);
	struct rv_id *wire = rv_id_from_wire(parent, data[0], rv_bytes(data + 1, size - 1));
	if (wire) {
		check(parent, wire);
		must(rv_id_match(wire, wire) >= 2);
	}
out:
	talloc_free(parent);
	return 0;
}
