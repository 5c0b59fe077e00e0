/* SPDX-License-Identifier: MIT */
#pragma once

/* A source, opened as the configuration of the device wants it. */

#include "installer/device/device.h"
#include "installer/fetch/source.h"

/**
 * device_source_open - source_open() with the authorities, host keys and fetch user of
 * the device
 * @request: those are set
 */
int device_source_open(struct device *device, struct source_request *request,
		       struct source **ret, struct verity_error *err) must_check;
