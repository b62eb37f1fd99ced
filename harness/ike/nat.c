/* NAT detection (RFC 7296 2.23). */
#include "ike/sa.h"

enum { NAT_HASH_LEN = 20 };

static void nat_hash(const uint8_t *spi_i, const uint8_t *spi_r, const struct endpoint *e,
                     uint8_t out[NAT_HASH_LEN])
{
    uint8_t port[2] = {(uint8_t)(e->port >> 8), (uint8_t)e->port};
    const struct octets parts[] = {
        octets_of(spi_i, IKE_SPI_LEN),
        octets_of(spi_r, IKE_SPI_LEN),
        endpoint_address(e),
        octets_of(port, sizeof port),
    };
    sha1_digest(parts, 4, out);
}

static void write_hash(struct payload_writer *p, uint16_t type, const uint8_t hash[NAT_HASH_LEN])
{
    const struct wire_notify n = {.type = type, .data = octets_of(hash, NAT_HASH_LEN)};
    write_payload_notify(p, &n);
}

void nat_write_detection(struct ike_host *host, struct payload_writer *p, const uint8_t *spi_i,
                         const uint8_t *spi_r, const struct endpoint *local, const struct endpoint *remote)
{
    uint8_t source[NAT_HASH_LEN], destination[NAT_HASH_LEN];
    nat_hash(spi_i, spi_r, local, source);
    nat_hash(spi_i, spi_r, remote, destination);
    if (host->config->pretend_nat)
        source[0] ^= 0xff; /* as if our address were translated on the way */
    write_hash(p, NOTIFY_NAT_DETECTION_SOURCE_IP, source);
    write_hash(p, NOTIFY_NAT_DETECTION_DESTINATION_IP, destination);
}

/* There may be several source hashes, one for each address that the sender might use; one that matches is
 * enough. */
static bool translated(const struct ike_payloads *payloads, uint16_t type, const uint8_t hash[NAT_HASH_LEN])
{
    bool seen = false;
    for (size_t i = 0; i < payloads->count; i++) {
        const struct ike_payload *p = &payloads->list[i];
        if (p->type != PAYLOAD_NOTIFY || p->notify.type != type)
            continue;
        if (octets_equal(p->notify.data, octets_of(hash, NAT_HASH_LEN)))
            return false;
        seen = true;
    }
    return seen;
}

/* `spi_r`: as it stood in the header of that message. */
void nat_detect(struct ike_sa *sa, const struct received *in, const uint8_t *spi_r)
{
    uint8_t source[NAT_HASH_LEN], destination[NAT_HASH_LEN];
    nat_hash(sa->spi_i, spi_r, &in->datagram->from, source);
    nat_hash(sa->spi_i, spi_r, &in->datagram->to, destination);
    bool spoken = ike_find_notify(&in->payloads, NOTIFY_NAT_DETECTION_SOURCE_IP) != NULL;
    sa->nat_remote = translated(&in->payloads, NOTIFY_NAT_DETECTION_SOURCE_IP, source);
    sa->nat_local = translated(&in->payloads, NOTIFY_NAT_DETECTION_DESTINATION_IP, destination) ||
                    (spoken && sa->host->config->pretend_nat);
}

/* The initiator goes on at the ports of RFC 3948: when there is a NAT, or when one may come into the way
 * because the ends move (RFC 4555 3.3). */
void nat_move_ports(struct ike_sa *sa, const struct received *in)
{
    const struct ike_config *config = sa->host->config;
    bool may_move = config->mobike && ike_find_notify(&in->payloads, NOTIFY_NAT_DETECTION_SOURCE_IP) != NULL;
    if ((!sa->nat_local && !sa->nat_remote && !may_move) || config->local_natt_port == 0 ||
        config->remote_natt_port == 0)
        return;
    sa->local.port = config->local_natt_port;
    sa->remote.port = config->remote_natt_port;
}
