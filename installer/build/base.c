/* SPDX-License-Identifier: MIT */
/* wmopkg-build base: the list of a firmware's tree. */
#include <stdio.h>
#include <string.h>

#include "installer/build/commands.h"
#include "installer/build/output.h"
#include "overlay/image/image.h"
#include "verity/util/cleanup.h"

enum exit_status build_base(int argc, char **argv)
{
	cleanup_free char *text = NULL;
	struct verity_error err;

	if (argc != 3 || argv[1][0] == '-')
		return report_usage("base: expected: DIR|TAR LIST");
	if (overlay_image_list(argv[1], &text, &err) < 0 ||
	    output_write(argv[2], 0644, text, strlen(text), &err) < 0)
		return report_error(NULL, &err);
	printf("%s: use it with: wmopkg-build create --base %s ...\n", argv[2], argv[2]);
	return STATUS_DONE;
}
