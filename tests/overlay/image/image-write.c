/* SPDX-License-Identifier: MIT */
/* overlay_image_write() for scripts: image-write SOURCE OUT COMPRESSOR THREADS DATE [all]
 */
#include "overlay/image/image.h"
#include "verity/util/cleanup.h"

#include <fcntl.h>

int main(int argc, char **argv)
{
	struct overlay_image_options options = {0};
	struct overlay_image_notes notes;
	struct verity_error err = {0};
	cleanup_fd int fd = -1;
	uint64_t bytes;

	if (argc != 6 && argc != 7) {
		fprintf(stderr, "usage: %s SOURCE OUT COMPRESSOR THREADS DATE [all]\n",
			argv[0]);
		return 2;
	}
	options.compressor = *argv[3] ? argv[3] : NULL;
	options.threads = (unsigned)strtoul(argv[4], NULL, 10);
	options.source_date = strtoll(argv[5], NULL, 10);
	options.all_attributes = argc == 7;
	options.keep_looks = true; /* the tree is compared with what is in the image */
	fd = open(argv[2], O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0) {
		perror(argv[2]);
		return 1;
	}
	if (overlay_image_write(argv[1], fd, &options, &bytes, &notes, &err) < 0) {
		fprintf(stderr, "%s: %s\n", verity_code_name(err.code), err.message);
		return 1;
	}
	printf("%llu\n", (unsigned long long)bytes);
	return 0;
}
