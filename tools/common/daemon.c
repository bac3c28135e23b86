/* SPDX-License-Identifier: ISC
 *
 * Reading the daemon's answers with the distrust that input from another process deserves.
 */
#include "daemon.h"

#include "control.h"

#include <stdlib.h>
#include <string.h>

#define REASON_BYTES 256

json_t *daemon_ask(const char *path, const char *request, unsigned patience_seconds, char *reason)
{
    char *reply = NULL;
    const int error = control_ask_patiently(path, request, patience_seconds, &reply);
    if (error) {
        control_error_text(error, path, reason);
        return NULL;
    }
    json_error_t where;
    json_t *answer = json_loads(reply, 0, &where);
    free(reply);
    if (json_is_object(answer))
        return answer;
    snprintf(reason, REASON_BYTES, "%s: what answers there is not sallyportd", path);
    json_decref(answer);
    return NULL;
}

json_t *daemon_status(const char *path, char *reason)
{
    json_t *status = daemon_ask(path, CONTROL_STATUS_REQUEST, CONTROL_PATIENCE_SECONDS, reason);
    if (!status || json_is_true(json_object_get(status, "ok")))
        return status;
    snprintf(reason, REASON_BYTES, "sallyportd refuses: %s", daemon_text(status, "error"));
    json_decref(status);
    return NULL;
}

uint64_t daemon_number(const json_t *object, const char *member)
{
    const json_int_t number = json_integer_value(json_object_get(object, member));
    return number < 0 ? 0 : (uint64_t)number;
}

const char *daemon_text(const json_t *object, const char *member)
{
    const char *text = json_string_value(json_object_get(object, member));
    return text ? text : "";
}

const char *daemon_spi(const json_t *sa, char *text)
{
    snprintf(text, 11, "0x%08x", (uint32_t)daemon_number(sa, "spi"));
    return text;
}

const char *daemon_endpoint(const json_t *drop, const char *side, char *text)
{
    char member[32];
    const char *address = daemon_text(drop, side);
    snprintf(member, sizeof member, "%s_port", side);
    const json_t *port = json_object_get(drop, member);
    if (json_is_integer(port))
        snprintf(text, DAEMON_ENDPOINT_BYTES, strchr(address, ':') ? "[%.45s]:%u" : "%.45s:%u", address,
                 (unsigned)(daemon_number(drop, member) & UINT16_MAX));
    else
        snprintf(text, DAEMON_ENDPOINT_BYTES, "%.45s", address);
    return text;
}

uint64_t daemon_esp_packets(const json_t *counters)
{
    return daemon_number(counters, "sealed_packets") + daemon_number(counters, "opened_packets");
}

int daemon_sa_used_percent(const json_t *sa)
{
    static const struct {
        const char *used, *limit;
    } limits[] = {{"bytes", "hard_bytes"}, {"packets", "hard_packets"}, {"age_seconds", "hard_seconds"}};
    const json_t *lifetime = json_object_get(sa, "lifetime");
    int most = -1;
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        const double limit = (double)daemon_number(lifetime, limits[i].limit);
        if (limit <= 0)
            continue;
        const double percent = (double)daemon_number(sa, limits[i].used) * 100.0 / limit;
        const int whole = percent > 100.0 ? 100 : (int)percent;
        most = whole > most ? whole : most;
    }
    return most;
}

const char *daemon_span(uint64_t seconds, char *text)
{
    const unsigned long long whole = seconds;
    if (whole < 120)
        snprintf(text, 32, "%llu s", whole);
    else if (whole < 7200)
        snprintf(text, 32, "%llu min", whole / 60);
    else if (whole < 172800)
        snprintf(text, 32, "%llu h", whole / 3600);
    else
        snprintf(text, 32, "%llu d", whole / 86400);
    return text;
}
