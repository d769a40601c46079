// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-esp-iptfs: USE_AGGFRAG between two daemons (RFC 9347, 5.1), and what the kernel is told. */
#include "esp-iptfs.h"
#include "pair.h"

#include <errno.h>
#include <ravelin/error.h>
#include <ravelin/ikev2-child.h>

extern const struct rv_plugin rv_plugin_esp_iptfs;

enum { USE_AGGFRAG = 16442 };

static struct {
	unsigned offered, answered;
	uint8_t flags[2]; /* by role */
	int spoil;	  /* what another sender says; negative: nothing */
} seen;

static int listen_to(struct rv_ike_exchange *x, void *self)
{
	bool responder = rv_ike_role(x) == RV_IKE_RESPONDER;
	struct rv_bytes data;

	if (!rv_ike_notify(x, USE_AGGFRAG, 0, &data))
		return 0;
	assert_int_equal(data.len, 1);
	*(responder ? &seen.offered : &seen.answered) += 1;
	seen.flags[responder] = data.p[0];
	return 0;
}

static int spoil(struct rv_ike_exchange *x, void *self)
{
	uint8_t flags = (uint8_t)seen.spoil;

	if (seen.spoil < 0 || rv_ike_role(x) != RV_IKE_INITIATOR)
		return 0;
	return rv_ike_add_notify(x, USE_AGGFRAG, rv_bytes(&flags, 1));
}

static const struct rv_ike_task tasks[] = {
	{ RV_IKE_AT_READ, 0, listen_to },
	{ RV_IKE_AT_CHILD_OFFER, 0, spoil },
};
static const struct rv_ikev2_ext_ops ext = { .size = sizeof(ext), .tasks = tasks, .n_tasks = RV_COUNT(tasks) };

static int note_init(struct rv_host *host)
{
	return rv_ikev2_ext_offer(host, (struct rv_offer){ .name = "a-note" }, &ext, NULL);
}

RV_PLUGIN(note, "ikev2-a-note", "version=1\0summary=Notes\0provides=ikev2-ext:a-note\0", .init = note_init);

static struct pair *pair_of(const char *west_child, const char *east_child)
{
	struct side west = { .child = west_child,
			     .more = { { "ikev2-a-note", &rv_plugin_note }, { "esp-iptfs", &rv_plugin_esp_iptfs } } };
	struct side east = west;

	memset(&seen, 0, sizeof(seen));
	seen.spoil = -1;
	east.child = east_child;
	return pair_new(&west, &east);
}

/* What the SA of the only child SA has. False: no such SA, or no IP-TFS. */
static struct rv_bytes terms_of(struct sim_host *host, uint8_t dir)
{
	struct rv_bytes octets = { 0 };

	rv_list_each (&host->sas, sa, struct sim_sa, entry)
		if (sa->spec.dir == dir && sa->spec.ext && !strcmp(sa->spec.ext, "iptfs"))
			octets = sa->spec.ext_octets;
	return octets;
}

/* How an attempt to bring the child up ends. */
static int attempt_at(struct pair *p)
{
	struct rv_attempt *attempt = try_up(p, "net", RV_S(60));
	int code = attempt->ended ? attempt->code : -RV_ETIMEOUT;

	rv_attempt_drop(attempt);
	sim_run(p->sim, RV_S(5));
	return code;
}

static void both_sides_agree(void **state)
{
	struct pair *p = pair_of("mode = iptfs\niptfs_bandwidth = 2000\niptfs_packet_size = 1200\niptfs_dscp = 8",
				 "mode = iptfs\niptfs_accept_fragments = no\niptfs_congestion_control = yes\n"
				 "iptfs_reorder_window = 9\niptfs_drop_time = 7000");
	struct send_terms out;
	struct receive_terms in;

	bring_up(p);
	assert_true(seen.offered == 1 && seen.answered == 1);
	assert_true(seen.flags[1] == 0 && seen.flags[0] == 3); /* C and D of the east */
	assert_true(send_terms_read(&out, terms_of(p->west, RV_OUT)));
	assert_true(!out.fragments && out.reports && !out.controlled);
	assert_true(out.bits == 2000000 && out.packet_size == 1200 && out.dscp == 8 && out.queue == 1 << 20);
	assert_true(send_terms_read(&out, terms_of(p->east, RV_OUT)));
	assert_true(out.fragments && out.reports && out.controlled && !out.bits && !out.packet_size);
	assert_true(receive_terms_read(&in, terms_of(p->east, RV_IN)));
	assert_true(!in.fragments && in.window == 9 && in.drop_us == 7000);
	assert_true(receive_terms_read(&in, terms_of(p->west, RV_IN)));
	assert_true(in.fragments && in.window == 3 && in.drop_us == 100000);
	pair_free(p);
}

/* RFC 9347, 5.1: "If this is unacceptable to the initiator, the initiator MUST delete the child SA." */
static void without_the_peer_there_is_no_child_sa(void **state)
{
	for (int i = 0; i < 2; i++) {
		struct pair *p = pair_of(i ? "mode = iptfs" : "", i ? "" : "mode = iptfs");

		assert_int_not_equal(attempt_at(p), 0);
		assert_true(rv_list_empty(&p->west->sas) && rv_list_empty(&p->east->sas));
		assert_int_equal(seen.offered, i);
		assert_int_equal(seen.answered, 0);
		pair_free(p);
	}
}

/* The core's own check (struct rv_child_conf, ext). */
static void without_the_plugin_the_mode_does_not_come_up(void **state)
{
	struct side side = { .child = "mode = iptfs", .more = { { "ikev2-a-note", &rv_plugin_note } } };
	struct pair *p = pair_new(&side, &side);

	assert_int_not_equal(attempt_at(p), 0);
	assert_true(rv_list_empty(&p->west->sas) && rv_list_empty(&p->east->sas));
	pair_free(p);
}

/* RFC 9347, 6.1.4 */
static void unknown_flags_keep_it_from_being_used(void **state)
{
	static const struct {
		int flags;
		bool good;
	} rows[] = { { 0, true }, { 1, true }, { 2, true }, { 3, true }, { 4, false }, { 0x80, false } };

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		struct pair *p = pair_of("", "mode = iptfs");
		struct send_terms out;

		seen.spoil = rows[i].flags;
		(void)attempt_at(p);
		assert_int_equal(seen.answered, rows[i].good);
		assert_int_equal(send_terms_read(&out, terms_of(p->east, RV_OUT)), rows[i].good);
		if (rows[i].good) {
			assert_int_equal(out.fragments, !(rows[i].flags & 1));
			assert_int_equal(out.reports, (rows[i].flags & 2) != 0);
		}
		pair_free(p);
	}
}

static void rekeys_agree_anew_and_packs_keep_it(void **state)
{
	static const uint8_t key[32] = { 7 };
	struct pair *p = pair_of("mode = iptfs\niptfs_bandwidth = 100", "mode = iptfs");
	struct rv_why why = { 0 };
	struct send_terms out;
	unsigned n;
	size_t len;

	bring_up(p);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(pair_child_rekey(i ? p->east : p->west), 0);
		sim_run(p->sim, RV_S(30));
		assert_int_equal(seen.answered, 2 + i);
		assert_true(send_terms_read(&out, terms_of(p->west, RV_OUT)) && out.bits == 100000);
	}
	uint8_t *sealed = rv_core_pack(p->west->core, p, rv_bytes(key, sizeof(key)), &len, &n);

	rv_peer_down(peer_of(p->west), 0, NULL);
	assert_int_equal(terms_of(p->west, RV_OUT).len, 0);
	assert_int_equal(rv_core_unpack(p->west->core, rv_bytes(key, sizeof(key)), rv_bytes(sealed, len), &n, &why), 0);
	assert_true(send_terms_read(&out, terms_of(p->west, RV_OUT)) && out.bits == 100000);
	pair_free(p);
}

/* The service: SAs of one child and of its successor share a tunnel; SAs of a malformed agreement are refused. */
static void sas_open_and_close(void **state)
{
	struct pair *p = pair_of("", "");
	struct rv_service *service = rv_registry_find(p->west->core->registry, "esp-ext", "iptfs");
	const struct rv_esp_ext_ops *ops = rv_service_ops(service);
	struct rv_ts ts = { .family = RV_IPV4 };
	struct rv_sa_spec spec = { .reqid = 1, .local_ts = &ts, .remote_ts = &ts, .mode = RV_TUNNEL };
	uint8_t in[TERMS_MOST], out[TERMS_MOST];
	struct rv_bytes receive = receive_terms_write(&(struct receive_terms){ .window = 255 }, in);
	struct rv_bytes send = send_terms_write(&(struct send_terms){ .queue = 1 << 20 }, out);
	void *sas[4];

	for (int i = 0; i < 4; i++) {
		spec.dir = i % 2 ? RV_OUT : RV_IN;
		spec.ext_octets = i % 2 ? send : receive;
		assert_int_equal(ops->open(rv_service_self(service), &spec, 2, &sas[i]), 0);
	}
	spec.mode = RV_TRANSPORT;
	assert_int_equal(ops->open(rv_service_self(service), &spec, 2, &sas[0]), -EINVAL);
	spec.mode = RV_TUNNEL;
	for (size_t len = 0; len < send.len; len++) {
		spec.ext_octets = rv_bytes(send.p, len);
		assert_int_equal(ops->open(rv_service_self(service), &spec, 2, &sas[0]), -EINVAL);
	}
	for (int i = 0; i < 4; i++)
		ops->close(rv_service_self(service), sas[i]);
	pair_free(p);
}

int main(void)
{
	const struct CMUnitTest all[] = {
		cmocka_unit_test(both_sides_agree),
		cmocka_unit_test(without_the_peer_there_is_no_child_sa),
		cmocka_unit_test(without_the_plugin_the_mode_does_not_come_up),
		cmocka_unit_test(unknown_flags_keep_it_from_being_used),
		cmocka_unit_test(rekeys_agree_anew_and_packs_keep_it),
		cmocka_unit_test(sas_open_and_close),
	};
	return cmocka_run_group_tests(all, NULL, NULL);
}
