/* SPDX-License-Identifier: MIT */
/* The order in which a child gives up its rights, and how its parent hears of it. */
#include "installer/sandbox/sandbox.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "installer/sandbox/landlock.h"
#include "installer/sandbox/limits.h"
#include "installer/sandbox/private_root.h"
#include "installer/sandbox/relay.h"
#include "installer/sandbox/syscalls.h"
#include "verity/util/cleanup.h"
#include "verity/util/debug.h"
#include "verity/util/passing.h"

#define PIPE_BYTES   (1 << 20)
#define WAIT_MS      2000 /* for the end of a process that has closed its pipe */
#define WAIT_STEP_MS 10

/* What the resolver of the C library reads. */
static const char *const resolver_files[] = {
	"/etc/resolv.conf",
	"/etc/hosts",
	"/etc/nsswitch.conf",
	"/etc/host.conf",
	"/etc/gai.conf",
	"/etc/services",
	NULL,
};

/* In a root of its own there is nothing else. */
static const char *const whole_root[] = {"/", NULL};

static const char *const no_files[] = {NULL};

static const struct {
	enum sandbox_piece piece;
	const char *name;
} pieces[] = {
	{SANDBOX_USER, "user"},         {SANDBOX_PRIVILEGES, "no new privileges"},
	{SANDBOX_LIMITS, "limits"},     {SANDBOX_ROOT, "private root"},
	{SANDBOX_LANDLOCK, "Landlock"}, {SANDBOX_SYSCALLS, "seccomp"},
};

#define PIECE_COUNT (sizeof(pieces) / sizeof(pieces[0]))

/* What no process can do without. */
enum step {
	STEP_STREAMS,
	STEP_PROGRAM,
	STEP_FILES,
	STEP_USER,
	STEP_LIMITS,
	STEP_PRIVILEGES,
	STEP_ROOT,
	STEP_LANDLOCK,
	STEP_SYSCALLS,
};

#define TRY_AGAIN "free some memory and try again"

static const struct {
	const char *what, *hint;
} steps[] = {
	[STEP_STREAMS] = {"standard streams", "check /dev/null"},
	[STEP_PROGRAM] = {"its program", "check that it may be executed"},
	[STEP_FILES] = {"files for ssh", "mount /proc"},
	[STEP_USER] =
		{"another user",
		 "let it keep CAP_SETUID and CAP_SETGID: a container or a service may "
		 "take them away"},
	[STEP_LIMITS] = {"limits", "check the limits that it is started with"},
	[STEP_PRIVILEGES] = {"no new privileges", "see what forbids prctl()"},
	[STEP_ROOT] = {"a root of its own", TRY_AGAIN},
	[STEP_LANDLOCK] = {"Landlock", TRY_AGAIN},
	[STEP_SYSCALLS] = {"seccomp", TRY_AGAIN},
};

/* The first thing that the parent reads: before a byte of a stranger's was read. */
struct report {
	unsigned pieces;
	int failed;           /* errno that ended it; 0: it works */
	enum step step;       /* that it ended in */
	int why[PIECE_COUNT]; /* errno for each piece that is missing */
	int landlock;         /* version */
};

void sandbox_pieces_text(unsigned mask, char *ret, size_t size)
{
	size_t used = 0;

	ret[0] = '\0';
	for (size_t i = 0; i < PIECE_COUNT && used < size; i++)
		if (mask & pieces[i].piece)
			used += (size_t)snprintf(ret + used, size - used, "%s%s",
						 used ? ", " : "", pieces[i].name);
}

/* Notes what became of a piece, which a kernel may lack, or a container forbid. */
static void note(struct report *report, enum sandbox_piece piece, int r)
{
	size_t index = 0;

	while (pieces[index].piece != piece)
		index++;
	report->why[index] = -r;
	if (r == 0)
		report->pieces |= piece;
}

/* Likewise for a piece that must not be missing. Return: whether to go on. */
static bool note_needed(struct report *report, enum sandbox_piece piece, enum step step,
			int r)
{
	note(report, piece, r);
	report->failed = -r;
	report->step = step;
	return r == 0;
}

/*
 * Likewise for one that a kernel may lack: then it is missing each time. What is missing
 * now, and may be there at the next attempt, is no reason to do without.
 */
static bool note_lacking(struct report *report, enum sandbox_piece piece, enum step step,
			 int r)
{
	if (verity_errno_passes(r))
		return note_needed(report, piece, step, r);
	note(report, piece, r);
	return true;
}

/* Files in memory have a path only in /proc; in a root of its own they are there already.
 */
static int make_files(const struct sandbox_rules *rules, bool has_root,
		      struct sandbox_inside *inside)
{
	for (size_t i = 0; i < rules->file_count; i++) {
		const struct sandbox_file *file = &rules->files[i];
		struct sandbox_inside_file *made = &inside->files[i];
		int fd;

		snprintf(made->path, sizeof(made->path), "/%s", file->name);
		fd = has_root ? open(made->path,
				     (file->writable ? O_RDWR : O_RDONLY) | O_CLOEXEC)
			      : memfd_create(file->name, MFD_CLOEXEC);
		if (fd < 0 || (!has_root && ftruncate(fd, (off_t)file->size) < 0) ||
		    (!has_root && file->bytes &&
		     pwrite(fd, file->bytes, file->size, 0) != (ssize_t)file->size))
			return -errno;
		if (file->writable && file->size > 0) {
			made->bytes = mmap(NULL, file->size, PROT_READ | PROT_WRITE,
					   MAP_SHARED, fd, 0);
			if (made->bytes == MAP_FAILED)
				return -errno;
		}
		/* Stays open as long as the process, for its path. */
		if (!has_root)
			snprintf(made->path, sizeof(made->path), "/proc/self/fd/%d", fd);
		else
			close(fd);
		if (!has_root && access(made->path, R_OK) < 0)
			return -errno;
	}
	return 0;
}

/*
 * The agent can be asked at SSH_AUTH_SOCK in here. A process of root is followed by one
 * that passes on: @ret_relay is true in that one.
 */
static int offer_agent(const char *agent, bool is_root, bool has_root,
		       struct sandbox_relay *relay, bool *ret_relay)
{
	pid_t child = -1;
	int alive[2];

	if (is_root) {
		relay->listen =
			has_root && relay->agent >= 0 ? sandbox_relay_listen() : -1;
		if (relay->listen < 0)
			return 0;
		if (pipe2(alive, O_CLOEXEC) < 0)
			return -errno;
		child = fork();
		if (child < 0)
			return -errno;
		*ret_relay = child == 0;
		if (child > 0) {
			close(relay->agent);
			close(relay->listen);
			close(alive[0]);
		} else {
			close(alive[1]);
			relay->worker = alive[0];
		}
	}
	return setenv("SSH_AUTH_SOCK", is_root ? SANDBOX_RELAY_PATH : agent, 1) < 0
		       ? -errno
		       : 0;
}

/* A copy: the environment, which it is part of, is wiped. */
struct start {
	const struct sandbox_rules *rules;
	char *agent;
	pid_t parent;
	bool is_relay;
	struct sandbox_relay relay;
};

/* What can still be seen of the system is replaced by copies. */
static int leave_files(struct start *start, const char *const *readable,
		       struct sandbox_inside *inside, struct report *report)
{
	const struct sandbox_rules *rules = start->rules;
	bool is_root = geteuid() == 0;
	pid_t own = getpid();
	bool has_root;
	int r;

	if (is_root && start->agent)
		start->relay.agent = sandbox_relay_connect(start->agent);
	if (!(rules->without & SANDBOX_ROOT)) {
		r = is_root ? sandbox_root_enter(rules, readable) : -EPERM;
		if (!note_lacking(report, SANDBOX_ROOT, STEP_ROOT, r))
			return 0;
	}
	has_root = report->pieces & SANDBOX_ROOT;
	r = make_files(rules, has_root, inside);
	if (r == 0 && start->agent)
		r = offer_agent(start->agent, is_root, has_root, &start->relay,
				&start->is_relay);
	if (start->is_relay)
		start->parent = own;
	return r;
}

/* From the most general right to the most special: each step needs what the next takes.
 */
static void give_up_rights(struct start *start, struct sandbox_inside *inside,
			   struct report *report)
{
	const struct sandbox_rules *rules = start->rules;
	const char *const *readable = rules->has_network ? resolver_files : no_files;
	unsigned wanted = SANDBOX_PIECES_ALL & ~rules->without;
	/*
	 * C libraries with name services in libraries of their own load them when the
	 * first name is looked up: too late in here. They have no symbol that is needed.
	 */
	static const char *const names[] = {"libnss_files.so.2", "libnss_dns.so.2"};
	size_t used_bytes = sandbox_used_bytes();
	int r = 0;

	for (size_t i = 0; rules->has_network && i < sizeof(names) / sizeof(names[0]);
	     i++)
		(void)dlopen(names[i], RTLD_NOW | RTLD_GLOBAL);
	r = leave_files(start, readable, inside, report);
	if (r < 0) {
		report->failed = -r;
		report->step = STEP_FILES;
	}
	if (report->failed)
		return;
	if (geteuid() == 0 && (wanted & SANDBOX_USER) &&
	    !note_needed(report, SANDBOX_USER, STEP_USER, sandbox_switch_user(rules)))
		return;
	if ((wanted & SANDBOX_LIMITS) &&
	    !note_needed(report, SANDBOX_LIMITS, STEP_LIMITS,
			 sandbox_limit(rules, used_bytes, report->pieces & SANDBOX_USER)))
		return;
	/* A change of the user has reset both. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || prctl(PR_SET_DUMPABLE, 0) < 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		r = -errno;
	else if (getppid() != start->parent)
		r = -ESRCH; /* it is gone already */
	if (!note_needed(report, SANDBOX_PRIVILEGES, STEP_PRIVILEGES, r))
		return;
	if (wanted & SANDBOX_LANDLOCK) {
		report->landlock = r = sandbox_landlock_abi();
		if (r > 0)
			r = sandbox_landlock(rules, report->landlock,
					     report->pieces & SANDBOX_ROOT ? whole_root
									   : readable);
		if (!note_lacking(report, SANDBOX_LANDLOCK, STEP_LANDLOCK, r))
			return;
	}
	if (wanted & SANDBOX_SYSCALLS)
		(void)note_lacking(report, SANDBOX_SYSCALLS, STEP_SYSCALLS,
				   sandbox_filter_syscalls(rules));
}

static int tell(int out, const struct report *report)
{
	if (write(out, report, sizeof(*report)) != (ssize_t)sizeof(*report))
		return -EPIPE;
	return -report->failed;
}

/* With in and out of @inside. */
static int enter(const struct sandbox_rules *rules, pid_t parent,
		 struct sandbox_inside *inside)
{
	struct start start = {.rules = rules,
			      .agent = rules->agent ? strdup(rules->agent) : NULL,
			      .parent = parent,
			      .relay = {-1, -1, -1}};
	struct report report = {0};

	give_up_rights(&start, inside, &report);
	if (start.is_relay) {
		/* The end of the other process has to be the end of the pipe. */
		close(inside->in);
		close(inside->out);
		if (report.failed == 0)
			sandbox_relay_run(&start.relay);
		_exit(0);
	}
	inside->pieces = report.pieces;
	return tell(inside->out, &report);
}

int sandbox_enter(const struct sandbox_rules *rules, pid_t parent,
		  struct sandbox_inside *ret)
{
	struct sandbox_inside inside = {.in = SANDBOX_IN, .out = SANDBOX_OUT};
	int r = enter(rules, parent, &inside);

	if (r == 0)
		*ret = inside;
	return r;
}

/* What a child does; the ends of the pipes are its own. */
struct task {
	const struct sandbox_rules *rules;
	int (*work)(void *context, const struct sandbox_inside *inside);
	void *context;
	const struct sandbox_program *program; /* in place of the others; NULL: none */
	pid_t parent;
};

static _Noreturn void run(const struct task *task, int in, int out)
{
	const struct sandbox_rules *rules = task->rules;
	struct sandbox_inside inside = {.in = in, .out = out};
	int keep[SANDBOX_KEEP_MAX + 2] = {in, out};
	int r;

	memcpy(keep + 2, rules->keep, rules->keep_count * sizeof(*keep));
	r = sandbox_forget(NULL, keep, rules->keep_count + 2);
	if (r < 0)
		r = tell(out, &(struct report){.failed = -r, .step = STEP_STREAMS});
	else
		r = enter(rules, task->parent, &inside);
	/* Not exit(): its handlers belong to the parent. */
	_exit(r < 0 ? 1 : task->work(task->context, &inside));
}

/* Puts descriptors where the program looks for them; each may be where another goes. */
static int place(const struct sandbox_program *program, int in, int out, int *ret_file)
{
	const int from[] = {in, out, program->job, program->fd};
	int high[4];

	for (int i = 0; i < 4; i++) {
		high[i] = fcntl(from[i], F_DUPFD_CLOEXEC, SANDBOX_JOB + 1);
		if (high[i] < 0)
			return -errno;
	}
	for (int i = 0; i < 3; i++)
		if (dup2(high[i], SANDBOX_IN + i) < 0)
			return -errno;
	*ret_file = high[3];
	return 0;
}

static _Noreturn void run_program(const struct sandbox_program *program, int in, int out)
{
	struct report report = {.step = STEP_STREAMS};
	int file = -1;
	int r = place(program, in, out, &file);

	if (r == 0) {
		const int keep[] = {SANDBOX_IN, SANDBOX_OUT, SANDBOX_JOB, file};

		out = SANDBOX_OUT;
		r = sandbox_forget(program->environment, keep, 4);
	}
	if (r == 0) {
		report.step = STEP_PROGRAM;
		/* It takes the list, and changes none of it. */
		(void)fexecve(file, (char *const *)(uintptr_t)program->argv, environ);
		r = -errno;
	}
	report.failed = -r;
	_exit(tell(out, &report) < 0);
}

static int read_report(struct sandbox *sandbox, const struct sandbox_program *program,
		       struct verity_error *err)
{
	char text[256], why[128];
	struct report report;
	ssize_t count;

	do
		count = read(sandbox->from, &report, sizeof(report));
	while (count < 0 && errno == EINTR);
	if (count != (ssize_t)sizeof(report) && program)
		return verity_fail(
			err, VERITY_E_IO,
			"%s ended before it began (run %s --version: it prints "
			"what is missing, or that its version is another one)",
			program->argv[0], program->argv[0]);
	if (count != (ssize_t)sizeof(report))
		return verity_fail(err, VERITY_E_IO,
				   "the process without rights ended before it began");
	sandbox_pieces_text(report.pieces, text, sizeof(text));
	verity_debug("sandbox: in force: %s", text);
	if (report.pieces & SANDBOX_LANDLOCK)
		verity_debug("sandbox: Landlock version %d", report.landlock);
	for (size_t i = 0; i < PIECE_COUNT; i++)
		if (report.why[i])
			verity_debug("sandbox: without %s: %s", pieces[i].name,
				     verity_errno_text(report.why[i], why, sizeof(why)));
	if (report.failed)
		return verity_fail(err, VERITY_E_IO,
				   "a process without rights cannot be made: %s: %s (%s)",
				   steps[report.step].what,
				   verity_errno_text(report.failed, why, sizeof(why)),
				   steps[report.step].hint);
	sandbox->pieces = report.pieces;
	return 0;
}

static int start_task(const struct task *task, struct sandbox *ret,
		      struct verity_error *err)
{
	cleanup_with(sandbox_end_p) struct sandbox sandbox = {.from = -1, .to = -1};
	int up[2], down[2];
	cleanup_fd int out = -1;
	cleanup_fd int in = -1;
	int r;

	if (pipe2(up, O_CLOEXEC) < 0)
		return verity_fail_errno(err, errno, "pipe");
	sandbox.from = up[0];
	out = up[1];
	if (pipe2(down, O_CLOEXEC) < 0)
		return verity_fail_errno(err, errno, "pipe");
	in = down[0];
	sandbox.to = down[1];
	(void)fcntl(out, F_SETPIPE_SZ, PIPE_BYTES);
	/* A child of the same user could open the memory of this process. */
	if (geteuid() != 0)
		(void)prctl(PR_SET_DUMPABLE, 0);
	fflush(NULL);
	sandbox.pid = fork();
	if (sandbox.pid < 0)
		return verity_fail_errno(err, errno, "fork");
	if (sandbox.pid == 0 && task->program)
		run_program(task->program, in, out);
	if (sandbox.pid == 0)
		run(task, in, out);
	/* So that the end of the child is the end of the pipe. */
	close(steal_fd(&out));
	close(steal_fd(&in));
	r = read_report(&sandbox, task->program, err);
	if (r < 0)
		return r;
	*ret = sandbox;
	sandbox = (struct sandbox){.from = -1, .to = -1};
	return 0;
}

int sandbox_start(const struct sandbox_rules *rules,
		  int (*work)(void *context, const struct sandbox_inside *inside),
		  void *context, struct sandbox *ret, struct verity_error *err)
{
	const struct task task = {
		.rules = rules, .work = work, .context = context, .parent = getpid()};

	return start_task(&task, ret, err);
}

int sandbox_start_program(const struct sandbox_program *program, struct sandbox *ret,
			  struct verity_error *err)
{
	const struct task task = {.program = program};

	return start_task(&task, ret, err);
}

int sandbox_wait(struct sandbox *sandbox)
{
	const struct timespec pause = {.tv_nsec = WAIT_STEP_MS * 1000000L};
	siginfo_t info = {.si_pid = 0};

	for (int ms = 0; ms < WAIT_MS && info.si_pid == 0; ms += WAIT_STEP_MS) {
		if (ms > 0)
			nanosleep(&pause, NULL);
		if (waitid(P_PID, (id_t)sandbox->pid, &info,
			   WEXITED | WNOHANG | WNOWAIT) < 0)
			break;
	}
	return sandbox_end(sandbox);
}

int sandbox_end(struct sandbox *sandbox)
{
	int status = 0;

	cleanup_fd_p(&sandbox->from);
	cleanup_fd_p(&sandbox->to);
	if (sandbox->pid > 0) {
		kill(sandbox->pid, SIGKILL);
		while (waitpid(sandbox->pid, &status, 0) < 0 && errno == EINTR)
			continue;
	}
	*sandbox = (struct sandbox){.from = -1, .to = -1};
	return status;
}
