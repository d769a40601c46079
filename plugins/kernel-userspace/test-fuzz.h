// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-fuzz: the kernel for fuzz-esp-in and fuzz-esp-out, without threads, with toys for a cipher and for an integrity
 * algorithm with an IV that cost nothing.
 */
#pragma once

#include "out.h"
#include "parts.h"
#include "userspace.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SPI = 0x11223344, TOY = 60000, TOY_CLEAR, TOY_KEY = 20, TOY_ICV = 16, OCTETS = 65536 };

extern const struct rv_plugin rv_plugin_kernel_userspace;

static inline void check(bool holds)
{
	if (!holds)
		abort();
}

static inline int toy_init(void *self, void *ctx, struct rv_bytes key)
{
	memcpy(ctx, key.p, key.len);
	return 0;
}

static inline void toy_icv(const struct rv_aead_op *op, const uint8_t *sealed, uint8_t *icv)
{
	uint8_t sum = 1;

	for (uint32_t i = 0; i < op->aad_len; i++)
		sum = (uint8_t)(sum * 31 + op->aad[i]);
	for (uint32_t i = 0; i < op->len; i++)
		sum = (uint8_t)(sum * 31 + sealed[i]);
	memset(icv, sum, TOY_ICV);
}

static inline int toy_seal(void *self, void *ctx, struct rv_aead_op *ops, size_t n_ops)
{
	for (size_t k = 0; k < n_ops; k++) {
		for (uint32_t i = 0; i < ops[k].len; i++)
			ops[k].dst[i] = ops[k].src[i] ^ 0x5a;
		toy_icv(&ops[k], ops[k].dst, ops[k].dst + ops[k].len);
	}
	return 0;
}

static inline int toy_open(void *self, void *ctx, struct rv_aead_op *ops, size_t n_ops)
{
	for (size_t k = 0; k < n_ops; k++) {
		uint8_t icv[TOY_ICV];
		toy_icv(&ops[k], ops[k].src, icv);
		ops[k].ok = !memcmp(icv, ops[k].src + ops[k].len, TOY_ICV);
		for (uint32_t i = 0; i < ops[k].len; i++)
			ops[k].dst[i] = ops[k].src[i] ^ 0x5a;
	}
	return 0;
}

static inline void toy_fini(void *self, void *ctx)
{
}

static const struct rv_aead_ops toy = {
	.size = sizeof(toy),
	.key_len = 16,
	.salt_len = 4,
	.iv_len = 8,
	.icv_len = TOY_ICV,
	.ctx_size = 64,
	.init = toy_init,
	.seal = toy_seal,
	.open = toy_open,
	.fini = toy_fini,
};

static inline int toy_clear_seal(void *self, void *ctx, struct rv_aead_op *ops, size_t n_ops)
{
	for (size_t k = 0; k < n_ops; k++)
		toy_icv(&ops[k], ops[k].src, ops[k].dst + ops[k].len);
	return 0;
}

/* Seals and opens in place only, and is never asked to open. */
static const struct rv_aead_ops toy_clear = {
	.size = sizeof(toy_clear),
	.key_len = 16,
	.salt_len = 4,
	.iv_len = 8,
	.icv_len = TOY_ICV,
	.ctx_size = 64,
	.init = toy_init,
	.seal = toy_clear_seal,
	.open = toy_open,
	.fini = toy_fini,
};

static const struct rv_vector toy_answer = { .source = "by hand: 31 * 31 + 0x5a",
					     .key = "00000000000000000000000000000000",
					     .iv = "000000000000000000000000",
					     .aad = "00",
					     .in = "00",
					     .out = "5a1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b" };

static const struct rv_algorithm toy_words[] = {
	{ .word = "toy", .class = RV_CLASS_ENCR, .id = TOY, .combined = true, .kind = "aead", .name = "toy" },
	{ .word = "clear", .class = RV_CLASS_INTEG, .id = TOY_CLEAR, .kind = "aead", .name = "clear" },
};

static const struct rv_algorithm_ops words = { .size = sizeof(words), .algorithms = toy_words, .n_algorithms = 2 };

struct world {
	struct rv_core *core;
	const struct rv_kernel_ops *ops;
	void *self;
	const struct rv_port_ops *clear_ops;
	struct rv_port clear, wire;
	struct rv_ts remote;
};

static inline int no_packet(struct rv_port *port, struct rv_packet *const *packets, size_t n)
{
	return 0;
}

static inline void no_close(struct rv_port *port)
{
}

static inline int clear_open(void *self, const char *name, unsigned n, struct rv_port **ports, char ifname[static 16],
			     unsigned *ifindex, struct rv_why *why)
{
	struct world *w = self;
	struct rv_registry *registry = w->core->registry;
	const struct userspace *u = rv_service_self(rv_registry_find(registry, "kernel", "userspace"));

	w->clear = (struct rv_port){ .ops = w->clear_ops, .fd = u->db.notes.fd };
	ports[0] = &w->clear;
	memcpy(ifname, "fuzz", 5);
	*ifindex = 1;
	return 0;
}

static const struct rv_datapath_ops datapath = { .size = sizeof(datapath), .open = clear_open };

static inline struct userspace *world_init(struct world *w)
{
	static const struct rv_attr attrs[] = { { "key-bits", 128 }, { "clear", 1 } };
	const struct rv_offer toy_offer = {
		.name = "toy", .attrs = attrs, .n_attrs = 1, .vectors = &toy_answer, .n_vectors = 1
	};
	struct rv_offer clear_offer = toy_offer;
	clear_offer.name = "clear";
	clear_offer.n_attrs = 2;
	struct rv_core *core = w->core = talloc_zero(NULL, struct rv_core);

	core->params.no_measure = true;
	core->params.no_self_test = true;
	core->log = rv_log_new(core, RV_ERROR, NULL, NULL);
	core->loop = rv_loop_new(core, NULL);
	core->vault = rv_vault_new(core);
	core->registry = rv_registry_new(core, core);
	struct rv_schema *schema = rv_schema_new(core);
	check(!rv_schema_add(schema, "kernel-userspace", KERNEL_USERSPACE_SCHEMA, NULL));
	core->conf = rv_conf_read_text(core, core->vault, schema, "fuzz", "", NULL);
	struct rv_host *fakes = rv_host_new(core, "fakes");
	check(!rv_aead_offer(fakes, toy_offer, &toy, w));
	check(!rv_aead_offer(fakes, clear_offer, &toy_clear, w));
	check(!rv_algorithm_offer(fakes, (struct rv_offer){ .name = "toy" }, &words, w));
	check(!rv_datapath_offer(fakes, (struct rv_offer){ .name = "fake" }, &datapath, w));
	struct rv_host *host = rv_host_new(core, "kernel-userspace");
	check(!rv_plugin_kernel_userspace.init(host));
	struct rv_service *service = rv_registry_find(core->registry, "kernel", "userspace");
	w->ops = rv_service_ops(service);
	w->self = rv_service_self(service);
	struct userspace *u = w->self;
	u->workers = calloc(1, sizeof(*u->workers));
	check(u->workers && !worker_init(&u->workers[0], &u->db, 0, u->max_contexts));
	u->workers[0].lane.now_us = 1000000;
	return u;
}
