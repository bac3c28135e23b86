/* SPDX-License-Identifier: ISC
 *
 * Tests and measures every kernel that this processor runs:
 *     kernels [--nightly | --brief] [--measure] [--seed NUMBER]
 *
 * What it drew at random can be drawn again: the seed is its first line.
 */
#include "harness.h"

#include "core/cpu.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static int refuse(void)
{
    (void)fprintf(stderr, "usage: kernels [--nightly | --brief] [--measure] [--seed NUMBER]\n");
    return 1;
}

static void note_features(void)
{
    uint32_t features = sp_cpu_features();
    char names[256] = "";

    for (unsigned i = 0; i < SP_CPU_FEATURE_COUNT; i++) {
        if (features & 1u << i) {
            strcat(names, " ");
            strcat(names, sp_cpu_feature_name(1u << i));
        }
    }
    harness_note("features:%s", names);
}

int main(int argc, char **argv)
{
    struct harness harness = {0};

    if (getrandom(&harness.random_state, sizeof harness.random_state, 0) != sizeof harness.random_state)
        return 1;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--nightly") == 0)
            harness.is_nightly = true;
        else if (strcmp(argv[i], "--brief") == 0)
            harness.is_brief = true;
        else if (strcmp(argv[i], "--measure") == 0)
            harness.is_measuring = true;
        else if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc)
            harness.random_state = strtoull(argv[++i], NULL, 0);
        else
            return refuse();
    }
    harness_note("seed: %#llx", (unsigned long long)harness.random_state);
    note_features();
    kernels_tdes(&harness);
    kernels_hmac(&harness);
    printf("1..%zu\n", harness.lines);
    return harness.failures != 0;
}
