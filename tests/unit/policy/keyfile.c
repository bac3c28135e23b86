/* SPDX-License-Identifier: ISC
 *
 * SA files: all of their SAs or none, and nothing of them left behind.
 */
#include "sa/sad.h"

#include "unit/policy/fixture.h"

#include "core/clock.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SA_TEXT(name, spi)                                                                                   \
    "sa \"" name "\" {\n    spi " spi "\n    from 192.0.2.1 to 192.0.2.2\n    esp null hmac-md5-96\n"        \
    "    integrity-key 0x000102030405060708090a0b0c0d0e0f\n}\n"

static struct sp_sad *sad;
static struct sp_report *report;

static void begin(void)
{
    make_folder();
    cr_assert_eq(sp_sad_create(4, &sad), SP_OK);
    cr_assert_eq(sp_report_create(&report), SP_OK);
}

static void end(void)
{
    sp_sad_destroy(&sad);
    sp_report_destroy(&report);
    remove_folder();
}

TestSuite(keyfile, .init = begin, .fini = end, .timeout = 60);

static enum sp_status load(const char *text)
{
    return sp_sad_load(sad, write_file("keys", text, strlen(text), 0600), report);
}

Test(keyfile, the_sas_of_a_file_are_in_the_sad_as_they_are_written)
{
    static const char text[] =
        "sa \"front\" {\n"
        "    spi 0xdeadbeef\n"
        "    from 2001:db8::1 to 2001:db8::2\n"
        "    esp 3des-cbc hmac-sha2-256-128\n"
        "    encryption-key 0x0123456789abcdef23456789abcdef01456789abcdef0123\n"
        "    integrity-key 0x00112233445566778899AABBCCDDEEFF00112233445566778899aabbccddeeff\n"
        "    replay-window 4096\n"
        "    lifetime 1 MB 5 minutes 9 packets\n"
        "}\n";
    struct sp_sa_info info;
    cr_assert_eq(load(text), SP_OK);
    cr_assert_eq(sp_report_count(report), 0);
    cr_assert_eq(sp_sad_count(sad), 1);
    cr_assert_eq(sp_sad_get(sad, 0, &info), SP_OK);
    cr_assert_str_eq(info.name, "front");
    cr_assert_eq(info.spi, 0xdeadbeef);
    cr_assert_eq(info.source.bytes[15], 1);
    cr_assert_eq(info.destination.bytes[15], 2);
    cr_assert_eq(info.encryption, SP_ENCRYPTION_3DES_CBC);
    cr_assert_eq(info.integrity, SP_INTEGRITY_HMAC_SHA2_256_128);
    cr_assert_eq(info.replay_window_packets, 4096);
    cr_assert_eq(info.lifetime.hard_bytes, 1 << 20);
    cr_assert_eq(info.lifetime.hard_seconds, 300);
    cr_assert_eq(info.lifetime.hard_packets, 9);
}

/* The fingerprint is of the keys, so it tells whether the digits were read right. */
Test(keyfile, keys_inline_and_from_files_are_the_same_keys)
{
    struct sp_sa_info inside, outside, direct;
    uint32_t number;
    uint8_t key[16];
    for (uint8_t i = 0; i < sizeof key; i++)
        key[i] = i;
    (void)write_file("key", " \n0x000102030405060708090A0b0c0d0e0f \r\n", 39, 0600);
    cr_assert_eq(load(SA_TEXT("inline", "256") "sa \"file\" {\n spi 257\n from 192.0.2.1 to 192.0.2.2\n"
                                               " esp null hmac-md5-96\n integrity-key file \"key\"\n}\n"),
                 SP_OK);
    struct sp_sa_params params = {.spi = 258,
                                  .source = address_of("192.0.2.1"),
                                  .destination = address_of("192.0.2.2"),
                                  .encryption = SP_ENCRYPTION_NULL,
                                  .integrity = SP_INTEGRITY_HMAC_MD5_96,
                                  .integrity_key = key,
                                  .integrity_key_bytes = sizeof key};
    cr_assert_eq(sp_sad_add(sad, &params, &number, NULL), SP_OK);
    cr_assert_eq(sp_sad_get(sad, 0, &inside), SP_OK);
    cr_assert_eq(sp_sad_get(sad, 1, &outside), SP_OK);
    cr_assert_eq(sp_sad_get(sad, number, &direct), SP_OK);
    cr_assert_str_eq(inside.fingerprint, direct.fingerprint);
    cr_assert_str_eq(outside.fingerprint, direct.fingerprint);
}

Test(keyfile, one_bad_sa_keeps_all_others_out)
{
    cr_assert_eq(load(SA_TEXT("a", "256") SA_TEXT("b", "255") SA_TEXT("c", "257")), SP_ERR_PARSE);
    cr_assert_eq(sp_sad_count(sad), 0);
    cr_assert_eq(sp_report_get(report, 0)->code, SP_ERR_SPI);
    cr_assert_eq(sp_report_get(report, 0)->line, 8);
}

Test(keyfile, an_sa_that_is_there_already_keeps_the_whole_file_out)
{
    cr_assert_eq(load(SA_TEXT("a", "256")), SP_OK);
    cr_assert_eq(load(SA_TEXT("b", "257") SA_TEXT("c", "256")), SP_ERR_EXISTS);
    cr_assert_eq(sp_sad_count(sad), 1);
    cr_assert_eq(sp_report_get(report, 0)->line, 8);
}

Test(keyfile, a_file_with_more_sas_than_there_is_room_for_is_kept_out)
{
    cr_assert_eq(load(SA_TEXT("a", "256") SA_TEXT("b", "257")), SP_OK);
    cr_assert_eq(load(SA_TEXT("c", "258") SA_TEXT("d", "259") SA_TEXT("e", "260")), SP_ERR_LIMIT);
    cr_assert_eq(sp_sad_count(sad), 2);
    cr_assert_eq(load(SA_TEXT("c", "258") SA_TEXT("d", "259")), SP_OK);
    cr_assert_eq(sp_sad_count(sad), 4);
}

Test(keyfile, a_file_open_to_others_is_refused_and_so_is_one_whose_key_file_is)
{
    static const char text[] = SA_TEXT("a", "256");
    cr_assert_eq(sp_sad_load(sad, write_file("open", text, sizeof text - 1, 0640), report),
                 SP_ERR_PERMISSION);
    (void)write_file("key", "000102030405060708090a0b0c0d0e0f", 32, 0604);
    cr_assert_eq(load("sa \"f\" {\n spi 257\n from 192.0.2.1 to 192.0.2.2\n esp null hmac-md5-96\n"
                      " integrity-key file \"key\"\n}\n"),
                 SP_ERR_PERMISSION);
    cr_assert_eq(sp_report_errors(report), 2);
    cr_assert_eq(sp_sad_count(sad), 0);
}

Test(keyfile, an_empty_file_has_no_sas_and_no_errors)
{
    cr_assert_eq(load(""), SP_OK);
    cr_assert_eq(sp_sad_count(sad), 0);
}

Test(keyfile, thousands_of_sas_are_read_in_linear_time)
{
    enum { SAS = 20000 };
    struct sp_sad *large;
    char *text = malloc((size_t)SAS * 256), *at = text;
    cr_assert_eq(sp_sad_create(SAS, &large), SP_OK);
    for (int i = 0; i < SAS; i++)
        at += sprintf(at,
                      "sa \"n%d\" {\n spi %d\n from 192.0.2.1 to 192.0.2.2\n esp null hmac-md5-96\n"
                      " integrity-key 0x%032x\n}\n",
                      i, i + 256, i);
    cr_assert_eq(sp_sad_load(large, write_file("keys", text, (size_t)(at - text), 0600), report), SP_OK);
    cr_assert_eq(sp_sad_count(large), SAS);
    sp_sad_destroy(&large);
    free(text);
}

/* A sanitizer's shadow memory is too large to be looked through. */
#if !SP_HAS_ASAN

/* What is left in memory. The key exists in this process as a rule, never as bytes: a child writes the file.
 */
enum { KEY_BYTES = 16, SIGHT_BYTES = 8 };

/* volatile, so that the compiler can't make a constant of the key either */
static volatile uint8_t key_seed = 0xa7;

static uint8_t key_byte(size_t at)
{
    return (uint8_t)(key_seed + at * 0x35 + (at * at) * 0x0d);
}

static char key_digit(size_t at)
{
    unsigned half = at % 2 == 0 ? key_byte(at / 2) >> 4 : key_byte(at / 2) & 15;
    return (char)(half < 10 ? '0' + half : 'a' + half - 10);
}

static void child_writes_key_file(const char *path, const char *tail)
{
    pid_t child = fork();
    if (child == 0) {
        FILE *out = fopen(path, "w");
        fprintf(
            out,
            "sa \"a\" {\n spi 256\n from 192.0.2.1 to 192.0.2.2\n esp null hmac-md5-96\n integrity-key 0x");
        for (size_t i = 0; i < 2 * KEY_BYTES; i++)
            fputc(key_digit(i), out);
        fprintf(out, "\n}%s\n", tail);
        _exit(fclose(out) == 0 && chmod(path, 0600) == 0 ? 0 : 1);
    }
    int result;
    cr_assert_eq(waitpid(child, &result, 0), child);
    cr_assert_eq(result, 0);
}

static bool is_digits(const char *at)
{
    for (size_t i = 0; i < SIGHT_BYTES; i++) {
        if (at[i] != key_digit(i))
            return false;
    }
    return true;
}

static bool is_bytes(const char *at)
{
    for (size_t i = 0; i < SIGHT_BYTES; i++) {
        if ((uint8_t)at[i] != key_byte(i))
            return false;
    }
    return true;
}

/* How often the key, or its digits, stand in memory that can be written. */
static size_t count_sights(void)
{
    size_t sights = 0;
    char line[512], rights[8];
    unsigned long long start, stop;
    FILE *maps = fopen("/proc/self/maps", "r");
    cr_assert_not_null(maps);
    while (fgets(line, sizeof line, maps) != NULL) {
        if (sscanf(line, "%llx-%llx %7s", &start, &stop, rights) != 3 || strncmp(rights, "rw", 2) != 0)
            continue;
        for (const char *at = (const char *)(uintptr_t)start;
             at + SIGHT_BYTES <= (const char *)(uintptr_t)stop; at++)
            sights += is_digits(at) || is_bytes(at);
    }
    fclose(maps);
    return sights;
}

Test(keyfile, after_reading_no_copy_of_a_key_or_its_digits_is_left_in_memory)
{
    const char *path = in_folder("keys");
    child_writes_key_file(path, " nonsense");
    volatile char *heap = malloc(SIGHT_BYTES);
    for (size_t i = 0; i < SIGHT_BYTES; i++)
        heap[i] = key_digit(i);
    size_t sights = count_sights();
    cr_assert_eq(sights, 1, "the search finds a copy when there is one, not %zu", sights);
    for (size_t i = 0; i < SIGHT_BYTES; i++)
        heap[i] = 0;
    cr_assert_eq(count_sights(), 0);
    cr_assert_eq(sp_sad_load(sad, path, report), SP_ERR_PARSE);
    cr_assert_eq(count_sights(), 0, "after a refused file");
    child_writes_key_file(path, "");
    cr_assert_eq(sp_sad_load(sad, path, report), SP_OK);
    cr_assert_eq(count_sights(), 0, "the SAD holds what derives from the key, not the key");
    free((void *)(uintptr_t)heap);
}

#endif

/* ---- a file read again ---- */

static enum sp_status load_again(const char *text, struct sp_sad_reload **reload)
{
    return sp_sad_reload_begin(sad, write_file("keys", text, strlen(text), 0600), report, reload);
}

static bool has_spi(uint32_t spi)
{
    struct sp_sa_info info;
    for (uint32_t number = 0; number < sp_sad_capacity(sad); number++)
        if (sp_sad_get(sad, number, &info) == SP_OK && info.spi == spi)
            return true;
    return false;
}

Test(keyfile, a_file_read_again_keeps_adds_and_then_removes)
{
    struct sp_sad_reload *reload;
    cr_assert_eq(load(SA_TEXT("a", "256") SA_TEXT("b", "257")), SP_OK);
    struct sp_sa *kept = sp_sad_by_number(sad, 1);
    kept->sequence_sent = 77;
    cr_assert_eq(load_again(SA_TEXT("c", "258") SA_TEXT("b", "257"), &reload), SP_OK);
    struct sp_sad_reload_counts counts = sp_sad_reload_counts(reload);
    cr_assert_eq(counts.kept, 1);
    cr_assert_eq(counts.added, 1);
    cr_assert_eq(counts.removed, 1);
    cr_assert(has_spi(256) && has_spi(257) && has_spi(258), "until the end both files' SAs are there");
    sp_sad_reload_end(&reload, true);
    cr_assert_null(reload);
    cr_assert(!has_spi(256) && has_spi(257) && has_spi(258));
    cr_assert_eq(sp_sad_by_number(sad, 1), kept);
    cr_assert_eq(kept->sequence_sent, 77);
}

Test(keyfile, a_file_read_again_in_vain_leaves_what_was)
{
    struct sp_sad_reload *reload = NULL;
    cr_assert_eq(load(SA_TEXT("a", "256") SA_TEXT("b", "257")), SP_OK);
    cr_assert_eq(load_again(SA_TEXT("c", "258"), &reload), SP_OK);
    sp_sad_reload_end(&reload, false);
    cr_assert(has_spi(256) && has_spi(257) && !has_spi(258));
    cr_assert_eq(load_again(SA_TEXT("c", "258") "nonsense\n", &reload), SP_ERR_PARSE);
    cr_assert_null(reload);
    cr_assert(has_spi(256) && has_spi(257) && !has_spi(258));
    cr_assert_eq(load_again(SA_TEXT("c", "258") SA_TEXT("d", "259") SA_TEXT("e", "260"), &reload),
                 SP_ERR_LIMIT);
    cr_assert_eq(sp_sad_count(sad), 2);
    sp_sad_reload_end(&reload, true); /* NULL is fine */
}

/* ---- and with a grace time ---- */

#define SECOND_NS 1000000000u
#define GRACE_SECONDS 30u

static const char reverse[] =
    "sa \"r\" {\n    spi 700\n    from 192.0.2.2 to 192.0.2.1\n    esp null hmac-md5-96\n"
    "    integrity-key 0x000102030405060708090a0b0c0d0e0f\n}\n";

static struct sp_sa *goes_out(void)
{
    struct sp_address from, to;
    cr_assert_eq(sp_address_parse("192.0.2.1", &from), SP_OK);
    cr_assert_eq(sp_address_parse("192.0.2.2", &to), SP_OK);
    return sp_sad_find_outbound(sad, &from, &to, SP_ENCRYPTION_NULL, SP_INTEGRITY_HMAC_MD5_96,
                                SP_MODE_TRANSPORT, false, false);
}

static uint32_t outbound_spi(void)
{
    const struct sp_sa *sa = goes_out();
    return sa ? sa->spi : 0;
}

static void load_gently(const char *text)
{
    struct sp_sad_reload *reload;
    cr_assert_eq(load_again(text, &reload), SP_OK);
    sp_sad_reload_end_gently(&reload, GRACE_SECONDS);
    cr_assert_null(reload);
}

Test(keyfile, an_sa_that_another_one_replaces_stays_inbound_for_the_grace_time)
{
    struct sp_sa_info info;
    cr_assert_eq(load(SA_TEXT("a", "256")), SP_OK);
    load_gently(SA_TEXT("b", "257"));
    cr_assert_eq(outbound_spi(), 257, "from now on the new one");
    cr_assert(has_spi(256));
    cr_assert_eq(sp_sad_get(sad, 0, &info), SP_OK);
    cr_assert(info.spi == 256 && info.is_retired);
    sp_clock_advance_ns(GRACE_SECONDS * UINT64_C(1000000000) - SECOND_NS);
    cr_assert_eq(sp_sad_sweep(sad), 0);
    cr_assert(has_spi(256));
    sp_clock_advance_ns(2 * UINT64_C(1000000000));
    cr_assert_eq(sp_sad_sweep(sad), 1);
    cr_assert(!has_spi(256) && has_spi(257));
    cr_assert_eq(sp_sad_sweep(sad), 0);
}

Test(keyfile, a_retired_sa_is_not_used_even_when_its_successor_is_spent)
{
    cr_assert_eq(load(SA_TEXT("a", "256")), SP_OK);
    load_gently(SA_TEXT("b", "257"));
    goes_out()->state = SP_SA_HARD_EXPIRED;
    cr_assert_eq(outbound_spi(), 257);
}

Test(keyfile, an_sa_without_a_successor_goes_at_once)
{
    cr_assert_eq(load(SA_TEXT("a", "256")), SP_OK);
    cr_assert_eq(load(reverse), SP_OK);
    load_gently(SA_TEXT("b", "257"));
    cr_assert(has_spi(256), "replaced");
    cr_assert(!has_spi(700), "only removed");
    load_gently("");
    cr_assert(!has_spi(257), "a retired one is nobody's successor");
    cr_assert_eq(outbound_spi(), 0);
}

Test(keyfile, a_retired_sa_that_a_later_file_has_again_goes_on)
{
    struct sp_sad_reload *reload;
    cr_assert_eq(load(SA_TEXT("a", "256")), SP_OK);
    load_gently(SA_TEXT("b", "257"));
    cr_assert_eq(load_again(SA_TEXT("a", "256"), &reload), SP_OK);
    cr_assert_eq(sp_sad_reload_counts(reload).kept, 1);
    cr_assert_eq(sp_sad_reload_counts(reload).removed, 1);
    cr_assert_eq(outbound_spi(), 257, "not before the end");
    sp_sad_reload_end_gently(&reload, GRACE_SECONDS);
    cr_assert_eq(outbound_spi(), 256);
    sp_clock_advance_ns((GRACE_SECONDS + 1) * UINT64_C(1000000000));
    cr_assert_eq(sp_sad_sweep(sad), 1);
    cr_assert(has_spi(256) && !has_spi(257));
}

Test(keyfile, a_reload_does_not_count_what_is_retired_as_removed_again)
{
    struct sp_sad_reload *reload;
    cr_assert_eq(load(SA_TEXT("a", "256")), SP_OK);
    load_gently(SA_TEXT("b", "257"));
    cr_assert_eq(load_again(SA_TEXT("c", "258"), &reload), SP_OK);
    cr_assert_eq(sp_sad_reload_counts(reload).removed, 1);
    sp_sad_reload_end(&reload, false);
    cr_assert(has_spi(256) && has_spi(257) && !has_spi(258));
    cr_assert_eq(outbound_spi(), 257);
}

Test(keyfile, an_sa_in_use_does_not_become_another_one_under_its_spi)
{
    static const char *const others[] = {
        "    esp null hmac-md5-96\n    integrity-key 0x0f0e0d0c0b0a09080706050403020100\n}\n",
        "    esp null hmac-md5-96\n    integrity-key 0x000102030405060708090a0b0c0d0e0f\n"
        "    replay-window 128\n}\n",
        "    esp null hmac-md5-96\n    integrity-key 0x000102030405060708090a0b0c0d0e0f\n"
        "    lifetime 9 packets\n}\n",
    };
    cr_assert_eq(load(SA_TEXT("a", "256")), SP_OK);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        struct sp_sad_reload *reload = NULL;
        char text[512];
        snprintf(text, sizeof text,
                 SA_TEXT("b", "257") "sa \"a\" {\n    spi 256\n    from 192.0.2.1 to "
                                     "192.0.2.2\n%s",
                 others[i]);
        cr_assert_eq(load_again(text, &reload), SP_ERR_EXISTS, "%s", others[i]);
        const struct sp_error *error = sp_report_get(report, sp_report_count(report) - 1);
        cr_assert_eq(error->line, 8);
        cr_assert(strstr(error->text, "another SPI"), "%s", error->text);
        cr_assert_eq(sp_sad_count(sad), 1);
    }
    struct sp_sad_reload *reload = NULL;
    cr_assert_eq(load_again(SA_TEXT("renamed", "256"), &reload), SP_OK);
    cr_assert_eq(sp_sad_reload_counts(reload).kept, 1);
    sp_sad_reload_end(&reload, true);
    cr_assert_eq(sp_sad_count(sad), 1);
}

static void take_name(const struct sp_sa_params *params, void *context)
{
    char *names = context;

    cr_assert_eq(params->integrity_key_bytes, 16);
    cr_assert_eq(params->integrity_key[15], 15);
    strcat(strcat(names, params->name), " ");
}

Test(keyfile, a_visitor_sees_the_sas_in_order_or_none_of_a_file_with_an_error)
{
    static const char good[] = SA_TEXT("one", "0x1001") SA_TEXT("two", "0x1002");
    static const char bad[] = SA_TEXT("one", "0x1001") SA_TEXT("one", "0x1002");
    char names[64] = "";

    cr_assert_eq(sp_keys_visit(write_file("good", good, strlen(good), 0600), take_name, names, report),
                 SP_OK);
    cr_expect_str_eq(names, "one two ");
    cr_assert_eq(sp_keys_visit(write_file("bad", bad, strlen(bad), 0600), take_name, names, report),
                 SP_ERR_PARSE);
    cr_expect_str_eq(names, "one two ", "none of them");
}

#define GCM_TEXT(spi, key)                                                                                   \
    "sa \"g\" {\n    spi " spi                                                                               \
    "\n    from 192.0.2.1 to 192.0.2.2\n    esp aes128-gcm16\n    encryption-key " key "\n}\n"
#define GCM_KEY "0x000102030405060708090a0b0c0d0e0f10111213"

static struct sp_sa *gcm_sa(uint32_t spi)
{
    struct sp_sa_info info;
    for (uint32_t number = 0; number < sp_sad_capacity(sad); number++)
        if (sp_sad_get(sad, number, &info) == SP_OK && info.spi == spi)
            return sp_sad_by_number(sad, number);
    return NULL;
}

Test(keyfile, a_gcm_sa_that_goes_on_counts_its_ivs_on_and_one_that_comes_back_begins_elsewhere)
{
    struct sp_sad_reload *reload = NULL;
    cr_assert_eq(load(GCM_TEXT("256", GCM_KEY)), SP_OK);
    struct sp_sa *sa = gcm_sa(256);
    const uint64_t first_start = sa->iv_start;
    sa->sequence_sent = 77;
    cr_assert_eq(load_again(GCM_TEXT("256", GCM_KEY) SA_TEXT("b", "257"), &reload), SP_OK);
    sp_sad_reload_end(&reload, true);
    cr_assert_eq(gcm_sa(256), sa);
    cr_assert_eq(sa->iv_start, first_start);
    cr_assert_eq(sa->sequence_sent, 77);
    cr_assert_eq(load_again(SA_TEXT("b", "257"), &reload), SP_OK);
    sp_sad_reload_end(&reload, true);
    cr_assert_null(gcm_sa(256));
    cr_assert_eq(load_again(SA_TEXT("b", "257") GCM_TEXT("256", GCM_KEY), &reload), SP_OK);
    sp_sad_reload_end(&reload, true);
    cr_assert_neq(gcm_sa(256)->iv_start, first_start, "64 random bits");
}

Test(keyfile, a_gcm_key_in_use_gets_no_second_spi)
{
    struct sp_sad_reload *reload = NULL;
    cr_assert_eq(load(GCM_TEXT("256", GCM_KEY)), SP_OK);
    struct sp_sa *sa = gcm_sa(256);
    cr_assert_eq(load_again(SA_TEXT("b", "257") GCM_TEXT("258", GCM_KEY), &reload), SP_ERR_PARSE);
    cr_assert_null(reload);
    const struct sp_error *error = sp_report_get(report, sp_report_count(report) - 1);
    cr_assert_eq(error->line, 7);
    cr_assert_not_null(strstr(error->text, "make a key for each SA"), "%s", error->text);
    cr_assert_eq(sp_sad_count(sad), 1);
    cr_assert_eq(gcm_sa(256), sa);
}

/* ---- a file that somebody else has opened -------------------------------------------------------------- */

static enum sp_status load_handed(const char *text, unsigned mode, struct sp_sad_reload **reload)
{
    const int descriptor =
        open(write_file("handed", text, strlen(text), mode), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    char byte;
    cr_assert_eq(read(descriptor, &byte, 1), 1); /* whoever handed it over has read of it */
    const enum sp_status status = sp_sad_reload_begin_open(sad, descriptor, "their.keys", report, reload);
    cr_assert_eq(close(descriptor), 0, "it stays the caller's");
    return status;
}

static void note_spi(const struct sp_sa_info *info, void *context)
{
    char *spis = context;
    sprintf(spis + strlen(spis), " %u", info->spi);
}

Test(keyfile, an_open_file_is_read_from_its_beginning_and_its_sas_are_told)
{
    struct sp_sad_reload *reload = NULL;
    char spis[64] = "";
    cr_assert_eq(load(SA_TEXT("a", "256") SA_TEXT("b", "257")), SP_OK);
    cr_assert_eq(load_handed(SA_TEXT("c", "258") SA_TEXT("b", "257"), 0600, &reload), SP_OK);
    sp_sad_reload_visit(reload, note_spi, spis);
    cr_assert_str_eq(spis, " 257 258", "not the one that goes");
    sp_sad_reload_end(&reload, true);
    cr_assert(!has_spi(256) && has_spi(257) && has_spi(258));
}

Test(keyfile, an_open_file_is_held_to_the_same_owner_and_mode)
{
    struct sp_sad_reload *reload = NULL;
    cr_assert_eq(load_handed(SA_TEXT("a", "256"), 0640, &reload), SP_ERR_PERMISSION);
    cr_assert_null(reload);
    const struct sp_error *error = sp_report_get(report, 0);
    cr_assert_str_eq(error->file, "their.keys");
    cr_assert_not_null(strstr(error->text, "open to others"), "%s", error->text);
    int ends[2];
    cr_assert_eq(pipe(ends), 0);
    cr_assert_eq(sp_sad_reload_begin_open(sad, ends[0], "pipe", report, &reload), SP_ERR_PERMISSION,
                 "a pipe is refused, and not waited for");
    cr_assert_eq(sp_sad_count(sad), 0);
}

Test(keyfile, an_open_file_names_no_key_files)
{
    struct sp_sad_reload *reload = NULL;
    (void)write_file("key", "0x000102030405060708090a0b0c0d0e0f", 34, 0600);
    cr_assert_eq(load_handed("sa \"a\" {\n    spi 256\n    from 192.0.2.1 to 192.0.2.2\n"
                             "    esp null hmac-md5-96\n    integrity-key file \"key\"\n}\n",
                             0600, &reload),
                 SP_ERR_PARSE);
    cr_assert_null(reload);
    cr_assert_eq(sp_report_get(report, 0)->line, 5);
    cr_assert_not_null(strstr(sp_report_get(report, 0)->text, "can't name key files"));
}
