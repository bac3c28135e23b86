/* SPDX-License-Identifier: ISC
 *
 * What the kernel has when the daemon takes over, with a kernel of the test's own.
 */
#include "host/kernel_side.h"

#include "log.h"

#include <sallyport/offload.h>

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const char keys[] =
    "sa \"a\" {\n    spi 0x1001\n    from 192.0.2.1 to 192.0.2.2\n    esp null hmac-md5-96\n"
    "    integrity-key 0x000102030405060708090a0b0c0d0e0f\n}\n"
    "sa \"b\" {\n    spi 0x1002\n    from 192.0.2.2 to 192.0.2.1\n    esp null hmac-md5-96\n"
    "    integrity-key 0x000102030405060708090a0b0c0d0e10\n}\n";

/* ---- the kernel ---------------------------------------------------------------------------------------- */

static struct {
    enum sp_status status, flush_status;
    struct sp_offload_sa sas[4];
    size_t sa_count;
    struct sp_offload_policy policies[2];
    size_t policy_count;
    unsigned flushes;
} kernel;

enum sp_status sp_offload_kernel_visit(const struct sp_offload_visitor *visitor)
{
    for (size_t i = 0; kernel.status == SP_OK && i < kernel.sa_count; i++)
        visitor->on_sa(&kernel.sas[i], visitor->context);
    for (size_t i = 0; kernel.status == SP_OK && i < kernel.policy_count; i++)
        visitor->on_policy(&kernel.policies[i], visitor->context);
    return kernel.status;
}

enum sp_status sp_offload_kernel_flush(bool is_trial, sp_offload_on_step *on_step, void *context,
                                       struct sp_report *report, struct sp_offload_changes *ret_changes)
{
    (void)on_step;
    (void)context;
    cr_expect_not(is_trial);
    cr_expect_not_null(report);
    kernel.flushes++;
    *ret_changes = (struct sp_offload_changes){.policies_deleted = 1};
    return kernel.flush_status;
}

/* ---- the daemon ---------------------------------------------------------------------------------------- */

static struct sp_sad *sad;
static struct sp_sad_reload *reload;
static struct sp_report *report;
static FILE *log_out;
static char *log_text;
static size_t log_bytes;

/* The kernel's SA of the same keys as one of the file. */
static void put_sa(const struct sp_sa_info *info, void *context)
{
    struct sp_offload_sa *sa = &kernel.sas[kernel.sa_count++];
    (void)context;
    *sa = (struct sp_offload_sa){.is_ours = true,
                                 .spi = info->spi,
                                 .source = info->source,
                                 .destination = info->destination,
                                 .has_suite = true};
    memcpy(sa->fingerprint, info->fingerprint, sizeof sa->fingerprint);
}

static void begin(void)
{
    const int fd = memfd_create("keys", MFD_CLOEXEC);
    cr_assert_eq(write(fd, keys, sizeof keys - 1), (ssize_t)sizeof keys - 1);
    cr_assert_eq(fchmod(fd, 0600), 0);
    cr_assert_eq(sp_report_create(&report), SP_OK);
    cr_assert_eq(sp_sad_create(4, &sad), SP_OK);
    cr_assert_eq(sp_sad_reload_begin_open(sad, fd, "keys", report, &reload), SP_OK);
    cr_assert_eq(close(fd), 0);
    sp_sad_reload_visit(reload, put_sa, NULL);
    kernel.policies[0].is_ours = true;
    kernel.policy_count = 2;
    log_out = open_memstream(&log_text, &log_bytes);
    log_also_to(log_out);
}

static void end(void)
{
    log_also_to(NULL);
    fclose(log_out);
    free(log_text);
    sp_sad_reload_end(&reload, false);
    sp_sad_destroy(&sad);
    sp_report_destroy(&report);
}

TestSuite(kernel_side, .init = begin, .fini = end, .timeout = 60);

static bool look_says(const char *text)
{
    struct kernel_side side = {.sas = 77};
    const bool is_free = kernel_side_look(reload, &side);
    fflush(log_out);
    cr_expect(is_free || strstr(log_text, text), "%s", log_text);
    return is_free;
}

Test(kernel_side, what_is_ours_is_counted)
{
    struct kernel_side side;
    kernel.sas[1].is_ours = false;
    cr_assert(kernel_side_look(reload, &side));
    cr_expect_eq(side.sas, 1);
    cr_expect_eq(side.policies, 1);
    kernel.status = SP_ERR_UNSUPPORTED;
    cr_assert(kernel_side_look(reload, &side), "without XFRM there is nothing");
    cr_expect_eq(side.sas + side.policies, 0);
}

Test(kernel_side, an_sa_that_the_kernel_has_used_is_not_taken_over)
{
    cr_expect(look_says(""), "unused they are");
    kernel.sas[1].sequence_received = 1;
    cr_expect_not(look_says("the kernel has used the SA 0x00001002"));
    kernel.sas[1].sequence_received = 0;
    kernel.sas[0].sequence_sent = 1;
    cr_expect_not(look_says("the kernel has used the SA 0x00001001"));
    kernel.sas[0].fingerprint[0] ^= 1;
    cr_expect(look_says(""), "under other keys numbers begin anew");
    kernel.sas[0].fingerprint[0] ^= 1;
    kernel.sas[0].is_ours = false;
    cr_expect(look_says(""), "somebody else's is not taken away either");
}

Test(kernel_side, who_can_not_look_takes_nothing_over)
{
    kernel.status = SP_ERR_PERMISSION;
    cr_expect_not(look_says("can't look at what the kernel's IPsec has"));
}

Test(kernel_side, what_there_is_is_taken_away_and_nothing_else_is_asked_for)
{
    cr_expect(kernel_side_take(&(struct kernel_side){0}));
    cr_expect_eq(kernel.flushes, 0);
    cr_expect(kernel_side_take(&(struct kernel_side){.sas = 1}));
    cr_expect(kernel_side_take(&(struct kernel_side){.policies = 1}));
    cr_expect_eq(kernel.flushes, 2);
    kernel.flush_status = SP_ERR_SYSTEM;
    cr_expect_not(kernel_side_take(&(struct kernel_side){.policies = 1}));
}
