/* SPDX-License-Identifier: ISC
 *
 * set "NAME" { ELEMENT, ELEMENT ... }, and the use of a set in a list.
 *
 * A set holds addresses or ports; its first element that shows which says so for all. A set stands before
 * what names it: so none can hold itself, and its elements are copied once, where it is named. Sets of sets
 * could make those copies grow without bounds out of a short text, so they are counted.
 */
#include "policy/parser.h"

#include <string.h>

#define EXPANDED_MAX ((size_t)1000000)

static bool note_missing(struct sp_parser *parser, const struct sp_place *place, const char *name)
{
    if (!sp_grow(&parser->missing_sets, &parser->missing_set_capacity, parser->missing_set_count,
                 sizeof *parser->missing_sets))
        return sp_parser_no_memory(parser);
    char *copy = sp_storage_text(parser->storage, name, strlen(name));
    if (copy == NULL)
        return sp_parser_no_memory(parser);
    parser->missing_sets[parser->missing_set_count++] = (struct sp_missing_set){*place, copy};
    return true;
}

static bool append(void *array, size_t *capacity, size_t *count, const void *elements, size_t element_count,
                   size_t element_bytes)
{
    for (size_t i = 0; i < element_count; i++) {
        if (!sp_grow(array, capacity, *count, element_bytes))
            return false;
        char *start;
        memcpy(&start, array, sizeof start);
        memcpy(start + *count * element_bytes, (const char *)elements + i * element_bytes, element_bytes);
        ++*count;
    }
    return true;
}

static bool add_set(struct sp_parser *parser, const struct sp_place *place, uint32_t index,
                    struct sp_endpoint *endpoint)
{
    const struct sp_endpoint *holds = &parser->policy->sets[index].info.holds;
    bool was_within = parser->expanded_count <= EXPANDED_MAX;
    parser->expanded_count += (size_t)holds->address_count + holds->port_count;
    if (parser->expanded_count > EXPANDED_MAX) {
        if (was_within)
            sp_diagnose_error(&parser->diagnosis, place,
                              "with their sets written out, the lists of this policy have over %zu elements",
                              EXPANDED_MAX);
        return true;
    }
    struct sp_term term = {.set = index};
    if (!append(&parser->terms, &parser->term_capacity, &parser->term_count, &term, 1, sizeof term) ||
        !append(&parser->addresses, &parser->address_capacity, &parser->address_count, holds->addresses,
                holds->address_count, sizeof *holds->addresses) ||
        !append(&parser->ports, &parser->port_capacity, &parser->port_count, holds->ports, holds->port_count,
                sizeof *holds->ports))
        return sp_parser_no_memory(parser);
    parser->set_term_count++;
    endpoint->is_me = endpoint->is_me || holds->is_me;
    return true;
}

bool sp_parse_set_name(struct sp_parser *parser, struct sp_reader *reader, bool is_of_ports,
                       struct sp_endpoint *endpoint)
{
    char name[SP_NAME_MAX_BYTES + 1];
    struct sp_place place = reader->token.place;
    if (!sp_reader_name(reader, "the set's name", name))
        return false;
    if (name[0] == '\0')
        return true;
    if (parser->set_at_hand != NULL && strcmp(parser->set_at_hand, name) == 0) {
        sp_diagnose_error(reader->diagnosis, &place, "a set can't hold itself: take its name out");
        return true;
    }
    uint32_t index = sp_names_find(&parser->set_names, name);
    if (index == SP_NAMES_NONE)
        return note_missing(parser, &place, name);
    parser->set_places[index].is_used = true;
    if (parser->policy->sets[index].info.is_of_ports == is_of_ports)
        return add_set(parser, &place, index, endpoint);
    sp_diagnose_error(reader->diagnosis, &place, "this set holds %s, and %s are wanted here",
                      is_of_ports ? "addresses" : "ports", is_of_ports ? "ports" : "addresses");
    return true;
}

enum kind { KIND_UNKNOWN, KIND_ADDRESSES, KIND_PORTS };

/* What the element at the reader shows about the set that it stands in. */
static enum kind kind_shown(const struct sp_parser *parser, const struct sp_reader *reader)
{
    const struct sp_place *place = &reader->token.place;
    char name[SP_NAME_MAX_BYTES + 3];
    if (sp_reader_is_at(reader, SP_TOKEN_STRING)) {
        if (place->len_bytes > SP_NAME_MAX_BYTES + 2)
            return KIND_UNKNOWN;
        (void)sp_token_string(&reader->token, name);
        uint32_t index = sp_names_find(&parser->set_names, name);
        if (index == SP_NAMES_NONE)
            return KIND_UNKNOWN;
        return parser->policy->sets[index].info.is_of_ports ? KIND_PORTS : KIND_ADDRESSES;
    }
    if (!sp_reader_is_at(reader, SP_TOKEN_WORD))
        return KIND_UNKNOWN;
    for (size_t i = 0; i < place->len_bytes; i++) {
        bool is_digit = place->start[i] >= '0' && place->start[i] <= '9';
        if (!is_digit && place->start[i] != '-')
            return KIND_ADDRESSES;
    }
    return KIND_PORTS;
}

/* The set that is being read: an endpoint, and what it turned out to hold. */
struct reading {
    struct sp_endpoint holds; /* first, because parse_element gets it as an endpoint */
    enum kind kind;
};

static bool parse_element(struct sp_parser *parser, struct sp_reader *reader, struct sp_endpoint *endpoint)
{
    struct reading *reading = (struct reading *)endpoint;
    enum kind shown = kind_shown(parser, reader);
    if (sp_reader_is_at(reader, SP_TOKEN_CLOSE)) {
        sp_reader_unexpected(reader, "an address or a port");
        return false;
    }
    if (reading->kind == KIND_UNKNOWN)
        reading->kind = shown;
    if (shown != KIND_UNKNOWN && shown != reading->kind) {
        bool is_of_ports = reading->kind == KIND_PORTS;
        sp_diagnose_error(reader->diagnosis, &reader->token.place,
                          "this set holds %s: put what isn't into a set of its own",
                          is_of_ports ? "ports" : "addresses");
        sp_reader_next(reader);
        return true;
    }
    return reading->kind == KIND_PORTS ? sp_parse_ports(parser, reader, endpoint)
                                       : sp_parse_addresses(parser, reader, endpoint);
}

static bool is_known(struct sp_parser *parser, const char *name, const struct sp_place *place)
{
    uint32_t earlier = sp_names_find(&parser->set_names, name);
    if (earlier == SP_NAMES_NONE)
        return false;
    const struct sp_place *other = &parser->set_places[earlier].place;
    sp_diagnose_error(&parser->diagnosis, place,
                      "there is a set of this name at %.100s:%u already: rename one", other->source->name,
                      other->line);
    return true;
}

static bool keep(struct sp_parser *parser, const struct sp_place *place, struct sp_set *set, const char *name)
{
    struct sp_policy *policy = parser->policy;
    char *copy = sp_storage_text(parser->storage, name, strlen(name));
    if (copy == NULL ||
        !sp_grow(&policy->sets, &parser->set_capacity, policy->set_count, sizeof *policy->sets) ||
        !sp_grow(&parser->set_places, &parser->set_place_capacity, policy->set_count,
                 sizeof *parser->set_places) ||
        !sp_names_add(&parser->set_names, copy, policy->set_count))
        return sp_parser_no_memory(parser);
    set->info.name = copy;
    parser->set_places[policy->set_count] = (struct sp_set_place){.place = *place};
    policy->sets[policy->set_count++] = *set;
    return true;
}

/* Stands at the opening brace. */
static bool parse_elements(struct sp_parser *parser, struct sp_reader *reader, const char *name,
                           struct sp_set *set)
{
    struct reading reading = {.kind = KIND_UNKNOWN};
    parser->set_at_hand = name;
    bool is_read = sp_parse_list(parser, reader, parse_element, &reading.holds);
    parser->set_at_hand = NULL;
    if (!is_read)
        return false;
    set->info.is_of_ports = reading.kind == KIND_PORTS;
    set->info.holds = reading.holds;
    return set->info.is_of_ports ? sp_keep_ports(parser, &set->info.holds, &set->written)
                                 : sp_keep_addresses(parser, &set->info.holds, &set->written);
}

bool sp_parse_set(struct sp_parser *parser, struct sp_reader *reader, const char *file)
{
    char name[SP_NAME_MAX_BYTES + 1];
    struct sp_set set = {.info = {.file = file, .line = reader->token.place.line}};
    sp_reader_next(reader);
    struct sp_place place = reader->token.place;
    if (!sp_reader_name(reader, "the set's name", name))
        return false;
    if (!sp_reader_is_at(reader, SP_TOKEN_OPEN)) {
        sp_reader_unexpected(reader, "'{'");
        return false;
    }
    /* A set with errors is kept as well: that it is there should not be doubted where it is named. */
    bool is_read = parse_elements(parser, reader, name, &set);
    if (name[0] == '\0' || is_known(parser, name, &place))
        return is_read;
    return keep(parser, &place, &set, name) && is_read;
}

void sp_check_sets(struct sp_parser *parser)
{
    for (size_t i = 0; i < parser->missing_set_count; i++) {
        const struct sp_missing_set *missing = &parser->missing_sets[i];
        uint32_t index = sp_names_find(&parser->set_names, missing->name);
        if (index == SP_NAMES_NONE) {
            sp_diagnose_error(&parser->diagnosis, &missing->place,
                              "no set has this name: define set \"%.100s\" { ... } before this line",
                              missing->name);
            continue;
        }
        const struct sp_place *later = &parser->set_places[index].place;
        parser->set_places[index].is_used = true;
        sp_diagnose_error(&parser->diagnosis, &missing->place,
                          "this set is defined only at %.100s:%u: move that before this line",
                          later->source->name, later->line);
    }
    /* what broken statements would have used nobody knows */
    for (uint32_t i = 0; i < parser->policy->set_count && parser->diagnosis.errors == 0; i++) {
        if (!parser->set_places[i].is_used)
            sp_diagnose(&parser->diagnosis, SP_SEVERITY_WARNING, SP_ERR_PARSE, &parser->set_places[i].place,
                        "nothing uses this set");
    }
}
