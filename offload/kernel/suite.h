/* SPDX-License-Identifier: ISC
 *
 * Our suites as the kernel names them: the one place that knows both.
 *
 * A suite also has a reqid of its own, which ties a policy's template to the SAs that may serve it. The
 * kernel keeps reqids, so they are never to change; those of ours are also how our SAs are told from other
 * people's.
 */
#ifndef SP_OFFLOAD_KERNEL_SUITE_H
#define SP_OFFLOAD_KERNEL_SUITE_H

#include "xfrm/xfrm.h"

#define SP_KERNEL_REQID_FIRST 0x53000000u
#define SP_KERNEL_REQID_LAST 0x53ffffffu

struct sp_kernel_suite {
    enum sp_encryption encryption;
    enum sp_integrity integrity;
    bool is_encapsulated; /* in UDP (RFC 3948) */
    bool has_esn;
    enum sp_mode mode;
};

uint32_t sp_kernel_suite_reqid(const struct sp_kernel_suite *suite);
/* Integrity is the cipher's own, and the kernel's name for both is one. */
bool sp_kernel_encryption_is_combined(enum sp_encryption encryption);
/* false: no suite, or only the user backend has it. What follows is for suites that are there. */
bool sp_kernel_suite_is_there(const struct sp_kernel_suite *suite);
/* Mode, names and lengths; the keys are what the pointers point to, of the lengths that sa.h has. */
void sp_kernel_suite_put(const struct sp_kernel_suite *suite, const uint8_t *encryption_key,
                         const uint8_t *integrity_key, struct sp_xfrm_sa *sa);
/* A window of more than 32 packets is a bitmap in an attribute of its own, extended numbers or not: whether
 * they are, a flag of the SA says. All of ours have such a window. */
void sp_kernel_window_put(struct sp_xfrm_sa *sa, uint32_t window_packets);
/* false: it isn't one of ours. */
bool sp_kernel_suite_of(const struct sp_xfrm_sa *sa, struct sp_kernel_suite *ret_suite);
/* The suite that a template of ours asks for; false: none of ours. */
bool sp_kernel_suite_of_reqid(uint32_t reqid, struct sp_kernel_suite *ret_suite);
/* Walks over all pairs of algorithms, suites or not, and once more with encapsulation. Starts as all zeroes;
 * false behind the last. */
bool sp_kernel_suite_next(struct sp_kernel_suite *suite);
/* Asks for ESP in transport mode by any SA of that reqid: the reqid alone says which suite. */
struct sp_xfrm_template sp_kernel_template(uint8_t family, uint32_t reqid);
/* In tunnel mode, between these ends as the packet goes. */
struct sp_xfrm_template sp_kernel_tunnel_template(const struct sp_address *from, const struct sp_address *to,
                                                  uint32_t reqid);
/* What a kernel that can't do it lacks: "DES: CONFIG_CRYPTO_DES". */
const char *sp_kernel_encryption_lack(enum sp_encryption encryption);
const char *sp_kernel_integrity_lack(enum sp_integrity integrity);

bool sp_kernel_reqid_is_ours(uint32_t reqid);
/* An SPI that somebody reserved, or that the kernel waits for: no keys in it yet. */
bool sp_kernel_sa_is_larval(const struct sp_xfrm_sa *sa);
/* Has a reqid of ours, is ESP and not larval, and for all packets, whatever their mark. */
bool sp_kernel_sa_is_ours(const struct sp_xfrm_sa *sa);

#endif
