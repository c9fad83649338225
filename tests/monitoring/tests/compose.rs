//! `docker-compose.yml`, as far as it can be judged without an engine: by compose itself, by the schema, by a lint, and by
//! what this repository promises of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use system::demo::repository;
use tempfile::TempDir;

/// On 127.0.0.1, and inside: what the documents say, and what other configuration counts on.
const PORTS: [(&str, u64); 8] = [
    ("prometheus", 9090),
    ("grafana", 3000),
    ("alertmanager", 9093),
    ("node-exporter", 9100),
    ("blackbox-exporter", 9115),
    ("tachograph", 8080),
    ("webhook", 5001),
    ("victoria-metrics", 8428),
];

/// There is no default.
const PASSWORD: (&str, &str) = ("GRAFANA_ADMIN_PASSWORD", "a-password");

fn monitoring() -> PathBuf {
    repository().join("monitoring")
}

fn read(path: &str) -> String {
    let path = monitoring().join(path);
    fs::read_to_string(&path).unwrap_or_else(|cause| panic!("{}: {cause}", path.display()))
}

/// A program that `need_compose` has installed, with an environment of its own.
fn program(variable: &str) -> Command {
    let program = std::env::var_os(variable);
    let mut command =
        Command::new(program.unwrap_or_else(|| panic!("{variable} is not set: run these tests by ci/monitoring.sh")));
    command.current_dir(monitoring()).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command
}

fn run(command: &mut Command) -> Output {
    command.output().unwrap_or_else(|cause| panic!("{command:?}: {cause}"))
}

/// Runs compose under these variables, without `.env`, which is the user's.
fn compose(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let command = &mut program("TACHOGRAPH_COMPOSE");
    run(command.args(["--env-file", "/dev/null"]).args(arguments).envs(variables.iter().copied()))
}

fn accepted(output: &Output) -> String {
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The services of all profiles as compose understands them under these variables.
fn services_with(variables: &[(&str, &str)]) -> BTreeMap<String, Value> {
    let variables = [&[PASSWORD][..], variables].concat();
    let config = accepted(&compose(&["--profile", "*", "config", "--format", "json"], &variables));
    let config: Value = serde_json::from_str(&config).unwrap();
    config["services"].as_object().unwrap().clone().into_iter().collect()
}

fn services() -> BTreeMap<String, Value> {
    services_with(&[])
}

fn texts(value: &Value) -> Vec<String> {
    let list = value.as_array().map(Vec::as_slice).unwrap_or_default();
    list.iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

#[test]
fn compose_the_schema_and_the_lint_accept_it() {
    for profile in [&[][..], &["--profile", "long-term"]] {
        accepted(&compose(&[profile, &["config", "--quiet"]].concat(), &[PASSWORD]));
        let images = accepted(&compose(&[profile, &["config", "--images"]].concat(), &[PASSWORD]));
        assert_eq!(images.contains("victoria-metrics"), !profile.is_empty(), "{images}");
    }
    let schema = ["--builtin-schema", "vendor.compose-spec", "docker-compose.yml"];
    accepted(&run(program("TACHOGRAPH_CHECK_JSONSCHEMA").args(schema)));
    let lint = ["check", "--strict-config", "--fail-on", "low", "--no-env", "docker-compose.yml"];
    accepted(&run(program("TACHOGRAPH_COMPOSE_LINT").args(lint)));
}

/// Else the test before this one would say nothing.
#[test]
fn the_judges_see_what_is_wrong() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("docker-compose.yml");
    let good = read("docker-compose.yml");
    let judged = |from: &str, to: &str| {
        assert!(good.contains(from), "{from}");
        fs::write(&file, good.replace(from, to)).unwrap();
        let file = file.to_str().unwrap();
        let schema = run(program("TACHOGRAPH_CHECK_JSONSCHEMA").args(["--builtin-schema", "vendor.compose-spec", file]));
        let lint = ["check", "--fail-on", "low", "--config", ".compose-lint.yml", file];
        [schema.status.success(), run(program("TACHOGRAPH_COMPOSE_LINT").args(lint)).status.success()]
    };
    assert_eq!(judged("", ""), [true, true]);
    assert!(!judged("condition: service_healthy", "condition: service_happy")[0]);
    assert_eq!(judged("127.0.0.1:${PROMETHEUS_PORT:-9090}", "${PROMETHEUS_PORT:-9090}"), [true, false]);
    assert_eq!(judged("  cap_drop: [ALL]\n", ""), [true, false]);
}

#[test]
fn without_a_password_it_says_what_to_do() {
    for variables in [&[][..], &[(PASSWORD.0, "")]] {
        let refused = compose(&["config", "--quiet"], variables);
        let told = text(&refused.stderr);
        assert!(!refused.status.success(), "{told}");
        assert!(told.contains(PASSWORD.0) && told.contains("choose a password for Grafana"), "{told}");
    }
    assert_eq!(services()["grafana"]["environment"]["GF_SECURITY_ADMIN_PASSWORD"], PASSWORD.1);
}

#[test]
fn each_service_is_pinned_confined_and_asked_whether_it_is_well() {
    for (name, service) in services() {
        let image = service["image"].as_str().unwrap();
        let version = image.rsplit_once(':').map(|(_, tag)| tag.trim_start_matches('v')).unwrap_or_default();
        let numbers: Vec<Result<u32, _>> = version.split('.').map(str::parse).collect();
        assert!(numbers.len() == 3 && numbers.iter().all(Result::is_ok), "{image} is not one version");

        assert_eq!(service["read_only"], true, "{name}");
        assert_eq!(texts(&service["cap_drop"]), ["ALL"], "{name}");
        assert_eq!(texts(&service["security_opt"]), ["no-new-privileges:true"], "{name}");
        assert_eq!(service["restart"], "unless-stopped", "{name}");
        for absent in ["privileged", "cap_add", "devices", "network_mode", "pid", "ipc"] {
            assert!(service[absent].is_null(), "{name} has {absent}");
        }
        let memory: u64 = service["mem_limit"].as_str().unwrap_or_else(|| panic!("{name} has no limit")).parse().unwrap();
        assert!((64 << 20..=4 << 30).contains(&memory), "{name}: {memory}");
        assert!(service["cpus"].as_f64().is_some_and(|cpus| cpus > 0.0 && cpus <= 2.0), "{name}");
        assert!(service["pids_limit"].as_u64().is_some_and(|most| most <= 512), "{name}");
        for option in ["max-size", "max-file"] {
            assert!(service["logging"]["options"][option].is_string(), "{name} has logs without {option}");
        }
        let user = service["user"].as_str().unwrap_or_else(|| panic!("{name} is whoever its image says"));
        assert_eq!(user.starts_with("0:"), name == "victoria-metrics", "{name} runs as {user}");

        let asked = texts(&service["healthcheck"]["test"]);
        let port = PORTS.iter().find(|(known, _)| *known == name).unwrap_or_else(|| panic!("{name} is not known")).1;
        assert_eq!(asked[..2], ["CMD", "wget"], "{name}");
        assert!(asked.last().unwrap().starts_with(&format!("http://127.0.0.1:{port}/")), "{name}: {asked:?}");
        for (after, how) in service["depends_on"].as_object().into_iter().flatten() {
            assert_eq!(how["condition"], "service_healthy", "{name} after {after}");
        }
    }
}

/// A service, its port inside, its port outside.
type Published = Vec<(String, u64, String)>;

fn published(services: &BTreeMap<String, Value>) -> Published {
    let mut all = Published::new();
    for (name, service) in services {
        for port in service["ports"].as_array().unwrap_or_else(|| panic!("{name} has no port")) {
            assert_eq!(port["host_ip"], "127.0.0.1", "{name}");
            all.push((name.clone(), port["target"].as_u64().unwrap(), port["published"].as_str().unwrap().to_owned()));
        }
    }
    all
}

#[test]
fn every_port_is_published_on_loopback_alone_and_can_be_another() {
    let mut expected: Published = PORTS.iter().map(|(name, port)| (name.to_string(), *port, port.to_string())).collect();
    expected.sort();
    assert_eq!(published(&services()), expected);

    let variable = |name: &str| name.to_uppercase().replace('-', "_") + "_PORT";
    let others: Vec<_> = PORTS.iter().map(|(name, port)| (variable(name), format!("1{port}"))).collect();
    let others: Vec<(&str, &str)> = others.iter().map(|(name, port)| (&**name, &**port)).collect();
    for (name, target, published) in published(&services_with(&others)) {
        assert_eq!(published, format!("1{target}"), "{name}");
    }
    // Of several instances each takes one of a range.
    let services = services_with(&[("TACHOGRAPH_PORT", "8080-8089")]);
    assert_eq!(services["tachograph"]["ports"][0]["published"], "8080-8089");
}

#[test]
fn what_is_mounted_is_in_the_repository_and_read_only() {
    let root = repository().canonicalize().unwrap();
    let mut mounts = Vec::new();
    for (name, service) in services() {
        for volume in service["volumes"].as_array().into_iter().flatten().filter(|volume| volume["type"] == "bind") {
            let source = Path::new(volume["source"].as_str().unwrap());
            assert_eq!(volume["read_only"], true, "{name} may write to {}", source.display());
            if name == "node-exporter" {
                assert_eq!(source, Path::new("/"));
                continue;
            }
            let inside = source.strip_prefix(&root).unwrap_or_else(|_| panic!("{name} mounts {}", source.display()));
            let tracked = run(Command::new("git").args(["ls-files", "--error-unmatch"]).arg(inside).current_dir(&root));
            assert!(tracked.status.success(), "{name} mounts {}, which is not in the repository", inside.display());
            mounts.push((name.clone(), source.to_owned(), volume["target"].as_str().unwrap().to_owned()));
        }
    }
    // What a command names below a mount is there.
    let mut named = 0;
    for long_term in ["prometheus.yml", "prometheus_long_term.yml"] {
        let services = services_with(&[("PROMETHEUS_CONFIG", long_term)]);
        for (name, source, target) in &mounts {
            let command = texts(&services[name]["command"]).join(" ");
            for word in command.split([' ', '=', '\n', '>']).filter(|word| word.starts_with(target)) {
                let file = source.join(word[target.len()..].trim_start_matches('/'));
                assert!(file.exists(), "{name}: for {word} there is no {}", file.display());
                named += 1;
            }
        }
    }
    assert!(named >= 8, "{named}");
}

/// The services with their ports that a configuration names.
fn addresses(text: &str) -> BTreeSet<(String, u64)> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || "-_:.".contains(c)));
    let pairs = words.filter_map(|word| {
        let (name, port) = word.trim_end_matches(['.', ':']).rsplit_once(':')?;
        let port = port.parse().ok()?;
        PORTS.iter().any(|(known, _)| *known == name).then(|| (name.to_owned(), port))
    });
    pairs.collect()
}

#[test]
fn other_configuration_finds_the_services_where_they_are() {
    let known: BTreeSet<(String, u64)> = PORTS.iter().map(|(name, port)| (name.to_string(), *port)).collect();
    let files = ["prometheus/prometheus_long_term.yml", "prometheus/targets/http_api.yml", "alertmanager/alertmanager.yml"];
    let mut found: BTreeSet<_> = files.iter().flat_map(|file| addresses(&read(file))).collect();
    for file in fs::read_dir(monitoring().join("grafana/provisioning/datasources")).unwrap() {
        found.extend(addresses(&fs::read_to_string(file.unwrap().path()).unwrap()));
    }
    assert!(found.is_subset(&known), "{:?}", found.difference(&known));
    let unasked: Vec<_> = known.iter().filter(|(name, _)| name != "grafana").filter(|pair| !found.contains(pair)).collect();
    assert!(unasked.is_empty(), "nobody asks {unasked:?}");
}

#[test]
fn every_setting_is_in_the_example_and_the_other_way_round() {
    let compose = read("docker-compose.yml");
    let in_braces = compose.split("${").skip(1).map(|rest| rest.split([':', '}']).next().unwrap());
    let lines = compose.lines().map(str::trim);
    let passed_on = lines.filter_map(|line| line.strip_suffix(':')).filter(|name| name.starts_with("TACHOGRAPH_"));
    let used: BTreeSet<&str> = in_braces.chain(passed_on).collect();
    let example = read(".env.example");
    let settings = example.lines().filter_map(|line| line.trim_start_matches('#').split_once('=').map(|(name, _)| name));
    let mut explained: BTreeSet<&str> = settings.filter(|name| !name.contains(' ')).collect();
    assert!(explained.remove("COMPOSE_PROFILES"), "compose itself reads this one");
    assert_eq!(used, explained);
}

/// What compose and the scripts make of one `.env`.
#[test]
fn the_scripts_read_settings_as_compose_does() {
    let folder = TempDir::new().unwrap();
    for file in ["docker-compose.yml", "common.sh"] {
        fs::write(folder.path().join(file), read(file)).unwrap();
    }
    let settings = concat!(
        "# PROMETHEUS_RETENTION=1d\nPROMETHEUS_RETENTION=2d\n\nexport PROMETHEUS_RETENTION=3d # three\r\n",
        "PROMETHEUS_RETENTION_SIZE = 4GB \n  PROMETHEUS_CONFIG='a$b # c' # d\nVICTORIA_METRICS_RETENTION=\"5y\"# five\n",
        "TACHOGRAPH_URL=http://a#b\nTACHOGRAPH_PORT=8080-8089\nGRAFANA_ADMIN_PASSWORD=\nGRAFANA_URL='' # of the port\n",
        "GRAFANA_PORT=3001\n\nGRAFANA_ADMIN_PASSWORD=made",
    );
    fs::write(folder.path().join(".env"), settings).unwrap();
    let scripts = |name: &str| {
        let ask = r#"source "$0/common.sh"; setting "$1" "#;
        let mut bash = Command::new("bash");
        bash.args(["-c", &format!("{ask} ''")]).arg(folder.path()).arg(name).env_clear();
        accepted(&run(bash.env("PATH", std::env::var_os("PATH").unwrap()))).trim_end_matches('\n').to_owned()
    };
    let mut command = program("TACHOGRAPH_COMPOSE");
    // From anywhere, as a person calls it.
    command.current_dir("/").arg("--file").arg(folder.path().join("docker-compose.yml"));
    let config = accepted(&run(command.args(["--profile", "*", "config", "--format", "json"])));
    let config: Value = serde_json::from_str(&config).unwrap();
    let services = &config["services"];
    let option = |service: &str, name: &str| {
        let all = texts(&services[service]["command"]);
        all.iter().find_map(|word| word.strip_prefix(name)).unwrap_or_else(|| panic!("no {name}")).to_owned()
    };
    let environment = |service: &str, name: &str| services[service]["environment"][name].as_str().unwrap().to_owned();
    for (name, compose, expected) in [
        ("PROMETHEUS_RETENTION", option("prometheus", "--storage.tsdb.retention.time="), "3d"),
        ("PROMETHEUS_RETENTION_SIZE", option("prometheus", "--storage.tsdb.retention.size="), "4GB"),
        // As it is written down again, a dollar sign is doubled.
        ("PROMETHEUS_CONFIG", option("prometheus", "--config.file=/etc/prometheus/").replace("$$", "$"), "a$b # c"),
        ("VICTORIA_METRICS_RETENTION", option("victoria-metrics", "-retentionPeriod="), "5y"),
        ("TACHOGRAPH_URL", environment("grafana", "TACHOGRAPH_URL"), "http://a#b"),
        ("TACHOGRAPH_PORT", services["tachograph"]["ports"][0]["published"].as_str().unwrap().to_owned(), "8080-8089"),
        ("GRAFANA_ADMIN_PASSWORD", environment("grafana", "GF_SECURITY_ADMIN_PASSWORD"), "made"),
    ] {
        assert_eq!((&*compose, &*scripts(name)), (expected, expected), "{name}");
    }
    assert_eq!((environment("prometheus", "GRAFANA_URL"), scripts("GRAFANA_URL")), ("http://localhost:3001".into(), "".into()));
}

#[test]
fn links_follow_the_ports_or_lead_where_they_are_told() {
    let links = |variables: &[(&str, &str)]| {
        let services = services_with(variables);
        let environment = |service: &str, name: &str| services[service]["environment"][name].as_str().unwrap().to_owned();
        assert_eq!(environment("grafana", "GF_SERVER_ROOT_URL"), environment("prometheus", "GRAFANA_URL"));
        [environment("prometheus", "GRAFANA_URL"), environment("grafana", "TACHOGRAPH_URL")]
    };
    assert_eq!(links(&[]), ["http://localhost:3000", "http://localhost:8080"]);
    let ports = [("GRAFANA_PORT", "3001"), ("TACHOGRAPH_PORT", "8081")];
    assert_eq!(links(&ports), ["http://localhost:3001", "http://localhost:8081"]);
    let urls = [("GRAFANA_URL", "https://grafana.example.org"), ("TACHOGRAPH_URL", "https://api.example.org")];
    assert_eq!(links(&[&ports[..], &urls[..]].concat()), ["https://grafana.example.org", "https://api.example.org"]);
    // Who reads these variables, and by which feature of Prometheus.
    assert!(read("prometheus/prometheus.yml").contains("    grafana: ${GRAFANA_URL}\n"));
    assert!(texts(&services()["prometheus"]["command"]).join(" ").contains("expand-external-labels"));
}

#[test]
fn no_page_in_a_browser_can_end_prometheus() {
    assert!(!read("docker-compose.yml").contains("    - --web.enable-lifecycle"));
    assert!(!texts(&services()["prometheus"]["command"]).join(" ").contains("lifecycle"));
}

#[test]
fn tokens_are_passed_on_only_when_they_are_set_and_options_as_words() {
    for (service, name) in [("tachograph", "TACHOGRAPH_TOKEN"), ("webhook", "TACHOGRAPH_WEBHOOK_TOKEN")] {
        // Null: not set to nothing, which would be no token.
        assert!(services()[service]["environment"][name].is_null());
        assert_eq!(services_with(&[(name, "open-sesame")])[service]["environment"][name], "open-sesame");
    }
    let command = |variables: &[(&str, &str)]| texts(&services_with(variables)["tachograph"]["command"]).join("|");
    assert!(command(&[("TACHOGRAPH_OPTIONS", "--demo-faults --profiles 50")]).ends_with("|--demo-faults|--profiles|50"));
    assert!(!command(&[]).contains("demo-faults"), "faults are for who asks for them");
}
