/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What this device never goes below again: the epoch that each package name has run
 * with, the time, and the number of the deny list. Kept on PERSIST as JSON; only rises.
 */

#include "verity/util/name.h"

#include <stddef.h>
#include <stdint.h>

#define VERITY_FLOORS_MAX 4096                  /* names */
#define VERITY_TIME_MAX   INT64_C(253402300799) /* 9999-12-31 23:59:59 UTC */

struct verity_floor {
	char name[VERITY_NAME_MAX + 1];
	uint32_t epoch;
};

/* Plain data; { 0 } is a device that has run nothing. */
struct verity_floors {
	int64_t time;                /* seconds since 1970 */
	uint32_t denylist;           /* number; 0: none was ever in force */
	struct verity_floor *epochs; /* owned, by name; epochs of 0 are not kept */
	size_t count;
};

/**
 * verity_floors_decode - read JSON text
 * @ret: filled on success only; verity_floors_free()
 *
 * Return: 0; -EBADMSG (BAD_STATEMENT); -ENOMEM.
 */
int verity_floors_decode(const void *bytes, size_t size, struct verity_floors *ret,
			 struct verity_error *err) must_check;

/**
 * verity_floors_encode - write JSON text
 * @ret: 0-terminated, set on success only; free()
 */
int verity_floors_encode(const struct verity_floors *floors, char **ret,
			 struct verity_error *err) must_check;

/**
 * verity_floors_epoch - the floor of @name; 0 where there is none
 * @floors: NULL has none
 */
uint32_t verity_floors_epoch(const struct verity_floors *floors, const char *name);

/**
 * verity_floors_raise_epoch, verity_floors_raise_time, verity_floors_raise_denylist -
 * raise a floor, never lower it
 *
 * Return: 1 where it rose; 0 where it was as high; -ENOMEM; -E2BIG.
 */
int verity_floors_raise_epoch(struct verity_floors *floors, const char *name,
			      uint32_t epoch, struct verity_error *err) must_check;
bool verity_floors_raise_time(struct verity_floors *floors, int64_t when);
bool verity_floors_raise_denylist(struct verity_floors *floors, uint32_t number);

void verity_floors_free(struct verity_floors *floors);
