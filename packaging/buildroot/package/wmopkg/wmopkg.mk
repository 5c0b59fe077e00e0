################################################################################
#
# wmopkg - SPDX-License-Identifier: MIT
#
################################################################################

# The source is the tree that this file lies in. To build another one, set
# WMOPKG_OVERRIDE_SRCDIR in local.mk.
WMOPKG_VERSION = 0.1.0
WMOPKG_SITE = $(BR2_EXTERNAL_WMOPKG_PATH)/../..
WMOPKG_SITE_METHOD = local
WMOPKG_OVERRIDE_SRCDIR_RSYNC_EXCLUSIONS = --exclude=/build --exclude='/build-*'
WMOPKG_LICENSE = MIT
WMOPKG_LICENSE_FILES = LICENSE
WMOPKG_DEPENDENCIES = host-pkgconf json-c libconfuse openssl util-linux
# What is built here is a copy without git: the time of the source is that of
# where it comes from. Without one, the build stops.
WMOPKG_CONF_OPTS = \
	-Dfirmware_built=$$($(WMOPKG_SRCDIR)/overlay/time-epoch \
		$(call qstrip,$(WMOPKG_OVERRIDE_SRCDIR)) 0 0) \
	-Dbuilder=disabled \
	-Ddracut=disabled \
	-Dinitramfs_tools=disabled \
	-Dlean_initramfs=false \
	-Dtests=disabled \
	-Dcompletion=$(if $(BR2_PACKAGE_BASH_COMPLETION),enabled,disabled) \
	-Dsystemd=$(if $(BR2_INIT_SYSTEMD),enabled,disabled)

ifeq ($(BR2_PACKAGE_WMOPKG_ACTIVATE),y)
WMOPKG_DEPENDENCIES += cryptsetup lvm2
WMOPKG_CONF_OPTS += -Dactivate=enabled
else
WMOPKG_CONF_OPTS += -Dactivate=disabled
endif

ifeq ($(BR2_PACKAGE_WMOPKG_INSTALLER),y)
WMOPKG_DEPENDENCIES += libcurl libedit squashfs-tools-ng
WMOPKG_CONF_OPTS += -Dinstaller=enabled
else
WMOPKG_CONF_OPTS += -Dinstaller=disabled
endif

ifeq ($(BR2_PACKAGE_WMOPKG_INSTALLER)$(BR2_PACKAGE_LIBSECCOMP),yy)
WMOPKG_DEPENDENCIES += libseccomp
WMOPKG_CONF_OPTS += -Dseccomp=enabled
else
WMOPKG_CONF_OPTS += -Dseccomp=disabled
endif

ifeq ($(BR2_PACKAGE_WMOPKG_SSH),y)
WMOPKG_DEPENDENCIES += libssh2
WMOPKG_CONF_OPTS += -Dssh=enabled
else
WMOPKG_CONF_OPTS += -Dssh=disabled
endif

ifeq ($(BR2_PACKAGE_WMOPKG_WEB),y)
WMOPKG_CONF_OPTS += -Dweb=enabled
else
WMOPKG_CONF_OPTS += -Dweb=disabled
endif

ifeq ($(BR2_PACKAGE_WMOPKG_UBOOT),y)
WMOPKG_DEPENDENCIES += libubootenv
WMOPKG_CONF_OPTS += -Duboot=enabled
else
WMOPKG_CONF_OPTS += -Duboot=disabled
endif

# The list is that of the Yocto layer.
WMOPKG_LINUX_CONFIG = $(BR2_EXTERNAL_WMOPKG_PATH)/../yocto/meta-wmopkg/recipes-kernel/linux/files/wmopkg.cfg

define WMOPKG_LINUX_CONFIG_FIXUPS
	$(foreach option,$(shell sed -n 's/=y$$//p' $(WMOPKG_LINUX_CONFIG)),\
		$(call KCONFIG_ENABLE_OPT,$(option))$(sep))
endef

# An overlay of the root file system can replace it, with a check whether the
# boot is good.
ifeq ($(BR2_PACKAGE_WMOPKG_INSTALLER),y)
define WMOPKG_INSTALL_INIT_SYSV
	$(INSTALL) -D -m 0755 $(@D)/installer/services/S99wmopkg \
		$(TARGET_DIR)/etc/init.d/S99wmopkg
endef
endif

HOST_WMOPKG_DEPENDENCIES = \
	host-json-c \
	host-libarchive \
	host-openssl \
	host-pkgconf \
	host-squashfs-tools-ng \
	host-zlib
HOST_WMOPKG_CONF_OPTS = \
	-Dactivate=disabled \
	-Dbuilder=enabled \
	-Dinstaller=disabled \
	-Dtests=disabled

# Buildroot builds it without: files would lose their capabilities in packages.
ifeq ($(BR2_PACKAGE_HOST_WMOPKG),y)
# check-package TypoInPackageVariable
HOST_LIBARCHIVE_CONF_OPTS += --enable-xattr
endif

$(eval $(meson-package))
$(eval $(host-meson-package))
