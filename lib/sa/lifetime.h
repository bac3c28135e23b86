/* SPDX-License-Identifier: ISC
 *
 * What a lifetime may say, apart from any SA. For SAs (sad.h) and for the actions of a policy alike.
 */
#ifndef SP_SA_LIFETIME_H
#define SP_SA_LIFETIME_H

#include <sallyport/sa.h>

/* 2^32 blocks of 8 bytes: past that, two equal blocks of ciphertext are near certain (the birthday bound) */
#define SP_LIFETIME_BYTES_MAX_64_BIT_BLOCK ((uint64_t)1 << 35)

/* One sentence why this lifetime is refused for SAs with this cipher, and what is right; NULL when it is
 * good. Static storage. */
const char *sp_lifetime_fault(const struct sp_lifetime *lifetime, enum sp_encryption encryption);

#endif
