/* SPDX-License-Identifier: MIT */
#include "initramfs/packages.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/store/order.h"
#include "verity/util/cleanup.h"

static void packages_free_p(struct packages *packages)
{
	packages_free(packages);
}

void packages_free(struct packages *packages)
{
	for (size_t i = 0; packages->judged && i < packages->state.count; i++)
		verity_package_free(packages->judged[i]);
	free(packages->judged);
	free(packages->ids);
	free(packages->order);
	free(packages->left_us);
	overlay_state_free(&packages->state);
	packages->judged = NULL;
	packages->ids = NULL;
	packages->order = NULL;
	packages->left_us = NULL;
	packages->order_count = 0;
}

void packages_refuse(struct packages *packages, size_t index,
		     const struct verity_error *reason)
{
	packages->state.entries[index].active = false;
	packages->state.entries[index].reason = *reason;
	verity_package_free(packages->judged[index]);
	packages->judged[index] = NULL;
}

static int list(const struct packages_judge *judge, struct packages *packages,
		struct verity_error *err)
{
	cleanup_free struct overlay_entry *entries = NULL;
	size_t count = 0;
	int r = overlay_store_list(judge->store, &entries, &count, err);

	if (r < 0)
		return r;
	packages->state.entries =
		calloc(count ? count : 1, sizeof(*packages->state.entries));
	packages->judged = calloc(count ? count : 1, sizeof(struct verity_package *));
	packages->ids = calloc(count ? count : 1, sizeof(*packages->ids));
	packages->order = calloc(count ? count : 1, sizeof(*packages->order));
	packages->left_us = calloc(count ? count : 1, sizeof(*packages->left_us));
	if (!packages->state.entries || !packages->judged || !packages->ids ||
	    !packages->order || !packages->left_us)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	packages->state.count = count;
	for (size_t i = 0; i < count; i++) {
		packages->state.entries[i].entry = entries[i];
		packages->left_us[i] = patience_box_us(judge->patience);
	}
	return 0;
}

/* What lies where its signer does not want it. */
static void check_place(struct packages *packages, size_t index)
{
	const struct verity_package *package = packages->judged[index];
	struct verity_error why;

	if (package && overlay_order_check_store(
			       verity_verified_manifest(verity_package_verified(package)),
			       packages->state.entries[index].entry.kind, &why) < 0)
		packages_refuse(packages, index, &why);
}

static void apply_bootconf(const struct overlay_bootconf *bootconf,
			   struct packages *packages, size_t index)
{
	const char *name = packages->state.entries[index].entry.name;
	struct verity_error why = {.code = VERITY_OK};

	if (!packages->judged[index])
		return;
	if (bootconf->safe)
		verity_fail(&why, VERITY_E_SAFE_MODE,
			    "the boot configuration leaves all packages out "
			    "(wmopkg.safe)");
	else if (overlay_bootconf_disabled(bootconf, name))
		verity_fail(&why, VERITY_E_DISABLED,
			    "the boot configuration leaves it out (wmopkg.disable)");
	if (why.code != VERITY_OK)
		packages_refuse(packages, index, &why);
}

static void order(struct packages *packages)
{
	for (size_t i = 0; i < packages->state.count; i++) {
		struct overlay_order_item *item = &packages->order[packages->order_count];

		if (!packages->judged[i])
			continue;
		item->entry = packages->state.entries[i].entry;
		item->priority = verity_verified_manifest(
					 verity_package_verified(packages->judged[i]))
					 ->priority;
		item->index = i;
		packages->order_count++;
	}
	overlay_order_sort(packages->order, packages->order_count);
}

static void drop(struct packages *packages, size_t index)
{
	size_t kept = 0;

	for (size_t i = 0; i < packages->order_count; i++)
		if (packages->order[i].index != index)
			packages->order[kept++] = packages->order[i];
	packages->order_count = kept;
}

void packages_judge_again(struct packages *packages, const struct packages_judge *judge,
			  size_t index)
{
	struct verity_error why = {.code = VERITY_OK};

	verity_package_free(packages->judged[index]);
	packages->judged[index] = NULL;
	/* Accepted only where its file was replaced in this very moment. */
	if (packages_judge_one(packages, judge, index, &why) == 0 &&
	    packages->judged[index])
		verity_fail(&why, VERITY_E_BUSY, "its file changed while it was judged");
	if (why.code != VERITY_OK)
		packages_refuse(packages, index, &why);
	drop(packages, index);
}

int packages_load(const struct packages_judge *judge,
		  const struct overlay_bootconf *bootconf, struct packages *ret,
		  struct verity_error *err)
{
	cleanup_with(packages_free_p) struct packages packages = {
		.patience = judge->patience};
	int r = list(judge, &packages, err);

	if (r == 0)
		r = packages_judge_all(&packages, judge, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < packages.state.count; i++) {
		check_place(&packages, i);
		apply_bootconf(bootconf, &packages, i);
	}
	order(&packages);
	*ret = packages;
	memset(&packages, 0, sizeof(packages));
	return 0;
}
