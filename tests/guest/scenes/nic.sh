# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# A NIC that pretends. Full guest only: Debian's kernels have no netdevsim.

play "a NIC that pretends" "$here/inside/nic.sh"
play "SAs and policies on a NIC" "$here/inside/nic_load.sh"
