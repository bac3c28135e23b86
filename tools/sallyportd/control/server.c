/* SPDX-License-Identifier: ISC
 *
 * A few clients at a time, none of which can hold up anything: sockets don't block, a client that neither
 * asks nor reads for some seconds is hung up on, and all of it is the control thread's, never the data
 * path's. Subscribers stay, but not so many that nobody could ask any more; they are read from no further.
 */
#include "control/server.h"

#include "control.h"
#include "events/line_queue.h"
#include "host/host.h"
#include "log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define CLIENTS_MAX 16
#define PATIENCE_SECONDS 5

struct client {
    int fd; /* -1: free */
    unsigned idle_seconds;
    char request[CONTROL_REQUEST_MAX_BYTES];
    size_t request_bytes;
    int descriptors[CONTROL_DESCRIPTORS_MAX]; /* that came with it */
    size_t descriptor_count;
    char *reply; /* NULL: still reading */
    size_t reply_bytes, sent_bytes;
    struct line_queue queue; /* open: it is a subscriber */
    uint32_t watched;        /* epoll's events; of a subscriber EPOLLOUT while something waits */
};

struct control_server {
    int listen_fd, epoll_fd;
    struct sockaddr_un address;
    control_answerer *answerer;
    void *context;
    struct client *asking; /* while the answerer is at work */
    struct client clients[CLIENTS_MAX];
};

/* ---- the socket ---------------------------------------------------------------------------------------- */

/* A socket file that a killed daemon left behind is in the way; what is answered, or is something else, is
 * not ours to take. */
static bool make_way(const struct sockaddr_un *address)
{
    struct stat file;
    if (lstat(address->sun_path, &file) != 0)
        return true;
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const bool is_left_behind = S_ISSOCK(file.st_mode) && fd >= 0 &&
                                connect(fd, (const struct sockaddr *)address, sizeof *address) != 0 &&
                                errno == ECONNREFUSED;
    if (fd >= 0)
        close(fd);
    if (is_left_behind)
        return unlink(address->sun_path) == 0;
    log_line("%s: %s; name another path with --control", address->sun_path,
             S_ISSOCK(file.st_mode) ? "another daemon answers there" : "is there and no socket");
    return false;
}

static int listen_at(const struct sockaddr_un *address)
{
    if (!make_way(address))
        return -1;
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const mode_t former_mask = umask(0177);
    const bool is_bound = fd >= 0 && bind(fd, (const struct sockaddr *)address, sizeof *address) == 0;
    umask(former_mask);
    if (is_bound && listen(fd, CLIENTS_MAX) == 0)
        return fd;
    log_errno("%s: can't listen there", address->sun_path);
    if (fd >= 0)
        close(fd);
    return -1;
}

static bool watch(const struct control_server *server, int operation, int fd, uint32_t events, uint32_t who)
{
    struct epoll_event event = {.events = events, .data.u32 = who};
    return epoll_ctl(server->epoll_fd, operation, fd, &event) == 0;
}

struct control_server *control_server_create(const char *path, control_answerer *answerer, void *context)
{
    struct control_server *server = calloc(1, sizeof *server);
    if (!server) {
        log_line("no memory");
        return NULL;
    }
    server->answerer = answerer;
    server->context = context;
    server->listen_fd = server->epoll_fd = -1;
    for (size_t i = 0; i < CLIENTS_MAX; i++)
        server->clients[i].fd = -1;
    server->address.sun_family = AF_UNIX;
    if (strlen(path) >= sizeof server->address.sun_path) {
        log_line("--control takes a path of at most %zu bytes", sizeof server->address.sun_path - 1);
        goto fail;
    }
    memcpy(server->address.sun_path, path, strlen(path) + 1);
    (void)mkdir(HOST_RUN_FOLDER, 0755);

    server->listen_fd = listen_at(&server->address);
    if (server->listen_fd < 0)
        goto fail;
    server->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (server->epoll_fd >= 0 && watch(server, EPOLL_CTL_ADD, server->listen_fd, EPOLLIN, CLIENTS_MAX))
        return server;
    log_errno("can't watch the control socket");
fail:
    control_server_destroy(&server);
    return NULL;
}

/* ---- clients ------------------------------------------------------------------------------------------- */

static bool is_subscriber(const struct client *client)
{
    return client->queue.bytes != NULL;
}

static void close_handed(struct client *client)
{
    while (client->descriptor_count > 0)
        close(client->descriptors[--client->descriptor_count]);
}

static void hang_up(struct client *client)
{
    close_handed(client);
    if (client->fd >= 0)
        close(client->fd);
    free(client->reply);
    line_queue_close(&client->queue);
    *client = (struct client){.fd = -1};
}

static void welcome(struct control_server *server)
{
    const int fd = accept4(server->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0)
        return;
    for (uint32_t i = 0; i < CLIENTS_MAX; i++) {
        if (server->clients[i].fd >= 0)
            continue;
        server->clients[i] = (struct client){.fd = fd, .watched = EPOLLIN};
        if (!watch(server, EPOLL_CTL_ADD, fd, EPOLLIN, i))
            hang_up(&server->clients[i]);
        return;
    }
    close(fd); /* too many at once: it may ask again */
}

static void send_more(struct client *client)
{
    while (client->sent_bytes < client->reply_bytes) {
        const ssize_t sent = send(client->fd, client->reply + client->sent_bytes,
                                  client->reply_bytes - client->sent_bytes, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno == EAGAIN)
            return;
        if (sent < 0) {
            hang_up(client);
            return;
        }
        client->sent_bytes += (size_t)sent;
        client->idle_seconds = 0;
    }
    hang_up(client);
}

/* A subscriber is watched for whether it is still there, and for whether it reads when something waits. */
static void send_queue(struct control_server *server, struct client *client)
{
    const char *next;
    size_t waiting_bytes;
    while ((next = line_queue_next(&client->queue, &waiting_bytes)), waiting_bytes > 0) {
        const ssize_t sent = send(client->fd, next, waiting_bytes, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno == EAGAIN)
            break;
        if (sent < 0) {
            hang_up(client);
            return;
        }
        line_queue_sent(&client->queue, (size_t)sent);
    }
    const uint32_t wanted = waiting_bytes > 0 ? EPOLLOUT : 0;
    if (wanted != client->watched &&
        !watch(server, EPOLL_CTL_MOD, client->fd, wanted, (uint32_t)(client - server->clients)))
        hang_up(client);
    else
        client->watched = wanted;
}

static void answer(struct control_server *server, struct client *client)
{
    const struct control_question question = {.text = client->request,
                                              .descriptors = client->descriptors,
                                              .descriptor_count = client->descriptor_count};
    server->asking = client;
    client->reply = server->answerer(server->context, &question);
    server->asking = NULL;
    close_handed(client);
    if (!client->reply) {
        hang_up(client);
        return;
    }
    if (is_subscriber(client)) {
        line_queue_add(&client->queue, client->reply);
        free(client->reply);
        client->reply = NULL;
        send_queue(server, client);
        return;
    }
    client->reply_bytes = strlen(client->reply);
    if (watch(server, EPOLL_CTL_MOD, client->fd, EPOLLOUT, (uint32_t)(client - server->clients)))
        send_more(client);
    else
        hang_up(client);
}

/* False: there are more of them than any question has. All that came are taken over or closed. */
static bool take_handed(struct client *client, struct msghdr *message)
{
    bool has_room = !(message->msg_flags & MSG_CTRUNC);
    for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header; header = CMSG_NXTHDR(message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
            continue;
        for (size_t at = 0; CMSG_LEN(at + sizeof(int)) <= header->cmsg_len; at += sizeof(int)) {
            int descriptor;
            memcpy(&descriptor, CMSG_DATA(header) + at, sizeof descriptor);
            has_room &= client->descriptor_count < CONTROL_DESCRIPTORS_MAX;
            if (client->descriptor_count < CONTROL_DESCRIPTORS_MAX)
                client->descriptors[client->descriptor_count++] = descriptor;
            else
                close(descriptor);
        }
    }
    return has_room;
}

static ssize_t receive(struct client *client)
{
    union {
        struct cmsghdr alignment;
        char bytes[CMSG_SPACE(sizeof(int) * CONTROL_DESCRIPTORS_MAX)];
    } room;
    struct iovec part = {.iov_base = client->request + client->request_bytes,
                         .iov_len = sizeof client->request - 1 - client->request_bytes};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = room.bytes, .msg_controllen = sizeof room.bytes};
    const ssize_t got = recvmsg(client->fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    return got >= 0 && !take_handed(client, &message) ? 0 : got;
}

static void read_more(struct control_server *server, struct client *client)
{
    const ssize_t got = receive(client);
    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0) { /* gone, or a request that is too long or has too much with it */
        hang_up(client);
        return;
    }
    client->idle_seconds = 0;
    client->request_bytes += (size_t)got;
    char *end = memchr(client->request, '\n', client->request_bytes);
    if (!end)
        return;
    *end = '\0';
    answer(server, client);
}

/* ---- the control thread's calls ------------------------------------------------------------------------ */

int control_server_fd(const struct control_server *server)
{
    return server->epoll_fd;
}

static void serve(struct control_server *server, struct client *client, uint32_t events)
{
    if (is_subscriber(client) && (events & (EPOLLHUP | EPOLLERR)) != 0)
        hang_up(client);
    else if (is_subscriber(client))
        send_queue(server, client);
    else if (client->reply)
        send_more(client);
    else
        read_more(server, client);
}

void control_server_work(struct control_server *server)
{
    struct epoll_event events[CLIENTS_MAX + 1];
    const int count = epoll_wait(server->epoll_fd, events, CLIENTS_MAX + 1, 0);
    for (int i = 0; i < count; i++) {
        const uint32_t who = events[i].data.u32;
        if (who == CLIENTS_MAX)
            welcome(server);
        else if (server->clients[who].fd >= 0)
            serve(server, &server->clients[who], events[i].events);
    }
}

bool control_server_subscribe(struct control_server *server)
{
    unsigned subscribers = 0;
    for (size_t i = 0; i < CLIENTS_MAX; i++)
        subscribers += is_subscriber(&server->clients[i]);
    return subscribers < CONTROL_SUBSCRIBERS_MAX && line_queue_open(&server->asking->queue);
}

bool control_server_has_subscribers(const struct control_server *server)
{
    for (size_t i = 0; i < CLIENTS_MAX; i++)
        if (is_subscriber(&server->clients[i]))
            return true;
    return false;
}

void control_server_publish(struct control_server *server, const char *line)
{
    for (size_t i = 0; i < CLIENTS_MAX; i++) {
        struct client *client = &server->clients[i];
        if (!is_subscriber(client))
            continue;
        line_queue_add(&client->queue, line);
        if (client->watched == 0)
            send_queue(server, client);
    }
}

void control_server_tick(struct control_server *server)
{
    for (size_t i = 0; i < CLIENTS_MAX; i++)
        if (server->clients[i].fd >= 0 && !is_subscriber(&server->clients[i]) &&
            ++server->clients[i].idle_seconds > PATIENCE_SECONDS)
            hang_up(&server->clients[i]);
}

void control_server_destroy(struct control_server **server)
{
    if (!*server)
        return;
    struct control_server *own = *server;
    for (size_t i = 0; i < CLIENTS_MAX; i++)
        hang_up(&own->clients[i]);
    if (own->listen_fd >= 0) {
        unlink(own->address.sun_path);
        close(own->listen_fd);
    }
    if (own->epoll_fd >= 0)
        close(own->epoll_fd);
    free(own);
    *server = NULL;
}
