/* SPDX-License-Identifier: ISC
 *
 * A data path whose SAs an IKE daemon negotiates: the daemon gives them to the kernel, a mirror brings them
 * into the SAD. This program has all of that and no packets; they would come from DPDK, AF_XDP or a TUN
 * device, and each of its threads would have an sp_worker and call sp_outbound and sp_inbound.
 *
 *   cc mirror.c $(pkg-config --cflags --libs libsallyport-offload libsallyport) -o mirror
 *   ./mirror front-end.policy 192.0.2.1        # as root, beside strongSwan or any other daemon
 *
 * It says what it does, one line for each SA that comes, changes or goes, until it is interrupted.
 */
#include <sallyport/engine.h>
#include <sallyport/mirror.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#define SAS_MAX 65536
#define RESYNC_SECONDS 60 /* what the kernel does silently is found so */

static volatile sig_atomic_t is_over;

static void stop(int signal_number)
{
    (void)signal_number;
    is_over = 1;
}

static void on_news(const struct sp_mirror_news *news, void *context)
{
    (void)context;
    printf("%-8s %s\n", sp_mirror_news_name(news->kind), news->text);
}

/* The kernel sees none of the packets, so it can't know when an SA has carried enough: the daemon would never
 * make new ones. An SA that is missing is for the daemon's configuration, which should start its children. */
static void tell_expiries(struct sp_engine *engine, struct sp_mirror *mirror)
{
    struct sp_event events[64];
    size_t count;

    while ((count = sp_engine_events(engine, events, 64)) > 0)
        for (size_t i = 0; i < count; i++) {
            if (events[i].kind == SP_EVENT_ACQUIRE)
                printf("no SA for a packet of rule %u\n", events[i].rule);
            else if (sp_mirror_expired(mirror, events[i].sa, events[i].kind == SP_EVENT_HARD_EXPIRED) !=
                     SP_OK)
                printf("SA 0x%08x has expired, and the kernel can't be told\n", events[i].spi);
        }
}

static enum sp_status run(struct sp_engine *engine, struct sp_mirror *mirror)
{
    enum sp_status status = SP_OK;
    time_t resync_at = time(NULL) + RESYNC_SECONDS;

    while (!is_over && status == SP_OK) {
        struct pollfd wait = {.fd = sp_mirror_descriptor(mirror), .events = POLLIN};
        if (poll(&wait, 1, 1000) < 0 && errno != EINTR)
            return SP_ERR_SYSTEM;
        if (time(NULL) >= resync_at) {
            sp_mirror_resync(mirror);
            resync_at = time(NULL) + RESYNC_SECONDS;
        }
        status = sp_mirror_pump(mirror);
        tell_expiries(engine, mirror);
        fflush(stdout);
    }
    return status;
}

int main(int argc, char **argv)
{
    struct sp_report *report = NULL;
    struct sp_policy *policy = NULL;
    struct sp_sad *sad = NULL;
    struct sp_engine *engine = NULL;
    struct sp_mirror *mirror = NULL;
    struct sp_address address;
    const struct sp_mirror_options options = {.on_news = on_news};
    const struct sigaction action = {.sa_handler = stop};

    if (argc != 3 || sp_address_parse(argv[2], &address) != SP_OK || sp_report_create(&report) != SP_OK) {
        fprintf(stderr, "usage: mirror POLICY OWN-ADDRESS\n");
        return 1;
    }
    const struct sp_me me = {.addresses = &address, .count = 1};
    enum sp_status status = sp_policy_load(argv[1], &policy, report);
    sp_report_print(report, stderr);
    if (status == SP_OK)
        status = sp_sad_create(SAS_MAX, &sad);
    if (status == SP_OK)
        status = sp_engine_create(sad, &engine);
    if (status == SP_OK)
        status = sp_engine_publish(engine, &policy, &me);
    if (status == SP_OK)
        status = sp_mirror_open(sad, &options, &mirror);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    if (status == SP_OK)
        status = run(engine, mirror);
    if (status != SP_OK)
        fprintf(stderr, "mirror: %s%s%s\n", sp_status_text(status), status == SP_ERR_SYSTEM ? ": " : "",
                status == SP_ERR_SYSTEM ? strerror(errno) : "");

    sp_mirror_close(&mirror); /* takes its SAs out of the SAD */
    sp_engine_destroy(&engine);
    sp_policy_destroy(&policy);
    sp_sad_destroy(&sad);
    sp_report_destroy(&report);
    return status == SP_OK ? 0 : 2;
}
