/* The chain of a message that is about to be sent, as faults and habits change it. Private to the folder. */
#ifndef PEERS_REFERENCE_OUTGOING_H
#define PEERS_REFERENCE_OUTGOING_H

#include "peers/reference/peer.h"

static inline bool outgoing_read(const struct outgoing *m, struct ike_payloads *chain)
{
    return ike_read_payloads(*m->first, writer_octets(m->inner), chain, NULL);
}

/* What was written instead; `with` is over a buffer of its own. Nothing changes when it did not fit. */
static inline void outgoing_replace(const struct outgoing *m, const struct payload_writer *with)
{
    if (with->w->full)
        return;
    m->inner->len = 0;
    write_bytes(m->inner, writer_octets(with->w));
    *m->first = with->first;
}

static inline void outgoing_clear(const struct outgoing *m)
{
    m->inner->len = 0;
    *m->first = PAYLOAD_NONE;
}

#endif
