/* SPDX-License-Identifier: ISC
 *
 * Tests of tools/sallyportd/control/server.c: subscribers get what is published, slow ones are told what they
 * lost, and nobody holds up anybody.
 */
#include "control/server.h"

#include "control.h"
#include "events/line_queue.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define EVENTS "events\n"
#define EVENT "{\"event\":\"%d\"}"

struct scene {
    char folder[64], path[80];
    struct control_server *server;
};

/* "events" subscribes; anything is answered with itself, and a subscriber that is refused with "no". */
static char *answer(void *context, const struct control_question *question)
{
    struct scene *scene = context;
    const char *request = question->text;
    if (strcmp(request, "events") == 0 && !control_server_subscribe(scene->server))
        return strdup("no");
    return strdup(request);
}

static void scene_open(struct scene *scene)
{
    snprintf(scene->folder, sizeof scene->folder, "/tmp/control-server.XXXXXX");
    cr_assert_not_null(mkdtemp(scene->folder));
    snprintf(scene->path, sizeof scene->path, "%s/socket", scene->folder);
    scene->server = control_server_create(scene->path, answer, scene);
    cr_assert_not_null(scene->server);
}

static void scene_close(struct scene *scene)
{
    control_server_destroy(&scene->server);
    cr_assert_eq(rmdir(scene->folder), 0);
}

static void work(struct scene *scene)
{
    for (int i = 0; i < 4; i++) /* accept, read, answer, send */
        control_server_work(scene->server);
}

/* Asks, and has the server see it. */
static int ask(struct scene *scene, const char *question)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", scene->path);
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    cr_assert_eq(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    cr_assert_eq(write(fd, question, strlen(question)), (ssize_t)strlen(question));
    work(scene);
    return fd;
}

/* What is there to be read now, to text[]; -1: hung up. */
static ssize_t read_now(int fd, char *text, size_t size_bytes)
{
    const ssize_t got = recv(fd, text, size_bytes - 1, MSG_DONTWAIT);
    text[got > 0 ? got : 0] = '\0';
    return got == 0 ? -1 : got < 0 ? 0 : got;
}

static void assert_says(int fd, const char *expected)
{
    char text[1024];
    (void)read_now(fd, text, sizeof text);
    cr_assert_str_eq(text, expected);
}

Test(control_server, a_subscriber_gets_each_line_after_its_answer)
{
    struct scene scene;
    scene_open(&scene);
    cr_assert_not(control_server_has_subscribers(scene.server));
    control_server_publish(scene.server, "nobody hears it");
    const int fd = ask(&scene, EVENTS), other = ask(&scene, EVENTS);
    cr_assert(control_server_has_subscribers(scene.server));
    assert_says(fd, EVENTS);
    control_server_publish(scene.server, "one");
    control_server_publish(scene.server, "two");
    assert_says(fd, "one\ntwo\n");
    assert_says(other, EVENTS "one\ntwo\n");
    close(fd);
    close(other);
    work(&scene);
    cr_assert_not(control_server_has_subscribers(scene.server),
                  "who is gone is noticed without being written to");
    scene_close(&scene);
}

Test(control_server, a_subscriber_may_be_silent_for_as_long_as_it_likes)
{
    struct scene scene;
    char text[64];
    scene_open(&scene);
    const int fd = ask(&scene, EVENTS), idle = ask(&scene, "");
    assert_says(fd, EVENTS);
    for (int second = 0; second < 100; second++)
        control_server_tick(scene.server);
    cr_assert_eq(read_now(idle, text, sizeof text), -1, "others are hung up on");
    cr_assert_eq(shutdown(fd, SHUT_WR), 0); /* as "echo | nc" does */
    work(&scene);
    control_server_publish(scene.server, "still there");
    assert_says(fd, "still there\n");
    close(fd);
    close(idle);
    scene_close(&scene);
}

Test(control_server, what_a_subscriber_says_is_not_read)
{
    struct scene scene;
    static const char chatter[65536] = {'\n'};
    scene_open(&scene);
    const int fd = ask(&scene, EVENTS);
    size_t said = 0;
    ssize_t now;
    while ((now = send(fd, chatter, sizeof chatter, MSG_DONTWAIT | MSG_NOSIGNAL)) > 0) {
        said += (size_t)now;
        work(&scene);
        cr_assert_lt(said, 64u << 20);
    }
    assert_says(fd, EVENTS);
    control_server_publish(scene.server, "one");
    assert_says(fd, "one\n");
    close(fd);
    scene_close(&scene);
}

Test(control_server, there_are_so_many_subscribers_and_others_may_still_ask)
{
    struct scene scene;
    int fds[CONTROL_SUBSCRIBERS_MAX];
    scene_open(&scene);
    for (int i = 0; i < CONTROL_SUBSCRIBERS_MAX; i++) {
        fds[i] = ask(&scene, EVENTS);
        assert_says(fds[i], EVENTS);
    }
    char text[64];
    int fd = ask(&scene, EVENTS);
    assert_says(fd, "no");
    cr_assert_eq(read_now(fd, text, sizeof text), -1);
    close(fd);
    for (int i = 0; i < 20; i++) {
        fd = ask(&scene, "status\n");
        assert_says(fd, "status");
        close(fd);
    }
    close(fds[3]);
    work(&scene);
    fds[3] = ask(&scene, EVENTS);
    assert_says(fds[3], EVENTS); /* its place was free again */
    for (int i = 0; i < CONTROL_SUBSCRIBERS_MAX; i++)
        close(fds[i]);
    scene_close(&scene);
}

/* Asks with so many descriptors of /dev/null beside the question. */
static int ask_with(struct scene *scene, const char *question, size_t count)
{
    int null[8];
    union {
        struct cmsghdr alignment;
        char bytes[CMSG_SPACE(sizeof null)];
    } room = {0};
    const int fd = ask(scene, "");
    struct iovec part = {.iov_base = (void *)(uintptr_t)question, .iov_len = strlen(question)};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = room.bytes,
                             .msg_controllen = CMSG_SPACE(count * sizeof *null)};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(count * sizeof *null);
    for (size_t i = 0; i < count; i++)
        cr_assert_geq(null[i] = open("/dev/null", O_RDONLY | O_CLOEXEC), 0);
    memcpy(CMSG_DATA(header), null, count * sizeof *null);
    cr_assert_eq(sendmsg(fd, &message, 0), (ssize_t)strlen(question));
    for (size_t i = 0; i < count; i++)
        close(null[i]);
    work(scene);
    return fd;
}

/* Of this process, the server's among them. */
static size_t open_descriptors(void)
{
    size_t count = 0;
    for (int fd = 0; fd < 1024; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

Test(control_server, what_was_handed_over_is_closed_with_the_answer)
{
    struct scene scene;
    scene_open(&scene);
    const size_t before = open_descriptors();
    const int fd = ask_with(&scene, EVENTS, CONTROL_DESCRIPTORS_MAX);
    assert_says(fd, EVENTS);
    cr_assert_eq(open_descriptors(), before + 2, "of a subscriber there are both ends and no more");
    close(fd);
    scene_close(&scene);
}

Test(control_server, who_hands_over_too_much_gets_no_answer)
{
    struct scene scene;
    char text[64];
    scene_open(&scene);
    const size_t before = open_descriptors();
    for (size_t count = CONTROL_DESCRIPTORS_MAX + 1; count <= 8; count++) {
        const int fd = ask_with(&scene, "status\n", count);
        cr_assert_eq(read_now(fd, text, sizeof text), -1, "%zu", count);
        close(fd);
        cr_assert_eq(open_descriptors(), before, "%zu", count);
    }
    scene_close(&scene);
}

/* Reads on until nothing comes any more; adds up events and what is said to be lost. The events' numbers must
 * grow. */
static void read_all(struct scene *scene, int fd, unsigned long *told, unsigned long *lost)
{
    static char text[4 << 20];
    size_t len_bytes = 0;
    int last = -1;
    for (ssize_t got = 1; got > 0; len_bytes += (size_t)got) {
        cr_assert_lt(len_bytes, sizeof text - 1);
        got = read_now(fd, text + len_bytes, sizeof text - len_bytes);
        cr_assert_geq(got, 0);
        work(scene);
    }
    for (char *line = text, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        unsigned long count = 0;
        const char *where = strstr(line, "\"count\":");
        int number = -1;
        if (where && where < end && sscanf(where, "\"count\":%lu", &count) == 1) {
            *lost += count;
            continue;
        }
        cr_assert_eq(sscanf(line, EVENT, &number), 1, "%.60s", line);
        cr_assert_gt(number, last);
        last = number;
        ++*told;
    }
}

Test(control_server, who_reads_too_slowly_is_told_how_many_events_it_lost)
{
    struct scene scene;
    char text[256];
    unsigned long slow_told = 0, slow_lost = 0, published = 0;
    scene_open(&scene);
    const int slow = ask(&scene, EVENTS), quick = ask(&scene, EVENTS);
    assert_says(slow, EVENTS);
    assert_says(quick, EVENTS);
    for (; published < 200000; published++) {
        snprintf(text, sizeof text, EVENT, (int)published);
        control_server_publish(scene.server, text);
        strcat(text, "\n");
        assert_says(quick, text); /* as soon as it is published, whoever else sleeps */
    }
    read_all(&scene, slow, &slow_told, &slow_lost);
    cr_assert_gt(slow_told, LINE_QUEUE_BYTES / 32, "what waited for it came");
    cr_assert_gt(slow_lost, 0);
    cr_assert_eq(slow_told + slow_lost, published, "%lu and %lu of %lu", slow_told, slow_lost, published);
    snprintf(text, sizeof text, EVENT, (int)published);
    control_server_publish(scene.server, text);
    strcat(text, "\n");
    assert_says(slow, text);
    close(slow);
    close(quick);
    scene_close(&scene);
}

/* control.c's side of it. */
Test(control_server, the_asking_side_reads_line_by_line)
{
    struct scene scene;
    struct control_lines *lines = NULL;
    const char *line;
    scene_open(&scene);
    cr_assert_eq(control_lines_open(scene.path, "events", &lines), 0);
    work(&scene);
    cr_assert_eq(control_lines_next(lines, &line), 0);
    cr_assert_str_eq(line, "events");
    char *long_line = calloc(1, 60001);
    memset(long_line, 'l', 60000);
    control_server_publish(scene.server, "one");
    control_server_publish(scene.server, "");
    control_server_publish(scene.server, long_line);
    cr_assert_eq(control_lines_next(lines, &line), 0);
    cr_assert_str_eq(line, "one");
    cr_assert_eq(control_lines_next(lines, &line), 0);
    cr_assert_str_eq(line, "");
    cr_assert_eq(control_lines_next(lines, &line), 0);
    cr_assert_str_eq(line, long_line);
    free(long_line);
    control_server_destroy(&scene.server);
    cr_assert_eq(control_lines_next(lines, &line), EPIPE);
    control_lines_close(&lines);
    cr_assert_null(lines);
    scene_close(&scene);
}
