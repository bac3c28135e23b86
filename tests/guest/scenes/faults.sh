# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# Reconciliation with SAs: each call and each request goes wrong in turn, against a kernel that has ESP. The suite
# unit plays the same with policies alone, where this machine's kernel has none.

play "faults and rollback with SAs" --seconds 400 "$here/inside/faults.sh"
