//! What `hf:` names.

use anyhow::{Result, ensure};
use hf_hub::{Repo, RepoType};

/// A checkpoint of the hub.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Location {
    /// `ORG/NAME`, or `NAME` alone for the hub's oldest ones.
    pub(crate) id: String,
    /// A branch, a tag or a commit.
    pub(crate) revision: String,
}

impl Location {
    /// Reads `hf:ORG/NAME[@REVISION]`.
    ///
    /// # Errors
    /// When it is not written so.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let rest = text.strip_prefix("hf:").unwrap_or(text);
        let (id, revision) = rest.split_once('@').unwrap_or((rest, "main"));
        let wrong = || format!("`{}` is not hf:ORG/NAME[@REVISION]", text.escape_debug());
        ensure!(
            (1..=2).contains(&id.split('/').count()) && id.split('/').all(is_name),
            wrong()
        );
        ensure!(revision.split('/').all(is_name), wrong());
        Ok(Location {
            id: id.to_owned(),
            revision: revision.to_owned(),
        })
    }

    /// As the library calls it.
    pub(crate) fn repo(&self) -> Repo {
        Repo::with_revision(self.id.clone(), RepoType::Model, self.revision.clone())
    }
}

/// Whether a part of a path of the hub is nothing but a name.
fn is_name(part: &str) -> bool {
    let known = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    !part.is_empty() && part.chars().all(known) && !part.starts_with('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn organisation_name_and_revision() {
        let parse = |text| Location::parse(text).map(|l| (l.id, l.revision)).unwrap();
        assert_eq!(parse("hf:gpt2"), ("gpt2".into(), "main".into()));
        assert_eq!(
            parse("hf:a/b-1.5@refs/pr/1"),
            ("a/b-1.5".into(), "refs/pr/1".into())
        );
        for wrong in [
            "hf:",
            "hf:a/b/c",
            "hf:../x",
            "hf:a/b@",
            "hf:a/b@..",
            "hf:a b",
            "hf:/a",
        ] {
            assert!(Location::parse(wrong).is_err(), "{wrong}");
        }
    }
}
