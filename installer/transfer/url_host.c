/* SPDX-License-Identifier: MIT */
/* Asking libcurl for the host of a URL. */
#include "installer/transfer/url_host.h"

#include <stdio.h>

void transfer_url_host(const char *url, char ret[static ADDRESS_HOST_MAX + 1])
{
	cleanup_with(curl_url_cleanup_p) CURLU *parts = curl_url();
	cleanup_with(curl_free_p) char *host = NULL;

	ret[0] = '\0';
	if (parts && curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
	    curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK)
		snprintf(ret, ADDRESS_HOST_MAX + 1, "%s", host);
}
