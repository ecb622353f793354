//! How much the times of operators vary from one process to the next, judged by their peers.
//!
//! With one record a side, nothing but the operators themselves tells: most of them did not change, so what the
//! changes of many have in common is that variation. It is large (an addition can take ten times as long where
//! memory lies badly) and depends on how long an operator takes, so peers are those of similar length. With
//! repetitions an operator has a variance of its own, from very few values; where it is smaller than that of most
//! of its peers, that is taken for luck.

use nongemm_core::stats;

use super::judge::{Contrast, Variance};

/// Fewer peers tell nothing.
const FEWEST: usize = 8;

/// Degrees of freedom of what peers tell: their changes have heavier tails than a normal distribution.
const FREEDOM: f64 = 4.0;

/// An operator, or equal ones together.
#[derive(Clone, Copy)]
pub(super) struct Member {
    /// How long it takes, about.
    pub(super) ns: f64,
    /// Members of one kind are no peers of each other: they change together.
    pub(super) kind: usize,
    /// How it changed; `None` if only one side has it.
    pub(super) contrast: Option<Contrast>,
}

/// For each member the variance of its change by its nearest peers, `window` at most; `None` for too few.
pub(super) fn variances(members: &[Member], window: usize) -> Vec<Option<Variance>> {
    let mut order: Vec<usize> = (0..members.len())
        .filter(|&i| members[i].contrast.is_some())
        .collect();
    order.sort_by(|&a, &b| members[a].ns.total_cmp(&members[b].ns));
    let mut found = vec![None; members.len()];
    for (rank, &index) in order.iter().enumerate() {
        let peers = nearest(members, &order, rank, window);
        found[index] = spread(&peers);
    }
    found
}

/// The members of other kinds that are next in length, half of them shorter where there are as many.
fn nearest(members: &[Member], order: &[usize], rank: usize, window: usize) -> Vec<Contrast> {
    let own = members[order[rank]].kind;
    let others = |&&i: &&usize| members[i].kind != own;
    let shorter = order[..rank].iter().rev().filter(others);
    let shorter: Vec<usize> = shorter.take(window).copied().collect();
    let longer = order[rank..].iter().filter(others);
    let longer: Vec<usize> = longer.take(window).copied().collect();
    let below = shorter
        .len()
        .min((window / 2).max(window.saturating_sub(longer.len())));
    let above = longer.len().min(window - below);
    let chosen = shorter[..below].iter().chain(&longer[..above]);
    chosen.filter_map(|&i| members[i].contrast).collect()
}

/// The variance that changes of peers have, or that their repetitions have where there are some.
fn spread(peers: &[Contrast]) -> Option<Variance> {
    if peers.len() < FEWEST {
        return None;
    }
    let repeated: Vec<f64> = peers
        .iter()
        .filter_map(|peer| Some(peer.between?.value * peer.per_record))
        .collect();
    let changes: Vec<f64> = peers.iter().map(|peer| peer.difference).collect();
    let value = match repeated.is_empty() {
        // All of it, the far ones too: that some operators change a lot for no reason is what must be known here.
        true => scatter(&changes)?.value,
        false => stats::median(&repeated)?,
    };
    Some(Variance {
        value,
        freedom: FREEDOM,
    })
}

/// The variance of a change that its own records give, but never less than `floor`. Without repetitions and
/// without a floor nothing is known of the variation between processes: `None`.
pub(super) fn at_least(contrast: &Contrast, floor: Option<Variance>) -> Option<Variance> {
    let own = contrast.variance();
    match (own, floor) {
        (Some(own), Some(floor)) if floor.value > own.value => Some(Variance {
            value: floor.value,
            freedom: match contrast.between {
                Some(_) => own.freedom.max(floor.freedom),
                None => floor.freedom,
            },
        }),
        (Some(own), Some(_)) => Some(own),
        (Some(own), None) if contrast.between.is_some() => Some(own),
        _ => None,
    }
}

/// The larger of two variances.
pub(super) fn larger(a: Option<Variance>, b: Option<Variance>) -> Option<Variance> {
    match (a, b) {
        (Some(a), Some(b)) => Some(if b.value > a.value { b } else { a }),
        (a, b) => a.or(b),
    }
}

/// The variance of equal values, from how they scatter; `None` for fewer than four.
pub(super) fn scatter(values: &[f64]) -> Option<Variance> {
    if values.len() < 4 {
        return None;
    }
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let squares: f64 = values.iter().map(|x| (x - mean).powi(2)).sum();
    let freedom = (values.len() - 1) as f64;
    Some(Variance {
        value: squares / freedom,
        freedom,
    })
}
