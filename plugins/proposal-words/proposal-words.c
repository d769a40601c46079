// SPDX-License-Identifier: LGPL-2.1-or-later
/* proposal-words: the words of proposals for RFC 7296, RFC 4303 and what RFC 8247 and RFC 8221 forbid.
 *
 * It is data only. Another plugin may bring further words by a service of the same kind.
 */
#include "words.h"

#include <ravelin/plugin.h>

static const struct rv_algorithm_ops ops = {
	.size = sizeof(ops),
	.algorithms = proposal_words,
	.n_algorithms = N_PROPOSAL_WORDS,
	.implicit_iv = proposal_implicit_iv,
	.n_implicit_iv = N_IMPLICIT_IV,
};

static int init(struct rv_host *host)
{
	return rv_algorithm_offer(host, (struct rv_offer){ .name = "words" }, &ops, NULL);
}

RV_PLUGIN(proposal_words, "proposal-words",
	  "version=1\0"
	  "summary=The words of proposals, as data\0"
	  "licence=LGPL-2.1-or-later\0"
	  "vendor=Ravelin\0"
	  "default=on\0"
	  "provides=algorithm:words\0"
	  "rfc=7296 8247 8221 8750 4543\0",
	  .init = init);
