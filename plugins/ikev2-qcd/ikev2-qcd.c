// SPDX-License-Identifier: LGPL-2.1-or-later
/* ikev2-qcd: quick crash detection (RFC 6290), as maker and as taker of tokens.
 *
 * A token is a keyed hash of the SPIs of an IKE SA with a secret that outlives the daemon. The peer gets it protected,
 * keeps a digest, and ends the IKE SA when the token comes back without protection: only a daemon that does not know
 * these SPIs (any more) sends it so. Nothing hangs on an IKE SA whose peer sent no token.
 */
#include "secret.h"

#include <errno.h>
#include <ravelin/config.h>
#include <ravelin/crypto.h>
#include <ravelin/error.h>
#include <ravelin/ikev2-wire.h>
#include <ravelin/loop.h>
#include <ravelin/wire.h>
#include <string.h>

enum {
	IKE_SA_INIT = 34,
	IKE_AUTH = 35,
	CREATE_CHILD_SA = 36,
	INFORMATIONAL = 37,
	NOTIFY = 41,
	SK = 46,
	SKF = 53,
	FLAG_INITIATOR = 0x08,
	FLAG_RESPONSE = 0x20,
	VERSION = 0x20,
	PROTOCOL_IKE = 1,
	INVALID_IKE_SPI = 4,
	QCD_TOKEN = 16419, /* RFC 6290, 4.1 */
	TOKEN_MIN = 16,	   /* 5: "at least 16 octets long, and no more than 128" */
	TOKEN_MAX = 128,
	TOKEN_LEN = 32,
	SECRET_MIN = 16,
	SOURCES = 64,	   /* senders of tokens whose rate is known */
	CHECKS_PER_S = 10, /* of one sender */
	PACK_DIGEST = 1,
};

struct rate {
	uint64_t at_us;
	uint32_t left;
};

struct source {
	struct rv_addr addr;
	struct rate rate;
};

struct qcd {
	struct rv_host *host;
	struct rv_secret *stored; /* of the state folder */
	bool looked, told;	  /* for it; that the configured one is too short */
	struct rate sent, logged;
	struct source sources[SOURCES];
};

/* Hangs on an IKE SA: what the peer will say when it has lost it (RFC 6290, 3: "or a digest thereof"). */
struct taken {
	uint8_t digest[32];
};

/* Hangs on an IKE SA that we made as responder when its answer had gone out before its keys were there: its
 * token is still to be given. */
struct owed {
	bool yes;
};

static bool allowed(struct qcd *q, struct rate *rate, uint32_t per_s)
{
	uint64_t now = rv_loop_now_us(q->host->loop);

	if (!rate->at_us || now - rate->at_us >= RV_S(1))
		*rate = (struct rate){ .at_us = now, .left = per_s };
	if (!rate->left)
		return false;
	rate->left--;
	return true;
}

static bool is_on(struct qcd *q, const char *role)
{
	return rv_conf_bool(rv_host_conf(q->host), role);
}

/* Making tokens */

/* The configured secret, or the stored one; empty: this side makes no tokens. */
static struct rv_bytes secret_of(struct qcd *q)
{
	const struct rv_secret *set = rv_conf_secret(rv_host_conf(q->host), "secret");

	if (!is_on(q, "maker"))
		return rv_bytes(NULL, 0);
	if (set && set->len >= SECRET_MIN)
		return rv_secret_bytes(set);
	if (set && !q->told)
		rv_log(&q->host->subject, RV_WARN, "qcd-secret-short",
		       KV_STR("note", "`secret` needs 16 octets at least; the one in the state folder is used"));
	q->told = set != NULL;
	if (!q->looked)
		q->stored = qcd_secret(q->host, q);
	q->looked = true;
	return rv_secret_bytes(q->stored);
}

/* RFC 6290, 5.1: "HASH(QCD_SECRET | SPI-I | SPI-R)", with a PRF keyed by the secret for the hash. False: none is made.
 */
static bool make(struct qcd *q, uint64_t spi_i, uint64_t spi_r, uint8_t token[static TOKEN_LEN])
{
	struct rv_service *prf = rv_registry_find(q->host->registry, "prf", "hmac-sha256");
	struct rv_bytes secret = secret_of(q), part;
	const struct rv_prf_ops *ops;
	uint8_t spis[16];
	struct rv_wr w = rv_wr(spis, sizeof(spis));

	if (!prf || !secret.len)
		return false;
	rv_wr_u64(&w, spi_i);
	rv_wr_u64(&w, spi_r);
	part = rv_wr_bytes(&w);
	ops = rv_service_ops(prf);
	return ops->out_len == TOKEN_LEN && !ops->prf(rv_service_self(prf), secret, &part, 1, token);
}

/* RFC 6290, 4.1: "Protocol ID (1 octet) MUST be 1", "SPI Size (1 octet) MUST be zero" */
static void put_notify(struct rv_wr *w, uint16_t type, struct rv_bytes data)
{
	rv_wr_u8(w, PROTOCOL_IKE);
	rv_wr_u8(w, 0);
	rv_wr_u16(w, type);
	rv_wr_put(w, data);
}

static int add_token(struct qcd *q, struct rv_ike_exchange *x, const struct rv_ike_sa *sa)
{
	uint8_t token[TOKEN_LEN], body[4 + TOKEN_LEN];
	struct rv_wr w = rv_wr(body, sizeof(body));
	uint64_t spi_i, spi_r;

	(void)rv_ike_spis(sa, &spi_i, &spi_r);
	if (!make(q, spi_i, spi_r, token))
		return 0;
	put_notify(&w, QCD_TOKEN, rv_bytes(token, sizeof(token)));
	return rv_ike_add(x, NOTIFY, false, rv_wr_bytes(&w));
}

/* RFC 6290, 4.2: "the first IKE_AUTH request and final IKE_AUTH response that contain the AUTH payloads" */
static int give(struct rv_ike_exchange *x, void *self)
{
	return add_token(self, x, rv_ike_sa(x));
}

/* RFC 6290, 4.3: who answers a rekey gives the token of the new IKE SA along, who asked for it in an exchange of its
 * own */
static rv_ike_step_fn *const replaced[] = { give, NULL };

static const struct rv_ike_plan plan_replaced = {
	.story = "give the token of the new IKE SA",
	.exchange = INFORMATIONAL,
	.build = replaced,
};

static int inherit(void *self, struct rv_ike_sa *from, struct rv_ike_sa *to)
{
	struct qcd *q = self;
	uint64_t spi_i, spi_r;

	if (!rv_ike_spis(to, &spi_i, &spi_r) || !secret_of(q).len)
		return 0;
	return rv_ike_start(to, &plan_replaced, q);
}

/* What is owed goes along with the first answer: the peer has the IKE SA then, whatever order messages came in. */
static int pay(struct rv_ike_exchange *x, void *self)
{
	struct qcd *q = self;
	struct owed *owed = rv_attached(q->host, rv_ike_sa(x), struct owed);

	if (!owed || rv_ike_role(x) != RV_IKE_RESPONDER)
		return 0;
	talloc_free(owed);
	return add_token(q, x, rv_ike_sa(x));
}

/* Taking tokens */

static int digest(struct qcd *q, struct rv_bytes token, uint8_t out[static 32])
{
	struct rv_service *hash = rv_registry_find(q->host->registry, "hash", "sha256");
	const struct rv_hash_ops *ops = hash ? rv_service_ops(hash) : NULL;

	return ops ? ops->digest(rv_service_self(hash), &token, 1, out) : -RV_ENO_PROVIDER;
}

/* A token in a protected message, for sa: the last one counts (RFC 6290, 4.4). */
static int keep(struct qcd *q, struct rv_ike_exchange *x, struct rv_ike_sa *sa)
{
	struct taken *taken = rv_attached(q->host, sa, struct taken);
	struct rv_bytes token;
	uint8_t fresh[32];

	if (!rv_ike_notify(x, QCD_TOKEN, 0, &token) || !is_on(q, "taker"))
		return 0;
	if (token.len < TOKEN_MIN || token.len > TOKEN_MAX) {
		rv_log(&q->host->subject, RV_INFO, "qcd-token-ignored", KV_UINT("octets", token.len));
		return 0;
	}
	if (digest(q, token, fresh))
		return 0;
	if (!taken)
		taken = rv_attach(q->host, sa, struct taken);
	if (!taken)
		return -ENOMEM;
	memcpy(taken->digest, fresh, sizeof(fresh));
	return 0;
}

static int take(struct rv_ike_exchange *x, void *self)
{
	return keep(self, x, rv_ike_sa(x));
}

/* A token with the keys of a new IKE SA is the new one's. */
static int rekeyed(struct rv_ike_exchange *x, void *self)
{
	struct rv_ike_sa *fresh = rv_ike_fresh(x);
	struct qcd *q = self;
	int r;

	if (!fresh)
		return 0;
	r = rv_ike_role(x) == RV_IKE_RESPONDER ? add_token(q, x, fresh) : keep(q, x, fresh);
	if (r != -RV_ESTATE)
		return r;
	return rv_attach(q->host, fresh, struct owed) ? 0 : -ENOMEM;
}

static bool may_check(struct qcd *q, const struct rv_addr *from)
{
	struct source *source;
	uint32_t h = 0;

	for (size_t i = 0; i < sizeof(from->ip); i++)
		h = h * 31 + from->ip[i];
	source = &q->sources[h % SOURCES];
	if (!rv_addr_same_ip(&source->addr, from))
		*source = (struct source){ .addr = *from };
	return allowed(q, &source->rate, CHECKS_PER_S);
}

/* RFC 6290, 3: "The token taker MUST accept such tokens from any IP address and port combination", 8.1: "SHOULD limit
 * the rate of QCD_TOKENs verified from a particular source" */
static int unprotected(void *self, struct rv_ike_sa *sa, const struct rv_path *path, uint16_t type,
		       struct rv_bytes data)
{
	struct qcd *q = self;
	const struct taken *taken = type == QCD_TOKEN ? rv_attached(q->host, sa, struct taken) : NULL;
	uint8_t said[32];
	bool equal;

	if (!taken || !is_on(q, "taker") || !may_check(q, &path->remote) || digest(q, data, said))
		return 0;
	equal = rv_equal_secret(rv_bytes(said, sizeof(said)), rv_bytes(taken->digest, sizeof(taken->digest)));
	if (equal || allowed(q, &q->logged, CHECKS_PER_S))
		rv_log(&q->host->subject, equal ? RV_NOTICE : RV_WARN, equal ? "qcd-peer-crashed" : "qcd-token-wrong",
		       KV_UINT("session", rv_ike_peer(sa)->id), KV_ADDR("from", &path->remote));
	return equal ? -RV_ETIMEOUT : 0;
}

/* Requests of IKE SAs that this daemon does not know */

/* RFC 6290, 4.5: "N(INVALID_IKE_SPI), N(QCD_TOKEN)+", "the IKE SPI and message ID fields in the packet headers are
 * taken from the protected IKE request" */
static void answer(const struct rv_ike_datagram *d, uint64_t spi_i, uint64_t spi_r, uint32_t id, struct rv_bytes token)
{
	uint8_t out[28 + 8 + 8 + TOKEN_LEN];
	struct rv_wr w = rv_wr(out, sizeof(out));

	rv_wr_u64(&w, spi_i);
	rv_wr_u64(&w, spi_r);
	rv_wr_u8(&w, NOTIFY);
	rv_wr_u8(&w, VERSION);
	rv_wr_u8(&w, d->exchange);
	rv_wr_u8(&w, (uint8_t)(FLAG_RESPONSE | (d->flags & FLAG_INITIATOR ? 0 : FLAG_INITIATOR)));
	rv_wr_u32(&w, id);
	rv_wr_u32(&w, sizeof(out));
	rv_wr_u16(&w, NOTIFY << 8);
	rv_wr_u16(&w, 8);
	put_notify(&w, INVALID_IKE_SPI, rv_bytes(NULL, 0));
	rv_wr_u16(&w, 0);
	rv_wr_u16(&w, 8 + TOKEN_LEN);
	put_notify(&w, QCD_TOKEN, token);
	if (rv_wr_done(&w))
		d->reply(d, rv_wr_bytes(&w));
}

/* RFC 6290, 9.2: "A token maker MUST NOT send a valid QCD token in an unprotected message for an existing IKE SA": what
 * comes here has no SPI of ours. 9.3: "Throttling the amount of QCD_TOKEN notifications". */
static int stray(void *self, const struct rv_ike_datagram *d)
{
	struct rv_rd r = rv_rd(d->message);
	uint64_t spi_i = rv_rd_u64(&r), spi_r = rv_rd_u64(&r);
	uint8_t next = rv_rd_u8(&r), token[TOKEN_LEN];
	struct qcd *q = self;

	(void)rv_rd_take(&r, 3);
	uint32_t id = rv_rd_u32(&r);

	if (!rv_rd_more(&r) || d->exchange == IKE_SA_INIT || !spi_i || !spi_r || (next != SK && next != SKF) ||
	    !allowed(q, &q->sent, (uint32_t)rv_conf_int(rv_host_conf(q->host), "tokens_per_second")) ||
	    !make(q, spi_i, spi_r, token))
		return 0;
	rv_log(&q->host->subject, RV_DEBUG, "qcd-token-sent", KV_ADDR("to", &d->path->remote));
	answer(d, spi_i, spi_r, id, rv_bytes(token, sizeof(token)));
	return 1;
}

/* The digest is in the session's pack: a token lasts as long as the SPIs. */

static int pack(void *self, struct rv_ike_sa *sa, struct rv_pack *out)
{
	const struct qcd *q = self;
	const struct taken *taken = rv_attached(q->host, sa, struct taken);

	if (taken)
		rv_pack_put(out, PACK_DIGEST, rv_bytes(taken->digest, sizeof(taken->digest)));
	return 0;
}

static int unpack(void *self, struct rv_ike_sa *sa, struct rv_unpack *in)
{
	struct qcd *q = self;
	struct taken *taken = NULL;
	struct rv_bytes value;
	uint16_t tag;

	while (rv_unpack_next(in, &tag, &value)) {
		if (tag != PACK_DIGEST || value.len != sizeof(taken->digest))
			continue;
		taken = rv_attach(q->host, sa, struct taken);
		if (!taken)
			return -ENOMEM;
		memcpy(taken->digest, value.p, value.len);
	}
	return rv_unpack_done(in) ? 0 : -RV_ESYNTAX;
}

static const struct rv_ike_task tasks[] = {
	{ RV_IKE_AT_BUILD, IKE_AUTH, give }, { RV_IKE_AT_BUILD, INFORMATIONAL, pay },
	{ RV_IKE_AT_READ, IKE_AUTH, take },  { RV_IKE_AT_READ, INFORMATIONAL, take },
	{ RV_IKE_AT_KEYED, 0, rekeyed },     { RV_IKE_AT_CHILD_KEYED, CREATE_CHILD_SA, take },
};

static const struct rv_ikev2_ext_ops ops = { .size = sizeof(ops),
					     .tasks = tasks,
					     .n_tasks = RV_COUNT(tasks),
					     .datagram = stray,
					     .inherit = inherit,
					     .pack = pack,
					     .unpack = unpack,
					     .unprotected = unprotected };

static int init(struct rv_host *host)
{
	struct qcd *q = talloc_zero(host, struct qcd);

	if (!q)
		return -ENOMEM;
	q->host = host;
	return rv_ikev2_ext_offer(host, (struct rv_offer){ .name = "qcd" }, &ops, q);
}

RV_PLUGIN(
	ikev2_qcd, "ikev2-qcd",
	"version=1\0"
	"summary=Quick detection of peers that lost their state\0"
	"licence=LGPL-2.1-or-later\0"
	"vendor=Ravelin\0"
	"default=on\0"
	"provides=ikev2-ext:qcd\0"
	"needs=prf:hmac-sha256 hash:sha256\0"
	"rfc=6290\0"
	"schema="
	"maker|bool|yes||Whether peers get tokens by which they know later that this host has lost its state (RFC "
	"6290).\n"
	"taker|bool|yes||Whether a session ends at once when its peer proves so that it has lost its state (RFC 6290, "
	"3).\n"
	"secret|secret|-||What tokens are made with, 16 octets at least, for a standby host that takes over; never on "
	"two "
	"hosts that are active at the same time (RFC 6290, 9.2). Without it: the file qcd-secret in the state folder.\n"
	"tokens_per_second|int|100|1..100000|How many tokens are sent without protection; above that unknown IKE SAs "
	"are "
	"answered without one (RFC 6290, 8.1).\n\0",
	.init = init);
