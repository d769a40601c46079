// SPDX-License-Identifier: LGPL-2.1-or-later
/* fuzz-conf: any text is either a configuration whose every value can be asked for, or refused with a reason.
 */
#include "conf-tree.h"
#include "conf.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A key of each type, in a section and beside a pattern. */
static const char schema_all[] = "t.string|string|x||h\nt.bool|bool|yes||h\nt.int|int|1|-5..5|h\nt.size|size|1k||h\n"
				 "t.duration|duration|5s||h\nt.percent|percent|5%||h\nt.list|list|a,b||h\n"
				 "t.choice|choice|a|a,b|h\nt.addr|addr|::1||h\nt.addrs|addrs|%any||h\n"
				 "t.identity|identity|x||h\nt.ts|ts|dynamic||h\nt.proposals|proposals|default||h\n"
				 "t.secret|secret|-||h\nt.else|elsewhere|-|no|h\nt.*.x*|string|-||h\nt.*.*|int|1||h\n";

static void must(bool ok)
{
	if (!ok)
		abort();
}

static int walk(const char *name, const struct rv_conf *section, void *arg)
{
	unsigned *depth = arg;

	must(++*depth <= CONF_DEPTH_MAX + 1 && strlen(name) <= CONF_NAME_MAX);
	must(rv_conf_where(section, NULL));
	for (unsigned i = 0; i < section->n_values; i++) {
		const char *key = section->values[i].name;
		const struct rv_secret *secret = rv_conf_secret(section, key);
		must(rv_conf_has(section, key) && rv_conf_where(section, key));
		must(!secret || (secret->len && !rv_conf_str(section, key)));
		must(secret || rv_conf_str(section, key));
		(void)rv_conf_us(section, key);
		for (const char *const *item = rv_conf_list(section, key); *item; item++)
			must(**item);
		must(!i || strcmp(section->values[i - 1].name, key) < 0);
	}
	must(!rv_conf_each(section, walk, depth));
	--*depth;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	void *top = talloc_new(NULL);
	struct rv_vault *vault = rv_vault_new(top);
	struct rv_schema *schema = rv_schema_new(top);
	struct rv_why why = { 0 };
	struct rv_conf *conf;
	unsigned depth = 0;

	must(!rv_schema_add(schema, "core", rv_schema_core, &why) && !rv_schema_add(schema, "all", schema_all, &why));
	conf = conf_read_bytes(top, vault, schema, "fuzz", rv_bytes(data, size), &why);
	if (conf)
		walk("", conf, &depth);
	else
		must(why.code < 0 && why.text[0] && strlen(why.text) < sizeof(why.text));
	talloc_free(top);
	return 0;
}
