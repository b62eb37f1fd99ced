/* The evidence bundle: what somebody needs who was not there, and nothing else. Files are taken by name, so
 * that what else lies in the folder of a run (a peer.ini, notes) stays there. docs/evidence.md */
#include <ctype.h>
#include <stdlib.h>
#include <unistd.h>

#include "evidence/profile.h"
#include "reports/reports.h"
#include "reports/tar.h"

/* What may be in it; the keys are those of the test's own SAs. */
static const struct {
    const char *name;
    unsigned mode;
} case_files[] = {
    {"wire.pcap", 0644},       {"ikev2_decryption_table", 0600}, {"esp_sa", 0600},
    {"preferences", 0644},     {"colorfilters", 0644},           {"dfilters", 0644},
    {"dfilter_buttons", 0644}, {"decode_as_entries", 0644},
};

static const char readme[] =
    "Evidence of a run of understudy, a conformance test of IKEv2 high availability (RFC 6311).\n"
    "\n"
    "  report.html     open it in a browser: what it came to, every failure, and its packets as a ladder\n"
    "  report.txt      the same in short, report.json for programs, report.xml (JUnit) for CI\n"
    "  journal.jsonl   what the reports are made from; result.json is its summary\n"
    "  cases/          the packets of each case, with the keys of its IKE and Child SAs\n"
    "  SHA256SUMS      sha256sum -c SHA256SUMS\n"
    "\n"
    "To open the packets of a case decrypted, in this folder:\n"
    "\n"
    "  WIRESHARK_CONFIG_DIR=cases/CASE wireshark -r cases/CASE/wire.pcap\n"
    "\n"
    "The keys in cases/ are those of the SAs of the test. Neither a pre-shared key nor a private key is in "
    "here.\n";

/* --- reports ------------------------------------------------------------------------------------- */

static bool write_text(const struct report_run *run, FILE *out, struct error *err)
{
    (void)err;
    report_text(run, out);
    return true;
}

static bool add_report(struct tar *tar, const struct report_run *run, const char *name,
                       bool (*write)(const struct report_run *run, FILE *out, struct error *err),
                       struct error *err)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    if (!out)
        return fail(err, "out of memory");
    bool good = write(run, out, err);
    good = (fclose(out) == 0 || fail(err, "out of memory")) && good;
    good = good && tar_add(tar, name, 0644, text, len, err);
    free(text);
    return good;
}

static bool add_reports(struct tar *tar, const struct report_run *run, struct error *err)
{
    return tar_add(tar, "README.txt", 0644, readme, sizeof readme - 1, err) &&
           add_report(tar, run, "report.html", report_html, err) &&
           add_report(tar, run, "report.txt", write_text, err) &&
           add_report(tar, run, "report.json", report_json, err) &&
           add_report(tar, run, "report.xml", report_junit, err);
}

/* --- files of the run ---------------------------------------------------------------------------- */

static bool add_file(struct tar *tar, const struct report_run *run, const char *name, unsigned mode,
                     struct error *err)
{
    char path[4600];
    snprintf(path, sizeof path, "%s/%s", run->folder, name);
    return tar_add_file(tar, name, mode, path, err);
}

/* A journal may come from anywhere: its cases are no paths. */
static bool is_case_name(const char *id)
{
    for (const char *at = id; *at; at++)
        if (!isalnum((unsigned char)*at) && *at != '-' && (*at != '.' || at[1] == '.' || at == id))
            return false;
    return *id != '\0' && strlen(id) < 100;
}

static bool is_first_of_case(const struct report_run *run, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (strcmp(run->results[i].case_id, run->results[at].case_id) == 0)
            return false;
    return true;
}

/* As the run wrote it: when Wireshark has ended, it tells where the folder lies. */
static bool add_widths(struct tar *tar, const struct report_run *run, const char *id, struct error *err)
{
    char path[4600], name[256];
    snprintf(path, sizeof path, "%s/cases/%.100s/recent", run->folder, id);
    snprintf(name, sizeof name, "cases/%.100s/recent", id);
    return access(path, F_OK) != 0 ||
           tar_add(tar, name, 0644, wireshark_profile_widths, strlen(wireshark_profile_widths), err);
}

static bool add_case(struct tar *tar, const struct report_run *run, const char *id, struct error *err)
{
    for (size_t i = 0; i < sizeof case_files / sizeof *case_files; i++) {
        char name[256];
        snprintf(name, sizeof name, "cases/%.100s/%s", id, case_files[i].name);
        if (!add_file(tar, run, name, case_files[i].mode, err))
            return false;
    }
    return add_widths(tar, run, id, err);
}

/* Without its packets a verdict is a claim. */
static bool has_its_packets(const struct report_run *run, struct error *err)
{
    for (size_t i = 0; i < run->count; i++) {
        const struct report_result *r = &run->results[i];
        char path[4600];
        snprintf(path, sizeof path, "%s/cases/%.100s/wire.pcap", run->folder, r->case_id);
        if (r->outcome.last_packet > 0 && is_case_name(r->case_id) && access(path, R_OK) != 0)
            return fail(err,
                        "%s cannot be read, and without its packets this is no evidence: take the folder as "
                        "the run left it",
                        path);
    }
    return true;
}

static bool add_run(struct tar *tar, const struct report_run *run, struct error *err)
{
    if (!add_file(tar, run, "journal.jsonl", 0644, err) || !add_file(tar, run, "result.json", 0644, err))
        return false;
    for (size_t i = 0; i < run->count; i++)
        if (is_first_of_case(run, i) && is_case_name(run->results[i].case_id) &&
            !add_case(tar, run, run->results[i].case_id, err))
            return false;
    return true;
}

/* --- the name of the folder in it ---------------------------------------------------------------- */

/* "strongswan-2026-11-26": of the peer's name what is safe in a path. */
static void name_of(const struct report_run *run, char *out, size_t size)
{
    size_t len = 0;
    for (const char *at = report_header(run, "peer"); *at && len < 40 && len + 1 < size; at++) {
        bool plain = isalnum((unsigned char)*at);
        if (plain || (len > 0 && out[len - 1] != '-'))
            out[len++] = plain ? (char)tolower((unsigned char)*at) : '-';
    }
    while (len > 0 && out[len - 1] == '-')
        len--;
    snprintf(out + len, size - len, "%s%.10s", len ? "-" : "run-", report_header(run, "started"));
    for (char *at = out; *at; at++)
        if (!isalnum((unsigned char)*at))
            *at = '-';
}

static time_t time_of(const struct report_run *run)
{
    struct tm tm = {0};
    return strptime(report_header(run, "started"), "%Y-%m-%dT%H:%M:%SZ", &tm) ? timegm(&tm) : 0;
}

bool report_bundle(const struct report_run *run, FILE *out, struct error *err)
{
    char name[80];
    name_of(run, name, sizeof name);
    if (!has_its_packets(run, err))
        return false;
    struct tar *tar = tar_begin(out, name, time_of(run));
    if (!tar)
        return fail(err, "out of memory");
    bool good = add_reports(tar, run, err) && add_run(tar, run, err) && tar_end(tar, err);
    tar_free(tar);
    return good;
}
