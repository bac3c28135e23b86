/* SPDX-License-Identifier: ISC
 *
 * The parser of sallyport.conf(5): what its statements share. parser.c reads files and statements,
 * parse_action.c and parse_rule.c one statement each, parse_endpoint.c what stands behind from and to. */
#ifndef SP_POLICY_PARSER_H
#define SP_POLICY_PARSER_H

#include "policy/model.h"
#include "policy/names.h"
#include "policy/reader.h"
#include "policy/storage.h"

struct sp_parser {
    struct sp_diagnosis diagnosis;
    struct sp_policy *policy;
    struct sp_storage *storage; /* the policy's */
    size_t action_capacity, rule_capacity;
    struct sp_names action_names; /* name -> index of the action */
    struct sp_names rule_names;   /* name -> index of the rule */
    struct sp_place *action_places;
    size_t action_place_capacity;

    /* `with "NAME"` waits until all actions are known */
    struct sp_reference {
        struct sp_place place;
        uint32_t rule;
        const char *name;
    } * references;
    size_t reference_count, reference_capacity;

    /* what a list has gathered so far */
    struct sp_address_range *addresses;
    size_t address_count, address_capacity;
    struct sp_port_range *ports;
    size_t port_count, port_capacity;

    bool has_default;
    struct sp_place default_place;

    struct sp_file *files; /* all that were read, newest first */
    size_t file_count, text_bytes;
    uint64_t order;
    bool is_out_of_memory;
};

/* Each reads its statement from the keyword on. False: the rest of the statement is to be skipped; what is
 * wrong was said. */
bool sp_parse_action(struct sp_parser *parser, struct sp_reader *reader) SP_MUST_USE;
/* file: where the rule is written, as it will be shown. */
bool sp_parse_rule(struct sp_parser *parser, struct sp_reader *reader, const char *file) SP_MUST_USE;
/* ENDPOINT [port PORTS]; side is "from" or "to". */
bool sp_parse_endpoint(struct sp_parser *parser, struct sp_reader *reader, const char *side,
                       struct sp_endpoint *ret_endpoint) SP_MUST_USE;

/* Remembers that memory is out, so that everything winds down. Always false. */
bool sp_parser_no_memory(struct sp_parser *parser);

#endif
