/* SPDX-License-Identifier: ISC
 *
 * Statements of ipsec.conf(5): a keyword and its clauses, which are taken in any order, each at most once.
 * OpenBSD has one order for them; who reads any can't misread that one.
 *
 * What only the negotiation of keys needs is read and told; whatever isn't known is an error.
 */
#include "policy/import/openbsd/openbsd.h"

#include <string.h>

struct parse {
    struct sp_openbsd *import;
    struct sp_openbsd_statement *statement;
    uint32_t seen;     /* clauses, by their place in the table */
    bool is_main_mode; /* the transforms at hand are those of main mode */
    bool is_quick_mode;
};

typedef bool clause_parser(struct parse *parse);

static bool skip_value(struct sp_openbsd *import, const char *what)
{
    if (!sp_openbsd_is_value(import))
        return sp_openbsd_unexpected(import, what);
    sp_openbsd_next(import);
    return true;
}

static bool parse_direction(struct parse *parse)
{
    parse->statement->has_direction = true;
    return true;
}

static bool parse_in(struct parse *parse)
{
    parse->statement->direction = SP_INBOUND;
    return parse_direction(parse);
}

static bool parse_out(struct parse *parse)
{
    parse->statement->direction = SP_OUTBOUND;
    return parse_direction(parse);
}

static bool parse_proto(struct parse *parse)
{
    return sp_openbsd_protocols_read(parse->import, parse->statement);
}

static bool parse_port(struct sp_openbsd *import, bool *has_port, uint16_t *port)
{
    if (!sp_openbsd_is_at(import, "port"))
        return true;
    sp_openbsd_next(import);
    *has_port = true;
    return sp_openbsd_port_read(import, port);
}

static bool parse_from(struct parse *parse)
{
    struct sp_openbsd_statement *statement = parse->statement;
    statement->has_from = true;
    return sp_openbsd_hosts_read(parse->import, &statement->from) &&
           parse_port(parse->import, &statement->has_from_port, &statement->from_port);
}

static bool parse_to(struct parse *parse)
{
    struct sp_openbsd_statement *statement = parse->statement;
    statement->has_to = true;
    return sp_openbsd_hosts_read(parse->import, &statement->to) &&
           parse_port(parse->import, &statement->has_to_port, &statement->to_port);
}

static bool parse_local(struct parse *parse)
{
    parse->statement->has_local = true;
    return sp_openbsd_hosts_read(parse->import, &parse->statement->local);
}

static bool parse_peer(struct parse *parse)
{
    parse->statement->has_peer = true;
    return sp_openbsd_hosts_read(parse->import, &parse->statement->peer);
}

static bool parse_type(struct parse *parse)
{
    static const struct {
        const char *word;
        enum sp_openbsd_type type;
    } types[] = {{"require", SP_OPENBSD_TYPE_REQUIRE}, {"use", SP_OPENBSD_TYPE_USE},
                 {"acquire", SP_OPENBSD_TYPE_ACQUIRE}, {"dontacq", SP_OPENBSD_TYPE_DONTACQ},
                 {"bypass", SP_OPENBSD_TYPE_BYPASS},   {"deny", SP_OPENBSD_TYPE_DENY}};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (!sp_openbsd_is_at(parse->import, types[i].word))
            continue;
        parse->statement->type = types[i].type;
        sp_openbsd_next(parse->import);
        return true;
    }
    return sp_openbsd_unexpected(parse->import, "require, use, acquire, dontacq, bypass or deny");
}

static bool parse_identity(struct parse *parse)
{
    if (parse->statement->kind == SP_OPENBSD_FLOW)
        sp_openbsd_warn(parse->import, &parse->import->token.place,
                        "identities aren't carried over: they are for whoever negotiates keys");
    return skip_value(parse->import, "an identity");
}

/* Said of the rule as a whole. */
static bool parse_secret(struct parse *parse)
{
    return skip_value(parse->import, "a shared key");
}

static bool parse_nothing(struct parse *parse)
{
    (void)parse;
    return true;
}

static bool parse_tag(struct parse *parse)
{
    sp_openbsd_warn(parse->import, &parse->import->token.place,
                    "tags aren't carried over: they are for the packet filter");
    return skip_value(parse->import, "a tag");
}

static bool parse_interface(struct parse *parse)
{
    sp_openbsd_error(parse->import, &parse->import->token.place,
                     "SAs on an interface of their own can't be carried over");
    return false;
}

static bool parse_transport(struct parse *parse)
{
    parse->statement->is_transport = true;
    return true;
}

static bool parse_main(struct parse *parse)
{
    parse->is_main_mode = true;
    parse->is_quick_mode = false;
    return true;
}

static bool parse_quick(struct parse *parse)
{
    parse->is_main_mode = false;
    parse->is_quick_mode = true;
    return true;
}

/* A transform of an SA, or of the mode at hand. */
static bool parse_transform(struct parse *parse, struct sp_piece *transform, const char *what)
{
    struct sp_openbsd *import = parse->import;
    if (parse->statement->kind == SP_OPENBSD_IKE && !parse->is_main_mode && !parse->is_quick_mode)
        return sp_openbsd_unexpected(import, "main or quick before transforms");
    if (!sp_openbsd_is_value(import))
        return sp_openbsd_unexpected(import, what);
    if (!parse->is_main_mode && transform->start != NULL)
        return sp_openbsd_unexpected(import, "each transform once");
    if (!parse->is_main_mode)
        *transform = import->token.piece;
    sp_openbsd_next(import);
    return true;
}

static bool parse_auth(struct parse *parse)
{
    return parse_transform(parse, &parse->statement->auth, "the name of an authentication algorithm");
}

static bool parse_enc(struct parse *parse)
{
    return parse_transform(parse, &parse->statement->enc, "the name of an encryption algorithm");
}

static bool parse_group(struct parse *parse)
{
    return skip_value(parse->import, "the name of a group");
}

static bool parse_lifetime(struct parse *parse)
{
    uint64_t seconds = 0;
    if (!sp_openbsd_seconds_read(parse->import, &seconds))
        return false;
    if (!parse->is_main_mode)
        parse->statement->lifetime_seconds = seconds;
    return true;
}

static bool parse_spi(struct parse *parse)
{
    return sp_openbsd_spis_read(parse->import, parse->statement);
}

static bool parse_authkey(struct parse *parse)
{
    return sp_openbsd_keys_read(parse->import, &parse->statement->auth_keys);
}

static bool parse_enckey(struct parse *parse)
{
    return sp_openbsd_keys_read(parse->import, &parse->statement->enc_keys);
}

static bool parse_udpencap(struct parse *parse)
{
    sp_openbsd_error(parse->import, &parse->import->token.place, "UDP encapsulation can't be carried over");
    return false;
}

/* compression and bundles */
static bool parse_impossible(struct parse *parse)
{
    sp_openbsd_error(parse->import, &parse->import->token.place,
                     "compression and bundles of SAs can't be carried over");
    return false;
}

#define FLOW (1u << SP_OPENBSD_FLOW)
#define IKE (1u << SP_OPENBSD_IKE)
#define SA (1u << SP_OPENBSD_SA)
#define TCPMD5 (1u << SP_OPENBSD_TCPMD5)

static const struct clause {
    const char *word;
    clause_parser *parse;
    unsigned kinds; /* of statements that may have it */
    bool may_repeat;
} clauses[] = {
    {"in", parse_in, FLOW, false},
    {"out", parse_out, FLOW, false},
    {"proto", parse_proto, FLOW | IKE, false},
    {"from", parse_from, FLOW | IKE | SA | TCPMD5, false},
    {"to", parse_to, FLOW | IKE | SA | TCPMD5, false},
    {"local", parse_local, FLOW | IKE, false},
    {"peer", parse_peer, FLOW | IKE, false},
    {"type", parse_type, FLOW, false},
    {"srcid", parse_identity, FLOW | IKE, false},
    {"dstid", parse_identity, FLOW | IKE, false},
    {"psk", parse_secret, IKE, false},
    {"rsa", parse_nothing, IKE, false},
    {"tag", parse_tag, FLOW | IKE, false},
    {"interface", parse_interface, FLOW | IKE | SA, false},
    {"tunnel", parse_nothing, IKE | SA, false},
    {"transport", parse_transport, IKE | SA, false},
    {"active", parse_nothing, IKE, false},
    {"passive", parse_nothing, IKE, false},
    {"dynamic", parse_nothing, IKE, false},
    {"main", parse_main, IKE, false},
    {"quick", parse_quick, IKE, false},
    {"auth", parse_auth, IKE | SA, true},
    {"enc", parse_enc, IKE | SA, true},
    {"group", parse_group, IKE, true},
    {"lifetime", parse_lifetime, IKE, true},
    {"spi", parse_spi, SA | TCPMD5, false},
    {"cpi", parse_spi, SA, false},
    {"authkey", parse_authkey, SA | TCPMD5, false},
    {"enckey", parse_enckey, SA, false},
    {"udpencap", parse_udpencap, SA, false},
    {"comp", parse_impossible, SA, false},
    {"bundle", parse_impossible, SA, false},
};
#define CLAUSES (sizeof clauses / sizeof *clauses)
_Static_assert(CLAUSES <= 32, "seen has a bit for each");

static const char *const services[] = {"esp", "ah", "ipcomp", "ipip"};

/* "esp" and the like, which a flow or an ike rule may name. */
static bool take_service(struct parse *parse)
{
    struct sp_openbsd_statement *statement = parse->statement;
    if (statement->kind != SP_OPENBSD_FLOW && statement->kind != SP_OPENBSD_IKE)
        return false;
    for (size_t i = 0; i < sizeof services / sizeof *services && !statement->has_service; i++) {
        if (!sp_openbsd_is_at(parse->import, services[i]))
            continue;
        statement->service = services[i];
        statement->has_service = true;
        sp_openbsd_next(parse->import);
        return true;
    }
    return false;
}

static bool parse_clause(struct parse *parse)
{
    if (take_service(parse))
        return true;
    for (size_t i = 0; i < CLAUSES; i++) {
        if (!sp_openbsd_is_at(parse->import, clauses[i].word))
            continue;
        if ((clauses[i].kinds & 1u << parse->statement->kind) == 0)
            return sp_openbsd_unexpected(parse->import, "what this statement can have");
        if ((parse->seen & 1u << i) != 0 && !clauses[i].may_repeat)
            return sp_openbsd_unexpected(parse->import, "each clause once");
        parse->seen |= 1u << i;
        sp_openbsd_next(parse->import);
        return clauses[i].parse(parse);
    }
    return sp_openbsd_unexpected(parse->import, "a clause such as from, to or type");
}

static bool check_ends(struct sp_openbsd *import, const struct sp_openbsd_statement *statement)
{
    if (statement->has_from && statement->has_to)
        return true;
    sp_openbsd_error(import, &statement->place, "%s is missing", statement->has_from ? "to" : "from");
    return false;
}

/* Ports belong to protocols that have them. */
static bool check_ports(struct sp_openbsd *import, const struct sp_openbsd_statement *statement)
{
    if (!statement->has_from_port && !statement->has_to_port)
        return true;
    for (size_t i = 0; i < statement->protocol_count; i++) {
        const uint16_t protocol = statement->protocols[i];
        if (protocol != 6 && protocol != 17 && protocol != 132 && protocol != 136) {
            sp_openbsd_error(import, &statement->place, "ports need proto tcp or udp");
            return false;
        }
    }
    if (statement->protocol_count == 0)
        sp_openbsd_error(import, &statement->place, "ports need proto tcp or udp");
    return statement->protocol_count > 0;
}

static void keep(struct sp_openbsd *import, struct sp_openbsd_statement *statement)
{
    if (import->last != NULL)
        import->last->next = statement;
    else
        import->first = statement;
    import->last = statement;
    import->statement_count++;
}

static bool parse_statement(struct sp_openbsd *import, enum sp_openbsd_kind kind, const char *service)
{
    struct sp_openbsd_statement *statement = sp_storage_take(import->storage, sizeof *statement);
    if (statement == NULL)
        return sp_openbsd_no_memory(import);
    *statement = (struct sp_openbsd_statement){
        .kind = kind,
        .service = service,
        .place = import->token.place,
        .file_number = import->scanners[import->depth - 1].file->number,
    };
    struct parse parse = {.import = import, .statement = statement};
    sp_openbsd_next(import);
    if (kind == SP_OPENBSD_TCPMD5 && sp_openbsd_is_at(import, "md5"))
        sp_openbsd_next(import);
    while (!sp_openbsd_is_at_end(import))
        if (!parse_clause(&parse))
            return false;
    if (!check_ends(import, statement) || !check_ports(import, statement))
        return false;
    keep(import, statement);
    return true;
}

static bool parse_include(struct sp_openbsd *import)
{
    sp_openbsd_next(import);
    const struct sp_openbsd_token path = import->token;
    if (path.kind != SP_OPENBSD_STRING)
        return sp_openbsd_unexpected(import, "the path of a file in quotes");
    sp_openbsd_next(import);
    if (!sp_openbsd_is_at_end(import))
        return sp_openbsd_unexpected(import, "the end of the line");
    return sp_openbsd_include(import, &path);
}

static const struct {
    const char *word;
    enum sp_openbsd_kind kind;
    const char *service;
} keywords[] = {
    {"flow", SP_OPENBSD_FLOW, "esp"},  {"ike", SP_OPENBSD_IKE, "esp"},      {"esp", SP_OPENBSD_SA, "esp"},
    {"ah", SP_OPENBSD_SA, "ah"},       {"ipcomp", SP_OPENBSD_SA, "ipcomp"}, {"ipip", SP_OPENBSD_SA, "ipip"},
    {"tcpmd5", SP_OPENBSD_TCPMD5, ""}, {"tcp", SP_OPENBSD_TCPMD5, ""},
};

static bool parse_line(struct sp_openbsd *import)
{
    if (sp_openbsd_is_at(import, "include"))
        return parse_include(import);
    for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++)
        if (sp_openbsd_is_at(import, keywords[i].word))
            return parse_statement(import, keywords[i].kind, keywords[i].service);
    const struct sp_openbsd_token name = import->token;
    if (name.kind != SP_OPENBSD_WORD || name.is_expanded)
        return sp_openbsd_unexpected(import, "flow, ike, esp, a macro or include");
    sp_openbsd_next(import);
    if (import->token.kind != SP_OPENBSD_EQUALS) {
        const struct sp_openbsd_token behind = import->token;
        import->token = name;
        (void)sp_openbsd_unexpected(import, "flow, ike, esp, a macro or include");
        import->token = behind;
        return false;
    }
    sp_openbsd_next(import);
    return sp_openbsd_define(import, name.piece);
}

void sp_openbsd_read(struct sp_openbsd *import)
{
    sp_openbsd_next(import);
    while (import->token.kind != SP_OPENBSD_END && !sp_diagnosis_is_full(&import->diagnosis)) {
        const size_t depth = import->depth;
        if (!sp_openbsd_is_at_end(import) && !parse_line(import))
            while (!sp_openbsd_is_at_end(import))
                sp_openbsd_next(import);
        /* an include has put its file before what follows, also behind the last line */
        if (import->token.kind == SP_OPENBSD_NEWLINE || import->depth > depth)
            sp_openbsd_next(import);
    }
}
