# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# Scene: a browser at ipsecmon's page, while traffic runs, the daemon goes and comes, and others try to get in.

WEB=127.0.0.1:8750

ask() { # CURL ARGUMENT...
    in_front curl -s --max-time 10 "$@"
}
has_status() { # STATUS CURL ARGUMENT...
    local status
    status=$(ask -o "$scratch/body" -w '%{http_code}' "${@:2}")
    echo "HTTP status $status" && head -c 500 "$scratch/body"
    [ "$status" = "$1" ]
}
page_headers() {
    ask -D - -o "$scratch/page" "http://$WEB/" | tr -d '\r'
}
has_new_nonce() {
    local one other
    one=$(page_headers | grep -io "script-src 'nonce-[0-9a-f]*'")
    grep -qF "$(grep -o 'nonce-[0-9a-f]*' <<<"$one" | sed 's/nonce-\(.*\)/nonce="\1"/')" "$scratch/page" || return 1
    other=$(page_headers | grep -io "script-src 'nonce-[0-9a-f]*'")
    [ ${#one} -eq 51 ] && [ "$one" != "$other" ]
}
needs_nobody() { # nothing in the page leads elsewhere
    ! grep -Eo '(src|href|url\()[^ ]*' "$scratch/page" | grep -v svg && ! grep -q innerHTML "$scratch/page" &&
        [ "$(grep -c '://' "$scratch/page")" = "$(grep -c 'http://www.w3.org/2000/svg' "$scratch/page")" ]
}
has_no_rights() { # PROCESS
    grep -E '^(Cap(Prm|Eff)|NoNewPrivs)' "/proc/${topology_pids[$1]}/status"
    [ "$(awk '/^Cap(Prm|Eff)/ { print $2 }' "/proc/${topology_pids[$1]}/status" | sort -u)" = 0000000000000000 ] &&
        grep -qx 'NoNewPrivs:.1' "/proc/${topology_pids[$1]}/status"
}
listens_at() { # ADDRESS:PORT and nowhere else
    [ "$(in_front ss -Hltn | awk '{print $4}' | sort)" = "$1" ]
}
# Streams beyond the limit are refused; the page is there all the same.
have_begun() { # FILE...
    local file
    for file in "$@"; do
        [ -s "$file" ] || return 1
    done
}
limits_streams() {
    local pids=() status i
    for i in {1..16}; do
        ip netns exec "$topology_tag-front" curl -sN --max-time 60 -o "$scratch/stream-$i" "http://$WEB/events" &
        pids+=($!)
    done
    wait_until 20 have_begun "$scratch"/stream-{1..16}
    status=$(ask -o "$scratch/body" -w '%{http_code}' "http://$WEB/events")
    ask -f -o "$scratch/body" "http://$WEB/"
    i=$?
    kill "${pids[@]}"
    wait "${pids[@]}" 2>/dev/null
    echo "status $status, page $i"
    [ "$status" = 503 ] && [ "$i" -eq 0 ] && wait_until 20 has_status 200 --max-time 1 "http://$WEB/events"
}
browse() { # CASE: what page.py does with it
    in_front /usr/bin/python3 -B "$here/page.py" "$1" "http://$WEB/" "$scratch"
}

rm -rf "$scratch/keys"
make_keys "$scratch/keys"
end_process front
end_process back
# Names are other people's words.
sed 's/as "Outbound TCP 80 - front-end"/as "<img src=x onerror=alert(1)> \&amp; TCP 80"/' \
    "$SP_SOURCE/docs/examples/front-end.policy" >"$scratch/odd.policy"
check "a policy with markup in its names starts" start_gate front "$scratch/odd.policy" "$scratch/keys"
check "and the other host" start_gate back "$SP_SOURCE/docs/examples/back-end.policy" "$scratch/keys"
check "ipsecmon serves the page" start_monitor page --web -i 0.5
check "without any of root's rights" has_no_rights page
check "on loopback alone" listens_at "$WEB"
check "the page is there" has_status 200 "http://$WEB/"
check "its script and style have a nonce, another one each time" has_new_nonce
check "it needs nothing from elsewhere, and makes no markup of what it is told" needs_nobody
check "another's name is refused" has_status 421 -H 'Host: evil.example' "http://$WEB/events"
check "a name that only begins like ours too" has_status 421 -H 'Host: localhost.evil.example' "http://$WEB/events"
check "HTTP/1.0 without a name as well" has_status 421 --http1.0 -H 'Host:' "http://$WEB/"
check "nothing can be posted" has_status 405 -d x=1 "http://$WEB/"
check "broken, endless and too many requests neither end it nor make it grow" in_front \
    /usr/bin/python3 -B "$here/hostile.py" 127.0.0.1 8750 "${topology_pids[page]}"
check "more than 16 streams are refused, and the page still comes" limits_streams

start_traffic
in_back curl -s --max-time 1 -o /dev/null "http://$FRONT_IPV4/" # which the policy blocks
check "the page shows what there is, in both colours, and its text as text" browse shows
end_traffic
start_process browser "$scratch/browser.log" ip netns exec "$topology_tag-front" \
    /usr/bin/python3 -B "$here/page.py" outlives "http://$WEB/" "$scratch"
check "an open page is there" wait_until 40 test -e "$scratch/opened"
end_process front
check "it says when the daemon is gone" wait_until 20 test -e "$scratch/seen-away"
check "the daemon comes back" start_gate front "$scratch/odd.policy" "$scratch/keys"
check "which the page sees" wait_until 20 test -e "$scratch/seen-back"
end_process page
check "ipsecmon ends with status 0 although a page is open" test "$ended_status" -eq 0
check "the page says that it is alone" wait_until 20 test -e "$scratch/seen-alone"
check "ipsecmon comes back" start_monitor page --web -i 0.5
check "and the page finds it by itself" wait_until 20 test -e "$scratch/seen-again"
wait "${topology_pids[browser]}"
check "without a complaint of the browser" test $? -eq 0
end_process page

if [ -n "${SP_PICTURES-}" ]; then
    end_process front
    end_process back
    rm "$scratch/keys"
    make_keys "$scratch/keys" # to a sender that begins anew the old ones are used up
    start_gate front "$SP_SOURCE/docs/examples/front-end.policy" "$scratch/keys"
    start_gate back "$SP_SOURCE/docs/examples/back-end.policy" "$scratch/keys"
    start_monitor page --web
    start_traffic
    in_back curl -s --max-time 2 -o /dev/null "http://$FRONT_IPV4/"
    browse pictures && cp "$scratch"/dark.png "$scratch"/light.png "$SP_PICTURES"
    end_traffic
    end_process page
fi
