// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-rights: what the filter of system calls lets through where it looks at arguments. Each case is a process. */
#include "test.h"

#include "mini.h"
#include "rights.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static bool lower_own(void)
{
	return !setpriority(PRIO_PROCESS, 0, 19);
}

static bool lower_other(void)
{
	return !setpriority(PRIO_PROCESS, (id_t)getppid(), 19);
}

static bool lower_group(void)
{
	return !setpriority(PRIO_PGRP, 0, 19);
}

static bool lower_user(void)
{
	return !setpriority(PRIO_USER, 0, 19);
}

static bool own_processors(void)
{
	cpu_set_t set;

	return !sched_getaffinity(0, sizeof(set), &set) && !sched_setaffinity(0, sizeof(set), &set);
}

static bool real_time(void)
{
	struct sched_param param = { .sched_priority = 1 };

	return !sched_setscheduler(0, SCHED_RR, &param);
}

enum outcome { PASSED, REFUSED, NO_FILTER };

static enum outcome behind_the_filter(struct rv_core *core, bool (*call)(void))
{
	struct rights_calls calls;
	struct rv_why why = { 0 };
	int status = 0;
	pid_t child = fork();

	assert_true(child >= 0);
	if (!child) {
		if (rights_drop(core, &(struct rights_user){ 0 }, true, &why) || rights_filter(core, &calls, &why))
			_exit(NO_FILTER);
		errno = 0;
		_exit(call() ? PASSED : errno == EPERM ? REFUSED : 100 + errno);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return (enum outcome)WEXITSTATUS(status);
}

/* CAP_SYS_NICE is kept for a thread's own nice value and is worth nothing else. */
static void only_ones_own_priority_can_be_changed(void **state)
{
	static const struct {
		const char *what;
		bool (*call)(void);
		enum outcome outcome;
	} rows[] = {
		{ "own", lower_own, PASSED },
		{ "another process", lower_other, REFUSED },
		{ "a group", lower_group, REFUSED },
		{ "a user", lower_user, REFUSED },
		{ "processors", own_processors, REFUSED },
		{ "real time", real_time, REFUSED },
	};
	struct rv_core *core = mini_new((const struct mini_plugin[]){ { 0 } }, "", NULL);

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		enum outcome got = behind_the_filter(core, rows[i].call);
		if (got != rows[i].outcome)
			fail_msg("%s: %d, wanted %d", rows[i].what, got, rows[i].outcome);
	}
	talloc_free(core);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(only_ones_own_priority_can_be_changed) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
