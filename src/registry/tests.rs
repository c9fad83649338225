use super::*;

#[test]
fn names_that_would_meet_in_a_scrape_clash() {
    let buckets = || Buckets::bytes(&[1]).unwrap();
    let registry = Registry::new();
    registry.histogram("h", "", buckets()).unwrap();
    registry.counter("c_total", "").unwrap();
    for name in ["h", "h_bucket", "h_sum", "h_count", "h_created", "c_total", "c", "c_created"] {
        let error = registry.gauge(name, "").unwrap_err();
        assert!(matches!(&error, RegisterError::Clash { name: clashing, .. } if clashing == name), "{error}");
    }
    registry.gauge("x_count", "").unwrap();
    let error = registry.histogram("x", "", buckets()).unwrap_err();
    assert_eq!(error.to_string(), "\"x\" clashes with the gauge \"x_count\": both would write \"x_count\"; rename one of them");
    registry.gauge("x", "").expect("a refused registration claims nothing");
}

#[test]
fn registries_do_not_see_each_other() {
    let (one, two) = (Registry::new(), Registry::new());
    let counter = one.counter("a_total", "").unwrap();
    two.counter("a_total", "").unwrap().inc_by(5);
    counter.inc();
    assert_eq!(one.snapshot().text(), "# HELP a_total \n# TYPE a_total counter\na_total 1\n");
    assert_eq!(two.snapshot().text(), "# HELP a_total \n# TYPE a_total counter\na_total 5\n");
}

#[test]
fn an_unknown_unbounded_label_is_refused() {
    let labels = Labels::new(["path"]).unbounded(["paht"]);
    let error = Registry::new().counter_family("a_total", "", labels).unwrap_err();
    assert!(error.to_string().contains("paht"), "{error}");
}
