// SPDX-License-Identifier: LGPL-2.1-or-later
/* debug-impair: faults in the messages of IKEv2 (RFC 7296) that this daemon sends, by rules of the configuration. For
 * tests of a peer, and of ourselves.
 *
 * Off by default, and loud. Faults of a message are made before it is protected, so that they are authentic; faults of
 * a datagram afterwards, also when it is sent again. Rules are asked for each time, so that a reload changes them.
 */
#include "impair.h"

#include <ravelin/ikev2-verbs.h>

#include <errno.h>
#include <string.h>
#include <talloc.h>

/* How often what a rule is for has come by. */
struct rule {
	struct rv_list entry;
	uint64_t n;
	char name[];
};

static const struct {
	const char *name;
	uint8_t type;
} exchanges[] = {
	{ "IKE_SA_INIT", 34 },
	{ "IKE_AUTH", 35 },
	{ "CREATE_CHILD_SA", 36 },
	{ "INFORMATIONAL", 37 },
};

/* A message or a datagram that goes out, exactly one of which is not NULL. */
struct turn {
	struct impair *impair;
	uint8_t exchange;
	bool response, taken;
	struct rv_ike_shape *message;
	const struct rv_ike_leaving *leaving;
};

static uint64_t roll(struct impair *impair)
{
	uint64_t z;

	if (!impair->seeded) {
		impair->dice = (uint64_t)rv_conf_int(rv_host_conf(impair->host), "seed");
		impair->seeded = true;
	}
	z = (impair->dice += 0x9e3779b97f4a7c15u); /* splitmix64 */
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static struct rule *rule_named(struct impair *impair, const char *name)
{
	size_t size = strlen(name) + 1;
	struct rule *rule;

	rv_list_each (&impair->rules, old, struct rule, entry)
		if (strcmp(old->name, name) == 0)
			return old;
	rule = talloc_zero_size(impair, sizeof(*rule) + size);
	if (!rule)
		return NULL;
	talloc_set_name_const(rule, "struct rule");
	memcpy(rule->name, name, size);
	rv_list_add(&impair->rules, &rule->entry);
	return rule;
}

static bool is_for(const struct rv_conf *conf, const struct turn *turn)
{
	const char *exchange = rv_conf_str(conf, "exchange"), *message = rv_conf_str(conf, "message");
	uint8_t type = (uint8_t)rv_conf_int(conf, "exchange_type");

	for (size_t i = 0; i < RV_COUNT(exchanges); i++)
		if (strcmp(exchanges[i].name, exchange) == 0)
			type = exchanges[i].type;
	if (type && type != turn->exchange)
		return false;
	return strcmp(message, "any") == 0 || (strcmp(message, "response") == 0) == turn->response;
}

/* Whether it is the rule's turn, which counts. */
static bool is_due(struct impair *impair, const char *name, const struct rv_conf *conf)
{
	struct rule *rule = rule_named(impair, name);
	uint64_t nth = (uint64_t)rv_conf_int(conf, "nth"), count = (uint64_t)rv_conf_int(conf, "count");

	if (!rule || ++rule->n < nth || (count && rule->n >= nth + count))
		return false;
	return roll(impair) % 100 < (uint64_t)rv_conf_int(conf, "probability");
}

static void tell(const struct turn *turn, const char *rule, const char *did, bool done)
{
	rv_log(&turn->impair->host->subject, RV_WARN, done ? "impaired" : "not-impaired", KV_STR("rule", rule),
	       KV_STR("do", did), KV_UINT("exchange", turn->exchange),
	       KV_STR("message", turn->response ? "response" : "request"),
	       KV_STR("why", done ? NULL : "the message has nothing that this fits"));
}

static int by_rule(const char *name, const struct rv_conf *conf, void *arg)
{
	struct turn *turn = arg;
	const char *word = rv_conf_str(conf, "do");
	const struct impair_shape *shape = impair_shape_named(word);
	const struct impair_leave *leave = impair_leave_named(word);
	const struct impair_fault fault = { .payload = (uint8_t)rv_conf_int(conf, "payload"),
					    .notify = (uint16_t)rv_conf_int(conf, "notify"),
					    .value = rv_conf_int(conf, "value"),
					    .delay_us = rv_conf_us(conf, "delay") };
	int r = 0;

	if ((turn->message ? !shape : !leave) || !is_for(conf, turn) || !is_due(turn->impair, name, conf))
		return 0;
	if (turn->message) {
		r = shape->run(&fault, turn->message);
		tell(turn, name, word, !r);
		return r < 0 ? r : 0;
	}
	tell(turn, name, word, true);
	leave->run(turn->impair, &fault, turn->leaving);
	turn->taken = true;
	return 1; /* one fault a datagram */
}

static int go_through(struct turn *turn)
{
	return rv_conf_each(rv_conf_section(rv_host_conf(turn->impair->host), "rules"), by_rule, turn);
}

static int shape(void *self, struct rv_ike_exchange *x, struct rv_ike_shape *message)
{
	struct turn turn = { .impair = self,
			     .exchange = rv_ike_type(x),
			     .response = rv_ike_role(x) == RV_IKE_RESPONDER,
			     .message = message };

	return go_through(&turn);
}

static int leave(void *self, struct rv_ike_sa *sa, const struct rv_ike_leaving *leaving)
{
	struct turn turn = { .impair = self, .leaving = leaving };

	if (leaving->datagram.len < IMPAIR_HEADER)
		return 0;
	turn.exchange = leaving->datagram.p[IMPAIR_AT_EXCHANGE];
	turn.response = leaving->datagram.p[IMPAIR_AT_FLAGS] & IMPAIR_RESPONSE;
	(void)go_through(&turn);
	return turn.taken;
}

static const struct rv_ikev2_ext_ops ops = { .size = sizeof(ops), .shape = shape, .leave = leave };

static int init(struct rv_host *host)
{
	struct impair *impair = talloc_zero(host, struct impair);

	if (!impair)
		return -ENOMEM;
	impair->host = host;
	rv_list_init(&impair->rules);
	rv_list_init(&impair->held);
	host->self = impair;
	rv_log(&host->subject, RV_WARN, "impair-on",
	       KV_STR("meaning",
		      "MESSAGES TO PEERS ARE DAMAGED ON PURPOSE, AS THE CONFIGURATION SAYS: FOR TESTS ONLY"));
	return rv_ikev2_ext_offer(host, (struct rv_offer){ .name = "impair" }, &ops, impair);
}

#define RULE "rules.*."

RV_PLUGIN(
	debug_impair, "debug-impair",
	"version=1\0"
	"summary=DANGEROUS: damages the messages of IKEv2 that are sent, for tests\0"
	"licence=LGPL-2.1-or-later\0"
	"vendor=Ravelin\0"
	"default=off\0"
	"provides=ikev2-ext:impair\0"
	"schema="
	"ravelin.plugins.debug-impair.seed|int|1|0..1000000000|What probabilities are drawn from.\n"
	"ravelin.plugins.debug-impair.rules.*.exchange|choice|any|any,IKE_SA_INIT,IKE_AUTH,CREATE_CHILD_SA,"
	"INFORMATIONAL|Exchange that the rule is for.\n"
	"ravelin.plugins.debug-impair.rules.*.exchange_type|int|0|0..255|The same by number, for others; 0: any.\n"
	"ravelin.plugins.debug-impair.rules.*.message|choice|any|any,request,response|Message that it is for.\n"
	"ravelin.plugins.debug-impair.rules.*.nth|int|1|1..1000000000|The first of these, in order of sending, that "
	"it acts on.\n"
	"ravelin.plugins.debug-impair.rules.*.count|int|1|0..1000000000|How many it acts on; 0: all that follow.\n"
	"ravelin.plugins.debug-impair.rules.*.probability|int|100|0..100|With how many in a hundred of them.\n"
	"ravelin.plugins.debug-impair.rules.*.do|choice|drop|drop,duplicate,replay,delay,corrupt,spi,version,truncate,"
	"critical,unknown,length,reserved,omit,minor,exchange,id|The fault, see debug-impair.md.\n"
	"ravelin.plugins.debug-impair.rules.*.payload|int|0|0..255|Type of the payload for omit and length; 0: any.\n"
	"ravelin.plugins.debug-impair.rules.*.notify|int|0|0..65535|Number of the notification for omit and "
	"length.\n"
	"ravelin.plugins.debug-impair.rules.*.value|int|0|-65535..65535|What the fault takes, see debug-impair.md.\n"
	"ravelin.plugins.debug-impair.rules.*.delay|duration|1s|0s..1h|How much later for delay and replay.\n\0",
	.init = init);
