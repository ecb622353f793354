//! Which runs of a plan give the same outputs, and which of them is the reference for the others.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use super::outputs::{OutputsTask, Reference};
use crate::plan::same_thing;
use crate::record::{RunRecord, RunSpec, Status};

/// Follows the runs of a plan: of those that run the same thing in other flows or on other devices, the
/// first one that succeeds is the reference for those after it.
pub struct References {
    /// For the files with outputs.
    folder: PathBuf,
    /// By what is run: how many runs are still to come.
    to_come: BTreeMap<String, usize>,
    known: BTreeMap<String, Reference>,
    /// What runs only once here and was or will be run by other calls.
    apart: BTreeSet<String>,
}

impl References {
    /// For the runs of a plan, with files in `folder`, which is made when the first one is written. A
    /// file is removed after the last run that it concerns, the folder when this is dropped. `elsewhere`
    /// are the runs of the plan that other calls carry out.
    pub fn new<'s>(
        runs: impl IntoIterator<Item = &'s RunSpec>,
        elsewhere: impl IntoIterator<Item = &'s RunSpec>,
        folder: PathBuf,
    ) -> Self {
        let mut to_come = BTreeMap::new();
        for spec in runs {
            *to_come.entry(same_thing(spec)).or_default() += 1;
        }
        let apart = elsewhere.into_iter().map(same_thing);
        References {
            folder,
            apart: apart.filter(|key| to_come.get(key) == Some(&1)).collect(),
            to_come,
            known: BTreeMap::new(),
        }
    }

    /// Says in the record of a run why it was compared with no other, where the others are those of
    /// another call.
    pub fn explain(&self, record: &mut RunRecord) {
        if self.apart.contains(&same_thing(&record.spec))
            && let Some(checks) = &mut record.checks
        {
            checks.not_compared = Some("they were run by another call".to_owned());
        }
    }

    /// What the next run does with its outputs: nothing, if no other one runs the same thing.
    pub fn task(&self, spec: &RunSpec, id: &str) -> Option<OutputsTask> {
        let key = same_thing(spec);
        if let Some(reference) = self.known.get(&key) {
            return Some(OutputsTask::Compare(reference.clone()));
        }
        let others_follow = self.to_come.get(&key).is_some_and(|&count| count > 1);
        others_follow.then(|| OutputsTask::Keep(self.folder.join(id)))
    }

    /// Takes note of a run that `task` was asked for.
    pub fn finished(&mut self, record: &RunRecord) {
        let spec = &record.spec;
        let key = same_thing(spec);
        let file = self.folder.join(&record.id);
        if record.status == Status::Ok && !self.known.contains_key(&key) && file.is_file() {
            let reference = Reference {
                file,
                run: record.id.clone(),
                backend: spec.backend.clone(),
                device: spec.device,
            };
            self.known.insert(key.clone(), reference);
        }
        let left = self.to_come.entry(key.clone()).or_default();
        *left = left.saturating_sub(1);
        if *left == 0
            && let Some(reference) = self.known.remove(&key)
        {
            // At worst it stays until the folder is removed.
            let _ = fs::remove_file(reference.file);
        }
    }
}

impl Drop for References {
    fn drop(&mut self) {
        // Not there, unless outputs were kept.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dtype::DType;
    use crate::plan::run_id;
    use crate::run::failed;

    fn spec(backend: &str, settings: &[(&str, &str)]) -> RunSpec {
        let pairs = settings.iter();
        RunSpec {
            settings: pairs
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect(),
            ..RunSpec::example("m", backend)
        }
    }

    fn done(spec: &RunSpec, status: Status) -> RunRecord {
        RunRecord {
            status,
            ..failed(spec, String::new())
        }
    }

    #[test]
    fn the_first_run_that_succeeds_is_the_reference() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("outputs");
        fs::create_dir(&folder).unwrap();
        let runs = [spec("a", &[]), spec("b", &[]), spec("c", &[])];
        let mut references = References::new(&runs, [], folder.clone());
        let task = |references: &References, spec: &RunSpec| references.task(spec, &run_id(spec));
        assert!(matches!(
            task(&references, &runs[0]),
            Some(OutputsTask::Keep(_))
        ));
        references.finished(&done(&runs[0], Status::Failed));
        let Some(OutputsTask::Keep(file)) = task(&references, &runs[1]) else {
            panic!("the second run leaves its outputs instead");
        };
        fs::write(&file, "outputs").unwrap();
        references.finished(&done(&runs[1], Status::Ok));
        let Some(OutputsTask::Compare(reference)) = task(&references, &runs[2]) else {
            panic!("the third run is compared");
        };
        assert_eq!(reference.backend, "b");
        assert_eq!(reference.file, file);
        references.finished(&done(&runs[2], Status::Ok));
        assert!(!file.exists(), "removed after the last run");
        drop(references);
        assert!(!folder.exists());
    }

    #[test]
    fn only_runs_of_the_same_thing_are_compared() {
        let runs = [
            spec("a", &[]),
            spec("a", &[("layers", "2")]),
            RunSpec {
                dtype: DType::BF16,
                ..spec("b", &[])
            },
        ];
        let references = References::new(&runs, [], PathBuf::from("/nowhere/outputs"));
        for run in &runs {
            assert_eq!(references.task(run, "id"), None);
        }
        let runs = [
            spec("a", &[("layers", "2")]),
            spec("a", &[("layers", "2"), ("composites", "fused")]),
            spec("b", &[("layers", "2"), ("b.speed", "high")]),
        ];
        let references = References::new(&runs, [], PathBuf::from("/nowhere/outputs"));
        for run in &runs {
            assert!(references.task(run, "id").is_some());
        }
    }

    #[test]
    fn a_run_whose_other_flows_are_elsewhere_says_so() {
        let runs = [spec("a", &[])];
        let explained = |elsewhere: &[RunSpec]| {
            let references = References::new(&runs, elsewhere, PathBuf::from("/nowhere/outputs"));
            let mut record = done(&runs[0], Status::Ok);
            record.checks = Some(crate::record::Checks::default());
            references.explain(&mut record);
            record.checks.unwrap().not_compared.is_some()
        };
        assert!(explained(&[spec("b", &[])]));
        assert!(!explained(&[spec("b", &[("layers", "2")])]));
        assert!(!explained(&[]));
    }
}
