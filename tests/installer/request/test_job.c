/* SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "installer/request/job.h"
#include "installer/request/protocols.h"

static void check_text(const char *text, const char *expected)
{
	if (expected)
		assert_string_equal(text, expected);
	else
		assert_null(text);
}

static void check_same(const struct transfer_job *job, const struct transfer_job *sent)
{
	assert_ptr_equal(job->protocol, sent->protocol);
	check_text(job->url, sent->url);
	check_text(job->host, sent->host);
	check_text(job->user, sent->user);
	check_text(job->password, sent->password);
	check_text(job->known_hosts_path, sent->known_hosts_path);
	check_text(job->authorities, sent->authorities);
	assert_int_equal(job->authorities_size, sent->authorities_size);
	assert_int_equal(job->known_hosts_size, sent->known_hosts_size);
	if (sent->known_hosts)
		assert_memory_equal(job->known_hosts, sent->known_hosts,
				    sent->known_hosts_size);
	else
		assert_null(job->known_hosts);
	assert_int_equal(job->port, sent->port);
	assert_int_equal(job->has_user, sent->has_user);
	assert_int_equal(job->has_password, sent->has_password);
	assert_int_equal(job->can_ask, sent->can_ask);
	assert_int_equal(job->uid, sent->uid);
	assert_int_equal(job->gid, sent->gid);
	assert_int_equal(job->parent, sent->parent);
	assert_int_equal(job->first_bytes, sent->first_bytes);
	assert_int_equal(job->key_count, sent->key_count);
	assert_int_equal(job->has_rsa_key, sent->has_rsa_key);
	for (size_t i = 0; i < sent->key_count; i++) {
		assert_int_equal(job->keys[i].size, sent->keys[i].size);
		assert_memory_equal(job->keys[i].text, sent->keys[i].text,
				    sent->keys[i].size);
	}
}

static const struct transfer_job *all(void)
{
	static struct transfer_job job = {
		.url = "sftp://h/~/a.wmopkg",
		.host = "h",
		.port = 22,
		.user = "user",
		.password = "",
		.has_password = true,
		.can_ask = true,
		.authorities = "certificates",
		.authorities_size = 12,
		.known_hosts = "h ssh\0ed25519",
		.known_hosts_size = 13,
		.known_hosts_path = "/known_hosts",
		.keys = {{"key\0", 4}, {"", 0}, {"three", 5}},
		.key_count = 3,
		.has_rsa_key = true,
		.uid = 4294967294,
		.gid = 65534,
		.parent = 4711,
		.first_bytes = INT64_C(1) << 40,
	};

	job.protocol = protocol_find("sftp", 4);
	return &job;
}

static void test_same(void **state)
{
	const struct transfer_job least = {
		.protocol = protocol_find("http", 4), .url = "http://h/", .host = "h"};
	const struct transfer_job *const jobs[] = {all(), &least};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct transfer_job job;
		struct verity_error err;
		int fd = -1;

		check_ok(job_send(jobs[i], &fd, &err), &err);
		assert_int_equal(job_receive(fd, &job), 0);
		check_same(&job, jobs[i]);
		close(fd);
	}
}

/* Of every length but its own, it is none; nor with another byte in its head. */
static void test_malformed(void **state)
{
	struct transfer_job job = {.port = 1};
	struct verity_error err;
	struct stat st;
	char *bytes;
	int fd = -1;

	(void)state;
	check_ok(job_send(all(), &fd, &err), &err);
	assert_int_equal(fstat(fd, &st), 0);
	bytes = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(bytes, MAP_FAILED);
	bytes[0]++; /* of the version */
	assert_int_equal(job_receive(fd, &job), -EBADMSG);
	bytes[0]--;
	assert_int_equal(bytes[st.st_size - 1], 0);
	bytes[st.st_size - 1] = 'x';
	assert_int_equal(job_receive(fd, &job), -EBADMSG);
	munmap(bytes, (size_t)st.st_size);
	assert_int_equal(ftruncate(fd, st.st_size + 1), 0);
	assert_int_equal(job_receive(fd, &job), -EBADMSG);
	for (off_t size = st.st_size; size-- > 0;) {
		assert_int_equal(ftruncate(fd, size), 0);
		assert_int_equal(job_receive(fd, &job), -EBADMSG);
	}
	close(fd);
	assert_int_equal(job_receive(fd, &job), -EBADF);
	assert_int_equal(job.port, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same),
		cmocka_unit_test(test_malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
