// SPDX-License-Identifier: LGPL-2.1-or-later
/* fuzz-esp-in: what comes from the wire, raw and sealed with the SA's own key, so that the octets behind the ICV are
 * reached. The first octet says how, the second where a train is cut; the rest is the packet or its text.
 *
 * The cipher is a toy that costs nothing. What reaches the clear side must be a whole packet that the selectors allow.
 */
#include "out.h"
#include "parts.h"
#include "userspace.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	SEALED = 1,
	TRANSPORT = 2,
	OUTER6 = 4,
	ESN = 8,
	RAW = 16,
	WIDE = 32,
	SPI = 0x11223344,
	TOY = 60000,
	TOY_KEY = 20,
	TOY_ICV = 16,
	OCTETS = 65536
};

extern const struct rv_plugin rv_plugin_kernel_userspace;

static void check(bool holds)
{
	if (!holds)
		abort();
}

static int toy_init(void *self, void *ctx, struct rv_bytes key)
{
	memcpy(ctx, key.p, key.len);
	return 0;
}

static void toy_icv(const struct rv_aead_op *op, const uint8_t *sealed, uint8_t *icv)
{
	uint8_t sum = 1;

	for (uint32_t i = 0; i < op->aad_len; i++)
		sum = (uint8_t)(sum * 31 + op->aad[i]);
	for (uint32_t i = 0; i < op->len; i++)
		sum = (uint8_t)(sum * 31 + sealed[i]);
	memset(icv, sum, TOY_ICV);
}

static int toy_seal(void *self, void *ctx, struct rv_aead_op *ops, size_t n_ops)
{
	for (size_t k = 0; k < n_ops; k++) {
		for (uint32_t i = 0; i < ops[k].len; i++)
			ops[k].dst[i] = ops[k].src[i] ^ 0x5a;
		toy_icv(&ops[k], ops[k].dst, ops[k].dst + ops[k].len);
	}
	return 0;
}

static int toy_open(void *self, void *ctx, struct rv_aead_op *ops, size_t n_ops)
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

static void toy_fini(void *self, void *ctx)
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

static const struct rv_vector toy_answer = { .source = "by hand: 31 * 31 + 0x5a",
					     .key = "00000000000000000000000000000000",
					     .iv = "000000000000000000000000",
					     .aad = "00",
					     .in = "00",
					     .out = "5a1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b" };

static const struct rv_algorithm toy_word = {
	.word = "toy", .class = RV_CLASS_ENCR, .id = TOY, .combined = true, .kind = "aead", .name = "toy"
};

static const struct rv_algorithm_ops words = { .size = sizeof(words), .algorithms = &toy_word, .n_algorithms = 1 };

struct world {
	struct rv_core *core;
	const struct rv_kernel_ops *ops;
	void *self;
	struct rv_port clear;
	struct rv_ts remote;
};

static int clear_recv(struct rv_port *port, struct rv_packet *const *packets, size_t n)
{
	return 0;
}

/* Every packet that comes out of the tunnel passes here. */
static int clear_send(struct rv_port *port, struct rv_packet *const *packets, size_t n)
{
	const struct world *w = rv_container_of(port, struct world, clear);

	for (size_t i = 0; i < n; i++) {
		struct ip_info info;
		uint8_t *copy = malloc(packets[i]->len);
		check(copy);
		memcpy(copy, packets[i]->data, packets[i]->len);
		check(ip_parse(&info, copy, packets[i]->len) && info.len == packets[i]->len);
		check(rv_ts_match(&w->remote, info.family, info.src, info.proto, info.src_port, info.ports_known));
		free(copy);
	}
	return (int)n;
}

static void clear_close(struct rv_port *port)
{
}

static const struct rv_port_ops clear_ops = {
	.size = sizeof(clear_ops),
	.recv = clear_recv,
	.send = clear_send,
	.close = clear_close,
};

static int clear_open(void *self, const char *name, unsigned n, struct rv_port **ports, char ifname[static 16],
		      unsigned *ifindex, struct rv_why *why)
{
	struct world *w = self;
	struct rv_registry *registry = w->core->registry;
	const struct userspace *u = rv_service_self(rv_registry_find(registry, "kernel", "userspace"));

	w->clear = (struct rv_port){ .ops = &clear_ops, .fd = u->db.notes.fd };
	ports[0] = &w->clear;
	memcpy(ifname, "fuzz", 5);
	*ifindex = 1;
	return 0;
}

static const struct rv_datapath_ops datapath = { .size = sizeof(datapath), .open = clear_open };

static struct userspace *world_init(struct world *w)
{
	static const struct rv_attr attrs[] = { { "key-bits", 128 } };
	const struct rv_offer toy_offer = {
		.name = "toy", .attrs = attrs, .n_attrs = 1, .vectors = &toy_answer, .n_vectors = 1
	};
	struct rv_core *core = w->core = talloc_zero(NULL, struct rv_core);

	core->params.no_measure = true;
	core->log = rv_log_new(core, RV_ERROR, NULL, NULL);
	core->loop = rv_loop_new(core, NULL);
	core->vault = rv_vault_new(core);
	core->registry = rv_registry_new(core, core);
	struct rv_schema *schema = rv_schema_new(core);
	check(!rv_schema_add(schema, "kernel-userspace", KERNEL_USERSPACE_SCHEMA, NULL));
	core->conf = rv_conf_read_text(core, core->vault, schema, "fuzz", "", NULL);
	struct rv_host *fakes = rv_host_new(core, "fakes");
	check(!rv_aead_offer(fakes, toy_offer, &toy, w));
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

static struct rv_addr outer(uint8_t how, uint8_t last)
{
	struct rv_addr addr = { .family = RV_IPV4, .port = 4500, .ip = { 192, 0, 2, last } };

	if (how & OUTER6)
		addr = (struct rv_addr){ .family = RV_IPV6, .port = 4500, .ip = { 0x20, 1, 0xd, 0xb8, [15] = last } };
	return addr;
}

static void add_sa(struct world *w, uint8_t how)
{
	static const uint8_t key[TOY_KEY];
	bool v6 = how & OUTER6;
	struct rv_ts any = { .family = v6 ? RV_IPV6 : RV_IPV4, .port_hi = 0xffff };
	struct rv_call call;

	memset(any.hi, 0xff, v6 ? 16 : 4);
	w->remote = any;
	if (!(how & WIDE)) { /* the half of all addresses, and of all ports */
		w->remote.hi[0] = 0x7f;
		w->remote.port_hi = 0x7fff;
	}
	if (how & TRANSPORT)
		w->remote = any;
	struct rv_sa_spec spec = { .dir = RV_IN,
				   .mode = how & TRANSPORT ? RV_TRANSPORT : RV_TUNNEL,
				   .protocol = RV_PROTO_ESP,
				   .encap = !(how & RAW),
				   .esn = how & ESN,
				   .spi = SPI,
				   .src = outer(how, 1),
				   .dst = outer(how, 2),
				   .encr_key = rv_bytes(key, sizeof(key)),
				   .replay_window = 64,
				   .local_ts = &any,
				   .remote_ts = &w->remote,
				   .n_local_ts = 1,
				   .n_remote_ts = 1,
				   .chosen = { .protocol = RV_PROTO_ESP, .n = 1, .t = { { RV_CLASS_ENCR, TOY, 0 } } } };
	check(!w->ops->sa_add(w->self, &spec, &call));
}

static uint32_t seal(const struct sa *sa, uint8_t *esp, const uint8_t *text, uint32_t len, uint32_t seq)
{
	struct rv_cryptor_op op = {
		.aad = esp, .aad_len = 8, .use_esn = sa->esn, .src = text, .dst = esp + 8, .len = len
	};
	uint8_t context[256];

	ip_put32(esp, SPI);
	ip_put32(esp + 4, seq);
	check(sa->suite.ctx_size <= sizeof(context));
	check(!rv_cryptor_init(&sa->suite, context, sa_encr_key(sa), sa_integ_key(sa), true));
	check(!rv_cryptor_seal(&sa->suite, context, &op, 1));
	rv_cryptor_fini(&sa->suite, context);
	return 8 + 8 + len + TOY_ICV;
}

/* One packet, or the same number of octets as a train. */
static void feed(struct userspace *u, uint8_t how, uint8_t cut, const uint8_t *data, uint32_t size)
{
	uint32_t cap = RV_HEADROOM + size + 64 + RV_TAILROOM;
	uint8_t *buf = calloc(1, cap);
	struct rv_packet packet = {
		.buf = buf, .data = buf + RV_HEADROOM, .cap = cap, .encap = !(how & RAW), .tos = cut & 3
	};
	struct rv_packet *list[] = { &packet };

	check(buf);
	packet.remote = outer(how, 1);
	packet.local = outer(how, 2);
	if (how & SEALED) {
		packet.len = seal(table_get(&u->db.in, SPI), packet.data, data, size, 1);
	} else {
		memcpy(packet.data, data, size);
		packet.len = size;
		packet.seg_len = cut > 8 && cut < size ? cut : 0;
		if (size >= 4)
			ip_put32(packet.data, SPI);
	}
	/* nothing behind the last octet may be looked at */
	packet.buf = realloc(buf, RV_HEADROOM + packet.len);
	check(packet.buf);
	packet.data = packet.buf + RV_HEADROOM;
	lane_wire(&u->workers[0].lane, list, 1);
	free(packet.buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world w = { 0 };

	if (size < 2 || size > OCTETS)
		return 0;
	struct userspace *u = world_init(&w);
	add_sa(&w, data[0]);
	feed(u, data[0], data[1], data + 2, (uint32_t)size - 2);
	talloc_free(u->host);
	talloc_free(w.core);
	return 0;
}
