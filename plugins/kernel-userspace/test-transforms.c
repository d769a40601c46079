// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-transforms: every transform through two kernels without threads, the packets that RFC 3602 prints, and the rules
 * of RFC 8750.
 */
#include "test-rig.h"

#include <ravelin/crypto.h>

/* RFC 4106, RFC 4309, RFC 4543, RFC 3686 and RFC 2410 with each MAC, RFC 8750. */
static const char *const proposals[] = {
	"aes192gcm16",	    "aes128gcm12",	"aes256gcm12",	     "aes128gcm8",	    "aes256gcm8",
	"aes128ccm16",	    "aes192ccm16",	"aes256ccm16",	     "aes128ccm12",	    "aes256ccm12",
	"aes128ccm8",	    "aes256ccm8",	"aes128gmac",	     "aes192gmac",	    "aes256gmac",
	"aes128ctr-sha256", "aes192ctr-sha512", "aes256ctr-aesxcbc", "aes128-aesxcbc",	    "aes128-aescmac",
	"aes256-sha384",    "null-sha1",	"null-sha384",	     "null-sha512",	    "null-aesxcbc",
	"null-aescmac",	    "aes128gcm16iiv",	"aes256gcm16iiv",    "chacha20poly1305iiv", "aes128ccm8iiv",
	"aes192ccm8iiv",
};

static void every_transform_carries_packets(void **state)
{
	struct pair *pair = *state;
	struct rig_port *out = &pair->east->clear[0];
	uint8_t p[128];

	for (size_t i = 0; i < RV_COUNT(proposals) * 4; i++) {
		struct rig_sa sa = plain;
		sa.proposal = proposals[i / 4];
		sa.spi = 0x1000 + (uint32_t)i;
		sa.esn = i & 1;
		sa.raw = i & 2;
		if (sa.esn)
			sa.sequence = UINT32_MAX - 16; /* the high half changes on the way */
		tunnel(pair, &sa);
		for (uint32_t len = 48; len < 112; len++) {
			rig_packet(p, "10.1.0.1", "10.2.0.1", 1000, 2000, len);
			rig_clear(pair->west, 0, p, len);
			rig_carry(pair->west, pair->east);
			if (out->n != 1 || out->caught[0].len != len || memcmp(out->caught[0].data, p, len))
				fail_msg("%s, raw %d, ESN %d, %u octets", sa.proposal, sa.raw, sa.esn, len);
			rig_forget(out);
		}
		flush_policies(pair->west->u);
		flush_sas(pair->west->u);
		flush_sas(pair->east->u);
		pair->west->n_clear = pair->east->n_clear = 0;
	}
}

/* A packet goes out of west with this proposal; its octets, and how many. */
static uint32_t sealed_with(struct pair *pair, const char *proposal, bool esn, uint8_t *octets)
{
	struct rig_sa sa = plain;
	uint8_t p[100];

	sa.proposal = proposal;
	sa.esn = esn;
	sa.sequence = esn ? UINT64_C(0x500000006) : 6;
	tunnel(pair, &sa);
	rig_clear(pair->west, 0, p, rig_packet(p, "10.1.0.1", "10.2.0.1", 1, 2, sizeof(p)));
	uint32_t len = pair->west->wire[1].caught[0].len;
	memcpy(octets, pair->west->wire[1].caught[0].data, len);
	rig_forget(&pair->west->wire[1]);
	flush_policies(pair->west->u);
	flush_sas(pair->west->u);
	flush_sas(pair->east->u);
	pair->west->n_clear = pair->east->n_clear = 0;
	return len;
}

/* RFC 8750, 4: the IV is the sequence number, with 64 bits where it is extended; nothing else of a packet changes. An
 * explicit IV here is the same number, so the octets behind it must be the same too. */
static void an_implicit_iv_is_left_out_and_nothing_else_changes(void **state)
{
	static const char *const pairs[][2] = { { "aes128gcm16", "aes128gcm16iiv" },
						{ "aes256gcm16", "aes256gcm16iiv" },
						{ "aes128ccm8", "aes128ccm8iiv" },
						{ "chacha20poly1305", "chacha20poly1305iiv" } };
	uint8_t explicit[256], implicit[256];

	for (size_t i = 0; i < RV_COUNT(pairs) * 2; i++) {
		uint32_t len = sealed_with(*state, pairs[i / 2][0], i & 1, explicit);
		assert_int_equal(sealed_with(*state, pairs[i / 2][1], i & 1, implicit), len - 8);
		assert_memory_equal(implicit, explicit, 8);
		assert_int_equal(ip_u32(explicit + 8), i & 1 ? 5 : 0);
		assert_int_equal(ip_u32(explicit + 12), 7);
		assert_memory_equal(implicit + 8, explicit + 16, len - 16);
	}
}

/* RFC 8750, 7: an SA without extended numbers ends before its 2^32nd packet, so no IV comes twice. */
static void an_implicit_iv_never_comes_twice(void **state)
{
	struct pair *pair = *state;
	struct rig_sa sa = plain;
	uint8_t p[64];

	sa.proposal = "aes128gcm16iiv";
	sa.sequence = UINT32_MAX - 2;
	tunnel(pair, &sa);
	for (int i = 0; i < 5; i++)
		rig_clear(pair->west, 0, p, rig_packet(p, "10.1.0.1", "10.2.0.1", 1, 2, sizeof(p)));
	assert_int_equal(pair->west->wire[1].n, 2);
	assert_int_equal(ip_u32(pair->west->wire[1].caught[1].data + 4), UINT32_MAX);
}

/* RFC 3602, 4, cases 5 to 8: packets of another implementation, without an ICV, which RFC 8221, 5 does not let go any
 * more; one is put behind them here. */
static const struct printed {
	const char *what, *key, *sealed, *clear, *src, *dst;
	uint8_t proto;
	bool transport;
} printed[] = {
	{ "case 5", "90d382b410eeba7ad938c46cec1a82bf",
	  "0000432100000001e96e8c08ab465763fd098d45dd3ff893"
	  "f663c25d325c18c6a9453e194e120849a4870b66cc6b9965330013b4898dc856a4699e523a55db080b59ec3a8e4b7e52"
	  "775b07d1db34ed9c538ab50c551b874aa269add047ad2d5913ac19b7cfbad4a6",
	  "08000ebda70a00008e9c083db95b070008090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20212223"
	  "2425262728292a2b2c2d2e2f3031323334353637",
	  "192.168.123.3", "192.168.123.100", 1, true },
	{ "case 6", "90d382b410eeba7ad938c46cec1a82bf",
	  "000043210000000869d08df7d203329db093fc4924e5bd80"
	  "f51995881ec4e0c4488987ce742e8109689bb379d2d750c0d915dca346a89f75",
	  "0800b5e8a80a0500a69c083d0b660e00777777777777777777777777", "192.168.123.3", "192.168.123.100", 1, true },
	{ "case 7", "0123456789abcdef0123456789abcdef",
	  "0000876500000002f4e765244f6407adf13dc1380f673f37"
	  "773b5241a4c449225e4f3ce5ed611b0c237ca96cf74a93013c1b0ea1a0cf70f8e4ecaec78ac53aad7a0f022b859243c6"
	  "47752e94a859352b8a4d4d2decd136e5c177f132ad3fbfb2201ac9904c74ee0a109e0ca1e4dfe9d5a100b842f1c22f0d",
	  "45000054090400004001f988c0a87b03c0a87bc808009f76a90a0100b49c083d02a2040008090a0b0c0d0e0f10111213"
	  "1415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f3031323334353637",
	  "192.168.123.3", "192.168.123.200", 4, false },
	{ "case 8", "0123456789abcdef0123456789abcdef",
	  "000087650000000585d47224b5f3dd5d2101d4ea8dffab22"
	  "15b92683819596a8047232cc00f7048fe45318e11f8a0f62ede3c3fc61203bb50f980a08c9843fd3a1b06d5c07ff9639"
	  "b7eb7dfb3512e5de435e7207ed971ef3d2726d9b5ef6affc6d17a0decbb13892",
	  "45000044090c00004001f990c0a87b03c0a87bc80800d63caa0a0200c69c083da3de0300ffffffffffffffffffffffff"
	  "ffffffffffffffffffffffffffffffffffffffff",
	  "192.168.123.3", "192.168.123.200", 4, false },
};

static const uint8_t integ_key[32] = { 'i', 'c', 'v' };

/* The ICV of what stands at p, behind it. */
static uint32_t put_icv(struct rig *rig, uint8_t *p, uint32_t len)
{
	struct rv_service *mac = rv_registry_find(rig->core->registry, "mac", "hmac-sha256-128");
	_Alignas(64) uint8_t ctx[1024];

	assert_non_null(mac);
	const struct rv_mac_ops *ops = rv_service_ops(mac);
	struct rv_bytes part = rv_bytes(p, len);
	assert_true(ops->ctx_size <= sizeof(ctx));
	assert_int_equal(ops->init(rv_service_self(mac), ctx, rv_bytes(integ_key, sizeof(integ_key))), 0);
	assert_int_equal(ops->mac(rv_service_self(mac), ctx, &part, 1, p + len), 0);
	ops->fini(rv_service_self(mac), ctx);
	return len + ops->icv_len;
}

static void open_printed(struct rig *rig, const struct printed *row)
{
	struct rv_ts local = rig_ts(row->dst), remote = rig_ts(row->src);
	struct rv_sa_spec spec = { .dir = RV_IN,
				   .mode = row->transport ? RV_TRANSPORT : RV_TUNNEL,
				   .protocol = RV_PROTO_ESP,
				   .src = rig_addr(row->src),
				   .dst = rig_addr(row->dst),
				   .replay_window = 32,
				   .local_ts = &local,
				   .remote_ts = &remote,
				   .n_local_ts = 1,
				   .n_remote_ts = 1 };
	uint8_t key[16], want[128], buf[512] = { 0 };
	struct rv_packet packet = {
		.buf = buf, .data = buf + RV_HEADROOM, .cap = sizeof(buf), .local = spec.dst, .remote = spec.src
	};
	struct rv_packet *list[] = { &packet };
	const struct rv_packet *got = &rig->clear[0].caught[0];
	struct rv_why why = { 0 };
	struct rv_call call = { 0 };

	assert_int_equal(rv_proposal_parse(rig->core->registry, RV_PROTO_ESP, "aes128-sha256", &spec.chosen, &why), 0);
	assert_int_equal(test_hex(row->key, key, sizeof(key)), 16);
	uint32_t len = (uint32_t)test_hex(row->sealed, packet.data, 300);
	uint32_t clear = (uint32_t)test_hex(row->clear, want, sizeof(want));
	spec.spi = ip_u32(packet.data);
	spec.encr_key = rv_bytes(key, sizeof(key));
	spec.integ_key = rv_bytes(integ_key, sizeof(integ_key));
	assert_int_equal(rig->ops->sa_add(rig->self, &spec, &call), 0);
	packet.len = put_icv(rig, packet.data, len);
	lane_wire(rig_lane(rig), list, 1);
	if (rig->clear[0].n != 1)
		fail_msg("%s does not come out", row->what);
	uint32_t at = row->transport ? IP4_HEADER : 0; /* written anew: the socket took the one that was there */
	assert_int_equal(got->len, at + clear);
	assert_memory_equal(got->data + at, want, clear);
	if (row->transport)
		assert_int_equal(got->data[9], row->proto);
	rig_forget(&rig->clear[0]);
	flush_sas(rig->u);
	rig->n_clear = 0;
}

static void the_packets_of_rfc_3602_are_opened(void **state)
{
	struct pair *pair = *state;

	for (size_t i = 0; i < RV_COUNT(printed); i++)
		open_printed(pair->east, &printed[i]);
}

/* Packets of two flows by turns: each goes to the SA of its own policy, whatever the packet before did. */
static void flows_that_take_turns_keep_their_sas(void **state)
{
	static const char *const remote[] = { "10.2.0.0/16", "10.3.0.0/16" }, *const to[] = { "10.2.0.1", "10.3.0.1" };
	struct pair *pair = *state;
	struct rv_packet packets[12], *list[12];
	uint8_t *octets = calloc(12, 512);

	assert_non_null(octets);
	for (uint32_t i = 0; i < 2; i++) {
		struct rig_sa sa = plain;
		sa.remote = remote[i];
		sa.spi = 0x1000 + i;
		sa.reqid = 1 + i;
		sa.packets_hard = i ? 0 : 4;
		tunnel(pair, &sa);
	}
	for (size_t i = 0; i < 12; i++) {
		uint8_t *buf = octets + 512 * i;
		packets[i] = (struct rv_packet){ .buf = buf, .data = buf + RV_HEADROOM, .cap = 512, .len = 80 };
		rig_packet(packets[i].data, "10.1.0.1", to[i % 4 / 2], 1, 2, 80);
		list[i] = &packets[i];
	}
	lane_clear(rig_lane(pair->west), table_get(&pair->west->u->db.ifaces, 0), list, 12);
	unsigned n[2] = { 0 };
	for (unsigned i = 0; i < pair->west->wire[1].n; i++) {
		const struct rv_packet *train = &pair->west->wire[1].caught[i];
		for (uint32_t at = 0; at < train->len; at += train->seg_len)
			n[ip_u32(train->data + at) - 0x1000]++;
	}
	assert_int_equal(n[0], 4); /* its limit, of six */
	assert_int_equal(n[1], 6);
	free(octets);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_transform_carries_packets),	    TEST(an_implicit_iv_is_left_out_and_nothing_else_changes),
		TEST(an_implicit_iv_never_comes_twice),	    TEST(the_packets_of_rfc_3602_are_opened),
		TEST(flows_that_take_turns_keep_their_sas),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
