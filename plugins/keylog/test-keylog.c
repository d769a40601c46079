// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-keylog: which lines are written, and which files are refused. */
#include "test.h"

#include "core.h"
#include "parts.h"

#include <errno.h>
#include <fcntl.h>
#include <ravelin/sa.h>
#include <sys/stat.h>
#include <unistd.h>

extern const struct rv_plugin rv_plugin_keylog;

struct fixture {
	char dir[64], path[96];
	struct rv_core *core;
	char warnings[1024];
};

static void log_line(void *self, enum rv_level level, const char *line)
{
	struct fixture *f = self;

	if (level <= RV_WARN)
		snprintf(f->warnings + strlen(f->warnings), sizeof(f->warnings) - strlen(f->warnings), "%s\n", line);
}

static int setup(void **state)
{
	static const char schema_text[] = "ravelin.plugins.keylog.path|string|/nowhere||x\n";
	struct fixture *f = calloc(1, sizeof(*f));
	struct rv_why why = { 0 };
	char text[256];

	assert_non_null(f);
	strcpy(f->dir, "/tmp/rv-keylog-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/keys", f->dir);
	snprintf(text, sizeof(text), "ravelin { plugins { keylog { path = %s } } }\n", f->path);
	f->core = rv_core_new(
		NULL,
		&(struct rv_core_params){ .no_measure = true, .log_level = RV_WARN, .log = log_line, .log_self = f },
		&why);
	assert_non_null(f->core);
	struct rv_schema *schema = rv_schema_new(f->core);
	assert_int_equal(rv_schema_add(schema, "core", rv_schema_core, &why), 0);
	assert_int_equal(rv_schema_add(schema, "keylog", schema_text, &why), 0);
	f->core->conf = rv_conf_read_text(f->core, f->core->vault, schema, "test", text, &why);
	if (!f->core->conf)
		fail_msg("%s", why.text);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	talloc_free(f->core);
	unlink(f->path);
	assert_int_equal(rmdir(f->dir), 0);
	free(f);
	return 0;
}

static int load(struct fixture *f)
{
	struct rv_why why = { 0 };

	return rv_plugins_load_static(f->core->plugins, "keylog", &rv_plugin_keylog, &why);
}

static void written(struct fixture *f, const char *wanted)
{
	char text[8192] = { 0 };
	int fd = open(f->path, O_RDONLY);

	assert_true(fd >= 0);
	assert_true(read(fd, text, sizeof(text) - 1) >= 0);
	close(fd);
	assert_string_equal(text, wanted);
}

static const struct rv_key_line keying_keys[] = {
	{ "ike-spi-i", { (const uint8_t *)"\x01\x02\x03\x04\x05\x06\x07\x08", 8 } },
	{ "ike-spi-r", { (const uint8_t *)"\x11\x12\x13\x14\x15\x16\x17\x18", 8 } },
	{ "encr-i", { (const uint8_t *)"\xa0\xa1", 2 } },
	{ "encr-r", { (const uint8_t *)"\xb0\xb1", 2 } },
	{ "integ-i", { (const uint8_t *)"\xc0\xc1", 2 } },
	{ "integ-r", { (const uint8_t *)"\xd0\xd1", 2 } },
};

static const struct rv_key_line child_keys[] = {
	{ "encr-in", { (const uint8_t *)"\xa0\xa1", 2 } },
	{ "integ-in", { (const uint8_t *)"\xb0\xb1", 2 } },
	{ "encr-out", { (const uint8_t *)"\xc0\xc1", 2 } },
	{ "integ-out", { (const uint8_t *)"\xd0\xd1", 2 } },
};

static void keying_event(struct fixture *f, const char *text, size_t n_keys)
{
	struct rv_peer peer = { .id = 1 };
	struct rv_event event = { .name = "keys", .peer = &peer, .text = text, .keys = keying_keys, .n_keys = n_keys };

	rv_event_emit(f->core, &event);
}

static void keys_of_the_keying_protocol_are_a_line_for_tshark(void **state)
{
	struct fixture *f = *state;

	assert_false(rv_event_wants_keys(f->core));
	assert_int_equal(load(f), 0);
	assert_true(rv_event_wants_keys(f->core));
	keying_event(f, "aes256-sha256-prfsha256-modp2048", 6);
	keying_event(f, "aes128gcm16-prfsha256-x25519", 4);
	written(f, "uat:ikev2_decryption_table:0102030405060708,1112131415161718,a0a1,b0b1,\"AES-CBC-256 [RFC3602]\","
		   "c0c1,d0d1,\"HMAC_SHA2_256_128 [RFC4868]\"\n"
		   "uat:ikev2_decryption_table:0102030405060708,1112131415161718,a0a1,b0b1,"
		   "\"AES-GCM-128 with 16 octet ICV [RFC5282]\",\"\",\"\",\"NONE [RFC4306]\"\n");
}

static void each_direction_of_a_child_sa_is_a_line(void **state)
{
	struct fixture *f = *state;
	struct rv_peer peer = { .id = 1 };
	struct rv_child child = { .peer = &peer, .spi_in = 0xc0000001, .spi_out = 0x00abcdef };
	struct rv_event event = { .name = "keys",
				  .peer = &peer,
				  .child = &child,
				  .text = "aes128-sha512-noesn",
				  .keys = child_keys,
				  .n_keys = 4 };

	assert_int_equal(load(f), 0);
	assert_int_equal(rv_addr_parse(&peer.path.local, "10.0.0.1:4500"), 0);
	assert_int_equal(rv_addr_parse(&peer.path.remote, "10.0.0.2:4500"), 0);
	rv_event_emit(f->core, &event);
	assert_int_equal(rv_addr_parse(&peer.path.local, "2001:db8::1"), 0);
	assert_int_equal(rv_addr_parse(&peer.path.remote, "2001:db8::2"), 0);
	event.text = "null-sha1-noesn";
	event.keys = child_keys + 3; /* integ-out alone: an SA of one direction */
	event.n_keys = 1;
	rv_event_emit(f->core, &event);
	written(f, "uat:esp_sa:\"IPv4\",\"10.0.0.2\",\"10.0.0.1\",\"0xc0000001\",\"AES-CBC [RFC3602]\",\"0xa0a1\","
		   "\"HMAC-SHA-512-256 [RFC4868]\",\"0xb0b1\"\n"
		   "uat:esp_sa:\"IPv4\",\"10.0.0.1\",\"10.0.0.2\",\"0x00abcdef\",\"AES-CBC [RFC3602]\",\"0xc0c1\","
		   "\"HMAC-SHA-512-256 [RFC4868]\",\"0xd0d1\"\n"
		   "uat:esp_sa:\"IPv6\",\"2001:db8::1\",\"2001:db8::2\",\"0x00abcdef\",\"NULL\",\"\","
		   "\"HMAC-SHA-1-96 [RFC2404]\",\"0xd0d1\"\n");
}

static void what_tshark_cannot_name_is_a_comment_without_keys(void **state)
{
	struct fixture *f = *state;
	struct rv_event other = { .name = "peer-up", .keys = keying_keys, .n_keys = 6 };

	assert_int_equal(load(f), 0);
	keying_event(f, "chacha20poly1305-prfsha256-x25519", 6);
	keying_event(f, NULL, 6);
	keying_event(f, "", 6);
	rv_event_emit(f->core, &other);
	written(f, "# SA of chacha20poly1305-prfsha256-x25519: not written, tshark has no name for it\n"
		   "# SA of an unknown proposal: not written, tshark has no name for it\n"
		   "# SA of : not written, tshark has no name for it\n");
}

static void the_file_is_private_and_loading_is_loud(void **state)
{
	struct fixture *f = *state;
	struct stat st;

	umask(0);
	assert_int_equal(load(f), 0);
	umask(022);
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_non_null(strstr(f->warnings, "keylog-on"));
	assert_non_null(strstr(f->warnings, "WHO READS IT READS THE TRAFFIC"));
	assert_non_null(strstr(f->warnings, f->path));
}

static void an_old_file_is_appended_to(void **state)
{
	struct fixture *f = *state;
	int fd = open(f->path, O_WRONLY | O_CREAT, 0600);

	assert_int_equal(write(fd, "# old\n", 6), 6);
	close(fd);
	assert_int_equal(load(f), 0);
	keying_event(f, "", 6);
	written(f, "# old\n# SA of : not written, tshark has no name for it\n");
}

static void a_file_that_others_can_read_is_refused(void **state)
{
	struct fixture *f = *state;

	for (unsigned bit = 0; bit < 6; bit++) {
		int fd = open(f->path, O_WRONLY | O_CREAT, 0600);
		assert_int_equal(fchmod(fd, 0600 | 1u << bit), 0);
		close(fd);
		assert_int_equal(load(f), -EPERM);
		assert_int_equal(unlink(f->path), 0);
	}
	assert_non_null(strstr(f->warnings, "keylog-failed"));
	assert_false(rv_event_wants_keys(f->core));
}

static void a_link_a_pipe_and_a_folder_are_refused(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(symlink("/dev/null", f->path), 0);
	assert_int_equal(load(f), -ELOOP);
	assert_int_equal(unlink(f->path), 0);
	assert_int_equal(mkdir(f->path, 0700), 0);
	assert_int_equal(load(f), -EISDIR);
	assert_int_equal(rmdir(f->path), 0);
	assert_int_equal(mkfifo(f->path, 0600), 0);
	assert_int_equal(load(f), -ENXIO);
	int reader = open(f->path, O_RDONLY | O_NONBLOCK);
	assert_int_equal(load(f), -EPERM);
	close(reader);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(keys_of_the_keying_protocol_are_a_line_for_tshark),
		TEST(each_direction_of_a_child_sa_is_a_line),
		TEST(what_tshark_cannot_name_is_a_comment_without_keys),
		TEST(the_file_is_private_and_loading_is_loud),
		TEST(an_old_file_is_appended_to),
		TEST(a_file_that_others_can_read_is_refused),
		TEST(a_link_a_pipe_and_a_folder_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
