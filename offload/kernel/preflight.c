/* SPDX-License-Identifier: ISC
 *
 * The throw-away SA is from this host to itself, of a random SPI and random keys, ends by itself after some
 * seconds, and has a reqid of ours: one that a killed process left goes with the next reconciliation.
 */
#include "kernel/preflight.h"

#include "kernel/requests.h"

#include <errno.h>
#include <netinet/in.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define TRIES_MAX 4

void sp_kernel_trial_make(uint8_t family, const struct sp_kernel_suite *suite, struct sp_kernel_trial *trial)
{
    struct sp_address loopback = {.family = family};

    if (family == 4)
        memcpy(loopback.bytes, (const uint8_t[]){127, 0, 0, 1}, 4);
    else
        loopback.bytes[15] = 1;
    randombytes_buf(trial->encryption_key, sizeof trial->encryption_key);
    randombytes_buf(trial->integrity_key, sizeof trial->integrity_key);
    trial->sa = (struct sp_xfrm_sa){
        .family = family,
        .spi = SP_SPI_MIN + randombytes_uniform(UINT32_MAX - SP_SPI_MIN),
        .protocol = IPPROTO_ESP,
        .source = loopback,
        .destination = loopback,
        .selector = {.family = family},
        .limits = {.soft_bytes = UINT64_MAX,
                   .hard_bytes = UINT64_MAX,
                   .soft_packets = UINT64_MAX,
                   .hard_packets = 1,
                   .hard_seconds = 10},
        .reqid = SP_KERNEL_REQID_LAST,
        .mode = XFRM_MODE_TRANSPORT,
    };
    sp_kernel_suite_put(suite, trial->encryption_key, trial->integrity_key, &trial->sa);
    sp_kernel_window_put(&trial->sa, SP_REPLAY_WINDOW_MIN); /* without one there are no extended numbers */
}

static void make_request(uint32_t number, struct sp_xfrm_message *ret_message, void *context)
{
    const struct sp_kernel_trial *trial = context;

    memset(ret_message, 0, sizeof *ret_message);
    ret_message->type = number == 0 ? XFRM_MSG_NEWSA : XFRM_MSG_DELSA;
    ret_message->sa = trial->sa;
}

/* *ret_answer: error 0 when the kernel takes such SAs. */
static enum sp_status ask(struct sp_xfrm_link *link, uint8_t family, const struct sp_kernel_suite *suite,
                          struct sp_xfrm_message *ret_request, struct sp_xfrm_answer *ret_answer)
{
    struct sp_kernel_trial trial;
    struct sp_kernel_requests requests = {.make = make_request, .context = &trial, .count = 2};
    enum sp_status status;
    int tries = 0;

    do {
        sp_kernel_trial_make(family, suite, &trial);
        status = sp_kernel_requests_send(link, &requests);
    } while (status == SP_OK && requests.is_refused && requests.answer.error == EEXIST &&
             ++tries < TRIES_MAX);
    make_request(0, ret_request, &trial);
    ret_request->sa.encryption.key = ret_request->sa.integrity.key = ret_request->sa.aead.key = NULL;
    sodium_memzero(&trial, sizeof trial);
    *ret_answer =
        requests.is_refused && requests.refused == 0 ? requests.answer : (struct sp_xfrm_answer){.error = 0};
    return status;
}

/* What came of a trial, as far as it tells something about a suite that was refused. */
static int error_of(struct sp_xfrm_link *link, uint8_t family, enum sp_encryption encryption,
                    enum sp_integrity integrity)
{
    const struct sp_kernel_suite suite = {.encryption = encryption, .integrity = integrity};
    struct sp_xfrm_message request;
    struct sp_xfrm_answer answer;

    return ask(link, family, &suite, &request, &answer) == SP_OK ? answer.error : EIO;
}

static bool takes_encryption(struct sp_xfrm_link *link, uint8_t family, enum sp_encryption encryption)
{
    for (int i = 0; i < SP_INTEGRITY_COMBINED; i++)
        if (error_of(link, family, encryption, (enum sp_integrity)i) == 0)
            return true;
    return false;
}

/* A kernel looks at the algorithms first, so one that has neither DES nor ESP speaks of DES. NULL: what it
 * lacks can't be told. */
static const char *find_lack(struct sp_xfrm_link *link, uint8_t family, const struct sp_kernel_suite *suite)
{
    const bool is_combined = sp_kernel_encryption_is_combined(suite->encryption);
    const int without_encryption = error_of(link, family, SP_ENCRYPTION_NULL,
                                            is_combined ? SP_INTEGRITY_HMAC_SHA1_96 : suite->integrity);

    if (without_encryption == EPROTONOSUPPORT)
        return family == 4 ? "ESP: CONFIG_INET_ESP" : "ESP for IPv6: CONFIG_INET6_ESP";
    if (is_combined || without_encryption == 0)
        return sp_kernel_encryption_lack(suite->encryption);
    return takes_encryption(link, family, suite->encryption) ? sp_kernel_integrity_lack(suite->integrity)
                                                             : NULL;
}

enum sp_status sp_kernel_preflight(struct sp_xfrm_link *link, uint8_t family,
                                   const struct sp_kernel_suite *suite, char *reason, size_t reason_bytes)
{
    struct sp_xfrm_message request;
    struct sp_xfrm_answer answer;
    enum sp_status status = ask(link, family, suite, &request, &answer);

    if (status != SP_OK || answer.error == 0)
        return status;
    const char *lack = answer.error == EPERM ? NULL : find_lack(link, family, suite);
    if (lack != NULL)
        (void)snprintf(reason, reason_bytes, "the kernel has no %s", lack);
    else
        (void)sp_xfrm_refusal(&request, &answer, reason, reason_bytes);
    return answer.error == EPERM ? SP_ERR_PERMISSION : SP_ERR_UNSUPPORTED;
}
