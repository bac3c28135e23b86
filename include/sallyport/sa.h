/* SPDX-License-Identifier: ISC
 *
 * Sallyport: security associations (RFC 4301 4.4.2) and the database that holds them, the SAD.
 *
 * An SA is one way: from a source to a destination address, with an SPI, a suite of algorithms, keys and
 * limits. The same SAD serves both directions: outbound packets find an SA by addresses and suite (in tunnel
 * mode by the tunnel's, which their rule names), inbound ones by SPI and addresses. Key bytes and everything
 * derived from them live in guarded, locked, not dumped memory (the key arena) and are wiped when the SA
 * goes.
 */
#ifndef SALLYPORT_SA_H
#define SALLYPORT_SA_H

#include <sallyport/status.h>

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Family 4 or 6; an IPv4 address uses bytes[0..3], the others are zero. Network order. */
struct sp_address {
    uint8_t family;
    uint8_t bytes[16];
};

#define SP_ADDRESS_TEXT_BYTES 46
/* Reads "192.0.2.1" or "2001:db8::1". SP_ERR_PARSE. */
SP_API enum sp_status sp_address_parse(const char *text, struct sp_address *ret_address) SP_MUST_USE;
/* Writes it to text[SP_ADDRESS_TEXT_BYTES], NUL-terminated; returns text. */
SP_API const char *sp_address_format(const struct sp_address *address, char *text);

/* Transport mode protects what an IP packet carries, tunnel mode a whole one inside of another (RFC 4301
 * 4.1). */
enum sp_mode { SP_MODE_TRANSPORT, SP_MODE_TUNNEL, SP_MODE_COUNT };
/* "transport", "tunnel"; "?" for values outside the enum. Static storage. */
SP_API const char *sp_mode_name(enum sp_mode mode);

enum sp_encryption {
    SP_ENCRYPTION_NULL,     /* "null": RFC 2410, for debugging */
    SP_ENCRYPTION_3DES_CBC, /* "3des-cbc": RFC 2451, 24-byte key of which 168 bits count */
    /* RFC 4106 with an ICV of 16 bytes: combined mode, an AES key with a salt of 4 bytes behind it */
    SP_ENCRYPTION_AES128_GCM16, /* "aes128-gcm16", 20 bytes */
    SP_ENCRYPTION_AES256_GCM16, /* "aes256-gcm16", 36 bytes */
    SP_ENCRYPTION_COUNT
};
enum sp_integrity {
    SP_INTEGRITY_HMAC_MD5_96,       /* "hmac-md5-96": RFC 2403, 16-byte key */
    SP_INTEGRITY_HMAC_SHA1_96,      /* "hmac-sha1-96": RFC 2404, 20-byte key */
    SP_INTEGRITY_HMAC_SHA2_256_128, /* "hmac-sha2-256-128": RFC 4868, 32-byte key */
    SP_INTEGRITY_COMBINED,          /* "combined": by the cipher, with the GCM ones always; no key */
    SP_INTEGRITY_COUNT
};

/* Names as in the policy language; "?" for values outside the enum. Static storage. */
SP_API const char *sp_encryption_name(enum sp_encryption encryption);
SP_API const char *sp_integrity_name(enum sp_integrity integrity);
/* Bytes that a key must have; 0 for null encryption and combined integrity. */
SP_API size_t sp_encryption_key_bytes(enum sp_encryption encryption);
SP_API size_t sp_integrity_key_bytes(enum sp_integrity integrity);
#define SP_SUITE_TEXT_BYTES 48
/* Writes a suite to text[SP_SUITE_TEXT_BYTES] as the language has it, "3des-cbc hmac-sha1-96" or
 * "aes128-gcm16"; returns text. */
SP_API const char *sp_suite_format(enum sp_encryption encryption, enum sp_integrity integrity, char *text);
/* The most that sealing adds to a packet in transport mode: ESP header, IV, padding, trailer, ICV. 0 for two
 * that make no suite. */
SP_API size_t sp_suite_overhead_bytes(enum sp_encryption encryption, enum sp_integrity integrity);

/* Limits of an SA. 0 means none, except hard_bytes of a 64-bit block cipher: Sweet32 (CVE-2016-2183) makes
 * 3DES unsafe past 2^32 blocks, so there 0 is refused and so is more than 32 GiB. Bytes are those that the
 * cipher processes (payload, padding and trailer). A soft limit raises one event, a hard limit is never
 * passed by a packet. soft 0 with a hard limit means seven eighths of it. */
struct sp_lifetime {
    uint64_t soft_bytes, hard_bytes;
    uint64_t soft_packets, hard_packets;
    uint64_t soft_seconds, hard_seconds;
};

/* Which limit was reached; of several the one that was met first. */
enum sp_limit { SP_LIMIT_NONE, SP_LIMIT_BYTES, SP_LIMIT_PACKETS, SP_LIMIT_TIME, SP_LIMIT_COUNT };
/* "bytes", "packets", "time"; "none", and "?" for values outside the enum. Static storage. */
SP_API const char *sp_limit_name(enum sp_limit limit);

/* "w2k" (100,000 KB and 3,600 s: what the legacy peers do, the default), "nist-r2" (2^20 blocks, 8 MiB;
 * SP 800-67 r2), "nist-r1" (2^32 blocks). SP_ERR_NOT_FOUND. */
SP_API enum sp_status sp_lifetime_preset(const char *name, struct sp_lifetime *ret_lifetime) SP_MUST_USE;
/* The preset's name when lifetime is exactly one, else NULL. */
SP_API const char *sp_lifetime_preset_name(const struct sp_lifetime *lifetime);

/* Writes out the soft limits that were left to us: seven eighths of the hard one. */
SP_API void sp_lifetime_fill_soft(struct sp_lifetime *lifetime);
/* Lowers each limit to the other's when that is tighter; 0 is no limit. */
SP_API void sp_lifetime_tighten(struct sp_lifetime *lifetime, const struct sp_lifetime *other);

/* UDP encapsulation (RFC 3948): the ports of the UDP header between IP and ESP, host order, which lets ESP
 * through NATs. Both 0: ESP right behind IP. An SA's packets come and go as it says, never the other way. */
struct sp_encap {
    uint16_t source_port, destination_port;
};
#define SP_ENCAP_PORT 4500u        /* what everybody takes (RFC 3948 2.1) */
#define SP_ENCAP_OVERHEAD_BYTES 8u /* on top of sp_suite_overhead_bytes() */
static inline bool sp_encap_is_on(const struct sp_encap *encap)
{
    return encap->source_port != 0;
}

/* How an SA in tunnel mode makes the outer header (RFC 4301 5.1.2). All zero is what RFC 4301 and RFC 6040
 * want where nobody says otherwise. The outer addresses are the SA's source and destination, of either family
 * whatever the packet inside has; the outer hop limit is 64, an IPv6 flow label 0. */
enum sp_tunnel_df {
    SP_TUNNEL_DF_COPY,  /* "copy": an outer IPv4 header's DF is the inner one's, and set around IPv6 */
    SP_TUNNEL_DF_SET,   /* "set" */
    SP_TUNNEL_DF_CLEAR, /* "clear": routers may cut what was sealed */
    SP_TUNNEL_DF_COUNT
};
#define SP_DSCP_MAX 63u /* RFC 2474 3 */
struct sp_tunnel {
    enum sp_tunnel_df df;
    bool has_dscp; /* true: dscp is what the outer header says; false: what the inner one does */
    uint8_t dscp;  /* 0..SP_DSCP_MAX; 0 without has_dscp */
    /* The outer header says that routers can't mark congestion (RFC 6040 4.1, compatibility mode): for a peer
     * that wouldn't carry the mark over. Opening always does (RFC 6040 4.2). */
    bool has_no_ecn;
};
/* "copy", "set", "clear"; "?" for values outside the enum. Static storage. */
SP_API const char *sp_tunnel_df_name(enum sp_tunnel_df df);
/* The outer header between addresses of that family: on top of sp_suite_overhead_bytes(). */
static inline size_t sp_tunnel_overhead_bytes(uint8_t family)
{
    return family == 6 ? 40 : 20;
}

#define SP_SPI_MIN 256u
/* A burst of a peer's worker may come behind what its other workers sent after it: several hundred packets.
 */
#define SP_REPLAY_WINDOW_DEFAULT 1024u
#define SP_REPLAY_WINDOW_MIN 64u
#define SP_REPLAY_WINDOW_MAX 4096u

/* What makes an SA. The keys are copied into the arena; the caller wipes its own. */
struct sp_sa_params {
    const char *name;                      /* for people; NULL: none. Copied, cut to at most 63 bytes */
    uint32_t spi;                          /* host order, SP_SPI_MIN and up */
    struct sp_address source, destination; /* in tunnel mode the tunnel's ends */
    enum sp_mode mode;
    struct sp_tunnel tunnel; /* all zero unless mode is tunnel */
    enum sp_encryption encryption;
    enum sp_integrity integrity;
    const uint8_t *encryption_key;
    size_t encryption_key_bytes;
    const uint8_t *integrity_key;
    size_t integrity_key_bytes;
    uint32_t replay_window_packets; /* 64..4096 in steps of 64; 0: SP_REPLAY_WINDOW_DEFAULT here, 64 in the
                                       kernel */
    bool has_lifetime;              /* false: the policy's action decides, at the latest w2k */
    struct sp_lifetime lifetime;
    struct sp_encap encap; /* both ports or neither */
    bool has_esn; /* extended sequence numbers, of 64 bits (RFC 4303 2.2.1); both ends must have them */
};

struct sp_sad;

/* A SAD for up to capacity SAs (1..1,000,000). SP_ERR_MEMORY, SP_ERR_INVALID. */
SP_API enum sp_status sp_sad_create(uint32_t capacity, struct sp_sad **ret_sad) SP_MUST_USE;
/* Wipes all keys, frees, nulls. No engine may still use it: misuse otherwise. *sad may be NULL. */
SP_API void sp_sad_destroy(struct sp_sad **sad);

/* Adds an SA; its number (0 .. capacity-1) names it in packets and statistics until it is removed.
 * SP_ERR_SPI, SP_ERR_KEY_LENGTH, SP_ERR_WEAK_KEY (k1 = k2 or k2 = k3 with parity ignored, or a part that is a
 * DES weak or semi-weak key; of AES-GCM a key that another SA has), SP_ERR_EXISTS (same SPI, source and
 * destination), SP_ERR_LIMIT (SAD full),
 * SP_ERR_INVALID (families differ, bad window, lifetime, ports or tunnel), SP_ERR_MEMORY. On failure nothing
 * changes. When reason is not NULL it receives one sentence (text[256]) that says what is wrong and what is
 * right. Control thread only; data-path threads may run meanwhile. */
SP_API enum sp_status sp_sad_add(struct sp_sad *sad, const struct sp_sa_params *params, uint32_t *ret_number,
                                 char *reason) SP_MUST_USE;

/* Reads an SA file, sallyport.keys(5), and adds all of its SAs, or none when the report has an error. The
 * file and those that it names must belong to the caller (or root) and be readable by nobody else. path may
 * be "-" or /dev/fd/N: an open file or pipe. SP_ERR_PARSE when the text has errors, weak keys and wrong
 * lengths among them; else SP_ERR_IO, SP_ERR_PERMISSION, SP_ERR_EXISTS (the SAD has such an SA already),
 * SP_ERR_LIMIT (there is no room for all), SP_ERR_MEMORY; the report says the rest. Control thread only. */
SP_API enum sp_status sp_sad_load(struct sp_sad *sad, const char *path, struct sp_report *report) SP_MUST_USE;

/* An SA file read again: from its beginning to its end the SAD holds the SAs of both. */
struct sp_sad_reload;
struct sp_sad_reload_counts {
    uint32_t kept, added, removed;
};
/* Reads the file as sp_sad_load does, with its answers, and adds those of its SAs that the SAD doesn't hold
 * yet. An SA that it holds, the same in suite, keys, window, lifetime, mode and encapsulation, goes on as it
 * is, its sequence numbers, replay window and what it used of its lifetime included; a name that is another
 * one now is not taken over. An SA that has an SPI and addresses of the SAD's and is otherwise another one is
 * an error, SP_ERR_EXISTS: packets on their way couldn't tell them apart. Nothing is removed yet, and on
 * failure nothing changes. To be ended before any other SA is added or removed. Control thread only. */
SP_API enum sp_status sp_sad_reload_begin(struct sp_sad *sad, const char *path, struct sp_report *report,
                                          struct sp_sad_reload **ret_reload) SP_MUST_USE;
/* The same of a regular file that somebody else opened and handed over, from its beginning; name is for
 * messages. Who may own and read it is as ever. A key in a file of its own is an error: whoever handed the
 * one over may not be allowed to read the other. */
SP_API enum sp_status sp_sad_reload_begin_open(struct sp_sad *sad, int descriptor, const char *name,
                                               struct sp_report *report,
                                               struct sp_sad_reload **ret_reload) SP_MUST_USE;
/* What it comes to when it is kept. */
SP_API struct sp_sad_reload_counts sp_sad_reload_counts(const struct sp_sad_reload *reload);
/* Visits the SAs of the file, those that go on first. info is valid during the visit. */
struct sp_sa_info;
typedef void sp_sad_visitor(const struct sp_sa_info *info, void *context);
SP_API void sp_sad_reload_visit(const struct sp_sad_reload *reload, sp_sad_visitor *visit, void *context);
/* Ends it: is_kept removes the SAs that the file hasn't, otherwise those go that were added. Frees and nulls;
 * *reload may be NULL. */
SP_API void sp_sad_reload_end(struct sp_sad_reload **reload, bool is_kept);
/* The same as with is_kept, but of the SAs that the file hasn't, those are only retired in whose place it has
 * another one: between the same addresses, with the same suite and mode. From the next burst on nothing is
 * sealed under a retired SA, while what comes in under it is opened for so long, until sp_sad_sweep(). An SA
 * that a later file has again is no longer retired. One in whose place there is no other one is removed at
 * once. */
SP_API void sp_sad_reload_end_gently(struct sp_sad_reload **reload, uint32_t grace_seconds);
/* Removes the retired SAs whose time is over; returns how many. To be called now and then, but not between
 * the beginning and the end of a reload. Control thread only. */
SP_API uint32_t sp_sad_sweep(struct sp_sad *sad);

/* One SA of a file. The keys are in locked memory that is wiped when the visit is over: whoever needs them
 * longer copies them to memory of that kind. */
typedef void sp_keys_visitor(const struct sp_sa_params *params, void *context);
/* For those who hand SAs to somebody else than a SAD, a kernel say: reads path by the rules of sp_sad_load,
 * with its answers, and when the file has no error visits each SA in the order of the text. */
SP_API enum sp_status sp_keys_visit(const char *path, sp_keys_visitor *visit, void *context,
                                    struct sp_report *report) SP_MUST_USE;

/* 16 hex digits of a keyed hash of the suite and the keys, as in struct sp_sa_info: the same on every host.
 * The suite must be one of ours and the keys as long as it wants them. */
SP_API void sp_sa_fingerprint(const struct sp_sa_params *params, char ret_text[17]);

/* Writes an SA file's SAs as lines of Wireshark's esp_sa table: THIS REVEALS THE KEYS, in clear, to whoever
 * reads out. It is for people who debug with keys that they throw away. It works from the file, by the same
 * rules of ownership as sp_sad_load, and never from a SAD: keys that are in a SAD can't be had back, so the
 * call gives nothing to a caller who couldn't read the file anyway. Nothing is written when the file has an
 * error. SP_ERR_IO (also: out could not be written), SP_ERR_PERMISSION, SP_ERR_PARSE, SP_ERR_MEMORY; the
 * report says the rest. */
SP_API enum sp_status sp_keys_export_wireshark(const char *path, FILE *out,
                                               struct sp_report *report) SP_MUST_USE;

enum sp_sa_state { SP_SA_LIVE, SP_SA_SOFT_EXPIRED, SP_SA_HARD_EXPIRED };

/* A copy of what may be known about an SA: no keys. */
struct sp_sa_info {
    uint32_t number;
    char name[64];
    uint32_t spi;
    struct sp_address source, destination;
    enum sp_mode mode;
    struct sp_tunnel tunnel;
    enum sp_encryption encryption;
    enum sp_integrity integrity;
    uint32_t replay_window_packets;
    struct sp_lifetime lifetime;
    enum sp_sa_state state;
    enum sp_limit limit;                  /* that brought it to its state */
    uint64_t bytes, packets, age_seconds; /* used of the lifetime, both directions */
    uint64_t sequence_sent;               /* last sequence number sent, 0: none */
    uint64_t sequence_received;           /* highest received, 0: none */
    char fingerprint[17];                 /* 16 hex digits of a keyed hash of the keys: same keys, same text,
                                             tells two SAs apart and nothing about the keys */
    struct sp_encap encap;
    bool has_esn;
    bool is_retired; /* another one has taken its place, and it goes soon: sp_sad_reload_end_gently() */
};

SP_API uint32_t sp_sad_capacity(const struct sp_sad *sad);
SP_API uint32_t sp_sad_count(const struct sp_sad *sad);
/* SP_ERR_NOT_FOUND when there is no SA of that number. Iterate with number 0 .. capacity-1. Control thread.
 */
SP_API enum sp_status sp_sad_get(const struct sp_sad *sad, uint32_t number,
                                 struct sp_sa_info *ret_info) SP_MUST_USE;

/* What the SAs of one direction carried. */
struct sp_sad_carried {
    uint64_t packets;
    uint64_t authenticated_bytes; /* that the cipher processed, as in lifetimes: of all SAs */
    uint64_t confidential_bytes;  /* the same without those of null encryption */
};
/* Over all SAs that the SAD has and had: no figure ever falls, however often keys change. An SA is of the
 * direction in which it carried its first packet. */
struct sp_sad_totals {
    uint64_t key_additions, key_deletions; /* SAs added and removed */
    struct sp_sad_carried direction[2];    /* [SP_OUTBOUND], [SP_INBOUND] of sallyport/packet.h */
};
/* Control thread only. */
SP_API void sp_sad_totals(struct sp_sad *sad, struct sp_sad_totals *ret_totals);

/* Gives an SA a lifetime of its own in place of the one it has. Times still count from its birth, and what it
 * used of bytes and packets stays used; one that is expired, softly or hard, stays so. SP_ERR_NOT_FOUND,
 * SP_ERR_INVALID (then reason, when not NULL, says why, as of sp_sad_add). Control thread only. */
SP_API enum sp_status sp_sad_set_lifetime(struct sp_sad *sad, uint32_t number,
                                          const struct sp_lifetime *lifetime, char *reason) SP_MUST_USE;
/* Removes an SA and wipes its keys once no worker can still use it. SP_ERR_NOT_FOUND. Control thread only. */
SP_API enum sp_status sp_sad_remove(struct sp_sad *sad, uint32_t number) SP_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
