/* SPDX-License-Identifier: MIT */
/* Reading lines of known_hosts, and rewriting them for libssh2. */
#include "installer/request/known_hosts.h"

#include <ctype.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "verity/util/cleanup.h"
#include "verity/util/text.h"

#define SSH_PORT    22
#define LENGTH_SIZE 4   /* before each string of a key */
#define HASHED      60  /* characters of "|1|SALT|HASH", both base64 of 20 bytes */
#define HASH_BYTES  20  /* of SHA-1, and of a salt */
#define HOST_MAX    253 /* bytes that libssh2 takes */

/* A part of a line. */
struct span {
	const char *begin;
	size_t size;
};

enum line_kind {
	LINE_EMPTY,
	LINE_HOST,
	LINE_REVOKED,
	LINE_AUTHORITY,
	LINE_UNCLEAR,
};

struct line {
	struct span hosts, key_text;
	char type[KNOWN_HOSTS_TYPE_MAX + 1];
	struct known_hosts_key key;
};

bool known_hosts_name(const char *host, unsigned port,
		      char ret[static KNOWN_HOSTS_NAME_MAX])
{
	const char *bare = host + (host[0] == '[');
	int bytes = (int)strcspn(bare, "]");
	int size = port == SSH_PORT
			   ? snprintf(ret, KNOWN_HOSTS_NAME_MAX, "%.*s", bytes, bare)
			   : snprintf(ret, KNOWN_HOSTS_NAME_MAX, "[%.*s]:%u", bytes, bare,
				      port);

	if (size <= 0 || (size_t)size >= KNOWN_HOSTS_NAME_MAX)
		return false;
	for (char *at = ret; *at; at++) {
		if (!isgraph((unsigned char)*at) || strchr(",*?!|#@", *at))
			return false;
		*at = (char)tolower((unsigned char)*at);
	}
	return true;
}

/* Only whole groups of four: OpenSSL skips blanks. */
static bool decode(struct span text, struct known_hosts_key *ret)
{
	size_t padding = 0;

	for (size_t i = 0; i < text.size; i++) {
		unsigned char at = (unsigned char)text.begin[i];

		if (at == '=' && i + 2 >= text.size)
			padding++;
		else if (padding || (!isalnum(at) && at != '+' && at != '/'))
			return false;
	}
	if (text.size == 0 || text.size % 4 != 0 ||
	    text.size / 4 * 3 > sizeof(ret->bytes))
		return false;
	if (EVP_DecodeBlock(ret->bytes, (const unsigned char *)text.begin,
			    (int)text.size) < 0)
		return false;
	ret->size = text.size / 4 * 3 - padding;
	return true;
}

/* The length of its first string, the type; 0 if it is malformed. */
static size_t type_size(const struct known_hosts_key *key)
{
	const uint8_t *bytes = key->bytes;
	size_t length;

	if (key->size < LENGTH_SIZE)
		return 0;
	length = (size_t)bytes[0] << 24 | (size_t)bytes[1] << 16 | (size_t)bytes[2] << 8 |
		 bytes[3];
	if (length > key->size - LENGTH_SIZE || length > KNOWN_HOSTS_TYPE_MAX)
		return 0;
	for (size_t i = 0; i < length; i++) {
		unsigned char at = bytes[LENGTH_SIZE + i];

		if (!isalnum(at) && (!at || !strchr("-.@", at)))
			return 0;
	}
	return length;
}

bool known_hosts_key_take(const char *bytes, size_t size, struct known_hosts_key *ret)
{
	struct known_hosts_key key = {.size = size};

	if (size > sizeof(key.bytes))
		return false;
	memcpy(key.bytes, bytes, size);
	if ((size == 0 && !decode((struct span){bytes, strlen(bytes)}, &key)) ||
	    type_size(&key) == 0)
		return false;
	*ret = key;
	return true;
}

void known_hosts_key_type(const struct known_hosts_key *key,
			  char ret[static KNOWN_HOSTS_TYPE_MAX + 1])
{
	size_t length = type_size(key);

	memcpy(ret, key->bytes + LENGTH_SIZE, length);
	ret[length] = '\0';
}

const char *known_hosts_type_name(const char *type)
{
	static const struct {
		const char *begin, *name;
	} types[] = {
		{"ssh-ed25519", "ED25519"},
		{"ecdsa-sha2-", "ECDSA"},
		{"ssh-rsa", "RSA"},
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strncmp(type, types[i].begin, strlen(types[i].begin)) == 0)
			return types[i].name;
	return "unknown";
}

void known_hosts_fingerprint(const struct known_hosts_key *key,
			     char ret[static KNOWN_HOSTS_FINGERPRINT_BYTES])
{
	unsigned char digest[SHA256_DIGEST_LENGTH];
	unsigned char text[48];

	SHA256(key->bytes, key->size, digest);
	EVP_EncodeBlock(text, digest, sizeof(digest));
	text[43] = '\0'; /* without the one '=' */
	snprintf(ret, KNOWN_HOSTS_FINGERPRINT_BYTES, "SHA256:%s", (const char *)text);
}

/* Up to the next of @separators, which is passed over. */
static struct span cut(struct span *rest, const char *separators)
{
	struct span part = {rest->begin, 0};

	while (part.size < rest->size &&
	       !memchr(separators, part.begin[part.size], strlen(separators)))
		part.size++;
	rest->begin += part.size + (part.size < rest->size);
	rest->size -= part.size + (part.size < rest->size);
	return part;
}

static struct span next_word(struct span *line)
{
	while (line->size && (*line->begin == ' ' || *line->begin == '\t'))
		cut(line, " \t");
	return cut(line, " \t");
}

static bool is_word(struct span span, const char *word)
{
	return span.size == strlen(word) && memcmp(span.begin, word, span.size) == 0;
}

/* [@MARKER] HOSTS TYPE KEY [COMMENT] */
static enum line_kind read_line(struct span text, struct line *ret)
{
	enum line_kind kind = LINE_HOST;
	struct span type;

	if (text.size && text.begin[text.size - 1] == '\r')
		text.size--;
	if (memchr(text.begin, '\0', text.size))
		return LINE_UNCLEAR;
	ret->hosts = next_word(&text);
	if (ret->hosts.size == 0 || *ret->hosts.begin == '#')
		return LINE_EMPTY;
	if (is_word(ret->hosts, "@cert-authority"))
		return LINE_AUTHORITY;
	if (is_word(ret->hosts, "@revoked")) {
		kind = LINE_REVOKED;
		ret->hosts = next_word(&text);
	}
	type = next_word(&text);
	ret->key_text = next_word(&text);
	if (ret->hosts.size == 0 || *ret->hosts.begin == '@' ||
	    !decode(ret->key_text, &ret->key))
		return LINE_UNCLEAR;
	known_hosts_key_type(&ret->key, ret->type);
	return ret->type[0] && is_word(type, ret->type) ? kind : LINE_UNCLEAR;
}

/*
 * The names for libcurl, in lower case; "" if there are none. Each stands there twice:
 * libssh2 takes a field of under three bytes for a hashed name. It also tries the name
 * without the port, which is another server.
 */
static bool list_names(struct span hosts, bool has_port, char *ret, size_t room)
{
	char salt[28], hash[28];
	size_t used = 0;
	int end = 0;

	ret[0] = '\0';
	if (*hosts.begin == '|') {
		snprintf(ret, room, "%.*s", (int)hosts.size, hosts.begin);
		return hosts.size == HASHED &&
		       sscanf(ret, "|1|%27[A-Za-z0-9+/]=|%27[A-Za-z0-9+/]=%n", salt, hash,
			      &end) == 2 &&
		       end == HASHED;
	}
	while (hosts.size > 0) {
		struct span name = cut(&hosts, ",");
		int size = (int)name.size;

		if (name.size == 0 || name.size > HOST_MAX)
			return false;
		for (size_t i = 0; i < name.size; i++)
			if (strchr("*?!", name.begin[i]))
				return false;
		if (has_port && *name.begin != '[')
			continue;
		used += (size_t)snprintf(ret + used, room - used, "%s%.*s,%.*s",
					 used ? "," : "", size, name.begin, size,
					 name.begin);
		if (used >= room)
			return false;
	}
	for (; *ret; ret++)
		*ret = (char)tolower((unsigned char)*ret);
	return true;
}

char *known_hosts_filtered(const char *text, size_t size,
			   const struct known_hosts_filter *filter, size_t *ret_unclear)
{
	struct span rest = {text, size};
	size_t lines = 0, used = 0, unclear = 0;
	char names[KNOWN_HOSTS_LINE_MAX];
	char *ret = NULL;
	FILE *out = open_memstream(&ret, &used);
	struct line line;

	while (out && rest.size > 0) {
		enum line_kind kind = read_line(cut(&rest, "\n"), &line);
		const char *type = filter->type ?: line.type;
		const char *name;

		lines++;
		if (kind == LINE_HOST &&
		    (!list_names(line.hosts, filter->has_port, names, sizeof(names)) ||
		     strlen(names) + line.key_text.size + strlen(type) >
			     KNOWN_HOSTS_LINE_MAX))
			kind = LINE_UNCLEAR;
		if (kind == LINE_UNCLEAR && unclear == 0)
			unclear = lines;
		name = kind == LINE_HOST ? known_hosts_type_name(type) : "";
		if (kind == LINE_HOST && names[0] &&
		    (filter->type || (strcmp(name, "unknown") != 0 &&
				      (filter->has_rsa || strcmp(name, "RSA") != 0))))
			fprintf(out, "%s %s %.*s\n", names, type, (int)line.key_text.size,
				line.key_text.begin);
	}
	if (!verity_text_end(out, &ret)) {
		free(ret);
		return NULL;
	}
	*ret_unclear = unclear;
	return ret;
}

/* Without its hash being calculated, a hashed name may be any. */
static bool may_mean(struct span hosts, const char *name)
{
	bool found = *hosts.begin == '|';

	while (!found && hosts.size > 0) {
		struct span one = cut(&hosts, ",");

		found = one.size == strlen(name) &&
			strncasecmp(one.begin, name, one.size) == 0;
	}
	return found;
}

size_t known_hosts_find(const char *text, size_t size, const struct known_hosts_key *key,
			const char *name)
{
	struct span rest = {text, size};
	struct line line;

	for (size_t lines = 1; rest.size > 0; lines++)
		if (read_line(cut(&rest, "\n"), &line) ==
			    (name ? LINE_HOST : LINE_REVOKED) &&
		    line.key.size == key->size &&
		    memcmp(line.key.bytes, key->bytes, key->size) == 0 &&
		    (!name || may_mean(line.hosts, name)))
			return lines;
	return 0;
}

char *known_hosts_line(const char *name, const struct known_hosts_key *key)
{
	unsigned char text[KNOWN_HOSTS_KEY_MAX / 3 * 4 + 8];
	char type[KNOWN_HOSTS_TYPE_MAX + 1];
	char *line = NULL;

	known_hosts_key_type(key, type);
	EVP_EncodeBlock(text, key->bytes, (int)key->size);
	if (asprintf(&line, "%s %s %s\n", name, type, (const char *)text) < 0)
		return NULL;
	return line;
}

void known_hosts_list(const char *text, size_t size,
		      void (*take)(void *context, const char *hosts, size_t hosts_size,
				   const struct known_hosts_key *key),
		      void *context)
{
	struct span rest = {text, size};
	struct line line;

	while (rest.size > 0)
		if (read_line(cut(&rest, "\n"), &line) == LINE_HOST)
			take(context, line.hosts.begin, line.hosts.size, &line.key);
}

/* "|1|SALT|HASH": the HMAC of the name. */
static bool is_hash_of(struct span hosts, const char *name)
{
	unsigned char salt[HASH_BYTES + 1], hash[HASH_BYTES + 1];
	unsigned char found[EVP_MAX_MD_SIZE];
	char lower[KNOWN_HOSTS_NAME_MAX] = "";
	const unsigned char *text = (const unsigned char *)hosts.begin;

	if (hosts.size != HASHED || memcmp(text, "|1|", 3) != 0 || text[31] != '|' ||
	    EVP_DecodeBlock(salt, text + 3, 28) < 0 ||
	    EVP_DecodeBlock(hash, text + 32, 28) < 0)
		return false;
	snprintf(lower, sizeof(lower), "%s", name);
	for (char *at = lower; *at; at++)
		*at = (char)tolower((unsigned char)*at);
	return HMAC(EVP_sha1(), salt, HASH_BYTES, (const unsigned char *)lower,
		    strlen(lower), found, NULL) &&
	       memcmp(found, hash, HASH_BYTES) == 0;
}

char *known_hosts_without(const char *text, size_t size, const char *name,
			  size_t *ret_count)
{
	struct span rest = {text, size};
	char *ret = malloc(size + 1);
	char *end = ret;
	struct line line;

	*ret_count = 0;
	while (ret && rest.size > 0) {
		const char *begin = rest.begin;
		bool known = read_line(cut(&rest, "\n"), &line) == LINE_HOST;

		if (known && (*line.hosts.begin == '|' ? is_hash_of(line.hosts, name)
						       : may_mean(line.hosts, name)))
			(*ret_count)++;
		else
			end = mempcpy(end, begin, (size_t)(rest.begin - begin));
	}
	if (ret)
		*end = '\0';
	return ret;
}
