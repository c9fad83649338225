//! The scripts leave nothing behind, say what is wrong, and test what they say they test.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use monitoring_tests::scripts::{Copy, Said, listen, said};
use serde_json::Value;
use system::http::{self, Connection};
use system::wait;
use tempfile::TempDir;

const LIMIT: Duration = Duration::from_secs(60);

fn failed(said: &Said, parts: &[&str]) {
    assert_eq!(said.code, Some(1), "{}", said.text);
    parts.iter().for_each(|part| assert!(said.text.contains(part), "no {part:?} in:\n{}", said.text));
}

/// Whether a process runs. One that has ended and was not waited for yet does not.
fn runs(process: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    stat.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with('Z'))
}

fn signal(signal: &str, process: u32) {
    let status = Command::new("kill").args([signal, &process.to_string()]).status().expect("kill runs");
    assert!(status.success());
}

/// Writes an executable script.
fn put(file: &Path, script: &str) {
    fs::write(file, script).expect("a script can be written");
    fs::set_permissions(file, fs::Permissions::from_mode(0o755)).expect("it can be run");
}

/// A copy whose webhook has a token, written as compose would read it, and a program; and whose tests excuse nothing as young.
fn guarded() -> Copy {
    let copy = Copy::new();
    let folder = copy.folder();
    let settings = "# Settings\nexport TACHOGRAPH_WEBHOOK_TOKEN='hook-5ecret' # as in secrets/webhook_token\n\
                    WEBHOOK_OPTIONS = --run Watchdog=/actions/tell # more\n";
    fs::write(folder.join(".env"), settings).expect("a file can be written");
    fs::write(folder.join("alertmanager/secrets/webhook_token"), "hook-5ecret").expect("a secret can be written");
    put(&folder.join("actions/tell"), "#!/bin/sh\ncat >\"${0%/*}/told\"\n");
    let parts = folder.join("test_parts.sh");
    let text = fs::read_to_string(&parts).expect("a script");
    let strict = text.replace("late_seconds=300", "late_seconds=0");
    assert_ne!(strict, text, "what is young is told in another way");
    fs::write(&parts, strict).expect("a script can be written");
    copy
}

#[test]
fn the_stack_starts_is_well_is_not_well_and_stops() {
    let copy = guarded();
    let started = copy.script("start_monitoring.sh", &["--local", "--long-term"]);
    assert_eq!(started.code, Some(0), "{}", started.text);
    assert!(started.output.contains("All 8 targets are up."), "{}", started.text);
    for part in ["TACHOGRAPH_PORT", "PROMETHEUS_PORT", "ALERTMANAGER_PORT", "WEBHOOK_PORT", "VICTORIA_METRICS_PORT"] {
        assert!(started.output.contains(&format!("http://127.0.0.1:{}/", copy.setting(part))), "{}", started.text);
    }
    assert!(started.output.contains("Grafana             needs Docker"), "{}", started.text);
    let token = fs::metadata(copy.run().join("token")).expect("a token was made");
    assert_eq!((token.permissions().mode() & 0o777, token.len()), (0o600, 32));
    let running = copy.processes();
    assert_eq!(running.len(), 7, "{running:?}");

    let again = copy.script("start_monitoring.sh", &["--local"]);
    assert_eq!((again.code, again.text.contains("It runs already")), (Some(0), true), "{}", again.text);
    assert_eq!(copy.processes(), running);

    // Other users see command lines: no token may stand on one.
    let spy = TempDir::new().expect("a temporary folder");
    put(&spy.path().join("curl"), "#!/bin/bash\nprintf '%s\\n' \"$*\" >>\"${0%/*}/told\"\nPATH=${PATH#*:} exec curl \"$@\"\n");
    let path = format!("{}:{}", spy.path().display(), std::env::var("PATH").expect("there is a PATH"));
    let output = copy.command("test_monitoring.sh", &["--json"]).env("PATH", path).output().expect("a script runs");
    let well = said(&output);
    let lines = fs::read_to_string(spy.path().join("told")).expect("curl was called");
    let token = fs::read_to_string(copy.run().join("token")).expect("a token was made");
    assert!(lines.contains("/debug/profile") && !lines.contains(&token) && !lines.contains("hook-5ecret"), "{lines}");
    assert_eq!(well.code, Some(0), "{}", well.text);
    let results: Value = serde_json::from_str(&well.output).expect("JSON alone");
    let tests = results["tests"].as_array().expect("a list of tests");
    assert_eq!((&results["failed"], results["passed"].as_u64()), (&Value::from(0), Some(tests.len() as u64)));
    let named = |part: &str| tests.iter().filter(|test| test["name"].as_str().expect("a name").contains(part)).count();
    assert_eq!(named(" goes to "), monitoring::rules::alerts().len());
    assert_eq!(named("every target of job "), 8);
    assert_eq!(named("is closed without the token"), 9);
    assert!(named(".html") > 17 && named("is evaluated") >= 6 && named("Request Rate") > 0, "{}", well.text);

    let told = fs::read_to_string(copy.folder().join("actions/told")).expect("the program of Watchdog has run");
    assert!(told.contains("\"alertname\":\"Watchdog\""), "{told}");
    what_is_changed_is_read_again(&copy);

    let (_, alertmanager) = running.iter().find(|(service, _)| service == "alertmanager").expect("it runs");
    signal("-KILL", *alertmanager);
    let ill = copy.script("test_monitoring.sh", &["--wait", "0"]);
    failed(
        &ill,
        &["FAIL  it is ready", "alertmanager.log", "FAIL  Watchdog has arrived", "FAIL  alerts go to their receivers"],
    );
    assert!(!ill.text.contains('\u{1b}'), "there is colour without a terminal");
    let unfinished = copy.script("start_monitoring.sh", &["--local"]);
    failed(&unfinished, &["alertmanager ended and", "run stop_monitoring.sh first"]);

    let stopped = copy.script("stop_monitoring.sh", &["--purge"]);
    assert_eq!(stopped.code, Some(0), "{}", stopped.text);
    assert!(stopped.text.contains("alertmanager had ended already") && stopped.text.contains("prometheus has ended"));
    copy.assert_silent();
    running.iter().for_each(|(service, process)| assert!(!runs(*process), "{service} still runs"));
    assert_eq!(fs::read_dir(copy.run()).expect("its folder").count(), 0, "something is left after --purge");
    let nothing = copy.script("stop_monitoring.sh", &[]);
    assert!(nothing.code == Some(0) && nothing.text.contains("Nothing runs"), "{}", nothing.text);
    failed(&copy.script("test_monitoring.sh", &[]), &["start_monitoring.sh starts it"]);
}

/// Prometheus of this copy.
fn prometheus(copy: &Copy) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, copy.setting("PROMETHEUS_PORT").parse().expect("a port")).into()
}

fn what_is_changed_is_read_again(copy: &Copy) {
    let get = |path: &str| http::get(prometheus(copy), path).expect("Prometheus answers").body;
    let becomes = |path: &str, part: &str| {
        wait::until(part, LIMIT, || if get(path).contains(part) { Ok(()) } else { Err(format!("{path} has none")) });
    };
    let append = |file: &str, text: &str| {
        let file = copy.folder().join(file);
        let before = fs::read_to_string(&file).expect("a file");
        fs::write(&file, format!("{before}{text}")).expect("it can be written");
        before
    };
    // Links of alerts follow the port of Grafana.
    let dashboard = format!("http://127.0.0.1:{}/d/http_api_overview", copy.setting("GRAFANA_PORT"));
    assert!(get("/api/v1/alerts").contains(&dashboard), "{}", get("/api/v1/alerts"));

    // By itself, and a name that ends like that of the demo is another one.
    append("prometheus/targets/http_api.yml", "- targets: [eu-tachograph:8080]\n");
    becomes("/api/v1/targets?state=active", "http://eu-tachograph:8080/metrics");
    assert!(
        get("/api/v1/targets?state=active").contains(&format!("http://127.0.0.1:{}/metrics", copy.setting("TACHOGRAPH_PORT")))
    );

    let group = "  - name: added\n    rules:\n      - record: job:added\n        expr: vector(1)\n";
    append("prometheus/meta_alerts.yml", group);
    let reload = || copy.script("reload_monitoring.sh", &[]);
    let read = reload();
    assert!(read.code == Some(0) && read.text.contains("blackbox_exporter has read"), "{}", read.text);
    assert!(get("/api/v1/rules").contains("job:added"));
    let good = append("prometheus/meta_alerts.yml", "what is this?\n");
    failed(&reload(), &["prometheus has not taken its configuration"]);
    fs::write(copy.folder().join("prometheus/meta_alerts.yml"), good).expect("it can be written");
    let secret = copy.folder().join("alertmanager/secrets/slack_api_url");
    fs::write(&secret, "https://hooks.slack.com/services/5ecret\n").expect("a secret can be written");
    failed(&reload(), &["there is a newline in", "slack_api_url", "alertmanager.yml could not be made"]);
    fs::remove_file(secret).expect("it is there");
    assert_eq!(reload().code, Some(0));

    // A page in a browser can ask for it, so it must not be there.
    let quit = Connection::open(prometheus(copy)).and_then(|mut open| open.request("POST", "/-/quit", &[], ""));
    assert_eq!(quit.expect("Prometheus answers").status, 403);
}

#[test]
fn a_port_in_use_is_named_and_nothing_starts() {
    let mut copy = Copy::new();
    let taken = listen("PROMETHEUS_PORT", copy.setting("PROMETHEUS_PORT"));
    let port = copy.setting("PROMETHEUS_PORT").to_owned();
    let refused = copy.script("start_monitoring.sh", &["--local"]);
    failed(&refused, &[&format!("port {port}, which is for prometheus, is in use"), "PROMETHEUS_PORT="]);
    drop(taken);
    copy.assert_silent();

    copy.settings.push(("WEBHOOK_PORT".into(), port));
    failed(&copy.script("start_monitoring.sh", &["--local"]), &["prometheus and webhook cannot both have port"]);
    copy.settings.push(("WEBHOOK_PORT".into(), "http".into()));
    failed(&copy.script("start_monitoring.sh", &["--local"]), &["WEBHOOK_PORT is 'http'"]);
    for range in ["8089-8080", "8080-", "8080-70000"] {
        let output = copy.command("start_monitoring.sh", &["--local"]).env("TACHOGRAPH_PORT", range).output();
        failed(&said(&output.expect("a script runs")), &[&format!("TACHOGRAPH_PORT is '{range}'")]);
    }
}

#[test]
fn of_a_range_of_ports_the_first_free_one_is_taken() {
    let mut copy = Copy::new();
    // Some that are free beside each other; the first of them is taken.
    let (_taken, first) = (0..100)
        .find_map(|_| {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
            let port = listener.local_addr().expect("it is bound").port();
            TcpListener::bind((Ipv4Addr::LOCALHOST, port.checked_add(1)?)).ok().map(|_| (listener, port))
        })
        .expect("two ports");
    copy.settings.push(("TACHOGRAPH_PORT".into(), format!("{first}-{}", first + 1)));
    // A name is looked for on the PATH.
    copy.settings.push(("TACHOGRAPH_BIN".into(), "echo".into()));
    let refused = copy.script("start_monitoring.sh", &["--local"]);
    failed(&refused, &["tachograph ended", &format!("serve --listen 127.0.0.1:{} ", first + 1)]);
    copy.settings.push(("TACHOGRAPH_BIN".into(), "no-such-program".into()));
    failed(&copy.script("start_monitoring.sh", &["--local"]), &["TACHOGRAPH_BIN is 'no-such-program', which is no program"]);
}

#[test]
fn what_compose_would_read_otherwise_is_refused() {
    let copy = Copy::new();
    for line in ["PROMETHEUS_RETENTION=$DAYS", "PROMETHEUS_RETENTION=\"a\\nb\"", "PROMETHEUS_RETENTION='a'b"] {
        fs::write(copy.folder().join(".env"), format!("# One\n{line}\n")).expect("a file can be written");
        let refused = copy.script("start_monitoring.sh", &["--local"]);
        failed(&refused, &[".env, line 2: write the value of PROMETHEUS_RETENTION in single quotes"]);
    }
    fs::write(copy.folder().join(".env"), "PROMETHEUS_RETENTION: 35d\n").expect("a file can be written");
    failed(&copy.script("start_monitoring.sh", &["--local"]), &[".env, line 1: write NAME=VALUE"]);
}

#[test]
fn what_fails_half_way_leaves_nothing_running() {
    let mut copy = Copy::new();
    copy.settings.push(("TACHOGRAPH_OPTIONS".into(), "--no-such-option".into()));
    let refused = copy.script("start_monitoring.sh", &["--local"]);
    failed(&refused, &["tachograph ended", "--no-such-option", "tachograph.log", "prometheus has ended"]);
    copy.assert_silent();
}

#[test]
fn an_interrupt_half_way_leaves_nothing_running() {
    let mut copy = Copy::new();
    // It is never ready.
    let program = copy.folder().join("sleeps");
    put(&program, "#!/bin/sh\nexec sleep 600\n");
    copy.settings.push(("TACHOGRAPH_BIN".into(), program.display().to_string()));
    for kind in ["-INT", "-TERM"] {
        let mut command = copy.command("start_monitoring.sh", &["--local"]);
        let starting = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("a script runs");
        let running = wait::until("six processes", LIMIT, || match copy.processes() {
            all if all.len() == 6 => Ok(all),
            others => Err(format!("there are {others:?}")),
        });
        for script in ["start_monitoring.sh", "stop_monitoring.sh"] {
            failed(&copy.script(script, &[]), &["another script starts, stops or reloads"]);
        }
        signal(kind, starting.id());
        let said = said(&starting.wait_with_output().expect("it ends"));
        assert_eq!(said.code, Some(if kind == "-INT" { 130 } else { 143 }), "{}", said.text);
        copy.assert_silent();
        running.iter().for_each(|(service, process)| assert!(!runs(*process), "{service} still runs"));
    }
}

/// A folder with the programs that a script needs anyway, and no others.
fn basics() -> TempDir {
    let folder = TempDir::new().expect("a temporary folder");
    let path = std::env::var_os("PATH").expect("there is a PATH");
    for name in [
        "bash", "env", "dirname", "mkdir", "cat", "grep", "tail", "rm", "sed", "cut", "awk", "curl", "head", "tr", "touch",
        "chmod",
    ] {
        let found = std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.exists());
        symlink(found.unwrap_or_else(|| panic!("there is no {name}")), folder.path().join(name)).expect("a link");
    }
    folder
}

fn put_docker(folder: &Path, script: &str) {
    put(&folder.join("docker"), &format!("#!/usr/bin/env bash\n{script}\n"));
}

#[test]
fn a_program_that_is_missing_is_named_with_its_package() {
    let copy = Copy::new();
    let path = basics();
    let output = copy.command("start_monitoring.sh", &[]).env("PATH", path.path()).output().expect("a script runs");
    failed(
        &said(&output),
        &[
            "Without Docker, since docker is not installed",
            "missing: prometheus-alertmanager or alertmanager: package prometheus-alertmanager",
            "missing: prometheus-node-exporter or node_exporter: package prometheus-node-exporter",
        ],
    );
    copy.assert_silent();
}

#[test]
fn without_an_engine_docker_is_not_used_and_who_insists_is_told() {
    let copy = Copy::new();
    let path = basics();
    put_docker(path.path(), "exit 1");
    let start = |arguments: &[&str]| {
        said(&copy.command("start_monitoring.sh", arguments).env("PATH", path.path()).output().expect("a script runs"))
    };
    failed(&start(&[]), &["Without Docker, since docker has no engine that answers"]);
    failed(&start(&["--docker"]), &["cannot start with Docker: docker has no engine that answers"]);
}

#[test]
fn with_docker_a_password_is_made_and_a_failure_takes_all_down() {
    let mut copy = Copy::new();
    let path = basics();
    let told = path.path().join("told");
    // An engine that can do all but bring a stack up.
    let script = "echo \"$* password=$GRAFANA_ADMIN_PASSWORD profiles=$COMPOSE_PROFILES $PROMETHEUS_CONFIG\" \
                  >>\"${0%/*}/told\"\n\
                  case \"$*\" in *' up '*) echo no space left >&2; exit 1 ;; esac";
    put_docker(path.path(), script);
    let start = |copy: &Copy, arguments: &[&str]| {
        said(&copy.command("start_monitoring.sh", arguments).env("PATH", path.path()).output().expect("a script runs"))
    };
    failed(
        &start(&copy, &["--long-term"]),
        &["no space left", "docker compose could not start the stack", "GRAFANA_ADMIN_PASSWORD was not set"],
    );
    // Where compose finds it too, when it is called by hand.
    let file = copy.folder().join(".env");
    let settings = fs::read_to_string(&file).expect("a password was made");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let value = |name: &str| settings.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    let password = value("GRAFANA_ADMIN_PASSWORD=");
    assert_eq!((password.len(), value("TACHOGRAPH_TOKEN=").len()), (32, 32), "{settings}");
    let calls = fs::read_to_string(&told).unwrap();
    let with = format!("password={password} profiles=long-term prometheus_long_term.yml");
    let up = calls.lines().position(|call| call.contains(" up ") && call.contains(&with));
    let down = calls.lines().position(|call| call.contains(" down "));
    // Before they are gone, what the containers said is shown.
    let logs = calls.lines().position(|call| call.contains(" logs "));
    assert!(up.is_some() && up < logs && logs < down, "{calls}");
    assert!(!copy.run().join("mode").exists());

    // The same one again, unless another one is set.
    start(&copy, &[]);
    assert_eq!(fs::read_to_string(&file).unwrap(), settings);
    copy.settings.push(("GRAFANA_ADMIN_PASSWORD".into(), "chosen".into()));
    start(&copy, &[]);
    let calls = fs::read_to_string(&told).unwrap();
    let ups: Vec<&str> = calls.lines().filter(|call| call.contains(" up ")).collect();
    assert!(!ups[1].contains("password=unknown") && ups[2].contains("password=chosen"), "{calls}");
}

#[test]
fn of_a_stack_in_docker_a_part_is_no_whole_and_purge_removes_its_data() {
    let copy = Copy::new();
    let path = basics();
    let script = "echo \"$*\" >>\"${0%/*}/told\"\ncase \"$*\" in *' ps '*) cat \"${0%/*}/running\" ;; esac";
    put_docker(path.path(), script);
    let run = |script: &str, arguments: &[&str]| {
        said(&copy.command(script, arguments).env("PATH", path.path()).output().expect("a script runs"))
    };
    let running = |services: &str| fs::write(path.path().join("running"), services).expect("a file can be written");
    running("prometheus\nnode-exporter\n");
    let part = "prometheus node_exporter runs and tachograph webhook alertmanager blackbox_exporter grafana does not";
    failed(&run("start_monitoring.sh", &[]), &[part, "run stop_monitoring.sh first"]);
    assert!(!copy.run().join("mode").exists());
    running("tachograph\nwebhook\nprometheus\nalertmanager\nblackbox-exporter\nnode-exporter\ngrafana\n");
    let again = run("start_monitoring.sh", &[]);
    assert!(again.code == Some(0) && again.text.contains("It runs already"), "{}", again.text);

    // Compose itself has started it, and the scripts know of it now.
    let downs = || {
        let told = fs::read_to_string(path.path().join("told")).expect("docker was called");
        told.lines().filter(|line| line.contains(" down")).map(|line| line.ends_with(" down --volumes")).collect::<Vec<_>>()
    };
    assert_eq!(run("stop_monitoring.sh", &[]).code, Some(0));
    assert_eq!(downs(), [false]);
    // The data is there, and can still be removed.
    assert_eq!(run("stop_monitoring.sh", &["--purge"]).code, Some(0));
    assert_eq!(downs(), [false, true]);
    assert!(run("stop_monitoring.sh", &["--purge"]).text.contains("Nothing runs"));
    assert_eq!(downs(), [false, true]);
}

#[test]
fn help_is_told_and_what_is_no_option_is_refused() {
    let copy = Copy::new();
    for script in ["start_monitoring.sh", "stop_monitoring.sh", "test_monitoring.sh", "reload_monitoring.sh"] {
        let help = copy.script(script, &["--help"]);
        assert!(help.code == Some(0) && help.output.starts_with(script), "{}", help.text);
        failed(&copy.script(script, &["--hepl"]), &["'--hepl' is no option"]);
    }
    failed(&copy.script("test_monitoring.sh", &["--wait"]), &["--wait needs a number of seconds"]);
}
