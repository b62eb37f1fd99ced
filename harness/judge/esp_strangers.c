/* IKE-18 of SPIs that nobody agreed on. A capture can say so only where it has all of what was agreed: of the
 * two ends every IKE SA was seen from its beginning, opened and whole, and the first packet on the SPI is
 * younger than the first of them. */
#include "judge/esp_parts.h"

static bool is_whole(const struct ike_unit *u)
{
    const struct judge_sa *sa = u->sa;
    return u->n_keys > 0 && !sa->begins_late && !sa->has_cut && !sa->disordered && sa->opened[PARTY_A] > 0 &&
           sa->opened[PARTY_B] > 0 && u->ended_open;
}

static bool has_end(const struct ike_unit *u, enum judge_party party, const struct endpoint *e)
{
    for (unsigned i = 0; i < u->n_ends[party]; i++)
        if (endpoint_same_address(&u->ends[party][i], e))
            return true;
    return u->n_ends[party] == ENDS_MAX;
}

/* What is known of the IKE SAs of both ends. */
struct whole {
    bool any, all;
    int64_t first_us;
};

static struct whole whole_of(const struct judge *j, const struct esp_unit *e)
{
    struct whole w = {.all = true, .first_us = INT64_MAX};
    for (const struct ike_unit *u = j->units; u; u = u->hh.next) {
        bool from = has_end(u, e->esp->from, &e->esp->source),
             to = has_end(u, other_party(e->esp->from), &e->esp->destination);
        if (!from && !to)
            continue;
        w.all = w.all && is_whole(u);
        w.any = w.any || (from && to);
        if (from && to && u->sa->first_us < w.first_us)
            w.first_us = u->sa->first_us;
    }
    return w;
}

/* In a request whose answer the capture does not have: that may have been lost, and the sender of it uses the
 * SA. */
static bool was_offered(const struct judge *j, const struct judge_esp *esp)
{
    enum judge_party by = other_party(esp->from);
    for (const struct ike_unit *u = j->units; u; u = u->hh.next)
        for (unsigned i = 0; i < u->n_exchanges[by] && i < EXCHANGES_MAX; i++)
            for (unsigned k = 0; k < u->exchanges[by][i].n_offers; k++)
                if (u->exchanges[by][i].used && u->exchanges[by][i].offers[k].spi == esp->spi)
                    return true;
    return false;
}

static void judge(struct judge *j, struct esp_unit *e)
{
    const struct judge_esp *esp = e->esp;
    if (esp->agreed || esp->packets == 0 || e->has_keys || j->options.lossy || was_offered(j, esp))
        return;
    struct whole w = whole_of(j, e);
    if (w.any && w.all && esp->first_us > w.first_us)
        ledger_broken(&e->ledger, esp->from, "IKE-18", FRAMES(esp->first),
                      "ESP comes on Child SAs that were agreed on and are not deleted",
                      "packet %u has SPI %08x, which no Child SA has", esp->first.number, esp->spi);
}

/* There are few, unless keys are missing; and then there is nothing to say of any. */
void strangers_judge(struct judge *j)
{
    enum { MOST = 64 };
    unsigned n = 0;
    for (struct esp_unit *e = j->esp->units; e; e = e->hh.next)
        for (struct esp_unit *same = e; same && n < MOST; same = same->same_key)
            if (!same->esp->agreed && same->esp->packets > 0) {
                judge(j, same);
                n++;
            }
}
