/* SPDX-License-Identifier: MIT */
/* Seeds each configured folder of DATA. */
#include "initramfs/seed.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "factory/seed.h"
#include "initramfs/log.h"
#include "verity/util/cleanup.h"

/* Return: whether there was something to do. */
static bool seed(const char *root, const struct overlay_seed *pair, int data_fd)
{
	cleanup_fd int root_fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct factory_seeded seeded = {0};
	const struct overlay_copy_left *left = &seeded.left;
	struct verity_error why;
	int r;

	if (root_fd < 0)
		r = verity_fail_errno(&why, errno, "%s", root);
	else
		r = factory_seed(root_fd, pair->source + strspn(pair->source, "/"),
				 data_fd, pair->target, &seeded, &why);
	if (r < 0) {
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
		log_line(LOG_LEVEL_NOTICE, "factory configuration: seeded DATA/%s",
			 pair->target);
	return seeded.seeded;
}

bool seed_run(const struct overlay_config *config, const char *root, int data_fd)
{
	static const struct overlay_seed first = {FACTORY_SEED_SOURCE,
						  FACTORY_SEED_TARGET};
	bool done;

	if (data_fd < 0)
		return false;
	done = seed(root, &first, data_fd);
	for (size_t i = 0; i < config->seeds_count; i++)
		if (seed(root, &config->seeds[i], data_fd))
			done = true;
	return done;
}
