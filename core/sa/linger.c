// SPDX-License-Identifier: LGPL-2.1-or-later
/* linger: the inbound SA of a child SA that was replaced stays a few seconds longer than the child SA.
 *
 * The message that closes a replaced SA and the last packets on it travel through different threads of both hosts, and
 * on networks by different paths; what was sent before the message may arrive behind it. Nobody sends on the SA any
 * more, and its window still refuses what comes twice.
 */
#include "inner.h"

#include <errno.h>
#include <ravelin/error.h>
#include <stdio.h>
#include <talloc.h>

static const uint64_t linger_us = 5000000;

struct linger {
	struct rv_timer timer;
	struct rv_ref kernel;
	struct rv_user user;
	struct rv_addr remote;
	uint32_t spi;
};

static void text(const struct rv_user *user, char *out, size_t size)
{
	snprintf(out, size, "the inbound SA %08x of a child SA that was replaced",
		 rv_container_of(user, const struct linger, user)->spi);
}

static int gone(struct linger *l)
{
	const struct rv_kernel_ops *ops = l->kernel.service ? rv_service_ops(l->kernel.service) : NULL;

	rv_timer_cancel(&l->timer);
	if (ops)
		(void)ops->sa_del(rv_service_self(l->kernel.service), l->spi, RV_IN, &l->remote);
	rv_ref_drop(&l->kernel);
	return 0;
}

static void due(struct rv_timer *timer)
{
	talloc_free(rv_container_of(timer, struct linger, timer));
}

void rv_child_linger(struct rv_child_whole *c)
{
	struct rv_child *child = &c->child;
	struct linger *l = c->in_kernel[RV_IN] ? talloc_zero(child->peer, struct linger) : NULL;

	if (!l)
		return;
	l->user.text = text;
	l->spi = child->spi_in;
	l->remote = child->peer->path.remote;
	rv_timer_init(&l->timer, child->peer->core->loop, due);
	if (rv_ref_take(&l->kernel, child->kernel.service, &l->user) || rv_timer_arm(&l->timer, linger_us)) {
		rv_ref_drop(&l->kernel);
		talloc_free(l);
		return;
	}
	talloc_set_destructor(l, gone);
	c->in_kernel[RV_IN] = c->spi_reserved = false;
}
