################################################################################
#
# squashfs-tools-ng - SPDX-License-Identifier: MIT
#
################################################################################

# libsquashfs, with the compressors that are selected, for the device and the host.

SQUASHFS_TOOLS_NG_VERSION = 1.3.2
SQUASHFS_TOOLS_NG_SOURCE = squashfs-tools-ng-$(SQUASHFS_TOOLS_NG_VERSION).tar.xz
SQUASHFS_TOOLS_NG_SITE = https://infraroot.at/pub/squashfs
SQUASHFS_TOOLS_NG_LICENSE = LGPL-3.0+, BSD-2-Clause (xxhash), MIT (hash table)
SQUASHFS_TOOLS_NG_LICENSE_FILES = \
	COPYING.md \
	licenses/GPLv3.txt \
	licenses/hash_table.txt \
	licenses/LGPLv3.txt \
	licenses/xxhash.txt
SQUASHFS_TOOLS_NG_INSTALL_STAGING = YES
SQUASHFS_TOOLS_NG_DEPENDENCIES = host-pkgconf
SQUASHFS_TOOLS_NG_CONF_OPTS = \
	--without-bzip2 \
	--without-lzo \
	--without-selinux \
	--without-tools

ifeq ($(BR2_PACKAGE_LZ4),y)
SQUASHFS_TOOLS_NG_DEPENDENCIES += lz4
SQUASHFS_TOOLS_NG_CONF_OPTS += --with-lz4
else
SQUASHFS_TOOLS_NG_CONF_OPTS += --without-lz4
endif

ifeq ($(BR2_PACKAGE_XZ),y)
SQUASHFS_TOOLS_NG_DEPENDENCIES += xz
SQUASHFS_TOOLS_NG_CONF_OPTS += --with-xz
else
SQUASHFS_TOOLS_NG_CONF_OPTS += --without-xz
endif

ifeq ($(BR2_PACKAGE_ZLIB),y)
SQUASHFS_TOOLS_NG_DEPENDENCIES += zlib
SQUASHFS_TOOLS_NG_CONF_OPTS += --with-gzip
else
SQUASHFS_TOOLS_NG_CONF_OPTS += --without-gzip
endif

ifeq ($(BR2_PACKAGE_ZSTD),y)
SQUASHFS_TOOLS_NG_DEPENDENCIES += zstd
SQUASHFS_TOOLS_NG_CONF_OPTS += --with-zstd
else
SQUASHFS_TOOLS_NG_CONF_OPTS += --without-zstd
endif

HOST_SQUASHFS_TOOLS_NG_DEPENDENCIES = \
	host-lz4 \
	host-pkgconf \
	host-xz \
	host-zlib \
	host-zstd
HOST_SQUASHFS_TOOLS_NG_CONF_OPTS = \
	--with-gzip \
	--with-lz4 \
	--with-xz \
	--with-zstd \
	--without-bzip2 \
	--without-lzo \
	--without-selinux \
	--without-tools

$(eval $(autotools-package))
$(eval $(host-autotools-package))
