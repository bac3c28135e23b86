/* SPDX-License-Identifier: ISC
 *
 * What an SA may use: ciphers and hashes as ops tables over byte ranges. No packets here.
 *
 * A state is what a key expands to (key schedule, precomputed HMAC halves); it lives in the key arena, is
 * read-only once made, and so may serve any number of threads. Jobs come in arrays so that a kernel may run
 * many in lanes.
 */
#ifndef SP_CRYPTO_SUITE_H
#define SP_CRYPTO_SUITE_H

#include <sallyport/sa.h>

/* One CBC run. len_bytes is a multiple of the block. in and out are the same place or don't overlap. */
struct sp_cbc_job {
    const void *state;
    const uint8_t *iv; /* iv_bytes of it; must not lie in out */
    const uint8_t *in;
    uint8_t *out;
    size_t len_bytes;
};

struct sp_cipher {
    const char *name;   /* of the algorithm: "3des-cbc" */
    const char *kernel; /* of this variant: "libcrypto" */
    bool is_combined;   /* gives integrity too: by gcm.h */
    size_t key_bytes, block_bytes, iv_bytes;
    size_t state_bytes;
    void (*expand)(void *state, const uint8_t *key);
    void (*cbc_seal)(const struct sp_cbc_job *jobs, size_t count);
    void (*cbc_open)(const struct sp_cbc_job *jobs, size_t count);
};

/* One MAC over one range and what is thought behind it: icv receives the leftmost icv_bytes. */
struct sp_hmac_job {
    const void *state;
    const uint8_t *data;
    size_t len_bytes;
    uint8_t *icv;
    uint32_t suffix_bytes; /* SP_HMAC_SUFFIX_BYTES or 0 */
    uint32_t suffix;       /* as it would lie in memory; 0 when there is none */
};
/* The high half of an extended sequence number, which isn't in the packet (RFC 4303 2.2.1) */
#define SP_HMAC_SUFFIX_BYTES 4u

struct sp_hmac {
    const char *name; /* "hmac-sha1-96" */
    const char *kernel;
    size_t key_bytes, icv_bytes;
    size_t state_bytes;
    void (*expand)(void *state, const uint8_t *key, size_t key_bytes); /* any key_bytes, as RFC 2104 has it */
    void (*mac)(const struct sp_hmac_job *jobs, size_t count);
    void (*mac_full)(const void *state, const uint8_t *data, size_t len_bytes,
                     uint8_t *digest); /* untruncated, for vectors */
    size_t digest_bytes;
};

/* The ops in use on this machine. Never NULL for values of the enums. Null encryption has key_bytes 0,
 * block_bytes 1, iv_bytes 0, state_bytes 0 and no functions; so has SP_INTEGRITY_COMBINED, but for its
 * icv_bytes. */
const struct sp_cipher *sp_cipher_ops(enum sp_encryption encryption);
const struct sp_hmac *sp_hmac_ops(enum sp_integrity integrity);

/* Do these two make a suite? A combined mode cipher goes with SP_INTEGRITY_COMBINED and with nothing else. */
bool sp_suite_is_one(enum sp_encryption encryption, enum sp_integrity integrity);

/* Why a 3DES key is refused (RFC 2451 2.3: k1 = k2, k2 = k3; DES weak and semi-weak parts), parity ignored;
 * NULL when it is good. Constant time is not needed: it runs once, when a key is set. */
const char *sp_tdes_key_fault(const uint8_t key[24]);

#endif
