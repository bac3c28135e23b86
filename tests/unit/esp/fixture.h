/* SPDX-License-Identifier: ISC
 *
 * Packets to seal and open, and a SAD with one SA of every suite and family.
 *
 * Headers and checksums are made here by hand, apart from lib/wire, so that both can be wrong only each in
 * its own way.
 */
#ifndef UNIT_ESP_FIXTURE_H
#define UNIT_ESP_FIXTURE_H

#include "sa/sad.h"

#include <sallyport/esp.h>

#define SUITES 8
#define PROTOCOL_TEST 253 /* RFC 3692: for experiments; has no ports, so any payload length is good */
#define BUFFER_BYTES 70000u

struct fixture {
    struct sp_sad *sad;
    struct sp_esp *esp;
};

/* One SA for each (suite, family); its number is fixture_sa(suite, family). */
void fixture_create(struct fixture *ret_fixture);
/* The same with extended sequence numbers and windows of so many packets. */
void fixture_create_esn(struct fixture *ret_fixture, uint32_t window_packets);
/* The same with that one's mode and tunnel, encapsulation, window and kind of sequence numbers. SAs in tunnel
 * mode go from 203.0.113.1 to 203.0.113.2, and from 2001:db8:ff00::1 to 2001:db8:ff00::2. */
void fixture_create_like(struct fixture *ret_fixture, const struct sp_sa_params *like);
void fixture_destroy(struct fixture *fixture);
uint32_t fixture_sa(int suite, uint8_t family);
struct sp_sa *fixture_sa_pointer(const struct fixture *fixture, uint32_t number);
const char *fixture_suite_name(int suite);
/* ESP header, IV and ICV of a suite; what the trailer aligns to. */
uint32_t fixture_front_bytes(int suite);
uint32_t fixture_icv_bytes(int suite);
uint32_t fixture_align_bytes(int suite);
bool fixture_is_null(int suite);
/* The cipher gives integrity too. */
bool fixture_is_combined(int suite);
/* What libcrypto, on its own, says the ICV of a sealed packet is, that of an SA of the fixture: ESP header to
 * trailer, and behind them or among the associated data the upper half of the sequence number. */
void fixture_expect_icv(int suite, uint8_t family, const uint8_t *esp, uint32_t esp_bytes, uint32_t high,
                        uint8_t ret_icv[16]);

/* A packet in a buffer of its own, filled with 0xee around it. */
struct sample {
    struct sp_packet packet;
    uint8_t *memory; /* packet.buffer */
    uint8_t *original;
    uint32_t original_bytes;
    uint32_t header_bytes; /* IP header and what goes before ESP */
};

enum shape {
    SHAPE_IPV4,
    SHAPE_IPV4_OPTIONS,
    SHAPE_IPV6,
    SHAPE_IPV6_EXTENSIONS, /* hop-by-hop, destination options, routing; then the payload */
    SHAPE_COUNT
};
uint8_t shape_family(enum shape shape);

/* A packet of that shape from the SA's source to its destination, with payload_bytes of recognizable bytes.
 */
void sample_create(struct sample *ret_sample, enum shape shape, uint32_t payload_bytes);
void sample_destroy(struct sample *sample);
/* Makes it fresh again: same place, same bytes, no verdict. */
void sample_reset(struct sample *sample);

static inline uint8_t *packet_start(const struct sp_packet *packet)
{
    return packet->buffer + packet->head_bytes;
}

/* The packet's bytes are exactly the sample's original ones. */
bool sample_is_original(const struct sample *sample);
/* Any eight bytes in a row of the original payload, anywhere in the buffer. */
bool sample_holds_plaintext(const struct sample *sample);

/* RFC 1071, in the plainest way. */
uint16_t plain_checksum(const uint8_t *data, size_t len_bytes);
/* Sets the IP length fields (and IPv4's checksum) to fit len_bytes. */
void set_ip_length(uint8_t *ip, uint32_t len_bytes);

/* Makes the sample an ESP packet of that SA around exactly these plaintext bytes (trailer included), with a
 * right ICV: what a peer that has the key but not our manners could send. */
void sample_forge(struct sample *sample, const struct sp_sa *sa, uint64_t sequence, const uint8_t *plaintext,
                  uint32_t plaintext_bytes);

#endif
