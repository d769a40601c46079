// SPDX-License-Identifier: LGPL-2.1-or-later
/* unknown: ESP that comes for a child SA that nobody has, and what others say of ours (RFC 7296, 1.5 and 2.21.4).
 *
 * Both are signs of a side that lost its state. What a replaced SA still had on its way comes for a moment only; an SPI
 * that is still used seconds later is complained of: inside an IKE SA with that address, or else outside of any, in a
 * message that is never answered. Both come from anybody, so what they cost is bounded: few suspects are kept, and
 * sessions are looked through a few times a second.
 */
#include "exchange.h"
#include "requests.h"

#include <errno.h>
#include <ravelin/connection.h>

enum { SUSPECTS = 16, LOOKS_PER_S = 5, PORT = 500 };
enum { PATIENCE_US = 2 * 1000000, QUIET_US = 10 * 1000000, FORGET_US = 60 * 1000000 };

struct suspect {
	struct rv_addr remote;
	uint32_t spi;
	uint64_t first_us, last_us, told_us;
};

struct ike_unknown {
	struct suspect suspect[SUSPECTS];
	struct ike_rate looks;
};

static struct ike_unknown *unknown_of(struct ike_engine *engine)
{
	if (!engine->unknown)
		engine->unknown = talloc_zero(engine, struct ike_unknown);
	return engine->unknown;
}

/* The one that is known, or the place of the one that was quiet for longest. */
static struct suspect *suspect_of(struct ike_unknown *u, uint32_t spi, const struct rv_addr *remote, uint64_t now)
{
	struct suspect *oldest = &u->suspect[0];

	for (unsigned i = 0; i < SUSPECTS; i++) {
		struct suspect *s = &u->suspect[i];

		if (s->spi == spi && rv_addr_same(&s->remote, remote) && now - s->last_us < FORGET_US)
			return s;
		if (s->last_us < oldest->last_us)
			oldest = s;
	}
	*oldest = (struct suspect){ .remote = *remote, .spi = spi, .first_us = now };
	return oldest;
}

/* The session with whoever sent by path; spi_out: that has a child SA with this outbound SPI (0: any session). */
struct search {
	const struct ike_engine *engine;
	const struct rv_path *path;
	uint32_t spi_out;
	struct rv_ike_sa *found;
};

static bool has_spi_out(const struct rv_peer *peer, uint32_t spi)
{
	rv_list_each (&peer->children, child, struct rv_child, entry)
		if (child->spi_out == spi)
			return true;
	return false;
}

static int fits(struct rv_peer *peer, void *arg)
{
	struct search *search = arg;
	const struct rv_addr *remote = &search->path->remote;
	struct rv_ike_sa *sa = peer->sa;

	if (!sa || !peer->keying.service || rv_service_self(peer->keying.service) != search->engine ||
	    sa->state != RV_IKE_ESTABLISHED || !rv_addr_same_ip(&peer->path.remote, remote))
		return 0;
	/* several peers may be behind one NAT */
	if (search->path->encap && peer->path.encap && peer->path.remote.port != remote->port)
		return 0;
	if (search->spi_out && !has_spi_out(peer, search->spi_out))
		return 0;
	search->found = sa;
	return 1;
}

static struct rv_ike_sa *session_at(struct ike_engine *engine, const struct rv_path *path, uint32_t spi_out)
{
	struct search search = { .engine = engine, .path = path, .spi_out = spi_out };

	rv_peer_each(engine->host->core, NULL, fits, &search);
	return search.found;
}

/* Where messages to whoever sent that go: to where its UDP came from, else to the usual port. */
static bool way_to(const struct ike_port *port, const struct rv_path *from, struct rv_path *out)
{
	struct rv_addr local = from->local, remote = from->remote;

	local.port = 0;
	remote.port = PORT;
	if (port->ops->path(port->self, &local, &remote, out))
		return false;
	if (from->encap) {
		port->ops->encapsulate(port->self, out);
		out->remote.port = from->remote.port;
	}
	return true;
}

/* RFC 7296, 1.5: "there are no IKE SPI values that would be meaningful ...; using zero values or random values are both
 * acceptable ... The Initiator flag is set to 1, the Response flag is set to 0" */
static int tell_outside(struct ike_engine *engine, uint32_t spi, const struct rv_path *from)
{
	const struct ike_header header = { .major = IKE_MAJOR,
					   .exchange = IKE_EXCHANGE_INFORMATIONAL,
					   .flags = IKE_FLAG_INITIATOR };
	uint8_t room[32], octets[64], data[4];
	struct rv_wr w = rv_wr(data, sizeof(data));
	struct ike_builder b;
	struct rv_path path;
	size_t len;

	if (!rv_connection_match(engine->host->core, 2, &from->local, &from->remote, 0))
		return -RV_ESTATE;
	rv_wr_u32(&w, spi);
	ike_builder_init(&b, room, sizeof(room));
	ike_notify_put(&b, IKE_N_INVALID_SPI, rv_wr_bytes(&w));
	if (ike_message_write(&header, &b, octets, sizeof(octets), &len))
		return -ENOSPC;
	rv_list_each (&engine->ports, port, struct ike_port, entry)
		if (way_to(port, from, &path))
			return port->ops->send(port->self, &path, rv_bytes(octets, len));
	return -RV_ENO_PROVIDER;
}

int ike_unknown_spi(struct ike_engine *engine, uint32_t spi, const struct rv_path *path)
{
	struct ike_unknown *u = unknown_of(engine);
	uint64_t now = rv_loop_now_us(engine->host->loop);
	struct suspect *s = u ? suspect_of(u, spi, &path->remote, now) : NULL;
	struct rv_ike_sa *sa;

	if (!s || engine->stopping)
		return -RV_ESTATE;
	s->last_us = now;
	if (now - s->first_us < PATIENCE_US || (s->told_us && now - s->told_us < QUIET_US) ||
	    !ike_rate_ok(engine, &u->looks, LOOKS_PER_S))
		return 0;
	s->told_us = now;
	sa = session_at(engine, path, 0);
	rv_log(&engine->host->subject, RV_NOTICE, "unknown-spi", KV_ADDR("peer", &path->remote), KV_UINT("spi", spi),
	       KV_STR("told", sa ? "inside its IKE SA" : "outside of any IKE SA"));
	return sa ? ike_tell_unknown(sa, spi) : tell_outside(engine, spi, path);
}

/* RFC 7296, 1.5: "it should only be used by the recipient as a hint that something might be wrong ... the receiving
 * node MUST NOT respond to it" */
bool ike_unknown_heard(struct ike_engine *engine, const struct rv_path *path, const struct ike_header *header,
		       struct rv_bytes octets)
{
	struct ike_message message;
	struct ike_notify notify;
	struct rv_ike_sa *sa;
	struct ike_unknown *u;

	if (header->exchange != IKE_EXCHANGE_INFORMATIONAL || ike_types_last(&engine->types, header->next) ||
	    ike_message_read(&message, octets, &engine->types) || message.sealed ||
	    !ike_notify_find(&message.chain, IKE_N_INVALID_SPI, &notify))
		return false;
	struct rv_rd r = rv_rd(notify.data);
	uint32_t spi = rv_rd_u32(&r);

	u = unknown_of(engine);
	if (!rv_rd_done(&r) || !spi || !u || !ike_rate_ok(engine, &u->looks, LOOKS_PER_S))
		return true;
	sa = session_at(engine, path, spi);
	if (sa && ike_may_hint(sa))
		(void)ike_liveness(sa);
	return true;
}
