/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The functions behind the rows of the command table (installer/shell/command_table.c).
 *
 * Each takes the device as it was opened for this command, and the words as the grammar
 * read them, both borrowed. It prints its result on stdout, and errors and warnings once
 * on stderr.
 *
 * Return: the exit status of the program.
 */

#include "installer/common/report.h"
#include "installer/device/device.h"
#include "installer/grammar/grammar.h"

enum exit_status command_audit(struct device *device, const struct words *words);
enum exit_status command_boot(struct device *device, const struct words *words);
enum exit_status command_boot_complete(struct device *device, const struct words *words);
enum exit_status command_conflicts(struct device *device, const struct words *words);
enum exit_status command_denylist(struct device *device, const struct words *words);
enum exit_status command_factory_reset(struct device *device, const struct words *words);
enum exit_status command_host_key(struct device *device, const struct words *words);
enum exit_status command_install(struct device *device, const struct words *words);
enum exit_status command_media(struct device *device, const struct words *words);
enum exit_status command_monitor(struct device *device, const struct words *words);
enum exit_status command_reboot(struct device *device, const struct words *words);
enum exit_status command_remove(struct device *device, const struct words *words);
enum exit_status command_retry(struct device *device, const struct words *words);
enum exit_status command_show(struct device *device, const struct words *words);
enum exit_status command_apply(struct device *device, const struct words *words);
enum exit_status command_undo(struct device *device, const struct words *words);
enum exit_status command_unlock(struct device *device, const struct words *words);
enum exit_status command_verify(struct device *device, const struct words *words);
enum exit_status command_which(struct device *device, const struct words *words);
