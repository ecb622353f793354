//! Adding an operator edits no file but its own and its crate's module list.

use std::path::Path;

/// Crates that know operators by name: where they are, what is made of them, and what runs them.
const KNOW_OPERATORS: &[&str] = &["operators", "models", "backend-", "perf"];

/// Files that need one operator as a tool, whatever others there are.
const TOOLS: &[&str] = &[
    // Copies, to write over the caches.
    "nongemm-cli/src/alone/flush.rs",
    // The product and the copy that ceilings are measured with.
    "nongemm-cli/src/commands/machine.rs",
];

/// What a source file does that would make a further operator edit it.
pub(super) fn check(name: &Path, text: &str) -> Vec<String> {
    let shown = name.display().to_string();
    let code: String = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n");
    let mut problems = Vec::new();
    if let Ok(inside) = name.strip_prefix("operators/src") {
        if inside.components().count() > 1 && inside.ends_with("mod.rs") {
            problems.extend(not_a_list(&shown, &code));
        }
        problems.extend(registered_elsewhere(&shown, &code));
    }
    let knows = KNOW_OPERATORS.iter().any(|krate| shown.starts_with(krate));
    let source =
        shown.contains("/src/") && !shown.starts_with("examples") && !shown.starts_with("xtask");
    if source && !knows && !TOOLS.contains(&shown.as_str()) {
        let named = code
            .lines()
            .find(|line| line.contains("nongemm_operators::"));
        problems.extend(named.map(|line| {
            format!(
                "{shown}: names an operator (`{}`); find it by its name in the registry",
                line.trim()
            )
        }));
    }
    problems
}

/// The `mod.rs` of a family lists its modules and holds nothing else.
fn not_a_list(shown: &str, code: &str) -> Option<String> {
    let items = code
        .split(';')
        .map(str::trim)
        .filter(|item| !item.is_empty());
    let is_list = |item: &str| {
        ["mod ", "pub mod ", "use ", "pub use ", "pub(crate) use "]
            .iter()
            .any(|start| item.starts_with(start))
    };
    let other = items.into_iter().find(|item| !is_list(item))?;
    let first = other.lines().next().unwrap_or_default();
    Some(format!(
        "{shown}: holds more than a list of modules (`{first}`); an operator has a file of its own"
    ))
}

/// An operator is registered where it is implemented.
fn registered_elsewhere(shown: &str, code: &str) -> Vec<String> {
    let registered = code.split("register_op!(").skip(1);
    let types = registered.filter_map(|rest| rest.split(')').next());
    let elsewhere = types.filter(|name| !code.contains(&format!("impl Op for {name} ")));
    elsewhere
        .map(|name| {
            format!("{shown}: registers {name}, which is implemented elsewhere; register it there")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(name: &str, text: &str) -> Vec<String> {
        check(Path::new(name), text)
    }

    #[test]
    fn a_table_of_operators_is_found() {
        let list = "//! Activations.\n\nmod gelu;\npub use gelu::{Gelu, gelu};\n";
        assert!(found("operators/src/activation/mod.rs", list).is_empty());
        let table = format!("{list}\npub const ALL: &[&str] = &[\"gelu\"];\n");
        let problems = found("operators/src/activation/mod.rs", &table);
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].contains("`pub const ALL"), "{problems:?}");
    }

    #[test]
    fn an_operator_that_another_file_registers_is_found() {
        let own = "impl Op for Gelu {\n}\nregister_op!(Gelu);\n";
        assert!(found("operators/src/activation/gelu.rs", own).is_empty());
        let other = format!("{own}register_op!(Relu);\n");
        let problems = found("operators/src/activation/gelu.rs", &other);
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].contains("registers Relu"), "{problems:?}");
    }

    #[test]
    fn a_reporter_may_not_name_an_operator() {
        let text = "use nongemm_operators::Softmax;\n";
        assert_eq!(found("report/src/hotspots.rs", text).len(), 1);
        assert_eq!(found("nongemm-cli/src/commands/list.rs", text).len(), 1);
        assert!(found("backend-candle/src/kernels/logit.rs", text).is_empty());
        assert!(found("report/src/hotspots.rs", "use nongemm_operators as _;\n").is_empty());
    }
}
