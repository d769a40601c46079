// SPDX-License-Identifier: LGPL-2.1-or-later
/* words: ke1_x25519 and the like, for every key exchange that some plugin has a word for.
 */
#include "multi-ke.h"

#include <errno.h>
#include <string.h>
#include <talloc.h>

/* The words made of one service's; the service itself is offered with them as self. */
struct words {
	struct rv_algorithm_ops ops;
	struct rv_algorithm *rows;
};

static bool make(struct words *words, const struct rv_algorithm *like, uint8_t further)
{
	struct rv_algorithm *row = &words->rows[words->ops.n_algorithms];

	*row = (struct rv_algorithm){ .word = talloc_asprintf(words, "ke%u_%s", further + 1u, like->word),
				      .class = (uint8_t)(RV_CLASS_KE_FURTHER + further),
				      .id = like->id,
				      .kind = like->kind ? talloc_strdup(words, like->kind) : NULL,
				      .name = like->name ? talloc_strdup(words, like->name) : NULL };
	words->ops.n_algorithms++;
	return row->word && (!like->kind || row->kind) && (!like->name || row->name);
}

/* "none" is forbidden in the place of the first key exchange only (RFC 9370, 2.2.1). */
static bool is_method(const struct rv_algorithm *a)
{
	return a->class == RV_CLASS_KE && (!a->id || !a->forbid_keying);
}

static void came_or_went(void *arg, struct rv_service *service, bool added)
{
	struct multi_ke *m = arg;
	const struct rv_algorithm_ops *ops = rv_service_ops(service);
	struct words *words;
	size_t n = 0;
	char *name;

	for (size_t i = 0; i < ops->n_algorithms; i++)
		n += is_method(&ops->algorithms[i]);
	if (!added || !n)
		return; /* words that stay behind name services that are gone, and are refused with these words */
	words = talloc_zero(m->host, struct words);
	name = talloc_asprintf(words, "additional-%s", rv_service_name(service));
	if (words)
		words->rows = talloc_zero_array(words, struct rv_algorithm, n * FURTHER_MAX);
	if (!words || !name || !words->rows)
		return;
	for (uint8_t further = 0; further < FURTHER_MAX; further++)
		for (size_t i = 0; i < ops->n_algorithms; i++)
			if (is_method(&ops->algorithms[i]) && !make(words, &ops->algorithms[i], further))
				return;
	words->ops.size = sizeof(words->ops);
	words->ops.algorithms = words->rows;
	if (rv_algorithm_offer(m->host, (struct rv_offer){ .name = name }, &words->ops, words))
		rv_log(&m->host->subject, RV_ERROR, "words-refused", KV_STR("of", rv_service_name(service)));
}

int multi_ke_words(struct multi_ke *m)
{
	return rv_registry_watch(m->host->registry, m, "algorithm", came_or_went, m) ? 0 : -ENOMEM;
}
