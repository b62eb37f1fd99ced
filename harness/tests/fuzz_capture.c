/* libFuzzer target over all that the judge of captures reads: frames of every link type, IP and its
 * fragments, UDP, IKE messages, sealed ones too, and key tables. The first octet says what the input is: a
 * key table, or a capture, whose records begin with an octet of what they are and two of length. */
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/reader.h"
#include "judge/judge.h"
#include "esp/esp.h"
#include "ike/protect.h"
#include "reports/judge_report.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct ike_evidence_keys keys = {
    .spi_i = {1, 2, 3, 4, 5, 6, 7, 8},
    .spi_r = {9, 10, 11, 12, 13, 14, 15, 16},
    .suite = {.encr = ENCR_AES_GCM_16, .encr_key_bits = 128},
    .from_initiator = {.encr = {1}},
    .from_responder = {.encr = {2}},
};

static const struct esp_keys esp_keys[2] = {
    {.spi = 0x101, .suite = {.encr = ENCR_AES_GCM_16, .encr_key_bits = 128}, .keys = {.encr = {3}}},
    {.spi = 0x202,
     .suite = {.encr = ENCR_AES_GCM_16, .encr_key_bits = 128},
     .keys = {.encr = {4}},
     .esn = true},
};

static const int link_types[] = {DLT_RAW, DLT_EN10MB, DLT_LINUX_SLL, DLT_LINUX_SLL2, DLT_NULL, DLT_IPV6};
enum { N_LINK_TYPES = sizeof link_types / sizeof *link_types };

static void must(bool kept)
{
    if (!kept)
        abort();
}

/* --- key tables ---------------------------------------------------------------------------------------- */

static void read_table(struct octets text)
{
    char path[64];
    struct key_tables tables = {0};
    struct error err = {0};
    int fd = memfd_create("keys", 0);
    must(fd >= 0 && write(fd, text.at, text.len) == (ssize_t)text.len);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (!key_tables_read(&tables, path, &err))
        must(err.text[0] != '\0' && tables.n_ike == 0 && tables.n_esp == 0);
    key_tables_clear(&tables);
    close(fd);
}

/* --- captures ------------------------------------------------------------------------------------------ */

/* What follows a raw header of IPv4 and UDP. */
static void put_ip(struct writer *w, bool from_initiator, uint16_t port, struct octets payload)
{
    static const uint8_t a[4] = {192, 0, 2, 1}, b[4] = {192, 0, 2, 2};
    write_u16(w, 0x4500);
    write_u16(w, (uint16_t)(28 + payload.len));
    write_u32(w, 0);
    write_u16(w, 0x4011);
    write_u16(w, 0);
    write_bytes(w, octets_of(from_initiator ? a : b, 4));
    write_bytes(w, octets_of(from_initiator ? b : a, 4));
    write_u16(w, port);
    write_u16(w, port);
    write_u16(w, (uint16_t)(8 + payload.len));
    write_u16(w, 0);
    write_bytes(w, payload);
}

/* A message that opens, with whatever is inside. */
static void put_sealed(struct writer *w, uint8_t kind, struct reader *r)
{
    uint8_t room[8192], first = 0, exchange = 0, id = 0;
    struct random_source random = random_from_seed(kind);
    struct writer message = writer_into(room, sizeof room);
    bool from_initiator = (kind & 16) != 0;
    (void)(read_u8(r, &first) && read_u8(r, &exchange) && read_u8(r, &id));
    struct ike_header h = {
        .version = IKE_VERSION, .exchange = (uint8_t)(34 + exchange % 5), .message_id = id};
    memcpy(h.spi_i, keys.spi_i, sizeof h.spi_i);
    memcpy(h.spi_r, keys.spi_r, sizeof h.spi_r);
    h.flags = (uint8_t)((from_initiator ? IKE_FLAG_INITIATOR : 0) | (kind & 32 ? IKE_FLAG_RESPONSE : 0));
    const struct cipher_keys *k = from_initiator ? &keys.from_initiator : &keys.from_responder;
    struct octets inner = read_rest(r);
    uint8_t sync[64];
    struct writer chain = writer_into(sync, sizeof sync);
    struct payload_writer p = payloads_into(&chain);
    if (first % 4 == 0 && inner.len < 32) { /* most of the judge is about these */
        write_payload_notify(&p, &(struct wire_notify){.type = NOTIFY_IKEV2_MESSAGE_ID_SYNC, .data = inner});
        inner = writer_octets(&chain);
        first = p.first;
        h.message_id = id % 8 == 7;
    }
    bool good = kind & 64 ? ike_seal_fragments(&keys.suite, k, &h, first, inner, 64, &random, &message, NULL)
                          : ike_seal(&keys.suite, k, &h, first, inner, &random, &message, NULL);
    if (good)
        put_ip(w, from_initiator, 500, writer_octets(&message));
}

/* An ESP packet that opens, with whatever is inside. */
static void put_esp(struct writer *w, uint8_t kind, struct reader *r)
{
    uint8_t room[8192], next = 0, iv = 0;
    uint16_t seq = 0;
    size_t len;
    bool from_initiator = (kind & 16) != 0;
    const struct esp_keys *k = &esp_keys[from_initiator];
    (void)(read_u8(r, &next) && read_u16(r, &seq) && read_u8(r, &iv));
    const struct esp_sender sa = {
        .spi = k->spi, .esn = k->esn, .suite = k->suite, .keys = k->keys, .iv_base = iv};
    const struct esp_payload payload = {.next_header = next % 3 ? ESP_NEXT_IPV4 : next,
                                        .inner = read_rest(r)};
    uint64_t number = kind & 32 ? (uint64_t)seq << 24 : seq;
    struct random_source random = random_from_seed(kind);
    if (esp_seal(&sa, number, &payload, &random, room, sizeof room, &len, NULL))
        put_ip(w, from_initiator, 4500, octets_of(room, len));
}

static void put_record(pcap_dumper_t *out, uint8_t kind, struct octets body, int64_t at)
{
    uint8_t room[16384];
    struct writer w = writer_into(room, sizeof room);
    struct reader r = reader_over(body);
    if ((kind & 3) == 3)
        put_esp(&w, kind, &r);
    else if (kind & 1)
        put_sealed(&w, kind, &r);
    else if (kind & 2)
        put_ip(&w, (kind & 16) != 0, kind & 4 ? 4500 : 500, body);
    else
        write_bytes(&w, body);
    if (w.full)
        return;
    const struct pcap_pkthdr header = {.ts = {.tv_sec = at / 1000, .tv_usec = at % 1000 * 1000},
                                       .caplen = (bpf_u_int32)w.len,
                                       .len = (bpf_u_int32)w.len + (kind & 128)};
    pcap_dump((u_char *)out, &header, room);
}

static void write_capture(FILE *file, int link_type, struct reader *r)
{
    pcap_t *dead = pcap_open_dead(link_type, 65535);
    pcap_dumper_t *out = pcap_dump_fopen(dead, file);
    uint8_t kind;
    uint16_t len;
    struct octets body;
    must(out != NULL);
    for (int64_t at = 0; read_u8(r, &kind) && read_u16(r, &len); at += kind & 8 ? -1 : 3)
        if (len <= r->left ? read_view(r, len, &body) : (body = read_rest(r), true))
            put_record(out, kind, body, at + 1000);
    pcap_dump_flush(out);
    pcap_close(dead); /* the file is the caller's */
}

static void judge(const char *path, bool with_cluster)
{
    const struct capture_options what = {&path, 1, (const uint16_t[]){4501}, 1};
    struct ike_evidence_keys row = keys;
    struct esp_keys esp_rows[2] = {esp_keys[0], esp_keys[1]};
    struct key_tables tables = {.ike = &row, .n_ike = 1, .esp = esp_rows, .n_esp = 2};
    const struct endpoint cluster = {.family = 4, .address = {192, 0, 2, 1}};
    const struct judge_options options = {
        .keys = &tables, .ports = what.ports, .n_ports = 1, .cluster = &cluster, .n_cluster = with_cluster};
    struct capture *capture = capture_open(&what, NULL);
    struct judge *j = judge_open(&options);
    struct captured c;
    FILE *nothing = fopen("/dev/null", "w");
    must(j && nothing);
    if (capture) {
        while (capture_next(capture, &c))
            judge_take(j, &c);
        const struct judge_report report = {judge_finish(j), capture, &tables, options.lossy};
        judge_report_text(&report, nothing);
        judge_report_json(&report, nothing, NULL);
        judge_report_html(&report, nothing);
    }
    fclose(nothing);
    judge_close(j);
    capture_close(capture);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    struct reader r = reader_over(octets_of(data, size));
    uint8_t what;
    if (!read_u8(&r, &what))
        return 0;
    if (what == 0) {
        read_table(read_rest(&r));
        return 0;
    }
    int fd = memfd_create("capture", 0);
    FILE *file = fd >= 0 ? fdopen(fd, "w+") : NULL;
    must(file != NULL);
    if (what == 1) /* a file as it stands */
        must(fwrite(r.at, 1, r.left, file) == r.left);
    else
        write_capture(file, link_types[what % N_LINK_TYPES], &r);
    fflush(file);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    judge(path, (what & 64) != 0);
    fclose(file);
    return 0;
}
