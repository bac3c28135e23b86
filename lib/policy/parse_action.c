/* SPDX-License-Identifier: ISC
 *
 * action "NAME" { ... }: a block of lines, each at most once, esp being the one that must be there.
 *
 * A line with an error costs that line only. An action with errors is still kept under its name, so that
 * rules that use it don't raise errors of their own.
 */
#include "policy/parser.h"

#include <string.h>

enum item { ITEM_ESP, ITEM_MODE, ITEM_LIFETIME, ITEM_REQUIRE, ITEM_ENCAP, ITEM_ESN, ITEM_COUNT };
static const char *const item_words[] = {"esp", "mode", "lifetime", "require", "encap", "esn"};

struct block {
    struct sp_action_info action;
    struct sp_place name_place;
    struct sp_place places[ITEM_COUNT];
    bool is_seen[ITEM_COUNT];
    bool is_garbled; /* a line that nobody understands may be the one that is missing */
};

/* transport, or tunnel from ADDRESS to ADDRESS. */
static bool parse_mode(struct sp_reader *reader, struct sp_action_info *action)
{
    if (!sp_reader_mode(reader, &action->mode))
        return false;
    if (action->mode != SP_MODE_TUNNEL)
        return true;
    if (!sp_reader_take_word(reader, "from")) {
        sp_reader_unexpected(reader, "the tunnel's ends: from this host's address to the peer's");
        return false;
    }
    struct sp_place place = reader->token.place;
    if (!sp_reader_ends(reader, "a tunnel", &action->tunnel_from, &action->tunnel_to))
        return false;
    if (action->tunnel_from.family != 0 &&
        memcmp(&action->tunnel_from, &action->tunnel_to, sizeof action->tunnel_to) == 0)
        sp_diagnose_error(reader->diagnosis, &place,
                          "both ends of this tunnel are one address: write this host's and the peer's");
    return true;
}

static bool parse_item(struct sp_reader *reader, enum item item, struct sp_action_info *action)
{
    switch (item) {
    case ITEM_ESP:
        return sp_reader_suite(reader, &action->encryption, &action->integrity);
    case ITEM_MODE:
        return parse_mode(reader, action);
    case ITEM_LIFETIME:
        return sp_reader_lifetime(reader, &action->lifetime);
    case ITEM_ENCAP:
        action->is_encapsulated = true;
        return sp_reader_encap(reader, NULL);
    case ITEM_ESN:
        action->has_esn = true;
        return true;
    default:
        return true; /* require: it has no parameters, and there is no other way */
    }
}

static enum item find_item(const struct sp_reader *reader)
{
    for (int item = 0; item < ITEM_COUNT; item++) {
        if (sp_reader_is_at_word(reader, item_words[item]))
            return (enum item)item;
    }
    return ITEM_COUNT;
}

static bool parse_line(struct sp_reader *reader, void *context)
{
    struct block *block = context;
    enum item item = find_item(reader);
    if (item == ITEM_COUNT) {
        block->is_garbled = true;
        sp_reader_unexpected(reader, "esp, mode, encap, esn, lifetime, require or '}'");
        return false;
    }
    if (block->is_seen[item]) {
        sp_diagnose_error(reader->diagnosis, &reader->token.place,
                          "%s stands on line %u already: an action has each line once", item_words[item],
                          block->places[item].line);
        return false;
    }
    block->is_seen[item] = true;
    sp_reader_next(reader);
    block->places[item] = reader->token.place;
    if (!parse_item(reader, item, &block->action))
        return false;
    if (sp_reader_is_at_end(reader) || sp_reader_is_at(reader, SP_TOKEN_CLOSE))
        return true;
    sp_reader_unexpected(reader, "the end of the line or '}'");
    return false;
}

/* False: the block isn't closed. */
static bool parse_lines(struct sp_reader *reader, struct block *block)
{
    bool is_closed = sp_reader_block(reader, parse_line, block, "action", block->name_place.line);
    block->is_garbled |= !is_closed;
    return is_closed;
}

static void check(struct sp_reader *reader, struct block *block)
{
    struct sp_lifetime *lifetime = &block->action.lifetime;
    bool has_limit = lifetime->hard_bytes != 0 || lifetime->hard_seconds != 0 || lifetime->hard_packets != 0;
    if (!block->is_seen[ITEM_ESP] && !block->is_garbled)
        sp_diagnose_error(reader->diagnosis, &block->name_place,
                          "this action has no esp line: add one, such as esp 3des-cbc hmac-sha1-96");
    if (!block->is_seen[ITEM_LIFETIME])
        (void)!sp_lifetime_preset("w2k", lifetime);
    else if (has_limit) /* else its line was refused */
        sp_reader_check_lifetime(reader, &block->places[ITEM_LIFETIME], block->action.encryption, lifetime);
}

static bool keep(struct sp_parser *parser, const struct block *block, const char *name)
{
    uint32_t earlier = sp_names_find(&parser->action_names, name);
    if (name[0] != '\0' && earlier != SP_NAMES_NONE) {
        const struct sp_place *place = &parser->action_places[earlier];
        sp_diagnose_error(&parser->diagnosis, &block->name_place,
                          "there is an action of this name at %.100s:%u already: rename one",
                          place->source->name, place->line);
        return true;
    }
    struct sp_policy *policy = parser->policy;
    if (!sp_grow(&policy->actions, &parser->action_capacity, policy->action_count, sizeof *policy->actions) ||
        !sp_grow(&parser->action_places, &parser->action_place_capacity, policy->action_count,
                 sizeof *parser->action_places))
        return sp_parser_no_memory(parser);
    char *copy = sp_storage_text(parser->storage, name, strlen(name));
    if (copy == NULL || !sp_names_add(&parser->action_names, copy, policy->action_count))
        return sp_parser_no_memory(parser);
    parser->action_places[policy->action_count] = block->name_place;
    policy->actions[policy->action_count] = block->action;
    policy->actions[policy->action_count++].name = copy;
    return true;
}

bool sp_parse_action(struct sp_parser *parser, struct sp_reader *reader, const char *file)
{
    char name[SP_NAME_MAX_BYTES + 1];
    struct block block = {.action = {.file = file,
                                     .line = reader->token.place.line,
                                     .mode = SP_MODE_TRANSPORT,
                                     .encryption = SP_ENCRYPTION_NULL}};
    sp_reader_next(reader);
    block.name_place = reader->token.place;
    if (!sp_reader_name(reader, "the action's name", name))
        return false;
    if (!sp_reader_is_at(reader, SP_TOKEN_OPEN)) {
        sp_reader_unexpected(reader, "'{'");
        return false;
    }
    sp_reader_next(reader);
    bool is_closed = parse_lines(reader, &block);
    check(reader, &block);
    return keep(parser, &block, name) && is_closed;
}
