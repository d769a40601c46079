// SPDX-License-Identifier: LGPL-2.1-or-later
/* secret.h: what tokens are made with, in a file that outlives the daemon (RFC 6290, 5.1: "QCD_SECRET").
 */
#pragma once

#include <ravelin/plugin.h>
#include <ravelin/secret.h>

enum { QCD_SECRET_LEN = 32 };

/* The secret in the host's state folder, made when there is none yet; a child of parent. NULL: there is no folder, or
 * the file cannot be read, made or trusted; the log says which. */
struct rv_secret *qcd_secret(struct rv_host *host, const void *parent);
