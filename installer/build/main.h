/* SPDX-License-Identifier: MIT */
#pragma once

/* wmopkg-build: its commands. Each gets its own words, argv[0] being its name. */

#include "installer/common/report.h"

enum exit_status build_create(int argc, char **argv);
enum exit_status build_sign(int argc, char **argv);
enum exit_status build_inspect(int argc, char **argv);
enum exit_status build_extract(int argc, char **argv);
enum exit_status build_unlock(int argc, char **argv);
enum exit_status build_denylist(int argc, char **argv);
enum exit_status build_keys(int argc, char **argv);
