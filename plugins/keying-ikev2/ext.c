// SPDX-License-Identifier: LGPL-2.1-or-later
/* ext: extensions (kind ikev2-ext): their tasks at the named points, their rows, their state, and what they do between
 * messages and datagrams. The verbs that they have.
 */
#include "child.h"
#include "config.h"
#include "protect.h"

#include "explain.h"
#include "kex.h"
#include "octets/sealed.h"
#include "transitions.h"

#include <errno.h>
#include <string.h>

/* An extension that is loaded. */
struct ext {
	struct rv_list entry;
	struct rv_service *service;
	const struct rv_ikev2_ext_ops *ops;
	void *self;
};

static void learn_types(struct ike_engine *engine)
{
	engine->types = ike_types_own();
	rv_list_each (&engine->exts, ext, struct ext, entry) {
		if (ext->ops->size < offsetof(struct rv_ikev2_ext_ops, datagram))
			continue; /* an older one, which knows no types of its own */
		const struct rv_ike_set none = { 0 }, *last = ext->ops->size > offsetof(struct rv_ikev2_ext_ops, seals)
								      ? &ext->ops->seals
								      : &none;

		for (unsigned type = 0; type < 256; type++)
			if ((ext->ops->knows.w[type / 64] | last->w[type / 64]) & RV_IKE_P(type))
				ike_types_add(&engine->types, (uint8_t)type, last->w[type / 64] & RV_IKE_P(type));
	}
}

static void came_or_went(void *arg, struct rv_service *service, bool added)
{
	struct ike_engine *engine = arg;

	rv_list_each (&engine->exts, ext, struct ext, entry) {
		if (ext->service != service)
			continue;
		rv_list_del(&ext->entry);
		talloc_free(ext);
	}
	if (added) {
		struct ext *ext = talloc_zero(engine, struct ext);

		if (!ext)
			return;
		ext->service = service;
		ext->ops = rv_service_ops(service);
		ext->self = rv_service_self(service);
		rv_list_add(&engine->exts, &ext->entry);
	}
	learn_types(engine);
}

int ike_ext_init(struct ike_engine *engine)
{
	rv_list_init(&engine->exts);
	learn_types(engine);
	return rv_registry_watch(engine->host->registry, engine, "ikev2-ext", came_or_went, engine) ? 0 : -ENOMEM;
}

/* Another first exchange is like IKE_SA_INIT to those who do not know it. */
static bool concerns(const struct rv_ike_task *task, const struct rv_ike_exchange *x)
{
	return !task->exchange || task->exchange == x->type ||
	       (task->exchange == IKE_EXCHANGE_IKE_SA_INIT && ike_opens(x));
}

/* An extension cannot be unloaded while it suspends an exchange. */
static int suspend(struct rv_ike_exchange *x, const struct ext *ext, int r)
{
	if (r != RV_PENDING)
		return r;
	x->again = true;
	return rv_ref_take(&x->task_of, ext->service, &x->sa->user) ? -RV_EIN_USE : r;
}

/* Runs the tasks of a point one after the other; after one that suspended the exchange the next one goes on. */
int ike_point(struct rv_ike_exchange *x, enum rv_ike_point point)
{
	unsigned at = 0;

	rv_list_each (&x->sa->engine->exts, ext, struct ext, entry) {
		for (size_t i = 0; i < ext->ops->n_tasks; i++) {
			const struct rv_ike_task *task = &ext->ops->tasks[i];
			int r;

			if (task->point != point || !concerns(task, x) || at++ < x->task)
				continue;
			x->task = at;
			rv_ref_drop(&x->task_of);
			r = suspend(x, ext, task->run(x, ext->self));
			if (r)
				return r;
		}
	}
	x->task = 0;
	rv_ref_drop(&x->task_of);
	return 0;
}

const struct rv_ike_row *ike_ext_row(struct rv_ike_exchange *x, void **self)
{
	rv_list_each (&x->sa->engine->exts, ext, struct ext, entry) {
		if (!RV_HAS(ext->ops, rows))
			continue;
		for (size_t i = 0; i < ext->ops->n_rows; i++) {
			if (!ike_row_fits(&ext->ops->rows[i], x, true))
				continue;
			rv_ref_drop(&x->row_of);
			if (rv_ref_take(&x->row_of, ext->service, &x->sa->user))
				return NULL; /* it is on its way out */
			*self = ext->self;
			return &ext->ops->rows[i];
		}
	}
	return NULL;
}

static void reply(const struct rv_ike_datagram *datagram, struct rv_bytes message)
{
	struct ike_port *port = datagram->reply_arg;

	(void)port->ops->send(port->self, datagram->path, message);
}

bool ike_ext_datagram(struct ike_port *port, const struct rv_path *path, const struct ike_header *header,
		      struct rv_bytes message)
{
	const struct rv_ike_datagram datagram = { .path = path,
						  .message = message,
						  .exchange = header->exchange,
						  .flags = header->flags,
						  .reply = reply,
						  .reply_arg = port };

	rv_list_each (&port->engine->exts, ext, struct ext, entry)
		if (RV_HAS(ext->ops, datagram) && ext->ops->datagram(ext->self, &datagram) > 0)
			return true;
	return false;
}

static void failed(const struct rv_ike_sa *sa, const char *event, const struct ext *ext, int error)
{
	rv_log(&sa->engine->host->subject, RV_ERROR, event, KV_STR("extension", rv_service_name(ext->service)),
	       KV_STR("why", rv_error_text(error)));
}

void ike_ext_inherit(struct rv_ike_sa *from, struct rv_ike_sa *to)
{
	rv_list_each (&from->engine->exts, ext, struct ext, entry) {
		int r = RV_HAS(ext->ops, inherit) ? ext->ops->inherit(ext->self, from, to) : 0;

		if (r < 0)
			failed(from, "state-not-inherited", ext, r);
	}
}

/* State in a pack: one field for each extension that has some */

enum { EXT_NAME = 1, EXT_STATE };

void ike_ext_pack(struct rv_ike_sa *sa, uint16_t tag, struct rv_pack *out)
{
	rv_list_each (&sa->engine->exts, ext, struct ext, entry) {
		const char *name = rv_service_name(ext->service);
		struct rv_pack *own = RV_HAS(ext->ops, pack) ? rv_pack_new(sa) : NULL;
		int r = own ? ext->ops->pack(ext->self, sa, own) : 0;
		struct rv_bytes octets = { 0 };

		if (own && !r && !rv_pack_done(own, &octets))
			r = -ENOMEM;
		if (r)
			failed(sa, "state-not-packed", ext, r);
		else if (octets.len) {
			rv_pack_open(out, tag);
			rv_pack_put(out, EXT_NAME, rv_bytes(name, strlen(name)));
			rv_pack_put(out, EXT_STATE, octets);
			rv_pack_close(out);
		}
		talloc_free(own);
	}
}

static struct ext *ext_named(struct ike_engine *engine, struct rv_bytes name)
{
	rv_list_each (&engine->exts, ext, struct ext, entry) {
		const char *own = rv_service_name(ext->service);

		if (RV_HAS(ext->ops, unpack) && rv_bytes_equal(name, rv_bytes(own, strlen(own))))
			return ext;
	}
	return NULL;
}

/* State of an extension that is not loaded here is passed over: the session goes on without it. */
void ike_ext_unpack(struct rv_ike_sa *sa, struct rv_bytes field)
{
	struct rv_unpack in = rv_unpack(field);
	struct rv_bytes value, name = { 0 }, octets = { 0 };
	struct rv_subject subject = ike_subject(sa);
	char text[64];
	uint16_t tag;

	while (rv_unpack_next(&in, &tag, &value)) {
		if (tag == EXT_NAME)
			name = value;
		else if (tag == EXT_STATE)
			octets = value;
	}
	struct ext *ext = rv_unpack_done(&in) ? ext_named(sa->engine, name) : NULL;

	if (!ext) {
		snprintf(text, sizeof(text), "%.*s", (int)name.len, (const char *)name.p);
		rv_log(&subject, RV_NOTICE, "state-skipped", KV_STR("extension", name.len ? text : "?"));
		return;
	}
	in = rv_unpack(octets);
	int r = ext->ops->unpack(ext->self, sa, &in);

	if (r)
		failed(sa, "state-not-unpacked", ext, r);
}

bool ike_ext_reauth(struct rv_ike_sa *sa)
{
	rv_list_each (&sa->engine->exts, ext, struct ext, entry)
		if (RV_HAS(ext->ops, reauth) && ext->ops->reauth(ext->self, sa) > 0)
			return true;
	return false;
}

/* Messages in plain, and datagrams */

void ike_ext_seen(struct rv_ike_exchange *x, const struct rv_ike_plain *plain)
{
	rv_list_each (&x->sa->engine->exts, ext, struct ext, entry)
		if (RV_HAS(ext->ops, seen))
			ext->ops->seen(ext->self, x, plain);
}

bool ike_ext_splits(const struct ike_engine *engine)
{
	for (const struct rv_list *e = engine->exts.next; e != &engine->exts; e = e->next) {
		const struct rv_ikev2_ext_ops *ops = rv_container_of(e, struct ext, entry)->ops;

		if (RV_HAS(ops, split))
			return true;
	}
	return false;
}

int ike_ext_split(struct rv_ike_exchange *x, const struct rv_ike_plain *plain, unsigned attempt)
{
	rv_list_each (&x->sa->engine->exts, ext, struct ext, entry) {
		int r = RV_HAS(ext->ops, split) ? ext->ops->split(ext->self, x, plain, attempt) : 0;

		if (r)
			return r;
	}
	return 0;
}

int ike_ext_join(struct rv_ike_sa *sa, const struct rv_ike_sealed *datagram, struct rv_ike_plain *out)
{
	rv_list_each (&sa->engine->exts, ext, struct ext, entry) {
		int r = RV_HAS(ext->ops, join) ? ext->ops->join(ext->self, sa, datagram, out) : 0;

		if (r)
			return r;
	}
	return 0;
}

int ike_ext_admit(struct rv_ike_sa *sa, const struct rv_ike_outer *request)
{
	rv_list_each (&sa->engine->exts, ext, struct ext, entry) {
		int r = RV_HAS(ext->ops, admit) ? ext->ops->admit(ext->self, sa, request) : 0;

		if (r < 0)
			return r;
	}
	return 0;
}

int ike_ext_unprotected(struct rv_ike_sa *sa, const struct rv_path *path, uint16_t type, struct rv_bytes data)
{
	rv_list_each (&sa->engine->exts, ext, struct ext, entry) {
		int r = RV_HAS(ext->ops, unprotected) ? ext->ops->unprotected(ext->self, sa, path, type, data) : 0;

		if (r)
			return r;
	}
	return 0;
}

/* First exchanges of their own */

static const struct rv_ike_opening *opening_of(const struct ext *ext)
{
	return RV_HAS(ext->ops, opening) ? ext->ops->opening : NULL;
}

static struct ext *opener(const struct ike_engine *engine, uint8_t exchange)
{
	for (const struct rv_list *e = engine->exts.next; e != &engine->exts; e = e->next) {
		struct ext *ext = rv_container_of(e, struct ext, entry);

		if (opening_of(ext) && opening_of(ext)->exchange == exchange)
			return ext;
	}
	return NULL;
}

bool ike_ext_opens(const struct ike_engine *engine, uint8_t exchange)
{
	return opener(engine, exchange) != NULL;
}

uint8_t ike_ext_open(struct rv_ike_sa *sa, struct rv_ike_known *known)
{
	rv_list_each (&sa->engine->exts, ext, struct ext, entry)
		if (opening_of(ext) && opening_of(ext)->open(ext->self, sa, known) > 0)
			return opening_of(ext)->exchange;
	return 0;
}

bool ike_ext_opened(struct ike_engine *engine, uint8_t exchange, const struct rv_ike_stranger *stranger,
		    struct rv_ike_known *known)
{
	const struct ext *ext = opener(engine, exchange);

	return ext && opening_of(ext)->opened(ext->self, stranger, known) > 0;
}

/* What goes out */

static int shape(struct rv_ike_exchange *x, const struct ext *ext)
{
	uint8_t head[IKE_HEADER_LEN];
	struct rv_wr w = rv_wr(head, sizeof(head));
	struct rv_ike_shape message = { .header = head, .payloads = x->room, .cap = IKE_BUILD_MAX };
	struct rv_bytes chain;
	int r;

	if (!ike_builder_done(&x->out, &chain))
		return -ENOSPC;
	ike_header_write(&w, &x->head);
	message.first = x->out.first;
	message.len = chain.len;
	r = ext->ops->shape(ext->self, x, &message);
	if (r < 0)
		return r;
	struct rv_rd header = rv_rd(rv_wr_bytes(&w));

	ike_header_get(&header, &x->head);
	if (!rv_rd_done(&header))
		return -RV_ESYNTAX;
	ike_builder_init(&x->out, x->room, IKE_BUILD_MAX);
	x->out.first = message.first;
	return rv_wr_room(&x->out.w, message.len) || !message.len ? 0 : -ENOSPC;
}

int ike_ext_shape(struct rv_ike_exchange *x)
{
	rv_list_each (&x->sa->engine->exts, ext, struct ext, entry) {
		int r = RV_HAS(ext->ops, shape) ? shape(x, ext) : 0;

		if (r)
			return r;
	}
	return 0;
}

int ike_ext_stranger(struct ike_engine *engine, struct rv_ike_stranger *stranger)
{
	rv_list_each (&engine->exts, ext, struct ext, entry) {
		int r = RV_HAS(ext->ops, stranger) ? ext->ops->stranger(ext->self, stranger) : 0;

		if (r)
			return r;
	}
	return 0;
}

bool ike_ext_leave(struct rv_ike_sa *sa, const struct rv_path *path, struct rv_bytes datagram)
{
	const struct rv_ike_leaving leaving = { .path = path, .datagram = datagram, .transport = sa->port->service };

	rv_list_each (&sa->engine->exts, ext, struct ext, entry)
		if (RV_HAS(ext->ops, leave) && ext->ops->leave(ext->self, sa, &leaving) > 0)
			return true;
	return false;
}

/* The verbs */

static struct rv_ike_sa *verb_sa(struct rv_ike_exchange *x)
{
	return x->sa;
}

static struct rv_peer *verb_peer(struct rv_ike_sa *sa)
{
	return sa->peer;
}

static enum rv_ike_state verb_state(const struct rv_ike_sa *sa)
{
	return sa->state;
}

static enum rv_ike_role verb_role(const struct rv_ike_exchange *x)
{
	return x->plan ? RV_IKE_INITIATOR : RV_IKE_RESPONDER;
}

static uint8_t verb_type(const struct rv_ike_exchange *x)
{
	return x->type;
}

static bool verb_payload(const struct rv_ike_exchange *x, uint8_t type, unsigned nth, struct rv_bytes *body)
{
	ike_chain_each(&x->chain, p, type)
	{
		if (nth--)
			continue;
		*body = p->body;
		return true;
	}
	return false;
}

static bool verb_notify(const struct rv_ike_exchange *x, uint16_t type, unsigned nth, struct rv_bytes *data)
{
	ike_chain_each(&x->chain, p, IKE_PAYLOAD_NOTIFY)
	{
		struct ike_notify notify;

		if (!ike_notify_read(&notify, p->body) || notify.type != type || nth--)
			continue;
		*data = notify.data;
		return true;
	}
	return false;
}

static int verb_add(struct rv_ike_exchange *x, uint8_t type, bool critical, struct rv_bytes body)
{
	if (!x->room)
		return -RV_ESTATE;
	rv_wr_put(ike_builder_open(&x->out, type, critical), body);
	ike_builder_close(&x->out);
	return 0;
}

static int verb_add_notify(struct rv_ike_exchange *x, uint16_t type, struct rv_bytes data)
{
	if (!x->room)
		return -RV_ESTATE;
	ike_notify_put(&x->out, type, data);
	return 0;
}

static int verb_veto(struct rv_ike_exchange *x, uint16_t type, struct rv_bytes data, const char *text)
{
	return ike_refuse(x, type, data, -RV_EREFUSED, "%s", text);
}

/* The extension whose plan it is says so by its self. While the exchange lasts it cannot be unloaded. */
static int hold_owner(struct rv_ike_exchange *x, void *self)
{
	rv_list_each (&x->sa->engine->exts, ext, struct ext, entry)
		if (ext->self == self)
			return rv_ref_take(&x->plan_of, ext->service, &x->sa->user);
	return 0;
}

static int verb_start(struct rv_ike_sa *sa, const struct rv_ike_plan *plan, void *self)
{
	struct rv_ike_exchange *x = ike_exchange_ask(sa, plan);
	int r;

	if (!x)
		return -ENOMEM;
	r = hold_owner(x, self);
	if (r) {
		talloc_free(x);
		return r;
	}
	x->self = x->plan_self = self;
	ike_exchange_kick(sa);
	return 0;
}

static int verb_sign_also(struct rv_ike_exchange *x, struct rv_bytes octets)
{
	size_t len = x->signed_also.len + octets.len;
	uint8_t *all = talloc_size(x, len ? len : 1);

	if (!all)
		return -ENOMEM;
	struct rv_wr w = rv_wr(all, len);

	rv_wr_put(&w, x->signed_also);
	rv_wr_put(&w, octets);
	x->signed_also = rv_wr_bytes(&w);
	return 0;
}

/* d, i (SK_pi), r (SK_pr): for whoever replaces keys at KEYED. */
static uint8_t *verb_key(struct rv_ike_exchange *x, char which, size_t *len)
{
	struct rv_ike_sa *sa = x->fresh ? x->fresh : x->sa;
	struct ike_keys keys;

	ike_sa_keys(sa, &keys);
	struct rv_bytes key = which == 'd'   ? keys.d
			      : which == 'i' ? keys.pi
			      : which == 'r' ? keys.pr
					     : rv_bytes(NULL, 0);

	*len = key.len;
	return key.len ? sa->keys.b + (key.p - sa->keys.b) : NULL;
}

static struct rv_service *verb_prf(struct rv_ike_sa *sa)
{
	return sa->prf.service;
}

static bool verb_wants_child(const struct rv_ike_sa *sa)
{
	return sa->hs && sa->hs->child;
}

static void verb_childless(struct rv_ike_sa *sa)
{
	if (sa->hs)
		sa->hs->childless = true;
}

/* Between messages and datagrams */

static uint32_t verb_id(const struct rv_ike_exchange *x)
{
	return x->phase <= IKE_BUILDING && !ike_is_first(x) ? x->sa->next_out : x->id;
}

static size_t verb_sealed_len(const struct rv_ike_sa *sa, size_t len)
{
	return ike_sealed_len(&sa->suite, len);
}

static int verb_open(struct rv_ike_sa *sa, const struct rv_ike_sealed *d, size_t skip, uint8_t *room, size_t cap,
		     struct rv_bytes *chunk)
{
	const struct ike_message message = { .octets = d->datagram,
					     .sealed = d->type,
					     .sealed_next = d->first,
					     .sealed_body = d->body,
					     .sealed_aad = rv_bytes(d->datagram.p, d->datagram.len - d->body.len) };

	return ike_open(sa, &message, skip, d->answered, room, cap, chunk);
}

static bool verb_agreed(const struct rv_ike_sa *sa, uint16_t number)
{
	for (unsigned i = 0; i < sa->n_agreed; i++)
		if (sa->agreed[i] == number)
			return true;
	return false;
}

static int verb_agree(struct rv_ike_sa *sa, uint16_t number)
{
	if (verb_agreed(sa, number))
		return 0;
	if (sa->n_agreed == IKE_AGREED_MAX)
		return -RV_ELIMIT;
	sa->agreed[sa->n_agreed++] = number;
	return 0;
}

static const struct rv_proposal *verb_chosen(const struct rv_ike_exchange *x)
{
	return &x->chosen;
}

static struct rv_ike_sa *verb_fresh(struct rv_ike_exchange *x)
{
	return x->fresh;
}

static bool verb_spis(const struct rv_ike_sa *sa, uint64_t *spi_i, uint64_t *spi_r)
{
	*spi_i = sa->spi_i;
	*spi_r = sa->spi_r;
	return sa->initiator;
}

static void verb_tell(struct rv_ike_exchange *x, const char *text)
{
	rv_attempt_step(ike_attempt(x), "%s", text);
}

static int verb_add_attribute(struct rv_ike_exchange *x, uint16_t type, struct rv_bytes value)
{
	return x->attributes ? rv_attributes_add(x->attributes, type, value) : -RV_ESTATE;
}

static struct rv_bytes verb_nonce(const struct rv_ike_exchange *x)
{
	return rv_bytes(x->nonce, sizeof(x->nonce));
}

static struct rv_child *verb_child(const struct rv_ike_exchange *x)
{
	return x->child ? x->child->child : NULL;
}

static int verb_add_outside(struct rv_ike_exchange *x, uint8_t type, struct rv_bytes body)
{
	x->outside = (struct ike_outside){ .type = type, .body = ike_keep(x, body) };
	return x->outside.body.len ? 0 : -ENOMEM;
}

static int verb_prove_also(struct rv_ike_exchange *x, struct rv_bytes key)
{
	rv_secret_fini(&x->prove_also);
	if (!rv_secret_init(&x->prove_also, x->sa->engine->host->vault, key.len))
		return -ENOMEM;
	memcpy(x->prove_also.b, key.p, key.len);
	return 0;
}

static struct rv_bytes verb_proof_also(const struct rv_ike_exchange *x)
{
	return x->proof_also;
}

static void verb_proof_instead(struct rv_ike_exchange *x, struct rv_bytes octets)
{
	x->proof_instead = octets;
}

static unsigned verb_rounds(const struct rv_ike_exchange *x)
{
	const struct ike_handshake *hs = x->sa->hs;
	size_t n = hs && x->sa->peer->connection ? ike_rounds_local(x->sa) : 0;

	return hs && n > hs->rounds.ours ? (unsigned)n - hs->rounds.ours : 0;
}

static void verb_several_rounds(struct rv_ike_sa *sa)
{
	if (sa->hs)
		sa->hs->rounds.several = true;
}

static void verb_another_round(struct rv_ike_exchange *x)
{
	x->another = true;
}

static void verb_doom(struct rv_ike_exchange *x, int reason, const char *text)
{
	x->fate = IKE_FATE_END;
	x->reason = reason;
	x->why = (struct rv_why){ 0 };
	(void)rv_why_set(&x->why, reason, "%s", text);
}

/* Key exchanges */

static int verb_kex_start(struct rv_ike_exchange *x, uint16_t method)
{
	return ike_kex_new(x, method) ? ike_kex_generate(x) : -ENOMEM;
}

static int verb_kex_answer(struct rv_ike_exchange *x, uint16_t method, struct rv_bytes theirs)
{
	return ike_kex_new(x, method) ? ike_kex_respond(x, theirs) : -ENOMEM;
}

static int verb_kex_finish(struct rv_ike_exchange *x, struct rv_bytes theirs)
{
	return x->kex && x->kex->secret ? ike_kex_complete(x, theirs) : -RV_ESTATE;
}

static struct rv_bytes verb_kex_public(const struct rv_ike_exchange *x)
{
	return x->kex ? x->kex->ours : rv_bytes(NULL, 0);
}

static struct rv_bytes verb_kex_shared(const struct rv_ike_exchange *x)
{
	return x->kex && x->kex->shared ? rv_secret_bytes(x->kex->shared) : rv_bytes(NULL, 0);
}

static int verb_add_secret(struct rv_ike_exchange *x, struct rv_bytes shared)
{
	size_t before = x->secrets ? x->secrets->len : 0;
	struct rv_secret *all = rv_secret_new(x->sa->engine->host->vault, x, before + shared.len);

	if (!all)
		return -ENOMEM;
	if (before)
		memcpy(all->b, x->secrets->b, before);
	memcpy(all->b + before, shared.p, shared.len);
	talloc_free(x->secrets);
	x->secrets = all;
	return 0;
}

const struct rv_ike_verbs ike_verbs = {
	.size = sizeof(ike_verbs),
	.sa = verb_sa,
	.peer = verb_peer,
	.state = verb_state,
	.role = verb_role,
	.type = verb_type,
	.payload = verb_payload,
	.notify = verb_notify,
	.add = verb_add,
	.add_notify = verb_add_notify,
	.veto = verb_veto,
	.resume = ike_exchange_resume,
	.start = verb_start,
	.sign_also = verb_sign_also,
	.key = verb_key,
	.prf = verb_prf,
	.wants_child = verb_wants_child,
	.childless = verb_childless,
	.id = verb_id,
	.sealed_len = verb_sealed_len,
	.seal = ike_seal_more,
	.open = verb_open,
	.agree = verb_agree,
	.agreed = verb_agreed,
	.mix = ike_mix,
	.chosen = verb_chosen,
	.came_by = ike_verb_came_by,
	.tries = ike_verb_tries,
	.via = ike_verb_via,
	.resend = ike_verb_resend,
	.move = ike_verb_move,
	.pin = ike_verb_pin,
	.route = ike_verb_route,
	.encapsulate = ike_verb_encapsulate,
	.nat_add = ike_verb_nat_add,
	.nat_read = ike_verb_nat_read,
	.attribute = ike_config_find,
	.add_attribute = verb_add_attribute,
	.doom = verb_doom,
	.redial = ike_verb_redial,
	.origin = ike_verb_origin,
	.no_child = ike_verb_no_child,
	.nonce = verb_nonce,
	.kex_start = verb_kex_start,
	.kex_answer = verb_kex_answer,
	.kex_finish = verb_kex_finish,
	.kex_public = verb_kex_public,
	.kex_shared = verb_kex_shared,
	.part = ike_part,
	.add_secret = verb_add_secret,
	.go_on = ike_go_on,
	.fresh = verb_fresh,
	.spis = verb_spis,
	.tell = verb_tell,
	.reauth_within = ike_verb_reauth_within,
	.child = verb_child,
	.prove_also = verb_prove_also,
	.proof_also = verb_proof_also,
	.proof_instead = verb_proof_instead,
	.rounds = verb_rounds,
	.several_rounds = verb_several_rounds,
	.another_round = verb_another_round,
	.remember = ike_verb_remember,
	.is_known = ike_verb_is_known,
	.add_outside = verb_add_outside,
};
