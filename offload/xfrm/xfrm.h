/* SPDX-License-Identifier: ISC
 *
 * NETLINK_XFRM messages (linux/xfrm.h) as plain structs, and how they are written and read. Nothing here
 * opens a socket.
 *
 * Numbers are host order, addresses are sp_address; what is the kernel's own numbering (message types,
 * actions, flags, modes) keeps the kernel's names. One struct serves all messages about a thing: a deletion
 * or a question uses of an SA only what names it.
 *
 * Keys aren't copied while reading: they are pointers into the message, which is the caller's to wipe.
 */
#ifndef SP_OFFLOAD_XFRM_H
#define SP_OFFLOAD_XFRM_H

#include <sallyport/sa.h>

#include <linux/netlink.h>
#include <linux/xfrm.h>

#define SP_XFRM_NAME_BYTES 64
#define SP_XFRM_KEY_BITS_MAX 4096u
#define SP_XFRM_TEMPLATES_MAX 6u      /* the kernel's XFRM_MAX_DEPTH */
#define SP_XFRM_BITMAP_WORDS_MAX 128u /* XFRMA_REPLAY_ESN_MAX: 4096 packets */
/* The longest message that is ever written: an SA with three keys and a bitmap of the largest size. */
#define SP_XFRM_MESSAGE_BYTES_MAX 4096u

/* Family 0: the message doesn't say. The addresses then are bare bytes. */
struct sp_xfrm_selector {
    uint8_t family;
    struct sp_address source, destination;
    uint8_t source_prefix_bits, destination_prefix_bits;
    /* A port matches where the mask has ones. ICMP: the type in the source's place, the code in the other. */
    uint16_t source_port, source_port_mask, destination_port, destination_port_mask;
    uint8_t protocol; /* 0: any */
    int32_t interface;
    uint32_t user;
};

/* Bytes and packets: UINT64_MAX is no limit; seconds: 0 is none. first_use: counted from the first packet. */
struct sp_xfrm_limits {
    uint64_t soft_bytes, hard_bytes, soft_packets, hard_packets;
    uint64_t soft_seconds, hard_seconds, soft_first_use_seconds, hard_first_use_seconds;
};

/* Times are seconds of the epoch, 0: not yet. */
struct sp_xfrm_used {
    uint64_t bytes, packets, added_at, first_used_at;
};

/* An empty name: not there. */
struct sp_xfrm_algorithm {
    char name[SP_XFRM_NAME_BYTES]; /* the kernel's: "cbc(des3_ede)" */
    const uint8_t *key;
    uint32_t key_bits, icv_bits; /* icv_bits: of integrity and AEAD */
};

struct sp_xfrm_mark {
    uint32_t value, mask;
};
/* Who does the work: XFRM_OFFLOAD_INBOUND, XFRM_OFFLOAD_PACKET. */
struct sp_xfrm_device {
    int32_t interface;
    uint8_t flags;
};

/* What else a message says. Bits of `has`. */
enum sp_xfrm_has {
    SP_XFRM_HAS_WHOLE = 1 << 0, /* a deletion that tells all about what was deleted */
    SP_XFRM_HAS_ENCAP = 1 << 1,
    SP_XFRM_HAS_MARK = 1 << 2,
    SP_XFRM_HAS_INTERFACE_ID = 1 << 3,
    SP_XFRM_HAS_REPLAY = 1 << 4,
    SP_XFRM_HAS_REPLAY_ESN = 1 << 5,
    SP_XFRM_HAS_DEVICE = 1 << 6,
    SP_XFRM_HAS_OUTPUT_MARK = 1 << 7,
    SP_XFRM_HAS_EXTRA_FLAGS = 1 << 8,
    SP_XFRM_HAS_LAST_USED = 1 << 9,
    SP_XFRM_HAS_PADDING = 1 << 10,
    SP_XFRM_HAS_USED = 1 << 11,
    SP_XFRM_HAS_TYPE = 1 << 12,
};

struct sp_xfrm_encap {
    uint16_t type, source_port, destination_port;
    struct sp_address original; /* of the SA's family */
};

/* Both forms of the replay window: 32 packets in one word, or a bitmap of any size. */
struct sp_xfrm_replay {
    uint32_t sequence_sent, sequence_received, bitmap;
};
struct sp_xfrm_replay_esn {
    uint32_t sequence_sent, sequence_received, sequence_sent_high, sequence_received_high;
    uint32_t window_packets, bitmap_words;
    uint32_t bitmap[SP_XFRM_BITMAP_WORDS_MAX];
};

struct sp_xfrm_sa {
    uint32_t has;
    uint8_t family;
    uint32_t spi;
    uint8_t protocol; /* IPPROTO_ESP */
    struct sp_address source, destination;
    struct sp_xfrm_selector selector;
    struct sp_xfrm_limits limits;
    struct sp_xfrm_used used;
    uint32_t replay_window_failures, replay_failures, integrity_failures;
    uint32_t acquire_sequence, reqid;
    uint8_t mode, replay_window_packets, flags; /* XFRM_MODE_, XFRM_STATE_ */
    struct sp_xfrm_algorithm encryption, integrity, aead;
    struct sp_xfrm_encap encap;
    struct sp_xfrm_mark mark, output_mark;
    uint32_t interface_id, extra_flags, padding_bytes;
    struct sp_xfrm_device device;
    struct sp_xfrm_replay replay;
    struct sp_xfrm_replay_esn replay_esn;
    uint64_t last_used_at;
};

struct sp_xfrm_template {
    uint8_t family;
    struct sp_address source, destination; /* tunnel ends; zero in transport mode */
    uint32_t spi, reqid;
    uint8_t protocol, mode, share;
    bool is_optional;
    uint32_t integrity_algorithms, encryption_algorithms, compression_algorithms;
};

struct sp_xfrm_policy {
    uint32_t has;
    struct sp_xfrm_selector selector;
    struct sp_xfrm_limits limits;
    struct sp_xfrm_used used;
    uint32_t priority, index; /* a lower priority is tried first; index & 7 is the direction */
    uint8_t direction, action, flags, share, type;
    struct sp_xfrm_template templates[SP_XFRM_TEMPLATES_MAX];
    uint32_t template_count;
    struct sp_xfrm_mark mark;
    uint32_t interface_id;
    struct sp_xfrm_device device;
};

/* No SA for a packet that needs one; policy has the templates. */
struct sp_xfrm_acquire {
    struct sp_address source, destination;
    uint32_t spi, sequence;
    uint8_t protocol;
    struct sp_xfrm_selector selector;
    struct sp_xfrm_policy policy;
    uint32_t integrity_algorithms, encryption_algorithms, compression_algorithms;
};

/* Replay state and use of an SA: has REPLAY, REPLAY_ESN, USED. */
struct sp_xfrm_aevent {
    uint32_t flags; /* XFRM_AE_ */
    struct sp_xfrm_sa sa;
};

/* The peer's address or port behind a NAT changed. */
struct sp_xfrm_mapping {
    struct sp_address destination, old_source, new_source;
    uint8_t family, protocol;
    uint32_t spi, reqid;
    uint16_t old_source_port, new_source_port;
};

struct sp_xfrm_message {
    uint16_t type; /* XFRM_MSG_ */
    uint16_t flags;
    uint32_t sequence, port;
    bool is_hard;              /* of EXPIRE and POLEXPIRE */
    uint32_t spi_min, spi_max; /* of ALLOCSPI */
    union {                    /* by type: */
        struct sp_xfrm_sa sa;  /* NEWSA UPDSA DELSA GETSA EXPIRE ALLOCSPI FLUSHSA (protocol) */
        struct sp_xfrm_policy
            policy; /* NEWPOLICY UPDPOLICY DELPOLICY GETPOLICY POLEXPIRE FLUSHPOLICY (type) */
        struct sp_xfrm_acquire acquire; /* ACQUIRE */
        struct sp_xfrm_aevent aevent;   /* NEWAE GETAE */
        struct sp_xfrm_mapping mapping; /* MAPPING */
    };
};

/* Writes the message to buffer, which is aligned for struct nlmsghdr; returns its length, a multiple of 4, or
 * 0 when it doesn't fit in capacity_bytes or is of no type that is listed above. A GETSA or GETPOLICY with
 * NLM_F_DUMP asks for all. */
size_t sp_xfrm_encode(const struct sp_xfrm_message *message, void *buffer, size_t capacity_bytes);

enum sp_xfrm_reading {
    SP_XFRM_READ,
    SP_XFRM_UNKNOWN,   /* of another type; header fields are filled in */
    SP_XFRM_MALFORMED, /* not what any kernel sends */
};
/* Reads one message, header first, from len_bytes of memory aligned to 4. Attributes that this version
 * doesn't know are passed over. *ret_message is written in any case. */
enum sp_xfrm_reading sp_xfrm_decode(const void *bytes, size_t len_bytes, struct sp_xfrm_message *ret_message);

/* NLMSG_ERROR: what became of a request. error 0: done. text is NUL-terminated, cut; empty: the kernel said
 * nothing. */
struct sp_xfrm_answer {
    uint32_t sequence;
    int error; /* an errno value */
    char text[192];
};
/* false: not a whole NLMSG_ERROR or NLMSG_DONE. */
bool sp_xfrm_decode_answer(const void *bytes, size_t len_bytes, struct sp_xfrm_answer *ret_answer);

#endif
