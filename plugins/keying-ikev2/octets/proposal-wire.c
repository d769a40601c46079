// SPDX-License-Identifier: LGPL-2.1-or-later
/* proposal-wire: the SA payload, read into proposals and written from them (RFC 7296, 3.3).
 *
 * What is well formed but not understood stays in its place and matches nothing (3.3.6).
 */
#include "payload.h"

enum { MORE_PROPOSALS = 2, MORE_TRANSFORMS = 3, KEY_LENGTH = 14, ATTRIBUTE_TV = 0x8000, CLASS_OVERFLOW = 255 };

/* RFC 7296, 3.3.5:
 *
 *	                     1                   2                   3
 *	 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *	|A|       Attribute Type        |    AF=0  Attribute Length     |
 *	|F|                             |    AF=1  Attribute Value      |
 *	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *	|                   AF=0  Attribute Value                       |
 *	|                   AF=1  Not Transmitted                       |
 *	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 */
static bool attributes_read(struct rv_rd *r, struct rv_transform *t)
{
	unsigned n = 0;

	while (rv_rd_more(r)) {
		uint16_t type = rv_rd_u16(r);
		uint16_t value = rv_rd_u16(r);

		if (!(type & ATTRIBUTE_TV))
			(void)rv_rd_take(r, value);
		if (n++ == 0 && type == (ATTRIBUTE_TV | KEY_LENGTH) && value > 0)
			t->key_bits = value;
		else
			t->key_bits = IKE_TRANSFORM_UNKNOWN;
	}
	return rv_rd_done(r);
}

/* RFC 7296, 3.3.2:
 *
 *	                     1                   2                   3
 *	 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *	| Last Substruc |   RESERVED    |        Transform Length       |
 *	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *	|Transform Type |   RESERVED    |          Transform ID         |
 *	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *	~                      Transform Attributes                     ~
 *	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 */
static bool transform_read(struct rv_rd *r, struct rv_transform *t)
{
	uint8_t more = rv_rd_u8(r);
	struct rv_rd inner;
	uint16_t length;

	(void)rv_rd_u8(r);
	length = rv_rd_u16(r);
	if (length < 8)
		return false;
	inner = rv_rd(rv_rd_take(r, length - 4u));
	*t = (struct rv_transform){ .class = rv_rd_u8(&inner) };
	(void)rv_rd_u8(&inner);
	t->id = rv_rd_u16(&inner);
	return attributes_read(&inner, t) && !r->bad && more == (rv_rd_more(r) ? MORE_TRANSFORMS : 0);
}

static void transform_write(struct rv_wr *w, const struct rv_transform *t, bool last)
{
	struct rv_wr_mark mark;

	rv_wr_u8(w, last ? 0 : MORE_TRANSFORMS);
	rv_wr_u8(w, 0);
	mark = rv_wr_open16(w);
	rv_wr_u8(w, t->class);
	rv_wr_u8(w, 0);
	rv_wr_u16(w, t->id);
	if (t->key_bits) {
		rv_wr_u16(w, ATTRIBUTE_TV | KEY_LENGTH);
		rv_wr_u16(w, t->key_bits);
	}
	rv_wr_close16(w, mark, 4);
}

/* RFC 7296, 3.3.1: "0" or "8 for IKE, 4 for ESP and AH"; a protocol that is not known may have any. */
static bool spi_fits(uint8_t protocol, size_t len)
{
	switch (protocol) {
	case RV_PROTO_KEYING:
		return len == 0 || len == IKE_SPI_LEN;
	case RV_PROTO_AH:
	case RV_PROTO_ESP:
		return len == IKE_CHILD_SPI_LEN;
	default:
		return true;
	}
}

/* RFC 7296, 3.3.1:
 *
 *	                     1                   2                   3
 *	 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *	| Last Substruc |   RESERVED    |         Proposal Length       |
 *	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *	| Proposal Num  |  Protocol ID  |    SPI Size   |Num  Transforms|
 *	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *	~                        SPI (variable)                         ~
 *	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *	~                        <Transforms>                           ~
 *	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 */
static bool transforms_read(struct rv_rd *r, uint8_t n, struct rv_proposal *p)
{
	p->n = 0;
	for (unsigned i = 0; i < n; i++) {
		struct rv_transform t;

		if (!transform_read(r, &t))
			return false;
		if (p->n < RV_PROPOSAL_TRANSFORMS)
			p->t[p->n++] = t;
	}
	if (n > RV_PROPOSAL_TRANSFORMS)
		p->t[p->n - 1] = (struct rv_transform){ CLASS_OVERFLOW, 0, IKE_TRANSFORM_UNKNOWN };
	return n > 0 && rv_rd_done(r);
}

static bool proposal_read(struct rv_rd *r, struct rv_proposal *p, struct rv_bytes *spi)
{
	uint8_t more = rv_rd_u8(r), spi_len, n;
	struct rv_rd inner;
	uint16_t length;

	(void)rv_rd_u8(r);
	length = rv_rd_u16(r);
	if (length < 8)
		return false;
	inner = rv_rd(rv_rd_take(r, length - 4u));
	p->number = rv_rd_u8(&inner);
	p->protocol = rv_rd_u8(&inner);
	spi_len = rv_rd_u8(&inner);
	n = rv_rd_u8(&inner);
	*spi = rv_rd_take(&inner, spi_len);
	return transforms_read(&inner, n, p) && spi_fits(p->protocol, spi_len) && !r->bad &&
	       more == (rv_rd_more(r) ? MORE_PROPOSALS : 0);
}

static void proposal_write(struct rv_wr *w, const struct rv_proposal *p, uint8_t number, struct rv_bytes spi, bool last)
{
	struct rv_wr_mark mark;

	rv_wr_u8(w, last ? 0 : MORE_PROPOSALS);
	rv_wr_u8(w, 0);
	mark = rv_wr_open16(w);
	rv_wr_u8(w, number);
	rv_wr_u8(w, p->protocol);
	rv_wr_u8(w, (uint8_t)spi.len);
	rv_wr_u8(w, p->n);
	rv_wr_put(w, spi);
	for (unsigned i = 0; i < p->n; i++)
		transform_write(w, &p->t[i], i + 1u == p->n);
	rv_wr_close16(w, mark, 4);
}

/* RFC 7296, 3.3: the body of the SA payload is one or more proposals. */
bool ike_offer_read(struct ike_proposals *out, struct rv_bytes body)
{
	struct rv_rd r = rv_rd(body);
	struct rv_proposal surplus;
	struct rv_bytes spi;
	unsigned number = 0;

	out->n = 0;
	while (rv_rd_more(&r)) {
		bool fits = out->n < IKE_PROPOSALS_MAX;
		struct rv_proposal *p = fits ? &out->proposal[out->n] : &surplus;

		if (!proposal_read(&r, p, &spi) || p->number != ++number)
			return false;
		if (fits)
			out->spi[out->n++] = spi;
	}
	return rv_rd_done(&r) && out->n > 0;
}

static bool once_each(const struct rv_proposal *p)
{
	for (unsigned i = 0; i < p->n; i++)
		for (unsigned j = 0; j < i; j++)
			if (p->t[i].class == p->t[j].class)
				return false;
	return true;
}

bool ike_choice_read(struct ike_proposals *out, struct rv_bytes body)
{
	struct rv_rd r = rv_rd(body);

	out->n = 0;
	if (!proposal_read(&r, &out->proposal[0], &out->spi[0]) || !rv_rd_done(&r))
		return false;
	out->n = 1;
	return out->proposal[0].number > 0 && once_each(&out->proposal[0]);
}

void ike_offer_put(struct ike_builder *b, const struct rv_proposal *proposals, size_t n, struct rv_bytes spi)
{
	struct rv_wr *w = ike_builder_open(b, IKE_PAYLOAD_SA, false);

	if (n == 0 || n > UINT8_MAX || spi.len > UINT8_MAX)
		w->bad = true;
	for (size_t i = 0; i < n && !w->bad; i++)
		proposal_write(w, &proposals[i], (uint8_t)(i + 1), spi, i + 1 == n);
	ike_builder_close(b);
}

void ike_choice_put(struct ike_builder *b, const struct rv_proposal *chosen, struct rv_bytes spi)
{
	struct rv_wr *w = ike_builder_open(b, IKE_PAYLOAD_SA, false);

	if (spi.len > UINT8_MAX)
		w->bad = true;
	if (!w->bad)
		proposal_write(w, chosen, chosen->number, spi, true);
	ike_builder_close(b);
}

static bool offered(const struct rv_proposal *offer, const struct rv_transform *t)
{
	for (unsigned i = 0; i < offer->n; i++)
		if (offer->t[i].class == t->class && offer->t[i].id == t->id && offer->t[i].key_bits == t->key_bits)
			return true;
	return false;
}

/* A class may be missing in the choice when NONE, which has the number 0 in these two, was among what was offered. */
static bool may_lack(const struct rv_proposal *offer, uint8_t class)
{
	const struct rv_transform none = { .class = class };

	return (class == RV_CLASS_INTEG || class == RV_CLASS_KE || rv_class_is_further_ke(class)) &&
	       offered(offer, &none);
}

/* A further key exchange may be chosen once. */
static bool twice(const struct rv_proposal *chosen)
{
	for (unsigned i = 0; i < chosen->n; i++)
		for (unsigned j = 0; j < i; j++)
			if (rv_class_is_further_ke(chosen->t[i].class) && rv_class_is_further_ke(chosen->t[j].class) &&
			    chosen->t[i].id && chosen->t[i].id == chosen->t[j].id)
				return true;
	return false;
}

static bool is_ke(uint8_t class)
{
	return class == RV_CLASS_KE || rv_class_is_further_ke(class);
}

bool ike_choice_fits(const struct rv_proposal *offers, size_t n, const struct rv_proposal *chosen, bool strip_ke)
{
	const struct rv_proposal *offer;

	if (chosen->number == 0 || chosen->number > n || !once_each(chosen) || twice(chosen))
		return false;
	offer = &offers[chosen->number - 1];
	if (offer->protocol != chosen->protocol)
		return false;
	for (unsigned i = 0; i < chosen->n; i++)
		if (!offered(offer, &chosen->t[i]) || (strip_ke && is_ke(chosen->t[i].class)))
			return false;
	for (unsigned i = 0; i < offer->n; i++) {
		uint8_t class = offer->t[i].class;

		if (!rv_proposal_get(chosen, class) && !may_lack(offer, class) && !(strip_ke && is_ke(class)))
			return false;
	}
	return true;
}
