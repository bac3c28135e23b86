/* SPDX-License-Identifier: ISC
 *
 * Tells what was chosen among the kernels and why the others weren't.
 *
 * It asks the same questions as the choice did, in the same order, rather than keep notes: the answers can't
 * change while a process runs, and so nothing has to be stored or locked. Whoever adds a kernel to an
 * algorithm's table has it told here too.
 */
#include <sallyport/cpu.h>

#include "core/cpu.h"
#include "crypto/hmac/kernels.h"
#include "crypto/kernels.h"
#include "crypto/tdes/variants.h"

#include <stdlib.h>
#include <string.h>

static const struct sp_hash *const hashes[] = {&sp_hash_md5, &sp_hash_sha1, &sp_hash_sha2_256};
#define HASHES (sizeof hashes / sizeof hashes[0])

static void name_features(uint32_t features, char *text, size_t capacity_bytes)
{
    size_t end = 0;

    text[0] = '\0';
    for (uint32_t i = 0; i < SP_CPU_FEATURE_COUNT; i++) {
        if ((features & 1u << i) == 0)
            continue;
        const char *name = sp_cpu_feature_name(1u << i);
        size_t length = strlen(name), comma = end > 0;
        if (end + comma + length >= capacity_bytes)
            return;
        if (comma)
            text[end++] = ',';
        memcpy(text + end, name, length + 1);
        end += length;
    }
}

/* Whether its instructions may be used; says what stands against it. */
static bool may_run(uint32_t needs, struct sp_kernel_info *info)
{
    uint32_t missing = needs & ~sp_cpu_features_present(), hidden = needs & ~sp_cpu_features();

    info->fate = missing != 0 ? SP_KERNEL_MISSING : SP_KERNEL_HIDDEN;
    name_features(missing != 0 ? missing : hidden, info->features, sizeof info->features);
    return (missing | hidden) == 0;
}

/* Whether the variant is the chosen one, or below it, where small bursts go. */
static bool tdes_is_in_use(const struct sp_tdes_variant *variant)
{
    size_t count;
    const struct sp_tdes_variant *all = sp_tdes_variants(&count);
    const struct sp_cipher *chosen = sp_tdes_cbc();
    const struct sp_tdes_lanes *lanes = NULL;

    for (size_t i = 0; i < count; i++)
        lanes = all[i].ops == chosen ? all[i].lanes : lanes;
    while (lanes != NULL && lanes != variant->lanes)
        lanes = lanes->below;
    return lanes == variant->lanes; /* NULL: libcrypto, below all */
}

static void tell_tdes(const struct sp_tdes_variant *variant, struct sp_kernel_info *info)
{
    info->algorithm = variant->ops->name;
    info->kernel = variant->ops->kernel;
    info->lanes = variant->lanes != NULL ? variant->lanes->lanes : 1;
    if (!may_run(variant->needs, info))
        return;
    if (!sp_tdes_gives_known_answers(variant->ops))
        info->fate = SP_KERNEL_FAILED;
    else
        info->fate = tdes_is_in_use(variant) ? SP_KERNEL_IN_USE : SP_KERNEL_OUTDONE;
}

static bool hash_is_in_use(const struct sp_hash *hash, const struct sp_hash_kernel *kernel)
{
    struct sp_lane_plan plan;
    bool is_in_use = false;

    sp_lane_plan_choose(&plan, hash, sp_cpu_features());
    for (uint32_t lanes = 1; lanes <= plan.lanes; lanes++)
        is_in_use = is_in_use || plan.first[lanes] == kernel;
    return is_in_use;
}

static void tell_hash(const struct sp_hash *hash, size_t index, struct sp_kernel_info *info)
{
    const struct sp_hash_kernel *kernel = hash->kernels[index];

    info->algorithm = hash->name;
    info->kernel = kernel->name;
    info->lanes = kernel->lanes;
    if (!may_run(kernel->cpu_features, info))
        return;
    if (!sp_hash_kernel_is_sound(hash, kernel))
        info->fate = SP_KERNEL_FAILED;
    else
        info->fate = hash_is_in_use(hash, kernel) ? SP_KERNEL_IN_USE : SP_KERNEL_OUTDONE;
}

enum sp_status sp_kernel_get(size_t index, struct sp_kernel_info *ret_info)
{
    struct sp_kernel_info info = {0};
    size_t count;
    const struct sp_tdes_variant *variants = sp_tdes_variants(&count);

    if (index < count) {
        tell_tdes(&variants[index], &info);
        *ret_info = info;
        return SP_OK;
    }
    index -= count;
    for (size_t i = 0; i < HASHES; index -= hashes[i++]->kernel_count) {
        if (index >= hashes[i]->kernel_count)
            continue;
        tell_hash(hashes[i], index, &info);
        *ret_info = info;
        return SP_OK;
    }
    return SP_ERR_NOT_FOUND;
}

enum sp_status sp_cpu_feature_get(size_t index, struct sp_cpu_feature_info *ret_info)
{
    if (index >= SP_CPU_FEATURE_COUNT)
        return SP_ERR_NOT_FOUND;
    uint32_t bit = 1u << index;
    bool is_present = (sp_cpu_features_present() & bit) != 0;
    *ret_info = (struct sp_cpu_feature_info){.name = sp_cpu_feature_name(bit),
                                             .is_present = is_present,
                                             .is_hidden = is_present && (sp_cpu_features() & bit) == 0};
    return SP_OK;
}

const char *sp_kernel_fate_text(enum sp_kernel_fate fate)
{
    static const char *const texts[SP_KERNEL_FATE_COUNT] = {
        [SP_KERNEL_IN_USE] = "in use", [SP_KERNEL_OUTDONE] = "outdone", [SP_KERNEL_MISSING] = "missing",
        [SP_KERNEL_HIDDEN] = "hidden", [SP_KERNEL_FAILED] = "failed",
    };

    return (unsigned)fate < SP_KERNEL_FATE_COUNT ? texts[fate] : "?";
}

const char *sp_cpu_mask(bool *ret_is_understood)
{
    const char *names = secure_getenv("SALLYPORT_CPUMASK");

    *ret_is_understood = true;
    if (names != NULL)
        (void)sp_cpu_hide(0, names, ret_is_understood);
    return names;
}
