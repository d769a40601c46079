// SPDX-License-Identifier: LGPL-2.1-or-later
/* fuzz-ticket: what a stranger presents as a ticket, what a gateway gives as one, and what a ticket holds (RFC 5723, 7,
 * A.1). What can be read can be written again, and is the same then.
 */
#include "ticket.h"

#include <ravelin/pack.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HOLDS(truth)                                                                                                   \
	do {                                                                                                           \
		if (!(truth))                                                                                          \
			abort();                                                                                       \
	} while (0)

static void rebuild(const struct ticket_content *content)
{
	struct rv_pack *pack = rv_pack_new(NULL);
	struct ticket_content again;
	struct rv_bytes octets;

	HOLDS(pack);
	ticket_content_write(pack, content);
	HOLDS(rv_pack_done(pack, &octets) && ticket_content_read(pack, octets, &again));
	HOLDS(rv_id_same(again.known.initiator, content->known.initiator));
	HOLDS(rv_id_same(again.known.responder, content->known.responder));
	HOLDS(again.known.proposal.n == content->known.proposal.n);
	HOLDS(rv_bytes_equal(again.known.key, content->known.key) && rv_bytes_equal(again.how, content->how));
	HOLDS(again.serial == content->serial && again.expires_s == content->expires_s);
	HOLDS(again.since_s == content->since_s && again.session == content->session);
	talloc_free(pack);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct rv_bytes octets = rv_bytes(data, size);
	struct rv_bytes id, rest;
	struct ticket_content content;
	uint32_t lifetime;
	void *parent = talloc_new(NULL);

	if (ticket_front_read(octets, &id, &rest))
		HOLDS(id.len == TICKET_KEY_ID_LEN && TICKET_FRONT_LEN + rest.len == size);
	if (ticket_grant_read(octets, &lifetime, &rest))
		HOLDS(lifetime && rest.len + 4 == size && rest.len <= TICKET_MAX);
	if (ticket_content_read(parent, octets, &content))
		rebuild(&content);
	talloc_free(parent);
	return 0;
}
