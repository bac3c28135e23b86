/* SPDX-License-Identifier: ISC
 *
 * Tests of lib/engine/segment_write.c and segment_read.c: readers see what the engine counted, all of one
 * moment, and believe nothing else.
 */
#include "gate.h"

#include <sallyport/segment.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct made_packet made;

struct scene {
    char folder[64], path[80];
    struct gate gate;
    struct sp_segment *segment;
    struct sp_stats_reader *reader;
};

static void leave(struct gate *gate, const char *destination, uint16_t port)
{
    make_packet(&made, FRONT, destination, IPPROTO_TCP, 4000, port, 100);
    sp_outbound(gate->worker, &made.packet, 1);
}

static struct scene scene_open(void)
{
    struct scene scene = {.folder = "/tmp/segment.XXXXXX"};
    cr_assert_not_null(mkdtemp(scene.folder));
    snprintf(scene.path, sizeof scene.path, "%s/stats", scene.folder);
    scene.gate = gate_open(FRONT_END, FRONT);
    cr_assert_eq(sp_segment_create(scene.path, scene.gate.engine, &scene.segment), SP_OK);
    cr_assert_eq(sp_stats_open(scene.path, &scene.reader), SP_OK);
    return scene;
}

static void scene_close(struct scene *scene)
{
    sp_stats_close(&scene->reader);
    sp_segment_destroy(&scene->segment);
    gate_close(&scene->gate);
    cr_assert_eq(rmdir(scene->folder), 0, "nothing is left in the folder");
}

static void write_and_refresh(struct scene *scene)
{
    cr_assert_eq(sp_segment_write(scene->segment), SP_OK);
    cr_assert_eq(sp_stats_refresh(scene->reader), SP_OK);
}

static const struct sp_segment_totals *totals(const struct scene *scene)
{
    return sp_stats_entry(scene->reader, SP_SEGMENT_TOTALS, 0);
}

Test(segment, tells_what_was_counted)
{
    struct scene scene = scene_open();
    leave(&scene.gate, BACK, 80);
    leave(&scene.gate, BACK, 443);
    leave(&scene.gate, "192.0.2.77", 80);
    cr_assert_eq(sp_stats_refresh(scene.reader), SP_OK);
    cr_assert_eq(totals(&scene)->direction[SP_OUTBOUND].offered_packets, 0, "not written yet");
    write_and_refresh(&scene);

    const struct sp_segment_counters *out = &totals(&scene)->direction[SP_OUTBOUND];
    cr_assert_eq(out->offered_packets, 3);
    cr_assert_eq(out->offered_bytes, 3 * 140);
    cr_assert_eq(out->sealed_packets, 1);
    cr_assert_eq(out->bypassed_packets, 1);
    cr_assert_eq(out->dropped_packets[SP_DROP_NO_SA], 1);
    cr_assert_eq(totals(&scene)->direction[SP_INBOUND].offered_packets, 0);
    cr_assert_eq(sp_stats_header(scene.reader)->generation, 1);
    scene_close(&scene);
}

Test(segment, names_its_reasons_and_rules)
{
    struct scene scene = scene_open();
    leave(&scene.gate, BACK, 80);
    write_and_refresh(&scene);
    cr_assert_eq(sp_stats_count(scene.reader, SP_SEGMENT_REASON), SP_DROP_COUNT);
    const struct sp_segment_reason *reason = sp_stats_entry(scene.reader, SP_SEGMENT_REASON, SP_DROP_BAD_ICV);
    cr_assert_str_eq(reason->id, "bad-icv");
    cr_assert_str_eq(reason->text, sp_drop_text(SP_DROP_BAD_ICV));

    cr_assert_eq(sp_stats_count(scene.reader, SP_SEGMENT_RULES), 3, "two rules and the default");
    const struct sp_segment_rule *rule = sp_stats_entry(scene.reader, SP_SEGMENT_RULES, 1);
    cr_assert_str_eq(rule->name, "Outbound TCP 80");
    cr_assert_str_eq(rule->action, "protect");
    cr_assert_eq(rule->direction[SP_OUTBOUND].sealed_packets, 1);
    rule = sp_stats_entry(scene.reader, SP_SEGMENT_RULES, 2);
    cr_assert_str_eq(rule->action, "bypass");
    cr_assert_str_eq(rule->text, "default");
    cr_assert_null(sp_stats_entry(scene.reader, SP_SEGMENT_RULES, 3));
    scene_close(&scene);
}

Test(segment, tells_of_each_sa_and_no_key)
{
    struct scene scene = scene_open();
    leave(&scene.gate, BACK, 80);
    write_and_refresh(&scene);
    cr_assert_eq(sp_stats_count(scene.reader, SP_SEGMENT_SAS), 2);
    const struct sp_segment_sa *sa = sp_stats_entry(scene.reader, SP_SEGMENT_SAS, 0);
    struct sp_sa_info info;
    cr_assert_eq(sp_sad_get(scene.gate.sad, 0, &info), SP_OK);
    cr_assert_eq(sa->spi, 0x1001);
    cr_assert_eq(sa->family, 4);
    cr_assert_eq(memcmp(sa->source, info.source.bytes, 4), 0);
    cr_assert_eq(memcmp(sa->destination, info.destination.bytes, 4), 0);
    cr_assert_str_eq(sa->encryption, "3des-cbc");
    cr_assert_str_eq(sa->integrity, "hmac-sha1-96");
    cr_assert_str_eq(sa->fingerprint, info.fingerprint);
    cr_assert_eq(sa->sequence_sent, 1);
    cr_assert_eq(sa->bytes, info.bytes);
    cr_assert_eq(sa->hard_bytes, info.lifetime.hard_bytes);
    cr_assert_eq(sa->direction[SP_OUTBOUND].sealed_packets, 1);

    cr_assert_eq(sp_sad_remove(scene.gate.sad, 0), SP_OK);
    write_and_refresh(&scene);
    cr_assert_eq(sp_stats_count(scene.reader, SP_SEGMENT_SAS), 1);
    sa = sp_stats_entry(scene.reader, SP_SEGMENT_SAS, 0);
    cr_assert_eq(sa->spi, 0x1002);
    scene_close(&scene);
}

Test(segment, totals_of_sas_go_on_when_an_sa_is_gone)
{
    struct scene scene = scene_open();
    struct sp_sa_info info;
    leave(&scene.gate, BACK, 80);
    cr_assert_eq(sp_sad_get(scene.gate.sad, 0, &info), SP_OK);
    write_and_refresh(&scene);
    cr_assert_eq(totals(&scene)->key_additions, 2);
    cr_assert_eq(totals(&scene)->key_deletions, 0);
    cr_assert_eq(sp_sad_remove(scene.gate.sad, 0), SP_OK);
    write_and_refresh(&scene);
    cr_assert_eq(totals(&scene)->key_deletions, 1);
    cr_assert_eq(totals(&scene)->carried[SP_OUTBOUND].packets, 1);
    cr_assert_eq(totals(&scene)->carried[SP_OUTBOUND].confidential_bytes, info.bytes);
    cr_assert_eq(totals(&scene)->carried[SP_OUTBOUND].authenticated_bytes, info.bytes);
    cr_assert_eq(totals(&scene)->carried[SP_INBOUND].packets, 0);
    scene_close(&scene);
}

static void publish_rules(struct gate *gate, int count)
{
    char text[16384] = "";
    for (int i = 0; i < count; i++) {
        char rule[80];
        snprintf(rule, sizeof rule, "bypass out udp from me to any port %d\n", 1000 + i);
        strcat(text, rule);
    }
    strcat(text, "default block\n");
    gate_publish(gate, text, FRONT);
}

Test(segment, readers_follow_a_file_that_grew)
{
    struct scene scene = scene_open();
    struct stat before, after;
    cr_assert_eq(stat(scene.path, &before), 0);
    publish_rules(&scene.gate, 63);
    write_and_refresh(&scene);
    cr_assert_eq(stat(scene.path, &after), 0);
    cr_assert_eq(before.st_ino, after.st_ino, "64 fit the first file");
    publish_rules(&scene.gate, 64);
    write_and_refresh(&scene);
    cr_assert_eq(stat(scene.path, &after), 0);
    cr_assert_neq(before.st_ino, after.st_ino);
    cr_assert_eq(sp_stats_count(scene.reader, SP_SEGMENT_RULES), 65);
    cr_assert_eq(sp_stats_header(scene.reader)->flags, 0);
    leave(&scene.gate, BACK, 80);
    write_and_refresh(&scene);
    cr_assert_eq(totals(&scene)->direction[SP_OUTBOUND].offered_packets, 1);
    scene_close(&scene);
}

Test(segment, who_has_it_open_keeps_the_last_figures)
{
    struct scene scene = scene_open();
    leave(&scene.gate, BACK, 80);
    sp_segment_destroy(&scene.segment);
    cr_assert_neq(access(scene.path, F_OK), 0);
    cr_assert_eq(sp_stats_refresh(scene.reader), SP_OK);
    cr_assert_eq(totals(&scene)->direction[SP_OUTBOUND].offered_packets, 1);
    cr_assert_eq(sp_stats_header(scene.reader)->flags, SP_SEGMENT_CLOSED);
    scene_close(&scene);
}

Test(segment, others_may_not_read_it)
{
    struct scene scene = scene_open();
    struct stat file;
    cr_assert_eq(stat(scene.path, &file), 0);
    cr_assert_eq(file.st_mode & 0777, 0640);
    scene_close(&scene);
}

/* ---- one moment ---------------------------------------------------------------------------------------- */

static atomic_bool is_over;
static atomic_uint copies_seen;

/* The packets of all rules are those of the total, and each direction adds up, in any consistent copy. */
static void *watch(void *path)
{
    struct sp_stats_reader *reader;
    cr_assert_eq(sp_stats_open(path, &reader), SP_OK);
    while (!is_over) {
        uint64_t sum = 0;
        cr_assert_eq(sp_stats_refresh(reader), SP_OK);
        const struct sp_segment_totals *all = sp_stats_entry(reader, SP_SEGMENT_TOTALS, 0);
        for (uint32_t i = 0; i < sp_stats_count(reader, SP_SEGMENT_RULES); i++) {
            const struct sp_segment_rule *rule = sp_stats_entry(reader, SP_SEGMENT_RULES, i);
            sum += rule->direction[SP_OUTBOUND].offered_packets;
        }
        cr_assert_eq(sum, all->direction[SP_OUTBOUND].offered_packets);
        copies_seen++;
    }
    sp_stats_close(&reader);
    return NULL;
}

Test(segment, a_copy_is_of_one_moment)
{
    struct scene scene = scene_open();
    pthread_t thread;
    publish_rules(&scene.gate, 63); /* so that writing takes as long as copying */
    cr_assert_eq(sp_segment_write(scene.segment), SP_OK);
    cr_assert_eq(pthread_create(&thread, NULL, watch, scene.path), 0);
    for (int i = 0; i < 3000 || copies_seen < 100; i++) {
        leave(&scene.gate, BACK, i % 2 ? 80 : 443);
        cr_assert_eq(sp_segment_write(scene.segment), SP_OK);
        usleep(100); /* a gap in which a copy can be had */
    }
    is_over = true;
    pthread_join(thread, NULL);
    scene_close(&scene);
}

/* ---- what isn't a segment ------------------------------------------------------------------------------ */

/* Changes a byte range of the file, behind the writer's back. */
static void overwrite(const struct scene *scene, size_t at, const void *bytes, size_t len_bytes)
{
    FILE *file = fopen(scene->path, "r+b");
    cr_assert_not_null(file);
    fseek(file, (long)at, SEEK_SET);
    cr_assert_eq(fwrite(bytes, 1, len_bytes, file), len_bytes);
    fclose(file);
}

static enum sp_status opened(const struct scene *scene)
{
    struct sp_stats_reader *reader = NULL;
    const enum sp_status status = sp_stats_open(scene->path, &reader);
    sp_stats_close(&reader);
    return status;
}

static void assert_refused(size_t at, const void *bytes, size_t len_bytes)
{
    struct scene scene = scene_open();
    cr_assert_eq(opened(&scene), SP_OK);
    overwrite(&scene, at, bytes, len_bytes);
    cr_assert_eq(opened(&scene), SP_ERR_UNSUPPORTED);
    cr_assert_eq(sp_stats_refresh(scene.reader), SP_ERR_UNSUPPORTED);
    cr_assert_eq(totals(&scene)->direction[SP_OUTBOUND].offered_packets, 0, "the former copy is still there");
    scene_close(&scene);
}

static size_t table_at(enum sp_segment_table_id id)
{
    return offsetof(struct sp_segment_header, tables) + id * sizeof(struct sp_segment_table);
}

Test(segment, another_magic_or_version_is_refused)
{
    assert_refused(0, "X", 1);
    const uint32_t version = SP_SEGMENT_VERSION + 1;
    assert_refused(offsetof(struct sp_segment_header, version), &version, sizeof version);
}

Test(segment, tables_outside_the_file_are_refused)
{
    const uint64_t far = 1ull << 40, odd = sizeof(struct sp_segment_header) + 4;
    const uint32_t many = UINT32_MAX, small = 8;
    assert_refused(table_at(SP_SEGMENT_SAS), &far, sizeof far);
    assert_refused(table_at(SP_SEGMENT_SAS), &odd, sizeof odd);
    assert_refused(table_at(SP_SEGMENT_RULES) + offsetof(struct sp_segment_table, room), &many, sizeof many);
    assert_refused(table_at(SP_SEGMENT_RULES) + offsetof(struct sp_segment_table, count), &many, sizeof many);
    assert_refused(table_at(SP_SEGMENT_RULES) + offsetof(struct sp_segment_table, entry_bytes), &small,
                   sizeof small);
}

Test(segment, a_writer_that_died_at_it_is_told_of)
{
    struct scene scene = scene_open();
    const uint64_t odd = 7, even = 8;
    overwrite(&scene, offsetof(struct sp_segment_header, sequence), &odd, sizeof odd);
    cr_assert_eq(sp_stats_refresh(scene.reader), SP_ERR_LIMIT);
    overwrite(&scene, offsetof(struct sp_segment_header, sequence), &even, sizeof even);
    cr_assert_eq(sp_stats_refresh(scene.reader), SP_OK);
    scene_close(&scene);
}

Test(segment, what_is_no_file_or_too_short_is_refused)
{
    struct sp_stats_reader *reader = NULL;
    struct sp_segment *segment = NULL;
    struct gate gate = gate_bare();
    cr_assert_eq(sp_stats_open("/tmp/there/is/none", &reader), SP_ERR_SYSTEM);
    cr_assert_eq(sp_stats_open("/dev/null", &reader), SP_ERR_UNSUPPORTED);
    cr_assert_eq(sp_segment_create("/tmp/there/is/none", gate.engine, &segment), SP_ERR_SYSTEM);
    cr_assert_null(segment);
    gate_close(&gate);
}
