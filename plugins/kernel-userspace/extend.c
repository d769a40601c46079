// SPDX-License-Identifier: LGPL-2.1-or-later
/* extend: SAs whose texts pass an extension (esp-ext.h). */
#include "extend.h"

#include <errno.h>
#include <ravelin/error.h>
#include <stdlib.h>

int sa_extend(struct sa *sa, struct rv_registry *registry, unsigned n_workers, const struct rv_sa_spec *spec,
	      struct rv_why *why)
{
	struct rv_service *service = rv_registry_find(registry, "esp-ext", spec->ext);
	struct sa_ext *ext = service ? calloc(1, sizeof(*ext)) : NULL;
	int r;

	if (!service)
		return rv_why_set(why, -RV_ENO_PROVIDER, "no loaded plugin extends ESP by %s", spec->ext);
	if (!ext)
		return -ENOMEM;
	ext->ops = rv_service_ops(service);
	ext->self = rv_service_self(service);
	r = rv_ref_take(&ext->ref, service, &sa->user);
	if (!r)
		r = ext->ops->open(ext->self, spec, n_workers, &ext->state);
	if (r) {
		rv_ref_drop(&ext->ref);
		free(ext);
		return r;
	}
	sa->ext = ext;
	return 0;
}

void sa_unextend(struct sa *sa)
{
	if (!sa->ext)
		return;
	sa->ext->ops->close(sa->ext->self, sa->ext->state);
	rv_ref_drop(&sa->ext->ref);
	free(sa->ext);
	sa->ext = NULL;
}

bool extend_text(struct sa *sa, unsigned worker, struct rv_esp_text *text)
{
	const struct sa_ext *ext = sa->ext;
	bool out = sa->dir == RV_OUT;
	uint32_t len = text->len;
	enum rv_esp_ext_result r = (out ? ext->ops->out : ext->ops->in)(ext->state, worker, text);

	if (r == RV_ESP_BAD || (out && text->len > len)) {
		sa_drop(sa, RV_DROP_MALFORMED);
		return false;
	}
	return true;
}
