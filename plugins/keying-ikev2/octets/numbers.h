// SPDX-License-Identifier: LGPL-2.1-or-later
/* numbers.h: the numbers of RFC 7296 with their names: exchanges, payloads, notify messages, flags.
 *
 * Only what that document assigns stands here; an extension brings its own numbers. All of them are plain octets or
 * 16-bit values on the wire and are kept as such: an unknown number is not an error here.
 */
#pragma once

#include <ravelin/base.h>

/* X(name, number): RFC 7296, 3.1 */
#define IKE_EXCHANGES(X)                                                                                               \
	X(IKE_SA_INIT, 34)                                                                                             \
	X(IKE_AUTH, 35)                                                                                                \
	X(CREATE_CHILD_SA, 36)                                                                                         \
	X(INFORMATIONAL, 37)

enum ike_exchange {
#define X(name, number) IKE_EXCHANGE_##name = number,
	IKE_EXCHANGES(X)
#undef X
};

/* Flags of the header (RFC 7296, 3.1). */
enum { IKE_FLAG_INITIATOR = 0x08, IKE_FLAG_VERSION = 0x10, IKE_FLAG_RESPONSE = 0x20 };

/* X(name, number, the RFC's notation): RFC 7296, 3.2 */
#define IKE_PAYLOADS(X)                                                                                                \
	X(SA, 33, "SA")                                                                                                \
	X(KE, 34, "KE")                                                                                                \
	X(IDI, 35, "IDi")                                                                                              \
	X(IDR, 36, "IDr")                                                                                              \
	X(CERT, 37, "CERT")                                                                                            \
	X(CERTREQ, 38, "CERTREQ")                                                                                      \
	X(AUTH, 39, "AUTH")                                                                                            \
	X(NONCE, 40, "Nonce")                                                                                          \
	X(NOTIFY, 41, "N")                                                                                             \
	X(DELETE, 42, "D")                                                                                             \
	X(VENDOR, 43, "V")                                                                                             \
	X(TSI, 44, "TSi")                                                                                              \
	X(TSR, 45, "TSr")                                                                                              \
	X(SK, 46, "SK")                                                                                                \
	X(CP, 47, "CP")                                                                                                \
	X(EAP, 48, "EAP")

enum ike_payload_type {
	IKE_PAYLOAD_NONE = 0,
#define X(name, number, notation) IKE_PAYLOAD_##name = number,
	IKE_PAYLOADS(X)
#undef X
};

/* X(name, number): RFC 7296, 3.10.1. Below 16384 a notify message is an error, from there on a status. */
#define IKE_NOTIFIES(X)                                                                                                \
	X(UNSUPPORTED_CRITICAL_PAYLOAD, 1)                                                                             \
	X(INVALID_IKE_SPI, 4)                                                                                          \
	X(INVALID_MAJOR_VERSION, 5)                                                                                    \
	X(INVALID_SYNTAX, 7)                                                                                           \
	X(INVALID_MESSAGE_ID, 9)                                                                                       \
	X(INVALID_SPI, 11)                                                                                             \
	X(NO_PROPOSAL_CHOSEN, 14)                                                                                      \
	X(INVALID_KE_PAYLOAD, 17)                                                                                      \
	X(AUTHENTICATION_FAILED, 24)                                                                                   \
	X(SINGLE_PAIR_REQUIRED, 34)                                                                                    \
	X(NO_ADDITIONAL_SAS, 35)                                                                                       \
	X(INTERNAL_ADDRESS_FAILURE, 36)                                                                                \
	X(FAILED_CP_REQUIRED, 37)                                                                                      \
	X(TS_UNACCEPTABLE, 38)                                                                                         \
	X(INVALID_SELECTORS, 39)                                                                                       \
	X(TEMPORARY_FAILURE, 43)                                                                                       \
	X(CHILD_SA_NOT_FOUND, 44)                                                                                      \
	X(INITIAL_CONTACT, 16384)                                                                                      \
	X(SET_WINDOW_SIZE, 16385)                                                                                      \
	X(ADDITIONAL_TS_POSSIBLE, 16386)                                                                               \
	X(IPCOMP_SUPPORTED, 16387)                                                                                     \
	X(NAT_DETECTION_SOURCE_IP, 16388)                                                                              \
	X(NAT_DETECTION_DESTINATION_IP, 16389)                                                                         \
	X(COOKIE, 16390)                                                                                               \
	X(USE_TRANSPORT_MODE, 16391)                                                                                   \
	X(HTTP_CERT_LOOKUP_SUPPORTED, 16392)                                                                           \
	X(REKEY_SA, 16393)                                                                                             \
	X(ESP_TFC_PADDING_NOT_SUPPORTED, 16394)                                                                        \
	X(NON_FIRST_FRAGMENTS_ALSO, 16395)

enum ike_notify_type {
#define X(name, number) IKE_N_##name = number,
	IKE_NOTIFIES(X)
#undef X
};

/* Names for people, static storage: "IKE_SA_INIT", "TSi", "NO_PROPOSAL_CHOSEN"; NULL (an exchange: words that
 * say so) for a number that RFC 7296 does not assign. Any thread. */
const char *ike_exchange_name(uint8_t exchange);
const char *ike_payload_name(uint8_t type);
const char *ike_notify_name(uint16_t type);

/* True for an error type (RFC 7296, 3.10.1: 0 to 16383). */
static inline bool ike_notify_is_error(uint16_t type)
{
	return type < 16384;
}
