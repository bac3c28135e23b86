/* SPDX-License-Identifier: ISC
 *
 * SAs on a NIC, against a kernel that refuses as the real one does, says yes where it means no, and goes on
 * sending meanwhile.
 */
#include "fake_nic.h"
#include "kernel/nic.h"

#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- what shall be ---------------------------------------------------------------------------------------
 */

#define GCM "aes128-gcm16"
#define DES "3des-cbc hmac-sha1-96"
#define GCM_KEY "0x000102030405060708090a0b0c0d0e0f10111213"
#define DES_KEY "0x0123456789abcdef23456789abcdef01456789abcdef0123"

/* A web server, whose policy a NIC may have too: no rule comes before the one that protects. */
static const char back_end[] = "action \"e\" { esp %s }\n"
                               "protect in tcp from any to me port 80 with \"e\"\n"
                               "default bypass\n";
static const char front_end[] = "action \"e\" { esp %s }\n"
                                "block in tcp from any to me port 80\n"
                                "protect out tcp from me to any port 80 with \"e\"\n"
                                "default bypass\n";
static const char of_icmp[] = "action \"e\" { esp %s }\n"
                              "protect in icmp from any to me with \"e\"\n"
                              "default bypass\n";

struct side {
    struct sp_policy *policy;
    struct sp_kernel_policies policies;
    struct sp_kernel_sas sas;
};

static struct sp_address mine = {4, {127, 0, 0, 1}};
static struct fake_nic kernel;
static struct sp_report *report;
static struct side side;
static char grants_packet[FAKE_SAS_MAX][SP_KERNEL_REFUSAL_BYTES];
static char grants_crypto[FAKE_SAS_MAX][SP_KERNEL_REFUSAL_BYTES];
static struct sp_offload_grant grants[FAKE_SAS_MAX];
static uint32_t grant_count;

/* Odd SPIs are outbound. */
static int put_sas(FILE *out, const char *suite, uint32_t count, const char *extra)
{
    for (uint32_t i = 0; i < count; i++) {
        const bool is_outbound = i % 2 == 0;
        fprintf(out, "sa \"%u\" {\n spi 0x%x\n from %s to %s\n esp %s\n %s\n", i, 0x1001 + i,
                is_outbound ? "127.0.0.1" : "192.0.2.2", is_outbound ? "192.0.2.2" : "127.0.0.1", suite,
                extra);
        if (strcmp(suite, GCM) == 0)
            fprintf(out, " encryption-key 0x%02x0102030405060708090a0b0c0d0e0f10111213\n}\n", i);
        else
            fprintf(out,
                    " encryption-key " DES_KEY
                    "\n integrity-key 0x%02x0102030405060708090a0b0c0d0e0f10111213\n}\n",
                    i);
    }
    return fclose(out);
}

static void want(const char *format, const char *suite, uint32_t count, const char *extra)
{
    const struct sp_me me = {.addresses = &mine, .count = 1};
    char text[1024], action[128] = "", path[] = "/tmp/sallyport-keys.XXXXXX";

    sp_policy_destroy(&side.policy);
    sp_kernel_policies_free(&side.policies);
    sp_kernel_sas_free(&side.sas);
    snprintf(action, sizeof action, "%s%s", suite, strstr(extra, "esn") ? "\n esn\n" : "");
    snprintf(text, sizeof text, format, action);
    cr_assert_eq(sp_policy_parse(text, strlen(text), "test", &side.policy, report), SP_OK);
    cr_assert_eq(sp_kernel_policies_make(side.policy, &me, NULL, report, &side.policies), SP_OK);
    int file = mkstemp(path);
    cr_assert(file >= 0);
    cr_assert_eq(put_sas(fdopen(file, "w"), suite, count, extra), 0);
    const enum sp_status status = sp_kernel_sas_load(path, side.policy, report, &side.sas);
    unlink(path);
    cr_assert_eq(status, SP_OK, "%s", sp_report_count(report) ? sp_report_get(report, 0)->text : "");
}

static void note(const struct sp_offload_grant *grant, void *context)
{
    (void)context;
    cr_assert_lt(grant_count, FAKE_SAS_MAX);
    grants[grant_count] = *grant;
    snprintf(grants_packet[grant_count], sizeof grants_packet[0], "%s", grant->packet_refusal);
    snprintf(grants_crypto[grant_count], sizeof grants_crypto[0], "%s", grant->crypto_refusal);
    grants[grant_count].packet_refusal = grants_packet[grant_count];
    grants[grant_count].crypto_refusal = grants_crypto[grant_count];
    grant_count++;
}

static enum sp_status bring(enum sp_offload_mode mode, const char *device, struct sp_offload_changes *changes)
{
    const struct sp_offload_nic nic = {.device = device, .mode = mode};
    const struct sp_me me = {.addresses = &mine, .count = 1};
    const struct sp_kernel_goal goal = {.policies = &side.policies, .sas = &side.sas};
    struct sp_xfrm_link *link = fake_nic_link(&kernel);
    const enum sp_status status = sp_kernel_nic_bring(link, &goal, &nic, &me, report, changes);

    sp_xfrm_link_close(&link);
    grant_count = 0;
    if (status == SP_OK)
        sp_kernel_nic_tell(&side.sas, mode, false, note, NULL);
    return status;
}

static enum sp_status bring_software(void)
{
    const struct sp_kernel_goal goal = {.policies = &side.policies, .sas = &side.sas};
    struct sp_offload_changes changes;
    struct sp_xfrm_link *link = fake_nic_link(&kernel);
    const enum sp_status status = sp_kernel_reconcile(link, &goal, report, &changes);

    sp_xfrm_link_close(&link);
    return status;
}

static void start(enum fake_driver driver)
{
    memset(&kernel, 0, sizeof kernel);
    kernel.driver = driver;
    kernel.room = FAKE_SAS_MAX;
    kernel.policy_room = FAKE_RULES_MAX;
    kernel.dies_at = -1;
    kernel.is_busy = true;
}

static void begin(void)
{
    cr_assert_eq(sp_report_create(&report), SP_OK);
    start(FAKE_PLAIN);
}

static void end(void)
{
    sp_policy_destroy(&side.policy);
    sp_kernel_policies_free(&side.policies);
    sp_kernel_sas_free(&side.sas);
    sp_report_destroy(&report);
    cr_expect_not(kernel.went_back, "a sequence number was used twice under a key");
}

TestSuite(kernel_nic, .init = begin, .fini = end, .timeout = 60);

/* ---- looking ---------------------------------------------------------------------------------------------
 */

static uint32_t count_changes(const struct sp_offload_changes *changes)
{
    return changes->policies_added + changes->policies_changed + changes->policies_deleted +
           changes->sas_added + changes->sas_changed + changes->sas_deleted;
}

static void expect_again_changes_nothing(enum sp_offload_mode mode)
{
    struct sp_offload_changes changes;

    cr_assert_eq(bring(mode, "lo", &changes), SP_OK);
    cr_expect_eq(count_changes(&changes), 0);
    cr_expect_eq(changes.sas_kept, side.sas.count);
}

static const char *last_complaint(void)
{
    cr_assert_gt(sp_report_count(report), 0);
    return sp_report_get(report, sp_report_count(report) - 1)->text;
}

static void expect_says(const char *text, const char *part)
{
    cr_expect(strstr(text, part) != NULL, "\"%s\" isn't in \"%s\"", part, text);
}

static uint32_t count_granted(enum sp_offload_mode mode)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < grant_count; i++)
        count += grants[i].granted == mode;
    return count;
}

/* All that is from or to port 80 wants ESP, by the NIC's policies or the kernel's own. */
static bool wants_esp(uint8_t direction)
{
    for (uint32_t i = 0; i < kernel.policy_count; i++)
        if (kernel.policies[i].direction == direction && kernel.policies[i].template_count > 0)
            return true;
    return false;
}

static const struct sp_xfrm_sa *sa_of(uint32_t spi)
{
    for (uint32_t i = 0; i < FAKE_SAS_MAX; i++)
        if (kernel.sas[i].is_there && kernel.sas[i].sa.spi == spi)
            return &kernel.sas[i].sa;
    cr_assert(false, "there is no SA 0x%x", spi);
    return NULL;
}

/* ---- software said to be a NIC --------------------------------------------------------------------------
 */

static void expect_software(enum fake_driver driver, const char *why_not_packet, const char *why_not_crypto)
{
    struct sp_offload_changes changes;

    start(driver);
    want(back_end, GCM, 2, "");
    cr_assert_eq(bring(SP_OFFLOAD_AUTO, "lo", &changes), SP_OK);
    cr_expect_eq(changes.sas_added, 2);
    cr_expect_eq(count_granted(SP_OFFLOAD_SOFTWARE), 2);
    expect_says(grants[0].packet_refusal, why_not_packet);
    expect_says(grants[0].crypto_refusal, why_not_crypto);
    cr_expect_eq(fake_nic_sa_count(&kernel), 2, "the trials are gone");
    cr_expect(wants_esp(XFRM_POLICY_IN) && wants_esp(XFRM_POLICY_OUT));
    expect_again_changes_nothing(SP_OFFLOAD_AUTO);
}

Test(kernel_nic, auto_tells_that_the_kernel_does_it_in_software_and_why)
{
    expect_software(FAKE_PLAIN, "lo does no ESP for whole packets", "lo does not offload ESP");
    expect_software(FAKE_DECLINES, "bonding: Slave does not support ipsec offload", "in software");
    expect_software(FAKE_NO_MODULE, "CONFIG_INET_ESP_OFFLOAD", "CONFIG_INET_ESP_OFFLOAD");
}

static void expect_refused(enum sp_offload_mode mode, const char *why)
{
    struct sp_offload_changes changes;

    cr_expect_eq(bring(mode, "lo", &changes), SP_ERR_UNSUPPORTED);
    expect_says(last_complaint(), why);
    cr_expect_eq(fake_nic_sa_count(&kernel), 0, "nothing is left");
    cr_expect_eq(kernel.policy_count, 0);
}

Test(kernel_nic, a_mode_that_is_asked_for_by_name_is_granted_or_nothing_is_changed)
{
    want(back_end, GCM, 2, "");
    expect_refused(SP_OFFLOAD_CRYPTO, "does it in software: lo does not offload ESP");
    expect_refused(SP_OFFLOAD_PACKET, "lo does no ESP for whole packets");
    start(FAKE_NETDEVSIM);
    expect_refused(SP_OFFLOAD_PACKET, "netdevsim: Unsupported ipsec offload type");
    want(back_end, DES, 2, "");
    expect_refused(SP_OFFLOAD_CRYPTO, "netdevsim: Failed to get key data for SA table");
    start(FAKE_NFP);
    want(back_end, GCM, 2, "esn");
    expect_refused(SP_OFFLOAD_CRYPTO, "nfp: Unsupported XFRM_REPLAY_MODE_ESN");
}

Test(kernel_nic, a_device_that_the_kernel_swaps_for_another_is_no_grant)
{
    struct sp_offload_changes changes;

    start(FAKE_ELSEWHERE);
    want(back_end, GCM, 2, "");
    expect_refused(SP_OFFLOAD_CRYPTO, "instead of lo");
    cr_expect_eq(bring(SP_OFFLOAD_AUTO, "lo", &changes), SP_OK);
    cr_expect_eq(count_granted(SP_OFFLOAD_SOFTWARE), 2);
}

Test(kernel_nic, devices_that_are_not_there_are_told)
{
    struct sp_offload_changes changes;

    want(back_end, GCM, 2, "");
    cr_expect_eq(bring(SP_OFFLOAD_AUTO, "nosuch0", &changes), SP_ERR_NOT_FOUND);
    expect_says(last_complaint(), "there is no device \"nosuch0\"");
    cr_expect_eq(kernel.sends, 0);
}

Test(kernel_nic, an_sa_of_other_hosts_is_on_no_nic)
{
    struct sp_offload_changes changes;

    start(FAKE_NETDEVSIM);
    want(back_end, GCM, 2, "");
    mine.bytes[3] = 77; /* of a test's own process */
    cr_expect_eq(bring(SP_OFFLOAD_CRYPTO, NULL, &changes), SP_ERR_NOT_FOUND);
    expect_says(last_complaint(), "no NIC for the SA 0x00001002: it is to or from no address of this host");
    cr_assert_eq(bring(SP_OFFLOAD_AUTO, NULL, &changes), SP_OK);
    cr_expect_eq(count_granted(SP_OFFLOAD_SOFTWARE), 2);
    expect_says(grants[0].crypto_refusal, "no address of this host");
}

Test(kernel_nic, an_sa_in_tunnel_mode_is_for_no_nic_by_name)
{
    struct sp_offload_changes changes;

    start(FAKE_MLX5);
    want(back_end, GCM, 2, "mode tunnel");
    for (enum sp_offload_mode mode = SP_OFFLOAD_CRYPTO; mode <= SP_OFFLOAD_PACKET; mode++) {
        cr_expect_eq(bring(mode, "lo", &changes), SP_ERR_UNSUPPORTED);
        expect_says(last_complaint(), ": it is in tunnel mode, which the kernel does itself");
    }
    cr_expect_eq(kernel.sends, 0);
}

Test(kernel_nic, what_is_refused_at_the_last_look_says_which_former_sas_had_ended)
{
    struct sp_offload_changes changes;

    want(back_end, GCM, 4, "");
    cr_assert_eq(bring_software(), SP_OK);
    kernel.driver = FAKE_TRIALS_ONLY;
    want(back_end, GCM, 2, "");
    cr_expect_eq(bring(SP_OFFLOAD_CRYPTO, "lo", &changes), SP_ERR_UNSUPPORTED);
    expect_says(last_complaint(),
                "and not to the NIC as was asked. What was is in force again, without 2 former "
                "SAs that had ended: load them again");
    cr_expect_eq(fake_nic_sa_count(&kernel), 2);
    cr_expect_eq(bring(SP_OFFLOAD_CRYPTO, "lo", &changes), SP_ERR_UNSUPPORTED);
    cr_expect_null(strstr(last_complaint(), "former"), "this time none had: %s", last_complaint());
}

Test(kernel_nic, when_the_kernel_refuses_too_each_sa_is_told_why)
{
    struct sp_offload_changes changes;

    start(FAKE_NETDEVSIM);
    kernel.has_no_esp = true;
    want(back_end, GCM, 2, "");
    cr_expect_eq(bring(SP_OFFLOAD_AUTO, "lo", &changes), SP_ERR_UNSUPPORTED);
    sp_kernel_nic_tell_refused(&side.sas, last_complaint(), note, NULL);
    cr_assert_eq(grant_count, 2);
    cr_expect_eq(count_granted(SP_OFFLOAD_NONE), 2);
    expect_says(grants[0].packet_refusal, "the kernel has no ESP: CONFIG_INET_ESP");
    expect_says(grants[0].crypto_refusal, "the kernel has no ESP: CONFIG_INET_ESP");
    expect_says(last_complaint(), "the kernel has no ESP: CONFIG_INET_ESP");
    cr_expect_eq(kernel.policy_count, 0);
}

Test(kernel_nic, what_a_nic_refused_is_told_in_its_own_words_also_when_the_kernel_refuses)
{
    struct sp_offload_changes changes;

    start(FAKE_NETDEVSIM);
    want(back_end, GCM, 1, "");
    cr_assert_eq(bring(SP_OFFLOAD_AUTO, "lo", &changes), SP_OK);
    grant_count = 0;
    sp_kernel_nic_tell_refused(&side.sas, "no more", note, NULL);
    cr_assert_eq(grant_count, 1);
    expect_says(grants[0].packet_refusal, "netdevsim: Unsupported ipsec offload type");
    cr_expect_str_eq(grants[0].crypto_refusal, "no more");
    cr_expect_str_eq(grants[0].kernel_refusal, "no more");
}

/* As if somebody else had put them there. */
static void give_policies_away(void)
{
    for (uint32_t i = 0; i < kernel.policy_count; i++) {
        kernel.policies[i].index = 8 * (i + 1) + kernel.policies[i].direction;
        kernel.policies[i].templates[0].reqid = 7;
    }
    memset(kernel.sas, 0, sizeof kernel.sas);
}

Test(kernel_nic, what_the_kernel_lacks_is_told_before_what_is_in_the_way)
{
    struct sp_offload_changes changes;

    start(FAKE_NETDEVSIM);
    want(back_end, GCM, 2, "");
    cr_assert_eq(bring_software(), SP_OK);
    give_policies_away();
    cr_expect_eq(bring(SP_OFFLOAD_AUTO, "lo", &changes), SP_ERR_EXISTS);
    kernel.has_no_esp = true;
    cr_expect_eq(bring(SP_OFFLOAD_AUTO, "lo", &changes), SP_ERR_UNSUPPORTED);
    expect_says(last_complaint(), "the kernel has no ESP: CONFIG_INET_ESP");
}

/* ---- on the NIC ------------------------------------------------------------------------------------------
 */

Test(kernel_nic, crypto_is_what_auto_comes_to_where_whole_packets_are_refused)
{
    struct sp_offload_changes changes;

    start(FAKE_NETDEVSIM);
    want(back_end, GCM, 4, "");
    cr_assert_eq(bring(SP_OFFLOAD_AUTO, NULL, &changes), SP_OK, "the device that has 127.0.0.1");
    cr_expect_eq(count_granted(SP_OFFLOAD_CRYPTO), 4);
    cr_expect_str_eq(grants[0].device, "lo");
    expect_says(grants[0].packet_refusal, "netdevsim: Unsupported ipsec offload type");
    cr_expect_str_eq(grants[0].crypto_refusal, "");
    for (uint32_t i = 0; i < 4; i++)
        cr_expect_eq((kernel.sas[i].sa.device.flags & XFRM_OFFLOAD_INBOUND) != 0,
                     kernel.sas[i].sa.spi % 2 == 0);
    expect_again_changes_nothing(SP_OFFLOAD_AUTO);
    expect_again_changes_nothing(SP_OFFLOAD_CRYPTO);
}

Test(kernel_nic, three_des_goes_to_the_one_nic_that_takes_it)
{
    struct sp_offload_changes changes;

    start(FAKE_NFP);
    want(front_end, DES, 2, "");
    cr_assert_eq(bring(SP_OFFLOAD_AUTO, "lo", &changes), SP_OK);
    cr_expect_eq(count_granted(SP_OFFLOAD_CRYPTO), 2);
    start(FAKE_MLX5);
    cr_assert_eq(bring(SP_OFFLOAD_AUTO, "lo", &changes), SP_OK);
    cr_expect_eq(count_granted(SP_OFFLOAD_SOFTWARE), 2);
    expect_says(grants[0].crypto_refusal, "mlx5_core: Cannot offload authenticated xfrm states");
}

Test(kernel_nic, whole_packets_take_policies_too_with_one_of_the_kernels_own_behind_each)
{
    struct sp_offload_changes changes;
    uint32_t of_nic = 0;

    start(FAKE_MLX5);
    want(back_end, GCM, 2, "");
    cr_assert_eq(bring(SP_OFFLOAD_AUTO, "lo", &changes), SP_OK);
    cr_expect_eq(count_granted(SP_OFFLOAD_PACKET), 2);
    for (uint32_t i = 0; i < kernel.policy_count; i++)
        of_nic += (kernel.policies[i].has & SP_XFRM_HAS_DEVICE) != 0;
    cr_expect_eq(of_nic, 2, "one outbound, one inbound, and none that is forwarded");
    expect_again_changes_nothing(SP_OFFLOAD_AUTO);
    expect_again_changes_nothing(SP_OFFLOAD_PACKET);
    for (uint32_t i = 0; i < kernel.policy_count; i++)
        if (kernel.policies[i].has & SP_XFRM_HAS_DEVICE)
            kernel.policies[i].device.interface++;
    cr_assert_eq(bring(SP_OFFLOAD_PACKET, "lo", &changes), SP_OK);
    cr_expect_eq(changes.policies_changed, 2, "those of another device");
    fake_nic_down(&kernel);
    cr_expect_eq(fake_nic_sa_count(&kernel), 0);
    cr_expect(wants_esp(XFRM_POLICY_IN) && wants_esp(XFRM_POLICY_OUT), "nothing goes in clear");
    cr_assert_eq(bring(SP_OFFLOAD_AUTO, "lo", &changes), SP_OK);
    cr_expect_eq(changes.sas_added, 2);
    kernel.went_back = false; /* these began anew, which only new keys can help */
}

Test(kernel_nic, policies_whose_order_a_nic_would_not_keep_stay_with_the_kernel)
{
    struct sp_offload_changes changes;

    start(FAKE_MLX5);
    want(front_end, GCM, 2, "");
    expect_refused(SP_OFFLOAD_PACKET, "a NIC's policies are tried first, but block");
    cr_assert_eq(bring(SP_OFFLOAD_AUTO, "lo", &changes), SP_OK);
    cr_expect_eq(count_granted(SP_OFFLOAD_CRYPTO), 2);
    expect_says(grants[0].packet_refusal, "comes before");
}

Test(kernel_nic, what_a_driver_minds_about_whole_packets_is_found_before_anything_is_changed)
{
    start(FAKE_MLX5);
    want(back_end, GCM, 2, "replay-window 320");
    expect_refused(SP_OFFLOAD_PACKET, "mlx5_core: Unsupported replay window size");
    want(of_icmp, GCM, 2, "");
    expect_refused(SP_OFFLOAD_PACKET, "mlx5_core: Device does not support upper protocol");
    start(FAKE_MLX5_NO_POLICIES);
    want(back_end, GCM, 2, "");
    expect_refused(SP_OFFLOAD_PACKET, "Policy offload is not supported");
    struct sp_offload_changes changes;
    cr_assert_eq(bring_software(), SP_OK);
    cr_expect_eq(bring(SP_OFFLOAD_PACKET, "lo", &changes), SP_ERR_UNSUPPORTED);
    cr_expect_lt(sa_of(0x1001)->replay_esn.sequence_sent, 1u << 24, "no SA went there and back");
}

Test(kernel_nic, what_has_no_room_on_the_nic_is_in_software_and_stays_there)
{
    struct sp_offload_changes changes;

    start(FAKE_NETDEVSIM);
    kernel.room = 3;
    want(back_end, GCM, 8, "");
    cr_assert_eq(bring(SP_OFFLOAD_AUTO, "lo", &changes), SP_OK);
    cr_expect_eq(count_granted(SP_OFFLOAD_CRYPTO), 3);
    cr_expect_eq(count_granted(SP_OFFLOAD_SOFTWARE), 5);
    cr_expect_eq(fake_nic_sa_count(&kernel), 8);
    for (uint32_t i = 0; i < grant_count; i++)
        if (grants[i].granted == SP_OFFLOAD_SOFTWARE)
            expect_says(grants[i].crypto_refusal, "No space for SA");
    expect_again_changes_nothing(SP_OFFLOAD_AUTO);
}

/* ---- moving ----------------------------------------------------------------------------------------------
 */

static void take_away(uint32_t spi)
{
    for (uint32_t i = 0; i < FAKE_SAS_MAX; i++)
        if (kernel.sas[i].sa.spi == spi)
            kernel.sas[i].is_there = false;
}

static void use_inbound(uint32_t spi, uint32_t received)
{
    struct sp_xfrm_sa *sa = (struct sp_xfrm_sa *)(uintptr_t)sa_of(spi);

    sa->replay_esn.sequence_received = received;
    sa->used.bytes = 4711;
    sa->used.added_at = 1000;
}

Test(kernel_nic, an_sa_that_moves_goes_on_with_its_numbers_its_window_and_what_it_used)
{
    struct sp_offload_changes changes;

    start(FAKE_NETDEVSIM);
    want(back_end, GCM, 2, "");
    cr_assert_eq(bring_software(), SP_OK);
    use_inbound(0x1002, 5000);
    const uint32_t sent = sa_of(0x1001)->replay_esn.sequence_sent;
    cr_assert_eq(bring(SP_OFFLOAD_CRYPTO, "lo", &changes), SP_OK);
    cr_expect_eq(changes.sas_changed, 2);
    cr_expect_geq(sa_of(0x1001)->replay_esn.sequence_sent, sent + (1u << 24));
    cr_expect_eq(sa_of(0x1002)->replay_esn.sequence_received, 5000);
    cr_expect_eq(sa_of(0x1002)->replay_esn.bitmap[0], UINT32_MAX, "what came before counts as received");
    cr_expect_eq(sa_of(0x1002)->replay_esn.sequence_sent, 0);
    cr_expect_eq(sa_of(0x1002)->used.bytes, 4711);
    cr_expect_eq(sa_of(0x1002)->used.added_at, 1000);
    want(back_end, GCM, 2, ""); /* and back */
    cr_assert_eq(bring_software(), SP_OK);
    cr_expect_not(sa_of(0x1001)->has & SP_XFRM_HAS_DEVICE);
    cr_expect_eq(sa_of(0x1002)->replay_esn.sequence_received, 5000);
}

Test(kernel_nic, an_sa_without_numbers_left_is_not_moved)
{
    struct sp_offload_changes changes;

    start(FAKE_NETDEVSIM);
    want(back_end, GCM, 2, "");
    cr_assert_eq(bring_software(), SP_OK);
    kernel.is_busy = false;
    ((struct sp_xfrm_sa *)(uintptr_t)sa_of(0x1001))->replay_esn.sequence_sent = 0xff000000;
    cr_expect_eq(bring(SP_OFFLOAD_CRYPTO, "lo", &changes), SP_ERR_LIMIT);
    expect_says(last_complaint(), "make new keys");
    cr_expect_not(sa_of(0x1001)->has & SP_XFRM_HAS_DEVICE);
}

Test(kernel_nic, other_limits_reach_a_nic_that_counts_by_itself_only_with_a_new_sa)
{
    struct sp_offload_changes changes;

    start(FAKE_NETDEVSIM);
    want(back_end, GCM, 2, "");
    cr_assert_eq(bring(SP_OFFLOAD_AUTO, "lo", &changes), SP_OK);
    want(back_end, GCM, 2, "lifetime 5 MB 900 seconds");
    const uint32_t before = sa_of(0x1001)->replay_esn.sequence_sent;
    cr_assert_eq(bring(SP_OFFLOAD_AUTO, "lo", &changes), SP_OK);
    cr_expect_eq(changes.sas_changed, 2);
    cr_expect_lt(sa_of(0x1001)->replay_esn.sequence_sent, before + (1u << 24), "in place");
    cr_expect(sa_of(0x1001)->has & SP_XFRM_HAS_DEVICE);
    start(FAKE_MLX5);
    want(back_end, GCM, 2, "");
    cr_assert_eq(bring(SP_OFFLOAD_AUTO, "lo", &changes), SP_OK);
    want(back_end, GCM, 2, "lifetime 5 MB 900 seconds");
    cr_assert_eq(bring(SP_OFFLOAD_AUTO, "lo", &changes), SP_OK);
    cr_expect_geq(sa_of(0x1001)->replay_esn.sequence_sent, 1u << 24, "replaced");
    expect_again_changes_nothing(SP_OFFLOAD_AUTO);
}

/* ---- killed ----------------------------------------------------------------------------------------------
 */

/* From one place to another, cut off at each send in turn. */
static void suffer(enum fake_driver driver, enum sp_offload_mode from, enum sp_offload_mode to)
{
    struct sp_offload_changes changes;

    for (int at = 0;; at++) {
        start(driver);
        want(back_end, GCM, 4, "");
        cr_assert_eq(from == SP_OFFLOAD_SOFTWARE ? bring_software() : bring(from, "lo", &changes), SP_OK);
        kernel.dies_at = at;
        want(back_end, GCM, 4, "");
        const enum sp_status status =
            to == SP_OFFLOAD_SOFTWARE ? bring_software() : bring(to, "lo", &changes);
        kernel.dies_at = -1;
        kernel.answer_count = kernel.first_answer = 0;
        cr_assert(wants_esp(XFRM_POLICY_IN) && wants_esp(XFRM_POLICY_OUT), "clear, after send %d", at);
        want(back_end, GCM, 4, "");
        cr_assert_eq(to == SP_OFFLOAD_SOFTWARE ? bring_software() : bring(to, "lo", &changes), SP_OK,
                     "after send %d", at);
        cr_assert_eq(fake_nic_sa_count(&kernel), 4, "after send %d", at);
        cr_assert_not(kernel.went_back, "after send %d", at);
        if (to != SP_OFFLOAD_SOFTWARE)
            expect_again_changes_nothing(to);
        if (status == SP_OK)
            return;
    }
}

Test(kernel_nic, killed_at_any_moment_and_run_again_it_converges_and_no_number_comes_twice)
{
    suffer(FAKE_NETDEVSIM, SP_OFFLOAD_SOFTWARE, SP_OFFLOAD_CRYPTO);
    suffer(FAKE_NETDEVSIM, SP_OFFLOAD_CRYPTO, SP_OFFLOAD_SOFTWARE);
    suffer(FAKE_MLX5, SP_OFFLOAD_SOFTWARE, SP_OFFLOAD_PACKET);
    suffer(FAKE_MLX5, SP_OFFLOAD_CRYPTO, SP_OFFLOAD_AUTO);
    suffer(FAKE_MLX5, SP_OFFLOAD_PACKET, SP_OFFLOAD_SOFTWARE);
    suffer(FAKE_PLAIN, SP_OFFLOAD_SOFTWARE, SP_OFFLOAD_AUTO);
}

/* They fill more than one message, and one that is new comes first, so that pairs would be cut. */
Test(kernel_nic, killed_between_messages_it_leaves_no_sa_gone_that_was_to_be_replaced)
{
    enum { ALL = 151, NEW = 1 };
    struct sp_offload_changes changes;
    enum sp_status status = SP_ERR_SYSTEM;

    for (int at = 0; status != SP_OK; at++) {
        start(FAKE_NETDEVSIM);
        want(back_end, GCM, ALL, "");
        cr_assert_eq(bring_software(), SP_OK);
        take_away(0x1001 + NEW);
        kernel.dies_at = at;
        want(back_end, GCM, ALL, "");
        status = bring(SP_OFFLOAD_CRYPTO, "lo", &changes);
        kernel.dies_at = -1;
        kernel.answer_count = kernel.first_answer = 0;
        for (uint32_t i = 0; i < ALL; i++)
            if (i != NEW)
                (void)sa_of(0x1001 + i);
    }
    cr_expect_eq(count_granted(SP_OFFLOAD_CRYPTO), ALL);
}

Test(kernel_nic, a_refusal_in_the_midst_puts_sas_back_to_where_they_were)
{
    struct sp_offload_changes changes;

    start(FAKE_MLX5);
    kernel.policy_room = 1;
    want(back_end, GCM, 2, "");
    cr_assert_eq(bring_software(), SP_OK);
    const uint32_t policies = kernel.policy_count;
    cr_expect_eq(bring(SP_OFFLOAD_PACKET, "lo", &changes), SP_ERR_UNSUPPORTED);
    expect_says(last_complaint(), "No space left on device");
    cr_expect_not(sa_of(0x1001)->has & SP_XFRM_HAS_DEVICE);
    cr_expect_geq(sa_of(0x1001)->replay_esn.sequence_sent, 1u << 25, "there and back");
    cr_expect_eq(kernel.policy_count, policies);
    for (uint32_t i = 0; i < kernel.policy_count; i++)
        cr_expect_not(kernel.policies[i].has & SP_XFRM_HAS_DEVICE);
}

Test(kernel_nic, back_in_software_no_policy_is_the_nics)
{
    struct sp_offload_changes changes;

    start(FAKE_MLX5);
    want(back_end, GCM, 2, "");
    cr_assert_eq(bring(SP_OFFLOAD_PACKET, "lo", &changes), SP_OK);
    want(back_end, GCM, 2, "");
    cr_assert_eq(bring_software(), SP_OK);
    for (uint32_t i = 0; i < kernel.policy_count; i++)
        cr_expect_not(kernel.policies[i].has & SP_XFRM_HAS_DEVICE);
    cr_expect_eq(kernel.policy_count, side.policies.count);
}
