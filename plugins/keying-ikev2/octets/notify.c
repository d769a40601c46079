// SPDX-License-Identifier: LGPL-2.1-or-later
/* notify: one table each way between this program's errors and the error types of RFC 7296, 3.10.1.
 */
#include "notify.h"

#include <ravelin/error.h>

static const struct {
	int error;
	uint16_t type; /* 0: nothing is said */
} told[] = {
	{ RV_ENO_PROPOSAL, IKE_N_NO_PROPOSAL_CHOSEN },
	{ RV_ENO_PROVIDER, IKE_N_NO_PROPOSAL_CHOSEN },
	{ RV_EFORBIDDEN, IKE_N_NO_PROPOSAL_CHOSEN },
	{ RV_ETS_UNACCEPTABLE, IKE_N_TS_UNACCEPTABLE },
	{ RV_EAUTH_FAILED, IKE_N_AUTHENTICATION_FAILED },
	{ RV_ENO_SECRET, IKE_N_AUTHENTICATION_FAILED },
	{ RV_EUNKNOWN_PEER, IKE_N_AUTHENTICATION_FAILED },
	{ RV_ESYNTAX, IKE_N_INVALID_SYNTAX },
	{ RV_EKEY_VALUE, IKE_N_INVALID_SYNTAX }, /* RFC 6989, 2.5 */
	{ RV_ECRITICAL, IKE_N_UNSUPPORTED_CRITICAL_PAYLOAD },
	{ RV_EVERSION, IKE_N_INVALID_MAJOR_VERSION },
	{ RV_EUNKNOWN_CHILD, IKE_N_CHILD_SA_NOT_FOUND },
	{ RV_EREFUSED, IKE_N_NO_ADDITIONAL_SAS },
	{ RV_EINTEGRITY, 0 },
	{ RV_EREPLAY, 0 },
	{ RV_ECANCELLED, 0 },
	{ RV_ETIMEOUT, 0 },
	{ RV_EPEER_GONE, 0 },
};

static const struct {
	uint16_t type;
	int error;
} meant[] = {
	{ IKE_N_UNSUPPORTED_CRITICAL_PAYLOAD, RV_ECRITICAL },
	{ IKE_N_INVALID_IKE_SPI, RV_EPEER_GONE },
	{ IKE_N_INVALID_MAJOR_VERSION, RV_EVERSION },
	{ IKE_N_INVALID_SYNTAX, RV_ESYNTAX },
	{ IKE_N_INVALID_MESSAGE_ID, RV_ESTATE },
	{ IKE_N_NO_PROPOSAL_CHOSEN, RV_ENO_PROPOSAL },
	{ IKE_N_INVALID_KE_PAYLOAD, RV_ENO_PROPOSAL },
	{ IKE_N_AUTHENTICATION_FAILED, RV_EAUTH_FAILED },
	{ IKE_N_SINGLE_PAIR_REQUIRED, RV_ETS_UNACCEPTABLE },
	{ IKE_N_NO_ADDITIONAL_SAS, RV_ELIMIT },
	{ IKE_N_TS_UNACCEPTABLE, RV_ETS_UNACCEPTABLE },
	{ IKE_N_TEMPORARY_FAILURE, RV_ESTATE },
	{ IKE_N_CHILD_SA_NOT_FOUND, RV_EUNKNOWN_CHILD },
};

uint16_t ike_notify_of(int error)
{
	if (error >= 0)
		return 0;
	for (size_t i = 0; i < RV_COUNT(told); i++)
		if (told[i].error == -error)
			return told[i].type;
	return IKE_N_TEMPORARY_FAILURE;
}

int ike_error_of(uint16_t type)
{
	if (!ike_notify_is_error(type))
		return 0;
	for (size_t i = 0; i < RV_COUNT(meant); i++)
		if (meant[i].type == type)
			return -meant[i].error;
	return -RV_EREFUSED;
}

bool ike_notify_is_fatal(uint16_t type, bool in_auth)
{
	return type == IKE_N_AUTHENTICATION_FAILED || type == IKE_N_INVALID_SYNTAX ||
	       (in_auth && type == IKE_N_UNSUPPORTED_CRITICAL_PAYLOAD);
}
