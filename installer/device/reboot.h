/* SPDX-License-Identifier: MIT */
#pragma once

/* Reboots the device. */

#include "verity/util/error.h"

/**
 * reboot_device - run the program of the firmware, so that its services are stopped
 * properly
 *
 * Return: 0 where it was asked for; negative where it was not.
 */
int reboot_device(struct verity_error *err) must_check;
