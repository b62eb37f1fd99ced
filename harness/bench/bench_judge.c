/* The judge over captures of many IKE SAs and of many ESP SAs, beside tshark that decrypts the same packets
 * with the same keys. Usage: bench_judge FOLDER, for the captures. */
#include "bench/bench.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "esp/esp.h"
#include "evidence/pcap.h"
#include "ike/protect.h"
#include "judge/judge.h"
#include "wire/inner.h"

enum { SAS = 100, PACKETS = 200000, FEW_PACKETS = 20000, PATH = 4096 };

static char folder[PATH - 64];

static const char *in_folder(const char *name, char path[PATH])
{
    snprintf(path, PATH, "%s/%s", folder, name);
    return path;
}

/* --- the captures -------------------------------------------------------------------------------------- */

static struct ike_evidence_keys keys_of(unsigned sa)
{
    struct ike_evidence_keys k = {.suite = {.encr = ENCR_AES_GCM_16, .encr_key_bits = 256}};
    struct random_source random = random_from_seed(sa + 1);
    random_fill(&random, k.spi_i, sizeof k.spi_i);
    random_fill(&random, k.spi_r, sizeof k.spi_r);
    random_fill(&random, k.from_initiator.encr, 36);
    random_fill(&random, k.from_responder.encr, 36);
    return k;
}

/* Liveness checks, request and answer, of all IKE SAs in turn. */
static void put_message(struct pcap_writer *out, unsigned n, const struct ike_evidence_keys *k,
                        struct random_source *random)
{
    uint8_t room[256] = {0}, data[64];
    bool response = n % 2 != 0;
    struct endpoint ends[2];
    struct datagram d;
    struct error err = {0};
    struct ike_header h = {.version = IKE_VERSION,
                           .exchange = EXCHANGE_INFORMATIONAL,
                           .flags = response ? IKE_FLAG_RESPONSE : IKE_FLAG_INITIATOR,
                           .message_id = n / 2 / SAS + 2};
    memcpy(h.spi_i, k->spi_i, sizeof h.spi_i);
    memcpy(h.spi_r, k->spi_r, sizeof h.spi_r);
    struct writer chain = writer_into(data, sizeof data), w = writer_into(room, sizeof room);
    struct payload_writer p = payloads_into(&chain);
    write_payload_notify(&p, &(struct wire_notify){.type = NOTIFY_COOKIE2, .data = octets_of(room, 24)});
    require(ike_seal(&k->suite, response ? &k->from_responder : &k->from_initiator, &h, p.first,
                     writer_octets(&chain), random, &w, &err),
            "%s", err.text);
    require(endpoint_parse("192.0.2.1", 500, &ends[0], NULL) &&
                endpoint_parse("192.0.2.2", 500, &ends[1], NULL),
            "no endpoints");
    require(datagram_make(&d, &ends[response], &ends[!response], writer_octets(&w)), "out of memory");
    require(pcap_writer_add(out, &d, (int64_t)n * 500, &err), "%s", err.text);
    datagram_clear(&d);
}

static void write_capture(const char *name, unsigned packets)
{
    char path[PATH];
    struct error err = {0};
    struct random_source random = random_from_seed(1);
    unlink(in_folder(name, path));
    struct pcap_writer *out = pcap_writer_open(path, 0, &err);
    require(out != NULL, "%s", err.text);
    for (unsigned n = 0; n < packets; n++) {
        struct ike_evidence_keys k = keys_of(n / 2 % SAS);
        put_message(out, n, &k, &random);
    }
    require(pcap_writer_close(out, &err), "%s", err.text);
}

static void write_keys(void)
{
    char path[PATH];
    struct error err = {0};
    unlink(in_folder("ikev2_decryption_table", path));
    for (unsigned sa = 0; sa < SAS; sa++) {
        struct ike_evidence_keys k = keys_of(sa);
        require(ikev2_decryption_table_add(path, &k, &err), "%s", err.text);
    }
}

/* --- ESP ------------------------------------------------------------------------------------------------ */

static struct esp_keys esp_keys_of(unsigned sa)
{
    struct esp_keys k = {.spi = 0xc0000000 + sa, .suite = {.encr = ENCR_AES_GCM_16, .encr_key_bits = 256}};
    struct random_source random = random_from_seed(1000 + sa);
    random_fill(&random, k.keys.encr, 36);
    require(endpoint_parse("192.0.2.1", 4500, &k.from, NULL) &&
                endpoint_parse("192.0.2.2", 4500, &k.to, NULL),
            "no endpoints");
    return k;
}

/* Echo requests of 200 octets, of all ESP SAs in turn. */
static void put_esp(struct pcap_writer *out, unsigned n, const struct esp_keys *k,
                    struct random_source *random)
{
    uint8_t data[172] = {0}, room[256], packet[512];
    size_t len;
    struct datagram d;
    struct error err = {0};
    struct writer w = writer_into(room, sizeof room);
    const struct inner_packet inner = {.source = {198, 51, 100, 1},
                                       .destination = {198, 51, 100, 2},
                                       .b = (uint16_t)(n / SAS),
                                       .data = octets_of(data, sizeof data)};
    write_inner(&w, &inner);
    const struct esp_sender sa = {.spi = k->spi, .suite = k->suite, .keys = k->keys};
    const struct esp_payload payload = {.next_header = ESP_NEXT_IPV4, .inner = writer_octets(&w)};
    require(esp_seal(&sa, n / SAS + 1, &payload, random, packet, sizeof packet, &len, &err), "%s", err.text);
    require(datagram_make(&d, &k->from, &k->to, octets_of(packet, len)), "out of memory");
    require(pcap_writer_add(out, &d, (int64_t)n * 50, &err), "%s", err.text);
    datagram_clear(&d);
}

static void write_esp_capture(const char *name, unsigned packets)
{
    char path[PATH];
    struct error err = {0};
    struct random_source random = random_from_seed(1);
    unlink(in_folder(name, path));
    struct pcap_writer *out = pcap_writer_open(path, 0, &err);
    require(out != NULL, "%s", err.text);
    for (unsigned n = 0; n < packets; n++) {
        struct esp_keys k = esp_keys_of(n % SAS);
        put_esp(out, n, &k, &random);
    }
    require(pcap_writer_close(out, &err), "%s", err.text);
}

static void write_esp_keys(void)
{
    char path[PATH];
    struct error err = {0};
    unlink(in_folder("esp_sa", path));
    for (unsigned sa = 0; sa < SAS; sa++) {
        struct esp_keys k = esp_keys_of(sa);
        require(esp_sa_add(path, &k, &err), "%s", err.text);
    }
}

/* --- measuring, each in a process of its own ----------------------------------------------------------- */

struct cost {
    double seconds; /* of the processor */
    double octets;  /* at most resident */
};

static struct cost cost_of(pid_t child)
{
    struct rusage used;
    int status;
    require(wait4(child, &status, 0, &used) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0,
            "a measured process failed");
    return (struct cost){(double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
                             (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6,
                         (double)used.ru_maxrss * 1024};
}

/* Nothing may be found, and everything opens: else it is not what is measured. */
static bool is_right(const struct judge_result *r, bool esp)
{
    if (!r || r->n_sas != (esp ? 0 : SAS) || r->n_esp != (esp ? SAS : 0))
        return false;
    return esp ? r->esp->keys == JUDGE_KEYS_OPEN && !r->esp->findings
               : r->sas->keys == JUDGE_KEYS_OPEN && !r->sas->findings;
}

static int judge(const char *name, bool esp)
{
    char path[PATH], table[PATH];
    const char *paths[] = {in_folder(name, path)};
    const struct capture_options what = {paths, 1, NULL, 0};
    struct key_tables keys = {0};
    struct captured c;
    const struct judge_options options = {.keys = &keys};
    if (!key_tables_read(&keys, in_folder(esp ? "esp_sa" : "ikev2_decryption_table", table), NULL))
        return 1;
    struct capture *capture = capture_open(&what, NULL);
    struct judge *j = judge_open(&options);
    while (capture && j && capture_next(capture, &c))
        judge_take(j, &c);
    return is_right(j ? judge_finish(j) : NULL, esp) ? 0 : 1;
}

static struct cost run_judge(const char *name, bool esp)
{
    pid_t child = fork();
    require(child >= 0, "no process");
    if (child == 0)
        _exit(judge(name, esp));
    return cost_of(child);
}

static struct cost run_tshark(const char *name, bool esp)
{
    char path[PATH];
    pid_t child = fork();
    require(child >= 0, "no process");
    if (child == 0) {
        int nothing = open("/dev/null", O_WRONLY | O_CLOEXEC);
        setenv("WIRESHARK_CONFIG_DIR", folder, 1);
        dup2(nothing, STDOUT_FILENO);
        dup2(nothing, STDERR_FILENO);
        execlp("tshark", "tshark", "-r", in_folder(name, path), "-o", "esp.enable_encryption_decode:TRUE",
               "-T", "fields", "-e", esp ? "esp.sequence" : "isakmp.messageid", "-e",
               esp ? "icmp.seq" : "isakmp.enc.decrypted", (char *)NULL);
        _exit(127);
    }
    return cost_of(child);
}

/* Both over many packets: what starting costs is not what is asked for. */
static void measure(bool esp, const char *many_name, const char *few_name, const char *rate,
                    const char *longer, const char *memory)
{
    struct series ours = {0}, theirs = {0};
    struct cost few = {0}, many = {0}, tshark = {0};
    char longer_name[120], memory_name[120];
    for (unsigned round = 0; round < 3; round++) {
        many = run_judge(many_name, esp);
        few = run_judge(few_name, esp);
        tshark = run_tshark(many_name, esp);
        series_add(&ours, many.seconds / PACKETS);
        series_add(&theirs, tshark.seconds / PACKETS);
    }
    report_rate(&(struct figure){rate, "1/s", "tshark, decrypting the same"}, &ours, &theirs);
    snprintf(longer_name, sizeof longer_name, "  resident memory over 200000 %s", longer);
    snprintf(memory_name, sizeof memory_name, "  resident memory over 200000 %s", memory);
    report_value(&(struct figure){longer_name, "octets", "the same over 20000"}, many.octets, few.octets);
    report_value(&(struct figure){memory_name, "octets", "tshark"}, many.octets, tshark.octets);
}

int main(int argc, char **argv)
{
    require(argc == 2 && (mkdir(argv[1], 0700) == 0 || access(argv[1], W_OK) == 0), "which folder?");
    snprintf(folder, sizeof folder, "%s", argv[1]);
    write_capture("many.pcap", PACKETS);
    write_capture("few.pcap", FEW_PACKETS);
    write_keys();
    write_esp_capture("many_esp.pcap", PACKETS);
    write_esp_capture("few_esp.pcap", FEW_PACKETS);
    write_esp_keys();
    measure(false, "many.pcap", "few.pcap", "Judged IKE messages, sealed, per second", "messages",
            "messages ");
    measure(true, "many_esp.pcap", "few_esp.pcap", "Judged ESP packets, sealed, per second", "packets",
            "packets ");
    return 0;
}
