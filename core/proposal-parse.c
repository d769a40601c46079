// SPDX-License-Identifier: LGPL-2.1-or-later
/* proposal-parse: proposals from the words of a configuration, and the default ones (RFC 7296, 3.3.3).
 *
 * What is not written but goes without saying is added; what cannot be right is refused with what to write instead.
 */
#include "conf.h"
#include "proposal.h"

#include <errno.h>
#include <string.h>

enum { WORD_MAX = 40, TEXT_MAX = 1024, DEFAULTS_MAX = 64 };

struct parser {
	struct rv_registry *registry;
	uint8_t protocol;
	struct rv_proposal *out;
	struct rv_why *why;
	unsigned n_combined, n_separate; /* encryption with and without integrity of its own */
};

static const char *protocol_name(uint8_t protocol)
{
	return protocol == RV_PROTO_ESP ? "ESP" : protocol == RV_PROTO_AH ? "AH" : "the keying protocol";
}

static const char *forbidden(const struct rv_algorithm *algorithm, uint8_t protocol)
{
	return protocol == RV_PROTO_KEYING ? algorithm->forbid_keying : algorithm->forbid_child;
}

struct nearest {
	const char *word, *found;
	unsigned best;
};

static void try_word(const struct rv_algorithm *algorithm, void *arg)
{
	struct nearest *n = arg;
	unsigned d = conf_distance(n->word, algorithm->word, n->best);

	if (d < n->best) {
		n->best = d;
		n->found = algorithm->word;
	}
}

static int unknown_word(struct parser *p, const char *word)
{
	struct nearest n = { .word = word, .best = strlen(word) < 6 ? 2 : 3 };

	algorithm_each(p->registry, try_word, &n);
	if (n.found)
		return rv_why_set(p->why, -RV_ECONFIG, "'%s' is no word of a proposal; did you mean '%s'?", word,
				  n.found);
	if (!rv_registry_find(p->registry, "algorithm", NULL))
		return rv_why_set(p->why, -RV_ENO_PROVIDER,
				  "no loaded plugin offers words of proposals, such as '%s' (kind algorithm)", word);
	return rv_why_set(p->why, -RV_ECONFIG, "'%s' is no word of a proposal that a loaded plugin offers", word);
}

/* Whether a transform of class can stand in a proposal of the protocol at all. */
static bool belongs(uint8_t protocol, uint8_t class)
{
	switch (class) {
	case RV_CLASS_ENCR:
		return protocol != RV_PROTO_AH;
	case RV_CLASS_PRF:
		return protocol == RV_PROTO_KEYING;
	case RV_CLASS_SN:
		return protocol != RV_PROTO_KEYING;
	default:
		return true;
	}
}

struct search {
	const char *word;
	uint8_t protocol;
	const struct rv_algorithm *found;
};

/* A word may stand for an encryption of ESP and an integrity of AH (RFC 4543, 9): the first row with a place in the
 * proposal counts, and the first of all where none has one. */
static void try_row(const struct rv_algorithm *algorithm, void *arg)
{
	struct search *s = arg;

	if (strcmp(s->word, algorithm->word) || (s->found && belongs(s->protocol, s->found->class)))
		return;
	if (!s->found || belongs(s->protocol, algorithm->class))
		s->found = algorithm;
}

static int add_word(struct parser *p, const char *word)
{
	struct search s = { .word = word, .protocol = p->protocol };

	algorithm_each(p->registry, try_row, &s);
	const struct rv_algorithm *algorithm = s.found;

	if (!algorithm)
		return unknown_word(p, word);

	struct rv_transform transform = algorithm_transform(algorithm);
	const char *reason = forbidden(algorithm, p->protocol);

	if (!belongs(p->protocol, algorithm->class))
		return rv_why_set(p->why, -RV_ECONFIG, "'%s' has no place in a proposal for %s", word,
				  protocol_name(p->protocol));
	if (reason)
		return rv_why_set(p->why, -RV_EFORBIDDEN, "'%s' is refused: %s", word, reason);
	if (!algorithm_can(p->registry, algorithm))
		return rv_why_set(p->why, -RV_ENO_PROVIDER,
				  "'%s' needs the service %s:%s, which no loaded plugin offers", word, algorithm->kind,
				  algorithm->name);
	if (!proposal_add(p->out, &transform))
		return rv_why_set(p->why, -RV_ECONFIG, "more than %d algorithms in one proposal",
				  RV_PROPOSAL_TRANSFORMS);
	if (algorithm->class == RV_CLASS_ENCR)
		*(algorithm->combined ? &p->n_combined : &p->n_separate) += 1;
	return 0;
}

static int add_words(struct parser *p, const char *text)
{
	char word[WORD_MAX + 1];
	int code;

	for (;;) {
		size_t len = strcspn(text, "-");
		if (!len || len > WORD_MAX)
			return rv_why_set(p->why, -RV_ECONFIG, "a proposal is words with one '-' between them");
		memcpy(word, text, len);
		word[len] = 0;
		code = add_word(p, word);
		if (code || !text[len])
			return code;
		text += len + 1;
	}
}

struct prf_search {
	struct rv_registry *registry;
	const char *integ;
	const struct rv_algorithm *found;
};

/* A PRF goes with an integrity algorithm when the latter's service is the former's, cut short: NAME and NAME-LENGTH. */
static void try_prf(const struct rv_algorithm *algorithm, void *arg)
{
	struct prf_search *s = arg;
	size_t len = algorithm->name ? strlen(algorithm->name) : 0;

	if (s->found || algorithm->class != RV_CLASS_PRF || !len || algorithm->forbid_keying)
		return;
	if (!strncmp(algorithm->name, s->integ, len) && s->integ[len] == '-' && algorithm_can(s->registry, algorithm))
		s->found = algorithm;
}

static int add_implied_prfs(struct parser *p)
{
	unsigned n = p->out->n;

	for (unsigned i = 0; i < n; i++) {
		const struct rv_algorithm *integ = rv_algorithm_find(p->registry, &p->out->t[i]);
		struct prf_search s = { .registry = p->registry, .integ = integ ? integ->name : NULL };
		if (p->out->t[i].class != RV_CLASS_INTEG || !s.integ)
			continue;
		algorithm_each(p->registry, try_prf, &s);
		if (!s.found)
			continue;
		struct rv_transform transform = algorithm_transform(s.found);
		if (!proposal_add(p->out, &transform))
			return rv_why_set(p->why, -RV_ECONFIG, "more than %d algorithms in one proposal",
					  RV_PROPOSAL_TRANSFORMS);
	}
	return 0;
}

/* "none" alone says the same as no key exchange at all. */
static void drop_lone_none(struct rv_proposal *proposal)
{
	unsigned n = 0;

	if (proposal_count(proposal, RV_CLASS_KE) != 1 || rv_proposal_get(proposal, RV_CLASS_KE)->id)
		return;
	for (unsigned i = 0; i < proposal->n; i++)
		if (proposal->t[i].class != RV_CLASS_KE)
			proposal->t[n++] = proposal->t[i];
	proposal->n = (uint8_t)n;
	proposal->t[n] = (struct rv_transform){ 0 };
}

static int check_integrity(struct parser *p, unsigned n_integ)
{
	if (p->protocol == RV_PROTO_AH)
		return n_integ ? 0 : rv_why_set(p->why, -RV_ECONFIG, "a proposal for AH needs an integrity algorithm");
	if (!p->n_combined && !p->n_separate)
		return rv_why_set(p->why, -RV_ECONFIG, "a proposal for %s needs an encryption algorithm",
				  protocol_name(p->protocol));
	if (p->n_combined && p->n_separate)
		return rv_why_set(p->why, -RV_ECONFIG,
				  "encryption with and without integrity of its own cannot stand in one proposal "
				  "(RFC 7296, 2.7); make two of it");
	if (p->n_combined && n_integ)
		return rv_why_set(
			p->why, -RV_ECONFIG,
			"the encryption has integrity of its own, so the integrity algorithm must go (RFC 7296, 3.3)");
	if (p->n_separate && !n_integ)
		return rv_why_set(
			p->why, -RV_ECONFIG,
			"the encryption has no integrity of its own, so an integrity algorithm must be added");
	return 0;
}

static int complete(struct parser *p)
{
	static const struct rv_transform noesn = { .class = RV_CLASS_SN, .id = RV_NO_ESN };
	int code = check_integrity(p, proposal_count(p->out, RV_CLASS_INTEG));

	if (code)
		return code;
	if (p->protocol != RV_PROTO_KEYING) {
		drop_lone_none(p->out);
		if (rv_proposal_get(p->out, RV_CLASS_SN) || proposal_add(p->out, &noesn))
			return 0;
		return rv_why_set(p->why, -RV_ECONFIG, "more than %d algorithms in one proposal",
				  RV_PROPOSAL_TRANSFORMS);
	}
	if (!rv_proposal_get(p->out, RV_CLASS_PRF))
		code = add_implied_prfs(p);
	if (code)
		return code;
	if (!rv_proposal_get(p->out, RV_CLASS_PRF))
		return rv_why_set(p->why, -RV_ECONFIG,
				  "a pseudo-random function must be added, a word that begins with prf");
	if (!rv_proposal_get(p->out, RV_CLASS_KE))
		return rv_why_set(p->why, -RV_ECONFIG, "a key exchange must be added");
	return 0;
}

/* The ranked algorithms of a default proposal, as they come. */
struct ranked {
	const struct parser *p;
	bool combined;
	const struct rv_algorithm *found[DEFAULTS_MAX];
	unsigned n;
};

static void try_ranked(const struct rv_algorithm *algorithm, void *arg)
{
	struct ranked *r = arg;
	uint8_t protocol = r->p->protocol, class = algorithm->class;
	unsigned i;

	if (algorithm->rank <= 0 || forbidden(algorithm, protocol) || !belongs(protocol, class) ||
	    r->n >= DEFAULTS_MAX || !algorithm_can(r->p->registry, algorithm))
		return;
	if (class == RV_CLASS_ENCR && algorithm->combined != r->combined)
		return;
	if (class == RV_CLASS_INTEG && r->combined)
		return;
	if (class == RV_CLASS_KE && protocol != RV_PROTO_KEYING)
		return; /* a child SA's own key exchange is asked for in words only */
	for (i = r->n++; i && r->found[i - 1]->rank > algorithm->rank; i--)
		r->found[i] = r->found[i - 1];
	r->found[i] = algorithm;
}

/* The default proposal of combined algorithms, or of separate ones, by rank. 0 or negative with why. */
static int by_default(struct rv_registry *registry, uint8_t protocol, bool combined, struct rv_proposal *out,
		      struct rv_why *why)
{
	struct parser p = { .registry = registry, .protocol = protocol, .out = out, .why = why };
	struct ranked r = { .p = &p, .combined = combined };

	*out = (struct rv_proposal){ .protocol = protocol };
	algorithm_each(registry, try_ranked, &r);
	for (uint8_t class = RV_CLASS_ENCR; class <= RV_CLASS_SN; class ++)
		for (unsigned i = 0; i < r.n; i++) {
			struct rv_transform transform = algorithm_transform(r.found[i]);
			if (r.found[i]->class == class && !proposal_add(out, &transform))
				return rv_why_set(why, -RV_ECONFIG, "there are too many default algorithms");
		}
	p.n_combined = combined ? proposal_count(out, RV_CLASS_ENCR) : 0;
	p.n_separate = combined ? 0 : proposal_count(out, RV_CLASS_ENCR);
	return complete(&p);
}

int rv_proposal_parse(struct rv_registry *registry, uint8_t protocol, const char *text, struct rv_proposal *out,
		      struct rv_why *why)
{
	struct parser p = { .registry = registry, .protocol = protocol, .out = out, .why = why };
	int code;

	*out = (struct rv_proposal){ .protocol = protocol };
	if (!strcmp(text, "default")) {
		code = by_default(registry, protocol, true, out, NULL) ? by_default(registry, protocol, false, out, why)
								       : 0;
		return code ? rv_why_set(why, -RV_ENO_PROVIDER,
					 "no default proposal can be made of what the loaded plugins offer")
			    : 0;
	}
	code = strlen(text) > TEXT_MAX ? rv_why_set(why, -RV_ECONFIG, "a proposal is too long") : add_words(&p, text);
	if (!code)
		code = complete(&p);
	return code;
}

int rv_proposals_parse(const void *parent, struct rv_registry *registry, uint8_t protocol, const char *const *list,
		       struct rv_proposal **out, size_t *n, struct rv_why *why)
{
	size_t most = 0;

	for (const char *const *item = list; *item; item++)
		most += strcmp(*item, "default") ? 1 : 2;
	*n = 0;
	*out = talloc_array(parent, struct rv_proposal, most ? (unsigned)most : 1);
	if (!*out)
		return rv_why_set(why, -ENOMEM, "no memory for proposals");
	for (; *list; list++) {
		if (!strcmp(*list, "default") && !by_default(registry, protocol, true, &(*out)[*n], NULL)) {
			++*n;
			if (!by_default(registry, protocol, false, &(*out)[*n], NULL))
				++*n;
			continue;
		}
		int code = rv_proposal_parse(registry, protocol, *list, &(*out)[*n], why);
		if (code)
			return rv_why_set(why, code, "proposal '%.200s'", *list);
		++*n;
	}
	return 0;
}
