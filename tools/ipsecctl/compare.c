/* SPDX-License-Identifier: ISC
 *
 * ipsecctl compare: do the policies of two hosts agree about every packet between them?
 */
#include "difference_report.h"
#include "json.h"
#include "load.h"
#include "verb.h"

#include <getopt.h>
#include <string.h>

struct pair {
    const char *paths[2];
    struct sp_address addresses[2];
    bool has_addresses, as_json;
};

static int read_pair(int argc, char **argv, struct pair *pair)
{
    static const struct option options[] = {
        {"json", no_argument, NULL, 'j'}, {"between", required_argument, NULL, 'b'}, {0}};
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (option == 'j') {
            pair->as_json = true;
            continue;
        }
        if (option != 'b')
            return tool_usage("compare", "unknown option, or one without its value");
        pair->has_addresses = optind < argc && sp_address_parse(optarg, &pair->addresses[0]) == SP_OK &&
                              sp_address_parse(argv[optind], &pair->addresses[1]) == SP_OK;
        if (!pair->has_addresses)
            return tool_usage("compare", "--between takes two addresses, the first and the second host's");
        optind++;
    }
    if (!pair->has_addresses)
        return tool_usage("compare", "needs --between ADDRESS ADDRESS");
    if (argc - optind != 2)
        return tool_usage("compare", "takes two policies");
    pair->paths[0] = argv[optind];
    pair->paths[1] = argv[optind + 1];
    if (strcmp(pair->paths[0], "-") == 0 && strcmp(pair->paths[1], "-") == 0)
        return tool_usage("compare", "only one file can be standard input");
    return TOOL_OK;
}

static void print_json(const struct pair *pair, const struct sp_differences *differences,
                       const struct difference_sides *sides)
{
    const size_t disagreements = sp_differences_disagreements(differences);
    json_t *object = tool_need(json_object());
    json_put(object, "first", json_text(pair->paths[0]));
    json_put(object, "second", json_text(pair->paths[1]));
    json_put(object, "agree", json_boolean(disagreements == 0));
    json_put(object, "disagreements", json_number(disagreements));
    json_put(object, "differences", difference_json(differences, sides));
    json_print(object, stdout, true);
}

static void print_text(const struct pair *pair, const struct sp_differences *differences,
                       const struct difference_sides *sides)
{
    char first[SP_ADDRESS_TEXT_BYTES], second[SP_ADDRESS_TEXT_BYTES];
    const size_t disagreements = sp_differences_disagreements(differences);
    difference_print(differences, sides, stdout);
    sp_address_format(&pair->addresses[0], first);
    sp_address_format(&pair->addresses[1], second);
    if (disagreements == 0)
        printf("no disagreement about any packet between %s and %s\n", first, second);
    else
        printf("%zu disagreement%s about packets between %s and %s\n", disagreements,
               disagreements == 1 ? "" : "s", first, second);
}

static int compare(const struct pair *pair, const struct difference_sides *sides)
{
    struct sp_differences *differences = NULL;
    const enum sp_status status = sp_policy_compare(sides->policies[0], sides->policies[1],
                                                    &pair->addresses[0], &pair->addresses[1], &differences);
    if (status == SP_ERR_INVALID)
        return tool_usage("compare", "--between takes two different addresses of one family");
    if (status != SP_OK) {
        tool_say("can't compare: %s", sp_status_text(status));
        return TOOL_NOT_APPLIED;
    }
    if (pair->as_json)
        print_json(pair, differences, sides);
    else
        print_text(pair, differences, sides);
    const bool agree = sp_differences_disagreements(differences) == 0;
    sp_differences_destroy(&differences);
    return agree ? TOOL_OK : TOOL_USAGE;
}

static int run(int argc, char **argv)
{
    struct pair pair = {0};
    struct sp_policy *policies[2] = {NULL, NULL};
    int exit_code = read_pair(argc, argv, &pair);
    for (int i = 0; i < 2 && exit_code == TOOL_OK; i++)
        exit_code = load_policy_aloud(pair.paths[i], &policies[i]);
    if (exit_code == TOOL_OK) {
        const struct difference_sides sides = {{policies[0], policies[1]}, {pair.paths[0], pair.paths[1]}};
        exit_code = compare(&pair, &sides);
    }
    sp_policy_destroy(&policies[0]);
    sp_policy_destroy(&policies[1]);
    return exit_code;
}

const struct verb verb_compare = {
    .name = "compare",
    .summary = "do the policies of two hosts agree?",
    .help = "Usage: ipsecctl compare [--json] FIRST SECOND --between ADDRESS ADDRESS\n"
            "\n"
            "Decides about every packet between two hosts, in both directions, whether their policies\n"
            "agree: what one protects the other must require, in the same way. Each disagreement is\n"
            "shown as a rectangle of packets, with one of them; directions are those of FIRST's host.\n"
            "\n"
            "  --between ADDRESS ADDRESS   of FIRST's and of SECOND's host\n"
            "  --json                      the same as JSON\n"
            "\n"
            "Exit status: 0 they agree, 1 they don't, or errors, 2 can't be read or is too large.\n"
            "\n"
            "Example:\n"
            "  ipsecctl compare front-end.policy back-end.policy --between 192.0.2.1 192.0.2.2\n",
    .run = run,
};
