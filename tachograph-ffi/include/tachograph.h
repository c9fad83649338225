/* The C ABI of Tachograph, a metrics engine. Written by cbindgen from the source of `tachograph-ffi`: change it there.
 *
 * Handles are opaque pointers. What makes one returns NULL when it fails; `tachograph_last_status` and
 * `tachograph_last_error` then say why. Every function takes NULL for a handle: it counts nothing, or says
 * TACHOGRAPH_STATUS_NULL_POINTER. So a program may go on without what could not be made.
 *
 * Handles may be freed in any order, on any thread, once each; nothing may use one while it is freed, or later. What a
 * handle leads to lives as long as anybody needs it. All functions may be called on any thread at once unless their
 * comment says otherwise, and none in a signal handler. None keeps a pointer that it is passed.
 *
 * Texts are a pointer and a length, in UTF-8. What the program says itself (names, help) is refused when it is not; in
 * what may come from a client (values of labels, ids, routes) what is not UTF-8 becomes U+FFFD, so that no client
 * can leave a request uncounted.
 *
 * A panic is a bug of the library. It is caught, says so on stderr, and comes back as TACHOGRAPH_STATUS_PANIC.
 */

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/**
 * The version of this interface. It rises when a program that was built with an older header would no longer be right;
 * functions and options that are added do not change it.
 */
#define TACHOGRAPH_ABI_VERSION 1

/**
 * How a call ended. Later versions may add to these.
 */
enum TachographStatus
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * All is done.
     */
    TACHOGRAPH_STATUS_OK = 0,
    /**
     * A pointer is NULL that must not be; nothing has happened. A handle is NULL when what should have made it failed.
     */
    TACHOGRAPH_STATUS_NULL_POINTER = 1,
    /**
     * A text of the program's own is not UTF-8; nothing has happened.
     */
    TACHOGRAPH_STATUS_INVALID_UTF8 = 2,
    /**
     * A value makes no sense, or an options struct has a wrong `size`; nothing has happened.
     */
    TACHOGRAPH_STATUS_INVALID_ARGUMENT = 3,
    /**
     * The registry refuses a name, a label or a unit, or has no room; nothing has happened.
     */
    TACHOGRAPH_STATUS_REFUSED = 4,
    /**
     * The system refuses: an address that cannot be bound, a thread that cannot be made.
     */
    TACHOGRAPH_STATUS_SYSTEM = 5,
    /**
     * The handle is of a process that this one was forked from: its threads are not here.
     */
    TACHOGRAPH_STATUS_OTHER_PROCESS = 6,
    /**
     * The library has a bug: a panic was caught, and the call was left in its middle. What it was to make or count is not
     * there, or is there in part; other handles stay usable.
     */
    TACHOGRAPH_STATUS_PANIC = 7,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum TachographStatus TachographStatus;
#else
typedef int32_t TachographStatus;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * How finely a histogram tells values apart.
 */
enum TachographResolution
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * By its bounds alone: what labelled families should have.
     */
    TACHOGRAPH_RESOLUTION_CLASSIC = 0,
    /**
     * Also by the buckets of Prometheus' native histograms, schema 3.
     */
    TACHOGRAPH_RESOLUTION_NATIVE = 1,
    /**
     * Also by two significant digits, for the few series whose quantiles matter: up to 30 KB a thread.
     */
    TACHOGRAPH_RESOLUTION_HDR = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum TachographResolution TachographResolution;
#else
typedef uint32_t TachographResolution;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * What the values of a histogram are, and so what its base unit is.
 */
enum TachographUnit
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * Seconds, counted in nanoseconds.
     */
    TACHOGRAPH_UNIT_SECONDS = 0,
    /**
     * Bytes.
     */
    TACHOGRAPH_UNIT_BYTES = 1,
    /**
     * Whole numbers.
     */
    TACHOGRAPH_UNIT_WHOLE = 2,
    /**
     * Fractions without a unit, counted in decimals that fit the bounds: observe them with `tachograph_histogram_observe_f64`.
     */
    TACHOGRAPH_UNIT_DECIMAL = 3,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum TachographUnit TachographUnit;
#else
typedef uint32_t TachographUnit;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Bytes that the library has made, and what they are. Free it with `tachograph_body_free`.
 */
typedef struct TachographBody TachographBody;

/**
 * A number that only rises. Each thread counts in memory that it alone writes, so one handle serves all of them. Free it with
 * `tachograph_counter_free`.
 */
typedef struct TachographCounter TachographCounter;

/**
 * Counters of one name that differ by the values of labels. Free it with `tachograph_counter_family_free`.
 */
typedef struct TachographCounterFamily TachographCounterFamily;

/**
 * One route of a service, for its requests. Free it with `tachograph_endpoint_free`.
 */
typedef struct TachographEndpoint TachographEndpoint;

/**
 * A server that answers `/metrics`, `/health*` and, with a profiler, `/debug/profile*`. It ends with
 * `tachograph_exporter_stop`.
 */
typedef struct TachographExporter TachographExporter;

/**
 * A value that is set: a temperature, the length of a queue. Free it with `tachograph_gauge_free`.
 */
typedef struct TachographGauge TachographGauge;

/**
 * Gauges of one name that differ by the values of labels. Free it with `tachograph_gauge_family_free`.
 */
typedef struct TachographGaugeFamily TachographGaugeFamily;

/**
 * Counts of observations by size, and their sum: latencies, sizes. Free it with `tachograph_histogram_free`.
 */
typedef struct TachographHistogram TachographHistogram;

/**
 * Histograms of one name and the same buckets that differ by the values of labels. Free it with
 * `tachograph_histogram_family_free`.
 */
typedef struct TachographHistogramFamily TachographHistogramFamily;

/**
 * The metrics of an HTTP service: requests, durations, sizes, latency quantiles of the last minute, scene loads,
 * authentications, rate limits, connections. Free it with `tachograph_http_free`.
 */
typedef struct TachographHttp TachographHttp;

/**
 * A phase of a request that goes on until `tachograph_phase_end`.
 */
typedef struct TachographPhase TachographPhase;

/**
 * Keeps the profiles of the last requests, and of the slowest and of those that exemplars name beside them, in a fixed memory.
 * Free it with `tachograph_profiler_free`.
 */
typedef struct TachographProfiler TachographProfiler;

/**
 * A set of families that are scraped together. Free it with `tachograph_registry_free`.
 */
typedef struct TachographRegistry TachographRegistry;

/**
 * A request on its way. It ends with `tachograph_request_finish` or `tachograph_request_abort`, once.
 */
typedef struct TachographRequest TachographRequest;

/**
 * A text: `len` bytes from `data` on, in UTF-8, without a zero byte at the end. `data` may be NULL when `len` is 0.
 *
 * `tachograph_str` makes one of a string of C, and in C++ of what converts to a `std::string_view`.
 */
typedef struct {
    /**
     * The first byte.
     */
    const char *data;
    /**
     * How many bytes there are.
     */
    size_t len;
} TachographStr;

/**
 * What a family with labels may be told. Set all of it to 0 and then `size`; what is 0 is left to the library.
 */
typedef struct {
    /**
     * `sizeof(TachographFamilyOptions)`.
     */
    size_t size;
    /**
     * Series that there may be before new ones count as `other`; 0 is 1000.
     */
    size_t limit;
    /**
     * A base unit, such as `bytes`, in which the family's name must end; empty for none. A histogram knows its own.
     */
    TachographStr unit;
} TachographFamilyOptions;

/**
 * How the exporter is set up. Set all of it to 0 and then `size`; what is 0 is left to the library.
 */
typedef struct {
    /**
     * `sizeof(TachographExporterOptions)`.
     */
    size_t size;
    /**
     * Where it listens, `HOST:PORT`; port 0 is one that is free. Empty is `127.0.0.1:0`.
     */
    TachographStr address;
    /**
     * The bearer token that opens `/debug/profile*` and shows what health checks say; empty for none: then `/debug` is closed.
     */
    TachographStr token;
    /**
     * The metrics in which its own requests and connections are counted; NULL for nowhere.
     */
    const TachographHttp *http;
    /**
     * Whose profiles `/debug/profile*` shows; NULL for none.
     */
    const TachographProfiler *profiler;
    /**
     * Connections at once; 0 for no limit.
     */
    size_t max_connections;
    /**
     * Scrapes at once; 0 is 16.
     */
    size_t max_scrapes;
    /**
     * How long `tachograph_exporter_stop` takes requests yet while `/health/ready` answers 503, in milliseconds.
     */
    uint64_t drain_delay_ms;
    /**
     * How long requests in flight may go on after that, before they are cut, in milliseconds; 0 is 10000.
     */
    uint64_t shutdown_timeout_ms;
} TachographExporterOptions;

/**
 * The buckets of a histogram. Set all of it to 0, then `size` and the bounds; what else is 0 is left to the library.
 */
typedef struct {
    /**
     * `sizeof(TachographBuckets)`.
     */
    size_t size;
    /**
     * The upper bounds, in the unit that a scrape shows (seconds, bytes), above 0 and rising; each is a whole number of base
     * units.
     */
    const double *bounds;
    /**
     * How many there are, 1 to 126.
     */
    size_t count;
    /**
     * A `TachographUnit`.
     */
    uint32_t unit;
    /**
     * A `TachographResolution`.
     */
    uint32_t resolution;
    /**
     * The highest value in base units that is told from higher ones; 0 is 2^44, at `TACHOGRAPH_RESOLUTION_HDR` 2^34.
     */
    uint64_t highest_trackable;
} TachographBuckets;

/**
 * How the metrics of an HTTP service are set up. Set all of it to 0 and then `size`; what is 0 is left to the library.
 */
typedef struct {
    /**
     * `sizeof(TachographHttpOptions)`.
     */
    size_t size;
    /**
     * How far back the latency quantiles look, in milliseconds; 0 is a minute.
     */
    uint64_t window_ms;
    /**
     * Series of each family, and endpoints, before new ones count as `other`; 0 is 1000.
     */
    size_t limit;
    /**
     * Not 0: `http_request_latency_ms` is left out.
     */
    uint32_t without_latency_gauges;
    /**
     * Not 0: `http_request_latency_seconds` is left out.
     */
    uint32_t without_latency_summary;
} TachographHttpOptions;

/**
 * How a profiler is set up. Set all of it to 0 and then `size`; what is 0 is left to the library.
 */
typedef struct {
    /**
     * `sizeof(TachographProfilerOptions)`.
     */
    size_t size;
    /**
     * Profiles of the last requests, 392 bytes each; 0 is 1000. At most 1000000.
     */
    size_t capacity;
    /**
     * How long a request takes that is slow, in milliseconds; 0 is 100.
     */
    uint64_t slow_threshold_ms;
} TachographProfilerOptions;

/**
 * What a request brings for its profile. Set all of it to 0 and then `size`; what is 0 is left to the library.
 */
typedef struct {
    /**
     * `sizeof(TachographRequestOptions)`.
     */
    size_t size;
    /**
     * Its own `X-Request-Id`, cut at 64 bytes; empty for one that is made.
     */
    TachographStr request_id;
    /**
     * Its header `traceparent`; one that is malformed is ignored, as W3C wants it.
     */
    TachographStr traceparent;
} TachographRequestOptions;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Tells where the bytes are; NULL if `body` is. They do not end in a zero byte.
 *
 * Threads: any, also several at once.
 * Lifetimes: the bytes stay until the body is freed.
 *
 * # Safety
 *
 * `body` is NULL or a handle that is not freed.
 */
const uint8_t *tachograph_body_data(const TachographBody *body);

/**
 * Tells how many bytes there are; 0 if `body` is NULL.
 *
 * Threads: any, also several at once.
 *
 * # Safety
 *
 * `body` is NULL or a handle that is not freed.
 */
size_t tachograph_body_len(const TachographBody *body);

/**
 * Tells the value of the header `Content-Type`; empty if `body` is NULL.
 *
 * Threads: any, also several at once.
 * Lifetimes: the text stays for as long as the process.
 *
 * # Safety
 *
 * `body` is NULL or a handle that is not freed.
 */
TachographStr tachograph_body_content_type(const TachographBody *body);

/**
 * Tells the value of the header `Content-Encoding`; empty when there is to be none.
 *
 * Threads: any, also several at once.
 * Lifetimes: the text stays for as long as the process.
 *
 * # Safety
 *
 * `body` is NULL or a handle that is not freed.
 */
TachographStr tachograph_body_content_encoding(const TachographBody *body);

/**
 * Frees a body; NULL is nothing.
 *
 * Threads: any.
 * Lifetimes: what `tachograph_body_data` told ends here.
 *
 * # Safety
 *
 * `body` is NULL or a handle that is not freed, and nobody uses it now or later.
 */
void tachograph_body_free(TachographBody *body);

/**
 * Registers a counter without labels. Its name ends in `_total`.
 *
 * Threads: any.
 * Lifetimes: the texts are read before it returns.
 * Errors: NULL when `registry` is, a text is not UTF-8, or the name is refused or taken.
 *
 * # Safety
 *
 * `registry` is NULL or a handle that is not freed; each text is as long as it says.
 */
TachographCounter *tachograph_counter_new(const TachographRegistry *registry, TachographStr name, TachographStr help);

/**
 * Adds one. Of NULL nothing is counted.
 *
 * Threads: any, at once; none waits for another. Not in a signal handler. The first time on a thread may allocate, unless
 * `tachograph_counter_prepare` has done so.
 *
 * # Safety
 *
 * `counter` is NULL or a handle that is not freed.
 */
void tachograph_counter_inc(const TachographCounter *counter);

/**
 * Adds `n`. Past 2^64 the sum starts again from 0. Of NULL nothing is counted.
 *
 * Threads: as `tachograph_counter_inc`.
 *
 * # Safety
 *
 * `counter` is NULL or a handle that is not freed.
 */
void tachograph_counter_inc_by(const TachographCounter *counter, uint64_t n);

/**
 * Tells the sum of all threads now; 0 of NULL. For tests and the curious: it looks at each thread's memory.
 *
 * Threads: any.
 *
 * # Safety
 *
 * `counter` is NULL or a handle that is not freed.
 */
uint64_t tachograph_counter_value(const TachographCounter *counter);

/**
 * Allocates the calling thread's memory for it, so that counting on this thread allocates nothing from now on: call it on the
 * thread of the frames before the first one. NULL is nothing.
 *
 * Threads: the one that will count.
 *
 * # Safety
 *
 * `counter` is NULL or a handle that is not freed.
 */
void tachograph_counter_prepare(const TachographCounter *counter);

/**
 * Makes another handle of the same counter; NULL of NULL.
 *
 * Threads: any.
 *
 * # Safety
 *
 * `counter` is NULL or a handle that is not freed.
 */
TachographCounter *tachograph_counter_clone(const TachographCounter *counter);

/**
 * Frees a handle to a counter; NULL is nothing. What was counted stays in the scrapes of the registry.
 *
 * Threads: any.
 *
 * # Safety
 *
 * `counter` is NULL or a handle that is not freed, and nobody uses it now or later.
 */
void tachograph_counter_free(TachographCounter *counter);

/**
 * Registers counters with 1 to 8 labels. The name ends in `_total`; `options` may be NULL.
 *
 * Threads: any.
 * Lifetimes: the texts are read before it returns. The names of labels are kept once each for as long as the process.
 * Errors: NULL when `registry` is, a text is not UTF-8, or a name, a label or the unit is refused, or the name is taken.
 *
 * # Safety
 *
 * `registry` is NULL or a handle that is not freed; `labels` is an array of `label_count`; each text is as long as it says;
 * `options` is NULL or as large as its `size` says.
 */
TachographCounterFamily *tachograph_counter_family_new(const TachographRegistry *registry,
                                                       TachographStr name,
                                                       TachographStr help,
                                                       const TachographStr *labels,
                                                       size_t label_count,
                                                       const TachographFamilyOptions *options);

/**
 * Finds the counter with these values of the labels, in their order, made at 0 if there is none: a handle that needs no
 * look-up, which is the fast way. Past the family's limit it is the counter whose values are all `other`. What is not UTF-8 in
 * a value becomes U+FFFD.
 *
 * Threads: any.
 * Lifetimes: the texts are read before it returns. The counter goes on when the family's handle is freed.
 * Errors: NULL when `family` is, or there are not as many values as labels.
 *
 * # Safety
 *
 * `family` is NULL or a handle that is not freed; `values` is an array of `value_count`; each text is as long as it says.
 */
TachographCounter *tachograph_counter_family_handle(const TachographCounterFamily *family,
                                                    const TachographStr *values,
                                                    size_t value_count);

/**
 * Adds `n` to the counter with these values, for values that are known only at run time: without a lock, and without an
 * allocation once the counter is there. Past the family's limit, and of what is not UTF-8, as
 * `tachograph_counter_family_handle`.
 *
 * Threads: any, at once. Not in a signal handler.
 * Errors: `TACHOGRAPH_STATUS_NULL_POINTER`; `TACHOGRAPH_STATUS_INVALID_ARGUMENT` when there are not as many values as labels.
 *
 * # Safety
 *
 * As `tachograph_counter_family_handle`.
 */
TachographStatus tachograph_counter_family_inc_by(const TachographCounterFamily *family,
                                                  const TachographStr *values,
                                                  size_t value_count,
                                                  uint64_t n);

/**
 * Takes the counter with these values out of the scrapes, if there is one. Handles to it stay valid, but what they count is
 * shown no more. Remove a counter only when what it counts is gone for good: its return looks like a restart.
 *
 * Threads: any.
 * Errors: `TACHOGRAPH_STATUS_NULL_POINTER`; `TACHOGRAPH_STATUS_INVALID_ARGUMENT` when there are not as many values as labels.
 *
 * # Safety
 *
 * As `tachograph_counter_family_handle`.
 */
TachographStatus tachograph_counter_family_remove(const TachographCounterFamily *family,
                                                  const TachographStr *values,
                                                  size_t value_count);

/**
 * Frees a handle to a family; NULL is nothing. Its counters stay in the scrapes of the registry.
 *
 * Threads: any.
 *
 * # Safety
 *
 * `family` is NULL or a handle that is not freed, and nobody uses it now or later.
 */
void tachograph_counter_family_free(TachographCounterFamily *family);

/**
 * Starts the exporter on threads of its own, and tells that it listens by returning. `options` may be NULL.
 *
 * It installs no signal handler; its threads block SIGPIPE and have else the signal mask of the calling thread.
 *
 * Threads: any.
 * Lifetimes: the texts are read before it returns, and what handles lead to is kept: they may be freed.
 * Errors: NULL when `registry` is, the options or the token are not right, the address cannot be bound or a thread not be made
 * (`TACHOGRAPH_STATUS_SYSTEM`), or a name of its metrics is taken.
 *
 * # Safety
 *
 * `registry`, and the handles in the options, are NULL or handles that are not freed; each text is as long as it says;
 * `options` is NULL or as large as its `size` says.
 */
TachographExporter *tachograph_exporter_start(const TachographRegistry *registry,
                                              const TachographExporterOptions *options);

/**
 * Tells the port that the exporter listens on; 0 of NULL.
 *
 * Threads: any.
 *
 * # Safety
 *
 * `exporter` is NULL or a handle that has not been stopped.
 */
uint16_t tachograph_exporter_port(const TachographExporter *exporter);

/**
 * Stops the exporter and frees its handle: it takes no more connections, lets the requests in flight finish within the
 * deadline of its options, and ends its threads. `cut`, which may be NULL, is told how many connections were still at work
 * then and were cut. NULL is nothing.
 *
 * Threads: any; it waits, at most for as long as the options say.
 * Errors: `TACHOGRAPH_STATUS_OTHER_PROCESS` in a process that was forked from the exporter's own: its threads are not here,
 * and nothing is freed.
 *
 * # Safety
 *
 * `exporter` is NULL or a handle that has not been stopped, and nobody uses it now or later; `cut` is NULL or has room for a
 * number.
 */
TachographStatus tachograph_exporter_stop(TachographExporter *exporter,
                                          size_t *cut);

/**
 * Tells what went wrong with the last call on this thread that failed; empty if none has. A call that succeeds leaves it as it
 * is.
 *
 * Threads: each has its own.
 * Lifetimes: the text stays until the next call on this thread that fails, or until the thread ends. It does not end in a zero
 * byte.
 * Errors: none. In the destructors of a thread that is ending it may be empty.
 */
TachographStr tachograph_last_error(void);

/**
 * Tells the status of the last call on this thread that failed; `TACHOGRAPH_STATUS_OK` if none has. A call that succeeds
 * leaves it as it is.
 *
 * Threads: each has its own.
 */
TachographStatus tachograph_last_status(void);

/**
 * Registers a gauge without labels.
 *
 * Threads: any.
 * Lifetimes: the texts are read before it returns.
 * Errors: NULL when `registry` is, a text is not UTF-8, or the name is refused or taken.
 *
 * # Safety
 *
 * `registry` is NULL or a handle that is not freed; each text is as long as it says.
 */
TachographGauge *tachograph_gauge_new(const TachographRegistry *registry, TachographStr name, TachographStr help);

/**
 * Sets the value. Any double will do, NaN and the infinities too. Of NULL nothing is set.
 *
 * Threads: any, at once; the last one wins. Not in a signal handler.
 *
 * # Safety
 *
 * `gauge` is NULL or a handle that is not freed.
 */
void tachograph_gauge_set(const TachographGauge *gauge, double value);

/**
 * Adds `n`, which may be negative, as one atomic step. Of NULL nothing is set.
 *
 * Threads: as `tachograph_gauge_set`.
 *
 * # Safety
 *
 * `gauge` is NULL or a handle that is not freed.
 */
void tachograph_gauge_inc_by(const TachographGauge *gauge, double n);

/**
 * Tells the value now; 0 of NULL.
 *
 * Threads: any.
 *
 * # Safety
 *
 * `gauge` is NULL or a handle that is not freed.
 */
double tachograph_gauge_value(const TachographGauge *gauge);

/**
 * Makes another handle of the same gauge; NULL of NULL.
 *
 * Threads: any.
 *
 * # Safety
 *
 * `gauge` is NULL or a handle that is not freed.
 */
TachographGauge *tachograph_gauge_clone(const TachographGauge *gauge);

/**
 * Frees a handle to a gauge; NULL is nothing. What it says stays in the scrapes of the registry.
 *
 * Threads: any.
 *
 * # Safety
 *
 * `gauge` is NULL or a handle that is not freed, and nobody uses it now or later.
 */
void tachograph_gauge_free(TachographGauge *gauge);

/**
 * Registers gauges with 1 to 8 labels; `options` may be NULL.
 *
 * Threads: any.
 * Lifetimes: the texts are read before it returns. The names of labels are kept once each for as long as the process.
 * Errors: NULL when `registry` is, a text is not UTF-8, or a name, a label or the unit is refused, or the name is taken.
 *
 * # Safety
 *
 * `registry` is NULL or a handle that is not freed; `labels` is an array of `label_count`; each text is as long as it says;
 * `options` is NULL or as large as its `size` says.
 */
TachographGaugeFamily *tachograph_gauge_family_new(const TachographRegistry *registry,
                                                   TachographStr name,
                                                   TachographStr help,
                                                   const TachographStr *labels,
                                                   size_t label_count,
                                                   const TachographFamilyOptions *options);

/**
 * Finds the gauge with these values of the labels, in their order, made at 0 if there is none: a handle that needs no look-up,
 * which is the fast way. Past the family's limit it is the gauge whose values are all `other`. What is not UTF-8 in a value
 * becomes U+FFFD.
 *
 * Threads: any.
 * Lifetimes: the texts are read before it returns. The gauge goes on when the family's handle is freed.
 * Errors: NULL when `family` is, or there are not as many values as labels.
 *
 * # Safety
 *
 * `family` is NULL or a handle that is not freed; `values` is an array of `value_count`; each text is as long as it says.
 */
TachographGauge *tachograph_gauge_family_handle(const TachographGaugeFamily *family,
                                                const TachographStr *values,
                                                size_t value_count);

/**
 * Sets the gauge with these values, for values that are known only at run time: without a lock, and without an allocation once
 * the gauge is there. Past the family's limit, and of what is not UTF-8, as `tachograph_gauge_family_handle`.
 *
 * Threads: any, at once. Not in a signal handler.
 * Errors: `TACHOGRAPH_STATUS_NULL_POINTER`; `TACHOGRAPH_STATUS_INVALID_ARGUMENT` when there are not as many values as labels.
 *
 * # Safety
 *
 * As `tachograph_gauge_family_handle`.
 */
TachographStatus tachograph_gauge_family_set(const TachographGaugeFamily *family,
                                             const TachographStr *values,
                                             size_t value_count,
                                             double value);

/**
 * Takes the gauge with these values out of the scrapes, if there is one. Handles to it stay valid, but what they say is shown
 * no more.
 *
 * Threads: any.
 * Errors: `TACHOGRAPH_STATUS_NULL_POINTER`; `TACHOGRAPH_STATUS_INVALID_ARGUMENT` when there are not as many values as labels.
 *
 * # Safety
 *
 * As `tachograph_gauge_family_handle`.
 */
TachographStatus tachograph_gauge_family_remove(const TachographGaugeFamily *family,
                                                const TachographStr *values,
                                                size_t value_count);

/**
 * Frees a handle to a family; NULL is nothing. Its gauges stay in the scrapes of the registry.
 *
 * Threads: any.
 *
 * # Safety
 *
 * `family` is NULL or a handle that is not freed, and nobody uses it now or later.
 */
void tachograph_gauge_family_free(TachographGaugeFamily *family);

/**
 * Registers a histogram without labels.
 *
 * Threads: any.
 * Lifetimes: the texts and the buckets are read before it returns.
 * Errors: NULL when `registry` is, a text is not UTF-8, the buckets make no sense, or the name is refused or taken.
 *
 * # Safety
 *
 * `registry` is NULL or a handle that is not freed; each text is as long as it says; `buckets` is NULL, which is refused, or
 * as large as its `size` says, with as many bounds as its `count` says.
 */
TachographHistogram *tachograph_histogram_new(const TachographRegistry *registry,
                                              TachographStr name,
                                              TachographStr help,
                                              const TachographBuckets *buckets);

/**
 * Counts a value in base units: nanoseconds, bytes. Of NULL nothing is counted.
 *
 * Threads: any, at once; none waits for another. Not in a signal handler. The first time on a thread may allocate, unless
 * `tachograph_histogram_prepare` has done so.
 *
 * # Safety
 *
 * `histogram` is NULL or a handle that is not freed.
 */
void tachograph_histogram_observe(const TachographHistogram *histogram,
                                  uint64_t value);

/**
 * Counts a value in the unit that a scrape shows: seconds, bytes. NaN, infinite and negative values are refused, and counted
 * in `tachograph_observations_refused_total`. Of NULL nothing is counted.
 *
 * Threads: as `tachograph_histogram_observe`.
 *
 * # Safety
 *
 * `histogram` is NULL or a handle that is not freed.
 */
void tachograph_histogram_observe_f64(const TachographHistogram *histogram,
                                      double value);

/**
 * Tells how many observations there are; 0 of NULL. For tests and the curious: it looks at each thread's memory.
 *
 * Threads: any.
 *
 * # Safety
 *
 * `histogram` is NULL or a handle that is not freed.
 */
uint64_t tachograph_histogram_count(const TachographHistogram *histogram);

/**
 * Tells the sum of the observations, in the unit that a scrape shows; 0 of NULL.
 *
 * Threads: any.
 *
 * # Safety
 *
 * `histogram` is NULL or a handle that is not freed.
 */
double tachograph_histogram_sum(const TachographHistogram *histogram);

/**
 * Allocates the calling thread's memory for it, so that observing on this thread allocates nothing from now on. NULL is
 * nothing.
 *
 * Threads: the one that will observe.
 *
 * # Safety
 *
 * `histogram` is NULL or a handle that is not freed.
 */
void tachograph_histogram_prepare(const TachographHistogram *histogram);

/**
 * Makes another handle of the same histogram; NULL of NULL.
 *
 * Threads: any.
 *
 * # Safety
 *
 * `histogram` is NULL or a handle that is not freed.
 */
TachographHistogram *tachograph_histogram_clone(const TachographHistogram *histogram);

/**
 * Frees a handle to a histogram; NULL is nothing. What it says stays in the scrapes of the registry.
 *
 * Threads: any.
 *
 * # Safety
 *
 * `histogram` is NULL or a handle that is not freed, and nobody uses it now or later.
 */
void tachograph_histogram_free(TachographHistogram *histogram);

/**
 * Registers histograms with 1 to 8 labels, all with the same buckets; `options` may be NULL.
 *
 * Threads: any.
 * Lifetimes: the texts are read before it returns. The names of labels are kept once each for as long as the process.
 * Errors: NULL when `registry` is, a text is not UTF-8, or a name, a label or the unit is refused, or the name is taken.
 *
 * # Safety
 *
 * `registry` is NULL or a handle that is not freed; `labels` is an array of `label_count`; each text is as long as it says;
 * `options` is NULL or as large as its `size` says, and so is `buckets`, with as many bounds as its `count` says.
 */
TachographHistogramFamily *tachograph_histogram_family_new(const TachographRegistry *registry,
                                                           TachographStr name,
                                                           TachographStr help,
                                                           const TachographStr *labels,
                                                           size_t label_count,
                                                           const TachographBuckets *buckets,
                                                           const TachographFamilyOptions *options);

/**
 * Finds the histogram with these values of the labels, in their order, made at 0 if there is none: a handle that needs no
 * look-up, which is the fast way. Past the family's limit it is the histogram whose values are all `other`. What is not UTF-8
 * in a value becomes U+FFFD.
 *
 * Threads: any.
 * Lifetimes: the texts are read before it returns. The histogram goes on when the family's handle is freed.
 * Errors: NULL when `family` is, or there are not as many values as labels.
 *
 * # Safety
 *
 * `family` is NULL or a handle that is not freed; `values` is an array of `value_count`; each text is as long as it says.
 */
TachographHistogram *tachograph_histogram_family_handle(const TachographHistogramFamily *family,
                                                        const TachographStr *values,
                                                        size_t value_count);

/**
 * Counts a value in base units in the histogram with these values, for values that are known only at run time: without a lock,
 * and without an allocation once the histogram is there. Past the family's limit, and of what is not UTF-8, as
 * `tachograph_histogram_family_handle`.
 *
 * Threads: any, at once. Not in a signal handler.
 * Errors: `TACHOGRAPH_STATUS_NULL_POINTER`; `TACHOGRAPH_STATUS_INVALID_ARGUMENT` when there are not as many values as labels.
 *
 * # Safety
 *
 * As `tachograph_histogram_family_handle`.
 */
TachographStatus tachograph_histogram_family_observe(const TachographHistogramFamily *family,
                                                     const TachographStr *values,
                                                     size_t value_count,
                                                     uint64_t value);

/**
 * Takes the histogram with these values out of the scrapes, if there is one. Handles to it stay valid, but what they say is
 * shown no more.
 *
 * Threads: any.
 * Errors: `TACHOGRAPH_STATUS_NULL_POINTER`; `TACHOGRAPH_STATUS_INVALID_ARGUMENT` when there are not as many values as labels.
 *
 * # Safety
 *
 * As `tachograph_histogram_family_handle`.
 */
TachographStatus tachograph_histogram_family_remove(const TachographHistogramFamily *family,
                                                    const TachographStr *values,
                                                    size_t value_count);

/**
 * Frees a handle to a family; NULL is nothing. Its histograms stay in the scrapes of the registry.
 *
 * Threads: any.
 *
 * # Safety
 *
 * `family` is NULL or a handle that is not freed, and nobody uses it now or later.
 */
void tachograph_histogram_family_free(TachographHistogramFamily *family);

/**
 * Registers the families of an HTTP service, and the engine's own. A registry has them once. `options` may be NULL.
 *
 * Threads: any.
 * Errors: NULL when `registry` is, the options are not right, or a name is taken.
 *
 * # Safety
 *
 * `registry` is NULL or a handle that is not freed; `options` is NULL or as large as its `size` says.
 */
TachographHttp *tachograph_http_new(const TachographRegistry *registry, const TachographHttpOptions *options);

/**
 * Finds the endpoint of this name, made if there is none: a route (`/scene/{id}`), never a path. Past the limit, and of more
 * than 256 bytes, it is `other`.
 *
 * Threads: any. Give each thread that starts requests an endpoint of its own, from here or by `tachograph_endpoint_clone`:
 * then no two threads meet at a count.
 * Lifetimes: the text is read before it returns.
 * Errors: NULL when `http` is.
 *
 * # Safety
 *
 * `http` is NULL or a handle that is not freed; the text is as long as it says.
 */
TachographEndpoint *tachograph_http_endpoint(const TachographHttp *http,
                                             TachographStr name);

/**
 * Counts a scene that was loaded, in `scene_loads_total`: a scene that exists, else say `unknown`.
 *
 * Threads: any, at once.
 * Errors: `TACHOGRAPH_STATUS_NULL_POINTER`.
 *
 * # Safety
 *
 * `http` is NULL or a handle that is not freed; the text is as long as it says.
 */
TachographStatus tachograph_http_scene_loaded(const TachographHttp *http, TachographStr scene);

/**
 * Counts a scene that could not be loaded, in `scene_load_errors_total`, by what went wrong: one of a few words.
 *
 * Threads: any, at once.
 * Errors: `TACHOGRAPH_STATUS_NULL_POINTER`.
 *
 * # Safety
 *
 * `http` is NULL or a handle that is not freed; the text is as long as it says.
 */
TachographStatus tachograph_http_scene_load_failed(const TachographHttp *http, TachographStr error_type);

/**
 * Counts an authentication, in `auth_attempts_total`: `success`, or why it failed, in one of a few words.
 *
 * Threads: any, at once.
 * Errors: `TACHOGRAPH_STATUS_NULL_POINTER`.
 *
 * # Safety
 *
 * `http` is NULL or a handle that is not freed; the text is as long as it says.
 */
TachographStatus tachograph_http_authenticated(const TachographHttp *http, TachographStr result);

/**
 * Counts a request that was refused because its client asked too often, in `rate_limit_hits_total`, by its route.
 *
 * Threads: any, at once.
 * Errors: `TACHOGRAPH_STATUS_NULL_POINTER`.
 *
 * # Safety
 *
 * `http` is NULL or a handle that is not freed; the text is as long as it says.
 */
TachographStatus tachograph_http_rate_limited(const TachographHttp *http, TachographStr endpoint);

/**
 * Counts a connection that has opened, in `active_connections`. Of NULL nothing is counted. (Those of the exporter count
 * themselves.)
 *
 * Threads: any, at once; it may close on another one.
 *
 * # Safety
 *
 * `http` is NULL or a handle that is not freed.
 */
void tachograph_http_connection_opened(const TachographHttp *http);

/**
 * Counts a connection that has closed. Of NULL nothing is counted.
 *
 * Threads: any, at once.
 *
 * # Safety
 *
 * `http` is NULL or a handle that is not freed.
 */
void tachograph_http_connection_closed(const TachographHttp *http);

/**
 * Shows profiles of this profiler as the exemplars of `http_request_duration_seconds`: for each endpoint and bucket one
 * request. Only the first call counts, also if it is the exporter's that was given a profiler.
 *
 * Threads: any.
 * Errors: `TACHOGRAPH_STATUS_NULL_POINTER`.
 *
 * # Safety
 *
 * Both are NULL or handles that are not freed.
 */
TachographStatus tachograph_http_exemplars_from(const TachographHttp *http, const TachographProfiler *profiler);

/**
 * Makes another handle of the same metrics; NULL of NULL.
 *
 * Threads: any.
 *
 * # Safety
 *
 * `http` is NULL or a handle that is not freed.
 */
TachographHttp *tachograph_http_clone(const TachographHttp *http);

/**
 * Frees a handle to the metrics of an HTTP service; NULL is nothing. They stay in the scrapes of the registry.
 *
 * Threads: any.
 *
 * # Safety
 *
 * `http` is NULL or a handle that is not freed, and nobody uses it now or later.
 */
void tachograph_http_free(TachographHttp *http);

/**
 * Has the series of this method and status exist, at 0 until the first such request: of a series that is born at its first
 * increment a rate misses that increment.
 *
 * Threads: any.
 * Errors: `TACHOGRAPH_STATUS_NULL_POINTER`.
 *
 * # Safety
 *
 * `endpoint` is NULL or a handle that is not freed; the text is as long as it says.
 */
TachographStatus tachograph_endpoint_declare(const TachographEndpoint *endpoint,
                                             TachographStr method,
                                             uint16_t status_code);

/**
 * Allocates the calling thread's memory for requests of this endpoint, those of the series that exist by now: they allocate
 * nothing on this thread from now on, but for the handle of `tachograph_request_start`. NULL is nothing.
 *
 * Threads: the one that will count.
 *
 * # Safety
 *
 * `endpoint` is NULL or a handle that is not freed.
 */
void tachograph_endpoint_prepare(const TachographEndpoint *endpoint);

/**
 * Counts a finished request that the program has timed itself, `duration_ns` from the request's head read to the last byte of
 * the response handed over: the cheapest way, without a handle for the request.
 *
 * Threads: any, at once.
 * Errors: `TACHOGRAPH_STATUS_NULL_POINTER`.
 *
 * # Safety
 *
 * `endpoint` is NULL or a handle that is not freed; the text is as long as it says.
 */
TachographStatus tachograph_endpoint_observe(const TachographEndpoint *endpoint,
                                             TachographStr method,
                                             uint16_t status_code,
                                             uint64_t duration_ns,
                                             uint64_t request_bytes,
                                             uint64_t response_bytes);

/**
 * Makes another handle of the same endpoint, for another thread; NULL of NULL.
 *
 * Threads: any.
 *
 * # Safety
 *
 * `endpoint` is NULL or a handle that is not freed.
 */
TachographEndpoint *tachograph_endpoint_clone(const TachographEndpoint *endpoint);

/**
 * Frees a handle to an endpoint; NULL is nothing. Requests that are open go on.
 *
 * Threads: any.
 *
 * # Safety
 *
 * `endpoint` is NULL or a handle that is not freed, and nobody uses it now or later.
 */
void tachograph_endpoint_free(TachographEndpoint *endpoint);

/**
 * Makes a profiler and allocates its memory, 500 KB by default. `options` may be NULL.
 *
 * Threads: any.
 * Errors: NULL when the options are not right.
 *
 * # Safety
 *
 * `options` is NULL or as large as its `size` says.
 */
TachographProfiler *tachograph_profiler_new(const TachographProfilerOptions *options);

/**
 * Adds to the scrapes what the profiler costs and has lost, `tachograph_profile*`. A registry has one profiler.
 *
 * Threads: any.
 * Errors: `TACHOGRAPH_STATUS_NULL_POINTER`; `TACHOGRAPH_STATUS_REFUSED` when the names are taken.
 *
 * # Safety
 *
 * Both are NULL or handles that are not freed.
 */
TachographStatus tachograph_profiler_register_metrics(const TachographProfiler *profiler,
                                                      const TachographRegistry *registry);

/**
 * Writes the profiles that a query asks for as JSON, with the statistics of all that match. `query` is a JSON object of
 * filters, such as `{"endpoint": "/scene", "sort": "slowest", "limit": 5}`, or empty for all: the same that `POST
 * /debug/profile` takes.
 *
 * Threads: any but one that must not wait: it takes milliseconds.
 * Lifetimes: the body is a copy.
 * Errors: NULL when `profiler` is, or the query makes no sense.
 *
 * # Safety
 *
 * `profiler` is NULL or a handle that is not freed; the text is as long as it says.
 */
TachographBody *tachograph_profiler_listing(const TachographProfiler *profiler, TachographStr query);

/**
 * Writes a flame graph of the profiles that a query asks for, as `tachograph_profiler_listing`. The filter `format` is one of
 * `json` (d3-flame-graph, the default), `folded`, `svg`, `speedscope`, `trace` and `pprof`; `compare` is a span, such as
 * `-10m..-5m`, whose requests these are compared with.
 *
 * Threads, lifetimes and errors: as `tachograph_profiler_listing`.
 *
 * # Safety
 *
 * `profiler` is NULL or a handle that is not freed; the text is as long as it says.
 */
TachographBody *tachograph_profiler_flame_graph(const TachographProfiler *profiler,
                                                TachographStr query);

/**
 * Forgets all profiles that have ended by now, and tells how many there were; 0 of NULL.
 *
 * Threads: any.
 *
 * # Safety
 *
 * `profiler` is NULL or a handle that is not freed.
 */
size_t tachograph_profiler_clear(const TachographProfiler *profiler);

/**
 * Makes another handle of the same profiler; NULL of NULL.
 *
 * Threads: any.
 *
 * # Safety
 *
 * `profiler` is NULL or a handle that is not freed.
 */
TachographProfiler *tachograph_profiler_clone(const TachographProfiler *profiler);

/**
 * Frees a handle to a profiler; NULL is nothing. Requests that are open keep it until they have ended.
 *
 * Threads: any.
 *
 * # Safety
 *
 * `profiler` is NULL or a handle that is not freed, and nobody uses it now or later.
 */
void tachograph_profiler_free(TachographProfiler *profiler);

/**
 * Makes an empty registry.
 *
 * Threads: any.
 * Lifetimes: what is registered in it goes on when this handle is freed, as long as there are handles to it.
 * Errors: NULL only for a panic.
 */
TachographRegistry *tachograph_registry_new(void);

/**
 * Makes an empty registry whose series all carry these labels, `count` names and as many values: what tells one instance of a
 * service from others. A label whose value is empty is left out.
 *
 * Threads: any.
 * Lifetimes: the texts are read before it returns.
 * Errors: NULL when a text is not UTF-8, or a name is not legal, is there twice, or is `le` or `quantile`.
 *
 * # Safety
 *
 * `names` and `values` are arrays of `count`, or NULL when that is 0; each text is as long as it says.
 */
TachographRegistry *tachograph_registry_with_labels(const TachographStr *names,
                                                    const TachographStr *values,
                                                    size_t count);

/**
 * Makes a handle to the registry of the process, the same for all who link this copy of the library.
 *
 * Threads: any.
 * Errors: NULL only for a panic.
 */
TachographRegistry *tachograph_registry_global(void);

/**
 * Adds to the scrapes what the engine holds, costs and has refused, `tachograph_*`. Once is enough.
 *
 * Threads: any.
 * Errors: `TACHOGRAPH_STATUS_NULL_POINTER`; `TACHOGRAPH_STATUS_REFUSED` when one of the names is taken.
 *
 * # Safety
 *
 * `registry` is NULL or a handle that is not freed.
 */
TachographStatus tachograph_registry_register_engine_metrics(const TachographRegistry *registry);

/**
 * Adds to the scrapes what the process uses, `process_*`: processor time, memory, descriptors, threads. Once is enough.
 *
 * Threads: any. The first scrape that has them starts a thread, which sleeps between scrapes.
 * Errors: `TACHOGRAPH_STATUS_NULL_POINTER`; `TACHOGRAPH_STATUS_REFUSED` when one of the names is taken.
 *
 * # Safety
 *
 * `registry` is NULL or a handle that is not freed.
 */
TachographStatus tachograph_registry_register_process_metrics(const TachographRegistry *registry);

/**
 * Takes a snapshot of the registry, waits for it, and renders it, for a program that has a server of its own. `accept` and
 * `accept_encoding` are what the scraper sent in the headers of these names, empty for none: they choose the format (text
 * 0.0.4, which is also for who sends none or nonsense, text 1.0.0, OpenMetrics 1.0, protobuf) and the coding (none, gzip,
 * zstd). Answer with the body's content type, with its content encoding if there is one, and with `Vary: Accept,
 * Accept-Encoding`.
 *
 * It holds every increment that happened before the call. Who asks at the same time shares one snapshot.
 *
 * Threads: any but one that must not wait, such as a frame's: it takes from a tenth of a millisecond on. The first call starts
 * the snapshot thread, which stays for as long as the process.
 * Lifetimes: the body stays as it is, whatever becomes of the registry.
 * Errors: NULL when `registry` is.
 *
 * # Safety
 *
 * `registry` is NULL or a handle that is not freed; each text is as long as it says.
 */
TachographBody *tachograph_registry_render(const TachographRegistry *registry,
                                           TachographStr accept,
                                           TachographStr accept_encoding);

/**
 * Makes another handle of the same registry; NULL of NULL.
 *
 * Threads: any.
 *
 * # Safety
 *
 * `registry` is NULL or a handle that is not freed.
 */
TachographRegistry *tachograph_registry_clone(const TachographRegistry *registry);

/**
 * Frees a handle to a registry; NULL is nothing. What was registered goes on as long as there are handles to it, or to the
 * registry.
 *
 * Threads: any.
 *
 * # Safety
 *
 * `registry` is NULL or a handle that is not freed, and nobody uses it now or later.
 */
void tachograph_registry_free(TachographRegistry *registry);

/**
 * Starts a request of an endpoint: call it when the request's head is read. With a profiler it has a profile, whose phases are
 * begun by `tachograph_phase_begin`; `profiler` may be NULL. `method` is as it stands in the request (`GET`); anything unknown
 * is `other`. `options` may be NULL, and are only looked at for the profile.
 *
 * Threads: any. The request may go to other threads.
 * Lifetimes: the texts are read before it returns; the endpoint and the profiler may be freed before the request ends.
 * Errors: NULL when `endpoint` is, or the options are not right.
 *
 * # Safety
 *
 * `endpoint` and `profiler` are NULL or handles that are not freed; each text is as long as it says; `options` is NULL or as
 * large as its `size` says.
 */
TachographRequest *tachograph_request_start(const TachographEndpoint *endpoint,
                                            const TachographProfiler *profiler,
                                            TachographStr method,
                                            const TachographRequestOptions *options);

/**
 * Starts something that is only profiled, and counted nowhere: the load of a scene beside the requests. It ends as a request
 * does, with a status of the program's choice.
 *
 * Threads: any. It may go to other threads.
 * Lifetimes: as `tachograph_request_start`.
 * Errors: NULL when `profiler` is, or the options are not right.
 *
 * # Safety
 *
 * `profiler` is NULL or a handle that is not freed; each text is as long as it says; `options` is NULL or as large as its
 * `size` says.
 */
TachographRequest *tachograph_profile_start(const TachographProfiler *profiler,
                                            TachographStr route,
                                            TachographStr method,
                                            const TachographRequestOptions *options);

/**
 * Begins a phase of a request, a part of the innermost one that is open. Phases that run side by side on several threads say
 * whose parts they are, by `tachograph_phase_begin_in`: else one would be a part of the other. There is room for sixteen; more
 * are counted as dropped.
 *
 * Threads: any, at once; it may end on another one.
 * Lifetimes: the text is read before it returns. The phase's handle is its own: end it also when the request has ended.
 * Errors: NULL when `request` is, and, without an error, when it has no profile.
 *
 * # Safety
 *
 * `request` is NULL or a handle that has not ended; the text is as long as it says.
 */
TachographPhase *tachograph_phase_begin(const TachographRequest *request,
                                        TachographStr name);

/**
 * Begins a phase that is a part of this one, whichever others are open.
 *
 * Threads: any, at once; it may end on another one.
 * Lifetimes: as `tachograph_phase_begin`; it may outlast the one that it is a part of.
 * Errors: NULL when `phase` is.
 *
 * # Safety
 *
 * `phase` is NULL or a handle that has not ended; the text is as long as it says.
 */
TachographPhase *tachograph_phase_begin_in(const TachographPhase *phase, TachographStr name);

/**
 * Ends a phase and frees its handle; NULL is nothing.
 *
 * Threads: any.
 *
 * # Safety
 *
 * `phase` is NULL or a handle that has not ended, and nobody uses it now or later.
 */
void tachograph_phase_end(TachographPhase *phase);

/**
 * Writes the id by which the request will be found into `buffer`, for logs and for the answer's `X-Request-Id`: as much of it
 * as has room, without a zero byte at the end. Tells how many bytes the whole id has; 0 when `request` is NULL or has no
 * profile.
 *
 * Threads: any, at once.
 *
 * # Safety
 *
 * `request` is NULL or a handle that has not ended; `buffer` has room for `capacity` bytes, or is NULL when that is 0.
 */
size_t tachograph_request_id(const TachographRequest *request,
                             char *buffer,
                             size_t capacity);

/**
 * Ends a request whose last byte is handed over, counts it under its endpoint with this status (100 to 599, else it is
 * `other`), keeps its profile, and frees its handle. Phases that are open end here. Tells how many nanoseconds it took; 0 of
 * NULL.
 *
 * Threads: any.
 *
 * # Safety
 *
 * `request` is NULL or a handle that has not ended, and nobody uses it now or later.
 */
uint64_t tachograph_request_finish(TachographRequest *request,
                                   uint16_t status_code,
                                   uint64_t request_bytes,
                                   uint64_t response_bytes);

/**
 * Ends a request that is given up, as when its client has left: counts it with the status 499, keeps its profile as aborted,
 * once its phases have ended, and frees its handle. NULL is nothing.
 *
 * Threads: any.
 *
 * # Safety
 *
 * `request` is NULL or a handle that has not ended, and nobody uses it now or later.
 */
void tachograph_request_abort(TachographRequest *request);

/**
 * Tells the version of the interface that the library has: compare it with `TACHOGRAPH_ABI_VERSION`, which is the header's.
 *
 * Threads: any.
 */
uint32_t tachograph_abi_version(void);

/**
 * Tells the library's version, such as `0.1.0`.
 *
 * Threads: any.
 * Lifetimes: the text stays for as long as the process.
 */
TachographStr tachograph_version(void);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

/** A text of a string that ends in a zero byte; empty of NULL. It stays as long as the string does. */
static inline TachographStr tachograph_str(const char *text) {
    TachographStr str;
    str.data = text;
    str.len = text ? strlen(text) : 0;
    return str;
}

#ifdef __cplusplus
#if __cplusplus >= 201703L
#include <string_view>
/** A text of whatever is one in C++. It stays as long as that does. */
inline TachographStr tachograph_str(std::string_view text) {
    return TachographStr{text.data(), text.size()};
}
#endif
#endif
