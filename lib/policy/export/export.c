/* SPDX-License-Identifier: ISC
 *
 * What the exports share. Prefixes are found on whole addresses as big-endian byte strings, so that both
 * families go one way.
 */
#include "policy/export/export.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

bool sp_export_start(struct sp_export *export)
{
    export->out = open_memstream(&export->text, &export->text_bytes);
    export->storage = sp_storage_create();
    return export->out != NULL && export->storage != NULL;
}

enum sp_status sp_export_finish(struct sp_export *export, char **ret_text)
{
    bool is_whole = export->out != NULL && export->storage != NULL && !export->is_out_of_memory;
    if (export->out != NULL) {
        is_whole = !ferror(export->out) && is_whole;
        /* glibc's fclose may lose the text for want of memory and say nothing */
        is_whole = fclose(export->out) == 0 && is_whole && export->text != NULL;
    }
    sp_storage_destroy(export->storage);
    if (is_whole && export->errors == 0) {
        *ret_text = export->text;
        return SP_OK;
    }
    free(export->text);
    return is_whole ? SP_ERR_UNSUPPORTED : SP_ERR_MEMORY;
}

void sp_export_tell(struct sp_export *export, enum sp_severity severity, uint32_t rule, const char *format,
                    ...)
{
    struct sp_error error = {.code = SP_ERR_UNSUPPORTED, .severity = severity, .width = 1};
    if (rule != SP_NO_RULE) {
        const struct sp_rule_info *info = &export->policy->rules[rule];
        snprintf(error.file, sizeof error.file, "%s", info->file);
        error.line = info->line;
        error.column = 1;
        sp_policy_rule_text(export->policy, rule, error.source_line, sizeof error.source_line);
    } else {
        snprintf(error.file, sizeof error.file, "the policy");
    }
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error.text, sizeof error.text, format, arguments);
    va_end(arguments);
    sp_report_add(export->report, &error);
    export->errors += severity == SP_SEVERITY_ERROR;
}

bool sp_export_no_memory(struct sp_export *export)
{
    export->is_out_of_memory = true;
    return false;
}

bool sp_export_knows_me(struct sp_export *export)
{
    const size_t errors = export->errors;
    if (!export->me->unknown)
        return true;
    for (uint32_t i = 0; i < export->policy->rule_count; i++) {
        const struct sp_rule_info *rule = &export->policy->rules[i];
        if (rule->from.is_me || rule->to.is_me)
            sp_export_error(export, i, "me must be written out here: say which addresses it has");
    }
    return errors == export->errors;
}

bool sp_export_same_ends(const struct sp_endpoint *left, const struct sp_endpoint *right)
{
    if (left->is_me != right->is_me || left->address_count != right->address_count ||
        left->port_count != right->port_count)
        return false;
    for (uint32_t i = 0; i < left->address_count; i++)
        if (memcmp(&left->addresses[i], &right->addresses[i], sizeof *left->addresses) != 0)
            return false;
    for (uint32_t i = 0; i < left->port_count; i++)
        if (left->ports[i].first != right->ports[i].first || left->ports[i].last != right->ports[i].last)
            return false;
    return true;
}

static size_t address_bytes(const struct sp_address *address)
{
    return address->family == 4 ? 4 : 16;
}

struct sp_prefixes sp_prefixes_of(const struct sp_address_range *range)
{
    return (struct sp_prefixes){range->first, range->last, false};
}

static bool bit_of(const struct sp_address *address, unsigned bit)
{
    return (address->bytes[bit / 8] >> (7 - bit % 8) & 1) != 0;
}

static void set_bit(struct sp_address *address, unsigned bit)
{
    address->bytes[bit / 8] |= (uint8_t)(0x80u >> (bit % 8));
}

/* Adds one; false when that goes past the last address there is. */
static bool increment(struct sp_address *address)
{
    for (size_t i = address_bytes(address); i-- > 0;)
        if (++address->bytes[i] != 0)
            return true;
    return false;
}

bool sp_prefixes_next(struct sp_prefixes *prefixes, struct sp_address *ret_address, unsigned *ret_bits)
{
    const size_t bytes = address_bytes(&prefixes->next);
    if (prefixes->is_over || memcmp(prefixes->next.bytes, prefixes->last.bytes, bytes) > 0)
        return false;
    struct sp_address end = prefixes->next; /* of the prefix so far */
    unsigned bits = (unsigned)bytes * 8;
    while (bits > 0 && !bit_of(&prefixes->next, bits - 1)) {
        struct sp_address wider = end;
        set_bit(&wider, bits - 1);
        if (memcmp(wider.bytes, prefixes->last.bytes, bytes) > 0)
            break;
        end = wider;
        bits--;
    }
    *ret_address = prefixes->next;
    *ret_bits = bits;
    prefixes->next = end;
    prefixes->is_over = !increment(&prefixes->next);
    return true;
}

size_t sp_prefixes_count(const struct sp_address_range *range)
{
    struct sp_prefixes prefixes = sp_prefixes_of(range);
    struct sp_address address;
    unsigned bits;
    size_t count = 0;
    while (sp_prefixes_next(&prefixes, &address, &bits))
        count++;
    return count;
}
