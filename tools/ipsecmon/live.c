/* SPDX-License-Identifier: ISC
 *
 * Events for the live page, and the page.
 */
#include "live.h"

#include "json.h"
#include "page.h"
#include "tool.h"
#include "views.h"

#include <stdlib.h>
#include <string.h>

#define SAMPLES 600u
#define RETRY_MS 2000u
#define ASSOCIATIONS_MAX 500u
#define NONCE_MARK "@NONCE@"

struct sample {
    double time, bits_second[FLOW_COUNT], dropped_second;
};

struct live {
    struct sample samples[SAMPLES];
    size_t count; /* ever; the next one's place is this modulo SAMPLES */
};

struct live *live_create(void)
{
    return tool_need(calloc(1, sizeof(struct live)));
}

void live_destroy(struct live **live)
{
    free(*live);
    *live = NULL;
}

void live_remember(struct live *live, const struct snapshot *snapshot)
{
    if (!snapshot->is_up || snapshot->seconds <= 0)
        return;
    struct sample *sample = &live->samples[live->count++ % SAMPLES];
    *sample = (struct sample){.time = snapshot->time};
    for (int flow = 0; flow < FLOW_COUNT; flow++) {
        sample->bits_second[flow] = snapshot->flows[flow].bytes_second * 8.0;
        sample->dropped_second += snapshot->flows[flow].dropped_second;
    }
}

/* ---- events -------------------------------------------------------------------------------------------- */

static char *event_text(const char *name, json_t *data)
{
    char *json = tool_need(json_dumps(data, JSON_COMPACT | JSON_REAL_PRECISION(12)));
    char *text = tool_text("event: %s\ndata: %s\n\n", name, json);
    free(json);
    json_decref(data);
    return text;
}

char *live_look(const struct snapshot *now, const struct filter *filter)
{
    return event_text("look", view_json(now, filter, JSON_LIVE));
}

static json_t *whole(double number)
{
    return json_integer((json_int_t)(number + 0.5));
}

static void put_samples(json_t *object, const struct live *live)
{
    json_t *times = tool_need(json_array()), *out = tool_need(json_array());
    json_t *in = tool_need(json_array()), *dropped = tool_need(json_array());
    for (size_t i = live->count > SAMPLES ? live->count - SAMPLES : 0; i < live->count; i++) {
        const struct sample *sample = &live->samples[i % SAMPLES];
        json_push(times, json_real(sample->time));
        json_push(out, whole(sample->bits_second[FLOW_OUTBOUND]));
        json_push(in, whole(sample->bits_second[FLOW_INBOUND]));
        json_push(dropped, json_real(sample->dropped_second));
    }
    json_put(object, "times", times);
    json_put(object, "outbound", out);
    json_put(object, "inbound", in);
    json_put(object, "dropped", dropped);
}

static json_t *histories(const struct snapshot *now, const struct filter *filter)
{
    json_t *object = tool_need(json_object());
    for (size_t i = 0; i < now->association_count && json_object_size(object) < ASSOCIATIONS_MAX; i++) {
        const struct association *sa = &now->associations[i];
        if (!filter_passes(filter, sa))
            continue;
        json_t *history = tool_need(json_array());
        for (uint32_t sample = 0; sample < sa->history_count; sample++)
            json_push(history, whole((double)sa->history[sample]));
        char *key = tool_text("%u %s %s", sa->spi, sa->source, sa->destination);
        json_put(object, key, history);
        free(key);
    }
    return object;
}

char *live_start(const struct live *live, const struct snapshot *now, const struct filter *filter,
                 uint32_t interval_ms)
{
    json_t *object = tool_need(json_object());
    json_put(object, "interval_ms", json_number(interval_ms));
    put_samples(object, live);
    json_put(object, "associations", histories(now, filter));
    char *start = event_text("start", object), *look = live_look(now, filter);
    char *text = tool_text("retry: %u\n%s%s", RETRY_MS, start, look);
    free(start);
    free(look);
    return text;
}

/* ---- the page ------------------------------------------------------------------------------------------ */

char *live_page(const char *nonce)
{
    char *text = NULL;
    size_t len_bytes;
    FILE *out = tool_need(open_memstream(&text, &len_bytes));
    for (const char *rest = page_html; *rest;) {
        const char *mark = strstr(rest, NONCE_MARK);
        fwrite(rest, 1, mark ? (size_t)(mark - rest) : strlen(rest), out);
        fputs(mark ? nonce : "", out);
        rest = mark ? mark + strlen(NONCE_MARK) : "";
    }
    if (fclose(out) != 0)
        tool_need(NULL);
    return text;
}
