/* SPDX-License-Identifier: MIT */
/*
 * What an attacker does who has taken over a process without rights:
 *
 *	misbehave WITHOUT RULES ACTION [ARGUMENT]
 *
 * WITHOUT: mask of the pieces that are left out; RULES: "fetch", "port=N", "agent=PATH"
 *or "probe". With "probe" the process is a copy of this one, as that which reads media;
 *else it is a program, as that which talks to servers. Prints "done", "refused: REASON"
 *or "killed: SIGNAL"; and with ACTION "pieces" those that are in force.
 */
#include "installer/sandbox/sandbox.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define TARGET_BYTES (1UL << 30)
#define STEP_BYTES   (16UL << 20)

#define INSIDE "misbehave-inside" /* argv[0] of the program that is started */

static int result(bool done)
{
	return done ? 0 : errno ? errno : EIO;
}

static int read_file(const char *path)
{
	int fd = open(path, O_RDONLY);
	char byte;

	return result(fd >= 0 && read(fd, &byte, 1) >= 0);
}

static int write_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT, 0600);

	return result(fd >= 0 && write(fd, "x", 1) == 1);
}

static int make_folder(const char *path)
{
	return result(mkdir(path, 0700) == 0);
}

static int remove_file(const char *path)
{
	return result(unlink(path) == 0);
}

static int rename_file(const char *path)
{
	char other[4096];

	snprintf(other, sizeof(other), "%s.moved", path);
	return result(rename(path, other) == 0);
}

static int list_folder(const char *path)
{
	DIR *dir = opendir(path);
	const struct dirent *item = NULL;

	while (dir && (item = readdir(dir)) && item->d_name[0] == '.')
		continue;
	return result(item);
}

static int read_descriptor(const char *number)
{
	char byte;

	errno = ENODATA;
	return result(pread(atoi(number), &byte, 1, 0) > 0);
}

static int read_environment(const char *name)
{
	errno = ENOENT;
	return result(getenv(name));
}

static int signal_parent(const char *unused)
{
	(void)unused;
	return result(kill(getppid(), SIGCONT) == 0);
}

static int trace_parent(const char *unused)
{
	(void)unused;
	return result(ptrace(PTRACE_SEIZE, getppid(), NULL, NULL) == 0);
}

static int open_memory_of_parent(const char *unused)
{
	char path[64];

	(void)unused;
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)getppid());
	return result(open(path, O_RDONLY) >= 0);
}

/* Where something is in there is given: an attacker may have found out. */
static int read_memory_of_parent(const char *address)
{
	char byte;
	const struct iovec here = {&byte, 1};
	const struct iovec there = {(void *)strtoul(address, NULL, 16), 1};

	return result(process_vm_readv(getppid(), &here, 1, &there, 1, 0) == 1);
}

static int start_process(const char *unused)
{
	pid_t child = fork();

	(void)unused;
	if (child == 0)
		_exit(0);
	return result(child > 0);
}

static int run_program(const char *path)
{
	execl(path, path, (char *)NULL);
	return result(false);
}

static int make_program(const char *unused)
{
	(void)unused;
	return result(mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
}

static int become_root(const char *unused)
{
	(void)unused;
	return result(setresuid(0, 0, 0) == 0);
}

static int fill_memory(const char *unused)
{
	(void)unused;
	for (size_t bytes = 0; bytes < TARGET_BYTES; bytes += STEP_BYTES)
		if (mmap(NULL, STEP_BYTES, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED)
			return result(false);
	return 0;
}

static int fill_memory_with_files(const char *unused)
{
	int fd = memfd_create("x", 0);

	(void)unused;
	return result(fd >= 0 && write(fd, "x", 1) == 1);
}

static int open_many(const char *unused)
{
	(void)unused;
	for (int i = 0; i < 500; i++)
		if (dup(STDIN_FILENO) < 0)
			return result(false);
	return 0;
}

static int connect_unix(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t size = strlen(path);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	/* "@NAME" is an abstract one. */
	memcpy(address.sun_path, path, size);
	if (path[0] == '@')
		address.sun_path[0] = '\0';
	return result(fd >= 0 &&
		      connect(fd, (struct sockaddr *)&address,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size +
					  (path[0] != '@'))) == 0);
}

/* Requests of the ssh agent, each a type, with one byte after it. */
static int ask_agent(const char *types)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const char *path = getenv("SSH_AUTH_SOCK");
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	bool asked = fd >= 0 && path;
	char answer[5];

	if (asked) {
		strcpy(address.sun_path, path);
		asked = connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
	}
	while (asked && *types) {
		const char request[] = {
			0,  0, 0, 2, (char)strtol(types, (char **)(uintptr_t)&types, 10),
			'x'};

		/* in two parts, as whoever wants to pass by a filter */
		asked = write(fd, request, 4) == 4 && usleep(1000) == 0 &&
			write(fd, request + 4, 2) == 2 &&
			read(fd, answer, sizeof(answer)) == (ssize_t)sizeof(answer);
	}
	errno = ECONNRESET;
	return result(asked);
}

static int connect_tcp(const char *port)
{
	const struct sockaddr_in address = {.sin_family = AF_INET,
					    .sin_port = htons((uint16_t)atoi(port)),
					    .sin_addr = {htonl(INADDR_LOOPBACK)}};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	return result(fd >= 0 && connect(fd, (const struct sockaddr *)&address,
					 sizeof(address)) == 0);
}

static int listen_tcp(const char *unused)
{
	const struct sockaddr_in address = {.sin_family = AF_INET,
					    .sin_addr = {htonl(INADDR_LOOPBACK)}};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	(void)unused;
	return result(fd >= 0 &&
		      bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 &&
		      listen(fd, 1) == 0);
}

static int open_socket(const char *family)
{
	int number = atoi(family);

	return result(socket(number, SOCK_RAW, IPPROTO_ICMP) >= 0);
}

static int mount_something(const char *path)
{
	return result(mount("x", path, "tmpfs", 0, NULL) == 0 && umount(path) == 0);
}

static int make_namespaces(const char *unused)
{
	(void)unused;
	return result(unshare(CLONE_NEWUSER) == 0);
}

static int raise_limits(const char *unused)
{
	const struct rlimit limit = {1 << 20, 1 << 20};

	(void)unused;
	return result(setrlimit(RLIMIT_FSIZE, &limit) == 0);
}

static int steer_terminal(const char *unused)
{
	int fd = open("/dev/tty", O_RDWR);

	(void)unused;
	return result(fd >= 0 && ioctl(fd, TIOCSTI, "x") == 0);
}

static void *do_nothing(void *context)
{
	return context;
}

/* No attack: it is allowed where names are looked up. */
static int start_thread(const char *unused)
{
	pthread_t thread;
	int r = pthread_create(&thread, NULL, do_nothing, NULL);

	(void)unused;
	return r ? r : pthread_join(thread, NULL);
}

static _Noreturn int wait_forever(const char *unused)
{
	(void)unused;
	for (;;)
		pause();
}

static const struct action {
	const char *name;
	int (*run)(const char *argument);
} actions[] = {
	{"read", read_file},
	{"write", write_file},
	{"mkdir", make_folder},
	{"unlink", remove_file},
	{"rename", rename_file},
	{"list", list_folder},
	{"descriptor", read_descriptor},
	{"environment", read_environment},
	{"signal", signal_parent},
	{"trace", trace_parent},
	{"memory", open_memory_of_parent},
	{"peek", read_memory_of_parent},
	{"fork", start_process},
	{"exec", run_program},
	{"program", make_program},
	{"root", become_root},
	{"fill", fill_memory},
	{"memfd", fill_memory_with_files},
	{"files", open_many},
	{"unix", connect_unix},
	{"agent", ask_agent},
	{"tcp", connect_tcp},
	{"listen", listen_tcp},
	{"socket", open_socket},
	{"mount", mount_something},
	{"unshare", make_namespaces},
	{"setrlimit", raise_limits},
	{"terminal", steer_terminal},
	{"thread", start_thread},
	{"wait", wait_forever},
};

struct attack {
	const struct action *action;
	const char *argument;
};

static bool choose(const char *const *words, struct sandbox_rules *ret_rules,
		   struct attack *ret)
{
	*ret_rules = (struct sandbox_rules){
		.uid = 65534,
		.gid = 65534,
		.memory_bytes = 64 << 20,
		.without = (unsigned)atoi(words[0]),
		.any_port = strcmp(words[1], "fetch") == 0,
	};
	ret_rules->has_network = ret_rules->has_threads = strcmp(words[1], "probe") != 0;
	if (strncmp(words[1], "port=", 5) == 0)
		ret_rules->port = (uint16_t)atoi(words[1] + 5);
	*ret = (struct attack){.argument = words[3]};
	if (strncmp(words[1], "agent=", 6) == 0)
		ret_rules->agent = words[1] + 6;
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		if (strcmp(words[2], actions[i].name) == 0)
			ret->action = &actions[i];
	if (strcmp(words[2], "pieces") == 0)
		ret->action = &actions[0];
	return ret->action;
}

static int attack(void *context, const struct sandbox_inside *inside)
{
	const struct attack *attack = context;
	int r;

	errno = 0;
	r = attack->action->run(attack->argument);
	return write(inside->out, &r, sizeof(r)) == (ssize_t)sizeof(r) ? 0 : 1;
}

/* What the program does that start() has started. */
static int run_inside(const char *const *words)
{
	struct sandbox_inside inside;
	struct sandbox_rules rules;
	struct attack todo;

	close(SANDBOX_JOB);
	if (!choose(words, &rules, &todo) ||
	    sandbox_enter(&rules, getppid(), &inside) < 0)
		return 2;
	return attack(&todo, &inside);
}

static int start(const char *const *words, struct sandbox *ret, struct verity_error *err)
{
	const char *const argv[] = {INSIDE, words[0], words[1], words[2], words[3], NULL};
	static const char *const none[] = {NULL};
	const struct sandbox_program program = {
		.fd = open("/proc/self/exe", O_PATH | O_CLOEXEC),
		.argv = argv,
		.environment = none,
		.job = memfd_create("job", MFD_CLOEXEC),
	};
	struct sandbox_rules rules;
	struct attack todo;

	(void)choose(words, &rules, &todo);
	return rules.has_network ? sandbox_start_program(&program, ret, err)
				 : sandbox_start(&rules, attack, &todo, ret, err);
}

int main(int argc, char **argv)
{
	const char *words[4] = {"", "", "", ""};
	struct sandbox_rules rules;
	struct sandbox sandbox;
	struct verity_error err;
	struct attack todo;
	char text[256], address[32];
	int r = EINVAL, status;
	ssize_t count;

	if (argc < 4)
		return 2;
	for (int i = 1; i < argc && i <= 4; i++)
		words[i - 1] = argv[i];
	if (strcmp(argv[0], INSIDE) == 0)
		_exit(run_inside(words));
	snprintf(address, sizeof(address), "%p", (void *)stdout);
	if (strcmp(words[2], "peek") == 0)
		words[3] = address;
	if (!choose(words, &rules, &todo))
		return 2;
	if (start(words, &sandbox, &err) < 0) {
		fprintf(stderr, "%s\n", err.message);
		return 1;
	}
	if (strcmp(argv[3], "pieces") == 0) {
		sandbox_pieces_text(sandbox.pieces, text, sizeof(text));
		puts(text);
	}
	if (strcmp(argv[3], "wait") == 0) {
		printf("%d\n", (int)sandbox.pid);
		fflush(stdout);
	}
	count = read(sandbox.from, &r, sizeof(r));
	/* A program that runs in its place closes the pipe. */
	if (count == 0)
		waitid(P_PID, (id_t)sandbox.pid, &(siginfo_t){0}, WEXITED | WNOWAIT);
	status = sandbox_end(&sandbox);
	if (strcmp(argv[3], "pieces") == 0)
		return 0;
	if (count == 0 && WIFSIGNALED(status))
		printf("killed: %s\n", strsignal(WTERMSIG(status)));
	else if (count > 0 && r)
		printf("refused: %s\n", strerror(r));
	else
		puts("done");
	return 0;
}
