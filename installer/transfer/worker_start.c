/* SPDX-License-Identifier: MIT */
/* What a transfer may do, by what it is to fetch. */
#include "installer/transfer/worker_start.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "installer/request/authorities.h"
#include "installer/request/protocols.h"
#include "installer/sandbox/sandbox.h"

#define MEMORY_BYTES (96UL << 20)

static bool is_number(const char *host)
{
	struct in_addr unused;

	return host[0] == '[' || inet_pton(AF_INET, host, &unused) == 1;
}

static void set_rules(const struct transfer_job *job, struct sandbox_rules *ret)
{
	static const char *const names[JOB_KEYS_MAX] = {"key0", "key1", "key2"};
	const struct protocol *protocol = job->protocol;

	*ret = (struct sandbox_rules){
		.uid = job->uid,
		.gid = job->gid,
		.memory_bytes = MEMORY_BYTES,
		.has_network = true,
		/* A redirect, a proxy, and the data connection of ftp. */
		.any_port = protocol->has_certificates || protocol->has_data_connection,
		.has_threads = protocol->has_certificates || !is_number(job->host),
	};
	if (!protocol->has_host_keys)
		return;
	ret->port = job->port;
	ret->agent = getenv("SSH_AUTH_SOCK");
	ret->files[ret->file_count++] = (struct sandbox_file){
		.name = "known_hosts",
		.size = JOB_LINES_SIZE(job->known_hosts_size),
		.writable = true,
	};
	for (size_t i = 0; i < job->key_count; i++)
		ret->files[ret->file_count++] = (struct sandbox_file){
			.name = names[i],
			.bytes = job->keys[i].text,
			.size = job->keys[i].size,
		};
}

/* libcurl would read them later, when no file can be read any more. */
static void load_authorities(struct transfer_job *job)
{
	const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);
	char *text = NULL;

	authorities_load_default(info->cainfo, info->capath, &text,
				 &job->authorities_size);
	job->authorities = text;
	job->authorities_default = info->cainfo ?: info->capath;
}

static void set_files(struct transfer_job *job, const struct sandbox_rules *rules,
		      const struct sandbox_inside *inside)
{
	if (rules->file_count == 0)
		return;
	job->lines = (struct transfer_file){.path = inside->files[0].path,
					    .bytes = inside->files[0].bytes,
					    .size = rules->files[0].size};
	for (size_t i = 0; i < job->key_count; i++)
		job->key_paths[i] = inside->files[1 + i].path;
}

void worker_start(int (*work)(const struct transfer_job *job, int in, int out))
{
	struct sandbox_inside inside;
	struct sandbox_rules rules;
	struct transfer_job job;

	/* It was started by a descriptor, and would have the name of one. */
	(void)prctl(PR_SET_NAME, "wmopkg-fetch");
	if (job_receive(SANDBOX_JOB, &job) < 0)
		_exit(1);
	close(SANDBOX_JOB);
	if (job.protocol->has_certificates && !job.authorities)
		load_authorities(&job);
	set_rules(&job, &rules);
	if (sandbox_enter(&rules, job.parent, &inside) < 0)
		_exit(1);
	set_files(&job, &rules, &inside);
	/* Not exit(): handlers of libraries may need what is forbidden here. */
	_exit(work(&job, inside.in, inside.out));
}
