/* SPDX-License-Identifier: MIT */
#include "installer/fetch/known_hosts.h"

#include <ctype.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "verity/util/cleanup.h"

#define SSH_PORT    22
#define HASH_PREFIX "|1|"
#define SHA1_BYTES  20
#define LENGTH_SIZE 4 /* what comes before each string of a key */

/* A part of a line. */
struct span {
	const char *begin;
	size_t size;
};

bool known_hosts_name(const char *host, unsigned port,
		      char ret[static KNOWN_HOSTS_NAME_MAX])
{
	int size = port == SSH_PORT
			   ? snprintf(ret, KNOWN_HOSTS_NAME_MAX, "%s", host)
			   : snprintf(ret, KNOWN_HOSTS_NAME_MAX, "[%s]:%u", host, port);

	if (size <= 0 || (size_t)size >= KNOWN_HOSTS_NAME_MAX)
		return false;
	for (char *at = ret; *at; at++) {
		if (!isgraph((unsigned char)*at) || strchr(",*?!|#@", *at))
			return false;
		*at = (char)tolower((unsigned char)*at);
	}
	return true;
}

static size_t type_size(const uint8_t *bytes, size_t size)
{
	size_t length;

	if (size < LENGTH_SIZE)
		return 0;
	length = (size_t)bytes[0] << 24 | (size_t)bytes[1] << 16 | (size_t)bytes[2] << 8 |
		 bytes[3];
	return length <= size - LENGTH_SIZE && length <= KNOWN_HOSTS_TYPE_MAX ? length
									      : 0;
}

bool known_hosts_key_take(const void *bytes, size_t size, struct known_hosts_key *ret)
{
	size_t length;

	if (size > KNOWN_HOSTS_KEY_MAX)
		return false;
	length = type_size(bytes, size);
	for (size_t i = 0; i < length; i++) {
		unsigned char at = ((const uint8_t *)bytes)[LENGTH_SIZE + i];

		if (!isalnum(at) && !strchr("-.@", at ? at : ' '))
			return false;
	}
	if (length == 0)
		return false;
	memcpy(ret->bytes, bytes, size);
	ret->size = size;
	return true;
}

void known_hosts_key_type(const struct known_hosts_key *key,
			  char ret[static KNOWN_HOSTS_TYPE_MAX + 1])
{
	size_t length = type_size(key->bytes, key->size);

	memcpy(ret, key->bytes + LENGTH_SIZE, length);
	ret[length] = '\0';
}

const char *known_hosts_key_kind(const struct known_hosts_key *key)
{
	static const struct {
		const char *begin, *kind;
	} kinds[] = {
		{"ssh-ed25519", "ED25519"},
		{"ecdsa-sha2-", "ECDSA"},
		{"ssh-rsa", "RSA"},
	};
	char type[KNOWN_HOSTS_TYPE_MAX + 1];

	known_hosts_key_type(key, type);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strncmp(type, kinds[i].begin, strlen(kinds[i].begin)) == 0)
			return kinds[i].kind;
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

/* Whole groups of four, and nothing else: what OpenSSL skips over is no base64 here. */
static bool decode(struct span text, uint8_t *ret, size_t most, size_t *ret_size)
{
	size_t padding = 0;
	size_t size = text.size / 4 * 3;

	for (size_t i = 0; i < text.size; i++) {
		unsigned char at = (unsigned char)text.begin[i];

		if (at == '=' && i + 2 >= text.size)
			padding++;
		else if (padding || (!isalnum(at) && at != '+' && at != '/'))
			return false;
	}
	if (text.size == 0 || text.size % 4 != 0 || size > most)
		return false;
	if (EVP_DecodeBlock(ret, (const unsigned char *)text.begin, (int)text.size) < 0)
		return false;
	*ret_size = size - padding;
	return true;
}

/* "*" and "?"; goes back to the last '*' alone, so it is done in bytes times bytes. */
static bool matches_glob(struct span pattern, const char *name)
{
	const char *end = pattern.begin + pattern.size;
	const char *at = pattern.begin;
	const char *star = NULL;
	const char *retry = NULL;

	while (*name) {
		if (at < end && *at == '*') {
			star = ++at;
			retry = name;
		} else if (at < end &&
			   (*at == '?' || tolower((unsigned char)*at) == *name)) {
			at++;
			name++;
		} else if (star) {
			at = star;
			name = ++retry;
		} else {
			return false;
		}
	}
	while (at < end && *at == '*')
		at++;
	return at == end;
}

/* Up to the next @separator, which is passed over; the last one has none. */
static struct span cut(struct span *rest, char separator)
{
	const char *end = memchr(rest->begin, separator, rest->size);
	struct span part = {rest->begin, end ? (size_t)(end - rest->begin) : rest->size};
	size_t used = end ? part.size + 1 : part.size;

	rest->begin += used;
	rest->size -= used;
	return part;
}

/* "|1|SALT|HASH": HMAC-SHA1 of the name, so that a file does not tell whom one knows. */
static bool matches_hash(struct span hosts, const char *name)
{
	struct span rest = {hosts.begin + strlen(HASH_PREFIX),
			    hosts.size - strlen(HASH_PREFIX)};
	struct span salt_text = cut(&rest, '|');
	uint8_t salt[SHA1_BYTES + 1], hash[SHA1_BYTES + 1], own[SHA1_BYTES];
	size_t salt_size, hash_size;
	unsigned own_size = 0;

	if (!decode(salt_text, salt, sizeof(salt), &salt_size) ||
	    !decode(rest, hash, sizeof(hash), &hash_size) || salt_size != SHA1_BYTES ||
	    hash_size != SHA1_BYTES)
		return false;
	return HMAC(EVP_sha1(), salt, SHA1_BYTES, (const unsigned char *)name,
		    strlen(name), own, &own_size) &&
	       own_size == SHA1_BYTES && memcmp(own, hash, SHA1_BYTES) == 0;
}

static bool matches(struct span hosts, const char *name)
{
	bool found = false;

	if (hosts.size > strlen(HASH_PREFIX) &&
	    memcmp(hosts.begin, HASH_PREFIX, strlen(HASH_PREFIX)) == 0)
		return matches_hash(hosts, name);
	while (hosts.size > 0) {
		struct span pattern = cut(&hosts, ',');
		bool is_not = pattern.size > 0 && pattern.begin[0] == '!';

		if (is_not) {
			pattern.begin++;
			pattern.size--;
		}
		if (pattern.size == 0 || !matches_glob(pattern, name))
			continue;
		if (is_not)
			return false;
		found = true;
	}
	return found;
}

static struct span next_word(struct span *line)
{
	struct span word;

	while (line->size && (*line->begin == ' ' || *line->begin == '\t')) {
		line->begin++;
		line->size--;
	}
	word = (struct span){line->begin, 0};
	while (line->size && *line->begin != ' ' && *line->begin != '\t') {
		line->begin++;
		line->size--;
		word.size++;
	}
	return word;
}

static bool is_word(struct span span, const char *word)
{
	return span.size == strlen(word) && memcmp(span.begin, word, span.size) == 0;
}

/* [@MARKER] HOSTS TYPE KEY [COMMENT] */
static bool read_line(struct span line, const char *name, struct known_hosts_entry *ret)
{
	struct span word, type, key_text;
	uint8_t key[KNOWN_HOSTS_KEY_MAX];
	size_t size;

	if (line.size && line.begin[line.size - 1] == '\r')
		line.size--;
	word = next_word(&line);
	ret->is_revoked = is_word(word, "@revoked");
	if (ret->is_revoked)
		word = next_word(&line);
	if (word.size == 0 || *word.begin == '#' || *word.begin == '@' ||
	    !matches(word, name))
		return false;
	type = next_word(&line);
	key_text = next_word(&line);
	return decode(key_text, key, sizeof(key), &size) &&
	       known_hosts_key_take(key, size, &ret->key) &&
	       type.size == type_size(key, size) &&
	       memcmp(type.begin, key + LENGTH_SIZE, type.size) == 0;
}

bool known_hosts_next(const char *text, size_t size, const char *name, size_t *place,
		      size_t *line, struct known_hosts_entry *ret)
{
	while (*place < size) {
		struct span rest = {text + *place, size - *place};
		struct span whole = cut(&rest, '\n');

		*place = size - rest.size;
		++*line;
		if (whole.size > KNOWN_HOSTS_LINE_MAX || !read_line(whole, name, ret))
			continue;
		ret->line = *line;
		return true;
	}
	return false;
}

bool known_hosts_same_type(const struct known_hosts_key *one,
			   const struct known_hosts_key *other)
{
	char types[2][KNOWN_HOSTS_TYPE_MAX + 1];

	known_hosts_key_type(one, types[0]);
	known_hosts_key_type(other, types[1]);
	return strcmp(types[0], types[1]) == 0;
}

/* How much an entry has to say, against what another one did. */
static enum known_hosts_verdict verdict_of(const struct known_hosts_entry *entry,
					   const struct known_hosts_key *key)
{
	bool is_same = entry->key.size == key->size &&
		       memcmp(entry->key.bytes, key->bytes, key->size) == 0;

	if (entry->is_revoked)
		return is_same ? KNOWN_HOSTS_REVOKED : KNOWN_HOSTS_UNKNOWN;
	return is_same ? KNOWN_HOSTS_SAME : KNOWN_HOSTS_OTHER;
}

static bool outweighs(enum known_hosts_verdict verdict,
		      const struct known_hosts_entry *entry,
		      enum known_hosts_verdict present,
		      const struct known_hosts_entry *decided,
		      const struct known_hosts_key *key)
{
	if (verdict == KNOWN_HOSTS_OTHER && present == KNOWN_HOSTS_OTHER)
		return known_hosts_same_type(&entry->key, key) &&
		       !known_hosts_same_type(&decided->key, key);
	if (verdict == KNOWN_HOSTS_OTHER)
		return present == KNOWN_HOSTS_UNKNOWN;
	if (verdict == KNOWN_HOSTS_SAME)
		return present != KNOWN_HOSTS_SAME && present != KNOWN_HOSTS_REVOKED;
	return verdict == KNOWN_HOSTS_REVOKED && present != KNOWN_HOSTS_REVOKED;
}

enum known_hosts_verdict known_hosts_judge(const char *text, size_t size,
					   const char *name,
					   const struct known_hosts_key *key,
					   struct known_hosts_entry *ret)
{
	enum known_hosts_verdict decided = KNOWN_HOSTS_UNKNOWN;
	struct known_hosts_entry entry;
	size_t place = 0;
	size_t line = 0;

	while (known_hosts_next(text, size, name, &place, &line, &entry)) {
		enum known_hosts_verdict verdict = verdict_of(&entry, key);

		if (!outweighs(verdict, &entry, decided, ret, key))
			continue;
		decided = verdict;
		*ret = entry;
	}
	return decided;
}

char *known_hosts_line(const char *name, const struct known_hosts_key *key)
{
	cleanup_free unsigned char *text = malloc(KNOWN_HOSTS_KEY_MAX / 3 * 4 + 8);
	char type[KNOWN_HOSTS_TYPE_MAX + 1];
	char *line = NULL;

	if (!text)
		return NULL;
	known_hosts_key_type(key, type);
	EVP_EncodeBlock(text, key->bytes, (int)key->size);
	if (asprintf(&line, "%s %s %s\n", name, type, (const char *)text) < 0)
		return NULL;
	return line;
}
