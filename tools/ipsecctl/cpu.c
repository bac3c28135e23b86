/* SPDX-License-Identifier: ISC
 *
 * ipsecctl cpu: what the processor offers, and which kernels the library made of it. For who wonders why a
 * machine is slower than another, or sets SALLYPORT_CPUMASK and wants to see what that did.
 */
#include "json.h"
#include "table.h"
#include "terminal.h"
#include "verb.h"

#include <sallyport/cpu.h>

#include <string.h>

static const char *feature_text(const struct sp_cpu_feature_info *feature)
{
    if (feature->is_hidden)
        return "hidden";
    return feature->is_present ? "present" : "missing";
}

static void warn_of_mask(void)
{
    bool is_understood;
    const char *mask = sp_cpu_mask(&is_understood);

    if (mask != NULL && !is_understood)
        tool_say("SALLYPORT_CPUMASK has a name that no feature here has: it hides nothing");
}

static void print_json(void)
{
    bool is_understood;
    struct sp_cpu_feature_info feature;
    struct sp_kernel_info kernel;
    json_t *object = tool_need(json_object());
    json_t *features = tool_need(json_array()), *kernels = tool_need(json_array());

    for (size_t i = 0; sp_cpu_feature_get(i, &feature) == SP_OK; i++) {
        json_t *entry = tool_need(json_object());
        json_put(entry, "name", json_text(feature.name));
        json_put(entry, "present", json_boolean(feature.is_present));
        json_put(entry, "hidden", json_boolean(feature.is_hidden));
        json_push(features, entry);
    }
    for (size_t i = 0; sp_kernel_get(i, &kernel) == SP_OK; i++) {
        json_t *entry = tool_need(json_object());
        json_put(entry, "algorithm", json_text(kernel.algorithm));
        json_put(entry, "kernel", json_text(kernel.kernel));
        json_put(entry, "lanes", json_number(kernel.lanes));
        json_put(entry, "fate", json_text(sp_kernel_fate_text(kernel.fate)));
        json_put(entry, "features", json_text(kernel.features));
        json_push(kernels, entry);
    }
    json_put(object, "mask", json_text(sp_cpu_mask(&is_understood)));
    json_put(object, "mask_understood", json_boolean(is_understood));
    json_put(object, "features", features);
    json_put(object, "kernels", kernels);
    json_print(object, stdout, true);
}

static void print_features(void)
{
    struct sp_cpu_feature_info feature;
    struct table *table = table_create("FEATURE|STATE");

    for (size_t i = 0; sp_cpu_feature_get(i, &feature) == SP_OK; i++) {
        table_add(table, "%s", feature.name);
        table_add(table, "%s", feature_text(&feature));
    }
    table_print(table, stdout, terminal_is(stdout));
    table_destroy(&table);
}

static void print_kernels(void)
{
    struct sp_kernel_info kernel;
    struct table *table = table_create("ALGORITHM|KERNEL|>LANES|FATE|FEATURES");

    for (size_t i = 0; sp_kernel_get(i, &kernel) == SP_OK; i++) {
        table_add(table, "%s", kernel.algorithm);
        table_add(table, "%s", kernel.kernel);
        table_add_number(table, kernel.lanes);
        table_add(table, "%s", sp_kernel_fate_text(kernel.fate));
        table_add(table, "%s", kernel.features[0] != '\0' ? kernel.features : "-");
    }
    table_print(table, stdout, terminal_is(stdout));
    table_destroy(&table);
}

static int run(int argc, char **argv)
{
    const bool as_json = argc == 2 && strcmp(argv[1], "--json") == 0;
    if (argc != 1 && !as_json)
        return tool_usage("cpu", "takes no argument but --json");
    warn_of_mask();
    if (as_json) {
        print_json();
        return TOOL_OK;
    }
    print_features();
    putchar('\n');
    print_kernels();
    return TOOL_OK;
}

const struct verb verb_cpu = {
    .name = "cpu",
    .summary = "which kernels run on this processor, and why",
    .help = "Usage: ipsecctl cpu [--json]\n"
            "\n"
            "Prints what the processor offers, less what SALLYPORT_CPUMASK hides, and for each algorithm\n"
            "the kernels of this build and what became of them:\n"
            "  in use   chosen; of several, each for the sizes of burst that it is best at\n"
            "  outdone  works, but those in use are faster\n"
            "  missing  this machine has not the features that are named\n"
            "  hidden   SALLYPORT_CPUMASK hides the features that are named\n"
            "  failed   does not give the known answers, and is not used\n"
            "\n"
            "Example:\n"
            "  SALLYPORT_CPUMASK=avx2,sha_ni ipsecctl cpu\n",
    .run = run,
};
