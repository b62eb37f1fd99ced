/* IANA registry values of IKEv2 that the suite knows, one list each: the enum and the names come
 * from the same row, so neither can lack a value of the other.
 * Source: IANA "Internet Key Exchange Version 2 (IKEv2) Parameters". */
#ifndef BASE_REGISTRY_H
#define BASE_REGISTRY_H

#include <stdint.h>

#define IKE_EXCHANGES(X)                                                                                     \
    X(IKE_SA_INIT, 34)                                                                                       \
    X(IKE_AUTH, 35)                                                                                          \
    X(CREATE_CHILD_SA, 36)                                                                                   \
    X(INFORMATIONAL, 37)

#define IKE_PAYLOADS(X) /* enum suffix, number, short name as the field writes it */                         \
    X(NONE, 0, "none")                                                                                       \
    X(SA, 33, "SA")                                                                                          \
    X(KE, 34, "KE")                                                                                          \
    X(IDI, 35, "IDi")                                                                                        \
    X(IDR, 36, "IDr")                                                                                        \
    X(CERT, 37, "CERT")                                                                                      \
    X(CERTREQ, 38, "CERTREQ")                                                                                \
    X(AUTH, 39, "AUTH")                                                                                      \
    X(NONCE, 40, "Nonce")                                                                                    \
    X(NOTIFY, 41, "N")                                                                                       \
    X(DELETE, 42, "D")                                                                                       \
    X(VENDOR, 43, "V")                                                                                       \
    X(TSI, 44, "TSi")                                                                                        \
    X(TSR, 45, "TSr")                                                                                        \
    X(SK, 46, "SK")                                                                                          \
    X(CP, 47, "CP")                                                                                          \
    X(EAP, 48, "EAP")                                                                                        \
    X(SKF, 53, "SKF")

#define IKE_NOTIFIES(X)                                                                                      \
    X(UNSUPPORTED_CRITICAL_PAYLOAD, 1)                                                                       \
    X(INVALID_IKE_SPI, 4)                                                                                    \
    X(INVALID_MAJOR_VERSION, 5)                                                                              \
    X(INVALID_SYNTAX, 7)                                                                                     \
    X(INVALID_MESSAGE_ID, 9)                                                                                 \
    X(INVALID_SPI, 11)                                                                                       \
    X(NO_PROPOSAL_CHOSEN, 14)                                                                                \
    X(INVALID_KE_PAYLOAD, 17)                                                                                \
    X(AUTHENTICATION_FAILED, 24)                                                                             \
    X(SINGLE_PAIR_REQUIRED, 34)                                                                              \
    X(NO_ADDITIONAL_SAS, 35)                                                                                 \
    X(INTERNAL_ADDRESS_FAILURE, 36)                                                                          \
    X(FAILED_CP_REQUIRED, 37)                                                                                \
    X(TS_UNACCEPTABLE, 38)                                                                                   \
    X(INVALID_SELECTORS, 39)                                                                                 \
    X(TEMPORARY_FAILURE, 43)                                                                                 \
    X(CHILD_SA_NOT_FOUND, 44)                                                                                \
    X(INITIAL_CONTACT, 16384)                                                                                \
    X(SET_WINDOW_SIZE, 16385)                                                                                \
    X(ADDITIONAL_TS_POSSIBLE, 16386)                                                                         \
    X(IPCOMP_SUPPORTED, 16387)                                                                               \
    X(NAT_DETECTION_SOURCE_IP, 16388)                                                                        \
    X(NAT_DETECTION_DESTINATION_IP, 16389)                                                                   \
    X(COOKIE, 16390)                                                                                         \
    X(USE_TRANSPORT_MODE, 16391)                                                                             \
    X(HTTP_CERT_LOOKUP_SUPPORTED, 16392)                                                                     \
    X(REKEY_SA, 16393)                                                                                       \
    X(ESP_TFC_PADDING_NOT_SUPPORTED, 16394)                                                                  \
    X(NON_FIRST_FRAGMENTS_ALSO, 16395)                                                                       \
    X(MOBIKE_SUPPORTED, 16396)                                                                               \
    X(ADDITIONAL_IP4_ADDRESS, 16397)                                                                         \
    X(ADDITIONAL_IP6_ADDRESS, 16398)                                                                         \
    X(NO_ADDITIONAL_ADDRESSES, 16399)                                                                        \
    X(UPDATE_SA_ADDRESSES, 16400)                                                                            \
    X(COOKIE2, 16401)                                                                                        \
    X(AUTH_LIFETIME, 16403)                                                                                  \
    X(MULTIPLE_AUTH_SUPPORTED, 16404)                                                                        \
    X(REDIRECT_SUPPORTED, 16406)                                                                             \
    X(TICKET_REQUEST, 16411)                                                                                 \
    X(CHILDLESS_IKEV2_SUPPORTED, 16418)                                                                      \
    X(EAP_ONLY_AUTHENTICATION, 16417)                                                                        \
    X(IKEV2_MESSAGE_ID_SYNC_SUPPORTED, 16420) /* RFC 6311 from here */                                       \
    X(IPSEC_REPLAY_COUNTER_SYNC_SUPPORTED, 16421)                                                            \
    X(IKEV2_MESSAGE_ID_SYNC, 16422)                                                                          \
    X(IPSEC_REPLAY_COUNTER_SYNC, 16423)                                                                      \
    X(IKEV2_FRAGMENTATION_SUPPORTED, 16430)                                                                  \
    X(SIGNATURE_HASH_ALGORITHMS, 16431)                                                                      \
    X(USE_PPK, 16435)                                                                                        \
    X(INTERMEDIATE_EXCHANGE_SUPPORTED, 16438)

#define IKE_TRANSFORM_TYPES(X)                                                                               \
    X(ENCR, 1)                                                                                               \
    X(PRF, 2)                                                                                                \
    X(INTEG, 3)                                                                                              \
    X(KE, 4)                                                                                                 \
    X(ESN, 5)

#define IKE_ENCR_ALGORITHMS(X)                                                                               \
    X(3DES, 3)                                                                                               \
    X(NULL, 11)                                                                                              \
    X(AES_CBC, 12)                                                                                           \
    X(AES_CTR, 13)                                                                                           \
    X(AES_GCM_8, 18)                                                                                         \
    X(AES_GCM_12, 19)                                                                                        \
    X(AES_GCM_16, 20)                                                                                        \
    X(CHACHA20_POLY1305, 28)

#define IKE_PRF_ALGORITHMS(X)                                                                                \
    X(HMAC_SHA1, 2)                                                                                          \
    X(HMAC_SHA2_256, 5)                                                                                      \
    X(HMAC_SHA2_384, 6)                                                                                      \
    X(HMAC_SHA2_512, 7)

#define IKE_INTEG_ALGORITHMS(X)                                                                              \
    X(NONE, 0)                                                                                               \
    X(HMAC_SHA1_96, 2)                                                                                       \
    X(HMAC_SHA2_256_128, 12)                                                                                 \
    X(HMAC_SHA2_384_192, 13)                                                                                 \
    X(HMAC_SHA2_512_256, 14)

#define IKE_KE_METHODS(X)                                                                                    \
    X(NONE, 0)                                                                                               \
    X(MODP_1024, 2)                                                                                          \
    X(MODP_2048, 14)                                                                                         \
    X(MODP_3072, 15)                                                                                         \
    X(MODP_4096, 16)                                                                                         \
    X(ECP_256, 19)                                                                                           \
    X(ECP_384, 20)                                                                                           \
    X(ECP_521, 21)                                                                                           \
    X(CURVE25519, 31)                                                                                        \
    X(CURVE448, 32)

#define IKE_PROTOCOLS(X)                                                                                     \
    X(NONE, 0)                                                                                               \
    X(IKE, 1)                                                                                                \
    X(AH, 2)                                                                                                 \
    X(ESP, 3)

#define IKE_ID_TYPES(X)                                                                                      \
    X(IPV4_ADDR, 1)                                                                                          \
    X(FQDN, 2)                                                                                               \
    X(RFC822_ADDR, 3)                                                                                        \
    X(IPV6_ADDR, 5)                                                                                          \
    X(DER_ASN1_DN, 9)                                                                                        \
    X(DER_ASN1_GN, 10)                                                                                       \
    X(KEY_ID, 11)                                                                                            \
    X(NULL, 13)

#define IKE_AUTH_METHODS(X)                                                                                  \
    X(RSA, 1)                                                                                                \
    X(PSK, 2)                                                                                                \
    X(ECDSA_256, 9)                                                                                          \
    X(ECDSA_384, 10)                                                                                         \
    X(ECDSA_521, 11)                                                                                         \
    X(NULL, 13)                                                                                              \
    X(DIGITAL_SIGNATURE, 14)

/* Certificate encodings (RFC 7296 3.6). */
enum { CERT_X509_SIGNATURE = 4 };

#define REGISTRY_ENUM_EXCHANGE(name, value)      EXCHANGE_##name = (value),
#define REGISTRY_ENUM_PAYLOAD(name, value, text) PAYLOAD_##name = (value),
#define REGISTRY_ENUM_NOTIFY(name, value)        NOTIFY_##name = (value),
#define REGISTRY_ENUM_TRANSFORM(name, value)     TRANSFORM_##name = (value),
#define REGISTRY_ENUM_ENCR(name, value)          ENCR_##name = (value),
#define REGISTRY_ENUM_PRF(name, value)           PRF_##name = (value),
#define REGISTRY_ENUM_INTEG(name, value)         INTEG_##name = (value),
#define REGISTRY_ENUM_KE(name, value)            KE_##name = (value),
#define REGISTRY_ENUM_PROTOCOL(name, value)      PROTOCOL_##name = (value),
#define REGISTRY_ENUM_ID(name, value)            ID_##name = (value),
#define REGISTRY_ENUM_AUTH(name, value)          AUTH_##name = (value),

enum exchange_type { IKE_EXCHANGES(REGISTRY_ENUM_EXCHANGE) };
enum payload_type { IKE_PAYLOADS(REGISTRY_ENUM_PAYLOAD) };
enum notify_type { IKE_NOTIFIES(REGISTRY_ENUM_NOTIFY) };
enum transform_type { IKE_TRANSFORM_TYPES(REGISTRY_ENUM_TRANSFORM) };
enum encr_algorithm { IKE_ENCR_ALGORITHMS(REGISTRY_ENUM_ENCR) };
enum prf_algorithm { IKE_PRF_ALGORITHMS(REGISTRY_ENUM_PRF) };
enum integ_algorithm { IKE_INTEG_ALGORITHMS(REGISTRY_ENUM_INTEG) };
enum ke_method { IKE_KE_METHODS(REGISTRY_ENUM_KE) };
enum protocol_id { IKE_PROTOCOLS(REGISTRY_ENUM_PROTOCOL) };
enum id_type { IKE_ID_TYPES(REGISTRY_ENUM_ID) };
enum auth_method { IKE_AUTH_METHODS(REGISTRY_ENUM_AUTH) };

/* Notify types below this are errors, from here on they are status (RFC 7296 3.10.1). */
enum { NOTIFY_FIRST_STATUS = 16384 };

/* Names as the registry writes them ("INFORMATIONAL", "N", "IKEV2_MESSAGE_ID_SYNC", "AES_GCM_16");
 * NULL for a value that the suite does not know. */
const char *exchange_name(unsigned value);
const char *payload_name(unsigned value);
const char *notify_name(unsigned value);
const char *transform_type_name(unsigned value);
const char *transform_name(unsigned type, unsigned id);
const char *protocol_name(unsigned value);
const char *id_type_name(unsigned value);
const char *auth_method_name(unsigned value);

#endif
