/* SPDX-License-Identifier: ISC
 *
 * Random SA pairs. All key bytes of keygen live in one piece of memory that is wiped at the end.
 */
#ifndef IPSECCTL_KEYPAIR_H
#define IPSECCTL_KEYPAIR_H

#include <sallyport/sa.h>

#define KEY_BYTES_MAX 36
#define KEYPAIR_TEXT_BYTES 2048

struct keypair {
    /* two SAs, one for each direction; the params point into the keys below */
    struct sp_sa_params sa[2];
    char name[2][64];
    char fingerprint[2][17];
    uint8_t encryption_key[2][KEY_BYTES_MAX], integrity_key[2][KEY_BYTES_MAX];
    char text[KEYPAIR_TEXT_BYTES]; /* the SA file */
    size_t len_bytes;
};

struct keypair_options {
    enum sp_encryption encryption;
    enum sp_integrity integrity;
    enum sp_mode mode;
    bool is_encapsulated, has_esn;
};

/* Fills a pair between two addresses, with keys and SPIs that a SAD accepts, and its text. An exit code;
 * complaints printed. keypair_wipe it in any case. */
int keypair_make(struct keypair *pair, const struct sp_address *from, const struct sp_address *to,
                 const struct keypair_options *options);
void keypair_wipe(struct keypair *pair);

#endif
