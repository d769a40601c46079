// SPDX-License-Identifier: LGPL-2.1-or-later
/* world: the fakes of a core that is tested alone. */
#include "test.h"

#include "world.h"

#include "parts.h"

#include <errno.h>
#include <ravelin/pack.h>
#include <talloc.h>

static void note(struct world *w, const char *fmt, ...) RV_PRINTF(2, 3);

static void note(struct world *w, const char *fmt, ...)
{
	size_t at = strlen(w->notes);
	va_list args;

	va_start(args, fmt);
	if (at)
		at += (size_t)snprintf(w->notes + at, sizeof(w->notes) - at, " ");
	vsnprintf(w->notes + at, sizeof(w->notes) - at, fmt, args);
	va_end(args);
}

static void forget_call(struct rv_call *call)
{
	struct world *w = call->provider;
	unsigned n = 0;

	for (unsigned i = 0; i < w->n_calls; i++)
		if (w->calls[i].call != call)
			w->calls[n++] = w->calls[i];
	w->n_calls = n;
}

/* How a verb ends that is noted as word: at once, well or not, or later. */
static int outcome(struct world *w, const char *word, struct rv_call *call)
{
	note(w, "%s", word);
	if (w->fail && strcmp(w->fail, word) == 0 && !w->fail_after--)
		return -EIO;
	if (!call || !w->pend || (strcmp(w->pend, "*") != 0 && !strstr(w->pend, word)))
		return 0;
	assert_true(w->n_calls < WORLD_CALLS);
	w->calls[w->n_calls++] = (struct world_call){ .call = call };
	return rv_call_pend(call, forget_call, w);
}

static bool same_pair(const struct rv_ts *a, const struct rv_ts *b, const struct rv_ts *c, const struct rv_ts *d)
{
	return rv_ts_same(a, c) && rv_ts_same(b, d);
}

static int find_policy(const struct world *w, const struct rv_policy_spec *spec)
{
	for (unsigned i = 0; i < w->n_policies; i++)
		if (same_pair(&w->policies[i].local_ts, &w->policies[i].remote_ts, &spec->local_ts, &spec->remote_ts))
			return (int)i;
	return -1;
}

static int find_net(const struct world *w, const struct rv_net_policy *policy)
{
	for (unsigned i = 0; i < w->n_nets; i++)
		if (same_pair(&w->nets[i].local_ts, &w->nets[i].remote_ts, &policy->local_ts, &policy->remote_ts))
			return (int)i;
	return -1;
}

static void take_back(struct world *w, const struct world_call *failed)
{
	int i = find_policy(w, &failed->policy), k = find_net(w, &failed->net);

	if (failed->there)
		*failed->there = false;
	if (i >= 0)
		w->policies[i] = w->policies[--w->n_policies];
	if (k >= 0)
		w->nets[k] = w->nets[--w->n_nets];
}

bool world_answer(struct world *w, int result)
{
	struct world_call first = w->calls[0];

	if (!w->n_calls)
		return false;
	forget_call(first.call);
	if (result < 0)
		take_back(w, &first);
	rv_call_finish(first.call, result);
	return true;
}

/* kernel */

static int k_events(void *self, const struct rv_kernel_events *events)
{
	struct world *w = self;

	w->listened = events;
	if (events)
		w->kernel = *events;
	return 0;
}

static int k_spi(void *self, const struct rv_addr *local, uint8_t protocol, uint32_t *spi)
{
	struct world *w = self;

	*spi = ++w->next_spi;
	return 0;
}

struct world_sa *world_sa(struct world *w, uint8_t dir, uint32_t spi)
{
	for (unsigned i = 0; i < WORLD_SAS; i++)
		if (w->sas[i].there && w->sas[i].spec.dir == dir && w->sas[i].spec.spi == spi)
			return &w->sas[i];
	return NULL;
}

static int k_sa_add(void *self, const struct rv_sa_spec *spec, struct rv_call *call)
{
	struct world *w = self;
	unsigned i = 0;

	assert_null(world_sa(w, spec->dir, spec->spi));
	int r = outcome(w, spec->dir == RV_IN ? "I+" : "O+", call);
	if (r < 0)
		return r;
	while (w->sas[i].there)
		assert_true(++i < WORLD_SAS);
	w->sas[i] = (struct world_sa){ .spec = *spec, .there = true };
	if (r == RV_PENDING)
		w->calls[w->n_calls - 1].there = &w->sas[i].there;
	assert_true(spec->encr_key.len <= 64 && spec->integ_key.len <= 64);
	if (spec->encr_key.len)
		memcpy(w->sas[i].encr, spec->encr_key.p, spec->encr_key.len);
	if (spec->integ_key.len)
		memcpy(w->sas[i].integ, spec->integ_key.p, spec->integ_key.len);
	return r;
}

static int k_sa_update(void *self, uint32_t spi, uint8_t dir, const struct rv_addr *remote, const struct rv_addr *src,
		       const struct rv_addr *dst, bool encap, struct rv_call *call)
{
	struct world *w = self;
	struct world_sa *sa = world_sa(w, dir, spi);

	assert_non_null(sa);
	sa->spec.src = *src;
	sa->spec.dst = *dst;
	sa->spec.encap = encap;
	return outcome(w, "U", call);
}

static int k_sa_del(void *self, uint32_t spi, uint8_t dir, const struct rv_addr *remote)
{
	struct world *w = self;
	struct world_sa *sa = world_sa(w, dir, spi);

	if (!sa)
		return -ENOENT;
	sa->there = false;
	return outcome(w, dir == RV_IN ? "I-" : "O-", NULL);
}

static int k_policy_add(void *self, const struct rv_policy_spec *spec, struct rv_call *call)
{
	struct world *w = self;

	assert_int_equal(find_policy(w, spec), -1);
	assert_true(w->n_policies < WORLD_POLICIES);
	int r = outcome(w, "P+", call);
	if (r >= 0)
		w->policies[w->n_policies++] = *spec;
	if (r == RV_PENDING)
		w->calls[w->n_calls - 1].policy = *spec;
	return r;
}

static int k_policy_del(void *self, const struct rv_policy_spec *spec)
{
	struct world *w = self;
	int i = find_policy(w, spec);

	assert_true(i >= 0);
	w->policies[i] = w->policies[--w->n_policies];
	return outcome(w, "P-", NULL);
}

static int k_stats(void *self, uint32_t spi, uint8_t dir, const struct rv_addr *remote, struct rv_sa_stats *out)
{
	struct world_sa *sa = world_sa(self, dir, spi);

	if (!sa)
		return -ENOENT;
	*out = (struct rv_sa_stats){ .packets = 3, .bytes = 300, .last_used_us = sa->last_used_us };
	return 0;
}

static int k_pack(void *self, uint32_t spi, uint8_t dir, const struct rv_addr *remote, struct rv_pack *out)
{
	struct world_sa *sa = world_sa(self, dir, spi);

	if (!sa)
		return -ENOENT;
	rv_pack_put(out, RV_SA_ENCR_KEY, rv_bytes(sa->encr, sa->spec.encr_key.len));
	rv_pack_put(out, RV_SA_INTEG_KEY, rv_bytes(sa->integ, sa->spec.integ_key.len));
	rv_pack_u64(out, RV_SA_SEQUENCE, sa->spec.sequence + 7);
	return 0;
}

static bool k_needs_encap(void *self)
{
	return false;
}

static int k_clear_side(void *self, const char *interface, char ifname[static 16], uint32_t *mark)
{
	snprintf(ifname, 16, "%s", interface ? interface : "ravelin0");
	*mark = 0x52;
	return 0;
}

static int k_flush(void *self)
{
	return 0;
}

static int k_dropped(void *self, uint64_t dropped[static RV_N_DROPS])
{
	memset(dropped, 0, RV_N_DROPS * sizeof(*dropped));
	dropped[RV_DROP_NO_POLICY] = 3;
	dropped[RV_DROP_FRAGMENT] = 1;
	return 0;
}

static const struct rv_kernel_ops kernel = {
	.size = sizeof(kernel),
	.events = k_events,
	.spi = k_spi,
	.sa_add = k_sa_add,
	.sa_update = k_sa_update,
	.sa_del = k_sa_del,
	.policy_add = k_policy_add,
	.policy_del = k_policy_del,
	.stats = k_stats,
	.pack = k_pack,
	.needs_encap = k_needs_encap,
	.clear_side = k_clear_side,
	.flush = k_flush,
	.dropped = k_dropped,
};

/* net */

static int n_source(void *self, const struct rv_addr *remote, struct rv_addr *local)
{
	return rv_addr_parse(local, "10.0.0.1");
}

static int n_policy_add(void *self, const struct rv_net_policy *policy, struct rv_call *call)
{
	struct world *w = self;
	int i = find_net(w, policy), r = outcome(w, "N+", call);

	assert_true(w->n_nets < WORLD_POLICIES);
	if (r >= 0 && i < 0)
		w->nets[w->n_nets++] = *policy;
	if (r == RV_PENDING)
		w->calls[w->n_calls - 1].net = *policy;
	return r;
}

static int n_policy_del(void *self, const struct rv_net_policy *policy)
{
	struct world *w = self;
	int i = find_net(w, policy);

	if (i >= 0)
		w->nets[i] = w->nets[--w->n_nets];
	return outcome(w, "N-", NULL);
}

static int n_nothing(void *self)
{
	return 0;
}

static int n_events(void *self, const struct rv_net_events *events)
{
	return 0;
}

static int n_dropped(void *self, uint64_t *in, uint64_t *out)
{
	*in = 5;
	*out = 0;
	return 0;
}

static const struct rv_net_ops net = {
	.size = sizeof(net),
	.events = n_events,
	.source = n_source,
	.policy_add = n_policy_add,
	.policy_del = n_policy_del,
	.flush = n_nothing,
	.dropped = n_dropped,
};

/* keying */

struct rv_peer *world_peer(struct world *w, const char *name)
{
	const struct rv_connection *connection = rv_connection_find(w->core, name);
	struct rv_path path = { .encap = true };
	struct rv_peer *peer;

	assert_int_equal(rv_addr_parse(&path.local, "10.0.0.1:4500"), 0);
	assert_int_equal(rv_addr_parse(&path.remote, "10.0.0.2:4500"), 0);
	peer = rv_peer_new(w->keying_host, connection, &path, true);
	assert_non_null(peer);
	assert_int_equal(rv_peer_identify(peer, rv_id_parse(peer, "east.example", NULL)), 0);
	assert_non_null(peer->remote_id);
	rv_peer_up(peer);
	w->last = peer;
	return peer;
}

struct rv_child *world_child(struct world *w, struct rv_peer *peer, const char *name, uint32_t spi_out)
{
	const struct rv_connection *connection = rv_connection_find(w->core, peer->connection->name);
	const struct rv_child_conf *conf = rv_connection_child(connection, name);
	struct rv_why why = { 0 };
	struct rv_child *child = rv_child_new(peer, conf, 0, &why);

	if (!child)
		fail_msg("child %s: %s", name, why.text);
	assert_int_equal(rv_child_set(child, &conf->proposals[0], spi_out, conf->mode, conf->local_ts, conf->n_local_ts,
				      conf->remote_ts, conf->n_remote_ts),
			 0);
	return child;
}

static int install(struct rv_child *child, const struct rv_child *replaces, struct rv_call *call)
{
	static const uint8_t keys[4][20] = { { 1 }, { 2 }, { 3 }, { 4 } };
	const struct rv_child_keys all = { .encr_in = rv_bytes(keys[0], 20),
					   .encr_out = rv_bytes(keys[1], 20),
					   .integ_in = rv_bytes(keys[2], 20),
					   .integ_out = rv_bytes(keys[3], 20) };

	return rv_child_install(child, &all, replaces, false, call);
}

void world_install(struct world *w, struct rv_child *child, const struct rv_child *replaces)
{
	struct rv_call call;

	rv_call_init(&call, NULL);
	assert_int_equal(install(child, replaces, &call), 0);
}

static int child_into(struct world *w, struct rv_peer *peer, const struct rv_child_conf *conf,
		      struct rv_attempt *attempt)
{
	if (w->keying_does == WORLD_REFUSE) {
		rv_attempt_fail(attempt, -RV_ENO_PROPOSAL, "use other algorithms", "they offer nothing");
		return 0;
	}
	if (conf)
		world_install(w, world_child(w, peer, conf->name, ++w->next_spi), NULL);
	rv_attempt_ok(attempt);
	return 0;
}

static int y_up(void *self, const struct rv_connection *connection, const struct rv_child_conf *child,
		struct rv_attempt *attempt)
{
	struct world *w = self;
	int r = outcome(w, "up", NULL);

	if (r)
		return r;
	rv_attempt_step(attempt, "the first message was sent");
	if (w->keying_does == WORLD_STALL) {
		assert_null(w->attempt);
		w->attempt = rv_attempt_hold(attempt);
		w->connection = connection;
		w->child = child;
		return 0;
	}
	if (w->keying_does == WORLD_REFUSE)
		return child_into(w, NULL, child, attempt);
	return child_into(w, world_peer(w, connection->name), child, attempt);
}

void world_finish_up(struct world *w, int code)
{
	struct rv_attempt *attempt = w->attempt;

	assert_non_null(attempt);
	w->attempt = NULL;
	if (code)
		rv_attempt_fail(attempt, code, NULL, "the peer is silent");
	else
		child_into(w, world_peer(w, w->connection->name), w->child, attempt);
	rv_attempt_drop(attempt);
}

static int y_child_up(void *self, struct rv_peer *peer, const struct rv_child_conf *child, struct rv_attempt *attempt)
{
	struct world *w = self;
	int r = outcome(w, "child_up", NULL);

	return r ? r : child_into(w, peer, child, attempt);
}

static int y_down(void *self, struct rv_peer *peer)
{
	note(self, "down");
	rv_peer_down(peer, 0, NULL);
	return 0;
}

static int y_child_down(void *self, struct rv_child *child)
{
	struct world *w = self;

	note(w, "child_down");
	return w->child_down_returns;
}

static int y_rekey(void *self, struct rv_peer *peer)
{
	note(self, "rekey");
	return 0;
}

static int y_child_rekey(void *self, struct rv_child *child)
{
	return outcome(self, "child_rekey", NULL);
}

static int y_moved(void *self, struct rv_peer *peer, const struct rv_addr *remote)
{
	struct rv_path path = peer->path;

	note(self, "moved");
	path.remote = *remote;
	rv_peer_moved(peer, &path);
	return 0;
}

enum { TAG_STATE = 77 };

static int y_pack(void *self, struct rv_peer *peer, struct rv_pack *out)
{
	rv_pack_u64(out, TAG_STATE, peer->path.remote.port);
	return 0;
}

static int y_unpack(void *self, struct rv_peer *peer, struct rv_unpack *in)
{
	uint64_t port = 0;
	uint16_t tag;
	struct rv_bytes value;

	while (rv_unpack_next(in, &tag, &value))
		if (tag == TAG_STATE)
			port = rv_unpack_u64(in, value);
	note(self, "unpack");
	return rv_unpack_done(in) && port == peer->path.remote.port ? 0 : -RV_ESYNTAX;
}

static void stop_cancelled(struct rv_call *call)
{
	((struct world *)call->provider)->stop_call = NULL;
}

static int y_stop(void *self, struct rv_call *call)
{
	struct world *w = self;

	note(w, "stop");
	if (w->keying_does != WORLD_STALL)
		return 0;
	w->stop_call = call;
	return rv_call_pend(call, stop_cancelled, w);
}

static const struct rv_keying_ops keying = {
	.size = sizeof(keying),
	.up = y_up,
	.child_up = y_child_up,
	.down = y_down,
	.child_down = y_child_down,
	.rekey = y_rekey,
	.child_rekey = y_child_rekey,
	.moved = y_moved,
	.pack = y_pack,
	.unpack = y_unpack,
	.stop = y_stop,
};

/* an aead: no cipher, but every octet of key, nonce, authenticated and sealed octets counts */

struct toy {
	uint64_t key;
};

static uint64_t stir(uint64_t h, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		h = (h ^ p[i]) * 0x100000001b3u; /* FNV-1a */
	return h;
}

static int a_init(void *self, void *ctx, struct rv_bytes key)
{
	struct toy *toy = ctx;

	toy->key = stir(0xcbf29ce484222325u, key.p, key.len);
	return key.len == 32 ? 0 : -EINVAL;
}

static void a_crypt(const struct toy *toy, const struct rv_aead_op *op)
{
	uint64_t h = stir(toy->key, op->nonce, sizeof(op->nonce));

	for (uint32_t i = 0; i < op->len; i++) {
		h = h * 6364136223846793005u + 1442695040888963407u;
		op->dst[i] = op->src[i] ^ (uint8_t)(h >> 56);
	}
}

static void a_tag(const struct toy *toy, const struct rv_aead_op *op, const uint8_t *sealed, uint8_t tag[static 16])
{
	uint64_t h = stir(stir(stir(toy->key, op->nonce, sizeof(op->nonce)), op->aad, op->aad_len), sealed, op->len);

	for (unsigned i = 0; i < 16; i++, h = h * 0x9e3779b97f4a7c15u + i)
		tag[i] = (uint8_t)(h >> 56);
}

static int a_seal(void *self, void *ctx, struct rv_aead_op *ops, size_t n_ops)
{
	for (size_t i = 0; i < n_ops; i++) {
		a_crypt(ctx, &ops[i]);
		a_tag(ctx, &ops[i], ops[i].dst, ops[i].dst + ops[i].len);
	}
	return 0;
}

static int a_open(void *self, void *ctx, struct rv_aead_op *ops, size_t n_ops)
{
	uint8_t tag[16];

	for (size_t i = 0; i < n_ops; i++) {
		a_tag(ctx, &ops[i], ops[i].src, tag);
		ops[i].ok = memcmp(tag, ops[i].src + ops[i].len, sizeof(tag)) == 0;
		a_crypt(ctx, &ops[i]);
	}
	return 0;
}

static void a_fini(void *self, void *ctx)
{
}

static const struct rv_aead_ops aead = {
	.size = sizeof(aead),
	.key_len = 32,
	.salt_len = 4,
	.iv_len = 8,
	.icv_len = 16,
	.ctx_size = sizeof(struct toy),
	.init = a_init,
	.seal = a_seal,
	.open = a_open,
	.fini = a_fini,
};

static const struct rv_vector aead_vector = {
	.source = "itself",
	.key = "0000000000000000000000000000000000000000000000000000000000000000",
	.iv = "000000000000000000000000",
	.aad = "01",
	.in = "616263",
	.out = "88956068e9e698af6da044f03311f7a9dc695a",
};

/* algorithm and watch */

static const struct rv_algorithm algorithms[] = {
	{ .word = "first",
	  .class = RV_CLASS_ENCR,
	  .id = 20,
	  .key_bits = 256,
	  .combined = true,
	  .kind = "aead",
	  .name = "first-256",
	  .rank = 1 },
	{ .word = "noesn", .class = RV_CLASS_SN, .id = RV_NO_ESN, .rank = 1 },
	{ .word = "esn", .class = RV_CLASS_SN, .id = RV_ESN, .rank = 2 },
	{ .word = "group", .class = RV_CLASS_KE, .id = 31, .kind = "ke", .name = "group", .rank = 1 },
	{ .word = "prf", .class = RV_CLASS_PRF, .id = 5, .kind = "prf", .name = "prf", .rank = 1 },
};

static const struct rv_algorithm_ops words = { .size = sizeof(words),
					       .algorithms = algorithms,
					       .n_algorithms = RV_COUNT(algorithms) };

static void on_event(void *self, const struct rv_event *event)
{
	struct world *w = self;

	if (event->code)
		w->last_code = event->code;
	if (!w->quiet_events)
		note(w, "[%s]", event->name);
}

static const struct rv_watch_ops watch = { .size = sizeof(watch), .event = on_event };

static int fakes_init(struct rv_host *host)
{
	struct world *w = host->core->params.random_self;
	const struct rv_offer offer = { .name = "fake" };
	int r = rv_aead_offer(host, (struct rv_offer){ .name = "first-256", .vectors = &aead_vector, .n_vectors = 1 },
			      &aead, w);

	r = r ? r : rv_algorithm_offer(host, offer, &words, w);

	w->keying_host = host;
	r = r ? r : rv_net_offer(host, offer, &net, w);
	r = r ? r : rv_kernel_offer(host, offer, &kernel, w);
	r = r ? r : rv_watch_offer(host, offer, &watch, w);
	return r ? r : rv_keying_offer(host, offer, &keying, w);
}

RV_PLUGIN(world, "world", "version=1\0summary=Fakes of a core that is tested alone\0provides=keying:fake\0",
	  .init = fakes_init);

/* the world */

static uint64_t clock_now(void *self)
{
	return ((struct world *)self)->now_us;
}

static uint64_t clock_wall(void *self)
{
	return 1800000000 + ((struct world *)self)->now_us / 1000000;
}

static void zeros(void *self, void *buf, size_t len)
{
	memset(buf, 0, len);
}

static void log_line(void *self, enum rv_level level, const char *line)
{
	if (getenv("WORLD_VERBOSE"))
		fprintf(stderr, "%s\n", line);
}

void world_load(struct world *w, const char *config)
{
	struct rv_why why = { 0 };

	if (rv_core_load_text(w->core, "test", config, &why))
		fail_msg("configuration: %s", why.text);
}

struct world *world_new(const char *config)
{
	struct world *w = talloc_zero(NULL, struct world);
	struct rv_why why = { 0 };

	assert_non_null(w);
	w->now_us = 1000000;
	w->next_spi = 0x1000;
	const struct rv_clock clock = { .now_us = clock_now, .wall_s = clock_wall, .self = w, .injected = true };
	w->core = rv_core_new(w,
			      &(struct rv_core_params){ .clock = talloc_memdup(w, &clock, sizeof(clock)),
							.random = zeros,
							.random_self = w,
							.log = log_line,
							.log_level = RV_DEBUG,
							.no_measure = true,
							.no_self_test = true },
			      &why);
	if (!w->core)
		fail_msg("core: %s", why.text);
	if (rv_plugins_load_static(w->core->plugins, "world", &rv_plugin_world, &why))
		fail_msg("fakes: %s", why.text);
	w->notes[0] = 0;
	if (config)
		world_load(w, config);
	return w;
}

void world_end(struct world *w)
{
	rv_attempt_drop(w->attempt);
	TALLOC_FREE(w->core);
	assert_int_equal(w->n_policies, 0);
	assert_int_equal(w->n_nets, 0);
	assert_int_equal(w->n_calls, 0);
	for (unsigned i = 0; i < WORLD_SAS; i++)
		assert_false(w->sas[i].there);
	talloc_free(w);
}

static void settle(struct world *w)
{
	while (rv_loop_turn(w->core->loop, 0) > 0)
		;
}

void world_run(struct world *w, uint64_t us)
{
	uint64_t end = w->now_us + us;

	for (settle(w); rv_loop_next_us(w->core->loop) <= end; settle(w)) {
		uint64_t next = rv_loop_next_us(w->core->loop);
		w->now_us = next > w->now_us ? next : w->now_us + 1;
	}
	w->now_us = end;
	settle(w);
}

const char *world_notes(struct world *w)
{
	char *copy = talloc_strdup(w, w->notes);

	assert_non_null(copy);
	w->notes[0] = 0;
	return copy;
}
