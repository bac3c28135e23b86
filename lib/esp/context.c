/* SPDX-License-Identifier: ISC
 *
 * One thread's ESP context: bursts in pieces, crypto in batches.
 *
 * A burst may mix SAs of all suites. The crypto kernels want many jobs of one algorithm at a time, so each
 * phase sorts the packets by algorithm and calls each algorithm in use once. There are few algorithms, and
 * mostly one in a burst, so sorting is one pass for each that is seen.
 */
#include "esp/context.h"

#include "core/clock.h"
#include "core/misuse.h"
#include "esp/esp.h"
#include "sa/thread.h"

#include <endian.h>
#include <stdlib.h>

enum sp_status sp_esp_create(struct sp_sad *sad, struct sp_esp **ret_esp)
{
    SP_REQUIRE(sad != NULL && ret_esp != NULL);
    struct sp_esp *esp = calloc(1, sizeof *esp);
    if (esp == NULL)
        return SP_ERR_MEMORY;
    if (sp_iv_pool_create(&esp->ivs) != SP_OK || sp_gcm_create(&esp->gcm) != SP_OK) {
        sp_iv_pool_destroy(&esp->ivs);
        free(esp);
        return SP_ERR_MEMORY;
    }
    esp->sad = sad;
    sp_sad_hold(sad);
    sp_thread_register();
    *ret_esp = esp;
    return SP_OK;
}

void sp_esp_destroy(struct sp_esp **esp)
{
    SP_REQUIRE(esp != NULL);
    if (*esp == NULL)
        return;
    sp_thread_unregister();
    sp_sad_release((*esp)->sad);
    sp_iv_pool_destroy(&(*esp)->ivs);
    sp_gcm_destroy(&(*esp)->gcm);
    free(*esp);
    *esp = NULL;
}

static size_t collect_cbc(struct sp_esp *esp, const struct sp_esp_item *items, size_t count,
                          enum sp_encryption encryption)
{
    size_t jobs = 0;
    for (size_t i = 0; i < count; i++) {
        const struct sp_esp_item *item = &items[i];
        if (item->sa->encryption != encryption)
            continue;
        uint8_t *start = sp_esp_cipher_start(item);
        esp->cbc_jobs[jobs++] = (struct sp_cbc_job){.state = item->sa->cipher_state,
                                                    .iv = item->esp + SP_ESP_HEADER_BYTES,
                                                    .in = start,
                                                    .out = start,
                                                    .len_bytes = item->cipher_bytes};
    }
    return jobs;
}

void sp_esp_run_cipher(struct sp_esp *esp, const struct sp_esp_item *items, size_t count,
                       enum sp_direction direction)
{
    for (int encryption = 0; encryption < SP_ENCRYPTION_COUNT; encryption++) {
        const struct sp_cipher *cipher = sp_cipher_ops((enum sp_encryption)encryption);
        if (cipher->cbc_seal == NULL) /* null encryption, or combined with the integrity */
            continue;
        size_t jobs = collect_cbc(esp, items, count, (enum sp_encryption)encryption);
        if (jobs == 0)
            continue;
        if (direction == SP_OUTBOUND)
            cipher->cbc_seal(esp->cbc_jobs, jobs);
        else
            cipher->cbc_open(esp->cbc_jobs, jobs);
    }
}

static size_t collect_hmac(struct sp_esp *esp, const struct sp_esp_item *items, size_t count,
                           enum sp_integrity integrity, enum sp_direction direction, unsigned *seen)
{
    size_t jobs = 0;
    for (size_t i = 0; i < count; i++) {
        const struct sp_esp_item *item = &items[i];
        *seen |= 1u << item->sa->integrity;
        if (item->sa->integrity != integrity)
            continue;
        uint8_t *end = sp_esp_cipher_start(item) + item->cipher_bytes;
        /* without ESN the upper half is 0 */
        esp->hmac_jobs[jobs++] =
            (struct sp_hmac_job){.state = item->sa->hmac_state,
                                 .data = item->esp,
                                 .len_bytes = (size_t)(end - item->esp),
                                 .icv = direction == SP_OUTBOUND ? end : esp->icvs[i],
                                 .suffix_bytes = item->sa->has_esn ? SP_HMAC_SUFFIX_BYTES : 0,
                                 .suffix = htobe32((uint32_t)(item->sequence >> 32))};
    }
    return jobs;
}

#define ESN_AAD_BYTES 12

/* RFC 4106 5: SPI and sequence number, all of it. Without ESN it lies there already. */
static struct sp_gcm_job gcm_job(const struct sp_esp_item *item, uint8_t *icv, uint8_t aad[ESN_AAD_BYTES])
{
    bool has_esn = item->sa->has_esn;
    if (has_esn) {
        memcpy(aad, item->esp, 4);
        sp_write_u32(aad + 4, (uint32_t)(item->sequence >> 32));
        memcpy(aad + 8, item->esp + 4, 4);
    }
    return (struct sp_gcm_job){.cipher = item->sa->cipher,
                               .state = item->sa->cipher_state,
                               .iv = item->esp + SP_ESP_HEADER_BYTES,
                               .aad = has_esn ? aad : item->esp,
                               .aad_bytes = has_esn ? ESN_AAD_BYTES : SP_ESP_HEADER_BYTES,
                               .text = sp_esp_cipher_start(item),
                               .len_bytes = item->cipher_bytes,
                               .icv = icv};
}

/* libcrypto doesn't tell which ICV would be right, only whether it is: esp->icvs gets the received one or its
 * complement. */
static void open_combined(struct sp_esp *esp, const struct sp_esp_item *item,
                          uint8_t ret_icv[SP_GCM_ICV_BYTES])
{
    uint8_t *received = sp_esp_cipher_start(item) + item->cipher_bytes;
    uint8_t aad[ESN_AAD_BYTES];
    struct sp_gcm_job job = gcm_job(item, received, aad);
    uint8_t wrong = sp_gcm_open(esp->gcm, &job) ? 0 : 0xff;
    for (size_t i = 0; i < SP_GCM_ICV_BYTES; i++)
        ret_icv[i] = received[i] ^ wrong;
}

static void run_combined(struct sp_esp *esp, const struct sp_esp_item *items, size_t count,
                         enum sp_direction direction, unsigned *seen)
{
    for (size_t i = 0; i < count; i++) {
        *seen |= 1u << items[i].sa->integrity;
        if (items[i].sa->integrity != SP_INTEGRITY_COMBINED)
            continue;
        if (direction == SP_INBOUND) {
            open_combined(esp, &items[i], esp->icvs[i]);
            continue;
        }
        uint8_t *icv = sp_esp_cipher_start(&items[i]) + items[i].cipher_bytes, aad[ESN_AAD_BYTES];
        struct sp_gcm_job job = gcm_job(&items[i], icv, aad);
        sp_gcm_seal(esp->gcm, &job);
    }
    sp_gcm_forget(esp->gcm);
}

void sp_esp_run_integrity(struct sp_esp *esp, const struct sp_esp_item *items, size_t count,
                          enum sp_direction direction)
{
    unsigned seen = count > 0 ? 1u << items[0].sa->integrity : 0, done = 0;
    while (seen != done) {
        enum sp_integrity integrity = (enum sp_integrity)__builtin_ctz(seen & ~done);
        done |= 1u << integrity;
        if (integrity == SP_INTEGRITY_COMBINED) {
            run_combined(esp, items, count, direction, &seen);
            continue;
        }
        size_t jobs = collect_hmac(esp, items, count, integrity, direction, &seen);
        sp_hmac_ops(integrity)->mac(esp->hmac_jobs, jobs);
    }
}

typedef void chunk_function(struct sp_esp *esp, struct sp_packet *packets, size_t count, uint64_t now_ns);

static void run(struct sp_esp *esp, struct sp_packet *packets, size_t count, chunk_function *chunk)
{
    SP_REQUIRE(esp != NULL && (packets != NULL || count == 0));
    uint64_t now_ns = sp_clock_now_ns();
    while (count > 0) {
        size_t now = count < SP_ESP_CHUNK ? count : SP_ESP_CHUNK;
        chunk(esp, packets, now, now_ns);
        packets += now;
        count -= now;
    }
}

void sp_esp_seal_online(struct sp_esp *esp, struct sp_packet *packets, size_t count)
{
    run(esp, packets, count, sp_esp_seal_chunk);
}

void sp_esp_open_online(struct sp_esp *esp, struct sp_packet *packets, size_t count)
{
    run(esp, packets, count, sp_esp_open_chunk);
}

void sp_esp_seal(struct sp_esp *esp, struct sp_packet *packets, size_t count)
{
    sp_thread_online();
    sp_esp_seal_online(esp, packets, count);
    sp_thread_offline();
}

void sp_esp_open(struct sp_esp *esp, struct sp_packet *packets, size_t count)
{
    sp_thread_online();
    sp_esp_open_online(esp, packets, count);
    sp_thread_offline();
}
