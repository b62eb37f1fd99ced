/* Habits: what the peer does of itself, and when. */
#include "peers/reference/habits.h"

#include <stdlib.h>
#include <utlist.h>

#include "cluster/data_path.h"
#include "peers/reference/echo.h"
#include "peers/reference/outgoing.h"

static struct ike_host *host_of(const struct reference_peer *peer)
{
    return peer->cluster.members[peer->cluster.active].host;
}

/* --- late -------------------------------------------------------------------------------------------- */

struct late_datagram {
    struct datagram datagram;
    int64_t due_us;
    struct late_datagram *prev, *next;
};

/* Shorter than the time a peer is given, longer than a lively one takes. */
void answer_late(struct reference_peer *peer)
{
    peer->delays_us = CLOCK_MS(120);
}

bool habit_delays(struct reference_peer *peer, const struct datagram *d)
{
    struct late_datagram *late = peer->delays_us ? calloc(1, sizeof *late) : NULL;
    if (!late)
        return false;
    late->datagram = *d;
    late->due_us = peer->now_us + peer->delays_us;
    DL_APPEND(peer->late, late);
    return true;
}

bool habit_releases(struct reference_peer *peer, struct datagram *out)
{
    struct late_datagram *first = peer->late;
    if (!first || first->due_us > peer->now_us)
        return false;
    DL_DELETE(peer->late, first);
    *out = first->datagram;
    free(first);
    return true;
}

void habit_clear(struct reference_peer *peer)
{
    struct late_datagram *late, *next;
    DL_FOREACH_SAFE(peer->late, late, next)
    {
        DL_DELETE(peer->late, late);
        datagram_clear(&late->datagram);
        free(late);
    }
}

/* --- by the clock ------------------------------------------------------------------------------------ */

int64_t habit_deadline(const struct reference_peer *peer)
{
    int64_t next_us = peer->next_us ? peer->next_us : CLOCK_NEVER;
    return peer->late ? clock_earlier(next_us, peer->late->due_us) : next_us;
}

void habit_tick(struct reference_peer *peer, int64_t now_us)
{
    const struct member *m = cluster_active(&peer->cluster);
    if (!peer->every_us || (peer->next_us && now_us < peer->next_us))
        return;
    bool first = peer->next_us == 0;
    if (m->sa || !first)
        peer->next_us = now_us + peer->every_us;
    if (!m->sa || first)
        return;
    peer->at_times(peer, m->sa, now_us);
    peer->every_us += peer->growth_us;
}

static void ask_for_life(struct reference_peer *peer, uint32_t sa, int64_t now_us)
{
    ike_sa_liveness(host_of(peer), sa, now_us, NULL);
}

void ask_often(struct reference_peer *peer)
{
    peer->every_us = CLOCK_MS(3000);
    peer->at_times = ask_for_life;
}

static void replace_oldest_child(struct reference_peer *peer, uint32_t sa, int64_t now_us)
{
    uint32_t spi;
    if (ike_sa_children(host_of(peer), sa, &spi, 1) > 0)
        ike_child_rekey(host_of(peer), sa, spi, now_us, NULL);
}

void rekey_child_often(struct reference_peer *peer)
{
    peer->every_us = peer->growth_us = CLOCK_MS(700);
    peer->at_times = replace_oldest_child;
}

/* --- at once ----------------------------------------------------------------------------------------- */

static void make_child(struct reference_peer *peer, uint32_t sa, int64_t now_us)
{
    ike_child_create(host_of(peer), sa, now_us, NULL);
}

void make_child_at_once(struct reference_peer *peer)
{
    peer->after_established = make_child;
}

void make_child_after_sync(struct reference_peer *peer)
{
    peer->after_sync = make_child;
}

static void replace_session(struct reference_peer *peer, uint32_t sa, int64_t now_us)
{
    struct ike_sa_info info;
    if (ike_sa_info(host_of(peer), sa, &info) && !peer->replaced_session)
        ike_sa_rekey(host_of(peer), sa, now_us, NULL);
    peer->replaced_session = !peer->replaced_session; /* not the new one, too */
}

void rekey_at_once(struct reference_peer *peer)
{
    peer->after_established = replace_session;
}

/* --- what it says ------------------------------------------------------------------------------------ */

/* RFC 7296 3.12: in any message. Beside a sync nothing may stand (RFC 6311 5.1). */
static void add_vendor(const struct outgoing *m)
{
    static const uint8_t words[] = "some vendor or other";
    uint8_t buffer[16384];
    struct writer w = writer_into(buffer, sizeof buffer);
    struct payload_writer p = payloads_into(&w);
    struct ike_payloads chain;
    if (m->sync || !outgoing_read(m, &chain))
        return;
    write_payload_raw(&p, PAYLOAD_VENDOR, false, octets_of(words, sizeof words - 1));
    for (size_t i = 0; i < chain.count; i++)
        write_payload_raw(&p, chain.list[i].type, chain.list[i].critical, chain.list[i].body);
    write_payload_raw(&p, PAYLOAD_VENDOR, false, octets_of(words, sizeof words - 1));
    outgoing_replace(m, &p);
}

void name_vendors(struct reference_peer *peer)
{
    peer->rules.edit_outgoing = add_vendor;
}

/* RFC 4555 3.7: whoever gets it sends it back; without MOBIKE it is a status notify like any other. */
static void ask_with_cookie2(struct reference_peer *peer, uint32_t sa, int64_t now_us)
{
    uint8_t room[64];
    struct writer w = writer_into(room, sizeof room);
    struct payload_writer p = payloads_into(&w);
    const struct wire_notify n = {.type = NOTIFY_COOKIE2, .data = octets_of_text("is the way open?")};
    write_payload_notify(&p, &n);
    ike_sa_inform(host_of(peer), sa, p.first, writer_octets(&w), now_us, NULL);
}

void test_the_way(struct reference_peer *peer)
{
    peer->after_established = peer->after_sync = ask_with_cookie2;
}

/* RFC 7296 1.5: an ESP packet of an SA that it does not have. */
static void tell_of_stranger(struct reference_peer *peer, uint32_t spi, int64_t now_us)
{
    uint8_t room[64], value[4];
    struct writer w = writer_into(room, sizeof room), v = writer_into(value, sizeof value);
    struct payload_writer p = payloads_into(&w);
    const struct member *m = cluster_active(&peer->cluster);
    if (!m->sa || traffic_sa_of(m->traffic, spi))
        return;
    write_u32(&v, spi);
    const struct wire_notify n = {.type = NOTIFY_INVALID_SPI, .data = writer_octets(&v)};
    write_payload_notify(&p, &n);
    ike_sa_inform(m->host, m->sa, p.first, writer_octets(&w), now_us, NULL);
}

void tell_of_unknown_esp(struct reference_peer *peer)
{
    peer->after_esp = tell_of_stranger;
}

static bool refuse_any_more(unsigned n_children)
{
    return n_children >= 1;
}

void refuse_more_children(struct reference_peer *peer)
{
    peer->rules.refuse_child = refuse_any_more;
}

/* --- its traffic ------------------------------------------------------------------------------------- */

/* As where packets were dropped behind ESP, on the way out. */
static void skip_numbers(struct reference_peer *peer, struct traffic_sa *sa,
                         const struct inner_packet *answer)
{
    (void)peer;
    (void)answer;
    esp_jump(&sa->out, 2, NULL);
}

void leave_gaps(struct reference_peer *peer)
{
    peer->after_echo = skip_numbers;
}

static void ask_back(struct reference_peer *peer, struct traffic_sa *sa, const struct inner_packet *answer)
{
    struct inner_packet own = *answer;
    if (answer->kind != INNER_ECHO_REPLY)
        return;
    own.kind = INNER_ECHO_REQUEST;
    own.a ^= 0x5555;
    reference_echo_seal(peer, sa, 0, &own);
}

void talk_of_itself(struct reference_peer *peer)
{
    peer->after_echo = ask_back;
}
