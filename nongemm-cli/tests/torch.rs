//! Archives of TorchScript on the command line.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{Done, records, run};
use nongemm_core::op::OpGroup;
use nongemm_core::record::{RunRecord, Status};
use safetensors::Dtype;
use safetensors::tensor::TensorView;

fn archive(name: &str) -> PathBuf {
    let folder = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../backend-torch/tests/archives"
    );
    Path::new(folder).join(name)
}

/// Copies an archive and its inputs.
fn copy(name: &str, folder: &Path) -> PathBuf {
    for ending in ["pt", "inputs.safetensors"] {
        let file = format!("{name}.{ending}");
        fs::copy(archive(&file), folder.join(file)).expect("archives are there");
    }
    folder.join(format!("{name}.pt"))
}

fn bench(out: &Path, file: &str, backend: &str) -> Done {
    let out = out.to_str().expect("paths are UTF-8");
    let flags = ["bench", "--out", out, "--model", file, "--backend", backend];
    let short = ["--max-time", "200ms", "--min-samples", "3"];
    run(&[&flags[..], &short].concat())
}

/// What `bench` says about an archive and the one record that it leaves.
fn measured(file: &Path, backend: &str) -> (Done, RunRecord) {
    let out = tempfile::tempdir().expect("a temporary folder");
    let file = file.to_str().expect("paths are UTF-8");
    let done = bench(out.path(), file, backend);
    let mut records = records(out.path());
    assert_eq!(records.len(), 1, "{}", done.stderr);
    (done, records.remove(0))
}

/// The one line that says why an archive does not run, without the folder of the file.
fn refused(file: &Path) -> String {
    let (done, record) = measured(file, "torch");
    assert_eq!(done.code, Some(1), "{}", done.stderr);
    assert_eq!(record.status, Status::Failed);
    let error = record.error.expect("failed runs say why");
    assert!(!error.contains('\n'), "{error}");
    let folder = file.parent().expect("files lie in folders");
    error.replace(&format!("{}/", folder.display()), "")
}

#[test]
fn archives_are_measured_and_unknown_operators_listed() {
    for backend in ["torch", "torch:script"] {
        let (done, record) = measured(&archive("unusual.pt"), backend);
        assert_eq!(done.code, Some(0), "{}", done.stderr);
        assert_eq!(record.status, Status::Ok, "{:?}", record.error);
        let profile = record.profile.expect("operators are measured");
        let digamma = profile.ops.iter().find(|op| op.op == "digamma");
        let digamma = digamma.expect("every operator is a row");
        assert_eq!(digamma.group, OpGroup::Unclassified);
        assert!(done.stdout.contains("digamma"), "{}", done.stdout);
    }
}

/// The inputs in another order than the archive has them.
const READS_TEXT: &str = r#"
id = "tiny-bert"
file = "bert.pt"
domain = "language-model"
preprocessor = "masked-text"
seq = 8

[[inputs]]
name = "attention_mask"
dtype = "i64"
shape = ["batch", "seq"]

[[inputs]]
name = "input_ids"
dtype = "i64"
shape = ["batch", "seq"]
below = 50
"#;

fn described(folder: &Path, text: &str, backend: &str) -> RunRecord {
    fs::copy(archive("bert.pt"), folder.join("bert.pt")).expect("archives are there");
    fs::write(folder.join("model.toml"), text).expect("it can be written");
    let out = folder.join(format!("out-{}", text.len()));
    let [models, out_flag] = [folder, &out].map(|path| path.to_str().expect("paths are UTF-8"));
    let flags = [
        "bench",
        "--models",
        models,
        "--model",
        "tiny-bert",
        "--backend",
        backend,
    ];
    let short = [
        "--max-time",
        "200ms",
        "--min-samples",
        "3",
        "--batch",
        "2",
        "--out",
        out_flag,
    ];
    let done = run(&[&flags[..], &short].concat());
    let mut records = records(&out);
    assert_eq!(records.len(), 1, "{}", done.stderr);
    records.remove(0)
}

#[test]
fn a_described_archive_reads_a_dataset() {
    for backend in ["torch", "torch:script"] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let record = described(folder.path(), READS_TEXT, backend);
        assert_eq!(record.status, Status::Ok, "{:?}", record.error);
        assert_eq!(record.spec.dataset, "sample");
        assert_eq!(
            record.model.expect("it is described").domain.name(),
            "language model"
        );
        let samples = record.inputs.expect("they came from a dataset").samples;
        assert_eq!(samples.len(), 1);
    }
}

#[test]
fn inputs_that_an_archive_does_not_have_are_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let text = READS_TEXT.replace("\"attention_mask\"", "\"token_type_ids\"");
    let error = described(folder.path(), &text, "torch")
        .error
        .expect("it failed");
    let expected = "bert.pt: it takes input_ids, attention_mask, and no `token_type_ids`";
    assert!(error.ends_with(expected), "{error}");
}

#[test]
fn a_damaged_archive_is_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = copy("inverted", folder.path());
    let bytes = fs::read(&file).expect("it was copied");
    fs::write(&file, &bytes[..bytes.len() / 2]).expect("it can be written");
    let found = refused(&file);
    assert!(
        found.starts_with("inverted.pt is no TorchScript archive: "),
        "{found}"
    );
}

#[test]
fn inputs_that_do_not_fit_are_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = copy("inverted", folder.path());
    let inputs = folder.path().join("inverted.inputs.safetensors");
    let image = TensorView::new(Dtype::F32, vec![1, 2], &[0; 8]).expect("two numbers");
    safetensors::serialize_to_file([("input", image)], None, &inputs).expect("it can be written");
    let found = refused(&file);
    assert!(
        found.starts_with("inverted.pt: aten::_convolution: Expected"),
        "{found}"
    );
}

#[test]
fn an_operator_without_kernel_is_named() {
    let found = refused(&archive("no-kernel.pt"));
    let named = "no-kernel.pt: aten::cudnn_convolution: Could not run 'aten::cudnn_convolution'";
    assert!(found.starts_with(named), "{found}");
}

#[test]
fn a_file_that_is_not_there_is_bad_usage() {
    let out = tempfile::tempdir().expect("a temporary folder");
    let done = bench(out.path(), "absent.pt", "torch");
    assert_eq!(done.code, Some(2), "{}", done.stderr);
    assert_eq!(done.stderr.trim_end().lines().count(), 1, "{}", done.stderr);
    assert!(done.stderr.contains("absent.pt"), "{}", done.stderr);
}

#[test]
fn the_table_of_operators_is_up_to_date() {
    common::support::check();
}

/// all-MiniLM-L6-v2 from its published folder, in two flows: its own tokenizer, its own weights, one embedding.
#[test]
fn a_published_checkpoint_runs_through_the_whole_path() {
    let set = std::env::var_os("NONGEMM_MINILM").map(PathBuf::from);
    let folder = set.unwrap_or_else(|| {
        let cache = nongemm_core::cache::dir().expect("there is a home");
        cache.join("all-minilm-l6-v2-0.1.2/model")
    });
    assert!(
        folder.is_dir(),
        "there is no checkpoint at {}; run `cargo xtask test torch`",
        folder.display()
    );
    let results = tempfile::tempdir().expect("a temporary folder");
    let texts = results.path().join("texts.txt");
    fs::write(&texts, "A cat sits on the mat.\n\nInterest rates rose.\n")
        .expect("it can be written");
    let out = results.path().join("out");
    let [out_, weights] = [&out, &folder].map(|path| path.to_str().expect("paths are UTF-8"));
    let dataset = format!("text:{}", texts.display());
    let what = ["bench", "--out", out_, "--model", "all-minilm-l6-v2"];
    let how = ["--backend", "candle,torch", "--batch", "2", "--seq", "16"];
    let of = ["--weights", weights, "--dataset", &dataset];
    let short = ["--max-time", "200ms", "--min-samples", "3"];
    let done = run(&[&what[..], &how, &of, &short].concat());
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let records = records(&out);
    assert_eq!(records.len(), 2);
    for record in &records {
        let weights = record.weights.as_ref().expect("weights are recorded");
        let files = weights.files.iter();
        let hashes: Vec<&str> = files.map(|file| file.sha256.as_str()).collect();
        assert_eq!(
            hashes,
            ["53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"]
        );
        let inputs = record.inputs.as_ref().expect("inputs are recorded");
        assert!(
            inputs.preprocessor.starts_with("masked-text, tokenizer "),
            "{}",
            inputs.preprocessor
        );
        assert_ne!(inputs.samples[0][0], inputs.samples[0][1]);
    }
    let compared = records.iter().filter_map(|record| {
        let checks = record.checks.as_ref()?;
        checks.reference.as_ref()
    });
    assert_eq!(compared.count(), 1, "the flows are compared");
}
