/* SPDX-License-Identifier: ISC
 *
 * Suites in the kernel's names and in reqids, there and back.
 */
#include "kernel/suite.h"

#include <criterion/criterion.h>

#include <linux/udp.h>

static bool is_same(const struct sp_kernel_suite *left, const struct sp_kernel_suite *right)
{
    return left->encryption == right->encryption && left->integrity == right->integrity &&
           left->is_encapsulated == right->is_encapsulated && left->has_esn == right->has_esn &&
           left->mode == right->mode;
}

static void expect_there_and_back(const struct sp_kernel_suite *suite)
{
    struct sp_xfrm_sa sa = {.family = 4};
    struct sp_kernel_suite named, numbered;

    sp_kernel_suite_put(suite, NULL, NULL, &sa);
    if (suite->is_encapsulated) {
        sa.has |= SP_XFRM_HAS_ENCAP;
        sa.encap.type = UDP_ENCAP_ESPINUDP;
    }
    cr_expect(sp_kernel_suite_of(&sa, &named) && is_same(&named, suite));
    cr_expect(sp_kernel_suite_of_reqid(sp_kernel_suite_reqid(suite), &numbered) && is_same(&numbered, suite));
}

Test(kernel_suite, each_is_told_by_its_names_and_by_its_reqid)
{
    uint32_t count = 0;

    for (unsigned i = 0; i < 8u * SP_ENCRYPTION_COUNT * SP_INTEGRITY_COUNT; i++) {
        const struct sp_kernel_suite suite = {
            .encryption = (enum sp_encryption)(i / 8 / SP_INTEGRITY_COUNT),
            .integrity = (enum sp_integrity)(i / 8 % SP_INTEGRITY_COUNT),
            .mode = i / 4 % 2 != 0 ? SP_MODE_TUNNEL : SP_MODE_TRANSPORT,
            .is_encapsulated = i % 2 != 0,
            .has_esn = i / 2 % 2 != 0,
        };
        if (!sp_kernel_suite_is_there(&suite))
            continue;
        count++;
        expect_there_and_back(&suite);
    }
    cr_expect_eq(count, 8 * (2 * 3 + 2), "two ciphers with three hashes, and two of AES-GCM");
}

/* Kernels keep them: SAs that an earlier release pushed must stay ours, and of their suite. */
Test(kernel_suite, reqids_never_change)
{
    static const struct {
        struct sp_kernel_suite suite;
        uint32_t reqid;
    } known[] = {
        {{SP_ENCRYPTION_NULL, SP_INTEGRITY_HMAC_MD5_96, false, false, SP_MODE_TRANSPORT}, 0x53000000},
        {{SP_ENCRYPTION_3DES_CBC, SP_INTEGRITY_HMAC_SHA1_96, false, false, SP_MODE_TRANSPORT}, 0x53000101},
        {{SP_ENCRYPTION_3DES_CBC, SP_INTEGRITY_HMAC_SHA2_256_128, true, false, SP_MODE_TRANSPORT},
         0x53010102},
        {{SP_ENCRYPTION_AES128_GCM16, SP_INTEGRITY_COMBINED, false, false, SP_MODE_TRANSPORT}, 0x53000203},
        {{SP_ENCRYPTION_AES256_GCM16, SP_INTEGRITY_COMBINED, true, true, SP_MODE_TRANSPORT}, 0x53030303},
        {{SP_ENCRYPTION_3DES_CBC, SP_INTEGRITY_HMAC_SHA1_96, false, false, SP_MODE_TUNNEL}, 0x53040101},
        {{SP_ENCRYPTION_AES256_GCM16, SP_INTEGRITY_COMBINED, true, true, SP_MODE_TUNNEL}, 0x53070303},
    };

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        cr_expect_eq(sp_kernel_suite_reqid(&known[i].suite), known[i].reqid, "number %zu", i);
}
