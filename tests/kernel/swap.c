/* SPDX-License-Identifier: MIT */

/*
 * swap rename|inplace PACKAGE OTHER KEYS MOUNTPOINT: change a package between the moment
 * it was verified and the moment it is attached and mounted, and leave the layer mounted.
 *
 * rename puts OTHER in its place; inplace writes over the bytes of its image, through
 * another descriptor. Exit status 0: mounted; 1: not, with the reason on stdout.
 */

#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "overlay/stack/layer.h"
#include "verity/cms/keyring.h"
#include "verity/package/package.h"
#include "verity/util/cleanup.h"

#define INPLACE_SKIP 4096 /* so that the superblock of the squashfs stays */

static void write_over(const char *path, const struct verity_layout *layout)
{
	static const char noise[] = "these bytes nobody signed, whatever the file was";
	cleanup_fd int fd = open(path, O_WRONLY | O_CLOEXEC);
	uint64_t place = layout->image_start + INPLACE_SKIP;

	if (fd < 0)
		err(2, "%s", path);
	for (; place < layout->file_bytes; place += sizeof(noise)) {
		size_t left = (size_t)(layout->file_bytes - place);

		if (pwrite(fd, noise, left < sizeof(noise) ? left : sizeof(noise),
			   (off_t)place) < 0)
			err(2, "%s", path);
	}
	if (fsync(fd) < 0)
		err(2, "%s", path);
}

int main(int argc, char **argv)
{
	struct verity_policy policy = {0};
	struct verity_keyring *keyring = NULL;
	struct verity_package *package = NULL;
	struct verity_devices *devices = NULL;
	struct overlay_layer *layer = NULL;
	struct verity_error why = {0};

	if (argc != 6)
		errx(2, "usage: swap rename|inplace PACKAGE OTHER KEYS MOUNTPOINT");
	if (verity_keyring_load(argv[4], &keyring, &why) < 0)
		errx(2, "%s", why.message);
	policy.keyring = keyring;
	if (verity_package_open(AT_FDCWD, argv[2], &policy, &package, &why) < 0)
		errx(2, "%s", why.message);
	if (!verity_package_verified(package))
		errx(2, "not accepted before it was changed");

	if (strcmp(argv[1], "inplace") == 0)
		write_over(argv[2], verity_package_layout(package));
	else if (rename(argv[3], argv[2]) < 0)
		err(2, "%s", argv[3]);

	if (verity_devices_open(&devices, &why) < 0 ||
	    overlay_layer_open(devices, verity_package_verified(package), "wmopkg-swap",
			       &layer, &why) < 0 ||
	    overlay_layer_place(layer, AT_FDCWD, argv[5], &why) < 0) {
		printf("%s: %s\n", verity_code_name(why.code), why.message);
		return 1;
	}
	overlay_layer_free(layer);
	verity_devices_free(devices);
	verity_package_free(package);
	verity_keyring_free(keyring);
	return 0;
}
