// SPDX-License-Identifier: LGPL-2.1-or-later
/* kex: key exchanges in jobs (RFC 7296, 2.12 and 3.4): public-key arithmetic never runs on the loop.
 *
 * A job gets copies and random octets from the daemon's source, so that a scenario replays; the reference to the
 * service that computes lives as long as the job. What a job made reaches the exchange only when the exchange still
 * lives.
 */
#include "kex.h"

#include <errno.h>
#include <string.h>

enum verb { GENERATE, RESPOND, COMPLETE };

struct work {
	struct rv_user user;
	struct rv_ref ref;
	const struct rv_ke_ops *ops;
	void *self;
	enum verb verb;
	struct rv_secret *random, *secret, *shared;
	uint8_t *in, *out;
	size_t in_len, out_len;
};

static void user_text(const struct rv_user *user, char *out, size_t size)
{
	snprintf(out, size, "a key exchange of an IKE SA");
}

static int work_free(struct work *w)
{
	rv_ref_drop(&w->ref);
	return 0;
}

static int run(void *data)
{
	struct work *w = data;

	switch (w->verb) {
	case GENERATE:
		return w->ops->generate(w->self, w->random->b, w->secret->b, w->out);
	case RESPOND:
		return w->ops->respond(w->self, w->random->b, rv_bytes(w->in, w->in_len), w->out, w->shared->b);
	case COMPLETE:
		return w->ops->complete(w->self, w->secret->b, rv_bytes(w->in, w->in_len), w->shared->b);
	}
	return -RV_EFAILED;
}

static void done(void *owner, int result, void *data)
{
	struct rv_ike_exchange *x = owner;
	struct ike_kex *kex = x->kex;
	struct work *w = data;

	x->job = NULL;
	/* kept also when it failed: an answer without protection may be forged, and a better one may come */
	if (w->secret)
		kex->secret = talloc_steal(kex, w->secret);
	if (!result && w->shared) {
		talloc_free(kex->shared);
		kex->shared = talloc_steal(kex, w->shared);
	}
	if (!result && w->out)
		kex->ours = rv_bytes(talloc_steal(kex, w->out), w->out_len);
	if (result)
		rv_why_set(&x->why, result, "the key exchange in group %u failed: %s", kex->group,
			   rv_error_text(result));
	ike_exchange_resume(x, result);
}

static bool room(struct rv_ike_exchange *x, struct work *w)
{
	struct rv_host *host = x->sa->engine->host;
	const struct rv_ke_ops *ops = w->ops;

	if (w->verb != COMPLETE && ops->n_random) {
		w->random = rv_secret_new(host->vault, w, ops->n_random);
		if (!w->random)
			return false;
		rv_host_random(host, w->random->b, ops->n_random);
	}
	if (w->verb == GENERATE)
		w->secret = rv_secret_new(host->vault, w, ops->secret_len);
	else
		w->shared = rv_secret_new(host->vault, w, ops->shared_len);
	if (w->verb != COMPLETE) {
		w->out_len = w->verb == GENERATE ? ops->public_i_len : ops->public_r_len;
		w->out = talloc_size(w, w->out_len);
	}
	return (w->verb != GENERATE || w->secret) && (w->verb == GENERATE || w->shared) &&
	       (w->verb == COMPLETE || w->out);
}

static int start(struct rv_ike_exchange *x, enum verb verb, struct rv_bytes in)
{
	struct rv_registry *registry = x->sa->engine->host->registry;
	struct rv_transform t = { .class = RV_CLASS_KE, .id = x->kex->group };
	struct rv_service *service = rv_algorithm_service(registry, &t);
	struct work *w;

	if (!service)
		return rv_why_set(&x->why, -RV_ENO_PROVIDER, "no loaded plugin computes key exchange group %u", t.id);
	w = talloc_zero(NULL, struct work);
	if (!w)
		return -ENOMEM;
	w->user.text = user_text;
	w->ops = rv_service_ops(service);
	w->self = rv_service_self(service);
	w->verb = verb;
	if (rv_ref_take(&w->ref, service, &w->user)) {
		talloc_free(w);
		return -RV_EIN_USE;
	}
	talloc_set_destructor(w, work_free);
	if (in.len)
		w->in = talloc_memdup(w, in.p, in.len);
	w->in_len = in.len;
	if ((in.len && !w->in) || !room(x, w)) {
		talloc_free(w);
		return -ENOMEM;
	}
	if (verb == COMPLETE)
		w->secret = talloc_steal(w, x->kex->secret);
	x->job = rv_job_start(x->sa->engine->host, w, run, x, done, NULL);
	if (!x->job) {
		if (verb == COMPLETE)
			talloc_steal(x->kex, w->secret);
		talloc_free(w);
		return rv_why_set(&x->why, -RV_ELIMIT, "too many key exchanges are under way");
	}
	if (verb == COMPLETE)
		x->kex->secret = NULL;
	return RV_PENDING;
}

struct ike_kex *ike_kex_new(struct rv_ike_exchange *x, uint16_t group)
{
	if (x->kex && x->kex->group == group)
		return x->kex;
	TALLOC_FREE(x->kex);
	x->kex = talloc_zero(x, struct ike_kex);
	if (x->kex)
		x->kex->group = group;
	return x->kex;
}

int ike_kex_generate(struct rv_ike_exchange *x)
{
	return x->kex->secret ? 0 : start(x, GENERATE, rv_bytes(NULL, 0));
}

static int check_len(struct rv_ike_exchange *x, size_t len, bool responder)
{
	struct rv_transform t = { .class = RV_CLASS_KE, .id = x->kex->group };
	struct rv_service *service = rv_algorithm_service(x->sa->engine->host->registry, &t);
	const struct rv_ke_ops *ops = service ? rv_service_ops(service) : NULL;
	size_t want = ops ? responder ? ops->public_i_len : ops->public_r_len : 0;

	if (ops && len != want)
		return rv_why_set(&x->why, -RV_EKEY_VALUE,
				  "the peer's public value for group %u has %zu octets, not %zu", t.id, len, want);
	return 0;
}

int ike_kex_respond(struct rv_ike_exchange *x, struct rv_bytes theirs)
{
	int r = check_len(x, theirs.len, true);

	return r ? r : start(x, RESPOND, theirs);
}

int ike_kex_complete(struct rv_ike_exchange *x, struct rv_bytes theirs)
{
	int r = check_len(x, theirs.len, false);

	return r ? r : start(x, COMPLETE, theirs);
}

void ike_nonce(struct rv_ike_exchange *x)
{
	rv_host_random(x->sa->engine->host, x->nonce, sizeof(x->nonce));
}

int ike_nonce_compare(struct rv_bytes a, struct rv_bytes b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int r = n ? memcmp(a.p, b.p, n) : 0;

	return r ? r : a.len < b.len ? -1 : a.len > b.len;
}

struct rv_bytes ike_nonce_lower(struct rv_bytes a, struct rv_bytes b)
{
	return ike_nonce_compare(a, b) <= 0 ? a : b;
}

bool ike_offers_group(const struct rv_proposal *proposals, size_t n, uint16_t group)
{
	for (size_t i = 0; i < n; i++)
		for (unsigned j = 0; j < proposals[i].n; j++)
			if (proposals[i].t[j].class == RV_CLASS_KE && proposals[i].t[j].id == group)
				return group != 0;
	return false;
}
