//! The configurations are what the programs that read them take, and alerts go where they should.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use monitoring::rules::{Alert, alerts};
use monitoring_tests::alertmanager::{amtool, channels, channels_of_nobody, folder, shipped};
use monitoring_tests::mutation_trial::{list, text_of};
use serde_json::Value;
use system::daemon::Daemon;
use system::demo::Demo;
use system::http;
use tempfile::TempDir;

/// promtool of Debian 12 (2.42) and of Debian 13 (2.53).
fn promtools() -> [PathBuf; 2] {
    let later = std::env::var_os("TACHOGRAPH_PROMTOOL_TRIXIE").expect("TACHOGRAPH_PROMTOOL_TRIXIE: run by ci/monitoring.sh");
    ["promtool".into(), later.into()]
}

/// Whether promtool is content with a configuration and what it names, and what it says.
fn check_config(promtool: &Path, configuration: &Path) -> (bool, String) {
    let output = Command::new(promtool).args(["check", "config", "--lint=all"]).arg(configuration).output();
    let output = output.unwrap_or_else(|error| panic!("cannot start {}: {error}", promtool.display()));
    let told = [output.stdout, output.stderr].map(|text| String::from_utf8(text).expect("UTF-8 from promtool")).concat();
    (output.status.success(), told)
}

fn prometheus() -> PathBuf {
    monitoring::files::folder().join("prometheus")
}

#[test]
fn prometheus_takes_each_configuration_without_a_warning() {
    for promtool in promtools() {
        for name in ["prometheus.yml", "prometheus_long_term.yml", "prometheus_dns.yml"] {
            let (content, told) = check_config(&promtool, &prometheus().join(name));
            assert!(content, "{}: {told}", promtool.display());
            // The configuration, that its files of rules are there, and each of the four.
            assert_eq!(told.matches("SUCCESS").count(), 6, "{told}");
            let complaint = told.lines().find(|line| ["warn", "lint", "FAILED"].iter().any(|word| line.contains(word)));
            assert_eq!(complaint, None, "{}: {told}", promtool.display());
        }
    }
}

#[test]
fn a_configuration_that_names_what_is_not_there_is_refused() {
    // So that the test above is one: promtool does look at what the file names.
    let there = TempDir::new().unwrap();
    let text = fs::read_to_string(prometheus().join("prometheus.yml")).unwrap();
    let copy = there.path().join("prometheus.yml");
    fs::write(&copy, text).unwrap();
    for promtool in promtools() {
        let (content, told) = check_config(&promtool, &copy);
        assert!(!content && told.contains("recording_rules.yml"), "{told}");
    }
}

#[test]
fn long_term_and_dns_differ_from_the_usual_in_nothing_else() {
    let read = |name: &str| fs::read_to_string(prometheus().join(name)).unwrap();
    let usual = read("prometheus.yml");
    assert!(read("prometheus_long_term.yml").contains(&usual));
    let dns = read("prometheus_dns.yml");
    assert_eq!(usual.matches("file_sd_configs:").count(), 3);
    assert_eq!((dns.matches("    file_sd_configs:").count(), dns.matches("    dns_sd_configs:").count()), (0, 3));
    let jobs = |text: &str| text.lines().filter(|line| line.contains("job_name")).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(jobs(&usual), jobs(&dns));
}

/// Writes a configuration where amtool can read it.
fn written(text: &str) -> (TempDir, String) {
    let there = TempDir::new().unwrap();
    let file = there.path().join("alertmanager.yml");
    fs::write(&file, text).unwrap();
    (there, file.display().to_string())
}

#[test]
fn alertmanager_takes_the_configuration_with_all_channels_with_each_and_with_none() {
    let secrets =
        ["smtp_password", "slack_api_url", "pagerduty_routing_key", "opsgenie_api_key", "webhook_token", "heartbeat_url"];
    let check = |text: &str| {
        let (_there, file) = written(text);
        let (content, told) = amtool(&["check-config", &file]);
        assert!(content && told.contains("5 receivers"), "{told}");
    };
    check(&shipped());
    let there = TempDir::new().unwrap();
    fs::create_dir(there.path().join("secrets")).unwrap();
    let (none, told) = channels(there.path(), &shipped()).unwrap();
    assert_eq!((told.matches(": off").count(), told.matches(": on").count()), (6, 0), "{told}");
    assert!(!none.contains("secrets/") || !none.contains("_file"), "a channel without its secret is there:\n{none}");
    check(&none);
    for secret in secrets {
        let file = there.path().join("secrets").join(secret);
        fs::write(&file, "x").unwrap();
        let (one, told) = channels(there.path(), &shipped()).unwrap();
        assert_eq!((told.matches(": off").count(), told.matches(": on").count()), (5, 1), "{told}");
        check(&one);
        let named = one.lines().filter(|line| line.contains("_file:")).collect::<Vec<_>>();
        assert!(!named.is_empty() && named.iter().all(|line| line.ends_with(&format!("/secrets/{secret}"))), "{named:?}");
        // One that is empty is none.
        fs::write(&file, "").unwrap();
        assert_eq!(channels(there.path(), &shipped()).unwrap().0, none);
        // A newline would be sent along, that of Windows too.
        for wrong in ["x\n", "\nx", "x\r\n", "x\r", "\n"] {
            fs::write(&file, wrong).unwrap();
            let told = channels(there.path(), &shipped()).unwrap_err();
            assert!(told.contains(&format!("there is a newline in {}", file.display())), "{told}");
        }
        fs::remove_file(&file).unwrap();
    }
}

#[test]
fn a_secret_that_cannot_be_read_switches_nothing_off_in_silence() {
    let there = TempDir::new().unwrap();
    // Whoever runs awk may look into it.
    fs::set_permissions(there.path(), fs::Permissions::from_mode(0o755)).unwrap();
    fs::create_dir(there.path().join("secrets")).unwrap();
    let file = there.path().join("secrets/pagerduty_routing_key");
    fs::write(&file, "x").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o000)).unwrap();
    let told = channels_of_nobody(there.path(), &shipped()).unwrap_err();
    assert!(told.contains(&format!("{} is there and cannot be read: see secrets/README.md", file.display())), "{told}");
    fs::remove_file(&file).unwrap();
    let (_, told) = channels_of_nobody(there.path(), &shipped()).unwrap();
    assert!(told.contains("channel pagerduty: off"), "{told}");
    fs::create_dir(&file).unwrap();
    let told = channels(there.path(), &shipped()).unwrap_err();
    assert!(told.contains(&format!("{} is a folder, and no secret", file.display())), "{told}");
}

#[test]
fn channels_that_are_marked_wrongly_are_refused() {
    let end = "# end of channel";
    let begin = "# channel: slack secrets/slack_api_url";
    for (text, why) in [
        (format!("{begin}\n"), "line 1: channel slack does not end"),
        (format!("a: b\n{end}\n"), "line 2: a channel ends, and none has begun"),
        (format!("{begin}\n{begin}\n{end}\n"), "line 2: a channel begins within channel slack"),
        (format!("# channel: slack\n{end}\n"), "line 1: a channel begins as in '# channel: slack secrets/slack_api_url'"),
    ] {
        let told = channels(&folder(), &text).unwrap_err();
        assert!(told.contains(why), "{told}");
    }
}

/// Who is told of an alert, by its labels.
fn receiver(alert: &Alert) -> &'static str {
    match (&*alert.name, alert.label("component"), alert.label("severity")) {
        ("Watchdog", ..) => "watchdog",
        (_, "security", _) => "security",
        (_, _, "critical") => "critical",
        (_, _, "warning") => "warning",
        (_, _, "info") => "info",
        _ => panic!("nobody is told of {alert:?}"),
    }
}

/// The alerts that do not go where they should, by amtool.
fn misrouted(configuration: &str) -> Vec<String> {
    let (_there, file) = written(configuration);
    let wrong = |alert: &Alert| {
        let mut arguments = vec!["config".to_owned(), "routes".into(), "test".into(), format!("--config.file={file}")];
        arguments.push(format!("--verify.receivers={}", receiver(alert)));
        arguments.push(format!("alertname={}", alert.name));
        arguments.push("job=http_api".into());
        arguments.extend(alert.rule.labels.iter().map(|(name, value)| format!("{name}={value}")));
        let (content, told) = amtool(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
        assert!(content || told.contains("Expected receivers"), "{told}");
        !content
    };
    alerts().into_iter().filter(wrong).map(|alert| alert.name).collect()
}

#[test]
fn every_alert_of_the_rules_goes_to_its_receiver() {
    assert!(alerts().len() >= 17 + 4);
    assert_eq!(misrouted(&shipped()), Vec::<String>::new());
}

#[test]
fn a_route_that_is_missing_or_in_the_wrong_place_is_seen() {
    let text = shipped();
    let routes: Vec<&str> = text.split("\n    - matchers: ").collect();
    // Head, Watchdog, security, critical, warning, info: which ends the routes, and so stays where it is.
    let [head, watchdog, security, critical, warning, info] = routes[..] else { panic!("{} routes", routes.len() - 1) };
    let joined = |order: &[&str]| order.join("\n    - matchers: ");
    assert!(misrouted(&joined(&[head, watchdog, security, critical, warning, info])).is_empty());

    let severity_first = misrouted(&joined(&[head, watchdog, critical, security, warning, info]));
    assert_eq!(severity_first, ["CriticalAuthFailureRate"]);
    let without_security = misrouted(&joined(&[head, watchdog, critical, warning, info]));
    assert_eq!(without_security, ["CriticalAuthFailureRate", "HighRateLimitHits", "HighAuthFailureRate"]);
    let without_critical = misrouted(&joined(&[head, watchdog, security, warning, info]));
    assert!(without_critical.contains(&"HTTPAPIDown".to_owned()) && !without_critical.contains(&"Watchdog".to_owned()));
    assert_eq!(misrouted(&joined(&[head, security, critical, warning, info])), ["Watchdog"]);
}

#[test]
fn the_blackbox_exporter_takes_its_configuration() {
    let file = monitoring::files::folder().join("blackbox/blackbox.yml");
    let check = |file: &Path| {
        let mut command = Command::new("prometheus-blackbox-exporter");
        let output = command.arg("--config.check").arg(format!("--config.file={}", file.display())).output();
        output.expect("the blackbox exporter runs: ci/monitoring.sh installs it")
    };
    let output = check(&file);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let (_there, wrong) = written(&fs::read_to_string(&file).unwrap().replace("method:", "methode:"));
    assert!(!check(wrong.as_ref()).status.success());
}

#[test]
fn a_job_that_names_its_families_gets_each_and_no_other() {
    let demo = Demo::start(&[]);
    let program = std::env::var_os("TACHOGRAPH_BIN").expect("TACHOGRAPH_BIN: run by ci/monitoring.sh");
    let webhook = Daemon::start("/health/live", |_, address| {
        let mut command = Command::new(&program);
        command.args(["webhook", "--run", "Watchdog=true", "--listen", &address.to_string()]);
        command
    });
    let text = fs::read_to_string(prometheus().join("prometheus.yml")).unwrap();
    let configuration: Value = serde_saphyr::from_str(&text).unwrap();
    for (job, address) in [("engine_telemetry", demo.address()), ("webhook", webhook.address())] {
        let mut jobs = list(&configuration["scrape_configs"]).iter();
        let found = jobs.find(|known| known["job_name"] == job).expect("the job is there");
        let names: BTreeSet<&str> = list(&found["params"]["name[]"]).iter().map(text_of).collect();
        let asked: Vec<_> = names.iter().map(|name| format!("name[]={name}")).collect();
        let scrape = http::get(address, &format!("/metrics?{}", asked.join("&"))).unwrap().body;
        let got: BTreeSet<&str> = scrape.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
        assert!(!names.is_empty() && got == names, "{job} asks for {names:?} and gets {got:?}");
    }
}
