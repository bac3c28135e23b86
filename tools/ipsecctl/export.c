/* SPDX-License-Identifier: ISC
 *
 * ipsecctl export: the one place where keys leave Sallyport, and only when asked by name. It reads the SA
 * file, never a running daemon, so it gives nothing to anyone who couldn't read the keys anyway.
 */
#include "load.h"
#include "verb.h"

#include <getopt.h>
#include <string.h>

static int export_keys(const char *keys)
{
    struct sp_report *report = NULL;
    if (sp_report_create(&report) != SP_OK)
        tool_need(NULL);
    tool_say(
        "this prints the keys of %s in clear: whoever has the output can read and forge all traffic of its "
        "SAs, also what was recorded earlier",
        keys);
    const enum sp_status status = sp_keys_export_wireshark(keys, stdout, report);
    print_findings(keys, status, report);
    sp_report_destroy(&report);
    return tool_exit_of(status);
}

static int run(int argc, char **argv)
{
    static const struct option options[] = {
        {"keys", required_argument, NULL, 'k'}, {"i-know-this-reveals-keys", no_argument, NULL, 'y'}, {0}};
    const char *keys = NULL;
    bool is_known = false;
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (option == 'k')
            keys = optarg;
        else if (option == 'y')
            is_known = true;
        else
            return tool_usage("export", "unknown option, or one without its value");
    }
    if (argc - optind != 1 || strcmp(argv[optind], "wireshark") != 0)
        return tool_usage("export", "say what to export to: wireshark");
    if (!keys)
        return tool_usage("export", "needs --keys FILE");
    if (!is_known)
        return tool_usage("export", "this reveals keys: say so with --i-know-this-reveals-keys");
    return export_keys(keys);
}

const struct verb verb_export = {
    .name = "export",
    .summary = "keys for a network analyser (reveals them)",
    .help =
        "Usage: ipsecctl export wireshark --keys FILE --i-know-this-reveals-keys\n"
        "\n"
        "Prints the SAs of FILE, sallyport.keys(5), as lines of Wireshark's \"esp_sa\" table, with which\n"
        "Wireshark and tshark decrypt a capture. THE KEYS ARE PRINTED IN CLEAR: whoever has them can\n"
        "read and forge all traffic of these SAs. Write them to a file that only you can read, use\n"
        "them for test keys, and make new keys afterwards.\n"
        "\n"
        "Exit status: 0 printed, 1 wrong usage or a file with errors, 2 can't be read.\n"
        "\n"
        "Example:\n"
        "  (umask 077; ipsecctl export wireshark --keys pair.keys --i-know-this-reveals-keys \\\n"
        "      > ~/.config/wireshark/esp_sa)\n"
        "  tshark -o esp.enable_encryption_decode:TRUE -o esp.enable_authentication_check:TRUE \\\n"
        "      -r esp.pcap\n",
    .run = run,
};
