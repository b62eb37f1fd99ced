/* ESP packets sealed and opened by the data paths of two hosts in memory, beside the AES-GCM operations that
 * this takes; and what a Child SA keeps on the heap. Fails below the share, and above the size, that the
 * suite sets itself. */
#include "bench/bench.h"

#include <malloc.h>
#include <stdlib.h>

#include "crypto/cleanup.h"
#include "traffic/traffic.h"

enum {
    ROUNDS = 11,
    PACKETS = 20000,
    INNER_LEN = 1400,
    ESP_AAD_LEN = 8,
    TEXT_LEN = INNER_LEN + 4, /* with the trailer, on a multiple of 4 octets */
    SAS = 1000,
    MAX_PER_SA = 1024,
    LEAST_SHARE_PERCENT = 70,
};

static struct traffic *traffic_of(const struct host_end *end)
{
    struct error err = {0};
    struct traffic *t = traffic_new(64, 0);
    require(t != NULL && traffic_restore(t, end->host, end->sa, &err), "no data path: %s", err.text);
    return t;
}

static void move_packet(struct two_hosts *h, struct traffic *const t[2], struct traffic_sa *sa)
{
    static const uint8_t inner[INNER_LEN] = {0x45};
    static uint8_t room[2 * INNER_LEN];
    const struct esp_payload payload = {.next_header = ESP_NEXT_IPV4,
                                        .inner = octets_of(inner, sizeof inner)};
    struct traffic_opened opened;
    struct datagram d;
    bool moved = traffic_seal(t[A], sa, 0, &payload, &h->end[A].random, &d, NULL) &&
                 traffic_open(t[B], &d, room, &opened, NULL) == ESP_ACCEPTED;
    require(moved && opened.esp.inner.len == INNER_LEN, "a packet was not opened");
    datagram_clear(&d);
}

static double run_traffic(struct two_hosts *h, struct traffic *const t[2], struct traffic_sa *sa)
{
    double begin = cpu_seconds();
    for (unsigned i = 0; i < PACKETS; i++)
        move_packet(h, t, sa);
    return (cpu_seconds() - begin) / PACKETS;
}

static double run_bare(struct bare *b, bool rekey)
{
    double begin = cpu_seconds();
    for (unsigned i = 0; i < PACKETS; i++)
        bare_seal_and_open_text(b, ESP_AAD_LEN, TEXT_LEN, rekey);
    return (cpu_seconds() - begin) / PACKETS;
}

static bool measure_packets(struct two_hosts *h)
{
    struct bare *b = bare_new();
    struct traffic *t[2] = {traffic_of(&h->end[A]), traffic_of(&h->end[B])};
    struct series ours = {0}, keyed_once = {0}, keyed_each = {0};
    struct traffic_sa *sa;
    require(traffic_sas(t[A], h->end[A].sa, &sa, 1) == 1, "there is not one Child SA");
    for (unsigned round = 0; round < ROUNDS; round++) {
        series_add(&ours, run_traffic(h, t, sa));
        series_add(&keyed_each, run_bare(b, true));
        series_add(&keyed_once, run_bare(b, false));
    }
    const char *what = "ESP packets of 1400 octets, sealed and opened";
    report_rate(&(struct figure){what, "/s", "AES-GCM, keyed for each packet"}, &ours, &keyed_each);
    report_rate(&(struct figure){what, "/s", "AES-GCM, keyed once"}, &ours, &keyed_once);
    bool fast = series_median(&keyed_once) * 100 >= series_median(&ours) * LEAST_SHARE_PERCENT;
    traffic_free(t[A]);
    traffic_free(t[B]);
    bare_free(b);
    return fast;
}

static size_t heap_in_use(void)
{
    struct mallinfo2 m = mallinfo2();
    return m.uordblks + m.hblkhd;
}

static bool measure_memory(struct two_hosts *h)
{
    static uint32_t ids[SAS];
    struct error err = {0};
    for (unsigned i = 1; i < SAS; i++)
        establish(h);
    require(ike_host_sas(h->end[A].host, ids, SAS) == SAS, "not all SAs are there");
    size_t before = heap_in_use();
    struct traffic *t = traffic_new(64, 0);
    for (unsigned i = 0; i < SAS; i++)
        require(traffic_restore(t, h->end[A].host, ids[i], &err), "no data path: %s", err.text);
    double each = (double)(heap_in_use() - before) / SAS;
    report_value(&(struct figure){"Heap of the data path per Child SA", "octets", "1 KiB"}, each, MAX_PER_SA);
    traffic_free(t);
    return each <= MAX_PER_SA;
}

int main(void)
{
    struct two_hosts *h = two_hosts_new(1);
    establish(h);
    bool fast = measure_packets(h), small = measure_memory(h);
    two_hosts_free(h);
    crypto_cleanup();
    require(fast, "less than %d %% of bare AES-GCM", LEAST_SHARE_PERCENT);
    require(small, "a Child SA keeps more than %d octets", MAX_PER_SA);
    return 0;
}
