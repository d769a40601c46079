// SPDX-License-Identifier: LGPL-2.1-or-later
/* esp-ext.h: kind "esp-ext": what else is done with the texts of an ESP SA, inside its encryption.
 *
 * A child SA says by name which extension it has and what was agreed for each direction (rv_child_extend, sa.h); the
 * kernel opens it with the SA. Outbound texts pass it before they are padded and sealed, inbound ones when their
 * padding is gone and before selectors are looked at. An SA without an extension costs one test of a pointer.
 */
#pragma once

#include <ravelin/kernel.h>
#include <ravelin/registry.h>

/* What ESP carries: len octets at p of protocol next (RFC 4303, 2.6). */
struct rv_esp_text {
	const uint8_t *p;
	uint32_t len;
	uint8_t next;
};

/* AS_IT_IS: text was not changed. CHANGED: it is another one, in memory of the extension's that stays as it is until
 * its next call by the same worker. BAD: the packet is dropped as malformed. */
enum rv_esp_ext_result { RV_ESP_AS_IT_IS, RV_ESP_CHANGED, RV_ESP_BAD };

/* open: the state of a new SA of one direction (spec: borrowed) for n_workers threads; 0 or negative. close: frees it,
 * when no worker can see it. Both on the loop. out, in: one text of the SA's direction, by worker (0 to n_workers - 1),
 * which is in no other call of the extension at the same time; other workers may be in calls with this state. What out
 * makes is no longer than what it got. They take no lock, allocate nothing and make no system call. */
struct rv_esp_ext_ops {
	size_t size;
	int (*open)(void *self, const struct rv_sa_spec *spec, unsigned n_workers, void **state);
	void (*close)(void *self, void *state);
	enum rv_esp_ext_result (*out)(void *state, unsigned worker, struct rv_esp_text *text);
	enum rv_esp_ext_result (*in)(void *state, unsigned worker, struct rv_esp_text *text);
};
RV_KIND(esp_ext, "esp-ext", 1, struct rv_esp_ext_ops, in)
