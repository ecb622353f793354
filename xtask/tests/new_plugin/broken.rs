//! Plugins that misbehave, for the binary that this test composes. The probe does so where `BROKEN` says.

use std::time::Duration;

use nongemm_core::graph::{BuildError, GraphBuilder};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits};
use nongemm_core::plugin::{
    Availability, DefaultSizes, Domain, HardwareProbe, Model, ModelConfig, Preprocessor, Quantity,
    Reading, Sampler,
};
use nongemm_core::shape::{ShapeError, TensorSpec};
use nongemm_core::{register, register_op};
use serde::{Deserialize, Serialize};

fn broken(what: &str) -> bool {
    std::env::var("BROKEN").is_ok_and(|broken| broken == what)
}

struct Probe;

register!(dyn HardwareProbe, &Probe);

impl HardwareProbe for Probe {
    fn id(&self) -> &'static str {
        if broken("id") { "one-probe" } else { "broken" }
    }

    fn summary(&self) -> &'static str {
        ""
    }

    fn quantities(&self) -> &'static [Quantity] {
        &[]
    }

    fn check(&self) -> Availability {
        Availability::ready("")
    }

    fn start(&self, _: Duration) -> anyhow::Result<Box<dyn Sampler>> {
        Ok(Box::new(Probe))
    }
}

impl Sampler for Probe {
    fn read(&mut self, _: &mut Vec<Reading>) {
        assert!(!broken("probe"), "no sensor");
    }
}

/// Panics where its shape is inferred.
#[derive(Debug, Serialize, Deserialize)]
struct Broken;

impl Op for Broken {
    fn name(&self) -> &'static str {
        "broken"
    }

    fn group(&self) -> OpGroup {
        OpGroup::Other
    }

    fn traits(&self) -> OpTraits {
        OpTraits::NONE
    }

    fn infer(&self, _: &[TensorSpec]) -> Result<Vec<TensorSpec>, ShapeError> {
        panic!("no shape")
    }

    fn cost(&self, _: &[TensorSpec], _: &[TensorSpec]) -> Cost {
        Cost::FREE
    }
}

impl OpDef for Broken {
    const NAMES: &'static [&'static str] = &["broken"];

    fn cases() -> Vec<OpCase> {
        Vec::new()
    }
}

register_op!(Broken);

/// Panics itself, or holds the operator that does.
struct Models(&'static str);

register!(dyn Model, &Models("broken-model"));
register!(dyn Model, &Models("broken-operator"));

impl Model for Models {
    fn id(&self) -> &'static str {
        self.0
    }

    fn domain(&self) -> Domain {
        Domain::Other
    }

    fn sizes(&self) -> DefaultSizes {
        DefaultSizes::default()
    }

    fn build(&self, g: &mut GraphBuilder, _: &ModelConfig) -> Result<(), BuildError> {
        assert!(self.0 != "broken-model", "no graph");
        g.one(Broken, &[]).map(|_| ())
    }

    fn preprocessor(&self) -> Box<dyn Preprocessor> {
        panic!("no preprocessor")
    }
}
