/* SPDX-License-Identifier: MIT */
/* Compares what a boot found with what the configuration requires. */
#include "overlay/record/requirements.h"

#include <string.h>

bool overlay_requirements_exist(const struct overlay_config *config)
{
	return config->require_persist || config->require_packages_count > 0;
}

bool overlay_requirements_has(const struct overlay_config *config, const char *name)
{
	for (size_t i = 0; i < config->require_packages_count; i++)
		if (strcmp(config->require_packages[i], name) == 0)
			return true;
	return false;
}

int overlay_requirements_persist(const struct overlay_config *config, bool mounted,
				 bool read, const struct verity_error *lost,
				 struct verity_error *err)
{
	if (!config->require_persist || (mounted && read && !lost))
		return 0;
	if (mounted && read)
		return verity_fail(err, VERITY_E_REQUIRED,
				   "PERSIST (%s) is required, and not all of its records "
				   "can be used: %s",
				   config->persist, lost->message);
	return verity_fail(err, VERITY_E_REQUIRED, "PERSIST (%s) is required, and %s",
			   config->persist,
			   mounted ? "cannot be read" : "is not mounted");
}

/* A package with this name that counts, else one that does not; NULL: none. */
static const struct overlay_state_entry *find(const struct overlay_state *state,
					      const char *name, bool stacked,
					      bool *ret_counts)
{
	const struct overlay_state_entry *found = NULL;

	*ret_counts = false;
	for (size_t i = 0; !*ret_counts && i < state->count; i++) {
		const struct overlay_state_entry *entry = &state->entries[i];

		if (strcmp(entry->identity, name) != 0)
			continue;
		*ret_counts = entry->verdict == VERITY_SIGNED &&
			      entry->reason.code == VERITY_OK &&
			      (entry->active || !stacked);
		if (*ret_counts || !found)
			found = entry;
	}
	return found;
}

int overlay_requirements_packages(const struct overlay_config *config,
				  const struct overlay_state *state, bool stacked,
				  struct verity_error *err)
{
	for (size_t i = 0; i < config->require_packages_count; i++) {
		const char *name = config->require_packages[i];
		const struct overlay_state_entry *entry;
		bool counts;

		entry = find(state, name, stacked, &counts);
		if (counts)
			continue;
		if (!entry)
			return verity_fail(err, VERITY_E_REQUIRED,
					   "the package %s is required, and is not "
					   "installed",
					   name);
		return verity_fail(err, VERITY_E_REQUIRED,
				   "the package %s is required, and is not both Signed "
				   "and active: %s: %s",
				   name, verity_code_name(entry->reason.code),
				   entry->reason.message);
	}
	return 0;
}
