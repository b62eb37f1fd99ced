#include "reports/html/message.h"

#include <stdio.h>
#include <string.h>

enum { BRIEF_WIDTH = 48, HEAD_WIDTH = 60 };

size_t message_head(const char *message)
{
    const char *brace = strstr(message, " {");
    return brace ? (size_t)(brace - message) : strlen(message);
}

/* Commas inside brackets belong to a payload. */
static size_t payload_len(const char *at)
{
    size_t n = 0;
    for (int depth = 0; at[n] && !(depth == 0 && (at[n] == ',' || strcmp(at + n, " }") == 0)); n++)
        depth += (at[n] == '(') - (at[n] == ')');
    return n;
}

bool message_payload(const char *message, const char **cursor, const char **payload, size_t *len)
{
    const char *at = *cursor;
    if (!at) {
        at = message + message_head(message);
        at += *at ? 2 : 0;
    } else if (*at == ',') {
        at++;
    }
    at += *at == ' ';
    if (!*at || *at == '}')
        return false;
    *payload = at;
    *len = payload_len(at);
    *cursor = at + *len;
    return true;
}

bool message_sync(const char *message, unsigned *sends, unsigned *expects)
{
    const char *at = strstr(message, "N(IKEV2_MESSAGE_ID_SYNC nonce ");
    return at && sscanf(at, "N(IKEV2_MESSAGE_ID_SYNC nonce %*x send %u recv %u", sends, expects) == 2;
}

/* "N(REKEY_SA ESP 01020304)" is REKEY_SA, "D(IKE)" stays, all else is its name. */
static void put_brief_payload(const char *payload, size_t len, char *out, size_t size)
{
    size_t name = strcspn(payload, "( ,");
    size_t bracket = name < len && payload[name] == '(' ? name + 1 : name;
    if (bracket == name || (payload[0] != 'N' && payload[0] != 'D') || name > 2)
        snprintf(out, size, "%.*s", (int)(name < len ? name : len), payload);
    else if (payload[0] == 'D')
        snprintf(out, size, "D(%.*s)", (int)strcspn(payload + bracket, " )"), payload + bracket);
    else
        snprintf(out, size, "%.*s", (int)strcspn(payload + bracket, " )"), payload + bracket);
}

/* "ESP c0ffee01 7: ICMP echo request 198.51.100.1 > ..." up to the addresses; of anything else what stands
 * before the payloads. */
static void put_head(const char *message, char *out, size_t size)
{
    size_t n = message_head(message);
    const char *arrow = strncmp(message, "ESP ", 4) == 0 ? strstr(message, " > ") : NULL;
    if (arrow)
        for (n = (size_t)(arrow - message) - 1; n > 4 && message[n] != ' '; n--)
            ;
    bool cut = n > HEAD_WIDTH;
    snprintf(out, size, "%.*s%s", (int)(cut ? HEAD_WIDTH : n), message, cut ? "\xe2\x80\xa6" : "");
}

void message_brief(const char *message, char *out, size_t size)
{
    unsigned sends, expects;
    const char *cursor = NULL, *payload;
    size_t len;
    put_head(message, out, size);
    if (message_sync(message, &sends, &expects)) {
        snprintf(out + strlen(out), size - strlen(out), ": sync, sends %u, expects %u", sends, expects);
        return;
    }
    for (bool first = true; message_payload(message, &cursor, &payload, &len); first = false) {
        char brief[64];
        put_brief_payload(payload, len, brief, sizeof brief);
        if (strlen(out) + strlen(brief) > BRIEF_WIDTH) {
            snprintf(out + strlen(out), size - strlen(out), first ? " \xe2\x80\xa6" : ", \xe2\x80\xa6");
            return;
        }
        snprintf(out + strlen(out), size - strlen(out), "%s%s", first ? "  " : ", ", brief);
    }
}
