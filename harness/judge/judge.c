#include "judge/esp_parts.h"

#include <stdlib.h>

/* --- the keys ------------------------------------------------------------------------------------------ */

static bool index_keys(struct judge *j)
{
    const struct key_tables *t = j->options.keys;
    size_t n = t ? t->n_ike : 0;
    j->chain = calloc(n + 1, sizeof *j->chain);
    j->rows = calloc(n + 1, sizeof *j->rows);
    for (size_t i = 0; j->chain && j->rows && i < n; i++) {
        struct keys_of_spi *row;
        HASH_FIND(hh, j->key_index, t->ike[i].spi_i, IKE_SPI_LEN, row);
        if (!row) {
            row = &j->rows[i];
            memcpy(row->spi, t->ike[i].spi_i, sizeof row->spi);
            HASH_ADD(hh, j->key_index, spi, sizeof row->spi, row);
        }
        j->chain[i] = row->first;
        row->first = i + 1;
    }
    return j->chain && j->rows;
}

/* --- to which IKE SA a message belongs ----------------------------------------------------------------- */

static struct ike_unit *find_unit(const struct judge *j, const struct ike_header *h)
{
    struct ike_unit *u;
    HASH_FIND(hh, j->units, h->spi_i, IKE_SPI_LEN, u);
    /* IKE-14: half of a pair of SPIs. */
    if (!u)
        HASH_FIND(by_responder, j->by_responder, h->spi_r, IKE_SPI_LEN, u);
    return u;
}

static struct ike_unit *add_unit(struct judge *j, const struct judge_packet *p)
{
    struct keys_of_spi *keys;
    HASH_FIND(hh, j->key_index, header_of(p)->spi_i, IKE_SPI_LEN, keys);
    if (!keys && j->n_in_clear == JUDGE_MAX_SAS) {
        j->result.sas_left_out++;
        return NULL;
    }
    struct ike_unit *u = unit_new(j, p);
    if (!u) {
        j->result.memory_out = true;
        return NULL;
    }
    j->n_in_clear += u->n_keys == 0;
    memcpy(u->spi_i, u->sa->spi_i, sizeof u->spi_i);
    HASH_ADD(hh, j->units, spi_i, sizeof u->spi_i, u);
    if (u->n_keys > 0) {
        struct ike_unit *taken;
        HASH_FIND(by_responder, j->by_responder, u->keys[u->n_keys - 1].spi_r, IKE_SPI_LEN, taken);
        if (!taken)
            HASH_ADD_KEYPTR(by_responder, j->by_responder, u->keys[u->n_keys - 1].spi_r, IKE_SPI_LEN, u);
    }
    return u;
}

static void give(struct judge *j, struct judge_packet *p)
{
    p->turn = ++j->turns;
    if (p->is_esp) {
        esp_take(j, p);
        judge_packet_free(p);
        return;
    }
    bool has_header = packet_message(&p->wire.datagram).len >= IKE_HEADER_LEN;
    struct ike_unit *u = p->unit;
    if (!u)
        u = has_header ? find_unit(j, header_of(p)) : unit_between(j, p);
    if (!u && has_header && (header_of(p)->version >> 4 == 2))
        u = add_unit(j, p);
    if (!u) {
        j->result.unreadable++;
        judge_packet_free(p);
        return;
    }
    j->recent = u;
    unit_take(u, p);
}

/* --- from one end to the other ------------------------------------------------------------------------- */

struct judge *judge_open(const struct judge_options *options)
{
    size_t n;
    struct judge *j = calloc(1, sizeof *j);
    if (!j)
        return NULL;
    requirements(&n);
    j->options = *options;
    j->result.cluster_is_known = options->n_cluster > 0;
    j->last_sa = &j->result.sas;
    for (enum judge_party x = PARTY_A; x < PARTY_COUNT; x++)
        j->result.tallies[x] = calloc(n, sizeof *j->result.tallies[x]);
    j->esp = esp_table_open(j);
    if (j->esp && index_keys(j) && j->result.tallies[PARTY_A] && j->result.tallies[PARTY_B])
        return j;
    judge_close(j);
    return NULL;
}

void judge_take(struct judge *j, const struct captured *c)
{
    struct judge_packet *p = judge_packet_new(c);
    if (!p) {
        j->result.memory_out = true;
        return;
    }
    if (!parties_sort(j, p)) {
        j->result.of_others++;
        judge_packet_free(p);
        return;
    }
    order_add(&j->order, p);
    ahead_take(j, p);
    while ((p = order_take(&j->order, false)) != NULL)
        give(j, p);
}

const struct judge_result *judge_finish(struct judge *j)
{
    struct judge_packet *p;
    struct ike_unit *u, *next;
    if (j->finished)
        return &j->result;
    j->finished = true;
    while ((p = order_take(&j->order, true)) != NULL)
        give(j, p);
    esp_finish(j);
    HASH_CLEAR(by_responder, j->by_responder);
    HASH_ITER(hh, j->units, u, next)
    {
        HASH_DEL(j->units, u);
        unit_finish(u);
    }
    return &j->result;
}

static void free_esp(struct judge_esp *esp)
{
    findings_free(esp->findings);
    free(esp->points);
    free(esp);
}

static void free_sa(struct judge_sa *sa)
{
    findings_free(sa->findings);
    for (unsigned i = 0; i < sa->n_steps; i++)
        free(sa->steps[i].message);
    free(sa->steps);
    free(sa);
}

void judge_close(struct judge *j)
{
    if (!j)
        return;
    judge_finish(j);
    struct announced_spi *a = j->announced;
    HASH_CLEAR(hh, j->announced); /* the table; the list stays */
    for (struct announced_spi *next; a; a = next) {
        next = a->hh.next;
        free(a);
    }
    parties_clear(j);
    ends_clear(j);
    HASH_CLEAR(hh, j->key_index);
    free(j->rows);
    free(j->chain);
    for (struct judge_sa *sa = j->result.sas, *after; sa; sa = after) {
        after = sa->next;
        free_sa(sa);
    }
    for (struct judge_esp *esp = j->result.esp, *after; esp; esp = after) {
        after = esp->next;
        free_esp(esp);
    }
    free(j->result.tallies[PARTY_A]);
    free(j->result.tallies[PARTY_B]);
    free(j);
}

/* --- words --------------------------------------------------------------------------------------------- */

const char *judge_party_name(const struct judge_result *r, enum judge_party party)
{
    if (r->cluster_is_known)
        return party == PARTY_A ? "cluster" : "peer";
    return party == PARTY_A ? "side A" : "side B";
}

bool judge_step_is_remark(enum judge_step_kind kind)
{
    return kind == STEP_MOVED || kind == STEP_JUMPED || kind == STEP_ESP_MOVED || kind == STEP_ESP_JUMPED;
}

const char *judge_keys_text(enum judge_keys keys)
{
    switch (keys) {
    case JUDGE_KEYS_NONE:
        return "no keys: judged by headers alone";
    case JUDGE_KEYS_OPEN:
        return "opened";
    case JUDGE_KEYS_WRONG:
        return "the keys do not open it: no verdict";
    case JUDGE_KEYS_ONE_WAY:
        return "the keys open one direction only: the other one has no verdict";
    case JUDGE_KEYS_UNUSED:
        return "nothing in it is protected";
    }
    return "";
}

bool judge_has_verdict(const struct judge_result *r)
{
    size_t n;
    requirements(&n);
    for (enum judge_party x = PARTY_A; x < PARTY_COUNT; x++)
        for (size_t i = 0; i < n; i++)
            if (r->tallies[x][i].held || r->tallies[x][i].broken)
                return true;
    return false;
}
