# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# An SA file of sallyport.keys(5), as `ip xfrm state` takes it: what an administrator would type who has both.

# xfrm_add_states FILE [IP-OPTION...]: all of its SAs. Those with extended sequence numbers from a host that ends in 2,
# the guest, go on as if nearly 2^32 packets had been sent before, so that the second burst of 64 crosses that border.
xfrm_add_states() {
    local file=$1
    shift
    awk '
        $1 == "sa" { window = 64; cipher_key = "\"\""; esn = ""; encap = "" }
        $1 == "spi" { spi = $2 }
        $1 == "from" { from = $2; to = $4 }
        $1 == "esp" { cipher = $2; integrity = $3 }
        $1 == "encryption-key" { cipher_key = $2 }
        $1 == "integrity-key" { key = $2 }
        $1 == "replay-window" { window = $2 }
        $1 == "encap" { encap = "encap espinudp 4500 4500 " (from ~ /:/ ? "::" : "0.0.0.0") }
        $1 == "esn" { esn = from ~ /2$/ ? "replay-oseq 0xffffff90 flag esn" : "flag esn" }
        $1 == "}" {
            printf "xfrm state add src %s dst %s proto esp spi %s reqid 1 mode transport replay-window %s %s ",
                from, to, spi, window, esn
            if (cipher ~ /gcm/) { # the salt is behind the key, as RFC 4106 8.1 has it
                printf "aead rfc4106(gcm(aes)) %s 128 %s\n", cipher_key, encap
                next
            }
            name = cipher == "null" ? "ecb(cipher_null)" : "cbc(des3_ede)"
            hash = "hmac(sha1)"; bits = 96
            if (integrity == "hmac-md5-96") hash = "hmac(md5)"
            if (integrity == "hmac-sha2-256-128") { hash = "hmac(sha256)"; bits = 128 }
            printf "enc %s %s auth-trunc %s %s %d %s\n", name, cipher_key, hash, key, bits, encap
        }' "$file" | ip "$@" -batch -
}

# xfrm_require LOCAL PEER [IP-OPTION...]: all between these hosts goes and comes under ESP.
xfrm_require() {
    local local_address=$1 peer=$2
    shift 2
    ip "$@" xfrm policy add src "$local_address" dst "$peer" dir out \
        tmpl src "$local_address" dst "$peer" proto esp reqid 1 mode transport &&
        ip "$@" xfrm policy add src "$peer" dst "$local_address" dir in \
            tmpl src "$peer" dst "$local_address" proto esp reqid 1 mode transport
}
