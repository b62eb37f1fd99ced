#include "stage/extensions.h"

#include "stage/stage_parts.h"

static struct ike_sa_info session_info(struct stage *stage)
{
    struct ike_sa_info info = {0};
    (void)ike_sa_info(active_host(stage), session_sa(stage), &info);
    return info;
}

bool member_fragments(struct stage *stage, size_t octets)
{
    return session_info(stage).fragmentation &&
           ike_sa_fragment(active_host(stage), session_sa(stage), octets, NULL);
}

unsigned peer_window(struct stage *stage)
{
    return session_info(stage).window_send;
}

unsigned member_window(struct stage *stage)
{
    return session_info(stage).window_recv;
}

/* The first one alone, until it is answered: a window that it still occupies would hold back the others. */
int peer_asks_at_once(struct stage *stage, unsigned n)
{
    if (!peer_asks(stage).possible)
        return -1;
    settle(stage);
    return (int)leave_peer_requests_outstanding(stage, n);
}

unsigned fragments_of(struct stage *stage, unsigned packet)
{
    const struct wire_packet *p = packet_numbered(stage, packet);
    return p ? p->fragments : 0;
}
