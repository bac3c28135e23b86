/* SPDX-License-Identifier: ISC
 *
 * The policy and the SAs as text.
 *
 * OpenBSD looks flows up by the longest match, so the policy has `order specific`. A flow without in or out
 * is one of each; protect is mirrored by itself, and where the other half of a protect rule was written too,
 * it is left out, because it says nothing new.
 */
#include "policy/import/openbsd/openbsd.h"

#include "core/misuse.h"

#include <sodium.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define NAME_BYTES 96

struct emitter {
    struct sp_openbsd *import;
    FILE *out;
    struct sp_names halves; /* of protect rules, as text: number 1 when it came with in or out alone */
    const struct sp_openbsd_statement *named;
    uint32_t named_count;
};

/* "line 12", "line 12 (2)": what a statement's rules and SAs are called. */
static const char *name_of(const struct sp_openbsd_statement *statement, uint32_t count,
                           char text[NAME_BYTES])
{
    char file[24] = "", suffix[16] = "";
    if (statement->file_number > 0)
        snprintf(file, sizeof file, "file %u ", statement->file_number + 1);
    if (count > 1)
        snprintf(suffix, sizeof suffix, " (%u)", count);
    snprintf(text, NAME_BYTES, "%sline %u%s", file, statement->place.line, suffix);
    return text;
}

/* Tunnels are told apart by the action's number. */
static const char *action_name(const struct sp_openbsd *import, const struct sp_openbsd_action *action,
                               char text[NAME_BYTES])
{
    char suffix[32] = "", suite[SP_SUITE_TEXT_BYTES];
    char tunnel[32] = "";
    if (action->lifetime_seconds != 0)
        snprintf(suffix, sizeof suffix, ", %llu seconds", (unsigned long long)action->lifetime_seconds);
    if (action->tunnel_from.family != 0)
        snprintf(tunnel, sizeof tunnel, ", tunnel %zu", (size_t)(action - import->actions) + 1);
    snprintf(text, NAME_BYTES, "%s%s%s", sp_suite_format(action->encryption, action->integrity, suite),
             suffix, tunnel);
    return text;
}

static void put_mode(FILE *out, const struct sp_openbsd_action *action)
{
    char from[SP_ADDRESS_TEXT_BYTES], to[SP_ADDRESS_TEXT_BYTES];
    if (action->tunnel_from.family != 0)
        fprintf(out, "    mode tunnel from %s to %s\n", sp_address_format(&action->tunnel_from, from),
                sp_address_format(&action->tunnel_to, to));
}

static void put_action(FILE *out, const struct sp_openbsd *import, const struct sp_openbsd_action *action)
{
    char name[NAME_BYTES], suite[SP_SUITE_TEXT_BYTES];
    fprintf(out, "action \"%s\" {\n    esp %s\n", action_name(import, action, name),
            sp_suite_format(action->encryption, action->integrity, suite));
    put_mode(out, action);
    if (action->lifetime_seconds == 0)
        fputs("    lifetime w2k\n", out);
    else
        fprintf(out, "    lifetime 100000 KB %llu seconds\n", (unsigned long long)action->lifetime_seconds);
    fputs("    require\n}\n", out);
}

static unsigned prefix_of(const struct sp_address_range *range)
{
    const unsigned bits = range->first.family == 4 ? 32 : 128;
    unsigned prefix = 0;
    while (prefix < bits &&
           ((range->first.bytes[prefix / 8] ^ range->last.bytes[prefix / 8]) >> (7 - prefix % 8) & 1) == 0)
        prefix++;
    return prefix;
}

static void put_hosts(FILE *out, const struct sp_openbsd_hosts *hosts)
{
    if (hosts->is_any) {
        fputs("any", out);
        return;
    }
    fputs(hosts->count > 1 ? "{ " : "", out);
    for (uint32_t i = 0; i < hosts->count; i++) {
        const struct sp_address_range *range = &hosts->ranges[i];
        char text[SP_ADDRESS_TEXT_BYTES];
        const unsigned prefix = prefix_of(range);
        fprintf(out, "%s%s", i > 0 ? ", " : "", sp_address_format(&range->first, text));
        if (prefix < (range->first.family == 4 ? 32u : 128u))
            fprintf(out, "/%u", prefix);
    }
    fputs(hosts->count > 1 ? " }" : "", out);
}

static void put_protocol(FILE *out, uint16_t protocol)
{
    static const struct {
        uint16_t number;
        const char *word;
    } words[] = {{6, " tcp"}, {17, " udp"}, {1, " icmp"}, {58, " icmp6"}, {132, " sctp"}};
    if (protocol == SP_PROTOCOL_ANY)
        return;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (words[i].number == protocol) {
            fputs(words[i].word, out);
            return;
        }
    }
    fprintf(out, " %u", protocol);
}

/* is_swapped: from the flow's to. */
static void put_selector(FILE *out, const struct sp_openbsd_statement *flow, uint16_t protocol,
                         bool is_swapped)
{
    put_protocol(out, protocol);
    fputs(" from ", out);
    put_hosts(out, is_swapped ? &flow->to : &flow->from);
    if (is_swapped ? flow->has_to_port : flow->has_from_port)
        fprintf(out, " port %u", is_swapped ? flow->to_port : flow->from_port);
    fputs(" to ", out);
    put_hosts(out, is_swapped ? &flow->from : &flow->to);
    if (is_swapped ? flow->has_from_port : flow->has_to_port)
        fprintf(out, " port %u", is_swapped ? flow->from_port : flow->to_port);
}

static void put_rule(struct emitter *emitter, const struct sp_openbsd_statement *flow, uint16_t protocol,
                     enum sp_direction direction, bool is_swapped)
{
    char name[NAME_BYTES];
    const bool is_protect = sp_openbsd_is_protected(flow);
    fprintf(emitter->out, "%s %s",
            is_protect                             ? "protect"
            : flow->type == SP_OPENBSD_TYPE_BYPASS ? "bypass"
                                                   : "block",
            direction == SP_OUTBOUND ? "out" : "in");
    put_selector(emitter->out, flow, protocol, is_swapped);
    if (is_protect)
        fprintf(emitter->out, " with \"%s\"",
                action_name(emitter->import, &emitter->import->actions[flow->action], name));
    emitter->named_count = emitter->named == flow ? emitter->named_count + 1 : 1;
    emitter->named = flow;
    fprintf(emitter->out, " as \"%s\"\n", name_of(flow, emitter->named_count, name));
}

/* What a protect rule protects, as text to be found again: as it goes out, and for a flow's half as well
 * which half it is. NULL: no memory. */
static char *half_of(struct sp_openbsd *import, const struct sp_openbsd_statement *flow, uint16_t protocol,
                     char half)
{
    char *text = NULL, *kept = NULL;
    size_t text_bytes;
    FILE *out = open_memstream(&text, &text_bytes);
    if (out == NULL)
        return NULL;
    fprintf(out, "%c %u", half, flow->action);
    put_selector(out, flow, protocol, flow->direction == SP_INBOUND);
    const bool is_good = !ferror(out);
    if (fclose(out) == 0 && is_good && text != NULL)
        kept = sp_storage_text(import->storage, text, text_bytes);
    free(text);
    return kept;
}

static bool note_half(struct emitter *emitter, const struct sp_openbsd_statement *flow, uint16_t protocol,
                      char half, bool *ret_is_new)
{
    const char *text = half_of(emitter->import, flow, protocol, half);
    if (text == NULL)
        return sp_openbsd_no_memory(emitter->import);
    *ret_is_new = sp_names_find(&emitter->halves, text) == SP_NAMES_NONE;
    if (*ret_is_new && !sp_names_add(&emitter->halves, text, 0))
        return sp_openbsd_no_memory(emitter->import);
    return true;
}

/* 'b' stands for both directions, which one protect rule is. */
static bool put_protect(struct emitter *emitter, const struct sp_openbsd_statement *flow, uint16_t protocol)
{
    bool is_new = false, is_new_half = false;
    if (!note_half(emitter, flow, protocol, 'b', &is_new))
        return false;
    if (is_new)
        put_rule(emitter, flow, protocol, flow->direction, false);
    const char half = flow->direction == SP_INBOUND ? 'i' : 'o';
    if (!note_half(emitter, flow, protocol, half, &is_new_half))
        return false;
    if (flow->has_direction)
        return true;
    return note_half(emitter, flow, protocol, 'i', &is_new_half);
}

static size_t protocol_count(const struct sp_openbsd_statement *flow)
{
    return flow->protocol_count == 0 ? 1 : flow->protocol_count;
}

/* Protocol 0 is any, on OpenBSD. */
static uint16_t protocol_of(const struct sp_openbsd_statement *flow, size_t index)
{
    return flow->protocol_count == 0 || flow->protocols[index] == 0 ? SP_PROTOCOL_ANY
                                                                    : flow->protocols[index];
}

static bool put_flow(struct emitter *emitter, const struct sp_openbsd_statement *flow)
{
    for (size_t i = 0; i < protocol_count(flow); i++) {
        const uint16_t protocol = protocol_of(flow, i);
        if (sp_openbsd_is_protected(flow)) {
            if (!put_protect(emitter, flow, protocol))
                return false;
            continue;
        }
        put_rule(emitter, flow, protocol, flow->direction, false);
        if (!flow->has_direction)
            put_rule(emitter, flow, protocol, SP_INBOUND, true);
    }
    return true;
}

static bool has_other_half(struct emitter *emitter, const struct sp_openbsd_statement *flow,
                           uint16_t protocol, bool *ret_has)
{
    const char *other = half_of(emitter->import, flow, protocol, flow->direction == SP_INBOUND ? 'o' : 'i');
    if (other == NULL)
        return sp_openbsd_no_memory(emitter->import);
    *ret_has = sp_names_find(&emitter->halves, other) != SP_NAMES_NONE;
    return true;
}

/* A protect rule holds both ways, so a flow in or out alone becomes more than it was. */
static bool tell_halves(struct emitter *emitter)
{
    for (const struct sp_openbsd_statement *flow = emitter->import->first; flow != NULL; flow = flow->next) {
        if (flow->kind != SP_OPENBSD_FLOW || !flow->has_direction || !sp_openbsd_is_protected(flow))
            continue;
        bool has_other = true;
        for (size_t i = 0; i < protocol_count(flow) && has_other; i++) {
            if (!has_other_half(emitter, flow, protocol_of(flow, i), &has_other))
                return false;
        }
        if (!has_other)
            sp_openbsd_warn(emitter->import, &flow->place,
                            "one direction alone can't be kept: the other one is protected too");
    }
    return true;
}

static bool put_policy(struct emitter *emitter)
{
    const struct sp_openbsd *import = emitter->import;
    fputs("# The flows of an ipsec.conf, each named after its line. The most specific one decides, as on "
          "OpenBSD.\n"
          "# Protection is required both ways, also where a flow says use, the default for what comes in.\n",
          emitter->out);
    for (uint32_t i = 0; i < import->action_count; i++)
        put_action(emitter->out, import, &import->actions[i]);
    fputs("order specific\n", emitter->out);
    for (const struct sp_openbsd_statement *flow = import->first; flow != NULL; flow = flow->next)
        if ((flow->kind == SP_OPENBSD_FLOW || flow->kind == SP_OPENBSD_IKE) && !put_flow(emitter, flow))
            return false;
    fputs("default bypass\n", emitter->out);
    return tell_halves(emitter) && !ferror(emitter->out);
}

enum sp_status sp_openbsd_emit(struct sp_openbsd *import, char **ret_text)
{
    char *text = NULL;
    size_t text_bytes;
    struct emitter emitter = {.import = import, .out = open_memstream(&text, &text_bytes)};
    if (emitter.out == NULL)
        return SP_ERR_MEMORY;
    const bool is_good = put_policy(&emitter);
    sp_names_free(&emitter.halves);
    /* glibc's fclose may lose the text for want of memory and say nothing */
    if (fclose(emitter.out) != 0 || !is_good || text == NULL) {
        free(text);
        return SP_ERR_MEMORY;
    }
    *ret_text = text;
    return SP_OK;
}

/* Text in locked memory, or, without bytes, how long it will be. */
struct writer {
    char *bytes;
    size_t len_bytes, capacity;
};

static void put(struct writer *writer, const char *text, size_t len_bytes)
{
    if (writer->bytes != NULL && writer->len_bytes + len_bytes <= writer->capacity)
        memcpy(writer->bytes + writer->len_bytes, text, len_bytes);
    writer->len_bytes += len_bytes;
}

/* Nothing secret goes this way: the text stands in a buffer that isn't wiped. */
static void put_plain(struct writer *writer, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void put_plain(struct writer *writer, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    const int len = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    put(writer, text, len < (int)sizeof text ? (size_t)len : sizeof text - 1);
}

/* Ours escapes other things than theirs. */
static void put_path(struct writer *writer, struct sp_piece path)
{
    char text[SP_OPENBSD_WORD_BYTES];
    SP_REQUIRE(sp_piece_text(path, text, sizeof text)); /* it was when it was read */
    put(writer, "file \"", 6);
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '"' || *at == '\\')
            put(writer, "\\", 1);
        put(writer, at, 1);
    }
    put(writer, "\"\n", 2);
}

static void put_key(struct writer *writer, const char *word, const struct sp_openbsd_sa *sa, size_t which)
{
    if (sa->keys[which].start == NULL)
        return;
    put_plain(writer, "    %s ", word);
    if (sa->are_files[which]) {
        put_path(writer, sa->keys[which]);
        return;
    }
    put(writer, "0x", 2);
    put(writer, sa->keys[which].start, sa->keys[which].len_bytes);
    put(writer, "\n", 1);
}

static void put_sas(const struct sp_openbsd *import, struct writer *writer)
{
    const struct sp_openbsd_statement *named = NULL;
    uint32_t count = 0;
    put_plain(writer, "# The SAs of an ipsec.conf, each named after its line. Keep this file secret.\n");
    for (size_t i = 0; i < import->sa_count; i++) {
        const struct sp_openbsd_sa *sa = &import->sas[i];
        char name[NAME_BYTES], source[SP_ADDRESS_TEXT_BYTES], destination[SP_ADDRESS_TEXT_BYTES];
        char suite[SP_SUITE_TEXT_BYTES];
        count = sa->statement == named ? count + 1 : 1;
        named = sa->statement;
        put_plain(writer, "sa \"%s\" {\n    spi 0x%08x\n    from %s to %s\n    esp %s\n",
                  name_of(named, count, name), sa->spi, sp_address_format(&sa->source, source),
                  sp_address_format(&sa->destination, destination),
                  sp_suite_format(sa->encryption, sa->integrity, suite));
        if (sa->is_tunnel)
            put_plain(writer, "    mode tunnel\n");
        put_key(writer, "encryption-key", sa, 0);
        put_key(writer, "integrity-key", sa, 1);
        put_plain(writer, "}\n");
    }
}

enum sp_status sp_openbsd_emit_keys(struct sp_openbsd *import, char **ret_keys, size_t *ret_len_bytes)
{
    struct writer measure = {0};
    if (import->sa_count == 0)
        return SP_OK;
    put_sas(import, &measure);
    struct writer writer = {.bytes = sodium_malloc(measure.len_bytes), .capacity = measure.len_bytes};
    if (writer.bytes == NULL)
        return SP_ERR_MEMORY;
    put_sas(import, &writer);
    *ret_keys = writer.bytes;
    *ret_len_bytes = writer.len_bytes;
    return SP_OK;
}
