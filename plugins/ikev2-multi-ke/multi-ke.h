// SPDX-License-Identifier: LGPL-2.1-or-later
/* multi-ke.h: the plugin's parts: the words of additional key exchanges, and what is still to be exchanged.
 */
#pragma once

#include <ravelin/algorithm.h>
#include <ravelin/error.h>
#include <ravelin/ikev2-intermediate.h>
#include <ravelin/ikev2-kex.h>
#include <ravelin/plugin.h>

enum {
	IKE_FOLLOWUP_KE = 44,		 /* RFC 9370, 3 */
	ADDITIONAL_KEY_EXCHANGE = 16441, /* 2.2.4 */
	STATE_NOT_FOUND = 47,
	KE = 34,
	N = 41,
	FURTHER_MAX = RV_CLASS_KE_LAST - RV_CLASS_KE_FURTHER + 1,
	LINK_MAX = 64,
};

/* Key exchanges that were agreed on, in the order of their transform types; at: of which are done. */
struct chain {
	uint16_t method[FURTHER_MAX];
	uint8_t n, at;
};

/* The plugin. follows: all struct follow. */
struct multi_ke {
	struct rv_host *host;
	struct rv_list follows;
	uint32_t links;
};

/* words.c: offers ke1_WORD to ke7_WORD for every word of a key exchange, also of plugins that come later. */
int multi_ke_words(struct multi_ke *m);

/* What a chosen proposal says; false: there is nothing to do. */
bool chain_of(const struct rv_ike_exchange *x, struct chain *chain);

/* The KE payload of a key exchange, read (of the method that is due; a veto else) and written. */
int ke_read(struct rv_ike_exchange *x, const struct chain *chain, struct rv_bytes *theirs);
int ke_add(struct rv_ike_exchange *x, const struct chain *chain);

/* followup.c: tasks, steps and rows of IKE_FOLLOWUP_KE. */
int follow_part(struct rv_ike_exchange *x, void *self);
extern rv_ike_step_fn *const follow_answers[], *const follow_reads[], *const follow_refusals[];
extern const struct rv_ike_plan follow_plan;
