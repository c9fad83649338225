//! Rules that are wrong in one place each. A test is worth what it notices: those of a rule have to fail for every one.

use monitoring::rules::{Rule, seconds};
use promql_parser::parser;

use crate::mutation_expression;

/// A rule that is wrong in one place.
#[derive(Clone, Debug)]
pub struct Mutant {
    /// What was done to it, to read and to name it by.
    pub what: String,
    /// The wrong rule.
    pub rule: Rule,
}

/// The mutants of a rule, and the rule itself as the expression's parser prints it: the tests must still pass on that one.
///
/// # Errors
///
/// When the expression or a duration of the rule cannot be read.
pub fn mutants(rule: &Rule) -> Result<(Rule, Vec<Mutant>), String> {
    let expression = parser::parse(&rule.expr).map_err(|error| format!("{}: {error}", rule.name()))?;
    let printed = Rule { expr: expression.to_string(), ..rule.clone() };
    let mut mutants = Vec::new();
    for (what, expression) in mutation_expression::mutants(&expression) {
        mutants.push(Mutant { what, rule: Rule { expr: expression.to_string(), ..printed.clone() } });
    }
    durations(&printed, &mut mutants)?;
    texts(&printed, &mut mutants);
    Ok((printed, mutants))
}

/// `for` and `keep_firing_for`: gone, half, double.
fn durations(rule: &Rule, mutants: &mut Vec<Mutant>) -> Result<(), String> {
    type Field = fn(&mut Rule) -> &mut Option<String>;
    let fields: [(&str, Field); 2] = [("for", |rule| &mut rule.r#for), ("keep_firing_for", |rule| &mut rule.keep_firing_for)];
    for (name, field) in fields {
        let mut rule = rule.clone();
        let Some(written) = field(&mut rule).clone() else { continue };
        let length = seconds(&written)?;
        for (how, value) in [("removed", None), ("halved", Some(length / 2.0)), ("doubled", Some(length * 2.0))] {
            *field(&mut rule) = value.map(|value| format!("{value}s"));
            mutants.push(Mutant { what: format!("{name} {how}"), rule: rule.clone() });
        }
    }
    Ok(())
}

/// Labels and annotations: gone, changed.
fn texts(rule: &Rule, mutants: &mut Vec<Mutant>) {
    for (name, value) in &rule.labels {
        let (mut removed, mut changed) = (rule.clone(), rule.clone());
        removed.labels.remove(name);
        changed.labels.insert(name.clone(), format!("{value}x"));
        mutants.push(Mutant { what: format!("label {name} removed"), rule: removed });
        mutants.push(Mutant { what: format!("label {name} changed"), rule: changed });
    }
    for (name, value) in &rule.annotations {
        let (mut removed, mut changed) = (rule.clone(), rule.clone());
        removed.annotations.remove(name);
        changed.annotations.insert(name.clone(), format!("{value}x"));
        mutants.push(Mutant { what: format!("annotation {name} removed"), rule: removed });
        mutants.push(Mutant { what: format!("annotation {name} changed"), rule: changed });
    }
}
