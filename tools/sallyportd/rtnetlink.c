/* SPDX-License-Identifier: ISC
 *
 * rtnetlink(7) with libmnl, a socket a question: they are few, and none is on the data path.
 */
#include "rtnetlink.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <sys/socket.h>
#include <time.h>

int rtnetlink_ask(struct nlmsghdr *request)
{
    char answer[4096];
    struct mnl_socket *socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
    if (!socket)
        return errno;
    int error = 0;
    request->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
    request->nlmsg_seq = (uint32_t)time(NULL);
    if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) != 0 ||
        mnl_socket_sendto(socket, request, request->nlmsg_len) < 0) {
        error = errno;
        goto out;
    }
    const ssize_t got = mnl_socket_recvfrom(socket, answer, sizeof answer);
    if (got < 0 ||
        mnl_cb_run(answer, (size_t)got, request->nlmsg_seq, mnl_socket_get_portid(socket), NULL, NULL) < 0)
        error = errno;
out:
    mnl_socket_close(socket);
    return error;
}
