// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-notify: errors to notify types and back. */
#include "test.h"

#include "octets/notify.h"

#include <errno.h>
#include <ravelin/error.h>

static const struct {
	int error;
	uint16_t type;
	int back;
} rows[] = {
	{ -RV_ENO_PROPOSAL, 14, -RV_ENO_PROPOSAL },
	{ -RV_EFORBIDDEN, 14, -RV_ENO_PROPOSAL },
	{ -RV_ETS_UNACCEPTABLE, 38, -RV_ETS_UNACCEPTABLE },
	{ -RV_EAUTH_FAILED, 24, -RV_EAUTH_FAILED },
	{ -RV_ENO_SECRET, 24, -RV_EAUTH_FAILED },
	{ -RV_EUNKNOWN_PEER, 24, -RV_EAUTH_FAILED },
	{ -RV_ESYNTAX, 7, -RV_ESYNTAX },
	{ -RV_EKEY_VALUE, 7, -RV_ESYNTAX },
	{ -RV_ECRITICAL, 1, -RV_ECRITICAL },
	{ -RV_EVERSION, 5, -RV_EVERSION },
	{ -RV_EUNKNOWN_CHILD, 44, -RV_EUNKNOWN_CHILD },
	{ -RV_EREFUSED, 35, -RV_ELIMIT },
	{ -RV_ELIMIT, 43, -RV_ESTATE },
	{ -ENOMEM, 43, -RV_ESTATE },
	{ -RV_EINTEGRITY, 0, 0 },
	{ -RV_EREPLAY, 0, 0 },
	{ -RV_ECANCELLED, 0, 0 },
	{ 0, 0, 0 },
	{ RV_PENDING, 0, 0 },
};

static void errors_are_told_as_notify_types_and_understood(void **state)
{
	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		if (ike_notify_of(rows[i].error) != rows[i].type)
			fail_msg("%s is told as %u", rv_error_text(rows[i].error), ike_notify_of(rows[i].error));
		if (rows[i].type && ike_error_of(rows[i].type) != rows[i].back)
			fail_msg("%u means %s", rows[i].type, rv_error_text(ike_error_of(rows[i].type)));
	}
}

static void every_error_type_means_an_error_and_no_status_does(void **state)
{
	for (unsigned type = 0; type < 65536; type++) {
		if ((ike_error_of((uint16_t)type) < 0) != (type < 16384))
			fail_msg("%u", type);
	}
	assert_int_equal(ike_error_of(8192), -RV_EREFUSED);
}

static void only_three_types_end_the_sa(void **state)
{
	for (unsigned type = 0; type < 65536; type++) {
		bool fatal = type == 24 || type == 7;

		assert_int_equal(ike_notify_is_fatal((uint16_t)type, false), fatal);
		assert_int_equal(ike_notify_is_fatal((uint16_t)type, true), fatal || type == 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(errors_are_told_as_notify_types_and_understood),
		cmocka_unit_test(every_error_type_means_an_error_and_no_status_does),
		cmocka_unit_test(only_three_types_end_the_sa),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
