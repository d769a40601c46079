// SPDX-License-Identifier: LGPL-2.1-or-later
/* esp-bench: nanoseconds per packet of kernel-userspace's ESP, beside libipsec-mb's bare burst. Behind tools/bench/esp,
 * which says what is measured.
 *
 * Bursts of 32 packets are timed one by one, and the median counts: what else runs on the machine disturbs few of them.
 * Rounds of the two are interleaved; the ratio is the median of the rounds' ratios.
 */
#include "esp-bare.h"
#include "esp-scale.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <urcu/urcu-memb.h>

enum { ROUNDS_MOST = 15, CHECK_SIZE = 1400 };

/* At most this many times the bare burst, with AES-128-GCM at 1400 octets. */
static const double most = 1.5;

static const uint32_t sizes[] = { 64, 512, 1400, 9000 };

struct row {
	const char *word;
	struct bare_kind kind; /* cipher 0: the library lacks it */
};

#define GCM_ROW(w, key, icv)                                                                                           \
	{                                                                                                              \
		w,                                                                                                     \
		{                                                                                                      \
			IMB_CIPHER_GCM, IMB_AUTH_AES_GMAC, key, icv, 8, 1                                              \
		}                                                                                                      \
	}
#define CCM_ROW(w, key, icv)                                                                                           \
	{                                                                                                              \
		w,                                                                                                     \
		{                                                                                                      \
			IMB_CIPHER_CCM, IMB_AUTH_AES_CCM, key, icv, 8, 1                                               \
		}                                                                                                      \
	}
#define CBC_ROW(w, key, hash, icv)                                                                                     \
	{                                                                                                              \
		w,                                                                                                     \
		{                                                                                                      \
			IMB_CIPHER_CBC, hash, key, icv, 16, 16                                                         \
		}                                                                                                      \
	}
#define CTR_ROW(w, key, hash, icv)                                                                                     \
	{                                                                                                              \
		w,                                                                                                     \
		{                                                                                                      \
			IMB_CIPHER_CNTR, hash, key, icv, 8, 1                                                          \
		}                                                                                                      \
	}
#define NULL_ROW(w, hash, icv)                                                                                         \
	{                                                                                                              \
		w,                                                                                                     \
		{                                                                                                      \
			IMB_CIPHER_NULL, hash, 16, icv, 0, 1                                                           \
		}                                                                                                      \
	}
#define GMAC_ROW(w, key, hash)                                                                                         \
	{                                                                                                              \
		w,                                                                                                     \
		{                                                                                                      \
			IMB_CIPHER_NULL, hash, key, 16, 8, 1                                                           \
		}                                                                                                      \
	}

/* The first is the one of --check; those up to N_QUICK are --quick's. */
enum { N_QUICK = 5 };
static const struct row rows[] = {
	GCM_ROW("aes128gcm16", 16, 16),
	GCM_ROW("aes256gcm16", 32, 16),
	{ "chacha20poly1305", { IMB_CIPHER_CHACHA20_POLY1305, IMB_AUTH_CHACHA20_POLY1305, 32, 16, 8, 1 } },
	CBC_ROW("aes128-sha256", 16, IMB_AUTH_HMAC_SHA_256, 16),
	GMAC_ROW("aes128gmac", 16, IMB_AUTH_AES_GMAC_128),
	GCM_ROW("aes192gcm16", 24, 16),
	GCM_ROW("aes128gcm12", 16, 12),
	GCM_ROW("aes128gcm8", 16, 8),
	GCM_ROW("aes128gcm16iiv", 16, 16),
	{ "chacha20poly1305iiv", { IMB_CIPHER_CHACHA20_POLY1305, IMB_AUTH_CHACHA20_POLY1305, 32, 16, 8, 1 } },
	CCM_ROW("aes128ccm16", 16, 16),
	CCM_ROW("aes128ccm12", 16, 12),
	CCM_ROW("aes128ccm8", 16, 8),
	CCM_ROW("aes128ccm8iiv", 16, 8),
	CCM_ROW("aes256ccm16", 32, 16),
	{ "aes192ccm16", { 0 } },
	GMAC_ROW("aes192gmac", 24, IMB_AUTH_AES_GMAC_192),
	GMAC_ROW("aes256gmac", 32, IMB_AUTH_AES_GMAC_256),
	CBC_ROW("aes192-sha256", 24, IMB_AUTH_HMAC_SHA_256, 16),
	CBC_ROW("aes256-sha256", 32, IMB_AUTH_HMAC_SHA_256, 16),
	CBC_ROW("aes128-sha1", 16, IMB_AUTH_HMAC_SHA_1, 12),
	CBC_ROW("aes256-sha384", 32, IMB_AUTH_HMAC_SHA_384, 24),
	CBC_ROW("aes256-sha512", 32, IMB_AUTH_HMAC_SHA_512, 32),
	CBC_ROW("aes128-aesxcbc", 16, IMB_AUTH_AES_XCBC, 12),
	CBC_ROW("aes128-aescmac", 16, IMB_AUTH_AES_CMAC, 12),
	CTR_ROW("aes128ctr-sha256", 16, IMB_AUTH_HMAC_SHA_256, 16),
	CTR_ROW("aes192ctr-sha256", 24, IMB_AUTH_HMAC_SHA_256, 16),
	CTR_ROW("aes256ctr-sha256", 32, IMB_AUTH_HMAC_SHA_256, 16),
	NULL_ROW("null-sha1", IMB_AUTH_HMAC_SHA_1, 12),
	NULL_ROW("null-sha256", IMB_AUTH_HMAC_SHA_256, 16),
	NULL_ROW("null-sha384", IMB_AUTH_HMAC_SHA_384, 24),
	NULL_ROW("null-sha512", IMB_AUTH_HMAC_SHA_512, 32),
	NULL_ROW("null-aesxcbc", IMB_AUTH_AES_XCBC, 12),
	NULL_ROW("null-aescmac", IMB_AUTH_AES_CMAC, 12),
};

struct options {
	bool check, json, quick, brief, without_ipsecmb;
	unsigned rounds, bursts;
	const char *only;
};

static double time_bare(struct bare *bare, const struct row *row, bool seal, uint32_t len, unsigned bursts)
{
	double ns[BURSTS_MOST];

	for (unsigned i = 0; i < bursts; i++) {
		if (!seal)
			bare_arrive(bare, len, WORLD_BURST);
		uint64_t began = now_ns();
		if (!bare_burst(bare, &row->kind, seal, len, WORLD_BURST))
			die(row->word, "libipsec-mb failed");
		ns[i] = (double)(now_ns() - began) / WORLD_BURST;
	}
	return median(ns, bursts);
}

/* Of one transform and size; bare 0: the library lacks it. */
struct figures {
	double seal, open, bare_seal, bare_open, seal_ratio, open_ratio;
};

/* RFC 4303, 2.4: the text with its padding, as ESP gives it to the cipher. */
static uint32_t text_len(const struct row *row, uint32_t len)
{
	uint32_t align = row->kind.block_len > 4 ? row->kind.block_len : 4;

	return (len + 2 + align - 1) / align * align;
}

static struct figures measure(struct world *world, struct bare *bare, const struct row *row, uint32_t len,
			      const struct options *o)
{
	double v[6][ROUNDS_MOST];
	struct source s;
	const uint32_t hosts[WORLD_BURST] = { 0 };
	bool has = bare && row->kind.cipher;

	source_init(&s, len, hosts);
	for (unsigned r = 0; r < o->rounds; r++) {
		v[0][r] = time_seal(world, &s, o->bursts);
		v[2][r] = has ? time_bare(bare, row, true, text_len(row, len), o->bursts) : 0;
		v[1][r] = time_open(world, &s, o->bursts);
		v[3][r] = has ? time_bare(bare, row, false, text_len(row, len), o->bursts) : 0;
		v[4][r] = has ? v[0][r] / v[2][r] : 0;
		v[5][r] = has ? v[1][r] / v[3][r] : 0;
	}
	talloc_free(s.octets);
	return (struct figures){ median(v[0], o->rounds), median(v[1], o->rounds), median(v[2], o->rounds),
				 median(v[3], o->rounds), median(v[4], o->rounds), median(v[5], o->rounds) };
}

static void show(bool json, bool first, const char *word, uint32_t len, const struct figures *f)
{
	if (json)
		printf("%s\n  {\"transform\": \"%s\", \"octets\": %u, \"seal_ns\": %.1f, \"open_ns\": %.1f, "
		       "\"bare_seal_ns\": %.1f, \"bare_open_ns\": %.1f, \"seal_ratio\": %.3f, \"open_ratio\": %.3f}",
		       first ? "" : ",", word, len, f->seal, f->open, f->bare_seal, f->bare_open, f->seal_ratio,
		       f->open_ratio);
	else
		printf("%-20s %5u  seal %8.1f bare %8.1f ratio %5.2f   open %8.1f bare %8.1f ratio %5.2f\n", word, len,
		       f->seal, f->bare_seal, f->seal_ratio, f->open, f->bare_open, f->open_ratio);
	fflush(stdout);
}

static bool is_wanted(const struct options *o, size_t i, uint32_t len)
{
	if (o->only)
		return !strcmp(o->only, rows[i].word);
	return (!o->quick || i < N_QUICK) && (!o->brief || len == sizes[0] || len == CHECK_SIZE);
}

/* All transforms; the figures of --check's row are returned. */
static struct figures transforms(const struct options *o, struct bare *bare)
{
	struct figures checked = { 0 };
	bool first = true;

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		struct world *world = NULL;
		for (size_t j = 0; j < RV_COUNT(sizes); j++) {
			if (!is_wanted(o, i, sizes[j]))
				continue;
			if (!world) {
				world = world_new(1, o->without_ipsecmb);
				world_tunnel(world, rows[i].word, 0);
			}
			struct figures f = measure(world, bare, &rows[i], sizes[j], o);
			show(o->json, first, rows[i].word, sizes[j], &f);
			first = false;
			if (!i && sizes[j] == CHECK_SIZE)
				checked = f;
		}
		if (world)
			world_free(world);
	}
	return checked;
}

static void usage(void)
{
	fprintf(stderr,
		"usage: esp [--quick] [--short] [--check] [--json] [--rounds N] [--only WORDS] [--without-ipsecmb]\n");
	exit(2);
}

static struct options read_options(int argc, char **argv)
{
	struct options o = { .rounds = 7, .bursts = BURSTS_MOST };

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--quick")) {
			o.quick = true;
		} else if (!strcmp(argv[i], "--short")) {
			o.quick = o.brief = true;
			o.rounds = 1;
			o.bursts = 8;
		} else if (!strcmp(argv[i], "--check")) {
			o.check = true;
		} else if (!strcmp(argv[i], "--json")) {
			o.json = true;
		} else if (!strcmp(argv[i], "--without-ipsecmb")) {
			o.without_ipsecmb = true;
		} else if (!strcmp(argv[i], "--only") && i + 1 < argc) {
			o.only = argv[++i];
		} else if (!strcmp(argv[i], "--rounds") && i + 1 < argc) {
			o.rounds = (unsigned)strtoul(argv[++i], NULL, 10);
		} else {
			usage();
		}
	}
	if (!o.rounds || o.rounds > ROUNDS_MOST)
		usage();
	return o;
}

int main(int argc, char **argv)
{
	struct options o = read_options(argc, argv);
	struct bare *bare = bare_new();

	urcu_memb_register_thread();
	if (!bare)
		fprintf(stderr, "esp: this processor is not fit for libipsec-mb: nothing stands beside our figures\n");
	printf(o.json ? "{\"transforms\": [" : "");
	struct figures f = transforms(&o, bare);
	printf(o.json ? "\n]" : "");
	if (!o.only)
		scale(o.json, o.quick, o.brief);
	printf(o.json ? ",\n\"ratio\": {\"seal\": %.3f, \"open\": %.3f}}\n" : "ratio seal=%.2f open=%.2f\n",
	       f.seal_ratio, f.open_ratio);
	urcu_memb_unregister_thread();
	bare_free(bare);
	if (!o.check || (bare && f.seal_ratio <= most && f.open_ratio <= most))
		return 0;
	fprintf(stderr, "esp: over %.1f times the bare burst with %s at %d octets\n", most, rows[0].word, CHECK_SIZE);
	return 1;
}
