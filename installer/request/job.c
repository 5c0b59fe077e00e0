/* SPDX-License-Identifier: MIT */
/* A job as bytes. */
#include "installer/request/job.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "installer/request/protocols.h"
#include "verity/util/cleanup.h"
#include "verity/util/io.h"
#include "version.h"

#define VERSION_BYTES 32

/* The texts that follow the head, each with an ending 0, in this order */
enum job_part {
	JOB_SCHEME,
	JOB_URL,
	JOB_HOST,
	JOB_USER,
	JOB_PASSWORD,
	JOB_KNOWN,
	JOB_AUTHORITIES,
	JOB_KNOWN_HOSTS,
	JOB_KNOWN_HOSTS_PATH,
	JOB_KEYS,
	JOB_PARTS = JOB_KEYS + JOB_KEYS_MAX,
};

struct head {
	char version[VERSION_BYTES];
	uint64_t sizes[JOB_PARTS]; /* with the 0; 0: NULL */
	int64_t first_bytes;
	uint32_t uid, gid;
	int32_t parent;
	uint16_t port;
	uint8_t has_user, has_password, can_ask, key_count, has_rsa_key;
};

static struct job_text text_of(const char *text)
{
	return (struct job_text){text, text ? strlen(text) : 0};
}

int job_send(const struct transfer_job *job, int *ret, struct verity_error *err)
{
	struct job_text parts[JOB_PARTS] = {
		[JOB_SCHEME] = text_of(job->protocol->scheme),
		[JOB_URL] = text_of(job->url),
		[JOB_HOST] = text_of(job->host),
		[JOB_USER] = text_of(job->user),
		[JOB_PASSWORD] = text_of(job->password),
		[JOB_KNOWN] = text_of(job->known),
		[JOB_AUTHORITIES] = {job->authorities, job->authorities_size},
		[JOB_KNOWN_HOSTS] = {job->known_hosts, job->known_hosts_size},
		[JOB_KNOWN_HOSTS_PATH] = text_of(job->known_hosts_path),
	};
	struct head head = {
		.version = WMOPKG_VERSION,
		.first_bytes = job->first_bytes,
		.uid = job->uid,
		.gid = job->gid,
		.parent = job->parent,
		.port = job->port,
		.has_user = job->has_user,
		.has_password = job->has_password,
		.can_ask = job->can_ask,
		.key_count = (uint8_t)job->key_count,
		.has_rsa_key = job->has_rsa_key,
	};
	cleanup_fd int fd = memfd_create("job", MFD_CLOEXEC);
	uint64_t offset = sizeof(head);
	int r = 0;

	if (fd < 0)
		return verity_fail_errno(err, errno, "a file in memory");
	memcpy(parts + JOB_KEYS, job->keys, job->key_count * sizeof(job->keys[0]));
	for (size_t i = 0; r == 0 && i < JOB_PARTS; i++) {
		if (!parts[i].text)
			continue;
		head.sizes[i] = parts[i].size + 1;
		r = verity_io_write(fd, parts[i].text, parts[i].size, offset, err);
		offset += head.sizes[i];
	}
	if (r == 0)
		r = verity_io_write(fd, &head, sizeof(head), 0, err);
	/* The 0 of the last text */
	if (r == 0 && ftruncate(fd, (off_t)offset) < 0)
		r = verity_fail_errno(err, errno, "a file in memory");
	if (r == 0)
		*ret = steal_fd(&fd);
	return r;
}

/* Return: false if they are not what the file has. */
static bool find_parts(const struct head *head, size_t rest, struct job_text *ret)
{
	const char *at = (const char *)(head + 1);

	for (size_t i = 0; i < JOB_PARTS; i++) {
		uint64_t size = head->sizes[i];

		if (size > rest || (size > 0 && at[size - 1] != '\0'))
			return false;
		if (size > 0)
			ret[i] = (struct job_text){at, (size_t)size - 1};
		at += size;
		rest -= (size_t)size;
	}
	return rest == 0 && ret[JOB_SCHEME].text && ret[JOB_URL].text &&
	       ret[JOB_HOST].text && head->key_count <= JOB_KEYS_MAX;
}

int job_receive(int fd, struct transfer_job *ret)
{
	struct job_text parts[JOB_PARTS] = {{0}};
	const struct protocol *protocol;
	const struct head *head;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_size < (off_t)sizeof(*head))
		return -EBADMSG;
	head = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (head == MAP_FAILED)
		return -errno;
	if (strncmp(head->version, WMOPKG_VERSION, VERSION_BYTES) != 0 ||
	    !find_parts(head, (size_t)st.st_size - sizeof(*head), parts))
		return -EBADMSG;
	protocol = protocol_find(parts[JOB_SCHEME].text, parts[JOB_SCHEME].size);
	if (!protocol)
		return -EBADMSG;
	*ret = (struct transfer_job){
		.protocol = protocol,
		.url = parts[JOB_URL].text,
		.host = parts[JOB_HOST].text,
		.port = head->port,
		.user = parts[JOB_USER].text,
		.password = parts[JOB_PASSWORD].text,
		.known = parts[JOB_KNOWN].text,
		.has_user = head->has_user,
		.has_password = head->has_password,
		.can_ask = head->can_ask,
		.authorities = parts[JOB_AUTHORITIES].text,
		.authorities_size = parts[JOB_AUTHORITIES].size,
		.known_hosts = parts[JOB_KNOWN_HOSTS].text,
		.known_hosts_size = parts[JOB_KNOWN_HOSTS].size,
		.known_hosts_path = parts[JOB_KNOWN_HOSTS_PATH].text,
		.key_count = head->key_count,
		.has_rsa_key = head->has_rsa_key,
		.first_bytes = head->first_bytes,
		.uid = head->uid,
		.gid = head->gid,
		.parent = head->parent,
	};
	memcpy(ret->keys, parts + JOB_KEYS, sizeof(ret->keys));
	return 0;
}
