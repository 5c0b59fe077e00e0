/* SPDX-License-Identifier: MIT */
/* File header, three program headers, the dynamic section, and texts after it. */
#include "tests/overlay/libraries/crafted_elf.h"

#include <elf.h>
#include <string.h>

struct making {
	uint8_t *bytes;
	size_t word;
	int big;
	size_t dynamic, texts, used; /* where each is, and the end of the texts */
};

static void put(const struct making *making, size_t at, uint64_t value, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		making->bytes[at + (making->big ? bytes - 1 - i : i)] =
			(uint8_t)(value >> 8 * i);
}

static size_t add_text(struct making *making, const char *text)
{
	size_t at = making->used;

	strcpy((char *)making->bytes + at, text);
	making->used += strlen(text) + 1;
	return at - making->texts;
}

static void add_entry(struct making *making, uint64_t tag, uint64_t value)
{
	put(making, making->dynamic, tag, making->word);
	put(making, making->dynamic + making->word, value, making->word);
	making->dynamic += 2 * making->word;
}

static void put_header(const struct making *making, size_t number, uint32_t type,
		       uint64_t offset, uint64_t address, uint64_t bytes)
{
	int wide = making->word == 8;
	size_t at = wide ? 64 + number * 56 : 52 + number * 32;

	put(making, at, type, 4);
	put(making, at + (wide ? 8 : 4), offset, making->word);
	put(making, at + (wide ? 16 : 8), address, making->word);
	put(making, at + (wide ? 32 : 16), bytes, making->word);
}

size_t crafted_elf_make(const struct crafted_elf *elf,
			uint8_t ret[static CRAFTED_ELF_BYTES])
{
	const uint64_t base = 0x10000;
	int wide = elf->class != ELFCLASS32;
	struct making making = {.bytes = ret,
				.word = wide ? 8 : 4,
				.big = elf->order == ELFDATA2MSB,
				.dynamic = 512,
				.texts = 1024,
				.used = 1024};
	size_t interpreter = 0;

	memset(ret, 0, CRAFTED_ELF_BYTES);
	memcpy(ret, ELFMAG, SELFMAG);
	ret[EI_CLASS] = wide ? ELFCLASS64 : ELFCLASS32;
	ret[EI_DATA] = making.big ? ELFDATA2MSB : ELFDATA2LSB;
	put(&making, 16, ET_DYN, 2);
	put(&making, 18, (uint64_t)(elf->machine ? elf->machine : EM_X86_64), 2);
	put(&making, wide ? 32 : 28, wide ? 64 : 52, making.word);
	put(&making, wide ? 54 : 42, wide ? 56 : 32, 2);
	put(&making, wide ? 56 : 44, elf->interpreter ? 3 : 2, 2);
	add_text(&making, "");
	for (size_t i = 0; i < 8 && elf->needed[i]; i++)
		add_entry(&making, DT_NEEDED, add_text(&making, elf->needed[i]));
	if (elf->rpath)
		add_entry(&making, DT_RPATH, add_text(&making, elf->rpath));
	if (elf->runpath)
		add_entry(&making, DT_RUNPATH, add_text(&making, elf->runpath));
	if (elf->interpreter)
		interpreter = making.texts + add_text(&making, elf->interpreter);
	add_entry(&making, DT_STRTAB, base + making.texts);
	add_entry(&making, DT_STRSZ, making.used - making.texts);
	add_entry(&making, DT_NULL, 0);
	put_header(&making, 0, PT_LOAD, 0, base, making.used);
	put_header(&making, 1, PT_DYNAMIC, 512, base + 512, making.dynamic - 512);
	if (elf->interpreter)
		put_header(&making, 2, PT_INTERP, interpreter, base + interpreter,
			   strlen(elf->interpreter) + 1);
	return making.used;
}
