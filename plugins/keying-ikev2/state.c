// SPDX-License-Identifier: LGPL-2.1-or-later
/* state: an established IKE SA as a pack, and back, for another daemon or the same one after a restart.
 *
 * The message counters, the keys and the responses of the window go along; the counter of IVs jumps forward, so that
 * none is used twice when the pack is older than the last message (RFC 5282, 3.1).
 */
#include "window.h"

#include <ravelin/ikev2-wire.h>
#include <ravelin/pack.h>

#include <errno.h>
#include <string.h>

enum tag {
	TAG_SPI_I = 1,
	TAG_SPI_R,
	TAG_INITIATOR,
	TAG_NEXT_OUT,
	TAG_NEXT_IN,
	TAG_IV,
	TAG_ENCAP,
	TAG_TRANSFORM,
	TAG_KEYS,
	TAG_REKEY_IN,
	TAG_OVER_IN,
	TAG_RESPONSE_ID,
	TAG_RESPONSE_DIGEST,
	TAG_RESPONSE,
	TAG_EXTENSION,
	TAG_AGREED,
	TAG_REAUTH_IN,
	TAG_WINDOW_IN,
	TAG_WINDOW_OUT,
};

enum { IV_JUMP = 1 << 20 };

static uint64_t left(uint64_t at, uint64_t now)
{
	return at > now ? at - now : at ? 1 : 0;
}

/* The oldest first: each is kept in turn when they are read. */
static void pack_responses(const struct rv_ike_sa *sa, struct rv_pack *out)
{
	for (uint32_t back = sa->window_in; back; back--) {
		const struct ike_response *r = ike_window_find(sa, sa->next_in - back);

		if (!r)
			continue;
		rv_pack_u64(out, TAG_RESPONSE_ID, r->id);
		rv_pack_u64(out, TAG_RESPONSE_DIGEST, r->digest);
		rv_pack_put(out, TAG_RESPONSE, rv_bytes(r->octets, r->len));
	}
}

int ike_pack(void *self, struct rv_peer *peer, struct rv_pack *out)
{
	struct rv_ike_sa *sa = peer->sa;
	struct rv_proposal chosen;
	uint64_t now;

	if (!sa || sa->state < RV_IKE_ESTABLISHED || sa->state >= RV_IKE_REPLACED || !sa->keys.len)
		return -RV_ESTATE;
	now = rv_loop_now_us(sa->engine->host->loop);
	rv_pack_u64(out, TAG_SPI_I, sa->spi_i);
	rv_pack_u64(out, TAG_SPI_R, sa->spi_r);
	rv_pack_u64(out, TAG_INITIATOR, sa->initiator);
	rv_pack_u64(out, TAG_NEXT_OUT, sa->next_out);
	rv_pack_u64(out, TAG_NEXT_IN, sa->next_in);
	rv_pack_u64(out, TAG_IV, sa->iv);
	rv_pack_u64(out, TAG_ENCAP, sa->encap);
	ike_sa_proposal(sa, &chosen);
	for (unsigned i = 0; i < chosen.n; i++)
		rv_pack_u64(out, TAG_TRANSFORM,
			    (uint64_t)chosen.t[i].class << 32 | (uint64_t)chosen.t[i].id << 16 | chosen.t[i].key_bits);
	rv_pack_put(out, TAG_KEYS, rv_secret_bytes(&sa->keys));
	rv_pack_u64(out, TAG_REKEY_IN, left(sa->rekey_us, now));
	rv_pack_u64(out, TAG_OVER_IN, left(sa->over_us, now));
	rv_pack_u64(out, TAG_REAUTH_IN, left(sa->reauth_us, now));
	rv_pack_u64(out, TAG_WINDOW_IN, sa->window_in);
	rv_pack_u64(out, TAG_WINDOW_OUT, sa->window_out);
	pack_responses(sa, out);
	for (unsigned i = 0; i < sa->n_agreed; i++)
		rv_pack_u64(out, TAG_AGREED, sa->agreed[i]);
	ike_ext_pack(sa, TAG_EXTENSION, out);
	return 0;
}

/* What was read, before anything is made of it. */
struct image {
	uint64_t spi_i, spi_r, initiator, next_out, next_in, iv, encap, rekey, over, reauth, window_in, window_out;
	struct rv_bytes keys;
	struct rv_proposal chosen;
};

static void read_transform(struct image *m, uint64_t v)
{
	if (m->chosen.n < RV_PROPOSAL_TRANSFORMS)
		m->chosen.t[m->chosen.n++] = (struct rv_transform){ .class = (uint8_t)(v >> 32),
								    .id = (uint16_t)(v >> 16),
								    .key_bits = (uint16_t)v };
}

static bool read_image(struct rv_unpack *in, struct image *m)
{
	uint64_t *const numbers[] = {
		[TAG_SPI_I] = &m->spi_i,       [TAG_SPI_R] = &m->spi_r,		[TAG_INITIATOR] = &m->initiator,
		[TAG_NEXT_OUT] = &m->next_out, [TAG_NEXT_IN] = &m->next_in,	[TAG_IV] = &m->iv,
		[TAG_ENCAP] = &m->encap,       [TAG_REKEY_IN] = &m->rekey,	[TAG_OVER_IN] = &m->over,
		[TAG_REAUTH_IN] = &m->reauth,  [TAG_WINDOW_IN] = &m->window_in, [TAG_WINDOW_OUT] = &m->window_out
	};
	struct rv_bytes value;
	uint16_t tag;

	while (rv_unpack_next(in, &tag, &value)) {
		if (tag == TAG_KEYS)
			m->keys = value;
		else if (tag == TAG_TRANSFORM)
			read_transform(m, rv_unpack_u64(in, value));
		else if (tag < RV_COUNT(numbers) && numbers[tag])
			*numbers[tag] = rv_unpack_u64(in, value);
	}
	m->chosen.protocol = RV_PROTO_KEYING;
	return rv_unpack_done(in) && m->spi_i && m->spi_r && m->keys.len;
}

static size_t keys_wanted(const struct rv_ike_sa *sa)
{
	const struct rv_prf_ops *prf = rv_service_ops(sa->prf.service);

	return prf->key_len + 2u * sa->suite.integ_len + 2u * sa->suite.key_len;
}

static uint8_t window_of(uint64_t n)
{
	return (uint8_t)(n < 1 ? 1 : n > IKE_WINDOW_MAX ? IKE_WINDOW_MAX : n);
}

static int make(struct rv_ike_sa *sa, const struct image *m)
{
	uint64_t now = rv_loop_now_us(sa->engine->host->loop);
	struct rv_why why = { 0 };
	int r = ike_sa_suite(sa, &m->chosen, &why);

	if (r)
		return r;
	if (m->keys.len != keys_wanted(sa))
		return -RV_ESYNTAX;
	if (!rv_secret_init(&sa->keys, sa->engine->host->vault, m->keys.len))
		return -ENOMEM;
	memcpy(sa->keys.b, m->keys.p, m->keys.len);
	sa->spi_i = m->spi_i;
	sa->spi_r = m->spi_r;
	sa->next_out = (uint32_t)m->next_out;
	sa->next_in = (uint32_t)m->next_in;
	sa->iv = m->iv + IV_JUMP;
	sa->encap = m->encap != 0;
	sa->window_in = window_of(m->window_in);
	sa->window_out = window_of(m->window_out);
	sa->state = RV_IKE_ESTABLISHED;
	r = ike_sas_add(sa);
	if (r)
		return r;
	ike_sa_lifetimes(sa);
	if (m->rekey)
		sa->rekey_us = now + m->rekey;
	if (m->over)
		sa->over_us = now + m->over;
	if (m->reauth)
		sa->reauth_us = now + m->reauth;
	ike_sa_schedule(sa);
	return 0;
}

static int unpack_responses(struct rv_ike_sa *sa, struct rv_unpack in)
{
	uint64_t id = 0, digest = 0;
	struct rv_bytes value;
	uint16_t tag;
	int r = 0;

	while (!r && rv_unpack_next(&in, &tag, &value))
		if (tag == TAG_RESPONSE_ID)
			id = rv_unpack_u64(&in, value);
		else if (tag == TAG_RESPONSE_DIGEST)
			digest = rv_unpack_u64(&in, value);
		else if (tag == TAG_RESPONSE)
			r = ike_window_keep(sa, (uint32_t)id, digest, value);
	return r;
}

static void unpack_extensions(struct rv_ike_sa *sa, struct rv_unpack in)
{
	struct rv_bytes value;
	uint16_t tag;

	while (rv_unpack_next(&in, &tag, &value))
		if (tag == TAG_AGREED && rv_ike_agree(sa, (uint16_t)rv_unpack_u64(&in, value)))
			return; /* more than there can be */
		else if (tag == TAG_EXTENSION)
			ike_ext_unpack(sa, value);
}

int ike_unpack(void *self, struct rv_peer *peer, struct rv_unpack *in)
{
	struct ike_engine *engine = self;
	struct ike_port *port =
		rv_list_empty(&engine->ports) ? NULL : rv_container_of(engine->ports.next, struct ike_port, entry);
	const struct rv_unpack all = *in;
	struct image image = { 0 };
	struct rv_ike_sa *sa;
	int r;

	if (!read_image(in, &image))
		return -RV_ESYNTAX;
	if (!port)
		return -RV_ENO_PROVIDER;
	sa = ike_sa_new(engine, peer, peer, port, image.initiator != 0);
	if (!sa)
		return -ENOMEM;
	r = make(sa, &image);
	if (!r)
		r = unpack_responses(sa, all);
	if (r) {
		talloc_free(sa);
		return r;
	}
	peer->sa = sa;
	ike_sa_schedule(sa);
	ike_sa_keep_alive(sa, true);
	unpack_extensions(sa, all);
	return 0;
}
