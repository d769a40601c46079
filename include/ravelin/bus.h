// SPDX-License-Identifier: LGPL-2.1-or-later
/* bus.h: objects that a plugin shows on D-Bus, as tables.
 *
 * A plugin describes an interface once (static const tables) and publishes objects that have it. No type of a D-Bus
 * library is in this ABI: arguments come from a struct rv_bus_in and results go to a struct rv_bus_out. Handlers
 * decode, call a verb, encode; what went wrong is said through struct rv_why, whose code gives the D-Bus error name.
 * Loop thread.
 */
#pragma once

#include <ravelin/base.h>
#include <ravelin/plugin.h>

struct rv_bus_in;
struct rv_bus_out;
struct rv_bus_object;
struct rv_why;

enum rv_bus_right { RV_BUS_VIEW, RV_BUS_CONTROL, RV_BUS_ADMIN }; /* what a caller needs: see doc on rights */

struct rv_bus_method {
	const char *name, *in, *out;	  /* signatures, as introspection shows them */
	const char *in_names, *out_names; /* comma-separated */
	uint8_t right;
	int (*call)(void *self, struct rv_bus_in *in, struct rv_bus_out *out, struct rv_why *why);
};

struct rv_bus_property {
	const char *name, *signature;
	void (*get)(void *self, struct rv_bus_out *out);
};

struct rv_bus_signal {
	const char *name, *signature, *arg_names;
};

struct rv_bus_interface {
	const char *name; /* "org.ravelin.IPsec1.IkeSa" */
	const struct rv_bus_method *methods;
	const struct rv_bus_property *properties;
	const struct rv_bus_signal *signals;
	size_t n_methods, n_properties, n_signals;
};

/* Publishes self at /org/ravelin/IPsec1/PATH with interface. listed: in the ObjectManager (not for SAs, of which there
 * may be 100,000). The object is a talloc child of owner; freeing it takes it off the bus. Cheap: one hash entry. NULL:
 * out of memory or the path is taken. */
struct rv_bus_object *rv_bus_publish(struct rv_host *host, const void *owner, const char *path,
				     const struct rv_bus_interface *interface, void *self, bool listed);

/* Says that properties changed; sent once a turn. */
void rv_bus_changed(struct rv_bus_object *object, const char *property);

/* Values out, in the order of the signature. Containers: open with the contents' signature, close. */
void rv_bus_out_str(struct rv_bus_out *out, const char *value);		 /* s; bytes that are not UTF-8 are escaped */
void rv_bus_out_path(struct rv_bus_out *out, const char *below_root);	 /* o */
void rv_bus_out_bool(struct rv_bus_out *out, bool value);		 /* b */
void rv_bus_out_u32(struct rv_bus_out *out, uint32_t value);		 /* u */
void rv_bus_out_i32(struct rv_bus_out *out, int32_t value);		 /* i */
void rv_bus_out_u64(struct rv_bus_out *out, uint64_t value);		 /* t */
void rv_bus_out_open_array(struct rv_bus_out *out, const char *element); /* "s", "{sv}", "(su)" */
void rv_bus_out_open_struct(struct rv_bus_out *out);
void rv_bus_out_open_dict(struct rv_bus_out *out, const char *key); /* an entry of a{sv}: key, then the value below */
void rv_bus_out_open_variant(struct rv_bus_out *out, const char *signature);
void rv_bus_out_close(struct rv_bus_out *out);
void rv_bus_out_dict_str(struct rv_bus_out *out, const char *key, const char *value); /* whole entries of a{sv} */
void rv_bus_out_dict_u64(struct rv_bus_out *out, const char *key, uint64_t value);
void rv_bus_out_dict_bool(struct rv_bus_out *out, const char *key, bool value);

/* Arguments in, in order; a wrong type gives the empty value and fails the call afterwards with InvalidArgs. */
const char *rv_bus_in_str(struct rv_bus_in *in);
bool rv_bus_in_bool(struct rv_bus_in *in);
uint32_t rv_bus_in_u32(struct rv_bus_in *in);
