//! What stands below the options in the help of each command.

pub(super) const ENDPOINTS: &str = "\
Endpoints:
  GET  /              live page for a browser; without scripts a table of the figures
  GET  /events        the stream behind it
  GET  /metrics       all metrics, in the Prometheus or OpenMetrics format that the client asks for
  GET  /health        what the health checks find; with the token also why; ?strict=true has it 503
                      when degraded too, ?exclude=NAME leaves a check out
  GET  /health/quick  the same from their last results, at once
  GET  /scenes        the scene files that can be loaded
  GET  /scene         the scene that is loaded
  POST /scene         loads a scene; needs the token; body {\"path\": \"lobby.tscn\"}
  GET  /demo/fault    with --demo-faults and the token: the faults that are injected now
  POST /demo/fault    with --demo-faults and the token: sets them; body
                      {\"error_share\": 0.2, \"delay_ms\": 300, \"fail_scenes\": false,
                      \"load_delay_ms\": 60000, \"hold_mib\": 600,
                      \"debug_adapter\": \"silent\", \"language_server\": \"down\"};
                      what it leaves out is off
  GET  /demo/engine   with --demo-faults and the token: how the frame loop is set
  POST /demo/engine   with --demo-faults and the token: sets it; body {\"paused\": false, \"fps\": 5};
                      what it leaves out is as at the start

  For orchestrators, also:
  GET  /health/live        alive; 503: to be restarted
  GET  /health/ready       to be sent requests; 503 from the first signal on
  GET  /health/startup     started; once so, always so
  GET  /health/check/NAME  one check: scene_loader, file_system, memory, dap_lsp, resource_loader,
                           engine

  With the token, also:
  GET  /debug/profile             the last requests and where their time went;
                                  ?slow=true&sort=slowest and other filters
  POST /debug/profile             the same, with the filters as a JSON body
  GET  /debug/profile/ID          one request, by its id or its trace's
  GET  /debug/profile/summary     how many are kept, since when, the slowest ones
  GET  /debug/profile/flamegraph  their flame graph; ?format=json, folded, svg, speedscope, trace
                                  or pprof
  POST /debug/profile/clear       forgets them

Examples:
  tachograph
      Serve the demo with its own traffic; watch http://127.0.0.1:8080/ move.
  TACHOGRAPH_TOKEN=secret tachograph serve --listen 0.0.0.0:9100 --log-format json
      Serve on all interfaces, without traffic, for a collector of JSON logs.
  curl -H 'Authorization: Bearer secret' -d '{\"path\": \"lobby.tscn\"}' http://127.0.0.1:8080/scene
      Load a scene.

SIGINT and SIGTERM let the requests in flight finish and then end the server with status 0; a second signal ends it at \
once with status 1. With --token-file or --tls-cert SIGHUP has the files read again, without them it ends the server. What keeps \
it from starting is told in one line, with status 2.";

pub(super) const CHECKING: &str = "\
Examples:
  tachograph check http://127.0.0.1:8080/metrics
      Ask a server for OpenMetrics, then for text, and check the answer and its content type.
  curl -s http://127.0.0.1:8080/metrics | tachograph check
      Check what comes through a pipe.
  tachograph check --format text --json scrape.txt
      Check a file, and write the findings for a program.

The exit status is 0 if there is no finding, 1 if there are some, 2 if the scrape cannot be read.";

pub(super) const METRICS: &str = "\
Examples:
  tachograph metrics --grep http_requests
      Show the families with that in their names or labels.
  tachograph metrics --url localhost:9100 --watch --sort rate --top 5
      Watch a node exporter, the fastest series first.
  tachograph metrics --json | jq '.[] | select(.type == \"counter\") | .name'
      Names of all counters.

Quantiles of histograms are estimated from their buckets, as Prometheus does it; with --watch they are those of what was \
observed since the last look, and no rate is negative when the server has been restarted.

The exit status is 0, 1 if --grep finds nothing, 2 if the metrics cannot be had.";

pub(super) const HEALTH: &str = "\
Examples:
  tachograph health
      Each check with its status, its duration and, with the token, what it says.
  tachograph health --live --quiet
      For a container's health check: HEALTHCHECK CMD [\"tachograph\", \"health\", \"--live\", \"--quiet\"]
  tachograph health --url prometheus:9090 --path /-/healthy
      Ask a server that is not Tachograph's.

The exit status is 0 if it is healthy, 1 if it is degraded, 2 if it is unhealthy (with --strict also if it is degraded) or \
cannot be asked.";

pub(super) const PROFILE: &str = "\
Examples:
  tachograph profile --slow --sort slowest --limit 10
      The ten slowest requests.
  tachograph profile scene_1733158245_7f
      The phases of one request.
  tachograph profile --endpoint /scene --json | jq '.profiles[0].phases'
      For a script.

It needs the server's token. The exit status is 0, 2 if the profiles cannot be had.";

pub(super) const FLAMEGRAPH: &str = "\
Examples:
  tachograph flamegraph --endpoint /scene
      Draw it here: each row is a level of phases, as wide as its share of the time.
  tachograph flamegraph --slow --output slow.svg
      A picture for a browser.
  tachograph flamegraph --output profile.json
      A file for https://www.speedscope.app.

By the end of its name a file is: .svg a picture; .folded or .txt stacks; .json speedscope; .trace.json Chrome's and \
Perfetto's trace events; .pb.gz pprof; .d3.json d3-flame-graph.

It needs the server's token. The exit status is 0, 2 if the profiles cannot be had or the file cannot be written; then there \
is no half of it.";
