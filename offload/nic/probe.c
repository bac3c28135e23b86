/* SPDX-License-Identifier: ISC
 *
 * What a device offers: what it advertises, what its driver's sources say, and what it answers when it is
 * asked for real, suite by suite.
 */
#include "kernel/preflight.h"
#include "nic/drivers.h"
#include "nic/ethtool_codec.h"

#include <libmnl/libmnl.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>

#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define ANSWER_SECONDS 2
#define ANSWER_BYTES 16384

/* ---- what it advertises ---------------------------------------------------------------------------------
 */

/* The answer to a request, or -1. */
static ssize_t converse(struct mnl_socket *socket, const struct nlmsghdr *request, char *answer)
{
    if (mnl_socket_sendto(socket, request, request->nlmsg_len) < 0)
        return -1;
    return mnl_socket_recvfrom(socket, answer, ANSWER_BYTES);
}

static bool ask_features(struct mnl_socket *socket, struct sp_offload_device *device)
{
    static const struct timeval limit = {.tv_sec = ANSWER_SECONDS};
    _Alignas(struct nlmsghdr) char request[SP_ETHTOOL_REQUEST_BYTES];
    _Alignas(struct nlmsghdr) char answer[ANSWER_BYTES];
    uint16_t family;

    if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0 ||
        setsockopt(mnl_socket_get_fd(socket), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) < 0)
        return false;
    ssize_t answer_bytes = converse(socket, sp_ethtool_ask_family(request, 1), answer);
    if (answer_bytes < 0 || !sp_ethtool_read_family(answer, (size_t)answer_bytes, &family))
        return false;
    answer_bytes = converse(socket, sp_ethtool_ask_features(request, family, device->name, 2), answer);
    return answer_bytes >= 0 && sp_ethtool_read_features(answer, (size_t)answer_bytes, device->features);
}

static void look_at_features(struct sp_offload_device *device)
{
    struct mnl_socket *socket = mnl_socket_open(NETLINK_GENERIC);

    if (socket == NULL)
        return;
    device->has_features = ask_features(socket, device);
    (void)mnl_socket_close(socket);
}

static void look_at_driver(struct sp_offload_device *device)
{
    struct ethtool_drvinfo driver = {.cmd = ETHTOOL_GDRVINFO};
    struct ifreq request = {.ifr_data = (void *)&driver};
    const int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (descriptor < 0)
        return;
    memcpy(request.ifr_name, device->name, sizeof request.ifr_name);
    if (ioctl(descriptor, SIOCETHTOOL, &request) == 0)
        (void)snprintf(device->driver, sizeof device->driver, "%.31s", driver.driver);
    (void)close(descriptor);
    const struct sp_nic_driver *known = sp_nic_driver_find(device->driver);
    if (known != NULL)
        (void)snprintf(device->driver_takes, sizeof device->driver_takes, "%s", known->takes);
}

/* ---- what it answers ------------------------------------------------------------------------------------
 */

struct asking {
    struct sp_xfrm_link *link;
    struct sp_kernel_nic_question question;
    char packet_refusal[SP_KERNEL_REFUSAL_BYTES], crypto_refusal[SP_KERNEL_REFUSAL_BYTES];
};

static bool take_address(const struct ifaddrs *one, const char *device, struct sp_address *ret_address)
{
    if (one->ifa_addr == NULL || strcmp(one->ifa_name, device) != 0)
        return false;
    if (one->ifa_addr->sa_family == AF_INET) {
        *ret_address = (struct sp_address){.family = 4};
        memcpy(ret_address->bytes, &((const struct sockaddr_in *)(const void *)one->ifa_addr)->sin_addr, 4);
        return true;
    }
    if (one->ifa_addr->sa_family != AF_INET6)
        return false;
    *ret_address = (struct sp_address){.family = 6};
    memcpy(ret_address->bytes, &((const struct sockaddr_in6 *)(const void *)one->ifa_addr)->sin6_addr, 16);
    return true;
}

/* An address of the device; without one, the loopback's serves as well. */
static struct sp_address local_address(const char *device)
{
    struct sp_address address = {.family = 4, .bytes = {127, 0, 0, 1}};
    struct ifaddrs *all;

    if (getifaddrs(&all) != 0)
        return address;
    for (const struct ifaddrs *one = all; one != NULL; one = one->ifa_next)
        if (take_address(one, device, &address))
            break;
    freeifaddrs(all);
    return address;
}

/* Both ways; *ret_is_granted: it is that mode. */
static enum sp_status ask_mode(struct asking *asking, enum sp_offload_mode mode, bool *ret_is_granted,
                               char *reason)
{
    enum sp_status status = SP_OK;
    bool is_granted = true;

    asking->question.place.mode = mode;
    for (int i = 0; i < 2 && status == SP_OK && is_granted; i++) {
        enum sp_offload_mode granted = mode;
        asking->question.is_inbound = i == 1;
        status = sp_kernel_preflight_nic(asking->link, &asking->question, &granted, reason,
                                         SP_KERNEL_REFUSAL_BYTES);
        is_granted = granted == mode;
    }
    if (status == SP_OK && is_granted && mode == SP_OFFLOAD_PACKET)
        status = sp_kernel_preflight_nic_policy(asking->link, &asking->question, IPPROTO_TCP, &is_granted,
                                                reason, SP_KERNEL_REFUSAL_BYTES);
    *ret_is_granted = is_granted;
    return status;
}

static enum sp_status ask_suite(struct asking *asking, struct sp_offload_suite *suite)
{
    char *lack = asking->crypto_refusal;
    bool is_granted;

    asking->packet_refusal[0] = asking->crypto_refusal[0] = '\0';
    enum sp_status status = sp_kernel_preflight(asking->link, asking->question.local.family,
                                                &asking->question.suite, lack, SP_KERNEL_REFUSAL_BYTES);
    if (status == SP_ERR_UNSUPPORTED) {
        memcpy(asking->packet_refusal, lack, sizeof asking->packet_refusal);
        suite->is_there = false;
        return SP_OK;
    }
    suite->is_there = true;
    if (status == SP_OK)
        status = ask_mode(asking, SP_OFFLOAD_PACKET, &is_granted, asking->packet_refusal);
    if (status != SP_OK)
        return status;
    suite->granted = SP_OFFLOAD_PACKET;
    if (is_granted)
        return SP_OK;
    status = ask_mode(asking, SP_OFFLOAD_CRYPTO, &is_granted, asking->crypto_refusal);
    suite->granted = is_granted ? SP_OFFLOAD_CRYPTO : SP_OFFLOAD_SOFTWARE;
    return status;
}

static const char *trouble(enum sp_status status)
{
    switch (status) {
    case SP_ERR_UNSUPPORTED:
        return "it was built without CONFIG_XFRM_USER";
    case SP_ERR_PERMISSION:
        return "only root may (CAP_NET_ADMIN)";
    case SP_ERR_SYSTEM:
        return strerror(errno);
    default:
        return sp_status_text(status);
    }
}

static void visit_suite(struct asking *asking, struct sp_offload_device *device,
                        sp_offload_on_suite *on_suite, void *context)
{
    const struct sp_nic_driver *driver =
        sp_nic_driver_find(device->driver); /* NULL: none that offloads ESP */
    const struct sp_kernel_suite *ours = &asking->question.suite;
    struct sp_offload_suite suite = {
        .encryption = ours->encryption,
        .integrity = ours->integrity,
        .is_known = device->driver[0] != '\0',
        .is_taken = driver != NULL && sp_nic_driver_takes(driver, ours->encryption),
        .packet_refusal = asking->packet_refusal,
        .crypto_refusal = asking->crypto_refusal,
    };

    if (asking->link != NULL) {
        const enum sp_status status = ask_suite(asking, &suite);
        suite.is_asked = status == SP_OK;
        if (status != SP_OK)
            (void)snprintf(device->trouble, sizeof device->trouble, "%s", trouble(status));
    }
    on_suite(&suite, context);
}

static void visit_suites(struct sp_offload_device *device, struct sp_xfrm_link *link,
                         sp_offload_on_suite *on_suite, void *context)
{
    struct asking asking = {.link = link,
                            .question = {.place = {.interface = (int32_t)if_nametoindex(device->name)},
                                         .local = local_address(device->name),
                                         .window_packets = SP_REPLAY_WINDOW_MIN}};

    do
        if (sp_kernel_suite_is_there(&asking.question.suite) && !asking.question.suite.is_encapsulated)
            visit_suite(&asking, device, on_suite, context);
    while (sp_kernel_suite_next(&asking.question.suite));
}

enum sp_status sp_offload_device_probe(const char *name, sp_offload_on_suite *on_suite, void *context,
                                       struct sp_offload_device *ret_device)
{
    struct sp_offload_device device = {.name = ""};
    struct sp_xfrm_link *link = NULL;

    if (strnlen(name, IF_NAMESIZE) == IF_NAMESIZE || if_nametoindex(name) == 0)
        return SP_ERR_NOT_FOUND;
    (void)snprintf(device.name, sizeof device.name, "%s", name);
    look_at_features(&device);
    look_at_driver(&device);
    const enum sp_status status = sp_xfrm_link_open(&link);
    if (status != SP_OK)
        (void)snprintf(device.trouble, sizeof device.trouble, "%s", trouble(status));
    if (on_suite != NULL)
        visit_suites(&device, status == SP_OK ? link : NULL, on_suite, context);
    sp_xfrm_link_close(&link);
    *ret_device = device;
    return SP_OK;
}
