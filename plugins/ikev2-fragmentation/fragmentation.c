// SPDX-License-Identifier: LGPL-2.1-or-later
/* fragmentation: large messages of IKEv2 travel as fragments that fit the path (RFC 7383), which is probed downwards
 * (2.5.2).
 */
#include "fragmentation.h"

#include <ravelin/connection.h>
#include <ravelin/keying.h>
#include <ravelin/wire.h>

#include <errno.h>
#include <string.h>
#include <talloc.h>

enum {
	IPV4_LEN = 20,
	IPV6_LEN = 40,
	UDP_LEN = 8,
	MARKER_LEN = 4,
	SIZE_IPV4 = 576, /* RFC 7383, 2.5.1 */
	SIZE_IPV6 = 1280,
	TRIES = 2, /* of one size */
};

/* The sizes that are tried one after the other, below the one that is configured. */
static const uint16_t ladder[] = { 1280, SIZE_IPV4, SIZE_MIN };

/* Attached to a session whose path takes less than the configured size. tries: request that were sent in this size. */
struct path_size {
	uint16_t size;
};

size_t fragment_outside(const struct rv_peer *peer)
{
	const struct rv_path *path = &peer->path;

	return (path->remote.family == RV_IPV6 ? IPV6_LEN : IPV4_LEN) + UDP_LEN + (path->encap ? MARKER_LEN : 0);
}

static size_t configured(const struct fragmentation *f, const struct rv_peer *peer)
{
	size_t size = (size_t)rv_conf_int(rv_host_conf(f->host), "fragment_size");

	if (!size)
		return peer->path.remote.family == RV_IPV6 ? SIZE_IPV6 : SIZE_IPV4;
	return size < SIZE_MIN ? SIZE_MIN : size;
}

/* RFC 7383, 2.5.2: "the node should start with the current value of the fragmentation threshold" */
static size_t size_of(const struct fragmentation *f, const struct rv_peer *peer)
{
	const struct path_size *path = rv_attached(f->host, peer, struct path_size);
	size_t size = configured(f, peer);

	return path && path->size < size ? path->size : size;
}

static bool set_size(struct fragmentation *f, struct rv_peer *peer, size_t size)
{
	struct path_size *path = rv_attached(f->host, peer, struct path_size);

	if (!path)
		path = rv_attach(f->host, peer, struct path_size);
	if (path)
		path->size = (uint16_t)size;
	return path != NULL;
}

/* RFC 7383, 2.5.1: "The responder in the exchange may use the maximum size of the received IKE Fragment message IP
 * datagrams as a threshold" */
static void heard(struct fragmentation *f, struct rv_ike_sa *sa, size_t size)
{
	struct rv_peer *peer = rv_ike_peer(sa);

	if (size >= SIZE_MIN && size < size_of(f, peer))
		(void)set_size(f, peer, size);
}

/* Negotiation (RFC 7383, 2.3) */

static const char *mode_of(const struct rv_peer *peer)
{
	const char *mode = peer->connection ? rv_conf_str(peer->connection->conf, "fragmentation") : NULL;

	return mode ? mode : "yes"; /* nobody knows yet who the initiator is */
}

static bool before_keys(struct rv_ike_exchange *x)
{
	enum rv_ike_state state = rv_ike_state(rv_ike_sa(x));

	return state == RV_IKE_NEW || state == RV_IKE_INIT;
}

static bool peer_says(const struct rv_ike_exchange *x)
{
	struct rv_bytes data;

	return rv_ike_notify(x, IKEV2_FRAGMENTATION_SUPPORTED, 0, &data);
}

static int announce(struct rv_ike_exchange *x, void *self)
{
	struct rv_ike_sa *sa = rv_ike_sa(x);
	bool answer = rv_ike_role(x) == RV_IKE_RESPONDER;
	int r = 0;

	if (!before_keys(x) || (answer && !peer_says(x)) || strcmp(mode_of(rv_ike_peer(sa)), "no") == 0)
		return 0;
	if (answer)
		r = rv_ike_agree(sa, IKEV2_FRAGMENTATION_SUPPORTED);
	return r ? r : rv_ike_add_notify(x, IKEV2_FRAGMENTATION_SUPPORTED, rv_bytes(NULL, 0));
}

static int listen(struct rv_ike_exchange *x, void *self)
{
	struct rv_ike_sa *sa = rv_ike_sa(x);

	if (!before_keys(x) || rv_ike_role(x) != RV_IKE_INITIATOR || !peer_says(x) ||
	    strcmp(mode_of(rv_ike_peer(sa)), "no") == 0)
		return 0;
	return rv_ike_agree(sa, IKEV2_FRAGMENTATION_SUPPORTED);
}

/* Sending (RFC 7383, 2.5) */

/* The most octets inside a datagram of size octets. */
static size_t chunk_len(const struct rv_ike_sa *sa, size_t size)
{
	size_t len = size;

	while (len > 1 && rv_ike_sealed_len(sa, len) + NUMBERS_LEN > size)
		len--;
	return len;
}

static int seal_all(struct rv_ike_exchange *x, const struct rv_ike_plain *plain, size_t chunk)
{
	size_t total = (plain->payloads.len + chunk - 1) / chunk;
	struct rv_rd r = rv_rd(plain->payloads);

	if (total > UINT16_MAX)
		return -RV_ELIMIT;
	for (size_t i = 1; i <= total; i++) {
		size_t len = rv_rd_left(&r) < chunk ? rv_rd_left(&r) : chunk;
		uint8_t numbers[NUMBERS_LEN];
		struct rv_wr w = rv_wr(numbers, sizeof(numbers));
		int e;

		rv_wr_u16(&w, (uint16_t)i);
		rv_wr_u16(&w, (uint16_t)total);
		e = rv_ike_seal(x, SKF, rv_wr_bytes(&w), i == 1 ? plain->first : 0, rv_rd_take(&r, len));
		if (e)
			return e;
	}
	return 1;
}

/* RFC 7383, 2.5.2: "using the next smaller value of the threshold if it did not receive a response in a reasonable time
 * after several retransmissions" */
static bool next_smaller(struct fragmentation *f, struct rv_peer *peer)
{
	size_t now = size_of(f, peer);

	for (size_t i = 0; i < RV_COUNT(ladder); i++)
		if (ladder[i] < now)
			return set_size(f, peer, ladder[i]);
	return false;
}

static int split(void *self, struct rv_ike_exchange *x, const struct rv_ike_plain *plain, unsigned attempt)
{
	struct fragmentation *f = self;
	struct rv_ike_sa *sa = rv_ike_sa(x);
	struct rv_peer *peer = rv_ike_peer(sa);
	const char *mode = mode_of(peer);
	size_t size, whole, before = size_of(f, peer) - fragment_outside(peer);
	int r;

	if (!rv_ike_agreed(sa, IKEV2_FRAGMENTATION_SUPPORTED) || strcmp(mode, "accept") == 0 || strcmp(mode, "no") == 0)
		return 0;
	whole = rv_ike_sealed_len(sa, plain->payloads.len);
	/* a message that fits the least size is not what a path would drop for its size */
	if (attempt && (attempt % TRIES || whole <= SIZE_MIN - fragment_outside(peer) || !next_smaller(f, peer)))
		return 0;
	size = size_of(f, peer) - fragment_outside(peer);
	if (whole <= size || (attempt && size == before))
		return 0;
	r = seal_all(x, plain, chunk_len(sa, size));
	if (r < 0)
		return r;
	rv_log(&f->host->subject, RV_DEBUG, "fragmented", KV_UINT("message-id", rv_ike_id(x)), KV_UINT("octets", whole),
	       KV_UINT("size", size_of(f, peer)), KV_UINT("attempt", attempt));
	if (peer->attempt)
		rv_attempt_step(peer->attempt, "%zu octets go in fragments of at most %zu", whole, size_of(f, peer));
	return r;
}

/* The size that the path was found to take, in a pack */

enum { TAG_SIZE = 1 };

static int pack(void *self, struct rv_ike_sa *sa, struct rv_pack *out)
{
	struct fragmentation *f = self;
	struct path_size *path = rv_attached(f->host, rv_ike_peer(sa), struct path_size);

	if (path)
		rv_pack_u64(out, TAG_SIZE, path->size);
	return 0;
}

static int unpack(void *self, struct rv_ike_sa *sa, struct rv_unpack *in)
{
	struct rv_bytes value;
	uint64_t size = 0;
	uint16_t tag;

	while (rv_unpack_next(in, &tag, &value))
		if (tag == TAG_SIZE)
			size = rv_unpack_u64(in, value);
	if (!rv_unpack_done(in) || (size && (size < SIZE_MIN || size > UINT16_MAX)))
		return -RV_ESYNTAX;
	if (size)
		(void)set_size(self, rv_ike_peer(sa), (size_t)size);
	return 0;
}

static const struct rv_ike_task tasks[] = {
	{ RV_IKE_AT_BUILD, 0, announce },
	{ RV_IKE_AT_READ, 0, listen },
};

static const struct rv_ikev2_ext_ops ops = {
	.size = sizeof(ops),
	.tasks = tasks,
	.n_tasks = RV_COUNT(tasks),
	.pack = pack,
	.unpack = unpack,
	.seals = { { RV_IKE_P(SKF) } },
	.split = split,
	.join = fragment_join,
};

static int init(struct rv_host *host)
{
	struct fragmentation *f = talloc_zero(host, struct fragmentation);

	if (!f)
		return -ENOMEM;
	f->host = host;
	f->heard = heard;
	host->self = f;
	return rv_ikev2_ext_offer(host, (struct rv_offer){ .name = "fragmentation" }, &ops, f);
}

RV_PLUGIN(ikev2_fragmentation, "ikev2-fragmentation",
	  "version=1\0"
	  "summary=IKEv2 message fragmentation\0"
	  "licence=LGPL-2.1-or-later\0"
	  "vendor=Ravelin\0"
	  "default=on\0"
	  "provides=ikev2-ext:fragmentation\0"
	  "rfc=7383\0"
	  "schema="
	  "fragment_size|int|1280|0..65535|Largest IP packet that carries a fragment of a message, in octets; smaller "
	  "ones "
	  "are tried when no answer comes. 0: 576 for IPv4, 1280 for IPv6 (RFC 7383, 2.5.1).\n"
	  "connections.*.fragmentation|choice|yes|yes,accept,force,no|Large messages go in fragments when the peer "
	  "agrees "
	  "(yes, force), only the peer's do (accept), or none do (no).\n\0",
	  .init = init);
