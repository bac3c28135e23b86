#!/bin/bash
# SPDX-License-Identifier: ISC
#
# Looks at the guest from inside, and says much: for the harness's own tests.
#
#   hello.sh MODE EXIT-CODE: MODE is look, or stay (until it is ended)

# shellcheck source=lib.sh
. "$SP_SOURCE/tests/guest/inside/lib.sh"

if [ "$1" = stay ]; then
    touch "$SP_SHARE/here"
    sleep 1000 &
    sleep 1000
fi

need_esp
refuses_writes() {
    fails touch "$SP_SOURCE/tests/guest/written-by-guest"
}
takes_3des() {
    ip xfrm state add src 10.0.0.1 dst 10.0.0.2 proto esp spi 0x1000 mode transport \
        enc 'cbc(des3_ede)' 0x0123456789abcdef23456789abcdef01456789abcdef0123 \
        auth-trunc 'hmac(sha1)' 0x000102030405060708090a0b0c0d0e0f10111213 96
}
# Standard output is for the noise alone.
{
    check "the guest has a kernel of its own" fails grep -qF "$(uname -r)" "$SP_SHARE/host-release"
    check "this machine's files can't be written from inside the guest" refuses_writes
    check "the guest's kernel takes an SA of 3DES with HMAC-SHA1" takes_3des
} >"$SP_SHARE/tests"
cat "$SP_SHARE/noise"
exit "$2"
