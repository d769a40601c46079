// SPDX-License-Identifier: LGPL-2.1-or-later
/* esp-wesp: a header around ESP that says whether it is encrypted: Wrapped ESP (RFC 5840). */
#include "esp-wesp.h"

static int init(struct rv_host *host)
{
	int r = stage_offer(host);

	return r ? r : negotiate_offer(host);
}

RV_PLUGIN(esp_wesp, "esp-wesp",
	  "version=1\0"
	  "summary=A header around ESP that says whether it is encrypted: WESP (RFC 5840)\0"
	  "licence=LGPL-2.1-or-later\0"
	  "default=on\0"
	  "provides=esp-ext:wesp ikev2-ext:wesp\0"
	  "rfc=5840\0"
	  "schema=connections.*.children.*.wesp|bool|no||Ask for and accept Wrapped ESP, which tells everybody on the "
	  "path "
	  "whether packets are encrypted (RFC 5840).\n\0",
	  .init = init);
