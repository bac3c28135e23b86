/* SPDX-License-Identifier: ISC
 *
 * CSV (RFC 4180): what is text is quoted, so that a comma in a rule's name is one.
 */
#include "views.h"

#include <inttypes.h>

static const char head[] =
    "time,spi,direction,source,destination,policy,filter,security,protocol,source_ports,"
    "destination_ports,mode,tunnel,backend_requested,backend_granted,state,packets,bytes,"
    "dropped_packets,packets_second,bits_second,age_seconds,seconds_left,bytes_left,"
    "used_percent,name\r\n";

void view_csv_head(FILE *out)
{
    fputs(head, out);
}

/* Control characters would drive a terminal that the file is shown on. */
static void put_text(FILE *out, const char *text)
{
    fputs(",\"", out);
    for (const unsigned char *byte = (const unsigned char *)text; *byte; byte++) {
        if (*byte == '"')
            fputc('"', out);
        fputc(*byte < ' ' || *byte == 0x7f ? '?' : *byte, out);
    }
    fputc('"', out);
}

static void put_left(FILE *out, bool is_there, uint64_t left)
{
    if (is_there)
        fprintf(out, ",%" PRIu64, left);
    else
        fputc(',', out);
}

static void put_rate(FILE *out, bool is_there, double rate)
{
    if (is_there)
        fprintf(out, ",%.1f", rate);
    else
        fputc(',', out);
}

static void put_association(FILE *out, double time, const struct association *sa)
{
    const char *const texts[] = {
        sa->direction, sa->source,       sa->destination,       sa->policy, sa->filter, sa->security,
        sa->protocol,  sa->source_ports, sa->destination_ports, sa->mode,   sa->tunnel, sa->requested,
        sa->granted,   sa->state};
    uint64_t left = 0;
    const int used = association_used_percent(sa);
    fprintf(out, "%.3f,0x%08x", time, sa->spi);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        put_text(out, texts[i]);
    fprintf(out, ",%" PRIu64 ",%" PRIu64 ",%" PRIu64, sa->packets, sa->bytes, sa->dropped_packets);
    put_rate(out, sa->has_rates, sa->packets_second);
    put_rate(out, sa->has_rates, sa->bytes_second * 8.0);
    fprintf(out, ",%" PRIu64, sa->age_seconds);
    const bool has_seconds = association_seconds_left(sa, &left);
    put_left(out, has_seconds, left);
    const bool has_bytes = association_bytes_left(sa, &left);
    put_left(out, has_bytes, left);
    put_left(out, used >= 0, (uint64_t)(used < 0 ? 0 : used));
    put_text(out, sa->name);
    fputs("\r\n", out);
}

void view_csv(FILE *out, const struct snapshot *snapshot, const struct filter *filter)
{
    for (size_t i = 0; i < snapshot->association_count; i++)
        if (filter_passes(filter, &snapshot->associations[i]))
            put_association(out, snapshot->time, &snapshot->associations[i]);
}
