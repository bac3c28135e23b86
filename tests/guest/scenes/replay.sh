# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# Our replay window beside the kernel's: one SA for each size of window, one trace of sequence numbers each; the last
# ones with extended numbers.

REPLAY_WINDOWS=(64 128 512 4096 64 512 4096)
FIRST_EXTENDED=5 # counted from 1

make_replay_keys() {
    local window esn number=0
    for window in "${REPLAY_WINDOWS[@]}"; do
        number=$((number + 1))
        esn=''
        [ "$number" -lt "$FIRST_EXTENDED" ] || esn=--esn
        # The first SA of the pair, to the guest, with that window.
        "$ipsecctl" keygen --from "10.0.$number.1" --to "10.0.$number.2" ${esn:+"$esn"} |
            sed "/^}/q; /replay-window/d; s/^    esp .*/&\n    replay-window $window/" || return 1
    done
}

write_replay_policy() {
    local number action
    printf 'action "short" {\n    esp 3des-cbc hmac-sha1-96\n    require\n}\n'
    printf 'action "long" {\n    esp 3des-cbc hmac-sha1-96\n    esn\n    require\n}\n'
    for number in "${!REPLAY_WINDOWS[@]}"; do
        number=$((number + 1))
        action=short
        [ "$number" -lt "$FIRST_EXTENDED" ] || action=long
        printf 'protect in any from 10.0.%d.1 to 10.0.%d.2 with "%s"\n' "$number" "$number" "$action"
    done
    echo 'default block'
}

write_replay_policy >"$scratch/replay.policy"
(umask 077 && make_replay_keys >"$scratch/replay.keys")
play "replay windows" --seconds 180 "$here/inside/replay_end.sh" "$scratch/replay.keys" 1 2 3 4 5 6 7 \
    --peer /usr/bin/python3 -B "$here/peers/replay_peer.py" "$scratch/replay.policy" "$scratch/replay.keys"
