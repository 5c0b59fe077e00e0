# SPDX-License-Identifier: MIT
# TFTP, and scp and sftp, which OpenEmbedded leaves out. Only where the distribution asks for it.
PACKAGECONFIG:append:class-target = "${@bb.utils.contains('DISTRO_FEATURES', 'wmopkg', ' libssh2 tftp', '', d)}"
