/* SPDX-License-Identifier: ISC
 *
 * What the kernel has, in the words of our language as far as it has them.
 */
#include "xfrm/text.h"

#include "xfrm/plan.h"

#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Appends to a text of SP_XFRM_TEXT_BYTES, cut. */
__attribute__((format(printf, 2, 3))) static void append(char *text, const char *format, ...)
{
    size_t used = strlen(text);
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(text + used, SP_XFRM_TEXT_BYTES - used, format, arguments);
    va_end(arguments);
}

static void append_protocol(char *text, uint8_t protocol)
{
    static const struct {
        uint8_t number;
        const char *name;
    } names[] = {{0, "any"},
                 {IPPROTO_TCP, "tcp"},
                 {IPPROTO_UDP, "udp"},
                 {IPPROTO_ICMP, "icmp"},
                 {IPPROTO_ICMPV6, "icmp6"},
                 {IPPROTO_SCTP, "sctp"},
                 {IPPROTO_ESP, "esp"},
                 {IPPROTO_AH, "ah"}};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].number == protocol) {
            append(text, "%s", names[i].name);
            return;
        }
    append(text, "%u", protocol);
}

static void append_end(char *text, const struct sp_address *address, uint8_t family, uint8_t prefix_bits)
{
    char written[SP_ADDRESS_TEXT_BYTES];
    struct sp_address whole = *address;

    if (prefix_bits == 0) {
        append(text, " any");
        return;
    }
    whole.family = family;
    append(text, " %s", sp_address_format(&whole, written));
    if (prefix_bits != (family == 4 ? 32 : 128))
        append(text, "/%u", prefix_bits);
}

/* Masks of ones before zeroes are ranges; of others the mask is shown. */
static void append_number(char *text, const char *what, uint16_t number, uint16_t mask)
{
    const uint16_t free_bits = (uint16_t)~mask;

    if (mask == 0)
        return;
    append(text, " %s %u", what, number);
    if (mask == UINT16_MAX)
        return;
    if ((free_bits & (free_bits + 1)) == 0)
        append(text, "-%u", number | free_bits);
    else
        append(text, "/0x%x", mask);
}

const char *sp_xfrm_selector_text(const struct sp_xfrm_selector *selector, char *text)
{
    const bool is_icmp = selector->protocol == IPPROTO_ICMP || selector->protocol == IPPROTO_ICMPV6;

    text[0] = '\0';
    append_protocol(text, selector->protocol);
    if (is_icmp) {
        append_number(text, "type", selector->source_port, selector->source_port_mask);
        append_number(text, "code", selector->destination_port, selector->destination_port_mask);
    }
    append_end(text, &selector->source, selector->family, selector->source_prefix_bits);
    if (!is_icmp)
        append_number(text, "port", selector->source_port, selector->source_port_mask);
    append(text, " ->");
    append_end(text, &selector->destination, selector->family, selector->destination_prefix_bits);
    if (!is_icmp)
        append_number(text, "port", selector->destination_port, selector->destination_port_mask);
    if (selector->source_prefix_bits == 0 && selector->destination_prefix_bits == 0)
        append(text, " (IPv%u)", selector->family);
    return text;
}

const char *sp_xfrm_direction_name(uint8_t direction)
{
    switch (direction) {
    case XFRM_POLICY_OUT:
        return "out";
    case XFRM_POLICY_IN:
        return "in";
    case XFRM_POLICY_FWD:
        return "fwd";
    default:
        return "?";
    }
}

const char *sp_xfrm_action_name(const struct sp_xfrm_policy *policy)
{
    if (policy->action != XFRM_POLICY_ALLOW)
        return "block";
    return sp_xfrm_policy_passes_clear(policy) ? "bypass" : "protect";
}

const char *sp_xfrm_policy_text(const struct sp_xfrm_policy *policy, char *text)
{
    char selector[SP_XFRM_TEXT_BYTES];

    text[0] = '\0';
    append(text, "policy %u: %s %s %s", policy->priority, sp_xfrm_action_name(policy),
           sp_xfrm_direction_name(policy->direction), sp_xfrm_selector_text(&policy->selector, selector));
    return text;
}

const char *sp_xfrm_sa_text(const struct sp_xfrm_sa *sa, char *text)
{
    char source[SP_ADDRESS_TEXT_BYTES], destination[SP_ADDRESS_TEXT_BYTES];

    text[0] = '\0';
    append(text, "SA 0x%08x %s -> %s", sa->spi,
           sa->source.family != 0 ? sp_address_format(&sa->source, source) : "?",
           sa->destination.family != 0 ? sp_address_format(&sa->destination, destination) : "?");
    return text;
}
