/* Whatever one end of a pair can ask the other for. */
#ifndef TESTS_IKE_FLIGHT_H
#define TESTS_IKE_FLIGHT_H

#include "tests/ike_pair.h"

enum flight { LIVENESS, CREATE_CHILD, REKEY_CHILD, REKEY_IKE, DELETE_CHILD, DELETE_IKE, FLIGHTS };

static inline uint32_t start(struct pair *p, enum side s, enum flight what)
{
    struct end *e = &p->end[s];
    switch (what) {
    case LIVENESS:
        return ike_sa_liveness(e->host, e->sa, p->now_us, NULL);
    case CREATE_CHILD:
        return ike_child_create(e->host, e->sa, p->now_us, NULL);
    case REKEY_CHILD:
        return ike_child_rekey(e->host, e->sa, first_child(p, s), p->now_us, NULL);
    case REKEY_IKE:
        return ike_sa_rekey(e->host, e->sa, p->now_us, NULL);
    case DELETE_CHILD:
        return ike_child_delete(e->host, e->sa, first_child(p, s), p->now_us, NULL);
    case DELETE_IKE:
        return ike_sa_delete(e->host, e->sa, p->now_us, NULL);
    case FLIGHTS:
        break;
    }
    return 0;
}

#endif
