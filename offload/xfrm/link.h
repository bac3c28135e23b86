/* SPDX-License-Identifier: ISC
 *
 * A conversation with the kernel's XFRM: requests go out many at once, each ends in a word on what became of
 * it, and dumps come back message by message.
 *
 * When a call fails, what became of the requests under way is not known; the kernel answers before a send
 * returns, but an answer may be lost. Who needs to know asks for a dump: the link itself stays usable, and
 * answers that come too late are told apart by their number.
 *
 * Requests carry keys out and dumps of SAs carry them in, so both buffers are guarded, locked, not dumped
 * memory, and are wiped after each use.
 */
#ifndef SP_OFFLOAD_XFRM_LINK_H
#define SP_OFFLOAD_XFRM_LINK_H

#include "xfrm/xfrm.h"

#include <sys/types.h>

/* What the link needs of a socket. send and receive answer like send(2) and recv(2), a whole datagram each:
 * -1 with errno. A datagram that is larger than the buffer is EMSGSIZE; nothing came in time: EAGAIN. */
struct sp_xfrm_transport {
    ssize_t (*send)(void *context, const void *bytes, size_t len_bytes);
    ssize_t (*receive)(void *context, void *buffer, size_t capacity_bytes);
    /* Throws away what waits to be received; NULL: nothing ever does that needs it. A socket that was
     * overrun gets nothing more before it is empty. */
    void (*drain)(void *context);
    void (*close)(void *context);
    void *context;
};

struct sp_xfrm_link;

/* The socket that sp_xfrm_link_open puts under a link. Its answers. */
enum sp_status sp_xfrm_socket_open(struct sp_xfrm_transport *ret_transport) SP_MUST_USE;
/* To the kernel of this network namespace. SP_ERR_UNSUPPORTED: it was built without CONFIG_XFRM_USER.
 * SP_ERR_MEMORY, SP_ERR_PERMISSION, SP_ERR_SYSTEM. */
enum sp_status sp_xfrm_link_open(struct sp_xfrm_link **ret_link) SP_MUST_USE;
/* Over a transport, which the link closes; on failure it is still the caller's. SP_ERR_MEMORY. */
enum sp_status sp_xfrm_link_over(const struct sp_xfrm_transport *transport,
                                 struct sp_xfrm_link **ret_link) SP_MUST_USE;
/* Drops what was not flushed. *link may be NULL. */
void sp_xfrm_link_close(struct sp_xfrm_link **link);

/* How requests end, each once, in no promised order. answer->error 0: done. request is what
 * sp_xfrm_link_put gave. */
typedef void sp_xfrm_on_answer(uint32_t request, const struct sp_xfrm_answer *answer, void *context);

/* Queues a request; the link says its number. SP_ERR_LIMIT: the queue is full,
 * flush first. SP_ERR_INVALID: no message that fits. */
enum sp_status sp_xfrm_link_put(struct sp_xfrm_link *link, const struct sp_xfrm_message *message,
                                uint32_t *ret_request) SP_MUST_USE;
/* Sends what is queued and waits until it is known what became of each request. One that is refused is for
 * on_answer and doesn't make the call fail. SP_ERR_PERMISSION, SP_ERR_SYSTEM (errno; ETIMEDOUT: an answer
 * is missing, ENOBUFS: answers were lost, EBADMSG: what came is no netlink, or is about no request). */
enum sp_status sp_xfrm_link_flush(struct sp_xfrm_link *link, sp_xfrm_on_answer *on_answer,
                                  void *context) SP_MUST_USE;

/* A message of a dump; its keys are valid during the visit only. */
typedef void sp_xfrm_on_message(const struct sp_xfrm_message *message, void *context);

/* All SAs (XFRM_MSG_GETSA) or all policies (XFRM_MSG_GETPOLICY). Nothing may be queued: SP_ERR_INVALID. When
 * the call fails, drop what was visited; errno EINTR says that the kernel's list changed meanwhile: ask
 * again. Other answers as of sp_xfrm_link_flush. */
enum sp_status sp_xfrm_link_dump(struct sp_xfrm_link *link, uint16_t type, sp_xfrm_on_message *on_message,
                                 void *context) SP_MUST_USE;

/* What one request, a GETSA or GETPOLICY that names what it is about, brings: on_message is called for it
 * before the call answers. Nothing may be queued: SP_ERR_INVALID. A refusal is SP_ERR_SYSTEM with its errno,
 * ESRCH or ENOENT when there is none of that name. Other answers as of sp_xfrm_link_flush. */
enum sp_status sp_xfrm_link_get(struct sp_xfrm_link *link, const struct sp_xfrm_message *request,
                                sp_xfrm_on_message *on_message, void *context) SP_MUST_USE;
/* Do so many more requests, of whatever size, fit into the queue? Those go out together, and the kernel does
 * all of them even when we are killed meanwhile. */
bool sp_xfrm_link_has_room(const struct sp_xfrm_link *link, uint32_t count);

/* Why the kernel refused a request, as one sentence for people; returns text. error must not be 0. */
const char *sp_xfrm_refusal(const struct sp_xfrm_message *request, const struct sp_xfrm_answer *answer,
                            char *text, size_t size_bytes);

#endif
