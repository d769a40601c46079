// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-note: notes as the macro makes them, cut, bent and forged. */
#include "test.h"

#include "parts.h"
#include "plugin-parts.h"

#include <elf.h>

/* A whole object with one PT_NOTE segment, as little of it as the reader wants. */
struct image {
	Elf64_Ehdr head;
	Elf64_Phdr segment;
	Elf64_Nhdr foreign;
	char foreign_name[4], foreign_body[8];
	Elf64_Nhdr note;
	char name[8];
	char text[64];
} __attribute__((packed));

static const char good_text[64] = "abi=1.0\0name=x\0version=2\0provides=thing:a thing:b\0rights=bpf";

static struct image image_new(void)
{
	struct image image = {
		.head = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
			  .e_phoff = offsetof(struct image, segment),
			  .e_phentsize = sizeof(Elf64_Phdr),
			  .e_phnum = 1 },
		.segment = { .p_type = PT_NOTE,
			     .p_offset = offsetof(struct image, foreign),
			     .p_filesz = sizeof(struct image) - offsetof(struct image, foreign) },
		.foreign = { .n_namesz = 4, .n_descsz = 5, .n_type = 1 },
		.foreign_name = "GNU",
		.note = { .n_namesz = 8, .n_descsz = sizeof(good_text), .n_type = 1 },
		.name = "Ravelin",
	};

	memcpy(image.text, good_text, sizeof(good_text));
	return image;
}

static void a_good_note_is_read(void **state)
{
	struct image image = image_new();
	struct rv_bytes text;
	struct rv_note note;
	struct rv_why why = { 0 };

	assert_int_equal(rv_note_find(rv_bytes(&image, sizeof(image)), &text, &why), 0);
	assert_ptr_equal(text.p, image.text);
	assert_int_equal(text.len, sizeof(good_text));
	assert_int_equal(rv_note_read(text, &note, &why), 0);
	assert_string_equal(note.name, "x");
	assert_string_equal(note.version, "2");
	assert_string_equal(note.provides, "thing:a thing:b");
	assert_string_equal(note.rights, "bpf");
	assert_null(note.needs);
	assert_false(note.by_default);
	assert_false(note.resident);
	assert_int_equal(note.abi_major, 1);
	assert_int_equal(note.abi_minor, 0);
}

static void every_cut_of_the_file_is_refused(void **state)
{
	struct image image = image_new();
	struct rv_bytes text;

	for (size_t len = 0; len < sizeof(image); len++) {
		uint8_t *octets = malloc(len ? len : 1);
		struct rv_why why = { 0 };
		memcpy(octets, &image, len);
		assert_int_equal(rv_note_find(rv_bytes(octets, len), &text, &why), -RV_EPLUGIN);
		assert_non_null(strstr(why.text, "truncated"));
		free(octets);
	}
}

/* One octet of the object bent. */
static const struct {
	const char *what;
	size_t at;
	uint8_t value;
	const char *says;
} bent[] = {
	{ "the magic", 0, 0x7e, "magic: 7e454c46" },
	{ "32-bit", EI_CLASS, ELFCLASS32, "ELF class and data: 1 and 1" },
	{ "big-endian", EI_DATA, ELFDATA2MSB, "ELF class and data: 2 and 2" },
	{ "the size of a program header", offsetof(struct image, head.e_phentsize), 32, "program headers: 1 of 32" },
	{ "too many program headers", offsetof(struct image, head.e_phnum), 129, "program headers: 129" },
	{ "program headers far away", offsetof(struct image, head.e_phoff) + 7, 0xff, "truncated" },
	{ "program headers behind the end", offsetof(struct image, head.e_phnum), 7, "truncated" },
	{ "no program header", offsetof(struct image, head.e_phnum), 0, "no note" },
	{ "no segment of notes", offsetof(struct image, segment.p_type), PT_LOAD, "no note" },
	{ "a segment far away", offsetof(struct image, segment.p_offset) + 7, 0xff, "truncated" },
	{ "a segment too long", offsetof(struct image, segment.p_filesz) + 7, 0xff, "truncated" },
	{ "a segment one octet too long", offsetof(struct image, segment.p_filesz),
	  sizeof(struct image) - offsetof(struct image, foreign) + 1, "truncated" },
	{ "a note one octet too long", offsetof(struct image, note.n_descsz), 65, "truncated: a note" },
	{ "a note too long by far", offsetof(struct image, note.n_descsz) + 3, 0xff, "truncated: a note" },
	{ "a name too long by far", offsetof(struct image, note.n_namesz) + 3, 0xff, "truncated: a note" },
	{ "another owner", offsetof(struct image, name), 'r', "no note" },
	{ "another type", offsetof(struct image, note.n_type), 2, "no note" },
	{ "an owner of another length", offsetof(struct image, note.n_namesz), 7, "no note" },
};

static void a_bent_object_is_refused_with_field_and_value(void **state)
{
	for (size_t i = 0; i < RV_COUNT(bent); i++) {
		struct image image = image_new();
		struct rv_bytes text;
		struct rv_why why = { 0 };
		((uint8_t *)&image)[bent[i].at] = bent[i].value;
		if (rv_note_find(rv_bytes(&image, sizeof(image)), &text, &why) != -RV_EPLUGIN)
			fail_msg("%s: not refused", bent[i].what);
		if (!strstr(why.text, bent[i].says))
			fail_msg("%s: \"%s\" does not say \"%s\"", bent[i].what, why.text, bent[i].says);
	}
}

/* Texts; sizeof counts the NUL that closes the literal. */
#define TEXT(literal) literal, sizeof(literal)
static const struct {
	const char *what;
	const char *text;
	size_t len;
	int code;
	const char *says;
} texts[] = {
	{ "the least", TEXT("abi=1.0\0name=a"), 0, "" },
	{ "a closing empty item", TEXT("abi=1.0\0name=a\0"), 0, "" },
	{ "a vendor's own key", TEXT("abi=1.0\0name=a\0x-serial=5"), 0, "" },
	{ "an empty value", TEXT("abi=1.0\0name=a\0needs="), 0, "" },
	{ "nothing", "", 0, -RV_EPLUGIN, "truncated" },
	{ "only NUL", TEXT(""), -RV_EPLUGIN, "abi: missing" },
	{ "no NUL at the end", "abi=1.0\0name=a", 14, -RV_EPLUGIN, "truncated" },
	{ "another major", TEXT("abi=2.0\0name=a"), -RV_EVERSION, "abi: the plugin's major is 2, this daemon's is 1" },
	{ "major 0", TEXT("abi=0.9\0name=a"), -RV_EVERSION, "abi: the plugin's major is 0, this daemon's is 1" },
	{ "a newer minor", TEXT("abi=1.99\0name=a"), -RV_EVERSION, "abi: the plugin needs 1.99, this daemon has 1." },
	{ "an unreadable abi", TEXT("abi=one\0name=a"), -RV_EPLUGIN, "abi: not of the form" },
	{ "an abi with a tail", TEXT("abi=1.0.0\0name=a"), -RV_EPLUGIN, "abi: not of the form" },
	{ "an abi without minor", TEXT("abi=1.\0name=a"), -RV_EPLUGIN, "abi: not of the form" },
	{ "an endless abi", TEXT("abi=1.4294967296\0name=a"), -RV_EPLUGIN, "abi: not of the form" },
	{ "abi not first", TEXT("name=a\0abi=1.0"), -RV_EPLUGIN, "abi: it must stand first, \"name\" does" },
	{ "no name", TEXT("abi=1.0\0version=1"), -RV_EPLUGIN, "name: missing" },
	{ "a name with a slash", TEXT("abi=1.0\0name=../a"), -RV_EPLUGIN, "name: \"../a\"" },
	{ "an empty name", TEXT("abi=1.0\0name="), -RV_EPLUGIN, "name: \"\"" },
	{ "a name twice", TEXT("abi=1.0\0name=a\0name=b"), -RV_EPLUGIN, "name: it stands there twice" },
	{ "an unknown key", TEXT("abi=1.0\0name=a\0lisence=x"), -RV_EPLUGIN, "lisence: no such key" },
	{ "no equals sign", TEXT("abi=1.0\0name"), -RV_EPLUGIN, "\"name\": not of the form key=value" },
	{ "no key", TEXT("abi=1.0\0=a"), -RV_EPLUGIN, "not of the form key=value" },
	{ "a key of 32 octets", TEXT("abi=1.0\0aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa=a"), -RV_EPLUGIN, "not of the form" },
	{ "a control octet", TEXT("abi=1.0\0name=a\0summary=\033[2J"), -RV_EPLUGIN, "octet 1b" },
	{ "an octet beyond ASCII", TEXT("abi=1.0\0name=a\0summary=\xc3\xa4"), -RV_EPLUGIN, "octet c3" },
	{ "default neither on nor off", TEXT("abi=1.0\0name=a\0default=yes"), -RV_EPLUGIN,
	  "default: neither on nor off" },
	{ "resident neither yes nor no", TEXT("abi=1.0\0name=a\0resident=on"), -RV_EPLUGIN, "resident: neither yes" },
};

static void a_text_is_read_or_refused_with_its_field(void **state)
{
	for (size_t i = 0; i < RV_COUNT(texts); i++) {
		struct rv_note note;
		struct rv_why why = { 0 };
		int r = rv_note_read(rv_bytes(texts[i].text, texts[i].len), &note, &why);
		if (r != texts[i].code)
			fail_msg("%s: %d, not %d (%s)", texts[i].what, r, texts[i].code, why.text);
		if (!strstr(why.text, texts[i].says))
			fail_msg("%s: \"%s\" does not say \"%s\"", texts[i].what, why.text, texts[i].says);
	}
}

static void a_name_has_at_most_63_octets(void **state)
{
	char text[128] = "abi=1.0";
	struct rv_note note;

	for (size_t len = 62; len <= 64; len++) {
		size_t at = 8 + (size_t)snprintf(text + 8, sizeof(text) - 8, "name=");
		memset(text + at, 'a', len);
		text[at + len] = 0;
		assert_int_equal(rv_note_read(rv_bytes(text, at + len + 1), &note, NULL), len < 64 ? 0 : -RV_EPLUGIN);
	}
}

static void flags_are_read(void **state)
{
	static const char text[] = "abi=1.0\0name=a\0default=on\0resident=yes";
	struct rv_note note;

	assert_int_equal(rv_note_read(rv_bytes(text, sizeof(text)), &note, NULL), 0);
	assert_true(note.by_default);
	assert_true(note.resident);
}

/* Two notes in one segment, as in a program with static twins, with a sanitizer's zeroes between. */
static void one_of_several_notes_is_found_by_name(void **state)
{
	struct {
		Elf64_Nhdr head;
		char owner[8];
		char text[16];
		char gap[20];
		Elf64_Nhdr head2;
		char owner2[8];
		char text2[20];
	} notes = {
		.head = { 8, 15, 1 },
		.owner = "Ravelin",
		.text = "abi=1.0\0name=a",
		.head2 = { 8, 17, 1 },
		.owner2 = "Ravelin",
		.text2 = "abi=1.0\0name=abc",
	};
	struct rv_bytes text;

	assert_int_equal(rv_note_find_in(rv_bytes(&notes, sizeof(notes)), "abc", &text), 0);
	assert_ptr_equal(text.p, notes.text2);
	assert_int_equal(rv_note_find_in(rv_bytes(&notes, sizeof(notes)), "a", &text), 0);
	assert_ptr_equal(text.p, notes.text);
	assert_int_equal(rv_note_find_in(rv_bytes(&notes, sizeof(notes)), "ab", &text), -RV_ENOT_LOADED);
}

static const struct {
	const char *provides, *need;
	bool satisfied;
} needs[] = {
	{ "a:x b:y", "a", true },    { "a:x b:y", "b", true },	     { "a:x b:y", "a:x", true },
	{ "a:x b:y", "a:y", false }, { "a:x,\n\tb:y", "b:y", true }, { "ab:x", "a", false },
	{ "a", "a", true },	     { "a", "a:x", false },	     { "", "a", false },
	{ NULL, "a", false },	     { "a:xy", "a:x", false },	     { "a:x", "a:xy", false },
};

static void a_need_is_met_by_kind_or_by_kind_and_name(void **state)
{
	for (size_t i = 0; i < RV_COUNT(needs); i++)
		if (rv_note_satisfies(needs[i].provides, needs[i].need) != needs[i].satisfied)
			fail_msg("%s for %s", needs[i].provides, needs[i].need);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_note_is_read),
		cmocka_unit_test(every_cut_of_the_file_is_refused),
		cmocka_unit_test(a_bent_object_is_refused_with_field_and_value),
		cmocka_unit_test(a_text_is_read_or_refused_with_its_field),
		cmocka_unit_test(a_name_has_at_most_63_octets),
		cmocka_unit_test(flags_are_read),
		cmocka_unit_test(one_of_several_notes_is_found_by_name),
		cmocka_unit_test(a_need_is_met_by_kind_or_by_kind_and_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
