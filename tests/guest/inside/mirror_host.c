/* SPDX-License-Identifier: ISC
 *
 * An appliance's data path in a few lines: the SAs come from the kernel by a mirror, the packets go past it.
 *
 *   mirror_host POLICY OWN-ADDRESS DEVICE [SOFT-PACKETS]
 *
 * Reads commands from standard input, one a line, and answers each with some lines and a line with a dot:
 *   table        the SAD, an SA a line: SPI, source, destination, suite, fingerprint
 *   counts       of the mirror
 *   ask ADDRESS  seals a TCP SYN to port 80 of ADDRESS by the engine, sends it, and opens the peer's answer.
 *                The kernel of the peer opens ours and seals its own. "ok" and both SPIs, or what went wrong
 */
#include <sallyport/engine.h>
#include <sallyport/mirror.h>

#include <arpa/inet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netpacket/packet.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PACKET_BYTES 2048
#define ANSWER_SECONDS 5
#define SYN_BYTES 40u
#define FLAG_SYN 0x02
#define FLAG_ACK 0x10

struct host {
    struct sp_sad *sad;
    struct sp_engine *engine;
    struct sp_worker *worker;
    struct sp_mirror *mirror;
    struct sp_address own;
    int out, in; /* raw IP; the device, before the kernel has a say */
    uint16_t port;
};

static uint8_t buffer[SP_PACKET_HEADROOM_BYTES + PACKET_BYTES + SP_PACKET_TAILROOM_BYTES];

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static struct sp_packet packet_of(size_t len_bytes)
{
    return (struct sp_packet){.buffer = buffer,
                              .capacity_bytes = sizeof buffer,
                              .head_bytes = SP_PACKET_HEADROOM_BYTES,
                              .len_bytes = (uint32_t)len_bytes};
}

static uint32_t spi_of(const struct sp_packet *packet, const struct sp_sad *sad)
{
    struct sp_sa_info info;

    return sp_sad_get(sad, packet->sa, &info) == SP_OK ? info.spi : 0;
}

/* ---- packets ------------------------------------------------------------------------------------------- */

static uint32_t add_up(const uint8_t *bytes, size_t len_bytes, uint32_t sum)
{
    for (size_t i = 0; i + 1 < len_bytes; i += 2)
        sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
    return sum;
}

static void put_16(uint8_t *place, uint32_t value)
{
    place[0] = (uint8_t)(value >> 8);
    place[1] = (uint8_t)value;
}

static void put_checksum(uint8_t *place, uint32_t sum)
{
    while (sum >> 16 != 0)
        sum = (sum & 0xffff) + (sum >> 16);
    put_16(place, ~sum);
}

static void write_syn(const struct host *host, const struct sp_address *to, uint8_t *ip)
{
    uint8_t *tcp = ip + 20;

    memset(ip, 0, SYN_BYTES);
    ip[0] = 0x45;
    put_16(ip + 2, SYN_BYTES);
    ip[8] = 64;
    ip[9] = IPPROTO_TCP;
    memcpy(ip + 12, host->own.bytes, 4);
    memcpy(ip + 16, to->bytes, 4);
    put_checksum(ip + 10, add_up(ip, 20, 0));
    put_16(tcp, host->port);
    put_16(tcp + 2, 80);
    put_16(tcp + 6, host->port); /* of the sequence number: what the answer acknowledges */
    tcp[12] = 0x50;
    tcp[13] = FLAG_SYN;
    put_16(tcp + 14, 1024);
    put_checksum(tcp + 16, add_up(tcp, 20, add_up(ip + 12, 8, IPPROTO_TCP + 20)));
}

/* A SYN and ACK for what we sent. */
static bool is_answer(const struct host *host, const uint8_t *ip, size_t len_bytes)
{
    const uint8_t *tcp = ip + 20;

    return len_bytes >= SYN_BYTES && ip[0] == 0x45 && ip[9] == IPPROTO_TCP && tcp[0] == 0 && tcp[1] == 80 &&
           (tcp[2] << 8 | tcp[3]) == host->port && (tcp[10] << 8 | tcp[11]) == host->port + 1 &&
           tcp[13] == (FLAG_SYN | FLAG_ACK);
}

static bool send_syn(struct host *host, const struct sp_address *to, uint32_t *ret_spi)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    struct sp_packet packet = packet_of(SYN_BYTES);

    memcpy(&address.sin_addr, to->bytes, 4);
    write_syn(host, to, buffer + SP_PACKET_HEADROOM_BYTES);
    sp_outbound(host->worker, &packet, 1);
    if (packet.verdict != SP_VERDICT_SEALED) {
        printf("not sealed: %s\n", sp_drop_text(packet.reason));
        return false;
    }
    *ret_spi = spi_of(&packet, host->sad);
    if (sendto(host->out, buffer + packet.head_bytes, packet.len_bytes, 0, (struct sockaddr *)&address,
               sizeof address) < 0)
        fail("send");
    return true;
}

/* Opens one packet, if there is any. */
static bool takes_answer(struct host *host, uint32_t spi)
{
    struct sockaddr_ll from;
    socklen_t from_bytes = sizeof from;
    ssize_t len_bytes = recvfrom(host->in, buffer + SP_PACKET_HEADROOM_BYTES, PACKET_BYTES, MSG_DONTWAIT,
                                 (struct sockaddr *)&from, &from_bytes);

    if (len_bytes <= 0 || from.sll_pkttype == PACKET_OUTGOING)
        return false;
    struct sp_packet packet = packet_of((size_t)len_bytes);
    sp_inbound(host->worker, &packet, 1);
    if (packet.verdict != SP_VERDICT_OPENED || !is_answer(host, buffer + packet.head_bytes, packet.len_bytes))
        return false;
    printf("ok 0x%08x 0x%08x\n", spi, spi_of(&packet, host->sad));
    return true;
}

static void ask(struct host *host, const char *text)
{
    struct sp_address to;
    uint32_t spi;
    const time_t end = time(NULL) + ANSWER_SECONDS;

    host->port++;
    if (sp_address_parse(text, &to) != SP_OK || !send_syn(host, &to, &spi))
        return;
    while (time(NULL) < end) {
        struct pollfd wait = {.fd = host->in, .events = POLLIN};
        if (poll(&wait, 1, 200) > 0 && takes_answer(host, spi))
            return;
    }
    printf("no answer under 0x%08x\n", spi);
}

/* ---- commands ------------------------------------------------------------------------------------------ */

static void print_table(const struct sp_sad *sad)
{
    char source[SP_ADDRESS_TEXT_BYTES], destination[SP_ADDRESS_TEXT_BYTES], suite[SP_SUITE_TEXT_BYTES];
    struct sp_sa_info sa;

    for (uint32_t i = 0; i < sp_sad_capacity(sad); i++)
        if (sp_sad_get(sad, i, &sa) == SP_OK)
            printf("0x%08x %s %s %s %s\n", sa.spi, sp_address_format(&sa.source, source),
                   sp_address_format(&sa.destination, destination),
                   sp_suite_format(sa.encryption, sa.integrity, suite), sa.fingerprint);
}

static void print_counts(const struct sp_mirror *mirror)
{
    struct sp_mirror_counts counts;

    sp_mirror_count(mirror, &counts);
    printf("mirrored %u refused %u lost %llu%s\n", counts.mirrored, counts.refused,
           (unsigned long long)counts.losses, counts.is_behind ? " behind" : "");
}

static void obey(struct host *host, char *line)
{
    line[strcspn(line, "\n")] = '\0';
    if (strcmp(line, "table") == 0)
        print_table(host->sad);
    else if (strcmp(line, "counts") == 0)
        print_counts(host->mirror);
    else if (strncmp(line, "ask ", 4) == 0)
        ask(host, line + 4);
    printf(".\n");
    fflush(stdout);
}

static void tell_expiries(struct host *host)
{
    struct sp_event event;

    while (sp_engine_events(host->engine, &event, 1) > 0)
        if (event.kind != SP_EVENT_ACQUIRE)
            (void)!sp_mirror_expired(host->mirror, event.sa, event.kind == SP_EVENT_HARD_EXPIRED);
}

static void say(const struct sp_mirror_news *news, void *context)
{
    (void)context;
    fprintf(stderr, "%s %s\n", sp_mirror_news_name(news->kind), news->text);
}

static void serve(struct host *host)
{
    struct pollfd wait[] = {{.fd = STDIN_FILENO, .events = POLLIN},
                            {.fd = sp_mirror_descriptor(host->mirror), .events = POLLIN}};
    char line[256];

    for (;;) {
        if (poll(wait, 2, 200) < 0)
            fail("poll");
        if (sp_mirror_pump(host->mirror) != SP_OK)
            fail("pump");
        tell_expiries(host);
        if (wait[0].revents == 0)
            continue;
        if (fgets(line, sizeof line, stdin) == NULL)
            return;
        obey(host, line);
    }
}

static void open_sockets(struct host *host, const char *device)
{
    struct sockaddr_ll address = {.sll_family = AF_PACKET,
                                  .sll_protocol = htons(ETHERTYPE_IP),
                                  .sll_ifindex = (int)if_nametoindex(device)};

    host->out = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
    host->in = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, htons(ETHERTYPE_IP));
    if (host->out < 0 || host->in < 0 || bind(host->in, (struct sockaddr *)&address, sizeof address) != 0)
        fail("sockets");
}

static void start(struct host *host, const char *policy_path, const struct sp_mirror_options *options)
{
    struct sp_report *report = NULL;
    struct sp_policy *policy = NULL;
    const struct sp_me me = {.addresses = &host->own, .count = 1};

    if (sp_report_create(&report) != SP_OK || sp_policy_load(policy_path, &policy, report) != SP_OK ||
        sp_sad_create(65536, &host->sad) != SP_OK || sp_engine_create(host->sad, &host->engine) != SP_OK ||
        sp_engine_publish(host->engine, &policy, &me) != SP_OK ||
        sp_worker_create(host->engine, &host->worker) != SP_OK ||
        sp_mirror_open(host->sad, options, &host->mirror) != SP_OK) {
        sp_report_print(report, stderr);
        fail("start");
    }
    sp_report_destroy(&report);
}

int main(int argc, char **argv)
{
    static struct host host = {.port = 20000};
    struct sp_mirror_options options = {.on_news = say};

    if (argc < 4 || sp_address_parse(argv[2], &host.own) != SP_OK)
        return 1;
    options.lifetime.soft_packets = argc > 4 ? strtoull(argv[4], NULL, 10) : 0;
    open_sockets(&host, argv[3]);
    start(&host, argv[1], &options);
    serve(&host);
    sp_mirror_close(&host.mirror);
    sp_worker_destroy(&host.worker);
    sp_engine_destroy(&host.engine);
    sp_sad_destroy(&host.sad);
    return 0;
}
