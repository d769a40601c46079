// SPDX-License-Identifier: LGPL-2.1-or-later
/* negotiate: IPCOMP_SUPPORTED (RFC 7296, 2.22).
 *
 * Each side says the CPI that it wants in what it receives, with DEFLATE only. The responder answers when it was asked
 * and its child says ipcomp = yes, too; then packets of both directions may be compressed.
 */
#include "esp-ipcomp.h"

#include <errno.h>
#include <ravelin/connection.h>
#include <ravelin/ikev2-child.h>
#include <ravelin/wire.h>

enum {
	IPCOMP_SUPPORTED = 16387, /* RFC 7296, 3.10.1 */
	DEFLATE = 2,		  /* RFC 7296, 2.22 */
	OFFERS = 8,
	CPI_FIRST = 256, /* RFC 3173, 3.3: "The values 256-61439 are negotiated" */
	CPI_LAST = 61439,
};

/* Attached to the exchange: what we said or are going to say. */
struct cpi {
	uint16_t ours;
	uint32_t child; /* the responder's, with which it was agreed */
};

static bool wanted(const struct rv_child *child)
{
	return child && rv_conf_bool(child->conf->conf, "ipcomp") && !child->conf->ext && rv_child_extends(child);
}

static struct cpi *new_cpi(struct rv_host *host, struct rv_ike_exchange *x)
{
	struct cpi *cpi = rv_attach(host, x, struct cpi);
	uint16_t n;

	if (!cpi)
		return NULL;
	rv_host_random(host, &n, sizeof(n));
	cpi->ours = (uint16_t)(CPI_FIRST + n % (CPI_LAST - CPI_FIRST + 1));
	return cpi;
}

static int say(struct rv_ike_exchange *x, const struct cpi *cpi)
{
	uint8_t octets[CPI_LEN + 1];
	struct rv_wr w = rv_wr(octets, sizeof(octets));

	rv_wr_u16(&w, cpi->ours);
	rv_wr_u8(&w, DEFLATE);
	return rv_ike_add_notify(x, IPCOMP_SUPPORTED, rv_wr_bytes(&w));
}

/* The peer's CPI for DEFLATE. RFC 7296, 2.22: the transform ID may have attributes behind it, and an algorithm that has
 * any must not be accepted. */
static bool heard(const struct rv_ike_exchange *x, uint16_t *cpi)
{
	struct rv_bytes data;

	for (unsigned i = 0; i < OFFERS && rv_ike_notify(x, IPCOMP_SUPPORTED, i, &data); i++) {
		struct rv_rd r = rv_rd(data);

		*cpi = rv_rd_u16(&r);
		if (rv_rd_u8(&r) == DEFLATE && rv_rd_done(&r))
			return true;
	}
	return false;
}

static struct rv_bytes octets_of(uint16_t cpi, uint8_t out[static CPI_LEN])
{
	struct rv_wr w = rv_wr(out, CPI_LEN);

	rv_wr_u16(&w, cpi);
	return rv_wr_bytes(&w);
}

static int offer(struct rv_ike_exchange *x, void *self)
{
	struct cpi *cpi;

	if (rv_ike_role(x) != RV_IKE_INITIATOR || !wanted(rv_ike_child(x)))
		return 0;
	cpi = new_cpi(self, x);
	return cpi ? say(x, cpi) : -ENOMEM;
}

static int agree(struct rv_ike_exchange *x, void *self)
{
	struct rv_child *child = rv_ike_child(x);
	struct cpi *cpi = rv_attached(self, x, struct cpi);
	uint8_t in[CPI_LEN], out[CPI_LEN];
	uint16_t theirs;

	if (!wanted(child) || !heard(x, &theirs))
		return 0;
	if (rv_ike_role(x) == RV_IKE_RESPONDER && !cpi)
		cpi = new_cpi(self, x);
	else if (!cpi)
		return 0; /* an answer to what was not asked */
	if (!cpi)
		return -ENOMEM;
	cpi->child = child->id;
	return rv_child_extend(child, IPCOMP_NAME, octets_of(cpi->ours, in), octets_of(theirs, out));
}

/* An answer that goes out before the keys are made, since keying goes on in further exchanges. */
static int agree_early(struct rv_ike_exchange *x, struct rv_host *host, struct cpi **cpi)
{
	struct rv_child *child = rv_ike_child(x);
	uint16_t theirs;

	if (*cpi || !wanted(child) || !heard(x, &theirs))
		return 0;
	*cpi = new_cpi(host, x);
	if (!*cpi)
		return -ENOMEM;
	(*cpi)->child = child->id;
	return 0;
}

/* The responder's answer, when the child SA is there. */
static int answer(struct rv_ike_exchange *x, void *self)
{
	struct rv_host *host = self;
	struct cpi *cpi = rv_attached(self, x, struct cpi);

	if (rv_ike_role(x) == RV_IKE_RESPONDER && agree_early(x, host, &cpi))
		return -ENOMEM;

	if (!cpi || rv_ike_role(x) != RV_IKE_RESPONDER || !rv_child_by_id(host->core, cpi->child))
		return 0;
	return say(x, cpi);
}

static const struct rv_ike_task tasks[] = {
	{ RV_IKE_AT_CHILD_OFFER, 0, offer },
	{ RV_IKE_AT_CHILD_KEYED, 0, agree },
	{ RV_IKE_AT_BUILD, 0, answer },
};

static const struct rv_ikev2_ext_ops ops = { .size = sizeof(ops), .tasks = tasks, .n_tasks = RV_COUNT(tasks) };

int negotiate_offer(struct rv_host *host)
{
	return rv_ikev2_ext_offer(host, (struct rv_offer){ .name = IPCOMP_NAME }, &ops, host);
}
