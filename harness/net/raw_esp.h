/* Raw sockets for IP protocol 50 (ESP), of the link over the real network. Private to the folder. */
#ifndef NET_RAW_ESP_H
#define NET_RAW_ESP_H

#include "net/datagram.h"

/* Non-blocking, close-on-exec, bound to the address; -1 with the error, which says what to do. */
int raw_esp_open(const struct endpoint *address, int receive_buffer, struct error *err);

/* What is behind the IP header of something received: the kernel leaves that of IPv4 in front. Empty: there
 * is no such header. */
struct octets raw_esp_payload(uint8_t family, struct octets received);

#endif
