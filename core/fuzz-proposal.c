// SPDX-License-Identifier: LGPL-2.1-or-later
/* fuzz-proposal: a proposal that is read is written as words that read as the same, and what is chosen from two sides
 * is a part of both.
 *
 * The first octet says which protocol; behind it come words, up to a NUL, and then transforms of 3 octets for two
 * sides.
 */
#include "proposal.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct rv_algorithm words[] = {
	{ "fox128", 1, 10, 128, .combined = true, .rank = 2 },
	{ "fox256", 1, 10, 256, .combined = true, .rank = 1 },
	{ "hare", 1, 12, 64, .fixed_key = true, .rank = 1 },
	{ "gone", 1, 11, 0, .combined = true, .kind = "thing", .name = "gone", .rank = 3 },
	{ "worst", 1, 14, .forbid_keying = "RFC 1, 3", .forbid_child = "RFC 1, 4" },
	{ "prfowl", 2, 20, .name = "owl", .rank = 1 },
	{ "owl", 3, 30, .name = "owl-128", .rank = 1 },
	{ "east", 4, 40, .rank = 1 },
	{ "west", 4, 41 },
	{ "nothing", 4, 0, .forbid_keying = "RFC 1, 5" },
	{ "short", 5, 0, .rank = 1 },
	{ "long", 5, 1, .rank = 2 },
};
static const struct rv_algorithm_ops ops = { sizeof(ops), words, RV_COUNT(words) };

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void try_words(struct rv_registry *registry, uint8_t protocol, const char *text)
{
	struct rv_proposal one, again, chosen;
	struct rv_why why = { 0 };
	char out[RV_PROPOSAL_TRANSFORMS * 16];

	if (rv_proposal_parse(registry, protocol, text, &one, &why)) {
		must(why.code < 0 && why.text[0]);
		return;
	}
	rv_proposal_text(registry, &one, out, sizeof(out));
	must(!rv_proposal_parse(registry, protocol, out, &again, &why));
	must(one.n == again.n && one.n && one.n <= RV_PROPOSAL_TRANSFORMS);
	for (unsigned i = 0; i < one.n; i++)
		must(transform_same(&one.t[i], &again.t[i]));
	must(rv_proposal_choose(&one, 1, &again, 1, false, &chosen));
}

static size_t take(const uint8_t *data, size_t size, struct rv_proposal *out)
{
	size_t n = 0;

	*out = (struct rv_proposal){ .protocol = RV_PROTO_ESP, .number = 7 };
	for (; size - n >= 3 && data[n]; n += 3) {
		struct rv_transform t = { .class = data[n], .id = data[n + 1], .key_bits = data[n + 2] };
		if (!proposal_add(out, &t))
			break;
	}
	return size - n ? n + 1 : n;
}

static bool in(const struct rv_proposal *proposal, const struct rv_transform *transform)
{
	for (unsigned i = 0; i < proposal->n; i++)
		if (transform_same(&proposal->t[i], transform))
			return true;
	return false;
}

static void try_choice(const uint8_t *data, size_t size, bool strip_ke)
{
	struct rv_proposal side[2], chosen;
	size_t used = take(data, size, &side[0]);

	take(data + used, size - used, &side[1]);
	if (!rv_proposal_choose(&side[0], 1, &side[1], 1, strip_ke, &chosen)) {
		must(!chosen.n);
		return;
	}
	must(chosen.n && chosen.number == 7);
	for (unsigned i = 0; i < chosen.n; i++) {
		must(in(&side[1], &chosen.t[i]));
		must(in(&side[0], &chosen.t[i]) || !chosen.t[i].id);
		must(proposal_count(&chosen, chosen.t[i].class) == 1);
		must(!strip_ke || chosen.t[i].class != RV_CLASS_KE);
	}
	must(rv_proposal_choose(&side[0], 1, &chosen, 1, strip_ke, &side[1]) && side[1].n == chosen.n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rv_core *core = talloc_zero(NULL, struct rv_core);
	size_t len = size ? strnlen((const char *)data + 1, size - 1) : 0;
	char *text;

	if (!size)
		goto end;
	core->params.no_measure = true;
	core->log = rv_log_new(core, RV_ERROR, NULL, NULL);
	core->registry = rv_registry_new(core, core);
	must(!rv_algorithm_offer(rv_host_new(core, "words"), (struct rv_offer){ .name = "words" }, &ops, NULL));
	text = talloc_strndup(core, (const char *)data + 1, len);
	try_words(core->registry, (uint8_t)(1 + data[0] % 3), text);
	if (1 + len < size)
		try_choice(data + 2 + len, size - 2 - len, data[0] & 0x80);
end:
	talloc_free(core);
	return 0;
}
