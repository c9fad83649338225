//! Which labels an alert has when it fires: a template that names another one writes nothing.

use std::collections::BTreeSet;

use monitoring::rules;
use promql_parser::label::MatchOp;
use promql_parser::parser::{Expr, LabelModifier, VectorSelector};

use super::expressions::parsed;

/// What a metric has beside the labels of its target.
const OWN: [(&str, &[&str]); 5] = [
    ("tachograph_series_refused_total", &["family"]),
    ("prometheus_rule_evaluation_failures_total", &["rule_group"]),
    ("alertmanager_notifications_total", &["integration"]),
    ("prometheus_remote_storage_samples_failed_total", &["remote_name"]),
    ("prometheus_remote_storage_queue_highest_sent_timestamp_seconds", &["remote_name"]),
];

type Labels = BTreeSet<String>;

fn set<'a>(labels: impl IntoIterator<Item = &'a str>) -> Labels {
    labels.into_iter().map(str::to_owned).collect()
}

/// The labels that a selected series has for sure: those of a recorded one stand in its name.
fn selected(selector: &VectorSelector) -> Labels {
    let name = selector.name.as_deref().unwrap_or_default();
    if let Some((level, _)) = name.split_once(':') {
        return set(level.split('_'));
    }
    let own = OWN.iter().find(|(metric, _)| *metric == name).map_or(&[][..], |(_, own)| own);
    set(["job", "instance"].into_iter().chain(own.iter().copied()))
}

/// The labels that each result of an expression has.
fn surviving(expression: &Expr) -> Labels {
    match expression {
        Expr::VectorSelector(selector) => selected(selector),
        Expr::MatrixSelector(matrix) => selected(&matrix.vs),
        Expr::Paren(paren) => surviving(&paren.expr),
        Expr::Aggregate(aggregate) => match &aggregate.modifier {
            Some(LabelModifier::Include(labels)) => set(labels.labels.iter().map(String::as_str)),
            _ => panic!("say by which labels: {expression}"),
        },
        Expr::Call(call) => match (call.func.name, call.args.args.as_slice()) {
            ("vector" | "time", _) => Labels::new(),
            ("absent", [selector]) => match &**selector {
                Expr::VectorSelector(selector) => {
                    let equal = selector.matchers.matchers.iter().filter(|matcher| matcher.op == MatchOp::Equal);
                    set(equal.map(|matcher| matcher.name.as_str()))
                }
                other => panic!("absent of a selector only, else it has no labels: {other}"),
            },
            ("histogram_quantile", [_, buckets]) => {
                let mut labels = surviving(buckets);
                assert!(labels.remove("le"), "buckets are told apart by le: {expression}");
                labels
            }
            ("rate" | "increase" | "changes" | "sum_over_time", [series]) => surviving(series),
            (other, _) => panic!("what does {other} do to labels? say it here"),
        },
        Expr::Binary(binary) => {
            let (left, right) = (surviving(&binary.lhs), surviving(&binary.rhs));
            let on = binary.modifier.as_ref().and_then(|modifier| modifier.matching.as_ref());
            match binary.op.to_string().as_str() {
                // Either side may be the one that fires.
                "or" => &left & &right,
                "and" | "unless" => left,
                _ if super::expressions::constant(&binary.rhs).is_some() => left,
                _ if left.is_empty() => right,
                _ => match on {
                    Some(LabelModifier::Include(labels)) => set(labels.labels.iter().map(String::as_str)),
                    // All labels have to be the same.
                    _ => {
                        assert_eq!(left, right, "these never match: {expression}");
                        left
                    }
                },
            }
        }
        Expr::NumberLiteral(_) | Expr::StringLiteral(_) => Labels::new(),
        other => panic!("what are the labels of this? say it here: {other}"),
    }
}

#[test]
fn templates_name_labels_that_survive() {
    let mut named = 0;
    for alert in rules::alerts() {
        let mut there = surviving(&parsed(&alert.rule));
        there.extend(alert.rule.labels.keys().cloned());
        for (annotation, text) in &alert.rule.annotations {
            for (at, _) in text.match_indices("$labels.") {
                let name: String =
                    text[at + "$labels.".len()..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                named += 1;
                // One that may be missing is asked for first.
                let asked = text[..at].ends_with("{{ with ");
                assert!(there.contains(&name) || asked, "{}: {annotation} names {name}, of {there:?}: {text}", alert.name);
            }
            for (at, _) in text.match_indices("{{ with $labels.") {
                assert!(
                    text[at..].contains("{{ else }}"),
                    "{}: {annotation} says nothing without the label: {text}",
                    alert.name
                );
            }
        }
        // Alertmanager groups and mutes by job; only Watchdog is of none.
        assert!(there.contains("job") || alert.name == "Watchdog", "{} has no job: {there:?}", alert.name);
    }
    assert!(named > 20, "only {named} labels were found in templates");
}

#[test]
fn recorded_names_say_their_labels() {
    for rule in rules::all().iter().flat_map(|file| &file.groups).flat_map(|group| &group.rules) {
        let Some(record) = &rule.record else { continue };
        let (level, _) = record.split_once(':').unwrap_or_else(|| panic!("{record} is not named level:metric:operation"));
        assert_eq!(record.split(':').count(), 3, "{record} is not named level:metric:operation");
        assert_eq!(surviving(&parsed(rule)), set(level.split('_')), "{record}: {}", rule.expr);
    }
}
