/* SPDX-License-Identifier: ISC
 *
 * Two looks at the counters of packets that were really sealed or opened. An SA that is there, an SA that is
 * new, traffic that is dropped: none of them is traffic under ESP. A daemon that was started anew in between
 * can't be compared, so it doesn't count either.
 */
#include "expect.h"

#include "json.h"
#include "tool.h"

#include <inttypes.h>
#include <unistd.h>

struct finding {
    size_t association_count; /* that the filter passes */
    uint64_t packets;         /* that went under them meanwhile */
    const char *reason;       /* why there is no answer; NULL: there is one */
};

static struct finding look(struct source *source, const struct wish *wish, struct snapshot **former,
                           struct snapshot **now)
{
    struct finding finding = {0};
    *former = source_take(source, NULL);
    usleep((useconds_t)wish->interval_ms * 1000u);
    *now = source_take(source, *former);
    const struct snapshot *down = !(*former)->is_up ? *former : *now;
    if (!down->is_up)
        finding.reason = down->reason;
    else if (*(*now)->warning)
        finding.reason = (*now)->warning;
    else if ((*now)->seconds <= 0)
        finding.reason = "the daemon was started anew meanwhile";
    for (size_t i = 0; i < (*now)->association_count; i++) {
        const struct association *sa = &(*now)->associations[i];
        if (!filter_passes(wish->filter, sa))
            continue;
        finding.association_count++;
        finding.packets += sa->new_esp_packets;
    }
    return finding;
}

static void tell_json(const struct finding *finding, bool is_good, double seconds)
{
    json_t *object = tool_need(json_object());
    json_put(object, "encrypted", json_boolean(is_good));
    json_put(object, "associations", json_number(finding->association_count));
    json_put(object, "packets", json_number(finding->packets));
    json_put(object, "seconds", json_real(seconds));
    json_put(object, "error", json_text(finding->reason));
    json_print(object, stdout, false);
}

static void tell(const struct finding *finding, double seconds)
{
    if (finding->reason)
        tool_say("%s", finding->reason);
    else if (finding->association_count == 0)
        tool_say("not encrypted: no association passes the filter");
    else if (finding->packets == 0)
        tool_say("not encrypted: no packet went under %zu association%s in %.1f s",
                 finding->association_count, finding->association_count == 1 ? "" : "s", seconds);
    else
        printf("encrypted: %" PRIu64 " packets in %.1f s under ESP, %zu association%s\n", finding->packets,
               seconds, finding->association_count, finding->association_count == 1 ? "" : "s");
}

int expect_encrypted(struct source *source, const struct wish *wish)
{
    struct snapshot *former = NULL, *now = NULL;
    const struct finding finding = look(source, wish, &former, &now);
    const bool is_good = !finding.reason && finding.packets > 0;
    if (wish->output == OUTPUT_JSON)
        tell_json(&finding, is_good, now->seconds);
    else
        tell(&finding, now->seconds);
    snapshot_destroy(&former);
    snapshot_destroy(&now);
    return is_good ? TOOL_OK : TOOL_NOT_APPLIED;
}
