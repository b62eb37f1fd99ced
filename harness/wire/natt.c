#include "wire/natt.h"

bool has_non_esp_marker(struct octets datagram)
{
    static const uint8_t marker[NON_ESP_MARKER_LEN];
    return datagram.len >= sizeof marker && memcmp(datagram.at, marker, sizeof marker) == 0;
}

struct octets skip_non_esp_marker(struct octets datagram)
{
    if (!has_non_esp_marker(datagram))
        return datagram;
    return octets_of(datagram.at + NON_ESP_MARKER_LEN, datagram.len - NON_ESP_MARKER_LEN);
}
