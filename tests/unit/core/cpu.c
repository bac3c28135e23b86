/* SPDX-License-Identifier: ISC
 *
 * lib/core/cpu.c, held against what the Linux kernel says of the same processor, and its mask.
 */
#include "core/cpu.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EVERYTHING ((1u << SP_CPU_FEATURE_COUNT) - 1)

static bool is_in_flags(const char *flags, const char *name)
{
    size_t length = strlen(name);

    for (const char *at = strstr(flags, name); at != NULL; at = strstr(at + 1, name)) {
        bool is_whole = (at[length] == ' ' || at[length] == '\n') && at[-1] == ' ';

        if (is_whole)
            return true;
    }
    return false;
}

/* The first "flags" line of /proc/cpuinfo, to be freed; NULL where there is none, as on arm64. */
static char *kernel_flags(void)
{
    FILE *stream = fopen("/proc/cpuinfo", "r");
    char *line = NULL;
    size_t room = 0;

    while (stream != NULL && getline(&line, &room, stream) > 0) {
        if (strncmp(line, "flags\t", strlen("flags\t")) == 0) {
            fclose(stream);
            return line;
        }
    }
    if (stream != NULL)
        fclose(stream);
    free(line);
    return NULL;
}

Test(cpu, features_are_those_that_the_operating_system_lists)
{
    static const struct {
        uint32_t bit;
        const char *flag;
    } pairs[] = {
        {SP_CPU_SSE2, "sse2"},  {SP_CPU_SSSE3, "ssse3"},     {SP_CPU_SSE41, "sse4_1"},
        {SP_CPU_AES_NI, "aes"}, {SP_CPU_SHA_NI, "sha_ni"},   {SP_CPU_GFNI, "gfni"},
        {SP_CPU_AVX, "avx"},    {SP_CPU_AVX2, "avx2"},       {SP_CPU_BMI2, "bmi2"},
        {SP_CPU_VAES, "vaes"},  {SP_CPU_AVX512, "avx512vl"}, {SP_CPU_AVX512_VBMI, "avx512vbmi"},
    };
    char *flags = kernel_flags();
    uint32_t present = sp_cpu_features_present();

    if (flags == NULL)
        cr_skip_test("no flags in /proc/cpuinfo");
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        cr_expect_eq((present & pairs[i].bit) != 0, is_in_flags(flags, pairs[i].flag), "%s", pairs[i].flag);
    free(flags);
}

Test(cpu, hiding_all_leaves_nothing)
{
    bool is_understood;

    cr_expect_eq(sp_cpu_hide(EVERYTHING, "all", &is_understood), 0);
    cr_expect(is_understood);
}

Test(cpu, hiding_nothing_leaves_all)
{
    bool is_understood;

    cr_expect_eq(sp_cpu_hide(EVERYTHING, "", &is_understood), EVERYTHING);
    cr_expect(is_understood);
}

Test(cpu, what_builds_on_a_hidden_feature_is_hidden_with_it)
{
    bool is_understood;
    uint32_t left = sp_cpu_hide(EVERYTHING, "avx2", &is_understood);

    cr_expect_eq(left, EVERYTHING & ~(SP_CPU_AVX2 | SP_CPU_VAES | SP_CPU_AVX512 | SP_CPU_AVX512_VBMI));
    cr_expect(is_understood);
}

Test(cpu, several_names_are_hidden_together)
{
    bool is_understood;
    uint32_t left = sp_cpu_hide(EVERYTHING, "sha_ni,avx512_vbmi,gfni", &is_understood);

    cr_expect_eq(left, EVERYTHING & ~(SP_CPU_SHA_NI | SP_CPU_AVX512_VBMI | SP_CPU_GFNI));
    cr_expect(is_understood);
}

Test(cpu, a_misspelt_name_hides_nothing_and_is_told)
{
    bool is_understood;

    cr_expect_eq(sp_cpu_hide(EVERYTHING, "avx22", &is_understood), EVERYTHING);
    cr_expect_not(is_understood);
    cr_expect_eq(sp_cpu_hide(EVERYTHING, "sha-ni,bmi2", &is_understood), EVERYTHING & ~SP_CPU_BMI2);
    cr_expect_not(is_understood);
}

Test(cpu, each_name_hides_its_own_feature)
{
    for (uint32_t bit = 1; bit < EVERYTHING; bit <<= 1) {
        bool is_understood;
        const char *name = sp_cpu_feature_name(bit);

        cr_assert_not_null(name);
        cr_expect_eq(sp_cpu_hide(EVERYTHING, name, &is_understood) & bit, 0, "%s", name);
        cr_expect(is_understood);
    }
    cr_expect_null(sp_cpu_feature_name(1u << SP_CPU_FEATURE_COUNT));
}

Test(cpu, the_environment_hides_features)
{
    setenv("SALLYPORT_CPUMASK", "all", 1);
    cr_expect_eq(sp_cpu_features(), 0);
}
