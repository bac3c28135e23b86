#!/bin/bash
# SPDX-License-Identifier: ISC
#
# Two hosts in the guest whose kernels get their policy and SAs from ipsecctl load --backend kernel. What they say to
# each other is captured on the wire between them.
#
#        front 192.0.2.1, 2001:db8::1    wire0 ------------ wire0    back 192.0.2.2, 2001:db8::2, nginx

# shellcheck source=lib.sh
. "$SP_SOURCE/tests/guest/inside/lib.sh"

FRONT_POLICY=$SP_SOURCE/docs/examples/front-end.policy
BACK_POLICY=$SP_SOURCE/docs/examples/back-end.policy
keys=$TMPDIR/keys

start_web() {
    local web=$TMPDIR/web
    mkdir -p "$web/www"
    chmod 755 "$TMPDIR" "$web" "$web/www"
    printf 'This page came under ESP.\n' >"$web/www/small"
    head -c 300000 /dev/urandom >"$web/www/big"
    cat >"$web/nginx.conf" <<END
daemon off;
pid $web/nginx.pid;
error_log $web/error.log;
worker_processes 1;
user root;
events { worker_connections 64; }
http {
    access_log off;
    client_body_temp_path $web/body;
    proxy_temp_path $web/proxy;
    fastcgi_temp_path $web/fastcgi;
    uwsgi_temp_path $web/uwsgi;
    scgi_temp_path $web/scgi;
    server {
        listen 80;
        listen [::]:80;
        root $web/www;
    }
}
END
    ip netns exec back nginx -c "$web/nginx.conf" -p "$web" 2>"$web/error" &
    web_pid=$!
    wait_until 10 ip netns exec back curl -s --max-time 2 http://127.0.0.1/small
}

fetches() { # ADDRESS FILE
    ip netns exec front curl -g -s -f --max-time 30 -o "$TMPDIR/got" "http://$1/$2" && cmp "$TMPDIR/got" "$TMPDIR/web/www/$2"
}

stays_shut() { # HOST ADDRESS
    ! ip netns exec "$1" curl -g -s -f --max-time 2 -o /dev/null "http://$2/small"
}

start_capture() { # NAME
    ip netns exec front tcpdump -n -p --immediate-mode -U -i wire0 -w "$TMPDIR/$1.pcap" 2>"$TMPDIR/$1.log" &
    capture_pid=$!
    wait_until 10 grep -q 'listening on' "$TMPDIR/$1.log"
}

stop_capture() {
    sleep 0.3
    kill "$capture_pid"
    wait "$capture_pid"
}

captured() { # NAME FILTER
    tcpdump -n -r "$TMPDIR/$1.pcap" "$2" 2>/dev/null | wc -l
}

only_esp() { # NAME: ESP both ways over both families, and no TCP
    tcpdump -n -r "$TMPDIR/$1.pcap" -c 10 2>&1
    [ "$(captured "$1" 'esp and src host 192.0.2.1')" -gt 3 ] && [ "$(captured "$1" 'esp and src host 192.0.2.2')" -gt 3 ] &&
        [ "$(captured "$1" 'ip6 proto 50')" -gt 6 ] && [ "$(captured "$1" tcp)" -eq 0 ]
}

load() { # HOST POLICY [ARGUMENT...]
    local host=$1 policy=$2
    shift 2
    ip netns exec "$host" "$ipsecctl" load --backend kernel --keys "$keys" "$policy" "$@"
}

write_keys() { # [KEYGEN-OPTION...]
    (umask 077 && "$ipsecctl" keygen --from 192.0.2.1 --to 192.0.2.2 "$@" >"$keys" &&
        "$ipsecctl" keygen --from 2001:db8::1 --to 2001:db8::2 "$@" >>"$keys")
}

# The policies of one suite, on both hosts.
load_suite() { # ENCRYPTION [INTEGRITY]
    write_keys --esp "$@" || return 1
    sed "s/esp 3des-cbc hmac-sha1-96/esp $*/" "$FRONT_POLICY" >"$TMPDIR/front.policy"
    sed "s/esp 3des-cbc hmac-sha1-96/esp $*/" "$BACK_POLICY" >"$TMPDIR/back.policy"
    load front "$TMPDIR/front.policy" && load back "$TMPDIR/back.policy"
}

need_esp veth
two_hosts_up || exit 1
start_web || { cat "$TMPDIR/web/error" "$TMPDIR/web/error.log"; exit 1; } >&2
write_keys

check "before, the page comes in clear" fetches 192.0.2.2 small
check "a dry run says what would be added" says 'add SA 0x' load front "$FRONT_POLICY" -n
check "and adds nothing" is_true front 'not s["sas"] and not s["policies"]'
check "the front-end's kernel takes policy and SAs" says 'SAs: 4 added' load front "$FRONT_POLICY"
check "with only one end loaded nothing gets through" stays_shut front 192.0.2.2
check "the back-end's kernel takes them too" load back "$BACK_POLICY"
start_capture loaded
check "a page comes under the kernel's ESP" fetches 192.0.2.2 small
check "a large one too" fetches 192.0.2.2 big
check "over IPv6 too" fetches '[2001:db8::2]' big
stop_capture
check "only ESP was on the wire" only_esp loaded
check "status shows what the SAs did" is_true front \
    'sum(a["packets"] for a in s["sas"]) > 20 and all(a["ours"] and a["state"] == "live" for a in s["sas"])'
check "with the fingerprints that keygen makes of them" is_true front \
    'len({a["fingerprint"] for a in s["sas"]}) == 4 and all(len(a["fingerprint"]) == 16 for a in s["sas"])'
check "loading again changes nothing" says '0 added, 0 changed, 0 deleted' load front "$FRONT_POLICY"
check "and the connection goes on" fetches 192.0.2.2 small

# somebody else's entries
ip -n front xfrm state add src 192.0.2.1 dst 192.0.2.9 proto esp spi 0x999 reqid 7 mode transport \
    auth-trunc 'hmac(sha1)' 0x000102030405060708090a0b0c0d0e0f10111213 96 enc 'ecb(cipher_null)' ''
ip -n front xfrm policy add src 192.0.2.1 dst 192.0.2.9 dir out priority 9 tmpl proto esp reqid 7 mode transport
check "what is somebody else's is shown as foreign" is_true front \
    '[a["spi"] for a in s["sas"] if not a["ours"]] == [0x999] and len([p for p in s["policies"] if not p["ours"]]) == 1'

# new keys
write_keys
check "new SAs replace the old ones" says 'SAs: 4 added, 0 changed, 4 deleted' load front "$FRONT_POLICY"
check "which the other end doesn't know" stays_shut front 192.0.2.2
check "the back-end gets them" load back "$BACK_POLICY"
check "and the page comes" fetches 192.0.2.2 small

# limits change in place
sed 's/^}/    lifetime 5 MB 900 seconds\n}/' "$keys" >"$TMPDIR/limited" && cat "$TMPDIR/limited" >"$keys"
check "other limits change SAs in place" says 'SAs: 0 added, 4 changed, 0 deleted' load front "$FRONT_POLICY"
check "and sequence numbers go on" fetches 192.0.2.2 small
check "the kernel has the limits" is_true front \
    'all(a["lifetime"]["hard_bytes"] == 5 * 1024 * 1024 and a["lifetime"]["hard_seconds"] == 900 for a in s["sas"] if a["ours"])'

# another window takes another SA
sed 's/^}/    replay-window 128\n}/' "$keys" >"$TMPDIR/wider" && cat "$TMPDIR/wider" >"$keys"
check "another window takes SAs of the same keys" says 'SAs: 0 added, 4 changed, 0 deleted' load front "$FRONT_POLICY"
check "which go on counting, far enough ahead" is_true front \
    '[a["sequence_sent"] > 1 << 24 for a in s["sas"] if a["source"] == "192.0.2.1" and a["ours"]] == [True]'
check "and take nothing twice" is_true front \
    '[a["sequence_received"] > 0 and a["packets"] > 0 for a in s["sas"] if a["destination"] == "192.0.2.1" and a["ours"]] == [True]'
check "so the page comes, the other end having noticed nothing" fetches 192.0.2.2 small

# drops in words
check "the front-end's own port is blocked" stays_shut back 192.0.2.1
check "which the kernel counts and status says in words" is_true front \
    'any(d["name"] == "XfrmInPolBlock" and d["packets"] > 0 and "blocks" in d["text"] for d in s["drops"])'

suites=('3des-cbc hmac-sha2-256-128' aes256-gcm16)
[ -z "${SP_NIGHTLY-}" ] || suites+=('3des-cbc hmac-md5-96' 'null hmac-sha1-96' aes128-gcm16)
for suite in "${suites[@]}"; do
    # shellcheck disable=SC2086 # one word or two
    check "both kernels take $suite" load_suite $suite
    check "and a page comes under it" fetches 192.0.2.2 small
    check "over IPv6, under it" fetches '[2001:db8::2]' small
    check "and status names the suite" is_true front \
        "{a['algorithms'] for a in s['sas'] if a['ours']} == {'$suite'} == {p['suite'] for p in s['policies'] if p['suite'] and p['ours']}"
    check "loading it again changes nothing" says 'SAs: 0 added, 0 changed, 0 deleted, 4 kept' load front "$TMPDIR/front.policy"
done

check "flush takes ours away on the front-end" ip netns exec front "$ipsecctl" flush --backend kernel
check "and on the back-end" ip netns exec back "$ipsecctl" flush --backend kernel
check "leaving what is somebody else's" is_true front \
    '[a["spi"] for a in s["sas"]] == [0x999] and len(s["policies"]) == 1 and not any(p["ours"] for p in s["policies"])'
check "then the page comes in clear again" fetches 192.0.2.2 small
kill "$web_pid"
exit "$failures"
