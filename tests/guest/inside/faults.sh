#!/bin/bash
# SPDX-License-Identifier: ISC
#
# The tests of faults and rollback (tests/unit/offload) where the kernel has ESP.

# shellcheck source=lib.sh
. "$SP_SOURCE/tests/guest/inside/lib.sh"

need_esp
SP_TESTS_NEED_ESP=1 exec "$SP_BUILD/tests/guest/offload-faults"
