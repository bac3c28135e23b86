/* SPDX-License-Identifier: ISC
 *
 * The answering side of the control socket; control.h has the protocol.
 */
#ifndef SALLYPORTD_CONTROL_SERVER_H
#define SALLYPORTD_CONTROL_SERVER_H

#include <stdbool.h>
#include <stddef.h>

struct control_server;

/* The answer to one request, malloced JSON text; NULL when memory is out. */
typedef char *control_answerer(void *context, const char *request);

/* Listens at path. NULL after saying why: another daemon answers there, for instance. */
struct control_server *control_server_create(const char *path, control_answerer *answerer, void *context);
/* Hangs up on everybody, removes the socket; nulls. *server may be NULL. */
void control_server_destroy(struct control_server **server);

/* An epoll descriptor: readable when control_server_work has something to do. */
int control_server_fd(const struct control_server *server);
/* Does what can be done without waiting. */
void control_server_work(struct control_server *server);
/* Once a second: hangs up on those that have been silent for too long. */
void control_server_tick(struct control_server *server);

#endif
