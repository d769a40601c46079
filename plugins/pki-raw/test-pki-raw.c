// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-pki-raw: the forms and places in which raw public keys (RFC 7670) are found, and what is said of those that are
 * not.
 */
#include "test.h"

#include "core.h"
#include "parts.h"

#include "pki-raw.h"

#include <errno.h>
#include <ravelin/error.h>
#include <sys/stat.h>
#include <unistd.h>

extern const struct rv_plugin rv_plugin_crypto_gnutls, rv_plugin_crypto_nettle, rv_plugin_proposal_words,
	rv_plugin_pki_raw;

/* RFC 8410, 10.3 and 10.1: an Ed25519 key pair. */
static const char private_pem[] = "-----BEGIN PRIVATE KEY-----\n"
				  "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n"
				  "-----END PRIVATE KEY-----\n";
static const char public_pem[] = "-----BEGIN PUBLIC KEY-----\n"
				 "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n"
				 "-----END PUBLIC KEY-----\n";
static const char public_hex[] =
	"302a300506032b657003210019bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1";

struct fixture {
	struct rv_core *core;
	char dir[64], log[4096];
	const struct rv_pki_ops *ops;
	void *self;
	struct rv_why why;
	uint8_t found[8][128];
	size_t lens[8], n_found;
};

static void file(const struct fixture *f, const char *name, const void *octets, size_t len)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	FILE *out = fopen(path, "w");

	assert_non_null(out);
	assert_int_equal(fwrite(octets, 1, len, out), len);
	fclose(out);
	assert_int_equal(chmod(path, 0600), 0);
}

static void folder(const struct fixture *f, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	assert_int_equal(mkdir(path, 0700), 0);
}

static const char *const files[] = { "pubkey/a.pem",	"b.pem",	 "pubkey/c.der",
				     "pubkey/junk.pem", "private/a.pem", "private/junk.pem",
				     "ravelin.conf" };

static void log_line(void *self, enum rv_level level, const char *line)
{
	char *log = self;
	size_t at = strlen(log);

	if (at < sizeof(((struct fixture *)0)->log) - 1)
		snprintf(log + at, sizeof(((struct fixture *)0)->log) - at, "%s\n", line);
}

static void write_config(const struct fixture *f)
{
	char text[2048];

	snprintf(text, sizeof(text),
		 "connections {\n"
		 " good {\n remote_addrs = 192.0.2.1\n local {\n pubkeys = a.pem\n }\n"
		 " remote {\n pubkeys = a.pem, b.pem, c.der, 0x%s, "
		 "0sMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=, "
		 "%s/b.pem\n }\n }\n"
		 " bad {\n remote_addrs = 192.0.2.1\n local {\n pubkeys = "
		 "0x302a300506032b6570032100d75a980182b10ab7d54bfed3c964073a"
		 "0ee172f3daa62325af021a68f707511a\n }\n"
		 " remote {\n pubkeys = nowhere.pem, junk.pem, 0x3000, a.pem\n }\n }\n"
		 " none {\n remote_addrs = 192.0.2.1\n local {\n auth = psk\n }\n remote {\n pubkeys = nowhere.pem\n "
		 "}\n }\n"
		 "}\nsecrets {\n private-lost {\n file = lost.pem\n }\n}\n",
		 public_hex, f->dir);
	file(f, "ravelin.conf", text, strlen(text));
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	const struct rv_core_params params = {
		.no_measure = true, .log_level = RV_DEBUG, .log = log_line, .log_self = f->log
	};
	uint8_t der[64];
	char path[128];

	assert_non_null(f);
	snprintf(f->dir, sizeof(f->dir), "/tmp/test-pki-raw-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	folder(f, "pubkey");
	folder(f, "private");
	file(f, "pubkey/a.pem", public_pem, strlen(public_pem));
	file(f, "b.pem", public_pem, strlen(public_pem));
	file(f, "pubkey/c.der", der, test_hex(public_hex, der, sizeof(der)));
	file(f, "pubkey/junk.pem", "junk", 4);
	file(f, "private/a.pem", private_pem, strlen(private_pem));
	file(f, "private/junk.pem", "junk", 4);
	write_config(f);
	f->core = rv_core_new(NULL, &params, &f->why);
	snprintf(path, sizeof(path), "%s/ravelin.conf", f->dir);
	if (!f->core || rv_plugins_load_static(f->core->plugins, "crypto-gnutls", &rv_plugin_crypto_gnutls, &f->why) ||
	    rv_plugins_load_static(f->core->plugins, "crypto-nettle", &rv_plugin_crypto_nettle, &f->why) ||
	    rv_plugins_load_static(f->core->plugins, "proposal-words", &rv_plugin_proposal_words, &f->why) ||
	    rv_plugins_load_static(f->core->plugins, "pki-raw", &rv_plugin_pki_raw, &f->why) ||
	    rv_core_load(f->core, path, &f->why))
		fail_msg("%s", f->why.text);
	struct rv_service *service = rv_registry_find(f->core->registry, "pki", "raw");
	assert_non_null(service);
	f->ops = rv_service_ops(service);
	f->self = rv_service_self(service);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char path[128];

	talloc_free(f->core);
	for (size_t i = 0; i < RV_COUNT(files); i++) {
		snprintf(path, sizeof(path), "%s/%s", f->dir, files[i]);
		assert_int_equal(unlink(path), 0);
	}
	snprintf(path, sizeof(path), "%s/pubkey", f->dir);
	assert_int_equal(rmdir(path), 0);
	snprintf(path, sizeof(path), "%s/private", f->dir);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(rmdir(f->dir), 0);
	free(f);
	return 0;
}

static void found(void *arg, const struct rv_pki_key *key)
{
	struct fixture *f = arg;

	assert_true(f->n_found < RV_COUNT(f->found) && key->spki.len <= sizeof(f->found[0]));
	memcpy(f->found[f->n_found], key->spki.p, key->spki.len);
	f->lens[f->n_found++] = key->spki.len;
}

static struct rv_pki_request request(struct fixture *f, const char *name, bool local)
{
	const struct rv_connection *c = rv_connection_find(f->core, name);

	assert_non_null(c);
	f->why = (struct rv_why){ 0 };
	f->n_found = 0;
	return (struct rv_pki_request){ .connection = c, .round = local ? c->local : c->remote, .why = &f->why };
}

static void every_form_is_the_same_key(void **state)
{
	struct fixture *f = *state;
	struct rv_pki_request r = request(f, "good", false);
	uint8_t wanted[64];
	size_t len = test_hex(public_hex, wanted, sizeof(wanted));

	assert_int_equal(f->ops->trusted(f->self, &r, found, f, NULL), 0);
	assert_int_equal(f->n_found, 6);
	for (size_t i = 0; i < f->n_found; i++) {
		assert_int_equal(f->lens[i], len);
		assert_memory_equal(f->found[i], wanted, len);
	}
	r = request(f, "good", true);
	assert_int_equal(f->ops->own(f->self, &r, found, f), 0);
	assert_int_equal(f->n_found, 1);
	assert_memory_equal(f->found[0], wanted, len);
}

static void what_is_no_key_is_passed_over_and_told(void **state)
{
	struct fixture *f = *state;
	struct rv_pki_request r = request(f, "bad", false);

	assert_int_equal(f->ops->trusted(f->self, &r, found, f, NULL), 0);
	assert_int_equal(f->n_found, 1);
	assert_int_equal(f->why.code, 0);
	r = request(f, "none", false);
	assert_true(f->ops->trusted(f->self, &r, found, f, NULL) < 0);
	assert_int_equal(f->n_found, 0);
	assert_non_null(strstr(f->why.text, "nowhere.pem cannot be read"));
	assert_non_null(strstr(f->log, "public-key-unusable"));
	assert_non_null(strstr(f->log, "junk.pem is no public key"));
	assert_non_null(strstr(f->log, "private-key-unusable"));
	assert_non_null(strstr(f->log, "lost.pem cannot be read"));
	assert_non_null(strstr(f->log, "private-key-passed-over"));
	assert_null(strstr(f->log, "MC4CAQ"));
}

static void a_key_without_its_private_half_is_not_ours(void **state)
{
	struct fixture *f = *state;
	struct rv_pki_request r = request(f, "bad", true);

	assert_int_equal(f->ops->own(f->self, &r, found, f), -RV_ENO_SECRET);
	assert_non_null(strstr(f->why.text, "no private key is loaded"));
	r = request(f, "none", true);
	assert_int_equal(f->ops->own(f->self, &r, found, f), -RV_ENO_SECRET);
	assert_non_null(strstr(f->why.text, "local has no pubkeys"));
	assert_int_equal(f->n_found, 0);
}

static void only_the_owner_of_a_key_signs(void **state)
{
	struct fixture *f = *state;
	const struct rv_bytes message = RV_STR("message");
	uint8_t other[44] = { 0 }, out[64];
	struct rv_call call;
	size_t len;

	assert_int_equal(f->ops->sign(f->self, rv_bytes(other, sizeof(other)), "ed25519", &message, 1, out, sizeof(out),
				      &len, &call),
			 -RV_ENO_SECRET);
	size_t n = test_hex(public_hex, other, sizeof(other));
	assert_int_equal(
		f->ops->sign(f->self, rv_bytes(other, n), "nonsense", &message, 1, out, sizeof(out), &len, &call),
		-RV_ENO_PROVIDER);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_form_is_the_same_key),
		cmocka_unit_test(what_is_no_key_is_passed_over_and_told),
		cmocka_unit_test(a_key_without_its_private_half_is_not_ours),
		cmocka_unit_test(only_the_owner_of_a_key_signs),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
