// SPDX-License-Identifier: LGPL-2.1-or-later
/* payload: which reader belongs to which payload type, for the check of a whole message before any of it counts.
 */
#include "payload.h"

static bool valid_sa(struct rv_bytes body)
{
	struct ike_proposals proposals;

	return ike_offer_read(&proposals, body) || ike_choice_read(&proposals, body);
}

#define VALID(name, type)                                                                                              \
	static bool valid_##name(struct rv_bytes body)                                                                 \
	{                                                                                                              \
		type value;                                                                                            \
                                                                                                                       \
		return ike_##name##_read(&value, body);                                                                \
	}
VALID(ke, struct ike_ke)
VALID(id, struct ike_id)
VALID(cert, struct ike_cert)
VALID(certreq, struct ike_cert)
VALID(auth, struct ike_auth)
VALID(nonce, struct rv_bytes)
VALID(notify, struct ike_notify)
VALID(delete, struct ike_delete)
VALID(vendor, struct rv_bytes)
VALID(ts, struct ike_ts_list)
VALID(cp, struct ike_cp)
VALID(eap, struct rv_bytes)

static const struct {
	uint8_t type;
	bool (*valid)(struct rv_bytes body);
} readers[] = {
	{ IKE_PAYLOAD_SA, valid_sa },	      { IKE_PAYLOAD_KE, valid_ke },
	{ IKE_PAYLOAD_IDI, valid_id },	      { IKE_PAYLOAD_IDR, valid_id },
	{ IKE_PAYLOAD_CERT, valid_cert },     { IKE_PAYLOAD_CERTREQ, valid_certreq },
	{ IKE_PAYLOAD_AUTH, valid_auth },     { IKE_PAYLOAD_NONCE, valid_nonce },
	{ IKE_PAYLOAD_NOTIFY, valid_notify }, { IKE_PAYLOAD_DELETE, valid_delete },
	{ IKE_PAYLOAD_VENDOR, valid_vendor }, { IKE_PAYLOAD_TSI, valid_ts },
	{ IKE_PAYLOAD_TSR, valid_ts },	      { IKE_PAYLOAD_CP, valid_cp },
	{ IKE_PAYLOAD_EAP, valid_eap },
};

bool ike_payload_valid(uint8_t type, struct rv_bytes body)
{
	for (size_t i = 0; i < RV_COUNT(readers); i++)
		if (readers[i].type == type)
			return readers[i].valid(body);
	return true;
}
