// SPDX-License-Identifier: LGPL-2.1-or-later
/* config: configuration payloads: asking for addresses and what belongs to them, and lending them (RFC
 * 7296, 2.19, 3.15).
 *
 * Who lends and what is asked for decide services of kind "attr"; what was lent belongs to the session. Here it becomes
 * payloads. A failure is one of the child SA that wanted the address: the IKE SA stays (3.15.4).
 */
#include "config.h"

#include "explain.h"

#include <errno.h>
#include <string.h>

#define PROGRAM "Ravelin " RV_VERSION

static const uint16_t supported[] = {
	RV_ATTRIBUTE_IP4_ADDRESS, RV_ATTRIBUTE_IP4_NETMASK, RV_ATTRIBUTE_IP4_DNS,     RV_ATTRIBUTE_IP4_NBNS,
	RV_ATTRIBUTE_IP4_DHCP,	  RV_ATTRIBUTE_VERSION,	    RV_ATTRIBUTE_IP6_ADDRESS, RV_ATTRIBUTE_IP6_DNS,
	RV_ATTRIBUTE_IP6_DHCP,	  RV_ATTRIBUTE_IP4_SUBNET,  RV_ATTRIBUTE_SUPPORTED,   RV_ATTRIBUTE_IP6_SUBNET,
};

static bool is_address(uint16_t type)
{
	return type == RV_ATTRIBUTE_IP4_ADDRESS || type == RV_ATTRIBUTE_IP6_ADDRESS;
}

static bool has_address(const struct rv_attributes *list)
{
	return rv_attributes_count(list, RV_ATTRIBUTE_IP4_ADDRESS) ||
	       rv_attributes_count(list, RV_ATTRIBUTE_IP6_ADDRESS);
}

/* The CP payload of the message that came. False when there is none. */
static bool payload(const struct rv_ike_exchange *x, struct ike_cp *cp)
{
	return ike_has_payload(x, IKE_PAYLOAD_CP) && ike_cp_read(cp, ike_body(x, IKE_PAYLOAD_CP));
}

bool ike_config_find(const struct rv_ike_exchange *x, uint16_t type, unsigned nth, struct rv_bytes *value)
{
	struct ike_cp cp;

	if (!x->chain.n || !payload(x, &cp))
		return false;
	for (size_t i = 0; i < cp.n; i++) {
		if (cp.attr[i].type != type || nth--)
			continue;
		*value = cp.attr[i].value;
		return true;
	}
	return false;
}

static void put(struct rv_ike_exchange *x, uint8_t type, const struct rv_attributes *list)
{
	struct ike_cp cp = { .type = type };

	for (size_t i = 0; list && i < list->n && cp.n < IKE_CP_MAX; i++)
		cp.attr[cp.n++] = (struct ike_cp_attr){ .type = list->list[i].type, .value = list->list[i].value };
	ike_cp_put(&x->out, &cp);
}

/* Initiator */

/* A child SA is wanted that needs an address, and there is none yet. */
static bool needs_address(const struct rv_ike_exchange *x)
{
	bool child = x->sa->hs ? x->sa->hs->child != NULL : !x->old;
	struct rv_addr addr;

	return child && !rv_peer_virtual(x->sa->peer, true, 0, &addr, NULL);
}

int ike_config_ask(struct rv_ike_exchange *x, void *self)
{
	int r = 0;

	if (!needs_address(x))
		return 0;
	if (!x->attributes) { /* not when an extension made this step wait */
		x->attributes = talloc_zero(x, struct rv_attributes);
		r = x->attributes ? rv_peer_ask(x->sa->peer, x->attributes) : -ENOMEM;
	}
	if (!r)
		r = ike_point(x, RV_IKE_AT_CONFIG_BUILD);
	if (r)
		return r;
	/* RFC 7296, 2.19: "CP(CFG_REQUEST) MUST contain at least an INTERNAL_ADDRESS attribute" */
	if (!has_address(x->attributes)) {
		TALLOC_FREE(x->attributes);
		return 0;
	}
	put(x, IKE_CP_REQUEST, x->attributes);
	x->asked = x->attributes;
	x->attributes = NULL;
	return 0;
}

/* An address that a host may have. */
static bool usable(const struct rv_addr *addr)
{
	static const uint8_t one[16] = { [15] = 1 };

	if (rv_addr_is_any(addr))
		return false;
	if (addr->family == RV_IPV4)
		return addr->ip[0] != 127 && addr->ip[0] < 224;
	return addr->ip[0] != 0xff && !rv_bytes_equal(rv_bytes(addr->ip, 16), rv_bytes(one, 16));
}

static void tell_address(struct rv_ike_exchange *x, const struct rv_addr *addr)
{
	char text[RV_ADDR_TEXT];

	rv_attempt_step(ike_attempt(x), "the peer lends us the address %s", rv_addr_text(addr, text));
}

/* RFC 7296, 3.15.1: "The responder MAY only send up to the number of addresses requested." What is beyond that or not
 * well formed is passed over. */
static int filter(struct rv_ike_exchange *x, const struct ike_cp *cp, struct rv_attributes *out)
{
	int r = 0;

	for (size_t i = 0; i < cp->n && !r; i++) {
		const struct rv_attribute one = { .type = cp->attr[i].type, .value = cp->attr[i].value };
		struct rv_addr addr;

		if (is_address(one.type)) {
			uint8_t family = one.type == RV_ATTRIBUTE_IP4_ADDRESS ? RV_IPV4 : RV_IPV6;

			if (!rv_attribute_addr(&one, &addr, NULL) || addr.family != family || !usable(&addr) ||
			    rv_attributes_count(out, one.type) >= rv_attributes_count(x->asked, one.type))
				continue;
			tell_address(x, &addr);
		}
		r = rv_attributes_add(out, one.type, one.value);
	}
	return r;
}

/* RFC 7296, 3.15.4: "If the initiator requires the assignment of an IP address, it will treat a response without
 * CFG_REPLY as an error." */
static int must_have_address(struct rv_ike_exchange *x)
{
	struct rv_addr addr;

	if (rv_peer_virtual(x->sa->peer, true, 0, &addr, NULL))
		return 0;
	x->advice = "give this client a pool of addresses there, or take vips out of the connection here";
	return rv_why_set(&x->why, -RV_EREFUSED, "the peer lends us no address, and connection %s asks for one",
			  x->sa->peer->connection->name);
}

int ike_config_take(struct rv_ike_exchange *x, void *self)
{
	struct ike_cp cp = { 0 };
	int r = 0;

	if (!x->asked || x->childless)
		return 0;
	if (!x->attributes) {
		x->attributes = talloc_zero(x, struct rv_attributes);
		if (!x->attributes)
			return -ENOMEM;
		if (payload(x, &cp) && cp.type == IKE_CP_REPLY)
			r = filter(x, &cp, x->attributes);
		if (!r)
			r = rv_peer_take(x->sa->peer, x->attributes);
	}
	if (!r)
		r = ike_point(x, RV_IKE_AT_CONFIG_READ);
	return r ? r : must_have_address(x);
}

/* Responder */

static int read_request(struct rv_ike_exchange *x, const struct ike_cp *cp)
{
	x->asked = talloc_zero(x, struct rv_attributes);
	for (size_t i = 0; x->asked && i < cp->n; i++)
		if (rv_attributes_add(x->asked, cp->attr[i].type, cp->attr[i].value))
			return -ENOMEM;
	return x->asked ? 0 : -ENOMEM;
}

/* RFC 7296, 2.19: "IRAS MUST fail the request, and terminate the Child SA creation with a FAILED_CP_REQUIRED error" */
static int not_asked(struct rv_ike_exchange *x)
{
	struct rv_peer *peer = x->sa->peer;

	if (!ike_has_payload(x, IKE_PAYLOAD_SA) || x->old || rv_peer_lent(peer) || !rv_peer_must_ask(peer))
		return 0;
	x->advice = "let the peer ask for an address (vips = 0.0.0.0 there), or take pools out of the connection here";
	return ike_refuse(x, IKE_N_FAILED_CP_REQUIRED, rv_bytes(NULL, 0), -RV_EREFUSED,
			  "connection %s has pools of addresses, and the peer asked for none", peer->connection->name);
}

int ike_config_lend(struct rv_ike_exchange *x, void *self)
{
	struct ike_cp cp;
	int r = 0;

	x->soft = x->type == IKE_EXCHANGE_IKE_AUTH;
	if (!payload(x, &cp) || cp.type != IKE_CP_REQUEST)
		return not_asked(x);
	if (!x->asked)
		r = read_request(x, &cp);
	if (!r)
		r = ike_point(x, RV_IKE_AT_CONFIG_READ);
	if (r)
		return r;
	/* RFC 7296, 3.15.4: "it responds with an INTERNAL_ADDRESS_FAILURE notification" */
	x->veto = IKE_N_INTERNAL_ADDRESS_FAILURE;
	x->advice = "make the pool larger, or take down sessions that are not used";
	return rv_peer_lend(x->sa->peer, x->asked, &x->why, &x->call);
}

static int add_supported(struct rv_attributes *out)
{
	uint8_t octets[2 * RV_COUNT(supported)];
	struct rv_wr w = rv_wr(octets, sizeof(octets));

	for (size_t i = 0; i < RV_COUNT(supported); i++)
		rv_wr_u16(&w, supported[i]);
	return rv_attributes_add(out, RV_ATTRIBUTE_SUPPORTED, rv_wr_bytes(&w));
}

/* What the session has been lent, and what we say of ourselves. */
static int reply(struct rv_ike_exchange *x, struct rv_attributes *out)
{
	const struct rv_attributes *lent = rv_peer_lent(x->sa->peer);
	int r = 0;

	for (size_t i = 0; lent && i < lent->n && !r; i++) {
		const struct rv_attribute *one = &lent->list[i];

		if (one->type & RV_ATTRIBUTE_HERE ||
		    (is_address(one->type) &&
		     rv_attributes_count(out, one->type) >= rv_attributes_count(x->asked, one->type)))
			continue;
		r = rv_attributes_add(out, one->type, one->value);
	}
	if (!r && rv_attributes_count(x->asked, RV_ATTRIBUTE_VERSION))
		r = rv_attributes_add(out, RV_ATTRIBUTE_VERSION, RV_STR(PROGRAM));
	if (!r && rv_attributes_count(x->asked, RV_ATTRIBUTE_SUPPORTED))
		r = add_supported(out);
	return r;
}

int ike_config_write(struct rv_ike_exchange *x, void *self)
{
	struct ike_cp cp;
	int r = 0;

	/* RFC 7296, 3.15.1: "If no attributes were accepted, the responder MUST return either an empty CFG_ACK payload
	 * or a response message without a CFG_ACK payload." */
	if (payload(x, &cp) && cp.type == IKE_CP_SET)
		put(x, IKE_CP_ACK, NULL);
	if (!x->asked)
		return 0;
	x->veto = 0;
	x->advice = NULL;
	if (!x->attributes) {
		x->attributes = talloc_zero(x, struct rv_attributes);
		r = x->attributes ? reply(x, x->attributes) : -ENOMEM;
	}
	if (!r)
		r = ike_point(x, RV_IKE_AT_CONFIG_BUILD);
	if (!r && (x->attributes->n || x->type == IKE_EXCHANGE_INFORMATIONAL))
		put(x, IKE_CP_REPLY, x->attributes);
	return r;
}
