// SPDX-License-Identifier: LGPL-2.1-or-later
/* queue: fragments of the peer become its message again (RFC 7383, 2.6, 2.6.1, 5).
 *
 * Each fragment is verified before it is kept. What is kept is bounded: fragments and octets of a message, fewer before
 * the peer is authenticated, octets of all peers, and time.
 */
#include "fragmentation.h"

#include <ravelin/wire.h>

#include <errno.h>
#include <string.h>
#include <talloc.h>

enum {
	FRAGMENTS_MAX = 512,
	OCTETS_MAX = 64 * 1024, /* RFC 7383, 5: "It is NOT RECOMMENDED for this value to exceed 64 KB" */
	OCTETS_STRANGER = 24 * 1024,
	OCTETS_ALL = 16 * 1024 * 1024,
	FRAGMENT_COST = 128, /* of keeping one, besides its octets */
	WAIT_US = 30 * 1000000,
};

struct fragment {
	size_t len;
	uint8_t octets[];
};

/* One message that is not complete. refused: it was too large, the rest of it is dropped. */
struct queue {
	struct assembly *assembly;
	struct queue **at;
	struct rv_timer timer;
	uint32_t id;
	uint8_t exchange, first, reserved;
	bool refused;
	uint16_t total, n;
	size_t octets, cost, largest;
	uint64_t digest;
	struct fragment **fragment;
};

/* Attached to an IKE SA while a request or a response is not complete. */
struct assembly {
	struct fragmentation *f;
	struct rv_ike_sa *sa;
	struct queue *request, *response;
};

static int queue_gone(struct queue *q)
{
	rv_timer_cancel(&q->timer);
	q->assembly->f->held -= q->cost;
	*q->at = NULL;
	return 0;
}

/* The assembly goes with its last queue. */
static void drop(struct queue *q)
{
	struct assembly *assembly = q->assembly;

	talloc_free(q);
	if (!assembly->request && !assembly->response)
		talloc_free(assembly);
}

static void too_late(struct rv_timer *timer)
{
	drop(rv_container_of(timer, struct queue, timer));
}

static struct assembly *assembly_of(struct fragmentation *f, struct rv_ike_sa *sa)
{
	struct assembly *assembly = rv_attached(f->host, sa, struct assembly);

	if (assembly)
		return assembly;
	assembly = rv_attach(f->host, sa, struct assembly);
	if (!assembly)
		return NULL;
	assembly->f = f;
	assembly->sa = sa;
	return assembly;
}

static struct queue *queue_new(struct fragmentation *f, struct rv_ike_sa *sa, const struct rv_ike_sealed *d)
{
	struct assembly *assembly = assembly_of(f, sa);
	struct queue *q = assembly ? talloc_zero(assembly, struct queue) : NULL;

	if (!q)
		return NULL;
	q->assembly = assembly;
	q->at = d->response ? &assembly->response : &assembly->request;
	q->id = d->id;
	q->exchange = d->exchange;
	rv_timer_init(&q->timer, f->host->loop, too_late);
	talloc_set_destructor(q, queue_gone);
	talloc_free(*q->at);
	*q->at = q;
	if (!rv_timer_arm(&q->timer, WAIT_US))
		return q;
	drop(q);
	return NULL;
}

static struct queue *queue_of(struct fragmentation *f, struct rv_ike_sa *sa, const struct rv_ike_sealed *d)
{
	struct assembly *assembly = rv_attached(f->host, sa, struct assembly);
	struct queue *q = assembly ? d->response ? assembly->response : assembly->request : NULL;

	return q && q->id == d->id && q->exchange == d->exchange ? q : NULL;
}

static void forget_fragments(struct queue *q)
{
	TALLOC_FREE(q->fragment); /* and what hangs on it */
	q->assembly->f->held -= q->cost;
	q->cost = q->octets = q->largest = 0;
	q->n = q->total = 0;
	q->digest = 0;
}

static int refuse(struct queue *q, const char *why)
{
	struct fragmentation *f = q->assembly->f;

	forget_fragments(q);
	q->refused = true;
	rv_log(&f->host->subject, RV_WARN, "fragments-refused", KV_STR("why", why), KV_UINT("message-id", q->id));
	return RV_PENDING;
}

static bool charge(struct queue *q, size_t octets)
{
	struct fragmentation *f = q->assembly->f;

	if (f->held + octets > OCTETS_ALL)
		return false;
	f->held += octets;
	q->cost += octets;
	return true;
}

/* RFC 7383, 2.6: a larger Total Fragments means that the peer began anew with smaller ones */
static bool begin(struct queue *q, uint16_t total)
{
	forget_fragments(q);
	if (total > FRAGMENTS_MAX || !charge(q, total * sizeof(*q->fragment)))
		return false;
	q->fragment = talloc_zero_array(q, struct fragment *, total);
	q->total = q->fragment ? total : 0;
	return q->fragment != NULL;
}

static int keep(struct queue *q, uint16_t number, const struct rv_ike_sealed *d, struct rv_bytes chunk)
{
	bool known = rv_ike_state(q->assembly->sa) >= RV_IKE_ESTABLISHED;
	size_t size = d->datagram.len + fragment_outside(rv_ike_peer(q->assembly->sa));
	struct fragment *fragment;

	if (q->octets + chunk.len > (known ? OCTETS_MAX : OCTETS_STRANGER))
		return refuse(q, "the message is too large");
	if (!charge(q, chunk.len + FRAGMENT_COST))
		return refuse(q, "too many fragments wait, of all peers");
	fragment = talloc_size(q->fragment, sizeof(*fragment) + chunk.len);
	if (!fragment)
		return -ENOMEM;
	talloc_set_name_const(fragment, "struct fragment");
	fragment->len = chunk.len;
	if (chunk.len)
		memcpy(fragment->octets, chunk.p, chunk.len);
	q->fragment[number - 1] = fragment;
	q->octets += chunk.len;
	q->n++;
	if (size > q->largest)
		q->largest = size;
	if (number == 1) {
		q->first = d->first;
		q->reserved = d->reserved;
		q->digest = d->digest;
	}
	return 0;
}

static int merge(struct queue *q, struct rv_ike_plain *out)
{
	struct fragmentation *f = q->assembly->f;
	struct rv_ike_sa *sa = q->assembly->sa;
	uint8_t *all = talloc_size(sa, q->octets ? q->octets : 1);

	if (!all)
		return -ENOMEM;
	struct rv_wr w = rv_wr(all, q->octets);

	for (unsigned i = 0; i < q->total; i++)
		rv_wr_put(&w, rv_bytes(q->fragment[i]->octets, q->fragment[i]->len));
	out->owner = all;
	out->payloads = rv_wr_bytes(&w);
	out->first = q->first;
	out->reserved = q->reserved;
	out->digest = q->digest;
	rv_log(&f->host->subject, RV_DEBUG, "reassembled", KV_UINT("message-id", q->id), KV_UINT("fragments", q->total),
	       KV_UINT("octets", q->octets));
	if (q->total > 1)
		f->heard(f, sa, q->largest);
	drop(q);
	return RV_IKE_WHOLE;
}

/* Puts an authentic fragment where it belongs. */
static int take(struct fragmentation *f, struct rv_ike_sa *sa, const struct rv_ike_sealed *d, uint16_t number,
		uint16_t total, struct rv_bytes chunk, struct rv_ike_plain *out)
{
	struct queue *q = queue_of(f, sa, d);
	int r;

	if (!q)
		q = queue_new(f, sa, d);
	if (!q)
		return -ENOMEM;
	if (total > q->total && !begin(q, total))
		return refuse(q, "it has too many fragments");
	r = keep(q, number, d, chunk);
	if (r)
		return r;
	return q->n == q->total ? merge(q, out) : RV_PENDING;
}

/* RFC 7383, 2.6: the order of the tests is the RFC's; the cheap ones stand before the ICV. */
int fragment_join(void *self, struct rv_ike_sa *sa, const struct rv_ike_sealed *d, struct rv_ike_plain *out)
{
	struct fragmentation *f = self;
	struct rv_rd r = rv_rd(d->body);
	uint16_t number = rv_rd_u16(&r), total = rv_rd_u16(&r);
	struct queue *q = queue_of(f, sa, d);
	struct rv_bytes chunk;
	uint8_t *room;
	int result;

	if (d->type != SKF)
		return 0;
	(void)rv_rd_rest(&r);
	if (!rv_rd_done(&r) || !number || number > total || !rv_ike_agreed(sa, IKEV2_FRAGMENTATION_SUPPORTED))
		return RV_PENDING;
	/* 2.6.1: a fragment of an answered request "MUST only trigger a retransmission of the response message ... if
	 * the Fragment Number field in the received fragment is set to 1" */
	if (d->answered && number != 1)
		return RV_PENDING;
	if (!d->answered && q && (q->refused || total < q->total || (total == q->total && q->fragment[number - 1])))
		return RV_PENDING;
	room = talloc_size(f->host, d->body.len);
	if (!room)
		return -ENOMEM;
	result = rv_ike_open(sa, d, NUMBERS_LEN, room, d->body.len, &chunk);
	if (!result)
		result = d->answered ? RV_IKE_WHOLE : take(f, sa, d, number, total, chunk, out);
	talloc_free(room);
	return result;
}
