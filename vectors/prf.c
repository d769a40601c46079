// SPDX-License-Identifier: LGPL-2.1-or-later
/* prf.c: the known answers of pseudorandom functions. */
#include <known-answers.h>

/* clang-format off */
static const struct rv_vector hmac_sha1[] = {
	{ .source = "RFC 2202, 3, test case 1",
	  .key = "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
	  .in = "4869205468657265",
	  .out = "b617318655057264e28bc0b6fb378c8ef146be00" },
	{ .source = "RFC 2202, 3, test case 2",
	  .key = "4a656665",
	  .in = "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
	  .out = "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79" },
	{ .source = "RFC 2202, 3, test case 6",
	  .key =
	  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	  .in =
	  "54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a65204b6579202d2048617368204b6579"
	  "204669727374",
	  .out = "aa4ae5e15272d00e95705637ce8a3b55ed402112" },
};

static const struct rv_vector hmac_sha256[] = {
	{ .source = "RFC 4231, 4.2",
	  .key = "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
	  .in = "4869205468657265",
	  .out = "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7" },
	{ .source = "RFC 4231, 4.3",
	  .key = "4a656665",
	  .in = "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
	  .out = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" },
	{ .source = "RFC 4231, 4.7",
	  .key =
	  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	  .in =
	  "54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a65204b6579202d2048617368204b6579"
	  "204669727374",
	  .out = "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54" },
};

static const struct rv_vector hmac_sha384[] = {
	{ .source = "RFC 4231, 4.2",
	  .key = "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
	  .in = "4869205468657265",
	  .out =
	  "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59cfaea9ea9076ede7f4af152e8b2fa9cb6" },
	{ .source = "RFC 4231, 4.3",
	  .key = "4a656665",
	  .in = "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
	  .out =
	  "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649" },
	{ .source = "RFC 4231, 4.7",
	  .key =
	  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	  .in =
	  "54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a65204b6579202d2048617368204b6579"
	  "204669727374",
	  .out =
	  "4ece084485813e9088d2c63a041bc5b44f9ef1012a2b588f3cd11f05033ac4c60c2ef6ab4030fe8296248df163f44952" },
};

static const struct rv_vector hmac_sha512[] = {
	{ .source = "RFC 4231, 4.2",
	  .key = "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
	  .in = "4869205468657265",
	  .out =
	  "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cdedaa833b7d6b8a702038b274eaea3f4e4"
	  "be9d914eeb61f1702e696c203a126854" },
	{ .source = "RFC 4231, 4.3",
	  .key = "4a656665",
	  .in = "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
	  .out =
	  "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fd"
	  "caeab1a34d4a6b4b636e070a38bce737" },
	{ .source = "RFC 4231, 4.7",
	  .key =
	  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	  .in =
	  "54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a65204b6579202d2048617368204b6579"
	  "204669727374",
	  .out =
	  "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f3526b56d037e05f2598bd0fd2215d6a1e52"
	  "95e64f73f63f0aec8b915a985d786598" },
};
/* clang-format on */

static const struct known rows[] = {
	{ "hmac-sha1", hmac_sha1, RV_COUNT(hmac_sha1) },
	{ "hmac-sha256", hmac_sha256, RV_COUNT(hmac_sha256) },
	{ "hmac-sha384", hmac_sha384, RV_COUNT(hmac_sha384) },
	{ "hmac-sha512", hmac_sha512, RV_COUNT(hmac_sha512) },
};

void known_prf(struct rv_offer *offer)
{
	known_find(rows, RV_COUNT(rows), offer);
}
