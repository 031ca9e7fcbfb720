/* SPDX-License-Identifier: MIT */
/**
 * @file datalyr.h
 * Server-side event tracking for DATALYR. This file is the whole public API.
 *
 * A client owns one queue and one sender thread. The calls that record events
 * encode their arguments into the queue and return without touching the
 * network; the sender posts what waits and retries what the server may still
 * accept. Delivery is at least once: the event id is the server's key for
 * storing an event once.
 *
 *     datalyr_config config = { DATALYR_CONFIG_INIT, .api_key = "dk_..." };
 *     datalyr_client *client = NULL;
 *     datalyr_error error;
 *
 *     if (datalyr_open(&config, &client, &error) != DATALYR_OK) {
 *         fprintf(stderr, "%s\n", error.message);
 *     }
 *     datalyr_track(client, &(datalyr_event){
 *         DATALYR_EVENT_INIT,
 *         .user_id = "user_123",
 *         .event = "purchase",
 *         .properties = DATALYR_OBJECT(
 *             { "revenue", DATALYR(99.99) },
 *             { "currency", DATALYR("USD") }),
 *     });
 *     datalyr_close(&client);
 *
 * The law that every call keeps and datalyr_stats() shows at any moment:
 *
 *     calls    = accepted + refused (by reason)
 *     accepted + recovered = delivered + dropped (by reason) + pending
 *
 * Words with one meaning in this file:
 *   borrows  reads the argument during the call and keeps nothing;
 *   copies   keeps its own copy, the caller's may go away at once;
 *   takes    owns the argument from here on, whatever the call returns;
 *   owned    the caller must release the result with the function named;
 *   lent     the result stays the library's and is valid until the event
 *            named.
 *
 * Text is UTF-8 and ends in NUL. Durations are in milliseconds (_ms), sizes
 * in bytes (_bytes). Unless a function says otherwise, any thread may call it.
 * Linux is the platform of this version.
 */
#ifndef DATALYR_H
#define DATALYR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__) && __GNUC__ >= 4
#    define DATALYR_API __attribute__((visibility("default")))
#else
#    define DATALYR_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define DATALYR_VERSION_MAJOR 0
#define DATALYR_VERSION_MINOR 1
#define DATALYR_VERSION_PATCH 0
#define DATALYR_VERSION       "0.1.0"

/* ---------------------------------------------------------------- status */

/** What a call came to. Numbers are frozen; new ones go at the end. */
#define DATALYR_STATUS_MAP(XX)                                              \
    XX(OK, 0, "done")                                                       \
    XX(INVALID, 1, "an argument is missing or malformed")                   \
    XX(TOO_LARGE, 2, "the event is larger than max_event_bytes")            \
    XX(QUEUE_FULL, 3, "the queue is full and nothing in it may be evicted") \
    XX(CLOSED, 4, "the client is closing or closed")                        \
    XX(TIMEOUT, 5, "the deadline passed before the work was finished")      \
    XX(IO, 6, "the operating system refused an operation")                  \
    XX(NOMEM, 7, "out of memory")                                           \
    XX(IN_HOOK, 8, "flush and close may not be called from a hook")

typedef enum datalyr_status {
#define DATALYR_XX(name, number, text) DATALYR_##name = number,
    DATALYR_STATUS_MAP(DATALYR_XX)
#undef DATALYR_XX
        DATALYR_STATUS_COUNT_ /* not a status; may grow */
} datalyr_status;

/** Filled by calls that can fail for reasons a number cannot tell. Frozen at
 *  256 bytes: it lives in the caller's stack frame and can never grow. */
typedef struct datalyr_error {
    int32_t status;      /**< a datalyr_status */
    int32_t system_code; /**< errno or curl code behind it, 0 if none */
    char message[248];   /**< one English sentence without newline */
} datalyr_error;

/** Short name of a status, such as "QUEUE_FULL".
 *  @return lent for ever; "UNKNOWN" for a number that is no status. */
DATALYR_API const char *datalyr_status_name(datalyr_status status);

/** One-line meaning of a status.
 *  @return lent for ever. */
DATALYR_API const char *datalyr_status_text(datalyr_status status);

/** Version of the library that is loaded, such as "0.1.0"; compare with
 *  DATALYR_VERSION, the version compiled against.
 *  @return lent for ever. */
DATALYR_API const char *datalyr_version(void);

/* ---------------------------------------------------------------- values */

/**
 * A property value: what JSON can say. Borrowed while a call runs, so literals
 * on the caller's stack are fine and nothing is allocated.
 *
 * In C11 write DATALYR(x) for numbers and text, DATALYR_OBJECT and
 * DATALYR_LIST for nesting; from C99, C++ and other languages use the
 * functions below. The fields are for these, not for callers.
 */
typedef enum datalyr_kind {
    DATALYR_KIND_NONE = 0, /**< nothing given */
    DATALYR_KIND_NULL,
    DATALYR_KIND_BOOLEAN,
    DATALYR_KIND_INTEGER,
    DATALYR_KIND_UNSIGNED,
    DATALYR_KIND_NUMBER,
    DATALYR_KIND_TEXT,
    DATALYR_KIND_LIST,
    DATALYR_KIND_OBJECT,
    DATALYR_KIND_JSON,
    DATALYR_KIND_BUILDER
} datalyr_kind;

typedef struct datalyr_member datalyr_member;
typedef struct datalyr_builder datalyr_builder;

typedef struct datalyr_value {
    union {
        int64_t integer;
        uint64_t unsigned_integer;
        double number;
        const char *text;
        const struct datalyr_value *items;
        const datalyr_member *members;
        const datalyr_builder *builder;
    } as;
    size_t count;  /**< bytes of text, items of a list, members of an object */
    uint32_t kind; /**< a datalyr_kind */
    uint32_t reserved;
} datalyr_value;

/** One property: a name and its value. */
struct datalyr_member {
    const char *name;
    datalyr_value value;
};

/** Nothing given: no properties, no traits. */
static inline datalyr_value datalyr_none(void)
{
    datalyr_value value;

    value.as.integer = 0;
    value.count = 0;
    value.kind = DATALYR_KIND_NONE;
    value.reserved = 0;
    return value;
}

/** JSON null. */
static inline datalyr_value datalyr_null(void)
{
    datalyr_value value = datalyr_none();

    value.kind = DATALYR_KIND_NULL;
    return value;
}

/** JSON true or false. */
static inline datalyr_value datalyr_boolean(bool truth)
{
    datalyr_value value = datalyr_none();

    value.as.integer = truth ? 1 : 0;
    value.kind = DATALYR_KIND_BOOLEAN;
    return value;
}

/** A signed integer, written digit for digit. */
static inline datalyr_value datalyr_integer(int64_t integer)
{
    datalyr_value value = datalyr_none();

    value.as.integer = integer;
    value.kind = DATALYR_KIND_INTEGER;
    return value;
}

/** An unsigned integer, written digit for digit. */
static inline datalyr_value datalyr_unsigned(uint64_t integer)
{
    datalyr_value value = datalyr_none();

    value.as.unsigned_integer = integer;
    value.kind = DATALYR_KIND_UNSIGNED;
    return value;
}

/** A double, written as the shortest text that reads back the same. NaN and
 *  infinity are refused by the call that gets them, naming the property. */
static inline datalyr_value datalyr_number(double number)
{
    datalyr_value value = datalyr_none();

    value.as.number = number;
    value.kind = DATALYR_KIND_NUMBER;
    return value;
}

/** Text of `len` bytes, borrowed; may hold NUL bytes. NULL is JSON null. */
static inline datalyr_value datalyr_text_n(const char *text, size_t len)
{
    datalyr_value value = datalyr_none();

    if (text == NULL) {
        return datalyr_null();
    }
    value.as.text = text;
    value.count = len;
    value.kind = DATALYR_KIND_TEXT;
    return value;
}

/** Text that ends in NUL, borrowed. NULL is JSON null. */
static inline datalyr_value datalyr_text(const char *text)
{
    size_t len = 0;

    while (text != NULL && text[len] != '\0') {
        len++;
    }
    return datalyr_text_n(text, len);
}

/** A list of `count` values, borrowed. */
static inline datalyr_value datalyr_list(const datalyr_value *items,
                                         size_t count)
{
    datalyr_value value = datalyr_none();

    value.as.items = items;
    value.count = count;
    value.kind = DATALYR_KIND_LIST;
    return value;
}

/** An object of `count` members, borrowed. */
static inline datalyr_value datalyr_object(const datalyr_member *members,
                                           size_t count)
{
    datalyr_value value = datalyr_none();

    value.as.members = members;
    value.count = count;
    value.kind = DATALYR_KIND_OBJECT;
    return value;
}

/** A JSON text of `len` bytes, borrowed. It is checked strictly (RFC 8259) by
 *  the call that gets it; numbers are kept digit for digit. */
static inline datalyr_value datalyr_json(const char *text, size_t len)
{
    datalyr_value value = datalyr_none();

    value.as.text = text;
    value.count = len;
    value.kind = DATALYR_KIND_JSON;
    return value;
}

/** What a builder holds, borrowed: see datalyr_builder_new(). */
static inline datalyr_value datalyr_built(const datalyr_builder *builder)
{
    datalyr_value value = datalyr_none();

    value.as.builder = builder;
    value.kind = DATALYR_KIND_BUILDER;
    return value;
}

#if !defined(__cplusplus) && defined(__STDC_VERSION__) && \
    __STDC_VERSION__ >= 201112L
static inline datalyr_value datalyr_same_(datalyr_value value)
{
    return value;
}

/** Any C value as a property value: numbers, text, bool, or a datalyr_value.
 *  `true` and `false` are int in C11: write DATALYR_TRUE, DATALYR_FALSE. */
#    define DATALYR(x) \
        _Generic((x),                                \
            _Bool: datalyr_boolean,                  \
            char *: datalyr_text,                    \
            const char *: datalyr_text,              \
            float: datalyr_number,                   \
            double: datalyr_number,                  \
            unsigned int: datalyr_unsigned,          \
            unsigned long: datalyr_unsigned,         \
            unsigned long long: datalyr_unsigned,    \
            datalyr_value: datalyr_same_,            \
            default: datalyr_integer)(x)
#endif

#ifndef __cplusplus
/** An object from pairs: DATALYR_OBJECT({ "plan", DATALYR("pro") }, ...). */
#    define DATALYR_OBJECT(...)                                        \
        datalyr_object((const datalyr_member[]){__VA_ARGS__},          \
                       sizeof((const datalyr_member[]){__VA_ARGS__}) / \
                           sizeof(datalyr_member))

/** A list from values: DATALYR_LIST(DATALYR("a"), DATALYR(2)). */
#    define DATALYR_LIST(...)                                       \
        datalyr_list((const datalyr_value[]){__VA_ARGS__},          \
                     sizeof((const datalyr_value[]){__VA_ARGS__}) / \
                         sizeof(datalyr_value))
#endif

#define DATALYR_TRUE    datalyr_boolean(true)
#define DATALYR_FALSE   datalyr_boolean(false)
#define DATALYR_BOOL(x) datalyr_boolean((x) ? true : false)
#define DATALYR_NULL    datalyr_null()
/** No properties, no traits. */
#define DATALYR_NONE datalyr_none()

/**
 * Makes an empty builder: an object filled member by member, for data known
 * at run time. One thread at a time may use a builder.
 *
 * @return owned: datalyr_builder_free(). NULL when out of memory.
 */
DATALYR_API datalyr_builder *datalyr_builder_new(void);

/**
 * Adds one member. The first failure is kept: the call that records the event
 * refuses the builder and tells it, so additions need not be checked one by
 * one.
 *
 * @param builder  borrowed; NULL gives DATALYR_INVALID.
 * @param name     copied, up to its NUL. Inside a list opened with
 *                 datalyr_builder_open_list() it must be NULL.
 * @param value    copied at once, nested values too.
 * @return DATALYR_OK; DATALYR_INVALID for text that is not UTF-8, NaN,
 *         infinity, a malformed JSON text or a missing name; DATALYR_NOMEM.
 */
DATALYR_API datalyr_status datalyr_builder_add(datalyr_builder *builder,
                                               const char *name,
                                               datalyr_value value);

/**
 * Opens a nested object; later additions go into it until
 * datalyr_builder_close().
 *
 * @return as datalyr_builder_add().
 */
DATALYR_API datalyr_status datalyr_builder_open_object(datalyr_builder *builder,
                                                       const char *name);

/**
 * Opens a nested list; later additions go into it, with a NULL name.
 *
 * @return as datalyr_builder_add().
 */
DATALYR_API datalyr_status datalyr_builder_open_list(datalyr_builder *builder,
                                                     const char *name);

/**
 * Closes what was opened last.
 *
 * @return DATALYR_OK, or DATALYR_INVALID when nothing is open.
 */
DATALYR_API datalyr_status datalyr_builder_close(datalyr_builder *builder);

/** Empties a builder for reuse; its memory and no failure remain. NULL is
 *  accepted. */
DATALYR_API void datalyr_builder_reset(datalyr_builder *builder);

/** Releases a builder. @param builder taken: NULL after it; NULL is accepted */
DATALYR_API void datalyr_builder_free(datalyr_builder **builder);

/* ---------------------------------------------------------------- events */

/** Gives a time of exactly 1970-01-01T00:00:00Z, since 0 means "now". */
#define DATALYR_TIMESTAMP_EPOCH INT64_MIN

/** One event for datalyr_track(). Zero means "not given". Begin with
 *  DATALYR_EVENT_INIT. Everything is borrowed during the call. */
typedef struct datalyr_event {
    size_t size;              /**< DATALYR_EVENT_INIT sets it */
    const char *user_id;      /**< this or anonymous_id is required */
    const char *anonymous_id; /**< such as one from the Web SDK's cookie */
    const char *event;        /**< required: the name */
    datalyr_value properties; /**< an object; see DATALYR_OBJECT */
    const char *event_id;     /**< default: a new UUIDv7. Up to 256 UTF-16
                                   units verbatim, longer ones collapse to 256
                                   by a SHA-256 so that repeats still match */
    int64_t timestamp_ms;     /**< since 1970, UTC; default: now */
    const char *session_id;   /**< sent as context.session_id */
} datalyr_event;

#define DATALYR_EVENT_INIT .size = sizeof(datalyr_event)

/** What the other calls accept beside their own arguments. Zero means "not
 *  given". Begin with DATALYR_OPTIONS_INIT. Borrowed during the call. */
typedef struct datalyr_options {
    size_t size; /**< DATALYR_OPTIONS_INIT sets it */
    const char *anonymous_id;
    const char *event_id;
    int64_t timestamp_ms;
    const char *session_id;
} datalyr_options;

#define DATALYR_OPTIONS_INIT .size = sizeof(datalyr_options)

/** A purchase for datalyr_track_purchase(). Frozen. Borrowed. */
typedef struct datalyr_purchase {
    double value;             /**< finite; 0 and negatives are fine */
    const char *currency;     /**< sent in upper case; default "USD" */
    datalyr_value properties; /**< such as order_id; `value` and `currency`
                                   in it are overridden */
    void *reserved[2];        /**< zero */
} datalyr_purchase;

/* ----------------------------------------------------------------- hooks */

/** An event handed to a hook: the JSON object as it goes on the wire. Lent
 *  until the hook returns. */
typedef struct datalyr_record {
    const char *json;     /**< ends in NUL */
    size_t json_len;      /**< without the NUL */
    const char *event_id; /**< ends in NUL */
} datalyr_record;

/** Why an accepted event was given up. Numbers are frozen. */
#define DATALYR_DROP_MAP(XX)                                                   \
    XX(QUEUE_OVERFLOW, 0, "queue_overflow", "evicted for newer events")        \
    XX(PERMANENT_CLIENT_ERROR, 1, "permanent_client_error",                    \
       "the server answered with a 4xx that a retry cannot change")            \
    XX(REJECTED_BY_SERVER, 2, "rejected_by_server",                            \
       "the server took the batch and named this event as rejected")           \
    XX(MAX_FLUSH_ATTEMPTS, 3, "max_flush_attempts",                            \
       "ten cycles of attempts failed")                                        \
    XX(CLOSE_TIMEOUT, 4, "close_timeout",                                      \
       "not delivered when close ran out of time")                             \
    XX(BEFORE_SEND, 5, "before_send", "the before_send hook refused it")       \
    XX(JOURNAL_EXPIRED, 6, "journal_expired", "older than journal_max_age_ms") \
    XX(JOURNAL_CORRUPT, 7, "journal_corrupt",                                  \
       "its record in the journal was damaged")

typedef enum datalyr_drop_reason {
#define DATALYR_XX(name, number, text, help) DATALYR_DROP_##name = number,
    DATALYR_DROP_MAP(DATALYR_XX)
#undef DATALYR_XX
        DATALYR_DROP_COUNT = 8
} datalyr_drop_reason;

/** Why a call was refused (never accepted). Numbers are frozen. */
#define DATALYR_REFUSAL_MAP(XX)                 \
    XX(VALIDATION_ERROR, 0, "validation_error") \
    XX(TOO_LARGE, 1, "too_large")               \
    XX(QUEUE_FULL, 2, "queue_full")             \
    XX(CLOSED, 3, "closed")                     \
    XX(DISABLED, 4, "disabled")

typedef enum datalyr_refusal {
#define DATALYR_XX(name, number, text) DATALYR_REFUSED_##name = number,
    DATALYR_REFUSAL_MAP(DATALYR_XX)
#undef DATALYR_XX
        DATALYR_REFUSED_COUNT = 5
} datalyr_refusal;

/** Name of a drop reason as the documentation spells it, "queue_overflow".
 *  @return lent for ever; "unknown" for a number that is none. */
DATALYR_API const char *datalyr_drop_reason_name(datalyr_drop_reason reason);

/** Name of a refusal, "validation_error".
 *  @return lent for ever; "unknown" for a number that is none. */
DATALYR_API const char *datalyr_refusal_name(datalyr_refusal refusal);

/** One failed attempt at a request, for the on_error hook. Lent. */
typedef struct datalyr_failure {
    const datalyr_record *events; /**< those in the request */
    size_t count;
    int32_t http_status; /**< 0 when no answer came */
    int32_t attempt;     /**< 1 for the first */
    int64_t retry_in_ms; /**< -1: no retry, the events are dropped or split */
    const char *message; /**< one line, control characters escaped */
} datalyr_failure;

typedef enum datalyr_log_level {
    DATALYR_LOG_ERROR = 0,
    DATALYR_LOG_WARN = 1,
    DATALYR_LOG_INFO = 2,
    DATALYR_LOG_DEBUG = 3
} datalyr_log_level;

/** What the before_send hook decided. */
typedef enum datalyr_decision {
    DATALYR_SEND = 0,   /**< send it as it is */
    DATALYR_REFUSE = 1, /**< drop it, reason before_send */
    DATALYR_REPLACE = 2 /**< send what datalyr_replace() was given */
} datalyr_decision;

typedef struct datalyr_replacement datalyr_replacement;

/**
 * Called by a before_send hook to send another text instead of the event.
 *
 * @param replacement  the hook's argument, valid during the hook only.
 * @param json         copied: a JSON object; keep its `eventId` as it was.
 * @param len          its bytes.
 * @return DATALYR_OK, DATALYR_INVALID (not one JSON object; the event is then
 *         dropped as if refused, so that nothing unscrubbed leaves) or
 *         DATALYR_NOMEM.
 */
DATALYR_API datalyr_status datalyr_replace(datalyr_replacement *replacement,
                                           const char *json, size_t len);

/**
 * What the library tells its host. All may be NULL. They run on the library's
 * thread, one at a time, never under a lock. They may call datalyr_track()
 * and its siblings; datalyr_flush() and datalyr_close() return an error at
 * once. The time a hook takes is outside every deadline.
 */
typedef struct datalyr_hooks {
    /** The server has them: each event is reported here once. */
    void (*on_delivered)(const datalyr_record *events, size_t count,
                         void *user_data);
    /** An attempt failed; the events may be tried again. */
    void (*on_error)(const datalyr_failure *failure, void *user_data);
    /** Accepted events that were given up: each is reported here once.
     *  `events` is NULL where the bodies had to make room (the ledger's
     *  dropped_unreported counts those). */
    void (*on_drop)(const datalyr_record *events, size_t count,
                    datalyr_drop_reason reason, void *user_data);
    /** A line that would be worth a log file; without this hook warnings and
     *  errors are printed only with debug. The line that debug prints for each
     *  event queued does not come here: it belongs to the caller's thread. */
    void (*on_log)(datalyr_log_level level, const char *message,
                   void *user_data);
    /** Sees each event before it leaves and may refuse or replace it. It runs
     *  again when a request is built again (a split batch, a restart), so it
     *  must decide the same way twice. */
    datalyr_decision (*before_send)(const datalyr_record *event,
                                    datalyr_replacement *replacement,
                                    void *user_data);
    void *user_data; /**< handed to each hook */
    void *reserved[2];
} datalyr_hooks;

/* -------------------------------------------------------------- settings */

/** For settings where 0 means "default": no retries, no waiting, none. */
#define DATALYR_NEVER (-1)
/** For settings with a ceiling or a rate: none. */
#define DATALYR_UNLIMITED (-2)

typedef enum datalyr_overflow {
    DATALYR_OVERFLOW_DEFAULT = 0, /**< drop_oldest */
    DATALYR_DROP_OLDEST = 1,      /**< evict the oldest that is not in flight */
    DATALYR_REFUSE_NEW = 2,       /**< refuse the new one: DATALYR_QUEUE_FULL */
    DATALYR_BLOCK = 3             /**< wait up to block_timeout_ms for room */
} datalyr_overflow;

typedef enum datalyr_batch_mode {
    DATALYR_BATCH_DEFAULT = 0, /**< auto */
    DATALYR_BATCH_AUTO = 1,    /**< as soon as the server says it takes them */
    DATALYR_BATCH_ALWAYS = 2,
    DATALYR_BATCH_NEVER = 3
} datalyr_batch_mode;

typedef enum datalyr_compression_mode {
    DATALYR_COMPRESSION_DEFAULT = 0, /**< auto */
    DATALYR_COMPRESSION_AUTO = 1,    /**< gzip when the server accepts it */
    DATALYR_COMPRESSION_NONE = 2,
    DATALYR_COMPRESSION_GZIP = 3
} datalyr_compression_mode;

typedef enum datalyr_sync_mode {
    DATALYR_SYNC_DEFAULT = 0,  /**< none */
    DATALYR_SYNC_NONE = 1,     /**< survives kill -9, not a power cut */
    DATALYR_SYNC_INTERVAL = 2, /**< a power cut takes one interval */
    DATALYR_SYNC_ALWAYS = 3    /**< the call waits for the disk */
} datalyr_sync_mode;

/** A switch whose default the settings table decides. */
typedef enum datalyr_switch {
    DATALYR_SWITCH_DEFAULT = 0,
    DATALYR_ON = 1,
    DATALYR_OFF = 2
} datalyr_switch;

/**
 * Settings of a client. Zero means default; docs/settings.md, made from the
 * same table as these, has each one's range and meaning. Begin with
 * DATALYR_CONFIG_INIT. Everything is copied by datalyr_open().
 *
 * A field that is zero is looked up in the environment (DATALYR_ and its name
 * in upper case) before the default applies.
 */
typedef struct datalyr_config {
    size_t size; /**< DATALYR_CONFIG_INIT sets it */
    const char *api_key;
    const char *host;
    int64_t flush_at;
    int64_t flush_interval_ms;
    int64_t timeout_ms;
    int64_t retry_limit; /**< DATALYR_NEVER: no retries */
    int64_t max_queue_size;
    int64_t max_queue_bytes;
    int64_t max_event_bytes;
    int64_t block_timeout_ms;
    int64_t max_batch_events;
    int64_t max_batch_bytes;
    int64_t max_in_flight;
    int64_t max_requests_per_second; /**< DATALYR_UNLIMITED: no limit */
    int64_t close_timeout_ms;        /**< DATALYR_NEVER: do not wait */
    int64_t exit_timeout_ms;         /**< DATALYR_NEVER: do not wait */
    const char *journal_dir;
    int64_t journal_max_bytes;
    int64_t journal_max_age_ms; /**< DATALYR_UNLIMITED: keep for ever */
    int64_t journal_sync_interval_ms;
    const char *proxy;
    const char *ca_file;
    const char *client_cert;
    const char *client_key;
    uint32_t overflow;     /**< a datalyr_overflow */
    uint32_t batch;        /**< a datalyr_batch_mode */
    uint32_t compression;  /**< a datalyr_compression_mode */
    uint32_t journal_sync; /**< a datalyr_sync_mode */
    uint32_t debug;        /**< a datalyr_switch; default off */
    uint32_t enabled;      /**< a datalyr_switch; default on. Off: every call
                                is checked, counted as disabled, forgotten */
    datalyr_value default_properties; /**< added where an event lacks them */
    datalyr_hooks hooks;
    void *storage; /**< text kept by datalyr_config_set(); leave NULL */
} datalyr_config;

#define DATALYR_CONFIG_INIT .size = sizeof(datalyr_config)

/**
 * Sets one setting by its name and a text, as a configuration file would:
 * "flush_at", "50". Here `0` means 0; `10s`, `64MiB`, `unlimited`, `true` are
 * understood where they fit.
 *
 * @param config  borrowed; keeps a copy of texts: datalyr_config_clear().
 * @param name    borrowed; a name from docs/settings.md.
 * @param text    borrowed.
 * @param error   may be NULL; says which setting, which value, which range.
 * @return DATALYR_OK, DATALYR_INVALID or DATALYR_NOMEM.
 * @threads one at a time per config.
 */
DATALYR_API datalyr_status datalyr_config_set(datalyr_config *config,
                                              const char *name,
                                              const char *text,
                                              datalyr_error *error);

/** Releases what datalyr_config_set() kept and zeroes the texts that pointed
 *  there. NULL is accepted. */
DATALYR_API void datalyr_config_clear(datalyr_config *config);

/** One row of the settings table, for tools that list the settings. */
typedef struct datalyr_setting {
    const char *name;         /**< "flush_at" */
    const char *default_text; /**< "20", or "" when there is none */
    const char *range_text;   /**< "1 to 1000000 events" */
    const char *help;         /**< one sentence */
    bool is_switch;           /**< true or false */
    bool is_secret;           /**< never to be shown whole */
} datalyr_setting;

/**
 * Lists the settings table.
 *
 * @param index  0, 1, 2 …
 * @return lent for ever; NULL after the last.
 */
DATALYR_API const datalyr_setting *datalyr_setting_at(size_t index);

/* ---------------------------------------------------------------- client */

typedef struct datalyr_client datalyr_client; /**< owned: datalyr_close() */

/**
 * Makes a client and starts its sender thread. Opens no connection.
 *
 * @param config  borrowed; texts in it are copied.
 * @param client  owned: datalyr_close(). NULL on failure.
 * @param error   may be NULL; names the setting, the value and the way out.
 * @return DATALYR_OK, or
 *         DATALYR_INVALID  api_key missing, host not a http or https URL, a
 *                          setting out of range, a struct larger than this
 *                          library knows with a part in use;
 *         DATALYR_IO       a thread or the journal cannot be made;
 *         DATALYR_NOMEM.
 * @blocks no longer than starting a thread and, with journal_dir, making one
 *         file.
 */
DATALYR_API datalyr_status datalyr_open(const datalyr_config *config,
                                        datalyr_client **client,
                                        datalyr_error *error);

/**
 * Records one event. The sender delivers it later.
 *
 * @param client  borrowed; NULL gives DATALYR_CLOSED.
 * @param event   borrowed.
 * @return DATALYR_OK: accepted, and from here on in the ledger. Or
 *         DATALYR_INVALID     event name empty, user_id and anonymous_id both
 *                             missing, text not UTF-8, NaN, malformed JSON;
 *         DATALYR_TOO_LARGE   encoded above max_event_bytes;
 *         DATALYR_QUEUE_FULL  no room and none could be made;
 *         DATALYR_CLOSED      datalyr_close() has begun;
 *         DATALYR_NOMEM.
 * @blocks never, except by choice: overflow = block, journal_sync = always.
 */
DATALYR_API datalyr_status datalyr_track(datalyr_client *client,
                                         const datalyr_event *event);

/** As datalyr_track(), and fills `error` with what was wrong, naming the
 *  property. @param error may be NULL */
DATALYR_API datalyr_status datalyr_track_e(datalyr_client *client,
                                           const datalyr_event *event,
                                           datalyr_error *error);

/**
 * Records one event given whole as JSON, for other languages:
 * {"type":"track","event":…,"userId":…,"anonymousId":…,"properties":{…},
 * "eventId":…,"timestamp":…,"sessionId":…}. `type` may also be identify
 * (`traits`), group (`groupId`, `traits`), page (`name`), alias
 * (`previousId`); it defaults to track. `timestamp` is ISO 8601 text, or a
 * number of seconds (below 1e12) or milliseconds.
 *
 * @param text   borrowed, `len` bytes.
 * @param error  may be NULL; names the field.
 * @return as datalyr_track(); an unknown field is DATALYR_INVALID.
 */
DATALYR_API datalyr_status datalyr_track_json(datalyr_client *client,
                                              const char *text, size_t len,
                                              datalyr_error *error);

/**
 * Records who a user is: an `$identify` event whose properties are the traits.
 *
 * @param user_id  borrowed; required.
 * @param traits   borrowed; an object or DATALYR_NONE.
 * @param options  borrowed; may be NULL. With an anonymous_id the two are
 *                 linked.
 * @return as datalyr_track().
 */
DATALYR_API datalyr_status datalyr_identify(datalyr_client *client,
                                            const char *user_id,
                                            datalyr_value traits,
                                            const datalyr_options *options);

/**
 * Records that a user belongs to an account: a `$group` event. A trait named
 * groupId does not override the id.
 *
 * @param user_id   borrowed; required, unless options has an anonymous_id.
 * @param group_id  borrowed; required.
 * @param traits    borrowed; of the group: an object or DATALYR_NONE.
 * @return as datalyr_track().
 */
DATALYR_API datalyr_status datalyr_group(datalyr_client *client,
                                         const char *user_id,
                                         const char *group_id,
                                         datalyr_value traits,
                                         const datalyr_options *options);

/**
 * Records a page view: a `$pageview` event.
 *
 * @param user_id     borrowed; required, unless options has an anonymous_id.
 * @param name        borrowed; may be NULL. It is the `url` too where the
 *                    properties have none.
 * @param properties  borrowed; an object or DATALYR_NONE.
 * @return as datalyr_track().
 */
DATALYR_API datalyr_status datalyr_page(datalyr_client *client,
                                        const char *user_id, const char *name,
                                        datalyr_value properties,
                                        const datalyr_options *options);

/**
 * Records that `previous_id` is the same person as `user_id`: an `$alias`
 * event.
 *
 * @param user_id      borrowed; required.
 * @param previous_id  borrowed; may be NULL when options has an anonymous_id,
 *                     which is then the previous id.
 * @return as datalyr_track().
 */
DATALYR_API datalyr_status datalyr_alias(datalyr_client *client,
                                         const char *user_id,
                                         const char *previous_id,
                                         const datalyr_options *options);

/**
 * Records a purchase: an event `purchase` with value and currency.
 *
 * @param user_id   borrowed; required, unless options has an anonymous_id.
 * @param purchase  borrowed; value must be finite.
 * @return as datalyr_track().
 */
DATALYR_API datalyr_status datalyr_track_purchase(
    datalyr_client *client, const char *user_id,
    const datalyr_purchase *purchase, const datalyr_options *options);

/**
 * Sends what waits and returns when everything accepted before the call,
 * queued or in flight, is settled (delivered or dropped), or at the deadline.
 *
 * @param client      borrowed.
 * @param timeout_ms  0: only ask for it and tell what is left now; negative:
 *                    close_timeout_ms.
 * @return 0 when all is settled; n > 0: so many are not (they stay queued);
 *         negative: minus a datalyr_status (DATALYR_IN_HOOK, DATALYR_CLOSED,
 *         DATALYR_INVALID).
 * @blocks up to timeout_ms, on the network.
 */
DATALYR_API int64_t datalyr_flush(datalyr_client *client, int64_t timeout_ms);

/**
 * Flushes for at most close_timeout_ms, hands back to on_drop what is left
 * (with a journal it stays on disk), stops the thread and releases the client.
 *
 * @param client  taken: NULL after it, except from a hook. NULL is accepted.
 *                No other thread may use the client any more.
 * @return 0 when everything was settled; n > 0: so many were given up, or
 *         left in the journal; minus DATALYR_IN_HOOK from a hook.
 * @blocks up to close_timeout_ms, plus the hook that is running.
 */
DATALYR_API int64_t datalyr_close(datalyr_client **client);

struct datalyr_ledger;

/**
 * As datalyr_close() with a deadline of its own.
 *
 * @param timeout_ms  negative: close_timeout_ms.
 * @param last        may be NULL; the ledger at the very end. All zero where
 *                    there is none: from a hook, of a client that is NULL or
 *                    that a forked child never used.
 */
DATALYR_API int64_t datalyr_close_within(datalyr_client **client,
                                         int64_t timeout_ms,
                                         struct datalyr_ledger *last);

/**
 * This client's own anonymous id, stable for its life. It is never put on an
 * event behind the caller's back.
 *
 * @return lent until datalyr_close(); "" for a NULL client.
 */
DATALYR_API const char *datalyr_anonymous_id(datalyr_client *client);

/** Bytes that datalyr_new_anonymous_id() writes, NUL included. */
#define DATALYR_ANONYMOUS_ID_SIZE 42

/** Writes a fresh anonymous id, `anon_<uuid>`, and returns `buffer`.
 *  @param buffer at least DATALYR_ANONYMOUS_ID_SIZE bytes */
DATALYR_API char *
datalyr_new_anonymous_id(char buffer[DATALYR_ANONYMOUS_ID_SIZE]);

/* ----------------------------------------------------------------- stats */

/** The ledger and the gauges at one moment. Begin with DATALYR_LEDGER_INIT;
 *  fields are only appended. */
typedef struct datalyr_ledger {
    size_t size; /**< DATALYR_LEDGER_INIT sets it */
    /* calls = accepted + sum(refused) */
    uint64_t calls;
    uint64_t accepted;
    uint64_t refused[DATALYR_REFUSED_COUNT + 3]; /**< by datalyr_refusal */
    /* accepted + recovered = delivered + sum(dropped) + pending */
    uint64_t recovered; /**< taken over from journals of dead processes */
    uint64_t delivered;
    uint64_t dropped[DATALYR_DROP_COUNT + 8]; /**< by datalyr_drop_reason */
    uint64_t pending;
    uint64_t dropped_unreported; /**< reported to on_drop without a body */
    uint64_t in_flight;          /**< of pending: in requests on the wire */
    uint64_t duplicates;         /**< of delivered: the server had them */
    uint64_t requests;           /**< sent, retries included */
    uint64_t retries;
    uint64_t failures;       /**< attempts that failed */
    uint64_t body_bytes;     /**< before compression */
    uint64_t sent_bytes;     /**< after compression */
    uint64_t queue_bytes;    /**< log space held */
    int64_t oldest_age_ms;   /**< of the oldest pending event; 0: none */
    uint64_t journal_errors; /**< times the journal fell back to memory */
    uint64_t journal_corrupt_bytes; /**< set aside as damaged */
    double latency_p50_ms;          /**< of requests, over the last minutes */
    double latency_p90_ms;
    double latency_p99_ms;
} datalyr_ledger;

#define DATALYR_LEDGER_INIT .size = sizeof(datalyr_ledger)

/**
 * Fills `ledger` with one consistent snapshot.
 *
 * @param client  borrowed.
 * @param ledger  size set; what this library does not know stays zero.
 * @return DATALYR_OK, or DATALYR_INVALID.
 */
DATALYR_API datalyr_status datalyr_stats(datalyr_client *client,
                                         datalyr_ledger *ledger);

/** Sum of ledger->refused. */
DATALYR_API uint64_t datalyr_ledger_refused(const datalyr_ledger *ledger);

/** Sum of ledger->dropped. */
DATALYR_API uint64_t datalyr_ledger_dropped(const datalyr_ledger *ledger);

/** Text for datalyr_stats_prometheus(). Zero it before the first use. */
typedef struct datalyr_buffer {
    char *text; /**< ends in NUL; NULL while empty */
    size_t len;
    size_t capacity;
} datalyr_buffer;

/**
 * Writes the same snapshot as metrics text (Prometheus exposition format).
 *
 * @param buffer  overwritten and grown as needed; datalyr_buffer_free().
 * @return DATALYR_OK, DATALYR_INVALID or DATALYR_NOMEM.
 */
DATALYR_API datalyr_status datalyr_stats_prometheus(datalyr_client *client,
                                                    datalyr_buffer *buffer);

/** Releases a buffer's text and zeroes it. NULL is accepted. */
DATALYR_API void datalyr_buffer_free(datalyr_buffer *buffer);

#ifdef __cplusplus
}
#endif
#endif /* DATALYR_H */
