// SPDX-License-Identifier: LGPL-2.1-or-later
/* fuzz-bus: method calls to the objects on D-Bus, from octets.
 *
 * Input: flags (1: from a stranger, 2: on the message bus, 4: no reply wanted), then path, interface, member, signature
 * and sender (a length and so many octets; from 200 on, a word of the table below), then the body. libdbus checks it as
 * it does what comes from a socket; what passes is answered over a link whose sending goes nowhere.
 */
#include "dbus/objects.h"

#include <stdlib.h>
#include <string.h>
#include <talloc.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { WORDS_FROM = 200, TEXT_MOST = 256, CALLS = 4 };

static const char *const words[] = {
	"",
	BUS_ROOT,
	BUS_ROOT "/connection/west",
	BUS_ROOT "/connection",
	BUS_ROOT "/plugin/x",
	BUS_ROOT "/service/watch/bus/core",
	BUS_ROOT "/attempt/1",
	BUS_ROOT "/child_sa/1",
	BUS_ROOT "/policy/1",
	BUS_NAME ".Manager",
	BUS_NAME ".Connection",
	BUS_NAME ".Attempt",
	DBUS_INTERFACE_PROPERTIES,
	DBUS_INTERFACE_INTROSPECTABLE,
	OBJECT_MANAGER,
	"Up",
	"Down",
	"Rekey",
	"List",
	"Reload",
	"LoadPlugin",
	"UnloadPlugin",
	"SetLogLevel",
	"ExportState",
	"ImportState",
	"Stop",
	"Get",
	"GetAll",
	"Set",
	"Introspect",
	"GetManagedObjects",
	"s",
	"ss",
	"suu",
	"sb",
	"ssv",
	":1.7",
};

/* A method call on the wire as it is being made (D-Bus specification, message format; little-endian). */
struct wire {
	uint8_t *p;
	size_t n;
};

static void pad(struct wire *wire, size_t to)
{
	while (wire->n % to)
		wire->p[wire->n++] = 0;
}

static void u32(struct wire *wire, uint32_t v)
{
	pad(wire, 4);
	for (int i = 0; i < 4; i++)
		wire->p[wire->n++] = (uint8_t)(v >> 8 * i);
}

static void field(struct wire *wire, uint8_t code, char type, const char *text)
{
	size_t len = strlen(text);

	if (!len)
		return;
	pad(wire, 8);
	wire->p[wire->n++] = code;
	wire->p[wire->n++] = 1;
	wire->p[wire->n++] = (uint8_t)type;
	wire->p[wire->n++] = 0;
	if (type == 'g')
		wire->p[wire->n++] = (uint8_t)len;
	else
		u32(wire, (uint32_t)len);
	memcpy(wire->p + wire->n, text, len + 1);
	wire->n += len + 1;
}

/* The next text of the input. */
static void take(const uint8_t **data, size_t *size, char out[static TEXT_MOST])
{
	size_t len = *size ? **data : 0;

	*data += *size > 0;
	*size -= *size > 0;
	if (len >= WORDS_FROM) {
		snprintf(out, TEXT_MOST, "%s", words[(len - WORDS_FROM) % RV_COUNT(words)]);
		return;
	}
	len = len < *size ? len : *size;
	memcpy(out, *data, len);
	out[len] = 0;
	*data += len;
	*size -= len;
}

/* The message of the input, or NULL when libdbus would not let it through. */
static DBusMessage *message_of(const void *parent, const uint8_t *data, size_t size)
{
	static const struct {
		uint8_t code;
		char type;
	} fields[] = { { 1, 'o' }, { 2, 's' }, { 3, 's' }, { 8, 'g' }, { 7, 's' } };
	struct wire wire = { .p = talloc_size(parent, size + 2048) };
	uint8_t flags = size ? *data : 0;
	char text[TEXT_MOST];
	DBusMessage *message;

	if (!wire.p)
		abort();
	data += size > 0;
	size -= size > 0;
	memcpy(wire.p, "l\1\0\1", 4);
	wire.p[2] = flags & 4 ? 1 : 0;
	wire.n = 16; /* with the body's length, the serial and the fields' length, which follow below */
	for (size_t i = 0; i < RV_COUNT(fields); i++) {
		take(&data, &size, text);
		field(&wire, fields[i].code, fields[i].type, text);
	}
	struct wire lengths = { wire.p, 4 };

	u32(&lengths, (uint32_t)size);
	u32(&lengths, 1);
	u32(&lengths, (uint32_t)wire.n - 16);
	pad(&wire, 8);
	if (size)
		memcpy(wire.p + wire.n, data, size);
	message = dbus_message_demarshal((const char *)wire.p, (int)(wire.n + size), NULL);
	talloc_free(wire.p);
	return message;
}

static void to_nowhere(void *self, enum rv_level level, const char *line)
{
}

static struct rv_core *make_core(void)
{
	static const char config[] = "connections { west { keying = none\n remote_addrs = 10.0.0.2 } }";
	const struct rv_core_params params = { .log = to_nowhere, .log_level = RV_ERROR, .no_measure = true };
	struct rv_core *core = rv_core_new(NULL, &params, NULL);

	struct rv_why why = { 0 };

	if (!core || rv_core_load_text(core, "fuzz", config, &why)) {
		fprintf(stderr, "%s\n", why.text);
		abort();
	}
	core->bus = rv_bus_new(core, core, NULL, NULL);
	if (!core->bus)
		abort();
	core->bus->message_bus = talloc_strdup(core->bus, "system");
	rv_attempt_fail(rv_attempt_new(core, "west", NULL, "user"), -RV_EFAILED, NULL, "nothing");
	return core;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rv_core *core = make_core();
	struct link *link = talloc_zero(core->bus, struct link);
	DBusMessage *message = message_of(core, data, size);

	if (!link)
		abort();
	*link = (struct link){ .bus = core->bus, .gone = true };
	if (size && (*data & 1))
		link->uid = (unsigned long)-1;
	link->message_bus = size && (*data & 2);
	rv_list_init(&link->checks);
	rv_list_init(&link->callers);
	if (message) {
		objects_call(link, message);
		dbus_message_unref(message);
	}
	for (int i = 0; i < CALLS; i++)
		(void)rv_loop_turn(core->loop, 0);
	rv_list_each (&core->bus->calls, call, struct rv_bus_call, entry)
		call->link = NULL;
	talloc_free(core);
	return 0;
}
