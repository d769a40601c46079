// SPDX-License-Identifier: LGPL-2.1-or-later
/* aead.c: the known answers of AES in GCM with an ICV of 16 octets, as ESP (RFC 4106, 6) and IKE (RFC 5282, 7) use
 * it, and of ChaCha20-Poly1305. */
#include <known-answers.h>

/* clang-format off */
static const struct rv_vector aes_gcm_16_128[] = {
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
};

static const struct rv_vector aes_gcm_16_192[] = {
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
};

static const struct rv_vector aes_gcm_16_256[] = {
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
};

static const struct rv_vector chacha20_poly1305[] = {
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
};
/* clang-format on */

static const struct known rows[] = {
	{ "aes-gcm-16-128", aes_gcm_16_128, RV_COUNT(aes_gcm_16_128) },
	{ "aes-gcm-16-192", aes_gcm_16_192, RV_COUNT(aes_gcm_16_192) },
	{ "aes-gcm-16-256", aes_gcm_16_256, RV_COUNT(aes_gcm_16_256) },
	{ "chacha20-poly1305", chacha20_poly1305, RV_COUNT(chacha20_poly1305) },
};

void known_aead(struct rv_offer *offer)
{
	known_find(rows, RV_COUNT(rows), offer);
}
