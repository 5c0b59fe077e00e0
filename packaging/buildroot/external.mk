# SPDX-License-Identifier: MIT
# The packages of this tree.
include $(sort $(wildcard $(BR2_EXTERNAL_WMOPKG_PATH)/package/*/*.mk))
