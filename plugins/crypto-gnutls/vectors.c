// SPDX-License-Identifier: LGPL-2.1-or-later
/* vectors.c: the known answers that every service of crypto-gnutls must give before it is offered. */
#include "ops.h"

/* clang-format off */
const struct rv_vector gnutls_hash_vectors[4][N_HASH_VECTORS] = {
	{
		{ .source = "FIPS 180-4 examples, one block",
		  .in = "616263",
		  .out = "a9993e364706816aba3e25717850c26c9cd0d89d" },
		{ .source = "FIPS 180-4 examples, two blocks",
		  .in =
		  "6162636462636465636465666465666765666768666768696768696a68696a6b696a6b6c6a6b6c6d6b6c6d6e6c6d6e6f"
		  "6d6e6f706e6f7071",
		  .out = "84983e441c3bd26ebaae4aa1f95129e5e54670f1" },
	},
	{
		{ .source = "FIPS 180-4 examples, one block",
		  .in = "616263",
		  .out = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
		{ .source = "FIPS 180-4 examples, two blocks",
		  .in =
		  "6162636462636465636465666465666765666768666768696768696a68696a6b696a6b6c6a6b6c6d6b6c6d6e6c6d6e6f"
		  "6d6e6f706e6f7071",
		  .out = "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
	},
	{
		{ .source = "FIPS 180-4 examples, one block",
		  .in = "616263",
		  .out =
		  "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7" },
		{ .source = "FIPS 180-4 examples, two blocks",
		  .in =
		  "61626364656667686263646566676869636465666768696a6465666768696a6b65666768696a6b6c666768696a6b6c6d"
		  "6768696a6b6c6d6e68696a6b6c6d6e6f696a6b6c6d6e6f706a6b6c6d6e6f70716b6c6d6e6f7071726c6d6e6f70717273"
		  "6d6e6f70717273746e6f707172737475",
		  .out =
		  "09330c33f71147e83d192fc782cd1b4753111b173b3b05d22fa08086e3b0f712fcc7c71a557e2db966c3e9fa91746039" },
	},
	{
		{ .source = "FIPS 180-4 examples, one block",
		  .in = "616263",
		  .out =
		  "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd"
		  "454d4423643ce80e2a9ac94fa54ca49f" },
		{ .source = "FIPS 180-4 examples, two blocks",
		  .in =
		  "61626364656667686263646566676869636465666768696a6465666768696a6b65666768696a6b6c666768696a6b6c6d"
		  "6768696a6b6c6d6e68696a6b6c6d6e6f696a6b6c6d6e6f706a6b6c6d6e6f70716b6c6d6e6f7071726c6d6e6f70717273"
		  "6d6e6f70717273746e6f707172737475",
		  .out =
		  "8e959b75dae313da8cf4f72814fc143f8f7779c6eb9f7fa17299aeadb6889018501d289e4900f7e4331b99dec4b5433a"
		  "c7d329eeb6dd26545e96e55b874be909" },
	},
};

const struct rv_vector gnutls_prf_vectors[4][N_PRF_VECTORS] = {
	{
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
	},
	{
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
	},
	{
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
	},
	{
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
	},
};

const struct rv_vector gnutls_mac_vectors[4][N_MAC_VECTORS] = {
	{
		{ .source = "RFC 2202, 3, test case 1, digest-96",
		  .key = "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
		  .in = "4869205468657265",
		  .out = "b617318655057264e28bc0b6" },
		{ .source = "RFC 2202, 3, test case 5, digest-96",
		  .key = "0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c",
		  .in = "546573742057697468205472756e636174696f6e",
		  .out = "4c1a03424b55e07fe7f27be1" },
	},
	{
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
	},
	{
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
	},
	{
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
	},
};

const struct rv_vector gnutls_cipher_vectors[3][N_CIPHER_VECTORS] = {
	{
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
	},
	{
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
	},
	{
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
	},
};

/* AES in GCM with an ICV of 16 octets, as ESP (RFC 4106, 6) and IKE (RFC 5282, 7) use it, and ChaCha20-Poly1305. */
const struct rv_vector gnutls_aead_vectors[4][N_AEAD_VECTORS] = {
	{
		{ .source = "McGrew and Viega, The Galois/Counter Mode of Operation, test case 2",
		  .key = "00000000000000000000000000000000",
		  .iv = "000000000000000000000000",
		  .aad = "",
		  .in = "00000000000000000000000000000000",
		  .out = "0388dace60b6a392f328c2b971b2fe78ab6e47d42cec13bdf53a67b21257bddf" },
		{ .source = "McGrew and Viega, The Galois/Counter Mode of Operation, test case 4",
		  .key = "feffe9928665731c6d6a8f9467308308",
		  .iv = "cafebabefacedbaddecaf888",
		  .aad = "feedfacedeadbeeffeedfacedeadbeefabaddad2",
		  .in =
		  "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525"
		  "b16aedf5aa0de657ba637b39",
		  .out =
		  "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa05"
		  "1ba30b396a0aac973d58e0915bc94fbc3221a5db94fae95ae7121a47" },
	},
	{
		{ .source = "McGrew and Viega, The Galois/Counter Mode of Operation, test case 8",
		  .key = "000000000000000000000000000000000000000000000000",
		  .iv = "000000000000000000000000",
		  .aad = "",
		  .in = "00000000000000000000000000000000",
		  .out = "98e7247c07f0fe411c267e4384b0f6002ff58d80033927ab8ef4d4587514f0fb" },
		{ .source = "McGrew and Viega, The Galois/Counter Mode of Operation, test case 10",
		  .key = "feffe9928665731c6d6a8f9467308308feffe9928665731c",
		  .iv = "cafebabefacedbaddecaf888",
		  .aad = "feedfacedeadbeeffeedfacedeadbeefabaddad2",
		  .in =
		  "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525"
		  "b16aedf5aa0de657ba637b39",
		  .out =
		  "3980ca0b3c00e841eb06fac4872a2757859e1ceaa6efd984628593b40ca1e19c7d773d00c144c525ac619d18c84a3f47"
		  "18e2448b2fe324d9ccda27102519498e80f1478f37ba55bd6d27618c" },
	},
	{
		{ .source = "McGrew and Viega, The Galois/Counter Mode of Operation, test case 14",
		  .key = "0000000000000000000000000000000000000000000000000000000000000000",
		  .iv = "000000000000000000000000",
		  .aad = "",
		  .in = "00000000000000000000000000000000",
		  .out = "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919" },
		{ .source = "McGrew and Viega, The Galois/Counter Mode of Operation, test case 16",
		  .key = "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
		  .iv = "cafebabefacedbaddecaf888",
		  .aad = "feedfacedeadbeeffeedfacedeadbeefabaddad2",
		  .in =
		  "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525"
		  "b16aedf5aa0de657ba637b39",
		  .out =
		  "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838"
		  "c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b" },
	},
	{
		{ .source = "RFC 8439, 2.8.2",
		  .key = "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
		  .iv = "070000004041424344454647",
		  .aad = "50515253c0c1c2c3c4c5c6c7",
		  .in =
		  "4c616469657320616e642047656e746c656d656e206f662074686520636c617373206f66202739393a20496620492063"
		  "6f756c64206f6666657220796f75206f6e6c79206f6e652074697020666f7220746865206675747572652c2073756e73"
		  "637265656e20776f756c642062652069742e",
		  .out =
		  "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92728b"
		  "1a71de0a9e060b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc"
		  "3ff4def08e4b7a9de576d26586cec64b61161ae10b594f09e26a7e902ecbd0600691" },
		{ .source = "RFC 7634, appendix A",
		  .key = "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
		  .iv = "a0a1a2a31011121314151617",
		  .aad = "0102030400000005",
		  .in =
		  "45000054a6f200004001e778c6336405c000020508005b7a3a080000553bec100007362708090a0b0c0d0e0f10111213"
		  "1415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363701020204",
		  .out =
		  "24039428b97f417e3c13753a4f05087b67c352e6a7fab1b982d466ef407ae5c614ee8099d52844eb61aa95dfab4c02f7"
		  "2aa71e7c4c4f64c9befe2facc638e8f3cbec163fac469b502773f6fb94e664da9165b82829f641e076aaa8266b7fb0f7"
		  "b11b369907e1ad43" },
	},
};
/* clang-format on */
