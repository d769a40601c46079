// SPDX-License-Identifier: LGPL-2.1-or-later
/* mac.c: the known answers of integrity algorithms. */
#include <known-answers.h>

/* clang-format off */
static const struct rv_vector hmac_sha1_96[] = {
	{ .source = "RFC 2202, 3, test case 1, digest-96",
	  .key = "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
	  .in = "4869205468657265",
	  .out = "b617318655057264e28bc0b6" },
	{ .source = "RFC 2202, 3, test case 5, digest-96",
	  .key = "0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c",
	  .in = "546573742057697468205472756e636174696f6e",
	  .out = "4c1a03424b55e07fe7f27be1" },
};

static const struct rv_vector hmac_sha256_128[] = {
	{ .source = "RFC 4868, 2.7.2, AUTH256-1",
	  .key = "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
	  .in = "4869205468657265",
	  .out = "198a607eb44bfbc69903a0f1cf2bbdc5" },
	{ .source = "RFC 4868, 2.7.2, AUTH256-3",
	  .key = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	  .in =
	  "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"
	  "dddd",
	  .out = "cdcb1220d1ecccea91e53aba3092f962" },
};

static const struct rv_vector hmac_sha384_192[] = {
	{ .source = "RFC 4868, 2.7.2, AUTH384-1",
	  .key =
	  "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
	  .in = "4869205468657265",
	  .out = "b6a8d5636f5c6a7224f9977dcf7ee6c7fb6d0c48cbdee973" },
	{ .source = "RFC 4868, 2.7.2, AUTH384-3",
	  .key =
	  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	  .in =
	  "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"
	  "dddd",
	  .out = "809f439be00274321d4a538652164b53554a508184a0c316" },
};

static const struct rv_vector hmac_sha512_256[] = {
	{ .source = "RFC 4868, 2.7.2, AUTH512-1",
	  .key =
	  "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b"
	  "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
	  .in = "4869205468657265",
	  .out = "637edc6e01dce7e6742a99451aae82df23da3e92439e590e43e761b33e910fb8" },
	{ .source = "RFC 4868, 2.7.2, AUTH512-3",
	  .key =
	  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	  .in =
	  "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"
	  "dddd",
	  .out = "2ee7acd783624ca9398710f3ee05ae41b9f9b0510c87e49e586cc9bf961733d8" },
};

static const struct rv_vector aes_xcbc_96[] = {
	{ .source = "RFC 3566, 4.1, test case 2",
	  .key = "000102030405060708090a0b0c0d0e0f",
	  .in = "000102",
	  .out = "5b376580ae2f19afe7219cee" },
	{ .source = "RFC 3566, 4.1, test case 5",
	  .key = "000102030405060708090a0b0c0d0e0f",
	  .in = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
	  .out = "f54f0ec8d2b9f3d36807734b" },
	{ .source = "RFC 3566, 4.1, test case 6",
	  .key = "000102030405060708090a0b0c0d0e0f",
	  .in = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f2021",
	  .out = "becbb3bccdb518a30677d548" },
};

static const struct rv_vector aes_cmac_96[] = {
	{ .source = "RFC 4494, 5, test case 2",
	  .key = "2b7e151628aed2a6abf7158809cf4f3c",
	  .in = "6bc1bee22e409f96e93d7e117393172a",
	  .out = "070a16b46b4d4144f79bdd9d" },
	{ .source = "RFC 4494, 5, test case 3",
	  .key = "2b7e151628aed2a6abf7158809cf4f3c",
	  .in = "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411",
	  .out = "dfa66747de9ae63030ca3261" },
	{ .source = "RFC 4494, 5, test case 4",
	  .key = "2b7e151628aed2a6abf7158809cf4f3c",
	  .in =
	  "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411e5fbc1191a0a52ef"
	  "f69f2445df4f9b17ad2b417be66c3710",
	  .out = "51f0bebf7e3b9d92fc497417" },
};
/* clang-format on */

static const struct known rows[] = {
	{ "hmac-sha1-96", hmac_sha1_96, RV_COUNT(hmac_sha1_96) },
	{ "hmac-sha256-128", hmac_sha256_128, RV_COUNT(hmac_sha256_128) },
	{ "hmac-sha384-192", hmac_sha384_192, RV_COUNT(hmac_sha384_192) },
	{ "hmac-sha512-256", hmac_sha512_256, RV_COUNT(hmac_sha512_256) },
	{ "aes-xcbc-96", aes_xcbc_96, RV_COUNT(aes_xcbc_96) },
	{ "aes-cmac-96", aes_cmac_96, RV_COUNT(aes_cmac_96) },
};

void known_mac(struct rv_offer *offer)
{
	known_find(rows, RV_COUNT(rows), offer);
}
