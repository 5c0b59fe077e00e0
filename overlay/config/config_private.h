/* SPDX-License-Identifier: MIT */
#pragma once

/* What the two files that read the configuration share. */

#include "overlay/config/config.h"

#include <confuse.h>

/*
 * What the callbacks of libconfuse need. The library hands them nothing of ours, so they
 * find it through the first option, whose value lies in @config, at its start.
 */
struct overlay_config_reading {
	struct overlay_config config;
	const char *path;
	struct verity_error *err;
	bool told; /* the first complaint is the one that helps */
};

static inline struct overlay_config_reading *overlay_config_reading(cfg_t *cfg)
{
	return (struct overlay_config_reading *)(void *)cfg->opts[0].simple_value.ptr;
}

/**
 * overlay_config_check - have every value checked as it is read, and taken over where it
 * is not a string
 */
void overlay_config_check(cfg_t *cfg);

/**
 * overlay_config_is_taken - whether a name within DATA is in use already
 */
bool overlay_config_is_taken(const char *target);

/* Callbacks of libconfuse for what says how the stack is made. */
int overlay_config_check_hierarchies(cfg_t *cfg, cfg_opt_t *opt);
int overlay_config_take_upper(cfg_t *cfg, cfg_opt_t *opt);
