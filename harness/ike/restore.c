/* Snapshots: all that a member has to know of an SA, and an SA made of nothing else. */
#include "ike/sa.h"

#include <stdlib.h>

/* --- out ----------------------------------------------------------------------------------------- */

static uint16_t copy_out(const struct blob *from, uint8_t *to, size_t room)
{
    size_t len = from->len < room ? from->len : room;
    if (len > 0)
        memcpy(to, from->at, len);
    return (uint16_t)len;
}

static struct snapshot_id id_out(uint8_t type, struct octets data)
{
    struct snapshot_id id = {.type = type};
    id.len = (uint8_t)(data.len < sizeof id.data ? data.len : sizeof id.data);
    if (id.len > 0)
        memcpy(id.data, data.at, id.len);
    return id;
}

/* A Child SA that was not given ends of its own has those of its IKE SA. */
static struct child_snapshot with_addresses(const struct child_snapshot *child, const struct ike_sa *sa)
{
    struct child_snapshot out = *child;
    if (!out.local.family)
        out.local = sa->local;
    if (!out.remote.family)
        out.remote = sa->remote;
    return out;
}

static void copy_children(const struct ike_sa *sa, struct ike_snapshot *out)
{
    for (const struct child_sa *c = sa->children; c != NULL && out->n_children < SNAPSHOT_MAX_CHILDREN;
         c = c->next)
        out->children[out->n_children++] = with_addresses(&c->s, sa);
}

bool ike_child_info(const struct ike_host *host, uint32_t id, uint32_t spi_in, struct child_snapshot *out)
{
    const struct ike_sa *sa = host_sa(host, id);
    const struct child_sa *child = sa != NULL ? child_by_spi_in(sa, spi_in) : NULL;
    if (child == NULL)
        return false;
    *out = with_addresses(&child->s, sa);
    return true;
}

void ike_child_note_counters(struct ike_host *host, uint32_t id, uint32_t spi_in, uint64_t seq_out,
                             uint64_t seq_in, uint64_t replay_bitmap)
{
    const struct ike_sa *sa = host_sa(host, id);
    struct child_sa *child = sa != NULL ? child_by_spi_in(sa, spi_in) : NULL;
    if (child == NULL)
        return;
    child->s.seq_out = seq_out;
    child->s.seq_in = seq_in;
    child->s.replay_bitmap = replay_bitmap;
}

struct ike_snapshot *ike_sa_snapshot(const struct ike_host *host, uint32_t id, struct error *err)
{
    const struct ike_sa *sa = host_usable_sa(host, id, err);
    if (sa == NULL)
        return NULL;
    size_t n = 0;
    for (const struct child_sa *c = sa->children; c != NULL; c = c->next)
        n++;
    if (n > SNAPSHOT_MAX_CHILDREN) {
        fail(err, "IKE SA %u has %zu Child SAs, a snapshot holds %d", id, n, SNAPSHOT_MAX_CHILDREN);
        return NULL;
    }
    struct ike_snapshot *out = calloc(1, sizeof *out + n * sizeof out->children[0]);
    if (out == NULL) {
        fail(err, "out of memory");
        return NULL;
    }
    *out = (struct ike_snapshot){
        .initiator = sa->initiator,
        .local = sa->local,
        .remote = sa->remote,
        .id_local = id_out(host->config->local_id.type, host->config->local_id.data),
        .id_remote = id_out(sa->remote_id_type, blob_octets(&sa->remote_id)),
        .proposal = sa->proposal,
        .keys = sa->keys,
        .message_id_sync = sa->sync_negotiated,
        .replay_counter_sync = sa->replay_sync_negotiated,
        .nat_local = sa->nat_local,
        .nat_remote = sa->nat_remote,
        .fragmentation = sa->fragmentation,
        .mobike = sa->mobike,
        .window_send = sa->send.size,
        .window_recv = sa->recv.size,
        .next_send = sa->send.next,
        .next_recv = sa->recv.next,
        .highest_seen = sa->highest_seen,
    };
    memcpy(out->spi_i, sa->spi_i, IKE_SPI_LEN);
    memcpy(out->spi_r, sa->spi_r, IKE_SPI_LEN);
    out->nonce_i_len = copy_out(&sa->nonce_i, out->nonce_i, sizeof out->nonce_i);
    out->nonce_r_len = copy_out(&sa->nonce_r, out->nonce_r, sizeof out->nonce_r);
    out->shared_len = copy_out(&sa->shared, out->shared, sizeof out->shared);
    copy_children(sa, out);
    return out;
}

/* --- in ------------------------------------------------------------------------------------------ */

static bool check(struct ike_host *host, const struct ike_snapshot *s, struct error *err)
{
    struct cipher_sizes sizes;
    if (!cipher_sizes_of(&s->keys.suite, &sizes) || prf_len(s->keys.prf) == 0)
        return fail(err, "snapshot: no cipher or no PRF for its keys");
    if (s->nonce_i_len > sizeof s->nonce_i || s->nonce_r_len > sizeof s->nonce_r ||
        s->shared_len > sizeof s->shared)
        return fail(err, "snapshot: a length beyond its field");
    if (host_sa_by_spi(host, s->initiator ? s->spi_i : s->spi_r) != NULL)
        return fail(err, "snapshot: an IKE SA with this SPI is here already");
    return true;
}

static bool copy_in(struct ike_sa *sa, const struct ike_snapshot *s)
{
    memcpy(sa->spi_i, s->spi_i, IKE_SPI_LEN);
    memcpy(sa->spi_r, s->spi_r, IKE_SPI_LEN);
    sa->proposal = s->proposal;
    sa->keys = s->keys;
    sa->has_keys = true;
    sa->peer_announced_sync = sa->sync_negotiated = s->message_id_sync;
    sa->peer_announced_replay_sync = sa->replay_sync_negotiated = s->replay_counter_sync;
    sa->nat_local = s->nat_local;
    sa->nat_remote = s->nat_remote;
    sa->fragmentation = s->fragmentation && sa->host->config->fragment_size > 0;
    sa->mobike = s->mobike;
    sa->remote_id_type = s->id_remote.type;
    sa->send = send_window_new(s->window_send);
    sa->recv = recv_window_new(s->window_recv);
    send_window_set(&sa->send, s->next_send);
    recv_window_set(&sa->recv, s->next_recv);
    sa->highest_seen = s->highest_seen;
    free(sa->answers);
    return sa_make_room_for_answers(sa) &&
           blob_set(&sa->remote_id, octets_of(s->id_remote.data, s->id_remote.len)) &&
           blob_set(&sa->nonce_i, octets_of(s->nonce_i, s->nonce_i_len)) &&
           blob_set(&sa->nonce_r, octets_of(s->nonce_r, s->nonce_r_len)) &&
           blob_set(&sa->shared, octets_of(s->shared, s->shared_len));
}

static bool install_children(struct ike_sa *sa, const struct ike_snapshot *s, struct error *err)
{
    struct child_sa *child;
    for (uint16_t i = 0; i < s->n_children; i++)
        if (!child_install(sa, &s->children[i], &child))
            return fail(err, "snapshot: a Child SA with SPI %08x is here already", s->children[i].spi_in);
    return true;
}

uint32_t ike_host_restore(struct ike_host *host, const struct ike_snapshot *s, struct error *err)
{
    if (!check(host, s, err))
        return 0;
    struct ike_sa *sa = sa_new(host, s->initiator, &s->local, &s->remote);
    bool ok = sa != NULL && (copy_in(sa, s) || fail(err, "out of memory")) && install_children(sa, s, err) &&
              (sa_register(sa) || fail(err, "out of memory"));
    if (!ok) {
        if (sa != NULL)
            sa_forget(sa);
        host_sweep(host);
        return 0;
    }
    sa_set_state(sa, SA_ESTABLISHED);
    return sa->id;
}
