# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# The mirror: SAs that strongSwan negotiates, in our engine.

if [ -n "${SP_NIGHTLY-}" ]; then
    play "the mirror, IKEv2" --seconds 400 "$here/inside/mirror.sh" 2 25
    play "the mirror, IKEv1" --seconds 400 "$here/inside/mirror.sh" 1 10
else
    play "the mirror" --seconds 400 "$here/inside/mirror.sh" 2 1
fi
