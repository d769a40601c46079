// SPDX-License-Identifier: LGPL-2.1-or-later
/* leave: faults of a datagram on its way out, as a network or somebody in it makes them. */
#include "impair.h"

#include <ravelin/loop.h>
#include <ravelin/transport.h>

#include <stdio.h>
#include <string.h>
#include <talloc.h>

enum { HIGHER_VERSION = 0x30, SPI_LEN = 8 };

/* A datagram that is sent later, whatever becomes of its IKE SA. */
struct held {
	struct rv_list entry;
	struct impair *impair;
	struct rv_timer timer;
	struct rv_user user;
	struct rv_ref transport;
	struct rv_path path;
	size_t len;
	uint8_t octets[];
};

static void send(const struct rv_ike_leaving *leaving, struct rv_bytes octets)
{
	const struct rv_transport_ops *ops = rv_service_ops(leaving->transport);

	(void)ops->send(rv_service_self(leaving->transport), leaving->path, octets);
}

static void who(const struct rv_user *user, char *out, size_t size)
{
	snprintf(out, size, "a datagram that debug-impair holds back");
}

static int held_free(struct held *held)
{
	rv_list_del(&held->entry);
	rv_timer_cancel(&held->timer);
	rv_ref_drop(&held->transport);
	return 0;
}

static void due(struct rv_timer *timer)
{
	struct held *held = rv_container_of(timer, struct held, timer);
	const struct rv_ike_leaving leaving = { .path = &held->path, .transport = held->transport.service };

	if (leaving.transport)
		send(&leaving, rv_bytes(held->octets, held->len));
	talloc_free(held);
}

/* Without memory it is lost, as datagrams may be. */
static void hold(struct impair *impair, const struct impair_fault *fault, const struct rv_ike_leaving *leaving)
{
	struct held *held = talloc_zero_size(impair, sizeof(*held) + leaving->datagram.len);

	if (!held)
		return;
	talloc_set_name_const(held, "struct held");
	held->impair = impair;
	held->user.text = who;
	held->path = *leaving->path;
	held->len = leaving->datagram.len;
	memcpy(held->octets, leaving->datagram.p, held->len);
	rv_list_add(&impair->held, &held->entry);
	rv_timer_init(&held->timer, impair->host->loop, due);
	talloc_set_destructor(held, held_free);
	if (rv_ref_take(&held->transport, leaving->transport, &held->user) ||
	    rv_timer_arm(&held->timer, fault->delay_us))
		talloc_free(held);
}

static void drop(struct impair *impair, const struct impair_fault *fault, const struct rv_ike_leaving *leaving)
{
}

static void duplicate(struct impair *impair, const struct impair_fault *fault, const struct rv_ike_leaving *leaving)
{
	send(leaving, leaving->datagram);
	send(leaving, leaving->datagram);
}

static void replay(struct impair *impair, const struct impair_fault *fault, const struct rv_ike_leaving *leaving)
{
	send(leaving, leaving->datagram);
	hold(impair, fault, leaving);
}

/* One octet becomes another one, or all from len on are cut off. */
static void falsify(const struct rv_ike_leaving *leaving, size_t at, uint8_t flip, uint8_t is, size_t len)
{
	uint8_t *copy = talloc_memdup(NULL, leaving->datagram.p, leaving->datagram.len);

	if (copy && at < leaving->datagram.len) {
		copy[at] = flip ? copy[at] ^ flip : is;
		send(leaving, rv_bytes(copy, len));
	}
	talloc_free(copy);
}

/* value: how many octets before the last one */
static void corrupt(struct impair *impair, const struct impair_fault *fault, const struct rv_ike_leaving *leaving)
{
	falsify(leaving, leaving->datagram.len - 1 - (size_t)fault->value, 1, 0, leaving->datagram.len);
}

/* value 2: the responder's, else the initiator's */
static void spi(struct impair *impair, const struct impair_fault *fault, const struct rv_ike_leaving *leaving)
{
	falsify(leaving, (fault->value == 2 ? 2 : 1) * SPI_LEN - 1, 1, 0, leaving->datagram.len);
}

static void version(struct impair *impair, const struct impair_fault *fault, const struct rv_ike_leaving *leaving)
{
	falsify(leaving, IMPAIR_AT_VERSION, 0, (uint8_t)(fault->value ? fault->value : HIGHER_VERSION),
		leaving->datagram.len);
}

static void truncate_it(struct impair *impair, const struct impair_fault *fault, const struct rv_ike_leaving *leaving)
{
	size_t less = fault->value > 0 && (size_t)fault->value < leaving->datagram.len ? (size_t)fault->value : 1;

	falsify(leaving, 0, 0, leaving->datagram.p[0], leaving->datagram.len - less);
}

static const struct impair_leave faults[] = {
	{ "drop", drop },	{ "duplicate", duplicate },  { "replay", replay },
	{ "delay", hold },	{ "corrupt", corrupt },	     { "spi", spi },
	{ "version", version }, { "truncate", truncate_it },
};

const struct impair_leave *impair_leave_named(const char *name)
{
	for (size_t i = 0; i < RV_COUNT(faults); i++)
		if (strcmp(faults[i].name, name) == 0)
			return &faults[i];
	return NULL;
}
