/* SPDX-License-Identifier: ISC
 *
 * Sources: who is asked what the host's IPsec does. A source is asked again and again; one that is away is
 * asked the next time all the same.
 */
#ifndef IPSECMON_SOURCE_H
#define IPSECMON_SOURCE_H

#include "model.h"

enum source_kind {
    SOURCE_USER,    /* a running sallyportd, at its control socket */
    SOURCE_SEGMENT, /* the same one's statistics segment, sallyport/segment.h */
    SOURCE_KERNEL,  /* the kernel's XFRM, with or without a NIC */
};

struct source;

/* path: of the control socket or the segment; nothing is opened yet. */
struct source *source_open(enum source_kind kind, const char *path);
void source_close(struct source **source);
/* Asks, and compares with former (NULL: nothing to compare with). Never NULL. */
struct snapshot *source_take(struct source *source, const struct snapshot *former);

#endif
