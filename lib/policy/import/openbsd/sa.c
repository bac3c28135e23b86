/* SPDX-License-Identifier: ISC
 *
 * SAs with manual keys. Each is judged as the SAD would judge it, so that no import gives SAs that its own
 * library refuses; keys in files of their own are judged when these are read.
 */
#include "policy/import/openbsd/openbsd.h"
#include "policy/sa_block.h"
#include "sa/params.h"

#include <sodium.h>
#include <string.h>
#include <strings.h>

static bool refuse(struct sp_openbsd *import, const struct sp_openbsd_statement *statement, const char *why)
{
    sp_openbsd_error(import, &statement->place, "%s", why);
    return false;
}

static bool check_form(struct sp_openbsd *import, const struct sp_openbsd_statement *sa)
{
    if (strcmp(sa->service, "esp") != 0)
        return refuse(import, sa, "only SAs of ESP can be had");
    if (sa->spi_count == 0)
        return refuse(import, sa, "spi is missing");
    if (sa->from.count == 0 || sa->to.count == 0)
        return refuse(import, sa, "an SA is between two addresses");
    for (uint32_t i = 0; i < sa->from.count + sa->to.count; i++) {
        const struct sp_address_range *range =
            i < sa->from.count ? &sa->from.ranges[i] : &sa->to.ranges[i - sa->from.count];
        if (memcmp(range->first.bytes, range->last.bytes, sizeof range->first.bytes) != 0)
            return refuse(import, sa, "an SA is between two addresses");
    }
    return true;
}

static bool check_suite(struct sp_openbsd *import, const struct sp_openbsd_statement *statement,
                        struct sp_openbsd_sa *sa)
{
    enum sp_integrity named;
    if (statement->enc.start == NULL || !sp_openbsd_encryption(statement->enc, &sa->encryption))
        return refuse(import, statement,
                      statement->enc.start == NULL
                          ? "without enc it is AES in CBC mode, which can't be had: say enc 3des-cbc"
                          : "only enc 3des-cbc, aes-128-gcm, aes-256-gcm or null can be had");
    if (statement->auth.start != NULL && !sp_openbsd_integrity(statement->auth, &named))
        return refuse(import, statement, "only auth hmac-sha1, hmac-md5 or hmac-sha2-256 can be had");
    return sp_openbsd_suite(statement, &sa->encryption, &sa->integrity) ||
           refuse(import, statement, "AES-GCM gives integrity itself: leave auth and authkey out");
}

/* Whether there is a key for each SPI, or none where the algorithm takes none. */
static bool are_keys_right(const struct sp_openbsd_statement *statement, const struct sp_openbsd_keys *keys,
                           size_t key_bytes)
{
    return keys->count == (key_bytes > 0 ? statement->spi_count : 0);
}

static bool check_key_counts(struct sp_openbsd *import, const struct sp_openbsd_statement *statement,
                             const struct sp_openbsd_sa *sa)
{
    const size_t encryption_bytes = sp_encryption_key_bytes(sa->encryption);
    const size_t integrity_bytes = sp_integrity_key_bytes(sa->integrity);
    if (integrity_bytes > 0 && statement->auth_keys.count == 0)
        return refuse(import, statement, "authkey is missing");
    if (integrity_bytes == 0 && statement->auth_keys.count > 0)
        return refuse(import, statement, "AES-GCM gives integrity itself: leave authkey out");
    if ((encryption_bytes > 0) != (statement->enc_keys.count > 0))
        return refuse(import, statement, encryption_bytes > 0 ? "enckey is missing" : "enc null has no key");
    if (!are_keys_right(statement, &statement->enc_keys, encryption_bytes) ||
        !are_keys_right(statement, &statement->auth_keys, integrity_bytes))
        return refuse(import, statement, "spi, authkey and enckey have one value each, or two each");
    return true;
}

/* bytes: locked memory, SP_SA_KEY_MAX_BYTES. The SAD's own judgement needs keys of the right length. */
static bool decode(struct sp_piece digits, uint8_t *bytes, size_t *ret_len)
{
    *ret_len = digits.len_bytes / 2;
    size_t decoded;
    if (digits.len_bytes == 0)
        return true;
    return *ret_len <= SP_SA_KEY_MAX_BYTES && sodium_hex2bin(bytes, SP_SA_KEY_MAX_BYTES, digits.start,
                                                             digits.len_bytes, NULL, &decoded, NULL) == 0;
}

static bool judge(struct sp_openbsd *import, const struct sp_openbsd_sa *sa, uint8_t *keys)
{
    char reason[SP_REASON_BYTES] = "a key is too long";
    struct sp_sa_params params = {
        .spi = sa->spi,
        .source = sa->source,
        .destination = sa->destination,
        .mode = sa->is_tunnel ? SP_MODE_TUNNEL : SP_MODE_TRANSPORT,
        .encryption = sa->encryption,
        .integrity = sa->integrity,
        .encryption_key = keys,
        .integrity_key = keys + SP_SA_KEY_MAX_BYTES,
    };
    const bool is_decoded = decode(sa->keys[0], keys, &params.encryption_key_bytes) &&
                            decode(sa->keys[1], keys + SP_SA_KEY_MAX_BYTES, &params.integrity_key_bytes);
    if (sa->encryption == SP_ENCRYPTION_NULL)
        params.encryption_key = NULL;
    if (sa->integrity == SP_INTEGRITY_COMBINED)
        params.integrity_key = NULL;
    if (is_decoded && sp_sa_params_check(&params, reason) == SP_OK)
        return true;
    return refuse(import, sa->statement, reason);
}

/* With keys that are in files there is nothing to judge yet. */
static bool check_keys(struct sp_openbsd *import, const struct sp_openbsd_sa *sa)
{
    if (sa->source.family != sa->destination.family)
        return refuse(import, sa->statement, "from and to of an SA are of one family");
    if (sa->are_files[0] || sa->are_files[1])
        return true;
    uint8_t *keys = sodium_malloc((size_t)2 * SP_SA_KEY_MAX_BYTES);
    if (keys == NULL)
        return sp_openbsd_no_memory(import);
    const bool is_good = judge(import, sa, keys);
    sodium_free(keys);
    return is_good;
}

/* An SPI belongs to one SA between the same addresses. */
static bool is_taken(const struct sp_openbsd *import, const struct sp_openbsd_sa *sa)
{
    for (size_t i = 0; i < import->sa_count; i++) {
        const struct sp_openbsd_sa *other = &import->sas[i];
        if (other->spi == sa->spi && memcmp(&other->source, &sa->source, sizeof sa->source) == 0 &&
            memcmp(&other->destination, &sa->destination, sizeof sa->destination) == 0)
            return true;
    }
    return false;
}

/* Of AES-GCM two SAs must never have one key (RFC 4106 2). Of keys in files the SAD finds out. */
static bool is_gcm_key_taken(const struct sp_openbsd *import, const struct sp_openbsd_sa *sa)
{
    if (sa->integrity != SP_INTEGRITY_COMBINED || sa->are_files[0])
        return false;
    for (size_t i = 0; i < import->sa_count; i++) {
        const struct sp_openbsd_sa *other = &import->sas[i];
        if (other->encryption == sa->encryption && !other->are_files[0] &&
            strncasecmp(other->keys[0].start, sa->keys[0].start, sa->keys[0].len_bytes) == 0)
            return true;
    }
    return false;
}

static bool add(struct sp_openbsd *import, const struct sp_openbsd_sa *sa)
{
    if (!check_keys(import, sa))
        return false;
    if (is_gcm_key_taken(import, sa))
        return refuse(import, sa->statement, "another SA has this key: AES-GCM needs one for each SA");
    if (is_taken(import, sa))
        return refuse(import, sa->statement, "there is an SA with this SPI between these addresses already");
    if (import->sa_count == SP_OPENBSD_SAS) {
        sp_diagnose(&import->diagnosis, SP_SEVERITY_ERROR, SP_ERR_LIMIT, &sa->statement->place,
                    "%u SAs are the most that a file may have", SP_OPENBSD_SAS);
        return false;
    }
    if (!sp_grow(&import->sas, &import->sa_capacity, import->sa_count, sizeof *import->sas))
        return sp_openbsd_no_memory(import);
    import->sas[import->sa_count++] = *sa;
    return true;
}

/* The SA of the first values, and with two the one that comes back. */
static bool add_directions(struct sp_openbsd *import, struct sp_openbsd_sa sa)
{
    const struct sp_openbsd_statement *statement = sa.statement;
    for (size_t i = 0; i < statement->spi_count; i++) {
        const struct sp_address source = sa.source;
        sa.spi = statement->spis[i];
        if (sa.integrity != SP_INTEGRITY_COMBINED)
            sa.keys[1] = statement->auth_keys.values[i];
        if (sa.encryption != SP_ENCRYPTION_NULL)
            sa.keys[0] = statement->enc_keys.values[i];
        if (!add(import, &sa))
            return false;
        sa.source = sa.destination;
        sa.destination = source;
    }
    return true;
}

void sp_openbsd_take_sa(struct sp_openbsd *import, const struct sp_openbsd_statement *statement)
{
    struct sp_openbsd_sa sa = {
        .statement = statement,
        .is_tunnel = !statement->is_transport,
        .are_files = {statement->enc_keys.is_file, statement->auth_keys.is_file},
    };
    if (!check_form(import, statement) || !check_suite(import, statement, &sa) ||
        !check_key_counts(import, statement, &sa))
        return;
    for (uint32_t i = 0; i < statement->from.count; i++) {
        for (uint32_t j = 0; j < statement->to.count; j++) {
            sa.source = statement->from.ranges[i].first;
            sa.destination = statement->to.ranges[j].first;
            if (!add_directions(import, sa))
                return;
        }
    }
}
