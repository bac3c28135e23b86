/* SPDX-License-Identifier: ISC
 *
 * Does the running kernel have IPsec? Asked over NETLINK_XFRM, the way that every IPsec daemon speaks to it.
 *
 * Two questions, both answered without changing anything: XFRM_MSG_GETSADINFO and XFRM_MSG_GETSPDINFO
 * (linux/xfrm.h). A kernel built without CONFIG_XFRM_USER refuses the very socket with EPROTONOSUPPORT; that
 * is an answer, not a failure.
 */
#include <sallyport/offload.h>

#include <libmnl/libmnl.h>
#include <linux/netlink.h>
#include <linux/xfrm.h>

#include <errno.h>
#include <stdio.h>
#include <sys/time.h>

#define REQUEST_BYTES 64
/* the kernel answers within the request; the limit only keeps a broken one from hanging us */
#define ANSWER_SECONDS 2

struct question {
    uint16_t message_type;
    uint16_t answer_type;
    int (*read_answer)(const struct nlattr *attribute, void *count);
};

static int read_sa_count(const struct nlattr *attribute, void *count)
{
    if (mnl_attr_get_type(attribute) == XFRMA_SAD_CNT && mnl_attr_validate(attribute, MNL_TYPE_U32) == 0)
        *(uint32_t *)count = mnl_attr_get_u32(attribute);
    return MNL_CB_OK;
}

static int read_policy_count(const struct nlattr *attribute, void *count)
{
    if (mnl_attr_get_type(attribute) == XFRMA_SPD_INFO &&
        mnl_attr_get_payload_len(attribute) >= sizeof(struct xfrmu_spdinfo)) {
        const struct xfrmu_spdinfo *info = mnl_attr_get_payload(attribute);
        *(uint32_t *)count = info->incnt + info->outcnt + info->fwdcnt;
    }
    return MNL_CB_OK;
}

static const struct question ask_sad = {XFRM_MSG_GETSADINFO, XFRM_MSG_NEWSADINFO, read_sa_count};
static const struct question ask_spd = {XFRM_MSG_GETSPDINFO, XFRM_MSG_NEWSPDINFO, read_policy_count};

struct answer {
    const struct question *question;
    bool has_come;
    uint32_t count;
};

static int on_message(const struct nlmsghdr *header, void *context)
{
    struct answer *answer = context;

    if (header->nlmsg_type != answer->question->answer_type)
        return MNL_CB_OK;
    /* behind the header stand 4 bytes of flags, then attributes */
    if (mnl_attr_parse(header, sizeof(uint32_t), answer->question->read_answer, &answer->count) < 0)
        return MNL_CB_ERROR;
    answer->has_come = true;
    return MNL_CB_STOP;
}

/* 0, or -1 with errno. */
static int ask(struct mnl_socket *socket, const struct question *question, uint32_t sequence,
               uint32_t *ret_count)
{
    _Alignas(struct nlmsghdr) char request[REQUEST_BYTES];
    _Alignas(struct nlmsghdr) char reply[4096];
    struct nlmsghdr *header = mnl_nlmsg_put_header(request);
    struct answer answer = {.question = question};

    header->nlmsg_type = question->message_type;
    header->nlmsg_flags = NLM_F_REQUEST;
    header->nlmsg_seq = sequence;
    *(uint32_t *)mnl_nlmsg_put_extra_header(header, sizeof(uint32_t)) = 0;
    if (mnl_socket_sendto(socket, header, header->nlmsg_len) < 0)
        return -1;

    while (!answer.has_come) {
        ssize_t reply_bytes = mnl_socket_recvfrom(socket, reply, sizeof reply);
        if (reply_bytes < 0)
            return -1;
        if (mnl_cb_run(reply, (size_t)reply_bytes, sequence, mnl_socket_get_portid(socket), on_message,
                       &answer) < 0)
            return -1;
    }
    *ret_count = answer.count;
    return 0;
}

static int ask_both(struct mnl_socket *socket, struct sp_offload_kernel *kernel)
{
    struct timeval limit = {.tv_sec = ANSWER_SECONDS};

    if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0 ||
        setsockopt(mnl_socket_get_fd(socket), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) < 0)
        return -1;
    if (ask(socket, &ask_sad, 1, &kernel->sa_count) < 0)
        return -1;
    return ask(socket, &ask_spd, 2, &kernel->policy_count);
}

enum sp_status sp_offload_kernel_probe(struct sp_offload_kernel *ret_kernel)
{
    struct sp_offload_kernel kernel = {.has_xfrm = false};
    struct mnl_socket *socket = mnl_socket_open(NETLINK_XFRM);

    if (socket == NULL && errno != EPROTONOSUPPORT)
        return SP_ERR_SYSTEM;
    if (socket == NULL) {
        (void)snprintf(kernel.text, sizeof kernel.text,
                       "This kernel has no IPsec: it was built without CONFIG_XFRM_USER.");
        *ret_kernel = kernel;
        return SP_OK;
    }

    int failed = ask_both(socket, &kernel);
    int why = errno;
    (void)mnl_socket_close(socket);
    if (failed) {
        errno = why;
        return why == EPERM || why == EACCES ? SP_ERR_PERMISSION : SP_ERR_SYSTEM;
    }
    kernel.has_xfrm = true;
    (void)snprintf(kernel.text, sizeof kernel.text, "This kernel does IPsec: %u SAs and %u policies are set.",
                   kernel.sa_count, kernel.policy_count);
    *ret_kernel = kernel;
    return SP_OK;
}
