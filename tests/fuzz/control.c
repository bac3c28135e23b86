/* SPDX-License-Identifier: ISC
 *
 * The daemon's side of the control socket: clients that say anything, in pieces, subscribe, read or don't,
 * and hang up when they like. The input is a sequence of steps: a byte that says which client does what, and
 * for a client that writes, a byte that says how much of what follows.
 */
#include "fuzz.h"

#include "control.h"
#include "control/server.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define CLIENTS 20 /* more than the daemon wants at a time */
#define FIRST_HANDING 9
#define DESCRIPTORS_MOST (256 / CLIENTS - FIRST_HANDING + 1)

struct play {
    struct control_server *server;
    struct sockaddr_un address;
    int clients[CLIENTS]; /* -1: not there */
    unsigned questions;
};

/* As the daemon: a question is text that ends, shorter than the header says. */
static char *answer(void *context, const struct control_question *question)
{
    struct play *play = context;
    const char *request = question->text;
    play->questions++;
    FUZZ_HOLDS(strlen(request) < CONTROL_REQUEST_MAX_BYTES);
    FUZZ_HOLDS(strchr(request, '\n') == NULL);
    FUZZ_HOLDS(question->descriptor_count <= CONTROL_DESCRIPTORS_MAX);
    for (size_t i = 0; i < question->descriptor_count; i++)
        FUZZ_HOLDS(fcntl(question->descriptors[i], F_GETFD) == FD_CLOEXEC);
    if (strstr(request, "\"events\"") && control_server_subscribe(play->server))
        FUZZ_HOLDS(control_server_has_subscribers(play->server));
    return request[0] == '0' ? NULL : strdup(request);
}

/* Long ones come soon to the end of what a queue holds. */
static void publish(struct control_server *server)
{
    static char line[65536];
    memset(line, 'x', sizeof line - 1);
    control_server_publish(server, "an event");
    control_server_publish(server, line);
}

static void welcome(struct play *play, int *client)
{
    *client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    FUZZ_HOLDS(*client >= 0);
    if (connect(*client, (const struct sockaddr *)&play->address, sizeof play->address) == 0)
        return;
    (void)close(*client);
    *client = -1;
}

static void hang_up(int *client)
{
    if (*client >= 0)
        (void)close(*client);
    *client = -1;
}

static void read_some(int client)
{
    char reply[256];
    while (recv(client, reply, sizeof reply, MSG_DONTWAIT) > 0)
        continue;
}

static int send_some(int client, const uint8_t *bytes, size_t len_bytes, size_t descriptors)
{
    union {
        struct cmsghdr alignment;
        char bytes[CMSG_SPACE(sizeof(int) * DESCRIPTORS_MOST)];
    } room = {0};
    struct iovec part = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = len_bytes};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (descriptors > 0) {
        message.msg_control = room.bytes;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * descriptors);
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int) * descriptors);
        for (size_t i = 0; i < descriptors; i++)
            memcpy(CMSG_DATA(header) + i * sizeof(int), &client, sizeof client);
    }
    return sendmsg(client, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -1 : 0;
}

/* One step; how many bytes it took. Of a client that writes, the last kinds hand over 1 to 4 descriptors. */
static size_t step(struct play *play, const uint8_t *data, size_t size)
{
    int *client = &play->clients[data[0] % CLIENTS];
    size_t took = 1;
    if (*client < 0)
        welcome(play, client);
    const size_t kind = data[0] / CLIENTS;
    switch (kind) {
    case 0:
        hang_up(client);
        break;
    case 1:
        control_server_tick(play->server);
        break;
    case 2:
        if (*client >= 0)
            read_some(*client);
        break;
    case 3:
        publish(play->server);
        break;
    default:
        took = size > 1 ? 2 + (size_t)data[1] * 8 : size;
        took = took > size ? size : took;
        if (*client >= 0 && took > 2)
            (void)send_some(*client, data + 2, took - 2, kind < FIRST_HANDING ? 0 : kind - FIRST_HANDING + 1);
    }
    control_server_work(play->server);
    return took;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char folder[] = "/tmp/sallyport-fuzz-XXXXXX";
    const int first_free = dup(STDERR_FILENO);
    (void)close(first_free);
    struct play play = {.address = {.sun_family = AF_UNIX}};
    FUZZ_HOLDS(mkdtemp(folder) != NULL);
    snprintf(play.address.sun_path, sizeof play.address.sun_path, "%s/socket", folder);
    play.server = control_server_create(play.address.sun_path, answer, &play);
    FUZZ_HOLDS(play.server != NULL);
    for (int i = 0; i < CLIENTS; i++)
        play.clients[i] = -1;
    for (size_t at = 0; at < size;)
        at += step(&play, data + at, size - at);
    control_server_destroy(&play.server);
    for (int i = 0; i < CLIENTS; i++)
        hang_up(&play.clients[i]);
    FUZZ_HOLDS(rmdir(folder) == 0);
    const int left = dup(STDERR_FILENO);
    (void)close(left);
    FUZZ_HOLDS(left == first_free); /* nothing that was handed over stays open */
    return 0;
}
