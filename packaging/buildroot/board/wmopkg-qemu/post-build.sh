#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The key ring of the virtual device: development keys, made once, in wmopkg-keys beside the
# folder of images. A product has the root certificate of its vendor in an overlay instead.

set -eu
keys=$BASE_DIR/wmopkg-keys

[ -e "$keys/root.pem" ] || "$HOST_DIR/bin/wmopkg-build" keys "$keys"
install -D -m 644 "$keys/root.pem" "$TARGET_DIR/etc/wmopkg/keys/root.pem"
