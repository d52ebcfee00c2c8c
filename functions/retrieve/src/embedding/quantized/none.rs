//! Where there are no such instructions.

use super::Quantized;

/// Cannot exist here.
#[derive(Clone, Copy, Debug)]
pub(in super::super) enum Vnni {}

impl Vnni {
    pub(in super::super) fn detected() -> Option<Self> {
        None
    }

    pub(in super::super) fn product(self, _: &mut [f32], _: bool, _: &[f32], _: &Quantized) {
        match self {}
    }
}
