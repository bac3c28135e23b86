/* SPDX-License-Identifier: ISC
 *
 * Lifetimes: their presets and their rules.
 *
 * A cipher with 64-bit blocks starts to repeat ciphertext blocks after about 2^32 of them, and each repeat
 * tells the XOR of two plaintext blocks (Sweet32: Bhargavan and Leurent, 2016, CVE-2016-2183). A byte limit
 * is therefore not the user's choice for 3DES: only its size is, up to that bound.
 *
 * Sources: RFC 4301 4.4.2.1 (soft and hard lifetimes), SP 800-67 revision 1 3.5 (2^32 blocks) and revision 2
 * 3.5 (2^20 blocks).
 */
#include "sa/lifetime.h"

#include "core/misuse.h"
#include "crypto/suite.h"

#include <string.h>

#define BLOCK_BYTES_3DES 8u

static const struct preset {
    const char *name;
    struct sp_lifetime lifetime;
} presets[] = {
    {"w2k", {.hard_bytes = (uint64_t)100000 * 1024, .hard_seconds = 3600}},
    {"nist-r2", {.hard_bytes = ((uint64_t)1 << 20) * BLOCK_BYTES_3DES}},
    {"nist-r1", {.hard_bytes = ((uint64_t)1 << 32) * BLOCK_BYTES_3DES}},
};
#define PRESET_COUNT (sizeof presets / sizeof presets[0])

const char *sp_limit_name(enum sp_limit limit)
{
    static const char *const names[] = {"none", "bytes", "packets", "time"};
    return (unsigned)limit < SP_LIMIT_COUNT ? names[limit] : "?";
}

static void fill(uint64_t *soft, uint64_t hard)
{
    if (*soft == 0 && hard != 0)
        *soft = hard - hard / 8;
}

void sp_lifetime_fill_soft(struct sp_lifetime *lifetime)
{
    SP_REQUIRE(lifetime != NULL);
    fill(&lifetime->soft_bytes, lifetime->hard_bytes);
    fill(&lifetime->soft_packets, lifetime->hard_packets);
    fill(&lifetime->soft_seconds, lifetime->hard_seconds);
}

enum sp_status sp_lifetime_preset(const char *name, struct sp_lifetime *ret_lifetime)
{
    SP_REQUIRE(name != NULL && ret_lifetime != NULL);
    for (size_t i = 0; i < PRESET_COUNT; i++) {
        if (strcmp(name, presets[i].name) != 0)
            continue;
        *ret_lifetime = presets[i].lifetime;
        sp_lifetime_fill_soft(ret_lifetime);
        return SP_OK;
    }
    return SP_ERR_NOT_FOUND;
}

static bool equal(const struct sp_lifetime *a, const struct sp_lifetime *b)
{
    return a->soft_bytes == b->soft_bytes && a->hard_bytes == b->hard_bytes &&
           a->soft_packets == b->soft_packets && a->hard_packets == b->hard_packets &&
           a->soft_seconds == b->soft_seconds && a->hard_seconds == b->hard_seconds;
}

const char *sp_lifetime_preset_name(const struct sp_lifetime *lifetime)
{
    SP_REQUIRE(lifetime != NULL);
    struct sp_lifetime filled = *lifetime;
    sp_lifetime_fill_soft(&filled);
    for (size_t i = 0; i < PRESET_COUNT; i++) {
        struct sp_lifetime preset = presets[i].lifetime;
        sp_lifetime_fill_soft(&preset);
        if (equal(&filled, &preset))
            return presets[i].name;
    }
    return NULL;
}

static bool is_soft_beyond_hard(uint64_t soft, uint64_t hard)
{
    return hard != 0 && soft > hard;
}

const char *sp_lifetime_fault(const struct sp_lifetime *lifetime, enum sp_encryption encryption)
{
    const struct sp_cipher *cipher = sp_cipher_ops(encryption);
    if (cipher->block_bytes == BLOCK_BYTES_3DES && lifetime->hard_bytes == 0)
        return "3des-cbc needs a byte limit of at most 34359738368 (2^32 blocks), as its 64-bit blocks "
               "repeat "
               "after that many";
    if (cipher->block_bytes == BLOCK_BYTES_3DES && lifetime->hard_bytes > SP_LIFETIME_BYTES_MAX_64_BIT_BLOCK)
        return "the byte limit of 3des-cbc is at most 34359738368 (2^32 blocks), as its 64-bit blocks repeat "
               "after that many";
    if (is_soft_beyond_hard(lifetime->soft_bytes, lifetime->hard_bytes))
        return "the soft byte limit must not be above the hard one";
    if (is_soft_beyond_hard(lifetime->soft_packets, lifetime->hard_packets))
        return "the soft packet limit must not be above the hard one";
    if (is_soft_beyond_hard(lifetime->soft_seconds, lifetime->hard_seconds))
        return "the soft time limit must not be above the hard one";
    return NULL;
}

static void lower(uint64_t *limit, uint64_t other)
{
    if (other != 0 && (*limit == 0 || other < *limit))
        *limit = other;
}

void sp_lifetime_tighten(struct sp_lifetime *lifetime, const struct sp_lifetime *other)
{
    SP_REQUIRE(lifetime != NULL && other != NULL);
    lower(&lifetime->soft_bytes, other->soft_bytes);
    lower(&lifetime->hard_bytes, other->hard_bytes);
    lower(&lifetime->soft_packets, other->soft_packets);
    lower(&lifetime->hard_packets, other->hard_packets);
    lower(&lifetime->soft_seconds, other->soft_seconds);
    lower(&lifetime->hard_seconds, other->hard_seconds);
}
