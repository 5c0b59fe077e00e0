/* SPDX-License-Identifier: MIT */
/* Finds boundaries, and what is between them. */
#include "installer/web/multipart.h"

#include <string.h>
#include <strings.h>

#include "verity/util/text.h"

static int fail(struct verity_error *err)
{
	return verity_fail(err, VERITY_E_USAGE,
			   "the form did not arrive as a browser sends it "
			   "(multipart/form-data)");
}

/* The boundary is at the end of @type, in quotes or not. */
static bool set_boundary(struct multipart *multipart, const char *type)
{
	static const char allowed[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "abcdefghijklmnopqrstuvwxyz'()+_,-./:=?";
	const char *name = strchr(type, ';');
	bool quoted;
	size_t size;

	if (!name || strncasecmp(type, "multipart/form-data", 19) != 0 ||
	    type + 19 > name)
		return false;
	name += 1 + strspn(name + 1, " \t");
	if (strncasecmp(name, "boundary=", 9) != 0)
		return false;
	name += 9;
	quoted = *name == '"';
	name += quoted;
	size = strspn(name, allowed);
	if (size == 0 || size > MULTIPART_BOUNDARY_MAX ||
	    strcmp(name + size, quoted ? "\"" : "") != 0)
		return false;
	memcpy(multipart->delimiter, "\r\n--", 4);
	memcpy(multipart->delimiter + 4, name, size);
	multipart->delimiter_bytes = 4 + size;
	return true;
}

int multipart_begin(struct multipart *multipart, const char *type,
		    const struct multipart_hooks *hooks, struct verity_error *err)
{
	*multipart = (struct multipart){.hooks = *hooks, .state = MULTIPART_FIRST};
	/* The first boundary is at the beginning of a line, too. */
	multipart->matched = 2;
	return set_boundary(multipart, type) ? 0 : fail(err);
}

/* A parameter of a header: NAME="VALUE"; its value ends at the quote. */
static const char *find_parameter(const char *header, const char *name, size_t *ret_size)
{
	size_t size = strlen(name);

	for (const char *at = header; (at = strchr(at, ';')); at++) {
		const char *value = at + 1 + strspn(at + 1, " \t");
		const char *end;

		if (strncasecmp(value, name, size) != 0 || value[size] != '=' ||
		    value[size + 1] != '"')
			continue;
		value += size + 2;
		end = strchr(value, '"');
		if (!end)
			return NULL;
		*ret_size = (size_t)(end - value);
		return value;
	}
	return NULL;
}

static bool read_disposition(const char *value, struct multipart_part *part)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz_";
	const char *name, *file;
	size_t size = 0, file_size = 0;

	if (strncasecmp(value, "form-data;", 10) != 0)
		return false;
	name = find_parameter(value, "name", &size);
	if (!name || size == 0 || size > FIELD_NAME_MAX || strspn(name, allowed) != size)
		return false;
	memcpy(part->name, name, size);
	file = find_parameter(value, "filename", &file_size);
	part->is_file = file;
	if (file_size >= sizeof(part->file))
		return false;
	if (file)
		memcpy(part->file, file, file_size);
	return true;
}

/* The headers of a part are complete: lines, the last of which is empty. */
static int begin_part(struct multipart *multipart, struct verity_error *err)
{
	static const char disposition[] = "content-disposition:";
	static const char *const ignored[] = {"content-type:", "content-length:"};
	struct multipart_part part = {.is_file = false};
	bool named = false, known;
	char *line = multipart->head;

	if (multipart->parts++ == MULTIPART_PARTS_MAX ||
	    memchr(multipart->head, '\0', multipart->head_bytes))
		return fail(err);
	multipart->head[multipart->head_bytes - 2] = '\0';
	for (char *end; (end = strstr(line, "\r\n")); line = end + 2) {
		*end = '\0';
		if (!verity_text_printable(line, strlen(line)))
			return fail(err);
		if (strncasecmp(line, disposition, strlen(disposition)) == 0) {
			const char *value = line + strlen(disposition);

			if (named ||
			    !read_disposition(value + strspn(value, " \t"), &part))
				return fail(err);
			named = true;
			continue;
		}
		known = false;
		for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
			known = known ||
				strncasecmp(line, ignored[i], strlen(ignored[i])) == 0;
		if (!known)
			return fail(err);
	}
	if (!named || *line)
		return fail(err);
	multipart->state = MULTIPART_DATA;
	multipart->matched = 0;
	return multipart->hooks.begin(multipart->hooks.context, &part, err);
}

/* Behind a boundary: the end of a line, or "--" and the end of the body. */
static int take_after(struct multipart *multipart, char byte, struct verity_error *err)
{
	char *head = multipart->head;

	head[multipart->head_bytes++] = byte;
	if (multipart->head_bytes < 2)
		return 0;
	multipart->head_bytes = 0;
	multipart->state = head[0] == '-' ? MULTIPART_END : MULTIPART_HEAD;
	return (head[0] == '\r' && head[1] == '\n') || (head[0] == '-' && head[1] == '-')
		       ? 0
		       : fail(err);
}

static int take_head(struct multipart *multipart, char byte, struct verity_error *err)
{
	const char *head = multipart->head;
	size_t used;

	if (multipart->head_bytes == sizeof(multipart->head))
		return fail(err);
	multipart->head[multipart->head_bytes++] = byte;
	used = multipart->head_bytes;
	if (used == 2 && memcmp(head, "\r\n", 2) == 0)
		return fail(err);
	return used >= 4 && memcmp(head + used - 4, "\r\n\r\n", 4) == 0
		       ? begin_part(multipart, err)
		       : 0;
}

static int give(struct multipart *multipart, const char *bytes, size_t count,
		struct verity_error *err)
{
	return multipart->hooks.take(multipart->hooks.context, bytes, count, err);
}

/*
 * Data up to what may be a delimiter. '\r' is only at its beginning: what does not go on
 * as one is data as a whole. Returns the bytes taken of @bytes, or an error.
 */
static long take_data(struct multipart *multipart, const char *bytes, size_t count,
		      struct verity_error *err)
{
	const char *begin;
	size_t plain;
	int r = 0;

	if (multipart->matched == 0) {
		begin = memchr(bytes, '\r', count);
		plain = begin ? (size_t)(begin - bytes) : count;
		if (plain > 0)
			r = give(multipart, bytes, plain, err);
		multipart->matched = begin != NULL;
		return r < 0 ? r : (long)(plain + multipart->matched);
	}
	if (bytes[0] != multipart->delimiter[multipart->matched]) {
		plain = multipart->matched;
		multipart->matched = 0;
		r = give(multipart, multipart->delimiter, plain, err);
		return r < 0 ? r : 0;
	}
	if (++multipart->matched == multipart->delimiter_bytes) {
		multipart->state = MULTIPART_AFTER;
		r = give(multipart, NULL, 0, err);
	}
	return r < 0 ? r : 1;
}

static int take_byte(struct multipart *multipart, char byte, struct verity_error *err)
{
	switch (multipart->state) {
	case MULTIPART_FIRST:
		if (byte != multipart->delimiter[multipart->matched])
			return fail(err);
		if (++multipart->matched == multipart->delimiter_bytes)
			multipart->state = MULTIPART_AFTER;
		return 0;
	case MULTIPART_AFTER:
		return take_after(multipart, byte, err);
	case MULTIPART_HEAD:
		return take_head(multipart, byte, err);
	case MULTIPART_END: /* the end of the last line */
		return byte == '\r' || byte == '\n' ? 0 : fail(err);
	case MULTIPART_DATA:
		break;
	}
	return 0;
}

int multipart_feed(struct multipart *multipart, const char *bytes, size_t count,
		   struct verity_error *err)
{
	for (size_t done = 0; done < count;) {
		long r;

		if (multipart->state == MULTIPART_DATA) {
			r = take_data(multipart, bytes + done, count - done, err);
			if (r < 0)
				return (int)r;
			done += (size_t)r;
			continue;
		}
		r = take_byte(multipart, bytes[done++], err);
		if (r < 0)
			return (int)r;
		if (multipart->state == MULTIPART_DATA)
			multipart->head_bytes = 0;
	}
	return 0;
}

int multipart_end(const struct multipart *multipart, struct verity_error *err)
{
	return multipart->state == MULTIPART_END
		       ? 0
		       : verity_fail(err, VERITY_E_LOST,
				     "the connection ended before the whole form came");
}
