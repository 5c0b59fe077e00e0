/* SPDX-License-Identifier: MIT */
/* What a device is called: os-release, device tree and DMI, and files of its own. */
#include "tests/fuzz/pieces.h"

#include "overlay/config/identity.h"
#include "verity/util/text.h"

static void check(const char *text, size_t max)
{
	require(strnlen(text, max + 1) <= max);
	require(text[0] == '\0' || verity_text_printable(text, strlen(text)));
	require(!strchr("\t ", text[0]) || text[0] == '\0');
}

static void find(int folder, char *model, char *serial, char *version)
{
	const struct overlay_config config = {
		.model = model, .serial = serial, .firmware_version = version};
	struct overlay_identity identity;

	memset(&identity, 'x', sizeof(identity));
	overlay_identity_find(&config, folder, folder, &identity);
	check(identity.model, OVERLAY_MODEL_MAX);
	check(identity.serial, VERITY_SERIAL_MAX);
	check(identity.firmware, VERITY_VERSION_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const folders[] = {"etc",
					      "usr",
					      "usr/lib",
					      "proc",
					      "proc/device-tree",
					      "sys",
					      "sys/class",
					      "sys/class/dmi",
					      "sys/class/dmi/id"};
	static const char *const files[] = {"etc/os-release",
					    "usr/lib/os-release",
					    "proc/device-tree/model",
					    "proc/device-tree/serial-number",
					    "sys/class/dmi/id/product_name",
					    "sys/class/dmi/id/product_serial"};
	static char none[] = "", model[] = "/proc/device-tree/model",
		    version[] = "/etc/os-release";
	static int folder = -1;
	struct pieces pieces = {data, size};
	char *text;

	if (folder < 0)
		folder = pieces_folder(folders, sizeof(folders) / sizeof(folders[0]));
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		pieces_file(&pieces, folder, files[i]);
	find(folder, none, none, none);
	text = pieces_text(&pieces);
	find(folder, model, text, version);
	find(folder, text, none, text);
	free(text);
	return 0;
}
