/* SPDX-License-Identifier: MIT */

/* Finding a free loop device and configuring it in one step. */

#include "verity/device/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "verity/device/device_node.h"
#include "verity/util/cleanup.h"
#include "verity/util/sizes.h"

#define LOOP_CONTROL       "/dev/loop-control"
#define LOOP_CONTROL_MAJOR 10
#define LOOP_CONTROL_MINOR 237
#define LOOP_MAJOR_NUMBER  7
#define RACES_MAX          256 /* times that another process may be faster */

static int fail_no_loop(int why, struct verity_error *err)
{
	if (why == ENOENT || why == ENODEV || why == ENXIO || why == ENOTTY)
		return verity_fail(err, VERITY_E_KERNEL_FEATURE,
				   "the kernel has no loop devices that can be "
				   "configured at once (CONFIG_BLK_DEV_LOOP, Linux 5.8)");
	return verity_fail_errno(err, why, LOOP_CONTROL);
}

/* The minor number carries a shift where loop devices have partitions. */
static dev_t loop_device(int number)
{
	char path[64];
	char text[32] = "";
	unsigned major_number;
	unsigned minor_number;
	cleanup_file FILE *file = NULL;

	snprintf(path, sizeof(path), "/sys/block/loop%d/dev", number);
	file = fopen(path, "re");
	if (file && fgets(text, sizeof(text), file) &&
	    sscanf(text, "%u:%u", &major_number, &minor_number) == 2)
		return makedev(major_number, minor_number);
	return makedev(LOOP_MAJOR_NUMBER, (unsigned)number);
}

/* Without devtmpfs, the node may be missing. */
static int open_node(const char *path, int number)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		return verity_device_node_open(path, O_RDONLY, S_IFBLK,
					       loop_device(number));
	return fd < 0 ? -errno : fd;
}

static int configure(const struct verity_loop *loop, int file_fd, uint64_t start,
		     uint64_t bytes)
{
	struct loop_config config = {
		.fd = (unsigned)file_fd,
		.block_size = VERITY_BLOCK,
		.info =
			{
				.lo_offset = start,
				.lo_sizelimit = bytes,
				.lo_flags = LO_FLAGS_READ_ONLY | LO_FLAGS_AUTOCLEAR |
					    LO_FLAGS_DIRECT_IO,
			},
	};

	if (ioctl(loop->fd, LOOP_CONFIGURE, &config) == 0)
		return 0;
	if (errno != EINVAL)
		return -errno;
	config.info.lo_flags &= ~(unsigned)LO_FLAGS_DIRECT_IO;
	return ioctl(loop->fd, LOOP_CONFIGURE, &config) < 0 ? -errno : 0;
}

int verity_loop_open(int *ret, struct verity_error *err)
{
	int fd = verity_device_node_open(LOOP_CONTROL, O_RDWR, S_IFCHR,
					 makedev(LOOP_CONTROL_MAJOR, LOOP_CONTROL_MINOR));

	if (fd < 0)
		return fail_no_loop(-fd, err);
	*ret = fd;
	return 0;
}

int verity_loop_attach(int control, int file_fd, uint64_t start, uint64_t bytes,
		       struct verity_loop *ret, struct verity_error *err)
{
	struct verity_loop loop;

	for (int i = 0; i < RACES_MAX; i++) {
		int number = ioctl(control, LOOP_CTL_GET_FREE);
		int r;

		if (number < 0)
			return fail_no_loop(errno, err);
		snprintf(loop.path, sizeof(loop.path), "/dev/loop%d", number);
		loop.fd = open_node(loop.path, number);
		if (loop.fd < 0)
			return verity_fail_errno(err, -loop.fd, "%s", loop.path);
		r = configure(&loop, file_fd, start, bytes);
		if (r == 0) {
			*ret = loop;
			return 0;
		}
		close(loop.fd);
		/* The answer of a kernel before 5.8 to a request it does not know. */
		if (r == -ENOTTY || r == -EINVAL)
			return fail_no_loop(ENOTTY, err);
		if (r != -EBUSY)
			return verity_fail_errno(err, -r, "%s", loop.path);
	}
	return verity_fail_errno(err, EBUSY, "loop devices");
}
