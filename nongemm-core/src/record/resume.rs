//! Which runs of a suite need not be run again.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::schema::{RunRecord, RunSpec, Status};
use super::store;
use crate::measure::Stop;

/// The record of a run in `out`, if it is complete and holds for this spec and these versions: it gave
/// a result, sampling was not interrupted and aimed at least as high, nongemm and the libraries of the
/// backend are the same, and no file that it read was changed since. `files` are those that the model is made of,
/// where it is described.
///
/// # Errors
/// Why the run has to be run again.
pub fn finished(
    out: &Path,
    id: &str,
    spec: &RunSpec,
    files: &[PathBuf],
    libraries: &BTreeMap<String, String>,
    target_ci: f64,
) -> Result<RunRecord, String> {
    let file = store::path(out, id);
    if !file.exists() {
        return Err("there is no record yet".to_owned());
    }
    let record = store::read(&file).map_err(|error| error.to_string())?;
    if record.spec != *spec {
        return Err("the record is of another run".to_owned());
    }
    if record.status == Status::Failed {
        return Err("it failed before".to_owned());
    }
    let latency = record.latency.as_ref();
    let latency = latency.ok_or("the record has no latency")?;
    if latency.stop == Stop::Interrupted {
        return Err("it was interrupted before".to_owned());
    }
    if latency.target_ci > target_ci {
        return Err(format!(
            "it aimed at ±{}% before",
            100.0 * latency.target_ci
        ));
    }
    let version = &record.software.nongemm;
    if version != env!("CARGO_PKG_VERSION") {
        return Err(format!("it was run with nongemm {version}"));
    }
    if record.software.libraries != *libraries {
        return Err(format!(
            "it was run with other libraries ({})",
            versions(&record.software.libraries)
        ));
    }
    match changed(spec, files, &file) {
        Some(input) => Err(format!("{input} was changed since")),
        None => Ok(record),
    }
}

fn versions(libraries: &BTreeMap<String, String>) -> String {
    let pairs = libraries
        .iter()
        .map(|(name, version)| format!("{name} {version}"));
    pairs.collect::<Vec<_>>().join(", ")
}

/// A file that the run reads and that is newer than its record.
fn changed(spec: &RunSpec, files: &[PathBuf], record: &Path) -> Option<String> {
    let modified = |path: &Path| fs::metadata(path).and_then(|data| data.modified()).ok();
    let written = modified(record)?;
    let dataset = spec.dataset.split_once(':').map(|(_, path)| path);
    let inputs = [Some(spec.model.as_str()), Some(&spec.weights), dataset];
    let beside = ["tokenizer", "preprocessor"].into_iter();
    let beside = beside.filter_map(|key| spec.settings.get(key).map(String::as_str));
    let inputs = inputs.into_iter().flatten().chain(beside).map(Path::new);
    let mut inputs = inputs.chain(files.iter().map(PathBuf::as_path));
    let newer = inputs.find(|input| modified(input).is_some_and(|time| time > written))?;
    Some(newer.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::run_id;
    use crate::record::Latency;
    use crate::run::failed;

    struct Case {
        out: tempfile::TempDir,
        record: RunRecord,
        libraries: BTreeMap<String, String>,
    }

    impl Case {
        fn new() -> Self {
            let spec = RunSpec::example("m", "b");
            let libraries = BTreeMap::from([("lib".to_owned(), "1.0".to_owned())]);
            let mut record = failed(&spec, String::new());
            record.status = Status::Ok;
            record.error = None;
            record.software.libraries = libraries.clone();
            record.latency = Some(Latency {
                samples_ns: vec![1],
                median_ns: 1.0,
                mad_ns: 0.0,
                ci95_ns: [1.0, 1.0],
                min_ns: 1,
                n: 1,
                stop: Stop::MaxTime,
                target_ci: 0.02,
                warmup_runs: 1,
                steady: true,
                outliers: Vec::new(),
                disturbed: Vec::new(),
            });
            Case {
                out: tempfile::tempdir().unwrap(),
                record,
                libraries,
            }
        }

        fn refused(&self, change: impl FnOnce(&mut RunRecord)) -> String {
            let mut record = self.record.clone();
            change(&mut record);
            store::write(self.out.path(), &record).unwrap();
            self.finished().unwrap_err()
        }

        fn finished(&self) -> Result<RunRecord, String> {
            let spec = &self.record.spec;
            finished(
                self.out.path(),
                &run_id(spec),
                spec,
                &[],
                &self.libraries,
                0.02,
            )
        }
    }

    #[test]
    fn only_what_is_complete_and_still_holds_is_not_run_again() {
        let case = Case::new();
        assert_eq!(case.finished().unwrap_err(), "there is no record yet");
        store::write(case.out.path(), &case.record).unwrap();
        assert_eq!(case.finished().unwrap(), case.record);
        assert!(
            case.refused(|r| r.status = Status::Failed)
                .contains("failed")
        );
        assert!(case.refused(|r| r.spec.threads = 2).contains("another run"));
        assert!(case.refused(|r| r.latency = None).contains("no latency"));
        let interrupted = |r: &mut RunRecord| r.latency.as_mut().unwrap().stop = Stop::Interrupted;
        assert!(case.refused(interrupted).contains("interrupted"));
        let coarse = |r: &mut RunRecord| r.latency.as_mut().unwrap().target_ci = 0.05;
        assert_eq!(case.refused(coarse), "it aimed at ±5% before");
        let older = |r: &mut RunRecord| r.software.nongemm = "0.0.1".to_owned();
        assert_eq!(case.refused(older), "it was run with nongemm 0.0.1");
        let library = |r: &mut RunRecord| {
            r.software
                .libraries
                .insert("lib".to_owned(), "0.9".to_owned());
        };
        assert_eq!(
            case.refused(library),
            "it was run with other libraries (lib 0.9)"
        );
    }

    #[test]
    fn a_damaged_record_is_no_result() {
        let case = Case::new();
        let file = store::write(case.out.path(), &case.record).unwrap();
        let text = fs::read_to_string(&file).unwrap();
        fs::write(&file, &text[..text.len() / 2]).unwrap();
        assert!(case.finished().unwrap_err().contains("is not a run record"));
    }

    #[test]
    fn a_changed_input_is_run_again() {
        let weights = |spec: &mut RunSpec, file: String| spec.weights = file;
        let tokenizer = |spec: &mut RunSpec, file: String| {
            spec.settings.insert("tokenizer".to_owned(), file);
        };
        changed_since(weights);
        changed_since(tokenizer);
    }

    fn changed_since(name: impl FnOnce(&mut RunSpec, String)) {
        let mut case = Case::new();
        let read = case.out.path().join("read");
        fs::write(&read, "one").unwrap();
        name(&mut case.record.spec, read.to_str().unwrap().to_owned());
        case.record.id = run_id(&case.record.spec);
        let file = store::write(case.out.path(), &case.record).unwrap();
        assert!(case.finished().is_ok());
        let later =
            fs::metadata(&file).unwrap().modified().unwrap() + std::time::Duration::from_secs(5);
        fs::File::options()
            .write(true)
            .open(&read)
            .unwrap()
            .set_modified(later)
            .unwrap();
        assert!(case.finished().unwrap_err().ends_with("was changed since"));
    }
}
