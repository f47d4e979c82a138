//! `lunas customers`.

mod import;
mod row;
mod show;

pub(crate) use import::import;
pub(crate) use show::show;
