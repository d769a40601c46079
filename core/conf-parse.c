// SPDX-License-Identifier: LGPL-2.1-or-later
/* conf-parse: from files to a tree of sections, with include.
 *
 * Every error is noted and reading goes on behind its line, so that one run shows them all. A section that the schema
 * names (connections, secrets, ...) may go on in another file, so that a folder can hold one file a connection; a
 * section that the user names stands in one place.
 */
#include "conf-tree.h"
#include "conf.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* One file that is being parsed, and the files that included it. */
struct reader {
	struct conf_tree *tree;
	const struct conf_source *source;
	const char *path; /* NULL: a text, which includes nothing */
	const struct reader *outer;
	struct conf_lex lex;
	struct conf_section *base, *at;
	dev_t dev;
	ino_t ino;
	unsigned depth;
};

void conf_error(struct conf_errors *errors, const struct conf_place *place, const char *fmt, ...)
{
	char line[800];
	va_list args;
	int n = 0;

	if (errors->n++ >= CONF_ERRORS_MAX)
		return;
	if (place->source)
		n = snprintf(line, sizeof(line), "%.500s:%u: ", place->source->name, place->line);
	va_start(args, fmt);
	vsnprintf(line + n, sizeof(line) - (size_t)n, fmt, args);
	va_end(args);

	size_t len = strlen(line), gap = errors->len ? strlen(CONF_ERRORS_GAP) : 0;

	if (errors->len + gap + len >= sizeof(errors->text))
		return;
	memcpy(errors->text + errors->len, CONF_ERRORS_GAP, gap);
	memcpy(errors->text + errors->len + gap, line, len + 1);
	errors->len += gap + len;
	errors->shown++;
}

int conf_errors_why(const struct conf_errors *errors, struct rv_why *why)
{
	if (!errors->n)
		return 0;
	if (errors->n > errors->shown)
		return rv_why_set(why, -RV_ECONFIG, "%s%sand %u more", errors->text, CONF_ERRORS_GAP,
				  errors->n - errors->shown);
	return rv_why_set(why, -RV_ECONFIG, "%s", errors->text);
}

int conf_bytes_cmp(struct rv_bytes a, struct rv_bytes b)
{
	size_t len = a.len < b.len ? a.len : b.len;
	int order = len ? memcmp(a.p, b.p, len) : 0;

	if (order)
		return order;
	return a.len < b.len ? -1 : a.len > b.len;
}

static bool grow(struct conf_tree *tree, void **array, unsigned n, unsigned *cap, size_t size, const void *parent)
{
	if (n < *cap)
		return true;

	unsigned more = *cap ? *cap * 2 : 8;
	void *bigger = talloc_realloc_size(parent, *array, more * size);

	if (!bigger) {
		tree->no_memory = true;
		return false;
	}
	*array = bigger;
	*cap = more;
	return true;
}

struct conf_section *conf_section_new(struct conf_tree *tree, struct conf_section *parent, struct rv_bytes name,
				      struct conf_place place)
{
	struct conf_section *section;

	if (!grow(tree, (void **)&parent->sections, parent->n_sections, &parent->cap_sections, sizeof(section), parent))
		return NULL;
	section = talloc_zero(parent->sections, struct conf_section);
	if (!section) {
		tree->no_memory = true;
		return NULL;
	}
	section->name = name;
	section->place = place;
	section->last = place.source;
	section->parent = parent;
	section->depth = parent->depth + 1;
	section->order = parent->n_sections;
	parent->sections[parent->n_sections++] = section;
	tree->n_nodes++;
	return section;
}

struct conf_entry *conf_entry_new(struct conf_tree *tree, struct conf_section *section)
{
	if (!grow(tree, (void **)&section->entries, section->n_entries, &section->cap_entries,
		  sizeof(*section->entries), section))
		return NULL;
	tree->n_nodes++;
	section->entries[section->n_entries] = (struct conf_entry){ 0 };
	return &section->entries[section->n_entries++];
}

struct conf_entry *conf_entry_find(const struct conf_section *section, struct rv_bytes key)
{
	for (unsigned i = 0; i < section->n_entries; i++)
		if (rv_bytes_equal(section->entries[i].key, key))
			return &section->entries[i];
	return NULL;
}

static struct conf_place here(const struct reader *r, unsigned line)
{
	return (struct conf_place){ .source = r->source, .line = line };
}

static void syntax_error(struct reader *r, unsigned line, const char *fmt, ...) RV_PRINTF(3, 4);

/* Notes an error at line and goes to the end of the present one. */
static void syntax_error(struct reader *r, unsigned line, const char *fmt, ...)
{
	struct conf_place place = here(r, line);
	char text[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	conf_error(r->tree->errors, &place, "%s", text);
	conf_lex_skip_line(&r->lex);
}

#define NAME_FMT "'%.*s'"
#define NAME_ARG(b) (int)(b).len, (const char *)(b).p

static void read_key(struct reader *r, const struct conf_token *name)
{
	struct conf_raw raw;
	const char *wrong = conf_lex_value(&r->lex, &raw);
	struct conf_entry *entry = conf_entry_find(r->at, name->text);

	if (wrong) {
		syntax_error(r, raw.line, "%s", wrong);
		return;
	}
	if (entry) {
		syntax_error(r, name->line, "the key " NAME_FMT " is set already at %s:%u", NAME_ARG(name->text),
			     entry->place.source->name, entry->place.line);
		return;
	}
	if (r->at->n_entries >= CONF_KEYS_MAX) {
		syntax_error(r, name->line, "more than %d keys in one section", CONF_KEYS_MAX);
		return;
	}
	entry = conf_entry_new(r->tree, r->at);
	if (entry)
		*entry = (struct conf_entry){ .key = name->text, .raw = raw, .place = here(r, name->line) };
}

/* The section of this name that the schema names too and that was opened before, or NULL; its schema into *node. */
static struct conf_section *opened_before(const struct conf_section *at, struct rv_bytes name,
					  const struct conf_node **node)
{
	char text[CONF_NAME_MAX + 1];

	snprintf(text, sizeof(text), "%.*s", NAME_ARG(name));
	*node = at->node ? conf_node_find(at->node, text) : NULL;
	if (!*node || strcmp((*node)->name, text) != 0) {
		*node = NULL;
		return NULL;
	}
	for (unsigned i = 0; i < at->n_sections; i++)
		if (rv_bytes_equal(at->sections[i]->name, name))
			return at->sections[i];
	return NULL;
}

static struct conf_section *open_section(struct reader *r, const struct conf_token *name)
{
	const struct conf_node *node;
	struct conf_section *section = opened_before(r->at, name->text, &node);

	if (section && section->last == r->source)
		syntax_error(r, name->line, "the section " NAME_FMT " stands already at %s:%u", NAME_ARG(name->text),
			     section->place.source->name, section->place.line);
	if (section) {
		section->last = r->source;
	} else if (r->at->depth >= CONF_DEPTH_MAX) {
		syntax_error(r, name->line, "more than %d sections inside each other", CONF_DEPTH_MAX);
		r->lex.p = r->lex.end;
		return NULL;
	} else {
		section = conf_section_new(r->tree, r->at, name->text, here(r, name->line));
		if (!section)
			return NULL;
		section->node = node;
	}
	r->at = section;
	return section;
}

/* Reads "a.b, c {" behind the colon into a section's references. False after an error. */
static bool read_refs(struct reader *r, struct conf_ref **refs, unsigned *n)
{
	struct conf_token token = conf_lex_next(&r->lex);

	for (;; token = conf_lex_next(&r->lex)) {
		struct conf_ref ref = { .path = token.text, .line = token.line };
		struct conf_token dot;

		if (token.kind != CONF_NAME)
			return false;
		for (dot = conf_lex_next(&r->lex); dot.kind == CONF_DOT; dot = conf_lex_next(&r->lex)) {
			token = conf_lex_next(&r->lex);
			if (token.kind != CONF_NAME)
				return false;
			ref.path.len = (size_t)(token.text.p + token.text.len - ref.path.p);
		}
		token = dot;
		if (token.kind != CONF_COMMA && token.kind != CONF_OPEN)
			return false;
		*refs = talloc_realloc(r->tree, *refs, struct conf_ref, *n + 1);
		if (!*refs) {
			r->tree->no_memory = true;
			return false;
		}
		(*refs)[(*n)++] = ref;
		if (token.kind == CONF_OPEN)
			return true;
	}
}

static void read_inheriting(struct reader *r, const struct conf_token *name)
{
	struct conf_ref *refs = NULL;
	unsigned n = 0;

	if (!read_refs(r, &refs, &n)) {
		if (!r->tree->no_memory)
			syntax_error(r, name->line, "after ':' names of sections to inherit from and '{' must follow");
		talloc_free(refs);
		return;
	}

	struct conf_section *section = open_section(r, name);

	if (!section || section->n_refs) {
		talloc_free(refs);
		return;
	}
	section->refs = talloc_steal(section, refs);
	section->n_refs = n;
}

static void read_file(struct conf_tree *tree, const char *path, const struct reader *outer, struct conf_section *base,
		      struct conf_place from);

/* Includes the files that pattern matches. */
static void include(struct reader *r, const char *pattern, struct conf_place from)
{
	const char *slash = strrchr(r->path, '/');
	char *full = *pattern == '/' || !slash
			     ? talloc_strdup(r->tree, pattern)
			     : talloc_asprintf(r->tree, "%.*s/%s", (int)(slash - r->path), r->path, pattern);
	char **paths = NULL;
	size_t n = 0;
	int code = full ? conf_find(r->tree->params, full, full, &paths, &n) : -ENOMEM;

	for (size_t i = 0; i < n; i++)
		read_file(r->tree, paths[i], r, r->at, from);
	if (code == -ENOMEM)
		r->tree->no_memory = true;
	else if (code)
		conf_error(r->tree->errors, &from, "a folder of the include cannot be read: %s", rv_error_text(code));
	else if (!n && !strpbrk(pattern, "*?["))
		conf_error(r->tree->errors, &from, "the included file does not exist");
	talloc_free(full);
}

static void read_include(struct reader *r, unsigned line)
{
	char pattern[PATH_MAX];
	struct conf_raw raw;
	const char *wrong = conf_lex_value(&r->lex, &raw);

	if (!wrong && !r->path)
		wrong = "only a file can include others";
	if (!wrong && (!raw.text.len || raw.text.len >= sizeof(pattern)))
		wrong = "a file name or a pattern must follow include";
	if (!wrong && r->depth >= CONF_INCLUDE_DEPTH_MAX)
		wrong = "too many files include each other";
	if (wrong) {
		syntax_error(r, line, "%s", wrong);
		return;
	}
	pattern[conf_unescape(&raw, (uint8_t *)pattern)] = 0;
	include(r, pattern, here(r, line));
}

/* Whether the word include is one: a file's name follows, no sign that makes it a key or section. */
static bool includes(const struct conf_lex *lex, const struct conf_token *name)
{
	const uint8_t *p = lex->p;

	if (!rv_bytes_equal(name->text, RV_STR("include")))
		return false;
	while (p < lex->end && (*p == ' ' || *p == '\t'))
		p++;
	return p > lex->p && p < lex->end && !strchr("={:\r\n", *p);
}

static void read_statement(struct reader *r, const struct conf_token *name)
{
	if (name->text.len > CONF_NAME_MAX) {
		syntax_error(r, name->line, "a name is longer than %d octets", CONF_NAME_MAX);
		return;
	}
	if (includes(&r->lex, name)) {
		read_include(r, name->line);
		return;
	}

	struct conf_lex before = r->lex;
	struct conf_token token = conf_lex_next(&r->lex);

	if (token.kind == CONF_EQUALS) {
		read_key(r, name);
	} else if (token.kind == CONF_OPEN) {
		open_section(r, name);
	} else if (token.kind == CONF_COLON) {
		read_inheriting(r, name);
	} else {
		r->lex = before;
		syntax_error(r, name->line, "'=', '{' or ':' must follow " NAME_FMT, NAME_ARG(name->text));
	}
}

static void parse(struct reader *r)
{
	while (!r->tree->no_memory) {
		struct conf_token token = conf_lex_next(&r->lex);

		if (token.kind == CONF_END)
			break;
		if (token.kind == CONF_NAME)
			read_statement(r, &token);
		else if (token.kind != CONF_CLOSE)
			syntax_error(r, token.line, "a key, a section or '}' must stand here");
		else if (r->at == r->base)
			syntax_error(r, token.line, "this '}' closes nothing");
		else
			r->at = r->at->parent;
	}
	if (r->at != r->base)
		conf_error(r->tree->errors, &r->at->place, "the section " NAME_FMT " is not closed",
			   NAME_ARG(r->at->name));
}

static int source_end(struct conf_source *source)
{
	if (source->mine)
		rv_wipe(source->mine, source->text.len);
	return 0;
}

static struct conf_source *source_new(struct conf_tree *tree, const char *name)
{
	struct conf_source *source;
	char escaped[CONF_PATH_TEXT];

	if (!grow(tree, (void **)&tree->sources, tree->n_sources, &tree->cap_sources, sizeof(source), tree))
		return NULL;
	source = talloc_zero(tree, struct conf_source);
	rv_escape(escaped, sizeof(escaped), rv_bytes(name, strlen(name)));
	if (source)
		source->name = talloc_strdup(source, escaped);
	if (!source || !source->name) {
		tree->no_memory = true;
		return NULL;
	}
	talloc_set_destructor(source, source_end);
	tree->sources[tree->n_sources++] = source;
	return source;
}

/* Reads the whole of fd into source. NULL, or what is wrong. */
static const char *source_fill(struct reader *r, struct conf_source *source, int fd)
{
	struct stat st;
	size_t done = 0;

	if (fstat(fd, &st))
		return rv_error_text(-errno);
	if (!S_ISREG(st.st_mode))
		return "it is not a regular file";
	if (st.st_size > CONF_FILE_MAX)
		return "it is too big";
	for (const struct reader *outer = r->outer; outer; outer = outer->outer)
		if (outer->dev == st.st_dev && outer->ino == st.st_ino)
			return "it includes itself";
	r->dev = st.st_dev;
	r->ino = st.st_ino;
	source->others_read = st.st_mode & S_IROTH;
	source->text.len = (size_t)st.st_size;
	source->mine = talloc_zero_size(source, source->text.len + 1);
	source->text.p = source->mine;
	if (!source->mine)
		return "memory is out";
	while (done < source->text.len) {
		ssize_t n = read(fd, source->mine + done, source->text.len - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return rv_error_text(-errno);
		if (!n)
			return "it changed while it was read";
		done += (size_t)n;
	}
	return NULL;
}

static void read_file(struct conf_tree *tree, const char *path, const struct reader *outer, struct conf_section *base,
		      struct conf_place from)
{
	struct reader r = { .tree = tree, .path = path, .outer = outer, .base = base, .at = base };
	struct conf_source *source = tree->n_sources < CONF_FILES_MAX ? source_new(tree, path) : NULL;
	const char *wrong = "there are too many files";

	if (tree->no_memory)
		return;
	if (source) {
		int fd = rv_core_open(tree->params, path);
		wrong = fd < 0 ? rv_error_text(fd) : source_fill(&r, source, fd);
		if (fd >= 0)
			close(fd);
	}
	if (wrong) {
		conf_error(tree->errors, &from, "%s cannot be read: %s", source ? source->name : "a file", wrong);
		return;
	}
	r.source = source;
	r.depth = outer ? outer->depth + 1 : 0;
	conf_lex_init(&r.lex, source->text);
	parse(&r);
}

static void read_text(struct conf_tree *tree, const char *name, struct rv_bytes text)
{
	struct reader r = { .tree = tree, .base = tree->root, .at = tree->root };
	struct conf_source *source = source_new(tree, name);

	if (!source)
		return;
	source->text = text;
	r.source = source;
	conf_lex_init(&r.lex, text);
	parse(&r);
}

struct conf_tree *conf_parse(const void *parent, const struct rv_schema *schema, const char *path, const char *name,
			     struct rv_bytes text, struct conf_errors *errors)
{
	struct conf_tree *tree = talloc_zero(parent, struct conf_tree);

	if (!tree)
		return NULL;
	tree->errors = errors;
	tree->params = schema->params;
	tree->root = talloc_zero(tree, struct conf_section);
	if (tree->root) {
		tree->root->node = &schema->store->root;
		if (path)
			read_file(tree, path, NULL, tree->root, (struct conf_place){ 0 });
		else
			read_text(tree, name, text);
	}
	if (tree->root && !tree->no_memory)
		conf_inherit(tree);
	if (!tree->root || tree->no_memory) {
		talloc_free(tree);
		return NULL;
	}
	return tree;
}
