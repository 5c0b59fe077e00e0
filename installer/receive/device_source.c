/* SPDX-License-Identifier: MIT */
/* Opens a source with the settings of the device. */
#include "installer/receive/device_source.h"

#include "installer/fetch/source_open.h"
#include "verity/util/cleanup.h"

int device_source_open(struct device *device, struct source_request *request,
		       struct source **ret, struct verity_error *err)
{
	const struct overlay_config *config = device_config(device);
	cleanup_free char *known_hosts = NULL;
	int r = 0;

	request->authorities = config->authorities[0] ? config->authorities : NULL;
	request->fetch_user = config->fetch_user;
	if (source_has_host_keys(request))
		r = device_known_hosts(device, &known_hosts, err);
	request->known_hosts = known_hosts;
	if (r == 0)
		r = source_open(request, ret, err);
	request->known_hosts = NULL;
	return r;
}
