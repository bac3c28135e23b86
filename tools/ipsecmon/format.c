/* SPDX-License-Identifier: ISC
 *
 * What several views say alike.
 */
#include "format.h"

#include "daemon.h"

#include <stdio.h>
#include <string.h>

static size_t scale(double *number)
{
    size_t power = 0;
    while (*number >= 999.5 && power < 6) {
        *number /= 1000.0;
        power++;
    }
    return power;
}

static const char suffixes[] = " kMGTPE";

const char *format_short(double number, char *text)
{
    const size_t power = scale(&number);
    if (power == 0)
        snprintf(text, SHORT_BYTES, "%.0f", number);
    else
        snprintf(text, SHORT_BYTES, "%.*f%c",
                 number < 9.995   ? 2
                 : number < 99.95 ? 1
                                  : 0,
                 number, suffixes[power]);
    return text;
}

const char *format_unit(double number, const char *unit, char *text)
{
    const size_t power = scale(&number);
    if (power == 0)
        snprintf(text, SHORT_BYTES, "%.0f %s", number, unit);
    else
        snprintf(text, SHORT_BYTES, "%.*f %c%s",
                 number < 9.995   ? 2
                 : number < 99.95 ? 1
                                  : 0,
                 number, suffixes[power], unit);
    return text;
}

const char *format_span(uint64_t seconds, char *text)
{
    const unsigned long long whole = seconds;
    if (whole < 60)
        snprintf(text, SHORT_BYTES, "%llu s", whole);
    else if (whole < 3600)
        snprintf(text, SHORT_BYTES, "%llu:%02llu", whole / 60, whole % 60);
    else if (whole < 172800)
        snprintf(text, SHORT_BYTES, "%llu h %02llu", whole / 3600, whole / 60 % 60);
    else
        snprintf(text, SHORT_BYTES, "%llu d", whole / 86400);
    return text;
}

const char *format_ports(const struct association *association, char *text)
{
    const char *from = association->source_ports, *to = association->destination_ports;
    if (!*from && !*to)
        snprintf(text, 32, "%s", "");
    else if (strcmp(from, "any") == 0 && strcmp(to, "any") == 0)
        snprintf(text, 32, "any");
    else
        snprintf(text, 32, "%.12s>%.12s", strcmp(from, "any") == 0 ? "*" : from,
                 strcmp(to, "any") == 0 ? "*" : to);
    return text;
}

const char *format_enabled(const struct snapshot *snapshot)
{
    if (!snapshot->is_up)
        return "IP Security: unknown";
    return snapshot->is_enabled ? "IP Security is enabled on this computer"
                                : "IP Security is not enabled on this computer";
}

void format_headline(const struct snapshot *snapshot, char *text, size_t size_bytes)
{
    char span[32];
    const char *slash = strrchr(snapshot->policy_file, '/');
    if (!snapshot->is_up)
        snprintf(text, size_bytes, "%s", snapshot->reason);
    else if (!snapshot->has_daemon)
        snprintf(text, size_bytes, "backend %s: %s", snapshot->backend, snapshot->version);
    else if (snapshot->pid == 0)
        snprintf(text, size_bytes, "statistics segment, up %s, policy generation %llu",
                 daemon_span(snapshot->uptime_seconds, span), (unsigned long long)snapshot->generation);
    else
        snprintf(text, size_bytes, "sallyportd %s pid %llu up %s, policy %s generation %llu",
                 snapshot->version, (unsigned long long)snapshot->pid,
                 daemon_span(snapshot->uptime_seconds, span), slash ? slash + 1 : snapshot->policy_file,
                 (unsigned long long)snapshot->generation);
}
