// SPDX-License-Identifier: LGPL-2.1-or-later
/* intermediate: exchanges between IKE_SA_INIT and IKE_AUTH, and their authentication in IKE_AUTH (RFC 9242).
 *
 * IntAuth is made of messages in plain, so that it is the same however they travelled (3.3.2).
 */
#include <ravelin/crypto.h>
#include <ravelin/error.h>
#include <ravelin/ikev2-auth.h>
#include <ravelin/ikev2-intermediate.h>
#include <ravelin/ikev2-wire.h>
#include <ravelin/plugin.h>
#include <ravelin/wire.h>

#include <string.h>
#include <talloc.h>

enum {
	IKE_AUTH = 35,
	SK = 46,
	N = 41,
	V = 43,
	INVALID_SYNTAX = 7,
	HEADER_LEN = 28,
	GENERIC_LEN = 4,
	NEXT_AT = 16,
	FLAGS_AT = 19,
	RESPONSE = 0x20,
	PRF_MAX = 64,
	EXCHANGES_MAX = 16,
};

/* Attached to an IKE SA with the first IKE_INTERMEDIATE message. of: IntAuth_iN and IntAuth_rN, len octets each that is
 * there. mid: IKE_AUTH_MID, once known. */
struct intauth {
	uint8_t of[2][PRF_MAX];
	size_t len[2];
	uint32_t mid;
	bool has_mid, failed;
	unsigned n;
};

/* IntAuth_A (3.3.2): from the header to the generic header of the Encrypted payload, as if the message were whole. */

/* "properly replace the content of the Next Header": what leads to the sealed payload says SK. False: it is malformed.
 */
static bool lead_to_sk(uint8_t *a, size_t outside)
{
	uint8_t *next = a + NEXT_AT;
	struct rv_rd r = rv_rd(rv_bytes(a + HEADER_LEN, outside));

	while (rv_rd_more(&r)) {
		size_t at = outside - rv_rd_left(&r);
		uint16_t length;

		(void)rv_rd_u16(&r);
		length = rv_rd_u16(&r);
		if (length < GENERIC_LEN)
			return false;
		(void)rv_rd_take(&r, length - (size_t)GENERIC_LEN);
		next = a + HEADER_LEN + at;
	}
	*next = SK;
	return rv_rd_done(&r);
}

/* "the Length field in the IKE Header ... is set to the sum of the lengths of IntAuth_A and IntAuth_P" */
static struct rv_bytes part_a(const void *parent, const struct rv_ike_plain *plain)
{
	size_t len = HEADER_LEN + plain->outside.len + GENERIC_LEN, p_len = plain->payloads.len;
	uint8_t *a = talloc_size(parent, len);

	if (!a || p_len + GENERIC_LEN > UINT16_MAX)
		return rv_bytes(NULL, 0);
	struct rv_wr w = rv_wr(a, len);

	rv_wr_put(&w, rv_bytes(plain->header.p, HEADER_LEN - 4));
	rv_wr_u32(&w, (uint32_t)(len + p_len));
	rv_wr_put(&w, plain->outside);
	rv_wr_u8(&w, plain->first);
	rv_wr_u8(&w, plain->reserved);
	rv_wr_u16(&w, (uint16_t)(p_len + GENERIC_LEN));
	if (!rv_wr_done(&w) || !lead_to_sk(a, plain->outside.len))
		return rv_bytes(NULL, 0);
	return rv_bytes(a, len);
}

/* IntAuth_iN = prf(SK_piN, IntAuth_iN-1 | IntAuth_iNA [| IntAuth_iNP]), and so with r */
static int add(struct intauth *auth, struct rv_ike_exchange *x, const struct rv_ike_plain *plain)
{
	unsigned which = plain->header.p[FLAGS_AT] & RESPONSE ? 1 : 0;
	struct rv_service *prf = rv_ike_prf(rv_ike_sa(x));
	const struct rv_prf_ops *ops = rv_service_ops(prf);
	struct rv_bytes a = part_a(auth, plain);
	uint8_t out[PRF_MAX];
	size_t key_len;
	const uint8_t *key = rv_ike_key(x, which ? 'r' : 'i', &key_len);
	const struct rv_bytes parts[] = { rv_bytes(auth->of[which], auth->len[which]), a, plain->payloads };
	int r;

	if (!a.len || !key || ops->out_len > PRF_MAX)
		return -RV_EFAILED;
	r = ops->prf(rv_service_self(prf), rv_bytes(key, key_len), parts, RV_COUNT(parts), out);
	if (r)
		return r;
	memcpy(auth->of[which], out, ops->out_len);
	auth->len[which] = ops->out_len;
	return 0;
}

/* Every protected message is seen; those after IKE_AUTH let go what that needed. */
static void seen(void *self, struct rv_ike_exchange *x, const struct rv_ike_plain *plain)
{
	struct rv_host *host = self;
	struct rv_ike_sa *sa = rv_ike_sa(x);
	struct intauth *auth = rv_attached(host, sa, struct intauth);

	if (rv_ike_type(x) != RV_IKE_INTERMEDIATE) {
		if (auth && rv_ike_state(sa) >= RV_IKE_ESTABLISHED && rv_ike_type(x) != IKE_AUTH)
			talloc_free(auth);
		return;
	}
	if (!auth)
		auth = rv_attach(host, sa, struct intauth);
	if (!auth)
		return; /* and at OCTETS nothing is there: authentication fails */
	auth->n += plain->ours;
	auth->failed = auth->failed || add(auth, x, plain);
}

/* IntAuth = IntAuth_iN | IntAuth_rN | IKE_AUTH_MID, behind what RFC 7296 signs */
static int octets(struct rv_ike_exchange *x, void *self)
{
	struct rv_host *host = self;
	struct intauth *auth = rv_attached(host, rv_ike_sa(x), struct intauth);
	uint8_t all[2 * PRF_MAX + 4];
	struct rv_wr w = rv_wr(all, sizeof(all));

	if (!auth)
		return 0;
	if (auth->failed || !auth->len[0] || !auth->len[1])
		return -RV_EFAILED;
	if (!auth->has_mid)
		auth->mid = rv_ike_id(x); /* "the first round of the IKE_AUTH exchange" */
	auth->has_mid = true;
	rv_wr_put(&w, rv_bytes(auth->of[0], auth->len[0]));
	rv_wr_put(&w, rv_bytes(auth->of[1], auth->len[1]));
	rv_wr_u32(&w, auth->mid);
	return rv_ike_sign_also(x, rv_wr_bytes(&w));
}

/* Negotiation (3.1) */

static bool before_keys(struct rv_ike_exchange *x)
{
	enum rv_ike_state state = rv_ike_state(rv_ike_sa(x));

	return state == RV_IKE_NEW || state == RV_IKE_INIT;
}

static bool peer_says(const struct rv_ike_exchange *x)
{
	struct rv_bytes data;

	return rv_ike_notify(x, RV_IKE_INTERMEDIATE_SUPPORTED, 0, &data);
}

/* Agreed on as soon as a message shows it: what is chosen for the IKE SA may depend on it. */
static int listen(struct rv_ike_exchange *x, void *self)
{
	return before_keys(x) && peer_says(x) ? rv_ike_agree(rv_ike_sa(x), RV_IKE_INTERMEDIATE_SUPPORTED) : 0;
}

static int announce(struct rv_ike_exchange *x, void *self)
{
	if (!before_keys(x) || (rv_ike_role(x) == RV_IKE_RESPONDER && !peer_says(x)))
		return 0;
	return rv_ike_add_notify(x, RV_IKE_INTERMEDIATE_SUPPORTED, rv_bytes(NULL, 0));
}

/* Only when negotiated (3.2); and a stranger may not keep us busy without end (5). */
static int permit(struct rv_ike_exchange *x, void *self)
{
	struct rv_host *host = self;
	const struct intauth *auth = rv_attached(host, rv_ike_sa(x), struct intauth);

	if (rv_ike_role(x) != RV_IKE_RESPONDER)
		return 0;
	if (!rv_ike_agreed(rv_ike_sa(x), RV_IKE_INTERMEDIATE_SUPPORTED))
		return rv_ike_veto(x, INVALID_SYNTAX, rv_bytes(NULL, 0), "IKE_INTERMEDIATE was not negotiated");
	if (auth && auth->n >= EXCHANGES_MAX)
		return rv_ike_veto(x, INVALID_SYNTAX, rv_bytes(NULL, 0), "too many IKE_INTERMEDIATE exchanges");
	return 0;
}

/* A request that carries nothing but notifications is answered, since it may be for a later use of the exchange. */
static bool nothing_inside(const struct rv_ike_exchange *x)
{
	struct rv_bytes body;

	for (unsigned type = 33; type < 256; type++)
		if (type != N && type != V && rv_ike_payload(x, (uint8_t)type, 0, &body))
			return false;
	return true;
}

static const struct rv_ike_task tasks[] = {
	{ RV_IKE_AT_BUILD, 0, announce },
	{ RV_IKE_AT_READ, 0, listen },
	{ RV_IKE_AT_READ, RV_IKE_INTERMEDIATE, permit },
	{ RV_IKE_AT_OCTETS, IKE_AUTH, octets },
};

static rv_ike_step_fn *const nothing[] = { NULL };
static const struct rv_ike_row rows[] = {
	{ .from = RV_IKE_HALF_OPEN,
	  .exchange = RV_IKE_INTERMEDIATE,
	  .role = RV_IKE_RESPONDER,
	  .to = RV_IKE_N_STATES,
	  .when = nothing_inside,
	  .steps = nothing,
	  .story = "answer an IKE_INTERMEDIATE request without payloads" },
};

static const struct rv_ikev2_ext_ops ops = {
	.size = sizeof(ops),
	.tasks = tasks,
	.n_tasks = RV_COUNT(tasks),
	.rows = rows,
	.n_rows = RV_COUNT(rows),
	.seen = seen,
};

static int init(struct rv_host *host)
{
	return rv_ikev2_ext_offer(host, (struct rv_offer){ .name = "intermediate" }, &ops, host);
}

RV_PLUGIN(ikev2_intermediate, "ikev2-intermediate",
	  "version=1\0"
	  "summary=Intermediate exchange of IKEv2\0"
	  "licence=LGPL-2.1-or-later\0"
	  "vendor=Ravelin\0"
	  "default=on\0"
	  "provides=ikev2-ext:intermediate\0"
	  "rfc=9242\0",
	  .init = init);
