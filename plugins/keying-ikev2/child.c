// SPDX-License-Identifier: LGPL-2.1-or-later
/* child: one child SA from its offer to its keys (RFC 7296, 1.3.1, 2.7, 2.9, 2.17), for IKE_AUTH and CREATE_CHILD_SA.
 *
 * `auth` says which: in IKE_AUTH there is no key exchange and the nonces are those of IKE_SA_INIT. Nothing is written
 * into an answer before the SAs are in the kernel.
 */
#include "child.h"

#include "config.h"
#include "explain.h"
#include "kex.h"
#include "octets/narrow.h"
#include "octets/notify.h"
#include "requests.h"

#include <errno.h>
#include <string.h>

enum { OUTBOUND_US = 5 * 1000000 }; /* how long the initiator of a rekey may keep the old SA */

static int child_free(struct ike_child *ic)
{
	rv_timer_cancel(&ic->timer);
	rv_call_cancel(&ic->call);
	if (ic->x)
		ic->x->child = NULL;
	ic->child->keying = NULL;
	return 0;
}

struct ike_child *ike_child_of(struct rv_child *child)
{
	struct ike_child *ic = child->keying;

	if (ic)
		return ic;
	ic = talloc_zero(child, struct ike_child);
	if (!ic)
		return NULL;
	ic->child = child;
	child->keying = ic;
	talloc_set_destructor(ic, child_free);
	return ic;
}

struct rv_child *ike_child_by_spi_out(struct rv_peer *peer, uint32_t spi)
{
	rv_list_each (&peer->children, child, struct rv_child, entry)
		if (spi && child->spi_out == spi)
			return child;
	return NULL;
}

/* RFC 7296, 2.9: "the initiator SHOULD include as the first Traffic Selector in each of TSi and TSr a very specific
 * Traffic Selector including the addresses in the packet triggering the request" */
static void put_first(struct ike_ts_list *list, const struct rv_ts *first, bool alone)
{
	bool within = false;

	for (size_t i = 0; i < list->n; i++)
		within = within || rv_ts_contains(&list->ts[i], first);
	if (!within || (!alone && list->n == IKE_TS_MAX))
		return;
	if (alone)
		list->n = 0;
	memmove(&list->ts[1], &list->ts[0], list->n * sizeof(list->ts[0]));
	list->ts[0] = *first;
	list->n++;
}

static void packet_first(struct rv_ike_exchange *x)
{
	struct rv_ts local, remote;

	if (!rv_attempt_packet(ike_attempt(x), &local, &remote))
		return;
	put_first(&x->ts->local, &local, x->pair);
	put_first(&x->ts->remote, &remote, x->pair);
}

/* Of the selectors that hold addr what concerns addr alone. */
static void only_host(struct ike_ts_list *list, const struct rv_addr *addr)
{
	struct rv_ts host = rv_ts_prefix(addr, 8 * (unsigned)rv_family_len(addr->family));
	size_t n = 0;

	for (size_t i = 0; i < list->n; i++) {
		struct rv_ts ts = list->ts[i];

		host.proto = ts.proto;
		host.port_lo = ts.port_lo;
		host.port_hi = ts.port_hi;
		if (rv_ts_contains(&ts, &host))
			list->ts[n++] = host;
	}
	list->n = n ? n : list->n;
}

/* One pair of addresses a child SA (RFC 7296, 2.9: SINGLE_PAIR_REQUIRED) */

static bool wants_pair(const struct rv_child_conf *conf)
{
	return rv_conf_bool(conf->conf, "single_pair");
}

static struct rv_bytes low_end(const struct rv_ts *ts)
{
	return rv_bytes(ts->lo, rv_family_len(ts->family));
}

static bool one_address(const struct rv_ts *ts)
{
	return rv_bytes_equal(low_end(ts), rv_bytes(ts->hi, rv_family_len(ts->family)));
}

/* All selectors of the list are of the same one address. */
static bool one_host(const struct ike_ts_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		if (!one_address(&list->ts[i]) || !rv_bytes_equal(low_end(&list->ts[i]), low_end(&list->ts[0])))
			return false;
	return list->n != 0;
}

/* Of more than one pair the first is left, when it is one: then it is that of a packet. False: there is none. */
static bool to_pair(struct ike_ts_pair *ts, bool *cut)
{
	*cut = !one_host(&ts->local) || !one_host(&ts->remote);
	if (!*cut)
		return true;
	if (!ts->local.n || !ts->remote.n || !one_address(&ts->local.ts[0]) || !one_address(&ts->remote.ts[0]))
		return false;
	ts->local.n = ts->remote.n = 1;
	return true;
}

/* What our own policy makes of the selectors that we would offer. RFC 7296, 2.23.1 of transport mode through a NAT: "it
 * MUST use exactly one IP address in the TSi and TSr payloads": those of the session. */
static int restrict_offer(struct rv_ike_exchange *x)
{
	const struct rv_path *path = &x->sa->peer->path;
	bool cut;

	if (x->conf->mode == RV_TRANSPORT && (path->behind_nat || path->remote_nat)) {
		only_host(&x->ts->local, &path->local);
		only_host(&x->ts->remote, &path->remote);
	}
	if (!wants_pair(x->conf) || to_pair(x->ts, &cut))
		return 0;
	x->advice =
		"set start_action = trap, so that a packet says which pair, or give local_ts and remote_ts one address";
	return rv_why_set(&x->why, -RV_ECONFIG,
			  "child %s has one pair of addresses a child SA (single_pair), and no packet says which",
			  x->conf->name);
}

static void list_of(const struct rv_ts *ts, size_t n, struct ike_ts_list *out)
{
	for (out->n = 0; out->n < n && out->n < IKE_TS_MAX; out->n++)
		out->ts[out->n] = ts[out->n];
}

static void ts_of(const struct rv_child *child, struct ike_ts_pair *out)
{
	list_of(child->ts, child->n_local_ts, &out->local);
	list_of(child->ts + child->n_local_ts, child->n_remote_ts, &out->remote);
}

/* RFC 7296, 2.9.2: "the new SA MUST NOT have narrower selectors than the original" */
bool ike_child_narrows(const struct rv_ike_exchange *x, const struct ike_ts_pair *ts)
{
	struct rv_child *old = x->old ? rv_child_by_id(x->sa->engine->host->core, x->old) : NULL;
	struct ike_ts_list local, remote;

	if (!old)
		return false;
	list_of(old->ts, old->n_local_ts, &local);
	list_of(old->ts + old->n_local_ts, old->n_remote_ts, &remote);
	return !ike_ts_within(&local, ts->local.ts, ts->local.n) ||
	       !ike_ts_within(&remote, ts->remote.ts, ts->remote.n);
}

int ike_child_begin(struct rv_ike_exchange *x, const struct rv_child_conf *conf, uint32_t reqid)
{
	struct rv_child *child = rv_child_new(x->sa->peer, conf, reqid, &x->why), *old;

	if (!child)
		return x->why.code ? x->why.code : -ENOMEM;
	x->child = ike_child_of(child);
	if (!x->child) {
		rv_child_down(child, -ENOMEM);
		return -ENOMEM;
	}
	x->child->x = x;
	x->conf = conf;
	child->encap = x->sa->encap && child->protocol != RV_PROTO_AH;
	if (x->ts)
		return 0;
	x->ts = talloc(x, struct ike_ts_pair);
	if (!x->ts)
		return -ENOMEM;
	old = x->old ? rv_child_by_id(x->sa->engine->host->core, x->old) : NULL;
	if (old) {
		ts_of(old, x->ts);
		return 0;
	}
	ike_child_policy(x->sa->peer, x->conf, x->plan ? x->asked : NULL, x->ts);
	packet_first(x);
	return restrict_offer(x);
}

/* What "dynamic" stands for on one side (RFC 7296, 2.19): the virtual addresses; any of the families that are being
 * asked for, since the responder narrows that to what it lends; or the address outside. */
static void dynamic(const struct rv_peer *peer, bool ours, const struct rv_attributes *asked, struct ike_ts_list *out)
{
	struct rv_addr addr;
	unsigned prefix;

	out->n = 0;
	while (out->n < IKE_TS_MAX && rv_peer_virtual(peer, ours, out->n, &addr, &prefix))
		out->ts[out->n++] = rv_ts_prefix(&addr, prefix);
	if (!out->n && ours && rv_attributes_count(asked, RV_ATTRIBUTE_IP4_ADDRESS))
		out->ts[out->n++] = rv_ts_prefix(&(struct rv_addr){ .family = RV_IPV4 }, 0);
	if (ours && rv_attributes_count(asked, RV_ATTRIBUTE_IP6_ADDRESS) && !rv_peer_taken(peer))
		out->ts[out->n++] = rv_ts_prefix(&(struct rv_addr){ .family = RV_IPV6 }, 0);
	if (out->n)
		return;
	addr = ours ? peer->path.local : peer->path.remote;
	out->ts[out->n++] = rv_ts_prefix(&addr, 8 * (unsigned)rv_family_len(addr.family));
}

/* Selectors of one side with "dynamic" (family 0) replaced by each of own, with their own protocol and ports. */
static void resolve(const struct rv_ts *ts, size_t n, const struct ike_ts_list *own, struct ike_ts_list *out)
{
	out->n = 0;
	for (size_t i = 0; i < n && out->n < IKE_TS_MAX; i++) {
		if (ts[i].family) {
			out->ts[out->n++] = ts[i];
			continue;
		}
		for (size_t k = 0; k < own->n && out->n < IKE_TS_MAX; k++) {
			struct rv_ts *t = &out->ts[out->n++];

			*t = ts[i];
			t->family = own->ts[k].family;
			memcpy(t->lo, own->ts[k].lo, sizeof(t->lo));
			memcpy(t->hi, own->ts[k].hi, sizeof(t->hi));
		}
	}
	if (!n)
		*out = *own;
}

void ike_child_policy(const struct rv_peer *peer, const struct rv_child_conf *conf, const struct rv_attributes *asked,
		      struct ike_ts_pair *out)
{
	struct ike_ts_list own;

	dynamic(peer, true, asked, &own);
	resolve(conf->local_ts, conf->n_local_ts, &own, &out->local);
	dynamic(peer, false, NULL, &own);
	resolve(conf->remote_ts, conf->n_remote_ts, &own, &out->remote);
}

static void strip(struct rv_proposal *p, uint8_t class)
{
	unsigned n = 0;

	for (unsigned i = 0; i < p->n; i++)
		if (p->t[i].class != class)
			p->t[n++] = p->t[i];
	p->n = (uint8_t)n;
}

static struct rv_bytes spi_octets(uint32_t spi, uint8_t room[static 4])
{
	struct rv_wr w = rv_wr(room, 4);

	rv_wr_u32(&w, spi);
	return rv_wr_bytes(&w);
}

static int spi_read(struct rv_bytes octets, uint32_t *spi)
{
	struct rv_rd r = rv_rd(octets);

	*spi = rv_rd_u32(&r);
	return rv_rd_done(&r) && *spi ? 0 : -RV_ESYNTAX;
}

/* RFC 7296, 1.2: the SA payloads of IKE_AUTH "cannot contain Transform Type 4 ... with any value other than NONE" */
static int put_offer(struct rv_ike_exchange *x, bool auth)
{
	const struct rv_child_conf *conf = x->conf;
	struct rv_proposal *list = talloc_memdup(x, conf->proposals, conf->n_proposals * sizeof(*list));
	uint8_t spi[4];

	if (!list)
		return -ENOMEM;
	for (size_t i = 0; auth && i < conf->n_proposals; i++)
		strip(&list[i], RV_CLASS_KE);
	ike_offer_put(&x->out, list, conf->n_proposals, spi_octets(x->child->child->spi_in, spi));
	talloc_free(list);
	return 0;
}

/* What each message says of the child SA besides its selectors (RFC 7296, 1.3.1): the mode, whether our kernel would
 * refuse padding that hides lengths, and whether fragments without ports may come. */
static void put_terms(struct rv_ike_exchange *x, bool transport, bool fragments)
{
	const struct rv_child *child = x->child->child;

	if (transport)
		ike_notify_put(&x->out, IKE_N_USE_TRANSPORT_MODE, rv_bytes(NULL, 0));
	if (child->protocol == RV_PROTO_ESP && !rv_service_attr(child->kernel.service, "tfc", 1))
		ike_notify_put(&x->out, IKE_N_ESP_TFC_PADDING_NOT_SUPPORTED, rv_bytes(NULL, 0));
	if (fragments)
		ike_notify_put(&x->out, IKE_N_NON_FIRST_FRAGMENTS_ALSO, rv_bytes(NULL, 0));
}

/* RFC 7296, 1.3.1: fragments may come "only if NON_FIRST_FRAGMENTS_ALSO notification is included in both"; padding "can
 * still be sent in the other direction" when one message says ESP_TFC_PADDING_NOT_SUPPORTED */
static void take_terms(struct rv_ike_exchange *x)
{
	x->no_tfc = ike_has_notify(x, IKE_N_ESP_TFC_PADDING_NOT_SUPPORTED);
	x->fragments = x->conf->fragments_also && ike_has_notify(x, IKE_N_NON_FIRST_FRAGMENTS_ALSO);
	if (x->no_tfc && x->conf->tfc)
		rv_attempt_step(ike_attempt(x), "the peer takes no packets that are padded: tfc_padding has no effect");
}

int ike_child_offer(struct rv_ike_exchange *x, bool auth)
{
	int r = put_offer(x, auth);

	if (r)
		return r;
	if (!auth)
		ike_nonce_put(&x->out, rv_bytes(x->nonce, sizeof(x->nonce)));
	if (!auth && x->kex)
		ike_ke_put(&x->out, x->kex->group, x->kex->ours);
	ike_ts_put(&x->out, IKE_PAYLOAD_TSI, x->ts->local.ts, x->ts->local.n);
	ike_ts_put(&x->out, IKE_PAYLOAD_TSR, x->ts->remote.ts, x->ts->remote.n);
	put_terms(x, x->conf->mode == RV_TRANSPORT, x->conf->fragments_also);
	return 0;
}

/* The responder's choice */

struct choice {
	const struct rv_child_conf *conf;
	enum ike_narrow fit;
	struct ike_ts_pair ts;
	struct rv_proposal chosen;
	bool ts_fit, mode_fit, pair_only, cut;
	unsigned n; /* how many children of the connection would do */
};

static void consider(struct rv_ike_exchange *x, const struct rv_child_conf *conf, const struct ike_proposals *offer,
		     const struct ike_ts_pair *asked, bool auth, struct choice *best)
{
	bool transport = ike_has_notify(x, IKE_N_USE_TRANSPORT_MODE);
	struct ike_ts_pair policy, ts;
	struct rv_proposal chosen;
	enum ike_narrow fit;
	bool cut = false;

	if (conf->mode == RV_PASS || conf->mode == RV_DROP)
		return;
	ike_child_policy(x->sa->peer, conf, NULL, &policy);
	fit = ike_narrow(policy.local.ts, policy.local.n, policy.remote.ts, policy.remote.n, &asked->local,
			 &asked->remote, &ts);
	if (fit == IKE_NARROW_NONE)
		return;
	best->ts_fit = true;
	if (wants_pair(conf) && !to_pair(&ts, &cut)) {
		best->pair_only = true;
		return;
	}
	if (conf->mode == RV_TRANSPORT && !transport)
		return;
	best->mode_fit = true;
	if (!rv_proposal_choose(conf->proposals, conf->n_proposals, offer->proposal, offer->n, auth, &chosen))
		return;
	best->n++;
	if (best->conf && fit <= best->fit)
		return;
	best->conf = conf;
	best->fit = fit;
	best->cut = cut;
	best->ts = ts;
	best->chosen = chosen;
}

/* Every child of the connection, or the one that is being replaced; of these the ones that want a mode of the set. */
static void consider_all(struct rv_ike_exchange *x, const struct ike_proposals *offer, const struct ike_ts_pair *asked,
			 unsigned modes, bool auth, struct choice *best)
{
	const struct rv_connection *c = x->sa->peer->connection;

	for (size_t i = 0; i < (x->conf ? 1 : c->n_children); i++) {
		const struct rv_child_conf *conf = x->conf ? x->conf : &c->children[i];

		if (modes & 1u << conf->mode)
			consider(x, conf, offer, asked, auth, best);
	}
}

/* Transport mode through a NAT: the addresses in the peer's selectors are what they were before the NAT. Those that the
 * packets have here take their place; ours is local (RFC 7296, 2.23.1). False: nothing to do. */
static bool see_through_nat(const struct rv_ike_exchange *x, struct ike_ts_pair *asked)
{
	const struct rv_path *path = &x->sa->peer->path;
	bool done = false;

	if (!ike_has_notify(x, IKE_N_USE_TRANSPORT_MODE))
		return false;
	if (path->remote_nat)
		done = ike_ts_substitute(&asked->remote, &path->remote);
	if (path->behind_nat)
		done = ike_ts_substitute(&asked->local, &path->local) || done;
	return done;
}

/* RFC 7296, 2.23.1: a look-up with the substituted selectors for transport mode; where that finds nothing, "undo the
 * Traffic Selector substitutions" and look for tunnel mode. */
static void look_up(struct rv_ike_exchange *x, const struct ike_proposals *offer, struct ike_ts_pair *asked, bool auth,
		    struct choice *best)
{
	const unsigned transport = 1u << RV_TRANSPORT, all = ~0u;
	struct ike_ts_pair *seen = talloc_memdup(x, asked, sizeof(*asked));
	bool nat = seen && see_through_nat(x, seen);

	if (nat)
		consider_all(x, offer, seen, transport, auth, best);
	if (!best->conf)
		consider_all(x, offer, asked, nat ? all & ~transport : all, auth, best);
	talloc_free(seen);
}

static int no_choice(struct rv_ike_exchange *x, const struct choice *best, const struct ike_proposals *offer,
		     const struct ike_ts_pair *asked)
{
	if (!best->ts_fit) {
		ike_explain_no_ts(x, &asked->remote, &asked->local);
		return ike_refuse(x, IKE_N_TS_UNACCEPTABLE, rv_bytes(NULL, 0), -RV_ETS_UNACCEPTABLE, "%s", x->words);
	}
	if (best->pair_only)
		return ike_refuse(x, IKE_N_SINGLE_PAIR_REQUIRED, rv_bytes(NULL, 0), -RV_ETS_UNACCEPTABLE,
				  "the peer asks for more than one pair of addresses, our child has one a child SA "
				  "(single_pair)");
	if (!best->mode_fit) {
		x->advice = "set mode to the same on both sides";
		return ike_refuse(x, IKE_N_NO_PROPOSAL_CHOSEN, rv_bytes(NULL, 0), -RV_ENO_PROPOSAL,
				  "the peer asks for tunnel mode; our child wants transport mode");
	}
	ike_explain_no_child_proposal(x, offer);
	return ike_refuse(x, IKE_N_NO_PROPOSAL_CHOSEN, rv_bytes(NULL, 0), -RV_ENO_PROPOSAL, "%s", x->words);
}

static int spi_of(const struct ike_proposals *offer, const struct rv_proposal *chosen, uint32_t *spi)
{
	for (size_t i = 0; i < offer->n; i++)
		if (offer->proposal[i].number == chosen->number)
			return spi_read(offer->spi[i], spi);
	return -RV_ESYNTAX;
}

int ike_child_choose(struct rv_ike_exchange *x, bool auth)
{
	struct ike_proposals *offer = talloc(x, struct ike_proposals);
	struct ike_ts_pair *asked = talloc(x, struct ike_ts_pair);
	struct choice *best = talloc_zero(x, struct choice);
	int r;

	if (!offer || !asked || !best)
		return -ENOMEM;
	if (!ike_offer_read(offer, ike_body(x, IKE_PAYLOAD_SA)) ||
	    !ike_ts_read(&asked->remote, ike_body(x, IKE_PAYLOAD_TSI)) ||
	    !ike_ts_read(&asked->local, ike_body(x, IKE_PAYLOAD_TSR)))
		return -RV_ESYNTAX;
	look_up(x, offer, asked, auth, best);
	if (!best->conf)
		return no_choice(x, best, offer, asked);
	x->conf = best->conf;
	x->chosen = best->chosen;
	x->transport = best->conf->mode == RV_TRANSPORT;
	x->more_ts = best->cut || (best->n > 1 && best->fit != IKE_NARROW_ALL);
	take_terms(x);
	x->ts = talloc_memdup(x, &best->ts, sizeof(best->ts));
	if (!x->ts)
		return -ENOMEM;
	r = spi_of(offer, &x->chosen, &x->spi_out);
	talloc_free(offer);
	talloc_free(asked);
	talloc_free(best);
	return r;
}

void ike_child_write(struct rv_ike_exchange *x, bool auth)
{
	uint8_t spi[4];

	ike_choice_put(&x->out, &x->chosen, spi_octets(x->child->child->spi_in, spi));
	if (!auth)
		ike_nonce_put(&x->out, rv_bytes(x->nonce, sizeof(x->nonce)));
	if (!auth && x->kex)
		ike_ke_put(&x->out, x->kex->group, x->kex->ours);
	ike_ts_put(&x->out, IKE_PAYLOAD_TSI, x->ts->remote.ts, x->ts->remote.n);
	ike_ts_put(&x->out, IKE_PAYLOAD_TSR, x->ts->local.ts, x->ts->local.n);
	put_terms(x, x->transport, x->fragments);
	if (x->more_ts)
		ike_notify_put(&x->out, IKE_N_ADDITIONAL_TS_POSSIBLE, rv_bytes(NULL, 0));
}

/* The initiator's look at the answer */

static int check_ts(struct rv_ike_exchange *x)
{
	struct ike_ts_pair *answer = talloc(x, struct ike_ts_pair);

	if (!answer)
		return -ENOMEM;
	if (!ike_ts_read(&answer->local, ike_body(x, IKE_PAYLOAD_TSI)) ||
	    !ike_ts_read(&answer->remote, ike_body(x, IKE_PAYLOAD_TSR)))
		return -RV_ESYNTAX;
	(void)see_through_nat(x, answer);
	if (!ike_ts_within(&answer->local, x->ts->local.ts, x->ts->local.n) ||
	    !ike_ts_within(&answer->remote, x->ts->remote.ts, x->ts->remote.n)) {
		ike_explain_ts_pair(x, "the peer answered with selectors that were not offered", answer);
		return rv_why_set(&x->why, -RV_ETS_UNACCEPTABLE, "%s", x->words);
	}
	if (ike_child_narrows(x, answer)) {
		x->narrower = true;
		ike_explain_ts_pair(x, "the peer answered with fewer selectors than what is replaced has", answer);
		return rv_why_set(&x->why, -RV_ETS_UNACCEPTABLE, "%s", x->words);
	}
	talloc_free(x->ts);
	x->ts = answer;
	if (ike_has_notify(x, IKE_N_ADDITIONAL_TS_POSSIBLE))
		rv_attempt_step(ike_attempt(x), "the peer would take other selectors of ours in further child SAs");
	return 0;
}

int ike_child_accept(struct rv_ike_exchange *x, bool auth)
{
	struct ike_proposals choice;
	int r;

	if (!ike_has_payload(x, IKE_PAYLOAD_SA) || !ike_has_payload(x, IKE_PAYLOAD_TSI) ||
	    !ike_has_payload(x, IKE_PAYLOAD_TSR)) {
		ike_explain_refusal(x);
		return x->why.code;
	}
	if (!ike_choice_read(&choice, ike_body(x, IKE_PAYLOAD_SA)))
		return -RV_ESYNTAX;
	x->chosen = choice.proposal[0];
	if (!ike_choice_fits(x->conf->proposals, x->conf->n_proposals, &x->chosen, auth))
		return rv_why_set(&x->why, -RV_ENO_PROPOSAL, "the peer chose a child proposal that we did not offer");
	r = spi_read(choice.spi[0], &x->spi_out);
	if (!r)
		r = check_ts(x);
	if (r)
		return r;
	/* RFC 7296, 1.3.1: "If this is unacceptable to the initiator, the initiator MUST delete the SA." */
	x->transport = ike_has_notify(x, IKE_N_USE_TRANSPORT_MODE);
	if (x->transport != (x->conf->mode == RV_TRANSPORT)) {
		x->advice = "set mode to the same on both sides";
		return rv_why_set(&x->why, -RV_EREFUSED, "the peer wants %s mode, we want %s mode",
				  x->transport ? "transport" : "tunnel", x->transport ? "tunnel" : "transport");
	}
	take_terms(x);
	return 0;
}

/* Keys and kernel */

static int key_lens(struct rv_ike_exchange *x, size_t *encr, size_t *integ)
{
	struct rv_suite suite = { 0 };
	int r = rv_suite_init(&suite, x->sa->engine->host->registry, &x->chosen, &x->sa->user, &x->why);

	*encr = suite.key_len;
	*integ = suite.integ_len;
	if (!r)
		rv_suite_fini(&suite);
	return r;
}

static void tell_keys(struct rv_ike_exchange *x, const struct rv_child_keys *keys)
{
	struct rv_host *host = x->sa->engine->host;
	char text[256];

	if (!rv_event_wants_keys(host->core))
		return;
	const struct rv_key_line lines[] = { { "encr-in", keys->encr_in },
					     { "integ-in", keys->integ_in },
					     { "encr-out", keys->encr_out },
					     { "integ-out", keys->integ_out } };

	rv_event_emit(host->core,
		      &(struct rv_event){ .name = "keys",
					  .peer = x->sa->peer,
					  .child = x->child->child,
					  .connection = x->sa->peer->connection,
					  .text = rv_proposal_text(host->registry, &x->chosen, text, sizeof(text)),
					  .keys = lines,
					  .n_keys = RV_COUNT(lines) });
}

int ike_child_make(struct rv_ike_exchange *x, bool auth)
{
	struct rv_ike_sa *sa = x->sa;
	struct ike_child *ic = x->child;
	bool initiator = x->plan != NULL;
	struct rv_bytes mine = rv_bytes(x->nonce, sizeof(x->nonce));
	struct rv_bytes ni = auth ? sa->hs->ni : initiator ? mine : x->ni;
	struct rv_bytes nr = auth ? sa->hs->nr : initiator ? x->nr : mine;
	struct rv_bytes shared = x->kex && !auth ? rv_secret_bytes(x->kex->shared) : rv_bytes(NULL, 0);
	struct rv_secret *behind = NULL;
	struct ike_keys keys;
	size_t encr, integ;
	int r = key_lens(x, &encr, &integ);

	if (r)
		return r;
	if (x->secrets) { /* further shared secrets stand behind the nonces */
		behind = rv_secret_new(sa->engine->host->vault, x, nr.len + x->secrets->len);
		if (!behind)
			return -ENOMEM;
		memcpy(behind->b, nr.p, nr.len);
		memcpy(behind->b + nr.len, x->secrets->b, x->secrets->len);
		nr = rv_secret_bytes(behind);
	}
	ike_sa_keys(sa, &keys);
	r = ike_child_keys_make(&ic->keys, ic, sa->engine->host->vault, sa->prf.service, keys.d, shared, ni, nr, encr,
				integ);
	talloc_free(behind);
	if (r)
		return r;
	ic->initiator = initiator;
	ic->child->tfc = x->no_tfc || ic->child->protocol != RV_PROTO_ESP ? 0 : x->conf->tfc;
	ic->child->fragments_also = x->fragments;
	r = rv_child_set(ic->child, &x->chosen, x->spi_out, x->transport ? RV_TRANSPORT : RV_TUNNEL, x->ts->local.ts,
			 x->ts->local.n, x->ts->remote.ts, x->ts->remote.n);
	return r;
}

int ike_at_child_offer(struct rv_ike_exchange *x, void *self)
{
	return x->child && !x->childless ? ike_point(x, RV_IKE_AT_CHILD_OFFER) : 0;
}

int ike_at_child_chosen(struct rv_ike_exchange *x, void *self)
{
	return x->conf && !x->childless ? ike_point(x, RV_IKE_AT_CHILD_CHOSEN) : 0;
}

int ike_at_child_keyed(struct rv_ike_exchange *x, void *self)
{
	return x->child && !x->childless ? ike_point(x, RV_IKE_AT_CHILD_KEYED) : 0;
}

int ike_child_install(struct rv_ike_exchange *x, const struct rv_child *replaces, bool in_only)
{
	struct ike_child *ic = x->child;
	struct rv_child_keys keys;

	if (!ic)
		return -RV_ECANCELLED;
	keys = ike_child_keys_view(&ic->keys, ic->initiator);
	tell_keys(x, &keys);
	return rv_child_install(ic->child, &keys, replaces, in_only, &x->call);
}

static void completed(struct rv_call *call, int result)
{
	struct ike_child *ic = rv_container_of(call, struct ike_child, call);
	struct rv_ike_sa *sa = ic->child->peer->sa;

	if (result < 0 && sa) {
		struct rv_subject subject = ike_subject(sa);
		rv_log(&subject, RV_ERROR, "outbound-failed", KV_UINT("child", ic->child->id),
		       KV_STR("why", rv_error_text(result)));
	}
	talloc_free(ic);
}

/* The second half of a rekey that the peer asked for: now it can receive (RFC 7296, 2.8). */
void ike_child_complete(struct rv_child *child)
{
	struct ike_child *ic = child->keying;
	struct rv_child_keys keys;
	struct rv_child *old;
	int r;

	if (!ic || !ic->keys.block || ic->call.pending)
		return;
	rv_timer_cancel(&ic->timer);
	keys = ike_child_keys_view(&ic->keys, ic->initiator);
	rv_call_init(&ic->call, completed);
	old = ic->replaces ? rv_child_by_id(child->peer->core, ic->replaces) : NULL;
	r = rv_child_install(child, &keys, old, false, &ic->call);
	if (r != RV_PENDING)
		completed(&ic->call, r);
}

static void outbound_due(struct rv_timer *timer)
{
	ike_child_complete(rv_container_of(timer, struct ike_child, timer)->child);
}

void ike_child_done(struct rv_ike_exchange *x, bool in_only)
{
	struct ike_child *ic = x->child;

	if (!ic)
		return;
	ic->x = NULL;
	x->child = NULL;
	if (!in_only) {
		talloc_free(ic);
		return;
	}
	rv_timer_init(&ic->timer, x->sa->engine->host->loop, outbound_due);
	if (rv_timer_arm(&ic->timer, OUTBOUND_US))
		ike_child_complete(ic->child);
}

/* In IKE_AUTH: the IKE SA lives on without the child SA (RFC 7296, 2.21.2). */
void ike_child_failed(struct rv_ike_exchange *x, int error)
{
	struct rv_subject subject = ike_subject(x->sa);
	uint16_t notify = x->veto ? x->veto : ike_notify_of(error);

	if (!x->why.text[0])
		rv_why_set(&x->why, error, "%s", rv_error_text(error));
	if (x->plan ? !ike_attempt(x) : !ike_tell_failure(x, error))
		rv_log(&subject, RV_WARN, "child-failed", KV_STR("why", x->why.text), KV_STR("advice", x->advice));
	if (x->child) {
		struct rv_child *child = x->child->child;

		/* the peer has installed what we cannot use, unless it says that it has not */
		if (x->plan && !ike_error_in(x))
			ike_child_disown(x->sa, child->spi_in);
		rv_child_down(child, error);
	}
	if (!x->plan && notify)
		ike_notify_put(&x->out, notify, rv_bytes(x->veto_data, x->veto_len));
	if (!x->plan || !ike_child_ask_pair(x))
		ike_attempt_fail(x, error);
	x->veto = 0;
	x->veto_len = 0;
	x->advice = NULL;
	x->why = (struct rv_why){ 0 };
}
