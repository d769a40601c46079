// SPDX-License-Identifier: LGPL-2.1-or-later
/* secrets: which secret belongs to a pair of identities.
 *
 * A section that names identities is for peers it names. One that names us and others, but not this peer, is not
 * taken: whoever knows that secret could otherwise pass for a peer that has none.
 */
#include "pad.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

static int count(const char *name, const struct rv_conf *section, void *arg)
{
	++*(size_t *)arg;
	return 0;
}

uint32_t pad_id_digest(const struct rv_id *id)
{
	uint32_t h = 2166136261u ^ id->type;

	for (size_t i = 0; i < id->len; i++)
		h = (h ^ (uint32_t)tolower(id->b[i])) * 16777619u;
	return h;
}

bool pad_id_is_pattern(const struct rv_id *id)
{
	if (id->type == RV_ID_IPV4 || id->type == RV_ID_IPV6)
		return id->len != rv_family_len(id->type == RV_ID_IPV4 ? RV_IPV4 : RV_IPV6);
	return id->type == RV_ID_ANY || !id->len || id->b[0] == '*';
}

struct reader {
	struct rv_pad *pad;
	struct conf_errors *errors;
};

static int add_secret(const char *name, const struct rv_conf *section, void *arg)
{
	static const struct conf_place nowhere = { 0 };
	struct reader *r = arg;
	struct pad_secret *one = &r->pad->secrets[r->pad->n_secrets];
	unsigned others = 0; /* keys that say what the secret is, such as secret or a plugin's file */

	*one = (struct pad_secret){ .name = name, .secret = rv_conf_secret(section, "secret") };
	one->ids = conf_alloc(r->pad->arena, (section->n_values + 1) * sizeof(*one->ids));
	if (!one->ids)
		return -ENOMEM;
	for (unsigned i = 0; i < section->n_values; i++) {
		const struct conf_value *value = &section->values[i];
		bool is_id = !strncmp(value->name, "id", 2) && value->text;
		others += !is_id;
		if (!is_id)
			continue;
		struct pad_id *at = &one->ids[one->n_ids++];
		at->id = rv_id_parse(r->pad->secrets, value->text, NULL);
		if (!at->id)
			return -ENOMEM;
		at->digest = pad_id_digest(at->id);
		at->pattern = pad_id_is_pattern(at->id);
	}
	if (!others)
		conf_error(r->errors, &nowhere, "%s: the section has no secret", rv_conf_where(section, NULL));
	r->pad->n_secrets++;
	return 0;
}

int pad_secrets_read(struct rv_pad *pad, const struct rv_conf *secrets, struct conf_errors *errors)
{
	struct reader r = { .pad = pad, .errors = errors };
	size_t n = 0;

	rv_conf_each(secrets, count, &n);
	pad->secrets = talloc_zero_array(pad, struct pad_secret, (unsigned)n + 1);
	if (!pad->secrets)
		return -ENOMEM;
	return rv_conf_each(secrets, add_secret, &r);
}

/* What is looked for: an identity (NULL: none) with its digest. */
struct wanted {
	const struct rv_id *id;
	uint32_t digest;
};

static struct wanted wanted(const struct rv_id *id)
{
	return (struct wanted){ .id = id, .digest = id ? pad_id_digest(id) : 0 };
}

/* How well a section names the identity: as rv_id_match(), the best of all. all: whether it names nobody else. */
static int best_match(const struct pad_secret *one, const struct wanted *who, bool *all)
{
	int best = 0;

	*all = who->id;
	for (size_t i = 0; who->id && i < one->n_ids; i++) {
		const struct pad_id *at = &one->ids[i];
		int match = at->pattern || at->digest == who->digest ? rv_id_match(at->id, who->id) : 0;
		*all &= match > 0;
		if (match > best)
			best = match;
	}
	return best;
}

/* 0: not for this pair; else the higher the better: named (not merely by %any) identities first, then how exactly. */
static int score(const struct pad_secret *one, const struct wanted *ours, const struct wanted *their)
{
	bool only_us, only_them;
	int us = best_match(one, ours, &only_us), them = best_match(one, their, &only_them);

	if (!one->n_ids)
		return 1;
	if (!them && !(us && only_us))
		return 0;
	return 1 + 16 * ((us > 1) + (them > 1)) + us + them;
}

const struct rv_secret *rv_secret_find(struct rv_core *core, const char *kind, const struct rv_id *ours,
				       const struct rv_id *their)
{
	const struct wanted us = wanted(ours), them = wanted(their);
	const struct pad_secret *best = NULL;
	int most = 0;

	for (size_t i = 0; core->pad && i < core->pad->n_secrets; i++) {
		const struct pad_secret *one = &core->pad->secrets[i];
		int n = score(one, &us, &them);
		if (n <= most || !one->secret || strncmp(one->name, kind, strlen(kind)) != 0)
			continue;
		most = n;
		best = one;
	}
	return best ? best->secret : NULL;
}
