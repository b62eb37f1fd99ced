/* Which IVs were used on an ESP SA. */
#include "judge/esp_parts.h"

static size_t place_of(uint64_t iv)
{
    return (size_t)(iv & (ESP_RECENT - 1)); /* of a counter the last ones, without gaps */
}

static const struct iv_range *range_with(const struct esp_ivs *ivs, uint64_t iv)
{
    for (unsigned i = 0; i < ivs->n_ranges; i++)
        if (ivs->ranges[i].first <= iv && iv <= ivs->ranges[i].last)
            return &ivs->ranges[i];
    return NULL;
}

bool esp_ivs_used(const struct esp_ivs *ivs, const struct iv_use *use, bool counts, bool is_new,
                  struct iv_use *before)
{
    const struct iv_use *recent = &ivs->recent[place_of(use->iv)];
    if (recent->used && recent->iv == use->iv) {
        *before = *recent;
        return recent->digest != use->digest;
    }
    const struct iv_range *range = counts && is_new ? range_with(ivs, use->iv) : NULL;
    if (range)
        *before = (struct iv_use){.iv = use->iv, .frame = range->frame, .member = range->member};
    return range != NULL;
}

static void join(struct esp_ivs *ivs, unsigned at)
{
    for (unsigned i = 0; i < ivs->n_ranges; i++)
        if (i != at && ivs->ranges[i].first == ivs->ranges[at].last + 1 &&
            ivs->ranges[at].last < UINT64_MAX) {
            ivs->ranges[at].last = ivs->ranges[i].last;
            ivs->ranges[i] = ivs->ranges[--ivs->n_ranges];
            ivs->newest = at == ivs->n_ranges ? i : at;
            return;
        }
}

static void add_to_ranges(struct esp_ivs *ivs, const struct iv_use *use)
{
    const struct iv_range *known = range_with(ivs, use->iv);
    for (unsigned n = 0; !known && n < ivs->n_ranges; n++) {
        unsigned i = (ivs->newest + n) % ivs->n_ranges;
        struct iv_range *r = &ivs->ranges[i];
        if (r->last == UINT64_MAX || r->last + 1 != use->iv)
            continue;
        r->last = use->iv;
        r->frame = use->frame;
        r->member = use->member;
        ivs->newest = i;
        join(ivs, i);
        return;
    }
    if (known)
        return;
    unsigned at = ivs->n_ranges < ESP_RANGES ? ivs->n_ranges++ : (ivs->newest + 1) % ESP_RANGES;
    ivs->ranges[at] = (struct iv_range){use->iv, use->iv, use->frame, use->member};
    ivs->newest = at;
}

void esp_ivs_add(struct esp_ivs *ivs, const struct iv_use *use, bool counts)
{
    ivs->recent[place_of(use->iv)] = *use;
    ivs->recent[place_of(use->iv)].used = true;
    if (counts)
        add_to_ranges(ivs, use);
}
