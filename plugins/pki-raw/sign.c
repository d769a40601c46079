// SPDX-License-Identifier: LGPL-2.1-or-later
/* sign: signatures in jobs: the loop waits for no arithmetic.
 *
 * A job gets copies and holds a reference to the service that computes. The copy of the key is wiped with the job.
 */
#include "pki-raw.h"

#include <errno.h>
#include <ravelin/crypto.h>
#include <ravelin/error.h>
#include <stdio.h>
#include <string.h>

struct work {
	struct rv_user user;
	struct rv_ref ref;
	const struct rv_sign_ops *ops;
	void *self;
	struct rv_secret *key;
	uint8_t *message, *signature;
	size_t message_len, len;
	/* of the caller, on the loop */
	struct rv_job *job;
	struct rv_call *call;
	uint8_t *out;
	size_t cap, *out_len;
};

static void user_text(const struct rv_user *user, char *out, size_t size)
{
	snprintf(out, size, "a signature");
}

static int work_free(struct work *w)
{
	rv_ref_drop(&w->ref);
	return 0;
}

static int run(void *data)
{
	struct work *w = data;
	const struct rv_bytes message = rv_bytes(w->message, w->message_len);

	return w->ops->sign(w->self, rv_secret_bytes(w->key), &message, 1, w->signature, &w->len);
}

static void done(void *owner, int result, void *data)
{
	struct work *w = data;

	if (!result && w->len > w->cap)
		result = -ENOSPC;
	if (!result) {
		memcpy(w->out, w->signature, w->len);
		*w->out_len = w->len;
	}
	rv_call_finish(w->call, result);
}

static void cancel(struct rv_call *call)
{
	struct work *w = call->provider;

	rv_job_cancel(w->job);
}

static bool fill(struct work *w, struct rv_host *host, const struct rv_secret *der, const struct rv_bytes *parts,
		 size_t n_parts)
{
	size_t at = 0;

	for (size_t i = 0; i < n_parts; i++)
		w->message_len += parts[i].len;
	w->key = rv_secret_dup(host->vault, w, rv_secret_bytes(der));
	w->message = talloc_size(w, w->message_len + 1);
	w->signature = talloc_size(w, w->ops->signature_max);
	if (!w->key || !w->message || !w->signature)
		return false;
	for (size_t i = 0; i < n_parts; i++) {
		if (parts[i].len)
			memcpy(w->message + at, parts[i].p, parts[i].len);
		at += parts[i].len;
	}
	return true;
}

int raw_sign(struct rv_host *host, const struct rv_secret *der, const char *scheme, const struct rv_bytes *parts,
	     size_t n_parts, uint8_t *out, size_t cap, size_t *len, struct rv_call *call)
{
	struct rv_service *service = rv_registry_find(host->registry, "sign", scheme);
	struct work *w = service ? talloc_zero(NULL, struct work) : NULL;

	if (!w)
		return service ? -ENOMEM : -RV_ENO_PROVIDER;
	w->user.text = user_text;
	w->ops = rv_service_ops(service);
	w->self = rv_service_self(service);
	w->call = call;
	w->out = out;
	w->cap = cap;
	w->out_len = len;
	if (rv_ref_take(&w->ref, service, &w->user)) {
		talloc_free(w);
		return -RV_EIN_USE;
	}
	talloc_set_destructor(w, work_free);
	if (!fill(w, host, der, parts, n_parts)) {
		talloc_free(w);
		return -ENOMEM;
	}
	w->job = rv_job_start(host, w, run, w, done, NULL);
	if (!w->job) {
		talloc_free(w);
		return -RV_ELIMIT;
	}
	return rv_call_pend(call, cancel, w);
}
