/* SPDX-License-Identifier: MIT */

/*
 * bare up|down LIST LAYERS ROOT: packages over a root with as few requests to the kernel
 * as there can be, and nothing else: nothing is verified, found, recorded or undone.
 *
 * LIST has a line for each package: FILE IMAGE_START IMAGE_BYTES TREE_START SALT
 * ROOT_HASH, numbers in bytes. Its layers are mounted at LAYERS/1, LAYERS/2, …, and over
 * ROOT; the kernel must make device nodes by itself (devtmpfs). `up` prints where its
 * time went.
 */

#include <err.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/dm-ioctl.h>
#include <linux/loop.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#define BLOCK        4096
#define SECTOR       512
#define LINE_BYTES   1024
#define OPTION_BYTES 4096 /* what mount(2) takes */

enum step { STEP_LOOP, STEP_VERITY, STEP_MOUNT, STEP_OVERLAY, STEPS };

static const char *const step_names[STEPS] = {"loop", "verity", "mount", "overlay"};

struct item {
	char file[512], salt[129], root_hash[65];
	uint64_t image_start, image_bytes, tree_start;
};

struct bare {
	int loop_control, dm_control;
	double ms[STEPS], last_ms;
};

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void spent(struct bare *bare, enum step step)
{
	double now = now_ms();

	bare->ms[step] += now - bare->last_ms;
	bare->last_ms = now;
}

static int open_or_die(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC);

	if (fd < 0)
		err(1, "%s", path);
	return fd;
}

static bool read_item(FILE *list, struct item *ret)
{
	char line[LINE_BYTES];

	if (!fgets(line, sizeof(line), list))
		return false;
	if (sscanf(line, "%511s %" SCNu64 " %" SCNu64 " %" SCNu64 " %128s %64s",
		   ret->file, &ret->image_start, &ret->image_bytes, &ret->tree_start,
		   ret->salt, ret->root_hash) != 6)
		errx(1, "not a package: %s", line);
	return true;
}

/* The loop device's descriptor; the loop goes when nobody has it open any more. */
static int attach_loop(const struct bare *bare, int file, uint64_t start, uint64_t bytes,
		       int *ret_number)
{
	struct loop_config config = {
		.fd = (unsigned)file,
		.block_size = BLOCK,
		.info = {.lo_offset = start,
			 .lo_sizelimit = bytes,
			 .lo_flags = LO_FLAGS_READ_ONLY | LO_FLAGS_AUTOCLEAR |
				     LO_FLAGS_DIRECT_IO},
	};
	int number = ioctl(bare->loop_control, LOOP_CTL_GET_FREE);
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "/dev/loop%d", number);
	fd = open_or_die(path, O_RDONLY);
	if (ioctl(fd, LOOP_CONFIGURE, &config) < 0)
		err(1, "%s", path);
	*ret_number = number;
	return fd;
}

static void name_device(struct dm_ioctl *request, size_t bytes, size_t number)
{
	memset(request, 0, bytes);
	request->version[0] = DM_VERSION_MAJOR;
	request->data_size = (uint32_t)bytes;
	request->data_start = sizeof(*request);
	snprintf(request->name, sizeof(request->name), "bare-%zu", number);
}

static void ask(const struct bare *bare, unsigned long command, struct dm_ioctl *request)
{
	if (ioctl(bare->dm_control, command, request) < 0)
		err(1, "device-mapper: %s", request->name);
}

/* Returns the minor number. */
static unsigned make_verity(const struct bare *bare, const struct item *item,
			    size_t number, int data, int tree)
{
	struct {
		struct dm_ioctl head;
		struct dm_target_spec target;
		char parameters[512];
	} request;
	uint64_t blocks = item->image_bytes / BLOCK;

	name_device(&request.head, sizeof(request), number);
	ask(bare, DM_DEV_CREATE, &request.head);
	name_device(&request.head, sizeof(request), number);
	request.head.target_count = 1;
	request.head.flags = DM_READONLY_FLAG;
	request.target = (struct dm_target_spec){.length = item->image_bytes / SECTOR,
						 .target_type = "verity"};
	snprintf(request.parameters, sizeof(request.parameters),
		 "1 /dev/loop%d /dev/loop%d %d %d %" PRIu64 " %" PRIu64 " sha256 %s %s",
		 data, tree, BLOCK, BLOCK, blocks, item->tree_start / BLOCK,
		 item->root_hash, item->salt);
	ask(bare, DM_TABLE_LOAD, &request.head);
	name_device(&request.head, sizeof(request), number);
	ask(bare, DM_DEV_SUSPEND, &request.head);
	return minor(request.head.dev);
}

static void mount_layer(struct bare *bare, const struct item *item, size_t number)
{
	int file = open_or_die(item->file, O_RDONLY);
	struct stat st;
	int data, tree, data_fd, tree_fd;
	char device[32], folder[32];

	if (fstat(file, &st) < 0)
		err(1, "%s", item->file);
	data_fd = attach_loop(bare, file, item->image_start, item->image_bytes, &data);
	tree_fd = attach_loop(bare, file, 0, (uint64_t)st.st_size, &tree);
	spent(bare, STEP_LOOP);
	snprintf(device, sizeof(device), "/dev/dm-%u",
		 make_verity(bare, item, number, data, tree));
	close(data_fd);
	close(tree_fd);
	close(file);
	spent(bare, STEP_VERITY);
	snprintf(folder, sizeof(folder), "%zu", number);
	if (mkdir(folder, 0755) < 0 ||
	    mount(device, folder, "squashfs", MS_RDONLY | MS_NODEV, NULL) < 0)
		err(1, "%s", folder);
	spent(bare, STEP_MOUNT);
}

static void up(struct bare *bare, FILE *list, const char *root)
{
	char options[OPTION_BYTES] = "lowerdir=";
	size_t length = strlen(options);
	struct item item;
	double start = bare->last_ms;

	for (size_t number = 1; read_item(list, &item); number++) {
		mount_layer(bare, &item, number);
		length += (size_t)snprintf(options + length, sizeof(options) - length,
					   "%zu:", number);
		if (length >= sizeof(options))
			errx(1, "too many packages");
	}
	snprintf(options + length, sizeof(options) - length, "%s", root);
	if (mount("overlay", root, "overlay", MS_RDONLY | MS_NODEV, options) < 0)
		err(1, "%s", root);
	spent(bare, STEP_OVERLAY);
	for (int step = 0; step < STEPS; step++)
		printf("%s %.3f\n", step_names[step], bare->ms[step]);
	printf("all %.3f\n", bare->last_ms - start);
}

static void down(const struct bare *bare, FILE *list, const char *root)
{
	struct item item;

	if (umount2(root, MNT_DETACH) < 0)
		err(1, "%s", root);
	for (size_t number = 1; read_item(list, &item); number++) {
		struct dm_ioctl request;
		char folder[32];

		snprintf(folder, sizeof(folder), "%zu", number);
		if (umount2(folder, 0) < 0 || rmdir(folder) < 0)
			err(1, "%s", folder);
		name_device(&request, sizeof(request), number);
		ask(bare, DM_DEV_REMOVE, &request);
	}
}

int main(int argc, char **argv)
{
	struct bare bare = {.last_ms = now_ms()};
	FILE *list;

	if (argc != 5)
		errx(2, "usage: bare up|down LIST LAYERS ROOT");
	list = fopen(argv[2], "re");
	if (!list || chdir(argv[3]) < 0)
		err(1, "%s, %s", argv[2], argv[3]);
	bare.loop_control = open_or_die("/dev/loop-control", O_RDWR);
	bare.dm_control = open_or_die("/dev/mapper/control", O_RDWR);
	if (strcmp(argv[1], "up") == 0)
		up(&bare, list, argv[4]);
	else
		down(&bare, list, argv[4]);
	return 0;
}
