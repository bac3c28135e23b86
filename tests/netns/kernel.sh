# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# Scene: the policy in this machine's own kernel. It may have no ESP, but what is blocked is blocked.

ipsecctl=$SP_BUILD/tools/ipsecctl/ipsecctl

load_kernel() { # HOST ARGUMENT...
    in_host "$1" "$ipsecctl" load --backend kernel "${@:2}"
}
flush_kernel() { # HOST
    in_host "$1" "$ipsecctl" flush --backend kernel
}
kernel_is_true() { # HOST EXPRESSION
    local value
    value=$(in_host "$1" "$ipsecctl" status --backend kernel --json |
        /usr/bin/python3 -c 'import json, sys; s = json.load(sys.stdin); print(eval(sys.argv[1]))' "$2")
    echo "$2 is $value" && [ "$value" = True ]
}
changes_nothing() { # HOST POLICY
    load_kernel "$1" "$2" | tee /dev/stderr | grep -q 'policies: 0 added, 0 changed, 0 deleted'
}
# A kernel without ESP or DES says so in a sentence of ours, and is as it was. One that has them takes the SAs.
takes_or_says_why() { # KEYS POLICY
    local said
    if said=$(load_kernel front --keys "$1" "$2" 2>&1); then
        flush_kernel front
        return
    fi
    echo "$said"
    [[ $said =~ ^"ipsecctl: the kernel has no "(ESP|DES|HMAC|AES-GCM).*": CONFIG_" ]] && changes_nothing front "$scratch/kernel.policy"
}

# Asked for a NIC, it ends with the same sentence, and with who else can do it.
nic_or_says_who() { # KEYS POLICY
    local said
    if said=$(in_front "$ipsecctl" load --backend nic --device lo --keys "$1" "$2" 2>&1); then
        [[ $said == *software* ]]
        return
    fi
    echo "$said"
    [[ $said == *"the kernel has no "*CONFIG_*"nor in user space: no sallyportd answers"* ]] && changes_nothing front "$scratch/kernel.policy"
}

if ! in_front "$ipsecctl" status --backend kernel >/dev/null 2>&1; then
    skip "policies in the kernel" "this kernel has no XFRM"
else
    write_policy kernel.policy <<EOF
block out tcp from me to $BACK_IPV4 port 1-1023 as "a range, which becomes prefixes"
block out tcp from any to $BACK_IPV6 port 80
default bypass
EOF
    in_front "$ipsecctl" monitor --backend kernel --json --count 1 >"$scratch/event" 2>"$scratch/monitor-log" &
    topology_pids[monitor]=$!
    wait_until 5 grep -q listening "$scratch/monitor-log"
    check "the page comes before" fetches front "$BACK_IPV4" small
    check "the kernel takes policies that block" load_kernel front "$scratch/kernel.policy"
    check "which stops the page" stays_shut front "$BACK_IPV4"
    check "and over IPv6, while neighbours are still found" stays_shut front "[$BACK_IPV6]"
    check "other ports go on" speaks_udp "$BACK_IPV4" 5000
    check "monitor tells of the first, as JSON" grep -q '"event":"policy-added","ours":true' "$scratch/event"
    check "the kernel counts it, and status says why in words" kernel_is_true front \
        'any(d["name"] == "XfrmOutPolBlock" and d["packets"] > 0 and "blocks it" in d["text"] for d in s["drops"])'
    check "all policies are shown as ours" kernel_is_true front 'len(s["policies"]) > 10 and all(p["ours"] for p in s["policies"])'
    check "loading again changes nothing" changes_nothing front "$scratch/kernel.policy"
    in_front ip xfrm policy add src 192.0.2.1 dst 192.0.2.77 dir out action block priority 7
    write_policy foreign.policy <<'EOF'
block out from 192.0.2.1 to 192.0.2.77
default bypass
EOF
    check_fails "a policy of somebody else that is in the way is not replaced" load_kernel front "$scratch/foreign.policy"
    check "and nothing was changed" changes_nothing front "$scratch/kernel.policy"
    write_policy long.policy <<'EOF'
block out tcp from 10.0.0.1-10.255.255.254 port 1-65534 to 10.0.0.1-10.255.255.254 port 1-65534
default bypass
EOF
    check "a rule that falls into too many policies is named" \
        grep -q 'long.policy:5: error: this rule becomes [0-9]* kernel policies' <(load_kernel front "$scratch/long.policy" 2>&1)
    check "SAs are refused with a reason, or taken" takes_or_says_why "$scratch/keys" "$FRONT_POLICY"
    sed 's/esp 3des-cbc hmac-sha1-96/esp aes128-gcm16/' "$FRONT_POLICY" >"$scratch/gcm.policy"
    (umask 077 && "$ipsecctl" keygen --from "$FRONT_IPV4" --to "$BACK_IPV4" --esp aes128-gcm16 >"$scratch/gcm.keys")
    check "and those of AES-GCM" takes_or_says_why "$scratch/gcm.keys" "$scratch/gcm.policy"
    check "a NIC is told the same, or does nothing" nic_or_says_who "$scratch/gcm.keys" "$scratch/gcm.policy"
    flush_kernel front >/dev/null
    check "flush leaves what is somebody else's" kernel_is_true front '[p["priority"] for p in s["policies"]] == [7]'
    check "and the page comes again" fetches front "$BACK_IPV4" small
    in_front ip xfrm policy flush
fi
