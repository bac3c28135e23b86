/* SPDX-License-Identifier: ISC
 *
 * Vectors that nobody here wrote, through the library's own ops tables: NIST CAVP known answers and
 * multi-block messages for TDES in CBC and CBC-I mode, AES-GCM, HMAC of RFC 2202 and RFC 4231. They are read
 * where Debian's python3-cryptography-vectors keeps them. One TAP line a vector.
 *
 * CBC-I is three CBC streams in turns (block i goes to stream i mod 3; SP 800-20 3.5): it serves as a test of
 * several jobs in one call. Each vector is run sealing and opening, to another place and in place.
 */
#include "record.h"

#include "core/arena.h"
#include "crypto/gcm.h"
#include "crypto/suite.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES 8
#define KEY_PART_BYTES 8
#define STREAMS_MAX 3

static const char *const cbc_files[] = {
    "TCBCinvperm",  "TCBCpermop", "TCBCsubtab",   "TCBCvarkey",  "TCBCvartext", "TCBCMMT1",
    "TCBCMMT2",     "TCBCMMT3",   "TCBCIinvperm", "TCBCIpermop", "TCBCIsubtab", "TCBCIvarkey",
    "TCBCIvartext", "TCBCIMMT1",  "TCBCIMMT2",    "TCBCIMMT3",
};

static const struct {
    const char *name;
    enum sp_integrity integrity;
} hmac_files[] = {
    {"rfc-2202-md5", SP_INTEGRITY_HMAC_MD5_96},
    {"rfc-2202-sha1", SP_INTEGRITY_HMAC_SHA1_96},
    {"rfc-4231-sha256", SP_INTEGRITY_HMAC_SHA2_256_128},
};

static const struct {
    const char *name;
    enum sp_encryption encryption;
} gcm_files[] = {
    {"gcmEncryptExtIV128", SP_ENCRYPTION_AES128_GCM16},
    {"gcmEncryptExtIV256", SP_ENCRYPTION_AES256_GCM16},
};

static struct sp_arena *arena;
static size_t lines, failures;

static void tell(bool is_right, const char *file, const char *section, const char *what, const char *number)
{
    if (!is_right)
        failures++;
    printf("%s %zu - %s%s%s: %s%s\n", is_right ? "ok" : "not ok", ++lines, file,
           section[0] != '\0' ? " " : "", section, what, number);
}

/* One CBC run of a vector. */
struct stream {
    uint8_t iv[BLOCK_BYTES];
    uint8_t plain[FIELD_BYTES_MAX], cipher[FIELD_BYTES_MAX];
    size_t len_bytes;
};

static bool read_key(const struct record *record, uint8_t key[3 * KEY_PART_BYTES])
{
    static const char *const names[] = {"KEY1", "KEY2", "KEY3"};

    for (size_t i = 0; i < 3; i++) {
        const struct field *part = record_field(record, names[i]);
        if (part == NULL)
            part = record_field(record, "KEYs");
        if (part == NULL || part->len_bytes != KEY_PART_BYTES)
            return false;
        memcpy(key + i * KEY_PART_BYTES, part->bytes, KEY_PART_BYTES);
    }
    return true;
}

/* "NAME2" for stream 1 where the file tells the streams apart; else "NAME1" or "NAME", which they share. */
static const struct field *stream_field(const struct record *record, const char *name, size_t index)
{
    char numbered[24];

    (void)snprintf(numbered, sizeof numbered, "%s%zu", name, index + 1);
    const struct field *field = record_field(record, numbered);
    if (field != NULL)
        return field;
    (void)snprintf(numbered, sizeof numbered, "%s1", name);
    field = record_field(record, numbered);
    return field != NULL ? field : record_field(record, name);
}

/* Every count-th block, from index on. */
static size_t take_blocks(const struct field *field, size_t index, size_t count, uint8_t *to)
{
    size_t len_bytes = 0;

    for (size_t at = index * BLOCK_BYTES; at < field->len_bytes; at += count * BLOCK_BYTES) {
        memcpy(to + len_bytes, field->bytes + at, BLOCK_BYTES);
        len_bytes += BLOCK_BYTES;
    }
    return len_bytes;
}

static bool read_stream(const struct record *record, size_t index, size_t count, struct stream *stream)
{
    const struct field *iv = stream_field(record, "IV", index);
    const struct field *plain = stream_field(record, "PLAINTEXT", index);
    const struct field *cipher = stream_field(record, "CIPHERTEXT", index);
    bool is_joined = record_field(record, "PLAINTEXT") != NULL && record_field(record, "CIPHERTEXT") != NULL;

    if (iv == NULL || plain == NULL || cipher == NULL || iv->len_bytes != BLOCK_BYTES ||
        plain->len_bytes != cipher->len_bytes || plain->len_bytes % BLOCK_BYTES != 0)
        return false;
    memcpy(stream->iv, iv->bytes, BLOCK_BYTES);
    stream->len_bytes = take_blocks(plain, is_joined ? index : 0, is_joined ? count : 1, stream->plain);
    (void)take_blocks(cipher, is_joined ? index : 0, is_joined ? count : 1, stream->cipher);
    return stream->len_bytes > 0;
}

struct run {
    const struct sp_cipher *ops;
    const void *state;
    const struct stream *streams;
    size_t count;
    bool is_sealing, is_in_place;
};

static const uint8_t *input_of(const struct run *run, size_t index)
{
    return run->is_sealing ? run->streams[index].plain : run->streams[index].cipher;
}

static const uint8_t *output_of(const struct run *run, size_t index)
{
    return run->is_sealing ? run->streams[index].cipher : run->streams[index].plain;
}

static bool run_is_right(const struct run *run)
{
    struct sp_cbc_job jobs[STREAMS_MAX];
    uint8_t *out[STREAMS_MAX];
    bool is_right = true;

    for (size_t i = 0; i < run->count; i++) {
        const struct stream *stream = &run->streams[i];
        out[i] = malloc(stream->len_bytes); /* of exactly this size, for the sanitizers */
        if (out[i] == NULL)
            abort();
        memcpy(out[i], input_of(run, i), stream->len_bytes);
        jobs[i] = (struct sp_cbc_job){
            .state = run->state,
            .iv = stream->iv,
            .in = run->is_in_place ? out[i] : input_of(run, i),
            .out = out[i],
            .len_bytes = stream->len_bytes,
        };
    }
    (run->is_sealing ? run->ops->cbc_seal : run->ops->cbc_open)(jobs, run->count);
    for (size_t i = 0; i < run->count; i++) {
        is_right = is_right && memcmp(out[i], output_of(run, i), run->streams[i].len_bytes) == 0;
        free(out[i]);
    }
    return is_right;
}

static bool cbc_is_right(const struct record *record)
{
    const struct sp_cipher *ops = sp_cipher_ops(SP_ENCRYPTION_3DES_CBC);
    uint8_t key[3 * KEY_PART_BYTES];
    struct stream streams[STREAMS_MAX];
    size_t count = record_field(record, "IV1") != NULL ? STREAMS_MAX : 1;
    bool is_right = read_key(record, key);

    for (size_t i = 0; i < count; i++)
        is_right = is_right && read_stream(record, i, count, &streams[i]);
    if (!is_right)
        return false;

    void *state = sp_arena_take(arena, ops->state_bytes);
    if (state == NULL)
        abort();
    ops->expand(state, key);
    for (unsigned way = 0; way < 4; way++) {
        struct run run = {ops, state, streams, count, (way & 1) != 0, (way & 2) != 0};
        is_right = is_right && run_is_right(&run);
    }
    sp_arena_give(arena, state, ops->state_bytes);
    return is_right;
}

static bool hmac_is_right(const struct record *record, const struct sp_hmac *ops)
{
    const struct field *bits = record_field(record, "Len"), *key = record_field(record, "Key");
    const struct field *message = record_field(record, "Msg"), *digest = record_field(record, "MD");
    uint8_t full[64], icv[64];

    if (bits == NULL || key == NULL || message == NULL || digest == NULL ||
        digest->len_bytes != ops->digest_bytes || message->len_bytes * 8 != strtoul(bits->text, NULL, 10))
        return false;
    void *state = sp_arena_take(arena, ops->state_bytes);
    if (state == NULL)
        abort();
    struct sp_hmac_job job = {
        .state = state, .data = message->bytes, .len_bytes = message->len_bytes, .icv = icv};
    memset(icv, 0xa5, sizeof icv);
    ops->expand(state, key->bytes, key->len_bytes);
    ops->mac_full(state, message->bytes, message->len_bytes, full);
    ops->mac(&job, 1);
    sp_arena_give(arena, state, ops->state_bytes);
    return memcmp(full, digest->bytes, ops->digest_bytes) == 0 &&
           memcmp(icv, digest->bytes, ops->icv_bytes) == 0 && icv[ops->icv_bytes] == 0xa5;
}

/* ESP's nonce is 96 bits long, of which 4 bytes come with the key, and its ICV is the whole tag. */
static bool is_of_esp(const struct record *record)
{
    const struct field *iv = record_field(record, "IV"), *tag = record_field(record, "Tag");
    return iv != NULL && tag != NULL && iv->len_bytes == SP_GCM_SALT_BYTES + SP_GCM_IV_BYTES &&
           tag->len_bytes == SP_GCM_ICV_BYTES;
}

static bool gcm_runs_right(struct sp_gcm *gcm, const struct sp_cipher *ops, const void *state,
                           const struct record *record)
{
    const struct field *iv = record_field(record, "IV"), *tag = record_field(record, "Tag");
    const struct field *plain = record_field(record, "PT"), *cipher = record_field(record, "CT");
    const struct field *aad = record_field(record, "AAD");
    uint8_t text[FIELD_BYTES_MAX], icv[SP_GCM_ICV_BYTES] = {0};
    if (plain == NULL || cipher == NULL || aad == NULL || plain->len_bytes != cipher->len_bytes)
        return false;
    const struct sp_gcm_job job = {.cipher = ops,
                                   .state = state,
                                   .iv = iv->bytes + SP_GCM_SALT_BYTES,
                                   .aad = aad->bytes,
                                   .aad_bytes = aad->len_bytes,
                                   .text = text,
                                   .len_bytes = plain->len_bytes,
                                   .icv = icv};
    memcpy(text, plain->bytes, plain->len_bytes);
    sp_gcm_seal(gcm, &job);
    bool is_right =
        memcmp(text, cipher->bytes, cipher->len_bytes) == 0 && memcmp(icv, tag->bytes, sizeof icv) == 0;
    return is_right && sp_gcm_open(gcm, &job) && memcmp(text, plain->bytes, plain->len_bytes) == 0;
}

static bool gcm_is_right(struct sp_gcm *gcm, const struct sp_cipher *ops, const struct record *record)
{
    const struct field *key = record_field(record, "Key");
    uint8_t material[36];

    if (key == NULL || key->len_bytes != ops->key_bytes - SP_GCM_SALT_BYTES)
        return false;
    memcpy(material, key->bytes, key->len_bytes);
    memcpy(material + key->len_bytes, record_field(record, "IV")->bytes, SP_GCM_SALT_BYTES);
    void *state = sp_arena_take(arena, ops->state_bytes);
    if (state == NULL)
        abort();
    ops->expand(state, material);
    bool is_right = gcm_runs_right(gcm, ops, state, record);
    sp_gcm_forget(gcm); /* the state goes */
    sp_arena_give(arena, state, ops->state_bytes);
    return is_right;
}

static void run_gcm_file(const char *folder, const char *name, const struct sp_cipher *ops)
{
    char path[4096], number[16];
    struct record_file file = {.first_name = "Count"};
    struct record record;
    struct sp_gcm *gcm;
    size_t vectors = 0;

    (void)snprintf(path, sizeof path, "%s/ciphers/AES/GCM/%s.rsp", folder, name);
    file.stream = fopen(path, "re");
    if (file.stream == NULL || sp_gcm_create(&gcm) != SP_OK) {
        tell(false, name, "", "can be read at ", path);
        return;
    }
    while (record_next(&file, &record)) {
        if (!is_of_esp(&record))
            continue;
        (void)snprintf(number, sizeof number, "%zu", vectors++);
        tell(gcm_is_right(gcm, ops, &record), name, "", "vector ", number);
    }
    sp_gcm_destroy(&gcm);
    (void)fclose(file.stream);
    tell(vectors > 0 && !file.is_broken, name, "", "was read to its end and has vectors", "");
}

/* hmac: NULL for a file of CBC vectors. */
static void run_file(const char *folder, const char *subfolder, const char *name, const char *suffix,
                     const struct sp_hmac *hmac)
{
    char path[4096], number[16];
    struct record_file file = {.first_name = hmac != NULL ? "Len" : "COUNT"};
    struct record record;
    size_t vectors = 0;

    (void)snprintf(path, sizeof path, "%s/%s/%s%s", folder, subfolder, name, suffix);
    file.stream = fopen(path, "re");
    if (file.stream == NULL) {
        tell(false, name, "", "can be read at ", path);
        return;
    }
    while (record_next(&file, &record)) {
        const struct field *count = record_field(&record, "COUNT");
        (void)snprintf(number, sizeof number, "%zu", vectors++);
        tell(hmac != NULL ? hmac_is_right(&record, hmac) : cbc_is_right(&record), name, record.section,
             "vector ", count != NULL ? count->text : number);
    }
    (void)fclose(file.stream);
    tell(vectors > 0 && !file.is_broken, name, "", "was read to its end and has vectors", "");
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        (void)fprintf(stderr, "usage: vectors FOLDER\n");
        return 1;
    }
    if (sp_arena_create(&arena) != SP_OK)
        return 1;
    for (size_t i = 0; i < sizeof cbc_files / sizeof cbc_files[0]; i++)
        run_file(argv[1], "ciphers/3DES/CBC", cbc_files[i], ".rsp", NULL);
    for (size_t i = 0; i < sizeof hmac_files / sizeof hmac_files[0]; i++)
        run_file(argv[1], "HMAC", hmac_files[i].name, ".txt", sp_hmac_ops(hmac_files[i].integrity));
    for (size_t i = 0; i < sizeof gcm_files / sizeof gcm_files[0]; i++)
        run_gcm_file(argv[1], gcm_files[i].name, sp_cipher_ops(gcm_files[i].encryption));
    sp_arena_destroy(&arena);
    printf("1..%zu\n", lines);
    return failures != 0;
}
