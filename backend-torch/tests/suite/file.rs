//! Users' own models: archives that `archives/write.py` captured.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use nongemm_core::conformance::options;
use nongemm_core::measure::{Mode, Monotonic, Recorder};
use nongemm_core::op::OpGroup;
use nongemm_core::plugin::{Backend, Classification, OpEvent, Session, Step};
use nongemm_torch::{Eager, Script};

use crate::support::reference;

pub(crate) fn archives() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/archives")
}

pub(crate) fn prepare(backend: &dyn Backend, file: &Path) -> Result<Box<dyn Session>, String> {
    let prepared = backend.prepare_file(file, &options("reference"));
    prepared.map_err(|error| {
        let text = format!("{:#}", anyhow::Error::from(error));
        assert!(!text.contains('\n'), "more than one line: {text}");
        text.replace(&format!("{}/", file.parent().unwrap().display()), "")
    })
}

/// One plain and one measured run.
fn run(session: &mut dyn Session) {
    let clock = Monotonic::new();
    session
        .run(&mut Recorder::new(&clock, Mode::Off, 0))
        .unwrap();
    let mut recorder = Recorder::new(&clock, Mode::Timing, session.steps().len());
    session.run(&mut recorder).unwrap();
    recorder.check_closure().unwrap();
}

fn execution(session: &dyn Session) -> String {
    let modes: BTreeMap<String, String> = session.modes().into_iter().collect();
    modes["execution"].clone()
}

fn counts(steps: &[Step]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for step in steps {
        *counts.entry(step.op.clone()).or_default() += 1;
    }
    counts
}

/// What PyTorch's profiler counted in the eager code.
fn profiled(folder: &Path, name: &str) -> BTreeMap<String, usize> {
    let text = fs::read_to_string(folder.join(format!("{name}.profile.txt"))).unwrap();
    let count = |line: &str| {
        let (op, count) = line.split_once(' ').unwrap();
        let op = op.strip_prefix("aten::").unwrap_or(op);
        (op.to_owned(), count.parse().unwrap())
    };
    text.lines().map(count).collect()
}

/// The outputs are those of the eager code.
fn check_outputs(session: &mut dyn Session, folder: &Path, name: &str) {
    let expected = folder.join(format!("{name}.outputs.safetensors"));
    let expected: BTreeMap<usize, _> = reference::load(&expected)
        .unwrap()
        .into_iter()
        .map(|(index, tensor)| (index.parse().unwrap(), tensor))
        .collect();
    let found = session.outputs().unwrap();
    assert_eq!(found.len(), expected.len(), "{name}");
    for ((label, found), expected) in found.iter().zip(expected.values()) {
        assert_eq!(found.shape(), expected.shape(), "{name}: {label}");
        let pairs = found
            .data()
            .to_f64()
            .into_iter()
            .zip(expected.data().to_f64());
        for (a, b) in pairs {
            assert!(
                (a - b).abs() <= 1e-5 * b.abs().max(1.0),
                "{name}: {label}: {a} for {b}"
            );
        }
    }
}

/// Node by node, and as one program.
fn check(folder: &Path, name: &str) -> Vec<Step> {
    let file = folder.join(format!("{name}.pt"));
    let mut session = prepare(&Eager, &file).unwrap();
    run(session.as_mut());
    check_outputs(session.as_mut(), folder, name);
    assert_eq!(execution(session.as_ref()), "node by node", "{name}");
    let steps = session.steps().to_vec();
    let mut whole = prepare(&Script, &file).unwrap();
    run(whole.as_mut());
    check_outputs(whole.as_mut(), folder, name);
    steps
}

/// What a traced program calls more or less often than the eager code, by model, with the reason.
type Differences = (&'static str, &'static str, &'static [(&'static str, isize)]);

/// The archive `idioms` shows each reason of `bert`'s by itself, but for the last, which is the model's own.
const TRACED: &[Differences] = &[
    (
        "bert",
        "a number that is computed from sizes is a tensor, which is read as the end of a slice",
        &[("add", 1), ("item", 1)],
    ),
    (
        "bert",
        "`:` in an index is a slice, five times; eager indexing leaves out what takes all",
        &[("slice", 5)],
    ),
    (
        "bert",
        "the masks' indices of heads are used by nothing and dropped",
        &[("arange", -1), ("unsqueeze", -3)],
    ),
    (
        "bert",
        "`contiguous` of a reshaped tensor that is so already: Python returns it without a call",
        &[("contiguous", 1)],
    ),
    (
        "bert",
        "`torch.tensor(0.0)` in the mask is a constant that is detached",
        &[
            ("empty", -1),
            ("lift_fresh", -1),
            ("detach_", -1),
            ("detach", 1),
        ],
    ),
    (
        "bert",
        "whether the mask hides anything is asked only where nothing is traced",
        &[("all", -1), ("is_nonzero", -1)],
    ),
    (
        "inverted",
        "tracing writes down what `conv2d` calls",
        &[("conv2d", -3), ("_convolution", 3)],
    ),
    (
        "unusual",
        "a number that Python reads is a constant, and what it is read from is used by nothing",
        &[("item", -1), ("sum", -1)],
    ),
    (
        "idioms",
        "a number that is computed from a size is a tensor, which is read as the end of a slice",
        &[("add", 1), ("item", 1)],
    ),
    ("idioms", "`:` in an index is a slice", &[("slice", 1)]),
    (
        "idioms",
        "what nothing uses is dropped",
        &[("arange", -1), ("unsqueeze", -1)],
    ),
    (
        "idioms",
        "`contiguous` of a contiguous tensor is a call",
        &[("contiguous", 1)],
    ),
    (
        "idioms",
        "`torch.tensor(0.0)` is a constant that is detached",
        &[
            ("empty", -1),
            ("lift_fresh", -1),
            ("detach_", -1),
            ("detach", 1),
        ],
    ),
    (
        "loop",
        "a comparison of lists is one step, with the reading of its elements' comparison in it",
        &[("is_nonzero", -1)],
    ),
];

fn check_counts(folder: &Path, name: &str, steps: &[Step]) {
    let mut expected = profiled(folder, name);
    let differences = TRACED.iter().filter(|(model, ..)| *model == name);
    for (op, more) in differences.flat_map(|(_, _, ops)| *ops) {
        let count = expected.entry((*op).to_owned()).or_default();
        *count = count.checked_add_signed(*more).unwrap();
    }
    expected.retain(|_, count| *count > 0);
    assert_eq!(counts(steps), expected, "{name}");
}

const MODELS: [&str; 5] = ["bert", "inverted", "unusual", "idioms", "loop"];

#[test]
fn nodes_compute_and_count_what_the_eager_code_does() {
    let folder = archives();
    for name in MODELS {
        let steps = check(&folder, name);
        check_counts(&folder, name, &steps);
        // Numbers for the host, that of a comparison of lists included.
        let number = |step: &Step| step.op == "item" || (name == "loop" && step.op == "eq");
        let complete = |step: &Step| number(step) == step.outputs.is_empty();
        assert!(steps.iter().all(complete), "{name}");
    }
}

#[test]
fn nodes_have_modules_shapes_and_attributes() {
    let steps = check(&archives(), "inverted");
    let first = steps.iter().find(|step| step.op.contains("conv")).unwrap();
    assert_eq!(first.scope, "model.0.conv.0.0");
    assert_eq!(first.inputs[0].to_string(), "f32[2, 4, 6, 6]");
    assert_eq!(first.outputs[0].to_string(), "f32[2, 8, 6, 6]");
    assert_eq!(first.attrs["groups"], 1);
}

/// In `torch:script` too, where the operators are what optimisation left.
#[test]
fn operators_of_whole_programs_have_modules() {
    let file = archives().join("bert.pt");
    let mut session = prepare(&Script, &file).unwrap();
    run(session.as_mut());
    let steps = session.steps();
    let find = |op: &str| steps.iter().find(|step| step.op == op);
    let softmax = find("softmax").unwrap_or_else(|| panic!("{:?}", counts(steps)));
    assert_eq!(softmax.scope, "model.encoder.layer.0.attention.self");
}

/// A loop in whose second turn alone two lists are compared, which calls an operator.
#[test]
fn a_step_that_calls_operators_in_some_turns_only_is_a_row_in_those() {
    let steps = check(&archives(), "loop");
    let ops: Vec<&str> = steps.iter().map(|step| step.op.as_str()).collect();
    let turns = [
        &["mul", "clone"][..],
        &["tanh", "add", "eq", "abs", "clone"],
        &["mul", "clone"],
    ];
    let from = ops.iter().position(|op| *op == "item").unwrap() + 1;
    let found = &ops[from..ops.len() - 3];
    assert_eq!(found, turns.concat());
}

#[test]
fn called_modules_and_functions_have_the_scope_of_their_module() {
    let steps = check(&archives(), "loop");
    let scope = |index: usize| (steps[index].op.as_str(), steps[index].scope.as_str());
    let found: Vec<_> = (0..6).map(scope).collect();
    let expected = [
        ("mul", "layers.0"),
        ("mul", "layers.0"),
        ("mul", "layers.1.0"),
        ("mul", "layers.1.0"),
        ("tanh", "layers.1.1"),
        ("item", ""),
    ];
    assert_eq!(found, expected);
}

/// Operators without class are listed under their names.
#[test]
fn unknown_operators_are_unclassified() {
    let steps = check(&archives(), "unusual");
    let classification = Classification::new(BTreeMap::new()).unwrap();
    let group = |op: &str| {
        let step = steps.iter().find(|step| step.op == op);
        let step = step.unwrap_or_else(|| panic!("no {op}"));
        classification.group(&OpEvent {
            vocabulary: step.vocabulary,
            name: &step.op,
            attrs: &step.attrs,
            fused: &step.fused,
            op: step.kind.as_deref(),
            counted: step.counted,
        })
    };
    assert_eq!(group("digamma"), OpGroup::Unclassified);
    assert_eq!(group("special_erfcx"), OpGroup::Unclassified);
}

#[test]
fn what_does_not_run_node_by_node_runs_whole_and_says_so() {
    let folder = archives();
    let mut session = prepare(&Eager, &folder.join("forked.pt")).unwrap();
    run(session.as_mut());
    check_outputs(session.as_mut(), &folder, "forked");
    assert_eq!(
        execution(session.as_ref()),
        "as one program, as it is written: prim::fork does not run by itself"
    );
}

/// `python/capture.py` with the PyTorch that is set up here.
#[test]
fn what_is_captured_now_runs_too() {
    let folder = tempfile::tempdir().unwrap();
    let script = archives().join("write.py");
    let reference = reference::Reference::new(None).unwrap();
    reference
        .script(&script, &[folder.path().as_os_str()])
        .unwrap();
    for name in MODELS {
        let steps = check(folder.path(), name);
        check_counts(folder.path(), name, &steps);
    }
}
