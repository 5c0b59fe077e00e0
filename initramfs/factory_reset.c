/* SPDX-License-Identifier: MIT */
/* Decides whether a boot resets, reports it to the console, and records where DATA is. */
#include "initramfs/factory_reset.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "factory/data_probe.h"
#include "factory/reset.h"
#include "initramfs/log.h"
#include "initramfs/supervisor_pipe.h"
#include "overlay/fs/mountinfo.h"
#include "overlay/record/trust.h"
#include "verity/util/cleanup.h"
#include "verity/util/text.h"

#define STEP_SECONDS     1800 /* of one step: for the repair of a large disk */
#define STEP_SECONDS_MAX 1000000

/* From now on; where the time of a boot is limited at all. */
static void allow_time(const struct boot *boot, unsigned seconds)
{
	uint64_t begun = boot->steps[OVERLAY_STEP_PREPARE].start_us;
	uint64_t so_far = (overlay_clock_us() - begun) / 1000000;

	if (boot->config.boot_seconds > 0 && so_far < STEP_SECONDS_MAX)
		supervisor_tell(boot->budget.line, SUPERVISOR_LIMIT,
				(unsigned)so_far + seconds);
}

static void say(void *context, bool warning, const char *text)
{
	enum log_level level = warning ? LOG_LEVEL_WARNING : LOG_LEVEL_NOTICE;
	cleanup_file FILE *file = fopen("/proc/sys/kernel/printk", "re");
	int console = 0; /* the levels below it are shown on the console */
	char line[1024];

	allow_time(context, STEP_SECONDS);
	log_line(level, "factory reset: %s", text);
	snprintf(line, sizeof(line), "%s", text);
	if (file && fscanf(file, "%d", &console) != 1)
		console = 0;
	if (access("/dev/kmsg", W_OK) == 0 && console <= (int)level)
		fprintf(stderr, "wmopkg: factory reset: %s\n", verity_text_plain(line));
}

bool reset_is_due(const struct boot *boot, struct factory_journal *ret)
{
	return factory_journal_due(boot->record, boot->conf.factory_reset, ret);
}

/* The clock of a device that was off for long may be years late. */
static int64_t find_time(const struct boot *boot)
{
	cleanup_with(overlay_trust_free_p) struct overlay_trust *trust = NULL;
	const struct overlay_identity unknown = {.model = ""};
	const struct overlay_trust_inputs inputs = {
		.config = &boot->config,
		.bootconf = &boot->conf,
		.identity = &unknown,
		.record_fd = boot->record,
		.clock = time(NULL),
	};

	return overlay_trust_load(&inputs, &trust, NULL) < 0 ? inputs.clock
							     : overlay_trust_time(trust);
}

static void carry_out(struct boot *boot, const struct factory_journal *journal)
{
	struct factory_reset reset = {
		.config = &boot->config,
		.persist_fd = boot->persist,
		.record_fd = boot->record,
		.root = boot->root,
		.by_bootloader = boot->conf.factory_reset,
		.in_uboot = boot->conf.factory_reset &&
			    boot->conf.origin[OVERLAY_BOOT_FACTORY_RESET] ==
				    OVERLAY_BOOT_UBOOT,
		.now = find_time(boot),
		.say = say,
		.context = boot,
		.data_fd = steal_fd(&boot->data),
	};
	struct verity_error why = {.code = VERITY_OK};
	char text[VERITY_MESSAGE_MAX + 128];
	int line = boot->budget.line;

	if (factory_reset_run(&reset, journal, &why) < 0) {
		snprintf(text, sizeof(text), "%s: %s: %s (the next boot tries again)",
			 reset.step == FACTORY_ASKED ? "refused, nothing was deleted"
			 : factory_step_wipes(reset.step)
				 ? "not finished, DATA is left out of this boot"
			 : reset.step == FACTORY_PURGE
				 ? "DATA is empty, but not PERSIST, whose packages are "
				   "left out of this boot"
				 : "DATA is empty, but that is not kept on PERSIST",
			 verity_code_name(why.code), why.message);
		say(boot, true, text);
	}
	boot->data = reset.data_fd;
	/* Its records stay in force: a package must not outlive the deny list. */
	if (reset.step == FACTORY_PURGE) {
		cleanup_fd_p(&boot->persist);
		boot->persist = -1;
	}
	/* Its time does not count against the packages. */
	boot->budget =
		boot_budget_new(boot->config.package_seconds, boot->config.boot_seconds);
	boot->budget.line = line;
	allow_time(boot, boot->config.boot_seconds);
}

/* The device that a folder is mounted from; NULL where it is no file system of its own */
static char *device_of(int fd)
{
	cleanup_with(overlay_mountinfo_free_p) struct overlay_mountinfo *info = NULL;
	char link[64], path[PATH_MAX];
	ssize_t size;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	size = readlink(link, path, sizeof(path) - 1);
	if (size <= 0)
		return NULL;
	path[size] = '\0';
	if (overlay_mountinfo_get(path, &info, NULL) < 0 ||
	    strncmp(info->source, "/dev/", 5) != 0)
		return NULL;
	return strdup(info->source);
}

/* Records DATA's volume while its file system can be read. */
static void remember_volume(const struct boot *boot)
{
	const char *spec = boot->config.data;
	cleanup_free char *device = NULL;
	cleanup_free char *rival = NULL;
	cleanup_fd int fd = -1;
	struct factory_probe probe;
	const struct factory_volume *volume = &probe.volume;
	struct verity_error why;
	struct stat st;

	if (boot->data < 0 || boot->record < 0 ||
	    (spec[0] == '/' && stat(spec, &st) == 0 && S_ISDIR(st.st_mode)))
		return;
	device = device_of(boot->data);
	if (device)
		rival = factory_volume_rival(boot->record, spec, device);
	fd = device && !rival ? open(device, O_RDONLY | O_CLOEXEC) : -1;
	if (fd < 0 || factory_volume_probe(fd, device, &probe, NULL) < 0 ||
	    !volume->filesystem.type[0] || !volume->place[0] || volume->bytes == 0)
		return;
	if (factory_volume_remember(boot->record, volume, &why) < 0)
		log_line(LOG_LEVEL_WARNING, "%s", why.message);
}

void reset_run(struct boot *boot)
{
	struct factory_journal journal;
	bool due = reset_is_due(boot, &journal);
	struct verity_error why;

	if (due && boot->record < 0) {
		say(boot, true,
		    "refused, nothing was deleted: there is no PERSIST to remember it on");
		return;
	}
	/* A setting of the bootloader is one request for as long as it is set. */
	if (!due && boot->record >= 0 && !boot->conf_unread &&
	    factory_obeyed(boot->record)) {
		if (boot->conf.factory_reset)
			log_line(LOG_LEVEL_NOTICE,
				 "factory reset: wmopkg.factory_reset=1 was obeyed, and "
				 "is still set: it counts again after a boot without it");
		else if (factory_obeyed_set(boot->record, false, &why) < 0)
			log_line(LOG_LEVEL_WARNING, "%s", why.message);
	}
	remember_volume(boot);
	if (due)
		carry_out(boot, &journal);
}
