//! demo

pub mod idp;
mod people;
