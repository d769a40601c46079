// SPDX-License-Identifier: LGPL-2.1-or-later
/* stage: what IPComp does with the texts of an SA (RFC 3173, 2).
 *
 * Codecs are large and belong to workers; SAs only count. An SA whose texts do not get smaller leaves them alone for a
 * while, twice as long each time (2.2).
 */
#include "esp-ipcomp.h"

#include <errno.h>
#include <ravelin/error.h>
#include <ravelin/esp-ext.h>
#include <ravelin/wire.h>
#include <stdatomic.h>
#include <talloc.h>

enum { TRIES = 4, PAUSE = 16, PAUSE_MOST = 1024 };

struct stages {
	struct rv_host *host;
	unsigned n_codecs;
	struct codec **codecs; /* by worker */
};

/* One direction of one SA. */
struct stage {
	struct stages *home;
	struct codec *const *codecs;
	uint32_t spi;
	uint16_t cpi;
	bool inbound;
	_Atomic uint32_t failed; /* texts in a row that did not get smaller */
	_Atomic uint32_t skip;	 /* how many more are left alone */
	_Atomic uint32_t pause;
	_Atomic uint64_t changed, as_it_is;
	_Atomic uint64_t faults[CODEC_N_FAULTS];
};

static void count(_Atomic uint64_t *counter)
{
	atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

/* Loop */

static int drop_codecs(struct stages *stages)
{
	for (unsigned i = 0; i < stages->n_codecs; i++)
		codec_free(stages->codecs[i]);
	stages->n_codecs = 0;
	TALLOC_FREE(stages->codecs);
	return 0;
}

static int make_codecs(struct stages *stages, unsigned n)
{
	if (stages->codecs)
		return stages->n_codecs >= n ? 0 : -RV_ELIMIT;
	stages->codecs = talloc_zero_array(stages, struct codec *, n);
	for (; stages->codecs && stages->n_codecs < n; stages->n_codecs++) {
		stages->codecs[stages->n_codecs] = codec_new(stages->host->vault);
		if (!stages->codecs[stages->n_codecs])
			break;
	}
	if (stages->codecs && stages->n_codecs == n)
		return 0;
	drop_codecs(stages);
	return -ENOMEM;
}

static int stage_open(void *self, const struct rv_sa_spec *spec, unsigned n_workers, void **state)
{
	struct stages *stages = self;
	struct rv_rd r = rv_rd(spec->ext_octets);
	uint16_t cpi = rv_rd_u16(&r);
	int error = rv_rd_done(&r) ? make_codecs(stages, n_workers) : -EINVAL;
	struct stage *stage = error ? NULL : talloc_zero(stages, struct stage);

	if (error || !stage)
		return error ? error : -ENOMEM;
	stage->home = stages;
	stage->codecs = stages->codecs;
	stage->spi = spec->spi;
	stage->cpi = cpi;
	stage->inbound = spec->dir == RV_IN;
	*state = stage;
	return 0;
}

static uint64_t got(const _Atomic uint64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

static void stage_close(void *self, void *state)
{
	struct stage *stage = state;

	rv_log(&stage->home->host->subject, RV_INFO, "ipcomp-ended", KV_UINT("spi", stage->spi),
	       KV_STR("direction", stage->inbound ? "in" : "out"), KV_UINT("compressed", got(&stage->changed)),
	       KV_UINT("as-it-is", got(&stage->as_it_is)), KV_UINT("header", got(&stage->faults[CODEC_HEADER])),
	       KV_UINT("cpi", got(&stage->faults[CODEC_CPI])), KV_UINT("data", got(&stage->faults[CODEC_DATA])),
	       KV_UINT("too-large", got(&stage->faults[CODEC_TOO_LARGE])));
	talloc_free(stage);
}

/* Workers */

/* RFC 3173, 2.2: "Once a datagram is compressed successfully, the normal process of IPComp restarts." */
static void learn(struct stage *stage, bool smaller)
{
	uint32_t pause;

	if (smaller) {
		atomic_store_explicit(&stage->failed, 0, memory_order_relaxed);
		atomic_store_explicit(&stage->pause, 0, memory_order_relaxed);
		return;
	}
	if (atomic_fetch_add_explicit(&stage->failed, 1, memory_order_relaxed) + 1 < TRIES)
		return;
	pause = atomic_load_explicit(&stage->pause, memory_order_relaxed);
	pause = !pause ? PAUSE : pause < PAUSE_MOST ? 2 * pause : pause;
	atomic_store_explicit(&stage->pause, pause, memory_order_relaxed);
	atomic_store_explicit(&stage->skip, pause, memory_order_relaxed);
	atomic_store_explicit(&stage->failed, 0, memory_order_relaxed);
}

/* Two workers may both take the last one of a pause; then one text too many is tried. */
static bool pausing(struct stage *stage)
{
	uint32_t skip = atomic_load_explicit(&stage->skip, memory_order_relaxed);

	if (skip)
		atomic_store_explicit(&stage->skip, skip - 1, memory_order_relaxed);
	return skip != 0;
}

static void pass_out(struct stage *stage, struct rv_esp_turn *turn, const struct rv_esp_text *text)
{
	struct rv_esp_text made = *text;
	struct rv_bytes out = rv_bytes(NULL, 0);

	if (text->len >= LEAST && !pausing(stage)) {
		out = codec_compress(stage->codecs[turn->worker], rv_bytes(text->p, text->len), text->next, stage->cpi);
		learn(stage, out.len != 0);
	}
	count(out.len ? &stage->changed : &stage->as_it_is);
	if (out.len)
		made = (struct rv_esp_text){ .p = (uint8_t *)(uintptr_t)out.p,
					     .len = (uint32_t)out.len,
					     .next = IPCOMP,
					     .tos = text->tos,
					     .origin = text->origin };
	(void)turn->emit(turn, &made);
}

static void stage_out(void *state, struct rv_esp_turn *turn, const struct rv_esp_text *texts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		pass_out(state, turn, &texts[i]);
}

static void pass_in(struct stage *stage, struct rv_esp_turn *turn, const struct rv_esp_text *text)
{
	struct rv_esp_text made = *text;
	enum codec_fault fault;
	struct rv_bytes out;

	if (text->next != IPCOMP) {
		count(&stage->as_it_is);
		(void)turn->emit(turn, text);
		return;
	}
	fault = codec_expand(stage->codecs[turn->worker], rv_bytes(text->p, text->len), stage->cpi, &made.next, &out);
	if (fault) {
		count(&stage->faults[fault]);
		turn->drop(turn, RV_DROP_MALFORMED);
		return;
	}
	count(&stage->changed);
	made.p = (uint8_t *)(uintptr_t)out.p;
	made.len = (uint32_t)out.len;
	made.stays = false;
	(void)turn->emit(turn, &made);
}

static void stage_in(void *state, struct rv_esp_turn *turn, const struct rv_esp_text *texts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		pass_in(state, turn, &texts[i]);
}

static const struct rv_esp_ext_ops ops = {
	.size = sizeof(ops), .open = stage_open, .close = stage_close, .out = stage_out, .in = stage_in
};

int stage_offer(struct rv_host *host)
{
	struct stages *stages = talloc_zero(host, struct stages);

	if (!stages)
		return -ENOMEM;
	stages->host = host;
	talloc_set_destructor(stages, drop_codecs);
	return rv_esp_ext_offer(host, (struct rv_offer){ .name = IPCOMP_NAME }, &ops, stages);
}
