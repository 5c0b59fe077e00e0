/* SPDX-License-Identifier: MIT */
#include "tests/overlay/contents/crafted.h"

#include <string.h>

#define NAMES_MAX 16
#define NONE      UINT64_MAX

/* A metadata block: its length, with the bit that says it is not compressed. */
#define BLOCK_RAW 0x8000

struct bytes {
	uint8_t *at;
	size_t count;
};

static void put(struct bytes *to, const void *bytes, size_t count)
{
	memcpy(to->at + to->count, bytes, count);
	to->count += count;
}

static void put_number(struct bytes *to, uint64_t number, size_t count)
{
	for (; count > 0; count--, number >>= 8)
		to->at[to->count++] = (uint8_t)number;
}

static void put16(struct bytes *to, uint64_t number)
{
	put_number(to, number, 2);
}

static void put32(struct bytes *to, uint64_t number)
{
	put_number(to, number, 4);
}

static void put64(struct bytes *to, uint64_t number)
{
	put_number(to, number, 8);
}

static size_t block_begin(struct bytes *to)
{
	put16(to, 0);
	return to->count;
}

static void block_end(struct bytes *to, size_t start)
{
	struct bytes head = {to->at, start - 2};

	put16(&head, BLOCK_RAW | (to->count - start));
}

static void put_base(struct bytes *to, uint16_t type, uint32_t number)
{
	put16(to, type);
	put16(to, 0755);
	put32(to, 0); /* owners */
	put32(to, 0); /* time */
	put32(to, number);
}

static void put_target(const struct crafted *crafted, const struct crafted_name *name,
		       struct bytes *to)
{
	const char *target = name->target ? name->target : "a";

	put32(to, 1);
	put32(to, crafted->target_bytes ? crafted->target_bytes : strlen(target));
	put(to, target, strlen(target));
}

static void put_inode(const struct crafted *crafted, const struct crafted_name *name,
		      uint32_t number, struct bytes *to)
{
	static const uint8_t zeros[16];
	static const struct {
		char inode;
		uint8_t type;
	} types[] = {
		{'f', 2}, {'l', 3}, {'w', 5},  {'c', 5}, {'b', 4},
		{'p', 6}, {'d', 1}, {'?', 99}, {'x', 8}, {'m', 9},
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (types[i].inode == name->inode)
			put_base(to, types[i].type, number);
	switch (name->inode) {
	case 'l':
		put_target(crafted, name, to);
		break;
	case 'w':
	case 'b':
		put64(to, 1);
		break;
	case 'c':
		put32(to, 1);
		put32(to, 0x103);
		break;
	case 'p':
		put32(to, 1);
		break;
	case 'd':
		put64(to, 0);
		put32(to, 3);
		put32(to, 1);
		break;
	case 'x':
		put32(to, 2);
		put32(to, 3);
		put(to, zeros, 12);
		put32(to, name->attributes);
		break;
	case 'm':
		put(to, zeros, 16);
		put64(to, 0);
		put32(to, 1);
		put32(to, UINT32_MAX);
		put32(to, 0);
		put32(to, name->attributes);
		break;
	default: /* a file, or what there is too little of */
		put(to, zeros, 16);
		break;
	}
}

static void put_listing(const struct crafted *crafted, const uint16_t *offsets,
			size_t count, struct bytes *to)
{
	if (count == 0)
		return;
	put32(to, crafted->run ? crafted->run : count - 1);
	put32(to, 0);
	put32(to, 1);
	for (size_t i = 0; i < count; i++) {
		const struct crafted_name *name = &crafted->names[i];
		size_t bytes = name->name_bytes ? name->name_bytes : strlen(name->name);

		put16(to, offsets[i]);
		put16(to, i);
		put16(to, 2);
		put16(to, bytes - 1);
		put(to, name->name, bytes);
	}
}

/* The place of the table; NONE where there is none. */
static uint64_t put_attributes(const struct crafted *crafted, struct bytes *to)
{
	const struct crafted_attribute *attribute = crafted->attributes;
	uint16_t keys[NAMES_MAX], value = 0, count = 0;
	uint64_t start = to->count, ids, table;
	size_t block;

	if (!attribute)
		return NONE;
	block = block_begin(to);
	for (; attribute->key; attribute++) {
		keys[count++] = (uint16_t)(to->count - block);
		put16(to, attribute->type | (attribute->elsewhere ? 0x100 : 0));
		put16(to,
		      crafted->key_bytes ? crafted->key_bytes : strlen(attribute->key));
		put(to, attribute->key, strlen(attribute->key));
		if (attribute->elsewhere) {
			put32(to, 8);
			put64(to, value);
			continue;
		}
		value = (uint16_t)(to->count - block);
		put32(to, crafted->value_bytes ? crafted->value_bytes
					       : strlen(attribute->value));
		put(to, attribute->value, strlen(attribute->value));
	}
	block_end(to, block);
	ids = to->count;
	block = block_begin(to);
	for (uint16_t i = 0; i < count; i++) {
		put64(to, keys[i]);
		put32(to, crafted->keys ? crafted->keys : 1);
		put32(to, 0);
	}
	block_end(to, block);
	table = to->count;
	put64(to, start);
	put32(to, count);
	put32(to, 0);
	put64(to, ids);
	return table;
}

static void put_super(const struct crafted *crafted, uint32_t inodes, uint16_t root,
		      const uint64_t tables[static 3], size_t bytes, uint8_t *ret)
{
	struct bytes to = {ret, 0};

	put32(&to, 0x73717368);
	put32(&to, crafted->inode_count ? crafted->inode_count : inodes);
	put32(&to, 0); /* time */
	put32(&to, 131072);
	put32(&to, crafted->fragments);
	put16(&to, crafted->compressor ? crafted->compressor : 1);
	put16(&to, 17);
	put16(&to, 0); /* flags */
	put16(&to, 1); /* owners */
	put16(&to, 4);
	put16(&to, 0);
	put64(&to, crafted->root_ref ? crafted->root_ref : root);
	put64(&to, crafted->bytes_used ? crafted->bytes_used : bytes);
	put64(&to, bytes - 8); /* owners */
	put64(&to, tables[2]);
	put64(&to, tables[0]);
	put64(&to, tables[1]);
	put64(&to, crafted->fragment_table ? crafted->fragment_table : NONE);
	put64(&to, crafted->export_table ? crafted->export_table : NONE);
}

size_t crafted_image(const struct crafted *crafted, uint8_t *ret)
{
	uint8_t listing[CRAFTED_MAX / 2];
	struct bytes to = {ret, 96}, names = {listing, 0};
	uint16_t offsets[NAMES_MAX], root;
	uint64_t tables[3] = {to.count}, owners;
	uint32_t count = 0;
	size_t block = block_begin(&to);

	for (; crafted->names[count].name; count++) {
		offsets[count] = (uint16_t)(to.count - block);
		put_inode(crafted, &crafted->names[count], count + 1, &to);
	}
	root = (uint16_t)(to.count - block);
	for (uint32_t i = 0; i < count; i++)
		if (crafted->names[i].inode == 'r')
			offsets[i] = root;
	put_listing(crafted, offsets, count, &names);
	put_base(&to, 1, count + 1);
	put64(&to, 0);
	put16(&to, crafted->listing_bytes ? crafted->listing_bytes : names.count + 3);
	put16(&to, 0);
	put32(&to, count + 2);
	block_end(&to, block);
	tables[1] = to.count;
	block = block_begin(&to);
	put(&to, listing, names.count);
	block_end(&to, block);
	tables[2] = put_attributes(crafted, &to);
	owners = to.count;
	block = block_begin(&to);
	put32(&to, 0);
	block_end(&to, block);
	put64(&to, owners);
	put_super(crafted, count + 1, root, tables, to.count, ret);
	return to.count;
}
