//! What all five functions share.
