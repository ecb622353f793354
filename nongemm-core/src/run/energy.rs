//! The energy of a run, or of one operator alone: which sensors there are, and what they give.

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use crate::measure::{
    EnergyPlan, EnergyResult, EnergySetup, Meters, Mode, Monotonic, Recorder, measure_energy,
};
use crate::plugin::{Availability, EnergyMeter, Plugins, Quantity, Session};
use crate::record::{Energy, RunRecord};

/// Opens the energy sensors of all probes; with why the others have none.
pub fn open(plugins: &Plugins) -> (Meters, Vec<String>) {
    let mut open: Vec<(String, Box<dyn EnergyMeter>)> = Vec::new();
    let mut reasons = Vec::new();
    for entry in plugins.probes.iter() {
        let probe = entry.plugin;
        let id = probe.id();
        if !probe.quantities().contains(&Quantity::EnergyJ) {
            continue;
        }
        match entry.act(|probe| probe.check()) {
            Availability::Missing { reason, .. } => reasons.push(format!("{id}: {reason}")),
            Availability::Ready { .. } => match entry.act(|probe| probe.energy()) {
                Ok(Some(meter)) => open.push((id.to_owned(), meter)),
                Ok(None) => {}
                Err(error) => reasons.push(format!("{error:#}")),
            },
        }
    }
    (Meters::new(open), reasons)
}

/// Measures the energy of a session into its record. Without a sensor this takes no time.
///
/// # Errors
/// When the session fails.
pub(super) fn measure(
    plugins: &Plugins,
    session: &mut dyn Session,
    interrupted: &AtomicBool,
    phase: &mut dyn FnMut(&str),
    record: &mut RunRecord,
) -> anyhow::Result<()> {
    let (mut meters, mut reasons) = open(plugins);
    if !meters.is_empty() {
        phase("measuring energy");
        let clock = Monotonic::new();
        let setup = EnergySetup {
            plan: EnergyPlan::default(),
            clock: &clock,
            pause: &std::thread::sleep,
            interrupted,
        };
        let mut recorder = Recorder::new(&clock, Mode::Off, 0);
        let mut infer = || session.run(&mut recorder);
        let EnergyResult { rows, left_out } = measure_energy(&mut meters, &setup, &mut infer)?;
        if !rows.is_empty() {
            record.energy = Some(Energy::Measured(rows));
            record.energy_left_out = left_out;
            return Ok(());
        }
        reasons.extend(left_out);
    }
    record.energy = Some(Energy::Unavailable {
        unavailable: unavailable(&reasons),
    });
    Ok(())
}

/// Why there is no energy: what each probe says, or that there is none.
pub fn unavailable(reasons: &[String]) -> String {
    match reasons {
        [] => "no probe in this binary measures energy".to_owned(),
        reasons => reasons.join("; "),
    }
}

/// Windows for one operator of many: shorter ones than for a model, but none that holds fewer updates of a
/// sensor.
pub const ALONE: EnergyPlan = EnergyPlan {
    window: Duration::from_secs(1),
    idle: Duration::from_millis(500),
    longest: Duration::from_secs(10),
    windows: 2,
    calls: 1,
    poll: Duration::from_millis(10),
    background: true,
};

/// Measures the energy of a session of one operator, `calls` of which follow each other without a look at
/// the clock.
///
/// # Errors
/// When the session fails.
pub(super) fn alone(
    session: &mut dyn Session,
    meters: &mut Meters,
    plan: EnergyPlan,
    calls: u64,
    interrupted: &AtomicBool,
) -> anyhow::Result<EnergyResult> {
    let clock = Monotonic::new();
    let setup = EnergySetup {
        plan: EnergyPlan { calls, ..plan },
        clock: &clock,
        pause: &std::thread::sleep,
        interrupted,
    };
    let mut recorder = Recorder::new(&clock, Mode::Off, 0);
    measure_energy(meters, &setup, &mut || session.run(&mut recorder))
}
