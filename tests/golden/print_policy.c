/* SPDX-License-Identifier: ISC
 *
 * print_policy policy|keys FILE: what the golden files are compared with. A policy is printed in its
 * canonical form, an SA file as one line an SA, both after the warnings; errors go where the text would have
 * gone.
 */
#include <sallyport/policy.h>
#include <sallyport/sa.h>

#include <stdlib.h>
#include <string.h>

#define CAPACITY 1000

static enum sp_status show_policy(const char *path, struct sp_report *report)
{
    struct sp_policy *policy = NULL;
    enum sp_status status = sp_policy_load(path, &policy, report);
    sp_report_print(report, stderr);
    if (status == SP_OK)
        sp_policy_print(policy, stdout);
    sp_policy_destroy(&policy);
    return status;
}

static void show_sa(const struct sp_sa_info *info)
{
    char source[SP_ADDRESS_TEXT_BYTES], destination[SP_ADDRESS_TEXT_BYTES];
    char suite[SP_SUITE_TEXT_BYTES];
    printf("%s: spi 0x%x from %s to %s esp %s%s replay-window %u lifetime %llu bytes %llu packets %llu "
           "seconds\n",
           info->name, info->spi, sp_address_format(&info->source, source),
           sp_address_format(&info->destination, destination),
           sp_suite_format(info->encryption, info->integrity, suite), info->has_esn ? " esn" : "",
           info->replay_window_packets, (unsigned long long)info->lifetime.hard_bytes,
           (unsigned long long)info->lifetime.hard_packets, (unsigned long long)info->lifetime.hard_seconds);
    if (info->mode == SP_MODE_TUNNEL)
        printf("    mode tunnel df %s dscp %d ecn %s\n", sp_tunnel_df_name(info->tunnel.df),
               info->tunnel.has_dscp ? info->tunnel.dscp : -1, info->tunnel.has_no_ecn ? "off" : "copy");
    if (sp_encap_is_on(&info->encap))
        printf("    encap udp %u %u\n", info->encap.source_port, info->encap.destination_port);
}

static enum sp_status show_keys(const char *path, struct sp_report *report)
{
    struct sp_sad *sad = NULL;
    enum sp_status status = sp_sad_create(CAPACITY, &sad);
    if (status != SP_OK)
        return status;
    status = sp_sad_load(sad, path, report);
    sp_report_print(report, stderr);
    for (uint32_t number = 0; number < sp_sad_capacity(sad); number++) {
        struct sp_sa_info info;
        if (sp_sad_get(sad, number, &info) == SP_OK)
            show_sa(&info);
    }
    sp_sad_destroy(&sad);
    return status;
}

int main(int count, char **arguments)
{
    struct sp_report *report;
    if (count != 3 || sp_report_create(&report) != SP_OK) {
        fprintf(stderr, "usage: print_policy policy|keys FILE\n");
        return 2;
    }
    enum sp_status status = strcmp(arguments[1], "keys") == 0 ? show_keys(arguments[2], report)
                                                              : show_policy(arguments[2], report);
    sp_report_destroy(&report);
    if (status != SP_OK)
        fprintf(stderr, "status: %s\n", sp_status_text(status));
    return status == SP_OK ? 0 : 1;
}
