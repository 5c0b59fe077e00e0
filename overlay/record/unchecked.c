/* SPDX-License-Identifier: MIT */
/* Remembers which file system a check of did not end. */
#include "overlay/record/unchecked.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "overlay/record/record.h"
#include "verity/util/cleanup.h"
#include "verity/util/io.h"

#define SUPER_AT    1024
#define SUPER_BYTES 1024
#define MOUNTS      0x34 /* 16 bits */
#define CHECKED     0x40 /* 32 bits */
#define UUID        0x68
#define UUID_BYTES  16

/* and whether a boot has done without a check */
#define NOTE_BYTES (OVERLAY_UNCHECKED_BYTES + 1)

int overlay_unchecked_read(int fd, uint8_t ret[static OVERLAY_UNCHECKED_BYTES],
			   struct verity_error *err)
{
	uint8_t super[SUPER_BYTES];

	if (verity_io_read(fd, super, sizeof(super), SUPER_AT, NULL) < 0)
		return verity_fail(err, VERITY_E_IO, "the super block cannot be read");
	memcpy(ret, super + UUID, UUID_BYTES);
	memcpy(ret + UUID_BYTES, super + CHECKED, 4);
	memcpy(ret + UUID_BYTES + 4, super + MOUNTS, 2);
	return 0;
}

int overlay_unchecked_store(int record_fd, const uint8_t id[OVERLAY_UNCHECKED_BYTES],
			    bool spent, struct verity_error *err)
{
	const char *name = OVERLAY_RECORD_UNCHECKED;
	uint8_t noted[NOTE_BYTES] = {0};
	int r = overlay_record_clear_folder(record_fd, name, err);

	memcpy(noted, id, OVERLAY_UNCHECKED_BYTES);
	noted[OVERLAY_UNCHECKED_BYTES] = spent;
	return r < 0 ? r : overlay_record_keep(record_fd, name, noted, NOTE_BYTES, err);
}

bool overlay_unchecked_exists(int record_fd)
{
	struct stat st;

	return record_fd >= 0 && fstatat(record_fd, OVERLAY_RECORD_UNCHECKED, &st,
					 AT_SYMLINK_NOFOLLOW) == 0;
}

bool overlay_unchecked_has(int record_fd, const uint8_t id[OVERLAY_UNCHECKED_BYTES],
			   bool *ret_spent)
{
	cleanup_free char *noted = NULL;
	size_t size = 0;

	if (record_fd < 0 ||
	    overlay_record_load(record_fd, OVERLAY_RECORD_UNCHECKED, NOTE_BYTES, &noted,
				&size, NULL) < 0 ||
	    size != NOTE_BYTES || memcmp(noted, id, OVERLAY_UNCHECKED_BYTES) != 0)
		return false;
	if (ret_spent)
		*ret_spent = noted[OVERLAY_UNCHECKED_BYTES] != 0;
	return true;
}

bool overlay_unchecked_is(int record_fd, const char *device)
{
	uint8_t id[OVERLAY_UNCHECKED_BYTES];
	cleanup_fd int fd = -1;

	if (!overlay_unchecked_exists(record_fd))
		return false;
	fd = open(device, O_RDONLY | O_CLOEXEC);
	return fd >= 0 && overlay_unchecked_read(fd, id, NULL) == 0 &&
	       overlay_unchecked_has(record_fd, id, NULL);
}
