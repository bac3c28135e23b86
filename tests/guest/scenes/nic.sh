# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# A NIC that pretends. Full guest only: Debian's kernels have no netdevsim.

play "a NIC that pretends" "$here/inside/nic.sh"
