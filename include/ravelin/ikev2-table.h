// SPDX-License-Identifier: LGPL-2.1-or-later
/* ikev2-table.h: the table of verbs that every exchange and IKE SA of keying-ikev2 begins with.
 *
 * Extensions use it through the wrappers, which say what each verb does: ikev2-verbs.h (what all need) and, by concept,
 * ikev2-auth.h, ikev2-child.h, ikev2-config.h, ikev2-kex.h, ikev2-known.h, ikev2-path.h, ikev2-stray.h and
 * ikev2-wire.h. The table only grows at its end. Loop thread.
 */
#pragma once

#include <ravelin/ikev2.h>

struct rv_ike_known; /* ikev2-known.h */

struct rv_ike_verbs {
	size_t size;
	struct rv_ike_sa *(*sa)(struct rv_ike_exchange *x);
	struct rv_peer *(*peer)(struct rv_ike_sa *sa);
	enum rv_ike_state (*state)(const struct rv_ike_sa *sa);
	enum rv_ike_role (*role)(const struct rv_ike_exchange *x);
	uint8_t (*type)(const struct rv_ike_exchange *x);
	bool (*payload)(const struct rv_ike_exchange *x, uint8_t type, unsigned nth, struct rv_bytes *body);
	bool (*notify)(const struct rv_ike_exchange *x, uint16_t type, unsigned nth, struct rv_bytes *data);
	int (*add)(struct rv_ike_exchange *x, uint8_t type, bool critical, struct rv_bytes body);
	int (*add_notify)(struct rv_ike_exchange *x, uint16_t type, struct rv_bytes data);
	int (*veto)(struct rv_ike_exchange *x, uint16_t type, struct rv_bytes data, const char *text);
	void (*resume)(struct rv_ike_exchange *x, int result);
	int (*start)(struct rv_ike_sa *sa, const struct rv_ike_plan *plan, void *self);
	int (*sign_also)(struct rv_ike_exchange *x, struct rv_bytes octets);
	uint8_t *(*key)(struct rv_ike_exchange *x, char which, size_t *len);
	struct rv_service *(*prf)(struct rv_ike_sa *sa);
	bool (*wants_child)(const struct rv_ike_sa *sa);
	void (*childless)(struct rv_ike_sa *sa);
	/* wrapped in ikev2-wire.h */
	uint32_t (*id)(const struct rv_ike_exchange *x);
	size_t (*sealed_len)(const struct rv_ike_sa *sa, size_t len);
	int (*seal)(struct rv_ike_exchange *x, uint8_t type, struct rv_bytes prefix, uint8_t first,
		    struct rv_bytes chunk);
	int (*open)(struct rv_ike_sa *sa, const struct rv_ike_sealed *datagram, size_t skip, uint8_t *room, size_t cap,
		    struct rv_bytes *chunk);
	int (*agree)(struct rv_ike_sa *sa, uint16_t number);
	bool (*agreed)(const struct rv_ike_sa *sa, uint16_t number);
	int (*mix)(struct rv_ike_exchange *x, struct rv_bytes shared);
	const struct rv_proposal *(*chosen)(const struct rv_ike_exchange *x);

	/* ikev2-path.h */
	const struct rv_path *(*came_by)(const struct rv_ike_exchange *x);
	unsigned (*tries)(const struct rv_ike_exchange *x);
	void (*via)(struct rv_ike_exchange *x, const struct rv_path *path);
	void (*resend)(struct rv_ike_sa *sa, const struct rv_path *path);
	void (*move)(struct rv_ike_sa *sa, const struct rv_path *path);
	void (*pin)(struct rv_ike_sa *sa, bool on);
	int (*route)(struct rv_ike_sa *sa, const struct rv_addr *local, const struct rv_addr *remote,
		     struct rv_path *path);
	void (*encapsulate)(struct rv_ike_sa *sa, struct rv_path *path);
	int (*nat_add)(struct rv_ike_exchange *x, const struct rv_path *path);
	int (*nat_read)(struct rv_ike_exchange *x, struct rv_path *path);
	bool (*attribute)(const struct rv_ike_exchange *x, uint16_t type, unsigned nth, struct rv_bytes *value);
	int (*add_attribute)(struct rv_ike_exchange *x, uint16_t type, struct rv_bytes value);
	void (*doom)(struct rv_ike_exchange *x, int reason, const char *text);
	int (*redial)(struct rv_ike_exchange *x, const char *gateway);
	const struct rv_addr *(*origin)(const struct rv_ike_sa *sa);
	void (*no_child)(struct rv_ike_exchange *x);
	struct rv_bytes (*nonce)(const struct rv_ike_exchange *x);
	int (*kex_start)(struct rv_ike_exchange *x, uint16_t method);
	int (*kex_answer)(struct rv_ike_exchange *x, uint16_t method, struct rv_bytes theirs);
	int (*kex_finish)(struct rv_ike_exchange *x, struct rv_bytes theirs);
	struct rv_bytes (*kex_public)(const struct rv_ike_exchange *x);
	struct rv_bytes (*kex_shared)(const struct rv_ike_exchange *x);
	int (*part)(struct rv_ike_exchange *x);
	int (*add_secret)(struct rv_ike_exchange *x, struct rv_bytes shared);
	int (*go_on)(struct rv_ike_exchange *y, struct rv_ike_exchange *x);
	struct rv_ike_sa *(*fresh)(struct rv_ike_exchange *x);
	bool (*spis)(const struct rv_ike_sa *sa, uint64_t *spi_i, uint64_t *spi_r);
	void (*tell)(struct rv_ike_exchange *x, const char *text);
	void (*reauth_within)(struct rv_ike_sa *sa, uint64_t us);
	struct rv_child *(*child)(const struct rv_ike_exchange *x);
	int (*prove_also)(struct rv_ike_exchange *x, struct rv_bytes key);
	struct rv_bytes (*proof_also)(const struct rv_ike_exchange *x);
	void (*proof_instead)(struct rv_ike_exchange *x, struct rv_bytes octets);
	unsigned (*rounds)(const struct rv_ike_exchange *x);
	void (*several_rounds)(struct rv_ike_sa *sa);
	void (*another_round)(struct rv_ike_exchange *x);
	bool (*remember)(const struct rv_ike_sa *sa, struct rv_ike_known *known);
	bool (*is_known)(const struct rv_ike_sa *sa);
	int (*add_outside)(struct rv_ike_exchange *x, uint8_t type, struct rv_bytes body);
};
