//! Overrides of the configuration, and what is said about impossible ones.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use support::case::Case;

fn message(case: &Case) -> String {
    format!("{:#}", case.graph().map(|_| ()).unwrap_err())
}

#[test]
fn the_small_preset_is_the_configuration_that_is_compared_with_the_reference() {
    for id in support::case::models().unwrap() {
        let case = Case::small_of(id).unwrap();
        let preset = Case {
            settings: Default::default(),
            ..case.clone()
        };
        let preset = preset.with(&[("preset", "small")]).graph().unwrap();
        let written_out = case.graph().unwrap();
        assert_eq!(preset.to_string(), written_out.to_string());
        assert_eq!(preset.parameter_count(), written_out.parameter_count());
    }
}

#[test]
fn overrides_apply_on_top_of_the_preset() {
    let case = Case::full("gpt2")
        .unwrap()
        .with(&[("preset", "small"), ("layers", "3")]);
    let graph = case.graph().unwrap();
    let names: Vec<&str> = graph.params().iter().map(|p| p.name.as_str()).collect();
    assert!(names.contains(&"transformer.h.2.ln_1.weight"));
    assert!(!names.contains(&"transformer.h.3.ln_1.weight"));
}

#[test]
fn the_small_preset_runs_at_the_default_sizes() {
    for id in support::case::models().unwrap() {
        let case = Case::full(id).unwrap().with(&[("preset", "small")]);
        assert!(case.graph().unwrap().parameter_count() < 10_000_000, "{id}");
    }
}

#[test]
fn impossible_settings_are_errors_of_one_line() {
    let cases: &[(&str, &str, &str, &str)] = &[
        (
            "gpt2",
            "hidden",
            "30",
            "hidden 30 is not divisible by heads 12",
        ),
        (
            "gpt2",
            "heads",
            "7",
            "hidden 768 is not divisible by heads 7",
        ),
        (
            "gpt2",
            "positions",
            "64",
            "sequence length 128 exceeds the model's 64 positions; lower --seq or raise the setting positions",
        ),
        (
            "gpt2",
            "layers",
            "0",
            "setting layers must be from 1 to 4096, got 0",
        ),
        (
            "gpt2",
            "layers",
            "5000",
            "setting layers must be from 1 to 4096, got 5000",
        ),
        (
            "gpt2",
            "vocab",
            "1048577",
            "setting vocab must be from 1 to 1048576, got 1048577",
        ),
        (
            "gpt2",
            "intermediate",
            "0",
            "setting intermediate must be from 1 to 1048576, got 0",
        ),
        (
            "gpt2",
            "hidden",
            "-1",
            "setting hidden=-1: invalid digit found in string",
        ),
        (
            "gpt2",
            "attention",
            "flash",
            "setting attention=flash: known values are eager, sdpa",
        ),
        (
            "gpt2",
            "preset",
            "tiny",
            "setting preset=tiny: known values are full, small",
        ),
        (
            "gpt2",
            "patch",
            "8",
            "unknown setting `patch` (known here: attention, heads, hidden, intermediate, layers, padding, positions, preset, vocab)",
        ),
        (
            "bert",
            "heads",
            "5",
            "hidden 768 is not divisible by heads 5",
        ),
        (
            "bert",
            "types",
            "0",
            "setting types must be from 1 to 1048576, got 0",
        ),
        (
            "bert",
            "positions",
            "100",
            "sequence length 128 exceeds the model's 100 positions; lower --seq or raise the setting positions",
        ),
        (
            "vit-b16",
            "patch",
            "15",
            "image size 224 is not divisible by patch 15",
        ),
        (
            "vit-b16",
            "patch",
            "448",
            "image size 224 is smaller than a patch of 448",
        ),
        (
            "vit-b16",
            "image",
            "384",
            "setting image=384 contradicts the run's image size 224; give --image 384 instead",
        ),
        (
            "vit-b16",
            "labels",
            "0",
            "setting labels must be from 1 to 1048576, got 0",
        ),
        (
            "vit-b16",
            "heads",
            "11",
            "hidden 768 is not divisible by heads 11",
        ),
        (
            "faster-rcnn",
            "labels",
            "1",
            "setting labels must be at least 2: the background and one class",
        ),
        (
            "mask-rcnn",
            "proposals",
            "0",
            "setting proposals must be from 1 to 1048576, got 0",
        ),
        (
            "mask-rcnn",
            "nms",
            "soft",
            "setting nms=soft: known values are auto, offset, loop",
        ),
        (
            "detr",
            "heads",
            "3",
            "hidden 256 is not divisible by heads 3",
        ),
        (
            "detr",
            "encoder_layers",
            "5000",
            "setting encoder_layers must be from 1 to 4096, got 5000",
        ),
        (
            "resnet50",
            "layers",
            "3,4,6",
            "setting layers=3,4,6: give 4 numbers, one for each stage",
        ),
        (
            "resnet50",
            "layers",
            "3,4,6,x",
            "setting layers=3,4,6,x: give 4 numbers, one for each stage",
        ),
        (
            "resnet50",
            "layers",
            "3,0,6,3",
            "setting layers must be from 1 to 4096, got 0",
        ),
        (
            "resnet50",
            "labels",
            "99999999",
            "setting labels must be from 1 to 1048576, got 99999999",
        ),
        (
            "swin-t",
            "window",
            "8",
            "image size 224 is too small: the last stage has 7 tokens a side, fewer than a window of 8",
        ),
        (
            "swin-t",
            "heads",
            "3,6,12",
            "setting heads=3,6,12: give 4 numbers, one for each stage",
        ),
        (
            "segformer-b0",
            "hidden",
            "32,64,161,256",
            "hidden 161 is not divisible by heads 5",
        ),
        (
            "llama3-8b",
            "kv_heads",
            "5",
            "heads 32 is not divisible by kv_heads 5",
        ),
        (
            "llama2-7b",
            "heads",
            "4096",
            "a head has 1 elements; rotary positions need an even number",
        ),
        (
            "llama2-7b",
            "positions",
            "100",
            "sequence length 128 exceeds the model's 100 positions; lower --seq or raise the setting positions",
        ),
        (
            "mixtral-8x7b",
            "experts_per_token",
            "9",
            "a token cannot be sent to 9 of 8 experts",
        ),
        (
            "maskformer",
            "decoder",
            "100",
            "decoder 100 is not divisible by groups of its normalization 32",
        ),
        (
            "bert",
            "padding",
            "left",
            "setting padding=left: known values are none, masked",
        ),
    ];
    for (id, key, value, expected) in cases {
        let found = message(&Case::full(id).unwrap().with(&[(key, value)]));
        let found = found
            .strip_prefix(&format!("model {id}: "))
            .unwrap_or(&found);
        assert_eq!(found, *expected, "{id} {key}={value}");
    }
}

#[test]
fn impossible_sizes_of_a_run_are_errors_of_one_line() {
    let full = |id: &str| Case::full(id).unwrap();
    let mut cases = vec![
        (
            full("gpt2"),
            "model gpt2: the model needs a sequence length (--seq)",
        ),
        (
            full("vit-b16"),
            "model vit-b16: the model needs an image size (--image)",
        ),
        (
            full("gpt2"),
            "model gpt2: sequence length must be from 1 to 1048576, got 0",
        ),
        (
            full("resnet50"),
            "model resnet50: image size must be from 1 to 1048576, got 0",
        ),
        (
            full("bert"),
            "model bert: batch must be from 1 to 1048576, got 0",
        ),
        (
            full("segformer-b0"),
            "model segformer-b0: image size 16 is too small: a stage has 4 tokens a side, which cannot be reduced by 8",
        ),
        (
            full("vit-b16").with(&[("patch", "1")]),
            "model vit-b16: number of tokens must be from 1 to 1048576, got 16777217",
        ),
    ];
    cases[0].0.seq = None;
    cases[1].0.image = None;
    cases[2].0.seq = Some(0);
    cases[3].0.image = Some(0);
    cases[4].0.batch = 0;
    cases[5].0.image = Some(16);
    cases[6].0.image = Some(4096);
    for (case, expected) in cases {
        assert_eq!(message(&case), expected);
    }
}

#[test]
fn the_largest_sizes_fail_before_they_overflow() {
    let huge = "1048576";
    let sizes = [("hidden", huge), ("vocab", huge), ("positions", huge)];
    let text = Case::full("gpt2")
        .unwrap()
        .with(&sizes)
        .with(&[("heads", "1")]);
    let text = Case {
        batch: 1 << 20,
        seq: Some(1 << 20),
        ..text
    };
    assert!(message(&text).contains("too large"), "{}", message(&text));
    let image = Case {
        batch: 1 << 20,
        image: Some(1 << 20),
        ..Case::full("resnet50").unwrap()
    };
    assert!(message(&image).contains("too large"), "{}", message(&image));
}
