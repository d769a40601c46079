// SPDX-License-Identifier: LGPL-2.1-or-later
/* fuzz-message: a datagram as it comes from anybody. What can be read can be written again, and is the same then. */
#include "fuzz-rebuild.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void rebuild_header(const struct ike_message *message, const struct ike_types *types, uint8_t *buf)
{
	struct ike_builder b;
	struct ike_message again;
	uint8_t *out = malloc(REBUILD_CAP);
	size_t len = 0;

	HOLDS(out);
	ike_builder_init(&b, buf, REBUILD_CAP);
	for (unsigned i = 0; i < message->chain.n; i++)
		ike_builder_put(&b, message->chain.p[i].type, message->chain.p[i].body);
	HOLDS(ike_message_write(&message->header, &b, out, REBUILD_CAP, &len) == 0);
	HOLDS(ike_message_read(&again, rv_bytes(out, len), types) == 0);
	HOLDS(again.chain.n == message->chain.n && again.header.spi_i == message->header.spi_i);
	HOLDS(again.header.spi_r == message->header.spi_r && again.header.id == message->header.id);
	HOLDS(again.header.exchange == message->header.exchange && again.header.flags == message->header.flags);
	free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct ike_types types = ike_types_own();
	struct ike_message message;
	uint8_t *buf;
	int r = size <= 65535 ? ike_message_read(&message, rv_bytes(data, size), &types) : -RV_ESYNTAX;

	if (r == -RV_ESYNTAX)
		return 0;
	HOLDS(r == 0 || (r == -RV_ECRITICAL && message.chain.refused));
	HOLDS(message.sealed_aad.len + message.sealed_body.len == (message.sealed ? size : 0));
	buf = malloc(REBUILD_CAP);
	HOLDS(buf);
	rebuild_chain(&message.chain, &types, buf);
	rebuild_header(&message, &types, buf);
	free(buf);
	return 0;
}
