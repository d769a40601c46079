// SPDX-License-Identifier: LGPL-2.1-or-later
/* bus.h: objects that a plugin shows on D-Bus, as tables.
 *
 * A plugin describes an interface once (static const tables) and publishes a folder of objects that have it: ike_sa/1,
 * ike_sa/2, ... The folder finds and walks its objects when it is asked, so that an object costs nothing for being on
 * the bus and 100,000 SAs are no burden. No type of a D-Bus library is in this ABI: arguments come from a struct
 * rv_bus_in and results go to a struct rv_bus_out. Handlers decode, call a verb, encode; what went wrong is said
 * through struct rv_why, whose code gives the D-Bus error name. Loop thread only.
 */
#pragma once

#include <ravelin/plugin.h>

struct rv_bus_call;
struct rv_bus_folder;
struct rv_bus_in;
struct rv_bus_out;
struct rv_why;

/* What a caller needs to be: anybody who may connect, somebody who may operate tunnels, the administrator. */
enum rv_bus_right { RV_BUS_VIEW, RV_BUS_CONTROL, RV_BUS_ADMIN };

/* call: 0 and its results in out, RV_PENDING (after rv_bus_pend()), or negative with why. */
struct rv_bus_method {
	const char *name, *in, *out;	  /* signatures, as introspection shows them */
	const char *in_names, *out_names; /* comma-separated */
	uint8_t right;			  /* enum rv_bus_right */
	int (*call)(void *self, struct rv_bus_in *in, struct rv_bus_out *out, struct rv_why *why);
};

/* Whether a property's new value is told: not (it is read when it is wanted, as a counter is); it has none, for it is
 * constant while its object lives; or by rv_bus_changed(). */
enum rv_bus_tells { RV_BUS_UNTOLD, RV_BUS_CONST, RV_BUS_TOLD };

/* At most 64 of one interface. */
struct rv_bus_property {
	const char *name, *signature;
	void (*get)(void *self, struct rv_bus_out *out); /* writes one value of the signature */
	uint8_t tells;					 /* enum rv_bus_tells */
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

/* find: the object of this name, or NULL. each: calls fn for every object until fn returns non-zero, and returns that.
 * Names are any text (they are escaped in paths); numbers are written in decimal. */
typedef int rv_bus_each_fn(void *fn_arg, const char *name, void *object);
struct rv_bus_folder_ops {
	size_t size;
	void *(*find)(void *self, const char *name);
	int (*each)(void *self, rv_bus_each_fn *fn, void *fn_arg);
};

/* Publishes a folder at /org/ravelin/IPsec1/PATH (one element); its objects are PATH/NAME. listed: its objects are in
 * the ObjectManager (not SAs). The folder is a talloc child of host; freeing it takes it off the bus. It may be
 * published before the daemon is on a bus. NULL: out of memory, or the path is taken. */
struct rv_bus_folder *rv_bus_folder(struct rv_host *host, const char *path, const struct rv_bus_interface *interface,
				    const struct rv_bus_folder_ops *ops, void *self, bool listed);

/* Says that an object came or went (folders that are listed), or that a property of one changed; sent once a turn, to
 * those who listen. folder may be NULL. */
void rv_bus_came(struct rv_bus_folder *folder, const char *name);
void rv_bus_went(struct rv_bus_folder *folder, const char *name);
void rv_bus_changed(struct rv_bus_folder *folder, const char *name, const char *property);

/* A signal of an object: begin, write the arguments of its signature to what is returned, send. NULL when nobody
 * listens or memory is out; send takes NULL. */
struct rv_bus_out *rv_bus_signal(struct rv_bus_folder *folder, const char *name, const char *signal);
void rv_bus_send(struct rv_bus_out *out);

/* Inside a method's handler: it will answer later. The handler returns RV_PENDING. NULL: no memory, or too many calls
 * of this client wait. rv_bus_answer() sends the results (out from rv_bus_results()) or the error of why when r is
 * negative, and frees call. Whoever pends answers, also when what it waits for is cancelled or it ends itself. */
struct rv_bus_call *rv_bus_pend(struct rv_bus_in *in);
struct rv_bus_out *rv_bus_results(struct rv_bus_call *call);
void rv_bus_answer(struct rv_bus_call *call, int r, const struct rv_why *why);

/* Values out, in the order of the signature. Containers: open with the contents' signature, close. A value that does
 * not fit the signature is a programming error and is asserted. */
void rv_bus_out_str(struct rv_bus_out *out, const char *value); /* s; what is not UTF-8 is escaped; NULL: "" */
void rv_bus_out_path(struct rv_bus_out *out, const char *folder, const char *name); /* o: folder/name, below the root */
void rv_bus_out_bool(struct rv_bus_out *out, bool value);			    /* b */
void rv_bus_out_u32(struct rv_bus_out *out, uint32_t value);			    /* u */
void rv_bus_out_i32(struct rv_bus_out *out, int32_t value);			    /* i */
void rv_bus_out_u64(struct rv_bus_out *out, uint64_t value);			    /* t */
void rv_bus_out_i64(struct rv_bus_out *out, int64_t value);			    /* x */
void rv_bus_out_octets(struct rv_bus_out *out, struct rv_bytes value);		    /* ay */
void rv_bus_out_open_array(struct rv_bus_out *out, const char *element);	    /* "s", "{sv}", "(su)" */
void rv_bus_out_open_struct(struct rv_bus_out *out);
void rv_bus_out_open_entry(struct rv_bus_out *out); /* one {..} of a dictionary: key, then value */
void rv_bus_out_open_variant(struct rv_bus_out *out, const char *signature);
void rv_bus_out_close(struct rv_bus_out *out);

/* Whole entries of an a{sv} that is open. */
void rv_bus_out_dict_str(struct rv_bus_out *out, const char *key, const char *value);
void rv_bus_out_dict_u64(struct rv_bus_out *out, const char *key, uint64_t value);
void rv_bus_out_dict_bool(struct rv_bus_out *out, const char *key, bool value);

/* Arguments in, in order. The signature has been checked before the handler runs; strings and octets are borrowed for
 * the call. A descriptor is the caller's to close (-1: none). */
const char *rv_bus_in_str(struct rv_bus_in *in);
bool rv_bus_in_bool(struct rv_bus_in *in);
uint32_t rv_bus_in_u32(struct rv_bus_in *in);
struct rv_bytes rv_bus_in_octets(struct rv_bus_in *in);
int rv_bus_in_fd(struct rv_bus_in *in);
