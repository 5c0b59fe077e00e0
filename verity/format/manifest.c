/* SPDX-License-Identifier: MIT */
#include "verity/format/manifest.h"

#include <stdlib.h>
#include <string.h>

static const char *const persistence_names[] = {
	[VERITY_PERSISTENT_ALLOWED] = "allowed",
	[VERITY_PERSISTENT_REQUIRED] = "required",
	[VERITY_PERSISTENT_FORBIDDEN] = "forbidden",
};

const char *verity_persistence_name(enum verity_persistence persistence)
{
	return persistence_names[persistence];
}

int verity_persistence_from_name(const char *name, enum verity_persistence *ret)
{
	for (size_t i = 0; i < sizeof(persistence_names) / sizeof(persistence_names[0]);
	     i++)
		if (strcmp(persistence_names[i], name) == 0) {
			*ret = (enum verity_persistence)i;
			return 0;
		}
	return verity_fail(NULL, VERITY_E_USAGE, "%s", name);
}

void verity_manifest_free(struct verity_manifest *manifest)
{
	if (!manifest)
		return;
	free(manifest->compatible);
	free(manifest->kernel_signature);
	free(manifest);
}
