// SPDX-License-Identifier: LGPL-2.1-or-later
/* stage: kind `esp-ext`: puts the header in front of the packets of an SA, and compares it with the SA when they come
 * (RFC 5840, 2): someone on the way may have changed it, since no ICV covers it (3).
 */
#include "esp-wesp.h"

#include <errno.h>
#include <ravelin/cryptor.h>
#include <ravelin/error.h>
#include <ravelin/esp-ext.h>
#include <stdatomic.h>
#include <talloc.h>

/* Transform IDs of encryption that hides nothing (RFC 2410; RFC 4543, 9). */
enum { ENCR_NULL = 11, ENCR_NULL_AUTH_AES_GMAC = 21, ESP_HEADER = 8 };

/* One direction of one SA. */
struct stage {
	struct rv_host *host;
	uint32_t spi;
	bool inbound, encrypted;
	uint8_t iv_len, icv_len;
	_Atomic uint64_t passed, refused;
};

static bool hides(const struct rv_proposal *chosen)
{
	for (unsigned i = 0; i < chosen->n; i++)
		if (chosen->t[i].class == RV_CLASS_ENCR)
			return chosen->t[i].id != ENCR_NULL && chosen->t[i].id != ENCR_NULL_AUTH_AES_GMAC;
	return false;
}

static int stage_open(void *self, const struct rv_sa_spec *spec, unsigned n_workers, void **state)
{
	struct rv_host *host = self;
	struct rv_why why = { 0 };
	struct rv_suite suite;
	struct stage *stage;
	int r = rv_suite_init(&suite, host->registry, &spec->chosen, NULL, &why);

	if (r)
		return r;
	stage = talloc_zero(host, struct stage);
	if (stage) {
		stage->host = host;
		stage->spi = spec->spi;
		stage->inbound = spec->dir == RV_IN;
		stage->encrypted = hides(&spec->chosen);
		stage->iv_len = (uint8_t)suite.iv_len;
		stage->icv_len = (uint8_t)suite.icv_len;
		*state = stage;
	}
	rv_suite_fini(&suite);
	return stage ? 0 : -ENOMEM;
}

static void stage_close(void *self, void *state)
{
	struct stage *stage = state;

	rv_log(&stage->host->subject, RV_INFO, "wesp-ended", KV_UINT("spi", stage->spi),
	       KV_STR("direction", stage->inbound ? "in" : "out"), KV_UINT("packets", atomic_load(&stage->passed)),
	       KV_UINT("refused", atomic_load(&stage->refused)));
	talloc_free(stage);
}

/* What the header of a packet with this text says. */
static struct wesp right_header(const struct stage *stage, const struct rv_esp_text *text, bool padded)
{
	struct wesp wesp = { .encrypted = stage->encrypted, .padded = padded };

	if (stage->encrypted)
		return wesp;
	wesp.next = text->next;
	wesp.header_len = (uint8_t)((padded ? WESP_PADDED : WESP_HEADER) + ESP_HEADER + stage->iv_len);
	wesp.trailer_len = stage->icv_len;
	return wesp;
}

/* "This padding MUST be used with IPv6"; in UDP it "is not needed". */
static uint32_t wrap(void *state, uint8_t *p, const struct rv_esp_text *text, uint8_t family, bool encap)
{
	struct wesp wesp = right_header(state, text, family == RV_IPV6 && !encap);

	return wesp_write(&wesp, p);
}

static uint32_t skip(struct rv_bytes packet)
{
	return wesp_read(NULL, packet);
}

static bool agrees(const struct stage *stage, const struct rv_esp_text *text)
{
	struct wesp found, right;

	if (!wesp_read(&found, text->front)) /* none: plain ESP was not agreed on */
		return false;
	right = right_header(stage, text, found.padded);
	if (found.padded && text->family == RV_IPV4)
		return false;
	if (!found.padded && text->family == RV_IPV6 && !text->encap)
		return false;
	return found.encrypted == right.encrypted && found.next == right.next && found.header_len == right.header_len &&
	       found.trailer_len == right.trailer_len;
}

static void stage_out(void *state, struct rv_esp_turn *turn, const struct rv_esp_text *texts, size_t n)
{
	struct stage *stage = state;

	for (size_t i = 0; i < n; i++)
		(void)turn->emit(turn, &texts[i]);
	atomic_fetch_add_explicit(&stage->passed, n, memory_order_relaxed);
}

static void stage_in(void *state, struct rv_esp_turn *turn, const struct rv_esp_text *texts, size_t n)
{
	struct stage *stage = state;

	for (size_t i = 0; i < n; i++) {
		bool good = agrees(stage, &texts[i]);
		atomic_fetch_add_explicit(good ? &stage->passed : &stage->refused, 1, memory_order_relaxed);
		if (good)
			(void)turn->emit(turn, &texts[i]);
		else
			turn->drop(turn, RV_DROP_MALFORMED);
	}
}

static const struct rv_esp_wrapper wrapper = {
	.protocol = WESP_PROTOCOL, .marker = WESP_MARKER, .put = wrap, .skip = skip
};

static const struct rv_esp_ext_ops ops = { .size = sizeof(ops),
					   .open = stage_open,
					   .close = stage_close,
					   .out = stage_out,
					   .in = stage_in,
					   .wrapper = &wrapper };

int stage_offer(struct rv_host *host)
{
	return rv_esp_ext_offer(host, (struct rv_offer){ .name = WESP_NAME }, &ops, host);
}
