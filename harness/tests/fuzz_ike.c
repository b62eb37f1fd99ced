/* libFuzzer target over the IKE SA: two hosts, and a story that the input tells. Each octet is a deed: hand
 * over, lose, duplicate, swap or break a datagram, start something, let time pass, fail over, or send what
 * follows in the input as the inside of a correctly sealed message. Build it with clang
 * -fsanitize=fuzzer,address,undefined and the sources of ike/, wire/, crypto/, base/ and net/datagram.c. */
#include <stdlib.h>

#include "base/reader.h"
#include "ike/host.h"
#include "ike/propose.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct end {
    struct ike_config config;
    struct random_source random;
    struct ike_host *host;
    uint32_t sa;
};

struct world {
    struct wire_proposal ike, esp;
    struct end end[2];
    int64_t now_us;
    bool fragments, mobike;
};

static void must(bool kept)
{
    if (!kept)
        abort();
}

static void set_up(struct world *w, unsigned s)
{
    struct end *e = &w->end[s];
    e->config = (struct ike_config){
        .local_id = {ID_KEY_ID, octets_of_text(s == 0 ? "a" : "b")},
        .psk = octets_of_text("psk"),
        .ike_proposals = &w->ike,
        .n_ike_proposals = 1,
        .child_proposals = &w->esp,
        .n_child_proposals = 1,
        .announce_message_id_sync = true,
        .announce_replay_counter_sync = true,
        .window = s == 0 ? 1 : 3,
        .fragment_size = w->fragments ? 100 : 0,
        .mobike = w->mobike,
        .tell_invalid_spi = s == 1,
        .retransmission = {CLOCK_MS(100), 150, 2},
        .half_open_us = CLOCK_MS(2000),
    };
    must(selectors_parse("0.0.0.0/0", &e->config.local_ts, NULL));
    e->config.remote_ts = e->config.local_ts;
    e->random = random_from_seed(s);
    e->host = ike_host_new(&e->config, NULL, &e->random, NULL);
    must(e->host != NULL);
}

static void read_events(struct end *e)
{
    struct ike_event event;
    while (ike_host_event(e->host, &event))
        if (event.kind == IKE_EVENT_ESTABLISHED)
            e->sa = event.sa;
}

static void hand_over(struct world *w, unsigned from, unsigned copies, size_t broken_at)
{
    struct datagram d;
    if (!ike_host_output(w->end[from].host, &d))
        return;
    if (broken_at > 0)
        d.octets[broken_at % d.len] ^= (uint8_t)(1 + broken_at / d.len);
    for (unsigned i = 0; i < copies; i++)
        ike_host_input(w->end[1 - from].host, &d, w->now_us);
    datagram_clear(&d);
    read_events(&w->end[1 - from]);
}

static void connect_ends(struct world *w, unsigned from)
{
    struct endpoint ends[2];
    must(endpoint_parse("192.0.2.1", 500, &ends[0], NULL) &&
         endpoint_parse("192.0.2.2", 500, &ends[1], NULL));
    w->end[from].sa = ike_host_connect(w->end[from].host, &ends[from], &ends[1 - from], w->now_us, NULL);
    for (unsigned i = 0; i < (w->fragments ? 32 : 4); i++)
        hand_over(w, i % 2 == 0 ? from : 1 - from, 1, 0);
}

static void start(struct world *w, unsigned s, uint8_t what, struct reader *r)
{
    struct end *e = &w->end[s];
    uint32_t spi = 0;
    struct message_id_sync sync = {.nonce = {what}};
    ike_sa_children(e->host, e->sa, &spi, 1);
    switch (what % 8) {
    case 0:
        if (what >= 8) /* from now on everything goes in fragments */
            ike_sa_fragment(e->host, e->sa, 3, NULL);
        ike_sa_liveness(e->host, e->sa, w->now_us, NULL);
        break;
    case 1:
        ike_sa_rekey(e->host, e->sa, w->now_us, NULL);
        break;
    case 2:
        ike_child_create(e->host, e->sa, w->now_us, NULL);
        break;
    case 3:
        ike_child_rekey(e->host, e->sa, spi, w->now_us, NULL);
        break;
    case 4:
        ike_child_delete(e->host, e->sa, spi, w->now_us, NULL);
        break;
    case 5:
        ike_sa_delete(e->host, e->sa, w->now_us, NULL);
        break;
    case 6:
        if (read_u32(r, &sync.expected_send) && read_u32(r, &sync.expected_recv))
            ike_sa_sync(e->host, e->sa, &sync, w->now_us, NULL);
        break;
    default:
        connect_ends(w, s);
        break;
    }
}

static void fail_over(struct world *w, unsigned s)
{
    struct end *e = &w->end[s];
    struct ike_snapshot *snapshot = ike_sa_snapshot(e->host, e->sa, NULL);
    ike_sa_forget(e->host, e->sa);
    if (snapshot != NULL)
        e->sa = ike_host_restore(e->host, snapshot, NULL);
    must(snapshot == NULL || e->sa != 0);
    ike_snapshot_free(snapshot);
}

static void send_sealed(struct world *w, unsigned s, struct reader *r)
{
    struct ike_header h = {.version = IKE_VERSION};
    uint8_t id, first, len;
    struct octets chain;
    struct datagram d;
    if (!read_u8(r, &h.exchange) || !read_u8(r, &h.flags) || !read_u8(r, &id) || !read_u8(r, &first) ||
        !read_u8(r, &len) || !read_view(r, len < r->left ? len : r->left, &chain))
        return;
    h.message_id = id;
    if (!ike_sa_seal(w->end[s].host, w->end[s].sa, &h, first, chain, &d, NULL))
        return;
    ike_host_input(w->end[1 - s].host, &d, w->now_us);
    datagram_clear(&d);
    read_events(&w->end[1 - s]);
}

static void tick(struct world *w)
{
    int64_t due = clock_earlier(ike_host_deadline(w->end[0].host), ike_host_deadline(w->end[1].host));
    if (due != CLOCK_NEVER && due > w->now_us)
        w->now_us = due;
    for (unsigned s = 0; s < 2; s++) {
        ike_host_tick(w->end[s].host, w->now_us);
        must(ike_host_deadline(w->end[s].host) > w->now_us);
        read_events(&w->end[s]);
    }
}

static void deed(struct world *w, uint8_t octet, struct reader *r)
{
    unsigned s = octet & 1;
    uint16_t at = 0;
    switch (octet >> 1 & 7) {
    case 0:
    case 1:
        hand_over(w, s, 1, 0);
        break;
    case 2:
        hand_over(w, s, octet >> 4 & 3, 0);
        break;
    case 3:
        if (read_u16(r, &at))
            hand_over(w, s, 1, at);
        break;
    case 4:
        start(w, s, octet >> 4, r);
        break;
    case 5:
        tick(w);
        break;
    case 6:
        send_sealed(w, s, r);
        break;
    default:
        fail_over(w, s);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct world w = {.now_us = 1,
                      .fragments = size > 0 && (data[size - 1] & 1) != 0,
                      .mobike = size > 0 && (data[size - 1] & 2) != 0};
    struct reader r = reader_over(octets_of(data, size));
    uint8_t octet;
    must(proposal_parse(PROTOCOL_IKE, "aes128gcm16-prfsha256-x25519", &w.ike, NULL) &&
         proposal_parse(PROTOCOL_ESP, "aes128gcm16-noesn", &w.esp, NULL));
    set_up(&w, 0);
    set_up(&w, 1);
    connect_ends(&w, 0);
    for (unsigned i = 0; i < 200 && read_u8(&r, &octet); i++)
        deed(&w, octet, &r);
    ike_host_free(w.end[0].host);
    ike_host_free(w.end[1].host);
    return 0;
}
