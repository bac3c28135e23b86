/* SPDX-License-Identifier: ISC
 *
 * Reading and writing captures with libpcap. What libpcap doesn't do is keep a half-written file from being
 * taken for a whole one; whole_file.h does.
 */
#include "capture.h"

#include "link.h"
#include "terminal.h"
#include "tool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MAGIC_NANOSECONDS 0xa1b23c4du
#define MAGIC_MICROSECONDS 0xa1b2c3d4u

void frames_create(struct frame *frames, size_t count)
{
    for (size_t i = 0; i < count; i++)
        frames[i] = (struct frame){.buffer = tool_need(malloc(FRAME_BUFFER_BYTES))};
}

void frames_destroy(struct frame *frames, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(frames[i].buffer);
}

/* The precision to read and write timestamps with: what the file has, so that it is written back alike. A
 * pcapng file or a pipe can't be asked, and nanoseconds lose nothing. */
static u_int precision_of(FILE *stream)
{
    uint32_t magic = 0;
    const bool is_known = fseek(stream, 0, SEEK_SET) == 0 && fread(&magic, sizeof magic, 1, stream) == 1;
    rewind(stream);
    if (is_known && (magic == MAGIC_MICROSECONDS || __builtin_bswap32(magic) == MAGIC_MICROSECONDS))
        return PCAP_TSTAMP_PRECISION_MICRO;
    return PCAP_TSTAMP_PRECISION_NANO;
}

static int open_input(const char *path, struct capture_in *in, FILE **ret_stream)
{
    const bool is_stdin = strcmp(path, "-") == 0;
    FILE *stream = is_stdin ? stdin : fopen(path, "rb");
    struct stat status;
    if (!stream || fstat(fileno(stream), &status) != 0) {
        tool_say("%s: %s", path, strerror(errno));
        if (stream && !is_stdin)
            fclose(stream);
        return TOOL_NOT_APPLIED;
    }
    in->total_bytes = S_ISREG(status.st_mode) ? (uint64_t)status.st_size : 0;
    *ret_stream = stream;
    return TOOL_OK;
}

int capture_open(const char *path, struct capture_in *ret_in)
{
    struct capture_in in = {.path = path};
    FILE *stream;
    int exit_code = open_input(path, &in, &stream);
    if (exit_code != TOOL_OK)
        return exit_code;
    const u_int precision = in.total_bytes ? precision_of(stream) : PCAP_TSTAMP_PRECISION_NANO;

    char reason[PCAP_ERRBUF_SIZE];
    in.pcap = pcap_fopen_offline_with_tstamp_precision(stream, precision, reason);
    if (!in.pcap) {
        tool_say("%s: not a capture file: %s", path, reason);
        if (stream != stdin)
            fclose(stream);
        return TOOL_NOT_APPLIED;
    }
    in.link_type = pcap_datalink(in.pcap);
    if (!link_is_supported(in.link_type)) {
        const char *name = pcap_datalink_val_to_name(in.link_type);
        tool_say("%s: link type %s (%d) is not read here; those that are: %s", path, name ? name : "unknown",
                 in.link_type, link_supported_list());
        capture_close(&in);
        return TOOL_NOT_APPLIED;
    }
    *ret_in = in;
    return TOOL_OK;
}

void capture_close(struct capture_in *in)
{
    if (in->pcap)
        pcap_close(in->pcap);
    in->pcap = NULL;
}

uint64_t capture_position(const struct capture_in *in)
{
    const long position = ftell(pcap_file(in->pcap));
    return position < 0 ? 0 : (uint64_t)position;
}

static void take_other(struct frame *frame, const uint8_t *bytes)
{
    frame->kind = FRAME_OTHER;
    frame->link_bytes = 0;
    frame->ip_bytes = frame->header.caplen;
    memcpy(frame->buffer + SP_PACKET_HEADROOM_BYTES, bytes, frame->header.caplen);
}

static void take_frame(int link_type, struct frame *frame, const uint8_t *bytes)
{
    uint32_t link_bytes;
    const uint32_t captured = frame->header.caplen;
    if (!link_find_ip(link_type, bytes, captured, &link_bytes) || link_bytes > LINK_BYTES_MAX) {
        take_other(frame, bytes);
        return;
    }
    const uint32_t behind_link = captured - link_bytes;
    const uint32_t claimed = link_ip_bytes(bytes + link_bytes, behind_link);
    const bool was_cut = captured < frame->header.len;
    frame->kind = was_cut && (claimed == 0 || claimed > behind_link) ? FRAME_TRUNCATED : FRAME_IP;
    /* padding of the link stays behind the packet; what claims to be longer than it is goes to the engine as
     * it is, which calls it malformed */
    frame->ip_bytes = claimed && claimed < behind_link ? claimed : behind_link;
    frame->link_bytes = link_bytes;
    memcpy(frame->link, bytes, link_bytes);
    memcpy(frame->buffer + SP_PACKET_HEADROOM_BYTES, bytes + link_bytes, behind_link);
}

int capture_read(struct capture_in *in, struct frame *frame)
{
    struct pcap_pkthdr *header;
    const u_char *bytes;
    const int answer = pcap_next_ex(in->pcap, &header, &bytes);
    if (answer == PCAP_ERROR_BREAK)
        return 0;
    if (answer != 1) {
        tool_say("%s: damaged after %llu frames: %s", in->path, (unsigned long long)in->frames,
                 pcap_geterr(in->pcap));
        return -1;
    }
    if (header->caplen > FRAME_BYTES_MAX) {
        tool_say("%s: frame %llu is larger than %u bytes", in->path, (unsigned long long)in->frames + 1,
                 FRAME_BYTES_MAX);
        return -1;
    }
    in->frames++;
    in->bytes += header->len;
    frame->header = *header;
    take_frame(in->link_type, frame, bytes);
    return 1;
}

int capture_create(const char *path, const struct capture_in *in, struct capture_out *ret_out)
{
    struct capture_out out = {.path = path};
    if (strcmp(path, "-") == 0 && terminal_is(stdout))
        return tool_usage("apply", "a capture is not for a terminal: name a file, or redirect the output");
    const int error = whole_file_open(path, &out.file);
    if (error) {
        tool_say("%s: %s", path, strerror(error));
        return TOOL_NOT_APPLIED;
    }
    out.format = tool_need(pcap_open_dead_with_tstamp_precision(in->link_type, FRAME_BYTES_MAX,
                                                                (u_int)pcap_get_tstamp_precision(in->pcap)));
    out.dumper = pcap_dump_fopen(out.format, out.file.stream);
    if (!out.dumper) {
        tool_say("%s: %s", path, pcap_geterr(out.format));
        capture_abandon(&out);
        return TOOL_NOT_APPLIED;
    }
    *ret_out = out;
    return TOOL_OK;
}

/* A disk error stays in the stream; capture_finish looks for it. */
static void write_frame(struct capture_out *out, const struct pcap_pkthdr *header, const uint8_t *bytes)
{
    pcap_dump((u_char *)out->dumper, header, bytes);
    out->frames++;
}

void capture_write_as_read(struct capture_out *out, const struct frame *frame)
{
    uint8_t *start = frame->buffer + SP_PACKET_HEADROOM_BYTES - frame->link_bytes;
    memcpy(start, frame->link, frame->link_bytes);
    write_frame(out, &frame->header, start);
}

void capture_write_changed(struct capture_out *out, const struct frame *frame, const uint8_t *packet,
                           uint32_t len_bytes)
{
    static uint8_t whole[LINK_BYTES_MAX + FRAME_BUFFER_BYTES];
    memcpy(whole, frame->link, frame->link_bytes);
    memcpy(whole + frame->link_bytes, packet, len_bytes);
    struct pcap_pkthdr header = frame->header;
    header.caplen = header.len = frame->link_bytes + len_bytes;
    write_frame(out, &header, whole);
}

int capture_finish(struct capture_out *out)
{
    int error = 0;
    if (pcap_dump_flush(out->dumper) != 0 || ferror(out->file.stream))
        error = errno ? errno : EIO;
    if (!error)
        error = whole_file_keep(&out->file);
    if (!error)
        return TOOL_OK;
    tool_say("%s: %s", out->path, strerror(error));
    return TOOL_NOT_APPLIED;
}

void capture_abandon(struct capture_out *out)
{
    FILE *stream = out->file.stream;
    whole_file_abandon(&out->file);
    if (out->dumper && stream != stdout)
        pcap_dump_close(out->dumper);
    else if (stream && stream != stdout)
        fclose(stream);
    if (out->format)
        pcap_close(out->format);
    out->dumper = NULL;
    out->format = NULL;
}
