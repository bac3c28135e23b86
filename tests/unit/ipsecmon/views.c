/* SPDX-License-Identifier: ISC
 *
 * Tests of what is printed for programs: view_csv.c field by field, and view_metrics.c's bounds.
 */
#include "views.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static char *csv_of(const struct snapshot *snapshot, const struct filter *filter, bool has_head)
{
    char *text = NULL;
    size_t len_bytes;
    FILE *out = open_memstream(&text, &len_bytes);
    if (has_head)
        view_csv_head(out);
    view_csv(out, snapshot, filter);
    fclose(out);
    return text;
}

static char *metrics_of(const struct snapshot *snapshot, enum metrics_format format)
{
    char *text = NULL;
    size_t len_bytes;
    FILE *out = open_memstream(&text, &len_bytes);
    view_metrics(out, snapshot, format);
    fclose(out);
    return text;
}

static struct snapshot *snapshot_of(size_t count)
{
    struct snapshot *snapshot = snapshot_create();
    snapshot->is_up = true;
    snapshot->time = 1764000000.25;
    snapshot_set_associations(snapshot, count);
    return snapshot;
}

static size_t count_of(const char *text, const char *part)
{
    size_t count = 0;
    for (; (text = strstr(text, part)); text += strlen(part))
        count++;
    return count;
}

Test(csv, each_field_stands_under_its_name)
{
    struct snapshot *snapshot = snapshot_of(1);
    struct association *sa = &snapshot->associations[0];
    *sa = (struct association){.spi = 0x1001,
                               .name = "a",
                               .policy = "b",
                               .filter = "c",
                               .security = "d",
                               .direction = "out",
                               .source = "e",
                               .destination = "f",
                               .protocol = "g",
                               .source_ports = "h",
                               .destination_ports = "i",
                               .mode = "j",
                               .tunnel = "k",
                               .requested = "l",
                               .granted = "m",
                               .state = "n",
                               .packets = 1,
                               .bytes = 25,
                               .dropped_packets = 3,
                               .age_seconds = 4,
                               .hard_seconds = 14,
                               .hard_bytes = 100,
                               .has_rates = true,
                               .packets_second = 5.25,
                               .bytes_second = 6};
    char *text = csv_of(snapshot, NULL, true);
    cr_assert_str_eq(
        text,
        "time,spi,direction,source,destination,policy,filter,security,protocol,source_ports,"
        "destination_ports,mode,tunnel,backend_requested,backend_granted,state,packets,bytes,"
        "dropped_packets,packets_second,bits_second,age_seconds,seconds_left,bytes_left,used_percent,name\r\n"
        "1764000000.250,0x00001001,\"out\",\"e\",\"f\",\"b\",\"c\",\"d\",\"g\",\"h\",\"i\",\"j\",\"k\",\"l\","
        "\"m\",\"n\",1,25,3,5.2,48.0,4,10,75,28,\"a\"\r\n");
    free(text);
    snapshot_destroy(&snapshot);
}

Test(csv, what_is_not_known_is_empty_and_what_is_odd_is_harmless)
{
    struct snapshot *snapshot = snapshot_of(2);
    snapshot->associations[0].name = "a \"quote\", a\x1b[31m\r\nline\x7f";
    snapshot->associations[1].direction = "in";
    char *text = csv_of(snapshot, NULL, false);
    cr_assert_not_null(strstr(text, ",0,0,0,,,0,,,,\"a \"\"quote\"\", a?[31m??line?\"\r\n"));
    cr_assert_eq(count_of(text, "\r\n"), 2);
    free(text);

    char reason[256];
    struct filter *filter = filter_read("dir=in", reason);
    text = csv_of(snapshot, filter, false);
    cr_assert_eq(count_of(text, "\r\n"), 1);
    cr_assert_not_null(strstr(text, "\"in\""));
    free(text);
    filter_destroy(&filter);
    snapshot_destroy(&snapshot);
}

Test(metrics, series_have_an_end_and_the_sums_have_not)
{
    struct snapshot *snapshot = snapshot_of(2100);
    for (uint32_t i = 0; i < 2100; i++) {
        snapshot->associations[i].spi = i;
        snapshot->associations[i].direction = "out";
        snapshot->associations[i].bytes = 1;
        snapshot->associations[i].is_confidential = true;
    }
    struct drop_count *drops = calloc(5000, sizeof *drops);
    for (size_t i = 0; i < 5000; i++)
        drops[i] = (struct drop_count){
            .where = i % 2 ? "guard_in" : "guard_out", .reason = "file:1", .text = "", .packets = 2};
    snapshot->drops = drops;
    snapshot->drop_count = 5000;
    snapshot_sum(snapshot);
    char *text = metrics_of(snapshot, METRICS_OPENMETRICS);
    cr_assert_eq(count_of(text, "\nsallyport_association_bytes_total{"), 2000);
    cr_assert_not_null(strstr(text, "\nsallyport_associations_left_out 100\n"));
    cr_assert_not_null(strstr(text, "\nsallyport_confidential_bytes_sent_total 2100\n"));
    cr_assert_eq(count_of(text, "\nsallyport_drops_total{"), 2);
    cr_assert_not_null(strstr(text, "{where=\"guard_in\",reason=\"refused\"} 5000\n"));
    cr_assert_not_null(strstr(text, "{where=\"guard_out\",reason=\"refused\"} 5000\n"));
    free(text);
    free(drops);
    snapshot_destroy(&snapshot);
}

Test(metrics, labels_are_escaped_and_always_utf_8)
{
    struct snapshot *snapshot = snapshot_of(2);
    snapshot->associations[0].name = "a\\b\"c\nd\xc3\xa9";
    snapshot->associations[1].name = "cut \xc3";
    char *text = metrics_of(snapshot, METRICS_OPENMETRICS);
    cr_assert_not_null(strstr(text, "name=\"a\\\\b\\\"c?d\xc3\xa9\""));
    cr_assert_not_null(strstr(text, "name=\"cut ?\""));
    free(text);
    snapshot_destroy(&snapshot);
}

Test(metrics, both_formats_have_the_same_samples)
{
    struct snapshot *snapshot = snapshot_of(1);
    snapshot_sum(snapshot);
    char *open = metrics_of(snapshot, METRICS_OPENMETRICS), *old = metrics_of(snapshot, METRICS_TEXT);
    size_t samples = 0;
    for (char *rest = open, *line; (line = strsep(&rest, "\n"));) {
        if (*line == '#' || *line == '\0')
            continue;
        samples++;
        cr_expect_not_null(strstr(old, line), "%s", line);
    }
    cr_assert_eq(samples, count_of(old, "\n") - count_of(old, "# "));
    cr_assert_null(strstr(old, "# EOF"));
    cr_assert_null(strstr(old, "# UNIT"));
    cr_assert_not_null(strstr(old, "# TYPE sallyport_packets_total counter\n"));
    cr_assert_not_null(strstr(old, "# TYPE sallyport_daemon_info gauge\n"));
    free(open);
    free(old);
    snapshot_destroy(&snapshot);
}

Test(metrics, who_is_away_is_told_and_nothing_else)
{
    struct snapshot *snapshot = snapshot_create();
    char *text = metrics_of(snapshot, METRICS_OPENMETRICS);
    cr_assert_str_eq(text, "# TYPE sallyport_up gauge\n# HELP sallyport_up Whether the daemon or the kernel "
                           "answered.\nsallyport_up 0\n# EOF\n");
    free(text);
    snapshot_destroy(&snapshot);
}
