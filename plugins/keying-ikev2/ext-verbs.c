// SPDX-License-Identifier: LGPL-2.1-or-later
/* ext-verbs: what extensions may ask and have done (ikev2-verbs.h), as the one table at the head of IKE SAs and
 * exchanges.
 */
#include "child.h"
#include "config.h"
#include "protect.h"

#include "explain.h"
#include "kex.h"
#include "octets/sealed.h"

#include <errno.h>
#include <string.h>

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

static int verb_start(struct rv_ike_sa *sa, const struct rv_ike_plan *plan, void *self)
{
	struct rv_ike_exchange *x = ike_exchange_ask(sa, plan);
	int r;

	if (!x)
		return -ENOMEM;
	r = ike_ext_hold(x, self);
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
