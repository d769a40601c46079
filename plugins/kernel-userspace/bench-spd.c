// SPDX-License-Identifier: LGPL-2.1-or-later
/* bench-spd: what a packet costs from the clear side's port to the wire's (look-up, sealing, sending), beside 9 and
 * beside 99,999 further child SAs with a selector of their own each; one flow at work, then flows at random over all of
 * them. Ports are of memory; packets have 64 octets, so that nothing hides the look-up. Prints nanoseconds and the
 * ratio.
 *
 * bench-spd [MANY [ROUNDS]]
 */
#include "test-rig.h"

#include <time.h>

enum { FEW = 10, MANY = 100000, ROUNDS = 41, BURSTS = 200, OCTETS = 64, FLOW = 7, SLOT = 256 };

struct side {
	struct rig *rig;
	uint32_t n;
	uint64_t random;
	struct iface *iface;
	uint8_t *buf;
	struct rv_packet packets[RV_BURST], *list[RV_BURST];
};

static void address(char *text, uint32_t flow)
{
	snprintf(text, 32, "10.%u.%u.%u", 16 + (flow >> 16), (flow >> 8) & 255, flow & 255);
}

static struct side *side_new(uint32_t n)
{
	struct side *s = talloc_zero(NULL, struct side);
	uint32_t at = 0;
	char remote[32];

	assert_non_null(s);
	s->rig = rig_new();
	s->n = n;
	for (uint32_t i = 0; i < n; i++) {
		struct rig_sa sa = plain;
		address(remote, i);
		sa.local = "10.1.0.1";
		sa.remote = remote;
		sa.spi = 0x1000 + i;
		sa.reqid = i + 1;
		assert_int_equal(rig_policy(s->rig, sa.local, remote, RV_TUNNEL, sa.reqid, false), 0);
		assert_int_equal(rig_add(s->rig, &sa), 0);
	}
	s->iface = table_each(&s->rig->u->db.ifaces, &at);
	s->buf = talloc_zero_size(s, (size_t)RV_BURST * (RV_HEADROOM + SLOT));
	assert_true(s->iface && s->buf);
	for (size_t i = 0; i < RV_BURST; i++)
		s->list[i] = &s->packets[i];
	return s;
}

static void side_free(struct side *s)
{
	rig_free(s->rig);
	talloc_free(s);
}

static void lay(struct side *s, uint32_t (*flow)(struct side *s))
{
	char remote[32];

	for (size_t i = 0; i < RV_BURST; i++) {
		uint8_t *buf = s->buf + i * (RV_HEADROOM + SLOT);
		address(remote, flow(s));
		rig_packet(buf + RV_HEADROOM, "10.1.0.1", remote, 1000, 2000, OCTETS);
		s->packets[i] = (struct rv_packet){
			.buf = buf, .data = buf + RV_HEADROOM, .cap = RV_HEADROOM + SLOT, .len = OCTETS
		};
	}
}

static uint32_t one_flow(struct side *s)
{
	return FLOW;
}

static uint32_t any_flow(struct side *s)
{
	s->random = s->random * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(s->random >> 33) % s->n;
}

static double now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

/* Nanoseconds a packet of n bursts. */
static double run(struct side *s, unsigned n)
{
	struct lane *lane = rig_lane(s->rig);
	double began = now_ns();

	for (unsigned i = 0; i < n; i++) {
		lane_clear(lane, s->iface, s->list, RV_BURST);
		rig_forget(&s->rig->wire[1]);
	}
	return (now_ns() - began) / n / RV_BURST;
}

static double spread(struct side *s)
{
	double sum = 0;

	for (unsigned i = 0; i < BURSTS; i++) {
		lay(s, any_flow);
		sum += run(s, 1);
	}
	return sum / BURSTS;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values, unsigned n)
{
	qsort(values, n, sizeof(*values), by_value);
	return values[n / 2];
}

int main(int argc, char **argv)
{
	uint32_t n = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : MANY;
	unsigned rounds = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : ROUNDS;
	struct side *few = side_new(FEW), *many = side_new(n > FEW ? n : FEW + 1);
	double *a = talloc_array(few, double, rounds), *b = talloc_array(many, double, rounds);

	if (!rounds || !a || !b)
		return 2;
	lay(few, one_flow);
	lay(many, one_flow);
	for (unsigned i = 0; i < rounds; i++) {
		a[i] = run(few, BURSTS);
		b[i] = run(many, BURSTS);
	}
	double x = median(a, rounds), y = median(b, rounds);
	printf("one flow: %.0f ns a packet beside %u SAs, %.0f ns beside %u\n", x, FEW, y, n);
	printf("spread at random: %.0f ns over %u SAs, %.0f ns over %u\n", spread(few), FEW, spread(many), n);
	printf("ratio %.3f\n", y / x);
	side_free(few);
	side_free(many);
	return 0;
}
