/* The whole path of a request in an engine: start, phases, authentication, rate limit, scene load, finish. */
#include "expect.h"

/* What the engine has of its own. */
static int token_is_right(const char *token) { return strcmp(token, "secret") == 0; }
static int asks_too_often(int requests_before) { return requests_before >= 2; }
static size_t load_scene(const char *path) { return strcmp(path, "lobby.tscn") == 0 ? 4096 : 0; }

static TachographHttp *http;
static TachographProfiler *profiler;
static TachographEndpoint *scene;

/* On whichever thread answers requests: no lock, no system call but to read the clock. */
static uint16_t answer(const char *token, int requests_before, const char *path) {
    TachographRequestOptions options = {.size = sizeof options, .request_id = tachograph_str("r-17")};
    TachographRequest *request = tachograph_request_start(scene, profiler, tachograph_str("POST"), &options);
    uint16_t status = 200;
    size_t sent = 0;

    TachographPhase *phase = tachograph_phase_begin(request, tachograph_str("auth_validation"));
    int known = token_is_right(token);
    tachograph_http_authenticated(http, tachograph_str(known ? "success" : "wrong_token"));
    tachograph_phase_end(phase);
    if (!known) {
        status = 401;
    } else if (asks_too_often(requests_before)) {
        tachograph_http_rate_limited(http, tachograph_str("/scene"));
        status = 429;
    } else {
        TachographPhase *loading = tachograph_phase_begin(request, tachograph_str("scene_load"));
        TachographPhase *reading = tachograph_phase_begin_in(loading, tachograph_str("file_io"));
        sent = load_scene(path);
        tachograph_phase_end(reading);
        tachograph_phase_end(loading);
        if (sent > 0) {
            tachograph_http_scene_loaded(http, tachograph_str(path));
        } else {
            tachograph_http_scene_load_failed(http, tachograph_str("not_found"));
            status = 404;
        }
    }
    /* When the last byte is handed over. A client that leaves before is tachograph_request_abort(request). */
    tachograph_request_finish(request, status, 21, sent);
    return status;
}

int main(void) {
    TachographRegistry *registry = tachograph_registry_new();
    http = tachograph_http_new(registry, NULL);
    profiler = tachograph_profiler_new(NULL);
    scene = tachograph_http_endpoint(http, tachograph_str("/scene"));
    TachographExporterOptions options = {.size = sizeof options, .token = tachograph_str("secret"), .http = http, .profiler = profiler};
    TachographExporter *exporter = tachograph_exporter_start(registry, &options);
    EXPECT(exporter != NULL);
    tachograph_endpoint_declare(scene, tachograph_str("POST"), 500); /* there at 0, so that a rate sees the first one */
    tachograph_endpoint_prepare(scene);                             /* on the thread that answers */

    EXPECT(answer("secret", 0, "lobby.tscn") == 200);
    EXPECT(answer("secret", 1, "missing.tscn") == 404);
    EXPECT(answer("secret", 2, "lobby.tscn") == 429);
    EXPECT(answer("guess", 0, "lobby.tscn") == 401);

    uint16_t port = tachograph_exporter_port(exporter);
    char *scrape = fetched(port, "/metrics", "");
    EXPECT(strstr(scrape, "\nhttp_requests_total{endpoint=\"/scene\",method=\"POST\",status=\"200\"} 1\n"));
    EXPECT(strstr(scrape, "\nhttp_requests_total{endpoint=\"/scene\",method=\"POST\",status=\"500\"} 0\n"));
    EXPECT(strstr(scrape, "\nhttp_request_duration_seconds_count{endpoint=\"/scene\"} 4\n"));
    EXPECT(strstr(scrape, "\nhttp_response_size_bytes_sum{endpoint=\"/scene\"} 4096\n"));
    EXPECT(strstr(scrape, "\nscene_loads_total{scene=\"lobby.tscn\"} 1\n"));
    EXPECT(strstr(scrape, "\nscene_load_errors_total{error_type=\"not_found\"} 1\n"));
    EXPECT(strstr(scrape, "\nauth_attempts_total{result=\"wrong_token\"} 1\n"));
    EXPECT(strstr(scrape, "\nrate_limit_hits_total{endpoint=\"/scene\"} 1\n"));
    char *profiles = fetched(port, "/debug/profile?status=200", "Authorization: Bearer secret\r\n");
    EXPECT(strstr(profiles, "\"request_id\":\"r-17\"") && strstr(profiles, "\"name\":\"file_io\"") && strstr(profiles, "\"parent\":1"));
    char *flames = text_of(tachograph_profiler_flame_graph(profiler, tachograph_str("{\"format\": \"folded\"}")));
    EXPECT(strstr(flames, "/scene;scene_load;file_io ") || strstr(flames, "/scene;scene_load ") || strstr(flames, "/scene "));

    EXPECT(tachograph_exporter_stop(exporter, NULL) == TACHOGRAPH_STATUS_OK);
    tachograph_endpoint_free(scene);
    tachograph_profiler_free(profiler);
    tachograph_http_free(http);
    tachograph_registry_free(registry);
    free(scrape);
    free(profiles);
    free(flames);
    return 0;
}
