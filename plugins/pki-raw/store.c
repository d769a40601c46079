// SPDX-License-Identifier: LGPL-2.1-or-later
/* store: the keys that a configuration names, read when it is loaded.
 *
 * A relative name of a file is looked for in the folder that swanctl has for its kind (pubkey, private, rsa, ecdsa,
 * pkcs8) beside the file of the configuration that names it, then beside that file itself. Private keys that lie in
 * those folders are taken without being named, as swanctl does.
 */
#include "pki-raw.h"

#include <dirent.h>
#include <errno.h>
#include <ravelin/error.h>
#include <ravelin/log.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const folders[] = { "private", "rsa", "ecdsa", "pkcs8" };

/* The folder of the configuration file that where ("FILE:LINE") names; "." when it has none. */
static char *folder_of(const void *parent, const char *where)
{
	const char *slash = where ? strrchr(where, '/') : NULL;

	return slash ? talloc_strndup(parent, where, (size_t)(slash - where) + (slash == where))
		     : talloc_strdup(parent, ".");
}

static bool starts(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

/* A file of conf's key, named as the head of this file says. NULL with why, which names what was tried. */
static struct rv_secret *find_file(struct rv_host *host, const void *parent, const char *where, const char *folder,
				   const char *name, struct stat *st, struct rv_why *why)
{
	struct rv_why first_why = { 0 }, second_why = { 0 }, *said = &first_why;
	char *base = folder_of(parent, where);
	char *first = !base	       ? NULL
		      : name[0] == '/' ? talloc_strdup(base, name)
				       : talloc_asprintf(base, "%s/%s/%s", base, folder, name);
	char *second = first ? talloc_asprintf(base, "%s/%s", base, name) : NULL;
	struct rv_secret *octets = NULL;

	if (second)
		octets = rv_host_read(host, parent, first, RAW_FILE_MAX, st, said);
	else
		rv_why_set(said, -ENOMEM, "the file %s: memory is out", name);
	if (!octets && said->code == -ENOENT && name[0] != '/') {
		said = &second_why;
		octets = rv_host_read(host, parent, second, RAW_FILE_MAX, st, said);
	}
	if (!octets)
		rv_why_set(why, said->code, "%s: %s", where ? where : "configuration", said->text);
	talloc_free(base);
	return octets;
}

/* Private keys */

static void add_private(struct raw_store *store, struct raw_private *key)
{
	if (raw_store_private(store, key->spki)) {
		talloc_free(key);
		return;
	}
	key->next = store->privates;
	store->privates = key;
	rv_log(&store->host->subject, RV_DEBUG, "private-key-loaded", KV_STR("file", key->origin));
}

/* Takes the key that octets are. 0 or negative; octets are let go. */
static int take_private(struct raw_store *store, const char *origin, struct rv_secret *octets,
			const struct rv_secret *passphrase)
{
	struct raw_private *key = talloc_zero(store, struct raw_private);
	int r = key ? raw_read_private(store->host->vault, key, rv_secret_bytes(octets), passphrase) : -ENOMEM;

	talloc_free(octets);
	if (!r) {
		key->origin = talloc_strdup(key, origin);
		add_private(store, key);
		return 0;
	}
	talloc_free(key);
	return r;
}

static const char *folder_of_kind(const char *section)
{
	for (size_t i = 0; i < RV_COUNT(folders); i++)
		if (starts(section, folders[i]))
			return folders[i];
	return NULL;
}

static int each_secret(const char *name, const struct rv_conf *section, void *arg)
{
	struct raw_store *store = arg;
	const char *folder = folder_of_kind(name), *file = folder ? rv_conf_str(section, "file") : NULL;
	struct rv_why why = { 0 };
	struct rv_secret *octets;
	struct stat st;
	int r;

	if (!file)
		return 0;
	octets = find_file(store->host, store, rv_conf_where(section, "file"), folder, file, &st, &why);
	if (octets && st.st_mode & S_IROTH)
		rv_log(&store->host->subject, RV_WARN, "key-readable-by-all", KV_STR("file", file),
		       KV_STR("advice", "take the right to read it from others (chmod o-r)"));
	r = octets ? take_private(store, file, octets, rv_conf_secret(section, "secret")) : 0;
	if (r)
		rv_why_set(&why, r, "%s: %s %s", rv_conf_where(section, "file"), file,
			   r == -RV_ENO_SECRET ? "is encrypted, and the passphrase (secret) is missing or wrong"
					       : "is no private key in PEM or DER");
	if (why.code)
		rv_log(&store->host->subject, RV_WARN, "private-key-unusable", KV_STR("why", why.text));
	return 0;
}

/* What lies in a folder and is a private key that needs no passphrase. */
static void take_folder(struct raw_store *store, const char *path)
{
	int fd = rv_host_open(store->host, path);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (fd >= 0 && !dir)
		close(fd);

	while (dir && (entry = readdir(dir))) {
		char *file = entry->d_name[0] != '.' ? talloc_asprintf(store, "%s/%s", path, entry->d_name) : NULL;
		struct rv_why why = { 0 };
		struct rv_secret *octets;
		struct stat st;
		int code;

		if (!file)
			continue;
		octets = rv_host_read(store->host, store, file, RAW_FILE_MAX, &st, &why);
		code = octets ? take_private(store, file, octets, NULL) : why.code;
		if (code)
			rv_log(&store->host->subject, RV_DEBUG, "private-key-passed-over", KV_STR("file", file),
			       KV_STR("why", octets ? rv_error_text(code) : why.text));
		talloc_free(file);
	}
	if (dir)
		closedir(dir);
}

static void take_folders(struct raw_store *store, const struct rv_conf *root)
{
	const struct rv_conf *connections = rv_conf_section(root, "connections");
	const char *where = rv_conf_where(connections, NULL);
	char *base = where && strchr(where, '/') ? folder_of(store, where) : NULL;

	for (size_t i = 0; base && i < RV_COUNT(folders); i++) {
		char *path = talloc_asprintf(base, "%s/%s", base, folders[i]);

		if (path)
			take_folder(store, path);
	}
	talloc_free(base);
}

const struct raw_private *raw_store_private(const struct raw_store *store, struct rv_bytes spki)
{
	for (const struct raw_private *key = store->privates; key; key = key->next)
		if (rv_bytes_equal(key->spki, spki))
			return key;
	return NULL;
}

/* Public keys */

static int read_public(struct rv_host *host, const void *parent, const struct rv_conf *conf, const char *item,
		       struct rv_bytes *spki, struct rv_why *why)
{
	const char *where = rv_conf_where(conf, "pubkeys");
	struct rv_secret *octets;
	struct rv_bytes raw;
	struct stat st;
	int r;

	if (raw_read_inline(parent, item, &raw)) {
		r = raw_read_public(parent, raw, spki);
	} else {
		octets = find_file(host, parent, where, "pubkey", item, &st, why);
		if (!octets)
			return -RV_ENO_SECRET;
		r = raw_read_public(parent, rv_secret_bytes(octets), spki);
		talloc_free(octets);
	}
	if (r)
		return rv_why_set(
			why, r,
			"%s: pubkeys: %.60s is no public key in PEM or DER (SubjectPublicKeyInfo, which begins "
			"with \"BEGIN PUBLIC KEY\" in PEM)",
			where ? where : "configuration", item);
	return 0;
}

static int by_item(const void *a, const void *b)
{
	uintptr_t x = (uintptr_t)((const struct raw_public *)a)->item;
	uintptr_t y = (uintptr_t)((const struct raw_public *)b)->item;

	return (x > y) - (x < y);
}

static void take_public(struct raw_store *store, const struct rv_conf *round, const char *item)
{
	struct raw_public *more =
		talloc_realloc(store, store->publics, struct raw_public, (unsigned)store->n_publics + 1);
	struct rv_why why = { 0 };

	if (!more)
		return;
	store->publics = more;
	more[store->n_publics] = (struct raw_public){ .item = item };
	if (!read_public(store->host, store, round, item, &more[store->n_publics].spki, &why))
		store->n_publics++;
	else
		rv_log(&store->host->subject, RV_WARN, "public-key-unusable", KV_STR("why", why.text));
}

static int each_round(const char *name, const struct rv_conf *round, void *arg)
{
	if (!starts(name, "local") && !starts(name, "remote"))
		return 0;
	for (const char *const *item = rv_conf_list(round, "pubkeys"); *item; item++)
		if (!starts(*item, "0x") && !starts(*item, "0s"))
			take_public(arg, round, *item);
	return 0;
}

static int each_connection(const char *name, const struct rv_conf *section, void *arg)
{
	return rv_conf_each(section, each_round, arg);
}

int raw_store_public(struct raw_store *store, const void *parent, const struct rv_conf *conf, const char *item,
		     struct rv_bytes *spki, struct rv_why *why)
{
	const struct raw_public wanted = { .item = item };
	const struct raw_public *found =
		store->n_publics ? bsearch(&wanted, store->publics, store->n_publics, sizeof(wanted), by_item) : NULL;

	if (!found) /* octets in the configuration itself, or a connection of an older one */
		return read_public(store->host, parent, conf, item, spki, why);
	*spki = found->spki;
	return 0;
}

struct raw_store *raw_store_new(struct rv_host *host)
{
	const struct rv_conf *root = rv_core_conf(host->core);
	struct raw_store *store = talloc_zero(host, struct raw_store);

	if (!store)
		return NULL;
	store->host = host;
	rv_conf_each(rv_conf_section(root, "secrets"), each_secret, store);
	take_folders(store, root);
	rv_conf_each(rv_conf_section(root, "connections"), each_connection, store);
	if (store->n_publics)
		qsort(store->publics, store->n_publics, sizeof(*store->publics), by_item);
	return store;
}
