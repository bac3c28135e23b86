/* SPDX-License-Identifier: ISC
 *
 * Moments, with milliseconds.
 */
#include "moment.h"

#include <stdio.h>
#include <time.h>

const char *moment_now(char *text)
{
    struct timespec time;
    struct tm parts;
    char seconds[32];
    clock_gettime(CLOCK_REALTIME, &time);
    gmtime_r(&time.tv_sec, &parts);
    strftime(seconds, sizeof seconds, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(text, MOMENT_BYTES, "%s.%03ldZ", seconds, time.tv_nsec / 1000000);
    return text;
}
