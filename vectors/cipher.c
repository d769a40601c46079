// SPDX-License-Identifier: LGPL-2.1-or-later
/* cipher.c: the known answers of ciphers. */
#include <known-answers.h>

/* clang-format off */
static const struct rv_vector aes_cbc_128[] = {
	{ .source = "RFC 3602, 4, case 1",
	  .key = "06a9214036b8a15b512e03d534120006",
	  .iv = "3dafba429d9eb430b422da802c9fac41",
	  .in = "53696e676c6520626c6f636b206d7367",
	  .out = "e353779c1079aeb82708942dbe77181a" },
	{ .source = "RFC 3602, 4, case 4",
	  .key = "56e47a38c5598974bc46903dba290349",
	  .iv = "8ce82eefbea0da3c44699ed7db51b7d9",
	  .in =
	  "a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecf"
	  "d0d1d2d3d4d5d6d7d8d9dadbdcdddedf",
	  .out =
	  "c30e32ffedc0774e6aff6af0869f71aa0f3af07a9a31a9c684db207eb0ef8e4e35907aa632c3ffdf868bb7b29d3d46ad"
	  "83ce9f9a102ee99d49a53e87f4c3da55" },
};

static const struct rv_vector aes_cbc_192[] = {
	{ .source = "SP 800-38A, F.2.3, first block",
	  .key = "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b",
	  .iv = "000102030405060708090a0b0c0d0e0f",
	  .in = "6bc1bee22e409f96e93d7e117393172a",
	  .out = "4f021db243bc633d7178183a9fa071e8" },
	{ .source = "SP 800-38A, F.2.3",
	  .key = "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b",
	  .iv = "000102030405060708090a0b0c0d0e0f",
	  .in =
	  "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411e5fbc1191a0a52ef"
	  "f69f2445df4f9b17ad2b417be66c3710",
	  .out =
	  "4f021db243bc633d7178183a9fa071e8b4d9ada9ad7dedf4e5e738763f69145a571b242012fb7ae07fa9baac3df102e0"
	  "08b0e27988598881d920a9e64f5615cd" },
};

static const struct rv_vector aes_cbc_256[] = {
	{ .source = "SP 800-38A, F.2.5, first block",
	  .key = "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
	  .iv = "000102030405060708090a0b0c0d0e0f",
	  .in = "6bc1bee22e409f96e93d7e117393172a",
	  .out = "f58c4c04d6e5f1ba779eabfb5f7bfbd6" },
	{ .source = "SP 800-38A, F.2.5",
	  .key = "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
	  .iv = "000102030405060708090a0b0c0d0e0f",
	  .in =
	  "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411e5fbc1191a0a52ef"
	  "f69f2445df4f9b17ad2b417be66c3710",
	  .out =
	  "f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d39f23369a9d9bacfa530e26304231461"
	  "b2eb05e2c39be9fcda6c19078c6a9d1b" },
};
/* clang-format on */

static const struct known rows[] = {
	{ "aes-cbc-128", aes_cbc_128, RV_COUNT(aes_cbc_128) },
	{ "aes-cbc-192", aes_cbc_192, RV_COUNT(aes_cbc_192) },
	{ "aes-cbc-256", aes_cbc_256, RV_COUNT(aes_cbc_256) },
};

void known_cipher(struct rv_offer *offer)
{
	known_find(rows, RV_COUNT(rows), offer);
}
