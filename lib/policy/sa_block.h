/* SPDX-License-Identifier: ISC
 *
 * One `sa "NAME" { ... }` of sallyport.keys(5), between the file (keyfile.c), the block (sa_block.c) and its
 * keys (sa_key.c). */
#ifndef SP_POLICY_SA_BLOCK_H
#define SP_POLICY_SA_BLOCK_H

#include "policy/reader.h"

#define SP_SA_NAME_MAX_BYTES 63
#define SP_SA_KEY_MAX_BYTES 36 /* AES-256 and GCM's salt */

enum sp_sa_item {
    SP_SA_ITEM_SPI,
    SP_SA_ITEM_FROM,
    SP_SA_ITEM_ESP,
    SP_SA_ITEM_ENCRYPTION_KEY,
    SP_SA_ITEM_INTEGRITY_KEY,
    SP_SA_ITEM_MODE,
    SP_SA_ITEM_REPLAY_WINDOW,
    SP_SA_ITEM_LIFETIME,
    SP_SA_ITEM_ENCAP,
    SP_SA_ITEM_ESN,
    SP_SA_ITEM_DF,
    SP_SA_ITEM_DSCP,
    SP_SA_ITEM_ECN,
    SP_SA_ITEM_COUNT
};

struct sp_sa_key {
    size_t len_bytes; /* as written; bytes holds it when it is at most SP_SA_KEY_MAX_BYTES */
    uint8_t bytes[SP_SA_KEY_MAX_BYTES];
};

/* It holds keys: locked memory only. */
struct sp_sa_block {
    char name[SP_NAME_MAX_BYTES + 1];
    uint32_t spi;
    struct sp_address source, destination;
    enum sp_mode mode;
    struct sp_tunnel tunnel;
    enum sp_encryption encryption;
    enum sp_integrity integrity;
    struct sp_sa_key encryption_key, integrity_key;
    uint32_t replay_window_packets;
    struct sp_lifetime lifetime;
    struct sp_encap encap;
    struct sp_place name_place;
    struct sp_place places[SP_SA_ITEM_COUNT]; /* of the values */
    bool is_seen[SP_SA_ITEM_COUNT];
    bool is_garbled; /* a line that nobody understands may be one that is missing */
    uint32_t number; /* in the SAD, once it is there */
};

/* From behind `sa` to the closing brace. False: the rest of the statement is to be skipped. All that can be
 * wrong with the SA on its own is said. */
bool sp_sa_block_parse(struct sp_reader *reader, struct sp_sa_block *block) SP_MUST_USE;
/* The parameters, which point into block. */
struct sp_sa_params sp_sa_block_params(const struct sp_sa_block *block);

/* 0xHEX or file "NAME", to be decoded into key. */
bool sp_sa_key_parse(struct sp_reader *reader, struct sp_sa_key *key) SP_MUST_USE;
/* Whether the key fits its algorithm; what: "encryption-key". */
void sp_sa_key_check(struct sp_reader *reader, const struct sp_place *place, const char *what,
                     const struct sp_sa_key *key, size_t right_bytes, const char *algorithm);

#endif
