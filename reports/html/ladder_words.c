/* The packets of a ladder in words. */
#include <stdlib.h>
#include <string.h>

#include "reports/html/ladder_layout.h"
#include "reports/html/message.h"
#include "reports/html/put.h"

static void put_payloads(FILE *out, const char *message)
{
    const char *cursor = NULL, *payload;
    size_t len;
    while (message_payload(message, &cursor, &payload, &len)) {
        char *text = strndup(payload, len);
        html_put(out, "<li>%s</li>\n", text ? text : "");
        free(text);
    }
}

static void put_words(FILE *out, const json_t *p, unsigned index, const struct ladder_look *look)
{
    char name[32], time[32];
    const char *message = text_of(p, "message");
    bool from_peer = strcmp(text_of(p, "direction"), "from-peer") == 0;
    packet_anchor(p, index, name, sizeof name);
    time_text(number_of(p, "at_us"), time, sizeof time);
    html_put(out, "<details class=\"packet-words %s\" id=\"c/%s/%s\"><summary>", packet_class(p),
             look->anchor, name);
    if (number_of(p, "number"))
        html_put(out, "%lld", number_of(p, "number"));
    else
        fputs("lost", out);
    html_put(out, " \xc2\xb7 %s \xc2\xb7 ", time);
    if (from_peer)
        html_put(out, "%s to %s %lld", look->peer, look->member, number_of(p, "member"));
    else
        html_put(out, "%s %lld to %s", look->member, number_of(p, "member"), look->peer);
    fputs(" \xc2\xb7 ", out);
    char *head = strndup(message, message_head(message));
    html_put(out, "%s</summary>\n<p>%s to %s</p>\n<ul>\n", head ? head : "", text_of(p, "from"),
             text_of(p, "to"));
    free(head);
    put_payloads(out, message);
    fputs("</ul></details>\n", out);
}

void html_packets(FILE *out, const json_t *lines, const struct ladder_look *look)
{
    struct layout l;
    if (!ladder_layout(lines, look, &l))
        return;
    fputs("<div class=\"packets\">\n", out);
    for (unsigned i = 0; i < l.count; i++)
        if (l.steps[i].kind == STEP_PACKET)
            put_words(out, l.steps[i].line, l.steps[i].index, look);
    fputs("</div>\n", out);
    free(l.steps);
}
