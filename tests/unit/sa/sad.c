/* SPDX-License-Identifier: ISC
 *
 * The SAD: who is found, who isn't, and that removal waits for readers.
 */
#include "sa/sad.h"
#include "sa/thread.h"
#include "unit/sa/fixture.h"

#include <criterion/criterion.h>

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static struct sp_sad *make_sad(uint32_t capacity)
{
    struct sp_sad *sad = NULL;
    cr_assert_eq(sp_sad_create(capacity, &sad), SP_OK);
    return sad;
}

static uint32_t add_spi(struct sp_sad *sad, uint32_t spi)
{
    struct sp_sa_params params = good_params();
    uint32_t number;
    char reason[256];
    params.spi = spi;
    cr_assert_eq(sp_sad_add(sad, &params, &number, reason), SP_OK, "%s", reason);
    return number;
}

static struct sp_sa *find_out(const struct sp_sad *sad)
{
    struct sp_sa_params params = good_params();
    return sp_sad_find_outbound(sad, &params.source, &params.destination, params.encryption, params.integrity,
                                params.mode, false, false);
}

Test(sad, capacities_from_1_to_a_million_only)
{
    struct sp_sad *sad = NULL;
    cr_assert_eq(sp_sad_create(0, &sad), SP_ERR_INVALID);
    cr_assert_eq(sp_sad_create(1000001, &sad), SP_ERR_INVALID);
    cr_assert_null(sad);
    sad = make_sad(1000000);
    cr_assert_eq(sp_sad_capacity(sad), 1000000u);
    sp_sad_destroy(&sad);
    cr_assert_null(sad);
    sp_sad_destroy(&sad);
}

Test(sad, an_sa_is_found_by_number_and_by_spi_with_both_addresses_only)
{
    struct sp_sad *sad = make_sad(4);
    struct sp_sa_params params = good_params();
    struct sp_address other = {.family = 4, .bytes = {192, 0, 2, 9}};
    uint32_t number = add_spi(sad, 0x1000);
    struct sp_sa *sa = sp_sad_by_number(sad, number);
    cr_assert_not_null(sa);
    cr_assert_eq(sp_sad_find_inbound(sad, 0x1000, &params.source, &params.destination), sa);
    cr_assert_null(sp_sad_find_inbound(sad, 0x1001, &params.source, &params.destination));
    cr_assert_null(sp_sad_find_inbound(sad, 0x1000, &other, &params.destination));
    cr_assert_null(sp_sad_find_inbound(sad, 0x1000, &params.source, &other));
    cr_assert_null(sp_sad_find_inbound(sad, 0x1000, &params.destination, &params.source));
    cr_assert_null(sp_sad_by_number(sad, number + 1));
    cr_assert_null(sp_sad_by_number(sad, 4));
    cr_assert_null(sp_sad_by_number(sad, SP_NO_SA));
    sp_sad_destroy(&sad);
}

Test(sad, ipv4_and_ipv6_addresses_with_the_same_bytes_differ)
{
    struct sp_sad *sad = make_sad(4);
    struct sp_sa_params params = good_params();
    add_spi(sad, 0x1000);
    params.source.family = params.destination.family = 6;
    cr_assert_null(sp_sad_find_inbound(sad, 0x1000, &params.source, &params.destination));
    sp_sad_destroy(&sad);
}

Test(sad, stray_bytes_behind_an_ipv4_address_do_not_hide_an_sa)
{
    struct sp_sad *sad = make_sad(4);
    struct sp_sa_params params = good_params();
    uint32_t number;
    params.source.bytes[9] = 7;
    cr_assert_eq(sp_sad_add(sad, &params, &number, NULL), SP_OK);
    cr_assert_eq(sp_sad_add(sad, &params, &number, NULL), SP_ERR_EXISTS);
    params = good_params();
    cr_assert_not_null(sp_sad_find_inbound(sad, 0x1000, &params.source, &params.destination));
    sp_sad_destroy(&sad);
}

Test(sad, the_newest_live_sa_goes_out_and_a_dead_one_only_for_want_of_another)
{
    struct sp_sad *sad = make_sad(4);
    cr_assert_null(find_out(sad));
    struct sp_sa *first = sp_sad_by_number(sad, add_spi(sad, 300));
    struct sp_sa *second = sp_sad_by_number(sad, add_spi(sad, 301));
    struct sp_sa *third = sp_sad_by_number(sad, add_spi(sad, 302));
    cr_assert_eq(find_out(sad), third);
    third->state = SP_SA_SOFT_EXPIRED;
    cr_assert_eq(find_out(sad), third);
    third->state = SP_SA_HARD_EXPIRED;
    cr_assert_eq(find_out(sad), second);
    second->sequence_sent = UINT32_MAX;
    cr_assert_eq(find_out(sad), first, "an SA without sequence numbers is as good as dead");
    first->state = SP_SA_HARD_EXPIRED;
    cr_assert_eq(find_out(sad), third);
    sp_sad_destroy(&sad);
}

Test(sad, outbound_asks_for_exactly_the_suite)
{
    struct sp_sad *sad = make_sad(4);
    struct sp_sa_params params = good_params();
    add_spi(sad, 300);
    cr_assert_null(sp_sad_find_outbound(sad, &params.source, &params.destination, SP_ENCRYPTION_NULL,
                                        params.integrity, params.mode, false, false));
    cr_assert_null(sp_sad_find_outbound(sad, &params.source, &params.destination, params.encryption,
                                        SP_INTEGRITY_HMAC_MD5_96, params.mode, false, false));
    cr_assert_null(sp_sad_find_outbound(sad, &params.destination, &params.source, params.encryption,
                                        params.integrity, params.mode, false, false));
    cr_assert_null(sp_sad_find_outbound(sad, &params.source, &params.destination, params.encryption,
                                        params.integrity, params.mode, false, true));
    sp_sad_destroy(&sad);
}

Test(sad, a_second_sa_with_the_same_spi_and_addresses_is_refused)
{
    struct sp_sad *sad = make_sad(4);
    struct sp_sa_params params = good_params();
    uint32_t number = 99;
    char reason[256];
    add_spi(sad, params.spi);
    cr_assert_eq(sp_sad_add(sad, &params, &number, reason), SP_ERR_EXISTS);
    cr_assert(strstr(reason, "SPI 4096 from 192.0.2.1 to 198.51.100.2") != NULL, "%s", reason);
    cr_assert_eq(number, 99u);
    cr_assert_eq(sp_sad_count(sad), 1u);
    params.source.bytes[3] = 77;
    cr_assert_eq(sp_sad_add(sad, &params, &number, reason), SP_OK);
    sp_sad_destroy(&sad);
}

Test(sad, a_full_sad_refuses_and_a_removal_makes_room)
{
    struct sp_sad *sad = make_sad(2);
    struct sp_sa_params params = good_params();
    uint32_t number;
    char reason[256];
    add_spi(sad, 300);
    add_spi(sad, 301);
    cr_assert_eq(sp_sad_add(sad, &params, &number, reason), SP_ERR_LIMIT);
    cr_assert(strstr(reason, "holds 2") != NULL, "%s", reason);
    cr_assert_eq(sp_sad_remove(sad, 0), SP_OK);
    cr_assert_eq(sp_sad_remove(sad, 0), SP_ERR_NOT_FOUND);
    cr_assert_eq(sp_sad_remove(sad, 5), SP_ERR_NOT_FOUND);
    cr_assert_eq(sp_sad_add(sad, &params, &number, reason), SP_OK);
    cr_assert_eq(number, 0u);
    sp_sad_destroy(&sad);
}

Test(sad, after_any_order_of_adding_and_removing_exactly_the_rest_is_found)
{
    enum { SPIS = 500 };
    struct sp_sad *sad = make_sad(SPIS);
    struct sp_sa_params params = good_params();
    uint32_t numbers[SPIS];
    bool is_there[SPIS] = {false};
    srand(4301);
    for (int step = 0; step < 4000; step++) {
        uint32_t i = (uint32_t)rand() % SPIS;
        if (is_there[i])
            cr_assert_eq(sp_sad_remove(sad, numbers[i]), SP_OK);
        else
            numbers[i] = add_spi(sad, 1000 + i);
        is_there[i] = !is_there[i];
    }
    uint32_t count = 0;
    for (uint32_t i = 0; i < SPIS; i++) {
        const struct sp_sa *sa = sp_sad_find_inbound(sad, 1000 + i, &params.source, &params.destination);
        cr_assert_eq(sa != NULL, is_there[i]);
        cr_assert(sa == NULL || sp_sad_by_number(sad, numbers[i]) == sa);
        count += is_there[i];
    }
    cr_assert_eq(sp_sad_count(sad), count);
    sp_sad_destroy(&sad);
}

Test(sad, info_tells_all_but_keys)
{
    struct sp_sad *sad = make_sad(4);
    struct sp_sa_params params = good_params();
    struct sp_sa_info info, other;
    uint32_t number;
    char long_name[100];
    memset(long_name, 'n', sizeof long_name - 1);
    long_name[99] = '\0';
    params.name = long_name;
    params.replay_window_packets = 2048;
    cr_assert_eq(sp_sad_add(sad, &params, &number, NULL), SP_OK);
    cr_assert_eq(sp_sad_get(sad, number, &info), SP_OK);
    cr_assert_eq(strlen(info.name), 63u);
    cr_assert_eq(info.spi, params.spi);
    cr_assert_eq(info.replay_window_packets, 2048u);
    cr_assert_eq(info.sequence_sent, 0u);
    cr_assert_eq(strlen(info.fingerprint), 16u);

    params.spi++;
    params.replay_window_packets = 0;
    cr_assert_eq(sp_sad_add(sad, &params, &number, NULL), SP_OK);
    cr_assert_eq(sp_sad_get(sad, number, &other), SP_OK);
    cr_assert_eq(other.replay_window_packets, SP_REPLAY_WINDOW_DEFAULT);
    cr_assert_str_eq(info.fingerprint, other.fingerprint, "same keys, same text");
    params.spi++;
    params.integrity_key = good_hmac_key + 1;
    cr_assert_eq(sp_sad_add(sad, &params, &number, NULL), SP_OK);
    cr_assert_eq(sp_sad_get(sad, number, &other), SP_OK);
    cr_assert_str_neq(info.fingerprint, other.fingerprint);
    cr_assert_eq(sp_sad_get(sad, 3, &other), SP_ERR_NOT_FOUND);
    sp_sad_destroy(&sad);
}

Test(sad, a_long_name_is_cut_between_utf_8_characters)
{
    struct sp_sad *sad = make_sad(1);
    struct sp_sa_params params = good_params();
    struct sp_sa_info info;
    uint32_t number;
    char name[80];
    memset(name, 'n', 61);
    strcpy(name + 61, "\xe2\x82\xac and more"); /* a euro sign over the 63rd byte */
    params.name = name;
    cr_assert_eq(sp_sad_add(sad, &params, &number, NULL), SP_OK);
    cr_assert_eq(sp_sad_get(sad, number, &info), SP_OK);
    cr_assert_eq(strlen(info.name), 61u);
    sp_sad_destroy(&sad);
}

/* computed with Python: hashlib.blake2b of the names and keys */
Test(sad, fingerprints_are_the_same_on_every_host)
{
    struct sp_sad *sad = make_sad(4);
    struct sp_sa_info info;
    cr_assert_eq(sp_sad_get(sad, add_spi(sad, 300), &info), SP_OK);
    cr_assert_str_eq(info.fingerprint, "b1e3cac8ac2f76f6");
    sp_sad_destroy(&sad);
}

static void exit_quietly(const char *what)
{
    (void)what;
    _exit(42);
}

Test(sad, destroying_one_in_use_is_misuse, .exit_code = 42)
{
    struct sp_sad *sad = make_sad(4);
    sp_sad_hold(sad);
    sp_set_misuse_handler(exit_quietly);
    sp_sad_destroy(&sad);
}

#ifndef __SANITIZE_ADDRESS__ /* which needs address space of its own */
Test(sad, when_memory_runs_out_adding_fails_cleanly_and_works_again_later)
{
    struct sp_sad *sad = make_sad(200000);
    struct sp_sa_params params = good_params();
    struct rlimit all, none;
    enum sp_status status = SP_OK;
    uint32_t number, added = 0;
    char reason[256] = "";
    add_spi(sad, 300);
    cr_assert_eq(getrlimit(RLIMIT_AS, &all), 0);
    none = (struct rlimit){.rlim_cur = 1 << 20, .rlim_max = all.rlim_max};
    cr_assert_eq(setrlimit(RLIMIT_AS, &none), 0);
    for (params.spi = 1000; status == SP_OK && added < 100000; params.spi++) {
        number = UINT32_MAX;
        status = sp_sad_add(sad, &params, &number, reason);
        added += status == SP_OK;
    }
    setrlimit(RLIMIT_AS, &all);
    cr_assert_eq(status, SP_ERR_MEMORY);
    cr_assert_eq(number, UINT32_MAX);
    cr_assert(strstr(reason, "memory") != NULL, "%s", reason);
    cr_assert_eq(sp_sad_count(sad), 1 + added);
    params.spi--;
    cr_assert_null(sp_sad_find_inbound(sad, params.spi, &params.source, &params.destination));
    cr_assert_eq(sp_sad_add(sad, &params, &number, reason), SP_OK, "%s", reason);
    cr_assert_eq(sp_sad_remove(sad, 0), SP_OK);
    sp_sad_destroy(&sad);
}
#endif

struct reader {
    struct sp_sad *sad;
    _Atomic bool *stop;
    uint64_t found;
    _Atomic uint64_t bursts;
};

/* Bursts of lookups; each SA found must be whole and stay so to the end of the burst. */
static void *read_bursts(void *argument)
{
    struct reader *reader = argument;
    struct sp_sa_params params = good_params();
    sp_thread_register();
    while (!atomic_load(reader->stop)) {
        struct sp_sa *found[16];
        sp_thread_online();
        for (uint32_t i = 0; i < 16; i++)
            found[i] = sp_sad_find_inbound(reader->sad, 1000 + i, &params.source, &params.destination);
        for (uint32_t i = 0; i < 16; i++) {
            if (found[i] == NULL)
                continue;
            reader->found++;
            cr_assert_eq(found[i]->spi, 1000 + i);
            cr_assert_not_null(found[i]->hmac_state);
            cr_assert_str_eq(found[i]->name, "good");
        }
        atomic_fetch_add(&reader->bursts, 1);
        sp_thread_offline();
    }
    sp_thread_unregister();
    return NULL;
}

/* A busy machine may let a thread wait for long. */
static bool have_all_read(struct reader *readers, int count, uint64_t bursts)
{
    for (int i = 0; i < count; i++)
        if (atomic_load(&readers[i].bursts) < bursts)
            return false;
    return true;
}

Test(sad, readers_in_a_burst_never_see_an_sa_go)
{
    struct sp_sad *sad = make_sad(16);
    _Atomic bool stop = false;
    struct reader readers[3];
    pthread_t threads[3];
    uint32_t numbers[16];
    for (uint32_t i = 0; i < 16; i++)
        numbers[i] = add_spi(sad, 1000 + i);
    for (int i = 0; i < 3; i++) {
        readers[i] = (struct reader){.sad = sad, .stop = &stop};
        cr_assert_eq(pthread_create(&threads[i], NULL, read_bursts, &readers[i]), 0);
    }
    for (uint32_t round = 0; round < 3000 || !have_all_read(readers, 3, 1000); round++) {
        uint32_t i = round % 16;
        cr_assert_eq(sp_sad_remove(sad, numbers[i]), SP_OK);
        numbers[i] = add_spi(sad, 1000 + i);
    }
    atomic_store(&stop, true);
    for (int i = 0; i < 3; i++) {
        pthread_join(threads[i], NULL);
        cr_assert_gt(readers[i].found, 0u);
    }
    sp_sad_destroy(&sad);
}

struct remover {
    struct sp_sad *sad;
    _Atomic bool is_done;
};

static void *remove_first(void *argument)
{
    struct remover *remover = argument;
    cr_assert_eq(sp_sad_remove(remover->sad, 0), SP_OK);
    atomic_store(&remover->is_done, true);
    return NULL;
}

Test(sad, removal_waits_for_a_burst_that_is_under_way)
{
    struct remover remover = {.sad = make_sad(4)};
    pthread_t thread;
    add_spi(remover.sad, 300);
    sp_thread_register();
    sp_thread_online();
    const struct sp_sa *sa = sp_sad_by_number(remover.sad, 0);
    cr_assert_eq(pthread_create(&thread, NULL, remove_first, &remover), 0);
    while (sp_sad_by_number(remover.sad, 0) != NULL)
        usleep(100);
    usleep(20000);
    cr_assert_not(atomic_load(&remover.is_done), "the SA went under a reader");
    cr_assert_eq(sa->spi, 300u);
    sp_thread_offline();
    pthread_join(thread, NULL);
    cr_assert(atomic_load(&remover.is_done));
    sp_thread_unregister();
    sp_sad_destroy(&remover.sad);
}

Test(sad, idle_readers_do_not_hold_removal_up)
{
    struct sp_sad *sad = make_sad(4);
    uint32_t number = add_spi(sad, 300);
    sp_thread_register();
    sp_thread_register(); /* a second context of this thread */
    cr_assert_eq(sp_sad_remove(sad, number), SP_OK, "an idle reader held removal up");
    sp_thread_unregister();
    sp_thread_online();
    sp_thread_online();
    sp_thread_offline();
    sp_thread_offline();
    sp_thread_unregister();
    sp_sad_destroy(&sad);
}

Test(sad, an_sa_is_another_one_when_its_mode_or_any_choice_of_its_tunnel_is)
{
    static const struct sp_tunnel others[] = {
        {.df = SP_TUNNEL_DF_SET, .has_dscp = true, .dscp = 46, .has_no_ecn = true},
        {.df = SP_TUNNEL_DF_CLEAR, .has_dscp = true, .dscp = 45, .has_no_ecn = true},
        {.df = SP_TUNNEL_DF_CLEAR, .dscp = 46, .has_no_ecn = true},
        {.df = SP_TUNNEL_DF_CLEAR, .has_dscp = true, .dscp = 46},
    };
    struct sp_sa_params params = good_params();
    struct sp_sad *sad;
    struct sp_sa_info info;
    uint32_t number;
    params.mode = SP_MODE_TUNNEL;
    params.tunnel = (struct sp_tunnel){SP_TUNNEL_DF_CLEAR, true, 46, true};
    cr_assert_eq(sp_sad_create(4, &sad), SP_OK);
    cr_assert_eq(sp_sad_add(sad, &params, &number, NULL), SP_OK);
    cr_assert_eq(sp_sad_get(sad, number, &info), SP_OK);
    cr_assert_eq(info.mode, SP_MODE_TUNNEL);
    cr_assert(info.tunnel.df == SP_TUNNEL_DF_CLEAR && info.tunnel.has_dscp && info.tunnel.dscp == 46 &&
              info.tunnel.has_no_ecn);
    const struct sp_sa *sa = sp_sad_by_number(sad, number);
    cr_assert(sp_sa_is_made_of(sa, &params));
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        params.tunnel = others[i];
        cr_assert_not(sp_sa_is_made_of(sa, &params), "case %zu", i);
    }
    params.mode = SP_MODE_TRANSPORT;
    params.tunnel = (struct sp_tunnel){0};
    cr_assert_not(sp_sa_is_made_of(sa, &params));
    sp_sad_destroy(&sad);
}

/* A reload that took one for the same would leave the former one in use. */
Test(sad, an_sa_is_another_one_when_anything_else_of_it_is)
{
    static const uint8_t other_key[32] = "another one";
    const struct sp_lifetime lifetimes[] = {
        {.hard_bytes = 1001, .hard_packets = 10, .hard_seconds = 10},
        {.hard_bytes = 1000, .hard_packets = 11, .hard_seconds = 10},
        {.hard_bytes = 1000, .hard_packets = 10, .hard_seconds = 11},
        {.hard_bytes = 1000, .hard_packets = 10, .hard_seconds = 10, .soft_bytes = 1},
        {.hard_bytes = 1000, .hard_packets = 10, .hard_seconds = 10, .soft_packets = 1},
        {.hard_bytes = 1000, .hard_packets = 10, .hard_seconds = 10, .soft_seconds = 1}};
    struct sp_sa_params params = good_params();
    struct sp_sad *sad;
    uint32_t number;
    params.has_lifetime = true;
    params.lifetime = (struct sp_lifetime){.hard_bytes = 1000, .hard_packets = 10, .hard_seconds = 10};
    cr_assert_eq(sp_sad_create(4, &sad), SP_OK);
    cr_assert_eq(sp_sad_add(sad, &params, &number, NULL), SP_OK);
    const struct sp_sa *sa = sp_sad_by_number(sad, number);
    struct sp_sa_params same = params;
    same.name = "another name";
    same.replay_window_packets = SP_REPLAY_WINDOW_DEFAULT;
    cr_assert(sp_sa_is_made_of(sa, &same));

    struct sp_sa_params others[6];
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        others[i] = params;
    others[0].has_esn = true;
    others[1].replay_window_packets = SP_REPLAY_WINDOW_DEFAULT + 64;
    others[2].encap = (struct sp_encap){4500, 4500};
    others[3].has_lifetime = false;
    others[4].integrity_key = other_key;
    others[5].encryption = SP_ENCRYPTION_NULL;
    others[5].encryption_key_bytes = 0;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        cr_assert_not(sp_sa_is_made_of(sa, &others[i]), "case %zu", i);
    for (size_t i = 0; i < sizeof lifetimes / sizeof *lifetimes; i++) {
        params.lifetime = lifetimes[i];
        cr_assert_not(sp_sa_is_made_of(sa, &params), "lifetime %zu", i);
    }
    sp_sad_destroy(&sad);
}

Test(sad, modes_and_their_choices_have_names)
{
    cr_assert_str_eq(sp_mode_name(SP_MODE_TRANSPORT), "transport");
    cr_assert_str_eq(sp_mode_name(SP_MODE_TUNNEL), "tunnel");
    cr_assert_str_eq(sp_mode_name(SP_MODE_COUNT), "?");
    cr_assert_str_eq(sp_tunnel_df_name(SP_TUNNEL_DF_COPY), "copy");
    cr_assert_str_eq(sp_tunnel_df_name(SP_TUNNEL_DF_SET), "set");
    cr_assert_str_eq(sp_tunnel_df_name(SP_TUNNEL_DF_CLEAR), "clear");
    cr_assert_str_eq(sp_tunnel_df_name(SP_TUNNEL_DF_COUNT), "?");
}
