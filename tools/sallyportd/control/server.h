/* SPDX-License-Identifier: ISC
 *
 * The answering side of the control socket; control.h has the protocol.
 */
#ifndef SALLYPORTD_CONTROL_SERVER_H
#define SALLYPORTD_CONTROL_SERVER_H

#include <stdbool.h>
#include <stddef.h>

struct control_server;

/* What a client asked, and what it handed over with it: closed when it was answered. */
struct control_question {
    const char *text;
    const int *descriptors;
    size_t descriptor_count;
};
/* The answer to one question, malloced JSON text without a newline; NULL when memory is out. */
typedef char *control_answerer(void *context, const struct control_question *question);

#define CONTROL_SUBSCRIBERS_MAX 8

/* Listens at path. NULL after saying why: another daemon answers there, for instance. */
struct control_server *control_server_create(const char *path, control_answerer *answerer, void *context);
/* Hangs up on everybody, removes the socket; nulls. *server may be NULL. */
void control_server_destroy(struct control_server **server);

/* An epoll descriptor: readable when control_server_work has something to do. */
int control_server_fd(const struct control_server *server);
/* Does what can be done without waiting. */
void control_server_work(struct control_server *server);
/* For the answerer: who asks now is not hung up on after the answer but gets each line that is published, as
 * a subscriber. False: there are CONTROL_SUBSCRIBERS_MAX already, or memory is out. */
bool control_server_subscribe(struct control_server *server);
/* Is anybody there to publish for? */
bool control_server_has_subscribers(const struct control_server *server);
/* A line, without its newline, to each subscriber. What one of them doesn't read in time it is told the
 * number of, events/line_queue.h. */
void control_server_publish(struct control_server *server, const char *line);
/* Once a second: hangs up on those that have been silent for too long. */
void control_server_tick(struct control_server *server);

#endif
