//! The reference of the metrics says what the program exposes. `BLESS=1` writes it anew.

use std::fs;

use monitoring::{dashboard, files, reference};
use system::demo::Demo;
use tachograph_check::{Format, parse_as};

#[test]
fn the_reference_is_that_of_the_running_program() {
    let demo = Demo::start(&["--demo-faults"]);
    let (content_type, scrape) = demo.scrape_as("application/openmetrics-text;version=1.0.0");
    assert!(content_type.starts_with("application/openmetrics-text"), "{content_type}");
    let exposition = parse_as(scrape.as_bytes(), Format::OpenMetrics).expect("a scrape without findings");
    let dashboard = fs::read_to_string(files::folder().join(dashboard::PATH)).expect("the dashboard is generated");
    let panels = reference::panels(&dashboard).expect("it is one");
    let made = reference::metrics(&exposition, &panels).expect("each family has a section");
    let path = files::folder().join(reference::PATH);
    if std::env::var_os("BLESS").is_some() {
        fs::write(&path, &made).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
    let written = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    // Line by line, so that the first one that differs is told.
    for (number, (there, made)) in written.lines().zip(made.lines()).enumerate() {
        assert_eq!(there, made, "line {} of monitoring/METRICS.md; 'BLESS=1 ci/monitoring.sh' writes it anew", number + 1);
    }
    assert_eq!(
        written.lines().count(),
        made.lines().count(),
        "monitoring/METRICS.md: 'BLESS=1 ci/monitoring.sh' writes it anew"
    );
}
