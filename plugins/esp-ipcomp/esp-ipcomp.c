// SPDX-License-Identifier: LGPL-2.1-or-later
/* esp-ipcomp: compressed payloads in ESP: IPComp (RFC 3173) with DEFLATE (RFC 2394). */
#include "esp-ipcomp.h"

static int init(struct rv_host *host)
{
	int r = stage_offer(host);

	return r ? r : negotiate_offer(host);
}

RV_PLUGIN(
	esp_ipcomp, "esp-ipcomp",
	"version=1\0"
	"summary=Compressed payloads in ESP: IPComp with DEFLATE (RFC 3173, RFC 2394)\0"
	"licence=LGPL-2.1-or-later\0"
	"default=on\0"
	"provides=esp-ext:ipcomp ikev2-ext:ipcomp\0"
	"rfc=3173 2394\0"
	"schema="
	"connections.*.children.*.ipcomp|bool|no||Offer and accept compression with DEFLATE inside ESP (RFC 3173).\n\0",
	.init = init);
