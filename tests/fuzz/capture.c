/* SPDX-License-Identifier: ISC
 *
 * Captures as ipsecctl reads them: libpcap finds the frames, and what finds the packets in them is ours.
 */
#include "fuzz.h"

#include "capture.h"

#include <sallyport/analysis.h>

#include <unistd.h>

#define EXIT_NOT_APPLIED 2

static void look_at(const struct frame *frame)
{
    struct sp_flow flow;
    const uint8_t *bytes = frame->buffer + SP_PACKET_HEADROOM_BYTES;
    FUZZ_HOLDS(frame->link_bytes <= LINK_BYTES_MAX);
    FUZZ_HOLDS(frame->link_bytes + frame->ip_bytes <= frame->header.caplen);
    FUZZ_HOLDS(frame->kind != FRAME_OTHER ||
               (frame->link_bytes == 0 && frame->ip_bytes == frame->header.caplen));
    if (frame->kind == FRAME_IP)
        (void)(sp_flow_read(bytes, frame->ip_bytes, SP_OUTBOUND, &flow) == SP_DROP_NONE);
}

/* Each broken file is complained about, thousands of times in a second. */
static void swap_stderr(void)
{
    static FILE *other;
    if (other == NULL)
        other = fopen("/dev/null", "w");
    FUZZ_HOLDS(other != NULL);
    FILE *former = stderr;
    stderr = other;
    other = former;
}

static int read_quietly(struct capture_in *in, struct frame *frame)
{
    swap_stderr();
    const int answer = capture_read(in, frame);
    swap_stderr();
    return answer;
}

static void read_all(const char *path)
{
    static struct frame frame; /* so large that making one costs more than using it */
    struct capture_in in = {0};
    int answer;
    if (frame.buffer == NULL)
        frames_create(&frame, 1);
    swap_stderr();
    const int exit_code = capture_open(path, &in);
    swap_stderr();
    FUZZ_HOLDS(exit_code == 0 || exit_code == EXIT_NOT_APPLIED);
    if (exit_code != 0)
        return;
    while ((answer = read_quietly(&in, &frame)) == 1)
        look_at(&frame);
    FUZZ_HOLDS(answer == 0 || answer == -1);
    capture_close(&in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[32];
    const int descriptor = fuzz_file(data, size, path);
    read_all(path);
    (void)close(descriptor);
    return 0;
}
