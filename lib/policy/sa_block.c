/* SPDX-License-Identifier: ISC
 *
 * sa "NAME" { ... }: a block of lines, each at most once.
 *
 * An SA is judged here as the SAD would judge it, but all at once and with places: a file is taken whole or
 * not at all, so nothing may be left to find when its SAs are added.
 */
#include "policy/sa_block.h"
#include "crypto/suite.h"

#include <string.h>

static const struct {
    const char *word;
    const char *example; /* of a line that must be there; NULL: it need not */
} items[SP_SA_ITEM_COUNT] = {
    [SP_SA_ITEM_SPI] = {"spi", "spi 0x1001"},
    [SP_SA_ITEM_FROM] = {"from", "from 192.0.2.1 to 192.0.2.2"},
    [SP_SA_ITEM_ESP] = {"esp", "esp 3des-cbc hmac-sha1-96"},
    [SP_SA_ITEM_ENCRYPTION_KEY] = {"encryption-key", NULL},
    [SP_SA_ITEM_INTEGRITY_KEY] = {"integrity-key", "integrity-key 0x and the digits"},
    [SP_SA_ITEM_MODE] = {"mode", NULL},
    [SP_SA_ITEM_REPLAY_WINDOW] = {"replay-window", NULL},
    [SP_SA_ITEM_LIFETIME] = {"lifetime", NULL},
    [SP_SA_ITEM_ENCAP] = {"encap", NULL},
    [SP_SA_ITEM_ESN] = {"esn", NULL},
    [SP_SA_ITEM_DF] = {"df", NULL},
    [SP_SA_ITEM_DSCP] = {"dscp", NULL},
    [SP_SA_ITEM_ECN] = {"ecn", NULL},
};

static bool parse_hex(const struct sp_place *place, uint64_t max, uint64_t *ret_number)
{
    uint64_t number = 0;
    if (place->len_bytes < 3 || place->start[0] != '0' || place->start[1] != 'x')
        return false;
    for (size_t i = 2; i < place->len_bytes; i++) {
        char byte = place->start[i], low = (char)(byte | 0x20);
        unsigned digit = byte >= '0' && byte <= '9' ? (unsigned)(byte - '0') : (unsigned)(low - 'a') + 10;
        if (digit > 15 || number > (max - digit) / 16)
            return false;
        number = number * 16 + digit;
    }
    *ret_number = number;
    return true;
}

static bool parse_spi(struct sp_reader *reader, struct sp_sa_block *block)
{
    const struct sp_place *place = &reader->token.place;
    uint64_t spi;
    if (!sp_reader_is_at(reader, SP_TOKEN_WORD)) {
        sp_reader_unexpected(reader, "an SPI such as 0x1001");
        return false;
    }
    if (!parse_hex(place, UINT32_MAX, &spi) && !sp_place_number(place, UINT32_MAX, &spi))
        sp_diagnose_error(
            reader->diagnosis, place,
            "this is not an SPI: write a number of 256..4294967295 or 0x and up to 8 hex digits");
    else if (spi < SP_SPI_MIN)
        sp_diagnose(reader->diagnosis, SP_SEVERITY_ERROR, SP_ERR_SPI, place,
                    "SPI 0 to 255 is reserved (RFC 4303 2.1): take one from 0x100 up");
    else
        block->spi = (uint32_t)spi;
    sp_reader_next(reader);
    return true;
}

static bool parse_window(struct sp_reader *reader, struct sp_sa_block *block)
{
    const struct sp_place *place = &reader->token.place;
    uint64_t window;
    if (!sp_reader_is_at(reader, SP_TOKEN_WORD)) {
        sp_reader_unexpected(reader, "a number of packets such as 64");
        return false;
    }
    if (!sp_place_number(place, SP_REPLAY_WINDOW_MAX, &window) || window < SP_REPLAY_WINDOW_MIN ||
        window % 64 != 0)
        sp_diagnose_error(reader->diagnosis, place, "a replay window has %u to %u packets, in steps of 64",
                          SP_REPLAY_WINDOW_MIN, SP_REPLAY_WINDOW_MAX);
    else
        block->replay_window_packets = (uint32_t)window;
    sp_reader_next(reader);
    return true;
}

static bool parse_item(struct sp_reader *reader, enum sp_sa_item item, struct sp_sa_block *block)
{
    switch (item) {
    case SP_SA_ITEM_SPI:
        return parse_spi(reader, block);
    case SP_SA_ITEM_FROM:
        return sp_reader_ends(reader, "an SA", &block->source, &block->destination);
    case SP_SA_ITEM_ESP:
        return sp_reader_suite(reader, &block->encryption, &block->integrity);
    case SP_SA_ITEM_ENCRYPTION_KEY:
        return sp_sa_key_parse(reader, &block->encryption_key);
    case SP_SA_ITEM_INTEGRITY_KEY:
        return sp_sa_key_parse(reader, &block->integrity_key);
    case SP_SA_ITEM_MODE:
        return sp_reader_mode(reader, &block->mode);
    case SP_SA_ITEM_REPLAY_WINDOW:
        return parse_window(reader, block);
    case SP_SA_ITEM_ENCAP:
        return sp_reader_encap(reader, &block->encap);
    case SP_SA_ITEM_DF:
        return sp_reader_df(reader, &block->tunnel.df);
    case SP_SA_ITEM_DSCP:
        return sp_reader_dscp(reader, &block->tunnel);
    case SP_SA_ITEM_ECN:
        return sp_reader_ecn(reader, &block->tunnel.has_no_ecn);
    case SP_SA_ITEM_ESN: /* that it is there is all of it */
        return true;
    default:
        return sp_reader_lifetime(reader, &block->lifetime);
    }
}

static enum sp_sa_item find_item(const struct sp_reader *reader)
{
    for (int item = 0; item < SP_SA_ITEM_COUNT; item++) {
        if (sp_reader_is_at_word(reader, items[item].word))
            return (enum sp_sa_item)item;
    }
    return SP_SA_ITEM_COUNT;
}

static bool parse_line(struct sp_reader *reader, void *context)
{
    struct sp_sa_block *block = context;
    enum sp_sa_item item = find_item(reader);
    if (item == SP_SA_ITEM_COUNT) {
        block->is_garbled = true;
        sp_reader_unexpected(reader, "spi, from, esp, encryption-key, integrity-key, mode, df, dscp, ecn, "
                                     "encap, esn, replay-window, lifetime or '}'");
        return false;
    }
    if (block->is_seen[item]) {
        sp_diagnose_error(reader->diagnosis, &reader->token.place,
                          "%s stands on line %u already: an SA has each line once", items[item].word,
                          block->places[item].line);
        return false;
    }
    sp_reader_next(reader);
    block->is_seen[item] = true;
    block->places[item] = reader->token.place;
    if (!parse_item(reader, item, block))
        return false;
    if (sp_reader_is_at_end(reader) || sp_reader_is_at(reader, SP_TOKEN_CLOSE))
        return true;
    sp_reader_unexpected(reader, "the end of the line or '}'");
    return false;
}

/* False: the block isn't closed. */
static bool parse_lines(struct sp_reader *reader, struct sp_sa_block *block)
{
    bool is_closed = sp_reader_block(reader, parse_line, block, "SA", block->name_place.line);
    block->is_garbled |= !is_closed;
    return is_closed;
}

static void check_presence(struct sp_reader *reader, const struct sp_sa_block *block)
{
    for (int item = 0; item < SP_SA_ITEM_COUNT && !block->is_garbled; item++) {
        bool is_built_in = item == SP_SA_ITEM_INTEGRITY_KEY && block->integrity == SP_INTEGRITY_COMBINED;
        if (items[item].example != NULL && !block->is_seen[item] && !is_built_in)
            sp_diagnose_error(reader->diagnosis, &block->name_place,
                              "this SA has no %s line: add one, such as %s", items[item].word,
                              items[item].example);
    }
}

static void check_encryption_key(struct sp_reader *reader, const struct sp_sa_block *block)
{
    const struct sp_place *place = &block->places[SP_SA_ITEM_ENCRYPTION_KEY];
    const struct sp_sa_key *key = &block->encryption_key;
    bool is_seen = block->is_seen[SP_SA_ITEM_ENCRYPTION_KEY];
    const char *name = sp_encryption_name(block->encryption);
    size_t right_bytes = sp_encryption_key_bytes(block->encryption);
    if (right_bytes == 0 && is_seen) {
        sp_diagnose_error(reader->diagnosis, place, "null encryption takes no key: leave the line out");
        return;
    }
    if (right_bytes > 0 && !is_seen && !block->is_garbled)
        sp_diagnose_error(reader->diagnosis, &block->name_place,
                          "this SA has no encryption-key line: %s takes 0x and %zu hex digits", name,
                          right_bytes * 2);
    sp_sa_key_check(reader, place, "encryption-key", key, right_bytes, name);
    if (block->encryption != SP_ENCRYPTION_3DES_CBC || key->len_bytes != right_bytes)
        return;
    const char *fault = sp_tdes_key_fault(key->bytes);
    if (fault != NULL)
        sp_diagnose(reader->diagnosis, SP_SEVERITY_ERROR, SP_ERR_WEAK_KEY, place, "%s: make a new key",
                    fault);
}

static void check_integrity_key(struct sp_reader *reader, const struct sp_sa_block *block)
{
    const struct sp_place *place = &block->places[SP_SA_ITEM_INTEGRITY_KEY];
    if (block->integrity != SP_INTEGRITY_COMBINED)
        sp_sa_key_check(reader, place, "integrity-key", &block->integrity_key,
                        sp_integrity_key_bytes(block->integrity), sp_integrity_name(block->integrity));
    else if (block->is_seen[SP_SA_ITEM_INTEGRITY_KEY])
        sp_diagnose_error(reader->diagnosis, place,
                          "%s has its integrity built in and takes one key: leave the line out",
                          sp_encryption_name(block->encryption));
}

/* A mode that nobody understands may be the one that is missing. */
static void check_tunnel(struct sp_reader *reader, const struct sp_sa_block *block)
{
    static const enum sp_sa_item choices[] = {SP_SA_ITEM_DF, SP_SA_ITEM_DSCP, SP_SA_ITEM_ECN};
    for (size_t i = 0; i < sizeof choices / sizeof *choices; i++) {
        if (block->mode == SP_MODE_TUNNEL || !block->is_seen[choices[i]] || block->is_garbled)
            continue;
        sp_diagnose_error(reader->diagnosis, &block->places[choices[i]],
                          "%s is for tunnel mode: leave the line out, or write mode tunnel",
                          items[choices[i]].word);
    }
}

static void check(struct sp_reader *reader, const struct sp_sa_block *block)
{
    if (strlen(block->name) > SP_SA_NAME_MAX_BYTES)
        sp_diagnose_error(reader->diagnosis, &block->name_place,
                          "the SA's name is longer than %d bytes: shorten it", SP_SA_NAME_MAX_BYTES);
    check_presence(reader, block);
    check_tunnel(reader, block);
    if (!block->is_seen[SP_SA_ITEM_ESP] || block->integrity == SP_INTEGRITY_COUNT)
        return; /* what the others should be is not known */
    check_encryption_key(reader, block);
    check_integrity_key(reader, block);
    if (block->lifetime.hard_bytes != 0 || block->lifetime.hard_seconds != 0 ||
        block->lifetime.hard_packets != 0)
        sp_reader_check_lifetime(reader, &block->places[SP_SA_ITEM_LIFETIME], block->encryption,
                                 &block->lifetime);
}

bool sp_sa_block_parse(struct sp_reader *reader, struct sp_sa_block *block)
{
    block->integrity = SP_INTEGRITY_COUNT;
    block->name_place = reader->token.place;
    if (!sp_reader_name(reader, "the SA's name", block->name))
        return false;
    if (!sp_reader_is_at(reader, SP_TOKEN_OPEN)) {
        sp_reader_unexpected(reader, "'{'");
        return false;
    }
    sp_reader_next(reader);
    bool is_closed = parse_lines(reader, block);
    check(reader, block);
    return is_closed;
}

struct sp_sa_params sp_sa_block_params(const struct sp_sa_block *block)
{
    return (struct sp_sa_params){
        .name = block->name,
        .spi = block->spi,
        .source = block->source,
        .destination = block->destination,
        .mode = block->mode,
        .tunnel = block->tunnel,
        .encryption = block->encryption,
        .integrity = block->integrity,
        .encryption_key = block->encryption_key.bytes,
        .encryption_key_bytes = block->encryption_key.len_bytes,
        .integrity_key = block->integrity_key.bytes,
        .integrity_key_bytes = block->integrity_key.len_bytes,
        .replay_window_packets = block->replay_window_packets,
        .has_lifetime = block->is_seen[SP_SA_ITEM_LIFETIME],
        .lifetime = block->lifetime,
        .encap = block->encap,
        .has_esn = block->is_seen[SP_SA_ITEM_ESN],
    };
}
