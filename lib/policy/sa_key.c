/* SPDX-License-Identifier: ISC
 *
 * Keys of an SA file: 0x and hex digits, there or in a file of their own.
 *
 * Digits are decoded from locked memory into locked memory. No sentence says more about them than how many
 * there are.
 */
#include "policy/sa_block.h"
#include "policy/secret_file.h"

#include <sodium.h>
#include <string.h>

#define KEY_FILE_MAX_BYTES ((size_t)4096)
#define PATH_MAX_BYTES 1024

struct digits {
    const char *start;
    size_t count;
};

static bool is_space(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static struct digits without_prefix(struct digits digits)
{
    if (digits.count >= 2 && digits.start[0] == '0' && (digits.start[1] | 0x20) == 'x')
        return (struct digits){digits.start + 2, digits.count - 2};
    return digits;
}

/* Returns what is wrong, or NULL. */
static const char *decode(struct digits digits, struct sp_sa_key *key)
{
    for (size_t i = 0; i < digits.count; i++) {
        char low = (char)(digits.start[i] | 0x20);
        if ((digits.start[i] < '0' || digits.start[i] > '9') && (low < 'a' || low > 'f'))
            return "this key holds something that is no hex digit";
    }
    if (digits.count == 0)
        return "this key has no digits: write 0x and two hex digits a byte";
    if (digits.count % 2 != 0)
        return "this key has an odd number of hex digits: a byte has two";
    key->len_bytes = digits.count / 2;
    if (key->len_bytes > SP_SA_KEY_MAX_BYTES)
        return NULL; /* too long for any algorithm, which is said when the algorithm is known */
    size_t decoded;
    if (sodium_hex2bin(key->bytes, sizeof key->bytes, digits.start, digits.count, NULL, &decoded, NULL) != 0)
        return "this key holds something that is no hex digit";
    return NULL;
}

/* Relative to the folder of the SA file, unless that has none. */
static bool resolve(const struct sp_token *token, char *path)
{
    const char *base = token->place.source->name, *slash = strrchr(base, '/');
    char written[PATH_MAX_BYTES];
    if (token->place.len_bytes >= sizeof written || sp_token_string(token, written) == 0)
        return false;
    int folder_bytes = slash == NULL || written[0] == '/' ? 0 : (int)(slash - base) + 1;
    int len = snprintf(path, PATH_MAX_BYTES, "%.*s%s", folder_bytes, base, written);
    sodium_memzero(written, sizeof written); /* somebody may have put the key itself there */
    return len < PATH_MAX_BYTES;
}

static bool read_key_file(struct sp_reader *reader, const struct sp_place *place, const char *path,
                          struct sp_sa_key *key)
{
    char reason[SP_SECRET_REASON_BYTES];
    struct sp_secret secret;
    enum sp_status status = sp_secret_read(path, false, KEY_FILE_MAX_BYTES, &secret, reason);
    if (status == SP_ERR_MEMORY) {
        reader->diagnosis->is_out_of_memory = true;
        return false;
    }
    if (status != SP_OK) {
        sp_diagnose(reader->diagnosis, SP_SEVERITY_ERROR, status, place, "this key file %s", reason);
        return true;
    }
    struct digits digits = {secret.bytes, secret.len_bytes};
    while (digits.count > 0 && is_space(digits.start[digits.count - 1]))
        digits.count--;
    while (digits.count > 0 && is_space(digits.start[0]))
        digits = (struct digits){digits.start + 1, digits.count - 1};
    const char *fault = decode(without_prefix(digits), key);
    if (fault != NULL)
        sp_diagnose_error(reader->diagnosis, place, "in this key file: %s", fault);
    sp_secret_free(&secret);
    return true;
}

static bool parse_file(struct sp_reader *reader, struct sp_sa_key *key)
{
    char path[PATH_MAX_BYTES];
    struct sp_token token = reader->token;
    if (token.kind != SP_TOKEN_STRING) {
        sp_reader_unexpected(reader, "the path of a key file in quotes");
        return false;
    }
    sp_reader_next(reader);
    bool is_readable = true;
    if (token.place.source->is_alone)
        sp_diagnose_error(reader->diagnosis, &token.place,
                          "an SA file that was handed over can't name key files: write the key itself");
    else if (resolve(&token, path))
        is_readable = read_key_file(reader, &token.place, path, key);
    else
        sp_diagnose_error(reader->diagnosis, &token.place, "this is not a path of 1 to %d bytes",
                          PATH_MAX_BYTES - 1);
    sodium_memzero(path, sizeof path);
    return is_readable;
}

bool sp_sa_key_parse(struct sp_reader *reader, struct sp_sa_key *key)
{
    if (sp_reader_take_word(reader, "file"))
        return parse_file(reader, key);
    struct sp_place place = reader->token.place;
    struct digits written = {place.start, place.len_bytes}, digits = without_prefix(written);
    if (reader->token.kind != SP_TOKEN_WORD || digits.start == written.start) {
        sp_reader_unexpected(reader, "0x and hex digits, or file \"NAME\"");
        return false;
    }
    sp_reader_next(reader);
    const char *fault = decode(digits, key);
    if (fault != NULL)
        sp_diagnose_error(reader->diagnosis, &place, "%s", fault);
    return true;
}

void sp_sa_key_check(struct sp_reader *reader, const struct sp_place *place, const char *what,
                     const struct sp_sa_key *key, size_t right_bytes, const char *algorithm)
{
    if (key->len_bytes == 0 || key->len_bytes == right_bytes)
        return;
    sp_diagnose(reader->diagnosis, SP_SEVERITY_ERROR, SP_ERR_KEY_LENGTH, place,
                "%s has %zu bytes, but %s takes %zu: write %zu hex digits", what, key->len_bytes, algorithm,
                right_bytes, right_bytes * 2);
}
