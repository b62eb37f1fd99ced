#include "crypto/auth.h"

#include "crypto/cipher.h"
#include "crypto/prf.h"

bool auth_by_psk(uint16_t prf, struct octets psk, struct octets message, struct octets nonce,
                 struct octets sk_p, struct octets id, uint8_t *out, struct error *err)
{
    uint8_t key[CRYPTO_MAX_PRF_LEN], id_mac[CRYPTO_MAX_PRF_LEN];
    struct octets pad = octets_of_text("Key Pad for IKEv2"); /* RFC 7296 2.15: without a NUL */
    struct octets parts[] = {message, nonce, octets_of(id_mac, prf_len(prf))};

    bool ok = prf_compute(prf, psk, &pad, 1, key, err) && prf_compute(prf, sk_p, &id, 1, id_mac, err) &&
              prf_compute(prf, octets_of(key, prf_len(prf)), parts, 3, out, err);
    crypto_wipe(key, sizeof key);
    return ok;
}
