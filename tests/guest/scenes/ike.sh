# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# SAs that strongSwan negotiates, as what a mirror of them can be tested on.

play "SAs of IKEv2" --seconds 120 "$here/inside/ike.sh" 2
[ -z "${SP_NIGHTLY-}" ] || play "SAs of IKEv1" --seconds 120 "$here/inside/ike.sh" 1
