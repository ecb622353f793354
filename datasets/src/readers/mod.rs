//! Datasets: one file each.

mod images;
mod sample;

pub use images::ImageFolder;
pub use sample::SampleData;
