#include "base/registry.h"

#include <stddef.h>

#define NAME(name, value)                                                                                    \
    case (value):                                                                                            \
        return #name;
#define PAYLOAD_NAME(name, value, text)                                                                      \
    case (value):                                                                                            \
        return text;

/* The lists are turned into switches over the number as it came from the wire: a value that stands twice in
 * one list does not compile. */
#define NAME_FUNCTION(function, list, row)                                                                   \
    function(unsigned value)                                                                                 \
    {                                                                                                        \
        switch (value) {                                                                                     \
            list(row)                                                                                        \
        }                                                                                                    \
        return NULL;                                                                                         \
    }

NAME_FUNCTION(const char *exchange_name, IKE_EXCHANGES, NAME)
NAME_FUNCTION(const char *payload_name, IKE_PAYLOADS, PAYLOAD_NAME)
NAME_FUNCTION(const char *notify_name, IKE_NOTIFIES, NAME)
NAME_FUNCTION(const char *transform_type_name, IKE_TRANSFORM_TYPES, NAME)
NAME_FUNCTION(const char *protocol_name, IKE_PROTOCOLS, NAME)
NAME_FUNCTION(const char *id_type_name, IKE_ID_TYPES, NAME)
NAME_FUNCTION(const char *auth_method_name, IKE_AUTH_METHODS, NAME)

NAME_FUNCTION(static const char *encr_name, IKE_ENCR_ALGORITHMS, NAME)
NAME_FUNCTION(static const char *prf_name, IKE_PRF_ALGORITHMS, NAME)
NAME_FUNCTION(static const char *integ_name, IKE_INTEG_ALGORITHMS, NAME)
NAME_FUNCTION(static const char *ke_name, IKE_KE_METHODS, NAME)

const char *transform_name(unsigned type, unsigned id)
{
    switch (type) {
    case TRANSFORM_ENCR:
        return encr_name(id);
    case TRANSFORM_PRF:
        return prf_name(id);
    case TRANSFORM_INTEG:
        return integ_name(id);
    case TRANSFORM_KE:
        return ke_name(id);
    case TRANSFORM_ESN:
        return id == 0 ? "NO_ESN" : id == 1 ? "ESN" : NULL;
    }
    return NULL;
}
