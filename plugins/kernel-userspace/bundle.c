// SPDX-License-Identifier: LGPL-2.1-or-later
/* bundle: the outbound SAs of one reqid, newest first, between the policies that ask for them and the SAs themselves.
 */
#include "trap.h"
#include "userspace.h"

#include <stdlib.h>

static void bundle_free(struct retired *retired)
{
	free(rv_container_of(retired, struct bundle, retired));
}

struct bundle *bundle_get(struct userspace *u, uint32_t reqid)
{
	struct bundle *bundle = table_get(&u->db.bundles, reqid);

	if (!bundle) {
		bundle = calloc(1, sizeof(*bundle));
		if (!bundle)
			return NULL;
		bundle->key = reqid;
		if (table_add(&u->db.bundles, bundle)) {
			free(bundle);
			return NULL;
		}
	}
	bundle->users++;
	return bundle;
}

void bundle_put(struct userspace *u, struct bundle *bundle)
{
	if (--bundle->users)
		return;
	table_del(&u->db.bundles, bundle);
	retire(&u->db.retirer, &bundle->retired, bundle_free);
}

void bundle_add(struct userspace *u, struct bundle *bundle, struct sa *sa)
{
	atomic_store(&sa->out.older, atomic_load(&bundle->first));
	atomic_store_explicit(&bundle->first, sa, memory_order_release);
	for (struct policy *p = bundle->policies; p; p = p->next) {
		atomic_store(&p->asked_us, 0);
		worker_release(&u->workers[0], trap_take(&u->db, p));
	}
}

void bundle_del(struct bundle *bundle, struct sa *sa)
{
	_Atomic(struct sa *) *at = &bundle->first;

	while (atomic_load(at) && atomic_load(at) != sa)
		at = &atomic_load(at)->out.older;
	if (atomic_load(at))
		atomic_store_explicit(at, atomic_load(&sa->out.older), memory_order_release);
}
