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

static const struct rv_vector aes_ctr_128[] = {
	{ .source = "RFC 3686, 6, test vector 1",
	  .key = "ae6852f8121067cc4bf7a5765577f39e00000030",
	  .iv = "0000000000000000",
	  .in = "53696e676c6520626c6f636b206d7367",
	  .out = "e4095d4fb7a7b3792d6175a3261311b8" },
	{ .source = "RFC 3686, 6, test vector 3",
	  .key = "7691be035e5020a8ac6e618529f9a0dc00e0017b",
	  .iv = "27777f3f4a1786f0",
	  .in = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20212223",
	  .out = "c1cf48a89f2ffdd9cf4652e9efdb72d74540a42bde6d7836d59a5ceaaef3105325b2072f" },
};

static const struct rv_vector aes_ctr_192[] = {
	{ .source = "RFC 3686, 6, test vector 4",
	  .key = "16af5b145fc9f579c175f93e3bfb0eed863d06ccfdb7851500000048",
	  .iv = "36733c147d6d93cb",
	  .in = "53696e676c6520626c6f636b206d7367",
	  .out = "4b55384fe259c9c84e7935a003cbe928" },
	{ .source = "RFC 3686, 6, test vector 6",
	  .key = "02bf391ee8ecb159b959617b0965279bf59b60a786d3e0fe0007bdfd",
	  .iv = "5cbd60278dcc0912",
	  .in = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20212223",
	  .out = "96893fc55e5c722f540b7dd1ddf7e758d288bc95c69165884536c811662f2188abee0935" },
};

static const struct rv_vector aes_ctr_256[] = {
	{ .source = "RFC 3686, 6, test vector 7",
	  .key = "776beff2851db06f4c8a0542c8696f6c6a81af1eec96b4d37fc1d689e6c1c10400000060",
	  .iv = "db5672c97aa8f0b2",
	  .in = "53696e676c6520626c6f636b206d7367",
	  .out = "145ad01dbf824ec7560863dc71e3e0c0" },
	{ .source = "RFC 3686, 6, test vector 9",
	  .key = "ff7a617ce69148e4f1726e2f43581de2aa62d9f805532edff1eed687fb54153d001cc5b7",
	  .iv = "51a51d70a1c11148",
	  .in = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20212223",
	  .out = "eb6c52821d0bbbf7ce7594462aca4faab407df866569fd07f48cc0b583d6071f1ec0e6b8" },
};
/* clang-format on */

static const struct known rows[] = {
	{ "aes-cbc-128", aes_cbc_128, RV_COUNT(aes_cbc_128) }, { "aes-cbc-192", aes_cbc_192, RV_COUNT(aes_cbc_192) },
	{ "aes-cbc-256", aes_cbc_256, RV_COUNT(aes_cbc_256) }, { "aes-ctr-128", aes_ctr_128, RV_COUNT(aes_ctr_128) },
	{ "aes-ctr-192", aes_ctr_192, RV_COUNT(aes_ctr_192) }, { "aes-ctr-256", aes_ctr_256, RV_COUNT(aes_ctr_256) },
};

void known_cipher(struct rv_offer *offer)
{
	known_find(rows, RV_COUNT(rows), offer);
}
