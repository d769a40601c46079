// SPDX-License-Identifier: LGPL-2.1-or-later
/* hash.c: the known answers of hashes. */
#include <known-answers.h>

/* clang-format off */
static const struct rv_vector sha1[] = {
	{ .source = "FIPS 180-4 examples, one block",
	  .in = "616263",
	  .out = "a9993e364706816aba3e25717850c26c9cd0d89d" },
	{ .source = "FIPS 180-4 examples, two blocks",
	  .in =
	  "6162636462636465636465666465666765666768666768696768696a68696a6b696a6b6c6a6b6c6d6b6c6d6e6c6d6e6f"
	  "6d6e6f706e6f7071",
	  .out = "84983e441c3bd26ebaae4aa1f95129e5e54670f1" },
};

static const struct rv_vector sha256[] = {
	{ .source = "FIPS 180-4 examples, one block",
	  .in = "616263",
	  .out = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
	{ .source = "FIPS 180-4 examples, two blocks",
	  .in =
	  "6162636462636465636465666465666765666768666768696768696a68696a6b696a6b6c6a6b6c6d6b6c6d6e6c6d6e6f"
	  "6d6e6f706e6f7071",
	  .out = "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
};

static const struct rv_vector sha384[] = {
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
};

static const struct rv_vector sha512[] = {
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
};
/* clang-format on */

static const struct known rows[] = {
	{ "sha1", sha1, RV_COUNT(sha1) },
	{ "sha256", sha256, RV_COUNT(sha256) },
	{ "sha384", sha384, RV_COUNT(sha384) },
	{ "sha512", sha512, RV_COUNT(sha512) },
};

void known_hash(struct rv_offer *offer)
{
	known_find(rows, RV_COUNT(rows), offer);
}
