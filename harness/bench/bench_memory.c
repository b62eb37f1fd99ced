/* What an established IKE SA with one Child SA keeps on the heap. Fails above the limit that the suite sets
 * itself. */
#include "bench/bench.h"

#include <malloc.h>

#include "crypto/cleanup.h"

enum { SAS = 10000, MAX_PER_SA = 8192 };

/* The allocator's own overhead and the tables of the host included. */
static size_t heap_in_use(void)
{
    struct mallinfo2 m = mallinfo2();
    return m.uordblks + m.hblkhd;
}

static double counted_per_sa(const struct host_end *end)
{
    static uint32_t ids[SAS];
    size_t sum = 0;
    require(ike_host_sas(end->host, ids, SAS) == SAS, "not all SAs are there");
    for (unsigned i = 0; i < SAS; i++)
        sum += ike_sa_memory(end->host, ids[i]);
    return (double)sum / SAS;
}

/* The heap shrinks by what the SAs kept in it. */
static double freed_per_sa(struct host_end *end)
{
    size_t before = heap_in_use();
    host_end_renew(end);
    return (double)(before - heap_in_use()) / SAS;
}

int main(void)
{
    static const char *const names[] = {
        [A] = "Heap per IKE SA + Child SA, initiator", [B] = "Heap per IKE SA + Child SA, responder"};
    static const char *const counted[] = {
        [A] = "  of that by ike_sa_memory, initiator", [B] = "  of that by ike_sa_memory, responder"};
    struct two_hosts *h = two_hosts_new(1);
    for (unsigned i = 0; i < SAS; i++)
        establish(h);

    bool within = true;
    for (enum side s = A; s <= B; s++) {
        double own_count = counted_per_sa(&h->end[s]), heap = freed_per_sa(&h->end[s]);
        report_value(&(struct figure){names[s], "octets", "8 KiB"}, heap, MAX_PER_SA);
        report_value(&(struct figure){counted[s], "octets", "the heap's growth"}, own_count, heap);
        within = within && heap <= MAX_PER_SA;
    }
    two_hosts_free(h);
    crypto_cleanup();
    require(within, "an IKE SA with its Child SA keeps more than %d octets", MAX_PER_SA);
    return 0;
}
