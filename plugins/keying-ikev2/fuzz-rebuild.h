// SPDX-License-Identifier: LGPL-2.1-or-later
/* fuzz-rebuild.h: what holds for every chain of payloads that was read: each payload that its reader accepts can be
 * written again, and what is read from that is the same. A breach aborts.
 */
#pragma once

#include "octets/payload.h"

#include <ravelin/error.h>
#include <stdlib.h>
#include <talloc.h>

#define HOLDS(condition)                                                                                               \
	do {                                                                                                           \
		if (!(condition))                                                                                      \
			abort();                                                                                       \
	} while (0)

enum { REBUILD_CAP = 2 * 65536 };

/* The body of the one payload that b has. */
static inline struct rv_bytes rebuilt(const struct ike_builder *b, uint8_t type)
{
	const struct ike_types types = ike_types_own();
	struct ike_chain chain;
	struct rv_bytes octets;

	HOLDS(ike_builder_done(b, &octets));
	HOLDS(b->first == type);
	HOLDS(ike_chain_read(&chain, type, octets, &types) == 0 && chain.n == 1);
	HOLDS(ike_payload_valid(type, chain.p[0].body));
	return chain.p[0].body;
}

static inline bool same_transforms(const struct rv_proposal *a, const struct rv_proposal *b)
{
	HOLDS(a->n <= RV_PROPOSAL_TRANSFORMS);
	for (unsigned i = 0; i < a->n; i++)
		if (a->t[i].class != b->t[i].class || a->t[i].id != b->t[i].id || a->t[i].key_bits != b->t[i].key_bits)
			return false;
	return a->n == b->n && a->protocol == b->protocol && a->number == b->number;
}

/* RFC 9370, 2.2.1: nothing but NONE is chosen twice, but that is no matter of the form. */
static inline bool further_ke_twice(const struct rv_proposal *p)
{
	for (unsigned i = 0; i < p->n; i++)
		for (unsigned j = 0; j < i; j++)
			if (rv_class_is_further_ke(p->t[i].class) && rv_class_is_further_ke(p->t[j].class) &&
			    p->t[i].id && p->t[i].id == p->t[j].id)
				return true;
	return false;
}

static inline void rebuild_sa(struct ike_builder *b, struct rv_bytes body)
{
	struct ike_proposals p, q;

	if (ike_choice_read(&p, body)) {
		HOLDS(p.n == 1);
		ike_choice_put(b, &p.proposal[0], p.spi[0]);
		HOLDS(ike_choice_read(&q, rebuilt(b, IKE_PAYLOAD_SA)));
		HOLDS(same_transforms(&p.proposal[0], &q.proposal[0]) && rv_bytes_equal(p.spi[0], q.spi[0]));
		/* an answer that is the offer itself fits it, but for what is offered once and chosen twice */
		if (p.proposal[0].number == 1 && !further_ke_twice(&p.proposal[0]))
			HOLDS(ike_choice_fits(p.proposal, 1, &q.proposal[0], false));
	} else if (ike_offer_read(&p, body)) {
		HOLDS(p.n > 0 && p.n <= IKE_PROPOSALS_MAX);
		for (size_t i = 0; i < p.n; i++)
			if (!rv_bytes_equal(p.spi[i], p.spi[0]) || p.proposal[i].protocol != p.proposal[0].protocol)
				return;
		ike_offer_put(b, p.proposal, p.n, p.spi[0]);
		HOLDS(ike_offer_read(&q, rebuilt(b, IKE_PAYLOAD_SA)) && q.n == p.n);
		for (size_t i = 0; i < p.n; i++)
			HOLDS(same_transforms(&p.proposal[i], &q.proposal[i]) && rv_bytes_equal(p.spi[i], q.spi[i]));
	}
}

static inline void rebuild_ke(struct ike_builder *b, struct rv_bytes body)
{
	struct ike_ke p, q;

	if (!ike_ke_read(&p, body))
		return;
	ike_ke_put(b, p.group, p.value);
	HOLDS(ike_ke_read(&q, rebuilt(b, IKE_PAYLOAD_KE)) && p.group == q.group && rv_bytes_equal(p.value, q.value));
}

static inline void rebuild_id(struct ike_builder *b, struct rv_bytes body)
{
	struct rv_id *p = ike_id_make(NULL, body), *q;
	char text[RV_ID_TEXT];

	if (!p)
		return;
	(void)rv_id_text(p, text);
	ike_id_put(b, IKE_PAYLOAD_IDI, p);
	q = ike_id_make(NULL, rebuilt(b, IKE_PAYLOAD_IDI));
	HOLDS(q && rv_id_same(p, q));
	talloc_free(p);
	talloc_free(q);
}

static inline void rebuild_cert(struct ike_builder *b, struct rv_bytes body)
{
	struct ike_cert p, q;

	if (!ike_cert_read(&p, body))
		return;
	ike_cert_put(b, IKE_PAYLOAD_CERT, p.encoding, p.octets);
	HOLDS(ike_cert_read(&q, rebuilt(b, IKE_PAYLOAD_CERT)) && p.encoding == q.encoding);
	HOLDS(rv_bytes_equal(p.octets, q.octets));
}

static inline void rebuild_certreq(struct ike_builder *b, struct rv_bytes body)
{
	struct ike_cert p, q;

	if (!ike_certreq_read(&p, body))
		return;
	ike_cert_put(b, IKE_PAYLOAD_CERTREQ, p.encoding, p.octets);
	HOLDS(ike_certreq_read(&q, rebuilt(b, IKE_PAYLOAD_CERTREQ)) && p.encoding == q.encoding);
	HOLDS(rv_bytes_equal(p.octets, q.octets));
}

static inline void rebuild_auth(struct ike_builder *b, struct rv_bytes body)
{
	struct ike_auth p, q;

	if (!ike_auth_read(&p, body))
		return;
	ike_auth_put(b, p.method, p.octets);
	HOLDS(ike_auth_read(&q, rebuilt(b, IKE_PAYLOAD_AUTH)) && p.method == q.method);
	HOLDS(rv_bytes_equal(p.octets, q.octets));
}

static inline void rebuild_nonce(struct ike_builder *b, struct rv_bytes body)
{
	struct rv_bytes p, q;

	if (!ike_nonce_read(&p, body))
		return;
	ike_nonce_put(b, p);
	HOLDS(ike_nonce_read(&q, rebuilt(b, IKE_PAYLOAD_NONCE)) && rv_bytes_equal(p, q));
}

static inline void rebuild_notify(struct ike_builder *b, struct rv_bytes body)
{
	struct ike_notify p, q;
	struct rv_rd r;

	if (!ike_notify_read(&p, body) || (p.spi.len && p.spi.len != IKE_CHILD_SPI_LEN))
		return;
	r = rv_rd(p.spi);
	if (p.spi.len)
		ike_notify_put_spi(b, p.type, p.protocol, rv_rd_u32(&r), p.data);
	else
		ike_notify_put(b, p.type, p.data);
	HOLDS(ike_notify_read(&q, rebuilt(b, IKE_PAYLOAD_NOTIFY)) && p.type == q.type && p.protocol == q.protocol);
	HOLDS(rv_bytes_equal(p.spi, q.spi) && rv_bytes_equal(p.data, q.data));
}

static inline void rebuild_delete(struct ike_builder *b, struct rv_bytes body)
{
	struct ike_delete p, q;
	uint32_t spis[64];

	if (!ike_delete_read(&p, body) || p.protocol == 0 || p.protocol > RV_PROTO_ESP)
		return;
	for (uint16_t i = 0; i < p.n && i < RV_COUNT(spis); i++)
		spis[i] = ike_delete_spi(&p, i);
	HOLDS(ike_delete_spi(&p, p.n) == 0);
	if (p.n > RV_COUNT(spis))
		return;
	ike_delete_put(b, p.protocol, spis, p.n);
	HOLDS(ike_delete_read(&q, rebuilt(b, IKE_PAYLOAD_DELETE)) && p.protocol == q.protocol && p.n == q.n);
	HOLDS(rv_bytes_equal(p.spis, q.spis));
}

static inline void rebuild_vendor(struct ike_builder *b, struct rv_bytes body)
{
	ike_builder_put(b, IKE_PAYLOAD_VENDOR, body);
	HOLDS(rv_bytes_equal(rebuilt(b, IKE_PAYLOAD_VENDOR), body));
}

static inline void rebuild_ts(struct ike_builder *b, struct rv_bytes body)
{
	struct ike_ts_list p, q;

	if (!ike_ts_read(&p, body) || p.n == 0)
		return;
	HOLDS(p.n <= IKE_TS_MAX);
	ike_ts_put(b, IKE_PAYLOAD_TSI, p.ts, p.n);
	HOLDS(ike_ts_read(&q, rebuilt(b, IKE_PAYLOAD_TSI)) && p.n == q.n);
	for (size_t i = 0; i < p.n; i++)
		HOLDS(rv_ts_same(&p.ts[i], &q.ts[i]));
}

static inline void rebuild_cp(struct ike_builder *b, struct rv_bytes body)
{
	struct ike_cp p, q;

	if (!ike_cp_read(&p, body))
		return;
	HOLDS(p.n <= IKE_CP_MAX);
	ike_cp_put(b, &p);
	HOLDS(ike_cp_read(&q, rebuilt(b, IKE_PAYLOAD_CP)) && p.type == q.type && p.n == q.n);
	for (size_t i = 0; i < p.n; i++)
		HOLDS(p.attr[i].type == q.attr[i].type && rv_bytes_equal(p.attr[i].value, q.attr[i].value));
}

static inline void rebuild_eap(struct ike_builder *b, struct rv_bytes body)
{
	struct rv_bytes p, q;

	if (!ike_eap_read(&p, body))
		return;
	ike_builder_put(b, IKE_PAYLOAD_EAP, p);
	HOLDS(ike_eap_read(&q, rebuilt(b, IKE_PAYLOAD_EAP)) && rv_bytes_equal(p, q));
}

static const struct {
	uint8_t type;
	void (*rebuild)(struct ike_builder *b, struct rv_bytes body);
} rebuilders[] = {
	{ IKE_PAYLOAD_SA, rebuild_sa },		{ IKE_PAYLOAD_KE, rebuild_ke },
	{ IKE_PAYLOAD_IDI, rebuild_id },	{ IKE_PAYLOAD_IDR, rebuild_id },
	{ IKE_PAYLOAD_CERT, rebuild_cert },	{ IKE_PAYLOAD_CERTREQ, rebuild_certreq },
	{ IKE_PAYLOAD_AUTH, rebuild_auth },	{ IKE_PAYLOAD_NONCE, rebuild_nonce },
	{ IKE_PAYLOAD_NOTIFY, rebuild_notify }, { IKE_PAYLOAD_DELETE, rebuild_delete },
	{ IKE_PAYLOAD_VENDOR, rebuild_vendor }, { IKE_PAYLOAD_TSI, rebuild_ts },
	{ IKE_PAYLOAD_TSR, rebuild_ts },	{ IKE_PAYLOAD_CP, rebuild_cp },
	{ IKE_PAYLOAD_EAP, rebuild_eap },
};

static inline void rebuild_payload(const struct ike_payload *payload, uint8_t *buf)
{
	struct ike_builder b;

	(void)ike_payload_valid(payload->type, payload->body);
	for (size_t i = 0; i < RV_COUNT(rebuilders); i++) {
		if (rebuilders[i].type != payload->type)
			continue;
		ike_builder_init(&b, buf, REBUILD_CAP);
		rebuilders[i].rebuild(&b, payload->body);
	}
}

/* Every payload of chain; then the chain as a whole. buf: REBUILD_CAP octets. */
static inline void rebuild_chain(const struct ike_chain *chain, const struct ike_types *types, uint8_t *buf)
{
	struct ike_builder b;
	struct ike_chain again;
	struct rv_bytes octets;

	HOLDS(chain->n <= IKE_PAYLOADS_MAX);
	for (unsigned i = 0; i < chain->n; i++)
		rebuild_payload(&chain->p[i], buf);
	ike_builder_init(&b, buf, REBUILD_CAP);
	for (unsigned i = 0; i < chain->n; i++) {
		rv_wr_put(ike_builder_open(&b, chain->p[i].type, chain->p[i].critical), chain->p[i].body);
		ike_builder_close(&b);
	}
	HOLDS(ike_builder_done(&b, &octets));
	HOLDS(ike_chain_read(&again, b.first, octets, types) == (chain->refused ? -RV_ECRITICAL : 0));
	HOLDS(again.n == chain->n && again.refused == chain->refused);
	for (unsigned i = 0; i < chain->n; i++) {
		HOLDS(again.p[i].type == chain->p[i].type && again.p[i].critical == chain->p[i].critical);
		HOLDS(rv_bytes_equal(again.p[i].body, chain->p[i].body));
		HOLDS(ike_chain_count(chain, chain->p[i].type) > 0);
	}
}
