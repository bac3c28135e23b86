# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# ipsecmon at a kernel that has ESP, beside what iproute2 tells of the same SAs.

play "ipsecmon and the kernel's SAs" --seconds 150 "$here/inside/monitor.sh"
