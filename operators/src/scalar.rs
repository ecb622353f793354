//! Numbers in attributes. JSON has no infinities, so these are stored as strings.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Stored {
    Finite(f64),
    Other(Special),
}

#[derive(Serialize, Deserialize)]
enum Special {
    #[serde(rename = "inf")]
    Inf,
    #[serde(rename = "-inf")]
    NegInf,
    #[serde(rename = "nan")]
    Nan,
}

impl From<f64> for Stored {
    fn from(value: f64) -> Self {
        match value {
            _ if value.is_nan() => Stored::Other(Special::Nan),
            f64::INFINITY => Stored::Other(Special::Inf),
            f64::NEG_INFINITY => Stored::Other(Special::NegInf),
            finite => Stored::Finite(finite),
        }
    }
}

impl From<Stored> for f64 {
    fn from(value: Stored) -> Self {
        match value {
            Stored::Finite(finite) => finite,
            Stored::Other(Special::Inf) => f64::INFINITY,
            Stored::Other(Special::NegInf) => f64::NEG_INFINITY,
            Stored::Other(Special::Nan) => f64::NAN,
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
pub(crate) fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    Stored::from(*value).serialize(serializer)
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Stored::deserialize(deserializer).map(f64::from)
}

/// The same for optional numbers.
pub(crate) mod option {
    use super::{Deserialize, Deserializer, Serialize, Serializer, Stored};

    #[expect(clippy::ref_option, reason = "serde's signature")]
    pub(crate) fn serialize<S: Serializer>(
        value: &Option<f64>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        value.map(Stored::from).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<f64>, D::Error> {
        Ok(Option::<Stored>::deserialize(deserializer)?.map(f64::from))
    }
}
