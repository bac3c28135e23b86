/* SPDX-License-Identifier: ISC
 *
 * The last of each reason are kept: a flood of one kind leaves the others where they are.
 */
#include "audit/last_drops.h"

#include "audit/audit.h"
#include "log.h"

#include <stdlib.h>
#include <time.h>

#define KEPT_A_REASON 16u
#define TAKEN_A_CALL 64u

struct last_drops {
    struct sp_dropped kept[SP_DROP_COUNT][KEPT_A_REASON];
    uint64_t count[SP_DROP_COUNT]; /* ever taken; the next one's place is this modulo KEPT_A_REASON */
};

bool last_drops_open(struct daemon *daemon)
{
    daemon->last_drops = calloc(1, sizeof *daemon->last_drops);
    if (!daemon->last_drops)
        log_line("there is no memory to keep the last dropped packets");
    return daemon->last_drops != NULL;
}

void last_drops_close(struct daemon *daemon)
{
    free(daemon->last_drops);
    daemon->last_drops = NULL;
}

void last_drops_take(struct daemon *daemon)
{
    struct last_drops *drops = daemon->last_drops;
    struct sp_dropped taken[TAKEN_A_CALL];
    size_t count;
    do {
        count = sp_engine_dropped(daemon->engine, taken, TAKEN_A_CALL);
        for (size_t i = 0; i < count; i++) {
            const enum sp_drop reason = taken[i].reason;
            audit_packet(daemon, &taken[i]);
            drops->kept[reason][drops->count[reason]++ % KEPT_A_REASON] = taken[i];
        }
    } while (count == TAKEN_A_CALL);
}

static int newest_first(const void *a, const void *b)
{
    const struct sp_dropped *const *one = a, *const *other = b;
    return ((*one)->at_ns < (*other)->at_ns) - ((*one)->at_ns > (*other)->at_ns);
}

static uint64_t now_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static json_t *integer_or_null(bool is_there, uint64_t value)
{
    return is_there ? json_integer((json_int_t)value) : json_null();
}

static json_t *address_or_null(const struct sp_address *address)
{
    char text[SP_ADDRESS_TEXT_BYTES];
    return address->family ? json_string(sp_address_format(address, text)) : json_null();
}

static json_t *entry(const struct daemon *daemon, const struct sp_dropped *dropped, double time)
{
    const bool has_rule =
        dropped->rule != SP_NO_RULE && dropped->generation == sp_engine_generation(daemon->engine);
    return json_pack("{s:f, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "time", time,
                     "direction", dropped->direction == SP_INBOUND ? "inbound" : "outbound", "reason",
                     sp_drop_id(dropped->reason), "source", address_or_null(&dropped->source), "destination",
                     address_or_null(&dropped->destination), "protocol",
                     integer_or_null(dropped->source.family, dropped->protocol), "source_port",
                     integer_or_null(dropped->has_ports, dropped->source_port), "destination_port",
                     integer_or_null(dropped->has_ports, dropped->destination_port), "spi",
                     integer_or_null(dropped->has_spi, dropped->spi), "sequence",
                     integer_or_null(dropped->has_sequence, dropped->sequence), "rule",
                     integer_or_null(has_rule, dropped->rule), "sa",
                     integer_or_null(dropped->sa != SP_NO_SA, dropped->sa));
}

json_t *last_drops_list(const struct daemon *daemon)
{
    const struct last_drops *drops = daemon->last_drops;
    const struct sp_dropped *sorted[SP_DROP_COUNT * KEPT_A_REASON];
    size_t count = 0;
    for (int reason = 0; reason < SP_DROP_COUNT; reason++)
        for (uint64_t i = 0; i < drops->count[reason] && i < KEPT_A_REASON; i++)
            sorted[count++] = &drops->kept[reason][i];
    qsort(sorted, count, sizeof(const struct sp_dropped *), newest_first);

    const double boot_time = (double)now_ns(CLOCK_REALTIME) / 1e9 - (double)now_ns(CLOCK_BOOTTIME) / 1e9;
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, entry(daemon, sorted[i], boot_time + (double)sorted[i]->at_ns / 1e9));
    return list;
}
