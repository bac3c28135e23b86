# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# A device without ESP: to the kernel it is no error to be asked to give it SAs, and it does the ESP itself.

play "SAs for a device that can't" "$here/inside/plain.sh"
