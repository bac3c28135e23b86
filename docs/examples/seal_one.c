/* SPDX-License-Identifier: ISC
 *
 * The library in one page: load a policy and SAs, put one packet through the engine, say what became of it.
 *
 *   cc seal_one.c $(pkg-config --cflags --libs libsallyport) -o seal_one
 *   ./seal_one front-end.policy front-end.keys
 */
#include <sallyport/engine.h>

#include <string.h>

/* A TCP SYN from 192.0.2.1 to port 80 of 192.0.2.2. */
static const uint8_t syn[40] = {
    0x45, 0,    0,    40,   0, 1, 0,    0,    64, 6, 0xf6, 0xcb, 192,  0, 2,    1,    192,  0,    2, 2,
    0x9c, 0x40, 0x00, 0x50, 0, 0, 0x00, 0x01, 0,  0, 0,    0,    0x50, 2, 0x20, 0x00, 0x6f, 0x4d, 0, 0,
};

int main(int argc, char **argv)
{
    struct sp_report *report = NULL;
    struct sp_policy *policy = NULL;
    struct sp_sad *sad = NULL;
    struct sp_engine *engine = NULL;
    struct sp_worker *worker = NULL;
    int answer = 1;

    if (argc != 3 || sp_report_create(&report) != SP_OK)
        return 1;
    if (sp_policy_load(argv[1], &policy, report) != SP_OK || sp_sad_create(16, &sad) != SP_OK ||
        sp_sad_load(sad, argv[2], report) != SP_OK) {
        sp_report_print(report, stderr);
        goto out;
    }
    struct sp_address address;
    if (sp_address_parse("192.0.2.1", &address) != SP_OK)
        goto out;
    const struct sp_me me = {.addresses = &address, .count = 1};
    if (sp_engine_create(sad, &engine) != SP_OK || sp_engine_publish(engine, &policy, &me) != SP_OK ||
        sp_worker_create(engine, &worker) != SP_OK)
        goto out;

    /* The packet stands anywhere in memory of ours that has room before and behind it. */
    uint8_t buffer[SP_PACKET_HEADROOM_BYTES + sizeof syn + SP_PACKET_TAILROOM_BYTES] = {0};
    memcpy(buffer + SP_PACKET_HEADROOM_BYTES, syn, sizeof syn);
    struct sp_packet packet = {.buffer = buffer,
                               .capacity_bytes = sizeof buffer,
                               .head_bytes = SP_PACKET_HEADROOM_BYTES,
                               .len_bytes = sizeof syn};
    sp_outbound(worker, &packet, 1);
    printf("%s (%s), %u bytes\n", sp_verdict_id(packet.verdict), sp_drop_text(packet.reason),
           packet.len_bytes);
    answer = packet.verdict == SP_VERDICT_SEALED ? 0 : 2;

out:
    sp_worker_destroy(&worker);
    sp_engine_destroy(&engine);
    sp_policy_destroy(&policy);
    sp_sad_destroy(&sad);
    sp_report_destroy(&report);
    return answer;
}
