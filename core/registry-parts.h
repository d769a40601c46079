// SPDX-License-Identifier: LGPL-2.1-or-later
/* registry-parts.h: what registry.c, crypto-test.c and measure.c share about one service. For nobody else. */
#pragma once

#include "parts.h"

struct rv_slot;

struct rv_service {
	struct rv_registry *registry; /* NULL once the registry is gone */
	struct rv_slot *slot;
	struct rv_list entry;	   /* of all services, in the order of their offers */
	struct rv_list in_slot;	   /* of those that offer the same name */
	struct rv_list to_measure; /* in the queue of measure.c */
	struct rv_list refs;
	struct rv_host *owner;
	struct rv_offer offer; /* what it points to lives as long as the plugin */
	uint64_t serial;       /* counts offers */
	unsigned n_users;
	bool draining;
	bool measured;
	uint64_t ns; /* of one operation; UINT64_MAX: it failed while it was measured */
	char self_test[64];
};

/* crypto-test.c: computes the known answers of an offer of a crypto kind through its ops; any other kind passes. text:
 * what service_self_test() says then. 0, -RV_ESELF_TEST, -RV_EVERSION or -ENOMEM with why. */
RV_MUST_USE int rv_crypto_test(const struct rv_offer *offer, char *text, size_t size, struct rv_why *why);

/* Reads the hexadecimal digits of a vector, blanks between octets allowed, into out, which has room for
 * RV_CRYPTO_FIELD octets; the empty slice for NULL. */
enum { RV_CRYPTO_FIELD = 8192 };
bool rv_crypto_hex(const char *text, uint8_t *out, struct rv_bytes *octets);

/* Octets that look random and are the same each time. */
void rv_crypto_pattern(uint8_t *out, size_t len, uint64_t seed);

/* measure.c: measures services one after the other, in jobs of their owners, and remembers across starts. want: once
 * for each new service; forget: when it goes. */
struct rv_measure;
struct rv_measure *rv_measure_new(const void *parent, struct rv_core *core);
void rv_measure_want(struct rv_measure *measure, struct rv_service *service);
void rv_measure_forget(struct rv_measure *measure, struct rv_service *service);

/* registry.c: what measuring found; the choice is made again. */
void rv_service_measured(struct rv_service *service, uint64_t ns);

/* registry.c: true when a service of (kind, name or NULL) is offered, is not draining and is not except's. */
bool rv_registry_offered(struct rv_registry *registry, const char *kind, const char *name,
			 const struct rv_host *except);

/* registry.c: withdraws what owner offers, at once; users lose their references. */
void rv_registry_withdraw(struct rv_registry *registry, const struct rv_host *owner);
