# SPDX-License-Identifier: MIT
#
# For a recipe of an image: makes it an initramfs around the plain /init of wmopkg. It has BusyBox,
# wmopkg-activate, the configuration and the key ring; WMOPKG_INITRAMFS_INSTALL adds packages, for
# example kernel-module-virtio-blk for the disk of the root.

WMOPKG_INITRAMFS_INSTALL ?= ""
# Modules that are loaded before the root is looked for; /etc/modules of the initramfs.
WMOPKG_INITRAMFS_MODULES ?= ""

PACKAGE_INSTALL = "wmopkg-initramfs ${VIRTUAL-RUNTIME_base-utils} base-passwd ${WMOPKG_INITRAMFS_INSTALL} ${ROOTFS_BOOTSTRAP_INSTALL}"
PACKAGE_EXCLUDE = "kernel-image-*"
IMAGE_FEATURES = ""
IMAGE_LINGUAS = ""
IMAGE_NAME_SUFFIX ?= ""
IMAGE_FSTYPES = "${INITRAMFS_FSTYPES}"
IMAGE_ROOTFS_SIZE = "8192"
IMAGE_ROOTFS_EXTRA_SPACE = "0"

inherit core-image

wmopkg_initramfs_init() {
    place=${IMAGE_ROOTFS}${datadir}/wmopkg/initramfs
    install -m 755 $place/init ${IMAGE_ROOTFS}/init
    install -m 644 $place/wmopkg.sh ${IMAGE_ROOTFS}/wmopkg.sh
    for module in ${WMOPKG_INITRAMFS_MODULES}; do
        echo $module >>${IMAGE_ROOTFS}${sysconfdir}/modules
    done
    find ${IMAGE_ROOTFS}${sysconfdir}/wmopkg/keys/ -name '*.pem' -o -name '*.crt' -o -name '*.cer' -o -name '*.der' 2>/dev/null | grep -q . ||
        bbfatal "${sysconfdir}/wmopkg/keys has no certificate: no package could be trusted (set WMOPKG_KEYS to your root certificate)"
}
ROOTFS_POSTPROCESS_COMMAND += "wmopkg_initramfs_init"
