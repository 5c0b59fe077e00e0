/* SPDX-License-Identifier: MIT */
/* Makes a plan, and prints it in one of its two forms. */
#include "initramfs/plan_print.h"

#include <errno.h>

#include "initramfs/plan_json.h"
#include "initramfs/plan_text.h"

int plan_print(const char *config_path, const char *root, bool json,
	       struct verity_error *err)
{
	cleanup_with(plan_free_p) struct plan *plan = NULL;
	int r = plan_make(config_path, root, &plan, err);

	if (r < 0)
		return r;
	if (json)
		r = plan_json_print(stdout, plan, err);
	else
		plan_text_print(stdout, plan);
	if (r == 0 && (fflush(stdout) != 0 || ferror(stdout)))
		r = verity_fail_errno(err, errno, "standard output");
	if (r < 0 || plan->failed.code == VERITY_OK)
		return r;
	*err = plan->failed;
	return -EIO;
}
