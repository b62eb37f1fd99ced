#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "reports/judge_report.h"

enum { OPT_KEYS = 1, OPT_CLUSTER, OPT_PORT, OPT_LOSSY, OPT_TEXT, OPT_JSON, OPT_HTML, OPT_FORCE };

static const struct cli_option options[] = {
    {"keys", OPT_KEYS, "FILE", "ikev2_decryption_table or esp_sa, of Wireshark or strongSwan; any number"},
    {"cluster", OPT_CLUSTER, "ADDRESS", "an address of the cluster; any number"},
    {"port", OPT_PORT, "PORT", "a UDP port of IKE beside 500 and 4500; any number"},
    {"lossy", OPT_LOSSY, NULL, "packets may have been lost or overtaken before the capture saw them"},
    {"text", OPT_TEXT, "FILE", "for people; what is printed when nothing else is asked for"},
    {"json", OPT_JSON, "FILE", "for programs"},
    {"html", OPT_HTML, "FILE", "one page, with ladders and the sequence numbers of ESP"},
    {"force", OPT_FORCE, NULL, "replace files that exist"},
    {0},
};

struct judge_arguments {
    struct cli_list keys;
    struct endpoint cluster[JUDGE_MAX_CLUSTER];
    uint16_t ports[CAPTURE_MAX_PORTS];
    size_t n_cluster, n_ports;
    bool lossy, force;
    const char *text, *json, *html;
};

/* --- the command line ---------------------------------------------------------------------------------- */

static bool add_cluster(struct judge_arguments *a, const char *value, struct error *err)
{
    if (a->n_cluster == JUDGE_MAX_CLUSTER)
        return fail(err, "--cluster: more than %d addresses", JUDGE_MAX_CLUSTER);
    return endpoint_parse(value, 0, &a->cluster[a->n_cluster++], err) || fail_within(err, "--cluster");
}

static bool add_port(struct judge_arguments *a, const char *value, struct error *err)
{
    uint64_t port;
    if (!cli_number(value, 1, 65535, &port))
        return fail(err, "--port: \"%s\" is no port", value);
    if (a->n_ports == CAPTURE_MAX_PORTS)
        return fail(err, "--port: more than %d ports", CAPTURE_MAX_PORTS);
    a->ports[a->n_ports++] = (uint16_t)port;
    return true;
}

static bool take_option(struct judge_arguments *a, int key, const char *value, struct error *err)
{
    switch (key) {
    case OPT_KEYS:
        return cli_list_add(&a->keys, value) || fail(err, "out of memory");
    case OPT_CLUSTER:
        return add_cluster(a, value, err);
    case OPT_PORT:
        return add_port(a, value, err);
    case OPT_TEXT:
        a->text = value;
        return true;
    case OPT_JSON:
        a->json = value;
        return true;
    case OPT_HTML:
        a->html = value;
        return true;
    case OPT_LOSSY:
        a->lossy = true;
        return true;
    default:
        a->force = true;
        return true;
    }
}

/* --- output -------------------------------------------------------------------------------------------- */

static bool write_text(const struct judge_report *report, FILE *out, struct error *err)
{
    (void)err;
    judge_report_text(report, out);
    return true;
}

static bool write_html(const struct judge_report *report, FILE *out, struct error *err)
{
    (void)err;
    judge_report_html(report, out);
    return true;
}

static bool write_output(const struct judge_report *report, const char *path, bool force,
                         bool (*write)(const struct judge_report *report, FILE *out, struct error *err),
                         struct error *err)
{
    FILE *out = path ? cli_open_output(path, force, err) : NULL;
    if (!out)
        return !path;
    if (write(report, out, err))
        return cli_close_output(out, path, err);
    cli_discard_output(out, path);
    return false;
}

static bool write_outputs(const struct judge_arguments *a, const struct judge_report *report,
                          struct error *err)
{
    bool nothing = !a->text && !a->json && !a->html;
    return write_output(report, nothing ? "-" : a->text, a->force, write_text, err) &&
           write_output(report, a->json, a->force, judge_report_json, err) &&
           write_output(report, a->html, a->force, write_html, err);
}

static bool outputs_are_free(const struct judge_arguments *a, const char *const *captures, size_t n_captures,
                             struct error *err)
{
    const char *const outputs[] = {a->text, a->json, a->html};
    enum { N = sizeof outputs / sizeof outputs[0] };
    for (size_t i = 0; i < n_captures; i++)
        if (!cli_outputs_spare(outputs, N, captures[i], "a capture that is read", err))
            return false;
    for (size_t i = 0; i < a->keys.count; i++)
        if (!cli_outputs_spare(outputs, N, a->keys.items[i], "a key file that is read", err))
            return false;
    return cli_check_outputs(outputs, N, a->force, err);
}

/* --- judging ------------------------------------------------------------------------------------------- */

static int conclude(const struct judge_report *report)
{
    const struct judge_result *r = report->result;
    if (judge_report_fails(r)) {
        fputs("a MUST or base rule is broken\n", stderr);
        return EXIT_DEVIATES;
    }
    if (r->memory_out || !judge_has_verdict(r)) {
        fputs(r->memory_out ? "out of memory\n" : "nothing could be judged\n", stderr);
        return EXIT_NO_RESULT;
    }
    return EXIT_CONFORMS;
}

static int judge_all(const struct judge_arguments *a, struct capture *capture, const struct key_tables *keys)
{
    const struct judge_options chosen = {.keys = keys,
                                         .cluster = a->cluster,
                                         .n_cluster = a->n_cluster,
                                         .ports = a->ports,
                                         .n_ports = a->n_ports,
                                         .lossy = a->lossy};
    struct judge *judge = judge_open(&chosen);
    struct captured c;
    struct error err = {0};
    if (!judge) {
        fputs("understudy judge: out of memory\n", stderr);
        return EXIT_NO_RESULT;
    }
    while (capture_next(capture, &c))
        judge_take(judge, &c);
    const struct judge_report report = {judge_finish(judge), capture, keys, a->lossy};
    bool written = write_outputs(a, &report, &err);
    int status = written ? conclude(&report) : EXIT_USAGE;
    if (!written)
        fprintf(stderr, "understudy judge: %s\n", err.text);
    judge_close(judge);
    return status;
}

static bool read_keys(const struct judge_arguments *a, struct key_tables *keys, struct error *err)
{
    for (size_t i = 0; i < a->keys.count; i++)
        if (!key_tables_read(keys, a->keys.items[i], err))
            return false;
    return true;
}

/* All that can be wrong is found before a long capture is read. */
static int prepare_and_judge(const struct judge_arguments *a, const char *const *paths, size_t n_paths)
{
    struct key_tables keys = {0};
    struct error err = {0};
    const struct capture_options what = {paths, n_paths, a->ports, a->n_ports};
    struct capture *capture = NULL;
    int status = EXIT_USAGE;
    if (outputs_are_free(a, paths, n_paths, &err) && read_keys(a, &keys, &err))
        capture = capture_open(&what, &err);
    if (capture)
        status = judge_all(a, capture, &keys);
    else
        fprintf(stderr, "understudy judge: %s\n", err.text);
    capture_close(capture);
    key_tables_clear(&keys);
    return status;
}

static int run_judge(const struct cli_command *command, int argc, char **argv)
{
    struct judge_arguments a = {0};
    struct error err = {0};
    const char *value;
    int key, status = EXIT_CONFORMS;
    while ((key = cli_next(command, argc, argv, &value, &status)) != CLI_END && key != CLI_STOP)
        if (!take_option(&a, key, value, &err)) {
            status = cli_usage_error(command, "%s", err.text);
            key = CLI_STOP;
            break;
        }
    if (key != CLI_STOP && optind == argc)
        status = cli_usage_error(command, "which capture? Give one or more files");
    else if (key != CLI_STOP)
        status = prepare_and_judge(&a, (const char *const *)argv + optind, (size_t)(argc - optind));
    cli_list_clear(&a.keys);
    return status;
}

const struct cli_command command_judge = {
    .name = "judge",
    .arguments = "CAPTURE...",
    .summary = "Judges captures: who broke which rule, in which frame",
    .options = options,
    .notes =
        "Reads pcap and pcapng, also with gzip. CAPTURE - is standard input, FILE - standard output.\n"
        "Without --cluster both sides are judged and called A and B; without --keys, what headers show.\n"
        "Exit status: 0 no rule is broken, 1 one is, 2 wrong usage or a file that cannot be read, 3\n"
        "nothing could be judged.",
    .run = run_judge,
};
