// SPDX-License-Identifier: LGPL-2.1-or-later
/* out: outbound processing (RFC 4303, 3.3; RFC 4301, 5.1). */
#pragma once

#include "lane.h"

/* Octets that sealing adds to a text of len octets behind the ESP header: IV, padding, trailer, ICV, and the header. */
uint32_t esp_sealed_len(const struct sa *sa, uint32_t len);

/* The largest clear packet whose sealed form fits into an outer packet of mtu octets on this path. */
uint32_t esp_clear_mtu(const struct sa *sa, const struct sa_path *path, uint32_t mtu);

/* The longest text whose outer packet has at most outer octets on this path. */
uint32_t esp_room(const struct sa *sa, const struct sa_path *path, uint32_t outer);

/* Seals a text that an extension made; as out_packet(). False: it was dropped and counted. */
bool out_emit(struct lane *lane, struct sa *sa, const struct sa_path *path, const struct rv_esp_text *text);

/* The same for an SA of ESP or AH. */
uint32_t out_clear_mtu(const struct sa *sa, const struct sa_path *path, uint32_t mtu);

/* Room in the arena for one more sealed packet of len octets of sa's run, and extra ones to write it with. */
void out_room(struct lane *lane, struct sa *sa, uint32_t len, uint32_t extra);

/* An IV for the packet with this number, iv_len octets. False: no random numbers. */
bool out_iv(struct lane *lane, const struct sa *sa, uint64_t seq, uint8_t *iv);

/* One clear packet or train: policy, SA, segments; it is sealed and sent at the next out_flush() at the latest. */
void out_packet(struct lane *lane, struct iface *iface, struct rv_packet *packet);

/* Seals and sends all that waits. */
void out_flush(struct lane *lane);
