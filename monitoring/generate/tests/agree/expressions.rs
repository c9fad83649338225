//! Looking through expressions.

use monitoring::rules::Rule;
use promql_parser::parser::token;
use promql_parser::parser::{self, Expr, VectorSelector};

/// The expression of a rule.
pub(super) fn parsed(rule: &Rule) -> Expr {
    parser::parse(&rule.expr).unwrap_or_else(|error| panic!("{}: {error}", rule.name()))
}

/// The expressions within one, in order, each with the one that it is a part of: all but itself.
pub(super) fn within<'a>(expression: &'a Expr, each: &mut dyn FnMut(&'a Expr, &'a Expr)) {
    for part in parts(expression) {
        each(expression, part);
        within(part, each);
    }
}

/// What an expression is made of, in the order that it is written in.
pub(super) fn parts(expression: &Expr) -> Vec<&Expr> {
    match expression {
        Expr::Binary(binary) => vec![&binary.lhs, &binary.rhs],
        Expr::Paren(paren) => vec![&paren.expr],
        Expr::Unary(unary) => vec![&unary.expr],
        Expr::Aggregate(aggregate) => aggregate.param.iter().map(|param| &**param).chain([&*aggregate.expr]).collect(),
        Expr::Call(call) => call.args.args.iter().map(|argument| &**argument).collect(),
        Expr::Subquery(subquery) => vec![&subquery.expr],
        Expr::NumberLiteral(_) | Expr::StringLiteral(_) | Expr::VectorSelector(_) | Expr::MatrixSelector(_) => vec![],
        Expr::Extension(_) => panic!("PromQL has no such expression: {expression}"),
    }
}

/// The selectors of an expression.
pub(super) fn selectors(expression: &Expr) -> Vec<VectorSelector> {
    let mut found = Vec::new();
    let mut each = |expression: &Expr| match expression {
        Expr::VectorSelector(selector) => found.push(selector.clone()),
        Expr::MatrixSelector(matrix) => found.push(matrix.vs.clone()),
        _ => {}
    };
    each(expression);
    within(expression, &mut |_, part| each(part));
    found
}

/// The metrics that an expression reads.
pub(super) fn metrics(expression: &Expr) -> Vec<String> {
    selectors(expression).into_iter().map(|selector| selector.name.expect("a rule names its metrics")).collect()
}

/// The value of an expression that is made of numbers alone, as Prometheus computes it.
pub(super) fn constant(expression: &Expr) -> Option<f64> {
    match expression {
        Expr::NumberLiteral(number) => Some(number.val),
        Expr::Paren(paren) => constant(&paren.expr),
        Expr::Unary(unary) => constant(&unary.expr).map(|value| -value),
        Expr::Binary(binary) => {
            let (left, right) = (constant(&binary.lhs)?, constant(&binary.rhs)?);
            match binary.op.id() {
                token::T_ADD => Some(left + right),
                token::T_SUB => Some(left - right),
                token::T_MUL => Some(left * right),
                token::T_DIV => Some(left / right),
                _ => None,
            }
        }
        _ => None,
    }
}

/// The constants of an expression, in the order that they are written in: each as large as it goes.
pub(super) fn constants(expression: &Expr) -> Vec<f64> {
    match constant(expression) {
        Some(value) => vec![value],
        None => parts(expression).into_iter().flat_map(constants).collect(),
    }
}

/// Whether it is a comparison that filters.
pub(super) fn compares(expression: &Expr) -> bool {
    matches!(expression, Expr::Binary(binary) if binary.op.is_comparison_operator() && !binary.return_bool())
}
