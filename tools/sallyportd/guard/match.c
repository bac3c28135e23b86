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

bool match_write_addresses(struct guard_text *text, const struct sp_endpoint *end, enum part part,
                           const char *side)
{
    if (part == PART_ANY)
        return true;
    if (part == PART_ME) {
        fprintf(text->rules, "fib %s type local ", side);
        return true;
    }
    struct sp_address_range *ranges = calloc(end->address_count, sizeof *ranges);
    if (!ranges)
        return false;
    const size_t count = ranges_of(end, match_family(part), ranges);
    char field[16];
    snprintf(field, sizeof field, "%s %s", part == PART_IPV4 ? "ip" : "ip6", side);
    bool is_written = true;
    if (is_everything(&ranges[0]))
        fprintf(text->rules, "meta nfproto ipv%u ", match_family(part));
    else
        is_written = choice_ranges(text, field, ranges, count, false);
    free(ranges);
    return is_written;
}

bool match_write_raw_addresses(struct guard_text *text, const struct sp_endpoint *end, uint8_t family,
                               const char *field)
{
    struct sp_address_range *ranges = calloc(end->address_count, sizeof *ranges);
    if (!ranges)
        return false;
    const size_t count = ranges_of(end, family, ranges);
    const bool is_written = choice_ranges(text, field, ranges, count, true);
    free(ranges);
    return is_written;
}

bool match_has_ports(const struct sp_endpoint *end)
{
    return choice_is_narrow(end->ports, end->port_count);
}

bool match_write_ports(struct guard_text *text, const struct sp_endpoint *end, const char *field)
{
    return choice_numbers(text, field, end->ports, end->port_count);
}

bool match_write_icmp(struct guard_text *text, const struct sp_icmp *icmp, const char *type_field,
                      const char *code_field)
{
    return choice_numbers(text, type_field, icmp->types, icmp->type_count) &&
           choice_numbers(text, code_field, icmp->codes, icmp->code_count);
}
