#include "traffic/traffic.h"

#include <stdlib.h>

#include "ike/propose.h"

enum { BITMAP_BITS = 64, MIN_ESP = 8 };

struct traffic *traffic_new(uint32_t window, uint64_t iv_base)
{
    struct traffic *t = calloc(1, sizeof *t);
    if (t != NULL)
        *t = (struct traffic){.window = window, .iv_base = iv_base, .end = &t->oldest};
    return t;
}

static void sa_free(struct traffic_sa *sa)
{
    crypto_wipe(sa, sizeof *sa);
    free(sa);
}

void traffic_free(struct traffic *t)
{
    if (t == NULL)
        return;
    HASH_CLEAR(by_spi_in, t->by_spi_in);
    for (struct traffic_sa *sa = t->oldest, *next; sa != NULL; sa = next) {
        next = sa->next;
        sa_free(sa);
    }
    free(t);
}

/* --- which SAs there are ------------------------------------------------------------------------- */

struct traffic_sa *traffic_sa_of(const struct traffic *t, uint32_t spi_in)
{
    struct traffic_sa *sa;
    HASH_FIND(by_spi_in, t->by_spi_in, &spi_in, sizeof spi_in, sa);
    return sa;
}

unsigned traffic_sas(const struct traffic *t, uint32_t ike_sa, struct traffic_sa **out, unsigned max)
{
    unsigned n = 0;
    for (struct traffic_sa *sa = t->oldest; sa != NULL; sa = sa->next)
        if (sa->ike_sa == ike_sa && n++ < max)
            out[n - 1] = sa;
    return n;
}

/* The context has the last 64 numbers only: what is below them in a larger window counts as received, since
 * accepting a replay is worse than losing a packet. */
static struct replay_window window_from(const struct child_snapshot *c, uint32_t size, bool esn)
{
    struct replay_window w = replay_window_of(c->replay_window ? c->replay_window : size, esn);
    w.highest = c->seq_in;
    if (c->seq_in > 0)
        memset(w.seen, 0xff, sizeof w.seen);
    for (unsigned back = 0; back < BITMAP_BITS && back < c->seq_in; back++) {
        uint64_t at = (c->seq_in - back) % REPLAY_MAX_WINDOW;
        if (!(c->replay_bitmap >> back & 1))
            w.seen[at / 64] &= ~(1ULL << at % 64);
    }
    return w;
}

static bool install(struct traffic *t, uint32_t ike_sa, const struct child_snapshot *c, struct error *err)
{
    struct cipher_suite suite;
    if (!proposal_suite(&c->proposal, &suite))
        return fail(err, "Child SA %08x: its proposal has no cipher suite", c->spi_in);
    struct traffic_sa *sa = traffic_sa_of(t, c->spi_in) != NULL ? NULL : calloc(1, sizeof *sa);
    if (sa == NULL)
        return fail(err, "Child SA %08x is there already, or memory is out", c->spi_in);
    bool esn = proposal_esn(&c->proposal);
    sa->ike_sa = ike_sa;
    sa->transport_mode = c->transport_mode;
    sa->local = c->local;
    sa->remote = c->remote;
    sa->out = (struct esp_sender){.spi = c->spi_out,
                                  .esn = esn,
                                  .suite = suite,
                                  .keys = c->keys_out,
                                  .sent = c->seq_out,
                                  .iv_base = t->iv_base};
    sa->in = (struct esp_receiver){
        .spi = c->spi_in, .suite = suite, .keys = c->keys_in, .window = window_from(c, t->window, esn)};
    HASH_ADD(by_spi_in, t->by_spi_in, in.spi, sizeof sa->in.spi, sa);
    if (!sa->by_spi_in.tbl) {
        free(sa);
        return fail(err, "out of memory");
    }
    *t->end = sa;
    t->end = &sa->next;
    return true;
}

static void remove_sa(struct traffic *t, uint32_t spi_in)
{
    struct traffic_sa *sa = traffic_sa_of(t, spi_in), **at = &t->oldest;
    if (sa == NULL)
        return;
    while (*at != sa)
        at = &(*at)->next;
    *at = sa->next;
    if (t->end == &sa->next)
        t->end = at;
    HASH_DELETE(by_spi_in, t->by_spi_in, sa);
    sa_free(sa);
}

static void move_all(struct traffic *t, uint32_t from, uint32_t to)
{
    for (struct traffic_sa *sa = t->oldest; sa != NULL; sa = sa->next)
        if (sa->ike_sa == from)
            sa->ike_sa = to;
}

/* An IKE SA that ends takes its Child SAs along, and says so once. */
static void remove_all(struct traffic *t, uint32_t ike_sa)
{
    for (struct traffic_sa *sa = t->oldest, *next; sa != NULL; sa = next) {
        next = sa->next;
        if (sa->ike_sa == ike_sa)
            remove_sa(t, sa->in.spi);
    }
}

bool traffic_direct(const struct traffic *t, const struct ike_host *host, uint32_t ike_sa, struct datagram *d)
{
    struct ike_sa_info info;
    if (!ike_sa_info(host, ike_sa, &info))
        return false;
    d->from = info.local;
    d->to = info.remote;
    d->raw_esp = t->raw && !info.nat_local && !info.nat_remote;
    if (d->raw_esp)
        d->from.port = d->to.port = 0;
    return true;
}

static void follow_ends(const struct traffic *t, const struct ike_host *host, struct traffic_sa *sa)
{
    struct datagram d = {0};
    if (!traffic_direct(t, host, sa->ike_sa, &d))
        return;
    sa->local = d.from;
    sa->remote = d.to;
    sa->raw = d.raw_esp;
}

bool traffic_follow(struct traffic *t, const struct ike_host *host, const struct ike_event *e,
                    struct error *err)
{
    struct child_snapshot child;
    if (e->kind == IKE_EVENT_CHILD_DOWN) {
        remove_sa(t, e->child_spi);
    } else if (e->kind == IKE_EVENT_DOWN) {
        remove_all(t, e->sa);
    } else if (e->kind == IKE_EVENT_ESTABLISHED && e->replaces != 0) {
        move_all(t, e->replaces, e->sa);
    } else if (e->kind == IKE_EVENT_CHILD_UP && ike_child_info(host, e->sa, e->child_spi, &child)) {
        bool good = install(t, e->sa, &child, err);
        crypto_wipe(&child, sizeof child);
        if (good)
            follow_ends(t, host, traffic_sa_of(t, e->child_spi));
        return good;
    }
    return true;
}

void traffic_forget_missing(struct traffic *t, const struct ike_host *host, uint32_t ike_sa)
{
    uint32_t spis[SNAPSHOT_MAX_CHILDREN];
    unsigned n = ike_sa_children(host, ike_sa, spis, SNAPSHOT_MAX_CHILDREN);
    for (struct traffic_sa *sa = t->oldest, *next; sa != NULL; sa = next) {
        bool there = false;
        next = sa->next;
        for (unsigned i = 0; i < n && i < SNAPSHOT_MAX_CHILDREN; i++)
            there = there || spis[i] == sa->in.spi;
        if (!there)
            remove_sa(t, sa->in.spi);
    }
}

bool traffic_restore(struct traffic *t, const struct ike_host *host, uint32_t ike_sa, struct error *err)
{
    uint32_t spis[SNAPSHOT_MAX_CHILDREN];
    unsigned n = ike_sa_children(host, ike_sa, spis, SNAPSHOT_MAX_CHILDREN);
    for (unsigned i = 0; i < n && i < SNAPSHOT_MAX_CHILDREN; i++) {
        struct child_snapshot child;
        struct traffic_sa *there = traffic_sa_of(t, spis[i]);
        if (there != NULL) {
            there->ike_sa = ike_sa;
            continue;
        }
        bool good = ike_child_info(host, ike_sa, spis[i], &child) && install(t, ike_sa, &child, err);
        crypto_wipe(&child, sizeof child);
        if (!good)
            return false;
        follow_ends(t, host, traffic_sa_of(t, spis[i]));
    }
    return true;
}

/* --- counters ------------------------------------------------------------------------------------ */

unsigned traffic_jump(struct traffic *t, uint32_t ike_sa, uint64_t delta)
{
    unsigned moved = 0;
    for (struct traffic_sa *sa = t->oldest; sa != NULL; sa = sa->next)
        moved += sa->ike_sa == ike_sa && esp_jump(&sa->out, delta, NULL);
    return moved;
}

uint64_t traffic_packets(const struct traffic *t)
{
    uint64_t sum = 0;
    for (const struct traffic_sa *sa = t->oldest; sa != NULL; sa = sa->next)
        sum += sa->sealed + sa->opened;
    return sum;
}

static uint64_t bitmap_of(const struct replay_window *w)
{
    uint64_t bitmap = 0;
    for (unsigned back = 0; back < BITMAP_BITS && back < w->highest; back++)
        if (replay_check(w, w->highest - back) != REPLAY_NEW)
            bitmap |= 1ULL << back;
    return bitmap;
}

void traffic_tell_counters(const struct traffic *t, struct ike_host *host)
{
    for (const struct traffic_sa *sa = t->oldest; sa != NULL; sa = sa->next)
        ike_child_note_counters(host, sa->ike_sa, sa->in.spi, sa->out.sent, sa->in.window.highest,
                                bitmap_of(&sa->in.window));
}

/* --- packets ------------------------------------------------------------------------------------- */

bool traffic_seal(struct traffic *t, struct traffic_sa *sa, uint64_t seq, const struct esp_payload *payload,
                  struct random_source *random, struct datagram *out, struct error *err)
{
    (void)t;
    uint64_t number = seq;
    if (seq == 0 && !esp_next(&sa->out, &number, err))
        return false;
    size_t room = payload->inner.len + payload->tfc_padding + ESP_MAX_OVERHEAD, len;
    uint8_t *octets = malloc(room);
    if (octets == NULL)
        return fail(err, "out of memory");
    if (!esp_seal(&sa->out, number, payload, random, octets, room, &len, err)) {
        free(octets);
        return false;
    }
    *out = (struct datagram){
        .from = sa->local, .to = sa->remote, .octets = octets, .len = len, .raw_esp = sa->raw};
    sa->sealed++;
    return true;
}

/* RFC 3948 2: the non-ESP marker is an SPI of 0, a keepalive a single octet. */
bool traffic_is_esp(const struct datagram *d)
{
    static const uint8_t marker[4];
    return d->raw_esp || (d->len >= MIN_ESP && memcmp(d->octets, marker, sizeof marker) != 0);
}

enum esp_verdict traffic_open(struct traffic *t, const struct datagram *d, uint8_t *room,
                              struct traffic_opened *out, struct error *err)
{
    uint32_t spi = 0, low;
    *out = (struct traffic_opened){0};
    if (!esp_read_header(datagram_octets(d), &spi, &low)) {
        fail(err, "ESP: %zu octets are no packet", d->len);
        return ESP_MALFORMED;
    }
    out->sa = traffic_sa_of(t, spi);
    if (out->sa == NULL) {
        fail(err, "ESP: no SA has SPI %08x", spi);
        return ESP_OTHER_SPI;
    }
    enum esp_verdict verdict = esp_open(&out->sa->in, datagram_octets(d), room, &out->esp, err);
    if (verdict == ESP_ACCEPTED)
        out->sa->opened++;
    else
        out->sa->refused++;
    return verdict;
}
