/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "overlay/config/bootconf_private.h"

#define PREFIX "wmopkg."

static const struct {
	const char *name;
	const char *takes; /* after "takes" */
} infos[OVERLAY_BOOTKEYS] = {
	[OVERLAY_BOOT_ALLOW_UNTRUSTED] = {PREFIX "allow_untrusted", "0 or 1"},
	[OVERLAY_BOOT_SAFE] = {PREFIX "safe", "0 or 1"},
	[OVERLAY_BOOT_FACTORY_RESET] = {PREFIX "factory_reset", "0 or 1"},
	[OVERLAY_BOOT_DISABLE] = {PREFIX "disable",
				  "package names, each once, with a comma between them"},
	[OVERLAY_BOOT_MEDIA] = {PREFIX "media",
				"LABEL:MATCH[,LABEL:MATCH...], where MATCH is LABEL=, "
				"UUID=, PARTLABEL=, or a path below /dev"},
};

const char *overlay_bootkey_name(enum overlay_bootkey key)
{
	return infos[key].name;
}

int overlay_bootkey_find(const char *text, enum overlay_bootkey *ret,
			 struct verity_error *err)
{
	size_t prefix = strlen(PREFIX);
	char names[256] = "";

	for (int key = 0; key < OVERLAY_BOOTKEYS; key++) {
		const char *name = infos[key].name;
		size_t used = strlen(names);

		if (strcmp(text, name) == 0 || strcmp(text, name + prefix) == 0) {
			*ret = (enum overlay_bootkey)key;
			return 0;
		}
		snprintf(names + used, sizeof(names) - used, "%s%s", used ? ", " : "",
			 name + prefix);
	}
	return verity_fail(err, VERITY_E_USAGE,
			   "'%s' is no word of the boot configuration: those are %s",
			   text, names);
}

static void append(char *ret, size_t size, const char *text)
{
	size_t used = strlen(ret);

	snprintf(ret + used, size - used, "%s", text);
}

static void list_disabled(const struct overlay_bootconf *conf, char *ret, size_t size)
{
	for (size_t i = 0; i < conf->disabled_count; i++) {
		append(ret, size, i ? "," : "");
		append(ret, size, conf->disabled[i]);
	}
}

static void list_media(const struct overlay_bootconf *conf, char *ret, size_t size)
{
	for (size_t i = 0; i < conf->media_count; i++) {
		append(ret, size, i ? "," : "");
		append(ret, size, conf->media[i].label);
		append(ret, size, ":");
		append(ret, size, conf->media[i].match);
	}
}

void overlay_bootkey_value(const struct overlay_bootconf *conf, enum overlay_bootkey key,
			   char *ret, size_t size)
{
	ret[0] = '\0';
	if (!conf->origin[key])
		return;
	switch (key) {
	case OVERLAY_BOOT_ALLOW_UNTRUSTED:
		append(ret, size, conf->allow_untrusted ? "1" : "0");
		break;
	case OVERLAY_BOOT_SAFE:
		append(ret, size, conf->safe ? "1" : "0");
		break;
	case OVERLAY_BOOT_FACTORY_RESET:
		append(ret, size, conf->factory_reset ? "1" : "0");
		break;
	case OVERLAY_BOOT_DISABLE:
		list_disabled(conf, ret, size);
		break;
	case OVERLAY_BOOT_MEDIA:
		list_media(conf, ret, size);
		break;
	case OVERLAY_BOOTKEYS:
		break;
	}
}

/* What is understood as a whole reads as it was written. */
int overlay_bootkey_check(enum overlay_bootkey key, const char *value,
			  struct verity_error *err)
{
	struct overlay_bootconf conf = {.safe = false};
	char understood[OVERLAY_BOOT_VALUE_MAX];

	overlay_bootconf_take(key, value, &conf);
	overlay_bootkey_value(&conf, key, understood, sizeof(understood));
	if (value[0] && strcmp(understood, value) == 0)
		return 0;
	return verity_fail(err, VERITY_E_USAGE, "%s takes %s", infos[key].name,
			   infos[key].takes);
}
