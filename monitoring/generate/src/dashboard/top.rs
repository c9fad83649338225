//! What stands above the panels: choices and links; and the marks on the graphs.

use serde_json::{Value, json};

use super::model::*;
use super::query::{CHOSEN, MONITORING_ENDPOINTS, over_time, prometheus};

/// The data source is the first choice, and the only one that has no query.
pub(super) fn variables() -> List<Variable> {
    let datasource = Variable {
        name: "datasource",
        label: "Data source",
        description: "The Prometheus that is asked",
        kind: "datasource",
        query: json!("prometheus"),
        hide: 0,
        current: Chosen { text: json!("Prometheus"), value: json!("prometheus") },
        datasource: None,
        refresh: None,
        sort: None,
        multi: Some(false),
        include_all: Some(false),
        all_value: None,
    };
    // All jobs are the list of those that serve requests. `.+` would be every job: Prometheus has a memory too.
    let job = queried("job", "Job", "Jobs that serve HTTP requests", "label_values(http_requests_total, job)", None);
    let instance = queried(
        "instance",
        "Instance",
        "Instances of the jobs",
        r#"label_values(http_requests_total{job=~"$job"}, instance)"#,
        Some(".+"),
    );
    let endpoints = endpoints();
    let endpoint = queried("endpoint", "Endpoint", "Routes of user traffic, for the panels on requests", endpoints, Some(".+"));
    let list = vec![
        datasource,
        job,
        instance,
        endpoint,
        address("api", "Address of the API, as a browser reaches it", "http://localhost:8080"),
        address("prometheus", "Address of Prometheus, as a browser reaches it", "http://localhost:9090"),
        address("alertmanager", "Address of Alertmanager, as a browser reaches it", "http://localhost:9093"),
    ];
    List { list }
}

fn endpoints() -> &'static str {
    // A const: the matcher is written once, and a query is a text that lives as long as the program.
    static QUERY: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| {
        format!(r#"label_values(http_requests_total{{{CHOSEN},endpoint!~"{MONITORING_ENDPOINTS}"}}, endpoint)"#)
    });
    &QUERY
}

/// Asked again whenever another time is shown.
fn queried(
    name: &'static str,
    label: &'static str,
    description: &'static str,
    query: &'static str,
    all_value: Option<&'static str>,
) -> Variable {
    Variable {
        name,
        label,
        description,
        kind: "query",
        query: json!({"query": query, "refId": name, "qryType": 1}),
        hide: 0,
        current: Chosen { text: json!(["All"]), value: json!(["$__all"]) },
        datasource: Some(prometheus()),
        refresh: Some(2),
        sort: Some(1),
        multi: Some(true),
        include_all: Some(true),
        all_value,
    }
}

/// Where a link leads; not shown. Another address is written here, once.
fn address(name: &'static str, description: &'static str, url: &'static str) -> Variable {
    let value = Value::from(url);
    Variable {
        name,
        label: name,
        description,
        kind: "constant",
        query: value.clone(),
        hide: 2,
        current: Chosen { text: value.clone(), value },
        datasource: None,
        refresh: None,
        sort: None,
        multi: None,
        include_all: None,
        all_value: None,
    }
}

pub(super) fn links() -> Vec<DashboardLink> {
    let link = |title, url, tooltip| DashboardLink {
        title,
        url,
        tooltip,
        kind: "link",
        icon: "external link",
        as_dropdown: false,
        include_vars: false,
        keep_time: false,
        tags: Vec::new(),
        target_blank: true,
    };
    vec![
        link("Live page", "${api}/", "The page of one instance, without Prometheus"),
        link("Profiles", "${api}/debug/profile?sort=slowest", "Where single requests spent their time; needs the bearer token"),
        link("Alerts", "${prometheus}/alerts", "The rules and their state, in Prometheus"),
        link("Silences", "${alertmanager}/#/silences", "Who is told what, and what is silenced, in Alertmanager"),
    ]
}

pub(super) fn annotations() -> List<Annotation> {
    let mark = |name, icon_color, expr: String, title_format, text_format, tag_keys| Annotation {
        name,
        datasource: prometheus(),
        enable: true,
        icon_color,
        target: Target { ref_id: "Anno".to_owned(), ..over_time(expr, "") }.every("15s"),
        title_format,
        text_format,
        tag_keys,
        use_value_for_time: false,
    };
    // The value is the time at which the process began, so it is marked there, and not where it was first scraped.
    let starts = mark(
        "Deployments and restarts",
        Color::Blue,
        format!(
            "1000 * process_start_time_seconds{{{CHOSEN}}} * on (job, instance) group_left (version) \
             tachograph_build_info{{{CHOSEN}}}"
        ),
        "{{instance}} starts",
        "version {{version}}",
        "version",
    );
    let alerts = mark(
        "Alerts that fire",
        Color::Red,
        r#"max by (alertname, severity, instance, endpoint) (ALERTS{alertstate="firing",severity!="none",job=~"$job|"})"#
            .to_owned(),
        "{{alertname}}",
        "{{severity}} {{instance}} {{endpoint}}",
        "severity",
    );
    List { list: vec![Annotation { use_value_for_time: true, ..starts }, alerts] }
}
