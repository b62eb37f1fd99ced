#include "cluster/channel_edit.h"

#include <stdlib.h>
#include <string.h>

#include "cluster/context_values.h"

static const char *spi_of(const json_t *child)
{
    const char *spi = json_string_value(json_object_get(child, "spi_inbound"));
    return spi ? spi : "";
}

static bool holds(const json_t *children, const json_t *child)
{
    size_t i;
    json_t *other;
    json_array_foreach((json_t *)(uintptr_t)children, i, other)
    {
        if (strcmp(spi_of(other), spi_of(child)) == 0)
            return true;
    }
    return false;
}

/* In front: they are older than what was told since. */
static void add_deleted(json_t *children, json_t *told)
{
    size_t i, at = 0;
    json_t *child;
    json_array_foreach(told, i, child)
    {
        if (!holds(children, child))
            json_array_insert_new(children, at++, json_deep_copy(child));
    }
}

static void edit_children(json_t *context, json_t *told, enum children_edit how)
{
    json_t *children = json_object_get(context, "child_sas");
    switch (how) {
    case CHILDREN_AS_TOLD:
        context_value_forget(children);
        json_object_set_new(context, "child_sas", told ? json_deep_copy(told) : json_array());
        break;
    case CHILDREN_WITHOUT_LAST:
        if (json_array_size(children) == 0)
            break;
        context_value_forget(json_array_get(children, json_array_size(children) - 1));
        json_array_remove(children, json_array_size(children) - 1);
        break;
    case CHILDREN_WITH_DELETED:
        add_deleted(children, told);
        break;
    }
}

char *context_edit_children(const char *context, const char *told, enum children_edit how)
{
    json_t *object = json_loads(context, 0, NULL), *before = told ? json_loads(told, 0, NULL) : NULL;
    char *edited = NULL;
    if (json_is_array(json_object_get(object, "child_sas"))) {
        edit_children(object, json_object_get(before, "child_sas"), how);
        edited = context_text(object);
    }
    context_value_forget(object);
    context_value_forget(before);
    json_decref(object);
    json_decref(before);
    return edited;
}
