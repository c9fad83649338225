/* Threads that count and end, and a scrape that has all of it. */
#include <pthread.h>

#include "expect.h"

enum { THREADS = 4, ROUNDS = 1000 };

static TachographRegistry *registry;
static TachographCounter *jobs;
static TachographCounterFamily *spawned;

static void *count(void *name) {
    TachographStr kind = tachograph_str(name);
    /* A handle of this thread's own, made and freed here. */
    TachographCounter *mine = tachograph_counter_family_handle(spawned, &kind, 1);
    EXPECT(mine != NULL);
    tachograph_counter_prepare(mine);
    for (int round = 0; round < ROUNDS; round++) {
        tachograph_counter_inc(jobs);
        tachograph_counter_inc_by(mine, 2);
        EXPECT(tachograph_counter_family_inc_by(spawned, &kind, 1, 1) == TACHOGRAPH_STATUS_OK);
    }
    tachograph_counter_free(mine);
    return NULL;
}

static void *let_go(void *nothing) {
    (void)nothing;
    tachograph_counter_free(jobs);
    tachograph_counter_family_free(spawned);
    return NULL;
}

int main(void) {
    EXPECT(tachograph_abi_version() == TACHOGRAPH_ABI_VERSION);
    registry = tachograph_registry_new();
    jobs = tachograph_counter_new(registry, tachograph_str("jobs_total"), tachograph_str("Jobs done."));
    TachographStr labels[] = {tachograph_str("kind")};
    TachographFamilyOptions options = {.size = sizeof options, .limit = 3};
    spawned = tachograph_counter_family_new(registry, tachograph_str("spawned_total"), tachograph_str("Spawned."), labels, 1, &options);
    EXPECT(jobs != NULL && spawned != NULL);

    /* What is refused is NULL, and what is NULL counts nothing. */
    TachographCounter *twice = tachograph_counter_new(registry, tachograph_str("jobs_total"), tachograph_str("Again."));
    EXPECT(twice == NULL && tachograph_last_status() == TACHOGRAPH_STATUS_REFUSED);
    const char *expected = "the counter \"jobs_total\" is registered already: rename one of them";
    TachographStr told = tachograph_last_error();
    EXPECT(told.len == strlen(expected) && memcmp(told.data, expected, told.len) == 0);
    tachograph_counter_inc(twice);

    char *names[THREADS] = {"bullet", "tree", "bullet", "tree"};
    for (int wave = 0; wave < 3; wave++) {
        pthread_t threads[THREADS];
        for (int thread = 0; thread < THREADS; thread++) {
            EXPECT(pthread_create(&threads[thread], NULL, count, names[thread]) == 0);
        }
        for (int thread = 0; thread < THREADS; thread++) {
            EXPECT(pthread_join(threads[thread], NULL) == 0);
        }
    }
    EXPECT(tachograph_counter_value(jobs) == 3 * THREADS * ROUNDS);

    TachographBody *body = tachograph_registry_render(registry, tachograph_str(""), tachograph_str(""));
    TachographStr type = tachograph_body_content_type(body);
    EXPECT(type.len >= 10 && memcmp(type.data, "text/plain", 10) == 0);
    EXPECT(tachograph_body_content_encoding(body).len == 0);
    char *text = text_of(body);
    EXPECT(strcmp(text, "# HELP jobs_total Jobs done.\n"
                        "# TYPE jobs_total counter\n"
                        "jobs_total 12000\n"
                        "# HELP spawned_total Spawned.\n"
                        "# TYPE spawned_total counter\n"
                        "spawned_total{kind=\"bullet\"} 18000\n"
                        "spawned_total{kind=\"tree\"} 18000\n") == 0);
    free(text);
    body = tachograph_registry_render(registry, tachograph_str("application/openmetrics-text"), tachograph_str("gzip"));
    EXPECT(tachograph_body_content_encoding(body).len == 4 && tachograph_body_data(body)[0] == 0x1f);

    /* On another thread than they were made on, the registry before them. */
    tachograph_registry_free(registry);
    pthread_t thread;
    EXPECT(pthread_create(&thread, NULL, let_go, NULL) == 0 && pthread_join(thread, NULL) == 0);
    EXPECT(tachograph_body_len(body) > 20);
    tachograph_body_free(body);
    return 0;
}
