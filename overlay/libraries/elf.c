/* SPDX-License-Identifier: MIT */
/* Decodes the program headers and the dynamic section of an ELF file. */
#include "overlay/libraries/elf.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "verity/util/cleanup.h"
#include "verity/util/io.h"

/* Where the fields of a header are in a file of 32 and of 64 bits. */
struct shape {
	size_t word;                                       /* bytes of an address */
	size_t headers, header_bytes, header_count;        /* of the file header */
	size_t offset, address, file_bytes, program_bytes; /* of a program header */
};

static const struct shape shapes[] = {
	[ELFCLASS32] = {4, 28, 42, 44, 4, 8, 16, sizeof(Elf32_Phdr)},
	[ELFCLASS64] = {8, 32, 54, 56, 8, 16, 32, sizeof(Elf64_Phdr)},
};

struct part {
	uint64_t offset, address, bytes;
};

struct reading {
	int fd; /* borrowed */
	const struct shape *shape;
	struct overlay_elf elf;
	struct part loaded[OVERLAY_ELF_HEADERS_MAX];
	size_t loaded_count;
	struct part dynamic, interpreter; /* 0 bytes: none */
};

static uint64_t take(const struct reading *reading, const uint8_t *at, size_t bytes)
{
	bool big = reading->elf.kind.order == ELFDATA2MSB;
	uint64_t value = 0;

	for (size_t i = 0; i < bytes; i++)
		value |= (uint64_t)at[big ? bytes - 1 - i : i] << 8 * i;
	return value;
}

/* A file that ends too early is malformed. */
static int get(const struct reading *reading, uint64_t offset, void *ret, size_t bytes)
{
	int r;

	if (offset > (uint64_t)INT64_MAX - bytes)
		return -ENOEXEC;
	r = verity_io_read(reading->fd, ret, bytes, offset, NULL);
	return r == -EIO ? -ENOEXEC : r;
}

/* @bytes: as many there are at most, with the final 0 */
static int get_text(const struct reading *reading, uint64_t offset, uint64_t bytes,
		    char **ret)
{
	char text[OVERLAY_ELF_TEXT_MAX + 1];

	for (size_t used = 0, step; used < sizeof(text); used += step) {
		int r;

		step = sizeof(text) - used < 64 ? sizeof(text) - used : 64;
		if (bytes - used < step)
			step = (size_t)(bytes - used);
		r = step == 0 ? -ENOEXEC : get(reading, offset + used, text + used, step);
		if (r < 0)
			return r;
		if (!memchr(text + used, '\0', step))
			continue;
		*ret = strdup(text);
		return *ret ? 0 : -ENOMEM;
	}
	return -ENOEXEC;
}

static int read_headers(struct reading *reading)
{
	const struct shape *shape;
	uint8_t head[sizeof(Elf64_Ehdr)], one[sizeof(Elf64_Phdr)];
	uint64_t start, size, count;
	int r = get(reading, 0, head, EI_NIDENT);

	if (r == 0 && (memcmp(head, ELFMAG, SELFMAG) != 0 ||
		       (head[EI_CLASS] != ELFCLASS32 && head[EI_CLASS] != ELFCLASS64) ||
		       (head[EI_DATA] != ELFDATA2LSB && head[EI_DATA] != ELFDATA2MSB)))
		r = -ENOEXEC;
	if (r < 0)
		return r;
	shape = reading->shape = &shapes[head[EI_CLASS]];
	reading->elf.kind.class = head[EI_CLASS];
	reading->elf.kind.order = head[EI_DATA];
	r = get(reading, 0, head,
		shape->word == 8 ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr));
	if (r < 0)
		return r;
	reading->elf.kind.machine = (uint16_t)take(reading, head + 18, 2);
	start = take(reading, head + shape->headers, shape->word);
	size = take(reading, head + shape->header_bytes, 2);
	count = take(reading, head + shape->header_count, 2);
	if (size < shape->program_bytes || count > OVERLAY_ELF_HEADERS_MAX)
		return -ENOEXEC;
	for (uint64_t i = 0; r == 0 && i < count; i++) {
		struct part part;

		if (start > INT64_MAX - count * size)
			return -ENOEXEC;
		r = get(reading, start + i * size, one, shape->program_bytes);
		if (r < 0)
			break;
		part.offset = take(reading, one + shape->offset, shape->word);
		part.address = take(reading, one + shape->address, shape->word);
		part.bytes = take(reading, one + shape->file_bytes, shape->word);
		switch (take(reading, one, 4)) {
		case PT_LOAD:
			reading->loaded[reading->loaded_count++] = part;
			break;
		case PT_DYNAMIC:
			reading->dynamic = part;
			break;
		case PT_INTERP:
			reading->interpreter = part;
			break;
		default:
			break;
		}
	}
	return r;
}

/* Where the byte that is loaded to @address is in the file. */
static int find_offset(const struct reading *reading, uint64_t address, uint64_t *ret)
{
	for (size_t i = 0; i < reading->loaded_count; i++) {
		const struct part *part = &reading->loaded[i];

		if (address < part->address || address - part->address >= part->bytes)
			continue;
		*ret = part->offset + (address - part->address);
		return 0;
	}
	return -ENOEXEC;
}

static int add_needed(struct overlay_elf *elf, char *name)
{
	char **more = elf->count == OVERLAY_ELF_NEEDED_MAX
			      ? NULL
			      : reallocarray(elf->needed, elf->count + 1, sizeof(*more));

	if (!more) {
		free(name);
		return elf->count == OVERLAY_ELF_NEEDED_MAX ? -ENOEXEC : -ENOMEM;
	}
	elf->needed = more;
	elf->needed[elf->count++] = name;
	return 0;
}

static int read_dynamic(struct reading *reading)
{
	struct overlay_elf *elf = &reading->elf;
	size_t word = reading->shape->word, bytes = (size_t)reading->dynamic.bytes;
	cleanup_free uint8_t *dynamic = NULL;
	uint64_t texts = 0, texts_bytes = 0, texts_offset;
	int r;

	if (reading->dynamic.bytes > OVERLAY_ELF_DYNAMIC_MAX)
		return -ENOEXEC;
	dynamic = malloc(bytes);
	if (!dynamic)
		return -ENOMEM;
	r = get(reading, reading->dynamic.offset, dynamic, bytes);
	if (r < 0)
		return r;
	for (size_t at = 0; at + 2 * word <= bytes; at += 2 * word) {
		uint64_t tag = take(reading, dynamic + at, word);
		uint64_t value = take(reading, dynamic + at + word, word);

		if (tag == DT_NULL)
			bytes = at;
		else if (tag == DT_STRTAB)
			texts = value;
		else if (tag == DT_STRSZ)
			texts_bytes = value;
	}
	r = find_offset(reading, texts, &texts_offset);
	for (size_t at = 0; r == 0 && at + 2 * word <= bytes; at += 2 * word) {
		uint64_t tag = take(reading, dynamic + at, word);
		uint64_t value = take(reading, dynamic + at + word, word);
		char *text = NULL;

		if (tag != DT_NEEDED && tag != DT_RPATH && tag != DT_RUNPATH)
			continue;
		if (value >= texts_bytes || texts_offset > INT64_MAX - value)
			return -ENOEXEC;
		r = get_text(reading, texts_offset + value, texts_bytes - value, &text);
		if (r < 0)
			break;
		if (tag == DT_NEEDED) {
			r = add_needed(elf, text);
			continue;
		}
		char **place = tag == DT_RPATH ? &elf->rpath : &elf->runpath;

		free(*place);
		*place = text;
	}
	return r;
}

int overlay_elf_read(int fd, struct overlay_elf *ret)
{
	struct reading reading = {.fd = fd};
	int r = read_headers(&reading);

	if (r == 0 && reading.interpreter.bytes > 0)
		r = get_text(&reading, reading.interpreter.offset,
			     reading.interpreter.bytes, &reading.elf.interpreter);
	if (r == 0 && reading.dynamic.bytes > 0)
		r = read_dynamic(&reading);
	if (r < 0)
		overlay_elf_free(&reading.elf);
	else
		*ret = reading.elf;
	return r;
}

void overlay_elf_free(struct overlay_elf *elf)
{
	for (size_t i = 0; i < elf->count; i++)
		free(elf->needed[i]);
	free(elf->needed);
	free(elf->interpreter);
	free(elf->rpath);
	free(elf->runpath);
	*elf = (struct overlay_elf){.count = 0};
}
