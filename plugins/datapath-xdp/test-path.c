// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-path: what a worker knows of the ways to peers, and when it asks. */
#include "xdp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

enum { NOW = 1000000 };

struct world {
	struct xdp xdp;
	struct post post;
	struct rv_addr local, remote;
};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	pthread_mutex_init(&w->xdp.lock, NULL);
	w->xdp.asked = eventfd(0, EFD_NONBLOCK);
	atomic_store(&w->xdp.generation, 1);
	w->post.xdp = &w->xdp;
	assert_int_equal(rv_addr_parse(&w->local, "10.0.0.1:4500"), 0);
	assert_int_equal(rv_addr_parse(&w->remote, "10.0.0.2:4500"), 0);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	close(w->xdp.asked);
	pthread_mutex_destroy(&w->xdp.lock);
	free(w);
	return 0;
}

static const struct path *find(struct world *w, uint64_t now_us)
{
	return path_find(&w->post, &w->local, &w->remote, now_us);
}

/* What the loop does with the questions. */
static void answer(struct world *w, const struct device *device)
{
	for (unsigned i = 0; i < w->xdp.n_questions; i++)
		w->post.answers[w->post.n_answers++] = (struct path){ .local = w->xdp.questions[i].local,
								      .remote = w->xdp.questions[i].remote,
								      .generation = atomic_load(&w->xdp.generation),
								      .known = true,
								      .device = device,
								      .mtu = 1500 };
	w->xdp.n_questions = 0;
	atomic_store(&w->post.answered, true);
}

static void a_way_is_asked_for_once_and_known_for_two_seconds(void **state)
{
	struct world *w = *state;
	uint64_t count;

	assert_null(find(w, NOW));
	assert_int_equal(w->xdp.n_questions, 1);
	assert_int_equal(w->xdp.questions[0].remote.port, 0);
	assert_int_equal(read(w->xdp.asked, &count, sizeof(count)), sizeof(count));
	assert_null(find(w, NOW + 1));
	assert_int_equal(w->xdp.n_questions, 1);
	answer(w, &w->xdp.devices[0]);
	const struct path *path = find(w, NOW + 2);
	assert_non_null(path);
	assert_ptr_equal(path->device, &w->xdp.devices[0]);
	w->remote.port = 20000; /* another port, the same way */
	assert_non_null(find(w, NOW + 1999999));
	assert_int_equal(w->xdp.n_questions, 0);
	assert_null(find(w, NOW + 2000002));
	assert_int_equal(w->xdp.n_questions, 1);
}

static void news_of_routes_end_it(void **state)
{
	struct world *w = *state;

	assert_null(find(w, NOW));
	answer(w, &w->xdp.devices[0]);
	assert_non_null(find(w, NOW));
	atomic_fetch_add(&w->xdp.generation, 1);
	assert_null(find(w, NOW));
	assert_int_equal(w->xdp.n_questions, 1);
}

static void no_way_is_an_answer(void **state)
{
	struct world *w = *state;

	assert_null(find(w, NOW));
	answer(w, NULL);
	assert_null(find(w, NOW + 1));
	assert_null(find(w, NOW + 1999999));
	assert_int_equal(w->xdp.n_questions, 0);
}

static void a_lost_answer_is_asked_for_again(void **state)
{
	struct world *w = *state;

	assert_null(find(w, NOW));
	w->xdp.n_questions = 0;
	assert_null(find(w, NOW + 199999));
	assert_int_equal(w->xdp.n_questions, 0);
	assert_null(find(w, NOW + 200000));
	assert_int_equal(w->xdp.n_questions, 1);
}

static void questions_are_bounded_and_peers_apart(void **state)
{
	struct world *w = *state;

	for (unsigned i = 0; i < 4 * ASKED_MOST; i++) {
		w->remote.ip[2] = (uint8_t)i;
		assert_null(find(w, NOW));
	}
	assert_int_equal(w->xdp.n_questions, ASKED_MOST);
	answer(w, &w->xdp.devices[0]);
	w->remote.ip[2] = 0;
	assert_non_null(find(w, NOW));
	w->remote.ip[2] = 4 * ASKED_MOST - 1;
	assert_null(find(w, NOW));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_way_is_asked_for_once_and_known_for_two_seconds),
		TEST(news_of_routes_end_it),
		TEST(no_way_is_an_answer),
		TEST(a_lost_answer_is_asked_for_again),
		TEST(questions_are_bounded_and_peers_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
