/* SPDX-License-Identifier: ISC
 *
 * ipsecctl: asks a policy questions, tries it on captures, makes keys, asks the daemon and the kernel how
 * things stand, and has the daemon read its files again. Only load and flush change anything on the host by
 * themselves.
 */
#include "json.h"
#include "verb.h"

#include <string.h>

static int run_version(int argc, char **argv);
static int run_help(int argc, char **argv);

static const struct verb verb_version = {
    .name = "version",
    .summary = "which Sallyport this is",
    .help = "Usage: ipsecctl version [--json]\n"
            "\n"
            "Prints the version of the library that this tool runs with.\n"
            "\n"
            "Example:\n"
            "  ipsecctl version\n",
    .run = run_version,
};
static const struct verb verb_help = {
    .name = "help",
    .summary = "about a verb",
    .help = "Usage: ipsecctl help [VERB]\n"
            "\n"
            "Example:\n"
            "  ipsecctl help explain\n",
    .run = run_help,
};

static const struct verb *const verbs[] = {
    &verb_check,   &verb_show,    &verb_explain, &verb_compare, &verb_diff,   &verb_apply,  &verb_keygen,
    &verb_import,  &verb_export,  &verb_load,    &verb_flush,   &verb_status, &verb_reload, &verb_confirm,
    &verb_monitor, &verb_offload, &verb_cpu,     &verb_version, &verb_help,
};
#define VERBS (sizeof verbs / sizeof *verbs)

static const struct verb *find_verb(const char *name)
{
    for (size_t i = 0; i < VERBS; i++)
        if (strcmp(verbs[i]->name, name) == 0)
            return verbs[i];
    return NULL;
}

static void print_overview(FILE *out)
{
    fputs("Usage: ipsecctl VERB [ARGUMENTS]      (a file may be \"-\", standard input)\nVerbs:\n", out);
    for (size_t i = 0; i < VERBS; i++)
        fprintf(out, "  %-9s %s\n", verbs[i]->name, verbs[i]->summary);
    fputs("\nExit status: 0 done, 1 wrong usage or a text with errors, 2 could not be done.\n"
          "\"ipsecctl VERB --help\" tells more. Example: ipsecctl check front-end.policy\n",
          out);
}

static int run_version(int argc, char **argv)
{
    const bool as_json = argc == 2 && strcmp(argv[1], "--json") == 0;
    if (argc != 1 && !as_json)
        return tool_usage("version", "takes no argument but --json");
    if (!as_json) {
        printf("ipsecctl %s\n", sp_version());
        return TOOL_OK;
    }
    json_t *object = tool_need(json_object());
    json_put(object, "version", json_text(sp_version()));
    json_print(object, stdout, true);
    return TOOL_OK;
}

static int run_help(int argc, char **argv)
{
    if (argc > 2)
        return tool_usage("help", "takes one verb");
    if (argc == 1) {
        print_overview(stdout);
        return TOOL_OK;
    }
    const struct verb *verb = find_verb(argv[1]);
    if (!verb)
        return tool_usage(NULL, "there is no verb \"%s\"", argv[1]);
    fputs(verb->help, stdout);
    return TOOL_OK;
}

static bool asks_for_help(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    return false;
}

static int run(int argc, char **argv)
{
    setvbuf(stderr, NULL, _IOLBF, BUFSIZ); /* there may be thousands of findings */
    if (argc < 2) {
        print_overview(stderr);
        return TOOL_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        print_overview(stdout);
        return TOOL_OK;
    }
    if (strcmp(argv[1], "--version") == 0)
        return run_version(1, argv + 1);
    const struct verb *verb = find_verb(argv[1]);
    if (!verb)
        return tool_usage(NULL, "there is no verb \"%s\"", argv[1]);
    if (asks_for_help(argc - 1, argv + 1)) {
        fputs(verb->help, stdout);
        return TOOL_OK;
    }
    return verb->run(argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
    tool_start("ipsecctl");
    return tool_finish(run(argc, argv));
}
