#include "cluster/context_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cluster/context.h"

static size_t size_of(const struct ike_snapshot *s)
{
    return sizeof *s + s->n_children * sizeof s->children[0];
}

static struct ike_snapshot *clone(const struct ike_snapshot *s)
{
    struct ike_snapshot *copy = malloc(size_of(s));
    if (copy)
        memcpy(copy, s, size_of(s));
    return copy;
}

static bool keep(struct cluster *c, const struct ike_snapshot *s)
{
    if (c->n_kept == c->kept_capacity) {
        unsigned capacity = c->kept_capacity ? 2 * c->kept_capacity : 16;
        struct ike_snapshot **grown = realloc(c->kept, capacity * sizeof(struct ike_snapshot *));
        if (!grown)
            return false;
        c->kept = grown;
        c->kept_capacity = capacity;
    }
    c->kept[c->n_kept] = clone(s);
    return c->kept[c->n_kept] && ++c->n_kept;
}

char *cluster_pack(struct cluster *c, const struct ike_snapshot *snapshot)
{
    char number[16];
    if (!c->keeps_contexts)
        return context_write(snapshot);
    if (!keep(c, snapshot))
        return NULL;
    snprintf(number, sizeof number, "%u", c->n_kept - 1);
    return strdup(number);
}

struct ike_snapshot *cluster_unpack(const struct cluster *c, const char *context, struct error *err)
{
    if (!c->keeps_contexts)
        return context_read(context, err);
    unsigned long number = strtoul(context, NULL, 10);
    struct ike_snapshot *s = number < c->n_kept ? clone(c->kept[number]) : NULL;
    if (!s)
        fail(err, "context %s is not here, or memory is out", context);
    return s;
}

void cluster_forget_contexts(struct cluster *c)
{
    for (unsigned i = 0; i < c->n_kept; i++)
        ike_snapshot_free(c->kept[i]);
    free(c->kept);
    c->kept = NULL;
    c->n_kept = c->kept_capacity = 0;
}
