/* SPDX-License-Identifier: ISC
 *
 * Each work's own messages, all different, so that no branch is learnt by heart.
 */
#include "codec.h"

#include "../cells.h"
#include "engines.h"

#include <string.h>

#define MESSAGES 512u
#define PASSES 32u

const char *const codec_names[CODEC_WORKS] = {
    [CODEC_WRITE_SA] = "write a new SA",         [CODEC_READ_SA] = "read an SA",
    [CODEC_WRITE_POLICY] = "write a new policy", [CODEC_READ_POLICY] = "read a policy",
    [CODEC_READ_ANSWER] = "read an answer",
};

static struct sp_xfrm_message messages[MESSAGES], read_message;
static _Alignas(8) char bytes[MESSAGES][512];
static size_t lens_bytes[MESSAGES];

static void make_messages(enum subject_kind kind)
{
    for (uint32_t i = 0; i < MESSAGES; i++) {
        subject_message(kind, false, i * 2654435761u % SUBJECTS_MAX, &messages[i]);
        lens_bytes[i] = sp_xfrm_encode(&messages[i], bytes[i], sizeof bytes[i]);
        if (lens_bytes[i] == 0)
            bench_fail("a message is longer than 512 bytes");
    }
}

static void make_answers(void)
{
    const struct {
        struct nlmsghdr header;
        struct nlmsgerr body;
    } answer = {{.nlmsg_len = sizeof answer, .nlmsg_type = NLMSG_ERROR, .nlmsg_flags = NLM_F_CAPPED},
                {.error = 0}};

    for (uint32_t i = 0; i < MESSAGES; i++) {
        memcpy(bytes[i], &answer, sizeof answer);
        ((struct nlmsghdr *)(void *)bytes[i])->nlmsg_seq = i;
        lens_bytes[i] = sizeof answer;
    }
}

static bool do_one(enum codec_work work, uint32_t number)
{
    struct sp_xfrm_answer answer;

    switch (work) {
    case CODEC_WRITE_SA:
    case CODEC_WRITE_POLICY:
        return sp_xfrm_encode(&messages[number], bytes[number], sizeof bytes[number]) == lens_bytes[number];
    case CODEC_READ_ANSWER:
        return sp_xfrm_decode_answer(bytes[number], lens_bytes[number], &answer) && answer.sequence == number;
    default:
        return sp_xfrm_decode(bytes[number], lens_bytes[number], &read_message) == SP_XFRM_READ &&
               read_message.type == messages[number].type;
    }
}

double codec_rate(enum codec_work work)
{
    if (work == CODEC_READ_ANSWER)
        make_answers();
    else
        make_messages(work == CODEC_WRITE_SA || work == CODEC_READ_SA ? SUBJECT_SA : SUBJECT_POLICY);
    uint64_t before_ns = bench_cpu_ns();
    for (uint32_t pass = 0; pass < PASSES; pass++)
        for (uint32_t i = 0; i < MESSAGES; i++)
            if (!do_one(work, i))
                bench_fail("%s: message %u comes out wrong", codec_names[work], i);
    return (double)MESSAGES * PASSES * 1e9 / (double)(bench_cpu_ns() - before_ns);
}
