// SPDX-License-Identifier: LGPL-2.1-or-later
/* measure: how fast a provider computes, so that the fastest is chosen.
 *
 * One service at a time is measured, for about a millisecond of processor time, in a job of its owner, so that the loop
 * is never held up. What was found is kept in RUN_DIR/speeds by processor model, plugin, its version, a number over its
 * file and libraries, kind and name: a restart chooses at once, an upgrade measures anew.
 */
#include "plugin-parts.h"
#include "registry-parts.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	PACKET = 1400,
	BURST = 32,
	STRIDE = 1536,
	BUDGET_NS = 1000 * 1000,
	MAX_CTX = 256 * 1024,
	MAX_KE = RV_CRYPTO_FIELD
};
/* an hour: nothing slower is believed */
static const uint64_t MAX_NS = (uint64_t)3600 * 1000 * 1000 * 1000;

enum { MAX_CACHED = 4096, MAX_LINE = 1024 };

/* How far a measuring job is. Whoever withdraws the service meanwhile must know that its ops run no more. */
enum { QUEUED, RUNNING, ENDED };

/* What a job works on: copies, and the ops of the service. */
struct sample {
	struct rv_offer copy;
	int (*run)(struct sample *sample);
	uint8_t *ctx, *src, *dst;			     /* dst: BURST times STRIDE octets */
	struct rv_bytes key, public_key, message, signature; /* of sign */
	uint64_t ns;
	atomic_int state;
	atomic_bool stop;
};

struct cached {
	char *key;
	uint64_t ns;
};

struct rv_measure {
	struct rv_core *core;
	struct rv_list queue;
	struct rv_service *now; /* whose job is under way, unless it was withdrawn */
	struct sample *sample;	/* of the job under way */
	struct rv_job *job;
	bool wanted; /* a deferred call is on its way */
	char *processor;
	char *path; /* NULL: nothing is kept */
	struct cached *cache;
	size_t n_cached;
	bool changed;
};

static uint64_t cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Calls once() until the budget is used up; n: how many operations one call is. The best call counts. */
static int repeat(struct sample *sample, int (*once)(struct sample *sample), unsigned n)
{
	uint64_t began = cpu_ns(), before = began, best = UINT64_MAX;

	do {
		int r = once(sample);
		uint64_t after = cpu_ns();
		if (r)
			return r;
		if (after - before < best)
			best = after - before;
		before = after;
	} while (before - began < BUDGET_NS && !atomic_load(&sample->stop));
	sample->ns = best / n ? best / n : 1;
	return 0;
}

static int once_hash(struct sample *sample)
{
	const struct rv_hash_ops *ops = sample->copy.ops;
	struct rv_bytes part = rv_bytes(sample->src, PACKET);
	int r = 0;

	for (int i = 0; i < BURST; i++)
		r |= ops->digest(sample->copy.self, &part, 1, sample->dst);
	return r;
}

static int run_hash(struct sample *sample)
{
	return repeat(sample, once_hash, BURST);
}

static int once_prf(struct sample *sample)
{
	const struct rv_prf_ops *ops = sample->copy.ops;
	struct rv_bytes part = rv_bytes(sample->src, PACKET);
	int r = 0;

	for (int i = 0; i < BURST; i++)
		r |= ops->prf(sample->copy.self, rv_bytes(sample->src, ops->key_len), &part, 1, sample->dst);
	return r;
}

static int run_prf(struct sample *sample)
{
	return repeat(sample, once_prf, BURST);
}

static int once_mac(struct sample *sample)
{
	const struct rv_mac_ops *ops = sample->copy.ops;
	struct rv_bytes part = rv_bytes(sample->src, PACKET);
	struct rv_mac_op burst[BURST];
	int r = 0;

	for (int i = 0; i < BURST; i++)
		burst[i] = (struct rv_mac_op){ sample->src, PACKET, sample->dst + i * STRIDE };
	if (RV_HAS(ops, mac_burst))
		return ops->mac_burst(sample->copy.self, sample->ctx, burst, BURST);
	for (int i = 0; i < BURST; i++)
		r |= ops->mac(sample->copy.self, sample->ctx, &part, 1, sample->dst);
	return r;
}

static int run_mac(struct sample *sample)
{
	const struct rv_mac_ops *ops = sample->copy.ops;
	int r = ops->init(sample->copy.self, sample->ctx, rv_bytes(sample->src, ops->key_len));

	if (r)
		return r;
	r = repeat(sample, once_mac, BURST);
	ops->fini(sample->copy.self, sample->ctx);
	return r;
}

static int once_cipher(struct sample *sample)
{
	const struct rv_cipher_ops *ops = sample->copy.ops;
	size_t len = ops->block_len ? PACKET / ops->block_len * ops->block_len : PACKET;
	struct rv_cipher_op burst[BURST];
	int r = 0;

	for (int i = 0; i < BURST; i++)
		burst[i] = (struct rv_cipher_op){ sample->src, sample->src, sample->dst + i * STRIDE, len };
	if (RV_HAS(ops, crypt_burst))
		return ops->crypt_burst(sample->copy.self, sample->ctx, burst, BURST);
	for (int i = 0; i < BURST; i++)
		r |= ops->crypt(sample->copy.self, sample->ctx, sample->src, sample->src, sample->dst + i * STRIDE,
				len);
	return r;
}

static int run_cipher(struct sample *sample)
{
	const struct rv_cipher_ops *ops = sample->copy.ops;
	int r = ops->init(sample->copy.self, sample->ctx, rv_bytes(sample->src, ops->key_len), true);

	if (r)
		return r;
	r = repeat(sample, once_cipher, BURST);
	ops->fini(sample->copy.self, sample->ctx);
	return r;
}

static int once_aead(struct sample *sample)
{
	const struct rv_aead_ops *ops = sample->copy.ops;
	struct rv_aead_op burst[BURST];

	for (int i = 0; i < BURST; i++)
		burst[i] = (struct rv_aead_op){ .src = sample->src,
						.dst = sample->dst + i * STRIDE,
						.len = PACKET,
						.aad = sample->src,
						.aad_len = 8 };
	return ops->seal(sample->copy.self, sample->ctx, burst, BURST);
}

static int run_aead(struct sample *sample)
{
	const struct rv_aead_ops *ops = sample->copy.ops;
	int r = ops->init(sample->copy.self, sample->ctx, rv_bytes(sample->src, ops->key_len));

	if (r)
		return r;
	r = repeat(sample, once_aead, BURST);
	ops->fini(sample->copy.self, sample->ctx);
	return r;
}

/* dst holds, MAX_KE octets each: secret, public value of the initiator, of the responder, shared secret. */
static int once_ke(struct sample *sample)
{
	const struct rv_ke_ops *ops = sample->copy.ops;
	uint8_t *dst = sample->dst;
	int r = ops->generate(sample->copy.self, sample->src, dst, dst + MAX_KE);

	return r ? r
		 : ops->complete(sample->copy.self, dst, rv_bytes(dst + 2 * MAX_KE, ops->public_r_len),
				 dst + 3 * MAX_KE);
}

static int run_ke(struct sample *sample)
{
	const struct rv_ke_ops *ops = sample->copy.ops;
	uint8_t *dst = sample->dst;
	int r = ops->generate(sample->copy.self, sample->src, dst, dst + MAX_KE);

	r = r ? r
	      : ops->respond(sample->copy.self, sample->src + PACKET, rv_bytes(dst + MAX_KE, ops->public_i_len),
			     dst + 2 * MAX_KE, dst + 3 * MAX_KE);
	return r ? r : repeat(sample, once_ke, 1);
}

/* A signature of the known answer's key, where it has the private one, and its verification. dst holds, MAX_KE octets
 * each: private key, public key, message, signature. */
static int once_sign(struct sample *sample)
{
	const struct rv_sign_ops *ops = sample->copy.ops;
	int r = 0;

	if (sample->key.len)
		r = ops->sign(sample->copy.self, sample->key, &sample->message, 1, sample->dst + 3 * MAX_KE,
			      &sample->signature.len);
	return r ? r : ops->verify(sample->copy.self, sample->public_key, &sample->message, 1, sample->signature);
}

static int run_sign(struct sample *sample)
{
	const struct rv_vector *vector = sample->copy.vectors;
	const struct rv_sign_ops *ops = sample->copy.ops;
	uint8_t *dst = sample->dst;

	if (ops->signature_max > MAX_KE || !rv_crypto_hex(vector->key, dst, &sample->key) ||
	    !rv_crypto_hex(vector->aad, dst + MAX_KE, &sample->public_key) ||
	    !rv_crypto_hex(vector->in, dst + 2 * MAX_KE, &sample->message) ||
	    !rv_crypto_hex(vector->out, dst + 3 * MAX_KE, &sample->signature))
		return -RV_EFAILED;
	/* the first signature of a key costs more than those that follow: it may be read and kept */
	int r = once_sign(sample);
	return r ? r : repeat(sample, once_sign, 1);
}

static const struct {
	const char *kind;
	int (*run)(struct sample *sample);
	size_t ctx_size_at; /* 0: without context */
} kinds[] = {
	{ "hash", run_hash, 0 },
	{ "prf", run_prf, 0 },
	{ "mac", run_mac, offsetof(struct rv_mac_ops, ctx_size) },
	{ "cipher", run_cipher, offsetof(struct rv_cipher_ops, ctx_size) },
	{ "aead", run_aead, offsetof(struct rv_aead_ops, ctx_size) },
	{ "ke", run_ke, 0 },
	{ "sign", run_sign, 0 },
};

/* A root of its own, as a job's data must be. NULL: out of memory, or nothing to be measured. */
static struct sample *sample_new(const struct rv_offer *offer)
{
	struct sample *sample = talloc_zero(NULL, struct sample);
	uint32_t ctx_size = 0;
	uint8_t *octets;

	for (size_t i = 0; sample && i < RV_COUNT(kinds); i++) {
		if (strcmp(kinds[i].kind, offer->kind))
			continue;
		sample->run = kinds[i].run;
		if (kinds[i].ctx_size_at)
			memcpy(&ctx_size, (const uint8_t *)offer->ops + kinds[i].ctx_size_at, sizeof(ctx_size));
	}
	if (!sample || !sample->run || ctx_size > MAX_CTX) {
		talloc_free(sample);
		return NULL;
	}
	octets = talloc_zero_size(sample, (size_t)ctx_size + 64 + 2 * MAX_KE + BURST * STRIDE);
	if (!octets) {
		talloc_free(sample);
		return NULL;
	}
	sample->copy = *offer;
	sample->ctx = octets + (64 - (uintptr_t)octets % 64) % 64;
	sample->src = sample->ctx + ctx_size;
	sample->dst = octets + ctx_size + 64 + 2 * MAX_KE;
	rv_crypto_pattern(sample->src, 2 * MAX_KE - 64, 1);
	return sample;
}

_Static_assert(BURST *STRIDE >= 4 * MAX_KE, "dst has room for the four values of a key exchange");

static int run(void *data)
{
	struct sample *sample = data;
	int queued = QUEUED;
	int r;

	if (!atomic_compare_exchange_strong(&sample->state, &queued, RUNNING))
		return -RV_ECANCELLED;
	r = sample->run(sample);
	atomic_store(&sample->state, ENDED);
	return r;
}

/* The service's code and self are about to go: after this its ops run no more. A running operation ends first. */
static void stop(struct sample *sample)
{
	const struct timespec pause = { .tv_nsec = 50 * 1000 };
	int queued = QUEUED;

	if (atomic_compare_exchange_strong(&sample->state, &queued, ENDED))
		return;
	atomic_store(&sample->stop, true);
	while (atomic_load(&sample->state) != ENDED)
		nanosleep(&pause, NULL);
}

/* What a measured value holds for, without tabs and line feeds inside a field; NULL when that cannot be said. */
static char *key_of(const struct rv_measure *measure, const void *parent, const struct rv_service *service)
{
	const struct rv_host_whole *whole = rv_host_whole(service->owner);

	if (!measure->path || !whole->libraries)
		return NULL;
	return talloc_asprintf(parent, "%s\t%s\t%s\t%016" PRIx64 "\t%s\t%s", measure->processor, service->owner->name,
			       whole->version ? whole->version : "-", whole->libraries, service->offer.kind,
			       service->offer.name);
}

static struct cached *cache_find(struct rv_measure *measure, const char *key)
{
	for (size_t i = 0; key && i < measure->n_cached; i++)
		if (!strcmp(measure->cache[i].key, key))
			return &measure->cache[i];
	return NULL;
}

static void cache_add(struct rv_measure *measure, const char *key, uint64_t ns)
{
	struct cached *grown;

	if (measure->n_cached == MAX_CACHED)
		return;
	grown = talloc_realloc(measure, measure->cache, struct cached, measure->n_cached + 1);
	if (!grown)
		return;
	measure->cache = grown;
	grown[measure->n_cached] = (struct cached){ .key = talloc_strdup(grown, key), .ns = ns };
	if (grown[measure->n_cached].key)
		measure->n_cached++;
}

/* Reads "NS<tab>KEY" lines; others are passed over. */
static void cache_read(struct rv_measure *measure)
{
	FILE *file = fopen(measure->path, "re");
	char line[MAX_LINE];

	while (file && fgets(line, sizeof(line), file)) {
		char *key;
		uint64_t ns = strtoull(line, &key, 10);
		size_t len = strcspn(key, "\n");
		if (!ns || ns > MAX_NS || key[0] != '\t' || !key[len])
			continue;
		key[len] = 0;
		if (!cache_find(measure, key + 1))
			cache_add(measure, key + 1, ns);
	}
	if (file)
		fclose(file);
}

/* Writes a new file beside the old one and puts it in its place; a failure costs only the next start's time. */
static void cache_write(struct rv_measure *measure)
{
	char *path = talloc_asprintf(measure, "%s.new", measure->path);
	int fd = path ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600) : -1;
	FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
	bool written = file != NULL;

	for (size_t i = 0; file && i < measure->n_cached; i++)
		written &= fprintf(file, "%" PRIu64 "\t%s\n", measure->cache[i].ns, measure->cache[i].key) > 0;
	if (file)
		written &= !fclose(file);
	else if (fd >= 0)
		close(fd);
	if (!written || rename(path, measure->path))
		rv_log(&measure->core->subject, RV_DEBUG, "speeds-not-kept", KV_STR("path", measure->path));
	measure->changed = false;
	talloc_free(path);
}

static void next(void *arg);

/* Goes on with the next service on a fresh stack. */
static void go_on(struct rv_measure *measure)
{
	if (measure->wanted || measure->job)
		return;
	measure->wanted = !rv_defer(measure->core->loop, next, measure);
}

static void measured(void *owner, int result, void *data)
{
	struct rv_measure *measure = owner;
	struct rv_service *service = measure->now;
	const struct sample *sample = data;
	uint64_t ns = result ? UINT64_MAX : sample->ns;
	char *key = service ? key_of(measure, measure, service) : NULL;

	measure->job = NULL;
	measure->sample = NULL;
	measure->now = NULL;
	if (key && !result) {
		cache_add(measure, key, ns);
		measure->changed = true;
	}
	talloc_free(key);
	if (service)
		rv_service_measured(service, ns);
	go_on(measure);
}

static void next(void *arg)
{
	struct rv_measure *measure = arg;
	struct rv_service *service;
	struct sample *sample;

	measure->wanted = false;
	if (rv_list_empty(&measure->queue)) {
		if (measure->changed)
			cache_write(measure);
		return;
	}
	service = rv_container_of(measure->queue.next, struct rv_service, to_measure);
	rv_list_del(&service->to_measure);
	sample = service->draining ? NULL : sample_new(&service->offer);
	if (sample)
		measure->job = rv_job_start(service->owner, sample, run, measure, measured, NULL);
	if (measure->job) {
		measure->sample = sample;
		measure->now = service;
		return;
	}
	talloc_free(sample);
	go_on(measure);
}

void rv_measure_want(struct rv_measure *measure, struct rv_service *service)
{
	bool measurable = false;
	struct cached *cached;
	char *key;

	for (size_t i = 0; i < RV_COUNT(kinds); i++)
		measurable |= !strcmp(kinds[i].kind, service->offer.kind);
	if (!measurable)
		return;
	key = key_of(measure, measure, service);
	cached = cache_find(measure, key);
	talloc_free(key);
	if (cached) {
		rv_service_measured(service, cached->ns);
		return;
	}
	rv_list_add(&measure->queue, &service->to_measure);
	go_on(measure);
}

void rv_measure_forget(struct rv_measure *measure, struct rv_service *service)
{
	rv_list_del(&service->to_measure);
	if (measure->now != service)
		return;
	stop(measure->sample);
	measure->now = NULL;
	rv_job_cancel(measure->job);
	measure->job = NULL;
	measure->sample = NULL;
	go_on(measure);
}

/* The model's name as the kernel prints it. */
static char *processor_of_this_machine(const void *parent)
{
	FILE *file = fopen("/proc/cpuinfo", "re");
	char line[256];
	char *name = NULL;

	while (file && !name && fgets(line, sizeof(line), file)) {
		char *value = strstr(line, ": ");
		if (strncmp(line, "model name", strlen("model name")) || !value)
			continue;
		value[strcspn(value, "\n")] = 0;
		name = talloc_strdup(parent, value + 2);
	}
	if (file)
		fclose(file);
	return name ? name : talloc_strdup(parent, "unknown processor");
}

static int measure_gone(struct rv_measure *measure)
{
	rv_defer_cancel(measure->core->loop, measure);
	if (measure->now)
		stop(measure->sample);
	rv_job_cancel(measure->job);
	return 0;
}

struct rv_measure *rv_measure_new(const void *parent, struct rv_core *core)
{
	struct rv_measure *measure = talloc_zero(parent, struct rv_measure);

	if (!measure)
		return NULL;
	measure->core = core;
	rv_list_init(&measure->queue);
	talloc_set_destructor(measure, measure_gone);
	measure->processor = processor_of_this_machine(measure);
	if (!core->params.run_dir || !measure->processor)
		return measure;
	measure->path = talloc_asprintf(measure, "%s/speeds", core->params.run_dir);
	if (measure->path)
		cache_read(measure);
	return measure;
}
