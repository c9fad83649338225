//! What Grafana is given at its start fits the dashboard, Prometheus and the compose file.

use std::fs;

use monitoring::{dashboard, files};
use serde_json::Value;

fn read(path: &str) -> String {
    fs::read_to_string(files::folder().join(path)).unwrap_or_else(|error| panic!("monitoring/{path}: {error}"))
}

fn yaml(path: &str) -> Value {
    serde_saphyr::from_str(&read(path)).unwrap_or_else(|error| panic!("monitoring/{path}: {error}"))
}

#[test]
fn the_data_sources_are_those_that_the_dashboard_and_prometheus_expect() {
    let provisioned = yaml("grafana/provisioning/datasources/prometheus.yml");
    let sources = provisioned["datasources"].as_array().expect("data sources are a list");
    let [prometheus, alertmanager] = &sources[..] else { panic!("two data sources, not {sources:?}") };
    let chosen = &dashboard::http_api_overview().templating.list[0];
    assert_eq!((chosen.name, &chosen.current.value), ("datasource", &prometheus["uid"]));
    assert_eq!(prometheus["jsonData"]["alertmanagerUid"], alertmanager["uid"]);
    // By it Grafana tells how long a rate has to look back.
    let scraped = yaml("prometheus/prometheus.yml")["global"]["scrape_interval"].clone();
    assert_eq!(prometheus["jsonData"]["timeInterval"], scraped);
    for source in sources {
        assert_eq!(source["editable"], false, "{source}");
        let host = source["url"].as_str().and_then(|url| url.strip_prefix("http://")).expect("an address");
        let service = host.split(':').next().expect("a name");
        assert!(read("docker-compose.yml").contains(&format!("\n  {service}:\n")), "the compose file has no service {service}");
    }
    // The labels that exemplars have.
    let leading = prometheus["jsonData"]["exemplarTraceIdDestinations"].as_array().expect("a list");
    let names: Vec<&Value> = leading.iter().map(|link| &link["name"]).collect();
    assert_eq!(names, ["trace_id", "request_id"]);
    for link in leading {
        // A single dollar sign would be a variable of the environment.
        assert_eq!(link["url"], "${TACHOGRAPH_URL}/debug/profile/$${__value.raw}");
    }
}

#[test]
fn the_dashboards_are_read_from_where_the_compose_file_puts_them_and_stay() {
    let provisioned = yaml("grafana/provisioning/dashboards/tachograph.yml");
    let provider = &provisioned["providers"][0];
    let path = provider["options"]["path"].as_str().expect("a path");
    let folder = dashboard::PATH.rsplit_once('/').expect("a folder").0;
    let mounted = format!("./{folder}:{path}:ro");
    assert!(read("docker-compose.yml").contains(&mounted), "the compose file does not mount {mounted}");
    assert_eq!((&provider["disableDeletion"], &provider["allowUiUpdates"]), (&Value::from(true), &Value::from(false)));
}
