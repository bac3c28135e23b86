/* SPDX-License-Identifier: ISC
 *
 * Does the running kernel have IPsec? Asked over NETLINK_XFRM, the way that every IPsec daemon speaks to it,
 * with two questions that change nothing.
 *
 * A kernel built without CONFIG_XFRM_USER refuses the very socket with EPROTONOSUPPORT: that is an answer,
 * not a failure.
 */
#include "xfrm/info.h"

#include <sallyport/offload.h>

#include <libmnl/libmnl.h>

#include <errno.h>
#include <stdio.h>
#include <sys/time.h>

/* The kernel answers before the request returns; the limit only keeps a broken one from hanging us. */
#define ANSWER_SECONDS 2
#define ANSWER_BYTES 8192

struct answer {
    enum sp_xfrm_question question;
    bool has_come;
    uint32_t count;
};

static int on_message(const struct nlmsghdr *message, void *context)
{
    struct answer *answer = context;

    answer->has_come = sp_xfrm_info_read(message, answer->question, &answer->count);
    return answer->has_come ? MNL_CB_STOP : MNL_CB_OK;
}

/* 0, or -1 with errno. */
static int ask(struct mnl_socket *socket, enum sp_xfrm_question question, uint32_t *ret_count)
{
    _Alignas(struct nlmsghdr) char request[SP_XFRM_REQUEST_BYTES];
    _Alignas(struct nlmsghdr) char reply[ANSWER_BYTES];
    uint32_t sequence = (uint32_t)question + 1;
    struct nlmsghdr *message = sp_xfrm_info_ask(request, question, sequence);
    struct answer answer = {.question = question};

    if (mnl_socket_sendto(socket, message, message->nlmsg_len) < 0)
        return -1;
    while (!answer.has_come) {
        ssize_t reply_bytes = mnl_socket_recvfrom(socket, reply, sizeof reply);
        if (reply_bytes < 0)
            return -1;
        if (mnl_cb_run(reply, (size_t)reply_bytes, sequence, mnl_socket_get_portid(socket), on_message,
                       &answer) < 0)
            return -1; /* the kernel's own refusal is in errno */
    }
    *ret_count = answer.count;
    return 0;
}

static int ask_both(struct mnl_socket *socket, struct sp_offload_kernel *kernel)
{
    const struct timeval limit = {.tv_sec = ANSWER_SECONDS};

    if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0 ||
        setsockopt(mnl_socket_get_fd(socket), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) < 0)
        return -1;
    if (ask(socket, SP_XFRM_HOW_MANY_SAS, &kernel->sa_count) < 0)
        return -1;
    return ask(socket, SP_XFRM_HOW_MANY_POLICIES, &kernel->policy_count);
}

static enum sp_status answer_without_xfrm(struct sp_offload_kernel *ret_kernel)
{
    *ret_kernel = (struct sp_offload_kernel){
        .has_xfrm = false,
        .text = "This kernel's IPsec can't be had: it was built without CONFIG_XFRM_USER.",
    };
    return SP_OK;
}

enum sp_status sp_offload_kernel_probe(struct sp_offload_kernel *ret_kernel)
{
    struct sp_offload_kernel kernel = {.has_xfrm = true};
    struct mnl_socket *socket = mnl_socket_open(NETLINK_XFRM);

    if (socket == NULL)
        return errno == EPROTONOSUPPORT ? answer_without_xfrm(ret_kernel) : SP_ERR_SYSTEM;
    int failed = ask_both(socket, &kernel);
    int why = errno;
    (void)mnl_socket_close(socket);
    errno = why;
    if (failed)
        return why == EPERM || why == EACCES ? SP_ERR_PERMISSION : SP_ERR_SYSTEM;
    (void)snprintf(kernel.text, sizeof kernel.text, "This kernel has IPsec; it holds %u SAs and %u policies.",
                   kernel.sa_count, kernel.policy_count);
    *ret_kernel = kernel;
    return SP_OK;
}
