/* SPDX-License-Identifier: MIT */
/*
 * wmopkg-shutdown: lets go of DATA and PERSIST at the very end, where systemd is the
 * init.
 *
 * The stack that a device runs from holds the layers, these hold dm-verity devices, these
 * hold loop devices, and these hold the files of the packages, so that DATA and PERSIST
 * cannot be unmounted as long as a program of the root runs. So systemd-shutdown can
 * leave the root for /run/initramfs, and start /shutdown in there: see
 * https://systemd.io/INITRD_INTERFACE/. It is this program, and nothing else.
 *
 * --prepare copies it there, before the end, with the libraries that it has loaded.
 */

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <linux/reboot.h>
#include <mntent.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "overlay/fs/mkdir.h"
#include "verity/util/cleanup.h"

/* Where systemd-shutdown looks for it. */
#define FOLDER      "/run/initramfs"
#define PROGRAM     "/shutdown"
#define CHECK       "--check"
#define PREPARE     "--prepare"
#define REBOOT_WORD "/run/systemd/reboot-param"

/* Where systemd-shutdown puts the root, and where we put what is mounted in it and busy.
 */
#define OLD_ROOT "/oldroot"
#define HELD     "/held"

#define MOUNTS  "/proc/self/mounts"
#define OVERLAY "overlay"
#define STACK   "wmopkg" /* its source in the list of mounts */

#define TICK_MS 20
#define IDLE_MS 2000  /* nothing more was let go of for so long: it will not be */
#define LAST_MS 10000 /* then the device is switched off, whatever hangs */

DEFINE_CLEANUP(FILE, endmntent);

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void tick(void)
{
	const struct timespec nap = {.tv_nsec = TICK_MS * 1000000L};

	nanosleep(&nap, NULL);
}

/* To the kernel log: nothing else is there any more. */
__attribute__((format(printf, 1, 2))) static void warn(const char *format, ...)
{
	cleanup_fd int fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC | O_NOCTTY);
	char text[512], line[600];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	snprintf(line, sizeof(line), "<4>wmopkg: shutdown: %s\n", text);
	(void)!write(fd, line, strlen(line));
}

/* --prepare */

/* Without a stack there is nothing that only we can let go of. */
static bool is_stacked(void)
{
	cleanup_with(endmntent_p) FILE *list = setmntent(MOUNTS, "re");
	const struct mntent *mount;

	while (list && (mount = getmntent(list)) != NULL)
		if (strcmp(mount->mnt_type, OVERLAY) == 0 &&
		    strcmp(mount->mnt_fsname, STACK) == 0)
			return true;
	return false;
}

static int copy_bytes(int from, int to)
{
	struct stat st;
	off_t at = 0;

	if (fstat(from, &st) < 0)
		return -errno;
	while (at < st.st_size) {
		ssize_t count = sendfile(to, from, &at, (size_t)(st.st_size - at));

		if (count <= 0)
			return count < 0 ? -errno : -EIO;
	}
	return 0;
}

/* @to: a path within FOLDER */
static int copy_file(const char *from, const char *to)
{
	cleanup_free char *path = NULL;
	cleanup_fd int source = open(from, O_RDONLY | O_CLOEXEC), copy = -1;
	int r = 0;

	if (source < 0)
		return -errno;
	if (asprintf(&path, FOLDER "%s", to) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	*strrchr(path, '/') = '\0';
	r = overlay_folder_make(path, 0755, NULL);
	path[strlen(path)] = '/';
	if (r < 0)
		return r;
	copy = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	if (copy < 0)
		return errno == EEXIST ? 0 : -errno;
	return copy_bytes(source, copy);
}

/* By the paths under which they were found, and will be again. */
static int copy_object(struct dl_phdr_info *object, size_t size, void *data)
{
	(void)size;
	(void)data;
	return object->dlpi_name && object->dlpi_name[0] == '/'
		       ? copy_file(object->dlpi_name, object->dlpi_name)
		       : 0;
}

/* It starts, and finds its libraries without help from the environment. */
static int check_copy(void)
{
	static char *const nothing[] = {NULL};
	int status;
	pid_t pid = fork();

	if (pid < 0)
		return -errno;
	if (pid == 0) {
		if (chroot(FOLDER) == 0 && chdir("/") == 0)
			execle(PROGRAM, PROGRAM, CHECK, NULL, nothing);
		_exit(EXIT_FAILURE);
	}
	if (waitpid(pid, &status, 0) != pid)
		return -errno;
	return status == 0 ? 0 : -ENOEXEC;
}

/* A file system of its own: /run may be noexec, and almost full. */
static int fill(void)
{
	int r;

	if (mkdir(FOLDER, 0755) < 0 && errno != EEXIST)
		return -errno;
	if (mount("wmopkg-shutdown", FOLDER, "tmpfs", MS_NOSUID | MS_NODEV,
		  "mode=0700,size=16m") < 0)
		return -errno;
	r = copy_file("/proc/self/exe", PROGRAM);
	if (r == 0)
		r = dl_iterate_phdr(copy_object, NULL);
	if (r == 0)
		r = check_copy();
	if (r < 0)
		(void)umount2(FOLDER, MNT_DETACH);
	return r;
}

/* What fails here must not look like a failure of the shutdown, which goes on. */
static int prepare(void)
{
	int r = 0;

	umask(022);
	if (access(FOLDER PROGRAM, F_OK) < 0 && is_stacked())
		r = fill();
	if (r < 0)
		warn("DATA and PERSIST are only made read-only: %s: %s", FOLDER,
		     strerror(-r));
	return EXIT_SUCCESS;
}

/* The end */

/* What is mounted where; owned. */
struct target {
	char *source, *type, *path;
};

/* In the order of mounting. */
struct targets {
	struct target *items;
	size_t count;
};

static void targets_free(struct targets *targets)
{
	for (size_t i = 0; i < targets->count; i++) {
		free(targets->items[i].source);
		free(targets->items[i].type);
		free(targets->items[i].path);
	}
	free(targets->items);
}

/* What this program itself needs, and what never holds anything. */
static bool is_kept(const char *target)
{
	static const char *const kept[] = {"/dev", "/proc", "/sys"};

	if (strcmp(target, "/") == 0 || strcmp(target, "/run") == 0)
		return true;
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		size_t size = strlen(kept[i]);

		if (strncmp(target, kept[i], size) == 0 &&
		    (target[size] == '/' || target[size] == '\0'))
			return true;
	}
	return false;
}

static int targets_read(struct targets *ret)
{
	cleanup_with(endmntent_p) FILE *list = setmntent(MOUNTS, "re");
	const struct mntent *mount;

	*ret = (struct targets){.count = 0};
	if (!list)
		return -errno;
	while ((mount = getmntent(list)) != NULL) {
		struct target *grown, *target;

		if (is_kept(mount->mnt_dir))
			continue;
		grown = reallocarray(ret->items, ret->count + 1, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		ret->items = grown;
		target = &grown[ret->count++];
		*target =
			(struct target){strdup(mount->mnt_fsname),
					strdup(mount->mnt_type), strdup(mount->mnt_dir)};
		if (!target->source || !target->type || !target->path)
			return -ENOMEM;
	}
	return 0;
}

/*
 * DATA is held by the root, and is mounted in it, so that neither can be unmounted before
 * the other: it is moved out of the root.
 *
 * Return: whether it was there.
 */
static bool move_out(const char *target, size_t number)
{
	char to[sizeof(HELD) + 24];

	if (strncmp(target, OLD_ROOT "/", sizeof(OLD_ROOT)) != 0)
		return false;
	snprintf(to, sizeof(to), HELD "/%zu", number);
	return overlay_folder_make(to, 0700, NULL) == 0 &&
	       mount(target, to, NULL, MS_MOVE, NULL) == 0;
}

/*
 * @moved: how many were moved out of the root until now
 * @ret_left: how many are still mounted
 *
 * Return: how many were unmounted or moved.
 */
static size_t unmount_once(size_t *moved, size_t *ret_left)
{
	cleanup_with(targets_free) struct targets targets;
	size_t done = 0;

	*ret_left = 0;
	if (targets_read(&targets) < 0)
		return 0;
	for (size_t i = targets.count; i-- > 0;) {
		if (umount2(targets.items[i].path, UMOUNT_NOFOLLOW) == 0) {
			done++;
			continue;
		}
		++*ret_left;
		if (errno == EBUSY && move_out(targets.items[i].path, *moved)) {
			++*moved;
			done++;
		}
	}
	return done;
}

/* What is left gets as clean as it can be. */
static void make_read_only(void)
{
	cleanup_with(targets_free) struct targets targets;

	if (targets_read(&targets) < 0)
		return;
	for (size_t i = targets.count; i-- > 0;) {
		const struct target *target = &targets.items[i];

		(void)mount(NULL, target->path, NULL, MS_REMOUNT | MS_RDONLY, NULL);
		warn("%s (%s) is still in use", target->source, target->type);
	}
}

/*
 * Once the root is unmounted, the kernel lets go of the rest by and by: the layers, their
 * devices, and the files behind them.
 */
static void let_go(void)
{
	int64_t last = now_ms();
	size_t left = 1, moved = 0;

	while (left > 0 && now_ms() - last < IDLE_MS) {
		if (unmount_once(&moved, &left) > 0)
			last = now_ms();
		else if (left > 0)
			tick();
	}
	if (left > 0)
		make_read_only();
	sync();
}

/* What the next boot is to be told, as `systemctl reboot WORD` has it. */
static void restart(void)
{
	char word[256];
	cleanup_fd int fd = open(REBOOT_WORD, O_RDONLY | O_CLOEXEC);
	ssize_t size = fd < 0 ? 0 : read(fd, word, sizeof(word) - 1);

	if (size > 0) {
		word[size] = '\0';
		word[strcspn(word, "\n")] = '\0';
		(void)syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2,
			      LINUX_REBOOT_CMD_RESTART2, word);
	}
}

static void end(const char *verb)
{
	static const struct {
		const char *verb;
		unsigned command;
	} ends[] = {
		{"poweroff", LINUX_REBOOT_CMD_POWER_OFF},
		{"halt", LINUX_REBOOT_CMD_HALT},
		{"kexec", LINUX_REBOOT_CMD_KEXEC},
		{"exit", LINUX_REBOOT_CMD_POWER_OFF},
	};

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (verb && strcmp(verb, ends[i].verb) == 0)
			(void)syscall(SYS_reboot, LINUX_REBOOT_MAGIC1,
				      LINUX_REBOOT_MAGIC2, ends[i].command, NULL);
	/* to reboot, or where the kernel could not do that */
	restart();
	(void)syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2,
		      LINUX_REBOOT_CMD_RESTART, NULL);
}

/* As the first process: its end would be a panic. Storage that hangs costs LAST_MS. */
static void shut_down(const char *verb)
{
	int64_t until = now_ms() + LAST_MS;
	pid_t pid = fork();

	if (pid == 0) {
		let_go();
		_exit(EXIT_SUCCESS);
	}
	while (pid > 0 && waitpid(pid, NULL, WNOHANG) == 0 && now_ms() < until)
		tick();
	end(verb);
	for (;;)
		pause();
}

int main(int argc, char **argv)
{
	/* also the first process of a container is number 1, and has no old root */
	if (getpid() == 1 && access(OLD_ROOT, F_OK) == 0)
		shut_down(argc > 1 ? argv[1] : NULL);
	if (argc == 2 && strcmp(argv[1], PREPARE) == 0)
		return prepare();
	if (argc == 2 && strcmp(argv[1], CHECK) == 0)
		return EXIT_SUCCESS;
	fputs("Usage: wmopkg-shutdown " PREPARE "\n"
	      "\n"
	      "Make ready what unmounts DATA and PERSIST after systemd has left the root.\n"
	      "Called by wmopkg-shutdown.service; see docs/boot.md.\n",
	      stderr);
	return 2;
}
