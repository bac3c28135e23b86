/* SPDX-License-Identifier: ISC
 *
 * The kernel of the mirror's tests.
 */
#include "mirror_kernel.h"

#include <criterion/criterion.h>

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define MESSAGE_BYTES 4096

static uint32_t spi_of(uint32_t place)
{
    return 0x1000 + place % PLACE_SPIS;
}

void kernel_sa(const struct mirror_kernel *kernel, uint32_t place, struct sp_xfrm_sa *ret_sa)
{
    static uint8_t cipher_key[24], integrity_key[20];
    const struct made_sa *made = &kernel->sas[place];
    const uint32_t destination = place / PLACE_SPIS % PLACE_DESTINATIONS;

    for (size_t i = 0; i < sizeof cipher_key; i++)
        cipher_key[i] = (uint8_t)(made->kind == MADE_WEAK ? 0x5a : 17 * i + 29 * made->key + made->key / 256);
    memset(integrity_key, (int)made->key + 1, sizeof integrity_key);
    memset(ret_sa, 0, sizeof *ret_sa);
    ret_sa->family = 4;
    ret_sa->spi = spi_of(place);
    ret_sa->protocol = IPPROTO_ESP;
    ret_sa->source = (struct sp_address){4, {192, 0, 2, 1}};
    ret_sa->destination = (struct sp_address){4, {198, 51, 100, (uint8_t)(destination + 1)}};
    ret_sa->selector.family = 4;
    ret_sa->limits =
        (struct sp_xfrm_limits){UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, 0, made->hard_seconds, 0, 0};
    ret_sa->used.added_at = 1000 + made->birth; /* long ago */
    ret_sa->reqid = made->reqid;
    ret_sa->mode = made->kind == MADE_BEET ? XFRM_MODE_BEET : XFRM_MODE_TRANSPORT;
    ret_sa->replay_window_packets = 32;
    if (place >= PLACES / 2) {
        ret_sa->has |= SP_XFRM_HAS_MARK;
        ret_sa->mark = (struct sp_xfrm_mark){7, 0xff};
    }
    if (made->is_larval)
        return;
    ret_sa->encryption =
        (struct sp_xfrm_algorithm){.name = "cbc(des3_ede)", .key = cipher_key, .key_bits = 192};
    if (made->kind == MADE_UNKNOWN)
        ret_sa->encryption =
            (struct sp_xfrm_algorithm){.name = "cbc(aes)", .key = cipher_key, .key_bits = 128};
    ret_sa->integrity = (struct sp_xfrm_algorithm){
        .name = "hmac(sha1)", .key = integrity_key, .key_bits = 160, .icv_bits = 96};
}

/* ---- telling ------------------------------------------------------------------------------------------- */

static bool is_to_be_lost(const struct mirror_kernel *kernel)
{
    return kernel->lose_at != 0 && kernel->told >= kernel->lose_at &&
           kernel->told < kernel->lose_at + kernel->lose_count;
}

void kernel_tell(struct mirror_kernel *kernel, const struct sp_xfrm_message *message)
{
    static _Alignas(8) char buffer[MESSAGE_BYTES];
    const size_t len_bytes = sp_xfrm_encode(message, buffer, sizeof buffer);

    cr_assert_gt(len_bytes, 0);
    kernel->told++;
    if (kernel->count == kernel->room || is_to_be_lost(kernel)) {
        kernel->is_lost = true;
        return;
    }
    struct heard_message *place = &kernel->queue[(kernel->first + kernel->count++) % QUEUE_MAX];
    place->bytes = malloc(len_bytes);
    cr_assert_not_null(place->bytes);
    memcpy(place->bytes, buffer, len_bytes);
    place->len_bytes = len_bytes;
}

static void tell_of(struct mirror_kernel *kernel, uint32_t place, uint16_t type)
{
    static struct sp_xfrm_message message;

    message = (struct sp_xfrm_message){.type = type, .is_hard = true};
    kernel_sa(kernel, place, &message.sa);
    if (type == XFRM_MSG_DELSA)
        message.sa.has |= SP_XFRM_HAS_WHOLE;
    kernel_tell(kernel, &message);
}

static ssize_t hear(void *context, void *buffer, size_t capacity_bytes)
{
    struct mirror_kernel *kernel = context;

    if (kernel->is_lost) {
        kernel->is_lost = false;
        errno = ENOBUFS;
        return -1;
    }
    if (kernel->count == 0) {
        errno = EAGAIN;
        return -1;
    }
    struct heard_message *message = &kernel->queue[kernel->first];
    const ssize_t len_bytes = (ssize_t)message->len_bytes;
    cr_assert_leq(message->len_bytes, capacity_bytes);
    memcpy(buffer, message->bytes, message->len_bytes);
    free(message->bytes);
    kernel->first = (kernel->first + 1) % QUEUE_MAX;
    kernel->count--;
    return len_bytes;
}

/* ---- what happens -------------------------------------------------------------------------------------- */

void kernel_reserve(struct mirror_kernel *kernel, uint32_t place)
{
    struct made_sa *sa = &kernel->sas[place];

    if (!sa->is_there)
        *sa = (struct made_sa){.is_there = true, .is_larval = true, .birth = ++kernel->births};
}

void kernel_add(struct mirror_kernel *kernel, uint32_t place, enum made_sa_kind kind, uint32_t reqid)
{
    struct made_sa *sa = &kernel->sas[place];

    if (sa->is_there && !sa->is_larval)
        return;
    kernel->births++;
    *sa = (struct made_sa){.is_there = true,
                           .kind = kind,
                           .key = kernel->births,
                           .birth = kernel->births,
                           .reqid = reqid,
                           .hard_seconds = UINT32_MAX};
    tell_of(kernel, place, XFRM_MSG_NEWSA);
}

void kernel_update(struct mirror_kernel *kernel, uint32_t place, uint64_t hard_seconds)
{
    struct made_sa *sa = &kernel->sas[place];

    if (!sa->is_there)
        return;
    if (sa->is_larval) {
        kernel->births++;
        *sa = (struct made_sa){.is_there = true,
                               .key = kernel->births,
                               .birth = kernel->births,
                               .reqid = 1,
                               .hard_seconds = hard_seconds};
        tell_of(kernel, place, XFRM_MSG_UPDSA);
        return;
    }
    /* the request's keys and time are told, and not taken */
    const struct made_sa kept = *sa;
    sa->hard_seconds = hard_seconds;
    sa->key = hard_seconds % 2 == 0 ? kept.key : kept.key + 1000;
    sa->birth = kernel->births + 1;
    tell_of(kernel, place, XFRM_MSG_UPDSA);
    sa->key = kept.key;
    sa->birth = kept.birth;
}

void kernel_delete(struct mirror_kernel *kernel, uint32_t place)
{
    if (!kernel->sas[place].is_there)
        return;
    kernel->sas[place].is_there = false;
    tell_of(kernel, place, XFRM_MSG_DELSA);
}

void kernel_expire(struct mirror_kernel *kernel, uint32_t place)
{
    if (!kernel->sas[place].is_there)
        return;
    kernel->sas[place].is_there = false;
    tell_of(kernel, place, XFRM_MSG_EXPIRE);
}

void kernel_flush(struct mirror_kernel *kernel)
{
    static const struct sp_xfrm_message message = {.type = XFRM_MSG_FLUSHSA, .sa = {.protocol = 0}};

    for (uint32_t i = 0; i < PLACES; i++)
        kernel->sas[i].is_there = false;
    kernel_tell(kernel, &message);
}

void kernel_lose_sa(struct mirror_kernel *kernel, uint32_t place)
{
    kernel->sas[place].is_there = false;
}

/* ---- being asked --------------------------------------------------------------------------------------- */

static ssize_t take_request(void *context, const void *bytes, size_t len_bytes)
{
    static struct sp_xfrm_message message;
    struct mirror_kernel *kernel = context;

    cr_assert_eq(sp_xfrm_decode(bytes, len_bytes, &message), SP_XFRM_READ);
    kernel->dump_request = message.sequence;
    if (message.type == XFRM_MSG_GETSA) {
        kernel->is_dumping = true;
        kernel->dump_below = UINT32_MAX;
        kernel->dumps++;
        return (ssize_t)len_bytes;
    }
    cr_assert_eq(message.type, XFRM_MSG_EXPIRE);
    kernel->last_expired = -1;
    for (int i = 0; i < (int)PLACES; i++) {
        struct sp_xfrm_sa sa;
        kernel_sa(kernel, (uint32_t)i, &sa);
        if (kernel->sas[i].is_there && sa.spi == message.sa.spi && sa.mark.value == message.sa.mark.value &&
            memcmp(&sa.destination, &message.sa.destination, sizeof sa.destination) == 0)
            kernel->last_expired = i;
    }
    if (kernel->last_expired >= 0 && message.is_hard)
        kernel_expire(kernel, (uint32_t)kernel->last_expired);
    return (ssize_t)len_bytes;
}

static ssize_t answer(const struct mirror_kernel *kernel, void *buffer, uint16_t type, int error)
{
    struct {
        struct nlmsghdr header;
        struct nlmsgerr body;
    } end = {{.nlmsg_len = sizeof end, .nlmsg_type = type, .nlmsg_seq = kernel->dump_request},
             {.error = -error}};

    if (type == NLMSG_DONE)
        end.header.nlmsg_flags = kernel->is_interrupted ? NLM_F_MULTI | NLM_F_DUMP_INTR : NLM_F_MULTI;
    memcpy(buffer, &end, sizeof end);
    return (ssize_t)sizeof end;
}

/* The youngest that is older than what was told last. */
static int next_to_dump(const struct mirror_kernel *kernel)
{
    int found = -1;

    for (int i = 0; i < (int)PLACES; i++)
        if (kernel->sas[i].is_there && kernel->sas[i].birth < kernel->dump_below &&
            (found < 0 || kernel->sas[i].birth > kernel->sas[found].birth))
            found = i;
    return found;
}

static ssize_t give_answer(void *context, void *buffer, size_t capacity_bytes)
{
    static struct sp_xfrm_message message;
    struct mirror_kernel *kernel = context;

    if (!kernel->is_dumping)
        return answer(kernel, buffer, NLMSG_ERROR, kernel->last_expired >= 0 ? 0 : ENOENT);
    if (kernel->meanwhile != NULL)
        kernel->meanwhile(kernel, kernel->context);
    if (kernel->dump_error != 0) {
        errno = kernel->dump_error;
        kernel->dump_error = 0;
        return -1;
    }
    const int place = next_to_dump(kernel);
    if (place < 0) {
        kernel->is_dumping = false;
        const ssize_t len_bytes = answer(kernel, buffer, NLMSG_DONE, 0);
        kernel->is_interrupted = false;
        return len_bytes;
    }
    kernel->dump_below = kernel->sas[place].birth;
    message = (struct sp_xfrm_message){
        .type = XFRM_MSG_NEWSA, .flags = NLM_F_MULTI, .sequence = kernel->dump_request};
    kernel_sa(kernel, (uint32_t)place, &message.sa);
    return (ssize_t)sp_xfrm_encode(&message, buffer, capacity_bytes);
}

static void close_nothing(void *context)
{
    (void)context;
}

void mirror_kernel_begin(struct mirror_kernel *kernel)
{
    *kernel = (struct mirror_kernel){.room = QUEUE_MAX, .last_expired = -1};
}

void mirror_kernel_end(struct mirror_kernel *kernel)
{
    for (; kernel->count > 0; kernel->count--) {
        free(kernel->queue[kernel->first].bytes);
        kernel->first = (kernel->first + 1) % QUEUE_MAX;
    }
}

struct sp_mirror *mirror_of(struct mirror_kernel *kernel, struct sp_sad *sad,
                            const struct sp_mirror_options *options)
{
    const struct sp_xfrm_transport transport = {
        .send = take_request, .receive = give_answer, .close = close_nothing, .context = kernel};
    const struct sp_xfrm_transport ear = {.receive = hear, .close = close_nothing, .context = kernel};
    struct sp_xfrm_link *link;
    struct sp_mirror *mirror;

    cr_assert_eq(sp_xfrm_link_over(&transport, &link), SP_OK);
    cr_assert_eq(sp_mirror_over(sad, options, &ear, -1, link, &mirror), SP_OK);
    return mirror;
}
