/* What a faulty data path does before a packet is opened, and when it does not open. */
#include "cluster/data_path.h"
#include "peers/reference/echo.h"

static struct traffic_sa *sa_of(struct reference_peer *peer, const struct datagram *d, uint32_t *seq_low)
{
    uint32_t spi;
    if (!esp_read_header(datagram_octets(d), &spi, seq_low))
        return NULL;
    return traffic_sa_of(cluster_active(&peer->cluster)->traffic, spi);
}

static bool is_far_ahead(struct reference_peer *peer, const struct datagram *d)
{
    enum { FAR = 5000 };
    uint32_t seq_low;
    struct traffic_sa *sa = sa_of(peer, d, &seq_low);
    return sa && replay_extend(&sa->in.window, seq_low) > sa->in.window.highest + FAR;
}

/* The number that this packet has is just the next one, and none below it was seen. */
static void forget_numbers(struct reference_peer *peer, const struct datagram *d)
{
    uint32_t seq_low;
    struct traffic_sa *sa = sa_of(peer, d, &seq_low);
    uint64_t seq = sa ? replay_extend(&sa->in.window, seq_low) : 0;
    if (!sa || seq == 0 || seq > sa->in.window.highest)
        return;
    sa->in.window = replay_window_of(sa->in.window.size, sa->in.window.esn);
    sa->in.window.highest = seq - 1;
}

/* Where the high half would have to be counted up. */
static bool is_behind_the_half(struct reference_peer *peer, const struct datagram *d)
{
    uint32_t seq_low;
    const struct traffic_sa *sa = sa_of(peer, d, &seq_low);
    return sa && replay_extend(&sa->in.window, seq_low) >> 32 > sa->in.window.highest >> 32;
}

/* PAR-3 */
static void take_shared_window(struct reference_peer *peer, const struct datagram *d)
{
    uint32_t seq_low;
    struct traffic_sa *sa = sa_of(peer, d, &seq_low);
    if (!sa)
        return;
    if (peer->shared_window.size == 0 || peer->shared_window.esn != sa->in.window.esn)
        peer->shared_window = replay_window_of(sa->in.window.size, sa->in.window.esn);
    sa->in.window = peer->shared_window;
}

static void forget_other_window(struct reference_peer *peer, const struct datagram *d)
{
    uint32_t seq_low;
    struct traffic_sa *sa = sa_of(peer, d, &seq_low);
    if (sa && sa->in.spi != peer->last_spi)
        forget_numbers(peer, d);
    if (sa)
        peer->last_spi = sa->in.spi;
}

/* The last octet of the ICV is not compared: whatever would be right is put there. */
static enum esp_verdict open_loosely(struct reference_peer *peer, const struct datagram *d, uint8_t *room,
                                     struct traffic_opened *opened)
{
    struct datagram guess;
    enum esp_verdict verdict = ESP_NOT_AUTHENTIC;
    if (!datagram_copy(&guess, d))
        return verdict;
    for (unsigned octet = 0; octet <= UINT8_MAX && verdict == ESP_NOT_AUTHENTIC; octet++) {
        guess.octets[guess.len - 1] = (uint8_t)octet;
        verdict = traffic_open(cluster_active(&peer->cluster)->traffic, &guess, room, opened, NULL);
    }
    datagram_clear(&guess);
    return verdict;
}

enum esp_verdict echo_open(struct reference_peer *peer, const struct datagram *d, uint8_t *room,
                           struct traffic_opened *opened)
{
    enum esp_verdict verdict = traffic_open(cluster_active(&peer->cluster)->traffic, d, room, opened, NULL);
    if (verdict == ESP_NOT_AUTHENTIC && peer->compares_icv_loosely)
        verdict = open_loosely(peer, d, room, opened);
    if (verdict == ESP_NOT_AUTHENTIC && peer->marks_unauthentic && opened->sa)
        replay_mark(&opened->sa->in.window, opened->esp.seq);
    if (verdict == ESP_MALFORMED && peer->stops_at_malformed_esp)
        peer->deaf_to_esp = true;
    if (verdict == ESP_ACCEPTED && peer->shares_window)
        peer->shared_window = opened->sa->in.window;
    return verdict;
}

void reference_echo_restart_ivs(struct reference_peer *peer)
{
    struct traffic *t = cluster_active(&peer->cluster)->traffic;
    for (struct traffic_sa *sa = t ? t->oldest : NULL; sa; sa = sa->next)
        sa->out.iv_base = 0 - sa->out.sent;
}

bool echo_refuses(struct reference_peer *peer, const struct datagram *d)
{
    if (peer->forgets_numbers)
        forget_numbers(peer, d);
    if (peer->shares_window)
        take_shared_window(peer, d);
    if (peer->forgets_other_windows)
        forget_other_window(peer, d);
    return peer->deaf_to_esp || (peer->refuses_jumps && is_far_ahead(peer, d)) ||
           (peer->keeps_high_half && is_behind_the_half(peer, d));
}
