/* SPDX-License-Identifier: ISC
 *
 * Selectors as nft(8) matches: match.h says what for.
 */
#include "guard/match.h"

#include <stdlib.h>
#include <string.h>

static int compare_ranges(const void *left, const void *right)
{
    const struct sp_address_range *one = left, *other = right;
    return memcmp(one->first.bytes, other->first.bytes, sizeof one->first.bytes);
}

/* Sorted, and those that overlap made one, because nft refuses sets whose intervals do. */
static size_t merge_ranges(struct sp_address_range *ranges, size_t count)
{
    size_t used = 0;
    qsort(ranges, count, sizeof *ranges, compare_ranges);
    for (size_t i = 0; i < count; i++) {
        struct sp_address_range *last = used ? &ranges[used - 1] : NULL;
        if (!last || memcmp(ranges[i].first.bytes, last->last.bytes, sizeof last->last.bytes) > 0)
            ranges[used++] = ranges[i];
        else if (memcmp(ranges[i].last.bytes, last->last.bytes, sizeof last->last.bytes) > 0)
            last->last = ranges[i].last;
    }
    return used;
}

static bool is_everything(const struct sp_address_range *range)
{
    const size_t address_bytes = range->first.family == 4 ? 4 : 16;
    for (size_t i = 0; i < address_bytes; i++)
        if (range->first.bytes[i] != 0 || range->last.bytes[i] != 0xff)
            return false;
    return true;
}

static void write_ranges(FILE *out, const struct sp_address_range *ranges, size_t count)
{
    char first[SP_ADDRESS_TEXT_BYTES], last[SP_ADDRESS_TEXT_BYTES];
    fputs("{ ", out);
    for (size_t i = 0; i < count; i++) {
        sp_address_format(&ranges[i].first, first);
        sp_address_format(&ranges[i].last, last);
        const bool is_single = strcmp(first, last) == 0;
        fprintf(out, "%s%s%s%s", i ? ", " : "", first, is_single ? "" : "-", is_single ? "" : last);
    }
    fputs(" } ", out);
}

static size_t ranges_of(const struct sp_endpoint *end, uint8_t family, struct sp_address_range *ranges)
{
    size_t count = 0;
    for (uint32_t i = 0; i < end->address_count; i++)
        if (end->addresses[i].first.family == family)
            ranges[count++] = end->addresses[i];
    return merge_ranges(ranges, count);
}

uint8_t match_family(enum part part)
{
    return part == PART_IPV4 ? 4 : part == PART_IPV6 ? 6 : 0;
}

bool match_has_part(const struct sp_endpoint *end, enum part part)
{
    if (part == PART_ANY)
        return !end->is_me && end->address_count == 0;
    if (part == PART_ME)
        return end->is_me;
    for (uint32_t i = 0; i < end->address_count; i++)
        if (end->addresses[i].first.family == match_family(part))
            return true;
    return false;
}

bool match_write_addresses(FILE *out, const struct sp_endpoint *end, enum part part, const char *side)
{
    if (part == PART_ANY)
        return true;
    if (part == PART_ME) {
        fprintf(out, "fib %s type local ", side);
        return true;
    }
    struct sp_address_range *ranges = calloc(end->address_count, sizeof *ranges);
    if (!ranges)
        return false;
    const size_t count = ranges_of(end, match_family(part), ranges);
    if (is_everything(&ranges[0])) {
        fprintf(out, "meta nfproto ipv%u ", match_family(part));
    } else {
        fprintf(out, "%s %s ", part == PART_IPV4 ? "ip" : "ip6", side);
        write_ranges(out, ranges, count);
    }
    free(ranges);
    return true;
}

static void write_number(FILE *out, const struct sp_address *address)
{
    const size_t address_bytes = address->family == 4 ? 4 : 16;
    fputs("0x", out);
    for (size_t i = 0; i < address_bytes; i++)
        fprintf(out, "%02x", address->bytes[i]);
}

bool match_write_raw_addresses(FILE *out, const struct sp_endpoint *end, uint8_t family, const char *field)
{
    struct sp_address_range *ranges = calloc(end->address_count, sizeof *ranges);
    if (!ranges)
        return false;
    const size_t count = ranges_of(end, family, ranges);
    fprintf(out, "%s { ", field);
    for (size_t i = 0; i < count; i++) {
        fputs(i ? ", " : "", out);
        write_number(out, &ranges[i].first);
        if (memcmp(ranges[i].first.bytes, ranges[i].last.bytes, sizeof ranges[i].first.bytes) == 0)
            continue;
        fputs("-", out);
        write_number(out, &ranges[i].last);
    }
    fputs(" } ", out);
    free(ranges);
    return true;
}

static bool is_narrow(const struct sp_port_range *ranges, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (ranges[i].first == 0 && ranges[i].last == UINT16_MAX)
            return false;
    return count > 0;
}

bool match_has_ports(const struct sp_endpoint *end)
{
    return is_narrow(end->ports, end->port_count);
}

/* Ports, or what stands in their shape. field: "th sport", or where in a packet the number is. */
static void write_numbers(FILE *out, const char *field, const struct sp_port_range *ranges, uint32_t count)
{
    static const size_t all_numbers = (size_t)UINT16_MAX + 1;
    uint8_t wanted[UINT16_MAX + 1] = {0};
    if (!is_narrow(ranges, count))
        return;
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t number = ranges[i].first; number <= ranges[i].last; number++)
            wanted[number] = 1;

    fprintf(out, "%s { ", field);
    const char *separator = "";
    for (size_t first = 0; first < all_numbers; first++) {
        if (!wanted[first])
            continue;
        size_t last = first;
        while (last + 1 < all_numbers && wanted[last + 1])
            last++;
        fprintf(out, first == last ? "%s%zu" : "%s%zu-%zu", separator, first, last);
        separator = ", ";
        first = last;
    }
    fputs(" } ", out);
}

void match_write_ports(FILE *out, const struct sp_endpoint *end, const char *field)
{
    write_numbers(out, field, end->ports, end->port_count);
}

void match_write_icmp(FILE *out, const struct sp_icmp *icmp, const char *type_field, const char *code_field)
{
    write_numbers(out, type_field, icmp->types, icmp->type_count);
    write_numbers(out, code_field, icmp->codes, icmp->code_count);
}
