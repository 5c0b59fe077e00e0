# SPDX-License-Identifier: MIT
# Only where the distribution asks for it: the layer alone changes nothing.
require ${@bb.utils.contains('DISTRO_FEATURES', 'wmopkg', 'wmopkg-kernel.inc', '', d)}
