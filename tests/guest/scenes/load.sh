# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# The kernel as a backend: ipsecctl gives two hosts' kernels policy and SAs, and curl and nginx speak over their ESP.

play "policy and SAs in the kernel" --seconds 400 "$here/inside/load.sh"
