// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-memory: each of talloc's allocations in a tunnel's life fails once, alone or with those behind it: nothing
 * breaks, nothing is left, and with memory back everything works again.
 */
#include "pair.h"

#include "exchange.h"
#include "requests.h"

#include <dlfcn.h>
#include <limits.h>

/* The allocation (from 0) from which on n_fail fail; counted while on. */
static struct {
	bool on;
	unsigned n, from, n_fail;
} dice;

/* The world itself always has memory: its objects and its files are named after it. */
static bool fails(const char *name)
{
	if (!dice.on || strstr(name, "sim") || strstr(name, "route") || strstr(name, "datagram"))
		return false;
	unsigned n = dice.n++;

	return n >= dice.from && n - dice.from < dice.n_fail;
}

/* libtalloc's own function of this name; the program calls the ones below. */
#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

#undef talloc_named_const
void *talloc_named_const(const void *parent, size_t size, const char *name)
{
	return fails(name) ? NULL : REAL(talloc_named_const)(parent, size, name);
}

void *_talloc_zero(const void *parent, size_t size, const char *name)
{
	return fails(name) ? NULL : REAL(_talloc_zero)(parent, size, name);
}

void *_talloc_memdup(const void *parent, const void *p, size_t size, const char *name)
{
	return fails(name) ? NULL : REAL(_talloc_memdup)(parent, p, size, name);
}

void *_talloc_array(const void *parent, size_t size, unsigned n, const char *name)
{
	return fails(name) ? NULL : REAL(_talloc_array)(parent, size, n, name);
}

void *_talloc_zero_array(const void *parent, size_t size, unsigned n, const char *name)
{
	return fails(name) ? NULL : REAL(_talloc_zero_array)(parent, size, n, name);
}

void *_talloc_realloc(const void *parent, void *p, size_t size, const char *name)
{
	return size && fails(name) ? NULL : REAL(_talloc_realloc)(parent, p, size, name);
}

void *_talloc_realloc_array(const void *parent, void *p, size_t size, unsigned n, const char *name)
{
	return n && fails(name) ? NULL : REAL(_talloc_realloc_array)(parent, p, size, n, name);
}

#undef talloc_strdup
char *talloc_strdup(const void *parent, const char *text)
{
	return fails("") ? NULL : REAL(talloc_strdup)(parent, text);
}

static int down_hard(struct rv_peer *peer, void *arg)
{
	rv_peer_down(peer, 0, NULL);
	return 0;
}

static void clear(struct pair *p)
{
	rv_peer_each(p->west->core, NULL, down_hard, NULL);
	rv_peer_each(p->east->core, NULL, down_hard, NULL);
	sim_run(p->sim, RV_S(61));
	assert_true(pair_down(p));
}

/* Up, rekeys of both kinds from both sides, down: how it goes does not matter. The number of allocations. */
static unsigned a_life(struct pair *p, unsigned from, unsigned n_fail)
{
	struct rv_attempt *attempt = NULL;
	struct rv_why why = { 0 };

	dice.on = true;
	dice.n = 0;
	dice.from = from;
	dice.n_fail = n_fail;
	if (!rv_core_up(p->west->core, "east", "net", "test", &attempt, &why))
		(void)sim_until(p->sim, attempt_ended, attempt, RV_S(8));
	for (int i = 0; i < 2; i++) {
		struct sim_host *host = i ? p->west : p->east;

		if (peer_of(host) && peer_of(host)->sa)
			(void)ike_rekey(peer_of(host)->sa);
		sim_run(p->sim, RV_S(1));
		if (child_of(host))
			(void)ike_child_rekey(child_of(host));
		sim_run(p->sim, RV_S(1));
	}
	if (peer_of(p->west) && peer_of(p->west)->sa)
		(void)ike_keying_ops.down(NULL, peer_of(p->west));
	sim_run(p->sim, RV_S(1));
	dice.on = false;
	clear(p);
	if (attempt && !attempt->ended)
		fail_msg("from %u, %u: the attempt has no end", from, n_fail);
	rv_attempt_drop(attempt);
	return dice.n;
}

static void memory_may_run_out_anywhere(void **state)
{
	static const unsigned n_fail[] = { 1, 3, 1000000 };
	const struct side side = { .settings = "retransmit_tries = 1\n retransmit_timeout = 1s" };
	struct pair *p = pair_new(&side, &side);
	unsigned all = a_life(p, UINT_MAX, 0);

	assert_true(all > 100);

	for (size_t k = 0; k < RV_COUNT(n_fail) && all; k++) {
		for (unsigned from = 0; from < all; from += n_fail[k] == 1 ? 1 : 3)
			(void)a_life(p, from, n_fail[k]);
		bring_up(p);
		clear(p);
	}
	pair_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_may_run_out_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
