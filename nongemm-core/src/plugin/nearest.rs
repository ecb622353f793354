//! The known name that a mistyped one is closest to.

/// The candidate most similar to `name`, if any is similar enough to be worth suggesting.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(name, candidate), candidate))
        .filter(|(similarity, _)| *similarity > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate.to_owned())
}

/// The end of an error message that suggests `nearest`; empty without one.
pub fn hint(nearest: &Option<String>) -> String {
    nearest
        .as_ref()
        .map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn suggests_only_what_is_close() {
        let known = ["gpt2", "gpt2-large", "bert", "resnet50"];
        assert_eq!(nearest("resnet5", known).as_deref(), Some("resnet50"));
        assert_eq!(nearest("gtp2", known).as_deref(), Some("gpt2"));
        assert_eq!(nearest("zzz", known), None);
    }
}
