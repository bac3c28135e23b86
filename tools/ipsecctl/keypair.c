/* SPDX-License-Identifier: ISC
 *
 * Keys come from the kernel's generator. Whether a key is weak is the library's to say: the pair is added to
 * a SAD that is thrown away, and drawn again when it is refused.
 */
#include "keypair.h"

#include "tool.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/random.h>

/* A weak key is a matter of 2^-50: more than a few in a row means that the generator is broken. */
#define DRAWS_MAX 16

static bool draw(void *bytes, size_t len_bytes)
{
    return getrandom(bytes, len_bytes, 0) == (ssize_t)len_bytes;
}

/* DES counts only seven bits of each byte; the eighth makes the number of ones odd (FIPS 46-3). Nothing
 * checks it, but keys that have it look right to other tools. */
static void set_parity(uint8_t *key, size_t len_bytes)
{
    for (size_t i = 0; i < len_bytes; i++)
        key[i] = (uint8_t)((key[i] & 0xfe) | !(__builtin_popcount(key[i] & 0xfe) & 1));
}

static bool draw_keys(struct keypair *pair)
{
    for (int i = 0; i < 2; i++) {
        struct sp_sa_params *sa = &pair->sa[i];
        uint32_t spi = 0;
        while (spi < SP_SPI_MIN || (i == 1 && spi == pair->sa[0].spi))
            if (!draw(&spi, sizeof spi))
                return false;
        sa->spi = spi;
        if (!draw(pair->encryption_key[i], sa->encryption_key_bytes) ||
            !draw(pair->integrity_key[i], sa->integrity_key_bytes))
            return false;
        if (sa->encryption == SP_ENCRYPTION_3DES_CBC)
            set_parity(pair->encryption_key[i], sa->encryption_key_bytes);
    }
    return true;
}

/* SP_OK when a SAD takes both; the fingerprints are then filled. */
static enum sp_status try_pair(struct keypair *pair, char *reason)
{
    struct sp_sad *sad = NULL;
    enum sp_status status = sp_sad_create(2, &sad);
    for (int i = 0; i < 2 && status == SP_OK; i++) {
        uint32_t number;
        struct sp_sa_info info;
        status = sp_sad_add(sad, &pair->sa[i], &number, reason);
        if (status == SP_OK)
            status = sp_sad_get(sad, number, &info);
        if (status == SP_OK)
            memcpy(pair->fingerprint[i], info.fingerprint, sizeof pair->fingerprint[i]);
    }
    sp_sad_destroy(&sad);
    return status;
}

static int draw_until_good(struct keypair *pair)
{
    char reason[256] = "";
    enum sp_status status = SP_OK;
    for (int draws = 0; draws < DRAWS_MAX; draws++) {
        if (!draw_keys(pair)) {
            tool_say("no random bytes: %s", strerror(errno));
            return TOOL_NOT_APPLIED;
        }
        status = try_pair(pair, reason);
        const bool are_distinct =
            pair->sa[0].encryption_key_bytes == 0 ||
            memcmp(pair->encryption_key[0], pair->encryption_key[1], KEY_BYTES_MAX) != 0;
        if (status == SP_OK && are_distinct)
            return TOOL_OK;
        if (status != SP_OK && status != SP_ERR_WEAK_KEY)
            break;
    }
    tool_say("%s", reason[0] ? reason : sp_status_text(status));
    return TOOL_NOT_APPLIED;
}

static void put(struct keypair *pair, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void put(struct keypair *pair, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const int written =
        vsnprintf(pair->text + pair->len_bytes, sizeof pair->text - pair->len_bytes, format, arguments);
    va_end(arguments);
    pair->len_bytes += (size_t)written;
}

/* By hand: printf would leave the digits in buffers of its own. */
static void put_key(struct keypair *pair, const char *word, const uint8_t *key, size_t key_bytes)
{
    static const char digits[] = "0123456789abcdef";
    if (key_bytes == 0)
        return;
    put(pair, "    %s 0x", word);
    for (size_t i = 0; i < key_bytes; i++) {
        pair->text[pair->len_bytes++] = digits[key[i] >> 4];
        pair->text[pair->len_bytes++] = digits[key[i] & 15];
    }
    put(pair, "\n");
}

static void write_text(struct keypair *pair)
{
    put(pair, "# Made by ipsecctl keygen. Both hosts need this file; keep it secret.\n");
    for (int i = 0; i < 2; i++) {
        const struct sp_sa_params *sa = &pair->sa[i];
        char source[SP_ADDRESS_TEXT_BYTES], destination[SP_ADDRESS_TEXT_BYTES], suite[SP_SUITE_TEXT_BYTES];
        put(pair, "sa \"%s\" {\n    spi 0x%08x\n    from %s to %s\n    esp %s\n", sa->name, sa->spi,
            sp_address_format(&sa->source, source), sp_address_format(&sa->destination, destination),
            sp_suite_format(sa->encryption, sa->integrity, suite));
        if (sa->mode == SP_MODE_TUNNEL)
            put(pair, "    mode tunnel\n");
        if (sp_encap_is_on(&sa->encap))
            put(pair, "    encap udp\n");
        put(pair, "%s", sa->has_esn ? "    esn\n" : "");
        put_key(pair, "encryption-key", sa->encryption_key, sa->encryption_key_bytes);
        put_key(pair, "integrity-key", sa->integrity_key, sa->integrity_key_bytes);
        put(pair, "}\n");
    }
}

int keypair_make(struct keypair *pair, const struct sp_address *from, const struct sp_address *to,
                 const struct keypair_options *options)
{
    for (int i = 0; i < 2; i++) {
        struct sp_sa_params *sa = &pair->sa[i];
        *sa = (struct sp_sa_params){
            .name = pair->name[i],
            .source = i == 0 ? *from : *to,
            .destination = i == 0 ? *to : *from,
            .mode = options->mode,
            .encryption = options->encryption,
            .integrity = options->integrity,
            .encryption_key_bytes = sp_encryption_key_bytes(options->encryption),
            .integrity_key = pair->integrity_key[i],
            .integrity_key_bytes = sp_integrity_key_bytes(options->integrity),
            .has_esn = options->has_esn,
        };
        if (options->is_encapsulated)
            sa->encap = (struct sp_encap){SP_ENCAP_PORT, SP_ENCAP_PORT};
        sa->encryption_key = sa->encryption_key_bytes ? pair->encryption_key[i] : NULL;
        char source[SP_ADDRESS_TEXT_BYTES], destination[SP_ADDRESS_TEXT_BYTES];
        snprintf(pair->name[i], sizeof pair->name[i], "%.28s to %.28s",
                 sp_address_format(&sa->source, source), sp_address_format(&sa->destination, destination));
    }
    const int exit_code = draw_until_good(pair);
    if (exit_code == TOOL_OK)
        write_text(pair);
    return exit_code;
}

void keypair_wipe(struct keypair *pair)
{
    explicit_bzero(pair, sizeof *pair);
}
