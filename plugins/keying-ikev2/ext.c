// SPDX-License-Identifier: LGPL-2.1-or-later
/* ext: extensions (kind ikev2-ext): their tasks at the named points, their rows, their state, and what they do between
 * messages and datagrams. Their verbs are in ext-verbs.c.
 */
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

int ike_ext_hold(struct rv_ike_exchange *x, void *self)
{
	rv_list_each (&x->sa->engine->exts, ext, struct ext, entry)
		if (ext->self == self)
			return rv_ref_take(&x->plan_of, ext->service, &x->sa->user);
	return 0;
}
