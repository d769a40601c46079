// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-random: a peer that is authenticated and sends nonsense: sealed requests whose payloads are right, nearly right
 * or random, in any order. Nothing may break, and what is left over at the end goes with the session.
 */
#include "pair.h"

#include "protect.h"
#include "requests.h"

#include "engine.h"

enum { ROUNDS = 4000, BODY = 300 };

struct fuzz {
	struct pair *p;
	uint64_t dice;
	uint8_t room[8192];
	struct ike_builder b;
};

static unsigned pick(struct fuzz *f, unsigned n)
{
	return (unsigned)((sim_rand(&f->dice) >> 20) % n);
}

static uint32_t some_spi(struct fuzz *f)
{
	struct rv_child *child = child_of(f->p->west);

	return child && pick(f, 3) ? child->spi_in : (uint32_t)sim_rand(&f->dice);
}

static void put_sa(struct fuzz *f, struct ike_builder *b)
{
	const struct rv_connection *c = peer_of(f->p->west)->connection;
	bool ike = pick(f, 12) == 0;
	uint8_t spi[8];

	rv_host_random(f->p->west->core->host, spi, sizeof(spi));
	ike_offer_put(b, ike ? c->proposals : c->children[0].proposals, 1, rv_bytes(spi, ike ? 8 : 4));
}

static void put_ts(struct fuzz *f, struct ike_builder *b, uint8_t type)
{
	const struct rv_child_conf *conf = &peer_of(f->p->west)->connection->children[0];
	bool local = (type == IKE_PAYLOAD_TSI) == (pick(f, 8) != 0);

	ike_ts_put(b, type, local ? conf->local_ts : conf->remote_ts, 1);
}

static void put_ke(struct fuzz *f, struct ike_builder *b)
{
	uint8_t value[32];

	rv_host_random(f->p->west->core->host, value, sizeof(value));
	ike_ke_put(b, pick(f, 6) ? 31 : 19, rv_bytes(value, pick(f, 6) ? 32 : 31));
}

static void put_notify(struct fuzz *f, struct ike_builder *b)
{
	static const uint16_t types[] = { IKE_N_REKEY_SA,
					  IKE_N_REKEY_SA,
					  IKE_N_USE_TRANSPORT_MODE,
					  IKE_N_SET_WINDOW_SIZE,
					  IKE_N_INVALID_SPI,
					  IKE_N_TEMPORARY_FAILURE,
					  IKE_N_INITIAL_CONTACT,
					  IKE_N_INVALID_IKE_SPI,
					  IKE_N_COOKIE,
					  IKE_N_ADDITIONAL_TS_POSSIBLE };

	ike_notify_put_spi(b, types[pick(f, RV_COUNT(types))], (uint8_t)(pick(f, 6) ? RV_PROTO_ESP : pick(f, 256)),
			   some_spi(f), rv_bytes(NULL, 0));
}

static void put_delete(struct fuzz *f, struct ike_builder *b)
{
	uint32_t spis[3] = { some_spi(f), some_spi(f), some_spi(f) };

	if (pick(f, 20) == 0)
		ike_delete_put(b, RV_PROTO_KEYING, NULL, 0);
	else
		ike_delete_put(b, RV_PROTO_ESP, spis, pick(f, 4));
}

static void put_any(struct fuzz *f, struct ike_builder *b)
{
	uint8_t body[BODY];

	rv_host_random(f->p->west->core->host, body, sizeof(body));
	rv_wr_put(ike_builder_open(b, (uint8_t)(33 + pick(f, 20)), pick(f, 8) == 0),
		  rv_bytes(body, pick(f, sizeof(body))));
	ike_builder_close(b);
}

static void put_nonce(struct fuzz *f, struct ike_builder *b)
{
	uint8_t nonce[40];

	rv_host_random(f->p->west->core->host, nonce, sizeof(nonce));
	ike_nonce_put(b, rv_bytes(nonce, pick(f, 50) ? 32 : pick(f, sizeof(nonce))));
}

/* A whole request that could be right, with something left out, doubled or random. */
static void put_request(struct fuzz *f, struct ike_builder *b)
{
	if (pick(f, 3) == 0)
		put_notify(f, b);
	if (pick(f, 50))
		put_sa(f, b);
	if (pick(f, 50))
		put_nonce(f, b);
	if (pick(f, 2))
		put_ke(f, b);
	if (pick(f, 30))
		put_ts(f, b, IKE_PAYLOAD_TSI);
	if (pick(f, 30))
		put_ts(f, b, IKE_PAYLOAD_TSR);
	if (pick(f, 50) == 0)
		put_any(f, b);
	if (pick(f, 50) == 0)
		put_nonce(f, b);
}

static void put_information(struct fuzz *f, struct ike_builder *b)
{
	for (unsigned n = pick(f, 4); n; n--) {
		switch (pick(f, 4)) {
		case 0:
			put_delete(f, b);
			break;
		case 1:
			put_any(f, b);
			break;
		default:
			put_notify(f, b);
		}
	}
}

/* One sealed request at east, now and then with octets changed before the sealing. */
static void send_one(struct fuzz *f)
{
	static const uint8_t types[] = { IKE_EXCHANGE_CREATE_CHILD_SA, IKE_EXCHANGE_CREATE_CHILD_SA,
					 IKE_EXCHANGE_CREATE_CHILD_SA, IKE_EXCHANGE_INFORMATIONAL,
					 IKE_EXCHANGE_INFORMATIONAL,   IKE_EXCHANGE_IKE_AUTH };
	struct rv_ike_sa *west = peer_of(f->p->west)->sa, *east = peer_of(f->p->east)->sa;
	struct rv_path path = { .local = f->p->east->addr, .remote = f->p->west->addr };
	struct ike_header header = { .spi_i = west->spi_i,
				     .spi_r = west->spi_r,
				     .major = IKE_MAJOR,
				     .exchange = types[pick(f, pick(f, 40) ? 5 : 6)],
				     .flags = west->initiator ? IKE_FLAG_INITIATOR : 0,
				     .id = east->next_in };
	uint8_t *octets;
	size_t len;

	path.local.port = path.remote.port = 500;
	ike_builder_init(&f->b, f->room, sizeof(f->room));
	if (header.exchange == IKE_EXCHANGE_INFORMATIONAL)
		put_information(f, &f->b);
	else
		put_request(f, &f->b);
	for (unsigned n = pick(f, 10) ? 0 : pick(f, 8); n && rv_wr_len(&f->b.w) > 8; n--)
		f->room[8 + pick(f, (unsigned)rv_wr_len(&f->b.w) - 8)] ^= (uint8_t)(1u << pick(f, 8));
	struct rv_bytes chain;

	if (!ike_builder_done(&f->b, &chain) || ike_seal(west, &header, f->b.first, chain, &octets, &len))
		return;
	f->p->east->recv(f->p->east->recv_arg, &path, rv_bytes(octets, len));
	talloc_free(octets);
}

static bool alike(struct pair *p)
{
	struct rv_peer *west = peer_of(p->west), *east = peer_of(p->east);

	return west && east && west->sa && east->sa &&
	       ((struct rv_ike_sa *)west->sa)->spi_i == ((struct rv_ike_sa *)east->sa)->spi_i;
}

static int down_hard(struct rv_peer *peer, void *arg)
{
	rv_peer_down(peer, 0, NULL);
	return 0;
}

static void nonsense_breaks_nothing(void **state)
{
	struct fuzz *f = talloc_zero(NULL, struct fuzz);
	unsigned sessions = 0;

	assert_non_null(f);
	f->p = pair_new(NULL, NULL);
	f->dice = 99;
	for (int i = 0; i < ROUNDS; i++) {
		if (!alike(f->p) || !child_of(f->p->west)) {
			rv_peer_each(f->p->west->core, NULL, down_hard, NULL);
			rv_peer_each(f->p->east->core, NULL, down_hard, NULL);
			sim_run(f->p->sim, RV_S(1));
			assert_true(pair_down(f->p));
			bring_up(f->p);
			sessions++;
		}
		send_one(f);
		sim_run(f->p->sim, RV_MS(pick(f, 20)));
	}
	rv_peer_each(f->p->west->core, NULL, down_hard, NULL);
	rv_peer_each(f->p->east->core, NULL, down_hard, NULL);
	assert_true(pair_down(f->p));
	print_message("%u sessions\n", sessions);
	pair_free(f->p);
	talloc_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nonsense_breaks_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
