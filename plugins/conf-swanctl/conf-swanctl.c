// SPDX-License-Identifier: LGPL-2.1-or-later
/* conf-swanctl: knows which keys of swanctl.conf exist that no plugin supports yet, so that they are refused by name
 * and not as a mistake in writing.
 *
 * All it has is the schema in its note.
 */
#include "conf-swanctl.h"

#include <ravelin/plugin.h>

static int init(struct rv_host *host)
{
	return 0;
}

RV_PLUGIN(conf_swanctl, "conf-swanctl",
	  "version=1\0"
	  "summary=Names the keys of swanctl.conf that are not supported\0"
	  "licence=LGPL-2.1-or-later\0"
	  "vendor=Ravelin\0"
	  "default=on\0"
	  "schema=" CONF_SWANCTL_SCHEMA "\0",
	  .init = init);
