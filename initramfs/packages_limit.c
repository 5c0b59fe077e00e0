/* SPDX-License-Identifier: MIT */
/* Counts layers and memory, from the first package in line to the last. */
#include "initramfs/packages_limit.h"

#include "overlay/stack/memory.h"
#include "overlay/stack/stack_plan.h"

#define MIB (1 << 20)

struct used {
	size_t layers;
	uint64_t bytes;
};

static void limit(struct boot_package *package, const struct packages_memory *memory,
		  struct used *used)
{
	uint64_t bytes =
		overlay_memory_needed(verity_package_verified(package->verified));
	struct verity_error why;

	if (used->layers == OVERLAY_STACK_PACKAGES_MAX) {
		verity_fail(&why, VERITY_E_TOO_MANY,
			    "a stack takes %d packages, and those before it are as many",
			    OVERLAY_STACK_PACKAGES_MAX);
		packages_refuse(package, &why);
		return;
	}
	if (bytes > memory->bytes || used->bytes > memory->bytes - bytes) {
		verity_fail(&why, VERITY_E_NO_MEMORY,
			    "mounted, it needs about %.1f MiB of memory; the packages "
			    "before it need %.1f MiB, and all may have %.1f MiB "
			    "(memory_percent = %u)",
			    (double)bytes / MIB, (double)used->bytes / MIB,
			    (double)memory->bytes / MIB, memory->percent);
		packages_refuse(package, &why);
		return;
	}
	used->layers++;
	used->bytes += bytes;
}

void packages_limit(struct packages *packages, const struct packages_memory *memory)
{
	struct used used = {0};

	for (unsigned rank = 0; rank < BOOT_RANKS; rank++)
		for (size_t i = 0; i < packages->state.count; i++)
			if (packages->items[i].verified &&
			    packages->items[i].rank == (enum boot_rank)rank)
				limit(&packages->items[i], memory, &used);
	packages_put_in_order(packages);
}
