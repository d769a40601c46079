// SPDX-License-Identifier: LGPL-2.1-or-later
/* dns-resolvconf: name servers of sessions in a plain resolv.conf, for hosts without a resolver that can be told.
 *
 * What stood in the file before is kept in a file of its own, so that also the next daemon after one that was killed
 * puts it back. Each change is written aside and renamed; it is a kilobyte in the page cache, so it is done on the
 * loop. A file that systemd-resolved looks after is left alone.
 */
#include <errno.h>
#include <fcntl.h>
#include <ravelin/config.h>
#include <ravelin/dns.h>
#include <ravelin/error.h>
#include <ravelin/plugin.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MAX = 64 * 1024, SERVERS = 3 }; /* SERVERS: the C library reads no more */

static const char head[] = "# Written by ravelind while a session brings name servers. The contents before are in\n# ";

struct entry {
	struct rv_list entry;
	uint64_t key;
	struct rv_addr *servers;
	size_t n;
};

struct resolvconf {
	struct rv_host *host;
	struct rv_list entries; /* struct entry, the latest first in the file */
	char *path, *before;	/* where links lead to; what stood there before us */
};

static char *read_file(const void *parent, const char *path)
{
	char *text = talloc_zero_size(parent, FILE_MAX + 1);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 && text ? read(fd, text, FILE_MAX) : -1;

	if (fd >= 0)
		close(fd);
	if (n < 0) {
		talloc_free(text);
		return NULL;
	}
	return text;
}

static int write_all(int fd, const char *text)
{
	size_t len = strlen(text);

	while (len) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			text += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

/* Whole or not at all. */
static int write_file(const char *path, const char *text)
{
	char *aside = talloc_asprintf(NULL, "%s.ravelin", path);
	int fd, r;

	if (!aside)
		return -ENOMEM;
	(void)unlink(aside);
	fd = open(aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
	r = fd < 0 ? -errno : write_all(fd, text);
	if (fd >= 0 && close(fd) && !r)
		r = -errno;
	if (!r && rename(aside, path))
		r = -errno;
	if (r)
		(void)unlink(aside);
	talloc_free(aside);
	return r;
}

/* Puts back what stood there before; nothing happens when nothing was kept. Somebody else's later file stays. */
static int restore(struct resolvconf *rc)
{
	char *before = read_file(rc, rc->before), *now = before ? read_file(before, rc->path) : NULL;
	int r = 0;

	if (!before)
		return 0;
	if (now && !strncmp(now, head, sizeof(head) - 1))
		r = write_file(rc->path, before);
	if (!r && unlink(rc->before))
		r = -errno;
	talloc_free(before);
	if (r)
		rv_log(&rc->host->subject, RV_ERROR, "name-servers-not-restored", KV_STR("file", rc->path),
		       KV_STR("error", rv_error_text(r)));
	return r;
}

/* The lines of the old contents that are no name servers. */
static char *keep_lines(char *text, const char *old)
{
	while (text && *old) {
		size_t len = strcspn(old, "\n");

		if (strncmp(old, "nameserver", 10) != 0)
			text = talloc_asprintf_append(text, "%.*s\n", (int)len, old);
		old += len + (old[len] != 0);
	}
	return text;
}

static char *compose(const struct resolvconf *rc, const char *old)
{
	char *text = talloc_asprintf(rc, "%s%s\n", head, rc->before), addr[RV_ADDR_TEXT];
	unsigned n = 0;

	for (const struct rv_list *e = rc->entries.prev; e != &rc->entries; e = e->prev) {
		const struct entry *entry = rv_container_of(e, const struct entry, entry);

		for (size_t i = 0; i < entry->n && n++ < SERVERS && text; i++)
			text = talloc_asprintf_append(text, "nameserver %s\n", rv_addr_text(&entry->servers[i], addr));
	}
	return keep_lines(text, old);
}

/* The file as the entries want it. */
static int update(struct resolvconf *rc)
{
	char *old, *text;
	int r = 0;

	if (rv_list_empty(&rc->entries))
		return restore(rc);
	old = read_file(rc, rc->before);
	if (!old) {
		old = read_file(rc, rc->path);
		r = old ? write_file(rc->before, old) : -errno;
	}
	text = r ? NULL : compose(rc, old);
	if (!r)
		r = text ? write_file(rc->path, text) : -ENOMEM;
	talloc_free(text);
	talloc_free(old);
	return r;
}

static struct entry *find(struct resolvconf *rc, uint64_t key)
{
	rv_list_each (&rc->entries, entry, struct entry, entry)
		if (entry->key == key)
			return entry;
	return NULL;
}

static void drop(struct entry *entry)
{
	if (!entry)
		return;
	rv_list_del(&entry->entry);
	talloc_free(entry);
}

/* True when another program looks after the file. */
static bool managed(const struct resolvconf *rc)
{
	return !strncmp(rc->path, "/run/systemd/", 13);
}

static int set(void *self, const struct rv_dns *dns, struct rv_call *call)
{
	struct resolvconf *rc = self;
	struct entry *entry;
	int r;

	if (managed(rc))
		return -ENOTSUP;
	entry = talloc_zero(rc, struct entry);
	if (entry)
		entry->servers = talloc_memdup(entry, dns->servers, dns->n_servers * sizeof(*dns->servers));
	if (!entry || !entry->servers) {
		talloc_free(entry);
		return -ENOMEM;
	}
	entry->key = dns->key;
	entry->n = dns->n_servers;
	drop(find(rc, dns->key));
	rv_list_add(&rc->entries, &entry->entry);
	if (dns->n_domains)
		rv_log(&rc->host->subject, RV_NOTICE, "all-names-asked",
		       KV_STR("found", "the session's name servers are for some domains only"),
		       KV_STR("note",
			      "a plain resolv.conf asks them for every name; systemd-resolved could tell them apart"));
	r = update(rc);
	if (r)
		drop(entry);
	return r;
}

static void clear(void *self, uint64_t key)
{
	struct resolvconf *rc = self;
	struct entry *entry = find(rc, key);

	if (!entry)
		return;
	drop(entry);
	(void)update(rc);
}

static void flush(void *self)
{
	struct resolvconf *rc = self;

	while (!rv_list_empty(&rc->entries))
		drop(rv_container_of(rc->entries.next, struct entry, entry));
	(void)restore(rc);
}

static const struct rv_dns_ops ops = { .size = sizeof(ops), .set = set, .clear = clear, .flush = flush };

static int gone(struct resolvconf *rc)
{
	flush(rc);
	return 0;
}

/* Where links lead to, so that a link stays one. */
static char *target(const void *parent, const char *path)
{
	char *real = realpath(path, NULL), *copy = talloc_strdup(parent, real ? real : path);

	free(real);
	return copy;
}

static const char *const syscalls[] = { "openat", "read", "write", "rename", "unlink", "readlink", "newfstatat", NULL };

static int init(struct rv_host *host)
{
	struct resolvconf *rc = talloc_zero(host, struct resolvconf);
	const char *path = rv_conf_str(rv_host_conf(host), "path");

	if (!rc)
		return -ENOMEM;
	rc->host = host;
	rv_list_init(&rc->entries);
	rc->path = target(rc, path);
	rc->before = host->state_dir ? talloc_asprintf(rc, "%s/resolv.conf.before", host->state_dir)
				     : talloc_asprintf(rc, "%s.before", path);
	if (!rc->path || !rc->before)
		return -ENOMEM;
	talloc_set_destructor(rc, gone);
	rv_host_needs_syscalls(host, syscalls);
	return rv_dns_offer(host, (struct rv_offer){ .name = "resolvconf" }, &ops, rc);
}

RV_PLUGIN(dns_resolvconf, "dns-resolvconf",
	  "version=1\0"
	  "summary=Puts name servers of sessions into a plain resolv.conf\0"
	  "licence=LGPL-2.1-or-later\0"
	  "default=off\0"
	  "provides=dns:resolvconf\0"
	  "schema=path|string|/etc/resolv.conf||The file; the daemon's user must be able to write its folder.\n\0",
	  .init = init);
