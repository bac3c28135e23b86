/* SPDX-License-Identifier: ISC
 *
 * The vectors of RFC 2202 (HMAC-MD5, HMAC-SHA1) and RFC 4231 (HMAC-SHA-256). The fifth of RFC 4231 shows but
 * the leftmost 128 bits, which is what RFC 4868 keeps.
 */
#ifndef SP_TESTS_KERNELS_HMAC_VECTORS_H
#define SP_TESTS_KERNELS_HMAC_VECTORS_H

#include <stddef.h>

struct hmac_vector {
    const char *hash;
    const char *key; /* NULL: key_byte, key_bytes times; or 1, 2, 3 and so on for key_byte 0 */
    size_t key_bytes;
    int key_byte;
    const char *text; /* NULL: text_byte, 50 times */
    int text_byte;
    const char *digest;
};

#define HASH_KEY_FIRST "Test Using Larger Than Block-Size Key - Hash Key First"
#define LARGER_DATA "Test Using Larger Than Block-Size Key and Larger Than One Block-Size Data"
#define LARGER_DATA_4231                                                                                     \
    "This is a test using a larger than block-size key and a larger than block-size data. The key needs "    \
    "to be hashed before being used by the HMAC algorithm."
#define ASKED "what do ya want for nothing?"

/* clang-format off */
static const struct hmac_vector hmac_vectors[] = {
    {"hmac-md5-96", NULL, 16, 0x0b, "Hi There", 0, "9294727a3638bb1c13f48ef8158bfc9d"},
    {"hmac-md5-96", "Jefe", 4, 0, ASKED, 0, "750c783e6ab0b503eaa86e310a5db738"},
    {"hmac-md5-96", NULL, 16, 0xaa, NULL, 0xdd, "56be34521d144c88dbb8c733f0e8b3f6"},
    {"hmac-md5-96", NULL, 25, 0, NULL, 0xcd, "697eaf0aca3a3aea3a75164746ffaa79"},
    {"hmac-md5-96", NULL, 16, 0x0c, "Test With Truncation", 0, "56461ef2342edc00f9bab995690efd4c"},
    {"hmac-md5-96", NULL, 80, 0xaa, HASH_KEY_FIRST, 0, "6b1ab7fe4bd7bf8f0b62e6ce61b9d0cd"},
    {"hmac-md5-96", NULL, 80, 0xaa, LARGER_DATA, 0, "6f630fad67cda0ee1fb1f562db3aa53e"},
    {"hmac-sha1-96", NULL, 20, 0x0b, "Hi There", 0, "b617318655057264e28bc0b6fb378c8ef146be00"},
    {"hmac-sha1-96", "Jefe", 4, 0, ASKED, 0, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"},
    {"hmac-sha1-96", NULL, 20, 0xaa, NULL, 0xdd, "125d7342b9ac11cd91a39af48aa17b4f63f175d3"},
    {"hmac-sha1-96", NULL, 25, 0, NULL, 0xcd, "4c9007f4026250c6bc8414f9bf50c86c2d7235da"},
    {"hmac-sha1-96", NULL, 20, 0x0c, "Test With Truncation", 0, "4c1a03424b55e07fe7f27be1d58bb9324a9a5a04"},
    {"hmac-sha1-96", NULL, 80, 0xaa, HASH_KEY_FIRST, 0, "aa4ae5e15272d00e95705637ce8a3b55ed402112"},
    {"hmac-sha1-96", NULL, 80, 0xaa, LARGER_DATA, 0, "e8e99d0f45237d786d6bbaa7965c7808bbff1a91"},
    {"hmac-sha2-256-128", NULL, 20, 0x0b, "Hi There", 0,
     "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
    {"hmac-sha2-256-128", "Jefe", 4, 0, ASKED, 0,
     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
    {"hmac-sha2-256-128", NULL, 20, 0xaa, NULL, 0xdd,
     "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
    {"hmac-sha2-256-128", NULL, 25, 0, NULL, 0xcd,
     "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"},
    {"hmac-sha2-256-128", NULL, 20, 0x0c, "Test With Truncation", 0, "a3b6167473100ee06e0c796c2955552b"},
    {"hmac-sha2-256-128", NULL, 131, 0xaa, HASH_KEY_FIRST, 0,
     "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
    {"hmac-sha2-256-128", NULL, 131, 0xaa, LARGER_DATA_4231, 0,
     "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
};
/* clang-format on */

#endif
