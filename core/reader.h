// SPDX-License-Identifier: LGPL-2.1-or-later
/* reader.h: a process beside the daemon that opens files of the configuration's folder, also those that only root may
 * read (doc/adr/0020-reader.md). It can do nothing else.
 */
#pragma once

#include "rights.h"

struct reader {
	char *folder; /* of the configuration, with a slash at its end; NULL: there is no reader */
	int fd;
};

/* Starts it, before rights are given up and before any thread is made. Where the folder is no folder of its own ("/",
 * "/etc") there is none, nor without the capability. unfiltered: without a filter of system calls. 0, or negative with
 * why. */
int reader_start(struct reader *reader, const void *parent, const char *config, const struct rights_user *user,
		 bool unfiltered, struct rv_why *why);

/* Opens path for reading (a folder: for listing). The descriptor, or negative: -EACCES also for what is elsewhere. */
int reader_open(const struct reader *reader, const char *path);
