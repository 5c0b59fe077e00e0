/* SPDX-License-Identifier: MIT */
#include "initramfs/seeding.h"

#include <errno.h>
#include <fcntl.h>

#include "factory/seed.h"
#include "initramfs/log.h"
#include "verity/cleanup.h"

static int seed(const char *root, int data_fd, struct factory_seeded *ret,
		struct verity_error *err)
{
	cleanup_fd int root_fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (root_fd < 0)
		return verity_fail_errno(err, errno, "%s", root);
	return factory_seed(root_fd, FACTORY_SEED_SOURCE, data_fd, FACTORY_SEED_TARGET,
			    ret, err);
}

bool seeding_run(const char *root, int data_fd)
{
	struct factory_seeded seeded = {0};
	const struct overlay_copy_left *left = &seeded.left;
	struct verity_error why;

	if (data_fd < 0)
		return false;
	if (seed(root, data_fd, &seeded, &why) < 0) {
		log_line(LOG_LEVEL_WARNING, "factory configuration: not seeded: %s: %s",
			 verity_code_name(why.code), why.message);
		return true;
	}
	if (left->things > 0 || left->attributes > 0)
		log_line(LOG_LEVEL_WARNING,
			 "factory configuration: left out %zu devices, FIFOs or sockets "
			 "and %zu attributes, the first at %s",
			 left->things, left->attributes, left->first);
	if (seeded.seeded)
		log_line(LOG_LEVEL_NOTICE,
			 "factory configuration: seeded DATA/" FACTORY_SEED_TARGET);
	return seeded.seeded;
}
