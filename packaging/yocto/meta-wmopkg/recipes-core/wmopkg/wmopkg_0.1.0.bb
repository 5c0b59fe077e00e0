# SPDX-License-Identifier: MIT
SUMMARY = "Signed add-on packages for devices with a read-only firmware"
DESCRIPTION = "Packages of squashfs, dm-verity and a signed manifest, verified and stacked over the \
root at each boot, in the initramfs."
SECTION = "base"
LICENSE = "MIT"
LIC_FILES_CHKSUM = "file://LICENSE;md5=64a6ef0db7f21a66c285af115540f6bf"

inherit externalsrc meson pkgconfig systemd update-rc.d

# The tree that this layer lies in. A recipe of your own can fetch it instead: EXTERNALSRC = "",
# SRC_URI and SRCREV.
EXTERNALSRC ?= "${WMOPKG_SOURCE}"
EXTERNALSRC_SYMLINKS = ""

# Root certificates of the key ring, as absolute paths: PEM files. Without one, no package is
# trusted.
WMOPKG_KEYS ?= ""

DEPENDS = "json-c openssl"

PACKAGECONFIG ??= "activate installer seccomp \
    ${@bb.utils.contains('DISTRO_FEATURES', 'wmopkg', 'ssh', '', d)} \
    ${@bb.utils.filter('DISTRO_FEATURES', 'systemd', d)}"
PACKAGECONFIG:class-native = "builder"
PACKAGECONFIG:class-nativesdk = "builder"
PACKAGECONFIG[activate] = "-Dactivate=enabled,-Dactivate=disabled,cryptsetup libconfuse libdevmapper util-linux"
PACKAGECONFIG[builder] = "-Dbuilder=enabled,-Dbuilder=disabled,libarchive squashfs-tools-ng zlib"
PACKAGECONFIG[completion] = "-Dcompletion=enabled,-Dcompletion=disabled"
PACKAGECONFIG[installer] = "-Dinstaller=enabled,-Dinstaller=disabled,curl libconfuse libedit squashfs-tools-ng util-linux"
PACKAGECONFIG[seccomp] = "-Dseccomp=enabled,-Dseccomp=disabled,libseccomp"
# needs a curl with libssh2: PACKAGECONFIG:append:pn-curl = " libssh2"
PACKAGECONFIG[ssh] = "-Dssh=enabled,-Dssh=disabled"
PACKAGECONFIG[systemd] = "-Dsystemd=enabled,-Dsystemd=disabled"
PACKAGECONFIG[uboot] = "-Duboot=enabled,-Duboot=disabled,libubootenv"
PACKAGECONFIG[web] = "-Dweb=enabled,-Dweb=disabled"

EXTRA_OEMESON = "-Ddracut=disabled -Dinitramfs_tools=disabled -Dlean_initramfs=false -Dtests=disabled"

SYSTEMD_SERVICE:${PN} = "${@bb.utils.contains('PACKAGECONFIG', 'installer', 'wmopkg-boot-complete.service', '', d)}"
INITSCRIPT_NAME = "wmopkg"
INITSCRIPT_PARAMS = "start 99 2 3 4 5 ."

do_install:append:class-target() {
    # without usrmerge, the units of systemd are in /lib
    units=${D}${prefix}/lib/systemd/system
    if [ -d $units ] && [ $units != ${D}${systemd_system_unitdir} ]; then
        install -d ${D}${systemd_system_unitdir}
        mv $units/* ${D}${systemd_system_unitdir}/
        rmdir -p --ignore-fail-on-non-empty $units
    fi
    if ${@bb.utils.contains('DISTRO_FEATURES', 'sysvinit', 'true', 'false', d)} && \
       [ -e ${D}${datadir}/wmopkg/S99wmopkg ]; then
        install -D -m 755 ${D}${datadir}/wmopkg/S99wmopkg ${D}${sysconfdir}/init.d/wmopkg
    fi
    install -d ${D}${sysconfdir}/wmopkg/keys
    for key in ${WMOPKG_KEYS}; do
        install -m 644 $key ${D}${sysconfdir}/wmopkg/keys/
    done
}
do_install[file-checksums] += "${@' '.join(key + ':True' for key in (d.getVar('WMOPKG_KEYS') or '').split())}"

PACKAGES =+ "${PN}-build ${PN}-config ${PN}-initramfs ${PN}-web"
FILES:${PN} += "${systemd_system_unitdir} ${datadir}/bash-completion ${datadir}/wmopkg"
FILES:${PN}-build = "${bindir}/wmopkg-build"
FILES:${PN}-config = "${sysconfdir}/wmopkg"
FILES:${PN}-initramfs = "${sbindir}/wmopkg-activate ${datadir}/wmopkg/initramfs"
FILES:${PN}-web = "${bindir}/wmopkg-web"
CONFFILES:${PN}-config = "${sysconfdir}/wmopkg/wmopkg.conf"
INITSCRIPT_PACKAGES = "${@bb.utils.contains('PACKAGECONFIG', 'installer', d.getVar('PN'), '', d)}"
# a device without wmopkg has the key ring, too
ALLOW_EMPTY:${PN} = "1"

RDEPENDS:${PN}:class-target = "${PN}-config"
RRECOMMENDS:${PN}:class-target = "ca-certificates"
RDEPENDS:${PN}-web:class-target = "${PN}"
RDEPENDS:${PN}-initramfs:class-target = "${PN}-config e2fsprogs-e2fsck e2fsprogs-mke2fs"
# for LABEL= and UUID=; and what the kernel has as modules
RRECOMMENDS:${PN}-initramfs:class-target = "util-linux-blkid \
    kernel-module-dm-mod kernel-module-dm-verity kernel-module-ext4 kernel-module-loop \
    kernel-module-overlay kernel-module-squashfs"

BBCLASSEXTEND = "native nativesdk"
