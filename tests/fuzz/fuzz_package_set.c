/* SPDX-License-Identifier: MIT */
/* A set of packages, as anybody may have written it. */
#include "tests/fuzz/fuzz.h"

#include <string.h>
#include <strings.h>

#include "verity/statement/package_set.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct verity_package_set set;

	if (verity_package_set_decode(data, size, &set, NULL) < 0)
		return 0;
	require(set.count <= VERITY_PACKAGE_SET_MAX);
	for (size_t i = 0; i < set.count; i++) {
		const struct verity_set_package *package = &set.packages[i];

		require(verity_name_valid(package->name));
		require(package->source[0] || package->version[0] ||
			package->root_hash_bytes == sizeof(package->root_hash));
		require(i == 0 ||
			strcasecmp(package->name, set.packages[i - 1].name) != 0);
	}
	verity_package_set_free(&set);
	return 0;
}
