/* SPDX-License-Identifier: MIT */
/* Makes and checks tokens. */
#include "installer/web/form_token.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>

#include "verity/util/cleanup.h"
#include "verity/util/hex.h"
#include "verity/util/io.h"

#define MAC_BYTES   32
#define EXPIRY_SIZE 16 /* hex digits */

int token_secret(int run_fd, uint8_t ret[static TOKEN_SECRET_BYTES],
		 struct verity_error *err)
{
	cleanup_fd int fd = -1;
	uint8_t secret[TOKEN_SECRET_BYTES];
	struct stat st;
	int r = verity_io_open(run_fd, "secret", O_RDWR | O_CREAT | O_NOFOLLOW, &fd, NULL,
			       err);

	if (r < 0)
		return r;
	/* Of two that find it empty, the second one reads what the first one made. */
	if (flock(fd, LOCK_EX) < 0 || fstat(fd, &st) < 0)
		return verity_fail_errno(err, errno, "secret");
	if (st.st_size == TOKEN_SECRET_BYTES)
		return verity_io_read(fd, ret, TOKEN_SECRET_BYTES, 0, err);
	if (getrandom(secret, sizeof(secret), 0) != (ssize_t)sizeof(secret))
		return verity_fail_errno(err, errno, "random numbers");
	r = verity_io_write(fd, secret, sizeof(secret), 0, err);
	if (r == 0)
		memcpy(ret, secret, sizeof(secret));
	explicit_bzero(secret, sizeof(secret));
	return r;
}

/* "EXPIRY-MAC" */
static int format(const uint8_t *secret, const char *user, uint64_t expiry,
		  char ret[static TOKEN_TEXT_MAX])
{
	uint8_t mac[MAC_BYTES];
	unsigned size = sizeof(mac);
	char text[512];
	int length = snprintf(text, sizeof(text), "wmopkg-web 1 %0*" PRIx64 " %s",
			      EXPIRY_SIZE, expiry, user);

	if (length >= (int)sizeof(text) ||
	    !HMAC(EVP_sha256(), secret, TOKEN_SECRET_BYTES, (const uint8_t *)text,
		  (size_t)length, mac, &size) ||
	    size != sizeof(mac))
		return -EINVAL;
	length = snprintf(ret, TOKEN_TEXT_MAX, "%0*" PRIx64 "-", EXPIRY_SIZE, expiry);
	verity_hex_encode(mac, sizeof(mac), ret + length);
	return 0;
}

int token_make(const uint8_t secret[static TOKEN_SECRET_BYTES], const char *user,
	       uint64_t now, char ret[static TOKEN_TEXT_MAX], struct verity_error *err)
{
	return format(secret, user, now + TOKEN_SECONDS, ret) < 0
		       ? verity_fail(err, VERITY_E_IO, "HMAC-SHA256 is not available")
		       : 0;
}

bool token_check(const uint8_t secret[static TOKEN_SECRET_BYTES], const char *user,
		 uint64_t now, const char *token)
{
	char wanted[TOKEN_TEXT_MAX], given[TOKEN_TEXT_MAX] = "";
	uint64_t expiry = 0;
	bool digits = true;

	for (size_t i = 0; i < EXPIRY_SIZE && digits; i++) {
		int digit = verity_hex_digit(token[i]);

		digits = digit >= 0;
		expiry = expiry << 4 | (uint64_t)(digits ? digit : 0);
	}
	snprintf(given, sizeof(given), "%s", digits ? token : "");
	return format(secret, user, expiry, wanted) == 0 &&
	       strlen(given) == strlen(wanted) &&
	       CRYPTO_memcmp(given, wanted, strlen(wanted)) == 0 && expiry > now &&
	       expiry <= now + TOKEN_SECONDS;
}
