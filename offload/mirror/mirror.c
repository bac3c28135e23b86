/* SPDX-License-Identifier: ISC
 *
 * The mirror: what the kernel tells, in the order in which it happened, and dumps where that is not enough.
 *
 * Why the two can be mixed. The kernel tells of a change after it has made it, so a dump has all that was
 * heard before it began. What is heard after that may be older than what the dump said, but only what
 * happened while the dump went on, and whatever happened to an SA since then is behind it in the queue. So
 * going on with the queue ends with the kernel's state, whichever of the two is newer, provided that nothing
 * was lost meanwhile; then there is another dump. On the way, an event about an SA that has the place but is
 * another one (told by a hash of its keys) is not acted on but has the kernel's table read again.
 *
 * An update of an SA with keys changes its limits alone: the kernel keeps the keys that it has and tells us
 * those of the request. Only where the place was reserved do its keys count, and what is reserved is not in
 * our table.
 */
#include "mirror/mirror.h"

#include "kernel/suite.h"
#include "kernel/view.h"
#include "mirror/sa.h"
#include "mirror/table.h"
#include "xfrm/listen.h"
#include "xfrm/read.h"
#include "xfrm/text.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define RECEIVE_BYTES (8u << 20)
/* In one go, so that a flood doesn't hold the caller. */
#define DATAGRAMS_MAX 16384
#define DUMPS_MAX 4
#define GROUPS                                                                                               \
    (SP_XFRM_TELLS_ACQUIRE | SP_XFRM_TELLS_EXPIRE | SP_XFRM_TELLS_SA | SP_XFRM_TELLS_POLICY |                \
     SP_XFRM_TELLS_MIGRATE | SP_XFRM_TELLS_MAPPING)
#define ANY_PROTOCOL 255 /* IPSEC_PROTO_ANY of the kernel's flush */

struct sp_mirror {
    struct sp_sad *sad;
    struct sp_mirror_options options;
    struct sp_xfrm_transport ear;
    int descriptor;
    struct sp_xfrm_link *link;
    char *buffer;
    struct sp_xfrm_message message;
    struct sp_mirror_table table;
    struct sp_mirrored **by_number;
    struct sp_mirror_counts counts;
    bool waits_for_room; /* an SA was refused that may fit later */
};

const char *sp_mirror_news_name(enum sp_mirror_news_kind kind)
{
    static const char *const names[] = {
        [SP_MIRROR_ADDED] = "added",     [SP_MIRROR_CHANGED] = "changed", [SP_MIRROR_REMOVED] = "removed",
        [SP_MIRROR_REFUSED] = "refused", [SP_MIRROR_LOST] = "lost",       [SP_MIRROR_HEARD] = "heard",
    };

    return (unsigned)kind < sizeof names / sizeof *names ? names[kind] : "?";
}

/* ---- news ---------------------------------------------------------------------------------------------- */

static void tell(const struct sp_mirror *mirror, const struct sp_mirror_news *news)
{
    if (mirror->options.on_news != NULL)
        mirror->options.on_news(news, mirror->options.context);
}

/* reason NULL: nothing more to say than which SA. */
static void tell_of(const struct sp_mirror *mirror, enum sp_mirror_news_kind kind,
                    const struct sp_mirrored *entry, const char *reason)
{
    const struct sp_xfrm_sa sa = {
        .spi = entry->spi, .source = entry->source, .destination = entry->destination};
    char name[SP_XFRM_TEXT_BYTES], text[SP_XFRM_TEXT_BYTES + SP_MIRROR_REASON_BYTES];

    (void)snprintf(text, sizeof text, "%s%s%s", sp_xfrm_sa_text(&sa, name), reason != NULL ? ": " : "",
                   reason != NULL ? reason : "");
    tell(mirror, &(struct sp_mirror_news){.kind = kind,
                                          .number = entry->refusal == SP_OK ? entry->number : SP_NO_SA,
                                          .spi = entry->spi,
                                          .source = entry->source,
                                          .destination = entry->destination,
                                          .text = text});
}

static void hand_on(const struct sp_mirror *mirror, const struct sp_xfrm_message *message)
{
    struct sp_offload_event event;

    if (!sp_kernel_view_event(message, &event))
        return;
    tell(mirror, &(struct sp_mirror_news){.kind = SP_MIRROR_HEARD,
                                          .number = SP_NO_SA,
                                          .spi = event.spi,
                                          .source = event.source,
                                          .destination = event.destination,
                                          .text = event.text,
                                          .event = &event});
}

static void lose(struct sp_mirror *mirror, const char *text)
{
    mirror->counts.losses++;
    mirror->counts.is_behind = true;
    tell(mirror, &(struct sp_mirror_news){.kind = SP_MIRROR_LOST, .number = SP_NO_SA, .text = text});
}

/* ---- SAs ----------------------------------------------------------------------------------------------- */

static uint64_t age_of(const struct sp_xfrm_sa *sa)
{
    const uint64_t now = (uint64_t)time(NULL);

    return sa->used.added_at != 0 && sa->used.added_at < now ? now - sa->used.added_at : 0;
}

/* Whether it may be taken later though it is as it was. */
static bool may_pass(enum sp_status refusal)
{
    return refusal == SP_ERR_LIMIT || refusal == SP_ERR_MEMORY || refusal == SP_ERR_EXISTS;
}

static enum sp_status try_to_add(struct sp_mirror *mirror, struct sp_mirrored *entry,
                                 const struct sp_xfrm_sa *sa, char *reason)
{
    struct sp_sa_params params;
    char name[32];

    entry->birth_seconds = age_of(sa);
    if (!sp_mirror_params(&mirror->options, sa, entry->birth_seconds, &params, reason))
        return SP_ERR_UNSUPPORTED;
    (void)snprintf(name, sizeof name, "kernel reqid %u", sa->reqid);
    params.name = name;
    return sp_sad_add(mirror->sad, &params, &entry->number, reason);
}

/* Brings an SA of our table into the SAD, or says why not, unless that is known. */
static void bring(struct sp_mirror *mirror, struct sp_mirrored *entry, const struct sp_xfrm_sa *sa)
{
    const enum sp_status former = entry->refusal;
    char reason[SP_MIRROR_REASON_BYTES] = "";

    entry->refusal = try_to_add(mirror, entry, sa, reason);
    if (entry->refusal == SP_OK) {
        mirror->by_number[entry->number] = entry;
        mirror->counts.mirrored++;
        mirror->counts.refused -= former != SP_OK;
        tell_of(mirror, SP_MIRROR_ADDED, entry, NULL);
        return;
    }
    mirror->counts.refused += former == SP_OK;
    mirror->waits_for_room |= may_pass(entry->refusal);
    if (former != entry->refusal)
        tell_of(mirror, SP_MIRROR_REFUSED, entry, reason);
}

static void add(struct sp_mirror *mirror, const struct sp_xfrm_sa *sa)
{
    struct sp_mirrored *entry = sp_mirror_table_add(&mirror->table, sa);

    if (entry == NULL) {
        mirror->counts.is_behind = true;
        return;
    }
    entry->is_seen = true;
    bring(mirror, entry, sa);
}

static void drop(struct sp_mirror *mirror, struct sp_mirrored *entry)
{
    if (entry->refusal == SP_OK) {
        (void)!sp_sad_remove(mirror->sad, entry->number); /* there, unless somebody broke the rules */
        mirror->by_number[entry->number] = NULL;
        mirror->counts.mirrored--;
        tell_of(mirror, SP_MIRROR_REMOVED, entry, NULL);
        mirror->counts.is_behind |= mirror->waits_for_room;
        mirror->waits_for_room = false;
    } else {
        mirror->counts.refused--;
    }
    sp_mirror_table_remove(&mirror->table, entry);
}

static void limit(struct sp_mirror *mirror, struct sp_mirrored *entry, const struct sp_xfrm_limits *limits)
{
    struct sp_sa_info info;
    char reason[SP_MIRROR_REASON_BYTES];

    if (memcmp(&entry->limits, limits, sizeof *limits) == 0)
        return;
    entry->limits = *limits;
    if (entry->refusal != SP_OK || sp_sad_get(mirror->sad, entry->number, &info) != SP_OK)
        return;
    const struct sp_lifetime lifetime = sp_mirror_lifetime(&mirror->options, limits, entry->birth_seconds,
                                                           info.encryption == SP_ENCRYPTION_3DES_CBC);
    if (sp_sad_set_lifetime(mirror->sad, entry->number, &lifetime, reason) == SP_OK)
        tell_of(mirror, SP_MIRROR_CHANGED, entry, NULL);
}

/* It is in the kernel, by a dump or by what was heard. */
static void see(struct sp_mirror *mirror, const struct sp_xfrm_sa *sa, bool is_dump)
{
    if (!sp_mirror_is_wanted(&mirror->options, sa))
        return;
    struct sp_mirrored *entry = sp_mirror_table_find(&mirror->table, sa);
    const struct sp_mirror_identity identity = sp_mirror_identify(&mirror->table, sa);
    if (entry != NULL && !sp_mirror_is_same(&entry->identity, &identity)) {
        mirror->counts.is_behind |= !is_dump;
        if (!is_dump)
            return;
        drop(mirror, entry);
        entry = NULL;
    }
    if (entry == NULL) {
        add(mirror, sa);
        return;
    }
    entry->is_seen = true;
    limit(mirror, entry, &sa->limits);
    if (is_dump && may_pass(entry->refusal))
        bring(mirror, entry, sa);
}

/* The kernel tells of a deletion with all of the SA, and of an expiry without its keys. */
static void miss(struct sp_mirror *mirror, const struct sp_xfrm_sa *sa, bool has_keys)
{
    struct sp_mirrored *entry = sa->protocol == IPPROTO_ESP ? sp_mirror_table_find(&mirror->table, sa) : NULL;

    if (entry == NULL)
        return;
    const struct sp_mirror_identity identity = sp_mirror_identify(&mirror->table, sa);
    const bool is_it = has_keys ? sp_mirror_is_same(&entry->identity, &identity)
                                : entry->added_at == sa->used.added_at && entry->reqid == sa->reqid;
    if (is_it)
        drop(mirror, entry);
    else
        mirror->counts.is_behind = true;
}

static void drop_visited(struct sp_mirrored *entry, void *context)
{
    drop(context, entry);
}

/* ---- hearing ------------------------------------------------------------------------------------------- */

static void take_sa_event(struct sp_mirror *mirror, const struct sp_xfrm_message *message)
{
    const struct sp_xfrm_sa *sa = &message->sa;

    switch (message->type) {
    case XFRM_MSG_NEWSA:
    case XFRM_MSG_UPDSA:
        see(mirror, sa, false);
        break;
    case XFRM_MSG_DELSA:
        miss(mirror, sa, (sa->has & SP_XFRM_HAS_WHOLE) != 0);
        break;
    case XFRM_MSG_EXPIRE:
        if (message->is_hard)
            miss(mirror, sa, false);
        break;
    case XFRM_MSG_FLUSHSA:
        if (sa->protocol == 0 || sa->protocol == IPPROTO_ESP || sa->protocol == ANY_PROTOCOL)
            sp_mirror_table_visit(&mirror->table, drop_visited, mirror);
        break;
    default:
        break;
    }
}

static bool is_about_sas(const struct sp_xfrm_message *message)
{
    switch (message->type) {
    case XFRM_MSG_NEWSA:
    case XFRM_MSG_UPDSA:
    case XFRM_MSG_DELSA:
    case XFRM_MSG_FLUSHSA:
        return true;
    case XFRM_MSG_EXPIRE:
        return message->is_hard;
    default:
        return false;
    }
}

static void take_message(struct sp_mirror *mirror, const char *message, size_t len_bytes)
{
    struct sp_xfrm_message *in = &mirror->message;

    mirror->counts.messages++;
    switch (sp_xfrm_decode(message, len_bytes, in)) {
    case SP_XFRM_MALFORMED:
        lose(mirror, "the kernel told something that can't be read");
        return;
    case SP_XFRM_UNKNOWN: /* an SA moved to other addresses */
        mirror->counts.is_behind |= in->type == XFRM_MSG_MIGRATE;
        return;
    case SP_XFRM_READ:
        break;
    }
    if (!is_about_sas(in))
        hand_on(mirror, in);
    else if (!mirror->counts.is_behind) /* else the dump to come has it already */
        take_sa_event(mirror, in);
}

static void take_datagram(struct sp_mirror *mirror, size_t len_bytes)
{
    const char *at = mirror->buffer;
    struct nlmsghdr header;
    struct sp_xfrm_rest body;

    while (len_bytes > 0 && sp_xfrm_read_header(at, len_bytes, &header, &body)) {
        const size_t step_bytes = NLMSG_ALIGN((size_t)header.nlmsg_len);
        take_message(mirror, at, header.nlmsg_len);
        if (step_bytes >= len_bytes)
            return;
        at += step_bytes;
        len_bytes -= step_bytes;
    }
    if (len_bytes > 0)
        lose(mirror, "the kernel told something that can't be read");
}

static enum sp_status hear_all(struct sp_mirror *mirror)
{
    for (int i = 0; i < DATAGRAMS_MAX; i++) {
        ssize_t len_bytes = mirror->ear.receive(mirror->ear.context, mirror->buffer, SP_XFRM_HEARD_BYTES);
        if (len_bytes < 0 && errno == ENOBUFS) {
            lose(mirror, "more happened than the kernel could tell");
            continue;
        }
        if (len_bytes < 0 && errno == EINTR)
            continue;
        if (len_bytes < 0)
            return errno == EAGAIN ? SP_OK : errno == ENOMEM ? SP_ERR_MEMORY : SP_ERR_SYSTEM;
        take_datagram(mirror, (size_t)len_bytes);
        sodium_memzero(mirror->buffer, (size_t)len_bytes);
        sodium_memzero(&mirror->message, sizeof mirror->message);
    }
    return SP_OK;
}

/* ---- dumps --------------------------------------------------------------------------------------------- */

static void forget_seen(struct sp_mirrored *entry, void *context)
{
    (void)context;
    entry->is_seen = false;
}

static void see_dumped(const struct sp_xfrm_message *message, void *context)
{
    if (message->type == XFRM_MSG_NEWSA)
        see(context, &message->sa, true);
}

static void drop_unseen(struct sp_mirrored *entry, void *context)
{
    if (!entry->is_seen)
        drop(context, entry);
}

/* New SAs come while it goes on, and old ones go at its end. SP_OK also when it has to be done again. */
static enum sp_status dump(struct sp_mirror *mirror)
{
    mirror->counts.is_behind = mirror->waits_for_room = false;
    mirror->counts.dumps++;
    sp_mirror_table_visit(&mirror->table, forget_seen, NULL);
    enum sp_status status = sp_xfrm_link_dump(mirror->link, XFRM_MSG_GETSA, see_dumped, mirror);
    if (status == SP_OK && !mirror->counts.is_behind) {
        sp_mirror_table_visit(&mirror->table, drop_unseen, mirror);
        return SP_OK;
    }
    mirror->counts.is_behind = true;
    return status == SP_ERR_SYSTEM ? SP_OK : status;
}

enum sp_status sp_mirror_pump(struct sp_mirror *mirror)
{
    enum sp_status status = hear_all(mirror);

    for (int i = 0; i < DUMPS_MAX && status == SP_OK && mirror->counts.is_behind; i++) {
        status = dump(mirror);
        if (status == SP_OK)
            status = hear_all(mirror);
    }
    return status;
}

void sp_mirror_resync(struct sp_mirror *mirror)
{
    mirror->counts.is_behind = true;
}

/* ---- the other way ------------------------------------------------------------------------------------- */

static void take_answer(uint32_t request, const struct sp_xfrm_answer *answer, void *context)
{
    (void)request;
    *(int *)context = answer->error;
}

enum sp_status sp_mirror_expired(struct sp_mirror *mirror, uint32_t number, bool is_hard)
{
    const struct sp_mirrored *entry =
        number < sp_sad_capacity(mirror->sad) ? mirror->by_number[number] : NULL;
    int error = 0;
    uint32_t request;

    if (entry == NULL)
        return SP_ERR_NOT_FOUND;
    struct sp_xfrm_message *message = calloc(1, sizeof *message);
    if (message == NULL)
        return SP_ERR_MEMORY;
    message->type = XFRM_MSG_EXPIRE;
    message->is_hard = is_hard;
    message->sa = (struct sp_xfrm_sa){.has = entry->mark.mask != 0 ? SP_XFRM_HAS_MARK : 0,
                                      .family = entry->destination.family,
                                      .spi = entry->spi,
                                      .protocol = IPPROTO_ESP,
                                      .source = entry->source,
                                      .destination = entry->destination,
                                      .mark = entry->mark};
    enum sp_status status = sp_xfrm_link_put(mirror->link, message, &request);
    free(message);
    if (status == SP_OK)
        status = sp_xfrm_link_flush(mirror->link, take_answer, &error);
    if (status != SP_OK || error == 0)
        return status;
    errno = error;
    return error == ENOENT || error == ESRCH   ? SP_ERR_NOT_FOUND
           : error == EPERM || error == EACCES ? SP_ERR_PERMISSION
                                               : SP_ERR_SYSTEM;
}

/* ---- beginning and end --------------------------------------------------------------------------------- */

enum sp_status sp_mirror_over(struct sp_sad *sad, const struct sp_mirror_options *options,
                              const struct sp_xfrm_transport *ear, int descriptor, struct sp_xfrm_link *link,
                              struct sp_mirror **ret_mirror)
{
    struct sp_mirror *mirror = sodium_init() < 0 ? NULL : calloc(1, sizeof *mirror);

    if (mirror == NULL)
        return SP_ERR_MEMORY;
    mirror->sad = sad;
    mirror->options = *options;
    mirror->descriptor = descriptor;
    mirror->counts.is_behind = true;
    mirror->buffer = sodium_malloc(SP_XFRM_HEARD_BYTES);
    mirror->by_number = calloc(sp_sad_capacity(sad), sizeof(struct sp_mirrored *));
    if (mirror->buffer == NULL || mirror->by_number == NULL || !sp_mirror_table_begin(&mirror->table)) {
        sodium_free(mirror->buffer);
        free(mirror->by_number);
        free(mirror);
        return SP_ERR_MEMORY;
    }
    mirror->ear = *ear;
    mirror->link = link;
    *ret_mirror = mirror;
    return SP_OK;
}

static ssize_t hear_kernel(void *context, void *buffer, size_t capacity_bytes)
{
    return sp_xfrm_hear((int)(intptr_t)context, buffer, capacity_bytes);
}

static void close_ear(void *context)
{
    (void)close((int)(intptr_t)context);
}

enum sp_status sp_mirror_open(struct sp_sad *sad, const struct sp_mirror_options *options,
                              struct sp_mirror **ret_mirror)
{
    struct sp_xfrm_link *link = NULL;
    struct sp_mirror *mirror = NULL;
    int descriptor;
    enum sp_status status = sp_xfrm_listen(
        GROUPS, options->receive_bytes != 0 ? options->receive_bytes : RECEIVE_BYTES, &descriptor);

    if (status != SP_OK)
        return status;
    const struct sp_xfrm_transport ear = {
        .receive = hear_kernel, .close = close_ear, .context = (void *)(intptr_t)descriptor};
    status = sp_xfrm_link_open(&link);
    if (status == SP_OK)
        status = sp_mirror_over(sad, options, &ear, descriptor, link, &mirror);
    if (status != SP_OK) {
        int why = errno;
        close_ear(ear.context);
        sp_xfrm_link_close(&link);
        errno = why;
        return status;
    }
    status = sp_mirror_pump(mirror);
    if (status == SP_OK)
        *ret_mirror = mirror;
    else
        sp_mirror_close(&mirror);
    return status;
}

void sp_mirror_close(struct sp_mirror **mirror)
{
    if (*mirror == NULL)
        return;
    int why = errno;
    sp_mirror_table_visit(&(*mirror)->table, drop_visited, *mirror);
    sp_mirror_table_free(&(*mirror)->table);
    (*mirror)->ear.close((*mirror)->ear.context);
    sp_xfrm_link_close(&(*mirror)->link);
    sodium_free((*mirror)->buffer);
    free((*mirror)->by_number);
    free(*mirror);
    *mirror = NULL;
    errno = why;
}

int sp_mirror_descriptor(const struct sp_mirror *mirror)
{
    return mirror->descriptor;
}

void sp_mirror_count(const struct sp_mirror *mirror, struct sp_mirror_counts *ret_counts)
{
    *ret_counts = mirror->counts;
}
