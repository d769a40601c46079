// SPDX-License-Identifier: LGPL-2.1-or-later
/* words.c: the words of proposals, their numbers and the names of what computes them.
 *
 * Words are swanctl.conf's. Transform IDs are those of RFC 7296, 3.3.2 and the IANA registry that it founded; the
 * older protocol's numbers are those of RFC 2409, appendix A and RFC 2407, 4.4 and 4.5 with their registries. A MUST
 * NOT of RFC 8247 or RFC 8221 is a row with the reason. What no standard forbids and nobody computes yet is a row too:
 * it is refused as long as no plugin offers the service that it names.
 */
#include "words.h"

static const char no_des[] = "RFC 8247, 2.1: DES can be broken by brute force, MUST NOT";
static const char no_des_child[] = "RFC 8221, 5: DES can be broken by brute force, MUST NOT";
static const char no_null[] = "RFC 8247, 2.1 and RFC 7296, 5: NULL encryption of the keying protocol, MUST NOT";
static const char no_gmac[] = "RFC 4543, 3 and RFC 7296, 5: no encryption of the keying protocol, MUST NOT";
static const char no_gmac_integ[] = "RFC 4543, 5.1: no use in the keying protocol is specified";
static const char no_iiv[] = "RFC 8750, 7: the keying protocol has no number that never repeats, so it cannot be used";
static const char no_blowfish[] = "RFC 8221, 5: Blowfish is deprecated, MUST NOT";
static const char no_md5_prf[] = "RFC 8247, 2.2: HMAC-MD5 as PRF, MUST NOT";
static const char no_md5[] = "RFC 8247, 2.3: HMAC-MD5-96, MUST NOT";
static const char no_md5_child[] = "RFC 8221, 6: MD5 is known to be vulnerable, MUST NOT";
static const char no_fibre[] = "RFC 8221, 5: a code point that is not for IPsec (RFC 4595), MUST NOT";
static const char no_modp768[] = "RFC 8247, 2.4: 768-bit MODP is broken within hours, MUST NOT";
static const char no_s160[] = "RFC 8247, 2.4: 1024-bit MODP with 160-bit subgroup is too weak, MUST NOT";
static const char no_ke[] = "RFC 7296, 3.3.3: the keying protocol's own SA needs a key exchange";

/* Rows of one class each. bits: key length. v1, v2: the older protocol's numbers of phase 1 and phase 2. */
/* clang-format off */
#define CIPHER(w, i, bits, n, k, v1, v2, r, ...)                                                                       \
	{ .word = w, .class = RV_CLASS_ENCR, .id = i, .key_bits = bits, .fixed_key = !(bits), .kind = "cipher",        \
	  .name = n, .kernel = k, .v1_phase1 = v1, .v1_phase2 = v2, .rank = r, __VA_ARGS__ }
#define AEAD(w, i, bits, n, k, v2, r, ...)                                                                             \
	{ .word = w, .class = RV_CLASS_ENCR, .id = i, .key_bits = bits, .fixed_key = !(bits), .combined = true,        \
	  .kind = "aead", .name = n, .kernel = k, .v1_phase2 = v2, .rank = r, __VA_ARGS__ }
#define PRF(w, i, n, r, ...)                                                                                           \
	{ .word = w, .class = RV_CLASS_PRF, .id = i, .kind = "prf", .name = n, .rank = r, __VA_ARGS__ }
#define INTEG(w, i, n, k, v1, v2, r, ...)                                                                              \
	{ .word = w, .class = RV_CLASS_INTEG, .id = i, .kind = "mac", .name = n, .kernel = k, .v1_phase1 = v1,         \
	  .v1_phase2 = v2, .rank = r, __VA_ARGS__ }
#define INTEG_AEAD(w, i, n)                                                                                            \
	{ .word = w, .class = RV_CLASS_INTEG, .id = i, .kind = "aead", .name = n, .forbid_keying = no_gmac_integ }
#define KE(w, i, n, v1, r, ...)                                                                                        \
	{ .word = w, .class = RV_CLASS_KE, .id = i, .kind = "ke", .name = n, .v1_phase1 = v1, .v1_phase2 = v1,         \
	  .rank = r, __VA_ARGS__ }
#define NO_KE(w) { .word = w, .class = RV_CLASS_KE, .forbid_keying = no_ke }
#define SN(w, i, v2, r) { .word = w, .class = RV_CLASS_SN, .id = i, .v1_phase2 = v2, .rank = r }

const struct rv_algorithm proposal_words[N_PROPOSAL_WORDS] = {
	/* RFC 4106 and RFC 5282 */
	AEAD("aes128gcm16", 20, 128, "aes-gcm-16-128", "rfc4106(gcm(aes))", 20, 1),
	AEAD("aes256gcm16", 20, 256, "aes-gcm-16-256", "rfc4106(gcm(aes))", 20, 2),
	AEAD("aes192gcm16", 20, 192, "aes-gcm-16-192", "rfc4106(gcm(aes))", 20, 0),
	AEAD("aes128gcm128", 20, 128, "aes-gcm-16-128", "rfc4106(gcm(aes))", 20, 0),
	AEAD("aes192gcm128", 20, 192, "aes-gcm-16-192", "rfc4106(gcm(aes))", 20, 0),
	AEAD("aes256gcm128", 20, 256, "aes-gcm-16-256", "rfc4106(gcm(aes))", 20, 0),
	AEAD("aes128gcm", 20, 128, "aes-gcm-16-128", "rfc4106(gcm(aes))", 20, 0),
	AEAD("aes192gcm", 20, 192, "aes-gcm-16-192", "rfc4106(gcm(aes))", 20, 0),
	AEAD("aes256gcm", 20, 256, "aes-gcm-16-256", "rfc4106(gcm(aes))", 20, 0),
	/* RFC 7634 */
	AEAD("chacha20poly1305", 28, 0, "chacha20-poly1305", "rfc7539esp(chacha20,poly1305)", 0, 3),
	/* RFC 3602 */
	CIPHER("aes128", 12, 128, "aes-cbc-128", "cbc(aes)", 7, 12, 4),
	CIPHER("aes256", 12, 256, "aes-cbc-256", "cbc(aes)", 7, 12, 5),
	CIPHER("aes192", 12, 192, "aes-cbc-192", "cbc(aes)", 7, 12, 0),
	CIPHER("aes", 12, 128, "aes-cbc-128", "cbc(aes)", 7, 12, 0),
	/* RFC 2410: nothing computes it */
	{ .word = "null", .class = RV_CLASS_ENCR, .id = 11, .fixed_key = true, .kernel = "ecb(cipher_null)",
	  .v1_phase2 = 11, .forbid_keying = no_null },

	/* RFC 4106 with the short ICVs, RFC 4309, RFC 4543, RFC 3686 and RFC 5930 */
	AEAD("aes128gcm8", 18, 128, "aes-gcm-8-128", "rfc4106(gcm(aes))", 18, 0),
	AEAD("aes192gcm8", 18, 192, "aes-gcm-8-192", "rfc4106(gcm(aes))", 18, 0),
	AEAD("aes256gcm8", 18, 256, "aes-gcm-8-256", "rfc4106(gcm(aes))", 18, 0),
	AEAD("aes128gcm64", 18, 128, "aes-gcm-8-128", "rfc4106(gcm(aes))", 18, 0),
	AEAD("aes192gcm64", 18, 192, "aes-gcm-8-192", "rfc4106(gcm(aes))", 18, 0),
	AEAD("aes256gcm64", 18, 256, "aes-gcm-8-256", "rfc4106(gcm(aes))", 18, 0),
	AEAD("aes128gcm12", 19, 128, "aes-gcm-12-128", "rfc4106(gcm(aes))", 19, 0),
	AEAD("aes192gcm12", 19, 192, "aes-gcm-12-192", "rfc4106(gcm(aes))", 19, 0),
	AEAD("aes256gcm12", 19, 256, "aes-gcm-12-256", "rfc4106(gcm(aes))", 19, 0),
	AEAD("aes128gcm96", 19, 128, "aes-gcm-12-128", "rfc4106(gcm(aes))", 19, 0),
	AEAD("aes192gcm96", 19, 192, "aes-gcm-12-192", "rfc4106(gcm(aes))", 19, 0),
	AEAD("aes256gcm96", 19, 256, "aes-gcm-12-256", "rfc4106(gcm(aes))", 19, 0),
	AEAD("aes128ccm8", 14, 128, "aes-ccm-8-128", "rfc4309(ccm(aes))", 14, 0),
	AEAD("aes192ccm8", 14, 192, "aes-ccm-8-192", "rfc4309(ccm(aes))", 14, 0),
	AEAD("aes256ccm8", 14, 256, "aes-ccm-8-256", "rfc4309(ccm(aes))", 14, 0),
	AEAD("aes128ccm64", 14, 128, "aes-ccm-8-128", "rfc4309(ccm(aes))", 14, 0),
	AEAD("aes192ccm64", 14, 192, "aes-ccm-8-192", "rfc4309(ccm(aes))", 14, 0),
	AEAD("aes256ccm64", 14, 256, "aes-ccm-8-256", "rfc4309(ccm(aes))", 14, 0),
	AEAD("aes128ccm12", 15, 128, "aes-ccm-12-128", "rfc4309(ccm(aes))", 15, 0),
	AEAD("aes192ccm12", 15, 192, "aes-ccm-12-192", "rfc4309(ccm(aes))", 15, 0),
	AEAD("aes256ccm12", 15, 256, "aes-ccm-12-256", "rfc4309(ccm(aes))", 15, 0),
	AEAD("aes128ccm96", 15, 128, "aes-ccm-12-128", "rfc4309(ccm(aes))", 15, 0),
	AEAD("aes192ccm96", 15, 192, "aes-ccm-12-192", "rfc4309(ccm(aes))", 15, 0),
	AEAD("aes256ccm96", 15, 256, "aes-ccm-12-256", "rfc4309(ccm(aes))", 15, 0),
	AEAD("aes128ccm16", 16, 128, "aes-ccm-16-128", "rfc4309(ccm(aes))", 16, 0),
	AEAD("aes192ccm16", 16, 192, "aes-ccm-16-192", "rfc4309(ccm(aes))", 16, 0),
	AEAD("aes256ccm16", 16, 256, "aes-ccm-16-256", "rfc4309(ccm(aes))", 16, 0),
	AEAD("aes128ccm128", 16, 128, "aes-ccm-16-128", "rfc4309(ccm(aes))", 16, 0),
	AEAD("aes192ccm128", 16, 192, "aes-ccm-16-192", "rfc4309(ccm(aes))", 16, 0),
	AEAD("aes256ccm128", 16, 256, "aes-ccm-16-256", "rfc4309(ccm(aes))", 16, 0),
	AEAD("aes128ccm", 16, 128, "aes-ccm-16-128", "rfc4309(ccm(aes))", 16, 0),
	AEAD("aes192ccm", 16, 192, "aes-ccm-16-192", "rfc4309(ccm(aes))", 16, 0),
	AEAD("aes256ccm", 16, 256, "aes-ccm-16-256", "rfc4309(ccm(aes))", 16, 0),
	AEAD("aes128gmac", 21, 128, "aes-gmac-128", "rfc4543(gcm(aes))", 23, 0, .forbid_keying = no_gmac),
	AEAD("aes192gmac", 21, 192, "aes-gmac-192", "rfc4543(gcm(aes))", 23, 0, .forbid_keying = no_gmac),
	AEAD("aes256gmac", 21, 256, "aes-gmac-256", "rfc4543(gcm(aes))", 23, 0, .forbid_keying = no_gmac),
	CIPHER("aes128ctr", 13, 128, "aes-ctr-128", "rfc3686(ctr(aes))", 0, 13, 0),
	CIPHER("aes192ctr", 13, 192, "aes-ctr-192", "rfc3686(ctr(aes))", 0, 13, 0),
	CIPHER("aes256ctr", 13, 256, "aes-ctr-256", "rfc3686(ctr(aes))", 0, 13, 0),
	/* RFC 8750 */
	AEAD("aes128gcm16iiv", 30, 128, "aes-gcm-16-128", NULL, 0, 0, .forbid_keying = no_iiv),
	AEAD("aes192gcm16iiv", 30, 192, "aes-gcm-16-192", NULL, 0, 0, .forbid_keying = no_iiv),
	AEAD("aes256gcm16iiv", 30, 256, "aes-gcm-16-256", NULL, 0, 0, .forbid_keying = no_iiv),
	AEAD("aes128ccm8iiv", 29, 128, "aes-ccm-8-128", NULL, 0, 0, .forbid_keying = no_iiv),
	AEAD("aes192ccm8iiv", 29, 192, "aes-ccm-8-192", NULL, 0, 0, .forbid_keying = no_iiv),
	AEAD("aes256ccm8iiv", 29, 256, "aes-ccm-8-256", NULL, 0, 0, .forbid_keying = no_iiv),
	AEAD("chacha20poly1305iiv", 31, 0, "chacha20-poly1305", NULL, 0, 0, .forbid_keying = no_iiv),
	/* RFC 5529: known, computed by no plugin of this tree */
	CIPHER("camellia128", 23, 128, "camellia-cbc-128", "cbc(camellia)", 8, 22, 0),
	CIPHER("camellia192", 23, 192, "camellia-cbc-192", "cbc(camellia)", 8, 22, 0),
	CIPHER("camellia256", 23, 256, "camellia-cbc-256", "cbc(camellia)", 8, 22, 0),
	CIPHER("camellia", 23, 128, "camellia-cbc-128", "cbc(camellia)", 8, 22, 0),
	CIPHER("camellia128ctr", 24, 128, "camellia-ctr-128", NULL, 0, 0, 0),
	CIPHER("camellia192ctr", 24, 192, "camellia-ctr-192", NULL, 0, 0, 0),
	CIPHER("camellia256ctr", 24, 256, "camellia-ctr-256", NULL, 0, 0, 0),
	AEAD("camellia128ccm8", 25, 128, "camellia-ccm-8-128", NULL, 0, 0),
	AEAD("camellia192ccm8", 25, 192, "camellia-ccm-8-192", NULL, 0, 0),
	AEAD("camellia256ccm8", 25, 256, "camellia-ccm-8-256", NULL, 0, 0),
	AEAD("camellia128ccm64", 25, 128, "camellia-ccm-8-128", NULL, 0, 0),
	AEAD("camellia192ccm64", 25, 192, "camellia-ccm-8-192", NULL, 0, 0),
	AEAD("camellia256ccm64", 25, 256, "camellia-ccm-8-256", NULL, 0, 0),
	AEAD("camellia128ccm12", 26, 128, "camellia-ccm-12-128", NULL, 0, 0),
	AEAD("camellia192ccm12", 26, 192, "camellia-ccm-12-192", NULL, 0, 0),
	AEAD("camellia256ccm12", 26, 256, "camellia-ccm-12-256", NULL, 0, 0),
	AEAD("camellia128ccm96", 26, 128, "camellia-ccm-12-128", NULL, 0, 0),
	AEAD("camellia192ccm96", 26, 192, "camellia-ccm-12-192", NULL, 0, 0),
	AEAD("camellia256ccm96", 26, 256, "camellia-ccm-12-256", NULL, 0, 0),
	AEAD("camellia128ccm16", 27, 128, "camellia-ccm-16-128", NULL, 0, 0),
	AEAD("camellia192ccm16", 27, 192, "camellia-ccm-16-192", NULL, 0, 0),
	AEAD("camellia256ccm16", 27, 256, "camellia-ccm-16-256", NULL, 0, 0),
	AEAD("camellia128ccm128", 27, 128, "camellia-ccm-16-128", NULL, 0, 0),
	AEAD("camellia192ccm128", 27, 192, "camellia-ccm-16-192", NULL, 0, 0),
	AEAD("camellia256ccm128", 27, 256, "camellia-ccm-16-256", NULL, 0, 0),
	/* RFC 2451; RFC 8221, 5 says SHOULD NOT of the first */
	CIPHER("3des", 3, 0, "3des-cbc", "cbc(des3_ede)", 5, 3, 0),
	CIPHER("cast128", 6, 128, "cast-cbc-128", "cbc(cast5)", 6, 6, 0),
	CIPHER("blowfish", 7, 128, "blowfish-cbc-128", "cbc(blowfish)", 3, 7, 0, .forbid_child = no_blowfish),
	CIPHER("blowfish128", 7, 128, "blowfish-cbc-128", "cbc(blowfish)", 3, 7, 0, .forbid_child = no_blowfish),
	CIPHER("blowfish192", 7, 192, "blowfish-cbc-192", "cbc(blowfish)", 3, 7, 0, .forbid_child = no_blowfish),
	CIPHER("blowfish256", 7, 256, "blowfish-cbc-256", "cbc(blowfish)", 3, 7, 0, .forbid_child = no_blowfish),
	CIPHER("des", 2, 0, "des-cbc", "cbc(des)", 1, 2, 0, .forbid_keying = no_des, .forbid_child = no_des_child),

	/* RFC 4868; SHA-1 is allowed by RFC 8247, 2.2 and 2.3 (MUST-) and never proposed by default */
	PRF("prfsha256", 5, "hmac-sha256", 1),
	PRF("prfsha384", 6, "hmac-sha384", 2),
	PRF("prfsha512", 7, "hmac-sha512", 3),
	PRF("prfsha1", 2, "hmac-sha1", 0),
	PRF("prfaesxcbc", 4, "aes-xcbc", 0),
	PRF("prfaescmac", 8, "aes-cmac", 0),
	PRF("prfmd5", 1, "hmac-md5", 0, .forbid_keying = no_md5_prf),

	INTEG("sha256", 12, "hmac-sha256-128", "hmac(sha256)", 4, 5, 1),
	INTEG("sha384", 13, "hmac-sha384-192", "hmac(sha384)", 5, 6, 3),
	INTEG("sha512", 14, "hmac-sha512-256", "hmac(sha512)", 6, 7, 2),
	INTEG("sha1", 2, "hmac-sha1-96", "hmac(sha1)", 2, 2, 0),
	INTEG("sha2_256", 12, "hmac-sha256-128", "hmac(sha256)", 4, 5, 0),
	INTEG("sha2_384", 13, "hmac-sha384-192", "hmac(sha384)", 5, 6, 0),
	INTEG("sha2_512", 14, "hmac-sha512-256", "hmac(sha512)", 6, 7, 0),
	INTEG("sha", 2, "hmac-sha1-96", "hmac(sha1)", 2, 2, 0),
	INTEG("aesxcbc", 5, "aes-xcbc-96", "xcbc(aes)", 0, 9, 0),
	INTEG("aescmac", 8, "aes-cmac-96", "cmac(aes)", 0, 0, 0),
	/* RFC 4543: of AH, which has no encryption; the same words stand for that of ESP above */
	INTEG_AEAD("aes128gmac", 9, "aes-gmac-128"),
	INTEG_AEAD("aes192gmac", 10, "aes-gmac-192"),
	INTEG_AEAD("aes256gmac", 11, "aes-gmac-256"),
	INTEG("sha1_160", 7, "hmac-sha1-160", "hmac(sha1)", 0, 0, 0, .forbid_keying = no_fibre,
	      .forbid_child = no_fibre),
	INTEG("md5", 1, "hmac-md5-96", "hmac(md5)", 1, 1, 0, .forbid_keying = no_md5, .forbid_child = no_md5_child),
	INTEG("md5_128", 6, "hmac-md5-128", "hmac(md5)", 0, 0, 0, .forbid_keying = no_fibre,
	      .forbid_child = no_fibre),

	/* RFC 8031, RFC 5903, RFC 3526 */
	KE("x25519", 31, "x25519", 0, 1),
	KE("ecp256", 19, "ecp256", 19, 2),
	KE("ecp384", 20, "ecp384", 20, 3),
	KE("modp3072", 15, "modp3072", 15, 4),
	KE("modp2048", 14, "modp2048", 14, 5),
	KE("x448", 32, "x448", 0, 6),
	KE("ecp521", 21, "ecp521", 21, 7),
	KE("modp4096", 16, "modp4096", 16, 0),
	KE("modp6144", 17, "modp6144", 17, 0),
	KE("modp8192", 18, "modp8192", 18, 0),
	KE("curve25519", 31, "x25519", 0, 0),
	KE("curve448", 32, "x448", 0, 0),
	/* RFC 5114, RFC 6932 and RFC 8247, 2.4's SHOULD NOT: known, computed by no plugin of this tree */
	KE("modp1024", 2, "modp1024", 2, 0),
	KE("modp1536", 5, "modp1536", 5, 0),
	KE("modp2048s224", 23, "modp2048s224", 23, 0),
	KE("modp2048s256", 24, "modp2048s256", 24, 0),
	KE("ecp192", 25, "ecp192", 25, 0),
	KE("ecp224", 26, "ecp224", 26, 0),
	KE("ecp224bp", 27, "ecp224bp", 27, 0),
	KE("ecp256bp", 28, "ecp256bp", 28, 0),
	KE("ecp384bp", 29, "ecp384bp", 29, 0),
	KE("ecp512bp", 30, "ecp512bp", 30, 0),
	KE("modp768", 1, "modp768", 1, 0, .forbid_keying = no_modp768, .forbid_child = no_modp768),
	KE("modp1024s160", 22, "modp1024s160", 22, 0, .forbid_keying = no_s160, .forbid_child = no_s160),
	NO_KE("none"),
	NO_KE("modpnone"),

	/* RFC 4304: an attribute of the older protocol's phase 2 */
	SN("noesn", RV_NO_ESN, 0, 1),
	SN("esn", RV_ESN, 1, 2),
};
/* clang-format on */

const uint16_t proposal_implicit_iv[N_IMPLICIT_IV] = { 29, 30, 31 };
