//! Where there are no such instructions.

use super::{Digits, LANES, Quantized};

/// A word for each of as many outputs as there are lanes.
pub(super) type Register = [i32; LANES];

/// Cannot exist here.
#[derive(Clone, Copy, Debug)]
pub(in super::super) enum Vnni {}

/// There are none here.
pub(in super::super) type Packed = Vec<i32>;

impl Vnni {
    pub(in super::super) fn detected(_: Digits) -> Option<Self> {
        None
    }

    pub(in super::super) fn digits(self) -> Digits {
        match self {}
    }

    pub(in super::super) fn pack(self, _: &[f32], _: usize) -> Packed {
        match self {}
    }

    pub(in super::super) fn product(self, _: &mut [f32], _: bool, _: &Packed, _: &Quantized) {
        match self {}
    }
}
