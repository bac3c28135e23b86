/* SPDX-License-Identifier: ISC
 *
 * Sallyport: packets and what became of them.
 *
 * A packet is caller-owned memory with an IP packet somewhere inside it: a DPDK mbuf, an AF_XDP frame or a
 * TUN buffer fit without a copy. All work is in place: sealing takes room in front of the packet and behind
 * it, opening gives it back. Nothing needs alignment. Packets of one burst must not share memory.
 */
#ifndef SALLYPORT_PACKET_H
#define SALLYPORT_PACKET_H

#include <sallyport/status.h>

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Room that is enough for any suite, mode and encapsulation of this version. */
#define SP_PACKET_HEADROOM_BYTES 96
#define SP_PACKET_TAILROOM_BYTES 64

/* RFC 4301 calls them inbound and outbound; they index arrays. */
enum sp_direction { SP_OUTBOUND = 0, SP_INBOUND = 1 };

enum sp_verdict {
    SP_VERDICT_NONE = 0, /* not looked at yet */
    SP_VERDICT_BYPASS,   /* go on as it is: the policy lets it pass in clear */
    SP_VERDICT_SEALED,   /* outbound: now an ESP packet, send it */
    SP_VERDICT_OPENED,   /* inbound: was ESP, now clear and checked, deliver it */
    SP_VERDICT_DROP,     /* reason tells why */
};

/* The closed list of reasons for a packet that isn't sent or delivered. X(name, id, explanation) */
#define SP_DROP_REASONS(X)                                                                                   \
    X(NONE, "none", "not dropped")                                                                           \
    X(POLICY_BLOCK, "policy-block", "a block rule or default block matched")                                 \
    X(CLEAR_TEXT, "clear-text", "came in clear text but the policy requires protection")                     \
    X(NO_SA, "no-sa", "the policy says protect but there is no SA to the peer")                              \
    X(SA_MISMATCH, "sa-mismatch", "came under an SA that the matching rule does not use")                    \
    X(UNKNOWN_SPI, "unknown-spi", "no SA has this SPI and these addresses")                                  \
    X(REPLAY, "replay", "sequence number seen before or left of the replay window")                          \
    X(BAD_ICV, "bad-icv", "the integrity check value is wrong")                                              \
    X(BAD_PADDING, "bad-padding", "padding is not 1, 2, 3, ... or longer than the payload")                  \
    X(BAD_LENGTH, "bad-length", "too short for its ESP headers, or not a multiple of the cipher block")      \
    X(BAD_NEXT_HEADER, "bad-next-header", "the payload is not one that an SA of its mode may carry")         \
    X(SEQ_EXHAUSTED, "seq-exhausted", "the SA's sequence numbers are used up; it needs new keys")            \
    X(HARD_BYTES, "hard-bytes", "the SA's byte limit is reached; it needs new keys")                         \
    X(HARD_PACKETS, "hard-packets", "the SA's packet limit is reached; it needs new keys")                   \
    X(HARD_TIME, "hard-time", "the SA's time limit is reached; it needs new keys")                           \
    X(FRAGMENT, "fragment", "fragments are not protected in transport mode, nor is their port known")        \
    X(MALFORMED, "malformed", "not a well-formed IPv4 or IPv6 packet")                                       \
    X(NO_ROOM, "no-room", "not enough headroom or tailroom in the caller's buffer")                          \
    X(TOO_LONG, "too-long", "the sealed packet would exceed 65,535 bytes")                                   \
    X(BAD_INNER, "bad-inner", "the packet in the tunnel is not a well-formed IPv4 or IPv6 packet")           \
    X(BAD_ECN, "bad-ecn", "the tunnel met congestion that the packet in it can't tell of (RFC 6040 4.2)")    \
    X(DUMMY, "dummy", "a dummy packet (RFC 4303 2.6), discarded after opening")                              \
    X(KEEPALIVE, "keepalive", "a NAT keepalive (RFC 3948 2.3): it has done its work on the way")             \
    X(IKE, "ike", "a message to a key daemon (RFC 3948 2.2) on the port of encapsulated ESP")                \
    X(ENCAP, "encap", "came in UDP under an SA without it, or the other way round")                          \
    X(STATE_BEHIND, "state-behind", "all that the state file has reserved for the SA is used up")            \
    X(HOST_NOT_STEERED, "host-not-steered", "reached the gate although the policy does not protect it")      \
    X(HOST_MTU, "host-mtu", "the host refused the sealed packet: larger than the path MTU")                  \
    X(HOST_SEND, "host-send", "the host could not take the packet: queue full or no route")                  \
    X(HOST_DEVICE_QUEUE, "host-device-queue", "the device's queue was full: more came than could be sealed") \
    X(HOST_SOCKET_QUEUE, "host-socket-queue", "the socket's queue was full: more came than could be opened")

enum sp_drop {
#define X(name, id, explanation) SP_DROP_##name,
    SP_DROP_REASONS(X)
#undef X
        SP_DROP_COUNT
};

/* "no-sa"; never NULL, also for values outside the list ("?"). Static storage. */
SP_API const char *sp_drop_id(enum sp_drop reason);
/* The explanation, for people. */
SP_API const char *sp_drop_text(enum sp_drop reason);
/* "bypass", "sealed", "opened", "drop", "none". */
SP_API const char *sp_verdict_id(enum sp_verdict verdict);

#define SP_NO_RULE UINT32_MAX /* the policy's default decided */
#define SP_NO_SA UINT32_MAX

struct sp_packet {
    uint8_t *buffer;         /* in: start of the caller's memory */
    uint32_t capacity_bytes; /* in: all of it */
    uint32_t head_bytes;     /* in/out: where in it the IP header starts (the headroom) */
    uint32_t len_bytes;      /* in/out: length of the IP packet; bytes behind it are tailroom */
    enum sp_verdict verdict; /* out */
    enum sp_drop reason;     /* out: SP_DROP_NONE unless dropped */
    uint32_t rule;           /* out: index of the policy's rule, or SP_NO_RULE */
    uint32_t sa;             /* out: number of the SA in its SAD, or SP_NO_SA (in for sp_esp_seal) */
    void *user;              /* the caller's, never touched */
};

/* Lowers the MSS option of a TCP SYN (IPv4 or IPv6, no fragment) to mss_bytes when it asks for more, and
 * mends the TCP checksum (RFC 1624). Returns true when it changed the packet. Anything else: untouched. A
 * packet that reaches out of its buffer is misuse. Any thread. */
SP_API bool sp_packet_clamp_mss(struct sp_packet *packet, uint16_t mss_bytes);

#ifdef __cplusplus
}
#endif
#endif
