/* The judge over captures of many IKE SAs and ESP SAs, beside tshark that decrypts the same packets with the
 * same keys, and beside OpenSSL that does nothing but open them. Usage: bench_judge FOLDER, for the captures.
 */
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
#include "wire/ha.h"
#include "wire/inner.h"

enum { SAS = 100, FEW = 40000 /* packets of a short capture, and more than is remembered */, PATH = 4096 };

/* What is measured: a long capture of this, and a short one. */
struct subject {
    const char *name, *packets_text; /* what its packets are called */
    unsigned packets;
    size_t ike_sas, esp_sas;
    void (*put)(struct pcap_writer *out, unsigned n, struct random_source *random);
    struct bare_text text; /* what OpenSSL opens of a packet; of 0 keys: they are not all alike */
};

static char folder[PATH - 64];

static const char *in_folder(const char *name, char path[PATH])
{
    snprintf(path, PATH, "%s/%s", folder, name);
    return path;
}

static const char *capture_of(const struct subject *s, bool few, char path[PATH])
{
    snprintf(path, PATH, "%s/%s_%s.pcap", folder, few ? "few" : "many", s->name);
    return path;
}

/* --- the packets of a capture -------------------------------------------------------------------------- */

enum way { TO_PEER, TO_CLUSTER };

/* The cluster began all IKE SAs. */
static void put(struct pcap_writer *out, enum way way, uint16_t port, struct octets octets, int64_t at_us)
{
    struct endpoint ends[2];
    struct datagram d;
    struct error err = {0};
    require(endpoint_parse("192.0.2.1", port, &ends[0], NULL) &&
                endpoint_parse("192.0.2.2", port, &ends[1], NULL),
            "no endpoints");
    require(datagram_make(&d, &ends[way], &ends[!way], octets), "out of memory");
    require(pcap_writer_add(out, &d, at_us, &err), "%s", err.text);
    datagram_clear(&d);
}

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

/* One notify in an INFORMATIONAL exchange. */
static void put_message(struct pcap_writer *out, unsigned sa, enum way way, uint32_t id,
                        const struct wire_notify *notify, struct random_source *random, int64_t at_us)
{
    uint8_t room[256], data[64];
    struct error err = {0};
    const struct ike_evidence_keys k = keys_of(sa);
    struct ike_header h = {.version = IKE_VERSION,
                           .exchange = EXCHANGE_INFORMATIONAL,
                           .flags = way == TO_CLUSTER ? IKE_FLAG_RESPONSE : IKE_FLAG_INITIATOR,
                           .message_id = id};
    memcpy(h.spi_i, k.spi_i, sizeof h.spi_i);
    memcpy(h.spi_r, k.spi_r, sizeof h.spi_r);
    struct writer chain = writer_into(data, sizeof data), w = writer_into(room, sizeof room);
    struct payload_writer p = payloads_into(&chain);
    write_payload_notify(&p, notify);
    require(ike_seal(&k.suite, way == TO_CLUSTER ? &k.from_responder : &k.from_initiator, &h, p.first,
                     writer_octets(&chain), random, &w, &err),
            "%s", err.text);
    put(out, way, 500, writer_octets(&w), at_us);
}

static void put_check(struct pcap_writer *out, unsigned sa, enum way way, uint32_t id,
                      struct random_source *random, int64_t at_us)
{
    static const uint8_t cookie[24];
    const struct wire_notify notify = {.type = NOTIFY_COOKIE2, .data = octets_of(cookie, sizeof cookie)};
    put_message(out, sa, way, id, &notify, random, at_us);
}

/* A failover: the cluster goes on at this ID; the peer never asked anything. */
static void put_sync(struct pcap_writer *out, unsigned sa, enum way way, uint32_t next,
                     struct random_source *random, int64_t at_us)
{
    const uint8_t data[MESSAGE_ID_SYNC_DATA_LEN] = {1,
                                                    2,
                                                    3,
                                                    4,
                                                    0,
                                                    0,
                                                    way == TO_PEER ? (uint8_t)(next >> 8) : 0,
                                                    way == TO_PEER ? (uint8_t)next : 0,
                                                    0,
                                                    0,
                                                    way == TO_CLUSTER ? (uint8_t)(next >> 8) : 0,
                                                    way == TO_CLUSTER ? (uint8_t)next : 0};
    const struct wire_notify notify = {.type = NOTIFY_IKEV2_MESSAGE_ID_SYNC,
                                       .data = octets_of(data, sizeof data)};
    put_message(out, sa, way, 0, &notify, random, at_us);
}

static struct esp_keys esp_keys_of(unsigned sa, enum way way)
{
    struct esp_keys k = {.spi = 0xc0000000 + sa + way * 0x1000U,
                         .suite = {.encr = ENCR_AES_GCM_16, .encr_key_bits = 256}};
    struct random_source random = random_from_seed(1000 + sa + way * 1000U);
    random_fill(&random, k.keys.encr, 36);
    require(endpoint_parse(way == TO_PEER ? "192.0.2.1" : "192.0.2.2", 4500, &k.from, NULL) &&
                endpoint_parse(way == TO_PEER ? "192.0.2.2" : "192.0.2.1", 4500, &k.to, NULL),
            "no endpoints");
    return k;
}

/* An echo request of 200 octets. */
static void put_esp(struct pcap_writer *out, unsigned sa, enum way way, uint32_t seq,
                    struct random_source *random, int64_t at_us)
{
    uint8_t data[172] = {0}, room[256], packet[512];
    size_t len;
    struct error err = {0};
    const struct esp_keys k = esp_keys_of(sa, way);
    struct writer w = writer_into(room, sizeof room);
    const struct inner_packet inner = {.source = {198, 51, 100, 1},
                                       .destination = {198, 51, 100, 2},
                                       .b = (uint16_t)seq,
                                       .data = octets_of(data, sizeof data)};
    write_inner(&w, &inner);
    const struct esp_sender sender = {.spi = k.spi, .suite = k.suite, .keys = k.keys};
    const struct esp_payload payload = {.next_header = ESP_NEXT_IPV4, .inner = writer_octets(&w)};
    require(esp_seal(&sender, seq, &payload, random, packet, sizeof packet, &len, &err), "%s", err.text);
    put(out, way, 4500, octets_of(packet, len), at_us);
}

/* --- the captures -------------------------------------------------------------------------------------- */

/* Liveness checks, request and answer, of all IKE SAs in turn. */
static void put_ike_only(struct pcap_writer *out, unsigned n, struct random_source *random)
{
    put_check(out, n / 2 % SAS, n % 2 ? TO_CLUSTER : TO_PEER, n / 2 / SAS + 2, random, (int64_t)n * 500);
}

static void put_esp_only(struct pcap_writer *out, unsigned n, struct random_source *random)
{
    put_esp(out, n % SAS, TO_PEER, n / SAS + 1, random, (int64_t)n * 50);
}

/* Traffic both ways on all SAs; now and then liveness checks, and some time a failover of all. */
static void put_mixed(struct pcap_writer *out, unsigned n, struct random_source *random)
{
    enum { TURNS = 40 /* between checks */, FAILOVER = 80 };
    unsigned sa = n % SAS, turn = n / SAS;
    enum way way = turn % 2 ? TO_CLUSTER : TO_PEER;
    uint32_t id = turn / TURNS + 2;
    int64_t at_us = (int64_t)n * 50;
    if (turn % TURNS > 1)
        put_esp(out, sa, way, turn + 1, random, at_us);
    else if (turn / TURNS == FAILOVER / TURNS)
        put_sync(out, sa, way, id, random, at_us);
    else
        put_check(out, sa, way, turn > FAILOVER ? id - 1 : id, random, at_us);
}

static void write_capture(const struct subject *s, bool few)
{
    char path[PATH];
    struct error err = {0};
    struct random_source random = random_from_seed(1);
    unlink(capture_of(s, few, path));
    struct pcap_writer *out = pcap_writer_open(path, 0, &err);
    require(out != NULL, "%s", err.text);
    for (unsigned n = 0; n < (few ? FEW : s->packets); n++)
        s->put(out, n, &random);
    require(pcap_writer_close(out, &err), "%s", err.text);
}

/* Those that are needed and no others: tshark looks through all of them. */
static void write_keys(const struct subject *s)
{
    char ike[PATH], esp[PATH];
    struct error err = {0};
    unlink(in_folder("ikev2_decryption_table", ike));
    unlink(in_folder("esp_sa", esp));
    for (unsigned sa = 0; sa < SAS; sa++) {
        const struct ike_evidence_keys k = keys_of(sa);
        const struct esp_keys there = esp_keys_of(sa, TO_PEER), back = esp_keys_of(sa, TO_CLUSTER);
        require((s->ike_sas == 0 || ikev2_decryption_table_add(ike, &k, &err)) &&
                    (s->esp_sas == 0 || esp_sa_add(esp, &there, &err)) &&
                    (s->esp_sas <= SAS || esp_sa_add(esp, &back, &err)),
                "%s", err.text);
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

/* All opens and nothing is found: else it is not what is measured. */
static bool is_right(const struct judge_result *r, const struct subject *s)
{
    bool right = r && r->n_sas == s->ike_sas && r->n_esp == s->esp_sas;
    for (const struct judge_sa *sa = right ? r->sas : NULL; sa; sa = sa->next)
        right = right && sa->keys == JUDGE_KEYS_OPEN && !sa->findings;
    for (const struct judge_esp *esp = right ? r->esp : NULL; esp; esp = esp->next)
        right = right && esp->keys == JUDGE_KEYS_OPEN && !esp->findings;
    return right;
}

static int judge(const struct subject *s, bool few)
{
    char path[PATH], table[PATH];
    const char *paths[] = {capture_of(s, few, path)};
    const struct capture_options what = {paths, 1, NULL, 0};
    struct key_tables keys = {0};
    struct captured c;
    const struct judge_options options = {.keys = &keys};
    if ((s->ike_sas > 0 && !key_tables_read(&keys, in_folder("ikev2_decryption_table", table), NULL)) ||
        (s->esp_sas > 0 && !key_tables_read(&keys, in_folder("esp_sa", table), NULL)))
        return 1;
    struct capture *capture = capture_open(&what, NULL);
    struct judge *j = judge_open(&options);
    while (capture && j && capture_next(capture, &c))
        judge_take(j, &c);
    return is_right(j ? judge_finish(j) : NULL, s) ? 0 : 1;
}

static struct cost run_judge(const struct subject *s, bool few)
{
    pid_t child = fork();
    require(child >= 0, "no process");
    if (child == 0)
        _exit(judge(s, few));
    return cost_of(child);
}

static struct cost run_tshark(const struct subject *s, bool few)
{
    char path[PATH];
    pid_t child = fork();
    require(child >= 0, "no process");
    if (child == 0) {
        int nothing = open("/dev/null", O_WRONLY | O_CLOEXEC);
        setenv("WIRESHARK_CONFIG_DIR", folder, 1);
        dup2(nothing, STDOUT_FILENO);
        dup2(nothing, STDERR_FILENO);
        execlp("tshark", "tshark", "-r", capture_of(s, few, path), "-o", "esp.enable_encryption_decode:TRUE",
               "-T", "fields", "-e", "isakmp.enc.decrypted", "-e", "icmp.seq", (char *)NULL);
        _exit(127);
    }
    return cost_of(child);
}

static double bare_seconds(const struct bare_text *text)
{
    enum { TIMES = 200000 };
    struct bare_openers *b = bare_openers_new(text);
    double begun = cpu_seconds();
    for (unsigned n = 0; n < TIMES; n++)
        bare_open(b, n);
    double seconds = (cpu_seconds() - begun) / TIMES;
    bare_openers_free(b);
    return seconds;
}

/* What a short capture costs is taken off a long one: starting is not what is asked for. */
static void measure(const struct subject *s)
{
    struct series ours = {0}, theirs = {0}, bare = {0};
    struct cost few = {0}, many = {0}, tshark_few = {0}, tshark = {0};
    char text[3][120];
    for (unsigned round = 0; round < 3; round++) {
        many = run_judge(s, false);
        few = run_judge(s, true);
        tshark = run_tshark(s, false);
        tshark_few = run_tshark(s, true);
        series_add(&ours, (many.seconds - few.seconds) / (s->packets - FEW));
        series_add(&theirs, (tshark.seconds - tshark_few.seconds) / (s->packets - FEW));
        if (s->text.keys > 0)
            series_add(&bare, bare_seconds(&s->text));
    }
    snprintf(text[0], sizeof text[0], "Judged %s per second", s->packets_text);
    report_rate(&(struct figure){text[0], "1/s", "tshark, decrypting the same"}, &ours, &theirs);
    snprintf(text[0], sizeof text[0], "  judged %s per second", s->packets_text);
    if (s->text.keys > 0)
        report_rate(&(struct figure){text[0], "1/s", "OpenSSL opening the same"}, &ours, &bare);
    snprintf(text[1], sizeof text[1], "  resident memory over %u of them", s->packets);
    snprintf(text[2], sizeof text[2], "the same over %u", FEW);
    report_value(&(struct figure){text[1], "octets", text[2]}, many.octets, few.octets);
    report_value(&(struct figure){text[1], "octets", "tshark"}, many.octets, tshark.octets);
}

int main(int argc, char **argv)
{
    static const struct subject subjects[] = {
        {"ike", "IKE messages, sealed,", 200000, SAS, 0, put_ike_only, {2 * SAS, SK_AAD_LEN, 33}},
        {"esp", "ESP packets, sealed,", 80000, 0, SAS, put_esp_only, {SAS, 8, 202}},
        {"mixed", "ESP and some IKE, a failover,", 80000, SAS, 2 * SAS, put_mixed, {0}},
    };
    require(argc == 2 && (mkdir(argv[1], 0700) == 0 || access(argv[1], W_OK) == 0), "which folder?");
    snprintf(folder, sizeof folder, "%s", argv[1]);
    for (size_t i = 0; i < sizeof subjects / sizeof subjects[0]; i++) {
        write_keys(&subjects[i]);
        write_capture(&subjects[i], false);
        write_capture(&subjects[i], true);
        measure(&subjects[i]);
    }
    return 0;
}
