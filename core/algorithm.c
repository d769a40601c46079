// SPDX-License-Identifier: LGPL-2.1-or-later
/* algorithm: looks the words and numbers of algorithms up among all services that offer some.
 *
 * The first row that fits is the answer, so a plugin lists an algorithm's own word before its synonyms.
 */
#include "proposal.h"

#include <string.h>

struct query {
	const struct rv_transform *transform;
	algorithm_fn *fn; /* instead of it */
	void *arg;
	const struct rv_algorithm *found;
};

static bool fits(const struct query *q, const struct rv_algorithm *algorithm)
{
	if (algorithm->id != q->transform->id) /* nearly always */
		return false;

	struct rv_transform transform = algorithm_transform(algorithm);

	return transform_same(&transform, q->transform);
}

static int visit(struct rv_service *service, void *arg)
{
	const struct rv_algorithm_ops *ops = rv_service_ops(service);
	struct query *q = arg;

	for (size_t i = 0; i < ops->n_algorithms; i++) {
		const struct rv_algorithm *algorithm = &ops->algorithms[i];
		if (q->fn) {
			q->fn(algorithm, q->arg);
		} else if (fits(q, algorithm)) {
			q->found = algorithm;
			return 1;
		}
	}
	return 0;
}

struct rv_transform algorithm_transform(const struct rv_algorithm *algorithm)
{
	return (struct rv_transform){ .class = algorithm->class,
				      .id = algorithm->id,
				      .key_bits = algorithm->fixed_key ? 0 : algorithm->key_bits };
}

void algorithm_each(struct rv_registry *registry, algorithm_fn *fn, void *arg)
{
	struct query q = { .fn = fn, .arg = arg };

	rv_registry_each(registry, "algorithm", visit, &q);
}

const struct rv_algorithm *rv_algorithm_find(struct rv_registry *registry, const struct rv_transform *transform)
{
	struct query q = { .transform = transform };

	rv_registry_each(registry, "algorithm", visit, &q);
	return q.found;
}

static int visit_implicit(struct rv_service *service, void *arg)
{
	const struct rv_algorithm_ops *ops = rv_service_ops(service);
	const struct rv_transform *transform = arg;

	for (size_t i = 0; RV_HAS(ops, n_implicit_iv) && i < ops->n_implicit_iv; i++)
		if (ops->implicit_iv[i] == transform->id)
			return 1;
	return 0;
}

bool rv_algorithm_implicit_iv(struct rv_registry *registry, const struct rv_transform *transform)
{
	struct rv_transform copy = *transform;

	return copy.class == RV_CLASS_ENCR && rv_registry_each(registry, "algorithm", visit_implicit, &copy);
}

bool algorithm_can(struct rv_registry *registry, const struct rv_algorithm *algorithm)
{
	return !algorithm->kind || rv_registry_find(registry, algorithm->kind, algorithm->name);
}

struct rv_service *rv_algorithm_service(struct rv_registry *registry, const struct rv_transform *transform)
{
	const struct rv_algorithm *algorithm = rv_algorithm_find(registry, transform);

	return algorithm && algorithm->kind ? rv_registry_find(registry, algorithm->kind, algorithm->name) : NULL;
}
