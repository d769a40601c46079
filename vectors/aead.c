// SPDX-License-Identifier: LGPL-2.1-or-later
/* aead.c: the known answers of AES in GCM, as ESP (RFC 4106, 6) and IKE (RFC 5282, 7) use it, of ChaCha20-Poly1305,
 * AES-GMAC (RFC 4543) and AES-CCM (RFC 4309). No standard has answers for CCM with the nonce of RFC 4309, nor for GMAC
 * with longer keys; those were computed with OpenSSL. */
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

static const struct rv_vector aes_gcm_12_128[] = {
	{ .source = "McGrew and Viega, The Galois/Counter Mode of Operation, test case 2, ICV cut to 12 octets",
	  .key = "00000000000000000000000000000000",
	  .iv = "000000000000000000000000",
	  .aad = "",
	  .in = "00000000000000000000000000000000",
	  .out = "0388dace60b6a392f328c2b971b2fe78ab6e47d42cec13bdf53a67b2" },
	{ .source = "McGrew and Viega, The Galois/Counter Mode of Operation, test case 4, ICV cut to 12 octets",
	  .key = "feffe9928665731c6d6a8f9467308308",
	  .iv = "cafebabefacedbaddecaf888",
	  .aad = "feedfacedeadbeeffeedfacedeadbeefabaddad2",
	  .in =
	  "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525"
	  "b16aedf5aa0de657ba637b39",
	  .out =
	  "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa05"
	  "1ba30b396a0aac973d58e0915bc94fbc3221a5db94fae95a" },
};

static const struct rv_vector aes_gcm_12_192[] = {
	{ .source = "McGrew and Viega, The Galois/Counter Mode of Operation, test case 8, ICV cut to 12 octets",
	  .key = "000000000000000000000000000000000000000000000000",
	  .iv = "000000000000000000000000",
	  .aad = "",
	  .in = "00000000000000000000000000000000",
	  .out = "98e7247c07f0fe411c267e4384b0f6002ff58d80033927ab8ef4d458" },
	{ .source = "McGrew and Viega, The Galois/Counter Mode of Operation, test case 10, ICV cut to 12 octets",
	  .key = "feffe9928665731c6d6a8f9467308308feffe9928665731c",
	  .iv = "cafebabefacedbaddecaf888",
	  .aad = "feedfacedeadbeeffeedfacedeadbeefabaddad2",
	  .in =
	  "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525"
	  "b16aedf5aa0de657ba637b39",
	  .out =
	  "3980ca0b3c00e841eb06fac4872a2757859e1ceaa6efd984628593b40ca1e19c7d773d00c144c525ac619d18c84a3f47"
	  "18e2448b2fe324d9ccda27102519498e80f1478f37ba55bd" },
};

static const struct rv_vector aes_gcm_12_256[] = {
	{ .source = "McGrew and Viega, The Galois/Counter Mode of Operation, test case 14, ICV cut to 12 octets",
	  .key = "0000000000000000000000000000000000000000000000000000000000000000",
	  .iv = "000000000000000000000000",
	  .aad = "",
	  .in = "00000000000000000000000000000000",
	  .out = "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5" },
	{ .source = "McGrew and Viega, The Galois/Counter Mode of Operation, test case 16, ICV cut to 12 octets",
	  .key = "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
	  .iv = "cafebabefacedbaddecaf888",
	  .aad = "feedfacedeadbeeffeedfacedeadbeefabaddad2",
	  .in =
	  "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525"
	  "b16aedf5aa0de657ba637b39",
	  .out =
	  "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838"
	  "c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853" },
};

static const struct rv_vector aes_gcm_8_128[] = {
	{ .source = "McGrew and Viega, The Galois/Counter Mode of Operation, test case 2, ICV cut to 8 octets",
	  .key = "00000000000000000000000000000000",
	  .iv = "000000000000000000000000",
	  .aad = "",
	  .in = "00000000000000000000000000000000",
	  .out = "0388dace60b6a392f328c2b971b2fe78ab6e47d42cec13bd" },
	{ .source = "McGrew and Viega, The Galois/Counter Mode of Operation, test case 4, ICV cut to 8 octets",
	  .key = "feffe9928665731c6d6a8f9467308308",
	  .iv = "cafebabefacedbaddecaf888",
	  .aad = "feedfacedeadbeeffeedfacedeadbeefabaddad2",
	  .in =
	  "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525"
	  "b16aedf5aa0de657ba637b39",
	  .out =
	  "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa05"
	  "1ba30b396a0aac973d58e0915bc94fbc3221a5db" },
};

static const struct rv_vector aes_gcm_8_192[] = {
	{ .source = "McGrew and Viega, The Galois/Counter Mode of Operation, test case 8, ICV cut to 8 octets",
	  .key = "000000000000000000000000000000000000000000000000",
	  .iv = "000000000000000000000000",
	  .aad = "",
	  .in = "00000000000000000000000000000000",
	  .out = "98e7247c07f0fe411c267e4384b0f6002ff58d80033927ab" },
	{ .source = "McGrew and Viega, The Galois/Counter Mode of Operation, test case 10, ICV cut to 8 octets",
	  .key = "feffe9928665731c6d6a8f9467308308feffe9928665731c",
	  .iv = "cafebabefacedbaddecaf888",
	  .aad = "feedfacedeadbeeffeedfacedeadbeefabaddad2",
	  .in =
	  "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525"
	  "b16aedf5aa0de657ba637b39",
	  .out =
	  "3980ca0b3c00e841eb06fac4872a2757859e1ceaa6efd984628593b40ca1e19c7d773d00c144c525ac619d18c84a3f47"
	  "18e2448b2fe324d9ccda27102519498e80f1478f" },
};

static const struct rv_vector aes_gcm_8_256[] = {
	{ .source = "McGrew and Viega, The Galois/Counter Mode of Operation, test case 14, ICV cut to 8 octets",
	  .key = "0000000000000000000000000000000000000000000000000000000000000000",
	  .iv = "000000000000000000000000",
	  .aad = "",
	  .in = "00000000000000000000000000000000",
	  .out = "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0" },
	{ .source = "McGrew and Viega, The Galois/Counter Mode of Operation, test case 16, ICV cut to 8 octets",
	  .key = "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
	  .iv = "cafebabefacedbaddecaf888",
	  .aad = "feedfacedeadbeeffeedfacedeadbeefabaddad2",
	  .in =
	  "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525"
	  "b16aedf5aa0de657ba637b39",
	  .out =
	  "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838"
	  "c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768" },
};

static const struct rv_vector aes_gmac_128[] = {
	{ .source = "draft-mcgrew-gcm-test-01, the packet for RFC 4543",
	  .key = "4c80cdefbb5d10da906ac73c3613a634",
	  .iv = "22433c640000000000000000",
	  .aad = "0000432100000007",
	  .in =
	  "45000030da3a00008001df3bc0a80005c0a800010800c6cd020007006162636465666768696a6b6c6d6e6f7071727374"
	  "01020201",
	  .out =
	  "45000030da3a00008001df3bc0a80005c0a800010800c6cd020007006162636465666768696a6b6c6d6e6f7071727374"
	  "01020201f2a9a836e155106aa8dcd618e4099aaa" },
	{ .source = "the same with a 64-bit sequence number and another IV, computed with OpenSSL",
	  .key = "4c80cdefbb5d10da906ac73c3613a634",
	  .iv = "22433c644956fffffffe0102",
	  .aad = "000043218765432100000007",
	  .in = "45000030da3a00008001df3bc0a80005c0a800010800c6cd020007006162636465666768696a6b6c6d6e6f70717273",
	  .out =
	  "45000030da3a00008001df3bc0a80005c0a800010800c6cd020007006162636465666768696a6b6c6d6e6f707172735f"
	  "77a69df6c9ab7006d5b2b33ea4a074" },
};

static const struct rv_vector aes_gmac_192[] = {
	{ .source = "the packet of draft-mcgrew-gcm-test-01 for RFC 4543 with a key of 192 bits, computed with OpenSSL",
	  .key = "4c80cdefbb5d10da906ac73c3613a6344c80cdefbb5d10da",
	  .iv = "22433c640000000000000000",
	  .aad = "0000432100000007",
	  .in =
	  "45000030da3a00008001df3bc0a80005c0a800010800c6cd020007006162636465666768696a6b6c6d6e6f7071727374"
	  "01020201",
	  .out =
	  "45000030da3a00008001df3bc0a80005c0a800010800c6cd020007006162636465666768696a6b6c6d6e6f7071727374"
	  "01020201c01422192463fd57b5043d35a5f1ca03" },
	{ .source = "the same with a 64-bit sequence number and another IV, computed with OpenSSL",
	  .key = "4c80cdefbb5d10da906ac73c3613a6344c80cdefbb5d10da",
	  .iv = "22433c644956fffffffe0102",
	  .aad = "000043218765432100000007",
	  .in = "45000030da3a00008001df3bc0a80005c0a800010800c6cd020007006162636465666768696a6b6c6d6e6f70717273",
	  .out =
	  "45000030da3a00008001df3bc0a80005c0a800010800c6cd020007006162636465666768696a6b6c6d6e6f707172732c"
	  "9958d78228fcf1e67f6afbce3c3acc" },
};

static const struct rv_vector aes_gmac_256[] = {
	{ .source = "the packet of draft-mcgrew-gcm-test-01 for RFC 4543 with a key of 256 bits, computed with OpenSSL",
	  .key = "4c80cdefbb5d10da906ac73c3613a6344c80cdefbb5d10da906ac73c3613a634",
	  .iv = "22433c640000000000000000",
	  .aad = "0000432100000007",
	  .in =
	  "45000030da3a00008001df3bc0a80005c0a800010800c6cd020007006162636465666768696a6b6c6d6e6f7071727374"
	  "01020201",
	  .out =
	  "45000030da3a00008001df3bc0a80005c0a800010800c6cd020007006162636465666768696a6b6c6d6e6f7071727374"
	  "010202012fb3f2d3725df4f4f2c8d2a89d2b771c" },
	{ .source = "the same with a 64-bit sequence number and another IV, computed with OpenSSL",
	  .key = "4c80cdefbb5d10da906ac73c3613a6344c80cdefbb5d10da906ac73c3613a634",
	  .iv = "22433c644956fffffffe0102",
	  .aad = "000043218765432100000007",
	  .in = "45000030da3a00008001df3bc0a80005c0a800010800c6cd020007006162636465666768696a6b6c6d6e6f70717273",
	  .out =
	  "45000030da3a00008001df3bc0a80005c0a800010800c6cd020007006162636465666768696a6b6c6d6e6f70717273bb"
	  "779f775390aca991a4cacc7400e927" },
};

static const struct rv_vector aes_ccm_16_128[] = {
	{ .source = "key and text of RFC 3610, 8, with the nonce of RFC 4309, 4, computed with OpenSSL",
	  .key = "c0c1c2c3c4c5c6c7c8c9cacbcccdcecf",
	  .iv = "00000003020100a0a1a2a3",
	  .aad = "0001020304050607",
	  .in = "08090a0b0c0d0e0f101112131415161718191a1b1c1d1e",
	  .out = "aa2d3ecba66863758f03015116de30ed8ab542dcfa72d032afd3d6fcc0340360db1d8a51b1d753" },
	{ .source = "key and text of RFC 3610, 8, with the nonce of RFC 4309, 4, computed with OpenSSL",
	  .key = "c0c1c2c3c4c5c6c7c8c9cacbcccdcecf",
	  .iv = "a0a1a2a3a4a5a6a7a8a9aa",
	  .aad = "000102030405060708090a0b",
	  .in = "0c0d0e0f101112131415161718191a1b1c1d1e1f2021222324252627",
	  .out = "d939582e6c60d3651afbc1c69512e05cb11352513aa2d23961b1924fbc0a70414d47e2e35362cd7b96de5bc7" },
};

static const struct rv_vector aes_ccm_16_192[] = {
	{ .source = "key and text of RFC 3610, 8, with the nonce of RFC 4309, 4, computed with OpenSSL",
	  .key = "c0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7",
	  .iv = "00000003020100a0a1a2a3",
	  .aad = "0001020304050607",
	  .in = "08090a0b0c0d0e0f101112131415161718191a1b1c1d1e",
	  .out = "ee99991ec58fd77e567116398ec44fcc1445573e387651e9966d2987c451675cfde06313b8653c" },
	{ .source = "key and text of RFC 3610, 8, with the nonce of RFC 4309, 4, computed with OpenSSL",
	  .key = "c0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7",
	  .iv = "a0a1a2a3a4a5a6a7a8a9aa",
	  .aad = "000102030405060708090a0b",
	  .in = "0c0d0e0f101112131415161718191a1b1c1d1e1f2021222324252627",
	  .out = "9262be8d8e0526d1b18039c67cc90ae5f4c333850824adba67325e059ebf4499094dbe2df4963536417570cf" },
};

static const struct rv_vector aes_ccm_16_256[] = {
	{ .source = "key and text of RFC 3610, 8, with the nonce of RFC 4309, 4, computed with OpenSSL",
	  .key = "c0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedf",
	  .iv = "00000003020100a0a1a2a3",
	  .aad = "0001020304050607",
	  .in = "08090a0b0c0d0e0f101112131415161718191a1b1c1d1e",
	  .out = "fa07475ce8c937885464b8c385bb760bf2c24c4e3116770d8f9f83c6e61398cfe9e18433ce1f66" },
	{ .source = "key and text of RFC 3610, 8, with the nonce of RFC 4309, 4, computed with OpenSSL",
	  .key = "c0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedf",
	  .iv = "a0a1a2a3a4a5a6a7a8a9aa",
	  .aad = "000102030405060708090a0b",
	  .in = "0c0d0e0f101112131415161718191a1b1c1d1e1f2021222324252627",
	  .out = "e8146d63bb6a57c4f8c5d828e0657e379294d763af33308a205e62f35e77f05aad7509f0ae0d2f2a91fe5821" },
};

static const struct rv_vector aes_ccm_12_128[] = {
	{ .source = "key and text of RFC 3610, 8, with the nonce of RFC 4309, 4, computed with OpenSSL",
	  .key = "c0c1c2c3c4c5c6c7c8c9cacbcccdcecf",
	  .iv = "00000003020100a0a1a2a3",
	  .aad = "0001020304050607",
	  .in = "08090a0b0c0d0e0f101112131415161718191a1b1c1d1e",
	  .out = "aa2d3ecba66863758f03015116de30ed8ab542dcfa72d0335bb0e1019523bff8a108f9" },
	{ .source = "key and text of RFC 3610, 8, with the nonce of RFC 4309, 4, computed with OpenSSL",
	  .key = "c0c1c2c3c4c5c6c7c8c9cacbcccdcecf",
	  .iv = "a0a1a2a3a4a5a6a7a8a9aa",
	  .aad = "000102030405060708090a0b",
	  .in = "0c0d0e0f101112131415161718191a1b1c1d1e1f2021222324252627",
	  .out = "d939582e6c60d3651afbc1c69512e05cb11352513aa2d23961b1924fcc9b15e254d7b3ccd57b1a08" },
};

static const struct rv_vector aes_ccm_12_192[] = {
	{ .source = "key and text of RFC 3610, 8, with the nonce of RFC 4309, 4, computed with OpenSSL",
	  .key = "c0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7",
	  .iv = "00000003020100a0a1a2a3",
	  .aad = "0001020304050607",
	  .in = "08090a0b0c0d0e0f101112131415161718191a1b1c1d1e",
	  .out = "ee99991ec58fd77e567116398ec44fcc1445573e387651ea6293bbdf652b049ba6f49d" },
	{ .source = "key and text of RFC 3610, 8, with the nonce of RFC 4309, 4, computed with OpenSSL",
	  .key = "c0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7",
	  .iv = "a0a1a2a3a4a5a6a7a8a9aa",
	  .aad = "000102030405060708090a0b",
	  .in = "0c0d0e0f101112131415161718191a1b1c1d1e1f2021222324252627",
	  .out = "9262be8d8e0526d1b18039c67cc90ae5f4c333850824adba67325e05a54b65cb0f79fba206df0f0a" },
};

static const struct rv_vector aes_ccm_12_256[] = {
	{ .source = "key and text of RFC 3610, 8, with the nonce of RFC 4309, 4, computed with OpenSSL",
	  .key = "c0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedf",
	  .iv = "00000003020100a0a1a2a3",
	  .aad = "0001020304050607",
	  .in = "08090a0b0c0d0e0f101112131415161718191a1b1c1d1e",
	  .out = "fa07475ce8c937885464b8c385bb760bf2c24c4e3116779068cc738893a69965751b84" },
	{ .source = "key and text of RFC 3610, 8, with the nonce of RFC 4309, 4, computed with OpenSSL",
	  .key = "c0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedf",
	  .iv = "a0a1a2a3a4a5a6a7a8a9aa",
	  .aad = "000102030405060708090a0b",
	  .in = "0c0d0e0f101112131415161718191a1b1c1d1e1f2021222324252627",
	  .out = "e8146d63bb6a57c4f8c5d828e0657e379294d763af33308a205e62f3b3cb8857922ed1c88f26f0a9" },
};

static const struct rv_vector aes_ccm_8_128[] = {
	{ .source = "key and text of RFC 3610, 8, with the nonce of RFC 4309, 4, computed with OpenSSL",
	  .key = "c0c1c2c3c4c5c6c7c8c9cacbcccdcecf",
	  .iv = "00000003020100a0a1a2a3",
	  .aad = "0001020304050607",
	  .in = "08090a0b0c0d0e0f101112131415161718191a1b1c1d1e",
	  .out = "aa2d3ecba66863758f03015116de30ed8ab542dcfa72d063e7015c69afb40c" },
	{ .source = "key and text of RFC 3610, 8, with the nonce of RFC 4309, 4, computed with OpenSSL",
	  .key = "c0c1c2c3c4c5c6c7c8c9cacbcccdcecf",
	  .iv = "a0a1a2a3a4a5a6a7a8a9aa",
	  .aad = "000102030405060708090a0b",
	  .in = "0c0d0e0f101112131415161718191a1b1c1d1e1f2021222324252627",
	  .out = "d939582e6c60d3651afbc1c69512e05cb11352513aa2d23961b1924f7f00d5ed342fa190" },
};

static const struct rv_vector aes_ccm_8_192[] = {
	{ .source = "key and text of RFC 3610, 8, with the nonce of RFC 4309, 4, computed with OpenSSL",
	  .key = "c0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7",
	  .iv = "00000003020100a0a1a2a3",
	  .aad = "0001020304050607",
	  .in = "08090a0b0c0d0e0f101112131415161718191a1b1c1d1e",
	  .out = "ee99991ec58fd77e567116398ec44fcc1445573e387651312947a46d7634b4" },
	{ .source = "key and text of RFC 3610, 8, with the nonce of RFC 4309, 4, computed with OpenSSL",
	  .key = "c0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7",
	  .iv = "a0a1a2a3a4a5a6a7a8a9aa",
	  .aad = "000102030405060708090a0b",
	  .in = "0c0d0e0f101112131415161718191a1b1c1d1e1f2021222324252627",
	  .out = "9262be8d8e0526d1b18039c67cc90ae5f4c333850824adba67325e05e7ba46db711adf56" },
};

static const struct rv_vector aes_ccm_8_256[] = {
	{ .source = "key and text of RFC 3610, 8, with the nonce of RFC 4309, 4, computed with OpenSSL",
	  .key = "c0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedf",
	  .iv = "00000003020100a0a1a2a3",
	  .aad = "0001020304050607",
	  .in = "08090a0b0c0d0e0f101112131415161718191a1b1c1d1e",
	  .out = "fa07475ce8c937885464b8c385bb760bf2c24c4e31167788567e19841329c4" },
	{ .source = "key and text of RFC 3610, 8, with the nonce of RFC 4309, 4, computed with OpenSSL",
	  .key = "c0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedf",
	  .iv = "a0a1a2a3a4a5a6a7a8a9aa",
	  .aad = "000102030405060708090a0b",
	  .in = "0c0d0e0f101112131415161718191a1b1c1d1e1f2021222324252627",
	  .out = "e8146d63bb6a57c4f8c5d828e0657e379294d763af33308a205e62f360cdc0ba9d740a93" },
};
/* clang-format on */

static const struct known rows[] = {
	{ "aes-gcm-16-128", aes_gcm_16_128, RV_COUNT(aes_gcm_16_128) },
	{ "aes-gcm-16-192", aes_gcm_16_192, RV_COUNT(aes_gcm_16_192) },
	{ "aes-gcm-16-256", aes_gcm_16_256, RV_COUNT(aes_gcm_16_256) },
	{ "chacha20-poly1305", chacha20_poly1305, RV_COUNT(chacha20_poly1305) },
	{ "aes-gcm-12-128", aes_gcm_12_128, RV_COUNT(aes_gcm_12_128) },
	{ "aes-gcm-12-192", aes_gcm_12_192, RV_COUNT(aes_gcm_12_192) },
	{ "aes-gcm-12-256", aes_gcm_12_256, RV_COUNT(aes_gcm_12_256) },
	{ "aes-gcm-8-128", aes_gcm_8_128, RV_COUNT(aes_gcm_8_128) },
	{ "aes-gcm-8-192", aes_gcm_8_192, RV_COUNT(aes_gcm_8_192) },
	{ "aes-gcm-8-256", aes_gcm_8_256, RV_COUNT(aes_gcm_8_256) },
	{ "aes-gmac-128", aes_gmac_128, RV_COUNT(aes_gmac_128) },
	{ "aes-gmac-192", aes_gmac_192, RV_COUNT(aes_gmac_192) },
	{ "aes-gmac-256", aes_gmac_256, RV_COUNT(aes_gmac_256) },
	{ "aes-ccm-16-128", aes_ccm_16_128, RV_COUNT(aes_ccm_16_128) },
	{ "aes-ccm-16-192", aes_ccm_16_192, RV_COUNT(aes_ccm_16_192) },
	{ "aes-ccm-16-256", aes_ccm_16_256, RV_COUNT(aes_ccm_16_256) },
	{ "aes-ccm-12-128", aes_ccm_12_128, RV_COUNT(aes_ccm_12_128) },
	{ "aes-ccm-12-192", aes_ccm_12_192, RV_COUNT(aes_ccm_12_192) },
	{ "aes-ccm-12-256", aes_ccm_12_256, RV_COUNT(aes_ccm_12_256) },
	{ "aes-ccm-8-128", aes_ccm_8_128, RV_COUNT(aes_ccm_8_128) },
	{ "aes-ccm-8-192", aes_ccm_8_192, RV_COUNT(aes_ccm_8_192) },
	{ "aes-ccm-8-256", aes_ccm_8_256, RV_COUNT(aes_ccm_8_256) },
};

void known_aead(struct rv_offer *offer)
{
	known_find(rows, RV_COUNT(rows), offer);
}
