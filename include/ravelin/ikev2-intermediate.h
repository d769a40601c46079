// SPDX-License-Identifier: LGPL-2.1-or-later
/* ikev2-intermediate.h: how a plugin carries payloads between IKE_SA_INIT and IKE_AUTH (RFC 9242).
 *
 * It needs ikev2-ext:intermediate, which negotiates the exchange and authenticates what it carries. It has rows in
 * state RV_IKE_HALF_OPEN for the exchange, whose `needs` or `when` tell its messages from others', and a plan of this
 * exchange that is `early`, started when rv_ike_agreed(sa, RV_IKE_INTERMEDIATE_SUPPORTED): at RV_IKE_AT_PATH of
 * IKE_SA_INIT, or when an earlier one of its exchanges ends. rv_ike_mix() there changes the keys from the next exchange
 * on.
 */
#pragma once

enum {
	RV_IKE_INTERMEDIATE = 43,	       /* the exchange type */
	RV_IKE_INTERMEDIATE_SUPPORTED = 16438, /* the notification, and the number that is agreed on */
};
