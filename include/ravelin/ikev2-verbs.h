// SPDX-License-Identifier: LGPL-2.1-or-later
/* ikev2-verbs.h: what an extension can do with an exchange and an IKE SA of keying-ikev2.
 *
 * Both objects begin with a pointer to one table of verbs, so that no plugin links another. What a verb returns is
 * borrowed: of an exchange until the step returns (or is resumed), of an IKE SA until the loop turns. Loop thread.
 */
#pragma once

#include <ravelin/ikev2-table.h>

/* The verbs of an exchange or an IKE SA. */
static inline const struct rv_ike_verbs *rv_ike_verbs(const void *object)
{
	return *(const struct rv_ike_verbs *const *)object;
}

/* The IKE SA of an exchange. */
static inline struct rv_ike_sa *rv_ike_sa(struct rv_ike_exchange *x)
{
	return rv_ike_verbs(x)->sa(x);
}

/* The session that an IKE SA belongs to. */
static inline struct rv_peer *rv_ike_peer(struct rv_ike_sa *sa)
{
	return rv_ike_verbs(sa)->peer(sa);
}

/* The state of an IKE SA. */
static inline enum rv_ike_state rv_ike_state(const struct rv_ike_sa *sa)
{
	return rv_ike_verbs(sa)->state(sa);
}

/* Whether the request is ours. */
static inline enum rv_ike_role rv_ike_role(const struct rv_ike_exchange *x)
{
	return rv_ike_verbs(x)->role(x);
}

/* The exchange type. */
static inline uint8_t rv_ike_type(const struct rv_ike_exchange *x)
{
	return rv_ike_verbs(x)->type(x);
}

/* The n-th payload (from 0) of a type in the message that came. False when there is none. */
static inline bool rv_ike_payload(const struct rv_ike_exchange *x, uint8_t type, unsigned nth, struct rv_bytes *body)
{
	return rv_ike_verbs(x)->payload(x, type, nth, body);
}

/* The same of a notification. */
static inline bool rv_ike_notify(const struct rv_ike_exchange *x, uint16_t type, unsigned nth, struct rv_bytes *data)
{
	return rv_ike_verbs(x)->notify(x, type, nth, data);
}

/* Adds a payload to the message that goes out. 0; -RV_ESTATE when none is being built. One that does
 * not fit fails the message. */
static inline int rv_ike_add(struct rv_ike_exchange *x, uint8_t type, bool critical, struct rv_bytes body)
{
	return rv_ike_verbs(x)->add(x, type, critical, body);
}

/* As rv_ike_add, of a notification. */
static inline int rv_ike_add_notify(struct rv_ike_exchange *x, uint16_t type, struct rv_bytes data)
{
	return rv_ike_verbs(x)->add_notify(x, type, data);
}

/* `return rv_ike_veto(...)`: refuses the peer's request with a notification (data: 4 octets at most); text is for our
 * side. */
static inline int rv_ike_veto(struct rv_ike_exchange *x, uint16_t type, struct rv_bytes data, const char *text)
{
	return rv_ike_verbs(x)->veto(x, type, data, text);
}

/* Goes on after RV_PENDING; never inside the step that returned it. */
static inline void rv_ike_resume(struct rv_ike_exchange *x, int result)
{
	rv_ike_verbs(x)->resume(x, result);
}

/* Queues a request of the extension's own; self is passed to its steps and end. 0 or -ENOMEM. */
static inline int rv_ike_start(struct rv_ike_sa *sa, const struct rv_ike_plan *plan, void *self)
{
	return rv_ike_verbs(sa)->start(sa, plan, self);
}
