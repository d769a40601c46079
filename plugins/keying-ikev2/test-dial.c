// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-dial: several gateways in turn, a race between the addresses of a name, and names that are looked up anew.
 */
#include "pair.h"

#include <netdb.h>

/* The resolver of these tests: what the name east.example has at present. Takes the C library's place. */
static const char *east_has[RV_ADDRS_MAX + 2];
static unsigned asked;

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **out)
{
	struct addrinfo **end = out;

	*out = NULL;
	asked++;
	if (strcmp(name, "east.example") != 0)
		return EAI_NONAME;
	for (size_t i = 0; east_has[i]; i++) {
		struct rv_addr addr;
		struct addrinfo *one = calloc(1, sizeof(*one) + 128);

		assert_int_equal(rv_addr_parse(&addr, east_has[i]), 0);
		assert_non_null(one);
		one->ai_addr = (struct sockaddr *)(one + 1);
		one->ai_addrlen = (socklen_t)rv_addr_to_sockaddr(&addr, one->ai_addr);
		*end = one;
		end = &one->ai_next;
	}
	return *out ? 0 : EAI_NONAME;
}

void freeaddrinfo(struct addrinfo *one)
{
	while (one) {
		struct addrinfo *next = one->ai_next;

		free(one);
		one = next;
	}
}

static void east_is(const char *a, const char *b, const char *c)
{
	east_has[0] = a;
	east_has[1] = b;
	east_has[2] = c;
	east_has[3] = NULL;
}

static struct pair *both_families(const char *remote)
{
	const struct side west = { .local_addr = "%any", .remote_addr = remote },
			  east = { .local_addr = "%any", .remote_addr = "%any" };
	struct pair *p = pair_new(&west, &east);

	sim_address(p->west, "fd00::1", true);
	sim_address(p->east, "fd00::2", true);
	return p;
}

static void assert_at(struct pair *p, const char *text)
{
	struct rv_addr addr;

	assert_int_equal(rv_addr_parse(&addr, text), 0);
	assert_int_equal(n_peers(p->west), 1);
	assert_true(rv_addr_same_ip(&peer_of(p->west)->path.remote, &addr));
}

static void gateways_are_called_in_turn(void **state)
{
	const struct side west = { .remote_addr = "10.0.0.8, 10.0.0.9, 10.0.0.2" };
	struct pair *p = pair_new(&west, NULL);
	uint64_t began = sim_now_us(p->sim);
	struct rv_attempt *attempt = try_up(p, "net", RV_S(60));

	assert_int_equal(attempt->code, 0);
	assert_says(attempt, "10.0.0.8 does not answer");
	assert_says(attempt, "the next gateway is 10.0.0.2");
	assert_in_range(sim_now_us(p->sim) - began, RV_S(20), RV_S(21));
	assert_at(p, "10.0.0.2");
	assert_true(pair_up(p));
	rv_attempt_drop(attempt);
	pair_free(p);
}

static void a_gateway_that_refuses_is_left_at_once(void **state)
{
	const struct side west = { .remote_addr = "10.0.0.3, 10.0.0.2" },
			  other = { .proposals = "aes256-sha256-modp2048", .local_addr = "%any" };
	struct pair *p = pair_new(&west, NULL);

	sim_host(p->sim, "other", "10.0.0.3", pair_plugins, side_config(p, false, &other));
	struct rv_attempt *attempt = try_up(p, "net", RV_S(60));

	assert_int_equal(attempt->code, 0);
	assert_says(attempt, "10.0.0.3:500 is out: the peer accepts none of our IKE proposals");
	assert_at(p, "10.0.0.2");
	rv_attempt_drop(attempt);
	pair_free(p);
}

static void when_none_answers_the_story_names_all(void **state)
{
	const struct side west = { .remote_addr = "10.0.0.8, 10.0.0.9",
				   .settings = "failover_timeout = 2s\n retransmit_tries = 1" };
	struct pair *p = pair_new(&west, NULL);
	struct rv_attempt *attempt = try_up(p, "net", RV_S(60));

	assert_true(attempt->ended);
	assert_int_equal(attempt->code, -RV_ETIMEOUT);
	assert_says(attempt, "none of 2 addresses will do; the last one: no answer from 10.0.0.9:500");
	assert_int_equal(n_peers(p->west), 0);
	rv_attempt_drop(attempt);
	pair_free(p);
}

static void ipv6_is_first_and_alone_when_it_answers(void **state)
{
	east_is("10.0.0.2", "fd00::2", NULL);
	struct pair *p = both_families("east.example");
	struct rv_attempt *attempt = try_up(p, "net", RV_S(10));

	assert_int_equal(attempt->code, 0);
	assert_at(p, "fd00::2");
	assert_says(attempt, "east.example has 2 addresses");
	assert_false(says(attempt, "to 10.0.0.2:500"));
	rv_attempt_drop(attempt);
	pair_free(p);
}

static void the_other_family_wins_when_ipv6_is_silent(void **state)
{
	east_is("fd00::2", "10.0.0.2", NULL);
	struct pair *p = both_families("east.example");

	p->east->dead = p->east->more[0].family == RV_IPV6 ? p->east->more[0] : p->east->more[SIM_ADDRS - 1];
	uint64_t began = sim_now_us(p->sim);
	struct rv_attempt *attempt = try_up(p, "net", RV_S(10));

	assert_int_equal(attempt->code, 0);
	assert_in_range(sim_now_us(p->sim) - began, 250000, 400000);
	assert_at(p, "10.0.0.2");
	assert_says(attempt, "10.0.0.2:500 it is");
	sim_run(p->sim, RV_S(60));
	assert_true(pair_up(p));
	rv_attempt_drop(attempt);
	pair_free(p);
}

/* Both answer, the slower one afterwards: one session is left on each side. */
static bool slow_ipv6(void *arg, struct sim_host *from, struct sim_host *to, uint8_t *message, size_t *len)
{
	unsigned *n = arg;

	return ++*n == 1; /* the first message is lost: it is sent again while IPv4 runs */
}

static void two_answers_make_one_session(void **state)
{
	unsigned n = 0;

	east_is("fd00::2", "10.0.0.2", NULL);
	struct pair *p = both_families("east.example");

	sim_tap(p->sim, slow_ipv6, &n);
	sim_net(p->sim, &(struct sim_net){ .delay_min_us = 3000000, .delay_max_us = 3000000 });
	struct rv_attempt *attempt = try_up(p, "net", RV_S(60));

	assert_int_equal(attempt->code, 0);
	sim_run(p->sim, RV_S(60));
	assert_at(p, "10.0.0.2");
	assert_int_equal(n_peers(p->east), 1);
	rv_attempt_drop(attempt);
	pair_free(p);
}

static void names_are_looked_up_anew(void **state)
{
	struct rv_why why = { 0 };

	east_is("10.0.0.9", NULL, NULL);
	struct pair *p = both_families("nowhere.example, east.example");
	struct rv_attempt *attempt = try_up(p, "net", RV_S(300));

	assert_true(attempt->code);
	assert_says(attempt, "nowhere.example: ");
	rv_attempt_drop(attempt);
	asked = 0;
	east_is("10.0.0.2", NULL, NULL);
	bring_up(p);
	assert_int_equal(asked, 2);
	assert_at(p, "10.0.0.2");

	/* the peer has another address when it is called again */
	assert_int_equal(rv_core_down(p->west->core, "east", &why), 0);
	assert_true(sim_until(p->sim, pair_down, p, RV_S(5)));
	east_is("fd00::2", NULL, NULL);
	bring_up(p);
	assert_at(p, "fd00::2");
	pair_free(p);
}

static void a_race_can_be_taken_down(void **state)
{
	struct rv_why why = { 0 };

	east_is("fd00::8", "10.0.0.8", NULL);
	struct pair *p = both_families("east.example, 10.0.0.2");
	struct rv_attempt *attempt = try_up(p, "net", RV_S(1));

	assert_false(attempt->ended);
	assert_int_equal(n_peers(p->west), 2);
	assert_int_equal(rv_core_down(p->west->core, "east", &why), 0);
	assert_int_equal(attempt->code, -RV_ECANCELLED);
	sim_run(p->sim, RV_S(60));
	assert_int_equal(n_peers(p->west), 0);
	assert_int_equal(n_peers(p->east), 0);
	rv_attempt_drop(attempt);
	pair_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gateways_are_called_in_turn),
		cmocka_unit_test(a_gateway_that_refuses_is_left_at_once),
		cmocka_unit_test(when_none_answers_the_story_names_all),
		cmocka_unit_test(ipv6_is_first_and_alone_when_it_answers),
		cmocka_unit_test(the_other_family_wins_when_ipv6_is_silent),
		cmocka_unit_test(two_answers_make_one_session),
		cmocka_unit_test(names_are_looked_up_anew),
		cmocka_unit_test(a_race_can_be_taken_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
