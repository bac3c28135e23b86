/* SPDX-License-Identifier: ISC
 *
 * ipsecctl keygen: a random pair of SAs, one for each direction, as a file that only its owner may read. Keys
 * go to that file and nowhere else: not to a terminal, not to the command line, not to a core file.
 */
#include "json.h"
#include "keypair.h"
#include "secret_output.h"
#include "terminal.h"
#include "verb.h"

#include <errno.h>
#include <getopt.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

struct request {
    struct sp_address from, to;
    bool has_from, has_to, as_json;
    struct keypair_options pair;
    const char *output;
};

/* How many words a suite's name takes, the first of which are these; 0: none has it. */
static int find_suite(const char *first, const char *second, struct request *request)
{
    char two[SP_SUITE_TEXT_BYTES], name[SP_SUITE_TEXT_BYTES];
    snprintf(two, sizeof two, "%s %s", first, second ? second : "");
    for (int i = 0; i < SP_ENCRYPTION_COUNT * SP_INTEGRITY_COUNT; i++) {
        const enum sp_encryption encryption = (enum sp_encryption)(i / SP_INTEGRITY_COUNT);
        const enum sp_integrity integrity = (enum sp_integrity)(i % SP_INTEGRITY_COUNT);
        if (sp_suite_overhead_bytes(encryption, integrity) == 0)
            continue;
        sp_suite_format(encryption, integrity, name);
        const int words = strchr(name, ' ') ? 2 : 1;
        if (strcmp(name, words == 2 ? two : first) != 0)
            continue;
        request->pair.encryption = encryption;
        request->pair.integrity = integrity;
        return words;
    }
    return 0;
}

static int read_suite(int argc, char **argv, struct request *request)
{
    const int words = find_suite(optarg, optind < argc ? argv[optind] : NULL, request);
    if (words == 0)
        return tool_usage("keygen",
                          "--esp takes aes128-gcm16 or aes256-gcm16, or a cipher (3des-cbc, null) and an "
                          "integrity algorithm (hmac-sha1-96, hmac-sha2-256-128, hmac-md5-96)");
    optind += words - 1;
    return TOOL_OK;
}

static int read_address(const char *option, const char *word, struct sp_address *ret_address, bool *ret_has)
{
    if (sp_address_parse(word, ret_address) != SP_OK)
        return tool_usage("keygen", "%s %s: write an IPv4 or IPv6 address", option, word);
    *ret_has = true;
    return TOOL_OK;
}

static int read_option(int option, int argc, char **argv, struct request *request)
{
    switch (option) {
    case 'f':
        return read_address("--from", optarg, &request->from, &request->has_from);
    case 't':
        return read_address("--to", optarg, &request->to, &request->has_to);
    case 'o':
        request->output = optarg;
        return TOOL_OK;
    case 'j':
        request->as_json = true;
        return TOOL_OK;
    case 'u':
        request->pair.is_encapsulated = true;
        return TOOL_OK;
    case 'n':
        request->pair.has_esn = true;
        return TOOL_OK;
    case 'm':
        request->pair.mode = SP_MODE_TUNNEL;
        return TOOL_OK;
    case 'e':
        return read_suite(argc, argv, request);
    default:
        return tool_usage("keygen", "unknown option, or one without its value");
    }
}

static int read_request(int argc, char **argv, struct request *request)
{
    static const struct option options[] = {
        {"from", required_argument, NULL, 'f'},
        {"to", required_argument, NULL, 't'},
        {"esp", required_argument, NULL, 'e'},
        {"output", required_argument, NULL, 'o'},
        {"json", no_argument, NULL, 'j'},
        {"encap", no_argument, NULL, 'u'},
        {"esn", no_argument, NULL, 'n'},
        {"tunnel", no_argument, NULL, 'm'},
        {0},
    };
    *request = (struct request){
        .pair = {.encryption = SP_ENCRYPTION_3DES_CBC, .integrity = SP_INTEGRITY_HMAC_SHA1_96}};
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        const int exit_code = read_option(option, argc, argv, request);
        if (exit_code != TOOL_OK)
            return exit_code;
    }
    if (optind != argc)
        return tool_usage("keygen", "\"%s\" is too much: all arguments are options", argv[optind]);
    if (request->has_from != request->has_to)
        return tool_usage("keygen", "--from and --to go together");
    if (request->has_from && request->from.family != request->to.family)
        return tool_usage("keygen", "--from and --to must both be IPv4 or both IPv6");
    if (request->as_json && !request->output)
        return tool_usage("keygen", "--json tells about a file: name it with --output");
    return TOOL_OK;
}

/* Standard output may carry keys to a pipe or into a file that nobody else reads. */
static int check_stdout(void)
{
    struct stat status;
    if (terminal_is(stdout))
        return tool_usage("keygen", "keys are not shown on a terminal: use --output FILE");
    if (fstat(STDOUT_FILENO, &status) != 0) {
        tool_say("standard output: %s", strerror(errno));
        return TOOL_NOT_APPLIED;
    }
    if (S_ISREG(status.st_mode) && (status.st_mode & 077) != 0) {
        tool_say("others may read the file that standard output goes to: use --output FILE, or umask 077");
        return TOOL_NOT_APPLIED;
    }
    return TOOL_OK;
}

static void print_json(const char *path, const struct keypair *pair)
{
    json_t *object = tool_need(json_object());
    json_t *sas = tool_need(json_array());
    for (int i = 0; i < 2; i++) {
        char text[SP_ADDRESS_TEXT_BYTES];
        const struct sp_sa_params *params = &pair->sa[i];
        json_t *sa = tool_need(json_object());
        json_put(sa, "name", json_text(params->name));
        json_put(sa, "spi", json_number(params->spi));
        json_put(sa, "source", json_text(sp_address_format(&params->source, text)));
        json_put(sa, "destination", json_text(sp_address_format(&params->destination, text)));
        json_put(sa, "encryption", json_text(sp_encryption_name(params->encryption)));
        json_put(sa, "integrity", json_text(sp_integrity_name(params->integrity)));
        json_put(sa, "mode", json_text(sp_mode_name(params->mode)));
        json_put(sa, "esn", json_boolean(params->has_esn));
        json_put(sa, "fingerprint", json_text(pair->fingerprint[i]));
        json_push(sas, sa);
    }
    json_put(object, "file", json_text(path));
    json_put(object, "sas", sas);
    json_print(object, stdout, true);
}

static void print_summary(const char *path, const struct keypair *pair)
{
    printf("%s: two SAs\n", path);
    for (int i = 0; i < 2; i++)
        printf("    %s, SPI 0x%08x, fingerprint %s\n", pair->sa[i].name, pair->sa[i].spi,
               pair->fingerprint[i]);
}

static int deliver(const struct request *request, struct keypair *pair)
{
    if (!request->output) {
        if (secret_write(STDOUT_FILENO, pair->text, pair->len_bytes))
            return TOOL_OK;
        tool_say("standard output: %s", strerror(errno));
        return TOOL_NOT_APPLIED;
    }
    const struct iovec text = {pair->text, pair->len_bytes};
    const int exit_code = secret_file_make(request->output, &text, 1);
    if (exit_code != TOOL_OK)
        return exit_code;
    if (request->as_json)
        print_json(request->output, pair);
    else
        print_summary(request->output, pair);
    return TOOL_OK;
}

/* Documentation addresses (RFC 5737), so that a file that was not edited can't match real traffic. */
static void take_example_addresses(struct request *request)
{
    if (request->has_from)
        return;
    request->from = (struct sp_address){.family = 4, .bytes = {192, 0, 2, 1}};
    request->to = (struct sp_address){.family = 4, .bytes = {192, 0, 2, 2}};
    tool_say("no --from and --to: 192.0.2.1 and 192.0.2.2 stand in the file, edit them");
}

static int run(int argc, char **argv)
{
    static struct keypair pair;
    struct request request;
    int exit_code = read_request(argc, argv, &request);
    if (exit_code == TOOL_OK && !request.output)
        exit_code = check_stdout();
    if (exit_code != TOOL_OK)
        return exit_code;
    take_example_addresses(&request);

    /* as far as an unprivileged process can: no core file, and no swapping while the keys are here */
    const struct rlimit no_core = {0};
    setrlimit(RLIMIT_CORE, &no_core);
    const bool is_locked = mlock(&pair, sizeof pair) == 0;
    exit_code = keypair_make(&pair, &request.from, &request.to, &request.pair);
    if (exit_code == TOOL_OK)
        exit_code = deliver(&request, &pair);
    keypair_wipe(&pair);
    if (is_locked)
        munlock(&pair, sizeof pair);
    return exit_code;
}

const struct verb verb_keygen = {
    .name = "keygen",
    .summary = "make a file with a random pair of SAs",
    .help = "Usage: ipsecctl keygen [--from ADDRESS --to ADDRESS] [--esp SUITE] [--tunnel] [--encap]\n"
            "                       [--esn] [--output FILE] [--json]\n"
            "\n"
            "Makes random keys and SPIs for two SAs, there and back, in the form of sallyport.keys(5).\n"
            "FILE gets mode 0600 and is never overwritten. Without --output the keys go to standard\n"
            "output, unless that is a terminal or a file that others may read.\n"
            "\n"
            "  --from ADDRESS --to ADDRESS   the two hosts\n"
            "  --esp SUITE                   aes128-gcm16, aes256-gcm16, or a cipher and an integrity\n"
            "                                algorithm; default: 3des-cbc hmac-sha1-96\n"
            "  --tunnel                      for tunnel mode: the addresses are the tunnel's ends\n"
            "  --encap                       ESP in UDP, port 4500 on both sides (RFC 3948)\n"
            "  --esn                         with extended sequence numbers\n"
            "  --output FILE                 where to write; says SPIs and fingerprints, never keys\n"
            "  --json                        the same as JSON\n"
            "\n"
            "Exit status: 0 made, 1 wrong usage, 2 can't be written.\n"
            "\n"
            "Example:\n"
            "  ipsecctl keygen --from 192.0.2.1 --to 192.0.2.2 --output pair.keys\n",
    .run = run,
};
