/* SPDX-License-Identifier: MIT */
/* Follows a program's libraries, and those of each, in the order of the search. */
#include "overlay/libraries/closure.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "overlay/fs/open_beneath.h"
#include "overlay/fs/walk_links.h"
#include "overlay/libraries/elf.h"
#include "overlay/libraries/ld_cache.h"
#include "verity/util/cleanup.h"
#include "verity/util/dir.h"
#include "verity/util/glob.h"
#include "verity/util/io.h"
#include "verity/util/text.h"

#define LINKS_MAX    40
#define TRIES_MAX    65536 /* files that are looked for */
#define LIST_BYTES   65536 /* of a list of folders or of libraries in /etc */
#define FOLDERS_MAX  64
#define SCRIPT_BYTES 256
#define SCRIPTS_MAX  4 /* run by one another */
#define MULTIARCH    "*-linux-*"
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* What a C library opens by name while a program runs. */
static const char *const opened[] = {"libgcc_s.so.1", "libnss_files.so.2",
				     "libnss_dns.so.2", "libresolv.so.2"};

/*
 * In each folder, glibc looks first into those for its processor: by the first name,
 * before 2.37 also by the others, of x86 and ARM.
 */
static const char *const faster[] = {
	"glibc-hwcaps", "tls", "x86_64", "haswell", "xeon_phi", "avx512_1", "i686",
	"sse2",         "v6l", "v7l",    "v8l",     "neon",     "vfp"};

static const char *const usual[] = {"lib",       "usr/lib",    "lib64",
				    "usr/lib64", "lib32",      "usr/lib32",
				    "libx32",    "usr/libx32", "usr/local/lib"};

#define NO_PARENT SIZE_MAX

/* What was found at a path, which many programs ask for. */
struct place {
	char *path; /* owned */
	char *real; /* owned; with no link on the way; NULL: nothing is there */
	mode_t mode;
	bool known;
	bool noted; /* what is on the way is noted as being there */
	bool read;  /* as a program or library */
	int result; /* of that: 0 or -ENOEXEC */
	struct overlay_elf elf;
};

struct object {
	const struct place *place; /* borrowed */
	char *from;                /* owned: what $ORIGIN is the folder of */
	size_t parent;             /* what needs it */
};

struct search {
	const struct overlay_closure_tree *tree;
	struct overlay_closure *closure;
	struct object *objects; /* owned */
	size_t count, done;
	struct overlay_paths folders; /* where a loader looks by itself */
	struct overlay_paths looked;  /* names that were looked for there */
	char *cache;                  /* owned; NULL: none */
	size_t cache_bytes;
	bool dynamic; /* a loader was found */
	bool musl;
	size_t asks;   /* number of the object whose library is looked for */
	bool found;    /* it was */
	bool cached;   /* by the cache */
	bool optional; /* where nothing is, nothing is needed */
	size_t tries;
};

int overlay_closure_at_root(const void *context, const char *path, const char **ret_rest)
{
	*ret_rest = path;
	return *(const int *)context;
}

/* A path that a walk leads to; a folder is never left by a link or "..". */
static int open_at(const struct search *search, const char *path, int flags)
{
	const char *rest;
	int fd = search->tree->at(search->tree->context, path, &rest);

	return overlay_open_at(fd, rest, flags | O_NOFOLLOW,
			       RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
}

/*
 * Follows all links in @place->path.
 *
 * @note: note them as being there, and the file at the end
 * Return: 0; -ENOENT where nothing is, or a loop of links; -errno.
 */
static int resolve(struct search *search, struct place *place, bool note)
{
	struct overlay_walk walk;
	struct stat st = {.st_mode = S_IFDIR};
	char target[PATH_MAX];
	int r = overlay_walk_begin(&walk, place->path, LINKS_MAX);

	while (r == 0 && (r = overlay_walk_next(&walk)) > 0) {
		cleanup_fd int fd = open_at(search, walk.path, O_PATH);
		ssize_t size;

		if (fd < 0)
			return fd == -ENOTDIR || fd == -ELOOP ? -ENOENT : fd;
		if (fstat(fd, &st) < 0)
			return -errno;
		r = 0;
		if (S_ISDIR(st.st_mode))
			continue;
		if (note && overlay_paths_add(&search->closure->there, walk.path) < 0)
			return -ENOMEM;
		if (!S_ISLNK(st.st_mode) && !overlay_walk_is_last(&walk))
			return -ENOENT;
		if (!S_ISLNK(st.st_mode))
			continue;
		size = readlinkat(fd, "", target, sizeof(target) - 1);
		if (size < 0)
			return -errno;
		target[size] = '\0';
		r = overlay_walk_follow(&walk, target);
	}
	if (r < 0)
		return r == -ELOOP || r == -ENAMETOOLONG ? -ENOENT : r;
	place->mode = st.st_mode;
	if (!place->real)
		place->real = strdup(walk.path);
	return place->real ? 0 : -ENOMEM;
}

static int compare_places(const void *a, const void *b)
{
	return strcmp(((const struct place *)a)->path, ((const struct place *)b)->path);
}

static void free_place(void *pointer)
{
	struct place *place = pointer;

	free(place->path);
	free(place->real);
	overlay_elf_free(&place->elf);
	free(place);
}

/* @note: as of resolve() */
static int look(struct search *search, const char *path, bool note, struct place **ret)
{
	struct place *place = calloc(1, sizeof(*place)), **found;
	int r = 0;

	if (!place)
		return -ENOMEM;
	place->path = strdup(path);
	found = place->path ? tsearch(place, &search->closure->places, compare_places)
			    : NULL;
	if (!found || *found != place)
		free_place(place);
	if (!found)
		return -ENOMEM;
	place = *found;
	/* What is not there has no way to be noted. */
	if (!place->known || (note && place->real && !place->noted)) {
		r = resolve(search, place, note);
		place->known = r == 0 || r == -ENOENT;
		place->noted |= note;
	}
	if (r < 0 && r != -ENOENT)
		return r;
	*ret = place;
	return 0;
}

/* @ret: -1 for anything but a regular file that can be read */
static int open_place(struct search *search, const struct place *place, int *ret)
{
	int r;

	*ret = -1;
	if (!place->real || !S_ISREG(place->mode))
		return 0;
	r = open_at(search, place->real, O_RDONLY | O_NONBLOCK);
	if (r < 0)
		return r;
	*ret = r;
	return 0;
}

/* Return: 0; -ENOEXEC for anything but a program or library; -errno. */
static int read_place(struct search *search, struct place *place)
{
	cleanup_fd int fd = -1;
	int r = place->read ? place->result : open_place(search, place, &fd);

	if (r < 0 || place->read)
		return r;
	r = fd < 0 ? -ENOEXEC : overlay_elf_read(fd, &place->elf);
	if (r == 0 || r == -ENOEXEC) {
		place->read = true;
		place->result = r;
	}
	return r;
}

static int add_object(struct search *search, const struct place *place, const char *from,
		      size_t parent)
{
	struct object *more;
	char *origin;

	if (search->count == OVERLAY_CLOSURE_OBJECTS_MAX)
		return 0;
	origin = strdup(from);
	more = origin ? reallocarray(search->objects, search->count + 1, sizeof(*more))
		      : NULL;
	if (!more) {
		free(origin);
		return -ENOMEM;
	}
	search->objects = more;
	search->objects[search->count++] = (struct object){place, origin, parent};
	return 0;
}

static bool is_known(const struct search *search, const struct place *place)
{
	for (size_t i = 0; i < search->count; i++)
		if (strcmp(search->objects[i].place->real, place->real) == 0)
			return true;
	return false;
}

/* A script: what it is run by; where there is none, @path stays. */
static int add_interpreter(struct search *search, int fd, char path[static PATH_MAX])
{
	char line[SCRIPT_BYTES + 1];
	ssize_t size = pread(fd, line, SCRIPT_BYTES, 0);
	char *start = line + 2;

	if (size < 2)
		return size < 0 ? -errno : 0;
	line[size] = '\0';
	if (line[0] != '#' || line[1] != '!')
		return 0;
	start += strspn(start, " \t");
	start[strcspn(start, " \t\r\n")] = '\0';
	strcpy(path, start);
	return *start ? overlay_paths_add(&search->closure->tried,
					  start + strspn(start, "/"))
		      : 0;
}

/* A program that starts a search, or what a script is run by. */
static int add_program(struct search *search, const char *program, bool itself,
		       unsigned scripts)
{
	cleanup_fd int fd = -1;
	char path[PATH_MAX] = "";
	struct place *place;
	int r = look(search, program, false, &place);

	if (r == 0 && place->real && S_ISREG(place->mode))
		r = look(search, program, itself, &place);
	if (r < 0 || !place->real || !S_ISREG(place->mode) || is_known(search, place))
		return r;
	r = read_place(search, place);
	if (r == 0)
		return add_object(search, place, place->real, NO_PARENT);
	if (r == -ENOEXEC)
		r = open_place(search, place, &fd);
	if (r == 0)
		r = add_interpreter(search, fd, path);
	if (r < 0 || !path[0] || scripts == 0)
		return r < 0 ? r : 0;
	return add_program(search, path, true, scripts - 1);
}

/*
 * One place of a library. What is there for another architecture is passed over; the
 * cache says of which one each is, so that only there it cannot become one that is taken.
 */
static int try_path(void *context, const char *path)
{
	struct search *search = context;
	const struct overlay_elf_kind *kind =
		&search->objects[search->asks].place->elf.kind;
	bool there, known, taken = false;
	struct place *place;
	int r;

	if (strlen(path) >= PATH_MAX || search->tries++ >= TRIES_MAX)
		return 0;
	r = look(search, path, false, &place);
	if (r < 0)
		return r;
	there = place->real && S_ISREG(place->mode);
	known = there && is_known(search, place);
	if (there && !known)
		r = read_place(search, place);
	if (r < 0 && r != -ENOEXEC)
		return r;
	if (there && r == 0)
		taken = known || (place->elf.kind.class == kind->class &&
				  place->elf.kind.order == kind->order &&
				  place->elf.kind.machine == kind->machine);
	r = 0;
	if (taken || (there ? !search->cached : !search->optional))
		r = overlay_paths_add(&search->closure->tried, path + strspn(path, "/"));
	if (r == 0 && taken)
		r = look(search, path, true, &place);
	if (r == 0 && taken && !known)
		r = add_object(search, place, path + strspn(path, "/"), search->asks);
	search->found |= taken;
	return r;
}

static int try_folder(struct search *search, const char *folder, const char *name)
{
	char path[PATH_MAX];
	int r = 0;

	if (search->tries >= TRIES_MAX)
		return 0;
	for (size_t i = 0;
	     r == 0 && !search->musl && !search->optional && i < COUNT(faster); i++)
		if (snprintf(path, sizeof(path), "%s/%s", folder + strspn(folder, "/"),
			     faster[i]) < (int)sizeof(path))
			r = overlay_paths_add(&search->closure->tried, path);
	if (r == 0 &&
	    snprintf(path, sizeof(path), "%s/%s", folder, name) < (int)sizeof(path))
		r = try_path(search, path);
	return r;
}

/*
 * $ORIGIN and $LIB in a folder of a program's own list. What only the processor knows
 * ($PLATFORM) is not looked at.
 *
 * @lib: what $LIB is
 * Return: whether that gives a path.
 */
static bool expand(const char *folder, const char *origin, const char *lib,
		   char ret[static PATH_MAX])
{
	const struct {
		const char *word, *value;
	} words[] = {{"$ORIGIN", origin},
		     {"${ORIGIN}", origin},
		     {"$LIB", lib},
		     {"${LIB}", lib}};
	size_t used = 0;

	while (*folder) {
		const char *value = NULL;
		size_t size = 1;

		for (size_t i = 0; *folder == '$' && !value && i < COUNT(words); i++)
			if (verity_text_begins(folder, words[i].word)) {
				value = words[i].value;
				size = strlen(words[i].word);
			}
		if (*folder == '$' && !value)
			return false;
		if (used + (value ? strlen(value) : 1) >= PATH_MAX)
			return false;
		if (value)
			used += (size_t)sprintf(ret + used, "%s", value);
		else
			ret[used++] = *folder;
		folder += size;
	}
	ret[used] = '\0';
	return ret[0] == '/';
}

/* A list of folders with colons: RPATH, RUNPATH. */
static int try_list(struct search *search, const struct object *object, const char *list,
		    const char *name)
{
	cleanup_free char *copy = strdup(list);
	const char *slash = strrchr(object->from, '/');
	char origin[PATH_MAX], folder[PATH_MAX];
	char *rest = copy, *one;
	int r = copy ? 0 : -ENOMEM;

	snprintf(origin, sizeof(origin), "/%.*s", slash ? (int)(slash - object->from) : 0,
		 object->from);
	while (r == 0 && !search->found && (one = strsep(&rest, ":"))) {
		size_t ways = strstr(one, "LIB") ? search->folders.count : 1;

		for (size_t i = 0; r == 0 && i < ways; i++) {
			const char *lib = i < search->folders.count
						  ? search->folders.items[i]
						  : "lib";

			lib += verity_text_begins(lib, "usr/") ? strlen("usr/") : 0;
			if (expand(one, origin, lib, folder))
				r = try_folder(search, folder, name);
		}
	}
	return r;
}

/* What is tried before the loader's own folders: the lists of those that ask. */
static int try_lists(struct search *search, size_t asks, const char *name)
{
	int r = 0;

	for (size_t i = asks; r == 0 && !search->found && i != NO_PARENT;
	     i = search->objects[i].parent) {
		/* The array may move. Its texts do not. */
		const struct object object = search->objects[i];
		const struct overlay_elf *elf = &object.place->elf;
		bool last = !search->musl && elf->runpath;

		/* RPATH also counts for what a library needs in turn; in musl, both do.
		 */
		if (elf->rpath && !last)
			r = try_list(search, &object, elf->rpath, name);
		if (r == 0 && !search->found && elf->runpath &&
		    (i == asks || search->musl))
			r = try_list(search, &object, elf->runpath, name);
		if (last && i == asks)
			break;
	}
	return r;
}

/* A library that the object number @asks needs. */
static int find(struct search *search, size_t asks, const char *name)
{
	bool big = search->objects[asks].place->elf.kind.order == ELFDATA2MSB;
	bool found = false;
	int r;

	search->asks = asks;
	search->found = false;
	if (strchr(name, '/'))
		return name[0] == '/' ? try_path(search, name) : 0;
	r = try_lists(search, asks, name);
	if (r < 0 || search->found || overlay_paths_has(&search->looked, name))
		return r;
	r = overlay_paths_add(&search->looked, name);
	search->cached = true;
	if (r == 0 && search->cache && !search->musl)
		r = overlay_ld_cache_find(search->cache, search->cache_bytes, big, name,
					  try_path, search);
	search->cached = false;
	if (r < 0 || search->found)
		return r;
	/* In which order a loader takes its folders, only that loader knows. */
	for (size_t i = 0; r == 0 && i < search->folders.count; i++) {
		search->found = false;
		r = try_folder(search, search->folders.items[i], name);
		found |= search->found;
	}
	search->found = found;
	return r;
}

/* A file in /etc that a loader reads; it is looked for where it is not, too. */
static int load_list(struct search *search, const char *path, size_t max, char **ret,
		     size_t *ret_bytes)
{
	cleanup_fd int fd = -1;
	struct place *place;
	int r = overlay_paths_add(&search->closure->tried, path);

	if (r == 0)
		r = look(search, path, false, &place);
	if (r == 0)
		r = open_place(search, place, &fd);
	if (r == 0 && fd >= 0)
		r = look(search, path, true, &place);
	if (r < 0 || fd < 0)
		return r;
	r = verity_io_load_fd(fd, path, max, ret, ret_bytes, NULL);
	return r == -EFBIG ? 0 : r;
}

/* Only a folder that is there: what is not cannot be in a loader that was made for it. */
static int add_folder(struct search *search, const char *path)
{
	struct place *place;
	int r = look(search, path, false, &place);

	if (r < 0 || !place->real || !S_ISDIR(place->mode) ||
	    search->folders.count == FOLDERS_MAX)
		return r;
	r = overlay_paths_add(&search->folders, place->real);
	return r < 0 ? r : 0;
}

/* The folders for one architecture, of Debian and its kind. */
static int add_multiarch(struct search *search, const char *parent)
{
	cleanup_fd int fd = open_at(search, parent, O_RDONLY | O_DIRECTORY);
	cleanup_dir DIR *dir = NULL;
	const struct dirent *entry;
	char path[PATH_MAX];
	int r, next = 0;

	if (fd < 0)
		return fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP ? 0 : fd;
	r = verity_dir_open(fd, ".", &dir);
	while (r == 0 && (next = verity_dir_next(dir, &entry)) > 0)
		if (verity_glob_match(MULTIARCH, entry->d_name)) {
			snprintf(path, sizeof(path), "%s/%s", parent, entry->d_name);
			r = add_folder(search, path);
		}
	return r < 0 ? r : next;
}

/* What musl has in place of a cache: a list of folders, for each architecture. */
static int add_musl(struct search *search, const char *interpreter)
{
	const char *name = strrchr(interpreter, '/');
	cleanup_free char *list = NULL;
	char path[PATH_MAX], *rest, *one;
	size_t size, bytes;
	int r;

	name = name ? name + 1 : interpreter;
	if (!verity_text_begins(name, "ld-musl-"))
		return 0;
	search->musl = true;
	size = strcspn(name, ".");
	snprintf(path, sizeof(path), "etc/%.*s.path", (int)size, name);
	r = load_list(search, path, LIST_BYTES, &list, &bytes);
	rest = list;
	while (r == 0 && (one = strsep(&rest, ":\n")))
		if (one[0] == '/' && strlen(one) < PATH_MAX)
			r = add_folder(search, one);
	return r;
}

/* Once a program is found that has a loader: what that looks at by itself. */
static int prepare(struct search *search, size_t program, const char *interpreter)
{
	cleanup_free char *preload = NULL;
	size_t bytes;
	char *rest, *one;
	int r = 0;

	search->dynamic = true;
	r = add_musl(search, interpreter);
	for (size_t i = 0; r == 0 && i < COUNT(usual); i++)
		r = add_folder(search, usual[i]);
	if (r == 0)
		r = add_multiarch(search, "lib");
	if (r == 0)
		r = add_multiarch(search, "usr/lib");
	if (r == 0)
		r = load_list(search, OVERLAY_CLOSURE_CACHE, OVERLAY_LD_CACHE_BYTES_MAX,
			      &search->cache, &search->cache_bytes);
	if (r == 0)
		r = load_list(search, OVERLAY_CLOSURE_PRELOAD, LIST_BYTES, &preload,
			      &bytes);
	rest = preload;
	while (r == 0 && (one = strsep(&rest, " \t\n:")))
		if (*one)
			r = find(search, program, one);
	return r < 0 ? r : 0;
}

/* All that one program or library needs. */
static int follow(struct search *search, size_t number)
{
	const struct overlay_elf *elf = &search->objects[number].place->elf;
	const char *interpreter = elf->interpreter;
	bool program = interpreter && search->objects[number].parent == NO_PARENT;
	int r = 0;

	/* A module that a program loads has no loader of its own. */
	if (!search->dynamic && (interpreter || elf->count > 0))
		r = prepare(search, number, interpreter ?: "");
	search->asks = number;
	if (r == 0 && program)
		r = try_path(search, interpreter);
	for (size_t i = 0; r == 0 && i < elf->count; i++)
		r = find(search, number, elf->needed[i]);
	search->optional = true;
	for (size_t i = 0; r == 0 && program && i < COUNT(opened); i++)
		r = find(search, number, opened[i]);
	search->optional = false;
	return r;
}

int overlay_closure_add(struct overlay_closure *closure,
			const struct overlay_closure_tree *tree, const char *program,
			bool itself, struct verity_error *err)
{
	struct search search = {.tree = tree, .closure = closure};
	int r = add_program(&search, program, itself, SCRIPTS_MAX);

	while (r == 0 && search.done < search.count)
		r = follow(&search, search.done++);
	for (size_t i = 0; i < search.count; i++)
		free(search.objects[i].from);
	free(search.objects);
	free(search.cache);
	overlay_paths_free(&search.folders);
	overlay_paths_free(&search.looked);
	return r < 0 ? verity_fail_errno(err, -r, "the libraries of /%s", program) : 0;
}

int overlay_closure_add_protected(struct overlay_closure *closure,
				  const struct overlay_closure_tree *tree,
				  const struct overlay_protect *own,
				  struct verity_error *err)
{
	const char *path;
	int r = 0;

	for (size_t i = 0; r == 0 && (path = overlay_protected_at(own, i)); i++)
		r = overlay_closure_add(closure, tree, path, false, err);
	return r;
}

void overlay_closure_free(struct overlay_closure *closure)
{
	overlay_paths_free(&closure->tried);
	overlay_paths_free(&closure->there);
	tdestroy(closure->places, free_place);
	closure->places = NULL;
}
