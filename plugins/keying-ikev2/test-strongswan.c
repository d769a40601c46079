// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-strongswan: whole conversations of two strongSwan hosts, read with their secrets: every key that we make is the
 * one that they logged, every message opens, every payload is understood, every proof holds.
 *
 * vectors/from-strongswan.py says how they were captured.
 */
#include "test.h"

#include "octets/keys.h"
#include "octets/narrow.h"
#include "octets/nat.h"
#include "octets/sealed.h"
#include "test-services.h"

enum { SAS = 2, CHILDREN = 2, EXCHANGES = 3, MESSAGES = 20, TEXT_MAX = 2048 };

struct conversation {
	const char *what;
	const char *shared[EXCHANGES]; /* g^ir of IKE_SA_INIT, of the child SA's rekey, of the IKE SA's rekey */
	const char *sas[SAS], *children[CHILDREN];
	struct {
		unsigned from;
		const char *octets;
	} messages[MESSAGES];
};

static const struct conversation conversations[] = {
#include "vectors/strongswan-cbc.inc"
#include "vectors/strongswan-gcm.inc"
};

/* An IKE SA as both see it. */
struct sa {
	uint64_t spi_i, spi_r;
	struct rv_service *prf;
	struct rv_suite suite;
	struct ike_keys keys;
};

/* What is known while a conversation is read. Octets of messages stay until the end. */
struct reader {
	const struct conversation *c;
	struct rv_core *core;
	struct rv_user user;
	struct ike_types types;
	struct sa sas[SAS];
	unsigned n_sas, n_children;
	uint8_t octets[MESSAGES][TEXT_MAX], plain[MESSAGES][TEXT_MAX];
	struct rv_bytes message[MESSAGES];
	struct ike_chain chain, request; /* the message at hand, and the request that it may answer */
	struct ike_proposals offer, choice;
	struct rv_bytes first_ni, first_nr;
};

static struct rv_bytes nonce_of(const struct ike_chain *chain)
{
	struct rv_bytes nonce;

	assert_int_equal(ike_chain_count(chain, IKE_PAYLOAD_NONCE), 1);
	assert_true(ike_nonce_read(&nonce, ike_chain_first(chain, IKE_PAYLOAD_NONCE)->body));
	return nonce;
}

static void shared_of(struct reader *r, unsigned i, uint8_t *buf, size_t cap, struct rv_bytes *out)
{
	*out = rv_bytes(buf, test_hex(r->c->shared[i], buf, cap));
}

/* Reads the SA payloads of request and answer; the answer must fit. */
static const struct rv_proposal *negotiated(struct reader *r)
{
	assert_true(ike_offer_read(&r->offer, ike_chain_first(&r->request, IKE_PAYLOAD_SA)->body));
	assert_true(ike_choice_read(&r->choice, ike_chain_first(&r->chain, IKE_PAYLOAD_SA)->body));
	assert_true(ike_choice_fits(r->offer.proposal, r->offer.n, &r->choice.proposal[0], false));
	return &r->choice.proposal[0];
}

static struct rv_service *prf_of(struct reader *r, const struct rv_proposal *chosen)
{
	return rv_algorithm_service(r->core->registry, rv_proposal_get(chosen, RV_CLASS_PRF));
}

/* A new IKE SA from request and answer; replaces: NULL for the first. */
static void new_sa(struct reader *r, uint64_t spi_i, uint64_t spi_r, const struct sa *replaces)
{
	uint8_t buf[512];
	const struct rv_proposal *chosen = negotiated(r);
	struct sa *sa = &r->sas[r->n_sas];
	struct ike_key_input in = { .ni = nonce_of(&r->request), .nr = nonce_of(&r->chain) };
	struct rv_why why = { 0 };

	assert_true(r->n_sas < SAS);
	sa->spi_i = in.spi_i = spi_i;
	sa->spi_r = in.spi_r = spi_r;
	sa->prf = prf_of(r, chosen);
	assert_non_null(sa->prf);
	if (rv_suite_init(&sa->suite, r->core->registry, chosen, &r->user, &why))
		fail_msg("%s: %s", r->c->what, why.text);
	in.old_prf = replaces ? replaces->prf : NULL;
	in.old_d = replaces ? replaces->keys.d : rv_bytes(NULL, 0);
	shared_of(r, replaces ? 2 : 0, buf, sizeof(buf), &in.shared);
	assert_int_equal(ike_keys_make(&sa->keys, r->core, r->core->vault, sa->prf, &sa->suite, &in), 0);
	test_assert_hex(r->c->what, rv_secret_bytes(sa->keys.block), r->c->sas[r->n_sas++]);
}

static uint64_t spi_of(struct rv_bytes spi)
{
	struct rv_rd r = rv_rd(spi);
	uint64_t v = rv_rd_u64(&r);

	assert_true(rv_rd_done(&r));
	return v;
}

/* Keys of a child SA that request and answer made; the first one (IKE_AUTH) has no nonces of its own. */
static void new_child(struct reader *r, const struct sa *sa)
{
	uint8_t buf[512];
	bool first = r->n_children == 0;
	struct rv_bytes shared = { 0 };
	struct rv_suite suite;
	struct ike_child_keys keys;
	struct rv_why why = { 0 };
	const struct rv_proposal *chosen = negotiated(r);

	assert_int_equal(chosen->protocol, RV_PROTO_ESP);
	if (rv_suite_init(&suite, r->core->registry, chosen, &r->user, &why))
		fail_msg("%s: %s", r->c->what, why.text);
	if (!first)
		shared_of(r, 1, buf, sizeof(buf), &shared);
	assert_int_equal(ike_child_keys_make(&keys, r->core, r->core->vault, sa->prf, sa->keys.d, shared,
					     first ? r->first_ni : nonce_of(&r->request),
					     first ? r->first_nr : nonce_of(&r->chain), suite.key_len, suite.integ_len),
			 0);
	assert_true(r->n_children < CHILDREN);
	test_assert_hex(r->c->what, rv_secret_bytes(keys.block), r->c->children[r->n_children++]);
	rv_suite_fini(&suite);
}

static const struct rv_addr hosts[2] = {
	{ .family = RV_IPV4, .port = 500, .ip = { 10, 0, 0, 1 } },
	{ .family = RV_IPV4, .port = 500, .ip = { 10, 0, 0, 2 } },
};

/* encap = yes: strongSwan says another source than it has, and the true destination. */
static void init_message(struct reader *r, const struct ike_header *h, unsigned from)
{
	struct rv_service *sha1 = test_service(r->core, "hash", "sha1");
	bool response = h->flags & IKE_FLAG_RESPONSE;

	assert_int_equal(ike_nat_look(sha1, h, &r->chain, IKE_N_NAT_DETECTION_SOURCE_IP, &hosts[from - 1]),
			 IKE_NAT_FOUND);
	assert_int_equal(ike_nat_look(sha1, h, &r->chain, IKE_N_NAT_DETECTION_DESTINATION_IP, &hosts[2 - from]),
			 IKE_NAT_NONE);
	if (!response) {
		r->first_ni = nonce_of(&r->chain);
		return;
	}
	r->first_nr = nonce_of(&r->chain);
	new_sa(r, h->spi_i, h->spi_r, NULL);
}

/* RFC 7296, 2.15: AUTH = prf(prf(Shared Secret, "Key Pad for IKEv2"), RealMessage | Nonce of the other | MACedID) */
static void proof_holds(struct reader *r, const struct sa *sa, bool response)
{
	uint8_t id = response ? IKE_PAYLOAD_IDR : IKE_PAYLOAD_IDI;
	const struct rv_bytes pad = RV_STR("Key Pad for IKEv2");
	uint8_t maced[IKE_PRF_MAX], key[IKE_PRF_MAX], proof[IKE_PRF_MAX];
	struct rv_bytes octets[3] = { r->message[response], response ? r->first_ni : r->first_nr };
	struct ike_auth auth;
	size_t len = 0;

	assert_int_equal(ike_maced_id(sa->prf, response ? sa->keys.pr : sa->keys.pi,
				      ike_chain_first(&r->chain, id)->body, maced, &len),
			 0);
	octets[2] = rv_bytes(maced, len);
	assert_int_equal(ike_prf(sa->prf, RV_STR("0123456789abcdef"), &pad, 1, key, &len), 0);
	assert_int_equal(ike_prf(sa->prf, rv_bytes(key, len), octets, 3, proof, &len), 0);
	assert_true(ike_auth_read(&auth, ike_chain_first(&r->chain, IKE_PAYLOAD_AUTH)->body));
	assert_int_equal(auth.method, 2);
	assert_true(rv_bytes_equal(auth.octets, rv_bytes(proof, len)));
}

static void selectors_are_narrowed(struct reader *r)
{
	struct ike_ts_list asked, got;
	const uint8_t types[] = { IKE_PAYLOAD_TSI, IKE_PAYLOAD_TSR };

	for (size_t i = 0; i < RV_COUNT(types); i++) {
		assert_true(ike_ts_read(&asked, ike_chain_first(&r->request, types[i])->body));
		assert_true(ike_ts_read(&got, ike_chain_first(&r->chain, types[i])->body));
		assert_true(ike_ts_within(&got, asked.ts, asked.n));
	}
}

/* A protected message, opened; chain is its inside. */
static void protected_message(struct reader *r, const struct ike_header *h, const struct sa *sa)
{
	bool response = h->flags & IKE_FLAG_RESPONSE;

	if (h->exchange == IKE_EXCHANGE_IKE_AUTH)
		proof_holds(r, sa, response);
	if (!response || !ike_chain_first(&r->chain, IKE_PAYLOAD_SA))
		return;
	if (ike_chain_first(&r->chain, IKE_PAYLOAD_TSI)) {
		selectors_are_narrowed(r);
		new_child(r, sa);
		return;
	}
	(void)negotiated(r);
	new_sa(r, spi_of(r->offer.spi[0]), spi_of(r->choice.spi[0]), sa);
}

static struct sa *sa_of(struct reader *r, const struct ike_header *h)
{
	for (unsigned i = 0; i < r->n_sas; i++)
		if (r->sas[i].spi_i == h->spi_i && r->sas[i].spi_r == h->spi_r)
			return &r->sas[i];
	fail_msg("%s: message of an SA that is not known", r->c->what);
	return NULL;
}

static void open_message(struct reader *r, unsigned i, const struct ike_message *m, const struct sa *sa)
{
	bool by_initiator = m->header.flags & IKE_FLAG_INITIATOR;
	const struct ike_sealing how = {
		.suite = &sa->suite,
		.vault = r->core->vault,
		.encr = by_initiator ? sa->keys.ei : sa->keys.er,
		.integ = by_initiator ? sa->keys.ai : sa->keys.ar,
	};
	struct rv_bytes inner;

	assert_int_equal(m->sealed, IKE_PAYLOAD_SK);
	assert_int_equal(ike_sealed_open(&how, m, 0, r->plain[i], TEXT_MAX, &inner), 0);
	assert_int_equal(ike_chain_read(&r->chain, m->sealed_next, inner, &r->types), 0);
}

static void read_message(struct reader *r, unsigned i)
{
	struct ike_message m;
	struct sa *sa = NULL;

	r->message[i] = rv_bytes(r->octets[i], test_hex(r->c->messages[i].octets, r->octets[i], TEXT_MAX));
	assert_int_equal(ike_message_read(&m, r->message[i], &r->types), 0);
	assert_int_equal(m.header.major, IKE_MAJOR);
	r->chain = m.chain;
	if (m.header.exchange != IKE_EXCHANGE_IKE_SA_INIT) {
		sa = sa_of(r, &m.header);
		open_message(r, i, &m, sa);
	}
	for (unsigned j = 0; j < r->chain.n; j++) {
		assert_true(ike_payload_valid(r->chain.p[j].type, r->chain.p[j].body));
		assert_non_null(ike_payload_name(r->chain.p[j].type));
	}
	if (!sa)
		init_message(r, &m.header, r->c->messages[i].from);
	else
		protected_message(r, &m.header, sa);
	if (!(m.header.flags & IKE_FLAG_RESPONSE))
		r->request = r->chain;
}

static void a_conversation_of_strongswan_is_understood(void **state)
{
	for (size_t i = 0; i < RV_COUNT(conversations); i++) {
		struct rv_core *core = test_core();
		struct reader *r = talloc_zero(core, struct reader);
		unsigned n = 0;

		assert_non_null(r);
		r->c = &conversations[i];
		r->core = core;
		r->types = ike_types_own();
		while (n < MESSAGES && r->c->messages[n].octets)
			read_message(r, n++);
		assert_true(n >= 16);
		assert_int_equal(r->n_sas, SAS);
		assert_int_equal(r->n_children, CHILDREN);
		for (unsigned j = 0; j < r->n_sas; j++)
			rv_suite_fini(&r->sas[j].suite);
		test_core_end(core);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_conversation_of_strongswan_is_understood),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
