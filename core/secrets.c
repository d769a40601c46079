// SPDX-License-Identifier: LGPL-2.1-or-later
/* secrets: which secret belongs to a pair of identities.
 *
 * A section that names identities is for peers it names. One that names us and others, but not this peer, is not
 * taken: whoever knows that secret could otherwise pass for a peer that has none.
 */
#include "pad.h"

#include <errno.h>
#include <string.h>

static int count(const char *name, const struct rv_conf *section, void *arg)
{
	++*(size_t *)arg;
	return 0;
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
	one->ids = talloc_zero_array(r->pad->secrets, const struct rv_id *, section->n_values + 1);
	if (!one->ids)
		return -ENOMEM;
	for (unsigned i = 0; i < section->n_values; i++) {
		const struct conf_value *value = &section->values[i];
		bool is_id = !strncmp(value->name, "id", 2) && value->text;
		others += !is_id;
		if (!is_id)
			continue;
		one->ids[one->n_ids] = rv_id_parse(one->ids, value->text, NULL);
		if (!one->ids[one->n_ids++])
			return -ENOMEM;
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

/* How well a section names id: as rv_id_match(), the best of all; 0 for no id at all. */
static int best_match(const struct pad_secret *one, const struct rv_id *id)
{
	int best = 0;

	for (size_t i = 0; id && i < one->n_ids; i++) {
		int match = rv_id_match(one->ids[i], id);
		if (match > best)
			best = match;
	}
	return best;
}

static bool names_only(const struct pad_secret *one, const struct rv_id *id)
{
	for (size_t i = 0; i < one->n_ids; i++)
		if (!id || rv_id_match(one->ids[i], id) < 1)
			return false;
	return true;
}

/* 0: not for this pair; else the higher the better: named (not merely by %any) identities first, then how exactly. */
static int score(const struct pad_secret *one, const struct rv_id *ours, const struct rv_id *their)
{
	int us = best_match(one, ours), them = best_match(one, their);

	if (!one->n_ids)
		return 1;
	if (!them && !(us && names_only(one, ours)))
		return 0;
	return 1 + 16 * ((us > 1) + (them > 1)) + us + them;
}

const struct rv_secret *rv_secret_find(struct rv_core *core, const char *kind, const struct rv_id *ours,
				       const struct rv_id *their)
{
	const struct pad_secret *best = NULL;
	int most = 0;

	for (size_t i = 0; core->pad && i < core->pad->n_secrets; i++) {
		const struct pad_secret *one = &core->pad->secrets[i];
		if (!one->secret || strncmp(one->name, kind, strlen(kind)) != 0)
			continue;
		int n = score(one, ours, their);
		if (n > most) {
			most = n;
			best = one;
		}
	}
	return best ? best->secret : NULL;
}
