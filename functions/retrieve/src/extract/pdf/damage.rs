//! Packed streams that are damaged. The library reads past it with what it has: half a page, or other digits.

use flate2::{Decompress, FlushDecompress, Status};
use lopdf::Stream;

use crate::extract::ExtractError;

/// Output that is looked at, and thrown away, at a time.
const STRETCH: usize = 1 << 15;
/// Of the packing's own head.
const HEAD: usize = 2;

/// How packed bytes end.
#[derive(PartialEq, Eq)]
enum End {
    Whole,
    /// There should be more.
    Cut,
    Damaged,
}

/// Refuses a stream that is packed once and does not unpack to its end, or not to what its checksum says. Some writers leave out
/// the checksum. It was unpacked before, within bounds.
pub(super) fn check(stream: &Stream) -> Result<(), ExtractError> {
    let packed = &stream.content;
    let is_flate = stream.filters().is_ok_and(|filters| filters == [b"FlateDecode"]);
    let is_whole = || match end(packed, true) {
        End::Cut => packed.get(HEAD..).is_some_and(|packed| end(packed, false) == End::Whole),
        end => end == End::Whole,
    };
    if !is_flate || packed.is_empty() || is_whole() { Ok(()) } else { Err(ExtractError::Corrupt) }
}

fn end(packed: &[u8], with_checksum: bool) -> End {
    let mut inflate = Decompress::new(with_checksum);
    let (mut rest, mut scratch) = (packed, vec![0; STRETCH]);
    loop {
        let (taken, given) = (inflate.total_in(), inflate.total_out());
        match inflate.decompress(rest, &mut scratch, FlushDecompress::None) {
            Err(_) => return End::Damaged,
            Ok(Status::StreamEnd) => return End::Whole,
            Ok(_) if (inflate.total_in(), inflate.total_out()) == (taken, given) => return End::Cut,
            Ok(_) => rest = &rest[usize::try_from(inflate.total_in() - taken).unwrap_or(rest.len())..],
        }
    }
}
