/* SPDX-License-Identifier: ISC
 *
 * What actions and SAs have in common: `esp`, `mode`, `encap` and `lifetime`, each from behind its keyword to
 * the end of its line; and what else an SA says of its tunnel.
 *
 * 3DES has 64-bit blocks, so its SAs always have a byte limit (Sweet32, CVE-2016-2183; SP 800-67 r2).
 */
#include "policy/reader.h"

#include "crypto/suite.h"
#include "sa/lifetime.h"

#include <stdlib.h>
#include <string.h>

#define SECONDS_MAX ((uint64_t)UINT32_MAX) /* so that nanoseconds fit 64 bits */
#define PRESET_TEXT_BYTES 16

typedef const char *name_of(int value);

static const char *encryption_name(int value)
{
    return sp_encryption_name((enum sp_encryption)value);
}

static const char *integrity_name(int value)
{
    return sp_integrity_name((enum sp_integrity)value);
}

static const char *mode_name(int value)
{
    return sp_mode_name((enum sp_mode)value);
}

static const char *df_name(int value)
{
    return sp_tunnel_df_name((enum sp_tunnel_df)value);
}

/* The value whose name the token is, or -1 after saying which names there are. */
static int choose(struct sp_reader *reader, const char *what, name_of *name, int count)
{
    char expected[160];
    size_t used = (size_t)snprintf(expected, sizeof expected, "%s:", what);
    for (int value = 0; value < count; value++) {
        if (sp_reader_take_word(reader, name(value)))
            return value;
        const char *joint = value == 0 ? "" : value + 1 < count ? "," : " or";
        used += (size_t)snprintf(expected + used, sizeof expected - used, "%s %s", joint, name(value));
    }
    sp_reader_unexpected(reader, expected);
    return -1;
}

bool sp_reader_suite(struct sp_reader *reader, enum sp_encryption *ret_encryption,
                     enum sp_integrity *ret_integrity)
{
    int encryption = choose(reader, "an encryption algorithm", encryption_name, SP_ENCRYPTION_COUNT);
    if (encryption < 0)
        return false;
    bool is_combined = sp_suite_is_one((enum sp_encryption)encryption, SP_INTEGRITY_COMBINED);
    if (is_combined && reader->token.kind == SP_TOKEN_WORD) {
        sp_diagnose_error(reader->diagnosis, &reader->token.place,
                          "%s has its integrity built in: write nothing behind it",
                          encryption_name(encryption));
        return false;
    }
    int integrity = is_combined
                        ? SP_INTEGRITY_COMBINED
                        : choose(reader, "an integrity algorithm", integrity_name, SP_INTEGRITY_COMBINED);
    if (integrity < 0)
        return false;
    *ret_encryption = (enum sp_encryption)encryption;
    *ret_integrity = (enum sp_integrity)integrity;
    return true;
}

bool sp_reader_mode(struct sp_reader *reader, enum sp_mode *ret_mode)
{
    int mode = choose(reader, "the mode", mode_name, SP_MODE_COUNT);
    if (mode >= 0)
        *ret_mode = (enum sp_mode)mode;
    return mode >= 0;
}

static bool parse_address(struct sp_reader *reader, struct sp_address *address)
{
    if (!sp_reader_is_at(reader, SP_TOKEN_WORD)) {
        sp_reader_unexpected(reader, "an address");
        return false;
    }
    const struct sp_place *place = &reader->token.place;
    if (!sp_text_address(place->start, place->len_bytes, address))
        sp_diagnose_error(reader->diagnosis, place,
                          "this is not an address: write one like 192.0.2.1 or 2001:db8::1");
    sp_reader_next(reader);
    return true;
}

bool sp_reader_ends(struct sp_reader *reader, const char *of, struct sp_address *source,
                    struct sp_address *destination)
{
    struct sp_place place = reader->token.place;
    if (!parse_address(reader, source))
        return false;
    if (!sp_reader_take_word(reader, "to")) {
        sp_reader_unexpected(reader, "'to'");
        return false;
    }
    if (!parse_address(reader, destination))
        return false;
    if (source->family != 0 && destination->family != 0 && source->family != destination->family)
        sp_diagnose_error(reader->diagnosis, &place,
                          "one address is IPv4, the other IPv6: %s has both ends in one family", of);
    return true;
}

bool sp_reader_df(struct sp_reader *reader, enum sp_tunnel_df *ret_df)
{
    int df = choose(reader, "what becomes of DF", df_name, SP_TUNNEL_DF_COUNT);
    if (df >= 0)
        *ret_df = (enum sp_tunnel_df)df;
    return df >= 0;
}

bool sp_reader_dscp(struct sp_reader *reader, struct sp_tunnel *tunnel)
{
    uint64_t dscp;
    if (sp_reader_take_word(reader, "copy")) {
        tunnel->has_dscp = false;
        return true;
    }
    if (!sp_reader_is_at(reader, SP_TOKEN_WORD)) {
        sp_reader_unexpected(reader, "copy or a number of 0..63");
        return false;
    }
    if (!sp_place_number(&reader->token.place, SP_DSCP_MAX, &dscp)) {
        sp_diagnose_error(reader->diagnosis, &reader->token.place,
                          "this is not a DSCP: write copy or a number of 0..63");
        return false;
    }
    tunnel->has_dscp = true;
    tunnel->dscp = (uint8_t)dscp;
    sp_reader_next(reader);
    return true;
}

bool sp_reader_ecn(struct sp_reader *reader, bool *ret_has_no_ecn)
{
    bool has_no_ecn = sp_reader_take_word(reader, "off");
    if (!has_no_ecn && !sp_reader_take_word(reader, "copy")) {
        sp_reader_unexpected(reader, "what becomes of congestion marks: copy or off");
        return false;
    }
    *ret_has_no_ecn = has_no_ecn;
    return true;
}

static bool parse_port(struct sp_reader *reader, uint16_t *ret_port)
{
    uint64_t port;
    if (!sp_reader_is_at(reader, SP_TOKEN_WORD)) {
        sp_reader_unexpected(reader, "the destination's port, such as 4500");
        return false;
    }
    if (!sp_place_number(&reader->token.place, UINT16_MAX, &port) || port == 0) {
        sp_diagnose_error(reader->diagnosis, &reader->token.place,
                          "this is not a UDP port: write a number of 1..65535");
        return false;
    }
    *ret_port = (uint16_t)port;
    sp_reader_next(reader);
    return true;
}

bool sp_reader_encap(struct sp_reader *reader, struct sp_encap *ret_ports)
{
    struct sp_encap ports = {SP_ENCAP_PORT, SP_ENCAP_PORT};
    if (!sp_reader_take_word(reader, "udp")) {
        sp_reader_unexpected(reader, "the encapsulation: udp");
        return false;
    }
    if (ret_ports == NULL)
        return true;
    if (sp_reader_is_at(reader, SP_TOKEN_WORD) &&
        (!parse_port(reader, &ports.source_port) || !parse_port(reader, &ports.destination_port)))
        return false;
    *ret_ports = ports;
    return true;
}

struct unit {
    const char *name;
    uint64_t factor, max;
    size_t limit; /* where in struct sp_lifetime */
};

static const struct unit units[] = {
    {"bytes", 1, UINT64_MAX, offsetof(struct sp_lifetime, hard_bytes)},
    {"KB", 1u << 10, UINT64_MAX, offsetof(struct sp_lifetime, hard_bytes)},
    {"MB", 1u << 20, UINT64_MAX, offsetof(struct sp_lifetime, hard_bytes)},
    {"GB", 1u << 30, UINT64_MAX, offsetof(struct sp_lifetime, hard_bytes)},
    {"seconds", 1, SECONDS_MAX, offsetof(struct sp_lifetime, hard_seconds)},
    {"minutes", 60, SECONDS_MAX, offsetof(struct sp_lifetime, hard_seconds)},
    {"hours", 3600, SECONDS_MAX, offsetof(struct sp_lifetime, hard_seconds)},
    {"packets", 1, UINT64_MAX, offsetof(struct sp_lifetime, hard_packets)},
};

static const struct unit *take_unit(struct sp_reader *reader)
{
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (sp_reader_take_word(reader, units[i].name))
            return &units[i];
    }
    sp_reader_unexpected(reader, "a unit: bytes, KB, MB, GB, seconds, minutes, hours or packets");
    return NULL;
}

static bool is_digits(const struct sp_place *place)
{
    for (size_t i = 0; i < place->len_bytes; i++) {
        if (place->start[i] < '0' || place->start[i] > '9')
            return false;
    }
    return true;
}

/* One `NUMBER UNIT`. A bad value is said to be so and 1 stands in for it, so that reading goes on. */
static bool take_limit(struct sp_reader *reader, struct sp_lifetime *lifetime)
{
    struct sp_place place = reader->token.place;
    uint64_t number = 0;
    if (!is_digits(&place)) {
        sp_reader_unexpected(reader, "a number and a unit, such as 3600 seconds");
        return false;
    }
    bool fits = sp_place_number(&place, UINT64_MAX, &number);
    sp_reader_next(reader);
    const struct unit *unit = take_unit(reader);
    if (unit == NULL)
        return false;
    if (!fits || number > unit->max / unit->factor) {
        sp_diagnose_error(reader->diagnosis, &place, "this limit is too large: the most is %llu %s",
                          (unsigned long long)(unit->max / unit->factor), unit->name);
        number = 1;
    } else if (number == 0) {
        sp_diagnose_error(reader->diagnosis, &place, "0 would be no limit: leave out what is not limited");
        number = 1;
    }
    uint64_t *limit = (uint64_t *)((char *)lifetime + unit->limit);
    if (*limit != 0)
        sp_diagnose_error(reader->diagnosis, &place,
                          "this is limited already on this line: write one limit of a kind");
    *limit = number * unit->factor;
    return true;
}

static bool is_at_number(const struct sp_reader *reader)
{
    return reader->token.kind == SP_TOKEN_WORD && *reader->token.place.start >= '0' &&
           *reader->token.place.start <= '9';
}

static bool take_preset(struct sp_reader *reader, struct sp_lifetime *ret_lifetime)
{
    char name[PRESET_TEXT_BYTES] = "";
    const struct sp_place *place = &reader->token.place;
    if (reader->token.kind == SP_TOKEN_WORD && place->len_bytes < sizeof name)
        memcpy(name, place->start, place->len_bytes);
    if (sp_lifetime_preset(name, ret_lifetime) != SP_OK) {
        sp_reader_unexpected(reader, "w2k, nist-r2, nist-r1, or limits such as 8 MB 3600 seconds");
        return false;
    }
    sp_reader_next(reader);
    return true;
}

bool sp_reader_lifetime(struct sp_reader *reader, struct sp_lifetime *ret_lifetime)
{
    struct sp_lifetime lifetime = {0};
    if (!is_at_number(reader))
        return take_preset(reader, ret_lifetime);
    while (is_at_number(reader)) {
        if (!take_limit(reader, &lifetime))
            return false;
    }
    *ret_lifetime = lifetime;
    return true;
}

void sp_reader_check_lifetime(struct sp_reader *reader, const struct sp_place *place,
                              enum sp_encryption encryption, const struct sp_lifetime *lifetime)
{
    if (encryption != SP_ENCRYPTION_3DES_CBC)
        return;
    if (lifetime->hard_bytes == 0)
        sp_diagnose_error(reader->diagnosis, place,
                          "3des-cbc needs a byte limit (64-bit blocks, Sweet32): add one, such as 8 MB");
    else if (lifetime->hard_bytes > SP_LIFETIME_BYTES_MAX_64_BIT_BLOCK)
        sp_diagnose_error(reader->diagnosis, place,
                          "3des-cbc may protect at most 32 GB under a key (2^32 blocks): lower the limit");
}
