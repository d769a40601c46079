// SPDX-License-Identifier: LGPL-2.1-or-later
/* esp-null: the slow path of RFC 5879, Appendix A.2, and the invalidation of section 6. */
#include "esp-null.h"

#include "inner.h"

#include <string.h>

enum { SPI_AND_NUMBER = 8, TRAILER = 2, STRANGE_ENOUGH = 8, WINDOW = 32 };

/* RFC 5879, 8.1 and A.2, in the order in which they are tried: "ICV lengths should always be checked from shortest to
 * longest." */
static const struct {
	uint8_t icv, iv;
} lengths[] = { { 12, 0 }, { 16, 0 }, { 16, 8 }, { 24, 0 }, { 32, 0 } };

/* One try with one pair of lengths. */
struct
try {
	uint8_t next;
	struct rv_bytes payload; /* without IV and padding */
};

/* Length, then "Verify padding": 1, 2, ..., Pad_len. */
static bool fits(struct rv_bytes esp, uint8_t icv, uint8_t iv, struct try *try)
{
	size_t around = (size_t)SPI_AND_NUMBER + iv + icv;
	struct rv_bytes text;
	uint8_t pad;

	if (esp.len < around + 4)
		return false;
	text = rv_bytes(esp.p + SPI_AND_NUMBER + iv, esp.len - around);
	pad = text.p[text.len - 2];
	if (pad > text.len - TRAILER)
		return false;
	for (size_t i = 0; i < pad; i++)
		if (text.p[text.len - TRAILER - pad + i] != i + 1)
			return false;
	*try = (struct try){ .next = text.p[text.len - 1], .payload = rv_bytes(text.p, text.len - TRAILER - pad) };
	return true;
}

/* "Verify packet". */
static bool good(const struct try *try, const struct esp_guess *guess, const struct esp_between *between,
		 struct inner *inner)
{
	*inner = (struct inner){ .last = guess->last, .between = *between };
	return inner_verify(inner, try->next, try->payload);
}

static void sure(struct esp_guess *guess)
{
	guess->verdict = ESP_NULL;
	guess->garbage = 0;
}

static void begin_anew(struct esp_guess *guess)
{
	*guess = (struct esp_guess){ .n_garbage = guess->n_garbage, .n_anew = guess->n_anew };
}

/* RFC 5879, 8.2: "after the receipt of a consistent, but unknown, next header number in same location". */
static void strange(struct esp_guess *guess, uint8_t next)
{
	guess->n_strange = guess->strange == next ? guess->n_strange + 1 : 1;
	guess->strange = next;
	if (guess->n_strange < STRANGE_ENOUGH)
		return;
	guess->iv_len = IV_UNKNOWN;
	sure(guess);
}

/* "Verify next packet" and "Verify unsure". False: the guess was wrong. */
static bool go_on(struct esp_guess *guess, const struct esp_between *between, struct rv_bytes esp)
{
	struct inner inner;
	struct try try;

	if (!fits(esp, guess->icv_len, guess->iv_len, &try) || !good(&try, guess, between, &inner))
		return false;
	if (inner.strange) {
		strange(guess, try.next);
		return true;
	}
	guess->bits += inner.bits;
	guess->last = inner.pieces;
	if (guess->bits >= BITS_ENOUGH)
		sure(guess);
	return true;
}

/* "Autodetect ESP parameters": the first lengths that fit are those that further packets are compared with. */
static void try_all(struct esp_guess *guess, const struct esp_between *between, struct rv_bytes esp)
{
	struct inner inner;
	struct try try;

	guess->verdict = ESP_ENCRYPTED;
	for (size_t i = 0; i < RV_COUNT(lengths); i++) {
		if (!fits(esp, lengths[i].icv, lengths[i].iv, &try) || !good(&try, guess, between, &inner))
			continue;
		if (guess->verdict == ESP_UNSURE && inner.bits < BITS_ENOUGH)
			continue;
		*guess = (struct esp_guess){ .verdict = ESP_UNSURE,
					     .icv_len = lengths[i].icv,
					     .iv_len = lengths[i].iv,
					     .bits = inner.bits,
					     .last = inner.pieces,
					     .n_garbage = guess->n_garbage,
					     .n_anew = guess->n_anew };
		if (inner.strange)
			strange(guess, try.next);
		if (inner.bits < BITS_ENOUGH)
			continue;
		sure(guess);
		return;
	}
}

/* RFC 5879, 6: "Sample invalidation policies include: 50% of packets marked as garbage"; here of the last 32. */
static void still(struct esp_guess *guess, const struct esp_between *between, struct rv_bytes esp)
{
	uint8_t iv = guess->iv_len == IV_UNKNOWN ? 0 : guess->iv_len;
	struct inner inner;
	struct try try;
	bool garbage = !fits(esp, guess->icv_len, iv, &try);

	if (!garbage && guess->iv_len != IV_UNKNOWN)
		garbage = !good(&try, guess, between, &inner);
	guess->garbage = guess->garbage << 1 | garbage;
	guess->n_garbage += garbage;
	if (__builtin_popcount(guess->garbage) <= WINDOW / 2)
		return;
	guess->n_anew++;
	begin_anew(guess);
	try_all(guess, between, esp);
}

void esp_guess(struct esp_guess *guess, const struct esp_between *between, struct rv_bytes esp)
{
	switch (guess->verdict) {
	case ESP_ENCRYPTED:
		return;
	case ESP_NULL:
		still(guess, between, esp);
		return;
	case ESP_UNSURE:
		if (go_on(guess, between, esp))
			return;
		begin_anew(guess);
		try_all(guess, between, esp);
		return;
	case ESP_NEW:
		try_all(guess, between, esp);
		return;
	}
}
