/* SPDX-License-Identifier: ISC
 *
 * Single numbers stand in the rule itself, in a set without a name. Intervals get a set with a name, apart
 * from the rules: the kernel fills a set of intervals only some time after the rules of the same transaction
 * hold, and until then it looks empty (choice.h).
 */
#include "guard/choice.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Of a set, while they are collected. */
struct elements {
    FILE *out;
    char *written;
    size_t len_bytes, count;
    bool has_interval;
};

/* Where rules need a set of intervals, and its name. */
static void write_interval_set(struct guard_text *text, const char *field, const char *elements)
{
    fprintf(text->sets, "\tset %c_%" PRIu32 " { typeof %s; flags interval; elements = { %s } }\n", text->tag,
            text->set_count, field, elements);
    fprintf(text->rules, "%s @%c_%" PRIu32 " ", field, text->tag, text->set_count);
    text->set_count++;
}

/* What a field may be: one number or one interval, or one of several. */
static bool write_choice(struct guard_text *text, const char *field, const struct elements *elements)
{
    if (fflush(elements->out) != 0)
        return false;
    if (elements->count == 1)
        fprintf(text->rules, "%s %s ", field, elements->written);
    else if (elements->has_interval)
        write_interval_set(text, field, elements->written);
    else
        fprintf(text->rules, "%s { %s } ", field, elements->written);
    return true;
}

static bool elements_open(struct elements *elements)
{
    *elements = (struct elements){0};
    elements->out = open_memstream(&elements->written, &elements->len_bytes);
    return elements->out != NULL;
}

static void elements_free(struct elements *elements)
{
    fclose(elements->out);
    free(elements->written);
}

static void add_element(struct elements *elements, const char *first, const char *last)
{
    const bool is_single = strcmp(first, last) == 0;
    fprintf(elements->out, "%s%s%s%s", elements->count ? ", " : "", first, is_single ? "" : "-",
            is_single ? "" : last);
    elements->count++;
    elements->has_interval |= !is_single;
}

static const char *format_number(const struct sp_address *address, char *ret_text)
{
    const size_t address_bytes = address->family == 4 ? 4 : 16;
    static const char digits[] = "0123456789abcdef";
    char *at = ret_text;
    *at++ = '0';
    *at++ = 'x';
    for (size_t i = 0; i < address_bytes; i++) {
        *at++ = digits[address->bytes[i] >> 4];
        *at++ = digits[address->bytes[i] & 0xf];
    }
    *at = '\0';
    return ret_text;
}

bool choice_ranges(struct guard_text *text, const char *field, const struct sp_address_range *ranges,
                   size_t count, bool is_raw)
{
    const char *(*const format)(const struct sp_address *, char *) =
        is_raw ? format_number : sp_address_format;
    char first[SP_ADDRESS_TEXT_BYTES], last[SP_ADDRESS_TEXT_BYTES];
    struct elements elements;
    if (!elements_open(&elements))
        return false;
    for (size_t i = 0; i < count; i++)
        add_element(&elements, format(&ranges[i].first, first), format(&ranges[i].last, last));
    const bool is_written = write_choice(text, field, &elements);
    elements_free(&elements);
    return is_written;
}

bool choice_is_narrow(const struct sp_port_range *ranges, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (ranges[i].first == 0 && ranges[i].last == UINT16_MAX)
            return false;
    return count > 0;
}

bool choice_numbers(struct guard_text *text, const char *field, const struct sp_port_range *ranges,
                    uint32_t count)
{
    static const size_t all_numbers = (size_t)UINT16_MAX + 1;
    uint8_t wanted[UINT16_MAX + 1] = {0};
    struct elements elements;
    if (!choice_is_narrow(ranges, count))
        return true;
    if (!elements_open(&elements))
        return false;
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t number = ranges[i].first; number <= ranges[i].last; number++)
            wanted[number] = 1;

    for (size_t first = 0; first < all_numbers; first++) {
        if (!wanted[first])
            continue;
        size_t last = first;
        while (last + 1 < all_numbers && wanted[last + 1])
            last++;
        char first_text[8], last_text[8];
        snprintf(first_text, sizeof first_text, "%u", (unsigned)(uint16_t)first);
        snprintf(last_text, sizeof last_text, "%u", (unsigned)(uint16_t)last);
        add_element(&elements, first_text, last_text);
        first = last;
    }
    const bool is_written = write_choice(text, field, &elements);
    elements_free(&elements);
    return is_written;
}
