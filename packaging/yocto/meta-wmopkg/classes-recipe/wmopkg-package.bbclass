# SPDX-License-Identifier: MIT
#
# For a recipe of an image: makes a package of it, IMAGE_NAME.wmopkg in the folder of images.
#
#	SUMMARY = "The nginx web server"
#	LICENSE = "MIT"
#	inherit wmopkg-package
#	PACKAGE_INSTALL = "nginx"
#	WMOPKG_VERSION = "1.26"
#	WMOPKG_FIRMWARE = "/releases/1.0/firmware.rootfs.tar.zst"
#	WMOPKG_KEY = "/keys/signer.key"
#	WMOPKG_CERT = "/keys/signer.pem"
#
# The package manager installs all that PACKAGE_INSTALL needs. What the firmware has already, with
# the same content, is then left out: WMOPKG_FIRMWARE is a tar file of the root file system of the
# firmware as it was released (IMAGE_FSTYPES += "tar.zst" in its recipe).

WMOPKG_VERSION ?= "${DISTRO_VERSION}"
WMOPKG_DESCRIPTION ?= "${SUMMARY}"
WMOPKG_FIRMWARE ?= ""
# PEM files, or pkcs11: URIs. Without them, the package is not signed.
WMOPKG_KEY ?= ""
WMOPKG_CERT ?= ""
# for example --persistent required --compatible 'EX-*' --epoch 3
WMOPKG_CREATE_OPTIONS ?= ""
# What a package never replaces: lists of the whole system, which the firmware has.
WMOPKG_LEAVE_OUT ?= "/etc/group /etc/gshadow /etc/ld.so.cache /etc/passwd /etc/shadow /etc/timestamp \
    /etc/version /dev /proc /run /sys /tmp /var/cache /var/lib/dnf /var/lib/dpkg /var/lib/opkg /var/lib/rpm"

IMAGE_FEATURES = ""
IMAGE_LINGUAS = ""
IMAGE_NAME_SUFFIX ?= ""
IMAGE_FSTYPES = "wmopkg"
IMAGE_TYPES += "wmopkg"

inherit core-image

wmopkg_leave_out() {
    [ -n "${WMOPKG_FIRMWARE}" ] ||
        bbwarn "WMOPKG_FIRMWARE is not set: the package has all that it needs, the C library included"
    ${WMOPKG_LAYER}/scripts/leave-out-firmware ${IMAGE_ROOTFS} "${WMOPKG_FIRMWARE}" ${WMOPKG_LEAVE_OUT}
}
# after what else changes the root
IMAGE_PREPROCESS_COMMAND:append = " wmopkg_leave_out"
do_image[file-checksums] += "${@d.getVar('WMOPKG_FIRMWARE') + ':True' if d.getVar('WMOPKG_FIRMWARE') else ''}"

IMAGE_CMD:wmopkg () {
    wmopkg-build create --name ${IMAGE_BASENAME} --version '${WMOPKG_VERSION}' \
        --description '${WMOPKG_DESCRIPTION}' \
        ${@'--base ' + d.getVar('WMOPKG_FIRMWARE') if d.getVar('WMOPKG_FIRMWARE') else ''} \
        ${@'--key ' + d.getVar('WMOPKG_KEY') if d.getVar('WMOPKG_KEY') else ''} \
        ${@'--cert ' + d.getVar('WMOPKG_CERT') if d.getVar('WMOPKG_CERT') else ''} \
        ${WMOPKG_CREATE_OPTIONS} ${IMAGE_ROOTFS} ${IMGDEPLOYDIR}/${IMAGE_NAME}.wmopkg
}
do_image_wmopkg[depends] += "wmopkg-native:do_populate_sysroot"
