//! `nongemm registry capture`: the operators of models, from their graphs. No weights are needed.

use nongemm_core::graph::CompositePolicy;
use nongemm_core::manifest::{MeasureTable, RunTable};
use nongemm_core::plan::{Overrides, build, run_id};
use nongemm_core::plugin::{Plugins, Settings};
use nongemm_core::record::RunSpec;
use nongemm_core::registry::{Extraction, Occasion, OperatorRegistry, from_graph, write};

use super::source;
use crate::args::CaptureArgs;
use crate::commands::bench::{planned, settings};
use crate::error::CliError;

pub(super) fn run(args: &CaptureArgs, plugins: &mut Plugins) -> Result<(), CliError> {
    args.described.register(plugins)?;
    let mut merged = OperatorRegistry::new();
    for name in &args.with {
        merged.merge(source::select(name, None, plugins)?);
    }
    let plan = planned(args.manifest.as_deref(), &overrides(args)?, plugins)?;
    for spec in &plan.runs {
        let found = capture(spec, plugins)?;
        source::tell(&run_id(spec), &found);
        merged.merge(found.registry);
    }
    write(&args.out, &merged).map_err(CliError::failed)?;
    eprintln!("{}: {} entries", args.out.display(), merged.len());
    Ok(())
}

fn capture(spec: &RunSpec, plugins: &Plugins) -> Result<Extraction, CliError> {
    let model = plugins.models.find(&spec.model).map_err(CliError::usage)?;
    let settings = Settings::new(spec.settings.clone());
    let wrong = |e: &dyn std::fmt::Display| CliError::usage(format!("model {}: {e}", spec.model));
    let graph = build(model, spec, &settings).map_err(CliError::usage)?;
    let policy = settings.find::<CompositePolicy>("composites");
    let policy = policy.map_err(CliError::usage)?.unwrap_or_default();
    // A description or a manifest may hold what only a run reads.
    for key in ["tokenizer", "preprocessor"] {
        settings.find::<String>(key).map_err(CliError::usage)?;
    }
    settings.finish().map_err(CliError::usage)?;
    let occasion = Occasion {
        model: spec.model.clone(),
        domain: model.plugin.domain(),
        batch: spec.batch,
        seq: spec.seq,
        image: spec.image,
    };
    from_graph(&graph, &occasion, policy).map_err(|e| wrong(&e))
}

fn overrides(args: &CaptureArgs) -> Result<Overrides, CliError> {
    let set = settings(&args.set)?.into_iter();
    let set = set.map(|(key, value)| (key, toml::Value::String(value)));
    Ok(Overrides {
        run: RunTable {
            model: args.model.clone(),
            dtype: args.sizes.dtype.clone(),
            batch: args.sizes.batch.clone(),
            seq: args.sizes.seq.clone(),
            image: args.sizes.image.clone(),
            set: set.collect(),
            ..RunTable::default()
        },
        measure: MeasureTable::default(),
    })
}
