/* SPDX-License-Identifier: MIT */
#pragma once

/* The host of a URL as libcurl sees it, which connects to it. */

#include "installer/request/address.h"
#include "verity/util/cleanup.h"

#include <curl/curl.h>

DEFINE_CLEANUP(CURLU, curl_url_cleanup);
DEFINE_CLEANUP(char, curl_free);

/**
 * transfer_url_host - the host, an IPv6 address with its brackets; "" if there is none
 */
void transfer_url_host(const char *url, char ret[static ADDRESS_HOST_MAX + 1]);
