// SPDX-License-Identifier: LGPL-2.1-or-later
/* note: reads what a plugin says of itself before any of its code runs.
 *
 * The note is an ELF note (name "Ravelin", type 1) in a PT_NOTE segment of a 64-bit little-endian object; its text is
 * NUL-separated key=value items. Both readers are pure: octets in, view out.
 */
#include "plugin-parts.h"

#include <ctype.h>
#include <elf.h>
#include <stdio.h>
#include <string.h>

enum { MAX_SEGMENTS = 128, MAX_TEXT = 64 * 1024, NOTE_TYPE = 1 };

static const char NOTE_NAME[8] = "Ravelin";

/* The slice of len octets at offset, or one with p NULL when they are not all there. */
static struct rv_bytes part(struct rv_bytes whole, uint64_t offset, uint64_t len)
{
	if (offset > whole.len || len > whole.len - offset)
		return rv_bytes(NULL, 0);
	return rv_bytes(whole.p + offset, len);
}

static int no_elf(const struct rv_bytes elf, struct rv_why *why)
{
	static const uint8_t magic[4] = { 0x7f, 'E', 'L', 'F' };

	if (elf.len < sizeof(Elf64_Ehdr))
		return rv_why_set(why, -RV_EPLUGIN, "truncated: %zu octets, an ELF header has %zu", elf.len,
				  sizeof(Elf64_Ehdr));
	if (memcmp(elf.p, magic, sizeof(magic)))
		return rv_why_set(why, -RV_EPLUGIN, "magic: %02x%02x%02x%02x, an ELF file begins with 7f454c46",
				  elf.p[0], elf.p[1], elf.p[2], elf.p[3]);
	if (elf.p[EI_CLASS] != ELFCLASS64 || elf.p[EI_DATA] != ELFDATA2LSB)
		return rv_why_set(why, -RV_EPLUGIN,
				  "ELF class and data: %u and %u, expected 2 and 1 (64-bit, little-endian)",
				  elf.p[EI_CLASS], elf.p[EI_DATA]);
	return 0;
}

static uint64_t round4(uint32_t len)
{
	return ((uint64_t)len + 3) & ~(uint64_t)3;
}

/* True when text, that is NUL-separated items, has the item name=NAME; every text has when name is NULL. */
static bool is_of(struct rv_bytes text, const char *name)
{
	size_t at = 0;

	if (!name)
		return true;
	while (at < text.len) {
		size_t len = strnlen((const char *)text.p + at, text.len - at);
		if (len == 5 + strlen(name) && !memcmp(text.p + at, "name=", 5) &&
		    !memcmp(text.p + at + 5, name, len - 5))
			return true;
		at += len + 1;
	}
	return false;
}

int rv_note_find_in(struct rv_bytes notes, const char *name, struct rv_bytes *text)
{
	uint64_t at = 0;

	for (;;) {
		Elf64_Nhdr head;
		struct rv_bytes octets = part(notes, at, sizeof(head));
		if (!octets.p)
			return -RV_ENOT_LOADED;
		memcpy(&head, octets.p, sizeof(head));
		if (!head.n_namesz) { /* a sanitizer parts notes with zeroes */
			at += 4;
			continue;
		}
		struct rv_bytes owner = part(notes, at + sizeof(head), head.n_namesz);
		struct rv_bytes body = part(notes, at + sizeof(head) + round4(head.n_namesz), head.n_descsz);
		if (!owner.p || !body.p)
			return -RV_EPLUGIN;
		if (head.n_type == NOTE_TYPE && rv_bytes_equal(owner, rv_bytes(NOTE_NAME, sizeof(NOTE_NAME))) &&
		    is_of(body, name)) {
			*text = body;
			return 0;
		}
		at += sizeof(head) + round4(head.n_namesz) + round4(head.n_descsz);
	}
}

int rv_note_find(struct rv_bytes elf, struct rv_bytes *text, struct rv_why *why)
{
	Elf64_Ehdr head;
	int r = no_elf(elf, why);

	if (r)
		return r;
	memcpy(&head, elf.p, sizeof(head));
	if (head.e_phentsize != sizeof(Elf64_Phdr) || head.e_phnum > MAX_SEGMENTS)
		return rv_why_set(why, -RV_EPLUGIN, "program headers: %u of %u octets, expected at most %u of %zu",
				  head.e_phnum, head.e_phentsize, MAX_SEGMENTS, sizeof(Elf64_Phdr));
	for (unsigned i = 0; i < head.e_phnum; i++) {
		Elf64_Phdr segment;
		struct rv_bytes octets = part(elf, head.e_phoff, (uint64_t)head.e_phnum * sizeof(segment));
		if (!octets.p)
			return rv_why_set(why, -RV_EPLUGIN, "truncated: the program headers end behind octet %zu",
					  elf.len);
		memcpy(&segment, octets.p + i * sizeof(segment), sizeof(segment));
		if (segment.p_type != PT_NOTE)
			continue;
		struct rv_bytes notes = part(elf, segment.p_offset, segment.p_filesz);
		if (!notes.p)
			return rv_why_set(why, -RV_EPLUGIN, "truncated: a segment of notes ends behind octet %zu",
					  elf.len);
		r = rv_note_find_in(notes, NULL, text);
		if (r != -RV_ENOT_LOADED)
			return r ? rv_why_set(why, r, "truncated: a note is longer than its segment") : 0;
	}
	return rv_why_set(why, -RV_EPLUGIN, "it has no note .note.ravelin: it is no plugin");
}

struct item {
	const char *key, *value;
};

/* "1.0" and nothing else. */
static bool read_abi(const char *value, unsigned *major, unsigned *minor)
{
	unsigned *into[2] = { major, minor };

	for (int i = 0; i < 2; i++) {
		unsigned number = 0;
		int digits = 0;
		for (; isdigit((unsigned char)*value) && digits < 5; digits++)
			number = number * 10 + (unsigned)(*value++ - '0');
		if (!digits || *value != (i ? '\0' : '.'))
			return false;
		value++;
		*into[i] = number;
	}
	return true;
}

static int check_abi(struct rv_note *note, const char *value, struct rv_why *why)
{
	if (!read_abi(value, &note->abi_major, &note->abi_minor))
		return rv_why_set(why, -RV_EPLUGIN, "abi: not of the form MAJOR.MINOR");
	if (note->abi_major != RV_ABI_MAJOR)
		return rv_why_set(why, -RV_EVERSION, "abi: the plugin's major is %u, this daemon's is %u",
				  note->abi_major, RV_ABI_MAJOR);
	if (note->abi_minor > RV_ABI_MINOR)
		return rv_why_set(why, -RV_EVERSION, "abi: the plugin needs %u.%u, this daemon has %u.%u",
				  note->abi_major, note->abi_minor, RV_ABI_MAJOR, RV_ABI_MINOR);
	return 0;
}

static bool name_is_valid(const char *name)
{
	size_t len = strlen(name);

	return len > 0 && len < 64 && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == len && name[0] != '-';
}

static int read_flag(const struct item *item, const char *yes, const char *no, bool *flag, struct rv_why *why)
{
	*flag = !strcmp(item->value, yes);
	if (*flag || !strcmp(item->value, no))
		return 0;
	return rv_why_set(why, -RV_EPLUGIN, "%s: neither %s nor %s", item->key, yes, no);
}

/* Keys that begin with x- are a vendor's own; any other unknown key is a mistake, for a newer minor was refused. */
static int take(struct rv_note *note, const struct item *item, struct rv_why *why)
{
	const struct {
		const char *key;
		const char **into;
	} texts[] = {
		{ "name", &note->name },       { "version", &note->version }, { "summary", &note->summary },
		{ "licence", &note->licence }, { "vendor", &note->vendor },   { "provides", &note->provides },
		{ "needs", &note->needs },     { "rfc", &note->rfc },	      { "schema", &note->schema },
		{ "rights", &note->rights },
	};

	for (size_t i = 0; i < RV_COUNT(texts); i++) {
		if (strcmp(texts[i].key, item->key))
			continue;
		if (*texts[i].into)
			return rv_why_set(why, -RV_EPLUGIN, "%s: it stands there twice", item->key);
		*texts[i].into = item->value;
		return 0;
	}
	if (!strcmp(item->key, "abi"))
		return check_abi(note, item->value, why);
	if (!strcmp(item->key, "default"))
		return read_flag(item, "on", "off", &note->by_default, why);
	if (!strcmp(item->key, "resident"))
		return read_flag(item, "yes", "no", &note->resident, why);
	if (!strncmp(item->key, "x-", 2))
		return 0;
	return rv_why_set(why, -RV_EPLUGIN, "%s: no such key", item->key);
}

/* Splits "key=value" into key (a copy) and value. The text is checked here: printable, or a line feed or tab. */
static int split(const char *text, char *key, size_t size, struct item *item, struct rv_why *why)
{
	size_t len = strcspn(text, "=");

	for (const char *p = text; *p; p++)
		if (!isprint((unsigned char)*p) && *p != '\n' && *p != '\t')
			return rv_why_set(why, -RV_EPLUGIN, "its text has the octet %02x", (unsigned char)*p);
	if (!text[len] || !len || len >= size)
		return rv_why_set(why, -RV_EPLUGIN, "\"%.40s\": not of the form key=value", text);
	memcpy(key, text, len);
	key[len] = 0;
	*item = (struct item){ .key = key, .value = text + len + 1 };
	return 0;
}

int rv_note_read(struct rv_bytes text, struct rv_note *note, struct rv_why *why)
{
	const char *p = (const char *)text.p;
	size_t at = 0;

	*note = (struct rv_note){ .abi_major = 0 };
	if (!text.len || text.len > MAX_TEXT || p[text.len - 1])
		return rv_why_set(why, -RV_EPLUGIN, "truncated: a note's text has 1 to %u octets and ends with NUL",
				  MAX_TEXT);
	/* C closes the literal with a second NUL: an empty item ends the text. */
	while (at < text.len && p[at]) {
		char key[32];
		struct item item = { .key = NULL };
		int r = split(p + at, key, sizeof(key), &item, why);
		if (!r && !at && strcmp(item.key, "abi"))
			r = rv_why_set(why, -RV_EPLUGIN, "abi: it must stand first, \"%s\" does", item.key);
		if (!r)
			r = take(note, &item, why);
		if (r)
			return r;
		at += strlen(p + at) + 1;
	}
	if (!at)
		return rv_why_set(why, -RV_EPLUGIN, "abi: missing");
	if (!note->name)
		return rv_why_set(why, -RV_EPLUGIN, "name: missing");
	if (!name_is_valid(note->name))
		return rv_why_set(why, -RV_EPLUGIN, "name: \"%.64s\" is not made of a-z, 0-9 and - (63 at most)",
				  note->name);
	return 0;
}

const char *rv_note_word(const char *list, char *out, size_t size)
{
	size_t len;

	list += strspn(list, " ,\n\t");
	len = strcspn(list, " ,\n\t");
	if (!len)
		return NULL;
	snprintf(out, size, "%.*s", (int)(len < size ? len : size - 1), list);
	return list + len;
}

bool rv_note_satisfies(const char *provides, const char *need)
{
	size_t len = strlen(need);
	char word[128];

	while (provides && (provides = rv_note_word(provides, word, sizeof(word)))) {
		if (!strcmp(word, need))
			return true;
		if (!strchr(need, ':') && !strncmp(word, need, len) && word[len] == ':')
			return true;
	}
	return false;
}
