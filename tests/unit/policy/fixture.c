/* SPDX-License-Identifier: ISC
 *
 * Policies from texts, addresses and flows from words, files in a folder of the test's own.
 */
#include "unit/policy/fixture.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATHS 4

static char folder[64];

struct sp_policy *policy_of(const char *text)
{
    struct sp_policy *policy = NULL;
    struct sp_report *report;
    cr_assert_eq(sp_report_create(&report), SP_OK);
    enum sp_status status = sp_policy_parse(text, strlen(text), "test", &policy, report);
    if (status != SP_OK)
        sp_report_print(report, stderr);
    cr_assert_eq(status, SP_OK, "%s", sp_status_text(status));
    sp_report_destroy(&report);
    return policy;
}

enum sp_status status_of(const char *text, size_t len_bytes, struct sp_report **ret_report)
{
    struct sp_policy *policy = NULL;
    struct sp_report *report;
    cr_assert_eq(sp_report_create(&report), SP_OK);
    enum sp_status status = sp_policy_parse(text, len_bytes, "test", &policy, report);
    cr_assert_eq(status == SP_OK, policy != NULL, "a policy is there when and only when the call says so");
    cr_assert_eq(status == SP_ERR_PARSE || status == SP_ERR_IO, sp_report_errors(report) > 0,
                 "the report has errors when and only when the call says so");
    sp_policy_destroy(&policy);
    if (ret_report != NULL)
        *ret_report = report;
    else
        sp_report_destroy(&report);
    return status;
}

char *print_of(const struct sp_policy *policy)
{
    char *text = NULL;
    size_t len_bytes = 0;
    FILE *out = open_memstream(&text, &len_bytes);
    cr_assert_not_null(out);
    sp_policy_print(policy, out);
    cr_assert_eq(fclose(out), 0);
    return text;
}

struct sp_address address_of(const char *text)
{
    struct sp_address address;
    cr_assert_eq(sp_address_parse(text, &address), SP_OK, "%s", text);
    return address;
}

static uint8_t protocol_of(const char *word)
{
    if (strcmp(word, "tcp") == 0)
        return IPPROTO_TCP;
    if (strcmp(word, "udp") == 0)
        return IPPROTO_UDP;
    if (strcmp(word, "icmp6") == 0)
        return IPPROTO_ICMPV6;
    return strcmp(word, "icmp") == 0 ? IPPROTO_ICMP : (uint8_t)atoi(word);
}

struct sp_flow flow_of(const char *text)
{
    char direction[4], protocol[8], source[SP_ADDRESS_TEXT_BYTES], destination[SP_ADDRESS_TEXT_BYTES];
    unsigned source_port, destination_port;
    int found = sscanf(text, "%3s %7s %45s %u %45s %u", direction, protocol, source, &source_port,
                       destination, &destination_port);
    cr_assert_eq(found, 6, "%s", text);
    struct sp_flow flow = {
        .direction = strcmp(direction, "out") == 0 ? SP_OUTBOUND : SP_INBOUND,
        .protocol = protocol_of(protocol),
        .source = address_of(source),
        .destination = address_of(destination),
        .source_port = (uint16_t)source_port,
        .destination_port = (uint16_t)destination_port,
    };
    if ((flow.protocol != IPPROTO_ICMP && flow.protocol != IPPROTO_ICMPV6) || source_port > UINT8_MAX)
        return flow;
    flow.source_port = flow.destination_port = 0;
    flow.has_icmp_type = true;
    flow.icmp_type = (uint8_t)source_port;
    flow.icmp_code = (uint8_t)destination_port;
    return flow;
}

void make_folder(void)
{
    strcpy(folder, "/tmp/sallyport-unit-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
}

void remove_folder(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    cr_assert_eq(system(command), 0);
}

const char *in_folder(const char *name)
{
    static char paths[PATHS][256];
    static unsigned next;
    char *path = paths[next++ % PATHS];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

const char *write_file(const char *name, const char *text, size_t len_bytes, unsigned mode)
{
    const char *path = in_folder(name);
    int descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    cr_assert_geq(descriptor, 0);
    for (size_t done = 0; done < len_bytes;) {
        ssize_t written = write(descriptor, text + done, len_bytes - done);
        cr_assert_gt(written, 0);
        done += (size_t)written;
    }
    cr_assert_eq(fchmod(descriptor, mode), 0);
    cr_assert_eq(close(descriptor), 0);
    return path;
}

uint64_t draw(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}
