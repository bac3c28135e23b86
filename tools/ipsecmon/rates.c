/* SPDX-License-Identifier: ISC
 *
 * Rates are differences of the daemon's counters; a daemon that was started anew counts from zero, and its
 * first status is compared with nothing.
 */
#include "rates.h"

#include <string.h>
#include <time.h>

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void sample_take(struct sample *sample, const char *path)
{
    sample->reason[0] = '\0';
    sample->status = daemon_status(path, sample->reason);
    sample->at_ns = now_ns();
}

void sample_drop(struct sample *sample)
{
    json_decref(sample->status);
    sample->status = NULL;
}

double sample_seconds(const struct sample *former, const struct sample *now)
{
    if (!former->status || !now->status || now->at_ns <= former->at_ns)
        return 0;
    if (daemon_number(former->status, "pid") != daemon_number(now->status, "pid") ||
        daemon_number(former->status, "uptime_seconds") > daemon_number(now->status, "uptime_seconds"))
        return 0;
    return (double)(now->at_ns - former->at_ns) / 1e9;
}

double rate_of(const json_t *former, const json_t *now, const char *member, double seconds)
{
    const uint64_t before = daemon_number(former, member);
    const uint64_t after = daemon_number(now, member);
    if (!former || seconds <= 0 || after < before)
        return 0;
    return (double)(after - before) / seconds;
}

const json_t *same_sa(const json_t *former_status, const json_t *sa, size_t *position)
{
    const json_t *sas = json_object_get(former_status, "sas");
    const uint64_t number = daemon_number(sa, "number");
    while (*position < json_array_size(sas) &&
           daemon_number(json_array_get(sas, *position), "number") < number)
        (*position)++;
    const json_t *candidate = json_array_get(sas, *position);
    if (!candidate || daemon_number(candidate, "number") != number ||
        daemon_number(candidate, "spi") != daemon_number(sa, "spi") ||
        strcmp(daemon_text(candidate, "fingerprint"), daemon_text(sa, "fingerprint")) != 0)
        return NULL;
    return candidate;
}
