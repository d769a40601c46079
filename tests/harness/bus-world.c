// SPDX-License-Identifier: LGPL-2.1-or-later
/* bus-world: a core on D-Bus for tests. */
#include "test.h"

#include "bus-world.h"
#include "parts.h"

#include <ravelin/bus.h>
#include <sys/stat.h>
#include <talloc.h>
#include <unistd.h>

#define CONFIG                                                                                                         \
	"connections { west { keying = fake\n local_addrs = 10.0.0.1\n remote_addrs = 10.0.0.2, 10.0.0.3\n"            \
	"children { one { local_ts = 10.1.0.0/16\n remote_ts = 10.2.0.0/16 } } } }"

/* A folder of a plugin's: odd names, and methods of every kind. */

const char *const odd_names[ODD_NAMES] = {
	"plain", "a/b", "", "/", "a//b/", "a_b", "_41", "caf\xc3\xa9", "\xff", "a b"
};

static int call_all(void *self, struct rv_bus_in *in, struct rv_bus_out *out, struct rv_why *why)
{
	rv_bus_out_str(out, "caf\xc3\xa9");
	rv_bus_out_str(out, "\xff\x01");
	rv_bus_out_str(out, NULL);
	rv_bus_out_path(out, "test", "a b");
	rv_bus_out_bool(out, true);
	rv_bus_out_u32(out, UINT32_MAX);
	rv_bus_out_i32(out, INT32_MIN);
	rv_bus_out_u64(out, UINT64_MAX);
	rv_bus_out_i64(out, INT64_MIN);
	rv_bus_out_octets(out, rv_bytes("\0\xff", 2));
	rv_bus_out_octets(out, rv_bytes(NULL, 0));
	rv_bus_out_open_array(out, "(su)");
	rv_bus_out_open_struct(out);
	rv_bus_out_str(out, "x");
	rv_bus_out_u32(out, 1);
	rv_bus_out_close(out);
	rv_bus_out_close(out);
	rv_bus_out_open_array(out, "{sv}");
	rv_bus_out_dict_str(out, "s", "text");
	rv_bus_out_dict_u64(out, "t", 7);
	rv_bus_out_dict_bool(out, "b", false);
	rv_bus_out_close(out);
	return 0;
}

static int call_echo(void *self, struct rv_bus_in *in, struct rv_bus_out *out, struct rv_why *why)
{
	const char *text = rv_bus_in_str(in);
	bool flag = rv_bus_in_bool(in);
	uint32_t n = rv_bus_in_u32(in);
	struct rv_bytes octets = rv_bus_in_octets(in);
	int fd = rv_bus_in_fd(in);
	char c = 0;

	rv_bus_out_str(out, text);
	rv_bus_out_bool(out, flag);
	rv_bus_out_u32(out, n);
	rv_bus_out_octets(out, octets);
	rv_bus_out_bool(out, read(fd, &c, 1) == 1 && c == 'x');
	close(fd);
	return 0;
}

static int call_later(void *self, struct rv_bus_in *in, struct rv_bus_out *out, struct rv_why *why)
{
	struct odd *odd = self;
	struct rv_bus_call *call = rv_bus_pend(in);

	if (!call)
		return rv_why_set(why, -RV_ELIMIT, "too many");
	if (!odd->later)
		odd->later = call;
	else
		rv_bus_answer(call, -RV_ESTATE, NULL);
	return RV_PENDING;
}

static int call_keep(void *self, struct rv_bus_in *in, struct rv_bus_out *out, struct rv_why *why)
{
	struct odd *odd = self;

	assert_true(odd->n_kept < ODD_KEPT);
	odd->kept[odd->n_kept] = rv_bus_pend(in);
	assert_non_null(odd->kept[odd->n_kept++]);
	return RV_PENDING;
}

static int call_fail(void *self, struct rv_bus_in *in, struct rv_bus_out *out, struct rv_why *why)
{
	return rv_why_set(why, -RV_ENO_PROPOSAL, "they offer nothing");
}

static int call_admin(void *self, struct rv_bus_in *in, struct rv_bus_out *out, struct rv_why *why)
{
	return 0;
}

static void get_name(void *self, struct rv_bus_out *out)
{
	const struct odd *odd = self;

	rv_bus_out_str(out, odd->name ? odd->name : odd->big);
}

static const struct rv_bus_method methods[] = {
	{ "All", "", "sssobuitxayaya(su)a{sv}", "", "", RV_BUS_VIEW, call_all },
	{ "Echo", "sbuayh", "sbuayb", "text,flag,n,octets,file", "", RV_BUS_VIEW, call_echo },
	{ "Later", "", "u", "", "n", RV_BUS_VIEW, call_later },
	{ "Keep", "s", "", "text", "", RV_BUS_VIEW, call_keep },
	{ "Fail", "", "", "", "", RV_BUS_VIEW, call_fail },
	{ "Control", "", "", "", "", RV_BUS_CONTROL, call_admin },
	{ "Admin", "", "", "", "", RV_BUS_ADMIN, call_admin },
};
static const struct rv_bus_property properties[] = { { "Name", "s", get_name, RV_BUS_TOLD } };
const struct rv_bus_interface odd_interface = { .name = FACE "Test",
						.methods = methods,
						.properties = properties,
						.n_methods = RV_COUNT(methods),
						.n_properties = RV_COUNT(properties) };

static void *odd_find(void *self, const char *name)
{
	struct odd *odd = self;

	for (size_t i = 0; i < odd->n_names; i++) {
		if (strcmp(odd_names[i], name) != 0)
			continue;
		odd->name = odd_names[i];
		return odd;
	}
	return NULL;
}

static int odd_each(void *self, rv_bus_each_fn *fn, void *fn_arg)
{
	struct odd *odd = self;
	char name[32];
	int r = 0;

	for (size_t i = 0; !r && i < odd->n_names; i++) {
		odd->name = odd_names[i];
		r = fn(fn_arg, odd_names[i], odd);
	}
	odd->name = NULL;
	for (size_t i = 0; !r && i < odd->n_big; i++) {
		snprintf(name, sizeof(name), "big%zu", i);
		r = fn(fn_arg, name, odd);
	}
	return r;
}

const struct rv_bus_folder_ops odd_ops = { .size = sizeof(odd_ops), .find = odd_find, .each = odd_each };

/* A world with a socket and one client */

void bus_world_open(struct bus_world *f)
{
	struct rv_why why = { 0 };

	f->core->bus = rv_bus_new(f->core, f->core, NULL, &why);
	if (!f->core->bus)
		fail_msg("%s", why.text);
}

int bus_world_begin(void **state)
{
	struct bus_world *f = talloc_zero(NULL, struct bus_world);

	f->w = world_new(CONFIG);
	f->core = f->w->core;
	snprintf(f->dir, sizeof(f->dir), "/tmp/ravelin-bus-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	assert_int_equal(chmod(f->dir, 0755), 0);
	snprintf(f->address, sizeof(f->address), "unix:path=%s/bus", f->dir);
	f->core->params.run_dir = f->dir;
	f->odd.n_names = ODD_NAMES;
	f->odd.folder = rv_bus_folder(f->w->keying_host, "test", &odd_interface, &odd_ops, &f->odd, true);
	assert_non_null(f->odd.folder); /* before there is a bus */
	bus_world_open(f);
	f->c = caller_new(f->core, f->address, true);
	world_notes(f->w);
	*state = f;
	return 0;
}

int bus_world_end(void **state)
{
	struct bus_world *f = *state;

	caller_end(f->c);
	TALLOC_FREE(f->core->bus);
	assert_int_equal(rmdir(f->dir), 0); /* the socket is gone */
	world_end(f->w);
	talloc_free(f);
	return 0;
}

void expect(char *got, const char *wanted)
{
	if (!got || strcmp(got, wanted) != 0)
		fail_msg("got:    %s\nwanted: %s", got ? got : "(closed)", wanted);
	talloc_free(got);
}

void expect_error(char *got, const char *name)
{
	size_t len = strlen(name);

	if (!got || *got != '!' || strncmp(got + 1, name, len) != 0 || got[1 + len] != ':' || !got[len + 3])
		fail_msg("got: %s\nwanted the error %s with a text", got ? got : "(closed)", name);
	talloc_free(got);
}

void expect_in(const char *got, const char *part)
{
	if (!got || !strstr(got, part))
		fail_msg("got: %s\nwithout: %s", got ? got : "(closed)", part);
}

void at(struct bus_world *f, const char *path, const char *face)
{
	f->c->path = path;
	f->c->interface = face;
}

unsigned count_of(const char *text, const char *part)
{
	unsigned n = 0;

	for (; (text = strstr(text, part)); text++)
		n++;
	return n;
}
