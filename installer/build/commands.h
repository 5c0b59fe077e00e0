/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The commands of wmopkg-build. Each gets its own words, argv[0] being its name, and
 * prints its result and its errors.
 */

#include "installer/build/options.h"
#include "installer/common/report.h"

enum exit_status build_create(int argc, char **argv);
enum exit_status build_sign(int argc, char **argv);
enum exit_status build_inspect(int argc, char **argv);
enum exit_status build_extract(int argc, char **argv);
enum exit_status build_unlock(int argc, char **argv);
enum exit_status build_denylist(int argc, char **argv);
enum exit_status build_catalog(int argc, char **argv);
enum exit_status build_set(int argc, char **argv);
enum exit_status build_base(int argc, char **argv);
enum exit_status build_keys(int argc, char **argv);

/* Their options, for help; each table ends with a NULL name. */
extern const struct build_option build_manifest_options[];
extern const struct build_option build_create_options[];
extern const struct build_option build_unlock_options[];
extern const struct build_option build_denylist_options[];
extern const struct build_option build_catalog_options[];
extern const struct build_option build_inspect_options[];
extern const struct build_option build_set_options[];
