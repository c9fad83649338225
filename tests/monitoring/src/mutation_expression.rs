//! Expressions that are wrong in one place.

use std::time::Duration;

use promql_parser::label::{Labels, MatchOp};
use promql_parser::parser::token::{self, TokenId, TokenType};
use promql_parser::parser::{AggregateExpr, BinModifier, BinaryExpr, Call, Expr, LabelModifier, MatrixSelector};
use promql_parser::parser::{NumberLiteral, Offset, ParenExpr, VectorSelector};

/// The mutants of an expression, each with where and what was done to it.
pub fn mutants(expression: &Expr) -> Vec<(String, Expr)> {
    let mut found = here(expression);
    match expression {
        Expr::Binary(binary) => {
            let (left, right) = (format!("left of {}, ", binary.op), format!("right of {}, ", binary.op));
            within(&binary.lhs, &left, &mut found, |lhs| Expr::Binary(BinaryExpr { lhs, ..binary.clone() }));
            within(&binary.rhs, &right, &mut found, |rhs| Expr::Binary(BinaryExpr { rhs, ..binary.clone() }));
        }
        Expr::Paren(paren) => within(&paren.expr, "", &mut found, |expr| Expr::Paren(ParenExpr { expr })),
        Expr::Aggregate(aggregate) => {
            let place = format!("in {}, ", aggregate.op);
            within(&aggregate.expr, &place, &mut found, |expr| Expr::Aggregate(AggregateExpr { expr, ..aggregate.clone() }));
        }
        Expr::Call(call) => {
            for (number, argument) in call.args.args.iter().enumerate() {
                within(argument, &format!("in {}, ", call.func.name), &mut found, |argument| {
                    let mut call = call.clone();
                    call.args.args[number] = argument;
                    Expr::Call(call)
                });
            }
        }
        Expr::NumberLiteral(_) | Expr::VectorSelector(_) | Expr::MatrixSelector(_) => {}
        other => panic!("the rules have no such expression yet, so that nothing changes it: {other}"),
    }
    found
}

fn within(part: &Expr, place: &str, found: &mut Vec<(String, Expr)>, whole: impl Fn(Box<Expr>) -> Expr) {
    found.extend(mutants(part).into_iter().map(|(what, part)| (format!("{place}{what}"), whole(Box::new(part)))));
}

/// What can be wrong at the root of an expression.
fn here(expression: &Expr) -> Vec<(String, Expr)> {
    match expression {
        Expr::Binary(binary) => operators(binary),
        Expr::Aggregate(aggregate) => aggregates(aggregate),
        Expr::Call(call) => functions(call),
        Expr::NumberLiteral(number) => numbers(number.val),
        Expr::VectorSelector(selector) => {
            selectors(selector).into_iter().map(|(what, selector)| (what, Expr::VectorSelector(selector))).collect()
        }
        Expr::MatrixSelector(matrix) => windows(matrix),
        _ => Vec::new(),
    }
}

/// A small whole number is off by one, as it counts something; another one by 2 %.
fn numbers(value: f64) -> Vec<(String, Expr)> {
    let off =
        if value.fract() == 0.0 && value.abs() <= 10.0 { [value - 1.0, value + 1.0] } else { [value * 0.98, value * 1.02] };
    off.map(|off| (format!("{value} -> {off}"), Expr::NumberLiteral(NumberLiteral::new(off)))).into()
}

fn operators(binary: &BinaryExpr) -> Vec<(String, Expr)> {
    let mut found = Vec::new();
    let others: &[TokenId] = match binary.op.id() {
        token::T_GTR => &[token::T_GTE, token::T_LSS],
        token::T_GTE => &[token::T_GTR, token::T_LSS],
        token::T_LSS => &[token::T_LTE, token::T_GTR],
        token::T_EQLC => &[token::T_NEQ],
        token::T_ADD => &[token::T_SUB],
        token::T_MUL => &[token::T_DIV],
        token::T_DIV => &[token::T_MUL],
        token::T_LAND => &[token::T_LUNLESS],
        token::T_LUNLESS => &[token::T_LAND],
        token::T_SUB | token::T_LOR => &[],
        _ => panic!("the rules have no such operator yet, so that nothing changes it: {}", binary.op),
    };
    for &other in others {
        let op = TokenType::new(other);
        found.push((format!("{} -> {op}", binary.op), Expr::Binary(BinaryExpr { op, ..binary.clone() })));
    }
    if binary.op.is_set_operator() {
        found.push((format!("only the left of {}", binary.op), (*binary.lhs).clone()));
    }
    if binary.op.id() == token::T_LOR {
        found.push((format!("only the right of {}", binary.op), (*binary.rhs).clone()));
    }
    if let Some(modifier) = &binary.modifier
        && let Some(LabelModifier::Include(labels)) = &modifier.matching
    {
        for (label, fewer) in without_one(labels) {
            let matching = Some(LabelModifier::Include(fewer));
            let modifier = Some(BinModifier { matching, ..modifier.clone() });
            found.push((format!("{} not on {label}", binary.op), Expr::Binary(BinaryExpr { modifier, ..binary.clone() })));
        }
    }
    found
}

fn aggregates(aggregate: &AggregateExpr) -> Vec<(String, Expr)> {
    let mut found = Vec::new();
    let other = match aggregate.op.id() {
        token::T_SUM => token::T_MAX,
        token::T_MAX => token::T_MIN,
        token::T_MIN => token::T_MAX,
        _ => panic!("the rules have no such aggregation yet, so that nothing changes it: {aggregate}"),
    };
    let op = TokenType::new(other);
    found.push((format!("{} -> {op}", aggregate.op), Expr::Aggregate(AggregateExpr { op, ..aggregate.clone() })));
    if let Some(LabelModifier::Include(labels)) = &aggregate.modifier {
        for (label, fewer) in without_one(labels) {
            let modifier = Some(LabelModifier::Include(fewer));
            found.push((
                format!("{} not by {label}", aggregate.op),
                Expr::Aggregate(AggregateExpr { modifier, ..aggregate.clone() }),
            ));
        }
    }
    found
}

fn without_one(labels: &Labels) -> Vec<(String, Labels)> {
    let without = |label: &String| Labels { labels: labels.labels.iter().filter(|other| *other != label).cloned().collect() };
    labels.labels.iter().map(|label| (label.clone(), without(label))).collect()
}

fn functions(call: &Call) -> Vec<(String, Expr)> {
    // `deriv` is for gauges: on a counter it is right but for restarts.
    let others: &[&'static str] = match call.func.name {
        "rate" => &["increase", "deriv"],
        "increase" => &["rate"],
        _ => &[],
    };
    let mut found = Vec::new();
    for &other in others {
        let mut wrong = call.clone();
        wrong.func.name = other;
        found.push((format!("{} -> {other}", call.func.name), Expr::Call(wrong)));
    }
    found
}

fn selectors(selector: &VectorSelector) -> Vec<(String, VectorSelector)> {
    let mut found = Vec::new();
    let name = selector.name.as_deref().unwrap_or_default();
    for (place, matcher) in selector.matchers.matchers.iter().enumerate() {
        let mut wrong = selector.clone();
        wrong.matchers.matchers.remove(place);
        found.push((format!("{name}: any {}", matcher.name), wrong));
        let turned = match matcher.op {
            MatchOp::Equal => MatchOp::NotEqual,
            MatchOp::NotEqual => MatchOp::Equal,
            MatchOp::Re(ref pattern) => MatchOp::NotRe(pattern.clone()),
            MatchOp::NotRe(ref pattern) => MatchOp::Re(pattern.clone()),
        };
        let mut wrong = selector.clone();
        wrong.matchers.matchers[place].op = turned;
        found.push((format!("{name}: another {}", matcher.name), wrong));
    }
    if let Some(offset) = &selector.offset {
        let Offset::Pos(length) = offset else { panic!("the rules do not look into the future: {selector}") };
        found.push((format!("{name}: no offset"), VectorSelector { offset: None, ..selector.clone() }));
        for wrong in [*length / 2, *length * 2] {
            let selector_then = VectorSelector { offset: Some(Offset::Pos(wrong)), ..selector.clone() };
            found.push((format!("{name}: offset {}s", wrong.as_secs()), selector_then));
        }
    }
    found
}

fn windows(matrix: &MatrixSelector) -> Vec<(String, Expr)> {
    let mut found = Vec::new();
    for range in [matrix.range / 2, matrix.range * 2] {
        let range = Duration::from_secs(range.as_secs());
        found.push((
            format!("{}s -> {}s", matrix.range.as_secs(), range.as_secs()),
            Expr::MatrixSelector(MatrixSelector { range, ..matrix.clone() }),
        ));
    }
    for (what, vs) in selectors(&matrix.vs) {
        found.push((what, Expr::MatrixSelector(MatrixSelector { vs, ..matrix.clone() })));
    }
    found
}
