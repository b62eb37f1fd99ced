#include "ike/snapshot.h"

#include <stdlib.h>

void ike_snapshot_free(struct ike_snapshot *s)
{
    if (s == NULL)
        return;
    crypto_wipe(s, sizeof *s + s->n_children * sizeof s->children[0]);
    free(s);
}
