// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-scheme: AlgorithmIdentifiers of RFC 7427, Appendix A, and RFC 8420, Appendix A; signatures of RFC 4754, 8;
 * public keys; and what is malformed.
 */
#include "test.h"

#include "scheme.h"

#include <string.h>

/* clang-format off */
static const struct {
	const char *what, *octets;
	const char *name; /* NULL: refused */
	bool written; /* what we write, too */
} ids[] = {
	{ "RFC 7427, A.1.1", "300d06092a864886f70d0101050500", "rsa-sha1", true },
	{ "RFC 7427, A.1.2", "300d06092a864886f70d01010b0500", "rsa-sha256", true },
	{ "RFC 7427, A.1.3", "300d06092a864886f70d01010c0500", "rsa-sha384", true },
	{ "RFC 7427, A.1.4", "300d06092a864886f70d01010d0500", "rsa-sha512", true },
	{ "RFC 7427, A.2.1, DSA", "300906072a8648ce380403", NULL, false },
	{ "RFC 7427, A.3.1", "300906072a8648ce3d0401", "ecdsa-sha1", true },
	{ "RFC 7427, A.3.2", "300a06082a8648ce3d040302", "ecdsa-sha256", true },
	{ "RFC 7427, A.3.3", "300a06082a8648ce3d040303", "ecdsa-sha384", true },
	{ "RFC 7427, A.3.4", "300a06082a8648ce3d040304", "ecdsa-sha512", true },
	{ "RFC 7427, A.4.1", "300d06092a864886f70d01010a3000", "rsa/pss-sha1", false },
	{ "RFC 7427, A.4.2", "303e06092a864886f70d01010a3031a00b300906052b0e03021a0500a118301606092a864886f70d010108300906052b"
			     "0e03021a0500a203020114a303020101", "rsa/pss-sha1", false },
	{ "RFC 7427, A.4.3", "304606092a864886f70d01010a3039a00f300d06096086480165030402010500a11c301a06092a864886f70d01010830"
			     "0d06096086480165030402010500a203020120a303020101", "rsa/pss-sha256", false },
	{ "the same in DER", "304106092a864886f70d01010a3034a00f300d06096086480165030402010500a11c301a06092a864886f70d01010830"
			     "0d06096086480165030402010500a203020120", "rsa/pss-sha256", true },
	{ "without NULL", "303d06092a864886f70d01010a3030a00d300b0609608648016503040201a11a301806092a864886f70d010108300b0609"
			  "608648016503040201a203020120", "rsa/pss-sha256", false },
	{ "RFC 8420, A.1", "300506032b6570", "ed25519", true },
	{ "RFC 8420, A.2", "300506032b6571", "ed448", true },
	{ "RSA without NULL", "300b06092a864886f70d01010b", "rsa-sha256", false },
	{ "ECDSA with NULL", "300c06082a8648ce3d0403020500", "ecdsa-sha256", false },
	{ "two hashes", "304106092a864886f70d01010a3034a00f300d06096086480165030402010500a11c301a06092a864886f70d010108300d"
			"06096086480165030402020500a203020120", NULL, false },
	{ "another salt", "304106092a864886f70d01010a3034a00f300d06096086480165030402010500a11c301a06092a864886f70d010108300d"
			  "06096086480165030402010500a203020114", NULL, false },
	{ "another trailer", "304606092a864886f70d01010a3039a00f300d06096086480165030402010500a11c301a06092a864886f70d010108"
			     "300d06096086480165030402010500a203020120a303020102", NULL, false },
	{ "MD5", "300d06092a864886f70d0101040500", NULL, false },
	{ "nothing", "", NULL, false },
	{ "an empty sequence", "3000", NULL, false },
	{ "an octet behind", "300d06092a864886f70d01010b050000", NULL, false },
	{ "an octet too few", "300d06092a864886f70d01010b05", NULL, false },
	{ "a long form that is not needed", "30810d06092a864886f70d01010b0500", NULL, false },
	{ "no definite length", "308006092a864886f70d01010b05000000", NULL, false },
	{ "a NULL with content", "300e06092a864886f70d01010b050100", NULL, false },
};

static const struct {
	const char *what, *spki, *text; /* NULL: refused */
	bool pss;
} keys[] = {
	{ "RSA", "30820122300d06092a864886f70d01010105000382010f003082010a0282010100a3387ac882bef7e84aafa14d12"
			"2430e40f27089384fed01c7eb10833c16bcca6e9e9aa7aa3070131f3919eabe1a065de31a13dc4c80a20c8ea7e44"
			"611225a331913855c1bc7bba2a57cff2f887167ce424f4cca03e6fc47b50a9d14f904f94b0bcc9435ce102fe3cb9"
			"bf754864cb65cbdc558bc02edada98fb04982e949bff7aa4b10f67a61a07947bdbbfe3f5bf5fb50b9426d1607c3b"
			"d7fc32bafd6bd4e4a5b9f0255ad2f1018eecad290dc3656205ff03063dceb91ba9512778ab08ea9101d19c64f5d2"
			"dc0cc94a2dfb0f1686786a44023123bd915d65a97380784043000e8471aa868b9b3e8bdd03fb52e957832143d2be"
			"7a55347b015da15ec1f12902c70203010001", "RSA-2048", false },
	{ "RSA of 1024 bits", "30819f300d06092a864886f70d010101050003818d0030818902818100b6e2013f3a50a4f188d5c1f0e7a0cc4f66"
			"34dacd0ba3fda3aab6382360dfd370aa9483f92328fed288f23b966ba24617ac9834f57c276e5ccfdf96133ae4d6"
			"953d2a53a03cc2109e3156b147c57fc487513a452f1acb19c60f63a11c3ffc9f0cbef5a0cc3815bc912039b9b555"
			"231f8ac1b1961f4d04b31d400962f96ce66cad0203010001", "RSA-1024", false },
	{ "P-256", "3059301306072a8648ce3d020106082a8648ce3d030107034200042442a5cc0ecd015fa3ca31dc8e2bbc70bf42d6"
			"0cbca20085e0822cb04235e9706fc98bd7e50211a4a27102fa3549df79ebcb4bf246b80945cddfe7d509bbfd7d",
			  "ECDSA-256", false },
	{ "P-384", "3076301006072a8648ce3d020106052b810400220362000496281bf8dd5e0525ca049c048d345d3082968d10fedf"
			"5c5aca0c64e6465a97ea5ce10c9dfec21797415710721f437922447688ba94708eb6e2e4d59f6ab6d7edff9301d2"
			"49fe49c33096655f5d502fad3d383b91c5e7edaa2b714cc99d5743ca", "ECDSA-384", false },
	{ "P-521", "30819b301006072a8648ce3d020106052b8104002303818600040151518f1af0f563517edd5485190df95a4bf57b"
			"5cba4cf2a9a3f6474725a35f7afe0a6ddeb8bedbcd6a197e592d40188901cecd650699c9b5e456aea5add19052a8"
			"006f3b142ea1bfff7e2837ad44c9e4ff6d2d34c73184bbad90026dd5e6e85317d9df45cad7803c6c20035b2f3ff6"
			"3aff4e1ba64d1c077577da3f4286c58f0aeae643", "ECDSA-521", false },
	{ "Ed25519", "302a300506032b65700321003d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
	  "Ed25519", false },
	{ "Ed448", "3043300506032b6571033a0043ba28f430cdff456ae531545f7ecd0ac834a55d9358c0372bfa0c6c6798c0866aea"
			"01eb00742802b8438ea4cb82169c235160627b4c3a9480", "Ed448", false },
	{ "RSASSA-PSS of 9 bits", "301b300b06092a864886f70d01010a030c003009020201ff0203010001", "RSA-9", true },
	{ "unused bits", "302a300506032b6570032101d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
	  NULL, false },
	{ "a negative modulus", "301a300b06092a864886f70d010101030b003008020180020301000100", NULL, false },
	{ "another curve", "3018301006072a8648ce3d020106052b8104000a03040004aabb", NULL, false },
	{ "nothing", "", NULL, false },
};

/* RFC 4754, 8.1 to 8.3 */
static const struct {
	size_t len;
	const char *der, *plain;
} signatures[] = {
	{ 32, "3046022100cb28e0999b9c7715fd0a80d8e47a77079716cbbf917dd72e97566ea1c066957c02210086fa3bb4e26c"
			"ad5bf90b7f81899256ce7594bb1ea0c89212748bff3b3d5b0315",
	  "cb28e0999b9c7715fd0a80d8e47a77079716cbbf917dd72e97566ea1c066957c86fa3bb4e26cad5bf90b7f818992"
			"56ce7594bb1ea0c89212748bff3b3d5b0315" },
	{ 48, "3066023100fb017b914e29149432d8bac29a514640b46f53ddab2c69948084e2930f1c8f7e08e07c9c63f2d21a07"
			"dcb56a6af56eb3023100b263a1305e057f984d38726a1b46874109f417bca112674c528262a40a629af1cbb9f516"
			"ce0fa7d2ff630863a00e8b9f",
	  "fb017b914e29149432d8bac29a514640b46f53ddab2c69948084e2930f1c8f7e08e07c9c63f2d21a07dcb56a6af5"
			"6eb3b263a1305e057f984d38726a1b46874109f417bca112674c528262a40a629af1cbb9f516ce0fa7d2ff630863"
			"a00e8b9f" },
	{ 66, "30818802420154fd3836af92d0dca57dd5341d3053988534fde8318fc6aaaab68e2e6f4339b19f2f281a7e0b22c2"
			"69d93cf8794a9278880ed7dbb8d9362caeacee5443205522510242017705a7030290d1ceb605a9a1bb03ff9cdd52"
			"1e87a696ec926c8c10c8362df4975367101f67d1cf9bccbf2f3d239534fa509e70aac851ae01aac68d62f8664726"
			"60",
	  "0154fd3836af92d0dca57dd5341d3053988534fde8318fc6aaaab68e2e6f4339b19f2f281a7e0b22c269d93cf879"
			"4a9278880ed7dbb8d9362caeacee544320552251017705a7030290d1ceb605a9a1bb03ff9cdd521e87a696ec926c"
			"8c10c8362df4975367101f67d1cf9bccbf2f3d239534fa509e70aac851ae01aac68d62f866472660" },
};
/* clang-format on */

enum { ROOM = 1024 };

static void algorithms_are_those_of_the_rfcs(void **state)
{
	for (size_t i = 0; i < RV_COUNT(ids); i++) {
		uint8_t octets[ROOM], out[SCHEME_ID_MAX];
		size_t n = test_hex(ids[i].octets, octets, sizeof(octets));
		const struct scheme *scheme = scheme_read(rv_bytes(octets, n));

		if (!scheme != !ids[i].name || (scheme && strcmp(scheme->name, ids[i].name) != 0))
			fail_msg("%s: %s", ids[i].what, scheme ? scheme->name : "refused");
		if (!ids[i].written)
			continue;
		assert_int_equal(scheme_write(scheme, out, sizeof(out)), n);
		assert_memory_equal(out, octets, n);
		assert_int_equal(scheme_write(scheme, out, n - 1), 0);
	}
}

static void what_is_written_is_read_again(void **state)
{
	for (size_t i = 0; i < N_SCHEMES; i++) {
		uint8_t out[SCHEME_ID_MAX];
		size_t n = scheme_write(&schemes[i], out, sizeof(out));

		assert_true(n > 0);
		assert_ptr_equal(scheme_read(rv_bytes(out, n)), &schemes[i]);
		assert_ptr_equal(scheme_find(schemes[i].key, schemes[i].hash, schemes[i].pss), &schemes[i]);
		for (size_t less = 0; less < n; less++)
			assert_null(scheme_read(rv_bytes(out, less)));
	}
}

static void keys_are_known_by_kind_and_size(void **state)
{
	for (size_t i = 0; i < RV_COUNT(keys); i++) {
		uint8_t octets[ROOM];
		size_t n = test_hex(keys[i].spki, octets, sizeof(octets));
		struct key_info key;
		char text[KEY_TEXT];
		bool ok = key_read(&key, rv_bytes(octets, n));

		if (ok != (keys[i].text != NULL))
			fail_msg("%s: %d", keys[i].what, ok);
		if (!ok)
			continue;
		assert_string_equal(key_text(&key, text), keys[i].text);
		assert_int_equal(key.pss, keys[i].pss);
		for (size_t less = 0; less < n; less++)
			assert_false(key_read(&key, rv_bytes(octets, less)));
	}
}

static void ecdsa_signatures_change_their_form(void **state)
{
	for (size_t i = 0; i < RV_COUNT(signatures); i++) {
		uint8_t der[ROOM], plain[ROOM], out[ROOM];
		size_t n_der = test_hex(signatures[i].der, der, sizeof(der));
		size_t n = test_hex(signatures[i].plain, plain, sizeof(plain)), len = signatures[i].len;

		assert_int_equal(n, 2 * len);
		assert_int_equal(ecdsa_to_plain(rv_bytes(der, n_der), len, out, sizeof(out)), n);
		assert_memory_equal(out, plain, n);
		assert_int_equal(ecdsa_to_der(rv_bytes(plain, n), out, sizeof(out)), n_der);
		assert_memory_equal(out, der, n_der);
		assert_int_equal(ecdsa_to_plain(rv_bytes(der, n_der), len, out, n - 1), 0);
		assert_int_equal(ecdsa_to_der(rv_bytes(plain, n), out, n_der - 1), 0);
		assert_int_equal(ecdsa_to_plain(rv_bytes(der, n_der), len - 2, out, sizeof(out)), 0);
		assert_int_equal(ecdsa_to_der(rv_bytes(plain, n - 1), out, sizeof(out)), 0);
		memset(plain, 0, len);
		assert_int_equal(ecdsa_to_der(rv_bytes(plain, n), out, sizeof(out)), 0);
	}
}

static const struct {
	const char *what, *data;
	bool ok;
	size_t algorithm, value;
} datas[] = {
	{ "the smallest", "01aabb", true, 1, 1 },
	{ "no signature", "01aa", false, 0, 0 },
	{ "no algorithm", "00bb", false, 0, 0 },
	{ "nothing", "", false, 0, 0 },
	{ "a length that is too large", "04aabb", false, 0, 0 },
	{ "Ed25519", "07300506032b6570cccc", true, 7, 2 },
};

static void authentication_data_has_two_parts(void **state)
{
	for (size_t i = 0; i < RV_COUNT(datas); i++) {
		uint8_t octets[ROOM];
		size_t n = test_hex(datas[i].data, octets, sizeof(octets));
		struct signature s;
		bool ok = signature_read(&s, rv_bytes(octets, n));

		if (ok != datas[i].ok)
			fail_msg("%s", datas[i].what);
		if (ok) {
			assert_int_equal(s.algorithm.len, datas[i].algorithm);
			assert_int_equal(s.value.len, datas[i].value);
		}
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(algorithms_are_those_of_the_rfcs),
		cmocka_unit_test(what_is_written_is_read_again),
		cmocka_unit_test(keys_are_known_by_kind_and_size),
		cmocka_unit_test(ecdsa_signatures_change_their_form),
		cmocka_unit_test(authentication_data_has_two_parts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
