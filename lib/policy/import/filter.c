/* SPDX-License-Identifier: ISC
 *
 * A filter's values: addresses with masks, ports, protocols. Addresses that only the host knows at run time
 * (its DNS server, a name) are errors: whatever stood in their place would be a guess.
 */
#include "policy/import/arguments.h"

#include <netinet/in.h>
#include <string.h>

static size_t address_bytes(const struct sp_address *address)
{
    return address->family == 4 ? 4 : 16;
}

static void set_prefix(struct sp_address_range *range, uint64_t prefix)
{
    for (size_t i = 0; i < address_bytes(&range->first); i++) {
        const uint64_t bits = prefix >= 8 * (i + 1) ? 8 : prefix <= 8 * i ? 0 : prefix - 8 * i;
        const uint8_t mask = (uint8_t)(0xff00u >> bits);
        range->first.bytes[i] &= mask;
        range->last.bytes[i] = (uint8_t)(range->first.bytes[i] | (uint8_t)~mask);
    }
}

/* "24" or "255.255.255.0". */
static bool read_mask(const char *text, const struct sp_address *address, uint64_t *ret_prefix)
{
    struct sp_address mask;
    if (sp_word_number(text, address_bytes(address) * 8, ret_prefix))
        return true;
    if (address->family != 4 || sp_address_parse(text, &mask) != SP_OK || mask.family != 4)
        return false;
    const uint32_t bits = (uint32_t)mask.bytes[0] << 24 | (uint32_t)mask.bytes[1] << 16 |
                          (uint32_t)mask.bytes[2] << 8 | mask.bytes[3];
    const uint32_t host_bits = ~bits;
    *ret_prefix = bits == 0 ? 0 : (uint64_t)(32 - __builtin_popcount(host_bits));
    return (host_bits & (host_bits + 1)) == 0;
}

static bool read_range(struct sp_import *import, const char *value, const char *mask,
                       struct sp_address_range *ret_range)
{
    char text[128];
    snprintf(text, sizeof text, "%s", value);
    char *dash = strchr(text, '-'), *slash = strchr(text, '/');
    char *second = dash != NULL ? dash : slash;
    if (second != NULL)
        *second++ = '\0';
    if (strlen(value) >= sizeof text || sp_address_parse(text, &ret_range->first) != SP_OK) {
        sp_import_error(import, "'%.60s' is a name, and its addresses can't be known: write them", value);
        return false;
    }
    ret_range->last = ret_range->first;
    if (dash != NULL) {
        const bool is_good = sp_address_parse(second, &ret_range->last) == SP_OK &&
                             ret_range->last.family == ret_range->first.family &&
                             memcmp(ret_range->first.bytes, ret_range->last.bytes, 16) <= 0 && mask == NULL;
        if (!is_good)
            sp_import_error(import, "'%.90s' is no range of addresses from low to high", value);
        return is_good;
    }
    if (slash != NULL)
        mask = second;
    uint64_t prefix;
    if (mask == NULL)
        return true;
    if (!read_mask(mask, &ret_range->first, &prefix)) {
        sp_import_error(import, "'%.60s' is no mask: write 255.255.255.0 or 24", mask);
        return false;
    }
    set_prefix(ret_range, prefix);
    return true;
}

static bool is_server(const char *value)
{
    return sp_same_word(value, "dns") || sp_same_word(value, "wins") || sp_same_word(value, "dhcp") ||
           sp_same_word(value, "gateway");
}

/* Mask 0.0.0.0 makes any address mean any. */
static bool is_everything(const struct sp_address_range *range)
{
    for (size_t i = 0; i < address_bytes(&range->first); i++)
        if (range->first.bytes[i] != 0 || range->last.bytes[i] != 0xff)
            return false;
    return range->first.family == 4;
}

static bool read_address(struct sp_import *import, const char *tag, const char *value, const char *mask,
                         bool *is_me, bool *is_any, struct sp_address_range *ret_range)
{
    if (value == NULL) {
        sp_import_error(import, "%s= is missing", tag);
        return false;
    }
    *is_me = sp_same_word(value, "me");
    *is_any = sp_same_word(value, "any");
    if (*is_me || *is_any)
        return true;
    if (is_server(value)) {
        sp_import_error(import, "%s=%.10s means servers that only the host knows: write their addresses", tag,
                        value);
        return false;
    }
    if (!read_range(import, value, mask, ret_range))
        return false;
    *is_any = is_everything(ret_range);
    return true;
}

static bool read_protocol(struct sp_import *import, const char *value, uint16_t *ret_protocol)
{
    static const struct {
        const char *word;
        uint16_t number;
    } protocols[] = {
        {"any", SP_PROTOCOL_ANY}, {"0", SP_PROTOCOL_ANY}, {"icmp", IPPROTO_ICMP},     {"tcp", IPPROTO_TCP},
        {"udp", IPPROTO_UDP},     {"raw", 255},           {"icmpv6", IPPROTO_ICMPV6},
    };
    uint64_t number;
    *ret_protocol = SP_PROTOCOL_ANY;
    if (value == NULL)
        return true;
    for (size_t i = 0; i < sizeof protocols / sizeof *protocols; i++)
        if (sp_same_word(protocols[i].word, value)) {
            *ret_protocol = protocols[i].number;
            return true;
        }
    if (!sp_word_number(value, 255, &number)) {
        sp_import_error(import, "'%.40s' is no protocol: any, icmp, tcp, udp, raw or a number to 255", value);
        return false;
    }
    *ret_protocol = (uint16_t)number;
    return true;
}

static bool read_port(struct sp_import *import, const char *value, uint16_t *ret_port)
{
    uint64_t number = 0;
    if (value != NULL && !sp_word_number(value, UINT16_MAX, &number)) {
        sp_import_error(import, "'%.40s' is no port: a number to 65535, 0 for any", value);
        return false;
    }
    *ret_port = (uint16_t)number;
    return true;
}

static bool check(struct sp_import *import, const struct sp_netsh_filter *filter)
{
    const bool has_ports = filter->source_port != 0 || filter->destination_port != 0;
    const bool has_both = !filter->source_is_me && !filter->source_is_any && !filter->destination_is_me &&
                          !filter->destination_is_any;
    if (has_ports && filter->protocol != IPPROTO_TCP && filter->protocol != IPPROTO_UDP) {
        sp_import_error(import, "ports need protocol=tcp or protocol=udp");
        return false;
    }
    if (has_both && filter->source.first.family != filter->destination.first.family) {
        sp_import_error(import, "srcaddr and dstaddr are of different families: no packet can match");
        return false;
    }
    return true;
}

bool sp_netsh_filter_read(struct sp_import *import, const struct sp_arguments *arguments,
                          struct sp_netsh_filter *ret_filter)
{
    const char *const *values = arguments->values;
    struct sp_netsh_filter filter = {.place = import->place, .is_mirrored = true};
    if (!sp_argument_is(import, arguments, SP_TAG_MIRRORED, &filter.is_mirrored) ||
        !read_address(import, "srcaddr", values[SP_TAG_SRCADDR], values[SP_TAG_SRCMASK], &filter.source_is_me,
                      &filter.source_is_any, &filter.source) ||
        !read_address(import, "dstaddr", values[SP_TAG_DSTADDR], values[SP_TAG_DSTMASK],
                      &filter.destination_is_me, &filter.destination_is_any, &filter.destination) ||
        !read_protocol(import, values[SP_TAG_PROTOCOL], &filter.protocol) ||
        !read_port(import, values[SP_TAG_SRCPORT], &filter.source_port) ||
        !read_port(import, values[SP_TAG_DSTPORT], &filter.destination_port) || !check(import, &filter))
        return false;
    *ret_filter = filter;
    return true;
}

static bool same_range(const struct sp_address_range *left, const struct sp_address_range *right)
{
    return left->first.family == right->first.family &&
           memcmp(left->first.bytes, right->first.bytes, address_bytes(&left->first)) == 0 &&
           memcmp(left->last.bytes, right->last.bytes, address_bytes(&left->first)) == 0;
}

bool sp_netsh_filter_equals(const struct sp_netsh_filter *left, const struct sp_netsh_filter *right)
{
    const bool same_flags =
        left->is_mirrored == right->is_mirrored && left->source_is_me == right->source_is_me &&
        left->source_is_any == right->source_is_any && left->destination_is_me == right->destination_is_me &&
        left->destination_is_any == right->destination_is_any;
    return same_flags && left->protocol == right->protocol && left->source_port == right->source_port &&
           left->destination_port == right->destination_port &&
           (left->source_is_me || left->source_is_any || same_range(&left->source, &right->source)) &&
           (left->destination_is_me || left->destination_is_any ||
            same_range(&left->destination, &right->destination));
}
