/* SPDX-License-Identifier: ISC
 *
 * Capture files frame by frame: reads a frame, finds the IP packet in it, and writes what became of it behind
 * the same link header.
 */
#ifndef IPSECCTL_CAPTURE_H
#define IPSECCTL_CAPTURE_H

#include "whole_file.h"

#include <sallyport/packet.h>

#include <pcap/pcap.h>

/* the largest capture length that libpcap itself writes */
#define FRAME_BYTES_MAX 262144u
#define FRAME_BUFFER_BYTES (SP_PACKET_HEADROOM_BYTES + FRAME_BYTES_MAX + SP_PACKET_TAILROOM_BYTES)
#define LINK_BYTES_MAX 64u

enum frame_kind {
    FRAME_IP,        /* the packet is at head_bytes of the buffer */
    FRAME_OTHER,     /* ARP and the like: the whole frame is there */
    FRAME_TRUNCATED, /* the capture cut the IP packet off, so nothing can be sealed or opened */
};

struct frame {
    enum frame_kind kind;
    struct pcap_pkthdr header; /* as read */
    uint8_t link[LINK_BYTES_MAX];
    uint32_t link_bytes;
    uint32_t ip_bytes; /* length of the IP packet, or of the whole frame when it's another kind */
    uint8_t *buffer;   /* FRAME_BUFFER_BYTES */
};

/* FRAME_BUFFER_BYTES each; ends the tool when memory is out. */
void frames_create(struct frame *frames, size_t count);
void frames_destroy(struct frame *frames, size_t count);

struct capture_in {
    const char *path;
    pcap_t *pcap;
    int link_type;
    uint64_t total_bytes; /* 0: not known, a pipe */
    uint64_t frames, bytes;
};

/* Opens path ("-": standard input); complaints printed. An exit code. */
int capture_open(const char *path, struct capture_in *ret_in);
void capture_close(struct capture_in *in);
/* 1: read one, 0: end of the file, -1: the file is damaged, complaint printed. */
int capture_read(struct capture_in *in, struct frame *frame);
/* How far in the file. */
uint64_t capture_position(const struct capture_in *in);

struct capture_out {
    const char *path;
    struct whole_file file;
    pcap_t *format;
    pcap_dumper_t *dumper;
    uint64_t frames;
};

/* Opens path for frames like those of in; complaints printed. An exit code. The file appears when it is
 * finished. */
int capture_create(const char *path, const struct capture_in *in, struct capture_out *ret_out);
/* The frame as it was read. */
void capture_write_as_read(struct capture_out *out, const struct frame *frame);
/* The frame with another IP packet in it. */
void capture_write_changed(struct capture_out *out, const struct frame *frame, const uint8_t *packet,
                           uint32_t len_bytes);
/* Makes the file final. An exit code; complaints printed. */
int capture_finish(struct capture_out *out);
/* Forgets it, unless it is final already. */
void capture_abandon(struct capture_out *out);

#endif
