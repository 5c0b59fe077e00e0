/* SPDX-License-Identifier: MIT */
/* The table of hooks. */
#include "installer/transfer/hooks.h"

#include "installer/transfer/ftp.h"
#include "installer/transfer/http.h"
#include "installer/transfer/ssh.h"
#include "installer/transfer/tftp.h"

const struct protocol_ops *hooks_of(const struct protocol *protocol)
{
	static const struct protocol_ops *const ops[] = {
		[PROTOCOL_FTP] = &ftp_ops,
		[PROTOCOL_TFTP] = &tftp_ops,
#ifdef HAVE_SSH
		[PROTOCOL_SSH] = &ssh_ops,
#endif
		[PROTOCOL_HTTP] = &http_ops,
	};

	return ops[protocol->kind];
}
