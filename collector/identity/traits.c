/* SPDX-License-Identifier: MIT */
/*
 * Traits: the SDKs put them in five places; the flat form is read last, so that
 * it wins within one event.
 */
#include "identity/traits.h"

#include "base/mem.h"

/* Members that say whom the traits are about, or hold them. */
static const char *const no_traits[] = {
    "\"anonymous_id\"", "\"groupId\"", "\"group_id\"",    "\"userId\"",
    "\"user_id\"",      "\"traits\"",  "\"$set\"",        "\"properties\"",
    "\"sessionId\"",    "\"source\"",  "\"fingerprint\"",
};

static bool is_trait(struct dlr_text name)
{
    for (size_t i = 0; i < sizeof no_traits / sizeof no_traits[0]; i++) {
        if (dlr_text_equals(name, dlr_text_of(no_traits[i]))) {
            return false;
        }
    }
    return true;
}

static bool set(struct dld_traits *traits, struct dlr_text name,
                struct dlr_text value)
{
    for (size_t i = 0; i < traits->count; i++) {
        if (dlr_text_equals(traits->items[i].name, name)) {
            traits->items[i].value = value;
            return true;
        }
    }
    if (traits->count == traits->capacity) {
        size_t capacity = traits->capacity * 2 + 16;
        void *larger =
            dlr_realloc(traits->items, capacity * sizeof *traits->items);

        if (larger == NULL) {
            return false;
        }
        traits->items = larger;
        traits->capacity = capacity;
    }
    traits->items[traits->count++] = (struct dld_trait){name, value};
    return true;
}

static bool add_members(struct dld_traits *traits, struct dlr_json_value object)
{
    struct dlr_json_iter iter = dlr_json_iterate(object);
    struct dlr_json_value name;
    struct dlr_json_value value;
    bool has_room = true;

    if (object.type != DLR_JSON_OBJECT) {
        return true;
    }
    while (has_room && dlr_json_next_member(&iter, &name, &value)) {
        if (is_trait(name.text)) {
            has_room = set(traits, name.text, value.text);
        }
    }
    return has_room;
}

bool dld_traits_add(struct dld_traits *traits, const struct dld_event *event)
{
    static const char *const places[] = {"$set", "traits", "properties"};
    struct dlr_json_value clean =
        dlr_json_get(event->context, DLR_TEXT("userProperties"));
    bool has_room = true;

    /* Mobile SDKs mix traits with facts about the device, and send a clean
     * copy beside. */
    if (clean.type == DLR_JSON_OBJECT) {
        return add_members(traits, clean);
    }

    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        has_room = has_room &&
                   add_members(traits, dlr_json_get(event->properties,
                                                    dlr_text_of(places[i])));
    }
    return has_room && add_members(traits, event->properties);
}

void dld_traits_put(struct dlr_buf *out, const struct dld_traits *traits)
{
    dlr_buf_append_char(out, '{');
    for (size_t i = 0; i < traits->count; i++) {
        if (i > 0) {
            dlr_buf_append_char(out, ',');
        }
        dlr_buf_append_text(out, traits->items[i].name);
        dlr_buf_append_char(out, ':');
        dlr_buf_append_text(out, traits->items[i].value);
    }
    dlr_buf_append_char(out, '}');
}

void dld_traits_clear(struct dld_traits *traits)
{
    dlr_free(traits->items);
    *traits = (struct dld_traits){0};
}
