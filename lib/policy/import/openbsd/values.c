/* SPDX-License-Identifier: ISC
 *
 * Values of ipsec.conf(5): addresses, protocols, ports, SPIs, keys, transforms.
 *
 * Names that are looked up where the file is used (hosts, interfaces and their groups) are errors: whatever
 * stood in their place would be a guess. Protocols and services are known by their usual names.
 */
#include "crypto/suite.h"
#include "policy/import/openbsd/openbsd.h"
#include "policy/reader.h"

#include <netinet/in.h>
#include <string.h>

struct number_name {
    const char *name;
    uint16_t number;
};

static bool find_name(struct sp_piece piece, const struct number_name *names, size_t count,
                      uint16_t *ret_number)
{
    for (size_t i = 0; i < count; i++) {
        if (!sp_piece_is(piece, names[i].name))
            continue;
        *ret_number = names[i].number;
        return true;
    }
    return false;
}

static bool read_number(struct sp_piece piece, uint64_t max, uint64_t *ret_number)
{
    const struct sp_place place = {.start = piece.start, .len_bytes = piece.len_bytes};
    return sp_place_number(&place, max, ret_number);
}

static void set_prefix(struct sp_address_range *range, uint64_t prefix)
{
    const size_t bytes = range->first.family == 4 ? 4 : 16;
    for (size_t i = 0; i < bytes; i++) {
        const uint64_t bits = prefix >= 8 * (i + 1) ? 8 : prefix <= 8 * i ? 0 : prefix - 8 * i;
        const uint8_t mask = (uint8_t)(0xff00u >> bits);
        range->first.bytes[i] &= mask;
        range->last.bytes[i] = (uint8_t)(range->first.bytes[i] | (uint8_t)~mask);
    }
}

static bool add_range(struct sp_openbsd *import, const struct sp_address_range *range)
{
    if (import->host_count == SP_OPENBSD_HOSTS) {
        sp_diagnose(&import->diagnosis, SP_SEVERITY_ERROR, SP_ERR_LIMIT, &import->token.place,
                    "%u addresses are the most that a file may have", SP_OPENBSD_HOSTS);
        return false;
    }
    if (!sp_grow(&import->ranges, &import->range_capacity, import->range_count, sizeof *import->ranges))
        return sp_openbsd_no_memory(import);
    import->ranges[import->range_count++] = *range;
    import->host_count++;
    return true;
}

/* The prefix length behind an address: in the same string, or behind a '/' of its own. */
static bool read_prefix(struct sp_openbsd *import, struct sp_piece text, const struct sp_place *place,
                        struct sp_address_range *range)
{
    uint64_t prefix;
    if (!read_number(text, range->first.family == 4 ? 32 : 128, &prefix)) {
        sp_openbsd_error(import, place, "a prefix length is 0 to %d", range->first.family == 4 ? 32 : 128);
        return false;
    }
    set_prefix(range, prefix);
    return true;
}

/* ADDRESS, ADDRESS/PREFIX or any, to the list at hand. */
static bool read_host(struct sp_openbsd *import, bool *is_any)
{
    struct sp_address_range range = {0};
    if (!sp_openbsd_is_value(import))
        return sp_openbsd_unexpected(import, "an address");
    const struct sp_openbsd_token token = import->token;
    if (sp_piece_is(token.piece, "any")) {
        *is_any = true;
        sp_openbsd_next(import);
        return true;
    }
    const char *slash = memchr(token.piece.start, '/', token.piece.len_bytes);
    const size_t len = slash != NULL ? (size_t)(slash - token.piece.start) : token.piece.len_bytes;
    if (!sp_text_address(token.piece.start, len, &range.first)) {
        sp_openbsd_error(import, &token.place,
                         "this is no address: names of hosts and interfaces are known there only, write "
                         "their addresses");
        return false;
    }
    range.last = range.first;
    sp_openbsd_next(import);
    if (slash != NULL) {
        const struct sp_piece prefix = {slash + 1, token.piece.len_bytes - len - 1};
        if (!read_prefix(import, prefix, &token.place, &range))
            return false;
    } else if (import->token.kind == SP_OPENBSD_SLASH) {
        sp_openbsd_next(import);
        if (!sp_openbsd_is_value(import))
            return sp_openbsd_unexpected(import, "a prefix length");
        if (!read_prefix(import, import->token.piece, &import->token.place, &range))
            return false;
        sp_openbsd_next(import);
    }
    return add_range(import, &range);
}

static void skip_newlines(struct sp_openbsd *import)
{
    while (import->token.kind == SP_OPENBSD_NEWLINE)
        sp_openbsd_next(import);
}

/* What stands between two elements of a list, commas being optional; true at the closing brace. */
static bool is_list_over(struct sp_openbsd *import)
{
    skip_newlines(import);
    if (import->token.kind == SP_OPENBSD_COMMA)
        sp_openbsd_next(import);
    skip_newlines(import);
    return import->token.kind == SP_OPENBSD_CLOSE;
}

bool sp_openbsd_hosts_read(struct sp_openbsd *import, struct sp_openbsd_hosts *ret_hosts)
{
    struct sp_openbsd_hosts hosts = {0};
    import->range_count = 0;
    if (import->token.kind == SP_OPENBSD_OPEN) {
        sp_openbsd_next(import);
        skip_newlines(import);
        do {
            if (!read_host(import, &hosts.is_any))
                return false;
        } while (!is_list_over(import));
        sp_openbsd_next(import);
    } else if (!read_host(import, &hosts.is_any)) {
        return false;
    }
    hosts.count = hosts.is_any ? 0 : (uint32_t)import->range_count;
    hosts.ranges = sp_storage_take(import->storage, (hosts.count + 1) * sizeof *hosts.ranges);
    if (hosts.ranges == NULL)
        return sp_openbsd_no_memory(import);
    if (hosts.count > 0)
        memcpy(hosts.ranges, import->ranges, hosts.count * sizeof *hosts.ranges);
    *ret_hosts = hosts;
    return true;
}

static bool read_protocol(struct sp_openbsd *import, struct sp_openbsd_statement *statement)
{
    static const struct number_name names[] = {
        {"icmp", IPPROTO_ICMP},
        {"igmp", 2},
        {"ipencap", 4},
        {"ipip", 4},
        {"tcp", IPPROTO_TCP},
        {"udp", IPPROTO_UDP},
        {"ipv6", 41},
        {"rsvp", 46},
        {"gre", 47},
        {"esp", 50},
        {"ah", 51},
        {"ipv6-icmp", 58},
        {"icmp6", 58},
        {"ospf", 89},
        {"etherip", 97},
        {"pim", 103},
        {"ipcomp", 108},
        {"carp", 112},
        {"vrrp", 112},
        {"l2tp", 115},
        {"sctp", 132},
        {"udplite", 136},
        {"mpls-in-ip", 137},
        {"pfsync", 240},
    };
    uint16_t protocol;
    uint64_t number;
    if (!sp_openbsd_is_value(import))
        return sp_openbsd_unexpected(import, "a protocol");
    if (!find_name(import->token.piece, names, sizeof names / sizeof *names, &protocol)) {
        if (!read_number(import->token.piece, 255, &number))
            return sp_openbsd_unexpected(import, "a protocol that is known, or its number");
        protocol = (uint16_t)number;
    }
    if (statement->protocol_count == SP_OPENBSD_PROTOCOLS)
        return sp_openbsd_unexpected(import, "at most 16 protocols");
    statement->protocols[statement->protocol_count++] = protocol;
    sp_openbsd_next(import);
    return true;
}

bool sp_openbsd_protocols_read(struct sp_openbsd *import, struct sp_openbsd_statement *statement)
{
    if (import->token.kind != SP_OPENBSD_OPEN)
        return read_protocol(import, statement);
    sp_openbsd_next(import);
    skip_newlines(import);
    do {
        if (!read_protocol(import, statement))
            return false;
    } while (!is_list_over(import));
    sp_openbsd_next(import);
    return true;
}

bool sp_openbsd_port_read(struct sp_openbsd *import, uint16_t *ret_port)
{
    static const struct number_name names[] = {
        {"ftp-data", 20},      {"ftp", 21},      {"ssh", 22},     {"telnet", 23},      {"smtp", 25},
        {"domain", 53},        {"bootps", 67},   {"bootpc", 68},  {"tftp", 69},        {"http", 80},
        {"www", 80},           {"kerberos", 88}, {"pop3", 110},   {"sunrpc", 111},     {"ntp", 123},
        {"imap", 143},         {"snmp", 161},    {"bgp", 179},    {"ldap", 389},       {"https", 443},
        {"isakmp", 500},       {"syslog", 514},  {"router", 520}, {"submission", 587}, {"ldaps", 636},
        {"imaps", 993},        {"pop3s", 995},   {"l2tp", 1701},  {"radius", 1812},    {"nfsd", 2049},
        {"ipsec-nat-t", 4500},
    };
    uint64_t number;
    if (!sp_openbsd_is_value(import))
        return sp_openbsd_unexpected(import, "a port");
    if (!find_name(import->token.piece, names, sizeof names / sizeof *names, ret_port)) {
        if (!read_number(import->token.piece, UINT16_MAX, &number))
            return sp_openbsd_unexpected(import, "a port, or a service that is known");
        *ret_port = (uint16_t)number;
    }
    sp_openbsd_next(import);
    return true;
}

/* "256" or "0x100". */
static bool read_spi(struct sp_piece piece, uint32_t *ret_spi)
{
    uint64_t number = 0;
    if (piece.len_bytes < 3 || piece.start[0] != '0' || piece.start[1] != 'x') {
        const bool is_good = read_number(piece, UINT32_MAX, &number);
        *ret_spi = (uint32_t)number;
        return is_good;
    }
    for (size_t i = 2; i < piece.len_bytes; i++) {
        const char byte = piece.start[i], low = (char)(byte | 0x20);
        const bool is_digit = byte >= '0' && byte <= '9';
        if ((!is_digit && (low < 'a' || low > 'f')) || number > UINT32_MAX >> 4)
            return false;
        number = number << 4 | (uint64_t)(is_digit ? byte - '0' : low - 'a' + 10);
    }
    *ret_spi = (uint32_t)number;
    return true;
}

/* "A:B" gives two, "A" one. */
static size_t split(struct sp_piece piece, struct sp_piece values[2])
{
    const char *colon = memchr(piece.start, ':', piece.len_bytes);
    values[0] = piece;
    if (colon == NULL)
        return 1;
    values[0].len_bytes = (size_t)(colon - piece.start);
    values[1] = (struct sp_piece){colon + 1, piece.len_bytes - values[0].len_bytes - 1};
    return 2;
}

bool sp_openbsd_spis_read(struct sp_openbsd *import, struct sp_openbsd_statement *statement)
{
    struct sp_piece values[2];
    if (!sp_openbsd_is_value(import))
        return sp_openbsd_unexpected(import, "an SPI");
    statement->spi_count = split(import->token.piece, values);
    for (size_t i = 0; i < statement->spi_count; i++) {
        if (!read_spi(values[i], &statement->spis[i]) || statement->spis[i] < SP_SPI_MIN) {
            sp_openbsd_error(import, &import->token.place,
                             "an SPI is a number from 0x100 to 0xffffffff, two have a colon between");
            return false;
        }
    }
    sp_openbsd_next(import);
    return true;
}

static bool is_hex(struct sp_piece piece)
{
    for (size_t i = 0; i < piece.len_bytes; i++) {
        const char byte = piece.start[i], low = (char)(byte | 0x20);
        if ((byte < '0' || byte > '9') && (low < 'a' || low > 'f'))
            return false;
    }
    return piece.len_bytes > 0 && piece.len_bytes % 2 == 0;
}

/* Hex digits, 0x before them or not. */
static bool take_digits(struct sp_openbsd *import, struct sp_openbsd_keys *keys)
{
    for (size_t i = 0; i < keys->count; i++) {
        struct sp_piece *value = &keys->values[i];
        if (value->len_bytes > 2 && value->start[0] == '0' && (value->start[1] | 0x20) == 'x')
            *value = (struct sp_piece){value->start + 2, value->len_bytes - 2};
        if (is_hex(*value))
            continue;
        sp_openbsd_error(import, &import->token.place, "a key is 0x and two hex digits a byte");
        return false;
    }
    return true;
}

/* Can a string of ours say the path? */
static bool is_path(struct sp_piece piece)
{
    char text[SP_OPENBSD_WORD_BYTES];
    if (!sp_piece_text(piece, text, sizeof text))
        return false;
    const char *end = text + strlen(text);
    for (const char *at = text; at < end;) {
        const size_t bytes = sp_utf8_sequence(at, end);
        if (bytes == 0 || sp_utf8_is_unshowable(at, bytes))
            return false;
        at += bytes;
    }
    return true;
}

static bool check_paths(struct sp_openbsd *import, const struct sp_openbsd_keys *keys)
{
    for (size_t i = 0; i < keys->count; i++) {
        if (is_path(keys->values[i]))
            continue;
        sp_openbsd_error(import, &import->token.place, "this is not the path of a file that can be kept");
        return false;
    }
    return true;
}

bool sp_openbsd_keys_read(struct sp_openbsd *import, struct sp_openbsd_keys *ret_keys)
{
    struct sp_openbsd_keys keys = {.is_file = sp_openbsd_is_at(import, "file")};
    if (keys.is_file)
        sp_openbsd_next(import);
    if (!sp_openbsd_is_value(import))
        return sp_openbsd_unexpected(import,
                                     keys.is_file ? "the path of a key file" : "a key, or file and its path");
    keys.count = split(import->token.piece, keys.values);
    if (keys.is_file ? !check_paths(import, &keys) : !take_digits(import, &keys))
        return false;
    sp_openbsd_next(import);
    *ret_keys = keys;
    return true;
}

bool sp_openbsd_seconds_read(struct sp_openbsd *import, uint64_t *ret_seconds)
{
    static const struct {
        char unit;
        uint64_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
    struct sp_piece piece = import->token.piece;
    uint64_t factor = 1;
    if (!sp_openbsd_is_value(import) || piece.len_bytes == 0)
        return sp_openbsd_unexpected(import, "a lifetime");
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (piece.start[piece.len_bytes - 1] != units[i].unit)
            continue;
        factor = units[i].seconds;
        piece.len_bytes--;
        break;
    }
    if (!read_number(piece, UINT32_MAX, ret_seconds) || *ret_seconds == 0 ||
        *ret_seconds * factor > UINT32_MAX)
        return sp_openbsd_unexpected(import, "a lifetime in seconds, or with m, h or d behind it");
    *ret_seconds *= factor;
    sp_openbsd_next(import);
    return true;
}

bool sp_openbsd_encryption(struct sp_piece name, enum sp_encryption *ret_encryption)
{
    if (sp_piece_is(name, "3des") || sp_piece_is(name, "3des-cbc"))
        *ret_encryption = SP_ENCRYPTION_3DES_CBC;
    else if (sp_piece_is(name, "null"))
        *ret_encryption = SP_ENCRYPTION_NULL;
    else if (sp_piece_is(name, "aes-128-gcm"))
        *ret_encryption = SP_ENCRYPTION_AES128_GCM16;
    else if (sp_piece_is(name, "aes-256-gcm"))
        *ret_encryption = SP_ENCRYPTION_AES256_GCM16;
    else
        return false;
    return true;
}

bool sp_openbsd_integrity(struct sp_piece name, enum sp_integrity *ret_integrity)
{
    if (sp_piece_is(name, "hmac-sha1"))
        *ret_integrity = SP_INTEGRITY_HMAC_SHA1_96;
    else if (sp_piece_is(name, "hmac-md5"))
        *ret_integrity = SP_INTEGRITY_HMAC_MD5_96;
    else if (sp_piece_is(name, "hmac-sha2-256"))
        *ret_integrity = SP_INTEGRITY_HMAC_SHA2_256_128;
    else
        return false;
    return true;
}

bool sp_openbsd_suite(const struct sp_openbsd_statement *statement, enum sp_encryption *ret_encryption,
                      enum sp_integrity *ret_integrity)
{
    enum sp_integrity integrity = SP_INTEGRITY_HMAC_SHA2_256_128;
    enum sp_encryption encryption;
    if (!sp_openbsd_encryption(statement->enc, &encryption) ||
        (statement->auth.start != NULL && !sp_openbsd_integrity(statement->auth, &integrity)))
        return false;
    if (statement->auth.start == NULL && sp_suite_is_one(encryption, SP_INTEGRITY_COMBINED))
        integrity = SP_INTEGRITY_COMBINED;
    *ret_encryption = encryption;
    *ret_integrity = integrity;
    return sp_suite_is_one(encryption, integrity);
}
