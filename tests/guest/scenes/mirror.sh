# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# The mirror: SAs that strongSwan negotiates, in our engine.

play "the mirror" --seconds 400 "$here/inside/mirror.sh" "$([ -n "${SP_NIGHTLY-}" ] && echo 25 || echo 1)"
