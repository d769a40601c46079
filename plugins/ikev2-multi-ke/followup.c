// SPDX-License-Identifier: LGPL-2.1-or-later
/* followup: IKE_FOLLOWUP_KE, by which CREATE_CHILD_SA goes on with additional key exchanges (RFC 9370, 2.2.4).
 *
 * A CREATE_CHILD_SA exchange parts before it makes its keys; each follow-up brings a shared secret to it, and the last
 * one goes on with it.
 */
#include "multi-ke.h"

#include <ravelin/wire.h>

#include <errno.h>
#include <string.h>
#include <talloc.h>

/* Attached to an exchange that parted. y: our follow-up that is under way; link: the responder's, as it came; number:
 * ours, 0 when the peer made the link. */
struct follow {
	struct rv_list entry;
	struct rv_ike_exchange *x, *y;
	struct rv_ike_sa *sa;
	struct chain chain;
	uint32_t number;
	uint8_t link[LINK_MAX], link_len;
};

static int follow_gone(struct follow *f)
{
	rv_list_del(&f->entry);
	return 0;
}

static int keep_link(struct follow *f, struct rv_bytes link)
{
	if (!link.len || link.len > sizeof(f->link))
		return -RV_ESYNTAX;
	memcpy(f->link, link.p, link.len);
	f->link_len = (uint8_t)link.len;
	return 0;
}

/* "filling it with some data that would allow linking the current exchange to the next one" */
static int add_link(struct multi_ke *m, struct rv_ike_exchange *x, struct follow *f)
{
	uint8_t octets[4];
	struct rv_wr w = rv_wr(octets, sizeof(octets));

	f->number = ++m->links ? m->links : ++m->links;
	rv_wr_u32(&w, f->number);
	return rv_ike_add_notify(x, ADDITIONAL_KEY_EXCHANGE, rv_wr_bytes(&w));
}

int follow_part(struct rv_ike_exchange *x, void *self)
{
	struct multi_ke *m = self;
	bool ours = rv_ike_role(x) == RV_IKE_INITIATOR;
	struct rv_bytes link = { 0 };
	struct chain chain;
	struct follow *f;
	int r;

	if (!chain_of(x, &chain))
		return 0;
	f = rv_attach(m->host, x, struct follow);
	if (!f)
		return -ENOMEM;
	f->x = x;
	f->sa = rv_ike_sa(x);
	f->chain = chain;
	rv_list_add(&m->follows, &f->entry);
	talloc_set_destructor(f, follow_gone);
	if (ours && !rv_ike_notify(x, ADDITIONAL_KEY_EXCHANGE, 0, &link))
		return -RV_ESYNTAX;
	r = ours ? keep_link(f, link) : add_link(m, x, f);
	if (r)
		return r;
	r = rv_ike_part(x);
	if (r != RV_PENDING || !ours)
		return r;
	r = rv_ike_start(f->sa, &follow_plan, m);
	return r ? r : RV_PENDING;
}

/* Ours: follow-ups start in the order in which their exchanges parted. */

static struct follow *follow_of(struct multi_ke *m, struct rv_ike_exchange *y)
{
	struct rv_ike_sa *sa = rv_ike_sa(y);

	rv_list_each (&m->follows, f, struct follow, entry)
		if (f->sa == sa && f->y == y)
			return f;
	return NULL;
}

static int start(struct rv_ike_exchange *y, void *self)
{
	struct multi_ke *m = self;
	struct rv_ike_sa *sa = rv_ike_sa(y);

	rv_list_each (&m->follows, f, struct follow, entry) {
		if (f->sa != sa || f->y || f->number)
			continue;
		f->y = y;
		return rv_ike_kex_start(y, f->chain.method[f->chain.at]);
	}
	return -RV_ECANCELLED;
}

static int ask(struct rv_ike_exchange *y, void *self)
{
	struct follow *f = follow_of(self, y);
	int r = f ? ke_add(y, &f->chain) : -RV_ECANCELLED;

	return r ? r : rv_ike_add_notify(y, ADDITIONAL_KEY_EXCHANGE, rv_bytes(f->link, f->link_len));
}

static int finish(struct rv_ike_exchange *y, void *self)
{
	struct follow *f = follow_of(self, y);
	struct rv_bytes theirs, link;
	int r = f ? ke_read(y, &f->chain, &theirs) : -RV_ECANCELLED;

	if (!r && f->chain.at + 1u < f->chain.n)
		r = rv_ike_notify(y, ADDITIONAL_KEY_EXCHANGE, 0, &link) ? keep_link(f, link) : -RV_ESYNTAX;
	return r ? r : rv_ike_kex_finish(y, theirs);
}

static int took(struct rv_ike_exchange *y, void *self)
{
	struct follow *f = follow_of(self, y);
	int r = f ? rv_ike_add_secret(f->x, rv_ike_kex_shared(y)) : -RV_ECANCELLED;

	if (r)
		return r;
	return ++f->chain.at < f->chain.n ? 0 : rv_ike_go_on(y, f->x);
}

rv_ike_step_fn *const follow_reads[] = { finish, took, NULL };

static int refused(struct rv_ike_exchange *y, void *self)
{
	return -RV_EREFUSED;
}

rv_ike_step_fn *const follow_refusals[] = { refused, NULL };

/* "it MUST cancel this exchange and MUST treat the whole series of exchanges ... as failed" */
static void ended(struct rv_ike_exchange *y, int result, void *self)
{
	struct multi_ke *m = self;
	struct follow *f = follow_of(m, y);

	if (!f || result == -RV_ETIMEOUT)
		return; /* it went on and is over; or all is over with the IKE SA */
	f->y = NULL;
	if (!result)
		result = rv_ike_start(f->sa, &follow_plan, m);
	if (result)
		rv_ike_resume(f->x, result);
}

static rv_ike_step_fn *const build[] = { start, ask, NULL };
const struct rv_ike_plan follow_plan = {
	.story = "an additional key exchange", .exchange = IKE_FOLLOWUP_KE, .early = true, .build = build, .end = ended
};

/* The peer's */

static struct follow *linked(struct multi_ke *m, struct rv_ike_exchange *y)
{
	struct rv_ike_sa *sa = rv_ike_sa(y);
	struct rv_bytes link = { 0 };
	bool there = rv_ike_notify(y, ADDITIONAL_KEY_EXCHANGE, 0, &link);
	struct rv_rd r = rv_rd(link);
	uint32_t number = rv_rd_u32(&r);

	rv_list_each (&m->follows, f, struct follow, entry)
		if (there && rv_rd_done(&r) && f->sa == sa && number && f->number == number)
			return f;
	return NULL;
}

static int not_found(struct rv_ike_exchange *y)
{
	return rv_ike_veto(y, STATE_NOT_FOUND, rv_bytes(NULL, 0), "the peer follows up an exchange that is not there");
}

static int answer(struct rv_ike_exchange *y, void *self)
{
	struct follow *f = linked(self, y);
	struct rv_bytes theirs;
	int r;

	if (!f)
		return not_found(y);
	r = ke_read(y, &f->chain, &theirs);
	return r ? r : rv_ike_kex_answer(y, f->chain.method[f->chain.at], theirs);
}

static int answered(struct rv_ike_exchange *y, void *self)
{
	struct multi_ke *m = self;
	struct follow *f = linked(m, y);
	int r;

	if (!f)
		return not_found(y);
	r = ke_add(y, &f->chain);
	if (!r)
		r = rv_ike_add_secret(f->x, rv_ike_kex_shared(y));
	if (r)
		return r;
	return ++f->chain.at < f->chain.n ? add_link(m, y, f) : rv_ike_go_on(y, f->x);
}

rv_ike_step_fn *const follow_answers[] = { answer, answered, NULL };
