// SPDX-License-Identifier: LGPL-2.1-or-later
/* keylog: writes the keys of every SA to a file, so that tshark can decrypt a capture. For tests and for
 * interoperation.
 *
 * Who reads the file reads the traffic. The plugin is off by default, says so loudly when it is loaded, and writes only
 * to a file that nobody but the daemon's user can read. A line is what `tshark -o` takes; what tshark 4.0 has no name
 * for becomes a comment without keys.
 */
#include <errno.h>
#include <fcntl.h>
#include <ravelin/config.h>
#include <ravelin/error.h>
#include <ravelin/event.h>
#include <ravelin/plugin.h>
#include <ravelin/sa.h>
#include <ravelin/secret.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEFAULT_PATH "/run/ravelin/keys"

enum { LINE = 4096, KEY_MAX = 128, WORDS_MAX = 256 };

struct keylog {
	struct rv_host *host;
	int fd;
	bool failed;
};

/* What tshark 4.0 calls an algorithm: in its table for IKEv2 and in that for ESP. */
struct name {
	const char *word, *keying, *esp;
};

static const struct name encr_names[] = {
	{ "aes128", "AES-CBC-128 [RFC3602]", "AES-CBC [RFC3602]" },
	{ "aes192", "AES-CBC-192 [RFC3602]", "AES-CBC [RFC3602]" },
	{ "aes256", "AES-CBC-256 [RFC3602]", "AES-CBC [RFC3602]" },
	{ "aes128gcm16", "AES-GCM-128 with 16 octet ICV [RFC5282]", "AES-GCM with 16 octet ICV [RFC4106]" },
	{ "aes192gcm16", "AES-GCM-192 with 16 octet ICV [RFC5282]", "AES-GCM with 16 octet ICV [RFC4106]" },
	{ "aes256gcm16", "AES-GCM-256 with 16 octet ICV [RFC5282]", "AES-GCM with 16 octet ICV [RFC4106]" },
	{ "null", NULL, "NULL" },
};

static const struct name integ_names[] = {
	{ "sha1", "HMAC_SHA1_96 [RFC2404]", "HMAC-SHA-1-96 [RFC2404]" },
	{ "sha256", "HMAC_SHA2_256_128 [RFC4868]", "HMAC-SHA-256-128 [RFC4868]" },
	{ "sha384", "HMAC_SHA2_384_192 [RFC4868]", "HMAC-SHA-384-192 [RFC4868]" },
	{ "sha512", "HMAC_SHA2_512_256 [RFC4868]", "HMAC-SHA-512-256 [RFC4868]" },
};

static const struct name combined = { NULL, "NONE [RFC4306]", "NULL" };

/* The row of the table whose word stands in a proposal ("aes128-sha256-..."), or NULL. */
static const struct name *find_name(const struct name *names, size_t n, const char *proposal)
{
	while (proposal && *proposal) {
		size_t len = strcspn(proposal, "-");
		for (size_t i = 0; i < n; i++) {
			if (strlen(names[i].word) == len && !strncmp(names[i].word, proposal, len))
				return &names[i];
		}
		proposal += len + (proposal[len] == '-');
	}
	return NULL;
}

static struct rv_bytes find_key(const struct rv_event *event, const char *label)
{
	for (size_t i = 0; i < event->n_keys; i++) {
		if (!strcmp(event->keys[i].label, label))
			return event->keys[i].octets;
	}
	return rv_bytes(NULL, 0);
}

/* A key in hexadecimal, in memory that its owner wipes. */
struct hex {
	char text[2 * KEY_MAX + 3];
};

static const char *to_hex(struct hex *hex, const char *prefix, struct rv_bytes octets)
{
	static const char digits[] = "0123456789abcdef";
	char *p = hex->text;

	for (const char *c = prefix; octets.len && *c; c++)
		*p++ = *c;
	for (size_t i = 0; i < octets.len && i < KEY_MAX; i++) {
		*p++ = digits[octets.p[i] >> 4];
		*p++ = digits[octets.p[i] & 15];
	}
	*p = 0;
	return hex->text;
}

/* Appends a line in one write, so that readers see whole lines. */
static void append(struct keylog *log, const char *line)
{
	size_t len = strlen(line);

	if (write(log->fd, line, len) == (ssize_t)len || log->failed)
		return;
	log->failed = true;
	rv_log(&log->host->subject, RV_ERROR, "keylog-failed", KV_STR("error", rv_error_text(-errno)));
}

static void unknown(struct keylog *log, const struct rv_event *event)
{
	char line[WORDS_MAX + 64];

	snprintf(line, sizeof(line), "# %s of %.*s: not written, tshark has no name for it\n",
		 event->child ? "child SA" : "SA", WORDS_MAX, event->text ? event->text : "an unknown proposal");
	append(log, line);
}

static void keying_line(struct keylog *log, const struct rv_event *event, const struct name *encr,
			const struct name *integ)
{
	static const char *const labels[] = { "ike-spi-i", "ike-spi-r", "encr-i", "encr-r", "integ-i", "integ-r" };
	RV_WIPED(struct hex, hex, [RV_COUNT(labels)]);
	RV_WIPED(char, line, [LINE]);

	for (size_t i = 0; i < RV_COUNT(labels); i++)
		to_hex(&hex[i], "", find_key(event, labels[i]));
	bool bare = integ == &combined; /* an empty field must be quoted */
	snprintf(line, sizeof(line), "uat:ikev2_decryption_table:%s,%s,%s,%s,\"%s\",%s,%s,\"%s\"\n", hex[0].text,
		 hex[1].text, hex[2].text, hex[3].text, encr->keying, bare ? "\"\"" : hex[4].text,
		 bare ? "\"\"" : hex[5].text, integ->keying);
	append(log, line);
}

static void esp_line(struct keylog *log, const struct rv_event *event, const struct name *encr,
		     const struct name *integ, bool in)
{
	const struct rv_path *path = &event->child->peer->path;
	struct rv_addr from = in ? path->remote : path->local, to = in ? path->local : path->remote;
	char src[RV_ADDR_TEXT], dst[RV_ADDR_TEXT];
	RV_WIPED(struct hex, hex, [2]);
	RV_WIPED(char, line, [LINE]);

	from.port = to.port = 0;
	from.scope = to.scope = 0;
	snprintf(line, sizeof(line), "uat:esp_sa:\"%s\",\"%s\",\"%s\",\"0x%08x\",\"%s\",\"%s\",\"%s\",\"%s\"\n",
		 from.family == RV_IPV6 ? "IPv6" : "IPv4", rv_addr_text(&from, src), rv_addr_text(&to, dst),
		 in ? event->child->spi_in : event->child->spi_out, encr->esp,
		 to_hex(&hex[0], "0x", find_key(event, in ? "encr-in" : "encr-out")), integ->esp,
		 to_hex(&hex[1], "0x", find_key(event, in ? "integ-in" : "integ-out")));
	append(log, line);
}

static void on_event(void *self, const struct rv_event *event)
{
	struct keylog *log = self;

	if (strcmp(event->name, "keys"))
		return;
	const struct name *encr = find_name(encr_names, RV_COUNT(encr_names), event->text);
	const struct name *integ = find_name(integ_names, RV_COUNT(integ_names), event->text);
	if (!integ)
		integ = &combined;
	if (!encr || (!event->child && !encr->keying)) {
		unknown(log, event);
		return;
	}
	if (!event->child) {
		keying_line(log, event, encr, integ);
		return;
	}
	if (find_key(event, "encr-in").len || find_key(event, "integ-in").len)
		esp_line(log, event, encr, integ, true);
	if (find_key(event, "encr-out").len || find_key(event, "integ-out").len)
		esp_line(log, event, encr, integ, false);
}

static int close_file(struct keylog *log)
{
	return close(log->fd);
}

/* Opens path for appending; refuses what others could read or have made. */
static int open_file(struct rv_host *host, const char *path)
{
	struct stat st;
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);

	if (fd < 0) {
		int error = errno;
		rv_log(&host->subject, RV_ERROR, "keylog-failed", KV_STR("file", path),
		       KV_STR("error", rv_error_text(-error)));
		return -error;
	}
	if (!fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_uid == geteuid() && !(st.st_mode & 077))
		return fd;
	rv_log(&host->subject, RV_ERROR, "keylog-failed", KV_STR("file", path),
	       KV_STR("error", "not a regular file of our own that only we can read; remove it or give it mode 0600"));
	close(fd);
	return -EPERM;
}

static const struct rv_watch_ops ops = { .size = sizeof(ops), .wants_keys = true, .event = on_event };

static int init(struct rv_host *host)
{
	const char *path = rv_conf_str(rv_host_conf(host), "path");
	struct keylog *log = talloc_zero(host, struct keylog);

	if (!log)
		return -ENOMEM;
	if (!path)
		path = DEFAULT_PATH;
	log->host = host;
	log->fd = open_file(host, path);
	if (log->fd < 0)
		return log->fd;
	talloc_set_destructor(log, close_file);
	rv_log(&host->subject, RV_WARN, "keylog-on", KV_STR("file", path),
	       KV_STR("meaning", "THE KEYS OF ALL SAs ARE WRITTEN TO THIS FILE: WHO READS IT READS THE TRAFFIC"));
	return rv_watch_offer(host, (struct rv_offer){ .name = "keylog" }, &ops, log);
}

RV_PLUGIN(keylog, "keylog",
	  "version=1\0"
	  "summary=DANGEROUS: writes the keys of all SAs to a file, for tshark\0"
	  "licence=LGPL-2.1-or-later\0"
	  "vendor=Ravelin\0"
	  "default=off\0"
	  "provides=watch:keylog\0"
	  "schema=ravelin.plugins.keylog.path|string|" DEFAULT_PATH "||File (mode 0600) that keys are appended to.\n\0",
	  .init = init);
