/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What must be there, or the device must not start: require_persist and require_packages
 * of the configuration, compared with what a boot found. Pure.
 */

#include "overlay/record/state.h"

/**
 * overlay_requirements_exist - whether the configuration requires anything
 */
bool overlay_requirements_exist(const struct overlay_config *config);

/**
 * overlay_requirements_has - whether a package is required
 * @name: the one in its manifest
 */
bool overlay_requirements_has(const struct overlay_config *config, const char *name);

/**
 * overlay_requirements_persist - check PERSIST, if it is required
 * @mounted: it is there
 * @read:    its store and its records can be read
 * @lost:    a record that cannot, as far as it matters: see overlay_trust_lost(); NULL:
 *           none
 *
 * Return: 0; -EPERM (REQUIRED).
 */
int overlay_requirements_persist(const struct overlay_config *config, bool mounted,
				 bool read, const struct verity_error *lost,
				 struct verity_error *err) must_check;

/**
 * overlay_requirements_packages - check that each required package is Signed and active
 * @state:   packages that are verified
 * @stacked: they are mounted, too; otherwise one that is not left out counts as active
 *
 * A required name is the one in the manifest: the name of a file is no proof.
 *
 * Return: 0; -EPERM (REQUIRED), with the reason of the package.
 */
int overlay_requirements_packages(const struct overlay_config *config,
				  const struct overlay_state *state, bool stacked,
				  struct verity_error *err) must_check;
