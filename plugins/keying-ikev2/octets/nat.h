// SPDX-License-Identifier: LGPL-2.1-or-later
/* nat.h: NAT detection by hashes of addresses (RFC 7296, 2.23).
 */
#pragma once

#include "payload.h"

#include <ravelin/crypto.h>

enum { IKE_NAT_HASH_LEN = 20 };

/* SHA-1(SPIi | SPIr | address | port) into out. sha1: the hash service of that name. 0 or the provider's; -EINVAL when
 * addr has no family. */
RV_MUST_USE int ike_nat_hash(struct rv_service *sha1, uint64_t spi_i, uint64_t spi_r, const struct rv_addr *addr,
			     uint8_t out[static IKE_NAT_HASH_LEN]);

enum ike_nat { IKE_NAT_UNKNOWN, IKE_NAT_NONE, IKE_NAT_FOUND };

/* Compares addr with the notify messages of this type (NAT_DETECTION_SOURCE_IP with the address that the message came
 * from, ..._DESTINATION_IP with the one it came to): UNKNOWN when there is none, NONE when one of them is addr, else
 * FOUND. SPIs are those of the message's header. Negative: the provider's. */
RV_MUST_USE int ike_nat_look(struct rv_service *sha1, const struct ike_header *header, const struct ike_chain *chain,
			     uint16_t type, const struct rv_addr *addr);
