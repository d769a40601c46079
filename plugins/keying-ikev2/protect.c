// SPDX-License-Identifier: LGPL-2.1-or-later
/* protect: payloads into datagrams and back (RFC 7296, 2.14, 3.14), and the points where extensions stand in between.
 *
 * Extensions see every protected message in plain once, may send it as several datagrams, and may put one together
 * from several; keys never leave this folder.
 */
#include "protect.h"

#include "octets/sealed.h"

#include <errno.h>
#include <string.h>

enum { LENGTH_LEN = 2, DATAGRAM_MAX = 65535 };

struct ike_header ike_header_of(const struct rv_ike_exchange *x)
{
	const struct rv_ike_sa *sa = x->sa;

	return (struct ike_header){ .spi_i = sa->spi_i,
				    .spi_r = sa->spi_r,
				    .next = IKE_PAYLOAD_SK,
				    .major = IKE_MAJOR,
				    .exchange = x->type,
				    .flags = (uint8_t)((sa->initiator ? IKE_FLAG_INITIATOR : 0) |
						       (x->plan ? 0 : IKE_FLAG_RESPONSE)),
				    .id = x->id };
}

/* Lists of datagrams */

bool ike_list_next(struct rv_rd *list, struct rv_bytes *datagram)
{
	*datagram = rv_rd_take(list, rv_rd_u16(list));
	return datagram->len > 0;
}

struct rv_bytes ike_list_first(struct rv_bytes list)
{
	struct rv_rd r = rv_rd(list);
	struct rv_bytes datagram;

	return ike_list_next(&r, &datagram) ? datagram : rv_bytes(NULL, 0);
}

void ike_send_list(struct rv_ike_sa *sa, const struct rv_path *path, struct rv_bytes list)
{
	struct rv_rd r = rv_rd(list);
	struct rv_bytes datagram;

	while (rv_rd_more(&r) && ike_list_next(&r, &datagram))
		(void)ike_send(sa, path, datagram);
}

/* Room for one more datagram of at most len octets behind x->sent; NULL: out of memory. */
static uint8_t *list_room(struct rv_ike_exchange *x, size_t len)
{
	uint8_t *grown = talloc_realloc_size(x, x->sent.b, x->sent.len + LENGTH_LEN + len);

	if (!grown)
		return NULL;
	x->sent.b = grown;
	return grown + x->sent.len + LENGTH_LEN;
}

static int list_grown(struct rv_ike_exchange *x, size_t len)
{
	struct rv_wr w = rv_wr(x->sent.b + x->sent.len, LENGTH_LEN);

	if (len > DATAGRAM_MAX)
		return -ENOSPC;
	rv_wr_u16(&w, (uint16_t)len);
	x->sent.len += LENGTH_LEN + len;
	return 0;
}

/* Sealing */

static struct ike_sealing sealing(const struct rv_ike_sa *sa, bool ours, const struct ike_keys *keys)
{
	return (struct ike_sealing){ .suite = &sa->suite,
				     .vault = sa->engine->host->vault,
				     .encr = sa->initiator == ours ? keys->ei : keys->er,
				     .integ = sa->initiator == ours ? keys->ai : keys->ar };
}

static int seal_at(struct rv_ike_sa *sa, const struct ike_header *header, uint8_t type, struct rv_bytes prefix,
		   uint8_t first, struct rv_bytes chain, const struct ike_outside *outside, uint8_t *out, size_t cap,
		   size_t *len)
{
	struct ike_sealing how;
	struct ike_keys keys;
	uint8_t random[16], iv[16];

	ike_sa_keys(sa, &keys);
	how = sealing(sa, true, &keys);
	how.outside = outside->body;
	how.outside_type = outside->type;
	rv_host_random(sa->engine->host, random, sizeof(random));
	ike_sealed_iv(&sa->suite, sa->iv++, random, iv);
	return ike_sealed_write_as(&how, header, type, prefix, first, chain, iv, out, cap, len);
}

int ike_seal(struct rv_ike_sa *sa, const struct ike_header *header, uint8_t first, struct rv_bytes chain, uint8_t **out,
	     size_t *len)
{
	const struct ike_outside none = { 0 };
	size_t cap = ike_sealed_len(&sa->suite, chain.len);

	*out = talloc_size(sa, cap);
	if (!*out)
		return -ENOMEM;
	return seal_at(sa, header, IKE_PAYLOAD_SK, rv_bytes(NULL, 0), first, chain, &none, *out, cap, len);
}

int ike_seal_more(struct rv_ike_exchange *x, uint8_t type, struct rv_bytes prefix, uint8_t first, struct rv_bytes chain)
{
	const struct ike_outside none = { 0 }, *outside = x->sent.len ? &none : &x->outside;
	size_t cap = ike_sealed_len(&x->sa->suite, chain.len) + prefix.len, len = 0;
	uint8_t *room;
	int r;

	cap += outside->body.len ? IKE_PAYLOAD_HEADER_LEN + outside->body.len : 0;
	room = list_room(x, cap);
	if (!room)
		return -ENOMEM;
	r = seal_at(x->sa, &x->head, type, prefix, first, chain, outside, room, cap, &len);
	return r ? r : list_grown(x, len);
}

/* IKE_SA_INIT: the message as it is. */
static int write_plain(struct rv_ike_exchange *x, struct rv_bytes chain)
{
	size_t cap = IKE_HEADER_LEN + chain.len, len = 0;
	uint8_t *room = list_room(x, cap);
	int r;

	if (!room)
		return -ENOMEM;
	r = ike_message_write(&x->head, &x->out, room, cap, &len);
	return r ? r : list_grown(x, len);
}

static struct rv_ike_plain plain_of(const struct rv_ike_exchange *x, uint8_t first, struct rv_bytes chain,
				    uint8_t head[static IKE_HEADER_LEN])
{
	struct ike_header header = x->head;
	struct rv_wr w = rv_wr(head, IKE_HEADER_LEN);

	header.length = (uint32_t)ike_sealed_len(&x->sa->suite, chain.len);
	ike_header_write(&w, &header);
	return (struct rv_ike_plain){ .header = rv_wr_bytes(&w), .payloads = chain, .first = first, .ours = true };
}

int ike_protect(struct rv_ike_exchange *x)
{
	uint8_t head[IKE_HEADER_LEN];
	struct rv_ike_plain plain;
	struct rv_bytes chain;
	int r;

	x->sent.len = 0;
	x->head = ike_header_of(x);
	r = ike_ext_shape(x);
	if (r)
		return r;
	if (!ike_builder_done(&x->out, &chain))
		return -ENOSPC;
	if (ike_is_first(x))
		return write_plain(x, chain);
	plain = plain_of(x, x->out.first, chain, head);
	ike_ext_seen(x, &plain);
	r = ike_ext_split(x, &plain, 0);
	if (r)
		return r < 0 ? r : 0;
	return ike_seal_more(x, IKE_PAYLOAD_SK, rv_bytes(NULL, 0), plain.first, chain);
}

/* What an extension may make other datagrams of is kept beside them while a request is under way. */
void ike_protect_keep(struct rv_ike_exchange *x)
{
	struct rv_bytes chain;

	if (ike_is_first(x) || !ike_ext_splits(x->sa->engine) || !ike_builder_done(&x->out, &chain))
		return;
	x->kept = ike_keep(x, chain);
	x->kept_first = x->out.first;
}

bool ike_protect_again(struct rv_ike_exchange *x, unsigned n)
{
	struct ike_list before = x->sent;
	uint8_t head[IKE_HEADER_LEN];
	struct rv_ike_plain plain;
	int r;

	if (!x->kept.len)
		return false;
	plain = plain_of(x, x->kept_first, x->kept, head);
	x->sent = (struct ike_list){ 0 };
	r = ike_ext_split(x, &plain, n);
	if (r > 0) {
		talloc_free(before.b);
		return true;
	}
	talloc_free(x->sent.b);
	x->sent = before;
	return false;
}

/* Opening */

int ike_open(struct rv_ike_sa *sa, const struct ike_message *message, size_t skip, bool answered, uint8_t *room,
	     size_t cap, struct rv_bytes *chain)
{
	struct ike_sealing how;
	struct ike_keys keys;
	int r;

	if (!sa->keys.len)
		return -RV_EINTEGRITY;
	ike_sa_keys(sa, &keys);
	how = sealing(sa, false, &keys);
	r = ike_sealed_open(&how, message, skip, room, cap, chain);
	if (r != -RV_EINTEGRITY || !answered || !sa->hs || !sa->hs->before.len)
		return r;
	ike_keys_in(sa, rv_secret_bytes(&sa->hs->before), &keys);
	how = sealing(sa, false, &keys);
	return ike_sealed_open(&how, message, skip, room, cap, chain);
}

static int open_whole(struct rv_ike_sa *sa, const struct ike_message *message, struct rv_ike_plain *plain)
{
	size_t cap = message->sealed_body.len;
	uint8_t *room = talloc_size(sa, cap ? cap : 1);
	int r;

	if (!room)
		return -ENOMEM;
	r = ike_open(sa, message, 0, false, room, cap, &plain->payloads);
	if (r) {
		talloc_free(room);
		return r;
	}
	plain->owner = room;
	plain->first = message->sealed_next;
	plain->digest = ike_digest(message->octets);
	return 0;
}

/* The octets around a sealed payload: the header, what is between that and the payload, and the second octet of the
 * payload's generic header. */
static void look_around(const struct ike_message *message, struct rv_ike_plain *plain)
{
	struct rv_rd r = rv_rd(message->sealed_aad);

	plain->header = rv_rd_take(&r, IKE_HEADER_LEN);
	plain->outside = rv_rd_take(&r, message->sealed_aad.len - IKE_HEADER_LEN - IKE_PAYLOAD_HEADER_LEN);
	(void)rv_rd_u8(&r);
	plain->reserved = rv_rd_u8(&r);
}

int ike_unprotect(struct rv_ike_sa *sa, const struct ike_message *message, bool answered, struct rv_ike_plain *plain)
{
	const struct ike_header *header = &message->header;
	int r;

	*plain = (struct rv_ike_plain){ 0 };
	if (!message->sealed || !sa->keys.len)
		return -RV_EINTEGRITY;
	look_around(message, plain);
	if (message->sealed == IKE_PAYLOAD_SK)
		return open_whole(sa, message, plain);
	const struct rv_ike_sealed sealed = { .datagram = message->octets,
					      .body = message->sealed_body,
					      .type = message->sealed,
					      .first = message->sealed_next,
					      .reserved = plain->reserved,
					      .exchange = header->exchange,
					      .id = header->id,
					      .response = header->flags & IKE_FLAG_RESPONSE,
					      .answered = answered,
					      .digest = ike_digest(message->octets) };

	r = ike_ext_join(sa, &sealed, plain);
	if (r == RV_IKE_WHOLE)
		return 0;
	return r ? r : -RV_EINTEGRITY;
}

/* Further shared secrets before the peers are authenticated */

int ike_mix(struct rv_ike_exchange *x, struct rv_bytes shared)
{
	struct rv_ike_sa *sa = x->sa;
	struct ike_keys old;

	if (!sa->hs || !sa->hs->ni.len || x->mixed.block)
		return -RV_ESTATE;
	ike_sa_keys(sa, &old);
	const struct ike_key_input in = { .ni = sa->hs->ni,
					  .nr = sa->hs->nr,
					  .shared = shared,
					  .spi_i = sa->spi_i,
					  .spi_r = sa->spi_r,
					  .old_prf = sa->prf.service,
					  .old_d = old.d };

	return ike_keys_make(&x->mixed, x, sa->engine->host->vault, sa->prf.service, &sa->suite, &in);
}

/* The keys before these stay for a moment: the peer may repeat the request that they protect. */
void ike_mix_commit(struct rv_ike_exchange *x)
{
	struct rv_ike_sa *sa = x->sa;

	if (!x->mixed.block || !sa->hs)
		return;
	rv_secret_fini(&sa->hs->before);
	sa->hs->before = sa->keys;
	sa->keys = (struct rv_secret){ 0 };
	ike_sa_adopt_keys(sa, &x->mixed);
	ike_sa_tell_keys(sa);
}
