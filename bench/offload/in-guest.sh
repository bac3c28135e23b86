#!/bin/bash
# SPDX-License-Identifier: ISC
#
# The part of bench/run offload that takes a kernel with ESP. Runs inside the guest.

# shellcheck source=../../tests/guest/inside/lib.sh
. "$SP_SOURCE/tests/guest/inside/lib.sh"

need_esp
exec "$SP_BUILD/bench/bench-offload" --place guest --json "$SP_SHARE/guest.json" "$@"
