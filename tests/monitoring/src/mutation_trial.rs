//! Rules put to the unit tests that there are for them, many at once.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::thread;

use monitoring::rules::{Rule, RuleFile};
use serde_json::{Map, Value, json};

/// One file of unit tests.
#[derive(Clone, Debug)]
pub struct TestFile {
    /// Its name.
    pub name: String,
    /// The rule files that it names, without their folder.
    pub rules: Vec<String>,
    /// All of it.
    pub content: Value,
}

/// The unit tests of the repository.
///
/// # Panics
///
/// When one cannot be read.
pub fn test_files() -> Vec<TestFile> {
    let folder = monitoring::rules::folder().join("prometheus/tests");
    let mut files = Vec::new();
    for entry in fs::read_dir(&folder).expect("the folder of the unit tests can be read") {
        let path = entry.expect("the folder of the unit tests can be read").path();
        let text = fs::read_to_string(&path).expect("a unit test can be read");
        let content: Value = serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let rules =
            list(&content["rule_files"]).iter().map(|file| text_of(file).rsplit('/').next().unwrap_or_default().to_owned());
        let name = path.file_name().expect("it has a name").to_string_lossy().into_owned();
        files.push(TestFile { name, rules: rules.collect(), content: content.clone() });
    }
    files.sort_by(|a, b| a.name.cmp(&b.name));
    files
}

/// A rule and the tests that are about it alone.
#[derive(Clone, Debug)]
pub struct Trial {
    /// The rules that it needs, itself last.
    needed: Vec<Rule>,
    /// Files of one test each, whole but for the name of the rule file.
    tests: Vec<Value>,
}

impl Trial {
    /// What there is about rule number `place` of the group of this file. Tests of several rule files at once are left out:
    /// they are about what fires together, and slow.
    pub fn of(file: &RuleFile, group: usize, place: usize, tests: &[TestFile]) -> Trial {
        let rules = &file.groups[group].rules;
        let rule = &rules[place];
        // The recording rules before it, as far as it reads them, and so on.
        let mut needed = vec![rule.clone()];
        for earlier in rules[..place].iter().rev() {
            if needed.iter().any(|rule| earlier.record.as_ref().is_some_and(|record| mentions(&rule.expr, record))) {
                needed.insert(0, earlier.clone());
            }
        }
        // Of rules that share a name, a test is about the one that reads all of its input.
        let shares_its_name = rules.iter().filter(|other| other.name() == rule.name()).count() > 1;
        let about = |test: &Value| {
            !shares_its_name
                || list(&test["input_series"])
                    .iter()
                    .filter_map(|input| text_of(&input["series"]).split_once('{'))
                    .all(|(metric, _)| mentions(&rule.expr, metric))
        };
        let mut found = Vec::new();
        for file in tests.iter().filter(|tests| tests.rules == [file.name.as_str()]) {
            for test in list(&file.content["tests"]).iter().filter(|test| about(test)).filter_map(|test| about_it(test, rule)) {
                let mut content = file.content.clone();
                content["tests"] = json!([test]);
                found.push(content);
            }
        }
        // Those that say most come first: few mutants are left for the others.
        let cases = |content: &Value| {
            let test = &content["tests"][0];
            list(&test["alert_rule_test"]).len() + list(&test["promql_expr_test"]).len()
        };
        found.sort_by_key(|content| std::cmp::Reverse(cases(content)));
        Trial { needed, tests: found }
    }

    /// Whether there is any test.
    pub fn is_empty(&self) -> bool {
        self.tests.is_empty()
    }

    /// Writes the tests, and a rule file that has `rule` in the place of the right one. Returns the rule file and the tests.
    ///
    /// # Panics
    ///
    /// When they cannot be written.
    pub fn write(&self, folder: &Path, name: &str, rule: &Rule) -> (PathBuf, Vec<PathBuf>) {
        let (_, earlier) = self.needed.split_last().expect("the rule itself is needed");
        let rules: Vec<Value> = earlier.iter().chain([rule]).map(as_json).collect();
        // JSON is YAML.
        let write = |path: &Path, content: &Value| fs::write(path, content.to_string()).expect("a file can be written");
        let rule_file = folder.join(format!("{name}.rules"));
        write(&rule_file, &json!({"groups": [{"name": "tried", "rules": rules}]}));
        let mut paths = Vec::new();
        for (number, tests) in self.tests.iter().enumerate() {
            let mut tests = tests.clone();
            tests["rule_files"] = json!([rule_file]);
            let path = folder.join(format!("{name}.{number}.tests"));
            write(&path, &tests);
            paths.push(path);
        }
        (rule_file, paths)
    }
}

/// Which of these test files `promtool test rules` passes. One runs for each processor, and is given so many at once.
///
/// # Panics
///
/// When promtool cannot be started.
pub fn passed(promtool: &str, files: &[PathBuf], at_once: usize) -> HashMap<PathBuf, bool> {
    let verdicts = Mutex::new(HashMap::new());
    let batches = Mutex::new(files.chunks(at_once));
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let Some(batch) = batches.lock().expect("no thread panics with it").next() else { break };
                    let output = Command::new(promtool).args(["test", "rules"]).args(batch).output();
                    let output =
                        output.unwrap_or_else(|error| panic!("cannot start {promtool}: {error}; ci/monitoring.sh installs it"));
                    // Each file is named before it is judged; what is wrong goes to standard error.
                    let text = String::from_utf8_lossy(&output.stdout);
                    let mut verdicts = verdicts.lock().expect("no thread panics with it");
                    for part in text.split("Unit Testing:").skip(1) {
                        let mut lines = part.lines();
                        let path = PathBuf::from(lines.next().unwrap_or_default().trim());
                        verdicts.insert(path, lines.any(|line| line.trim() == "SUCCESS"));
                    }
                }
            });
        }
    });
    verdicts.into_inner().expect("no thread panics with it")
}

/// A group of tests as far as it is about the rule.
fn about_it(test: &Value, rule: &Rule) -> Option<Value> {
    let keep = |kind: &str, about: &dyn Fn(&Value) -> bool| -> Vec<Value> {
        list(&test[kind]).iter().filter(|case| about(case)).cloned().collect()
    };
    let alerts = keep("alert_rule_test", &|case| Some(text_of(&case["alertname"])) == rule.alert.as_deref());
    let values =
        keep("promql_expr_test", &|case| rule.record.as_ref().is_some_and(|record| mentions(text_of(&case["expr"]), record)));
    if alerts.is_empty() && values.is_empty() {
        return None;
    }
    let mut test = test.clone();
    test["alert_rule_test"] = Value::Array(alerts);
    test["promql_expr_test"] = Value::Array(values);
    Some(test)
}

/// Whether a text names a metric: it is there, and not as a part of another name.
fn mentions(text: &str, metric: &str) -> bool {
    let of_a_name = |character: char| character.is_ascii_alphanumeric() || character == '_' || character == ':';
    text.match_indices(metric).any(|(at, _)| {
        !text[..at].chars().next_back().is_some_and(of_a_name)
            && !text[at + metric.len()..].chars().next().is_some_and(of_a_name)
    })
}

fn as_json(rule: &Rule) -> Value {
    let mut fields = Map::new();
    let optional =
        [("record", &rule.record), ("alert", &rule.alert), ("for", &rule.r#for), ("keep_firing_for", &rule.keep_firing_for)];
    for (name, value) in optional {
        if let Some(value) = value {
            fields.insert(name.to_owned(), json!(value));
        }
    }
    fields.insert("expr".to_owned(), json!(rule.expr));
    fields.insert("labels".to_owned(), json!(rule.labels));
    if rule.alert.is_some() {
        fields.insert("annotations".to_owned(), json!(rule.annotations));
    }
    Value::Object(fields)
}

/// The items of a list; none when it is not there.
pub fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// A text; empty when it is none.
pub fn text_of(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
