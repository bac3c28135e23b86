# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# Completion of ipsecctl(8) for bash. Verbs and options are read from the program's own help, so that they are never
# others than it has. Needs nothing but bash.

_ipsecctl_verbs() {
    "$1" help 2>/dev/null | sed -n '/^Verbs:/,/^$/s/^  \([a-z][a-z-]*\) .*/\1/p'
}

_ipsecctl_options() { # PROGRAM VERB
    "$1" "$2" --help 2>/dev/null | grep -o -- '--[a-z][a-z-]*' | sort -u
}

_ipsecctl_offer() { # WORD CHOICE...
    local word=$1
    shift
    mapfile -t COMPREPLY < <(compgen -W "$*" -- "$word")
}

_ipsecctl_offer_files() { # WORD
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -f -- "$1")
}

# How many words behind the verb, before the current one, are no options.
_ipsecctl_operands() {
    local index count=0
    for ((index = 2; index < COMP_CWORD; index++)); do
        case ${COMP_WORDS[index]} in
        --me | --policy | --keys | --direction | --from | --to | --output | --control) ((index++)) ;;
        --confirm | --encoding | --name | --backend | --count | --device | --offload) ((index++)) ;;
        --esp) ((index += 2)) ;;
        --*) ;;
        *) ((count++)) ;;
        esac
    done
    printf '%d\n' "$count"
}

_ipsecctl_operand() { # VERB WORD
    local place
    place=$(_ipsecctl_operands)
    case $1:$place in
    explain:1) _ipsecctl_offer "$2" out in ;;
    explain:2) _ipsecctl_offer "$2" tcp udp icmp icmp6 sctp dccp udplite esp ah ;;
    explain:[1-9]*) ;;
    offload:0) _ipsecctl_offer "$2" probe ;;
    offload:1) _ipsecctl_offer "$2" "$(cd /sys/class/net 2>/dev/null && echo *)" ;;
    import:0) _ipsecctl_offer "$2" netsh openbsd ;;
    export:0) _ipsecctl_offer "$2" netsh swanctl xfrm wireshark ;;
    help:0) _ipsecctl_offer "$2" "$(_ipsecctl_verbs "${COMP_WORDS[0]}")" ;;
    help:* | version:* | status:* | reload:* | confirm:* | keygen:* | flush:* | monitor:*) ;;
    *) _ipsecctl_offer_files "$2" ;;
    esac
}

_ipsecctl() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} verb=${COMP_WORDS[1]}
    COMPREPLY=()
    if ((COMP_CWORD == 1)); then
        _ipsecctl_offer "$word" "$(_ipsecctl_verbs "${COMP_WORDS[0]}")"
        return
    fi
    case $before in
    --policy | --keys | --output | --control) _ipsecctl_offer_files "$word" ;;
    --direction) _ipsecctl_offer "$word" out in ;;
    --backend)
        if [ "$verb" = load ]; then
            _ipsecctl_offer "$word" auto kernel nic user
        else
            _ipsecctl_offer "$word" kernel nic user
        fi
        ;;
    --device) _ipsecctl_offer "$word" auto "$(cd /sys/class/net 2>/dev/null && echo *)" ;;
    --offload) _ipsecctl_offer "$word" auto packet crypto ;;
    --esp) _ipsecctl_offer "$word" 3des-cbc aes128-gcm16 aes256-gcm16 null ;;
    3des-cbc | null) _ipsecctl_offer "$word" hmac-sha1-96 hmac-sha2-256-128 hmac-md5-96 ;;
    --me | --from | --to | --encoding | --name | --count) ;;
    *)
        if [[ $word == -* ]]; then
            _ipsecctl_offer "$word" "$(_ipsecctl_options "${COMP_WORDS[0]}" "$verb")"
        else
            _ipsecctl_operand "$verb" "$word"
        fi
        ;;
    esac
}

complete -F _ipsecctl ipsecctl
