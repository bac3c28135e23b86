/* SPDX-License-Identifier: ISC
 *
 * An SA file as Wireshark's esp_sa table, for those who debug. Keys go from the file's locked memory through
 * one small buffer to the caller's stream, and both are wiped; the stream's own buffer is the caller's, who
 * asked for keys in clear.
 *
 * Each line is: protocol, source, destination, SPI, cipher, its key, integrity algorithm, its key, and
 * whether sequence numbers are extended, in quotes (Wireshark's epan/dissectors/packet-ipsec.c has the
 * names).
 */
#include "core/misuse.h"

#include <sallyport/sa.h>

#include <errno.h>
#include <sodium.h>
#include <string.h>

#define KEY_BYTES_MAX 36

static const char *const ciphers[SP_ENCRYPTION_COUNT] = {
    [SP_ENCRYPTION_NULL] = "NULL",
    [SP_ENCRYPTION_3DES_CBC] = "TripleDES-CBC [RFC2451]",
    [SP_ENCRYPTION_AES128_GCM16] = "AES-GCM with 16 octet ICV [RFC4106]",
    [SP_ENCRYPTION_AES256_GCM16] = "AES-GCM with 16 octet ICV [RFC4106]",
};
static const char *const integrities[SP_INTEGRITY_COUNT] = {
    [SP_INTEGRITY_HMAC_MD5_96] = "HMAC-MD5-96 [RFC2403]",
    [SP_INTEGRITY_HMAC_SHA1_96] = "HMAC-SHA-1-96 [RFC2404]",
    [SP_INTEGRITY_HMAC_SHA2_256_128] = "HMAC-SHA-256-128 [RFC4868]",
    [SP_INTEGRITY_COMBINED] = "NULL",
};

static void put_key(FILE *out, const uint8_t *key, size_t len_bytes)
{
    char digits[2 * KEY_BYTES_MAX + 1] = "";
    if (len_bytes > 0 && len_bytes <= KEY_BYTES_MAX)
        sodium_bin2hex(digits, sizeof digits, key, len_bytes);
    fprintf(out, "\"%s%s\"", len_bytes > 0 ? "0x" : "", digits);
    sodium_memzero(digits, sizeof digits);
}

static void put_sa(const struct sp_sa_params *sa, void *context)
{
    FILE *out = context;
    char source[SP_ADDRESS_TEXT_BYTES], destination[SP_ADDRESS_TEXT_BYTES];
    fprintf(out, "\"%s\",\"%s\",\"%s\",\"0x%08x\",\"%s\",", sa->source.family == 4 ? "IPv4" : "IPv6",
            sp_address_format(&sa->source, source), sp_address_format(&sa->destination, destination), sa->spi,
            ciphers[sa->encryption]);
    put_key(out, sa->encryption_key, sa->encryption_key_bytes);
    fprintf(out, ",\"%s\",", integrities[sa->integrity]);
    put_key(out, sa->integrity_key, sa->integrity_key_bytes);
    fputc('\n', out);
}

enum sp_status sp_keys_export_wireshark(const char *path, FILE *out, struct sp_report *report)
{
    SP_REQUIRE(path != NULL && out != NULL && report != NULL);
    const enum sp_status status = sp_keys_visit(path, put_sa, out, report);
    if (status != SP_OK || (fflush(out) == 0 && !ferror(out)))
        return status;
    struct sp_error error = {.code = SP_ERR_IO, .width = 1};
    snprintf(error.text, sizeof error.text, "the table could not be written: %s", strerror(errno));
    sp_report_add(report, &error);
    return SP_ERR_IO;
}
