//! How the time of a run divides: GEMM, mixed, everything else, and what no operator accounts for.

use nongemm_core::op::OpGroup;
use nongemm_core::record::{GroupShare, RunRecord, UNATTRIBUTED};

/// One group of a run.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct GroupLine<'a> {
    /// Its spelling in the record.
    pub(crate) name: &'a str,
    /// The group, where this build knows it.
    pub(crate) group: Option<OpGroup>,
    /// Its time.
    pub(crate) time: GroupShare,
}

impl GroupLine<'_> {
    /// Whether it is a non-GEMM group: everything but `gemm` and `mixed`.
    pub(crate) fn is_non_gemm(&self) -> bool {
        !matches!(self.group, Some(OpGroup::Gemm | OpGroup::Mixed))
    }
}

/// The groups of a run: `gemm`, `mixed`, then the others by time.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Breakdown<'a> {
    /// Every group with operators.
    pub(crate) groups: Vec<GroupLine<'a>>,
    /// Time between the operators.
    pub(crate) unattributed: Option<GroupShare>,
}

impl<'a> Breakdown<'a> {
    /// The breakdown of a run; `None` if it has none.
    pub(crate) fn of(run: &'a RunRecord) -> Option<Self> {
        let mut groups: Vec<GroupLine<'a>> = run
            .groups
            .iter()
            .filter(|(name, _)| *name != UNATTRIBUTED)
            .map(|(name, time)| GroupLine {
                name,
                group: OpGroup::ALL.into_iter().find(|group| group.name() == name),
                time: *time,
            })
            .collect();
        groups.sort_by(|a, b| {
            let rank = |line: &GroupLine<'_>| match line.group {
                Some(OpGroup::Gemm) => 0,
                Some(OpGroup::Mixed) => 1,
                _ => 2,
            };
            let by_time = b.time.ns.total_cmp(&a.time.ns);
            rank(a).cmp(&rank(b)).then(by_time).then(a.name.cmp(b.name))
        });
        (!run.groups.is_empty()).then(|| Breakdown {
            groups,
            unattributed: run.groups.get(UNATTRIBUTED).copied(),
        })
    }

    fn sum(&self, of: impl Fn(&GroupLine<'a>) -> bool) -> GroupShare {
        let mut sum = GroupShare {
            ns: 0.0,
            share: 0.0,
            count: 0,
        };
        for line in self.groups.iter().filter(|line| of(line)) {
            sum.ns += line.time.ns;
            sum.share += line.time.share;
            sum.count += line.time.count;
        }
        sum
    }

    /// Time of GEMM operators.
    pub(crate) fn gemm(&self) -> GroupShare {
        self.sum(|line| line.group == Some(OpGroup::Gemm))
    }

    /// Time of fused steps that hold a GEMM and something else.
    pub(crate) fn mixed(&self) -> GroupShare {
        self.sum(|line| line.group == Some(OpGroup::Mixed))
    }

    /// Time of all other operators. `unattributed` is not among them.
    pub(crate) fn non_gemm(&self) -> GroupShare {
        self.sum(GroupLine::is_non_gemm)
    }

    /// The non-GEMM group that takes most time.
    pub(crate) fn top_non_gemm(&self) -> Option<&GroupLine<'a>> {
        self.groups.iter().find(|line| line.is_non_gemm())
    }
}
